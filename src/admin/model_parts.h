/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists that the models are made of; see model.h for what they promise. Private to this folder. */
#ifndef ADMIN_MODEL_PARTS_H
#define ADMIN_MODEL_PARTS_H

#include <jansson.h>

#include "base/prelude.h"

struct admin;

/* Seconds; null for a negative value. */
json_t *model_seconds(int64_t ns);

json_t *model_worker_list(const struct admin *admin);
json_t *model_listener_list(const struct admin *admin);
json_t *model_route_list(const struct admin *admin);
json_t *model_upstream_list(const struct admin *admin); /* each with its servers */

#endif
