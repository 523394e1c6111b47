/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which server takes the next exchange: filters those that can, asks the group's balancer.
 */
#ifndef UPSTREAM_PICK_H
#define UPSTREAM_PICK_H

#include "policy/problem.h"
#include "upstream/group.h"

enum { PICK_SERVERS_MAX = 256 }; /* of a group that are looked at */

/*
 * A server with a known address, not <avoid> if there is another one. NULL: none now;
 * *out_error is then why (dns_error, dns_timeout), or PROXY_ERROR_NONE if names are still being
 * looked up and waiting makes sense.
 */
struct origin_server *pick_server(struct group *g, const struct origin_server *avoid,
				  enum proxy_error *out_error);

#endif
