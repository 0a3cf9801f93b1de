"""What each audience gets of a snapshot: projected, encoded once, one panel's fault its own."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from control_room.city import CITIES, load_city
from control_room.clock import FixedClock
from control_room.frames import FrameDecoder
from control_room.model import (
    ALARM,
    CRIME,
    POLICE_GRANT,
    PUBLIC,
    STAFF,
    VEHICLE,
    Batch,
    FeedHealth,
    Snapshot,
    Table,
    text_array,
)
from control_room.publish import CardFinder, Publisher, project
from control_room.writer import advance
from feeds.feed import Feed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FEED = Feed(name="buses", title="Buses", adapter="gtfs_realtime", url="http://x.example/", every_s=1)
WANTED = {"wall": frozenset({"fleet", "feeds"})}


@pytest.fixture(scope="module")
def city():
    return load_city(CITIES / "milton_keynes")


def snapshot(city, labels=("47",), now=NOW, latitude=52.04) -> Snapshot:
    n = len(labels)
    columns = {
        "vehicle_key": [f"buses:{i}" for i in range(n)],
        "vehicle_id": [f"V{i}" for i in range(n)],
        "label": list(labels),
        "feed": ["buses"] * n,
        "vehicle_type": ["bus"] * n,
        "state": ["working"] * n,
        "latitude": [latitude] * n,
        "longitude": [-0.76] * n,
        "observed_at": [now - timedelta(seconds=i) for i in range(n)],
        "received_at": [now] * n,
        "speed_kmh": [36.0] * n,
    }
    health = FeedHealth("buses", "Buses", "A supplier", "gtfs_realtime", 1, 30, 90)
    batch = Batch(VEHICLE, "buses", Table.of(VEHICLE, columns), now)
    return advance(Snapshot.empty(now, [health]), "buses", [batch], now, city)


def read_panel(message: bytes) -> dict:
    assert message[0] == 3
    return orjson.loads(zlib.decompress(message[1:], -15))


def test_the_public_projection_has_no_identifier_anywhere(city):
    """Identifiers, labels and feed names are gone from the columns; only the key that orders rows stays."""
    shown = project(snapshot(city), frozenset({PUBLIC})).tables["vehicle"]

    assert set(shown.columns) - {"vehicle_key"} <= {c.name for c in VEHICLE.columns_for([PUBLIC])}
    assert "label" not in shown


def test_a_kind_behind_a_grant_is_empty_for_everybody_else(city):
    """Staff without the police grant do not even learn how many rows there are."""
    rows = Table.of(CRIME, {"crime_key": ["a"], "area": ["Ashland"], "crimes": [12.0]})
    whole = snapshot(city)
    held = Snapshot(1, NOW, {**whole.tables, "crime": rows}, whole.feeds)

    assert len(project(held, frozenset({STAFF})).tables["crime"]) == 0
    assert len(project(held, frozenset({STAFF, POLICE_GRANT})).tables["crime"]) == 1


def test_staff_see_the_very_same_tables(city):
    """Nothing is copied where nothing is hidden."""
    whole = snapshot(city)

    assert project(whole, frozenset({STAFF})).tables["vehicle"] is whole.tables["vehicle"]


@pytest.mark.parametrize("wanted", ["buses:1", "V1", "48"])
def test_a_vehicle_is_found_by_key_id_or_label(city, wanted):
    """Whatever a person has at hand."""
    card = CardFinder(snapshot(city, ("47", "48")).tables["vehicle"], [FEED]).find(wanted)

    assert card is not None
    assert (card["vehicle_key"], card["label"], card["speed_kmh"]) == ("buses:1", "48", 36.0)
    assert card["observed_at"] == int((NOW - timedelta(seconds=1)).timestamp() * 1000)


def test_of_several_with_one_label_the_newest_is_meant(city):
    """Operators share numbers; the one heard from last is the likelier."""
    assert CardFinder(snapshot(city, ("7", "7")).tables["vehicle"], [FEED]).find("7")["vehicle_key"] == "buses:0"
    assert CardFinder(snapshot(city).tables["vehicle"], [FEED]).find("nobody") is None


def test_the_wall_gets_frames_panels_and_cards(city):
    """A second snapshot's delta decodes on top of the first one's key frame."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "live")
    later = NOW + timedelta(seconds=1)

    first = publisher.make(snapshot(city), WANTED)["wall"]
    second = publisher.make(snapshot(city, now=later, latitude=52.05), WANTED)["wall"]
    screen = FrameDecoder()
    screen.decode(first.frame.key())
    y_before = screen.columns.y.tolist()
    screen.decode(second.frame.delta)

    assert screen.columns.y.tolist() < y_before
    assert read_panel(first.panels["fleet"])["name"] == "fleet"
    assert first.find_card("47")["label"] == "47"


def test_a_panel_whose_facts_did_not_change_keeps_its_bytes(city):
    """Ages are moments, so a second alone changes nothing that is sent."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "live")
    whole = snapshot(city)
    later = Snapshot(whole.version + 1, NOW + timedelta(seconds=2), whole.tables, whole.feeds, whole.parts)

    assert publisher.make(whole, WANTED)["wall"].panels == publisher.make(later, WANTED)["wall"].panels


def test_panels_nobody_shows_are_not_built(city):
    """The large table costs nothing until a screen asks for it."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "live")

    assert set(publisher.make(snapshot(city), {"wall": frozenset({"feeds"})})["wall"].panels) == {"feeds"}


def test_a_screen_that_comes_while_time_stands_gets_its_panels(city):
    """In a still the moment never passes; the first screen of it must not wait for the next second."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "replay")
    still = snapshot(city)

    assert publisher.make(still, {"wall": frozenset()})["wall"].panels == {}
    assert set(publisher.make(still, WANTED)["wall"].panels) == WANTED["wall"]


def test_what_arrives_while_time_stands_is_shown(city):
    """At the end of a recording the clock stops, and feeds may have their first answer still to come."""
    real_s = [100.0]
    publisher = Publisher([FEED], city, FixedClock(NOW), "replay", lambda: real_s[0])
    before = publisher.make(snapshot(city), WANTED)["wall"].panels["fleet"]
    more = snapshot(city, labels=("47", "48"))

    assert publisher.make(more, WANTED)["wall"].panels["fleet"] == before
    real_s[0] += 1
    assert publisher.make(more, WANTED)["wall"].panels["fleet"] != before


def test_a_name_that_is_no_panel_builds_nothing(city):
    """Whoever asks for one does not make the others be built more often."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "live")
    asked = {"wall": WANTED["wall"] | {"nope"}}
    first = publisher.make(snapshot(city), asked)["wall"].panels

    assert set(first) == WANTED["wall"]
    assert publisher.make(snapshot(city, ("47", "48")), asked)["wall"].panels is first


def test_a_new_alarm_is_shown_at_once_and_renews_nothing_else(city):
    """An alarm does not wait for the second of the panels; the same table again renews nothing."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "live")
    wanted = {"wall": WANTED["wall"] | {"alarms"}}
    whole = snapshot(city)
    first = publisher.make(whole, wanted)["wall"].panels
    row = {"alarm_key": ["r|a"], "title": ["Cell MK-17 is down"], "priority": ["highest"], "state": ["unacknowledged"]}
    tables = {**whole.tables, "alarm": Table.of(ALARM, row)}

    soon = NOW + timedelta(seconds=0.2)
    second = publisher.make(Snapshot(2, soon, tables, whole.feeds), wanted)["wall"].panels
    third = publisher.make(Snapshot(3, soon, tables, whole.feeds), wanted)["wall"].panels

    assert "Cell MK-17 is down" in str(read_panel(second["alarms"]))
    assert second["fleet"] is first["fleet"]
    assert third is second


def test_a_clock_set_back_does_not_stop_the_panels(city):
    """They show what is so now, not what was so before the clock was set."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "live")
    before = publisher.make(snapshot(city), WANTED)["wall"].panels

    after = publisher.make(snapshot(city, ("47", "48"), now=NOW - timedelta(hours=1)), WANTED)["wall"].panels

    assert after["fleet"] != before["fleet"]


def test_a_faulty_panel_harms_only_itself(city):
    """The others are built; it keeps what it last showed, under a line that says since when; and it mends."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "live")
    good = publisher.make(snapshot(city), WANTED)["wall"].panels
    later = NOW + timedelta(seconds=5)
    whole = snapshot(city, ("47", "48"), now=later)
    broken = dict(whole.tables["vehicle"].columns)
    broken["state"] = broken["state"].copy()
    broken["state"][0] = "a word that is in no dictionary"
    tables = {**whole.tables, "vehicle": Table.of(VEHICLE, broken)}

    bad = publisher.make(Snapshot(2, later, tables, whole.feeds, {}), WANTED)["wall"]

    line, kept = read_panel(bad.panels["fleet"])["children"]
    assert line["props"]["className"] == "panel-fault"
    assert kept == read_panel(good["fleet"])["children"]
    assert "feeds" in bad.panels
    assert bad.frame.delta is not None

    longer = publisher.make(Snapshot(3, later + timedelta(seconds=9), tables, whole.feeds, {}), WANTED)["wall"]
    assert longer.panels["fleet"] == bad.panels["fleet"]  # since the first failure, not the last
    mended = publisher.make(snapshot(city, now=later + timedelta(seconds=20)), WANTED)["wall"]
    assert read_panel(mended.panels["fleet"])["children"]["props"].get("className") != "panel-fault"


def test_a_panel_that_was_never_built_says_so(city):
    """Instead of staying empty."""
    publisher = Publisher([FEED], city, FixedClock(NOW), "live")
    whole = snapshot(city)
    broken = {**whole.tables["vehicle"].columns, "state": text_array(["no such word"])}
    tables = {**whole.tables, "vehicle": Table.of(VEHICLE, broken)}

    made = publisher.make(Snapshot(1, NOW, tables, whole.feeds, {}), WANTED)["wall"]

    assert read_panel(made.panels["fleet"])["children"]["props"]["className"] == "panel-fault"
