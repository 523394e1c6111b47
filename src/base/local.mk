noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/arena.c src/base/arena.h \
	src/base/buf.c src/base/buf.h \
	src/base/check.c src/base/check.h \
	src/base/clock.c src/base/clock.h \
	src/base/err.c src/base/err.h \
	src/base/list.h \
	src/base/pool.c src/base/pool.h \
	src/base/prelude.h \
	src/base/rng.c src/base/rng.h \
	src/base/sha256.c src/base/sha256.h \
	src/base/str.c src/base/str.h
