/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the admin socket, as `tiercelctl` and the manual name them.
 * COMMAND(id, word, arguments, privilege, when, "one line", "explanation")
 *
 * privilege: READ     anybody who may open the socket
 *            OPERATE  root and the daemon's own user
 * when:      NOW      has a handler cmd_<id>() in admin/
 *            LATER    a word that is reserved: answers "not in this version yet", exit status 2
 *
 * The order is the order of `tiercelctl help` and of the manual page. The one-liner begins in
 * lower case and has no full stop; the explanation is whole sentences.
 */
COMMAND(status, "status", "[--json]", READ, NOW,
	"version, uptime, configuration in force, workers and listeners",
	"Shows the version, how long the daemon has been running, the configuration file and how "
	"often it was loaded, whether the node is draining, and one line per worker process: its "
	"pid, state, age, open connections, requests answered, resident memory, and how often the "
	"place it holds was restarted; `silent` means that it has not beaten its heart for five "
	"seconds. Listeners follow with their open connections and requests.")
COMMAND(stats, "stats", "[--json]", READ, NOW, "request rate, latency, errors and counters",
	"Prints the figures of the last ten seconds and the last minute (requests per second, "
	"average and percentiles of the answer time, answers by status class, share of errors), "
	"then the counters of the node that are not zero. --json prints all of it as one JSON "
	"object, which is what /api/stats of the admin listener serves.")
COMMAND(upstreams, "upstreams", "[--json]", READ, NOW,
	"each upstream and its servers: connections, queue, failures, latency",
	"One line per upstream and per server below it: its state, connections in use and idle, "
	"requests waiting for a connection, requests sent, failures, and the median and 99th "
	"percentile of the time until the answer began.")
COMMAND(requests, "requests", "[--json]", READ, NOW, "requests in flight, oldest first",
	"Asks every worker for the requests it is working on right now: age, client, method, host "
	"and target, route, upstream server, and what the request is waiting for. A worker that "
	"does not answer within half a second is named and left out. --json prints one JSON object "
	"with the list.")
COMMAND(top, "top", "", READ, NOW, "live view of the node, refreshed every second",
	"Shows rate, latency, status classes, workers and upstreams, refreshed once a second until "
	"q or Ctrl-C is pressed. When the output is not a terminal it prints one screen and ends.")
COMMAND(cache, "cache", "[--json]", READ, NOW,
	"what the cache holds, how it does, what left it",
	"Shows the size of the cache, how much of it is used and how much of that is overhead, the "
	"number of stored answers, what became of the requests of caching routes with the share of "
	"hits, what had to leave and why, fetches that others wait for, and purges.")
COMMAND(explain, "explain", "METHOD URL [-H NAME:VALUE]...", READ, NOW,
	"what a request would meet: its route, its stored answer, and why",
	"Tells for a request, without sending it: which route it would take and why, the upstream "
	"and its servers, the target and Host that the upstream would see, limits, timeouts and "
	"header changes; then its cache key, every answer that is stored under the key with its "
	"age, how long it is fresh and for which requests it was made, whether the request would be "
	"a hit and why or why not, and whether the back end is being asked for it right now. URL is "
	"a full URL or a path; -H adds a request header field, so that `-H Host:name` chooses the "
	"host for a path.")
COMMAND(purge, "purge", "url URL | prefix URL | tag TAG | host HOST | all [--soft] [--json]", OPERATE,
	NOW, "drop stored answers, or make them stale with --soft",
	"Drops one URL in all its variants, all URLs that begin with the given text (`http://host/dir/`), "
	"all answers that carry a tag, all answers of a host, or everything. In force on all "
	"workers when the reply comes, however much is stored: a purged answer is found out when it "
	"is met, and its room is used again. The URL is brought into the form of the cache key by the "
	"rules of its route, so that what does not count there need not be given. With --soft the "
	"answers become stale instead: they are validated at their next use, and still stand in where "
	"the back end fails.")
COMMAND(reload, "reload", "", OPERATE, NOW, "read the configuration again, all or nothing",
	"Has the master read, check and prepare the configuration files, and puts them in force in "
	"all workers at once. Requests in flight finish under the settings they began with. The "
	"reply lists what changed and what needs a restart. If anything is wrong the running "
	"configuration stays, the reply lists every error, and the exit status is 1.")
COMMAND(drain, "drain", "[off]", OPERATE, NOW, "take the node out of service gently, or put it back",
	"/health answers 503 from now on, so that load balancers look elsewhere, and answers carry "
	"Connection: close; connections and requests that still come are served as usual. `drain "
	"off` ends it. To stop the daemon use its service manager, or SIGTERM.")
COMMAND(reopen, "reopen", "", OPERATE, NOW, "open the log files again, after they were rotated",
	"The master opens the error log and the access log by name again and hands them to the "
	"workers. Nothing is lost in between. The same as SIGUSR1.")
COMMAND(breaker, "breaker", "NAME open|close|auto", OPERATE, LATER,
	"hold a circuit breaker open or closed", "Reserved for circuit breakers.")
COMMAND(server, "server", "UPSTREAM ADDRESS drain|ready|off", OPERATE, LATER,
	"take one server of an upstream out of use, or put it back",
	"Reserved for server administration.")
COMMAND(limits, "limits", "[--json]", READ, LATER, "rate limits and the clients that they hold back",
	"Reserved for rate limits.")
COMMAND(upgrade, "upgrade", "", OPERATE, NOW, "go on with the installed program and configuration file",
	"Has the master replace itself by the program at the path that it was started from, after a "
	"package upgrade for instance, and read the configuration files again. Nothing is refused or cut: "
	"the new workers accept on the same sockets, the old ones finish what they have open within "
	"shutdown_grace, and the cache stays. The process id stays too. If the new program does not start "
	"or does not like the configuration, the old one goes on, the reply says why, and the exit "
	"status is 1. The same as SIGUSR2.")
COMMAND(help, "help", "[COMMAND]", READ, NOW, "this list, or one command in full",
	"Lists the commands, or explains one.")
