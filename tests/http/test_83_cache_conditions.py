# SPDX-License-Identifier: BSD-2-Clause
"""Preconditions and ranges against what is stored, validation, what requests may ask for, and stale
answers. "Age: 100" in an origin's answer makes a lifetime pass without waiting."""

import time

import pytest

from lib import (DEADLINE, CacheSite, date, is_hit, multipart, ok, pattern, request, reset_now, response, stays,
                 status_of, together, wait_for)

MIB = 1 << 20
ROUTES = {
    "swr.test": {"cache": {"stale_while_revalidate": "60s"}},
    "noerror.test": {"cache": {"stale_if_error": "0s"}},
    "deaf.test": {"cache": {"unsafe": ["request"]}},
}


@pytest.fixture(scope="module")
def site(module_place):
    return CacheSite(module_place, ROUTES, workers=2)


def stale(body=b"old", *fields, cc="max-age=10", age=20):
    """An answer that is stale when it arrives, by (age - lifetime) seconds."""
    return ok(body, f"Age: {age}", *fields, cc=cc)


# -- preconditions (RFC 9110 13, RFC 9111 4.3.2)

CHANGED = "Mon, 02 Nov 2026 10:00:00 GMT"
BEFORE = "Mon, 02 Nov 2026 09:59:59 GMT"
AFTER = "Mon, 02 Nov 2026 10:00:01 GMT"

PRECONDITIONS = [
    # RFC 9110 13.1.2: weak comparison, lists, any
    ('If-None-Match: "v1"', 304), ('If-None-Match: W/"v1"', 304), ('If-None-Match: "x", "v1"', 304),
    ("If-None-Match: *", 304), ('If-None-Match: "v2"', 200), ('If-None-Match: "V1"', 200), ("If-None-Match: v1", 200),
    ('If-None-Match: "x", W/"y"', 200), ('If-None-Match: "a,b", "v1"', 304),
    # RFC 9110 13.1.3: not earlier than
    (f"If-Modified-Since: {CHANGED}", 304), (f"If-Modified-Since: {AFTER}", 304),
    (f"If-Modified-Since: {BEFORE}", 200),
    ("If-Modified-Since: yesterday", 200), ("If-Modified-Since: Monday, 02-Nov-26 10:00:00 GMT", 304),
    ("If-Modified-Since: Mon Nov  2 10:00:00 2026", 304),
    # RFC 9110 13.2.2: If-None-Match goes first, the date is then not looked at
    (f'If-None-Match: "v2"\r\nIf-Modified-Since: {AFTER}', 200),
    (f'If-None-Match: "v1"\r\nIf-Modified-Since: {BEFORE}', 304),
    ('If-None-Match: "x"\r\nIf-None-Match: "v1"', 304),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("fields,status", PRECONDITIONS, ids=[p[0].replace("\r\n", " + ") for p in PRECONDITIONS])
def test_preconditions(site, fields, status, method):
    path = site.put(ok(b"hello", 'ETag: "v1"', f"Last-Modified: {CHANGED}"))
    site.warm(path)
    with site.client() as c:
        r = c.ask(method, path, *fields.split("\r\n"))
        assert r.status == status and is_hit(r) and site.asked(path) == 1
        assert c.ask("GET", path).body == b"hello", "the connection goes on in step"


def test_fields_of_a_304(site):
    """RFC 9110 15.4.5: what the 200 would have said of these; nothing that describes content; no content"""
    path = site.put(ok(b"hello", 'ETag: "v1"', f"Last-Modified: {CHANGED}", "Vary: X-A", "Content-Location: /c",
                       f"Expires: {date(60)}", "Content-Language: de", "X-Mine: a"))
    first = site.warm(path)
    r = site.get(path, 'If-None-Match: "v1"')
    assert r.status == 304 and r.body == b"" and is_hit(r)
    for name in ("Cache-Control", "Content-Location", "Date", "ETag", "Expires", "Vary"):
        assert r[name] == first[name], name
    for name in ("Content-Length", "Transfer-Encoding", "Content-Type", "Content-Language"):
        assert name not in r.fields, name
    assert "Age" in r.fields and r["Via"] == "1.1 tiercel"


def test_if_modified_since_against_date(site):
    """RFC 9111 4.3.2: no Last-Modified, so the Date of the stored answer is compared"""
    path = site.put(ok(b"x", f"Date: {date(-5)}"))
    site.warm(path)
    assert site.get(path, f"If-Modified-Since: {date(0)}").status == 304
    assert site.get(path, f"If-Modified-Since: {date(-60)}").status == 200


@pytest.mark.parametrize("status", [301, 404, 410])
def test_preconditions_count_for_2xx_alone(site, status):
    """RFC 9110 13.2.1"""
    path = site.put(ok(b"x", 'ETag: "v"', status=status))
    site.warm(path)
    assert site.get(path, 'If-None-Match: "v"').status == status


@pytest.mark.parametrize("field", ['If-Match: "v1"', 'If-Match: "other"', f"If-Unmodified-Since: {BEFORE}"])
def test_preconditions_for_the_origin(site, field):
    """RFC 9111 4.3.2: If-Match and If-Unmodified-Since are not for caches"""
    path = site.put(ok(b"x", 'ETag: "v1"'), response(412))
    site.warm(path)
    assert site.get(path, field).status == 412
    name, value = field.split(": ", 1)
    assert site.origin.saw(path)[1][name] == value


def test_preconditions_on_a_cold_object(site):
    """RFC 9111 3: the whole is stored; the client gets the 304 that it asked for, or the 200"""
    path = site.put(lambda c, r: response(304, b"", 'ETag: "v1"') if "If-None-Match" in r.fields
                    else ok(b"hello", 'ETag: "v1"'))
    assert site.get(path, 'If-None-Match: "v1"').status == 304
    assert site.get(path).body == b"hello", "a 304 to the client's own condition is nothing to store"


# -- ranges (RFC 9110 14)

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"
RANGES = [
    ("bytes=0-4", (0, 4)), ("bytes=5-", (5, 25)), ("bytes=-5", (21, 25)), ("bytes=0-", (0, 25)),
    ("bytes=25-100", (25, 25)),
    ("bytes=-100", (0, 25)), ("bytes=0-0", (0, 0)), ("bytes=-1", (25, 25)), ("BYTES=1-2", (1, 2)),
    ("bytes= 1-2", (1, 2)),
    ("bytes=0-99999999999999999999999999", (0, 25)), ("bytes=1-2,", (1, 2)), ("bytes=3-4, 5-6", (3, 6)),
    ("bytes=26-", 416), ("bytes=26-30", 416), ("bytes=99999999999999999999999999-", 416), ("bytes=100-, 200-", 416),
    ("bytes=5-4", 200), ("bytes=a-b", 200), ("bytes=", 200), ("bytes", 200), ("lines=0-4", 200), ("bytes=0-4-5", 200),
    ("bytes=--5", 200), ("bytes=0x1-2", 200),
]


@pytest.mark.parametrize("value,want", RANGES, ids=[r[0] for r in RANGES])
def test_ranges(site, value, want):
    """RFC 9110 14.1.1, 14.1.2, 14.2, 15.3.7, 15.5.17"""
    path = site.put(ok(ALPHABET, 'ETag: "v1"', "X-Mine: a"))
    site.warm(path)
    with site.client() as c:
        r = c.ask("GET", path, f"Range: {value}")
        assert is_hit(r) and site.asked(path) == 1
        if want == 200:
            assert r.status == 200 and r.body == ALPHABET and "Content-Range" not in r.fields
        elif want == 416:
            assert r.status == 416 and r["Content-Range"] == "bytes */26"
        else:
            assert r.status == 206 and r.body == ALPHABET[want[0]:want[1] + 1]
            assert r["Content-Range"] == f"bytes {want[0]}-{want[1]}/26" and r["Content-Length"] == str(len(r.body))
            assert r["ETag"] == '"v1"' and r["X-Mine"] == "a" and "Date" in r.fields
            assert r["Content-Type"] == "text/plain"
        assert c.ask("GET", path).body == ALPHABET


SETS = [
    ("bytes=0-1,5-6", [(0, 1), (5, 6)]), ("bytes=20-22, -2", [(20, 22), (24, 25)]),
    ("bytes=5-6,0-1", [(5, 6), (0, 1)]),
    ("bytes=0-0,2-2,4-4,6-6", [(i, i) for i in (0, 2, 4, 6)]), ("bytes=0-1, 40-50, 7-7", [(0, 1), (7, 7)]),
]


@pytest.mark.parametrize("value,want", SETS, ids=[s[0] for s in SETS])
def test_several_ranges(site, value, want):
    """RFC 9110 14.6, 15.3.7.2"""
    path = site.put(ok(ALPHABET, 'ETag: "v1"'))
    site.warm(path)
    with site.client() as c:
        r = c.ask("GET", path, f"Range: {value}")
        assert r.status == 206 and "Content-Range" not in r.fields and is_hit(r)
        assert multipart(r) == [(a, b, 26, "text/plain", ALPHABET[a:b + 1]) for a, b in want]
        assert c.ask("GET", path).body == ALPHABET


def test_greedy_ranges(site):
    """RFC 9110 14.2, 17.15: many small or overlapping ranges do not become an attack"""
    data = pattern("greedy", MIB)
    path = site.put(ok(data))
    site.warm(path)
    many = "bytes=" + ",".join("0-" for _ in range(1000))
    r = site.get(path, f"Range: {many}")
    assert r.status in (200, 206) and len(r.body) <= MIB + 1000
    r = site.get(path, "Range: bytes=" + ",".join(f"{i}-{i}" for i in range(0, 3000, 2)))
    assert r.status in (200, 206) and len(r.body) <= MIB + 200 * 1500


def test_ranges_of_large_objects(site):
    """Across blocks, by sendfile, single and multiple"""
    data = pattern("ranges", 5 * MIB)
    path = site.put(ok(data))
    site.warm(path)
    with site.client() as c:
        for a, b in [(0, 0), (0, 4095), (4095, 4096), (65535, 65537), (MIB - 1, MIB), (MIB, 4 * MIB),
                     (1, 5 * MIB - 2),
                     (5 * MIB - 1, 5 * MIB - 1), (123457, 3456789)]:
            r = c.ask("GET", path, f"Range: bytes={a}-{b}")
            assert r.status == 206 and r.body == data[a:b + 1], (a, b)
        r = c.ask("GET", path, "Range: bytes=10-20,1000000-3000000,5000000-5000001,-3")
        assert [p[:2] for p in multipart(r)] == [(10, 20), (1000000, 3000000), (5000000, 5000001),
                                                 (5 * MIB - 3, 5 * MIB - 1)]
        assert all(p[4] == data[p[0]:p[1] + 1] for p in multipart(r))
        assert c.ask("GET", path).body == data


IF_RANGE = [
    ('"v1"', 206), ('"v2"', 200), ('W/"v1"', 200), (CHANGED, 206), (AFTER, 200), (BEFORE, 200), ("nonsense", 200),
]


@pytest.mark.parametrize("value,status", IF_RANGE)
def test_if_range(site, value, status):
    """RFC 9110 13.1.5: strong comparison, exact date"""
    path = site.put(ok(ALPHABET, 'ETag: "v1"', f"Last-Modified: {CHANGED}"))
    site.warm(path)
    r = site.get(path, "Range: bytes=0-4", f"If-Range: {value}")
    assert (r.status, r.body) == ((206, b"abcde") if status == 206 else (200, ALPHABET))
    assert is_hit(r)


def test_range_with_other_conditions(site):
    """RFC 9110 13.2.2: If-None-Match goes before Range; 14.2: Range is for GET alone"""
    path = site.put(ok(ALPHABET, 'ETag: "v1"'))
    site.warm(path)
    assert site.get(path, "Range: bytes=0-4", 'If-None-Match: "v1"').status == 304
    assert site.get(path, "Range: bytes=0-4", 'If-None-Match: "v2"').status == 206
    r = site.get(path, "Range: bytes=0-4", method="HEAD")
    assert r.status == 200 and r["Content-Length"] == "26"
    r = site.get(path, "Range: bytes=0-4", version="1.0")
    assert r.status in (200, 206) and r.body in (ALPHABET, b"abcde")


def test_range_of_an_error(site):
    """RFC 9110 14.2: applies where the answer would be 200"""
    path = site.put(ok(ALPHABET, status=404))
    site.warm(path)
    r = site.get(path, "Range: bytes=0-4")
    assert r.status == 404 and r.body == ALPHABET


def ranged(data, *fields):
    """An origin that can do single ranges."""
    def answer(c, r):
        value = r.fields.get("Range", "")
        if not value.startswith("bytes=") or "," in value:
            return ok(data, *fields)
        a, _, b = value[6:].partition("-")
        first = int(a) if a else len(data) - int(b)
        last = min(int(b), len(data) - 1) if a and b else len(data) - 1
        return ok(data[first:last + 1], f"Content-Range: bytes {first}-{last}/{len(data)}", *fields, status=206)
    return answer


def test_parts(site):
    """RFC 9111 3.3: a part answers what it holds, never more; RFC 9110 15.3.7"""
    path = site.put(ranged(ALPHABET, 'ETag: "v1"'))
    for _ in range(2):
        r = site.get(path, "Range: bytes=0-9")
        assert r.status == 206 and r.body == ALPHABET[:10]
    r = site.get(path, "Range: bytes=2-4")
    assert r.status == 206 and r.body == b"cde" and r["Content-Range"] == "bytes 2-4/26"
    r = site.get(path, "Range: bytes=5-14")
    assert r.status == 206 and r.body == ALPHABET[5:15]
    r = site.get(path)
    assert r.status == 200 and r.body == ALPHABET
    r = site.get(path)
    assert r.status == 200 and r.body == ALPHABET


def test_parts_are_completed(site):
    """RFC 9111 3.4: with the same strong validator the missing rest makes a whole"""
    path = site.put(ranged(ALPHABET, 'ETag: "v1"'))
    assert site.get(path, "Range: bytes=0-9").body == ALPHABET[:10]
    for _ in range(3):
        r = site.get(path)
        assert r.status == 200 and r.body == ALPHABET
        assert r["Content-Length"] == "26" and "Content-Range" not in r.fields
    assert site.asked(path) <= 2


def test_middle_part_then_whole(site):
    """RFC 9110 15.3.7: who asks for no range gets no 206"""
    path = site.put(ranged(ALPHABET, 'ETag: "v1"'))
    assert site.get(path, "Range: bytes=10-19").body == ALPHABET[10:20]
    for _ in range(2):
        r = site.get(path)
        assert r.status == 200 and r.body == ALPHABET


def test_parts_of_different_versions_are_not_mixed(site):
    """RFC 9111 3.4; and some origins do not know If-Range"""
    path = site.put(ranged(b"A" * 26, 'ETag: "v1"'), ranged(b"B" * 26, 'ETag: "v2"'))
    assert site.get(path, "Range: bytes=0-9").body == b"A" * 10
    for _ in range(3):
        r = site.get(path)
        assert r.status == 200 and r.body == b"B" * 26


# -- validation (RFC 9111 4.3)


def test_validation_with_a_304(site):
    """RFC 9111 4.3.1, 4.3.4, 3.2: fields are updated, the content and what describes it are not"""
    new_date = date(0)
    path = site.put(stale(b"hello", 'ETag: "v1"', f"Last-Modified: {CHANGED}", "X-A: old", "X-B: stays"),
                    response(304, b"", 'ETag: "v1"', "Cache-Control: max-age=77", "X-A: new", f"Date: {new_date}",
                             "X-C: more", "Content-Encoding: gzip", "Content-Type: text/css"))
    site.warm(path)
    for i in range(3):
        r = site.get(path)
        assert r.status == 200 and r.body == b"hello" and r["Content-Length"] == "5"
        assert r["X-A"] == "new" and r["X-B"] == "stays" and r["X-C"] == "more" and r["Cache-Control"] == "max-age=77"
        assert r["Date"] == new_date and "Content-Encoding" not in r.fields
        status = status_of(r)
        if i == 0:
            assert status["fwd"] == "stale" and status["fwd-status"] == 304
        else:
            assert status.hit and status["ttl"] > 60
    asked = site.origin.saw(path)[1]
    assert asked["If-None-Match"] == '"v1"' and asked["If-Modified-Since"] == CHANGED and site.asked(path) == 2


def test_304_with_a_content_length(site):
    """RFC 9110 8.6: of a 304 it is the 200's; no content follows, and the stored length stays"""
    path = site.put(stale(b"hello", 'ETag: "v1"'),
                    b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\nCache-Control: max-age=60\r\n'
                    b'Content-Length: 1000\r\n\r\n')
    site.warm(path)
    for _ in range(3):
        r = site.get(path)
        assert r.status == 200 and r.body == b"hello" and r["Content-Length"] == "5"
    assert site.asked(path) == 2


def test_validation_with_a_200(site):
    """RFC 9111 4.3.3: a full answer replaces the stored one"""
    path = site.put(stale(b"old", 'ETag: "v1"'), ok(b"new", 'ETag: "v2"'))
    site.warm(path)
    r = site.get(path)
    assert r.body == b"new" and status_of(r)["fwd"] == "stale" and status_of(r)["stored"]
    assert site.get(path).body == b"new" and site.asked(path) == 2


def test_validation_of_the_right_variant(site):
    """RFC 9111 4.3.1: the validator of what the request selects"""
    def answer(c, r):
        tag = f'"{r.fields.get("X-A")}"'
        if r.fields.get("If-None-Match") == tag:
            return response(304, b"", f"ETag: {tag}", "Vary: X-A", "Cache-Control: max-age=60")
        return stale(r.fields.get("X-A").encode(), f"ETag: {tag}", "Vary: X-A")
    path = site.put(answer)
    site.warm(path, "X-A: 1"), site.warm(path, "X-A: 2")
    for a in ("1", "2"):
        for _ in range(2):
            assert site.get(path, f"X-A: {a}").body == a.encode()
    assert site.asked(path) == 4
    assert [r.fields.get("If-None-Match") for r in site.origin.saw(path)] == [None, None, '"1"', '"2"']


def test_clients_conditions_while_stale(site):
    """RFC 9111 4.3.2: ours are for the origin, the client's are judged with what comes back"""
    path = site.put(stale(b"one", 'ETag: "v1"'), lambda c, r: response(304, b"", 'ETag: "v1"',
            "Cache-Control: max-age=60")
                    if '"v1"' in r.fields.get("If-None-Match", "") else response(500))
    site.warm(path)
    assert site.get(path, 'If-None-Match: "v0"').body == b"one"
    assert site.get(path, 'If-None-Match: "v1"').status == 304
    assert site.asked(path) == 2


def test_clients_condition_holds_for_the_new_one(site):
    path = site.put(stale(b"one", 'ETag: "v1"'), ok(b"two", 'ETag: "v2"'))
    site.warm(path)
    assert site.get(path, 'If-None-Match: "v1"').body == b"two"


def test_no_cache_is_stored_and_asked_about(site):
    """RFC 9111 5.2.2.4"""
    path = site.put(ok(b"x", 'ETag: "v1"', cc="no-cache"), response(304, b"", 'ETag: "v1"',
                                                                    "Cache-Control: no-cache"))
    for i in range(4):
        assert site.get(path).body == b"x" and site.asked(path) == i + 1
    assert all(r["If-None-Match"] == '"v1"' for r in site.origin.saw(path)[1:])


def test_304_that_names_another_version(site):
    """RFC 9111 4.3.4: a validator that selects nothing updates nothing"""
    path = site.put(stale(b"old", 'ETag: "v1"'), response(304, b"", 'ETag: "v9"', "Cache-Control: max-age=60"),
                    ok(b"new", 'ETag: "v9"'))
    site.warm(path)
    assert site.get(path).body == b"new"


def test_head_updates_and_outdates(site):
    """RFC 9111 4.3.5: HEAD's answer refreshes what it agrees with and makes stale what it does not"""
    path = site.put(ok(b"hello", 'ETag: "v1"', "X-A: old"),
                    lambda c, r: response(200, b"", "Content-Length: 5", 'ETag: "v1"', "X-A: new",
                                          "Cache-Control: max-age=60",
                                          length=False) if r.method == "HEAD" else response(500),
                    lambda c, r: response(200, b"", "Content-Length: 7", 'ETag: "v2"', "Cache-Control: max-age=60",
                                          length=False) if r.method == "HEAD" else response(500),
                    ok(b"changed", 'ETag: "v2"'))
    site.warm(path)
    r = site.get(path, "Cache-Control: no-cache", method="HEAD")
    assert r.status == 200 and r["X-A"] == "new"
    r = site.get(path)
    assert r.body == b"hello" and r["X-A"] == "new"
    assert site.get(path, "Cache-Control: no-cache", method="HEAD").status == 200
    assert site.get(path).body == b"changed"


def test_head_without_a_validator_proves_nothing(site):
    """RFC 9111 4.3.5 compares what is there: an equal length alone does not make an old body new"""
    path = site.put(ok(b"old", "Age: 100"), ok(b"new", "X-New: 1"), ok(b"new", "X-New: 1"))
    site.warm(path)
    assert site.get(path, method="HEAD")["X-New"] == "1"
    r = site.get(path)
    assert (r.body, "X-New" in r.fields) in ((b"new", True), (b"old", False))


# -- what requests ask for (RFC 9111 5.2.1)

ASKED = [
    # stored: lifetime 60, age 10
    ("Cache-Control: no-cache", False), ("Pragma: no-cache", False), ("Cache-Control: max-age=0", False),
    ("Cache-Control: max-age=5", False), ("Cache-Control: max-age=30", True), ("Cache-Control: min-fresh=30", True),
    ("Cache-Control: min-fresh=55", False), ("Cache-Control: max-stale", True), ("Cache-Control: no-store", True),
    ("Cache-Control: only-if-cached", True), ("Pragma: foo", True), ("Cache-Control: unknown=1", True),
    ("Cache-Control: NO-CACHE", False), ("Cache-Control: max-age=3600\r\nPragma: no-cache", True),
    ("Cache-Control: no-transform", True),
]


@pytest.mark.parametrize("fields,hit", ASKED, ids=[a[0].replace("\r\n", " + ") for a in ASKED])
def test_request_directives(site, fields, hit):
    """RFC 9111 5.2.1, 5.4: no-cache is what Pragma says only where Cache-Control is absent"""
    path = site.put(ok(b"x", "Age: 10", 'ETag: "v"'))
    site.warm(path)
    r = site.get(path, *fields.split("\r\n"))
    assert r.status == 200 and is_hit(r) == hit
    if not hit:
        assert status_of(r)["fwd"] == "request" and site.origin.saw(path)[1]["If-None-Match"] == '"v"'


def test_unsafe_request_is_deaf(site):
    path = site.put(ok())
    site.warm(path, host="deaf.test")
    for field in ("Cache-Control: no-cache", "Pragma: no-cache", "Cache-Control: max-age=0",
                  "Cache-Control: no-store"):
        assert is_hit(site.get(path, field, host="deaf.test"))
    assert site.asked(path) == 1


STALE = [
    # 10 seconds over
    ("Cache-Control: max-stale", True), ("Cache-Control: max-stale=60", True), ("Cache-Control: max-stale=5", False),
    ("Cache-Control: max-stale=60, no-cache", False), ("Cache-Control: max-age=60", False),
    ("Cache-Control: max-stale=60, max-age=60", True), ("Cache-Control: min-fresh=1", False),
]


@pytest.mark.parametrize("field,used", STALE, ids=[s[0] for s in STALE])
def test_max_stale(site, field, used):
    """RFC 9111 5.2.1.2"""
    path = site.put(stale())
    site.warm(path)
    r = site.get(path, field)
    assert (site.asked(path) == 1) == used
    if used:
        assert r.body == b"old" and int(r["Age"]) >= 20 and status_of(r)["ttl"] < 0


@pytest.mark.parametrize("cc", ["max-age=10, must-revalidate", "max-age=10, proxy-revalidate", "s-maxage=10",
                                "max-age=10, no-cache"])
def test_max_stale_against_must_revalidate(site, cc):
    """RFC 9111 5.2.2.2, 5.2.2.8, 5.2.2.10: never stale, whatever the client takes"""
    path = site.put(stale(b"x", 'ETag: "v"', cc=cc), ok(b"new"))
    site.warm(path)
    assert site.get(path, "Cache-Control: max-stale").body == b"new"


def test_only_if_cached(site):
    """RFC 9111 5.2.1.7: what is stored, or 504"""
    path = site.put(ok())
    r = site.get(path, "Cache-Control: only-if-cached")
    assert r.status == 504 and r["Content-Type"] == "application/problem+json" and site.asked(path) == 0
    site.warm(path)
    assert is_hit(site.get(path, "Cache-Control: only-if-cached"))
    old = site.put(stale(b"x", 'ETag: "v"'))
    site.warm(old)
    assert site.get(old, "Cache-Control: only-if-cached").status == 504 and site.asked(old) == 1


def test_request_no_store(site):
    """RFC 9111 5.2.1.5: its answer is not stored"""
    path = site.put(ok())
    for i in (1, 2):
        r = site.get(path, "Cache-Control: no-store")
        assert r.status == 200 and not is_hit(r) and site.asked(path) == i
    assert status_of(r)["detail"] == "request-no-store"


# -- in real time


def test_a_life(site):
    """RFC 9111 4.2: fresh while its age is below its lifetime; then validated, and young again"""
    path = site.put(ok(b"x", 'ETag: "v"', cc="max-age=2"),
                    lambda c, r: response(304, b"", 'ETag: "v"', "Cache-Control: max-age=2"))
    site.warm(path)
    begin = time.monotonic()
    assert is_hit(site.get(path)) or time.monotonic() - begin > 0.9
    time.sleep(max(0, 2.1 - (time.monotonic() - begin)))
    r = site.get(path)
    assert status_of(r)["fwd"] == "stale" and status_of(r)["fwd-status"] == 304 and r.fields.get("Age", "0") == "0"
    assert is_hit(site.get(path)) and site.asked(path) == 2


# -- stale while revalidate (RFC 5861 3)


@pytest.mark.parametrize("how", ["answer", "route"])
def test_stale_while_revalidate(site, how):
    """Everybody gets the old one at once; one request of one worker renews it"""
    cc, host = ("max-age=10, stale-while-revalidate=60", "test") if how == "answer" else ("max-age=10", "swr.test")

    def slowly(c, r):
        time.sleep(0.3)
        return ok(b"new", 'ETag: "v2"')
    path = site.put(stale(b"old", 'ETag: "v1"', cc=cc), slowly)
    site.warm(path, host=host)
    begin = time.monotonic()
    answers = together(40, lambda i: site.get(path, host=host))
    assert all(r.body == b"old" or (r.body == b"new" and time.monotonic() - begin > 0.3) for r in answers)
    assert sum(r.body == b"old" for r in answers) > 5
    old = next(r for r in answers if r.body == b"old")
    assert status_of(old).hit and status_of(old)["ttl"] < 0 and int(old["Age"]) >= 20
    wait_for(lambda: site.get(path, host=host).body == b"new", "the new one")
    assert is_hit(site.get(path, host=host)) and site.asked(path) == 2
    assert site.origin.saw(path)[1]["If-None-Match"] == '"v1"'


def test_stale_while_revalidate_fails(site):
    """The refresh fails: the old one stays in use within its window, and not every request asks"""
    path = site.put(stale(b"old", cc="max-age=10, stale-while-revalidate=60"), lambda c, r: c.close())
    site.warm(path)
    for _ in range(5):
        assert site.get(path).body == b"old"
    assert site.get(path).status == 200


def test_stale_while_revalidate_window(site):
    path = site.put(stale(b"old", cc="max-age=10, stale-while-revalidate=5", age=20), ok(b"new"))
    site.warm(path)
    assert site.get(path).body == b"new"


def test_refresh_that_says_no_store(site):
    """RFC 9111 5.2.2.5: then the old one is not used again as if it were still good"""
    path = site.put(stale(b"old", 'ETag: "v1"', cc="max-age=10, stale-while-revalidate=60"),
                    ok(b"new", cc="no-store"))
    site.warm(path)
    assert site.get(path).body == b"old"
    wait_for(lambda: site.asked(path) >= 2, "the refresh")
    wait_for(lambda: site.get(path).body == b"new", "the change to show")


# -- stale if error (RFC 5861 4)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_stale_if_error_by_status(site, status):
    path = site.put(stale(b"old", 'ETag: "v1"'), response(status, b"oops"))
    site.warm(path)
    r = site.get(path)
    assert r.status == 200 and r.body == b"old" and int(r["Age"]) >= 20
    assert status_of(r)["fwd"] == "stale" and status_of(r)["fwd-status"] == status


@pytest.mark.parametrize("status", [404, 403, 429, 501])
def test_other_statuses_are_answers(site, status):
    path = site.put(stale(b"old", 'ETag: "v1"'), response(status, b"oops"))
    site.warm(path)
    assert site.get(path).status == status


def test_stale_if_error_turned_off(site):
    path = site.put(stale(b"old", 'ETag: "v1"'), response(503, b"oops"))
    site.warm(path, host="noerror.test")
    assert site.get(path, host="noerror.test").status == 503
    path = site.put(stale(b"old", 'ETag: "v1"', cc="max-age=10, stale-if-error=0"), response(503, b"oops"))
    site.warm(path)
    assert site.get(path).status == 503


def test_stale_if_error_without_a_validator(site):
    path = site.put(stale(b"old"), response(503, b"oops"))
    site.warm(path)
    assert site.get(path).body == b"old"


MUST = ["max-age=10, must-revalidate", "max-age=10, proxy-revalidate", "s-maxage=10", "no-cache",
        "max-age=10, must-revalidate, stale-if-error=600"]


@pytest.mark.parametrize("cc", MUST)
def test_never_stale(site, cc):
    """RFC 9111 5.2.2.2: an error, the origin's own if it gave one, else 504 or 502; never a closed connection"""
    path = site.put(stale(b"old", 'ETag: "v1"', cc=cc), response(503, b"oops"), lambda c, r: c.close())
    site.warm(path)
    assert site.get(path).status == 503
    r = site.get(path)
    assert r.status in (502, 504) and r["Content-Type"] == "application/problem+json"


def trouble_site(place, hosts=None, **upstream):
    return CacheSite(place, hosts, upstream={"timeouts": upstream} if upstream else None)


def test_origin_is_gone(place):
    """Connection refused: what is stored goes on for its hour, what is not is 502"""
    site = trouble_site(place)
    path = site.put(stale(b"old", 'ETag: "v1"'))
    must = site.put(stale(b"old", 'ETag: "v1"', cc="max-age=10, must-revalidate"))
    late = site.put(stale(b"old", 'ETag: "v1"', age=2 * 3600))
    for p in (path, must, late):
        site.warm(p)
    site.origin.close()
    for _ in range(3):
        r = site.get(path)
        assert r.status == 200 and r.body == b"old" and status_of(r)["fwd"] == "stale"
    assert site.get(must).status in (502, 504) and site.get(late).status == 502 and site.get("/none").status == 502
    site.origin.listen_again()
    site.shelf.put(path, ok(b"new"))
    wait_for(lambda: site.get(path).body == b"new", "the new one")


@pytest.mark.parametrize("how", ["hang", "close", "reset", "garbage"])
def test_origin_in_trouble(place, how):
    """A deadline passes, or no answer comes: within the deadline the old one is there"""
    def trouble(c, r):
        if how == "hang":
            c.wait_closed()
        elif how == "reset":
            reset_now(c)
        elif how == "garbage":
            c.send(b"\x00\x01\x02 what?\r\n\r\n")
            c.close()
        else:
            c.close()
    site = trouble_site(place, first_byte="400ms")
    path = site.put(stale(b"old", 'ETag: "v1"'), trouble)
    must = site.put(stale(b"old", 'ETag: "v1"', cc="max-age=10, must-revalidate"), trouble)
    site.warm(path), site.warm(must)
    begin = time.monotonic()
    r = site.get(path)
    assert r.body == b"old" and time.monotonic() - begin < DEADLINE / 3
    r = site.get(must)
    assert r.status in (502, 504) and (how != "hang" or r.status == 504)


def test_client_does_not_wait_for_a_refresh_that_hangs(place):
    site = trouble_site(place, first_byte="3s")
    path = site.put(stale(b"old", cc="max-age=10, stale-while-revalidate=60"), lambda c, r: c.wait_closed() and None)
    site.warm(path)
    begin = time.monotonic()
    for _ in range(10):
        assert site.get(path).body == b"old"
    assert time.monotonic() - begin < 2.5
    wait_for(lambda: site.asked(path) == 2, "the refresh")
    assert stays(lambda: site.asked(path) == 2, 0.2)


def test_pipelined_conditions(site):
    """200, 304, 206, 416 and HEAD behind each other on one connection"""
    path = site.put(ok(ALPHABET, 'ETag: "v1"'))
    site.warm(path)
    asks = [("GET", (), 200), ("GET", ('If-None-Match: "v1"',), 304), ("GET", ("Range: bytes=1-2",), 206),
            ("HEAD", (), 200), ("GET", ("Range: bytes=99-",), 416), ("GET", ("Range: bytes=0-0,9-9",), 206)] * 20
    with site.client() as c:
        c.send(b"".join(request(m, path, *f) for m, f, _ in asks))
        for m, _, status in asks:
            assert c.read_response(m).status == status
