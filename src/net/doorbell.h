/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One eventfd per worker slot: wakes a worker from another process or thread. The master makes
 * them before it forks, everybody inherits all of them. Rings may merge; they carry no message.
 */
#ifndef NET_DOORBELL_H
#define NET_DOORBELL_H

#include "base/prelude.h"

/* A non-blocking eventfd, or -1 with errno. */
MUST_CHECK int doorbell_new(void);

void doorbell_ring(int fd);

/* Takes all rings off; true if there was one. */
bool doorbell_answer(int fd);

#endif
