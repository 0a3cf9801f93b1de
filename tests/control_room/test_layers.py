"""Layers of the map: what goes into one comes out of it, built only when its tables change, small, and one's fault its own."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.city import CITIES, load_city
from control_room.clock import FixedClock
from control_room.frames import FrameError
from control_room.layers import LAYER, UNKNOWN, LayerKeeper, decode_layer, encode_layer, list_wanted
from control_room.marks import mercator
from control_room.model import COVERAGE, EVENT, VEHICLE, Snapshot, Table, text_array
from control_room.publish import CardFinder, Publisher
from feeds.feed import Feed
from layouts.layer import Entry, Fact, Features, Layer, Legend, Value, list_layers
from layouts.panel import View

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FEED = Feed(name="drive", title="Drive test", adapter="coverage", url="http://x.example/", every_s=60)
LEGEND = MappingProxyType({"state": Legend("Things", (Entry("well"), Entry("not well")))})


@pytest.fixture(scope="module")
def city():
    return load_city(CITIES / "milton_keynes")


def view_of(city, snapshot: Snapshot | None = None) -> View:
    return View(snapshot or Snapshot.empty(NOW), NOW, city, "sandbox", (FEED,))


def with_table(table: Table, before: Snapshot | None = None) -> Snapshot:
    snapshot = before or Snapshot.empty(NOW)
    return replace(snapshot, tables=MappingProxyType({**snapshot.tables, table.kind.name: table}))


def make_layer(build, name="things", **more) -> Layer:
    return Layer(name, "Things", ("event",), build, LEGEND, **more)


def make_features(keys: Sequence[str], latitude, longitude, **more) -> Features:
    size = len(keys)
    shades = {"state": np.arange(size) % 2}
    return Features(list(keys), [f"Thing {k}" for k in keys], np.array(latitude), np.array(longitude), shades, **more)


def make_coverage(city, count: int, seed: int = 1) -> Table:
    """Hexagons round the middle of the city with smooth signal and noise; some measured only with 4G."""
    random = np.random.default_rng(seed)
    middle = h3.latlng_to_cell(city.view["latitude"], city.view["longitude"], 9)
    hexagons = list(h3.grid_disk(middle, 40))[:count]
    latitude, longitude = np.array([h3.cell_to_latlng(h) for h in hexagons]).T
    rsrp = -75 - 30 * np.abs(np.sin(latitude * 300) + np.cos(longitude * 200)) / 2 + random.normal(0, 4, count)
    bands = np.select(
        [rsrp >= -80, rsrp >= -90, rsrp >= -100, rsrp >= -110], ["excellent", "good", "fair", "poor"], "none"
    )
    columns = {
        "coverage_key": [f"drive:{h}" for h in hexagons],
        "feed": ["drive"] * count,
        "hexagon": hexagons,
        "technology": ["LTE" if i % 50 == 7 else "NR" for i in range(count)],
        "latitude": latitude,
        "longitude": longitude,
        "samples": random.integers(10, 300, count).astype(float),
        "rsrp_dbm": np.round(rsrp, 1),
        "sinr_db": np.round(random.normal(12, 7, count), 1),
        "band": text_array(bands.tolist()),
        "locality": city.gazetteer.localities(latitude, longitude),
        # Driven on 37 days between 8 and 18 o'clock, every hexagon at another time: no two neighbours help each other.
        "observed_at": [
            datetime(2026, 3, 1, tzinfo=UTC) - timedelta(days=int(d), hours=-float(h))
            for d, h in zip(random.integers(3, 40, count), random.uniform(8, 18, count), strict=True)
        ],
    }
    return Table.of(COVERAGE, columns)


def test_every_value_comes_back_as_it_went_in(city):
    """Place to a pixel of the map, numbers to their last decimal, texts whole, unknown as unknown."""
    features = make_features(
        ["b", "a"],
        [52.04, 52.05],
        [-0.76, -0.75],
        observed_at=np.array(["2026-03-01T11:59:00", "NaT"], dtype="datetime64[ms]"),
        feeds=["drive", None],
        values=(Value("Load", np.array([12.34, np.nan]), "%", 1),),
        facts=(Fact("Near", ["Bleak Hall", None]),),
        tags=["7", None],
        levels=np.array([99.6, np.nan]),
    )

    header, columns = decode_layer(encode_layer(make_layer(None), features, view_of(city)))
    row = header["keys"].index("b")
    other = 1 - row
    x, y = mercator(np.array([52.04]), np.array([-0.76]))

    assert abs(columns["x"][row] * header["grain"] - x[0]) <= 1 and abs(columns["y"][row] * header["grain"] - y[0]) <= 1
    assert (columns["value:0"][row], columns["value:0"][other]) == (123, UNKNOWN)
    assert header["facts"][0]["texts"][columns["fact:0"][row] - 1] == "Bleak Hall" and columns["fact:0"][other] == 0
    assert header["labels"][columns["label"][row] - 1] == "Thing b"
    assert header["tags"][columns["tag"][row] - 1] == "7" and columns["tag"][other] == 0
    assert (columns["level"][row], columns["level"][other]) == (100, UNKNOWN)
    assert header["t0"] + columns["t"][row] - 1 == int(datetime(2026, 3, 1, 11, 59, tzinfo=UTC).timestamp())
    assert columns["t"][other] == 0
    assert header["feeds"][columns["feed"][row]]["stale_s"] == FEED.stale_after_s
    assert header["feeds"][columns["feed"][other]] == {"name": None}


def test_shapes_come_back_with_their_lines_and_rings(city):
    """A ring stays a ring, a line a line, and a row without a shape has none."""
    ring = np.array([[-0.76, 52.04], [-0.75, 52.04], [-0.75, 52.05]])
    line = np.array([[-0.70, 52.00], [-0.71, 52.01]])
    features = make_features(
        ["p", "q", "r"], [52.04] * 3, [-0.76] * 3, shapes=[((True, ring), (False, line)), (), ((False, line),)]
    )

    header, columns = decode_layer(encode_layer(make_layer(None), features, view_of(city)))
    parts = dict(zip(header["keys"], columns["parts"].tolist(), strict=True))

    assert parts == {"p": 2, "q": 0, "r": 1}
    assert sorted(columns["lengths"].tolist()) == [4, 4, 7]
    assert (header["parts"], header["points"]) == (3, 7)
    x, _ = mercator(ring[:, 1], ring[:, 0])
    assert {int(v) for v in np.rint(x / header["grain"])} <= set(columns["px"].tolist())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
            st.floats(-90, 90) | st.just(float("nan")),
            st.floats(-180, 180) | st.just(float("nan")),
            st.floats(allow_nan=True, allow_infinity=True),
        ),
        max_size=40,
        unique_by=lambda row: row[0],
    )
)
def test_any_rows_can_be_sent_and_read(rows):
    """Keys of any text, places at the end of the world, numbers beyond all bounds: what has a place comes back, the rest is counted."""
    size = len(rows)
    features = Features(
        [r[0] for r in rows],
        [r[0] or None for r in rows],
        np.array([r[1] for r in rows], dtype=float),
        np.array([r[2] for r in rows], dtype=float),
        {"state": np.zeros(size, dtype=int)},
        values=(Value("v", np.array([r[3] for r in rows], dtype=float), decimals=2),),
    )
    placed = {r[0] for r in rows if abs(r[1]) <= 85 and abs(r[2]) <= 180}

    header, columns = decode_layer(encode_layer(make_layer(None), features, view_of(load_once())))

    assert set(header["keys"]) == placed
    assert header["unplaced"] == size - len(placed)
    wanted = {r[0]: r[3] for r in rows}
    for key, value in zip(header["keys"], columns["value:0"].tolist(), strict=True):
        known = np.isfinite(wanted[key]) and abs(wanted[key] * 100) < 2**30
        assert value == (round(float(np.rint(wanted[key] * 100))) if known else UNKNOWN)


_CITY = []


def load_once():
    """The city, for a test that hypothesis calls many times."""
    if not _CITY:
        _CITY.append(load_city(CITIES / "milton_keynes"))
    return _CITY[0]


def test_a_damaged_message_is_refused(city):
    """Cut short, another tag, or no deflate: an error, never a wrong map."""
    message = encode_layer(list_layers()["coverage"], *_build("coverage", city, make_coverage(city, 50)))

    for broken in (message[:-4], b"\x03" + message[1:], b"", message[:1] + b"xx", cut(message, 20)):
        with pytest.raises(FrameError):
            decode_layer(broken)


def cut(message: bytes, tail: int) -> bytes:
    """The same layer whose columns end too early, deflated anew."""
    body = zlib.decompress(message[1:], -15)[:-tail]
    packer = zlib.compressobj(wbits=-15)
    return message[:1] + packer.compress(body) + packer.flush()


def _build(name: str, city, *tables: Table):
    snapshot = Snapshot.empty(NOW)
    for table in tables:
        snapshot = with_table(table, snapshot)
    view = view_of(city, snapshot)
    return list_layers()[name].build(view), view


def test_four_thousand_hexagons_take_at_most_25_kb(city):
    """Signal, noise, samples and age of each, deflated: a wall takes them in a moment, and only when they change."""
    features, view = _build("coverage", city, make_coverage(city, 4000))

    assert len(encode_layer(list_layers()["coverage"], features, view)) <= 25_000


def test_a_layer_is_built_only_when_its_tables_change(city):
    """Another table, another moment: not a reason. Another object of its own table: built once."""
    built = []

    def build(view: View) -> Features:
        built.append(view)
        return make_features([], [], [])

    keeper = LayerKeeper({"things": make_layer(build)}, lambda name: None)
    first = Snapshot.empty(NOW)
    messages = [keeper.make(first, view_of(city, first), ["things"])["things"]]
    later = replace(with_table(make_coverage(city, 3), first), version=2, at=NOW + timedelta(seconds=9))
    messages.append(keeper.make(later, view_of(city, later), ["things"])["things"])
    assert len(built) == 1
    assert messages[0] is messages[1]

    changed = with_table(Table.of(EVENT, {"event_key": ["e"]}), later)
    keeper.make(changed, view_of(city, changed), ["things"])
    assert len(built) == 2


def test_a_layer_that_cannot_be_built_harms_only_itself(city):
    """It shows what it showed before, is said once, and is built again when it can be."""
    fails = [False]
    said = []

    def build(view: View) -> Features:
        if fails[0]:
            raise RuntimeError("no")
        return make_features(["a"], [52.0], [-0.7])

    keeper = LayerKeeper(
        {"things": make_layer(build), "others": make_layer(lambda v: make_features([], [], []), "others")}, said.append
    )
    first = Snapshot.empty(NOW)
    before = keeper.make(first, view_of(city, first), ["things"])["things"]
    fails[0] = True
    for number in range(3):
        first = with_table(Table.of(EVENT, {"event_key": [str(number)]}), first)
        made = keeper.make(first, view_of(city, first), ["things", "others", "nothing"])
        assert made["things"] is before
        assert set(made) == {"things", "others"}
    assert said == ["things"]

    fails[0] = False
    assert keeper.make(first, view_of(city, first), ["things"])["things"] == before
    assert said == ["things"]


def test_a_layer_that_has_never_been_built_sends_nothing(city):
    """An empty layer would say that there is nothing."""
    keeper = LayerKeeper({"things": make_layer(lambda view: 1 / 0)}, lambda name: None)

    assert keeper.make(Snapshot.empty(NOW), view_of(city), ["things"]) == {}


def test_keys_must_be_unique_and_columns_of_one_length(city):
    """A builder's mistake is an error of its layer, not a map that mixes rows up."""
    twice = make_features(["a", "a"], [52.0, 52.0], [-0.7, -0.7])
    short = make_features(["a", "b"], [52.0, 52.0], [-0.7, -0.7], sizes=np.array([1.0]))
    for wrong in (twice, short):
        with pytest.raises((ValueError, IndexError)):
            encode_layer(make_layer(None), wrong, view_of(city))


def test_topics_of_layers_are_told_from_names_of_panels():
    """What somebody shows is one set of words."""
    assert list_wanted(["fleet", "layer:cells", "layer:alarms", "layers"]) == ["alarms", "cells"]


def test_the_publisher_gives_the_layers_that_are_wanted(city):
    """Those of a screen, in the bundle of its audience; without a wish none is built."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "live")
    snapshot = with_table(make_coverage(city, 20))

    none = publisher.make(snapshot, {"wall": frozenset({"fleet"})})["wall"]
    some = publisher.make(snapshot, {"wall": frozenset({"layer:coverage", "layer:nonsense"})})["wall"]

    assert dict(none.layers) == {}
    assert set(some.layers) == {"coverage"}
    assert some.layers["coverage"][0] == LAYER
    assert len(decode_layer(some.layers["coverage"])[0]["keys"]) == 20


def test_a_vehicle_is_found_by_the_place_it_is_pointed_at():
    """The nearest within 60 m: the map knows no names. Anything else after the @ is an id like any other."""
    columns = {
        "vehicle_key": ["f:1", "f:2", "f:3", "f:4"],
        "label": ["one", "two", "@home", "lost"],
        "latitude": [52.04, 52.0402, 52.2, None],
        "longitude": [-0.76, -0.76, -0.9, None],
    }
    finder = CardFinder(Table.of(VEHICLE, columns), ())
    x, y = mercator(np.array([52.04]), np.array([-0.76]))

    assert finder.find(f"@{x[0]},{y[0]}")["label"] == "one"
    assert finder.find(f"@{x[0]},{y[0] - 50}")["label"] == "two"
    assert finder.find(f"@{x[0] + 500},{y[0]}") is None
    assert finder.find("@home")["label"] == "@home"
    assert finder.find("@1,-2") is None
    assert CardFinder(Table.empty(VEHICLE), ()).find("@1,2") is None
