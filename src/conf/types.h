/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings as C structs, one per section of tbl/conf.h: a member per key, named like the key.
 *
 * Everything belongs to the configuration that conf_load made (one arena) and is read-only after
 * it; it lives until the last conf_unref. Units: times int64_t ns, sizes uint64_t bytes, counts
 * uint32_t, percentages double from 0 to 1. `const char *` and pointers are NULL where the key was
 * not given and has no default. A list is a pointer and n_<key>.
 */
#ifndef CONF_TYPES_H
#define CONF_TYPES_H

#include "base/str.h"

/* Words that settings take: enum conf_level and so on, numbered from 1. */
#define CHOICES(id)                                                                                \
	enum conf_##id                                                                             \
	{                                                                                          \
		CONF_NONE_##id = 0,
#define CHOICE(id, word, when, text) CONF_##id,
#define CHOICES_END(id)                                                                            \
	}                                                                                          \
	;
#include "tbl/conf_choices.h"
#undef CHOICES
#undef CHOICE
#undef CHOICES_END

enum conf_address_kind {
	CONF_ADDR_INET = 1, /* host and port */
	CONF_ADDR_UNIX = 2, /* path */
};

/* Where to listen or connect to. */
struct conf_address {
	enum conf_address_kind kind;
	const char *host; /* INET: a name or a literal, v6 without brackets; lower case */
	uint16_t port;	  /* INET: 1..65535 */
	const char *path; /* UNIX: absolute, at most 107 bytes */
	const char *text; /* as written */
};

/* A network; bits of <addr> beyond <bits> are zero. */
struct conf_cidr {
	uint8_t family;	  /* 4 or 6 */
	uint8_t bits;	  /* length of the prefix: 0..32 or 0..128 */
	uint8_t addr[16]; /* network byte order; v4 uses the first four */
};

/* A header field to write: name is a token, value has no control characters (RFC 9110 5.5). */
struct conf_pair {
	const char *name, *value;
};

/* A lifetime by status. */
struct conf_status_time {
	uint32_t status; /* 200..599, never 206 or 304 */
	int64_t time;	 /* ns; 0 = not kept unless the answer says so */
};

enum conf_path_kind {
	CONF_PATH_PREFIX = 1, /* the path begins with it */
	CONF_PATH_EXACT = 2,  /* is it */
	CONF_PATH_REGEX = 3,  /* matches it */
};

/* What each type of tbl/conf_types.h is in C. */
#define CONF_C_LIST_(type, key)                                                                    \
	type *key;                                                                                 \
	size_t n_##key;
#define CONF_C_BLOCK(of, key) struct conf_##of key;
#define CONF_C_BLOCKS(of, key) CONF_C_LIST_(struct conf_##of, key)
#define CONF_C_NAMED(of, key) CONF_C_LIST_(struct conf_##of, key)
#define CONF_C_MAP_KEY(of, key) const char *key;
#define CONF_C_INCLUDE(of, key) CONF_C_LIST_(const char *, key) /* patterns of the main file */
#define CONF_C_BOOL(of, key) bool key;
#define CONF_C_COUNT(of, key) uint32_t key;
#define CONF_C_COUNT_OR_AUTO(of, key) uint32_t key; /* 0 = auto */
#define CONF_C_TIME(of, key) int64_t key;
#define CONF_C_SIZE(of, key) uint64_t key;
#define CONF_C_PERCENT(of, key) double key;
#define CONF_C_ENUM(of, key) enum conf_##of key;
#define CONF_C_ENUMS(of, key) CONF_C_LIST_(enum conf_##of, key)
#define CONF_C_STRING(of, key) const char *key;
#define CONF_C_TEXT(of, key) struct str key; /* the text, or the contents of body_file */
#define CONF_C_NAME(of, key) const char *key;
#define CONF_C_LOG_OUTPUT(of, key) const char *key;
#define CONF_C_ACCESS_OUTPUT(of, key) const char *key;
#define CONF_C_LOG_FORMAT(of, key)                                                                 \
	const char *key; /* "json", "combined", or "fields" with the list in fields */             \
	const char **fields;                                                                       \
	size_t n_fields;
#define CONF_C_SOCKET_PATH(of, key) const char *key;
#define CONF_C_ADDRESS(of, key) struct conf_address key;
#define CONF_C_ADDRESS_OR_OFF(of, key) struct conf_address *key;
#define CONF_C_CIDRS(of, key) CONF_C_LIST_(struct conf_cidr, key)
#define CONF_C_HOSTS(of, key) CONF_C_LIST_(const char *, key) /* lower case; "*.x" = below x */
#define CONF_C_METHODS(of, key) CONF_C_LIST_(const char *, key)
#define CONF_C_ROUTE_PATH(of, key)                                                                 \
	enum conf_path_kind path_kind;                                                             \
	const char *key; /* without the leading "= " or "~ " */
#define CONF_C_URL_PREFIX(of, key) const char *key;
#define CONF_C_AUTHORITY(of, key) const char *key;
#define CONF_C_BODY_FILE(of, key) const char *key; /* its contents are in body */
#define CONF_C_FIELD_VALUE(of, key) const char *key;
#define CONF_C_PAIRS(of, key) CONF_C_LIST_(struct conf_pair, key)
#define CONF_C_FIELD_NAMES(of, key) CONF_C_LIST_(const char *, key)
#define CONF_C_COOKIE_NAMES(of, key) CONF_C_LIST_(const char *, key)
#define CONF_C_QUERY_NAMES(of, key) CONF_C_LIST_(const char *, key) /* a final '*': any rest */
#define CONF_C_STATUS_TIMES(of, key) CONF_C_LIST_(struct conf_status_time, key)

/* The outermost section is struct conf. */
#define conf_root conf

#define SECTION(id, title, brief) struct conf_##id {
#define SETTING(section, key, type, of, presence, range, reload, since, brief, text)               \
	CONF_C_##type(of, key)
#define SECTION_END(id)                                                                            \
	}                                                                                          \
	;
#include "tbl/conf.h"
#undef SECTION
#undef SETTING
#undef SECTION_END

#undef conf_root

#endif
