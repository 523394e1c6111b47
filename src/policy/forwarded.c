/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/forwarded.h"

#include "base/check.h"
#include "http/target.h"
#include "policy/headers.h"

void forwarded_peer_init(struct forwarded_peer *p, const struct ip_addr *ip,
			 const struct forwarded_trust *trust)
{
	p->ip = *ip;
	p->text_n = (uint8_t)ip_text(ip, p->text);
	p->trusted = ip->family ? cidr_set_has(trust->proxies, ip) : trust->unix_peers;
}

/* Reading. */

/* The elements of a chain, rightmost last; if there are more than fit, the leftmost are gone. */
struct chain {
	struct str items[FORWARDED_MAX];
	unsigned n;    /* elements kept */
	unsigned next; /* where the next one goes; a ring */
};

static void chain_add(struct chain *c, struct str item)
{
	c->items[c->next] = item;
	c->next = (c->next + 1) % FORWARDED_MAX;
	c->n += c->n < FORWARDED_MAX;
}

/* The <i>th element from the right. */
static struct str chain_from_right(const struct chain *c, unsigned i)
{
	ASSERT(i < c->n);
	return c->items[(c->next + FORWARDED_MAX - 1 - i) % FORWARDED_MAX];
}

/* Is a quoted string left open at the end? Then a client has tried to swallow what follows. */
static bool open_quote(struct str s)
{
	bool open = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			open = !open;
		else if (s.p[i] == '\\' && open)
			i++;
	}
	return open;
}

static bool any_open_quote(const struct http_msg *m)
{
	for (const struct http_field *f = http_find(m, HTTP_FIELD_FORWARDED); f;
	     f = http_find_next(m, f))
		if (open_quote(http_field_value(m, f)))
			return true;
	return false;
}

/* Quotes count in Forwarded alone, and only where they are balanced. */
static void collect(struct chain *c, const struct http_msg *m, enum http_field_id id)
{
	struct str rest, item;

	c->n = c->next = 0;
	for (const struct http_field *f = http_find(m, id); f; f = http_find_next(m, f)) {
		rest = http_field_value(m, f);
		bool quotes = id == HTTP_FIELD_FORWARDED && !open_quote(rest);
		while (quotes ? http_list_next(&rest, &item) : str_next(&rest, ',', &item)) {
			item = str_trim(item);
			if (item.n)
				chain_add(c, item);
		}
	}
}

/* Takes "name=value" off the front of a Forwarded element (RFC 7239 4); the value unquoted. */
static bool next_pair(struct str *rest, struct str *name, struct str *value)
{
	size_t n = 0;
	bool quoted = false;

	if (!rest->n)
		return false;
	for (; n < rest->n && (quoted || rest->p[n] != ';'); n++)
		quoted ^= rest->p[n] == '"';
	struct str pair = str_trim(str_of(rest->p, n));
	size_t used = MIN(n + 1, rest->n);
	*rest = str_of(rest->p + used, rest->n - used);
	ssize_t equals = str_find(pair, '=');
	*name = str_of(pair.p, equals < 0 ? 0 : (size_t)equals);
	*value = str_of(pair.p + equals + 1, pair.n - (size_t)(equals + 1));
	/* What needs a backslash is no address, name or scheme: the checks behind refuse it. */
	if (value->n >= 2 && value->p[0] == '"' && value->p[value->n - 1] == '"')
		*value = str_of(value->p + 1, value->n - 2);
	return true;
}

static struct str parameter(struct str element, const char *wanted)
{
	struct str name, value;

	while (next_pair(&element, &name, &value))
		if (str_ieq(name, str_c(wanted)))
			return value;
	return STR_NONE;
}

/* The address that an element of either kind names. */
static int element_ip(struct str element, bool standard, struct ip_addr *out_ip)
{
	return ip_parse_node(standard ? parameter(element, "for") : element, out_ip);
}

static struct str valid_scheme(struct str s)
{
	if (str_ieq(s, STR("https")))
		return STR("https");
	return str_ieq(s, STR("http")) ? STR("http") : STR_NONE;
}

static struct str valid_host(struct str s)
{
	struct str host, port;

	return http_authority_parse(s, &host, &port) == 0 ? s : STR_NONE;
}

/* The last member of the last line: what the peer itself wrote. */
static struct str last_member(const struct http_msg *m, enum http_field_id id)
{
	struct str rest, item, last = STR_NONE;

	for (const struct http_field *f = http_find(m, id); f; f = http_find_next(m, f)) {
		rest = http_field_value(m, f);
		while (str_next(&rest, ',', &item))
			last = str_trim(item);
	}
	return last;
}

/*
 * Walks the chain from the right. Returns the element that named the client, or an empty slice
 * when the client is the peer.
 */
static struct str walk(const struct forwarded_peer *p, const struct forwarded_trust *trust,
		       const struct chain *c, bool standard, struct ip_addr *ip)
{
	struct str believed = STR_NONE;
	bool trusted = p->trusted;

	*ip = p->ip;
	for (unsigned i = 0; trusted && i < c->n; i++) {
		struct str element = chain_from_right(c, i);
		struct ip_addr next;
		if (element_ip(element, standard, &next))
			break;
		*ip = next;
		believed = element;
		trusted = cidr_set_has(trust->proxies, &next);
	}
	return believed;
}

void forwarded_client(const struct forwarded_peer *p, const struct forwarded_trust *trust,
		      const struct http_msg *m, struct forwarded_client *out_client)
{
	struct forwarded_client client = {.ip = p->ip};
	struct chain c;

	if (p->trusted) {
		bool standard = !http_find(m, HTTP_FIELD_X_FORWARDED_FOR);
		collect(&c, m, standard ? HTTP_FIELD_FORWARDED : HTTP_FIELD_X_FORWARDED_FOR);
		struct str believed = walk(p, trust, &c, standard, &client.ip);
		client.proto = valid_scheme(last_member(m, HTTP_FIELD_X_FORWARDED_PROTO));
		client.host = valid_host(last_member(m, HTTP_FIELD_X_FORWARDED_HOST));
		if (standard && !client.proto.n)
			client.proto = valid_scheme(parameter(believed, "proto"));
		if (standard && !client.host.n)
			client.host = valid_host(parameter(believed, "host"));
	}
	*out_client = client;
}

/* Writing. */

/* Every line of a field, joined by commas; returns whether there was anything. */
static bool write_joined(struct http_writer *w, const struct http_msg *m, enum http_field_id id)
{
	bool any = false;

	for (const struct http_field *f = http_find(m, id); f; f = http_find_next(m, f)) {
		struct str value = http_field_value(m, f);
		if (!value.n)
			continue;
		if (any)
			http_write_lit(w, ", ");
		http_write_str(w, value);
		any = true;
	}
	return any;
}

/* A Forwarded chain as a list of addresses (RFC 7239 7.4). */
static bool write_as_addresses(struct http_writer *w, const struct http_msg *m)
{
	struct chain c;
	struct ip_addr ip;
	char text[IP_TEXT];

	collect(&c, m, HTTP_FIELD_FORWARDED);
	for (unsigned i = c.n; i-- > 0;) {
		if (i + 1 < c.n)
			http_write_lit(w, ", ");
		if (element_ip(chain_from_right(&c, i), true, &ip))
			http_write_lit(w, "unknown");
		else
			http_write_bytes(w, text, ip_text(&ip, text));
	}
	return c.n > 0;
}

static void write_for(struct http_writer *w, const struct http_msg *m,
		      const struct forwarded_out *o)
{
	char *start = w->at;
	bool any = false;

	http_write_lit(w, "X-Forwarded-For: ");
	if (o->peer->trusted) {
		if (http_find(m, HTTP_FIELD_X_FORWARDED_FOR))
			any = write_joined(w, m, HTTP_FIELD_X_FORWARDED_FOR);
		else if (http_find(m, HTTP_FIELD_FORWARDED))
			any = write_as_addresses(w, m);
	}
	if (!any && !o->peer->text_n) {
		w->at = start; /* a unix socket's peer has no address to tell */
		return;
	}
	if (any && o->peer->text_n)
		http_write_lit(w, ", ");
	http_write_bytes(w, o->peer->text, o->peer->text_n);
	http_write_lit(w, "\r\n");
}

/* A value of Forwarded: a token, or else a quoted string (RFC 7239 4). */
static void write_value(struct http_writer *w, struct str value)
{
	if (http_is_token(value)) {
		http_write_str(w, value);
		return;
	}
	http_write_lit(w, "\"");
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"' || value.p[i] == '\\')
			http_write_lit(w, "\\");
		http_write_bytes(w, value.p + i, 1);
	}
	http_write_lit(w, "\"");
}

/* "for=..." with an IPv6 address in brackets and quotes (RFC 7239 6). */
static void write_node(struct http_writer *w, struct str address)
{
	if (!address.n) {
		http_write_lit(w, "for=unknown");
	} else if (str_find(address, ':') >= 0) {
		http_write_lit(w, "for=\"[");
		http_write_str(w, address);
		http_write_lit(w, "]\"");
	} else {
		http_write_lit(w, "for=");
		http_write_str(w, address);
	}
}

static void write_host_proto(struct http_writer *w, struct str host, struct str proto)
{
	if (host.n) {
		http_write_lit(w, ";host=");
		write_value(w, host);
	}
	if (proto.n) {
		http_write_lit(w, ";proto=");
		http_write_str(w, proto); /* "http" or "https" */
	}
}

/* A list of addresses as a Forwarded chain; what else is known belongs to its first hop. */
static bool write_as_elements(struct http_writer *w, const struct http_msg *m,
			      const struct forwarded_client *client)
{
	struct chain c;
	struct ip_addr ip;
	char text[IP_TEXT];

	collect(&c, m, HTTP_FIELD_X_FORWARDED_FOR);
	for (unsigned i = c.n; i-- > 0;) {
		bool known = element_ip(chain_from_right(&c, i), false, &ip) == 0;
		write_node(w, str_of(text, known ? ip_text(&ip, text) : 0));
		if (i + 1 == c.n)
			write_host_proto(w, client->host, client->proto);
		http_write_lit(w, ", ");
	}
	return c.n > 0;
}

static void write_forwarded(struct http_writer *w, const struct http_msg *m,
			    const struct forwarded_out *o)
{
	http_write_lit(w, "Forwarded: ");
	if (o->peer->trusted) {
		/* a broken chain would swallow our own element: it is not continued */
		if (http_find(m, HTTP_FIELD_FORWARDED)) {
			if (!any_open_quote(m) && write_joined(w, m, HTTP_FIELD_FORWARDED))
				http_write_lit(w, ", ");
		} else {
			write_as_elements(w, m, o->client);
		}
	}
	write_node(w, str_of(o->peer->text, o->peer->text_n));
	write_host_proto(w, o->host, o->scheme);
	http_write_lit(w, "\r\n");
}

void forwarded_write(struct http_writer *w, const struct http_msg *m, const struct forwarded_out *o)
{
	struct str proto = o->client->proto.n ? o->client->proto : o->scheme;
	struct str host = o->client->host.n ? o->client->host : o->host;

	if (!headers_replaced(o->ops, HTTP_FIELD_X_FORWARDED_FOR))
		write_for(w, m, o);
	if (!headers_replaced(o->ops, HTTP_FIELD_X_FORWARDED_PROTO))
		http_write_field(w, STR("X-Forwarded-Proto"), proto);
	if (host.n && !headers_replaced(o->ops, HTTP_FIELD_X_FORWARDED_HOST))
		http_write_field(w, STR("X-Forwarded-Host"), host);
	if (!headers_replaced(o->ops, HTTP_FIELD_FORWARDED))
		write_forwarded(w, m, o);
}
