/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/object.h"

#include "base/clock.h"
#include "store/evict.h"
#include "store/index.h"
#include "store/pins.h"
#include "store/queue.h"
#include "store/space.h"

/* ---- making ---- */

uint64_t object_fixed_bytes(const struct l1_new *spec)
{
	size_t tags = MIN(spec->n_tags, (size_t)L1_MAX_TAGS);

	return sizeof(struct record) + tags * sizeof(uint64_t) + spec->key.text.n + spec->vary.n +
	       spec->head.n;
}

/* What repair must find right if we die before the rest is filled in. */
static void begin_locked(struct l1 *l1, struct record *r, const struct l1_new *spec, uint32_t block)
{
	r->magic = 0;
	L1_ORDER();
	memset((char *)r + sizeof(r->magic), 0, sizeof(*r) - sizeof(r->magic));
	r->state = RECORD_NEW;
	r->hash_hi = spec->key.hash.hi;
	r->hash_lo = spec->key.hash.lo;
	r->block = block;
	r->filler = (uint16_t)l1->slot;
	r->ring = l1_offset(l1, r);
	r->born = ++l1_space(l1)->born;
	L1_ORDER();
	r->magic = RECORD_LIVE;
}

static struct record *try_make(struct l1 *l1, const struct l1_new *spec, unsigned class,
			       bool larger_too, uint32_t pin)
{
	struct record *r = NULL;

	space_lock(l1);
	/* The owner word makes the record: it comes last, so take the block for nobody first. */
	uint32_t block = space_take_locked(l1, class, OWNER_BODY);
	for (unsigned c = class + 1; !block && larger_too && c < l1->n_classes && c < class + 4;
	     c++)
		if (l1_space(l1)->has_partial >> c & 1)
			block = space_take_locked(l1, c, OWNER_BODY);
	if (block && space_back(l1, block)) {
		space_give_locked(l1, block);
		block = 0;
	}
	if (block) {
		uint64_t object = space_block_at(l1, block);
		r = l1_record(l1, object);
		begin_locked(l1, r, spec, block);
		l1_space(l1)->objects++;
		l1_space(l1)->filling++;
		L1_ORDER();
		l1->blocks[block].owner = object | OWNER_RECORD;
		L1_ORDER();
		pins_set_locked(l1, pin, r, PIN_FILLER);
	}
	space_unlock(l1);
	return r;
}

static char *put(char *p, struct str s)
{
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

static void fill_in(struct l1 *l1, struct record *r, const struct l1_new *spec, uint64_t inline_n)
{
	r->seen = spec->purge_seq;
	r->key_n = (uint32_t)spec->key.text.n;
	r->url_n = spec->key.url_n;
	r->vary_n = (uint32_t)spec->vary.n;
	r->head_n = (uint32_t)spec->head.n;
	r->total = spec->length;
	r->meta = spec->meta;
	char *p = (char *)r + sizeof(*r) + r->tags_n * sizeof(uint64_t);
	p = put(put(put(p, spec->key.text), spec->vary), spec->head);
	r->inline_at = (uint32_t)(p - (char *)r);
	/* A body of known length lies inside wholly, or not at all: then all of it can be lent. */
	if (inline_n > 0 || spec->length == STORED_UNKNOWN)
		r->inline_n = space_block_bytes(l1, r->block) - r->inline_at;
}

/* A new block, with only what repair needs. */
static int make(struct l1 *l1, const struct l1_new *spec, uint64_t bytes, uint32_t pin,
		struct record **out)
{
	unsigned class = space_class(l1, bytes);
	struct eviction e = {.want = bytes};

	if (class >= l1->n_classes)
		return ERR_LIMIT;
	while (!(*out = try_make(l1, spec, class, e.victims > 0, pin))) {
		if (!evict_some(l1, &e)) {
			l1->counts.rejected_full++;
			return ERR_FULL;
		}
	}
	return 0;
}

int object_make(struct l1 *l1, const struct l1_new *spec, uint64_t inline_n, uint32_t pin,
		struct record **out)
{
	struct record *r;
	int rc = make(l1, spec, object_fixed_bytes(spec) + inline_n, pin, &r);

	if (rc)
		return rc;
	r->tags_n = (uint32_t)MIN(spec->n_tags, (size_t)L1_MAX_TAGS);
	if (r->tags_n > 0)
		memcpy(record_tags(r), spec->tag_hashes, r->tags_n * sizeof(uint64_t));
	r->url_hash = purge_hash(PURGE_URL, str_of(spec->key.text.p, spec->key.url_n));
	r->host_hash = purge_hash(PURGE_HOST, spec->host);
	fill_in(l1, r, spec, inline_n);
	*out = r;
	return 0;
}

int object_make_like(struct l1 *l1, const struct l1_new *spec, const struct record *old,
		     uint64_t inline_n, uint32_t pin, struct record **out)
{
	size_t tags = old->tags_n * sizeof(uint64_t);
	struct record *r;
	int rc = make(l1, spec, object_fixed_bytes(spec) + tags + inline_n, pin, &r);

	if (rc)
		return rc;
	r->tags_n = old->tags_n;
	memcpy(record_tags(r), record_tags(old), tags);
	r->url_hash = old->url_hash;
	r->host_hash = old->host_hash;
	fill_in(l1, r, spec, inline_n);
	*out = r;
	return 0;
}

/* ---- in the index ---- */

static struct str vary_of(const struct record *r)
{
	return str_of(record_key(r) + r->key_n, r->vary_n);
}

/* Keeps <max> variants. Those that <newest> will take the place of do not count among the others:
 * until it is whole they are the ones that answer. */
static void trim_variants(struct l1 *l1, struct record *newest, unsigned max)
{
	struct record *v = newest;
	unsigned same = 1, others = 1;

	while (max && v->older) {
		struct record *older = l1_record(l1, v->older);
		unsigned *n = str_eq(vary_of(older), vary_of(newest)) ? &same : &others;
		if (++*n > max + (n == &same))
			object_remove_locked(l1, older);
		else
			v = older;
	}
}

void object_publish_locked(struct l1 *l1, struct record *r, unsigned max_variants)
{
	struct record *worst = NULL;

	if (!index_link_locked(l1, r, &worst)) {
		if (!worst)
			return;
		object_remove_locked(l1, worst);
		if (!index_link_locked(l1, r, &worst))
			return;
	}
	trim_variants(l1, r, max_variants);
}

void object_supersede_locked(struct l1 *l1, struct record *r)
{
	uint64_t at = r->linked ? r->older : 0;

	while (at) {
		struct record *v = l1_record(l1, at);
		at = v->older;
		if (str_eq(vary_of(v), vary_of(r)))
			object_remove_locked(l1, v);
	}
}

/* ---- leaving ---- */

bool object_release_locked(struct l1 *l1, struct record *r)
{
	if (r->linked || r->pins > 0)
		return false;
	space_lock(l1);
	object_free_locked(l1, r);
	space_unlock(l1);
	return true;
}

bool object_remove_locked(struct l1 *l1, struct record *r)
{
	index_unlink_locked(l1, r);
	return object_release_locked(l1, r);
}

bool object_evict(struct l1 *l1, const struct victim *v)
{
	unsigned shard = index_shard(l1, v->hash_hi);
	bool gone = false;

	index_lock(l1, shard);
	struct record *r = index_holds_locked(l1, v->object, v->hash_hi, v->hash_lo);
	if (r && r->born == v->born && r->pins == 0 && record_state(r) != L1_FILLING) {
		index_unlink_locked(l1, r);
		space_lock(l1);
		l1->counts.evicted++;
		if (r->queue == QUEUE_SMALL)
			l1->counts.evicted_small++;
		else
			l1->counts.evicted_main++;
		if (object_useless(l1, r, clock_wall()))
			l1->counts.expired++;
		else
			queue_evicted_locked(l1, r);
		object_free_locked(l1, r);
		space_unlock(l1);
		gone = true;
	}
	index_unlock(l1, shard);
	return gone;
}

bool object_break_locked(struct l1 *l1, struct record *r)
{
	if (r->state != L1_FILLING && r->state != RECORD_NEW)
		return false;
	space_lock(l1);
	l1_space(l1)->filling--;
	__atomic_store_n(&r->state, L1_BROKEN, __ATOMIC_RELEASE);
	space_unlock(l1);
	index_unlink_locked(l1, r);
	return true;
}

/* ---- rings: records that share a chain, after a refresh ---- */

static void chain_own(struct l1 *l1, const struct record *r)
{
	uint64_t owner = l1_offset(l1, r) | OWNER_BODY;

	for (uint32_t b = r->first; b; b = l1->blocks[b].next)
		l1->blocks[b].owner = owner;
}

void object_share_locked(struct l1 *l1, struct record *r, struct record *old)
{
	r->first_at = old->first_at;
	r->last = old->last;
	r->trailer_block = old->trailer_block;
	r->trailers_n = old->trailers_n;
	r->first = old->first;
	if (!old->first)
		return;
	L1_ORDER();
	r->ring = old->ring;
	old->ring = l1_offset(l1, r);
	/* Who empties a page asks the owner to go: that should be the one that can be found. */
	chain_own(l1, r);
	r->chain_payload = old->chain_payload;
	old->chain_payload = 0;
}

static void leave_ring(struct l1 *l1, struct record *r)
{
	struct record *next = l1_record(l1, r->ring), *before = next;

	while (before->ring != l1_offset(l1, r))
		before = l1_record(l1, before->ring);
	before->ring = r->ring;
	if (r->first && l1->blocks[r->first].owner == (l1_offset(l1, r) | OWNER_BODY))
		chain_own(l1, next);
	next->chain_payload += r->chain_payload;
}

/* ---- freeing; <magic> tells repair what to make of it ---- */

static void chain_free(struct l1 *l1, struct record *r)
{
	for (uint32_t b = r->first; b;) {
		uint32_t next = l1->blocks[b].next;
		space_give_locked(l1, b);
		b = next;
	}
}

void object_free_locked(struct l1 *l1, struct record *r)
{
	struct l1_space *s = l1_space(l1);

	ASSERT(r->magic == RECORD_LIVE && r->pins == 0 && !r->linked);
	queue_leave_locked(l1, r);
	L1_ORDER();
	r->magic = RECORD_DEAD;
	L1_ORDER();
	s->objects--;
	if (r->state == RECORD_NEW || r->state == L1_FILLING)
		s->filling--;
	s->stored -= r->payload;
	if (r->ring != l1_offset(l1, r)) {
		leave_ring(l1, r);
	} else {
		s->stored -= r->chain_payload;
		chain_free(l1, r);
	}
	space_give_locked(l1, r->block);
}

uint64_t object_account_locked(struct l1 *l1, struct record *r)
{
	struct l1_space *s = l1_space(l1);
	uint64_t bytes = space_block_bytes(l1, r->block);
	uint64_t in_record = MIN(r->length, (uint64_t)r->inline_n);

	r->payload = r->key_n + r->vary_n + r->head_n + in_record;
	s->stored += r->payload;
	if (r->ring == l1_offset(l1, r)) {
		r->chain_payload = r->length - in_record + r->trailers_n;
		s->stored += r->chain_payload;
	}
	for (uint32_t b = r->first; b; b = l1->blocks[b].next)
		bytes += space_block_bytes(l1, b);
	return bytes;
}

/* ---- looking ---- */

static enum purged purged_after(const struct l1 *l1, const struct record *r, uint64_t *out_now)
{
	if (!l1->purge)
		return PURGED_NOT;
	uint64_t now = purge_now(l1->purge);
	if (LIKELY(now == r->seen))
		return PURGED_NOT;
	const struct purge_subject subject = {
		.url = str_of(record_key(r), r->url_n),
		.url_hash = r->url_hash,
		.host_hash = r->host_hash,
		.tag_hashes = record_tags(r),
		.n_tags = r->tags_n,
	};
	*out_now = now;
	return purge_check(l1->purge, &subject, r->seen);
}

enum purged object_purged_locked(struct l1 *l1, struct record *r)
{
	uint64_t now = r->seen;
	enum purged purged = purged_after(l1, r, &now);

	if (purged == PURGED_SOFT)
		__atomic_store_n(&r->soft, 1, __ATOMIC_RELAXED);
	if (purged != PURGED_HARD)
		r->seen = now;
	return purged;
}

bool object_useless(const struct l1 *l1, const struct record *r, int64_t wall_now)
{
	const struct stored_meta *m = &r->meta;
	uint64_t now;

	if (purged_after(l1, r, &now) == PURGED_HARD)
		return true;
	/* Stale, but it can be asked about. */
	if (m->etag_n > 0 || m->last_modified != STORED_NO_DATE)
		return false;
	return stored_fresh_for(m, wall_now) + MAX(m->while_revalidate, m->if_error) < 0;
}

void object_view(const struct record *r, struct l1_view *out)
{
	const char *key = record_key(r);

	*out = (struct l1_view){
		.key = {.text = str_of(key, r->key_n),
			.url_n = r->url_n,
			.hash = {r->hash_hi, r->hash_lo}},
		.vary = str_of(key + r->key_n, r->vary_n),
		.head = str_of(key + r->key_n + r->vary_n, r->head_n),
		.meta = &r->meta,
		.n_tags = r->tags_n,
		.softly_purged = __atomic_load_n(&r->soft, __ATOMIC_RELAXED),
	};
}
