noinst_LIBRARIES += libreq.a
libreq_a_SOURCES = \
	src/req/route_cache.c src/req/route_cache.h \
	src/req/cache.h src/req/cache_key.c \
	src/req/invalidate.c \
	src/req/serve.c \
	src/req/steps_cache.c \
	src/req/stored_body.c src/req/stored_body.h \
	src/req/account.c \
	src/req/answer.c \
	src/req/cache_count.c src/req/cache_count.h \
	src/req/client.h src/req/client_h1.c \
	src/req/engine.c \
	src/req/forward.c \
	src/req/request.h \
	src/req/server.c src/req/server.h \
	src/req/service.h \
	src/req/snapshot.c src/req/snapshot.h \
	src/req/steps_in.c \
	src/req/steps_out.c \
	src/req/tunnel.c
