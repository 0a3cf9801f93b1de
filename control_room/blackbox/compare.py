"""What differs between two moments: vehicles, alarms, and the words of panels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

import numpy as np
import orjson

from control_room.blackbox.player import Player
from control_room.columns import Columns
from control_room.frames import inflate
from control_room.live import PANEL_TOPIC
from control_room.marks import ROUND_THE_EARTH_M, WORLD

MOVED_M: Final = 25.0  # what position noise does not reach
NAMES_MOST: Final = 200  # keys named one by one; all are counted
CHANGES_MOST: Final = 60  # of one panel
TEXTS_MOST: Final = 3_000  # of one panel that are looked at

ALARM_LIST: Final = "alarm_list"
PANELS_MOST: Final = 40


@dataclass(frozen=True)
class Moment:
    """One of the two.

    Attributes:
        asked, at: ms; as asked for, and of the frame shown.
        vehicles: key -> slot, None where it was not on the map.
        panels: name -> what stood in it (JSON).
    """

    asked: int
    at: int
    columns: Columns
    legend: Mapping[str, Any]
    vehicles: Mapping[str, int | None]
    panels: Mapping[str, Any]
    gap: dict[str, int] | None


def read_moment(player: Player, at: int, panels: Iterable[str] | None) -> Moment:
    """The moment as the player finds it.

    Args:
        panels: names; None is all that were recorded.

    Raises:
        NothingHeld: there is none.
    """
    seen = player.seek(at)
    names = [name.removeprefix(PANEL_TOPIC) for name in player.names() if name.startswith(PANEL_TOPIC)]
    wanted = [name for name in names if panels is None or name in set(panels) or name == ALARM_LIST]
    found = {}
    for name in sorted(wanted):
        content = player.find_named(PANEL_TOPIC + name)
        if content is not None:
            found[name] = orjson.loads(inflate(content)[1])["children"]
    gap = None if seen.gap is None else seen.gap.as_dict()
    return Moment(at, player.now_ms, player.columns, player.legend, player.list_vehicles(), found, gap)


def compare(a: Moment, b: Moment, panels: Iterable[str] | None = None) -> dict[str, Any]:
    """What differs, JSON-ready.

    Returns:
        {"a", "b": {"asked", "at", "gap"}, "vehicles": {"a", "b", "states": {word: {"a", "b"}}, "came", "left",
        "changed_state", "moved": counts, "came_keys", "left_keys"}, "alarms": {"began", "ended": rows, "same": n} or
        null where the list was not recorded, "panels": {name: {"differs", "changes": [{"after", "a", "b"}], "more"}}}
    """
    wanted = None if panels is None else set(panels)
    names = sorted(name for name in a.panels.keys() | b.panels.keys() if wanted is None or name in wanted)
    return {
        "a": {"asked": a.asked, "at": a.at, "gap": a.gap},
        "b": {"asked": b.asked, "at": b.at, "gap": b.gap},
        "vehicles": compare_vehicles(a, b),
        "alarms": compare_alarms(a.panels.get(ALARM_LIST), b.panels.get(ALARM_LIST)),
        "panels": {name: compare_panel(a.panels.get(name), b.panels.get(name)) for name in names},
    }


def compare_vehicles(a: Moment, b: Moment) -> dict[str, Any]:
    """Counts on the map, and of those there at both moments how many changed."""
    states = {"a": _states(a), "b": _states(b)}
    words = sorted(states["a"].keys() | states["b"].keys())
    on_a = {key for key, slot in a.vehicles.items() if slot is not None}
    on_b = {key for key, slot in b.vehicles.items() if slot is not None}
    both = sorted(on_a & on_b)
    rows_a = np.array([a.vehicles[key] for key in both], dtype=np.intp)
    rows_b = np.array([b.vehicles[key] for key in both], dtype=np.intp)
    step = np.hypot(
        (b.columns.x[rows_b] - a.columns.x[rows_a]).astype(float),
        (b.columns.y[rows_b] - a.columns.y[rows_a]).astype(float),
    )
    turned = (a.columns.look[rows_a] - 1) // 16 % 16 != (b.columns.look[rows_b] - 1) // 16 % 16
    came, left = sorted(on_b - on_a), sorted(on_a - on_b)
    return {
        "a": int((a.columns.look > 0).sum()),
        "b": int((b.columns.look > 0).sum()),
        "states": {word: {"a": states["a"][word], "b": states["b"][word]} for word in words},
        "came": len(came),
        "left": len(left),
        "changed_state": int(turned.sum()),
        "moved": int((step * _metres_a_pixel(a.columns.y[rows_a]) > MOVED_M).sum()),
        "moved_over_m": MOVED_M,
        "came_keys": came[:NAMES_MOST],
        "left_keys": left[:NAMES_MOST],
    }


def _metres_a_pixel(y: np.ndarray) -> np.ndarray:
    """At that height of the map, zoom 18."""
    size: np.ndarray = ROUND_THE_EARTH_M / WORLD / np.cosh(np.pi * (1 - 2 * y / WORLD))
    return size


def _states(moment: Moment) -> Counter[str]:
    looks = moment.columns.look[moment.columns.look > 0] - 1
    words = moment.legend.get("states", [])
    numbers, counts = np.unique(looks // 16 % 16, return_counts=True)
    return Counter(
        {words[n] if n < len(words) else str(n): c for n, c in zip(numbers.tolist(), counts.tolist(), strict=True)}
    )


def compare_alarms(a: Any, b: Any) -> dict[str, Any] | None:
    """Rows that stand in the alarm list at one moment only; None where the list of either was not recorded."""
    if not isinstance(a, Mapping) or not isinstance(b, Mapping):
        return None
    before = {row["alarm_key"]: row for row in a.get("rows", ())}
    after = {row["alarm_key"]: row for row in b.get("rows", ())}
    changed = [
        {**_row(after[key]), "was": before[key].get("state")}
        for key in before.keys() & after.keys()
        if before[key].get("state") != after[key].get("state")
    ]
    return {
        "began": [_row(after[key]) for key in sorted(after.keys() - before.keys())],
        "ended": [_row(before[key]) for key in sorted(before.keys() - after.keys())],
        "changed": sorted(changed, key=lambda row: str(row["id"])),
        "same": sum(before[key].get("state") == after[key].get("state") for key in before.keys() & after.keys()),
    }


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["alarm_key"], **{name: row.get(name) for name in ("title", "priority", "state")}}


def compare_panel(a: Any, b: Any) -> dict[str, Any]:
    """The words that differ, each with the word before it that does not; `a` or `b` empty where nothing stood there.

    A panel that was not recorded at one of the moments is `differs: null`.
    """
    if a is None or b is None:
        return {"differs": None, "changes": [], "more": 0}
    before, after = list_texts(a)[:TEXTS_MOST], list_texts(b)[:TEXTS_MOST]
    changes = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            changes.append({"after": before[i1 - 1] if i1 else "", "a": before[i1:i2], "b": after[j1:j2]})
    return {"differs": a != b, "changes": changes[:CHANGES_MOST], "more": max(0, len(changes) - CHANGES_MOST)}


def list_texts(content: Any) -> list[str]:
    """What a person reads in a panel, in the order of reading."""
    texts: list[str] = []
    _collect(content, texts)
    return texts


def _collect(content: Any, texts: list[str]) -> None:
    if isinstance(content, str):
        if content.strip():
            texts.append(content.strip())
    elif isinstance(content, bool) or content is None:
        return
    elif isinstance(content, int | float):
        texts.append(f"{content}")
    elif isinstance(content, list):
        for part in content:
            _collect(part, texts)
    elif isinstance(content, Mapping):
        if "props" in content:
            _collect(content["props"].get("children"), texts)
        elif "namespace" not in content:
            for name in sorted(content):
                if name not in ("rows", "guides", "under"):
                    _collect(content[name], texts)
