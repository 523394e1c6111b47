# SPDX-License-Identifier: BSD-2-Clause
"""Real programs through the proxy: curl, wrk, h2load, a browser; nginx and Python as back ends."""

import hashlib
import os
import re
import shutil
import subprocess
import sys

import pytest

from lib import DEADLINE, Load, free_port, procfs, response, simple, user_name, wait_for


def tool(name):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


def run(*args, timeout=4 * DEADLINE, **kw):
    return subprocess.run([str(a) for a in args], capture_output=True, timeout=timeout, **kw)


class Program:
    """A back end that is a program of its own."""

    def __init__(self, port, *args, cwd=None):
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.process = subprocess.Popen([str(a) for a in args], cwd=cwd, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_for(lambda: procfs.listening(port) or self.process.poll() is not None, args[0])
            if self.process.poll() is not None:
                raise AssertionError(self.process.stderr.read().decode())
        except AssertionError:
            self.close()
            raise

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.process.stderr.close()

    def check(self):
        pass


@pytest.fixture
def files(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    os.chmod(tmp_path, 0o755)
    (root / "small.txt").write_text("small\n")
    (root / "large.bin").write_bytes(hashlib.shake_128(b"large").digest(20 << 20))
    (root / "empty").write_bytes(b"")
    return root


@pytest.fixture
def nginx(place, files, tmp_path):
    port = free_port()
    conf = tmp_path / "nginx.conf"
    conf.write_text(f"""
        daemon off; worker_processes 1; pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log;
        {'user ' + user_name() + ';' if os.geteuid() == 0 else ''}
        events {{ worker_connections 512; }}
        http {{
            access_log off; client_body_temp_path {tmp_path}/body; client_max_body_size 1g;
            proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u;
            scgi_temp_path {tmp_path}/s; gzip on; gzip_min_length 1;
            server {{ listen 127.0.0.1:{port}; root {files};
                location = /echo {{ return 200 "$request_method $http_host $http_x_forwarded_for"; }}
                location = /redirect {{ return 302 /small.txt; }}
                location /put/ {{ dav_methods PUT DELETE; create_full_put_path on; root {tmp_path}; }} }} }}""")
    return place.keep(Program(port, tool("nginx"), "-c", conf, "-p", tmp_path))


@pytest.fixture
def python_server(place, files):
    port = free_port()
    return place.keep(Program(port, sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1",
                              "--directory", files))


def curl(site, target, *args):
    r = run(tool("curl"), "-sS", "--max-time", int(4 * DEADLINE), f"http://127.0.0.1:{site.port()}{target}", *args)
    assert r.returncode == 0, r.stderr.decode()
    return r.stdout


def test_curl_and_nginx(place, nginx, files, tmp_path):
    site = place.proxy(simple(nginx, listener={"limits": {"body_size": "1GiB"}}))
    assert curl(site, "/small.txt") == b"small\n"
    assert curl(site, "/empty") == b""
    assert curl(site, "/large.bin") == (files / "large.bin").read_bytes()
    assert curl(site, "/large.bin", "-r", "1000-1999") == (files / "large.bin").read_bytes()[1000:2000]
    assert curl(site, "/echo", "-H", "Host: shop.example") == b"GET shop.example 127.0.0.1"
    assert curl(site, "/redirect", "-L") == b"small\n"
    assert curl(site, "/small.txt", "--compressed") == b"small\n"
    assert b"404" in curl(site, "/nothing", "-i")
    assert curl(site, "/small.txt", "-I").startswith(b"HTTP/1.1 200")
    assert curl(site, "/small.txt", "--http1.0") == b"small\n"
    assert b"304" in curl(site, "/small.txt", "-i", "-z", files / "small.txt")
    # upload, with Expect: 100-continue as curl does for larger ones
    status = curl(site, "/put/up.bin", "-T", files / "large.bin", "-o", os.devnull, "-w", "%{http_code}")
    if status != b"405":  # a build of nginx without its dav module
        assert status in (b"201", b"204")
        assert (tmp_path / "put" / "up.bin").read_bytes() == (files / "large.bin").read_bytes()
    many = curl(site, "/small.txt?[1-50]", "-w", "%{http_code} %{num_connects}\\n")
    lines = many.decode().split("\n")
    assert lines[0::2][:50] == ["small"] * 50
    assert sum(int(x.split()[1]) for x in lines[1::2][:50]) == 1


def test_curl_chunked_upload_and_trailers(place):
    site = place.site(lambda c, r: response(200, r.body))
    r = subprocess.run([tool("curl"), "-sS", f"http://127.0.0.1:{site.port()}/", "-H", "Transfer-Encoding: chunked",
                        "--data-binary", "@-"], input=b"x" * 300000, capture_output=True, timeout=4 * DEADLINE)
    assert r.stdout == b"x" * 300000


def test_curl_pythons_http_server(place, python_server, files):
    """A plain HTTP/1.0 back end"""
    site = place.proxy(simple(python_server))
    assert curl(site, "/small.txt") == b"small\n"
    assert curl(site, "/large.bin") == (files / "large.bin").read_bytes()
    assert b"small.txt" in curl(site, "/")
    assert b"501" in curl(site, "/", "-X", "POST", "-i", "-d", "x")


def test_wrk(place, nginx):
    """Every answer right, no socket errors"""
    site = place.proxy(simple(nginx, workers=2))
    r = run(tool("wrk"), "-t2", "-c20", "-d2s", f"http://127.0.0.1:{site.port()}/small.txt")
    out = r.stdout.decode()
    assert r.returncode == 0 and "Non-2xx" not in out and "Socket errors" not in out, out
    assert int(re.search(r"(\d+) requests in", out)[1]) > 0


def test_wrk_pipelining(place, nginx, tmp_path):
    script = tmp_path / "pipe.lua"
    script.write_text("init = function(args)\n local r = {}\n"
                      " for i = 1, 16 do r[i] = wrk.format(nil, '/small.txt?' .. i) end\n"
                      " req = table.concat(r)\nend\nrequest = function() return req end\n")
    site = place.proxy(simple(nginx, workers=2))
    r = run(tool("wrk"), "-t1", "-c8", "-d1s", "-s", script, f"http://127.0.0.1:{site.port()}/")
    out = r.stdout.decode()
    assert r.returncode == 0 and "Non-2xx" not in out and "Socket errors" not in out, out


def test_h2load(place, nginx):
    site = place.proxy(simple(nginx, workers=2))
    r = run(tool("h2load"), "--h1", "-n", 3000, "-c", 20, "-m", 4, f"http://127.0.0.1:{site.port()}/small.txt")
    out = r.stdout.decode()
    assert "3000 succeeded, 0 failed, 0 errored, 0 timeout" in out, out


def test_nginx_closes_kept_alive_connections(place, nginx, tmp_path):
    """nginx's keepalive_requests and keepalive_timeout close pooled connections: nobody notices"""
    conf = tmp_path / "nginx.conf"
    conf.write_text(conf.read_text().replace("access_log off;", "access_log off; keepalive_requests 7; "
                                             "keepalive_timeout 1s;"))
    os.kill(nginx.process.pid, 1)
    site = place.proxy(simple(nginx, workers=2))
    with Load(site.port(), path="/small.txt", pause=0.003) as load:
        load.wait_done(800)
    assert not load.failures, load.failures[:5]


PAGE = b"""<!doctype html><title>tiercel</title><link rel=stylesheet href=/style.css>
<script src=/one.js></script><script src=/two.js></script><img src=/dot.svg onload="hit('dot')">
<p id=out></p><script>
hit('inline');
fetch('/data.json').then(r => r.json()).then(d => hit(d.name));
fetch('/echo', {method: 'POST', body: 'posted'}).then(r => r.text()).then(t => hit(t));
const e = new EventSource('/events'); e.onmessage = m => { hit(m.data); e.close(); };
</script>"""

RESOURCES = {
    "/": ("text/html", PAGE),
    "/style.css": ("text/css", b"p { color: rgb(1, 2, 3) }"),
    "/one.js": ("text/javascript", b"const seen = []; function hit(x) { seen.push(x); const o = "
                b"document.getElementById('out'); if (o) o.textContent = 'SEEN ' + seen.sort().join(' '); }"),
    "/two.js": ("text/javascript", b"hit('two');"),
    "/dot.svg": ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>"),
    "/data.json": ("application/json", b'{"name": "json"}'),
}


def browser():
    for name in "chromium", "chromium-browser", "google-chrome", "chrome":
        path = shutil.which(name)
        if path:
            return path
    pytest.skip("no Chromium is installed")


@pytest.mark.browser
def test_browser(place, tmp_path):
    """Headless Chromium: a page with style, scripts, an image, fetch, POST and an event stream"""
    def script(c, r):
        if r.path == "/events":
            c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"d\r\ndata: event\n\n\r\n")
            c.wait_closed()
            return None
        if r.path == "/echo":
            return response(200, r.body, "Content-Type: text/plain")
        if r.path not in RESOURCES:
            return response(404, "")
        kind, body = RESOURCES[r.path]
        return response(200, body, f"Content-Type: {kind}")
    site = place.site(script)
    r = run(browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=10000", "--dump-dom",
            f"http://127.0.0.1:{site.port()}/", env=dict(os.environ, HOME=str(tmp_path)))
    dom = r.stdout.decode()
    assert "SEEN dot event inline json posted two" in dom, dom + r.stderr.decode()[-2000:]
    assert {"/", "/style.css", "/one.js", "/two.js", "/dot.svg", "/data.json", "/echo", "/events"} <= set(
        site.origin.paths())
