"""GTFS archives: real ones, service days, clock changes, dirt, and archives that mean harm."""

from __future__ import annotations

import asyncio
import io
import tracemalloc
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.clock import FixedClock
from control_room.model import Batch
from feeds.feed import Feed, PayloadError
from feeds.fetch import Fetcher
from feeds.gtfs_schedule import archive as limits
from feeds.gtfs_static import ADAPTER, decode, find_day_start, find_service_day, looks_like, observe
from feeds.poller import read_pages
from tests.feeds.http_server import reply, serve
from tests.feeds.reading import known, read_sample

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "gtfs"
FEED = Feed(name="plan", adapter="gtfs_static", url="http://localhost/gtfs.zip")
NOON = datetime(2026, 5, 14, 12, tzinfo=UTC)  # a Thursday

GOOD: dict[str, str] = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,Made Buses,https://made.example,Europe/London\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\ns1,First,52.04,-0.76\ns2,Second,52.05,-0.75\n",
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type\nr1,A,7,Here – There,3\n",
    "trips.txt": "route_id,service_id,trip_id,trip_headsign\nr1,wk,t1,There\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "t1,08:00:00,08:00:00,s1,1\nt1,08:10:00,08:10:00,s2,2\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "wk,1,1,1,1,1,0,0,20260101,20261231\n",
}


def pack(files: Mapping[str, str | bytes | None] | None = None, **changes: Any) -> bytes:
    """The good archive with files replaced; None leaves one out."""
    made: dict[str, Any] = {**GOOD, **(files or {})}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in made.items():
            if content is not None:
                archive.writestr(name, content)
    return stream.getvalue()


def read(body: bytes, now: datetime = NOON, feed: Feed = FEED) -> dict[str, Batch]:
    return {b.kind.name: b for b in observe([decode(body)], feed, now)}


def failure(body: bytes) -> PayloadError:
    with pytest.raises(PayloadError) as caught:
        decode(body)
    return caught.value


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


# Real archives


def test_google_sample_feed_on_a_sunday_has_weekend_trips_and_headways():
    """The service day is Pacific; trips by frequency stand once for each departure."""
    made = read(sample("google-sample-feed.zip"), datetime(2007, 6, 3, 20, tzinfo=UTC))

    assert {k: (len(b.table), b.rejects, b.warnings) for k, b in made.items()} == {
        "timetable": (144, {}, {}),
        "route": (5, {}, {}),
        "stop": (9, {}, {}),
    }
    assert known(made["timetable"])[0] == {
        "timetable_key": "plan:2007-06-03:AB1",
        "feed": "plan",
        "trip_id": "AB1",
        "route_id": "AB",
        "service_date": "2007-06-03",
        "destination": "to Bullfrog",
        "starts_at": "2007-06-03T15:00:00Z",
        "ends_at": "2007-06-03T15:10:00Z",
        "stops_total": 2.0,
        "received_at": "2007-06-03T20:00:00Z",
    }
    assert known(made["route"])[0]["operator"] == "Demo Transit Authority"
    # STBA leaves every half hour from 6:00 up to 22:00, which is no departure any more.
    assert known(made["route"])[2]["trips_today"] == 32


def test_google_sample_feed_rests_on_its_exception():
    """calendar_dates takes 4 June 2007 out; stops and routes stay, and the day is said to be without service."""
    made = read(sample("google-sample-feed.zip"), datetime(2007, 6, 4, 20, tzinfo=UTC))

    assert len(made["timetable"].table) == 0
    assert made["timetable"].warnings == {"no_service_today": 1}
    assert [r["trips_today"] for r in known(made["route"])] == [0] * 5


def test_bullrunner_runs_by_frequency_on_wednesday_and_friday():
    """A header with a space in it, no agency id, an evening that runs past midnight UTC."""
    wednesday = read(sample("bullrunner-gtfs.zip"), datetime(2016, 1, 20, 20, tzinfo=UTC))
    friday = read(sample("bullrunner-gtfs.zip"), datetime(2016, 1, 22, 20, tzinfo=UTC))

    assert [len(m[k].table) for m in (wednesday, friday) for k in ("timetable", "route", "stop")] == [
        607,
        6,
        125,
        375,
        6,
        125,
    ]
    assert wednesday["timetable"].rejects == wednesday["timetable"].warnings == {}
    assert known(wednesday["route"])[0] == {
        "route_key": "plan:A",
        "feed": "plan",
        "route_id": "A",
        "route_name": "A",
        "title": "Green Campus Loop",
        "operator": "USF Bull Runner",
        "transport": "bus",
        "trips_today": 102.0,
        "received_at": "2016-01-20T20:00:00Z",
    }
    assert known(wednesday["timetable"])[-1]["ends_at"] == "2016-01-21T05:46:42Z"


# The service day


@pytest.mark.parametrize(
    ("now", "starts_at"),
    [
        ("2026-05-14T12:00", "2026-05-14T07:00:00Z"),  # summer time
        ("2026-01-15T12:00", "2026-01-15T08:00:00Z"),  # winter time
        ("2026-03-29T12:00", "2026-03-29T07:00:00Z"),  # clocks go forward: 8:00 is summer time already
        ("2026-10-25T12:00", "2026-10-25T08:00:00Z"),  # clocks go back
    ],
)
def test_a_time_is_local_time_on_each_side_of_the_clock_changes(now: str, starts_at: str):
    """Eight in the morning is eight on the clock, also on the days that have 23 and 25 hours."""
    daily = {"calendar.txt": GOOD["calendar.txt"].replace("1,1,1,1,1,0,0", "1,1,1,1,1,1,1")}
    made = read(pack(daily), datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert known(made["timetable"])[0]["starts_at"] == starts_at


@pytest.mark.parametrize(
    ("day", "counts_from"),
    [
        (date(2026, 3, 29), "2026-03-28T23:00:00+00:00"),
        (date(2026, 10, 25), "2026-10-25T00:00:00+00:00"),
        (date(2026, 5, 14), "2026-05-13T23:00:00+00:00"),
    ],
)
def test_times_count_from_noon_minus_twelve_hours(day: date, counts_from: str):
    """On clock-change days that is an hour off midnight: 00:30 of 25 October is the second half past one of summer."""
    assert find_day_start(day, ZoneInfo("Europe/London")).isoformat() == counts_from


def test_times_may_pass_midnight():
    """25:10:00 is ten past one in the next night, of this service day."""
    late = GOOD["stop_times.txt"].replace("08:00:00", "24:50:00").replace("08:10:00", "25:10:00")
    (row,) = known(read(pack({"stop_times.txt": late}))["timetable"])

    assert (row["service_date"], row["starts_at"], row["ends_at"]) == (
        "2026-05-14",
        "2026-05-14T23:50:00Z",
        "2026-05-15T00:10:00Z",
    )


def test_the_service_day_is_the_agencys_day_and_may_begin_later():
    """23:30 UTC in May is tomorrow in London; with a day that starts at three it is today still."""
    zone = ZoneInfo("Europe/London")
    moment = datetime(2026, 5, 14, 23, 30, tzinfo=UTC)

    assert find_service_day(moment, zone) == date(2026, 5, 15)
    assert find_service_day(moment, zone, 3) == date(2026, 5, 14)
    with pytest.raises(ValueError, match="no zone"):
        find_service_day(moment.replace(tzinfo=None), zone)


def test_single_days_alone_make_a_calendar():
    """Without calendar.txt the days of calendar_dates.txt are all there are."""
    only = {"calendar.txt": None, "calendar_dates.txt": "service_id,date,exception_type\nwk,20260514,1\n"}

    assert len(read(pack(only))["timetable"].table) == 1
    assert len(read(pack(only), datetime(2026, 5, 15, 12, tzinfo=UTC))["timetable"].table) == 0


def test_an_unchanged_archive_is_read_again_for_the_next_day():
    """Over real HTTP: the server never changes the archive, yet after midnight the timetable is tomorrow's."""

    async def ask() -> list[str]:
        clock = FixedClock(NOON)
        answer = reply(pack(), etag='"same"', content_type="application/zip")
        async with serve(answer) as exchange, Fetcher(clock=clock) as fetcher:
            feed = Feed(name="plan", adapter="gtfs_static", url=exchange.url("/gtfs.zip"), allow_private=True)
            days = []
            for day in (14, 15):
                clock.moment = NOON.replace(day=day)
                made = read_pages(await fetcher.fetch(feed, ADAPTER), feed, ADAPTER)
                days += made[0].table["service_date"].tolist()
            return days

    assert asyncio.run(ask()) == ["2026-05-14", "2026-05-15"]


# Dirt


def test_byte_order_marks_quoted_newlines_and_spaces_are_read():
    """A mark before the header, a name over two lines, blanks after commas, and a folder around the tables."""
    stops = '\ufeffstop_id, stop_name, stop_lat, stop_lon\r\ns1,"First\r\nby the ""Bridge""", 52.04 , -0.76\r\ns2,Second,52.05,-0.75\r\n'
    plain = pack({"stops.txt": stops.encode("utf-8")})
    inside = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(inside, "w") as new:
        for name in old.namelist():
            new.writestr(f"feed/{name}", old.read(name))

    for body in (plain, inside.getvalue()):
        made = read(body)
        assert known(made["stop"])[0]["title"] == 'First by the "Bridge"'
        assert (len(made["stop"].table), made["timetable"].rejects) == (2, {})


def test_rows_that_cannot_be_used_are_counted_by_reason():
    """Stops without a place, trips without a route or service, doubles; entrances are no stops."""
    made = read(
        pack(
            {
                "stops.txt": "stop_id,stop_name,stop_lat,stop_lon,location_type\ns1,First,52.04,-0.76,\n"
                "s1,Again,52.04,-0.76,0\ns2,Second,0,0,0\ns3,Third,abc,1,\ns4,Fourth,,,\ne1,Door,52.04,-0.76,2\n,No,52,0,\n",
                "trips.txt": "route_id,service_id,trip_id,trip_headsign\nr1,wk,t1,There\nr1,wk,t1,There\nr9,wk,t2,\nr1,no,t3,\n",
                "stop_times.txt": GOOD["stop_times.txt"] + "t9,08:00:00,08:00:00,s1,1\nt1,08:20:00,08:20:00,s1,x\n",
            }
        )
    )

    assert made["timetable"].rejects == {
        "duplicate": 2,
        "position_zero": 1,
        "position_unreadable": 1,
        "position_missing": 1,
        "id_missing": 1,
        "route_unknown": 1,
        "service_unknown": 1,
    }
    assert made["timetable"].warnings == {
        "not_a_stop": 1,
        "call_of_unknown_trip": 1,
        "call_unreadable": 1,
        "call_at_unknown_stop": 1,
    }
    assert made["timetable"].offending["route_unknown"] == "trip t2: route r9"
    assert [r["trips_today"] for r in known(made["stop"])] == [1]


def test_a_trip_without_times_stays_and_its_times_are_unknown():
    """Missing is not midnight."""
    without = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nt1,,,s1,1\nt1,,,s2,2\n"
    made = read(pack({"stop_times.txt": without}))["timetable"]
    (row,) = known(made)

    assert "starts_at" not in row and "ends_at" not in row and row["stops_total"] == 2
    assert made.warnings == {"time_missing": 1}


def test_calls_out_of_order_are_read_by_their_sequence():
    """The first departure is that of the lowest stop_sequence, whatever line it stands on."""
    lines = GOOD["stop_times.txt"].splitlines()
    (row,) = known(read(pack({"stop_times.txt": "\n".join([lines[0], lines[2], lines[1]])}))["timetable"])

    assert (row["starts_at"], row["ends_at"]) == ("2026-05-14T07:00:00Z", "2026-05-14T07:10:00Z")


def test_without_an_agency_the_feed_says_the_zone():
    """agency.txt missing: the option, else London, and it is said that the zone was assumed."""
    feed = Feed(name="plan", adapter="gtfs_static", url="http://x/", options={"time_zone": "Europe/Oslo"})
    made = read(pack({"agency.txt": None}), feed=feed)["timetable"]

    assert known(made)[0]["starts_at"] == "2026-05-14T06:00:00Z"
    assert made.warnings == {"agency_missing": 1, "time_zone_assumed": 1}
    with pytest.raises(PayloadError, match="time_zone_unknown"):
        read(pack({"agency.txt": GOOD["agency.txt"].replace("Europe/London", "Nowhere/Land")}))


def test_overlapping_frequencies_depart_once():
    """A departure that two periods name is one row, so keys stay unique."""
    periods = "trip_id,start_time,end_time,headway_secs\nt1,08:00:00,09:00:00,600\nt1,08:30:00,09:10:00,600\n"
    made = read(pack({"frequencies.txt": periods}))["timetable"]

    assert len(made.table) == len(set(made.table.keys.tolist())) == 7


# Archives that mean harm


def test_a_bomb_is_stopped_while_unpacking(monkeypatch):
    """Twenty megabytes of blanks in a few kilobytes: refused by ratio, and never held in memory."""
    body = pack({"stop_times.txt": GOOD["stop_times.txt"] + " " * 20_000_000})
    assert len(body) < 30_000
    tracemalloc.start()
    try:
        assert failure(body).reason in ("zip_bomb", "csv_broken")
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()
    many = pack({"stop_times.txt": GOOD["stop_times.txt"] + "t1,08:10:00,08:10:00,s2,2\n" * 800_000})
    assert failure(many).reason == "zip_bomb"
    monkeypatch.setattr(limits, "MAX_UNPACKED", 400)
    assert failure(pack()).reason == "zip_too_large"
    monkeypatch.setattr(limits, "MAX_ROWS", 1)
    monkeypatch.setattr(limits, "MAX_UNPACKED", 4_000)
    assert failure(pack()).reason == "too_many_rows"


def test_paths_inside_an_archive_lead_nowhere(tmp_path, monkeypatch):
    """Nothing is written, and a table outside the top folder is no table."""
    monkeypatch.chdir(tmp_path)
    tricky = pack({"stops.txt": None, "../stops.txt": GOOD["stops.txt"], "/etc/a/stops.txt": "x", "a/b/stops.txt": "x"})

    assert failure(tricky).reason == "file_missing"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"<html>Not found</html>", "not_zip"),
        (b"PK\x03\x04 cut", "zip_broken"),
        (pack()[:-40], "zip_broken"),
        (pack({"stop_times.txt": None}), "file_missing"),
        (pack({"calendar.txt": None}), "file_missing"),
        (pack({"trips.txt": "trip_id,route_id\nt1,r1\n"}), "column_missing"),
        (pack({"stops.txt": 'stop_id,stop_name\ns1,"' + "endless " * 20_000}), "csv_broken"),
        (pack({f"{n}.bin": "" for n in range(600)}), "zip_members"),
    ],
)
def test_what_is_no_archive_of_this_standard_is_refused(body: bytes, reason: str):
    """Each with its own reason, and a sentence that says what to look at."""
    error = failure(body)

    assert error.reason == reason
    assert error.detail


def test_only_archives_with_calls_look_like_this_standard():
    """Another zip, text, and nothing at all do not."""
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("cells.csv", "a,b\n")

    assert looks_like(pack())
    assert not any(looks_like(b) for b in (other.getvalue(), b"", b"stop_times.txt", b"{}"))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(sorted(GOOD)), st.booleans())
def test_any_bytes_give_rows_or_a_payload_error(noise: bytes, name: str, as_body: bool):
    """As a whole body, or as any one table of a sound archive."""
    body = noise if as_body else pack({name: GOOD[name].encode() + noise})
    try:
        made = read(body)
    except PayloadError:
        return
    assert set(made) == {"timetable", "route", "stop"}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1400), st.binary(min_size=1, max_size=4))
def test_a_damaged_archive_gives_rows_or_a_payload_error(place: int, damage: bytes):
    """A few bytes overwritten anywhere in a sound archive."""
    body = bytearray(pack())
    body[place : place + len(damage)] = damage
    try:
        made = read(bytes(body))
    except PayloadError:
        return
    assert set(made) == {"timetable", "route", "stop"}
