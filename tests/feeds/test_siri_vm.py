"""SIRI-VM: real answers, each kind of dirt, and bodies that are none."""

from __future__ import annotations

import re
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.feed import Feed, PayloadError, get_adapter, read_feed_file
from feeds.siri_vm import ADAPTER, decode, looks_like, observe
from tests.feeds.reading import only, read_one, read_sample

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT.parent / "shared" / "samples" / "siri"
NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
FEED = Feed(name="buses", adapter="siri_vm", url="http://localhost/siri")


def activity(journey: str = "", head: str | None = None, extensions: str = "", **fields: str | None) -> str:
    """One VehicleActivity of bus 47 on route 5; a field given as None is left out, others replace the default."""
    values: dict[str, str | None] = {
        "LineRef": "5",
        "OperatorRef": "MKB",
        "Longitude": "-0.76",
        "Latitude": "52.04",
        "VehicleRef": "47",
        **fields,
    }
    place = "".join(f"<{n}>{values.pop(n)}</{n}>" for n in ("Longitude", "Latitude") if values.get(n) is not None)
    known = "".join(
        f"<{n}>{v}</{n}>" for n, v in values.items() if v is not None and n not in ("Longitude", "Latitude")
    )
    when = "<RecordedAtTime>2026-03-02T12:00:10+00:00</RecordedAtTime>" if head is None else head
    location = f"<VehicleLocation>{place}</VehicleLocation>" if place else ""
    return (
        f"<VehicleActivity>{when}<MonitoredVehicleJourney>{known}{location}{journey}</MonitoredVehicleJourney>"
        f"<Extensions><VehicleJourney>{extensions}</VehicleJourney></Extensions></VehicleActivity>"
    )


def answer(*parts: str, published: str = "2026-03-02T12:00:20+00:00", head: str = "", service: str = "") -> bytes:
    """A whole delivery holding these parts."""
    return (
        '<Siri xmlns="http://www.siri.org.uk/siri" version="2.0"><ServiceDelivery>'
        f"<ResponseTimestamp>{published}</ResponseTimestamp>{service}"
        f"<VehicleMonitoringDelivery>{head}{''.join(parts)}</VehicleMonitoringDelivery></ServiceDelivery></Siri>"
    ).encode()


def read(*bodies: bytes, now: datetime = NOW, feed: Feed = FEED) -> Batch:
    return read_one(ADAPTER, feed, now, *bodies)


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


def reason_of(body: bytes) -> str:
    with pytest.raises(PayloadError) as caught:
        decode(body)
    return caught.value.reason


# Real answers


def test_bods_answer_of_june_2022_gives_its_one_bus():
    """Every field of the real row arrives; the plate is replaced; the journey code settles a local start time."""
    batch = read(sample("bods-siri-vm-2022-06-07-bst.xml"), now=datetime(2022, 6, 7, 8, 51, 5, tzinfo=UTC))

    row = only(batch)
    plate = row.pop("vehicle_id")
    assert row == {
        "vehicle_key": f"buses:BANG/{plate}",
        "label": "14",
        "feed": "buses",
        "vehicle_type": "bus",
        "operator": "BANG",
        "latitude": 52.614723,
        "longitude": -2.209715,
        "heading_deg": 312.0,
        "heading_source": "reported",
        "state": "working",
        "observed_at": "2022-06-07T08:50:39Z",
        "received_at": "2022-06-07T08:51:05Z",
        "route_id": "891",
        "route_name": "891",
        "trip_id": "0925",
        "trip_start_date": "2022-06-07",
        "trip_start_time": "09:25:00",
        "direction": "outbound",
        "origin": "Wolverhampton Bus Station",
        "destination": "TELFORD Bus Station",
    }
    assert str(plate).startswith("plate-")
    assert "YX60FUE" not in repr(batch)
    assert batch.rejects == {}
    assert batch.warnings == {"valid_until_without_offset": 1, "plate_hidden": 1}
    assert batch.published_at == datetime(2022, 6, 7, 8, 51, 2, 550066, tzinfo=UTC)


def test_bods_answer_of_july_2024_reads_the_aimed_departure_as_true_utc():
    """Here 11:31Z is 12:31 local, which the journey code 1231 bears out; the trip id is another number."""
    batch = read(sample("bods-siri-vm-2024-07-17-bst.xml"), now=datetime(2024, 7, 17, 12, 0, 20, tzinfo=UTC))

    row = only(batch)
    assert row["trip_start_time"] == "12:31:00"
    assert row["trip_id"] == "1015"
    assert (row["latitude"], row["longitude"], row["heading_deg"]) == (53.370001, -3.094135, 292.0)
    assert row["vehicle_key"] == "buses:AMSY/2957"
    assert row["origin"] == row["destination"] == "Pollitt Square"
    assert row["observed_at"] == "2024-07-17T12:00:01Z"
    assert "delay_s" not in row
    assert batch.rejects == {}
    assert batch.warnings == {"valid_until_without_offset": 1}


def test_bods_answer_of_january_2023_gives_two_buses_and_no_driver():
    """Both rows come through and the driver numbers of the extensions are nowhere."""
    decoded = decode(sample("bods-siri-vm-2023-01-25.xml"))
    (batch,) = observe([decoded], FEED, datetime(2023, 1, 25, 17, 2, 5, tzinfo=UTC))

    assert batch.table["vehicle_key"].tolist() == ["buses:CRTB/STWS-37498", "buses:SBLB/SBLB-14051"]
    assert batch.table["latitude"].tolist() == [55.6348305, 57.1450272]
    assert batch.table["longitude"].tolist() == [-4.664237, -2.0972388]
    assert batch.table["heading_deg"].tolist() == [222.0, 216.0]
    assert batch.table["direction"].tolist() == ["outbound", "outbound"]
    assert batch.table["destination"].tolist() == ["Strathmore Park", "Howes Road"]
    assert batch.table["trip_start_time"].tolist() == [None, None]
    assert [str(t) for t in batch.table["observed_at"]] == ["2023-01-25T17:01:47.000", "2023-01-25T17:01:48.000"]
    assert batch.rejects == {}
    assert batch.warnings == {"valid_until_without_offset": 2}
    for driver in ("850214", "87117"):
        assert driver not in repr(decoded) + repr(batch) + repr(batch.table.to_records())


def test_an_activity_a_day_old_keeps_its_own_age_beside_a_fresh_one():
    """The header is fresh, one row is not: each keeps the time it was observed."""
    batch = read(sample("bods-siri-vm-old-activity.xml"), now=datetime(2023, 1, 25, 17, 2, 5, tzinfo=UTC))

    times = dict(zip(batch.table["operator"].tolist(), map(str, batch.table["observed_at"]), strict=True))
    assert times == {"CRTB": "2023-01-24T17:01:47.000", "SBLB": "2023-01-25T17:01:48.000"}
    assert batch.published_at == datetime(2023, 1, 25, 17, 2, 0, 971080, tzinfo=UTC)
    assert batch.rejects == {}


def test_full_cen_example_has_placeholder_positions_only():
    """Longitude 180 with latitude 90 is no place: both rows are refused, the cancellation is counted."""
    batch = read(sample("cen-vm-response.xml"))

    assert len(batch.table) == 0
    assert batch.rejects == {"position_placeholder": 2}
    assert batch.warnings == {"cancellation": 1}
    assert batch.offending == {"position_placeholder": "latitude 90, longitude 180"}
    assert batch.published_at == datetime(2004, 12, 17, 14, 30, 47, tzinfo=UTC)


def test_simple_cen_example_gives_two_vehicles_one_on_the_meridian():
    """A longitude of 0 is a place; there is no operator, so the key has none."""
    batch = read(sample("cen-vm-response-simple.xml"))

    assert batch.table["vehicle_key"].tolist() == ["buses:/VEH987654", "buses:/VEH987659"]
    assert batch.table["longitude"].tolist() == [0.1, 0.0]
    assert batch.table["latitude"].tolist() == [53.55, 53.5]
    assert batch.table["heading_deg"].tolist() == [123.0, 70.0]
    assert batch.table["route_name"].tolist() == ["123", None]
    assert batch.table["trip_id"].tolist() == ["987675", "Outbound"]
    assert (batch.rejects, batch.warnings) == ({}, {})


def test_naive_times_are_read_as_local_and_the_row_of_2020_lies_in_the_future():
    """15:13:20 without offset in August is 14:13:20 UTC; a row two years ahead is refused."""
    batch = read(sample("dft-test-siri-vm-naive-times.xml"), now=datetime(2018, 8, 17, 14, 14, 30, tzinfo=UTC))

    row = only(batch)
    assert row["observed_at"] == "2018-08-17T14:13:20Z"
    assert (row["heading_deg"], row["heading_source"], row["delay_s"]) == (0.0, "ambiguous", 0.0)
    assert (row["latitude"], row["longitude"]) == (63.43613, 10.40261)
    assert (row["direction"], row["origin"], row["route_id"]) == ("2", "originRef", "ATB:Line:60")
    assert batch.rejects == {"time_in_future": 1}
    assert batch.offending == {"time_in_future": "2020-08-17T15:13:20"}
    assert batch.warnings == {"published_without_offset": 1, "time_without_offset": 1, "bearing_zero": 1}
    assert batch.published_at == datetime(2018, 8, 17, 14, 14, 21, 432000, tzinfo=UTC)


def test_naive_rows_of_one_vehicle_leave_the_newest():
    """Read today, both rows lie in the past and name one vehicle: the later stays."""
    batch = read(sample("dft-test-siri-vm-naive-times.xml"))

    assert only(batch)["observed_at"] == "2020-08-17T14:13:20Z"
    assert batch.rejects == {"duplicate": 1}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cen-error-response.xml", "siri_error"),
        ("cen-stop-monitoring-response.xml", "not_vehicle_monitoring"),
        ("cen-sx-first-message.xml", "not_vehicle_monitoring"),
        ("siri-sx-lite.xml", "not_vehicle_monitoring"),
    ],
)
def test_real_answers_of_other_services_fail_as_a_whole(name, reason):
    """An error, stop monitoring and situations are no vehicles, and an empty fleet must not be read into them."""
    assert reason_of(sample(name)) == reason


def test_every_real_sample_is_spoken_for():
    """A sample that is added without a test of its own is noticed."""
    sample("cen-vm-response.xml")
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [p.name for p in SAMPLES.iterdir() if p.name not in tested] == []


# Whole bodies


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b" \n ", "empty_body"),
        (b"file not found", "not_xml"),
        (b'{"error": 1}', "not_xml"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "not_xml"),
        (b"<html><body>502</body></html>", "not_xml"),
        (b'<!DOCTYPE Siri SYSTEM "http://example.org/siri.dtd"><Siri/>', "xml_doctype"),
        (b'<?xml version="1.0"?><!-- hi --><!DOCTYPE Siri [<!ENTITY a "b">]><Siri>&a;</Siri>', "xml_doctype"),
        ('<?xml version="1.0" encoding="UTF-16"?><Siri/>'.encode("utf-16"), "xml_encoding"),
        (b'<?xml version="1.0" encoding="no-such"?><Siri/>', "xml_broken"),
        (b"<Siri>&undeclared;</Siri>", "xml_broken"),
        (b"<Siri><a></b></Siri>", "xml_broken"),
        (b"\xef\xbb\xbf<Siri/>", "not_vehicle_monitoring"),
        (b"<Siri><ServiceDelivery/></Siri>", "not_vehicle_monitoring"),
        (b"<gtfs/>", "not_siri"),
        (answer()[:-40], "xml_broken"),
        (answer(activity())[:-400], "xml_broken"),
        (answer(activity()).replace(b"Siri", b"Siri\x00", 1), "xml_broken"),
    ],
)
def test_a_body_that_is_no_vehicle_delivery_is_refused_by_name(body, reason):
    """Each sort of wrong body has its own reason, so the strip can say what came instead."""
    assert reason_of(body) == reason


def test_broken_xml_is_told_with_its_place_once():
    """Line and column, and the parser's sentence without repeating them."""
    with pytest.raises(PayloadError) as caught:
        decode(b"<Siri>\n<a>\xff</a></Siri>")

    assert caught.value.detail == "XML breaks off or is wrong at line 2, column 4: Invalid bytes in character encoding"


@pytest.mark.parametrize("before", [b"\n\n", b"\xef\xbb\xbf\r\n", b" " * 70_000])
def test_blank_space_before_the_declaration_is_passed_over(before):
    """Some servers send it; what comes after is read as ever, and a document type is still refused."""
    declared = b'<?xml version="1.0" encoding="UTF-8"?>'

    assert len(read(before + declared + answer(activity())).table) == 1
    assert reason_of(before + declared + b'<!DOCTYPE Siri [<!ENTITY a "b">]><Siri>&a;</Siri>') == "xml_doctype"


def test_a_valid_empty_delivery_is_an_answer():
    """No bus in the box is news, not a fault."""
    batch = read(answer())

    assert len(batch.table) == 0
    assert batch.rejects == {}
    assert batch.complete
    assert batch.published_at == datetime(2026, 3, 2, 12, 0, 20, tzinfo=UTC)


def test_prefixes_and_namespaces_do_not_matter():
    """A delivery with a prefix, inside SOAP, gives the same row."""
    plain = answer(activity()).decode()
    prefixed = plain.replace("</", "</s:").replace("<", "<s:").replace("<s:/s:", "</s:").replace("xmlns=", "xmlns:s=")
    soap = f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{prefixed}</e:Body></e:Envelope>'

    assert read(soap.encode()).table.to_records() == read(plain.encode()).table.to_records()


def test_an_error_answer_says_why_without_addresses_and_keys():
    """The server's reason reaches the operator; what looks like our key does not."""
    body = answer(
        head="<Status>false</Status><ErrorCondition><AccessNotAllowedError>"
        "<ErrorText>refused https://data.example/feed?api_key=abcdef123456 api_key=abcdef123456</ErrorText>"
        "</AccessNotAllowedError></ErrorCondition>"
    )
    with pytest.raises(PayloadError) as caught:
        decode(body)

    assert caught.value.reason == "siri_error"
    assert "AccessNotAllowedError" in caught.value.detail
    assert "abcdef123456" not in str(caught.value)
    assert "example" not in str(caught.value)


def test_status_false_alone_is_an_error():
    """Without any activity a false status means that the server failed."""
    assert reason_of(answer(service="<Status>false</Status>")) == "siri_error"


def test_one_failed_delivery_beside_a_good_one_leaves_an_incomplete_batch():
    """Rows of the good delivery are used; the absence of others proves nothing."""
    batch = read(
        answer(activity(), service="<VehicleMonitoringDelivery><Status>false</Status></VehicleMonitoringDelivery>")
    )

    assert len(batch.table) == 1
    assert batch.warnings == {"delivery_failed": 1}
    assert not batch.complete


def test_more_data_makes_the_batch_incomplete():
    """A server that holds rows back has not said that the others are gone."""
    batch = read(answer(activity(), service="<MoreData>true</MoreData>"))

    assert not batch.complete
    assert batch.warnings == {"more_data": 1}


# Rows


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Longitude": "180", "Latitude": "90"}, "position_placeholder"),
        ({"Longitude": "180.0", "Latitude": "90.000"}, "position_placeholder"),
        ({"Longitude": "0", "Latitude": "0.0"}, "position_zero"),
        ({"Longitude": "-181", "Latitude": "52"}, "position_out_of_range"),
        ({"Longitude": "52.04", "Latitude": "-90.76"}, "position_out_of_range"),
        ({"Longitude": None}, "position_missing"),
        ({"Longitude": None, "Latitude": None}, "position_missing"),
        ({"Longitude": "NaN"}, "position_unreadable"),
        ({"Longitude": "-0,76"}, "position_unreadable"),
        ({"Longitude": "1_0"}, "position_unreadable"),
        ({"Latitude": "9" * 500}, "position_unreadable"),
        ({"VehicleRef": None}, "id_missing"),
        ({"VehicleRef": "&#8203;"}, "id_missing"),
        ({"VehicleRef": "x" * 121}, "id_too_long"),
        ({"head": "<RecordedAtTime>2026-03-02T12:01:31Z</RecordedAtTime>"}, "time_in_future"),
        ({"head": "<RecordedAtTime>2026-03-02T12:01:31</RecordedAtTime>", "Bearing": "0"}, "time_in_future"),
    ],
)
def test_a_bad_row_is_counted_by_its_reason_and_skipped(fields, reason):
    """The good row beside it stays, the first bad value is kept for the log, and no warning is left behind."""
    batch = read(answer(activity(**fields), activity(VehicleRef="48")))

    assert batch.table["vehicle_id"].tolist() == ["48"]
    assert batch.rejects == {reason: 1}
    assert list(batch.offending) == [reason]
    assert len(batch.offending[reason]) <= 80
    assert batch.warnings == {}


def test_a_time_up_to_a_minute_ahead_is_clock_drift():
    """Sixty seconds ahead of us is kept, so a bus with a fast clock does not vanish."""
    batch = read(answer(activity(head="<RecordedAtTime>2026-03-02T12:01:30Z</RecordedAtTime>")))

    assert only(batch)["observed_at"] == "2026-03-02T12:01:30Z"


@pytest.mark.parametrize(
    ("fields", "warning", "column"),
    [
        ({"head": ""}, "time_missing", "observed_at"),
        ({"head": "<RecordedAtTime/>"}, "time_missing", "observed_at"),
        ({"head": "<RecordedAtTime>yesterday</RecordedAtTime>"}, "time_unreadable", "observed_at"),
        ({"head": "<RecordedAtTime>2026-02-30T12:00:00Z</RecordedAtTime>"}, "time_unreadable", "observed_at"),
        ({"head": "<RecordedAtTime>0001-01-01T00:00:00Z</RecordedAtTime>"}, "time_unreadable", "observed_at"),
        ({"Bearing": "-1"}, "bearing_out_of_range", "heading_deg"),
        ({"Bearing": "360.5"}, "bearing_out_of_range", "heading_deg"),
        ({"Bearing": "north"}, "bearing_unreadable", "heading_deg"),
        ({"Velocity": "-1"}, "speed_out_of_range", "speed_kmh"),
        ({"Velocity": "101"}, "speed_out_of_range", "speed_kmh"),
        ({"Velocity": "fast"}, "speed_unreadable", "speed_kmh"),
        ({"Delay": "2 min"}, "delay_unreadable", "delay_s"),
        ({"Delay": "P1M"}, "delay_unreadable", "delay_s"),
        ({"Delay": "PT"}, "delay_unreadable", "delay_s"),
        ({"Delay": "P2D"}, "delay_out_of_range", "delay_s"),
        ({"journey": "<FramedVehicleJourneyRef><DataFrameRef>today</DataFrameRef></FramedVehicleJourneyRef>"},
         "trip_date_unreadable", "trip_start_date"),
    ],
)  # fmt: skip
def test_an_odd_value_is_left_unknown_and_counted(fields, warning, column):
    """The row stays; the value is unknown, never zero."""
    batch = read(answer(activity(**fields)))

    assert len(batch.table) == 1
    assert column not in only(batch)
    assert batch.warnings == {warning: 1}
    assert batch.rejects == {}


@pytest.mark.parametrize(
    ("field", "text", "column", "value"),
    [
        ("Bearing", "360", "heading_deg", 0.0),
        ("Bearing", "359.9", "heading_deg", 359.9),
        ("Velocity", "10", "speed_kmh", 36.0),
        ("Velocity", "0", "speed_kmh", 0.0),
        ("Delay", "PT2M", "delay_s", 120.0),
        ("Delay", "-PT1M30S", "delay_s", -90.0),
        ("Delay", "-PT0S", "delay_s", 0.0),
        ("Delay", "PT1H0.5S", "delay_s", 3600.5),
        ("Delay", "P0DT5M", "delay_s", 300.0),
        ("DirectionRef", "INBOUND", "direction", "inbound"),
        ("DirectionRef", "antiClockwise", "direction", "anticlockwise"),
        ("DirectionRef", "1", "direction", "1"),
        ("PublishedLineName", "Park_and_Ride", "route_name", "Park and Ride"),
        ("DestinationRef", "stop_1", "destination", "stop_1"),
        ("DestinationName", "a\n\tb", "destination", "a b"),
        ("DestinationName", "x" * 300, "destination", "x" * 199 + "…"),
        ("DestinationName", "A&#8238;B", "destination", "AB"),
        ("Occupancy", "seatsAvailable", "occupancy", "seatsAvailable"),
    ],
)  # fmt: skip
def test_a_value_arrives_in_the_citys_words(field, text, column, value):
    """Units, spelling and length are ours; what is kept is what was sent."""
    batch = read(answer(activity(**{field: text})))

    assert only(batch)[column] == value
    assert batch.warnings == {}


def test_a_name_in_two_languages_is_the_first():
    """Names are not glued together."""
    batch = read(
        answer(activity(journey="<DestinationName>Bletchley</DestinationName><DestinationName>B</DestinationName>"))
    )

    assert only(batch)["destination"] == "Bletchley"


def test_the_stop_it_stands_at_is_known():
    """MonitoredCall names the stop; only a true VehicleAtStop says that it stands there."""
    call = "<MonitoredCall><StopPointRef>049004</StopPointRef><VehicleAtStop>{}</VehicleAtStop></MonitoredCall>"
    standing, passing = (only(read(answer(activity(journey=call.format(flag))))) for flag in ("true", "false"))

    assert (standing["stop_id"], standing["stop_status"]) == ("049004", "stopped_at")
    assert passing["stop_id"] == "049004"
    assert "stop_status" not in passing


def test_a_vehicle_without_a_journey_is_idle():
    """Neither line nor trip: it is in service of nothing we know."""
    assert only(read(answer(activity(LineRef=None))))["state"] == "idle"


def test_a_vehicle_without_an_id_is_known_by_its_journey():
    """Rather than lose the bus it is followed by its trip, and counted."""
    framed = (
        "<FramedVehicleJourneyRef><DataFrameRef>2026-03-02</DataFrameRef>"
        "<DatedVehicleJourneyRef>77</DatedVehicleJourneyRef></FramedVehicleJourneyRef>"
    )
    batch = read(answer(activity(VehicleRef=None, journey=framed)))

    assert only(batch)["vehicle_key"] == "buses:MKB/journey/5/2026-03-02/77"
    assert "vehicle_id" not in only(batch)
    assert batch.warnings == {"vehicle_id_missing": 1}


@pytest.mark.parametrize("plate", ["YX69NPO", "YX69 NPO", "MKB-YX69NPO", "191_-_YX69_NPO", "1234 YX69NPO"])
def test_a_plate_never_leaves_the_adapter(plate):
    """Neither as id nor as key nor as label, with the operator's code before it or not."""
    batch = read(answer(activity(VehicleRef=plate, extensions=f"<VehicleUniqueId>{plate}</VehicleUniqueId>")))

    assert str(only(batch)["vehicle_id"]).startswith("plate-")
    assert "NPO" not in repr(batch.table.to_records()) + repr(batch.offending)
    assert batch.warnings["plate_hidden"] == 1


def test_two_operators_may_use_one_id():
    """Ids are unique to their operator only."""
    batch = read(answer(activity(), activity(OperatorRef="RED")))

    assert batch.table["vehicle_key"].tolist() == ["buses:MKB/47", "buses:RED/47"]


def test_of_a_vehicle_twice_the_newest_stays():
    """Over two deliveries of one poll too; a row without time is the oldest."""
    old = activity(head="<RecordedAtTime>2026-03-02T11:00:00Z</RecordedAtTime>", Latitude="52.1")
    new = activity(head="<RecordedAtTime>2026-03-02T12:00:00Z</RecordedAtTime>", Latitude="52.2")
    never = activity(head="", Latitude="52.3")
    batch = read(answer(old, new), answer(old, never))

    assert only(batch)["latitude"] == 52.2
    assert batch.rejects == {"duplicate": 3}
    assert batch.offending == {"duplicate": "buses:MKB/47"}


ITEM = "<RecordedAtTime>2026-03-02T12:00:10Z</RecordedAtTime><ItemIdentifier>a1</ItemIdentifier>"
JOURNEY = (
    "<{0}><DataFrameRef>2026-03-02</DataFrameRef><DatedVehicleJourneyRef>77</DatedVehicleJourneyRef></{0}>"
)  # fmt: skip


def cancellation(content: str, at: str = "2026-03-02T12:00:15Z") -> str:
    return f"<VehicleActivityCancellation><RecordedAtTime>{at}</RecordedAtTime>{content}</VehicleActivityCancellation>"


@pytest.mark.parametrize(
    "content",
    [
        "<ItemRef>a1</ItemRef>",
        JOURNEY.format("VehicleJourneyRef") + "<LineRef>5</LineRef>",
        JOURNEY.format("VehicleJourneyRef"),
    ],
)
def test_a_cancelled_activity_of_the_same_delivery_is_removed(content):
    """By item or by journey, with its line or without; the other bus stays."""
    withdrawn = activity(head=ITEM, journey=JOURNEY.format("FramedVehicleJourneyRef"))
    batch = read(answer(withdrawn, activity(VehicleRef="48"), cancellation(content)))

    assert batch.table["vehicle_id"].tolist() == ["48"]
    assert batch.rejects == {"cancelled": 1}
    assert batch.warnings == {"cancellation": 1}


def test_an_activity_newer_than_its_cancellation_stays():
    """What was seen after the withdrawal is true again."""
    batch = read(answer(activity(head=ITEM), cancellation("<ItemRef>a1</ItemRef>", at="2026-03-02T11:59:00Z")))

    assert len(batch.table) == 1
    assert batch.warnings == {"cancellation": 1}


def test_a_journey_of_another_line_stays():
    """Two lines may number their journeys alike."""
    kept = activity(head=ITEM, journey=JOURNEY.format("FramedVehicleJourneyRef"))
    batch = read(answer(kept, cancellation(JOURNEY.format("VehicleJourneyRef") + "<LineRef>6</LineRef>")))

    assert len(batch.table) == 1


def test_of_two_cancellations_the_later_counts():
    """In whatever order they come."""
    early = cancellation("<ItemRef>a1</ItemRef>", at="2026-03-02T11:59:00Z")
    late = cancellation("<ItemRef>a1</ItemRef>")

    assert len(read(answer(activity(head=ITEM), late, early)).table) == 0
    assert len(read(answer(activity(head=ITEM), early, late)).table) == 0


def test_a_cancellation_that_names_only_what_is_monitored_removes_nothing():
    """A monitoring reference may stand for the whole fleet."""
    ref = "<VehicleMonitoringRef>ALL</VehicleMonitoringRef>"
    batch = read(answer(activity(head=ITEM + ref), cancellation(ref)))

    assert len(batch.table) == 1


# Places written otherwise


@pytest.mark.parametrize(
    ("reference", "text", "place"),
    [
        ("", "-0.76 52.04", (52.04, -0.76)),
        ("WGS84", "-0.76,52.04", (52.04, -0.76)),
        ("EPSG:4326", "-0.76 52.04", (52.04, -0.76)),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "-0.76 52.04 80", (52.04, -0.76)),
        ("urn:ogc:def:crs:EPSG::4326", "52.04 -0.76", (52.04, -0.76)),
    ],
)
def test_coordinates_in_gml_form_are_read_by_their_reference(reference, text, place):
    """Longitude first, save where the URN of EPSG 4326 turns them round."""
    name = f' srsName="{reference}"' if reference else ""
    location = f"<VehicleLocation{name}><Coordinates>{text}</Coordinates></VehicleLocation>"
    row = only(read(answer(activity(Longitude=None, Latitude=None, journey=location))))

    assert (row["latitude"], row["longitude"]) == place


def test_coordinates_in_another_system_are_refused():
    """British National Grid metres are not degrees; guessing would put the bus in the sea."""
    location = '<VehicleLocation srsName="EPSG:27700"><Coordinates>485000 238000</Coordinates></VehicleLocation>'
    batch = read(answer(activity(Longitude=None, Latitude=None, journey=location)))

    assert batch.rejects == {"position_reference_unknown": 1}
    assert batch.offending == {"position_reference_unknown": "EPSG:27700"}


# Clocks


@pytest.mark.parametrize(
    ("published", "local", "utc"),
    [
        # 29 March 2026: 01:00 UTC becomes 02:00 local; 01:30 local does not exist.
        ("2026-03-29T00:59:50Z", "2026-03-29T00:59:30", "2026-03-29T00:59:30Z"),
        ("2026-03-29T01:00:30Z", "2026-03-29T02:00:20", "2026-03-29T01:00:20Z"),
        ("2026-03-29T01:30:30Z", "2026-03-29T01:30:20", "2026-03-29T01:30:20Z"),
        ("2026-03-29T00:30:30Z", "2026-03-29T01:30:20", "2026-03-29T00:30:20Z"),
        # 25 October 2026: 01:00 UTC becomes 01:00 local; 01:30 local occurs twice.
        ("2026-10-25T00:30:30Z", "2026-10-25T01:30:20", "2026-10-25T00:30:20Z"),
        ("2026-10-25T01:30:30Z", "2026-10-25T01:30:20", "2026-10-25T01:30:20Z"),
        ("2026-10-25T00:59:59Z", "2026-10-25T01:59:50", "2026-10-25T00:59:50Z"),
        ("2026-10-25T01:00:05Z", "2026-10-25T01:00:00", "2026-10-25T01:00:00Z"),
        ("2026-10-25T02:00:30Z", "2026-10-25T02:00:20", "2026-10-25T02:00:20Z"),
    ],
)
def test_a_time_without_offset_is_local_on_both_clock_change_nights(published, local, utc):
    """In the hour that occurs twice the reading nearer to the answer's own time is taken."""
    now = datetime.fromisoformat(published) + timedelta(seconds=5)
    body = answer(activity(head=f"<RecordedAtTime>{local}</RecordedAtTime>"), published=published)
    batch = read(body, now=now)

    assert only(batch)["observed_at"] == utc
    assert batch.warnings == {"time_without_offset": 1}


def test_a_naive_answer_in_the_doubled_hour_is_settled_by_our_own_clock():
    """The answer's own time is doubtful too; when we received it is not."""
    body = answer(
        activity(head="<RecordedAtTime>2026-10-25T01:30:20</RecordedAtTime>"), published="2026-10-25T01:30:30"
    )
    first, second = (read(body, now=datetime(2026, 10, 25, hour, 30, 40, tzinfo=UTC)) for hour in (0, 1))

    assert (only(first)["observed_at"], only(second)["observed_at"]) == ("2026-10-25T00:30:20Z", "2026-10-25T01:30:20Z")
    assert first.published_at == datetime(2026, 10, 25, 0, 30, 30, tzinfo=UTC)


def test_a_feed_may_say_that_its_naive_times_are_utc():
    """Then summer brings no hour of doubt."""
    feed = FEED.model_copy(update={"options": {"time_zone": "UTC"}})
    body = answer(activity(head="<RecordedAtTime>2026-07-01T12:00:00</RecordedAtTime>"))

    assert only(read(body, feed=feed, now=datetime(2026, 7, 2, tzinfo=UTC)))["observed_at"] == "2026-07-01T12:00:00Z"


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00", "9999-12-31T23:59:59", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_a_placeholder_at_either_end_of_the_calendar_is_no_time(end, zone):
    """Turned into UTC it would fall off the calendar; it must not stop the poll."""
    feed = FEED.model_copy(update={"options": {"time_zone": zone}})
    batch = read(answer(activity(head=f"<RecordedAtTime>{end}</RecordedAtTime>"), published=end), feed=feed)

    assert "observed_at" not in only(batch)
    assert batch.warnings == {"time_unreadable": 1, "published_unreadable": 1}


def test_an_unknown_time_zone_in_the_feed_file_fails_the_poll_by_name():
    """A wrong setting is said, not guessed round."""
    feed = FEED.model_copy(update={"options": {"time_zone": "Europe/Milton_Keynes"}})
    with pytest.raises(PayloadError) as caught:
        observe([decode(answer())], feed, NOW)
    assert caught.value.reason == "option_wrong"


@pytest.mark.parametrize(
    ("published", "warning"),
    [
        ("2026-03-02T13:00:00Z", "published_in_future"),
        ("soon", "published_unreadable"),
        ("", "published_missing"),
    ],
)
def test_a_publication_time_that_cannot_be_believed_is_unknown(published, warning):
    """The rows stay, for their freshness is their own."""
    batch = read(answer(activity(), published=published))

    assert batch.published_at is None
    assert batch.warnings == {warning: 1}
    assert len(batch.table) == 1


@pytest.mark.parametrize(
    ("aimed", "code", "start", "warnings"),
    [
        ("2026-07-01T09:25:00+00:00", "0925", "09:25:00", {}),
        ("2026-07-01T08:25:00+00:00", "0925", "09:25:00", {}),
        ("2026-07-01T09:25:00", "0925", "09:25:00", {}),
        ("2026-07-01T07:25:00+00:00", "0925", None, {"journey_code_inconsistent": 1}),
        ("2026-07-01T09:25:00+00:00", "1099", None, {}),
        ("2026-07-01T09:25:00+00:00", "77", None, {}),
    ],
)
def test_the_start_of_a_trip_needs_code_and_aimed_time_to_agree(aimed, code, start, warnings):
    """Neither alone is trusted, and lateness is never made of them."""
    extension = f"<Operational><TicketMachine><JourneyCode>{code}</JourneyCode></TicketMachine></Operational>"
    batch = read(answer(activity(OriginAimedDepartureTime=aimed, extensions=extension)))

    assert only(batch).get("trip_start_time") == start
    assert "delay_s" not in only(batch)
    assert batch.warnings == warnings


@pytest.mark.parametrize("aimed", ["2026-07-02T00:10:00+00:00", "2026-07-01T23:10:00+00:00", "2026-07-02T00:10:00"])
@pytest.mark.parametrize(("day", "start"), [("2026-07-01", "24:10:00"), ("2026-07-02", "00:10:00")])
def test_a_start_after_midnight_belongs_to_its_service_day(aimed, day, start):
    """A night bus of the first of July that leaves at ten past midnight starts at 24:10:00 of that day."""
    extension = "<Operational><TicketMachine><JourneyCode>0010</JourneyCode></TicketMachine></Operational>"
    framed = JOURNEY.format("FramedVehicleJourneyRef").replace("2026-03-02", day)
    batch = read(answer(activity(OriginAimedDepartureTime=aimed, extensions=extension, journey=framed)))

    assert only(batch)["trip_start_time"] == start


# Bombs and noise


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><Siri>&j;</Siri>"
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (LAUGHS, "xml_doctype"),
        (b"<!--" + b"x" * 20_000 + b"-->" + LAUGHS[21:], "xml_doctype"),
        (b"<Siri>" * 500_000, "xml_depth"),
        (b"<Siri>" + b"".join(b"<a%d/>" % n for n in range(300_000)) + b"</Siri>", "xml_names"),
        (b"<Siri>" + b"".join(b'<a b%d=""/>' % n for n in range(200_000)) + b"</Siri>", "xml_names"),
        (answer("<VehicleActivity/>" * 100_001), "too_many_rows"),
        (b"<Siri>" + b"<a/>" * 700_000 + b"</Siri>", "not_vehicle_monitoring"),
        (answer("<VehicleActivity><LineRef>" + "&#65;" * 500_000 + "</LineRef></VehicleActivity"), "xml_broken"),
        (b"<Siri><ErrorCondition>" + b"<a>no</a>" * 200_000 + b"</ErrorCondition></Siri>", "siri_error"),
    ],
    ids=["laughs", "hidden laughs", "deep", "names", "attributes", "rows", "wide", "text", "errors"],
)
def test_a_bomb_stops_without_memory_growth(body, reason):
    """Millions of bytes of nonsense cost a few megabytes, counted above the body itself."""
    tracemalloc.start()
    try:
        assert reason_of(body) == reason
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 100,000 rows as empty mappings are the most that is ever held.
    assert peak < 12_000_000


MEASURE = """
import sys
from pathlib import Path
from feeds.feed import PayloadError
from feeds.siri_vm import decode

def invented(count):
    body = bytearray(b"<Siri>")
    for n in range(count):
        body += b"<a%d/>" % n
    return bytes(body)

def memory_kb(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0])

body = {
    "deep": lambda: b"<Siri>" * 3_000_000,
    "names": lambda: invented(1_500_000),
    "wide": lambda: b"<Siri>" + b"<a/>" * 3_000_000 + b"</Siri>",
    "comment": lambda: b"<Siri><!--" + b"x" * 18_000_000 + b"--></Siri>",
    "name": lambda: b"<Siri><" + b"x" * 18_000_000 + b"/></Siri>",
}[sys.argv[1]]()
# The high-water mark starts anew here; making the body is not the parser's doing.
Path("/proc/self/clear_refs").write_text("5")
before_kb = memory_kb("VmRSS")
try:
    decode(body)
except PayloadError as error:
    print(error.reason, memory_kb("VmHWM") - before_kb)
"""


@pytest.mark.parametrize(
    ("bomb", "reason", "most_kb"),
    [
        ("deep", "xml_depth", 5_000),
        ("names", "xml_names", 5_000),
        ("wide", "not_vehicle_monitoring", 5_000),
        # libxml2 buffers one comment or name up to its own limit of 10 MB, and grows the buffer by doubling.
        ("comment", "xml_broken", 40_000),
        ("name", "xml_broken", 40_000),
    ],
)
def test_the_parser_below_does_not_grow_either(bomb, reason, most_kb):
    """The whole process, C libraries included, stays flat over bombs of 12 to 18 MB."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("memory is measured through /proc")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, bomb], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    named, grown_kb = done.stdout.split()

    assert named == reason
    assert int(grown_kb) < most_kb


def test_an_activity_of_a_million_elements_keeps_only_the_wanted():
    """The size of one activity is no way in either."""
    body = answer(activity(journey="<OnwardCall><StopPointRef>x</StopPointRef></OnwardCall>" * 100_000))
    tracemalloc.start()
    try:
        batch = read(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert "stop_id" not in only(batch)
    assert peak < 2_000_000


def test_more_rows_than_the_feed_allows_fail_the_poll():
    """limits.max_rows counts the rows of all pages."""
    feed = Feed(name="buses", adapter="siri_vm", url="http://localhost/", limits={"max_rows": 1})
    with pytest.raises(PayloadError) as caught:
        observe([decode(answer(activity())), decode(answer(activity()))], feed, NOW)
    assert caught.value.reason == "too_many_rows"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused_by_name(noise):
    """Whatever comes: a PayloadError or an answer, never another exception."""
    for body in (noise, b"<Siri>" + noise + b"</Siri>", answer("<VehicleActivity>") + noise):
        with pytest.raises(PayloadError):
            decode(body)


FRAGMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["RecordedAtTime", "VehicleRef", "LineRef", "Bearing", "Velocity", "Delay", "OperatorRef", "Status"]
        ).flatmap(lambda n: st.text(max_size=12).map(lambda t: (n, t))),
        st.sampled_from(["Longitude", "Latitude"]).flatmap(
            lambda n: st.one_of(st.floats(), st.integers(-200, 200)).map(lambda t: (n, str(t)))
        ),
    ),
    max_size=10,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(FRAGMENTS, max_size=4))
def test_random_rows_are_each_kept_or_counted(rows):
    """Rows in the answer are rows in the table plus rejects, whatever they hold."""

    def element(name: str, text: str) -> str:
        clean = "".join(c for c in text if c.isprintable()).replace("&", "&amp;").replace("<", "&lt;")
        return f"<VehicleLocation><{name}>{clean}</{name}></VehicleLocation>" if name[0] == "L" and name != "LineRef" else f"<{name}>{clean}</{name}>"  # fmt: skip

    bodies = ["".join(element(n, t) for n, t in row) for row in rows]
    parts = [
        f"<VehicleActivity>{b}<MonitoredVehicleJourney>{b}</MonitoredVehicleJourney></VehicleActivity>" for b in bodies
    ]
    batch = read(answer(*parts))

    assert len(batch.table) + sum(batch.rejects.values()) == len(rows)


def test_the_adapter_is_found_by_its_name_and_knows_its_own():
    """Feed files name it, replay recognises it, 400 is tried again."""
    assert get_adapter("siri_vm") is ADAPTER
    assert ADAPTER.retry_400
    assert looks_like(answer())
    assert not looks_like(b'{"vehicles_status": []}')


def test_the_example_of_the_open_data_service_is_a_feed_file():
    """Both standards are shown, the key comes from the environment, and nothing else is needed."""
    siri = next(f for f in read_feed_file(ROOT / "feeds" / "examples" / "bods.yaml") if f.adapter == "siri_vm")

    assert siri.params["api_key"] == "${BODS_API_KEY}"
    assert [float(edge) for edge in siri.params["boundingBox"].split(",")] == [-0.95, 51.9, -0.5, 52.25]


def test_every_reason_is_documented():
    """The page names each reject, warning and failure that the code can give."""
    page = (ROOT / "docs" / "feeds" / "siri_vm.md").read_text(encoding="utf-8")
    files = [ROOT / "feeds" / name for name in ("siri_vm.py", "siri/delivery.py", "siri/activity.py", "xml_reader.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    given = set(re.findall(r'(?:reject|warn|PayloadError)\(\s*"(\w+)"', code))

    assert {"xml_doctype", "time_missing", "cancelled"} <= given
    assert [reason for reason in sorted(given) if f"`{reason}`" not in page] == []
