/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching fills. Each entry has a mask with a bit per worker: "tell me of the next step". A leader
 * that has published something (bytes, an object, the end) looks at the mask; if it is empty,
 * nobody is interested and that is all. Otherwise it takes the bits off and rings the bell of each
 * worker in it. A worker that finds its bit gone sets it again and calls its watchers, who look.
 *
 * Why no wake-up is lost:
 *
 *	leader: publish;  fence;  read mask
 *	worker: set bit;  fence;  look at what is published
 *
 * With a full fence on both sides, either the leader sees the bit or the worker sees what was
 * published (both may happen, never neither). fills_watch sets the bit before the caller looks;
 * fills_turn sets it before it calls those who look. So at any time, for each worker with watchers
 * of an entry, one of these holds:
 *
 *  1. its bit is set, and the watchers have looked since, or look now: the next step rings;
 *  2. its bit is gone, and its bell is set or is about to be by the leader that took the bit: the
 *     next fills_turn finds the bit gone;
 *  3. the entry's group is on <due>: the next fills_turn looks without being told. That is so
 *     when the leader lives in the same process (no bell needed), and when fills_watch finds
 *     the bit gone while there are earlier watchers: setting it again hides from the turn that
 *     these have not been called yet.
 *
 * The bell merges rings: who finds it set already leaves the system call out, because the worker
 * has not yet taken it off, and looks at what has moved after it has. Setting and taking bits are
 * read-modify-writes, so what the leader did before is seen by whoever comes after. A leader that
 * dies between taking a bit and ringing: fills_recover has everybody look at everything.
 */
#include "net/doorbell.h"
#include "store/fills_priv.h"

static uint64_t bit_of(unsigned slot)
{
	return UINT64_C(1) << slot % 64;
}

static struct fill_group *group_of(struct fills *f, const struct fill_entry *e)
{
	return &f->groups[e - f->r->entries[0]];
}

static struct fill_entry *entry_of(struct fills *f, const struct fill_group *g)
{
	return fills_entry(f->r, (uint32_t)(g - f->groups));
}

static void note_due(struct fills *f, struct fill_group *g)
{
	if (!list_linked(&g->due))
		list_append(&f->due, &g->due);
}

/* ---- the leader's side ---- */

static uint64_t set(uint64_t *words, uint32_t i)
{
	return __atomic_fetch_or(&words[i / 64], UINT64_C(1) << i % 64, __ATOMIC_SEQ_CST);
}

static void ring(struct fills *f, unsigned slot, const struct fill_entry *e)
{
	struct fill_bell *bell = &f->r->bells[slot];
	uint32_t i = (uint32_t)(e - f->r->entries[0]);

	set(bell->moved, i);
	set(bell->words, i / 64);
	if (__atomic_fetch_or(&bell->rung, FILLS_RUNG_MOVED, __ATOMIC_SEQ_CST) == 0 &&
	    f->doorbells[slot] >= 0)
		doorbell_ring(f->doorbells[slot]);
}

static void tell_word(struct fills *f, struct fill_entry *e, unsigned word)
{
	uint64_t bits = __atomic_exchange_n(&e->mask[word], 0, __ATOMIC_SEQ_CST);

	for (; bits; bits &= bits - 1) {
		unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);
		if (slot == f->slot)
			note_due(f, group_of(f, e));
		else
			ring(f, slot, e);
	}
}

void fills_tell(struct fills *f, struct fill_entry *e)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < FILLS_MASK_WORDS; i++)
		if (UNLIKELY(__atomic_load_n(&e->mask[i], __ATOMIC_RELAXED)))
			tell_word(f, e, i);
}

/* ---- the watchers' side ---- */

/* Sets this worker's bit; true if it was gone. A fence must follow before anybody looks. */
static bool set_bit(struct fills *f, struct fill_entry *e)
{
	uint64_t bit = bit_of(f->slot);

	return !(__atomic_fetch_or(&e->mask[f->slot / 64], bit, __ATOMIC_SEQ_CST) & bit);
}

static bool bit_is_gone(struct fills *f, struct fill_entry *e)
{
	uint64_t word = __atomic_load_n(&e->mask[f->slot / 64], __ATOMIC_RELAXED);

	return !(word & bit_of(f->slot));
}

void fills_watch(struct fills *f, struct fill_watch *w, const struct fill_ticket *t,
		 void (*fn)(void *arg), void *arg)
{
	ASSERT(f->slot < SLOT_MAX && t->entry != 0 && fn && !list_linked(&w->node));
	struct fill_entry *e = fills_entry(f->r, t->entry - 1);
	struct fill_group *g = group_of(f, e);

	*w = (struct fill_watch){.ticket = *t, .fn = fn, .arg = arg};
	if (!g->watchers.head.next)
		list_init(&g->watchers);
	if (set_bit(f, e) && !list_empty(&g->watchers))
		note_due(f, g);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	list_append(&g->watchers, &w->node);
	if (!list_linked(&g->node))
		list_append(&f->watched, &g->node);
}

/* The mask's bit stays: at worst the leader rings once for nothing. */
void fills_unwatch(struct fills *f, struct fill_watch *w)
{
	if (!list_linked(&w->node))
		return;
	struct fill_group *g = &f->groups[w->ticket.entry - 1];

	list_remove(&g->watchers, &w->node);
	if (list_empty(&g->watchers))
		list_remove(&f->watched, &g->node);
	if (list_linked(&w->run))
		list_remove(&f->run, &w->run);
}

/* All watchers of <g> are to be called. */
static void gather(struct fills *f, struct fill_group *g)
{
	LIST_EACH (&g->watchers, n) {
		struct fill_watch *w = CONTAINER_OF(n, struct fill_watch, node);
		if (!list_linked(&w->run))
			list_append(&f->run, &w->run);
	}
}

/* Groups that a local leader moved. Their bits may be set again already: they are called anyway. */
static void gather_due(struct fills *f)
{
	struct list_node *n;

	while ((n = list_pop(&f->due))) {
		struct fill_group *g = CONTAINER_OF(n, struct fill_group, due);
		if (!g->watchers.count)
			continue;
		set_bit(f, entry_of(f, g));
		gather(f, g);
	}
}

/* If this worker's bit is gone. */
static void gather_if_gone(struct fills *f, struct fill_group *g)
{
	struct fill_entry *e = entry_of(f, g);

	if (g->watchers.count && bit_is_gone(f, e) && set_bit(f, e))
		gather(f, g);
}

static uint64_t take(uint64_t *word)
{
	if (!__atomic_load_n(word, __ATOMIC_RELAXED))
		return 0;
	return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
}

static void gather_moved(struct fills *f, struct fill_bell *bell)
{
	for (uint32_t i = 0; i < COUNTOF(bell->words); i++) {
		for (uint64_t words = take(&bell->words[i]); words; words &= words - 1) {
			uint32_t w = i * 64 + (uint32_t)__builtin_ctzll(words);
			for (uint64_t bits = take(&bell->moved[w]); bits; bits &= bits - 1)
				gather_if_gone(f, &f->groups[w * 64 + __builtin_ctzll(bits)]);
		}
	}
}

/* Another worker's leader, or the master, rang. */
static void gather_rung(struct fills *f)
{
	struct fill_bell *bell = &f->r->bells[f->slot];

	if (!__atomic_load_n(&bell->rung, __ATOMIC_RELAXED))
		return;
	uint32_t rung = __atomic_exchange_n(&bell->rung, 0, __ATOMIC_SEQ_CST);
	if (rung & FILLS_RUNG_MOVED)
		gather_moved(f, bell);
	if (!(rung & FILLS_RUNG_ALL))
		return;
	LIST_EACH (&f->watched, n)
		gather_if_gone(f, CONTAINER_OF(n, struct fill_group, node));
}

/* The lists of groups are not walked while functions run: these may do what they like. */
bool fills_turn(struct fills *f)
{
	bool called = false;

	CHECK_MAGIC(f, FILLS_VIEW_MAGIC);
	ASSERT(!f->in_turn && list_empty(&f->run));
	gather_due(f);
	gather_rung(f);
	if (list_empty(&f->run))
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	f->in_turn = true;
	for (struct list_node *n; (n = list_pop(&f->run));) {
		struct fill_watch *w = CONTAINER_OF(n, struct fill_watch, run);
		w->fn(w->arg);
		called = true;
	}
	f->in_turn = false;
	return called;
}

bool fills_due(const struct fills *f)
{
	return !list_empty(&f->due) ||
	       __atomic_load_n(&f->r->bells[f->slot].rung, __ATOMIC_RELAXED) != 0;
}
