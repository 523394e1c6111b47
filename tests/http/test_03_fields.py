# SPDX-License-Identifier: BSD-2-Clause
"""Header fields through the proxy: hop-by-hop ones, Via, Forwarded, the operator's own."""

import json
import re
from email.utils import parsedate_to_datetime

import pytest

from lib import response, simple


@pytest.fixture(scope="module")
def site(module_place):
    return module_place.site(routes=[
        {"match": {"path": "/ops"}, "upstream": "origin", "headers": {
            "request": {"set": {"X-Tenant": "a", "User-Agent": "mine"}, "add": {"X-Add": "one"},
                        "remove": ["X-Debug", "Cookie"]},
            "response": {"set": {"X-Powered": "tiercel"}, "add": {"Set-Cookie": "b=2"},
                         "remove": ["Server", "X-Secret"]}}},
        {"match": {"path": "/secure"}, "upstream": "origin", "security_headers": True},
        {"match": {"path": "/quiet"}, "upstream": "origin", "forwarded": False},
        {"match": {"path": "/host"}, "upstream": "origin", "rewrite": {"host": "inside.example:81"}},
        {"upstream": "origin"},
    ])


@pytest.fixture(scope="module")
def trusting(module_place):
    return module_place.site(listener={"trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8", "2001:db8::/32"]})


def sent(site, target="/", *fields, **kw):
    """What the origin gets for a request with these fields."""
    seen = len(site.origin.requests)
    assert site.get(target, *fields, **kw).status == 200
    return site.origin.requests[seen]


def answered(place, *fields, target="/", ask=(), **conf):
    site = place.site(lambda c, r: response(200, "x", *fields), **conf)
    return site.get(target, *ask)


# -- hop by hop: RFC 9110 7.6.1

@pytest.mark.parametrize("field", ["Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: gzip",
                                   "Proxy-Authorization: Basic eA=="])
def test_hop_fields_up(site, field):
    """RFC 9110 7.6.1, Appendix C of RFC 9112"""
    assert field.split(":")[0] not in sent(site, "/", field).fields


@pytest.mark.parametrize("field", ["Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
                                   "Proxy-Authenticate: Basic"])
def test_hop_fields_down(place, field):
    assert field.split(":")[0] not in answered(place, field).fields


def test_fields_named_by_connection_up(site):
    """RFC 9110 7.6.1: removed, with Connection itself, over several lines and any case"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.request("GET", "/", "Connection: X-One, x-two", "connection: X-THREE,,keep-alive", "X-One: 1", "X-Two: 2",
                  "X-Three: 3", "X-Four: 4")
        assert c.read_response().status == 200
    got = site.origin.requests[seen]
    assert not [n for n in ("X-One", "X-Two", "X-Three") if n in got.fields]
    assert got["X-Four"] == "4"
    assert set(m.lower() for m in got.fields.members("Connection")) <= {"keep-alive"}


def test_fields_named_by_connection_down(place):
    r = answered(place, "Connection: X-One", "X-One: 1", "X-Two: 2")
    assert "X-One" not in r.fields and r["X-Two"] == "2"
    assert "x-one" not in [m.lower() for m in r.fields.members("Connection")]


@pytest.mark.parametrize("field", ["Host: test", "Authorization: Basic eA==", "Cookie: a=b", "X-Forwarded-For: x",
                                   "Cache-Control: no-cache", "Content-Length: 0"])
def test_connection_cannot_take_away_what_matters(site, field):
    """RFC 9110 7.6.1: a sender must not name end-to-end fields; a client that does gets no effect"""
    name = field.split(":")[0]
    seen = len(site.origin.requests)
    with site.client() as c:
        extra = [field] if name != "Host" else []
        c.request("GET", "/", f"Connection: {name}", *extra)
        assert c.read_response().status in (200, 400)
    for got in site.origin.requests[seen:]:
        assert name in got.fields


def test_te_trailers(site):
    """RFC 9110 10.1.4: ours to say, since trailers are forwarded; with Connection: TE"""
    got = sent(site, "/", "TE: trailers, deflate;q=0.5")
    if "TE" in got.fields:
        assert got.fields.members("TE") == ["trailers"]
        assert "te" in [m.lower() for m in got.fields.members("Connection")]


def test_too_many_names_in_connection(site):
    r = site.get("/", "Connection: " + ", ".join(f"X-{i}" for i in range(500)))
    assert r.status in (200, 400)


def test_upgrade_that_is_not_one(site):
    """RFC 9110 7.8: Upgrade without Connection: upgrade is not forwarded"""
    assert "Upgrade" not in sent(site, "/", "Upgrade: websocket").fields


# -- Via, Date, Server

def test_via_up(site):
    """RFC 9110 7.6.3: the version it was received in"""
    assert sent(site)["Via"] == "1.1 tiercel"
    assert sent(site, version="1.0")["Via"] == "1.0 tiercel"
    got = sent(site, "/", "Via: 1.1 first", "Via: 1.0 second")
    assert got.fields.members("Via") == ["1.1 first", "1.0 second", "1.1 tiercel"]


def test_via_down(place):
    r = answered(place, "Via: 1.0 inner")
    assert r.fields.members("Via") == ["1.0 inner", "1.1 tiercel"]


def test_via_loop(place):
    """RFC 9110 7.6.3: a proxy in front of itself ends at some point"""
    site = place.proxy({"listeners": [{"name": "web", "address": "127.0.0.1:@port:web"}],
                        "upstreams": {"self": {"servers": ["127.0.0.1:@port:web"]}},
                        "routes": [{"upstream": "self"}]})
    r = site.get("/")
    assert r.status in (502, 508)


def test_date_is_added(place):
    """RFC 9110 6.6.1: a recipient with a clock adds it"""
    r = answered(place)
    when = parsedate_to_datetime(r["Date"])
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", r["Date"]) and when.year >= 2024


def test_date_is_kept(place):
    r = answered(place, "Date: Tue, 15 Nov 1994 08:12:31 GMT")
    assert r["Date"] == "Tue, 15 Nov 1994 08:12:31 GMT"


def test_server_is_kept(place):
    """RFC 9110 10.2.4: not ours to change"""
    assert answered(place, "Server: theirs/1.0")["Server"] == "theirs/1.0"


def test_order_and_repetition(site):
    """RFC 9110 5.3: lines of one name keep their order, and are not merged where that would hurt"""
    lines = ["X-A: 1", "X-B: 2", "X-A: 3", "Cookie: a=1", "X-A: 4, 5"]
    got = sent(site, "/", *lines)
    assert got.fields.all("X-A") == ["1", "3", "4, 5"]


def test_set_cookie_lines_stay_apart(place):
    """RFC 9110 5.3, RFC 6265 3"""
    r = answered(place, "Set-Cookie: a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT", "Set-Cookie: b=2")
    assert len(r.fields.all("Set-Cookie")) == 2


def test_8_bit_values_pass(place):
    """RFC 9110 5.5: obs-text is opaque"""
    r = answered(place, "X-Eight: \xe4\xf6\xfc")
    assert r["X-Eight"] == "\xe4\xf6\xfc"


def test_many_fields_down(place):
    r = answered(place, *[f"X-{i}: {'v' * 50}" for i in range(90)])
    assert len([n for n, _ in r.fields if n.startswith("X-")]) == 90


@pytest.mark.parametrize("size", [30000, 40000, 48000, 48700, 48990, 49100, 60000, 65400])
def test_heads_around_the_largest(place, size):
    """What we add may not fit any more: then an honest 431 or 502, never half a head"""
    site = place.site(lambda c, r: response(200, "x", f"X-Down: {'d' * (size if r.path == '/down' else 10)}"),
                      listener={"limits": {"header_size": "48KiB"}},
                      route={"headers": {"request": {"set": {"X-Set": "s" * 200}},
                                         "response": {"set": {"X-Set": "s" * 200}}}, "security_headers": True})
    with site.client() as c:
        r = c.ask("GET", "/up", f"X-Up: {'u' * size}")
        assert r.status in (200, 431)
        if r.status == 200:
            assert len(site.origin.requests[0]["X-Up"]) == size
            assert site.origin.requests[0]["X-Set"] == "s" * 200
    with site.client() as c:
        r = c.ask("GET", "/down")
        assert r.status in (200, 502)
        assert r.status == 502 or len(r["X-Down"]) == size
    assert site.get().status == 200


# -- Forwarded and X-Forwarded-*

def test_forwarded_from_anybody(site):
    """RFC 7239 4: the chain begins with the peer; what an untrusted client says is dropped"""
    got = sent(site, "/", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
               "Forwarded: for=6.6.6.6;proto=https", host="shop.example")
    assert got["X-Forwarded-For"] == "127.0.0.1"
    assert got["X-Forwarded-Proto"] == "http"
    assert got["X-Forwarded-Host"] == "shop.example"
    assert "6.6.6.6" not in got["Forwarded"] and "evil" not in str(got.fields)
    parts = dict(p.strip().split("=", 1) for p in got["Forwarded"].split(";"))
    assert parts["for"].strip('"') == "127.0.0.1" and parts["proto"] == "http"
    assert parts["host"].strip('"') == "shop.example"


def test_forwarded_from_a_trusted_proxy(trusting):
    """RFC 7239 4: continued, proto and host handed on"""
    got = sent(trusting, "/", "X-Forwarded-For: 1.2.3.4, 10.0.0.1", "X-Forwarded-Proto: https",
               "X-Forwarded-Host: outside.example")
    assert got.fields.members("X-Forwarded-For") == ["1.2.3.4", "10.0.0.1", "127.0.0.1"]
    assert got["X-Forwarded-Proto"] == "https"
    assert got["X-Forwarded-Host"] == "outside.example"


def test_forwarded_field_from_a_trusted_proxy(trusting):
    """RFC 7239 5.2: several elements, IPv6 in quotes and brackets"""
    got = sent(trusting, "/", 'Forwarded: for="[2001:db8::7]:4711";proto=https, for=10.0.0.1')
    elements = got["Forwarded"].split(",")
    assert "2001:db8::7" in elements[0] and "10.0.0.1" in elements[1]
    assert "127.0.0.1" in elements[2]


def test_forwarded_switched_off(site):
    got = sent(site, "/quiet")
    assert not [n for n in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
                if n in got.fields]


def test_host_is_preserved(site):
    """RFC 9112 3.2"""
    assert sent(site, host="Shop.Example:8080")["Host"] == "Shop.Example:8080"


def test_host_is_rewritten(site):
    got = sent(site, "/host", host="outside.example")
    assert got["Host"] == "inside.example:81"
    assert got["X-Forwarded-Host"] == "outside.example"


# -- the operator's operations

def test_request_operations(site):
    got = sent(site, "/ops", "X-Tenant: evil", "x-tenant: twice", "X-Debug: 1", "Cookie: a=b", "X-Add: zero",
               "User-Agent: curl")
    assert got["X-Tenant"] == "a" and got["User-Agent"] == "mine"
    assert "X-Debug" not in got.fields and "Cookie" not in got.fields
    assert got.fields.all("X-Add") == ["zero", "one"]


def test_response_operations(place):
    r = answered(place, "Server: theirs", "X-Secret: 1", "X-Powered: theirs", "Set-Cookie: a=1",
                 route={"headers": {"response": {"set": {"X-Powered": "tiercel"}, "add": {"Set-Cookie": "b=2"},
                                                 "remove": ["Server", "X-Secret"]}}})
    assert r["X-Powered"] == "tiercel" and r.fields.all("Set-Cookie") == ["a=1", "b=2"]
    assert "Server" not in r.fields and "X-Secret" not in r.fields


def test_security_headers(site):
    r = site.get("/secure")
    assert r["X-Content-Type-Options"] == "nosniff"
    assert r["X-Frame-Options"] == "SAMEORIGIN"
    assert "Referrer-Policy" in r.fields and "Cross-Origin-Opener-Policy" in r.fields
    assert "Strict-Transport-Security" not in r.fields  # RFC 6797 7.2: not over plain HTTP
    assert "X-Frame-Options" not in site.get("/").fields


def test_security_headers_leave_the_origins_alone(place):
    r = answered(place, "X-Frame-Options: DENY", route={"security_headers": True})
    assert r["X-Frame-Options"] == "DENY" and r["X-Content-Type-Options"] == "nosniff"


def test_security_headers_on_our_own_errors(place):
    origin = place.origin()
    origin.stop_listening()
    site = place.proxy(simple(origin, route={"security_headers": True}))
    r = site.get("/")
    assert r.status == 502 and r["X-Content-Type-Options"] == "nosniff"


# -- our own errors

def test_problem_json(place):
    """RFC 9457, RFC 9209"""
    origin = place.origin()
    origin.stop_listening()
    site = place.proxy(simple(origin))
    r = site.get("/")
    assert r.status == 502 and r["Content-Type"] == "application/problem+json"
    problem = json.loads(r.body)
    assert problem["status"] == 502 and problem["title"] == "Bad Gateway" and problem["type"] == "about:blank"
    assert re.match(r"tiercel; *error=connection_refused", r["Proxy-Status"])
    with site.client() as c:  # our own error does not cost the client its connection
        assert c.ask().status == 502
        assert c.ask().status == 502
        head = c.ask("HEAD")
        assert head.status == 502 and head.body == b""


def test_request_ids(site):
    """What came is passed on; an id is made where none came"""
    assert sent(site, "/", "X-Request-Id: abc-123")["X-Request-Id"] == "abc-123"
    assert sent(site, "/", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")["traceparent"]
    made = [sent(site).fields.get("X-Request-Id") for _ in range(2)]
    assert made[0] and made[1] and made[0] != made[1]
