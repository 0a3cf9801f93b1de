"""What a rule is: the words of `alerts/rules/*.yaml`, checked when they are read.

One file a system; supervisors edit them without code. Every condition is
compiled on loading (`alerts.expressions`), so a rule that is loaded can be
evaluated. How to write one: docs/adding-a-rule.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Priority = Literal["highest", "high", "medium", "low"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)")
_UNIT_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def parse_duration_s(value: object) -> float:
    """Seconds from a number, or from words such as "90 s", "5 min", "2 h", "1 d".

    Raises:
        ValueError: neither; the text says what is taken.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _DURATION.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"{value!r} is no duration; write 90 s, 5 min, 2 h or 1 d")
    return float(found[1]) * _UNIT_S[found[2]]


Duration = Annotated[float, BeforeValidator(parse_duration_s), Field(ge=0, le=31 * 86_400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(_Part):
    """Rows gathered by columns. Then `when` and `clear` speak of `count`, `total`,
    `share_percent` and of `sums`, and the alarm's key is the group.

    A row counts where `count` is true; `total` are the rows that are known either way.
    """

    by: tuple[str, ...] = Field((), description="columns whose values make a group; none is one group of all rows")
    count: str = Field(description="condition on a row; how many rows meet it is `count`")
    sums: Mapping[str, str] = Field(default_factory=dict, description="name -> number column to add up over all rows")


class Expect(_Part):
    """Things that must be there. Then `when` and `clear` speak of `present` (flag) and `age_s`."""

    column: str = Field(description="column that names them, such as cell_id")
    values: tuple[str, ...] = Field(min_length=1, description="the names that must be in it")


class Hours(_Part):
    """Local times at which the rule alarms; outside them it is suppressed by schedule."""

    days: tuple[Weekday, ...] = Field((), description="none is every day")
    start: time = Field(time(0, 0), alias="from", description="local time of the city")
    until: time = Field(time(0, 0), description="local time; at or before `from` is the next day")

    @field_validator("start", "until", mode="before")
    @classmethod
    def _clock(cls, value: object) -> object:
        # YAML reads 07:30 without quotes as a number of base sixty.
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1440:
            return time(*divmod(value, 60))
        return value


class Maintenance(_Part):
    """A window in which alarms are expected and suppressed by design."""

    start: datetime = Field(alias="from", description="with zone")
    until: datetime = Field(description="with zone")
    where: str = Field("", description="condition on a row; none is every row")
    reason: str = Field(min_length=3, description="why, as the operator will read it")

    @model_validator(mode="after")
    def _zones(self) -> Maintenance:
        if self.start.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("from and until need a zone, such as 2026-11-23T08:00+00:00")
        if self.until <= self.start:
            raise ValueError("until is not after from")
        return self


class Escalation(_Part):
    """Who is told when nobody acknowledges."""

    after: Duration = Field(description="from the raising, without acknowledgement")
    to: str = Field(min_length=1, description="name of a recipient in the notification settings")


class Raise(_Part):
    """A worse case of the same rule: a higher priority while its condition holds."""

    when: str = Field(description="condition, asked while the alarm is active")
    priority: Priority = Field(description="above that of the rule")


class Inhibit(_Part):
    """A rule whose active alarm explains this one away."""

    rule: str = Field(description="name of the rule that explains")
    same: tuple[str | Annotated[Mapping[str, str], Field(min_length=1)], ...] = Field(
        (),
        description="columns that must be equal in both, or {own column: the other rule's}; none: any alarm of that rule",
    )

    @property
    def own(self) -> tuple[str, ...]:
        """Columns of the rule that is explained away, each in the place of its fellow in `others`."""
        return tuple(own for own, _ in self._pairs)

    @property
    def others(self) -> tuple[str, ...]:
        """Columns of the rule that explains."""
        return tuple(other for _, other in self._pairs)

    @property
    def _pairs(self) -> list[tuple[str, str]]:
        pairs = [[(item, item)] if isinstance(item, str) else item.items() for item in self.same]
        return [pair for some in pairs for pair in some]


class Given(_Part):
    """What is true from a moment of a test on.

    Rows are given whole by their key column (`key` for short); rows not named stay as they were.
    `gone` removes rows; `feed` sets how a feed stands.
    """

    at: Duration = Field(0.0, description="since the test's beginning")
    rows: tuple[Mapping[str, Any], ...] = Field((), description="rows of the rule's kind")
    tables: Mapping[str, tuple[Mapping[str, Any], ...]] = Field(default_factory=dict, description="rows of other kinds")
    gone: tuple[str, ...] = Field((), description="keys that are no longer listed")
    feed: Mapping[str, str] = Field(default_factory=dict, description="feed name -> fresh, stale or failing")


class Then(_Part):
    """What must hold at a moment of a test: which keys are in alarm, and nothing else is."""

    at: Duration = Field(description="since the test's beginning")
    active: tuple[str, ...] = Field((), description="keys in alarm; none is none")
    priority: Priority | None = Field(None, description="of all of them")
    no_data: tuple[str, ...] = Field((), description="keys whose input is unknown")
    suppressed: tuple[str, ...] = Field((), description="keys in alarm that are suppressed by design")


class RuleTest(_Part):
    """A test case of a rule, run by `rules test` and in CI."""

    name: str = Field(min_length=3, description="what the case shows, as a statement")
    starts_at: datetime = Field(
        datetime.fromisoformat("2026-03-02T12:00:00+00:00"), description="moment of `at: 0`, with zone; a Monday noon"
    )
    given: tuple[Given, ...] = Field(min_length=1, description="what is true from a moment on")
    then: tuple[Then, ...] = Field(min_length=1, description="what must hold at a moment")


class Rule(_Part):
    """One rule."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{2,59}$",
        description="short name, unique among all rules, never changed: the journal knows the rule by it",
    )
    title: str = Field(min_length=3, description="what the list says; {column} is filled from the row")
    kind: str = Field(description="kind of the data dictionary")

    where: str = Field("", description="which rows the rule looks at; a row that leaves it counts as clear")
    when: str = Field(description="condition of the alarm")
    clear: str = Field("", description="condition of its end (deadband); none is `not (when)`")
    group: Group | None = Field(None, description="alarm on a count, a share or a sum over many rows")
    expect: Expect | None = Field(None, description="alarm when a thing that must be there is not")

    on_delay: Duration = Field(0.0, description="the condition must hold this long before it is an alarm")
    off_delay: Duration = Field(0.0, description="it must be clear this long before the alarm ends")
    latching: bool = Field(False, description="stays in the list until reset by hand")
    when_gone: Literal["hold", "clear", ""] = Field(
        "", description="a row no longer listed by a fresh feed: hold as no data, or clear; default by kind"
    )
    stale_ok: bool = Field(False, description="judge rows by their values however old; else a stale row is no data")

    priority: Priority = Field(description="of four: most rules are low, hardly any is highest")
    reason: str = Field(min_length=10, description="why this priority: consequence and time to respond")
    raises: tuple[Raise, ...] = Field((), description="worse cases, each with a higher priority")
    realarm_after: Duration = Field(
        0.0, description="acknowledged and still active this long: alarms again; 0 is never"
    )

    owner: str = Field(min_length=2, description="who answers for the rule: a role or a team, never a person")
    cause: str = Field(min_length=10, description="what it usually comes from")
    consequence: str = Field(min_length=10, description="what happens if nobody acts")
    action: str = Field(min_length=10, description="what the operator does, in order")
    respond_within: Duration = Field(gt=0, description="time the operator has, from the raising")
    screen: str = Field(
        "/wall", pattern=r"^/[A-Za-z0-9_/?=&{}.-]*$", description="opened from the alarm; {column} is filled"
    )

    inhibited_by: tuple[Inhibit, ...] = Field((), description="rules whose active alarm explains this one away")
    group_by: tuple[str, ...] = Field((), description="columns; a flood of alarms with equal values is folded")
    hours: tuple[Hours, ...] = Field((), description="none is always")
    maintenance: tuple[Maintenance, ...] = Field((), description="windows in which alarms are expected")
    escalate: tuple[Escalation, ...] = Field((), description="who is told when nobody acknowledges")
    enabled: bool = Field(True, description="false: the rule is checked but not judged")

    tests: tuple[RuleTest, ...] = Field((), description="cases the rule must get right, run by `rules test` and in CI")

    @field_validator("inhibited_by", mode="before")
    @classmethod
    def _plain_names(cls, value: object) -> object:
        """`inhibited_by: [site_down]` is short for `[{rule: site_down}]`."""
        if isinstance(value, list | tuple):
            return [{"rule": item} if isinstance(item, str) else item for item in value]
        return value

    @model_validator(mode="after")
    def _fits(self) -> Rule:
        if self.group and self.expect:
            raise ValueError("a rule has group or expect, not both")
        return self


class RuleFile(_Part):
    """The whole of one file of `alerts/rules/`."""

    system: str = Field(min_length=3, description="what these rules watch over, in words")
    rules: tuple[Rule, ...]


__all__ = [
    "Duration",
    "Escalation",
    "Expect",
    "Given",
    "Group",
    "Hours",
    "Inhibit",
    "Maintenance",
    "Priority",
    "Raise",
    "Rule",
    "RuleFile",
    "RuleTest",
    "Then",
    "parse_duration_s",
]
