"""What a snapshot gives each audience: map frame, panels, cards, each encoded once.

Runs in the writer's thread. Work is done once per snapshot and audience, never
once per screen: the hub sends these very bytes to every screen of the audience.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
import structlog
from dash.development.base_component import Component

from control_room.city import City
from control_room.clock import Clock
from control_room.diary import Diary
from control_room.frames import FrameEncoder
from control_room.layers import LayerKeeper, list_wanted
from control_room.live import Bundle, FindCard, encode_panel
from control_room.marks import POINTED_WITHIN_PX, MarksBuilder, mercator, read_place
from control_room.model import KINDS, STAFF, Snapshot, Table
from control_room.usual import Usual
from control_room.vehicle_cards import VehicleCards
from feeds.feed import Feed
from layouts.layer import list_layers
from layouts.panel import View, build_fault, list_panels

log = structlog.get_logger()

# Panels change by the second at most: people read them, and ages run in the page by themselves.
# A little less than a second, or the jitter of a feed asked each second would skip every other one.
PANELS_EVERY_S = 0.9

# Audience of a screen -> audiences of columns it holds.
COLUMNS_OF: Mapping[str, frozenset[str]] = MappingProxyType({"wall": frozenset({STAFF})})


class Publisher:
    """Makes the bundle of every audience from a snapshot."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        city: City,
        clock: Clock,
        mode: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._feeds = tuple(feeds)
        self._city = city
        self._clock = clock
        self._mode = mode
        self._audiences = {
            name: _Audience(name, MarksBuilder(feeds, city.box, clock.now()), FrameEncoder()) for name in COLUMNS_OF
        }
        self._panels = list_panels()
        # Put in by whoever keeps history, every few minutes; read as one object, so no lock is needed.
        self.usual: Usual | None = None
        # Fed by the writer before it makes anything of a snapshot; staff alone are shown it.
        self.diary: Diary | None = None
        self._urgent = {name for name, panel in self._panels.items() if panel.urgent}

    def take_usual(self, usual: Usual | None) -> None:
        """What is usual in the running hour, for views of that hour."""
        self.usual = usual

    def view(self, snapshot: Snapshot, audience: str = "wall") -> View:
        """What screens of that audience are built from."""
        shown = project(snapshot, COLUMNS_OF[audience])
        usual = self.usual
        return View(
            snapshot=shown,
            now=snapshot.at,
            city=self._city,
            mode=self._mode,
            feeds=self._feeds,
            usual=usual if usual is not None and usual.covers(snapshot.at) else None,
            diary=self.diary if STAFF in COLUMNS_OF[audience] else None,
        )

    def find_cards(self, snapshot: Snapshot) -> dict[str, FindCard]:
        """Audience -> what finds a vehicle's card; the same function for the same snapshot."""
        found: dict[str, FindCard] = {}
        for name, audience in self._audiences.items():
            if audience.cards is None or audience.cards_of is not snapshot:
                shown = project(snapshot, COLUMNS_OF[name])
                audience.cards = CardFinder(shown.tables["vehicle"], self._feeds)
                audience.cards_of = snapshot
            found[name] = audience.cards.find
        return found

    def make(self, snapshot: Snapshot, wanted: Mapping[str, frozenset[str]]) -> dict[str, Bundle]:
        """Audience -> what its screens get of this snapshot.

        Args:
            wanted: audience -> names of the panels, and topics (`layer:<name>`) of the layers, that some screen shows now.
        """
        cards = self.find_cards(snapshot)
        return {
            name: self._make(snapshot, audience, cards[name], wanted.get(name, frozenset()))
            for name, audience in self._audiences.items()
        }

    def _make(self, snapshot: Snapshot, audience: _Audience, find_card: FindCard, wanted: frozenset[str]) -> Bundle:
        view = self.view(snapshot, audience.name)
        frame = audience.frames.encode(audience.marks.build(view.snapshot))
        layers = audience.layers.make(snapshot, view, list_wanted(wanted))
        vehicles, tracks = audience.vehicles.make(view, wanted, self._monotonic())
        wanted &= self._panels.keys()  # any client may ask for any name
        if _are_due(snapshot.at, self._monotonic(), audience, wanted):
            audience.panels_at, audience.panels_s = snapshot.at, self._monotonic()
            audience.panels = self._build_panels(view, audience, wanted)
        elif snapshot.tables.get("alarm") is not audience.alarms:
            # The next second may be long in coming where no feed speaks; an alarm cannot wait for it.
            urgent = wanted & self._urgent
            if urgent:
                audience.panels = {**audience.panels, **self._build_panels(view, audience, urgent)}
        audience.alarms = snapshot.tables.get("alarm")
        return Bundle(
            frame=frame, panels=audience.panels, find_card=find_card, layers=layers, vehicles=vehicles, tracks=tracks
        )

    def _build_panels(self, view: View, audience: _Audience, wanted: frozenset[str]) -> Mapping[str, bytes]:
        built: dict[str, bytes] = {}
        for name, panel in self._panels.items():
            if name not in wanted:
                continue
            try:
                content = audience.contents[name] = to_json(panel.build(view))
                audience.failing_since.pop(name, None)
            except Exception:
                # One panel's fault harms only itself: what it last showed stays, under a line that says since when.
                if name not in audience.failing_since:
                    log.exception("panel could not be built; said once, until it can be again", panel=name)
                since = audience.failing_since.setdefault(name, view.now)
                content = _with_fault(since, audience.contents.get(name))
            built[name] = encode_panel(name, content)
        return built


def _are_due(now: datetime, now_s: float, audience: _Audience, wanted: frozenset[str]) -> bool:
    """Whether panels are built now: each second, and at once for a screen that wants one nobody has shown yet.

    In a still the moment never passes, nor at the end of a recording, and after a
    clock was set back it is long in coming: what arrives then is shown all the same.
    """
    if audience.panels_at is None or not wanted <= audience.panels.keys():
        return True
    since_s = (now - audience.panels_at).total_seconds()
    return since_s < 0 or max(since_s, now_s - audience.panels_s) >= PANELS_EVERY_S


def _with_fault(since: datetime, before: bytes | None) -> bytes:
    """The fault's line, and beneath it what the panel showed before, if it ever did."""
    line = build_fault(since, before=before is not None)
    return to_json(line) if before is None else orjson.dumps([orjson.Fragment(to_json(line)), orjson.Fragment(before)])


def _say_layer_failed(name: str) -> None:
    log.exception("layer could not be built; said once, until it can be again", layer=name)


class _Audience:
    """What the writer keeps between two snapshots for one audience."""

    def __init__(self, name: str, marks: MarksBuilder, frames: FrameEncoder) -> None:
        self.name = name
        self.marks = marks
        self.frames = frames
        self.layers = LayerKeeper(list_layers(), _say_layer_failed)
        self.vehicles = VehicleCards(to_json)
        self.panels: Mapping[str, bytes] = {}
        self.panels_at: datetime | None = None
        self.panels_s = 0.0  # the same by a clock that passes in a still, and at the end of a recording
        self.alarms: Table | None = None  # as last shown; the engine gives the same table while nothing changed
        self.failing_since: dict[str, datetime] = {}
        self.contents: dict[str, bytes] = {}  # of panels as last built, JSON
        self.cards: CardFinder | None = None
        self.cards_of: Snapshot | None = None


def project(snapshot: Snapshot, held: frozenset[str]) -> Snapshot:
    """The same snapshot without the columns that this audience may not see."""
    tables: dict[str, Table] = {}
    for name, table in snapshot.tables.items():
        allowed = {c.name for c in KINDS[name].columns_for(held)}
        if allowed.issuperset(table.columns):
            tables[name] = table
        elif not allowed:
            tables[name] = Table.empty(table.kind)  # not even how many there are
        else:
            # The key column is kept as rows have no order without it; it leaves the process only in staff frames.
            kept = {n: a for n, a in table.columns.items() if n in allowed or n == table.kind.key}
            tables[name] = Table.of(table.kind, kept)
    return Snapshot(
        snapshot.version,
        snapshot.at,
        MappingProxyType(tables),
        snapshot.feeds,
        MappingProxyType({}),
        watch=snapshot.watch,
    )


class CardFinder:
    """The card of one vehicle, looked up by key, by the supplier's id, by label, or by its place: "@x,y" in map pixels.

    A screen knows its vehicles by place only: their names do not travel with the map.
    """

    def __init__(self, table: Table, feeds: Sequence[Feed]) -> None:
        self._table = table
        self._feeds = {f.name: f for f in feeds}

    def find(self, wanted: str) -> dict[str, Any] | None:
        """The card, or None when no vehicle has that id.

        Where several have it (operators share ids), the one heard from last.
        """
        table = self._table
        if (place := read_place(wanted)) is not None:
            nearest = self._find_nearest(*place)
            return None if nearest is None else self._card(nearest)
        for column in ("vehicle_key", "vehicle_id", "label"):
            rows = np.flatnonzero(table[column] == wanted)
            if len(rows):
                times = table["observed_at"][rows]
                newest = rows[0] if np.isnat(times).all() else rows[np.nanargmax(_with_nan(times))]
                return self._card(int(newest))
        return None

    def _find_nearest(self, x: int, y: int) -> int | None:
        """The vehicle nearest to that place; None where none is as near as it can have come since it was pointed at."""
        known = np.flatnonzero(np.isfinite(self._table["latitude"]) & np.isfinite(self._table["longitude"]))
        if not len(known):
            return None
        east, south = mercator(self._table["latitude"][known], self._table["longitude"][known])
        apart = np.hypot(east.astype(float) - x, south.astype(float) - y)
        nearest = int(np.argmin(apart))
        return int(known[nearest]) if apart[nearest] <= POINTED_WITHIN_PX else None

    def _card(self, row: int) -> dict[str, Any]:
        table = self._table
        record = table.take(np.array([row])).to_records()[0]
        feed = self._feeds.get(record.get("feed") or "")
        observed = table["observed_at"][row]
        x, y = mercator(table["latitude"][row : row + 1], table["longitude"][row : row + 1])
        names = ("vehicle_key", "vehicle_type", "state", "state_reason", "speed_kmh", "battery_percent", "locality")
        return {
            "label": record.get("label") or record.get("vehicle_id") or record["vehicle_key"],
            **{name: record.get(name) for name in names},
            "route": record.get("route_name") or record.get("route_id"),
            "destination": record.get("destination"),
            "observed_at": None if np.isnat(observed) else int(observed.astype(np.int64)),
            "x": int(x[0]),
            "y": int(y[0]),
            "ageing_s": feed.ageing_after_s if feed else None,
            "stale_s": feed.stale_after_s if feed else None,
        }


def _with_nan(times: np.ndarray) -> np.ndarray:
    return np.where(np.isnat(times), np.nan, times.astype(np.int64).astype(float))


def to_json(component: Component | Mapping[str, Any]) -> bytes:
    """A Dash component as the page's `set_props` takes it; plain JSON as it is."""
    return orjson.dumps(component, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return value.to_plotly_json()
    raise TypeError(f"a panel holds a {type(value).__name__}, which is neither a component nor plain JSON")
