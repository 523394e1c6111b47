/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/checker.h"

#include "base/check.h"

const struct origin *origin_of(const struct checker *k, enum conf_section_id section,
			       const char *key, const void *member)
{
	const struct conf_row *row = conf_row_find(conf_section(section), str_c(key));

	ASSERT(row);
	return box_origin(k->box, member, row);
}

struct place place_of(const struct checker *k, enum conf_section_id section, const char *key,
		      const void *member, const void *element)
{
	const struct origin *o = origin_of(k, section, key, member);

	if (o)
		return o->at;
	return element ? item_place(k, element) : k->box->root_at;
}

bool is_bad(const struct checker *k, enum conf_section_id section, const char *key,
	    const void *member)
{
	const struct origin *o = origin_of(k, section, key, member);

	return o && o->bad;
}

struct place item_place(const struct checker *k, const void *element)
{
	const struct origin *o = box_origin(k->box, element, NULL);

	return o ? o->at : k->box->root_at;
}

/* Something in it was reported already; what seems missing may be what was misspelled. */
bool item_is_bad(const struct checker *k, const void *element)
{
	const struct origin *o = box_origin(k->box, element, NULL);

	return o && o->bad;
}

bool was_read(const struct checker *k, const void *element)
{
	const struct origin *o = box_origin(k->box, element, NULL);

	return !o || !o->no_block;
}
