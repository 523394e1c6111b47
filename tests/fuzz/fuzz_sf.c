/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structured fields: the first byte says whether the rest is an item, a list or a dictionary. The
 * verdict must not depend on what the caller looks at, slices lie inside, and two good texts joined
 * by a comma are a good text with the members of both.
 * fuzz-sources: src/http src/base/str.c src/base/check.c src/base/err.c
 */
#include "fuzz.h"
#include "http/sf.h"

struct seen {
	size_t members;
	bool ok;
};

static void check_value(const struct sf_value *v, struct str whole)
{
	const bool is_text = v->type == SF_STRING || v->type == SF_TOKEN || v->type == SF_BYTES ||
			     v->type == SF_DISPLAY;
	const int64_t limit = INT64_C(999999999999999);

	MUST(v->type >= SF_INTEGER && v->type <= SF_INNER);
	MUST(!is_text || (v->text.p >= whole.p && v->text.p + v->text.n <= whole.p + whole.n));
	MUST(is_text || v->text.n == 0);
	MUST(v->number <= limit && v->number >= -limit);
	MUST(v->type != SF_BOOLEAN || (v->number & ~1) == 0);
	MUST(v->type != SF_TOKEN || v->text.n > 0);
	for (size_t i = 0; i < v->text.n; i++)
		MUST(v->text.p[i] >= 0x20 && v->text.p[i] < 0x7f);
	if (v->type == SF_STRING) {
		struct str rest = v->text;

		while (sf_string_next(&rest) >= 0)
			;
		MUST(rest.n == 0);
	}
}

static void pull_params(struct sf *sf, struct str whole)
{
	struct sf_value v;
	struct str key;

	while (sf_param_next(sf, &key, &v)) {
		MUST(key.n && key.p >= whole.p && v.type != SF_INNER);
		check_value(&v, whole);
	}
}

static struct seen read_text(struct str text, bool dict, unsigned pull)
{
	struct seen seen = {0, false};
	struct sf_value v, item;
	struct str key;
	struct sf sf;

	sf_begin(&sf, text);
	while (dict ? sf_dict_next(&sf, &key, &v) : sf_list_next(&sf, &v)) {
		seen.members++;
		check_value(&v, text);
		while (pull && v.type == SF_INNER && sf_inner_next(&sf, &item)) {
			check_value(&item, text);
			if (pull > 1)
				pull_params(&sf, text);
		}
		if (pull > 1)
			pull_params(&sf, text);
	}
	seen.ok = sf_ok(&sf);
	return seen;
}

static void check_joined(struct str text, bool dict, const struct seen *seen)
{
	char *joined = malloc(2 * text.n + 2);
	struct seen both;

	MUST(joined);
	memcpy(joined, text.p, text.n);
	memcpy(joined + text.n, ", ", 2);
	memcpy(joined + text.n + 2, text.p, text.n);
	both = read_text(str_of(joined, 2 * text.n + 2), dict, 2);
	MUST(both.ok && both.members == 2 * seen->members);
	free(joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 2)
		return 0;
	char *copy = exact_copy(data + 1, n - 1);
	const struct str text = str_of(copy, n - 1);
	const bool dict = data[0] & 1;

	if (data[0] & 2) {
		struct sf_value v;

		if (sf_item(text, &v))
			check_value(&v, text);
	} else {
		const struct seen seen = read_text(text, dict, 2);

		for (unsigned pull = 0; pull < 2; pull++) {
			const struct seen again = read_text(text, dict, pull);

			MUST(again.ok == seen.ok && (!seen.ok || again.members == seen.members));
		}
		if (seen.ok && seen.members)
			check_joined(text, dict, &seen);
	}
	free(copy);
	return 0;
}
