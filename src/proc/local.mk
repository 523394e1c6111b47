noinst_LIBRARIES += libproc.a
libproc_a_SOURCES = \
	src/proc/arrive.c \
	src/proc/candidate.c src/proc/candidate.h \
	src/proc/child.c src/proc/child.h \
	src/proc/control.c src/proc/control.h \
	src/proc/crew.c \
	src/proc/elders.c \
	src/proc/fdstore.c \
	src/proc/handover.c src/proc/handover.h \
	src/proc/handover_file.c \
	src/proc/inherit.c src/proc/inherit.h \
	src/proc/jail.c src/proc/jail.h \
	src/proc/listen.c src/proc/listen.h \
	src/proc/logs.c src/proc/logs.h \
	src/proc/master.c src/proc/master.h \
	src/proc/notify.c src/proc/notify.h \
	src/proc/office.c \
	src/proc/panic.c src/proc/panic.h \
	src/proc/reload.c src/proc/reload.h \
	src/proc/segment.c src/proc/segment.h \
	src/proc/share.c src/proc/state.h \
	src/proc/start.c \
	src/proc/status.c \
	src/proc/subjects.c src/proc/subjects.h \
	src/proc/upgrade.c src/proc/upgrade.h \
	src/proc/worker.c src/proc/worker.h
