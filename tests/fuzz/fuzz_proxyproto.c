/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PROXY protocol headers, with every shorter piece of the same bytes before.
 * fuzz-sources: src/net/proxyproto.c src/net/sock.c src/base/str.c src/base/err.c
 */
#include "fuzz.h"
#include "net/proxyproto.h"

static enum proxyproto_rc parse(const uint8_t *data, size_t n, struct proxyproto *out)
{
	char *copy = exact_copy(data, n);
	enum proxyproto_rc rc = proxyproto_parse(copy, n, out);

	free(copy);
	return rc;
}

static void check_done(const struct proxyproto *pp)
{
	char text[SOCK_TEXT];

	MUST(pp->version == 1 || pp->version == 2);
	MUST(pp->used <=
	     (pp->version == 1 ? (size_t)PROXYPROTO_V1_MAX : (size_t)PROXYPROTO_V2_MAX));
	if (pp->has_addresses) {
		MUST(pp->source.n > 0 && pp->source.sa.sa_family == pp->destination.sa.sa_family);
		sock_addr_text(&pp->source, text);
		sock_addr_text(&pp->destination, text);
	}
}

/* MORE until the last byte that matters, then the same answer for good. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct proxyproto pp, whole;
	enum proxyproto_rc last = PROXYPROTO_MORE, rc;

	for (size_t i = 0; i <= n; i++) {
		rc = parse(data, i, &pp);
		MUST(last == PROXYPROTO_MORE || rc == last);
		MUST(rc == PROXYPROTO_MORE || i > 0);
		MUST(rc != PROXYPROTO_DONE || last == PROXYPROTO_DONE || pp.used == i);
		last = rc;
	}
	MUST(last != PROXYPROTO_MORE || n < PROXYPROTO_V2_MAX);
	if (last == PROXYPROTO_DONE) {
		parse(data, n, &whole);
		check_done(&whole);
	}
	return 0;
}
