"""What a person does to alarms: one command, many alarms, all of it or nothing in the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, get_args

from alerts.alarm import ENGINE, Alarm, Event, What
from alerts.limits import LONGEST_NAME, LONGEST_TEXT, MOST_ALARMS, SHELF, longest_shelf
from alerts.words import clean_words

Action = Literal["acknowledge", "comment", "assign", "shelve", "unshelve", "out_of_service", "in_service", "reset"]
ACTIONS: Final = get_args(Action)


class CommandRefused(Exception):
    """The command as a whole is wrong; the text says what, and what to do. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a person wants.

    Attributes:
        alarms: ids (`rule|key`), each once.
        by: the person's name.
        why: reason or comment; `shelve`, `out_of_service` and `comment` need one.
        until: for `shelve`; aware. None is as long as is allowed (with `once`).
        once: for `shelve`: ends with this occurrence at the latest.
        to: for `assign`: who handles it; empty is nobody any more.
        facts: what else the journal should keep of this command (such as how `by` was known).
    """

    action: Action
    alarms: tuple[str, ...]
    by: str
    why: str = ""
    until: datetime | None = None
    once: bool = False
    to: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command, once the journal has it.

    Attributes:
        events: as journalled, with their `seq`; none where nothing had to be done.
        already: id -> a sentence: it was so before ("acknowledged by Anna at 09:31 UTC").
        refused: id -> a sentence: no such alarm, or not in a state for it.
    """

    events: tuple[Event, ...] = ()
    already: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def done(self) -> tuple[str, ...]:
        """Ids of the alarms it was done to."""
        return tuple(dict.fromkeys(f"{e.rule}|{e.key}" for e in self.events))


class _Already(Exception):
    """It is so; the text says since when and by whom."""


class _NotSo(Exception):
    """It cannot be done to this alarm; the text says why, and what to do."""


# Whether a row of that rule with that key is there: (rule, key).
IsKnown = Callable[[str, str], bool]


def answer(command: Command, alarms: Mapping[str, Alarm], is_known: IsKnown, now: datetime) -> Answer:
    """What the command comes to: events for the journal, and what it leaves as it is. Pure.

    Args:
        is_known: an alarm may be shelved or taken out of service before it was ever raised,
            where its rule and its row are there.

    Raises:
        CommandRefused: the command is wrong as a whole.
    """
    command = _checked(command, now)
    events: list[Event] = []
    already: dict[str, str] = {}
    refused: dict[str, str] = {}
    for alarm_id in dict.fromkeys(command.alarms):
        rule, parted, key = alarm_id.partition("|")
        alarm = alarms.get(alarm_id)
        try:
            if not parted or (alarm is None and not (command.action in _BEFOREHAND and is_known(rule, key))):
                raise _NotSo("there is no such alarm, or no longer; look at the list again")
            facts = {**command.facts, **_FACTS[command.action](command, alarm or Alarm(rule, key), now)}
        except _Already as so:
            already[alarm_id] = str(so)
        except _NotSo as not_so:
            refused[alarm_id] = str(not_so)
        else:
            events.append(Event(now, rule, key, _WHAT[command.action], by=command.by, why=command.why, facts=facts))
            if command.action == "reset" and alarm is not None and alarm.shelved_once and alarm.is_active:
                why = "it was shelved for this occurrence, which has ended"
                events.append(Event(now, rule, key, What.UNSHELVED, why=why))
    return Answer(tuple(events), already, refused)


# What may be done before there is an alarm.
_BEFOREHAND: Final = frozenset({"shelve", "out_of_service"})

_NEEDS_WHY: Final = {
    "shelve": "say why it is shelved",
    "out_of_service": "say why it is taken out of service",
    "comment": "write the comment",
}


def _checked(command: Command, now: datetime) -> Command:
    """The command with its texts cleaned.

    Raises:
        CommandRefused: what is wrong with it whatever the alarms.
    """
    if command.action not in ACTIONS:
        raise CommandRefused(f"{command.action!r} is nothing that can be done; choose one of {', '.join(ACTIONS)}")
    if not command.alarms:
        raise CommandRefused("no alarm is named; select one")
    if len(command.alarms) > MOST_ALARMS:
        raise CommandRefused(f"{len(command.alarms)} alarms at once; at most {MOST_ALARMS} are taken")
    by = clean_words(command.by, LONGEST_NAME)
    if not by or by.lower() == ENGINE:
        raise CommandRefused("the command does not say who gives it; give the person's name")
    why = clean_words(command.why, LONGEST_TEXT)
    if command.action in _NEEDS_WHY and not why:
        raise CommandRefused(f"a reason is missing; {_NEEDS_WHY[command.action]}")
    if command.until is not None:
        _check_until(command.until, now)
    to = clean_words(command.to, LONGEST_NAME)
    if command.action == "shelve" and command.until is None and not command.once:
        raise CommandRefused("the shelf has no end; give a time, or shelve this occurrence only")
    return Command(command.action, command.alarms, by, why, command.until, command.once, to, command.facts)


def _check_until(until: datetime, now: datetime) -> None:
    if until.tzinfo is None:
        raise CommandRefused(f"until {until.isoformat()} has no zone; write it as 2026-11-23T15:00:00Z")
    if until <= now:
        raise CommandRefused(f"until {_clock(until)} is past; give a later time")
    if until - now > SHELF:
        raise CommandRefused(f"until {_clock(until)} is too far; at most {SHELF / timedelta(hours=1):g} h are allowed")


def _acknowledge(command: Command, alarm: Alarm, now: datetime) -> dict[str, Any]:
    if not alarm.acknowledged:
        return {}
    if alarm.acknowledged_at is not None:
        raise _Already(f"acknowledged by {alarm.acknowledged_by} at {_clock(alarm.acknowledged_at)}")
    raise _NotSo("it waits for no acknowledgement")


def _comment(command: Command, alarm: Alarm, now: datetime) -> dict[str, Any]:
    if not alarm.occurrences and not alarm.is_hidden:
        raise _NotSo("it was not raised yet; comment when it is")
    return {}


def _assign(command: Command, alarm: Alarm, now: datetime) -> dict[str, Any]:
    if (alarm.assigned_to or "") == command.to:
        raise _Already(f"{command.to} handles it" if command.to else "nobody handles it")
    if not alarm.occurrences and not alarm.is_hidden:
        raise _NotSo("it was not raised yet; assign it when it is")
    return {"to": command.to}


def _shelve(command: Command, alarm: Alarm, now: datetime) -> dict[str, Any]:
    longest = longest_shelf(alarm.priority)
    until = now + longest if command.until is None else command.until.astimezone(UTC)
    if until - now > longest:
        hours = longest / timedelta(hours=1)
        raise _NotSo(
            f"its priority is {alarm.priority}: somebody may be in danger, so it may be shelved for {hours:g} h at most"
        )
    if alarm.shelved_until == until and alarm.shelved_once == command.once:
        raise _Already(f"shelved by {alarm.shelved_by} until {_clock(until)}")
    return {"until": until.isoformat(), "one_shot": command.once}


def _unshelve(command: Command, alarm: Alarm, now: datetime) -> dict[str, Any]:
    if alarm.shelved_until is None:
        raise _Already("it is not shelved")
    return {}


def _out_of_service(command: Command, alarm: Alarm, now: datetime) -> dict[str, Any]:
    if alarm.out_of_service_by:
        raise _Already(f"taken out of service by {alarm.out_of_service_by}: {alarm.out_of_service_why}")
    return {}


def _in_service(command: Command, alarm: Alarm, now: datetime) -> dict[str, Any]:
    if not alarm.out_of_service_by:
        raise _Already("it is in service")
    return {}


def _reset(command: Command, alarm: Alarm, now: datetime) -> dict[str, Any]:
    if alarm.is_active:
        if alarm.no_data_since is None:
            raise _NotSo("it is still active; it can be reset when it has returned to normal, or when it has no data")
        return {}
    if alarm.latched:
        return {}
    raise _NotSo("only latched alarms and alarms without data are reset; acknowledge it instead")


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


_FACTS: Final[Mapping[str, Callable[[Command, Alarm, datetime], dict[str, Any]]]] = {
    "acknowledge": _acknowledge,
    "comment": _comment,
    "assign": _assign,
    "shelve": _shelve,
    "unshelve": _unshelve,
    "out_of_service": _out_of_service,
    "in_service": _in_service,
    "reset": _reset,
}

_WHAT: Final[Mapping[str, What]] = {
    "acknowledge": What.ACKNOWLEDGED,
    "comment": What.COMMENTED,
    "assign": What.ASSIGNED,
    "shelve": What.SHELVED,
    "unshelve": What.UNSHELVED,
    "out_of_service": What.OUT_OF_SERVICE,
    "in_service": What.IN_SERVICE,
    "reset": What.RESET,
}
