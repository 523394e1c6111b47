/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside conf/ and for gentables: tbl/conf.h as data. Sections hold rows; a row of type BLOCK,
 * BLOCKS or NAMED names another section, which makes a tree with CONF_SECTION_root on top.
 */
#ifndef CONF_ROWS_H
#define CONF_ROWS_H

#include "base/str.h"

enum conf_type {
	CONF_TYPE_NONE_ = 0,
#define CONF_TYPE(id, kind, how) CONF_TYPE_##id,
#include "tbl/conf_types.h"
#undef CONF_TYPE
};

enum conf_section_id {
	CONF_SECTION_NONE = 0,
#define SECTION(id, title, brief) CONF_SECTION_##id,
#define SETTING(section, key, type, of, presence, range, reload, since, brief, text)
#define SECTION_END(id)
#include "tbl/conf.h"
#undef SECTION
#undef SETTING
#undef SECTION_END
	CONF_SECTION_COUNT
};

enum conf_words_id {
	CONF_WORDS_NONE = 0,
#define CHOICES(id) CONF_WORDS_##id,
#define CHOICE(id, word, when, text)
#define CHOICES_END(id)
#include "tbl/conf_choices.h"
#undef CHOICES
#undef CHOICE
#undef CHOICES_END
	CONF_WORDS_COUNT
};

/* One setting. */
struct conf_row {
	const char *key;
	enum conf_type type;
	unsigned of;		  /* enum conf_section_id or conf_words_id, by type */
	bool required;		  /* must be written */
	const char *def;	  /* default as one would write it, or NULL */
	const char *example;	  /* a value as one would write it; "" for blocks */
	const char *least, *most; /* range as one would write it, or NULL */
	const char *reload;	  /* "LIVE", "WORKERS" or "RESTART" */
	const char *since;	  /* first version */
	const char *brief, *text; /* one-liner; explanation, "" if none is needed */
	size_t offset;		  /* of its member in the section's struct */
};

/* One section. */
struct conf_section {
	const char *id, *title, *brief;
	const struct conf_row *rows;
	size_t n_rows;
	size_t size; /* of its struct */
};

/* One word of an enum; its value is its position, from 1. */
struct conf_word {
	const char *word, *text;
	bool later; /* not in this version */
};

struct conf_words {
	const char *id;
	const struct conf_word *words;
	size_t n_words;
};

const struct conf_section *conf_section(unsigned id);
const struct conf_words *conf_words(unsigned id);

/* The row called <key>, or NULL. */
const struct conf_row *conf_row_find(const struct conf_section *s, struct str key);

/* What a key that this version lacks is for ("rate limits"), or NULL; <i> counts them from 0. */
const char *conf_later_find(const struct conf_section *s, struct str key);
const char *conf_later_key(const struct conf_section *s, size_t i);

/* "time", and "a number with a unit, such as ..." */
const char *conf_type_kind(enum conf_type t);
const char *conf_type_how(enum conf_type t);

static inline bool conf_row_is_block(const struct conf_row *row)
{
	return row->type == CONF_TYPE_BLOCK || row->type == CONF_TYPE_BLOCKS ||
	       row->type == CONF_TYPE_NAMED;
}

#endif
