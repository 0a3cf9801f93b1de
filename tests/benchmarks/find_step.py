"""Search over 30,000 things: one answer while nothing changed, and one right after the vehicles moved.

5,000 vehicles, 300 cells, 20,000 open requests, 4,500 stops and 200 routes, beside the city's places and roads. Asked are
the questions of a day: names whole and half, numbers, one letter (which thousands begin with), and slips, which cost most.

Run: python -m tests.benchmarks.find_step [--only ours] [--short]
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import numpy as np

from control_room.city import CITIES, City, load_city
from control_room.find import Finder
from control_room.model import CELL_SITE, REQUEST, ROUTE, STOP, VEHICLE, Kind, Snapshot, Table, text_array
from tests.benchmarks import bars
from tests.benchmarks.writer_step import T0, build_batch

SIZES: tuple[tuple[Kind, int], ...] = ((VEHICLE, 5000), (CELL_SITE, 300), (REQUEST, 20_000), (STOP, 4500), (ROUTE, 200))
QUESTIONS = (
    "robot 47", "47", "r", "s", "1", "bleak hall", "bleak", "h6", "h6 childs way", "blaek hall", "missed bin", "misssed bin",
    "request 19999", "pothole bletchley", "station road", "statoin raod", "cell 12", "route 8", "nothing of that name", "zzzzzzzz",
)  # fmt: skip
NAMES = (
    "Station Road",
    "High Street",
    "Church Green",
    "Silbury Boulevard",
    "Midsummer Place",
    "Oldbrook",
    "Wavendon Gate",
)
SORTS = ("Missed bin", "Pothole", "Street light out", "Fly-tipping", "Overhanging trees")


def build_snapshot(city: City, seconds: float) -> Snapshot:
    """The city at that second: vehicles have moved, all else stands."""
    at = T0 + timedelta(seconds=seconds)
    tables = dict(Snapshot.empty(at).tables)
    for kind, rows in SIZES:
        table = build_batch(kind.name, kind, rows, at if kind is VEHICLE else T0, city).table
        draw = np.random.default_rng(rows)
        if kind is REQUEST:
            words = [f"SR-2026-{n:06d}" for n in range(rows)]
            table = table.with_columns(
                request_id=text_array(words), category=text_array(draw.choice(SORTS, rows).tolist())
            )
        elif kind is STOP:
            names = draw.choice(NAMES, rows).tolist()
            table = table.with_columns(title=text_array([f"{name} {n % 90}" for n, name in enumerate(names)]))
        if "locality" in kind.by_name:
            places = [p.name for p in city.localities]
            table = table.with_columns(locality=text_array(draw.choice(places, rows).tolist()))
        tables[kind.name] = Table.of(kind, dict(table.columns))
    return replace(Snapshot.empty(at), tables=MappingProxyType(tables))


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """Milliseconds of an answer. The classic page has no search: no figures."""
    if name != "ours":
        return {}
    city = load_city(CITIES / "milton_keynes")
    finder = Finder(city)
    moments = [build_snapshot(city, second) for second in range(3 if short else 10)]
    begun = time.perf_counter()
    finder.find("robot", moments[0])
    first_ms = (time.perf_counter() - begun) * 1000
    still, moved = [], []
    for snapshot in moments[1:]:
        for number, question in enumerate(QUESTIONS):
            begun = time.perf_counter()
            finder.find(question, snapshot)
            (moved if number == 0 else still).append((time.perf_counter() - begun) * 1000)
    return {
        "find_p50_ms": float(np.percentile(still, 50)),
        "find_p95_ms": float(np.percentile(still, 95)),
        "find_moved_ms": float(np.max(moved)),
        "find_first_ms": first_ms,
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
