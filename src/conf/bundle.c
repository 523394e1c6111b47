/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layout, all numbers little-endian:
 *   "TIERCONF"  u32 version  u32 entries  u64 bytes in all  u64 checksum of what follows
 *   per entry:  u32 kind  u32 status  u32 length of key  u32 length of value  key  value
 * The checksum finds damage, not malice; lengths are checked against what is there either way.
 */
#include "conf/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "conf/source.h"

#define MARK STR("TIERCONF")

enum { VERSION = 1, HEAD_BYTES = 32, ENTRY_BYTES = 16, SUM_AT = 24 };

/* FNV-1a, 64 bits. */
static uint64_t checksum(struct str bytes)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bytes.n; i++)
		h = (h ^ (uint8_t)bytes.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static void put(struct buf *b, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_char(b, (char)(v >> (8 * i)));
}

static void encode(const struct conf_source *src, struct buf *out)
{
	struct buf body = BUF_INIT;

	for (size_t i = 0; i < src->n; i++) {
		const struct source_entry *e = &src->entries[i];
		put(&body, e->kind, 4);
		put(&body, (uint32_t)e->status, 4);
		put(&body, e->key.n, 4);
		put(&body, e->value.n, 4);
		buf_str(&body, e->key);
		buf_str(&body, e->value);
	}
	buf_str(out, MARK);
	put(out, VERSION, 4);
	put(out, src->n, 4);
	put(out, HEAD_BYTES + body.n, 8);
	put(out, checksum(buf_slice(&body)), 8);
	buf_str(out, buf_slice(&body));
	if (body.error)
		out->error = body.error;
	buf_fini(&body);
}

static int write_all(int fd, struct str bytes)
{
	while (bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_SYS;
		bytes = str_of(bytes.p + n, bytes.n - (size_t)n);
	}
	return 0;
}

int conf_bundle_write(const struct conf_source *src, int fd)
{
	struct buf bytes = BUF_INIT;

	encode(src, &bytes);
	int rc = bytes.error ? bytes.error : write_all(fd, buf_slice(&bytes));
	buf_fini(&bytes);
	return rc;
}

int conf_bundle_memfd(const struct conf_source *src, int *out_fd)
{
	int fd = memfd_create("tiercel-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return ERR_SYS;
	int rc = conf_bundle_write(src, fd);
	if (!rc && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
		rc = ERR_SYS;
	if (rc) {
		int saved = errno;
		close(fd);
		errno = saved;
		return rc;
	}
	*out_fd = fd;
	return 0;
}

/* What is left to decode. */
struct cursor {
	const unsigned char *p;
	size_t left;
};

/* The next <bytes> bytes as a number; the caller made sure that they are there. */
static uint64_t take(struct cursor *c, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)c->p[i] << (8 * i);
	c->p += bytes;
	c->left -= bytes;
	return v;
}

static struct str take_str(struct cursor *c, size_t n)
{
	struct str s = str_of((const char *)c->p, n);

	c->p += n;
	c->left -= n;
	return s;
}

static int decode_entry(struct cursor *c, struct conf_source *src)
{
	if (c->left < ENTRY_BYTES)
		return ERR_CORRUPT;
	uint64_t kind = take(c, 4), status = take(c, 4);
	uint64_t key_n = take(c, 4), value_n = take(c, 4);
	if (kind < SOURCE_MAIN || kind > SOURCE_ENV || status > 4096)
		return ERR_CORRUPT;
	if (key_n > SOURCE_KEY_MAX || key_n + value_n > c->left)
		return ERR_CORRUPT;
	struct str key = take_str(c, key_n), value = take_str(c, value_n);
	if (memchr(key.p, 0, key.n))
		return ERR_CORRUPT;
	return source_add(src, (enum source_kind)kind, (int)status, key, value);
}

static int decode(struct cursor c, struct conf_source *src)
{
	struct str all = str_of((const char *)c.p, c.left);

	if (c.left < HEAD_BYTES || !str_eq(take_str(&c, MARK.n), MARK))
		return ERR_CORRUPT;
	uint64_t version = take(&c, 4), n = take(&c, 4), size = take(&c, 8), sum = take(&c, 8);
	if (version != VERSION)
		return ERR_VERSION;
	if (size != all.n || n > SOURCE_ENTRIES_MAX || sum != checksum(str_of((char *)c.p, c.left)))
		return ERR_CORRUPT;
	for (uint64_t i = 0; i < n; i++) {
		int rc = decode_entry(&c, src);
		if (rc)
			return rc;
	}
	return c.left ? ERR_CORRUPT : 0;
}

int conf_bundle_decode(struct str bytes, struct conf_source **out_src)
{
	struct conf_source *src = NULL;
	int rc = source_new(false, &src);

	if (rc)
		return rc;
	rc = decode((struct cursor){(const unsigned char *)bytes.p, bytes.n}, src);
	if (rc) {
		conf_source_free(&src);
		return rc;
	}
	*out_src = src;
	return 0;
}

static int read_at_start(int fd, char *into, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, into + done, n - done, (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR_SYS;
		if (got == 0)
			return ERR_CORRUPT;
		done += (size_t)got;
	}
	return 0;
}

int conf_bundle_source(int fd, struct conf_source **out_src)
{
	struct stat st;

	if (fstat(fd, &st))
		return ERR_SYS;
	if (st.st_size < HEAD_BYTES)
		return ERR_CORRUPT;
	/* Headers of entries come on top of what a source may hold. */
	if (st.st_size > 2 * (int64_t)SOURCE_TOTAL_MAX)
		return ERR_LIMIT;
	size_t n = (size_t)st.st_size;
	char *bytes = malloc(n);
	if (!bytes)
		return ERR_NOMEM;
	int rc = read_at_start(fd, bytes, n);
	if (!rc)
		rc = conf_bundle_decode(str_of(bytes, n), out_src);
	free(bytes);
	return rc;
}
