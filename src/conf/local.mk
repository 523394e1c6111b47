# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += libconf.a
libconf_a_SOURCES = \
	src/conf/address.c src/conf/address.h \
	src/conf/box.c src/conf/box.h \
	src/conf/bundle.c src/conf/bundle.h \
	src/conf/check.c src/conf/check.h \
	src/conf/check_cache.c \
	src/conf/checker.c src/conf/checker.h \
	src/conf/derive.c src/conf/derive.h \
	src/conf/diff.c src/conf/diff.h \
	src/conf/elements.c src/conf/elements.h \
	src/conf/elements_multi.c \
	src/conf/expand.c src/conf/expand.h \
	src/conf/httptext.c src/conf/httptext.h \
	src/conf/include.c src/conf/include.h \
	src/conf/json.c \
	src/conf/load.c src/conf/load.h \
	src/conf/number.c src/conf/number.h \
	src/conf/print.c src/conf/print.h \
	src/conf/report.c src/conf/report.h \
	src/conf/rows.c src/conf/rows.h \
	src/conf/scalar.c src/conf/scalar.h \
	src/conf/schema.c src/conf/schema.h \
	src/conf/source.c src/conf/source.h \
	src/conf/suggest.c src/conf/suggest.h \
	src/conf/types.h \
	src/conf/utf8.c src/conf/utf8.h \
	src/conf/values.c src/conf/values.h \
	src/conf/yaml.c src/conf/yaml.h
EXTRA_DIST += src/conf/README.md src/tbl/conf.h src/tbl/conf_choices.h src/tbl/conf_later.h src/tbl/conf_types.h
