/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that is counted.
 *
 * SCOPE(scope, label, subjects, help)   begins a scope: <label> is the Prometheus label that
 *   names the subject, <subjects> how many can have rows of their own
 * COUNTER(scope, id, name, label, kind, unit, help, explanation)
 *   <kind>: counter (only grows; metric_add) or gauge (goes up and down; metric_set)
 *   <unit>: none, bytes, seconds (stored in ns)
 *   <label>: "" or one fixed label; rows of one <name> stand together and differ in it
 * HISTOGRAM(scope, id, name, help, explanation)   durations, stored in ns, printed in seconds
 * SCOPE_END(scope)
 *
 * NODE has one subject and no writers: whoever shows it sets its values first (metrics_node), from
 * what the segment says. Its counters only grow all the same.
 *
 * Each scope's rows become a struct, so the order is the layout of the segment's rows: a changed
 * list makes the counters of a running instance start anew after an upgrade.
 */
SCOPE(WORKER, "worker", 1, "one worker process")
COUNTER(WORKER, connections_accepted, "tiercel_connections_accepted_total", "", counter, none,
	"Client connections accepted", "Every connection taken from a listening socket.")
COUNTER(WORKER, accept_pauses, "tiercel_accept_pauses_total", "", counter, none,
	"Times a listener stopped accepting",
	"Its connection limit was reached, or descriptors ran out: new connections wait in the "
	"kernel's queue. Raise limits.connections or look for clients that hold connections idle.")
COUNTER(WORKER, connections_active, "tiercel_connections_active", "", gauge, none,
	"Client connections open now", "Idle keep-alive connections count.")
COUNTER(WORKER, accept_errors, "tiercel_accept_errors_total", "", counter, none,
	"Times accept failed",
	"Usually out of file descriptors: raise LimitNOFILE of the service.")
COUNTER(WORKER, requests, "tiercel_requests_total", "", counter, none, "Requests begun",
	"Requests whose head was read completely, refused ones excluded.")
COUNTER(WORKER, requests_active, "tiercel_requests_active", "", gauge, none,
	"Requests in flight now", "From the end of the head to the last byte of the answer.")
COUNTER(WORKER, requests_bad, "tiercel_requests_bad_total", "", counter, none,
	"Requests refused by the parser",
	"Malformed, ambiguous or oversized heads: answered with 4xx and closed.")
COUNTER(WORKER, bytes_in, "tiercel_received_bytes_total", "", counter, bytes,
	"Bytes read from clients", "Heads and framing included.")
COUNTER(WORKER, bytes_out, "tiercel_sent_bytes_total", "", counter, bytes,
	"Bytes written to clients", "Heads and framing included.")
COUNTER(WORKER, tunnels, "tiercel_tunnels_total", "", counter, none,
	"Connections that became tunnels", "Upgrade (WebSocket) answered with 101.")
COUNTER(WORKER, tunnels_active, "tiercel_tunnels_active", "", gauge, none, "Tunnels open now",
	"Upgraded connections.")
COUNTER(WORKER, spliced_bytes, "tiercel_spliced_bytes_total", "", counter, bytes,
	"Body bytes moved by splice", "These never entered the process.")
COUNTER(WORKER, timeouts_header, "tiercel_client_timeouts_total", "phase=\"header\"", counter, none,
	"Client connections ended by a deadline",
	"The request head did not arrive within timeouts.header.")
COUNTER(WORKER, timeouts_body, "tiercel_client_timeouts_total", "phase=\"body\"", counter, none,
	"Client connections ended by a deadline",
	"The request body stood still for timeouts.body.")
COUNTER(WORKER, timeouts_keepalive, "tiercel_client_timeouts_total", "phase=\"keepalive\"",
	counter, none, "Client connections ended by a deadline",
	"No next request within timeouts.keepalive. Normal.")
COUNTER(WORKER, timeouts_write, "tiercel_client_timeouts_total", "phase=\"write\"", counter, none,
	"Client connections ended by a deadline",
	"The client took nothing of the answer for timeouts.write.")
COUNTER(WORKER, client_aborts, "tiercel_client_aborts_total", "", counter, none,
	"Requests whose client left before the end",
	"The connection closed or broke before the last byte of the answer was written.")
COUNTER(WORKER, internal_errors, "tiercel_internal_errors_total", "", counter, none,
	"Requests that failed for a reason of our own",
	"Out of memory, out of descriptors, a failed system call. The error log says which.")
COUNTER(WORKER, loop_turns, "tiercel_loop_turns_total", "", counter, none,
	"Turns of the event loop", "")
HISTOGRAM(WORKER, loop_busy, "tiercel_loop_busy_seconds", "Busy time of a loop turn",
	  "From waking up to waiting again. A long turn delays every connection of the worker.")
COUNTER(WORKER, buffers_live, "tiercel_buffers_active", "", gauge, none,
	"Connection buffers in use now", "Idle connections hold none.")
COUNTER(WORKER, rss_bytes, "tiercel_worker_resident_bytes", "", gauge, bytes,
	"Resident memory of the worker", "From /proc/self/statm, shared pages included.")
COUNTER(WORKER, cpu_user, "tiercel_worker_cpu_seconds_total", "mode=\"user\"", counter, seconds,
	"CPU time of the worker", "Time in the program itself.")
COUNTER(WORKER, cpu_system, "tiercel_worker_cpu_seconds_total", "mode=\"system\"", counter, seconds,
	"CPU time of the worker", "Time in the kernel on its behalf.")
COUNTER(WORKER, access_log_dropped, "tiercel_access_log_dropped_total", "", counter, none,
	"Access log lines dropped",
	"The log's descriptor would have blocked or failed. Requests never wait for the log.")
COUNTER(WORKER, log_dropped, "tiercel_log_dropped_total", "", counter, none,
	"Error log lines dropped or suppressed",
	"The log's descriptor would have blocked, or too many lines came from one area.")
COUNTER(WORKER, reloads, "tiercel_worker_reloads_total", "", counter, none,
	"Configurations taken over", "Committed reloads; the first load does not count.")
COUNTER(WORKER, config_generation, "tiercel_worker_config_generation", "", gauge, none,
	"Number of the configuration in use", "Equal in all workers outside a reload.")
COUNTER(WORKER, cache_evicted_small, "tiercel_cache_evicted_total", "queue=\"small\"", counter, none,
	"Stored answers that made room for others",
	"Not used again while they were new: one-hit wonders leave this way.")
COUNTER(WORKER, cache_evicted_main, "tiercel_cache_evicted_total", "queue=\"main\"", counter, none,
	"Stored answers that made room for others",
	"Had been used again before. If this grows fast, the cache is too small.")
COUNTER(WORKER, cache_promoted, "tiercel_cache_promoted_total", "", counter, none,
	"Stored answers that were used again and stay",
	"Moved from the queue of new ones to the main one.")
COUNTER(WORKER, cache_ghost_hits, "tiercel_cache_ghost_hits_total", "", counter, none,
	"Answers stored again soon after they had to leave",
	"They go to the main queue at once.")
COUNTER(WORKER, cache_expired, "tiercel_cache_left_total", "reason=\"expired\"", counter, none,
	"Stored answers removed because they were of no use",
	"Past all use when their place was looked at.")
COUNTER(WORKER, cache_purged, "tiercel_cache_left_total", "reason=\"purged\"", counter, none,
	"Stored answers removed because they were of no use",
	"Hit by a purge. A purge touches none itself: they leave when they are met.")
COUNTER(WORKER, cache_rejected_large, "tiercel_cache_refused_total", "reason=\"large\"", counter, none,
	"Answers that were not taken in",
	"Larger than cache.l1.max_object allows, or too large for the room there is.")
COUNTER(WORKER, cache_rejected_full, "tiercel_cache_refused_total", "reason=\"full\"", counter, none,
	"Answers that were not taken in",
	"All that is stored is in use at the moment.")
COUNTER(WORKER, cache_no_pin, "tiercel_cache_refused_total", "reason=\"pins\"", counter, none,
	"Answers that were not taken in",
	"This worker holds as many stored answers as it may at once.")
COUNTER(WORKER, cache_broken_off, "tiercel_cache_broken_total", "", counter, none,
	"Answers that broke off while they were stored",
	"None of them passes for a whole one.")
SCOPE_END(WORKER)

SCOPE(LISTENER, "listener", 64, "one listener")
COUNTER(LISTENER, connections, "tiercel_listener_connections_total", "", counter, none,
	"Connections accepted", "")
COUNTER(LISTENER, connections_active, "tiercel_listener_connections_active", "", gauge, none,
	"Connections open now", "")
COUNTER(LISTENER, requests, "tiercel_listener_requests_total", "", counter, none, "Requests begun",
	"")
COUNTER(LISTENER, proxy_protocol_errors, "tiercel_listener_proxy_protocol_errors_total", "",
	counter, none, "Connections closed because of a bad PROXY header",
	"The peer does not speak the PROXY protocol that proxy_protocol: true demands.")
SCOPE_END(LISTENER)

SCOPE(ROUTE, "route", 512, "one route")
COUNTER(ROUTE, requests, "tiercel_route_requests_total", "", counter, none,
	"Requests that took this route", "")
COUNTER(ROUTE, responses_1xx, "tiercel_route_responses_total", "class=\"1xx\"", counter, none,
	"Answers by status class", "101 only: other interim answers are not counted.")
COUNTER(ROUTE, responses_2xx, "tiercel_route_responses_total", "class=\"2xx\"", counter, none,
	"Answers by status class", "")
COUNTER(ROUTE, responses_3xx, "tiercel_route_responses_total", "class=\"3xx\"", counter, none,
	"Answers by status class", "")
COUNTER(ROUTE, responses_4xx, "tiercel_route_responses_total", "class=\"4xx\"", counter, none,
	"Answers by status class", "")
COUNTER(ROUTE, responses_5xx, "tiercel_route_responses_total", "class=\"5xx\"", counter, none,
	"Answers by status class", "")
COUNTER(ROUTE, own_errors, "tiercel_route_own_errors_total", "", counter, none,
	"Error answers made by the proxy itself",
	"They are part of responses too; Proxy-Status and the log say why.")
COUNTER(ROUTE, bytes_in, "tiercel_route_request_body_bytes_total", "", counter, bytes,
	"Request body bytes", "")
COUNTER(ROUTE, bytes_out, "tiercel_route_response_body_bytes_total", "", counter, bytes,
	"Answer body bytes", "")
COUNTER(ROUTE, slow, "tiercel_route_slow_requests_total", "", counter, none,
	"Requests slower than log.slow_request", "Each has a line in the error log.")
COUNTER(ROUTE, cache_hits, "tiercel_route_cache_total", "result=\"hit\"", counter, none,
	"Requests of a caching route by what the cache did",
	"Answered from a stored response without asking the back end.")
COUNTER(ROUTE, cache_misses, "tiercel_route_cache_total", "result=\"miss\"", counter, none,
	"Requests of a caching route by what the cache did",
	"Nothing stored could be used: the back end was asked.")
COUNTER(ROUTE, cache_collapsed, "tiercel_route_cache_total", "result=\"collapsed\"", counter, none,
	"Requests of a caching route by what the cache did",
	"Answered with what another request was fetching at that moment.")
COUNTER(ROUTE, cache_revalidated, "tiercel_route_cache_total", "result=\"revalidated\"", counter,
	none, "Requests of a caching route by what the cache did",
	"The back end confirmed the stored response (304).")
COUNTER(ROUTE, cache_stale, "tiercel_route_cache_total", "result=\"stale\"", counter, none,
	"Requests of a caching route by what the cache did",
	"A stale response was sent: while it is refreshed, or because the back end failed.")
COUNTER(ROUTE, cache_bypassed, "tiercel_route_cache_total", "result=\"bypass\"", counter, none,
	"Requests of a caching route by what the cache did",
	"Passed on without a look-up: the method, an upgrade, a precondition for the origin.")
COUNTER(ROUTE, cache_stored, "tiercel_route_cache_stored_total", "", counter, none,
	"Answers stored", "Whole answers that went into the cache.")
COUNTER(ROUTE, cache_not_stored, "tiercel_route_cache_not_stored_total", "", counter, none,
	"Answers not stored",
	"HTTP or the settings do not allow it, or there was no room; Cache-Status says which.")
COUNTER(ROUTE, cache_broken, "tiercel_route_cache_broken_total", "", counter, none,
	"Answers that broke off while they were stored", "Nothing of them is served as whole.")
COUNTER(ROUTE, cache_streamed, "tiercel_route_cache_streamed_total", "", counter, none,
	"Answers that turned out too large while they were stored",
	"Their readers got them all the same, through a window.")
COUNTER(ROUTE, cache_refreshes, "tiercel_route_cache_refreshes_total", "", counter, none,
	"Refreshes in the background", "Begun by a hit on a stale response (stale-while-revalidate).")
COUNTER(ROUTE, cache_invalidations, "tiercel_route_cache_invalidations_total", "", counter, none,
	"Invalidations", "Stored responses made void by the answer to an unsafe method (RFC 9111 4.4).")
HISTOGRAM(ROUTE, duration, "tiercel_route_duration_seconds",
	  "From the request head to the last byte of the answer",
	  "Includes the time that a slow client takes to read.")
HISTOGRAM(ROUTE, first_byte, "tiercel_route_first_byte_seconds",
	  "From the request head to the first byte of the answer", "")
SCOPE_END(ROUTE)

SCOPE(UPSTREAM, "upstream", 128, "one upstream")
COUNTER(UPSTREAM, requests, "tiercel_upstream_requests_total", "", counter, none,
	"Requests sent or tried", "A replayed request counts once.")
COUNTER(UPSTREAM, responses_1xx, "tiercel_upstream_responses_total", "class=\"1xx\"", counter, none,
	"Answers by status class", "101 only: other interim answers are not counted.")
COUNTER(UPSTREAM, responses_2xx, "tiercel_upstream_responses_total", "class=\"2xx\"", counter, none,
	"Answers by status class", "")
COUNTER(UPSTREAM, responses_3xx, "tiercel_upstream_responses_total", "class=\"3xx\"", counter, none,
	"Answers by status class", "")
COUNTER(UPSTREAM, responses_4xx, "tiercel_upstream_responses_total", "class=\"4xx\"", counter, none,
	"Answers by status class", "")
COUNTER(UPSTREAM, responses_5xx, "tiercel_upstream_responses_total", "class=\"5xx\"", counter, none,
	"Answers by status class", "")
COUNTER(UPSTREAM, connects, "tiercel_upstream_connects_total", "", counter, none,
	"Connections begun", "")
COUNTER(UPSTREAM, connect_failures, "tiercel_upstream_connect_failures_total", "", counter, none,
	"Connections that failed", "Refused, unreachable, reset; timeouts are counted apart.")
COUNTER(UPSTREAM, connect_timeouts, "tiercel_upstream_timeouts_total", "phase=\"connect\"", counter,
	none, "Deadlines that passed", "No connection within timeouts.connect.")
COUNTER(UPSTREAM, first_byte_timeouts, "tiercel_upstream_timeouts_total", "phase=\"first_byte\"",
	counter, none, "Deadlines that passed", "No answer head within timeouts.first_byte.")
COUNTER(UPSTREAM, idle_timeouts, "tiercel_upstream_timeouts_total", "phase=\"idle\"", counter, none,
	"Deadlines that passed", "The answer stood still for timeouts.idle.")
COUNTER(UPSTREAM, total_timeouts, "tiercel_upstream_timeouts_total", "phase=\"total\"", counter,
	none, "Deadlines that passed", "The exchange took longer than timeouts.total.")
COUNTER(UPSTREAM, reuses, "tiercel_upstream_reuses_total", "", counter, none,
	"Requests sent on a pooled connection", "")
COUNTER(UPSTREAM, replays, "tiercel_upstream_replays_total", "", counter, none,
	"Requests sent again on another connection",
	"The pooled connection had died before the first byte of an answer.")
COUNTER(UPSTREAM, resets, "tiercel_upstream_resets_total", "", counter, none,
	"Connections that broke while a request was on them",
	"Closed or reset before the answer's head; replayed requests included.")
COUNTER(UPSTREAM, protocol_errors, "tiercel_upstream_protocol_errors_total", "", counter, none,
	"Answers that are not valid HTTP", "Became 502, or a broken connection after the head.")
COUNTER(UPSTREAM, truncated, "tiercel_upstream_truncated_total", "", counter, none,
	"Answers that ended too early",
	"Fewer bytes than announced; the client's answer was broken off visibly too.")
COUNTER(UPSTREAM, cancelled, "tiercel_upstream_cancelled_total", "", counter, none,
	"Exchanges given up because the client left", "")
COUNTER(UPSTREAM, queued, "tiercel_upstream_queued_total", "", counter, none,
	"Requests that waited for a connection", "pool.max_connections was reached.")
COUNTER(UPSTREAM, queue_full, "tiercel_upstream_queue_full_total", "", counter, none,
	"Requests refused because the queue was full", "pool.queue was reached.")
COUNTER(UPSTREAM, acquire_timeouts, "tiercel_upstream_acquire_timeouts_total", "", counter, none,
	"Requests that waited too long for a connection", "pool.acquire_timeout passed.")
COUNTER(UPSTREAM, queue_length, "tiercel_upstream_queue_length", "", gauge, none,
	"Requests waiting for a connection now", "")
COUNTER(UPSTREAM, connections_active, "tiercel_upstream_connections", "state=\"active\"", gauge,
	none, "Connections now", "Carrying a request, or being opened for one.")
COUNTER(UPSTREAM, connections_idle, "tiercel_upstream_connections", "state=\"idle\"", gauge, none,
	"Connections now", "Waiting in the pool.")
COUNTER(UPSTREAM, bytes_in, "tiercel_upstream_received_bytes_total", "", counter, bytes,
	"Bytes read from the upstream", "Heads and framing included.")
COUNTER(UPSTREAM, bytes_out, "tiercel_upstream_sent_bytes_total", "", counter, bytes,
	"Bytes written to the upstream", "Heads and framing included.")
COUNTER(UPSTREAM, dns_failures, "tiercel_upstream_dns_failures_total", "", counter, none,
	"Name look-ups that failed", "The last good addresses stay in use.")
HISTOGRAM(UPSTREAM, connect_time, "tiercel_upstream_connect_seconds", "Time to connect",
	  "Successful connects only.")
HISTOGRAM(UPSTREAM, queue_time, "tiercel_upstream_queue_seconds", "Time spent in the queue",
	  "Of requests that had to wait.")
HISTOGRAM(UPSTREAM, first_byte_time, "tiercel_upstream_first_byte_seconds",
	  "From the request sent to the answer's head", "")
HISTOGRAM(UPSTREAM, response_time, "tiercel_upstream_response_seconds",
	  "From the request sent to the answer's last byte", "")
SCOPE_END(UPSTREAM)

SCOPE(SERVER, "server", 512, "one server of an upstream")
COUNTER(SERVER, requests, "tiercel_server_requests_total", "", counter, none, "Requests sent", "")
COUNTER(SERVER, failures, "tiercel_server_failures_total", "", counter, none,
	"Requests that failed at this server", "Connect failures, timeouts, resets, bad answers.")
COUNTER(SERVER, connections_active, "tiercel_server_connections_active", "", gauge, none,
	"Connections carrying a request now", "")
COUNTER(SERVER, addresses, "tiercel_server_addresses", "", gauge, none,
	"Addresses the name resolves to", "Per worker, summed: divide by the number of workers.")
SCOPE_END(SERVER)

SCOPE(NODE, "", 1, "the whole node")
COUNTER(NODE, cache_size, "tiercel_cache_size_bytes", "", gauge, bytes,
	"Bytes that the cache can hold",
	"cache.l1.size, without its tables.")
COUNTER(NODE, cache_used, "tiercel_cache_used_bytes", "", gauge, bytes,
	"Bytes of the cache in use",
	"Blocks that hold something, rounding included.")
COUNTER(NODE, cache_stored, "tiercel_cache_stored_bytes", "", gauge, bytes,
	"Bytes stored",
	"Keys, heads and bodies. What used has beyond it is rounding.")
COUNTER(NODE, cache_objects, "tiercel_cache_objects", "", gauge, none,
	"Stored answers",
	"Those that are being fetched included.")
COUNTER(NODE, cache_filling, "tiercel_cache_filling_objects", "", gauge, none,
	"Stored answers that are being fetched now",
	"")
COUNTER(NODE, cache_pins, "tiercel_cache_pins", "", gauge, none,
	"Stored answers in use by requests now",
	"One that two requests use counts twice.")
COUNTER(NODE, cache_pages, "tiercel_cache_pages", "", gauge, none,
	"Pages of the cache",
	"")
COUNTER(NODE, cache_free_pages, "tiercel_cache_free_pages", "", gauge, none,
	"Pages of the cache that are free",
	"")
COUNTER(NODE, cache_lent_holes, "tiercel_cache_replaced_blocks_total", "", counter, none,
	"Blocks replaced because the kernel might still read them",
	"After sendfile of large bodies.")
COUNTER(NODE, cache_recovered_shards, "tiercel_cache_recovered_shards_total", "", counter, none,
	"Parts of the index repaired after a worker died",
	"It died in the middle of a change.")
COUNTER(NODE, fills_in_flight, "tiercel_fills_active", "", gauge, none,
	"Fetches that others can wait for, now",
	"")
COUNTER(NODE, fills_led, "tiercel_fills_joined_total", "result=\"lead\"", counter, none,
	"Requests that asked to fetch, or to wait for a fetch, of a key",
	"Asked the back end for all who want the same.")
COUNTER(NODE, fills_waited, "tiercel_fills_joined_total", "result=\"wait\"", counter, none,
	"Requests that asked to fetch, or to wait for a fetch, of a key",
	"Waited for another's fetch.")
COUNTER(NODE, fills_alone_marked, "tiercel_fills_joined_total", "result=\"marked\"", counter, none,
	"Requests that asked to fetch, or to wait for a fetch, of a key",
	"Did not wait: such answers were not storable lately (hit-for-miss).")
COUNTER(NODE, fills_alone_full, "tiercel_fills_joined_total", "result=\"full\"", counter, none,
	"Requests that asked to fetch, or to wait for a fetch, of a key",
	"Did not wait: the table of fetches was full.")
COUNTER(NODE, fills_ended_by_death, "tiercel_fills_orphaned_total", "", counter, none,
	"Fetches whose worker died",
	"Those who waited for them asked again.")
COUNTER(NODE, purges_url, "tiercel_purges_total", "kind=\"url\"", counter, none,
	"Purges by kind",
	"By tiercelctl, the API, PURGE, and the answers to unsafe methods.")
COUNTER(NODE, purges_prefix, "tiercel_purges_total", "kind=\"prefix\"", counter, none,
	"Purges by kind",
	"")
COUNTER(NODE, purges_tag, "tiercel_purges_total", "kind=\"tag\"", counter, none,
	"Purges by kind",
	"")
COUNTER(NODE, purges_group, "tiercel_purges_total", "kind=\"group\"", counter, none,
	"Purges by kind",
	"By Cache-Group-Invalidation (RFC 9875).")
COUNTER(NODE, purges_host, "tiercel_purges_total", "kind=\"host\"", counter, none,
	"Purges by kind",
	"")
COUNTER(NODE, purges_all, "tiercel_purges_total", "kind=\"all\"", counter, none,
	"Purges by kind",
	"")
SCOPE_END(NODE)
