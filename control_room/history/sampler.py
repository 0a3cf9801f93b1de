"""Snapshots in, batches out: what history makes of the city, second by second. No clock and no database of its own.

A snapshot says how things stand; they are taken to have stood so until the next
one. Where that is longer than HOLD_S (a clock was set, the machine slept, the
writer stalled) nobody knows, and nothing is added: a gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from control_room.ages import STALE, Limits, judge_ages
from control_room.city.targets import Targets
from control_room.history.batch import Batch
from control_room.history.facts import FactWatch
from control_room.history.fleet import describe_fleets
from control_room.history.periods import Periods
from control_room.history.positions import Thinner
from control_room.history.rollup import Minutes, Name, Rate
from control_room.history.standing import describe_rest
from control_room.history.watch import Watch
from control_room.model import Snapshot, Table

HOLD_S: Final = 15.0
# What changes by the minute need not be described each second.
REST_EVERY_S: Final = 10.0


class Sampler:
    """Follows the snapshots of one start of the program. Not for several threads.

    Args:
        run: name of this start, 16 hexadecimal digits.
        feeds: for the limits by which rows are too old.
        began_s: when this start began, POSIX seconds.
        hold_s: how long a snapshot may be taken to stand, where no other follows it.
    """

    def __init__(
        self,
        run: str,
        feeds: Sequence[Limits],
        zone: ZoneInfo,
        targets: Targets,
        began_s: float,
        hold_s: float = HOLD_S,
    ) -> None:
        self._run = run
        self._hold_s = hold_s
        self._feeds = tuple(feeds)
        weak = targets.get("corridor", {}).get("rsrp_dbm")
        self._minutes = Minutes()
        self._watch = Watch(weak.limit if weak is not None else None)
        self._periods = Periods(began_s)
        self._facts = FactWatch(zone)
        self._thinner = Thinner()
        self._alarms: dict[str, bool] | None = None
        self._alarm_table: Table | None = None
        self._vehicles: Table | None = None
        self._standing: dict[Name, Rate] = {}
        self._rest: dict[Name, Rate] = {}
        self._rest_s = -math.inf
        self._at_s: float | None = None
        self._number = 0
        self._positions: list[list[Any]] = []
        self._waiting: dict[str, list[dict[str, Any]]] = {}

    def note(self, snapshot: Snapshot) -> None:
        """Take one snapshot in. One of the same moment as the last adds nothing."""
        now_s = snapshot.at.timestamp()
        if self._at_s is not None:
            passed_s = now_s - self._at_s
            if passed_s == 0:
                return
            if 0 < passed_s <= self._hold_s:
                self._minutes.add_rates(self._standing, self._at_s, now_s)
            elif passed_s < 0:
                self._rest_s = -math.inf  # the clock was set back
        self._at_s = now_s
        vehicles = snapshot.tables["vehicle"]
        ages = judge_ages(vehicles, self._feeds, snapshot.at)
        self._note_vehicles(vehicles, ages, now_s)
        self._note_alarms(snapshot, now_s)
        if not 0 <= now_s - self._rest_s < REST_EVERY_S:
            self._rest_s = now_s
            self._note_rest(snapshot, now_s)
        self._standing = {**self._rest, **describe_fleets(vehicles, ages)}

    def drain(self, at_s: float) -> Batch:
        """Everything since the last time, to be written once; may be empty."""
        self._number += 1
        facts, self._waiting = self._waiting, {}
        positions, self._positions = self._positions, []
        return Batch(self._run, self._number, int(at_s), self._minutes.drain(), facts, positions)

    def _note_vehicles(self, vehicles: Table, ages: np.ndarray, now_s: float) -> None:
        happened, ended = self._watch.note(vehicles, ages, now_s)
        for event in happened:
            for key in event.keys:
                self._minutes.add_thing((event.measure, key), event.at_s)
        for run in ended:
            # Counted when the database takes it for new: after a restart the same end may be seen again.
            self._waiting.setdefault("run", []).append(run.to_fact())
        if vehicles is not self._vehicles:
            self._vehicles = vehicles
            self._positions += self._thinner.note(vehicles, ages)

    def _note_rest(self, snapshot: Snapshot, now_s: float) -> None:
        tables = snapshot.tables
        ages_of = {kind: judge_ages(tables[kind], self._feeds, snapshot.at) for kind in ("environment", "service")}
        self._rest = describe_rest(snapshot, ages_of, snapshot.at)
        cells, services = tables["cell"], tables["service"]
        self._periods.note_cells(cells.take(judge_ages(cells, self._feeds, snapshot.at) < STALE), self._minutes)
        self._periods.note_services(services.take(ages_of["service"] < STALE), self._minutes)
        for name, rows in self._facts.note(snapshot, now_s).items():
            self._waiting.setdefault(name, []).extend(rows)

    def _note_alarms(self, snapshot: Snapshot, now_s: float) -> None:
        """Alarms that became active since the last time; the first look only says which are."""
        alarms = snapshot.tables["alarm"]
        if alarms is self._alarm_table:
            return
        self._alarm_table = alarms
        active = dict(zip(alarms.keys.tolist(), (alarms["is_active"] == True).tolist(), strict=True))  # noqa: E712
        before, self._alarms = self._alarms, active
        if before is None:
            return
        for row, (key, is_active) in enumerate(active.items()):
            if is_active and not before.get(key, False):
                for name in ("", alarms["priority"][row] or "low", f"rule:{alarms['rule'][row]}"):
                    self._minutes.add_thing(("alarm.raised", name), now_s)
