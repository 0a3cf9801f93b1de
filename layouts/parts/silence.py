"""Why is a vehicle silent? The answer from what surrounds it: feed, supplier, cell, coverage, device. Text only.

Shared by the card of one vehicle and by the panel that lists those that are silent.
"""

from __future__ import annotations

import numpy as np

from control_room.model import FeedHealth, Table
from control_room.surroundings import CONNECTED
from layouts.formats import format_number, format_reason
from layouts.panel import View
from layouts.panels.feeds import WORDS
from layouts.parts.sources import GONE, STALE, UNTIMED

# Less than this and a vehicle may lose its link: where the bands "poor" and "none" of the coverage map begin (docs/feeds/coverage.md).
WEAK_DBM = -100.0
SILENT = (STALE, GONE, UNTIMED)


def find_vehicle(table: Table, wanted: str) -> int | None:
    """Row of the vehicle of that key, supplier's id or label, of several the one seen last; None where there is none."""
    for column in ("vehicle_key", "vehicle_id", "label"):
        rows = np.flatnonzero(table[column] == wanted)
        if len(rows):
            seen = table["observed_at"][rows]
            stamps = np.where(np.isnat(seen), np.iinfo(np.int64).min, seen.astype(np.int64))
            return int(rows[stamps.argmax()])
    return None


def explain_silence(table: Table, row: int, view: View) -> list[str]:
    """Why nothing is heard of it, the likeliest first: what is known to be wrong, then what is known to be well.

    What is not known is said to be so. The place is where it was last seen.
    """
    health = view.snapshot.feeds.get(table["feed"][row] or "")
    wrong: list[str] = []
    fine: list[str] = []
    _judge_feed(health, view, wrong, fine)
    if table["state"][row] == "out_of_contact":
        wrong.append("Its supplier says that it cannot reach it.")
    if table["vehicle_type"][row] in CONNECTED:
        _judge_cell(table, row, wrong, fine)
        _judge_coverage(table, row, wrong, fine)
    else:
        fine.append("It does not depend on the city's 5G.")
    if not wrong:
        wrong.append("Nothing round it explains it: the device itself is the likeliest cause.")
    return wrong + fine


def _judge_feed(health: FeedHealth | None, view: View, wrong: list[str], fine: list[str]) -> None:
    if health is None:
        fine.append("How its feed stands is not known.")
        return
    state = health.state(view.now)
    title = health.title or health.feed
    if state == "failing":
        wrong.append(f"Its feed, {title}, fails ({format_reason(health.reason)}): all of its vehicles are silent.")
    elif state in ("fresh", "ageing"):
        fine.append(f"Its feed, {title}, brings others: it is {WORDS[state]}.")
    else:
        wrong.append(f"Its feed, {title}, is {WORDS[state]}: it brings nothing newer of anyone.")


def _judge_cell(table: Table, row: int, wrong: list[str], fine: list[str]) -> None:
    cell, state = table["cell_near"][row], table["cell_state"][row]
    if cell is None:
        fine.append("No 5G cell is known to serve that place.")
    elif state == "down":
        wrong.append(f"The 5G cell that serves that place, {cell}, is down.")
    elif state == "degraded":
        wrong.append(f"The 5G cell that serves that place, {cell}, is degraded.")
    elif state == "up":
        fine.append(f"The 5G cell that serves that place, {cell}, is up.")
    else:
        fine.append(f"How the 5G cell that serves that place, {cell}, stands is not known.")


def _judge_coverage(table: Table, row: int, wrong: list[str], fine: list[str]) -> None:
    expected = table["expected_rsrp_dbm"][row]
    if expected != expected:
        fine.append("Nobody has measured 5G coverage there.")
        return
    told = f"{format_number(expected, 'dBm')} expected there"
    if expected < WEAK_DBM:
        wrong.append(f"It was last seen in a known hole of 5G coverage: {told}.")
    else:
        fine.append(f"Coverage is no cause: {told}.")
