"""One step of the engine while it is made: what its stages share, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from alerts.alarm import Alarm, Event
from alerts.freshness import Freshness
from alerts.machine import fold
from alerts.memory import Source
from alerts.rows import Rows
from alerts.watch import Watch
from control_room.model import Snapshot

if TYPE_CHECKING:
    from alerts.agenda import Agenda
    from alerts.floods import Floods, Groups
    from alerts.subjects import Subjects

# How a row stands to its rule; see `stages.evaluate`.
CLEAR = 0
BETWEEN = 1
TRUE = 2
DIM = 3
UNKNOWN = 4
AWAITED = 5


@dataclass(eq=False)
class Judged:
    """One rule's rows in this step.

    Attributes:
        source: columns of its rows.
        rows: what its conditions were asked of.
        code: how each place of the rule's Watch stands: listed rows, then absent keys.
    """

    watch: Watch
    source: Source
    rows: Rows
    code: np.ndarray


@dataclass(eq=False)
class Work:
    """The step so far.

    Attributes:
        alarms: changed as events come; every stage sees what those before it made.
        events: of this step, in order.
        judged: rule -> its rows, for the rules that could be judged.
        faults: rule -> why it could not be.
        groups: who is folded under whom, as of the step before.
    """

    snapshot: Snapshot
    now: datetime
    now_ms: int
    zone: ZoneInfo
    watches: Mapping[str, Watch]
    alarms: dict[str, Alarm]
    freshness: Freshness
    subjects: Subjects
    agenda: Agenda
    floods: Floods
    groups: Groups
    events: list[Event] = field(default_factory=list)
    judged: dict[str, Judged] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def add(self, events: Iterable[Event]) -> None:
        """These happen now, in this order."""
        added = list(events)
        fold(self.alarms, added)
        self.events += added

    def value(self, watch: Watch, row: int, name: str) -> Any:
        """What a column says of a row now; of a row that is not listed, what it said when it was raised."""
        judged = self.judged.get(watch.name)
        if judged is not None and row < watch.listed:
            return judged.rows[name][row]
        alarm = self.alarms.get(f"{watch.name}|{watch.key(row)}")
        return alarm.values.get(name) if alarm else None
