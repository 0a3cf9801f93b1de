"""The alarm engine: rules, the snapshot and the clock in; events and the alarm table out.

One thread calls it. The order of its stages is `alerts.stages.STAGES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.alarm import Alarm, Event
from alerts.commands import Answer, Command
from alerts.journal import Journal
from control_room.model import Snapshot, Table

if TYPE_CHECKING:
    from alerts.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Step:
    """What one step made.

    Attributes:
        events: of this step, in order; with `seq` where the journal could be written, else 0.
        table: kind `alarm`; the very same object while nothing changed.
    """

    events: tuple[Event, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class Health:
    """How the alarm system itself stands.

    Attributes:
        rules: how many are evaluated.
        faults: rule -> what went wrong in its newest step; it was not judged there.
        unwritten: events the journal has not taken yet; they are kept in order and tried at each step.
        unwritten_since: when the journal first refused; None is well.
        journal_fault: why, in words; empty is well.
    """

    rules: int
    faults: Mapping[str, str]
    unwritten: int = 0
    unwritten_since: datetime | None = None
    journal_fault: str = ""


class Engine:
    """Keeps what is known about alarms; see docs/decisions/0007-alarms.md.

    Args:
        rules: evaluated from the first step on.
        journal: its events are folded before the first step.
        zone: local time of the rules' hours.
        complete: False where `rules` lack some that could not be read: alarms of rules that are not
            in it are then kept as they are (without data), not cleared as "rule removed".

    Raises:
        JournalUnavailable: the journal cannot be read.
    """

    def __init__(self, rules: RuleSet, journal: Journal, zone: ZoneInfo, complete: bool = True) -> None:
        raise NotImplementedError

    @property
    def alarms(self) -> Mapping[str, Alarm]:
        """Everything remembered, by id; running delays included."""
        return MappingProxyType({})

    @property
    def health(self) -> Health:
        raise NotImplementedError

    @property
    def timers_run(self) -> bool:
        """Whether anything falls due without news: then step at least once a second."""
        raise NotImplementedError

    def step(self, snapshot: Snapshot, now: datetime, elapsed_s: float) -> Step:
        """Judge the snapshot.

        Args:
            now: aware UTC; delays are reckoned by it.
            elapsed_s: since the last step by a clock nobody sets (times the rate of a replay); where `now`
                moved otherwise by more than two seconds the clock was set, and running times move with it.
                Ignored in the first step.
        """
        raise NotImplementedError

    def command(self, command: Command, now: datetime) -> Answer:
        """Do what a person wants; it is durable when this returns. `table` is renewed by the next step.

        Raises:
            CommandRefused: the command is wrong as a whole.
            JournalUnavailable: nothing was done, as it could not be written.
        """
        raise NotImplementedError

    def use_rules(self, rules: RuleSet, now: datetime, complete: bool = True) -> None:
        """Go on with these rules; delays that run go on where the rule is still there."""
        raise NotImplementedError
