/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/yaml.h"

#include <yaml.h>

#include "base/check.h"
#include "base/err.h"
#include "conf/utf8.h"

/* One parse: the stack of open lists and maps, and the key that waits for its value. */
struct parse {
	yaml_parser_t parser;
	struct arena *arena;
	struct conf_report *report;
	struct place file;
	struct str bytes;
	struct node *open[YAML_DEPTH_MAX]; /* outermost first */
	unsigned depth;			   /* of <open> */
	struct node *root;
	bool has_key;	/* the innermost map has read a key ... */
	bool repeated;	/* ... which it already had */
	struct str key; /* ... this one */
	struct place key_at;
	size_t n_nodes;
	bool ended; /* the stream's end was seen */
};

static struct place place_of(const struct parse *p, yaml_mark_t mark)
{
	struct place at = p->file;

	at.line = (unsigned)mark.line + 1;
	at.column = (unsigned)mark.column + 1;
	return at;
}

const char *node_kind_text(const struct node *n)
{
	static const char *const texts[] = {
		[NODE_NULL] = "nothing",
		[NODE_SCALAR] = "a single value",
		[NODE_LIST] = "a list",
		[NODE_MAP] = "a block",
	};

	return texts[n->kind];
}

struct node *node_find(const struct node *map, struct str key)
{
	for (struct node *n = map->first; n; n = n->next)
		if (str_eq(n->key, key))
			return n;
	return NULL;
}

void node_append(struct node *parent, struct node *child)
{
	ASSERT(parent->kind == NODE_LIST || parent->kind == NODE_MAP);
	child->next = NULL;
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->n++;
}

/* Reports what stops the parse and returns the code for it. */
static int stop(struct parse *p, struct place at, const char *what)
{
	report_error(p->report, at, "%s", what);
	return ERR_SYNTAX;
}

/* libyaml's reader gives an offset only. */
static struct place place_at_offset(const struct parse *p, size_t offset)
{
	struct place at = p->file;

	at.line = at.column = 1;
	for (size_t i = 0; i < offset && i < p->bytes.n; i++) {
		if (p->bytes.p[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if ((p->bytes.p[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

/* libyaml's own complaints, with a hint where its words are no help. */
static int libyaml_failed(struct parse *p)
{
	const yaml_parser_t *y = &p->parser;
	size_t i = y->problem_mark.index;

	if (y->error == YAML_MEMORY_ERROR)
		return ERR_NOMEM;
	if (y->error == YAML_READER_ERROR)
		return stop(p, place_at_offset(p, y->problem_offset),
			    "this character is not allowed in YAML");
	struct place at = place_of(p, y->problem_mark);
	if (y->error == YAML_SCANNER_ERROR && i < p->bytes.n && p->bytes.p[i] == '\t')
		return stop(p, at, "a tab cannot indent YAML; use spaces");
	report_error(p->report, at, "not valid YAML: %s%s%s",
		     y->problem ? y->problem : "unreadable", y->context ? ", " : "",
		     y->context ? y->context : "");
	return ERR_SYNTAX;
}

/* A map's entries are searched once per key, so a huge flat map must not cost the square. */
enum { KEYS_PER_MAP_MAX = 4096 };

static int take_key(struct parse *p, const yaml_event_t *e)
{
	struct node *map = p->open[p->depth - 1];
	struct place at = place_of(p, e->start_mark);
	char first[512];

	if (e->type != YAML_SCALAR_EVENT)
		return stop(p, at, "a key must be a single word");
	if (map->n >= KEYS_PER_MAP_MAX)
		return stop(p, at, "too many keys in one block; 4096 are allowed");
	p->key = arena_str(p->arena, str_of((char *)e->data.scalar.value, e->data.scalar.length));
	if (!p->key.p)
		return ERR_NOMEM;
	const struct node *same = node_find(map, p->key);
	p->repeated = same != NULL;
	if (same)
		report_error(p->report, at, "\"%.*s\" is given twice; the first is at %s",
			     (int)MIN(p->key.n, (size_t)100), p->key.p,
			     place_text(same->key_at, first, sizeof(first)));
	p->key_at = at;
	p->has_key = true;
	return 0;
}

/* Puts a value where it belongs: into the innermost open list or map, or as the root. */
static void attach(struct parse *p, struct node *n)
{
	struct node *parent = p->depth ? p->open[p->depth - 1] : NULL;

	if (!parent) {
		p->root = n;
		return;
	}
	if (parent->kind == NODE_MAP) {
		n->key = p->key;
		n->key_at = p->key_at;
		p->has_key = false;
		if (p->repeated)
			return;
	}
	node_append(parent, n);
}

static int new_node(struct parse *p, const yaml_event_t *e, enum node_kind kind, struct node **out)
{
	struct place at = place_of(p, e->start_mark);

	if (++p->n_nodes > YAML_NODES_MAX)
		return stop(p, at, "too many values in one file; 200000 are allowed");
	struct node *n = arena_zalloc(p->arena, sizeof(*n));
	if (!n)
		return ERR_NOMEM;
	n->kind = kind;
	n->at = n->key_at = at;
	*out = n;
	return 0;
}

/* What plain YAML calls null: nothing at all, ~ or null. */
static bool is_null(const yaml_event_t *e)
{
	struct str s = str_of((char *)e->data.scalar.value, e->data.scalar.length);

	return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (s.n == 0 || str_eq(s, STR("~")) || str_eq(s, STR("null")));
}

static int on_scalar(struct parse *p, const yaml_event_t *e)
{
	struct node *n = NULL;
	int rc = new_node(p, e, is_null(e) ? NODE_NULL : NODE_SCALAR, &n);

	if (rc)
		return rc;
	n->text = arena_str(p->arena, str_of((char *)e->data.scalar.value, e->data.scalar.length));
	if (!n->text.p)
		return ERR_NOMEM;
	attach(p, n);
	return 0;
}

static int on_open(struct parse *p, const yaml_event_t *e, enum node_kind kind)
{
	struct node *n = NULL;

	if (p->depth == YAML_DEPTH_MAX)
		return stop(p, place_of(p, e->start_mark),
			    "nested too deeply; 24 levels are allowed");
	int rc = new_node(p, e, kind, &n);
	if (rc)
		return rc;
	attach(p, n);
	p->open[p->depth++] = n;
	return 0;
}

/* Anchors, aliases and tags would give a value a meaning that its line does not show. */
static const char *refused_feature(const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (e->type == YAML_ALIAS_EVENT)
		return "aliases (*name) are not supported; write the value out";
	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	if (anchor)
		return "anchors (&name) are not supported; write the value out";
	return tag ? "tags (!name) are not supported; leave it out" : NULL;
}

static int on_value(struct parse *p, const yaml_event_t *e)
{
	const char *refused = refused_feature(e);

	if (e->type == YAML_SCALAR_EVENT && memchr(e->data.scalar.value, 0, e->data.scalar.length))
		refused = "a NUL byte (\\0) is not allowed in a text";
	if (refused)
		return stop(p, place_of(p, e->start_mark), refused);
	if (p->depth && p->open[p->depth - 1]->kind == NODE_MAP && !p->has_key)
		return take_key(p, e);
	if (e->type == YAML_SCALAR_EVENT)
		return on_scalar(p, e);
	return on_open(p, e, e->type == YAML_MAPPING_START_EVENT ? NODE_MAP : NODE_LIST);
}

static int on_event(struct parse *p, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_ALIAS_EVENT:
	case YAML_SCALAR_EVENT:
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_value(p, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		ASSERT(p->depth > 0);
		p->depth--;
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		if (p->root)
			return stop(p, place_of(p, e->start_mark),
				    "a second document begins here; one per file is allowed");
		return 0;
	case YAML_STREAM_END_EVENT:
		p->ended = true;
		return 0;
	default:
		return 0;
	}
}

static int run(struct parse *p)
{
	yaml_event_t e;

	yaml_parser_set_encoding(&p->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p->parser, (const unsigned char *)p->bytes.p, p->bytes.n);
	while (!p->ended) {
		if (!yaml_parser_parse(&p->parser, &e))
			return libyaml_failed(p);
		int rc = on_event(p, &e);
		yaml_event_delete(&e);
		if (rc)
			return rc;
	}
	return 0;
}

/* An empty file is an empty block; anything but a block is refused. */
static int finish(struct parse *p, struct node **out_root)
{
	if (!p->root || p->root->kind == NODE_NULL) {
		struct node *empty = arena_zalloc(p->arena, sizeof(*empty));
		if (!empty)
			return ERR_NOMEM;
		empty->kind = NODE_MAP;
		empty->at = empty->key_at = p->file;
		p->root = empty;
	}
	if (p->root->kind != NODE_MAP)
		return stop(p, p->root->at, "the file must be a block of settings (key: value)");
	*out_root = p->root;
	return 0;
}

/* What libyaml would refuse without saying where. */
static int check_bytes(struct conf_report *report, struct place at, struct str bytes)
{
	struct utf8_fault fault;

	if (utf8_check(bytes, true, &fault))
		return 0;
	at.line = fault.line;
	at.column = fault.column;
	if (fault.control)
		report_error(report, at, "control character 0x%02x; only text is allowed",
			     fault.byte);
	else
		report_error(report, at, "byte 0x%02x is not UTF-8; save the file as UTF-8",
			     fault.byte);
	return ERR_SYNTAX;
}

int yaml_parse(struct arena *a, struct place at, struct str bytes, struct conf_report *report,
	       struct node **out_root)
{
	struct parse p = {.arena = a, .report = report, .file = at, .bytes = bytes};
	int rc = check_bytes(report, at, bytes);

	if (rc)
		return rc;
	/* libyaml only drops a byte order mark when it is left to guess the encoding. */
	if (str_starts(bytes, STR("\xef\xbb\xbf")))
		p.bytes = str_of(bytes.p + 3, bytes.n - 3);
	if (!yaml_parser_initialize(&p.parser))
		return ERR_NOMEM;
	rc = run(&p);
	yaml_parser_delete(&p.parser);
	return rc ? rc : finish(&p, out_root);
}
