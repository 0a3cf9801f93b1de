"""What the map shows: a snapshot's vehicles as a few integer columns.

Made once per snapshot and audience; `frames.py` turns it into bytes and
`docs/live-protocol.md` says what each column means.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import numpy as np

from control_room.city import Box
from control_room.frames import Marks
from control_room.model import ALARM, VEHICLE_STATES, VEHICLE_TYPES, Snapshot, Table, to_ms

WORLD = 256 * 2**18  # Web Mercator pixels round the world at zoom 18: 0.37 m each at 52° N
ROUND_THE_EARTH_M = 40_075_016.686  # at the equator, of the sphere that Web Mercator is defined on
HEADINGS = 64  # steps of a full turn: 5.6°, finer than a notch can show

_TYPE = {name: i for i, name in enumerate(VEHICLE_TYPES)}
_STATE = {name: i for i, name in enumerate(VEHICLE_STATES)}
# Priority of the worst active alarm of a vehicle, from 1; 0 is none. Above the bits of 4,096 feeds.
ALARM_UNIT = 2**20
_PRIORITY = {name: i + 1 for i, name in enumerate(ALARM.by_name["priority"].values)}
_IN_ALARM = frozenset(("unacknowledged", "acknowledged"))  # neither put aside nor back to normal
_UNKNOWN_TYPE = _TYPE["other"]
_UNKNOWN_STATE = _STATE["unknown"]


# What was pointed at may have moved on since: 60 m, some seconds of a bus. Farther away it is another vehicle.
POINTED_WITHIN_PX = 160


def read_place(wanted: str) -> tuple[int, int] | None:
    """The place that a screen points at instead of naming a vehicle, "@x,y" in map pixels; None where it names one."""
    parts = wanted[1:].split(",")
    if wanted[:1] != "@" or len(parts) != 2 or not all(len(p) <= 10 and p.isascii() and p.isdigit() for p in parts):
        return None
    return int(parts[0]), int(parts[1])


class FeedAges(Protocol):
    """What the map must know of a feed: when its rows are old."""

    @property
    def name(self) -> str: ...
    @property
    def ageing_after_s(self) -> float: ...
    @property
    def stale_after_s(self) -> float: ...
    @property
    def leaves_map_after_s(self) -> float: ...


def mercator(latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World pixels at zoom 18, int32, x to the east and y to the south."""
    x = (longitude + 180.0) / 360.0 * WORLD
    sine = np.sin(np.radians(latitude))
    y = (0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)) * WORLD
    return np.rint(x).astype(np.int32), np.rint(y).astype(np.int32)


class MarksBuilder:
    """Builds the marks of one audience.

    Holds no facts of the city, only the last key array, so that unchanged
    vehicles are recognised without comparing five thousand names.
    """

    def __init__(self, feeds: Sequence[FeedAges], box: Box, t0: datetime) -> None:
        self._t0 = to_ms(t0).astype("datetime64[s]")
        self._box = box
        self._feed_index = {f.name: i for i, f in enumerate(feeds)}
        self._leaves_s = np.array([f.leaves_map_after_s for f in feeds] or [0.0])
        self._legend = {
            "t0": int(self._t0.astype(np.int64)),
            "types": list(VEHICLE_TYPES),
            "states": list(VEHICLE_STATES),
            "feeds": [
                {
                    "name": f.name,
                    "ageing_s": f.ageing_after_s,
                    "stale_s": f.stale_after_s,
                    "leaves_s": f.leaves_map_after_s,
                }
                for f in feeds
            ],
        }
        self._all_keys: np.ndarray | None = None
        self._shown: np.ndarray | None = None
        self._shown_keys: np.ndarray | None = None
        self._alarms: Table | None = None
        self._worst: dict[str, int] = {}

    def build(self, snapshot: Snapshot) -> Marks:
        """Every vehicle in the city's box that has not left the map."""
        table = snapshot.tables["vehicle"]
        latitude, longitude = table["latitude"], table["longitude"]
        observed = table["observed_at"].astype("datetime64[s]")
        untimed = np.isnat(observed)
        feed = np.array([self._feed_index.get(f, 0) for f in table["feed"].tolist()], dtype=np.int32)
        age_s = np.divide(to_ms(snapshot.at) - table["observed_at"], np.timedelta64(1, "s"))
        # A row of unknown time stays on the map, marked as unknown, as long as its feed lists it.
        gone = np.nan_to_num(age_s, nan=0.0) > self._leaves_s[feed]
        shown = self._box.contains(latitude, longitude) & ~gone
        keys = self._keys(table.keys, shown)
        every = bool(shown.all())

        def pick(array: np.ndarray) -> np.ndarray:
            return array if every else array[shown]

        x, y = mercator(pick(latitude), pick(longitude))
        heading = pick(table["heading_deg"])
        heading = np.where(pick(table["heading_source"]) == "ambiguous", np.nan, heading)
        with np.errstate(invalid="ignore"):
            steps = np.where(np.isnan(heading), 0, np.rint(heading / 360 * HEADINGS) % HEADINGS + 1).astype(np.int32)
        types = [_TYPE.get(v, _UNKNOWN_TYPE) for v in pick(table["vehicle_type"]).tolist()]
        states = [_STATE.get(v, _UNKNOWN_STATE) for v in pick(table["state"]).tolist()]
        look = 1 + np.array(types, dtype=np.int32) + 16 * np.array(states, dtype=np.int32) + 256 * pick(feed)
        look += ALARM_UNIT * self._priorities(snapshot.tables.get("alarm"), keys)
        seconds = np.where(untimed, -1, (observed - self._t0).astype(np.int64)) + 1
        now_ms = int(to_ms(snapshot.at).astype(np.int64))
        return Marks(
            keys=keys,
            t=pick(seconds.astype(np.int32)),
            x=x,
            y=y,
            heading=steps,
            look=look.astype(np.int32),
            legend=self._legend,
            now_ms=now_ms,
        )

    def _priorities(self, alarms: Table | None, keys: np.ndarray) -> np.ndarray:
        """Of each vehicle: its worst active alarm. The alarm table is the same object while nothing changed in it."""
        if alarms is not self._alarms:
            self._alarms, self._worst = alarms, {} if alarms is None else _find_worst(alarms)
        if not self._worst:
            return np.zeros(len(keys), dtype=np.int32)
        return np.array([self._worst.get(key, 0) for key in keys.tolist()], dtype=np.int32)

    def _keys(self, keys: np.ndarray, shown: np.ndarray) -> np.ndarray:
        same = keys is self._all_keys and self._shown is not None and np.array_equal(shown, self._shown)
        if not same:
            self._all_keys, self._shown = keys, shown
            self._shown_keys = keys if shown.all() else keys[shown]
        assert self._shown_keys is not None  # noqa: S101 - set together with _all_keys
        return self._shown_keys


def _find_worst(alarms: Table) -> dict[str, int]:
    """Key of a vehicle -> number of the priority of its worst active alarm."""
    worst: dict[str, int] = {}
    columns = (alarms[name].tolist() for name in ("row_key", "row_kind", "priority", "state"))
    for key, kind, priority, state in zip(*columns, strict=True):
        if kind == "vehicle" and state in _IN_ALARM:
            number = _PRIORITY.get(priority, 1)
            worst[key] = min(worst.get(key, number), number)
    return worst
