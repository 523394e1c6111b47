/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steps of a fetch: the origin's side of a request. FSTEP(id, next steps, "what happens")
 * The driver in fetch/fetch.c refuses any edge that is not here.
 */
FSTEP(PICK, FTO(CONNECT) | FTO(TALK) | FTO(FAILED), "ask the pool for a connection to some server")
FSTEP(CONNECT, FTO(PICK) | FTO(TALK) | FTO(FAILED), "wait for the pool: connecting, or queued")
FSTEP(TALK, FTO(PICK) | FTO(HEAD) | FTO(FAILED), "send the request, look for the answer's head")
FSTEP(HEAD, FTO(TALK) | FTO(BODY) | FTO(FAILED), "a head is there: the taker deals with it")
FSTEP(BODY, FTO(FAILED), "the taker pulls the body")
FSTEP(FAILED, 0, "no answer will come from this fetch")
