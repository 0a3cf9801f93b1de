"""Remote ID: recorded flights, each kind of dirt, emergencies, and bodies that are none."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import VEHICLE_STATES, Batch
from feeds.drones.flights import STATES
from feeds.feed import Feed, PayloadError, list_adapters
from feeds.remote_id import ADAPTER, decode, looks_like, observe, split
from tests.feeds.json_noise import spoiled
from tests.feeds.reading import only, read_one, read_sample

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "drones"
NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
FEED = Feed(name="drones", adapter="remote_id", url="http://localhost/uss/flights")
REMOVE = object()


def at(text: str) -> dict[str, str]:
    return {"value": f"2026-03-02T{text}Z", "format": "RFC3339"}


GOOD: dict[str, Any] = {
    "id": "flight-1",
    "aircraft_type": "Helicopter",
    "current_state": {
        "timestamp": at("12:00:29.5"),
        "timestamp_accuracy": 0.5,
        "operational_status": "Airborne",
        "position": {
            "lat": 52.04,
            "lng": -0.76,
            "alt": 215.5,
            "accuracy_h": "HA3m",
            "accuracy_v": "VA10m",
            "extrapolated": False,
            "pressure_altitude": -1000,
            "height": {"distance": 80.0, "reference": "TakeoffLocation"},
        },
        "track": 90,
        "speed": 10.0,
        "speed_accuracy": "SA1mps",
        "vertical_speed": -1.5,
    },
    "simulated": False,
    "recent_positions": [
        {"time": at("12:00:25"), "position": {"lat": 52.05, "lng": -0.77}},
        {"time": at("12:00:20"), "position": {"lat": 52.06, "lng": -0.78}},
    ],
}


def flight(**changes: Any) -> dict[str, Any]:
    """The good flight with changes by path, as in `current_state__speed=0`; REMOVE leaves a field out."""
    made = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *way, last = path.split("__")
        target = made
        for step in way:
            target = target[step]
        if value is REMOVE:
            del target[last]
        else:
            target[last] = value
    return made


def answer(*flights: Any, **envelope: Any) -> bytes:
    whole = {"timestamp": at("12:00:30"), "flights": list(flights), "no_isas_present": False, **envelope}
    return json.dumps({name: value for name, value in whole.items() if value is not REMOVE}).encode()


def read(*bodies: bytes, now: datetime = NOW, feed: Feed = FEED) -> Batch:
    return read_one(ADAPTER, feed, now, *bodies)


def changed(**changes: Any) -> Batch:
    return read(answer(flight(**changes)))


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


# Recorded flights


def test_a_recorded_set_of_flights_gives_the_newest_state_of_each():
    """The clean set over Zurich: two flights, thirty states, none of them refused."""
    batch = read(sample("rid-zurich-valid.json"))
    first, second = batch.table.to_records()

    assert {k: v for k, v in first.items() if v is not None} == {
        "vehicle_key": "drones:d22a1cef-a3e0-437f-92b5-44c1453f4068",
        "vehicle_id": "d22a1cef-a3e0-437f-92b5-44c1453f4068",
        "trip_id": "d22a1cef-a3e0-437f-92b5-44c1453f4068",
        "label": "1AKGAAN8G70R7JS",
        "feed": "drones",
        "vehicle_type": "drone",
        "latitude": 47.36989610981006,
        "longitude": 8.48846068845649,
        "altitude_m": 522.1109485203592,
        "altitude_reference": "WGS84",
        "height_m": 26.110948520359216,
        "height_reference": "takeoff",
        "climb_m_s": 1.44,
        "heading_deg": pytest.approx(122.00014201767304),
        "heading_source": "reported",
        "speed_kmh": pytest.approx(108.0),
        "speed_source": "reported",
        "state": "working",
        "state_reported": "Airborne",
        "observed_at": "2022-01-01T00:00:17Z",
        "received_at": "2026-03-02T12:00:30Z",
    }
    assert second["label"] == "ULYK563L5G"
    assert (batch.rejects, batch.warnings) == ({}, {"published_missing": 1})


@pytest.mark.parametrize(
    ("name", "warning", "count"),
    [
        ("no_speed", "speed_missing", 1),
        ("no_track", "track_missing", 1),
        ("no_timestamp", "time_missing", 1),
        ("no_height_type", "height_reference_missing", 1),
        ("no_uas_id", "serial_missing", 1),
        ("wrong_serial_number", "serial_unreadable", 1),
        ("wrong_accuracy_h", "accuracy_unknown", 1),
        ("wrong_speed", "speed_out_of_range", 1),
        ("wrong_track", "track_out_of_range", 1),
        ("wrong_ua_type", "aircraft_type_unknown", 2),
    ],
)
def test_one_broken_field_of_a_recorded_set_is_counted_and_leaves_the_rest(name, warning, count):
    """Each test set has one fault in its first state; both flights are still there, with the very same last state."""
    broken, clean = read(sample(f"rid-invalid_{name}.json")), read(sample("rid-zurich-valid.json"))

    assert dict(broken.warnings) == {"published_missing": 1, warning: count}
    assert broken.rejects == {}
    hidden = {"label"} if warning.startswith("serial") else set()
    for one, other in zip(broken.table.to_records(), clean.table.to_records(), strict=True):
        assert {k: v for k, v in one.items() if k not in hidden} == {k: v for k, v in other.items() if k not in hidden}
    if hidden:
        assert broken.table["label"].tolist() == [None, "ULYK563L5G"]


def test_flight_tracks_as_kml_are_no_answer():
    """The demonstration tracks beside the recorded sets are another format."""
    with pytest.raises(PayloadError) as caught:
        decode(sample("rid-dc-demo.kml"))
    assert caught.value.reason == "not_json"


def test_every_real_sample_of_drones_is_spoken_for():
    """A sample that is added without a test of its own is noticed."""
    sample("rid-zurich-valid.json")
    folder = Path(__file__).parent
    tests = "".join((folder / f"test_{n}.py").read_text() for n in ("remote_id", "geozones", "flight_plans"))
    names = [p.name.removeprefix("rid-invalid_").removesuffix(".json") for p in SAMPLES.iterdir()]
    assert [name for name in names if name not in tests] == []


def test_no_operator_passes_the_adapter():
    """Neither the operator's place, nor id, nor what he wrote is in any row of any recorded set."""
    words = ("CHE-RP", "f39mqfitkh9e5", "8.487908591798265", "47.37085983569079", "U-turn", "Circle flight")
    for path in [SAMPLES / "rid-zurich-valid.json", *sorted(SAMPLES.glob("rid-invalid*.json"))]:
        body = sample(path.name)
        batch = read(body)
        shown = json.dumps(batch.table.to_records()) + repr(batch)
        assert not [word for word in words if word in shown]
        assert "CHE-RP" in body.decode()


# A good flight


def test_a_flight_arrives_in_the_citys_words():
    """Metres a second become kilometres an hour; climb keeps its sign; the height says above what."""
    batch = read(answer(flight()))

    assert only(batch) == {
        "vehicle_key": "drones:flight-1",
        "vehicle_id": "flight-1",
        "trip_id": "flight-1",
        "feed": "drones",
        "vehicle_type": "drone",
        "latitude": 52.04,
        "longitude": -0.76,
        "altitude_m": 215.5,
        "altitude_reference": "WGS84",
        "accuracy_m": 3.0,
        "heading_deg": 90.0,
        "heading_source": "reported",
        "speed_kmh": 36.0,
        "speed_source": "reported",
        "climb_m_s": -1.5,
        "height_m": 80.0,
        "height_reference": "takeoff",
        "state": "working",
        "state_reported": "Airborne",
        "observed_at": "2026-03-02T12:00:29.500Z",
        "received_at": "2026-03-02T12:00:30Z",
    }
    assert (batch.rejects, batch.warnings) == ({}, {})
    assert batch.published_at == NOW


@pytest.mark.parametrize(
    ("reported", "state"),
    [
        ("Airborne", "working"),
        ("Ground", "idle"),
        ("Emergency", "needs_help"),
        ("RemoteIDSystemFailure", "out_of_contact"),
        ("Undeclared", "unknown"),
    ],
)
def test_a_status_is_read_in_the_citys_words(reported, state):
    """Each word of the standard has one of the city's; the original stays beside it."""
    batch = changed(current_state__operational_status=reported)

    assert (only(batch)["state"], only(batch)["state_reported"]) == (state, reported)
    assert batch.warnings == {}
    assert set(STATES.values()) <= set(VEHICLE_STATES)


def test_an_unknown_status_is_unknown_and_counted():
    """A word outside the standard costs no drone its place on the map."""
    batch = changed(current_state__operational_status="HOVERING")

    assert (only(batch)["state"], only(batch)["state_reported"]) == ("unknown", "HOVERING")
    assert batch.warnings == {"status_unknown": 1}


@pytest.mark.parametrize(
    ("path", "sentinel", "column"),
    [
        ("current_state__speed", 255, "speed_kmh"),
        ("current_state__track", 361, "heading_deg"),
        ("current_state__position__alt", -1000, "altitude_m"),
        ("current_state__vertical_speed", 63, "climb_m_s"),
        ("current_state__position__height__distance", -1000, "height_m"),
    ],
)
def test_the_standards_word_for_unknown_is_unknown_and_no_fault(path, sentinel, column):
    """A speed of 255 is not 918 km/h; zero in the same place is a value."""
    unknown, zero = changed(**{path: sentinel}), changed(**{path: 0})

    assert column not in only(unknown)
    assert unknown.warnings == {}
    assert only(zero)[column] == 0


@pytest.mark.parametrize(
    ("path", "value", "warning", "column"),
    [
        ("current_state__speed", 254.5, "speed_out_of_range", "speed_kmh"),
        ("current_state__speed", -0.25, "speed_out_of_range", "speed_kmh"),
        ("current_state__speed", "fast", "speed_unreadable", "speed_kmh"),
        ("current_state__speed", True, "speed_unreadable", "speed_kmh"),
        ("current_state__track", 365, "track_out_of_range", "heading_deg"),
        ("current_state__track", -1, "track_out_of_range", "heading_deg"),
        ("current_state__vertical_speed", 62.1, "climb_out_of_range", "climb_m_s"),
        ("current_state__position__alt", 1e12, "altitude_out_of_range", "altitude_m"),
        ("current_state__position__height__distance", "80 m", "height_unreadable", "height_m"),
        ("current_state__position__height__reference", "Roof", "height_reference_unknown", "height_m"),
        ("current_state__position__accuracy_h", "good", "accuracy_unknown", "accuracy_m"),
        ("current_state__speed", None, "speed_missing", "speed_kmh"),
        ("current_state__vertical_speed", REMOVE, "climb_missing", "climb_m_s"),
    ],
)
def test_a_number_that_cannot_be_is_unknown_and_counted(path, value, warning, column):
    """The drone stays; only that value is not shown."""
    batch = changed(**{path: value})

    assert column not in only(batch)
    assert batch.warnings == {warning: 1}


def test_omitted_objects_may_also_be_null():
    """Height, recent positions and the answer's own time as null are as if they were not there."""
    absent = read(
        answer(flight(current_state__position__height=REMOVE, recent_positions=REMOVE), no_isas_present=REMOVE)
    )
    null = read(answer(flight(current_state__position__height=None, recent_positions=None), no_isas_present=None))

    assert only(absent) == only(null)
    assert null.warnings == {}


def test_the_older_edition_is_read_too():
    """F3411-19 has plain texts as times and the height beside the position."""
    found = only(
        read(
            answer(
                flight(
                    current_state__timestamp="2026-03-02T12:00:29Z",
                    current_state__position__height=None,
                    current_state__height={"distance": 55, "reference": "GroundLevel"},
                ),
                timestamp="2026-03-02T12:00:30Z",
            )
        )
    )

    assert (found["observed_at"], found["height_m"], found["height_reference"]) == (
        "2026-03-02T12:00:29Z",
        55,
        "ground",
    )


def test_unknown_fields_are_ignored():
    """At every level, whatever they hold."""
    plain = only(read(answer(flight())))
    extra = flight(current_state__colour={"a": [1]}, current_state__position__mood="x", wings=[None])

    assert only(read(answer(extra, weather="fine"))) == plain


def test_a_flight_that_left_the_view_is_where_it_was_last_seen():
    """Without a current state the newest recent position counts, wherever it stands in the list."""
    batch = changed(current_state=None)

    assert only(batch)["latitude"] == 52.05
    assert only(batch)["observed_at"] == "2026-03-02T12:00:25Z"
    assert only(batch)["state"] == "unknown"


# Rows left out


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "id_missing"),
        ({"id": "x" * 121}, "id_too_long"),
        ({"current_state": None, "recent_positions": []}, "state_missing"),
        ({"current_state": "here"}, "state_unreadable"),
        ({"current_state__timestamp": {"value": "yesterday", "format": "RFC3339"}}, "time_unreadable"),
        ({"current_state__timestamp": {"value": "2026-03-02T12:00:29", "format": "RFC3339"}}, "time_unreadable"),
        ({"current_state__timestamp": {"value": 1772452829}}, "time_unreadable"),
        ({"current_state__timestamp": at("12:01:31")}, "time_in_future"),
        ({"current_state__position": None}, "position_missing"),
        ({"current_state__position__lat": None}, "position_missing"),
        ({"current_state__position": [52, 0]}, "position_unreadable"),
        ({"current_state__position__lat": "52.04"}, "position_unreadable"),
        ({"current_state__position__lat": 91}, "position_out_of_range"),
        ({"current_state__position__lat": 0, "current_state__position__lng": 0}, "position_zero"),
    ],
)
def test_a_row_that_cannot_be_used_is_counted_and_the_next_stands(changes, reason):
    """One bad flight among good ones; its doubts are not counted beside its refusal."""
    bad = flight(**{**changes, **({} if "current_state" in changes else {"current_state__speed": None})})
    batch = read(answer(bad, flight(id="flight-2")))

    assert only(batch)["vehicle_id"] == "flight-2"
    assert (dict(batch.rejects), batch.warnings) == ({reason: 1}, {})


def test_a_minute_of_clock_drift_is_believed():
    """Sixty seconds ahead is drift, more is refused (the case above)."""
    assert changed(current_state__timestamp=at("12:01:30")).rejects == {}


def test_a_row_that_is_no_object_is_counted():
    """Null and text among the flights."""
    assert dict(read(answer(None, "drone", flight())).rejects) == {"row_unreadable": 2}


# Emergency


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"id": None}, "emergency_without_id"),
        ({"id": {"a": 1}}, "emergency_without_id"),
        ({"current_state__timestamp": {"value": "yesterday"}}, "emergency_time_unreadable"),
        ({"current_state__timestamp": at("13:00:00")}, "emergency_time_in_future"),
        ({"current_state__timestamp": None}, "time_missing"),
        ({"current_state__position": None}, "emergency_position_missing"),
        ({"current_state__position__lat": "north"}, "emergency_position_unreadable"),
        ({"current_state__position__lat": 95}, "emergency_position_out_of_range"),
        ({"current_state__speed": "x"}, "speed_unreadable"),
        ({"aircraft_type": "Saucer"}, "aircraft_type_unknown"),
    ],
)
def test_an_emergency_is_shown_whatever_else_is_wrong_with_its_row(changes, warning):
    """The same fault that costs another row its place is only counted here."""
    batch = changed(current_state__operational_status="Emergency", **changes)

    assert only(batch)["state"] == "needs_help"
    assert batch.rejects == {}
    assert batch.warnings[warning] == 1


def test_an_emergency_without_place_is_where_it_was_last_or_nowhere():
    """An older place is better than none; without any, the row says that somebody needs help."""
    urgent = {"current_state__operational_status": "Emergency", "current_state__position": None}
    last, nowhere = changed(**urgent), changed(**urgent, recent_positions=None)

    assert (only(last)["latitude"], only(last)["longitude"]) == (52.05, -0.77)
    assert "latitude" not in only(nowhere)
    assert only(nowhere)["vehicle_id"] == "flight-1"


def test_an_emergency_with_everything_wrong_is_still_a_row():
    """No id, no time, no place, no number that can be read."""
    batch = read(
        answer({"current_state": {"operational_status": "EMERGENCY", "position": 7, "speed": [], "track": "N"}})
    )

    assert only(batch)["vehicle_id"] == "emergency-1"
    assert only(batch)["state"] == "needs_help"


def test_of_two_rows_of_a_flight_the_newer_counts_and_the_emergency_where_times_do_not_tell():
    """A later normal state ends an emergency; a row without time does not."""
    urgent = flight(current_state__operational_status="Emergency")
    later = flight(current_state__timestamp=at("12:00:30"))
    timeless = flight(current_state__timestamp=None)

    assert only(read(answer(urgent, later)))["state"] == "working"
    assert only(read(answer(later, urgent)))["state"] == "working"
    assert only(read(answer(urgent, timeless)))["state"] == "needs_help"
    assert only(read(answer(timeless, urgent)))["state"] == "needs_help"
    assert only(read(answer(flight(), urgent)))["state"] == "needs_help"
    assert dict(read(answer(urgent, later)).rejects) == {"duplicate": 1}


# Envelope, views, details


def test_a_flight_that_two_parts_of_a_view_see_is_one_row_and_no_fault():
    """Boxes of a split view share their borders."""
    batch = read(answer(flight()), answer(flight(current_state__timestamp=at("12:00:30"))))

    assert only(batch)["observed_at"] == "2026-03-02T12:00:30Z"
    assert batch.rejects == {}


def test_nobody_in_the_air_is_a_valid_answer():
    """No flights, no service area: nothing is refused, and the count says so."""
    batch = read(answer(no_isas_present=True), answer(flights=REMOVE, no_isas_present=True))

    assert len(batch.table) == 0
    assert (batch.rejects, dict(batch.warnings)) == ({}, {"no_isas_present": 2})


def test_details_give_the_serial_number_and_nothing_of_the_operator():
    """A body of details among the pages names the aircraft."""
    details = {
        "id": "flight-1",
        "uas_id": {"serial_number": "SBX04D001"},
        "operator_id": "OP-SECRET",
        "operator_location": {"position": {"lat": 51.1, "lng": -0.1}},
        "operation_description": "for Mrs Smith",
    }
    batch = read(answer(flight()), json.dumps({"details": details}).encode())

    assert only(batch)["label"] == "SBX04D001"
    assert not [word for word in ("OP-SECRET", "51.1", "Smith") if word in json.dumps(batch.table.to_records())]
    assert batch.warnings == {}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"file not found", "not_json"),
        (b'{"flights": [', "not_json"),
        (b"[]", "not_object"),
        (b"{}", "not_remote_id"),
        (b'{"flights": {}}', "not_remote_id"),
        (b'{"flights": null}', "not_remote_id"),
        (b'{"message": "no such view"}', "remote_id_error"),
        (b"[" * 2_000_001, "too_many_values"),
        (b"[" * 100_000, "not_json"),
    ],
)
def test_a_body_that_is_no_answer_fails_as_a_whole(body, reason):
    """Each with its own word."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_more_flights_than_the_feed_allows_fail_the_poll():
    """A flood is refused as a whole."""
    feed = Feed(name="drones", adapter="remote_id", url="http://localhost/", limits={"max_rows": 2})
    with pytest.raises(PayloadError) as caught:
        read(answer(*[flight(id=f"f{n}") for n in range(3)]), feed=feed)
    assert caught.value.reason == "too_many_rows"


def test_a_view_is_cut_into_four_that_cover_it():
    """The quarters touch, keep the other parameters, and together are the whole, whichever corners were named."""
    parts = split("http://x/uss/flights?view=52.1,-0.6,51.9,-0.9&recent_positions_duration=5")

    assert parts == [
        f"http://x/uss/flights?view={view}&recent_positions_duration=5"
        for view in (
            "51.9000000,-0.9000000,52.0000000,-0.7500000",
            "51.9000000,-0.7500000,52.0000000,-0.6000000",
            "52.0000000,-0.9000000,52.1000000,-0.7500000",
            "52.0000000,-0.7500000,52.1000000,-0.6000000",
        )
    ]


@pytest.mark.parametrize("query", ["", "?view=", "?view=1,2,3", "?view=a,b,c,d", "?view=nan,0,1,1", "?view=1,1,1,1"])
def test_what_is_no_view_or_a_point_is_not_cut(query):
    """There is nothing to gain; the refusal stands."""
    assert split(f"http://x/uss/flights{query}") == []


def test_only_this_adapter_knows_its_answers():
    """An answer, an empty one and the recorded sets are of Remote ID and nothing else."""
    bodies = [answer(flight()), answer()]
    if SAMPLES.exists():
        bodies += [path.read_bytes() for path in SAMPLES.glob("rid-*.json")]
    for body in bodies:
        assert [a.name for a in list_adapters().values() if a.looks_like(body)] == ["remote_id"]
    assert not looks_like(b'{"trips": [], "flights": 3}')


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | spoiled({"flights": [GOOD], "timestamp": at("12:00:30"), "no_isas_present": False}))
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else is raised, and every row has a key."""
    try:
        batch = read(body)
    except PayloadError:
        return
    assert all(batch.table["vehicle_key"])


@settings(max_examples=150, deadline=None)
@given(spoiled({"flights": [flight(current_state__operational_status="Emergency")], "timestamp": at("12:00:30")}))
def test_a_status_of_emergency_is_never_lost(body):
    """Whatever is spoiled beside it: while the answer has such a status in a flight's state, there is a row for it."""
    try:
        whole = decode(body)
    except PayloadError:
        return
    urgent = [
        f
        for f in whole.flights
        if isinstance(f, dict)
        and isinstance(f.get("current_state"), dict)
        and not isinstance(f.get("states"), list)
        and f["current_state"].get("operational_status") == "Emergency"
    ]
    (batch,) = observe([whole], FEED, NOW)
    assert (batch.table["state"] == "needs_help").sum() == len(urgent)


def test_the_adapter_asks_for_json_and_splits_views():
    """What the fetch needs to know of it."""
    assert (ADAPTER.accept, ADAPTER.kinds, ADAPTER.split) == ("application/json", ("vehicle",), split)
