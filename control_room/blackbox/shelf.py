"""All files of one audience: which moment is where, what is missing between them, what is let go of.

Time here is the server's clock as it was. Where that clock was set back, two
files tell of the same moments: the one made later counts, and the other ends
where that one begins. So time on the shelf only rises.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import structlog

from control_room.blackbox.segment import GAP_MS, Chunk, Segment, SegmentError, SegmentName, find_name

log = structlog.get_logger()

# Gaps beyond these are not listed one by one.
GAPS_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing is known between these moments, ms."""

    first: int
    last: int

    def as_dict(self) -> dict[str, int]:
        return {"from": self.first, "to": self.last}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A chunk as far as it counts.

    Attributes:
        limit: moment, ms, from which on another file counts; None is none.
    """

    segment: Segment
    chunk: Chunk
    limit: int | None = None

    @property
    def first(self) -> int:
        """Moment of its first frame, ms."""
        return self.chunk.first

    @property
    def last(self) -> int:
        """Moment of its last record that counts, ms; rises while its file grows."""
        return self.chunk.last if self.limit is None else min(self.chunk.last, self.limit)


@dataclass(frozen=True)
class Held:
    """What the shelf holds at one look.

    Attributes:
        stretches: in the order of time, none over another.
        gaps: in the order of time; the newest where there are more than `GAPS_MOST`.
        size: bytes of all files.
        damaged: places that cannot be read.
        unreadable: files of which nothing can be read.
    """

    stretches: Sequence[Stretch] = ()
    gaps: Sequence[Gap] = ()
    size: int = 0
    damaged: int = 0
    unreadable: int = 0

    @property
    def first(self) -> int | None:
        return self.stretches[0].first if self.stretches else None

    @property
    def last(self) -> int | None:
        return self.stretches[-1].last if self.stretches else None

    def find(self, at: int) -> int | None:
        """Number of the stretch that shows this moment: the last one that begins by then, else the first.

        None where nothing is held.
        """
        if not self.stretches:
            return None
        return max(0, bisect_right(self.stretches, at, key=lambda stretch: stretch.first) - 1)

    def find_gap(self, at: int) -> Gap | None:
        """The gap this moment lies in."""
        number = bisect_right(self.gaps, at, key=lambda gap: gap.first) - 1
        if number < 0 or at >= self.gaps[number].last or at <= self.gaps[number].first:
            return None
        return self.gaps[number]


class Shelf:
    """The files below one folder. May be asked by several threads.

    Args:
        folder: of the black box; need not be there yet.
        audience: whose files.
    """

    def __init__(self, folder: Path, audience: str) -> None:
        self.folder = folder
        self._audience = audience
        self._segments: dict[Path, Segment] = {}
        self._bad: set[Path] = set()
        self._lock = threading.Lock()
        self._held = Held()
        self._seen: tuple[Any, ...] = ()

    def look(self) -> Held:
        """What is held now. Reads only what is new since the last look."""
        with self._lock:
            names = self._list_names()
            there = {name.path for name in names}
            for gone in self._segments.keys() - there:
                del self._segments[gone]
            size = 0
            for name in names:
                with suppress(OSError):
                    size += name.path.stat().st_size
                self._refresh(name.path)
            segments = [self._segments[name.path] for name in names if name.path in self._segments]
            damaged, unreadable = sum(s.damaged for s in segments), len(self._bad & there)
            seen = tuple((s.name.number, len(s.chunks)) for s in segments)
            if seen != self._seen:
                stretches = _lay_out(segments)
                self._held = Held(stretches, _find_gaps(stretches))
                self._seen = seen
            self._held = replace(self._held, size=size, damaged=damaged, unreadable=unreadable)
            return self._held

    def about(self, stretch: Stretch) -> dict[str, Any]:
        """What its file is a recording of."""
        return dict(stretch.segment.about)

    def _list_names(self) -> list[SegmentName]:
        return sorted(
            (
                name
                for name in map(find_name, self.folder.glob("*/*.box"))
                if name is not None and name.audience == self._audience
            ),
            key=lambda name: name.number,
        )

    def _refresh(self, path: Path) -> None:
        try:
            if path in self._segments:
                self._segments[path].refresh()
            else:
                self._segments[path] = Segment.open(path)
                self._bad.discard(path)
        except SegmentError as error:
            if path not in self._bad:
                log.warning("black box", fault=str(error))
                self._bad.add(path)


def _lay_out(segments: Sequence[Segment]) -> list[Stretch]:
    """Chunks in the order of time; of moments told twice, what was made later."""
    kept: list[Stretch] = []
    bound: int | None = None
    for segment in reversed(segments):
        if segment.first is None:
            continue
        for chunk in reversed(segment.chunks):
            if bound is not None and chunk.first >= bound:
                continue
            kept.append(Stretch(segment, chunk, bound))
        bound = segment.first if bound is None else min(bound, segment.first)
    kept.reverse()
    return kept


def _find_gaps(stretches: Sequence[Stretch]) -> list[Gap]:
    pairs = pairwise(stretches)
    gaps = [Gap(before.last, after.first) for before, after in pairs if after.first - before.last > GAP_MS]
    return gaps[-GAPS_MOST:]


def let_go(folder: Path, keep_ms: int, max_bytes: int, now: int, lacking: int = 0) -> list[Path]:
    """Delete what is too old or too much, oldest first; never the newest file, which may be growing.

    Args:
        keep_ms: files that were last written longer ago than this go.
        now: ms by the server's clock.
        lacking: bytes that others on this disk need.

    Returns:
        What was deleted.

    Raises:
        OSError: a file cannot be deleted.
    """
    names = sorted((n for n in map(find_name, folder.glob("*/*.box")) if n is not None), key=lambda n: n.number)
    sizes = {name.path: name.path.stat().st_size for name in names}
    total = sum(sizes.values())
    gone: list[Path] = []
    for name in names[:-1]:
        # By a clock that was wrong a file may also stand far ahead; no later one would ever be old enough then.
        old = abs(now - last_moment(name.path)) > keep_ms
        if not old and total <= max_bytes and lacking <= 0:
            continue
        name.path.unlink()
        name.path.with_suffix(".idx").unlink(missing_ok=True)
        total -= sizes[name.path]
        lacking -= sizes[name.path]
        gone.append(name.path)
        with suppress(OSError):  # the day's folder, once it is empty
            name.path.parent.rmdir()
    return gone


def last_moment(path: Path) -> int:
    """Until when a file tells at most, ms, by its place alone: the end of its hour."""
    hour = datetime.strptime(f"{path.parent.name} {path.name[:2]}", "%Y-%m-%d %H").replace(tzinfo=UTC)
    return int(hour.timestamp() * 1000) + 3_600_000
