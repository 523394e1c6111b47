# SPDX-License-Identifier: BSD-2-Clause
"""Listeners: PROXY protocol, unix sockets, several addresses; how the daemon starts and ends."""

import os
import pwd
import signal
import socket
import struct
import subprocess

import pytest

from lib import Client, Origin, Proxy, check_file, find_program, procfs, simple, wait_for
from lib.wire import request

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source, port, command=1, family=socket.AF_INET, tail=b"", destination=None):
    """A PROXY protocol header, version 2 (haproxy's proxy-protocol.txt 2.2)."""
    if family is None:
        body, fam = b"", 0
    else:
        body = socket.inet_pton(family, source) + socket.inet_pton(family, destination or source) + \
            struct.pack("!HH", port, 80)
        fam = 0x11 if family == socket.AF_INET else 0x21
    body += tail
    return SIGNATURE + bytes([0x20 | command, fam]) + struct.pack("!H", len(body)) + body


# -- PROXY protocol

@pytest.fixture(scope="module")
def behind(module_place):
    return module_place.site(listener={"proxy_protocol": True})


GOOD = [
    ("v1-tcp4", b"PROXY TCP4 1.2.3.4 5.6.7.8 4711 80\r\n", "1.2.3.4"),
    ("v1-tcp6", b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n", "2001:db8::1"),
    ("v1-unknown", b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    ("v1-unknown-with-more", b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "127.0.0.1"),
    ("v2-tcp4", v2("1.2.3.4", 4711), "1.2.3.4"),
    ("v2-tcp6", v2("2001:db8::1", 4711, family=socket.AF_INET6), "2001:db8::1"),
    ("v2-local", v2("1.2.3.4", 4711, command=0), "127.0.0.1"),
    ("v2-unspec", v2("", 0, family=None), "127.0.0.1"),
    ("v2-tlv", v2("1.2.3.4", 4711, tail=b"\x04\x00\x04abcd"), "1.2.3.4"),
]


@pytest.mark.parametrize("what,header,client", GOOD, ids=[g[0] for g in GOOD])
@pytest.mark.parametrize("piece", [0, 1], ids=["at-once", "byte-by-byte"])
def test_proxy_protocol(behind, what, header, client, piece):
    with behind.client() as c:
        if piece:
            c.send_slowly(header, 1, 0.001)
            c.request()
        else:
            c.send(header + request())
        assert c.read_response().status == 200
        assert c.ask().status == 200  # once per connection
    assert [r.fields.members("X-Forwarded-For") for r in behind.origin.requests[-2:]] == [[client]] * 2


BAD = [
    ("none", request()),
    ("v1-word", b"PROXY HELLO\r\n" + request()),
    ("v1-lf", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n" + request()),
    ("v1-port", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n" + request()),
    ("v1-address", b"PROXY TCP4 1.2.3.400 5.6.7.8 1 2\r\n" + request()),
    ("v1-family", b"PROXY TCP4 ::1 ::2 1 2\r\n" + request()),
    ("v1-long", b"PROXY TCP4 " + b"1" * 200 + b"\r\n" + request()),
    ("v2-version", SIGNATURE + b"\x11\x11\x00\x0c" + b"\1" * 12 + request()),
    ("v2-command", SIGNATURE + b"\x22\x11\x00\x0c" + b"\1" * 12 + request()),
    ("v2-short", SIGNATURE + b"\x21\x11\x00\x04" + b"\1" * 4 + request()),
    ("v2-huge", SIGNATURE + b"\x21\x11\xff\xff" + b"\1" * 70000),
]


@pytest.mark.parametrize("what,data", BAD, ids=[b[0] for b in BAD])
def test_proxy_protocol_missing_or_bad(behind, what, data):
    """Whoever leaves it out is not served: otherwise it could be left out to hide"""
    seen = len(behind.origin.requests)
    with behind.client() as c:
        c.try_send(data)
        rest = c.read_all()
        assert not rest or rest.startswith(b"HTTP/1.1 400")
    assert len(behind.origin.requests) == seen


def test_proxy_protocol_slow(place):
    """The header deadline covers it too"""
    site = place.site(listener={"proxy_protocol": True, "timeouts": {"header": "300ms"}})
    with site.client() as c:
        c.send(b"PROXY TCP4 1.2")
        c.read_all()


def test_proxy_protocol_and_access_lists(place):
    site = place.site(listener={"proxy_protocol": True}, route={"access": {"allow": ["1.2.3.0/24"]}})
    for address, status in ("1.2.3.4", 200), ("1.2.4.4", 403):
        with site.client() as c:
            c.send(f"PROXY TCP4 {address} 5.6.7.8 4711 80\r\n".encode() + request())
            assert c.read_response().status == status


def test_not_a_proxy_header_without_the_switch(place):
    """Off: the header is a bad request like any other"""
    site = place.site()
    with site.client() as c:
        c.send(b"PROXY TCP4 1.2.3.4 5.6.7.8 4711 80\r\n" + request())
        assert c.read_response().status in (400, 505)
        c.expect_end()
    assert not site.origin.requests


# -- unix sockets and several listeners

def test_unix_listener(place):
    origin = place.origin()
    site = place.proxy({"listeners": [{"name": "sock", "address": "unix:@dir/web.sock"},
                                      {"name": "web", "address": "127.0.0.1:@port:web"}],
                        "workers": 2, "upstreams": {"o": {"servers": [origin.address]}},
                        "routes": [{"upstream": "o"}]})
    path = os.path.join(site.dir, "web.sock")
    for _ in range(5):
        with Client(path) as c:
            for _ in range(3):
                assert c.ask().body == b"hello"
    assert site.get().body == b"hello"
    site.stop()
    assert not os.path.exists(path)


def test_unix_listener_takes_over_a_stale_socket(place):
    """What a killed daemon left behind does not stop the next one"""
    origin = place.origin()
    site = place.proxy({"listeners": [{"name": "sock", "address": "unix:@dir/web.sock"}],
                        "upstreams": {"o": {"servers": [origin.address]}}, "routes": [{"upstream": "o"}]},
                       start=False)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(os.path.join(site.dir, "web.sock"))
    stale.close()
    site.start()
    with Client(os.path.join(site.dir, "web.sock")) as c:
        assert c.ask().body == b"hello"


def test_unix_upstream(place, tmp_path):
    origin = place.origin(address=str(tmp_path / "o.sock"))
    os.chmod(tmp_path, 0o755)
    site = place.proxy(simple(origin))
    with site.client() as c:
        for _ in range(3):
            assert c.ask().body == b"hello"
    assert len(origin.connections) == 1
    origin.stop_listening()
    os.unlink(origin.path)
    for c in origin.connections:
        c.close()
    wait_for(lambda: site.get().status in (502, 503), "an error when the socket is gone")


def test_ipv6_listener_and_several(place):
    origin = place.origin()
    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    site = place.proxy({"listeners": [{"name": "six", "address": "[::1]:@port:six"},
                                      {"name": "web", "address": "127.0.0.1:@port:web"}],
                        "upstreams": {"o": {"servers": [origin.address]}}, "routes": [{"upstream": "o"}]})
    with Client(("::1", site.port("six"))) as c:
        assert c.ask().status == 200
    assert origin.requests[0].fields.get("X-Forwarded-For") == "::1"
    assert "[::1]" in origin.requests[0]["Forwarded"]
    assert site.get().status == 200


# -- start and end

def test_check_only(place):
    """tiercel -t: 0 and "ok", or 2 and every error with its place"""
    good = "version: 1\nlisteners:\n  - address: \"127.0.0.1:1\"\nupstreams:\n  o: { servers: [\"127.0.0.1:2\"] }\n" \
           "routes:\n  - upstream: o\n"
    r = check_file(good, "-t")
    assert r.returncode == 0 and ": ok" in r.stdout + r.stderr
    bad = good.replace("servers", "srevers").replace("upstream: o\n", "upstream: nobody\n")
    r = check_file(bad, "-t")
    out = r.stdout + r.stderr
    assert r.returncode == 2
    assert "tiercel.yaml:5:" in out and "servers" in out and "nobody" in out


def test_port_in_use(place):
    """One clear message, non-zero exit, nothing half started"""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        port = s.getsockname()[1]
        with Origin() as o:
            p = Proxy(simple(o, listener={"address": f"127.0.0.1:{port}"}), start=False)
            r = subprocess.run([find_program(), "-c", p.file], capture_output=True, text=True, timeout=60,
                               env=p.environment())
            assert r.returncode != 0 and str(port) in r.stderr
            assert not os.path.exists(p.ctl_socket)
            p.close()


def test_missing_file():
    r = subprocess.run([find_program(), "-c", "/nowhere/tiercel.yaml"], capture_output=True, text=True, timeout=60)
    assert r.returncode != 0 and "/nowhere/tiercel.yaml" in r.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signals_end_it(place, number):
    """TERM drains and ends with 0; INT and QUIT end it at once"""
    site = place.site()
    assert site.get().status == 200
    kids = site.children()
    site.signal(number)
    site.process.wait(60)
    assert site.process.returncode == 0 or number != signal.SIGTERM
    for pid in kids:
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "its processes to be gone")
    assert not os.path.exists(site.ctl_socket)
    site.process = None


def test_privileges_are_dropped(place):
    """Workers and the admin process run as `user`; the master keeps what it needs"""
    if os.geteuid() != 0:
        pytest.skip("only root can drop privileges")
    site = place.site(user="nobody")
    nobody = pwd.getpwnam("nobody").pw_uid
    assert site.get().status == 200
    assert [procfs.uid(p) for p in site.children()] == [nobody] * len(site.children())
    assert "running" in site.ctl("status").stdout
    if not os.environ.get("ASAN_OPTIONS"):
        site.trouble_expected = "LeakSanitizer"  # it cannot trace a process that changed its user


def test_master_killed(place):
    """Workers do not outlive their master as orphans"""
    site = place.site()
    kids = site.children()
    site.process.kill()
    site.process.wait()
    for pid in kids:
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "the children to end")
    site.process = None
