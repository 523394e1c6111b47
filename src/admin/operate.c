/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands that only the master can carry out: they relay its answer. */
#include "admin/ask.h"
#include "admin/cmds.h"
#include "admin/link.h"
#include "base/err.h"

/* A reload reads files, resolves nothing, and waits for every worker: seconds at most. */
#define PATIENCE_RELOAD (60 * NS_PER_S)
/* A trial run, the start of another program, and perhaps the way back. */
#define PATIENCE_UPGRADE (70 * NS_PER_S)
#define PATIENCE_OTHER (10 * NS_PER_S)

/* The master's text, or <otherwise> when it has none. */
static void relay(struct ask *ask, int32_t status, struct str text, const char *otherwise)
{
	buf_reset(&ask->out);
	if (text.n == 0)
		text = str_c(status ? err_text(status) : otherwise);
	buf_str(&ask->out, text);
	if (text.p[text.n - 1] != '\n')
		buf_char(&ask->out, '\n');
	ask_end(ask, status ? PROTO_FAILED : PROTO_OK);
}

static void on_reload(struct ask *ask, int32_t status, struct str text)
{
	relay(ask, status, text, "done");
}

static void on_reopen(struct ask *ask, int32_t status, struct str text)
{
	relay(ask, status, text, "the log files were opened again");
}

static void on_upgrade(struct ask *ask, int32_t status, struct str text)
{
	relay(ask, status, text, "upgraded");
}

static void on_drain(struct ask *ask, int32_t status, struct str text)
{
	relay(ask, status, text,
	      "draining: /health answers 503, connections end after their answer");
}

static void on_drain_off(struct ask *ask, int32_t status, struct str text)
{
	relay(ask, status, text, "no longer draining");
}

void cmd_reload(struct ask *ask)
{
	if (ask->request->n > 1)
		cmds_usage(ask);
	else
		link_ask(ask, CONTROL_RELOAD, 0, PATIENCE_RELOAD, on_reload);
}

void cmd_reopen(struct ask *ask)
{
	if (ask->request->n > 1)
		cmds_usage(ask);
	else
		link_ask(ask, CONTROL_REOPEN, 0, PATIENCE_OTHER, on_reopen);
}

void cmd_upgrade(struct ask *ask)
{
	if (ask->request->n > 1)
		cmds_usage(ask);
	else
		link_ask(ask, CONTROL_UPGRADE, 0, PATIENCE_UPGRADE, on_upgrade);
}

void cmd_drain(struct ask *ask)
{
	const struct proto_request *r = ask->request;
	bool off = r->n == 2 && strcmp(r->word[1], "off") == 0;

	if (r->n > 1 && !off)
		cmds_usage(ask);
	else
		link_ask(ask, CONTROL_SET_DRAIN, !off, PATIENCE_OTHER,
			 off ? on_drain_off : on_drain);
}
