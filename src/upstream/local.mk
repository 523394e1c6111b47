noinst_LIBRARIES += libupstream.a
libupstream_a_SOURCES = \
	src/upstream/cells.c src/upstream/cells.h \
	src/upstream/exchange.c src/upstream/exchange.h \
	src/upstream/group.c src/upstream/group.h \
	src/upstream/lb.c src/upstream/lb.h \
	src/upstream/lb_least.c \
	src/upstream/lb_p2c.c \
	src/upstream/lb_rr.c \
	src/upstream/pick.c src/upstream/pick.h \
	src/upstream/pool.c src/upstream/pool.h
