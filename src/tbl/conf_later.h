/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of the user's contract that this version does not have yet. LATER(section, key, "what for")
 * Using one is an error that says so, instead of "unknown key". When a setting arrives, its row
 * moves to tbl/conf.h.
 */
LATER(root, rate_limits, "rate limits")
LATER(listener, tls, "TLS")
LATER(cache, l2, "the memcached tier")
LATER(upstream, hash, "balancing by a hash")
LATER(upstream, tls, "TLS to back ends")
LATER(upstream, retry, "retry rules")
LATER(upstream, health_check, "active health checks")
LATER(upstream, outlier_detection, "outlier detection")
LATER(upstream, breaker, "the circuit breaker")
LATER(upstream, slow_start, "slow start")
LATER(upstream, hedge, "hedged requests")
LATER(route, rate_limits, "rate limits")
LATER(route, concurrency, "concurrency limits")
LATER(route, compress, "compression")
LATER(route, aggregate, "aggregation")
LATER(route, batch, "batches")
LATER(route_cache, l2_ttl, "the memcached tier")
