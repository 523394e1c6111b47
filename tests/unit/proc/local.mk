UNIT_TESTS += tests/unit/proc/test_control tests/unit/proc/test_listen
tests_unit_proc_test_control_SOURCES = tests/unit/proc/test_control.c
tests_unit_proc_test_control_LDADD = libproc.a libnet.a libbase.a $(LIBEVENT_LIBS) $(CMOCKA_LIBS)
tests_unit_proc_test_control_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_proc_test_listen_SOURCES = tests/unit/proc/test_listen.c
tests_unit_proc_test_listen_LDADD = libproc.a libnet.a libbase.a $(LIBEVENT_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
tests_unit_proc_test_listen_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

UNIT_TESTS += tests/unit/proc/test_handover tests/unit/proc/test_segment
tests_unit_proc_test_handover_SOURCES = tests/unit/proc/test_handover.c
tests_unit_proc_test_handover_LDADD = libproc.a libbase.a $(CMOCKA_LIBS)
tests_unit_proc_test_handover_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_proc_test_segment_SOURCES = tests/unit/proc/test_segment.c
tests_unit_proc_test_segment_LDADD = $(LAYER_LIBS) $(EXTERNAL_LIBS) $(CMOCKA_LIBS)
tests_unit_proc_test_segment_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
