/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic of freshness (RFC 9111 4.2): dates as a cache reads them, the age an answer came
 * with, its lifetime. Times in seconds since the epoch, durations in seconds, unless said
 * otherwise. Nothing here overflows, whatever the fields say. Pure.
 */
#ifndef POLICY_FRESH_H
#define POLICY_FRESH_H

#include "http/cc.h"

#define FRESH_NO_DATE INT64_MIN

/* A guessed lifetime is a tenth of the time since the last change (4.2.2), at most this. */
enum { FRESH_GUESS_MAX = 86400 };

/* Where a lifetime comes from. */
enum fresh_source {
	FRESH_NOWHERE = 0, /* nothing says, nothing can be guessed */
	FRESH_S_MAXAGE = 1,
	FRESH_MAX_AGE = 2,
	FRESH_EXPIRES = 3,
	FRESH_GUESS = 4,
};

/*
 * A date in any of the three forms, case ignored (4.2; RFC 9110 5.6.7 itself is strict). Other
 * zones than GMT are malformed. <now> decides the century of two-digit years. FRESH_NO_DATE for
 * what is no date.
 */
int64_t fresh_date(struct str text, int64_t now);

/*
 * What Age says (5.1): its first member, whatever follows; 0 when there is none or it is no
 * number. Numbers above CC_SECONDS_MAX count as that.
 */
int64_t fresh_age_value(const struct http_msg *response);

/* corrected_initial_age (4.2.3). The two times in ns; <date> FRESH_NO_DATE: none came. */
int64_t fresh_initial_age(int64_t age_value, int64_t date, int64_t request_time,
			  int64_t response_time);

/* What fresh_lifetime() asks. */
struct fresh_question {
	const struct http_msg *response;
	const struct cc *cc;   /* of the field that counts */
	bool no_expires;       /* Expires is ignored: a targeted field counts (RFC 9213 2.2) */
	bool may_guess;	       /* 4.2.2: status and method allow a heuristic */
	int64_t date;	       /* Date, else when it was received */
	int64_t last_modified; /* FRESH_NO_DATE = none */
};

/*
 * freshness_lifetime (4.2.1): never negative. What is malformed, given twice with different
 * values or over before it began is 0: stale.
 */
int64_t fresh_lifetime(const struct fresh_question *q, enum fresh_source *out_source);

/* May a cache keep answers of this status without being told (RFC 9110 15.1)? */
bool fresh_status_heuristic(unsigned status);

/* Do we know the status and what it demands of caches (must-understand, 5.2.2.3)? */
bool fresh_status_understood(unsigned status);

/* May an answer of this status be stored if it says how long? Not interim ones, 304, those whose
 * RFC forbids it (428, 429, 431, 511: RFC 6585), and what is no status. */
bool fresh_status_storable(unsigned status);

#endif
