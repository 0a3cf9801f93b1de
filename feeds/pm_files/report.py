"""A performance report in the standard's words: groups of counters, and what each object measured.

The three forms (measCollecFile, measDataFile, the JSON event) say the same
things under other names; this is what they have in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from feeds.feed import PayloadError

# The largest file a node writes holds about 100,000 values; an exchange may join a few hundred.
MAX_VALUES: Final = 2_000_000
# Counters of one group; vendors' longest real group has 164.
MAX_NAMES: Final = 5_000
# Longest text kept of one value. A comma list is longer and is not used anyway.
MAX_TEXT: Final = 40


@dataclass(slots=True)
class Measured:
    """What one object measured in one period.

    Attributes:
        name: measObjLdn, such as `ManagedElement=1,GNBDUFunction=1,NRCellDU=2`.
        values: text by counter name; lists and empty values are left out (and counted by the reader).
        suspect: the source says that a value is not to be trusted.
    """

    name: str
    values: dict[str, str] = field(default_factory=dict)
    suspect: bool = False


@dataclass(slots=True)
class Group:
    """One measInfo: objects measured alike over the same period.

    Attributes:
        element: the managed element, where the file says it outside of the object's name.
        end: end of the period as the file has it: text, or microseconds since 1970 as a number.
        duration: ISO 8601 text, or seconds as a number.
    """

    element: str | None = None
    end: str | float | None = None
    duration: str | float | None = None
    objects: list[Measured] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """One file or event.

    Attributes:
        closed: when the collection ended, as text; the file's time, not the measurement's.
        rejects: objects that cannot be read, by reason.
        warnings: oddities met while reading, by reason.
        offending: first bad value for each of `rejects`.
    """

    groups: tuple[Group, ...]
    closed: str | None = None
    rejects: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    offending: Mapping[str, str] = field(default_factory=dict)


class Budget:
    """Counts values, and refuses a body of too many."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def spend(self, values: int = 1) -> None:
        self._left -= values
        if self._left < 0:
            raise PayloadError("too_many_values", f"more than {MAX_VALUES} values in one body")


def keep_value(measured: Measured, name: str, text: str, warnings: Counter[str]) -> None:
    """Note a value, unless it is a list (a distribution, by class or cause), empty or NIL (not measured)."""
    text = text.strip()
    if not text or text.upper() == "NIL":
        warnings["value_missing"] += 1
    elif "," in text:
        warnings["value_list"] += 1
    else:
        measured.values[name] = text[:MAX_TEXT]
