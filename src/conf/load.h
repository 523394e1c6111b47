/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From YAML to one immutable configuration. The master loads from the file system; what it read
 * (files, includes, environment values, bodies) is recorded by the source, goes to the workers as
 * a bundle (conf/bundle.h), and is loaded there again with the same result and without touching a
 * file. Nothing here logs: what is wrong goes to the report. Single-threaded.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "base/arena.h"
#include "base/buf.h"
#include "conf/types.h"

struct conf_source;

enum conf_severity {
	CONF_ERROR = 1,
	CONF_WARNING = 2,
};

/* One thing to tell the operator. */
struct conf_message {
	const char *file;	     /* as opened */
	unsigned file_no;	     /* files in the order in which they were read */
	unsigned line, column;	     /* from 1; 0 = about the file as a whole */
	enum conf_severity severity; /* a warning does not keep the file from being used */
	const char *text;	     /* what is wrong, what is allowed; no newline */
};

/* Everything there is to tell, in the order of files and positions. Owns its strings. */
struct conf_report {
	struct conf_message *messages;
	size_t n;	 /* messages kept, a hundred errors at most */
	size_t n_errors; /* errors found, kept or not */
	size_t size;	 /* room in <messages>; private */
	struct arena arena;
};

void conf_report_init(struct conf_report *r);
void conf_report_fini(struct conf_report *r);

/* Appends one line per message: "file:line:column: text", "... warning: text". */
void conf_report_print(const struct conf_report *r, struct buf *out);

/*
 * Loads <file> (NULL: the one that a bundle was made from) through <src>. All errors go to <report>
 * in one go. 0 with *out_conf (one reference, the caller's) if there was none; else ERR_SYNTAX when
 * the report says why, or ERR_NOMEM. Warnings are possible either way.
 */
MUST_CHECK int conf_load(struct conf_source *src, const char *file, struct conf **out_conf,
			 struct conf_report *report);

/* References are counted without locks: one thread. The last unref frees; both accept NULL. */
struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf **c);

/*
 * A source that reads the file system and the environment, once per thing, and records it.
 * ERR_NOMEM.
 */
MUST_CHECK int conf_source_new(struct conf_source **out_src);

void conf_source_free(struct conf_source **src);

/* Where the value at <member> (a pointer into <c>) was written, as "file:line"; NULL = default. */
const char *conf_origin(const struct conf *c, const void *member, unsigned *out_line);

/* The settings of <list> by name, or NULL. */
struct conf_upstream *conf_find_upstream(const struct conf *c, const char *name);
struct conf_listener *conf_find_listener(const struct conf *c, const char *name);
struct conf_route *conf_find_route(const struct conf *c, const char *name);

#endif
