/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request that nobody sent: what `explain` and `purge url` ask about. Taken apart by the same
 * parsers as the workers' requests.
 */
#ifndef ADMIN_QUESTION_H
#define ADMIN_QUESTION_H

#include "admin/proto.h"
#include "http/target.h"

struct ask;

enum { QUESTION_FIELDS = 64 };

struct question {
	struct str method;
	enum http_method known_method;
	struct http_target target;
	struct str host, port; /* of the target's authority, else of Host; empty: none given */
	struct str host_field; /* as the upstream would see it */
	struct str path;       /* in normal form */
	struct http_msg msg;   /* the request with all fields */

	struct http_field fields[QUESTION_FIELDS];
	char normal[PROTO_LINE];
	struct buf head;
};

/* METHOD URL [-H NAME:VALUE]... from the command's words, which must stay. False: the ask ended. */
bool question_take(struct ask *ask, struct question *q);

/* A bare URL: a GET without fields. NULL, or what is wrong with it. */
const char *question_url(struct str url, struct question *q);

void question_fini(struct question *q);

#endif
