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

int main(int argc, char **argv)
{
	MUST(argc == 2);
	mkdir(argv[1], 0777);
	write_requests(argv[1]);
	write_responses(argv[1]);
	write_chunked(argv[1]);
	write_targets(argv[1]);
	return 0;
}
