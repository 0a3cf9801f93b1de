"""Small cities for panel tests: a handful of vehicles, each written in one line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from dash.development.base_component import Component

from control_room.city import CITIES, City, load_city
from control_room.model import VEHICLE, FeedHealth, Snapshot, Table
from feeds.feed import Feed
from layouts.panel import View

NOW = datetime(2024, 11, 22, 14, 3, 12, tzinfo=UTC)
CENTRE = (52.0409, -0.7564)
FEEDS = (
    Feed(
        name="robots", title="Delivery robots", adapter="none", url="http://x.invalid/", vehicle_type="robot", every_s=1
    ),
    Feed(name="buses", title="Buses", adapter="none", url="http://x.invalid/", vehicle_type="bus", every_s=10),
)


def city() -> City:
    return load_city(CITIES / "milton_keynes")


def view_of(*vehicles: str, healths: tuple[FeedHealth, ...] = (), mode: str = "live", now: datetime = NOW) -> View:
    """A view of vehicles such as "47 robot needs_help 12s" or "9 bus idle untimed away" (outside the city)."""
    rows: list[dict[str, Any]] = []
    for text in vehicles:
        label, kind, state, age, *more = text.split()
        latitude, longitude = (51.5, -0.1) if "away" in more else CENTRE
        rows.append(
            {
                "vehicle_key": f"{kind}:{label}",
                "label": label,
                "feed": "robots" if kind == "robot" else "buses",
                "vehicle_type": kind,
                "state": state,
                "state_reason": next((m.removeprefix("because=") for m in more if m.startswith("because=")), None),
                "latitude": latitude,
                "longitude": longitude,
                "observed_at": None if age == "untimed" else NOW - timedelta(seconds=float(age.removesuffix("s"))),
                "locality": None if "away" in more else "Central Milton Keynes",
            }
        )
    names = list(rows[0]) if rows else ["vehicle_key"]
    table = Table.of(VEHICLE, {n: [r[n] for r in rows] for n in names}) if rows else Table.empty(VEHICLE)
    # Every kind has its table, as in the city: a panel may ask for any.
    empty = Snapshot.empty(NOW, healths)
    snapshot = replace(empty, version=1, tables=MappingProxyType({**empty.tables, "vehicle": table}))
    return View(snapshot, now, city(), mode, FEEDS)


def words(component: Any) -> str:
    """All text of a component tree, as one would read it aloud."""
    return " ".join(_texts(component)).replace("  ", " ")


def _texts(part: Any) -> list[str]:
    if part is None:
        return []
    if isinstance(part, str | int | float):
        return [str(part).strip()] if str(part).strip() else []
    if isinstance(part, list | tuple):
        return [t for child in part for t in _texts(child)]
    return _texts(getattr(part, "children", None))


def find_all(component: Any, class_name: str) -> list[Component]:
    """Components with that class, in order."""
    found: list[Component] = []
    if isinstance(component, list | tuple):
        for child in component:
            found += find_all(child, class_name)
    elif isinstance(component, Component):
        if class_name in str(getattr(component, "className", "") or "").split():
            found.append(component)
        found += find_all(getattr(component, "children", None), class_name)
    return found
