/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/web.h"

#include <arpa/inet.h>

/* Cuts ":port" off; what is left of an IPv6 literal keeps its brackets. */
static struct str without_port(struct str host)
{
	for (size_t i = host.n; i > 0 && host.p[i - 1] != ']'; i--) {
		if (host.p[i - 1] == ':')
			return str_of(host.p, i - 1);
	}
	return host;
}

static bool is_loopback_v4(struct str host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr v4;

	if (host.n >= sizeof(text))
		return false;
	str_copy(text, sizeof(text), host);
	return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static bool ends_in_localhost(struct str host)
{
	static const struct str suffix = {".localhost", 10};

	return host.n > suffix.n && str_ieq(str_of(host.p + host.n - suffix.n, suffix.n), suffix);
}

bool web_host_is_local(struct str host, const char *name)
{
	host = without_port(host);
	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	return host.n == 0 || str_ieq(host, STR("localhost")) || ends_in_localhost(host) ||
	       is_loopback_v4(host) || str_eq(host, STR("[::1]")) ||
	       (name && str_ieq(host, str_c(name)));
}
