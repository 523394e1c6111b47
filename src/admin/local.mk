# SPDX-License-Identifier: BSD-2-Clause
noinst_LIBRARIES += libadmin.a
libadmin_a_SOURCES = \
	src/admin/admin.h \
	src/admin/ask.c src/admin/ask.h \
	src/admin/assets.h \
	src/admin/cache.c src/admin/cache.h src/admin/cache_explain.c src/admin/cache_show.c \
	src/admin/cmds.c src/admin/cmds.h \
	src/admin/console.c src/admin/console.h \
	src/admin/explain.c \
	src/admin/figures.c src/admin/figures.h \
	src/admin/health.c src/admin/health.h \
	src/admin/inflight.c \
	src/admin/link.c src/admin/link.h \
	src/admin/model.c src/admin/model.h \
	src/admin/model_parts.c src/admin/model_parts.h \
	src/admin/operate.c \
	src/admin/process.c src/admin/process.h \
	src/admin/proto.c src/admin/proto.h \
	src/admin/purge_cmd.c \
	src/admin/question.c src/admin/question.h \
	src/admin/recent.c src/admin/recent.h \
	src/admin/routes.c src/admin/routes.h \
	src/admin/series.c src/admin/series.h \
	src/admin/show.c \
	src/admin/table.c src/admin/table.h \
	src/admin/web.c src/admin/web.h \
	src/admin/web_purge.c src/admin/web_purge.h \
	src/admin/web_host.c

# The dashboard is built into the program.
DASHBOARD = \
	$(top_srcdir)/src/admin/dashboard/index.html \
	$(top_srcdir)/src/admin/dashboard/app.js \
	$(top_srcdir)/src/admin/dashboard/style.css \
	$(top_srcdir)/src/admin/dashboard/icon.svg
EMBED = $(top_srcdir)/src/admin/dashboard/embed.sh
nodist_libadmin_a_SOURCES = src/admin/assets.c
src/admin/assets.c: $(DASHBOARD) $(EMBED)
	$(AM_V_GEN)$(MKDIR_P) src/admin && $(SHELL) $(EMBED) $(DASHBOARD) > $@.tmp && mv -f $@.tmp $@
CLEANFILES += src/admin/assets.c src/admin/assets.c.tmp
EXTRA_DIST += contrib/grafana/tiercel.json doc/internals/admin.md src/tbl/cmds.h \
	src/admin/dashboard/embed.sh src/admin/dashboard/index.html src/admin/dashboard/app.js \
	src/admin/dashboard/style.css src/admin/dashboard/icon.svg
