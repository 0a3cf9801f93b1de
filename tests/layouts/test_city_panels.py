"""What holds for every panel of the network, drones, environment and events: nothing, old, failing, odd, very many."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import h3
import pytest
from dash.development.base_component import Component

from layouts.panel import View, list_panels
from layouts.panels import (
    airspace,
    coverage,
    drones,
    environment,
    events,
    network,
    network_demand,
    signal,
    signal_flights,
    weather,
)
from tests.layouts.cases import NOW, find_all, words
from tests.layouts.tables import health_of, measure_ms, table_of, to_text, view_with
from tests.layouts.test_council_and_transport_panels import walk

HOUR = timedelta(hours=1)
SEEN = NOW - timedelta(seconds=5)
BUILDERS: dict[str, Callable[[View], Component]] = {
    "network": network.build_network,
    "network_demand": network_demand.build_network_demand,
    "coverage": coverage.build_coverage,
    "signal": signal.build_signal,
    "signal_flights": signal_flights.build_signal_flights,
    "drones": drones.build_drones,
    "airspace": airspace.build_airspace,
    "environment": environment.build_environment,
    "weather": weather.build_weather,
    "events": events.build_events,
}
KIND_OF = {
    "network": "cell",
    "network_demand": "cell",
    "coverage": "coverage",
    "signal": "coverage",
    "signal_flights": "coverage",
    "drones": "vehicle",
    "airspace": "airspace",
    "environment": "environment",
    "weather": "environment",
    "events": "event",
}
ADAPTER_OF = {
    "cell": "pm_xml",
    "coverage": "coverage",
    "vehicle": "remote_id",
    "airspace": "geozones",
    "environment": "sensorthings",
    "event": "events",
}
HEXAGON = h3.latlng_to_cell(52.0409, -0.7564, 9)
SQUARE = json.dumps(
    {
        "type": "Polygon",
        "coordinates": [[[-0.77, 52.03], [-0.75, 52.03], [-0.75, 52.05], [-0.77, 52.05], [-0.77, 52.03]]],
    }
)
PLACE = {"latitude": 52.0409, "longitude": -0.7564}
GOOD: dict[str, dict[str, Any]] = {
    "cell": {
        "cell_id": "C1", "state": "up", "availability_percent": 100.0, "prb_dl_percent": 40.0, "devices_mean": 12.0,
        "throughput_dl_kbps": 300_000.0, "throughput_ul_kbps": 40_000.0, "delay_dl_ms": 4.5, "observed_at": SEEN,
    },
    "coverage": {
        "hexagon": HEXAGON, "technology": "NR", "band": "good", "rsrp_dbm": -85.0, "samples": 50.0, "observed_at": SEEN,
        "locality": "Bradwell",
    },
    "vehicle": {
        **PLACE, "vehicle_id": "d1", "trip_id": "f1", "vehicle_type": "drone", "state": "working", "height_m": 60.0,
        "height_reference": "takeoff", "conformance": "inside", "observed_at": SEEN,
    },
    "airspace": {
        **PLACE, "airspace_type": "geozone", "title": "Helipad", "restriction": "prohibited", "upper_m": 120.0,
        "upper_reference": "AGL", "geometry": SQUARE, "observed_at": SEEN,
    },
    "environment": {
        **PLACE, "station_id": "s1", "title": "Station", "quantity": "wind_speed", "value": 20.0, "unit": "km/h",
        "is_suspect": False, "observed_at": SEEN,
    },
    "event": {
        **PLACE, "title": "Match", "venue": "Stadium", "starts_at": NOW - HOUR, "ends_at": NOW + HOUR,
        "expected_people": 9_000.0, "observed_at": SEEN,
    },
}  # fmt: skip
ODD: dict[str, dict[str, Any]] = {
    "cell": {"cell_id": None, "state": None, "prb_dl_percent": None, "devices_mean": None, "observed_at": None},
    "coverage": {"hexagon": "no hexagon", "technology": None, "band": None, "rsrp_dbm": None, "samples": None},
    "vehicle": {"vehicle_id": None, "vehicle_type": "drone", "state": None, "conformance": None, "observed_at": None},
    "airspace": {"airspace_type": "planned_volume", "flight_id": "f9", "geometry": "{", "title": None},
    "environment": {"station_id": None, "quantity": "<b>odd</b>", "value": float("inf"), "unit": None},
    "event": {"title": None, "starts_at": NOW + HOUR, "ends_at": None, "expected_people": None, "latitude": None},
}


def view_for(name: str, *rows: dict[str, Any], state: str = "fresh", **more: Any) -> View:
    """A view whose one feed is in that state and brought these rows of the panel's kind."""
    kind = KIND_OF[name]
    return view_with(
        health_of("feed", state, ADAPTER_OF[kind], "The feed"), **{**({kind: list(rows)} if rows else {}), **more}
    )


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

    assert any(
        w in text for w in ("yet", "not known", "Not known", "heard from", "No geozone", "No event", "No way is known")
    )
    assert "The feed" in text
    assert "waiting for a first answer" in text
    assert "nan" not in text


@pytest.mark.parametrize("name", BUILDERS)
def test_without_any_feed_it_can_say_nothing_and_says_that(name: str):
    """No feed brings this: that is not the same as nothing to report."""
    assert "No feed brings this" in words(BUILDERS[name](view_with()))


@pytest.mark.parametrize("state", ["stale", "failing"])
@pytest.mark.parametrize("name", BUILDERS)
def test_an_old_or_failing_feed_is_said_on_the_panel(name: str, state: str):
    """What stands on the panel is then as old as its feed, and the panel says so by the feed's name."""
    (sources,) = find_all(BUILDERS[name](view_for(name, GOOD[KIND_OF[name]], state=state)), "sources")

    assert "is-wrong" in sources.className
    assert "The feed" in words(sources)
    if state == "failing":
        assert "no answer in time" in words(sources)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_bad_row_harms_only_itself(name: str):
    """With a row of gaps and nonsense the panel stands, and shows no NaN, infinity or None as a figure."""
    kind = KIND_OF[name]
    text = words(BUILDERS[name](view_for(name, GOOD[kind], ODD[kind])))

    assert "nan" not in text
    assert "inf " not in text
    assert "None" not in text


@pytest.mark.parametrize("name", BUILDERS)
def test_it_stands_still_while_only_time_passes(name: str):
    """The same facts some seconds later give the same components, byte for byte."""
    view = view_for(name, GOOD[KIND_OF[name]])
    later = replace(view, now=view.now + timedelta(seconds=4))

    assert to_text(BUILDERS[name](view)) == to_text(BUILDERS[name](later))


@pytest.mark.parametrize("name", BUILDERS)
def test_it_is_made_of_what_the_page_can_patch(name: str):
    """Only elements and attributes that assets/panels.js knows; a style or a picture would be refused there."""
    known = {"children", "id", "className", "title", "scope", "role", "hidden", "colSpan", "href"}
    script = (Path(__file__).parents[2] / "assets" / "panels.js").read_text(encoding="utf-8")
    tags = set(
        "".join(
            re.findall(r'"([A-Za-z0-9 ]+)"', script[script.index("const TAGS") : script.index("const asList")])
        ).split()
    )
    assert "Table" in tags
    for component in walk(BUILDERS[name](many(name))):
        assert component._type in tags
        props = component.to_plotly_json()["props"]
        assert {n for n in props if not n.startswith(("data-", "aria-"))} <= known
        # A link leads to a screen of ours, or the page leaves it out.
        assert re.match(r"/(?!/)", props.get("href", "/"))


@pytest.mark.parametrize("name", BUILDERS)
def test_it_is_cheap_and_small_with_very_many_rows(name: str):
    """3 ms and 1.2 kB are the bars; a busy machine gets some grace."""
    view = many(name)

    assert len(zlib.compress(to_text(BUILDERS[name](view)).encode())) <= 1_600
    assert measure_ms(BUILDERS[name], view) < 12


_made: dict[str, View] = {}


def many(name: str) -> View:
    """300 cells, 4,000 hexagons, 5,000 vehicles, 600 readings, 200 geozones and flights, 200 events, all at once."""
    if "all" not in _made:
        hexagons = sorted(h3.grid_disk(HEXAGON, 37))[:4_000]
        good = GOOD["vehicle"]
        volume = {"airspace_type": "planned_volume", "geometry": SQUARE, "latitude": 52.04, "observed_at": SEEN}
        tables: dict[str, list[dict[str, Any]]] = {
            "cell": [{**GOOD["cell"], "cell_id": f"C{i}", "prb_dl_percent": 30.0 + i % 60} for i in range(300)],
            "cell_site": [
                {"cell_id": f"C{i}", "title": f"Site {i // 3}", "locality": f"Estate {i // 9}",
                 "latitude": 52.0 + i / 3_000, "longitude": -0.76, "azimuth_deg": i % 3 * 120.0}
                for i in range(300)
            ],
            "coverage": [
                {**GOOD["coverage"], "hexagon": h, "band": ("good", "poor", "fair", "none")[i % 4], "locality": f"Estate {i % 90}"}
                for i, h in enumerate(hexagons)
            ],
            "vehicle": [
                {**good, "vehicle_id": f"d{i}", "trip_id": f"f{i}", "conformance": "outside" if i % 2 else "inside",
                 "vehicle_type": "drone" if i < 20 else "robot", "zones": "Helipad; Town"}
                for i in range(5_000)
            ],
            "airspace": [{**GOOD["airspace"], "title": f"Zone {i}"} for i in range(100)] + [
                {**volume, "flight_id": f"f{i // 10}", "longitude": -0.77 + 0.002 * (i % 10),
                 "active_from": NOW + timedelta(minutes=i // 10), "active_until": NOW + timedelta(minutes=30 + i)}
                for i in range(100)
            ],
            "environment": [
                {**GOOD["environment"], "station_id": f"s{i // 12}", "quantity": q, "value": 10.0 + i, "unit": "µg/m³"}
                for i in range(50) for q in ("pm10", "pm2_5", "no2", "o3", "so2", "pm1", "nox", "no", "co", "noise", "a", "b")
            ],
            "event": [{**GOOD["event"], "title": f"Match {i}", "starts_at": NOW + i * HOUR / 4 - HOUR} for i in range(200)],
        }  # fmt: skip
        _made["all"] = view_with(
            *(health_of(a, "fresh", a, a) for a in ADAPTER_OF.values()),
            **{
                kind: table_of(kind, [{**row, "feed": ADAPTER_OF.get(kind, "pm_xml")} for row in rows])
                for kind, rows in tables.items()
            },
        )
    return _made["all"]
