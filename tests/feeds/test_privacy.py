"""Plates go in, pseudonyms come out, everything else passes."""

from __future__ import annotations

import hashlib
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds import privacy
from feeds.privacy import (
    EMAIL,
    HOME,
    INSURANCE,
    PHONE,
    PLATE,
    find_identifier,
    hide_identifiers,
    hide_plate,
    holds_plate,
    may_hold_plates,
    names_person,
    names_plate,
    pseudonym,
    repeats_plate,
)

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


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("ann.example@example.org", EMAIL),
        ("mailto:a@b.uk", EMAIL),
        ("seen by <ann@council.gov.uk>, closed", EMAIL),
        ("01908 123456", PHONE),
        ("call 07700 900123 today", PHONE),
        ("07700900123 (mobile)", PHONE),
        ("+44 7700 900123", PHONE),
        ("+44 (0)1908 123 456", PHONE),
        ("(020) 7946 0000", PHONE),
        ("0044 1908 123456", PHONE),
        ("KX21 CNY", PLATE),
        ("KX21CNY", PLATE),
        ("parked: KX21 CNY, moved", PLATE),
        ("AB123456C", INSURANCE),
        ("NI AB 12 34 56 C.", INSURANCE),
        ("12 Acacia Avenue, Bletchley MK3 6AB", HOME),
        ("Flat 2, 7a St. Mary's Road, Milton Keynes MK9 3XS", HOME),
    ],
)
def test_a_direct_identifier_is_found_and_hidden(text, sort):
    """Each sort in the ways that people write it; hidden, nothing of it is left that would be found again."""
    assert find_identifier(text) == sort
    assert find_identifier(hide_identifiers(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "84023",  # a fleet number
        "SCMK-15423",
        "07700900123",  # a cell id, a journey code: digits alone say nothing
        "23430012345678",
        "MKC012A",  # a sector of a cell site, and the form of a plate of 1970
        "H6 V12",
        "A421 at M1 J13",
        "P123 ABC",
        "ROAD CLOSED IN MK17 DUE TO WORKS",
        "MK14 BUS GATE",
        "MK9 3XS",
        "Silbury Boulevard, MK9 3XS",
        "call 0300 123 4567",  # an organisation's, by its first digits
        "0800 555 111",
        "2026-07-01T12:00:00Z",
        "2026-07-01 07:25:00",
        "4a1524f3-8182-4b55-90c2-023c0cac84b9",
        "52.0409,-0.7564",
        "0 1 2 3 4 5 6 7 8 9 1 2",
        "POINT (-0.7564 52.0409)",
        "urn:ngsi-ld:Vehicle:mk-17",
        "plate-0123456789",
        "049004 12 Station Square",
        "GB123456C",  # no such prefix
        "@handle and more",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text):
    """Ids, places, times and numbers of offices: a fault that is no fault teaches people to look away."""
    assert find_identifier(text) is None


@pytest.mark.parametrize(
    "name",
    [
        "driver_name", "DriverRef", "driverId", "driver", "Driver-Name", "first_name", "surname", "familyName", "e-mail",
        "contactEmail", "phoneNumber", "Telephone", "nationalInsuranceNumber", "NINO", "date_of_birth", "DOB",
        "operator_location", "operator_position", "IMSI", "imei",
        "passengerName", "requestorName", "homeAddress",
    ],
)  # fmt: skip
def test_a_field_can_be_about_a_person_by_its_name(name):
    """However suppliers write it."""
    assert names_person(name)


@pytest.mark.parametrize(
    "name",
    [
        "drivers_available", "driver_count", "name", "stop_name", "agency_name", "operator_ref", "operator_id", "vehicle_ref",
        "location", "address", "registration_date", "contact", "phone_support_hours", "measuredEntityUserName", "mobile",
        "Mobile", "emailed_at", "dobbin", "plateau", "driverConditionType",
    ],
)  # fmt: skip
def test_a_name_that_only_sounds_like_it_is_none(name):
    """Counts, companies and things have names too."""
    assert not names_person(name)


@given(st.text(max_size=200))
def test_hiding_never_fails_and_leaves_nothing_that_is_found(text):
    """Whatever stands in an error text."""
    assert find_identifier(hide_identifiers(text)) is None


def test_a_very_long_text_costs_little():
    """Patterns are tried on its beginning: a hundred thousand near misses are no way to hold up a poll."""
    for near in ("a" * 100_000 + "@", "07700 90012" * 9_000, "12 " + "Aa " * 30_000, "@" * 100_000, "a@a." * 25_000):
        began = time.thread_time()
        find_identifier(near)
        assert time.thread_time() - began < 1.0


def test_a_field_can_be_of_number_plates_by_its_name():
    """However suppliers write it; a date of registration is none."""
    assert all(
        map(
            names_plate,
            ("numberPlate", "license_plate", "licencePlate", "VRM", "vehicle-registration", "registration_number"),
        )
    )
    assert not any(map(names_plate, ("registration_date", "plateau", "vehicle_ref", "template")))
