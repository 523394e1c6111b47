/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/storable.h"

#include "base/check.h"
#include "base/err.h"
#include "http/cond.h"
#include "http/range.h"
#include "policy/fresh.h"

static const struct {
	const char *name, *help;
} rows[STORABLE_COUNT] = {
	[STORABLE_YES] = {"stored", "stored"},
#define STORABLE(id, name, help) [STORABLE_##id] = {name, help},
#include "tbl/storable.h"
#undef STORABLE
};

const char *storable_name(enum storable why)
{
	ASSERT((unsigned)why < STORABLE_COUNT);
	return rows[why].name;
}

const char *storable_help(enum storable why)
{
	ASSERT((unsigned)why < STORABLE_COUNT);
	return rows[why].help;
}

bool storable_method(enum http_method m)
{
	return m == HTTP_METHOD_GET || m == HTTP_METHOD_HEAD || m == HTTP_METHOD_QUERY ||
	       m == HTTP_METHOD_POST;
}

/* Everything the rules below look at. */
struct question {
	const struct cache_rules *rules;
	const struct http_msg *request;
	struct http_msg *response;     /* or the merged fields */
	const struct http_msg *update; /* whose Age and Date count: <response>, or a 304 */
	int64_t request_time, response_time;
	unsigned status;
	struct cc cc;	/* of the field that counts */
	bool targeted;	/* it is a targeted one (RFC 9213) */
	int64_t ttl;	/* the operator's lifetime for this status; -1 = none */
	bool may_break; /* override is on and has a lifetime: `unsafe` counts */
};

bool storable_policy(const struct cache_rules *rules, const struct http_msg *response,
		     struct cc *out_cc)
{
	for (size_t i = 0; i < rules->n_targeted; i++)
		if (cc_parse_targeted(response, rules->targeted[i], out_cc))
			return true;
	cc_parse(response, out_cc);
	return false;
}

static int64_t operator_ttl(const struct cache_rules *rules, unsigned status)
{
	for (size_t i = 0; i < rules->n_statuses; i++)
		if (rules->statuses[i].status == status)
			return rules->statuses[i].ttl;
	return rules->ttl > 0 && fresh_status_heuristic(status) ? rules->ttl : -1;
}

static bool broken(const struct question *q, enum cache_unsafe rule)
{
	return q->may_break && q->rules->unsafe_ & rule;
}

/* RFC 9111 3: status, and what the request says. */
static enum storable check_exchange(const struct question *q)
{
	struct cc cc;

	if (!fresh_status_storable(q->status))
		return STORABLE_STATUS;
	if (q->cc.flags & CC_MUST_UNDERSTAND && !fresh_status_understood(q->status))
		return STORABLE_STATUS;
	if (q->rules->unsafe_ & CACHE_UNSAFE_REQUEST)
		return STORABLE_YES;
	cc_parse(q->request, &cc);
	return cc.flags & CC_NO_STORE ? STORABLE_REQUEST_NO_STORE : STORABLE_YES;
}

/* 3.5: which words let an answer to an authorised request be shared. */
static bool allows_authorized(const struct cc *cc)
{
	return cc->flags & (CC_PUBLIC | CC_MUST_REVALIDATE) || cc->s_maxage >= 0;
}

/* Set-Cookie is for one client unless somebody says that it is not. */
static bool cookie_allowed(const struct question *q)
{
	const struct http_field *f = http_find(q->response, HTTP_FIELD_SET_COOKIE);

	if (!f || q->rules->set_cookie == CACHE_COOKIE_STORE)
		return true;
	if (broken(q, CACHE_UNSAFE_SET_COOKIE))
		return true;
	if (q->rules->set_cookie == CACHE_COOKIE_NEVER)
		return false;
	while (f && f->dropped) /* private="set-cookie": it is not stored */
		f = http_find_next(q->response, f);
	return !f || q->targeted || q->cc.flags & CC_PUBLIC || q->cc.s_maxage >= 0;
}

/* What was stored could be shared: only the update's cookie is not, and goes. */
static bool drop_new_cookie(const struct question *q)
{
	struct http_field *f = http_find(q->response, HTTP_FIELD_SET_COOKIE);

	if (q->update == q->response)
		return false;
	for (; f; f = http_find_next(q->response, f))
		f->dropped = true;
	return true;
}

/* Who may have it (3, 5.2.2). must-understand goes before no-store (5.2.2.3). */
static enum storable check_sharing(const struct question *q)
{
	const unsigned flags = q->cc.flags;

	if (flags & CC_NO_STORE && !(flags & CC_MUST_UNDERSTAND) &&
	    !broken(q, CACHE_UNSAFE_NO_STORE))
		return STORABLE_NO_STORE;
	if (flags & CC_PRIVATE && !broken(q, CACHE_UNSAFE_PRIVATE))
		return STORABLE_PRIVATE;
	if (http_find(q->request, HTTP_FIELD_AUTHORIZATION) && !allows_authorized(&q->cc) &&
	    !broken(q, CACHE_UNSAFE_AUTHORIZATION))
		return STORABLE_AUTHORIZATION;
	if (!cookie_allowed(q) && !drop_new_cookie(q))
		return STORABLE_SET_COOKIE;
	return http_list_has(q->response, HTTP_FIELD_VARY, STR("*")) ? STORABLE_VARY : STORABLE_YES;
}

/* Fields that a stored answer makes no sense without: if one is named, the whole answer is. */
static bool is_vital(enum http_field_id id)
{
	return id == HTTP_FIELD_CONTENT_TYPE || id == HTTP_FIELD_CONTENT_ENCODING ||
	       id == HTTP_FIELD_CONTENT_RANGE || id == HTTP_FIELD_VARY ||
	       id == HTTP_FIELD_CACHE_CONTROL || id == HTTP_FIELD_DATE;
}

/* Drops what <names> name; false if that cannot be done. */
static bool drop_named(struct http_msg *m, const struct str *names, unsigned n)
{
	struct str rest, name;

	for (unsigned i = 0; i < n; i++) {
		rest = names[i];
		while (http_list_next(&rest, &name)) {
			if (is_vital(http_field_lookup(name)))
				return false;
			for (struct http_field *f = NULL; (f = http_find_name(m, name, f));)
				f->dropped = true;
		}
	}
	return true;
}

/*
 * The qualified forms (5.2.2.4, 5.2.2.7): the fields they name are not stored. Where that will not
 * do, they count as the unqualified ones, as 5.2.2.4 expects many caches to do.
 */
static void drop_fields(struct question *q)
{
	static const struct str before_us = STR("Proxy-Authentication-Info"); /* 3.1 */

	if (q->cc.flags & CC_PRIVATE_FIELDS &&
	    !drop_named(q->response, q->cc.private_, q->cc.n_private))
		q->cc.flags |= CC_PRIVATE;
	if (q->cc.flags & CC_NO_CACHE_FIELDS &&
	    !drop_named(q->response, q->cc.no_cache, q->cc.n_no_cache))
		q->cc.flags |= CC_NO_CACHE;
	drop_named(q->response, &before_us, 1);
}

/*
 * 3.3, RFC 9110 14.4: a part must say which one it is, and be no longer than it says. A shorter one
 * is a part all the same: it begins where it says.
 */
static enum storable check_part(const struct question *q, struct stored_meta *meta)
{
	struct range range;

	if (range_content_parse(http_value(q->response, HTTP_FIELD_CONTENT_RANGE), &range,
				&meta->total) < 0)
		return STORABLE_PART;
	if (q->response->has_length && q->response->content_length > range.last - range.first + 1)
		return STORABLE_PART;
	meta->first = range.first;
	meta->flags |= STORED_PARTIAL;
	return STORABLE_YES;
}

/* 4.2.2: status and method, or the word "public". POST needs explicit freshness (RFC 9110 9.3.3). */
static bool may_guess(const struct question *q)
{
	if (q->request->method == HTTP_METHOD_POST || q->ttl == 0)
		return false;
	return fresh_status_heuristic(q->status) || q->cc.flags & CC_PUBLIC;
}

/* The operator's lifetime counts from the answer's arrival, however old it says it is. */
static void set_operator_lifetime(const struct question *q, struct stored_meta *meta)
{
	meta->lifetime = q->ttl + meta->initial_age;
	meta->flags |= STORED_OPERATOR;
}

static bool has_validator(const struct stored_meta *meta)
{
	return meta->etag_n || meta->last_modified != STORED_NO_DATE;
}

/* True if a lifetime, or a reason to do without, was found. */
static bool set_lifetime(const struct question *q, struct stored_meta *meta)
{
	const struct fresh_question ask = {q->response,	 &q->cc,     q->targeted,
					   may_guess(q), meta->date, meta->last_modified};
	enum fresh_source source;

	meta->lifetime = fresh_lifetime(&ask, &source);
	if (q->ttl >= 0 && (q->rules->override || source == FRESH_NOWHERE || source == FRESH_GUESS))
		set_operator_lifetime(q, meta);
	else if (source == FRESH_GUESS)
		meta->flags |= STORED_HEURISTIC;
	else if (source == FRESH_NOWHERE)
		return may_guess(q) && has_validator(meta); /* good for validation */
	return q->ttl != 0 || !(meta->flags & STORED_OPERATOR);
}

/* How long it may be used when stale (RFC 5861); not at all where the answer forbids it. */
static void set_stale_windows(const struct question *q, struct stored_meta *meta)
{
	const struct cc *cc = &q->cc;

	if (cc->stale_if_error == 0)
		meta->flags |= STORED_NO_STALE_ERROR;
	if (meta->flags & (STORED_MUST_REVALIDATE | STORED_NO_CACHE))
		return;
	meta->while_revalidate = cc->stale_while_revalidate == CC_NONE
					 ? q->rules->while_revalidate
					 : MAX(cc->stale_while_revalidate, 0);
	meta->if_error =
		cc->stale_if_error == CC_NONE ? q->rules->if_error : MAX(cc->stale_if_error, 0);
}

/*
 * s-maxage means proxy-revalidate too (5.2.2.10). no-cache is about the answer's life, which an
 * override replaces; what is left of it is that it may not be used stale.
 */
static void set_flags(const struct question *q, struct stored_meta *meta)
{
	static const struct {
		unsigned said, stored;
	} map[] = {
		{CC_MUST_REVALIDATE | CC_PROXY_REVALIDATE, STORED_MUST_REVALIDATE},
		{CC_NO_TRANSFORM, STORED_NO_TRANSFORM},
		{CC_IMMUTABLE, STORED_IMMUTABLE},
	};

	for (size_t i = 0; i < COUNTOF(map); i++)
		if (q->cc.flags & map[i].said)
			meta->flags |= map[i].stored;
	if (q->cc.s_maxage != CC_NONE)
		meta->flags |= STORED_MUST_REVALIDATE;
	if (q->cc.flags & CC_NO_CACHE)
		meta->flags |= q->may_break ? STORED_MUST_REVALIDATE : STORED_NO_CACHE;
	if (q->targeted)
		meta->flags |= STORED_TARGETED;
}

/* Validators are those that the stored fields will show. */
static struct str stored_etag(const struct question *q)
{
	const struct http_field *f = http_find(q->response, HTTP_FIELD_ETAG);
	const struct str etag = f && !f->dropped ? http_field_value(q->response, f) : STR_NONE;

	return etag.n && cond_etag_valid(etag) ? etag : STR_NONE;
}

static void set_validators(const struct question *q, struct stored_meta *meta)
{
	/* RFC 9110 8.8.2.2: then two changes in one second need not be feared. */
	enum { CLEARLY_LATER = 60 };
	const struct http_field *lm = http_find(q->response, HTTP_FIELD_LAST_MODIFIED);
	const struct str etag = stored_etag(q);

	meta->etag_n = (uint32_t)etag.n;
	meta->last_modified = STORED_NO_DATE;
	if (lm && !lm->dropped)
		meta->last_modified = fresh_date(http_field_value(q->response, lm), meta->date);
	if (etag.n ? cond_etag_strong(etag)
		   : meta->last_modified != STORED_NO_DATE &&
			     meta->date - meta->last_modified >= CLEARLY_LATER)
		meta->flags |= STORED_STRONG;
}

static void set_times(const struct question *q, struct stored_meta *meta)
{
	const int64_t now = q->response_time / NS_PER_S;
	const int64_t date = fresh_date(http_value(q->update, HTTP_FIELD_DATE), now);

	meta->request_time = q->request_time;
	meta->response_time = q->response_time;
	meta->date = date == FRESH_NO_DATE ? now : date;
	meta->initial_age = fresh_initial_age(fresh_age_value(q->update), date, q->request_time,
					      q->response_time);
}

/* l1_ttl: no longer here than that, whatever age it came with. */
static void bound_lifetime(const struct question *q, struct stored_meta *meta)
{
	if (q->rules->l1_ttl > 0)
		meta->lifetime = MIN(meta->lifetime, meta->initial_age + q->rules->l1_ttl);
}

static bool is_useless(const struct question *q, const struct stored_meta *meta)
{
	if (has_validator(meta) || (meta->lifetime > 0 && !(meta->flags & STORED_NO_CACHE)))
		return false;
	if (meta->flags & (STORED_NO_CACHE | STORED_MUST_REVALIDATE))
		return true;
	return q->cc.stale_while_revalidate <= 0 && q->cc.stale_if_error <= 0;
}

/* All but the part's place, which depends on who asks. */
static enum storable decide(struct question *q, struct stored_meta *meta)
{
	enum storable why;

	q->targeted = storable_policy(q->rules, q->response, &q->cc);
	q->ttl = operator_ttl(q->rules, q->status);
	q->may_break = q->rules->override && q->ttl > 0;
	why = check_exchange(q);
	if (why != STORABLE_YES)
		return why;
	drop_fields(q);
	why = check_sharing(q);
	if (why != STORABLE_YES)
		return why;
	meta->status = (uint16_t)q->status;
	set_times(q, meta);
	set_validators(q, meta);
	set_flags(q, meta);
	if (!set_lifetime(q, meta))
		return STORABLE_NO_LIFETIME;
	bound_lifetime(q, meta);
	set_stale_windows(q, meta);
	return is_useless(q, meta) ? STORABLE_USELESS : STORABLE_YES;
}

enum storable storable(const struct cache_rules *rules, const struct http_msg *request,
		       struct http_msg *response, int64_t request_time, int64_t response_time,
		       struct stored_meta *out_meta)
{
	struct question q = {.rules = rules,
			     .request = request,
			     .response = response,
			     .update = response,
			     .request_time = request_time,
			     .response_time = response_time,
			     .status = response->status};
	struct stored_meta meta = {.total = STORED_UNKNOWN};
	enum storable why;

	if (!storable_method(request->method) || request->method == HTTP_METHOD_HEAD)
		return STORABLE_METHOD;
	why = decide(&q, &meta);
	if (why == STORABLE_YES && q.status == 206)
		why = check_part(&q, &meta);
	if (why == STORABLE_YES || why == STORABLE_USELESS)
		*out_meta = meta;
	return why;
}

enum storable storable_updated(const struct cache_rules *rules, const struct http_msg *request,
			       struct http_msg *merged, const struct http_msg *update,
			       const struct stored_meta *old, int64_t request_time,
			       int64_t response_time, struct stored_meta *out_meta)
{
	struct question q = {.rules = rules,
			     .request = request,
			     .response = merged,
			     .update = update,
			     .request_time = request_time,
			     .response_time = response_time,
			     .status = old->status};
	struct stored_meta meta = {.first = old->first,
				   .total = old->total,
				   .flags = old->flags & (STORED_PARTIAL | STORED_HAS_TRAILERS)};
	const enum storable why = decide(&q, &meta);

	if (why == STORABLE_YES || why == STORABLE_USELESS)
		*out_meta = meta;
	return why;
}
