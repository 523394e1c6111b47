/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may use a route, by client address: the deny list is asked first; then, if there is an allow
 * list, the address must be on it. Pure; read-only after it was made.
 */
#ifndef POLICY_ACL_H
#define POLICY_ACL_H

#include "policy/ip.h"

enum acl_verdict {
	ACL_ALLOWED = 1,
	ACL_DENIED = 2,	    /* on the deny list */
	ACL_NOT_LISTED = 3, /* there is an allow list, and it is not on it */
};

struct acl {
	struct cidr_set *allow; /* NULL: everybody */
	struct cidr_set *deny;	/* NULL: nobody */
};

/* Compiles both lists (either may be NULL, 0); ERR_RANGE, ERR_NOMEM. */
MUST_CHECK int acl_init(struct acl *a, const struct cidr *allow, size_t n_allow,
			const struct cidr *deny, size_t n_deny);
void acl_fini(struct acl *a);

/*
 * A client without an address (unix socket) is not on any list: with an allow list it is refused,
 * without one it is let in.
 */
enum acl_verdict acl_check(const struct acl *a, const struct ip_addr *client);

/* True when the verdict never depends on the address: the caller may skip the question. */
static inline bool acl_open(const struct acl *a)
{
	return !a->allow && !a->deny;
}

#endif
