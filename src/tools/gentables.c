/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes what follows from the tables of counters, log fields and commands to standard output: the
 * reference pages, and the manual page of tiercelctl from its template. The results are kept in the
 * tree; tests/docs/check-generated compares and, with --update, renews them. Never installed.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

/* ---- rows ---- */

/* A scope's begin, a counter, a histogram, in the order of the table. */
struct metric {
	const char *scope, *name, *label, *kind, *unit, *help,
		*text; /* name NULL: a scope begins */
};

static const struct metric metrics[] = {
#define SCOPE(id, label, subjects, help) {#id, NULL, label, #subjects, "", help, ""},
#define COUNTER(scope, id, name, label, kind, unit, help, text)                                    \
	{#scope, name, label, #kind, #unit, help, text},
#define HISTOGRAM(scope, id, name, help, text)                                                     \
	{#scope, name, "", "histogram", "seconds", help, text},
#define SCOPE_END(id)
#include "tbl/counters.h"
#undef SCOPE
#undef COUNTER
#undef HISTOGRAM
#undef SCOPE_END
};

static const struct {
	const char *name, *type, *help;
} fields[] = {
#define LOGFIELD(id, type, help) {#id, #type, help},
#include "tbl/logfields.h"
#undef LOGFIELD
};

static const struct command {
	const char *word, *arguments, *brief, *text;
	bool operate, later;
} commands[] = {
#define READ false
#define OPERATE true
#define NOW false
#define LATER true
#define COMMAND(id, word, arguments, privilege, when, brief, text)                                 \
	{word, arguments, brief, text, privilege, when},
#include "tbl/cmds.h"
#undef COMMAND
#undef READ
#undef OPERATE
#undef NOW
#undef LATER
};

/* ---- pages ---- */

/* Text for a cell of a Markdown table. */
static void cell(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '|')
			putchar('\\');
		putchar(*p);
	}
}

/* The scope's label is on every metric of the scope; some have one more. */
static void print_metric(const struct metric *m)
{
	printf("| `%s%s%s%s` | %s | ", m->name, *m->label ? "{" : "", m->label,
	       *m->label ? "}" : "", m->kind);
	cell(m->help);
	printf(".%s", *m->text ? " " : "");
	cell(m->text);
	printf(" |\n");
}

static int print_metrics(void)
{
	printf("# Metrics\n\n"
	       "This page is made from src/tbl/counters.h. `/metrics` of the admin listener serves "
	       "them as Prometheus text, `/api/stats`\nand `tiercelctl stats --json` as JSON with "
	       "quantiles. Times are in seconds, sizes in bytes.\n"
	       "Counters only grow; those of a worker that ended stay in the sums.\n");
	for (size_t i = 0; i < COUNTOF(metrics); i++) {
		const struct metric *m = &metrics[i];
		if (m->name)
			print_metric(m);
		else if (!*m->label)
			printf("\n## Without a label: %s\n\n| metric | kind | |\n|---|---|---|\n",
			       m->help);
		else
			printf("\n## Label `%s`: %s\n\n| metric | kind | |\n|---|---|---|\n",
			       m->label, m->help);
	}
	return EXIT_SUCCESS;
}

static const char *field_type(const char *type)
{
	static const struct {
		const char *type, *text;
	} types[] = {
		{"text", "text"},  {"size", "bytes"},	   {"count", "number"},
		{"stamp", "time"}, {"seconds", "seconds"}, {"flag", "true or false"},
	};

	for (size_t i = 0; i < COUNTOF(types); i++)
		if (strcmp(type, types[i].type) == 0)
			return types[i].text;
	return type;
}

static int print_fields(void)
{
	printf("# Fields of the access log\n\n"
	       "This page is made from src/tbl/logfields.h. `log.access.format` is `json`, "
	       "`combined`, or a list of these names.\n"
	       "JSON has them in this order, with numbers as numbers; a field without a value is left "
	       "out. A list writes `-` for it.\n\n"
	       "| field | type | |\n|---|---|---|\n");
	for (size_t i = 0; i < COUNTOF(fields); i++) {
		printf("| `%s` | %s | ", fields[i].name, field_type(fields[i].type));
		cell(fields[i].help);
		printf(" |\n");
	}
	return EXIT_SUCCESS;
}

static int print_commands(void)
{
	printf("# Commands\n\n"
	       "This page is made from src/tbl/cmds.h. `tiercelctl [-s SOCKET] COMMAND` sends a "
	       "command to the running daemon;\n`tiercelctl help COMMAND` says the same as here.\n");
	for (size_t i = 0; i < COUNTOF(commands); i++) {
		const struct command *c = &commands[i];
		if (c->later)
			continue;
		printf("\n## `%s%s%s`\n\n%c%s%s.\n\n%s\n", c->word, *c->arguments ? " " : "",
		       c->arguments,
		       c->brief[0] >= 'a' && c->brief[0] <= 'z' ? c->brief[0] - 32 : c->brief[0],
		       c->brief + 1, c->operate ? " (root and the daemon's user)" : "", c->text);
	}
	printf("\n## Not in this version yet\n\n");
	for (size_t i = 0; i < COUNTOF(commands); i++)
		if (commands[i].later)
			printf("* `%s %s`: %s\n", commands[i].word, commands[i].arguments,
			       commands[i].brief);
	return EXIT_SUCCESS;
}

/* ---- the manual page ---- */

/* Text for roff: code in bold, hyphens that can be copied. */
static void roff(const char *text)
{
	bool code = false;

	for (const char *p = text; *p; p++) {
		if (*p == '`') {
			code = !code;
			fputs(code ? "\\fB" : "\\fR", stdout);
		} else if (*p == '\\') {
			fputs("\\e", stdout);
		} else if (*p == '-') {
			fputs("\\-", stdout);
		} else if (*p == '\'') {
			fputs("\\(aq", stdout);
		} else if (*p == '/' && p == text) {
			fputs("\\&/", stdout);
		} else {
			putchar(*p);
		}
	}
}

static void man_commands(bool later)
{
	for (size_t i = 0; i < COUNTOF(commands); i++) {
		const struct command *c = &commands[i];
		if (c->later != later)
			continue;
		printf(".TP\n\\fB");
		roff(c->word);
		printf("\\fR%s", *c->arguments ? " " : "");
		roff(c->arguments);
		printf("\n");
		roff(later ? c->brief : c->text);
		printf(later ? ".\n" : "\n");
	}
}

/* Copies a template; the lines `.\" commands` and `.\" later` become the rows. */
static int print_manual(const char *template)
{
	char line[1024];
	FILE *f = fopen(template, "r");

	if (!f) {
		perror(template);
		return EXIT_FAILURE;
	}
	while (fgets(line, sizeof(line), f)) {
		if (strcmp(line, ".\\\" commands\n") == 0)
			man_commands(false);
		else if (strcmp(line, ".\\\" later\n") == 0)
			man_commands(true);
		else
			fputs(line, stdout);
	}
	fclose(f);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "metrics.md") == 0)
		return print_metrics();
	if (strcmp(what, "access-log.md") == 0)
		return print_fields();
	if (strcmp(what, "commands.md") == 0)
		return print_commands();
	if (strcmp(what, "tiercelctl.1") == 0 && argc == 3)
		return print_manual(argv[2]);
	fputs("usage: gentables metrics.md|access-log.md|commands.md\n"
	      "       gentables tiercelctl.1 TEMPLATE\n",
	      stderr);
	return EXIT_FAILURE;
}
