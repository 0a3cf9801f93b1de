"""Facts that are kept whole: requests, slots, coverage, events, cancelled trips. Says which rows are new or changed.

A fact has a key; written twice it is the same fact. So after a start everything
is told once more, and the database finds what it has already.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from control_room.history.spans import begin_of
from control_room.model import Snapshot, Table
from control_room.punctuality import NOT_RUN

# A coverage map over the last minutes changes with each answer; a quarter of an hour is soon enough for a day's map.
COVERAGE_EVERY_S: Final = 900.0
_NEVER: Final = np.iinfo(np.int64).min
MOST_KEYS: Final = 100_000


class FactWatch:
    """What has been told of each fact. Not for several threads."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._told: dict[str, dict[str, tuple[Any, ...]]] = {}
        self._tables: dict[str, Table] = {}
        self._coverage_s = -math.inf

    def note(self, snapshot: Snapshot, now_s: float) -> dict[str, list[dict[str, Any]]]:
        """Rows that are new or changed since the last time, by table without `history_`."""
        found: dict[str, list[dict[str, Any]]] = {}
        tables = snapshot.tables
        if self._is_new("request", tables["request"]):
            found["request"] = self._changed("request", list_requests(tables["request"]))
        # Slots begin without any word from the source, so they are looked at each time; they are few.
        found["slot"] = self._changed("slot", list_slots(tables["booking"], now_s))
        if self._is_new("event", tables["event"]):
            found["event"] = self._changed("event", list_events(tables["event"]))
        if self._is_new("trip", tables["trip"]):
            found["run"] = self._changed("run", list_cancelled(tables["trip"], now_s), by=("run_key",))
        is_due = len(tables["coverage"]) and not 0 <= now_s - self._coverage_s < COVERAGE_EVERY_S
        if is_due and self._is_new("coverage", tables["coverage"]):
            self._coverage_s = now_s
            found["coverage"] = self._changed("coverage", list_coverage(tables["coverage"], self._zone))
        return {name: rows for name, rows in found.items() if rows}

    def _is_new(self, kind: str, table: Table) -> bool:
        """Whether it is another table than last time: what did not change need not be read again."""
        before = self._tables.get(kind)
        self._tables[kind] = table
        return table is not before

    def _changed(self, name: str, rows: list[dict[str, Any]], by: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Those that were not told as they are now.

        Args:
            by: columns that tell one from another; all where none are named.
        """
        told = self._told.setdefault(name, {})
        if len(told) > MOST_KEYS:
            told.clear()  # told once more, which changes nothing
        changed = []
        for row in rows:
            values = list(row.values())
            key = values[0] if name != "coverage" else "|".join(map(str, values[:3]))
            mark = tuple(row[column] for column in by) if by else tuple(values)
            if told.get(key) != mark:
                told[key] = mark
                changed.append(row)
        return changed


def list_requests(table: Table) -> list[dict[str, Any]]:
    """Rows of history_request."""
    seconds = {name: _seconds(table[name]) for name in ("requested_at", "expected_at", "updated_at", "observed_at")}
    columns = zip(
        table.keys.tolist(),
        _first(table["category"], table["category_code"]),
        table["locality"].tolist(),
        table["channel"].tolist(),
        table["status"].tolist(),
        table["is_open"].tolist(),
        *seconds.values(),
        strict=True,
    )
    return [
        {
            "request_key": key,
            "category": category,
            "locality": locality,
            "channel": channel,
            "status": status,
            "requested_s": requested,
            "expected_s": expected,
            "updated_s": updated,
            # The source tells no other moment of closing than the last change.
            "closed_s": (updated or observed) if is_open is False else None,
        }
        for key, category, locality, channel, status, is_open, requested, expected, updated, observed in columns
    ]


def list_slots(table: Table, now_s: float) -> list[dict[str, Any]]:
    """Rows of history_slot: slots that have begun."""
    names = ("capacity", "booked", "booked_online", "arrivals", "no_shows")
    begins = _seconds(table["slot_from"])
    rows = [row for row, begin in enumerate(begins) if begin is not None and begin <= now_s]
    numbers = {name: _numbers(table[name]) for name in names}
    keys, sites = table.keys.tolist(), table["site"].tolist()
    return [
        {"slot_key": keys[r], "site": sites[r], "from_s": begins[r], **{n: numbers[n][r] for n in names}} for r in rows
    ]


def list_events(table: Table) -> list[dict[str, Any]]:
    """Rows of history_event; those without a beginning are left out."""
    begins, ends = _seconds(table["starts_at"]), _seconds(table["ends_at"])
    people = _numbers(table["expected_people"])
    texts = (table[name].tolist() for name in ("title", "category", "venue"))
    return [
        {
            "event_key": key,
            "title": title,
            "category": category,
            "venue": venue,
            "starts_s": begin,
            "ends_s": end,
            "expected_people": expected,
        }
        for key, title, category, venue, begin, end, expected in zip(
            table.keys.tolist(), *texts, begins, ends, people, strict=True
        )
        if begin is not None
    ]


def list_cancelled(table: Table, now_s: float) -> list[dict[str, Any]]:
    """Rows of history_run: trips that do not run, once a service day."""
    rows = [row for row, standing in enumerate(table["schedule_relationship"].tolist()) if standing in NOT_RUN]
    return [
        {
            "run_key": f"{table.keys[row]}|{table['trip_start_date'][row] or ''}",
            "sort": "cancelled_trip",
            "operator": None,
            "route": table["route_id"][row],
            "from_s": None,
            "until_s": int(now_s),
        }
        for row in rows
    ]


def list_coverage(table: Table, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Rows of history_coverage: by the day on which each hexagon was measured last."""
    seconds = _seconds(table["observed_at"])
    # By the hour, as reckoning a day's beginning would cost more than everything else together.
    day_of: dict[int, int] = {}
    numbers = [_numbers(table[name]) for name in ("rsrp_dbm", "sinr_db", "samples")]
    made = []
    for hexagon, technology, at_s, rsrp, sinr, samples in zip(
        table["hexagon"].tolist(), table["technology"].tolist(), seconds, *numbers, strict=True
    ):
        if hexagon is None or at_s is None:
            continue
        hour = at_s // 3600
        if hour not in day_of:
            day_of[hour] = begin_of("day", at_s, zone)
        made.append(
            {
                "hexagon": hexagon,
                "technology": technology or "other",
                "day_s": day_of[hour],
                "rsrp_dbm": rsrp,
                "sinr_db": sinr,
                "samples": samples,
            }
        )
    return made


def _seconds(times: np.ndarray) -> list[int | None]:
    values = times.astype(np.int64)
    return [None if ms == _NEVER else ms // 1000 for ms in values.tolist()]


def _numbers(values: np.ndarray) -> list[float | None]:
    return [None if v != v else v for v in values.tolist()]


def _first(column: np.ndarray, instead: np.ndarray) -> list[str | None]:
    return [a if a is not None else b for a, b in zip(column.tolist(), instead.tolist(), strict=True)]
