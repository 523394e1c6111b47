/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one head costs: ns for parsing a browser-like request and a typical answer, for copying
 * the fields out again, and for one chunk. Not part of `make check`; build with -O2:
 *   gcc -O2 -Isrc contrib/bench/parse_bench.c libhttp.a libbase.a
 */
#include <stdio.h>
#include <time.h>

#include "http/body.h"
#include "http/parse.h"
#include "http/target.h"
#include "http/write.h"

static const char request[] =
	"GET /assets/app/main.3f2a91.js?v=20240611&lang=en HTTP/1.1\r\n"
	"Host: www.example.com\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
	"Accept-Language: en-US,en;q=0.5\r\n"
	"Accept-Encoding: gzip, deflate, br, zstd\r\n"
	"Referer: https://www.example.com/products/list?page=3\r\n"
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1\r\n"
	"Connection: keep-alive\r\n"
	"\r\n";

static const char response[] = "HTTP/1.1 200 OK\r\n"
			       "Date: Tue, 11 Jun 2024 10:00:00 GMT\r\n"
			       "Server: nginx\r\n"
			       "Content-Type: application/javascript; charset=utf-8\r\n"
			       "Content-Length: 10240\r\n"
			       "Last-Modified: Mon, 10 Jun 2024 08:00:00 GMT\r\n"
			       "ETag: \"6666d5a0-2800\"\r\n"
			       "Cache-Control: public, max-age=3600\r\n"
			       "Accept-Ranges: bytes\r\n"
			       "\r\n";

static struct http_field fields[HTTP_MAX_FIELDS];
static struct http_msg msg;
static char out[4096];

static void one_head(const char *text, size_t n, enum http_kind kind)
{
	struct http_parser p;

	msg.fields = fields;
	msg.max_fields = 100;
	http_parser_init(&p, &msg, kind, 16384);
	if (http_parse(&p, text, n) != HTTP_DONE)
		__builtin_trap();
}

static void run_request(void)
{
	one_head(request, sizeof(request) - 1, HTTP_REQUEST);
}

static void run_response(void)
{
	one_head(response, sizeof(response) - 1, HTTP_RESPONSE);
}

static void run_target(void)
{
	struct http_target t;

	if (http_target_parse(http_span_str(&msg, msg.target), HTTP_METHOD_GET, &t) < 0 ||
	    http_path_normalise(t.path, out) < 0)
		__builtin_trap();
}

static void run_write(void)
{
	struct http_writer w;

	http_write_init(&w, out, sizeof(out));
	http_write_status_line(&w, 200, STR_NONE);
	http_write_fields(&w, &msg);
	if (w.overflow)
		__builtin_trap();
}

static void run_chunk(void)
{
	struct http_chunked c = HTTP_CHUNKED_INIT;
	struct str data;
	size_t used;

	if (http_chunked_next(&c, "2000\r\n", 6, &used, &data) != HTTP_CHUNK_MORE)
		__builtin_trap();
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Best of ten rounds: the least disturbed one. */
static void measure(const char *what, void (*run)(void))
{
	enum { ROUNDS = 10, CALLS = 200000 };
	double best = 1e18;

	for (int i = 0; i < ROUNDS; i++) {
		const double begin = now_ns();

		for (int k = 0; k < CALLS; k++) {
			run();
			__asm__ volatile("" ::: "memory");
		}
		best = MIN(best, (now_ns() - begin) / CALLS);
	}
	printf("%-28s %7.1f ns\n", what, best);
}

int main(void)
{
	measure("request head, 8 fields", run_request);
	measure("  its target", run_target);
	measure("  its fields written", run_write);
	measure("response head, 8 fields", run_response);
	measure("chunk size line", run_chunk);
	return 0;
}
