"""Stations of air quality and weather: one mark each, with the worst band of its last readings as a number."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from control_room.air_index import SOURCE, find_index, name_band
from control_room.model import Table
from layouts.formats import format_number
from layouts.layer import Entry, Fact, Features, Layer, Legend, no_moment
from layouts.panel import View
from layouts.panels.environment import name_quantity

MOST_READINGS = 12
_DISC = "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18z"
_NO_BAND, _DOUBTFUL = 4, 5

LEGEND = Legend(
    "Stations by the worst air-quality band of their last readings",
    (
        Entry("low, 1 to 3", path=_DISC, fill="land", stroke="ink"),
        Entry("moderate, 4 to 6", path=_DISC, fill="quiet", stroke="ink"),
        Entry("high, 7 to 9", path="M12 1.8L22.2 12 12 22.2 1.8 12z", fill="medium", stroke="land"),
        Entry("very high, 10", path="M12 2.6L22.6 21H1.4z", fill="high", stroke="land"),
        Entry("no band: weather, or other quantities", path=_DISC, fill="land", stroke="quiet"),
        Entry("readings suspect", path=_DISC, fill="land", stroke="quiet", dashed=True, shown=False),
    ),
    f"Bands: {SOURCE}. It is made of means; a band of single readings is an indication.",
)


def build_environment_layer(view: View) -> Features:
    """One feature a station; its age is that of its oldest reading."""
    table = view.snapshot.tables["environment"]
    stations: dict[tuple[str | None, str], list[int]] = {}
    for row, pair in enumerate(zip(table["feed"].tolist(), table["station_id"].tolist(), strict=True)):
        if pair[1]:
            stations.setdefault(pair, []).append(row)
    rows = list(stations.values())
    first = np.array([r[0] for r in rows], dtype=np.intp)
    worst = [_find_worst(table, r) for r in rows]
    return Features(
        keys=[f"{feed}|{station}" for feed, station in stations],
        labels=[title or station for title, (_, station) in zip(table["title"][first].tolist(), stations, strict=True)],
        latitude=table["latitude"][first],
        longitude=table["longitude"][first],
        shades={"band": np.array([place for place, _ in worst], dtype=np.int32)},
        observed_at=np.array([table["observed_at"][r].min() for r in rows]) if rows else no_moment(0),
        feeds=table["feed"][first].tolist(),
        facts=(
            Fact("Air quality", [None if index is None else f"{name_band(index)} ({index})" for _, index in worst]),
            Fact("Readings", [_say_readings(table, r) for r in rows]),
            Fact("Near", table["locality"][first].tolist()),
        ),
        tags=[None if index is None else str(index) for _, index in worst],
    )


def _find_worst(table: Table, rows: list[int]) -> tuple[int, int | None]:
    """Place in the legend, and the index itself where there is one."""
    trusted = [r for r in rows if table["is_suspect"][r] is not True and np.isfinite(table["value"][r])]
    if not trusted:
        return _DOUBTFUL, None
    known = [
        index
        for r in trusted
        if (index := find_index(table["quantity"][r] or "", float(table["value"][r]), table["unit"][r])) is not None
    ]
    if not known:
        return _NO_BAND, None
    return min((max(known) - 1) // 3, 3), max(known)


def _say_readings(table: Table, rows: list[int]) -> str:
    said = []
    for r in rows[:MOST_READINGS]:
        suspect = " (suspect)" if table["is_suspect"][r] is True else ""
        said.append(
            f"{name_quantity(table['quantity'][r] or 'reading')} "
            f"{format_number(table['value'][r], (table['unit'][r] or '')[:12], decimals=1)}{suspect}"
        )
    more = len(rows) - len(said)
    return ", ".join(said) + (f", {more} more" if more > 0 else "")


LAYER = Layer(
    name="environment",
    title="Environment stations",
    kinds=("environment",),
    build=build_environment_layer,
    legends=MappingProxyType({"band": LEGEND}),
    order=50,
    adapters=("sensorthings",),
    noun=("station", "stations"),
    tags_from=10.5,
    table="environment_table",
)
