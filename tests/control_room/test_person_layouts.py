"""Layouts of people over HTTP: what is taken, what is refused and in which words, what outlasts a restart."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from urllib.parse import urlencode

import orjson
import pytest

from control_room.clock import FixedClock
from control_room.person_layouts import PATH, LayoutError, PersonLayouts, decode_layout, decode_person, find_fault
from control_room.storage.store import Store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LAYOUT = {
    "theme": "light",
    "panels": ["fleet", "network"],
    "sizes": {"alarms": 37.5},
    "hidden": ["detail"],
    "layers": [],
}


def body(**changes) -> bytes:
    return orjson.dumps({"person": "Anna", "layout": {**LAYOUT, **changes}})


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path, "sandbox")
    made.open()
    yield made
    made.close()


def ask(layouts: PersonLayouts, method: str, query: dict[str, str] | None = None, sent: bytes = b""):
    """(status, content) of one request."""
    messages = []

    async def receive():
        return {"type": "http.request", "body": sent, "more_body": False}

    async def send(message):
        messages.append(message)

    scope = {"type": "http", "method": method, "path": PATH, "query_string": urlencode(query or {}).encode()}
    asyncio.run(layouts.serve(scope, receive, send))
    return messages[0]["status"], orjson.loads(messages[1]["body"])


def test_a_layout_is_kept_and_found_again_by_another_process(store, tmp_path):
    """Whatever the case of the name; the moment is the server's."""
    assert ask(PersonLayouts(store, FixedClock(NOW)), "POST", sent=body()) == (
        200,
        {"saved_at": "2026-03-01T12:00:00.000Z"},
    )
    store.close()
    again = Store(tmp_path, "sandbox")
    again.open()
    try:
        found = ask(PersonLayouts(again, FixedClock(NOW)), "GET", {"person": "  anna "})
    finally:
        again.close()

    assert found == (200, {"layout": LAYOUT, "saved_at": "2026-03-01T12:00:00.000Z"})


def test_who_has_none_gets_null(store):
    """And not an error: the page shows its usual layout."""
    assert ask(PersonLayouts(store, FixedClock(NOW)), "GET", {"person": "Ben"}) == (
        200,
        {"layout": None, "saved_at": None},
    )


def test_a_replay_and_a_closed_database_say_so(tmp_path):
    """503 and why: the page then keeps the layout itself."""
    shut = PersonLayouts(Store(tmp_path, "sandbox"), FixedClock(NOW))

    assert ask(PersonLayouts(None, FixedClock(NOW)), "POST", sent=body()) == (
        503,
        {"error": "a replay keeps no layouts"},
    )
    assert ask(shut, "GET", {"person": "Anna"}) == (503, {"error": "the database is not open yet"})


def test_a_database_that_is_damaged_is_said_in_our_words(store):
    """No text of the driver, no path, no statement."""
    with store.journal.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE person_layout")
    status, content = ask(PersonLayouts(store, FixedClock(NOW)), "POST", sent=body())

    assert status == 503
    assert content["error"].startswith("the database: ")
    assert "person_layout" not in content["error"]


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (b"{", "the body is not JSON"),
        (b"[]", "the body: "),
        (orjson.dumps({"layout": LAYOUT}), "person: "),
        (orjson.dumps({"person": "\u202e ", "layout": LAYOUT}), "person: "),
        (body(theme="pink"), "layout.theme: "),
        (body(panels=["../etc"]), "layout.panels.0: "),
        (body(panels=["fleet"] * 25), "layout.panels: "),
        (body(sizes={"alarms": 0.5}), "layout.sizes"),
        (body(sizes={"alarms": "wide"}), "layout.sizes"),
        (body(more=1), "layout: "),
    ],
)
def test_what_is_no_layout_is_refused_with_its_place(sent, place):
    """At the gate, before anything of it is used; the value is not repeated."""
    fault = find_fault(PATH, sent)

    assert fault is not None
    assert fault.startswith(place)
    assert "etc" not in fault
    assert "pink" not in fault
    with pytest.raises(LayoutError):
        decode_layout(sent)


def test_other_paths_are_not_judged():
    """The gate asks about every post."""
    assert find_fault("/alarms/commands", b"{") is None


@pytest.mark.parametrize("query", [b"", b"person=", b"person=a&person=b", b"name=a", b"person=%ff"])
def test_a_query_without_one_name_is_refused(query):
    """Nobody gets the layout of nobody."""
    with pytest.raises(LayoutError):
        decode_person(query)
