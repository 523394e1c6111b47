# SPDX-License-Identifier: BSD-2-Clause
"""Messages through the proxy: methods, bodies, framing, persistence, pipelining, interim answers."""

import hashlib
import itertools
import threading

import pytest

from lib import Checked, Truncated, chunked, response, simple
from lib.wire import request

H = "Host: test\r\n"
numbers = itertools.count()


def echo(c, r):
    """Answers with what came: method and target as fields, the body as body."""
    return response(200, r.body, f"X-Method: {r.method}", f"X-Target: {r.target}",
                    f"X-Trailers: {len(r.trailers)}")


@pytest.fixture(scope="module")
def site(module_place):
    return module_place.site(echo)


@pytest.fixture
def answers(module_place, _cache={}):
    """A site whose origin says what the test puts into .script for a path."""
    if "site" not in _cache or not _cache["site"].process:
        scripts = {}

        def answer(c, r):
            out = scripts[r.path]
            return out(c, r) if callable(out) else out
        _cache["site"] = module_place.site(answer)
        _cache["site"].scripts = scripts
    return _cache["site"]


def say(answers, out):
    path = f"/{next(numbers)}"
    answers.scripts[path] = out
    return path


# -- methods: RFC 9110 9

@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PURGE",
                                    "PROPFIND", "get", "X"])
def test_methods(site, method):
    """RFC 9110 9.1: known and unknown ones; case matters"""
    r = site.get("/m", method=method)
    assert r.status == 200 and r["X-Method"] == method


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "X"])
def test_methods_with_body(site, method):
    """RFC 9110 9.3: the body is forwarded whatever the method"""
    with site.client() as c:
        for body in b"", b"x", b"y" * 100000:
            r = c.ask(method, "/m", body=body)
            assert r.status == 200 and r.body == body


@pytest.mark.parametrize("fields,length", [(["Content-Length: 5"], "5"), ([], None)])
def test_head(answers, fields, length):
    """RFC 9110 9.3.2, RFC 9112 6.3: no body, whatever the fields say; the connection goes on"""
    path = say(answers, lambda c, r: b"HTTP/1.1 200 OK\r\n" + "".join(
        f + "\r\n" for f in fields).encode() + b"\r\n")
    with answers.client() as c:
        for _ in range(3):
            r = c.ask("HEAD", path)
            assert r.status == 200 and r.body == b""
            assert r.fields.get("Content-Length") == length
        after = say(answers, response(200, "after"))
        assert c.ask(target=after).body == b"after"


def test_head_chunked(answers):
    """RFC 9112 6.1: HEAD may carry Transfer-Encoding; still no body"""
    path = say(answers, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with answers.client() as c:
        assert c.ask("HEAD", path).body == b""
        assert c.ask("HEAD", path).status == 200


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 100\r\n\r\n",
    b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
])
def test_no_body_statuses(answers, head):
    """RFC 9112 6.3: 204 and 304 end with their head; a 304's Content-Length describes another answer"""
    path = say(answers, head)
    after = say(answers, response(200, "after"))
    with answers.client() as c:
        for _ in range(2):
            assert c.ask(target=path).status == int(head[9:12])
            assert c.ask(target=after).body == b"after"


@pytest.mark.parametrize("status", [200, 201, 202, 206, 226, 299, 300, 301, 308, 400, 404, 418, 451, 499, 500, 503,
                                    504, 599])
def test_statuses(answers, status):
    """RFC 9110 15: passed on as they are, with their reason"""
    path = say(answers, f"HTTP/1.1 {status} My Reason\r\nContent-Length: 2\r\n\r\nok".encode())
    r = answers.get(path)
    assert (r.status, r.body) == (status, b"ok")
    assert r.version == "1.1"


def test_error_of_the_origin_is_not_ours(answers):
    """RFC 9209 2.3: no Proxy-Status error on an answer that the origin made"""
    path = say(answers, response(502, "theirs", "Content-Type: text/plain"))
    r = answers.get(path)
    assert r.body == b"theirs" and "error" not in r.fields.get("Proxy-Status", "")


# -- bodies

@pytest.mark.parametrize("size", [0, 1, 1000, 8191, 8192, 65535, 65536, 65537, 1 << 20])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_answer_bodies(answers, size, framing):
    """RFC 9112 6.3, 7.1"""
    body = hashlib.shake_128(str(size).encode()).digest(size)
    pieces = [body[i:i + 7000] for i in range(0, size, 7000)]
    out = {"length": response(200, body),
           "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(*pieces),
           "close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body}[framing]
    path = say(answers, out)
    with answers.client() as c:
        for _ in range(2):
            r = c.ask(target=path)
            assert r.status == 200 and r.body == body
            if framing == "length":
                assert r["Content-Length"] == str(size)
            else:
                assert r["Transfer-Encoding"] == "chunked"  # so that the end can be seen


@pytest.mark.parametrize("size", [0, 1, 8192, 65537, 1 << 20])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("split", [False, True])
def test_request_bodies(site, size, framing, split):
    """RFC 9112 6.3, 7.1"""
    body = hashlib.shake_128(str(size).encode()).digest(size)
    if framing == "length":
        head, data = f"POST /up HTTP/1.1\r\n{H}Content-Length: {size}\r\n\r\n", body
    else:
        head = f"POST /up HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n"
        data = chunked(*[body[i:i + 5000] for i in range(0, size, 5000)])
    seen = len(site.origin.requests)
    with site.client() as c:
        for _ in range(2):
            if split:
                c.send(head)
                c.send_slowly(data, max(1, len(data) // 20), 0.001)
            else:
                c.send(head.encode() + data)
            assert c.read_response().body == body
    got = site.origin.requests[seen]
    assert got.fields.get("Content-Length") == (str(size) if framing == "length" else None)


def test_no_body_is_no_framing(site):
    """RFC 9110 8.6: a GET without body gets neither Content-Length nor Transfer-Encoding"""
    seen = len(site.origin.requests)
    site.get("/plain")
    got = site.origin.requests[seen]
    assert "Content-Length" not in got.fields and "Transfer-Encoding" not in got.fields


def test_post_of_nothing(site):
    """RFC 9110 8.6: a POST without body still says Content-Length: 0 if the client did"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.ask("POST", "/", body=b"")
    assert site.origin.requests[seen]["Content-Length"] == "0"


def test_trailers_up(site):
    """RFC 9110 6.5: forwarded, but not those that have no place there"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.send(f"POST /t HTTP/1.1\r\n{H}Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n".encode() +
               chunked("abc", trailers=["X-Sum: 42", "X-Other: a"]))
        assert c.read_response().status == 200
        assert c.ask(target="/after").status == 200
    got = site.origin.requests[seen]
    assert got.trailers.get("X-Sum") == "42" and got.trailers.get("X-Other") == "a"
    assert got["Trailer"] == "X-Sum"


@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked", "Host: other",
                                   "Authorization: Basic eA==", "Connection: x"])
def test_forbidden_trailers_up(site, field):
    """RFC 9110 6.5.1: refused or dropped, never merged into the head, never forwarded"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.send(f"POST /t HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n".encode() +
               chunked("abc", trailers=[field]))
        r = c.read_response()
        assert r.status in (200, 400)
    name = field.split(":")[0]
    for got in site.origin.requests[seen:]:
        assert name not in got.trailers
        if r.status == 200:
            assert got.fields.get(name) != field.split(": ")[1] or name == "Transfer-Encoding"


def test_trailers_down(answers):
    """RFC 9110 6.5, RFC 9112 7.1.2"""
    path = say(answers, b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n" +
               chunked("abc", "def", trailers=["X-Sum: 42", "X-Other: a"]))
    with answers.client() as c:
        c.request("GET", path, "TE: trailers", "Connection: TE")
        r = c.read_response()
        assert r.body == b"abcdef" and r.trailers.get("X-Sum") == "42"
        assert r.trailers.get("X-Other") == "a"
        assert c.ask(target=say(answers, response(200, "x"))).body == b"x"


@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close",
                                   "Set-Cookie: a=b"])
def test_forbidden_trailers_down(answers, field):
    """RFC 9110 6.5.1: dropped, or the answer broken off; never forwarded"""
    path = say(answers, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
               chunked("abc", trailers=["X-Sum: 42", field]))
    with answers.client() as c:
        try:
            r = c.ask(target=path)
        except Truncated:
            return
        assert r.status == 502 or (r.body == b"abc" and field.split(":")[0] not in r.trailers)


def test_chunked_to_1_0_client(answers):
    """RFC 9112 6.1, 9.3: no chunked to a 1.0 client; the end is the connection's end"""
    path = say(answers, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("abc", "def"))
    for extra in [], ["Connection: keep-alive"]:
        with answers.client() as c:
            c.request("GET", path, *extra, version="1.0")
            r = c.read_response()
            assert r.body == b"abcdef" and "Transfer-Encoding" not in r.fields
            assert not r.keep_alive() or "Content-Length" in r.fields


def test_truncated_chunked_to_1_0_client(place):
    """RFC 9112 8: a 1.0 client has only the connection's end to go by: it must not be a clean one"""
    def script(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
        c.close()
    site = place.site(script)
    with site.client() as c:
        c.request("GET", "/", version="1.0")
        with pytest.raises(Truncated):
            c.read_response()


# -- persistence: RFC 9112 9.3, 9.6

PERSIST = [
    # version, Connection, stays open
    ("1.1", None, True),
    ("1.1", "keep-alive", True),
    ("1.1", "close", False),
    ("1.1", "Close", False),
    ("1.1", "foo, close", False),
    ("1.1", "close, keep-alive", False),
    ("1.0", None, False),
    ("1.0", "keep-alive", True),
    ("1.0", "Keep-Alive", True),
    ("1.0", "close", False),
]


@pytest.mark.parametrize("version,option,stays_open", PERSIST)
def test_persistence(site, version, option, stays_open):
    """RFC 9112 9.3"""
    with site.client() as c:
        c.request("GET", "/", *([f"Connection: {option}"] if option else []), version=version)
        r = c.read_response()
        assert r.status == 200
        if stays_open:
            if version == "1.0":
                assert r.keep_alive() or "keep-alive" in [m.lower() for m in r.fields.members("Connection")]
            assert c.ask(version=version).status == 200
        else:
            assert "close" in r.fields.members("Connection")
            c.expect_end(clean=True)


def test_close_of_the_origin_does_not_close_the_client(answers):
    """RFC 9110 7.6.1: Connection is about one hop"""
    path = say(answers, response(200, "x", "Connection: close"))
    with answers.client() as c:
        for _ in range(3):
            r = c.ask(target=path)
            assert r.body == b"x" and r.keep_alive()


@pytest.mark.parametrize("head,body", [
    (b"HTTP/1.0 200 OK\r\n\r\n", b"until the end"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n", b"four"),
    (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\n", b"four"),
])
def test_1_0_origin(answers, head, body):
    """RFC 9112 9.3: answered as 1.1, with an end that can be seen"""
    path = say(answers, head + body)
    with answers.client() as c:
        for _ in range(3):
            r = c.ask(target=path)
            assert r.body == body and r.version == "1.1" and r.keep_alive()


def test_request_goes_out_as_1_1(site):
    """RFC 9110 2.5: our own version, not the client's"""
    seen = len(site.origin.requests)
    with site.client() as c:
        assert c.ask(version="1.0").status == 200
    assert site.origin.requests[seen].version == "1.1"


def test_1_0_client_without_host(site):
    """RFC 9112 3.2: the origin gets a Host all the same"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.request(version="1.0", host=None)
        assert c.read_response().status == 200
    assert len(site.origin.requests[seen].fields.all("Host")) == 1


def test_upstream_connection_is_reused(place):
    """RFC 9112 9.3: one connection for a sequence of requests, also of several clients"""
    site = place.site(echo)
    for _ in range(5):
        with site.client() as c:
            for _ in range(5):
                assert c.ask().status == 200
    assert len(site.origin.connections) == 1
    assert "close" not in site.origin.requests[0].fields.members("Connection")


def test_half_closed_client(site):
    """RFC 9112 9.6: a client that has said all may close its sending side: it gets a prompt answer
    (work that takes long is cancelled: test_cancelled_while_waiting)"""
    for _ in range(50):
        with site.client() as c:
            c.request("POST", "/half", body="abc").half_close()
            assert c.read_response().body == b"abc"
            c.expect_end()


def test_half_close_in_the_middle_of_a_request(site):
    """RFC 9112 8: an incomplete request is an error"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.send(f"POST /cut HTTP/1.1\r\n{H}Content-Length: 10\r\n\r\nabc").half_close()
        rest = c.read_all()
        assert not rest or rest.startswith(b"HTTP/1.1 4")
    for r in site.origin.requests[seen:]:
        r.conn.ended.wait(10)
        assert not r.complete
    with site.client() as c:
        c.send("GET /cut HTTP/1.1\r\nHo").half_close()
        rest = c.read_all()
        assert not rest or rest.startswith(b"HTTP/1.1 4")


# -- pipelining: RFC 9112 9.3.2

def test_pipelining(site):
    """Answers come in the order of the requests, bodies where they belong"""
    data, want = b"", []
    for i in range(60):
        body = b"" if i % 3 == 0 else str(i).encode() * (1 if i % 3 == 1 else 5000)
        if i % 5 == 4:
            data += f"POST /{i} HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n".encode() + \
                chunked(*([body] if body else []))
        else:
            data += request("POST" if body else "GET", f"/{i}", body=body or None)
        want.append((f"/{i}", body))
    with site.client() as c:
        sender = Checked(c.send, data)
        for path, body in want:
            r = c.read_response()
            assert (r["X-Target"], r.body) == (path, body)
        sender.result()
        assert c.ask(target="/last")["X-Target"] == "/last"


def test_pipelining_in_one_segment(site):
    with site.client() as c:
        c.send(b"".join(request(target=f"/{i}") for i in range(100)))
        assert [c.read_response()["X-Target"] for _ in range(100)] == [f"/{i}" for i in range(100)]


def test_pipelining_split_anywhere(site):
    data = request("POST", "/a", body="xyz") + request(target="/b") + \
        f"POST /c HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n".encode() + chunked("12", "3")
    for at in range(1, len(data), 7):
        with site.client() as c:
            c.send(data[:at])
            c.send(data[at:])
            assert [c.read_response().body for _ in range(3)] == [b"xyz", b"", b"123"]


def test_pipelining_mixed_heads(site):
    """HEAD between GETs: nothing is taken for its body"""
    with site.client() as c:
        c.send(request("HEAD", "/1") + request("POST", "/2", body="two") + request("HEAD", "/3"))
        assert c.read_response("HEAD")["X-Target"] == "/1"
        assert c.read_response().body == b"two"
        assert c.read_response("HEAD")["X-Target"] == "/3"


def test_pipelining_ends_with_close(site):
    """RFC 9112 9.6: nothing is read after a request that says close"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.send(request(target="/1") + request("GET", "/2", "Connection: close") + request(target="/3"))
        assert [c.read_response()["X-Target"] for _ in range(2)] == ["/1", "/2"]
        c.expect_end()
    assert site.origin.paths()[seen:] == ["/1", "/2"]


# -- targets: RFC 9112 3.2

def test_absolute_form(site):
    """RFC 9112 3.2.2: forwarded in origin form; the target's host wins over Host"""
    seen = len(site.origin.requests)
    with site.client() as c:
        c.request("GET", "http://Example.COM:81/a?b=c", host="other")
        assert c.read_response().status == 200
    got = site.origin.requests[seen]
    assert got.target == "/a?b=c" and got["Host"].lower() == "example.com:81"


@pytest.mark.parametrize("target,sent", [("http://test", "/"), ("http://test?a=b", "/?a=b"), ("HTTP://test/x", "/x")])
def test_absolute_form_without_path(site, target, sent):
    """RFC 9112 3.2.1: an empty path is sent as /"""
    seen = len(site.origin.requests)
    assert site.get(target).status == 200
    assert site.origin.requests[seen].target == sent


def test_asterisk_form(site):
    """RFC 9112 3.2.4, RFC 9110 9.3.7: OPTIONS * goes to the origin as it is"""
    seen = len(site.origin.requests)
    r = site.get("*", method="OPTIONS")
    assert r.status == 200
    assert site.origin.requests[seen].target == "*"


@pytest.mark.parametrize("target", ["/a%20b", "/a%2Fb", "/%E4", "/a?b=%zz", "/a//b", "/a;v=1/b", "/a?b?c", "/a?",
                                    "/?a=1&a=2", "/%61", "/a+b", "/.well-known/x", "/a/b/"])
def test_target_is_forwarded_as_it_came(site, target):
    """RFC 9110 7.7: a proxy must not rewrite path and query"""
    seen = len(site.origin.requests)
    assert site.get(target).status == 200
    assert site.origin.requests[seen].target == target


def test_connect_is_refused(site):
    """RFC 9110 9.3.6"""
    seen = len(site.origin.requests)
    r = site.get("test:443", method="CONNECT", host="test:443")
    assert r.status in (400, 405, 501)
    assert len(site.origin.requests) == seen


# -- Max-Forwards: RFC 9110 7.6.2

@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_max_forwards_counts_down(site, method):
    seen = len(site.origin.requests)
    r = site.get("/", "Max-Forwards: 3", method=method)
    if r.status == 405 and method == "TRACE":
        pytest.skip("TRACE is refused")
    assert site.origin.requests[seen]["Max-Forwards"] == "2"


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_max_forwards_zero_ends_here(site, method):
    """RFC 9110 7.6.2: the recipient at 0 answers itself"""
    seen = len(site.origin.requests)
    r = site.get("/", "Max-Forwards: 0", method=method)
    assert r.status in (200, 204) or (method == "TRACE" and r.status == 405)
    assert len(site.origin.requests) == seen


def test_max_forwards_means_nothing_to_others(site):
    seen = len(site.origin.requests)
    assert site.get("/", "Max-Forwards: 0").status == 200
    assert site.origin.requests[seen]["Max-Forwards"] == "0"


# -- Expect: RFC 9110 10.1.1

def test_expect_is_answered_by_the_origin(place):
    """The origin's 100 comes through, and only then the body goes"""
    def script(c, r):
        assert r.fields.get("Expect", "").lower() == "100-continue", r
        c.send("HTTP/1.1 100 Continue\r\n\r\n")
        body = c.body_of(r).read()
        return response(200, body)
    site = place.site(head=script)
    with site.client() as c:
        c.send(f"POST /e HTTP/1.1\r\n{H}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert c.read_response_head().status == 100
        c.send("hello")
        r = c.read_response()
        assert r.status == 200 and r.body == b"hello"
        assert c.silent(0.2)


def test_expect_of_a_deaf_origin(place):
    """An origin that never says 100: the body gets there all the same, the client is not stuck"""
    site = place.site(echo)
    with site.client() as c:
        c.send(f"POST /e HTTP/1.1\r\n{H}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        # a client may send after a while without 100 (RFC 9110 10.1.1)
        first = c.silent(2)
        if first:
            c.send("hello")
        else:
            assert c.read_response_head().status == 100
            c.send("hello")
        r = c.read_response()
        assert r.status == 200 and r.body == b"hello"


def test_expect_refused_by_the_origin(place):
    """A final status instead of 100: the body is not wanted, and what follows is not a request"""
    def script(c, r):
        return response(417, "no", "Connection: close")
    site = place.site(head=script)
    with site.client() as c:
        c.send(f"POST /e HTTP/1.1\r\n{H}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        r = c.read_response()
        assert r.status == 417
        # either the connection ends, or it waits for the body and goes on behind it
        if r.keep_alive():
            c.send("hello")
            assert c.ask(target="/next").status == 417
        else:
            c.expect_end()


def test_expect_with_the_body_at_once(site):
    """RFC 9110 10.1.1: a 100 may be left out once the body is coming"""
    with site.client() as c:
        c.send(f"POST /e HTTP/1.1\r\n{H}Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
        assert c.read_response().body == b"hello"
        assert c.ask(target="/next").status == 200


def test_expect_from_1_0_is_ignored(site):
    """RFC 9110 10.1.1: no 100 to a 1.0 client"""
    with site.client() as c:
        c.send(f"POST /e HTTP/1.0\r\n{H}Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
        assert c.read_response_head().status == 200


def test_expect_something_else(site):
    """RFC 9110 10.1.1: 417, or forwarded for the origin to decide"""
    r = site.get("/", "Expect: the-unexpected")
    assert r.status in (200, 417)


def test_expect_when_we_refuse(place):
    """The body is never asked for when it would be refused anyway"""
    site = place.site(echo, listener={"limits": {"body_size": "1KiB"}})
    with site.client() as c:
        c.send(f"POST /e HTTP/1.1\r\n{H}Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n")
        r = c.read_response()
        assert r.status == 413 and not r.interim and not r.keep_alive()
        c.expect_end()


# -- interim answers: RFC 9110 15.2

def test_interim_answers_are_relayed(answers):
    """RFC 9110 15.2, RFC 8297"""
    path = say(answers, b"HTTP/1.1 102 Processing\r\n\r\n"
               b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x\r\nX: y\r\n\r\n"
               b"HTTP/1.1 103 Early Hints\r\nLink: </b.css>; rel=preload\r\n\r\n" + response(200, "done"))
    with answers.client() as c:
        for _ in range(2):
            r = c.ask(target=path)
            assert r.body == b"done"
            assert [i.status for i in r.interim] == [102, 103, 103]
            assert r.interim[1]["Link"].startswith("</a.css>") and r.interim[2]["Link"].startswith("</b.css>")
            assert "X" not in r.interim[1].fields
            assert "Link" not in r.fields


def test_interim_answer_arrives_at_once(place):
    """RFC 8297 2: a hint is only worth something early"""
    go = threading.Event()

    def script(c, r):
        c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        assert go.wait(30)
        return response(200, "done")
    site = place.site(script)
    with site.client() as c:
        c.request()
        assert c.read_response_head().status == 103
        go.set()
        assert c.read_response().body == b"done"


def test_interim_answers_not_to_1_0(answers):
    """RFC 9110 15.2: no 1xx to a 1.0 client"""
    path = say(answers, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + response(200, "done"))
    with answers.client() as c:
        c.request("GET", path, version="1.0")
        assert c.read_response_head().status == 200


def test_unasked_100_is_harmless(answers):
    """RFC 9110 15.2.1: a 100 that nobody asked for is not an answer"""
    path = say(answers, b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, "done"))
    with answers.client() as c:
        assert c.ask(target=path).body == b"done"
        assert c.ask(target=path).body == b"done"


def test_endless_interim_answers(place):
    """An origin that says 102 for ever is broken off at some time limit, and harms nobody else"""
    def script(c, r):
        if r.path == "/ok":
            return response(200, "ok")
        for _ in range(20000):
            c.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        return response(200, "end")
    site = place.site(script)
    with site.client() as c:
        c.request()
        assert site.get("/ok").body == b"ok"


# -- bounds

def test_max_body_with_length(place):
    """RFC 9110 15.5.14: 413 from the head alone; nothing reaches the origin"""
    site = place.site(echo, route={"max_body": "10KiB"})
    with site.client() as c:
        assert c.ask("POST", body="x" * 10240).status == 200
    with site.client() as c:
        c.send(f"POST / HTTP/1.1\r\n{H}Content-Length: 10241\r\n\r\n")
        r = c.read_response()
        assert r.status == 413 and not r.keep_alive()
        assert r["Content-Type"] == "application/problem+json"
    assert len(site.origin.requests) == 1


def test_max_body_chunked(place):
    """Counted as it comes: the origin never sees a whole request"""
    site = place.site(echo, route={"max_body": "10KiB"})
    with site.client() as c:
        c.send(f"POST / HTTP/1.1\r\n{H}Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            c.try_send(b"400\r\n" + b"x" * 1024 + b"\r\n")
        c.try_send(b"0\r\n\r\n")
        assert c.read_response().status == 413
        c.expect_end()
    for r in site.origin.requests:
        r.conn.ended.wait(10)
        assert not r.complete


def test_route_may_allow_more_than_the_listener(place):
    site = place.site(echo, listener={"limits": {"body_size": "1KiB"}},
                      routes=[{"match": {"path": "/big"}, "upstream": "origin", "max_body": "1MiB"},
                              {"upstream": "origin"}])
    with site.client() as c:
        assert c.ask("POST", "/big", body="x" * 100000).status == 200
    with site.client() as c:
        c.try_send(request("POST", "/", body="x" * 100000))
        assert c.read_response().status == 413


# -- many at once

def test_many_clients_never_get_anothers_answer(place):
    """Answers of mixed sizes and framings to 40 clients over few upstream connections"""
    def script(c, r):
        n = int(r.path[1:].split("-")[1])
        body = (r.path.encode() + b";") * (n * 50 + 1)
        if n % 2:
            return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(
                *[body[i:i + 3000] for i in range(0, len(body), 3000)])
        return response(200, body)
    origin = place.origin(script)
    site = place.proxy(simple(origin, workers=2, upstream={"pool": {"max_connections": 5, "queue": 1000,
                                                                    "acquire_timeout": "60s"}}))

    def one(i):
        with site.client() as c:
            for k in range(20):
                path = f"/{i}-{k}"
                r = c.ask(target=path)
                assert r.status == 200 and set(r.body.split(b";")) == {path.encode(), b""}, r
    threads = [Checked(one, i) for i in range(40)]
    for t in threads:
        t.result()
    assert len(origin.connections) <= 5 or all(len(c.requests) for c in origin.connections)
