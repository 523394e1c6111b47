/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside conf/: what the rules between settings (check.c, check_cache.c) share. */
#ifndef CONF_CHECKER_H
#define CONF_CHECKER_H

#include "conf/box.h"

/* What every check needs. */
struct checker {
	const struct conf_box *box;
	const struct conf *c;
	struct conf_report *report;
};

/* The place of <base>'s member <key>; when that was not written, of the element <base>. */
#define AT(k, section, base, key) place_of(k, CONF_SECTION_##section, #key, &(base)->key, NULL)
#define AT_OR(k, section, base, key, element)                                                      \
	place_of(k, CONF_SECTION_##section, #key, &(base)->key, element)
#define IS_GIVEN(k, section, base, key) origin_of(k, CONF_SECTION_##section, #key, &(base)->key)
#define IS_BAD(k, section, base, key) is_bad(k, CONF_SECTION_##section, #key, &(base)->key)

const struct origin *origin_of(const struct checker *k, enum conf_section_id section,
			       const char *key, const void *member);
struct place place_of(const struct checker *k, enum conf_section_id section, const char *key,
		      const void *member, const void *element);

/* Was it written, reported as wrong, and is it best left alone? */
bool is_bad(const struct checker *k, enum conf_section_id section, const char *key,
	    const void *member);

/* The same of an element of a list. */
struct place item_place(const struct checker *k, const void *element);
bool item_is_bad(const struct checker *k, const void *element);

/* False for an item that was no block at all: its struct is empty, which was reported. */
bool was_read(const struct checker *k, const void *element);

/* The cache as a whole, and on one route. */
void check_cache(const struct checker *k);
void check_route_cache(const struct checker *k, const struct conf_route *r);

#endif
