/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "dns_server.h"

/* All that one test needs. Lifetimes and pauses are short, so that nothing takes long. */
struct world {
	struct loop *loop;
	struct dns_server dns;
	struct resolver *resolver;
	struct resolve_watch *watch;
	unsigned calls; /* of the watch's callback */
	bool unwatch_inside;
	char hosts[64]; /* the hosts file */
	struct loop_timer guard;
};

static void on_change(void *arg, const struct resolve_set *set)
{
	struct world *w = arg;

	w->calls++;
	assert_ptr_equal(set, resolve_set(w->watch));
	if (w->unwatch_inside)
		resolve_unwatch(&w->watch);
}

static void write_hosts(struct world *w, const char *text)
{
	FILE *f = fopen(w->hosts, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A resolver with short times, in place of the one before. */
static void start(struct world *w)
{
	struct resolver_settings s = {
		.hosts_file = w->hosts,
		.nameserver = w->dns.address,
		.timeout = 60 * NS_PER_MS,
		.tries = 1,
		.min_ttl = 50 * NS_PER_MS,
		.max_ttl = 400 * NS_PER_MS,
		.retry_min = 50 * NS_PER_MS,
		.retry_max = 100 * NS_PER_MS,
		.hosts_period = 50 * NS_PER_MS,
	};

	resolver_free(&w->resolver);
	assert_int_equal(resolver_new(w->loop, &s, &w->resolver), 0);
}

static int begin(void **state)
{
	static struct world world;
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	strcpy(w->hosts, "/tmp/tiercel-hosts-XXXXXX");
	close(mkstemp(w->hosts));
	w->loop = loop_new();
	assert_non_null(w->loop);
	dns_server_open(&w->dns, w->loop);
	start(w);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	resolver_free(&w->resolver);
	assert_null(w->resolver);
	loop_timer_clear(w->loop, &w->guard);
	for (int i = 0; i < 3; i++)
		loop_turn(w->loop, false);
	dns_server_close(&w->dns);
	loop_free(&w->loop);
	unlink(w->hosts);
	return 0;
}

static void on_guard(void *arg)
{
	(void)arg;
}

static void turn(struct world *w)
{
	loop_timer_set(w->loop, &w->guard, clock_mono() + 20 * NS_PER_MS, on_guard, w);
	loop_turn(w->loop, true);
}

/* Runs the loop for that long. */
static void run_for(struct world *w, int64_t ns)
{
	for (int64_t until = clock_mono_exact() + ns; clock_mono_exact() < until;)
		turn(w);
}

/* Runs the loop until <cond>, with a deadline. */
#define RUN_UNTIL(w, cond)                                                                         \
	do {                                                                                       \
		int64_t until_ = clock_mono_exact() + 5 * NS_PER_S;                                \
		while (!(cond) && clock_mono_exact() < until_)                                     \
			turn(w);                                                                   \
		assert_true(cond);                                                                 \
	} while (0)

static void watch(struct world *w, const char *name)
{
	assert_int_equal(resolve_watch(w->resolver, name, 80, on_change, w, &w->watch), 0);
}

static const char *set_text(const struct world *w)
{
	static char out[RESOLVE_MAX * SOCK_TEXT];
	const struct resolve_set *set = resolve_set(w->watch);
	char text[SOCK_TEXT];

	out[0] = '\0';
	for (unsigned i = 0; i < set->n; i++) {
		strcat(out, i ? " " : "");
		strcat(out, sock_addr_text(&set->addrs[i], text));
	}
	return out;
}

static void known_at_once(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1:80"},
		{"2001:db8::1", "[2001:db8::1]:80"},
		{"localhost", "127.0.0.1:80 [::1]:80"},
		{"x.LOCALHOST.", "127.0.0.1:80 [::1]:80"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNTOF(rows); i++) {
		watch(w, rows[i].name);
		assert_string_equal(set_text(w), rows[i].want);
		run_for(w, 60 * NS_PER_MS);
		resolve_unwatch(&w->watch);
		assert_null(w->watch);
	}
	assert_int_equal(w->calls, 0);
	assert_int_equal(w->dns.questions, 0);
}

static void no_names(void **state)
{
	static const char *const rows[] = {
		"",    ".",	"a..b",	      ".a",	      "a b",
		"a/b", "[::1]", "1.2.3.4:80", "fe80::1%eth0", "h\xc3\xa9"};
	struct world *w = *state;
	char longest[256];

	for (size_t i = 0; i < COUNTOF(rows); i++)
		if (resolve_watch(w->resolver, rows[i], 80, on_change, w, &w->watch) != ERR_SYNTAX)
			fail_msg("\"%s\" is taken", rows[i]);
	memset(longest, 'a', 254);
	longest[254] = '\0';
	assert_int_equal(resolve_watch(w->resolver, longest, 80, on_change, w, &w->watch),
			 ERR_SYNTAX);
}

static void both_families(void **state)
{
	struct world *w = *state;

	w->dns.a = (struct dns_script){.ttl = 300, .addrs = {"192.0.2.2", "192.0.2.1"}};
	w->dns.aaaa = (struct dns_script){.ttl = 300, .addrs = {"2001:db8::1"}};
	watch(w, "app.example");
	assert_int_equal(resolve_set(w->watch)->n, 0);
	RUN_UNTIL(w, w->calls == 1);
	assert_string_equal(set_text(w), "192.0.2.2:80 192.0.2.1:80 [2001:db8::1]:80");
	assert_int_equal(resolve_failures(w->watch), 0);
	assert_string_equal(resolve_error(w->watch), "");
}

/* Lifetimes are clamped: these 0 s are 50 ms here, and a day is 400 ms. */
static void lifetimes(void **state)
{
	struct world *w = *state;
	struct resolver_counts c;

	w->dns.a = (struct dns_script){.ttl = 0, .addrs = {"192.0.2.1", "192.0.2.2"}};
	watch(w, "app.example");
	RUN_UNTIL(w, w->calls == 1 && w->dns.questions >= 6);
	/* the same set in another order is no change */
	w->dns.a = (struct dns_script){.ttl = 0, .addrs = {"192.0.2.2", "192.0.2.1"}};
	unsigned before = w->dns.questions;
	RUN_UNTIL(w, w->dns.questions >= before + 4);
	assert_int_equal(w->calls, 1);
	assert_string_equal(set_text(w), "192.0.2.1:80 192.0.2.2:80");
	w->dns.a = (struct dns_script){.ttl = 86400, .addrs = {"192.0.2.3"}};
	RUN_UNTIL(w, w->calls == 2);
	assert_string_equal(set_text(w), "192.0.2.3:80");
	int64_t since = clock_mono_exact();
	w->dns.a.addrs[0] = "192.0.2.4";
	RUN_UNTIL(w, w->calls == 3);
	assert_true(clock_mono_exact() - since > 300 * NS_PER_MS);
	resolver_counts(w->resolver, &c);
	assert_int_equal(c.changes, 3);
	assert_int_equal(c.failures, 0);
	assert_int_equal(c.lookups * 2, w->dns.questions);
}

struct failure_row {
	const char *why;
	struct dns_script a, aaaa;
	const char *error;
	bool timed_out;
};

static const struct failure_row failure_rows[] = {
	/* the library waits for a better answer, and none comes */
	{"server failure",
	 {.rcode = 2},
	 {.rcode = 2},
	 "no name server gave an answer in time",
	 true},
	{"no such name", {.rcode = 3}, {.rcode = 3}, "no such name", false},
	{"no data", {.ttl = 0}, {.ttl = 0}, "the name has no address", false},
	{"refused", {.rcode = 5}, {.rcode = 5}, "the name server refused to answer", false},
	{"silence",
	 {.silent = true},
	 {.silent = true},
	 "no name server gave an answer in time",
	 true},
};

/* From nothing to failure to good; then the failure again, which takes nothing away. */
static void fail_and_recover(struct world *w, const struct failure_row *row)
{
	w->calls = 0;
	w->dns.a = row->a;
	w->dns.aaaa = row->aaaa;
	watch(w, "app.example");
	RUN_UNTIL(w, resolve_failures(w->watch) >= 2);
	assert_int_equal(w->calls, 0);
	if (strcmp(resolve_error(w->watch), row->error) != 0)
		fail_msg("%s: %s", row->why, resolve_error(w->watch));
	assert_int_equal(resolve_timed_out(w->watch), row->timed_out);
	w->dns.a = (struct dns_script){.addrs = {"192.0.2.1"}};
	w->dns.aaaa = (struct dns_script){.ttl = 0};
	RUN_UNTIL(w, w->calls == 1);
	assert_int_equal(resolve_failures(w->watch), 0);
	assert_string_equal(resolve_error(w->watch), "");
	w->dns.a = row->a;
	w->dns.aaaa = row->aaaa;
	RUN_UNTIL(w, resolve_failures(w->watch) >= 1);
	assert_int_equal(w->calls, 1);
	assert_string_equal(set_text(w), "192.0.2.1:80");
	resolve_unwatch(&w->watch);
}

static void failures(void **state)
{
	struct world *w = *state;
	struct resolver_counts c;

	for (size_t i = 0; i < COUNTOF(failure_rows); i++)
		fail_and_recover(w, &failure_rows[i]);
	resolver_counts(w->resolver, &c);
	assert_true(c.failures >= 3 * COUNTOF(failure_rows));
}

/* A failure of one family neither hides the other nor takes its last good addresses away. */
static void one_family_fails(void **state)
{
	struct world *w = *state;

	w->dns.a = (struct dns_script){.addrs = {"192.0.2.1"}};
	w->dns.aaaa = (struct dns_script){.rcode = 3};
	watch(w, "app.example");
	RUN_UNTIL(w, w->calls == 1);
	assert_string_equal(set_text(w), "192.0.2.1:80");
	w->dns.aaaa = (struct dns_script){.addrs = {"2001:db8::1"}};
	RUN_UNTIL(w, w->calls == 2);
	w->dns.aaaa = (struct dns_script){.rcode = 2};
	unsigned before = w->dns.questions;
	RUN_UNTIL(w, w->dns.questions >= before + 4);
	assert_string_equal(set_text(w), "192.0.2.1:80 [2001:db8::1]:80");
	assert_int_equal(w->calls, 2);
	/* no data is an answer: the address is gone */
	w->dns.aaaa = (struct dns_script){.ttl = 0};
	RUN_UNTIL(w, w->calls == 3);
	assert_string_equal(set_text(w), "192.0.2.1:80");
}

static void aliases(void **state)
{
	struct world *w = *state;

	w->dns.a = (struct dns_script){.ttl = 60, .cname = true, .addrs = {"192.0.2.1"}};
	w->dns.aaaa = (struct dns_script){.ttl = 60, .cname = true};
	watch(w, "app.example");
	RUN_UNTIL(w, w->calls == 1);
	assert_string_equal(set_text(w), "192.0.2.1:80");
}

static void many_addresses(void **state)
{
	static char texts[20][24];
	struct world *w = *state;

	for (int i = 0; i < 20; i++) {
		snprintf(texts[i], sizeof(texts[i]), "192.0.2.%d", i);
		w->dns.a.addrs[i] = texts[i];
	}
	w->dns.aaaa = (struct dns_script){.addrs = {"2001:db8::1"}};
	watch(w, "app.example");
	RUN_UNTIL(w, w->calls == 1);
	assert_int_equal(resolve_set(w->watch)->n, RESOLVE_MAX);
}

static void hosts_file(void **state)
{
	struct world *w = *state;

	w->dns.a = (struct dns_script){.addrs = {"192.0.2.1"}};
	write_hosts(w, "10.0.0.1 app.example localhost\n");
	start(w);
	watch(w, "app.example");
	assert_string_equal(set_text(w), "10.0.0.1:80");
	assert_int_equal(w->calls, 0);
	run_for(w, 120 * NS_PER_MS);
	assert_int_equal(w->dns.questions, 0);
	write_hosts(w, "10.0.0.22 app.example\n");
	RUN_UNTIL(w, w->calls == 1);
	assert_string_equal(set_text(w), "10.0.0.22:80");
	write_hosts(w, "");
	RUN_UNTIL(w, w->calls == 2);
	assert_string_equal(set_text(w), "192.0.2.1:80");
	/* it comes back while a question is on its way */
	w->dns.a.silent = true;
	unsigned before = w->dns.questions;
	RUN_UNTIL(w, w->dns.questions > before);
	write_hosts(w, "10.0.0.3 app.example\n");
	RUN_UNTIL(w, w->calls == 3);
	assert_string_equal(set_text(w), "10.0.0.3:80");
}

static void ends_inside(void **state)
{
	struct world *w = *state;

	w->unwatch_inside = true;
	w->dns.a = (struct dns_script){.addrs = {"192.0.2.1"}};
	watch(w, "app.example");
	RUN_UNTIL(w, w->calls == 1);
	assert_null(w->watch);
	run_for(w, 100 * NS_PER_MS);
	assert_int_equal(w->calls, 1);
}

/* Ended while its questions are on their way: the answers find nobody. */
static void ends_early(void **state)
{
	struct world *w = *state;

	w->dns.a = (struct dns_script){.addrs = {"192.0.2.1"}};
	watch(w, "app.example");
	resolve_unwatch(&w->watch);
	run_for(w, 60 * NS_PER_MS);
	w->dns.a.silent = w->dns.aaaa.silent = true;
	watch(w, "app.example");
	RUN_UNTIL(w, w->dns.questions >= 2);
	resolve_unwatch(&w->watch);
	run_for(w, 100 * NS_PER_MS);
	assert_int_equal(w->calls, 0);
	/* and a watch that the resolver's end takes along */
	watch(w, "app.example");
	watch(w, "other.example");
	turn(w);
}

static void hurry(void **state)
{
	struct world *w = *state;
	struct resolver_settings s = {.nameserver = w->dns.address, .hosts_file = w->hosts};

	resolver_free(&w->resolver);
	assert_int_equal(resolver_new(w->loop, &s, &w->resolver), 0);
	w->dns.a = (struct dns_script){.ttl = 300, .addrs = {"192.0.2.1"}};
	int64_t since = clock_mono_exact();
	watch(w, "app.example");
	RUN_UNTIL(w, w->calls == 1);
	w->dns.a.addrs[0] = "192.0.2.2";
	resolve_hurry(w->watch);
	resolve_hurry(w->watch);
	RUN_UNTIL(w, w->calls == 2);
	/* once a second at most */
	assert_true(clock_mono_exact() - since >= 900 * NS_PER_MS);
	assert_int_equal(w->dns.questions, 4);
}

static void bad_nameserver(void **state)
{
	struct world *w = *state;
	struct resolver_settings s = {.nameserver = "no address"};
	struct resolver *r = NULL;

	assert_int_equal(resolver_new(w->loop, &s, &r), ERR_SYNTAX);
	assert_null(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(known_at_once, begin, end),
		cmocka_unit_test_setup_teardown(no_names, begin, end),
		cmocka_unit_test_setup_teardown(both_families, begin, end),
		cmocka_unit_test_setup_teardown(lifetimes, begin, end),
		cmocka_unit_test_setup_teardown(failures, begin, end),
		cmocka_unit_test_setup_teardown(one_family_fails, begin, end),
		cmocka_unit_test_setup_teardown(aliases, begin, end),
		cmocka_unit_test_setup_teardown(many_addresses, begin, end),
		cmocka_unit_test_setup_teardown(hosts_file, begin, end),
		cmocka_unit_test_setup_teardown(ends_inside, begin, end),
		cmocka_unit_test_setup_teardown(ends_early, begin, end),
		cmocka_unit_test_setup_teardown(hurry, begin, end),
		cmocka_unit_test_setup_teardown(bad_nameserver, begin, end),
	};

	return cmocka_run_group_tests_name("net/resolve", tests, NULL, NULL);
}
