/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin/web_purge.h"

#include <jansson.h>

static const char *const kinds[] = {"url", "prefix", "tag", "host", "all"};

static void add_word(struct proto_request *out, size_t *at, const char *word)
{
	size_t n = strlen(word) + 1;

	memcpy(out->text + *at, word, n);
	out->word[out->n++] = out->text + *at;
	*at += n;
}

static bool has_controls(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* The value of a kind: a text, or true for "all". */
static const char *take_value(const char *kind, const json_t *value, struct proto_request *out,
			      size_t *at)
{
	const char *text = json_string_value(value);

	if (strcmp(kind, "all") == 0 ? !json_is_true(value) : !text)
		return "url, prefix, tag and host are texts, all is true";
	if (text && (json_string_length(value) != strlen(text) || has_controls(text) ||
		     strlen(text) > PROTO_LINE / 2 || text[0] == '-'))
		return "the value is too long, or has characters that it cannot have";
	add_word(out, at, kind);
	if (text)
		add_word(out, at, text);
	return NULL;
}

static const char *take_members(const json_t *object, struct proto_request *out)
{
	const char *wrong = NULL;
	unsigned known = 0;
	size_t at = 0;

	add_word(out, &at, "purge");
	for (size_t i = 0; i < COUNTOF(kinds) && !wrong; i++) {
		const json_t *value = json_object_get(object, kinds[i]);
		if (!value)
			continue;
		if (known++)
			return "one of url, prefix, tag, host and all, not several";
		wrong = take_value(kinds[i], value, out, &at);
	}
	if (wrong)
		return wrong;
	const json_t *soft = json_object_get(object, "soft");
	if (known == 0 || (soft && !json_is_boolean(soft)) ||
	    json_object_size(object) != known + (soft ? 1 : 0))
		return "give one of url, prefix, tag, host and all, and perhaps soft";
	if (json_is_true(soft))
		add_word(out, &at, "--soft");
	add_word(out, &at, "--json");
	return NULL;
}

const char *web_purge_words(struct str json, struct proto_request *out)
{
	json_t *object = json.n ? json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *wrong = "the body is no JSON object";

	*out = (struct proto_request){.n = 0};
	if (json_is_object(object))
		wrong = take_members(object, out);
	json_decref(object);
	return wrong;
}
