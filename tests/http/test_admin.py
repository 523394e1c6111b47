# SPDX-License-Identifier: BSD-2-Clause
"""The operator's side: tiercelctl and its socket, /metrics, /health, the JSON API, the dashboard."""

import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from lib import DEADLINE, Client, find_program, procfs, response, simple, wait_for
from lib.promtext import Bad, Metrics

SESSIONS = 32


def conf_of(origin, **more):
    return simple(origin, admin={"listen": "127.0.0.1:@port:admin", **more.pop("admin", {})}, **more)


@pytest.fixture
def site(place):
    """A proxy with an admin listener, in front of an origin."""
    def make(answer=None, *, head=None, **conf):
        origin = place.origin(answer, head=head)
        p = place.proxy(conf_of(origin, **conf))
        p.origin = origin
        return p
    return make


def http(p, target, *fields, method="GET", host="localhost"):
    with Client(p.port("admin")) as c:
        return c.ask(method, target, "Connection: close", *fields, host=host)


def api(p, target):
    r = http(p, target)
    assert r.status == 200 and r["Content-Type"] == "application/json", r
    return json.loads(r.body)


class Session:
    """A session of the admin socket, spoken by hand."""

    def __init__(self, p, timeout=DEADLINE):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        self.sock.connect(p.ctl_socket)
        self.file = self.sock.makefile("rb")

    def send(self, data):
        try:
            self.sock.sendall(data)
        except BrokenPipeError:
            pass  # turned away already: the reply says so

    def reply(self):
        """(code, body), or None at the end."""
        head = self.file.readline()
        if not head:
            return None
        m = re.match(rb"tiercel/1 (ok|failed|usage) (\d+)\n\Z", head)
        assert m, head
        body = self.file.read(int(m[2]))
        assert len(body) == int(m[2])
        return m[1].decode(), body.decode()

    def ask(self, line):
        self.send(b"tiercel/1 " + line + b"\n")
        return self.reply()

    def ended(self):
        try:
            return self.file.read() == b""
        except ConnectionResetError:
            return True  # we had sent more than it read

    def close(self):
        self.file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def workers_json(p):
    return json.loads(p.ctl("status", "--json").stdout)["workers"]


# ---- commands

def test_status(site):
    p = site(workers=2)
    wait_for(lambda: {w["pid"] for w in workers_json(p) if w["state"] == "running"} == set(p.workers()),
             "both workers in the status")
    s = json.loads(p.ctl("status", "--json").stdout)
    assert s["master"] == p.pid and s["generation"] == 1 and s["draining"] is False
    assert s["configuration"] == p.file and s["health"]["status"] == "ok"
    assert [l["name"] for l in s["listeners"]] == ["web"]
    assert s["listeners"][0]["address"] == f"127.0.0.1:{p.port('web')}"
    assert api(p, "/api/status")["master"] == p.pid
    text = p.ctl("status").stdout
    assert f"tiercel {s['version']}, up " in text and p.file in text
    for pid in p.workers():
        assert re.search(rf"\b{pid}\b +running", text)


def test_status_counts_restarts(site):
    p = site(workers=2)
    p.deaths_expected = True
    victim = p.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: len(p.workers()) == 2 and victim not in p.workers(), "a new worker")
    wait_for(lambda: sum(w["restarts"] for w in workers_json(p)) == 1, "one restart in the status")


def test_stats(site):
    p = site()
    for i in range(7):
        assert p.get("/").status == 200
    with p.client() as c:
        c.ask("GET", "/")
        s = json.loads(p.ctl("stats", "--json").stdout)
        assert s["now"]["connections"] == 1
        assert s["counters"]["totals"]["requests"] == 8
        assert s["counters"]["totals"]["connections_accepted"] == 8
    wait_for(lambda: api(p, "/api/stats")["window"]["10s"]["requests"] == 8, "eight in the window")
    s = api(p, "/api/stats")
    w = s["window"]["1m"]
    assert w["errors"] == 0 and w["classes"]["2xx"] == 8 and w["rate"] > 0
    assert 0 < w["p50"] <= w["p95"] <= w["p99"] < 5 and 0 < w["average"] < 5
    assert s["routes"][0]["requests"] == 8 and s["routes"][0]["classes"]["2xx"] == 8
    text = p.ctl("stats").stdout
    assert re.search(r"^10 s ", text, re.M) and re.search(r"^ +requests +8$", text, re.M)


def test_upstreams(site):
    p = site(lambda c, r: response(500 if r.path == "/bad" else 200, "x"))
    for path in ["/"] * 5 + ["/bad"]:
        p.get(path)
    u, = json.loads(p.ctl("upstreams", "--json").stdout)["upstreams"]
    assert u["name"] == "origin" and u["state"] == "up" and u["requests"] == 6 and u["errors"] == 1
    assert u["max_connections"] == 100 and u["active"] == 0
    server, = u["servers"]
    assert server["address"] == p.origin.address and server["requests"] == 6
    p.origin.stop_listening()
    for c in p.origin.open_connections():
        c.close()
    p.get("/")
    wait_for(lambda: json.loads(p.ctl("upstreams", "--json").stdout)["upstreams"][0]["failures"] > 0,
             "the failure")
    assert api(p, "/api/upstreams")["upstreams"][0]["servers"][0]["failures"] > 0
    assert p.origin.address in p.ctl("upstreams").stdout


def test_requests_in_flight(site):
    go_on = threading.Event()

    def stall(c, r):
        go_on.wait(DEADLINE)
        return response(200, "late")
    p = site(stall, workers=2)
    try:
        with p.client() as c:
            c.request("GET", "/slow?a=%3Cb%3E~", host="shop.example")
            p.origin.wait_requests(1)
            r, = json.loads(p.ctl("requests", "--json").stdout)["requests"]
            assert r["method"] == "GET" and r["host"] == "shop.example" and r["client"] == "127.0.0.1"
            assert r["target"].startswith("/slow?") and r["age"] >= 0 and r["server"] == p.origin.address
            assert api(p, "/api/requests")["requests"][0]["id"] == r["id"]
            text = p.ctl("requests").stdout
            assert "shop.example/slow?" in text and "1 in flight" in text
            go_on.set()
            assert c.read_response().body == b"late"
    finally:
        go_on.set()
    wait_for(lambda: json.loads(p.ctl("requests", "--json").stdout)["requests"] == [], "nothing in flight")
    assert "0 in flight" in p.ctl("requests").stdout


def test_requests_names_a_stuck_worker(site):
    """SIGSTOP: its share is missing, and the answer says so, in about half a second"""
    p = site(workers=2)
    stuck = p.workers()[0]
    slot, = [w["slot"] for w in workers_json(p) if w["pid"] == stuck]
    os.kill(stuck, signal.SIGSTOP)
    try:
        before = time.monotonic()
        answer = json.loads(p.ctl("requests", "--json").stdout)
        assert answer["silent_workers"] == [slot] and time.monotonic() - before < 5
        assert f"worker {slot} did not answer" in p.ctl("requests").stdout
        with Session(p) as other:  # nobody else waits for it
            assert other.ask(b"status")[0] == "ok"
    finally:
        os.kill(stuck, signal.SIGCONT)


def test_top_once(site):
    """Without a terminal: one screen"""
    text = site().ctl("top").stdout
    assert "\x1b" not in text and "connections" in text and "origin" in text


def test_top_live(site):
    """On a terminal: redraws, q ends it, and the screen is as before"""
    p = site()
    pid, fd = pty.fork()
    if pid == 0:
        program = find_program("tiercelctl")
        os.execve(program, [program, "-s", p.ctl_socket, "top"], dict(os.environ, **p.environment()))
    seen = b""
    try:
        def screens(n):
            nonlocal seen
            while select.select([fd], [], [], 0)[0]:
                seen += os.read(fd, 65536)
            return seen.count(b"\x1b[H") >= n
        wait_for(lambda: screens(2), "two screens")
        os.write(fd, b"q")
        end = b""
        while True:
            try:
                piece = os.read(fd, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            end += piece
        assert end.rstrip().endswith(b"\x1b[?25h\x1b[?1049l") and b"tiercel " in seen
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 0


def test_explain(place):
    origin = place.origin()
    p = place.proxy(conf_of(origin, routes=[
        {"match": {"host": "shop.example", "path": "/api/", "method": ["GET", "HEAD"]}, "upstream": "origin",
         "name": "api", "rewrite": {"strip_prefix": "/api", "host": "inner.example"}, "max_body": "3MiB",
         "headers": {"request": {"set": {"X-Secret": "hunter2"}, "remove": ["X-Debug"]}}},
        {"name": "rest", "upstream": "origin"}]))
    for args in (["http://shop.example/api/x?a=1"], ["/api/x?a=1", "-H", "Host: shop.example"]):
        text = p.ctl("explain", "GET", *args).stdout
        assert re.search(r"^route +api$", text, re.M) and origin.address in text
        assert "/api/" in text and "GET /x?a=1, Host: inner.example" in text
        assert "3MiB" in text and "X-Secret" in text and "hunter2" not in text
    assert re.search(r"^route +rest$", p.ctl("explain", "POST", "http://shop.example/api/x").stdout, re.M)
    assert re.search(r"^route +rest$", p.ctl("explain", "GET", "/api/x").stdout, re.M)
    for wrong in (["GET"], [], ["GET", "not a target"], ["GET", "/x", "-H"], ["GET", "/x", "-H", "nocolon"],
                  ["GET", "/x", "-H", "Host: a b"], ["GET", "/../x"], ["GET", "/%zz"]):
        assert p.ctl("explain", *wrong, check=False).returncode == 2, wrong


def test_help(site):
    p = site()
    text = p.ctl("help").stdout
    for word in "status", "stats", "upstreams", "requests", "top", "explain", "reload", "drain", "reopen":
        assert re.search(rf"^{word} ", text, re.M)
        assert p.ctl("help", word).stdout.startswith(word)
    program = find_program("tiercelctl")
    r = subprocess.run([program, "--help"], capture_output=True, text=True)
    assert r.returncode == 0 and "status" in r.stdout and "Exit status" in r.stdout
    assert "tiercelctl " in subprocess.run([program, "--version"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("words", [
    ["nope"], ["statu"], [""], ["status", "x"], ["status", "--json", "x"], ["stats", "--jso"], ["reload", "x"],
    ["drain", "on"], ["drain", "off", "off"], ["help", "nope"], ["help", "a", "b"], ["top", "x"], ["--nope"], [],
    # of later versions
    ["breaker", "a", "open"], ["limits"], ["server", "a", "b", "off"],
    ["upgrade", "x"], ["purge"], ["cache", "x"],
])
def test_wrong_usage(module_site, words):
    r = module_site.ctl(*words, check=False)
    assert r.returncode == 2 and r.stderr and not r.stdout, r


@pytest.fixture(scope="module")
def module_site(module_place):
    return module_place.proxy(conf_of(module_place.origin()))


def test_later_commands_say_so(module_site):
    assert "not in this version yet" in module_site.ctl("limits", check=False).stderr


def test_did_you_mean(module_site):
    assert "`status`" in module_site.ctl("stauts", check=False).stderr or \
        "`status`" in module_site.ctl("stat", check=False).stderr


def test_no_daemon(tmp_path):
    program = find_program("tiercelctl")
    for path, what in ((tmp_path / "none.sock", "No such file"), ("/" + "x" * 200, "name too long")):
        r = subprocess.run([program, "-s", str(path), "status"], capture_output=True, text=True)
        assert r.returncode == 1 and what in r.stderr and not r.stdout
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "dead.sock"))
    r = subprocess.run([program, "-s", str(tmp_path / "dead.sock"), "status"], capture_output=True, text=True)
    assert r.returncode == 1 and "Is tiercel running?" in r.stderr


LIES = [b"", b"tiercel/1 ok 10\nshort", b"tiercel/1 ok 99999999999\nx", b"tiercel/9 ok 0\n", b"HTTP/1.1 400 Bad\r\n",
        b"x" * 1000, b"tiercel/1 fine 0\n"]


@pytest.mark.parametrize("lie", LIES)
def test_ctl_believes_no_broken_answer(tmp_path, lie):
    path = str(tmp_path / "liar.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def answer():
        s, _ = listener.accept()
        s.recv(4096)
        s.sendall(lie)
        s.close()
    t = threading.Thread(target=answer)
    t.start()
    r = subprocess.run([find_program("tiercelctl"), "-s", path, "status"], capture_output=True, text=True)
    t.join()
    assert r.returncode == 1 and r.stderr and not r.stdout


# ---- what the master does

def test_reload(site):
    p = site()
    conf = conf_of(p.origin, routes=[{"name": "fresh", "upstream": "origin", "timeout": "7s"}])
    r = p.reload(conf)
    assert "fresh" in r.stdout or "route" in r.stdout
    wait_for(lambda: json.loads(p.ctl("status", "--json").stdout)["generation"] == 2, "generation 2")
    wait_for(lambda: "fresh" in p.ctl("explain", "GET", "/").stdout, "the admin process to know it")
    assert b"7s" in http(p, "/api/config").body
    assert "tiercel_route_requests_total" in metrics(p).samples


def test_reload_refused(site):
    p = site()
    before = http(p, "/api/config").body
    p.write(p.conf_text.replace('"routes"', '"rouets"'))
    r = p.ctl("reload", check=False)
    assert r.returncode == 1 and not r.stdout
    assert re.search(re.escape(p.file) + r":\d+:\d+: .*rouets", r.stderr), r.stderr
    assert p.get("/").status == 200 and http(p, "/api/config").body == before
    assert json.loads(p.ctl("status", "--json").stdout)["generation"] == 1


def test_reload_keeps_windows(site):
    """What /health and the dashboard know survives a reload"""
    p = site()
    for i in range(20):
        p.get("/")
    wait_for(lambda: api(p, "/api/stats")["window"]["1m"]["requests"] == 20, "the window")
    p.reload(conf_of(p.origin, routes=[{"name": "fresh", "upstream": "origin", "timeout": "7s"}]))
    wait_for(lambda: "fresh" in p.ctl("explain", "GET", "/").stdout, "the admin process to know it")
    assert api(p, "/api/stats")["window"]["1m"]["requests"] == 20


def test_drain(site):
    p = site()
    assert http(p, "/health").status == 200
    assert "draining" in p.ctl("drain").stdout
    r = wait_for(lambda: (lambda r: r if r.status == 503 else None)(http(p, "/health")), "503")
    assert json.loads(r.body)["status"] == "draining"
    assert json.loads(p.ctl("status", "--json").stdout)["draining"] is True
    assert "draining" in p.ctl("status").stdout
    assert p.get_open("/")["Connection"] == "close"
    assert "no longer" in p.ctl("drain", "off").stdout
    wait_for(lambda: http(p, "/health").status == 200, "200")
    assert p.get_open("/").fields.get("Connection", "keep-alive").lower() != "close"


def test_reopen(site):
    p = site(log={"output": "@dir/error.log", "access": {"output": "@dir/access.log"}})
    p.get("/one")
    access = os.path.join(p.dir, "access.log")
    wait_for(lambda: "/one" in open(access).read(), "the line")
    os.rename(access, access + ".1")
    os.rename(os.path.join(p.dir, "error.log"), os.path.join(p.dir, "error.log.1"))
    p.ctl("reopen")
    p.get("/two")
    wait_for(lambda: os.path.exists(access) and "/two" in open(access).read(), "the line in the new file")
    assert os.path.exists(os.path.join(p.dir, "error.log"))


# ---- the socket itself

GARBAGE = [b"status\n", b"\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"tiercel/2 status\n", b"tiercel/1 'open\n",
           b"tiercel/1 a\0b\n", b"tiercel/1 \x1b[2J\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
           b"tiercel/1 " + b"x" * 8192 + b"\n", b"tiercel/1 " + b"a " * 500 + b"\n", b"\xff" * 9000]


@pytest.mark.parametrize("line", GARBAGE)
def test_garbage_is_answered_and_cut_off(module_site, line):
    with Session(module_site) as s:
        s.send(line)
        code, body = s.reply()
        assert code == "usage" and body.endswith("\n")
        assert s.ended()
    with Session(module_site) as s:
        assert s.ask(b"status")[0] == "ok"


def test_random_bytes(module_site):
    import random
    rng = random.Random(1)
    for i in range(200):
        with Session(module_site) as s:
            try:
                s.send(rng.choice([b"", b"tiercel/1 ", b"tiercel/"]) + rng.randbytes(rng.randrange(600)))
                if rng.random() < 0.5:
                    s.send(b"\n")
                if rng.random() < 0.5:
                    s.sock.shutdown(socket.SHUT_WR)
                    s.file.read()
            except OSError:
                pass
    assert module_site.ctl("status").returncode == 0


def test_many_commands_in_a_session(module_site):
    with Session(module_site) as s:
        for i in range(50):
            assert s.ask(b"status --json")[0] == "ok"
        assert s.ask(b"nope") == ("usage", "unknown command `nope`; try `help`\n")
        s.send(b"tiercel/1 help\ntiercel/1 status\r\ntiercel/1 'st'\"at\"us\n")
        assert [s.reply()[0] for i in range(3)] == ["ok"] * 3


def test_half_closed_session_is_answered(module_site):
    with Session(module_site) as s:
        s.send(b"tiercel/1 requests\n")
        s.sock.shutdown(socket.SHUT_WR)
        assert s.reply()[0] == "ok"
        assert s.reply() is None


def test_split_request(module_site):
    with Session(module_site) as s:
        for b in b"tiercel/1 help drain\n":
            s.send(bytes([b]))
            time.sleep(0.002)
        assert s.reply()[0] == "ok"


def test_slow_sessions_hold_up_nobody(module_site):
    """Half a line, no line, answers that nobody reads: others do not notice"""
    stuck = [Session(module_site) for i in range(SESSIONS - 2)]
    try:
        for i, s in enumerate(stuck):
            if i % 3 == 0:
                s.send(b"tiercel/1 stat")
            elif i % 3 == 1:
                s.sock.setblocking(False)
                try:
                    for j in range(200):
                        s.sock.sendall(b"tiercel/1 stats --json\n" * 50)
                except BlockingIOError:
                    pass
        for i in range(20):
            before = time.monotonic()
            assert module_site.ctl("status").returncode == 0
            assert time.monotonic() - before < 5
    finally:
        for s in stuck:
            s.close()


def test_one_session_too_many(module_site):
    open_sessions = []
    try:
        def fill():
            while len(open_sessions) < SESSIONS:
                s = Session(module_site)
                s.send(b"tiercel/1 help\n")
                if s.reply()[0] != "ok":
                    s.close()
                    return False  # one of another test is still there
                open_sessions.append(s)
            return True
        wait_for(fill, f"{SESSIONS} sessions")
        with Session(module_site) as s:
            code, body = s.reply()
            assert code == "failed" and "too many sessions" in body and s.ended()
        r = module_site.ctl("status", check=False)
        assert r.returncode == 1 and "too many sessions" in r.stderr
        open_sessions.pop().close()
        wait_for(lambda: module_site.ctl("status", check=False).returncode == 0, "room again")
    finally:
        for s in open_sessions:
            s.close()


def test_others_may_only_read(site):
    if os.geteuid() != 0:
        pytest.skip("needs to be root to be somebody else")
    p = site()
    os.chmod(p.ctl_socket, 0o666)
    program = shutil.copy(find_program("tiercelctl"), p.dir)

    def ctl(*words):
        return subprocess.run([program, "-s", p.ctl_socket, *words], capture_output=True, text=True, user=65534,
                              group=65534, extra_groups=[])
    assert ctl("status").returncode == 0
    assert ctl("stats", "--json").returncode == 0
    for word in "reload", "drain", "reopen":
        r = ctl(word)
        assert r.returncode == 1 and "only root" in r.stderr
    assert json.loads(p.ctl("status", "--json").stdout)["draining"] is False
    os.chmod(p.ctl_socket, 0o660)
    r = ctl("status")
    assert r.returncode == 1 and "Permission denied" in r.stderr


def test_socket_mode(site):
    assert os.stat(site().ctl_socket).st_mode & 0o777 == 0o660


def test_death_of_the_admin_process(site):
    """Traffic does not notice; a new one answers soon"""
    p = site()
    p.deaths_expected = True
    admin = json.loads(p.ctl("status", "--json").stdout)["admin"]
    os.kill(admin, signal.SIGKILL)
    for i in range(10):
        assert p.get("/").status == 200
    wait_for(lambda: p.ctl("status", check=False).returncode == 0, "a new admin process")
    assert json.loads(p.ctl("status", "--json").stdout)["admin"] != admin
    assert metrics(p).sum("tiercel_requests_total") >= 10


# ---- HTTP

def metrics(p):
    r = http(p, "/metrics")
    assert r.status == 200 and r["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Metrics(r.body.decode())


def test_metrics(site):
    p = site(lambda c, r: response(404 if r.path == "/no" else 200, "x" * 10))
    for path in ["/"] * 9 + ["/no"]:
        p.get(path)
    m = metrics(p)
    assert m.sum("tiercel_requests_total") == 10
    assert m.sum("tiercel_route_responses_total") == 10
    assert m.sum("tiercel_route_responses_total", **{"class": "4xx"}) == 1
    assert m.sum("tiercel_upstream_requests_total", upstream="origin") == 10
    assert m.sum("tiercel_server_requests_total", server=p.origin.address) == 10
    assert m.sum("tiercel_route_duration_seconds_count") == 10
    assert 0 < m.sum("tiercel_route_duration_seconds_sum") < 60
    assert m.families["tiercel_route_duration_seconds"].type == "histogram"


def test_metrics_of_odd_names(place):
    """Names with quotes do not exist, but hosts and paths make route names: all stay valid text"""
    origin = place.origin()
    p = place.proxy(conf_of(origin, routes=[
        {"match": {"host": "*.shop.example", "path": "~ ^/a\\.b\"{2}$"}, "upstream": "origin"},
        {"match": {"path": "= /x%20y"}, "upstream": "origin"}, {"upstream": "origin"}]))
    routes = {l["route"] for _, l, _ in metrics(p).samples["tiercel_route_requests_total"]}
    assert len(routes) >= 3


BAD_METRICS = ["a 1", "# TYPE a gauge\na 1", "# HELP a h\n# TYPE a gauge\na 1",
               "# HELP a h\n# TYPE a counter\na 1\n", "# HELP a h\n# TYPE a gauge\na{x=1} 1\n",
               "# HELP a h\n# TYPE a gauge\na 1\na 1\n", "# HELP a h\n# TYPE a gauge\na x\n",
               '# HELP a h\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
               "# HELP a h\n# TYPE a gauge\n\na 1\n", '# HELP a h\n# TYPE a gauge\na{x="\\q"} 1\n']


@pytest.mark.parametrize("text", BAD_METRICS)
def test_the_reader_is_strict(text):
    with pytest.raises(Bad):
        Metrics(text)


def test_health(site):
    """Few requests say nothing; a share of errors above the limit does, and it passes"""
    answers = {"status": 500}
    p = site(lambda c, r: response(answers["status"], "x"),
             admin={"health": {"window": "5s", "max_error_rate": "20%", "max_average": "10s"}})
    for i in range(5):
        p.get("/")
    time.sleep(1.2)
    h = json.loads(http(p, "/health").body)
    assert h["healthy"] and h["status"] == "ok" and h["reason"] is None and h["window"] == 5.0
    for i in range(40):
        p.get("/")
    r = wait_for(lambda: (lambda r: r if r.status == 503 else None)(http(p, "/health")), "503")
    h = json.loads(r.body)
    assert r["Content-Type"] == "application/json"
    assert not h["healthy"] and h["status"] == "unhealthy" and "max_error_rate" in h["reason"]
    assert h["error_rate"] > 0.9 and h["max_error_rate"] == 0.2 and h["requests"] >= 10 and h["workers"] == 1
    answers["status"] = 200
    wait_for(lambda: http(p, "/health").status == 200, "200")


def test_health_by_average(site):
    p = site(lambda c, r: time.sleep(0.05) or response(200, "x"),
             admin={"health": {"window": "30s", "max_average": "10ms"}})
    for i in range(12):
        p.get("/")
    r = wait_for(lambda: (lambda r: r if r.status == 503 else None)(http(p, "/health")), "503")
    assert "max_average" in json.loads(r.body)["reason"] and json.loads(r.body)["average"] > 0.04


@pytest.mark.parametrize("path", ["/metrics", "/health", "/api/stats", "/api/live", "/api/history", "/api/status",
                                  "/api/requests", "/api/upstreams", "/api/config", "/", "/app.js", "/style.css"])
def test_get_and_head(module_site, path):
    got = http(module_site, path)
    head = http(module_site, path, method="HEAD")
    assert got.status == head.status == 200 and got.body
    assert got["Content-Type"] == head["Content-Type"]
    assert int(head["Content-Length"]) > 0 and got["X-Content-Type-Options"] == "nosniff"
    if got["Content-Type"] == "application/json":
        json.loads(got.body)
    for method in "POST", "PUT", "DELETE", "OPTIONS", "PATCH":
        r = http(module_site, path, "Content-Length: 0", method=method)
        assert r.status == 405 and r["Allow"] == "GET, HEAD"
        assert r["Content-Type"] == "application/problem+json" and json.loads(r.body)["status"] == 405


@pytest.mark.parametrize("path", ["/nope", "/api", "/api/", "/metrics/", "/index.html/", "//", "/../etc/passwd",
                                  "/%2e%2e/app.js", "/assets.c", "/api/stats/x"])
def test_not_found(module_site, path):
    r = http(module_site, path)
    assert r.status == 404 and r["Content-Type"] == "application/problem+json"
    assert json.loads(r.body)["status"] == 404


@pytest.mark.parametrize("host,status", [
    ("localhost", 200), ("127.0.0.1:9180", 200), ("[::1]", 200), ("x.localhost", 200), ("evil.example", 421),
    ("127.0.0.1.evil.example", 421), ("localhost.evil.example:80", 421)])
def test_host_is_checked_on_loopback(module_site, host, status):
    assert http(module_site, "/metrics", host=host).status == status


def test_large_and_broken_requests(module_site):
    for data in (b"GET / HTTP/1.1\r\nX: " + b"x" * 40000 + b"\r\n\r\n", b"GET /" + b"x" * 40000 + b" HTTP/1.1\r\n\r\n",
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50, b"GET\r\n\r\n", b"\r\n" * 10000,
                 b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 5000):
        with Client(module_site.port("admin")) as c:
            c.try_send(data)
            try:
                c.half_close()
                while c.sock.recv(65536):
                    pass
            except OSError:
                pass
    assert http(module_site, "/health").status == 200


def test_pipelined(module_site):
    with Client(module_site.port("admin")) as c:
        for path in "/health", "/metrics", "/api/requests", "/health":
            c.request("GET", path, host="localhost")
        for i in range(4):
            assert c.read_response().status == 200


def test_leaving_while_waiting(module_site):
    """/api/requests waits for the workers: clients that leave meanwhile do no harm"""
    for i in range(50):
        with Client(module_site.port("admin")) as c:
            c.request("GET", "/api/requests", host="localhost")
            if i % 2:
                c.reset()
    assert api(module_site, "/api/requests")["requests"] == []


def test_many_connections(module_site):
    """Beyond the limit they wait; the admin process and everybody else go on"""
    crowd = []
    try:
        for i in range(300):
            s = socket.create_connection(("127.0.0.1", module_site.port("admin")), timeout=DEADLINE)
            crowd.append(s)
        assert module_site.ctl("status").returncode == 0
        assert module_site.get("/").status == 200
    finally:
        for s in crowd:
            s.close()
    wait_for(lambda: http(module_site, "/health").status == 200, "an answer again")


def test_config_hides_secrets(place):
    origin = place.origin()
    p = place.proxy(conf_of(origin, route={"headers": {"request": {"set": {
        "Authorization": "Bearer hunter2", "X-Api-Key": "hunter3", "X-Plain": "visible"}}}}))
    text = http(p, "/api/config").body.decode()
    assert "visible" in text and origin.address in text
    assert "hunter2" not in text and "hunter3" not in text


def test_dashboard_needs_nothing_else(module_site):
    r = http(module_site, "/")
    policy = r["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    for path in ["/"] + re.findall(r'(?:src|href)="([^"]+)"', r.body.decode()):
        assert not re.match(r"\w+:|//", path), path
        r = http(module_site, path if path.startswith("/") else "/" + path)
        assert r.status == 200
        if not r["Content-Type"].startswith(("image/", "text/plain", "application/")):
            assert not re.search(rb"https?://", r.body)
    # what the policy forbids is not there
    page = http(module_site, "/").body.decode()
    assert not re.search(r"<script>|<style|\son\w+=|style=", page)


@pytest.mark.browser
def test_dashboard_in_a_browser(site, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("no Chromium is installed")
    p = site()
    for i in range(20):
        p.get("/")
    wait_for(lambda: api(p, "/api/live")["window"]["10s"]["requests"] == 20, "the window")
    r = subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                        f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=5000", "--enable-logging=stderr",
                        "--dump-dom", f"http://127.0.0.1:{p.port('admin')}/"], capture_output=True, text=True,
                       timeout=4 * DEADLINE, env=dict(os.environ, HOME=str(tmp_path)))
    dom = r.stdout
    assert re.search(r'id="state"[^>]*>healthy<', dom), dom[-3000:] + r.stderr[-2000:]
    assert p.origin.address in dom and re.search(r'id="rate">[\d.]+<', dom)
    assert f">{p.workers()[0]}<" in dom
    assert not re.search(r"CONSOLE.*(Error|Refused|violates)", r.stderr), r.stderr[-2000:]
