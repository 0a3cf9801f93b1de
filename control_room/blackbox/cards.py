"""A followed vehicle as it was: the card of the live channel, and what stands in the panel `vehicle`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.live import VEHICLE_PANEL, encode_panel
from control_room.marks import WORLD
from control_room.model import VEHICLE, Table
from control_room.publish import CardFinder, to_json
from layouts.formats import DASH, format_kind, format_number, format_reason, format_state
from layouts.parts.age import age
from layouts.parts.symbol import symbol

NOT_RECORDED: Final = "Its alarms, its day and its signal are not recorded with it: see the lists of that moment."


def build_card(record: Mapping[str, Any], legend: Mapping[str, Any]) -> Mapping[str, Any]:
    """The card of a vehicle as it was, from what `Player.find_vehicle` found.

    The same as the live channel's, with `facts_at`: when speed, battery and route were last recorded, ms.
    """
    x, y = record["x"], record["y"]
    row: dict[str, Any] = {
        name: [record.get(name)] for name in VEHICLE.by_name if name in record and name != "observed_at"
    }
    row["latitude"], row["longitude"] = [_latitude(y)], [x / WORLD * 360 - 180]
    observed = record["observed_at"]
    row["observed_at"] = np.array(["NaT" if observed is None else observed], dtype="datetime64[ms]")
    card = CardFinder(Table.of(VEHICLE, row), ()).find(record["vehicle_key"])
    limits: Mapping[str, Any] = next((f for f in legend.get("feeds", ()) if f["name"] == record.get("feed")), {})
    return {
        **(card or {}),
        "x": x,
        "y": y,
        "ageing_s": limits.get("ageing_s"),
        "stale_s": limits.get("stale_s"),
        "facts_at": record["facts_at"],
    }


def build_vehicle_panel(wanted: str, card: Mapping[str, Any] | None) -> bytes:
    """The panel `vehicle` about a vehicle as it was; less than live, and it says what is missing.

    Args:
        wanted: the id that is followed.
        card: as `build_card` makes it; None where there was no such vehicle.
    """
    content: Component = (
        html.P(f"No vehicle “{wanted[:60]}” was known at this moment.", className="calm")
        if card is None
        else _build(card)
    )
    return encode_panel(VEHICLE_PANEL, to_json(content))


def _build(card: Mapping[str, Any]) -> Component:
    kind = card["vehicle_type"] or "other"
    told = format_state(card["state"], kind)
    if card["state_reason"]:
        told += f": {format_reason(card['state_reason'])}"
    route = card["route"]
    facts = [
        ("Where", card["locality"] or f"{DASH} away from named places"),
        ("Speed", _tell(card["speed_kmh"], "km/h")),
        ("Battery", _tell(card["battery_percent"], "%")),
    ]
    if route:
        facts.append(("Route", f"{route} to {card['destination']}" if card["destination"] else route))
    observed = None if card["observed_at"] is None else datetime.fromtimestamp(card["observed_at"] / 1000, UTC)
    facts_at = datetime.fromtimestamp(card["facts_at"] / 1000, UTC)
    return html.Div(
        [
            html.H3([symbol(kind), card["label"], html.Span(f" {format_kind(kind, 1)}", className="reason")]),
            html.P([told, " · seen ", age(observed, card["ageing_s"], card["stale_s"])]),
            html.Dl([html.Div([html.Dt(w), html.Dd(v)]) for w, v in facts], className="card-facts"),
            html.P(["Place name, speed, battery and route were recorded ", age(facts_at), ". ", NOT_RECORDED]),
        ],
        className="vehicle-card",
    )


def _tell(value: float | None, unit: str) -> str:
    return f"{DASH} not told" if value is None else format_number(value, unit)


def _latitude(y: int) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / WORLD))))
