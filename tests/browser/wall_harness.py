"""A wall without a city behind it: the real screen, styles, map and worker drawing, fed from a made-up snapshot.

Only the live channel is left out. In its place a few lines of script here give
the worker frames of our own, so that what is drawn is known exactly.
"""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import dash
import numpy as np
import uvicorn
from dash import html
from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse, Response

from control_room.city import CITIES, City, load_city
from control_room.model import (
    ALARM,
    VEHICLE,
    VEHICLE_STATES,
    VEHICLE_TYPES,
    AlarmWatch,
    FeedHealth,
    Snapshot,
    Table,
    from_ms,
    text_array,
)
from feeds.feed import Feed
from layouts.panel import View
from layouts.screens.wall import build_wall, build_wall_table
from layouts.shell import index_page

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2024, 11, 22, 14, 3, 12, tzinfo=UTC)
WORLD = 256 * 2**18

# What stands for main.js: frames asked for by the page, given to Draw.
WORKER = """
importScripts("draw.js");
let state = null;
onmessage = (event) => {
  const m = event.data;
  if (m.type === "canvas") Draw.init(m.canvas, m.options);
  else if (m.type === "view") Draw.view(m.view);
  else if (m.type === "clock") Draw.clock({ now: m.now, at: performance.now(), rate: m.rate, mode: "live" });
  else if (m.type === "channel") Draw.channel(m.state);
  else if (m.type === "follow") Draw.follow(m.slot, m.x, m.y);
  else if (m.type === "frame") {
    const f = m.frame;
    state = { n: f.x.length, now: f.now, legend: f.legend, seq: f.seq };
    for (const name of ["t", "x", "y", "heading", "look"]) state[name] = Int32Array.from(f[name]);
    Draw.frame(state);
  } else if (m.type === "ask") {
    const positions = m.slots.map((s) => Draw.position(s));
    postMessage({ type: "told", id: m.id, debug: Draw.debug(), positions });
  }
};
"""

# What stands for live.js: it starts the worker, counts ages and fills clock and card.
PAGE = """
(() => {
  const wait = setInterval(() => {
    const live = document.getElementById("live");
    if (!live || !window.controlRoomMap) return;
    clearInterval(wait);
    const worker = new Worker("/worker/harness.js");
    const told = new Map();
    let asked = 0;
    window.controlRoomMap.attach((message, transfer) => worker.postMessage(message, transfer || []));
    worker.onmessage = (event) => {
      if (event.data.type === "told") { told.get(event.data.id)(event.data); told.delete(event.data.id); }
      else window.controlRoomMap.receive(event.data);
    };
    window.harness = {
      post: (message) => worker.postMessage(message),
      ask: (slots) => new Promise((done) => {
        asked += 1; told.set(asked, done); worker.postMessage({ type: "ask", id: asked, slots: slots || [] });
      }),
      ages: (now) => {
        const words = (s) => s < 100 ? `${Math.round(s)} s` : s < 6000 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`;
        for (const e of document.querySelectorAll("[data-since]")) {
          const s = Math.max(0, (now - Number(e.dataset.since)) / 1000);
          e.textContent = words(s);
          e.dataset.ageState = s > Number(e.dataset.staleS || 1e12) ? "stale" : s > Number(e.dataset.ageingS || 1e12) ? "ageing" : "fresh";
        }
        document.getElementById("clock").textContent = "14:03:12";
        const date = document.getElementById("clock-date");
        if (date) date.textContent = "Friday 22 November";
        const real = document.getElementById("replay-clock");
        if (real) real.textContent = "09:41:05";
        const worst = document.getElementById("worst-age");
        if (worst) worst.textContent = "2 min";
      },
    };
  }, 20);
})();
"""


def make_feeds() -> tuple[Feed, ...]:
    def feed(name: str, title: str, vehicle_type: str, every_s: float, **more: Any) -> Feed:
        return Feed(
            name=name,
            title=title,
            adapter="none",
            url="http://x.invalid/",
            vehicle_type=vehicle_type,
            every_s=every_s,
            **more,
        )

    return (
        feed("robots", "Delivery robots", "robot", 2, supplier="SANDBOX robots"),
        feed("buses", "Buses", "bus", 10, supplier="SANDBOX buses"),
        feed("drones", "Drones", "drone", 1, supplier="SANDBOX drones"),
    )


@dataclass
class Fleet:
    """Vehicles on straight legs of the grid roads; `at(s)` gives them s seconds on."""

    city: City
    count: int
    seed: int = 1
    legs: list[tuple[float, float, float, float]] = field(init=False)

    def __post_init__(self) -> None:
        random = Random(self.seed)
        lines = [f["geometry"]["coordinates"] for f in self.city.grid_roads["features"]]
        legs = [(a[0], a[1], b[0], b[1]) for line in lines for a, b in pairwise(line)]
        self.random = random
        self.legs = [random.choice(legs) for _ in range(self.count)]
        self.places = [random.choice(self.city.localities) for _ in range(self.count)]
        self.types = ["bus" if i % 5 < 2 else "drone" if i % 50 == 3 else "robot" for i in range(self.count)]
        self.states = [self._state(t) for t in self.types]
        self.starts = [random.random() for _ in range(self.count)]
        self.spreads = [(random.gauss(0, 0.004), random.gauss(0, 0.0025)) for _ in range(self.count)]
        # Age of the last report: most are seconds old, a few minutes, a few gone.
        self.ages = [
            random.choices([1 + random.random() * 8, 45, 150, 900], [92, 4, 3, 1])[0] for _ in range(self.count)
        ]

    def _state(self, kind: str) -> str:
        if kind == "bus":
            return self.random.choices(["working", "idle"], [84, 16])[0]
        return self.random.choices(
            ["working", "idle", "charging", "needs_help", "out_of_contact"], [62, 22, 12, 2, 1.5]
        )[0]

    def at(self, seconds: float) -> list[tuple[float, float, float]]:
        """(lon, lat, heading in degrees) of each."""
        out = []
        for i in range(self.count):
            a, b, c, d = self.legs[i]
            dx, dy = (c - a) * math.cos(math.radians(52)), d - b
            heading = math.degrees(math.atan2(dx, dy)) % 360
            speed = 12.0 if self.types[i] == "bus" else 1.6
            length = math.hypot(dx, dy) * 111_320
            f = (self.starts[i] + speed * seconds / length) % 1
            if self.types[i] == "bus":
                out.append((a + (c - a) * f, b + (d - b) * f, heading))
            else:
                place, (sx, sy) = self.places[i], self.spreads[i]
                along = (f - 0.5) * 0.003
                out.append(
                    (
                        place.longitude + sx + math.sin(math.radians(heading)) * along,
                        place.latitude + sy + math.cos(math.radians(heading)) * along,
                        heading,
                    )
                )
        return out


def make_snapshot(fleet: Fleet, feeds: tuple[Feed, ...], now: datetime = NOW) -> Snapshot:
    """The city of that fleet at that moment, with its feeds in several states."""
    where = fleet.at(0)
    names = {"robot": "robots", "bus": "buses", "drone": "drones"}
    latitude, longitude = np.array([w[1] for w in where]), np.array([w[0] for w in where])
    table = Table.of(
        VEHICLE,
        {
            "vehicle_key": [f"v{i}" for i in range(fleet.count)],
            "vehicle_id": [f"{1000 + i}" for i in range(fleet.count)],
            "label": [f"{'MK' if t == 'robot' else ''}{100 + i}" for i, t in enumerate(fleet.types)],
            "feed": [names[t] for t in fleet.types],
            "vehicle_type": list(fleet.types),
            "state": list(fleet.states),
            "state_reason": [
                "tipped over" if s == "needs_help" and i % 2 else None for i, s in enumerate(fleet.states)
            ],
            "latitude": latitude,
            "longitude": longitude,
            "heading_deg": np.array([w[2] for w in where]),
            "observed_at": [now - timedelta(seconds=a) for a in fleet.ages],
            "locality": fleet.city.gazetteer.localities(latitude, longitude),
        },
    )
    health = {}
    for feed in feeds:
        rows = text_array(fleet.types) == feed.vehicle_type
        newest = from_ms(table["observed_at"][rows].max()) if rows.any() else None
        health[feed.name] = FeedHealth(
            feed=feed.name,
            title=feed.title,
            supplier=feed.supplier,
            adapter=feed.adapter,
            every_s=feed.every_s,
            ageing_after_s=feed.ageing_after_s,
            stale_after_s=feed.stale_after_s,
            asked_at=now - timedelta(seconds=1),
            succeeded_at=now - timedelta(seconds=1),
            observed_at=newest,
            rows=int(rows.sum()),
        )
    health["buses"] = health["buses"].changed(rejects={"bad_position": 2})
    health["alerts"] = FeedHealth(
        "alerts", "Travel alerts", "SANDBOX buses", "gtfs_realtime", 30, 90, 180,
        asked_at=now - timedelta(seconds=4), succeeded_at=now - timedelta(seconds=400), observed_at=now - timedelta(seconds=420),
        failures=7, reason="timeout", detail="no answer within 10 s", rows=3,
    )  # fmt: skip
    tables = MappingProxyType({"vehicle": table, "alarm": Table.empty(ALARM)})
    return Snapshot(1, now, tables, MappingProxyType(health), watch=AlarmWatch(34))


def make_frame(fleet: Fleet, feeds: tuple[Feed, ...], seconds: float, now: datetime = NOW) -> dict[str, Any]:
    """The frame of the map that far on, as the worker's decoder would give it."""
    t0 = int((now - timedelta(hours=1)).timestamp())
    names = {"robot": 0, "bus": 1, "drone": 2}
    at = now.timestamp() + seconds
    where = fleet.at(seconds)
    sines = [math.sin(math.radians(w[1])) for w in where]
    return {
        "seq": int(seconds) + 1,
        "now": int(at * 1000),
        "legend": {
            "t0": t0,
            "types": list(VEHICLE_TYPES),
            "states": list(VEHICLE_STATES),
            "feeds": [{"name": f.name, "ageing_s": f.ageing_after_s, "stale_s": f.stale_after_s, "leaves_s": f.leaves_map_after_s} for f in feeds],
        },
        "t": [int(at - a) - t0 + 1 if a < 20 else int(now.timestamp() - a) - t0 + 1 for a in fleet.ages],
        "x": [round((w[0] + 180) / 360 * WORLD) for w in where],
        "y": [round((0.5 - math.log((1 + s) / (1 - s)) / (4 * math.pi)) * WORLD) for s in sines],
        "heading": [1 + round(w[2] / 360 * 64) % 64 for w in where],
        "look": [1 + VEHICLE_TYPES.index(k) + 16 * VEHICLE_STATES.index(s) + 256 * names[k] for k, s in zip(fleet.types, fleet.states, strict=True)],
    }  # fmt: skip


class WallServer:
    """The wall on a loopback port of its own. `build` gives the screen to show; change it between loads."""

    def __init__(self, city: City, build: Callable[[], Any]) -> None:
        self.city = city
        self.build = build
        app = dash.Dash(
            "wall_harness",
            backend="fastapi",
            assets_folder=str(ROOT / "assets"),
            assets_path_ignore=["worker", "early", "experience"],
            assets_ignore=r"live\.js",
            serve_locally=True,
            suppress_callback_exceptions=True,
            title="Milton Keynes control room",
            index_string=index_page(city, "live").replace(
                "{%renderer%}", '{%renderer%}<script src="/harness.js"></script>'
            ),
        )
        app.backend.websocket_capability = False
        app.layout = lambda: html.Div([html.Div(self.build(), id="screen")])
        outer = FastAPI()
        outer.add_api_route("/harness.js", lambda: Response(PAGE, media_type="text/javascript"))
        outer.add_api_route("/city/basemap.json", lambda: FileResponse(city.folder / "basemap.json"))
        outer.add_api_route("/worker/{name}", self._worker)
        outer.add_api_route("/healthz", lambda: JSONResponse({}))
        outer.mount("/", app.server)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(outer, log_level="warning", ws="none"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def _worker(self, name: str) -> Response:
        if name == "harness.js":
            return Response(WORKER, media_type="text/javascript")
        return FileResponse(ROOT / "assets" / "worker" / Path(name).name)

    def __enter__(self) -> WallServer:
        self._thread.start()
        for _ in range(3000):
            if self._server.started:
                return self
            time.sleep(0.01)
        raise RuntimeError("the wall's server did not start")

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(5)
        self._socket.close()


def make_view(fleet: Fleet, mode: str = "live") -> View:
    feeds = make_feeds()
    return View(make_snapshot(fleet, feeds), NOW, fleet.city, mode, feeds)


def milton_keynes() -> City:
    return load_city(CITIES / "milton_keynes")


def build_screen(view: View, table: bool = False, settings: dict[str, Any] | None = None) -> Any:
    return build_wall_table(view, settings or {}) if table else build_wall(view, None, settings or {})


def as_json(value: Any) -> str:
    return json.dumps(value)
