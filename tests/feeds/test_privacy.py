"""Plates go in, pseudonyms come out, everything else passes."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds import privacy
from feeds.privacy import hide_plate, holds_plate, may_hold_plates, pseudonym, repeats_plate

PLATES = ["YX69NPO", "AB12 CDE", "AB12-CDE", "AB12_CDE", "yx69npo", "P123 ABC", "P1ABC", "ABC123D", "abc 1d"]
NO_PLATES = [
    "SCNH-10542",
    "3316",
    "V123",
    "bus-17",
    "NPO",
    "AB12CDEF",
    "1234ABC",
    "AB12  CDE",
    "RRTR-50530",
    "ABC 1234",
    "4a1524f3-8182-4b55-90c2-023c0cac84b9",
    "XAB12CDE",
]


@pytest.mark.parametrize("plate", PLATES)
def test_a_plate_is_replaced(plate):
    """Each form of plate, with space, dash, underscore or none, leaves as a pseudonym that does not hold it."""
    hidden, count = hide_plate(["17", plate, None], "buses")

    assert count == 1
    assert hidden[0] == "17"
    assert hidden[2] is None
    assert hidden[1] == "plate-" + hashlib.blake2b(plate.encode(), key=b"buses").hexdigest()[:10]


@pytest.mark.parametrize(
    "text",
    [
        "191_-_YX69_NPO",
        "1234-YX69NPO",
        "YX69NPO-1234",
        "SCMK-YX69NPO",
        "17 YX69 NPO",
        "YX69 NPO (spare)",
        "bus/P123ABC",
        "66:ABC 123D",
    ],
)
def test_a_plate_inside_a_longer_id_hides_all_of_it(text):
    """Ticket machines write fleet number and plate together; what is left holds no part of the plate."""
    assert hide_plate([text, "17"], "buses") == ([pseudonym(text, "buses"), "17"], 1)


@pytest.mark.parametrize(
    ("text", "plate", "repeats"),
    [
        ("KN7788", "KN 7788", True),
        ("bus kn-7788", "KN 7788", True),
        ("W-12345", "w 12345", True),
        ("SCMK-1234", "1234", False),
        ("1234", "1234", True),
        ("A1 bus", "A1", False),
        ("Kangaroo", "KN 7788", False),
        ("", " ", False),
    ],
)
def test_a_plate_sent_beside_an_id_is_found_in_it(text, plate, repeats):
    """A plate of any country is recognised inside an id when the supplier sends it in a field of its own."""
    assert repeats_plate(text, plate) is repeats


def test_many_new_ids_do_not_gather():
    """What is remembered of texts without plates stays within its limit, and a plate after it is still found."""
    for start in range(0, 500_000, 50_000):
        assert not may_hold_plates([str(number) for number in range(start, start + 50_000)])
    assert len(privacy._CLEAN) <= privacy._MOST_CLEAN + 1
    assert may_hold_plates(["1", "YX69NPO"])


@pytest.mark.parametrize("text", NO_PLATES)
def test_what_is_no_plate_passes(text):
    """Fleet numbers, dateless forms and longer texts stay as they are."""
    assert hide_plate([text], "buses") == ([text], 0)


def test_a_plate_has_one_name_in_a_feed_and_another_elsewhere():
    """The pseudonym is stable within a feed, so a vehicle can be followed, and does not join two feeds."""
    assert pseudonym("YX69NPO", "buses") == pseudonym("YX69NPO", "buses")
    assert pseudonym("YX69NPO", "buses") != pseudonym("YX69NPO", "coaches")
    assert not holds_plate(pseudonym("YX69NPO", "buses"))


def test_a_pseudonym_stays_what_it_is():
    """Hiding twice changes nothing more."""
    once, _ = hide_plate(["YX69NPO"], "buses")

    assert hide_plate(once, "buses") == (once, 0)


@given(st.lists(st.text(alphabet=string.ascii_letters + string.digits + " _-é", max_size=9), max_size=8))
def test_the_quick_look_at_all_agrees_with_a_look_at_each(texts):
    """The check of the joined text finds a plate exactly when one of the texts is one."""
    assert may_hold_plates(texts) == any(holds_plate(t) for t in texts)


@given(st.lists(st.from_regex(r"\A(?:[A-Z]{2}[0-9]{2}[ _-]?[A-Z]{3}|[0-9]{1,4})\Z"), max_size=8))
def test_no_plate_is_left(texts):
    """After hiding, no text has the form of a plate."""
    hidden, count = hide_plate(texts, "buses")

    assert not any(holds_plate(t) for t in hidden)
    assert count == sum(holds_plate(t) for t in texts)
