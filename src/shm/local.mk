noinst_LIBRARIES += libshm.a
libshm_a_SOURCES = \
	src/shm/lock.c src/shm/lock.h \
	src/shm/off.h \
	src/shm/recover.c src/shm/recover.h \
	src/shm/seg.c src/shm/seg.h \
	src/shm/slots.c src/shm/slots.h
