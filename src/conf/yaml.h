/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/: a YAML file as a tree of nodes with places. The only file that knows libyaml.
 * A subset of YAML, on purpose: one document, UTF-8, no anchors, aliases or tags; keys are plain
 * scalars and unique. Every scalar stays text: what it means is decided by the setting's type.
 */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include "base/arena.h"
#include "conf/report.h"

enum node_kind {
	NODE_NULL = 1, /* nothing written */
	NODE_SCALAR = 2,
	NODE_LIST = 3,
	NODE_MAP = 4,
};

/* One value; entries of a map have a key. Owned by the arena of the load. */
struct node {
	enum node_kind kind;
	bool from_env;		   /* SCALAR: a part came from the environment ... */
	bool failed;		   /* ... or could not: reported, so leave it alone */
	struct place at;	   /* where the value begins */
	struct place key_at;	   /* where its key begins */
	struct str key;		   /* in a map: its key, with a NUL behind it */
	struct str text;	   /* SCALAR: the text, with a NUL behind it */
	struct node *first, *last; /* LIST, MAP: children in order */
	struct node *next;	   /* the next child of the same parent */
	size_t n;		   /* LIST, MAP: how many */
};

enum { YAML_DEPTH_MAX = 24, YAML_NODES_MAX = 200000 };

/*
 * Parses <bytes>, which were read from <at>.file. Errors go to <report>. 0 with *out_root (a MAP;
 * an empty file gives an empty one); ERR_SYNTAX when there is no usable tree; ERR_NOMEM. Duplicate
 * keys are reported, and the first one stays.
 */
MUST_CHECK int yaml_parse(struct arena *a, struct place at, struct str bytes,
			  struct conf_report *report, struct node **out_root);

/* The entry with this key, or NULL. */
struct node *node_find(const struct node *map, struct str key);

/* Adds <child> (which is in no other tree) to the end of a LIST or MAP. */
void node_append(struct node *parent, struct node *child);

/* "a list", "a block" ... */
const char *node_kind_text(const struct node *n);

#endif
