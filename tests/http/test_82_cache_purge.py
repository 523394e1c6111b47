# SPDX-License-Identifier: BSD-2-Clause
"""Purging: from tiercelctl, the admin API and with PURGE; by URL, prefix, tag, host and all; hard and soft.
And what `explain` and `cache` say about what is stored."""

import json
import os
import re
import signal
import threading
import time

import pytest

from lib import (CacheSite, Checked, Load, date, fresh_path, is_hit, ok, pattern, response, status_of, together,
                 wait_for)

ROUTES = {
    "noq.test": {"cache": {"key": {"query": "none"}}},
    "ignore.test": {"cache": {"key": {"ignore_query": ["utm_*"]}}},
    "sort.test": {"cache": {"key": {"sort_query": True}}},
    "*.shared.test": {"cache": {"key": {"host": False}}},
    "alike.test": {"cache": {"key": {"host": False}}},
    "allow.test": {"cache": {"purge": {"allow": ["127.0.0.1"]}}},
    "deny.test": {"cache": {"purge": {"allow": ["192.0.2.0/24"]}}},
    "content.test": {"cache": {"methods": ["GET", "HEAD", "QUERY"]}},
    "tags.test": {"cache": {"tags": ["X-Tags"]}},
}


@pytest.fixture(scope="module")
def site(module_place):
    return CacheSite(module_place, ROUTES, workers=2, admin={"listen": "127.0.0.1:@port:admin", "purge": True})


def purge(site, *words):
    return site.proxy.ctl("purge", *words).stdout


def api(site, *words):
    """The same through the admin listener."""
    rest = [w for w in words[1:] if w != "--soft"]
    text = json.dumps({words[0]: rest[0] if rest else True, "soft": "--soft" in words})
    r = site.proxy.get("/api/purge", "Content-Type: application/json", method="POST", body=text, name="admin")
    assert r.status == 200, r
    return r.body.decode()


WAYS = [purge, api]
both_ways = pytest.mark.parametrize("way", WAYS, ids=["tiercelctl", "api"])


def stored(site, path=None, *fields, host="shop.example", answer=None):
    """A path that is in the cache."""
    if path is None:
        path = site.put(answer or ok(b"x", *fields))
    else:
        site.shelf.put(path, answer or ok(b"x", *fields))
    site.get(path, host=host)
    assert is_hit(site.get(path, host=host))
    return path


def there(site, path, *fields, host="shop.example"):
    return is_hit(site.get(path, *fields, host=host))


# -- what goes and what stays


@both_ways
def test_url(site, way):
    """All variants and what was stored by content; nothing else"""
    path, other = stored(site), stored(site)
    longer = stored(site, path + "/more")
    query = path + "?a=1"
    site.get(query, host="shop.example")
    way(site, "url", f"http://shop.example{path}")
    assert not there(site, path) and there(site, other) and there(site, longer) and there(site, query)


@both_ways
def test_url_with_variants(site, way):
    path = site.put(lambda c, r: ok(r.fields.get("X-A").encode(), "Vary: X-A"))
    for a in "123":
        site.get(path, f"X-A: {a}", host="shop.example")
        assert there(site, path, f"X-A: {a}")
    way(site, "url", f"http://shop.example{path}")
    assert not any(there(site, path, f"X-A: {a}") for a in "123")


def test_url_with_content(site):
    path = site.put(ok())
    for _ in range(2):
        r = site.get(path, method="QUERY", body="q", host="content.test")
    assert is_hit(r)
    purge(site, "url", f"http://content.test{path}")
    assert not is_hit(site.get(path, method="QUERY", body="q", host="content.test"))


FORMS = ["http://shop.example{}", "http://SHOP.example:80{}", "HTTP://shop.example{}", "http://shop.example/x/..{}"]


@pytest.mark.parametrize("form", FORMS)
def test_url_in_other_words(site, form):
    """RFC 3986 6.2: the same URL"""
    path = stored(site)
    purge(site, "url", form.format(path))
    assert not there(site, path)


@pytest.mark.parametrize("host,asked,purged", [
    ("noq.test", "?a=1", "?b=2"), ("noq.test", "?a=1", ""), ("ignore.test", "?a=1&utm_x=2", "?a=1"),
    ("sort.test", "?b=2&a=1", "?a=1&b=2"),
])
def test_url_by_the_routes_key(site, host, asked, purged):
    path = site.put(ok())
    site.get(path + asked, host=host)
    assert is_hit(site.get(path + asked, host=host))
    purge(site, "url", f"http://{host}{path}{purged}")
    assert not is_hit(site.get(path + asked, host=host))


def test_url_without_host_in_the_key(site):
    path = stored(site, host="one.shared.test")
    purge(site, "url", f"http://two.shared.test{path}")
    assert not there(site, path, host="one.shared.test")


@both_ways
def test_prefix(site, way):
    base = fresh_path("dir")
    inside = [stored(site, base + p) for p in ("/", "/a", "/a/b", "/c?x=1"[:2])]
    outside = [stored(site, base + "x"), stored(site)]
    elsewhere = stored(site, base + "/a", host="other.example")
    way(site, "prefix", f"http://shop.example{base}/")
    assert not any(there(site, p) for p in inside) and all(there(site, p) for p in outside)
    assert there(site, elsewhere, host="other.example")


def test_prefix_covers_queries(site):
    path = site.put(ok())
    for q in ("", "?a=1", "?b=2"):
        site.get(path + q, host="shop.example")
    purge(site, "prefix", f"http://shop.example{path}?a")
    assert there(site, path) and not there(site, path + "?a=1") and there(site, path + "?b=2")


def test_prefix_without_host_in_the_key(site):
    base = fresh_path("dir")
    path = stored(site, base + "/a", host="one.shared.test")
    purge(site, "prefix", f"http://one.shared.test{base}/")
    assert not there(site, path, host="one.shared.test")


@both_ways
@pytest.mark.parametrize("field", ["Surrogate-Key: a-{0} b-{0}", "Cache-Tag: a-{0},b-{0}", "Cache-Tag: a-{0}, b-{0}"])
def test_tag(site, way, field):
    mark = fresh_path("t")[1:]
    a, b = stored(site, None, field.format(mark)), stored(site, None, f"Cache-Tag: b-{mark}")
    c = stored(site, None, f"Cache-Tag: A-{mark}, a-{mark}x")
    way(site, "tag", f"a-{mark}")
    assert not there(site, a) and there(site, b) and there(site, c), "case counts, and only whole words"
    way(site, "tag", f"b-{mark}")
    assert not there(site, b)


def test_tags_are_not_for_clients(site):
    path = site.put(ok(b"x", "Surrogate-Key: a", "Cache-Tag: b", "X-Tags: c"))
    for _ in range(2):
        r = site.get(path, host="shop.example")
        assert "Surrogate-Key" not in r.fields and "Cache-Tag" not in r.fields and r["X-Tags"] == "c"


def test_tag_fields_are_the_routes(site):
    a, b = stored(site, None, "X-Tags: mine", host="tags.test"), stored(site, None, "Cache-Tag: mine",
            host="tags.test")
    purge(site, "tag", "mine")
    assert not there(site, a, host="tags.test") and there(site, b, host="tags.test")


def test_tag_of_another_host(site):
    """Tags are the operator's, over all hosts"""
    mark = fresh_path("t")[1:]
    a, b = stored(site, None, f"Cache-Tag: {mark}"), stored(site, None, f"Cache-Tag: {mark}", host="other.example")
    purge(site, "tag", mark)
    assert not there(site, a) and not there(site, b, host="other.example")


@both_ways
def test_host(site, way):
    host = fresh_path("h")[1:] + ".example"
    a, b, c = stored(site, host=host), stored(site, host=f"{host}:8080"), stored(site, host="not-" + host)
    way(site, "host", host.upper())
    assert not there(site, a, host=host) and not there(site, b, host=f"{host}:8080") and there(site, c,
            host="not-" + host)


@both_ways
def test_all(site, way):
    paths = [stored(site, host=h) for h in ("a.example", "b.example", "shop.example")]
    way(site, "all")
    assert not any(there(site, p, host=h) for p, h in zip(paths, ("a.example", "b.example", "shop.example")))


def test_purged_ones_can_be_stored_again(site):
    path = site.put(ok(b"one"), ok(b"two"))
    site.get(path, host="shop.example")
    purge(site, "all")
    assert site.get(path, host="shop.example").body == b"two"
    assert there(site, path)


# -- soft


@both_ways
@pytest.mark.parametrize("kind", ["url", "prefix", "tag", "host", "all"])
def test_soft(site, way, kind):
    """Marked stale: the next request asks the origin; a 304 makes it fresh again"""
    host, mark = fresh_path("h")[1:] + ".example", fresh_path("t")[1:]
    path = site.put(ok(b"x", 'ETag: "v"', f"Cache-Tag: {mark}"), lambda c,
                    r: response(304, b"", 'ETag: "v"', "Cache-Control: max-age=60"))
    site.get(path, host=host)
    subject = {"url": [f"http://{host}{path}"], "prefix": [f"http://{host}/"], "tag": [mark], "host": [host],
               "all": []}[kind]
    way(site, kind, *subject, "--soft")
    r = site.get(path, host=host)
    assert r.status == 200 and r.body == b"x" and status_of(r)["fwd"] == "stale" and status_of(r)["fwd-status"] == 304
    assert site.origin.saw(path)[1]["If-None-Match"] == '"v"'
    assert there(site, path, host=host)


def test_soft_and_the_origin_fails(site):
    """Then it may still be used (stale-if-error); after a hard purge it may not"""
    soft, hard = (site.put(ok(b"old", 'ETag: "v"'), response(503)) for _ in "12")
    for p in (soft, hard):
        site.get(p, host="shop.example")
    purge(site, "url", f"http://shop.example{soft}", "--soft")
    purge(site, "url", f"http://shop.example{hard}")
    assert site.get(soft, host="shop.example").body == b"old"
    assert site.get(hard, host="shop.example").status == 503


def test_soft_while_revalidate(site):
    path = site.put(ok(b"old", cc="max-age=60, stale-while-revalidate=60"), ok(b"new"))
    site.get(path, host="shop.example")
    purge(site, "url", f"http://shop.example{path}", "--soft")
    assert site.get(path, host="shop.example").body == b"old"
    wait_for(lambda: site.get(path, host="shop.example").body == b"new", "the new one")


# -- at once, everywhere


def test_visible_at_once_on_all_workers(place):
    """No answer that was begun after the reply to the purge is older than it"""
    version, lock = [1], threading.Lock()
    site = CacheSite(place, workers=2)
    path = site.put(lambda c, r: ok(b"%d" % version[0], cc="max-age=600"))
    wrong, stop = [], threading.Event()

    def reader(_):
        while not stop.is_set():
            with lock:
                least = purged[0]
            got = int(site.get(path, host="h").body)
            if got < least:
                wrong.append((got, least))
    purged = [1]
    readers = [Checked(reader, i) for i in range(4)]
    for n in range(2, 22):
        version[0] = n
        purge(site, "url", f"http://h{path}")
        with lock:
            purged[0] = n
        time.sleep(0.02)
    stop.set()
    for r in readers:
        r.result()
    assert not wrong, wrong[:5]


def test_purge_while_it_is_fetched(site):
    """What was asked for before the purge is not kept after it"""
    go = threading.Event()

    def slowly(c, r):
        c.send(ok(b"old-old")[:-3])
        go.wait(30)
        return b"old"
    path = site.put(slowly, ok(b"new"))
    first = Checked(site.get, path, host="shop.example")
    wait_for(lambda: site.asked(path) == 1, "the first")
    time.sleep(0.1)
    purge(site, "url", f"http://shop.example{path}")
    second = site.get(path, host="shop.example")
    go.set()
    assert second.body == b"new" and first.result().body == b"old-old"
    assert site.get(path, host="shop.example").body == b"new"


def test_purge_while_it_is_read(site):
    """Who reads it reads it to its end"""
    data = pattern("read", 5 << 20)
    path = site.put(ok(data), ok(b"new"))
    site.get(path, host="shop.example")
    with site.client(rcvbuf=8192) as c:
        c.request("GET", path, host="shop.example")
        head = c.read_response_head()
        purge(site, "all")
        for i in range(20):
            site.get(site.put(ok(pattern(i, 1 << 20))), host="shop.example")
        assert c.body_of(head).read() == data
    assert site.get(path, host="shop.example").body == b"new"


def test_many_purges(site):
    """Notes of purges are merged into coarser ones when there are many: too much may go, never too little"""
    paths = [stored(site) for _ in range(30)]
    together(4, lambda k: [purge(site, "prefix", f"http://nowhere.example/{k}/{i}/") for i in range(60)])
    for p in paths:
        purge(site, "url", f"http://shop.example{p}")
    assert not any(there(site, p) for p in paths)


def test_load_goes_on(site):
    site.shelf.put("/load", ok(b"x" * 1000, cc="max-age=600"))
    with Load(site.proxy.port(), keepalive=3, fresh=1) as load:
        for _ in range(30):
            purge(site, "all")
        load.wait_done(50)
    assert not load.failures


def test_purges_outlive_workers(place):
    site = CacheSite(place, workers=2)
    site.proxy.deaths_expected = True
    path, other = site.put(ok()), site.put(ok())
    site.warm(path), site.warm(other)
    purge(site, "url", f"http://test{path}")
    old = site.proxy.workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(site.proxy.workers()) - set(old)) == 2, "new workers")
    assert not is_hit(site.get(path)) and is_hit(site.get(other))


# -- words


WRONG = [(), ("url",), ("urls", "http://a/"), ("url", "not a url"), ("url", "http://shop.example/", "more"), ("tag",),
         ("host", ""),
         ("host", "a b"), ("all", "of it"), ("prefix", "nothing"), ("--soft",)]


@pytest.mark.parametrize("words", WRONG, ids=[" ".join(w) or "nothing" for w in WRONG])
def test_wrong_words(site, words):
    path = stored(site)
    r = site.proxy.ctl("purge", *words, check=False)
    assert r.returncode != 0 and (r.stdout + r.stderr).strip()
    assert there(site, path), "nothing was purged"


def test_purge_without_a_cache(place):
    site = CacheSite(place, cache={"l1": {"size": 0}})
    r = site.proxy.ctl("purge", "all", check=False)
    assert r.returncode != 0 and "size" in r.stdout + r.stderr


def test_purge_is_logged(place):
    site = CacheSite(place)
    purge(site, "tag", "one-mark")
    site.proxy.wait_log("one-mark")


def test_api_has_to_be_asked_for(place):
    site = CacheSite(place, admin={"listen": "127.0.0.1:@port:admin"})
    path = stored(site)
    r = site.proxy.get("/api/purge", "Content-Type: application/json", method="POST", body='{"all": true}',
                       name="admin")
    assert r.status == 403 and b"admin.purge" in r.body and there(site, path)


BAD_CALLS = [
    ("GET", None, (), {404, 405}), ("POST", "{", ("Content-Type: application/json",), {400, 415}),
    ("POST", '{"everything": true}', ("Content-Type: application/json",), {400}),
    ("POST", "[]", ("Content-Type: application/json",), {400}),
    ("POST", '{"url": 1}', ("Content-Type: application/json",), {400}),
    ("POST", '{"all": "yes"}', ("Content-Type: application/json",), {400}),
    ("POST", '{"all": true, "tag": "x"}', ("Content-Type: application/json",), {400}),
    ("POST", '{"tag": "--soft"}', ("Content-Type: application/json",), {400}),
    ("OPTIONS", None, ("Origin: http://evil.test", "Access-Control-Request-Method: POST"), {403, 404, 405, 501}),
    ("POST", '{"all": true}', ("Content-Type: text/plain",), {400, 403, 415}),
    ("POST", '{"all": true}', (), {400, 403, 415}),
    ("POST", "kind=all", ("Content-Type: application/x-www-form-urlencoded",), {400, 403, 415}),
]


@pytest.mark.parametrize("method,body,fields,statuses", BAD_CALLS, ids=[f"{c[0]} {c[1]} {c[2]}" for c in BAD_CALLS])
def test_bad_calls_of_the_api(site, method, body, fields, statuses):
    """Also what a page of another site could send from an operator's browser"""
    path = stored(site)
    r = site.proxy.get("/api/purge", *fields, method=method, body=body, name="admin")
    assert r.status in statuses and there(site, path)


def test_api_answers_only_for_its_own_name(site):
    """Against DNS rebinding"""
    path = stored(site)
    r = site.proxy.get("/api/purge", "Content-Type: application/json", method="POST", body='{"all": true}',
                       name="admin", host="evil.test")
    assert r.status in (403, 421) and there(site, path)


# -- PURGE


def test_purge_method(site):
    path, other = stored(site, host="allow.test"), stored(site, host="allow.test")
    asked = site.asked(path)
    r = site.get(path, method="PURGE", host="allow.test")
    assert r.status == 200 and site.asked(path) == asked, "not for the origin"
    assert not there(site, path, host="allow.test") and there(site, other, host="allow.test")


def test_purge_method_of_what_is_not_there(site):
    assert site.get("/never-stored", method="PURGE", host="allow.test").status in (200, 404)


def test_purge_method_denied(site):
    path = stored(site, host="deny.test")
    r = site.get(path, method="PURGE", host="deny.test")
    assert r.status == 403 and there(site, path, host="deny.test") and len(site.origin.saw(path)) == 1
    r = site.get(path, "X-Forwarded-For: 192.0.2.1", method="PURGE", host="deny.test")
    assert r.status == 403, "nobody is believed who is not trusted"


def test_purge_method_not_understood(site):
    """Where no list is given it is a method like any other"""
    path = site.put(ok())
    assert site.get(path, method="PURGE").status == 200
    assert [r.method for r in site.origin.saw(path)] == ["PURGE"]


def test_purge_method_of_trusted_proxies(place):
    site = CacheSite(place, {"a.test": {"cache": {"purge": {"allow": ["192.0.2.0/24"]}}}},
                     listener={"trusted_proxies": ["127.0.0.1/32"]})
    path = stored(site, host="a.test")
    assert site.get(path, "X-Forwarded-For: 192.0.2.7", method="PURGE", host="a.test").status == 200
    assert not there(site, path, host="a.test")
    path = stored(site, host="a.test")
    assert site.get(path, "X-Forwarded-For: 198.51.100.7", method="PURGE", host="a.test").status == 403
    assert site.get(path, method="PURGE", host="a.test").status == 403


# -- explain, cache


def explain(site, *words):
    return site.proxy.ctl("explain", *words).stdout


def test_explain_says_what_is_stored(site):
    path = stored(site, None, 'ETag: "v1"')
    text = explain(site, "GET", f"http://shop.example{path}")
    assert f"key        http://shop.example{path}" in text and re.search(r"fresh for (5\d|60) s", text)
    assert "would be   a hit" in text and "status 200" in text
    purge(site, "url", f"http://shop.example{path}")
    text = explain(site, "GET", f"http://shop.example{path}")
    assert "would be   a hit" not in text and ("purged" in text or "would be   a miss" in text)


def test_explain_says_what_is_not(site):
    assert re.search(r"would be +a miss", explain(site, "GET", "http://shop.example/never"))
    assert "would be   a hit" not in explain(site, "DELETE", f"http://shop.example{stored(site)}")
    path = site.put(ok(cc="no-store"))
    site.get(path, host="shop.example")
    assert "would be   a hit" not in explain(site, "GET", f"http://shop.example{path}")


def test_explain_says_stale(site):
    path = site.put(ok(b"x", "Age: 100", 'ETag: "v"'))
    site.get(path, host="shop.example")
    assert "stale" in explain(site, "GET", f"http://shop.example{path}")


def test_explain_and_variants(site):
    path = site.put(lambda c, r: ok(b"x", "Vary: X-A"))
    site.get(path, "X-A: one", host="shop.example"), site.get(path, "X-A: two", host="shop.example")
    text = explain(site, "GET", f"http://shop.example{path}", "-H", "X-A:one")
    assert "x-a" in text.lower()


def test_cache_command(site):
    stored(site)
    text = site.proxy.ctl("cache").stdout
    assert re.search(r"stored +\d+ answers", text)
    before = json.loads(site.proxy.ctl("cache", "--json").stdout)
    stored(site, answer=ok(pattern("figures", 300000)))
    after = json.loads(site.proxy.ctl("cache", "--json").stdout)
    assert after["enabled"] and after["space"]["objects"] == before["space"]["objects"] + 1
    assert 300000 <= after["space"]["stored"] - before["space"]["stored"] <= 302000
    assert 300000 <= after["space"]["used"] - before["space"]["used"] <= 400000
    assert after["results"]["hit"] >= before["results"]["hit"] + 1 and after["space"]["filling"] == 0
    large = stored(site, answer=ok(pattern("large", 12 << 20)))
    with site.client(rcvbuf=4096) as c:
        c.request("GET", large, host="shop.example")
        c.read_response_head()
        assert json.loads(site.proxy.ctl("cache", "--json").stdout)["space"]["pins"] == 1
    wait_for(lambda: json.loads(site.proxy.ctl("cache", "--json").stdout)["space"]["pins"] == 0,
             "the pin to be given back")


def test_metrics_of_purges(site):
    before = site.metric("tiercel_purges_total")
    purge(site, "tag", "x")
    assert site.metric("tiercel_purges_total") == before + 1
    assert site.metric("tiercel_cache_objects") >= 0 and site.metric("tiercel_cache_size_bytes") > 0


def test_purge_of_what_is_stale(site):
    """What is stored for validation only is not validated after a purge"""
    path = site.put(response(200, b"x", f"Expires: {date(-60)}", 'ETag: "v"'), response(200, b"y"))
    site.get(path, host="shop.example")
    purge(site, "url", f"http://shop.example{path}")
    site.get(path, host="shop.example")
    assert "If-None-Match" not in site.origin.saw(path)[1].fields
