/* SPDX-License-Identifier: BSD-2-Clause */
/* The dashboard's files, built into the program by dashboard/embed.sh. */
#ifndef ADMIN_ASSETS_H
#define ADMIN_ASSETS_H

#include <stddef.h>

struct asset {
	const char *name; /* "app.js" */
	const char *text; /* contents */
	size_t n;	  /* bytes of it */
};

extern const struct asset assets[];
extern const size_t assets_count;

#endif
