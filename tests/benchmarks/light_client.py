"""Many screens without a browser: they open the channel, count what comes and draw nothing.

    python -m tests.benchmarks.light_client --port N --clients 200 --seconds 30 [--core 1] [--classic]

Ours speak `docs/live-protocol.md` and offer permessage-deflate as browsers do;
classic ones ask the callback of the page once a second. Prints "began" when all are
open and the window begins, and at its end one JSON object:
    rates       map frames (answers) a second, one number per client, from the
                first frame to the last in the window
    counts      how many came in the window
    gaps_s      longest wait between two, per client
    usual_gaps_s  the median of them
    spans_s     when the first and the last came, by the machine's real time; null where there was none
    kb_per_s    mean of a client, with the frames' own headers
    failures    clients that lost their connection or were refused
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

MAP_TAGS = (1, 2)
_HELLO = {
    "type": "hello",
    "screen": "wall",
    "topics": ["map", "panel:fleet", "panel:feeds"],
    "follow": None,
    "epoch": None,
    "seq": None,
}


@dataclass
class Screen:
    """What one client got: when each map frame came, all bytes, and why it ended."""

    came_at: list[float] = field(default_factory=list)
    bytes: int = 0
    failure: str | None = None

    def note(self, size: int, counts: bool) -> None:
        self.bytes += size
        if counts:
            self.came_at.append(time.monotonic())


async def watch_live(port: int, screen: Screen, until: float) -> None:
    """Hold the channel open until that monotonic time."""
    url, origin = f"ws://127.0.0.1:{port}/live", f"http://127.0.0.1:{port}"
    try:
        async with connect(url, origin=origin, max_size=None, ping_interval=None) as channel:  # type: ignore[arg-type]
            await channel.send(json.dumps(_HELLO))
            while (left := until - time.monotonic()) > 0:
                message = await asyncio.wait_for(channel.recv(), left)
                size = len(message)
                header = 2 if size < 126 else 4 if size < 65_536 else 10
                screen.note(size + header, isinstance(message, bytes) and message[0] in MAP_TAGS)
    except TimeoutError:
        return
    except (OSError, WebSocketException) as error:
        screen.failure = f"{type(error).__name__}: {error}"


async def watch_classic(port: int, screen: Screen, until: float) -> None:
    """Ask the page's callback each second as its dcc.Interval does."""
    outputs = [
        "vehicles.data",
        *(f"{name}.children" for name in ("followed-label", "followed-rest", "fleet", "feeds", "clock")),
    ]
    question: dict[str, Any] = {
        "output": f"..{'...'.join(outputs)}..",
        "outputs": [dict(zip(("id", "property"), name.split("."), strict=True)) for name in outputs],
        "changedPropIds": ["tick.n_intervals"],
        "inputs": [{"id": "tick", "property": "n_intervals", "value": 1}],
        "state": [{"id": "url", "property": "search", "value": ""}],
    }
    body = json.dumps(question).encode()
    head = (
        f"POST /_dash-update-component HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    try:
        due = time.monotonic()
        while due < until:
            # Dash's own server closes after each answer, so a connection serves once.
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head + body)
            answer = await asyncio.wait_for(reader.read(-1), 30)
            writer.close()
            if not answer.startswith(b"HTTP/1.1 200"):
                raise ConnectionError(answer[:200].decode(errors="replace"))
            screen.note(len(answer), True)
            due = max(due + 1, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
    except (OSError, TimeoutError) as error:
        screen.failure = f"{type(error).__name__}: {error}"


async def watch_many(port: int, clients: int, seconds: float, settle_s: float, classic: bool = False) -> dict[str, Any]:
    """Open them one after another, let them settle, count over the window."""
    began = time.monotonic() + settle_s + clients * 0.01
    until = began + seconds
    screens = [Screen() for _ in range(clients)]
    watch = watch_classic if classic else watch_live
    async with asyncio.TaskGroup() as group:
        for screen in screens:
            group.create_task(watch(port, screen, until))
            await asyncio.sleep(0.01)
        group.create_task(_forget_before(screens, began))
    return _sum_up(screens, seconds)


async def _forget_before(screens: list[Screen], began: float) -> None:
    await asyncio.sleep(began - time.monotonic())
    for screen in screens:
        screen.came_at.clear()
        screen.bytes = 0
    print("began", flush=True)


def _sum_up(screens: list[Screen], seconds: float) -> dict[str, Any]:
    rates, gaps, usual, spans = [], [], [], []
    real = time.time() - time.monotonic()
    for screen in screens:
        came = screen.came_at
        rates.append((len(came) - 1) / (came[-1] - came[0]) if len(came) > 1 else 0.0)
        waits = [b - a for a, b in itertools.pairwise(came)]
        gaps.append(max(waits, default=seconds))
        usual.append(statistics.median(waits) if waits else seconds)
        spans.append((came[0] + real, came[-1] + real) if came else None)
    return {
        "rates": rates,
        "counts": [len(screen.came_at) for screen in screens],
        "gaps_s": gaps,
        "usual_gaps_s": usual,
        "spans_s": spans,
        "kb_per_s": sum(screen.bytes for screen in screens) / len(screens) / seconds / 1000,
        "failures": [screen.failure for screen in screens if screen.failure],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Many screens without a browser")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--settle", type=float, default=3)
    parser.add_argument("--core", type=int)
    parser.add_argument("--classic", action="store_true")
    given = parser.parse_args()
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    print(json.dumps(asyncio.run(watch_many(given.port, given.clients, given.seconds, given.settle, given.classic))))


if __name__ == "__main__":
    main()
