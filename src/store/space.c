/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/space.h"

#include <errno.h>
#include <fcntl.h>

#include "store/repair.h"

void space_lock(struct l1 *l1)
{
	if (lock_take(&l1_space(l1)->lock) == LOCK_RECOVERED)
		repair_space_locked(l1);
}

void space_unlock(struct l1 *l1)
{
	lock_give(&l1_space(l1)->lock);
}

/* ---- classes ---- */

uint32_t space_page_bytes(uint64_t size)
{
	uint32_t n = L1_PAGE_MIN;

	/* Each class may have a page that is hardly used: many pages make that a small part. */
	while (n < L1_PAGE_MAX && (uint64_t)n * 1024 < size)
		n *= 2;
	return n;
}

static void add_class(struct l1 *l1, uint32_t bytes)
{
	if (l1->n_classes > 0 && l1->class_bytes[l1->n_classes - 1] >= bytes)
		return;
	ASSERT(l1->n_classes < L1_CLASSES);
	l1->class_bytes[l1->n_classes] = bytes;
	l1->class_blocks[l1->n_classes] = l1->region->page_bytes / bytes;
	l1->n_classes++;
}

void space_classes(struct l1 *l1)
{
	/* Parts of a page from one 64th up; what is below L1_LEND_MIN is not used. */
	static const uint8_t parts[] = {64, 54, 46, 39, 33, 28, 24, 20, 17, 14,
					12, 10, 8,  7,	6,  5,	4,  3,	2,  1};
	uint32_t page = l1->region->page_bytes;

	l1->n_classes = 0;
	/* Small ones: a tenth larger each, then as large as the number of them in a page allows. */
	for (uint32_t n = L1_BLOCK_MIN; n < L1_LEND_MIN; n += n / 10) {
		uint32_t bytes = (page / (page / n)) & ~UINT32_C(63);
		if (bytes < L1_LEND_MIN)
			add_class(l1, bytes);
	}
	for (size_t i = 0; i < COUNTOF(parts); i++) {
		uint32_t bytes = (page / parts[i]) & ~(uint32_t)(SEG_PAGE - 1);
		if (bytes >= L1_LEND_MIN)
			add_class(l1, bytes);
	}
	l1->page_shift = (uint32_t)__builtin_ctz(page);
	for (uint32_t i = 0, class = 0; i < COUNTOF(l1->small_class); i++) {
		while (l1->class_bytes[class] < i * 64)
			class ++;
		l1->small_class[i] = (uint8_t) class;
	}
}

unsigned space_class(const struct l1 *l1, uint64_t n)
{
	unsigned class;

	if (n <= L1_LEND_MIN)
		return l1->small_class[(n + 63) / 64];
	for (class = l1->small_class[L1_LEND_MIN / 64]; class < l1->n_classes; class ++)
		if (l1->class_bytes[class] >= n)
			break;
	return class;
}

/* ---- lists of pages ---- */

static uint32_t *list_head(struct l1 *l1, const struct page *p)
{
	struct l1_space *s = l1_space(l1);

	if (p->list == PAGE_PARTIAL)
		return &s->partial[p->class - 1];
	return p->list == PAGE_BACKED ? &s->backed : &s->bare;
}

static void list_leave(struct l1 *l1, uint32_t page)
{
	struct page *p = &l1->pages[page];

	if (p->list == PAGE_NOWHERE)
		return;
	if (p->prev)
		l1->pages[p->prev].next = p->next;
	else
		*list_head(l1, p) = p->next;
	if (p->next)
		l1->pages[p->next].prev = p->prev;
	if (p->list != PAGE_PARTIAL)
		l1_space(l1)->free_pages--;
	else if (!l1_space(l1)->partial[p->class - 1])
		l1_space(l1)->has_partial &= ~(UINT64_C(1) << (p->class - 1));
	p->list = PAGE_NOWHERE;
}

static void list_join(struct l1 *l1, uint32_t page, enum page_list list)
{
	struct page *p = &l1->pages[page];

	p->list = (uint8_t)list;
	uint32_t *head = list_head(l1, p);
	p->prev = 0;
	p->next = *head;
	if (*head)
		l1->pages[*head].prev = page;
	*head = page;
	if (list == PAGE_PARTIAL)
		l1_space(l1)->has_partial |= UINT64_C(1) << (p->class - 1);
	else
		l1_space(l1)->free_pages++;
}

/* A wholly free page forgets its class. Holes of its blocks become the page's. */
static void page_clear(struct l1 *l1, uint32_t page)
{
	struct page *p = &l1->pages[page];
	struct block *b = &l1->blocks[page * l1->region->page_blocks];
	uint32_t n = MIN(l1->class_blocks[p->class - 1], p->described);

	for (uint32_t i = 0; i < n; i++) {
		if (b[i].flags & BLOCK_HOLE)
			p->backed = 0;
		b[i].flags = 0;
		b[i].next = 0;
	}
	p->free = p->fresh = 0;
	p->emptier = 0;
	L1_ORDER();
	p->class = 0;
}

void space_relist_locked(struct l1 *l1, uint32_t page)
{
	struct page *p = &l1->pages[page];

	if (p->class && p->used == 0) {
		list_leave(l1, page);
		page_clear(l1, page);
	}
	if (!p->class) {
		if (p->list == PAGE_NOWHERE)
			list_join(l1, page, p->backed ? PAGE_BACKED : PAGE_BARE);
		return;
	}
	bool partial = p->used < l1->class_blocks[p->class - 1] && !p->emptier;
	if (partial == (p->list == PAGE_PARTIAL))
		return;
	if (partial)
		list_join(l1, page, PAGE_PARTIAL);
	else
		list_leave(l1, page);
}

void space_format(struct l1 *l1)
{
	/* Backwards, so that the first pages are used first. */
	for (uint32_t page = l1->region->n_pages; page > 0; page--)
		space_relist_locked(l1, page);
}

/* ---- memory from the system ---- */

static int back_range(struct l1 *l1, uint64_t at, uint64_t n)
{
	int rc;

	do {
		rc = posix_fallocate(l1->fd, (off_t)(l1->file_at + at), (off_t)n);
	} while (rc == EINTR);
	if (rc == 0)
		return 0;
	__atomic_fetch_add(&l1_space(l1)->no_memory, 1, __ATOMIC_RELAXED);
	return ERR_FULL;
}

int space_back(struct l1 *l1, uint32_t block)
{
	struct block *b = &l1->blocks[block];

	if (!(__atomic_load_n(&b->flags, __ATOMIC_RELAXED) & BLOCK_HOLE))
		return 0;
	int rc = back_range(l1, space_block_at(l1, block), space_block_bytes(l1, block));
	if (rc == 0)
		__atomic_fetch_and(&b->flags, ~(uint32_t)BLOCK_HOLE, __ATOMIC_RELAXED);
	return rc;
}

/* The kernel may still be sending what the block holds: it keeps the old memory, the block gets new
 * one when it is used again. */
static void punch(struct l1 *l1, uint32_t block)
{
	uint32_t n = space_block_bytes(l1, block);
	struct block *b = &l1->blocks[block];

	int rc = fallocate(l1->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			   (off_t)(l1->file_at + space_block_at(l1, block)), n);
	ASSERT(rc == 0);
	L1_ORDER();
	__atomic_store_n(&b->flags, BLOCK_HOLE, __ATOMIC_RELAXED);
	l1_space(l1)->holes += n / SEG_PAGE;
}

/* Memory for the descriptions of <n> blocks. */
static bool describe(struct l1 *l1, uint32_t page, uint32_t n)
{
	struct page *p = &l1->pages[page];
	uint32_t first = page * l1->region->page_blocks;

	if (p->described >= n)
		return true;
	if (back_range(l1, l1_offset(l1, &l1->blocks[first]), n * sizeof(struct block)))
		return false;
	/* Zero already, unless an earlier program left it otherwise. */
	memset(&l1->blocks[first + p->described], 0, (n - p->described) * sizeof(struct block));
	p->described = n;
	return true;
}

/* ---- blocks ---- */

/* A page from the pool for <class>; 0 = none, or no memory for it. */
static uint32_t page_assign(struct l1 *l1, unsigned class)
{
	struct l1_space *s = l1_space(l1);
	uint32_t page = s->backed ? s->backed : s->bare;
	bool large = l1->class_bytes[class] >= L1_LEND_MIN;
	uint32_t n = l1->class_blocks[class];

	if (!page || !describe(l1, page, n))
		return 0;
	struct page *p = &l1->pages[page];
	if (!p->backed && !large) {
		if (back_range(l1, l1->region->data + ((uint64_t)(page - 1) << l1->page_shift),
			       l1->region->page_bytes))
			return 0;
		p->backed = 1;
	}
	list_leave(l1, page);
	/* Large blocks get their memory one by one, from who uses them, outside the lock. */
	for (uint32_t i = 0; !p->backed && i < n; i++)
		l1->blocks[page * l1->region->page_blocks + i].flags = BLOCK_HOLE;
	p->used = p->free = p->fresh = 0;
	L1_ORDER();
	p->class = class + 1;
	list_join(l1, page, PAGE_PARTIAL);
	return page;
}

static uint32_t take_from(struct l1 *l1, uint32_t page, uint64_t owner)
{
	struct page *p = &l1->pages[page];
	uint32_t index = p->free ? p->free - 1 : p->fresh;
	uint32_t block = page * l1->region->page_blocks + index;
	struct block *b = &l1->blocks[block];

	ASSERT(index < l1->class_blocks[p->class - 1] && b->owner == 0);
	if (p->free)
		p->free = b->next;
	else
		p->fresh++;
	b->next = 0;
	L1_ORDER();
	b->owner = owner;
	p->used++;
	l1_space(l1)->used += l1->class_bytes[p->class - 1];
	if (p->used == l1->class_blocks[p->class - 1])
		space_relist_locked(l1, page);
	return block;
}

uint32_t space_take_locked(struct l1 *l1, unsigned class, uint64_t owner)
{
	uint32_t page = l1_space(l1)->partial[class];

	if (!page)
		page = page_assign(l1, class);
	return page ? take_from(l1, page, owner) : 0;
}

uint32_t space_take_any_locked(struct l1 *l1, unsigned class, uint64_t min, uint64_t owner)
{
	uint32_t block = space_take_locked(l1, class, owner);

	if (block)
		return block;
	uint64_t has = l1_space(l1)->has_partial;
	uint64_t below = has & ((UINT64_C(1) << class) - 1);
	uint64_t above = class + 1 < L1_CLASSES ? has & ~UINT64_C(0) << (class + 1) : 0;
	if (below) {
		class = 63 - (unsigned)__builtin_clzll(below);
		if (l1->class_bytes[class] >= min)
			return take_from(l1, l1_space(l1)->partial[class], owner);
	}
	/* Larger ones waste what they have more. */
	if (!above)
		return 0;
	unsigned larger = (unsigned)__builtin_ctzll(above);
	if (l1->class_bytes[larger] / 4 > l1->class_bytes[class] / 3)
		return 0;
	return take_from(l1, l1_space(l1)->partial[larger], owner);
}

void space_renew_locked(struct l1 *l1, uint32_t block)
{
	if (__atomic_load_n(&l1->blocks[block].flags, __ATOMIC_RELAXED) & BLOCK_LENT)
		punch(l1, block);
}

void space_forget_locked(struct l1 *l1, uint32_t block)
{
	space_renew_locked(l1, block);
	l1->blocks[block].owner = 0;
}

void space_give_locked(struct l1 *l1, uint32_t block)
{
	uint32_t page = space_page_of(l1, block);
	struct page *p = &l1->pages[page];
	struct block *b = &l1->blocks[block];

	ASSERT(b->owner != 0 && p->used > 0);
	space_renew_locked(l1, block);
	b->owner = 0;
	L1_ORDER();
	b->next = p->free;
	p->free = block % l1->region->page_blocks + 1;
	p->used--;
	l1_space(l1)->used -= l1->class_bytes[p->class - 1];
	space_relist_locked(l1, page);
}

/* ---- numbers that nobody vouches for ---- */

bool space_block_valid(const struct l1 *l1, uint32_t block)
{
	uint32_t page = space_page_of(l1, block);

	if (page < 1 || page > l1->region->n_pages)
		return false;
	const struct page *p = &l1->pages[page];
	return p->class > 0 && p->class <= l1->n_classes &&
	       block % l1->region->page_blocks < MIN(l1->class_blocks[p->class - 1], p->described);
}

struct record *space_record(const struct l1 *l1, uint64_t object)
{
	const struct l1_region *region = l1->region;

	if (object < region->data || object - region->data >= region->size || object % 64)
		return NULL;
	uint32_t page = (uint32_t)((object - region->data) >> l1->page_shift) + 1;
	uint32_t class = l1->pages[page].class;
	uint32_t in_page = (uint32_t)((object - region->data) & (region->page_bytes - 1));
	if (class < 1 || class > l1->n_classes || in_page % l1->class_bytes[class - 1])
		return NULL;
	uint32_t block = page * region->page_blocks + in_page / l1->class_bytes[class - 1];
	if (!space_block_valid(l1, block) || l1->blocks[block].owner != (object | OWNER_RECORD))
		return NULL;
	struct record *r = l1_record(l1, object);
	return r->magic == RECORD_LIVE && r->block == block ? r : NULL;
}
