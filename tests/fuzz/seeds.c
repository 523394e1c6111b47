/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the unit tests' tables of cases as first inputs of the fuzz corpora:
 * seeds <corpus directory>. Files are named after the cases, so they can be told from finds.
 */
#include <sys/stat.h>

#include "fuzz.h"

static void write_seed(const char *corpus, const char *target, const char *name, const char *input,
		       size_t n)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", corpus, target);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%s", corpus, target, name);
	f = fopen(path, "wb");
	MUST(f && fwrite(input, 1, n, f) == n && fclose(f) == 0);
}

/* The name says what tiercel does with it; tests/http/compare-node relies on nothing of it. */
#define SEED(target, name, input) write_seed(corpus, target, name, input, sizeof(input) - 1);

static void write_requests(const char *corpus)
{
#define GOOD(name, rfc, input, text) SEED("request", "good-" #name, input)
#define BAD(name, rfc, input, error) SEED("request", "bad-" #name, input)
#include "../unit/http/cases_request.h"
#undef GOOD
#undef BAD
}

static void write_responses(const char *corpus)
{
#define GOOD(name, rfc, input, text) SEED("response", "good-" #name, input)
#define BAD(name, rfc, input, error) SEED("response", "bad-" #name, input)
#include "../unit/http/cases_response.h"
#undef GOOD
#undef BAD
#define GOOD(name, rfc, input, text) SEED("response", "good-trailers-" #name, input)
#define BAD(name, rfc, input, error) SEED("response", "bad-trailers-" #name, input)
#include "../unit/http/cases_trailers.h"
#undef GOOD
#undef BAD
}

static void write_chunked(const char *corpus)
{
#define GOOD(name, rfc, input, data, rest) SEED("chunked", "good-" #name, input)
#define BAD(name, rfc, input) SEED("chunked", "bad-" #name, input)
#include "../unit/http/cases_chunked.h"
#undef GOOD
#undef BAD
}

static void write_targets(const char *corpus)
{
	static const char *const targets[] = {
		"G/",
		"G/a/b?c=d",
		"G/a/../b/./c//d%2e%2F%7e",
		"G/%2e%2e/a",
		"G/a%00",
		"Ghttp://h:80/p?q",
		"GHTTPS://[2001:db8::1]:443",
		"O*",
		"Ohttp://h",
		"Ch:443",
		"C[::1]:443",
		"Gu@h",
		"GSun, 06 Nov 1994 08:49:37 GMT",
		"GSunday, 06-Nov-94 08:49:37 GMT",
		"GSun Nov  6 08:49:37 1994",
	};

	for (size_t i = 0; i < COUNTOF(targets); i++) {
		char name[16];

		snprintf(name, sizeof(name), "seed-%02zu", i);
		write_seed(corpus, "target", name, targets[i], strlen(targets[i]));
	}
}

/* Inputs of the cache's parsers; what the first byte means is told in each target. */
static void write_cache(const char *corpus)
{
	static const struct {
		const char *target, *input;
	} seeds[] = {
		{"sf", "1max-age=60;x, no-cache=\"a, b\", c=?0, d=(1 \"x\";q=1.5 t);y"},
		{"sf", "0a, *b/c:d;k=:aGVsbG8=:, ( 1  2 );z, @1659578233, %\"a %c3%bc\""},
		{"sf", "2\"a\\\"\\\\\";a;b=2; c=-0.125"},
		{"sf", "2%\"%e2%82%ac\""},
		{"sf", "1a=1, &&&&&"},
		{"cc", "0Cache-Control: public, max-age=60, s-maxage=\"70\"\r\n"},
		{"cc",
		 "0Cache-Control: no-cache=\"a, b\", private=\"c\"\r\nCache-Control: max-age=1, max-age=2\r\n"},
		{"cc", "0e=\"x\\\", max-age=60, no-store"},
		{"cc",
		 "0CDN-Cache-Control: max-age=60, no-store=?0, private=\"x\"\r\nX-CC: a=\"1\"\r\n"},
		{"cc", "1Pragma: no-cache\r\n"},
		{"cc", "1Cache-Control: max-stale, min-fresh=5, only-if-cached, no-cache\r\n"},
		{"range", "dRange: bytes=0-4, 7-,-3\r\nIf-Range: \"x\"\r\n"},
		{"range", "\nRange: bytes=5-,0-,99999999999999999999-\r\n"},
		{"range", "dIf-None-Match: \"y\", W/\"x\"\r\nIf-Match: *\r\n"},
		{"range", "dIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
			  "If-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n"},
		{"range", "dIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
		{"range", "dbytes 0-4/10"},
		{"range", "dW/\"abc\""},
		{"vary", "Vary: Accept-Encoding, Foo\r\n\x01"
			 "Accept-Encoding: gzip;q=0.5, x-gzip, br\r\n\x01"
			 "Accept-Encoding: br\r\nAccept-Encoding: gzip,gzip;q=0.50\r\n"},
		{"vary", "Vary: Accept-Language\r\nVary: foo\r\n\x01"
			 "Accept-Language: en, de-CH;q=0.1\r\nFoo: \"a, b\",c\r\n\x01"
			 "Accept-Language: de-ch;q=0.100,EN\r\nFoo: \"a, b\"\r\nfoo: c\r\n"},
		{"vary", "Vary: User-Agent, a, Cookie\r\n\x01User-Agent: a,b\r\na: 1\r\n\x01"
			 "User-Agent: a, b\r\nCookie: x=1; y=2\r\n"},
		{"merge", "Cache-Control: max-age=5\r\n\x01"
			  "Cache-Control: max-age=60, private=\"a\"\r\nETag: \"x\"\r\n"
			  "Date: Fri, 15 Mar 2024 12:00:00 GMT\r\nContent-Length: 5\r\na: 1\r\n\x01"
			  "Cache-Control: s-maxage=5\r\nETag: \"x\"\r\nAge: 5\r\na: 2\r\na: 3\r\n"},
		{"merge", "Authorization: x\r\n\x01"
			  "Cache-Control: public\r\nSet-Cookie: a=b\r\n"
			  "Last-Modified: Fri, 15 Mar 2024 11:00:00 GMT\r\n\x01"
			  "Location: ../x?y\r\nContent-Location: http://h:80/z\r\n"
			  "Cache-Groups: \"a\", \"b\"\r\nVia: 1.1 x\r\n"},
		{"merge", "X: 1\r\n\x01"
			  "CDN-Cache-Control: max-age=60\r\nExpires: 0\r\nAge: 7, 8\r\n\x01"
			  "Content-Range: bytes 0-4/10\r\nContent-Encoding: gzip\r\n"},
		{"key", "<utm_*\nb=2&utm_source=x&a=%41&&a=0\nAccept: a\r\nCookie: a=1; b=2\r\n"},
		{"key",
		 "Tparams=(\"a\" \"%c3%a9+b\"), key-order\nb=1&a=2&%c3%a9%20b\nContent-Type: x\r\n"},
		{"key", "]params, except=(\"a\"), key-order=?0\nc=%2f&a=+&a\n"},
	};

	for (size_t i = 0; i < COUNTOF(seeds); i++) {
		char name[16];

		snprintf(name, sizeof(name), "seed-%02zu", i);
		write_seed(corpus, seeds[i].target, name, seeds[i].input, strlen(seeds[i].input));
	}
}

int main(int argc, char **argv)
{
	MUST(argc == 2);
	mkdir(argv[1], 0777);
	write_requests(argv[1]);
	write_responses(argv[1]);
	write_chunked(argv[1]);
	write_targets(argv[1]);
	write_cache(argv[1]);
	return 0;
}
