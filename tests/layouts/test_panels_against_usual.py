"""Fleets, network, requests and transport say how they stand to the same hour of other weeks, and when they cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from dash.development.base_component import Component

from control_room.usual import Usual, UsualValue
from layouts.panel import View
from layouts.panels.availability import build_availability
from layouts.panels.network import build_network
from layouts.panels.punctuality import build_punctuality
from layouts.panels.requests import build_requests
from layouts.panels.transport import build_transport
from tests.layouts.cases import NOW, words
from tests.layouts.tables import health_of, view_with

FEED = health_of("feed")
SEEN = NOW - timedelta(seconds=5)
LOW = UsualValue(2.0, 1.0, 3.0, 8)
TABLES: dict[str, list[dict[str, Any]]] = {
    "vehicle": [
        {"vehicle_type": "robot", "state": "idle", "observed_at": SEEN},
        {
            "vehicle_type": "bus",
            "state": "working",
            "observed_at": SEEN,
            "trip_id": "t1",
            "route_id": "R8",
            "route_name": "8",
            "delay_s": 30.0,
        },
    ],
    "route": [{"route_id": "R8", "route_name": "8"}],
    "cell": [{"cell_id": "C1", "state": "up", "prb_dl_percent": 40.0, "devices_mean": 12.0, "observed_at": SEEN}],
    "request": [
        {
            "category": "Pothole",
            "is_open": True,
            "requested_at": NOW - timedelta(days=i),
            "expected_at": NOW - timedelta(hours=1),
            "observed_at": SEEN,
        }
        for i in range(5)
    ],
}


def view(**measures: UsualValue) -> View:
    """The city of TABLES; measures by name, `_` for a dot and `__` before a key: cell_load_percent__C1."""
    begins = NOW.replace(minute=0, second=0, microsecond=0)
    named = {}
    for text, value in measures.items():
        name, _, key = text.partition("__")
        named[name.replace("_", ".", 1), key] = value
    usual = Usual(begins, begins + timedelta(hours=1), MappingProxyType(named))
    return replace(view_with(FEED, **TABLES), usual=usual)


@pytest.mark.parametrize(
    ("build", "measure", "said"),
    [
        (build_availability, "fleet_available_percent__robot", "100\u202f% of 1 ▲ 98\u202f% above usual"),
        (build_network, "cell_devices", "1 cells , ▲ 10 above usual"),
        (build_network, "cell_load_percent__C1", "load ▲ 38\u202f% above usual"),
        (build_requests, "request_open", "Open: ▲ 3 above usual ; usual for Fri 14:00 is 1 to 3"),
        (build_requests, "request_over", "Over target: ▲ 3 above usual"),
        (build_transport, "transport_on_time_percent", "On time: ▲ 98\u202f% above usual ; usual for Fri 14:00"),
        (build_punctuality, "transport_on_time_percent__8", "▲ 98\u202f% above usual"),
    ],
)
def test_what_is_unlike_other_weeks_is_said_beside_the_figure(
    build: Callable[[View], Component], measure: str, said: str
):
    """From the median, with its direction in words, and of its own hour."""
    assert said in words(build(view(**{measure: LOW})))
    assert "above usual" not in words(build(view()))


@pytest.mark.parametrize("build", [build_availability, build_network, build_requests, build_transport])
def test_where_too_few_weeks_are_kept_the_panel_says_so(build: Callable[[View], Component]):
    """A missing comparison is not "as usual"."""
    text = words(build(view_with(FEED, **TABLES)))

    assert "too few weeks of Fri 14:00 are kept yet" in text
    assert "as usual" not in text


def test_a_route_and_a_cell_that_are_as_usual_are_not_spoken_of():
    """Calm is short."""
    near = UsualValue(100.0, 90.0, 100.0, 8)
    load = UsualValue(40.0, 35.0, 45.0, 8)

    assert "usual" not in words(build_punctuality(view(transport_on_time_percent__8=near)))
    assert "· load" not in words(build_network(view(cell_load_percent__C1=load)))
