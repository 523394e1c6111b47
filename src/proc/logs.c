/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/types.h"
#include "proc/jail.h"

static int open_file(const char *key, const char *path, const struct jail *jail, int *out_fd,
		     struct buf *why)
{
	struct stat st;
	bool fresh = stat(path, &st) != 0 && errno == ENOENT;
	int rc = log_open(path, out_fd);

	if (rc != 0) {
		buf_printf(why, "%s: cannot open %s: %s", key, path, strerror(errno));
		return rc;
	}
	/* so that a child could open it by its own rights too, as after an upgrade */
	if (fresh && jail->drop && fchown(*out_fd, jail->uid, jail->gid) != 0) {
		buf_printf(why, "%s: cannot give %s to the user: %s", key, path, strerror(errno));
		close(*out_fd);
		*out_fd = -1;
		return ERR_SYS;
	}
	return 0;
}

static int open_access(struct logs *out, const char *path, const struct jail *jail, struct buf *why)
{
	if (!path)
		return 0;
	if (strcmp(path, "syslog") == 0) {
		buf_c(why, "log.access.output: this version does not send access lines to syslog: "
			   "name a file or stderr");
		return ERR_REFUSED;
	}
	if (strcmp(path, "stderr") == 0) {
		out->access_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		return 0; /* without a stderr there is nobody to read it */
	}
	return open_file("log.access.output", path, jail, &out->access_fd, why);
}

int logs_open(struct logs *out, const struct conf_log *conf, const struct jail *jail,
	      struct buf *why)
{
	struct logs logs = LOGS_INIT;
	int rc = 0;

	logs.level = (enum log_level)conf->level;
	if (strcmp(conf->output, "stderr") == 0) {
		logs.target = LOG_TARGET_STDERR;
	} else if (strcmp(conf->output, "syslog") == 0) {
		logs.target = LOG_TARGET_SYSLOG;
	} else {
		logs.target = LOG_TARGET_FD;
		rc = open_file("log.output", conf->output, jail, &logs.log_fd, why);
	}
	if (rc == 0)
		rc = open_access(&logs, conf->access.output, jail, why);
	if (rc != 0) {
		logs_close(&logs);
		return rc;
	}
	*out = logs;
	return 0;
}

void logs_use(const struct logs *logs, const char *role)
{
	struct log_settings s = {
		.level = logs->level, .target = logs->target, .fd = -1, .role = role};

	if (logs->target == LOG_TARGET_FD) {
		s.fd = fcntl(logs->log_fd, F_DUPFD_CLOEXEC, 3);
		if (s.fd < 0) /* out of descriptors: better there than nowhere */
			s.target = LOG_TARGET_STDERR;
	}
	log_init(&s);
}

void logs_close(struct logs *logs)
{
	if (logs->log_fd >= 0)
		close(logs->log_fd);
	if (logs->access_fd >= 0)
		close(logs->access_fd);
	logs->log_fd = logs->access_fd = -1;
}
