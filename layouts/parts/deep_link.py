"""Where a link leads on the map: `?cell=H6`, `?request=12345`, `?place=Bleak Hall`, `?alarm=<key>`, `?at=52.04,-0.76`.

Read on the server, from what the audience of the screen may see: a request whose
position is not for it is not found. `?follow=` is the live channel's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from control_room.model import Table
from layouts.panel import View

# How near one looks at each sort of thing.
ZOOM_OF = {"cell": 14.5, "request": 16.0, "place": 14.0, "alarm": 15.0, "at": 15.5}


def find_target(view: View, parameters: Mapping[str, str]) -> dict[str, Any] | None:
    """{latitude, longitude, zoom, label}; {missing: words} where there is no such thing; None without such a link.

    Of several links the first of the order above counts.
    """
    for sort, find in _FINDERS.items():
        wanted = parameters.get(sort, "").strip()
        if wanted:
            found = find(view, wanted)
            return found if "missing" in found else {**found, "zoom": ZOOM_OF[sort]}
    return None


def _missing(words: str) -> dict[str, Any]:
    return {"missing": words}


def _at_row(table: Table, row: int, label: str, what: str) -> dict[str, Any]:
    latitude, longitude = float(table["latitude"][row]), float(table["longitude"][row])
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return _missing(f"{what} is known, but not where it is")
    return {"latitude": latitude, "longitude": longitude, "label": label}


def _find_row(table: Table, wanted: str, *columns: str) -> int | None:
    """First row where one of the columns says so, the earlier column before the later; capitals do not matter."""
    for column in columns:
        values = np.array(
            [(value or "").casefold() == wanted.casefold() for value in table[column].tolist()], dtype=bool
        )
        if values.any():
            return int(np.flatnonzero(values)[0])
    return None


def _find_cell(view: View, wanted: str) -> dict[str, Any]:
    table = view.snapshot.tables["cell_site"]
    row = _find_row(table, wanted, "cell_id", "cell_key", "title")
    if row is None:
        return _missing(f"No cell '{wanted}' in the inventory")
    title = table["title"][row]
    name = table["cell_id"][row] or wanted
    return _at_row(table, row, f"Cell {name}{f' · {title}' if title else ''}", f"Cell {name}")


def _find_request(view: View, wanted: str) -> dict[str, Any]:
    table = view.snapshot.tables["request"]
    row = _find_row(table, wanted, "request_id", "request_key")
    if row is None:
        return _missing(f"No request '{wanted}' in any feed")
    category = table["category"][row]
    return _at_row(table, row, f"Request {wanted}{f' · {category}' if category else ''}", f"Request {wanted}")


def _find_alarm(view: View, wanted: str) -> dict[str, Any]:
    table = view.snapshot.tables["alarm"]
    row = _find_row(table, wanted, "alarm_key")
    if row is None:
        return _missing("That alarm is over")
    return _at_row(table, row, table["title"][row] or "Alarm", "The alarm")


def _find_place(view: View, wanted: str) -> dict[str, Any]:
    for place in (*view.city.localities, *view.city.pois):
        if place.name.casefold() == wanted.casefold():
            return {"latitude": place.latitude, "longitude": place.longitude, "label": place.name}
    return _missing(f"No place '{wanted}' in {view.city.title}")


def _find_at(view: View, wanted: str) -> dict[str, Any]:
    try:
        latitude, longitude = (float(part) for part in wanted.split(","))
    except ValueError:
        return _missing(f"'{wanted}' is no place: write ?at=latitude,longitude in degrees")
    if not (abs(latitude) <= 85 and abs(longitude) <= 180):
        return _missing(f"'{wanted}' is outside the world: latitude comes first")
    return {"latitude": latitude, "longitude": longitude, "label": f"{latitude:.5f}, {longitude:.5f}"}


_FINDERS = {
    "cell": _find_cell,
    "request": _find_request,
    "place": _find_place,
    "alarm": _find_alarm,
    "at": _find_at,
}
