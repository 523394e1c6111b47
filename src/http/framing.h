/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fields of a complete head mean for framing, persistence and routing; private to
 * src/http. Called once by the parser when the empty line was seen.
 */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include "http/parse.h"

/*
 * Fills framing, keep_alive, content_length and the flags of <m> from its fields, or says why the
 * message is refused. May set `dropped` on repeated identical Content-Length lines of a response.
 */
enum http_parse_error http_framing_finish(struct http_msg *m);

#endif
