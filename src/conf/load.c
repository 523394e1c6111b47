/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/err.h"
#include "conf/box.h"
#include "conf/check.h"
#include "conf/derive.h"
#include "conf/include.h"
#include "conf/schema.h"

enum { ARENA_MAX = 512 << 20 };

static struct conf_box *box_new(void)
{
	struct conf_box *box = calloc(1, sizeof(*box));

	if (!box)
		return NULL;
	box->magic = CONF_BOX_MAGIC;
	box->refs = 1;
	arena_init(&box->arena, NULL, 0, ARENA_MAX);
	return box;
}

static int load(struct reader *rd, const char *file)
{
	struct node *root = NULL;
	int rc = include_tree(rd, file, &root);

	if (rc)
		return rc;
	rd->box->root_at = (struct place){.file = root->at.file, .line = 1, .column = 1};
	schema_read(rd, conf_section(CONF_SECTION_root), root, rd->box->root_at, &rd->box->conf);
	if (rd->rc)
		return rd->rc;
	box_sort(rd->box);
	derive(rd);
	if (rd->rc)
		return rd->rc;
	check_all(rd->box, rd->report);
	return 0;
}

/* The main file's name is part of what a bundle carries. */
static int remember_main(struct conf_source *src, const char *file)
{
	if (source_main(src))
		return 0;
	return source_add(src, SOURCE_MAIN, 0, str_c(file), STR_NONE);
}

int conf_load(struct conf_source *src, const char *file, struct conf **out_conf,
	      struct conf_report *report)
{
	struct conf_box *box;
	int rc;

	if (!file)
		file = source_main(src);
	if (!file)
		return ERR_CORRUPT;
	rc = remember_main(src, file);
	if (rc)
		return rc;
	box = box_new();
	if (!box)
		return ERR_NOMEM;
	struct reader rd = {.box = box, .src = src, .report = report};
	rc = load(&rd, file);
	report_sort(report);
	if (!rc && report->n_errors)
		rc = ERR_SYNTAX;
	struct conf *conf = &box->conf;
	if (rc)
		conf_unref(&conf);
	else
		*out_conf = conf;
	return rc;
}
