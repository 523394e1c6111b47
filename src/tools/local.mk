sbin_PROGRAMS += tiercel
tiercel_SOURCES = src/tools/tiercel.c
tiercel_LDADD = $(LAYER_LIBS) $(EXTERNAL_LIBS)
bin_PROGRAMS += tiercelctl
tiercelctl_SOURCES = src/tools/tiercelctl.c
tiercelctl_LDADD = libadmin.a libbase.a
