/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steps of a request: the client's side. STEP(id, function, next steps, "what happens")
 * The driver in req/engine.c refuses any edge that is not here. Rows in the order of a request's
 * life; read the functions in this order to follow one.
 */
STEP(CHECK, step_check, TO(ROUTE) | TO(REFUSE) | TO(ANSWER), "protocol rules beyond the parser's")
STEP(ROUTE, step_route, TO(ADMIT) | TO(REFUSE), "host, path and method choose the route")
STEP(ADMIT, step_admit, TO(PURGE) | TO(COLLECT) | TO(LOOKUP) | TO(FETCH) | TO(ANSWER) | TO(REFUSE),
     "who may use it, and how large")
STEP(PURGE, step_purge, TO(ANSWER) | TO(REFUSE), "make void what is stored under the URL")
STEP(COLLECT, step_collect, TO(LOOKUP) | TO(REFUSE) | TO(END),
     "read the content that is part of the cache key (QUERY, POST)")
STEP(LOOKUP, step_lookup, TO(SERVE) | TO(JOIN) | TO(FETCH) | TO(ANSWER) | TO(REFUSE),
     "find a stored response and ask whether it may be used")
STEP(JOIN, step_join, TO(QUEUE) | TO(ASK), "somebody fetches it already: wait; else lead")
STEP(QUEUE, step_queue, TO(SERVE) | TO(LOOKUP) | TO(ASK) | TO(REFUSE) | TO(FETCH) | TO(ANSWER),
     "wait for another request's fetch")
STEP(ASK, step_ask, TO(FETCH), "prepare to store what the origin will answer")
STEP(FETCH, step_fetch, TO(AWAIT) | TO(REFUSE), "write the request for the upstream, begin")
STEP(AWAIT, step_await,
     TO(FETCH) | TO(HEAD) | TO(SERVE) | TO(ANSWER) | TO(REFUSE) | TO(TUNNEL) | TO(END),
     "wait for the answer's head, relay interim ones")
STEP(HEAD, step_head, TO(DELIVER) | TO(REFUSE), "write the answer's head for the client")
STEP(SERVE, step_serve, TO(DELIVER) | TO(LOOKUP) | TO(REFUSE),
     "write the head of a stored response: 200, 304, 206, 412 or 416")
STEP(ANSWER, step_answer, TO(DELIVER) | TO(REFUSE), "a static answer of our own")
STEP(REFUSE, step_refuse, TO(DELIVER) | TO(END), "an error answer of our own")
STEP(DELIVER, step_deliver, TO(DRAIN) | TO(REFUSE) | TO(END), "move head and body to the client")
STEP(DRAIN, step_drain, TO(END), "read what is left of a body that nobody wanted")
STEP(TUNNEL, step_tunnel, TO(REFUSE) | TO(END), "bytes both ways after a switch of protocols")
STEP(END, step_end, 0, "count, log, let go")
