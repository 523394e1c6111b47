/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a request's fields do to the fields sent upstream: the input is a request's field lines; the
 * first byte says who the peer is and what is trusted. What is written must be a good request
 * again, with nothing in it that belongs to one connection.
 * fuzz-sources: src/policy/forwarded.c src/policy/headers.c src/policy/headers_write.c
 * fuzz-sources: src/policy/ip.c src/http src/base/str.c src/base/check.c src/base/err.c
 * fuzz-dict: tests/fuzz/http.dict
 */
#include "fuzz.h"
#include "http/parse.h"
#include "policy/forwarded.h"
#include "policy/headers.h"

static const char start[] = "GET / HTTP/1.1\r\nHost: h\r\n";

struct head {
	struct http_msg msg;
	struct http_field fields[64];
};

static bool parse(struct head *h, const char *text, size_t n)
{
	struct http_parser p;

	h->msg.fields = h->fields;
	h->msg.max_fields = COUNTOF(h->fields);
	http_parser_init(&p, &h->msg, HTTP_REQUEST, 8192);
	return http_parse(&p, text, n) == HTTP_DONE;
}

static struct forwarded_peer peer(unsigned choice, const struct forwarded_trust *trust)
{
	static const uint8_t addresses[2][16] = {{10, 0, 0, 1}, {192, 0, 2, 1}};
	static const uint8_t v6[16] = {0xFD, [15] = 1};
	struct ip_addr ip = ip_from_bytes(0, NULL);
	struct forwarded_peer p;

	if (choice < 2)
		ip = ip_from_bytes(4, addresses[choice]);
	else if (choice == 2)
		ip = ip_from_bytes(6, v6);
	forwarded_peer_init(&p, &ip, trust);
	return p;
}

/* The request as it would go upstream, parsed again. */
static void check_written(struct head *h, const struct forwarded_peer *p,
			  const struct forwarded_client *c)
{
	static char out[32768];
	static struct head again;
	struct forwarded_out o = {p, c, STR("http"), STR("h"), NULL};
	struct http_writer w;

	http_write_init(&w, out, sizeof(out));
	http_write_lit(&w, "GET / HTTP/1.1\r\n");
	http_write_fields(&w, &h->msg);
	forwarded_write(&w, &h->msg, &o);
	headers_write_via(&w, &h->msg, NULL);
	headers_write_connection(&w, &h->msg, h->msg.upgrade ? HEADERS_UPGRADE : 0);
	http_write_lit(&w, "\r\n");
	MUST(!w.overflow);
	again.msg.max_fields = COUNTOF(again.fields);
	if (h->msg.n_fields + 8u > COUNTOF(again.fields) || http_write_n(&w) > 8192)
		return;
	MUST(parse(&again, out, http_write_n(&w)));
	MUST(!http_find(&again.msg, HTTP_FIELD_KEEP_ALIVE) &&
	     !http_find(&again.msg, HTTP_FIELD_TE));
	struct http_field *f = http_find(&again.msg, HTTP_FIELD_FORWARDED);
	MUST(f && !http_find_next(&again.msg, f));
	f = http_find(&again.msg, HTTP_FIELD_X_FORWARDED_PROTO);
	MUST(f && !http_find_next(&again.msg, f));
}

/* Our own element is the last one, whatever came before it. */
static void check_own_element(const struct forwarded_peer *p, const struct forwarded_client *c,
			      const struct http_msg *m)
{
	static char out[32768];
	struct forwarded_out o = {p, c, STR("http"), STR("h"), NULL};
	struct http_writer w;
	struct str rest, member, last = STR_NONE;

	http_write_init(&w, out, sizeof(out));
	forwarded_write(&w, m, &o);
	MUST(!w.overflow);
	w.at[-2] = '\0'; /* Forwarded is the last line */
	const char *at = strstr(out, "\r\nForwarded: ");
	MUST(at);
	rest = str_c(at + 13);
	while (http_list_next(&rest, &member))
		last = member;
	MUST(str_ends(last, STR(";host=h;proto=http")) && str_starts(last, STR("for=")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct cidr trusted[] = {{4, 8, {10}}, {6, 8, {0xFD}}};
	static struct cidr_set *set;
	static char text[4096];
	static struct head h;

	if (!set)
		MUST(cidr_set_new(trusted, COUNTOF(trusted), &set) == 0);
	if (n == 0 || n > 2048)
		return 0;
	struct forwarded_trust trust = {set, data[0] & 4};
	struct forwarded_peer p = peer(data[0] & 3, &trust);
	struct forwarded_client c;
	struct headers_request how = {.write_forwarded = true, .peer_trusted = p.trusted};
	size_t start_n = sizeof(start) - 1;

	memcpy(text, start, start_n);
	memcpy(text + start_n, data + 1, n - 1);
	memcpy(text + start_n + n - 1, "\r\n", 2);
	if (!parse(&h, text, start_n + n + 1))
		return 0;
	forwarded_client(&p, &trust, &h.msg, &c);
	MUST(p.trusted || ip_eq(&c.ip, &p.ip));
	MUST(p.trusted || (!c.proto.n && !c.host.n));
	headers_via_count(&h.msg);
	check_own_element(&p, &c, &h.msg);
	if (headers_mark_request(&h.msg, &how) == 0)
		check_written(&h, &p, &c);
	return 0;
}
