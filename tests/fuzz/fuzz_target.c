/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request targets: "C" or "O" or any other byte for the method (CONNECT, OPTIONS, GET), then the
 * target; the same bytes as an authority, as a path and as a date.
 * fuzz-sources: src/http src/base/str.c src/base/check.c
 * fuzz-dict: tests/fuzz/http.dict
 */
#include "base/err.h"
#include "fuzz.h"
#include "http/date.h"
#include "http/target.h"

static void check_inside(struct str part, struct str whole)
{
	MUST(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void check_authority(struct str text)
{
	struct str host, port;

	if (http_authority_parse(text, &host, &port) < 0)
		return;
	check_inside(host, text);
	check_inside(port, text);
	MUST(host.n > 0 && host.p == text.p && port.n <= 5);
	MUST(port.p ? host.n + 1 + port.n == text.n : host.n == text.n);
	MUST(!memchr(host.p, '@', host.n) && !memchr(host.p, '\0', host.n));
}

static bool has_dot_segment(struct str path)
{
	struct str segment;

	while (str_next(&path, '/', &segment))
		if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
			return true;
	return false;
}

static void check_path(struct str path)
{
	char *out = exact_copy(path.p, path.n), *again = exact_copy(path.p, path.n);
	const ssize_t n = path.n ? http_path_normalise(path, out) : -1;

	if (n >= 0) {
		const struct str normal = str_of(out, (size_t)n);

		MUST(normal.n > 0 && normal.n <= path.n);
		MUST(out[0] == '/' || str_eq(normal, STR("*")));
		MUST(!has_dot_segment(normal));
		MUST(!memchr(out, '\0', normal.n) || memchr(path.p, '\0', path.n));
		MUST(http_path_normalise(normal, again) == n && memcmp(out, again, normal.n) == 0);
	}
	free(out);
	free(again);
}

static void check_target(struct str target, enum http_method method)
{
	struct http_target t;

	if (http_target_parse(target, method, &t) < 0)
		return;
	check_inside(t.scheme, target);
	check_inside(t.host, target);
	check_inside(t.port, target);
	check_inside(t.query, target);
	MUST((t.form == HTTP_TARGET_AUTHORITY) == (method == HTTP_METHOD_CONNECT));
	MUST(t.form != HTTP_TARGET_ASTERISK || method == HTTP_METHOD_OPTIONS);
	MUST(t.form == HTTP_TARGET_AUTHORITY || t.path.p[0] == '/' || str_eq(t.path, STR("*")));
	MUST(t.path.n == 0 || !memchr(t.path.p, '?', t.path.n));
	if (t.form != HTTP_TARGET_AUTHORITY)
		check_path(t.path);
}

static void check_date(struct str text)
{
	char out[HTTP_DATE_N];
	int64_t seconds, again;

	if (http_date_parse(text, 1718100000, &seconds) < 0)
		return;
	http_date_write(out, seconds);
	if (seconds <= INT64_C(253402300799)) /* a leap second may end the last year */
		MUST(http_date_parse(str_of(out, sizeof(out)), 0, &again) == 0 && again == seconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	char *copy = exact_copy(data + 1, n - 1);
	const struct str target = str_of(copy, n - 1);

	check_target(target, data[0] == 'C'   ? HTTP_METHOD_CONNECT
			     : data[0] == 'O' ? HTTP_METHOD_OPTIONS
					      : HTTP_METHOD_GET);
	check_authority(target);
	check_path(target);
	check_date(target);
	free(copy);
	return 0;
}
