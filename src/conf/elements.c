/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/elements.h"

#include <stdio.h>

#include "base/check.h"
#include "conf/address.h"
#include "conf/httptext.h"
#include "conf/suggest.h"

const char *show(struct str s, struct shown *buffer)
{
	const size_t room = sizeof(buffer->text) - 4;

	str_copy(buffer->text, sizeof(buffer->text), str_of(s.p, MIN(s.n, room)));
	for (char *p = buffer->text; *p; p++)
		if ((uint8_t)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (s.n > room)
		memcpy(buffer->text + room, "...", 4);
	return buffer->text;
}

bool element_bad(struct reader *rd, const struct conf_row *row, const struct node *n,
		 const struct why *why)
{
	struct shown shown;

	report_error(rd->report, n->at, "%s: \"%s\" %s", row->key, show(n->text, &shown),
		     why->text);
	return false;
}

/* ---- numbers ---- */

static bool out_of_range(struct reader *rd, const struct conf_row *row, const struct node *n,
			 bool too_small)
{
	struct shown shown;
	const char *what = show(n->text, &shown);

	if (strcmp(row->least, row->most) == 0)
		report_error(rd->report, n->at, "%s: %s is not known; %s is allowed", row->key,
			     what, row->most);
	else
		report_error(rd->report, n->at, "%s: %s is too %s; %s to %s is allowed", row->key,
			     what, too_small ? "small" : "large", row->least, row->most);
	return false;
}

static bool read_bool(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *into)
{
	static const char *const yes[] = {"yes", "on", "1", "y", "true"};
	static const char *const no[] = {"no", "off", "0", "n", "false"};
	const char *meant = NULL;
	struct why why;

	if (str_eq(n->text, STR("true")) || str_eq(n->text, STR("false"))) {
		*(bool *)into = n->text.p[0] == 't';
		return true;
	}
	for (size_t i = 0; i < COUNTOF(yes); i++) {
		if (str_ieq(n->text, str_c(yes[i])))
			meant = "true";
		if (str_ieq(n->text, str_c(no[i])))
			meant = "false";
	}
	why_set(&why, meant ? "is not true or false; did you mean %s?" : "is not true or false",
		meant);
	return element_bad(rd, row, n, &why);
}

/* The bounds are texts in the table, so that they read in messages as one would write them. */
static bool read_count(struct reader *rd, const struct conf_row *row, const struct node *n,
		       void *into)
{
	uint64_t v, least = 0, most = UINT32_MAX;
	struct why why;

	if (!number_count(n->text, &v, &why))
		return element_bad(rd, row, n, &why);
	if (row->least)
		ASSERT(number_count(str_c(row->least), &least, &why) &&
		       number_count(str_c(row->most), &most, &why));
	if (v < least || v > most)
		return out_of_range(rd, row, n, v < least);
	*(uint32_t *)into = (uint32_t)v;
	return true;
}

static bool read_count_or_auto(struct reader *rd, const struct conf_row *row, const struct node *n,
			       void *into)
{
	uint64_t ignored;
	struct why why;

	if (str_eq(n->text, STR("auto"))) {
		*(uint32_t *)into = 0;
		return true;
	}
	if (!number_count(n->text, &ignored, &why)) {
		why_set(&why, "is not a number or auto; auto and %s to %s are allowed", row->least,
			row->most);
		return element_bad(rd, row, n, &why);
	}
	return read_count(rd, row, n, into);
}

bool read_time(struct reader *rd, const struct conf_row *row, const struct node *n, void *into)
{
	int64_t v, least = 0, most = INT64_MAX;
	struct why why;

	if (!number_time(n->text, &v, &why))
		return element_bad(rd, row, n, &why);
	if (row->least)
		ASSERT(number_time(str_c(row->least), &least, &why) &&
		       number_time(str_c(row->most), &most, &why));
	if (v < least || v > most)
		return out_of_range(rd, row, n, v < least);
	*(int64_t *)into = v;
	return true;
}

static bool read_size(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *into)
{
	uint64_t v, least = 0, most = UINT64_MAX;
	struct why why;

	if (!number_size(n->text, &v, &why))
		return element_bad(rd, row, n, &why);
	if (row->least)
		ASSERT(number_size(str_c(row->least), &least, &why) &&
		       number_size(str_c(row->most), &most, &why));
	if (v < least || v > most)
		return out_of_range(rd, row, n, v < least);
	*(uint64_t *)into = v;
	return true;
}

static bool read_percent(struct reader *rd, const struct conf_row *row, const struct node *n,
			 void *into)
{
	double v, least = 0, most = 1;
	struct why why;

	if (!number_percent(n->text, &v, &why))
		return element_bad(rd, row, n, &why);
	if (row->least)
		ASSERT(number_percent(str_c(row->least), &least, &why) &&
		       number_percent(str_c(row->most), &most, &why));
	if (v < least || v > most)
		return out_of_range(rd, row, n, v < least);
	*(double *)into = v;
	return true;
}

static void write_bool(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	buf_c(out, *(const bool *)element ? "true" : "false");
}

static void write_count(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	buf_u64(out, *(const uint32_t *)element);
}

static void write_count_or_auto(struct buf *out, const struct conf_row *row, const void *element)
{
	if (*(const uint32_t *)element)
		write_count(out, row, element);
	else
		buf_c(out, "auto");
}

void write_time(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	number_print_time(out, *(const int64_t *)element);
}

static void write_size(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	number_print_size(out, *(const uint64_t *)element);
}

static void write_percent(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	number_print_percent(out, *(const double *)element);
}

/* ---- words ---- */

/* "a, b and c" of the words that this version has. */
static void list_words(const struct conf_words *words, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = 0;
	for (size_t i = 0; i < words->n_words && used < size; i++)
		if (!words->words[i].later)
			used += (size_t)snprintf(buffer + used, size - used, "%s%s",
						 used ? ", " : "", words->words[i].word);
}

static bool read_enum(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *into)
{
	const struct conf_words *words = conf_words(row->of);
	struct suggestion near;
	struct why why;
	char allowed[128], hint[80];

	list_words(words, allowed, sizeof(allowed));
	suggest_begin(&near, n->text);
	for (unsigned i = 0; i < words->n_words; i++) {
		const struct conf_word *w = &words->words[i];
		if (!w->later)
			suggest_offer(&near, w->word);
		if (!str_eq(n->text, str_c(w->word)))
			continue;
		if (w->later) {
			why_set(&why, "is not in this version yet; allowed: %s", allowed);
			return element_bad(rd, row, n, &why);
		}
		*(unsigned *)into = i + 1;
		return true;
	}
	why_set(&why, "is not known; allowed: %s%s", allowed,
		suggest_text(&near, hint, sizeof(hint)));
	return element_bad(rd, row, n, &why);
}

static void write_enum(struct buf *out, const struct conf_row *row, const void *element)
{
	const struct conf_words *words = conf_words(row->of);
	unsigned v = *(const unsigned *)element;

	buf_c(out, v >= 1 && v <= words->n_words ? words->words[v - 1].word : "");
}

/* ---- texts ---- */

bool element_take(struct reader *rd, struct str s, void *into)
{
	*(const char **)into = box_str(rd, s);
	return true;
}

bool read_string(struct reader *rd, const struct conf_row *row, const struct node *n, void *into)
{
	struct why why;

	if (n->text.n == 0) {
		why_set(&why, "is empty");
		return element_bad(rd, row, n, &why);
	}
	for (size_t i = 0; i < n->text.n; i++) {
		if ((uint8_t)n->text.p[i] < 0x20 || n->text.p[i] == 0x7f) {
			why_set(&why, "has a line end or another control character");
			return element_bad(rd, row, n, &why);
		}
	}
	return element_take(rd, n->text, into);
}

static bool read_text(struct reader *rd, const struct conf_row *row UNUSED, const struct node *n,
		      void *into)
{
	struct str *text = into;

	*text = arena_str(&rd->box->arena, n->text);
	if (!text->p)
		reader_nomem(rd);
	return true;
}

/* A text that <check> accepts. */
static bool read_checked(struct reader *rd, const struct conf_row *row, const struct node *n,
			 void *into, bool (*check)(struct str, struct why *))
{
	struct why why;

	if (!check(n->text, &why))
		return element_bad(rd, row, n, &why);
	return element_take(rd, n->text, into);
}

static bool read_name(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *into)
{
	return read_checked(rd, row, n, into, name_check);
}

static bool read_field_value(struct reader *rd, const struct conf_row *row, const struct node *n,
			     void *into)
{
	return read_checked(rd, row, n, into, field_value_check);
}

static bool read_socket_path(struct reader *rd, const struct conf_row *row, const struct node *n,
			     void *into)
{
	return read_checked(rd, row, n, into, socket_path_check);
}

static bool read_url_prefix(struct reader *rd, const struct conf_row *row, const struct node *n,
			    void *into)
{
	return read_checked(rd, row, n, into, path_check);
}

static bool read_authority(struct reader *rd, const struct conf_row *row, const struct node *n,
			   void *into)
{
	return read_checked(rd, row, n, into, authority_check);
}

static bool read_method(struct reader *rd, const struct conf_row *row, const struct node *n,
			void *into)
{
	return read_checked(rd, row, n, into, method_check);
}

static bool read_field_name(struct reader *rd, const struct conf_row *row, const struct node *n,
			    void *into)
{
	return read_checked(rd, row, n, into, field_name_check);
}

static bool read_cookie_name(struct reader *rd, const struct conf_row *row, const struct node *n,
			     void *into)
{
	return read_checked(rd, row, n, into, cookie_name_check);
}

static bool read_query_name(struct reader *rd, const struct conf_row *row, const struct node *n,
			    void *into)
{
	return read_checked(rd, row, n, into, query_name_check);
}

static bool read_host(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *into)
{
	if (!read_checked(rd, row, n, into, host_pattern_check))
		return false;
	for (char *p = *(char **)into; p && *p; p++)
		*p = ascii_lower(*p);
	return true;
}

static bool log_output_check(struct str s, struct why *why)
{
	struct suggestion near;

	if (str_eq(s, STR("stderr")) || str_eq(s, STR("syslog")) || (s.n && s.p[0] == '/'))
		return true;
	suggest_begin(&near, s);
	suggest_offer(&near, "stderr");
	suggest_offer(&near, "syslog");
	if (near.best)
		return why_set(why, "is not known; did you mean %s?", near.best);
	return why_set(why, "is not known; stderr, syslog or an absolute path is allowed");
}

static bool read_log_output(struct reader *rd, const struct conf_row *row, const struct node *n,
			    void *into)
{
	return read_checked(rd, row, n, into, log_output_check) && read_string(rd, row, n, into);
}

static bool access_output_check(struct str s, struct why *why)
{
	struct suggestion near;

	if (str_eq(s, STR("stderr")) || (s.n && s.p[0] == '/'))
		return true;
	if (str_eq(s, STR("syslog")))
		return why_set(why,
			       "is not for access lines in this version; stderr or an absolute "
			       "path is allowed");
	suggest_begin(&near, s);
	suggest_offer(&near, "stderr");
	if (near.best)
		return why_set(why, "is not known; did you mean %s?", near.best);
	return why_set(why, "is not known; stderr or an absolute path is allowed");
}

static bool read_access_output(struct reader *rd, const struct conf_row *row, const struct node *n,
			       void *into)
{
	return read_checked(rd, row, n, into, access_output_check) && read_string(rd, row, n, into);
}

void write_string(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	const char *text = *(const char *const *)element;

	buf_c(out, text ? text : "");
}

static void write_text(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	buf_str(out, *(const struct str *)element);
}

/* ---- addresses ---- */

static bool read_address(struct reader *rd, const struct conf_row *row, const struct node *n,
			 void *into)
{
	struct conf_address *a = into;
	struct why why;

	if (!address_parse(&rd->box->arena, n->text, a, &why))
		return element_bad(rd, row, n, &why);
	if (!a->text)
		reader_nomem(rd);
	return true;
}

static bool read_address_or_off(struct reader *rd, const struct conf_row *row, const struct node *n,
				void *into)
{
	struct conf_address **where = into, *a;

	if (str_eq(n->text, STR("off")))
		return true;
	a = box_alloc(rd, sizeof(*a));
	if (!a || !read_address(rd, row, n, a))
		return false;
	*where = a;
	return true;
}

static bool read_cidr(struct reader *rd, const struct conf_row *row, const struct node *n,
		      void *into)
{
	struct why why;

	return cidr_parse(n->text, into, &why) || element_bad(rd, row, n, &why);
}

static void write_address(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	const struct conf_address *a = element;

	buf_c(out, a->text ? a->text : "");
}

static void write_address_or_off(struct buf *out, const struct conf_row *row, const void *element)
{
	const struct conf_address *a = *(struct conf_address *const *)element;

	if (a)
		write_address(out, row, a);
}

static void write_cidr(struct buf *out, const struct conf_row *row UNUSED, const void *element)
{
	cidr_print(out, element);
}

/* ---- the table ---- */

static const struct element_ops ops[] = {
	[CONF_TYPE_MAP_KEY] = {ONE, sizeof(char *), read_name, write_string},
	[CONF_TYPE_INCLUDE] = {MANY, sizeof(char *), read_string, write_string},
	[CONF_TYPE_BOOL] = {ONE, sizeof(bool), read_bool, write_bool},
	[CONF_TYPE_COUNT] = {ONE, sizeof(uint32_t), read_count, write_count},
	[CONF_TYPE_COUNT_OR_AUTO] = {ONE, sizeof(uint32_t), read_count_or_auto,
				     write_count_or_auto},
	[CONF_TYPE_TIME] = {ONE, sizeof(int64_t), read_time, write_time},
	[CONF_TYPE_SIZE] = {ONE, sizeof(uint64_t), read_size, write_size},
	[CONF_TYPE_PERCENT] = {ONE, sizeof(double), read_percent, write_percent},
	[CONF_TYPE_ENUM] = {ONE, sizeof(unsigned), read_enum, write_enum},
	[CONF_TYPE_ENUMS] = {MANY, sizeof(unsigned), read_enum, write_enum},
	[CONF_TYPE_STRING] = {ONE, sizeof(char *), read_string, write_string},
	[CONF_TYPE_TEXT] = {ONE, sizeof(struct str), read_text, write_text},
	[CONF_TYPE_NAME] = {ONE, sizeof(char *), read_name, write_string},
	[CONF_TYPE_LOG_OUTPUT] = {ONE, sizeof(char *), read_log_output, write_string},
	[CONF_TYPE_ACCESS_OUTPUT] = {ONE, sizeof(char *), read_access_output, write_string},
	[CONF_TYPE_LOG_FORMAT] = {FORMAT, sizeof(char *), read_log_field, write_string},
	[CONF_TYPE_SOCKET_PATH] = {ONE, sizeof(char *), read_socket_path, write_string},
	[CONF_TYPE_ADDRESS] = {ONE, sizeof(struct conf_address), read_address, write_address},
	[CONF_TYPE_ADDRESS_OR_OFF] = {ONE, sizeof(void *), read_address_or_off,
				      write_address_or_off},
	[CONF_TYPE_CIDRS] = {MANY, sizeof(struct conf_cidr), read_cidr, write_cidr},
	[CONF_TYPE_HOSTS] = {MANY, sizeof(char *), read_host, write_string},
	[CONF_TYPE_METHODS] = {MANY, sizeof(char *), read_method, write_string},
	[CONF_TYPE_ROUTE_PATH] = {ONE, sizeof(char *), read_route_path, write_route_path},
	[CONF_TYPE_URL_PREFIX] = {ONE, sizeof(char *), read_url_prefix, write_string},
	[CONF_TYPE_AUTHORITY] = {ONE, sizeof(char *), read_authority, write_string},
	[CONF_TYPE_BODY_FILE] = {ONE, sizeof(char *), read_body_file, write_string},
	[CONF_TYPE_FIELD_VALUE] = {ONE, sizeof(char *), read_field_value, write_string},
	[CONF_TYPE_PAIRS] = {PAIRS, sizeof(struct conf_pair), read_pair, write_pair,
			     write_pair_key},
	[CONF_TYPE_FIELD_NAMES] = {MANY, sizeof(char *), read_field_name, write_string},
	[CONF_TYPE_COOKIE_NAMES] = {MANY, sizeof(char *), read_cookie_name, write_string},
	[CONF_TYPE_QUERY_NAMES] = {MANY, sizeof(char *), read_query_name, write_string},
	[CONF_TYPE_STATUS_TIMES] = {PAIRS, sizeof(struct conf_status_time), read_status_time,
				    write_status_time, write_status_time_key},
};

const struct element_ops *element_ops(const struct conf_row *row)
{
	ASSERT(row->type < COUNTOF(ops) && ops[row->type].read);
	return &ops[row->type];
}
