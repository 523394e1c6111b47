/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the client really is, and what we tell the origin about it. Pure.
 *
 * Only a trusted peer's word counts. The chain of addresses (X-Forwarded-For, or Forwarded's "for"
 * when there is no X-Forwarded-For) is walked from the right, beginning with the connection's own
 * peer: while the address reached is trusted, the next one to the left is believed. The walk ends
 * at the first address that is not trusted, at an element that is no address ("unknown", "_hidden",
 * garbage), at the left end, or after FORWARDED_MAX elements. So a client can invent only what
 * stands to the left of its own address. X-Forwarded-For is preferred because proxies that write
 * only that one commonly pass a client's Forwarded on untouched.
 */
#ifndef POLICY_FORWARDED_H
#define POLICY_FORWARDED_H

#include "http/write.h"
#include "policy/ip.h"

struct headers_ops;

enum { FORWARDED_MAX = 32 };

/* A listener's settings; read only. */
struct forwarded_trust {
	const struct cidr_set *proxies; /* may be NULL */
	bool unix_peers;		/* a peer on a unix socket is trusted */
};

/* The connection's peer; worked out once per connection. */
struct forwarded_peer {
	struct ip_addr ip; /* family 0: unix socket */
	bool trusted;
	uint8_t text_n;
	char text[IP_TEXT]; /* the address; empty for a unix socket */
};

/* What one request's fields say. */
struct forwarded_client {
	struct ip_addr ip; /* the client to log, to limit and to check; family 0: not known */
	struct str proto;  /* "http"/"https" as a trusted peer said; else empty */
	struct str host;   /* host as a trusted peer said; else empty. Slices of the message */
};

void forwarded_peer_init(struct forwarded_peer *p, const struct ip_addr *ip,
			 const struct forwarded_trust *trust);

/* Fast when the peer is not trusted: then the client is the peer. */
void forwarded_client(const struct forwarded_peer *p, const struct forwarded_trust *trust,
		      const struct http_msg *m, struct forwarded_client *out_client);

/* What goes into the lines that forwarded_write makes. */
struct forwarded_out {
	const struct forwarded_peer *peer;
	const struct forwarded_client *client;
	struct str scheme;	       /* the connection's own: "http" or "https" */
	struct str host;	       /* the request's authority as the client sent it */
	const struct headers_ops *ops; /* fields the operator replaces are left out; may be NULL */
};

/*
 * Appends the lines X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and Forwarded (RFC 7239).
 * From a trusted peer the chain is continued and proto and host are handed on; otherwise it begins
 * with the peer. Where a trusted peer sent only one of the two kinds, the other one is made from it
 * (RFC 7239 7.4). The incoming lines must be marked `dropped` (headers_mark_request does).
 */
void forwarded_write(struct http_writer *w, const struct http_msg *m,
		     const struct forwarded_out *o);

#endif
