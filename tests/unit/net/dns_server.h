/* SPDX-License-Identifier: BSD-2-Clause */
/* A DNS server for tests, in the test's own loop: it answers each question by a script. */
#ifndef TESTS_NET_DNS_SERVER_H
#define TESTS_NET_DNS_SERVER_H

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/sock.h"

enum { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28 };

/* What is answered to questions of one type. */
struct dns_script {
	bool silent;	       /* no answer at all */
	unsigned rcode;	       /* 2 = server failure, 3 = no such name */
	unsigned ttl;	       /* seconds */
	bool cname;	       /* a CNAME record before the addresses */
	const char *addrs[32]; /* texts; none = no data */
};

struct dns_server {
	struct loop_io io;
	int fd;
	char address[32]; /* "127.0.0.1:port" */
	struct dns_script a, aaaa;
	unsigned questions; /* answered or not */
	char name[256];	    /* of the last question */
};

static inline uint8_t *put16(uint8_t *p, unsigned v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

/* Name (a pointer to the question's), type, class, lifetime, length of data. */
static inline uint8_t *put_record(uint8_t *p, unsigned type, unsigned ttl, unsigned n)
{
	p = put16(put16(put16(p, 0xC00C), type), 1);
	return put16(put16(put16(p, ttl >> 16), ttl & 0xFFFF), n);
}

static inline unsigned put_answers(uint8_t **at, const struct dns_script *s, unsigned type)
{
	unsigned count = 0;

	if (s->cname) {
		*at = put_record(*at, DNS_CNAME, s->ttl, 6);
		memcpy(*at, "\3www\300\014", 6); /* www.<name> */
		*at += 6;
		count++;
	}
	for (unsigned i = 0; i < COUNTOF(s->addrs) && s->addrs[i]; i++, count++) {
		unsigned n = type == DNS_A ? 4 : 16;
		*at = put_record(*at, type, s->ttl, n);
		assert_int_equal(inet_pton(n == 4 ? AF_INET : AF_INET6, s->addrs[i], *at), 1);
		*at += n;
	}
	return count;
}

/* Length of the question section's only entry at <p>; its name as text into <out>. */
static inline size_t read_question(const uint8_t *p, char *out, unsigned *out_type)
{
	size_t n = 0;

	while (p[n]) {
		memcpy(out, p + n + 1, p[n]);
		out += p[n];
		*out++ = p[n + 1 + p[n]] ? '.' : '\0';
		n += 1u + p[n];
	}
	*out_type = (unsigned)p[n + 1] << 8 | p[n + 2];
	return n + 5;
}

static inline void dns_on_read(void *arg, unsigned what)
{
	struct dns_server *s = arg;
	uint8_t in[512], out[2048], *at;
	struct sockaddr_in peer;
	socklen_t peer_n = sizeof(peer);
	unsigned type;

	(void)what;
	ssize_t n = recvfrom(s->fd, in, sizeof(in), 0, (struct sockaddr *)&peer, &peer_n);
	if (n < 17)
		return;
	s->questions++;
	size_t question = read_question(in + 12, s->name, &type);
	const struct dns_script *script = type == DNS_A ? &s->a : &s->aaaa;
	if (script->silent)
		return;
	memcpy(out, in, 12 + question);
	put16(out + 2, 0x8180 | script->rcode);
	at = out + 12 + question;
	put16(out + 6, script->rcode ? 0 : put_answers(&at, script, type));
	put16(put16(out + 8, 0), 0);
	sendto(s->fd, out, (size_t)(at - out), 0, (struct sockaddr *)&peer, peer_n);
}

static inline void dns_server_open(struct dns_server *s, struct loop *loop)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	memset(s, 0, sizeof(*s));
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
	snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", ntohs(a.sin_port));
	assert_int_equal(loop_io_add_level(loop, &s->io, s->fd, dns_on_read, s), 0);
}

static inline void dns_server_close(struct dns_server *s)
{
	loop_io_del(&s->io);
	close(s->fd);
}

#endif
