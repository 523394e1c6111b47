# SPDX-License-Identifier: BSD-2-Clause
"""What /proc says about processes."""

import os


def _status(pid, key):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return line.split()[1:]
    return None


def rss(pid):
    """Resident bytes."""
    return int(_status(pid, "VmRSS")[0]) * 1024


def rss_private(pid):
    """Resident bytes without shared memory and files."""
    return int(_status(pid, "RssAnon")[0]) * 1024


def reset_peak(pid):
    """Begins a new high-water mark."""
    with open(f"/proc/{pid}/clear_refs", "w") as f:
        f.write("5")


def peak(pid):
    return int(_status(pid, "VmHWM")[0]) * 1024


def uid(pid):
    return int(_status(pid, "Uid")[1])


def children(pid):
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as f:
                rest = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(rest[1]) == pid and rest[0] != "Z":
            found.append(int(name))
    return sorted(found)


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            text = f.read().replace(b"\0", b" ").decode("latin-1").strip()
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip() + " " + text
    except OSError:
        return ""


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        rest = f.read().rpartition(")")[2].split()
    return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def listening(port):
    """Is a TCP socket listening there?"""
    want = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as f:
                for line in f:
                    part = line.split()
                    if len(part) > 3 and part[3] == "0A" and part[1].endswith(want):
                        return True
        except OSError:
            pass
    return False


def sockets_of(pid, port):
    """Established TCP connections of <pid> whose local port is <port>."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
        if link.startswith("socket:["):
            inodes.add(link[8:-1])
    n = 0
    with open("/proc/net/tcp") as f:
        for line in f:
            part = line.split()
            if len(part) > 9 and part[3] == "01" and part[1].endswith(f":{port:04X}") and part[9] in inodes:
                n += 1
    return n
