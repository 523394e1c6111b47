# SPDX-License-Identifier: BSD-2-Clause
"""Which route takes a request, and what routes do: rewrite, access lists, static answers, fallback."""

import pytest

from lib import response, simple


@pytest.fixture(scope="module")
def site(module_place):
    """Every upstream answers with its own name and the target it got."""
    def named(name):
        return module_place.origin(lambda c, r: response(200, f"{name} {r.target}"))
    names = ["main", "api", "apiv2", "exact", "regex", "shop", "shopapi", "wild", "deepwild", "post", "strip",
             "prefix", "both", "second"]
    origins = {n: named(n) for n in names}
    routes = [
        {"match": {"path": "/api/"}, "upstream": "api"},
        {"match": {"path": "/api/v2/"}, "upstream": "apiv2"},
        {"match": {"path": "= /exact"}, "upstream": "exact"},
        {"match": {"path": "~ \\.(jpg|png)$"}, "upstream": "regex"},
        {"match": {"host": "shop.example"}, "upstream": "shop"},
        {"match": {"host": ["shop.example", "store.example"], "path": "/api/"}, "upstream": "shopapi"},
        {"match": {"host": "*.example"}, "upstream": "wild"},
        {"match": {"host": "*.deep.example"}, "upstream": "deepwild"},
        {"match": {"path": "/form", "method": ["POST", "PUT"]}, "upstream": "post"},
        {"match": {"path": "/form"}, "upstream": "second"},
        {"match": {"path": "/old/"}, "upstream": "strip", "rewrite": {"strip_prefix": "/old"}},
        {"match": {"path": "/plain"}, "upstream": "prefix", "rewrite": {"add_prefix": "/app"}},
        {"match": {"path": "/v1/"}, "upstream": "both", "rewrite": {"strip_prefix": "/v1", "add_prefix": "/legacy"}},
        {"match": {"path": "/closed"}, "upstream": "main", "access": {"deny": ["127.0.0.0/8"]}},
        {"match": {"path": "/inside"}, "upstream": "main", "access": {"allow": ["10.0.0.0/8", "192.168.0.0/16"]}},
        {"match": {"path": "/open"}, "upstream": "main", "access": {"allow": ["127.0.0.1/32"]}},
        {"match": {"path": "/robots.txt"}, "answer": {"status": 200, "body": "User-agent: *\n"}},
        {"match": {"path": "/gone"}, "answer": {"status": 410}},
        {"match": {"path": "/moved"}, "answer": {"status": 301, "location": "https://new.example/"}},
        {"match": {"path": "/page"}, "answer": {"status": 503, "body": "<p>sorry</p>", "content_type": "text/html"}},
        {"match": {"path": "/"}, "upstream": "main"},
    ]
    return module_place.proxy({
        "listeners": [{"name": "web", "address": "127.0.0.1:@port:web"}],
        "upstreams": {n: {"servers": [o.address]} for n, o in origins.items()},
        "routes": routes,
    })


CASES = [
    # host, method, target, upstream, target upstream
    ("test", "GET", "/", "main", "/"),
    ("test", "GET", "/api/x", "api", "/api/x"),
    ("test", "GET", "/api/", "api", "/api/"),
    ("test", "GET", "/apix", "main", "/apix"),
    ("test", "GET", "/api/v2/x?y=z", "apiv2", "/api/v2/x?y=z"),
    ("test", "GET", "/exact", "exact", "/exact"),
    ("test", "GET", "/exact?q", "exact", "/exact?q"),
    ("test", "GET", "/exact/", "main", "/exact/"),
    ("test", "GET", "/exactly", "main", "/exactly"),
    ("shop.example", "GET", "/", "shop", "/"),
    ("SHOP.example:8080", "GET", "/", "shop", "/"),
    ("shop.example", "GET", "/api/x", "shopapi", "/api/x"),
    ("store.example", "GET", "/api/x", "shopapi", "/api/x"),
    ("store.example", "GET", "/other", "wild", "/other"),
    ("a.example", "GET", "/", "wild", "/"),
    ("shop.example.", "GET", "/", "shop", "/"),  # RFC 3986 3.2.2: a rooted name is the same host
    ("a.b.example", "GET", "/", "wild", "/"),
    ("a.deep.example", "GET", "/", "deepwild", "/"),
    ("example", "GET", "/", "main", "/"),
    ("notexample", "GET", "/", "main", "/"),
    ("test", "POST", "/form", "post", "/form"),
    ("test", "PUT", "/form", "post", "/form"),
    ("test", "GET", "/form", "second", "/form"),
    ("test", "GET", "/old/x?y", "strip", "/x?y"),
    ("test", "GET", "/old/", "strip", "/"),
    ("test", "GET", "/plain/x", "prefix", "/app/plain/x"),
    ("test", "GET", "/v1/x", "both", "/legacy/x"),
    # routed by the normal form: a disguise does not lead past a route (RFC 3986 6.2.2)
    ("test", "GET", "/%61pi/x", "api", "/%61pi/x"),
    ("test", "GET", "/x/../exact", "exact", None),
    ("test", "GET", "/./exact", "exact", None),
]


@pytest.mark.parametrize("host,method,target,upstream,sent", CASES)
def test_routes(site, host, method, target, upstream, sent):
    r = site.get(target, method=method, host=host)
    assert r.status == 200
    name, got = r.body.decode().split(" ")
    assert name == upstream
    assert sent is None or got == sent


def test_regex(site):
    """A pattern stands behind exact paths and beginnings of the same host, "/" among them or not"""
    r = site.get("/a.jpg")
    assert r.body.split()[0] in (b"regex", b"main")


def test_regex_alone(place):
    a, b = place.origin(response(200, "a")), place.origin(response(200, "b"))
    site = place.proxy({"listeners": [{"name": "web", "address": "127.0.0.1:@port:web"}],
                        "upstreams": {"a": {"servers": [a.address]}, "b": {"servers": [b.address]}},
                        "routes": [{"match": {"path": "~ ^/img/[0-9]+$"}, "upstream": "a"},
                                   {"match": {"path": "/only/"}, "upstream": "b"}]})
    assert site.get("/img/12").body == b"a"
    assert site.get("/only/x").body == b"b"
    assert site.get("/img/x").status == 404


def test_no_route(place):
    site = place.site(routes=[{"match": {"path": "/only/"}, "upstream": "origin"}])
    r = site.get("/other")
    assert r.status == 404 and r["Content-Type"] == "application/problem+json"
    assert site.get("/only/x").status == 200
    with site.client() as c:
        assert c.ask("POST", "/other", body="x" * 1000).status == 404
        assert c.ask(target="/only/x").status == 200
    assert site.origin.paths() == ["/only/x"] * 2


def test_access(site):
    """RFC 9110 15.5.4"""
    assert site.get("/closed").status == 403
    assert site.get("/inside").status == 403
    assert site.get("/open").status == 200


def test_access_is_not_dodged_by_spelling(site):
    for target in "/%63losed", "/x/../closed", "/./closed", "/closed/%2e", "/closed?x", "http://test/closed":
        assert site.get(target).status == 403, target


def test_access_by_the_real_client(place):
    """Behind a trusted proxy the lists look at the client, not at the proxy"""
    site = place.site(listener={"trusted_proxies": ["127.0.0.1/32"]},
                      route={"access": {"deny": ["6.6.6.0/24"]}})
    assert site.get("/", "X-Forwarded-For: 6.6.6.6").status == 403
    assert site.get("/", "X-Forwarded-For: 7.7.7.7").status == 200
    assert site.get("/", "X-Forwarded-For: 6.6.6.6, 7.7.7.7").status == 200


def test_static_answers(site):
    r = site.get("/robots.txt")
    assert (r.status, r.body) == (200, b"User-agent: *\n") and r["Content-Type"].startswith("text/plain")
    assert r["Content-Length"] == str(len(r.body)) and "Date" in r.fields
    assert site.get("/gone").status == 410
    r = site.get("/moved")
    assert r.status == 301 and r["Location"] == "https://new.example/"
    r = site.get("/page")
    assert r.status == 503 and r["Content-Type"] == "text/html" and r.body == b"<p>sorry</p>"


def test_static_answers_keep_the_connection(site):
    with site.client() as c:
        assert c.ask("HEAD", "/robots.txt").body == b""
        assert c.ask("POST", "/robots.txt", body="x" * 5000).status == 200
        assert c.ask("GET", "/gone").status == 410
        assert c.ask("GET", "/").status == 200
        c.send(b"".join(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n" for _ in range(50)))
        for _ in range(50):
            assert c.read_response().status == 200


def test_static_answers_to_chunked_and_expecting_requests(site):
    """RFC 9110 10.1.1: a final answer needs no 100 before it; the next request is read where it begins"""
    with site.client() as c:
        c.send("POST /robots.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        r = c.read_response()
        assert r.status == 200
        if r.keep_alive():
            assert c.ask(target="/gone").status == 410
        else:
            c.expect_end()
    with site.client() as c:
        c.send("POST /robots.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        r = c.read_response()
        assert r.status == 200
        if r.keep_alive() and not r.interim:
            c.send("abc")
            assert c.ask(target="/gone").status == 410


def test_large_static_answer(place):
    """A megabyte from memory to slow readers and in pipelines: whole every time"""
    origin = place.origin()
    site = place.proxy(simple(origin), start=False)
    data = bytes(range(256)) * 4000
    site.put_file("large.bin", data)
    site.write(simple(origin, routes=[{"answer": {"body_file": "@dir/large.bin"}}]))
    site.start()
    with site.client(rcvbuf=8192) as c:
        c.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        for _ in range(5):
            assert c.read_response().body == data
        assert c.ask("HEAD")["Content-Length"] == str(len(data))


def test_answer_from_a_file(place):
    origin = place.origin()
    site = place.proxy(simple(origin), start=False)
    site.put_file("page.html", "<h1>hi</h1>")
    site.write(simple(origin, routes=[{"answer": {"status": 200, "body_file": "@dir/page.html"}}]))
    site.start()
    r = site.get("/")
    assert r.body == b"<h1>hi</h1>" and r["Content-Type"].startswith("text/html")


def test_fallback_upstream(place):
    dead, backup = place.origin(), place.origin(response(200, "backup"))
    dead.stop_listening()
    conf = simple(dead, route={"fallback": {"upstream": "backup"}})
    conf["upstreams"]["backup"] = {"servers": [backup.address]}
    site = place.proxy(conf)
    assert site.get("/").body == b"backup"
    with site.client() as c:
        assert c.ask("POST", "/", body="abc").body == b"backup"
    assert backup.requests[1].body == b"abc"
    dead.listen_again()
    assert site.get("/").body == b"hello"


def test_fallback_answer(place):
    dead = place.origin()
    dead.stop_listening()
    site = place.proxy(simple(dead, route={"fallback": {"status": 503, "body": "<p>later</p>",
                                                        "content_type": "text/html"}}))
    r = site.get("/")
    assert r.status == 503 and r.body == b"<p>later</p>" and r["Content-Type"] == "text/html"
    with site.client() as c:
        assert c.ask("HEAD").status == 503
        assert c.ask().status == 503
