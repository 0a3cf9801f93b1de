"""Slots of recycling centres: counts pass, plates and people never do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.bookings import COUNTS, decode, looks_like, observe
from feeds.feed import Feed, PayloadError

NOW = datetime(2026, 7, 1, 12, 0, 30, tzinfo=UTC)
FEED = Feed(name="recycling", adapter="bookings", url="http://localhost/slots", every_s=60)
SLOT: dict[str, Any] = {
    "site": "Bleak Hall",
    "from": "2026-07-01T13:00:00+01:00",
    "until": "2026-07-01T13:30:00+01:00",
    "capacity": 30,
    "booked": 24,
    "booked_online": 21,
    "arrivals": 19,
    "no_shows": 0,
}


def slot(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**SLOT, **changes}.items() if value is not ...}


def read(*slots: Any, **envelope: Any) -> Batch:
    body = {"counted_at": "2026-07-01T12:00:00Z", "slots": slots, **envelope}
    [batch] = observe([decode(json.dumps(body).encode())], FEED, NOW)
    return batch


def test_a_slot_in_the_citys_words():
    """Half an hour of one site, in UTC, and every count as it came; nought is nought."""
    assert read(slot()).table.to_records() == [
        {
            "booking_key": "recycling:Bleak Hall:2026-07-01T12:00Z",
            "feed": "recycling",
            "site": "Bleak Hall",
            "slot_from": "2026-07-01T12:00:00Z",
            "slot_until": "2026-07-01T12:30:00Z",
            "capacity": 30,
            "booked": 24,
            "booked_online": 21,
            "arrivals": 19,
            "no_shows": 0,
            "observed_at": "2026-07-01T12:00:00Z",
            "received_at": "2026-07-01T12:00:30Z",
        }
    ]


def test_a_count_nobody_sent_is_unknown():
    """Before the slot begins there are no arrivals to count, which is not "nobody came"."""
    [record] = read(slot(arrivals=None, no_shows=...)).table.to_records()

    assert record["arrivals"] is None
    assert record["no_shows"] is None


@pytest.mark.parametrize(
    ("slots", "field", "secret"),
    [
        ([slot(note="was YX69 NPO again")], "note", "YX69"),
        ([slot(note="yx69npo")], "note", "yx69"),
        ([slot(last=["a", {"seen": "P123 ABC"}])], "seen", "P123"),
        ([slot(seen="ABC 123D")], "seen", "123D"),
        ([slot(seen="BXZ 1234")], "seen", "BXZ"),
        ([slot(numberPlate=None)], "numberPlate", "no value at all"),
        ([slot(vrm="x")], "vrm", "no value at all"),
        ([slot(REG_NO=5)], "REG_NO", "no value at all"),
        ([slot(plates=[])], "plates", "no value at all"),
        ([slot(contact="jane@example.org")], "contact", "jane"),
        ([slot(driver={"x": 1})], "driver", "no value at all"),
        ([slot(by={"YX69NPO": 1})], "a name inside by", "YX69"),
        ([slot(), slot(site="Newport YX69 NPO")], "site", "YX69"),
    ],
)
def test_anything_like_a_plate_or_a_person_refuses_the_whole_poll(slots: list[Any], field: str, secret: str):
    """The refusal names the field, so that the supplier can be told, and never the value."""
    with pytest.raises(PayloadError) as caught:
        read(*slots)

    assert caught.value.reason == "personal_data"
    assert f"the field {field} " in caught.value.detail
    assert secret.lower() not in str(caught.value).lower()


def test_a_plate_outside_the_slots_refuses_as_well():
    """Wherever in the answer it stands."""
    with pytest.raises(PayloadError, match="personal_data"):
        read(slot(), debug={"last_seen": "AB12CDE"})


@pytest.mark.parametrize(
    "text",
    ["Newport Pagnell", "Bay H6 and V10", "2026-07-01T12:00:00Z", "Open until 18:00", "Site 12", "MK centre 3 of 4"],
)
def test_names_of_sites_and_times_are_no_plates(text: str):
    """A refusal must mean something: ordinary words pass."""
    assert len(read(slot(site=text)).table) == 1


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (5, "row_unreadable"),
        (slot(site=""), "site_missing"),
        (slot(**{"from": "2026-07-01T13:00:00"}), "time_unreadable"),
        (slot(**{"from": None}), "time_unreadable"),
        (slot(until="2026-07-01T12:30:00+01:00"), "slot_ends_before_start"),
        (slot(counted_at="2026-07-01T12:05:00Z"), "time_in_future"),
        (slot(), "duplicate"),
    ],
)
def test_a_slot_that_cannot_be_used_is_counted_by_reason(item: Any, reason: str):
    """One bad slot costs itself alone."""
    batch = read(slot(), item)

    assert batch.rejects == {reason: 1}
    assert len(batch.table) == 1


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"booked": "24", "booked_online": 0}, "booked_unreadable"),
        ({"booked": -1, "booked_online": None}, "booked_unreadable"),
        ({"arrivals": 1.5}, "arrivals_unreadable"),
        ({"arrivals": True}, "arrivals_unreadable"),
        ({"booked": 31}, "booked_over_capacity"),
        ({"booked_online": 25}, "online_over_booked"),
        ({"until": None}, "until_missing"),
    ],
)
def test_a_slot_with_a_doubt_is_kept_and_counted(changes: dict[str, Any], warning: str):
    """What cannot be right is unknown or said, never corrected."""
    batch = read(slot(**changes))

    assert len(batch.table) == 1
    assert batch.warnings == {warning: 1}


def test_without_a_time_of_counting_the_age_is_unknown():
    """Neither fresh nor stale: nobody said when it was counted."""
    for said, warning in (
        (None, "counted_missing"),
        ("noon", "counted_unreadable"),
        ("2026-07-02T00:00:00Z", "counted_in_future"),
    ):
        batch = read(slot(), counted_at=said)
        assert batch.table.to_records()[0]["observed_at"] is None
        assert batch.warnings == {warning: 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"closed", "not_json"),
        (b"[]", "not_bookings"),
        (b'{"slots": 5}', "not_bookings"),
        (b'{"slots":' + b"[" * 100 + b"]" * 100 + b"}", "too_deep"),
    ],
)
def test_a_body_that_is_no_answer_fails_the_poll(body: bytes, reason: str):
    """Each with its own word."""
    with pytest.raises(PayloadError) as caught:
        decode(body)

    assert caught.value.reason == reason


def test_no_slots_is_an_answer():
    """At night there are none."""
    assert len(read().table) == 0


def test_its_own_form_is_known():
    """By the names that no other standard has together."""
    assert looks_like(json.dumps({"slots": [SLOT]}).encode())
    assert not looks_like(b'{"slots": []}')
    assert not looks_like(b'{"vehicles_status": []}')


@settings(max_examples=150, deadline=20_000)
@given(
    st.binary(max_size=300)
    | st.lists(
        st.dictionaries(
            st.sampled_from(["site", "from", "until", "counted_at", *COUNTS]),
            st.none() | st.integers() | st.floats() | st.text(max_size=25),
        ),
        max_size=4,
    ).map(lambda slots: json.dumps({"slots": slots}).encode())
)
def test_any_bytes_give_rows_or_a_typed_error(body: bytes):
    """Nothing else escapes, whatever is sent."""
    try:
        [batch] = observe([decode(body)], FEED, NOW)
    except PayloadError as error:
        assert error.reason
    else:
        assert len(batch.table) + sum(batch.rejects.values()) == len(json.loads(body)["slots"])
