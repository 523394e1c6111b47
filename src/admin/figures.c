/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/figures.h"

#include <stdio.h>

static const char *nothing(char out[FIGURE])
{
	snprintf(out, FIGURE, "-");
	return out;
}

const char *figure_time(const json_t *seconds, char out[FIGURE])
{
	double v = json_number_value(seconds);

	if (!json_is_number(seconds))
		return nothing(out);
	if (v <= 0)
		snprintf(out, FIGURE, "0 ms");
	else if (v < 1e-3)
		snprintf(out, FIGURE, "%.0f us", v * 1e6);
	else if (v < 1)
		snprintf(out, FIGURE, "%.*f ms", v < 0.01 ? 2 : v < 0.1 ? 1 : 0, v * 1e3);
	else
		snprintf(out, FIGURE, "%.*f s", v < 10 ? 2 : 1, v);
	return out;
}

const char *figure_age(const json_t *seconds, char out[FIGURE])
{
	long long v = (long long)json_number_value(seconds);

	if (!json_is_number(seconds))
		return nothing(out);
	if (v < 60)
		snprintf(out, FIGURE, "%lld s", v);
	else if (v < 3600)
		snprintf(out, FIGURE, "%lld min", v / 60);
	else if (v < 86400)
		snprintf(out, FIGURE, "%lld h %lld min", v / 3600, v % 3600 / 60);
	else
		snprintf(out, FIGURE, "%lld d %lld h", v / 86400, v % 86400 / 3600);
	return out;
}

const char *figure_bytes(const json_t *bytes, char out[FIGURE])
{
	double v = json_number_value(bytes);

	if (!json_is_number(bytes))
		return nothing(out);
	if (v >= 1 << 30)
		snprintf(out, FIGURE, "%.2f GiB", v / (1 << 30));
	else if (v >= 1 << 20)
		snprintf(out, FIGURE, "%.1f MiB", v / (1 << 20));
	else
		snprintf(out, FIGURE, "%.0f KiB", v / 1024);
	return out;
}

const char *figure_number(const json_t *number, char out[FIGURE])
{
	double v = json_number_value(number);

	if (!json_is_number(number))
		return nothing(out);
	if (v >= 1e9)
		snprintf(out, FIGURE, "%.2fG", v / 1e9);
	else if (v >= 1e6)
		snprintf(out, FIGURE, "%.2fM", v / 1e6);
	else if (v >= 1e5)
		snprintf(out, FIGURE, "%.1fk", v / 1e3);
	else
		snprintf(out, FIGURE, "%.*f", json_is_integer(number) || v >= 100 ? 0 : 1, v);
	return out;
}

const char *figure_percent(const json_t *share, char out[FIGURE])
{
	double v = json_number_value(share) * 100;

	if (!json_is_number(share))
		return nothing(out);
	snprintf(out, FIGURE, "%.*f%%", v > 0 && v < 10 ? 2 : 0, v);
	return out;
}
