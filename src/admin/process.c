/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/process.h"

#include "admin/admin.h"
#include "admin/console.h"
#include "admin/recent.h"
#include "admin/series.h"
#include "admin/web.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/load.h"
#include "obs/log.h"
#include "obs/window.h"
#include "shm/slots.h"

/* Once a second, whether anybody looks or not: the windows behind /health need it. */
static void on_second(void *arg)
{
	struct admin *admin = arg;
	struct window_sample sample = {0};
	int64_t now = clock_mono();

	CHECK_MAGIC(admin, ADMIN_MAGIC);
	cache_gauges(admin);
	window_sample_node(admin->boot->metrics, &sample);
	window_add(admin->window, now, &sample);
	series_add(admin->series, admin->boot->metrics, now, clock_wall());
	recent_tick(admin->recent, now);
	web_second(admin->web);
	log_tick();
	loop_timer_set(admin->loop, &admin->second, now - now % NS_PER_S + NS_PER_S, on_second,
		       admin);
}

/* How long open questions may take when we are told to stop. */
#define LAST_ANSWERS (800 * NS_PER_MS)

static void on_stopping(void *arg)
{
	struct admin *admin = arg;
	bool busy;

	CHECK_MAGIC(admin, ADMIN_MAGIC);
	busy = (admin->console && console_sessions(admin->console)) ||
	       (admin->web && web_waiting(admin->web));
	if (busy && clock_mono() < admin->stop_by)
		loop_timer_set(admin->loop, &admin->stopping, clock_mono() + LOOP_TICK, on_stopping,
			       admin);
	else
		loop_stop(admin->loop);
}

void admin_stop(struct admin *admin)
{
	if (admin->stop_by)
		return;
	admin->stop_by = clock_mono() + LAST_ANSWERS;
	if (admin->console)
		console_finish(admin->console);
	if (admin->web)
		web_finish(admin->web);
	on_stopping(admin);
}

static int begin_sampling(struct admin *admin)
{
	admin->window = window_new();
	admin->series = series_new();
	admin->recent = recent_new(admin->boot->metrics, clock_mono());
	if (!admin->window || !admin->series || !admin->recent)
		return ERR_NOMEM;
	on_second(admin);
	return 0;
}

static int begin_serving(struct admin *admin)
{
	const struct admin_boot *boot = admin->boot;
	int rc = 0;

	if (boot->socket_fd >= 0)
		rc = console_new(admin, admin->loop, boot->socket_fd, &admin->console);
	if (!rc && boot->n_listen)
		rc = web_new(admin, boot->listen_fds, boot->n_listen, &admin->web);
	return rc;
}

static void end(struct admin *admin)
{
	/* Those who ask go first, then those who answer. */
	web_free(&admin->web);
	console_free(&admin->console);
	link_close(admin);
	loop_timer_clear(admin->loop, &admin->second);
	loop_timer_clear(admin->loop, &admin->stopping);
	recent_free(&admin->recent);
	series_free(&admin->series);
	window_free(&admin->window);
	cache_detach(admin);
	conf_unref(&admin->conf);
	loop_free(&admin->loop);
}

int admin_main(const struct admin_boot *boot)
{
	struct admin admin = {.magic = ADMIN_MAGIC, .boot = boot, .generation = boot->generation};
	int rc;

	clock_refresh();
	admin.conf = conf_ref(boot->conf);
	admin.slots = slots_attach(boot->seg);
	admin.loop = loop_new();
	if (!admin.loop || !admin.slots) {
		log_error("admin", "cannot start: %s", err_text(ERR_NOMEM));
		return 1;
	}
	cache_attach(&admin);
	rc = link_open(&admin, boot->control_fd);
	if (!rc)
		rc = begin_sampling(&admin);
	if (!rc)
		rc = begin_serving(&admin);
	if (rc) {
		log_error("admin", "cannot start: %s", err_text(rc));
	} else {
		link_ready(&admin);
		loop_run(admin.loop);
	}
	end(&admin);
	return rc ? 1 : 0;
}
