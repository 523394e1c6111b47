/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The access log. The caller fills a plain struct access_rec (rows of tbl/logfields.h); the format
 * was compiled once into a list of operations that append to a buffer. The buffer is written when
 * it is half full and once per loop turn. The log never waits: when its descriptor would block, lines
 * stay in the buffer, and when that is full they are dropped and counted.
 *
 * Lines are whole: the file is opened for appending, and each write ends behind a newline.
 * One per worker, its loop's thread only.
 */
#ifndef OBS_ACCESS_H
#define OBS_ACCESS_H

#include "base/buf.h"
#include "base/err.h"

/* C types of the field types. */
typedef struct str access_text;
typedef uint64_t access_size;
typedef uint32_t access_count;
typedef int64_t access_stamp;
typedef int64_t access_seconds;
typedef int8_t access_flag;

/* Everything that a line may tell. Slices need to live only during access_write. */
struct access_rec {
#define LOGFIELD(id, type, help) access_##type id;
#include "tbl/logfields.h"
#undef LOGFIELD
};

#define ACCESS_ABSENT_text                                                                         \
	{                                                                                          \
		NULL, 0                                                                            \
	}
#define ACCESS_ABSENT_size 0
#define ACCESS_ABSENT_count 0
#define ACCESS_ABSENT_stamp 0
#define ACCESS_ABSENT_seconds -1
#define ACCESS_ABSENT_flag -1

/* All fields absent: `struct access_rec rec = access_rec_empty;` */
extern const struct access_rec access_rec_empty;

enum {
	ACCESS_BUFFER = 64 * 1024,   /* bytes held at most */
	ACCESS_FLUSH = 32 * 1024,    /* written when more than this is held */
	ACCESS_LINE_MAX = 32 * 1024, /* bytes of a line; long texts are cut */
};

enum access_format {
	ACCESS_JSON = 1,     /* one object per line; absent fields are left out */
	ACCESS_COMBINED = 2, /* as Apache's, in UTC */
	ACCESS_FIELDS = 3,   /* the fields' values, separated by spaces; "-" if absent; texts that
				contain spaces are quoted */
};

struct access; /* a log and its buffer; private to access.c */

/*
 * Compiles a format. <fields> are names (ACCESS_FIELDS, and ACCESS_JSON: then only those, in that
 * order; none = all). ERR_MISSING: a name is unknown, its index in *out_bad; ERR_NOMEM. Begins
 * without a descriptor: lines are thrown away until there is one.
 */
MUST_CHECK int access_new(enum access_format format, const char *const *fields, size_t n_fields,
			  struct access **out, size_t *out_bad);

/* Flushes what can be written at once, closes the descriptor. */
void access_free(struct access **access);

/* Takes <fd> (opened with log_open, or -1 = off) and closes the one before, after a flush. */
void access_set_fd(struct access *access, int fd);

/* True if lines go anywhere: to save the cost of filling a record. */
bool access_on(const struct access *access);

/* Appends a line. */
void access_write(struct access *access, const struct access_rec *rec);

/* Writes what is held, if the descriptor takes it. Once per loop turn. */
void access_flush(struct access *access);

/* Lines dropped since the last call. */
uint64_t access_take_dropped(struct access *access);

/* Formats one line (with its newline) into <out>: what access_write appends. For tests and tools. */
void access_line(struct access *access, const struct access_rec *rec, struct buf *out);

/* True if there is a field of this name. */
bool access_field_known(const char *name);

/*
 * The text of a slow_request warning, with the time of each phase that took place, e.g.
 *	GET example.org/path 200: 1.234s (queue 0.100s, connect 0.010s, first byte 1.000s, ...)
 */
void access_slow_text(const struct access_rec *rec, struct buf *out);

#endif
