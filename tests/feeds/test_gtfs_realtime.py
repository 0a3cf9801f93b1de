"""Each kind of dirt, in messages made for it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format
from google.transit import gtfs_realtime_pb2
from hypothesis import given
from hypothesis import strategies as st

from feeds.feed import PayloadError, list_adapters
from feeds.gtfs_realtime import ADAPTER
from feeds.gtfs_rt.reading import SLICE_BYTES
from tests.feeds.gtfs_realtime_fixtures import (
    NOW,
    RECEIVED_AT,
    add_alert,
    add_stop,
    add_trip,
    add_vehicle,
    build_feed,
    build_message,
    plain_vehicles,
    read,
    read_one,
    rows,
    to_bytes,
)

ROOT = Path(__file__).resolve().parents[2]


def refusal(body: bytes) -> str:
    with pytest.raises(PayloadError) as caught:
        ADAPTER.decode(body)
    return caught.value.reason


# ---------------------------------------------------------------- the adapter as a whole


def test_the_adapter_is_found():
    """Being in the folder is enough to be known by name."""
    assert list_adapters()["gtfs_realtime"] is ADAPTER


def test_a_header_alone_is_no_vehicles():
    """An empty feed is a valid answer: one batch of vehicles without rows, published when the header says."""
    batch = read_one(build_message())

    assert (batch.kind.name, len(batch.table), batch.rejects, batch.warnings) == ("vehicle", 0, {}, {})
    assert batch.published_at == RECEIVED_AT


@pytest.mark.parametrize("kind", ["vehicle", "trip", "disruption"])
def test_an_option_says_what_an_empty_answer_is_of(kind):
    """A trip feed that is empty at night empties the trips, not the vehicles."""
    batch = read_one(build_message(), options={"kind": kind})

    assert (batch.kind.name, len(batch.table)) == (kind, 0)


def test_a_feed_of_two_kinds_has_a_batch_of_each():
    """With a list of kinds, the one that has no row now is an empty batch."""
    message = build_message()
    add_vehicle(message)

    batches = read(to_bytes(message), build_feed(options={"kind": ["vehicle", "trip"]}))

    assert [(b.kind.name, len(b.table)) for b in batches] == [("vehicle", 1), ("trip", 0)]


def test_an_unknown_kind_is_refused():
    """A slip in a feed file is named, with what may stand there."""
    with pytest.raises(PayloadError, match="option kind is 'trips'; it may be vehicle, trip, disruption"):
        read(to_bytes(build_message()), build_feed(options={"kind": "trips"}))


def test_several_kinds_in_one_message():
    """One message of all three kinds gives one batch of each."""
    message = build_message()
    add_alert(message)
    add_trip(message)
    entity = add_vehicle(message, "both", "V1")
    entity.trip_update.trip.trip_id = "T2"

    batches = read(to_bytes(message))

    assert [(b.kind.name, len(b.table)) for b in batches] == [("vehicle", 1), ("trip", 2), ("disruption", 1)]
    assert batches[1].table["trip_id"].tolist() == ["T1", "T2"]


def test_deleted_and_strange_entities_are_counted():
    """A deleted entity is no row, nor is one that carries nothing we know."""
    message = build_message()
    add_vehicle(message, "e1", "V1")
    add_vehicle(message, "e2", "V2").is_deleted = True
    message.entity.add(id="e3", is_deleted=True)
    message.entity.add(id="e4").shape.shape_id = "s"
    message.entity.add(id="e5")

    batch = read_one(message)

    assert batch.table["vehicle_id"].tolist() == ["V1"]
    assert batch.rejects == {"deleted": 2, "unknown_entity": 2}


def test_only_strange_entities_are_an_empty_answer():
    """A message of shapes alone is no error; its entities are counted."""
    message = build_message()
    message.entity.add(id="e1").shape.shape_id = "s"

    batch = read_one(message)

    assert (batch.kind.name, len(batch.table), batch.rejects) == ("vehicle", 0, {"unknown_entity": 1})


def test_a_differential_message_is_not_complete():
    """A message of changes does not say that what it leaves out is gone."""
    message = build_message()
    message.header.incrementality = gtfs_realtime_pb2.FeedHeader.DIFFERENTIAL

    assert not read_one(message).complete


def test_more_rows_than_allowed_fail_the_poll():
    """A feed's max_rows is honoured: one more entity and nothing is read."""
    message = build_message()
    for i in range(3):
        add_vehicle(message, f"e{i}", f"V{i}")

    assert len(read_one(message, limits={"max_rows": 3}).table) == 3
    with pytest.raises(PayloadError, match=r"too_many_rows.*3 entities.*max_rows is 2"):
        read_one(message, limits={"max_rows": 2})


def test_a_naive_moment_of_receipt_is_refused():
    """A time without a zone is a guess."""
    message = build_message()
    add_vehicle(message)

    with pytest.raises(ValueError, match="no zone"):
        read(to_bytes(message), received_at=datetime(2024, 2, 28))  # noqa: DTZ001


def test_two_pages_are_one_poll():
    """Bodies of one poll are joined, columns that only one of them has included; the older header counts."""
    first, second = build_message(), build_message(NOW - 30)
    add_vehicle(first, "e1", "V1", speed=10, trip_id="T1")
    add_vehicle(second, "e2", "V2", bearing=90, at=None)

    (batch,) = ADAPTER.observe(
        [ADAPTER.decode(to_bytes(first)), ADAPTER.decode(to_bytes(second))], build_feed(), RECEIVED_AT
    )

    assert batch.table["vehicle_id"].tolist() == ["V1", "V2"]
    assert batch.table["trip_id"].tolist() == ["T1", None]
    np.testing.assert_array_equal(batch.table["speed_kmh"], [36, np.nan])
    assert np.isnat(batch.table["observed_at"]).tolist() == [False, True]
    assert batch.published_at == RECEIVED_AT - timedelta(seconds=30)


# ---------------------------------------------------------------- header


@pytest.mark.parametrize(
    ("sent", "published_at", "warnings"),
    [
        (NOW, RECEIVED_AT, {}),
        (NOW + 60, RECEIVED_AT + timedelta(seconds=60), {}),
        (NOW + 61, None, {"published_in_future": 1}),
        (NOW * 1000, RECEIVED_AT, {"published_in_ms": 1}),
        (2**63, None, {"published_in_future": 1}),
        (0, None, {"published_absurd": 1}),
        (946_684_799, None, {"published_absurd": 1}),
        (None, None, {"published_missing": 1}),
    ],
)
def test_time_of_the_header(sent, published_at, warnings):
    """The header's time is believed within reason; a wrong one is unknown and counted, and rejects no row."""
    message = build_message(sent)
    add_vehicle(message)

    batch = read_one(message)

    assert (batch.published_at, batch.warnings) == (published_at, warnings)
    assert len(batch.table) == 1


# ---------------------------------------------------------------- vehicles


def test_a_full_vehicle():
    """Every field arrives in the city's words and units."""
    message = build_message()
    add_vehicle(
        message,
        "e1",
        "17",
        bearing=312.5,
        speed=10,
        odometer=1234.5,
        trip_id="T1",
        route_id="R1",
        direction_id=0,
        start_date="20240228",
        start_time="25:10:00",
        stop_id="0490",
        current_stop_sequence=3,
        current_status=1,
        occupancy_status=0,
        label="Red 17",
    )

    (row,) = rows(read_one(message, vehicle_type="shuttle"))

    assert row == {
        "vehicle_key": "buses:17",
        "vehicle_id": "17",
        "label": "Red 17",
        "feed": "buses",
        "vehicle_type": "shuttle",
        "latitude": pytest.approx(52.04, abs=1e-5),
        "longitude": pytest.approx(-0.76, abs=1e-5),
        "heading_deg": 312.5,
        "heading_source": "reported",
        "speed_kmh": 36.0,
        "speed_source": "reported",
        "odometer_m": 1234.5,
        "state": "working",
        "state_reported": "STOPPED_AT",
        "observed_at": "2024-02-28T17:35:16Z",
        "received_at": "2024-02-28T17:35:21Z",
        "route_id": "R1",
        "trip_id": "T1",
        "trip_start_date": "2024-02-28",
        "trip_start_time": "25:10:00",
        "direction": "0",
        "stop_id": "0490",
        "stop_status": "stopped_at",
        "occupancy": "EMPTY",
    }


def test_what_is_absent_is_unknown():
    """A vehicle that says only where it is has no number, no word and no time made up for it."""
    message = build_message()
    add_vehicle(message, at=None)

    (row,) = rows(read_one(message))

    given_columns = {
        "vehicle_key",
        "vehicle_id",
        "feed",
        "vehicle_type",
        "latitude",
        "longitude",
        "state",
        "received_at",
    }
    assert {name for name, value in row.items() if value is not None} == given_columns
    assert row["state"] == "idle"


def test_zero_is_not_missing():
    """A bus that stands reports 0 km/h; a new odometer 0 m; both beside one that reports neither."""
    message = build_message()
    add_vehicle(message, "e1", "V1", speed=0, odometer=0)
    add_vehicle(message, "e2", "V2")

    batch = read_one(message)

    np.testing.assert_array_equal(batch.table["speed_kmh"], [0, np.nan])
    np.testing.assert_array_equal(batch.table["odometer_m"], [0, np.nan])
    assert batch.table["speed_source"].tolist() == ["reported", None]


def test_an_empty_trip_is_no_trip():
    """trip_id and route_id sent as empty texts mean no trip: the vehicle is idle."""
    message = build_message()
    add_vehicle(message, "e1", "V1", trip_id="", route_id="")
    add_vehicle(message, "e2", "V2", trip_id="", route_id="6")
    add_vehicle(message, "e3", "V3", trip_id="T1")

    table = read_one(message).table

    assert table["trip_id"].tolist() == [None, None, "T1"]
    assert table["route_id"].tolist() == [None, "6", None]
    assert table["state"].tolist() == ["idle", "working", "working"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "reason"),
    [
        (None, None, "position_missing"),
        (52.0, None, "position_missing"),
        (None, -0.7, "position_missing"),
        (float("nan"), -0.7, "position_missing"),
        (float("inf"), -0.7, "position_unreadable"),
        (0.0, 0.0, "position_zero"),
        (90.01, -0.7, "position_out_of_range"),
        (-91, -0.7, "position_out_of_range"),
        (52.0, 180.5, "position_out_of_range"),
        (90, 180, "position_placeholder"),
    ],
)
def test_a_position_that_cannot_be_is_left_out(latitude, longitude, reason):
    """The row goes, by name and with the vehicle and values; its neighbour stays."""
    message = build_message()
    add_vehicle(message, "e1", "V1", latitude, longitude)
    add_vehicle(message, "e2", "V2")

    batch = read_one(message)

    assert batch.table["vehicle_id"].tolist() == ["V2"]
    assert batch.rejects == {reason: 1}
    assert batch.offending[reason].startswith("vehicle V1 at latitude")


@pytest.mark.parametrize(("latitude", "longitude"), [(52.0, 0.0), (0.0, 10.0), (-90, 0), (51, 180), (90, 0)])
def test_a_position_at_the_edge_stays(latitude, longitude):
    """The zero meridian runs through England; poles and date line exist."""
    message = build_message()
    add_vehicle(message, latitude=latitude, longitude=longitude)

    (row,) = rows(read_one(message))

    assert (row["latitude"], row["longitude"]) == (latitude, longitude)


def test_a_vehicle_without_a_position_message():
    """A vehicle entity with nothing but its name is a vehicle without a position, not an unknown entity."""
    message = build_message()
    message.entity.add(id="e1").vehicle.vehicle.id = "V1"

    assert read_one(message).rejects == {"position_missing": 1}


@pytest.mark.parametrize(
    ("bearing", "heading", "source", "warnings"),
    [
        (90, 90, "reported", {}),
        (359.5, 359.5, "reported", {}),
        (360, 0, "reported", {}),
        (0, 0, "ambiguous", {"bearing_zero": 1}),
        (-1, None, None, {"bearing_out_of_range": 1}),
        (361, None, None, {"bearing_out_of_range": 1}),
        (float("inf"), None, None, {"bearing_out_of_range": 1}),
        (float("nan"), None, None, {}),
    ],
)
def test_bearings(bearing, heading, source, warnings):
    """A wrong bearing goes and the row stays; exactly 0 may be north or nothing and says so."""
    message = build_message()
    add_vehicle(message, bearing=bearing)

    batch = read_one(message)

    (row,) = rows(batch)
    assert (row["heading_deg"], row["heading_source"], batch.warnings) == (heading, source, warnings)


@pytest.mark.parametrize("speed", [-1, 101, float("inf")])
def test_absurd_speeds_go(speed):
    """A negative speed, or over 360 km/h, is a sentinel or another unit; the row stays."""
    message = build_message()
    add_vehicle(message, speed=speed)

    batch = read_one(message)

    (row,) = rows(batch)
    assert (row["speed_kmh"], row["speed_source"], batch.warnings) == (None, None, {"speed_out_of_range": 1})


def test_a_negative_odometer_goes():
    """Nobody drives backwards from new."""
    message = build_message()
    add_vehicle(message, odometer=-5)

    batch = read_one(message)

    assert np.isnan(batch.table["odometer_m"][0])
    assert batch.warnings == {"odometer_out_of_range": 1}


@pytest.mark.parametrize(
    ("at", "observed_at", "warnings"),
    [
        (NOW - 75_000, "2024-02-27T20:45:21Z", {}),
        (NOW + 60, "2024-02-28T17:36:21Z", {}),
        (NOW * 1000 - 500, "2024-02-28T17:35:20.500Z", {"time_in_ms": 1}),
        (None, None, {"time_missing": 1}),
        (0, None, {"time_absurd": 1}),
        (900_000_000, None, {"time_absurd": 1}),
    ],
)
def test_times_of_vehicles(at, observed_at, warnings):
    """Old is kept as it is, milliseconds are understood, and what cannot be is unknown: never the header's time."""
    message = build_message()
    add_vehicle(message, at=at)

    batch = read_one(message)

    (row,) = rows(batch)
    assert (row["observed_at"], batch.warnings, batch.rejects) == (observed_at, warnings, {})


@pytest.mark.parametrize("at", [NOW + 61, NOW * 1000 + 61_000, NOW * 1_000_000, 2**64 - 2])
def test_a_time_in_the_future_rejects_the_row(at):
    """More than 60 s ahead of our clock is not believed, in seconds, milliseconds or beyond any calendar."""
    message = build_message()
    add_vehicle(message, "e1", "V1", at=at)
    add_vehicle(message, "e2", "V2")

    batch = read_one(message)

    assert batch.table["vehicle_id"].tolist() == ["V2"]
    assert batch.rejects == {"time_in_future": 1}
    assert batch.offending["time_in_future"] == f"vehicle V1 observed at {at}"


def test_a_row_with_two_faults_is_counted_once():
    """Rejects add up to the rows left out."""
    message = build_message()
    add_vehicle(message, "e1", "V1", 0.0, 0.0, at=NOW + 600)

    assert read_one(message).rejects == {"position_zero": 1}


def test_shared_vehicle_ids_are_told_apart_by_entity():
    """Two operators' buses with one number are two vehicles; a number used once is key enough."""
    message = build_message()
    add_vehicle(message, "e1", "17", 52.01)
    add_vehicle(message, "e2", "17", 52.02)
    add_vehicle(message, "e3", "18", 52.03)
    add_vehicle(message, "e4", None, 52.04)

    batch = read_one(message)

    assert batch.table.keys.tolist() == ["buses:17/e1", "buses:17/e2", "buses:18", "buses:/e4"]
    assert batch.table["vehicle_id"].tolist() == ["17", "17", "18", None]
    assert batch.rejects == {}


def test_a_key_does_not_hang_on_anothers_fault():
    """When one of two vehicles of a shared number is rejected, the other keeps its key."""
    message = build_message()
    add_vehicle(message, "e1", "17")
    add_vehicle(message, "e2", "17", 0.0, 0.0)

    assert read_one(message).table.keys.tolist() == ["buses:17/e1"]


@pytest.mark.parametrize("order", [(5, 20), (20, 5)])
def test_the_same_entity_twice_keeps_the_newest(order):
    """Whichever comes first, the newer observation stays and the other is counted."""
    message = build_message()
    for age in order:
        add_vehicle(message, "e1", "V1", 52 + age / 100, at=NOW - age)

    batch = read_one(message)

    assert batch.table.keys.tolist() == ["buses:V1"]
    assert batch.table["latitude"][0] == pytest.approx(52.05, abs=1e-5)
    assert batch.rejects == {"duplicate": 1}


def test_a_known_time_beats_an_unknown_one():
    """Of two rows of an entity the one that says when it was observed stays."""
    message = build_message()
    add_vehicle(message, "e1", "V1", 52.01, at=NOW - 50)
    add_vehicle(message, "e1", "V1", 52.02, at=None)

    assert read_one(message).table["latitude"][0] == pytest.approx(52.01, abs=1e-5)


def test_identical_rows_are_one_vehicle():
    """A row repeated under another entity id is a repetition, and the vehicle's key stays its own."""
    message = build_message()
    add_vehicle(message, "e1", "V1")
    add_vehicle(message, "e2", "V1")
    add_vehicle(message, "e3", "V2")

    batch = read_one(message)

    assert batch.table.keys.tolist() == ["buses:V1", "buses:V2"]
    assert batch.rejects == {"duplicate": 1}


def test_a_whole_message_sent_twice_over():
    """Every entity repeated: half the rows are repetitions, the rest is as it was."""
    message = build_message()
    for i in range(20):
        add_vehicle(message, f"e{i}", f"V{i}", 52 + i / 1000)
    once = read_one(message)
    message.entity.extend(list(message.entity))

    twice = read_one(message)

    assert twice.rejects == {"duplicate": 20}
    assert [r["vehicle_key"] for r in rows(twice)] == [r["vehicle_key"] for r in rows(once)]


def test_without_any_id_there_is_no_row():
    """An entity without id whose vehicle has none either cannot be followed."""
    message = build_message()
    entity = add_vehicle(message, "x", None)
    entity.ClearField("id")
    add_vehicle(message, "e2", "V2")

    batch = read_one(message)

    assert batch.table["vehicle_id"].tolist() == ["V2"]
    assert batch.rejects == {"id_missing": 1}


@pytest.mark.parametrize(
    ("stop", "status", "stop_status", "reported"),
    [
        ({}, None, None, None),
        ({"stop_id": "S"}, None, "in_transit_to", None),
        ({"current_stop_sequence": 0}, None, "in_transit_to", None),
        ({"stop_id": "S"}, 0, "incoming_at", "INCOMING_AT"),
        ({}, 1, "stopped_at", "STOPPED_AT"),
    ],
)
def test_stop_status(stop, status, stop_status, reported):
    """An absent status means in transit, but only where a stop is given; the word is the one that was sent."""
    message = build_message()
    add_vehicle(message, **stop, **({} if status is None else {"current_status": status}))

    (row,) = rows(read_one(message))

    assert (row["stop_status"], row["state_reported"]) == (stop_status, reported)


def test_a_word_the_standard_does_not_have():
    """An enum value from a later version is unknown and counted; the row stays."""
    message = build_message()
    vehicle = add_vehicle(message).vehicle
    vehicle.MergeFromString(b"\x48\x63\x20\x07")  # occupancy_status 99, current_status 7

    batch = read_one(message)

    (row,) = rows(batch)
    assert (row["occupancy"], row["state_reported"], row["stop_status"]) == (None, None, None)
    assert batch.warnings == {"status_unknown": 1, "occupancy_unknown": 1}


def test_odd_dates_and_times_of_day():
    """Dates and times of day in another form are unknown and counted, a dashed date is understood."""
    message = build_message()
    add_vehicle(message, "e1", "V1", start_date="28/02/2024", start_time="noon")
    add_vehicle(message, "e2", "V2", start_date="2024-02-28", start_time="7:05:00")
    add_vehicle(message, "e3", "V3")

    batch = read_one(message)

    assert batch.table["trip_start_date"].tolist() == [None, "2024-02-28", None]
    assert batch.table["trip_start_time"].tolist() == [None, "07:05:00", None]
    assert batch.warnings == {"start_date_unreadable": 1, "start_time_unreadable": 1}


def test_texts_are_cleaned_and_cut():
    """Control characters, marks that turn the writing round and spaces at the ends go; length has a limit."""
    message = build_message()
    add_vehicle(message, "e1", " V\x001\u202e ", label="Red\r\nbus", trip_id="T" * 10_000)
    add_vehicle(message, "e2", "\u200b", label="Żółty")

    table = read_one(message).table

    assert table["vehicle_id"].tolist() == ["V 1", None]
    assert table["label"].tolist() == ["Red bus", "Żółty"]
    assert len(table["trip_id"][0]) == 256


def test_text_that_is_not_utf_8():
    """Bytes that are no text are replaced; the row and the feed live on."""
    message = build_message()
    add_vehicle(message, "e1", "V1", label="AAAA")
    add_vehicle(message, "e2", "V2", label="fine")
    body = to_bytes(message).replace(b"AAAA", b"\xff\xfeAA")

    (batch,) = read(body)

    assert batch.table["label"].tolist() == ["��AA", "fine"]


def test_plates_never_pass():
    """A plate as plate, id, label or entity id is nowhere in the rows, whatever its country when it is named as one."""
    message = build_message()
    add_vehicle(message, "YX69NPO", "YX69NPO", 52.01, label="YX69NPO")
    add_vehicle(message, "e2", "2", 52.02, label="AB12 CDE", license_plate="AB12CDE")
    add_vehicle(message, "e3", "W-12345", 52.03, label="w 12345", license_plate="W 12345")
    add_vehicle(message, "AB12 CDE", None, 52.04)
    add_vehicle(message, "e5", "5", 0.0, 0.0, license_plate="P123 ABC")

    batch = read_one(message)

    told = str(rows(batch)) + str(batch.offending)
    assert not any(plate in told.upper() for plate in ("YX69NPO", "AB12", "12345", "P123"))
    assert batch.warnings == {"plate_hidden": 5}
    assert [str(v)[:6] for v in batch.table["vehicle_id"]] == ["plate-", "2", "plate-", "None"]
    assert batch.table["label"].tolist() == [None, None, None, None]


def test_a_rejected_plate_is_not_told_either():
    """The first bad value in the log names the vehicle by its pseudonym."""
    message = build_message()
    add_vehicle(message, "e1", "YX69NPO", 0.0, 0.0)

    assert "YX69NPO" not in str(read_one(message).offending)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"latitude": st.floats(1, 80, width=32), "longitude": st.floats(-170, 170, width=32)},
            optional={
                "bearing": st.floats(1, 359, width=32),
                "speed": st.floats(0, 90, width=32),
                "odometer": st.floats(0, 1e9),
                "trip_id": st.sampled_from(["", "T1", "T2"]),
                "route_id": st.sampled_from(["", "R1"]),
                "start_date": st.sampled_from(["20240228"]),
                "start_time": st.sampled_from(["07:05:00"]),
                "direction_id": st.integers(0, 1),
                "stop_id": st.sampled_from(["", "S1"]),
                "current_stop_sequence": st.integers(0, 3),
                "current_status": st.integers(0, 2),
                "occupancy_status": st.integers(0, 8),
                "label": st.sampled_from(["", "Red"]),
                "at": st.integers(NOW - 100_000, NOW + 60),
            },
        ),
        min_size=1,
        max_size=12,
    )
)
def test_any_mixture_of_fields_reads_like_the_plain_reader(vehicles):
    """Whichever fields whichever vehicles leave out, nothing slips into a neighbour's row."""
    message = build_message()
    for i, fields in enumerate(vehicles):
        add_vehicle(message, f"e{i}", f"V{i}", **{"at": None, **fields})
    body = to_bytes(message)

    (batch,) = read(body)

    for row, plain in zip(rows(batch), plain_vehicles(body), strict=True):
        seconds = plain.pop("observed_at")
        told = seconds and datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert {**{name: row[name] for name in plain}, "at": row["observed_at"]} == {**plain, "at": told}


# ---------------------------------------------------------------- trip updates

SKIPPED, NO_DATA = 1, 2


def trip_row(update_of):
    """The row of one trip update that `update_of` fills, and the batch's warnings."""
    message = build_message()
    update_of(add_trip(message))
    batch = read_one(message)
    (row,) = rows(batch)
    return row, batch.warnings


def test_a_full_trip():
    """Every field of a trip update arrives in the city's words."""
    message = build_message()
    update = add_trip(message)
    update.trip.route_id = "R1"
    update.trip.direction_id = 1
    update.trip.start_date = "20240228"
    update.trip.start_time = "24:05:00"
    update.trip.schedule_relationship = 5
    update.vehicle.id = "V1"
    add_stop(update, "S1", rel=SKIPPED)
    add_stop(update, "S2", rel=NO_DATA)
    add_stop(update, "S3", {"time": NOW + 90, "delay": 30}, {"time": NOW + 100, "delay": 40})

    (row,) = rows(read_one(message))

    assert row == {
        "trip_key": "buses:T1",
        "feed": "buses",
        "trip_id": "T1",
        "route_id": "R1",
        "direction": "1",
        "trip_start_date": "2024-02-28",
        "trip_start_time": "24:05:00",
        "vehicle_id": "V1",
        "schedule_relationship": "replacement",
        "delay_s": 30.0,
        "next_stop_id": "S3",
        "next_stop_at": "2024-02-28T17:36:51Z",
        "stops_total": 3.0,
        "stops_skipped": 1.0,
        "stops_no_data": 1.0,
        "observed_at": "2024-02-28T17:35:16Z",
        "received_at": "2024-02-28T17:35:21Z",
    }


NEXT_STOPS = {
    "the first that is not past": ([("A", {"time": NOW - 60}, {}, 0), ("B", {"time": NOW + 60}, {}, 0)], "B", 60, None),
    "arrived but not left": ([("A", {"time": NOW - 9}, {"time": NOW + 9}, 0)], "A", 9, None),
    "only its departure told": ([("A", {}, {"time": NOW + 5}, 0)], "A", 5, None),
    "at this very second": ([("A", {"time": NOW}, {}, 0), ("B", {"time": NOW + 9}, {}, 0)], "A", 0, None),
    "not one that is skipped": (
        [("A", {"time": NOW + 9}, {}, SKIPPED), ("B", {"time": NOW + 90}, {}, 0)],
        "B",
        90,
        None,
    ),
    "not one without data": ([("A", {}, {}, NO_DATA), ("B", {"time": NOW + 90}, {}, 0)], "B", 90, None),
    "the last when all are past": (
        [("A", {"time": NOW - 90}, {}, 0), ("B", {"time": NOW - 60}, {}, 0)],
        "B",
        -60,
        None,
    ),
    "none when all are skipped": ([("A", {"time": NOW + 9, "delay": 5}, {}, SKIPPED)], None, None, None),
    "without a time: the first": ([("A", {"delay": 70}, {}, 0), ("B", {"delay": 80}, {}, 0)], "A", None, 70),
    "delay of the departure": ([("A", {}, {"delay": -30}, 0)], "A", None, -30),
    "time beside plan wins over delay": (
        [("A", {"time": NOW + 60, "scheduled_time": NOW + 40, "delay": 99}, {}, 0)],
        "A",
        60,
        20,
    ),
    "times in milliseconds": ([("A", {"time": (NOW + 60) * 1000}, {}, 0)], "A", 60, None),
}


@pytest.mark.parametrize("name", NEXT_STOPS)
def test_next_stop(name):
    """The next stop, its time and the lateness there, case by case."""
    stops, stop_id, in_s, delay_s = NEXT_STOPS[name]

    row, _ = trip_row(lambda update: [add_stop(update, *stop) for stop in stops])

    at = None if in_s is None else (RECEIVED_AT + timedelta(seconds=in_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (row["next_stop_id"], row["next_stop_at"], row["delay_s"]) == (stop_id, at, delay_s)


def test_delay_of_the_whole_trip():
    """It counts when no stop has a delay of its own, and not otherwise."""

    def alone(update):
        update.delay = 240
        add_stop(update, "A", {"time": NOW + 60})

    def beside(update):
        alone(update)
        add_stop(update, "B", {"delay": 10})

    assert trip_row(alone)[0]["delay_s"] == 240
    assert trip_row(beside)[0]["delay_s"] is None


@pytest.mark.parametrize(("delay", "kept"), [(10_800, 10_800), (10_801, None), (-10_801, None)])
def test_delays_of_hours_go(delay, kept):
    """A lateness beyond three hours is a broken prediction: dropped and counted, the row stays."""
    row, warnings = trip_row(lambda update: add_stop(update, "A", {"delay": delay}))

    assert row["delay_s"] == kept
    assert warnings == ({} if kept else {"delay_absurd": 1})


@pytest.mark.parametrize("at", [-5, 0, 1000, NOW + 3 * 86_400, 2**62])
def test_stop_times_that_cannot_be(at):
    """A stop time before 2000 or days ahead is unknown and counted."""
    row, warnings = trip_row(lambda update: add_stop(update, "A", {"time": at}))

    assert (row["next_stop_id"], row["next_stop_at"]) == ("A", None)
    assert warnings == {"stop_time_absurd": 1}


def test_a_cancelled_trip_has_no_stops():
    """A cancellation is a row of its own kind, with nothing predicted."""

    def cancelled(update):
        update.trip.schedule_relationship = 3

    row, _ = trip_row(cancelled)

    assert (row["schedule_relationship"], row["next_stop_id"], row["stops_total"]) == ("canceled", None, 0)


def test_an_unsaid_relationship_stays_unsaid():
    """Absent is unknown, not scheduled."""
    assert trip_row(lambda update: None)[0]["schedule_relationship"] is None


def test_trips_that_share_an_id():
    """Trips of one id (frequency-based ones) are told apart by entity; the same entity twice keeps the newest."""
    message = build_message()
    add_trip(message, "t1", "T1")
    add_trip(message, "t2", "T1")
    add_trip(message, "t3", None)
    add_trip(message, "t4", "T4", NOW - 50)
    add_trip(message, "t4", "T4", NOW - 60)

    batch = read_one(message)

    assert batch.table.keys.tolist() == ["buses:T1/t1", "buses:T1/t2", "buses:/t3", "buses:T4"]
    assert batch.rejects == {"duplicate": 1}
    assert batch.table["observed_at"][3] == np.datetime64(NOW - 50, "s")


def test_trips_from_the_future_go():
    """The clock of a prediction is held to the same 60 s."""
    message = build_message()
    add_trip(message, "t1", "T1", NOW + 61)
    add_trip(message, "t2", "T2", None)

    batch = read_one(message)

    assert batch.table["trip_id"].tolist() == ["T2"]
    assert (batch.rejects, batch.warnings) == ({"time_in_future": 1}, {"time_missing": 1})


def test_plates_in_trips():
    """The vehicle of a trip is hidden like any other."""

    def plated(update):
        update.vehicle.id = "YX69NPO"
        update.vehicle.license_plate = "YX69 NPO"

    row, warnings = trip_row(plated)

    assert row["vehicle_id"].startswith("plate-")
    assert warnings == {"plate_hidden": 1}


def test_a_trip_of_too_many_stops_is_left_out():
    """No trip has two thousand stops; the one that says so goes, its neighbour stays."""
    message = build_message()
    update = add_trip(message, "t1", "T1")
    for _ in range(2001):
        update.stop_time_update.add()
    add_trip(message, "t2", "T2")

    batch = read_one(message)

    assert (batch.table["trip_id"].tolist(), batch.rejects) == (["T2"], {"too_many_stops": 1})


# ---------------------------------------------------------------- alerts

HOUR = 3600


def alert_row(fill, title="Stop closed", language=None):
    message = build_message()
    fill(add_alert(message, title=title, language=language))
    batch = read_one(message)
    (row,) = rows(batch)
    return row, batch.warnings


PERIODS = {
    "none: always": ([], True, None, None),
    "now": ([(-HOUR, HOUR)], True, -HOUR, HOUR),
    "open end": ([(-HOUR, None)], True, -HOUR, None),
    "open start": ([(None, HOUR)], True, None, HOUR),
    "zero for open": ([(-HOUR, "zero")], True, -HOUR, None),
    "past": ([(-2 * HOUR, -HOUR)], False, -2 * HOUR, -HOUR),
    "over this second": ([(-HOUR, 0)], False, -HOUR, 0),
    "coming": ([(HOUR, 2 * HOUR)], False, HOUR, 2 * HOUR),
    "the next of several": ([(9 * HOUR, None), (-2 * HOUR, -HOUR), (HOUR, 2 * HOUR)], False, HOUR, 2 * HOUR),
    "the current before the next": ([(HOUR, None), (-HOUR, 60)], True, -HOUR, 60),
    "the longest of the current": ([(-HOUR, 60), (-HOUR, 90)], True, -HOUR, 90),
    "the last when all are past": ([(-9 * HOUR, -8 * HOUR), (-3 * HOUR, -HOUR)], False, -3 * HOUR, -HOUR),
}


@pytest.mark.parametrize("name", PERIODS)
def test_the_period_that_counts(name):
    """Current, else next, else last; no period is always, and open ends stay open."""
    periods, is_active, start, end = PERIODS[name]

    def fill(alert):
        for first, last in periods:
            period = alert.active_period.add()
            if first is not None:
                period.start = NOW + first
            if last is not None:
                period.end = 0 if last == "zero" else NOW + last

    row, _ = alert_row(fill)

    def told(offset):
        return None if offset is None else (RECEIVED_AT + timedelta(seconds=offset)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert (row["is_active"], row["active_from"], row["active_until"]) == (is_active, told(start), told(end))
    assert row["periods"] == len(periods)


def test_a_period_that_ends_before_it_starts():
    """It says nothing: counted, and whether the alert is in force is unknown."""
    row, warnings = alert_row(lambda alert: alert.active_period.add(start=NOW + 60, end=NOW - 60))

    assert (row["is_active"], row["active_from"], warnings) == (None, None, {"period_reversed": 1})


def test_a_period_in_milliseconds():
    """Milliseconds are understood and counted."""
    row, warnings = alert_row(lambda alert: alert.active_period.add(start=(NOW - 60) * 1000))

    assert (row["is_active"], row["active_from"], warnings) == (True, "2024-02-28T17:34:21Z", {"time_in_ms": 1})


@pytest.mark.parametrize(
    ("texts", "title", "language"),
    [
        ([("Bonjour", "fr"), ("Hello", "en")], "Hello", "en"),
        ([("Bonjour", "fr"), ("Hello", "en-GB")], "Hello", "en-GB"),
        ([("Bonjour", "fr"), ("Hello", None)], "Hello", None),
        ([("Hello", None), ("Hello again", "en")], "Hello again", "en"),
        ([("Bonjour", "fr"), ("Hallo", "de")], "Bonjour", "fr"),
        ([("  ", "en"), ("Bonjour", "fr")], "Bonjour", "fr"),
    ],
)
def test_the_translation_that_is_shown(texts, title, language):
    """English, else without a language, else the first; an empty one does not count."""

    def fill(alert):
        for text, lang in texts:
            translation = alert.header_text.translation.add(text=text)
            if lang:
                translation.language = lang

    row, _ = alert_row(fill, title=None)

    assert (row["title"], row["language"]) == (title, language)


def test_texts_of_alerts_are_made_fit_for_a_screen():
    """A headline is one line; a description keeps its lines, once each; neither keeps hidden characters."""

    def fill(alert):
        alert.description_text.translation.add(text=" First\r\n\r\n second\x07 \r third\u202e\n")

    row, _ = alert_row(fill, title=" Road\r\nclosed ")

    assert (row["title"], row["description"]) == ("Road closed", "First\nsecond\nthird")


def test_long_texts_are_cut():
    """Four thousand characters are enough for anybody; the cut can be seen."""

    def fill(alert):
        alert.description_text.translation.add(text="word " * 100_000)

    row, _ = alert_row(fill, title="x" * 100_000)

    assert len(row["title"]) == len(row["description"].ljust(4000)) == 4000
    assert row["title"].endswith("…")
    assert row["description"].endswith("…")


def test_an_alert_without_headline():
    """It is kept, its title unknown, and counted."""
    row, warnings = alert_row(lambda alert: alert.description_text.translation.add(text="Long story"), title=None)

    assert (row["title"], row["description"], warnings) == (None, "Long story", {"title_missing": 1})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://mk.example/a?b=1#c", True),
        ("http://mk.example", True),
        ("HTTPS://mk.example/", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//mk.example", False),
        ("https://a b", False),
        ("https://user:secret@mk.example/", False),
        ("ftp://mk.example", False),
    ],
)
def test_addresses(sent, kept):
    """Only http and https, and nobody's password; what is refused is counted."""
    row, warnings = alert_row(lambda alert: alert.url.translation.add(text=sent))

    assert row["url"] == (sent if kept else None)
    assert warnings == ({} if kept else {"url_refused": 1})


def test_words_and_what_is_informed():
    """Words as the standard writes them; routes and stops once each, in order, trips' routes included."""

    def fill(alert):
        alert.cause, alert.effect, alert.severity_level = 10, 4, 3
        alert.informed_entity.add(route_id="6", stop_id="S1")
        alert.informed_entity.add(route_id="6", stop_id="S2")
        alert.informed_entity.add(stop_id="Central Station")
        alert.informed_entity.add().trip.route_id = "X5"

    row, _ = alert_row(fill)

    assert (row["cause"], row["effect"], row["severity"]) == ("CONSTRUCTION", "DETOUR", "WARNING")
    assert (row["routes"], row["stops"]) == ("6 X5", "S1 S2 Central_Station")
    assert (row["disruption_key"], row["disruption_id"]) == ("buses:a1", "a1")
    assert row["observed_at"] == "2024-02-28T17:35:21Z"  # of the header: an alert has none of its own


def test_alerts_sent_twice():
    """The last one of an entity id stays; one without an id cannot be kept."""
    message = build_message()
    add_alert(message, "a1", "Old")
    add_alert(message, "a1", "New")
    add_alert(message, "", "Nobody's")

    batch = read_one(message)

    assert batch.table["title"].tolist() == ["New"]
    assert batch.rejects == {"duplicate": 1, "id_missing": 1}


# ---------------------------------------------------------------- JSON renderings


def json_message():
    message = build_message()
    add_vehicle(message, "e1", "V1", bearing=90, speed=5, trip_id="T1")
    add_stop(add_trip(message), "S1", {"time": NOW + 60})
    add_alert(message)
    return message


@pytest.mark.parametrize("snake_case", [True, False])
def test_json_reads_like_protobuf(snake_case):
    """Both spellings of the names give the same rows as the bytes they render."""
    message = json_message()
    text = json_format.MessageToJson(message, preserving_proto_field_name=snake_case)

    from_json = read(b"\n " + text.encode())

    assert [rows(b) for b in from_json] == [rows(b) for b in read(to_bytes(message))]
    assert [rows(b) for b in read(b"\xef\xbb\xbf" + text.encode())] == [rows(b) for b in from_json]
    assert ADAPTER.looks_like(b"\xef\xbb\xbf" + text.encode())
    assert ADAPTER.looks_like(text.encode())


def test_json_of_mixed_spelling_with_one_bad_entity():
    """camelCase beside snake_case is read; an entity that is none is counted and the rest stays."""
    body = {
        "header": {"gtfs_realtime_version": "2.0", "timestamp": str(NOW)},
        "entity": [
            {"id": "e1", "vehicle": {"position": {"latitude": 52.04, "longitude": "-0.76"}, "stopId": "S1"}},
            {"id": "e2", "vehicle": {"position": {"latitude": "north", "longitude": -0.76}}},
            {"id": "e3", "vehicle": {"position": {"latitude": 52.05, "longitude": -0.76}, "stop_id": "S2", "new": 1}},
            "e4",
        ],
    }

    (batch,) = read(json.dumps(body).encode())

    assert batch.table["stop_id"].tolist() == ["S1", "S2"]
    assert batch.rejects == {"entity_unreadable": 2}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"header": ', "unreadable_json"),
        ('{"error": "no such feed"}', "not_gtfs_realtime"),
        ('{"header": {"gtfsRealtimeVersion": "2.0"}, "entity": {"id": "e1"}}', "not_gtfs_realtime"),
        ('{"header": {"timestamp": "yesterday"}}', "unreadable_json"),
        ('{"header": {"gtfsRealtimeVersion": "2.0"}, "entity": [1, 2]}', "unreadable_json"),
        ('{"a":' * 100_000, "unreadable_json"),
        ('{"header": {}, "entity": [' + "{}," * 1_100_000 + "{}]}", "too_many_rows"),
    ],
)
def test_json_that_is_no_message(text, reason):
    """JSON of something else, or broken, or a million empty objects, fails the poll with its reason."""
    assert refusal(text.encode()) == reason


# ---------------------------------------------------------------- bodies that fail


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"file not found", "not_protobuf"),
        ("Nie znaleziono pliku: żółty".encode(), "not_protobuf"),
        (b"\n\n<html><body>502</body></html>", "not_protobuf"),
        (b"<?xml version='1.0'?><Siri/>", "not_protobuf"),
        (b"[1, 2]", "not_protobuf"),
        (b"\xff" * 50, "not_protobuf"),
        (b"\x1f\x8b\x08\x00" + b"\x00" * 40, "not_protobuf"),
        (b"\x0a\x00", "not_gtfs_realtime"),
        (b"\x18\x05", "not_gtfs_realtime"),
    ],
)
def test_bodies_of_something_else(body, reason):
    """What is no GTFS-Realtime fails as a whole, with a reason to count by."""
    assert refusal(body) == reason
    assert not ADAPTER.looks_like(body)


def test_the_error_shows_what_came_and_no_secret():
    """The first words of the body are in the error, without a key that the server repeated."""
    with pytest.raises(PayloadError) as caught:
        ADAPTER.decode(b"Bad request: api_key=0123456789abcdef0123 is\x07 not valid")

    assert "it begins: 'Bad request: api_key (hidden) is not valid'" in caught.value.detail
    assert "0123456789abcdef" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_truncated_body_is_named():
    """An answer cut off in the middle of an entity fails the poll: half an answer would look like a lost fleet."""
    message = build_message()
    for i in range(50):
        add_vehicle(message, f"e{i}", f"V{i}")

    assert refusal(to_bytes(message)[:-7]) == "truncated"


def test_one_broken_entity_does_not_fail_the_feed():
    """An entity whose bytes are no message is counted; its neighbours are read."""
    message = build_message()
    add_vehicle(message, "e1", "V1")
    body = to_bytes(message)
    message = build_message()
    add_vehicle(message, "e2", "V2")
    rest = to_bytes(message)[len(to_bytes(build_message())) :]

    (batch,) = read(body + b"\x12\x03\x22\x7f\x00" + rest)

    assert batch.table["vehicle_id"].tolist() == ["V1", "V2"]
    assert batch.rejects == {"entity_unreadable": 1}


def test_a_number_sent_as_a_list_is_a_broken_entity():
    """A latitude whose tag says list breaks its entity in one of our two views; the neighbours are read."""
    message = build_message()
    add_vehicle(message, "e1", "V1")
    position = wrap(0x12, b"\x0a\x03abc" + b"\x15\x00\x00\x80\xbf")
    body = to_bytes(message) + wrap(0x12, b"\x0a\x02e2" + wrap(0x22, position))

    (batch,) = read(body)

    assert batch.table["vehicle_id"].tolist() == ["V1"]
    assert batch.rejects == {"entity_unreadable": 1}


def test_a_feed_of_broken_entities_fails():
    """When not one entity can be read, the answer is no answer."""
    assert refusal(to_bytes(build_message()) + b"\x12\x03\x22\x7f\x00" * 3) == "not_gtfs_realtime"


def test_entities_without_id_do_not_shift_columns():
    """When as many ids as positions are missing, but in other entities, each row keeps its own values."""
    message = build_message()
    add_vehicle(message, "x", "V1", 52.01).ClearField("id")
    add_vehicle(message, "e2", "V2", None, None, speed=3)
    add_vehicle(message, "e3", "V3", 52.03, speed=5)

    batch = read_one(message)

    assert batch.table["vehicle_id"].tolist() == ["V1", "V3"]
    np.testing.assert_array_equal(batch.table["speed_kmh"], [np.nan, 18])
    assert batch.rejects == {"position_missing": 1}


def test_a_large_body_is_read_in_slices_to_the_same_rows():
    """Above a megabyte the way is another, the rows are the same; a broken entity in it is counted, and once."""
    message = build_message()
    for i in range(3500):
        add_vehicle(message, f"e{i}", f"V{i}", 52 + i / 1e5, trip_id="T" * 245 + str(i), bearing=1 + i % 300)
        add_vehicle(message, f"f{i}", f"W{i}", 52 + i / 1e5, label=f"{i}" + "x" * 245)
    vehicles = to_bytes(message)
    broken_trip = wrap(0x12, b"\x0a\x02t1" + wrap(0x1A, wrap(0x12, b"\x12\x7f")))
    trip = build_message()
    add_trip(trip)
    body = vehicles + broken_trip + to_bytes(trip)[len(HEADER) :]
    assert len(vehicles) > 2 * SLICE_BYTES

    (alone,) = read(vehicles)
    batch, trips = read(body, build_feed(limits={"max_rows": 7002}))

    assert rows(batch) == rows(alone)
    assert trips.table["trip_id"].tolist() == ["T1"]
    assert batch.rejects == {"entity_unreadable": 1}
    plain = plain_vehicles(vehicles)
    assert batch.table["trip_id"].tolist() == [p["trip_id"] for p in plain]
    assert batch.table["label"].tolist() == [p["label"] for p in plain]
    assert batch.table["latitude"].tolist() == [p["latitude"] for p in plain]
    np.testing.assert_array_equal(batch.table["heading_deg"], np.array([p["heading_deg"] for p in plain], float))


HEADER = to_bytes(build_message())


def length(size: int) -> bytes:
    """A protobuf length."""
    out = b""
    while size > 0x7F:
        out += bytes([size & 0x7F | 0x80])
        size >>= 7
    return out + bytes([size])


def wrap(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + length(len(content)) + content


def nest(levels: int) -> bytes:
    content = b""
    for _ in range(levels):
        content = wrap(0x32, content)
    return content


# name -> body, reason of the refusal (None: read, with every entity left out)
BOMBS = {
    "ten million empty entities": (lambda: HEADER + b"\x12\x00" * 9_900_000, "too_many_rows"),
    "ten million empty headers": (lambda: HEADER + b"\x0a\x00" * 9_900_000, "too_many_rows"),
    "one trip of ten million stops": (
        lambda: HEADER + wrap(0x12, wrap(0x1A, b"\x12\x00" * 9_900_000)),
        "not_gtfs_realtime",
    ),
    "trips of a quarter million stops": (
        lambda: HEADER + wrap(0x12, b"\x0a\x011" + wrap(0x1A, b"\x12\x00" * 240_000)) * 40,
        None,
    ),
    "trips of 1,999 stops": (
        lambda: HEADER + wrap(0x12, b"\x0a\x011" + wrap(0x1A, b"\x12\x00" * 1999)) * 4900,
        "too_many_rows",
    ),
    "alerts of a hundred thousand empty periods": (
        lambda: HEADER + wrap(0x12, b"\x0a\x011" + wrap(0x2A, b"\x0a\x00" * 100_000)) * 90,
        None,
    ),
    "groups nested a million deep": (lambda: HEADER + b"\x12\xc0\x84\x3d" + b"\x1b" * 1_000_000, "not_gtfs_realtime"),
    "a length beyond the end of the world": (lambda: HEADER + b"\x12\xff\xff\xff\xff\xff\xff\xff\x7f", "truncated"),
}

MEASURE = """
import resource, sys
from datetime import UTC, datetime
from feeds.feed import Feed, PayloadError
from feeds.gtfs_realtime import ADAPTER
from feeds.gtfs_rt.reading import SLICE_BYTES
from tests.feeds.test_gtfs_realtime import BOMBS, RECEIVED_AT
body = BOMBS[sys.argv[1]][0]()
feed = Feed(name="bomb", adapter="gtfs_realtime", url="http://localhost/")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    reason = sum(len(b.table) for b in ADAPTER.observe([ADAPTER.decode(body)], feed, RECEIVED_AT))
except PayloadError as error:
    reason = error.reason
print(reason, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_stopped_without_growth(name):
    """Twenty megabytes made to unpack to a gigabyte are refused, or their rows left out, within 150 MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, name], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    reason, grown_mb = done.stdout.split()
    expected = BOMBS[name][1]
    assert reason == (expected or {"alerts of a hundred thousand empty periods": "1"}.get(name, "0"))
    assert int(grown_mb) < 150


def test_deep_nesting_fails_the_entity_only():
    """Messages in messages a thousand deep, where none are due, are unread bytes and harm nobody."""
    message = build_message()
    add_vehicle(message)
    body = to_bytes(message) + wrap(0x12, b"\x0a\x02e2" + nest(1000))

    (batch,) = read(body)

    assert batch.table["vehicle_id"].tolist() == ["V1"]
    assert batch.rejects == {"unknown_entity": 1}


@given(st.binary(max_size=300))
def test_noise_is_refused_or_read(noise):
    """Random bytes give a PayloadError or batches, and nothing else ever."""
    try:
        read(noise)
    except PayloadError as error:
        assert error.reason
    ADAPTER.looks_like(noise)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4)), max_size=6), st.booleans())
def test_damaged_messages_are_refused_or_read(damage, with_vehicles_only):
    """A real message with bytes overwritten anywhere gives a PayloadError or batches, and nothing else ever."""
    message = build_message() if with_vehicles_only else json_message()
    for i in range(4):
        add_vehicle(message, f"v{i}", f"W{i}", bearing=5, trip_id="T", stop_id="S", label="L")
    body = bytearray(to_bytes(message))
    for at, junk in damage:
        at %= len(body)
        body[at : at + len(junk)] = junk

    try:
        for batch in read(bytes(body)):
            batch.table.to_records()
    except PayloadError as error:
        assert error.reason
