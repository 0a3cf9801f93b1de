"""What holds for every panel of requests, services, transport and fleets: nothing, old, failing, odd and very many."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from dash.development.base_component import Component

from control_room.model import KINDS, Table
from layouts.panel import View, list_panels
from layouts.panels import (
    availability,
    disruptions,
    punctuality,
    recycling,
    request_ageing,
    request_places,
    requests,
    services,
    transport,
    vehicle_detail,
)
from tests.layouts.cases import NOW, find_all, words
from tests.layouts.tables import health_of, measure_ms, table_of, to_text, view_with

HOUR = timedelta(hours=1)
BUILDERS: dict[str, Callable[[View], Component]] = {
    "requests": requests.build_requests,
    "request_ageing": request_ageing.build_request_ageing,
    "request_places": request_places.build_request_places,
    "services": services.build_services,
    "recycling": recycling.build_recycling,
    "transport": transport.build_transport,
    "punctuality": punctuality.build_punctuality,
    "disruptions": disruptions.build_disruptions,
    "availability": availability.build_availability,
    "vehicle_detail": vehicle_detail.build_vehicle_detail,
}
KIND_OF = {
    "requests": "request",
    "request_ageing": "request",
    "request_places": "request",
    "services": "service",
    "recycling": "booking",
    "transport": "trip",
    "punctuality": "trip",
    "disruptions": "disruption",
    "availability": "vehicle",
    "vehicle_detail": "vehicle",
}
ADAPTER_OF = {
    "request": "open311",
    "service": "services_kpi",
    "booking": "bookings",
    "trip": "gtfs_realtime",
    "disruption": "siri_sx",
    "vehicle": "mds",
}
# A row of each kind as it should be, and one in which everything that may be missing or odd is.
GOOD: dict[str, dict[str, Any]] = {
    "request": {"is_open": True, "category": "Missed bin", "requested_at": NOW - HOUR, "expected_at": NOW + HOUR},
    "service": {
        "title": "CRM to Mail",
        "service_type": "integration",
        "state": "up",
        "transactions": 10,
        "failures": 0,
    },
    "booking": {
        "site": "Bleak Hall",
        "slot_from": NOW - HOUR / 4,
        "slot_until": NOW + HOUR / 4,
        "capacity": 30,
        "booked": 12,
    },
    "trip": {"trip_id": "a", "route_id": "5", "schedule_relationship": "scheduled"},
    "disruption": {"title": "Stop closed", "disruption_type": "travel_alert", "is_active": True},
    "vehicle": {"label": "R1", "vehicle_type": "robot", "state": "working", "observed_at": NOW - timedelta(seconds=5)},
}
ODD: dict[str, dict[str, Any]] = {
    "request": {"is_open": None, "category": "<script>", "latitude": float("inf"), "longitude": -0.7},
    "service": {"title": None, "service_type": None, "state": "on fire", "transactions": 0, "failures": 4},
    "booking": {"site": None, "slot_from": None, "capacity": 0, "booked": float("inf")},
    "trip": {"trip_id": None, "route_id": None, "schedule_relationship": "odd", "delay_s": float("inf")},
    "disruption": {
        "title": None,
        "disruption_type": None,
        "active_from": NOW,
        "active_until": NOW - HOUR,
        "routes": " ",
    },
    "vehicle": {"label": None, "vehicle_type": None, "state": None, "battery_percent": -5, "delay_s": float("inf")},
}


def view_for(name: str, *rows: dict[str, Any], state: str = "fresh", **more: Any) -> View:
    """A view whose one feed is in that state and brought these rows of the panel's kind."""
    kind = KIND_OF[name]
    tables = {kind: list(rows)} if rows else {}
    if kind == "trip" and rows:
        tables["vehicle"] = [
            {"trip_id": r["trip_id"], "route_id": r.get("route_id"), "delay_s": 0, "vehicle_type": "bus",
             "state": "working", "observed_at": NOW - timedelta(seconds=5)}
            for r in rows
        ]  # fmt: skip
    return view_with(health_of("feed", state, ADAPTER_OF[kind], "The feed"), **{**tables, **more})


@pytest.mark.parametrize("name", BUILDERS)
def test_it_is_found_by_its_name(name: str):
    """A screen asks for it by name, and it has a heading."""
    panel = list_panels()[name]

    assert panel.build is BUILDERS[name]
    assert panel.title


@pytest.mark.parametrize("name", BUILDERS)
def test_without_a_row_it_says_so_in_words_and_names_its_feed(name: str):
    """Nothing is no number: the panel says that nothing came, and how its feed stands."""
    text = words(BUILDERS[name](view_for(name, state="waiting")))

    assert any(word in text for word in ("yet", "Not known", "heard of now"))
    if name not in ("availability", "vehicle_detail"):  # a feed of vehicles can be of any standard
        assert "The feed" in text
    assert "nan" not in text


@pytest.mark.parametrize("name", BUILDERS)
def test_without_any_feed_it_can_say_nothing_and_says_that(name: str):
    """No feed brings this: that is not the same as nothing to report."""
    assert "No feed brings this" in words(BUILDERS[name](view_with()))


@pytest.mark.parametrize("state", ["stale", "failing"])
@pytest.mark.parametrize("name", BUILDERS)
def test_an_old_or_failing_feed_is_said_on_the_panel(name: str, state: str):
    """What stands on the panel is then as old as its feed, and the panel says so by the feed's name."""
    panel = BUILDERS[name](view_for(name, GOOD[KIND_OF[name]], state=state))

    (sources,) = find_all(panel, "sources")
    assert "is-wrong" in sources.className
    assert "The feed" in words(sources)
    if state == "failing":
        assert "no answer in time" in words(sources)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_bad_row_harms_only_itself(name: str):
    """With a row of gaps and nonsense the panel stands, tells the good one, and no NaN or infinity as a figure."""
    kind = KIND_OF[name]
    text = words(BUILDERS[name](view_for(name, GOOD[kind], ODD[kind])))

    assert "nan" not in text
    assert "inf " not in text
    assert "None " not in text.replace("None: no place", "")


@pytest.mark.parametrize("name", BUILDERS)
def test_it_stands_still_while_only_time_passes(name: str):
    """The same facts some seconds later give the same components, byte for byte."""
    view = view_for(name, GOOD[KIND_OF[name]])
    later = replace(view, now=view.now + timedelta(seconds=4))

    assert to_text(BUILDERS[name](view)) == to_text(BUILDERS[name](later))


@pytest.mark.parametrize("name", BUILDERS)
def test_it_is_made_of_what_the_page_can_patch(name: str):
    """Only elements and attributes that assets/panels.js knows; a style or a picture would be refused there."""
    for component in walk(BUILDERS[name](many(name))):
        assert component._namespace == "dash_html_components" or component._namespace == "dash"
        known = {
            "children",
            "id",
            "className",
            "title",
            "scope",
            "role",
            "lang",
            "hidden",
            "href",
            "colSpan",
            "rowSpan",
        }
        given = set(component.to_plotly_json()["props"])
        assert {n for n in given - known if not n.startswith(("data-", "aria-"))} == set()


@pytest.mark.parametrize("name", BUILDERS)
def test_it_is_cheap_and_small_with_very_many_rows(name: str):
    """3 ms and 1.2 kB are the bars; a busy machine gets some grace, an accidental loop over rows does not."""
    view = many(name)

    assert len(zlib.compress(to_text(BUILDERS[name](view)).encode())) <= 1_600
    assert measure_ms(BUILDERS[name], view) < 12


def walk(part: Any) -> list[Component]:
    """Every component of a tree."""
    if isinstance(part, list | tuple):
        return [c for child in part for c in walk(child)]
    return [part, *walk(getattr(part, "children", None))] if isinstance(part, Component) else []


_made: dict[str, View] = {}


def many(name: str) -> View:
    """20,000 requests, 5,000 vehicles of which 1,000 are buses on 40 routes, 8,000 trips of a day, 500 of the others."""
    kind = KIND_OF[name]
    if kind in _made:
        return _made[kind]
    rng = np.random.default_rng(11)
    seen = NOW - timedelta(seconds=5)
    healths = [health_of("feed", "fresh", ADAPTER_OF[kind], "The feed")]
    tables: dict[str, Any] = {}
    if kind == "request":
        tables[kind] = _make_requests(rng, 20_000)
    elif kind in ("vehicle", "trip"):
        tables["vehicle"] = _make_vehicles(rng, 5_000)
        tables["trip"] = [
            {"trip_id": f"t{i}", "route_id": str(i % 40), "direction": str(i % 2), "schedule_relationship": "scheduled"}
            for i in range(1_000)
        ]
        tables["timetable"] = [
            {"trip_id": f"t{i}", "route_id": str(i % 40), "starts_at": NOW + timedelta(minutes=i // 40 - 20),
             "ends_at": NOW + timedelta(minutes=i // 40 + 20)}
            for i in range(8_000)
        ]  # fmt: skip
    else:
        rows = [{**GOOD[kind], "observed_at": seen} for _ in range(500)]
        for i, row in enumerate(rows):
            row.update(title=f"Thing number {i}") if "title" in row else row.update(site=f"Site {i % 12}")
            if kind == "service":
                row.update(state=("up", "degraded", "failing")[i % 3], failures=i % 7)
        tables[kind] = rows
    _made[kind] = view_with(*healths, **tables)
    return _made[kind]


def _make_requests(rng: np.random.Generator, count: int) -> Table:
    ages_s = rng.integers(0, 28 * 86_400, count)
    is_open = rng.random(count) < 0.4
    now = np.datetime64(NOW.replace(tzinfo=None), "ms")
    made = now - (ages_s * 1000).astype("timedelta64[ms]")
    return Table.of(
        KINDS["request"],
        {
            "request_key": [f"r{i}" for i in range(count)],
            "feed": ["feed"] * count,
            "is_open": is_open.tolist(),
            "category": [f"Category {i}" for i in rng.integers(0, 12, count)],
            "locality": [f"Estate number {i}" for i in rng.integers(0, 120, count)],
            "channel": [("online", "phone", "app")[i] for i in rng.integers(0, 3, count)],
            "requested_at": made,
            "updated_at": made + ((ages_s * rng.random(count)) * 1000).astype("timedelta64[ms]"),
            "expected_at": made + np.timedelta64(10, "D"),
            "latitude": 52.0 + 0.1 * rng.random(count),
            "longitude": -0.8 + 0.1 * rng.random(count),
            "observed_at": made,
        },
    )


def _make_vehicles(rng: np.random.Generator, count: int) -> Table:
    kinds = ["bus"] * 1_000 + ["robot"] * 3_000 + ["scooter"] * 1_000
    rows = [
        {
            "vehicle_type": kind,
            "label": f"{kind}-{i}",
            "state": ("working", "idle", "charging", "needs_help")[i % 4] if kind != "bus" else "working",
            "battery_percent": float(i % 100) if kind != "bus" else None,
            "trip_id": f"t{i}" if kind == "bus" else None,
            "route_id": str(i % 40) if kind == "bus" else None,
            "delay_s": float(rng.integers(-120, 600)) if kind == "bus" else None,
            "cell_near": "C1",
            "cell_state": "up",
            "expected_rsrp_dbm": -80.0,
            "observed_at": NOW - timedelta(seconds=5 if i % 50 else 800),
        }
        for i, kind in zip(range(count), kinds, strict=True)
    ]
    return table_of("vehicle", rows)
