"""How old a row is by the limits of its own feed: one judgement for panels, days and tracks. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Protocol

import numpy as np

from control_room.model import Table, to_ms
from control_room.remember import remember

FRESH: Final = 0
AGEING: Final = 1
STALE: Final = 2
GONE: Final = 3  # over the limit at which a row leaves the map
UNTIMED: Final = 4


class Limits(Protocol):
    """Of a feed: its name, and from when on its rows are ageing, stale, and off the map."""

    @property
    def name(self) -> str: ...
    @property
    def ageing_after_s(self) -> float: ...
    @property
    def stale_after_s(self) -> float: ...
    @property
    def leaves_map_after_s(self) -> float: ...


def judge_ages(table: Table, feeds: Iterable[Limits], now: datetime) -> np.ndarray:
    """FRESH, AGEING, STALE, GONE or UNTIMED for each row.

    A row of a feed that nobody declared has no limits and is fresh while it has a time.
    """
    codes, names = code_feeds(table)
    limits = {f.name: (f.ageing_after_s, f.stale_after_s, f.leaves_map_after_s) for f in feeds}
    nothing = (np.inf, np.inf, np.inf)
    by_code = [limits.get(name or "", nothing) for name in names]
    ageing, stale, leaves = np.array(by_code, dtype=np.float64).reshape(-1, 3).T
    observed = table["observed_at"]
    age_s = (to_ms(now).astype(np.int64) - observed.astype(np.int64)) / 1000  # NaT is judged first
    judged: np.ndarray = np.select(
        [np.isnat(observed), age_s > leaves[codes], age_s > stale[codes], age_s > ageing[codes]],
        [UNTIMED, GONE, STALE, AGEING],
        default=FRESH,
    )
    return judged


def code_feeds(table: Table) -> tuple[np.ndarray, list[str | None]]:
    """Of each row the place of its feed in the list beside it; reckoned once a table."""
    return remember("feed codes", _code_feeds, table)


def _code_feeds(table: Table) -> tuple[np.ndarray, list[str | None]]:
    found: dict[str | None, int] = {}
    codes = np.array([found.setdefault(name, len(found)) for name in table["feed"].tolist()], dtype=np.int64)
    return codes, list(found)
