"""The shapes of everything: one copy, for the map's canvas and for the legend.

    python -m layouts.parts.symbol      writes assets/20-symbols.css anew

Kinds by silhouette, states by fill, priority by shape and colour (see
docs/adding-a-panel.md). Paths are SVG data in a box of 24, nose up.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

# path; nib: y of the front edge, where the heading's nib sits; turns: whether the shape itself turns.
TYPES: Mapping[str, Mapping[str, Any]] = {
    "robot": {
        "path": "M8 5h8a3 3 0 0 1 3 3v8a3 3 0 0 1-3 3H8a3 3 0 0 1-3-3V8a3 3 0 0 1 3-3z",
        "nib": 5.0,
        "turns": True,
    },
    "shuttle": {"path": "M12 3.4a5 5 0 0 1 5 5v7.2a5 5 0 0 1-10 0V8.4a5 5 0 0 1 5-5z", "nib": 3.4, "turns": True},
    "bus": {
        "path": "M9 2.4h6a1.4 1.4 0 0 1 1.4 1.4v16.4a1.4 1.4 0 0 1-1.4 1.4H9a1.4 1.4 0 0 1-1.4-1.4V3.8A1.4 1.4 0 0 1 9 2.4z",
        "nib": 2.4,
        "turns": True,
    },
    "drone": {
        "path": "M12 1.5l2.5 6 6 2.5-6 2.5-1.7 4.1V23h-1.6v-6.4L9.5 12.5l-6-2.5 6-2.5z",
        "nib": 1.5,
        "turns": False,
    },
    "scooter": {"path": "M12 7.6a4.4 4.4 0 1 1 0 8.8a4.4 4.4 0 0 1 0-8.8z", "nib": 7.6, "turns": True},
    "other": {"path": "M12 5l6.1 3.5v7L12 19l-6.1-3.5v-7z", "nib": 5.0, "turns": True},
}

# What is put round a vehicle that a person must go to: the shape of priority "high".
HELP = "M12 1.6L22.8 20.8H1.2z"

_DASH = "stroke-dasharray='2.8 2.2'"
_SQUARE = TYPES["robot"]["path"]
_HATCH = "M5 12l7-7M5 17L17 5M8.5 19L19 8.5M13.5 19l5.5-5.5"


def _line(path: str, more: str = "", width: float = 2) -> str:
    return f"<path d='{path}' fill='none' stroke='#000' stroke-width='{width:g}' stroke-linejoin='round' {more}/>"


def _solid(path: str) -> str:
    return f"<path d='{path}'/>"


# Priorities by shape, in a box of 24; `low` is hollow by nature, so its dot is what acknowledging takes away.
_OCTAGON = "M8 2.4h8L21.6 8v8L16 21.6H8L2.4 16V8z"
_MARK = "M10.7 6.4h2.6v7.2h-2.6zM10.7 15.4h2.6V18h-2.6z"
PRIORITY_SHAPES: Mapping[str, str] = {
    "highest": _OCTAGON,
    "high": "M12 2.6L22.6 21H1.4z",
    "medium": "M12 1.8L22.2 12 12 22.2 1.8 12z",
    "low": "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18z",
}


def _alarm_pictures(name: str, shape: str) -> dict[str, str]:
    """One priority in every state: filled, hollow once acknowledged, with a tail, over a line, crossed out."""
    inside = {"highest": _MARK, "low": "M12 8.6a3.4 3.4 0 1 1 0 6.8a3.4 3.4 0 0 1 0-6.8z"}.get(name, "")
    if name == "low":
        solid = _line(shape, width=2.4) + _solid(inside)
    else:
        solid = f"<path d='{shape}{inside}' fill-rule='evenodd'/>"
    hollow = _line(shape, width=2.4)
    small = "<g transform='scale(.76)'>{}</g>"
    return {
        f"alarm-{name}-on": solid,
        f"alarm-{name}-acked": hollow,
        f"alarm-{name}-back": small.format(solid) + _line("M15.5 15.5c3.4 0 5.6 2.2 5.6 7", width=2.4),
        f"alarm-{name}-latched": f"<g transform='translate(2.9) scale(.76)'>{hollow}</g>"
        + _line("M2 22h20", width=2.4),
        f"alarm-{name}-aside": _line(shape, width=1.6) + _line("M2.5 21.5L21.5 2.5", width=2.2),
    }


# State pictures use the robot's square as the example; feeds have their own small set.
PICTURES: Mapping[str, str] = {
    **{name: _solid(shape["path"]) for name, shape in TYPES.items()},
    "filled": _solid(_SQUARE),
    "hollow": _line(_SQUARE),
    "dashed": _line(_SQUARE, _DASH),
    "ghost": _line(_SQUARE, width=1.6) + _line(_HATCH, width=1.2),
    "help": _solid(HELP),
    "fresh": "<circle cx='12' cy='12' r='5'/>",
    "ageing": "<circle cx='12' cy='12' r='5' fill='none' stroke='#000' stroke-width='2'/>"
    + _solid("M12 7a5 5 0 0 1 0 10z"),
    "stale": _line("M12 4l8 8-8 8-8-8z", width=1.8) + _line("M8 12l4-4M9.5 14.5l5-5M12 16l4-4", width=1.4),
    "failing": _solid("M12 3.5L22 20.5H2z"),
    "unknown": f"<circle cx='12' cy='12' r='5.5' fill='none' stroke='#000' stroke-width='2' {_DASH}/>",
    "waiting": "<circle cx='6' cy='12' r='2'/><circle cx='12' cy='12' r='2'/><circle cx='18' cy='12' r='2'/>",
    **{n: p for name, shape in PRIORITY_SHAPES.items() for n, p in _alarm_pictures(name, shape).items()},
    # What search finds, where it has no picture of its own.
    "find-place": _solid("M12 2.5a6.5 6.5 0 0 1 6.5 6.5c0 4.4-6.5 12.5-6.5 12.5S5.5 13.4 5.5 9A6.5 6.5 0 0 1 12 2.5z"),
    "find-road": _line("M4 12h16M4 8.5h16M4 15.5h16", width=1.6),
    "find-cell": _line("M12 9v12M7.5 13.5a6.4 6.4 0 0 1 0-9M16.5 4.5a6.4 6.4 0 0 1 0 9"),
    "find-stop": _line("M7 21V3h10v8H7"),
    "find-request": _line("M6 3h12v18H6zM9 8h6M9 12h6M9 16h3.5", width=1.8),
    "find-disruption": _line("M12 3l9.5 17h-19zM12 9.5v5M12 16.8v1.6", width=1.8),
    "find-event": _line("M4 6h16v14H4zM4 10.5h16M8.5 3.5V8M15.5 3.5V8", width=1.8),
    "find-feed": _line("M5 18.5h.1M5 12a6.6 6.6 0 0 1 6.6 6.6M5 5.5a13 13 0 0 1 13 13", width=2.4),
    "find-screen": _line("M3 5h18v11H3zM8.5 20h7", width=1.8),
    "clock": _line("M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16zM12 8v4.5l3 1.8"),
}


def symbol(name: str, className: str = "") -> Component:
    """A small picture beside its word; hidden from screen readers, which get the word."""
    return html.Span(className=f"symbol symbol-{name} {className}".strip(), **{"aria-hidden": "true"})


def map_symbols() -> dict[str, Any]:
    """What the map's worker draws from."""
    return {
        "types": {name: dict(shape) for name, shape in TYPES.items()},
        "help": HELP,
        "alarms": dict(PRIORITY_SHAPES),
    }


def build_css() -> str:
    """The stylesheet `assets/20-symbols.css`."""
    lines = ["/* Made by `python -m layouts.parts.symbol`; do not edit. */"]
    for name, body in PICTURES.items():
        svg = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'>{body}</svg>"
        shape = quote(svg, safe=" =:/'")
        lines.append(f'.symbol-{name} {{ --shape: url("data:image/svg+xml,{shape}"); }}')
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    target = Path(__file__).resolve().parents[2] / "assets" / "20-symbols.css"
    target.write_text(build_css(), encoding="utf-8")
    sys.stdout.write(f"{target}\n")
