"""What may be asked of handovers: everything else is refused with what, where and what to do, and none of it is repeated."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_room.handover.requests import (
    ABOUT,
    WishError,
    clean_lines,
    decode_query,
    decode_wish,
    find_fault,
)

SIGN = {"do": "sign", "by": "Anna", "command": "0123456789abcdef", "first": "Nothing."}
ACCEPT = {
    "do": "accept",
    "by": "Ben",
    "command": "0123456789abcdef",
    "sheet": 3,
    "sha256": "a" * 64,
    "how": "read_alone",
}
NOTE = {
    "do": "note",
    "by": "Anna",
    "command": "0123456789abcdef",
    "about": "place",
    "key": "Bleak Hall",
    "text": "Barrier open.",
    "for_s": 3600,
}


def decode(wish: dict, **more):
    return decode_wish(orjson.dumps({k: v for k, v in (wish | more).items() if v is not ...}))


@pytest.mark.parametrize("wish", [SIGN, ACCEPT, NOTE])
def test_a_whole_wish_is_read(wish):
    """Every field as it was given."""
    read = decode(wish)
    assert {name: getattr(read, name) for name in wish} == wish


@pytest.mark.parametrize("about", ABOUT)
def test_a_note_may_be_about_any_sort_of_thing(about):
    """A point has a key that is a position."""
    assert decode(NOTE, about=about, key="52.04,-0.76").about == about


def test_a_moment_is_told_in_any_zone_and_kept_in_utc():
    """Only one without a zone is refused."""
    read = decode(NOTE, for_s=..., until="2026-07-01T12:00:00+01:00")
    assert read.until == datetime(2026, 7, 1, 11, tzinfo=UTC) and read.until.tzinfo is UTC
    with pytest.raises(WishError, match=r"^until: "):
        decode(NOTE, for_s=..., until="2026-07-01T12:00:00")


@pytest.mark.parametrize(
    ("wish", "more", "says"),
    [
        (SIGN, {"first": ...}, "say what the next shift must know first; where it is nothing, say so"),
        (SIGN, {"first": " \u200b\n "}, "say what the next shift must know first"),
        (SIGN, {"first": "x" * 4001}, "first: 4,000 characters at most; it has 4,001"),
        (SIGN, {"first": "x\n" * 101}, "first: 100 lines at most"),
        (SIGN, {"by": ""}, "by: "),
        (SIGN, {"by": "\u202e\u200b"}, "by: "),
        (SIGN, {"command": "short"}, "command: "),
        (SIGN, {"command": "../../etc/passwd"}, "command: "),
        (SIGN, {"do": "burn"}, "do: "),
        (SIGN, {"sheet": 3}, "sign takes no sheet"),
        (SIGN, {"sheets": 3}, "Extra inputs are not permitted"),
        (SIGN, {"replaces": 0}, "replaces: "),
        (SIGN, {"replaces": "3"}, "replaces: "),
        (ACCEPT, {"how": ...}, "say how it was talked over: face_to_face, by_telephone, read_alone"),
        (ACCEPT, {"how": "by_post"}, "how: "),
        (ACCEPT, {"sha256": "A" * 64}, "sha256: "),
        (ACCEPT, {"sheet": ...}, "accept needs sheet"),
        (NOTE, {"text": ""}, "write what it is about"),
        (NOTE, {"text": 5}, "text: "),
        (NOTE, {"about": "resident"}, "about: "),
        (NOTE, {"about": "point", "key": "Bleak Hall"}, "a point is latitude,longitude"),
        (NOTE, {"about": "point", "key": "52.04,-190"}, "a point is latitude,longitude"),
        (NOTE, {"about": "point", "key": "nan,0"}, "a point is latitude,longitude"),
        (NOTE, {"for_s": ...}, "until or for_s, one of both"),
        (NOTE, {"until": "2026-07-01T12:00:00Z"}, "until or for_s, one of both"),
        (NOTE, {"for_s": 0}, "for_s: "),
        (NOTE, {"for_s": 1e12}, "for_s: "),
        (NOTE, {"for_s": ..., "until": "9999-12-31T23:59:59Z"}, "until: the year must be 1970 to 2999"),
        (NOTE | {"do": "add", "about": ..., "key": ..., "for_s": ...}, {}, "sheet or note, one of both"),
    ],
)
def test_a_wrong_wish_is_refused_with_its_field(wish, more, says):
    """What is wrong and where; in the gate the same words."""
    with pytest.raises(WishError) as refused:
        decode(wish, **more)
    assert says in str(refused.value)
    body = orjson.dumps({k: v for k, v in (wish | more).items() if v is not ...})
    assert find_fault("/handover/commands", body) == str(refused.value)
    assert find_fault("/elsewhere", body) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"sign"', b"\xff", b"[" * 5000, b'{"do": 1e999}'])
def test_what_is_no_wish_is_refused(body):
    """In one line, without what was sent."""
    with pytest.raises(WishError) as refused:
        decode_wish(body)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 200


def test_a_refusal_repeats_nothing_of_what_was_sent():
    """What somebody wrote does not come into logs by way of an error."""
    with pytest.raises(WishError) as refused:
        decode(NOTE, about="secret-of-a-resident", extra_secret="x")
    assert "secret-of-a-resident" not in str(refused.value)


def test_hidden_characters_are_taken_out_and_lines_are_kept():
    """Nothing that turns the way of reading, no control character; at most one blank line."""
    assert clean_lines("one\u202e\r\n\n\n\x00two\u200b\n") == "one\n\ntwo"
    assert clean_lines("<b>not bold</b>") == "<b>not bold</b>"


@given(st.text(max_size=300))
def test_cleaning_is_done_once(text):
    """What was cleaned is not changed by cleaning it again."""
    once = clean_lines(text)
    assert clean_lines(once) == once
    assert once == once.strip()


def test_a_query_holds_just_what_is_asked_for():
    """Each name once, none empty, nothing else."""
    assert decode_query(b"kind=cell&key=MK%2017", "kind", "key") == ("cell", "MK 17")
    assert decode_query(b"") == ()
    for query in (
        b"kind=cell",
        b"kind=&key=1",
        b"kind=a&key=1&key=2",
        b"kind=a&key=1&x=2",
        b"kind=a&key=%ff",
        b"key=" + b"x" * 401 + b"&kind=a",
    ):
        with pytest.raises(WishError):
            decode_query(query, "kind", "key")


def _as_json(fields: dict) -> bytes:
    return json.dumps(fields).encode()


@given(
    st.binary(max_size=200)
    | st.dictionaries(
        st.sampled_from([*NOTE, *SIGN, *ACCEPT, "x"]),
        st.none() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.text(max_size=3)),
        max_size=12,
    ).map(_as_json)
)
def test_no_bytes_break_the_gate(body):
    """Whatever is sent: a wish, or one line that says what is wrong."""
    fault = find_fault("/handover/commands", body)
    assert fault is None or ("\n" not in fault and 0 < len(fault) < 300)
