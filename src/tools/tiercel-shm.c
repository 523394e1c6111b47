/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tiercel-shm: proves the cache in a shared segment whole. It looks at a copy of the segment: of a
 * running tiercel (/proc/PID/fd/N), or of a file that somebody kept. Nothing is written to the
 * original. Without --freeze the copy of a busy segment is torn: then only what several
 * copies agree on counts as a fault.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "shm/seg.h"
#include "shm/slots.h"
#include "store/l1.h"
#include "store/l1_check.h"

enum { COPIES_TORN = 4, COPIES_FROZEN = 200, PIECE = 1 << 20, STOP_US = 1000 };
enum { EXIT_WHOLE = 0, EXIT_FAULTS = 1, EXIT_UNREADABLE = 2 };

static const char usage[] =
	"Usage: tiercel-shm [--freeze] [--idle] [--no-sums] [--quiet] SEGMENT\n"
	"  SEGMENT   a tiercel process by its PID or /proc/PID/fd/N, or a file with a copy that was\n"
	"            made while nobody wrote\n"
	"  --freeze  stop all processes that have the segment while it is copied\n"
	"  --idle    nobody uses the cache: pins and half-filled objects are faults\n"
	"  --no-sums do not read the bodies\n"
	"  --quiet   print faults only\n"
	"Exit status: 0 the cache is whole, 1 it is not, 2 the segment cannot be read.\n";

struct options {
	bool freeze, quiet;
	unsigned flags; /* enum l1_check_flag */
	const char *path;
};

/* ---- finding ---- */

/* The descriptor of the process's segment, as a path; false with a message. */
static bool find_segment(const char *pid, char *out, size_t size)
{
	char link[64];

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(out, size, "/proc/%s/fd/%d", pid, fd);
		ssize_t n = readlink(out, link, sizeof(link) - 1);
		if (n > 0 && str_eq(str_of(link, (size_t)n), STR("/memfd:tiercel (deleted)")))
			return true;
	}
	fprintf(stderr, "tiercel-shm: no segment found in process %s\n", pid);
	return false;
}

/* ---- copying ---- */

static bool copy_range(int from, int to, off_t at, off_t end, char *piece)
{
	while (at < end) {
		ssize_t n = pread(from, piece, (size_t)MIN((off_t)PIECE, end - at), at);
		if (n <= 0 || pwrite(to, piece, (size_t)n, at) != n)
			return false;
		at += n;
	}
	return true;
}

/* What has memory; the rest reads as zeros in both. */
static bool copy_data(int from, int to, off_t size)
{
	char *piece = malloc(PIECE);
	bool good = piece != NULL;

	for (off_t at = 0; good && at < size;) {
		off_t data = lseek(from, at, SEEK_DATA);
		if (data < 0)
			break;
		off_t hole = lseek(from, data, SEEK_HOLE);
		at = hole < 0 ? size : hole;
		good = copy_range(from, to, data, at, piece);
	}
	free(piece);
	return good;
}

/* A segment of our own with the same contents; NULL with a message. */
static struct seg *copy_segment(const char *path)
{
	struct stat st;
	struct seg *seg = NULL;
	int from = open(path, O_RDONLY | O_CLOEXEC), rc = ERR_SYS;
	int to = memfd_create("tiercel-shm", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (from >= 0 && to >= 0 && fstat(from, &st) == 0 && ftruncate(to, st.st_size) == 0 &&
	    copy_data(from, to, st.st_size) &&
	    fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
		rc = seg_map(to, &seg);
		to = -1;
	}
	if (rc)
		fprintf(stderr, "tiercel-shm: %s: %s\n", path,
			rc == ERR_SYS ? strerror(errno) : err_text(rc));
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return seg;
}

/* ---- the processes that write: all that have the segment open ---- */

enum { PROCESSES_MAX = 512 };

struct processes {
	pid_t stopped[PROCESSES_MAX];
	size_t n;
};

static bool has_open(const char *pid, const struct stat *segment)
{
	char path[600];
	struct stat st;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	DIR *d = opendir(path);
	for (struct dirent *e = d ? readdir(d) : NULL; e && !found; e = readdir(d)) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, e->d_name);
		found = stat(path, &st) == 0 && st.st_ino == segment->st_ino &&
			st.st_dev == segment->st_dev;
	}
	if (d)
		closedir(d);
	return found;
}

static bool is_stopped(const struct processes *p, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->stopped[i] == pid)
			return true;
	return false;
}

/* Stops those that are not yet; false if there was none. */
static bool stop_more(struct processes *p, const struct stat *segment)
{
	DIR *d = opendir("/proc");
	size_t before = p->n;

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		pid_t pid = (pid_t)atoi(e->d_name);
		if (pid > 1 && pid != getpid() && p->n < PROCESSES_MAX && !is_stopped(p, pid) &&
		    has_open(e->d_name, segment) && kill(pid, SIGSTOP) == 0)
			p->stopped[p->n++] = pid;
	}
	if (d)
		closedir(d);
	return p->n > before;
}

static void let_go(struct processes *p)
{
	for (size_t i = 0; i < p->n; i++)
		kill(p->stopped[i], SIGCONT);
	p->n = 0;
}

/* Until no process is left that could be writing, or making another. */
static void stop_all(struct processes *p, const struct stat *segment)
{
	while (stop_more(p, segment))
		/* Stopping is not immediate: a process ends what it does in the kernel first. */
		usleep(STOP_US);
}

/* ---- one look ---- */

struct look {
	struct seg *seg;
	struct l1 *l1;
	struct l1_check check;
	struct l1_figures figures;
	bool quiet; /* no lock was held */
};

static void look_end(struct look *k)
{
	l1_detach(&k->l1);
	seg_free(&k->seg);
}

/* At the copy in <k>. */
static int look(struct look *k, const struct options *o, bool only_quiet)
{
	if (!k->seg)
		return EXIT_UNREADABLE;
	k->l1 = l1_attach(k->seg, SLOT_NONE, 0);
	if (!k->l1) {
		fprintf(stderr, "tiercel-shm: %s: no cache of this version in it\n", o->path);
		look_end(k);
		return EXIT_UNREADABLE;
	}
	k->quiet = l1_check_quiet(k->l1, &k->check);
	if (k->quiet)
		l1_figures(k->l1, &k->figures);
	if (k->quiet || !only_quiet)
		(void)l1_check(k->l1, o->flags, &k->check);
	return k->check.faults ? EXIT_FAULTS : EXIT_WHOLE;
}

/* With everybody stopped, at a moment when nobody holds a lock. */
static int look_frozen(struct look *k, const struct options *o)
{
	struct processes p = {.n = 0};
	struct stat st;

	if (stat(o->path, &st)) {
		perror(o->path);
		return EXIT_UNREADABLE;
	}
	for (int i = 0; i < COPIES_FROZEN; i++) {
		stop_all(&p, &st);
		*k = (struct look){.seg = copy_segment(o->path)};
		let_go(&p);
		int rc = look(k, o, true);
		if (rc == EXIT_UNREADABLE || k->quiet)
			return rc;
		look_end(k);
		usleep(STOP_US);
	}
	fprintf(stderr, "tiercel-shm: %s: always found a lock held\n", o->path);
	return EXIT_UNREADABLE;
}

static void keep_common(struct l1_check *a, const struct l1_check *b)
{
	uint64_t kept = 0, have = MIN(a->faults, (uint64_t)L1_CHECK_FAULTS);

	for (uint64_t i = 0; i < have; i++) {
		bool common = false;
		for (uint64_t k = 0; k < MIN(b->faults, (uint64_t)L1_CHECK_FAULTS); k++)
			common = common || strcmp(a->text[i], b->text[k]) == 0;
		if (common)
			memmove(a->text[kept++], a->text[i], sizeof(a->text[0]));
	}
	a->faults = kept;
}

/* Torn copies disagree about what is only in motion. */
static int look_torn(struct look *k, const struct options *o)
{
	k->seg = copy_segment(o->path);
	int rc = look(k, o, false);

	for (int i = 1; i < COPIES_TORN && rc == EXIT_FAULTS; i++) {
		static struct look next;
		next = (struct look){.seg = copy_segment(o->path)};
		if (look(&next, o, false) == EXIT_UNREADABLE)
			return EXIT_UNREADABLE;
		keep_common(&next.check, &k->check);
		look_end(k);
		*k = next;
		rc = k->check.faults ? EXIT_FAULTS : EXIT_WHOLE;
	}
	return rc;
}

/* ---- report ---- */

static void print(const struct look *k)
{
	const struct l1_check *c = &k->check;
	const struct l1_figures *f = &k->figures;

	printf("objects %llu (%llu filling, %llu broken, %llu without a key), blocks %llu, pins %llu\n",
	       (unsigned long long)c->objects, (unsigned long long)c->filling,
	       (unsigned long long)c->broken, (unsigned long long)c->unlinked,
	       (unsigned long long)c->blocks, (unsigned long long)c->pins);
	if (c->sums > 0)
		printf("bodies that match their checksum %llu (%llu bytes)\n",
		       (unsigned long long)c->sums, (unsigned long long)c->body_bytes);
	if (k->quiet)
		printf("bytes: size %llu, used %llu, stored %llu; pages %llu, free %llu; "
		       "locks recovered %llu\n",
		       (unsigned long long)f->size, (unsigned long long)f->used,
		       (unsigned long long)f->stored, (unsigned long long)f->pages,
		       (unsigned long long)f->free_pages, (unsigned long long)f->recovered_shards);
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"freeze", no_argument, NULL, 'f'},
					      {"idle", no_argument, NULL, 'i'},
					      {"no-sums", no_argument, NULL, 'n'},
					      {"quiet", no_argument, NULL, 'q'},
					      {NULL, 0, NULL, 0}};
	int c;

	*o = (struct options){.flags = L1_CHECK_SUMS};
	while ((c = getopt_long(argc, argv, "finq", longs, NULL)) != -1) {
		if (c == 'f')
			o->freeze = true;
		else if (c == 'i')
			o->flags |= L1_CHECK_IDLE;
		else if (c == 'n')
			o->flags &= ~(unsigned)L1_CHECK_SUMS;
		else if (c == 'q')
			o->quiet = true;
		else
			return false;
	}
	if (optind != argc - 1)
		return false;
	o->path = argv[optind];
	return true;
}

int main(int argc, char **argv)
{
	static struct look k;
	struct options o;

	if (!parse(argc, argv, &o)) {
		fputs(usage, stderr);
		return EXIT_UNREADABLE;
	}
	char path[64];
	if (strspn(o.path, "0123456789") == strlen(o.path)) {
		if (!find_segment(o.path, path, sizeof(path)))
			return EXIT_UNREADABLE;
		o.path = path;
	}
	int rc = o.freeze ? look_frozen(&k, &o) : look_torn(&k, &o);
	if (rc == EXIT_UNREADABLE)
		return rc;
	for (uint64_t i = 0; i < MIN(k.check.faults, (uint64_t)L1_CHECK_FAULTS); i++)
		printf("fault: %s\n", k.check.text[i]);
	if (!o.quiet) {
		print(&k);
		printf("%s\n", rc == EXIT_WHOLE ? "whole" : "NOT whole");
	}
	look_end(&k);
	return rc;
}
