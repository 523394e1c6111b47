/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client's HTTP/1.1 connection: reads heads, begins requests one after the other (pipelined ones
 * wait in the window), keeps the connection or closes it so that the client can still read the
 * answer. Idle connections hold this struct and nothing else.
 */
#ifndef REQ_CLIENT_H
#define REQ_CLIENT_H

#include "net/conn.h"
#include "net/window.h"
#include "policy/ip.h"
#include "req/service.h"

struct request;

enum { CLIENT_MAGIC = 0x636c6965 };

enum client_state {
	CLIENT_NONE = 0,
	CLIENT_PREFACE = 1, /* the PROXY header must come first */
	CLIENT_READ = 2,    /* between requests, or in the middle of a head */
	CLIENT_REQUEST = 3, /* the engine has it */
	CLIENT_LINGER = 4,  /* answered and shut down; throws away what still comes */
	CLIENT_CLOSED = 5,  /* freed at the end of this turn */
};

/* What the client is given time for. */
enum client_wait {
	CLIENT_WAIT_NONE = 0,
	CLIENT_WAIT_HEADER = 1,
	CLIENT_WAIT_KEEPALIVE = 2,
	CLIENT_WAIT_BODY = 3,
	CLIENT_WAIT_WRITE = 4,
	CLIENT_WAIT_CONTINUE = 5, /* the origin to answer Expect: 100-continue */
	CLIENT_WAIT_TUNNEL = 6,
	CLIENT_WAIT_LINGER = 7,
	CLIENT_WAIT_ANSWER = 8, /* the client sent FIN: an answer to begin */
	CLIENT_WAIT_FILL = 9,	/* another request's fetch to bring something (coalesce.wait) */
};

struct client {
	uint32_t magic;
	uint8_t state; /* enum client_state */
	uint8_t wait;  /* enum client_wait: what <deadline> is for */
	bool running;  /* client_run is on the stack */
	bool keep;     /* the last request left the connection usable */
	struct conn conn;
	struct loop_timer timer;
	int64_t deadline;      /* mono ns; looked at when the timer fires, which may be early */
	struct list_node node; /* on server->clients */
	struct loop_task task; /* frees it, or lets a pump that yielded go on */
	struct server *server;
	struct listener *listener; /* a reference */
	struct request *req;	   /* while a head is being read or answered */
	struct window *win;	   /* while there are bytes */
	uint32_t have;		   /* bytes in the window before the engine takes over */
	uint32_t requests;	   /* begun on this connection */
	struct ip_addr ip;	   /* the peer, or what the PROXY header said */
	uint16_t port;
};

/* Takes an accepted connection of <listener>. */
void client_accept(struct listener *listener, int fd, const struct sock_addr *peer);

/* Gives the client <ns> for <wait>; 0 stops the clock. */
void client_set_wait(struct client *c, enum client_wait wait, int64_t ns);

/*
 * The engine is done with the request: <rest> are bytes behind its body (in the window). Goes on
 * with the next request if <keep>, else closes: at once with a reset if <broken>, else politely.
 */
void client_request_done(struct client *c, struct str rest, bool keep, bool broken);

/* Closes now. */
void client_close(struct client *c, bool reset);

/* Idle and without a byte of a next request? */
bool client_is_idle(const struct client *c);

#endif
