"""Alarms at their place, by the shape of their priority.

Alarms of vehicles are not here: they ride on the vehicle, as a badge at its
shoulder, and where it stood when it was raised is not where it is. Alarms folded
under another one, put aside, or over and answered for are not here either.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from control_room.model import ALARM, from_ms
from layouts.formats import format_span
from layouts.layer import Entry, Fact, Features, Layer, Legend
from layouts.panel import View
from layouts.parts.symbol import PRIORITY_SHAPES

PRIORITIES = ALARM.by_name["priority"].values
STATES = ("unacknowledged", "acknowledged", "returned")
_WORDS = ("", ", acknowledged", ", back to normal, nobody has answered for it")
_TAIL = "M16.5 16.5c3.4 0 5.6 2 5.6 6"


def _entry(priority: str, state: int) -> Entry:
    """Filled; hollow once acknowledged; hollow with a tail once back to normal. Low is hollow by nature: its dot goes."""
    path = PRIORITY_SHAPES[priority]
    filled = state == 0 and priority != "low"
    dot = "M12 9.4a2.6 2.6 0 1 1 0 5.2a2.6 2.6 0 0 1 0-5.2z" if priority == "low" and state == 0 else ""
    return Entry(
        words=f"{priority}{_WORDS[state]}",
        path=path,
        fill=priority if filled else "land",
        stroke="land" if filled else priority,
        lines=dot or (_TAIL if state == 2 else ""),
        shown=state == 0,
    )


LEGEND = Legend(
    "Alarms by priority; hollow: acknowledged",
    tuple(_entry(priority, state) for state in range(len(STATES)) for priority in PRIORITIES),
    "Alarms of vehicles ride on the vehicle.",
)


def build_alarms_layer(view: View) -> Features:
    """Every alarm that needs a person and has a place."""
    whole = view.snapshot.tables["alarm"]
    folded = np.array([key is not None for key in whole["folded_under"].tolist()], dtype=bool)
    shown = np.isin(whole["state"].astype(str), STATES) & (whole["row_kind"] != "vehicle") & ~folded
    table = whole.take(np.flatnonzero(shown))
    shade = [
        STATES.index(state) * len(PRIORITIES) + (PRIORITIES.index(priority) if priority in PRIORITIES else 0)
        for state, priority in zip(table["state"].tolist(), table["priority"].tolist(), strict=True)
    ]
    return Features(
        keys=table.keys.tolist(),
        labels=table["title"].tolist(),
        latitude=table["latitude"],
        longitude=table["longitude"],
        shades={"priority": np.array(shade, dtype=np.int32)},
        facts=(
            Fact("Priority", table["priority"].tolist()),
            Fact("State", [LEGEND_WORDS[state] for state in table["state"].tolist()]),
            Fact("Raised", [format_span(from_ms(at), None, view.city.zone) for at in table["raised_at"]]),
            Fact("Near", table["locality"].tolist()),
            Fact("What to do", table["action"].tolist()),
        ),
    )


LEGEND_WORDS = MappingProxyType(
    {"unacknowledged": "not acknowledged", "acknowledged": "acknowledged", "returned": "back to normal"}
)

LAYER = Layer(
    name="alarms",
    title="Alarms",
    kinds=("alarm",),
    build=build_alarms_layer,
    legends=MappingProxyType({"priority": LEGEND}),
    order=90,
    noun=("alarm", "alarms"),
    table="alarms",
)
