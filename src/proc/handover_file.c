/* SPDX-License-Identifier: BSD-2-Clause */
/* How the description travels: a sealed memfd, and an environment variable that names it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "proc/handover.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static const char *const modes[] = {"", "trial", "upgrade", "resume"};

static int fill(int fd, struct str text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_SYS;
		text = str_of(text.p + n, text.n - (size_t)n);
	}
	return fcntl(fd, F_ADD_SEALS, SEALS) == 0 ? 0 : ERR_SYS;
}

int handover_memfd(const struct handover *h, int *out_fd)
{
	struct buf text = {.cap = HANDOVER_BYTES};
	int fd = -1, rc;

	handover_write(h, &text);
	rc = text.error;
	if (rc == 0) {
		fd = memfd_create("tiercel-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		rc = fd < 0 ? ERR_SYS : fill(fd, buf_slice(&text));
	}
	buf_fini(&text);
	if (rc != 0 && fd >= 0)
		close(fd);
	else if (rc == 0)
		*out_fd = fd;
	return rc;
}

int handover_read(struct handover *h, int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS), rc;
	char *text;
	ssize_t n;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0)
		return ERR_REFUSED;
	if (st.st_size <= 0 || st.st_size > HANDOVER_BYTES)
		return ERR_LIMIT;
	text = malloc((size_t)st.st_size);
	if (!text)
		return ERR_NOMEM;
	n = pread(fd, text, (size_t)st.st_size, 0);
	rc = n == st.st_size ? handover_parse(h, str_of(text, (size_t)n)) : ERR_SYS;
	free(text);
	return rc;
}

void handover_variable(enum handover_mode mode, int fd, char out[64])
{
	ASSERT(mode > HANDOVER_NONE && mode < COUNTOF(modes));
	snprintf(out, 64, "%d:%s:%d", HANDOVER_VERSION, modes[mode], fd);
}

enum handover_mode handover_variable_parse(const char *text, int *out_fd)
{
	struct str rest = str_c(text), version, mode;
	uint64_t v, fd;

	if (!str_next(&rest, ':', &version) || str_u64(version, &v) != 0 || v != HANDOVER_VERSION)
		return HANDOVER_NONE;
	if (!str_next(&rest, ':', &mode) || str_u64(rest, &fd) != 0 || fd < 3 ||
	    fd > HANDOVER_FD_MAX)
		return HANDOVER_NONE;
	for (unsigned i = HANDOVER_TRIAL; i < COUNTOF(modes); i++)
		if (str_eq(mode, str_c(modes[i]))) {
			*out_fd = (int)fd;
			return (enum handover_mode)i;
		}
	return HANDOVER_NONE;
}
