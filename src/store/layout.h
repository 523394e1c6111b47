/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the L1 region looks like, and one process's view of it. Private to src/store. Offsets count
 * from the region's first byte; 0 = none. Drawn in doc/internals/l1.md.
 *
 * A process may be killed between any two instructions. What a lock protects is then made anew from
 * a few words that are always true (repair.h says which); the order in which they are stored
 * matters, and L1_ORDER() marks where.
 */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include <xxhash.h>

#include "base/check.h"
#include "shm/lock.h"
#include "shm/seg.h"
#include "shm/slots.h"
#include "store/l1.h"
#include "store/purge.h"

/* The stores before it are made before those behind it. A killed process's stores are all seen once
 * its lock has passed on, so only the compiler must be kept from moving them. */
#define L1_ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

enum {
	L1_BLOCK_MIN = 512,	   /* bytes of the smallest block */
	L1_PAGE_MIN = 64 * 1024,   /* bytes of a page, for small caches... */
	L1_PAGE_MAX = 1024 * 1024, /* ...and large ones */
	L1_CLASSES = 64,	   /* block sizes, at most: they fit a bitmap */
	L1_LEND_MIN = 16 * 1024,   /* blocks of this size and above begin on a page of the system */
	L1_INLINE_MAX = 16 * 1024, /* a record and its body in one block, up to here */
	L1_GROW_MIN = 4096,	   /* first block of a body of unknown length */
	L1_BUCKET = 7,		   /* entries of a bucket */
	L1_PROBES = 4,		   /* buckets that may hold an entry */
	L1_GHOSTS = 8,		   /* ghosts of a group: one cache line */
	L1_PINS = 65536,	   /* pins of a slot */
};

/* ---- index ---- */

/* An entry leads to the newest variant of a key: 24 bits of the hash, the record's offset / 64.
 * 0 = free. One word, so that it is always either the old or the new one. */
struct l1_bucket {
	uint64_t entry[L1_BUCKET];
	uint64_t displaced; /* entries that belong here and lie in a following bucket */
};

_Static_assert(sizeof(struct l1_bucket) == CACHE_LINE, "a bucket is a cache line");

struct l1_shard {
	struct lock lock;
};

/* ---- records ---- */

enum record_magic {
	RECORD_LIVE = 0x4c314f62,
	RECORD_DEAD = 0x64656164, /* its blocks are going back */
};

enum record_state {
	RECORD_NEW = 4, /* being made, in no index; above the states of enum l1_state */
};

enum record_queue {
	QUEUE_NONE = 0, /* filling, or about to go */
	QUEUE_SMALL = 1,
	QUEUE_MAIN = 2,
};

/*
 * The beginning of a record; behind it lie: tag hashes, key, vary, head, inline body. Who may write
 * what: (F) whoever fills it, before it is published; (S) under the shard's lock; (P) under the
 * lock for space; (A) atomic.
 */
struct record {
	/* what a look-up reads */
	uint32_t magic;	  /* P: enum record_magic */
	uint8_t state;	  /* S, A: enum l1_state or record_state */
	uint8_t linked;	  /* S: it is in the index */
	uint8_t uses;	  /* A: hits since it was queued, 0..3 */
	uint8_t soft;	  /* S, A: softly purged */
	uint64_t hash_hi; /* F */
	uint64_t hash_lo; /* F */
	uint64_t older;	  /* S: next variant of the key */
	uint64_t seen;	  /* S: purges up to this one have been looked at */
	uint32_t pins;	  /* S: how many slots' pins lead here */
	uint32_t key_n;	  /* F */
	uint32_t url_n;	  /* F */
	uint32_t vary_n;  /* F */
	uint32_t head_n;  /* F */
	uint32_t tags_n;  /* F */
	/* what an answer reads */
	uint64_t length;	 /* A: bytes of the body that are there */
	uint64_t total;		 /* A: bytes it will have; STORED_UNKNOWN until known */
	struct stored_meta meta; /* F */
	uint32_t inline_at;	 /* F: where the body's first bytes lie, from the record's start */
	uint32_t inline_n;	 /* F: how many bytes of it fit there */
	/* the chain of blocks behind the inline part */
	uint32_t first;		/* P: block; 0 = none */
	uint32_t last;		/* P */
	uint64_t first_at;	/* P: position in the body of the first block's first byte */
	uint32_t recycled;	/* P, A: a stream's front has moved; odd: is moving */
	uint32_t trailer_block; /* P: the last block of the chain, holding trailers */
	uint32_t trailers_n;	/* F */
	uint8_t stream;		/* A: 1 = a window, never to be whole */
	uint8_t queue;		/* P: enum record_queue */
	uint16_t filler;	/* F: slot that fills it */
	uint64_t checksum;	/* F: XXH3-64 of the body, when whole */
	/* eviction and accounts */
	uint64_t newer_in_queue, older_in_queue; /* P */
	uint64_t ring;		/* P: next record that shares the chain; itself if none */
	uint64_t born;		/* F: number of this record, never used again */
	uint64_t charge;	/* P: bytes that the queue counts for it */
	uint64_t payload;	/* P: key, vary, head and inline body, as counted in <stored> */
	uint64_t chain_payload; /* P: bytes of the chain, as counted in <stored> */
	uint64_t url_hash;	/* F: for purges */
	uint64_t host_hash;	/* F */
	uint32_t block;		/* F: the block it lies in */
	uint32_t reserved;	/* 0 */
};

_Static_assert(sizeof(struct record) == 208 + sizeof(struct stored_meta), "record layout");
_Static_assert(offsetof(struct record, length) == CACHE_LINE, "a look-up reads one line");

/* ---- pages and blocks ---- */

enum block_flag {
	BLOCK_LENT = 1u << 0, /* the kernel may still read it: freed, its memory is replaced */
	BLOCK_HOLE = 1u << 1, /* has no memory yet */
	BLOCK_SEEN = 1u << 2, /* repair and check: reached */
};

enum block_owner {
	OWNER_RECORD = 1, /* a record begins here */
	OWNER_BODY = 2,	  /* part of a record's chain */
	OWNER_MASK = 3,
};

/* Outside the pages, so that blocks hold nothing but contents. Number: page * blocks per page + i. */
struct block {
	uint64_t owner; /* P: record's offset | enum block_owner; 0 = free */
	uint32_t next;	/* P: next of the chain (block), or of the free list (index in page + 1) */
	uint32_t flags; /* A: enum block_flag */
};

_Static_assert(sizeof(struct block) == 16, "block layout");

enum page_list {
	PAGE_NOWHERE = 0, /* full, or being emptied */
	PAGE_PARTIAL = 1, /* has free blocks */
	PAGE_BACKED = 2,  /* wholly free, with memory */
	PAGE_BARE = 3,	  /* wholly free; some of it has no memory */
};

struct page {
	uint32_t class;	     /* size class + 1; 0 = wholly free */
	uint32_t used;	     /* blocks in use */
	uint32_t free;	     /* first free block's index + 1 */
	uint32_t fresh;	     /* from this index on blocks are free and not on the free list */
	uint32_t next, prev; /* in its list: page numbers */
	uint8_t list;	     /* enum page_list */
	uint8_t backed;	     /* all of it has memory */
	uint16_t emptier;    /* slot + 1 of the process that empties it; 0 = none */
	uint32_t described;  /* blocks whose struct block has memory */
};

_Static_assert(sizeof(struct page) == 32, "page layout");

/* ---- pins ---- */

/* In the low bits of <object>. */
enum {
	PIN_FILLER = 1, /* does not count as a reader */
	PIN_CUT = 2,	/* a reader that is asked to go: it holds up a stream's others */
	PIN_FLAGS = PIN_FILLER | PIN_CUT,
};

struct pin {
	uint64_t object; /* S: record's offset | flags; 0 = free */
	uint64_t passed; /* A: nothing below is read any more (streams) */
};

/* Of one slot; the tables themselves lie behind all of these, L1_PINS entries each. */
struct pin_head {
	uint32_t used; /* the slot's worker: pins in use (for figures) */
	uint32_t high; /* the slot's worker: pins at and above were never used */
	uint8_t pad[CACHE_LINE - 8];
};

/* ---- the region ---- */

struct l1_queue {
	uint64_t newest, oldest; /* records */
	uint64_t bytes, count;
};

/* What the lock for space protects, besides pages and blocks. */
struct l1_space {
	struct lock lock;
	uint32_t partial[L1_CLASSES]; /* first page with free blocks of the class */
	uint64_t has_partial;	      /* bit per class */
	uint32_t backed, bare;	      /* first wholly free page, with memory and without */
	uint32_t free_pages;
	uint32_t hand; /* where the search for a page to empty goes on */
	uint64_t born; /* records made so far */
	uint64_t used, stored, objects, filling, holes;
	uint64_t ghost_clock;	   /* bytes evicted from the small queue so far */
	uint64_t no_memory;	   /* how often the system had no memory for the segment */
	struct l1_queue queues[3]; /* by enum record_queue; [0] unused */
};

#define L1_MAGIC UINT64_C(0x31306c6572636974) /* "ticrel01" */

/* First page of the region; but for <space> written once, by l1_format. */
struct l1_region {
	uint64_t magic;
	uint64_t size;	      /* bytes that pages can hold */
	uint64_t bytes;	      /* of the region */
	uint32_t page_bytes;  /* a power of two */
	uint32_t n_pages;     /* numbered from 1 */
	uint32_t n_shards;    /* a power of two */
	uint32_t n_buckets;   /* of a shard */
	uint32_t n_ghosts;    /* groups */
	uint32_t page_blocks; /* numbers of blocks per page: page_bytes / L1_BLOCK_MIN */
	uint64_t shards, buckets, ghosts, pins, pages, blocks, data; /* where they begin */
	struct l1_space space;
};

_Static_assert(sizeof(struct l1_region) <= SEG_PAGE, "the region's head has one page");

/* ---- one process's view ---- */

/* What the holder of a pin knows: its own, so never in the segment. */
struct holder {
	struct body_fill *fill; /* it fills the object; owned */
	uint64_t at;		/* position of <block>'s first byte */
	uint32_t block;		/* where it read last; 0 = nowhere yet */
	uint32_t recycled;	/* the record's value when <block> was found */
};

/* The pins that are free in this process's slot. */
struct pin_stack {
	uint32_t *free;	 /* given back, last in first out */
	uint32_t n_free; /* of them */
	uint32_t fresh;	 /* numbers from here on were never taken */
};

struct l1_counts {
	uint64_t evicted, evicted_small, evicted_main, promoted, ghost_hits, expired, purged;
	uint64_t rejected_large, rejected_full, no_pin, broken;
};

#define L1_VIEW_MAGIC 0x4c317677u

struct l1 {
	uint32_t magic; /* L1_VIEW_MAGIC */
	unsigned slot;	/* SLOT_NONE: looks only */
	char *base;	/* the region */
	struct l1_region *region;
	struct l1_shard *shards;
	struct l1_bucket *buckets;
	struct page *pages;   /* [0] unused */
	struct block *blocks; /* by number */
	uint64_t file_at;     /* where the region begins in the segment's file */
	int fd;
	struct purge *purge; /* NULL: the segment has no such region */
	uint64_t max_object; /* bytes */
	struct pin_stack stack;
	struct holder *holders; /* by pin; NULL without a slot */
	struct l1_counts counts;
	uint32_t n_classes;
	uint32_t page_shift;			   /* page_bytes as a power of two */
	uint32_t class_bytes[L1_CLASSES];	   /* rising */
	uint32_t class_blocks[L1_CLASSES];	   /* blocks of a page */
	uint8_t small_class[L1_LEND_MIN / 64 + 1]; /* class of n bytes at [(n + 63) / 64] */
};

static inline struct record *l1_record(const struct l1 *l1, uint64_t object)
{
	return (struct record *)(void *)(l1->base + object);
}

static inline uint64_t l1_offset(const struct l1 *l1, const void *p)
{
	return (uint64_t)((const char *)p - l1->base);
}

static inline struct l1_space *l1_space(const struct l1 *l1)
{
	return &l1->region->space;
}

static inline struct pin_head *l1_pin_head(const struct l1 *l1, unsigned slot)
{
	return (struct pin_head *)(void *)(l1->base + l1->region->pins) + slot;
}

static inline struct pin *l1_pin_table(const struct l1 *l1, unsigned slot)
{
	char *first = l1->base + l1->region->pins + SLOT_MAX * sizeof(struct pin_head);

	return (struct pin *)(void *)first + (size_t)slot * L1_PINS;
}

/* Where things lie in a record. */
static inline uint64_t *record_tags(const struct record *r)
{
	return (uint64_t *)(void *)((char *)(uintptr_t)r + sizeof(*r));
}

static inline const char *record_key(const struct record *r)
{
	return (const char *)r + sizeof(*r) + r->tags_n * sizeof(uint64_t);
}

static inline unsigned record_state(const struct record *r)
{
	return __atomic_load_n(&r->state, __ATOMIC_ACQUIRE);
}

#endif
