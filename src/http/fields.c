/* SPDX-License-Identifier: BSD-2-Clause */
/* Known fields and methods by name, byte classes, and walking a message's fields and lists. */
#include "http/write.h"

#include "base/check.h"
#include "http/scan.h"

/* Names of the flags as the rows of tbl/fields.h write them. */
enum {
	HOP = HTTP_FIELD_IS_HOP,
	LIST = HTTP_FIELD_IS_LIST,
	SINGLE = HTTP_FIELD_IS_SINGLE,
	NOTRAILER = HTTP_FIELD_IS_NOTRAILER,
	OWN = HTTP_FIELD_IS_OWN,
};

enum { LONGEST_NAME = 24, SLOTS = 256 };

struct row {
	struct str text;
	uint8_t flags;
};

static const struct row rows[HTTP_FIELD_COUNT] = {
#define FIELD(id, text, flags) [HTTP_FIELD_##id] = {{text, sizeof(text) - 1}, flags},
#include "tbl/fields.h"
#undef FIELD
};

#define FIELD(id, text, flags)                                                                     \
	_Static_assert(sizeof(text) - 1 <= LONGEST_NAME, "widen LONGEST_NAME");
#include "tbl/fields.h"
#undef FIELD
_Static_assert(HTTP_FIELD_COUNT < SLOTS / 2, "the table of names is too full");

/* Lower-case names with their lengths, compared a word at a time. */
static struct known {
	char lower[LONGEST_NAME];
	uint8_t n;
} known[HTTP_FIELD_COUNT];

/* Open hash table of ids; 0 is a free slot. */
static uint8_t slots[SLOTS];

/*
 * Length, first, middle and last byte tell the known names apart; case is folded away. The factors
 * were found by trial: with today's rows no two names share a slot (more rows only make it slower).
 */
static inline unsigned slot_of(const char *p, size_t n)
{
	const unsigned first = (uint8_t)p[0] | 0x20u;
	const unsigned middle = (uint8_t)p[n / 2] | 0x20u;
	const unsigned last = (uint8_t)p[n - 1] | 0x20u;

	return (first * 49 + middle * 11 + last * 51 + (unsigned)n * 43) % SLOTS;
}

/* Before main(), so that the table is constant for everybody who can look. */
__attribute__((constructor)) static void fill_table(void)
{
	for (unsigned id = 1; id < HTTP_FIELD_COUNT; id++) {
		const struct str text = rows[id].text;
		unsigned slot = slot_of(text.p, text.n);

		for (size_t i = 0; i < text.n; i++) {
			ASSERT(text.p[i] == '-' || ascii_lower(text.p[i]) >= 'a');
			known[id].lower[i] = ascii_lower(text.p[i]);
		}
		known[id].n = (uint8_t)text.n;
		while (slots[slot])
			slot = (slot + 1) % SLOTS;
		slots[slot] = (uint8_t)id;
	}
}

/*
 * Are the <n> bytes at <p> this name? Setting bit 5 folds letters and leaves '-' alone; the one
 * other byte that would become '-' is CR, which no caller lets through.
 */
static inline bool is_known(const struct known *k, const char *p, size_t n)
{
	const uint64_t fold = UINT64_C(0x2020202020202020);

	if (k->n != n)
		return false;
	if (n >= 8)
		return (load64(p) | fold) == load64(k->lower) &&
		       (load64(p + n - 8) | fold) == load64(k->lower + n - 8) &&
		       (n <= 16 || (load64(p + 8) | fold) == load64(k->lower + 8));
	if (n >= 4)
		return (load32(p) | (uint32_t)fold) == load32(k->lower) &&
		       (load32(p + n - 4) | (uint32_t)fold) == load32(k->lower + n - 4);
	for (size_t i = 0; i < n; i++)
		if ((p[i] | 0x20) != k->lower[i])
			return false;
	return true;
}

enum http_field_id http_field_lookup_clean(struct str name)
{
	unsigned slot = slot_of(name.p, name.n);

	for (; slots[slot]; slot = (slot + 1) % SLOTS)
		if (is_known(&known[slots[slot]], name.p, name.n))
			return slots[slot];
	return HTTP_FIELD_OTHER;
}

enum http_field_id http_field_lookup(struct str name)
{
	return http_is_token(name) ? http_field_lookup_clean(name) : HTTP_FIELD_OTHER;
}

unsigned http_field_flags(enum http_field_id id)
{
	ASSERT((unsigned)id < HTTP_FIELD_COUNT);
	return rows[id].flags;
}

struct str http_field_text(enum http_field_id id)
{
	ASSERT((unsigned)id < HTTP_FIELD_COUNT);
	return rows[id].text;
}

static const struct {
	struct str text;
	bool safe, idempotent;
} methods[HTTP_METHOD_COUNT] = {
#define METHOD(id, text, safe, idempotent)                                                         \
	[HTTP_METHOD_##id] = {{text, sizeof(text) - 1}, safe, idempotent},
#include "tbl/methods.h"
#undef METHOD
};

enum http_method http_method_lookup(struct str text)
{
	for (unsigned i = 1; i < HTTP_METHOD_COUNT; i++)
		if (str_eq(methods[i].text, text)) /* methods are case-sensitive, RFC 9110 9.1 */
			return i;
	return HTTP_METHOD_OTHER;
}

struct str http_method_text(enum http_method m)
{
	ASSERT((unsigned)m < HTTP_METHOD_COUNT);
	return methods[m].text;
}

bool http_method_safe(enum http_method m)
{
	ASSERT((unsigned)m < HTTP_METHOD_COUNT);
	return methods[m].safe;
}

bool http_method_idempotent(enum http_method m)
{
	ASSERT((unsigned)m < HTTP_METHOD_COUNT);
	return methods[m].idempotent;
}

bool http_is_token(struct str s)
{
	return s.n > 0 && scan_class(s.p, s.p + s.n, HTTP_C_TOKEN) == s.n;
}

bool http_is_value(struct str s)
{
	if (s.n == 0)
		return true;
	return !is_ows(s.p[0]) && !is_ows(s.p[s.n - 1]) && scan_line(s.p, s.p + s.n) == s.p + s.n;
}

struct http_field *http_find_next(const struct http_msg *m, const struct http_field *f)
{
	struct http_field *end = m->fields + m->n_fields;

	for (struct http_field *next = m->fields + (f - m->fields) + 1; next < end; next++)
		if (next->id == f->id)
			return next;
	return NULL;
}

struct http_field *http_find_name(const struct http_msg *m, struct str name,
				  const struct http_field *after)
{
	struct http_field *f = m->fields + (after ? after - m->fields + 1 : 0);

	for (; f < m->fields + m->n_fields; f++)
		if (str_ieq(http_field_name(m, f), name))
			return f;
	return NULL;
}

/* Length of the member at the front: up to a comma outside quotes. */
static size_t member_n(struct str s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '\\' && quoted)
			i++;
		else if (s.p[i] == ',' && !quoted)
			return i;
	}
	return s.n;
}

bool http_list_next(struct str *rest, struct str *out_member)
{
	while (rest->n) {
		const size_t n = member_n(*rest);
		const struct str member = str_trim(str_of(rest->p, n));
		const size_t used = MIN(n + 1, rest->n);

		*rest = str_of(rest->p + used, rest->n - used);
		if (member.n) {
			*out_member = member;
			return true;
		}
	}
	return false;
}

bool http_list_has(const struct http_msg *m, enum http_field_id id, struct str token)
{
	struct str rest, member;

	for (const struct http_field *f = http_find(m, id); f; f = http_find_next(m, f)) {
		rest = http_field_value(m, f);
		while (http_list_next(&rest, &member)) {
			const char *end = scan_byte(member.p, member.p + member.n, ';');

			if (str_ieq(str_trim(str_of(member.p, (size_t)(end - member.p))), token))
				return true;
		}
	}
	return false;
}
