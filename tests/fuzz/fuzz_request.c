/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request heads. fuzz-sources: src/http src/base/str.c src/base/rng.c src/base/check.c
 * fuzz-dict: tests/fuzz/http.dict
 */
#include "head_check.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct parsed p;
	struct http_target t;

	check_head(&p, HTTP_REQUEST, data, n);
	if (p.rc == HTTP_DONE) {
		const struct http_msg *m = &p.msg;

		MUST(m->minor == 0 || http_find(m, HTTP_FIELD_HOST));
		MUST(m->method == http_method_lookup(http_span_str(m, m->method_text)));
		MUST(m->framing != HTTP_FRAMING_CLOSE && m->framing != HTTP_FRAMING_TUNNEL);
		if (http_target_parse(http_span_str(m, m->target), m->method, &t) == 0)
			MUST(t.form != HTTP_TARGET_NONE);
	}
	free(p.copy);
	return 0;
}
