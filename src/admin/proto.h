/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line protocol of the admin socket, shared by the admin process and tiercelctl. Pure: bytes
 * in, values out, no I/O.
 *
 *   request:  tiercel/1 WORD [WORD...] LF
 *   reply:    tiercel/1 ok|failed|usage LENGTH LF, then LENGTH bytes of text
 *
 * A request is one line of at most PROTO_LINE bytes. Words are separated by blanks and quoted as
 * in a shell: 'as it is', "with \" and \\", and a backslash before any single character. Control
 * characters are refused. LENGTH is decimal, or `-` for "until the connection ends". A session
 * may send the next request when it has read the reply; the daemon never speaks first. The
 * number behind the slash changes when an old client could misread a new daemon.
 */
#ifndef ADMIN_PROTO_H
#define ADMIN_PROTO_H

#include "base/buf.h"

#define PROTO_NAME "tiercel"
#define PROTO_VERSION 1
#define PROTO_DEFAULT_SOCKET "/run/tiercel/admin.sock"

enum {
	PROTO_LINE = 8192, /* longest request line, with its LF */
	PROTO_WORDS = 128, /* most words of a request, the protocol's own not counted */
	PROTO_HEAD = 64,   /* longest status line of a reply, with its LF */
};

/* How a command ended; also the exit status of tiercelctl. */
enum proto_code {
	PROTO_OK = 0,	  /* done */
	PROTO_FAILED = 1, /* refused, or it went wrong: the body says why */
	PROTO_USAGE = 2,  /* not a command, or wrong arguments: the body says what is allowed */
};

/* A request taken apart. */
struct proto_request {
	const char *word[PROTO_WORDS + 1]; /* NUL-terminated, pointing into text; then NULL */
	unsigned n;			   /* words, without the protocol's own */
	char text[PROTO_LINE];		   /* the words' bytes */
};

/* The first line of a reply. */
struct proto_head {
	enum proto_code code;
	bool until_eof;	 /* the length is not known beforehand */
	uint64_t length; /* bytes of the body, when !until_eof */
};

/*
 * Takes a line (without its LF; a CR before it is dropped) apart. ERR_VERSION when it does not
 * begin with our name and version, ERR_SYNTAX for control characters and open quotes, ERR_LIMIT
 * when it is too long or has too many words.
 */
MUST_CHECK int proto_split(struct str line, struct proto_request *out);

/*
 * Appends a request line with its LF, quoting where needed. ERR_SYNTAX for control characters in
 * a word, ERR_LIMIT when the line would be too long; then <out> is to be thrown away.
 */
MUST_CHECK int proto_join(struct buf *out, const char *const *words, unsigned n);

/* Writes a reply's status line; returns its length. */
size_t proto_head_write(char out[PROTO_HEAD], const struct proto_head *head);

/* Reads a reply's status line (without its LF); ERR_VERSION or ERR_SYNTAX. */
MUST_CHECK int proto_head_read(struct str line, struct proto_head *out);

#endif
