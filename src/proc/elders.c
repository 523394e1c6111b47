/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers of the program before, after an upgrade or when one has failed: taken over with their slots,
 * told to finish, and buried like our own.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "proc/child.h"
#include "proc/state.h"
#include "shm/recover.h"
#include "shm/seg.h"

static struct slot *slot_of(const struct worker *w)
{
	return slot_get(w->master->memory.slots, w->slot);
}

/* The description's own descriptor stays open: the program before may need it again. */
static void take_link(struct worker *w, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		log_error("proc", "worker %u (pid %d): no control channel", w->slot, (int)w->pid);
	else
		worker_open_link(w, copy);
}

void crew_adopt(struct master *m, const struct handover_worker *h, bool keep)
{
	struct worker *w = &m->workers[h->slot];

	if (!child_is_ours(h->pid))
		return; /* whoever reaped it repaired its slot too, or find_orphans() does */
	w->pid = h->pid;
	w->started = clock_mono();
	w->foreign = !m->memory.same_slots;
	if (w->foreign) {
		slot_claim(m->memory.slots, w->slot, clock_wall());
		slot_set_pid(slot_of(w), w->pid);
		slot_set_state(slot_of(w), WORKER_RUNNING);
	}
	take_link(w, h->fd);
	if (keep && h->seat != SEAT_NONE) {
		w->seat = h->seat;
		m->seats[h->seat].slot = w->slot;
	} else if (slot_state(slot_of(w)) == WORKER_DRAINING) {
		worker_kill_after(w, m->now.conf->shutdown_grace + KILL_MARGIN);
	}
}

void crew_adopt_orphan(struct master *m, unsigned slot)
{
	struct worker *w = &m->workers[slot];
	pid_t pid = slot_of(w)->pid;

	if (pid > 0 && child_is_ours(pid)) {
		w->pid = pid;
		w->started = clock_mono();
		if (slot_state(slot_of(w)) != WORKER_DRAINING)
			slot_set_state(slot_of(w), WORKER_DRAINING);
		/* its channel has ended, so it is ending */
		worker_kill_after(w, m->now.conf->shutdown_grace + KILL_MARGIN);
		return;
	}
	recover_slot(m->memory.seg, slot);
	slot_release(slot_of(w));
}

void crew_stop_elders(struct master *m, int64_t grace)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (worker_lives(&m->workers[i]) && m->workers[i].seat == SEAT_NONE)
			worker_tell_stop(&m->workers[i], grace);
}

bool crew_crowded(const struct handover *h)
{
	for (unsigned i = 0; i < h->n_workers; i++)
		if (h->workers[i].seat == SEAT_NONE)
			return true;
	return false;
}

static bool any_elder(const struct master *m)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (worker_lives(&m->workers[i]) && m->workers[i].seat == SEAT_NONE)
			return true;
	return false;
}

void elders_reaped(struct master *m)
{
	if (!m->trim || any_elder(m))
		return;
	m->trim = false;
	seg_trim(m->memory.seg);
}
