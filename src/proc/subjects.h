/* SPDX-License-Identifier: BSD-2-Clause */
/* Names for everything that a configuration makes countable. Master, before its children look. */
#ifndef PROC_SUBJECTS_H
#define PROC_SUBJECTS_H

struct conf;
struct metrics;

/* Listeners, routes, upstreams, and servers (by address, under their upstream). */
void subjects_register(struct metrics *metrics, const struct conf *conf);

#endif
