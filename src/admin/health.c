/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/health.h"

#include "conf/types.h"
#include "obs/window.h"

struct health health_judge(const struct conf_admin_health *limits,
			   const struct window_figures *figures, unsigned workers, bool draining)
{
	if (draining)
		return (struct health){false, "draining"};
	if (workers == 0)
		return (struct health){false, "no worker is running"};
	if (figures->requests < HEALTH_MIN_REQUESTS)
		return (struct health){true, NULL};
	if (figures->error_rate > limits->max_error_rate)
		return (struct health){false, "the share of errors is above max_error_rate"};
	if (figures->average > limits->max_average)
		return (struct health){false, "the average duration is above max_average"};
	return (struct health){true, NULL};
}
