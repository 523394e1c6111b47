/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said about configurations. BAD(name, file, report): refused; GOOD: taken, the report
 * has warnings or is empty.
 * BASE completes a file; NO_LISTENERS, NO_UPSTREAMS, NO_ROUTES do but for that one.
 */
BAD(empty, "",
    "t.yaml:1:1: the configuration needs \"listeners\": a list\n"
    "t.yaml:1:1: the configuration needs \"routes\": a list\n")
BAD(comment_only, "# nothing\n",
    "t.yaml:1:1: the configuration needs \"listeners\": a list\n"
    "t.yaml:1:1: the configuration needs \"routes\": a list\n")
BAD(scalar_root, "hello\n", "t.yaml:1:1: the file must be a block of settings (key: value)\n")
BAD(list_root, "- a\n", "t.yaml:1:1: the file must be a block of settings (key: value)\n")
BAD(tab,
    "log:\n"
    "\011level: info\n" BASE,
    "t.yaml:2:1: a tab cannot indent YAML; use spaces\n")
BAD(broken, "log: {level: info\n" BASE,
    "t.yaml:2:10: not valid YAML: did not find expected ',' or '}', while parsing a flow mapping\n")
BAD(bad_indent,
    "log:\n"
    "  level: info\n"
    " output: stderr\n",
    "t.yaml:3:2: not valid YAML: did not find expected key, while parsing a block mapping\n")
BAD(two_documents,
    "version: 1\n"
    "---\n"
    "version: 1\n",
    "t.yaml:2:1: a second document begins here; one per file is allowed\n")
BAD(anchor, "log: &a {level: info}\n" BASE,
    "t.yaml:1:6: anchors (&name) are not supported; write the value out\n")
BAD(alias, "log: *a\n" BASE, "t.yaml:1:6: aliases (*name) are not supported; write the value out\n")
BAD(tag, "log: !x {level: info}\n" BASE,
    "t.yaml:1:6: tags (!name) are not supported; leave it out\n")
BAD(complex_key,
    "? [a]\n"
    ": b\n",
    "t.yaml:1:3: a key must be a single word\n")
BAD(not_utf8, "user: \"a\377\"\n" BASE,
    "t.yaml:1:9: byte 0xff is not UTF-8; save the file as UTF-8\n")
BAD(control, "user: a\007b\n" BASE, "t.yaml:1:8: control character 0x07; only text is allowed\n")
BAD(nul_escape, "user: \"a\\0b\"\n" BASE, "t.yaml:1:7: a NUL byte (\\0) is not allowed in a text\n")
BAD(too_deep, "log: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
    "t.yaml:1:29: nested too deeply; 24 levels are allowed\n")
BAD(duplicate,
    "user: a\n"
    "user: b\n" BASE,
    "t.yaml:2:1: \"user\" is given twice; the first is at t.yaml:1:1\n")
BAD(duplicate_inner, "log: {level: info, level: warn}\n" BASE,
    "t.yaml:1:20: \"level\" is given twice; the first is at t.yaml:1:7\n")
BAD(unknown_near, "shutdown_grase: 5s\n" BASE,
    "t.yaml:1:1: unknown key \"shutdown_grase\" in the configuration; did you mean \"shutdown_grace\"?\n")
BAD(unknown_case, "Workers: 1\n" BASE,
    "t.yaml:1:1: unknown key \"Workers\" in the configuration; did you mean \"workers\"?\n")
BAD(unknown_inner, "log: {levle: info}\n" BASE,
    "t.yaml:1:7: unknown key \"levle\" in log; did you mean \"level\"?\n")
BAD(unknown_elsewhere, "log: {listeners: []}\n" BASE,
    "t.yaml:1:7: unknown key \"listeners\" in log; it belongs in the configuration\n")
BAD(unknown_deeper, "upstreams: {app: {servers: [\"127.0.0.1:81\"], max_idle: 3}}\n" NO_UPSTREAMS,
    "t.yaml:1:46: unknown key \"max_idle\" in an upstream; it belongs in an upstream's pool\n")
BAD(unknown_far, "log: {quux: 1}\n" BASE,
    "t.yaml:1:7: unknown key \"quux\" in log; allowed: level, output, access, slow_request\n")
BAD(later_root, "rate_limits: {a: {}}\n" BASE,
    "t.yaml:1:1: \"rate_limits\" is not in this version yet (rate limits)\n")
BAD(later_cache, "cache: {l2: {servers: []}}\n" BASE,
    "t.yaml:1:9: \"l2\" is not in this version yet (the memcached tier)\n")
BAD(later_listener, "listeners: [{address: \"127.0.0.1:80\", tls: {}}]\n" NO_LISTENERS,
    "t.yaml:1:39: \"tls\" is not in this version yet (TLS)\n")
BAD(later_upstream,
    "upstreams: {app: {servers: [\"127.0.0.1:81\"], breaker: {}, retry: {}, health_check: {}}}\n" NO_UPSTREAMS,
    "t.yaml:1:46: \"breaker\" is not in this version yet (the circuit breaker)\n"
    "t.yaml:1:59: \"retry\" is not in this version yet (retry rules)\n"
    "t.yaml:1:70: \"health_check\" is not in this version yet (active health checks)\n")
BAD(later_route,
    "routes: [{upstream: app, compress: {}, aggregate: {}, batch: {}, cache: {l2_ttl: 1s}}]\n" NO_ROUTES,
    "t.yaml:1:26: \"compress\" is not in this version yet (compression)\n"
    "t.yaml:1:40: \"aggregate\" is not in this version yet (aggregation)\n"
    "t.yaml:1:55: \"batch\" is not in this version yet (batches)\n"
    "t.yaml:1:74: \"l2_ttl\" is not in this version yet (the memcached tier)\n")
BAD(later_near, "rate_limit: {}\n" BASE,
    "t.yaml:1:1: unknown key \"rate_limit\" in the configuration; did you mean \"rate_limits\"?\n")
BAD(missing_all, "version: 1\n",
    "t.yaml:1:1: the configuration needs \"listeners\": a list\n"
    "t.yaml:1:1: the configuration needs \"routes\": a list\n")
BAD(no_listeners, "listeners: []\n" NO_LISTENERS,
    "t.yaml:1:1: listeners: needs at least one entry\n")
BAD(null_listeners, "listeners:\n" NO_LISTENERS,
    "t.yaml:1:1: listeners: needs at least one entry\n")
BAD(no_routes, "routes: []\n" NO_ROUTES, "t.yaml:1:1: routes: needs at least one entry\n")
BAD(no_address,
    "listeners:\n"
    "  - name: web\n" NO_LISTENERS,
    "t.yaml:2:5: a listener needs \"address\": host:port, [v6]:port or unix:/path\n")
BAD(null_item,
    "listeners:\n"
    "  -\n" NO_LISTENERS,
    "t.yaml:2:4: listeners: each item must be a block of settings, not nothing\n")
BAD(no_servers,
    "upstreams:\n"
    "  app: {}\n" NO_UPSTREAMS,
    "t.yaml:2:3: an upstream needs \"servers\": a list\n")
BAD(empty_servers, "upstreams: {app: {servers: []}}\n" NO_UPSTREAMS,
    "t.yaml:1:19: servers: needs at least one entry\n")
BAD(null_upstream,
    "upstreams:\n"
    "  app:\n" NO_UPSTREAMS,
    "t.yaml:2:3: an upstream needs \"servers\": a list\n")
BAD(block_scalar, "log: debug\n" BASE,
    "t.yaml:1:6: log: must be a block of settings, not a single value\n")
BAD(block_list, "log: [debug]\n" BASE, "t.yaml:1:6: log: must be a block of settings, not a list\n")
BAD(list_scalar, "listeners: web\n" NO_LISTENERS,
    "t.yaml:1:12: listeners: must be a list, not a single value\n")
BAD(list_map, "listeners: {address: \"127.0.0.1:80\"}\n" NO_LISTENERS,
    "t.yaml:1:12: listeners: must be a list, not a block\n")
BAD(named_list, "upstreams: [{servers: []}]\n" NO_UPSTREAMS,
    "t.yaml:1:12: upstreams: must be a block of named blocks, not a list\n")
BAD(named_scalar, "upstreams: {app: \"127.0.0.1:81\"}\n" NO_UPSTREAMS,
    "t.yaml:1:18: upstreams.app: must be a block of settings, not a single value\n")
BAD(scalar_list, "user: [a]\n" BASE, "t.yaml:1:7: user: must be a text, not a list\n")
BAD(scalar_map, "shutdown_grace: {a: 1}\n" BASE,
    "t.yaml:1:17: shutdown_grace: must be a number with a unit, such as 250ms, 30s, 5m or 1h, not a block\n")
BAD(scalar_null, "user:\n" BASE, "t.yaml:1:6: user: has no value; write a text\n")
BAD(scalar_tilde, "user: ~\n" BASE, "t.yaml:1:7: user: has no value; write a text\n")
BAD(item_list,
    "listeners: [{address: \"127.0.0.1:80\", trusted_proxies: [[\"::1\"]]}]\n" NO_LISTENERS,
    "t.yaml:1:57: trusted_proxies: must be networks such as 10.0.0.0/8 or 2001:db8::/32, not a list\n")
BAD(item_scalar, "routes: [app]\n" NO_ROUTES,
    "t.yaml:1:10: routes: each item must be a block of settings, not a single value\n")
BAD(pairs_list, "routes: [{upstream: app, headers: {request: {set: [a]}}}]\n" NO_ROUTES,
    "t.yaml:1:51: set: must be header fields and their values, not a list\n")
BAD(format_map, "log: {access: {format: {}}}\n" BASE,
    "t.yaml:1:24: format: must be json, combined or a list of fields, not a block\n")
BAD(version, "version: 2\n" BASE, "t.yaml:1:10: version: 2 is not known; 1 is allowed\n")
BAD(count,
    "listeners: [{address: \"127.0.0.1:80\", limits: {connections: many, header_fields: 1.5}}]\n" NO_LISTENERS,
    "t.yaml:1:61: connections: \"many\" does not begin with a number\n"
    "t.yaml:1:82: header_fields: \"1.5\" is not a whole number\n")
BAD(count_range,
    "listeners: [{address: \"127.0.0.1:80\", limits: {connections: 0, header_fields: 251}}]\n" NO_LISTENERS,
    "t.yaml:1:61: connections: 0 is too small; 1 to 10000000 is allowed\n"
    "t.yaml:1:79: header_fields: 251 is too large; 8 to 250 is allowed\n")
BAD(workers, "workers: 65\n" BASE, "t.yaml:1:10: workers: 65 is too large; 1 to 64 is allowed\n")
BAD(workers_word, "workers: all\n" BASE,
    "t.yaml:1:10: workers: \"all\" is not a number or auto; auto and 1 to 64 are allowed\n")
BAD(time_bare, "shutdown_grace: 30\n" BASE,
    "t.yaml:1:17: shutdown_grace: \"30\" has no unit; write 30s for seconds or 30ms for milliseconds\n")
BAD(time_habit, "shutdown_grace: 30sec\n" BASE,
    "t.yaml:1:17: shutdown_grace: \"30sec\" has an unknown unit; did you mean 30s?\n")
BAD(time_unit, "shutdown_grace: 30x\n" BASE,
    "t.yaml:1:17: shutdown_grace: \"30x\" has an unknown unit; units of time are ms, s, m, h and d\n")
BAD(time_negative, "shutdown_grace: -1s\n" BASE,
    "t.yaml:1:17: shutdown_grace: \"-1s\" must not be negative\n")
BAD(time_word, "shutdown_grace: never\n" BASE,
    "t.yaml:1:17: shutdown_grace: \"never\" does not begin with a number\n")
BAD(time_range, "shutdown_grace: 25h\n" BASE,
    "t.yaml:1:17: shutdown_grace: 25h is too large; 0s to 24h is allowed\n")
BAD(time_small,
    "upstreams: {app: {servers: [\"127.0.0.1:81\"], timeouts: {connect: 10us}}}\n" NO_UPSTREAMS,
    "t.yaml:1:66: connect: 10us is too small; 1ms to 5m is allowed\n")
BAD(size_bare, "cache: {l1: {size: 1000}}\n" BASE,
    "t.yaml:1:20: size: \"1000\" has no unit; write 1000B for bytes, or KiB, MiB, GiB\n")
BAD(size_m, "cache: {l1: {size: 10M}}\n" BASE,
    "t.yaml:1:20: size: \"10M\" has an unknown unit; write 10MiB (by 1024) or 10MB (by 1000)\n")
BAD(size_case, "cache: {l1: {size: 10mib}}\n" BASE,
    "t.yaml:1:20: size: \"10mib\" has an unknown unit; write 10MiB (by 1024) or 10MB (by 1000)\n")
BAD(size_range,
    "listeners: [{address: \"127.0.0.1:80\", limits: {header_size: 65KiB}}]\n" NO_LISTENERS,
    "t.yaml:1:61: header_size: 65KiB is too large; 1KiB to 48KiB is allowed\n")
BAD(percent_bare, "admin: {health: {max_error_rate: 5}}\n" BASE,
    "t.yaml:1:34: max_error_rate: \"5\" has no unit; write 5%\n")
BAD(percent_range, "admin: {health: {max_error_rate: 101%}}\n" BASE,
    "t.yaml:1:34: max_error_rate: 101% is too large; 0% to 100% is allowed\n")
BAD(bool_yes, "listeners: [{address: \"127.0.0.1:80\", proxy_protocol: yes}]\n" NO_LISTENERS,
    "t.yaml:1:55: proxy_protocol: \"yes\" is not true or false; did you mean true?\n")
BAD(bool_word, "listeners: [{address: \"127.0.0.1:80\", proxy_protocol: maybe}]\n" NO_LISTENERS,
    "t.yaml:1:55: proxy_protocol: \"maybe\" is not true or false\n")
BAD(enum_near, "log: {level: warning}\n" BASE,
    "t.yaml:1:14: level: \"warning\" is not known; allowed: error, warn, info, debug; did you mean \"warn\"?\n")
BAD(enum_near2,
    "upstreams: {app: {servers: [\"127.0.0.1:81\"], balance: roundrobin}}\n" NO_UPSTREAMS,
    "t.yaml:1:55: balance: \"roundrobin\" is not known; allowed: round_robin, least_conn, p2c; did you mean \"round_robin\"?\n")
BAD(enum_far, "log: {level: 7}\n" BASE,
    "t.yaml:1:14: level: \"7\" is not known; allowed: error, warn, info, debug\n")
BAD(enum_later, "listeners: [{address: \"127.0.0.1:80\", protocols: [h1, h2]}]\n" NO_LISTENERS,
    "t.yaml:1:55: protocols: \"h2\" is not in this version yet; allowed: h1\n")
BAD(enum_later_https,
    "upstreams: {app: {servers: [\"127.0.0.1:81\"], protocol: https, balance: hash}}\n" NO_UPSTREAMS,
    "t.yaml:1:56: protocol: \"https\" is not in this version yet; allowed: http\n"
    "t.yaml:1:72: balance: \"hash\" is not in this version yet; allowed: round_robin, least_conn, p2c\n")
BAD(protocols_empty, "listeners: [{address: \"127.0.0.1:80\", protocols: []}]\n" NO_LISTENERS,
    "t.yaml:1:50: protocols: the list is empty; allowed: h1\n")
BAD(log_output, "log: {output: log.txt, access: {output: sderr}}\n" BASE,
    "t.yaml:1:15: output: \"log.txt\" is not known; stderr, syslog or an absolute path is allowed\n"
    "t.yaml:1:41: output: \"sderr\" is not known; did you mean stderr?\n")
BAD(access_syslog, "log: {access: {output: syslog}}\n" BASE,
    "t.yaml:1:24: output: \"syslog\" is not for access lines in this version; stderr or an absolute path is allowed\n")
BAD(access_path, "log: {access: {output: a.log}}\n" BASE,
    "t.yaml:1:24: output: \"a.log\" is not known; stderr or an absolute path is allowed\n")
BAD(log_format, "log: {access: {format: jsn}}\n" BASE,
    "t.yaml:1:24: format: \"jsn\" is not known; allowed: json, combined or a list of fields; did you mean \"json\"?\n")
BAD(log_fields, "log: {access: {format: [time, clent]}}\n" BASE,
    "t.yaml:1:31: format: \"clent\" is not a field of the access log; did you mean \"client\"?\n")
BAD(log_fields_empty, "log: {access: {format: []}}\n" BASE,
    "t.yaml:1:24: format: the list of fields is empty\n")
BAD(name_space, "listeners: [{address: \"127.0.0.1:80\", name: a b}]\n" NO_LISTENERS,
    "t.yaml:1:45: name: \"a b\" has a character that names have not; letters, digits and any of _ - . : / * @ [ ] = ~ are allowed\n")
BAD(name_upstream,
    "upstreams: {app: {servers: [\"127.0.0.1:81\"]}, \"a b\": {servers: [\"127.0.0.1:81\"]}}\n" NO_UPSTREAMS,
    "t.yaml:1:47: the name of an upstream: \"a b\" has a character that names have not; letters, digits and any of _ - . : / * @ [ ] = ~ are allowed\n")
BAD(socket, "admin: {socket: admin.sock}\n" BASE,
    "t.yaml:1:17: socket: \"admin.sock\" must be an absolute path: /...\n")
BAD(address_url, "listeners: [{address: \"http://127.0.0.1:80\"}]\n" NO_LISTENERS,
    "t.yaml:1:23: address: \"http://127.0.0.1:80\" is a URL; write host:port, [v6]:port or unix:/path\n")
BAD(address_port_only, "listeners: [{address: 8080}, {address: \":8081\"}]\n" NO_LISTENERS,
    "t.yaml:1:23: address: \"8080\" has no host; write 127.0.0.1:8080 or 0.0.0.0:8080\n"
    "t.yaml:1:40: address: \":8081\" has no host; write 0.0.0.0 or [::] for every address\n")
BAD(address_v6,
    "listeners: [{address: \"::1:80\"}, {address: \"[::1]\"}, {address: \"[::g]:80\"}]\n" NO_LISTENERS,
    "t.yaml:1:23: address: \"::1:80\" looks like IPv6; write [address]:port\n"
    "t.yaml:1:44: address: \"[::1]\" has no port; write host:port, [v6]:port or unix:/path\n"
    "t.yaml:1:64: address: \"[::g]:80\" has no IPv6 address in its brackets\n")
BAD(address_port,
    "listeners: [{address: \"a:0\"}, {address: \"a:65536\"}, {address: a}, {address: \"a:\"}]\n" NO_LISTENERS,
    "t.yaml:1:23: address: \"a:0\" has a bad port; ports are 1 to 65535\n"
    "t.yaml:1:41: address: \"a:65536\" has a bad port; ports are 1 to 65535\n"
    "t.yaml:1:63: address: \"a\" has no port; write host:port, [v6]:port or unix:/path\n"
    "t.yaml:1:77: address: \"a:\" has no port; write host:port, [v6]:port or unix:/path\n")
BAD(address_unix, "listeners: [{address: \"unix:run/a\"}, {address: /run/a}]\n" NO_LISTENERS,
    "t.yaml:1:23: address: \"unix:run/a\" must be an absolute path: /...\n"
    "t.yaml:1:48: address: \"/run/a\" is a path; write unix:/path\n")
BAD(server_bad,
    "upstreams: {app: {servers: [a b:80, {address: \"1.2.3.4.5:80\", weight: 0}]}}\n" NO_UPSTREAMS,
    "t.yaml:1:29: address: \"a b:80\" has a character that no host name has\n"
    "t.yaml:1:47: address: \"1.2.3.4.5:80\" is not an IPv4 address; write four numbers from 0 to 255\n"
    "t.yaml:1:71: weight: 0 is too small; 1 to 1000 is allowed\n")
BAD(cidr,
    "listeners: [{address: \"127.0.0.1:80\", trusted_proxies: [10.0.0.1/8, 10.0.0.0/33, localhost, \"fe80::1/64\"]}]\n" NO_LISTENERS,
    "t.yaml:1:57: trusted_proxies: \"10.0.0.1/8\" has bits set beyond its length; did you mean 10.0.0.0/8?\n"
    "t.yaml:1:69: trusted_proxies: \"10.0.0.0/33\" has a bad length; 0 to 32 is allowed behind the /\n"
    "t.yaml:1:82: trusted_proxies: \"localhost\" is not a network; write one as 10.0.0.0/8 or 2001:db8::/32\n"
    "t.yaml:1:93: trusted_proxies: \"fe80::1/64\" has bits set beyond its length; did you mean fe80::/64?\n")
BAD(match_path,
    "routes: [{upstream: app, match: {path: api}}, {upstream: app, match: {path: \"/a?b\"}}, {upstream: app, match: {path: \"/a/../b\"}}, {upstream: app, match: {path: \"~\"}}]\n" NO_ROUTES,
    "t.yaml:1:40: path: \"api\" does not begin with /\n"
    "t.yaml:1:77: path: \"/a?b\" has a query or fragment; only the path is compared\n"
    "t.yaml:1:117: path: \"/a/../b\" has a . or .. segment, which no request has\n"
    "t.yaml:1:160: path: \"~\" needs a pattern of 1 to 1024 characters behind ~\n")
BAD(match_host,
    "routes: [{upstream: app, match: {host: [\"*\", \"a.*\", \"a:80\", \"a..b\", \"a_b\"]}}]\n" NO_ROUTES,
    "t.yaml:1:41: host: \"*\" is not needed; leave host out to match every host\n"
    "t.yaml:1:46: host: \"a.*\" may have * only as the whole first part: *.example\n"
    "t.yaml:1:53: host: \"a:80\" must not have a port; hosts are compared without\n"
    "t.yaml:1:61: host: \"a..b\" has an empty part between two points\n")
BAD(match_method, "routes: [{upstream: app, match: {method: [get, \"G T\", CONNECT]}}]\n" NO_ROUTES,
    "t.yaml:1:43: method: \"get\" is not upper case, and methods are compared with their case; did you mean GET?\n"
    "t.yaml:1:48: method: \"G T\" is not a method; write one such as GET\n"
    "t.yaml:1:55: method: \"CONNECT\" cannot be routed; tiercel is no forward proxy\n")
BAD(rewrite,
    "routes: [{upstream: app, rewrite: {strip_prefix: api, add_prefix: \"x/\", host: \"a/b\"}}]\n" NO_ROUTES,
    "t.yaml:1:50: strip_prefix: \"api\" does not begin with /\n"
    "t.yaml:1:67: add_prefix: \"x/\" does not begin with /\n"
    "t.yaml:1:79: host: \"a/b\" has a character that no host name has\n")
BAD(field_value,
    "routes: [{upstream: app, headers: {response: {set: {X-A: \"a\\nb\", \"X B\": c, X-C: }}}}]\n" NO_ROUTES,
    "t.yaml:1:58: set: the value of X-A has a line end or another control character\n"
    "t.yaml:1:66: set: \"X B\" is not the name of a header field; letters, digits and !#$%&'*+-.^_`|~ are allowed\n"
    "t.yaml:1:81: set: X-C has no value; write \"\" for an empty one\n")
BAD(body_missing, "routes: [{answer: {body_file: nope.html}}]\n" NO_ROUTES,
    "t.yaml:1:31: body_file: \"nope.html\" cannot be read: No such file or directory\n")
BAD(status_range,
    "routes: [{answer: {status: 199}}, {upstream: app, fallback: {status: 600}}]\n" NO_ROUTES,
    "t.yaml:1:28: status: 199 is too small; 200 to 599 is allowed\n"
    "t.yaml:1:70: status: 600 is too large; 200 to 599 is allowed\n")
BAD(env_unset, "user: ${UNSET_NAME}\n" BASE,
    "t.yaml:1:7: ${UNSET_NAME} is not set in the environment; set it, or write ${UNSET_NAME:-default}\n")
BAD(env_open, "user: \"${UNSET\"\n" BASE,
    "t.yaml:1:7: \"${\" without \"}\"; write $$ for a dollar sign\n")
BAD(env_name, "user: ${1A}\n" BASE,
    "t.yaml:1:7: \"${1A}\": not the name of a variable; write ${NAME} or ${NAME:-default}, and $$ for a dollar sign\n")
BAD(env_empty, "user: \"${}\"\n" BASE,
    "t.yaml:1:7: \"${}\": not the name of a variable; write ${NAME} or ${NAME:-default}, and $$ for a dollar sign\n")
BAD(same_address,
    "listeners: [{address: \"127.0.0.1:80\"}, {address: \"127.0.0.1:80\", name: b}]\n" NO_LISTENERS,
    "t.yaml:1:50: address: 127.0.0.1:80 is taken by the listener at t.yaml:1:23\n")
BAD(same_listener_name,
    "listeners: [{address: \"127.0.0.1:80\", name: a}, {address: \"127.0.0.1:82\", name: a}]\n" NO_LISTENERS,
    "t.yaml:1:81: name: \"a\" is taken by the listener at t.yaml:1:13; names must differ\n")
BAD(admin_address, "admin: {listen: \"127.0.0.1:80\"}\n" BASE,
    "t.yaml:1:17: listen: 127.0.0.1:80 is the address of listener \"127.0.0.1:80\"; give it another one\n")
BAD(admin_socket,
    "admin: {socket: /run/x}\n"
    "listeners: [{address: \"unix:/run/x\"}]\n" NO_LISTENERS,
    "t.yaml:2:23: address: /run/x is the socket of admin; give it another one\n")
BAD(no_upstream, "routes: [{upstream: ap}, {upstream: other}]\n" NO_ROUTES,
    "t.yaml:1:21: upstream: there is no upstream \"ap\"; did you mean \"app\"?\n"
    "t.yaml:1:37: upstream: there is no upstream \"other\"; it must be a name from upstreams\n")
BAD(no_upstreams_block,
    "listeners: [{address: \"127.0.0.1:80\"}]\n"
    "routes: [{upstream: app}]\n",
    "t.yaml:2:21: upstream: there is no upstream \"app\"; there is no upstreams block\n")
BAD(goes_nowhere, "routes: [{match: {path: /a}}]\n" NO_ROUTES,
    "t.yaml:1:10: this route goes nowhere; give it an upstream or an answer\n")
BAD(both_targets, "routes: [{upstream: app, answer: {status: 200}}]\n" NO_ROUTES,
    "t.yaml:1:21: a route has either an upstream or an answer, not both\n")
BAD(same_route_name,
    "routes: [{name: a, upstream: app}, {name: a, match: {path: /x}, upstream: app}]\n" NO_ROUTES,
    "t.yaml:1:43: name: \"a\" is taken by the route at t.yaml:1:10; names must differ\n")
BAD(fallback_unknown, "routes: [{upstream: app, fallback: {upstream: backup}}]\n" NO_ROUTES,
    "t.yaml:1:47: upstream: there is no upstream \"backup\"; it must be a name from upstreams\n")
BAD(fallback_self, "routes: [{upstream: app, fallback: {upstream: app}}]\n" NO_ROUTES,
    "t.yaml:1:47: fallback: \"app\" is the upstream of the route itself\n")
BAD(fallback_both,
    "upstreams: {app: {servers: [\"127.0.0.1:81\"]}, b: {servers: [\"127.0.0.1:82\"]}}\n"
    "routes: [{upstream: app, fallback: {upstream: b, status: 503}}]\n"
    "listeners: [{address: \"127.0.0.1:80\"}]\n",
    "t.yaml:2:47: fallback: either another upstream or a fixed answer, not both\n")
BAD(fallback_type,
    "routes: [{upstream: app, fallback: {status: 503, content_type: text/html}}]\n" NO_ROUTES,
    "t.yaml:1:64: content_type: there is no body that could have one\n")
BAD(fallback_of_answer,
    "routes: [{answer: {status: 200}, fallback: {status: 503}}, {match: {path: /b}, upstream: app}]\n" NO_ROUTES,
    "t.yaml:1:53: fallback: the route has no upstream that could fail\n")
BAD(strip_prefix,
    "routes: [{match: {path: /apis/}, upstream: app, rewrite: {strip_prefix: /api}}, {match: {path: \"= /x\"}, upstream: app, rewrite: {strip_prefix: /y}}]\n" NO_ROUTES,
    "t.yaml:1:73: strip_prefix: the route's path /apis/ does not begin with /api\n"
    "t.yaml:1:144: strip_prefix: the route's path /x does not begin with /y\n")
BAD(redirect,
    "routes: [{answer: {status: 301}}, {match: {path: /a}, answer: {status: 200, location: /b}}, {match: {path: /c}, upstream: app}]\n" NO_ROUTES,
    "t.yaml:1:28: status: 301 needs a location\n"
    "t.yaml:1:87: location: status 200 has none; 201, 301, 302, 303, 307 and 308 have\n")
BAD(answer_status,
    "routes: [{answer: {status: 204, body: x}}, {match: {path: /a}, answer: {status: 304}}]\n" NO_ROUTES,
    "t.yaml:1:28: status: an answer with 204 has no body\n"
    "t.yaml:1:81: status: 304 only makes sense for a condition or a range that was asked for\n")
BAD(set_framing,
    "routes: [{upstream: app, headers: {request: {set: {Content-Length: 1, Host: a, Expect: x, X-Forwarded-For: a}, add: {transfer-encoding: chunked}, remove: [Connection, Host, TE]}, response: {set: {Upgrade: x, Host: fine}, remove: [Trailer]}}}]\n" NO_ROUTES,
    "t.yaml:1:68: set: Content-Length frames the message and is not yours to change\n"
    "t.yaml:1:77: set: Host is changed with rewrite: { host: ... }\n"
    "t.yaml:1:88: set: Expect is answered by tiercel and is not yours to change\n"
    "t.yaml:1:108: set: X-Forwarded-For is written by tiercel; forwarded: false leaves it to you\n"
    "t.yaml:1:137: add: transfer-encoding belongs to one connection and is not yours to change\n"
    "t.yaml:1:156: remove: Connection belongs to one connection and is not yours to change\n"
    "t.yaml:1:168: remove: Host is changed with rewrite: { host: ... }\n"
    "t.yaml:1:174: remove: TE belongs to one connection and is not yours to change\n"
    "t.yaml:1:206: set: Upgrade belongs to one connection and is not yours to change\n"
    "t.yaml:1:231: remove: Trailer frames the message and is not yours to change\n")
BAD(set_twice,
    "routes: [{upstream: app, headers: {response: {set: {X-A: 1, x-a: 2}}}}]\n" NO_ROUTES,
    "t.yaml:1:66: set: x-a is given twice; case makes no difference\n")
BAD(pairs_dup_key,
    "routes: [{upstream: app, headers: {response: {set: {X-A: 1, X-A: 2}}}}]\n" NO_ROUTES,
    "t.yaml:1:61: \"X-A\" is given twice; the first is at t.yaml:1:53\n")
BAD(many,
    "a: 1\n"
    "b: 2\n"
    "log: {c: 3}\n" BASE,
    "t.yaml:1:1: unknown key \"a\" in the configuration; allowed: version, workers, user, shutdown_grace, include, log, admin, listeners, cache, upstreams, routes\n"
    "t.yaml:2:1: unknown key \"b\" in the configuration; allowed: version, workers, user, shutdown_grace, include, log, admin, listeners, cache, upstreams, routes\n"
    "t.yaml:3:7: unknown key \"c\" in log; allowed: level, output, access, slow_request\n")
BAD(list_of_list, "routes: [[a]]\n" NO_ROUTES,
    "t.yaml:1:10: routes: each item must be a block of settings, not a list\n")
BAD(body_both, "routes: [{upstream: app, fallback: {body_file: t.yaml, body: x}}]\n" NO_ROUTES,
    "t.yaml:1:62: body: there is a body_file as well; one of them is allowed\n")
BAD(include_missing, "include: more.yaml\n" BASE,
    "t.yaml:1:10: include: more.yaml: cannot be read: No such file or directory\n")
BAD(include_self, "include: t.yaml\n" BASE, "t.yaml:1:10: include: t.yaml includes itself\n")
BAD(include_kind, "include: {a: b}\n" BASE,
    "t.yaml:1:10: include: must be a file name or pattern, or a list of them, not a block\n")
BAD(same_server, "upstreams: {app: {servers: [\"127.0.0.1:81\", \"127.0.0.1:81\"]}}\n" NO_UPSTREAMS,
    "t.yaml:1:45: servers: 127.0.0.1:81 is given twice, first at t.yaml:1:29; use a weight\n")
GOOD(cache, "routes: [{upstream: app, cache: {enabled: true}}]\n" NO_ROUTES, "")
GOOD(unused,
     "upstreams: {app: {servers: [\"127.0.0.1:81\"]}, spare: {servers: [\"127.0.0.1:82\"]}}\n" NO_UPSTREAMS,
     "t.yaml:1:47: warning: upstream \"spare\" is not used by any route\n")
GOOD(never_taken,
     "routes: [{upstream: app}, {match: {path: /}, upstream: app}, {match: {path: /, method: GET}, upstream: app}]\n" NO_ROUTES,
     "t.yaml:1:27: warning: this route is never taken: the one at t.yaml:1:10 matches the same\n")
GOOD(max_idle,
     "upstreams: {app: {servers: [\"127.0.0.1:81\"], pool: {max_connections: 4, max_idle: 5}}}\n" NO_UPSTREAMS,
     "t.yaml:1:83: warning: max_idle: 5 is more than max_connections, which is 4\n")
GOOD(max_idle_default,
     "upstreams: {app: {servers: [\"127.0.0.1:81\"], pool: {max_connections: 4}}}\n" NO_UPSTREAMS,
     "")
GOOD(useless,
     "routes: [{match: {path: /a}, answer: {body: x}, rewrite: {strip_prefix: /a, add_prefix: /b, host: c}}, {upstream: app}]\n" NO_ROUTES,
     "t.yaml:1:73: warning: strip_prefix: has no effect on a route with an answer\n"
     "t.yaml:1:89: warning: add_prefix: has no effect on a route with an answer\n"
     "t.yaml:1:99: warning: host: has no effect on a route with an answer\n")
GOOD(forwarded_off,
     "routes: [{upstream: app, forwarded: false, headers: {request: {set: {X-Forwarded-For: a}}}}]\n" NO_ROUTES,
     "")
GOOD(zero,
     "cache: {l1: {size: 0}}\n"
     "shutdown_grace: 0\n" BASE,
     "")
GOOD(nulls,
     "log:\n"
     "admin:\n"
     "  health:\n"
     "upstreams: {app: {servers: [\"127.0.0.1:81\"], pool: }}\n" NO_UPSTREAMS,
     "")
GOOD(short_server, "upstreams: {app: {servers: \"127.0.0.1:81\"}}\n" NO_UPSTREAMS, "")
GOOD(version, "version: 1\n" BASE, "")
GOOD(redirect, "routes: [{answer: {location: /x}}, {match: {path: /y}, upstream: app}]\n" NO_ROUTES,
     "")
GOOD(bom, "\357\273\277version: 1\n" BASE, "")
GOOD(crlf,
     "version: 1\015\n"
     "user: a\015\n" BASE,
     "")
GOOD(document,
     "---\n"
     "version: 1\n" BASE,
     "")
