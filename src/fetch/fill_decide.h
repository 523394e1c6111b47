/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an answer's head means for a fill: store, refresh, or pass; private to fetch/.
 */
#ifndef FETCH_FILL_DECIDE_H
#define FETCH_FILL_DECIDE_H

#include "fetch/fill.h"
#include "policy/revalidate.h"

/*
 * The verdict on <m>, answer to a request with <method>. With STORES the object is made and pinned
 * in f->object, with REFRESHED too; f->why says why not.
 */
enum fill_verdict fill_decide(struct fill *f, struct http_msg *m, enum http_method method);

/*
 * The head as it is stored, made of <m>: status line, fields but for those that are dropped, the length,
 * Age and purge tags, Date if there was none, Via with <via>; empty line. Into the arena. {NULL, 0}:
 * out of memory. Notes where the ETag lies in <meta>.
 */
struct str fill_stored_head(struct fill *f, struct http_msg *m, bool via, struct stored_meta *meta);

#endif
