/* SPDX-License-Identifier: BSD-2-Clause */
/* A segment with an L1, objects with contents that tell who they are. For the tests of src/store. */
#ifndef TESTS_L1_TEST_H
#define TESTS_L1_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "shm/seg.h"
#include "shm/slots.h"
#include "store/l1.h"
#include "store/l1_check.h"
#include "store/purge.h"

enum { KEY_MAX = 64 };

static inline struct seg *l1_test_segment(uint64_t size)
{
	const struct seg_spec specs[] = {
		{SEG_L1, l1_region_bytes(size), l1_region_layout()},
		{SEG_PURGE, purge_region_bytes(), purge_region_layout()},
	};
	struct seg *seg = NULL;

	assert_int_equal(seg_create(specs, COUNTOF(specs), &seg), 0);
	purge_format(seg);
	assert_int_equal(l1_format(seg, size), 0);
	return seg;
}

/* Byte <at> of the body of object <id>: tells both. */
static inline char l1_test_byte(uint64_t id, uint64_t at)
{
	return (char)((id * 131 + at * 7 + at / 251) & 0xff);
}

static inline struct l1_key l1_test_key(char *buf, uint64_t id)
{
	int n = snprintf(buf, KEY_MAX, "http://host%d/path/%llu", (int)(id % 7),
			 (unsigned long long)id);
	struct str text = str_of(buf, (size_t)n);

	return (struct l1_key){.text = text, .url_n = (uint32_t)n, .hash = l1_hash(text)};
}

static inline struct l1_new l1_test_spec(char *buf, uint64_t id, uint64_t length)
{
	return (struct l1_new){
		.key = l1_test_key(buf, id),
		.head = STR("Content-Type: text/plain\r\nETag: \"1\"\r\n"),
		.host = STR("host"),
		.meta = {.lifetime = INT64_C(1) << 40,
			 .status = 200,
			 .last_modified = STORED_NO_DATE},
		.length = length,
		.max_variants = 16,
	};
}

/* Appends body bytes up to <upto>, <step> at a time. */
static inline int l1_test_fill(struct l1 *l1, const struct l1_ref *ref, uint64_t id, uint64_t upto)
{
	uint64_t total, at = l1_length(l1, ref, &total);
	char *p;
	size_t n;

	while (at < upto) {
		int rc = l1_room(l1, ref, &p, &n);
		if (rc)
			return rc;
		n = MIN(n, (size_t)(upto - at));
		for (size_t i = 0; i < n; i++)
			p[i] = l1_test_byte(id, at + i);
		l1_filled(l1, ref, n);
		at += n;
	}
	return 0;
}

/* A whole object; 0 or why not. */
static inline int l1_test_store(struct l1 *l1, uint64_t id, uint64_t length, bool known)
{
	char buf[KEY_MAX];
	struct l1_new spec = l1_test_spec(buf, id, known ? length : STORED_UNKNOWN);
	struct l1_ref ref = {0};
	int rc = l1_create(l1, &spec, &ref);

	if (rc)
		return rc;
	rc = l1_test_fill(l1, &ref, id, length);
	if (rc == 0)
		rc = l1_commit(l1, &ref, STR_NONE);
	else
		l1_break(l1, &ref);
	l1_unpin(l1, &ref);
	return rc;
}

static inline bool l1_test_any(void *arg UNUSED, const struct l1_view *v UNUSED,
			       enum l1_state state UNUSED)
{
	return true;
}

static inline bool l1_test_find(struct l1 *l1, uint64_t id, struct l1_ref *out)
{
	char buf[KEY_MAX];
	struct l1_key key = l1_test_key(buf, id);
	bool any;

	return l1_find(l1, &key, l1_test_any, NULL, out, &any);
}

/* Reads what is there from <at> on; false at the first wrong byte. */
static inline bool l1_test_right(struct l1 *l1, const struct l1_ref *ref, uint64_t id, uint64_t at,
				 uint64_t upto)
{
	while (at < upto) {
		struct str s = l1_read(l1, ref, at);
		if (s.n == 0)
			return false;
		for (size_t i = 0; i < s.n && at < upto; i++, at++)
			if (s.p[i] != l1_test_byte(id, at))
				return false;
	}
	return true;
}

static inline void l1_test_whole(struct l1 *l1, unsigned flags)
{
	struct l1_check *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	if (!l1_check(l1, flags, c)) {
		for (uint64_t i = 0; i < MIN(c->faults, (uint64_t)L1_CHECK_FAULTS); i++)
			print_error("%s\n", c->text[i]);
		fail_msg("%llu faults", (unsigned long long)c->faults);
	}
	free(c);
}

#endif
