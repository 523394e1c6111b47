/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin process' end of the control channel: questions to the master on behalf of asks, with
 * a deadline each, and what the master says on its own (stop, drain, new log, new configuration).
 */
#ifndef ADMIN_LINK_H
#define ADMIN_LINK_H

#include "base/str.h"
#include "proc/control.h"

struct admin;
struct ask;

struct link {
	struct control_link control;
	struct list questions; /* waiting for a REPLY */
	uint32_t last_id;      /* of a question */
};

/* The master's answer; or none: <status> is ERR_TIMEOUT and the text says so. Must end the ask. */
typedef void link_reply_fn(struct ask *ask, int32_t status, struct str text);

/* Takes the control socket. When it ends, or says STOP, the loop stops. */
MUST_CHECK int link_open(struct admin *admin, int fd);

/* Drops all questions (their asks stay unanswered) and closes. */
void link_close(struct admin *admin);

/* Tells the master that we serve. */
void link_ready(struct admin *admin);

/* Puts a question for <ask>, which waits until the reply, or for <patience> ns. */
void link_ask(struct ask *ask, enum control_type type, int32_t status, int64_t patience,
	      link_reply_fn *on_reply);

#endif
