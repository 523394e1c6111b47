# SPDX-License-Identifier: BSD-2-Clause
"""What is written down: access log, slow_request, rotation; metrics, health and statistics."""

import json
import os
import re
import signal
import time

import pytest

from lib import response, simple, wait_for


def logged(place, fmt, answer=None, **kw):
    origin = place.origin(answer)
    site = place.proxy(simple(origin, log={"access": {"output": "@dir/access.log", "format": fmt}}, **kw))
    site.origin = origin
    site.access = os.path.join(site.dir, "access.log")
    return site


def lines(site, n):
    def enough():
        if not os.path.exists(site.access):
            return None
        with open(site.access) as f:
            found = [x for x in f.read().split("\n") if x]
        return found if len(found) >= n else None
    return wait_for(enough, f"{n} access log lines")


def test_json(place):
    site = logged(place, "json")
    r = site.get("/path?q=1", "User-Agent: test/1", "Referer: http://from/", 'X-Request-Id: id-1', host="Shop")
    assert r.status == 200
    rec = json.loads(lines(site, 1)[0])
    assert rec["method"] == "GET" and rec["target"] == "/path?q=1" and rec["status"] == 200
    assert rec["client"] == "127.0.0.1" and rec["upstream"] == "origin" and rec["server"] == site.origin.address
    assert rec["bytes_out"] == 5 and rec["bytes_in"] == 0 and rec["user_agent"] == "test/1"
    assert rec["listener"] == "web" and rec["host"] == "Shop" and rec["protocol"] == "HTTP/1.1"
    assert 0 <= rec["duration"] < 60 and rec["upstream_status"] == 200 and rec["reused"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", rec["time"])


def test_json_escapes(place):
    """What a client sends cannot break a line or fake one"""
    site = logged(place, "json")
    site.get('/"x"?\\', 'User-Agent: a"b\\c\xe4\td', "Referer: </script>")
    rec = json.loads(lines(site, 1)[0])
    assert rec["target"] == '/"x"?\\' and "\t" in rec["user_agent"]


def test_combined(place):
    site = logged(place, "combined")
    site.get("/x", 'User-Agent: ag"ent', "Referer: http://from/")
    line = lines(site, 1)[0]
    assert re.fullmatch(r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /x HTTP/1\.1" 200 5 '
                        r'"http://from/" "ag\S+ent"', line), line


def test_field_list(place):
    site = logged(place, ["status", "method", "path", "bytes_out", "route"])
    site.get("/x?y")
    site.get("/z", method="DELETE")
    got = [x.split() for x in lines(site, 2)]
    assert got[0][:4] == ["200", "GET", "/x", "5"] and got[1][:3] == ["200", "DELETE", "/z"]


def test_errors_are_logged_too(place):
    origin = place.origin()
    origin.stop_listening()
    site = place.proxy(simple(origin, log={"access": {"output": "@dir/access.log", "format": "json"}}))
    site.access = os.path.join(site.dir, "access.log")
    site.get("/dead")
    with site.client() as c:
        c.send("garbage\r\n\r\n")
        c.read_response()
    recs = [json.loads(x) for x in lines(site, 2)]
    assert recs[0]["status"] == 502 and recs[0]["proxy_error"] == "connection_refused"
    assert recs[1]["status"] == 400


def test_client_that_left(place):
    site = logged(place, "json", lambda c, r: c.wait_closed() and None)
    with site.client() as c:
        c.request()
        site.origin.wait_requests(1)
    rec = json.loads(lines(site, 1)[0])
    assert rec["status"] == 499 and rec.get("reason")


def test_truncated_answer_has_a_reason(place):
    def script(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        c.close()
    site = logged(place, "json", script)
    with site.client() as c:
        c.request()
        c.read_all()
    rec = json.loads(lines(site, 1)[0])
    assert rec.get("reason"), rec


def test_body_counts(place):
    site = logged(place, "json", lambda c, r: response(200, r.body))
    with site.client() as c:
        c.ask("POST", "/", body="x" * 100000)
    rec = json.loads(lines(site, 1)[0])
    assert rec["bytes_in"] == 100000 and rec["bytes_out"] == 100000


def test_rotation(place):
    """USR1 and `tiercelctl reopen`: nothing is lost in between"""
    site = logged(place, "json", workers=2)
    for i, how in enumerate([lambda: site.signal(signal.SIGUSR1), lambda: site.ctl("reopen")]):
        for k in range(20):
            site.get(f"/{i}-{k}")
        lines(site, 20)
        os.rename(site.access, f"{site.access}.{i}")
        how()
        wait_for(lambda: os.path.exists(site.access), "the new file")
    site.get("/last")
    total = []
    for name in site.access + ".0", site.access + ".1", site.access:
        with open(name) as f:
            total += [json.loads(x)["target"] for x in f if x.strip()]
    want = [f"/{i}-{k}" for i in range(2) for k in range(20)]
    assert sorted(t for t in total if t != "/last") == sorted(want)


def test_log_that_blocks(place):
    """A log nobody reads never holds up a request"""
    origin = place.origin()
    site = place.proxy(simple(origin), start=False)
    fifo = os.path.join(site.dir, "fifo")
    os.mkfifo(fifo)
    keep = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        site.write(simple(origin, log={"access": {"output": "@dir/fifo", "format": "json"}}))
        site.start()
        with site.client() as c:
            for _ in range(1500):
                assert c.ask("GET", "/" + "x" * 200).status == 200
    finally:
        site.stop()
        os.close(keep)


def test_slow_request(place):
    """One warning line with the time of each phase"""
    def script(c, r):
        time.sleep(0.4)
        return response(200, "late")
    site = place.site(script, log={"slow_request": "200ms"})
    site.get("/slow-one")
    m = site.wait_log(r".*slow.*/slow-one.*|.*/slow-one.*slow.*")
    assert "origin" in m[0] and re.search(r"\d", m[0])


def test_slow_request_off(place):
    def script(c, r):
        time.sleep(0.3)
        return response(200, "late")
    site = place.site(script, log={"slow_request": "0s"})
    site.get("/slow-one")
    assert "/slow-one" not in site.log()


# -- the admin listener

@pytest.fixture
def watched(place):
    origin = place.origin(lambda c, r: response(500 if r.path == "/bad" else 200, "x"))
    site = place.proxy(simple(origin, workers=2, admin={"listen": "127.0.0.1:@port:admin"}))
    site.origin = origin
    return site


def metric(text, name, **labels):
    total, found = 0.0, False
    for line in text.split("\n"):
        m = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if m and all(f'{k}="{v}"' in (m[1] or "") for k, v in labels.items()):
            total, found = total + float(m[2]), True
    assert found, f"no {name} {labels}"
    return total


def metrics(site):
    r = site.get("/metrics", name="admin")
    assert r.status == 200 and r["Content-Type"].startswith("text/plain")
    return r.body.decode()


def test_metrics(watched):
    for _ in range(20):
        watched.get("/")
    watched.get("/bad")
    wait_for(lambda: metric(metrics(watched), "tiercel_route_requests_total") == 21, "the counters")
    text = metrics(watched)
    assert metric(text, "tiercel_route_responses_total", **{"class": "2xx"}) == 20
    assert metric(text, "tiercel_route_responses_total", **{"class": "5xx"}) == 1
    assert metric(text, "tiercel_upstream_requests_total", upstream="origin") == 21
    assert metric(text, "tiercel_listener_requests_total", listener="web") == 21
    assert metric(text, "tiercel_route_duration_seconds_count") == 21
    for line in text.split("\n"):  # the exposition format
        assert not line or line.startswith("# ") or re.fullmatch(r"[a-zA-Z_:][\w:]*(\{[^}]*\})? \S+", line), line


def test_metrics_survive_a_dead_worker(watched):
    """Counters never go backwards"""
    watched.deaths_expected = True
    for _ in range(10):
        watched.get("/")
    wait_for(lambda: metric(metrics(watched), "tiercel_route_requests_total") == 10, "the counters")
    for pid in watched.workers():
        os.kill(pid, signal.SIGKILL)
    for _ in range(10):
        watched.get("/")
    wait_for(lambda: metric(metrics(watched), "tiercel_route_requests_total") == 20, "the counters")


def test_health(watched):
    watched.get("/")
    r = watched.get("/health", name="admin")
    assert r.status == 200
    assert json.loads(r.body)
    watched.ctl("drain")
    wait_for(lambda: watched.get("/health", name="admin").status == 503, "503 while draining")
    watched.ctl("drain", "off")
    wait_for(lambda: watched.get("/health", name="admin").status == 200, "200 again")


def test_health_sees_errors(watched):
    for _ in range(20):
        watched.get("/bad")
    wait_for(lambda: watched.get("/health", name="admin").status == 503, "503 for an error rate of 100%")


def test_api_stats_and_dashboard(watched):
    watched.get("/")
    r = watched.get("/api/stats", name="admin")
    assert r.status == 200 and json.loads(r.body)
    assert json.loads(watched.ctl("stats", "--json").stdout)
    page = watched.get("/", name="admin")
    assert page.status == 200 and b"<html" in page.body.lower()


def test_admin_port_in_use(place):
    other = place.origin()
    site = place.proxy(simple(other, admin={"listen": f"127.0.0.1:{other.port}"}), start=False)
    try:
        site.start()
        started = True
    except AssertionError:
        started = False
    assert not started
    assert str(other.port) in site.log()
    site.process = None
