/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/cache_status.h"

#include "base/check.h"

/* An sf-integer has at most 15 digits (RFC 9651 3.3.1). */
#define INTEGER_MAX INT64_C(999999999999999)

static const struct str fwd_names[CACHE_FWD_COUNT] = {
#define CACHE_FWD(id, name, help) [CACHE_FWD_##id] = {name, sizeof(name) - 1},
#include "tbl/cache_fwd.h"
#undef CACHE_FWD
};

const char *cache_fwd_name(unsigned fwd)
{
	return fwd < CACHE_FWD_COUNT && fwd_names[fwd].p ? fwd_names[fwd].p : "";
}

static void write_ttl(struct http_writer *w, int64_t ttl)
{
	http_write_lit(w, "; ttl=");
	if (ttl < 0)
		http_write_lit(w, "-");
	ttl = MIN(MAX(ttl, -INTEGER_MAX), INTEGER_MAX);
	http_write_u64(w, (uint64_t)(ttl < 0 ? -ttl : ttl));
}

/* fwd and what has a meaning only with it (RFC 9211 2.2 to 2.6). */
static void write_forwarded(struct http_writer *w, const struct cache_status *s)
{
	ASSERT(s->fwd < CACHE_FWD_COUNT);
	http_write_lit(w, "; fwd=");
	http_write_str(w, fwd_names[s->fwd]);
	if (s->fwd_status) {
		http_write_lit(w, "; fwd-status=");
		http_write_u64(w, s->fwd_status);
	}
	if (s->stored)
		http_write_lit(w, "; stored");
	if (s->collapsed)
		http_write_lit(w, "; collapsed");
}

void cache_status_write(struct http_writer *w, const struct cache_status *s)
{
	http_write_lit(w, "Cache-Status: tiercel");
	if (s->hit)
		http_write_lit(w, "; hit");
	else if (s->fwd != CACHE_FWD_NONE)
		write_forwarded(w, s);
	if (s->ttl != CACHE_STATUS_NO_TTL)
		write_ttl(w, s->ttl);
	if (s->detail.n) {
		http_write_lit(w, "; detail=");
		http_write_str(w, s->detail);
	}
	http_write_lit(w, "\r\n");
}
