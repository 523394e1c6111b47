/* SPDX-License-Identifier: BSD-2-Clause */
#include "req/stored_body.h"

static struct stored_body *of(struct body_src *s)
{
	return CONTAINER_OF(s, struct stored_body, src);
}

static size_t clip(const struct stored_body *b, size_t n)
{
	return b->end == STORED_UNKNOWN ? n : (size_t)MIN((uint64_t)n, b->end - b->at);
}

static enum body_rc stored_peek(struct body_src *s, struct str *out_data, bool *out_last)
{
	struct stored_body *b = of(s);

	if (b->at == b->end)
		return BODY_END;
	/* the state first: bytes that come between the two looks are found by the second */
	enum l1_state state = l1_state(b->l1, &b->ref);
	struct str data = l1_read(b->l1, &b->ref, b->at);
	data.n = clip(b, data.n);
	if (data.n) {
		*out_data = data;
		*out_last = b->at + data.n == b->end;
		return BODY_DATA;
	}
	switch (state) {
	case L1_WHOLE:
		/* a range that lies behind the end was checked against a length that did not come */
		return b->end == STORED_UNKNOWN ? BODY_END : BODY_BAD;
	case L1_FILLING:
		return BODY_WAIT;
	case L1_BROKEN:
		break;
	}
	return BODY_BAD;
}

static void passed(struct stored_body *b, size_t n)
{
	b->at += n;
	l1_passed(b->l1, &b->ref, b->at);
	if (b->fill.entry && l1_is_stream(b->l1, &b->ref))
		fills_nudge(b->fills, &b->fill);
}

static void stored_consume(struct body_src *s, size_t n)
{
	passed(of(s), n);
}

static struct str stored_trailers(struct body_src *s)
{
	return l1_trailers(of(s)->l1, &of(s)->ref);
}

static struct conn *stored_direct(struct body_src *s, uint64_t *out_n)
{
	(void)s;
	(void)out_n;
	return NULL;
}

static void stored_took(struct body_src *s, uint64_t n)
{
	passed(of(s), n);
}

static int stored_file(struct body_src *s, uint64_t *out_at, size_t *out_n)
{
	struct stored_body *b = of(s);

	if (b->at == b->end)
		return -1;
	*out_n = clip(b, l1_lend(b->l1, &b->ref, b->at, out_at));
	return *out_n ? l1_fd(b->l1) : -1;
}

static const struct body_ops stored_ops = {
	.peek = stored_peek,
	.consume = stored_consume,
	.trailers = stored_trailers,
	.direct = stored_direct,
	.took = stored_took,
	.file = stored_file,
};

void stored_body_init(struct stored_body *b, struct l1 *l1, const struct l1_ref *ref,
		      uint64_t first, uint64_t end)
{
	*b = (struct stored_body){
		.src.ops = &stored_ops, .l1 = l1, .ref = *ref, .at = first, .end = end};
}

/* ---- several parts ---- */

static struct parts_body *parts_of(struct body_src *s)
{
	return CONTAINER_OF(s, struct parts_body, src);
}

static bool in_head(const struct parts_body *p)
{
	return p->head_at < p->heads[p->part].n;
}

static enum body_rc parts_peek(struct body_src *s, struct str *out_data, bool *out_last)
{
	struct parts_body *p = parts_of(s);

	while (!in_head(p)) {
		if (p->part == p->n)
			return BODY_END;
		*out_last = false;
		enum body_rc rc = stored_peek(&p->body.src, out_data, out_last);
		*out_last = false;
		if (rc != BODY_END)
			return rc;
		p->head_at = 0;
		if (++p->part < p->n) {
			p->body.at = p->ranges[p->part].first;
			p->body.end = p->ranges[p->part].last + 1;
		}
	}
	const struct str *head = &p->heads[p->part];
	*out_data = str_of(head->p + p->head_at, head->n - p->head_at);
	*out_last = p->part == p->n;
	return BODY_DATA;
}

static void parts_consume(struct body_src *s, size_t n)
{
	struct parts_body *p = parts_of(s);

	if (in_head(p))
		p->head_at += n;
	else
		stored_consume(&p->body.src, n);
}

static struct str no_trailers(struct body_src *s)
{
	(void)s;
	return STR_NONE;
}

static void parts_took(struct body_src *s, uint64_t n)
{
	(void)s;
	(void)n;
	ASSERT(!"parts are never taken by the kernel");
}

static const struct body_ops parts_ops = {
	.peek = parts_peek,
	.consume = parts_consume,
	.trailers = no_trailers,
	.direct = stored_direct,
	.took = parts_took,
};

void parts_body_init(struct parts_body *p, struct l1 *l1, const struct l1_ref *ref)
{
	p->src.ops = &parts_ops;
	stored_body_init(&p->body, l1, ref, p->ranges[0].first, p->ranges[0].last + 1);
	p->part = 0;
	p->head_at = 0;
}
