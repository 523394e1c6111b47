/* SPDX-License-Identifier: BSD-2-Clause */
#include <unistd.h>

#include "base/clock.h"
#include "proc/state.h"

static void worker_json(const struct master *m, const struct worker *w, struct buf *out)
{
	const struct slot *slot = slot_get(m->memory.slots, w->slot);
	unsigned sockets = 0;

	for (unsigned k = 0; k < m->sockets; k++)
		sockets += m->owner[k] == w->slot;
	buf_printf(out, "{\"slot\":%u,\"pid\":%d,\"state\":\"%s\",", w->slot, (int)w->pid,
		   worker_state_name(slot_state(slot)));
	if (w->seat != SEAT_NONE)
		buf_printf(out, "\"seat\":%u,", w->seat);
	buf_printf(out, "\"uptime\":%.3f,\"starts\":%u,\"deaths\":%u,\"sockets\":%u}",
		   (double)(clock_mono() - w->started) / NS_PER_S, slot->generation, slot->deaths,
		   sockets);
}

void status_write(const struct master *m, struct buf *out)
{
	bool first = true;

	buf_printf(out, "{\"version\":\"%s\",\"pid\":%d,\"state\":\"%s\",\"generation\":%u,",
		   PACKAGE_VERSION, (int)getpid(), master_state_name(m->state), m->generation);
	buf_printf(
		out, "\"uptime\":%.3f,\"draining\":%s,\"reload\":\"%s\",\"files\":%llu,\"config\":",
		(double)(clock_wall() - m->started_wall) / NS_PER_S, m->draining ? "true" : "false",
		reload_phase_name(m->reload.phase), (unsigned long long)m->files);
	buf_json(out, str_c(m->conf_file));
	buf_printf(out, ",\"admin\":{\"pid\":%d},\"workers_wanted\":%u,\"workers\":[",
		   (int)m->admin.pid, m->n_seats);
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		if (!worker_lives(&m->workers[i]))
			continue;
		if (!first)
			buf_char(out, ',');
		first = false;
		worker_json(m, &m->workers[i], out);
	}
	buf_c(out, "]}\n");
}
