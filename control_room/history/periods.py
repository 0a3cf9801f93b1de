"""Counters that a source tells of periods of its own: cells (TS 28.552) and digital services.

Each period counts once. One that began before this start of the program is left
out: the start before may have written it, and twice would be wrong, while a
period too few is a gap that `known_s` tells.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from control_room.history.rollup import Minutes, Rate
from control_room.model import Table

# Measure -> column, and whether the value is a share of the weight (per cent).
_CELL_MEANS: Final = {
    "cell.load_percent": "prb_dl_percent",
    "cell.load_ul_percent": "prb_ul_percent",
    "cell.throughput_dl_kbps": "throughput_dl_kbps",
    "cell.throughput_ul_kbps": "throughput_ul_kbps",
    "cell.delay_dl_ms": "delay_dl_ms",
}
# Services say at which moment they were counted, and not since when: each counts since it was counted before.
_SERVICE_AT_MOST_S: Final = 3_600.0


class Periods:
    """Which periods have been counted. Not for several threads.

    Args:
        since_s: start of the program: periods that began before are another's.
    """

    def __init__(self, since_s: float) -> None:
        self._since_s = since_s
        self._cells: dict[str, int] = {}
        self._services: dict[str, int] = {}

    def note_cells(self, cells: Table, minutes: Minutes) -> None:
        """Add the periods that are new. Suspect ones are known to nobody."""
        rows = self._list_new(cells, self._cells)
        rows = [r for r in rows if cells["suspect"][r] is not True]
        ends = cells["observed_at"].astype(np.int64)
        lengths = cells["period_s"]
        groups: dict[tuple[float, float], list[int]] = {}
        for row in rows:
            until_s = int(ends[row]) / 1000
            since_s = until_s - float(lengths[row])
            if math.isfinite(since_s) and self._since_s <= since_s < until_s:
                groups.setdefault((since_s, until_s), []).append(row)
        for (since_s, until_s), listed in sorted(groups.items()):
            _add_cells(minutes, cells, np.array(listed), since_s, until_s)

    def note_services(self, services: Table, minutes: Minutes) -> None:
        """Add the transactions that are newly counted."""
        before = dict(self._services)
        sums: dict[tuple[str, float, float], list[float]] = {}
        kinds, made, failed = services["service_type"], services["transactions"], services["failures"]
        for row in self._list_new(services, self._services):
            since_ms = before.get(services.keys[row])
            at_ms = int(services["observed_at"][row].astype(np.int64))
            if since_ms is None or at_ms - since_ms > _SERVICE_AT_MOST_S * 1000 or not made[row] >= 0:
                continue  # the first time only says from when on its counts are ours
            for name in ("", kinds[row]) if kinds[row] else ("",):
                held = sums.setdefault((name, since_ms / 1000, at_ms / 1000), [0.0, 0.0])
                held[0] += float(made[row])
                held[1] += float(np.nan_to_num(failed[row]))
        for (name, since_s, until_s), (n, bad) in sums.items():
            seconds = until_s - since_s
            minutes.add_period(("service.transactions", name), since_s, until_s, Rate(n / seconds, 0, math.nan))
            share = 100 * bad / n if n else math.nan
            minutes.add_period(
                ("service.failed_percent", name), since_s, until_s, Rate(bad / seconds, n / seconds, share)
            )

    def _list_new(self, table: Table, seen: dict[str, int]) -> list[int]:
        """Rows whose period is later than the one counted last."""
        times = table["observed_at"]
        known = ~np.isnat(times)
        rows = []
        for row, key, at_ms in zip(
            range(len(table)), table.keys.tolist(), times.astype(np.int64).tolist(), strict=True
        ):
            if known[row] and at_ms > seen.get(key, -1):
                seen[key] = at_ms
                rows.append(row)
        return rows


def _add_cells(minutes: Minutes, cells: Table, rows: np.ndarray, since_s: float, until_s: float) -> None:
    names = cells["cell_id"]
    served = cells["availability_percent"]
    told = rows[np.isfinite(served[rows])]
    for place, here in _list_places(told, names):
        share = float(served[here].sum())
        minutes.add_period(
            ("cell.available_percent", place), since_s, until_s, Rate(share / 100, len(here), share / len(here))
        )
        down = float((100 - served[here]).sum()) / 100 / 60
        minutes.add_period(("cell.down_min", place), since_s, until_s, Rate(down, 0, math.nan))
    for measure, column in _CELL_MEANS.items():
        values = cells[column]
        told = rows[np.isfinite(values[rows])]
        for place, here in _list_places(told, names):
            total = float(values[here].sum())
            minutes.add_period((measure, place), since_s, until_s, Rate(total, len(here), total / len(here)))
    devices = cells["devices_mean"]
    told = rows[np.isfinite(devices[rows])]
    for place, here in _list_places(told, names):
        total = float(devices[here].sum())
        value = total if place else math.nan
        minutes.add_period(("cell.devices", place), since_s, until_s, Rate(total, 1, value), sums_up=not place)
    _add_setups(minutes, cells, rows, since_s, until_s)


def _add_setups(minutes: Minutes, cells: Table, rows: np.ndarray, since_s: float, until_s: float) -> None:
    tried, share = cells["setup_attempts"], cells["setup_success_percent"]
    told = rows[(tried[rows] > 0) & np.isfinite(share[rows])]
    seconds = until_s - since_s
    for place, here in _list_places(told, cells["cell_id"]):
        n, made = float(tried[here].sum()), float((tried[here] * share[here]).sum()) / 100
        rate = Rate(made / seconds, n / seconds, 100 * made / n)
        minutes.add_period(("cell.setup_success_percent", place), since_s, until_s, rate)


def _list_places(rows: np.ndarray, names: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The city with all rows, then each cell with its own."""
    if not len(rows):
        return []
    return [("", rows), *((names[row], rows[i : i + 1]) for i, row in enumerate(rows.tolist()) if names[row])]
