/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

static const struct {
	const char *name, *text;
} rows[] = {
	{"OK", "no error"},
#define ERROR(name, text) {#name, text},
#include "tbl/errors.h"
#undef ERROR
};

static size_t row_of(int code)
{
	return code <= 0 && code > -ERR_INDEX_COUNT ? (size_t)-code : COUNTOF(rows);
}

const char *err_name(int code)
{
	size_t i = row_of(code);

	return i < COUNTOF(rows) ? rows[i].name : "UNKNOWN";
}

const char *err_text(int code)
{
	size_t i = row_of(code);

	return i < COUNTOF(rows) ? rows[i].text : "unknown error";
}
