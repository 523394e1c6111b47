/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After 101 (Switching Protocols): bytes both ways, each through its own window, until both
 * directions have ended or nothing moved for the upstream's idle time.
 */
#include <sys/socket.h>

#include "obs/metrics.h"
#include "req/request.h"

/*
 * What the client's connection brings is no longer HTTP: everything up to its end. False when out
 * of memory.
 */
static bool begin(struct request *r)
{
	struct client *c = r->client;
	struct exchange *x = &r->fetch->x;
	struct conn *up = &x->uc->conn;
	bool chunked;
	struct str head = forward_response_head(r, &x->msg, HTTP_FRAMING_TUNNEL, &chunked);

	head = request_with_interim(r, head);
	if (head.n == 0)
		return false;
	r->interim = STR_NONE;
	r->tunnelling = true;
	r->status = r->upstream_status = 101;
	r->keep = false;
	metric_add(r->server->row, METRIC_WORKER_tunnels, 1);
	metric_add(r->server->row, METRIC_WORKER_tunnels_active, 1);
	uint32_t from = x->head_at + x->msg.head_n;
	h1_body_init(&x->body, up, &x->win, from, x->end, HTTP_FRAMING_CLOSE, 0);
	x->body.floor = 0;
	h1_body_init(&r->body, &c->conn, &c->win, r->msg.head_n, c->have, HTTP_FRAMING_CLOSE, 0);
	fetch_tunnel(r->fetch); /* both directions are watched together, below */
	pump_init(&r->pump, &c->conn, head, &x->body.src, false);
	pump_init(&r->tunnel_up, up, STR_NONE, &r->body.src, false);
	return true;
}

/* One direction: true while the tunnel may go on. At its end the other side is told (FIN). */
static bool move(struct request *r, struct pump *p, bool *cut, bool *out_again)
{
	if (*cut)
		return true;
	switch (pump_run(p)) {
	case PUMP_DONE:
		*cut = true;
		shutdown(p->dst->fd, SHUT_WR);
		return true;
	case PUMP_YIELD:
		*out_again = true;
		return true;
	case PUMP_WAIT_SRC:
	case PUMP_WAIT_DST:
		return true;
	default:
		r->broken = true;
		return false;
	}
}

enum step step_tunnel(struct request *r)
{
	int64_t idle = r->fetch->spec.group->set.timeouts.idle;
	bool again = false;

	if (!r->tunnelling && !begin(r)) {
		fetch_fail(r->fetch, PROXY_ERROR_out_of_memory);
		return request_refuse(r, PROXY_ERROR_out_of_memory, STR_NONE);
	}
	bool open = move(r, &r->pump, &r->cut_down, &again) &&
		    move(r, &r->tunnel_up, &r->cut_up, &again);
	if (!open || (r->cut_down && r->cut_up)) {
		r->reason = r->reason ? r->reason : REASON_DONE;
		r->fetch->tunnel_whole = open;
		return STEP_END;
	}
	if (again)
		request_run_next_turn(r);
	client_set_wait(r->client, idle ? CLIENT_WAIT_TUNNEL : CLIENT_WAIT_NONE, idle);
	return STEP_WAIT;
}
