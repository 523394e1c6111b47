/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.cap = b->cap};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->error = 0;
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->error)
		return NULL;
	if (n <= b->size - b->n)
		return b->p + b->n;
	if (n > SIZE_MAX / 4 || b->n > SIZE_MAX / 4) {
		b->error = ERR_LIMIT;
		return NULL;
	}
	size_t want = MAX(b->size * 2, (size_t)256);
	while (want - b->n < n)
		want *= 2;
	if (b->cap && want > b->cap)
		want = b->cap;
	if (want - b->n < n || want < b->n) {
		b->error = ERR_LIMIT;
		return NULL;
	}
	char *p = realloc(b->p, want);
	if (!p) {
		b->error = ERR_NOMEM;
		return NULL;
	}
	b->p = p;
	b->size = want;
	return b->p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = n ? buf_room(b, n) : NULL;

	if (to) {
		memcpy(to, p, n);
		b->n += n;
	}
}

void buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void buf_c(struct buf *b, const char *c)
{
	buf_add(b, c, strlen(c));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_u64(struct buf *b, uint64_t v)
{
	char room[STR_U64_MAX];
	struct str digits = str_digits(v, room);

	buf_add(b, digits.p, digits.n);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	char *to = n >= 0 ? buf_room(b, (size_t)n + 1) : NULL;
	if (to) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

void buf_json(struct buf *b, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	buf_char(b, '"');
	for (size_t i = 0; i < s.n;) {
		size_t len = str_utf8_len(str_of(s.p + i, s.n - i));
		if (len == 0) {
			buf_c(b, "\\ufffd");
			len = 1;
		} else if (p[i] == '"' || p[i] == '\\') {
			buf_char(b, '\\');
			buf_char(b, (char)p[i]);
		} else if (p[i] < 0x20 || p[i] == 0x7F) {
			buf_printf(b, "\\u%04x", p[i]);
		} else {
			buf_add(b, p + i, len);
		}
		i += len;
	}
	buf_char(b, '"');
}
