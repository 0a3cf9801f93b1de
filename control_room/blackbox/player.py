"""A moment of the black box, and what follows it: what was sent to the screens, in the order it was sent.

One Player is one place in time. It reads files and decodes frames, which takes
milliseconds: not for the event loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson
import structlog

from control_room.blackbox.facts import Facts, FactsError, decode_facts
from control_room.blackbox.record import DELTA, NAMED, Record, read_records, unpack_named
from control_room.blackbox.segment import SegmentError
from control_room.blackbox.shelf import Gap, Held, Shelf, Stretch
from control_room.columns import Columns
from control_room.frames import Frame, FrameDecoder, FrameError, encode_key
from control_room.marks import POINTED_WITHIN_PX, read_place

log = structlog.get_logger()

FACTS: Final = "facts"
FACTS_BASE: Final = "facts:base"

TRACE_MS: Final = 1_800_000
FASTEST_PX_S: Final = 200.0  # 70 m/s; what went further between two key frames is another vehicle

# So many damaged chunks before a moment are passed over in looking for one that holds.
PASS_OVER: Final = 60


class NothingHeld(Exception):
    """The black box has no frame that can be read."""


@dataclass(frozen=True)
class Seen:
    """What a seek found.

    Attributes:
        at: the moment shown, ms: as asked, within what is held.
        key: the map whole, as a message of the live channel.
        named: of the names asked for, the newest content by then.
        gap: nothing is known at that moment; what is shown stood before the gap.
    """

    at: int
    key: bytes
    named: Mapping[str, bytes]
    gap: Gap | None


@dataclass
class Passed:
    """What came between two moments.

    Attributes:
        frames: messages of the map, each after the one before; the very bytes that were sent.
        named: of the names asked for, the newest content that came.
        gap: that time has run into, or over.
        jumped: the map does not follow from what stood before (`frames` begins with a key frame).
    """

    frames: list[bytes] = field(default_factory=list)
    named: dict[str, bytes] = field(default_factory=dict)
    gap: Gap | None = None
    jumped: bool = False


class Player:
    """One place in time on a shelf. Not for two threads at once."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.held = Held()
        self._stretch: Stretch | None = None
        self._records: list[Record] = []
        self._next = 0
        self._decoder = FrameDecoder()
        self._newest: dict[str, int | bytes] = {}  # name -> its place in the file, or its content
        self._facts: Facts | None = None
        self._base: bytes | None = None
        self._unsure = np.zeros(0, dtype=bool)  # slots that were free since the facts were told

    @property
    def seq(self) -> int:
        """Of the frame shown; 0 before the first."""
        return self._decoder.seq or 0

    @property
    def now_ms(self) -> int:
        """The moment of the frame shown."""
        return self._decoder.now_ms

    @property
    def columns(self) -> Columns:
        """The map as it is shown."""
        return self._decoder.columns

    @property
    def legend(self) -> Mapping[str, Any]:
        return self._decoder.legend

    def about(self) -> Mapping[str, Any]:
        """What the file that is shown is a recording of."""
        return {} if self._stretch is None else self._shelf.about(self._stretch)

    def seek(self, at: int, names: Iterable[str] = ()) -> Seen:
        """Go to a moment, ms.

        Raises:
            NothingHeld: there is none that can be read.
        """
        self.held = held = self._shelf.look()
        number = held.find(at)
        if number is None or held.first is None or held.last is None:
            raise NothingHeld("the black box holds nothing yet")
        at = max(at, held.first)
        for stretch in reversed(held.stretches[max(0, number - PASS_OVER) : number + 1]):
            try:
                key = self._show(stretch, at)
            except (SegmentError, FrameError) as error:
                log.warning("black box: a key frame was passed over", fault=str(error))
                continue
            named = {name: content for name in names if (content := self.find_named(name)) is not None}
            return Seen(at, key, named, held.find_gap(at))
        raise NothingHeld("the black box holds no frame of that time that can be read")

    def advance(self, to: int, names: frozenset[str]) -> Passed:
        """Go on to a later moment, ms."""
        passed = Passed()
        while True:
            self._apply_until(to, names, passed)
            if self._next < len(self._records):
                return passed
            if self._grow():
                continue
            following = self._find_following()
            if following is None or following.first > to:
                passed.gap = self.held.find_gap(to)
                return passed
            assert self._stretch is not None  # noqa: S101 - one follows it
            passed.gap = self.held.find_gap((self._stretch.last + following.first) // 2) or passed.gap
            self._enter(following, passed)

    def next_at(self) -> int | None:
        """Moment of the next record at hand, ms; None where the next file or a longer wait comes first."""
        return self._records[self._next].at if self._next < len(self._records) else None

    def find_named(self, name: str) -> bytes | None:
        """The newest content of that name; None where there is none, or it is damaged."""
        found = self._newest.get(name)
        if isinstance(found, int) and self._stretch is not None:
            try:
                content = self._stretch.segment.read_named(found)
            except SegmentError:
                content = None
            if content is None:
                return None
            self._newest[name] = found = content
        return found if isinstance(found, bytes) else None

    def names(self) -> frozenset[str]:
        """What there is by name at this moment."""
        return frozenset(self._newest)

    # Facts of vehicles

    def find_vehicle(self, wanted: str) -> dict[str, Any] | None:
        """What is known of a vehicle at this moment; None when there is none of that key, id, label or place ("@x,y").

        Place, time and state are those of the frame; the rest is as it was last told, at `facts_at` (ms).
        """
        facts = self._read_facts()
        row = None if facts is None else self._find_row(facts, wanted)
        if facts is None or row is None:
            return None
        record = {**facts.record(row), "facts_at": facts.at}
        slot, columns = record.pop("slot"), self.columns
        t = record.pop("t")
        if slot is not None:
            if (
                slot >= len(columns.look)
                or columns.look[slot] == 0
                or (slot < len(self._unsure) and self._unsure[slot])
            ):
                return None  # it has left the map since
            look = int(columns.look[slot]) - 1
            record["x"], record["y"], t = int(columns.x[slot]), int(columns.y[slot]), int(columns.t[slot])
            record["state"] = self.legend["states"][look // 16 % 16]
        record["observed_at"] = None if t == 0 else (facts.t0 + t - 1) * 1000
        return record

    def _find_row(self, facts: Facts, wanted: str) -> int | None:
        place = read_place(wanted)
        if place is None:
            return facts.find_row(wanted)
        columns = self.columns
        unsure = np.zeros(len(columns.look), dtype=bool)
        unsure[: len(self._unsure)] = self._unsure[: len(unsure)]
        slots = np.flatnonzero((np.asarray(columns.look) != 0) & ~unsure)
        if not len(slots):
            return None
        x, y = (np.asarray(column)[slots].astype(float) for column in (columns.x, columns.y))
        apart = np.hypot(x - place[0], y - place[1])
        nearest = int(np.argmin(apart))
        return facts.find_slot(int(slots[nearest])) if apart[nearest] <= POINTED_WITHIN_PX else None

    def trace(self, wanted: str, span_ms: int = TRACE_MS) -> dict[str, list[int]]:
        """Where a vehicle was before this moment, a point a key frame (22 to 60 s): {"at" (ms), "x", "y"}, oldest first.

        Empty where it is not on the map. A point that may be another vehicle's is left out with all before it.
        """
        trace: dict[str, list[int]] = {"at": [], "x": [], "y": []}
        facts, number = self._read_facts(), self.held.find(self.now_ms)
        row = None if facts is None else self._find_row(facts, wanted)
        if facts is None or row is None or number is None or (slot := facts.record(row)["slot"]) is None:
            return trace
        if self.find_vehicle(wanted) is None:
            return trace
        points = [(self.now_ms, self.columns)]
        key = facts.record(row)["vehicle_key"]
        run = self.about().get("run")
        for stretch in reversed(self.held.stretches[: number + 1]):
            if stretch.first < self.now_ms - span_ms or stretch.segment.about.get("run") != run:
                break
            if stretch.first >= points[-1][0]:
                continue
            try:
                columns = FrameDecoder().decode(stretch.segment.read_key(stretch.chunk))
            except (SegmentError, FrameError):
                continue
            if not _goes_on(columns, points[-1][1], slot):
                break
            points.append((stretch.first, columns))
        # Numbers of places on the map are given anew when a vehicle leaves: it must have had its own all the way.
        while len(points) > 1 and _slot_then(self._shelf, points[-1][0], key) != slot:
            points.pop()
        for at, columns in reversed(points):
            trace["at"].append(at)
            trace["x"].append(int(columns.x[slot]))
            trace["y"].append(int(columns.y[slot]))
        return trace

    def list_vehicles(self) -> dict[str, int | None]:
        """Key of every vehicle known at this moment -> its slot on the map; None where it is not on it."""
        facts = self._read_facts()
        if facts is None:
            return {}
        n = len(self.columns.look)
        return {
            key: slot if slot is not None and slot < n and self.columns.look[slot] else None
            for key, slot in facts.keys().items()
        }

    def _read_facts(self) -> Facts | None:
        if self._facts is None:
            content, base = self.find_named(FACTS), self.find_named(FACTS_BASE)
            content = content or base  # empty: the base is the newest
            if content is None:
                return None
            try:
                self._facts = decode_facts(content, base)
            except FactsError as error:
                log.warning("black box: cards of that time cannot be shown", fault=str(error))
        return self._facts

    # Going through the records

    def _show(self, stretch: Stretch, at: int) -> bytes:
        """Make that stretch the one that is shown, at that moment; the key frame of it."""
        records = stretch.segment.read(stretch.chunk)
        decoder = FrameDecoder()
        decoder.decode(records[1].body)
        self._decoder, self._stretch, self._records, self._next = decoder, stretch, records, 2
        self._newest = dict(orjson.loads(records[0].body)["newest"])
        self._forget_facts()
        passed = Passed()
        self._apply_until(at, frozenset(), passed)
        if not passed.frames:
            return records[1].body
        return encode_key(Frame(self.seq, None, self.columns, self.legend, self.now_ms))

    def _apply_until(self, to: int, names: frozenset[str], passed: Passed) -> None:
        limit = to if self._stretch is None or self._stretch.limit is None else min(to, self._stretch.limit)
        while self._next < len(self._records) and self._records[self._next].at <= limit:
            found = self._records[self._next]
            self._next += 1
            if found.kind == DELTA:
                self._take_delta(found, passed)
            elif found.kind == NAMED:
                name, content = unpack_named(found.body)
                self._newest[name] = content
                if name in (FACTS, FACTS_BASE):
                    self._forget_facts()
                elif name in names:
                    passed.named[name] = content
        if self._stretch is not None and limit < to and self._next < len(self._records):
            # The clock was set back here: what the file holds beyond is told by another.
            self._next = len(self._records)

    def _take_delta(self, found: Record, passed: Passed) -> None:
        if found.seq != self.seq + 1:
            return  # written twice at the edge of two chunks, or its forerunner is lost
        try:
            self._decoder.decode(found.body)
        except FrameError as error:
            log.warning("black box: the map stands still until the next key frame", fault=str(error))
            return
        passed.frames.append(found.body)
        self._note_free()

    def _is_newest(self, stretch: Stretch) -> bool:
        return bool(self.held.stretches) and self.held.stretches[-1].chunk is stretch.chunk

    def _grow(self) -> bool:
        """Whether the chunk that is shown has more by now."""
        if self._stretch is None:
            return False
        stretch = self._stretch
        end = self._records[-1].end if self._records else stretch.chunk.end
        if stretch.chunk.end <= end and self._is_newest(stretch):
            self.held = self._shelf.look()
        if stretch.chunk.end <= end or stretch.last < stretch.chunk.last:
            return False
        try:
            data = stretch.segment.read_bytes(end, stretch.chunk.end)
        except SegmentError:
            return False
        more = [found for found in read_records(data, end) if found is not None]
        self._records = more
        self._next = 0
        return bool(more)

    def _find_following(self) -> Stretch | None:
        """The stretch after the one that is shown, as far as is known."""
        if self._stretch is None:
            return None
        number = self.held.find(self._stretch.first)
        if number is None or number + 1 >= len(self.held.stretches):
            return None
        return self.held.stretches[number + 1]

    def _enter(self, stretch: Stretch, passed: Passed) -> None:
        """Go on with the next chunk; its key frame is sent only where the map does not follow already."""
        try:
            records = stretch.segment.read(stretch.chunk)
        except SegmentError as error:
            log.warning("black box: a key frame was passed over", fault=str(error))
            self._stretch, self._records, self._next = stretch, [], 0
            return
        run = self.about().get("run")
        follows = records[1].seq == self.seq and run is not None and run == stretch.segment.about.get("run")
        self._stretch, self._records, self._next = stretch, records, 2
        self._newest = dict(orjson.loads(records[0].body)["newest"])
        if follows:
            return
        try:
            self._decoder.decode(records[1].body)
        except FrameError as error:
            log.warning("black box: a key frame was passed over", fault=str(error))
            return
        passed.frames, passed.jumped = [records[1].body], True
        self._forget_facts()

    def _forget_facts(self) -> None:
        self._facts = None
        self._unsure = np.zeros(len(self.columns.look), dtype=bool)

    def _note_free(self) -> None:
        free = self.columns.look == 0
        n = min(len(free), len(self._unsure))
        free[:n] |= self._unsure[:n]
        if len(self._unsure) > n:
            free = np.concatenate([free, self._unsure[n:]])
        self._unsure = free


def _goes_on(earlier: Columns, later: Columns, slot: int) -> bool:
    """Whether that place on the map may be the same vehicle's in both."""
    if slot >= len(earlier.look) or earlier.look[slot] == 0:
        return False
    if (earlier.look[slot] - 1) % 16 != (later.look[slot] - 1) % 16:
        return False
    seconds = max(60.0, float(later.t[slot]) - float(earlier.t[slot]))
    step = np.hypot(float(later.x[slot]) - float(earlier.x[slot]), float(later.y[slot]) - float(earlier.y[slot]))
    return bool(step <= FASTEST_PX_S * seconds)


def _slot_then(shelf: Shelf, at: int, key: str) -> int | None:
    player = Player(shelf)
    try:
        player.seek(at)
    except NothingHeld:
        return None
    facts = player._read_facts()
    row = None if facts is None else facts.find_row(key)
    return None if facts is None or row is None else facts.record(row)["slot"]
