"""The map of a moment as an SVG that any browser shows: each vehicle where it was, its kind by shape, alarms ringed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

import numpy as np

from control_room.columns import Columns
from control_room.marks import ALARM_UNIT

WIDTH: Final = 1600
HEIGHT: Final = 1000
MARGIN: Final = 90
# Shapes of `layouts/parts/symbol.py` in short: told apart in greyscale as well.
_SHAPES: Final = {
    "robot": '<rect x="-5" y="-5" width="10" height="10" rx="3"/>',
    "shuttle": '<rect x="-8" y="-4" width="16" height="8" rx="4"/>',
    "bus": '<rect x="-9" y="-4" width="18" height="8"/>',
    "drone": '<path d="M0-9 3-3 9 0 3 3 0 9-3 3-9 0-3-3Z"/>',
}
_OTHER: Final = '<circle r="4"/>'


def build_picture(columns: Columns, legend: Mapping[str, Any], at_ms: int, simulated: bool) -> str:
    """The picture; it says that it is recorded, of when, and whether the city is simulated."""
    rows = np.flatnonzero(columns.look > 0)
    x, y = columns.x[rows].astype(float), columns.y[rows].astype(float)
    looks = columns.look[rows] - 1
    types = [_word(legend, "types", n) for n in (looks % 16).tolist()]
    alarms = (looks // ALARM_UNIT).tolist()
    px, py = _fit(x, y)
    marks = []
    for kind, left, top, alarm in zip(types, px.tolist(), py.tolist(), alarms, strict=True):
        ring = '<circle r="13" class="alarm"/>' if alarm else ""
        marks.append(f'<g transform="translate({left:.1f} {top:.1f})">{_SHAPES.get(kind, _OTHER)}{ring}</g>')
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(types).items())) or "no vehicle on the map"
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    words = f"{'SANDBOX · ' if simulated else ''}RECORDED · {moment} · {counts}; ringed: in alarm ({sum(map(bool, alarms))})"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(words, quote=True)}"><style>rect.ground{{fill:#e9ebed}}g{{fill:#1b2127}}'
        ".alarm{fill:none;stroke:#b63544;stroke-width:3}text{font:22px sans-serif;fill:#1b2127}</style>"
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>{"".join(marks)}'
        f'<text x="24" y="{HEIGHT - 24}">{escape(words)}</text></svg>\n'
    )


def _word(legend: Mapping[str, Any], name: str, number: int) -> str:
    words = legend.get(name, ())
    return str(words[number]) if number < len(words) else "other"


def _fit(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World pixels to those of the picture: all in it, of one scale, in its middle."""
    if not len(x):
        return x, y
    span = max(float(np.ptp(x)) / (WIDTH - 2 * MARGIN), float(np.ptp(y)) / (HEIGHT - 2 * MARGIN), 1e-9)
    middle_x, middle_y = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    return (x - middle_x) / span + WIDTH / 2, (y - middle_y) / span + HEIGHT / 2
