# SPDX-License-Identifier: BSD-2-Clause
"""Starts the real daemon on a configuration, and looks closely when it ends: no sanitizer report,
no failed assertion, no worker lost on the way, exit status 0 on TERM."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

from . import procfs
from .wait import DEADLINE, free_port, wait_for
from .wire import Client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
TROUBLE = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|"
                     r"UndefinedBehavior|[Aa]ssert|panic|Segmentation|stack smashing|"
                     r"corrupted|double free", re.M)


def find_program(name="tiercel"):
    build = os.environ.get("TIERCEL_BUILD")
    given = os.environ.get("TIERCEL")
    places = []
    if given:
        places.append(given if name == "tiercel" else os.path.join(os.path.dirname(given), name))
    if build:
        places.append(os.path.join(build, name))
    places += [os.path.join(ROOT, "build", name), os.path.join(ROOT, name)]
    for p in places:
        if os.access(p, os.X_OK):
            return os.path.abspath(p)
    return None


def has_asan(_cache=[]):
    if not _cache:
        with open(find_program(), "rb") as f:
            _cache.append(b"__asan_init" in f.read())
    return _cache[0]


def user_name():
    return pwd.getpwuid(os.geteuid()).pw_name


def merged(base, extra):
    out = dict(base)
    for k, v in extra.items():
        out[k] = merged(out[k], v) if isinstance(v, dict) and isinstance(out.get(k), dict) else v
    return out


class Proxy:
    """One running daemon. conf is a dict in the shape of the YAML file (JSON is YAML), or text.

    In a dict, "@port:NAME" stands for a free port that is the same wherever NAME appears, and
    "@dir" for the daemon's own directory."""

    def __init__(self, conf, start=True, args=(), env=None):
        self.dir = tempfile.mkdtemp(prefix="tiercel-")
        os.chmod(self.dir, 0o777)
        self.ports = {}
        self.file = os.path.join(self.dir, "tiercel.yaml")
        self.log_file = os.path.join(self.dir, "stderr.log")
        self.ctl_socket = os.path.join(self.dir, "admin.sock")
        self.args, self.env = list(args), env or {}
        self.process = None
        self.deaths_expected = False  # a test that kills workers says so
        self.trouble_expected = None  # a pattern in the log that is part of the test
        self.first_workers = []
        self.write(conf)
        if start:
            self.start()

    # -- configuration

    def port(self, name="web"):
        if name not in self.ports:
            self.ports[name] = free_port()
        return self.ports[name]

    def fill_in(self, text):
        text = text.replace("@dir", self.dir)
        return re.sub(r"@port:(\w+)", lambda m: str(self.port(m[1])), text)

    def write(self, conf):
        """Replaces the configuration file in one step."""
        if isinstance(conf, dict):
            base = {"version": 1, "workers": 1, "shutdown_grace": "5s", "user": user_name(),
                    "admin": {"socket": "@dir/admin.sock"}}
            conf = json.dumps(merged(base, conf), indent=1)
        self.conf_text = self.fill_in(conf)
        with open(self.file + ".new", "w") as f:
            f.write(self.conf_text)
        os.replace(self.file + ".new", self.file)

    def put_file(self, name, contents):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(contents if isinstance(contents, bytes) else contents.encode())
        os.chmod(path, 0o644)
        return path

    # -- life cycle

    def environment(self):
        env = dict(os.environ, **self.env)
        env.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:quarantine_size_mb=4:"
                                       "malloc_context_size=10")
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        env.pop("NOTIFY_SOCKET", None)
        return env

    def start(self):
        program = find_program()
        assert program, "no tiercel: set TIERCEL to the program or TIERCEL_BUILD to its build directory"
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([program, *self.args, "-c", self.file], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=self.environment(), cwd=self.dir)
        self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"tiercel ended at once ({self.process.returncode}):\n{self.log()}")
            return os.path.exists(self.ctl_socket) and \
                all(procfs.listening(p) for n, p in self.ports.items() if not n.startswith("later"))
        try:
            wait_for(ready, "tiercel to listen", 2 * DEADLINE)
            wait_for(lambda: self.said_ready() and self.workers(), "the workers")
        except AssertionError as e:
            self.kill()
            raise AssertionError(f"{e}\n{self.log()}") from None
        self.first_workers = self.workers()

    def said_ready(self):
        """Wherever the log goes; a level above info does not say it."""
        if not re.search(r'"level": "(warn|error)"|"output": "syslog"', self.conf_text):
            for name in os.listdir(self.dir):
                if name.endswith(".log"):
                    with open(os.path.join(self.dir, name), errors="replace") as f:
                        if "proc: ready" in f.read():
                            return True
            return False
        return True

    def kill(self):
        if self.process and self.process.poll() is None:
            kids = self.children()
            self.process.kill()
            self.process.wait()
            for pid in kids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass

    def stop(self, how=signal.SIGTERM):
        """Ends it and checks how it ended."""
        if not self.process:
            return
        lost = [] if self.deaths_expected else self.lost()
        early = self.process.poll()
        if early is None:
            self.process.send_signal(how)
            try:
                self.process.wait(3 * DEADLINE)
            except subprocess.TimeoutExpired:
                stuck = self.stacks()
                self.kill()
                self.process = None
                raise AssertionError(f"tiercel does not stop\n{stuck}\n{self.log()}")
        status, self.process = self.process.returncode, None
        log = self.log()
        assert early is None, f"tiercel was gone before its time, status {early}\n{log}"
        assert not lost, f"workers {lost} died on the way\n{log}"
        trouble = TROUBLE.search(log)
        if trouble and not (self.trouble_expected and re.search(self.trouble_expected, trouble[0])):
            raise AssertionError(f"trouble in the log: {trouble[0]}\n{log}")
        assert status == 0, f"exit status {status}\n{log}"

    def close(self):
        try:
            self.stop()
        finally:
            self.kill()
            if not os.environ.get("TIERCEL_TEST_KEEP"):
                shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        if kind:
            self.kill()
        else:
            self.close()

    # -- looking in

    @property
    def pid(self):
        return self.process.pid

    def children(self):
        return procfs.children(self.process.pid)

    def lost(self):
        """Workers that were there at the start and are not now."""
        now = self.children()
        return [p for p in self.first_workers if p not in now]

    def workers(self):
        return [p for p in self.children() if re.match(r"tiercel-w\d|.*worker", procfs.cmdline(p))]

    def log(self):
        with open(self.log_file, errors="replace") as f:
            return f.read()

    def wait_log(self, pattern, timeout=DEADLINE):
        return wait_for(lambda: re.search(pattern, self.log()), f"{pattern!r} in the log", timeout)

    def stacks(self):
        gdb = shutil.which("gdb")
        if not gdb:
            return ""
        out = ""
        for pid in [self.process.pid] + self.children():
            r = subprocess.run([gdb, "-p", str(pid), "-batch", "-ex", "bt 12"], capture_output=True, text=True)
            out += f"-- {pid} {procfs.cmdline(pid)}\n" + "\n".join(
                l for l in r.stdout.splitlines() if l.startswith("#")) + "\n"
        return out

    # -- control

    def ctl(self, *args, check=True, timeout=3 * DEADLINE):
        program = find_program("tiercelctl")
        assert program, "no tiercelctl next to tiercel"
        r = subprocess.run([program, "-s", self.ctl_socket, *args], capture_output=True, text=True,
                           timeout=timeout, env=self.environment())
        if check:
            assert r.returncode == 0, f"tiercelctl {' '.join(args)}: {r.returncode}\n{r.stdout}{r.stderr}\n{self.log()}"
        return r

    def reload(self, conf=None, check=True):
        if conf is not None:
            self.write(conf)
        return self.ctl("reload", check=check)

    def signal(self, number):
        os.kill(self.process.pid, number)

    # -- use

    def client(self, name="web", **kw):
        return Client(self.port(name), **kw)

    def get(self, target="/", *fields, method="GET", name="web", **kw):
        """One request on a connection of its own."""
        if name == "admin":  # answers only for addresses and its own names, against DNS rebinding
            kw.setdefault("host", f"127.0.0.1:{self.port(name)}")
        with self.client(name) as c:
            return c.ask(method, target, "Connection: close", *fields, **kw)

    def get_open(self, target="/"):
        """The same, without asking for the connection to be closed."""
        with self.client() as c:
            return c.ask("GET", target)


def check_file(text, *args, files=None):
    """Runs tiercel with <args> and -c on a file; the CompletedProcess."""
    with tempfile.TemporaryDirectory(prefix="tiercel-") as d:
        path = os.path.join(d, "tiercel.yaml")
        with open(path, "w") as f:
            f.write(text.replace("@dir", d))
        for name, contents in (files or {}).items():
            with open(os.path.join(d, name), "w") as f:
                f.write(contents)
        return subprocess.run([find_program(), *args, "-c", path], capture_output=True, text=True,
                              timeout=2 * DEADLINE)


def simple(origin, *, listener=None, upstream=None, route=None, routes=None, **top):
    """The smallest configuration in front of <origin>, with additions at each level."""
    conf = {
        "listeners": [merged({"name": "web", "address": "127.0.0.1:@port:web"}, listener or {})],
        "upstreams": {"origin": merged({"servers": [origin.address]}, upstream or {})},
        "routes": routes if routes is not None else [merged({"upstream": "origin"}, route or {})],
    }
    return merged(conf, top)
