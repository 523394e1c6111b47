/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/doorbell.h"

#include <sys/eventfd.h>
#include <unistd.h>

int doorbell_new(void)
{
	return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void doorbell_ring(int fd)
{
	uint64_t one = 1;

	/* a full counter means that a ring is waiting already */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

bool doorbell_answer(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}
