"""An exchange on which two feeds can go wrong at a word, while the others answer as ever.

    GET /steady/<name>.pb   GTFS-Realtime, 100 vehicles, a new tick each time
    GET /bad/vehicles       MDS, 100 robots, on a port of its own; or what /control says
    GET /eager/vehicles     MDS, 100 robots, or 429 with Retry-After
    GET /control?bad=MODE&eager=MODE     MODES below
    GET /log?since=<n>      [[name, stamp, ns], …]: when the last byte of that answer of a
                            steady feed was handed to the kernel (CLOCK_REALTIME)
    GET /count              answers begun on the two feeds that can go wrong

The `timestamp` of a steady feed's vehicles is the number of its answer, not the time:
so a screen's row tells which answer it is from, and the log when that was given.

Run: python -m tests.benchmarks.faulty_exchange --steady a:1 b:2
prints its two ports and serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from tests.benchmarks.exchange import EAST, NORTH, SOUTH, WEST, World

ROWS = 100
TIMES_AS_LARGE = 100
DRIP_EVERY_S = 0.01
RETRY_AFTER_S = 20

MODES = {
    "bad": ("well", "dead", "drip", "large", "loop", "large_loop"),
    "eager": ("held_back", "well"),
}

_STAMP = b"1111111111111"
Write = Callable[[bytes], None]


def build_robots(rows: int) -> bytes:
    """An MDS answer with stand-ins for the time (_STAMP, ms)."""
    statuses = []
    for row in range(rows):
        share = row * 0.6180339887 % 1
        place = {
            "lat": round(SOUTH + (NORTH - SOUTH) * row / rows, 3),
            "lng": round(WEST + (EAST - WEST) * share, 6),
        }
        event = {"vehicle_state": "on_trip", "event_types": ["trip_start"], "timestamp": 0, "location": place}
        telemetry = {
            "timestamp": 0,
            "location": place,
            "speed": 1.5,
            "heading": row % 360,
            "battery_percent": row % 101,
        }
        statuses.append(
            {
                "device_id": f"00000000-0000-4000-8000-{row:012d}",
                "provider_id": "11111111-0000-4000-8000-000000000000",
                "vehicle_id": f"R{row:05d}",
                "last_event": event,
                "last_telemetry": telemetry,
            }
        )
    answer = {"version": "2.0.0", "last_updated": 0, "ttl": 1000, "vehicles_status": statuses}
    text = json.dumps(answer, separators=(",", ":")).encode()
    text = text.replace(b'"timestamp":0', b'"timestamp":' + _STAMP)
    text = text.replace(b'"last_updated":0', b'"last_updated":' + _STAMP)
    return text


class Exchange:
    """Modes, ticks and the log; bodies made ahead.

    Args:
        steady: feed name -> seconds between its polls.
    """

    def __init__(self, steady: dict[str, float]) -> None:
        self.modes = {name: modes[0] for name, modes in MODES.items()}
        self.count: Counter[str] = Counter()
        self.log: list[tuple[str, int, int]] = []
        self.bad_door: asyncio.Server | None = None
        self.bad_port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._worlds = {name: World(ROWS, 1, shard) for shard, name in enumerate(steady, 1)}
        # Far enough back that nobody calls it the future, near enough that it stays on the map.
        self._first_s = int(time.time()) - 60
        self._ticks: Counter[str] = Counter()
        self._every_s = steady
        self._robots = {rows: build_robots(rows) for rows in (ROWS, ROWS * TIMES_AS_LARGE)}

    def steady_body(self, name: str) -> tuple[int, bytes]:
        """The next answer of a steady feed: stamp and body."""
        self._ticks[name] += 1
        # As many seconds on as it is asked apart: the stamps keep pace with the time and never get ahead of it.
        stamp = self._first_s + int(self._ticks[name] * self._every_s[name])
        world = self._worlds[name]
        world.step(self._every_s[name])
        return stamp, world.body("", stamp, list(self._worlds).index(name) + 1)

    def robots(self, rows: int, next_url: str = "") -> bytes:
        body = self._robots[rows].replace(_STAMP, str(int(time.time() * 1000)).encode())
        if next_url:
            body = body[:-1] + b',"links":{"next":"' + next_url.encode() + b'"}}'
        return body

    async def set_modes(self, asked: dict[str, str]) -> None:
        for name, mode in asked.items():
            if mode not in MODES[name]:
                raise ValueError(f"{name} knows no {mode}")
            self.modes[name] = mode
        if self.modes["bad"] == "dead":
            await self.close_bad()
        else:
            await self.open_bad()

    async def open_bad(self) -> None:
        if self.bad_door is None:
            self.bad_door = await asyncio.start_server(self.serve, "127.0.0.1", self.bad_port)
            self.bad_port = self.bad_door.sockets[0].getsockname()[1]

    async def close_bad(self) -> None:
        """Nobody listens there any more: connections are refused, and those that are open end."""
        door, self.bad_door = self.bad_door, None
        if door is not None:
            door.close()
        for writer in [w for w in self._open if w.get_extra_info("sockname")[1] == self.bad_port]:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        self._open.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    await self._answer(head.split(b" ", 2)[1].decode(), writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, target: str, writer: asyncio.StreamWriter) -> None:
        url = urlsplit(target)
        _, room, *rest = url.path.split("/")
        query = dict(parse_qsl(url.query))
        if room == "steady":
            name = rest[0].removesuffix(".pb")
            stamp, body = self.steady_body(name)
            await send(writer, body, "application/x-protobuf")
            self.log.append((name, stamp, time.time_ns()))
        elif room in MODES:
            self.count[room] += 1
            await self._answer_badly(room, query, writer)
        elif room == "control":
            await self.set_modes(query)
            await send(writer, json.dumps(self.modes).encode())
        elif room == "log":
            await send(writer, json.dumps(self.log[int(query.get("since", 0)) :]).encode())
        else:
            await send(writer, json.dumps(self.count).encode())

    async def _answer_badly(self, room: str, query: dict[str, str], writer: asyncio.StreamWriter) -> None:
        mode = self.modes[room]
        if mode == "held_back":
            await send(writer, b"", status="429 Too Many Requests", extra=f"Retry-After: {RETRY_AFTER_S}\r\n")
        elif mode == "drip":
            body = self.robots(ROWS)
            writer.write(head_of(len(body)))
            for byte in body:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(DRIP_EVERY_S)
        else:
            rows = ROWS * TIMES_AS_LARGE if mode.startswith("large") else ROWS
            page = int(query.get("page", 1)) + 1
            following = f"http://127.0.0.1:{self.bad_port}/bad/vehicles?page={page}" if mode.endswith("loop") else ""
            await send(writer, self.robots(rows, following))


def head_of(length: int, kind: str = "application/json", status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{extra}\r\n".encode()


async def send(
    writer: asyncio.StreamWriter,
    body: bytes,
    kind: str = "application/json",
    status: str = "200 OK",
    extra: str = "",
) -> None:
    writer.write(head_of(len(body), kind, status, extra) + body)
    await writer.drain()


async def serve(steady: dict[str, float]) -> None:
    exchange = Exchange(steady)
    door = await asyncio.start_server(exchange.serve, "127.0.0.1", 0)
    await exchange.open_bad()
    print(door.sockets[0].getsockname()[1], exchange.bad_port, flush=True)
    await door.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="An exchange with two feeds that go wrong at a word")
    parser.add_argument("--steady", nargs="+", required=True, metavar="NAME:SECONDS")
    given = parser.parse_args()
    pairs = (text.rpartition(":") for text in given.steady)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve({name: float(every) for name, _, every in pairs}))


if __name__ == "__main__":
    main()
