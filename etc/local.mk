# SPDX-License-Identifier: BSD-2-Clause
# The sample is the configuration to begin with; an existing one is never touched.
dist_pkgdata_DATA = etc/tiercel.schema.json etc/tiercel-minimal.yaml etc/tiercel.yaml

install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/tiercel'
	test -e '$(DESTDIR)$(sysconfdir)/tiercel/tiercel.yaml' || \
		$(INSTALL_DATA) '$(srcdir)/etc/tiercel.yaml' '$(DESTDIR)$(sysconfdir)/tiercel/tiercel.yaml'

uninstall-local:
	! cmp -s '$(srcdir)/etc/tiercel.yaml' '$(DESTDIR)$(sysconfdir)/tiercel/tiercel.yaml' || \
		rm -f '$(DESTDIR)$(sysconfdir)/tiercel/tiercel.yaml'
