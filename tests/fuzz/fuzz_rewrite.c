/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rewriting of paths: three lines, the prefix to strip, the prefix to add, the request target.
 * The result is a good target whose path lies below the added prefix, and nothing of it can be
 * taken for a host.
 * fuzz-sources: src/policy/rewrite.c src/http src/base/str.c src/base/check.c src/base/err.c
 */
#include "fuzz.h"
#include "policy/rewrite.h"

static void check(const struct rewrite *r, struct str text)
{
	struct http_target t, made;
	char normal[2048], again[4096];

	if (http_target_parse(text, HTTP_METHOD_GET, &t))
		return;
	ssize_t normal_n = http_path_normalise(t.path, normal);
	if (normal_n < 0)
		return;
	size_t room = rewrite_room(r, &t);
	char *out = malloc(room);
	ssize_t n = rewrite_target(r, &t, str_of(normal, (size_t)normal_n), out, room);
	MUST(n > 0 && (size_t)n <= room && out[0] == '/');
	MUST(http_target_parse(str_of(out, (size_t)n), HTTP_METHOD_GET, &made) == 0);
	MUST(made.form == HTTP_TARGET_ORIGIN && str_eq(made.query, t.query));
	MUST(!made.query.p == !t.query.p);
	ssize_t again_n = http_path_normalise(made.path, again);
	MUST(again_n > 0); /* never above the root */
	if (r->add.n) {
		char prefix[2048];
		ssize_t prefix_n = http_path_normalise(r->add, prefix);
		MUST(prefix_n > 0);
		while (prefix_n > 1 && prefix[prefix_n - 1] == '/')
			prefix_n--;
		size_t slashes = strspn(prefix, "/");
		MUST(n < 2 || out[1] != '/' || slashes > 1);
		if (slashes == 1)
			MUST(str_starts(str_of(again, (size_t)again_n),
					str_of(prefix, (size_t)prefix_n)));
	}
	if (!rewrite_wanted(r))
		MUST(str_eq(made.path, t.path));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rewrite r;

	if (n > 2000)
		return 0;
	char *copy = exact_copy(data, n);
	struct str rest = str_of(copy, n), target;
	if (str_next(&rest, '\n', &r.strip) && str_next(&rest, '\n', &r.add) &&
	    str_next(&rest, '\n', &target) && rewrite_check(&r) == 0)
		check(&r, target);
	free(copy);
	return 0;
}
