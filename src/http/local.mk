noinst_LIBRARIES += libhttp.a
libhttp_a_SOURCES = \
	src/http/body.c src/http/body.h \
	src/http/cc.c src/http/cc.h \
	src/http/class.c src/http/scan.h \
	src/http/cond.c src/http/cond.h \
	src/http/date.c src/http/date.h \
	src/http/fields.c src/http/msg.h \
	src/http/framing.c src/http/framing.h \
	src/http/parse.c src/http/parse.h \
	src/http/range.c src/http/range.h \
	src/http/sf.c src/http/sf.h \
	src/http/target.c src/http/target.h \
	src/http/write.c src/http/write.h
EXTRA_DIST += src/http/README.md
