"""Alarms as screens speak of them: their order, their counts, their words and shapes.

Everything is counted a column at a time: ten thousand alarms at once are a bad
hour, and the screens must not make it worse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import ALARM, Table

PRIORITIES = ALARM.by_name["priority"].values  # most urgent first

# States that stand in the list, in the order in which they ask for somebody.
LISTED = ("unacknowledged", "returned", "acknowledged", "latched")
UNANSWERED = ("unacknowledged", "returned")
PUT_ASIDE = ("shelved", "suppressed", "out_of_service")

STATE_WORDS: Mapping[str, str] = {
    "unacknowledged": "not acknowledged",
    "returned": "back to normal, not acknowledged",
    "acknowledged": "acknowledged",
    "latched": "back to normal, waits for a reset",
    "shelved": "shelved",
    "suppressed": "suppressed by design",
    "out_of_service": "out of service",
    "normal": "normal",
}
# On the wall, where a line is short.
SHORT_WORDS: Mapping[str, str] = {**STATE_WORDS, "returned": "back to normal", "latched": "waits for a reset"}

_SHAPE_OF_STATE = {
    "unacknowledged": "on",
    "returned": "back",
    "acknowledged": "acked",
    "latched": "latched",
    "normal": "acked",
}

_STATES = (*LISTED, *PUT_ASIDE, "normal")
# A word that we do not know is not a reason to hide an alarm: it is listed as the most urgent of its kind.
_STATE_CODE = {name: i for i, name in enumerate(_STATES)}
_PRIORITY_CODE = {name: i for i, name in enumerate(PRIORITIES)}
_N = len(_STATES)


class _Codes(dict[tuple[str | None, str | None], int]):
    """(priority, state) -> priority's place x number of states + state's place; each pair is looked up once."""

    def __missing__(self, pair: tuple[str | None, str | None]) -> int:
        priority, state = pair
        code = _PRIORITY_CODE.get(priority or "", 0) * _N + _STATE_CODE.get(state or "", 0)
        self[pair] = code
        return code


@dataclass(frozen=True)
class Ranking:
    """A table of alarms, ready to be listed.

    Attributes:
        rows: positions of those that stand by themselves, by priority, state, then the newest first.
        aside: positions of those put aside or normal, likewise; they are listed on request only.
        under: positions of those folded under another, likewise.
        codes: of every row, priority and state in one number.
        counts: (priority, state) -> alarms, folded ones included.
        folded: key of an alarm -> how many are folded under it.
        no_data: alarms in the list whose input is not known.
    """

    rows: np.ndarray
    aside: np.ndarray
    under: np.ndarray
    codes: np.ndarray
    counts: Mapping[tuple[str, str], int]
    folded: Mapping[str, int]
    no_data: int

    def count(self, *states: str, priority: str | None = None) -> int:
        """Alarms in these states, of one priority or of all."""
        return sum(n for (p, s), n in self.counts.items() if s in states and priority in (None, p))

    def select(self, states: Sequence[str], priority: str) -> np.ndarray:
        """Positions of those in these states and of that priority, folded ones included, in the order of the table."""
        wanted = [_PRIORITY_CODE[priority] * _N + _STATE_CODE[s] for s in states]
        return np.flatnonzero(np.isin(self.codes, wanted))


def rank(table: Table) -> Ranking:
    """Which alarms stand in the list, most urgent first. The last answer is kept: three panels ask for the same table."""
    global _last
    if _last is None or _last[0] is not table:
        _last = (table, _rank(table))
    return _last[1]


def _rank(table: Table) -> Ranking:
    pairs = zip(table["priority"].tolist(), table["state"].tolist(), strict=True)
    codes = np.fromiter(map(_codes().__getitem__, pairs), dtype=np.int64, count=len(table))
    listed = codes % _N < len(LISTED)
    is_folded, folded = _fold(table, listed)
    raised = table["raised_at"].astype(np.int64)
    raised[np.isnat(table["raised_at"])] = 0  # unknown counts as the oldest
    totals = np.bincount(codes, minlength=len(PRIORITIES) * _N)
    return Ranking(
        rows=_ordered(np.flatnonzero(listed & ~is_folded), codes, raised),
        aside=_ordered(np.flatnonzero(~listed), codes, raised),
        under=_ordered(np.flatnonzero(is_folded), codes, raised),
        codes=codes,
        counts={(PRIORITIES[c // _N], _STATES[c % _N]): int(totals[c]) for c in np.flatnonzero(totals).tolist()},
        folded=folded,
        no_data=int((listed & ~np.isnat(table["no_data_since"])).sum()),
    )


_last: tuple[Table, Ranking] | None = None


def _fold(table: Table, listed: np.ndarray) -> tuple[np.ndarray, Counter[str]]:
    """Which rows are listed and folded under another that is listed itself, and how many are under each.

    What is folded under an alarm that is put aside or gone must not vanish with it.
    """
    under = table["folded_under"]
    is_folded = listed & (under != np.array(None))
    folded: Counter[str] = Counter(under[is_folded].tolist())
    if not folded:
        return is_folded, folded
    lost = folded.keys() - set(table.keys[listed & ~is_folded].tolist())
    for key in lost:
        del folded[key]
    if lost:
        is_folded[np.flatnonzero(is_folded)] = [u not in lost for u in under[is_folded].tolist()]
    return is_folded, folded


def _ordered(rows: np.ndarray, codes: np.ndarray, raised: np.ndarray) -> np.ndarray:
    return rows[np.lexsort((rows, -raised[rows], codes[rows]))]


@cache
def _codes() -> _Codes:
    return _Codes()


def shape_of(priority: str | None, state: str | None) -> str:
    """Name of the symbol of an alarm: shape by priority, fill by state."""
    return f"alarm-{priority or PRIORITIES[0]}-{_SHAPE_OF_STATE.get(state or '', 'aside')}"


def build_announcers(sound: str) -> list[Component]:
    """Where assets/alarm_call.js says what is new: to screen readers at once or in turn, and to the eye whether sound works.

    Args:
        sound: "on" or "off", as long as the address (`?sound=`) or the person at the screen says nothing else.
    """
    return [
        html.Div(id="alarm-sound", className="alarm-sound", hidden=True, **{"data-sound": sound}),
        html.Div(id="alarm-say-now", className="unseen", role="alert"),
        html.Div(id="alarm-say", className="unseen", role="status"),
    ]
