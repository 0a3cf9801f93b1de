"""The public screens on a server of their own, which speaks the contract of docs/experience-protocol.md and nothing else.

Everything is real but the city: the pages, the catalogues, the content, the frames, the sentences. A test says which
facts there are, and when the server falls silent, ends and comes back.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from playwright.sync_api import Page

from control_room.city import CITIES, City, load_city
from control_room.frames import FrameEncoder, Marks
from control_room.public.content import build_content_page
from control_room.public.content.content import find_folder, read_content
from control_room.public.state import BATTERY, DOING, KINDS
from control_room.public.words import build_sentences, load_catalogues
from layouts.experience.page import build_page
from tests.browser.conftest import ROOT, wait_for

T0 = 1_795_000_000
LANGUAGES = ("en", "cy")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
WORLD = 256 * 2**18
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


def pixel(lon: float, lat: float) -> tuple[int, int]:
    sine = math.sin(math.radians(lat))
    return round((lon + 180) / 360 * WORLD), round((0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * WORLD)


class Town:
    """A seeded city: things that go along the grid roads, and what is said of it."""

    def __init__(self, city: City, robots: int = 120, seed: int = 7) -> None:
        self.random = random.Random(seed)
        self.city = city
        base = json.loads((city.folder / "basemap.json").read_text(encoding="utf-8"))
        self.roads = [self._unpack(road["line"], base["unit_deg"]) for road in base["roads"]]
        many = {"robot": robots, "shuttle": 6, "drone": 4, "bus": 24, "scooter": 8}
        self.kinds = [kind for kind in KINDS for _ in range(many[kind])]
        self.doing = [self.random.choices(DOING, [60, 20, 12, 6, 2])[0] for _ in self.kinds]
        self.battery = [self.random.choice(BATTERY[1:]) if k in ("robot", "shuttle") else "unknown" for k in self.kinds]
        self.names = [self._name() for _ in self.kinds]
        self.routes = [self.random.choice(["1", "4", "6", "8", "X5"]) if k == "bus" else None for k in self.kinds]
        self.ways = [
            (self.random.choice(self.roads), self.random.random(), self.random.choice([-1, 1])) for _ in self.kinds
        ]
        self.places = [
            {"id": e["name"].lower().replace(" ", "-").replace("'", ""), "name": e["name"], "x": (p := self._unpack(e["at"], base["unit_deg"])[0])[0], "y": p[1], "outline": []}
            for e in base["estates"]
        ]  # fmt: skip

    def _name(self) -> str:
        letters, figures = "BCDFGHJKLMNPQRSTVWXZ", "23456789"
        return "".join(self.random.choice(letters if i % 2 == 0 else figures) for i in range(4))

    @staticmethod
    def _unpack(line: list[int], unit: float) -> list[tuple[int, int]]:
        points, lon, lat = [], 0, 0
        for i in range(0, len(line), 2):
            lon, lat = lon + line[i], lat + line[i + 1]
            points.append(pixel(lon * unit, lat * unit))
        return points

    def at(self, seconds: float) -> tuple[list[int], list[int], list[int]]:
        """Where everything is that far on: x, y, heading as in the frames."""
        xs, ys, headings = [], [], []
        for kind, (road, start, way) in zip(self.kinds, self.ways, strict=True):
            speed = {"robot": 1.7, "bus": 10.0, "shuttle": 6.0, "drone": 12.0, "scooter": 0.0}[kind] / 0.3675
            pieces = list(itertools.pairwise(road))
            lengths = [math.dist(a, b) for a, b in pieces]
            along = (start * sum(lengths) + way * speed * seconds) % sum(lengths)
            piece = 0
            while along > lengths[piece] and piece < len(pieces) - 1:
                along -= lengths[piece]
                piece += 1
            (a, b), length = pieces[piece], lengths[piece]
            dx, dy = (b[0] - a[0]) / length, (b[1] - a[1]) / length
            off = {"robot": 45, "bus": 0, "shuttle": -6, "drone": 160, "scooter": 60}[kind] * way
            xs.append(round(a[0] + dx * along - dy * off))
            ys.append(round(a[1] + dy * along + dx * off))
            turn = math.atan2(dx * way, -dy * way) / (2 * math.pi) * 64
            headings.append(0 if kind in ("drone", "scooter") else 1 + round(turn) % 64)
        return xs, ys, headings

    def marks(self, seconds: float) -> Marks:
        xs, ys, headings = self.at(seconds)
        n = len(self.kinds)
        look = [1 + KINDS.index(k) + 16 * DOING.index(d) + 256 * KINDS.index(k) + 2**20 * BATTERY.index(b) for k, d, b in zip(self.kinds, self.doing, self.battery, strict=True)]  # fmt: skip
        legend = {
            "t0": T0,
            "types": list(KINDS),
            "states": list(DOING),
            "feeds": [{"name": k, "kind": k, "ageing_s": 30, "stale_s": 90, "leaves_s": 600} for k in KINDS],
        }
        keys = np.array(self.names, dtype=object)
        return Marks(keys, np.full(n, int(seconds) + 1, np.int32), np.array(xs, np.int32), np.array(ys, np.int32), np.array(headings, np.int32), np.array(look, np.int32), legend, int((T0 + seconds) * 1000))  # fmt: skip

    def facts(self, moment_ms: int, slots: Mapping[str, int]) -> dict[str, Any]:
        """Every fact of an ordinary afternoon."""

        def figure(value: float | None, unit: str, **more: Any) -> dict[str, Any]:
            return {"value": value, "unit": unit, "why": None if value is not None else "not_seen", "at_least": False, "source": "live", "as_of": None, "since": None, **more}  # fmt: skip

        council = "Council strategy for a tech, smart, digital and creative city"
        count = self.kinds.count
        inside = [self.places[(i * 7) % len(self.places)]["id"] for i in range(len(self.kinds))]  # fmt: skip
        sees = {k: {"sight": "seen", "since": moment_ms - 3_600_000, "minutes": 60} for k in (*KINDS, "mast", "timetable", "roadworks", "air", "requests")}  # fmt: skip
        return {
            "city": {"title": "Milton Keynes", "mode": "sandbox", "simulated": True, "moment": moment_ms, "zone": "Europe/London", "sees": sees},
            "figures": {
                "deliveries_today": figure(212, "deliveries", at_least=True, since=moment_ms - 20_000_000),
                "carbon_saved_today_kg": figure(60.9, "kg CO2", source="230,000 kg over 800,000 deliveries", as_of="2024"),
                "deliveries_total": figure(800000, "deliveries", source=council, as_of="2024"),
                "carbon_saved_total_kg": figure(230000, "kg CO2", source=council, as_of="2024"),
                "robots_out": figure(count("robot"), "robots"),
                "shuttles_running": figure(count("shuttle"), "shuttles"),
                "buses_running": figure(count("bus"), "buses"),
                "drones_flying": figure(count("drone"), "drones"),
                "scooters_ready": figure(count("scooter"), "scooters"),
                "bus_trips_today": figure(364, "trips"),
                "masts_up": figure(9, "masts"),
                "estates_with_robots": figure(41, "estates"),
                "requests_fixed_week": figure(465, "requests"),
            },
            "places": self.places,
            "estates": [
                {
                    "id": place["id"],
                    "robots": i % 5,
                    "buses": None if i % 9 == 8 else [{"route": "4", "to": "Wolverton", "at": moment_ms + 300_000}, {"route": "X5", "to": None, "at": moment_ms + 720_000}],
                    "roadworks": [{"road": "H5 Portway", "since": "2026-11-16", "until": "2026-11-30"}, {"road": None, "since": None, "until": None}] if i % 2 else [],
                    "air": ["low", "moderate", None][i % 3],
                    "requests_fixed_week": {"words": "count", "count": 25, "first": "2026-11-16", "last": "2026-11-22"} if i % 2 else {"words": "fewer_than_ten", "count": None, "first": "2026-11-16", "last": "2026-11-22"},
                }
                for i, place in enumerate(self.places)
            ],
            "things": {"slot": [slots[name] for name in self.names], "name": self.names, "kind": self.kinds, "doing": self.doing, "battery": self.battery, "route": self.routes, "estate": inside},
            "masts": [{"x": p["x"], "y": p["y"], "state": ["up", "up", "busy", "unknown"][i % 4], "estate": p["id"]} for i, p in enumerate(self.places[5::14])],
            "events": [],
            "recording": {"recorded": False, "first": None, "last": None, "since": None},
        }  # fmt: skip


class ExperienceServer:
    """The process that the public screens talk to, in a thread.

    Attributes:
        mute: names of facts that are not told.
        change: facts laid over those of the town.
        build: version of the pages, as they are told.
        quiet: no frame and no beat is sent while it is set: a line that is open and dead.
    """

    def __init__(self, robots: int = 120) -> None:
        self.city = load_city(CITIES / "milton_keynes")
        self.town = Town(self.city, robots)
        self.catalogues = load_catalogues()
        self.content, _ = read_content(self.city, find_folder(self.city))
        self.mute: set[str] = set()
        self.change: dict[str, Any] = {}
        self.quiet = False
        self.build = "test"
        self.every_s = 1.0
        self.heard: list[dict[str, Any]] = []
        self.begun = time.monotonic()
        self._epochs = itertools.count(1)
        # Bound and never listened on: while the server is gone nobody else is given its port.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port: int = self._held.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self.app = FastAPI(openapi_url=None)
        for path, screen in (("/experience", "kiosk"), ("/experience/display", "display")):
            self.app.add_api_route(path, self._page(screen), response_class=HTMLResponse)
        self.app.add_api_route("/city/basemap.json", lambda: FileResponse(self.city.folder / "basemap.json"))
        self.app.add_api_route("/experience/words/{language}.json", self._words)
        self.app.add_api_route("/experience/content/{language}.json", self._content)
        self.app.add_api_route("/assets/{path:path}", self._asset)
        self.app.add_api_websocket_route("/live", self._live)
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def answers(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """Begins to answer, on the same port as before."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="critical", timeout_graceful_shutdown=0))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server ended before it began"
            time.sleep(0.01)

    def stop(self) -> None:
        """The process is gone: sockets closed, nothing answers."""
        assert self._server is not None
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(30)

    def _page(self, screen: str) -> Any:
        def answer() -> HTMLResponse:
            page = build_page(screen, self.city.title, self.build, LANGUAGES)  # type: ignore[arg-type]
            return HTMLResponse(page, headers={"content-security-policy": POLICY})

        return answer

    def _words(self, language: str) -> JSONResponse:
        return JSONResponse(self.catalogues[language].for_page())

    def _content(self, language: str) -> JSONResponse:
        facts = self.facts(0, dict.fromkeys(self.town.names, 0))
        return JSONResponse(build_content_page(self.content, self.catalogues[language], facts))

    def _asset(self, path: str) -> Response:
        file = (ROOT / "assets" / path).resolve()
        if not file.is_relative_to(ROOT / "assets") or not file.is_file():
            return Response(status_code=404)
        headers = {"content-security-policy": POLICY}
        return Response(file.read_bytes(), media_type=TYPES.get(Path(path).suffix), headers=headers)

    def facts(self, moment_ms: int, slots: Mapping[str, int]) -> dict[str, Any]:
        """What is told at that moment, by name, with the sentences made of it."""
        facts = {**self.town.facts(moment_ms, slots), **self.change}
        facts = {name: content for name, content in facts.items() if name not in self.mute}
        if "city" in facts:
            made = {language: build_sentences(facts, language) for language in LANGUAGES}
            facts["sentences"] = {
                language: [{k: getattr(s, k) for k in ("key", "text", "large", "source", "as_of")} for s in sentences]
                for language, sentences in made.items()
            }
        return facts

    async def _live(self, ws: WebSocket) -> None:
        await ws.accept()
        hello = await ws.receive_json()
        self.heard.append(hello)
        listening = asyncio.create_task(self._listen(ws))
        encoder, told = FrameEncoder(), {}
        try:
            start = {
                "type": "hello",
                "epoch": f"run-{next(self._epochs)}",
                "seq": 0,
                "now": T0 * 1000,
                "rate": 1,
                "mode": "sandbox",
            }
            await ws.send_json({**start, "real": T0 * 1000})
            while not listening.done():
                if not self.quiet:
                    seconds = time.monotonic() - self.begun
                    frame = encoder.encode(self.town.marks(seconds))
                    for name, content in self.facts(int((T0 + seconds) * 1000), frame.slot_of).items():
                        if name != "city" and told.get(name) == content:
                            continue
                        told[name] = content
                        await ws.send_json({"type": "facts", "name": name, "content": content})
                    await ws.send_bytes(frame.delta if frame.delta is not None else frame.key())
                    await ws.send_json({"type": "beat", "now": int((T0 + seconds) * 1000), "rate": 1, "seq": frame.seq})
                await asyncio.sleep(self.every_s)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            listening.cancel()

    async def _listen(self, ws: WebSocket) -> None:
        try:
            while True:
                self.heard.append(await ws.receive_json())
        except (WebSocketDisconnect, RuntimeError):
            return


_STORM = """(() => {
  let seed = 11; const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  window.touched = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 10; i += 1) {
      const x = next() * innerWidth, y = next() * innerHeight, target = document.elementFromPoint(x, y) ?? document.body;
      for (const type of ["pointerdown", "pointerup", "click"]) target.dispatchEvent(new PointerEvent(type, {bubbles: true, cancelable: true, isPrimary: true, clientX: x, clientY: y}));
      window.touched += 1;
    }
    if (window.touched >= %d) clearInterval(timer);
  }, 50);
})()"""


def storm(page: Page, touches: int) -> None:
    """That many touches at places of a seeded dice, 200 a second; returns when the last is done."""
    page.evaluate(_STORM.replace("%d", str(touches)))
    wait_for(page, f"window.touched >= {touches}", 60 + touches / 10)


if __name__ == "__main__":
    server = ExperienceServer()
    print(server.url, flush=True)
    while True:
        time.sleep(1)
