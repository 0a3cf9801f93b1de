"""What the writer keeps of 5,000 vehicles for half an hour, and the card of one of them.

Each second of the city's time all of them have moved. What is timed is `Diary.note`
(tracks, days, earlier drive tests), and a card from the whole of it, encoded and
deflated. Processor time, as others work on the machine.

Run: python -m tests.benchmarks.vehicle_cards [--only ours] [--short]
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import numpy as np

from control_room.city import CITIES, load_city
from control_room.diary import Diary
from control_room.model import VEHICLE, FeedHealth, Snapshot
from control_room.publish import to_json
from control_room.vehicle_cards import VehicleCards
from feeds.feed import Feed
from layouts.panel import View
from tests.benchmarks import bars
from tests.benchmarks.writer_step import T0, build_batch

VEHICLES = 5_000


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """Times in ms of processor, memory in MB, a card in kB. The classic page keeps nothing: no figures."""
    if name != "ours":
        return {}
    city = load_city(CITIES / "milton_keynes")
    feed = Feed(name="buses", adapter="none", url="http://x.example/", every_s=1)
    health = FeedHealth("buses", "Buses", "", "none", 1, feed.ageing_after_s, feed.stale_after_s)
    first = build_batch("buses", VEHICLE, VEHICLES, T0, city).table
    empty = Snapshot.empty(T0, [health])
    diary = Diary([feed], city.zone)
    notes_ms = []
    snapshot = empty
    for second in range(300 if short else 1_800):
        at = T0 + timedelta(seconds=second)
        moved = first.with_columns(
            observed_at=np.full(VEHICLES, np.datetime64(at.replace(tzinfo=None), "ms")),
            latitude=first["latitude"] + second * 1e-5,
            vehicle_key=first.keys,
            state=first["state"] if second % 60 else np.roll(first["state"], second // 60),
        )
        snapshot = replace(empty, at=at, tables=MappingProxyType({**empty.tables, "vehicle": moved}))
        began = time.process_time()
        diary.note(snapshot)
        notes_ms.append((time.process_time() - began) * 1000)
    view = View(snapshot, snapshot.at, city, "live", (feed,), diary=diary)
    cards_ms, panel = [], b""
    for turn in range(50):
        topic = f"vehicle_id {turn * 97}"
        began = time.process_time()
        panels, _ = VehicleCards(to_json).make(view, frozenset({f"vehicle:{topic}", f"track:{topic}"}), 0.0)
        cards_ms.append((time.process_time() - began) * 1000)
        panel = panels[topic]
    return {
        "diary_note_p50_ms": float(np.percentile(notes_ms, 50)),
        "diary_note_p95_ms": float(np.percentile(notes_ms, 95)),
        "diary_mb": diary.tracks.nbytes / 1e6,
        "vehicle_card_p50_ms": float(np.percentile(cards_ms, 50)),
        "vehicle_card_p95_ms": float(np.percentile(cards_ms, 95)),
        "vehicle_card_kb": len(panel) / 1000,
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
