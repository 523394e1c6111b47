/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which route takes a request. A route matches when its host, its path and its method all match;
 * among those that match, the winner is the one with
 *
 *   1. the most specific host: an exact name, then the longest wildcard ("*.shop.example" before
 *      "*.example"), then routes without a host. "*.example" matches "a.example" and
 *      "a.b.example", not "example". Case and one trailing dot do not matter.
 *   2. the most specific path: an exact path, then a regular expression (the first one in the
 *      file's order that matches), then the longest prefix. This is the order that users of other
 *      proxies know: an expression says more about a path than any prefix does.
 *   3. a method list that names the request's method, before a route without a list. A route whose
 *      list does not name the method does not match, so the next best path or host is looked at.
 *   4. the place in the file: earlier first.
 *
 * A prefix ends at a segment boundary: "/api" matches "/api", "/api/" and "/api/x" but not "/apix";
 * "/api/" matches "/api/" and below, not "/api". "/" (or an empty path) matches everything, "*" of
 * OPTIONS too. Paths are compared in the normal form (http_path_normalise), byte for byte, without
 * the query. An expression is searched for anywhere in the path unless it is anchored by ^ or $.
 *
 * Read-only after it was made, but for scratch memory of the expressions: one thread at a time.
 */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include "base/buf.h"

enum route_path_kind {
	ROUTE_PREFIX = 1,
	ROUTE_EXACT = 2,
	ROUTE_REGEX = 3,
};

enum route_host_kind {
	ROUTE_HOST_EXACT = 1,
	ROUTE_HOST_WILDCARD = 2,
	ROUTE_HOST_ANY = 3,
};

/* One route as configured; strings are copied, nothing of it is kept. */
struct route_rule {
	const char *const *hosts; /* names or "*.suffix"; "*" is any host */
	size_t n_hosts;		  /* 0 = any host */
	enum route_path_kind path_kind;
	const char *path;	    /* NULL or "" with ROUTE_PREFIX: any path */
	const char *const *methods; /* as in the request line; case matters */
	size_t n_methods;	    /* 0 = any method */
};

/* Why a rule could not be compiled. */
struct route_error {
	size_t rule;	  /* index of the rule */
	size_t offset;	  /* of the mistake, in bytes into <what> */
	const char *what; /* the host or path at fault (the caller's string) */
	char text[128];	  /* "missing closing parenthesis" */
};

struct route_table;

enum {
	ROUTE_NONE = -1,  /* no route matches */
	ROUTE_LIMIT = -2, /* an expression used up its budget on this path: refuse the request */
};

/* The winner and what won it; the slices point into the table. */
struct route_why {
	int rule;
	enum route_host_kind host_kind;
	enum route_path_kind path_kind;
	bool by_method;	       /* its method list names the method */
	struct str host;       /* "shop.example" or ".example" (wildcard); empty for any */
	struct str path;       /* as configured */
	unsigned wrong_method; /* routes passed over because only the method did not match */
};

/*
 * Compiles <n> rules in the file's order. ERR_SYNTAX with *error filled, or ERR_NOMEM. <error>
 * may be NULL. No rules at all is fine: nothing matches.
 */
MUST_CHECK int route_compile(const struct route_rule *rules, size_t n,
			     struct route_table **out_table, struct route_error *error);
void route_table_free(struct route_table **table);

/* Index of the winning rule, ROUTE_NONE or ROUTE_LIMIT. <host> without port, may be empty. */
int route_find(const struct route_table *t, struct str host, struct str path, struct str method);

/* The same, and says why; *out_why is untouched unless a rule won. */
int route_find_why(const struct route_table *t, struct str host, struct str path, struct str method,
		   struct route_why *out_why);

/* One sentence for people: "host shop.example exactly, longest prefix /api/, method GET". */
void route_explain(const struct route_table *t, struct str host, struct str path, struct str method,
		   struct buf *out);

#endif
