"""Canaries in every feed: the public screens' process is searched, byte by byte, for any of them."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import httpx
import numpy as np
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from control_room.frames import FrameDecoder, open_frame
from control_room.marks import mercator
from control_room.model import KINDS, Table
from control_room.public.source import make_source
from control_room.public.state import read_state
from control_room.public.tape import Tape
from tests.control_room.public.room import Town, background, make_experience, serving
from tests.control_room.public.test_projection import READS, honest_tables
from tests.control_room.public.town import CANARY, MIDDLE, NOW, canary_number, canary_time, make_snapshot, poison
from tests.live_server import until

HELLO = {
    "type": "hello",
    "screen": "experience",
    "topics": ["map", "facts"],
    "follow": None,
    "epoch": None,
    "seq": None,
}
# Where a drone's pilot stands, to the metre, and the house that a parcel goes to.
PILOT = (52.0712345, -0.7198765)


def poisoned_tables() -> dict[str, Table]:
    """Every kind of row that a feed can bring: canaries in every column, but those few without which no row is looked at."""
    honest = honest_tables()
    tables = {}
    for name, kind in KINDS.items():
        if name not in honest:
            tables[name] = poison(kind)
            continue
        # Columns of text that are read are poisoned as well, but for the words that are matched whole.
        matched = {"vehicle_type", "state", "feed", "heading_source", "disruption_type", "quantity", "unit", "cell_id",
                   "stop_id", "next_stop_id", "route_id", "trip_id", "service_date", "schedule_relationship"}  # fmt: skip
        kept = {
            n: a
            for n, a in honest[name].columns.items()
            if n in READS[name] and (kind.by_name[n].type != "text" or n in matched)
        }
        tables[name] = poison(kind, len(honest[name]), kept)
    drone = {
        "vehicle_key": [f"{CANARY}-drone"],
        "vehicle_id": [f"{CANARY}-serial-number"],
        "feed": ["drones"],
        "vehicle_type": ["drone"],
        "state": ["working"],
        "latitude": [PILOT[0]],
        "longitude": [PILOT[1]],
        "observed_at": [NOW],
        "label": [f"{CANARY} operator at {PILOT[0]},{PILOT[1]}"],
    }
    both = {
        name: list(tables["vehicle"][name]) + drone.get(name, [None])
        for name in {*tables["vehicle"].columns, *drone}
        if KINDS["vehicle"].by_name[name].type in ("text", "choice", "flag")
    }
    numbers = {
        name: np.append(tables["vehicle"][name], drone.get(name, [np.nan]))
        for name in tables["vehicle"].columns
        if KINDS["vehicle"].by_name[name].type == "number"
    }
    times = {
        name: np.append(tables["vehicle"][name], np.array([NOW.replace(tzinfo=None)], dtype="datetime64[ms]"))
        for name in tables["vehicle"].columns
        if KINDS["vehicle"].by_name[name].type == "time"
    }
    tables["vehicle"] = Table.of(KINDS["vehicle"], {**both, **numbers, **times})
    return tables


def find_canaries(text: str) -> list[str]:
    """Words, numbers, moments and the exact places that must be nowhere, as they stand in that text."""
    return [found[0] for found in CANARIES.finditer(text)][:3]


def _list_patterns() -> list[str]:
    px, py = (int(v[0]) for v in mercator(np.array([PILOT[0]]), np.array([PILOT[1]])))
    places = [f"{PILOT[0]:.5f}", f"{PILOT[1]:.5f}", str(px), str(py), f"{MIDDLE[0]:.4f}"]
    numbers = [r"\b770\d{6}\b"]  # every canary_number, and nothing else here has nine digits that begin so
    # January of 1987: as a date, in milliseconds, in seconds.
    moments = [r"1987-0", r"\b53[678]\d{9}\b", r"\b53[678]\d{6}\b"]
    return [*(re.escape(word) for word in (CANARY, *places)), *numbers, *moments]


CANARIES = re.compile("|".join(_list_patterns()), re.IGNORECASE)


class Net:
    """Everything that was received, as text that can be searched, and where from."""

    def __init__(self) -> None:
        self.caught: list[tuple[str, str]] = []

    def take(self, where: str, data: bytes | str) -> None:
        self.caught.append((where, data if isinstance(data, str) else data.decode("latin-1")))

    def take_message(self, where: str, message: bytes | str, decoder: FrameDecoder) -> None:
        self.take(where, message)
        if isinstance(message, bytes):
            _, header, body = open_frame(message)
            columns = decoder.decode(message)
            self.take(f"{where}, its header", orjson.dumps(header))
            self.take(f"{where}, its bytes", bytes(body))
            values = {n: getattr(columns, n).tolist() for n in ("t", "x", "y", "heading", "look")}
            self.take(f"{where}, its columns", orjson.dumps(values))

    def take_answer(self, where: str, answer: httpx.Response) -> None:
        self.take(f"{where}, headers", "\n".join(f"{k}: {v}" for k, v in answer.headers.items()))
        self.take(where, answer.text)


async def catch_all(net: Net, port: int) -> None:
    """Asks for all that it serves, and for much that it does not; takes pages, facts, frames, errors, close reasons."""
    # Files of ours hold no facts; one of them stands for all, for its headers.
    files = ["/assets/experience/page.js"]
    paths = ["/", "/healthz", "/experience", "/experience/display", "/city/basemap.json", "/experience/words/en.json",
             "/experience/words/cy.json", "/experience/content/en.json", "/experience/content/cy.json", *files,
             "/wall", "/tiles/12/2038/1346", "/admin/screens", "/alarms/journal", "/find?q=robots:1", "/desk/detail",
             "/experience?display=north-door", "/public/stream", "/assets/worker/channel.js", "/assets/worker/frames.js"]  # fmt: skip
    async with httpx.AsyncClient(trust_env=False, timeout=60, base_url=f"http://127.0.0.1:{port}") as client:
        for path in paths:
            net.take_answer(path, await client.get(path))
            net.take_answer(f"{path} by HEAD", await client.head(path))
        net.take_answer("a post", await client.post("/experience", json={"id": 1}))
        net.take_answer("a strange host", await client.get("/experience", headers={"host": "elsewhere"}))
    decoder = FrameDecoder()
    async with connect(f"ws://127.0.0.1:{port}/live", proxy=None) as socket:
        await socket.send(
            orjson.dumps(
                {**HELLO, "topics": ["map", "facts", "panel:fleet", "layer:cells"], "follow": "robots:1"}
            ).decode()
        )
        async with asyncio.timeout(60):
            while decoder.seq is None:  # a frame, before which come the facts
                net.take_message("the socket", await socket.recv(), decoder)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.2):
                while True:
                    net.take_message("the socket", await socket.recv(), decoder)
    for said in ("nonsense", "{}", '{"type":"hello"}', '{"type":"follow","id":"robots:1"}', "x" * 5000):
        async with connect(f"ws://127.0.0.1:{port}/live", proxy=None) as socket:
            await socket.send(said)
            try:
                async with asyncio.timeout(60):
                    while True:
                        net.take("a refused socket", await socket.recv())
            except ConnectionClosed as closed:
                net.take("a close reason", str(closed))
    for path in ("/public/stream", "/timeline", "/live/x"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://127.0.0.1:{port}{path}", proxy=None):
                pass
        net.take("a refused handshake", str(refused.value) + str(refused.value.response))


def test_no_canary_comes_out(tmp_path: Path, capfd):
    """Identifiers, request texts, addresses, operators' positions, police rows: in every feed, and nowhere in what is sent.

    The dashboard's side is real down to the socket, so is the public screens' process; two minutes of
    the city's time pass, so that the drones' delay is over.
    """

    async def story() -> tuple[Net, bytes]:
        town = Town()
        net = Net()
        # Before the dashboard makes states of its own: a thread that does would forget what is remembered here.
        for _ in range(14):
            town.snapshot = make_snapshot(_at(poisoned_tables(), town.clock.now()), town.clock.now())
            town.service.project(town.snapshot, town.clock.now())
            town.clock.moment += timedelta(seconds=10)
        town.snapshot = make_snapshot(_at(poisoned_tables(), town.clock.now()), town.clock.now())
        async with serving(town) as stream_port, background(town.service.run()):
            source = make_source(f"http://127.0.0.1:{stream_port}/public/stream")
            app = make_experience(tmp_path, source, town.clock)
            async with serving(app, "on") as port:
                async with connect(f"ws://127.0.0.1:{stream_port}/public/stream", proxy=None) as socket:
                    await socket.recv()
                    raw = await socket.recv()
                await until(lambda: app._showing == "live", 60)
                await until(lambda: len(app.hub._audiences["public"].bundle.frame.slot_of) >= 4, 60)
                await catch_all(net, port)
        return net, raw

    net, raw = asyncio.run(story())
    state = read_state(raw)
    net.take("the stream", orjson.dumps(state))
    out, errors = capfd.readouterr()
    net.take("the log", out + errors)
    kept = [state for _, state in Tape(tmp_path).play()]
    net.take("the recording", orjson.dumps(kept))

    # The canaries were really there to be found, and so was the drone.
    assert "drone" in state.things.kind
    assert sum(len(text) for _, text in net.caught) > 200_000
    assert kept and len(net.caught) > 100
    assert any(where.endswith("its columns") for where, _ in net.caught)
    # Fonts and pictures are files of ours, in which digits stand by chance.
    ours = re.compile(r"^/(assets/|city/basemap)")
    found = [(where, caught) for where, text in net.caught if not ours.match(where) and (caught := find_canaries(text))]
    assert found == []


def _at(tables: dict[str, Table], now) -> dict[str, Table]:
    """The same rows heard of just now."""
    fresh = np.datetime64(now.replace(tzinfo=None), "ms")
    vehicles = tables["vehicle"]
    return {**tables, "vehicle": vehicles.with_columns(observed_at=np.full(len(vehicles), fresh))}


def test_the_net_finds_what_is_there():
    """The search itself works: of a page with a canary in it, it says so."""
    moment = round(canary_time(KINDS["crime"], 7, 0).timestamp())

    assert find_canaries(f"<p>{CANARY.lower()}-request-status-1</p>")
    assert find_canaries(f'{{"crimes":{canary_number(KINDS["crime"], 5, 0)}}}')
    assert find_canaries(f"{PILOT[0]:.6f}")
    assert find_canaries(f'"at":{moment * 1000},') and find_canaries(f'"at":{moment}') and find_canaries("1987-01-20T")
    assert not find_canaries("104 robots are out in the city right now.")
