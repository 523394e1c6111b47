/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the admin socket: as a request, what comes out is joined and read again; as the status
 * line of a reply.
 * fuzz-sources: src/admin/proto.c src/base/str.c src/base/buf.c src/base/check.c
 */
#include "admin/proto.h"
#include "base/err.h"
#include "fuzz.h"

static void check_request(struct str line)
{
	static struct proto_request r, again;
	struct buf joined = BUF_INIT;
	int rc = proto_split(line, &r);

	MUST(rc == 0 || rc == ERR_SYNTAX || rc == ERR_LIMIT || rc == ERR_VERSION);
	if (rc)
		return;
	MUST(r.n <= PROTO_WORDS && r.word[r.n] == NULL);
	for (unsigned i = 0; i < r.n; i++)
		MUST(r.word[i] >= r.text &&
		     r.word[i] + strlen(r.word[i]) < r.text + sizeof(r.text));
	rc = proto_join(&joined, r.word, r.n);
	/* only quoting can make it too long: two bytes a word, and one per quote */
	MUST(rc == 0 || (rc == ERR_LIMIT && line.n > PROTO_LINE / 4));
	if (rc == 0) {
		MUST(joined.n <= PROTO_LINE &&
		     memchr(joined.p, '\n', joined.n) == joined.p + joined.n - 1);
		MUST(proto_split(str_of(joined.p, joined.n - 1), &again) == 0 && again.n == r.n);
		for (unsigned i = 0; i < r.n; i++)
			MUST(strcmp(r.word[i], again.word[i]) == 0);
	}
	buf_fini(&joined);
}

static void check_head(struct str line)
{
	struct proto_head head, again;
	char out[PROTO_HEAD];
	size_t n;

	if (proto_head_read(line, &head))
		return;
	n = proto_head_write(out, &head);
	MUST(n < sizeof(out) && out[n - 1] == '\n');
	MUST(proto_head_read(str_of(out, n - 1), &again) == 0);
	MUST(again.code == head.code && again.until_eof == head.until_eof &&
	     again.length == head.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = exact_copy(data, n);

	check_request(str_of(copy, n));
	check_head(str_of(copy, n));
	free(copy);
	return 0;
}
