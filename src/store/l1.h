/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * L1: stored responses in the shared segment, used by all workers at once. An object is a record
 * (key, selecting fields, values, head) and a body, a chain of blocks. A record never changes once
 * it can be found, but for atomics (frequency, softly purged); what a 304 changes becomes a new
 * record that shares the body. A filling object can be found and read while it grows.
 *
 * Who holds an object has a pin, recorded in the worker's slot, so that a dead worker's pins can be
 * released. Nothing pinned is ever freed or rewritten. The whole is drawn in
 * doc/internals/l1.md. Any worker's loop thread, and the admin process for reading; locks
 * inside, held for straight-line code.
 */
#ifndef STORE_L1_H
#define STORE_L1_H

#include "base/err.h"
#include "base/str.h"
#include "policy/stored.h"

struct buf;
struct seg;
struct l1; /* one process's view */

/* XXH3-128 of the key. */
struct l1_hash {
	uint64_t hi, lo;
};

struct l1_key {
	struct str text; /* compared in full */
	uint32_t url_n;	 /* its URL part (policy/key.h) */
	struct l1_hash hash;
};

enum l1_state {
	L1_FILLING = 1, /* grows; readers follow */
	L1_WHOLE = 2,
	L1_BROKEN = 3, /* the fill failed: what is there must not pass for a whole body */
};

/* A pinned object, as this process sees it. All slices lie in the segment and live until unpinned. */
struct l1_ref {
	uint64_t object; /* offset; 0 = none */
	uint32_t pin;	 /* which of the slot's pins */
};

struct l1_view {
	struct l1_key key;
	struct str vary; /* policy/vary.h */
	struct str head; /* field lines */
	const struct stored_meta *meta;
	unsigned n_tags; /* purge tags and groups */
	bool softly_purged;
};

/* Its ETag's value, empty without one. */
static inline struct str l1_view_etag(const struct l1_view *v)
{
	return str_of(v->head.p + v->meta->etag_at, v->meta->etag_n);
}

/* ---- the region ---- */

enum { L1_MAX_TAGS = 32, L1_SIZE_MIN = 4 * 1024 * 1024 };

/* For the segment: bytes of the region for an L1 of <size> bytes, and the layout's hash. */
size_t l1_region_bytes(uint64_t size);
uint64_t l1_region_layout(void);

/* Master, on a fresh region: makes it ready. */
MUST_CHECK int l1_format(struct seg *seg, uint64_t size);

/* Master, on a region that an earlier program left in order: releases all pins, breaks and removes
 * what was filling, makes the locks anew; checks what it can. ERR_CORRUPT: format it. */
MUST_CHECK int l1_revive(struct seg *seg);

/* Every process: its view. <slot> SLOT_NONE: only l1_peek and figures. NULL: no such region. */
struct l1 *l1_attach(struct seg *seg, unsigned slot, uint64_t max_object);
void l1_detach(struct l1 **l1);
/* For what is stored from now on. */
void l1_set_max_object(struct l1 *l1, uint64_t max_object);

/* Master, after a worker's death (shm/recover.h): its pins are released, what it was filling is
 * broken, shards whose lock it held are checked and, if in doubt, emptied. */
void l1_recover(struct seg *seg, unsigned slot, void *unused);

struct l1_hash l1_hash(struct str key);

/* ---- finding ---- */

/* Asked for each variant under a key, newest first, with the shard locked: straight-line code only.
 * True: this one. */
typedef bool l1_match_fn(void *arg, const struct l1_view *v, enum l1_state state);

/*
 * The first object under <key> that <match> takes, pinned; counts as a use. Objects purged hard are
 * never offered. False: none (or no pin was left, which is counted). *out_any: something is
 * stored under the key. BROKEN ones are not offered; FILLING ones are.
 */
bool l1_find(struct l1 *l1, const struct l1_key *key, l1_match_fn *match, void *arg,
	     struct l1_ref *out_ref, bool *out_any);

/* Pins once more what is pinned already, for another holder. */
MUST_CHECK bool l1_pin(struct l1 *l1, const struct l1_ref *ref, struct l1_ref *out_ref);
/* Pins the object at <object>, published by another worker, if it still is the one of <key> and was
 * not purged since its request was sent. */
MUST_CHECK bool l1_pin_at(struct l1 *l1, uint64_t object, const struct l1_hash *hash,
			  struct l1_ref *out_ref);

/* Gives the pin back and clears *ref; nothing happens on a cleared one. The last pin of an object
 * that cannot be found any more frees it. */
void l1_unpin(struct l1 *l1, struct l1_ref *ref);

void l1_view(struct l1 *l1, const struct l1_ref *ref, struct l1_view *out_view);
enum l1_state l1_state(struct l1 *l1, const struct l1_ref *ref);

/* Takes the object out of the index: nobody new finds it. */
void l1_drop(struct l1 *l1, const struct l1_ref *ref);

/* ---- storing ---- */

struct l1_new {
	struct l1_key key;
	struct str vary, head;
	const uint64_t *tag_hashes; /* purge_hash of tags and groups; L1_MAX_TAGS at most count */
	size_t n_tags;
	struct str host; /* as in the key, without port: for purge by host */
	struct stored_meta meta;
	uint64_t length;    /* body bytes to come; STORED_UNKNOWN = not known */
	uint64_t purge_seq; /* purge_now() when the request was sent: later purges hit it */
	unsigned max_variants;
	bool wanted; /* others wait for it: a large one need not have been asked for before */
};

/*
 * A FILLING object, pinned, that can be found from now on (before older variants with the same
 * selecting fields, which stay until commit). ERR_LIMIT: larger than max_object or the cache;
 * ERR_FULL: no room, everything is pinned; ERR_BUSY: no pin left. Evicts what it must.
 */
MUST_CHECK int l1_create(struct l1 *l1, const struct l1_new *spec, struct l1_ref *out_ref);

/*
 * Room for the next body bytes: at least one byte, at most what fits in one block. The filler
 * writes there and calls l1_filled. ERR_FULL: no room (or max_object reached): see l1_stream.
 * ERR_SYNTAX: all announced bytes are there.
 */
MUST_CHECK int l1_room(struct l1 *l1, const struct l1_ref *ref, char **out_p, size_t *out_n);
void l1_filled(struct l1 *l1, const struct l1_ref *ref, size_t n);

/* All of <data>: room and filled in one. */
MUST_CHECK int l1_append(struct l1 *l1, const struct l1_ref *ref, struct str data);

/*
 * The object has become too large to be kept: it leaves the index and turns into a window of what
 * it has. From now on l1_room recycles the front that every reader has passed (l1_passed) and
 * gives ERR_BUSY while the slowest reader is in the way. Nobody else loses a byte. The filler's own
 * pin does not count as a reader: who fills and reads takes a second one (l1_pin).
 */
void l1_stream(struct l1 *l1, const struct l1_ref *ref);
bool l1_is_stream(struct l1 *l1, const struct l1_ref *ref);

/* How many hold it, the caller included. */
unsigned l1_pins(struct l1 *l1, const struct l1_ref *ref);

/*
 * A stream that stands still: asks the readers that are furthest behind to go (l1_is_cut), if others
 * are further. They stay in the way until they unpin. False: nobody is to be asked.
 */
bool l1_cut_slowest(struct l1 *l1, const struct l1_ref *ref);
bool l1_is_cut(struct l1 *l1, const struct l1_ref *ref);

/* The body is complete: length and checksum are noted, older variants with the same selecting
 * fields leave, the object may be evicted from now on. ERR_SYNTAX: fewer or more bytes than
 * announced (then it is broken). <trailers>: field lines, may be empty. */
MUST_CHECK int l1_commit(struct l1 *l1, const struct l1_ref *ref, struct str trailers);

/* The fill failed: readers see BROKEN, the object leaves the index. */
void l1_break(struct l1 *l1, const struct l1_ref *ref);

/* A new record with <meta> and <head> for the WHOLE object <old>, sharing its body, in its place
 * (RFC 9111 4.3.4); pinned. ERR_FULL, ERR_BUSY: the old one stays. ERR_CORRUPT:
 * a repair has broken it meanwhile. */
MUST_CHECK int l1_refresh(struct l1 *l1, const struct l1_ref *old, const struct stored_meta *meta,
			  struct str head, uint64_t purge_seq, struct l1_ref *out_ref);

/* ---- reading ---- */

/* Bytes there now, and how many there will be in all (STORED_UNKNOWN until known; NULL: not asked for). */
uint64_t l1_length(struct l1 *l1, const struct l1_ref *ref, uint64_t *out_total);

/* The published bytes at <at>, as far as they lie in one piece; empty: none yet (or the end). The
 * position must not lie below an earlier l1_passed of this pin. */
struct str l1_read(struct l1 *l1, const struct l1_ref *ref, uint64_t at);

/*
 * The same as a range of the segment's file, for sendfile(2). The blocks are marked as lent to the
 * kernel: freed, their pages are replaced, because the kernel may go on reading them. 0: none yet,
 * or they cannot be lent (small blocks).
 */
size_t l1_lend(struct l1 *l1, const struct l1_ref *ref, uint64_t at, uint64_t *out_file_at);
int l1_fd(const struct l1 *l1);

/* This pin will read nothing below <at> any more. Matters to l1_stream only; cheap. */
void l1_passed(struct l1 *l1, const struct l1_ref *ref, uint64_t at);

struct str l1_trailers(struct l1 *l1, const struct l1_ref *ref);

/* Does the WHOLE object's body match its checksum? Reads all of it. */
bool l1_verify(struct l1 *l1, const struct l1_ref *ref);

/* ---- looking ---- */

/* What is stored under <key>, for explain: called for each variant with the shard locked; copies. */
typedef void l1_peek_fn(void *arg, const struct l1_view *v, enum l1_state state, uint64_t length,
			bool purged);
void l1_peek(struct l1 *l1, const struct l1_key *key, l1_peek_fn *fn, void *arg);

/* Figures, to the byte; gauges of the whole cache plus this process's counts. */
struct l1_figures {
	uint64_t size;	     /* bytes that pages can hold */
	uint64_t used;	     /* bytes of blocks in use */
	uint64_t stored;     /* of them: keys, heads, bodies (the rest is rounding) */
	uint64_t lent_holes; /* pages replaced after sendfile */
	uint64_t objects, filling, pins;
	uint64_t pages, free_pages;
	uint64_t evicted, evicted_small, evicted_main, promoted, ghost_hits, expired, purged;
	uint64_t rejected_large, rejected_full, no_pin, broken, recovered_shards;
};
void l1_figures(struct l1 *l1, struct l1_figures *out);

#endif
