"""Orders to displays: what may be said, and that nothing else is understood."""

from __future__ import annotations

import json

import pytest

from control_room.display_requests import WishError, decode_wish, find_fault, is_ours

PLACES = frozenset({"/", "/wall", "/wall/table", "/wall/*", "/alarms"})
GOOD = {"display": "a1b2c3d4", "do": "identify", "by": "Jane"}


def body(**more: object) -> bytes:
    return json.dumps(GOOD | more).encode()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"do": "reload"},
        {"do": "retire"},
        {"do": "rename", "name": "North wall"},
        {"do": "go", "address": "/wall/table"},
        {"do": "go", "address": "/wall/north?follow=47"},
        {"do": "expect", "missing_after_s": 600, "hours": ""},
        {"do": "expect", "missing_after_s": 600.5, "hours": "mon-fri 07:00-19:00"},
    ],
)
def test_each_order_is_understood_with_what_belongs_to_it(more):
    """Whole numbers and halves alike."""
    wish = decode_wish(body(**more), PLACES)
    assert wish.do == more.get("do", "identify") and wish.by == "Jane"
    assert find_fault("/admin/screens/orders", body(**more), PLACES) is None


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"do": "explode"}, "do:"),
        ({"display": "a b"}, "display:"),
        ({"display": "x"}, "display:"),
        ({"by": ""}, "by:"),
        ({"by": "\u202e\u200b"}, "by:"),
        ({"by": 5}, "by:"),
        ({"do": "rename"}, "rename needs name"),
        ({"name": "North"}, "identify takes no name"),
        ({"do": "go"}, "go needs address"),
        ({"do": "expect", "missing_after_s": 5, "hours": ""}, "missing_after_s:"),
        ({"do": "expect", "missing_after_s": float("nan"), "hours": ""}, "the body is not JSON"),
        ({"do": "expect", "missing_after_s": 600, "hours": "sometimes"}, "hours:"),
        ({"why": "x"}, "the body:"),
    ],
)
def test_what_is_wrong_is_said_and_not_repeated(more, fault):
    """The place first; never the value."""
    with pytest.raises(WishError) as caught:
        decode_wish(body(**more), PLACES)
    assert fault in str(caught.value)
    assert "explode" not in str(caught.value) and "sometimes" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b"\xff", b'{"display":"a1b2c3d4"}', b"9" * 60_000])
def test_what_is_no_order_at_all_is_refused(raw):
    """Whatever it is."""
    assert find_fault("/admin/screens/orders", raw, PLACES) is not None
    assert find_fault("/elsewhere", raw, PLACES) is None


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example/wall",
        "https://evil.example/wall",
        "javascript:alert(1)",
        "/\\evil.example",
        "/wall/../admin",
        "/wall//table",
        "/wall/%2e%2e/admin",
        "/nowhere",
        "/walls",
        "/wall/north/extra",
        "wall",
        "",
        "/wall\n/alarms",
        "/wäll",
        "/wall?x=\u202e",
    ],
)
def test_a_display_is_sent_to_screens_of_ours_only(address):
    """Nothing that another page, a script or an older browser could read as somewhere else."""
    assert not is_ours(address, PLACES)
    with pytest.raises(WishError, match="address"):
        decode_wish(body(do="go", address=address), PLACES)


@pytest.mark.parametrize(
    "address", ["/wall", "/wall/", "/", "/alarms?alarm=a%7Cb", "/wall/north", "/wall?follow=robot+47"]
)
def test_screens_of_ours_are_taken_with_their_query(address):
    """A slash at the end is the same screen."""
    assert is_ours(address, PLACES)
