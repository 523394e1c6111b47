/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An access log format, compiled: a list of operations, each of which appends one field of a
 * struct access_rec (and the constant text before it) to a line. No memory is allocated per line.
 */
#ifndef OBS_ACCESS_FORMAT_H
#define OBS_ACCESS_FORMAT_H

#include "obs/access.h"
#include "obs/stamp.h"

struct access_op; /* private to access_format.c */

struct access_plan {
	enum access_format format;
	struct access_op *ops; /* malloc'ed */
	size_t n_ops;
	struct stamp stamp; /* time stamps made last */
};

/* Compiles; errors as access_new. */
MUST_CHECK int access_plan_init(struct access_plan *plan, enum access_format format,
				const char *const *fields, size_t n_fields, size_t *out_bad);
void access_plan_fini(struct access_plan *plan);

/* Writes one line with its newline to <out>, which has ACCESS_LINE_MAX bytes; returns its length.
 * Texts that do not fit are cut and end in "...". */
size_t access_plan_line(struct access_plan *plan, const struct access_rec *rec, char *out);

#endif
