"""A small made-up city whose screens are recorded: real frames, panels and snapshots at the moments a test names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson

from control_room.blackbox.segment import Segment
from control_room.blackbox.tape import Tape
from control_room.city import CITIES, load_city
from control_room.frames import FrameEncoder
from control_room.live import Bundle, encode_panel
from control_room.marks import MarksBuilder
from control_room.model import ALARM, EVENT, VEHICLE, Snapshot, Table
from feeds.feed import Feed

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
FEED = Feed(name="buses", title="Buses", adapter="gtfs_realtime", url="http://x.example/", every_s=1)
CITY = load_city(CITIES / "milton_keynes")
ABOUT = {"mode": "sandbox", "city": "Milton Keynes", "simulated": True}


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@dataclass
class Screens:
    """What the screens of that city are given, moment by moment; every vehicle moves on each second."""

    rows: int = 5
    seed: int = 1
    start: datetime = NOON
    panels: dict[str, Any] = field(default_factory=dict)  # that some screen shows
    gone: set[int] = field(default_factory=set)
    alarms: Table = field(default_factory=lambda: Table.empty(ALARM))
    events: Table = field(default_factory=lambda: Table.empty(EVENT))

    def __post_init__(self) -> None:
        self._lot = np.random.default_rng(self.seed)
        self._marks = MarksBuilder([FEED], CITY.box, self.start)
        self._frames = FrameEncoder()
        self._turns = self._lot.uniform(0, 6.28, self.rows)
        self._version = 0

    def at(self, moment: datetime) -> tuple[Bundle, Snapshot]:
        """Bundle and snapshot of that moment."""
        self._version += 1
        there = [i for i in range(self.rows) if i not in self.gone]
        seconds = (moment - self.start).total_seconds()
        turns = self._turns[there] + seconds / 200
        columns = {
            "vehicle_key": [f"buses:{i}" for i in there],
            "vehicle_id": [f"V{i}" for i in there],
            "label": [f"bus {i}" for i in there],
            "feed": ["buses"] * len(there),
            "vehicle_type": ["bus"] * len(there),
            "state": ["working"] * len(there),
            "latitude": 52.04 + 0.02 * np.sin(turns),
            "longitude": -0.76 + 0.03 * np.cos(turns),
            "observed_at": [moment - timedelta(seconds=1)] * len(there),
            "received_at": [moment] * len(there),
            "speed_kmh": [round(20 + i + seconds % 7, 1) for i in there],
            "battery_percent": [None if i == 1 else 80.0 for i in there],
            "route_name": [str(i % 3) for i in there],
            "locality": ["Bletchley" if i % 2 else None for i in there],
        }
        tables = {"vehicle": Table.of(VEHICLE, columns), "alarm": self.alarms, "event": self.events}
        snapshot = Snapshot(self._version, moment, MappingProxyType(tables), MappingProxyType({}))
        frame = self._frames.encode(self._marks.build(snapshot))
        panels = {name: encode_panel(name, orjson.dumps(content)) for name, content in self.panels.items()}
        return Bundle(frame, panels, lambda _: None), snapshot


@dataclass
class Standing:
    """Panels for the record: each says how often it was built, or what `said` gives for it."""

    topics: tuple[str, ...] = ("panel:fleet", "panel:alarms")
    urgent: frozenset[str] = frozenset({"panel:alarms"})
    said: dict[str, Any] = field(default_factory=dict)
    built: list[tuple[str, datetime]] = field(default_factory=list)

    def build(self, topic: str, snapshot: Snapshot) -> bytes | None:
        self.built.append((topic, snapshot.at))
        name = topic.removeprefix("panel:")
        return encode_panel(name, orjson.dumps(self.said.get(name, f"built for {snapshot.at:%H:%M:%S}")))


def record_span(
    tape: Tape, screens: Screens, start: datetime, seconds: float, every_s: float = 1.0
) -> list[tuple[Bundle, Snapshot]]:
    """Records that span, a frame each `every_s`; what was given to the tape."""
    given = []
    for step in range(round(seconds / every_s)):
        bundle, snapshot = screens.at(start + timedelta(seconds=step * every_s))
        tape.record(bundle, snapshot)
        given.append((bundle, snapshot))
    return given


def make_tape(folder: Path, standing: Standing | None = None) -> Tape:
    return Tape(folder, "wall", ABOUT, standing or Standing())


def list_boxes(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.box"), key=lambda path: path.name[3:])


def open_boxes(folder: Path) -> list[Segment]:
    return [Segment.open(path) for path in list_boxes(folder)]
