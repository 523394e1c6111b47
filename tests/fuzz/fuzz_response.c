/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Response heads, and what follows a chunked body: the same bytes as a trailer section.
 * fuzz-sources: src/http src/base/str.c src/base/rng.c src/base/check.c
 * fuzz-dict: tests/fuzz/http.dict
 */
#include "head_check.h"

/* The framing functions agree with RFC 9112 6.3 for the bodiless cases. */
static void check_framings(const struct http_msg *m)
{
	const bool tunnel = m->status == 101;
	const bool bodiless = m->status < 200 || m->status == 204 || m->status == 304;

	for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++) {
		const enum http_framing f = http_response_framing(m, i);

		MUST(!tunnel || f == HTTP_FRAMING_TUNNEL);
		MUST(!bodiless || tunnel || f == HTTP_FRAMING_NONE);
		MUST(i != HTTP_METHOD_HEAD || tunnel || f == HTTP_FRAMING_NONE);
		MUST(bodiless || f != HTTP_FRAMING_NONE || i == HTTP_METHOD_HEAD);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct parsed p;

	check_head(&p, HTTP_RESPONSE, data, n);
	if (p.rc == HTTP_DONE) {
		MUST(p.msg.status >= 100 && p.msg.status <= 999);
		check_framings(&p.msg);
	}
	free(p.copy);
	check_head(&p, HTTP_TRAILERS, data, n);
	free(p.copy);
	return 0;
}
