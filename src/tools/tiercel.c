/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's command line: what it says about itself and the configuration is answered here,
 * everything else is the master's (proc/master.h).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/load.h"
#include "conf/print.h"
#include "proc/candidate.h"
#include "proc/master.h"

#define DEFAULT_FILE "/etc/tiercel/tiercel.yaml"

enum mode { MODE_RUN = 1, MODE_TEST, MODE_PRINT };

static const char usage[] =
	"Usage: tiercel [-c FILE]                 run in the foreground\n"
	"       tiercel -t [-c FILE]              check the configuration\n"
	"       tiercel --print-config [-c FILE]  show every setting and where it comes from\n"
	"       tiercel --print-schema            show the JSON Schema of the configuration\n"
	"       tiercel --version | --help\n"
	"\n"
	"FILE is " DEFAULT_FILE " unless given.\n"
	"Signals: TERM finish and stop, INT or QUIT stop at once, HUP reload, USR1 reopen logs,\n"
	"         USR2 go on with the installed program.\n"
	"Exit status: 0 stopped as asked or FILE is good, 1 failed, 2 wrong usage or FILE.\n";

static const char built_with[] = "built with"
#ifdef HAVE_SYSTEMD
				 " systemd"
#endif
#ifdef SLOW_CHECKS
				 " slow-checks"
#endif
				 " " __VERSION__;

static int print(struct buf *b, FILE *to)
{
	int rc = b->error;

	if (rc == 0 && b->n && (fwrite(b->p, 1, b->n, to) != b->n || fflush(to) != 0))
		rc = ERR_SYS;
	buf_fini(b);
	return rc == 0 ? MASTER_EXIT_OK : MASTER_EXIT_FAILED;
}

static int print_schema(void)
{
	struct buf b = BUF_INIT;

	conf_print_schema(&b);
	return print(&b, stdout);
}

/* -t and --print-config: the configuration without anything running. */
static int show(const char *file, enum mode mode)
{
	struct conf_source *source = NULL;
	struct conf_report report;
	struct conf *conf = NULL;
	struct buf told = BUF_INIT, out = BUF_INIT;
	int rc;

	conf_report_init(&report);
	rc = conf_source_new(&source);
	if (rc == 0)
		rc = conf_load(source, file, &conf, &report);
	conf_report_print(&report, &told);
	if (rc == 0)
		rc = candidate_check(conf, &told);
	if (rc != 0 && told.n == 0)
		buf_printf(&told, "%s: %s\n", file, err_text(rc));
	(void)print(&told, stderr);
	if (rc == 0 && mode == MODE_TEST)
		buf_printf(&out, "%s: ok\n", file);
	else if (rc == 0)
		conf_print(conf, &out);
	rc = rc == 0 ? print(&out, stdout) : MASTER_EXIT_CONFIG;
	conf_unref(&conf);
	conf_source_free(&source);
	conf_report_fini(&report);
	return rc;
}

static int complain(const char *what, const char *word)
{
	fprintf(stderr, "tiercel: %s%s%s (try tiercel --help)\n", what, word ? ": " : "",
		word ? word : "");
	return MASTER_EXIT_CONFIG;
}

int main(int argc, char **argv)
{
	enum { PRINT_CONFIG = 256, PRINT_SCHEMA, VERSION };
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"test", no_argument, NULL, 't'},
		{"print-config", no_argument, NULL, PRINT_CONFIG},
		{"print-schema", no_argument, NULL, PRINT_SCHEMA},
		{"version", no_argument, NULL, VERSION},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	enum mode mode = MODE_RUN;
	const char *file = DEFAULT_FILE;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":c:th", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			file = optarg;
			break;
		case 't':
			mode = MODE_TEST;
			break;
		case PRINT_CONFIG:
			mode = MODE_PRINT;
			break;
		case PRINT_SCHEMA:
			return print_schema();
		case VERSION:
			printf("tiercel %s\n%s\n", PACKAGE_VERSION, built_with);
			return MASTER_EXIT_OK;
		case 'h':
			fputs(usage, stdout);
			return MASTER_EXIT_OK;
		case ':':
			return complain("this option wants a value", argv[optind - 1]);
		default:
			return complain("unknown option", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return complain("unknown argument", argv[optind]);
	return mode == MODE_RUN ? master_run(file, argv) : show(file, mode);
}
