/* SPDX-License-Identifier: BSD-2-Clause */
/* Reader of Structured Fields; the function names follow the algorithms of RFC 9651 4.2. */
#include "http/sf.h"

#include "http/scan.h"

enum { INTEGER_DIGITS = 15, DECIMAL_DIGITS = 12, FRACTION_DIGITS = 3 };

static bool fail(struct sf *sf)
{
	sf->bad = true;
	sf->p = sf->end;
	return false;
}

static bool is_alpha(char c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool is_key_start(char c)
{
	return (c >= 'a' && c <= 'z') || c == '*';
}

static bool is_key(char c)
{
	return is_key_start(c) || ascii_digit(c) || c == '_' || c == '-' || c == '.';
}

static bool at(const struct sf *sf, char c)
{
	return sf->p < sf->end && *sf->p == c;
}

static bool take(struct sf *sf, char c)
{
	if (!at(sf, c))
		return false;
	sf->p++;
	return true;
}

static void skip_sp(struct sf *sf)
{
	while (at(sf, ' '))
		sf->p++;
}

static void skip_ows(struct sf *sf)
{
	while (sf->p < sf->end && is_ows(*sf->p))
		sf->p++;
}

/* RFC 9651 4.2.3.3 */
static bool parse_key(struct sf *sf, struct str *out_key)
{
	const char *start = sf->p;

	if (start == sf->end || !is_key_start(*start))
		return fail(sf);
	while (sf->p < sf->end && is_key(*sf->p))
		sf->p++;
	*out_key = str_of(start, (size_t)(sf->p - start));
	return true;
}

/* Digits onto *<v>; how many there were. Stops behind <max> + 1 of them: the caller refuses that. */
static unsigned take_digits(struct sf *sf, unsigned max, int64_t *v)
{
	unsigned n = 0;

	while (n <= max && sf->p < sf->end && ascii_digit(*sf->p)) {
		*v = *v * 10 + (*sf->p++ - '0');
		n++;
	}
	return n;
}

/* RFC 9651 4.2.4 */
static bool parse_number(struct sf *sf, struct sf_value *out)
{
	const bool negative = take(sf, '-');
	int64_t v = 0;
	const unsigned digits = take_digits(sf, INTEGER_DIGITS, &v);
	enum sf_type type = SF_INTEGER;

	if (digits == 0 || digits > INTEGER_DIGITS)
		return fail(sf);
	if (take(sf, '.')) {
		unsigned fraction =
			digits <= DECIMAL_DIGITS ? take_digits(sf, FRACTION_DIGITS, &v) : 0;

		if (fraction == 0 || fraction > FRACTION_DIGITS)
			return fail(sf);
		for (; fraction < FRACTION_DIGITS; fraction++)
			v *= 10;
		type = SF_DECIMAL;
	}
	*out = (struct sf_value){.type = type, .number = negative ? -v : v};
	return true;
}

/* RFC 9651 4.2.5 */
static bool parse_string(struct sf *sf, struct sf_value *out)
{
	const char *start = ++sf->p;

	for (; sf->p < sf->end; sf->p++) {
		if (*sf->p == '"') {
			*out = (struct sf_value){.type = SF_STRING,
						 .text = str_of(start, (size_t)(sf->p - start))};
			sf->p++;
			return true;
		}
		if (*sf->p == '\\' && (++sf->p == sf->end || (*sf->p != '"' && *sf->p != '\\')))
			return fail(sf);
		if (*sf->p < 0x20 || *sf->p > 0x7e) /* 0x80 and above as well, signed or not */
			return fail(sf);
	}
	return fail(sf);
}

/* RFC 9651 4.2.6 */
static bool parse_token(struct sf *sf, struct sf_value *out)
{
	const char *start = sf->p;

	while (sf->p < sf->end &&
	       (http_is_class(*sf->p, HTTP_C_TOKEN) || *sf->p == ':' || *sf->p == '/'))
		sf->p++;
	*out = (struct sf_value){.type = SF_TOKEN, .text = str_of(start, (size_t)(sf->p - start))};
	return true;
}

/* RFC 9651 4.2.7: padding may be missing, but not be wrong. */
static bool parse_bytes(struct sf *sf, struct sf_value *out)
{
	const char *start = ++sf->p;
	size_t n, pad = 0;

	while (sf->p < sf->end &&
	       (is_alpha(*sf->p) || ascii_digit(*sf->p) || *sf->p == '+' || *sf->p == '/'))
		sf->p++;
	n = (size_t)(sf->p - start);
	while (take(sf, '='))
		pad++;
	if (n % 4 == 1 || pad > 2 || (pad && (n + pad) % 4 != 0))
		return fail(sf);
	*out = (struct sf_value){.type = SF_BYTES, .text = str_of(start, n + pad)};
	return take(sf, ':') || fail(sf);
}

/* RFC 9651 4.2.8 */
static bool parse_boolean(struct sf *sf, struct sf_value *out)
{
	sf->p++;
	if (!at(sf, '0') && !at(sf, '1'))
		return fail(sf);
	*out = (struct sf_value){.type = SF_BOOLEAN, .number = *sf->p++ == '1'};
	return true;
}

/* RFC 9651 4.2.9 */
static bool parse_date(struct sf *sf, struct sf_value *out)
{
	sf->p++;
	if (!parse_number(sf, out) || out->type != SF_INTEGER)
		return fail(sf);
	out->type = SF_DATE;
	return true;
}

/* Two lower-case hex digits at <p>, or -1. */
static int lower_hex(const char *p)
{
	int v = 0;

	for (int i = 0; i < 2; i++) {
		if (ascii_digit(p[i]))
			v = v * 16 + (p[i] - '0');
		else if (p[i] >= 'a' && p[i] <= 'f')
			v = v * 16 + (p[i] - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* One byte of a display string, or -1. */
static int display_byte(struct sf *sf)
{
	int v;

	if (sf->p == sf->end || *sf->p < 0x20 || *sf->p > 0x7e)
		return -1;
	if (*sf->p != '%')
		return *sf->p++;
	if (sf->end - sf->p < 3)
		return -1;
	v = lower_hex(sf->p + 1);
	sf->p += 3;
	return v;
}

/* How many bytes follow the first one of a UTF-8 sequence, or -1. */
static int utf8_more(int first)
{
	if (first < 0x80)
		return 0;
	return first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
}

/* RFC 9651 4.2.10: what is decoded must be UTF-8. */
static bool parse_display(struct sf *sf, struct sf_value *out)
{
	const char *start = sf->p + 2;

	sf->p++;
	if (!take(sf, '"'))
		return fail(sf);
	while (!at(sf, '"')) {
		char bytes[4];
		int c = display_byte(sf), more = c < 0 ? -1 : utf8_more(c);

		if (more < 0)
			return fail(sf);
		bytes[0] = (char)c;
		for (int i = 1; i <= more; i++) {
			c = display_byte(sf);
			if (c < 0x80)
				return fail(sf);
			bytes[i] = (char)c;
		}
		if (str_utf8_len(str_of(bytes, (size_t)more + 1)) != (size_t)more + 1)
			return fail(sf);
	}
	*out = (struct sf_value){.type = SF_DISPLAY,
				 .text = str_of(start, (size_t)(sf->p - start))};
	sf->p++;
	return true;
}

/* RFC 9651 4.2.3.1 */
static bool parse_bare(struct sf *sf, struct sf_value *out)
{
	const char c = sf->p < sf->end ? *sf->p : '\0';

	if (c == '-' || ascii_digit(c))
		return parse_number(sf, out);
	if (c == '*' || is_alpha(c))
		return parse_token(sf, out);
	switch (c) {
	case '"':
		return parse_string(sf, out);
	case ':':
		return parse_bytes(sf, out);
	case '?':
		return parse_boolean(sf, out);
	case '@':
		return parse_date(sf, out);
	case '%':
		return parse_display(sf, out);
	default:
		return fail(sf);
	}
}

/* RFC 9651 4.2.3.2, one step */
bool sf_param_next(struct sf *sf, struct str *out_key, struct sf_value *out_value)
{
	struct sf_value v = {.type = SF_BOOLEAN, .number = 1};
	struct str key;

	if (sf->bad || !sf->params)
		return false;
	if (!take(sf, ';')) {
		sf->params = false;
		return false;
	}
	skip_sp(sf);
	if (!parse_key(sf, &key) || (take(sf, '=') && !parse_bare(sf, &v)))
		return false;
	*out_key = key;
	*out_value = v;
	return true;
}

static void skip_params(struct sf *sf)
{
	struct sf_value v;
	struct str key;

	while (sf_param_next(sf, &key, &v))
		;
}

/* RFC 9651 4.2.1.2, one step */
bool sf_inner_next(struct sf *sf, struct sf_value *out_value)
{
	struct sf_value v;

	if (sf->bad || !sf->inner)
		return false;
	skip_params(sf);
	if (sf->bad || (sf->spaced && !at(sf, ' ') && !at(sf, ')')))
		return fail(sf);
	skip_sp(sf);
	sf->params = true;
	if (take(sf, ')')) {
		sf->inner = false;
		return false;
	}
	if (!parse_bare(sf, &v))
		return false;
	sf->spaced = true;
	*out_value = v;
	return true;
}

/* An item or inner list: the part that has parameters behind it. */
static bool parse_member(struct sf *sf, struct sf_value *out)
{
	if (take(sf, '(')) {
		*out = (struct sf_value){.type = SF_INNER};
		sf->inner = true;
		sf->spaced = false;
		sf->params = false;
		return true;
	}
	sf->params = true;
	return parse_bare(sf, out);
}

/* What the caller left of the member before. */
static void skip_member(struct sf *sf)
{
	struct sf_value v;

	while (sf_inner_next(sf, &v))
		;
	skip_params(sf);
}

void sf_begin(struct sf *sf, struct str text)
{
	*sf = (struct sf){.p = text.p, .end = text.n ? text.p + text.n : text.p};
	skip_sp(sf);
}

void sf_begin_field(struct sf *sf, const struct http_msg *m, const struct http_field *line)
{
	sf_begin(sf, http_field_value(m, line));
	sf->m = m;
	sf->line = line;
}

/* Goes on to the next line of the field; false if there is none. */
static bool next_line(struct sf *sf)
{
	struct str text;

	if (!sf->m)
		return false;
	if (sf->line->id != HTTP_FIELD_OTHER)
		sf->line = http_find_next(sf->m, sf->line);
	else
		sf->line = http_find_name(sf->m, http_field_name(sf->m, sf->line), sf->line);
	if (!sf->line) {
		sf->m = NULL;
		return false;
	}
	text = http_field_value(sf->m, sf->line);
	sf->p = text.p;
	sf->end = text.p + text.n;
	skip_ows(sf);
	return true;
}

/* Puts sf->p before the next member; false at the end (RFC 9651 4.2.1 and 4.2.2). */
static bool seek_member(struct sf *sf)
{
	if (sf->bad)
		return false;
	if (!sf->begun) {
		sf->begun = true;
		if (sf->p < sf->end)
			return true;
		return next_line(sf) && fail(sf); /* "" joined with a line is ", ..." */
	}
	skip_member(sf);
	if (sf->bad)
		return false;
	skip_ows(sf);
	if (sf->p == sf->end) {
		if (!next_line(sf))
			return false;
	} else {
		if (!take(sf, ','))
			return fail(sf);
		skip_ows(sf);
	}
	return sf->p < sf->end || fail(sf); /* nothing behind a comma */
}

bool sf_list_next(struct sf *sf, struct sf_value *out_value)
{
	struct sf_value v;

	if (!seek_member(sf) || !parse_member(sf, &v))
		return false;
	*out_value = v;
	return true;
}

bool sf_dict_next(struct sf *sf, struct str *out_key, struct sf_value *out_value)
{
	struct sf_value v = {.type = SF_BOOLEAN, .number = 1};
	struct str key;

	if (!seek_member(sf) || !parse_key(sf, &key))
		return false;
	sf->params = true;
	if (take(sf, '=') && !parse_member(sf, &v))
		return false;
	*out_key = key;
	*out_value = v;
	return true;
}

bool sf_item(struct str text, struct sf_value *out_value)
{
	struct sf_value v;
	struct sf sf;

	sf_begin(&sf, text);
	sf.params = true;
	if (!parse_bare(&sf, &v))
		return false;
	skip_params(&sf);
	skip_sp(&sf);
	if (sf.bad || sf.p < sf.end)
		return false;
	*out_value = v;
	return true;
}

int sf_string_next(struct str *rest)
{
	if (rest->n && rest->p[0] == '\\')
		*rest = str_of(rest->p + 1, rest->n - 1);
	if (rest->n == 0)
		return -1;
	const int c = (uint8_t)rest->p[0];

	*rest = str_of(rest->p + 1, rest->n - 1);
	return c;
}
