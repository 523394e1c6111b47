/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/hosts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

struct hosts {
	char *path;
	struct buf text;
	struct stat seen; /* what the file was when it was read; zero if it was not there */
};

/* The next word of a line; false at its end. */
static bool next_word(struct str *line, struct str *out_word)
{
	size_t n = 0;

	*line = str_trim(*line);
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	*out_word = str_of(line->p, n);
	*line = str_of(line->p + n, line->n - n);
	return n > 0;
}

/* Does this line name <name>? *out_address is its first word. */
static bool line_names(struct str line, struct str name, struct str *out_address)
{
	struct str word;
	ssize_t comment = str_find(line, '#');

	if (comment >= 0)
		line.n = (size_t)comment;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (!next_word(&line, out_address))
		return false;
	while (next_word(&line, &word))
		if (str_ieq(word, name))
			return true;
	return false;
}

static bool has_address(const struct sock_addr *list, unsigned n, const struct sock_addr *a)
{
	for (unsigned i = 0; i < n; i++)
		if (sock_addr_eq(&list[i], a))
			return true;
	return false;
}

/* Addresses of one family. */
static unsigned find_family(struct str text, struct str name, uint16_t port, int family,
			    struct sock_addr *out, unsigned n, unsigned max)
{
	struct str line, address;
	char copy[INET6_ADDRSTRLEN];
	struct sock_addr a;

	while (n < max && str_next(&text, '\n', &line)) {
		if (!line_names(line, name, &address) || address.n >= sizeof(copy))
			continue;
		if (sock_addr_inet(&a, str_copy(copy, sizeof(copy), address), port))
			continue; /* no address, or one with a zone */
		if (a.sa.sa_family == family && !has_address(out, n, &a))
			out[n++] = a;
	}
	return n;
}

unsigned hosts_find_in(struct str text, struct str name, uint16_t port, struct sock_addr *out,
		       unsigned max)
{
	unsigned n = find_family(text, name, port, AF_INET, out, 0, max);

	return find_family(text, name, port, AF_INET6, out, n, max);
}

unsigned hosts_find(const struct hosts *h, struct str name, uint16_t port, struct sock_addr *out,
		    unsigned max)
{
	return hosts_find_in(buf_slice(&h->text), name, port, out, max);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void read_all(struct hosts *h, int fd)
{
	ssize_t got = 1;

	buf_reset(&h->text);
	while (got > 0) {
		char *to = buf_room(&h->text, 4096);
		got = to ? read(fd, to, 4096) : 0;
		if (got > 0)
			h->text.n += (size_t)got;
	}
}

bool hosts_refresh(struct hosts *h)
{
	struct stat now = {0};
	int fd;

	/* the cheap question first: usually nothing has happened */
	if (stat(h->path, &now))
		now = (struct stat){0};
	if (same_file(&now, &h->seen))
		return false;
	buf_reset(&h->text);
	fd = open(h->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		if (fstat(fd, &now) == 0 && S_ISREG(now.st_mode))
			read_all(h, fd);
		close(fd);
	}
	h->seen = now;
	return true;
}

struct hosts *hosts_new(const char *path)
{
	struct hosts *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->text.cap = HOSTS_MAX_BYTES;
	h->path = str_dup(str_c(path));
	if (!h->path)
		hosts_free(&h);
	else
		hosts_refresh(h);
	return h;
}

void hosts_free(struct hosts **h)
{
	if (*h) {
		buf_fini(&(*h)->text);
		free((*h)->path);
		free(*h);
		*h = NULL;
	}
}
