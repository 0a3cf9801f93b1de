"""Figures of the alarm system: journals made by hand, and the figures that a person reckons from them."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.alarm import Event, What
from alerts.commands import Command
from alerts.journal import MemoryJournal
from alerts.kpi import MOST_KEYS, Tally
from alerts.kpi_report import find_longest_unanswered, local_day, report, tally_until
from tests.alerts.story import Story, rule

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
DAY = timedelta(days=1)
WORDS = {"raised", "cleared", "acknowledged", "shelved", "unshelved", "suppressed", "unsuppressed", "falling"}


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def event(minutes: float, what: str, key: str = "a", by: str = "engine", rule: str = "r", **facts) -> Event:
    if what == "raised":
        facts = {"priority": "low", "title": f"title of {key}", **facts}
    return Event(at(minutes), rule, key, What(what), by=by, facts=facts)


def watched(since: float, until: float) -> list[Event]:
    """The alarm system at work from one minute to another, told every five."""
    told, events = since, []
    while told < until:
        upto = min(told + 5, until)
        events.append(Event(at(upto), "", "", What.WATCHED, facts={"seconds": round((upto - told) * 60)}))
        told = upto
    return events


def in_order(*events) -> list[Event]:
    return sorted(events, key=lambda e: e.at)


def read(events, since: float = 0, until: float = 60, operators: int = 1):
    return report(tally_until(events, at(until)), at(since), at(until), operators)


def value(result, name: str) -> float | None:
    return result.figure(name).value


def test_the_rate_is_a_mean_over_the_periods_that_were_watched():
    """Three alarms in an hour of six watched periods are half an alarm in ten minutes."""
    raised = [event(n, "raised", f"k{n}") for n in (1, 2, 41)]
    result = read(in_order(*raised, *watched(0, 60)))

    assert value(result, "alarms") == 3
    assert value(result, "mean") == 0.5
    assert result.figure("mean").verdict == "within"
    assert value(result, "peak") == 2
    assert [slot.alarms for slot in result.slots] == [2, 0, 0, 0, 1, 0]
    assert result.watched_s == 3600


def test_silence_while_nobody_watched_is_not_calm():
    """After a restart that took half an hour the mean is over the periods that are known, and the gap stands as a gap."""
    raised = [event(n, "raised", f"k{n}") for n in (1, 2, 51)]
    result = read(in_order(*raised, *watched(0, 10), *watched(40, 60)))

    assert [slot.alarms for slot in result.slots] == [2, None, None, None, 0, 1]
    assert value(result, "mean") == 1.0
    assert result.watched_s == 30 * 60


def test_without_a_word_of_who_watched_no_rate_is_claimed():
    """A journal from before there were such words gives a count and a peak, but neither mean nor share of time."""
    result = read([event(1, "raised")])

    assert value(result, "alarms") == 1 and value(result, "peak") == 1
    assert value(result, "mean") is None and result.figure("mean").verdict == ""
    assert value(result, "flood_percent") is None
    assert value(read([]), "alarms") is None


def test_a_flood_begins_above_ten_and_ends_below_five():
    """Eleven begin it, five carry it on, four end it: two periods of six."""
    counts = [0, 11, 5, 4, 5, 10]
    raised = [event(10 * i + 1, "raised", f"{i}-{n}") for i, many in enumerate(counts) for n in range(many)]
    result = read(in_order(*raised, *watched(0, 60)))

    assert [slot.is_flood for slot in result.slots] == [False, True, True, False, False, False]
    assert value(result, "flood_percent") == pytest.approx(100 * 2 / 6)
    assert result.figure("flood_percent").note == "1 flood"
    assert value(result, "peak") == 11 and result.figure("peak").verdict == "over"


def test_rates_are_for_each_operator():
    """Two people share eleven alarms: a peak of five and a half, and no flood."""
    raised = [event(1, "raised", f"k{n}") for n in range(11)]
    result = read(in_order(*raised, *watched(0, 60)), operators=2)

    assert value(result, "peak") == 5.5 and value(result, "flood_percent") == 0
    assert value(result, "mean") == pytest.approx(11 / 6 / 2)
    with pytest.raises(ValueError, match="at least one"):
        read([], operators=0)


def test_what_is_suppressed_in_the_same_moment_never_came_before_people():
    """The engine raises first and suppresses in the same step; only one that is suppressed later was seen."""
    events = [
        event(1, "raised", "never"),
        event(1, "raised", "seen"),
        event(1, "suppressed", "never", reasons=["schedule"]),
        event(2, "suppressed", "seen", reasons=["schedule"]),
    ]
    result = read(events)

    assert value(result, "alarms") == 1 and value(result, "hidden") == 1
    assert value(result, "suppressed") == 2 and value(result, "standing") == 0
    assert [top.alarm_id for top in result.top] == ["r|seen"]


def test_what_comes_back_before_people_counts_when_it_does():
    """Raised on the shelf it is hidden; unshelved while active it is an alarm."""
    events = [
        event(0, "shelved", by="Ann", until=at(30).isoformat()),
        event(5, "raised"),
        event(30, "unshelved"),
        event(31, "acknowledged", by="Ann"),
    ]
    result = read(events)

    assert [slot.alarms for slot in result.slots] == [None, None, None, 1, None, None]
    assert value(result, "hidden") == 1
    assert value(result, "answer_median_low") == 60


def test_folded_alarms_count_and_are_named():
    """Folding makes a flood readable; it does not make it smaller."""
    events = [event(1, "raised", f"k{n}", priority="high") for n in range(8)]
    events += [event(1, "grouped", f"k{n}", group="g", under="r|k0") for n in range(1, 8)]
    result = read(events)

    assert value(result, "alarms") == 8
    assert result.figure("alarms").note == "7 of them folded under the first of a flood"


def test_three_times_in_a_minute_is_chatter_and_in_a_minute_and_a_second_is_not():
    """The clause of ISA-18.2 to the second; twice within it is none either."""

    def play(key: str, seconds: tuple[float, ...]) -> list[Event]:
        return [e for s in seconds for e in (event(s / 60, "raised", key), event((s + 1) / 60, "cleared", key))]

    events = in_order(*play("yes", (0, 30, 60)), *play("no", (0, 30, 61)), *play("twice", (0, 5)))
    result = read(events)

    assert value(result, "chattering") == 1 and result.figure("chattering").verdict == "over"
    assert [top.alarm_id for top in result.top if top.chatters] == ["r|yes"]


def test_fleeting_is_over_within_a_minute_and_unanswered():
    """The condition's own end counts, not that of the off-delay; what somebody answered for was no waste."""
    events = [
        event(0, "raised", "short"),
        event(0.9, "falling", "short"),
        event(5, "cleared", "short"),
        event(0, "raised", "long"),
        event(1, "cleared", "long"),
        event(0, "raised", "answered"),
        event(0.5, "acknowledged", "answered", by="Ann"),
        event(0.9, "cleared", "answered"),
    ]
    assert value(read(in_order(*events)), "fleeting") == 1


def test_stale_is_what_stands_for_more_than_a_day():
    """A day to the second is not yet stale; shelved ones stand nowhere."""
    events = [
        event(0, "raised", "old"),
        event(1, "raised", "day"),
        event(0, "raised", "aside"),
        event(2, "shelved", "aside", by="Bob", until=at(9000).isoformat()),
    ]
    result = report(tally_until(events, at(24 * 60 + 1)), at(24 * 60 - 60), at(24 * 60 + 1))

    assert value(result, "standing") == 2 and value(result, "stale") == 1


def test_the_spread_is_held_against_eighty_fifteen_five_and_one():
    """Each priority's share has its own target; a share of few alarms is not claimed."""
    many = {"highest": 1, "high": 4, "medium": 25, "low": 70}
    events = [event(1, "raised", f"{p}{n}", priority=p) for p, count in many.items() for n in range(count)]
    result = read(events)

    shares = {p: (value(result, f"share_{p}"), result.figure(f"share_{p}").verdict) for p in many}
    assert shares == {
        "highest": (1, "within"),
        "high": (4, "within"),
        "medium": (25, "over"),
        "low": (70, "under"),
    }
    few = read(events[:19])
    assert value(few, "share_high") is None and few.figure("share_high").verdict == ""
    assert "too few" in few.figure("share_high").note


def test_times_to_acknowledge_are_by_priority_and_from_being_told():
    """Median and 95th of a hundred answers after 1, 2, … 100 s; another priority is not mixed in."""
    events = [event(0, "raised", f"k{n}", priority="high") for n in range(1, 101)]
    events += [event(n / 60, "acknowledged", f"k{n}", by="Ann") for n in range(1, 101)]
    result = read(in_order(*events))

    assert value(result, "answer_median_high") == 50 and value(result, "answer_p95_high") == 95
    assert value(result, "answer_median_low") is None
    assert result.figure("answer_median_high").note == "100 acknowledgements"


def test_who_waits_longest_is_the_one_told_first_that_nobody_answered():
    """Answered and hidden alarms do not wait."""
    events = [event(0, "raised", "answered"), event(1, "raised", "waits"), event(2, "raised", "later")]
    events += [event(3, "acknowledged", "answered", by="Ann")]
    tally = tally_until(events, at(60))

    longest = find_longest_unanswered(tally)
    assert longest is not None and longest.key == "waits"
    assert value(report(tally, at(0), at(60)), "unanswered") == 2


def test_shelves_are_told_by_person_with_their_time():
    """Ann: ten minutes ended and twenty that stand; Bob has one thing out of service since minute 50."""
    events = [
        event(0, "shelved", "a", by="Ann", until=at(90).isoformat()),
        event(10, "unshelved", "a", by="Bob"),
        event(40, "shelved", "b", by="Ann", until=at(90).isoformat()),
        event(50, "out_of_service", "c", by="Bob"),
    ]
    ann, bob = read(events).aside

    assert (ann.who, ann.what, ann.now, ann.times, ann.total_s, ann.since) == ("Ann", "shelved", 1, 2, 1800, at(40))
    assert (bob.who, bob.what, bob.now, bob.total_s, bob.since) == ("Bob", "out_of_service", 1, 600, at(50))


def test_the_ten_most_frequent_have_their_share():
    """Of 30 alarms one thing made eleven; the ten most frequent together made 20 of them."""
    events = []
    for n in range(11):
        events += [event(2 * n, "raised", "bad"), event(2 * n + 1.5, "cleared", "bad")]
    events += [event(n, "raised", f"k{n:02}") for n in range(19)]
    result = read(in_order(*events))

    assert [(t.alarm_id, t.count) for t in result.top[:2]] == [("r|bad", 11), ("r|k00", 1)]
    assert len(result.top) == 10 and result.top[0].title == "title of bad"
    assert value(result, "top_percent") == pytest.approx(100 * 20 / 30)


def test_a_flood_of_more_alarms_than_are_told_apart_is_counted_whole():
    """Names are bounded, numbers are not."""
    tally = Tally().add_all(event(1, "raised", f"k{n}") for n in range(MOST_KEYS + 500))

    assert value(report(tally, at(0), at(10)), "alarms") == MOST_KEYS + 500
    assert sum(len(p.by_alarm) for p in tally.periods.values()) == MOST_KEYS


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_has_the_hours_of_the_citys_clock(day, hours):
    """One alarm a watched hour is a sixth of an alarm in ten minutes, however long the day is."""
    since, until = local_day(day, LONDON)
    events = []
    for hour in range(hours):
        begin = since + timedelta(hours=hour)
        events.append(Event(begin, "r", f"k{hour}", What.RAISED, facts={"priority": "low"}))
        events += [
            Event(begin + timedelta(minutes=m), "", "", What.WATCHED, facts={"seconds": 300}) for m in range(5, 61, 5)
        ]
    result = report(tally_until(in_order(*events), until), since, until)

    assert until - since == timedelta(hours=hours)
    assert len(result.slots) == hours * 6 and result.watched_s == hours * 3600
    assert value(result, "alarms") == hours and value(result, "mean") == pytest.approx(1 / 6)


def test_a_clock_that_was_set_moves_what_runs_and_not_what_was_counted():
    """An hour is set forward: who waited a minute has not waited an hour and a minute."""
    events = [
        event(1, "raised"),
        Event(at(62), "", "", What.CLOCK_STEPPED, facts={"seconds": 3600}),
        event(63, "acknowledged", by="Ann"),
    ]
    result = report(tally_until(events, at(70)), at(0), at(70))

    assert value(result, "answer_median_low") == 120
    assert result.slots[0].alarms == 1


def test_old_periods_are_let_go():
    """Memory does not grow with the years; what stands from before still stands."""
    tally = Tally(keep_s=3600)
    for n in range(500):
        tally.add(event(10 * n, "raised", f"k{n}"))
        tally.add(event(10 * n + 5, "cleared", f"k{n}"))
        tally.add(event(10 * n + 6, "acknowledged", f"k{n}", by="Ann"))
    tally.add(event(5001, "raised", "stands"))

    assert len(tally.periods) <= 8 and set(tally.alarms) == {"r|stands"}


@st.composite
def journals(draw) -> list[Event]:
    """Any events of a few alarms, within some hours, in the order of time."""
    lot = random.Random(draw(st.integers(0, 2**32)))
    minute, events = 0.0, []
    for _ in range(draw(st.integers(0, 120))):
        minute += lot.choice([0, 0, 0.2, 1, 7, 45])
        what = lot.choice([*What, What.RAISED, What.RAISED, What.CLEARED, What.ACKNOWLEDGED])
        facts = {
            What.RAISED: {"priority": lot.choice(["highest", "high", "medium", "low"]), "title": "x"},
            What.REPRIORITISED: {"priority": "high", "was": "low"},
            What.SHELVED: {"until": at(minute + 60).isoformat()},
            What.SUPPRESSED: {"reasons": ["schedule"]},
            What.GROUPED: {"group": "g", "under": "r|k0"},
            What.ESCALATED: {"level": 1, "to": "duty"},
            What.ASSIGNED: {"to": "Ann"},
            What.CLOCK_STEPPED: {"seconds": lot.choice([-30, 600])},
            What.WATCHED: {"seconds": lot.choice([0, 7, 300, 600])},
        }.get(what, {})
        of_all = what in (What.CLOCK_STEPPED, What.WATCHED)
        events.append(
            Event(
                at(minute),
                "" if of_all else "r",
                "" if of_all else f"k{lot.randrange(4)}",
                what,
                by=lot.choice(["Ann", "Bob"]),
                facts=facts,
            )
        )
    return events


@settings(max_examples=200, deadline=None)
@given(journals(), st.integers(1, 40))
def test_piece_by_piece_gives_the_same_as_all_at_once(events, size):
    """However the events come, and whether or not older periods are let go, the figures of a span are the same."""
    until = (events[-1].at if events else START) + timedelta(minutes=1)
    since = max(START, until - timedelta(hours=3))
    piecemeal = Tally(keep_s=4 * 3600)
    for first in range(0, len(events), size):
        piecemeal.add_all(events[first : first + size])

    live = report(piecemeal, since, until)
    assert live == report(tally_until(events, until), since, until)
    assert live == report(tally_until(events, until, since), since, until)
    assert sum(slot.alarms or 0 for slot in live.slots) == (value(live, "alarms") or 0)
    assert all(n >= 0 for period in piecemeal.periods.values() for n in period.alarms.values())


def test_what_the_real_engine_journals_gives_the_same_live_and_from_the_journal():
    """A story with delays, answers and a restart in its middle: each step counted live, then all read again."""
    text = rule("help", 'title: "{label} needs help"\nwhen: state == "needs_help"\non_delay: 10 s', priority="high")
    journal, live, minute = MemoryJournal(), Tally(), 0
    for life in range(2):
        story = Story(text, journal=journal, at=START + timedelta(minutes=minute))
        for n in range(40):
            state = "needs_help" if n % 4 < 2 else "working"
            story.hear([{"key": f"v{k}", "label": f"R{k}", "state": state} for k in range(3)])
            story.engine.note_watched(story.now, 30)
            live.add(Event(story.now, "", "", What.WATCHED, facts={"seconds": 30}))
            story.step(30)
            live.add_all(story.last.events)
            if n == 2 + life:
                answer = story.engine.command(Command("acknowledge", ("help|robots v1",), by="Ann"), story.now)
                live.add_all(answer.events)
            minute += 0.5
    until = START + timedelta(hours=1)
    shown = report(live, START, until)

    assert shown == report(tally_until(journal.load(), until), START, until)
    assert value(shown, "alarms") >= 30 and value(shown, "answer_median_high") is not None
    assert any(slot.alarms is None for slot in shown.slots) and shown.watched_s == 79 * 30
