/* SPDX-License-Identifier: BSD-2-Clause */
/* What a good configuration becomes: defaults, values, includes, the environment. */
#include "conf_test.h"

#include <sys/stat.h>
#include <unistd.h>

static void test_defaults(void **state)
{
	struct conf *c = load_text(BASE);
	const struct conf_listener *l = &c->listeners[0];
	const struct conf_upstream *u = &c->upstreams[0];
	const struct conf_route *r = &c->routes[0];

	(void)state;
	assert_int_equal(c->version, 1);
	assert_int_equal(c->workers, 0);
	assert_string_equal(c->user, "tiercel");
	assert_true(c->shutdown_grace == 30 * NS_PER_S);
	assert_int_equal(c->log.level, CONF_LEVEL_INFO);
	assert_string_equal(c->log.output, "stderr");
	assert_null(c->log.access.output);
	assert_string_equal(c->log.access.format, "json");
	assert_true(c->log.slow_request == NS_PER_S);
	assert_string_equal(c->admin.socket, "/run/tiercel/admin.sock");
	assert_null(c->admin.listen);
	assert_true(c->admin.health.window == 60 * NS_PER_S);
	assert_true(c->admin.health.max_average == 500 * NS_PER_MS);
	assert_true(c->admin.health.max_error_rate == 0.05);
	assert_int_equal(c->n_listeners, 1);
	assert_string_equal(l->name, "127.0.0.1:80");
	assert_int_equal(l->n_protocols, 1);
	assert_int_equal(l->protocols[0], CONF_PROTOCOL_H1);
	assert_false(l->proxy_protocol);
	assert_int_equal(l->n_trusted_proxies, 0);
	assert_int_equal(l->limits.header_size, 32 << 10);
	assert_int_equal(l->limits.header_fields, 100);
	assert_int_equal(l->limits.body_size, 10 << 20);
	assert_int_equal(l->limits.connections, 10000);
	assert_true(l->timeouts.header == 10 * NS_PER_S && l->timeouts.body == 60 * NS_PER_S);
	assert_true(l->timeouts.keepalive == 60 * NS_PER_S && l->timeouts.write == 60 * NS_PER_S);
	assert_int_equal(c->cache.l1.size, 256 << 20);
	assert_int_equal(c->cache.l1.max_object, 16 << 20);
	assert_string_equal(u->name, "app");
	assert_int_equal(u->n_servers, 1);
	assert_int_equal(u->servers[0].weight, 1);
	assert_int_equal(u->protocol, CONF_UPSTREAM_HTTP);
	assert_int_equal(u->balance, CONF_BALANCE_P2C);
	assert_int_equal(u->pool.max_connections, 100);
	assert_int_equal(u->pool.max_idle, 32);
	assert_int_equal(u->pool.max_requests, 1000);
	assert_int_equal(u->pool.queue, 128);
	assert_true(u->pool.idle_timeout == 50 * NS_PER_S);
	assert_true(u->pool.acquire_timeout == 5 * NS_PER_S);
	assert_true(u->timeouts.connect == 3 * NS_PER_S && u->timeouts.total == 0);
	assert_true(u->timeouts.first_byte == 30 * NS_PER_S && u->timeouts.idle == 60 * NS_PER_S);
	assert_string_equal(r->name, "default");
	assert_int_equal(r->match.path_kind, CONF_PATH_PREFIX);
	assert_string_equal(r->match.path, "/");
	assert_int_equal(r->match.n_host + r->match.n_method, 0);
	assert_string_equal(r->upstream, "app");
	assert_false(r->security_headers);
	assert_true(r->forwarded);
	assert_int_equal(r->max_body, 0);
	assert_true(r->timeout == 0);
	assert_int_equal(r->answer.status + r->fallback.status, 0);
	conf_unref(&c);
	assert_null(c);
}

/* What the cache does on a route that says nothing of it. */
static void test_cache_defaults(void **state)
{
	struct conf *c = load_text(BASE);
	const struct conf_route_cache *rc = &c->routes[0].cache;

	(void)state;
	assert_true(rc->enabled);
	assert_int_equal(rc->mode, CONF_MODE_ENFORCE);
	assert_true(rc->ttl == 0 && rc->l1_ttl == 0 && rc->stale_while_revalidate == 0);
	assert_true(rc->stale_if_error == 3600 * NS_PER_S && rc->coalesce.wait == 5 * NS_PER_S);
	assert_false(rc->override || rc->n_unsafe || rc->n_statuses || rc->purge.n_allow);
	assert_int_equal(rc->n_methods, 2);
	assert_int_equal(rc->methods[0], CONF_CACHE_GET);
	assert_int_equal(rc->methods[1], CONF_CACHE_HEAD);
	assert_int_equal(rc->key_body, 64 << 10);
	assert_int_equal(rc->variants, 64);
	assert_int_equal(rc->set_cookie, CONF_SET_COOKIE_EXPLICIT);
	assert_int_equal(rc->n_targeted, 1);
	assert_string_equal(rc->targeted[0], "CDN-Cache-Control");
	assert_int_equal(rc->n_tags, 2);
	assert_string_equal(rc->tags[0], "Surrogate-Key");
	assert_string_equal(rc->tags[1], "Cache-Tag");
	assert_true(rc->no_vary_search && rc->cache_groups && rc->status_header);
	assert_int_equal(rc->key.query, CONF_KEY_QUERY_ALL);
	assert_true(rc->key.host && !rc->key.sort_query);
	assert_int_equal(rc->key.n_keep_query + rc->key.n_ignore_query, 0);
	assert_int_equal(rc->key.n_headers + rc->key.n_cookies, 0);
	conf_unref(&c);
}

static void test_cache(void **state)
{
	struct conf *c = load_text(
		"cache: {l1: {size: 64MiB}}\n"
		"routes:\n"
		"  - upstream: app\n"
		"    cache:\n"
		"      {enabled: false, mode: observe, ttl: 90s, override: true, l1_ttl: 1d,\n"
		"       unsafe: [request, private], stale_while_revalidate: 1s, stale_if_error: 0s,\n"
		"       methods: [POST, QUERY], key_body: 1B, variants: 1, set_cookie: never,\n"
		"       statuses: {404: 10s, \"503\": 0s}, targeted: [], tags: xkey,\n"
		"       coalesce: {wait: 0s}, no_vary_search: false, cache_groups: false,\n"
		"       status_header: false, purge: {allow: 10.0.0.0/8},\n"
		"       key: {query: listed, keep_query: [a, \"b*\"], sort_query: true,\n"
		"             headers: X-A, cookies: [l, m], host: false}}\n" NO_ROUTES);
	const struct conf_route_cache *rc = &c->routes[0].cache;

	(void)state;
	assert_false(rc->enabled || rc->no_vary_search || rc->cache_groups || rc->status_header);
	assert_int_equal(rc->mode, CONF_MODE_OBSERVE);
	assert_true(rc->ttl == 90 * NS_PER_S && rc->l1_ttl == 86400 * NS_PER_S && rc->override);
	assert_true(rc->stale_while_revalidate == NS_PER_S && rc->stale_if_error == 0);
	assert_int_equal(rc->n_unsafe, 2);
	assert_int_equal(rc->unsafe[0], CONF_UNSAFE_REQUEST);
	assert_int_equal(rc->unsafe[1], CONF_UNSAFE_PRIVATE);
	assert_int_equal(rc->n_methods, 2);
	assert_int_equal(rc->methods[1], CONF_CACHE_QUERY);
	assert_int_equal(rc->key_body, 1);
	assert_int_equal(rc->n_statuses, 2);
	assert_int_equal(rc->statuses[0].status, 404);
	assert_true(rc->statuses[0].time == 10 * NS_PER_S && rc->statuses[1].time == 0);
	assert_int_equal(rc->statuses[1].status, 503);
	assert_int_equal(rc->n_targeted, 0);
	assert_int_equal(rc->n_tags, 1);
	assert_true(rc->coalesce.wait == 0);
	assert_int_equal(rc->purge.allow[0].bits, 8);
	assert_int_equal(rc->key.query, CONF_KEY_QUERY_LISTED);
	assert_string_equal(rc->key.keep_query[1], "b*");
	assert_string_equal(rc->key.headers[0], "X-A");
	assert_string_equal(rc->key.cookies[1], "m");
	assert_true(rc->key.sort_query && !rc->key.host);
	conf_unref(&c);
}

/* A block and its first setting share an address; only the setting has an origin. */
static void test_block_origin(void **state)
{
	struct conf *c = load_text("routes: [{upstream: app, cache: {ttl: 1s}}]\n" NO_ROUTES);
	struct conf *d = load_text("routes: [{upstream: app, cache: {enabled: true}}]\n" NO_ROUTES);
	unsigned line = 0;

	(void)state;
	assert_null(conf_origin(c, &c->routes[0].cache.enabled, &line));
	assert_string_equal(conf_origin(c, &c->routes[0].cache.ttl, &line), "t.yaml");
	assert_string_equal(conf_origin(d, &d->routes[0].cache.enabled, &line), "t.yaml");
	assert_int_equal(line, 1);
	conf_unref(&c);
	conf_unref(&d);
}

/* Objects of a small cache: the default shrinks, what was written stays. */
static void test_cache_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t size, object;
	} cases[] = {
		{BASE, 256 << 20, 16 << 20},
		{"cache: {l1: {size: 0}}\n" BASE, 0, 16 << 20},
		{"cache: {l1: {size: 4MiB}}\n" BASE, 4 << 20, 1 << 20},
		{"cache: {l1: {size: 63MiB}}\n" BASE, 63 << 20, 16128 << 10},
		{"cache: {l1: {size: 64MiB}}\n" BASE, 64 << 20, 16 << 20},
		{"cache: {l1: {size: 64MiB, max_object: 1KiB}}\n" BASE, 64 << 20, 1 << 10},
		{"cache: {l1: {max_object: 64MiB}}\n" BASE, 256 << 20, 64 << 20},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct conf *c = load_text(cases[i].text);
		assert_int_equal(c->cache.l1.size, cases[i].size);
		assert_int_equal(c->cache.l1.max_object, cases[i].object);
		conf_unref(&c);
	}
}

static void test_everything(void **state)
{
	struct conf *c = load_text(
		"workers: 3\n"
		"log: {level: debug, output: /e, access: {output: stderr, format: [time, status]}}\n"
		"admin: {listen: \"[::1]:9180\", health: {max_error_rate: 2.5%}}\n"
		"listeners:\n"
		"  - {name: web, address: \"unix:/w\", trusted_proxies: 10.0.0.0/8,\n"
		"     proxy_protocol: true}\n"
		"upstreams:\n"
		"  app: {servers: [{address: \"A.b:80\", weight: 7}, \"[::1]:81\"], balance: least_conn}\n"
		"  old: {servers: \"unix:/o\"}\n"
		"routes:\n"
		"  - match: {host: Shop.Example, path: \"= /x\", method: [GET, HEAD]}\n"
		"    upstream: app\n"
		"    fallback: {upstream: old}\n"
		"    headers: {request: {set: {X-A: \"1\", X-B: two}, remove: X-C},\n"
		"              response: {add: {Link: \"\"}}}\n"
		"    access: {allow: [\"::/0\", 1.2.3.4], deny: 10.0.0.0/8}\n"
		"  - match: {path: \"~ ^/(a|b)$\"}\n"
		"    answer: {body: \"hi $$1\"}\n"
		"  - answer: {status: 404}\n");
	const struct conf_route *r = c->routes;

	(void)state;
	assert_int_equal(c->workers, 3);
	assert_string_equal(c->log.access.format, "fields");
	assert_int_equal(c->log.access.n_fields, 2);
	assert_string_equal(c->log.access.fields[1], "status");
	assert_string_equal(c->admin.listen->host, "::1");
	assert_int_equal(c->admin.listen->port, 9180);
	assert_true(c->admin.health.max_error_rate == 0.025);
	assert_string_equal(conf_find_listener(c, "web")->address.path, "/w");
	assert_int_equal(c->listeners[0].trusted_proxies[0].bits, 8);
	assert_string_equal(c->upstreams[0].servers[0].address.host, "a.b");
	assert_int_equal(c->upstreams[0].servers[0].weight, 7);
	assert_string_equal(c->upstreams[0].servers[1].address.host, "::1");
	assert_int_equal(c->upstreams[0].balance, CONF_BALANCE_LEAST_CONN);
	assert_ptr_equal(conf_find_upstream(c, "old"), &c->upstreams[1]);
	assert_null(conf_find_upstream(c, "none"));
	assert_int_equal(c->n_routes, 3);
	assert_string_equal(r[0].name, "shop.example=/x");
	assert_string_equal(r[0].match.host[0], "shop.example");
	assert_int_equal(r[0].match.path_kind, CONF_PATH_EXACT);
	assert_string_equal(r[0].match.path, "/x");
	assert_string_equal(r[0].match.method[1], "HEAD");
	assert_string_equal(r[0].fallback.upstream, "old");
	assert_int_equal(r[0].headers.request.n_set, 2);
	assert_string_equal(r[0].headers.request.set[1].name, "X-B");
	assert_string_equal(r[0].headers.request.set[1].value, "two");
	assert_string_equal(r[0].headers.request.remove[0], "X-C");
	assert_string_equal(r[0].headers.response.add[0].value, "");
	assert_int_equal(r[0].access.n_allow, 2);
	assert_int_equal(r[0].access.allow[1].family, 4);
	assert_int_equal(r[1].match.path_kind, CONF_PATH_REGEX);
	assert_string_equal(r[1].match.path, "^/(a|b)$");
	assert_string_equal(r[1].name, "~_/_a_b__"); /* what a name cannot have becomes _ */
	assert_int_equal(r[1].answer.status, 200);
	assert_true(str_eq(r[1].answer.body, STR("hi $1")));
	assert_string_equal(r[1].answer.content_type, "text/plain; charset=utf-8");
	assert_int_equal(r[2].answer.status, 404);
	assert_null(r[2].answer.body.p);
	conf_unref(&c);
}

/* Unnamed routes get names that differ, and never take one that was written. */
static void test_route_names(void **state)
{
	struct conf *c =
		load_text(NO_ROUTES "routes:\n"
				    "  - {match: {method: GET}, upstream: app}\n"
				    "  - {match: {method: HEAD}, upstream: app}\n"
				    "  - {match: {method: PUT}, upstream: app}\n"
				    "  - {match: {path: /a}, upstream: app, name: default-2}\n"
				    "  - {match: {path: /b}, upstream: app, name: default}\n");
	static const char *const names[] = {"default-3", "default-4", "default-5", "default-2",
					    "default"};

	(void)state;
	for (size_t i = 0; i < COUNTOF(names); i++)
		assert_string_equal(c->routes[i].name, names[i]);
	conf_unref(&c);
}

static void test_bodies(void **state)
{
	struct conf_source *src =
		source_of("include: sub/more.yaml\n" NO_ROUTES "routes:\n"
			  "  - {upstream: app, fallback: {body_file: sorry.html}}\n"
			  "  - {match: {path: /r}, answer: {location: /x}}\n");

	(void)state;
	add(src, SOURCE_FILE, "sorry.html", STR("<p>so\0rry"));
	add(src, SOURCE_FILE, "sub/more.yaml",
	    STR("routes: [{match: {path: /j}, answer: {status: 201, body_file: j.json}}]\n"));
	add(src, SOURCE_FILE, "sub/j.json", STR(""));
	struct conf *c = load_good(src, "t.yaml");
	assert_int_equal(c->routes[0].fallback.status, 503);
	assert_true(str_eq(c->routes[0].fallback.body, STR("<p>so\0rry")));
	assert_string_equal(c->routes[0].fallback.content_type, "text/html; charset=utf-8");
	assert_int_equal(c->routes[1].answer.status, 302);
	assert_string_equal(c->routes[2].answer.body_file, "sub/j.json");
	assert_string_equal(c->routes[2].answer.content_type, "application/json");
	assert_int_equal(c->routes[2].answer.body.n, 0);
	conf_unref(&c);
	conf_source_free(&src);
}

/* Blocks are merged, lists appended, in the order of names. */
static void test_include(void **state)
{
	struct conf_source *src = source_of("version: 1\ninclude: conf.d/*.yaml\n"
					    "log: {level: warn}\n" BASE);

	(void)state;
	add(src, SOURCE_GLOB, "conf.d/*.yaml", STR("conf.d/a.yaml\0conf.d/b.yaml\0"));
	add(src, SOURCE_FILE, "conf.d/a.yaml",
	    STR("version: 1\nlog: {output: syslog, access: {output: /a}}\n"
		"upstreams: {two: {servers: \"127.0.0.1:82\"}}\n"
		"routes: [{match: {path: /two}, upstream: two}]\n"
		"include: [deep/c.yaml]\n"));
	add(src, SOURCE_FILE, "conf.d/deep/c.yaml",
	    STR("routes: [{match: {path: /deep}, upstream: app}]\nlisteners:\n"));
	add(src, SOURCE_FILE, "conf.d/b.yaml",
	    STR("listeners: [{address: \"127.0.0.1:90\"}]\nupstreams:\nlog: {slow_request: 2s}\n"));
	struct conf *c = load_good(src, "t.yaml");
	assert_int_equal(c->log.level, CONF_LEVEL_WARN);
	assert_string_equal(c->log.output, "syslog");
	assert_string_equal(c->log.access.output, "/a");
	assert_true(c->log.slow_request == 2 * NS_PER_S);
	assert_int_equal(c->n_listeners, 2);
	assert_int_equal(c->n_upstreams, 2);
	assert_int_equal(c->n_routes, 3);
	assert_string_equal(c->routes[1].match.path, "/two");
	assert_string_equal(c->routes[2].match.path, "/deep");
	unsigned line = 0;
	assert_string_equal(conf_origin(c, &c->routes[1].match.path, &line), "conf.d/a.yaml");
	assert_int_equal(line, 4);
	assert_null(conf_origin(c, &c->workers, &line));
	conf_unref(&c);
	conf_source_free(&src);
}

static void test_bad_includes(void **state)
{
	static const struct {
		const char *more, *report;
	} cases[] = {
		{"user: b\n", "m.yaml:1:1: \"user\" is given twice; the first is at t.yaml:2:1\n"},
		{"upstreams: {app: {servers: \"127.0.0.1:83\"}}\n",
		 "m.yaml:1:13: \"app\" is given twice; the first is at t.yaml:4:13\n"},
		{"version: 2\n",
		 "m.yaml:1:1: \"version\" is given twice; the first is at t.yaml:6:1\n"},
		{"routes: {upstream: app}\n",
		 "m.yaml:1:1: \"routes\" is given twice; the first is at t.yaml:5:1\n"},
		{"include: t.yaml\n", "m.yaml:1:10: include: t.yaml includes itself\n"},
		{"include: m.yaml\n", "m.yaml:1:10: include: m.yaml includes itself\n"},
		{"include: n.yaml\n",
		 "m.yaml:1:10: include: n.yaml: cannot be read: No such file or directory\n"},
		{"include: {}\n",
		 "m.yaml:1:10: include: must be a file name or pattern, or a list of "
		 "them, not a block\n"},
		{"include: [none/*.yaml]\n",
		 "m.yaml:1:11: include: none/*.yaml: cannot be searched: No such file or directory\n"},
		{"[]\n", "m.yaml:1:1: the file must be a block of settings (key: value)\n"},
		{"include: e.yaml\nlog: {level: x}\n",
		 "m.yaml:2:14: level: \"x\" is not known; allowed: error, warn, info, debug\n"},
		{"include: [e.yaml, e.yaml]\n", "m.yaml:1:19: include: e.yaml is included twice\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct conf_source *src =
			source_of("include: m.yaml\nuser: a\n" BASE "version: 1\n");
		struct buf out = BUF_INIT;
		add(src, SOURCE_FILE, "m.yaml", str_c(cases[i].more));
		add(src, SOURCE_FILE, "e.yaml", STR(""));
		assert_null(load_report(src, "t.yaml", &out));
		if (strcmp(out.p, cases[i].report) != 0)
			fail_msg("%s: got %s", cases[i].more, out.p);
		buf_fini(&out);
		conf_source_free(&src);
	}
}

/* A chain of nine files is one too many. */
static void test_include_depth(void **state)
{
	struct conf_source *src = source_of("include: 1.yaml\n" BASE);
	struct buf out = BUF_INIT;

	(void)state;
	for (int i = 1; i <= 10; i++) {
		char name[32], text[48];
		snprintf(name, sizeof(name), "%d.yaml", i);
		snprintf(text, sizeof(text), "include: %d.yaml\n", i + 1);
		add(src, SOURCE_FILE, name, str_c(text));
	}
	assert_null(load_report(src, "t.yaml", &out));
	assert_string_equal(out.p, "8.yaml:1:10: include: files include each other too deeply; "
				   "8 levels are allowed\n");
	buf_fini(&out);
	conf_source_free(&src);
}

static void test_environment(void **state)
{
	static const struct {
		const char *text, *user; /* NULL: refused */
	} cases[] = {
		{"${A}", "alpha"},
		{"x${A}y", "xalphay"},
		{"${A}${A}", "alphaalpha"},
		{"${A:-b}", "alpha"},
		{"${NONE:-b}", "b"},
		{"${NONE:-}x", "x"},
		{"${NONE:-a:-b}", "a:-b"},
		{"${EMPTY:-b}", "b"},
		{"${EMPTY}x", "x"},
		{"${EMPTY}", NULL}, /* a user must not be empty */
		{"$$A", "$A"},
		{"$${A}", "${A}"},
		{"$A", "$A"},
		{"a$", "a$"},
		{"$$$$", "$$"},
		{"${DOLLAR}", "${A}"}, /* not expanded again */
		{"${NONE}", NULL},
		{"${A", NULL},
		{"${A-b}", NULL},
		{"${BELL}", NULL},
		{"${LATIN}", NULL},
		{"${_x9:-ok}", "ok"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		char text[256];
		struct buf out = BUF_INIT;
		snprintf(text, sizeof(text), "user: '%s'\n" BASE, cases[i].text);
		struct conf_source *src = source_of(text);
		add(src, SOURCE_ENV, "A", STR("alpha"));
		add(src, SOURCE_ENV, "EMPTY", STR(""));
		add(src, SOURCE_ENV, "DOLLAR", STR("${A}"));
		add(src, SOURCE_ENV, "BELL", STR("\a"));
		add(src, SOURCE_ENV, "LATIN", STR("\xfc"));
		struct conf *c = load_report(src, "t.yaml", &out);
		if (cases[i].user ? !c || strcmp(c->user, cases[i].user) != 0 : c != NULL)
			fail_msg("%s: %s%s", cases[i].text, c ? c->user : "refused: ", out.p);
		conf_unref(&c);
		buf_fini(&out);
		conf_source_free(&src);
	}
}

static void test_references(void **state)
{
	struct conf *c = load_text(BASE), *other = conf_ref(c);

	(void)state;
	assert_ptr_equal(c, other);
	conf_unref(&c);
	assert_string_equal(other->user, "tiercel");
	conf_unref(&other);
	conf_unref(&other);
	assert_null(conf_ref(NULL));
}

/* A billion laughs needs anchors; depth and number are bounded besides. */
static void test_large(void **state)
{
	struct buf text = BUF_INIT, out = BUF_INIT;

	(void)state;
	buf_c(&text, NO_ROUTES "routes:\n");
	for (int i = 0; i < 4097; i++)
		buf_c(&text, "- {upstream: app}\n");
	buf_char(&text, 0);
	struct conf_source *src = source_of(text.p);
	assert_null(load_report(src, "t.yaml", &out));
	assert_string_equal(out.p, "t.yaml:3:1: routes: too many entries; 4096 are allowed\n");
	conf_source_free(&src);
	buf_reset(&text);
	buf_reset(&out);
	buf_c(&text, "a: [");
	for (int i = 0; i < 200001; i++)
		buf_c(&text, "a,");
	buf_c(&text, "]\n");
	buf_char(&text, 0);
	src = source_of(text.p);
	assert_null(load_report(src, "t.yaml", &out));
	assert_non_null(strstr(out.p, "too many values in one file; 200000 are allowed\n"));
	conf_source_free(&src);
	buf_fini(&text);
	buf_fini(&out);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* From the file system: sorted by bytes, each thing read once. */
static void test_files(void **state)
{
	char dir[] = "/tmp/test_load.XXXXXX", path[128];
	struct conf_source *src = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (const char *name = "Bac"; *name; name++) {
		char text[128];
		snprintf(path, sizeof(path), "%s/%c.inc", dir, *name);
		snprintf(text, sizeof(text), "routes: [{match: {path: /%c}, upstream: app}]\n",
			 *name);
		write_file(path, text);
	}
	snprintf(path, sizeof(path), "%s/main.yaml", dir);
	write_file(
		path,
		"include: ['*.inc', nowhere/*.yaml, main.yaml/*]\nuser: ${TEST_LOAD_USER}\n" BASE);
	assert_int_equal(setenv("TEST_LOAD_USER", "eve", 1), 0);
	assert_int_equal(conf_source_new(&src), 0);
	struct conf *c = load_good(src, path);
	assert_string_equal(c->user, "eve");
	assert_int_equal(c->n_routes, 4);
	assert_string_equal(c->routes[1].match.path, "/B");
	assert_string_equal(c->routes[2].match.path, "/a");
	assert_string_equal(c->routes[3].match.path, "/c");
	conf_unref(&c);
	/* What was read stays read. */
	write_file(path, "nonsense");
	assert_int_equal(setenv("TEST_LOAD_USER", "bob", 1), 0);
	c = load_good(src, path);
	assert_string_equal(c->user, "eve");
	conf_unref(&c);
	conf_source_free(&src);
	assert_int_equal(unlink(path), 0);
	for (const char *name = "Bac"; *name; name++) {
		snprintf(path, sizeof(path), "%s/%c.inc", dir, *name);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* What is no plain file is refused, and a FIFO does not hang the reader. */
static void test_no_plain_file(void **state)
{
	char dir[] = "/tmp/test_load.XXXXXX", fifo[64], link[64], large[64], expected[128];
	struct conf_source *src = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	snprintf(large, sizeof(large), "%s/large", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink(link, link), 0);
	write_file(large, "");
	assert_int_equal(truncate(large, SOURCE_YAML_MAX + 1), 0);
	const struct {
		const char *path, *why;
	} cases[] = {
		{dir, "Is a directory"},
		{fifo, "not a plain file"},
		{link, "Too many levels of symbolic links"},
		{large, "larger than 4 MiB"},
		{"/nowhere/x", "No such file or directory"},
		{"", "not a plain file"},
	};
	assert_int_equal(conf_source_new(&src), 0);
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct buf out = BUF_INIT;
		assert_null(load_report(src, cases[i].path, &out));
		snprintf(expected, sizeof(expected), "%s: cannot be read: %s\n", cases[i].path,
			 cases[i].why);
		assert_string_equal(out.p, expected);
		buf_fini(&out);
	}
	conf_source_free(&src);
	assert_int_equal(unlink(fifo) | unlink(link) | unlink(large) | rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),       cmocka_unit_test(test_everything),
		cmocka_unit_test(test_cache_defaults), cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_sizes),    cmocka_unit_test(test_block_origin),
		cmocka_unit_test(test_route_names),    cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_include),	       cmocka_unit_test(test_bad_includes),
		cmocka_unit_test(test_include_depth),  cmocka_unit_test(test_environment),
		cmocka_unit_test(test_references),     cmocka_unit_test(test_large),
		cmocka_unit_test(test_files),	       cmocka_unit_test(test_no_plain_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
