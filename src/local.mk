# The layers, lowest first; LAYERS says which may include which.
include src/base/local.mk
include src/tbl/local.mk
include src/shm/local.mk
include src/conf/local.mk
include src/http/local.mk
include src/obs/local.mk
include src/policy/local.mk
include src/net/local.mk
include src/store/local.mk
include src/upstream/local.mk
include src/fetch/local.mk
include src/req/local.mk
include src/admin/local.mk
include src/proc/local.mk
include src/tools/local.mk

EXTRA_DIST += src/LAYERS

# Debian's ar has no use for the u of the default.
ARFLAGS = cr

# Link order: highest first.
LAYER_LIBS = libproc.a libadmin.a libreq.a libfetch.a libupstream.a libstore.a libnet.a libpolicy.a \
	libobs.a libhttp.a libconf.a libshm.a libbase.a
EXTERNAL_LIBS = $(LIBEVENT_LIBS) $(LIBYAML_LIBS) $(JANSSON_LIBS) $(PCRE2_LIBS) $(XXHASH_LIBS) $(SYSTEMD_LIBS) -lm
