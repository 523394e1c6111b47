/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tiercel-shm: proves the cache in a shared segment whole. It looks at a copy of the segment: of a
 * running tiercel (/proc/PID/fd/N), or of a file that somebody kept. Nothing is written to the
 * original. Without --freeze the copy of a busy segment is torn: then only what several
 * copies agree on counts as a fault.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/seg.h"
#include "shm/slots.h"
#include "store/l1.h"
#include "store/l1_check.h"

enum { COPIES_TORN = 4, COPIES_FROZEN = 200, PIECE = 1 << 20 };
enum { EXIT_WHOLE = 0, EXIT_FAULTS = 1, EXIT_UNREADABLE = 2 };

static const char usage[] =
	"Usage: tiercel-shm [--freeze] [--idle] [--no-sums] [--quiet] SEGMENT\n"
	"  SEGMENT   /proc/PID/fd/N of a tiercel process, or a file with a copy of the segment\n"
	"  --freeze  stop the workers for as long as it takes to copy the segment (milliseconds)\n"
	"  --idle    nobody uses the cache: pins and half-filled objects are faults\n"
	"  --no-sums do not read the bodies\n"
	"  --quiet   print faults only\n"
	"Exit status: 0 the cache is whole, 1 it is not, 2 the segment cannot be read.\n";

struct options {
	bool freeze, quiet;
	unsigned flags; /* enum l1_check_flag */
	const char *path;
};

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

/* ---- the processes that write ---- */

/* Sends <sig> to every worker that the copy knows of. */
static void signal_workers(const struct seg *seg, int sig)
{
	struct slots *slots = slots_attach(seg);

	for (unsigned i = 0; slots && i < slots_count(slots); i++) {
		int32_t pid = slot_get(slots, i)->pid;
		if (pid > 1 && kill(pid, sig) && sig == SIGSTOP && errno != ESRCH)
			fprintf(stderr, "tiercel-shm: process %d: %s\n", (int)pid, strerror(errno));
	}
}

/* Stopping is not immediate: a worker ends what it does in the kernel first. */
static void let_stop(void)
{
	usleep(2000);
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

static int look(struct look *k, const struct options *o, bool only_quiet)
{
	*k = (struct look){.seg = copy_segment(o->path)};
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

/* With the workers stopped, at a moment when none of them holds a lock. */
static int look_frozen(struct look *k, const struct options *o)
{
	int rc = EXIT_UNREADABLE;

	for (int i = 0; i < COPIES_FROZEN; i++) {
		struct seg *who = copy_segment(o->path);
		if (!who)
			return EXIT_UNREADABLE;
		signal_workers(who, SIGSTOP);
		let_stop();
		rc = look(k, o, true);
		signal_workers(who, SIGCONT);
		seg_free(&who);
		if (rc == EXIT_UNREADABLE || k->quiet)
			return rc;
		look_end(k);
		let_stop();
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
	int rc = look(k, o, false);

	for (int i = 1; i < COPIES_TORN && rc == EXIT_FAULTS; i++) {
		static struct look next;
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
