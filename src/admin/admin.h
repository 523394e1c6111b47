/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the admin process share. Private to this folder; one process, one thread.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "admin/cache.h"
#include "admin/link.h"
#include "admin/process.h"
#include "net/loop.h"

struct console;
struct recent;
struct series;
struct slots;
struct web;
struct window;

enum { ADMIN_MAGIC = 0x61646d31 };

struct admin {
	uint32_t magic;
	const struct admin_boot *boot; /* what the master gave us */
	struct loop *loop;
	struct conf *conf;   /* in force, as far as the master told us; owned */
	uint32_t generation; /* of it */
	bool draining;	     /* as the master told us */

	struct link link;	  /* to the master */
	struct slots *slots;	  /* in the segment */
	struct cache_view cache;  /* the same; NULLs: no cache */
	struct window *window;	  /* sliding windows of the whole node */
	struct series *series;	  /* one point per second */
	struct recent *recent;	  /* the last moments of each route and upstream */
	struct loop_timer second; /* samples them */

	struct console *console; /* the unix socket; NULL = off */
	struct web *web;	 /* HTTP; NULL = off */

	struct loop_timer
		stopping; /* set: no new questions; ends when the open ones are answered */
	int64_t stop_by;  /* mono ns: or at this time */
};

/* Answers what was asked, for a moment; then ends the loop. */
void admin_stop(struct admin *admin);

#endif
