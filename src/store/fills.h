/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fetches in flight, one per key, over all workers: who asks first leads, the others wait for it
 * and follow its object as it grows. Progress is told through a bit per worker and its doorbell;
 * nobody polls. A table in the segment (who leads what, how far it is) and a list in each process
 * (who waits here). The lead ends with its fetch or with its worker.
 *
 * Also the hit-for-miss marks: keys whose answers turned out not to be storable are not worth
 * waiting for, for a while.
 */
#ifndef STORE_FILLS_H
#define STORE_FILLS_H

#include "base/list.h"
#include "store/l1.h"

struct seg;
struct fills; /* one process's view, with its watchers */

/* A lead, or a place in the queue behind it. A ticket outlives its entry: afterwards it is ENDED. */
struct fill_ticket {
	uint32_t entry;	 /* 0 = none */
	uint32_t number; /* of this use of the entry */
};

enum fills_join {
	FILLS_LEAD = 1,	 /* yours: fills_end must follow */
	FILLS_WAIT = 2,	 /* somebody is at it */
	FILLS_ALONE = 3, /* do not wait: marked hit-for-miss, or the table is full (counted) */
};

enum fill_phase {
	FILL_WAITING = 1, /* no answer yet */
	FILL_OBJECT = 2,  /* storable: <object> fills, or is whole */
	FILL_ENDED = 3,	  /* over: look in L1; see <result> if it is still known */
};

enum fill_result {
	FILL_RESULT_UNKNOWN = 0, /* long ago, or the leader died */
	FILL_RESULT_STORED = 1,
	FILL_RESULT_NOT_STORABLE = 2, /* ask for yourself; a mark was left */
	FILL_RESULT_FAILED = 3,	      /* the origin failed */
};

struct fill_state {
	enum fill_phase phase;
	enum fill_result result;
	uint64_t object; /* OBJECT */
};

enum { FILLS_MAX = 16384 };

size_t fills_region_bytes(void);
uint64_t fills_region_layout(void);
/* Master: on a fresh region; and on one that an earlier program left: nothing is in flight any
 * more, marks and counts stay. */
void fills_format(struct seg *seg);
void fills_revive(struct seg *seg);

/* <doorbells>: eventfd per slot (SLOT_MAX entries, -1 = none). <slot> SLOT_NONE: only fills_busy,
 * fills_state and figures. NULL: no such region, or no memory. */
struct fills *fills_attach(struct seg *seg, unsigned slot, const int *doorbells);
void fills_detach(struct fills **f);

/* Master, after a death: the dead worker's leads end (UNKNOWN), all who wait are woken. <arg>: the
 * doorbells. Runs after l1_recover: who is woken must find broken what was filling. */
void fills_recover(struct seg *seg, unsigned slot, void *doorbells);

/* <exclusive>: lead even where it is marked hit-for-miss (a refresh by one worker only). The key's
 * 128 bits count: whoever waits compares the text of the object's key before using it. */
enum fills_join fills_join(struct fills *f, const struct l1_hash *key, bool exclusive,
			   struct fill_ticket *out_ticket);

/* Is somebody at it, or is it marked? Without joining. */
bool fills_busy(struct fills *f, const struct l1_hash *key);
/* Is it marked hit-for-miss? */
bool fills_marked(struct fills *f, const struct l1_hash *key);

/* ---- the leader ---- */

/* The answer is storable: waiters look at <object>. */
void fills_object(struct fills *f, const struct fill_ticket *t, uint64_t object);
/* The object has grown (or is whole), which l1_length tells already. Costs a memory fence and two
 * loads when nobody watches. Like the other calls it does nothing when the ticket is over. */
void fills_progress(struct fills *f, const struct fill_ticket *t);
/* The same by a reader, for the leader: a window has room again. */
void fills_nudge(struct fills *f, const struct fill_ticket *t);
/* Does anybody watch it, here or elsewhere? */
bool fills_wanted(struct fills *f, const struct fill_ticket *t);
/* NOT_STORABLE leaves a mark for <mark_ns>. Clears the ticket. */
void fills_end(struct fills *f, struct fill_ticket *t, enum fill_result result, int64_t mark_ns);
/* A storable answer came for a marked key. */
void fills_unmark(struct fills *f, const struct l1_hash *key);
void fills_mark(struct fills *f, const struct l1_hash *key, int64_t ns);

/* ---- those who wait ---- */

struct fill_watch {
	struct list_node node; /* among the watchers of the entry */
	struct list_node run;  /* among those to be called in this turn */
	struct fill_ticket ticket;
	void (*fn)(void *arg);
	void *arg;
};

/* No lock. A cleared or stale ticket is ENDED, UNKNOWN. */
void fills_state(struct fills *f, const struct fill_ticket *t, struct fill_state *out);

/*
 * Calls <fn> when the fill moves, at least once after its last step, until fills_unwatch; several
 * steps may become one call, and a call may come for no step. Watch first, then look: what
 * happens in between is not lost. Always called from fills_turn, never from inside a leader's
 * call. <fn> may watch and unwatch itself and others, lead and end fills, and free its owner
 * once it is unwatched. <w> is zeroed before its first use and not moved while it watches.
 */
void fills_watch(struct fills *f, struct fill_watch *w, const struct fill_ticket *t,
		 void (*fn)(void *arg), void *arg);
/* Nothing happens if <w> does not watch. */
void fills_unwatch(struct fills *f, struct fill_watch *w);

/* The doorbell rang, or the turn ends: calls those whose fill moved. True if some were called.
 * What they set in motion themselves is left for the next call. */
bool fills_turn(struct fills *f);

/* Is a watcher due? A few loads. After a ring this stays true until fills_turn; the loop must
 * not sleep while it is. */
bool fills_due(const struct fills *f);

/* Of all workers that ever lived; all but <in_flight> only grow. */
struct fills_figures {
	uint64_t in_flight;    /* leads now */
	uint64_t led, waited;  /* answers of fills_join */
	uint64_t alone_marked; /* ALONE: hit-for-miss */
	uint64_t alone_full;   /* ALONE: no room in the table */
	uint64_t ended_by_death;
};
void fills_figures(struct fills *f, struct fills_figures *out);

#endif
