"""What a condition is asked of, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class Truth:
    """Three answers for each row: `true` is known and holds, `known` is true or false.

    `true` is never set where `known` is not.
    """

    true: np.ndarray
    known: np.ndarray

    @property
    def false(self) -> np.ndarray:
        return np.asarray(self.known & ~self.true)


_NONE = np.zeros(0, dtype=bool)


@dataclass(frozen=True, eq=False)
class Codes:
    """A column of words as numbers: `codes[row]` is a place in `words`, -1 is unknown. A word may have no row."""

    codes: np.ndarray
    words: np.ndarray
    # Question -> answers for the first words. Shared by all that came of one column: words are only ever added.
    asked: dict[Callable[[Any], bool], np.ndarray] = field(default_factory=dict, repr=False)

    def changed(self, rows: np.ndarray, words: np.ndarray) -> Codes:
        """The same with other words (None: unknown) in some rows. Words that no row has any more stay in `words`."""
        places = {word: place for place, word in enumerate(self.words.tolist())}
        codes = self.codes.copy()
        codes[rows] = [-1 if word is None else places.setdefault(word, len(places)) for word in words.tolist()]
        if len(places) == len(self.words):
            return Codes(codes, self.words, self.asked)
        named = np.empty(len(places), dtype=object)
        named[:] = list(places)
        return Codes(codes, named, self.asked)

    def find(self, word: str) -> int:
        """Its place; -2 where no row has it."""
        places = np.flatnonzero(self.words == word)
        return int(places[0]) if len(places) else -2

    def ask(self, holds: Callable[[Any], bool]) -> tuple[np.ndarray, np.ndarray]:
        """Rows for whose word it holds, and for whose it does not.

        Asked once a word as long as the column lives, not once a row or a step: so `holds` must be the
        same object each time, and say the same of the same word.
        """
        known = self.asked.get(holds, _NONE)
        if len(known) < len(self.words):
            more = self.words[len(known) :]
            known = np.append(known, np.fromiter((holds(word) for word in more), dtype=bool, count=len(more)))
            self.asked[holds] = known
        return self.where(known[: len(self.words)])

    def where(self, holds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows for whose word it holds, and for whose it does not, from one answer a word."""
        # One place more at the end: -1, unknown, is neither.
        return np.append(holds, False)[self.codes], np.append(~holds, False)[self.codes]


class Rows(Protocol):
    """What a condition is asked of: rows of one table at one moment, and what was before.

    `alerts.memory.Memory.look` makes one of a table.
    """

    @property
    def size(self) -> int: ...

    @property
    def now_ms(self) -> int:
        """The engine's clock, milliseconds since 1970 UTC."""
        ...

    @property
    def local(self) -> datetime:
        """The same in the city's zone."""
        ...

    def __getitem__(self, name: str) -> np.ndarray:
        """A column as `control_room.model.Table` holds it."""
        ...

    def codes(self, name: str) -> Codes:
        """A column of texts, choices or flags as numbers."""
        ...

    def seconds(self, name: str) -> np.ndarray:
        """A time column as float seconds since 1970 UTC, NaN unknown."""
        ...

    def past(self, name: str, window_s: float) -> tuple[np.ndarray, np.ndarray]:
        """By how much a number changed over the window, and over how many seconds that was.

        NaN where less than half of the window is known.
        """
        ...

    def crossed_s(self, zone: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Seconds since each row came into the zone, since it left, and since it is watched.

        NaN: never while it was watched; the third is NaN where its place is unknown now.
        """
        ...
