/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/source.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"

#define MAGIC 0x5c0f50c1u

int source_new(bool live, struct conf_source **out_src)
{
	struct conf_source *src = calloc(1, sizeof(*src));

	if (!src)
		return ERR_NOMEM;
	src->magic = MAGIC;
	src->live = live;
	*out_src = src;
	return 0;
}

int conf_source_new(struct conf_source **out_src)
{
	return source_new(true, out_src);
}

void conf_source_free(struct conf_source **src)
{
	struct conf_source *s = *src;

	if (!s)
		return;
	CHECK_MAGIC(s, MAGIC);
	for (size_t i = 0; i < s->n; i++) {
		free((void *)s->entries[i].key.p);
		free((void *)s->entries[i].value.p);
	}
	free(s->entries);
	s->magic = 0;
	free(s);
	*src = NULL;
}

static bool grow(struct conf_source *src)
{
	if (src->n < src->size)
		return true;
	size_t size = src->size ? src->size * 2 : 16;
	struct source_entry *bigger = reallocarray(src->entries, size, sizeof(*bigger));

	if (!bigger)
		return false;
	src->entries = bigger;
	src->size = size;
	return true;
}

int source_add(struct conf_source *src, enum source_kind kind, int status, struct str key,
	       struct str value)
{
	CHECK_MAGIC(src, MAGIC);
	if (src->n >= SOURCE_ENTRIES_MAX || key.n > SOURCE_KEY_MAX ||
	    key.n + value.n > SOURCE_TOTAL_MAX - src->total)
		return ERR_LIMIT;
	char *k = str_dup(key), *v = str_dup(value);
	if (!k || !v || !grow(src)) {
		free(k);
		free(v);
		return ERR_NOMEM;
	}
	src->entries[src->n++] = (struct source_entry){
		.kind = kind,
		.status = status,
		.key = str_of(k, key.n),
		.value = str_of(v, value.n),
	};
	src->total += key.n + value.n;
	return 0;
}

static const struct source_entry *find(const struct conf_source *src, enum source_kind kind,
				       struct str key)
{
	CHECK_MAGIC(src, MAGIC);
	for (size_t i = 0; i < src->n; i++)
		if (src->entries[i].kind == kind && str_eq(src->entries[i].key, key))
			return &src->entries[i];
	return NULL;
}

/* Reads all of <fd>; 0 or an errno. At most <max> bytes, EFBIG beyond. */
static int read_all(int fd, size_t max, struct buf *out)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	while (out->n <= max) {
		char *room = buf_room(out, 16384);
		if (!room)
			return ENOMEM;
		ssize_t n = read(fd, room, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return 0;
		out->n += (size_t)n;
	}
	return EFBIG;
}

/* A FIFO must not hang the reader, hence O_NONBLOCK. */
static int ask_file(struct conf_source *src, struct str path, size_t max)
{
	struct buf bytes = BUF_INIT;
	char name[SOURCE_KEY_MAX + 1];
	int status = 0;

	int fd = open(str_copy(name, sizeof(name), path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		status = errno;
	} else {
		status = read_all(fd, max, &bytes);
		close(fd);
	}
	int rc = source_add(src, SOURCE_FILE, status, path, status ? STR_NONE : buf_slice(&bytes));
	buf_fini(&bytes);
	return rc;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int glob_trouble; /* what is_trouble saw last: glob(3) gives it no other way out */

/* A directory that is not there has no files; one that cannot be read is trouble. */
static int is_trouble(const char *path UNUSED, int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return 0;
	glob_trouble = error;
	return 1;
}

/* Sorted by bytes, not by locale: the order must be the same everywhere. */
static int ask_glob(struct conf_source *src, struct str pattern)
{
	char text[SOURCE_KEY_MAX + 1];
	struct buf paths = BUF_INIT;
	glob_t g = {0};

	int found = glob(str_copy(text, sizeof(text), pattern), GLOB_NOSORT, is_trouble, &g);
	int status = found == 0 || found == GLOB_NOMATCH ? 0
		     : found == GLOB_ABORTED		 ? glob_trouble
							 : ENOMEM;
	if (g.gl_pathc)
		qsort(g.gl_pathv, g.gl_pathc, sizeof(*g.gl_pathv), by_bytes);
	for (size_t i = 0; i < g.gl_pathc; i++)
		buf_add(&paths, g.gl_pathv[i], strlen(g.gl_pathv[i]) + 1);
	globfree(&g);
	int rc = paths.error ? paths.error
			     : source_add(src, SOURCE_GLOB, status, pattern, buf_slice(&paths));
	buf_fini(&paths);
	return rc;
}

static int ask_env(struct conf_source *src, struct str name)
{
	char text[SOURCE_KEY_MAX + 1];
	const char *value = getenv(str_copy(text, sizeof(text), name));

	return source_add(src, SOURCE_ENV, value ? 0 : ENOENT, name, str_c(value));
}

static int answer(const struct source_entry *e, int *out_errno, struct str *out_value)
{
	if (!e || e->status) {
		*out_errno = e ? e->status : ENOENT;
		return ERR_MISSING;
	}
	*out_value = e->value;
	return 0;
}

static bool is_askable(struct str key)
{
	return key.n > 0 && key.n <= SOURCE_KEY_MAX && !memchr(key.p, 0, key.n);
}

int source_file(struct conf_source *src, struct str path, size_t max, int *out_errno,
		struct str *out_value)
{
	if (!is_askable(path)) {
		*out_errno = path.n > SOURCE_KEY_MAX ? ENAMETOOLONG : EINVAL;
		return ERR_MISSING;
	}
	if (!find(src, SOURCE_FILE, path) && src->live) {
		int rc = ask_file(src, path, max);
		if (rc)
			return rc;
	}
	const struct source_entry *e = find(src, SOURCE_FILE, path);
	if (e && !e->status && e->value.n > max) {
		*out_errno = EFBIG;
		return ERR_MISSING;
	}
	return answer(e, out_errno, out_value);
}

int source_glob(struct conf_source *src, struct str pattern, int *out_errno, struct str *out_value)
{
	if (!is_askable(pattern)) {
		*out_errno = EINVAL;
		return ERR_MISSING;
	}
	if (!find(src, SOURCE_GLOB, pattern) && src->live) {
		int rc = ask_glob(src, pattern);
		if (rc)
			return rc;
	}
	return answer(find(src, SOURCE_GLOB, pattern), out_errno, out_value);
}

int source_env(struct conf_source *src, struct str name, struct str *out_value)
{
	int ignored;

	if (!is_askable(name))
		return ERR_MISSING;
	if (!find(src, SOURCE_ENV, name) && src->live) {
		int rc = ask_env(src, name);
		if (rc)
			return rc;
	}
	return answer(find(src, SOURCE_ENV, name), &ignored, out_value);
}

const char *source_main(const struct conf_source *src)
{
	for (size_t i = 0; i < src->n; i++)
		if (src->entries[i].kind == SOURCE_MAIN)
			return src->entries[i].key.p;
	return NULL;
}
