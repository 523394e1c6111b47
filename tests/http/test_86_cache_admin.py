# SPDX-License-Identifier: BSD-2-Clause
"""The cache from the operator's side: purging, explaining, figures."""

import json
import re

import pytest

from lib import Client, response, simple, wait_for
from lib.promtext import Metrics


class Shop:
    """A proxy with a cache and an admin listener; the origin's answers are cacheable and numbered."""

    def __init__(self, place, *, fields=(), admin=None, **conf):
        self.count = 0
        self.fields = fields
        conf.setdefault("workers", 2)
        self.p = place.proxy(simple(place.origin(self.answer),
                                    admin={"listen": "127.0.0.1:@port:admin", **(admin or {})}, **conf))

    def answer(self, c, r):
        self.count += 1
        return response(200, f"answer {self.count}", "Cache-Control: max-age=600", 'ETag: "v"', *self.fields)

    def get(self, target, *fields, host="shop.example"):
        with self.p.client() as c:
            return c.ask("GET", target, *fields, host=host)

    def is_hit(self, target, *fields, host="shop.example"):
        return "; hit" in self.get(target, *fields, host=host)["Cache-Status"]

    def warm(self, *targets, host="shop.example"):
        for t in targets:
            self.get(t, host=host)
            wait_for(lambda: self.is_hit(t, host=host), f"{host}{t} to be stored")

    def ctl(self, *words, check=True):
        return self.p.ctl(*words, check=check)

    def api(self, target, method="GET", *fields, body=None):
        with Client(self.p.port("admin")) as c:
            return c.ask(method, target, "Connection: close", *fields, body=body, host="localhost")


@pytest.fixture
def shop(place):
    return lambda **more: Shop(place, **more)


# ---- purge

def test_purge_url(shop):
    s = shop()
    s.warm("/a", "/b")
    out = s.ctl("purge", "url", "http://shop.example/a").stdout
    assert "purged: url http://shop.example/a" in out and re.search(r"sequence \d+$", out, re.M)
    # on both workers, at once
    assert not s.is_hit("/a")
    assert s.is_hit("/b")
    wait_for(lambda: s.is_hit("/a"), "it to be stored anew")


@pytest.mark.parametrize("given", ["http://SHOP.example:80/a", "http://shop.example/x/../a", "http://shop.example/%61"])
def test_purge_url_in_normal_form(shop, given):
    s = shop()
    s.warm("/a")
    s.ctl("purge", "url", given)
    assert not s.is_hit("/a")


def test_purge_url_by_the_rules_of_its_route(shop):
    s = shop(route={"cache": {"key": {"ignore_query": ["utm_*"], "sort_query": True}}})
    s.warm("/a?x=1&y=2")
    out = s.ctl("purge", "url", "http://shop.example/a?utm_source=z&y=2&x=1").stdout
    assert "http://shop.example/a?x=1&y=2" in out
    assert not s.is_hit("/a?x=1&y=2")


def test_purge_url_takes_all_variants(shop):
    s = shop(fields=["Vary: Accept-Language"])
    for lang in "de", "en":
        s.get("/a", f"Accept-Language: {lang}")
        wait_for(lambda: s.is_hit("/a", f"Accept-Language: {lang}"), "the variant")
    s.ctl("purge", "url", "http://shop.example/a")
    for lang in "de", "en":
        assert not s.is_hit("/a", f"Accept-Language: {lang}")


def test_purge_prefix(shop):
    s = shop()
    s.warm("/dir/a", "/dir/b", "/other")
    s.warm("/dir/a", host="other.example")
    s.ctl("purge", "prefix", "http://shop.example/dir/")
    assert not s.is_hit("/dir/a") and not s.is_hit("/dir/b")
    assert s.is_hit("/other") and s.is_hit("/dir/a", host="other.example")


def test_purge_prefix_without_host_in_keys(shop):
    s = shop(route={"cache": {"key": {"host": False}}})
    s.warm("/dir/a")
    s.ctl("purge", "prefix", "http://shop.example/dir/")
    assert not s.is_hit("/dir/a")


def test_purge_tag(shop):
    s = shop(fields=["Surrogate-Key: red green"])
    s.warm("/a")
    assert "Surrogate-Key" not in s.get("/a").fields
    s.ctl("purge", "tag", "blue")
    assert s.is_hit("/a")
    s.ctl("purge", "tag", "green")
    assert not s.is_hit("/a")


def test_purge_host(shop):
    s = shop()
    s.warm("/a")
    s.warm("/a", host="shop.example:8080")
    s.warm("/a", host="other.example")
    s.ctl("purge", "host", "Shop.Example")
    assert not s.is_hit("/a") and not s.is_hit("/a", host="shop.example:8080")
    assert s.is_hit("/a", host="other.example")


def test_purge_all(shop):
    s = shop()
    s.warm("/a", "/b")
    s.ctl("purge", "all")
    assert not s.is_hit("/a") and not s.is_hit("/b")


def test_purge_soft_validates(shop):
    s = shop()
    s.warm("/a")
    assert "made stale: url" in s.ctl("purge", "url", "http://shop.example/a", "--soft").stdout
    assert not s.is_hit("/a")
    wait_for(lambda: s.is_hit("/a"), "it to be fresh again")


@pytest.mark.parametrize("words", [
    [], ["url"], ["url", ""], ["url", "/a"], ["url", "nonsense"], ["url", "http://h/%zz"], ["prefix", "/dir"], ["prefix", "h"],
    ["prefix", "http://h/" + "x" * 1100], ["host", "a b"], ["host", "h:80"], ["all", "x"], ["what", "x"], ["tag"],
    ["url", "http://h/", "http://i/"],
])
def test_purge_wrong_usage(module_shop, words):
    r = module_shop.ctl("purge", *words, check=False)
    assert r.returncode == 2 and r.stderr and not r.stdout, r
    assert module_shop.is_hit("/a")


@pytest.fixture(scope="module")
def module_shop(module_place):
    s = Shop(module_place)
    s.warm("/a")
    return s


def test_purge_without_a_cache(place):
    origin = place.origin()
    p = place.proxy(simple(origin, cache={"l1": {"size": 0}}))
    r = p.ctl("purge", "all", check=False)
    assert r.returncode == 1 and "no cache" in r.stderr
    assert "no cache" in p.ctl("cache").stdout
    assert json.loads(p.ctl("cache", "--json").stdout) == {"enabled": False}
    assert re.search(r"^cached +never: cache.l1.size is 0$", p.ctl("explain", "GET", "/").stdout, re.M)


# ---- POST /api/purge

JSON = "Content-Type: application/json"


def test_api_purge(shop):
    s = shop(admin={"purge": True})
    s.warm("/a", "/b")
    r = s.api("/api/purge", "POST", JSON, body=b'{"url": "http://shop.example/a"}')
    assert r.status == 200, r.body
    reply = json.loads(r.body)
    assert reply["purged"] == "url" and reply["subjects"] == ["http://shop.example/a"] and reply["soft"] is False
    assert reply["sequence"] >= 1
    assert not s.is_hit("/a") and s.is_hit("/b")
    r = s.api("/api/purge", "POST", JSON + "; charset=utf-8", body=b'{"all": true, "soft": true}')
    assert json.loads(r.body)["soft"] is True and not s.is_hit("/b")


@pytest.mark.parametrize("body", [
    b"", b"{}", b"[]", b"x", b'{"url": 1}', b'{"all": false}', b'{"all": true, "tag": "x"}', b'{"what": "x"}',
    b'{"tag": "x", "what": 1}', b'{"tag": "x", "soft": 1}', b'{"tag": "--soft"}', b'{"tag": "a\\u0000b"}',
    b'{"tag": "a\\nb"}', b'{"tag": ""}', b'{"url": "nonsense"}', b'{"tag": "x", "tag": "y"}', b'{"tag": "' + b"x" * 5000 + b'"}',
])
def test_api_purge_refuses(open_shop, body):
    r = open_shop.api("/api/purge", "POST", JSON, body=body)
    assert r.status == 400 and r["Content-Type"] == "application/problem+json", r
    assert open_shop.is_hit("/a")


@pytest.fixture(scope="module")
def open_shop(module_place):
    s = Shop(module_place, admin={"purge": True})
    s.warm("/a")
    return s


def test_api_purge_is_off_unless_allowed(shop):
    s = shop()
    s.warm("/a")
    assert s.api("/api/purge", "POST", JSON, body=b'{"all": true}').status == 403
    assert s.is_hit("/a")


def test_api_purge_not_from_foreign_pages(open_shop):
    """What a page of another site can send without asking is refused; so is another Host"""
    for fields in ([], ["Content-Type: text/plain"], ["Content-Type: application/x-www-form-urlencoded"]):
        assert open_shop.api("/api/purge", "POST", *fields, body=b'{"all": true}').status == 415
    assert open_shop.api("/api/purge", "OPTIONS").status == 405
    assert open_shop.api("/api/purge").status == 405
    with Client(open_shop.p.port("admin")) as c:
        r = c.ask("POST", "/api/purge", "Connection: close", JSON, body=b'{"all": true}', host="evil.example")
        assert r.status == 421
    assert open_shop.is_hit("/a")


# ---- explain

def explain(s, *words):
    return s.ctl("explain", *words).stdout


def test_explain_miss_and_hit(shop):
    s = shop()
    text = explain(s, "GET", "http://shop.example/a?x=1")
    assert re.search(r"^key +http://shop\.example/a\?x=1$", text, re.M)
    assert re.search(r"^would be +a miss: nothing is stored", text, re.M)
    s.warm("/a?x=1")
    text = explain(s, "GET", "http://shop.example/a?x=1")
    assert re.search(r"^would be +a hit$", text, re.M), text
    assert re.search(r"^stored +1  status 200, whole, 8 bytes", text, re.M), text
    assert re.search(r"fresh for \d+ (s|min)", text) and "strong validator" in text
    text = explain(s, "GET", "/a?x=1", "-H", "Host: shop.example", "-H", "Cache-Control: no-cache")
    assert re.search(r"^would be +validated with the back end first: the request's Cache-Control", text, re.M), text
    assert "a hit" in explain(s, "HEAD", "http://shop.example/a?x=1")


def test_explain_stale_windows(place):
    origin = place.origin(lambda c, r: response(200, "x", "Cache-Control: max-age=1, stale-while-revalidate=50, stale-if-error=3000",
                                                "Age: 1"))
    p = place.proxy(simple(origin))
    with p.client() as c:
        c.ask("GET", "/a", host="shop.example")

    def text():
        return p.ctl("explain", "GET", "http://shop.example/a").stdout
    wait_for(lambda: "status 200" in text(), "it to be stored")
    assert re.search(r"^would be +a hit: stale, sent at once while one worker refreshes it$", text(), re.M), text()
    assert "usable 50 s past its lifetime while it is refreshed" in text()
    assert "usable 50 min 0 s past its lifetime when the back end fails" in text() and "stale since" in text()


def test_explain_bypass(shop):
    s = shop()
    for words, why in ((["POST", "/x"], "methods"), (["GET", "/x", "-H", 'If-Match: "a"'], "precondition")):
        text = explain(s, *words)
        assert re.search(rf"^cached +passed on without a look: .*{why}", text, re.M), text
    s = shop(route={"cache": {"enabled": False}})
    assert "cache.enabled is false" in explain(s, "GET", "/x")


def test_no_vary_search(shop):
    """What the origin says of the query counts for purging and explaining too"""
    s = shop(fields=['No-Vary-Search: params=("utm")'])
    s.warm("/a?x=1&utm=3", "/a?x=1&utm=9")  # the rule is known from the second on
    text = explain(s, "GET", "http://shop.example/a?utm=4&x=1")
    assert re.search(r"^would be +a hit$", text, re.M) and "No-Vary-Search" in text, text
    s.ctl("purge", "url", "http://shop.example/a?x=1&utm=5")
    assert not s.is_hit("/a?x=1&utm=6")


def test_explain_tags(shop):
    s = shop(fields=["Surrogate-Key: red green"])
    s.warm("/a")
    assert re.search(r"head of \d+ bytes, 2 tags$", explain(s, "GET", "http://shop.example/a"), re.M)


def test_explain_variants(shop):
    s = shop(fields=["Vary: Accept-Language"])
    s.get("/a", "Accept-Language: de")
    wait_for(lambda: s.is_hit("/a", "Accept-Language: de"), "the variant")
    text = explain(s, "GET", "http://shop.example/a", "-H", "Accept-Language: fr")
    assert "accept-language: de (not this request)" in text
    assert re.search(r"^would be +a miss: what is stored is for other requests", text, re.M)
    text = explain(s, "GET", "http://shop.example/a", "-H", "Accept-Language: de")
    assert re.search(r"^would be +a hit$", text, re.M) and "(not this request)" not in text


def test_explain_purged(shop):
    s = shop()
    s.warm("/a", "/b")
    s.ctl("purge", "url", "http://shop.example/a", "--soft")
    text = explain(s, "GET", "http://shop.example/a")
    assert re.search(r"^would be +validated with the back end first: an operator made it stale", text, re.M), text
    s.ctl("purge", "url", "http://shop.example/b")
    text = explain(s, "GET", "http://shop.example/b")
    assert "a hit" not in text and re.search(r"^would be +a miss", text, re.M), text


def test_explain_hit_for_miss(place):
    origin = place.origin(lambda c, r: response(200, "mine", "Cache-Control: private"))
    p = place.proxy(simple(origin))
    with p.client() as c:
        c.ask("GET", "/a", host="shop.example")
    text = p.ctl("explain", "GET", "http://shop.example/a").stdout
    assert re.search(r"^fetching +marked", text, re.M), text


# ---- figures

def test_cache_figures(shop):
    s = shop()
    s.warm("/a", "/b")
    for i in range(10):
        s.get("/a")
    s.ctl("purge", "tag", "x")
    c = json.loads(s.ctl("cache", "--json").stdout)
    assert c["enabled"] and c["space"]["objects"] == 2 and 0 < c["space"]["stored"] <= c["space"]["used"]
    assert c["space"]["used"] < c["space"]["size"] and 0 <= c["space"]["overhead"] < 1
    assert c["results"]["hit"] >= 12 and c["results"]["miss"] >= 2 and 0.5 < c["results"]["hit_ratio"] < 1
    assert c["purges"]["tag"] == 1 and c["purges"]["sequence"] == 1 and c["fills"]["led"] >= 2
    text = s.ctl("cache").stdout
    assert "2 answers" in text and "purges     1: 0 by url" in text
    assert json.loads(s.api("/api/cache").body)["space"]["objects"] == 2
    assert json.loads(s.api("/api/stats").body)["cache"]["enabled"] is True
    m = Metrics(s.api("/metrics").body.decode())
    for name in "tiercel_cache_size_bytes", "tiercel_cache_objects", "tiercel_fills_joined_total", "tiercel_cache_evicted_total":
        assert name in m.samples, name
    node = json.loads(s.api("/api/stats").body)["counters"]["node"]
    assert node["cache_objects"] == 2 and node["purges_tag"] == 1
