"""MDS /vehicles/status: real answers, each kind of dirt, and bodies that are none."""

from __future__ import annotations

import copy
import json
import re
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import VEHICLE_STATES, Batch
from feeds.feed import Feed, PayloadError, get_adapter, read_feed_file
from feeds.mds import ADAPTER, decode, looks_like, next_url, observe
from feeds.mds_provider.status import STATES
from tests.feeds.reading import only, read_one, read_sample

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT.parent / "shared" / "samples" / "mds"
NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
FEED = Feed(name="robots", adapter="mds", url="http://localhost/mds", vehicle_type="robot")
DEVICE = "5f3c9a2e-0000-4000-8000-000000000047"
PAGE = "https://mds.example/vehicles/status?page=2"

GOOD: dict[str, Any] = {
    "device_id": DEVICE,
    "provider_id": "5f3c9a2e-0000-4000-8000-00000000000a",
    "last_event": {
        "vehicle_state": "on_trip",
        "event_types": ["trip_start"],
        "timestamp": NOW_MS - 60_000,
        "location": {"lat": 52.01, "lng": -0.71},
        "battery_percent": 81,
        "trip_ids": ["trip-1", "trip-2"],
    },
    "last_telemetry": {
        "timestamp": NOW_MS - 5_000,
        "location": {"lat": 52.04, "lng": -0.76, "heading": 90, "speed": 1.5, "altitude": 80, "horizontal_accuracy": 2},
        "battery_percent": 80,
        "tipped_over": False,
        "trip_ids": ["trip-1"],
        "journey_id": None,
    },
}
REMOVE = object()


def row(**changes: Any) -> dict[str, Any]:
    """The good row with changes by path, as in `last_event__timestamp=0`; REMOVE leaves a field out."""
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


def answer(*rows: Any, **envelope: Any) -> bytes:
    """A whole page; an envelope field given as REMOVE is left out."""
    whole = {
        "version": "2.0.0",
        "last_updated": NOW_MS - 1_000,
        "ttl": 60_000,
        "vehicles_status": list(rows),
        **envelope,
    }
    return json.dumps({name: value for name, value in whole.items() if value is not REMOVE}).encode()


def read(*bodies: bytes, now: datetime = NOW, feed: Feed = FEED) -> Batch:
    return read_one(ADAPTER, feed, now, *bodies)


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


def failure(body: bytes) -> PayloadError:
    with pytest.raises(PayloadError) as caught:
        decode(body)
    return caught.value


# Real answers


def test_voi_status_takes_position_and_battery_from_the_newer_telemetry():
    """Telemetry is a day newer than the last event; the envelope's objects and zeros are read without complaint."""
    page = decode(sample("voi-vehicles-status.json"))
    feed = Feed(name="scooters", adapter="mds", url="http://localhost/", vehicle_type="scooter")
    (batch,) = observe([page], feed, datetime(2024, 8, 6, 8, 20, tzinfo=UTC))

    assert only(batch) == {
        "vehicle_key": "scooters:6aca5a87-60e9-51eb-8147-c38b58100c83",
        "vehicle_id": "6aca5a87-60e9-51eb-8147-c38b58100c83",
        "feed": "scooters",
        "vehicle_type": "scooter",
        "operator": "1f129e3f-158f-4df5-af9c-a80de238e334",
        "latitude": 59.31388,
        "longitude": 18.075653,
        "battery_percent": 50.0,
        "state": "idle",
        "state_reported": "available",
        "state_reason": "trip end",
        "observed_at": "2024-08-06T08:19:48.272Z",
        "received_at": "2024-08-06T08:20:00Z",
    }
    assert batch.rejects == {}
    assert batch.warnings == {"published_missing": 1}
    assert batch.published_at is None
    assert page.ttl_ms == 0
    assert next_url(page, PAGE) is None


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("voi-vehicles-trailing-comma.json", "not_json", "line 13, column 10"),
        ("voi-trips.json", "not_vehicle_status", "trips"),
        ("geography-stop.json", "version", "1.2.0"),
        ("geography-slow-ride-zone.geojson", "not_vehicle_status", "features"),
    ],
)
def test_real_answers_that_are_no_status_fail_as_a_whole(name, reason, said):
    """The detail says what came instead, so that somebody can act on it."""
    error = failure(sample(name))

    assert error.reason == reason
    assert said in error.detail


def test_every_real_json_sample_is_spoken_for():
    """A sample that is added without a test of its own is noticed."""
    sample("voi-vehicles-status.json")
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [p.name for p in SAMPLES.iterdir() if "json" in p.suffix and p.name not in tested] == []


def test_the_states_are_those_of_the_standards_schema():
    """The adapter knows every state of the schema for delivery robots and no other."""
    import yaml

    schema = yaml.safe_load(sample("schema-modes_delivery-robots_event.yaml"))
    assert {case["properties"]["vehicle_state"]["const"] for case in schema["oneOf"]} == set(STATES)
    assert set(STATES.values()) <= set(VEHICLE_STATES)


# A good row


def test_a_row_arrives_in_the_citys_words():
    """Metres a second become kilometres an hour; the newer half gives position, time, battery and trip."""
    batch = read(answer(row()))

    assert only(batch) == {
        "vehicle_key": f"robots:{DEVICE}",
        "vehicle_id": DEVICE,
        "feed": "robots",
        "vehicle_type": "robot",
        "operator": "5f3c9a2e-0000-4000-8000-00000000000a",
        "latitude": 52.04,
        "longitude": -0.76,
        "altitude_m": 80.0,
        "accuracy_m": 2.0,
        "heading_deg": 90.0,
        "heading_source": "reported",
        "speed_kmh": pytest.approx(5.4),
        "speed_source": "reported",
        "battery_percent": 80.0,
        "state": "working",
        "state_reported": "on_trip",
        "state_reason": "trip start",
        "observed_at": "2026-03-02T12:00:25Z",
        "received_at": "2026-03-02T12:00:30Z",
        "trip_id": "trip-1",
    }
    assert (batch.rejects, batch.warnings) == ({}, {})
    assert batch.published_at == datetime(2026, 3, 2, 12, 0, 29, tzinfo=UTC)


def test_an_event_newer_than_telemetry_gives_the_position():
    """Each half is as old as it says; motion of the older half is not borrowed."""
    found = only(read(answer(row(last_event__timestamp=NOW_MS - 1_000))))

    assert (found["latitude"], found["longitude"]) == (52.01, -0.71)
    assert found["observed_at"] == "2026-03-02T12:00:29Z"
    assert found["battery_percent"] == 81.0
    assert "speed_kmh" not in found
    assert "heading_deg" not in found


def test_zero_is_a_value_and_absence_is_not():
    """A robot standing still heading north with an empty battery differs from one of which nothing is known."""
    zero = only(
        read(
            answer(
                row(
                    last_telemetry__location={"lat": 52.04, "lng": 0, "heading": 0, "speed": 0},
                    last_telemetry__battery_percent=0,
                )
            )
        )
    )
    bare = only(
        read(
            answer(
                row(
                    last_telemetry__location={"lat": 52.04, "lng": 0, "heading": None},
                    last_telemetry__battery_percent=None,
                    last_event__battery_percent=REMOVE,
                )
            )
        )
    )

    assert (zero["speed_kmh"], zero["heading_deg"], zero["battery_percent"], zero["longitude"]) == (0, 0, 0, 0)
    assert not {"speed_kmh", "speed_source", "heading_deg", "heading_source", "battery_percent"} & set(bare)


def test_the_battery_is_of_the_newest_half_that_has_one():
    """Telemetry without battery leaves that of the event."""
    assert only(read(answer(row(last_telemetry__battery_percent=REMOVE))))["battery_percent"] == 81.0


def test_telemetry_without_location_leaves_the_events_place_and_its_age():
    """The older position is shown with the older time."""
    found = only(read(answer(row(last_telemetry__location=None))))

    assert (found["latitude"], found["observed_at"]) == (52.01, "2026-03-02T11:59:30Z")


def test_a_row_without_telemetry_lives_by_its_event():
    """Allowed for a robot that has never reported; counted all the same."""
    batch = read(answer(row(last_telemetry=None)))

    assert only(batch)["latitude"] == 52.01
    assert batch.warnings == {"telemetry_missing": 1}


@pytest.mark.parametrize(
    ("reported", "events", "state"),
    [
        ("available", ["service_start"], "idle"),
        ("reserved", ["reservation_start"], "reserved"),
        ("on_trip", ["trip_start"], "working"),
        ("stopped", ["order_drop_off"], "stopped"),
        ("non_operational", ["maintenance"], "out_of_service"),
        ("non_operational", ["service_end", "charging_start"], "charging"),
        ("non_operational", ["charging_end"], "out_of_service"),
        ("non_contactable", ["comms_lost"], "out_of_contact"),
        ("removed", ["maintenance_pick_up"], "removed"),
        ("missing", ["not_located"], "removed"),
        ("elsewhere", ["trip_leave_jurisdiction"], "removed"),
        ("stopped", ["trip_pause", "assistance_needed"], "needs_help"),
        ("on_trip", ["robot_stuck"], "needs_help"),
        ("removed", ["robot_stuck", "maintenance_pick_up"], "removed"),
    ],
)
def test_a_state_is_read_in_the_citys_words(reported, events, state):
    """The original is kept beside it; the events are its reason, or of them the one that calls for a person."""
    helping = [e for e in events if state == "needs_help" and e != "trip_pause"]
    found = only(read(answer(row(last_event__vehicle_state=reported, last_event__event_types=events))))

    assert found["state"] == state
    assert found["state_reported"] == reported
    assert found["state_reason"] == ", ".join(helping or events).replace("_", " ")


def test_a_robot_on_its_side_needs_help_until_it_is_collected():
    """Whatever its trip says; once removed from the street it needs none."""
    tipped = only(read(answer(row(last_telemetry__tipped_over=True))))
    collected = only(read(answer(row(last_telemetry__tipped_over=True, last_event__vehicle_state="removed"))))
    odd = only(read(answer(row(last_telemetry__tipped_over="false"))))

    assert (tipped["state"], tipped["state_reason"]) == ("needs_help", "tipped over")
    assert collected["state"] == "removed"
    assert odd["state"] == "working"


@pytest.mark.parametrize(
    ("changes", "trip"),
    [
        ({}, "trip-1"),
        ({"last_telemetry__trip_ids": REMOVE}, "trip-1"),
        ({"last_telemetry__trip_ids": None}, None),
        ({"last_telemetry__trip_ids": []}, None),
        ({"last_telemetry__trip_ids": ["trip-9", "trip-8"]}, "trip-9"),
        ({"last_telemetry__trip_ids": "trip-9"}, None),
        ({"last_event__vehicle_state": "available"}, None),
    ],
)
def test_the_trip_is_the_one_it_is_on_now(changes, trip):
    """The trip that an event ended is no trip it is on."""
    assert only(read(answer(row(**changes)))).get("trip_id") == trip


def test_the_number_on_the_robot_is_its_label_unless_it_is_a_plate():
    """Some suppliers add vehicle_id to status rows; of hire cars it is the plate."""
    shown = only(read(answer(row(vehicle_id="R-047"))))
    plated = only(read(answer(row(vehicle_id="YX69 NPO"))))

    assert shown["label"] == "R-047"
    assert "label" not in plated


def test_a_plate_in_the_device_id_never_leaves_the_adapter():
    """A device_id that is a number plate has a pseudonym as id and key, and a repetition of it tells no more."""
    batch = read(answer(row(device_id="YX69 NPO"), row(device_id="YX69 NPO"), row(vehicle_id="R-17 YX69NPO")))

    assert [str(v)[:6] for v in batch.table["vehicle_id"]] == ["plate-", DEVICE[:6]]
    assert batch.rejects == {"duplicate": 1}
    assert batch.warnings["plate_hidden"] == 3
    assert "NPO" not in repr(batch.table.to_records()) + repr(batch.offending)


def test_unknown_fields_are_passed_over():
    """A vendor's further keys, personal ones included, leave no trace."""
    batch = read(answer(row(driver={"name": "Secret Person"}, last_event__phone="01908 000000")))

    assert len(batch.table) == 1
    assert "Secret" not in repr(batch.table.to_records())
    assert "01908" not in repr(batch.table.to_records())


# Bad rows


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (None, "row_unreadable"),
        ([], "row_unreadable"),
        ("robot", "row_unreadable"),
        (7, "row_unreadable"),
        ({}, "id_missing"),
        (row(device_id=None), "id_missing"),
        (row(device_id=47), "id_missing"),
        (row(device_id=" "), "id_missing"),
        (row(device_id="x" * 121), "id_too_long"),
        (row(last_event=REMOVE), "event_missing"),
        (row(last_event=None), "event_missing"),
        (row(last_event=[]), "event_unreadable"),
        (row(last_telemetry="none"), "telemetry_unreadable"),
        (row(last_event__vehicle_state="lost"), "state_unknown"),
        (row(last_event__vehicle_state=None), "state_unknown"),
        (row(last_event__vehicle_state=["on_trip"]), "state_unknown"),
        (row(last_event__vehicle_state=REMOVE), "state_unknown"),
        (row(last_telemetry__timestamp=str(NOW_MS)), "time_unreadable"),
        (row(last_telemetry__timestamp=True), "time_unreadable"),
        (row(last_telemetry__timestamp=NOW_MS + 0.5), "time_unreadable"),
        (row(last_telemetry__timestamp=-1), "time_unreadable"),
        (row(last_telemetry__timestamp=1), "time_unreadable"),
        (row(last_telemetry__timestamp=10**18), "time_unreadable"),
        (row(last_telemetry__timestamp=NOW_MS * 1000), "time_unreadable"),
        (row(last_event__timestamp="2026-03-02T12:00:00Z"), "time_unreadable"),
        (row(last_telemetry__timestamp=NOW_MS + 60_001), "time_in_future"),
        (row(last_event__timestamp=NOW_MS + 3_600_000), "time_in_future"),
        (row(last_telemetry__location={"lat": 0, "lng": 0.0}), "position_zero"),
        (row(last_telemetry__location={"lat": 91, "lng": 0}), "position_out_of_range"),
        (row(last_telemetry__location={"lat": 52, "lng": -180.5}), "position_out_of_range"),
        (row(last_telemetry__location={"lat": "52.04", "lng": -0.76}), "position_unreadable"),
        (row(last_telemetry__location={"lat": True, "lng": -0.76}), "position_unreadable"),
        (row(last_telemetry__location=[52.04, -0.76]), "position_unreadable"),
        (row(last_telemetry__location={"lat": 52.04}), "position_missing"),
        (row(last_telemetry__location={"latitude": 52.04, "longitude": -0.76}), "position_missing"),
        (row(last_telemetry__location=None, last_event__location=REMOVE), "position_missing"),
    ],
)
def test_a_bad_row_is_counted_by_its_reason_and_skipped(bad, reason):
    """The good row beside it stays, and a refused row leaves no warning of its own."""
    batch = read(answer(bad, row(device_id=DEVICE.replace("47", "48"))))

    assert batch.table["vehicle_id"].tolist() == [DEVICE.replace("47", "48")]
    assert batch.rejects == {reason: 1}
    assert list(batch.offending) == [reason]
    assert len(batch.offending[reason]) <= 80
    assert batch.warnings == {}


@pytest.mark.parametrize(
    ("changes", "warning", "column"),
    [
        ({"last_telemetry__battery_percent": 101}, "battery_percent_out_of_range", "battery_percent"),
        ({"last_telemetry__battery_percent": -1}, "battery_percent_out_of_range", "battery_percent"),
        ({"last_telemetry__battery_percent": "80 %"}, "battery_percent_unreadable", "battery_percent"),
        ({"last_telemetry__battery_percent": True}, "battery_percent_unreadable", "battery_percent"),
        ({"last_telemetry__location__speed": -0.1}, "speed_out_of_range", "speed_kmh"),
        ({"last_telemetry__location__speed": 1e300}, "speed_out_of_range", "speed_kmh"),
        ({"last_telemetry__location__speed": "1.5"}, "speed_unreadable", "speed_kmh"),
        ({"last_telemetry__location__heading": 361}, "heading_out_of_range", "heading_deg"),
        ({"last_telemetry__location__altitude": 1e6}, "altitude_out_of_range", "altitude_m"),
        ({"last_telemetry__location__horizontal_accuracy": -1}, "horizontal_accuracy_out_of_range", "accuracy_m"),
        ({"last_event__event_types": None}, "event_types_missing", "state_reason"),
    ],
)
def test_an_odd_value_is_left_unknown_and_counted(changes, warning, column):
    """The row stays; the value is unknown, never zero."""
    batch = read(answer(row(**changes)))

    assert column not in only(batch)
    assert batch.warnings == {warning: 1}
    assert batch.rejects == {}


def test_times_plainly_in_seconds_are_read_as_seconds():
    """A number that would lie in 1970 as milliseconds is a unit mix-up, and is counted."""
    batch = read(answer(row(last_telemetry__timestamp=NOW_MS // 1000 - 5)))

    assert only(batch)["observed_at"] == "2026-03-02T12:00:25Z"
    assert batch.warnings == {"time_in_seconds": 1}


def test_a_whole_number_written_as_float_is_an_integer():
    """JSON does not tell 1.0 from 1."""
    assert (
        only(read(answer(row(last_telemetry__timestamp=float(NOW_MS - 5_000)))))["observed_at"]
        == "2026-03-02T12:00:25Z"
    )


@pytest.mark.parametrize("unknown", [None, 0, REMOVE])
def test_a_half_without_time_is_the_older_one(unknown):
    """Unknown time never wins, and never becomes now."""
    batch = read(answer(row(last_telemetry__timestamp=unknown)))

    assert only(batch)["observed_at"] == "2026-03-02T11:59:30Z"
    assert batch.warnings == {"time_missing": 1}


def test_a_row_without_any_time_is_of_unknown_age():
    """Neither fresh nor stale: unknown."""
    batch = read(answer(row(last_telemetry__timestamp=None, last_event__timestamp=None)))

    assert "observed_at" not in only(batch)
    assert batch.warnings == {"time_missing": 2}


def test_a_device_id_that_is_no_uuid_is_kept_and_counted():
    """Any steady name will do to follow a robot."""
    batch = read(answer(row(device_id="robot-47")))

    assert only(batch)["vehicle_key"] == "robots:robot-47"
    assert batch.warnings == {"device_id_not_uuid": 1}


def test_of_a_robot_on_two_pages_the_newest_stays():
    """Robots move between pages while they are read."""
    older = row(last_telemetry__timestamp=NOW_MS - 9_000)
    batch = read(answer(row()), answer(older, row()))

    assert only(batch)["observed_at"] == "2026-03-02T12:00:25Z"
    assert batch.rejects == {"duplicate": 2}


# The envelope


@pytest.mark.parametrize(
    ("sent", "published", "warnings"),
    [
        (NOW_MS - 1_000, "2026-03-02T12:00:29+00:00", {}),
        (str(NOW_MS - 1_000), "2026-03-02T12:00:29+00:00", {}),
        ({"last_updated": NOW_MS - 1_000}, "2026-03-02T12:00:29+00:00", {}),
        ("2026-03-02T12:00:29Z", "2026-03-02T12:00:29+00:00", {}),
        (NOW_MS // 1000 - 1, "2026-03-02T12:00:29+00:00", {"time_in_seconds": 1}),
        (0, None, {"published_missing": 1}),
        ({"last_updated": 0}, None, {"published_missing": 1}),
        ({}, None, {"published_missing": 1}),
        (REMOVE, None, {"published_missing": 1}),
        ("yesterday", None, {"published_unreadable": 1}),
        ("2026-03-02T12:00:29", None, {"published_unreadable": 1}),
        ([1], None, {"published_unreadable": 1}),
        (True, None, {"published_unreadable": 1}),
        (NOW_MS + 3_600_000, None, {"published_in_future": 1}),
    ],
)
def test_last_updated_is_read_in_every_shape_seen(sent, published, warnings):
    """What cannot be believed is unknown; the rows stay."""
    batch = read(answer(row(), last_updated=sent))

    assert (batch.published_at and batch.published_at.isoformat()) == published
    assert batch.warnings == warnings
    assert len(batch.table) == 1


@pytest.mark.parametrize(
    ("sent", "ttl_ms", "warnings"),
    [
        (60_000, 60_000, {}),
        ("60000", 60_000, {}),
        ({"ttl": 0}, 0, {}),
        (0, 0, {}),
        (REMOVE, None, {}),
        (60, 60, {"ttl_suspect": 1}),
        ({"ttl": "60"}, 60, {"ttl_suspect": 1}),
        ("a minute", None, {"ttl_unreadable": 1}),
        (-5, None, {"ttl_unreadable": 1}),
        (True, None, {"ttl_unreadable": 1}),
    ],
)
def test_ttl_is_read_in_every_shape_seen(sent, ttl_ms, warnings):
    """Sixty was plainly meant as seconds; zero is the standard's word for always."""
    page = decode(answer(row(), ttl=sent))
    (batch,) = observe([page], FEED, NOW)

    assert page.ttl_ms == ttl_ms
    assert batch.warnings == warnings


@pytest.mark.parametrize(
    ("links", "following"),
    [
        (REMOVE, None),
        (None, None),
        ({}, None),
        ([], None),
        ("next", None),
        ({"next": None}, None),
        ({"next": ""}, None),
        ({"next": 3}, None),
        ({"next": "https://mds.example/vehicles/status?page=3"}, "https://mds.example/vehicles/status?page=3"),
        ({"next": "?page=3"}, "https://mds.example/vehicles/status?page=3"),
        ({"next": "/other?page=3"}, "https://mds.example/other?page=3"),
        ({"next": "https://elsewhere.example/x"}, "https://elsewhere.example/x"),
        ({"next": {"href": "?page=3"}}, "https://mds.example/vehicles/status?page=3"),
        ([{"rel": "prev", "href": "?page=1"}, {"rel": "next", "href": "?page=3"}], "https://mds.example/vehicles/status?page=3"),
        ([{"next": "?page=3"}], "https://mds.example/vehicles/status?page=3"),
        ({"next": PAGE}, None),
        ({"next": "?page=2#top"}, None),
    ],
)  # fmt: skip
def test_the_next_page_is_found_in_every_shape_seen(links, following):
    """Relative links are resolved; a link to the page itself ends the round."""
    assert next_url(decode(answer(row(), links=links)), PAGE) == following


def test_a_link_that_is_no_address_fails_by_name():
    """Rows would be missing without anybody knowing, so it is not passed over."""
    with pytest.raises(PayloadError) as caught:
        next_url(decode(answer(links={"next": "http://[broken"})), PAGE)
    assert caught.value.reason == "link_unreadable"


@pytest.mark.parametrize("version", ["2.0.0", "2.0", "2", "2.1.0", 2, 2.0, "2.0.0-beta1"])
def test_every_version_two_is_read(version):
    """Text or number, short or long."""
    assert len(decode(answer(row(), version=version)).rows) == 1


def test_a_missing_version_is_counted():
    """The rows are read by their shape."""
    assert read(answer(row(), version=REMOVE)).warnings == {"version_missing": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"\xef\xbb\xbf \n", "empty_body"),
        (b"<html></html>", "not_json"),
        (b"{", "not_json"),
        (answer(row())[:-30], "not_json"),
        (b'{"vehicles_status": [NaN]}', "not_json"),
        (b"[" * 5_000, "not_json"),
        (b"[]", "not_mds"),
        (b"null", "not_mds"),
        (b'"vehicles_status"', "not_mds"),
        (b"{}", "not_vehicle_status"),
        (answer(vehicles_status=None), "not_vehicle_status"),
        (answer(vehicles_status={}), "not_vehicle_status"),
        (answer(version="0.2.0"), "version"),
        (answer(version="1.2.0"), "version"),
        (answer(version="20"), "version"),
        (answer(version=True), "version"),
        (b'{"version": "0.2.0", "data": {"status_changes": []}}', "version"),
        (b'{"error": "not_authorised"}', "mds_error"),
        (b'{"version": "2.0.0", "error": "not_authorised", "vehicles_status": []}', "mds_error"),
        (b"[" + b"{}," * 1_000_001 + b"{}]", "too_many_values"),
    ],
    ids=lambda v: v if isinstance(v, str) else repr(v[:30]),
)
def test_a_body_that_is_no_status_answer_is_refused_by_name(body, reason):
    """Each sort of wrong body has its own reason."""
    assert failure(body).reason == reason


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b"<html></html>",
            "line 1, column 1: unexpected character, expected a JSON value; the body begins with '<html></html>'",
        ),
        (b'{"version": "2.0",\n "ttl": sixty}', "line 2, column 9"),
        (b'{"version": "2\xff"}', "byte 14: 0xff is not UTF-8"),
    ],
)
def test_an_error_in_json_says_where_and_what(body, said):
    """Line and column, how a body begins that is no JSON at all, or the byte that is no text."""
    assert said in failure(body).detail


def test_an_error_in_json_quotes_nothing_from_inside_a_body():
    """What stands where JSON breaks off may be a person's name."""
    assert "Ann" not in failure(b'{"version": "2.0", "driver": Ann Example}').detail


def test_a_byte_order_mark_is_passed_over():
    """Windows servers send one."""
    assert len(decode(b"\xef\xbb\xbf" + answer(row())).rows) == 1


def test_a_valid_empty_list_is_an_answer():
    """No robot in the street is news, not a fault."""
    batch = read(answer(error=None))

    assert len(batch.table) == 0
    assert batch.complete
    assert batch.rejects == {}


@pytest.mark.parametrize(
    "details", [["token 12345678abcdefgh12345 unknown", "ask again"], "token 12345678abcdefgh12345 unknown", None, [3]]
)
def test_an_error_answer_says_why_without_secrets(details):
    """error_details comes as a list, and as a text; a long token in it is hidden."""
    error = failure(
        json.dumps({"error": "unauthorised", "error_description": "no access", "error_details": details}).encode()
    )

    assert error.reason == "mds_error"
    assert "unauthorised; no access" in error.detail
    assert "12345678abcdefgh12345" not in str(error)


def test_a_json_bomb_stops_before_it_is_unpacked():
    """Six megabytes of empty objects would take twenty times that."""
    body = b'{"vehicles_status": [' + b"{}," * 2_000_000 + b"{}]}"
    tracemalloc.start()
    try:
        reason = failure(body).reason
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert reason == "too_many_values"
    assert peak < len(body) * 2


def test_more_rows_than_the_feed_allows_fail_the_poll():
    """limits.max_rows counts the rows of all pages."""
    feed = Feed(name="robots", adapter="mds", url="http://localhost/", limits={"max_rows": 1})
    with pytest.raises(PayloadError) as caught:
        observe([decode(answer(row())), decode(answer(row()))], feed, NOW)
    assert caught.value.reason == "too_many_rows"


# Noise

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PATHS = [
    "device_id", "provider_id", "vehicle_id", "last_event", "last_telemetry", "last_event__vehicle_state",
    "last_event__event_types", "last_event__timestamp", "last_event__location", "last_event__trip_ids",
    "last_telemetry__timestamp", "last_telemetry__location", "last_telemetry__location__lat",
    "last_telemetry__location__speed", "last_telemetry__battery_percent", "last_telemetry__tipped_over",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), JSON)
def test_random_bodies_are_refused_by_name(noise, value):
    """Whatever comes: a PayloadError, never another exception."""
    for body in (noise, json.dumps(value).encode("utf-8", "surrogatepass")):
        failure(body)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PATHS), JSON), max_size=5), JSON, JSON, JSON)
def test_random_rows_and_envelopes_are_each_kept_or_counted(changes, links, updated, ttl):
    """Rows in the answer are rows in the table plus rejects, whatever they hold; the table is always JSON."""
    rows = [row(**{path: value}) for path, value in changes]
    body = answer(*rows, links=links, last_updated=updated, ttl=ttl)
    try:
        page = decode(body)
    except PayloadError as error:
        # json.dumps writes NaN and Infinity, which are no JSON, and lone surrogates.
        assert error.reason == "not_json"
        return
    (batch,) = observe([page], FEED, NOW)

    assert len(batch.table) + sum(batch.rejects.values()) == len(rows)
    json.dumps(batch.table.to_records(), allow_nan=False)


def test_the_adapter_is_found_by_its_name_and_asks_for_version_two():
    """Feed files name it; without the Accept header a server must answer as version 0.2."""
    assert get_adapter("mds") is ADAPTER
    assert ADAPTER.accept == "application/vnd.mds+json;version=2.0"
    assert ADAPTER.next_url is next_url
    assert looks_like(answer(row()))
    assert not looks_like(b"<VehicleMonitoringDelivery/>")
    assert not looks_like(b'{"trips": []}')


def test_the_example_for_robots_is_a_feed_file():
    """The token comes from the environment."""
    (robots,) = read_feed_file(ROOT / "feeds" / "examples" / "robots.yaml")

    assert robots.headers["Authorization"] == "Bearer ${MDS_TOKEN}"
    assert robots.vehicle_type == "robot"


def test_every_reason_is_documented():
    """The page names each reject, warning and failure that the code can give."""
    page = (ROOT / "docs" / "feeds" / "mds.md").read_text(encoding="utf-8")
    files = [ROOT / "feeds" / name for name in ("mds.py", "mds_provider/envelope.py", "mds_provider/status.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    given = set(re.findall(r'(?:reject|warn|PayloadError|_Refused|append)\(\s*"(\w+)"', code))

    assert {"mds_error", "state_unknown", "ttl_suspect"} <= given
    assert [reason for reason in sorted(given) if f"`{reason}`" not in page] == []
