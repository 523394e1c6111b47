/* SPDX-License-Identifier: BSD-2-Clause */
#include "obs/expose.h"

#include "base/check.h"

/* Upper bounds of the steps of a Prometheus histogram, in ns, and as text. */
static const struct {
	uint64_t ns;
	const char *text;
} steps[] = {
	{100 * NS_PER_US, "0.0001"}, {250 * NS_PER_US, "0.00025"}, {500 * NS_PER_US, "0.0005"},
	{1 * NS_PER_MS, "0.001"},    {2500 * NS_PER_US, "0.0025"}, {5 * NS_PER_MS, "0.005"},
	{10 * NS_PER_MS, "0.01"},    {25 * NS_PER_MS, "0.025"},	   {50 * NS_PER_MS, "0.05"},
	{100 * NS_PER_MS, "0.1"},    {250 * NS_PER_MS, "0.25"},	   {500 * NS_PER_MS, "0.5"},
	{1 * NS_PER_S, "1"},	     {2500 * NS_PER_MS, "2.5"},	   {5 * NS_PER_S, "5"},
	{10 * NS_PER_S, "10"},	     {30 * NS_PER_S, "30"},	   {60 * NS_PER_S, "60"},
	{120 * NS_PER_S, "120"},     {300 * NS_PER_S, "300"},
};

static const struct {
	double q;
	const char *name;
} quantiles[] = {{0.50, "p50"}, {0.90, "p90"}, {0.95, "p95"}, {0.99, "p99"}};

/* ---- numbers ---- */

/* Nanoseconds as seconds, exactly, without trailing zeros. */
static void add_seconds(struct buf *out, int64_t ns)
{
	char digits[10];
	int n = 9;

	if (ns < 0) {
		buf_char(out, '-');
		ns = -ns;
	}
	buf_u64(out, (uint64_t)(ns / NS_PER_S));
	uint64_t rest = (uint64_t)(ns % NS_PER_S);
	if (rest == 0)
		return;
	for (int i = 8; i >= 0; i--) {
		digits[i] = (char)('0' + rest % 10);
		rest /= 10;
	}
	while (digits[n - 1] == '0')
		n--;
	buf_char(out, '.');
	buf_add(out, digits, (size_t)n);
}

static void add_value(struct buf *out, const struct metric_desc *d, uint64_t v)
{
	int64_t signed_v = (int64_t)v;

	if (d->unit == METRIC_UNIT_seconds) {
		add_seconds(out, signed_v);
	} else if (d->kind == METRIC_KIND_gauge && signed_v < 0) {
		/* One worker's share of a gauge may be below zero while another's is above. */
		buf_char(out, '-');
		buf_u64(out, (uint64_t)-signed_v);
	} else {
		buf_u64(out, v);
	}
}

/* ---- Prometheus ---- */

/* Escapes of a label value: backslash, quote, newline. HELP texts come from the table and need
 * none. */
static void add_label_value(struct buf *out, const char *value)
{
	for (const char *c = value; *c; c++) {
		if (*c == '\n')
			buf_add(out, "\\n", 2);
		else if (*c == '\\' || *c == '"')
			buf_printf(out, "\\%c", *c);
		else
			buf_char(out, *c);
	}
}

static void add_label(struct buf *out, char before, const char *name, const char *value)
{
	buf_char(out, before);
	buf_c(out, name);
	buf_c(out, "=\"");
	add_label_value(out, value);
	buf_char(out, '"');
}

/* One series: a row of the table for one subject, and for WORKER one slot. */
struct series {
	const struct metrics *m;
	const struct metric_desc *d;
	unsigned subject;
	unsigned slot; /* WORKER only */
};

/* A row of NODE has no subject to name. */
static void add_node_name(struct buf *out, const struct metric_desc *d)
{
	buf_printf(out, *d->label ? "%s{%s} " : "%s ", d->name, d->label);
}

/* `name<suffix>{labels` and, if <le> is given, `,le="..."`, then `} `. */
static void add_name(struct buf *out, const struct series *s, const char *suffix, const char *le)
{
	const struct metric_desc *d = s->d;

	buf_c(out, d->name);
	buf_c(out, suffix);
	if (d->scope == METRIC_SCOPE_WORKER) {
		buf_printf(out, "{worker=\"%u\"", s->slot);
	} else {
		const char *parent = metrics_parent(s->m, d->scope, s->subject);
		if (*parent)
			add_label(out, '{', "upstream", parent);
		add_label(out, *parent ? ',' : '{', metrics_scope_label(d->scope),
			  metrics_name(s->m, d->scope, s->subject));
	}
	if (*d->label) {
		buf_char(out, ',');
		buf_c(out, d->label);
	}
	if (le)
		add_label(out, ',', "le", le);
	buf_c(out, "} ");
}

static void read_hist(const struct series *s, struct hist *out)
{
	memset(out, 0, sizeof(*out));
	if (s->d->scope == METRIC_SCOPE_WORKER)
		metrics_hist_value(s->m, s->subject, s->slot, (enum metric_id)s->d->id, out);
	else
		metrics_hist_sum(s->m, s->d->scope, s->subject, (enum metric_id)s->d->id, out);
}

static uint64_t read_value(const struct series *s)
{
	enum metric_id id = (enum metric_id)s->d->id;

	if (s->d->scope == METRIC_SCOPE_WORKER)
		return metrics_value(s->m, s->subject, s->slot, id);
	return metrics_sum(s->m, s->d->scope, s->subject, id);
}

static void prometheus_hist(struct buf *out, const struct series *s)
{
	struct hist h;

	read_hist(s, &h);
	uint64_t count = hist_count(&h);
	for (size_t i = 0; i < COUNTOF(steps); i++) {
		add_name(out, s, "_bucket", steps[i].text);
		buf_u64(out, hist_at_most(&h, steps[i].ns));
		buf_char(out, '\n');
	}
	add_name(out, s, "_bucket", "+Inf");
	buf_u64(out, count);
	buf_char(out, '\n');
	add_name(out, s, "_sum", NULL);
	add_seconds(out, (int64_t)h.sum);
	buf_char(out, '\n');
	add_name(out, s, "_count", NULL);
	buf_u64(out, count);
	buf_char(out, '\n');
}

static void prometheus_series(struct buf *out, const struct series *s)
{
	if (s->d->kind == METRIC_KIND_histogram) {
		prometheus_hist(out, s);
		return;
	}
	if (s->d->scope == METRIC_SCOPE_NODE)
		add_node_name(out, s->d);
	else
		add_name(out, s, "", NULL);
	add_value(out, s->d, read_value(s));
	buf_char(out, '\n');
}

static void prometheus_row(const struct metrics *m, const struct metric_desc *d, struct buf *out)
{
	struct series s = {.m = m, .d = d};

	if (d->scope == METRIC_SCOPE_WORKER) {
		for (s.slot = 0; s.slot < metrics_slots(m); s.slot++)
			if (metrics_slot_used(m, s.slot))
				prometheus_series(out, &s);
		return;
	}
	for (s.subject = 0; s.subject < metrics_subjects(m, d->scope); s.subject++)
		if (metrics_shown(m, d->scope, s.subject))
			prometheus_series(out, &s);
}

static const char *kind_name(enum metric_kind kind)
{
	static const char *const names[] = {"untyped", "counter", "gauge", "histogram"};

	return names[kind];
}

#ifdef PACKAGE_VERSION
#define EXPOSE_VERSION PACKAGE_VERSION
#else
#define EXPOSE_VERSION "unknown"
#endif

void expose_prometheus(const struct metrics *m, struct buf *out)
{
	const char *family = "";

	buf_c(out, "# HELP tiercel_build_info Version of the running program\n"
		   "# TYPE tiercel_build_info gauge\n"
		   "tiercel_build_info{version=\"" EXPOSE_VERSION "\"} 1\n");
	for (size_t i = 0; i < metrics_desc_count(); i++) {
		const struct metric_desc *d = metrics_desc(i);
		/* Rows of one family stand together in the table. */
		if (strcmp(family, d->name) != 0)
			buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", d->name, d->help, d->name,
				   kind_name(d->kind));
		family = d->name;
		prometheus_row(m, d, out);
	}
}

/* ---- JSON ---- */

static void json_key(struct buf *out, const char *key)
{
	buf_char(out, '"');
	buf_c(out, key);
	buf_c(out, "\":");
}

static void json_hist(struct buf *out, const struct hist *h)
{
	buf_c(out, "{\"count\":");
	buf_u64(out, hist_count(h));
	buf_c(out, ",\"sum\":");
	add_seconds(out, (int64_t)h->sum);
	buf_c(out, ",\"average\":");
	add_seconds(out, hist_average(h));
	for (size_t i = 0; i < COUNTOF(quantiles); i++) {
		buf_char(out, ',');
		json_key(out, quantiles[i].name);
		add_seconds(out, hist_quantile(h, quantiles[i].q));
	}
	buf_char(out, '}');
}

static void add_member(struct buf *out, const struct series *s)
{
	struct hist h;

	json_key(out, s->d->key);
	if (s->d->kind == METRIC_KIND_histogram) {
		read_hist(s, &h);
		json_hist(out, &h);
	} else {
		add_value(out, s->d, read_value(s));
	}
}

/* Members of one scope for one subject (WORKER: one slot). */
static void json_members(struct buf *out, const struct metrics *m, enum metric_scope scope,
			 unsigned subject, unsigned slot)
{
	struct series s = {.m = m, .subject = subject, .slot = slot};
	bool first = true;

	for (size_t i = 0; i < metrics_desc_count(); i++) {
		s.d = metrics_desc(i);
		if (s.d->scope != scope)
			continue;
		if (!first)
			buf_char(out, ',');
		first = false;
		add_member(out, &s);
	}
}

/* Members of the sums over all workers. */
static void json_totals(struct buf *out, const struct metrics *m)
{
	bool first = true;

	for (size_t i = 0; i < metrics_desc_count(); i++) {
		const struct metric_desc *d = metrics_desc(i);
		enum metric_id id = (enum metric_id)d->id;
		/* A sum of configuration numbers means nothing. */
		if (d->scope != METRIC_SCOPE_WORKER || id == METRIC_WORKER_config_generation)
			continue;
		if (!first)
			buf_char(out, ',');
		first = false;
		json_key(out, d->key);
		if (d->kind == METRIC_KIND_histogram) {
			struct hist h = {0};
			metrics_hist_sum(m, d->scope, 0, id, &h);
			json_hist(out, &h);
		} else {
			add_value(out, d, metrics_sum(m, d->scope, 0, id));
		}
	}
}

void expose_json_values(const struct metrics *m, enum metric_scope scope, unsigned subject,
			struct buf *out)
{
	if (scope == METRIC_SCOPE_WORKER)
		json_totals(out, m);
	else
		json_members(out, m, scope, subject, 0);
}

void expose_json_worker(const struct metrics *m, unsigned slot, struct buf *out)
{
	json_members(out, m, METRIC_SCOPE_WORKER, 0, slot);
}

static void json_workers(const struct metrics *m, struct buf *out)
{
	bool first = true;

	for (unsigned slot = 0; slot < metrics_slots(m); slot++) {
		if (!metrics_slot_used(m, slot))
			continue;
		buf_printf(out, "%s{\"worker\":%u,", first ? "" : ",", slot);
		first = false;
		expose_json_worker(m, slot, out);
		buf_char(out, '}');
	}
}

static void json_subjects(const struct metrics *m, enum metric_scope scope, const char *parent,
			  struct buf *out)
{
	bool first = true;

	for (unsigned i = 0; i < metrics_subjects(m, scope); i++) {
		if (!metrics_shown(m, scope, i) ||
		    (parent && strcmp(parent, metrics_parent(m, scope, i)) != 0))
			continue;
		buf_c(out, first ? "{\"name\":" : ",{\"name\":");
		first = false;
		buf_json(out, str_c(metrics_name(m, scope, i)));
		buf_char(out, ',');
		json_members(out, m, scope, i, 0);
		if (scope == METRIC_SCOPE_UPSTREAM) {
			buf_c(out, ",\"servers\":[");
			json_subjects(m, METRIC_SCOPE_SERVER, metrics_name(m, scope, i), out);
			buf_char(out, ']');
		}
		buf_char(out, '}');
	}
}

void expose_json(const struct metrics *m, struct buf *out)
{
	buf_c(out, "{\"totals\":{");
	json_totals(out, m);
	buf_c(out, "},\"workers\":[");
	json_workers(m, out);
	buf_c(out, "],\"listeners\":[");
	json_subjects(m, METRIC_SCOPE_LISTENER, NULL, out);
	buf_c(out, "],\"routes\":[");
	json_subjects(m, METRIC_SCOPE_ROUTE, NULL, out);
	buf_c(out, "],\"upstreams\":[");
	json_subjects(m, METRIC_SCOPE_UPSTREAM, NULL, out);
	buf_c(out, "],\"node\":{");
	json_members(out, m, METRIC_SCOPE_NODE, 0, 0);
	buf_c(out, "}}");
}

/* ---- plain ---- */

static void plain_duration(struct buf *out, int64_t ns)
{
	if (ns < NS_PER_MS)
		buf_printf(out, "%.0fus", (double)ns / 1e3);
	else if (ns < NS_PER_S)
		buf_printf(out, "%.1fms", (double)ns / 1e6);
	else
		buf_printf(out, "%.2fs", (double)ns / 1e9);
}

static void plain_bytes(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double v = (double)bytes;
	unsigned unit = 0;

	while (v >= 1024 && unit + 1 < COUNTOF(units)) {
		v /= 1024;
		unit++;
	}
	buf_printf(out, unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
}

static void plain_hist(struct buf *out, const struct hist *h)
{
	buf_printf(out, "%llu", (unsigned long long)hist_count(h));
	buf_c(out, "  average ");
	plain_duration(out, hist_average(h));
	for (size_t i = 0; i < COUNTOF(quantiles); i++) {
		buf_printf(out, "  %s ", quantiles[i].name);
		plain_duration(out, hist_quantile(h, quantiles[i].q));
	}
}

/* One `  name   value` line; nothing for a zero unless <all>. */
static void plain_line(struct buf *out, const struct metrics *m, const struct metric_desc *d,
		       unsigned subject, bool all)
{
	enum metric_id id = (enum metric_id)d->id;
	struct hist h = {0};
	uint64_t v = 0;

	if (d->kind == METRIC_KIND_histogram)
		metrics_hist_sum(m, d->scope, subject, id, &h);
	else
		v = metrics_sum(m, d->scope, subject, id);
	if (!all && v == 0 && hist_count(&h) == 0)
		return;
	buf_printf(out, "  %-22s ", d->key);
	if (d->kind == METRIC_KIND_histogram)
		plain_hist(out, &h);
	else if (d->unit == METRIC_UNIT_bytes)
		plain_bytes(out, v);
	else
		add_value(out, d, v);
	if (d->unit == METRIC_UNIT_seconds && d->kind != METRIC_KIND_histogram)
		buf_char(out, 's');
	buf_char(out, '\n');
}

static void plain_subject(struct buf *out, const struct metrics *m, enum metric_scope scope,
			  unsigned subject, bool all)
{
	if (scope == METRIC_SCOPE_WORKER) {
		buf_c(out, "all workers\n");
	} else if (scope == METRIC_SCOPE_NODE) {
		buf_c(out, "the node\n");
	} else {
		const char *parent = metrics_parent(m, scope, subject);
		buf_printf(out, "%s %s%s%s\n", metrics_scope_label(scope), parent,
			   *parent ? " " : "", metrics_name(m, scope, subject));
	}
	for (size_t i = 0; i < metrics_desc_count(); i++) {
		const struct metric_desc *d = metrics_desc(i);
		if (d->scope == scope && d->id != METRIC_WORKER_config_generation)
			plain_line(out, m, d, subject, all);
	}
}

void expose_plain(const struct metrics *m, bool all, struct buf *out)
{
	for (unsigned scope = 1; scope < METRIC_SCOPE_COUNT; scope++)
		for (unsigned i = 0; i < metrics_subjects(m, (enum metric_scope)scope); i++)
			if (metrics_shown(m, (enum metric_scope)scope, i))
				plain_subject(out, m, (enum metric_scope)scope, i, all);
}
