/* SPDX-License-Identifier: BSD-2-Clause */
/* The region's life: sizes, format, views, what follows a death or an upgrade. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "store/body.h"
#include "store/index.h"
#include "store/object.h"
#include "store/pins.h"
#include "store/repair.h"
#include "store/space.h"

enum {
	OBJECT_SMALL = 1024, /* the index has places for objects of this size */
	BUCKET_FILL = 4,     /* entries of a bucket in use then, of L1_BUCKET */
	SHARDS_FEW = 256,    /* caches below SHARDS_FEW_MAX bytes */
	SHARDS_MANY = 1024,
	GHOST_OBJECT = 2048, /* ghosts remember objects of this size */
};

/* What plan() says, without the padding behind it. */
#define PLAN_BYTES (offsetof(struct l1_region, data) + sizeof(uint64_t))
#define SHARDS_FEW_MAX (UINT64_C(256) << 20)
#define LAYOUT_VERSION "l1 1" /* change it when the meaning of a field changes */

static uint64_t system_page_up(uint64_t n)
{
	return (n + SEG_PAGE - 1) & ~(uint64_t)(SEG_PAGE - 1);
}

/* Everything about the region that follows from <size>. */
static struct l1_region plan(uint64_t size)
{
	struct l1_region r = {.magic = L1_MAGIC};
	uint64_t at = SEG_PAGE;

	size = MAX(size, (uint64_t)L1_SIZE_MIN);
	r.page_bytes = space_page_bytes(size);
	r.page_blocks = r.page_bytes / L1_BLOCK_MIN;
	r.n_pages = (uint32_t)(size / r.page_bytes);
	r.size = (uint64_t)r.n_pages * r.page_bytes;
	r.n_shards = size < SHARDS_FEW_MAX ? SHARDS_FEW : SHARDS_MANY;
	r.n_buckets = (uint32_t)(r.size / OBJECT_SMALL / BUCKET_FILL / r.n_shards) + L1_PROBES;
	r.n_ghosts = (uint32_t)(r.size / GHOST_OBJECT / L1_GHOSTS) + 1;
	r.shards = at;
	at += system_page_up(r.n_shards * sizeof(struct l1_shard));
	r.buckets = at;
	at += system_page_up((uint64_t)r.n_shards * r.n_buckets * sizeof(struct l1_bucket));
	r.ghosts = at;
	at += system_page_up((uint64_t)r.n_ghosts * L1_GHOSTS * sizeof(uint64_t));
	r.pins = at;
	at += system_page_up(SLOT_MAX * sizeof(struct pin_head) +
			     (uint64_t)SLOT_MAX * L1_PINS * sizeof(struct pin));
	r.pages = at;
	at += system_page_up((r.n_pages + UINT64_C(1)) * sizeof(struct page));
	r.blocks = at;
	at += system_page_up((r.n_pages + UINT64_C(1)) * r.page_blocks * sizeof(struct block));
	r.data = at;
	r.bytes = at + r.size;
	return r;
}

size_t l1_region_bytes(uint64_t size)
{
	return plan(size).bytes;
}

uint64_t l1_region_layout(void)
{
	static const size_t shape[] = {sizeof(struct l1_region),
				       sizeof(struct l1_bucket),
				       sizeof(struct l1_shard),
				       sizeof(struct record),
				       sizeof(struct block),
				       sizeof(struct page),
				       sizeof(struct pin),
				       sizeof(struct pin_head),
				       sizeof(struct l1_space),
				       offsetof(struct record, length),
				       offsetof(struct record, meta),
				       offsetof(struct record, first),
				       offsetof(struct record, checksum),
				       offsetof(struct record, ring),
				       offsetof(struct record, block),
				       offsetof(struct page, list),
				       offsetof(struct l1_space, queues),
				       offsetof(struct stored_meta, flags),
				       offsetof(struct stored_meta, etag_at),
				       L1_BLOCK_MIN,
				       L1_PAGE_MIN,
				       L1_PAGE_MAX,
				       L1_LEND_MIN,
				       L1_PINS,
				       L1_PROBES,
				       L1_WHOLE,
				       RECORD_NEW,
				       QUEUE_MAIN,
				       BLOCK_HOLE,
				       OWNER_BODY,
				       SLOT_MAX};
	uint64_t h = seg_hash(0, LAYOUT_VERSION);

	for (size_t i = 0; i < COUNTOF(shape); i++)
		h = (h ^ shape[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* ---- views ---- */

/* A view of what is there, on the caller's storage. False: no such region, or not one of ours. */
static bool view(struct seg *seg, unsigned slot, struct l1 *out)
{
	size_t size;
	char *base = seg_region(seg, SEG_L1, &size);

	if (!base)
		return false;
	struct l1_region *region = (struct l1_region *)(void *)base;
	struct l1_region want = plan(region->size);
	if (region->magic != L1_MAGIC || want.bytes != size || region->bytes != size ||
	    memcmp(region, &want, PLAN_BYTES) != 0)
		return false;
	*out = (struct l1){.magic = L1_VIEW_MAGIC,
			   .slot = slot,
			   .base = base,
			   .region = region,
			   .shards = (struct l1_shard *)(void *)(base + region->shards),
			   .buckets = (struct l1_bucket *)(void *)(base + region->buckets),
			   .pages = (struct page *)(void *)(base + region->pages),
			   .blocks = (struct block *)(void *)(base + region->blocks),
			   .file_at = (uint64_t)(base - (char *)seg_base(seg)),
			   .fd = seg_fd(seg)};
	space_classes(out);
	return true;
}

struct l1 *l1_attach(struct seg *seg, unsigned slot, uint64_t max_object)
{
	struct l1 *l1 = malloc(sizeof(*l1));

	ASSERT(slot <= SLOT_NONE);
	if (!l1)
		return NULL;
	if (!view(seg, slot, l1)) {
		free(l1);
		return NULL;
	}
	l1->max_object = max_object;
	l1->purge = purge_attach(seg);
	if (slot != SLOT_NONE && pins_open(l1))
		l1_detach(&l1);
	return l1;
}

void l1_set_max_object(struct l1 *l1, uint64_t max_object)
{
	CHECK_MAGIC(l1, L1_VIEW_MAGIC);
	l1->max_object = max_object;
}

void l1_detach(struct l1 **pointer)
{
	struct l1 *l1 = *pointer;

	*pointer = NULL;
	if (!l1)
		return;
	CHECK_MAGIC(l1, L1_VIEW_MAGIC);
	for (uint32_t pin = 0; l1->holders && pin < l1->stack.fresh; pin++)
		body_fill_free(l1, pin);
	purge_detach(&l1->purge);
	pins_close(l1);
	l1->magic = 0;
	free(l1);
}

/* ---- format and revive ---- */

static void make_locks(struct l1 *l1)
{
	for (uint32_t i = 0; i < l1->region->n_shards; i++)
		lock_init(&l1->shards[i].lock, LOCK_L1_SHARD);
	lock_init(&l1_space(l1)->lock, LOCK_L1_SPACE);
}

/* Memory for everything before the pin tables: an index is used all over from the start. */
static int back_index(struct seg *seg, const struct l1_region *r)
{
	char *base = seg_region(seg, SEG_L1, NULL);

	return posix_fallocate(seg_fd(seg), base - (char *)seg_base(seg), (off_t)r->pins) ? ERR_FULL
											  : 0;
}

int l1_format(struct seg *seg, uint64_t size)
{
	struct l1_region want = plan(size);
	size_t bytes;
	char *base = seg_region(seg, SEG_L1, &bytes);
	struct l1 l1;

	if (!base)
		return ERR_MISSING;
	if (bytes != want.bytes)
		return ERR_LIMIT;
	/* What an earlier program left goes; the file's holes read as zeros. */
	if (madvise(base, bytes & ~(size_t)(SEG_PAGE - 1), MADV_REMOVE))
		return ERR_SYS;
	int rc = back_index(seg, &want);
	if (rc)
		return rc;
	memcpy(base, &want, PLAN_BYTES);
	if (!view(seg, SLOT_NONE, &l1))
		return ERR_CORRUPT;
	make_locks(&l1);
	space_format(&l1);
	return 0;
}

static void forget_pins(struct l1 *l1, unsigned slot)
{
	struct pin_head *head = l1_pin_head(l1, slot);

	for (uint32_t i = 0; i < MIN(head->high, (uint32_t)L1_PINS); i++)
		l1_pin_table(l1, slot)[i] = (struct pin){0};
	*head = (struct pin_head){0};
}

int l1_revive(struct seg *seg)
{
	struct l1 l1;

	if (!view(seg, SLOT_NONE, &l1))
		return ERR_CORRUPT;
	make_locks(&l1);
	for (unsigned slot = 0; slot < SLOT_MAX; slot++)
		forget_pins(&l1, slot);
	return repair_all(&l1);
}

/* ---- after a worker's death ---- */

/* One pin of the dead worker's. Its record is still there: it is pinned. */
static void release_pin(struct l1 *l1, struct pin *pin)
{
	uint64_t object = pin->object & ~(uint64_t)PIN_FLAGS;
	struct record *r = space_record(l1, object);

	if (r) {
		unsigned shard = index_shard(l1, r->hash_hi);
		index_lock(l1, shard);
		if (pin->object & PIN_FILLER)
			(void)object_break_locked(l1, r);
		pin->object = 0;
		L1_ORDER();
		ASSERT(r->pins > 0);
		r->pins--;
		object_release_locked(l1, r);
		index_unlock(l1, shard);
	}
	pin->object = 0;
}

/* Pages that it was emptying. */
static void release_pages(struct l1 *l1, unsigned slot)
{
	space_lock(l1);
	for (uint32_t page = 1; page <= l1->region->n_pages; page++) {
		if (l1->pages[page].emptier != slot + 1)
			continue;
		l1->pages[page].emptier = 0;
		space_relist_locked(l1, page);
	}
	space_unlock(l1);
}

void l1_recover(struct seg *seg, unsigned slot, void *unused UNUSED)
{
	struct l1 l1;

	if (slot >= SLOT_MAX || !view(seg, SLOT_NONE, &l1))
		return;
	/* Whatever lock it held is repaired by taking it; then its pins can be trusted. */
	space_lock(&l1);
	space_unlock(&l1);
	for (unsigned shard = 0; shard < l1.region->n_shards; shard++) {
		index_lock(&l1, shard);
		index_unlock(&l1, shard);
	}
	struct pin_head *head = l1_pin_head(&l1, slot);
	for (uint32_t i = 0; i < MIN(head->high, (uint32_t)L1_PINS); i++)
		if (l1_pin_table(&l1, slot)[i].object)
			release_pin(&l1, &l1_pin_table(&l1, slot)[i]);
	*head = (struct pin_head){0};
	release_pages(&l1, slot);
}
