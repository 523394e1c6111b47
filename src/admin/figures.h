/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Figures as people read them. Each writes into <out> and returns it; a JSON null, or a member
 * that is missing, becomes "-".
 */
#ifndef ADMIN_FIGURES_H
#define ADMIN_FIGURES_H

#include <jansson.h>

#include "base/prelude.h"

enum { FIGURE = 32 };

/* "850 us", "12.3 ms", "4.05 s"; of seconds. */
const char *figure_time(const json_t *seconds, char out[FIGURE]);

/* "42 s", "3 min", "2 h 5 min", "11 d 3 h"; of seconds. */
const char *figure_age(const json_t *seconds, char out[FIGURE]);

/* "512 KiB", "3.2 MiB". */
const char *figure_bytes(const json_t *bytes, char out[FIGURE]);

/* "0.4", "37", "12.4k", "3.05M". */
const char *figure_number(const json_t *number, char out[FIGURE]);

/* "0.25%"; of a share. */
const char *figure_percent(const json_t *share, char out[FIGURE]);

#endif
