"""Street-level crime: counts of squares, nothing under the floor, nothing of a single crime."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import POLICE_GRANT, Batch
from feeds.feed import Feed, PayloadError
from feeds.fetch import Fetcher
from feeds.police_uk import ADAPTER, check_options, decode, find_square, looks_like, observe, params
from tests.feeds.http_server import reply, serve
from tests.feeds.reading import read_one

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FEED = Feed(name="crime", adapter="police_uk", url="http://localhost/api/crimes-street/all-crime", every_s=86_400)


def crime(**changes: Any) -> dict[str, Any]:
    return {
        "category": "burglary",
        "location_type": "Force",
        "location": {
            "latitude": "52.042613",
            "longitude": "-0.758388",
            "street": {"id": 1, "name": "On or near Elder Gate"},
        },
        "context": "",
        "outcome_status": {"category": "Under investigation", "date": "2026-01"},
        "persistent_id": "abc",
        "id": 78209889,
        "location_subtype": "",
        "month": "2026-01",
        **changes,
    }


def at(latitude: Any, longitude: Any) -> dict[str, Any]:
    return {"latitude": latitude, "longitude": longitude}


def read(*crimes: Any, feed: Feed = FEED) -> Batch:
    return read_one(ADAPTER, feed, NOW, json.dumps(crimes).encode())


def told(batch: Batch) -> dict[tuple[str, str], float]:
    table = batch.table
    return dict(zip(zip(table["area"], table["category"], strict=True), table["crimes"], strict=True))


def test_crimes_become_counts_of_squares():
    """Twelve burglaries near one another are one row: rounded, dated at the end of the month."""
    assert read(*[crime()] * 12).table.to_records() == [
        {
            "crime_key": "crime:2026-01:52.045,-0.755:burglary",
            "feed": "crime",
            "month": "2026-01",
            "area": "52.045,-0.755",
            "category": "burglary",
            "crimes": 10,
            "observed_at": "2026-01-31T23:59:59Z",
            "received_at": "2026-03-02T12:00:00Z",
        }
    ]


@pytest.mark.parametrize(("number", "shown"), [(9, None), (10, 10), (12, 10), (13, 15), (17, 15), (18, 20), (100, 100)])
def test_counts_are_floored_and_rounded(number: int, shown: int | None):
    """Under ten there is no row at all; from ten on it is the nearest five."""
    assert list(told(read(*[crime()] * number)).values()) == ([] if shown is None else [shown])


def test_what_is_hidden_leaves_no_trace():
    """With and without nine crimes under the floor the answer is the same to the last count."""
    many = [crime()] * 12
    few = [crime(category="robbery")] * 9

    shown, hidden = read(*many), read(*many, *few)

    assert shown.table.to_records() == hidden.table.to_records()
    assert (dict(shown.rejects), dict(shown.warnings)) == (dict(hidden.rejects), dict(hidden.warnings)) == ({}, {})


def test_nothing_of_a_single_crime_passes():
    """No street, id, outcome or anchor of a crime is in what comes out, rejected rows included."""
    batch = read(*[crime()] * 12, crime(location=at("100", "-0.758388")), crime(month="soon", id=4711))
    out = json.dumps([batch.table.to_records(), dict(batch.rejects), dict(batch.offending)])

    for secret in ("Elder", "78209889", "4711", "abc", "investigation", "52.042613", "-0.758388"):
        assert secret not in out


def test_months_squares_and_categories_are_counted_apart():
    """Each has a floor of its own."""
    batch = read(
        *[crime()] * 10,
        *[crime(month="2025-12")] * 11,
        *[crime(category="drugs")] * 15,
        *[crime(location=at("52.0513", "-0.758"))] * 20,
    )

    assert sorted(
        zip(batch.table["month"], batch.table["area"], batch.table["category"], batch.table["crimes"], strict=True)
    ) == [
        ("2025-12", "52.045,-0.755", "burglary", 10),
        ("2026-01", "52.045,-0.755", "burglary", 10),
        ("2026-01", "52.045,-0.755", "drugs", 15),
        ("2026-01", "52.055,-0.755", "burglary", 20),
    ]


@pytest.mark.parametrize(
    ("place", "square"),
    [
        ((52.04, -0.76), "52.045,-0.755"),
        ((52.0499, -0.7501), "52.045,-0.755"),
        ((52.05, -0.75), "52.055,-0.745"),
        ((0.0, 0.0), "0.005,0.005"),
        ((-0.001, 0.001), "-0.005,0.005"),
    ],
)
def test_a_square_is_named_by_its_middle(place: tuple[float, float], square: str):
    """Edges belong to the square north or east of them, also where binary fractions fall short."""
    assert find_square(*place) == square


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (5, "row_unreadable"),
        (crime(location=None), "position_missing"),
        (crime(location="town"), "position_unreadable"),
        (crime(location=at("", "")), "position_missing"),
        (crime(location=at("91", "0")), "position_out_of_range"),
        (crime(location=at("0", "0")), "position_zero"),
        (crime(month="2026-13"), "month_unreadable"),
        (crime(month=None), "month_unreadable"),
        (crime(month="2026-04"), "month_in_future"),
        (crime(category=""), "category_unreadable"),
        (crime(category="Mr Smith did it"), "category_unreadable"),
    ],
)
def test_a_crime_that_cannot_be_counted_is_counted_by_reason(item: Any, reason: str):
    """One bad row costs itself alone."""
    batch = read(*[crime()] * 10, item)

    assert batch.rejects == {reason: 1}
    assert list(told(batch).values()) == [10]


def test_null_outcomes_and_numbers_for_positions_are_fine():
    """`outcome_status` may be null and ids empty; a server that sends numbers is read as well."""
    odd = crime(outcome_status=None, persistent_id="", location=at(52.042613, -0.758388))

    assert list(told(read(*[odd] * 10)).values()) == [10]


def test_only_people_with_the_grant_may_see_any_column():
    """Not even the name of the feed is for others."""
    assert {column.audience for column in read().kind.columns} == {POLICE_GRANT}


def test_a_feed_may_raise_the_floor_and_never_lower_it():
    """Ten is the least; a wrong option is named when the feed file is read."""
    raised = FEED.model_copy(update={"options": {"floor": 20, "round_to": 1}})

    assert list(told(read(*[crime()] * 23, *[crime(category="drugs")] * 19, feed=raised)).values()) == [23]
    for options in ({"floor": 9}, {"floor": "no"}, {"months_behind": -1}, {"ceiling": 5}):
        with pytest.raises(ValueError, match=f"options.{next(iter(options))}"):
            check_options(FEED.model_copy(update={"options": options}))


def test_the_month_is_asked_for_where_the_feed_says_how_far_behind():
    """Without the option the server gives its latest; with it, by London's calendar."""
    behind = FEED.model_copy(update={"options": {"months_behind": 2}})

    assert params(FEED, None, NOW) == {}
    assert params(behind, None, NOW) == {"date": "2026-01"}
    assert params(behind, None, datetime(2026, 1, 15, tzinfo=UTC)) == {"date": "2025-11"}
    assert params(behind, None, datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == {"date": "2026-05"}


def test_a_month_not_published_yet_is_no_fault():
    """404 is how the service says so; the rows we have stay."""

    async def story() -> None:
        async with serve(reply(b"Not Found", 404)) as exchange, Fetcher() as source:
            feed = Feed(name="crime", adapter="police_uk", url=exchange.url("/api"), allow_private=True)
            [page] = await source.fetch(feed, ADAPTER)
            assert page.payload.not_modified

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"Not Found", "not_json"),
        (b"{}", "not_police"),
        (b"[1]", "not_police"),
        (b'{"message": "too many results"}', "police_error"),
    ],
)
def test_a_body_that_is_no_answer_fails_the_poll(body: bytes, reason: str):
    """Each with its own word."""
    with pytest.raises(PayloadError) as caught:
        decode(body)

    assert caught.value.reason == reason


def test_real_leicester():
    """Three crimes of October 2019: read without a fault, and far too few to be shown."""
    path = SAMPLES / "police" / "leicester-crimes-2019-10.json"
    if not path.exists():
        pytest.skip("the folder of real samples is not here")
    [batch] = observe([decode(path.read_bytes())], FEED, NOW)

    assert len(batch.table) == 0
    assert dict(batch.rejects) == {}

    [batch] = observe([decode(path.read_bytes())] * 10, FEED, NOW)
    assert told(batch) == {
        ("52.625,-1.115", "anti-social-behaviour"): 10,
        ("52.635,-1.145", "anti-social-behaviour"): 10,
        ("52.635,-1.125", "anti-social-behaviour"): 10,
    }
    assert batch.table["month"].tolist() == ["2019-10"] * 3


def test_only_its_own_bodies_look_like_it():
    """Of all real samples exactly the list of crimes is taken for one."""
    if not SAMPLES.exists():
        pytest.skip("the folder of real samples is not here")
    known = {p.name for p in SAMPLES.rglob("*") if p.is_file() and looks_like(p.read_bytes())}

    assert known == {"leicester-crimes-2019-10.json"}


_VALUES = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.dictionaries(st.sampled_from(["latitude", "longitude"]), st.text(max_size=8) | st.floats())
)


@settings(max_examples=150, deadline=20_000)
@given(
    st.binary(max_size=300)
    | st.lists(st.dictionaries(st.sampled_from(["category", "month", "location"]), _VALUES), max_size=4).map(
        lambda rows: json.dumps(rows).encode()
    )
)
def test_any_bytes_give_rows_or_a_typed_error(body: bytes):
    """Nothing else escapes, whatever is sent."""
    try:
        observe([decode(body)], FEED, NOW)
    except PayloadError as error:
        assert error.reason
