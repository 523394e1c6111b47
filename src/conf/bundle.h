/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bundle: everything that a source recorded while a configuration was loaded, as bytes in a
 * sealed memfd. Whoever loads from it gets the same configuration without touching a file, the
 * environment or the clock. The reader believes nothing: a damaged bundle is ERR_CORRUPT.
 */
#ifndef CONF_BUNDLE_H
#define CONF_BUNDLE_H

#include "conf/load.h"

/* Writes what <src> recorded to <fd>. ERR_SYS (errno is set), ERR_NOMEM. */
MUST_CHECK int conf_bundle_write(const struct conf_source *src, int fd);

/* The same into a new memfd, close-on-exec, sealed against every change; the caller owns it. */
MUST_CHECK int conf_bundle_memfd(const struct conf_source *src, int *out_fd);

/*
 * A source that answers from the bundle in <fd> and from nothing else. Reads it whole from its
 * beginning, whatever the file offset; <fd> stays the caller's and is not needed afterwards.
 * ERR_CORRUPT, ERR_VERSION, ERR_LIMIT, ERR_SYS, ERR_NOMEM.
 */
MUST_CHECK int conf_bundle_source(int fd, struct conf_source **out_src);

/* The same from memory; <bytes> may go away afterwards. */
MUST_CHECK int conf_bundle_decode(struct str bytes, struct conf_source **out_src);

#endif
