/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Most answers are commands of tbl/cmds.h by another name: the request becomes an ask. evhttp
 * frees a request with its connection, so an ask that is still waiting then is dropped.
 */
#include "admin/web.h"

#include <dirent.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/ask.h"
#include "admin/assets.h"
#include "admin/model.h"
#include "admin/web_purge.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/print.h"
#include "net/sock.h"
#include "obs/expose.h"
#include "obs/log.h"

enum { WEB_MAGIC = 0x77656231, HIT_MAGIC = 0x68697431 };

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "            \
	"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* One listening socket. */
struct site {
	struct web *web;
	struct evhttp *http;
	struct evconnlistener *listener;
	bool loopback; /* only this machine can reach it */
};

struct web {
	uint32_t magic;
	struct admin *admin;
	struct site sites[ADMIN_LISTEN_MAX];
	unsigned n;
	unsigned base_fds; /* descriptors open when nobody is connected */
	bool full;	   /* not accepting for now */
	bool finishing;	   /* not accepting any more */
	struct list hits;  /* requests whose ask is waiting */
};

/* A request that waits for its ask. */
struct hit {
	uint32_t magic;
	struct list_node node;
	struct web *web;
	struct evhttp_request *request; /* owned by evhttp */
	struct ask ask;
	struct proto_request words;
};

static void add_header(struct evhttp_request *request, const char *name, const char *value)
{
	/* fails only when out of memory or for control characters, of which there are none */
	(void)evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

/* <reason> NULL: the status' usual phrase. */
static void send_as(struct evhttp_request *request, int status, const char *reason,
		    const char *type, struct str body)
{
	struct evbuffer *out = evbuffer_new();
	char length[24];
	struct buf text = BUF_INIT;

	if (out && evbuffer_add(out, body.p, body.n)) {
		evbuffer_free(out);
		out = NULL;
	}
	buf_u64(&text, body.n);
	add_header(request, "Content-Length", str_copy(length, sizeof(length), buf_slice(&text)));
	buf_fini(&text);
	add_header(request, "Content-Type", type);
	add_header(request, "Cache-Control", "no-store");
	add_header(request, "X-Content-Type-Options", "nosniff");
	add_header(request, "Cross-Origin-Resource-Policy", "same-origin");
	add_header(request, "Referrer-Policy", "no-referrer");
	add_header(request, "Content-Security-Policy", POLICY);
	/* without memory for a body the length tells that it is missing */
	evhttp_send_reply(request, status, reason, out);
	if (out)
		evbuffer_free(out);
}

static void send_bytes(struct evhttp_request *request, int status, const char *type,
		       struct str body)
{
	send_as(request, status, NULL, type, body);
}

static void send_problem(struct evhttp_request *request, int status, const char *title,
			 const char *detail)
{
	struct buf out = BUF_INIT;

	buf_printf(&out,
		   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}\n",
		   title, status, detail);
	send_as(request, status, title, "application/problem+json", buf_slice(&out));
	buf_fini(&out);
}

/* Sends what was collected and frees it. */
static void send_buf(struct evhttp_request *request, int status, const char *type, struct buf *out)
{
	if (out->error)
		send_problem(request, 500, "Internal Server Error", "out of memory");
	else
		send_bytes(request, status, type, buf_slice(out));
	buf_fini(out);
}

/* ---- commands as resources ---- */

static void hit_free(struct hit *hit)
{
	if (list_linked(&hit->node))
		list_remove(&hit->web->hits, &hit->node);
	evhttp_connection_set_closecb(evhttp_request_get_connection(hit->request), NULL, NULL);
	ask_fini(&hit->ask);
	hit->magic = 0;
	free(hit);
}

static void on_connection_closed(struct evhttp_connection *connection, void *arg)
{
	struct hit *hit = arg;

	(void)connection;
	CHECK_MAGIC(hit, HIT_MAGIC);
	hit_free(hit);
}

static void on_answer(struct ask *ask, void *arg)
{
	struct hit *hit = arg;

	CHECK_MAGIC(hit, HIT_MAGIC);
	if (!list_linked(&hit->node))
		return; /* at once: serve_command() goes on */
	/* evhttp may free the connection from inside the sending */
	evhttp_connection_set_closecb(evhttp_request_get_connection(hit->request), NULL, NULL);
	if (ask->code == PROTO_OK)
		send_bytes(hit->request, 200, TYPE_JSON, buf_slice(&ask->out));
	else if (ask->code == PROTO_USAGE)
		send_problem(hit->request, 400, "Bad Request", "no such thing can be purged");
	else
		send_problem(hit->request, 500, "Internal Server Error",
			     "the figures are not to be had");
	list_remove(&hit->web->hits, &hit->node);
	ask_fini(&hit->ask);
	hit->magic = 0;
	free(hit);
}

/* NULL: the request has its answer. */
static struct hit *hit_new(struct web *web, struct evhttp_request *request)
{
	struct hit *hit = calloc(1, sizeof(*hit));

	if (!hit) {
		send_problem(request, 500, "Internal Server Error", "out of memory");
		return NULL;
	}
	hit->magic = HIT_MAGIC;
	hit->web = web;
	hit->request = request;
	ask_init(&hit->ask, web->admin, on_answer, hit);
	return hit;
}

static void hit_begin(struct hit *hit, const struct ask_peer *peer)
{
	struct web *web = hit->web;
	struct evhttp_request *request = hit->request;

	ask_begin(&hit->ask, &hit->words, peer);
	list_append(&web->hits, &hit->node);
	if (hit->ask.ended)
		on_answer(&hit->ask, hit);
	else
		evhttp_connection_set_closecb(evhttp_request_get_connection(request),
					      on_connection_closed, hit);
}

static void serve_command(struct web *web, struct evhttp_request *request, const char *command)
{
	struct hit *hit = hit_new(web, request);

	if (!hit)
		return;
	hit->words.word[0] = command;
	hit->words.word[1] = "--json";
	hit->words.n = 2;
	hit_begin(hit, NULL);
}

/* The one thing that can be changed here, if the configuration says so. A page of another site
 * cannot send this type without asking first (OPTIONS), and is not answered then. */
static void serve_purge(struct web *web, struct evhttp_request *request)
{
	static const struct ask_peer peer = {.may_operate = true, .uid = UINT32_MAX};
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	struct evkeyvalq *fields = evhttp_request_get_input_headers(request);
	struct str type = str_c(evhttp_find_header(fields, "Content-Type"));
	size_t n = evbuffer_get_length(in);
	struct str json = str_of((const char *)evbuffer_pullup(in, -1), n);
	const char *wrong;

	if (!web->admin->conf->admin.purge) {
		send_problem(request, 403, "Forbidden", "admin.purge is not set");
		return;
	}
	if (!str_ieq(str_trim(str_of(type.p, strcspn(type.p ? type.p : "", ";"))),
		     STR(TYPE_JSON))) {
		send_problem(request, 415, "Unsupported Media Type", "the body must be " TYPE_JSON);
		return;
	}
	struct hit *hit = hit_new(web, request);
	if (!hit)
		return;
	wrong = web_purge_words(json, &hit->words);
	if (wrong) {
		ask_fini(&hit->ask);
		free(hit);
		send_problem(request, 400, "Bad Request", wrong);
		return;
	}
	hit_begin(hit, &peer);
}

static void serve_cache(struct web *web, struct evhttp_request *request)
{
	serve_command(web, request, "cache");
}

static void serve_stats(struct web *web, struct evhttp_request *request)
{
	serve_command(web, request, "stats");
}

static void serve_status(struct web *web, struct evhttp_request *request)
{
	serve_command(web, request, "status");
}

static void serve_upstreams(struct web *web, struct evhttp_request *request)
{
	serve_command(web, request, "upstreams");
}

static void serve_requests(struct web *web, struct evhttp_request *request)
{
	serve_command(web, request, "requests");
}

/* ---- other resources ---- */

static void serve_metrics(struct web *web, struct evhttp_request *request)
{
	struct buf out = BUF_INIT;

	cache_gauges(web->admin);
	expose_prometheus(web->admin->boot->metrics, &out);
	send_buf(request, 200, EXPOSE_PROMETHEUS_TYPE, &out);
}

static void serve_health(struct web *web, struct evhttp_request *request)
{
	struct buf out = BUF_INIT;
	bool healthy;

	model_write(model_health(web->admin, &healthy), &out);
	send_buf(request, healthy ? 200 : 503, TYPE_JSON, &out);
}

static void serve_live(struct web *web, struct evhttp_request *request)
{
	struct buf out = BUF_INIT;

	model_write(model_live(web->admin), &out);
	send_buf(request, 200, TYPE_JSON, &out);
}

static void serve_history(struct web *web, struct evhttp_request *request)
{
	struct buf out = BUF_INIT;

	model_write(model_history(web->admin), &out);
	send_buf(request, 200, TYPE_JSON, &out);
}

static void serve_config(struct web *web, struct evhttp_request *request)
{
	struct buf out = BUF_INIT;

	conf_print(web->admin->conf, &out);
	send_buf(request, 200, TYPE_TEXT, &out);
}

static bool serve_asset(struct evhttp_request *request, const char *name)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".svg", "image/svg+xml"},
	};

	for (size_t i = 0; i < assets_count; i++) {
		if (strcmp(assets[i].name, name) != 0)
			continue;
		for (size_t t = 0; t < COUNTOF(types); t++) {
			if (str_ends(str_c(name), str_c(types[t].suffix)))
				send_bytes(request, 200, types[t].type,
					   str_of(assets[i].text, assets[i].n));
		}
		return true;
	}
	return false;
}

static const struct {
	const char *path;
	void (*serve)(struct web *web, struct evhttp_request *request);
} resources[] = {
	{"/metrics", serve_metrics},	   {"/health", serve_health},
	{"/api/stats", serve_stats},	   {"/api/live", serve_live},
	{"/api/history", serve_history},   {"/api/status", serve_status},
	{"/api/requests", serve_requests}, {"/api/upstreams", serve_upstreams},
	{"/api/config", serve_config},	   {"/api/cache", serve_cache},
};

static void serve(struct web *web, struct evhttp_request *request, const char *path)
{
	for (size_t i = 0; i < COUNTOF(resources); i++) {
		if (strcmp(resources[i].path, path) == 0) {
			resources[i].serve(web, request);
			return;
		}
	}
	if (path[0] == '/' && serve_asset(request, path[1] ? path + 1 : "index.html"))
		return;
	send_problem(request, 404, "Not Found",
		     "there are /, /metrics, /health, /api/stats, /api/status, /api/upstreams, "
		     "/api/requests, /api/cache and /api/config; POST /api/purge");
}

static bool is_answered(enum evhttp_cmd_type method, bool purge)
{
	if (purge)
		return method == EVHTTP_REQ_POST;
	return method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD;
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct site *site = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const char *host = evhttp_find_header(evhttp_request_get_input_headers(request), "Host");
	const struct conf_address *listen = site->web->admin->conf->admin.listen;

	CHECK_MAGIC(site->web, WEB_MAGIC);
	clock_refresh(); /* evhttp's events do not pass through net/loop */
	if (site->web->finishing)
		add_header(request, "Connection", "close");
	bool purge = path && strcmp(path, "/api/purge") == 0;
	if (!is_answered(evhttp_request_get_command(request), purge)) {
		add_header(request, "Allow", purge ? "POST" : "GET, HEAD");
		send_problem(request, 405, "Method Not Allowed",
			     purge ? "this is for POST"
				   : "this listener only answers GET and HEAD");
		return;
	}
	if (site->loopback && !web_host_is_local(str_c(host), listen ? listen->host : NULL)) {
		send_problem(
			request, 421, "Misdirected Request",
			"on a loopback address the Host field must name this machine: localhost, "
			"127.0.0.1 or [::1]");
		return;
	}
	if (purge)
		serve_purge(site->web, request);
	else
		serve(site->web, request, path ? path : "");
}

/* ---- connections ---- */

/* Descriptors open in this process; 0 when the system does not tell. */
static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void set_full(struct web *web, bool full)
{
	if (web->full == full || web->finishing)
		return;
	web->full = full;
	for (unsigned i = 0; i < web->n; i++) {
		if (full)
			evconnlistener_disable(web->sites[i].listener);
		else
			evconnlistener_enable(web->sites[i].listener);
	}
	if (full)
		log_warn("admin", "%d HTTP connections are open: further ones have to wait",
			 WEB_CONNECTIONS);
}

/*
 * A connection was accepted. This version of the library neither limits connections nor tells
 * when one ends, so the process' own descriptors are counted: at the limit it stops accepting,
 * and web_second() looks again.
 */
static struct bufferevent *on_accepted(struct event_base *base, void *arg)
{
	struct web *web = arg;

	CHECK_MAGIC(web, WEB_MAGIC);
	if (count_fds() >= web->base_fds + WEB_CONNECTIONS)
		set_full(web, true);
	return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

void web_second(struct web *web)
{
	if (web && web->full && count_fds() < web->base_fds + WEB_CONNECTIONS * 3 / 4)
		set_full(web, false);
}

void web_finish(struct web *web)
{
	web->finishing = true;
	for (unsigned i = 0; i < web->n; i++)
		evconnlistener_disable(web->sites[i].listener);
}

/* Who is connected has his request on the way, or not yet all of his answer. */
size_t web_waiting(const struct web *web)
{
	unsigned open = web->finishing ? count_fds() : 0;

	return web->hits.count + (open > web->base_fds ? open - web->base_fds : 0);
}

static bool is_loopback(int fd)
{
	struct sock_addr a;
	socklen_t n = sizeof(struct sockaddr_un);

	memset(&a, 0, sizeof(a));
	if (getsockname(fd, &a.sa, &n))
		return false;
	if (a.sa.sa_family == AF_INET)
		return ntohl(a.in.sin_addr.s_addr) >> 24 == 127;
	return a.sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a.in6.sin6_addr);
}

static int open_site(struct web *web, struct site *site, int fd)
{
	struct evhttp_bound_socket *bound;
	int own = dup(fd); /* evhttp closes what it listens on */

	site->web = web;
	site->loopback = is_loopback(fd);
	site->http = evhttp_new(loop_event_base(web->admin->loop));
	bound = site->http && own >= 0 ? evhttp_accept_socket_with_handle(site->http, own) : NULL;
	if (!bound) {
		if (own >= 0)
			close(own);
		return ERR_SYS;
	}
	site->listener = evhttp_bound_socket_get_listener(bound);
	evhttp_set_bevcb(site->http, on_accepted, web);
	evhttp_set_gencb(site->http, on_request, site);
	evhttp_set_timeout(site->http, WEB_TIMEOUT);
	evhttp_set_max_headers_size(site->http, WEB_HEADERS);
	evhttp_set_max_body_size(site->http, WEB_BODY);
	/* all of them, so that a 405 is ours to send */
	evhttp_set_allowed_methods(site->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
						       EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
						       EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
						       EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
	return 0;
}

int web_new(struct admin *admin, const int *fds, unsigned n, struct web **out)
{
	struct web *web = calloc(1, sizeof(*web));
	int rc = 0;

	if (!web)
		return ERR_NOMEM;
	ASSERT(n <= ADMIN_LISTEN_MAX);
	web->magic = WEB_MAGIC;
	web->admin = admin;
	list_init(&web->hits);
	for (unsigned i = 0; i < n && !rc; i++)
		rc = open_site(web, &web->sites[web->n++], fds[i]);
	if (rc) {
		web_free(&web);
		return rc;
	}
	web->base_fds = count_fds();
	*out = web;
	return 0;
}

void web_free(struct web **pointer)
{
	struct web *web = *pointer;

	if (!web)
		return;
	CHECK_MAGIC(web, WEB_MAGIC);
	LIST_EACH (&web->hits, n)
		hit_free(CONTAINER_OF(n, struct hit, node));
	for (unsigned i = 0; i < web->n; i++) {
		if (web->sites[i].http)
			evhttp_free(web->sites[i].http);
	}
	web->magic = 0;
	free(web);
	*pointer = NULL;
}
