sbin_PROGRAMS += tiercel
tiercel_SOURCES = src/tools/tiercel.c
tiercel_LDADD = $(LAYER_LIBS) $(EXTERNAL_LIBS)
bin_PROGRAMS += tiercelctl
tiercelctl_SOURCES = src/tools/tiercelctl.c
tiercelctl_LDADD = libadmin.a libbase.a

# They print what is made from the tables; see tests/docs/check-generated. Never installed.
noinst_PROGRAMS += genconf gentables
genconf_SOURCES = src/tools/genconf.c
genconf_LDADD = libconf.a libbase.a $(LIBYAML_LIBS)
gentables_SOURCES = src/tools/gentables.c
