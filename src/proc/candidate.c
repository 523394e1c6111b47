/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/candidate.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "conf/bundle.h"
#include "req/server.h"

enum { WORKERS_MAX = 64 };

static unsigned available_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return MAX((unsigned)CPU_COUNT(&set), 1U);
}

unsigned candidate_workers(const struct conf *conf)
{
	unsigned n = conf->workers ? conf->workers : available_cpus();

	return MIN(n, (unsigned)WORKERS_MAX);
}

int candidate_check(const struct conf *conf, struct buf *told)
{
	return server_check(conf, told);
}

/* From c->source; <rc> is how that came about. */
static int load(struct candidate *c, int rc, const char *file, struct buf *told)
{
	struct conf_report report;

	conf_report_init(&report);
	if (rc == 0)
		rc = conf_load(c->source, file, &c->conf, &report);
	conf_report_print(&report, told);
	if (rc == 0)
		rc = candidate_check(c->conf, told);
	conf_report_fini(&report);
	if (rc != 0) {
		if (told->n == 0)
			buf_printf(told, "%s: %s\n", file ? file : "bundle", err_text(rc));
		candidate_discard(c);
		return rc;
	}
	c->workers = candidate_workers(c->conf);
	return 0;
}

int candidate_load(struct candidate *c, const char *file, struct buf *told)
{
	*c = (struct candidate){.logs = LOGS_INIT};
	return load(c, conf_source_new(&c->source), file, told);
}

int candidate_load_bundle(struct candidate *c, int fd, struct buf *told)
{
	*c = (struct candidate){.logs = LOGS_INIT};
	return load(c, conf_bundle_source(fd, &c->source), NULL, told);
}

static int open_listeners(struct candidate *c, const struct candidate *old,
			  struct listen_owner owner, struct buf *told)
{
	const struct conf *conf = c->conf;
	struct listen_want *wants = calloc(conf->n_listeners + 1, sizeof(*wants));
	int rc;

	if (!wants)
		return ERR_NOMEM;
	for (size_t i = 0; i < conf->n_listeners; i++)
		wants[i] = (struct listen_want){.name = conf->listeners[i].name,
						.address = &conf->listeners[i].address,
						.spread = true,
						.mode = 0666};
	rc = listen_open(&c->listeners, wants, conf->n_listeners, c->workers,
			 old ? &old->listeners : NULL, owner, told);
	free(wants);
	return rc;
}

/* The directory of a socket that nobody asked for by name, where we may make it. */
static void make_run_directory(const char *path, struct listen_owner owner)
{
	char dir[128];
	char *slash;

	str_copy(dir, sizeof(dir), str_c(path));
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return;
	*slash = '\0';
	if (mkdir(dir, 0755) == 0 && owner.uid != (uid_t)-1 && chown(dir, owner.uid, owner.gid))
		(void)rmdir(dir);
}

/*
 * The sockets of the admin process. The command socket's default place may be out of reach (a run
 * from a home directory, a second instance): that costs tiercelctl, not the proxy.
 */
static int open_office(struct candidate *c, const struct candidate *old, struct listen_owner owner,
		       struct buf *told)
{
	const struct conf_admin *admin = &c->conf->admin;
	const struct listen_set *shared = old ? &old->office : NULL;
	struct conf_address path = {
		.kind = CONF_ADDR_UNIX, .path = admin->socket, .text = admin->socket};
	struct listen_want wants[2];
	bool by_default = conf_origin(c->conf, &admin->socket, &(unsigned){0}) == NULL;
	struct buf why = BUF_INIT;
	size_t n = 0;
	int rc;

	if (admin->listen)
		wants[n++] = (struct listen_want){.name = "admin.listen", .address = admin->listen};
	wants[n++] = (struct listen_want){.name = "admin.socket", .address = &path, .mode = 0660};
	if (by_default)
		make_run_directory(admin->socket, owner);
	rc = listen_open(&c->office, wants, n, 1, shared, owner, &why);
	if (rc != 0 && by_default) {
		int again = listen_open(&c->office, wants, n - 1, 1, shared, owner, told);
		if (again == 0)
			buf_printf(told,
				   "warning: admin.socket: %.*s: no tiercelctl for this instance\n",
				   STR_ARG(buf_slice(&why)));
		rc = again;
	} else {
		buf_str(told, buf_slice(&why));
	}
	buf_fini(&why);
	return rc;
}

int candidate_open(struct candidate *c, const struct candidate *old, const struct jail *jail,
		   struct buf *told)
{
	struct listen_owner owner = {jail->drop ? jail->uid : (uid_t)-1,
				     jail->drop ? jail->gid : (gid_t)-1};
	int rc = open_listeners(c, old, owner, told);

	if (rc == 0)
		rc = open_office(c, old, owner, told);
	if (rc == 0)
		rc = logs_open(&c->logs, &c->conf->log, jail, told);
	return rc;
}

void candidate_discard(struct candidate *c)
{
	listen_close(&c->listeners);
	listen_close(&c->office);
	logs_close(&c->logs);
	conf_source_free(&c->source);
	conf_unref(&c->conf);
	*c = (struct candidate){.logs = LOGS_INIT};
}
