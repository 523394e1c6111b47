/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configurations. "B" and a bundle; "E", a count and entries of a bundle; or any other byte and files, separated by bytes 01: the main
 * file, conf.d/a.yaml, conf.d/b.yaml and a body file. What loads must print to something that loads
 * to the same, and survive a bundle.
 * fuzz-sources: src/conf src/base
 * fuzz-libs: -lyaml -D_GNU_SOURCE
 * fuzz-dict: tests/fuzz/conf.dict
 */
#include <unistd.h>

#include "base/err.h"
#include "conf/bundle.h"
#include "conf/diff.h"
#include "conf/print.h"
#include "conf/source.h"
#include "fuzz.h"

static struct conf *load(struct conf_source *src, const char *file)
{
	struct conf_report report;
	struct conf *c = NULL;
	struct buf text = BUF_INIT;

	conf_report_init(&report);
	int rc = conf_load(src, file, &c, &report);
	MUST((rc == 0) == (c != NULL));
	MUST(rc == 0 || rc == ERR_SYNTAX || rc == ERR_LIMIT || rc == ERR_CORRUPT);
	MUST(rc != ERR_SYNTAX || report.n_errors > 0);
	MUST(rc != 0 || report.n_errors == 0);
	conf_report_print(&report, &text);
	buf_fini(&text);
	conf_report_fini(&report);
	return c;
}

static void must_be_same(const struct conf *a, const struct conf *b)
{
	struct conf_changes changes;
	struct buf text = BUF_INIT;

	MUST(b);
	conf_diff(a, b, &text, &changes);
	if (changes.most != CONF_RELOAD_NONE)
		fprintf(stderr, "%.*s", STR_ARG(buf_slice(&text)));
	MUST(changes.most == CONF_RELOAD_NONE && text.n == 0);
	buf_fini(&text);
}

/* Secrets are not printed, so such a file cannot come back the same. */
static void check_print(struct conf_source *src, const struct conf *c)
{
	struct buf text = BUF_INIT;

	conf_print(c, &text);
	MUST(!text.error);
	if (!memmem(text.p, text.n, "(hidden)", 8)) {
		MUST(source_add(src, SOURCE_FILE, 0, STR("printed.yaml"), buf_slice(&text)) == 0);
		struct conf *again = load(src, "printed.yaml");
		if (!again)
			fprintf(stderr, "%.*s", STR_ARG(buf_slice(&text)));
		must_be_same(c, again);
		conf_unref(&again);
	}
	buf_fini(&text);
}

static void check_bundle(const struct conf_source *src, const struct conf *c)
{
	struct conf_source *copy = NULL;
	int fd = -1;

	MUST(conf_bundle_memfd(src, &fd) == 0);
	MUST(conf_bundle_source(fd, &copy) == 0);
	close(fd);
	struct conf *again = load(copy, NULL);
	must_be_same(c, again);
	conf_unref(&again);
	conf_source_free(&copy);
}

static void try_bundle(struct str bytes)
{
	struct conf_source *src = NULL;
	int rc = conf_bundle_decode(bytes, &src);

	MUST((rc == 0) == (src != NULL));
	if (!src)
		return;
	struct conf *c = load(src, NULL);
	conf_unref(&c);
	conf_source_free(&src);
}

static void add(struct conf_source *src, enum source_kind kind, const char *key, struct str value)
{
	MUST(source_add(src, kind, 0, str_c(key), value) == 0);
}

static void try_files(struct str input)
{
	static const char *const names[] = {"main.yaml", "conf.d/a.yaml", "conf.d/b.yaml",
					    "body.txt"};
	struct conf_source *src = NULL;
	struct str piece;

	MUST(source_new(false, &src) == 0);
	add(src, SOURCE_GLOB, "conf.d/*.yaml", STR("conf.d/a.yaml\0conf.d/b.yaml\0"));
	add(src, SOURCE_ENV, "A", STR("app"));
	add(src, SOURCE_ENV, "EMPTY", STR(""));
	add(src, SOURCE_ENV, "ODD", STR("\001"));
	for (size_t i = 0; i < COUNTOF(names) && str_next(&input, 1, &piece); i++)
		add(src, SOURCE_FILE, names[i], piece);
	struct conf *c = load(src, "main.yaml");
	if (c) {
		check_print(src, c);
		check_bundle(src, c);
	}
	conf_unref(&c);
	conf_source_free(&src);
}

/* Entries behind a header that is right, so that the checksum is no wall. */
static void try_entries(struct str entries)
{
	struct buf bundle = BUF_INIT;
	const unsigned count = entries.n ? (uint8_t)entries.p[0] : 0;
	const struct str rest = entries.n ? str_of(entries.p + 1, entries.n - 1) : STR_NONE;
	const uint64_t numbers[] = {1 | (uint64_t)count << 32, 32 + rest.n,
				    seed_of((const uint8_t *)rest.p, rest.n)};

	buf_c(&bundle, "TIERCONF");
	buf_add(&bundle, numbers, sizeof(numbers)); /* on a little-endian machine */
	buf_str(&bundle, rest);
	try_bundle(buf_slice(&bundle));
	buf_fini(&bundle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	char *copy = exact_copy(data + 1, n - 1);

	if (data[0] == 'B')
		try_bundle(str_of(copy, n - 1));
	else if (data[0] == 'E')
		try_entries(str_of(copy, n - 1));
	else
		try_files(str_of(copy, n - 1));
	free(copy);
	return 0;
}
