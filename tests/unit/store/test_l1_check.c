/* SPDX-License-Identifier: BSD-2-Clause */
/* The checker finds every kind of damage; a segment with any bytes damaged is revived to something
 * whole, or refused, and never brings the program down. */
#include <sys/mman.h>

#include "base/rng.h"
#include "l1_test.h"
#include "store/layout.h"
#include "store/space.h"

enum { SIZE = 4 * 1024 * 1024, OBJECTS = 60 };

struct fixture {
	struct seg *seg;
	struct l1 *l1;
	struct l1_ref ref; /* of an object with a chain of blocks, the newest of two variants */
	struct record *r;
};

static struct fixture make(void)
{
	struct fixture f = {.seg = l1_test_segment(SIZE)};
	char buf[KEY_MAX];

	f.l1 = l1_attach(f.seg, 0, SIZE);
	assert_non_null(f.l1);
	for (uint64_t id = 0; id < OBJECTS; id++)
		assert_int_equal(l1_test_store(f.l1, id, id * id * 20, id % 2), 0);
	struct l1_new spec = l1_test_spec(buf, 50, 30000);
	spec.vary = STR("vary");
	assert_int_equal(l1_create(f.l1, &spec, &f.ref), 0);
	assert_int_equal(l1_test_fill(f.l1, &f.ref, 50, 30000), 0);
	assert_int_equal(l1_commit(f.l1, &f.ref, STR("T: 1\r\n")), 0);
	f.r = l1_record(f.l1, f.ref.object);
	return f;
}

static void unmake(struct fixture *f)
{
	l1_detach(&f->l1);
	seg_free(&f->seg);
}

/* ---- one damage at a time ---- */

static struct block *body_block(struct fixture *f)
{
	return &f->l1->blocks[f->r->first];
}

static struct page *some_page(struct fixture *f)
{
	return &f->l1->pages[space_page_of(f->l1, f->r->block)];
}

static uint64_t *entry(struct fixture *f)
{
	uint64_t n = (uint64_t)f->l1->region->n_shards * f->l1->region->n_buckets;

	for (uint64_t i = 0; i < n; i++)
		if (f->l1->buckets[i].entry[0])
			return &f->l1->buckets[i].entry[0];
	return NULL;
}

static char *body(struct fixture *f)
{
	return f->l1->base + space_block_at(f->l1, f->r->first);
}

#define SPACE(f) l1_space((f)->l1)

#define DAMAGES                                                                                    \
	DAMAGE(pins_more, f->r->pins++)                                                            \
	DAMAGE(pin_lost, l1_pin_table(f->l1, 0)[f->ref.pin].object = 0)                            \
	DAMAGE(pin_astray, l1_pin_table(f->l1, 3)[0].object = f->ref.object;                       \
	       l1_pin_head(f->l1, 3)->high = 1)                                                    \
	DAMAGE(linked, f->r->linked = 0)                                                           \
	DAMAGE(older_lost, f->r->older = 0)                                                        \
	DAMAGE(older_wild, f->r->older = 12345)                                                    \
	DAMAGE(older_itself, f->r->older = f->ref.object)                                          \
	DAMAGE(hash, f->r->hash_lo ^= 4)                                                           \
	DAMAGE(key, ((char *)f->r)[sizeof(*f->r)] ^= 1)                                            \
	DAMAGE(key_n, f->r->key_n = 1u << 30)                                                      \
	DAMAGE(length, f->r->length--)                                                             \
	DAMAGE(too_long, f->r->length = f->r->total = 1u << 30)                                    \
	DAMAGE(chain_cut, f->r->first = 0)                                                         \
	DAMAGE(chain_wild, body_block(f)->next = 77)                                               \
	DAMAGE(chain_end, f->r->last++)                                                            \
	DAMAGE(ring, f->r->ring = 64)                                                              \
	DAMAGE(sum, f->r->checksum ^= 1)                                                           \
	DAMAGE(body, body(f)[100] ^= 1)                                                            \
	DAMAGE(owner, body_block(f)->owner = 2)                                                    \
	DAMAGE(owner_none, body_block(f)->owner = 0)                                               \
	DAMAGE(magic, f->r->magic = 0)                                                             \
	DAMAGE(queue, f->r->queue = QUEUE_NONE)                                                    \
	DAMAGE(queue_link, f->r->older_in_queue = 0)                                               \
	DAMAGE(queue_bytes, SPACE(f)->queues[QUEUE_SMALL].bytes++)                                 \
	DAMAGE(entry_lost, *entry(f) = 0)                                                          \
	DAMAGE(entry_wild, *entry(f) += 1)                                                         \
	DAMAGE(entry_tag, *entry(f) ^= UINT64_C(1) << 63)                                          \
	DAMAGE(displaced, f->l1->buckets[7].displaced++)                                           \
	DAMAGE(page_used, some_page(f)->used++)                                                    \
	DAMAGE(page_free, some_page(f)->free = 2)                                                  \
	DAMAGE(page_list, some_page(f)->list = PAGE_NOWHERE)                                       \
	DAMAGE(page_class, some_page(f)->class = 200)                                              \
	DAMAGE(page_emptier, some_page(f)->emptier = 3)                                            \
	DAMAGE(pool, SPACE(f)->free_pages++)                                                       \
	DAMAGE(used, SPACE(f)->used++)                                                             \
	DAMAGE(stored, SPACE(f)->stored--)                                                         \
	DAMAGE(objects, SPACE(f)->objects++)                                                       \
	DAMAGE(filling, SPACE(f)->filling++)

#define DAMAGE(name, how)                                                                          \
	static void damage_##name(struct fixture *f)                                               \
	{                                                                                          \
		how;                                                                               \
	}
DAMAGES
#undef DAMAGE

static void test_each_damage(void **state UNUSED)
{
	static const struct {
		const char *name;
		void (*fn)(struct fixture *f);
	} damages[] = {
#define DAMAGE(name, how) {#name, damage_##name},
		DAMAGES
#undef DAMAGE
	};

	for (size_t i = 0; i < COUNTOF(damages); i++) {
		static struct l1_check c;
		struct fixture f = make();
		l1_test_whole(f.l1, L1_CHECK_SUMS);
		damages[i].fn(&f);
		/* The pin itself is one fault when nobody should be there. */
		c = (struct l1_check){0};
		if (l1_check(f.l1, L1_CHECK_SUMS | L1_CHECK_IDLE, &c) || c.faults < 2)
			fail_msg("%s was not noticed", damages[i].name);
		unmake(&f);
	}
}

/* ---- any damage ---- */

/* A place in the metadata, or where a record is. By what was there before any damage. */
static size_t some_place(const struct l1_region *g, const uint64_t *objects, struct rng *r)
{
	switch (rng_below(r, 6)) {
	case 0:
		return rng_below(r, sizeof(*g));
	case 1:
		return g->buckets + rng_below(r, g->ghosts - g->buckets);
	case 2:
		return g->pins + rng_below(r, 128 * 64);
	case 3:
		return g->pages + rng_below(r, (g->n_pages + 1) * sizeof(struct page));
	case 4:
		return g->blocks + rng_below(r, g->n_pages * 4096);
	default:
		return objects[rng_below(r, OBJECTS)] + rng_below(r, sizeof(struct record) + 40);
	}
}

static void find_objects(struct fixture *f, uint64_t *out)
{
	struct l1_ref ref;

	for (uint64_t id = 0; id < OBJECTS; id++) {
		assert_true(l1_test_find(f->l1, id, &ref));
		out[id] = ref.object;
		l1_unpin(f->l1, &ref);
	}
}

/* All but the pin tables, which are large and hardly used. */
static void copy(struct fixture *f, char *kept, bool back)
{
	const struct l1_region *g = f->l1->region;
	const size_t ranges[2][2] = {{SEG_PAGE, g->pins}, {g->pages, g->data + SIZE}};
	char *base = f->l1->base;

	for (int i = 0; i < 2; i++) {
		size_t n = ranges[i][1] - ranges[i][0];
		if (back)
			memcpy(base + ranges[i][0], kept, n);
		else
			memcpy(kept, base + ranges[i][0], n);
		kept += n;
	}
}

/* True if it was taken over; then it is whole, and works. */
static bool revive(struct seg *seg)
{
	if (l1_revive(seg))
		return false;
	struct l1 *l1 = l1_attach(seg, 0, SIZE);
	assert_non_null(l1);
	l1_test_whole(l1, L1_CHECK_IDLE);
	for (uint64_t id = 0; id < 30; id++)
		assert_int_equal(l1_test_store(l1, 100 + id, id * 1000, true), 0);
	l1_test_whole(l1, L1_CHECK_IDLE);
	l1_detach(&l1);
	return true;
}

static void test_revive_damaged(void **state UNUSED)
{
	struct fixture f = make();
	char *kept = malloc(16 * 1024 * 1024);
	struct l1_region head = *f.l1->region;
	uint64_t objects[OBJECTS];
	struct rng r;
	unsigned revived = 0, refused = 0;

	assert_non_null(kept);
	assert_true(head.pins + head.data - head.pages + SIZE < 16 * 1024 * 1024);
	l1_unpin(f.l1, &f.ref);
	find_objects(&f, objects);
	head = *f.l1->region;
	copy(&f, kept, false);
	rng_seed(&r, 11);
	for (int round = 0; round < 500; round++) {
		unsigned n = 1 + (unsigned)rng_below(&r, 8);
		for (unsigned i = 0; i < n; i++) {
			char *p = f.l1->base + some_place(&head, objects, &r);
			*p = (char)(rng_below(&r, 3) ? rng_next(&r) : (uint64_t)*p + 1);
		}
		if (revive(f.seg))
			revived++;
		else
			refused++;
		*f.l1->region = head;
		copy(&f, kept, true);
	}
	print_message("%u revived, %u refused\n", revived, refused);
	assert_true(revived > 250 && refused > 10);
	free(kept);
	unmake(&f);
}

static void test_format_again(void **state UNUSED)
{
	struct fixture f = make();
	struct l1_figures g;

	l1_unpin(f.l1, &f.ref);
	l1_detach(&f.l1);
	assert_int_equal(l1_revive(f.seg), 0);
	f.l1 = l1_attach(f.seg, 5, SIZE);
	l1_figures(f.l1, &g);
	assert_int_equal(g.objects, OBJECTS + 1);
	assert_true(l1_test_find(f.l1, 33, &f.ref));
	assert_true(l1_test_right(f.l1, &f.ref, 33, 0, 33 * 33 * 20));
	l1_detach(&f.l1);
	assert_int_equal(l1_format(f.seg, SIZE), 0);
	f.l1 = l1_attach(f.seg, 5, SIZE);
	l1_figures(f.l1, &g);
	assert_int_equal(g.objects, 0);
	l1_test_whole(f.l1, L1_CHECK_IDLE);
	assert_int_equal(l1_format(f.seg, SIZE * 2), ERR_LIMIT);
	unmake(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_damage),
		cmocka_unit_test(test_revive_damaged),
		cmocka_unit_test(test_format_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
