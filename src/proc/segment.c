/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/segment.h"

#include <errno.h>

#include "base/check.h"
#include "conf/types.h"
#include "obs/metrics.h"
#include "shm/recover.h"
#include "shm/seg.h"
#include "shm/slots.h"
#include "store/fills.h"
#include "store/l1.h"
#include "store/purge.h"
#include "upstream/cells.h"

/* Room for regions that a later program lays out otherwise: this often, all of the small ones. */
enum { SPARE_TIMES = 2 };

/* One region. A hook that is NULL is not needed. */
struct region {
	enum seg_region id;
	size_t (*bytes)(const struct conf *conf); /* 0 = not wanted */
	uint64_t (*layout)(void);
	int (*format)(struct seg *seg, const struct conf *conf); /* fresh zeros: makes it ready */
	int (*attach)(struct segment *s);			 /* the master's own view */
	int (*revive)(struct segment *s); /* left in order, nobody else is there; fails: format */
	recover_fn *recover;		  /* attach registers one itself where this is NULL */
	bool cache;			  /* is of no use without the others of the cache */
	bool words; /* single words that make sense whoever died when: worth copying, and trusted
		       after a crash */
};

/* ---- what is particular about each ---- */

static size_t slots_bytes(const struct conf *conf)
{
	(void)conf;
	return slots_size(SLOT_MAX);
}

static int attach_slots(struct segment *s)
{
	s->slots = slots_attach(s->seg);
	return s->slots ? 0 : ERR_CORRUPT;
}

/* Whoever lived there is gone. */
static int revive_slots(struct segment *s)
{
	for (unsigned i = 0; i < slots_count(s->slots); i++) {
		struct slot *slot = slot_get(s->slots, i);

		if (slot_state(slot) != WORKER_FREE)
			slot_release(slot);
	}
	return slots_count(s->slots) == SLOT_MAX ? 0 : ERR_CORRUPT;
}

static size_t metrics_bytes(const struct conf *conf)
{
	(void)conf;
	return metrics_size(SLOT_MAX);
}

static int attach_metrics(struct segment *s)
{
	s->metrics = metrics_attach(s->seg);
	return s->metrics ? 0 : ERR_CORRUPT;
}

static size_t upstreams_bytes(const struct conf *conf)
{
	(void)conf;
	return upstream_region_bytes();
}

static int attach_upstreams(struct segment *s)
{
	return cells_attach(s->seg) ? 0 : ERR_CORRUPT;
}

/* ---- the cache: all of its regions, or none ---- */

static size_t l1_bytes(const struct conf *conf)
{
	return conf->cache.l1.size ? l1_region_bytes(conf->cache.l1.size) : 0;
}

static int format_l1(struct seg *seg, const struct conf *conf)
{
	return l1_format(seg, conf->cache.l1.size);
}

static int revive_l1(struct segment *s)
{
	return l1_revive(s->seg);
}

static size_t fills_bytes(const struct conf *conf)
{
	return conf->cache.l1.size ? fills_region_bytes() : 0;
}

static int format_fills(struct seg *seg, const struct conf *conf)
{
	(void)conf;
	fills_format(seg);
	return 0;
}

static int revive_fills(struct segment *s)
{
	fills_revive(s->seg);
	return 0;
}

static size_t purge_bytes(const struct conf *conf)
{
	return conf->cache.l1.size ? purge_region_bytes() : 0;
}

static int format_purge(struct seg *seg, const struct conf *conf)
{
	(void)conf;
	purge_format(seg);
	return 0;
}

static int revive_purge(struct segment *s)
{
	return purge_revive(s->seg);
}

/* In the order of tbl/regions.h. Recovery follows it: first a dead worker's objects are broken, then
 * those who wait for them are woken. */
static const struct region regions[] = {
	{.id = SEG_SLOTS,
	 .bytes = slots_bytes,
	 .layout = slots_layout,
	 .attach = attach_slots,
	 .revive = revive_slots},
	{.id = SEG_METRICS,
	 .bytes = metrics_bytes,
	 .layout = metrics_layout,
	 .attach = attach_metrics,
	 .words = true},
	{.id = SEG_UPSTREAMS,
	 .bytes = upstreams_bytes,
	 .layout = upstream_region_layout,
	 .attach = attach_upstreams},
	{.id = SEG_L1,
	 .bytes = l1_bytes,
	 .layout = l1_region_layout,
	 .format = format_l1,
	 .revive = revive_l1,
	 .recover = l1_recover,
	 .cache = true},
	{.id = SEG_FILLS,
	 .bytes = fills_bytes,
	 .layout = fills_region_layout,
	 .format = format_fills,
	 .revive = revive_fills,
	 .recover = fills_recover,
	 .cache = true},
	{.id = SEG_PURGE,
	 .bytes = purge_bytes,
	 .layout = purge_region_layout,
	 .format = format_purge,
	 .revive = revive_purge,
	 .recover = purge_recover,
	 .cache = true},
};

enum { REGIONS = COUNTOF(regions) };

/* What this program wants, and which of it was there. */
struct plan {
	const struct segment_want *want;
	struct seg_spec specs[REGIONS];
	const struct region *rows[REGIONS]; /* of each spec */
	bool kept[REGIONS];
	const char *why[REGIONS]; /* it does not fit; NULL = it does */
	size_t n;
	size_t spare;
	bool trusted; /* what is kept was left in order, or is in use */
	bool copied;  /* it is a new segment with copies */
};

static void make_plan(struct plan *p, const struct segment_want *want)
{
	*p = (struct plan){.want = want};
	for (size_t i = 0; i < REGIONS; i++) {
		size_t bytes = regions[i].bytes(want->conf);

		if (bytes == 0)
			continue;
		p->rows[p->n] = &regions[i];
		p->specs[p->n++] = (struct seg_spec){regions[i].id, bytes, regions[i].layout()};
		if (regions[i].id != SEG_L1)
			p->spare += SPARE_TIMES * bytes;
	}
}

/* ---- ready for use ---- */

/* Registration is per process, so also for what stays as it is. */
static int attach(struct plan *p, size_t i, struct segment *s)
{
	const struct region *r = p->rows[i];
	int rc = 0;

	if (!p->kept[i] && r->format)
		rc = r->format(s->seg, p->want->conf);
	if (r->recover)
		recover_register(r->id, r->recover, (void *)(uintptr_t)p->want->doorbells);
	if (rc == 0 && r->attach)
		rc = r->attach(s);
	return rc;
}

/* A region that was kept but cannot be used after all. */
static int start_anew(struct plan *p, size_t i, struct segment *s)
{
	int rc = seg_clear_region(s->seg, p->rows[i]->id);

	if (p->rows[i]->id == SEG_METRICS)
		metrics_detach(&s->metrics);
	p->kept[i] = false;
	return rc ? rc : attach(p, i, s);
}

static int attach_all(struct plan *p, struct segment *s)
{
	for (size_t i = 0; i < p->n; i++) {
		int rc = attach(p, i, s);

		if (rc != 0 && p->kept[i] && !p->want->live)
			rc = start_anew(p, i, s);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Nobody lives there any more: what the dead left is repaired before the first worker starts. */
static int revive_all(struct plan *p, struct segment *s)
{
	for (unsigned slot = 0; slot < SLOT_MAX; slot++)
		recover_slot(s->seg, slot);
	for (size_t i = 0; i < p->n; i++) {
		int rc = p->kept[i] && p->rows[i]->revive ? p->rows[i]->revive(s) : 0;

		if (rc != 0)
			rc = start_anew(p, i, s);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- telling ---- */

static const char *misfit(const struct seg_spec *spec, const struct seg *old)
{
	size_t size;

	if (!seg_region(old, spec->id, &size))
		return "was not there";
	if (size != spec->bytes)
		return "another size";
	if (!seg_region_fits(old, spec->id, spec->bytes, spec->layout))
		return "laid out otherwise";
	return NULL;
}

/* Which regions can stay as they are. Those of the cache refer to each other: all or none. */
static void compare(struct plan *p, const struct seg *old)
{
	bool cache = true;

	for (size_t i = 0; i < p->n; i++) {
		p->why[i] = misfit(&p->specs[i], old);
		cache = cache && !(p->rows[i]->cache && p->why[i]);
	}
	for (size_t i = 0; i < p->n; i++) {
		if (p->rows[i]->cache && !cache && !p->why[i])
			p->why[i] = "with the rest of the cache";
		p->kept[i] = !p->why[i];
	}
}

static const char *why_cold(const struct plan *p, size_t i)
{
	if (p->why[i])
		return p->why[i];
	if (!p->trusted)
		return "not left in order";
	return p->copied ? "another segment" : "damaged";
}

static void tell(const struct plan *p, struct buf *told)
{
	buf_c(told, "shared memory: ");
	for (size_t i = 0; i < p->n; i++) {
		buf_printf(told, "%s%s ", i ? ", " : "", seg_region_name(p->specs[i].id));
		if (p->kept[i])
			buf_c(told, p->copied ? "copied" : "warm");
		else
			buf_printf(told, "cold (%s)", why_cold(p, i));
	}
	buf_char(told, '\n');
}

/* ---- the three ways ---- */

static int make_new(struct plan *p, struct segment *s)
{
	int rc = seg_create_spare(p->specs, p->n, p->spare, &s->seg);

	memset(p->kept, 0, sizeof(p->kept));
	return rc ? rc : attach_all(p, s);
}

/* A new segment with a copy of what fits and is worth it. */
static int make_copy(struct plan *p, const struct seg *old, struct segment *s)
{
	int rc = seg_create_spare(p->specs, p->n, p->spare, &s->seg);

	p->copied = true;
	for (size_t i = 0; i < p->n; i++) {
		const struct seg_spec *spec = &p->specs[i];

		p->kept[i] = rc == 0 && p->rows[i]->words &&
			     seg_region_fits(old, spec->id, spec->bytes, spec->layout) &&
			     seg_copy_region(s->seg, old, spec->id) == 0;
	}
	return rc ? rc : attach_all(p, s);
}

/* With the segment <old>, which becomes the new one where it can (then *old is NULL). */
static int open_with(struct plan *p, struct seg **old, struct segment *s)
{
	bool live = p->want->live;
	enum seg_others others = !live ? SEG_ALONE : p->want->crowded ? SEG_CROWDED : SEG_SHARED;
	int rc;

	compare(p, *old);
	p->trusted = seg_mark_dirty(*old) || live;
	if (!p->trusted || seg_refit(*old, p->specs, p->n, others, p->kept) != 0)
		rc = make_copy(p, *old, s);
	else {
		s->seg = *old;
		*old = NULL;
		rc = attach_all(p, s);
	}
	if (rc == 0 && (!live || p->copied))
		rc = revive_all(p, s);
	if (rc == 0 && !live) { /* a live one: when there is no way back */
		seg_publish(s->seg);
		seg_trim(s->seg);
	}
	return rc;
}

static bool kept_region(const struct plan *p, enum seg_region id)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->specs[i].id == id)
			return p->kept[i];
	return false;
}

static bool kept_any(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->kept[i])
			return true;
	return false;
}

int segment_open(const struct segment_want *want, struct segment *out, struct buf *told)
{
	struct seg *old = NULL;
	struct plan p;
	int rc = want->fd < 0 ? 0 : seg_map(want->fd, &old);

	*out = (struct segment){0};
	make_plan(&p, want);
	if (rc != 0)
		buf_printf(told,
			   "shared memory: all cold: the segment of the program before is "
			   "not usable: %s\n",
			   err_text(rc));
	if (!old) {
		rc = make_new(&p, out);
	} else {
		rc = open_with(&p, &old, out);
		if (rc == 0)
			tell(&p, told);
	}
	seg_free(&old);
	if (rc != 0) {
		segment_close(out);
		return rc;
	}
	out->same_slots = kept_region(&p, SEG_SLOTS);
	out->inherited = kept_any(&p);
	return 0;
}

int segment_try(int fd, const struct conf *conf, struct buf *told)
{
	struct segment_want want = {.conf = conf, .live = true};
	struct seg *seg;
	struct plan p;
	int rc = seg_map(fd, &seg);

	if (rc != 0)
		return rc;
	make_plan(&p, &want);
	compare(&p, seg);
	tell(&p, told);
	seg_free(&seg);
	return 0;
}

void segment_close(struct segment *s)
{
	metrics_detach(&s->metrics);
	seg_free(&s->seg);
	*s = (struct segment){0};
}
