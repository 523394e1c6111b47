/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/: where a configuration is read from. A source answers three questions: what is in
 * this file, which files fit this pattern, what is this environment variable. Each answer is kept,
 * so that asking twice gives the same one and a bundle can carry all of them. A live source gets
 * new answers from the system; a dead one (a bundle, a test) knows only what it was given.
 */
#ifndef CONF_SOURCE_H
#define CONF_SOURCE_H

#include "conf/load.h"

enum {
	SOURCE_ENTRIES_MAX = 65536,	    /* answers kept */
	SOURCE_YAML_MAX = 4 << 20,	    /* bytes of one YAML file */
	SOURCE_BODY_MAX = 1 << 20,	    /* bytes of one body file */
	SOURCE_KEY_MAX = 4096,		    /* bytes of a path, a pattern, a name */
	SOURCE_TOTAL_MAX = 256 * (1 << 20), /* bytes of everything */
};

/* The kinds of answers; the numbers are part of the bundle's format. */
enum source_kind {
	SOURCE_MAIN = 1, /* key: name of the main file */
	SOURCE_FILE = 2, /* key: path; value: contents */
	SOURCE_GLOB = 3, /* key: pattern; value: paths, each with a NUL behind it, sorted */
	SOURCE_ENV = 4,	 /* key: name; value: its value */
};

/* One answer. */
struct source_entry {
	enum source_kind kind;
	int status;	  /* 0, or the errno that was the answer */
	struct str key;	  /* with a NUL behind it */
	struct str value; /* with a NUL behind it */
};

struct conf_source {
	uint32_t magic;
	bool live; /* may ask the system */
	struct source_entry *entries;
	size_t n, size; /* entries in use, allocated */
	size_t total;	/* bytes of keys and values */
};

/* A source that knows nothing yet. ERR_NOMEM. */
MUST_CHECK int source_new(bool live, struct conf_source **out_src);

/* Adds an answer (copied). ERR_NOMEM, ERR_LIMIT. */
MUST_CHECK int source_add(struct conf_source *src, enum source_kind kind, int status,
			  struct str key, struct str value);

/*
 * The answer to a question. 0 with *out_value, which lives as long as the source; or ERR_MISSING
 * with *out_errno; or ERR_NOMEM, ERR_LIMIT. A file larger than <max> is EFBIG, anything but a
 * plain file is EINVAL.
 */
MUST_CHECK int source_file(struct conf_source *src, struct str path, size_t max, int *out_errno,
			   struct str *out_value);
MUST_CHECK int source_glob(struct conf_source *src, struct str pattern, int *out_errno,
			   struct str *out_value);
MUST_CHECK int source_env(struct conf_source *src, struct str name, struct str *out_value);

/* The main file: remembered from the first load, or NULL. */
const char *source_main(const struct conf_source *src);

#endif
