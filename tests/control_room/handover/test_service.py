"""Handovers in the running product: on the disk before it is confirmed, and the same after any end."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from control_room.clock import FixedClock
from control_room.handover.service import LISTED_MOST, HandoverService, list_old
from control_room.handover.shifts import parse_shifts
from control_room.storage.handover import HandoverStore
from control_room.storage.store import Store
from layouts.panel import View
from tests.control_room.handover.room import NOON, Room
from tests.layouts.tables import view_with

PLAN = parse_shifts("Day 07:00, Night 19:00")
numbers = iter(range(10**6, 10**7))


@cache
def _view() -> View:
    return view_with(now=NOON, mode="sandbox")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path, "sandbox")
    made.open()
    yield made
    made.close()


def service_of(store: Store | None, clock=None, keep_days: float = 0) -> HandoverService:
    """A service that has read its database."""
    clock = clock or FixedClock(NOON)
    service = HandoverService(store, clock, _view, PLAN, keep_days)
    if store is not None:
        service.open()
    return service


def send(service: HandoverService, method: str, path: str, query: bytes = b"", body: bytes = b"") -> tuple[int, Any]:
    sent: list[dict[str, Any]] = []

    async def keep(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"body": body}

    asyncio.run(service.serve({"method": method, "path": path, "query_string": query}, receive, keep))
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(sent[1]["body"])).encode()
    return sent[0]["status"], orjson.loads(sent[1]["body"])


def order(service: HandoverService, do: str, by: str = "Anna", **fields: Any) -> tuple[int, Any]:
    command = {"command": f"command-{next(numbers)}"}
    return send(service, "POST", "/handover/commands", body=orjson.dumps({"do": do, "by": by} | command | fields))


def ask(service: HandoverService, path: str, query: str = "") -> tuple[int, Any]:
    return send(service, "GET", f"/handover/{path}", query.encode())


def sign(service: HandoverService, by: str = "Anna", **more: Any) -> str:
    """Signs, and gives the SHA-256 of what was signed."""
    assert order(service, "sign", by, first="The barrier at H6 is open.", **more)[0] == 200
    return ask(service, "state")[1]["sheets"][0]["sha256"]


def test_a_shift_is_handed_over_and_is_there_after_a_restart(store):
    """Draft, note, signature, question, answer, acceptance; then another process reads the very same."""
    service = service_of(store)
    assert "What would be signed now" in str(ask(service, "sheet", "number=draft"))
    assert order(service, "note", about="place", key="Bleak Hall", text="Barrier open.", for_s=3600)[0] == 200
    digest = sign(service)
    assert order(service, "question", "Ben", sheet=1, text="Since when?")[0] == 200
    assert order(service, "answer", sheet=1, text="Since ten.")[0] == 200
    assert order(service, "accept", "Ben", sheet=1, sha256=digest, how="by_telephone")[0] == 200

    again = service_of(store)
    assert again.book == service.book
    for one in (service, again):
        _, said = ask(one, "sheet", "number=1")
        text = str(said["sheet"])
        assert all(w in text for w in ("Handover 1", "The barrier at H6 is open.", "Barrier open.", "SANDBOX", digest))
        assert "Not to be trusted" not in text
        assert (said["told"]["state"], said["told"]["accepted_by"]) == ("accepted", "Ben")
    assert ask(again, "state")[1]["waiting"] is None


def test_the_file_is_the_very_bytes_that_were_signed(store):
    """Whoever hashes it gets the figure that stands on the sheet."""
    service = service_of(store)
    digest = sign(service)
    facts = HandoverStore(store.journal.engine).find_facts(1)
    assert sha256(facts.encode()).hexdigest() == digest
    assert ask(service, "file", "number=1")[1] == orjson.loads(facts)


def test_facts_are_frozen_when_they_are_signed(store):
    """What happens afterwards is on the next sheet, which begins where the last accepted one ended."""
    clock = FixedClock(NOON)
    service = service_of(store, clock)
    digest = sign(service)
    before = ask(service, "file", "number=1")[1]
    order(service, "accept", "Ben", sheet=1, sha256=digest, how="read_alone")
    clock.advance(3 * 3600)
    order(service, "note", text="later", about="room", key="room", for_s=60)
    assert ask(service, "file", "number=1")[1] == before
    state = ask(service, "state")[1]
    assert state["since"] == NOON.isoformat() and state["since_why"] == "handover 1, the last that was accepted"


def test_the_same_request_sent_again_does_nothing(store):
    """A confirmation that got lost is asked for again without harm, also after a restart."""
    body = orjson.dumps({"do": "sign", "by": "Anna", "command": "the-same-one", "first": "Nothing."})
    service = service_of(store)
    first = send(service, "POST", "/handover/commands", body=body)
    again = send(service_of(store), "POST", "/handover/commands", body=body)
    assert first == (200, {"done": ["sheet 1"], "already": False})
    assert again == (200, {"done": ["sheet 1"], "already": True})
    assert send(service, "POST", "/handover/commands", body=body)[1]["already"] is True


def test_two_who_sign_at_the_same_moment_make_one_sheet(store):
    """One is confirmed, the other is told who was first, and may say that theirs replaces it."""
    service = service_of(store)
    answers: list[tuple[int, Any]] = []
    begin = threading.Barrier(8)

    def one(number: int) -> None:
        begin.wait()
        answers.append(order(service, "sign", f"Person {number}", first="Mine."))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(status for status, _ in answers) == [200] + [409] * 7
    assert all("waits to be accepted" in said["error"] for status, said in answers if status == 409)
    assert list(service.book.sheets) == [1]
    assert order(service, "sign", "Person 9", first="Mine.", replaces=1)[0] == 200
    assert [s.state for s in service.book.sheets.values()] == ["replaced", "waiting"]


def test_what_cannot_be_written_is_not_confirmed(store, tmp_path):
    """Another program holds the file: the answer says that nothing was done, and nothing was."""
    service = service_of(store)
    holder = sqlite3.connect(tmp_path / "sandbox.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        status, said = order(service, "sign", first="Nothing.")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert status == 503 and said["error"].startswith(("nothing was done", "not known whether it was done"))
    service.open()
    assert not service.book.sheets
    assert sign(service)


def test_a_sheet_that_was_changed_in_the_database_says_so(store):
    """It is still shown, under a line that it is not to be trusted."""
    service = service_of(store)
    sign(service)
    with sqlite3.connect(store.path) as database:
        database.execute("DROP TRIGGER handover_sheet_unchanged")
        database.execute("UPDATE handover_sheet SET facts_json = replace(facts_json, 'is open', 'is shut')")
    text = str(ask(service, "sheet", "number=1")[1]["sheet"])
    assert "is shut" in text and "Not to be trusted: its facts are not those that were signed." in text


@pytest.mark.parametrize(
    ("path", "query", "status", "says"),
    [
        ("sheet", "number=7", 404, "there is no such handover"),
        ("sheet", "number=-1", 404, "there is no such handover"),
        ("sheet", "number=%D9%A3", 404, "there is no such handover"),
        ("file", "number=draft", 404, "there is no such handover"),
        ("sheet", "", 400, "the query takes number, each once"),
        ("sheet", "number=1&number=2", 400, "the query takes number"),
        ("state", "x=1", 400, "there is no query here"),
        ("notes", "kind=cell", 400, "the query takes kind and key"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_taken(store, path, query, status, says):
    """In words, without what was asked."""
    found, said = ask(service_of(store), path, query)
    assert found == status and says in said["error"]


def test_old_handovers_are_found_page_by_page(store):
    """Each once, however many there are."""
    service = service_of(store)
    for _ in range(LISTED_MOST + 3):
        sign(service)
        order(service, "withdraw", sheet=max(service.book.sheets), text="again")
    state = ask(service, "state")[1]
    numbers = [s["number"] for s in state["sheets"]]
    assert (len(numbers), state["sheets_more"]) == (LISTED_MOST, 3)
    status, earlier = ask(service, "sheets", f"before={numbers[-1]}")
    assert (status, earlier["sheets_more"]) == (200, 0)
    assert numbers + [s["number"] for s in earlier["sheets"]] == list(range(LISTED_MOST + 3, 0, -1))
    assert ask(service, "sheets", "before=1")[1] == {"sheets": [], "sheets_more": 0}


def test_hostile_text_is_kept_as_text(store):
    """Markup is words; what turns the way of reading is taken out."""
    service = service_of(store)
    text = '<img src=x onerror="alert(1)">\u202e{{constructor}}'
    order(service, "note", text=text, about="other", key=text, for_s=60)
    sign(service, by="<script>Eve</script>")
    [note] = ask(service, "state")[1]["notes"]
    assert note["text"] == note["key"] == '<img src=x onerror="alert(1)">{{constructor}}'
    sheet = ask(service, "sheet", "number=1")[1]["sheet"]
    assert "dangerously_allow_html" not in str(sheet) and note["text"] in str(sheet).replace("\\", "")


def test_a_replay_keeps_no_handovers():
    """It shows what was, and promises nothing."""
    status, said = ask(service_of(None), "state")
    assert status == 503 and said["error"] == "a replay keeps no handovers"


def test_before_the_database_is_open_nothing_is_promised(tmp_path):
    """And once it is, everything is there."""
    store = Store(tmp_path, "sandbox")
    service = service_of(store)
    assert order(service, "sign", first="Nothing.") == (503, {"error": "the database is not open yet"})
    store.open()
    service.open()
    assert order(service, "sign", first="Nothing.")[0] == 200
    store.close()


def test_what_ended_long_ago_is_let_go(store):
    """With all its words; what waits, what is open and the newest of each stay."""
    clock = FixedClock(NOON)
    service = service_of(store, clock, keep_days=30)
    order(service, "note", text="short", about="room", key="room", for_s=60)
    order(service, "note", text="open", about="room", key="room", for_s=80 * 86_400)
    order(service, "note", text="newest", about="room", key="room", for_s=60)
    for _ in range(2):
        order(service, "accept", "Ben", sheet=len(service.book.sheets) + 1, sha256=sign(service), how="read_alone")
    service._let_go(NOON + timedelta(days=29))
    assert (list(service.book.notes), list(service.book.sheets)) == ([1, 2, 3], [1, 2])
    service._let_go(NOON + timedelta(days=31))
    assert (list(service.book.notes), list(service.book.sheets)) == ([2, 3], [2])
    assert service_of(store).book == service.book
    assert ask(service, "file", "number=1")[0] == 404


def test_a_sheet_that_waits_is_never_let_go():
    """However old it is."""
    room = Room()
    room.do("sign")
    room.do("sign", "Ben", replaces=1)
    assert list_old(room.book, room.now + timedelta(days=999)) == ["sheet 1"]


def test_notes_stand_beside_a_thing_with_what_is_written_there(store):
    """Who asks for them is told what a note would be about."""
    service = service_of(store)
    order(service, "note", text="here", about="place", key="Bleak Hall", for_s=60)
    status, said = ask(service, "notes", "kind=place&key=Bleak%20Hall")
    assert status == 200 and [(n["text"], n["near"]) for n in said["notes"]] == [("here", "")]
    assert (said["about"], said["key"], said["label"], said["zone"]) == (
        "place",
        "Bleak Hall",
        "Bleak Hall",
        "Europe/London",
    )


def test_the_database_may_fail_and_come_back_while_it_runs(store, tmp_path):
    """What runs beside it reads the book anew; nobody has to start anything."""
    service = service_of(store)
    sign(service)
    service._kept = None

    async def live() -> None:
        task = asyncio.create_task(service.run())
        async with asyncio.timeout(60):
            while service._kept is None:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(live())
    assert list(service.book.sheets) == [1]
