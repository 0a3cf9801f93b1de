"""Plates go in, pseudonyms come out, everything else passes."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.privacy import hide_plate, is_plate, may_hold_plates, pseudonym

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
]


@pytest.mark.parametrize("plate", PLATES)
def test_a_plate_is_replaced(plate):
    """Each form of plate, with space, dash, underscore or none, leaves as a pseudonym that does not hold it."""
    hidden, count = hide_plate(["17", plate, None], "buses")

    assert count == 1
    assert hidden[0] == "17"
    assert hidden[2] is None
    assert hidden[1] == "plate-" + hashlib.blake2b(plate.encode(), key=b"buses").hexdigest()[:10]


@pytest.mark.parametrize("text", NO_PLATES)
def test_what_is_no_plate_passes(text):
    """Fleet numbers, dateless forms and longer texts stay as they are."""
    assert hide_plate([text], "buses") == ([text], 0)


def test_a_plate_has_one_name_in_a_feed_and_another_elsewhere():
    """The pseudonym is stable within a feed, so a vehicle can be followed, and does not join two feeds."""
    assert pseudonym("YX69NPO", "buses") == pseudonym("YX69NPO", "buses")
    assert pseudonym("YX69NPO", "buses") != pseudonym("YX69NPO", "coaches")
    assert not is_plate(pseudonym("YX69NPO", "buses"))


def test_a_pseudonym_stays_what_it_is():
    """Hiding twice changes nothing more."""
    once, _ = hide_plate(["YX69NPO"], "buses")

    assert hide_plate(once, "buses") == (once, 0)


@given(st.lists(st.text(alphabet=string.ascii_letters + string.digits + " _-é", max_size=9), max_size=8))
def test_the_quick_look_at_all_agrees_with_a_look_at_each(texts):
    """The check of the joined text finds a plate exactly when one of the texts is one."""
    assert may_hold_plates(texts) == any(is_plate(t) for t in texts)


@given(st.lists(st.from_regex(r"\A(?:[A-Z]{2}[0-9]{2}[ _-]?[A-Z]{3}|[0-9]{1,4})\Z"), max_size=8))
def test_no_plate_is_left(texts):
    """After hiding, no text has the form of a plate."""
    hidden, count = hide_plate(texts, "buses")

    assert not any(is_plate(t) for t in hidden)
    assert count == sum(is_plate(t) for t in texts)
