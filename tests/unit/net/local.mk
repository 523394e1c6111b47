# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += \
	tests/unit/net/test_body \
	tests/unit/net/test_hosts \
	tests/unit/net/test_loop \
	tests/unit/net/test_proxyproto \
	tests/unit/net/test_pump \
	tests/unit/net/test_resolve \
	tests/unit/net/test_sock

NET_TEST_LIBS = libnet.a libobs.a libbase.a $(LIBEVENT_LIBS) $(CMOCKA_LIBS)

tests_unit_net_test_hosts_SOURCES = tests/unit/net/test_hosts.c
tests_unit_net_test_hosts_LDADD = $(NET_TEST_LIBS)
tests_unit_net_test_hosts_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_net_test_proxyproto_SOURCES = tests/unit/net/test_proxyproto.c
tests_unit_net_test_proxyproto_LDADD = $(NET_TEST_LIBS)
tests_unit_net_test_proxyproto_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_net_test_resolve_SOURCES = tests/unit/net/test_resolve.c tests/unit/net/dns_server.h
tests_unit_net_test_resolve_LDADD = $(NET_TEST_LIBS)
tests_unit_net_test_resolve_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_net_test_body_SOURCES = tests/unit/net/test_body.c
tests_unit_net_test_body_LDADD = libnet.a libhttp.a libobs.a libbase.a $(LIBEVENT_LIBS) $(CMOCKA_LIBS)
tests_unit_net_test_body_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_net_test_loop_SOURCES = tests/unit/net/test_loop.c
tests_unit_net_test_loop_LDADD = $(NET_TEST_LIBS)
tests_unit_net_test_loop_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_net_test_pump_SOURCES = tests/unit/net/test_pump.c
tests_unit_net_test_pump_LDADD = libnet.a libhttp.a libobs.a libbase.a $(LIBEVENT_LIBS) $(CMOCKA_LIBS)
tests_unit_net_test_pump_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)

tests_unit_net_test_sock_SOURCES = tests/unit/net/test_sock.c
tests_unit_net_test_sock_LDADD = $(NET_TEST_LIBS)
tests_unit_net_test_sock_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
