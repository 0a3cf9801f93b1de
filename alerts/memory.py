"""What conditions need beyond one table: words as numbers, and what each row said before.

One `Memory` a table that is followed. The engine calls `look` once a step and
asks all conditions on that table of what it gives back.

History is bounded: a window is cut into `SLICES` slices, and of every slice the
first value of a row is kept, with the time it was observed. So it costs rows ×
windows × slices × 16 bytes (10,000 rows and one window: 2.7 MB), however often
rows come. It is lost with the process: then a rate is unknown until half of its
window has passed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from alerts.expression_functions import split_zones
from alerts.rows import Codes
from control_room.model import Table

RENUMBER_SHARE = 8  # a column of which more than an eighth changed is numbered anew: that is as quick
SLICES = 16  # of a window: its length is right to a sixteenth
_EPOCH = np.datetime64("1970-01-01T00:00:00", "ms")

# Anything that gives a column by its name.
Source = Table | Mapping[str, np.ndarray]


class Memory:
    """Of one table: `look` is called with every step, in order of time."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._codes: dict[str, tuple[np.ndarray, Codes]] = {}
        self._places = _Places()
        self._rings: dict[tuple[str, float], _Ring] = {}
        self._borders: dict[str, _Border] = {}

    @property
    def room(self) -> int:
        """How many rows are remembered."""
        return self._places.room

    def follow(self, windows: Iterable[tuple[str, float]], zones: Iterable[str]) -> None:
        """What must be remembered from now on; what is followed already goes on, the rest is forgotten."""
        self._codes.clear()  # what rules of before asked about words
        self._rings = {w: self._rings.get(w) or _Ring(w[1]) for w in set(windows)}
        self._borders = {z: self._borders.get(z) or _Border(z) for z in set(zones)}

    def look(self, source: Source, keys: np.ndarray, now: datetime) -> View:
        """The rows as conditions read them; what is followed takes them in.

        Args:
            keys: of the rows; a row is followed by its key.
            now: aware, by the engine's clock.
        """
        view = View(source, len(keys), now, now.astimezone(self._zone), self)
        if self._rings or self._borders:
            view.places = self._places.of(keys, self._followers())
            room = self._places.room
            observed = view.seconds("observed_at") if _has(source, "observed_at") else np.full(len(keys), np.nan)
            view.moments = np.where(np.isnan(observed), view.now_ms / 1000, observed)
            for (name, _), ring in self._rings.items():
                ring.take(source[name], view.moments, view.places, room, view.now_ms / 1000)
            for border in self._borders.values():
                border.take(view.codes("zones").ask(border.holds), view.places, room, view.now_ms / 1000)
        return view

    def codes(self, name: str, array: np.ndarray) -> Codes:
        """A column as numbers. Only what differs from last time is looked up, where that is little."""
        before, codes = self._codes.get(name, (None, None))
        if before is array and codes is not None:
            return codes
        if before is None or codes is None or len(before) != len(array):
            codes = _number_words(array)
        else:
            changed = np.flatnonzero(array != before)
            if len(changed) > len(array) // RENUMBER_SHARE:
                codes = _number_words(array)
            elif len(changed):
                codes = codes.changed(changed, array[changed])
                if len(codes.words) > 2 * len(array):  # most are words that no row has any more
                    codes = _number_words(array)
        self._codes[name] = (array, codes)
        return codes

    def change(self, view: View, name: str, window_s: float) -> tuple[np.ndarray, np.ndarray]:
        ring = self._rings.get((name, window_s))
        if ring is None:
            raise LookupError(f"{name} is not followed over {window_s:g} s; Memory.follow was not told of it")
        return ring.change(view[name], view.moments, view.places)

    def crossed_s(self, view: View, zone: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        border = self._borders.get(zone)
        if border is None:
            raise LookupError(f"the border of {zone!r} is not watched; Memory.follow was not told of it")
        return border.ages(view.places, view.now_ms / 1000)

    def _followers(self) -> list[_Follower]:
        return [*self._rings.values(), *self._borders.values()]


@dataclass(eq=False)
class View:
    """Rows of one table at one moment; see `alerts.rows.Rows`."""

    source: Source
    size: int
    now: datetime
    local: datetime
    memory: Memory
    places: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    moments: np.ndarray = field(default_factory=lambda: np.empty(0))
    _seconds: dict[str, np.ndarray] = field(default_factory=dict)
    _past: dict[tuple[str, float], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @property
    def now_ms(self) -> int:
        return round(self.now.astimezone(UTC).timestamp() * 1000)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.source[name]

    def codes(self, name: str) -> Codes:
        return self.memory.codes(name, self.source[name])

    def seconds(self, name: str) -> np.ndarray:
        found = self._seconds.get(name)
        if found is None:
            found = (self.source[name] - _EPOCH) / np.timedelta64(1, "s")  # NaT becomes NaN
            self._seconds[name] = found
        return found

    def past(self, name: str, window_s: float) -> tuple[np.ndarray, np.ndarray]:
        found = self._past.get((name, window_s))
        if found is None:
            found = self.memory.change(self, name, window_s)
            self._past[(name, window_s)] = found
        return found

    def crossed_s(self, zone: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.memory.crossed_s(self, zone)


def _number_words(array: np.ndarray) -> Codes:
    codes, words = pd.factorize(array)
    return Codes(codes, np.asarray(words, dtype=object))


class _Places:
    """A place for every key. Keys that are gone keep theirs until they are more than those that are there."""

    def __init__(self) -> None:
        self.room = 0
        self._place: dict[str, int] = {}
        self._keys: np.ndarray | None = None
        self._found = np.empty(0, dtype=np.int64)

    def of(self, keys: np.ndarray, followers: Iterable[_Follower]) -> np.ndarray:
        """Places of these keys. `followers` are told when places are dealt anew."""
        if keys is self._keys:
            return self._found
        place = self._place
        if len(place) > 2 * len(keys) + 1000:
            kept = [key for key in keys if key in place]
            old = np.fromiter(map(place.__getitem__, kept), dtype=np.int64, count=len(kept))
            for follower in followers:
                follower.keep(old)
            place = self._place = dict(zip(kept, range(len(kept)), strict=True))
        for key in keys:
            place.setdefault(key, len(place))
        self.room = len(place)
        self._found = np.fromiter(map(place.__getitem__, keys), dtype=np.int64, count=len(keys))
        self._keys = keys
        return self._found


class _Ring:
    """What one number was over one window: of every slice of it, the first value of each row and its moment."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._slice_s = window_s / SLICES
        self._slice = -1  # number of the slice that is being filled, counted from 1970
        self._times = np.full((SLICES + 1, 0), np.nan)
        self._values = np.full((SLICES + 1, 0), np.nan)
        self._holds = np.zeros(SLICES + 1, dtype=bool)  # whether the slice has any value

    def take(self, values: np.ndarray, moments: np.ndarray, places: np.ndarray, room: int, now_s: float) -> None:
        if room > self._times.shape[1]:
            # A quarter more than is needed: rows that come one by one must not copy it all each time.
            more = np.full((SLICES + 1, room + room // 4 - self._times.shape[1]), np.nan)
            self._times = np.hstack([self._times, more])
            self._values = np.hstack([self._values, more])
        number = int(now_s // self._slice_s)
        if not self._slice <= number <= self._slice + SLICES:
            # A first look, a long pause, or a clock that was set back: nothing that is held is of use.
            self._times.fill(np.nan)
            self._holds.fill(False)
        else:
            for passed in range(self._slice + 1, number + 1):
                self._times[passed % (SLICES + 1)] = np.nan
                self._holds[passed % (SLICES + 1)] = False
        self._slice = number
        at = number % (SLICES + 1)
        new = np.isnan(self._times[at, places]) & ~np.isnan(values)
        if new.any():
            self._times[at, places[new]] = moments[new]
            self._values[at, places[new]] = values[new]
            self._holds[at] = True

    def change(self, values: np.ndarray, moments: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Now minus the oldest value in the window, and the seconds between them."""
        change, over_s = np.full(len(places), np.nan), np.full(len(places), np.nan)
        if self._slice < 0:
            return change, over_s
        open_rows = np.flatnonzero(~np.isnan(values))
        # From the oldest slice on; most rows are done after the first, and only the rest is looked for in the next.
        for number in range(self._slice + 1, self._slice + SLICES + 2):
            at = number % (SLICES + 1)
            if not len(open_rows):
                break
            if not self._holds[at]:
                continue
            where = places[open_rows]
            age_s = moments[open_rows] - self._times[at, where]
            found = (age_s > 0) & (age_s <= self._window_s + self._slice_s)
            rows = open_rows[found]
            over_s[rows] = age_s[found]
            change[rows] = values[rows] - self._values[at, where[found]]
            open_rows = open_rows[~found]
        short = ~(over_s >= self._window_s / 2)
        change[short] = over_s[short] = np.nan
        return change, over_s

    def keep(self, places: np.ndarray) -> None:
        self._times = self._times[:, places]
        self._values = self._values[:, places]


class _Border:
    """On which side of a zone's border each row is, and when it last crossed."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self.holds = self._is_in  # one object, so that each word is asked about once
        self._now_s = -np.inf
        self._side = np.empty(0, dtype=np.int8)  # 1 inside, 0 outside, -1 never known; the last one that was known
        self._known = np.empty(0, dtype=bool)  # at the last look
        self._times = np.full((3, 0), np.nan)  # came in, left, watched since

    def take(self, inside: tuple[np.ndarray, np.ndarray], places: np.ndarray, room: int, now_s: float) -> None:
        if now_s < self._now_s - 2:  # the clock was set back: no age can be told
            self._side.fill(-1)
            self._times.fill(np.nan)
        self._now_s = now_s
        if room > len(self._side):
            more = room + room // 4 - len(self._side)
            self._side = np.append(self._side, np.full(more, -1, dtype=np.int8))
            self._known = np.append(self._known, np.zeros(more, dtype=bool))
            self._times = np.hstack([self._times, np.full((3, more), np.nan)])
        true, false = inside
        before = self._side[places]
        self._times[0, places[true & (before == 0)]] = now_s
        self._times[1, places[false & (before == 1)]] = now_s
        self._times[2, places[(true | false) & (before == -1)]] = now_s
        self._side[places[true]] = 1
        self._side[places[false]] = 0
        self._known[places] = true | false

    def _is_in(self, zones: str) -> bool:
        return self._zone in split_zones(zones)

    def ages(self, places: np.ndarray, now_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        came_s, left_s, watched_s = now_s - self._times[:, places]
        return came_s, left_s, np.where(self._known[places], watched_s, np.nan)

    def keep(self, places: np.ndarray) -> None:
        self._side = self._side[places]
        self._known = self._known[places]
        self._times = self._times[:, places]


_Follower = _Ring | _Border


def _has(source: Source, name: str) -> bool:
    """Whether the rows can have that column; a Table knows its kind, and gives unknowns where nobody filled it."""
    return name in (source.kind.by_name if isinstance(source, Table) else source)
