"""Planned events: calendars and schema.org, each kind of dirt, and what must never be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.events import ADAPTER, decode, observe
from feeds.feed import Feed, PayloadError, list_adapters
from tests.feeds.reading import full_row, read_one

NOW = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
FEED = Feed(name="events", adapter="events", url="http://localhost/events")

GOOD = (
    "UID:1@test",
    "DTSTAMP:20260701T060000Z",
    "DTSTART:20260704T170000Z",
    "DTEND:20260704T200000Z",
    "SUMMARY:League match\\, home",
    "LOCATION:Stadium",
    "GEO:52.0096;-0.7335",
    "X-EXPECTED-PEOPLE:12000",
)
JSON_EVENT: dict[str, Any] = {
    "@type": "SportsEvent",
    "@id": "http://x/1",
    "name": "League match",
    "startDate": "2026-07-04T18:00",
    "endDate": "2026-07-04T21:00:00+01:00",
    "dateModified": "2026-07-01T06:00:00Z",
    "eventStatus": "https://schema.org/EventScheduled",
    "location": {"@type": "Place", "name": "Stadium", "geo": {"latitude": "52.0096", "longitude": -0.7335}},
    "expectedAttendance": 12000,
}


def calendar(*lines: str, end: str = "\r\n") -> bytes:
    return end.join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""]
    ).encode()


def changed(**changes: str | None) -> bytes:
    """The good event with lines replaced by their name; None leaves one out."""
    names = {n.replace("_", "-"): v for n, v in changes.items()}
    kept = [line for line in GOOD if line.partition(":")[0] not in names]
    return calendar(*kept, *(v for v in names.values() if v is not None))


def read(body: bytes, **options: Any) -> Batch:
    return read_one(ADAPTER, FEED.model_copy(update={"options": options}), NOW, body)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_calendar_event_is_read_whatever_ends_its_lines(end):
    """Escaped commas, a position, people expected."""
    batch = read(calendar(*GOOD, end=end))
    row = full_row(batch)

    assert (batch.rejects, batch.warnings) == ({}, {})
    assert (row["title"], row["venue"], row["expected_people"]) == ("League match, home", "Stadium", 12000)
    assert (row["starts_at"], row["ends_at"]) == ("2026-07-04T17:00:00Z", "2026-07-04T20:00:00Z")
    assert (row["latitude"], row["longitude"], row["observed_at"]) == (52.0096, -0.7335, "2026-07-01T06:00:00Z")


def test_folded_lines_are_one_line():
    """A fold may fall anywhere, inside a word too."""
    assert full_row(read(changed(SUMMARY="SUMMARY:Sum\r\n mer sta\r\n\tge")))["title"] == "Summer stage"


@pytest.mark.parametrize(
    ("start", "end", "starts_at", "ends_at"),
    [
        ("DTSTART;TZID=Europe/London:20260704T180000", "DTEND:20260704T200000Z", "2026-07-04T17:00:00Z", "2026-07-04T20:00:00Z"),
        ('DTSTART;TZID="/x.org/20/Europe/Helsinki":20260704T200000', None, "2026-07-04T17:00:00Z", None),
        ("DTSTART;TZID=GMT Standard Time:20260704T180000", "DURATION:PT3H", "2026-07-04T17:00:00Z", "2026-07-04T20:00:00Z"),
        ("DTSTART:20260704T180000", "DURATION:P1W", "2026-07-04T17:00:00Z", "2026-07-11T17:00:00Z"),
        ("DTSTART;VALUE=DATE:20260704", None, "2026-07-03T23:00:00Z", "2026-07-04T23:00:00Z"),
        ("DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260706", "2026-07-03T23:00:00Z", "2026-07-05T23:00:00Z"),
        ("DTSTART:20261225T180000", None, "2026-12-25T18:00:00Z", None),
    ],
)  # fmt: skip
def test_local_times_zones_whole_days_and_lengths(start, end, starts_at, ends_at):
    """A whole day runs from midnight to midnight of the city; DTEND of whole days is the day after."""
    row = full_row(read(changed(DTSTART=start, DTEND=end)))
    assert (row["starts_at"], row["ends_at"]) == (starts_at, ends_at)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"RRULE": "RRULE:FREQ=WEEKLY;COUNT=10"}, "recurring_not_expanded"),
        ({"DTSTART": "DTSTART;TZID=Nowhere/Land:20260704T180000"}, "zone_unknown"),
        ({"DTEND": "DTEND:20260701T000000Z"}, "end_before_start"),
        ({"DTEND": "DTEND:late"}, "time_unreadable"),
        ({"GEO": None}, "position_missing"),
        ({"GEO": "GEO:there"}, "position_unreadable"),
        ({"GEO": "GEO:0;0"}, "position_zero"),
        ({"X_EXPECTED_PEOPLE": "X-EXPECTED-PEOPLE:many"}, "people_unreadable"),
        ({"URL": "URL:javascript:alert(1)"}, "url_unusable"),
        ({"SUMMARY": None}, "title_missing"),
        ({"DTSTAMP": "DTSTAMP:20260801T000000Z"}, "changed_in_future"),
        ({"SUMMARY": "no colon here"}, "line_unreadable"),
    ],
)
def test_each_kind_of_dirt_is_counted_and_the_event_kept(changes, warning):
    """An oddity in one property does not cost the event."""
    batch = read(changed(**changes))

    assert batch.warnings.get(warning) == 1 and batch.rejects == {}
    assert len(batch.table) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (changed(UID=None), "id_missing"),
        (changed(DTSTART=None), "start_missing"),
        (changed(DTSTART="DTSTART:20260799T000000Z"), "start_missing"),
        (json.dumps([JSON_EVENT, 7]).encode(), "row_unreadable"),
    ],
)
def test_what_cannot_be_placed_in_time_is_rejected(body, reason):
    """Each by its reason."""
    assert read(body).rejects == {reason: 1}


def test_of_an_event_sent_twice_the_one_changed_last_is_kept():
    """The other counts as a duplicate."""
    two = calendar(
        *GOOD,
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:1@test",
        "DTSTART:20260705T170000Z",
        "SUMMARY:Moved",
        "DTSTAMP:20260702T060000Z",
    )
    batch = read(two)

    assert (full_row(batch)["title"], batch.rejects) == ("Moved", {"duplicate": 1})


def test_what_is_long_over_is_left_out_and_counted():
    """A week is kept, unless the feed says otherwise."""
    old = changed(DTSTART="DTSTART:20260601T170000Z", DTEND="DTEND:20260601T200000Z")

    assert (len(read(old).table), read(old).warnings["past_left_out"]) == (0, 1)
    assert len(read(old, past_days=60).table) == 1


def test_alarms_and_people_are_never_read():
    """An alarm's own summary is not the event's; organisers and attendees never enter memory."""
    body = calendar(
        "BEGIN:VALARM", "SUMMARY:Wake up", "END:VALARM", *GOOD, "ORGANIZER;CN=Jo Doe:mailto:jo@x.invalid",
        "ATTENDEE;CN=Jo Doe:mailto:jo@x.invalid", "DESCRIPTION:call Jo Doe",
    )  # fmt: skip
    decoded = decode(body)

    assert "Doe" not in repr(decoded) and "Wake" not in repr(decoded)
    assert full_row(read(body))["title"] == "League match, home"


@pytest.mark.parametrize(
    "whole",
    [
        JSON_EVENT,
        [JSON_EVENT],
        {"@context": "https://schema.org", "@graph": [JSON_EVENT, {"@type": "Organization", "name": "Jo"}]},
        {"events": [JSON_EVENT]},
        {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": JSON_EVENT}]},
    ],
    ids=["one", "list", "graph", "events", "item list"],
)
def test_each_shape_of_schema_org_gives_the_same_event(whole):
    """Times without an offset are the city's; coordinates may be text."""
    batch = read(json.dumps(whole).encode())
    row = full_row(batch)

    assert batch.rejects == {}
    assert (row["event_id"], row["title"], row["status"]) == ("http://x/1", "League match", "EventScheduled")
    assert (row["starts_at"], row["ends_at"]) == ("2026-07-04T17:00:00Z", "2026-07-04T20:00:00Z")
    assert (row["latitude"], row["expected_people"], row["category"]) == (52.0096, 12000, "SportsEvent")


def test_capacity_is_no_expectation():
    """An empty stadium has the same."""
    event = {k: v for k, v in JSON_EVENT.items() if k != "expectedAttendance"} | {"maximumAttendeeCapacity": 30_000}
    assert full_row(read(json.dumps(event).encode())).get("expected_people") is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b" ", "empty_body"),
        (b"<html>", "not_icalendar"),
        (b"{}", "not_events"),
        (b'[{"@type": "Person"}]', "not_events"),
        (b"[", "not_json"),
        (calendar(*GOOD)[:-20], "ical_broken"),
        (b"BEGIN:VCALENDAR\nEND:VEVENT\n", "ical_broken"),
    ],
)
def test_bodies_of_something_else_are_refused(body, reason):
    """A calendar cut off is not a shorter calendar."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_an_option_that_is_none_fails_the_poll_by_name():
    """A wrong zone is never guessed at."""
    for options in ({"time_zone": "Mars/North"}, {"past_days": "week"}):
        with pytest.raises(PayloadError, match="option_wrong"):
            read(calendar(*GOOD), **options)


def test_only_this_adapter_knows_its_bodies():
    """At most one adapter claims a calendar, or a graph of events."""
    graph = json.dumps({"@context": "https://schema.org", "@graph": [JSON_EVENT]}).encode()
    for body in (calendar(*GOOD), graph):
        assert [a.name for a in list_adapters().values() if a.looks_like(body)] == [ADAPTER.name]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*JSON_EVENT, "geo", "@value"]), inner),
    max_leaves=15,
)


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=200)
    | st.lists(st.text(max_size=60), max_size=5).map(lambda lines: calendar(*GOOD, *lines))
    | st.dictionaries(st.sampled_from(list(JSON_EVENT)), VALUES).map(
        lambda d: json.dumps([{**JSON_EVENT, **d}]).encode()
    )
)
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else, whatever comes."""
    try:
        (batch,) = observe([decode(body)], FEED, NOW)
    except PayloadError as error:
        assert error.reason
    else:
        assert len(batch.table) <= 2
