"""Series of a unit test: `up{job="node"}` with values such as `0+10x5 _ stale 1x3`.

A sample counts for five minutes, then its series is gone; `stale` ends it at once.
That is what an instant query sees (Prometheus 2: a sample just five minutes old still counts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alerts.prometheus.words import FileFault, Unmapped, parse_number

LOOKBACK_S: Final = 300.0
MOST_SAMPLES: Final = 100_000

Labels = Mapping[str, str]

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(
    r"""\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)\s*(,|$)"""
)
# No hexadecimal numbers: 0x5 is six zeros.
_NUMBER: Final = r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI]nf|[nN]a[nN])"
_PLAIN: Final = re.compile(rf"({_NUMBER})(?:x(\d+))?")
_RISING: Final = re.compile(rf"({_NUMBER})([+-](?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)x(\d+)")
_GAP: Final = re.compile(r"_(?:x(\d+))?")


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a test.

    Attributes:
        samples: at 0, `interval_s`, …; None: no sample there. `ends` are the places of stale marks.
    """

    name: str
    labels: Labels
    samples: Sequence[float | None]
    ends: frozenset[int]
    interval_s: float

    def value_at(self, at_s: float) -> float | None:
        """What an instant query sees; None: the series is not there."""
        newest = min(int(at_s / self.interval_s + 1e-9), len(self.samples) - 1)
        for place in range(newest, -1, -1):
            if at_s - place * self.interval_s > LOOKBACK_S + 1e-9:
                return None
            if place in self.ends:
                return None
            value = self.samples[place]
            if value is not None:
                return value
        return None


def parse_series(name: str, values: str, interval_s: float) -> Series:
    """One `input_series`.

    Raises:
        FileFault: it is not written as Prometheus writes it.
        Unmapped: it holds histograms.
    """
    metric, labels = parse_name(name)
    samples: list[float | None] = []
    ends: set[int] = set()
    if "{{" in values:
        raise Unmapped(f"{name}: histograms as samples are not read")
    for word in str(values).split():
        if word == "stale":
            ends.add(len(samples))
            samples.append(None)
        elif gap := _GAP.fullmatch(word):
            samples += [None] * int(gap[1] or 1)
        elif rising := _RISING.fullmatch(word):
            value, step = parse_number(rising[1]), parse_number(rising[2])
            for _ in range(_bounded(rising[3], name) + 1):
                samples.append(value)
                value += step
        elif plain := _PLAIN.fullmatch(word):
            samples += [parse_number(plain[1])] * (_bounded(plain[2] or "0", name) + 1)
        else:
            raise FileFault(f"{name}: {word!r} is no sample; samples are written 1, 1x5, 0+10x5, _, _x3 or stale")
        if len(samples) > MOST_SAMPLES:
            raise FileFault(f"{name}: has more than {MOST_SAMPLES} samples")
    return Series(metric, labels, samples, frozenset(ends), interval_s)


def _bounded(times: str, name: str) -> int:
    if int(times) > MOST_SAMPLES:
        raise FileFault(f"{name}: has more than {MOST_SAMPLES} samples")
    return int(times)


def parse_name(text: str) -> tuple[str, dict[str, str]]:
    """Metric and labels of a series as it is written.

    Raises:
        FileFault: it is none.
    """
    text = text.strip()
    name, brace, rest = text.partition("{")
    labels: dict[str, str] = {}
    if brace:
        if not rest.endswith("}"):
            raise FileFault(f"{text}: the brace is not closed")
        rest = rest[:-1].strip()
        while rest:
            found = _LABEL.match(rest)
            if found is None or found[1] in labels:
                raise FileFault(f'{text}: labels are written name="value", with commas, each once')
            labels[found[1]] = unquote(found[2])
            rest = rest[found.end() :].strip()
    metric = name.strip() or labels.pop("__name__", "")
    if not _NAME.fullmatch(metric):
        raise FileFault(f"{text}: {metric!r} is no name of a series")
    # An empty label is the same as none.
    return metric, {label: value for label, value in labels.items() if value}


_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


def unquote(text: str) -> str:
    """The text inside its quotes; a backslash before a letter means what it means in Go."""
    if text[0] == "`":
        return text[1:-1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
