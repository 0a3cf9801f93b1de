"""Charts of a vehicle's last half hour: speed and battery by minute, and the signal along its way."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.corridors import measure_track
from control_room.model import to_ms
from control_room.tracks import Track
from layouts.parts.chart import Column, build_columns
from layouts.parts.silence import WEAK_DBM
from layouts.parts.strip import STRONGEST_DBM, WEAKEST_DBM, draw_strip, summarise_strip

MINUTES = 30


def build_trends(track: Track, now: datetime, zone: ZoneInfo) -> Component:
    """Small multiples, one scale of time: speed (mean of each minute) and battery (its last word in each minute)."""
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)
    minutes = (track.at - to_ms(first)).astype(np.int64) // 60_000
    names = [f"{(first + timedelta(minutes=i)).astimezone(zone):%H:%M}" for i in range(MINUTES)]
    charts = []
    for words, values, unit, last in (
        ("Speed by minute", track.speed_kmh, "km/h", False),
        ("Battery", track.battery_percent, "%", True),
    ):
        known = np.isfinite(values)
        if not known.any():
            charts.append(html.P(f"{words.split(' by')[0]}: not told by its feed.", className="calm"))
            continue
        columns = [
            Column(name, _summarise(values[known & (minutes == i)], last), "plain") for i, name in enumerate(names)
        ]
        charts.append(build_columns(words, ("Minute", unit), columns, unit, full=100 if last else None))
    return html.Div(charts, className="panel-duo")


def _summarise(values: np.ndarray, last: bool) -> float | None:
    if not len(values):
        return None
    return float(values[-1] if last else round(float(values.mean()), 1))


def build_track_signal(track: Track, vehicle_type: str) -> Component:
    """Distance driven against signal, with its handovers; what it measured itself, or where it tells none what was expected."""
    strip = measure_track(track, vehicle_type)
    if strip is None:
        return html.P("Signal along its way: it has not moved 50 m in this time.", className="calm")
    expected = not np.isfinite(track.signal_dbm).any()
    drawn, runs = draw_strip(strip, WEAK_DBM, expected)
    ends = [html.Span("0"), html.Span(f"{strip.length_m / 1000:.1f} km, now")]
    whose = "expected by the coverage map, for it tells none" if expected else "as it measured itself"
    note = (
        f"From {WEAKEST_DBM:g} (bottom) to {STRONGEST_DBM:g} dBm, {whose}; a tick at each handover, "
        f"hatched where nothing is known, marked under {WEAK_DBM:g} dBm."
    )
    return html.Div(
        [
            html.P(["Signal along its way: ", *summarise_strip(strip, WEAK_DBM, expected)], className="way-sum"),
            drawn,
            html.P(ends, className="strip-ends", **{"aria-hidden": "true"}),
            html.P(note, className="panel-note"),
            runs,
        ],
        className="way",
    )
