# SPDX-License-Identifier: BSD-2-Clause
"""What keeps the daemon from starting: one clear message, a status, nothing left behind."""

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile

import pytest

from lib import DEADLINE, Client, check_file, find_program, free_port, procfs, response, simple, user_name, wait_for

AS_ROOT = os.geteuid() == 0


def config(directory, listen, **top):
    lines = ["version: 1", "workers: 1", f"user: {top.pop('user', user_name())}",
             f"admin: {{ socket: {directory}/admin.sock }}"]
    lines += [f"{k}: {v}" for k, v in top.items()]
    lines += ["listeners:"] + [f"  - address: \"{a}\"" for a in listen]
    lines += ["routes:", "  - answer: { status: 200, body: hello }"]
    return "\n".join(lines) + "\n"


def run(text, *args, directory=None, timeout=2 * DEADLINE):
    """Starts the daemon where it is expected to end by itself; also tells what files are left."""
    path = os.path.join(directory, "tiercel.yaml")
    with open(path, "w") as f:
        f.write(text)
    before = set(os.listdir(directory))
    r = subprocess.run([find_program(), *args, "-c", path], capture_output=True, text=True, timeout=timeout)
    r.left = sorted(set(os.listdir(directory)) - before)
    return r


@pytest.fixture
def directory():
    with tempfile.TemporaryDirectory(prefix="tiercel-") as d:
        os.chmod(d, 0o755)
        yield d


COMMAND_LINES = [
    (["--bogus"], 2, "unknown option: --bogus"),
    (["-x"], 2, "unknown option"),
    (["-c"], 2, "wants a value"),
    (["stray"], 2, "unknown argument: stray"),
    (["-c", "/no/such/file.yaml"], 2, "/no/such/file.yaml"),
    (["-t", "-c", "/no/such/file.yaml"], 2, "/no/such/file.yaml"),
]


@pytest.mark.parametrize("args,status,text", COMMAND_LINES, ids=[" ".join(c[0]) for c in COMMAND_LINES])
def test_wrong_command_line(args, status, text):
    r = subprocess.run([find_program(), *args], capture_output=True, text=True, timeout=DEADLINE)
    assert r.returncode == status
    assert text in r.stderr and len(r.stderr.splitlines()) == 1
    assert r.stdout == ""


def test_version_and_help():
    for option, text in (("--version", "tiercel "), ("--help", "Usage:")):
        r = subprocess.run([find_program(), option], capture_output=True, text=True, timeout=DEADLINE)
        assert r.returncode == 0 and text in r.stdout and r.stderr == ""


def test_check_good_file():
    r = check_file(config("@dir", ["127.0.0.1:1"]), "-t")
    assert r.returncode == 0 and r.stdout.endswith("tiercel.yaml: ok\n")


def test_check_tells_all_errors_at_once():
    r = check_file(config("@dir", ["127.0.0.1:1"], shutdown_grace="30", bogus="1"), "-t")
    assert r.returncode == 2 and r.stdout == ""
    assert "shutdown_grace" in r.stderr and "bogus" in r.stderr


def test_port_in_use(directory):
    """The address is named, and the unix socket opened before it is gone again"""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        r = run(config(directory, [f"unix:{directory}/web.sock", f"127.0.0.1:{port}"]), directory=directory)
    assert r.returncode == 1
    assert f"127.0.0.1:{port}" in r.stderr and "in use" in r.stderr
    assert len(r.stderr.splitlines()) == 1
    assert r.left == []


def test_second_instance(place, directory):
    """SO_REUSEPORT would let it take half of the first one's connections"""
    first = place.site(lambda c, r: response(200, "first"))
    r = run(config(directory, [f"127.0.0.1:{first.port()}"]), directory=directory)
    assert r.returncode == 1 and "in use" in r.stderr
    assert all(first.get().body == b"first" for _ in range(5))


def test_live_unix_socket_is_left_alone(place, directory):
    first = place.site(lambda c, r: response(200, "first"))
    r = run(config(os.path.dirname(first.ctl_socket), [f"unix:{directory}/web.sock"]), directory=directory)
    assert r.returncode == 1 and "admin.sock" in r.stderr and r.left == []
    assert first.ctl("status").returncode == 0


WRONG = [
    ("log file", dict(log="{ output: /no/such/dir/error.log }"), "/no/such/dir/error.log"),
    ("access log", dict(log="{ access: { output: /no/such/dir/access.log } }"), "/no/such/dir/access.log"),
]


@pytest.mark.parametrize("what,top,text", WRONG, ids=[w[0] for w in WRONG])
def test_nothing_half_started(directory, what, top, text):
    r = run(config(directory, [f"unix:{directory}/web.sock"], **top), directory=directory)
    assert r.returncode == 1
    assert text in r.stderr and len(r.stderr.splitlines()) == 1
    assert r.left == []


@pytest.mark.skipif(not AS_ROOT, reason="needs root")
def test_unknown_user(directory):
    r = run(config(directory, [f"unix:{directory}/web.sock"], user="no-such-user"), directory=directory)
    assert r.returncode == 1 and "no-such-user" in r.stderr and r.left == []


def test_too_few_descriptors(directory):
    """Whatever is missing for lack of descriptors: the daemon serves, or it ends with a reason"""
    path, log = os.path.join(directory, "tiercel.yaml"), os.path.join(directory, "log")
    with open(path, "w") as f:
        f.write(config(directory, [f"127.0.0.1:{free_port()}"]))
    ends = set()
    for limit in range(128, 152, 2):
        with open(log, "w+") as err:
            p = subprocess.Popen(["prlimit", f"--nofile={limit}:{limit}", find_program(), "-c", path], stderr=err)
            wait_for(lambda: p.poll() is not None or "ready:" in open(log).read(), f"an end with {limit}")
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
            status = p.wait(DEADLINE)
        ready = "ready:" in open(log).read()
        assert status == (0 if ready else 1), open(log).read()
        assert ready or open(log).read().strip()
        ends.add(status)
    assert ends == {0, 1}, "the range of limits shows both"


@pytest.mark.skipif(not AS_ROOT, reason="needs root")
def test_privileges(place):
    """Workers and admin give up everything; files belong to who needs them"""
    origin = place.origin(lambda c, r: response(200, "ok"))
    site = place.proxy(simple(origin, user="nobody", log={"output": "@dir/error.log",
                                                          "access": {"output": "@dir/access.log"}}))
    nobody = pwd.getpwnam("nobody")
    assert site.get().status == 200
    assert len(site.children()) == 2
    for pid in site.children():
        with open(f"/proc/{pid}/status") as f:
            status = dict(line.split(":", 1) for line in f)
        assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
        assert status["Gid"].split() == [str(nobody.pw_gid)] * 4
        assert "0" not in status["Groups"].split()
        assert status["NoNewPrivs"].strip() == "1"
        assert int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0
    for name in ("error.log", "access.log"):
        st = os.stat(os.path.join(site.dir, name))
        assert st.st_uid == nobody.pw_uid and stat.S_IMODE(st.st_mode) == 0o640
    st = os.stat(site.ctl_socket)
    assert st.st_uid == nobody.pw_uid and stat.S_IMODE(st.st_mode) == 0o660


def low_port():
    for port in range(1023, 600, -1):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    pytest.skip("no free port below 1024")


@pytest.mark.skipif(not AS_ROOT or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_capabilities_stay_with_the_master(directory):
    """As a service manager starts it: no root, one capability for ports below 1024"""
    os.chmod(directory, 0o777)
    path = os.path.join(directory, "tiercel.yaml")
    with open(path, "w") as f:
        f.write(config(directory, [f"127.0.0.1:{low_port()}"]))
    os.chmod(path, 0o644)
    caps = ["--inh-caps", "-all,+net_bind_service", "--ambient-caps", "-all,+net_bind_service",
            "--bounding-set", "-all,+net_bind_service"]
    with open(os.path.join(directory, "log"), "w+") as log:
        p = subprocess.Popen(["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", *caps,
                              find_program(), "-c", path], stderr=log)
        try:
            wait_for(lambda: p.poll() is not None or "ready:" in open(log.name).read(), "the start")
            assert p.poll() is None, open(log.name).read()
            children = procfs.children(p.pid)
            assert len(children) == 2
            for pid, want in [(p.pid, 1 << 10)] + [(c, 0) for c in children]:
                with open(f"/proc/{pid}/status") as f:
                    status = dict(line.split(":", 1) for line in f)
                assert [int(status[k], 16) for k in ("CapEff", "CapPrm", "CapAmb")] == [want] * 3
        finally:
            p.send_signal(signal.SIGTERM)
            assert p.wait(DEADLINE) == 0


def test_descriptors_of_a_worker(place):
    """It has no other process's control channel, and no listener twice"""
    site = place.site(lambda c, r: response(200), workers=3)
    worker = site.workers()[0]
    links = [os.readlink(f"/proc/{worker}/fd/{n}") for n in os.listdir(f"/proc/{worker}/fd")]
    others = [p for p in site.children() + [site.pid] if p != worker]
    mine = {l for l in links if l.startswith("socket:")}
    for other in others:
        theirs = {os.readlink(f"/proc/{other}/fd/{n}") for n in os.listdir(f"/proc/{other}/fd")}
        shared = mine & {l for l in theirs if l.startswith("socket:")}
        assert len(shared) == (1 if other == site.pid else 0), "only the listening socket, and only with the master"


def notifications(directory, conf_text, act):
    """What the service manager would be told."""
    address = os.path.join(directory, "notify.sock")
    path = os.path.join(directory, "tiercel.yaml")
    with open(path, "w") as f:
        f.write(conf_text)
    got = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(address)
        s.settimeout(0.05)

        def have(text):
            try:
                while True:
                    got.append(s.recv(4096).decode())
            except TimeoutError:
                pass
            return any(text in g for g in got)
        env = dict(os.environ, NOTIFY_SOCKET=address)
        p = subprocess.Popen([find_program(), "-c", path], env=env, stderr=subprocess.PIPE, text=True)
        try:
            if not wait_for(lambda: have("READY=1") or p.poll() is not None, "READY"):
                return None
            if p.poll() is None:
                act(p, have, got)
        finally:
            p.send_signal(signal.SIGTERM)
            err = p.communicate(timeout=DEADLINE)[1]
        have("STOPPING=1")
    assert p.returncode == 0, err
    return got


def built_with_systemd():
    r = subprocess.run([find_program(), "--version"], capture_output=True, text=True)
    return "systemd" in r.stdout


@pytest.mark.skipif("not built_with_systemd()", reason="built without libsystemd")
def test_service_manager_is_told(directory):
    def act(p, have, got):
        got.clear()
        p.send_signal(signal.SIGHUP)
        wait_for(lambda: have("READY=1"), "READY after the reload")
    got = notifications(directory, config(directory, [f"127.0.0.1:{free_port()}"]), act)
    begin = next(i for i, g in enumerate(got) if "RELOADING=1" in g)
    assert "MONOTONIC_USEC=" in got[begin]
    assert any("READY=1" in g for g in got[begin + 1:])
    assert any("STOPPING=1" in g for g in got)
    assert any("STATUS=" in g for g in got)


@pytest.mark.skipif("not built_with_systemd()", reason="built without libsystemd")
def test_socket_activation(directory):
    """A socket from the manager is used as it is: its queue survives the daemon"""
    tool = "/usr/bin/systemd-socket-activate"
    if not os.access(tool, os.X_OK):
        pytest.skip("no systemd-socket-activate")
    port = free_port()
    path = os.path.join(directory, "tiercel.yaml")
    with open(path, "w") as f:
        f.write(config(directory, [f"127.0.0.1:{port}"]).replace("workers: 1", "workers: 2"))
    p = subprocess.Popen([tool, "-l", f"127.0.0.1:{port}", find_program(), "-c", path],
                         stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: procfs.listening(port), "the manager")
        for _ in range(10):
            with Client(port) as c:
                assert c.ask("GET", "/", "Connection: close").body == b"hello"
    finally:
        p.send_signal(signal.SIGTERM)
        err = p.communicate(timeout=DEADLINE)[1]
    assert p.returncode == 0, err
    assert not procfs.listening(port)
