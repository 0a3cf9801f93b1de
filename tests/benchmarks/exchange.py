"""A data exchange for measuring: GTFS-Realtime vehicles that move on in every answer.

Own process, so that its work is not counted as anybody's. A body is made ahead
of the question: all entities but one are records of equal length, so a tick is
four numpy assignments into a template that protobuf wrote. What is left for the
answer is to stamp the time.

    GET /vehicles.pb            GTFS-Realtime 2.0, protobuf; a new tick each time
    GET /vehicles/<shard>.pb    the same from another supplier, other vehicles
    GET /log?since=<tick>       [[tick, label, ns], …] of shard 0: when the last
                                byte of that answer was handed to the kernel
                                (CLOCK_REALTIME, which the browser shares)
    GET /control?moving=0.1&jitter_m=0   share that moves, noise of positions

The vehicle `follow-me` of shard 0 bears a new label in every answer.

Run: python -m tests.benchmarks.exchange --vehicles 5000 [--port 0] [--seed 1]
prints its port and serves until it is ended.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
from google.transit import gtfs_realtime_pb2 as gtfs

SOUTH, NORTH, WEST, EAST = 51.97, 52.12, -0.86, -0.62
FOLLOWED = "follow-me"
M_PER_DEGREE = 111_320.0
LOG_KEPT = 200_000
_FLOATS = (1.5, 2.5, 3.5, 4.5)  # stand-ins found again in the template's bytes
_STAMP = 1_234_567_890  # any time between 1978 and 3058 is a varint of 5 bytes


class World:
    """Vehicles of one shard. One vehicle's path: straight on, drifting, now and then a turn.

    Args:
        vehicles: how many, the followed one among them.
        seed: same seed and same steps, same paths.
        shard: prefix of identities; the followed vehicle is in shard 0.
    """

    def __init__(self, vehicles: int, seed: int, shard: int = 0) -> None:
        self._draw = np.random.default_rng([seed, shard])
        self.size = vehicles
        self.latitude = self._draw.uniform(SOUTH, NORTH, vehicles)
        self.longitude = self._draw.uniform(WEST, EAST, vehicles)
        self.heading = self._draw.uniform(0, 360, vehicles)
        self.speed_m_s = self._draw.uniform(3, 14, vehicles)
        self.moving = np.ones(vehicles, dtype=bool)
        self.moving_share = 1.0
        self.jitter_m = 0.0
        self._template(shard)

    def _template(self, shard: int) -> None:
        rows = [_entity(shard, row, f"{10_000 + row}") for row in range(1, self.size)]
        self._records = np.frombuffer(b"".join(rows), np.uint8).reshape(self.size - 1, -1).copy()
        sample = rows[0] if rows else b""
        self._float_at = [sample.find(struct.pack("<f", v)) for v in _FLOATS]
        self._stamp_at = sample.find(_varint5(_STAMP))

    def set_moving(self, share: float) -> None:
        """The first of every 1/share vehicles moves; the followed one always does."""
        self.moving_share = share
        order = np.random.default_rng(0).permutation(self.size)
        self.moving = order < round(share * self.size)
        self.moving[0] = True

    def step(self, seconds: float) -> None:
        """Everybody that moves goes on; nobody leaves the box."""
        turning = self._draw.random(self.size) < 0.02 * seconds
        turn = np.where(turning, self._draw.choice([-90.0, 90.0], self.size), self._draw.normal(0, 1.5, self.size))
        self.heading = np.where(self.moving, (self.heading + turn) % 360, self.heading)
        faster = np.clip(self.speed_m_s + self._draw.normal(0, 0.2, self.size), 3, 14)
        self.speed_m_s = np.where(self.moving, faster, self.speed_m_s)
        along = np.radians(self.heading)
        metres = np.where(self.moving, self.speed_m_s * seconds, 0.0)
        latitude = self.latitude + metres * np.cos(along) / M_PER_DEGREE
        longitude = self.longitude + metres * np.sin(along) / (M_PER_DEGREE * 0.615)
        outside = (latitude < SOUTH) | (latitude > NORTH) | (longitude < WEST) | (longitude > EAST)
        self.heading = np.where(outside, (self.heading + 180) % 360, self.heading)
        self.latitude = np.where(outside, self.latitude, latitude)
        self.longitude = np.where(outside, self.longitude, longitude)
        self._fill()

    def _fill(self) -> None:
        shown = [self.latitude, self.longitude, self.heading, np.where(self.moving, self.speed_m_s, 0.0)]
        if self.jitter_m:
            noise = self._draw.normal(0, self.jitter_m / M_PER_DEGREE, (2, self.size))
            shown[0] = shown[0] + np.where(self.moving, noise[0], 0)
            shown[1] = shown[1] + np.where(self.moving, noise[1], 0)
        self._first = [float(values[0]) for values in shown]
        for at, values in zip(self._float_at, shown, strict=True):
            column = values[1:].astype("<f4").view(np.uint8).reshape(-1, 4)
            self._records[:, at : at + 4] = column

    def body(self, label: str, now_s: int, shard: int = 0) -> bytes:
        """The FeedMessage of the step last made, stamped; costs about 0.1 ms."""
        self._records[:, self._stamp_at : self._stamp_at + 5] = np.frombuffer(_varint5(now_s), np.uint8)
        head = gtfs.FeedMessage()
        head.header.gtfs_realtime_version = "2.0"
        head.header.timestamp = now_s
        first = _entity(shard, 0, label, self._first, now_s)
        return head.SerializeToString() + first + self._records.tobytes()


def _entity(shard: int, row: int, label: str, floats: list[float] | None = None, now_s: int = _STAMP) -> bytes:
    message = gtfs.FeedMessage()
    entity = message.entity.add()
    name = FOLLOWED if row == 0 and shard == 0 else f"{shard:02d}-{row:05d}"
    entity.id = name
    vehicle = entity.vehicle
    vehicle.trip.trip_id = f"trip-{row:05d}"
    vehicle.trip.route_id = f"{row % 90 + 10}"
    vehicle.vehicle.id = name
    vehicle.vehicle.label = label
    position = vehicle.position
    position.latitude, position.longitude, position.bearing, position.speed = floats or _FLOATS
    vehicle.timestamp = now_s
    # A FeedMessage that lacks its header is what a list of entities looks like on the wire.
    return message.SerializePartialToString()


def _varint5(value: int) -> bytes:
    return bytes([(value >> shift) & 0x7F | (0x80 if shift < 28 else 0) for shift in (0, 7, 14, 21, 28)])


class Exchange:
    """The shards, the log of answers, and the next body of each made ahead."""

    def __init__(self, vehicles: int, seed: int, shards: int) -> None:
        self.worlds = [World(vehicles, seed, shard) for shard in range(shards)]
        self.locks = [threading.Lock() for _ in self.worlds]
        self.ticks = [0] * shards
        self.answered_at = [0.0] * shards
        self.log: deque[tuple[int, str, int]] = deque(maxlen=LOG_KEPT)
        for world in self.worlds:
            world.step(1.0)

    def next_answer(self, shard: int) -> tuple[int, str, bytes]:
        """Tick, label of the followed vehicle and body of the answer to give now."""
        with self.locks[shard]:
            self.ticks[shard] += 1
            tick = self.ticks[shard]
            label = f"tick-{tick:06d}"
            return tick, label, self.worlds[shard].body(label, int(time.time()), shard)

    def prepare(self, shard: int, now: float) -> None:
        """Move on by what passed between the last two answers (`now` in seconds), at most 5 s."""
        passed = now - self.answered_at[shard] if self.answered_at[shard] else 1.0
        self.answered_at[shard] = now
        with self.locks[shard]:
            self.worlds[shard].step(min(passed, 5.0))

    def control(self, moving: float | None, jitter_m: float | None) -> None:
        for world, lock in zip(self.worlds, self.locks, strict=True):
            with lock:
                if moving is not None:
                    world.set_moving(moving)
                if jitter_m is not None:
                    world.jitter_m = jitter_m


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A dashboard that ends in the middle of an answer is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    exchange: Exchange

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/log":
            since = int(asked.get("since", 0))
            self._answer(
                json.dumps([row for row in list(self.exchange.log) if row[0] > since]).encode(), "application/json"
            )
        elif parts.path == "/control":
            self.exchange.control(*(float(asked[k]) if k in asked else None for k in ("moving", "jitter_m")))
            self._answer(b"{}", "application/json")
        elif parts.path == "/vehicles.pb":
            self._vehicles(0)
        elif parts.path.startswith("/vehicles/"):
            self._vehicles(int(parts.path.removeprefix("/vehicles/").removesuffix(".pb")))
        else:
            self._answer(b"", "text/plain", 404)

    def _vehicles(self, shard: int) -> None:
        tick, label, body = self.exchange.next_answer(shard)
        self._answer(body, "application/x-protobuf")
        if shard == 0:
            self.exchange.log.append((tick, label, time.time_ns()))
        self.exchange.prepare(shard, time.monotonic())

    def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the log that counts is /log."""


def main() -> None:
    parser = argparse.ArgumentParser(description="A measuring exchange: GTFS-Realtime vehicles, a new tick each answer")
    parser.add_argument("--vehicles", type=int, default=5000)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    handler = type("Handler", (_Handler,), {"exchange": Exchange(given.vehicles, given.seed, given.shards)})
    server = _Server(("127.0.0.1", given.port), handler)
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
