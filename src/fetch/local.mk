noinst_LIBRARIES += libfetch.a
libfetch_a_SOURCES = \
	src/fetch/fetch.c src/fetch/fetch.h \
	src/fetch/fill.c src/fetch/fill.h \
	src/fetch/fill_decide.c src/fetch/fill_decide.h \
	src/fetch/search.c src/fetch/search.h
