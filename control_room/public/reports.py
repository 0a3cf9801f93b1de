"""What the displays of the experience centre say of themselves, on its way to /admin/screens. Names of displays, no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from control_room.live import Screen

MOST_DISPLAYS: Final = 100
# A message of a socket is 4 kB at most (docs/live-protocol.md), so a report is told in parts.
A_PART: Final = 10
MAX_REPORT_BYTES: Final = 4096
# A display that is in no report for so long has been forgotten there.
FORGOTTEN_AFTER_S: Final = 60
# Whoever reaches a public screen can claim any name: it must never be that of a staff display.
APART: Final = "experience-"
LONGEST_NAME: Final = 64 - len(APART)

_CLOSED = ConfigDict(extra="forbid", strict=True)
_Seconds = Annotated[int, Field(ge=0, le=10_000_000)]


class ReportError(Exception):
    """A report that is none; the text says where."""


@dataclass(frozen=True, slots=True)
class Report:
    """One display.

    Attributes:
        display: the name in its address; None where it has none.
        silent_s: since it last said anything.
        gone_s: since it left; None while connected.
        age_s: since it came.
        seq, age_ms: as it painted last.
        build: version of its page, where that is not the one that is served now.
    """

    __pydantic_config__ = _CLOSED

    number: _Seconds
    screen: Literal["experience", "experience-display"]
    display: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", min_length=4, max_length=LONGEST_NAME)] | None
    silent_s: _Seconds
    gone_s: _Seconds | None
    age_s: _Seconds
    seq: Annotated[int, Field(ge=0, le=2**53)] | None = None
    age_ms: Annotated[int, Field(ge=-(2**53), le=2**53)] | None = None
    build: Annotated[str, Field(pattern=r"^[0-9a-zA-Z._-]{1,64}$")] | None = None


_READ: Final = TypeAdapter(Annotated[list[Report], Field(max_length=A_PART)])
_KNOWN: Final = frozenset(("experience", "experience-display"))


def write_reports(screens: Mapping[int, Screen], now: datetime, served: str | None = None) -> list[bytes]:
    """The reports of these displays, in parts; of very many those that are connected, and came first.

    Args:
        served: version of the pages that are served now. A display that has it says none: the dashboard's own pages
            have another, and would take it for outdated.
    """
    known = [(number, screen) for number, screen in screens.items() if screen.name in _KNOWN]
    listed = sorted(known, key=lambda pair: (pair[1].left_at is not None, pair[0]))[:MOST_DISPLAYS]
    rows = [_row(number, screen, now, served) for number, screen in listed]
    return [orjson.dumps(rows[first : first + A_PART]) for first in range(0, len(rows), A_PART)]


def _row(number: int, screen: Screen, now: datetime, served: str | None) -> dict[str, Any]:
    build = None if screen.build == served else screen.build
    return {
        "number": number,
        "screen": screen.name,
        "display": screen.display if screen.display and len(screen.display) <= LONGEST_NAME else None,
        "silent_s": _since(screen.seen_at, now),
        "gone_s": None if screen.left_at is None else _since(screen.left_at, now),
        "age_s": _since(screen.since, now),
        "seq": screen.seq if screen.seq is not None and 0 <= screen.seq <= 2**53 else None,
        "age_ms": screen.age_ms if screen.age_ms is not None and abs(screen.age_ms) <= 2**53 else None,
        "build": build if build and build.isalnum() and build.isascii() and len(build) <= 64 else None,
    }


def read_reports(data: bytes | str, now: datetime) -> dict[int, Screen]:
    """Number there -> the display, its times by our own clock.

    Raises:
        ReportError: it is no report, or too long.
    """
    if len(data) > MAX_REPORT_BYTES:
        raise ReportError(f"a report over {MAX_REPORT_BYTES} bytes")
    try:
        reports = _READ.validate_json(data)
    except ValidationError as error:
        raise ReportError(f"{error.error_count()} faults in a report of displays") from None
    return {r.number: _screen(r, now) for r in reports}


def _screen(report: Report, now: datetime) -> Screen:
    return Screen(
        report.screen,
        "public",
        now - timedelta(seconds=report.silent_s),
        seq=report.seq,
        age_ms=report.age_ms,
        left_at=None if report.gone_s is None else now - timedelta(seconds=report.gone_s),
        build=report.build,
        display=None if report.display is None else APART + report.display,
        address=None,
        since=now - timedelta(seconds=report.age_s),
    )


def _since(moment: datetime, now: datetime) -> int:
    return min(10_000_000, max(0, round((now - moment).total_seconds())))


def join_screens(streams: Iterable[Mapping[int, Screen]]) -> dict[int, Screen]:
    """The displays of several experience processes, numbered apart from each other and from our own."""
    joined: dict[int, Screen] = {}
    for place, screens in enumerate(streams):
        for number, screen in screens.items():
            joined[1_000_000_000 * (place + 1) + number] = screen
    return joined
