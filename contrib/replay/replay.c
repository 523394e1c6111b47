/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replays requests against the cache's real code, in one process, and prints the part that was
 * found next to LRU and to the offline best (evict what is used again last: Belady), at several
 * sizes. The requests are made (Zipf with one-hit wonders, without and with a crawler in between)
 * or read from a file: a line per request, "KEY BYTES".
 *
 *   contrib/replay/replay [--requests N] [--objects N] [--alpha A] [--wonders PERCENT]
 *                         [--crawler PERCENT] [--trace FILE] [SIZE_MIB ...]
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "shm/seg.h"
#include "store/l1.h"

enum {
	HEAD_N = 300, /* bytes of a stored head */
	KEY_MAX = 40,
	PER_OBJECT = 700, /* what LRU and Belady are charged besides the body: record, key, head */
	SIZES_MAX = 16,
};

#define NEVER UINT32_MAX

struct load {
	const char *name;
	uint32_t *ids; /* of the requests, dense from 0 */
	uint32_t n;
	uint32_t *bytes; /* by id */
	uint32_t n_ids;
	uint64_t footprint; /* bytes of all objects, as LRU counts them */
};

struct options {
	uint32_t requests, objects;
	double alpha;
	unsigned wonders, crawler; /* percent of requests */
	const char *trace;
	uint64_t sizes[SIZES_MAX];
	size_t n_sizes;
};

static void *must(void *p)
{
	if (p)
		return p;
	fputs("replay: out of memory\n", stderr);
	exit(1);
}

/* ---- loads ---- */

static double uniform(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

/* Lognormal around 4 KiB, 200 bytes to 256 KiB. */
static uint32_t some_bytes(struct rng *r)
{
	double u = 1 - uniform(r), v = uniform(r);
	double n = exp(log(4096) + sqrt(-2 * log(u)) * cos(2 * M_PI * v));

	return (uint32_t)fmin(fmax(n, 200), 256 * 1024);
}

static double *zipf(uint32_t n, double alpha)
{
	double *sums = must(calloc(n, sizeof(*sums))), sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		sum += pow(i + 1, -alpha);
		sums[i] = sum;
	}
	return sums;
}

static uint32_t pick(struct rng *r, const double *sums, uint32_t n)
{
	double at = uniform(r) * sums[n - 1];
	uint32_t low = 0, high = n - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (sums[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void measure(struct load *l)
{
	for (uint32_t i = 0; i < l->n_ids; i++)
		l->footprint += l->bytes[i] + PER_OBJECT;
}

static struct load make_load(const char *name, const struct options *o, unsigned crawler)
{
	struct load l = {.name = name, .n = o->requests, .n_ids = o->objects};
	double *sums = zipf(o->objects, o->alpha);
	uint32_t next = 0;
	struct rng r;

	rng_seed(&r, 1);
	l.ids = must(calloc(l.n, sizeof(*l.ids)));
	for (uint32_t i = 0; i < l.n; i++) {
		unsigned dice = (unsigned)rng_below(&r, 100);
		if (dice < o->wonders)
			l.ids[i] = l.n_ids++;
		else if (dice < o->wonders + crawler)
			l.ids[i] = next++ % o->objects;
		else
			/* Popularity has nothing to do with the order in which a crawler goes. */
			l.ids[i] = (uint32_t)((uint64_t)pick(&r, sums, o->objects) * 2654435761u %
					      o->objects);
	}
	l.bytes = must(calloc(l.n_ids, sizeof(*l.bytes)));
	for (uint32_t i = 0; i < l.n_ids; i++)
		l.bytes[i] = some_bytes(&r);
	free(sums);
	measure(&l);
	return l;
}

/* Dense numbers for keys: open addressing, grown by half. */
struct names {
	uint64_t *hashes;
	uint32_t *ids;
	uint32_t size, n;
};

static uint32_t *place(struct names *names, uint64_t hash)
{
	uint32_t at = (uint32_t)(hash % names->size);

	while (names->hashes[at] && names->hashes[at] != hash)
		at = (at + 1) % names->size;
	names->hashes[at] = hash;
	return &names->ids[at];
}

static uint32_t id_of(struct names *names, struct str key)
{
	struct names old = *names;

	if (names->n * 2 >= names->size) {
		names->size = old.size * 2 + 1021;
		names->hashes = must(calloc(names->size, sizeof(*names->hashes)));
		names->ids = must(calloc(names->size, sizeof(*names->ids)));
		for (uint32_t i = 0; i < old.size; i++)
			if (old.hashes[i])
				*place(names, old.hashes[i]) = old.ids[i];
		free(old.hashes);
		free(old.ids);
	}
	uint32_t *id = place(names, l1_hash(key).lo | 1);
	if (*id == 0)
		*id = ++names->n;
	return *id - 1;
}

static struct load read_load(const char *path)
{
	struct load l = {.name = path};
	struct names names = {0};
	char key[8192];
	unsigned long bytes;
	uint32_t room = 0, room_ids = 0;
	FILE *f = fopen(path, "r");

	if (!f) {
		perror(path);
		exit(1);
	}
	while (fscanf(f, "%8191s %lu", key, &bytes) == 2) {
		if (l.n == room) {
			room = room * 2 + 4096;
			l.ids = must(realloc(l.ids, room * sizeof(*l.ids)));
		}
		uint32_t id = id_of(&names, str_c(key));
		if (id == room_ids) {
			room_ids = room_ids * 2 + 4096;
			l.bytes = must(realloc(l.bytes, room_ids * sizeof(*l.bytes)));
		}
		if (id == l.n_ids) {
			l.n_ids++;
			l.bytes[id] = (uint32_t)bytes;
		}
		while (room_ids < names.n)
			room_ids = names.n;
		l.ids[l.n++] = id;
	}
	fclose(f);
	free(names.hashes);
	free(names.ids);
	measure(&l);
	return l;
}

/* ---- LRU ---- */

struct lru {
	uint32_t *newer, *older; /* by id; id n_ids is the sentinel */
	bool *in;
};

static void lru_leave(struct lru *c, uint32_t id)
{
	c->newer[c->older[id]] = c->newer[id];
	c->older[c->newer[id]] = c->older[id];
}

static void lru_enter(struct lru *c, uint32_t id, uint32_t head)
{
	c->older[id] = c->older[head];
	c->newer[id] = head;
	c->newer[c->older[head]] = id;
	c->older[head] = id;
}

static double run_lru(const struct load *l, uint64_t size)
{
	uint32_t head = l->n_ids, hits = 0;
	struct lru c = {must(calloc(head + 1, 4)), must(calloc(head + 1, 4)),
			must(calloc(head + 1, sizeof(bool)))};
	uint64_t used = 0;

	c.newer[head] = c.older[head] = head;
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t id = l->ids[i];
		if (c.in[id]) {
			hits++;
			lru_leave(&c, id);
		} else {
			used += l->bytes[id] + PER_OBJECT;
			c.in[id] = true;
		}
		lru_enter(&c, id, head);
		while (used > size) {
			uint32_t victim = c.newer[head];
			lru_leave(&c, victim);
			c.in[victim] = false;
			used -= l->bytes[victim] + PER_OBJECT;
		}
	}
	free(c.newer);
	free(c.older);
	free(c.in);
	return (double)hits / l->n;
}

/* ---- Belady: a heap by next use; entries that are out of date are skipped ---- */

struct use {
	uint32_t next, id;
};

struct heap {
	struct use *a;
	size_t n;
};

static void heap_add(struct heap *h, struct use u)
{
	size_t i = ++h->n;

	for (; i > 1 && h->a[i / 2].next < u.next; i /= 2)
		h->a[i] = h->a[i / 2];
	h->a[i] = u;
}

static struct use heap_take(struct heap *h)
{
	struct use top = h->a[1], last = h->a[h->n--];
	size_t i = 1;

	while (i * 2 <= h->n) {
		size_t child = i * 2;
		if (child < h->n && h->a[child + 1].next > h->a[child].next)
			child++;
		if (h->a[child].next <= last.next)
			break;
		h->a[i] = h->a[child];
		i = child;
	}
	h->a[i] = last;
	return top;
}

static uint32_t *next_uses(const struct load *l)
{
	uint32_t *next = must(calloc(l->n, sizeof(*next)));
	uint32_t *later = must(malloc(l->n_ids * sizeof(*later)));

	memset(later, 0xff, l->n_ids * sizeof(*later));
	for (uint32_t i = l->n; i > 0; i--) {
		next[i - 1] = later[l->ids[i - 1]];
		later[l->ids[i - 1]] = i - 1;
	}
	free(later);
	return next;
}

static double run_best(const struct load *l, uint64_t size)
{
	uint32_t *next = next_uses(l), *current = must(calloc(l->n_ids, 4)), hits = 0;
	bool *in = must(calloc(l->n_ids, sizeof(bool)));
	struct heap h = {must(calloc((size_t)l->n + 2, sizeof(*h.a))), 0};
	uint64_t used = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t id = l->ids[i];
		hits += in[id];
		if (!in[id] && next[i] == NEVER)
			continue; /* the best does not keep it at all */
		used += in[id] ? 0 : l->bytes[id] + PER_OBJECT;
		in[id] = true;
		current[id] = next[i];
		heap_add(&h, (struct use){next[i], id});
		while (used > size) {
			struct use u = heap_take(&h);
			if (!in[u.id] || current[u.id] != u.next)
				continue;
			in[u.id] = false;
			used -= l->bytes[u.id] + PER_OBJECT;
		}
	}
	free(next);
	free(current);
	free(in);
	free(h.a);
	return (double)hits / l->n;
}

/* ---- the cache itself ---- */

static struct seg *make_segment(uint64_t size)
{
	const struct seg_spec spec = {SEG_L1, l1_region_bytes(size), l1_region_layout()};
	struct seg *seg;

	if (seg_create(&spec, 1, &seg) || l1_format(seg, size)) {
		fputs("replay: no segment\n", stderr);
		exit(1);
	}
	return seg;
}

static struct l1_key key_of(uint32_t id, char *buf)
{
	int n = snprintf(buf, KEY_MAX, "http://replay.example/%u", id);
	struct str text = str_of(buf, (size_t)n);

	return (struct l1_key){.text = text, .url_n = (uint32_t)n, .hash = l1_hash(text)};
}

static bool any_match(void *arg UNUSED, const struct l1_view *v UNUSED, enum l1_state s UNUSED)
{
	return true;
}

/* The body's bytes are whatever the block held: nobody reads them. */
static void store(struct l1 *l1, const struct l1_key *key, uint32_t bytes)
{
	static const char head[HEAD_N];
	const struct l1_new spec = {
		.key = *key,
		.head = str_of(head, HEAD_N),
		.meta = {.lifetime = INT64_C(1) << 40, .last_modified = STORED_NO_DATE},
		.length = bytes,
		.max_variants = 16,
	};
	struct l1_ref ref;
	int rc = 0;

	if (l1_create(l1, &spec, &ref))
		return;
	for (uint32_t at = 0; at < bytes && rc == 0;) {
		char *p;
		size_t n;
		rc = l1_room(l1, &ref, &p, &n);
		if (rc == 0)
			l1_filled(l1, &ref, n);
		at += rc ? 0 : (uint32_t)n;
	}
	if (rc || l1_commit(l1, &ref, STR_NONE))
		l1_break(l1, &ref);
	l1_unpin(l1, &ref);
}

static double run_store(const struct load *l, uint64_t size, struct l1_figures *out)
{
	struct seg *seg = make_segment(size);
	struct l1 *l1 = must(l1_attach(seg, 0, size));
	uint32_t hits = 0;
	char buf[KEY_MAX];

	for (uint32_t i = 0; i < l->n; i++) {
		struct l1_key key = key_of(l->ids[i], buf);
		struct l1_ref ref;
		bool any;
		if (l1_find(l1, &key, any_match, NULL, &ref, &any)) {
			hits++;
			l1_unpin(l1, &ref);
		} else {
			store(l1, &key, l->bytes[l->ids[i]]);
		}
	}
	l1_figures(l1, out);
	if (getenv("REPLAY_FIGURES"))
		printf("evicted %llu: small %llu, main %llu; promoted %llu, ghosts %llu, objects %llu\n",
		       (unsigned long long)out->evicted, (unsigned long long)out->evicted_small,
		       (unsigned long long)out->evicted_main, (unsigned long long)out->promoted,
		       (unsigned long long)out->ghost_hits, (unsigned long long)out->objects);
	l1_detach(&l1);
	seg_free(&seg);
	return (double)hits / l->n;
}

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void compare(const struct load *l, const struct options *o)
{
	printf("%s: %u requests, %u objects, %.0f MiB\n", l->name, l->n, l->n_ids,
	       (double)l->footprint / (1 << 20));
	printf("%9s %8s %8s %8s %8s %8s %8s %9s\n", "size MiB", "of all", "LRU", "tiercel", "best",
	       "used", "stored", "ns/req");
	for (size_t i = 0; i < o->n_sizes; i++) {
		uint64_t size = o->sizes[i] << 20;
		struct l1_figures f;
		double start = cpu();
		double ours = run_store(l, size, &f);
		double took = cpu() - start;
		printf("%9llu %7.1f%% %7.1f%% %7.1f%% %7.1f%% %7.1f%% %7.1f%% %9.0f\n",
		       (unsigned long long)o->sizes[i], 100.0 * (double)size / (double)l->footprint,
		       100 * run_lru(l, size), 100 * ours, 100 * run_best(l, size),
		       100.0 * (double)f.used / (double)f.size,
		       100.0 * (double)f.stored / (double)f.size, took * 1e9 / l->n);
		fflush(stdout);
	}
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"requests", required_argument, NULL, 'r'},
		{"objects", required_argument, NULL, 'o'},
		{"alpha", required_argument, NULL, 'a'},
		{"wonders", required_argument, NULL, 'w'},
		{"crawler", required_argument, NULL, 'c'},
		{"trace", required_argument, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	static const uint64_t sizes[] = {8, 24, 80, 240};
	int c;

	*o = (struct options){
		.requests = 2000000, .objects = 100000, .alpha = 0.9, .wonders = 20, .crawler = 20};
	while ((c = getopt_long(argc, argv, "r:o:a:w:c:t:", longs, NULL)) != -1) {
		if (c == 'r')
			o->requests = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'o')
			o->objects = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'a')
			o->alpha = atof(optarg);
		else if (c == 'w')
			o->wonders = (unsigned)atoi(optarg);
		else if (c == 'c')
			o->crawler = (unsigned)atoi(optarg);
		else if (c == 't')
			o->trace = optarg;
		else
			return -1;
	}
	for (int i = optind; i < argc && o->n_sizes < SIZES_MAX; i++)
		o->sizes[o->n_sizes++] = strtoull(argv[i], NULL, 10);
	if (o->n_sizes == 0) {
		memcpy(o->sizes, sizes, sizeof(sizes));
		o->n_sizes = COUNTOF(sizes);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options o;

	if (parse(argc, argv, &o)) {
		fputs("replay: see the head of contrib/replay/replay.c\n", stderr);
		return 2;
	}
	if (o.trace) {
		struct load l = read_load(o.trace);
		compare(&l, &o);
		return 0;
	}
	struct load plain = make_load("Zipf with one-hit wonders", &o, 0);
	compare(&plain, &o);
	struct load crawled = make_load("the same with a crawler in between", &o, o.crawler);
	compare(&crawled, &o);
	return 0;
}
