"""Open311 GeoReport v2: real answers, each kind of dirt, the questions that are put, and bodies that are none."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.clock import FixedClock
from control_room.model import Batch
from feeds.feed import Feed, PayloadError
from feeds.fetch import Fetcher
from feeds.open311 import ADAPTER, check_options, decode, looks_like, next_url, observe, params
from feeds.poller import read_pages
from tests.feeds.http_server import Request, reply, serve
from tests.feeds.reading import patient, read_one, read_sample

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"
NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
FEED = Feed(name="reports", adapter="open311", url="http://localhost/open311/requests.json", every_s=60)

GOOD: dict[str, Any] = {
    "service_request_id": "638344",
    "status": "open",
    "status_notes": "Mrs Smith of 12 High Street rang twice, 01908 555 123",
    "service_name": "Pothole",
    "service_code": "POT",
    "description": "Ask for Jane Smith, jane@example.org",
    "agency_responsible": "Jane Smith",
    "requested_datetime": "2026-03-01T10:58:43+00:00",
    "updated_datetime": "2026-03-02T11:08:21+00:00",
    "expected_datetime": "2026-03-09T00:00:00+00:00",
    "address": "12 High Street",
    "zipcode": "MK9 1AA",
    "lat": "52.0409",
    "long": "-0.7600",
    "media_url": "https://example.org/jane.jpg",
}


def row(**changes: Any) -> dict[str, Any]:
    """The good request with changes; None leaves a field out."""
    return {name: value for name, value in {**GOOD, **changes}.items() if value is not None}


def read(*rows: Any, feed: Feed = FEED, at: datetime = NOW) -> Batch:
    return read_one(ADAPTER, feed, at, json.dumps(rows).encode())


def read_body(body: bytes, at: datetime = NOW) -> Batch:
    [batch] = observe([decode(body)], FEED, at)
    return batch


def one(**changes: Any) -> dict[str, Any]:
    """The only row that this request becomes."""
    [record] = read(row(**changes)).table.to_records()
    return record


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / "open311" / name)


def test_a_request_in_the_citys_words():
    """Every column that the standard can fill, and nothing else."""
    assert one() == {
        "request_key": "reports:638344",
        "feed": "reports",
        "request_id": "638344",
        "category_code": "POT",
        "category": "Pothole",
        "status": "open",
        "status_reported": "open",
        "is_open": True,
        "channel": None,
        "requested_at": "2026-03-01T10:58:43Z",
        "updated_at": "2026-03-02T11:08:21Z",
        "expected_at": "2026-03-09T00:00:00Z",
        "latitude": 52.0409,
        "longitude": -0.76,
        "observed_at": "2026-03-02T11:08:21Z",
        "received_at": "2026-03-02T12:00:30Z",
    }


def test_what_people_wrote_never_passes():
    """Names, addresses, numbers and pictures are in the answer and in nothing that comes out of it."""
    batch = read(row(first_name="Jane", phone="01908 555 123"), row(service_request_id=None, description="Jane Smith"))
    out = json.dumps([batch.table.to_records(), dict(batch.offending), dict(batch.warnings), dict(batch.rejects)])

    for word in ("Smith", "Jane", "High Street", "01908", "example.org", "MK9"):
        assert word not in out
    assert batch.warnings["personal_field_dropped"] == 1


@pytest.mark.parametrize(
    ("said", "status", "is_open"),
    [
        ("open", "open", True),
        ("OPEN", "open", True),
        ("planned", "planned", True),
        ("action scheduled", "planned", True),
        ("in_progress", "in_progress", True),
        ("In Progress", "in_progress", True),
        ("investigating", "investigating", True),
        ("fixed", "closed", False),
        ("fixed - council", "closed", False),
        ("closed", "closed", False),
        ("no_further_action", "no_further_action", False),
        ("duplicate", "no_further_action", False),
        ("unable to fix", "no_further_action", False),
        ("on the moon", "unknown", None),
        ("", "unknown", None),
    ],
)
def test_words_beyond_open_and_closed_are_read_and_kept(said: str, status: str, is_open: bool | None):
    """UK councils say more than the standard knows; their own word stays beside ours."""
    record = one(status=said)

    assert (record["status"], record["is_open"]) == (status, is_open)
    assert record["status_reported"] == (said or None)


def test_a_feed_may_say_what_its_own_words_mean():
    """A supplier's own word is read by the option `statuses`; a wrong one fails with its name."""
    feed = FEED.model_copy(update={"options": {"statuses": {"on the moon": "closed"}}})

    assert read(row(status="On the Moon"), feed=feed).table["status"].tolist() == ["closed"]
    with pytest.raises(PayloadError, match=r"bad_option: options\.statuses: x: .gone."):
        read(row(), feed=FEED.model_copy(update={"options": {"statuses": {"x": "gone"}}}))


@pytest.mark.parametrize(
    ("lat", "long", "place", "warning"),
    [
        (52.04, -0.76, (52.04, -0.76), None),
        ("52.04", "-0.76", (52.04, -0.76), None),
        (" 52.04 ", "-.76", (None, None), "position_unreadable"),
        ("", "", (None, None), None),
        (None, None, (None, None), None),
        (100, -0.76, (None, None), "position_out_of_range"),
        ("0", "0", (None, None), "position_zero"),
        ("52.04", "", (None, None), "position_unreadable"),
        ("fifty-two", "-0.76", (None, None), "position_unreadable"),
        ("NaN", "inf", (None, None), "position_unreadable"),
        (True, -0.76, (None, None), "position_unreadable"),
        ([52], {}, (None, None), "position_unreadable"),
    ],
)
def test_a_request_without_a_usable_position_is_still_a_request(lat: Any, long: Any, place: Any, warning: Any):
    """Positions come as text or numbers; what is none is unknown and counted, and the row stays."""
    batch = read(row(lat=lat, long=long))
    [record] = batch.table.to_records()

    assert (record["latitude"], record["longitude"]) == place
    assert dict(batch.warnings) == ({warning: 1} if warning else {})


def test_empty_texts_are_nothing():
    """ "" stands for null in many answers."""
    record = one(updated_datetime="", expected_datetime="", service_name="", status_notes="")

    assert record["updated_at"] is None
    assert record["expected_at"] is None
    assert record["category"] is None
    assert record["observed_at"] == record["requested_at"] == "2026-03-01T10:58:43Z"


@pytest.mark.parametrize("identity", ["", None, "  "])
def test_a_report_that_is_still_processed_waits(identity: Any):
    """Without an id nothing can be followed; the next poll will have it."""
    batch = read(row(service_request_id=identity, token="12345"), row())

    assert batch.table["request_id"].tolist() == ["638344"]
    assert batch.rejects == {"id_pending": 1}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("text", "row_unreadable"),
        (row(service_request_id={"value": 1}), "id_unreadable"),
        (row(service_request_id="x" * 121), "id_too_long"),
        (row(service_code=None, service_name=None), "service_missing"),
        (row(requested_datetime="2026-03-02T12:02:00Z"), "time_in_future"),
        (row(), "duplicate"),
    ],
)
def test_a_row_that_cannot_be_used_is_counted_by_reason(item: Any, reason: str):
    """One bad row costs itself alone."""
    batch = read(row(), item)

    assert batch.rejects == {reason: 1}
    assert len(batch.table) == 1
    assert set(batch.offending) == {reason}


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"requested_datetime": None}, "requested_missing"),
        ({"requested_datetime": "yesterday"}, "requested_unreadable"),
        ({"requested_datetime": "2026-03-01T10:58:43"}, "time_without_offset"),
        ({"updated_datetime": "2026-03-02T13:00:00Z"}, "updated_in_future"),
        ({"updated_datetime": 5}, "updated_unreadable"),
        ({"service_code": None}, "service_code_missing"),
        ({"status": None}, "status_unknown"),
    ],
)
def test_a_row_with_a_doubt_is_kept_and_counted(changes: dict[str, Any], warning: str):
    """What could not be read is unknown, and the health of the feed says why."""
    batch = read(row(**changes))

    assert len(batch.table) == 1
    assert batch.warnings == {warning: 1}


def test_a_time_without_offset_is_read_where_the_feed_names_its_zone():
    """Half past one in a British July is half past twelve in UTC."""
    feed = FEED.model_copy(update={"options": {"zone": "Europe/London"}})
    batch = read(row(requested_datetime="2025-07-01T13:30:00"), feed=feed)

    assert batch.table.to_records()[0]["requested_at"] == "2025-07-01T12:30:00Z"


def test_the_newest_of_two_states_is_kept():
    """A request on two pages, or twice on one, counts once."""
    newer = row(status="closed", updated_datetime="2026-03-02T11:59:00Z")
    pages = [decode(json.dumps([item]).encode()) for item in (newer, row())]
    [batch] = observe(pages, FEED, NOW)

    assert batch.table["status"].tolist() == ["closed"]
    assert batch.rejects == {"duplicate": 1}


def test_one_code_under_two_names_is_counted_and_both_names_stay():
    """The name is what the resident chose; the code is only the council's drawer."""
    batch = read(row(), row(service_request_id="2", service_name="Overhanging tree"))

    assert batch.table["category"].tolist() == ["Pothole", "Overhanging tree"]
    assert batch.warnings == {"service_code_two_names": 1}


def test_the_standards_own_example_that_is_not_json_is_mended():
    """`"service_code":006` is read as the text 006, and nothing else is mended."""
    text = json.dumps([row(service_code="006")]).replace('"006"', "006")
    batch = read_body(text.encode())

    assert batch.table["category_code"].tolist() == ["006"]
    assert batch.warnings == {"service_code_not_json": 1}
    with pytest.raises(PayloadError, match="not_json"):
        decode(text.replace('"status"', "status").encode())
    with pytest.raises(PayloadError, match="not_json"):
        decode(json.dumps([row(zipcode="006")]).replace('"006"', "006").encode())


def test_one_many_and_wrapped_are_the_same():
    """One object, an array, and an array inside an object all hold requests."""
    for answer in (row(), [row()], {"service_requests": [row()]}, {"requests": [row()]}):
        assert read_body(json.dumps(answer).encode()).table["request_id"].tolist() == ["638344"]


def test_an_answer_of_none_is_an_answer():
    """An empty array is no fault; nor is an empty XML list."""
    for body in (b"[]", b"<service_requests/>"):
        batch = read_body(body)
        assert (len(batch.table), dict(batch.rejects), batch.complete) == (0, {}, False)


def test_requests_tell_what_changed_and_services_tell_everything():
    """A window of requests says nothing of those outside it; the service list is whole."""
    assert read(row()).complete is False
    [services] = observe([decode(b'[{"service_code": "1", "service_name": "Bin", "group": "Waste"}]')], FEED, NOW)
    assert services.complete is True
    assert services.table.to_records()[0]["request_type_key"] == "reports:1"


def test_services_without_a_code_or_twice_are_counted():
    """A sort of request needs a code of its own."""
    body = json.dumps([{"service_code": "1", "service_name": "A"}, {"service_code": "1"}, {"service_name": "B"}, 5])
    [batch] = observe([decode(body.encode())], FEED, NOW)

    assert batch.table["category"].tolist() == ["A"]
    assert batch.rejects == {"duplicate": 1, "service_code_missing": 1, "row_unreadable": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"file not found", "not_json"),
        (b"5", "not_open311"),
        (b"[1, 2]", "not_open311"),
        (b'{"vehicles": []}', "not_open311"),
        (b'[{"code": 403, "description": "api_key=topsecret1 was not valid"}]', "open311_error"),
        (b"<errors><error><code>404</code><description>no</description></error></errors>", "open311_error"),
        (b"<html><body>busy</body></html>", "not_xml"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><service_requests/>", "xml_doctype"),
        (b"<kml/>", "not_open311"),
        (b"<service_requests><request>", "xml_broken"),
        (b"[" * 2_000_000, "too_many_values"),
    ],
)
def test_a_body_that_is_no_answer_fails_the_poll(body: bytes, reason: str):
    """Each with its own word, and without what the server let slip."""
    with pytest.raises(PayloadError) as caught:
        decode(body)

    assert caught.value.reason == reason
    assert "topsecret1" not in str(caught.value)


def test_real_chicago():
    """Two requests of 2014 with an alley light and a building; the zone of the answer is minus five."""
    batch = read_body(sample("chicago-service-requests.json"))

    assert batch.table["request_id"].tolist() == ["14-01100669", "14-01100627"]
    first, second = batch.table.to_records()
    assert (first["category"], first["status"], first["is_open"]) == ("Alley Light Out", "open", True)
    assert (first["requested_at"], first["updated_at"]) == ("2014-07-12T15:58:43Z", "2014-07-12T16:08:21Z")
    assert (second["latitude"], second["longitude"]) == (41.759712056258536, -87.6369602073906)
    assert not batch.rejects
    assert not batch.warnings


def test_real_edinburgh():
    """Two defects: status planned, positions as text, empty strings, one code under two names."""
    batch = read_body(sample("edinburgh-defects.json"))

    assert batch.table["category"].tolist() == ["Overhanging Trees & Vegetation", "Pothole"]
    assert batch.table["category_code"].tolist() == ["POT", "POT"]
    assert batch.table["status"].tolist() == ["planned", "planned"]
    record = batch.table.to_records()[1]
    assert (record["latitude"], record["longitude"]) == (55.952055, -3.189579)
    assert record["requested_at"] == "2025-07-01T10:27:03Z"
    assert batch.warnings == {"service_code_two_names": 1}
    assert not batch.rejects


def test_real_toronto():
    """XML with one request and with two: `updated_datetime` empty, a promise in `expected_datetime`."""
    single, many = read_body(sample("toronto-requests-single.xml")), read_body(sample("toronto-requests-many.xml"))

    assert single.table["request_id"].tolist() == ["101005420892"]
    assert many.table["request_id"].tolist() == ["101005420892", "101005420894"]
    record = many.table.to_records()[1]
    assert (record["category"], record["category_code"]) == ("Road - Pot hole", "CSROWR-12")
    assert (record["latitude"], record["longitude"]) == (43.695823056, -79.267190219)
    assert (record["updated_at"], record["expected_at"]) == (None, "2018-08-03T04:01:00Z")
    assert record["observed_at"] == record["requested_at"] == "2018-07-30T04:01:00Z"
    assert not many.rejects
    assert not many.warnings


def test_real_service_lists():
    """Eight sorts in German as XML, three with their groups as JSON."""
    giessen, listed = read_body(sample("giessen-services.xml")), read_body(sample("service-list.json"))

    assert len(giessen.table) == 8
    assert giessen.table.to_records()[4]["category"] == "Straßen- und Gehwegschäden"
    assert giessen.table["category_code"].tolist()[0] == "015"
    assert listed.table["group"].tolist() == ["sanitation", "street", "street"]
    assert listed.table["category"].tolist()[2] == "Curb or curb ramp defect"
    assert not giessen.rejects
    assert not listed.rejects


def test_real_request_without_required_fields():
    """A request of no service at all cannot be counted anywhere."""
    batch = read_body(sample("missing-required-fields.json"))

    assert len(batch.table) == 0
    assert batch.rejects == {"service_missing": 1}
    assert batch.offending == {"service_missing": "INVALID001"}


def test_only_its_own_bodies_look_like_it():
    """Of all real samples exactly the answers of Open311 are taken for them."""
    if not SAMPLES.exists():
        pytest.skip("the folder of real samples is not here")
    known = {p.name for p in SAMPLES.rglob("*") if p.is_file() and looks_like(p.read_bytes())}

    assert known == {
        "chicago-service-requests.json",
        "edinburgh-defects.json",
        "giessen-services.xml",
        "missing-required-fields.json",
        "service-list.json",
        "toronto-requests-many.xml",
        "toronto-requests-single.xml",
    }


def test_the_first_question_is_for_the_whole_window():
    """Ninety days, from page one."""
    assert params(FEED, None, NOW) == {"start_date": "2025-12-02T12:00:30Z", "page": "1", "page_size": "100"}


def test_the_next_questions_are_for_what_is_new_with_an_overlap():
    """An hour is asked again, because servers index late."""
    asked = params(FEED, NOW - timedelta(seconds=30), NOW)

    assert asked["start_date"] == "2026-03-02T11:00:00Z"


def test_once_an_hour_the_whole_window_is_asked_again():
    """A request that is closed often changes neither date: only the whole window shows it."""
    sweeps = 0
    since = NOW
    for minute in range(1, 181):
        now = NOW + timedelta(minutes=minute)
        sweeps += params(FEED, since, now)["start_date"] < "2026-01"
        since = now

    assert sweeps == 3


def test_a_server_that_knows_changes_is_asked_for_them():
    """The option `updated_param` names its parameter."""
    feed = FEED.model_copy(update={"options": {"updated_param": "updated_after", "paging": False, "overlap_s": 0}})
    asked = params(feed, NOW - timedelta(seconds=30), NOW)

    assert asked == {"start_date": "2025-12-02T12:00:30Z", "updated_after": "2026-03-02T12:00:00Z"}


def test_the_list_of_services_is_asked_without_dates():
    """It has no window."""
    assert params(FEED.model_copy(update={"url": "http://localhost/services.json"}), None, NOW) == {}


@pytest.mark.parametrize(
    ("rows", "url", "following"),
    [
        (2, "http://h/r.json?page=1&page_size=2", "http://h/r.json?page=2&page_size=2"),
        (3, "http://h/r.json?key=a%20b&page_size=2", "http://h/r.json?key=a+b&page_size=2&page=2"),
        (1, "http://h/r.json?page=1&page_size=2", None),
        (0, "http://h/r.json?page=9&page_size=2", None),
        (2, "http://h/r.json", None),
        (2, "http://h/r.json?page=x&page_size=2", None),
        (2, "http://h/r.json?page=1&page_size=0", None),
    ],
)
def test_a_page_that_is_not_full_is_the_last(rows: int, url: str, following: str | None):
    """There is no total in the standard."""
    page = decode(json.dumps([row(service_request_id=str(n)) for n in range(rows)]).encode())

    assert next_url(page, url) == following


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"zone": "Mars/Base"}, "options.zone"),
        ({"page_size": 0}, "options.page_size"),
        ({"overlap_s": "long"}, "options.overlap_s"),
        ({"statuses": [1]}, "options.statuses"),
        ({"windows": 5}, "options.windows is unknown"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, Any], words: str):
    """When the feed file is read, not at the first poll."""
    with pytest.raises(ValueError, match=words):
        check_options(FEED.model_copy(update={"options": options}))


def test_a_poll_over_http_reads_all_pages_and_then_what_is_new():
    """Five requests on pages of two, then only those since the first poll."""
    made = [row(service_request_id=str(n), requested_datetime=f"2026-03-0{1 + n % 2}T11:30:00Z") for n in range(5)]

    def answer(request: Request) -> bytes:
        asked = {n: v[-1] for n, v in parse_qs(urlsplit(request.target).query).items()}
        since = datetime.fromisoformat(asked["start_date"])
        found = [r for r in made if datetime.fromisoformat(r["requested_datetime"]) >= since]
        start = (int(asked["page"]) - 1) * int(asked["page_size"])
        return reply(json.dumps(found[start : start + int(asked["page_size"])]).encode())

    async def story() -> None:
        clock = FixedClock(NOW)
        async with serve(answer) as exchange, Fetcher(clock=clock) as source:
            options = {"page_size": 2}
            feed = patient(
                Feed(
                    name="reports", adapter="open311", url=exchange.url("/r.json"), allow_private=True, options=options
                )
            )
            [first] = read_pages(await source.fetch(feed, ADAPTER), feed, ADAPTER)
            assert first.table["request_id"].tolist() == ["0", "1", "2", "3", "4"]
            assert len(exchange.requests) == 3
            clock.advance(60)
            [second] = read_pages(await source.fetch(feed, ADAPTER), feed, ADAPTER)
            assert second.table["request_id"].tolist() == ["1", "3"]
            assert len(exchange.requests) == 5

    asyncio.run(story())


@settings(max_examples=150, deadline=20_000)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_rows_or_a_typed_error(body: bytes):
    """Nothing else escapes, whatever is sent."""
    try:
        observe([decode(body)], FEED, NOW)
    except PayloadError as error:
        assert error.reason


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=20_000)
@given(st.lists(st.dictionaries(st.sampled_from(sorted(GOOD)), _VALUES), max_size=4))
def test_any_values_in_its_fields_give_rows_or_counted_rejects(rows: list[dict[str, Any]]):
    """Each row becomes a row or a reject, or the answer as a whole is refused by name."""
    try:
        batches = observe([decode(json.dumps(rows).encode())], FEED, NOW)
    except PayloadError as error:
        assert error.reason in ("not_open311", "open311_error", "not_json")
    else:
        assert sum(len(b.table) + sum(b.rejects.values()) for b in batches) == len(rows)
