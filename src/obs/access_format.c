/* SPDX-License-Identifier: BSD-2-Clause */
#include "obs/access_format.h"

#include <stdlib.h>

#include "base/check.h"

enum field_type {
	TYPE_text = 1,
	TYPE_size,
	TYPE_count,
	TYPE_stamp,
	TYPE_seconds,
	TYPE_flag,
};

/* How a text or a time stamp is written. */
enum style {
	STYLE_JSON = 1, /* a JSON string; absent: the whole operation is left out */
	STYLE_BARE,	/* escaped, no quotes; absent: - */
	STYLE_QUOTED,	/* escaped, in quotes; absent: "-" */
	STYLE_COLUMN,	/* quoted only if it has to be; absent: - */
	STYLE_CLF,	/* Apache's time stamp */
};

enum {
	BEFORE_MAX = 32, /* longest constant text */
	FIXED_MAX = 48,	 /* longest field but a text, quotes included */
	ESCAPED_MAX = 6, /* bytes that one byte may become */
	SLACK = 16,	 /* buf_json asks for more room than it uses */
};

struct access_op {
	uint8_t type;		 /* enum field_type */
	uint8_t style;		 /* enum style */
	uint16_t offset;	 /* of the field in struct access_rec */
	uint16_t before_n;	 /* constant text written first: its length */
	char before[BEFORE_MAX]; /* and the text */
	uint32_t reserve; /* bytes that this and all later operations may need for anything but
			      the contents of texts */
};

static const struct field {
	const char *name;
	uint8_t type;
	uint16_t offset;
} fields_known[] = {
#define LOGFIELD(id, type, help) {#id, TYPE_##type, offsetof(struct access_rec, id)},
#include "tbl/logfields.h"
#undef LOGFIELD
};

const struct access_rec access_rec_empty = {
#define LOGFIELD(id, type, help) .id = ACCESS_ABSENT_##type,
#include "tbl/logfields.h"
#undef LOGFIELD
};

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < COUNTOF(fields_known); i++)
		if (strcmp(fields_known[i].name, name) == 0)
			return &fields_known[i];
	return NULL;
}

bool access_field_known(const char *name)
{
	return find_field(name) != NULL;
}

/* ---- compiling ---- */

static void add_op(struct access_plan *plan, const char *before, const struct field *field,
		   enum style style)
{
	struct access_op *op = &plan->ops[plan->n_ops++];

	ASSERT(field != NULL);
	*op = (struct access_op){.style = style, .type = field->type, .offset = field->offset};
	op->before_n = (uint16_t)strlen(before);
	ASSERT(op->before_n <= BEFORE_MAX);
	memcpy(op->before, before, op->before_n);
}

static void add_json(struct access_plan *plan, const struct field *field)
{
	char before[BEFORE_MAX + 1];
	struct buf b = {.p = before, .size = sizeof(before), .cap = sizeof(before)};

	buf_c(&b, ",\"");
	buf_c(&b, field->name);
	buf_add(&b, "\":", 3);
	buf_char(&b, '\0');
	ASSERT(b.error == 0);
	add_op(plan, before, field, STYLE_JSON);
}

static void add_combined(struct access_plan *plan)
{
	static const struct {
		const char *before, *field;
		enum style style;
	} parts[] = {
		{"", "client", STYLE_BARE},	   {" - - [", "time", STYLE_CLF},
		{"] \"", "method", STYLE_BARE},	   {" ", "target", STYLE_BARE},
		{" ", "protocol", STYLE_BARE},	   {"\" ", "status", STYLE_BARE},
		{" ", "bytes_out", STYLE_BARE},	   {" ", "referer", STYLE_QUOTED},
		{" ", "user_agent", STYLE_QUOTED},
	};

	for (size_t i = 0; i < COUNTOF(parts); i++)
		add_op(plan, parts[i].before, find_field(parts[i].field), parts[i].style);
}

/* How much each operation must leave to those behind it. */
static void add_reserves(struct access_plan *plan)
{
	uint32_t reserve = SLACK;

	for (size_t i = plan->n_ops; i-- > 0;) {
		reserve += plan->ops[i].before_n + FIXED_MAX;
		plan->ops[i].reserve = reserve;
	}
	ASSERT(reserve < ACCESS_LINE_MAX / 2);
}

static int add_named(struct access_plan *plan, const char *const *fields, size_t n_fields,
		     size_t *out_bad)
{
	for (size_t i = 0; i < n_fields; i++) {
		const struct field *field = find_field(fields[i]);
		if (!field) {
			*out_bad = i;
			return ERR_MISSING;
		}
		if (plan->format == ACCESS_JSON)
			add_json(plan, field);
		else
			add_op(plan, i ? " " : "", field, STYLE_COLUMN);
	}
	return 0;
}

int access_plan_init(struct access_plan *plan, enum access_format format, const char *const *fields,
		     size_t n_fields, size_t *out_bad)
{
	if (n_fields > COUNTOF(fields_known)) {
		*out_bad = COUNTOF(fields_known);
		return ERR_LIMIT;
	}
	*plan = (struct access_plan){.format = format};
	plan->ops = calloc(COUNTOF(fields_known) + 1, sizeof(*plan->ops));
	if (!plan->ops)
		return ERR_NOMEM;
	int rc = 0;
	if (format == ACCESS_COMBINED)
		add_combined(plan);
	else if (n_fields > 0)
		rc = add_named(plan, fields, n_fields, out_bad);
	else
		for (size_t i = 0; i < COUNTOF(fields_known); i++)
			if (format == ACCESS_JSON)
				add_json(plan, &fields_known[i]);
			else
				add_op(plan, i ? " " : "", &fields_known[i], STYLE_COLUMN);
	if (rc)
		access_plan_fini(plan);
	else
		add_reserves(plan);
	return rc;
}

void access_plan_fini(struct access_plan *plan)
{
	free(plan->ops);
	plan->ops = NULL;
	plan->n_ops = 0;
}

/* ---- numbers ---- */

static char *put_u64(char *out, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	memcpy(out, digits + at, sizeof(digits) - at);
	return out + sizeof(digits) - at;
}

/* Seconds with six decimals. */
static char *put_seconds(char *out, int64_t ns)
{
	uint32_t us = (uint32_t)(ns % NS_PER_S / NS_PER_US);

	out = put_u64(out, (uint64_t)(ns / NS_PER_S));
	*out = '.';
	for (int i = 6; i > 0; i--) {
		out[i] = (char)('0' + us % 10);
		us /= 10;
	}
	return out + 7;
}

/* ---- texts ---- */

/* Non-zero if any of the eight bytes has to be escaped in JSON: all but 0x20..0x7e without quote
 * and backslash. A borrow can only come from a byte that is odd itself. */
static uint64_t odd_bytes(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t below = (x - ones * 0x20) & ~x;
	uint64_t quote = x ^ ones * '"', slash = x ^ ones * '\\', del = x ^ ones * 0x7f;

	quote = (quote - ones) & ~quote;
	slash = (slash - ones) & ~slash;
	del = (del - ones) & ~del;
	return (x | below | quote | slash | del) & ones << 7;
}

static bool odd_byte(unsigned char c)
{
	return c < 0x20 || c >= 0x7f || c == '"' || c == '\\';
}

/* Copies what needs no escape, eight bytes at a time; returns how many bytes went well (maybe a few
 * less than could). */
static size_t copy_plain(char *out, const char *p, size_t n)
{
	uint64_t x;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		memcpy(&x, p + i, 8);
		if (odd_bytes(x))
			return i;
		memcpy(out + i, &x, 8);
	}
	if (i < n && n >= 8) { /* the last eight once more, rather than byte by byte */
		memcpy(&x, p + n - 8, 8);
		if (odd_bytes(x))
			return i;
		memcpy(out + n - 8, &x, 8);
		return n;
	}
	for (; i < n && !odd_byte((unsigned char)p[i]); i++)
		out[i] = p[i];
	return i;
}

static char *put_json(char *out, struct str s)
{
	out[0] = '"';
	size_t n = copy_plain(out + 1, s.p, s.n);
	if (LIKELY(n == s.n)) {
		out[n + 1] = '"';
		return out + n + 2;
	}
	/* The caller made sure that the room is enough, so this buffer never grows. */
	size_t room = s.n * ESCAPED_MAX + SLACK;
	struct buf b = {.p = out, .size = room, .cap = room};
	buf_json(&b, s);
	ASSERT(b.error == 0);
	return out + b.n;
}

/* Quote, backslash and everything beyond printable ASCII as \x41. */
static char *put_escaped(char *out, struct str s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n;) {
		size_t n = copy_plain(out, s.p + i, s.n - i);
		out += n;
		i += n;
		if (i == s.n)
			break;
		/* copy_plain stops at the beginning of a word: the byte itself may be fine. */
		unsigned char c = (unsigned char)s.p[i++];
		if (!odd_byte(c)) {
			*out++ = (char)c;
			continue;
		}
		memcpy(out, "\\x", 2);
		out[2] = hex[c >> 4];
		out[3] = hex[c & 15];
		out += 4;
	}
	return out;
}

static bool needs_quotes(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == '"' || s.p[i] == '\\')
			return true;
	return s.n == 1 && s.p[0] == '-';
}

static char *put_text(char *out, struct str s, enum style style)
{
	if (style == STYLE_JSON)
		return put_json(out, s);
	if (style == STYLE_BARE || (style == STYLE_COLUMN && !needs_quotes(s)))
		return put_escaped(out, s);
	*out++ = '"';
	out = put_escaped(out, s);
	*out++ = '"';
	return out;
}

/* As much of <s> as fits into <room> whatever its bytes are, whole characters. */
static struct str cut_text(struct str s, size_t room)
{
	size_t n = room / ESCAPED_MAX;

	while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_of(s.p, n);
}

/* A text that may have to be cut: <room> bytes are free for its escaped contents. */
static char *put_text_within(char *out, struct str s, enum style style, size_t room)
{
	if (LIKELY(s.n <= room / ESCAPED_MAX))
		return put_text(out, s, style);
	out = put_text(out, cut_text(s, room), style);
	bool quote = out[-1] == '"';
	if (quote)
		out--;
	memcpy(out, "...", 3);
	out += 3;
	if (quote)
		*out++ = '"';
	return out;
}

static char *put_absent(char *out, enum style style)
{
	if (style == STYLE_QUOTED) {
		memcpy(out, "\"-\"", 3);
		return out + 3;
	}
	*out = '-';
	return out + 1;
}

/* ---- one field ---- */

static char *put_stamp(struct access_plan *plan, char *out, int64_t wall, enum style style)
{
	if (style == STYLE_CLF) {
		stamp_clf(&plan->stamp, wall, out);
		return out + STAMP_CLF_N;
	}
	if (style == STYLE_JSON)
		*out++ = '"';
	stamp_rfc3339(&plan->stamp, wall, out);
	out += STAMP_RFC3339_N;
	if (style == STYLE_JSON)
		*out++ = '"';
	return out;
}

static char *put_flag(char *out, bool flag)
{
	size_t n = flag ? 4 : 5;

	memcpy(out, flag ? "true" : "false", n);
	return out + n;
}

/* Writes the field's value; NULL if it is absent. */
static char *put_field(struct access_plan *plan, const struct access_op *op, const void *field,
		       char *out, const char *end)
{
	const struct str *text;
	int64_t number;

	switch ((enum field_type)op->type) {
	case TYPE_text:
		text = field;
		return text->n == 0 ? NULL
				    : put_text_within(out, *text, (enum style)op->style,
						      (size_t)(end - out) - op->reserve);
	case TYPE_size:
		return put_u64(out, *(const uint64_t *)field);
	case TYPE_count:
		number = *(const uint32_t *)field;
		return number == 0 ? NULL : put_u64(out, (uint64_t)number);
	case TYPE_stamp:
		return put_stamp(plan, out, *(const int64_t *)field, (enum style)op->style);
	case TYPE_seconds:
		number = *(const int64_t *)field;
		return number < 0 ? NULL : put_seconds(out, number);
	case TYPE_flag:
		number = *(const int8_t *)field;
		return number < 0 ? NULL : put_flag(out, number != 0);
	}
	return NULL;
}

size_t access_plan_line(struct access_plan *plan, const struct access_rec *rec, char *out)
{
	const char *end = out + ACCESS_LINE_MAX;
	char *p = out;

	for (const struct access_op *op = plan->ops; op < plan->ops + plan->n_ops; op++) {
		const void *field = (const char *)rec + op->offset;
		ASSERT((size_t)(end - p) >= op->reserve);
		memcpy(p, op->before, BEFORE_MAX); /* cheaper than the right length */
		char *value = p + op->before_n;
		char *next = put_field(plan, op, field, value, end);
		if (next)
			p = next;
		else if (op->style != STYLE_JSON)
			p = put_absent(value, (enum style)op->style);
	}
	if (plan->format == ACCESS_JSON) {
		if (p == out)
			p++; /* not even one field */
		*out = '{';  /* instead of the first comma */
		*p++ = '}';
	}
	*p++ = '\n';
	return (size_t)(p - out);
}
