/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/notify.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

#ifdef HAVE_SYSTEMD

#include <systemd/sd-daemon.h>

int notify_listen_fds(int *out_first, char ***out_names)
{
	int n;

	*out_names = NULL;
	*out_first = SD_LISTEN_FDS_START;
	n = sd_listen_fds_with_names(1, out_names);
	return MAX(n, 0);
}

void notify_store(const char *name, const int *fds, unsigned n)
{
	char text[256];

	/* a listening socket that hangs up would be news: the manager need not watch it */
	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	(void)sd_pid_notify_with_fds(0, 0, text, fds, n);
}

static void tell(const char *state)
{
	/* nobody to complain to, and nothing depends on it */
	(void)sd_notify(0, state);
}

int64_t notify_watchdog_interval(void)
{
	uint64_t usec = 0;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	return (int64_t)usec * NS_PER_US;
}

#else

int notify_listen_fds(int *out_first, char ***out_names)
{
	*out_first = -1;
	*out_names = NULL;
	return 0;
}

void notify_store(const char *name, const int *fds, unsigned n)
{
	(void)name;
	(void)fds;
	(void)n;
}

static void tell(const char *state)
{
	(void)state;
}

int64_t notify_watchdog_interval(void)
{
	return 0;
}

#endif

void notify_unstore(const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	tell(text);
}

void notify_ready(void)
{
	tell("READY=1");
}

void notify_reloading(void)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)(clock_mono_exact() / NS_PER_US));
	tell(text);
}

void notify_stopping(void)
{
	tell("STOPPING=1");
}

void notify_watchdog(void)
{
	tell("WATCHDOG=1");
}

void notify_status(const char *fmt, ...)
{
	char line[256] = "STATUS=";
	size_t n = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	tell(line);
}
