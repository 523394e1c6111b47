/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the service manager keeps for us over a restart: the segment, and the TCP listeners, so that
 * connections wait in their queues while nobody is there. Socket files go when we go, so unix
 * listeners are not kept; sockets that came from the manager are its own.
 */
#include "proc/inherit.h"
#include "proc/notify.h"
#include "proc/state.h"
#include "shm/seg.h"

static bool worth_keeping(const struct listen_socks *s)
{
	return !s->shared && !s->inherited && s->addr.sa.sa_family != AF_UNIX;
}

static void keep(const struct listen_socks *s)
{
	char name[INHERIT_NAME];

	inherit_name(&s->addr, name);
	notify_store(name, s->fds, s->n);
}

void fdstore_begin(struct master *m)
{
	int fd = seg_fd(m->memory.seg);

	notify_unstore(INHERIT_SEGMENT); /* one that we could not use */
	notify_store(INHERIT_SEGMENT, &fd, 1);
	for (size_t i = 0; i < m->now.listeners.n; i++)
		if (worth_keeping(m->now.listeners.entries[i].socks))
			keep(m->now.listeners.entries[i].socks);
}

void fdstore_change(struct master *m, const struct listen_set *old)
{
	const struct listen_set *set = &m->now.listeners;
	char name[INHERIT_NAME];

	for (size_t i = 0; i < old->n; i++) {
		const struct listen_socks *s = old->entries[i].socks;

		if (!worth_keeping(s) || listen_find(set, s))
			continue;
		inherit_name(&s->addr, name);
		notify_unstore(name);
	}
	/* also those that have become more; what the manager has it does not take twice */
	for (size_t i = 0; i < set->n; i++)
		if (worth_keeping(set->entries[i].socks))
			keep(set->entries[i].socks);
}
