UNIT_TESTS += tests/unit/proc/test_control tests/unit/proc/test_listen
tests_unit_proc_test_control_SOURCES = tests/unit/proc/test_control.c
tests_unit_proc_test_control_LDADD = libproc.a libnet.a libbase.a $(LIBEVENT_LIBS) $(CMOCKA_LIBS)
tests_unit_proc_test_control_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_proc_test_listen_SOURCES = tests/unit/proc/test_listen.c
tests_unit_proc_test_listen_LDADD = libproc.a libnet.a libbase.a $(LIBEVENT_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
tests_unit_proc_test_listen_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
