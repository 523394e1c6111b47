/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/reuse.h"

/* What the request says, or NULL: nothing, or the operator does not want to hear it. */
static const struct cc *said(const struct reuse_request *rq)
{
	return !rq->ignore && rq->cc.flags & (CC_PRESENT | CC_PRAGMA) ? &rq->cc : NULL;
}

static bool wants_validation(const struct cc *cc)
{
	return cc->flags & (CC_NO_CACHE | CC_PRAGMA);
}

/*
 * Does the request want an answer younger than <age> (RFC 9111 5.2.1.1)? With max-age=0 always:
 * ages are whole seconds, so 0 may be nearly 1. A malformed value is read as 0.
 */
static bool wants_younger(const struct cc *cc, int64_t age)
{
	if (cc->max_age == CC_NONE)
		return false;
	return cc->max_age <= 0 || age > cc->max_age;
}

/* 5.2.1.3; a malformed value cannot be fulfilled. */
static bool wants_longer(const struct cc *cc, int64_t fresh_for)
{
	if (cc->min_fresh == CC_NONE)
		return false;
	return cc->min_fresh < 0 || fresh_for < cc->min_fresh;
}

/* 5.2.1.2: by no more than so many seconds. */
static bool takes_stale(const struct cc *cc, int64_t staleness)
{
	return cc->max_stale >= 0 && staleness <= cc->max_stale && cc->min_fresh == CC_NONE;
}

/* 5.2.1.1, 5.2.1.3: who says one of these wants nothing stale, unless max-stale is there too. */
static bool shuns_stale(const struct cc *cc)
{
	return cc->min_fresh != CC_NONE || (cc->max_age != CC_NONE && cc->max_stale < 0);
}

static enum reuse stale_verdict(const struct stored_meta *m, const struct cc *cc,
				bool softly_purged, int64_t staleness)
{
	if (m->flags & STORED_MUST_REVALIDATE)
		return REUSE_VALIDATE;
	if (staleness < m->while_revalidate && !(cc && shuns_stale(cc)))
		return REUSE_REFRESH;
	/* How stale it is that was purged, nobody knows. */
	if (cc && !softly_purged && takes_stale(cc, staleness))
		return REUSE_STALE;
	return REUSE_VALIDATE;
}

enum reuse reuse_verdict(const struct stored_meta *m, const struct reuse_request *rq,
			 bool softly_purged, int64_t now)
{
	const struct cc *cc = said(rq);
	const int64_t age = stored_age(m, now);
	const int64_t fresh_for = m->lifetime - age;
	const bool fresh = fresh_for > 0 && !softly_purged;

	if (m->flags & STORED_NO_CACHE)
		return REUSE_VALIDATE;
	if (cc) {
		/* RFC 8246 2: to validate those takes more than an age, it takes no-cache. */
		const bool immutable = fresh && m->flags & STORED_IMMUTABLE;

		if (wants_validation(cc) || (!immutable && wants_younger(cc, age)) ||
		    wants_longer(cc, fresh_for))
			return REUSE_VALIDATE;
	}
	if (LIKELY(fresh))
		return REUSE_FRESH;
	return stale_verdict(m, cc, softly_purged, MAX(-fresh_for, 0));
}

bool reuse_stale_on_error(const struct stored_meta *m, const struct reuse_request *rq, int64_t now)
{
	const int64_t staleness = MAX(-stored_fresh_for(m, now), 0);
	const struct cc *cc = said(rq);
	int64_t window = m->if_error;

	if (m->flags & (STORED_MUST_REVALIDATE | STORED_NO_CACHE))
		return false;
	if (cc) {
		if (wants_validation(cc) || shuns_stale(cc))
			return false;
		if (takes_stale(cc, staleness))
			return true;
		if (!(m->flags & STORED_NO_STALE_ERROR)) /* RFC 5861 4: requests may say it too */
			window = MAX(window, cc->stale_if_error);
	}
	return staleness < window;
}
