/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/expand.h"

#include "base/err.h"
#include "conf/utf8.h"

enum { EXPANDED_MAX = 1 << 20, TOTAL_MAX = 16 << 20 };

/* One load's expansions. */
struct expansion {
	struct arena *arena;
	struct conf_source *src;
	struct conf_report *report;
	size_t total; /* bytes made, over all values */
};

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);
		if (!(c >= 'a' && c <= 'z') && c != '_' && !(i > 0 && ascii_digit(c)))
			return false;
	}
	return s.n > 0;
}

/* Splits what stands between the braces at ":-". */
static bool split_default(struct str inside, struct str *out_name, struct str *out_default)
{
	for (size_t i = 0; i + 1 < inside.n; i++) {
		if (inside.p[i] == ':' && inside.p[i + 1] == '-') {
			*out_name = str_of(inside.p, i);
			*out_default = str_of(inside.p + i + 2, inside.n - i - 2);
			return true;
		}
	}
	*out_name = inside;
	return false;
}

/* One ${...}: appends its value. Complaints are reported and leave nothing behind. */
static int expand_one(struct expansion *x, struct node *n, struct str inside, struct buf *out)
{
	struct str name, otherwise = STR_NONE, value = STR_NONE;
	bool has_default = split_default(inside, &name, &otherwise);
	const int shown = (int)MIN(name.n, (size_t)100);

	if (!is_name(name)) {
		n->failed = true;
		report_error(x->report, n->at,
			     "\"${%.*s}\": not the name of a variable; write ${NAME} or "
			     "${NAME:-default}, and $$ for a dollar sign",
			     shown, name.p);
		return 0;
	}
	int rc = source_env(x->src, name, &value);
	n->from_env = true;
	if (rc && rc != ERR_MISSING)
		return rc;
	if (rc == ERR_MISSING && !has_default) {
		n->failed = true;
		report_error(x->report, n->at,
			     "${%.*s} is not set in the environment; set it, or write "
			     "${%.*s:-default}",
			     shown, name.p, shown, name.p);
		return 0;
	}
	if (value.n == 0 && has_default)
		value = otherwise;
	if (!utf8_check(value, true, NULL)) {
		n->failed = true;
		report_error(x->report, n->at,
			     "the value of ${%.*s} is not text: control characters or not UTF-8",
			     shown, name.p);
	} else {
		buf_str(out, value);
	}
	return 0;
}

static int expand_text(struct expansion *x, struct node *n, struct buf *out)
{
	const char *p = n->text.p, *end = p + n->text.n;

	while (p < end) {
		if (*p != '$' || p + 1 == end || (p[1] != '$' && p[1] != '{')) {
			buf_char(out, *p++);
			continue;
		}
		if (p[1] == '$') {
			buf_char(out, '$');
			p += 2;
			continue;
		}
		const char *close = memchr(p, '}', (size_t)(end - p));
		if (!close) {
			n->failed = true;
			report_error(x->report, n->at,
				     "\"${\" without \"}\"; write $$ for a dollar sign");
			return 0;
		}
		int rc = expand_one(x, n, str_of(p + 2, (size_t)(close - p) - 2), out);
		if (rc)
			return rc;
		p = close + 1;
	}
	return 0;
}

static int expand_scalar(struct expansion *x, struct node *n)
{
	struct buf out = BUF_INIT;

	if (!memchr(n->text.p, '$', n->text.n))
		return 0;
	out.cap = EXPANDED_MAX;
	int rc = expand_text(x, n, &out);
	if (!rc)
		rc = out.error;
	x->total += out.n;
	if (!rc && x->total > TOTAL_MAX)
		rc = ERR_LIMIT;
	if (!rc) {
		n->text = arena_str(x->arena, buf_slice(&out));
		rc = n->text.p ? 0 : ERR_NOMEM;
	}
	buf_fini(&out);
	if (rc == ERR_LIMIT)
		report_error(x->report, n->at, "too much text after the environment was filled in");
	return rc;
}

/* As deep as YAML_DEPTH_MAX allows. */
static int expand_node(struct expansion *x, struct node *n)
{
	int rc = 0;

	if (n->kind == NODE_SCALAR)
		return expand_scalar(x, n);
	for (struct node *child = n->first; child && !rc; child = child->next)
		rc = expand_node(x, child);
	return rc;
}

int expand_tree(struct arena *a, struct conf_source *src, struct conf_report *report,
		struct node *root)
{
	struct expansion x = {.arena = a, .src = src, .report = report};

	return expand_node(&x, root);
}
