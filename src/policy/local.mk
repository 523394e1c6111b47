noinst_LIBRARIES += libpolicy.a
libpolicy_a_SOURCES = \
	src/policy/acl.c src/policy/acl.h \
	src/policy/forwarded.c src/policy/forwarded.h \
	src/policy/headers.c src/policy/headers_write.c src/policy/headers.h \
	src/policy/ip.c src/policy/ip.h \
	src/policy/problem.c src/policy/problem.h \
	src/policy/rewrite.c src/policy/rewrite.h \
	src/policy/route.c src/policy/route_build.c src/policy/route.h src/policy/route_priv.h
EXTRA_DIST += src/tbl/proxy_errors.h src/tbl/security_headers.h
