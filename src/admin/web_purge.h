/* SPDX-License-Identifier: BSD-2-Clause */
/* The body of POST /api/purge: {"url": "http://host/x"}, or "prefix", "tag", "host", or
 * {"all": true}; with "soft": true what is stored becomes stale instead. */
#ifndef ADMIN_WEB_PURGE_H
#define ADMIN_WEB_PURGE_H

#include "admin/proto.h"

/* The command for it into <out>; NULL, or what is wrong with it. */
const char *web_purge_words(struct str json, struct proto_request *out);

#endif
