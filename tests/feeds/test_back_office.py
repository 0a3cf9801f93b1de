"""Back offices of councils in three forms: real answers, their dirt, and bodies that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.back_office import decode, looks_like, observe
from feeds.feed import Feed, PayloadError
from tests.feeds.reading import read_sample

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"
NOW = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
FEED = Feed(name="office", adapter="back_office", url="http://localhost/office", every_s=300)


def read_body(body: bytes, at: datetime = NOW, **options: Any) -> Batch:
    [batch] = observe([decode(body)], FEED.model_copy(update={"options": options}), at)
    return batch


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / "council-back-office" / name)


def bartec(inside: str) -> bytes:
    return f"""<ServiceRequests_GetResult><ServiceRequest><id>7</id>
        <ServiceType><ID>270</ID><Name>DOG BIN</Name></ServiceType><ServiceStatus><Status>OPEN</Status></ServiceStatus>
        {inside}</ServiceRequest></ServiceRequests_GetResult>""".encode()


def echo(schedules: Any) -> bytes:
    task = {"Id": "9", "TaskTypeName": "Collect Food", "ServiceTaskSchedules": {"ServiceTaskSchedule": schedules}}
    return json.dumps([{"Id": "1", "ServiceName": "Food", "ServiceTasks": {"ServiceTask": task}}]).encode()


def scheduled(name: str, moment: str) -> dict[str, Any]:
    return {name: {"CurrentScheduledDate": {"DateTime": moment}, "OriginalScheduledDate": {"DateTime": moment}}}


def test_real_alloy():
    """Two defects of February 2023; what their statuses mean only the council knows, and may say."""
    batch = read_body(sample("alloy-defects-bristol.json"))

    assert batch.table["request_id"].tolist() == ["63ee34826965f30390f01cda", "63ee34826965f30390f01cdb"]
    assert batch.table["category"].tolist() == ["Street Cleansing Defect", "Graffiti Defect"]
    assert batch.table["status"].tolist() == ["unknown", "unknown"]
    assert batch.table["status_reported"].tolist() == ["5c8bdfb58ae862230019dc1f"] * 2
    assert batch.table.to_records()[0]["requested_at"] == "2023-02-16T13:49:00Z"
    assert not batch.rejects

    told = read_body(sample("alloy-defects-bristol.json"), statuses={"5c8bdfb58ae862230019dc1f": "in_progress"})
    assert told.table["status"].tolist() == ["in_progress"] * 2
    assert told.table["is_open"].tolist() == [True, True]
    assert not told.warnings


def test_real_bartec():
    """One request of June 2020 in local time; `xsi:` is never declared, and its two positions disagree."""
    batch = read_body(sample("bartec-service-request.xml"))
    [record] = batch.table.to_records()

    assert (record["request_id"], record["category_code"], record["category"]) == ("51390", "270", "DOG BIN")
    assert (record["status"], record["status_reported"], record["is_open"]) == ("open", "OPEN", True)
    assert record["requested_at"] == "2020-06-23T15:17:00Z"
    assert (record["expected_at"], record["updated_at"]) == (None, None)
    assert (record["latitude"], record["longitude"]) == (52.643786, -0.667652)
    assert batch.warnings == {"positions_disagree": 1}
    assert not batch.rejects


def test_real_echo():
    """Four collections: Mondays as London's midnights, one task with two schedules, one service as a list."""
    batch = read_body(sample("echo-bin-services.json"))

    assert batch.table["request_id"].tolist() == ["2001", "2002", "2003", "2004"]
    assert [r["expected_at"] for r in batch.table.to_records()] == [
        "2022-10-23T23:00:00Z",
        "2022-10-23T23:00:00Z",
        "2022-10-16T23:00:00Z",
        "2022-10-16T23:00:00Z",
    ]
    assert [r["updated_at"] for r in batch.table.to_records()] == [
        "2022-10-10T05:00:00Z",
        "2022-10-10T05:00:00Z",
        "2022-10-03T05:00:00Z",
        "2022-10-10T05:00:00Z",
    ]
    assert batch.table["category"].tolist()[3] == "Collect Domestic Food"
    assert batch.table["status"].tolist() == ["planned"] * 4
    assert batch.table["is_open"].tolist() == [None] * 4
    assert not batch.rejects
    assert not batch.warnings


def test_nobody_is_named():
    """Addresses, premises, users and descriptions of the real answers are in nothing that comes out."""
    for name in ("alloy-defects-bristol.json", "bartec-service-request.xml", "echo-bin-services.json"):
        out = json.dumps(read_body(sample(name)).table.to_records())
        for secret in ("A STREET", "PE7", "10000000001", "a_user", "dbo", "Description", "Test", "-0.268678"):
            assert secret not in out


def test_a_midnight_in_summer_is_the_day_after_in_london():
    """23:00Z is the next day by London's calendar, and stays that instant."""
    [record] = read_body(echo(scheduled("NextInstance", "2026-07-05T23:00:00Z"))).table.to_records()

    assert record["expected_at"] == "2026-07-05T23:00:00Z"
    local = datetime.fromisoformat(record["expected_at"]).astimezone(ZoneInfo("Europe/London"))
    assert local.strftime("%A %d") == "Monday 06"


def test_one_schedule_and_a_list_of_one_are_the_same():
    """The supplier's XML was made JSON by a program that cannot tell."""
    one = scheduled("NextInstance", "2026-07-05T23:00:00Z")

    assert read_body(echo(one)).table.to_records() == read_body(echo([one])).table.to_records()


def test_the_year_one_is_nothing():
    """0001-01-01 stands for null in all three."""
    [record] = read_body(bartec("<SLA><BreachTime>0001-01-01T00:00:00</BreachTime></SLA>")).table.to_records()
    [collected] = read_body(echo(scheduled("NextInstance", "0001-01-01T00:00:00Z"))).table.to_records()

    assert record["expected_at"] is None
    assert collected["expected_at"] is None
    assert collected["status"] == "unknown"


@pytest.mark.parametrize(
    ("where", "place", "warnings"),
    [
        ('<BNG Easting="0" Northing="0"/>', None, {"position_zero": 1}),
        ('<BNG Easting="0.0" Northing="0.0"/><Metric Latitude="0" Longitude="0"/>', None, {"position_zero": 1}),
        ('<BNG Easting="0" Northing="0"/><Metric Latitude="52.04" Longitude="-0.76"/>', (52.04, -0.76), {}),
        ('<BNG Easting="485098" Northing="239015"/>', (52.0430, -0.7607), {}),
        ('<BNG Easting="485098" Northing="239015"/><Metric Latitude="0" Longitude="0"/>', (52.0430, -0.7607), {}),
        ('<Metric Latitude="x" Longitude="-0.76"/>', None, {"position_unreadable": 1}),
        ('<Metric Latitude="100" Longitude="-0.76"/>', None, {"position_out_of_range": 1}),
        ('<BNG Easting="485098" Northing="9999999"/>', None, {"position_out_of_range": 1}),
        ("", None, {}),
    ],
)
def test_positions_are_degrees_or_grid_or_unknown(where: str, place: Any, warnings: dict[str, int]):
    """Easting and northing 0,0 is "not known", whatever stands beside it."""
    batch = read_body(bartec(f"<ServiceLocation>{where}</ServiceLocation>"))
    [record] = batch.table.to_records()

    assert batch.warnings == warnings
    if place is None:
        assert (record["latitude"], record["longitude"]) == (None, None)
    else:
        assert record["latitude"] == pytest.approx(place[0], abs=0.001)
        assert record["longitude"] == pytest.approx(place[1], abs=0.001)


def test_an_alloy_point_is_read_longitude_first():
    """As GeoJSON has it; a polygon is no place."""
    for geometry, place in (
        ({"type": "Point", "coordinates": [-0.76, 52.04]}, (52.04, -0.76)),
        ({"type": "Polygon", "coordinates": []}, (None, None)),
    ):
        item = {"itemId": "a", "designCode": "designs_potholes", "attributes": [], "geometry": geometry}
        [record] = read_body(json.dumps({"results": [item]}).encode()).table.to_records()
        assert (record["latitude"], record["longitude"]) == place
        assert record["category"] == "potholes"


@pytest.mark.parametrize(
    ("body", "rejects"),
    [
        (b'{"results": [5, {"attributes": []}]}', {"row_unreadable": 1, "id_missing": 1}),
        (b'[{"ServiceTasks": null, "Id": "1"}]', {"task_missing": 1}),
        (b'[{"ServiceTasks": {"ServiceTask": {"TaskTypeId": "1"}}}]', {"id_missing": 1}),
        (bartec("<DateRequested>2026-07-02T14:00:00</DateRequested>"), {"time_in_future": 1}),
    ],
)
def test_a_row_that_cannot_be_used_is_counted_by_reason(body: bytes, rejects: dict[str, int]):
    """One bad row costs itself alone."""
    batch = read_body(body)

    assert batch.rejects == rejects
    assert len(batch.table) == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"busy", "not_json"),
        (b"{}", "not_back_office"),
        (b"[1]", "not_back_office"),
        (b'{"message": "token expired"}', "back_office_error"),
        (b"<kml/>", "not_back_office"),
        (b"<R><Errors><Result>5</Result><Message>no rights</Message></Errors></R>", "back_office_error"),
        (b"<ServiceRequests_GetResult>", "xml_broken"),
    ],
)
def test_a_body_that_is_no_answer_fails_the_poll(body: bytes, reason: str):
    """Each with its own word."""
    with pytest.raises(PayloadError) as caught:
        decode(body)

    assert caught.value.reason == reason


def test_an_answer_of_another_supplier_is_refused_where_the_feed_says_whose_it_is():
    """The option `dialect` guards against a wrong address."""
    with pytest.raises(PayloadError, match="wrong_dialect"):
        read_body(b'{"results": []}', dialect="echo")
    with pytest.raises(PayloadError, match="bad_option"):
        read_body(b'{"results": []}', dialect="oracle")


def test_an_answer_of_none_is_an_answer():
    """No request today is no fault."""
    for body in (b'{"results": []}', b"[]", b"<ServiceRequests_GetResult RecordCount='0'/>"):
        assert len(read_body(body).table) == 0


def test_only_its_own_bodies_look_like_it():
    """Of all real samples exactly the three of back offices."""
    if not SAMPLES.exists():
        pytest.skip("the folder of real samples is not here")
    known = {p.name for p in SAMPLES.rglob("*") if p.is_file() and looks_like(p.read_bytes())}

    assert known == {"alloy-defects-bristol.json", "bartec-service-request.xml", "echo-bin-services.json"}


_KEYS = ["itemId", "designCode", "attributes", "geometry", "type", "coordinates", "Id", "ServiceTasks", "ServiceTask"]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, deadline=20_000)
@given(
    st.binary(max_size=300)
    | st.lists(_VALUES, max_size=3).map(lambda rows: json.dumps({"results": rows}).encode())
    | st.lists(_VALUES, max_size=3).map(lambda rows: json.dumps([{"ServiceTasks": row} for row in rows]).encode())
    | st.text(max_size=100).map(bartec)
)
def test_any_bytes_give_rows_or_a_typed_error(body: bytes):
    """Nothing else escapes, whatever is sent."""
    try:
        read_body(body)
    except PayloadError as error:
        assert error.reason
