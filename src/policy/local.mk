noinst_LIBRARIES += libpolicy.a
libpolicy_a_SOURCES = \
	src/policy/acl.c src/policy/acl.h \
	src/policy/cache_status.c src/policy/cache_status.h \
	src/policy/forwarded.c src/policy/forwarded.h \
	src/policy/fresh.c src/policy/fresh.h \
	src/policy/headers.c src/policy/headers_write.c src/policy/headers.h \
	src/policy/invalidate.c src/policy/invalidate.h \
	src/policy/ip.c src/policy/ip.h \
	src/policy/key.c src/policy/key_search.c src/policy/key.h \
	src/policy/problem.c src/policy/problem.h \
	src/policy/query.c src/policy/query.h \
	src/policy/reuse.c src/policy/reuse.h \
	src/policy/revalidate.c src/policy/revalidate.h \
	src/policy/rewrite.c src/policy/rewrite.h \
	src/policy/route.c src/policy/route_build.c src/policy/route.h src/policy/route_priv.h \
	src/policy/storable.c src/policy/storable.h src/policy/stored.h \
	src/policy/vary.c src/policy/vary.h
EXTRA_DIST += src/tbl/cache_fwd.h src/tbl/proxy_errors.h src/tbl/security_headers.h src/tbl/storable.h
