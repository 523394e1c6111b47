/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who accepts from which socket. The master decides and tells; since it holds every descriptor
 * itself, a connection that waits in the queue of a dead worker's socket is not lost: it is
 * served by whoever gets the socket next.
 */
#include "proc/state.h"

static void give(struct worker *w, const struct listen_entry *e, unsigned index)
{
	control_say(&w->link, &(struct control_msg){.type = CONTROL_LISTEN,
						    .id = index,
						    .text = str_c(e->name),
						    .fds = {e->socks->fds[index]},
						    .n_fds = 1});
}

static void take(struct worker *w, const char *name, unsigned index)
{
	control_tell(&w->link, CONTROL_UNLISTEN, index, 0, str_c(name));
}

/* Gives worker <w> socket <k> of every listener that has one. */
static void give_socket(struct master *m, struct worker *w, unsigned k)
{
	const struct listen_set *set = &m->now.listeners;

	for (size_t i = 0; i < set->n; i++)
		if (!set->entries[i].socks->shared && k < set->entries[i].socks->n)
			give(w, &set->entries[i], k);
}

static void take_socket(struct master *m, struct worker *w, unsigned k)
{
	const struct listen_set *set = &m->now.listeners;

	for (size_t i = 0; i < set->n; i++)
		if (!set->entries[i].socks->shared && k < set->entries[i].socks->n)
			take(w, set->entries[i].name, k);
}

static struct worker *by_slot(struct master *m, unsigned slot)
{
	struct worker *w = slot == SLOT_NONE ? NULL : &m->workers[slot];

	return w && worker_serves(w) ? w : NULL;
}

/* One that hangs keeps its seat for a while, but nobody shall wait for it. */
static struct worker *able(struct worker *w)
{
	return w && !w->hangs ? w : NULL;
}

/* The serving worker with the fewest sockets, or NULL. */
static struct worker *least_busy(struct master *m)
{
	unsigned load[SLOT_MAX] = {0};
	struct worker *best = NULL;

	for (unsigned k = 0; k < m->sockets; k++)
		if (m->owner[k] != SLOT_NONE)
			load[m->owner[k]]++;
	for (unsigned i = 0; i < m->n_seats; i++) {
		struct worker *w = able(by_slot(m, m->seats[i].slot));

		if (w && (!best || load[w->slot] < load[best->slot]))
			best = w;
	}
	return best;
}

void share_balance(struct master *m)
{
	if (master_arriving(m))
		return;
	for (unsigned k = 0; k < m->sockets; k++) {
		struct worker *has = by_slot(m, m->owner[k]);
		struct worker *wants = k < m->n_seats ? able(by_slot(m, m->seats[k].slot)) : NULL;

		if (!wants)
			wants = able(has) ? has : least_busy(m);
		if (!wants)
			wants = has;
		if (!wants) {
			m->owner[k] = SLOT_NONE;
			continue;
		}
		if (wants == has)
			continue;
		/* first give, then take: there is no moment at which nobody accepts */
		give_socket(m, wants, k);
		if (has)
			take_socket(m, has, k);
		m->owner[k] = wants->slot;
	}
}

void share_welcome(struct master *m, struct worker *w)
{
	const struct listen_set *set = &m->now.listeners;

	if (master_arriving(m))
		return;
	for (size_t i = 0; i < set->n; i++)
		if (set->entries[i].socks->shared)
			give(w, &set->entries[i], 0);
}

void share_begin(struct master *m)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (worker_serves(&m->workers[i]))
			share_welcome(m, &m->workers[i]);
	share_balance(m);
}

/* Calls <give> or take for every worker that serves sockets of <e>. */
static void change_entry(struct master *m, const struct listen_entry *e, bool begins)
{
	unsigned n = e->socks->shared ? SLOT_MAX : MIN(e->socks->n, m->sockets);

	for (unsigned i = 0; i < n; i++) {
		unsigned index = e->socks->shared ? 0 : i;
		struct worker *w = by_slot(m, e->socks->shared ? i : m->owner[i]);

		if (!w)
			continue;
		if (begins)
			give(w, e, index);
		else
			take(w, e->name, index);
	}
}

static bool same_entry(const struct listen_set *set, const struct listen_entry *e)
{
	const struct listen_entry *other = listen_find(set, e->socks);

	return other && strcmp(other->name, e->name) == 0;
}

void share_change(struct master *m, const struct listen_set *old)
{
	const struct listen_set *set = &m->now.listeners;

	/* first take, then give: a name may have moved to another address */
	for (size_t i = 0; i < old->n; i++)
		if (!same_entry(set, &old->entries[i]))
			change_entry(m, &old->entries[i], false);
	for (size_t i = 0; i < set->n; i++)
		if (!same_entry(old, &set->entries[i]))
			change_entry(m, &set->entries[i], true);
}
