"""DATEX II situations: real publications of both versions, each kind of dirt, and bodies that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.datex2 import ADAPTER, decode, observe
from feeds.feed import Feed, PayloadError, list_adapters
from tests.feeds.reading import full_row, read_one, read_sample

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples" / "streetworks"
NOW = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
FEED = Feed(name="roads", adapter="datex2", url="http://localhost/roads")

POINT = """<locationReference xsi:type="PointLocation"><pointByCoordinates><pointCoordinates>
<latitude>52.04</latitude><longitude>-0.76</longitude></pointCoordinates></pointByCoordinates></locationReference>"""
GOOD = {
    "id": "R1",
    "version": "1",
    "sort": "sit:MaintenanceWorks",
    "versioned": "2026-07-02T11:59:00Z",
    "status": "definedByValidityTimeSpec",
    "start": "2026-07-01T07:00:00Z",
    "end": "2026-07-05T17:00:00Z",
    "place": POINT,
    "more": "",
}


def record(**changes: str) -> str:
    f = {**GOOD, **changes}
    return f"""<situationRecord id="{f["id"]}" version="{f["version"]}" xsi:type="{f["sort"]}">
    <situationRecordVersionTime>{f["versioned"]}</situationRecordVersionTime><severity>low</severity>
    <validity><validityStatus>{f["status"]}</validityStatus><validityTimeSpecification>
    <overallStartTime>{f["start"]}</overallStartTime><overallEndTime>{f["end"]}</overallEndTime>
    </validityTimeSpecification></validity>{f["place"]}{f["more"]}</situationRecord>"""


def publication(*records: str, header: str = "") -> bytes:
    return f"""<payload xmlns="http://datex2.eu/schema/3/d2Payload" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    lang="en" xsi:type="sit:SituationPublication"><publicationTime>2026-07-02T11:59:30Z</publicationTime>
    <situation id="S1"><headerInformation>{header}</headerInformation>{"".join(records)}</situation></payload>""".encode()


def read(*records: str, header: str = "", **options: Any) -> Batch:
    feed = FEED.model_copy(update={"options": options})
    return read_one(ADAPTER, feed, NOW, publication(*records, header=header))


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


@pytest.mark.parametrize(
    ("name", "at", "ids", "warnings"),
    [
        (
            "datex2-v2-2017-08-10.xml",
            datetime(2017, 8, 10, 13, 0, tzinfo=UTC),
            ["GUID5001357701", "GUID5001357702", "GUID5001357703"],
            {"restricted": 3, "position_by_code_only": 1, "position_missing": 2},
        ),
        (
            "datex2-v2-2019-11-26.xml",
            datetime(2019, 11, 26, 12, 36, tzinfo=UTC),
            ["GUID5036607201", "GUID5036607202", "GUID5036607203", "GUID5036607301", "GUID5036607302"],
            {"restricted": 5, "position_by_code_only": 2, "position_missing": 3, "end_unreadable": 2},
        ),
        (
            "datex2-v3_5-GUID50456943.xml",
            datetime(2025, 11, 27, 7, 30, tzinfo=UTC),
            ["GUID5046133001"],
            {"restricted": 1, "position_by_code_only": 1},
        ),
    ],
)
def test_real_publications_are_read_without_a_reject(name, at, ids, warnings):
    """Alert-C places without coordinates and placeholders for times cost a warning, never the row."""
    (batch,) = observe([decode(sample(name))], FEED, at)

    assert batch.table["disruption_id"].tolist() == ids
    assert (batch.rejects, batch.warnings) == ({}, warnings)
    assert batch.published_at is not None


def test_the_ferry_that_stops_for_floating_timber_is_on_at_half_past_nine():
    """Version 3, prefixed names, a line feed inside a time, validity by times."""
    (batch,) = observe(
        [decode(sample("datex2-v3_5-GUID50456943.xml"))], FEED, datetime(2025, 11, 27, 7, 30, tzinfo=UTC)
    )
    row = full_row(batch)

    assert row["title"] == "Transit information: delays due to flotsam"
    assert (row["severity"], row["disruption_type"], row["language"]) == ("high", "travel_alert", "fi")
    assert (row["active_from"], row["active_until"]) == ("2025-11-27T07:20:00Z", "2025-11-27T07:50:00Z")
    assert row["is_active"] is True and row["latitude"] is None
    assert row["observed_at"] == "2025-11-27T06:24:59.065Z"
    assert str(row["description"]).startswith("Tie 15358, eli Pihlajaniementie, Savonlinna.")


def test_a_point_is_a_place_and_works_are_roadworks():
    """Coordinates of version 3, without any oddity."""
    batch = read(record())
    row = full_row(batch)

    assert (batch.rejects, batch.warnings) == ({}, {})
    assert (row["latitude"], row["longitude"], row["disruption_type"]) == (52.04, -0.76, "roadworks")
    assert json.loads(row["geometry"]) == {"type": "Point", "coordinates": [-0.76, 52.04]}


def test_lines_are_read_from_position_lists_and_pairs_of_points():
    """GML has latitude first; version 2 gives the two ends; the point for display marks the row."""
    gml = "<locationReference><gmlLineString><posList>52.04 -0.76 52.04 -0.74</posList></gmlLineString></locationReference>"
    row = full_row(read(record(place=gml)))
    assert json.loads(row["geometry"])["coordinates"] == [[-0.76, 52.04], [-0.74, 52.04]]
    assert (row["latitude"], row["longitude"]) == (52.04, -0.75)

    point = "<pointCoordinates><latitude>{}</latitude><longitude>{}</longitude></pointCoordinates>"
    ends = f"<from>{point.format(52.0, -0.7)}</from><to>{point.format(52.1, -0.7)}</to>"
    shown = "<locationForDisplay><latitude>52.02</latitude><longitude>-0.71</longitude></locationForDisplay>"
    row = full_row(read(record(place=f"<groupOfLocations>{shown}{ends}</groupOfLocations>")))
    assert json.loads(row["geometry"])["type"] == "LineString"
    assert (row["latitude"], row["longitude"]) == (52.02, -0.71)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"place": ""}, "position_missing"),
        ({"place": POINT.replace("52.04", "north")}, "position_unreadable"),
        ({"place": POINT.replace("52.04", "99")}, "position_out_of_range"),
        ({"place": POINT.replace("52.04", "0").replace("-0.76", "0")}, "position_zero"),
        ({"end": "DISORDER2_END_PLACEHOLDER"}, "end_unreadable"),
        ({"end": "2026-06-01T00:00:00Z"}, "end_before_start"),
        ({"start": "2026-07-01T08:00:00"}, "time_without_offset"),
        ({"versioned": "then"}, "version_time_unreadable"),
    ],
)
def test_each_kind_of_dirt_is_counted_and_the_row_kept(changes, warning):
    """A record with a fault in one field is still news."""
    batch = read(record(**changes))

    assert batch.rejects == {} and warning in batch.warnings
    assert len(batch.table) == 1


def test_a_line_feed_inside_a_time_is_no_fault():
    """Before, after and in the middle."""
    assert full_row(read(record(start="\n2026-07-01\nT07:00:00Z\n  ")))["active_from"] == "2026-07-01T07:00:00Z"


@pytest.mark.parametrize(
    ("changes", "header", "options", "reason"),
    [
        ({"id": " "}, "", {}, "id_missing"),
        ({"versioned": "2026-07-02T12:02:00Z"}, "", {}, "time_in_future"),
        ({}, "<informationStatus>test</informationStatus>", {}, "not_real"),
        ({}, "<informationStatus>securityExercise</informationStatus>", {}, "not_real"),
        ({}, "<confidentiality>internalUse</confidentiality>", {}, "internal_use"),
        ({}, "<confidentiality>restrictedToAuthorities</confidentiality>", {"only_unrestricted": True}, "restricted"),
    ],
)
def test_records_that_must_not_be_shown_are_rejected(changes, header, options, reason):
    """Drills are not happening, and what is for internal use is not ours."""
    batch = read(record(**changes), header=header, **options)

    assert (len(batch.table), batch.rejects) == (0, {reason: 1})


def test_the_highest_version_of_a_record_wins():
    """Whatever the order; the others are counted."""
    new, old = record(version="10", sort="Accident"), record(version="9")

    for records in ((new, old), (old, new)):
        batch = read(*records)
        assert (full_row(batch)["cause"], batch.warnings) == ("Accident", {"superseded": 1})


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        ({}, True),
        ({"start": "2026-07-03T00:00:00Z"}, False),
        ({"end": "2026-07-02T00:00:00Z"}, False),
        ({"status": "suspended"}, False),
        ({"status": "active", "end": "2026-07-02T00:00:00Z"}, True),
        (
            {
                "more": "<management><lifeCycleManagement><cancel>true</cancel></lifeCycleManagement></management>",
                "status": "active",
            },
            False,
        ),
    ],
)
def test_a_record_is_on_by_its_status_then_by_its_times(changes, active):
    """`active` and `suspended` say so themselves; a cancelled record is over."""
    assert full_row(read(record(**changes)))["is_active"] is active


def test_comments_that_are_not_for_the_public_never_enter():
    """Only generalPublicComment is read."""
    more = (
        "<nonGeneralPublicComment><comment><values><value lang='en'>caller 07700 900123</value></values></comment>"
        "</nonGeneralPublicComment>"
    )
    assert "07700" not in repr(read(record(more=more)).table.to_records())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"{}", "not_xml"),
        (b"<!DOCTYPE html><html/>", "not_xml"),
        (b"<!DOCTYPE d [<!ENTITY a 'b'>]><d>&a;</d>", "xml_doctype"),
        (b"<Siri/>", "not_datex2"),
        (publication(record())[:-30], "xml_broken"),
        (publication().replace(b"SituationPublication", b"MeasuredDataPublication"), "not_situations"),
    ],
)
def test_bodies_of_something_else_are_refused(body, reason):
    """Each whole-body fault by name."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_only_this_adapter_knows_its_publications():
    """At most one adapter claims a body."""
    assert [a.name for a in list_adapters().values() if a.looks_like(publication(record()))] == [ADAPTER.name]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=40).map(lambda t: publication(record(start=t.replace("<", "")))))
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else, whatever comes."""
    try:
        (batch,) = observe([decode(body)], FEED, NOW)
    except PayloadError as error:
        assert error.reason
    else:
        assert len(batch.table) <= 1
