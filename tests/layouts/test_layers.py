"""What each layer of the map says of the city: states, places, times, and what it must not say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import numpy as np
import pytest

from control_room.city import CITIES, load_city
from control_room.layers import decode_layer, encode_layer
from control_room.model import (
    AIRSPACE,
    ALARM,
    CELL,
    CELL_SITE,
    COVERAGE,
    DISRUPTION,
    ENVIRONMENT,
    EVENT,
    KINDS,
    PUBLIC,
    REQUEST,
    AlarmWatch,
    FeedHealth,
    Snapshot,
    Table,
)
from control_room.publish import project, to_json
from layouts.layer import Features, list_layers
from layouts.panel import View, list_panels
from layouts.parts.deep_link import find_target
from layouts.parts.layer_table import build_layer_table
from layouts.parts.map_layers import build_map_layers_part
from layouts.parts.outline import read_shape

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def city():
    return load_city(CITIES / "milton_keynes")


def view_of(city, *tables: Table, healths: tuple[FeedHealth, ...] = (), watch: AlarmWatch | None = None) -> View:
    empty = Snapshot.empty(NOW, healths)
    snapshot = replace(
        empty, tables=MappingProxyType({**empty.tables, **{t.kind.name: t for t in tables}}), watch=watch
    )
    return View(snapshot, NOW, city, "live", ())


def rows_of(kind, *rows: dict) -> Table:
    names = {kind.key: None} | {name: None for row in rows for name in row}
    made = [{kind.key: f"k{i}", **row} for i, row in enumerate(rows)]
    return Table.of(kind, {name: [row.get(name) for row in made] for name in names})


def build(name: str, view: View) -> Features:
    return list_layers()[name].build(view)


def words_of(name: str, features: Features, key: str, shading: str | None = None) -> str:
    """Words of the legend that the feature of that key refers to."""
    legends = list_layers()[name].legends
    shading = shading or next(iter(legends))
    return legends[shading].entries[int(features.shades[shading][list(features.keys).index(key)])].words


def fact(features: Features, words: str, row: int = 0) -> str | None:
    return next(f for f in features.facts if f.words == words).values[row]


def test_every_layer_of_the_city_is_found_in_its_order():
    """The order of the switches is that of the drawing: areas first, alarms last."""
    assert list(list_layers()) == [
        "coverage",
        "airspace",
        "disruptions",
        "requests",
        "environment",
        "cells",
        "events",
        "alarms",
    ]


@pytest.mark.parametrize("name", list(list_layers()))
def test_a_layer_without_any_row_is_empty_and_can_be_sent(city, name):
    """No data is a layer of nothing, never an error."""
    view = view_of(city)
    layer = list_layers()[name]

    header, _ = decode_layer(encode_layer(layer, layer.build(view), view))

    assert (header["n"], header["name"]) == (0, name)


@pytest.mark.parametrize("name", list(list_layers()))
def test_every_layer_has_a_table_behind_it(city, name):
    """Its panel exists, and says in words that there is nothing where there is nothing."""
    panel = list_panels()[list_layers()[name].table]

    assert len(to_json(panel.build(view_of(city)))) > 20


def test_cells_say_how_they_stand_and_how_full_they_are(city):
    """Down, up, and never heard of are three looks; load is a gauge that is unknown where nobody told it."""
    sites = rows_of(
        CELL_SITE, *({"cell_id": c, "latitude": 52.04, "longitude": -0.76, "azimuth_deg": 120.0} for c in "ABC")
    )
    cells = rows_of(
        CELL,
        {"cell_id": "A", "state": "down", "prb_dl_percent": None, "observed_at": NOW},
        {"cell_id": "B", "state": "up", "prb_dl_percent": 63.0, "observed_at": NOW},
        {"cell_id": "D", "state": "up", "observed_at": NOW},
    )

    features = build("cells", view_of(city, sites, cells))

    assert words_of("cells", features, "A") == "down"
    assert words_of("cells", features, "C") == "sends no figures"
    assert np.isnan(features.levels[0]) and features.levels[1] == 63.0
    assert np.isnan(features.latitude[list(features.keys).index("D")]), "a cell outside the inventory has no place"


def test_coverage_counts_a_hexagon_with_only_4g_as_a_hole(city):
    """5G where it was measured; where only 4G was found the map says that, and gives no 5G figure."""
    hexagons = [{"hexagon": "89195d88c47ffff", "technology": "LTE", "rsrp_dbm": -70.0, "band": "excellent"}]
    hexagons += [{**hexagons[0], "technology": "NR", "rsrp_dbm": -95.0, "band": "fair", "sinr_db": 14.0}]
    hexagons += [{**hexagons[0], "hexagon": "89195d88c43ffff"}]
    table = rows_of(COVERAGE, *({**row, "latitude": 52.04, "longitude": -0.76} for row in hexagons))

    features = build("coverage", view_of(city, table))

    assert words_of("coverage", features, "89195d88c47ffff").startswith("fair")
    assert words_of("coverage", features, "89195d88c47ffff", "sinr") == "13 to 20"
    assert words_of("coverage", features, "89195d88c43ffff") == "only 4G found"
    assert np.isnan(features.values[0].values[list(features.keys).index("89195d88c43ffff")])


def test_requests_are_gathered_by_class_of_zoom_and_none_is_lost(city):
    """Every class holds every open request that has a place; closed ones are in none."""
    random = np.random.default_rng(3)
    open_rows = [
        {"is_open": True, "latitude": float(a), "longitude": float(b), "category": "pothole"}
        for a, b in zip(random.uniform(52.0, 52.1, 300), random.uniform(-0.8, -0.7, 300), strict=True)
    ]
    table = rows_of(REQUEST, *open_rows, {"is_open": False, "latitude": 52.0, "longitude": -0.7}, {"is_open": True})

    features = build("requests", view_of(city, table))
    counts = np.bincount(features.classes, features.sizes)

    zooms = list_layers()["requests"].zooms
    assert counts.tolist() == [300] * (len(zooms) + 1), "each class of zoom, and the heat"
    assert (features.total, features.unplaced) == (300, 1)
    marks = np.bincount(features.classes)[: len(zooms)]
    assert (np.diff(marks) > 0).all(), "nearer means more and smaller marks"


def hexagons_of(features: Features) -> list[tuple[int, str]]:
    """Open requests and words of the legend of each hexagon of the heat, the fullest first."""
    heat = list_layers()["requests"].legends["heat"]
    rows = np.flatnonzero(features.classes == heat.rows)
    said = [(int(features.sizes[r]), heat.entries[int(features.shades["heat"][r])].words) for r in rows]
    return sorted(said, reverse=True)


def test_heat_counts_the_open_requests_of_each_hexagon(city):
    """By hand: spots a kilometre apart with so many open each; closed ones, unknown ones and those without a place are in none."""
    spots = {0: 1, 1: 4, 2: 5, 3: 9, 4: 10, 5: 19, 6: 20, 7: 57}
    places = [
        {"latitude": 52.0 + 0.01 * spot, "longitude": -0.75, "category": "pothole", "locality": "Bleak Hall"}
        for spot, count in spots.items()
        for _ in range(count)
    ]
    others = [{**places[0], "is_open": False}] * 30 + [{**places[0], "is_open": None}] * 30 + [{"is_open": True}] * 2
    table = rows_of(REQUEST, *({**place, "is_open": True} for place in places), *others)

    features = build("requests", view_of(city, table))

    assert hexagons_of(features) == [
        (57, "20 or more open"), (20, "20 or more open"), (19, "10 to 19 open"), (10, "10 to 19 open"),
        (9, "5 to 9 open"), (5, "5 to 9 open"), (4, "1 to 4 open"), (1, "1 to 4 open"),
    ]  # fmt: skip
    assert (features.total, features.unplaced) == (125, 2)
    assert fact(features, "Most of them", int(np.argmax(features.classes))) == "pothole"


def test_heat_says_nothing_of_where_in_its_hexagon_a_request_is(city):
    """A lone request and its neighbour 100 m off in the same hexagon give the same middle, whatever else is on the map."""
    middle = build(
        "requests", view_of(city, rows_of(REQUEST, {"is_open": True, "latitude": 52.04, "longitude": -0.76}))
    )
    heat = middle.classes == middle.classes.max()
    at = float(middle.latitude[heat][0]), float(middle.longitude[heat][0])
    near = [
        {"is_open": True, "latitude": at[0] + north, "longitude": at[1] + east}
        for north, east in ((0.0009, 0), (0, 0.0014))
    ]
    far = {"is_open": True, "latitude": 52.1, "longitude": -0.7}

    found = build("requests", view_of(city, rows_of(REQUEST, *near, far)))
    rows = np.flatnonzero((found.classes == found.classes.max()) & (found.sizes == 2))

    assert [(float(found.latitude[r]), float(found.longitude[r])) for r in rows] == [at]


def test_the_message_says_how_heat_is_drawn_and_of_which_rows(city):
    """Six corners 350 m apart from flat to flat; clusters have a mark of the layer's own and no such rows."""
    view = view_of(city, rows_of(REQUEST, {"is_open": True, "latitude": 52.04, "longitude": -0.76}))

    header, columns = decode_layer(encode_layer(list_layers()["requests"], build("requests", view), view))
    count, heat = header["legends"]
    corners = np.array(header["hexagon"])

    assert (header["mark"], heat["mark"], heat["rows"]) == ("cluster", "hexagon", int(columns["class"].max()))
    assert "mark" not in count and "rows" not in count
    metres = 40_075_017 * np.cos(np.radians(52.04)) / (256 * 2**18)  # of a pixel
    assert np.ptp(corners[:, 0]) * metres == pytest.approx(350, abs=2)
    assert np.ptp(corners[:, 1]) * metres == pytest.approx(350 * 2 / np.sqrt(3), abs=2)


def test_the_table_of_requests_says_how_full_the_fullest_hexagon_of_each_place_is(city):
    """What the heat shows, in figures; of requests without a position a dash; when they were read, and that they grew old."""
    spot = {"is_open": True, "latitude": 52.04, "longitude": -0.76, "locality": "Bleak Hall", "feed": "desk"}
    feed = FeedHealth(
        "desk", "Request desk", "The council", "open311", 60, 120, 300,
        succeeded_at=NOW - timedelta(hours=2), observed_at=NOW - timedelta(hours=2),
    )  # fmt: skip
    rows = [spot] * 12 + [{**spot, "latitude": 52.06}] * 3 + [{**spot, "is_open": False}] * 9
    table = rows_of(REQUEST, *rows, {"is_open": True, "feed": "desk"})
    view = view_of(city, table, healths=(feed,))

    told = to_json(list_panels()["request_localities"].build(view)).decode()
    standing = list_panels()["map_layers"].build(view)["layers"]["requests"]

    assert "In its fullest hexagon of 350" in told
    assert re.findall(r'"children":"([0-9—]+)"', told) == ["15", "12", "1", "—"]
    assert "Request desk" in told and "stale" in told
    assert standing["standing"] == "old" and standing["wrong"][0]["title"] == "Request desk"
    closed = rows_of(REQUEST, {**spot, "is_open": False})
    assert "No open request." in to_json(list_panels()["request_localities"].build(view_of(city, closed))).decode()


def test_requests_name_nobody_and_quote_nothing(city):
    """A mark has no number of a request, no words and no person: only how many, where about, and of what sort."""
    table = rows_of(REQUEST, {"is_open": True, "latitude": 52.0, "longitude": -0.7, "request_id": "SR-4711"})

    features = build("requests", view_of(city, table))
    message = encode_layer(list_layers()["requests"], features, view_of(city))

    assert features.keys is None
    assert b"SR-4711" not in json.dumps(decode_layer(message)[0], default=str).encode()


def test_requests_are_not_on_the_map_of_an_audience_that_may_not_see_them(city):
    """The public projection has no positions of requests, so the layer is empty for it."""
    table = rows_of(REQUEST, {"is_open": True, "latitude": 52.0, "longitude": -0.7})
    shown = project(view_of(city, table).snapshot, frozenset({PUBLIC}))

    features = build("requests", replace(view_of(city), snapshot=shown))

    assert len(features.latitude) == 0


def test_planned_flights_appear_half_an_hour_before_they_hold(city):
    """A geozone has its own times; a planned volume is told before it begins."""
    times = {"active_from": NOW, "active_until": NOW + timedelta(hours=1)}
    table = rows_of(
        AIRSPACE,
        {"airspace_type": "planned_volume", "flight_id": "F1", **times},
        {"airspace_type": "geozone", "restriction": "prohibited", "upper_m": 120.0, "upper_reference": "AGL", **times},
    )

    features = build("airspace", view_of(city, table))

    assert features.begins.tolist() == [(NOW - timedelta(minutes=30)).replace(tzinfo=None), NOW.replace(tzinfo=None)]
    assert list(features.tags) == [None, "ground to 120\u202fm AGL"]
    assert words_of("airspace", features, "k1") == "no drones"
    assert fact(features, "Drones") == "flight F1"


def test_a_disruption_that_its_source_says_is_over_is_not_on_the_map(city):
    """By its own flag where it has no period; a period is judged by the screen's moment."""
    table = rows_of(
        DISRUPTION,
        {"title": "over", "is_active": False},
        {"title": "on", "is_active": True},
        {"title": "timed", "is_active": False, "active_from": NOW, "active_until": NOW + timedelta(days=1)},
    )

    features = build("disruptions", view_of(city, table))

    assert list(features.labels) == ["on", "timed"]
    assert np.isnat(features.begins[0]) and not np.isnat(features.ends[1])


def test_a_station_shows_its_worst_band_and_never_a_suspect_reading(city):
    """40 µg/m³ of PM2.5 is band 4; a suspect 400 does not count."""
    base = {"station_id": "S1", "latitude": 52.0, "longitude": -0.7, "unit": "µg/m³", "observed_at": NOW}
    table = rows_of(
        ENVIRONMENT,
        {**base, "quantity": "pm2_5", "value": 40.0},
        {**base, "quantity": "pm10", "value": 400.0, "is_suspect": True},
        {**base, "station_id": "S2", "quantity": "temperature", "value": 7.0, "unit": "Cel"},
    )

    features = build("environment", view_of(city, table))

    assert list(features.tags) == ["4", None]
    assert words_of("environment", features, features.keys[0]) == "moderate, 4 to 6"
    assert words_of("environment", features, features.keys[1]).startswith("no band")
    assert "(suspect)" in fact(features, "Readings")


def test_events_are_shown_from_twelve_hours_before(city):
    """One without an end goes on for a day; one that was called off says so."""
    table = rows_of(
        EVENT,
        {"title": "Match", "starts_at": NOW, "status": "EventScheduled"},
        {"title": "Concert", "starts_at": NOW, "ends_at": NOW + timedelta(hours=2), "status": "EventCancelled"},
    )

    features = build("events", view_of(city, table))

    assert features.begins[0] == np.datetime64("2026-03-03T00:00")
    assert features.ends.tolist() == [(NOW + timedelta(hours=h)).replace(tzinfo=None) for h in (24, 2)]
    assert [words_of("events", features, k) for k in features.keys] == ["goes on, or will", "called off"]


def test_alarms_on_the_map_are_those_that_need_a_person_and_have_no_vehicle(city):
    """Shelved and folded ones are not there; a vehicle's alarm rides on the vehicle."""
    base = {"priority": "high", "row_kind": "cell", "latitude": 52.0, "longitude": -0.7}
    table = rows_of(
        ALARM,
        {**base, "title": "new", "state": "unacknowledged"},
        {**base, "title": "seen", "state": "acknowledged"},
        {**base, "title": "shelved", "state": "shelved"},
        {**base, "title": "vehicle", "state": "unacknowledged", "row_kind": "vehicle"},
        {**base, "title": "folded", "state": "unacknowledged", "folded_under": "k0"},
        {**base, "title": "back", "state": "returned", "priority": "low"},
    )

    features = build("alarms", view_of(city, table))

    assert list(features.labels) == ["new", "seen", "back"]
    assert words_of("alarms", features, "k0") == "high"
    assert words_of("alarms", features, "k1") == "high, acknowledged"
    assert words_of("alarms", features, "k5").startswith("low, back to normal")


@pytest.mark.parametrize(
    "text",
    [None, "", "not json", "[]", '{"type":"Polygon"}', '{"type":"Point","coordinates":[0,52]}',
     '{"type":"LineString","coordinates":[[0,95],[0,96]]}', '{"type":"Polygon","coordinates":[[[0,1]]]}',
     '{"type":"LineString","coordinates":[["a","b"],[1,2]]}', "[" * 5000, '{"type":"GeometryCollection","geometries":[1]}'],
)  # fmt: skip
def test_a_geometry_that_cannot_be_drawn_is_no_shape(text):
    """What a feed wrote there must never stop the layer."""
    assert read_shape(text) == ()


def test_geometries_become_lines_and_rings():
    """A ring is closed without repeating its first corner; holes are rings as well."""
    polygon = {
        "type": "Polygon",
        "coordinates": [[[0, 52], [1, 52], [1, 53], [0, 52]], [[0.5, 52.1], [0.6, 52.1], [0.6, 52.2], [0.5, 52.1]]],
    }
    line = {"type": "LineString", "coordinates": [[0, 52], [1, 52.5], [2, 52]]}
    both = {"type": "GeometryCollection", "geometries": [polygon, line]}

    shape = read_shape(json.dumps(both))

    assert [(closed, len(points)) for closed, points in shape] == [(True, 3), (True, 3), (False, 3)]


def test_links_lead_to_cells_requests_places_alarms_and_points(city):
    """By the name people use; what is not there is said, and what has no place as well."""
    view = view_of(
        city,
        rows_of(CELL_SITE, {"cell_id": "H6", "title": "Roof", "latitude": 52.01, "longitude": -0.71}),
        rows_of(REQUEST, {"request_id": "77", "category": "pothole", "latitude": 52.02, "longitude": -0.72}, {"request_id": "78"}),
        rows_of(ALARM, {"title": "Cell down", "latitude": 52.03, "longitude": -0.73}),
    )  # fmt: skip

    assert find_target(view, {"cell": "h6"})["label"] == "Cell H6 · Roof"
    assert find_target(view, {"request": "77"})["latitude"] == 52.02
    assert find_target(view, {"alarm": "k0"})["label"] == "Cell down"
    assert find_target(view, {"place": "bleak hall"})["label"] == "Bleak Hall"
    assert find_target(view, {"at": "52.04,-0.76"})["zoom"] == 15.5
    assert find_target(view, {"cell": "nowhere"}) == {"missing": "No cell 'nowhere' in the inventory"}
    assert find_target(view, {"request": "78"}) == {"missing": "Request 78 is known, but not where it is"}
    assert find_target(view, {"at": "north"})["missing"].startswith("'north' is no place")
    assert "latitude comes first" in find_target(view, {"at": "-0.76,520"})["missing"]
    assert find_target(view, {"follow": "47"}) is None


def test_the_switches_say_how_the_feeds_behind_a_layer_stand(city):
    """Failing feeds by name and reason; a layer that no feed brings says so; alarms that nobody watches for as well."""
    failing = FeedHealth(
        "pm", "Cell counters", "A supplier", "pm_xml", 60, 120, 300,
        succeeded_at=NOW - timedelta(hours=2), observed_at=NOW - timedelta(hours=2), failures=3, reason="timeout",
    )  # fmt: skip
    cells = rows_of(CELL, {"cell_id": "A", "feed": "pm"})

    said = list_panels()["map_layers"].build(view_of(city, cells, healths=(failing,)))["layers"]

    assert said["cells"]["standing"] == "old"
    assert said["cells"]["wrong"][0]["title"] == "Cell counters"
    assert "no answer in time" in said["cells"]["wrong"][0]["words"]
    assert said["coverage"] == {"standing": "none", "rows": 0, "wrong": []}
    assert said["alarms"]["standing"] == "none"
    watched = list_panels()["map_layers"].build(view_of(city, watch=AlarmWatch(3)))["layers"]
    assert watched["alarms"]["standing"] == "well"


def test_texts_of_feeds_stay_texts(city):
    """A hostile title goes into cards and tables as it is; nothing makes markup of it."""
    table = rows_of(EVENT, {"title": HOSTILE, "starts_at": NOW, "latitude": 52.0, "longitude": -0.7})
    view = view_of(city, table)

    told = json.loads(to_json(build_layer_table(list_layers()["events"], view)))
    header, _ = decode_layer(encode_layer(list_layers()["events"], build("events", view), view))

    assert HOSTILE in json.dumps(told, ensure_ascii=False)
    assert header["labels"] == [HOSTILE]


def test_the_part_tells_the_page_what_layers_there_are(city):
    """Names, titles and legends of all, before any of them has come."""
    part = build_map_layers_part(view_of(city), {"at": "52,-0.7"}, on=("cells",)).to_plotly_json()["props"]
    known = json.loads(part["data-known"])

    assert [layer["name"] for layer in known["layers"]] == list(list_layers())
    assert part["data-on"] == "cells"
    assert json.loads(part["data-target"])["latitude"] == 52.0
    assert all(legend["entries"] for layer in known["layers"] for legend in layer["legends"])


def test_a_layer_names_only_kinds_that_there_are():
    """Of a kind that does not exist no table would ever change."""
    assert all(kind in KINDS for layer in list_layers().values() for kind in layer.kinds)
