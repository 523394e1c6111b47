/* SPDX-License-Identifier: BSD-2-Clause */
/* The line protocol: a splitter with shell-like quoting, its inverse, and the status line. */
#include "admin/proto.h"

#include <stdio.h>

#include "base/err.h"

static const char *const code_names[] = {
	[PROTO_OK] = "ok",
	[PROTO_FAILED] = "failed",
	[PROTO_USAGE] = "usage",
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* C0 controls and DEL; bytes from 0x80 on pass as they are. */
static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* Where the next word is read from and written to. */
struct splitter {
	const char *at, *end; /* input */
	char *to;	      /* output; never runs ahead of the input */
};

/* Copies up to the closing <quote>; ERR_SYNTAX when there is none. */
static int take_quoted(struct splitter *s, char quote)
{
	for (s->at++; s->at < s->end; s->at++) {
		char c = *s->at;

		if (c == quote) {
			s->at++;
			return 0;
		}
		if (quote == '"' && c == '\\' && s->at + 1 < s->end &&
		    (s->at[1] == '"' || s->at[1] == '\\'))
			c = *++s->at;
		*s->to++ = c;
	}
	return ERR_SYNTAX;
}

/* One word, made of plain, escaped and quoted pieces. */
static int take_word(struct splitter *s)
{
	while (s->at < s->end && !is_blank(*s->at)) {
		char c = *s->at;
		int rc;

		if (c == '\'' || c == '"') {
			rc = take_quoted(s, c);
			if (rc)
				return rc;
			continue;
		}
		if (c == '\\') {
			if (s->at + 1 == s->end)
				return ERR_SYNTAX;
			c = *++s->at;
		}
		*s->to++ = c;
		s->at++;
	}
	*s->to++ = '\0';
	return 0;
}

static void skip_blanks(struct splitter *s)
{
	while (s->at < s->end && is_blank(*s->at))
		s->at++;
}

/* Drops "<name>/<version>" off the front. */
static int take_version(struct str *line)
{
	struct str first = *line, number;
	uint64_t version;

	for (size_t i = 0; i < line->n; i++) {
		if (is_blank(line->p[i])) {
			first.n = i;
			break;
		}
	}
	if (!str_starts(first, STR(PROTO_NAME "/")))
		return ERR_VERSION;
	number = str_of(first.p + sizeof(PROTO_NAME), first.n - sizeof(PROTO_NAME));
	if (number.n == 0 || str_u64(number, &version) || version != PROTO_VERSION)
		return ERR_VERSION;
	*line = str_of(line->p + first.n, line->n - first.n);
	return 0;
}

int proto_split(struct str line, struct proto_request *out)
{
	struct splitter s;
	int rc;

	out->n = 0;
	out->word[0] = NULL;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n >= PROTO_LINE)
		return ERR_LIMIT;
	for (size_t i = 0; i < line.n; i++) {
		if (is_control(line.p[i]))
			return ERR_SYNTAX;
	}
	rc = take_version(&line);
	if (rc)
		return rc;
	/* A word and its NUL need no more room than the word and the blank before it. */
	s = (struct splitter){.at = line.p, .end = line.p + line.n, .to = out->text};
	for (skip_blanks(&s); s.at < s.end; skip_blanks(&s)) {
		if (out->n == PROTO_WORDS)
			return ERR_LIMIT;
		out->word[out->n] = s.to;
		rc = take_word(&s);
		if (rc)
			return rc;
		out->word[++out->n] = NULL;
	}
	return 0;
}

static bool is_plain(const char *word)
{
	return *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_./:=@%+,?&*~[]{}") == strlen(word);
}

static void join_word(struct buf *out, const char *word)
{
	buf_char(out, ' ');
	if (is_plain(word)) {
		buf_c(out, word);
		return;
	}
	buf_char(out, '"');
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			buf_char(out, '\\');
		buf_char(out, *word);
	}
	buf_char(out, '"');
}

int proto_join(struct buf *out, const char *const *words, unsigned n)
{
	size_t start = out->n;

	if (n > PROTO_WORDS)
		return ERR_LIMIT;
	buf_printf(out, "%s/%d", PROTO_NAME, PROTO_VERSION);
	for (unsigned i = 0; i < n; i++) {
		for (const char *c = words[i]; *c; c++) {
			if (is_control(*c))
				return ERR_SYNTAX;
		}
		join_word(out, words[i]);
	}
	buf_char(out, '\n');
	if (out->error)
		return out->error;
	return out->n - start > PROTO_LINE ? ERR_LIMIT : 0;
}

size_t proto_head_write(char out[PROTO_HEAD], const struct proto_head *head)
{
	int n;

	if (head->until_eof)
		n = snprintf(out, PROTO_HEAD, "%s/%d %s -\n", PROTO_NAME, PROTO_VERSION,
			     code_names[head->code]);
	else
		n = snprintf(out, PROTO_HEAD, "%s/%d %s %llu\n", PROTO_NAME, PROTO_VERSION,
			     code_names[head->code], (unsigned long long)head->length);
	return (size_t)n;
}

int proto_head_read(struct str line, struct proto_head *out)
{
	struct str code, length;
	int rc = take_version(&line);

	if (rc)
		return rc;
	if (line.n == 0 || line.p[0] != ' ')
		return ERR_SYNTAX;
	line = str_of(line.p + 1, line.n - 1);
	if (!str_next(&line, ' ', &code) || !str_next(&line, ' ', &length) || line.n)
		return ERR_SYNTAX;
	*out = (struct proto_head){.until_eof = str_eq(length, STR("-"))};
	if (!out->until_eof && (length.n == 0 || str_u64(length, &out->length)))
		return ERR_SYNTAX;
	for (unsigned i = 0; i < COUNTOF(code_names); i++) {
		if (str_eq(code, str_c(code_names[i]))) {
			out->code = (enum proto_code)i;
			return 0;
		}
	}
	return ERR_SYNTAX;
}
