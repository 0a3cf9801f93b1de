"""Search over HTTP: what is asked is judged before it is answered, and nobody asks the others out of the room."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from control_room.access import RULES
from control_room.find import QUERY_MOST, Finder
from control_room.find_service import A_SECOND, BURST, PEERS_MOST, Allowance, FindService, decode_query
from tests.control_room.test_find import CITY, SNAPSHOT


def ask(service: FindService, query: bytes, peer: str = "127.0.0.1") -> tuple[int, dict[str, Any], dict[bytes, bytes]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("a question has no body")

    asyncio.run(service.serve({"query_string": query, "client": (peer, 1)}, receive, send))
    return sent[0]["status"], orjson.loads(sent[1]["body"]), dict(sent[0]["headers"])


def service_of(seconds: list[float] | None = None) -> FindService:
    clock = seconds or [0.0]
    return FindService(Finder(CITY), lambda: SNAPSHOT, lambda: clock[0])


def test_an_answer_says_what_it_is_where_it_is_and_what_opens_it():
    """Everything that a page needs to show it without asking again."""
    status, said, _ = ask(service_of(), b"q=bleak+hall")
    assert status == 200 and said["q"] == "bleak hall" and said["at"] == round(SNAPSHOT.at.timestamp() * 1000)
    first = said["hits"][0]
    assert set(first) == {"kind", "group", "key", "label", "sub", "symbol", "lat", "lon", "x", "y", "link"}
    assert (first["kind"], first["group"], first["label"]) == ("place", "Places", "Bleak Hall")
    assert isinstance(first["x"], int) and isinstance(first["y"], int)


def test_a_thing_without_a_place_has_none():
    """Missing is never zero."""
    _, said, _ = ask(service_of(), b"q=delivery")
    assert [said["hits"][0][name] for name in ("lat", "lon", "x", "y")] == [None] * 4


@pytest.mark.parametrize(
    "query",
    [b"", b"q=a&q=b", b"x=a", b"q=a&x=b", b"q=%ff", b"q=" + b"a" * (QUERY_MOST + 1), b"q=\xff", b"q=a&" * 1000],
)
def test_what_is_no_question_is_refused(query):
    """With how one asks; nothing of it is repeated."""
    status, said, _ = ask(service_of(), query)
    assert status == 400 and "ask /find?q=" in said["error"] and "aaaa" not in said["error"]


@pytest.mark.parametrize(("query", "text"), [(b"q=", ""), (b"q=robot+47", "robot 47"), (b"q=%C3%91and%C3%BA", "Ñandú")])
def test_a_question_is_read_as_it_was_typed(query, text):
    """Spaces as pluses, letters as UTF-8; nothing typed is a question without an answer."""
    assert decode_query(query) == text


def test_who_asks_too_often_waits_and_nobody_else_does():
    """A burst, then so many a second; an answer says when to come again."""
    clock = [0.0]
    service = service_of(clock)
    assert [ask(service, b"q=h6")[0] for _ in range(int(BURST) + 1)] == [200] * int(BURST) + [429]
    assert ask(service, b"q=h6")[2][b"retry-after"] == b"1"
    assert ask(service, b"q=h6", peer="10.0.0.2")[0] == 200
    clock[0] = 1.0
    assert [ask(service, b"q=h6")[0] for _ in range(int(A_SECOND) + 1)] == [200] * int(A_SECOND) + [429]


def test_peers_without_end_are_forgotten():
    """What is kept of who asked does not grow with the number of those who do."""
    allowance = Allowance(lambda: 0.0)
    for number in range(PEERS_MOST + 50):
        assert allowance.take(str(number))
    assert len(allowance._left) == PEERS_MOST


def test_only_operators_search():
    """The gate lets a wall have no answer: there is nobody at it who asks."""
    [rule] = [rule for rule in RULES if rule.path.match("/find")]
    assert (rule.audience, rule.methods) == ("operator", {"GET"})
