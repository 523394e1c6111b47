noinst_LIBRARIES += libnet.a
libnet_a_SOURCES = \
	src/net/body.c src/net/body.h \
	src/net/conn.c src/net/conn.h \
	src/net/doorbell.c src/net/doorbell.h \
	src/net/hosts.c src/net/hosts.h \
	src/net/loop.c src/net/loop.h \
	src/net/proxyproto.c src/net/proxyproto.h \
	src/net/pump.c src/net/pump.h \
	src/net/resolve.c src/net/resolve_watch.c src/net/resolve.h src/net/resolve_priv.h \
	src/net/sock.c src/net/sock.h \
	src/net/window.c src/net/window.h
