/* SPDX-License-Identifier: BSD-2-Clause */
/* The effective configuration as YAML, and the JSON Schema of the file. */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include "base/buf.h"
#include "conf/types.h"

/*
 * Every setting with its value and, as a comment, where it comes from: "# default" or
 * "# file:line". The output is itself a valid configuration with the same meaning, but for values
 * of header fields that carry secrets, which are hidden.
 */
void conf_print(const struct conf *c, struct buf *out);

/* A JSON Schema (2020-12) for editors. Needs no configuration. */
void conf_print_schema(struct buf *out);

#endif
