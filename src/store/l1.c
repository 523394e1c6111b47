/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/l1.h"

#include "store/admit.h"
#include "store/body.h"
#include "store/evict.h"
#include "store/index.h"
#include "store/object.h"
#include "store/pins.h"
#include "store/queue.h"
#include "store/space.h"

struct l1_hash l1_hash(struct str key)
{
	XXH128_hash_t h = XXH3_128bits(key.p, key.n);

	return (struct l1_hash){.hi = h.high64, .lo = h.low64};
}

static struct record *held(struct l1 *l1, const struct l1_ref *ref)
{
	CHECK_MAGIC(l1, L1_VIEW_MAGIC);
	ASSERT(ref->object != 0 && l1->holders && ref->pin < L1_PINS &&
	       (pins_at(l1, ref->pin)->object & ~(uint64_t)PIN_FLAGS) == ref->object);
	return l1_record(l1, ref->object);
}

static struct body_fill *filler(struct l1 *l1, const struct l1_ref *ref)
{
	struct body_fill *f = l1->holders[ref->pin].fill;

	ASSERT(f);
	return f;
}

/* ---- finding ---- */

/* The first variant that <match> takes; those purged leave on the way. */
static struct record *choose(struct l1 *l1, struct record *r, l1_match_fn *match, void *arg,
			     bool *out_any)
{
	while (r) {
		struct record *older = r->older ? l1_record(l1, r->older) : NULL;
		unsigned state = record_state(r);
		struct l1_view view;
		if (object_purged_locked(l1, r) == PURGED_HARD) {
			l1->counts.purged++;
			object_remove_locked(l1, r);
		} else if (state != L1_BROKEN) {
			*out_any = true;
			object_view(r, &view);
			if (match(arg, &view, (enum l1_state)state))
				return r;
		}
		r = older;
	}
	return NULL;
}

bool l1_find(struct l1 *l1, const struct l1_key *key, l1_match_fn *match, void *arg,
	     struct l1_ref *out_ref, bool *out_any)
{
	CHECK_MAGIC(l1, L1_VIEW_MAGIC);
	unsigned shard = index_shard(l1, key->hash.hi);
	uint32_t pin = UINT32_MAX;

	index_prefetch(l1, &key->hash);
	*out_any = false;
	index_lock(l1, shard);
	struct record *r = index_find_locked(l1, key);
	if (r)
		r = choose(l1, r, match, arg, out_any);
	if (r)
		pin = pins_reserve(l1);
	if (pin != UINT32_MAX) {
		queue_used(r);
		pins_set_locked(l1, pin, r, 0);
		*out_ref = (struct l1_ref){l1_offset(l1, r), pin};
	}
	index_unlock(l1, shard);
	return pin != UINT32_MAX;
}

bool l1_pin(struct l1 *l1, const struct l1_ref *ref, struct l1_ref *out_ref)
{
	struct record *r = held(l1, ref);
	unsigned shard = index_shard(l1, r->hash_hi);
	uint32_t pin = pins_reserve(l1);

	if (pin == UINT32_MAX)
		return false;
	index_lock(l1, shard);
	pins_set_locked(l1, pin, r, 0);
	/* Where the first holder is, the second begins; a filler's pin begins where a stream does. */
	uint64_t passed = pins_at(l1, ref->pin)->passed;
	if (r->stream)
		passed = MAX(passed, r->first_at);
	pins_at(l1, pin)->passed = passed;
	index_unlock(l1, shard);
	*out_ref = (struct l1_ref){ref->object, pin};
	return true;
}

bool l1_pin_at(struct l1 *l1, uint64_t object, const struct l1_hash *hash, struct l1_ref *out_ref)
{
	CHECK_MAGIC(l1, L1_VIEW_MAGIC);
	unsigned shard = index_shard(l1, hash->hi);
	uint32_t pin = pins_reserve(l1);

	if (pin == UINT32_MAX)
		return false;
	index_lock(l1, shard);
	struct record *r = index_holds_locked(l1, object, hash->hi, hash->lo);
	/* a purge while it fills: those who came before it go on reading, nobody joins them */
	if (r && object_purged_locked(l1, r) == PURGED_HARD)
		r = NULL;
	if (r)
		pins_set_locked(l1, pin, r, 0);
	index_unlock(l1, shard);
	if (!r) {
		pins_unreserve(l1, pin);
		return false;
	}
	*out_ref = (struct l1_ref){object, pin};
	return true;
}

void l1_unpin(struct l1 *l1, struct l1_ref *ref)
{
	if (!ref->object)
		return;
	struct record *r = held(l1, ref);
	unsigned shard = index_shard(l1, r->hash_hi);
	bool broken = false;

	body_fill_free(l1, ref->pin);
	index_lock(l1, shard);
	/* The filler leaves without a word: what is there is not whole. */
	if (pins_at(l1, ref->pin)->object & PIN_FILLER && r->filler == l1->slot &&
	    (r->state == L1_FILLING || r->state == RECORD_NEW))
		broken = object_break_locked(l1, r);
	pins_clear_locked(l1, ref->pin, r);
	object_release_locked(l1, r);
	index_unlock(l1, shard);
	l1->counts.broken += broken;
	*ref = (struct l1_ref){0};
}

void l1_view(struct l1 *l1, const struct l1_ref *ref, struct l1_view *out_view)
{
	object_view(held(l1, ref), out_view);
}

enum l1_state l1_state(struct l1 *l1, const struct l1_ref *ref)
{
	return (enum l1_state)record_state(held(l1, ref));
}

void l1_drop(struct l1 *l1, const struct l1_ref *ref)
{
	struct record *r = held(l1, ref);
	unsigned shard = index_shard(l1, r->hash_hi);

	index_lock(l1, shard);
	index_unlink_locked(l1, r);
	index_unlock(l1, shard);
}

/* ---- storing ---- */

int l1_create(struct l1 *l1, const struct l1_new *spec, struct l1_ref *out_ref)
{
	CHECK_MAGIC(l1, L1_VIEW_MAGIC);
	struct record *r;
	uint32_t pin;
	int rc = admit(l1, &spec->key.hash, spec->length, spec->wanted);

	if (rc)
		return rc;
	pin = pins_reserve(l1);
	if (pin == UINT32_MAX)
		return ERR_BUSY;
	rc = object_make(l1, spec, body_inline(l1, object_fixed_bytes(spec), spec->length), pin,
			 &r);
	if (rc) {
		pins_unreserve(l1, pin);
		return rc;
	}
	*out_ref = (struct l1_ref){l1_offset(l1, r), pin};
	if (body_fill_new(l1, pin)) {
		l1_unpin(l1, out_ref);
		return ERR_FULL;
	}
	filler(l1, out_ref)->admitted = spec->wanted;
	unsigned shard = index_shard(l1, r->hash_hi);
	index_lock(l1, shard);
	__atomic_store_n(&r->state, L1_FILLING, __ATOMIC_RELEASE);
	object_publish_locked(l1, r, spec->max_variants);
	index_unlock(l1, shard);
	return 0;
}

int l1_room(struct l1 *l1, const struct l1_ref *ref, char **out_p, size_t *out_n)
{
	return body_room(l1, held(l1, ref), filler(l1, ref), out_p, out_n);
}

void l1_filled(struct l1 *l1, const struct l1_ref *ref, size_t n)
{
	body_filled(l1, held(l1, ref), filler(l1, ref), n);
}

int l1_append(struct l1 *l1, const struct l1_ref *ref, struct str data)
{
	while (data.n > 0) {
		char *p;
		size_t n;
		int rc = l1_room(l1, ref, &p, &n);
		if (rc)
			return rc;
		n = MIN(n, data.n);
		memcpy(p, data.p, n);
		l1_filled(l1, ref, n);
		data = str_of(data.p + n, data.n - n);
	}
	return 0;
}

void l1_stream(struct l1 *l1, const struct l1_ref *ref)
{
	struct record *r = held(l1, ref);
	unsigned shard = index_shard(l1, r->hash_hi);

	index_lock(l1, shard);
	index_unlink_locked(l1, r);
	__atomic_store_n(&r->stream, 1, __ATOMIC_RELEASE);
	index_unlock(l1, shard);
	l1->counts.rejected_large++;
}

bool l1_is_stream(struct l1 *l1, const struct l1_ref *ref)
{
	return __atomic_load_n(&held(l1, ref)->stream, __ATOMIC_ACQUIRE) != 0;
}

/* Accounted, queued, and then whole: it is still broken if we die before that. Shard locked. */
static void complete_locked(struct l1 *l1, struct record *r, enum record_queue queue)
{
	space_lock(l1);
	l1_space(l1)->filling--;
	uint64_t bytes = object_account_locked(l1, r);
	if (queue != QUEUE_NONE)
		queue_inherit_locked(l1, r, queue, bytes);
	else if (!r->stream && queue_join_locked(l1, r, bytes))
		l1->counts.ghost_hits++;
	L1_ORDER();
	__atomic_store_n(&r->state, L1_WHOLE, __ATOMIC_RELEASE);
	space_unlock(l1);
}

int l1_commit(struct l1 *l1, const struct l1_ref *ref, struct str trailers)
{
	struct record *r = held(l1, ref);
	struct body_fill *f = filler(l1, ref);
	unsigned shard = index_shard(l1, r->hash_hi);

	ASSERT(r->state == L1_FILLING);
	if (r->total != STORED_UNKNOWN && r->total != r->length) {
		l1_break(l1, ref);
		return ERR_SYNTAX;
	}
	/* Trailers may be left out (RFC 9110 6.5.1): with no room for them the body still counts. */
	if (trailers.n > 0 && body_trailers(l1, r, trailers))
		r->trailers_n = 0;
	if (!r->stream)
		r->checksum = body_sum(r, f);
	__atomic_store_n(&r->total, r->length, __ATOMIC_RELEASE);
	body_fill_free(l1, ref->pin);
	index_lock(l1, shard);
	complete_locked(l1, r, QUEUE_NONE);
	object_supersede_locked(l1, r);
	index_unlock(l1, shard);
	return 0;
}

void l1_break(struct l1 *l1, const struct l1_ref *ref)
{
	struct record *r = held(l1, ref);
	unsigned shard = index_shard(l1, r->hash_hi);

	body_fill_free(l1, ref->pin);
	index_lock(l1, shard);
	l1->counts.broken += object_break_locked(l1, r);
	index_unlock(l1, shard);
}

/* ---- a 304: a new record for an old body ---- */

static struct l1_new like(struct record *old, const struct stored_meta *meta, struct str head,
			  uint64_t purge_seq)
{
	struct l1_view v;

	object_view(old, &v);
	return (struct l1_new){.key = v.key,
			       .vary = v.vary,
			       .head = head,
			       .n_tags = 0,
			       .meta = *meta,
			       .length = old->length,
			       .purge_seq = purge_seq};
}

/* The body, as it is. */
static void take_over_locked(struct l1 *l1, struct record *r, struct record *old, uint64_t inline_n)
{
	char *to = (char *)r + r->inline_at;

	memcpy(to, (char *)old + old->inline_at, inline_n);
	/* Positions in the chain count from what was inline in the old one. */
	r->inline_n = (uint32_t)inline_n;
	r->length = r->total = old->length;
	r->checksum = old->checksum;
	r->uses = __atomic_load_n(&old->uses, __ATOMIC_RELAXED);
	space_lock(l1);
	object_share_locked(l1, r, old);
	space_unlock(l1);
}

int l1_refresh(struct l1 *l1, const struct l1_ref *ref, const struct stored_meta *meta,
	       struct str head, uint64_t purge_seq, struct l1_ref *out_ref)
{
	struct record *old = held(l1, ref), *r;
	uint64_t inline_n = MIN(old->length, (uint64_t)old->inline_n);
	struct l1_new spec = like(old, meta, head, purge_seq);
	uint32_t pin = pins_reserve(l1);

	if (record_state(old) != L1_WHOLE || old->stream)
		return ERR_CORRUPT; /* cut off by a repair while it was being validated */

	if (pin == UINT32_MAX)
		return ERR_BUSY;
	int rc = object_make_like(l1, &spec, old, inline_n, pin, &r);
	if (rc) {
		pins_unreserve(l1, pin);
		return rc;
	}
	unsigned shard = index_shard(l1, r->hash_hi);
	index_lock(l1, shard);
	take_over_locked(l1, r, old, inline_n);
	complete_locked(l1, r, old->queue == QUEUE_MAIN ? QUEUE_MAIN : QUEUE_SMALL);
	object_publish_locked(l1, r, 0);
	object_supersede_locked(l1, r);
	index_unlock(l1, shard);
	*out_ref = (struct l1_ref){l1_offset(l1, r), pin};
	return 0;
}

/* ---- reading ---- */

bool l1_cut_slowest(struct l1 *l1, const struct l1_ref *ref)
{
	struct record *r = held(l1, ref);
	unsigned shard = index_shard(l1, r->hash_hi);

	index_lock(l1, shard);
	bool some = pins_cut_slowest_locked(l1, r);
	index_unlock(l1, shard);
	return some;
}

bool l1_is_cut(struct l1 *l1, const struct l1_ref *ref)
{
	return __atomic_load_n(&pins_at(l1, ref->pin)->object, __ATOMIC_ACQUIRE) & PIN_CUT;
}

unsigned l1_pins(struct l1 *l1, const struct l1_ref *ref)
{
	return __atomic_load_n(&held(l1, ref)->pins, __ATOMIC_RELAXED);
}

uint64_t l1_length(struct l1 *l1, const struct l1_ref *ref, uint64_t *out_total)
{
	struct record *r = held(l1, ref);

	if (out_total)
		*out_total = __atomic_load_n(&r->total, __ATOMIC_ACQUIRE);
	return __atomic_load_n(&r->length, __ATOMIC_ACQUIRE);
}

struct str l1_read(struct l1 *l1, const struct l1_ref *ref, uint64_t at)
{
	uint32_t block;

	return body_at(l1, held(l1, ref), &l1->holders[ref->pin], at, &block);
}

size_t l1_lend(struct l1 *l1, const struct l1_ref *ref, uint64_t at, uint64_t *out_file_at)
{
	uint32_t block;
	struct str s = body_at(l1, held(l1, ref), &l1->holders[ref->pin], at, &block);

	if (!block)
		return 0;
	uint64_t from = l1_offset(l1, s.p);
	uint64_t n = body_lend(l1, block, from, from + s.n);
	if (n > 0)
		*out_file_at = l1->file_at + from;
	return n;
}

int l1_fd(const struct l1 *l1)
{
	return l1->fd;
}

void l1_passed(struct l1 *l1, const struct l1_ref *ref, uint64_t at)
{
	struct record *r = held(l1, ref);

	body_follow(l1, r, &l1->holders[ref->pin], at);
	__atomic_store_n(&pins_at(l1, ref->pin)->passed, at, __ATOMIC_RELEASE);
}

struct str l1_trailers(struct l1 *l1, const struct l1_ref *ref)
{
	struct record *r = held(l1, ref);

	if (record_state(r) != L1_WHOLE || r->trailers_n == 0)
		return STR_NONE;
	return str_of(l1->base + space_block_at(l1, r->trailer_block), r->trailers_n);
}

bool l1_verify(struct l1 *l1, const struct l1_ref *ref)
{
	struct record *r = held(l1, ref);
	struct holder h = {0};

	if (record_state(r) != L1_WHOLE || r->stream)
		return false;
	return body_verify(l1, r, &h);
}

/* ---- looking ---- */

void l1_peek(struct l1 *l1, const struct l1_key *key, l1_peek_fn *fn, void *arg)
{
	CHECK_MAGIC(l1, L1_VIEW_MAGIC);
	unsigned shard = index_shard(l1, key->hash.hi);

	index_lock(l1, shard);
	struct record *r = index_find_locked(l1, key);
	while (r) {
		bool purged = object_purged_locked(l1, r) == PURGED_HARD;
		struct l1_view view;
		object_view(r, &view);
		fn(arg, &view, (enum l1_state)record_state(r),
		   __atomic_load_n(&r->length, __ATOMIC_ACQUIRE), purged);
		r = r->older ? l1_record(l1, r->older) : NULL;
	}
	index_unlock(l1, shard);
}

void l1_figures(struct l1 *l1, struct l1_figures *out)
{
	const struct l1_space *s = l1_space(l1);
	const struct l1_counts *c = &l1->counts;

	CHECK_MAGIC(l1, L1_VIEW_MAGIC);
	space_lock(l1);
	*out = (struct l1_figures){
		.size = l1->region->size,
		.used = s->used,
		.stored = s->stored,
		.lent_holes = s->holes,
		.objects = s->objects,
		.filling = s->filling,
		.pages = l1->region->n_pages,
		.free_pages = s->free_pages,
	};
	space_unlock(l1);
	out->pins = pins_count(l1);
	out->evicted = c->evicted;
	out->evicted_small = c->evicted_small;
	out->evicted_main = c->evicted_main;
	out->promoted = c->promoted;
	out->ghost_hits = c->ghost_hits;
	out->expired = c->expired;
	out->purged = c->purged;
	out->rejected_large = c->rejected_large;
	out->rejected_full = c->rejected_full;
	out->no_pin = c->no_pin;
	out->broken = c->broken;
	for (uint32_t i = 0; i < l1->region->n_shards; i++)
		out->recovered_shards += l1->shards[i].lock.recovered;
}
