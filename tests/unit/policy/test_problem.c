/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The error types of RFC 9209 2.3, in its order. */
static const char *const registry[] = {
	"dns_timeout",
	"dns_error",
	"destination_not_found",
	"destination_unavailable",
	"destination_ip_prohibited",
	"destination_ip_unroutable",
	"connection_refused",
	"connection_terminated",
	"connection_timeout",
	"connection_read_timeout",
	"connection_write_timeout",
	"connection_limit_reached",
	"tls_protocol_error",
	"tls_certificate_error",
	"tls_alert_received",
	"http_request_error",
	"http_request_denied",
	"http_response_incomplete",
	"http_response_header_section_size",
	"http_response_header_size",
	"http_response_body_size",
	"http_response_trailer_section_size",
	"http_response_trailer_size",
	"http_response_transfer_coding",
	"http_response_content_coding",
	"http_response_timeout",
	"http_upgrade_failed",
	"http_protocol_error",
	"proxy_internal_response",
	"proxy_internal_error",
	"proxy_configuration_error",
	"proxy_loop_detected",
};

static void every_row(void **state)
{
	(void)state;
	for (int e = 1; e < PROXY_ERROR_COUNT; e++) {
		bool known = problem_token(e).n == 0;
		for (size_t i = 0; i < COUNTOF(registry); i++)
			known |= str_eq(problem_token(e), str_c(registry[i]));
		if (!known)
			fail_msg("%s: not a token of RFC 9209", problem_name(e));
		assert_in_range(problem_status(e), 400, 599);
		assert_true(problem_detail(e).n > 0);
		char body[PROBLEM_ROOM];
		struct http_writer w;
		http_write_init(&w, body, sizeof(body));
		problem_body(&w, e, STR_NONE, STR("x"));
		assert_false(w.overflow);
	}
}

static void bodies(void **state)
{
	static const struct {
		enum proxy_error error;
		const char *detail, *id, *want;
	} rows[] = {
		{PROXY_ERROR_no_route, "", "",
		 "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
		 "\"detail\":\"No route matches this request.\"}\n"},
		{PROXY_ERROR_bad_request, "say \"no\" \\ \n\x7f\xff", "a-1",
		 "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
		 "\"detail\":\"say \\\"no\\\" \\\\ \\u000a\\u007f\\ufffd\","
		 "\"instance\":\"urn:tiercel:a-1\"}\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		char body[PROBLEM_ROOM];
		struct http_writer w;
		http_write_init(&w, body, sizeof(body) - 1);
		problem_body(&w, rows[i].error, str_c(rows[i].detail), str_c(rows[i].id));
		*w.at = '\0';
		assert_string_equal(body, rows[i].want);
	}
}

/* The worst detail and id still fit. */
static void long_detail(void **state)
{
	char body[PROBLEM_ROOM], bad[5000];
	struct http_writer w;

	(void)state;
	memset(bad, 0xFF, sizeof(bad));
	http_write_init(&w, body, sizeof(body));
	problem_body(&w, PROXY_ERROR_http_response_header_section_size, str_of(bad, sizeof(bad)),
		     str_of(bad, sizeof(bad)));
	assert_false(w.overflow);
}

static void proxy_status(void **state)
{
	static const struct {
		enum proxy_error error;
		const char *details, *next_hop, *want;
	} rows[] = {
		{PROXY_ERROR_connection_refused, "", "",
		 "Proxy-Status: tiercel; error=connection_refused\r\n"},
		{PROXY_ERROR_queue_full, "queue is full", "10.0.0.1:80",
		 "Proxy-Status: tiercel; error=connection_limit_reached; next-hop=\"10.0.0.1:80\"; "
		 "details=\"queue is full\"\r\n"},
		/* RFC 9651 3.3.3: visible ASCII, quote and backslash escaped */
		{PROXY_ERROR_dns_error, "a\"b\\c\r\nd\xff", "",
		 "Proxy-Status: tiercel; error=dns_error; details=\"a\\\"b\\\\c??d?\"\r\n"},
		{PROXY_ERROR_NONE, "x", "y", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNTOF(rows); i++) {
		char line[512];
		struct http_writer w;
		http_write_init(&w, line, sizeof(line) - 1);
		problem_proxy_status(&w, rows[i].error, str_c(rows[i].details),
				     str_c(rows[i].next_hop));
		*w.at = '\0';
		assert_string_equal(line, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(bodies),
		cmocka_unit_test(long_detail),
		cmocka_unit_test(proxy_status),
	};

	return cmocka_run_group_tests_name("policy/problem", tests, NULL, NULL);
}
