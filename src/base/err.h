/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error codes: one row each in tbl/errors.h. A fallible function returns 0 or one of these.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/prelude.h"

enum err_index {
	ERR_INDEX_NONE = 0,
#define ERROR(name, text) ERR_INDEX_##name,
#include "tbl/errors.h"
#undef ERROR
	ERR_INDEX_COUNT
};

enum err {
	ERR_OK = 0,
#define ERROR(name, text) ERR_##name = -ERR_INDEX_##name,
#include "tbl/errors.h"
#undef ERROR
};

/* The code's name ("NOMEM") and text ("out of memory"); never NULL, for any integer. */
const char *err_name(int code);
const char *err_text(int code);

#endif
