/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one program hands to the next, read by the next. What is accepted must be within the limits, and
 * written again it must read the same.
 * fuzz-sources: src/proc/handover.c src/base/str.c src/base/buf.c src/base/check.c src/base/err.c
 * fuzz-dict: tests/fuzz/handover.dict
 */
#include "fuzz.h"
#include "proc/handover.h"

static void check_limits(const struct handover *h)
{
	MUST(h->pid > 0 && h->seats >= 1 && h->seats <= HANDOVER_SEATS);
	MUST(h->n_doorbells == HANDOVER_SLOTS && h->n_workers <= HANDOVER_SLOTS);
	MUST(h->segment > 2 && h->bundle > 2 && h->notes > 2);
	MUST(memchr(h->path, 0, sizeof(h->path)) && memchr(h->program, 0, sizeof(h->program)));
	for (unsigned i = 0; i < h->n_workers; i++)
		MUST(h->workers[i].slot < HANDOVER_SLOTS && h->workers[i].seat <= HANDOVER_SEATS);
	for (unsigned i = 0; i < h->n_listens; i++)
		MUST(h->listens[i].n > 0 && h->listens[i].n <= HANDOVER_SEATS);
}

static void check_again(const struct handover *h)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct handover again;

	handover_write(h, &first);
	handover_init(&again);
	MUST(handover_parse(&again, buf_slice(&first)) == 0);
	handover_write(&again, &second);
	MUST(str_eq(buf_slice(&first), buf_slice(&second)));
	handover_fini(&again);
	buf_fini(&first);
	buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = exact_copy(data, n);
	struct handover h;

	handover_init(&h);
	if (handover_parse(&h, str_of(text, n)) == 0) {
		check_limits(&h);
		/* a NUL ends a C string: what is behind it would not be written */
		if (!memchr(text, 0, n))
			check_again(&h);
	}
	handover_fini(&h);
	free(text);
	return 0;
}
