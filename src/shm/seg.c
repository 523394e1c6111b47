/* SPDX-License-Identifier: BSD-2-Clause */
#include "shm/seg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* One region in the directory. */
struct seg_entry {
	uint32_t id;	    /* enum seg_region; 0 = unused */
	uint32_t reserved;  /* 0 */
	OFF_OF(void) start; /* first byte; a multiple of SEG_PAGE */
	uint64_t bytes;	    /* as asked for; the rest of the last page is unused */
	uint64_t layout;    /* of its contents; checked by its owner */
};

/* The first page. Written by the master only. */
struct seg_header {
	uint64_t magic;	     /* SEG_MAGIC */
	uint32_t version;    /* SEG_VERSION */
	uint32_t n_regions;  /* entries in use */
	uint64_t size;	     /* bytes of the whole segment */
	uint64_t layout;     /* hash of the directory */
	uint32_t dirty;	     /* 1: somebody may be writing, or died writing */
	int32_t creator;     /* pid of the master that made it */
	int64_t created;     /* wall clock, ns */
	uint64_t used_to;    /* end of the room that was ever given out; 0 = end of the regions */
	uint8_t reserved[8]; /* 0 */
	struct seg_entry regions[SEG_REGIONS_MAX];
};

_Static_assert(sizeof(struct seg_entry) == 32, "directory entry layout");
_Static_assert(sizeof(struct seg_header) == 64 + 32 * SEG_REGIONS_MAX, "header layout");
_Static_assert(sizeof(struct seg_header) <= SEG_PAGE, "the header has one page");

#define SEG_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define SEG_VIEW_MAGIC 0x5e601a11u

struct seg {
	uint32_t magic;				   /* SEG_VIEW_MAGIC */
	int fd;					   /* the memfd; owned */
	size_t size;				   /* bytes mapped */
	struct seg_header *header;		   /* first byte of the mapping */
	uint64_t used_to;			   /* as in the header */
	uint32_t n_regions;			   /* entries in use */
	struct seg_entry regions[SEG_REGIONS_MAX]; /* as checked: our own copy, so that no
						      other process can lead us astray */
};

static const char *const region_names[SEG_REGION_COUNT] = {
	"none",
#define REGION(id, name, writers, protection, help) name,
#include "tbl/regions.h"
#undef REGION
};

const char *seg_region_name(enum seg_region id)
{
	return (unsigned)id < SEG_REGION_COUNT ? region_names[id] : "unknown";
}

uint64_t seg_hash(uint64_t so_far, const char *text)
{
	uint64_t h = so_far ? so_far : UINT64_C(0xcbf29ce484222325);

	/* The final NUL counts, so that "ab","c" and "a","bc" differ. */
	do {
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++);
	return h;
}

static uint64_t hash_u64(uint64_t h, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		h = (h ^ (v >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t directory_hash(const struct seg_header *header)
{
	uint64_t h = hash_u64(seg_hash(0, "directory"), header->used_to);

	for (uint32_t i = 0; i < header->n_regions; i++) {
		const struct seg_entry *e = &header->regions[i];
		h = hash_u64(h, e->id);
		h = hash_u64(h, e->start.at);
		h = hash_u64(h, e->bytes);
		h = hash_u64(h, e->layout);
	}
	return h;
}

static uint64_t page_up(uint64_t n)
{
	return (n + SEG_PAGE - 1) & ~(uint64_t)(SEG_PAGE - 1);
}

static uint64_t entry_end(const struct seg_entry *e)
{
	return e->start.at + page_up(e->bytes);
}

static bool entry_good(const struct seg_header *h, uint32_t i)
{
	const struct seg_entry *e = &h->regions[i];

	if (e->id == SEG_NONE || e->bytes == 0 || e->start.at < SEG_PAGE ||
	    e->start.at % SEG_PAGE || !off_within(e->start.at, e->bytes, h->size))
		return false;
	for (uint32_t k = 0; k < i; k++) {
		const struct seg_entry *o = &h->regions[k];
		if (o->id == e->id)
			return false;
		if (e->start.at < entry_end(o) && o->start.at < entry_end(e))
			return false;
	}
	return true;
}

static int header_check(const struct seg_header *h, size_t bytes)
{
	if (h->magic != SEG_MAGIC)
		return ERR_CORRUPT;
	if (h->version != SEG_VERSION)
		return ERR_VERSION;
	if (h->size != bytes || h->size % SEG_PAGE || h->n_regions > SEG_REGIONS_MAX ||
	    h->used_to > h->size || h->used_to % SEG_PAGE)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < h->n_regions; i++)
		if (!entry_good(h, i))
			return ERR_CORRUPT;
	return h->layout == directory_hash(h) ? 0 : ERR_CORRUPT;
}

int seg_check(const void *base, size_t bytes)
{
	struct seg_header h;

	if (bytes < SEG_PAGE)
		return ERR_CORRUPT;
	/* A copy: what was checked is what is used, whoever else has the segment mapped. */
	memcpy(&h, base, sizeof(h));
	return header_check(&h, bytes);
}

/* Writes header and directory for <specs> to the (private) <header>. */
static int plan(struct seg_header *header, const struct seg_spec *specs, size_t n, size_t spare)
{
	uint64_t at = SEG_PAGE;

	if (n > SEG_REGIONS_MAX)
		return ERR_LIMIT;
	*header = (struct seg_header){.magic = SEG_MAGIC,
				      .version = SEG_VERSION,
				      .n_regions = (uint32_t)n,
				      .dirty = 1,
				      .creator = getpid(),
				      .created = clock_wall()};
	for (size_t i = 0; i < n; i++) {
		ASSERT(specs[i].id > SEG_NONE && specs[i].id < SEG_REGION_COUNT);
		if (specs[i].bytes == 0 || specs[i].bytes > SEG_SIZE_MAX - at)
			return ERR_LIMIT;
		header->regions[i] = (struct seg_entry){.id = specs[i].id,
							.start.at = at,
							.bytes = specs[i].bytes,
							.layout = specs[i].layout};
		at += page_up(specs[i].bytes);
		if (at > SEG_SIZE_MAX)
			return ERR_LIMIT;
	}
	header->used_to = at;
	if (spare > SEG_SIZE_MAX - at)
		return ERR_LIMIT;
	header->size = at + page_up(spare);
	header->layout = directory_hash(header);
	return header_check(header, header->size);
}

static int make_memfd(size_t size)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("tiercel", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* kernel before 6.3 */
		fd = memfd_create("tiercel", flags);
	if (fd < 0)
		return ERR_SYS;
	if (ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, SEG_SEALS) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return ERR_SYS;
}

/* A view of <fd>; takes it, on failure too. */
static int map_fd(int fd, size_t size, struct seg **out)
{
	struct seg *seg = malloc(sizeof(*seg));
	void *base = MAP_FAILED;

	if (seg)
		base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		int saved = errno;
		int rc = seg ? ERR_SYS : ERR_NOMEM;
		free(seg);
		close(fd);
		errno = saved;
		return rc;
	}
	*seg = (struct seg){.magic = SEG_VIEW_MAGIC, .fd = fd, .size = size, .header = base};
	*out = seg;
	return 0;
}

static void keep_directory(struct seg *seg, const struct seg_header *header)
{
	seg->n_regions = header->n_regions;
	memcpy(seg->regions, header->regions, sizeof(seg->regions));
	seg->used_to = header->used_to;
	for (uint32_t i = 0; i < seg->n_regions; i++)
		seg->used_to = MAX(seg->used_to, entry_end(&seg->regions[i]));
}

int seg_create(const struct seg_spec *specs, size_t n, struct seg **out)
{
	return seg_create_spare(specs, n, 0, out);
}

int seg_create_spare(const struct seg_spec *specs, size_t n, size_t spare, struct seg **out)
{
	struct seg_header header;
	struct seg *seg;
	int rc = plan(&header, specs, n, spare);

	if (rc)
		return rc;
	int fd = make_memfd(header.size);
	if (fd < 0)
		return fd;
	rc = map_fd(fd, header.size, &seg);
	if (rc)
		return rc;
	*seg->header = header;
	keep_directory(seg, &header);
	*out = seg;
	return 0;
}

int seg_map(int fd, struct seg **out)
{
	struct stat st;
	struct seg *seg;
	int seals = fcntl(fd, F_GET_SEALS);

	/* Unsealed, its owner could cut it under us and every access would be a SIGBUS. */
	if (seals < 0 || (seals & SEG_SEALS) != SEG_SEALS || fstat(fd, &st) ||
	    st.st_size < SEG_PAGE || (uint64_t)st.st_size > SEG_SIZE_MAX) {
		close(fd);
		return ERR_CORRUPT;
	}
	int rc = map_fd(fd, (size_t)st.st_size, &seg);
	if (rc)
		return rc;
	struct seg_header header = *seg->header;
	rc = header_check(&header, seg->size);
	if (rc) {
		seg_free(&seg);
		return rc;
	}
	keep_directory(seg, &header);
	*out = seg;
	return 0;
}

void seg_free(struct seg **pointer)
{
	struct seg *seg = *pointer;

	*pointer = NULL;
	if (!seg)
		return;
	CHECK_MAGIC(seg, SEG_VIEW_MAGIC);
	munmap(seg->header, seg->size);
	close(seg->fd);
	seg->magic = 0;
	free(seg);
}

static const struct seg_entry *find_entry(const struct seg *seg, enum seg_region id)
{
	CHECK_MAGIC(seg, SEG_VIEW_MAGIC);
	for (uint32_t i = 0; i < seg->n_regions; i++)
		if (seg->regions[i].id == (uint32_t)id)
			return &seg->regions[i];
	return NULL;
}

void *seg_region(const struct seg *seg, enum seg_region id, size_t *out_size)
{
	const struct seg_entry *e = find_entry(seg, id);

	if (!e)
		return NULL;
	if (out_size)
		*out_size = e->bytes;
	return OFF_GET(seg->header, e->start);
}

bool seg_region_fits(const struct seg *seg, enum seg_region id, size_t bytes, uint64_t layout)
{
	const struct seg_entry *e = find_entry(seg, id);

	return e && e->bytes == bytes && e->layout == layout;
}

/* ---- other regions in the same segment ---- */

/* Regions that are in the way of a new one, and from where on there may be room. */
struct taken {
	struct seg_entry list[2 * SEG_REGIONS_MAX];
	size_t n;
	uint64_t from;
};

/* The lowest place for <bytes>; 0 = nowhere. */
static uint64_t find_room(const struct seg *seg, const struct taken *t, uint64_t bytes)
{
	uint64_t best = 0;

	for (size_t i = 0; i <= t->n; i++) {
		uint64_t at = i == t->n ? t->from : MAX(entry_end(&t->list[i]), t->from);
		bool taken = !off_within(at, page_up(bytes), seg->size);

		for (size_t k = 0; k < t->n && !taken; k++)
			taken = at < entry_end(&t->list[k]) &&
				t->list[k].start.at < at + page_up(bytes);
		if (!taken && (best == 0 || at < best))
			best = at;
	}
	return best;
}

static int make_zero(const struct seg *seg, const struct seg_entry *e)
{
	int rc = fallocate(seg->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)e->start.at,
			   (off_t)page_up(e->bytes));

	return rc == 0 ? 0 : ERR_SYS;
}

/* Those that fit, first in <list>; returns how many. */
static size_t keep_fitting(const struct seg *seg, const struct seg_spec *specs, size_t n,
			   struct seg_entry *list, bool *keep)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		keep[i] = keep[i] &&
			  seg_region_fits(seg, specs[i].id, specs[i].bytes, specs[i].layout);
		if (keep[i])
			list[kept++] = *find_entry(seg, specs[i].id);
	}
	return kept;
}

static void find_taken(const struct seg *seg, enum seg_others others, struct taken *t)
{
	*t = (struct taken){.from = others == SEG_CROWDED ? seg->used_to : SEG_PAGE};
	if (others == SEG_ALONE)
		return;
	t->n = seg->n_regions;
	memcpy(t->list, seg->regions, t->n * sizeof(t->list[0]));
}

/* A place for <spec>, made zero. */
static int place(const struct seg *seg, const struct seg_spec *spec, struct taken *t,
		 struct seg_entry *out)
{
	*out = (struct seg_entry){.id = spec->id, .bytes = spec->bytes, .layout = spec->layout};
	if (spec->bytes == 0 || spec->bytes > seg->size)
		return ERR_LIMIT;
	out->start.at = find_room(seg, t, spec->bytes);
	if (out->start.at == 0)
		return ERR_LIMIT;
	t->list[t->n++] = *out;
	return make_zero(seg, out);
}

int seg_refit(struct seg *seg, const struct seg_spec *specs, size_t n, enum seg_others others,
	      bool *keep)
{
	struct seg_entry list[SEG_REGIONS_MAX] = {{0}};
	uint64_t used_to = others == SEG_ALONE ? 0 : seg->used_to;
	struct taken t;
	size_t have;

	if (n > SEG_REGIONS_MAX)
		return ERR_LIMIT;
	have = keep_fitting(seg, specs, n, list, keep);
	find_taken(seg, others, &t);
	if (others == SEG_ALONE) {
		t.n = have;
		memcpy(t.list, list, have * sizeof(list[0]));
	}
	for (size_t i = 0; i < n; i++) {
		int rc = keep[i] ? 0 : place(seg, &specs[i], &t, &list[have]);

		if (rc != 0)
			return rc;
		have += !keep[i];
	}
	for (size_t i = 0; i < have; i++)
		used_to = MAX(used_to, entry_end(&list[i]));
	seg->n_regions = (uint32_t)have;
	memcpy(seg->regions, list, sizeof(list));
	seg->used_to = used_to;
	return 0;
}

void seg_publish(struct seg *seg)
{
	struct seg_header *h = seg->header;

	CHECK_MAGIC(seg, SEG_VIEW_MAGIC);
	h->n_regions = seg->n_regions;
	memcpy(h->regions, seg->regions, sizeof(h->regions));
	h->used_to = seg->used_to;
	h->layout = directory_hash(h);
}

/* The first region at or above <at>, or NULL. */
static const struct seg_entry *next_region(const struct seg *seg, uint64_t at)
{
	const struct seg_entry *next = NULL;

	for (uint32_t i = 0; i < seg->n_regions; i++) {
		const struct seg_entry *e = &seg->regions[i];

		if (e->start.at >= at && (!next || e->start.at < next->start.at))
			next = e;
	}
	return next;
}

void seg_trim(struct seg *seg)
{
	uint64_t at = SEG_PAGE;

	CHECK_MAGIC(seg, SEG_VIEW_MAGIC);
	while (at < seg->size) {
		const struct seg_entry *next = next_region(seg, at);
		struct seg_entry gap = {.start.at = at};

		gap.bytes = (next ? next->start.at : seg->size) - at;
		if (gap.bytes)
			(void)!make_zero(seg, &gap); /* memory that stays taken, no more */
		at = next ? entry_end(next) : seg->size;
	}
}

int seg_clear_region(struct seg *seg, enum seg_region id)
{
	const struct seg_entry *e = find_entry(seg, id);

	return e ? make_zero(seg, e) : ERR_MISSING;
}

int seg_copy_region(struct seg *to, const struct seg *from, enum seg_region id)
{
	const struct seg_entry *a = find_entry(from, id), *b = find_entry(to, id);
	off_t at, end;

	if (!a || !b)
		return ERR_MISSING;
	if (a->bytes != b->bytes)
		return ERR_RANGE;
	at = (off_t)a->start.at;
	end = (off_t)entry_end(a);
	/* only what has memory: most of a region was never touched */
	while (at < end) {
		off_t data = lseek(from->fd, at, SEEK_DATA), hole;

		if (data < 0 || data >= end)
			return data < 0 && errno != ENXIO ? ERR_SYS : 0;
		hole = lseek(from->fd, data, SEEK_HOLE);
		if (hole < 0)
			return ERR_SYS;
		hole = MIN(hole, end);
		memcpy((char *)to->header + b->start.at + (data - (off_t)a->start.at),
		       (const char *)from->header + data, (size_t)(hole - data));
		at = hole;
	}
	return 0;
}

/* ---- clean and dirty ---- */

void seg_mark_clean(struct seg *seg)
{
	CHECK_MAGIC(seg, SEG_VIEW_MAGIC);
	__atomic_store_n(&seg->header->dirty, 0, __ATOMIC_RELEASE);
}

bool seg_mark_dirty(struct seg *seg)
{
	CHECK_MAGIC(seg, SEG_VIEW_MAGIC);
	return __atomic_exchange_n(&seg->header->dirty, 1, __ATOMIC_ACQ_REL) == 0;
}

int seg_fd(const struct seg *seg)
{
	CHECK_MAGIC(seg, SEG_VIEW_MAGIC);
	return seg->fd;
}

void *seg_base(const struct seg *seg)
{
	CHECK_MAGIC(seg, SEG_VIEW_MAGIC);
	return seg->header;
}

size_t seg_size(const struct seg *seg)
{
	CHECK_MAGIC(seg, SEG_VIEW_MAGIC);
	return seg->size;
}
