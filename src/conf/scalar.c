/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/scalar.h"

/* Characters that mean nothing to YAML wherever they stand in a plain scalar. */
static bool is_harmless(char c)
{
	char l = ascii_lower(c);

	return ascii_digit(c) || (l >= 'a' && l <= 'z') || (c && strchr("_./+%@^()", c));
}

static bool is_plain(struct str s, enum scalar_use use)
{
	static const struct str words[] = {STR("null"), STR("~")};

	if (s.n == 0 || s.p[0] == '%' || s.p[0] == '@')
		return false;
	for (size_t i = 0; i < COUNTOF(words); i++)
		if (str_eq(s, words[i]))
			return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool inside = i > 0 && i + 1 < s.n;
		if (is_harmless(c))
			continue;
		/* A colon or dash is harmless between two characters that are not spaces. */
		if (inside && c == '-')
			continue;
		if (inside && c == ':' && use == SCALAR_VALUE && is_harmless(s.p[i + 1]))
			continue;
		if (inside && c == ' ' && is_harmless(s.p[i + 1]) && is_harmless(s.p[i - 1]))
			continue;
		return false;
	}
	return true;
}

static void print_quoted(struct buf *out, struct str s, enum scalar_use use)
{
	buf_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '$' && use != SCALAR_KEY)
			buf_c(out, "$$");
		else if (c == '\n')
			buf_c(out, "\\n");
		else if (c == '\t')
			buf_c(out, "\\t");
		else if ((uint8_t)c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", (unsigned)(uint8_t)c);
		else
			buf_char(out, c);
	}
	buf_char(out, '"');
}

void scalar_print(struct buf *out, struct str s, enum scalar_use use)
{
	if (is_plain(s, use))
		buf_str(out, s);
	else
		print_quoted(out, s, use);
}
