/* SPDX-License-Identifier: BSD-2-Clause */
#include "shm/slots.h"

#include "base/check.h"
#include "shm/seg.h"

#define SLOTS_MAGIC UINT64_C(0x73746f6c73010001)

struct slots {
	uint64_t magic; /* SLOTS_MAGIC */
	uint32_t n;	/* slots behind it */
	uint8_t pad[CACHE_LINE - 12];
	struct slot slot[];
};

_Static_assert(sizeof(struct slots) == CACHE_LINE, "slots layout");

/* One row of tbl/worker_states.h. */
static const struct {
	const char *name;
	unsigned next; /* bit per state that may follow */
} states[WORKER_STATE_COUNT] = {
#define WORKER_STATE(id, name, next, help) [WORKER_##id] = {name, next},
#include "tbl/worker_states.h"
#undef WORKER_STATE
};

static uint32_t get32(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void set32(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

size_t slots_size(unsigned n)
{
	ASSERT(n > 0 && n <= SLOT_MAX);
	return sizeof(struct slots) + n * sizeof(struct slot);
}

uint64_t slots_layout(void)
{
	uint64_t h = seg_hash(0, "slots 1");

#define WORKER_STATE(id, name, next, help) h = seg_hash(h, name);
#include "tbl/worker_states.h"
#undef WORKER_STATE
	return h;
}

struct slots *slots_attach(const struct seg *seg)
{
	size_t bytes = 0;
	struct slots *s = seg_region(seg, SEG_SLOTS, &bytes);

	if (!s || bytes < slots_size(1))
		return NULL;
	if (s->magic == 0) {
		s->n = (uint32_t)((bytes - sizeof(*s)) / sizeof(struct slot));
		s->magic = SLOTS_MAGIC;
	}
	if (s->magic != SLOTS_MAGIC || s->n == 0 || s->n > SLOT_MAX || bytes < slots_size(s->n))
		return NULL;
	return s;
}

unsigned slots_count(const struct slots *slots)
{
	return slots->n;
}

struct slot *slot_get(struct slots *slots, unsigned i)
{
	ASSERT(slots->magic == SLOTS_MAGIC && i < slots->n && i < SLOT_MAX);
	return &slots->slot[i];
}

/* ---- master ---- */

void slot_claim(struct slots *slots, unsigned i, int64_t wall_now)
{
	struct slot *slot = slot_get(slots, i);

	ASSERT(slot_state(slot) == WORKER_FREE);
	slot->generation++;
	slot->started = wall_now;
	__atomic_store_n(&slot->heartbeat, 0, __ATOMIC_RELAXED);
	slot_report_write(slot, SLOT_REPORT_NONE, 0, "", 0);
	set32(&slot->state, WORKER_STARTING);
}

unsigned slots_find_free(struct slots *slots)
{
	for (unsigned i = 0; i < slots->n; i++)
		if (slot_state(slot_get(slots, i)) == WORKER_FREE)
			return i;
	return SLOT_NONE;
}

void slot_set_pid(struct slot *slot, int32_t pid)
{
	__atomic_store_n(&slot->pid, pid, __ATOMIC_RELEASE);
}

void slot_gone(struct slot *slot, int status, bool expected)
{
	slot->last_status = status;
	if (!expected)
		slot->deaths++;
	set32(&slot->state, WORKER_GONE);
}

void slot_release(struct slot *slot)
{
	slot_set_pid(slot, 0);
	set32(&slot->state, WORKER_FREE);
}

unsigned slots_find_pid(struct slots *slots, int32_t pid)
{
	for (unsigned i = 0; pid > 0 && i < slots->n; i++)
		if (__atomic_load_n(&slot_get(slots, i)->pid, __ATOMIC_ACQUIRE) == pid)
			return i;
	return SLOT_NONE;
}

/* ---- states ---- */

bool slot_may_follow(enum worker_state from, enum worker_state to)
{
	return (unsigned)from < WORKER_STATE_COUNT && (unsigned)to < WORKER_STATE_COUNT &&
	       (states[from].next >> to & 1);
}

bool slot_set_state(struct slot *slot, enum worker_state state)
{
	if (!slot_may_follow(slot_state(slot), state))
		return false;
	set32(&slot->state, state);
	return true;
}

enum worker_state slot_state(const struct slot *slot)
{
	return (enum worker_state)get32(&slot->state);
}

const char *worker_state_name(unsigned state)
{
	return state < WORKER_STATE_COUNT ? states[state].name : "unknown";
}

/* ---- reports: a sequence lock ----
 *
 * The writer makes the sequence odd, stores everything, makes it even. A reader that saw the same
 * even number before and after has a whole report. All stores inside are releases and all loads
 * acquires: a reader that saw any store of a later report also sees the odd number before it.
 */

bool slot_report_wanted(const struct slot *slot, uint32_t *out_want)
{
	uint32_t want = get32(&slot->report_want);

	if (want == __atomic_load_n(&slot->report_seen, __ATOMIC_RELAXED))
		return false;
	*out_want = want;
	return true;
}

/* Bytes of <text> that fit: up to the end of the last whole line. */
static size_t report_cut(const char *text, size_t n)
{
	if (n <= SLOT_REPORT_MAX)
		return n;
	const char *newline = memrchr(text, '\n', SLOT_REPORT_MAX);
	return newline ? (size_t)(newline - text) + 1 : SLOT_REPORT_MAX;
}

void slot_report_write(struct slot *slot, enum slot_report kind, uint32_t want, const char *text,
		       size_t n)
{
	/* Odd already: the writer before died in here. Its number can be used again, since no
	 * reader has accepted it. */
	uint32_t seq = get32(&slot->report_seq) | 1;
	size_t bytes = report_cut(text, n);

	__atomic_store_n(&slot->report_seq, seq, __ATOMIC_RELAXED);
	set32(&slot->report_kind, (uint32_t)kind);
	set32(&slot->report_n, (uint32_t)bytes);
	if (want)
		set32(&slot->report_seen, want);
	for (size_t at = 0; at < bytes; at += 8) {
		uint64_t word = 0;
		memcpy(&word, text + at, MIN((size_t)8, bytes - at));
		__atomic_store_n(&slot->report[at / 8], word, __ATOMIC_RELEASE);
	}
	set32(&slot->report_seq, seq + 1);
}

uint32_t slot_report_ask(struct slot *slot)
{
	uint32_t want = __atomic_add_fetch(&slot->report_want, 1, __ATOMIC_ACQ_REL);

	/* 0 means "no question": skip it when the counter wraps. */
	return want ? want : __atomic_add_fetch(&slot->report_want, 1, __ATOMIC_ACQ_REL);
}

/* The numbers that go with a report. */
struct report_head {
	uint32_t kind, n, seen;
};

/* One try; false if the writer came in between. */
static bool report_copy(const struct slot *slot, struct report_head *head, char *out)
{
	uint32_t seq = get32(&slot->report_seq);

	if (seq & 1)
		return false;
	head->kind = get32(&slot->report_kind);
	head->n = get32(&slot->report_n);
	head->seen = get32(&slot->report_seen);
	size_t bytes = MIN((size_t)head->n, (size_t)SLOT_REPORT_MAX);
	for (size_t at = 0; at < bytes; at += 8) {
		uint64_t word = __atomic_load_n(&slot->report[at / 8], __ATOMIC_ACQUIRE);
		memcpy(out + at, &word, MIN((size_t)8, bytes - at));
	}
	head->n = (uint32_t)bytes;
	return __atomic_load_n(&slot->report_seq, __ATOMIC_RELAXED) == seq;
}

int slot_report_read(const struct slot *slot, uint32_t want, enum slot_report *out_kind, char *out,
		     size_t *out_n)
{
	enum { TRIES = 4 };
	struct report_head head = {0, 0, 0};
	bool whole = false;

	for (int i = 0; i < TRIES && !whole; i++)
		whole = report_copy(slot, &head, out);
	if (!whole || (want && (int32_t)(head.seen - want) < 0))
		return ERR_BUSY;
	*out_kind = (enum slot_report)head.kind;
	*out_n = head.n;
	return 0;
}
