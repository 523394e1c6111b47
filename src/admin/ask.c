/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/ask.h"

#include <stdarg.h>
#include <stdio.h>

#include "admin/cmds.h"

void ask_init(struct ask *ask, struct admin *admin, ask_done_fn *done, void *arg)
{
	memset(ask, 0, sizeof(*ask));
	ask->magic = ASK_MAGIC;
	ask->admin = admin;
	ask->out.cap = ASK_BODY_MAX;
	ask->done = done;
	ask->arg = arg;
}

void ask_begin(struct ask *ask, const struct proto_request *request, const struct ask_peer *peer)
{
	CHECK_MAGIC(ask, ASK_MAGIC);
	ask->request = request;
	ask->peer = peer;
	cmds_run(ask);
}

void ask_fail(struct ask *ask, enum proto_code code, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_reset(&ask->out);
	buf_c(&ask->out, line);
	buf_char(&ask->out, '\n');
	ask_end(ask, code);
}

void ask_end(struct ask *ask, enum proto_code code)
{
	CHECK_MAGIC(ask, ASK_MAGIC);
	ASSERT(!ask->ended);
	if (ask->out.error) {
		/* The whole answer or a word about it, never a part that looks whole. */
		buf_reset(&ask->out);
		buf_c(&ask->out, "the answer does not fit into memory\n");
		code = PROTO_FAILED;
	}
	ask->ended = true;
	ask->code = code;
	ask->drop = NULL;
	ask->waiting = NULL;
	ask->done(ask, ask->arg);
}

void ask_fini(struct ask *ask)
{
	if (ask->magic != ASK_MAGIC)
		return;
	if (ask->drop)
		ask->drop(ask, ask->waiting);
	ask->drop = NULL;
	buf_fini(&ask->out);
	ask->magic = 0;
}
