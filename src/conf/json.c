/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JSON Schema. It is a help for editors: what it accepts, conf_load may still refuse (rules
 * between settings), but what conf_load accepts, it must accept. ${NAME} may stand in any value, so
 * patterns leave a way for it.
 */
#include "base/check.h"
#include "conf/print.h"
#include "conf/rows.h"

#define TIME_PATTERN "0|[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d)"

/* What a type is in JSON; patterns are ECMA 262, anchored here. NULL = any text. */
static const struct {
	enum conf_type type;
	const char *json;    /* "string", "integer", ...: what one element is besides a ${NAME} */
	const char *pattern; /* of the text */
	bool list;	     /* one, or a list of them */
} kinds[] = {
	{CONF_TYPE_INCLUDE, "string", NULL, true},
	{CONF_TYPE_BOOL, "boolean", NULL, false},
	{CONF_TYPE_COUNT, "integer", "[0-9]+", false},
	{CONF_TYPE_COUNT_OR_AUTO, "integer", "auto|[0-9]+", false},
	{CONF_TYPE_TIME, "string", TIME_PATTERN, false},
	{CONF_TYPE_SIZE, "string", "0|[0-9]+(\\.[0-9]+)?(B|[KMGT]iB|[kKMGT]B)", false},
	{CONF_TYPE_PERCENT, "string", "[0-9]+(\\.[0-9]+)?%", false},
	{CONF_TYPE_STRING, "string", NULL, false},
	{CONF_TYPE_TEXT, "string", NULL, false},
	{CONF_TYPE_NAME, "string", "[A-Za-z0-9_.:/*@=~\\[\\]-]{1,128}", false},
	{CONF_TYPE_LOG_OUTPUT, "string", "stderr|syslog|/.*", false},
	{CONF_TYPE_ACCESS_OUTPUT, "string", "stderr|/.*", false},
	{CONF_TYPE_LOG_FORMAT, "string", "json|combined|[a-z_]+", true},
	{CONF_TYPE_SOCKET_PATH, "string", "/.*", false},
	{CONF_TYPE_ADDRESS, "string", "(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9_.-]+):[0-9]+|unix:/.+",
	 false},
	{CONF_TYPE_ADDRESS_OR_OFF, "string",
	 "off|(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9_.-]+):[0-9]+|unix:/.+", false},
	{CONF_TYPE_CIDRS, "string", "[0-9A-Fa-f:.]+(/[0-9]+)?", true},
	{CONF_TYPE_HOSTS, "string", NULL, true},
	{CONF_TYPE_METHODS, "string", "[!#$%&'*+.^_`|~0-9A-Z-]+", true},
	{CONF_TYPE_ROUTE_PATH, "string", "/.*|= */.*|~.+", false},
	{CONF_TYPE_URL_PREFIX, "string", "/.*", false},
	{CONF_TYPE_AUTHORITY, "string", NULL, false},
	{CONF_TYPE_BODY_FILE, "string", NULL, false},
	{CONF_TYPE_FIELD_VALUE, "string", NULL, false},
	{CONF_TYPE_FIELD_NAMES, "string", NULL, true},
	{CONF_TYPE_COOKIE_NAMES, "string", NULL, true},
	{CONF_TYPE_QUERY_NAMES, "string", "[^&=#]+", true},
	{CONF_TYPE_STATUS_TIMES, "string", TIME_PATTERN, false},
};

static void indent(struct buf *out, unsigned depth)
{
	buf_printf(out, "%*s", (int)depth * 2, "");
}

static void json_c(struct buf *out, const char *text)
{
	buf_json(out, str_c(text));
}

/* "pattern": "^(...)$", with a way for texts that the environment completes. */
static void print_pattern(struct buf *out, const char *pattern)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "^(%s)$|\\$\\{", pattern);
	if (text.error)
		out->error = text.error;
	buf_c(out, "\"pattern\": ");
	buf_json(out, buf_slice(&text));
	buf_fini(&text);
}

static void print_words(struct buf *out, const struct conf_words *words)
{
	const char *comma = "";

	buf_c(out, "{\"anyOf\": [{\"enum\": [");
	for (size_t i = 0; i < words->n_words; i++) {
		if (words->words[i].later)
			continue;
		buf_c(out, comma);
		json_c(out, words->words[i].word);
		comma = ", ";
	}
	buf_c(out, "]}, {\"type\": \"string\", \"pattern\": \"\\\\$\\\\{\"}]}");
}

/* One element of a type that is no enum. */
static void print_element(struct buf *out, const struct conf_row *row, size_t kind)
{
	const char *json = kinds[kind].json;
	bool bounded =
		kinds[kind].type == CONF_TYPE_COUNT || kinds[kind].type == CONF_TYPE_COUNT_OR_AUTO;

	if (strcmp(json, "string") != 0) {
		buf_printf(out, "{\"anyOf\": [{\"type\": \"%s\"", json);
		if (bounded && row->least)
			buf_printf(out, ", \"minimum\": %s, \"maximum\": %s", row->least,
				   row->most);
		buf_c(out, "}, {\"type\": \"string\", ");
		print_pattern(out, kinds[kind].pattern ? kinds[kind].pattern : "true|false");
		buf_c(out, "}]}");
		return;
	}
	/* Times and sizes may be a plain 0; other texts may look like numbers to YAML. */
	buf_c(out, "{\"type\": [\"string\", \"number\"]");
	if (kinds[kind].type == CONF_TYPE_TIME || kinds[kind].type == CONF_TYPE_SIZE ||
	    kinds[kind].type == CONF_TYPE_STATUS_TIMES)
		buf_c(out, ", \"maximum\": 0");
	if (kinds[kind].pattern) {
		buf_c(out, ", ");
		print_pattern(out, kinds[kind].pattern);
	}
	buf_char(out, '}');
}

static size_t kind_of(const struct conf_row *row)
{
	for (size_t i = 0; i < COUNTOF(kinds); i++)
		if (kinds[i].type == row->type)
			return i;
	ASSERT(row->type == CONF_TYPE_ENUM || row->type == CONF_TYPE_ENUMS);
	return COUNTOF(kinds);
}

static void print_type(struct buf *out, const struct conf_row *row)
{
	size_t kind = kind_of(row);
	bool is_enum = kind == COUNTOF(kinds);
	bool list = is_enum ? row->type == CONF_TYPE_ENUMS : kinds[kind].list;

	for (int item = 0; item <= (list ? 1 : 0); item++) {
		if (list)
			buf_c(out, item ? ", {\"type\": \"array\", \"items\": " : "{\"anyOf\": [");
		if (is_enum)
			print_words(out, conf_words(row->of));
		else
			print_element(out, row, kind);
	}
	if (list)
		buf_c(out, "}]}");
}

/* A reference to a block's definition, in the form that the row has. */
static void print_block(struct buf *out, const struct conf_row *row)
{
	const char *id = conf_section(row->of)->id;

	if (row->type == CONF_TYPE_BLOCK)
		buf_printf(out, "{\"$ref\": \"#/$defs/%s\"}", id);
	else if (row->type == CONF_TYPE_NAMED)
		buf_printf(out,
			   "{\"type\": [\"object\", \"null\"], \"additionalProperties\": "
			   "{\"$ref\": \"#/$defs/%s\"}}",
			   id);
	else if (row->of == CONF_SECTION_server)
		buf_printf(
			out,
			"{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\", \"minItems\": 1, "
			"\"items\": {\"anyOf\": [{\"type\": \"string\"}, {\"$ref\": "
			"\"#/$defs/%s\"}]}}]}",
			id);
	else
		buf_printf(out, "{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/%s\"}}", id);
}

/* An object whose values are of the row's type. */
static void print_map(struct buf *out, const struct conf_row *row)
{
	buf_c(out, "{\"type\": [\"object\", \"null\"], ");
	if (row->type == CONF_TYPE_STATUS_TIMES) {
		buf_c(out, "\"propertyNames\": {\"pattern\": \"^[2-5][0-9][0-9]$\"}, "
			   "\"additionalProperties\": ");
		print_type(out, row);
	} else {
		buf_c(out, "\"additionalProperties\": {\"type\": "
			   "[\"string\", \"number\", \"boolean\"]}");
	}
	buf_char(out, '}');
}

/* A default as JSON: a text, or a list of texts. */
static void print_default(struct buf *out, const char *def)
{
	struct str list = str_c(def), item;
	const char *comma = "";

	if (def[0] != '[') {
		json_c(out, def);
		return;
	}
	list = str_of(list.p + 1, list.n - 2);
	buf_char(out, '[');
	while (str_next(&list, ',', &item)) {
		buf_c(out, comma);
		buf_json(out, str_trim(item));
		comma = ", ";
	}
	buf_char(out, ']');
}

static void print_row(struct buf *out, const struct conf_row *row, unsigned depth)
{
	indent(out, depth);
	json_c(out, row->key);
	buf_c(out, ": {\"description\": ");
	json_c(out, row->brief);
	if (row->def) {
		buf_c(out, ", \"default\": ");
		print_default(out, row->def);
	}
	buf_c(out, ", \"allOf\": [");
	if (conf_row_is_block(row))
		print_block(out, row);
	else if (row->type == CONF_TYPE_PAIRS || row->type == CONF_TYPE_STATUS_TIMES)
		print_map(out, row);
	else
		print_type(out, row);
	buf_c(out, "]}");
}

static void print_section(struct buf *out, const struct conf_section *s, unsigned depth)
{
	const char *comma = "";

	indent(out, depth);
	buf_c(out, "\"type\": [\"object\", \"null\"],\n");
	indent(out, depth);
	buf_c(out, "\"description\": ");
	json_c(out, s->brief);
	buf_c(out, ",\n");
	indent(out, depth);
	buf_c(out, "\"additionalProperties\": false,\n");
	indent(out, depth);
	buf_c(out, "\"properties\": {\n");
	for (size_t i = 0; i < s->n_rows; i++) {
		if (s->rows[i].type == CONF_TYPE_MAP_KEY)
			continue;
		buf_c(out, comma);
		print_row(out, &s->rows[i], depth + 1);
		comma = ",\n";
	}
	buf_char(out, '\n');
	indent(out, depth);
	buf_char(out, '}');
}

/* What must be there. Not for the file as a whole: an included file has only a part. */
static void print_required(struct buf *out, const struct conf_section *s, unsigned depth)
{
	const char *comma = "";

	for (size_t i = 0; i < s->n_rows; i++) {
		if (!s->rows[i].required)
			continue;
		if (!*comma) {
			buf_c(out, ",\n");
			indent(out, depth);
			buf_c(out, "\"required\": [");
		}
		buf_c(out, comma);
		json_c(out, s->rows[i].key);
		comma = ", ";
	}
	buf_c(out, *comma ? "]\n" : "\n");
}

void conf_print_schema(struct buf *out)
{
	buf_c(out, "{\n"
		   "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
		   "  \"title\": \"tiercel.yaml\",\n");
	print_section(out, conf_section(CONF_SECTION_root), 1);
	buf_c(out, ",\n  \"$defs\": {\n");
	for (unsigned id = 1; id < CONF_SECTION_COUNT; id++) {
		if (id == CONF_SECTION_root)
			continue;
		const struct conf_section *s = conf_section(id);
		buf_printf(out, "    \"%s\": {\n", s->id);
		print_section(out, s, 3);
		print_required(out, s, 3);
		buf_c(out, id + 1 < CONF_SECTION_root ? "    },\n" : "    }\n");
	}
	buf_c(out, "  }\n}\n");
}
