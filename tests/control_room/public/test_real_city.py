"""The sandbox's real answers, through every adapter, to the public state: nothing that staff see is in it."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np
import orjson
import pytest

from control_room.app import ControlRoom
from control_room.city import load_city
from control_room.clock import ReplayClock
from control_room.model import KINDS, Snapshot
from control_room.public.ground import Ground, list_expected
from control_room.public.messages import list_facts
from control_room.public.past import Past
from control_room.public.projection import project_public
from control_room.public.state import PublicState, Recording, as_json
from control_room.public.words import build_sentences
from control_room.settings import read_settings
from feeds.feed import read_feed_file
from feeds.fetch import Fetcher
from feeds.sandbox.app import DEMO_ENVIRONMENT
from feeds.sandbox.feed_file import write_feed_file
from tests.control_room.public.town import FOLDER, NOW
from tests.live_server import until

ROOT = Path(__file__).resolve().parents[3]
# Columns whose texts are our own words: the gazetteer's places and zones, the names of the feed file.
OURS = {f"{kind}.{column}" for kind in KINDS for column in ("locality", "feed")} | {"vehicle.zones"}
# Kinds that must have come before the search means anything.
WANTED = (
    "vehicle",
    "trip",
    "stop",
    "timetable",
    "request",
    "disruption",
    "cell",
    "cell_site",
    "environment",
    "crime",
    "airspace",
)


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> tuple[Snapshot, PublicState, str]:
    """A snapshot of the whole sandbox city, its public state, and all that screens are told of it as text."""
    folder = tmp_path_factory.mktemp("city")
    held = socket.socket()  # bound and never listened on: nobody else is given the port before the exchange has it
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    port = held.getsockname()[1]
    exchange = subprocess.Popen(
        [sys.executable, "-m", "feeds.sandbox", "--port", str(port), "--until-stdin-closes", "--at", NOW.isoformat()],
        cwd=ROOT,
        stdin=subprocess.PIPE,
    )
    before = {name: os.environ.get(name) for name in DEMO_ENVIRONMENT}
    os.environ.update(DEMO_ENVIRONMENT)
    try:
        now = wait_until_it_answers(port)
        write_feed_file(folder / "feeds.yaml", f"http://127.0.0.1:{port}")
        feeds = read_feed_file(folder / "feeds.yaml")
        snapshot = asyncio.run(_watch(folder, feeds, now))
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
        exchange.terminate()
        exchange.wait(60)
        held.close()
    ground = Ground(load_city(FOLDER), feeds, "sandbox", True, list_expected(feeds))
    state, _ = project_public(snapshot, Past(), snapshot.at, ground)
    facts = as_json(list_facts(state, Recording(False)))
    said = [s.text for language in ("en", "cy") for s in build_sentences(facts, language)]
    return snapshot, state, orjson.dumps([state, said]).decode()


def wait_until_it_answers(port: int, within_s: float = 60) -> datetime:
    """Else the first questions fail, and a feed that failed is asked again only much later. The exchange's own time."""
    until = time.monotonic() + within_s
    while True:
        try:
            told = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=30).json()
            return datetime.fromisoformat(told["now"])
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


async def _watch(folder: Path, feeds, now: datetime) -> Snapshot:
    # A Monday's noon, whenever the test runs: at night there are no buses to speak of. The exchange began before us.
    clock = ReplayClock(now)
    room = ControlRoom(
        read_settings({"data": str(folder), "blackbox_hours": 0.0}, {}),
        load_city(FOLDER),
        feeds,
        clock,
        Fetcher(clock),
        "sandbox",
    )
    async with room.running():
        tables = lambda: room.cache.snapshot.tables  # noqa: E731 - asked anew each time
        await until(lambda: all(len(tables()[kind]) for kind in WANTED), within_s=120)
        kinds = {"drone", "robot", "bus"}
        await until(lambda: kinds <= set(tables()["vehicle"]["vehicle_type"].tolist()), within_s=60)
        return room.cache.snapshot


def list_staff_words(snapshot: Snapshot, state: PublicState) -> dict[str, str]:
    """Every text of every row, and the column it stands in; without those that are the city's own words."""
    own = {p.name.casefold() for p in state.places} | {p.id for p in state.places}
    own |= {m.casefold() for p in load_city(FOLDER).grid_roads["features"] for m in (p["properties"]["name"], f"{p['properties']['ref']} {p['properties']['name']}")}  # fmt: skip
    found: dict[str, str] = {}
    for kind, table in snapshot.tables.items():
        closed = {value for column in KINDS[kind].columns for value in column.values}
        for name, values in table.columns.items():
            if KINDS[kind].by_name[name].type != "text":
                continue
            for value in {v for v in values.tolist() if v}:
                plain = str(value).casefold()
                if len(plain) >= 4 and plain not in own and value not in closed:
                    found.setdefault(plain, f"{kind}.{name}")
    return found


def test_no_text_of_any_row_is_in_what_screens_are_told(city):
    """Identifiers, labels, titles, operators, stops, categories: some thousands of texts, and not one of them."""
    snapshot, state, told = city
    words = list_staff_words(snapshot, state)
    # A word of ours may hold one of theirs by chance ("robots" the feed, "robots" the unit): only whole texts count then.
    strings = {s.casefold() for s in re.findall(r'"((?:[^"\\]|\\.)*)"', told)}
    keys = {s.casefold() for s in re.findall(r'"([a-z_0-9]+)":', told)}
    allowed = keys | {s.casefold() for s in state.figures} | {f.unit for f in state.figures.values()}
    whole = {w: where for w, where in words.items() if w in strings and w not in allowed and where not in OURS}
    text = told.casefold()
    inside = {w: where for w, where in words.items() if len(w) >= 8 and w in text and where not in OURS}

    assert len(words) > 5000
    assert whole == {}
    assert inside == {}


def test_no_exact_place_of_a_drone_or_a_mast_is_told(city):
    """Neither the pixel of a mast, nor any drone before its delay is over, is in the state."""
    from control_room.marks import mercator

    snapshot, state, _ = city
    sites = snapshot.tables["cell_site"]
    x, y = mercator(sites["latitude"], sites["longitude"])
    exact = set(zip(x.tolist(), y.tolist(), strict=True))

    assert state.masts and not exact & {(m.x, m.y) for m in state.masts}
    assert "drone" in snapshot.tables["vehicle"]["vehicle_type"].tolist()
    assert "drone" not in state.things.kind


def test_what_is_told_of_the_city_is_right(city):
    """The figures are those of the rows: robots in the street, masts, trips of the day, what every place says of robots."""
    snapshot, state, _ = city
    vehicles = snapshot.tables["vehicle"]
    robots = vehicles["vehicle_type"] == "robot"
    out = robots & ~np.isin(vehicles["state"].astype(str), ["charging", "out_of_service", "removed"])

    assert state.figures["robots_out"].value == pytest.approx(int(out.sum()), abs=3)
    assert sum(e.robots or 0 for e in state.estates) == sum(
        k == "robot" and e is not None for k, e in zip(state.things.kind, state.things.estate, strict=True)
    )
    assert state.figures["bus_trips_today"].value == len(snapshot.tables["timetable"])
    assert any(e.buses for e in state.estates)
    assert state.figures["requests_fixed_week"].value == sum(e.requests_fixed_week.count or 0 for e in state.estates)
    assert state.city.simulated is True
