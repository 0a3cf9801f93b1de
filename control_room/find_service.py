"""Search over HTTP: answered in a thread of its own, so that neither the screens nor the writer wait for it.

    GET /find?q=robot+47     200 {"q", "at", "hits": [...]} best first, grouped by kind
                             400 no such question, 429 asked too often (Retry-After), 503 busy

A hit: kind, group (heading), key, label, sub, symbol, lat, lon (degrees or null), x, y (as in the frames,
or null) and link (an address here). `at` is the moment of the snapshot it was found in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from control_room.access import Receive, Scope, Send
from control_room.find import QUERY_MOST, Finder, to_json
from control_room.model import Snapshot

FIND_PATH: Final = "/find"

# A fast typist types ten letters a second and the page asks for every few of them.
BURST: Final = 20.0
A_SECOND: Final = 10.0
PEERS_MOST: Final = 1_000
WAITING_MOST: Final = 20


class Allowance:
    """How often each peer may ask: a burst, then so many a second.

    Args:
        now: seconds by a clock that nobody sets.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._left: dict[str, tuple[float, float]] = {}  # peer -> questions left, and when that was so

    def take(self, peer: str) -> bool:
        """Whether it may ask now; if so, one question less is left."""
        now = self._now()
        left, at = self._left.pop(peer, (BURST, now))
        left = min(BURST, left + (now - at) * A_SECOND)
        may = left >= 1
        self._left[peer] = (left - 1 if may else left, now)  # at the end: the first are those not heard of for longest
        while len(self._left) > PEERS_MOST:
            del self._left[next(iter(self._left))]
        return may


class FindService:
    """Search for one audience.

    Args:
        snapshot: the newest, as that audience sees it.
    """

    def __init__(self, finder: Finder, snapshot: Callable[[], Snapshot], now: Callable[[], float]) -> None:
        self._finder = finder
        self._snapshot = snapshot
        self._allowance = Allowance(now)
        # One thread: the finder keeps what it made, and two questions at once would only take turns.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="find")
        self._waiting = 0

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to one question. The gate has judged who asks."""
        status, content = await self._answer(scope)
        body = orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status == 429:
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope) -> tuple[int, dict[str, Any]]:
        query = decode_query(scope.get("query_string", b""))
        if query is None:
            return 400, {"error": f"ask /find?q=…, with at most {QUERY_MOST} characters"}
        if not self._allowance.take((scope.get("client") or ("",))[0]):
            return 429, {"error": "that is asked too often; wait a second"}
        if self._waiting >= WAITING_MOST:
            return 503, {"error": "too many are searching; try again in a moment"}
        snapshot = self._snapshot()
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            hits = await loop.run_in_executor(self._thread, self._finder.find, query, snapshot)
        finally:
            self._waiting -= 1
        at = round(snapshot.at.timestamp() * 1000)
        return 200, {"q": query, "at": at, "hits": [to_json(hit) for hit in hits]}


def decode_query(query: bytes) -> str | None:
    """What is asked for; None where it is no question: another name, twice, too long, or no text."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=1, errors="strict")
    except ValueError:
        return None
    if len(pairs) != 1 or pairs[0][0] != "q" or len(pairs[0][1]) > QUERY_MOST:
        return None
    return pairs[0][1]
