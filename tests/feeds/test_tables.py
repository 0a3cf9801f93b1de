"""CSV and JSON tables of any supplier: the mapping engine, its options, each kind of dirt."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds import table_csv, table_json
from feeds.feed import Feed, PayloadError
from feeds.mapped.values import is_personal, read_number
from feeds.units import convert, find_unit
from tests.feeds.reading import known

NOW = datetime(2026, 7, 2, 12, 0, 30, tzinfo=UTC)
MAPPING: dict[str, Any] = {
    "station_id": "site",
    "title": "name",
    "latitude": "lat",
    "longitude": "lon",
    "observed_at": "when",
}


def feed(adapter: str, **options: Any) -> Feed:
    return Feed(name="table", adapter=adapter, url="http://localhost/", options=options)


def read_csv(text: str | bytes, **options: Any) -> Batch:
    body = text if isinstance(text, bytes) else text.encode()
    given_options = {"mapping": MAPPING, "quantities": {"footfall": "people"}, **options}
    (batch,) = table_csv.observe([table_csv.decode(body)], feed("table_csv", **given_options), NOW)
    return batch


def read_json(content: Any, **options: Any) -> Batch:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    given_options = {"mapping": MAPPING, "quantities": {"footfall": "people"}, **options}
    (batch,) = table_json.observe([table_json.decode(body)], feed("table_json", **given_options), NOW)
    return batch


HEADER = "site,name,lat,lon,when,people\n"
GOOD = "A1,North door,52.04,-0.76,2026-07-02T12:00:00Z,41\n"
ROW = {
    "environment_key": "table:A1:footfall",
    "feed": "table",
    "station_id": "A1",
    "title": "North door",
    "latitude": 52.04,
    "longitude": -0.76,
    "quantity": "footfall",
    "value": 41.0,
    "observed_at": "2026-07-02T12:00:00Z",
    "received_at": "2026-07-02T12:00:30Z",
}


def test_a_table_becomes_rows_without_code():
    """One mapping, one row, exact values."""
    batch = read_csv(HEADER + GOOD)

    assert known(batch) == [ROW]
    assert (batch.rejects, batch.warnings) == ({}, {})


def test_json_records_become_the_same_rows():
    """The same engine behind another reader: a list, a path to one, lists of values, GeoJSON features."""
    record = {
        "site": "A1",
        "name": "North door",
        "lat": 52.04,
        "lon": -0.76,
        "when": "2026-07-02T12:00:00Z",
        "people": 41,
    }
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [-0.76, 52.04]},
        "properties": {name: value for name, value in record.items() if name not in ("lat", "lon")},
    }
    places = {**MAPPING, "latitude": "geometry", "longitude": "geometry"}

    assert known(read_json([record])) == [ROW]
    assert known(read_json({"data": {"items": [record]}}, records="data.items")) == [ROW]
    assert known(read_json({"rows": [list(record.values())]}, records="rows", fields=list(record))) == [ROW]
    assert known(read_json({"type": "FeatureCollection", "features": [feature]}, mapping=places, ignore=["id"])) == [
        ROW
    ]


def test_a_continental_table_is_read_by_its_options():
    """Semicolons, decimal commas, Windows letters, two lines of title, day before month, local time."""
    text = (
        "Z\u00e4hlung\n\nsite;name;lat;lon;when;people\nA1;North d\u00f6\u00f6r;52,04;-0,76;02/07/2026 13:00;1.041,5\n"
    )
    batch = read_csv(
        text.encode("cp1252"),
        delimiter=";",
        encoding="cp1252",
        decimal_comma=True,
        skip_lines=2,
        time_format="%d/%m/%Y %H:%M",
        zone="Europe/London",
    )

    (row,) = known(batch)
    assert (row["title"], row["latitude"], row["value"], row["observed_at"]) == (
        "North döör",
        52.04,
        1041.5,
        "2026-07-02T12:00:00Z",
    )
    assert batch.warnings == {}


def test_a_table_without_header_is_read_by_named_columns():
    """The option says what the columns are."""
    assert known(read_csv(GOOD, columns=["site", "name", "lat", "lon", "when", "people"])) == [ROW]


def test_a_long_table_names_its_quantities_itself():
    """One row a measurement: the supplier's word becomes ours, its unit is turned into ours."""
    text = "site,what,much,in\nA1,NO2,12,ug/m3\nA1,WS,10,m/s\nA1,XX,1,-\n"
    batch = read_csv(
        text,
        mapping={
            "station_id": "site",
            "quantity": {"attr": "what", "values": {"NO2": "no2", "WS": "wind_speed"}},
            "value": "much",
            "unit": "in",
        },
        quantities={},
    )

    assert [(r["quantity"], r["value"], r["unit"]) for r in known(batch)] == [
        ("no2", 12.0, "µg/m³"),
        ("wind_speed", 36.0, "km/h"),
    ]
    assert batch.rejects == {"quantity_missing": 1}


@pytest.mark.parametrize("cell", ["", "-", "NA", "n/k"])
def test_missing_is_never_zero(cell):
    """A text for no value makes no row; a 0 is a count of nobody."""
    batch = read_csv(
        HEADER + GOOD.replace(",41", f",{cell}") + "B2,B,52,-0.7,2026-07-02T12:00:00Z,0\n",
        missing=["", "-", "NA", "n/k"],
    )

    assert [(r["station_id"], r["value"]) for r in known(batch)] == [("B2", 0.0)]
    assert batch.rejects == {"quantities_missing": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A1,North door,52.04,-0.76,2026-07-02T12:00:00Z\n", "cells_mismatch"),
        (",North door,52.04,-0.76,2026-07-02T12:00:00Z,41\n", "id_missing"),
        ("A1,North door,152.04,-0.76,2026-07-02T12:00:00Z,41\n", "position_out_of_range"),
        ("A1,North door,north,-0.76,2026-07-02T12:00:00Z,41\n", "position_unreadable"),
        ("A1,North door,52.04,-0.76,02/07/2026,41\n", "time_unreadable"),
        ("A1,North door,52.04,-0.76,2026-07-02T12:30:00Z,41\n", "time_in_future"),
        ("A1,North door,52.04,-0.76,2026-07-02T12:00:00Z,many\n", "value_unreadable"),
        ("A1,ask Jo jo.bloggs@example.org,52.04,-0.76,2026-07-02T12:00:00Z,41\n", "personal_data"),
        ("A1,MK12 ABC,52.04,-0.76,2026-07-02T12:00:00Z,41\n", "personal_data"),
        ("A1,07700 900123,52.04,-0.76,2026-07-02T12:00:00Z,41\n", "personal_data"),
        ("G1,North door,52.04,-0.76,2026-07-02T11:00:00Z,40\n", "duplicate"),
    ],
)
def test_rows_that_cannot_be_used_are_left_out_by_reason(line, reason):
    """The row is counted under its name; the good one beside it stays."""
    batch = read_csv(HEADER + line + GOOD.replace("A1", "G1"))

    assert [row["station_id"] for row in known(batch)] == ["G1"]
    assert batch.rejects == {reason: 1}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jo@example.org", True),
        ("ring 01908 691691 please", True),
        ("+44 7700 900123", True),
        ("(01908) 691-691", True),
        ("YX69 NPO", True),
        ("van AB12CDE at the gate", True),
        ("Midsummer Boulevard 0.5 km", False),
        ("MK9 3EP", False),
        ("urn:ngsi-ld:Thing:01908691691", False),
        ("0000-0001", False),
        ("0.7123456789", False),
        ("84c6a3a8-5aa6-11e8-bedc-27e105edd16f", False),
        ("Route 300", False),
    ],
)
def test_direct_identifiers_are_recognised_and_names_of_things_are_not(text, found):
    """E-mail, UK telephone, plate; not postcodes, ids and numbers of routes."""
    assert is_personal(text) is found


@pytest.mark.parametrize(
    "line",
    [
        "A1,North door,52.04,-0.76,2026-07-02T12:00:00Z,01908 691691\n",
        "A1,North door,52.04,-0.76,jo@example.org,41\n",
        "A1,North door,52.04,jo@example.org,2026-07-02T12:00:00Z,41\n",
    ],
)
def test_an_identifier_in_a_wrong_column_never_reaches_the_log(line):
    """The row is counted by its reason, and the first offending value is hidden."""
    batch = read_csv(HEADER + line)

    assert sum(batch.rejects.values()) == 1
    assert list(batch.offending.values()) == ["(personal data)"]


def test_fields_nobody_mapped_are_dropped_and_said():
    """Each name counts once a table, and not at all when the feed says that it is known."""
    text = "site,name,lat,lon,when,people,driver_name,notes\nA1,N,52,-0.7,2026-07-02T12:00:00Z,1,Jo Bloggs,x\n"

    batch = read_csv(text)
    assert batch.warnings == {"unlisted_field": 2}
    assert "Jo" not in str(known(batch))
    assert read_csv(text, ignore=["driver_name", "notes"]).warnings == {}


def test_a_time_without_zone_is_london_time_and_said():
    """Noon on a July day in Milton Keynes is eleven in UTC; a zone in the feed file ends the warning."""
    text = HEADER + GOOD.replace("Z,41", ",41")

    assert known(read_csv(text))[0]["observed_at"] == "2026-07-02T11:00:00Z"
    assert read_csv(text).warnings == {"time_without_zone": 1}
    assert known(read_csv(text, zone="UTC"))[0]["observed_at"] == "2026-07-02T12:00:00Z"
    assert read_csv(text, zone="UTC").warnings == {}


@pytest.mark.parametrize(
    ("when", "form"),
    [
        ("1782993600", "unix_s"),
        ("1782993600000", "unix_ms"),
        ("2026-07-02T12:00Z", "iso"),
        ("02.07.2026 12:00 +0000", "%d.%m.%Y %H:%M %z"),
    ],
)
def test_each_way_to_write_a_time(when, form):
    """Seconds, milliseconds, ISO without seconds, a pattern with zone."""
    assert (
        known(read_csv(HEADER + GOOD.replace("2026-07-02T12:00:00Z", when), time_format=form))[0]["observed_at"]
        == "2026-07-02T12:00:00Z"
    )


@pytest.mark.parametrize("night", ["2026-03-29 01:30:00", "2026-10-25 01:30:00"])
def test_nights_of_the_clock_change_are_read_near_now(night):
    """The hour that is not there, or is there twice, is taken near the moment of receipt."""
    near = datetime(2026, 3, 29, 1, 31, tzinfo=UTC) if "03-29" in night else datetime(2026, 10, 25, 1, 31, tzinfo=UTC)
    body = table_csv.decode((HEADER + GOOD.replace("2026-07-02T12:00:00Z", night)).encode())
    of = feed("table_csv", mapping=MAPPING, quantities={"footfall": "people"}, zone="Europe/London")
    (batch,) = table_csv.observe([body], of, near)

    assert abs((near - datetime.fromisoformat(known(batch)[0]["observed_at"])).total_seconds()) <= 60


@pytest.mark.parametrize(
    ("body", "options", "reason"),
    [
        (b"", {}, "empty_body"),
        (b"<!DOCTYPE html><p>sorry", {}, "not_csv"),
        (b"\n\n", {}, "empty_body"),
        (HEADER.encode() + b'A1,"unclosed', {}, "not_csv"),
        ("site,né".encode("latin-1"), {}, "encoding"),
        (b"site,site,lat,lon,when,people,name\n", {}, "header_duplicate"),
        (b"Site,name,lat,lon,when,people\n", {}, "field_missing"),
        (HEADER.encode() + GOOD.encode(), {"delimiter": "x"}, "options_wrong"),
        (HEADER.encode() + GOOD.encode(), {"encoding": "zlib"}, "options_wrong"),
        (HEADER.encode() + GOOD.encode(), {"mapping": {"station_id": "site", "colour": "x"}}, "options_wrong"),
        (HEADER.encode() + GOOD.encode(), {"time_format": "%H:%M"}, "options_wrong"),
    ],
)
def test_tables_that_cannot_be_read_as_a_whole_are_refused_by_name(body, options, reason):
    """A renamed column must fail the poll, not turn into unknowns."""
    with pytest.raises(PayloadError) as caught:
        read_csv(body, **options)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_body"),
        (b"{", "not_json"),
        (b"3", "not_records"),
        ({"error": "no key"}, "records_missing"),
        ({"a": 1}, "records_missing"),
    ],
)
def test_json_that_holds_no_records_is_refused_by_name(content, reason):
    """An error object is no empty answer; an empty list is one."""
    with pytest.raises(PayloadError) as caught:
        read_json(content)
    assert caught.value.reason == reason
    assert len(read_json([]).table) == 0


def test_more_rows_than_the_feed_allows_fail_the_poll():
    """The feed's own limit holds for tables too."""
    of = Feed(
        name="t",
        adapter="table_csv",
        url="http://localhost/",
        limits={"max_rows": 2},
        options={"mapping": MAPPING, "quantities": {"footfall": "people"}},
    )
    with pytest.raises(PayloadError, match="too_many_rows"):
        table_csv.observe([table_csv.decode((HEADER + GOOD * 3).encode())], of, NOW)


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (10, "m/s", "km/h", 36.0),
        (10, "MTS", "KMH", 36.0),
        (1, "mph", "km/h", 1.609344),
        (0.81, "fraction", "%", 81.0),
        (283.15, "KEL", "°C", 10.0),
        (50, "°F", "°C", 10.0),
        (10, "°C", "K", 283.15),
        (1013.25, "hPa", "kPa", 101.325),
        (2, "mg/m3", "µg/m³", 2000.0),
        (12, "ppb", "µg/m³", None),
        (0, "m/s", "km/h", 0.0),
    ],
)
def test_units_are_turned_within_their_family_only(value, unit, to, expected):
    """By codes, symbols and words; never a share of air into a mass."""
    arrives, ours = find_unit(unit), find_unit(to)
    assert arrives is not None
    assert ours is not None
    assert convert(value, arrives, ours) == expected


@pytest.mark.parametrize(
    ("text", "comma", "expected"),
    [
        ("1.5", False, 1.5),
        ("1,5", False, None),
        ("1,5", True, 1.5),
        ("1.234,5", True, 1234.5),
        ("1.5", True, None),
        ("1e3", False, 1000.0),
        ("nan", False, None),
        ("inf", False, None),
        ("0x10", False, None),
        (True, False, None),
        (float("inf"), False, None),
    ],
)
def test_numbers_are_read_strictly(text, comma, expected):
    """What could mean two things is no number."""
    assert read_number(text, comma) == expected


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else ever comes out, with a header or without."""
    for options in ({}, {"columns": ["site", "name", "lat", "lon", "when", "people"]}, {"encoding": "utf-16"}):
        with contextlib.suppress(PayloadError):
            read_csv(body, **options)
    with contextlib.suppress(PayloadError):
        read_json(body)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=6, max_size=6))
def test_any_cells_give_a_row_or_a_named_reason(cells):
    """Six cells of anything are one row, one counted reject, or an empty line."""
    batch = read_json([dict(zip(("site", "name", "lat", "lon", "when", "people"), cells, strict=True))])

    assert len(batch.table) + sum(batch.rejects.values()) == 1
