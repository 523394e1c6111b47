sbin_PROGRAMS += tiercel
tiercel_SOURCES = src/tools/tiercel.c
tiercel_LDADD = $(LAYER_LIBS) $(EXTERNAL_LIBS)
bin_PROGRAMS += tiercelctl
tiercelctl_SOURCES = src/tools/tiercelctl.c
tiercelctl_LDADD = libadmin.a libbase.a

# Looks at a segment, changes nothing.
sbin_PROGRAMS += tiercel-shm
tiercel_shm_SOURCES = src/tools/tiercel-shm.c
tiercel_shm_LDADD = libstore.a libnet.a libobs.a libconf.a libpolicy.a libhttp.a libshm.a libbase.a $(XXHASH_LIBS) -lpthread

# They print what is made from the tables; see tests/docs/check-generated. Never installed.
noinst_PROGRAMS += genconf gentables
genconf_SOURCES = src/tools/genconf.c
genconf_LDADD = libconf.a libbase.a $(LIBYAML_LIBS)
gentables_SOURCES = src/tools/gentables.c
