noinst_LIBRARIES += libhttp.a
libhttp_a_SOURCES = \
	src/http/body.c src/http/body.h \
	src/http/class.c src/http/scan.h \
	src/http/date.c src/http/date.h \
	src/http/fields.c src/http/msg.h \
	src/http/framing.c src/http/framing.h \
	src/http/parse.c src/http/parse.h \
	src/http/target.c src/http/target.h \
	src/http/write.c src/http/write.h
EXTRA_DIST += src/http/README.md
