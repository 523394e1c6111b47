/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words that a setting may take. Between CHOICES(enum) and CHOICES_END(enum):
 *   CHOICE(C name, "word", NOW or LATER, "what it means")
 * LATER: a word of the user's contract that this version does not know how to do yet.
 * The C enum is `enum conf_<enum>`; its values are CONF_<C name>, numbered from 1.
 */
CHOICES(level)
CHOICE(LEVEL_ERROR, "error", NOW, "only what failed")
CHOICE(LEVEL_WARN, "warn", NOW, "and what will fail soon or was slow")
CHOICE(LEVEL_INFO, "info", NOW, "and what an operator did: start, reload, drain")
CHOICE(LEVEL_DEBUG, "debug", NOW, "and every decision; for one machine and a short time")
CHOICES_END(level)

CHOICES(protocol)
CHOICE(PROTOCOL_H1, "h1", NOW, "HTTP/1.1 and HTTP/1.0")
CHOICE(PROTOCOL_H2, "h2", LATER, "HTTP/2, by ALPN on TLS, by prior knowledge on plain")
CHOICES_END(protocol)

CHOICES(upstream_protocol)
CHOICE(UPSTREAM_HTTP, "http", NOW, "HTTP/1.1 over TCP or a unix socket")
CHOICE(UPSTREAM_HTTPS, "https", LATER, "HTTP/1.1 over TLS")
CHOICES_END(upstream_protocol)

CHOICES(balance)
CHOICE(BALANCE_ROUND_ROBIN, "round_robin", NOW, "each server in turn, by weight")
CHOICE(BALANCE_LEAST_CONN, "least_conn", NOW, "the server with the fewest requests in flight per weight")
CHOICE(BALANCE_P2C, "p2c", NOW, "the better of two drawn at random, by requests in flight")
CHOICE(BALANCE_HASH, "hash", LATER, "the same key always meets the same server")
CHOICES_END(balance)
