# SPDX-License-Identifier: BSD-2-Clause
"""Under the real service manager: a user instance of systemd in a mount namespace of its own."""

import os
import re
import shutil
import subprocess
import tempfile

import pytest

from lib import DEADLINE, Load, find_program, procfs, response, wait_for
from lib.proxy import Proxy

SYSTEMD = next((p for p in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd") if os.access(p, os.X_OK)), None)

INSIDE = """
mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system || exit 1
exec {systemd} --user --log-target=console >{dir}/systemd.log 2>&1
"""

UNIT = """
[Unit]
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} -c {file}
KillMode=mixed
TimeoutStopSec=60
Restart=on-failure
RestartSec=100ms
FileDescriptorStoreMax=1024
StandardOutput=append:{log}
StandardError=append:{log}
Environment=ASAN_OPTIONS=detect_leaks=1
"""


class Systemd:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="tiercel-sd-")
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.dir, HOME=self.dir, XDG_CONFIG_HOME=self.dir)
        os.makedirs(self.dir + "/systemd/user")
        self.process = subprocess.Popen(["unshare", "-m", "bash", "-c", INSIDE.format(systemd=SYSTEMD, dir=self.dir)],
                                        env=self.env, stdin=subprocess.DEVNULL, start_new_session=True)

    def usable(self):
        def up():
            return self.process.poll() is not None or "running" in self.ctl("is-system-running", check=False)
        wait_for(up, "systemd")
        return self.process.poll() is None

    def ctl(self, *args, check=True):
        r = subprocess.run(["nsenter", "-t", str(self.process.pid), "-m", "systemctl", "--user", *args],
                           env=self.env, capture_output=True, text=True, timeout=3 * DEADLINE)
        assert not check or r.returncode == 0, r.stdout + r.stderr
        return r.stdout

    def show(self, what):
        return self.ctl("show", "-P", what, "tiercel.service").strip()

    def close(self):
        if self.process.poll() is None:
            self.ctl("exit", check=False)
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def check(self):
        pass


class Service(Proxy):
    """The daemon as a unit; it is not our child."""

    def __init__(self, conf, systemd):
        self.systemd = systemd
        super().__init__(conf, start=False)
        with open(systemd.dir + "/systemd/user/tiercel.service", "w") as f:
            f.write(UNIT.format(program=find_program(), file=self.file, log=self.log_file))
        systemd.ctl("daemon-reload")
        systemd.ctl("start", "tiercel.service")

    @property
    def pid(self):
        return int(self.systemd.show("MainPID"))

    def workers(self):
        return [p for p in procfs.children(self.pid) if procfs.cmdline(p).startswith("tiercel-w")]

    def close(self):
        self.systemd.ctl("stop", "tiercel.service", check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture
def service(place):
    r = subprocess.run([find_program(), "--version"], capture_output=True, text=True)
    if os.geteuid() != 0 or not SYSTEMD or not shutil.which("unshare") or not shutil.which("nsenter"):
        pytest.skip("needs root, systemd, unshare and nsenter")
    if "systemd" not in r.stdout:
        pytest.skip("built without libsystemd")
    origin = place.origin(lambda c, r: response(200, "stored" * 100, "Cache-Control: max-age=600"))
    systemd = place.keep(Systemd())
    if not systemd.usable():
        pytest.skip("no user instance of systemd can be had here")
    site = Service({"workers": 2, "listeners": [{"name": "web", "address": "127.0.0.1:@port:web"}],
                    "upstreams": {"o": {"servers": [origin.address]}},
                    "routes": [{"upstream": "o", "cache": {"key": {"query": "none"}}}]}, systemd)
    place.keep(site)
    site.origin = origin
    yield site


def memory(site):
    found = re.findall(r"shared memory: (.*)", site.log())
    return found[-1] if found else None


def test_restart_upgrade_and_crash(service):
    site, systemd = service, service.systemd
    with Load(site.port(), keepalive=3, fresh=3) as load:
        load.wait_done(50)
        assert systemd.show("NFileDescriptorStore") == "3"
        for _ in range(3):
            systemd.ctl("restart", "tiercel.service")
            load.wait_done(50)
            assert "l1 warm" in memory(site) and "cold" not in memory(site)
        pid = site.pid
        for i in range(3):
            systemd.ctl("kill", "--kill-who=main", "--signal=USR2", "tiercel.service")
            wait_for(lambda: site.log().count("took over") == i + 1, "the upgrade", 2 * DEADLINE)
            wait_for(lambda: systemd.show("ActiveState") == "active", "systemd to know that it is ready")
            load.wait_done(50)
            assert site.pid == pid
        systemd.ctl("restart", "tiercel.service")
        load.wait_done(50)
        assert "l1 warm" in memory(site) and "cold" not in memory(site)
        assert systemd.show("NFileDescriptorStore") == "3"
    assert not load.failures
    assert len(site.origin.requests) == 1

    # a crash (which the workers do not outlive here): the cache is not trusted
    pid = site.pid
    systemd.ctl("kill", "--kill-who=main", "--signal=KILL", "tiercel.service")
    wait_for(lambda: systemd.show("ActiveState") == "active" and site.pid != pid, "the restart")
    assert "l1 cold (not left in order)" in memory(site) and "metrics copied" in memory(site)
    site.get()
    assert "hit" in site.get()["Cache-Status"]
    systemd.ctl("restart", "tiercel.service")
    assert "cold" not in memory(site)
    assert "hit" in site.get()["Cache-Status"]
    assert systemd.show("NFileDescriptorStore") == "3"

    # a stop is a stop
    systemd.ctl("stop", "tiercel.service")
    wait_for(lambda: not procfs.listening(site.port()), "the store to be emptied")
    systemd.ctl("start", "tiercel.service")
    assert site.get().status == 200
