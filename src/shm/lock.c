/* SPDX-License-Identifier: BSD-2-Clause */
#include "shm/lock.h"

#include <errno.h>
#include <time.h>

#include "base/check.h"
#include "base/err.h"

#define WAIT_NS (5 * NS_PER_MS)

static const struct {
	const char *name;
	unsigned rank;
} kinds[LOCK_KIND_COUNT] = {
	{"none", 0},
#define LOCK(id, rank, where, help) {#id, rank},
#include "tbl/locks.h"
#undef LOCK
};

const char *lock_kind_name(unsigned kind)
{
	return kind < LOCK_KIND_COUNT ? kinds[kind].name : "unknown";
}

unsigned lock_kind_rank(unsigned kind)
{
	return kind < LOCK_KIND_COUNT ? kinds[kind].rank : 0;
}

/* ---- rank check: what this thread holds, in the order taken ---- */

#ifdef SLOW_CHECKS
enum { HELD_MAX = 8 };

static __thread const struct lock *held[HELD_MAX];
static __thread unsigned n_held;

static void rank_may_take(const struct lock *lock)
{
	ASSERT(n_held < HELD_MAX);
	if (n_held > 0)
		ASSERT(lock_kind_rank(lock->kind) > lock_kind_rank(held[n_held - 1]->kind));
}

static void rank_taken(const struct lock *lock)
{
	held[n_held++] = lock;
}

static void rank_given(const struct lock *lock)
{
	ASSERT(n_held > 0 && held[n_held - 1] == lock);
	n_held--;
}
#else
static inline void rank_may_take(const struct lock *lock UNUSED)
{
}

static inline void rank_taken(const struct lock *lock UNUSED)
{
}

static inline void rank_given(const struct lock *lock UNUSED)
{
}
#endif

void lock_init(struct lock *lock, enum lock_kind kind)
{
	pthread_mutexattr_t attr;

	ASSERT(kind > LOCK_NONE && kind < LOCK_KIND_COUNT);
	*lock = (struct lock){.kind = kind};
	/* None of these can fail on Linux with constant arguments. */
	ASSERT(pthread_mutexattr_init(&attr) == 0);
	ASSERT(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0);
	ASSERT(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0);
	ASSERT(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK) == 0);
	ASSERT(pthread_mutex_init(&lock->mutex, &attr) == 0);
	pthread_mutexattr_destroy(&attr);
}

/* What to do with pthread's answer once the lock is ours. */
static enum lock_rc taken(struct lock *lock, int rc)
{
	ASSERT(rc == 0 || rc == EOWNERDEAD);
	rank_taken(lock);
	if (rc == 0)
		return LOCK_TAKEN;
	/* At once, so that the lock stays usable even if we die repairing: then the next taker is
	 * told again. */
	pthread_mutex_consistent(&lock->mutex);
	lock->recovered++;
	return LOCK_RECOVERED;
}

/*
 * Sleeps until it is ours, but never long at a time: a process that is killed between opening the
 * lock and waking the next one takes the wake-up with it. The kernel makes up for that, unless a
 * third process takes the lock in between: then nobody is ever woken, though the lock is free.
 */
static int wait_for(struct lock *lock)
{
	struct timespec until;
	int rc;

	do {
		clock_gettime(CLOCK_MONOTONIC, &until);
		int64_t ns = until.tv_nsec + WAIT_NS;
		until.tv_sec += ns / NS_PER_S;
		until.tv_nsec = ns % NS_PER_S;
		rc = pthread_mutex_clocklock(&lock->mutex, CLOCK_MONOTONIC, &until);
	} while (rc == ETIMEDOUT);
	return rc;
}

enum lock_rc lock_take(struct lock *lock)
{
	rank_may_take(lock);
	int rc = pthread_mutex_trylock(&lock->mutex);
	return taken(lock, rc == EBUSY ? wait_for(lock) : rc);
}

int lock_try(struct lock *lock, enum lock_rc *out_rc)
{
	rank_may_take(lock);
	int rc = pthread_mutex_trylock(&lock->mutex);
	if (rc == EBUSY)
		return ERR_BUSY;
	*out_rc = taken(lock, rc);
	return 0;
}

void lock_give(struct lock *lock)
{
	rank_given(lock);
	int rc = pthread_mutex_unlock(&lock->mutex);
	ASSERT(rc == 0);
}
