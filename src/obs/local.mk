noinst_LIBRARIES += libobs.a
libobs_a_SOURCES = \
	src/obs/access.c src/obs/access.h \
	src/obs/access_format.c src/obs/access_format.h \
	src/obs/expose.c src/obs/expose.h \
	src/obs/hist.c src/obs/hist.h \
	src/obs/log.c src/obs/log.h \
	src/obs/metrics.c src/obs/metrics.h \
	src/obs/stamp.c src/obs/stamp.h \
	src/obs/syslog.c src/obs/syslog.h \
	src/obs/window.c src/obs/window.h
