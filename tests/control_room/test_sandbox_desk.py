"""The desk that asks the sandbox: what it reads, and what it says of one that is silent, slow or odd."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from control_room.clock import FixedClock
from control_room.sandbox_desk import MAX_BYTES, SandboxDesk, SandboxError, decode_state
from feeds.sandbox.app import create_sandbox
from feeds.sandbox.city import City
from feeds.sandbox.scenario import list_scenarios
from feeds.sandbox.server import MILTON_KEYNES
from tests.feeds.sandbox.conftest import MORNING, serve

Act = Callable[[socket.socket], None]


@contextlib.contextmanager
def odd_server(act: Act) -> Iterator[str]:
    """A server that reads a question and then does that with the connection; its address."""
    door = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def run() -> None:
        with contextlib.suppress(OSError):
            while not ended.is_set():
                connection, _ = door.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65_536)
                    act(connection)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        ended.set()
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)
        door.close()
        for thread in threads:
            thread.join(5)


def answer(body: bytes, status: str = "200 OK", length: int | None = None) -> Act:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n".encode()
    return lambda connection: connection.sendall(head + body)


def failure(base: str, within_s: float = 20.0) -> str:
    """What the desk says when it asks there."""
    with pytest.raises(SandboxError) as caught:
        asyncio.run(SandboxDesk(base, within_s).fetch_state())
    return str(caught.value)


@pytest.fixture
def sandbox() -> Iterator[tuple[SandboxDesk, FixedClock]]:
    """A desk at a real sandbox, whose clock the test moves."""
    clock = FixedClock(MORNING)
    with serve(create_sandbox(City(7, MILTON_KEYNES, buses=10, robots=10), clock)) as base:
        yield SandboxDesk(base + "/", within_s=30.0), clock


def test_every_scenario_is_listed_with_its_words(sandbox):
    """Title, what happens, what an operator sees and does, steps; nothing runs in a new city."""
    desk, _ = sandbox

    state = asyncio.run(desk.fetch_state())

    assert [s.name for s in state.scenarios] == [s.name for s in list_scenarios()]
    assert all(s.title and s.words and s.operator_sees and s.operator_does and s.steps for s in state.scenarios)
    assert all(s.running is None for s in state.scenarios)
    assert (state.city_time, state.rate, state.faults) == (MORNING, 0, ())


def test_a_scenario_that_was_started_runs_through_its_steps_until_it_is_stopped(sandbox):
    """The city's clock says which step holds; a second start is refused in the sandbox's words."""
    desk, clock = sandbox

    started = asyncio.run(desk.start("cell_outage")).find("cell_outage")
    assert started is not None
    assert started.running is not None
    assert (started.running.started_at, started.running.steps) == (MORNING, ())
    with pytest.raises(SandboxError, match="refused: cell_outage is running; stop it first"):
        asyncio.run(desk.start("cell_outage"))

    clock.moment = MORNING + timedelta(minutes=10)
    later = asyncio.run(desk.fetch_state()).find("cell_outage")
    assert later is not None
    assert later.running is not None
    assert later.running.steps == (0, 1)

    stopped = asyncio.run(desk.stop("cell_outage")).find("cell_outage")
    assert stopped is not None
    assert stopped.running is None


def test_a_fault_that_was_set_by_hand_is_told(sandbox):
    """With its path and what is left of it."""
    desk, _ = sandbox
    wish = {"path": "/gtfsrt/*", "fault": "slow", "for_s": 60}

    async def set_and_look():
        await desk._ask("POST", "faults", body=json.dumps(wish).encode())
        return await desk.fetch_state()

    (fault,) = asyncio.run(set_and_look()).faults
    assert (fault.path, fault.fault) == ("/gtfsrt/*", "slow")
    assert 50 < fault.left_s <= 60


def test_an_unknown_name_is_refused_in_the_sandboxs_words(sandbox):
    """And nothing starts; a name is text, never part of the address."""
    desk, _ = sandbox
    for act in (desk.start, desk.stop):
        with pytest.raises(SandboxError, match=r"refused: .*no_such"):
            asyncio.run(act("no_such"))
        with pytest.raises(SandboxError, match="refused"):
            asyncio.run(act("snow&name=cell_outage"))

    assert all(s.running is None for s in asyncio.run(desk.fetch_state()).scenarios)


def test_a_port_where_nobody_listens_is_said_at_once():
    """With the address, and what to look at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # ours, so that nobody else listens there meanwhile
        base = f"http://127.0.0.1:{held.getsockname()[1]}"

        assert failure(base) == f"the sandbox at {base} does not answer; is it running?"


def test_a_silent_or_dripping_sandbox_is_given_up_in_time():
    """The limit holds for the whole answer, and other work of the loop goes on meanwhile."""
    asked, ended = threading.Event(), threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        asked.set()
        while not ended.wait(0.05):
            connection.sendall(b" ")

    def be_silent(_: socket.socket) -> None:
        asked.set()
        ended.wait(60)

    async def work_meanwhile(base: str) -> None:
        """A task of ten milliseconds gets its turns while the answer is waited for."""
        asking = asyncio.create_task(SandboxDesk(base, 60.0).fetch_state())
        turns = 0
        while turns < 10 or not asked.is_set():
            await asyncio.sleep(0.01)
            assert not asking.done()
            turns += 1
        ended.set()
        with pytest.raises(SandboxError, match="does not answer"):
            await asking

    for act in (drip, be_silent):
        ended.clear()
        with odd_server(act) as base:
            began = time.monotonic()
            assert failure(base, 0.5) == f"the sandbox at {base} did not answer within 0.5 s"
            assert time.monotonic() - began < 10
            ended.set()
        asked.clear()
        ended.clear()
        with odd_server(act) as base:
            asyncio.run(work_meanwhile(base))


def test_an_answer_without_end_is_refused():
    """Memory is bounded whatever comes."""
    with odd_server(answer(b"[" * (MAX_BYTES + 100_000))) as base:
        assert failure(base) == "the sandbox's answer is over 1,000,000 bytes"


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (answer(b"it is broken", "500 Internal Server Error"), "the sandbox refused: status 500"),
        (answer(b'{"error": " too\\n many "}', "400 Bad Request"), "the sandbox refused: too many"),
        (answer(b"<html>"), "the sandbox's answer cannot be read: it is no list of scenarios and faults"),
        (answer(b"[]"), "the sandbox's answer cannot be read: it is no list of scenarios and faults"),
        (answer(b"{}", length=500), "does not answer; is it running?"),
        (lambda connection: connection.sendall(b"hello"), "does not answer; is it running?"),
    ],
    ids=["500", "400", "html", "list", "cut short", "no http"],
)
def test_what_is_no_sandbox_is_said_plainly(act, said):
    """Something else on that port is a sentence, not a traceback."""
    with odd_server(act) as base:
        assert failure(base).endswith(said)


STEP = {"words": "It snows", "after_s": 0, "for_s": 60, "effect": "snow"}
SNOW = {"name": "snow", "title": "Snow", "words": "It snows.", "duration_s": 60, "steps": [STEP], "running": None}
SAID = {"city_time": "2026-05-14T07:20:00Z", "rate": 1.0, "scenarios": [SNOW]}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"city_time": "2026-05-14T07:20:00"}, "city_time"),
        ({"rate": -1}, "rate"),
        ({"scenarios": None}, "scenarios"),
        ({"scenarios": [{**SNOW, "name": "<b>"}]}, "scenarios.0.name"),
        ({"scenarios": [{**SNOW, "title": 5}]}, "scenarios.0.title"),
        ({"scenarios": [{**SNOW, "steps": [{**STEP, "for_s": "x"}]}]}, "scenarios.0.steps.0.for_s"),
        ({"scenarios": [{**SNOW, "running": {"started_at": "now"}}]}, "scenarios.0.running.started_at"),
    ],
)
def test_an_answer_that_does_not_fit_names_the_place(change, where):
    """The first place where it does not; its value is not repeated."""
    with pytest.raises(SandboxError, match=f"cannot be read: {where}: "):
        decode_state(json.dumps({**SAID, **change}).encode(), b'{"faults": []}')


def test_what_is_new_in_an_answer_is_left_out():
    """A newer sandbox may say more."""
    said = {**SAID, "weather": "fine", "scenarios": [{**SNOW, "author": "somebody"}]}

    state = decode_state(json.dumps(said).encode(), b'{"faults": []}')

    assert state.scenarios[0].steps[0].words == "It snows"
    assert not hasattr(state.scenarios[0], "author")
