/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes what follows from tbl/conf.h to standard output: the reference page, the manual page, the
 * sample and the JSON Schema. The results are kept in the tree; tests/docs/check-generated compares
 * and, with --update, renews them. Never installed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conf/load.h"
#include "conf/print.h"
#include "conf/rows.h"

enum { PATHS_MAX = 4, PATH_BYTES = 128 };

/* One section, and where in the file it can stand. */
struct place_of {
	const struct conf_section *section;
	char paths[PATHS_MAX][PATH_BYTES];
	unsigned n;
};

/* The sections in the order in which one meets them. */
struct tour {
	struct place_of stops[CONF_SECTION_COUNT];
	unsigned n;
};

static void visit(struct tour *t, unsigned id, const char *path)
{
	const struct conf_section *s = conf_section(id);
	struct place_of *stop = NULL;

	for (unsigned i = 0; i < t->n; i++)
		if (t->stops[i].section == s)
			stop = &t->stops[i];
	if (!stop) {
		stop = &t->stops[t->n++];
		stop->section = s;
	}
	if (stop->n < PATHS_MAX)
		snprintf(stop->paths[stop->n++], PATH_BYTES, "%s", path);
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct conf_row *row = &s->rows[i];
		char inner[PATH_BYTES];
		if (!conf_row_is_block(row))
			continue;
		snprintf(inner, sizeof(inner), "%s%s%s%s", path, *path ? "." : "", row->key,
			 row->type == CONF_TYPE_BLOCKS	? "[]"
			 : row->type == CONF_TYPE_NAMED ? ".NAME"
							: "");
		visit(t, row->of, inner);
	}
}

static const char *reload_text(const struct conf_row *row)
{
	return row->reload[0] == 'W' ? "new workers" : row->reload[0] == 'R' ? "restart" : "live";
}

static const struct conf_words *words_of(const struct conf_row *row)
{
	return row->type == CONF_TYPE_ENUM || row->type == CONF_TYPE_ENUMS ? conf_words(row->of)
									   : NULL;
}

/* ---- the reference page ---- */

/* Text for a cell of a table. */
static void cell(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '|')
			buf_char(out, '\\');
		buf_char(out, *p);
	}
}

static void page_row(struct buf *out, const struct conf_row *row)
{
	buf_printf(out, "| `%s` | ", row->key);
	cell(out, conf_type_kind(row->type));
	if (row->required)
		buf_c(out, " | required | ");
	else if (row->def)
		buf_printf(out, " | `%s` | ", row->def);
	else
		buf_c(out, " | | ");
	if (row->least)
		buf_printf(out, strcmp(row->least, row->most) == 0 ? "%s" : "%s to %s", row->least,
			   row->most);
	buf_printf(out, " | %s | ", conf_row_is_block(row) ? "" : reload_text(row));
	cell(out, row->brief);
	buf_c(out, *row->text ? " " : "");
	cell(out, row->text);
	buf_c(out, " |\n");
}

static void page_words(struct buf *out, const struct conf_section *s)
{
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct conf_words *words = words_of(&s->rows[i]);
		if (!words)
			continue;
		buf_printf(out, "\nWords of `%s`:\n\n", s->rows[i].key);
		for (size_t k = 0; k < words->n_words; k++)
			buf_printf(out, "* `%s`: %s%s\n", words->words[k].word,
				   words->words[k].text,
				   words->words[k].later ? " (not in this version yet)" : "");
	}
}

static void page_later(struct buf *out, const struct conf_section *s)
{
	const char *key;

	for (size_t i = 0; (key = conf_later_key(s, i)); i++)
		buf_printf(out, "%s`%s`", i ? ", " : "\nNot in this version yet: ", key);
	if (conf_later_key(s, 0))
		buf_c(out, ".\n");
}

static void page_section(struct buf *out, const struct place_of *stop)
{
	const struct conf_section *s = stop->section;

	buf_c(out, "\n## ");
	for (unsigned i = 0; i < stop->n; i++)
		buf_printf(out, *stop->paths[i] ? "%s`%s`" : "%sThe file%s", i ? ", " : "",
			   *stop->paths[i] ? stop->paths[i] : "");
	buf_printf(out,
		   "\n\n%s\n\n| key | type | default | allowed | reload | |\n"
		   "|---|---|---|---|---|---|\n",
		   s->brief);
	for (size_t i = 0; i < s->n_rows; i++)
		if (s->rows[i].type != CONF_TYPE_MAP_KEY)
			page_row(out, &s->rows[i]);
	page_words(out, s);
	page_later(out, s);
}

static void print_page(struct buf *out, const struct tour *t)
{
	buf_c(out,
	      "# Every setting\n\n"
	      "This page is made from src/tbl/conf.h. `tiercel --print-config` shows the values in "
	      "force,\n[tiercel.yaml](../../etc/tiercel.yaml) has all of them as a file, and "
	      "[configuration.md](../configuration.md) tells the ideas.\n\n"
	      "* Times: a number and `ms`, `s`, `m`, `h` or `d`. Sizes: a number and `B`, `KiB`, "
	      "`MiB`, `GiB` or `TiB` (by 1024) or\n  `kB`, `MB`, `GB` or `TB` (by 1000). "
	      "Percentages end in `%`. Only zero needs no unit.\n"
	      "* Where a list is allowed, a single value stands for a list of one.\n"
	      "* `${NAME}` and `${NAME:-default}` in a value are filled in from the environment; "
	      "`$$` is a dollar sign.\n"
	      "* Files are named relative to the file that names them.\n"
	      "* Reload: *live* is taken over by the running workers; *new workers* starts new worker "
	      "processes; *restart* keeps the old\n  value until the next start.\n");
	for (unsigned i = 0; i < t->n; i++)
		page_section(out, &t->stops[i]);
}

/* ---- the manual page ---- */

/* Text for roff: nothing that would be a request, code in bold, hyphens that can be copied. */
static void roff(struct buf *out, const char *text)
{
	bool code = false;

	for (const char *p = text; *p; p++) {
		if (*p == '`') {
			code = !code;
			buf_c(out, code ? "\\fB" : "\\fR");
		} else if (*p == '\\') {
			buf_c(out, "\\e");
		} else if (*p == '-') {
			buf_c(out, "\\-");
		} else if (*p == '\'') {
			buf_c(out, "\\(aq");
		} else {
			buf_char(out, *p);
		}
	}
}

static void man_words(struct buf *out, const struct conf_words *words)
{
	const char *comma = "";

	if (!words)
		return;
	buf_c(out, "Words: ");
	for (size_t i = 0; i < words->n_words; i++) {
		if (words->words[i].later)
			continue;
		buf_printf(out, "%s\\fB", comma);
		roff(out, words->words[i].word);
		buf_c(out, "\\fR (");
		roff(out, words->words[i].text);
		buf_c(out, ")");
		comma = ", ";
	}
	buf_c(out, ".\n");
}

static void man_row(struct buf *out, const struct conf_row *row)
{
	buf_c(out, ".TP\n.B ");
	roff(out, row->key);
	buf_c(out, "\n");
	roff(out, row->brief);
	if (*row->text) {
		buf_c(out, "\n");
		roff(out, row->text);
	}
	buf_c(out, "\n");
	man_words(out, words_of(row));
	if (conf_row_is_block(row))
		return;
	buf_c(out, "(");
	roff(out, conf_type_kind(row->type));
	if (row->required)
		buf_c(out, "; required");
	if (row->def) {
		buf_c(out, "; default ");
		roff(out, row->def);
	}
	if (row->least && strcmp(row->least, row->most) != 0) {
		buf_printf(out, "; %s to ", row->least);
		roff(out, row->most);
	}
	buf_printf(out, "; reload: %s)\n", reload_text(row));
}

static void man_section(struct buf *out, const struct place_of *stop)
{
	buf_c(out, ".SS ");
	for (unsigned i = 0; i < stop->n; i++) {
		buf_c(out, i ? ", " : "");
		roff(out, *stop->paths[i] ? stop->paths[i] : "The file");
	}
	buf_c(out, "\n");
	roff(out, stop->section->brief);
	buf_c(out, "\n");
	for (size_t i = 0; i < stop->section->n_rows; i++)
		if (stop->section->rows[i].type != CONF_TYPE_MAP_KEY)
			man_row(out, &stop->section->rows[i]);
}

static void print_man(struct buf *out, const struct tour *t)
{
	buf_c(out, ".\\\" SPDX-License-Identifier: BSD-2-Clause\n"
		   ".\\\" Made from src/tbl/conf.h by genconf.\n"
		   ".TH TIERCEL.YAML 5 \"\" tiercel \"File formats\"\n"
		   ".SH NAME\ntiercel.yaml \\- configuration of the tiercel reverse proxy\n"
		   ".SH SYNOPSIS\n.nf\n"
		   "version: 1\nlisteners:\n  \\- address: \"0.0.0.0:8080\"\nupstreams:\n  app:\n"
		   "    servers: [ \"127.0.0.1:8081\" ]\nroutes:\n  \\- upstream: app\n.fi\n"
		   ".SH DESCRIPTION\n"
		   "A YAML file of settings, read by\n.BR tiercel (8).\n"
		   "A listener, an upstream and one route are enough.\n"
		   "All mistakes are reported at once, each with file, line and column;\n"
		   ".B tiercel \\-t\nchecks a file and\n.B tiercel \\-\\-print\\-config\n"
		   "shows every value in force and where it comes from.\n.PP\n"
		   "Times are a number and\n.BR ms ,\n.BR s ,\n.BR m ,\n.B h\nor\n.BR d .\n"
		   "Sizes are a number and\n.BR B ,\n.BR KiB ,\n.BR MiB ,\n.B GiB\nor\n.B TiB\n"
		   "(by 1024), or\n.BR kB ,\n.BR MB ,\n.B GB\nor\n.B TB\n(by 1000).\n"
		   "Percentages end in\n.BR % .\nOnly zero needs no unit.\n.PP\n"
		   "Where a list is allowed, a single value stands for a list of one.\n"
		   ".B ${NAME}\nand\n.B ${NAME:\\-default}\n"
		   "in a value are filled in from the environment;\n.B $$\nis a dollar sign.\n"
		   "Files are named relative to the file that names them.\n"
		   "Anchors, aliases, tags and several documents in one file are refused.\n.PP\n"
		   "A reload takes over settings marked\n.IR live ;\n"
		   "for\n.I new workers\nit starts new worker processes;\n"
		   "for\n.I restart\nthe old value stays until the next start.\n"
		   ".SH SETTINGS\n");
	for (unsigned i = 0; i < t->n; i++)
		man_section(out, &t->stops[i]);
	buf_c(out,
	      ".SH FILES\n.TP\n.I /etc/tiercel/tiercel.yaml\nThe file that is read unless another "
	      "is named.\n.TP\n.I /usr/share/tiercel/tiercel.schema.json\n"
	      "A JSON Schema for editors.\n"
	      ".SH SEE ALSO\n.BR tiercel (8),\n.BR tiercelctl (1)\n");
}

/* ---- the sample ---- */

enum { REMARK_COLUMN = 56 };

/* One line: "#  key: value      # remark"; <live> lines have no # in front. */
static void sample_line(struct buf *out, bool live, unsigned indent, const char *dash,
			const char *text, const char *remark)
{
	size_t begin = out->n;

	buf_printf(out, "%s%*s%s%s", live ? "" : "#", (int)indent, "", dash, text);
	if (*remark) {
		size_t width = out->n - begin;
		buf_printf(out, "%*s# ", width < REMARK_COLUMN ? (int)(REMARK_COLUMN - width) : 1,
			   "");
		for (const char *p = remark; *p; p++)
			if (*p != '`')
				buf_char(out, *p);
	}
	buf_c(out, "\n");
}

/* What YAML would not take as it stands. */
static bool needs_quotes(const struct conf_row *row)
{
	return row->type == CONF_TYPE_ADDRESS || row->type == CONF_TYPE_ADDRESS_OR_OFF ||
	       row->type == CONF_TYPE_TEXT;
}

static void sample_block(struct buf *out, const struct conf_section *s, bool live, unsigned indent);

static void sample_value(struct buf *out, const struct conf_row *row, bool live, unsigned indent,
			 const char *dash)
{
	char text[256];
	const char *quote = needs_quotes(row) ? "\"" : "";

	snprintf(text, sizeof(text), "%s: %s%s%s", row->key, quote, row->example, quote);
	sample_line(out, live, indent, dash, text, row->brief);
}

/* Servers fit one line; listeners and routes get a block, required settings first. */
static void sample_blocks(struct buf *out, const struct conf_row *row, unsigned indent)
{
	const struct conf_section *s = conf_section(row->of);
	const char *dash = "- ";
	char text[64];

	if (row->of == CONF_SECTION_server) {
		sample_line(out, true, indent, "", "servers: [ \"127.0.0.1:8081\" ]", row->brief);
		sample_line(
			out, false, indent, "",
			"servers: [ \"10.0.0.1:8081\", { address: \"10.0.0.2:8081\", weight: 2 } ]",
			"");
		return;
	}
	snprintf(text, sizeof(text), "%s:", row->key);
	sample_line(out, true, indent, "", text, row->brief);
	for (size_t i = 0; i < s->n_rows; i++) {
		bool first = s->rows[i].required || (row->of == CONF_SECTION_route &&
						     strcmp(s->rows[i].key, "upstream") == 0);
		if (!first)
			continue;
		sample_value(out, &s->rows[i], true, indent + 2, dash);
		dash = "  ";
	}
	sample_block(out, s, false, indent + 4);
}

static void sample_row(struct buf *out, const struct conf_row *row, bool live, unsigned indent)
{
	char text[64];

	snprintf(text, sizeof(text), "%s:", row->key);
	if (row->type == CONF_TYPE_BLOCKS) {
		sample_blocks(out, row, indent);
	} else if (row->type == CONF_TYPE_NAMED) {
		sample_line(out, true, indent, "", text, row->brief);
		sample_line(out, true, indent + 2, "", "app:", "");
		sample_block(out, conf_section(row->of), false, indent + 4);
	} else if (row->type == CONF_TYPE_BLOCK) {
		sample_line(out, live, indent, "", text, row->brief);
		sample_block(out, conf_section(row->of), live, indent + 2);
	} else {
		sample_value(out, row, live, indent, "");
	}
}

static void sample_block(struct buf *out, const struct conf_section *s, bool live, unsigned indent)
{
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct conf_row *row = &s->rows[i];
		bool shown = row->required && row->type != CONF_TYPE_BLOCKS;
		if (shown || row->type == CONF_TYPE_MAP_KEY ||
		    (s == conf_section(CONF_SECTION_route) && strcmp(row->key, "upstream") == 0))
			continue;
		sample_row(out, row, live, indent);
	}
}

static void print_sample(struct buf *out)
{
	const struct conf_section *root = conf_section(CONF_SECTION_root);

	buf_c(out,
	      "# yaml-language-server: $schema=/usr/share/tiercel/tiercel.schema.json\n"
	      "#\n"
	      "# Every setting of tiercel with its default or, where there is none, an example.\n"
	      "# What is not commented out is enough: a listener, an upstream, a route.\n"
	      "# Check with: tiercel -t -c FILE     Manual: tiercel.yaml(5)\n");
	for (size_t i = 0; i < root->n_rows; i++) {
		const struct conf_row *row = &root->rows[i];
		if (i == 0 || conf_row_is_block(row))
			buf_c(out, "\n");
		sample_row(out, row, strcmp(row->key, "version") == 0, 0);
	}
}

/* ---- checking ---- */

/* Loads <file> and says what is wrong with it: for tests of the sample. */
static int check_file(const char *file)
{
	struct conf_source *src = NULL;
	struct conf *c = NULL;
	struct conf_report report;
	struct buf out = BUF_INIT;

	conf_report_init(&report);
	int rc = conf_source_new(&src);
	if (!rc)
		rc = conf_load(src, file, &c, &report);
	conf_report_print(&report, &out);
	printf("%.*s", STR_ARG(buf_slice(&out)));
	buf_fini(&out);
	conf_unref(&c);
	conf_report_fini(&report);
	conf_source_free(&src);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct tour tour;
	struct buf out = BUF_INIT;
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 3 && strcmp(what, "check") == 0)
		return check_file(argv[2]);
	visit(&tour, CONF_SECTION_root, "");
	if (strcmp(what, "configuration.md") == 0)
		print_page(&out, &tour);
	else if (strcmp(what, "tiercel.yaml.5") == 0)
		print_man(&out, &tour);
	else if (strcmp(what, "tiercel.yaml") == 0)
		print_sample(&out);
	else if (strcmp(what, "tiercel.schema.json") == 0)
		conf_print_schema(&out);
	if (!out.n || out.error) {
		fputs("usage: genconf configuration.md|tiercel.yaml.5|tiercel.yaml|tiercel.schema.json\n"
		      "       genconf check FILE\n",
		      stderr);
		return EXIT_FAILURE;
	}
	fwrite(out.p, 1, out.n, stdout);
	buf_fini(&out);
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
