/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/acl.h"

static int make_list(const struct cidr *list, size_t n, struct cidr_set **out_set)
{
	*out_set = NULL;
	return n ? cidr_set_new(list, n, out_set) : 0;
}

int acl_init(struct acl *a, const struct cidr *allow, size_t n_allow, const struct cidr *deny,
	     size_t n_deny)
{
	struct acl made;
	int rc = make_list(allow, n_allow, &made.allow);

	if (rc)
		return rc;
	rc = make_list(deny, n_deny, &made.deny);
	if (rc) {
		cidr_set_free(&made.allow);
		return rc;
	}
	*a = made;
	return 0;
}

void acl_fini(struct acl *a)
{
	cidr_set_free(&a->allow);
	cidr_set_free(&a->deny);
}

enum acl_verdict acl_check(const struct acl *a, const struct ip_addr *client)
{
	if (cidr_set_has(a->deny, client))
		return ACL_DENIED;
	if (a->allow && !cidr_set_has(a->allow, client))
		return ACL_NOT_LISTED;
	return ACL_ALLOWED;
}
