"""Planned events, from twelve hours before they begin until they end, with how many people are expected."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from control_room.model import from_ms
from layouts.formats import format_span
from layouts.layer import Entry, Fact, Features, Layer, Legend, Value
from layouts.panel import View
from layouts.panels.events import LONGEST_TITLE, is_called_off

AHEAD = np.timedelta64(12, "h")
# Of an event without an end it is not known whether it is over; for a day it is shown as going on, as in the panel.
NO_END = np.timedelta64(1, "D")
LONGEST_TAG = 28
_STAR = "M12 2.2l2.7 6.2 6.7.6-5.1 4.4 1.6 6.6L12 16.5 6.1 20l1.6-6.6L2.6 9l6.7-.6z"

LEGEND = Legend(
    "Events, from 12 h before they begin",
    (
        Entry("goes on, or will", path=_STAR, fill="ink", stroke="land"),
        Entry("called off", path=_STAR, fill="land", stroke="quiet", dashed=True),
    ),
)


def build_events_layer(view: View) -> Features:
    """Every event with a place."""
    table = view.snapshot.tables["event"]
    starts, ends = table["starts_at"], table["ends_at"]
    titles = [(title or "Event without a name")[:LONGEST_TITLE] for title in table["title"].tolist()]
    zone = view.city.zone
    return Features(
        keys=table.keys.tolist(),
        labels=titles,
        latitude=table["latitude"],
        longitude=table["longitude"],
        shades={"status": is_called_off(table).astype(np.int32)},
        values=(Value("People expected", table["expected_people"]),),
        facts=(
            Fact("Where", table["venue"].tolist()),
            Fact("When", [format_span(from_ms(a), from_ms(b), zone) for a, b in zip(starts, ends, strict=True)]),
            Fact("Sort", table["category"].tolist()),
            Fact("Status", table["status"].tolist()),
        ),
        tags=[title if len(title) <= LONGEST_TAG else f"{title[: LONGEST_TAG - 1]}…" for title in titles],
        begins=starts - AHEAD,
        ends=np.where(np.isnat(ends), starts + NO_END, ends),
    )


LAYER = Layer(
    name="events",
    title="Events",
    kinds=("event",),
    build=build_events_layer,
    legends=MappingProxyType({"status": LEGEND}),
    order=70,
    adapters=("events",),
    noun=("event", "events"),
    tags_from=12.0,
    table="events_table",
)
