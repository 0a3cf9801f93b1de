"""The state machine: stories, and what holds for any order of events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.alarm import Alarm, Event, Phase, What
from alerts.machine import apply, fold, moved

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

FACTS = {
    What.RAISED: {"priority": "high", "latching": False, "title": "R1 stands"},
    What.REPRIORITISED: {"priority": "highest", "was": "high"},
    What.SUPPRESSED: {"reasons": ["schedule"]},
    What.SHELVED: {"until": "2026-03-02T12:00:00+00:00", "one_shot": False},
    What.ASSIGNED: {"to": "Ben"},
    What.GROUPED: {"group": "g", "under": "rule|first"},
    What.ESCALATED: {"level": 1, "to": "duty"},
}


def event(what: What, minute: float = 0, **facts: object) -> Event:
    by = "Anna" if what in PEOPLE else "engine"
    at = START + timedelta(minutes=minute)
    return Event(
        at, "rule", "key", what, by=by, why="why" if what in PEOPLE else "", facts=facts or FACTS.get(what, {})
    )


PEOPLE = {
    What.SHELVED,
    What.OUT_OF_SERVICE,
    What.IN_SERVICE,
    What.ACKNOWLEDGED,
    What.COMMENTED,
    What.ASSIGNED,
    What.RESET,
}
OWN = [what for what in What if what is not What.CLOCK_STEPPED]
PHASES = {What.RISING, What.SETTLED, What.RAISED, What.FALLING, What.RESUMED, What.CLEARED}


def play(*whats: What, latching: bool = False) -> Alarm | None:
    """The alarm after these events, a minute each."""
    alarm = None
    for minute, what in enumerate(whats):
        facts = {"priority": "high", "latching": latching} if what is What.RAISED else {}
        alarm = apply(alarm, event(what, minute, **facts))
    return alarm


def test_acknowledged_alarm_ends_by_itself():
    """After acknowledgement a return to normal leaves nothing to do and nothing to remember."""
    assert play(What.RAISED, What.ACKNOWLEDGED, What.CLEARED) is None


def test_alarm_that_nobody_answered_for_stays_after_its_return():
    """A return to normal does not answer for anybody."""
    alarm = play(What.RAISED, What.CLEARED)

    assert alarm is not None
    assert (alarm.is_active, alarm.acknowledged) == (False, False)
    assert apply(alarm, event(What.ACKNOWLEDGED)) is None


def test_latched_alarm_waits_for_its_reset():
    """Latched, it stays although it has cleared and was acknowledged; reset lets it go."""
    alarm = play(What.RAISED, What.ACKNOWLEDGED, What.CLEARED, latching=True)

    assert alarm is not None
    assert alarm.latched
    assert apply(alarm, event(What.RESET)) is None


def test_reset_does_not_end_what_is_active():
    """An alarm with known input cannot be put away while it is active."""
    alarm = play(What.RAISED)

    assert apply(alarm, event(What.RESET)) == alarm


def test_alarm_without_data_can_be_put_away():
    """Where nothing is known any more a person may end it."""
    assert play(What.RAISED, What.NO_DATA, What.RESET) is None


def test_what_went_by_while_it_was_hidden_asks_for_no_answer():
    """Nobody saw it, so nobody need acknowledge it."""
    assert play(What.RAISED, What.SUPPRESSED, What.CLEARED) is None


def test_raising_again_is_a_new_occurrence():
    """A new occurrence voids the answer for the old one and leaves the fold of its flood."""
    alarm = play(What.RAISED, What.GROUPED, What.CLEARED, What.RAISED)

    assert alarm is not None
    assert (alarm.occurrences, alarm.acknowledged, alarm.group, alarm.folded_under) == (2, False, None, None)


def test_time_to_respond_begins_when_people_can_see_it():
    """What was suppressed counts as told from the moment it no longer is."""
    alarm = play(What.RAISED, What.SUPPRESSED, What.UNSUPPRESSED)

    assert alarm is not None
    assert alarm.told_at == START + timedelta(minutes=2)
    assert alarm.raised_at == START


def test_set_clock_moves_every_time_of_an_alarm():
    """An alarm that is five minutes old is five minutes old by the clock as it goes now."""
    alarm = play(What.RAISED, What.SHELVED)
    assert alarm is not None
    step = timedelta(hours=-1)

    after = moved(alarm, step)

    assert after.raised_at == START + step
    assert after.since == START + step
    assert after.shelved_until == datetime(2026, 3, 2, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize("what", OWN)
def test_every_sort_of_event_can_come_first(what):
    """A journal that begins anywhere folds to a valid alarm or to none."""
    check(apply(None, event(what)))


def check(alarm: Alarm | None) -> None:
    """What is true of every alarm."""
    if alarm is None:
        return
    assert alarm.is_active <= (alarm.raised_at is not None)
    assert alarm.acknowledged or alarm.occurrences > 0
    assert not alarm.suppressed_by or alarm.is_active
    assert alarm.no_data_since is None or alarm.is_active
    assert (alarm.shelved_by is None) == (alarm.shelved_until is None)
    assert (alarm.out_of_service_by is None) == (alarm.out_of_service_why is None)
    assert (
        alarm.phase is not Phase.NORMAL
        or not alarm.acknowledged
        or alarm.latched
        or alarm.shelved_until
        or alarm.out_of_service_by
    ), "nothing is left to remember of it"


orders = st.lists(st.sampled_from(OWN), max_size=40)


@given(orders)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_any_order_of_events_folds_to_a_valid_alarm(whats):
    """No order raises, each prefix is valid, and an event that comes twice says nothing new."""
    alarm = None
    for minute, what in enumerate(whats):
        happened = event(what, minute)
        alarm = apply(alarm, happened)
        check(alarm)
        assert apply(alarm, happened) == alarm


@given(orders)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_facts_are_orthogonal(whats):
    """The phase is changed by the condition (and a reset) only; what people put aside is changed by them only."""
    alarm = None
    for minute, what in enumerate(whats):
        before = alarm or Alarm("rule", "key")
        alarm = apply(alarm, event(what, minute))
        after = alarm or Alarm("rule", "key")
        if what not in PHASES and what is not What.RESET:
            assert after.phase is before.phase
        if what not in (What.SHELVED, What.UNSHELVED):
            assert after.shelved_until == before.shelved_until
        if what not in (What.OUT_OF_SERVICE, What.IN_SERVICE):
            assert after.out_of_service_by == before.out_of_service_by
        if what not in (What.RAISED, What.RESET) and alarm is not None:
            assert after.latched == before.latched


@given(orders, st.integers(0, 40))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_journal_can_be_folded_in_two_parts(whats, cut):
    """What a restart knows is what would have been known without it, wherever it comes."""
    events = [event(what, minute) for minute, what in enumerate(whats)]
    whole: dict[str, Alarm] = {}
    parts: dict[str, Alarm] = {}

    fold(whole, events)
    fold(parts, events[:cut])
    fold(parts, events[cut:])

    assert parts == whole
