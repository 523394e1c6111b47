/* SPDX-License-Identifier: BSD-2-Clause */
/* What --print-config and a reload's reply say. */
#include "conf_test.h"

#include "conf/diff.h"
#include "conf/print.h"

#define CACHE(text) "routes: [{upstream: app, cache: {" text "}}]\n" NO_ROUTES

static void test_diff(void **state)
{
	static const struct {
		const char *before, *after, *report;
		enum conf_reload most;
	} cases[] = {
		{BASE, BASE, "", CONF_RELOAD_NONE},
		{BASE, "# moved\n\n" BASE, "", CONF_RELOAD_NONE},
		{BASE, "shutdown_grace: 30000ms\n" BASE, "", CONF_RELOAD_NONE},
		{BASE, "shutdown_grace: 5s\n" BASE, "live: shutdown_grace: 30s -> 5s\n",
		 CONF_RELOAD_LIVE},
		{BASE, "workers: 4\n" BASE, "needs new workers: workers: auto -> 4\n",
		 CONF_RELOAD_WORKERS},
		{BASE, "user: www\nworkers: 4\nlog: {level: warn}\n" BASE,
		 "needs new workers: workers: auto -> 4\n"
		 "needs a restart: user: tiercel -> www\n"
		 "live: log.level: info -> warn\n",
		 CONF_RELOAD_RESTART},
		{BASE, "admin: {listen: \"127.0.0.1:9\"}\n" BASE,
		 "live: admin.listen: not set -> 127.0.0.1:9\n", CONF_RELOAD_LIVE},
		{BASE, "listeners: [{address: \"127.0.0.1:90\"}]\n" NO_LISTENERS,
		 "live: listeners.127.0.0.1:80: removed\n"
		 "live: listeners.127.0.0.1:90: added\n",
		 CONF_RELOAD_LIVE},
		{BASE,
		 "listeners: [{name: \"127.0.0.1:80\", address: \"127.0.0.1:90\"}]\n" NO_LISTENERS,
		 "live: listeners.127.0.0.1:80.address: 127.0.0.1:80 -> 127.0.0.1:90\n",
		 CONF_RELOAD_LIVE},
		{BASE,
		 "upstreams: {app: {servers: [\"127.0.0.1:82\", \"127.0.0.1:81\"]}}\n" NO_UPSTREAMS,
		 "live: upstreams.app.servers.127.0.0.1:82: added\n", CONF_RELOAD_LIVE},
		{BASE,
		 "upstreams: {app: {servers: [{address: \"127.0.0.1:81\", weight: 2}]}}\n" NO_UPSTREAMS,
		 "live: upstreams.app.servers.127.0.0.1:81.weight: 1 -> 2\n", CONF_RELOAD_LIVE},
		{BASE,
		 "routes: [{upstream: app, access: {deny: [10.0.0.0/8, \"::1\"]}}]\n" NO_ROUTES,
		 "live: routes.default.access.deny: not set -> 10.0.0.0/8, ::1/128\n",
		 CONF_RELOAD_LIVE},
		{BASE,
		 "routes: [{upstream: app, headers: {request: {set: {A: secret}}}}]\n" NO_ROUTES,
		 "live: routes.default.headers.request.set: changed\n", CONF_RELOAD_LIVE},
		{NO_ROUTES
		 "routes: [{name: a, upstream: app}, {name: b, match: {path: /b}, upstream: app}]\n",
		 NO_ROUTES
		 "routes: [{name: b, match: {path: /b}, upstream: app}, {name: a, upstream: app}]\n",
		 "live: routes: in another order\n", CONF_RELOAD_LIVE},
		{NO_ROUTES "routes: [{name: a, match: {path: /x}, upstream: app}]\n",
		 NO_ROUTES "routes: [{name: a, match: {path: \"= /x\"}, upstream: app}]\n",
		 "live: routes.a.match.path: /x -> = /x\n", CONF_RELOAD_LIVE},
		{BASE, "cache: {l1: {size: 1GiB}}\n" BASE,
		 "needs a restart: cache.l1.size: 256MiB -> 1GiB\n", CONF_RELOAD_RESTART},
		{"cache: {l1: {size: 32MiB}}\n" BASE,
		 "cache: {l1: {size: 32MiB, max_object: 1MiB}}\n" BASE,
		 "live: cache.l1.max_object: 8MiB -> 1MiB\n", CONF_RELOAD_LIVE},
		{BASE, CACHE("methods: [GET, HEAD], tags: [Surrogate-Key, Cache-Tag]"), "",
		 CONF_RELOAD_NONE},
		{CACHE("tags: []"), CACHE("targeted: [], tags: a, statuses: {404: 1s, 500: 0s}"),
		 "live: routes.default.cache.statuses: not set -> 404: 1s, 500: 0s\n"
		 "live: routes.default.cache.targeted: CDN-Cache-Control -> []\n"
		 "live: routes.default.cache.tags: [] -> a\n",
		 CONF_RELOAD_LIVE},
		{BASE,
		 CACHE("enabled: false, mode: observe, key: {sort_query: true}, coalesce: {wait: 0}"),
		 "live: routes.default.cache.enabled: true -> false\n"
		 "live: routes.default.cache.mode: enforce -> observe\n"
		 "live: routes.default.cache.key.sort_query: false -> true\n"
		 "live: routes.default.cache.coalesce.wait: 5s -> 0s\n",
		 CONF_RELOAD_LIVE},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(cases); i++) {
		struct conf *a = load_text(cases[i].before), *b = load_text(cases[i].after);
		struct conf_changes changes;
		struct buf out = BUF_INIT;
		conf_diff(a, b, &out, &changes);
		buf_char(&out, 0);
		if (strcmp(out.p, cases[i].report) != 0 || changes.most != cases[i].most)
			fail_msg("row %zu: got\n%s", i, out.p);
		conf_unref(&a);
		conf_unref(&b);
		buf_fini(&out);
	}
}

/* A body file that keeps its name but not its contents is a change. */
static void test_diff_body(void **state)
{
	struct conf *c[2];
	struct conf_changes changes;
	struct buf out = BUF_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct conf_source *src = source_of(
			NO_ROUTES "routes: [{upstream: app, fallback: {body_file: b}}]\n");
		add(src, SOURCE_FILE, "b", i ? STR("new") : STR("old"));
		c[i] = load_good(src, "t.yaml");
		conf_source_free(&src);
	}
	conf_diff(c[0], c[1], &out, &changes);
	buf_char(&out, 0);
	assert_string_equal(out.p, "live: routes.default.fallback.body_file: contents changed\n");
	assert_int_equal(changes.n[CONF_RELOAD_LIVE], 1);
	conf_unref(&c[0]);
	conf_unref(&c[1]);
	buf_fini(&out);
}

#define TRICKY                                                                                               \
	"log: {access: {output: '/a b', format: [time, client]}}\n"                                          \
	"admin: {listen: \"[::1]:80\", health: {max_error_rate: 0.7%}}\n"                                    \
	"listeners: [{address: \"unix:/w x,y\", trusted_proxies: [\"::/0\", 10.0.0.0/8]}]\n"                 \
	"upstreams: {\"~\": {servers: [\"unix:/o\", {address: \"A:1\", weight: 3}]}, \"[a]\": "              \
	"{servers: b:2}}\n"                                                                                  \
	"routes:\n"                                                                                          \
	"  - {upstream: \"~\", match: {path: \"~ ^/[a]{1,2}$$\", host: [\"*.x\", \"[::1]\"]}}\n"             \
	"  - {match: {path: \"= /\"}, answer: {body: \"a\\n\\t\\\"$${X}\\x01\\u00fc\"}}\n"                   \
	"  - {match: {path: /n}, answer: {body: \"\"}}\n"                                                    \
	"  - {name: n, upstream: \"[a]\", max_body: 1.5KiB, timeout: 1.5s, match: {path: /y},\n"             \
	"     headers: {response: {set: {\"~\": \"- x: #\", \"!\": \"\", a$$$b: c}, remove: [A, \"~\"]}}}\n" \
	"  - {name: c, upstream: \"~\", match: {path: /c}, cache: {tags: [], targeted: [], ttl: 1s,\n"       \
	"     override: true, unsafe: [request, no-store], methods: [POST, GET], key_body: 1KiB,\n"          \
	"     statuses: {404: 90s, 503: 0}, key: {query: listed, keep_query: [\"a*\", \"%20\", \"[]\"],\n"   \
	"     headers: \"~\", cookies: \"#\"}, purge: {allow: [\"::1\", 10.0.0.0/8]}}}\n"                    \
	"cache: {l1: {size: 5MiB}}\n"

/* The output is a configuration with the same meaning. */
static void test_print_again(void **state)
{
	struct conf *c = load_text(TRICKY), *again;
	struct conf_changes changes;
	struct buf text = BUF_INIT, out = BUF_INIT;

	(void)state;
	conf_print(c, &text);
	buf_char(&text, 0);
	again = load_text(text.p);
	conf_diff(c, again, &out, &changes);
	buf_char(&out, 0);
	assert_string_equal(out.p, "");
	assert_int_equal(changes.most, CONF_RELOAD_NONE);
	conf_unref(&c);
	conf_unref(&again);
	buf_fini(&text);
	buf_fini(&out);
}

static void must_have_line(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no line \"%s\" in\n%s", line, text);
}

static void test_origins(void **state)
{
	struct conf_source *src = source_of("include: m.yaml\nuser: ${U}\n" BASE);
	struct buf text = BUF_INIT;

	(void)state;
	add(src, SOURCE_FILE, "m.yaml", STR("\nlog: {level: warn}\nshutdown_grace: 90s\n"));
	add(src, SOURCE_ENV, "U", STR("eve"));
	struct conf *c = load_good(src, "t.yaml");
	conf_print(c, &text);
	buf_char(&text, 0);
	must_have_line(text.p, "user: eve                                       "
			       "# t.yaml:2 and the environment\n");
	must_have_line(text.p, "  level: warn                                   # m.yaml:2\n");
	must_have_line(text.p, "shutdown_grace: 90s                             # m.yaml:3\n");
	must_have_line(text.p, "workers: auto                                   # default\n");
	must_have_line(text.p, "      body: 60s                                 # default\n");
	must_have_line(text.p, "    # output: not set\n");
	conf_unref(&c);
	conf_source_free(&src);
	buf_fini(&text);
}

/* Lists, empty ones, maps, and a default that was derived. */
static void test_cache(void **state)
{
	struct conf *c = load_text(
		"cache: {l1: {size: 10MiB}}\n" CACHE("tags: [], key: {ignore_query: [utm_*]},\n"
						     " statuses: {404: 10s, 410: 60s}"));
	struct buf text = BUF_INIT;

	(void)state;
	conf_print(c, &text);
	buf_char(&text, 0);
	must_have_line(text.p, "    size: 10MiB                                 # t.yaml:1\n");
	must_have_line(text.p, "    max_object: 2560KiB                         # default\n");
	must_have_line(text.p, "      methods: [GET, HEAD]                      # default\n");
	must_have_line(text.p, "      tags: []                                  # t.yaml:2\n");
	must_have_line(text.p, "        ignore_query: [\"utm_*\"]                 # t.yaml:2\n");
	must_have_line(text.p, "      statuses:\n"
			       "        404: 10s                                # t.yaml:3\n"
			       "        410: 1m                                 # t.yaml:3\n");
	must_have_line(text.p, "        # keep_query: not set\n");
	must_have_line(text.p, "      stale_if_error: 1h                        # default\n");
	conf_unref(&c);
	buf_fini(&text);
}

/* What may be a secret is neither printed nor told in a diff. */
static void test_secrets(void **state)
{
	struct conf_source *src = source_of(
		NO_ROUTES
		"routes: [{upstream: app, headers: {request: {set: {authorization: Bearer s3cret, "
		"X-T: \"${T}\", X-P: plain}}}}]\n");
	struct buf text = BUF_INIT;

	(void)state;
	add(src, SOURCE_ENV, "T", STR("s3cret"));
	struct conf *c = load_good(src, "t.yaml");
	conf_print(c, &text);
	buf_char(&text, 0);
	assert_null(strstr(text.p, "s3cret"));
	must_have_line(text.p, "X-P: plain");
	must_have_line(text.p, "X-T: (hidden)");
	conf_unref(&c);
	conf_source_free(&src);
	buf_fini(&text);
}

/* Well-formed as far as brackets and quotes go; tests/docs loads it with a JSON parser. */
static void test_schema(void **state)
{
	struct buf out = BUF_INIT;
	int depth = 0;
	bool quoted = false;

	(void)state;
	conf_print_schema(&out);
	assert_int_equal(out.error, 0);
	for (size_t i = 0; i < out.n; i++) {
		if (quoted && out.p[i] == '\\')
			i++;
		else if (out.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (out.p[i] == '{' || out.p[i] == '['))
			depth++;
		else if (!quoted && (out.p[i] == '}' || out.p[i] == ']'))
			depth--;
		assert_true(depth >= 0);
	}
	assert_int_equal(depth, 0);
	assert_false(quoted);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff),	    cmocka_unit_test(test_diff_body),
		cmocka_unit_test(test_print_again), cmocka_unit_test(test_origins),
		cmocka_unit_test(test_secrets),	    cmocka_unit_test(test_schema),
		cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
