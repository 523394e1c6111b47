/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/rows.h"

#include "base/check.h"
#include "conf/types.h"

/* What column <of> means, by type. */
#define OF_BLOCK(of) CONF_SECTION_##of
#define OF_BLOCKS(of) CONF_SECTION_##of
#define OF_NAMED(of) CONF_SECTION_##of
#define OF_ENUM(of) CONF_WORDS_##of
#define OF_ENUMS(of) CONF_WORDS_##of
#define OF_MAP_KEY(of) 0
#define OF_INCLUDE(of) 0
#define OF_BOOL(of) 0
#define OF_COUNT(of) 0
#define OF_COUNT_OR_AUTO(of) 0
#define OF_TIME(of) 0
#define OF_SIZE(of) 0
#define OF_PERCENT(of) 0
#define OF_STRING(of) 0
#define OF_TEXT(of) 0
#define OF_NAME(of) 0
#define OF_LOG_OUTPUT(of) 0
#define OF_ACCESS_OUTPUT(of) 0
#define OF_LOG_FORMAT(of) 0
#define OF_SOCKET_PATH(of) 0
#define OF_ADDRESS(of) 0
#define OF_ADDRESS_OR_OFF(of) 0
#define OF_CIDRS(of) 0
#define OF_HOSTS(of) 0
#define OF_METHODS(of) 0
#define OF_ROUTE_PATH(of) 0
#define OF_URL_PREFIX(of) 0
#define OF_AUTHORITY(of) 0
#define OF_BODY_FILE(of) 0
#define OF_FIELD_VALUE(of) 0
#define OF_PAIRS(of) 0
#define OF_FIELD_NAMES(of) 0
#define OF_COOKIE_NAMES(of) 0
#define OF_QUERY_NAMES(of) 0
#define OF_STATUS_TIMES(of) 0

#define DEFAULT(text) .def = text, .example = text
#define UNSET(text) .example = text
#define REQUIRED(text) .required = true, .example = text
#define RANGE(from, to) .least = from, .most = to
#define ANY .least = NULL
#define conf_root conf

/* The rows, one array per section. */
#define SECTION(id_, title_, brief_) static const struct conf_row rows_##id_[] = {
#define SETTING(section, key_, type_, of_, presence, range, reload_, since_, brief_, text_)        \
	{.key = #key_,                                                                             \
	 .type = CONF_TYPE_##type_,                                                                \
	 .of = OF_##type_(of_),                                                                    \
	 presence,                                                                                 \
	 range,                                                                                    \
	 .reload = #reload_,                                                                       \
	 .since = since_,                                                                          \
	 .brief = brief_,                                                                          \
	 .text = text_,                                                                            \
	 .offset = offsetof(struct conf_##section, key_)},
#define SECTION_END(id_)                                                                           \
	}                                                                                          \
	;
#include "tbl/conf.h"
#undef SECTION
#undef SETTING
#undef SECTION_END

/* The sections. */
static const struct conf_section sections[] = {
#define SECTION(id_, title_, brief_)                                                               \
	[CONF_SECTION_##id_] = {.id = #id_,                                                        \
				.title = title_,                                                   \
				.brief = brief_,                                                   \
				.rows = rows_##id_,                                                \
				.n_rows = COUNTOF(rows_##id_),                                     \
				.size = sizeof(struct conf_##id_)},
#define SETTING(section, key, type, of, presence, range, reload, since, brief, text)
#define SECTION_END(id)
#include "tbl/conf.h"
#undef SECTION
#undef SETTING
#undef SECTION_END
};

#undef conf_root

#define NOW false
#define LATER true
#define CHOICES(id) static const struct conf_word words_##id[] = {
#define CHOICE(id, word_, when, text_) {.word = word_, .text = text_, .later = when},
#define CHOICES_END(id)                                                                            \
	}                                                                                          \
	;
#include "tbl/conf_choices.h"
#undef CHOICES
#undef CHOICE
#undef CHOICES_END
#undef LATER

static const struct conf_words words[] = {
#define CHOICES(id_)                                                                               \
	[CONF_WORDS_##id_] = {.id = #id_, .words = words_##id_, .n_words = COUNTOF(words_##id_)},
#define CHOICE(id, word, when, text)
#define CHOICES_END(id)
#include "tbl/conf_choices.h"
#undef CHOICES
#undef CHOICE
#undef CHOICES_END
};

static const struct {
	unsigned section;
	const char *key, *what;
} later[] = {
#define LATER(section, key, what) {CONF_SECTION_##section, #key, what},
#include "tbl/conf_later.h"
#undef LATER
};

static const struct {
	const char *kind, *how;
} types[] = {
#define CONF_TYPE(id, kind, how) [CONF_TYPE_##id] = {kind, how},
#include "tbl/conf_types.h"
#undef CONF_TYPE
};

const struct conf_section *conf_section(unsigned id)
{
	ASSERT(id > 0 && id < COUNTOF(sections));
	return &sections[id];
}

const struct conf_words *conf_words(unsigned id)
{
	ASSERT(id > 0 && id < COUNTOF(words));
	return &words[id];
}

const struct conf_row *conf_row_find(const struct conf_section *s, struct str key)
{
	for (size_t i = 0; i < s->n_rows; i++)
		if (s->rows[i].type != CONF_TYPE_MAP_KEY && str_eq(str_c(s->rows[i].key), key))
			return &s->rows[i];
	return NULL;
}

const char *conf_later_find(const struct conf_section *s, struct str key)
{
	for (size_t i = 0; i < COUNTOF(later); i++)
		if (&sections[later[i].section] == s && str_eq(str_c(later[i].key), key))
			return later[i].what;
	return NULL;
}

const char *conf_later_key(const struct conf_section *s, size_t i)
{
	for (size_t k = 0; k < COUNTOF(later); k++)
		if (&sections[later[k].section] == s && i-- == 0)
			return later[k].key;
	return NULL;
}

const char *conf_type_kind(enum conf_type t)
{
	ASSERT(t > 0 && t < COUNTOF(types));
	return types[t].kind;
}

const char *conf_type_how(enum conf_type t)
{
	ASSERT(t > 0 && t < COUNTOF(types));
	return types[t].how;
}
