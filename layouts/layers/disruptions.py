"""Roadworks and disruptions where their source gives a place, while they are in force."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from control_room.model import from_ms, to_ms
from layouts.formats import format_reason, format_span
from layouts.layer import Entry, Fact, Features, Layer, Legend
from layouts.panel import View
from layouts.parts.outline import read_shape

TYPES = ("roadworks", "road_event", "travel_alert", "cancellation", "other")
LONGEST_TITLE = 120
_BOX = "M4 6.4h16v9H4z"

LEGEND = Legend(
    "Roadworks and disruptions in force",
    (
        Entry("roadworks", path=_BOX, fill="land", stroke="ink", lines="M7 15.4l5-9M12 15.4l5-9M7 15.4v5M17 15.4v5"),
        Entry("road event", path=_BOX, fill="ink", stroke="land", lines="M7 15.4v5M17 15.4v5"),
        Entry("travel alert", path="M12 3.4a8.6 8.6 0 1 1 0 17.2a8.6 8.6 0 0 1 0-17.2z", fill="land", stroke="ink", lines="M12 7.4v6M12 15.6v1.6"),
        Entry("cancellation", path="M12 3.4a8.6 8.6 0 1 1 0 17.2a8.6 8.6 0 0 1 0-17.2z", fill="land", stroke="ink", lines="M7.4 7.4l9.2 9.2M16.6 7.4l-9.2 9.2"),
        Entry("other", path="M12 4.4l7.6 7.6-7.6 7.6L4.4 12z", fill="land", stroke="ink"),
    ),
    "Many sources tell no place; those stand in the table only.",
)  # fmt: skip


def build_disruptions_layer(view: View) -> Features:
    """All but those whose source says that they are not in force."""
    whole = view.snapshot.tables["disruption"]
    flag, begins, ends = whole["is_active"], whole["active_from"], whole["active_until"]
    untimed = np.isnat(begins) & np.isnat(ends)
    # As in the panel: a period says when; without one the source does, and of several periods it knows the days.
    said_no = (flag == False) & (begins <= to_ms(view.now)) & (whole["periods"] > 1)  # noqa: E712 - elementwise
    table = whole.take(np.flatnonzero(np.where(untimed, flag == True, ~said_no)))  # noqa: E712 - elementwise
    place = {word: i for i, word in enumerate(TYPES)}
    zone = view.city.zone
    spans = zip(table["active_from"], table["active_until"], strict=True)
    return Features(
        keys=table.keys.tolist(),
        labels=[
            (title or road or "Disruption")[:LONGEST_TITLE]
            for title, road in zip(table["title"].tolist(), table["road"].tolist(), strict=True)
        ],
        latitude=table["latitude"],
        longitude=table["longitude"],
        # A feed that tells no sort is one of alerts, as in the panel.
        shades={"type": np.array([place.get(t or "travel_alert", 4) for t in table["disruption_type"].tolist()], int)},
        facts=(
            Fact("Sort", [format_reason(t or "travel_alert") for t in table["disruption_type"].tolist()]),
            Fact("Road", table["road"].tolist()),
            Fact("Near", table["locality"].tolist()),
            Fact("Status", table["status"].tolist()),
            Fact("Effect", table["effect"].tolist()),
            Fact("When", [format_span(from_ms(a), from_ms(b), zone) for a, b in spans]),
        ),
        begins=table["active_from"],
        ends=table["active_until"],
        shapes=[read_shape(text) for text in table["geometry"].tolist()],
    )


LAYER = Layer(
    name="disruptions",
    title="Roadworks and disruptions",
    kinds=("disruption",),
    build=build_disruptions_layer,
    legends=MappingProxyType({"type": LEGEND}),
    order=30,
    adapters=("siri_sx", "gtfs_realtime", "datex2", "street_manager"),
    noun=("disruption", "disruptions"),
    table="disruptions_table",
)
