noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	src/store/fills.c src/store/fills.h src/store/fills_marks.c src/store/fills_priv.h src/store/fills_watch.c \
	src/store/admit.c src/store/admit.h \
	src/store/body.c src/store/body.h \
	src/store/evict.c src/store/evict.h \
	src/store/index.c src/store/index.h \
	src/store/l1.c src/store/l1.h src/store/l1_check.c src/store/l1_check.h src/store/l1_region.c \
	src/store/layout.h \
	src/store/object.c src/store/object.h \
	src/store/pins.c src/store/pins.h \
	src/store/queue.c src/store/queue.h \
	src/store/repair.c src/store/repair.h \
	src/store/space.c src/store/space.h \
	src/store/purge.c src/store/purge.h src/store/purge_notes.c src/store/purge_priv.h
EXTRA_DIST += doc/internals/fills-and-purge.md
