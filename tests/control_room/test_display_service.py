"""Orders to displays: written down before they are sent, refused where they cannot be, and never done by halves."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from control_room.clock import FixedClock
from control_room.display_service import DisplayService
from control_room.live import LiveHub, Screen
from control_room.storage.audit import AuditStore
from control_room.storage.displays import DisplayStore
from control_room.storage.store import Store

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path, "sandbox")
    made.open()
    yield made
    made.close()


def service_of(store: Store | None, *screens: Screen) -> DisplayService:
    """A service that has read its database, and these connections."""
    hub = LiveHub(FixedClock(NOON), "sandbox")
    hub.screens.update(enumerate(screens))
    service = DisplayService(store, hub, FixedClock(NOON), {"/wall", "/feeds"})
    if store is not None:
        service._open()
    return service


def wall(**more: Any) -> Screen:
    return Screen(
        **({"name": "wall", "audience": "wall", "seen_at": NOON, "display": "a1b2c3", "address": "/wall"} | more)
    )


def ask(service: DisplayService, **wish: Any) -> tuple[int, dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"body": orjson.dumps({"display": "a1b2c3", "by": "Jane"} | wish)}

    asyncio.run(service.serve({}, receive, send))
    return sent[0]["status"], orjson.loads(sent[1]["body"])


def test_a_name_is_known_after_a_restart_with_all_that_was_said_of_it(store):
    """Name, hours and patience; a retired display stays known and is expected no more."""
    service = service_of(store, wall(build="b1"))
    assert ask(service, do="rename", name="North wall")[0] == 200
    assert ask(service, do="expect", missing_after_s=600, hours="Mon-Fri 07:00-19:00 ")[0] == 200

    [known] = service_of(store).book.known.values()
    assert (known.name, known.hours, known.missing_after_s) == ("North wall", "mon-fri 07:00-19:00", 600)
    assert (known.screen, known.address, known.build, known.first_seen_at) == ("wall", "/wall", "b1", NOON)
    assert ask(service, do="retire")[0] == 200
    assert service_of(store).book.known["a1b2c3"].retired_at == NOON


def test_a_kiosk_is_given_a_name_and_no_orders(store):
    """A public screen is not in our own hub: it can be named and expected, but is told nothing, and that is said."""
    kiosk = Screen("experience", "public", NOON, display="experience-north-door", since=NOON)
    service = service_of(store)
    service.list_screens = lambda: {10**9: kiosk}
    named = ask(service, display="experience-north-door", do="rename", name="North door")
    told = ask(service, display="experience-north-door", do="reload")

    assert named == (200, {"sent": 0, "order": None})
    assert told[0] == 409 and "takes no orders" in told[1]["error"]
    assert not service.book.orders
    assert service_of(store).book.known["experience-north-door"].name == "North door"


def test_who_did_what_is_written_down(store):
    """Also what needs no display to hear it; nothing is written of what was refused."""
    service = service_of(store, wall(left_at=NOON))
    assert ask(service, do="rename", name="North wall") == (200, {"sent": 0, "order": None})
    assert ask(service, do="reload")[0] == 409
    [deed] = AuditStore(store.journal.engine).list_newest()
    assert (deed.at, deed.who, deed.what, deed.thing) == (NOON, "Jane", "display.rename", "a1b2c3")
    assert deed.facts["name"] == "North wall" and deed.facts["identity"] == "demo"


def test_what_cannot_be_written_is_not_done(store, tmp_path):
    """Another program holds the file: the answer says so, the display keeps its name and is told nothing."""
    service = service_of(store, wall())
    holder = sqlite3.connect(tmp_path / "sandbox.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        status, said = ask(service, do="rename", name="North wall")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert status == 503 and said["error"].startswith("nothing was done")
    assert not service.book.known and not service.book.orders
    assert DisplayStore(store.journal.engine).list_all() == []


def test_a_replay_takes_no_orders():
    """It keeps nothing, so it promises nothing."""
    status, said = ask(service_of(None, wall()), do="identify")
    assert status == 503 and "a replay takes no orders" in said["error"]


@pytest.mark.parametrize(
    ("screens", "wish", "status"),
    [
        ((), {"do": "identify"}, 404),
        ((wall(left_at=NOON),), {"do": "go", "address": "/feeds"}, 409),
        ((wall(),), {"do": "retire"}, 409),
        ((wall(),), {"do": "expect", "missing_after_s": 60, "hours": ""}, 409),
        ((wall(),), {"do": "go", "address": "/elsewhere"}, 400),
    ],
)
def test_what_cannot_be_done_is_refused(store, screens, wish, status):
    """With the reason, and without a line in the audit."""
    assert ask(service_of(store, *screens), **wish)[0] == status
    assert AuditStore(store.journal.engine).list_newest() == []


def test_what_a_display_answers_is_written_after_the_order(store):
    """In a step of its own, as nobody waits for it; an answer to no order is nothing."""
    service = service_of(store, wall())
    service.obeyed("a1b2c3", "never", "done", "")
    assert ask(service, do="identify")[0] == 200
    order = service.book.orders["a1b2c3"]
    service.obeyed("a1b2c3", order.order, "refused", "its page is not visible")
    asyncio.run(service._look())
    answer, told = AuditStore(store.journal.engine).list_newest()
    assert (told.what, answer.what, answer.who) == ("display.identify", "display.identify.result", "display")
    assert (answer.facts["result"], answer.facts["why"]) == ("refused", "its page is not visible")


def test_when_a_named_display_was_last_seen_is_kept(store):
    """So that its absence is known after a restart."""
    screen = wall()
    service = service_of(store, screen)
    ask(service, do="rename", name="North wall")
    screen.seen_at, screen.address = NOON + timedelta(minutes=5), "/feeds"
    asyncio.run(service._look())
    [kept] = DisplayStore(store.journal.engine).list_all()
    assert (kept.last_seen_at, kept.address) == (NOON + timedelta(minutes=5), "/feeds")


def test_a_late_note_of_what_was_seen_does_not_undo_a_retirement(store):
    """A slow writer had it from before; what was confirmed is what is kept in the end."""
    service = service_of(store, wall(left_at=NOON))
    ask(service, do="rename", name="North wall")
    asyncio.run(service._look())
    before = service.book.known["a1b2c3"]
    assert ask(service, do="retire")[0] == 200
    assert service._write({"a1b2c3": before}, [])
    asyncio.run(service._look())

    assert service_of(store).book.known["a1b2c3"].retired_at == NOON
