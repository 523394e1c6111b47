/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An output buffer that grows. The first failure (memory, or a cap) is latched: later appends do
 * nothing, and the caller asks once, at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;     /* malloc'ed bytes, or NULL */
	size_t n;    /* bytes in use */
	size_t size; /* bytes allocated */
	size_t cap;  /* never grow beyond this many; 0 = no cap */
	int error;   /* 0, or the first ERR_ code */
};

#define BUF_INIT ((struct buf){0})

/* Frees the bytes; the struct is as after BUF_INIT but keeps its cap. */
void buf_fini(struct buf *b);

/* Forgets contents and error, keeps the memory. */
void buf_reset(struct buf *b);

/* Makes room for <n> more bytes and returns where they go, or NULL with the error latched. */
char *buf_room(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_c(struct buf *b, const char *c);
void buf_char(struct buf *b, char c);
void buf_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* Appends <s> as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_json(struct buf *b, struct str s);

static inline struct str buf_slice(const struct buf *b)
{
	return str_of(b->p, b->n);
}

#endif
