"""What an alarm is: its facts, and the events of which the journal is made.

State is what the journal says: `control_room` holds no fact about an alarm that
did not come from an `Event`, and folding the same events gives the same alarms
(`machine.apply`). The facts are orthogonal, as in OPC UA Part 9: an alarm may be
active and acknowledged and shelved at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

ENGINE = "engine"  # who did it, where no person did

# ISA-18.2, highest first. The order is that of urgency.
PRIORITIES = ("highest", "high", "medium", "low")


class Phase(StrEnum):
    """How the condition stands, its delays included."""

    NORMAL = "normal"
    RISING = "rising"  # true, the on-delay runs: nobody is told yet
    ACTIVE = "active"
    FALLING = "falling"  # clear again, the off-delay runs: still an alarm


_ALARMING = (Phase.ACTIVE, Phase.FALLING)  # looked up once: this is asked for every alarm many times


class What(StrEnum):
    """Every transition there is: what one line of the journal says."""

    # The condition and its delays; by the engine.
    RISING = "rising"  # NORMAL -> RISING
    SETTLED = "settled"  # RISING -> NORMAL: it went by before its delay was over
    RAISED = "raised"  # -> ACTIVE, unacknowledged: a new occurrence
    FALLING = "falling"  # ACTIVE -> FALLING
    RESUMED = "resumed"  # FALLING -> ACTIVE: the same occurrence goes on
    CLEARED = "cleared"  # -> NORMAL: returned to normal
    NO_DATA = "no_data"  # its input is unknown: everything stays as it was
    DATA = "data"  # its input is known again
    REPRIORITISED = "reprioritised"
    REALARMED = "realarmed"  # acknowledgement is void: a higher priority, or too long a time
    CLOCK_STEPPED = "clock_stepped"  # our clock was set: running timers move with it (rule and key are empty)
    WATCHED = "watched"  # the alarm system was at work: what its own figures know silence by (rule and key are empty)
    # What keeps it from people; by design (the engine) or by hand.
    SUPPRESSED = "suppressed"  # by another alarm, a schedule or a maintenance window
    UNSUPPRESSED = "unsuppressed"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    # People.
    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"
    ASSIGNED = "assigned"
    RESET = "reset"  # a latch let go, or an alarm without data put away
    # After that.
    GROUPED = "grouped"  # folded under the first-out of its flood
    ESCALATED = "escalated"
    NOTIFIED = "notified"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal.

    Attributes:
        at: aware UTC, by the clock the engine goes by.
        rule: name of the rule.
        key: key of the row (or of the group) within the rule.
        by: `engine` or the name of a person.
        why: one sentence or empty; what a person wrote, or what let the engine do it.
        values: the row at that moment, as JSON: the columns the condition reads, and
            what names and places it (label, locality, latitude, longitude, feed).
        facts: what belongs to this sort of event, as JSON:
            raised: `priority`, `latching`, `title`; reprioritised: `priority`, `was`; shelved: `until` (ISO 8601),
            `one_shot`; suppressed: `reasons` (all that hold now); assigned: `to`; grouped: `group`, `under`
            (id of the first-out); escalated: `level`, `to`; clock_stepped: `seconds`; watched: `seconds` before `at` in
            which rules were judged; of any sort: `tell`, true where people are to be told of the alarm by this event.
        seq: place in the journal, given by it, rising; 0 before that.
    """

    at: datetime
    rule: str
    key: str
    what: What
    by: str = ENGINE
    why: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """One rule on one row (or group), as all its events have left it.

    Attributes:
        phase: the condition with its delays.
        since: when that phase began; its delay is reckoned from here.
        acknowledged: a person has seen this occurrence. True before the first.
        latched: stays until reset by hand although the condition has cleared.
        shelved_until: aware UTC; None is not shelved.
        shelved_once: ends with this occurrence (one-shot), or at `shelved_until`.
        suppressed_by: reasons by design (`rule other_rule`, `schedule`, `maintenance …`).
        no_data_since: its input is unknown since then; None is known.
        occurrences: how often it was raised.
        title: what is wrong with what, in words, as it was when it was raised.
        told_at: since when people can see this occurrence: the time to respond and the escalation
            are reckoned from here. The raising, a later alarming, or the end of what kept it from them.
        values: of the raising, or of the newest change of priority; of the rising before that.
        group: name of the flood group it belongs to; None is none.
        folded_under: id of the first-out alarm it is folded under; None is shown by itself.
        level: of escalation; 0 is none yet.
    """

    rule: str
    key: str
    phase: Phase = Phase.NORMAL
    since: datetime | None = None
    priority: str = "low"
    raised_at: datetime | None = None
    cleared_at: datetime | None = None
    acknowledged: bool = True
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    latched: bool = False
    shelved_until: datetime | None = None
    shelved_once: bool = False
    shelved_by: str | None = None
    shelved_why: str | None = None
    suppressed_by: frozenset[str] = frozenset()
    out_of_service_by: str | None = None
    out_of_service_why: str | None = None
    no_data_since: datetime | None = None
    assigned_to: str | None = None
    comment: str | None = None
    commented_by: str | None = None
    occurrences: int = 0
    title: str = ""
    told_at: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    group: str | None = None
    folded_under: str | None = None
    level: int = 0
    escalated_at: datetime | None = None
    changed_seq: int = 0

    @property
    def alarm_id(self) -> str:
        return f"{self.rule}|{self.key}"

    @property
    def is_active(self) -> bool:
        """Whether the condition holds, its off-delay included."""
        return self.phase in _ALARMING

    @property
    def is_hidden(self) -> bool:
        """Kept from the list and from being told, for a reason that the list states elsewhere."""
        return bool(self.shelved_until or self.suppressed_by or self.out_of_service_by)
