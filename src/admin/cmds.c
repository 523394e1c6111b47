/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/cmds.h"

#include "admin/ask.h"
#include "obs/log.h"

enum privilege { READ = 1, OPERATE };

struct command {
	const char *word, *arguments;
	enum privilege privilege;
	void (*run)(struct ask *ask); /* NULL: reserved for a later version */
	const char *line, *text;
};

#define HANDLER_NOW(fn) fn
#define HANDLER_LATER(fn) NULL
#define COMMAND(id, word, arguments, privilege, when, line, text)                                  \
	{word, arguments, privilege, HANDLER_##when(cmd_##id), line, text},
static const struct command commands[] = {
#include "tbl/cmds.h"
};
#undef COMMAND

static const struct command *find(const char *word)
{
	for (size_t i = 0; i < COUNTOF(commands); i++) {
		if (strcmp(commands[i].word, word) == 0)
			return &commands[i];
	}
	return NULL;
}

/* Every command that the word could be the beginning of, for "did you mean". */
static void suggest(struct ask *ask, const char *word)
{
	const char *before = "; did you mean ";

	for (size_t i = 0; i < COUNTOF(commands); i++) {
		size_t n = strlen(word);

		if (n < 2 || strncmp(commands[i].word, word, MIN(n, 3)) != 0)
			continue;
		buf_printf(&ask->out, "%s`%s`", before, commands[i].word);
		before = " or ";
	}
	buf_c(&ask->out, *before == ';' ? "; try `help`\n" : "?\n");
}

/* What changes something leaves a line in the log, refused or not. */
static bool may_operate(const struct ask *ask, const struct command *command)
{
	const struct ask_peer *peer = ask->peer;
	bool allowed = peer && peer->may_operate;

	if (peer)
		log_info("admin", "%s, asked by uid %u, pid %d%s", command->word, peer->uid,
			 (int)peer->pid, allowed ? "" : ": refused");
	return allowed;
}

void cmds_run(struct ask *ask)
{
	const struct proto_request *request = ask->request;
	const struct command *command;

	if (request->n == 0) {
		ask_fail(ask, PROTO_USAGE, "no command; try `help`");
		return;
	}
	command = find(request->word[0]);
	if (!command) {
		buf_printf(&ask->out, "unknown command `%s`", request->word[0]);
		suggest(ask, request->word[0]);
		ask_end(ask, PROTO_USAGE);
	} else if (!command->run) {
		ask_fail(ask, PROTO_USAGE, "%s: not in this version yet", command->word);
	} else if (command->privilege == OPERATE && !may_operate(ask, command)) {
		ask_fail(ask, PROTO_FAILED, "%s: only root and the daemon's own user may do this",
			 command->word);
	} else {
		command->run(ask);
	}
}

void cmds_usage(struct ask *ask)
{
	const struct command *command = find(ask->request->word[0]);

	ask_fail(ask, PROTO_USAGE, "usage: %s %s", command->word,
		 *command->arguments ? command->arguments : "(no arguments)");
}

bool cmds_json_only(struct ask *ask, bool *out_json)
{
	const struct proto_request *request = ask->request;

	*out_json = request->n == 2 && strcmp(request->word[1], "--json") == 0;
	if (request->n == 1 || *out_json)
		return true;
	cmds_usage(ask);
	return false;
}

/* Words up to <width> columns, each line indented by <indent>. */
static void write_wrapped(struct buf *out, struct str text, unsigned indent, unsigned width)
{
	struct str word;
	unsigned column = 0;

	while (text.n && str_next(&text, ' ', &word)) {
		if (column && column + 1 + word.n > width) {
			buf_char(out, '\n');
			column = 0;
		}
		if (column == 0) {
			buf_printf(out, "%*s", (int)indent, "");
			column = indent;
		} else {
			buf_char(out, ' ');
			column++;
		}
		buf_str(out, word);
		column += (unsigned)word.n;
	}
	buf_char(out, '\n');
}

static void help_one(struct ask *ask, const struct command *command)
{
	struct buf *out = &ask->out;

	buf_printf(out, "%s%s%s\n", command->word, *command->arguments ? " " : "",
		   command->arguments);
	buf_printf(out, "    %s%s\n\n", command->line,
		   command->run ? "" : " (not in this version yet)");
	write_wrapped(out, str_c(command->text), 4, 80);
	if (command->privilege == OPERATE)
		buf_c(out, "\n    For root and the daemon's own user.\n");
	ask_end(ask, PROTO_OK);
}

static void help_all(struct ask *ask)
{
	for (size_t i = 0; i < COUNTOF(commands); i++) {
		if (commands[i].run)
			buf_printf(&ask->out, "%-10s %s\n", commands[i].word, commands[i].line);
	}
	buf_c(&ask->out, "\nhelp COMMAND explains one in full. In a later version:");
	for (size_t i = 0; i < COUNTOF(commands); i++) {
		if (!commands[i].run)
			buf_printf(&ask->out, " %s", commands[i].word);
	}
	buf_char(&ask->out, '\n');
	ask_end(ask, PROTO_OK);
}

void cmd_help(struct ask *ask)
{
	const struct command *command;

	if (ask->request->n == 1) {
		help_all(ask);
		return;
	}
	if (ask->request->n > 2) {
		cmds_usage(ask);
		return;
	}
	command = find(ask->request->word[1]);
	if (command)
		help_one(ask, command);
	else
		ask_fail(ask, PROTO_USAGE, "unknown command `%s`; try `help`",
			 ask->request->word[1]);
}
