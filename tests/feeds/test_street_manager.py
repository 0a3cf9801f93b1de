"""Street Manager notices: the documentation's own samples, each way they land, each kind of dirt."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.feed import Feed, PayloadError, list_adapters
from feeds.street_manager import ADAPTER, decode, looks_like, observe
from tests.feeds.reading import full_row, read_one, read_sample

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples" / "streetworks"
NOW = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
FEED = Feed(name="works", adapter="street_manager", url="http://localhost/works")

DATA: dict[str, Any] = {
    "work_reference_number": "TEST1",
    "permit_reference_number": "TEST1-01",
    "promoter_organisation": "Test Water",
    "works_location_coordinates": "POINT(485140.93 239125.79)",
    "street_name": "H5 PORTWAY",
    "area_name": "CENTRE",
    "work_category_ref": "minor",
    "traffic_management_type": "Lane closure",
    "traffic_management_type_ref": "lane_closure",
    "proposed_start_date": "2026-06-30T23:00:00.000Z",
    "proposed_start_time": None,
    "proposed_end_date": "2026-07-03T23:00:00.000Z",
    "proposed_end_time": None,
    "actual_start_date_time": None,
    "actual_end_date_time": None,
    "work_status_ref": "planned",
    "activity_type": "Utility repair",
}
MESSAGE: dict[str, Any] = {
    "event_reference": 10,
    "event_type": "PERMIT_GRANTED",
    "event_time": "2026-07-01T08:00:00.000Z",
    "object_type": "PERMIT",
    "object_reference": "TEST1-01",
    "version": 1,
}


def message(data: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {**MESSAGE, **changes, "object_data": {**DATA, **(data or {})}}


def envelope(inner: Any) -> dict[str, Any]:
    text = inner if isinstance(inner, str) else json.dumps(inner)
    return {"Type": "Notification", "TopicArn": "arn:test", "Message": text, "Timestamp": "2026-07-01T08:00:01.000Z"}


def read(*items: Any, now: datetime = NOW) -> Batch:
    body = json.dumps(items[0] if len(items) == 1 else list(items)).encode()
    return read_one(ADAPTER, FEED, now, body)


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


def test_the_documented_sns_notification_becomes_a_road_closure_in_marylebone():
    """JSON inside JSON, a grid point, and an end given as London's midnight that means the whole 28th of June."""
    (batch,) = observe(
        [decode(sample("street-manager-notification-sns.json"))], FEED, datetime(2020, 6, 25, tzinfo=UTC)
    )
    row = full_row(batch)

    assert batch.rejects == {} and batch.warnings == {} and not batch.complete
    assert row["disruption_key"] == "works:0000218889274-01"
    assert (row["title"], row["effect"], row["severity"], row["status"], row["disruption_type"]) == (
        "Road closure: CHURCH STREET",
        "road_closure",
        "minor",
        "in_progress",
        "roadworks",
    )
    # Church Street market, NW8: known from the street map, to some 20 m.
    assert row["latitude"] == pytest.approx(51.52466, abs=2e-4)
    assert row["longitude"] == pytest.approx(-0.16851, abs=3e-4)
    assert (row["active_from"], row["active_until"]) == ("2020-06-24T10:11:00Z", "2020-06-28T23:00:00Z")
    assert row["is_active"] is True
    assert row["observed_at"] == "2020-06-24T14:21:44.091Z"


def test_the_documented_bare_permit_is_read_as_a_line():
    """The same message without an envelope, its place a line of two corners, marked at its middle."""
    (batch,) = observe([decode(sample("street-manager-permit.json"))], FEED, datetime(2020, 6, 11, 12, tzinfo=UTC))
    row = full_row(batch)

    assert row["disruption_id"] == "TSR1591199404915-01"
    assert json.loads(row["geometry"]) == {
        "type": "LineString",
        "coordinates": [[-0.530049, 51.892537], [-0.529279, 51.891916]],
    }
    assert (row["latitude"], row["longitude"]) == (51.892227, -0.529664)
    assert (row["active_from"], row["active_until"]) == ("2020-06-11T10:11:00Z", "2020-06-12T23:00:00Z")


def test_the_documented_broken_activity_is_refused_with_its_place():
    """The documentation's own JSON lacks a comma: the answer is refused, and where is said."""
    with pytest.raises(PayloadError) as caught:
        decode(sample("street-manager-activity-invalid.json"))

    assert caught.value.reason == "not_json"
    assert "line 24" in caught.value.detail


def test_a_subscription_confirmation_is_no_notice():
    """It is counted; no row comes of it, and its address appears nowhere."""
    landed = decode(sample("street-manager-subscription-confirmation.json"))
    (batch,) = observe([landed], FEED, NOW)

    assert (len(batch.table), batch.rejects, batch.warnings) == (0, {}, {"subscription_message": 1})
    assert landed.notices == [] and "SUBSCRIPTION" not in repr(landed)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(message()),
        json.dumps([message()]),
        json.dumps(envelope(message())),
        json.dumps([envelope(message()), envelope(message(object_reference="OTHER"))]),
        "\n".join(json.dumps(m) for m in (message(), envelope(message(object_reference="OTHER")))),
        json.dumps({k.upper().replace("_", "-"): v for k, v in message().items()}),
        json.dumps(envelope(json.dumps(message()))),
        json.dumps({**envelope(""), "Message": message()}),
    ],
    ids=["bare", "list", "envelope", "envelopes", "lines", "other names", "text in text", "opened"],
)
def test_each_way_of_landing_gives_the_same_row(body):
    """Envelope or bare, one or many, in a list or a line each, whatever the case of names."""
    (batch,) = observe([decode(body.encode())], FEED, NOW)
    first = batch.table.to_records()[0]

    assert batch.rejects == {}
    assert (first["disruption_id"], first["road"], first["latitude"]) == ("TEST1-01", "H5 PORTWAY", 52.044)
    assert (first["active_from"], first["active_until"]) == ("2026-06-30T23:00:00Z", "2026-07-04T23:00:00Z")


def test_the_latest_event_of_an_object_wins_whatever_the_order():
    """Events may land late; ties are settled by event_reference; earlier ones are counted, not rejected."""
    started = message({"work_status_ref": "in_progress"}, event_time="2026-07-01T09:00:00Z", event_reference=12)
    same_time = message({"work_status_ref": "completed"}, event_time="2026-07-01T09:00:00Z", event_reference=13)

    for items in ([message(), started, same_time], [same_time, started, message()]):
        batch = read(*items)
        assert full_row(batch)["status"] == "completed"
        assert (batch.rejects, batch.warnings["superseded"]) == ({}, 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"object_reference": None}, "reference_missing"),
        ({"event_time": None}, "event_time_missing"),
        ({"event_time": "yesterday"}, "event_time_unreadable"),
        ({"event_time": "2026-07-02T12:02:00Z"}, "time_in_future"),
    ],
)
def test_a_notice_that_cannot_be_ordered_is_rejected(change, reason):
    """Without a name or a believable time of its event a notice cannot be upserted."""
    batch = read(message(**change), message(object_reference="GOOD"))

    assert batch.rejects == {reason: 1}
    assert full_row(batch)["disruption_id"] == "GOOD"


@pytest.mark.parametrize(
    ("place", "warning"),
    [
        (None, "position_missing"),
        ("POINT(485140.93)", "position_unreadable"),
        ("POINT EMPTY", "position_unreadable"),
        ("POINT(-0.76 52.04)", "position_out_of_range"),
        ("POINT(0 0)", "position_zero"),
        ("POINT(485140 2391250)", "position_out_of_range"),
        (["POINT"], "position_unreadable"),
    ],
)
def test_works_without_a_readable_place_are_kept_and_counted(place, warning):
    """A street name is still worth knowing; a place in degrees or outside the grid is never guessed at."""
    batch = read(message({"works_location_coordinates": place}))

    assert batch.warnings == {warning: 1}
    assert (full_row(batch).get("latitude"), full_row(batch).get("geometry")) == (None, None)


@pytest.mark.parametrize(
    ("wkt", "kind"),
    [
        ("LINESTRING(485140 239125,485240 239125)", "LineString"),
        ("POLYGON((485100 239100,485200 239100,485200 239200,485100 239100))", "Polygon"),
        ("MULTIPOINT((485100 239100),(485200 239100))", "MultiPoint"),
        ("multilinestring((485100 239100, 485200 239100),(485300 239100,485400 239100))", "MultiLineString"),
        ("MULTIPOLYGON(((485100 239100,485200 239100,485200 239200,485100 239100)))", "MultiPolygon"),
        ("SRID=27700;GEOMETRYCOLLECTION(POINT(485100 239100),LINESTRING(485100 239100,485200 239100))", "GeometryCollection"),
    ],
)  # fmt: skip
def test_every_shape_of_wkt_becomes_geojson_in_the_city(wkt, kind):
    """Longitude first, within the city, and marked by a point near it."""
    row = full_row(read(message({"works_location_coordinates": wkt})))

    assert json.loads(row["geometry"])["type"] == kind
    assert row["latitude"] == pytest.approx(52.044, abs=0.002)
    assert row["longitude"] == pytest.approx(-0.7595, abs=0.003)


@pytest.mark.parametrize(
    ("data", "active"),
    [
        ({"work_status_ref": "planned"}, False),
        ({"work_status_ref": "in_progress"}, True),
        ({"work_status": "Works in progress", "work_status_ref": None}, True),
        ({"work_status_ref": "completed"}, False),
        ({"work_status_ref": "cancelled"}, False),
        ({"work_status_ref": None}, True),
        ({"work_status_ref": None, "proposed_start_date": None, "proposed_end_date": None}, None),
    ],
)
def test_works_are_on_when_somebody_has_said_so(data, active):
    """A plan whose day has come is not yet works; the status counts before the dates."""
    assert full_row(read(message(data)))["is_active"] is active


def test_works_past_their_end_without_a_stop_are_still_there():
    """Nobody said that they ended; that they overrun is counted."""
    batch = read(message({"work_status_ref": "in_progress", "proposed_end_date": "2026-06-30T23:00:00.000Z"}))

    assert full_row(batch)["is_active"] is True
    assert batch.warnings == {"overrun": 1}


def test_a_time_on_another_day_keeps_the_date_and_takes_the_clock():
    """In winter and summer alike the date is London's, whatever day the time beside it names."""
    batch = read(message({"proposed_start_time": "2026-06-10T13:50:00.000Z"}))

    assert full_row(batch)["active_from"] == "2026-07-01T13:50:00Z"
    assert batch.warnings == {"time_on_another_day": 1}


def test_dirty_times_are_counted_and_left_unknown():
    """An end before the start is no end; a time that is none is unknown."""
    batch = read(message({"proposed_start_date": "soon", "actual_end_date_time": None}))
    assert (full_row(batch)["active_from"], batch.warnings) == (None, {"time_unreadable": 1})

    batch = read(message({"proposed_end_date": "2026-05-01T23:00:00.000Z"}))
    assert (full_row(batch)["active_until"], batch.warnings) == (None, {"end_before_start": 1})


def test_an_activity_is_a_road_event_and_can_be_cancelled():
    """Street parties and marathons come by the same door, with other names."""
    data = {
        "activity_name": "Fun run",
        "activity_coordinates": "POINT(485140.93 239125.79)",
        "works_location_coordinates": None,
        "start_date": "2026-07-01T23:00:00.000Z",
        "start_time": "2026-07-02T08:30:00.000Z",
        "end_date": "2026-07-01T23:00:00.000Z",
        "end_time": "2026-07-02T15:00:00.000Z",
        "cancelled": "Yes",
    }
    row = full_row(read(message(data, object_type="ACTIVITY")))

    assert (row["title"], row["disruption_type"], row["status"]) == ("Fun run: H5 PORTWAY", "road_event", "cancelled")
    assert (row["active_from"], row["active_until"]) == ("2026-07-02T08:30:00Z", "2026-07-02T15:00:00Z")
    assert row["is_active"] is False


def test_items_that_are_no_notices_are_rejected_beside_good_ones():
    """Each is counted with its first bad value, and a section 58 notice is passed over."""
    batch = read(
        message(), 7, {"a": 1}, envelope("not json"), envelope("[1]"), message(object_type="SECTION_58", object_reference="S")
    )  # fmt: skip

    assert batch.rejects == {"not_a_notice": 2, "message_unreadable": 2}
    assert batch.offending["not_a_notice"] == "7"
    assert batch.warnings == {"section_58_passed_over": 1}
    assert len(batch.table) == 1


def test_a_line_that_cannot_be_read_costs_only_itself():
    """In a body of lines a broken one is counted."""
    (batch,) = observe([decode(json.dumps(message()).encode() + b"\n{broken\n")], FEED, NOW)

    assert (len(batch.table), batch.rejects) == (1, {"line_unreadable": 1})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"<html>", "not_json"),
        (b'{"data": []}', "not_street_manager"),
        (b"[1, 2]", "not_street_manager"),
        (b"null", "not_street_manager"),
    ],
)
def test_bodies_of_something_else_are_refused(body, reason):
    """A page, another API's answer, or nothing at all is a fault of the poll."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_an_empty_list_is_a_valid_answer():
    """Nothing happened."""
    (batch,) = observe([decode(b"[]")], FEED, NOW)
    assert (len(batch.table), batch.rejects) == (0, {})


def test_only_this_adapter_knows_its_notices():
    """Bare or enveloped, at most one adapter claims a body."""
    for body in (json.dumps([message()]).encode(), json.dumps(envelope(message())).encode()):
        assert [a.name for a in list_adapters().values() if a.looks_like(body)] == [ADAPTER.name]
    assert not looks_like(b'{"vehicles_status": []}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*MESSAGE, *DATA, "Message"]), inner),
    max_leaves=30,
)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=400) | JSON.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else, whatever comes."""
    try:
        (batch,) = observe([decode(body)], FEED, NOW)
    except PayloadError as error:
        assert error.reason
    else:
        assert len(batch.table) >= 0


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(list(DATA)), JSON), st.dictionaries(st.sampled_from(list(MESSAGE)), JSON))
def test_a_notice_with_anything_in_its_fields_is_kept_or_counted(data, changes):
    """No value of any field breaks the poll."""
    batch = read(message(data, **changes), message(object_reference="GOOD"))

    assert "GOOD" in batch.table["disruption_id"].tolist()
