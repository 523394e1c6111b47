/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/link.h"

#include <stdlib.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/ask.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/bundle.h"
#include "obs/log.h"

struct question {
	struct list_node node;
	uint32_t id;
	struct ask *ask;
	link_reply_fn *on_reply;
};

/* Takes the question off the list and hands the answer over. */
static void answer(struct admin *admin, struct question *q, int32_t status, struct str text)
{
	struct ask *ask = q->ask;
	link_reply_fn *on_reply = q->on_reply;

	list_remove(&admin->link.questions, &q->node);
	loop_timer_clear(admin->loop, &ask->timer);
	ask->drop = NULL;
	free(q);
	on_reply(ask, status, text);
}

static void on_drop(struct ask *ask, void *waiting)
{
	struct question *q = waiting;

	list_remove(&ask->admin->link.questions, &q->node);
	loop_timer_clear(ask->admin->loop, &ask->timer);
	free(q);
}

static void on_timeout(void *arg)
{
	struct ask *ask = arg;

	CHECK_MAGIC(ask, ASK_MAGIC);
	answer(ask->admin, ask->waiting, ERR_TIMEOUT,
	       STR("the master process did not answer in time; its log may say why"));
}

void link_ask(struct ask *ask, enum control_type type, int32_t status, int64_t patience,
	      link_reply_fn *on_reply)
{
	struct admin *admin = ask->admin;
	struct question *q = calloc(1, sizeof(*q));

	if (!q) {
		ask_fail(ask, PROTO_FAILED, "out of memory");
		return;
	}
	q->id = ++admin->link.last_id;
	q->ask = ask;
	q->on_reply = on_reply;
	list_append(&admin->link.questions, &q->node);
	ask->drop = on_drop;
	ask->waiting = q;
	loop_timer_set(admin->loop, &ask->timer, clock_mono() + patience, on_timeout, ask);
	control_tell(&admin->link.control, type, q->id, status, STR_NONE);
}

/* A reply that nobody waits for any more is dropped. */
static void on_reply(struct admin *admin, const struct control_msg *msg)
{
	LIST_EACH (&admin->link.questions, n) {
		struct question *q = CONTAINER_OF(n, struct question, node);

		if (q->id == msg->id) {
			answer(admin, q, msg->status, msg->text);
			return;
		}
	}
}

/* What the workers use from now on: loaded from the bundle, so without touching a file. */
static void use_configuration(struct admin *admin, struct control_msg *msg)
{
	struct conf_report report;
	struct conf_source *source = NULL;
	struct conf *next = NULL;
	int fd = control_take_fd(msg, 0), rc;

	conf_report_init(&report);
	rc = fd < 0 ? ERR_MISSING : conf_bundle_source(fd, &source);
	if (!rc)
		rc = conf_load(source, NULL, &next, &report);
	if (rc) {
		log_error("admin", "cannot take over configuration %u: %s", msg->id, err_text(rc));
	} else {
		conf_unref(&admin->conf);
		admin->conf = next;
		admin->generation = msg->id;
		log_set_level((enum log_level)next->log.level); /* the words have one order */
	}
	conf_source_free(&source);
	conf_report_fini(&report);
	if (fd >= 0)
		close(fd);
}

/* status says what the log is now (enum log_target); a file comes as a descriptor. */
static void use_log(struct admin *admin, struct control_msg *msg)
{
	enum log_target target = (enum log_target)msg->status;
	int fd = control_take_fd(msg, 0);

	if (target == LOG_TARGET_FD && fd >= 0)
		log_set_fd(fd);
	else if (target != LOG_TARGET_FD)
		log_init(&(struct log_settings){.level = (enum log_level)admin->conf->log.level,
						.target = target,
						.fd = -1,
						.role = "admin"});
}

static void on_message(void *arg, struct control_msg *msg)
{
	struct admin *admin = arg;

	CHECK_MAGIC(admin, ADMIN_MAGIC);
	switch (msg->type) {
	case CONTROL_REPLY:
		on_reply(admin, msg);
		break;
	case CONTROL_DRAIN:
		admin->draining = msg->status != 0;
		break;
	case CONTROL_LOGS:
		use_log(admin, msg);
		break;
	case CONTROL_CONFIG:
		use_configuration(admin, msg);
		break;
	case CONTROL_STOP:
		admin_stop(admin);
		break;
	default:
		break;
	}
}

static void on_closed(void *arg)
{
	struct admin *admin = arg;

	CHECK_MAGIC(admin, ADMIN_MAGIC);
	loop_stop(admin->loop);
}

int link_open(struct admin *admin, int fd)
{
	list_init(&admin->link.questions);
	return control_open(&admin->link.control, admin->loop, fd, CONTROL_TO_ADMIN, on_message,
			    on_closed, admin);
}

void link_close(struct admin *admin)
{
	LIST_EACH (&admin->link.questions, n) {
		struct question *q = CONTAINER_OF(n, struct question, node);

		q->ask->drop = NULL;
		on_drop(q->ask, q);
	}
	control_close(&admin->link.control);
}

void link_ready(struct admin *admin)
{
	control_tell(&admin->link.control, CONTROL_READY, 0, 0, STR_NONE);
}
