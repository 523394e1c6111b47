/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration together with everything the master opens for it: listening sockets, the admin
 * process's sockets, log files. All or nothing, at start and at each reload: a candidate that
 * failed leaves no trace. Master only.
 */
#ifndef PROC_CANDIDATE_H
#define PROC_CANDIDATE_H

#include "conf/load.h"
#include "proc/jail.h"
#include "proc/listen.h"
#include "proc/logs.h"

struct candidate {
	struct conf *conf;	     /* one reference */
	struct conf_source *source;  /* what it was loaded from, for the bundle */
	struct listen_set listeners; /* entries by listener name */
	struct listen_set office;    /* entries "admin.socket", "admin.listen" */
	struct logs logs;
	unsigned workers; /* how many there shall be */
};

/* Workers that <conf> asks for: its number, or one per available CPU. */
unsigned candidate_workers(const struct conf *conf);

/* What can be checked beyond the file's own rules: routes, rewrites, header operations. Faults go to
 * <told>, one line each; ERR_SYNTAX. */
MUST_CHECK int candidate_check(const struct conf *conf, struct buf *told);

/*
 * Loads and checks <file>. Errors and warnings, one line each, go to <told>. ERR_SYNTAX when the
 * file is wrong.
 */
MUST_CHECK int candidate_load(struct candidate *c, const char *file, struct buf *told);

/* The same from a bundle (conf/bundle.h), which stays the caller's. */
MUST_CHECK int candidate_load_bundle(struct candidate *c, int fd, struct buf *told);

/*
 * Opens what it needs, sharing what <old> (NULL at start) has open already. On failure <told> ends
 * with the reason; warnings are appended there too.
 */
MUST_CHECK int candidate_open(struct candidate *c, const struct candidate *old,
			      const struct jail *jail, struct buf *told);

/* Closes and frees what no other candidate shares; harmless on an empty one. */
void candidate_discard(struct candidate *c);

#endif
