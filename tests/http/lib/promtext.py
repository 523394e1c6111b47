# SPDX-License-Identifier: BSD-2-Clause
"""A strict reader of the Prometheus text format 0.0.4: what promtool would refuse or complain
about, it refuses."""

import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}
# Units that are not base units (https://prometheus.io/docs/practices/naming/).
BAD_UNITS = ("_milliseconds", "_microseconds", "_minutes", "_ms", "_kilobytes", "_megabytes", "_percent")


class Bad(AssertionError):
    pass


class Family:
    def __init__(self, name):
        self.name, self.help, self.type, self.samples = name, None, None, []


def value_of(text):
    if text in ("+Inf", "-Inf", "NaN"):
        return float(text.replace("Inf", "inf").replace("NaN", "nan"))
    if not re.match(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", text):
        raise Bad(f"not a number: {text!r}")
    return float(text)


def labels_of(text, line):
    out, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        if not m:
            raise Bad(f"bad labels: {line!r}")
        if m[1] in out:
            raise Bad(f"label twice: {line!r}")
        out[m[1]] = re.sub(r"\\(.)", lambda e: {"n": "\n"}.get(e[1], e[1]), m[2])
        at = m.end()
        if at < len(text):
            if text[at] != ",":
                raise Bad(f"no comma between labels: {line!r}")
            at += 1
    return out


def belongs(family, name):
    if name == family.name:
        return family.type not in ("histogram", "summary")
    return family.type == "histogram" and name in (family.name + s for s in ("_bucket", "_sum", "_count"))


def check_histogram(f):
    groups = {}
    for name, labels, value in f.samples:
        rest = frozenset((k, v) for k, v in labels.items() if k != "le")
        g = groups.setdefault(rest, {"buckets": []})
        if name.endswith("_bucket"):
            if "le" not in labels:
                raise Bad(f"{f.name}: a bucket without le")
            g["buckets"].append((value_of(labels["le"]), value))
        else:
            key = name[len(f.name):]
            if "le" in labels or key in g:
                raise Bad(f"{f.name}{key}: le, or twice")
            g[key] = value
    for rest, g in groups.items():
        bounds = [b for b, _ in g["buckets"]]
        counts = [c for _, c in g["buckets"]]
        if bounds != sorted(set(bounds)) or not bounds or bounds[-1] != math.inf:
            raise Bad(f"{f.name}{dict(rest)}: bounds {bounds}")
        if counts != sorted(counts):
            raise Bad(f"{f.name}{dict(rest)}: buckets are not cumulative: {counts}")
        if "_sum" not in g or g.get("_count") != counts[-1]:
            raise Bad(f"{f.name}{dict(rest)}: _sum or _count is missing or wrong")


def check_family(f):
    if f.type is None or not f.help:
        raise Bad(f"{f.name}: no TYPE or no HELP")
    if (f.type == "counter") != f.name.endswith("_total"):
        raise Bad(f"{f.name}: counters end in _total, nothing else does")
    if f.name.endswith(BAD_UNITS):
        raise Bad(f"{f.name}: not a base unit")
    for name, labels, value in f.samples:
        if f.type == "counter" and (value < 0 or math.isnan(value)):
            raise Bad(f"{name}{labels}: {value}")
    if f.type == "histogram":
        check_histogram(f)


class Metrics:
    """What /metrics said: families in order, and all samples by name."""

    def __init__(self, text):
        self.families, self.samples, seen = {}, {}, set()
        if not text.endswith("\n"):
            raise Bad("the last line has no end")
        family = None
        for line in text[:-1].split("\n"):
            m = re.match(r"# (HELP|TYPE) (\S+) (.*)\Z", line)
            if m:
                family = self._header(family, *m.groups())
                continue
            if line.startswith("#") or not line:
                raise Bad(f"neither sample nor header: {line!r}")
            m = SAMPLE.match(line)
            if not m:
                raise Bad(f"not a sample: {line!r}")
            name, labels = m[1], labels_of(m[2] or "", line)
            if family is None or not belongs(family, name):
                raise Bad(f"outside its family: {line!r}")
            key = (name, frozenset(labels.items()))
            if key in seen:
                raise Bad(f"sample twice: {line!r}")
            seen.add(key)
            sample = (name, labels, value_of(m[3]))
            family.samples.append(sample)
            self.samples.setdefault(name, []).append(sample)
        for f in self.families.values():
            check_family(f)

    def _header(self, family, what, name, rest):
        if not NAME.match(name):
            raise Bad(f"bad name {name!r}")
        if family is None or family.name != name:
            if name in self.families:
                raise Bad(f"{name}: its lines do not stand together")
            family = self.families[name] = Family(name)
        if family.samples:
            raise Bad(f"{name}: {what} after its samples")
        if what == "HELP":
            if family.help is not None:
                raise Bad(f"{name}: HELP twice")
            if re.search(r"\\[^\\n]", rest):
                raise Bad(f"{name}: bad escape in HELP")
            family.help = rest
        else:
            if family.type is not None or rest not in TYPES:
                raise Bad(f"{name}: TYPE {rest}")
            family.type = rest
        return family

    def sum(self, name, **labels):
        """Of the samples with these labels; a name that nobody said is an error."""
        return sum(v for _, l, v in self.samples[name] if all(l.get(k) == w for k, w in labels.items()))
