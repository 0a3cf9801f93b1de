"""Airspace: geozones and the volumes flights are planned in, with their heights beside them."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from control_room.model import Table, from_ms
from layouts.formats import format_span
from layouts.layer import Entry, Fact, Features, Layer, Legend, Value
from layouts.panel import View
from layouts.panels.airspace import RESTRICTIONS, say_height
from layouts.parts.outline import read_shape

# A planned volume is drawn somewhat before it holds: whoever looks up should know what comes.
AHEAD = np.timedelta64(30, "m")
_RESTRICTED = ("prohibited", "req_authorisation", "conditional")
_UNTOLD, _FREE, _PLANNED = 3, 4, 5

LEGEND = Legend(
    "Geozones in force and planned flights, with heights",
    (
        Entry("no drones", fill="high", stroke="high", hatched=True),
        Entry("with authorisation only", fill="ink", stroke="ink", hatched=True),
        Entry("on conditions", stroke="ink"),
        Entry("restriction not told", stroke="ink", dashed=True, shown=False),
        Entry("no restriction", stroke="quiet", dashed=True, shown=False),
        Entry("planned flight, from 30 min before", stroke="plan", dashed=True),
    ),
)


def build_airspace_layer(view: View) -> Features:
    """Every volume; the screen shows those that hold at its moment."""
    table = view.snapshot.tables["airspace"]
    planned = table["airspace_type"] == "planned_volume"
    restriction = {word: i for i, word in enumerate(_RESTRICTED)} | {"no_restriction": _FREE}
    shade = [restriction.get(word, _UNTOLD) for word in table["restriction"].tolist()]
    heights = [say_height(table, row) for row in range(len(table))]
    return Features(
        keys=table.keys.tolist(),
        labels=[
            title or name or "without a name"
            for title, name in zip(table["title"].tolist(), table["airspace_id"].tolist(), strict=True)
        ],
        latitude=table["latitude"],
        longitude=table["longitude"],
        shades={"restriction": np.where(planned, _PLANNED, np.array(shade, dtype=np.int32))},
        values=(Value("Bottom", table["lower_m"], "m"), Value("Top", table["upper_m"], "m")),
        facts=(
            Fact("Height", heights),
            Fact("Drones", [_say_rule(table, row) for row in range(len(table))]),
            Fact("When", [_say_when(table, row, view) for row in range(len(table))]),
        ),
        # A flight is planned in many volumes: their heights stand in the card, those of geozones on the map as well.
        tags=[None if plan else text for plan, text in zip(planned.tolist(), heights, strict=True)],
        begins=np.where(planned, table["active_from"] - AHEAD, table["active_from"]),
        ends=table["active_until"],
        shapes=[read_shape(text) for text in table["geometry"].tolist()],
    )


def _say_rule(table: Table, row: int) -> str:
    if table["airspace_type"][row] == "planned_volume":
        return f"flight {table['flight_id'][row]}" if table["flight_id"][row] else "planned flight"
    return RESTRICTIONS.get(table["restriction"][row] or "", "not told")


def _say_when(table: Table, row: int, view: View) -> str:
    return format_span(from_ms(table["active_from"][row]), from_ms(table["active_until"][row]), view.city.zone)


LAYER = Layer(
    name="airspace",
    title="Airspace",
    kinds=("airspace",),
    build=build_airspace_layer,
    legends=MappingProxyType({"restriction": LEGEND}),
    order=20,
    adapters=("geozones", "flight_plans"),
    noun=("volume", "volumes"),
    tags_from=11.5,
    table="airspace_table",
)
