/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request's life on the client's side. The steps are rows of tbl/steps_req.h, driven by
 * engine.c; each step looks at the request, calls downwards and returns the next step, or that it
 * waits. All memory that a request needs beyond this struct comes from its arena.
 */
#ifndef REQ_REQUEST_H
#define REQ_REQUEST_H

#include "base/arena.h"
#include "fetch/fill.h"
#include "http/target.h"
#include "net/body.h"
#include "net/pump.h"
#include "policy/forwarded.h"
#include "policy/problem.h"
#include "req/client.h"
#include "req/stored_body.h"

enum { REQUEST_MAGIC = 0x72657175, REQUEST_TRACE = 16, REQUEST_FIRST_BLOCK = 6 * 1024 };

enum step {
	STEP_NONE = 0,
#define STEP(id, fn, next, help) STEP_##id,
#include "tbl/steps_req.h"
#undef STEP
	STEP_COUNT,
	STEP_WAIT, /* an event will run the step again */
	STEP_OVER, /* END is through: the request may be freed */
};

enum reason {
	REASON_NONE = 0,
#define REASON(id, text) REASON_##id,
#include "tbl/reasons.h"
#undef REASON
	REASON_COUNT
};

/* What a request has to do with the cache. */
struct req_cache {
	bool on;		   /* looked up, and its answer may be stored */
	bool hit;		   /* a stored response answers */
	bool stale;		   /* ... which is stale */
	bool collapsed;		   /* another request's fetch answers */
	bool stored;		   /* the answer is being stored */
	bool revalidated;	   /* the origin said 304 */
	bool waited_out;	   /* coalesce.wait has passed */
	bool base_prefix;	   /* <base> is the beginning of what is asked for */
	bool alone;		   /* does not wait for others any more */
	uint8_t fwd;		   /* enum cache_fwd: why the origin was asked */
	uint8_t why;		   /* enum storable: why the answer was not stored */
	uint8_t rounds;		   /* look-ups so far */
	uint16_t fwd_status;	   /* the origin's status where ours is another; 0 = the same */
	struct l1_key key;	   /* text.n 0: none was made */
	struct str host;	   /* the key's scheme and authority */
	struct str search;	   /* the No-Vary-Search by which the key was made */
	struct l1_ref base;	   /* stored, but to be validated first: pinned */
	struct l1_ref object;	   /* what is served: pinned */
	struct fill *fill;	   /* ours until the head came */
	struct fill_ticket ticket; /* of the fill that is waited for or followed */
	struct fill_watch watch;
	struct str own_fields; /* lines of the answer that only this client may see */
	int64_t since;	       /* wall ns: waiting began; an answer made later is as good as ours */
	struct stored_body body;
	struct parts_body *parts; /* several ranges; in the arena */
};

/* What is kept of a fetch that was given away: for the log. */
struct origin_note {
	struct str upstream, server;
	uint8_t attempts;
	int8_t reused; /* -1: not known */
	int64_t queue_ns, connect_ns, first_byte_ns, sent;
};

struct request {
	uint32_t magic;
	uint8_t step;	   /* enum step; only the driver changes it */
	uint8_t reason;	   /* enum reason, once known */
	uint8_t error;	   /* enum proxy_error that was answered */
	bool running;	   /* the driver is on the stack */
	bool again;	   /* an event came meanwhile */
	bool on_fallback;  /* the fetch goes to the route's fallback */
	bool failing;	   /* the answer is the static fallback, after <error> */
	bool tunnel_asked; /* a switch of protocols was asked of the origin */
	bool tunnelling;
	bool keep;	       /* the connection may carry another request */
	bool broken;	       /* the connection is to be reset: FIN would look like an end, or the
				     client is gone. Never else: RST destroys earlier answers too */
	bool close_delimited;  /* the answer's body ends with the connection */
	bool half_closed;      /* the client sent FIN while it waits for the answer */
	bool own;	       /* the answer is ours, not the upstream's */
	bool must_close;       /* what follows on the connection cannot be trusted */
	bool expects;	       /* waits for 100 (Continue) */
	bool cut_down, cut_up; /* tunnel: that direction has ended */
	uint8_t n_interim;     /* interim answers relayed */
	uint8_t waits_for;     /* the answer's body: 1 the origin, 2 the client; 0 = neither */
	uint16_t status;       /* answered to the client; 0 = nothing yet */
	uint16_t upstream_status;
	struct client *client;
	struct server *server;
	struct snapshot *snap;		   /* a reference */
	struct snapshot *lsnap;		   /* a reference: the listener's, which holds <lconf> */
	const struct listener_conf *lconf; /* the listener's settings when the request began; the
					      listener or <snap> keeps them */
	const struct route *route;
	struct list_node node; /* on server->requests */
	struct arena arena;
	struct http_target target;
	struct str host;	 /* as asked for, without port */
	struct str port;	 /* digits, or empty */
	struct str authority;	 /* with port */
	struct str path;	 /* normal form */
	struct str id;		 /* request id */
	struct str detail;	 /* of a refusal */
	struct str retry_after;	 /* text, or empty */
	struct str purged;	 /* the answer to PURGE */
	struct str content_type; /* of the answer, for the log */
	struct str interim;	 /* interim heads not yet sent to the client */
	struct fetch *fetch;	 /* the origin's side while it is this request's; else NULL */
	struct req_cache cache;
	struct origin_note origin;
	struct forwarded_peer peer;
	struct forwarded_client who;
	struct pump pump;	 /* the answer's way down */
	struct pump tunnel_up;	 /* tunnel: the client's bytes */
	struct mem_body mem;	 /* of an answer of our own */
	struct mem_body content; /* the request's content, where it is part of the key */
	uint64_t body_in_head;	 /* body bytes that go out with the head, in one piece */
	int64_t begun;		 /* mono ns: head complete */
	int64_t first_byte;	 /* mono ns: first byte of the final answer sent; 0 = not yet */
	int64_t deadline;	 /* mono ns; 0 = none */
	uint64_t moved;		 /* body bytes when the wait of <waits_for> began */
	uint8_t trace[REQUEST_TRACE]; /* last steps, a ring */
	uint8_t n_trace;
	/* From here on not cleared at the start. */
	struct http_parser parser;
	struct reuse_request ask; /* the request's cache directives; ready after LOOKUP */
	struct http_msg msg;
	struct h1_body body; /* the request's; ready after CHECK */
	struct http_field fields[HTTP_MAX_FIELDS];
	_Alignas(16) char first_block[REQUEST_FIRST_BLOCK];
};

/* A request for <c>, ready to parse its head; NULL when out of memory. */
struct request *request_new(struct client *c);

/* Lets go of everything; the client is not told. */
void request_free(struct request **r);

/* The head is complete (or refused by the parser): hand it to the engine. */
void request_start(struct request *r);

/* Runs steps until one waits or the request is over; then the client goes on. */
void request_run(struct request *r);

/* The client's connection became readable, writable or ended. */
void request_on_client(struct request *r, unsigned what);

/* The client's time for something has passed. */
void request_on_timeout(struct request *r, enum client_wait wait);

/* Ends the request from outside (shutdown): the connection is closed after it. */
void request_abort(struct request *r, enum reason reason);

const char *step_name(unsigned step);
const char *reason_text(unsigned reason);

/* ---- shared between the files of the engine ---- */

/* The steps. */
#define STEP(id, fn, next, help) enum step fn(struct request *r);
#include "tbl/steps_req.h"
#undef STEP

/* Refuses: sets the error and gives the step to go to. */
enum step request_refuse(struct request *r, enum proxy_error error, struct str detail);

/* The head for the upstream (forward.c) in <arena>, with the fill's conditions if there is one; or
 * {NULL, 0} and why not. */
struct str forward_request_head(struct request *r, struct arena *arena, const struct fill *fill,
				enum proxy_error *out_error);

/* The head for the client from the upstream's (forward.c). Sets keep and *out_chunked. */
struct str forward_response_head(struct request *r, struct http_msg *m, enum http_framing framing,
				 bool *out_chunked);

/* "Cache-Status: ..." as the route wants it (serve.c). */
void request_write_cache_status(const struct request *r, struct http_writer *w);

/* A fetch is given away: what the log wants of it is kept (account.c). */
void account_note_fetch(struct request *r);

/* The scheme the client speaks: part of the target URI. */
static inline struct str request_scheme(const struct request *r)
{
	/* clients come without TLS so far; whether they reached a proxy before us with it, a trusted
	 * one says, and the origin is told */
	return str_ieq(r->who.proto, STR("https")) ? STR("https") : STR("http");
}

/* The answer to a POST is to be kept for GETs of its target (invalidate.c; RFC 9110 9.3.3): makes
 * the fill. */
bool cache_takes_post(struct request *r);

/* Is the request's content part of its key, and short enough (cache_key.c)? */
bool cache_wants_content(const struct request *r);

/* The request's own body ended badly: the client's fault (steps_out.c). */
enum step request_bad_body(struct request *r);

/* The final head came for a request whose answer may be stored (steps_cache.c). */
enum step cache_on_head(struct request *r);

/* The origin failed with <error>: a stale response may go out instead (steps_cache.c). */
bool cache_stale_instead(struct request *r);

/* The client is no longer there to drive the fetch: it goes on alone, or ends (steps_cache.c). */
void cache_leave_fetch(struct request *r);

/* The answer to an unsafe method makes stored responses void (invalidate.c; RFC 9111 4.4). */
void cache_invalidate(struct request *r, const struct http_msg *answer);

/* Lets go of pins, watches and a fill that was not begun (steps_cache.c). */
void cache_release(struct request *r);

/* No answer will come from the upstream: fallback, stale response, or an error (steps_out.c). */
enum step request_origin_failed(struct request *r, enum proxy_error error);

/* Gives the request its id: the client's X-Request-Id, or a new one. */
void request_make_id(struct request *r);

/* <head> behind the interim heads that wait; {NULL, 0} when out of memory. */
struct str request_with_interim(struct request *r, struct str head);

/* FIN was seen earlier: has the client left? */
void request_look_at_client(struct request *r);

/* Runs the request again in the next turn: others first. */
void request_run_next_turn(struct request *r);

/* The Connection line of an answer, as <keep> and the client's version demand (forward.c). */
void request_write_connection(const struct request *r, struct http_writer *w);

/* An interim head for the client (forward.c). */
struct str forward_interim_head(struct request *r, struct http_msg *m);

/* Will the connection end with this answer, whatever it is? */
bool request_must_close(const struct request *r);

/* Throws away what has come of a body that nobody wants; true if that was all of it. */
bool request_drain_body(struct request *r);

/* Sends what is waiting of interim heads; false if the client is gone. */
bool request_flush_interim(struct request *r);

/* Counters and log lines of a request that ended (account.c). */
void account_request(struct request *r);

/* One line for `requests` (account.c). */
void account_report(const struct request *r, struct buf *out);

#endif
