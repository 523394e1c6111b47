/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages between the master and its children. CONTROL(name, to, max_fds, help)
 * <to> is who may receive it: WORKER, ADMIN or MASTER (or CHILD: worker and admin). Text is
 * what follows the header; descriptors travel beside it. Values never leave one running master
 * and its children, but rows are appended all the same: an upgrade may mix two builds one day.
 */
CONTROL(PREPARE, WORKER, 1,
	"build what the next configuration needs; id: its generation, descriptor: the bundle")
CONTROL(COMMIT, WORKER, 0, "use the prepared configuration from now on; id: its generation")
CONTROL(ABORT, WORKER, 0, "forget the prepared configuration; id: its generation")
CONTROL(LISTEN, WORKER, 1, "accept from this socket; id: its index, text: the listener's name")
CONTROL(UNLISTEN, WORKER, 0,
	"accept what is queued, then close; id: the index, text: the listener's name")
CONTROL(SYNC, WORKER, 0, "answer DONE with the same id: everything sent before has taken effect")
CONTROL(DRAIN, CHILD, 0, "status 1: close connections after their answers; 0: as usual again")
CONTROL(LOGS, CHILD, 2, "use these: the log, then (workers, if there is one) the access log")
CONTROL(STOP, CHILD, 0, "stop; text: what is open may take this many ns to end")
CONTROL(READY, MASTER, 0, "initialised and waiting for work")
CONTROL(FAILED, MASTER, 0, "cannot start, and why")
CONTROL(PREPARED, MASTER, 0, "COMMIT of this generation would take effect at once")
CONTROL(REFUSED, MASTER, 0, "this generation cannot be used here, and why")
CONTROL(DONE, MASTER, 0, "answer to SYNC")
CONTROL(LEAVE, MASTER, 0, "this worker was asked to end (SIGTERM): take its sockets, then STOP it")
CONTROL(RELOAD, MASTER, 0, "admin asks: read the configuration again")
CONTROL(REOPEN, MASTER, 0, "admin asks: open the log files again")
CONTROL(SET_DRAIN, MASTER, 0, "admin asks: status 1 drain, 0 undo")
CONTROL(STATUS, MASTER, 0, "admin asks: one JSON object about the processes")
CONTROL(REPLY, ADMIN, 0, "answer to what admin asked, same id; status 0 or an error code; text")
CONTROL(CONFIG, ADMIN, 1,
	"the configuration in force from now on; id: its generation, descriptor: the bundle")
CONTROL(UPGRADE, MASTER, 0, "admin asks: start the installed program in place of this one")
