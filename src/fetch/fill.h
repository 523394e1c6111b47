/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fill: one fetch whose answer may be stored. It keeps what outlives the client that caused it: a
 * copy of the request's head, the key, the lead over others who want the same, the stale response
 * that is being validated. While its answer is awaited a request may drive the fetch; once the head
 * is there the fill decides (fill_take): it stores the body by itself, whoever leaves, or has no use
 * for it. A refresh in the background is a fill that never had a client.
 *
 * One loop, one thread.
 */
#ifndef FETCH_FILL_H
#define FETCH_FILL_H

#include "base/arena.h"
#include "fetch/fetch.h"
#include "policy/reuse.h"
#include "policy/revalidate.h"
#include "policy/storable.h"
#include "store/fills.h"
#include "store/l1.h"

struct metric_row;
struct purge;

enum { FILL_MAGIC = 0x66696c6c };

/* What one worker's fills share. */
struct fill_env {
	struct loop *loop;
	struct l1 *l1;
	struct fills *fills;
	struct purge *purge;
	struct list list;	    /* fills that are not over */
	uint64_t alone;		    /* tickets of fills that nobody can join */
	unsigned slot;		    /* of this worker */
	void (*on_idle)(void *arg); /* the last one is over; may be NULL */
	void *on_idle_arg;
};

/* How a route caches: the rules, ready to use. Belongs to the owner that fills keep alive. */
struct fill_rules {
	struct cache_rules rules;
	const struct str *tags; /* names of fields with purge tags */
	size_t n_tags;
	unsigned max_variants;
	bool groups;		/* Cache-Groups counts (RFC 9875) */
	bool search;		/* No-Vary-Search counts */
	bool observe;		/* decide and count, keep nothing */
	struct metric_row *row; /* the route's counters */
};

struct fill_spec {
	struct fill_env *env;
	const struct fill_rules *rules;
	void (*release)(void *owner); /* gives the owner back when the fill is over */
	void *owner;
	const struct http_msg *request; /* copied */
	struct l1_key key;		/* copied */
	struct str search;		/* copied: the No-Vary-Search by which it was made */
	struct str host;		/* copied: scheme://host[:port] of the key */
	struct str content;		/* copied: of a request whose key has it; p NULL: none */
	struct l1_ref base;		/* taken: stored, to be validated; may be none */
	bool base_prefix;		/* <base> is the beginning of what is asked for (206) */
	struct fill_ticket ticket;	/* taken: a lead; none = nobody can wait for it */
	bool keyed;			/* others can find the ticket by the key */
};

enum fill_verdict {
	FILL_STORES = 1, /* the body goes into <object>; the fetch is the fill's */
	FILL_REFRESHED =
		2,	 /* 304: <object> is the stored response, fresh again; the fetch is over */
	FILL_PASSES = 3, /* no use for it: the fetch stays the caller's; <why> */
	FILL_STALE = 4,	 /* the origin failed (5xx), <base> may go out; the fetch is over */
	FILL_AGAIN = 5,	 /* 304 for something else: ask again without conditions */
};

struct fill {
	uint32_t magic;
	struct list_node node; /* on env->list */
	struct fill_env *env;
	const struct fill_rules *rules;
	void (*release)(void *owner);
	void *owner;
	struct fetch *fetch; /* once it is the fill's own */
	struct l1_key key;
	struct str search; /* the No-Vary-Search by which the key was made; empty: none */
	struct str host;
	struct http_msg request; /* a copy in the arena */
	struct mem_body content; /* of it */
	struct l1_ref base, object;
	struct fill_ticket ticket;
	struct fill_watch watch; /* stream mode: readers make room */
	struct loop_task task;	 /* its end, or a pull that yielded */
	struct loop_timer timer; /* readers that make no room */
	bool keyed, base_prefix;
	bool completes;	  /* the rest of <base> is asked for, the client wants all */
	bool asking;	  /* no head yet */
	bool no_trailers; /* some may be for one client only */
	bool over;
	uint8_t n_interim;    /* interim answers thrown away */
	uint8_t why;	      /* enum storable of the answer */
	uint16_t status;      /* of the answer */
	int64_t request_time; /* wall clock ns */
	uint64_t purge_seq;
	uint64_t moved;		  /* body bytes when the wait for more began */
	struct reuse_request ask; /* the request's directives, for stale-if-error */
	struct str own_fields;	  /* lines only for the client that asked (private="...") */
	struct arena arena;
	_Alignas(16) char first_block[3 * 1024];
};

/* A fill for <spec>; NULL when out of memory (then nothing was taken). */
struct fill *fill_new(const struct fill_spec *spec);

/* Notes the time: the request is about to be sent. */
void fill_asks(struct fill *f);

/* Validators of <base> for the request's head ("If-None-Match: ..."). */
void fill_write_conditions(const struct fill *f, struct http_writer *w);

/*
 * The final head is in *<fetch> (FETCH_HEAD): decides. With STORES, REFRESHED, STALE and AGAIN the
 * caller's pointer is cleared. <object> and <base> stay pinned by the fill until fill_free or its
 * end: the caller pins for itself.
 */
enum fill_verdict fill_take(struct fill *f, struct fetch **fetch);

/* STORES, after the caller has looked at what it needs: the body begins to move. The fill lives on
 * by itself and frees itself. */
void fill_go(struct fill *f);

/* The client left while the head is awaited: the fill goes on alone with *<fetch> (cleared). */
void fill_detach(struct fill *f, struct fetch **fetch);

/* A refresh without a client: <spec> of the fetch, head in the fill's arena. Frees itself. */
void fill_run_alone(struct fill *f, const struct fetch_spec *spec);

/* The fetch failed, or the caller gave up, before a verdict: who waits is told. */
void fill_failed(struct fill *f);

/* Lets go; the lead, if still held, ends as not storable or failed. For fills that do not live on. */
void fill_free(struct fill **f);

/* Cuts off all fills of a worker that stops. */
void fills_cut_off(struct fill_env *env);

/* A ticket for a fill that nobody can join, so that its own client can watch it. */
bool fill_ticket_alone(struct fill_env *env, struct fill_ticket *out);

#endif
