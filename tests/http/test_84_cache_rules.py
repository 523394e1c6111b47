# SPDX-License-Identifier: BSD-2-Clause
"""Who may get what: storability, the route's own rules, the key, invalidation, and requests that try to
put something into the cache that is not meant for others."""

import threading

import pytest

from lib import CacheSite, Checked, chunked, date, fresh_path, is_hit, ok, response, status_of, wait_for

ROUTES = {
    "ttl.test": {"cache": {"ttl": "60s"}},
    "statuses.test": {"cache": {"ttl": "60s", "statuses": {404: "30s", 500: "10s", 302: "20s", 410: "0s"}}},
    "override.test": {"cache": {"ttl": "60s", "override": True}},
    "unsafe.test": {"cache": {"ttl": "60s", "override": True, "set_cookie": "store",
                              "unsafe": ["no-store", "private", "set-cookie", "authorization"]}},
    "cookie-store.test": {"cache": {"set_cookie": "store"}},
    "cookie-never.test": {"cache": {"set_cookie": "never"}},
    "short.test": {"cache": {"l1_ttl": "5s"}},
    "observe.test": {"cache": {"mode": "observe"}},
    "query-none.test": {"cache": {"key": {"query": "none"}}},
    "query-listed.test": {"cache": {"key": {"query": "listed", "keep_query": ["id", "p_*"]}}},
    "query-ignore.test": {"cache": {"key": {"ignore_query": ["utm_*", "fbclid"]}}},
    "query-sort.test": {"cache": {"key": {"sort_query": True}}},
    "key-headers.test": {"cache": {"key": {"headers": ["X-Tenant"]}}},
    "key-cookies.test": {"cache": {"key": {"cookies": ["lang"]}}},
    "*.shared.test": {"cache": {"key": {"host": False}}},
    "alike.test": {"cache": {"key": {"host": False}}},
    "content.test": {"cache": {"methods": ["GET", "HEAD", "QUERY", "POST"], "key_body": "1KiB"}},
    "untargeted.test": {"cache": {"targeted": []}},
    "targets.test": {"cache": {"targeted": ["Tiercel-Cache-Control", "CDN-Cache-Control"]}},
    "nogroups.test": {"cache": {"cache_groups": False}},
}


@pytest.fixture(scope="module")
def site(module_place):
    return CacheSite(module_place, ROUTES, workers=2)


def twice(site, answer, *fields, host="test", more=(), **kw):
    """Asks twice for a new path: (first answer, second answer, how often the origin was asked)."""
    path = site.put(answer)
    return site.get(path, *fields, host=host, **kw), site.get(path, *(more or fields), host=host,
                                                              **kw), site.asked(path)


def kept(site, answer, *fields, **kw):
    first, second, asked = twice(site, answer, *fields, **kw)
    assert first.body == second.body and is_hit(second) == (asked == 1)
    assert asked == 2 or status_of(first).get("stored")
    return asked == 1


# -- what HTTP says (RFC 9111 3, 4.2, 5.2.2)

ANSWERS = [
    (["Cache-Control: max-age=60"], True), (["Cache-Control: s-maxage=60"], True),
    ([f"Expires: {date(3600)}"], True), ([f"Expires: {date(-3600)}"], False), (["Expires: 0"], False), ([], False),
    (["Cache-Control: no-store"], False), (["Cache-Control: private, max-age=60"], False),
    (["Cache-Control: max-age=60, no-store"], False), (["Cache-Control: max-age=60", "Cache-Control: no-store"],
                                                       False),
    (["Cache-Control: max-age=0"], False), (["Cache-Control: max-age=60, s-maxage=0"], False),
    (["Cache-Control: max-age=0, s-maxage=60"], True), ([f"Expires: {date(-60)}", "Cache-Control: max-age=60"], True),
    (["Cache-Control: max-age=60", "Pragma: no-cache"], True), (["Cache-Control: public"], False),
    (["Cache-Control: max-age=60, must-understand, no-store"], True), (["Cache-Control: max-age=banana"], False),
    (['Cache-Control: max-age="60"'], True), (["Cache-Control: MAX-AGE=60"], True),
    (["Cache-Control: max-age=99999999999999999999"], True), (["Cache-Control: max-age=60", "Age: 61"], False),
    (["Cache-Control: max-age=60", f"Date: {date(-120)}"], False),
    (['Cache-Control: x="no-store, private", max-age=60'], True),
    (["Cache-Control: max-age=60, immutable"], True), (["Cache-Control: max-age=60, only-if-cached, min-fresh=99"],
                                                       True),
]


@pytest.mark.parametrize("fields,stored", ANSWERS, ids=[" + ".join(a[0]) or "nothing" for a in ANSWERS])
def test_storability(site, fields, stored):
    assert kept(site, response(200, b"x", *fields)) == stored


def test_reason_is_told(site):
    for cc, why in [("no-store", "no-store"), ("private", "private"), (None, "no-lifetime")]:
        r = site.get(site.put(ok(b"x", cc=cc)))
        assert status_of(r) == {"fwd": "uri-miss", "detail": why}
        assert r["Content-Length"] == "1" and r["Via"] == "1.1 tiercel"


def test_private_fields(site):
    """RFC 9111 5.2.2.7: what private="..." names is for the first client alone"""
    path = site.put(ok(b"x", "X-User: alice", "X-Other: all", cc='max-age=60, private="x-user"'))
    first, second = site.get(path), site.get(path)
    assert first["X-User"] == "alice"
    assert "X-User" not in second.fields and second["X-Other"] == "all" and is_hit(second)


def test_no_cache_fields(site):
    """RFC 9111 5.2.2.4: not sent from the cache without validation"""
    path = site.put(ok(b"x", "X-Nonce: 1", cc='max-age=60, no-cache="X-Nonce"'))
    first, second = site.get(path), site.get(path)
    assert first["X-Nonce"] == "1" and "X-Nonce" not in second.fields


def test_private_set_cookie(site):
    path = site.put(ok(b"x", "Set-Cookie: id=1", cc='max-age=60, private="set-cookie"'))
    first, second = site.get(path), site.get(path)
    assert first["Set-Cookie"] == "id=1" and "Set-Cookie" not in second.fields and is_hit(second)


AUTHORIZED = [("max-age=60", False), ("max-age=60, public", True), ("s-maxage=60", True),
              ("max-age=60, must-revalidate", True),
              ("max-age=60, proxy-revalidate", False)]


@pytest.mark.parametrize("cc,shared", AUTHORIZED)
def test_authorization(site, cc, shared):
    """RFC 9111 3.5"""
    assert kept(site, ok(b"x", cc=cc), "Authorization: Basic QTpC") == shared


def test_authorization_gets_what_is_public(site):
    """RFC 9111 3.5 forbids to share the answer, not to give a shared one"""
    path = site.put(ok())
    site.warm(path)
    assert is_hit(site.get(path, "Authorization: Basic QTpC"))


COOKIES = [
    ("test", "max-age=60", False), ("test", "max-age=60, public", True), ("test", "s-maxage=60", True),
    ("cookie-store.test", "max-age=60", True), ("cookie-never.test", "max-age=60, public", False),
]


@pytest.mark.parametrize("host,cc,stored", COOKIES)
def test_set_cookie(site, host, cc, stored):
    assert kept(site, ok(b"x", "Set-Cookie: a=b", cc=cc), host=host) == stored


def test_targeted_set_cookie(site):
    assert kept(site, response(200, b"x", "Set-Cookie: a=b", "CDN-Cache-Control: max-age=60"))


TARGETED = [
    ("test", ["CDN-Cache-Control: max-age=60", "Cache-Control: no-store"], True),
    ("test", ["CDN-Cache-Control: no-store", "Cache-Control: max-age=60"], False),
    ("test", ["CDN-Cache-Control: max-age=oops, (", "Cache-Control: max-age=60"], True),
    ("test", ["CDN-Cache-Control: max-age=0", f"Expires: {date(3600)}"], False),
    ("untargeted.test", ["CDN-Cache-Control: no-store", "Cache-Control: max-age=60"], True),
    ("targets.test", ["CDN-Cache-Control: max-age=60", "Tiercel-Cache-Control: no-store"], False),
    ("targets.test", ["CDN-Cache-Control: no-store", "Tiercel-Cache-Control: max-age=60"], True),
]


@pytest.mark.parametrize("host,fields,stored", TARGETED, ids=[" + ".join([t[0]] + t[1]) for t in TARGETED])
def test_targeted(site, host, fields, stored):
    """RFC 9213 2.2"""
    assert kept(site, response(200, b"x", *fields), host=host) == stored


# -- back ends that say nothing, or the wrong thing


def test_ttl(site):
    assert kept(site, response(200, b"x"), host="ttl.test")
    assert kept(site, response(404, b"x"), host="ttl.test")
    assert not kept(site, response(500, b"x"), host="ttl.test")
    assert not kept(site, response(200, b"x", "Cache-Control: max-age=0"), host="ttl.test")
    assert not kept(site, response(200, b"x", "Cache-Control: no-store"), host="ttl.test")
    assert not kept(site, response(200, b"x", "Set-Cookie: a=b"), host="ttl.test")
    assert not kept(site, response(200, b"x"), "Authorization: x", host="ttl.test")


def test_ttl_figures(site):
    for fields, low, high in [((), 55, 60), (("Cache-Control: max-age=20",), 15, 20),
                              ((f"Last-Modified: {date(-86400)}",), 55, 60)]:
        path = site.put(response(200, b"x", *fields))
        site.get(path, host="ttl.test")
        assert low <= status_of(site.get(path, host="ttl.test"))["ttl"] <= high


STATUS_TIMES = [(404, 30), (500, 10), (302, 20), (200, 60), (410, 0), (503, 0)]


@pytest.mark.parametrize("status,seconds", STATUS_TIMES)
def test_statuses(site, status, seconds):
    first, second, asked = twice(site, response(status, b"x"), host="statuses.test")
    assert second.status == status and (asked == 1) == (seconds > 0)
    if seconds:
        assert seconds - 5 <= status_of(second)["ttl"] <= seconds


OVERRIDE = [
    (["Cache-Control: max-age=0"], True), (["Cache-Control: no-cache"], True), (["Expires: 0"], True),
    (["Cache-Control: max-age=5"], True), (["Cache-Control: no-store"], False), (["Cache-Control: private"], False),
    (["Set-Cookie: a=b"], False), (["Vary: *"], False),
]


@pytest.mark.parametrize("fields,stored", OVERRIDE, ids=[" + ".join(o[0]) for o in OVERRIDE])
def test_override(site, fields, stored):
    first, second, asked = twice(site, response(200, b"x", *fields), host="override.test")
    assert (asked == 1) == stored
    if stored:
        assert 55 <= status_of(second)["ttl"] <= 60
        assert second.fields.get("Cache-Control") == first.fields.get("Cache-Control")
    assert not kept(site, response(200, b"x"), "Authorization: x", host="override.test")


UNSAFE = [["Cache-Control: no-store"], ["Cache-Control: private"], ["Set-Cookie: a=b"],
          ["Cache-Control: no-store, private"]]


@pytest.mark.parametrize("fields", UNSAFE, ids=[" + ".join(u) for u in UNSAFE])
def test_unsafe(site, fields):
    first, second, asked = twice(site, response(200, b"x", *fields), host="unsafe.test")
    assert asked == 1 and second.fields.all("Set-Cookie") == first.fields.all("Set-Cookie")
    assert kept(site, response(200, b"x"), "Authorization: x", host="unsafe.test")


def test_l1_ttl(site):
    path = site.put(ok(b"x", "Age: 30", cc="max-age=3600"))
    site.get(path, host="short.test")
    assert 1 <= status_of(site.get(path, host="short.test"))["ttl"] <= 5


def test_observe(site):
    path = site.put(ok())
    for i in (1, 2):
        r = site.get(path, host="observe.test")
        assert r.body == b"hello" and not is_hit(r) and site.asked(path) == i
    assert status_of(r)["detail"] == "observed" and "stored" not in status_of(r)


def test_max_object(place):
    site = CacheSite(place, cache={"l1": {"size": "16MiB", "max_object": "100KiB"}})
    big, small = b"b" * (101 << 10), b"s" * (99 << 10)
    for _ in range(2):
        assert site.get(site.put(ok(small))).body == small
    for framing in ("length", "chunked"):
        path = site.put(ok(big) if framing == "length" else
                        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + chunked(big))
        for i in (1, 2):
            r = site.get(path)
            assert r.body == big and not is_hit(r) and site.asked(path) == i
    path = site.put(ok(small))
    site.warm(path)
    assert site.get(path).body == small and site.asked(path) == 1


# -- the key (RFC 9111 2; RFC 9110 4.2.3)


def echo(c, r):
    """Says what the origin was asked."""
    return ok(f"{r.method} {r.fields.get('Host')} {r.target} {r.fields.get('X-Tenant')} {r.fields.get('Cookie')}"
              .encode() + b" " + (r.body or b""))


KEYS = [
    # host, first, second: are they one?
    ("test", "?a=1&b=2", "?a=1&b=2", True), ("test", "?a=1&b=2", "?b=2&a=1", False),
    ("test", "?a=1", "?a=1&a=1", False),
    ("test", "?a=1", "?A=1", False), ("test", "", "?", False), ("test", "?a=%7e", "?a=~", True),
    ("test", "?a=%2f", "?a=%2F", True),
    ("query-none.test", "?a=1", "?b=2", True), ("query-none.test", "", "?b=2", True),
    ("query-listed.test", "?id=1&x=2", "?x=3&id=1", True), ("query-listed.test", "?id=1", "?id=2", False),
    ("query-listed.test", "?id=1&p_a=1", "?id=1&p_a=2", False), ("query-listed.test", "?id=1", "?id=1&id=2", False),
    ("query-ignore.test", "?a=1&utm_source=x", "?a=1&utm_medium=y&fbclid=z", True),
    ("query-ignore.test", "?a=1", "?a=2", False),
    ("query-ignore.test", "?a=1&utm_source=x", "?a=1", True), ("query-ignore.test", "?%75tm_source=x", "", True),
    ("query-sort.test", "?a=1&b=2", "?b=2&a=1", True), ("query-sort.test", "?a=1&a=2", "?a=2&a=1", False),
]


@pytest.mark.parametrize("host,one,two,same", KEYS, ids=[f"{k[0]}{k[1]}~{k[2]}" for k in KEYS])
def test_query_in_the_key(site, host, one, two, same):
    path = site.put(echo)
    assert site.get(path + one, host=host).body.split()[2] == (path + one).encode(), "the origin gets it all"
    r = site.get(path + two, host=host)
    assert is_hit(r) == same and (same or r.body.split()[2] == (path + two).encode())


PATHS = [
    # the origin is asked as the client spelled it (RFC 9110 7.7), so another spelling is another answer
    ("{}", "{}", True), ("{}/%7Ex", "{}/~x", False), ("{}/a/./b", "{}/a/b", False), ("{}/a/../b", "{}/b", False),
    ("{}/%41", "{}/A", False), ("{}/%7Ex", "{}/%7Ex", True), ("{}/a%2fb", "{}/a%2fb", True),
    ("{}/a%2Fb", "{}/a/b", False), ("{}/a%2fb", "{}/a%2Fb", False), ("{}/A", "{}/a", False), ("{}/", "{}", False),
    ("{}/a;x", "{}/a", False),
]


@pytest.mark.parametrize("one,two,same", PATHS, ids=[f"{p[0]}~{p[1]}" for p in PATHS])
def test_paths_in_the_key(site, one, two, same):
    base = fresh_path("p")
    for form in (one, two):
        p = form.format(base)
        for q in {p, p.replace("/./", "/"), p.replace("/a/../", "/"), p.replace("%7E", "~"), p.replace("%41", "A"),
                  p.replace("%2f", "%2F")}:
            site.shelf.put(q, echo)
    site.warm(one.format(base))
    r = site.get(two.format(base))
    assert r.status == 200 and is_hit(r) == same


def test_double_slashes_are_their_own(site):
    base = fresh_path("p")
    for p in (base + "//x", base + "/x"):
        site.shelf.put(p, echo)
        assert p.encode() in site.get(p).body


def test_dots_of_an_encoded_path(site):
    """RFC 3986 6.2.2.3: %2e is a dot; what is cached under the clean path is its own"""
    base = fresh_path("p")
    for p in (base + "/a", base + "/b", base + "/b/%2e%2e/a", base + "/b/../a"):
        site.shelf.put(p, echo)
    site.warm(base + "/a")
    r = site.get(base + "/b/%2e%2e/a")
    assert r.status in (200, 400)
    assert is_hit(site.get(base + "/a")) and (base + "/a").encode() in site.get(base + "/a").body


def test_hosts_in_the_key(site):
    """RFC 9110 4.2.3: case, the default port and a final dot aside hosts differ"""
    path = site.put(echo)
    site.warm(path, host="a.example")
    assert is_hit(site.get(path, host="A.EXAMPLE")) and is_hit(site.get(path, host="a.example:80"))
    for other in ("b.example", "a.example:81", "a.example.evil.test"):
        r = site.get(path, host=other)
        assert not is_hit(r) and other.encode() in r.body
    with site.client() as c:
        r = c.ask("GET", f"http://a.example{path}", host="evil.test")
        assert b" a.example " in r.body, "RFC 9112 3.2.2: the absolute form goes before Host"


def test_key_without_host(site):
    path = site.put(echo)
    site.warm(path, host="one.shared.test")
    assert is_hit(site.get(path, host="two.shared.test"))
    assert not is_hit(site.get(path, host="other.test"))
    assert not is_hit(site.get(path, host="alike.test")), "another route, perhaps another back end"


def test_key_headers(site):
    path = site.put(echo)
    for tenant in ("a", "b", "", None) * 2:
        fields = [] if tenant is None else [f"X-Tenant: {tenant}"]
        assert site.get(path, *fields, host="key-headers.test").body.split(b" ")[3] == str(tenant).encode()
    assert site.asked(path) == 4


def test_key_cookies(site):
    path = site.put(echo)
    site.warm(path, "Cookie: lang=de; session=1", host="key-cookies.test")
    for cookie, hit in [("session=2; lang=de", True), ("lang=en; session=1", False), ("xlang=de", False),
                        ("lang=de", True),
                        ("LANG=en", True)]:  # their names' case counts, so xlang and LANG are "none"
        assert is_hit(site.get(path, f"Cookie: {cookie}", host="key-cookies.test")) == hit, cookie


@pytest.mark.parametrize("method", ["QUERY", "POST"])
def test_keyed_by_content(site, method):
    """RFC 10008 2.7: the content, and what says how to read it, is part of the key"""
    path = site.put(echo)

    def ask(body, *fields):
        return site.get(path, *(fields or ("Content-Type: text/a",)), method=method, body=body, host="content.test")
    first = ask("one")
    assert first.body.endswith(b"one") and status_of(first)["stored"]
    assert is_hit(ask("one")) and ask("one").body == first.body
    for body, fields in [("two", ()), ("one", ("Content-Type: text/b",)), ("onE", ()), ("", ())]:
        r = ask(body, *fields)
        assert not is_hit(r) and r.body.endswith(body.encode() or b" ")
    assert not is_hit(site.get(path, host="content.test")), "GET is another thing"
    for _ in range(2):
        r = ask("x" * 2000)
        assert r.body.endswith(b"x" * 2000) and not is_hit(r), "larger than key_body"


def test_keyed_by_chunked_content(site):
    path = site.put(echo)
    with site.client() as c:
        for _ in range(2):
            c.send(f"QUERY {path} HTTP/1.1\r\nHost: content.test\r\nTransfer-Encoding: chunked\r\n\r\n")
            c.send(chunked("o", "ne"))
            assert c.read_response().body.endswith(b"one")


def test_keyed_content_with_expect(site):
    """RFC 9110 10.1.1"""
    path = site.put(echo)
    for i in range(2):
        with site.client() as c:
            c.send(f"QUERY {path} HTTP/1.1\r\nHost: content.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            assert c.read_response_head().status == 100
            c.send("one")
            r = c.read_response()
            assert r.body.endswith(b"one") and is_hit(r) == (i > 0)


# -- answers that say more than their key

SEARCHES = [
    # the rule, queries of which each is the same as the one before, or not
    ("params", ("?a=1", "?b=2", "?c"), True), ('params=("utm")', ("?a=1&utm=x", "?utm=y&a=1", "?a=1"), True),
    ('params=("utm")', ("?a=1", "?a=2", "?a=3"), False), ("nonsense (", ("?a=1", "?a=2", "?a=3"), False),
    ('params, except=("id")', ("?id=1&x=1", "?y=2&id=1", "?id=1"), True),
    ('params, except=("id")', ("?id=1", "?id=2", "?id=3"), False),
    ("key-order", ("?a=1&b=2", "?b=2&a=1", "?a=1&b=2"), True), ("key-order", ("?a=1&b=2", "?a=1", "?b=2"), False),
]


@pytest.mark.parametrize("rule,queries,same", SEARCHES, ids=[f"{s[0]}: {s[1]}" for s in SEARCHES])
def test_no_vary_search(site, rule, queries, same):
    """draft-ietf-httpbis-no-vary-search: the answer says which parameters do not matter. The rule may take
    effect from the second request on."""
    path = site.put(lambda c, r: ok(b"x" if same else r.target.encode(), f"No-Vary-Search: {rule}"))
    for q in queries:
        r = site.get(path + q)
        assert r.body == (b"x" if same else (path + q).encode())
    assert is_hit(r) == same
    assert is_hit(site.get(path + queries[0]))


def test_post_answer_for_get(site):
    """RFC 9110 9.3.3: explicit freshness and a Content-Location that names the target"""
    path = site.put(lambda c, r: ok(b"posted", f"Content-Location: {r.path}") if r.method == "POST" else ok(b"got"))
    site.warm(path)
    assert site.get(path, method="POST", body="x").body == b"posted"
    r = site.get(path)
    assert r.body == b"posted" and is_hit(r)


@pytest.mark.parametrize("fields", [[], ["Content-Location: /other"], ["Content-Location: http://other.test{}"]])
def test_post_answers_are_not_for_get_otherwise(site, fields):
    path = site.put(lambda c, r: ok(b"posted", *[f.format(r.path) for f in fields]) if r.method == "POST"
                    else ok(b"got"))
    site.get(path, method="POST", body="x")
    assert site.get(path).body == b"got"


# -- invalidation (RFC 9111 4.4)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH", "BREW"])
def test_unsafe_methods_invalidate(site, method):
    path = site.put(ok(b"one"), ok(b"done"), ok(b"two"))
    site.warm(path)
    site.get(path, method=method, body="x" if method != "DELETE" else None)
    assert site.get(path).body == b"two"


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_safe_methods_do_not(site, method):
    path = site.put(ok(b"one"))
    site.warm(path)
    site.get(path, method=method)
    assert is_hit(site.get(path))


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_failed_ones_do_not(site, status):
    path = site.put(ok(b"one"), response(status), ok(b"two"))
    site.warm(path)
    site.get(path, method="DELETE")
    assert site.get(path).body == b"one" and is_hit(site.get(path))


@pytest.mark.parametrize("status", [200, 201, 204, 303])
def test_all_variants_go(site, status):
    def answer(c, r):
        return response(status) if r.method == "POST" else ok(r.fields.get("X-A", "-").encode(), "Vary: X-A")
    path = site.put(answer)
    site.warm(path, "X-A: 1"), site.warm(path, "X-A: 2")
    site.get(path, method="POST", body="x")
    assert not is_hit(site.get(path, "X-A: 1")) and not is_hit(site.get(path, "X-A: 2"))


NAMED = [
    # how the answer to POST names another URL of ours ({}), and whether that may go
    ("Location: {}", True), ("Content-Location: {}", True), ("Location: http://test{}", True),
    ("Location: http://TEST:80{}", True),
    ("Location: http://other.test{}", False), ("Content-Location: http://other.test{}", False),
    ("Location: https://test{}", False),
    ("Location: http://test:81{}", False), ("Location: //test{}", True), ("Location: //other.test{}", False),
    ("Location: {}?x=1", False), ("Location: {}#frag", True), ("Location: /dots/..{}", True),
]


@pytest.mark.parametrize("field,goes", NAMED, ids=[n[0] for n in NAMED])
def test_location_of_the_same_origin(site, field, goes):
    """RFC 9111 4.4: MUST NOT for other origins, which would be an attack"""
    path, target = site.put(ok(b"one")), fresh_path("t")
    site.shelf.put(target, response(201, b"", field.format(path)))
    site.warm(path), site.warm(path, host="other.test")
    site.get(target, method="POST", body="x")
    assert is_hit(site.get(path)) == (not goes)
    assert is_hit(site.get(path, host="other.test")), "never those of others"


def test_invalidation_while_it_is_fetched(site):
    """RFC 9111 4.4: what was asked for before the change is not what is there now"""
    go = threading.Event()

    def slowly(c, r):
        go.wait(10)
        return ok(b"old")
    path = site.put(slowly, ok(b"done"), ok(b"new"))
    first = Checked(site.get, path)
    wait_for(lambda: site.asked(path) == 1, "the first")
    site.get(path, method="DELETE")
    go.set()
    assert first.result().body == b"old"
    assert site.get(path).body == b"new"


def test_cache_groups(site):
    """RFC 9875 2, 3"""
    a, b, c = (site.put(ok(n, f"Cache-Groups: {g}")) for n, g in [(b"a", '"cart", "x"'), (b"b", '"cart"'),
                                                                  (b"c", '"Cart"')])
    for p in (a, b, c):
        site.warm(p), site.warm(p, host="other.test")
    change = site.put(response(200, b"", 'Cache-Group-Invalidation: "cart"'))
    site.get(change)
    assert is_hit(site.get(a)), "GET is safe"
    site.get(change, method="POST", body="x")
    assert not is_hit(site.get(a)) and not is_hit(site.get(b)) and is_hit(site.get(c))
    assert is_hit(site.get(a, host="other.test")), "groups belong to an origin"


def test_cache_groups_off(site):
    path = site.put(ok(b"a", 'Cache-Groups: "cart"'))
    site.warm(path, host="nogroups.test")
    site.get(site.put(response(200, b"", 'Cache-Group-Invalidation: "cart"')), method="POST", body="x",
             host="nogroups.test")
    assert is_hit(site.get(path, host="nogroups.test"))


# -- poisoning

UNKEYED = ["X-Forwarded-Host: evil.test", "X-Forwarded-Proto: https", "X-Forwarded-Port: 1",
           "Forwarded: host=evil.test",
           "X-Original-URL: /evil", "X-Rewrite-URL: /evil", "X-Host: evil.test", "X-HTTP-Method-Override: POST",
           "X-Forwarded-For: 6.6.6.6",
           "X-Forwarded-Prefix: /evil", "Via: 1.1 evil", "X-Request-Id: evil",
          "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]


@pytest.mark.parametrize("field", UNKEYED)
def test_unkeyed_fields_do_not_split_the_key(site, field):
    """What does not select an answer is one answer for all; nobody's field may reach others as ours"""
    path = site.put(echo)
    first = site.warm(path, field)
    again = site.get(path)
    assert is_hit(again) and again.body == first.body and b"evil" not in again.body


@pytest.mark.parametrize("field,value", [("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Proto", "gopher")])
def test_our_own_fields_are_not_the_clients(site, field, value):
    """An origin that builds links from X-Forwarded-Host gets the host of the key"""
    path = site.put(lambda c, r: ok(f"{r.fields.get('X-Forwarded-Host')} {r.fields.get('X-Forwarded-Proto')}".encode()))
    assert site.warm(path, f"{field}: {value}", host="right.test").body == b"right.test http"
    assert site.get(path, host="right.test").body == b"right.test http"


def test_fragments_are_refused(site):
    """RFC 9112 3.2: no fragment in a request target"""
    path = site.put(echo)
    r = site.get(path + "#x")
    assert r.status == 400


def test_range_of_the_first_client_is_not_for_others(site):
    """RFC 9111 3.3: a part is never taken for the whole"""
    path = site.put(lambda c, r: ok(b"abc", "Content-Range: bytes 0-2/10", status=206) if "Range" in r.fields
                    else ok(b"abcdefghij"))
    assert site.get(path, "Range: bytes=0-2").body == b"abc"
    r = site.get(path)
    assert r.status == 200 and r.body == b"abcdefghij"


def test_range_answered_in_full_is_stored_whole(site):
    path = site.put(ok(b"abcdefghij"))
    r = site.get(path, "Range: bytes=0-2")
    assert (r.status, r.body) in ((200, b"abcdefghij"), (206, b"abc"))
    r = site.get(path)
    assert r.status == 200 and r.body == b"abcdefghij" and is_hit(r)


def test_trailing_and_odd_hosts_do_not_mix(site):
    path = site.put(echo)
    site.warm(path, host="a.example")
    for host in ("a.example.", "a.example:080", "a.example:"):
        r = site.get(path, host=host)
        assert r.status == 400 or b"a.example" in r.body


def test_upgrade_requests_are_not_answered_from_the_cache(site):
    """RFC 9110 7.8"""
    path = site.put(ok())
    site.warm(path)
    with site.client() as c:
        r = c.ask("GET", path, "Connection: Upgrade", "Upgrade: websocket")
        assert r.status == 200 and not is_hit(r)


@pytest.mark.parametrize("field", ["X-A", "x-a", "Accept-Encoding", "Cookie"])
def test_connection_options_do_not_split_key_and_origin(site, field):
    """RFC 9110 7.6.1: a field named in Connection does not reach the origin, so it must not select the answer
    either: else one client decides what others get"""
    path = site.put(lambda c, r: ok(r.fields.get(field, "none").encode(), f"Vary: {field}"))
    first = site.get(path, f"{field}: value", f"Connection: {field}")
    assert first.body in (b"none", b"value")
    assert site.get(path, f"{field}: value").body == b"value"
    assert site.get(path).body == b"none"


def test_connection_options_and_keyed_fields(site):
    path = site.put(echo)
    site.get(path, "X-Tenant: a", "Connection: X-Tenant", host="key-headers.test")
    assert site.get(path, "X-Tenant: a", host="key-headers.test").body.split(b" ")[3] == b"a"
    path = site.put(echo)
    site.get(path, "Cookie: lang=de", "Connection: Cookie", host="key-cookies.test")
    assert b"lang=de" in site.get(path, "Cookie: lang=de", host="key-cookies.test").body


def test_request_without_a_host(site):
    """RFC 9112 3.2: HTTP/1.0 has none; such a key is not that of a route that leaves out the host"""
    path = site.put(echo)
    site.warm(path, host="one.shared.test")
    r = site.get(path, host=None, version="1.0")
    assert r.status == 400 or not is_hit(r)


def test_removed_request_fields_do_not_select(place):
    """A route that removes or sets a field: what the origin saw counts"""
    site = CacheSite(place, {"set.test": {"headers": {"request": {"set": {"X-A": "ours"}, "remove": ["X-B"]}}}})
    path = site.put(lambda c, r: ok(f"{r.fields.get('X-A')} {r.fields.get('X-B')}".encode(), "Vary: X-A, X-B"))
    for fields in (["X-A: 1"], ["X-A: 2", "X-B: 1"], ["X-B: 2"], []):
        assert site.get(path, *fields, host="set.test").body == b"ours None"


WEIGHTS = [
    ("Accept-Language", "de, en;q=0.5", "DE,en;q=0.50", True),
    ("Accept-Language", "de, en;q=0.5", "en, de;q=0.5", False),
    ("Accept-Encoding", "gzip", "gzip;q=0", False), ("Accept-Encoding", "gzip;q=0.5", "gzip;q=0.500", True),
    ("Accept-Encoding", "gzip", "gzip, identity;q=0", False), ("Accept-Encoding", "*;q=0", "*", False),
    ("Accept", "text/html, */*", "*/*, text/html", False),
]


@pytest.mark.parametrize("field,one,two,same", WEIGHTS, ids=[f"{w[0]}: {w[1]} ~ {w[2]}" for w in WEIGHTS])
def test_normal_forms(site, field, one, two, same):
    """RFC 9111 4.1: only what cannot make a difference is taken for equal"""
    path = site.put(lambda c, r: ok(r.fields.get(field, "none").encode(), f"Vary: {field}"))
    site.warm(path, f"{field}: {one}")
    assert is_hit(site.get(path, f"{field}: {two}")) == same


def test_hop_by_hop_of_the_origin(site):
    """RFC 9111 3.1: what the origin names in Connection is not stored"""
    path = site.put(ok(b"x", "X-Secret: a", "Connection: X-Secret"))
    for _ in range(2):
        assert "X-Secret" not in site.get(path).fields


def test_scheme_of_trusted_proxies_is_in_the_key(place):
    """RFC 9110 4.2: http and https are different origins, also where somebody else ends TLS. A back end that
    sends http to https by X-Forwarded-Proto would else send everybody in circles."""
    site = CacheSite(place, listener={"trusted_proxies": ["127.0.0.1/32"]})

    def answer(c, r):
        if r.fields.get("X-Forwarded-Proto") == "https":
            return ok(b"secure")
        return response(301, b"", "Location: https://shop.example" + r.path, "Cache-Control: max-age=60")
    path = site.put(answer)
    for _ in range(2):
        assert site.get(path, host="shop.example").status == 301
        assert site.get(path, "X-Forwarded-Proto: https", host="shop.example").body == b"secure"
    assert site.asked(path) == 2


def test_host_of_trusted_proxies(place):
    """What the origin is told as the client's host must not be mixed under one key"""
    site = CacheSite(place, listener={"trusted_proxies": ["127.0.0.1/32"]})
    path = site.put(lambda c, r: ok(f"{r.fields.get('X-Forwarded-Host')} {r.fields.get('Host')}".encode()))
    for host in ("a.example", "b.example") * 2:
        assert site.get(path, f"X-Forwarded-Host: {host}", host="inner").body.split()[0] in (host.encode(), b"inner")
