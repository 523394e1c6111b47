/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hosts file: the first line is the name, the rest the file.
 * fuzz-sources: src/net/hosts.c src/net/sock.c src/base/str.c src/base/buf.c src/base/err.c
 */
#include "fuzz.h"
#include "net/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sock_addr addrs[4];
	char *copy = exact_copy(data, n), text[SOCK_TEXT];
	struct str rest = str_of(copy, n), name;

	if (str_next(&rest, '\n', &name)) {
		unsigned count = hosts_find_in(rest, name, 80, addrs, COUNTOF(addrs));
		MUST(count <= COUNTOF(addrs));
		MUST(count == 0 || name.n > 0);
		for (unsigned i = 0; i < count; i++) {
			MUST(sock_addr_text(&addrs[i], text) == text);
			MUST(i == 0 || !sock_addr_eq(&addrs[i], &addrs[i - 1]));
		}
	}
	free(copy);
	return 0;
}
