"""Panels and tracks of the vehicles that people follow: made in the writer's thread, once a vehicle, whoever follows it.

A screen names its vehicle with `follow` (docs/live-protocol.md). One that shows the
panel `vehicle` gets that vehicle's card in it; one with a map gets its track as a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson
import structlog

from control_room.frames import PANEL, deflate
from control_room.live import TRACK_TOPIC, VEHICLE_PANEL, VEHICLE_TOPIC
from control_room.marks import mercator
from control_room.tracks import Track
from layouts.panel import View, build_fault
from layouts.parts.silence import find_vehicle
from layouts.parts.vehicle_card import build_vehicle_card

log = structlog.get_logger()

EVERY_S = 0.9
# Of all that are followed so many cards are made at once at most, those that have waited longest first.
MOST_AT_ONCE = 16
MOST_FOLLOWED = 256
# A longer pause between two points is not bridged by a line: nobody knows the way.
GAP_S = 120.0


class VehicleCards:
    """Of one audience.

    Args:
        to_json: a component as bytes.
    """

    def __init__(self, to_json: Callable[[Any], bytes]) -> None:
        self._to_json = to_json
        self._made_s: dict[str, float] = {}
        self._panels: dict[str, bytes] = {}
        self._tracks: dict[str, str] = {}
        self._failing: set[str] = set()

    def make(self, view: View, wanted: frozenset[str], now_s: float) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
        """Panels and tracks by the id that is followed.

        Args:
            wanted: `vehicle:<id>` and `track:<id>` of those followed now; other topics are of no concern.
            now_s: of a clock that never stands nor goes back.
        """
        panels = {t.removeprefix(VEHICLE_TOPIC) for t in wanted if t.startswith(VEHICLE_TOPIC)}
        tracks = {t.removeprefix(TRACK_TOPIC) for t in wanted if t.startswith(TRACK_TOPIC)}
        followed = panels | tracks
        self._made_s = {name: s for name, s in self._made_s.items() if name in followed}
        self._failing &= followed
        self._panels = {name: made for name, made in self._panels.items() if name in panels}
        self._tracks = {name: made for name, made in self._tracks.items() if name in tracks}
        due = [name for name in followed if now_s - self._made_s.get(name, -np.inf) >= EVERY_S]
        # A topic that is new for a vehicle already made is not kept waiting.
        due += [n for n in (panels - self._panels.keys()) | (tracks - self._tracks.keys()) if n not in due]
        due.sort(key=lambda name: (self._made_s.get(name, -np.inf), name))
        for name in due[:MOST_AT_ONCE]:
            if name not in self._made_s and len(self._made_s) >= MOST_FOLLOWED:
                continue
            self._made_s[name] = now_s
            if name in panels:
                self._panels[name] = self._make_panel(view, name)
            if name in tracks:
                self._tracks[name] = encode_track(name, find_track(view, name))
        return dict(self._panels), dict(self._tracks)

    def _make_panel(self, view: View, name: str) -> bytes:
        try:
            content = build_vehicle_card(view, name)
            self._failing.discard(name)
        except Exception:
            # One vehicle's card harms only itself.
            if name not in self._failing:
                log.exception("a vehicle's card could not be built; said once, until it can be again")
            self._failing.add(name)
            content = build_fault(view.now, before=False)
        children = self._to_json(content)
        return deflate(PANEL, b'{"name":' + orjson.dumps(VEHICLE_PANEL) + b',"children":' + children + b"}")


def find_track(view: View, wanted: str) -> Track | None:
    """What is kept of the vehicle of that key, id or label; None where there is no such vehicle, or nothing is kept."""
    table = view.snapshot.tables["vehicle"]
    row = find_vehicle(table, wanted)
    return None if row is None or view.diary is None else view.diary.tracks.find(str(table.keys[row]))


def encode_track(wanted: str, track: Track | None) -> str:
    """The `track` message: whole Web Mercator pixels of zoom 18, the first point, then steps; `gaps` are the points
    before which the line is broken. Without points where nothing is known."""
    points: dict[str, Any] = {"x": [], "y": [], "gaps": []}
    if track is not None and len(track):
        x, y = mercator(track.latitude, track.longitude)
        points = {
            "x": np.diff(x, prepend=0).tolist(),
            "y": np.diff(y, prepend=0).tolist(),
            "gaps": (np.flatnonzero(np.diff(track.at).astype(np.int64) > GAP_S * 1000) + 1).tolist(),
        }
    return orjson.dumps({"type": "track", "id": wanted, **points}).decode()
