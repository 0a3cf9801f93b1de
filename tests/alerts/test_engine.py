"""The engine: what it makes of rows, silence, clocks, restarts and people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from alerts.alarm import What
from alerts.commands import CommandRefused
from alerts.engine import Engine
from alerts.journal import JournalUnavailable
from alerts.ruleset import RuleSet
from control_room.model import Table
from tests.alerts.simulated_city import FailingJournal
from tests.alerts.story import LONDON, START, Story, rule, rules

SLOW = rule(
    "slow", 'title: "{label} is slow"\nwhen: speed_kmh < 2\nclear: speed_kmh > 4\non_delay: 10 s\noff_delay: 5 s'
)
AT_ONCE = rule("slow", 'title: "{label} is slow"\nwhen: speed_kmh < 2')


def robot(speed: float | None, key: str = "r1", **more: object) -> dict[str, object]:
    return {"key": key, "label": key.upper(), "speed_kmh": speed, **more}


# Delays.


def test_delays_and_deadband_tell_one_story():
    """A delay that goes by in vain settles; in the deadband an alarm neither begins nor ends."""
    story = Story(SLOW)
    told = [story.look([robot(speed)], 5) for speed in (10, 1, 3, 1, 1, 1, 3, 10, 3, 10, 10)]

    assert told == [
        "",
        "r1 rising",
        "r1 settled",  # between the limits: no longer below the lower one
        "r1 rising",
        "",
        "r1 raised",
        "",
        "r1 falling",
        "r1 resumed",
        "r1 falling",
        "r1 cleared",
    ]


def test_timer_runs_while_its_feed_is_silent():
    """An alarm whose delay is over is raised although nothing new is heard."""
    story = Story(SLOW)
    story.look([robot(1)])

    assert story.step(9) == ""
    assert story.engine.timers_run
    assert story.step(1) == "r1 raised"


def test_newer_return_beats_a_delay_that_is_over():
    """Where both come in one step, the news counts."""
    story = Story(SLOW)
    story.look([robot(1)])

    assert story.look([robot(10)], 60) == "r1 settled"


def test_raised_at_once_without_delay():
    """No delay means the same step."""
    story = Story(AT_ONCE)

    assert story.look([robot(1)]) == "r1 raised"
    assert story.look([robot(3)]) == "r1 cleared"


# Unknown.


def test_unknown_never_raises_and_never_clears():
    """A delay that is over waits for known news, and so does a return to normal."""
    story = Story(SLOW)
    story.look([robot(1)])

    assert story.look([robot(None)], 30) == ""
    assert story.look([robot(1)]) == "r1 raised"
    assert story.look([robot(None)]) == "r1 no_data"
    assert story.states() == {"slow|robots r1": "unacknowledged"}
    assert story.table[0]["no_data_since"] is not None
    assert story.look([robot(3)]) == "r1 data"


def test_stale_row_is_unknown():
    """A row older than its feed allows says nothing of now."""
    story = Story(AT_ONCE)
    story.look([robot(1)])

    assert story.step(60) == ""
    assert story.step(1) == "r1 no_data"


def test_rule_that_asks_for_age_judges_old_rows():
    """Age is what it is about."""
    story = Story(rule("lost", 'title: "{label} is lost"\nwhen: age_s > 120'))
    story.look([robot(1)])

    assert story.step(121) == "r1 raised"


def test_vehicle_that_vanishes_is_silent_not_well():
    """A fresh feed that no longer lists a robot does not end its alarm."""
    story = Story(AT_ONCE)
    story.look([robot(1), robot(9, "r2")])

    assert story.look([robot(9, "r2")]) == "r1 no_data"
    assert story.states() == {"slow|robots r1": "unacknowledged"}


def test_disruption_that_vanishes_is_over():
    """What a fresh feed of ending things no longer lists has ended; a silent feed ends nothing."""
    story = Story(rule("closed", 'title: "{title}"\nwhen: severity == "severe"', kind="disruption"))
    row = {"key": "d1", "title": "closure", "severity": "severe"}
    story.look([row], kind="disruption", feed="works")
    other = {"key": "d2", "title": "other", "severity": "slight"}

    assert story.look([row, other], kind="disruption", feed="works") == ""
    assert story.look([other], kind="disruption", feed="works") == "works d1 cleared"


def test_nothing_is_gone_before_its_feed_has_answered():
    """After a restart the tables are empty, and that says nothing; much later it says that data is missing."""
    story = Story(rule("closed", 'title: "{title}"\nwhen: severity == "severe"', kind="disruption"))
    story.look([{"key": "d1", "title": "closure", "severity": "severe"}], kind="disruption", feed="works")
    story.restart()

    assert story.step(1) == ""
    assert story.step(60) == ""
    assert story.step(1) == "works d1 no_data"


def test_row_that_leaves_where_counts_as_clear():
    """A robot that is charging is not looked at: what it alarmed for is over."""
    text = rule("slow", 'title: "{label} is slow"\nwhere: state != "charging"\nwhen: speed_kmh < 2')
    story = Story(text)
    story.look([robot(1, state="working")])

    assert story.look([robot(1, state="charging")]) == "r1 cleared"


def test_order_of_rows_means_nothing():
    """Phases follow their keys when rows come, go and change places."""
    story = Story(SLOW)
    story.look([robot(1), robot(9, "r2"), robot(9, "r3")])
    story.look([robot(9, "r3"), robot(1)], 5)

    assert story.look([robot(9, "r4"), robot(9, "r2"), robot(1)], 5) == "r1 raised"


def test_key_that_comes_twice_is_judged_once():
    """Two rows of one key are one thing: the first of them."""
    story = Story(AT_ONCE)

    assert story.look([robot(1), robot(1)]) == "r1 raised"


# Restart and clock.


def test_restart_loses_no_timer():
    """A delay goes on over a restart, its time away included."""
    story = Story(SLOW)
    story.look([robot(1)])
    story.restart()

    assert story.look([robot(1)], 4) == ""
    assert story.look([robot(1)], 6) == "r1 raised"
    assert Engine(story.rules, story.journal, LONDON).alarms == story.engine.alarms


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_set_clock_makes_no_alarm_early_or_late(seconds):
    """A clock that is set moves the running delay with it, and says so once."""
    story = Story(SLOW)
    story.look([robot(1)])

    with capture_logs():
        story.now += timedelta(seconds=seconds)
        story.hear([robot(1)])
        assert story.step(5, elapsed_s=5) == "clock_stepped"
    story.hear([robot(1)])
    assert story.step(4) == ""
    assert story.step(1) == "r1 raised"


def test_clock_behind_the_journal_is_a_set_clock():
    """After a restart nothing can have begun in the future."""
    story = Story(SLOW)
    story.look([robot(1)])
    story.restart()
    story.now -= timedelta(hours=1)

    with capture_logs():
        assert story.look([robot(1)], 5) == "clock_stepped"
        assert story.look([robot(1)], 10) == "r1 raised"


# Journal.


def test_alarms_go_on_while_the_journal_is_down():
    """Events wait in order and are written when it is back; the table does not wait for them."""
    journal = FailingJournal()
    story = Story(AT_ONCE, journal=journal)
    journal.is_down = True

    with capture_logs():
        story.look([robot(1)])
        assert story.states() == {"slow|robots r1": "unacknowledged"}
        assert story.table[0]["seq"] is None
        assert story.engine.health.unwritten == 1
        assert "full" in story.engine.health.journal_fault
        with pytest.raises(JournalUnavailable):
            story.do("acknowledge", "slow|robots r1")
        assert story.states() == {"slow|robots r1": "unacknowledged"}
        story.look([robot(9)])
        journal.is_down = False
        story.look([robot(9)])

    assert [e.what for e in journal.events] == [What.RAISED, What.CLEARED]
    assert story.table[0]["seq"] == 2
    assert story.engine.health.unwritten == 0


def test_command_writes_what_waits_first():
    """The journal keeps the order in which things happened."""
    journal = FailingJournal()
    story = Story(AT_ONCE, journal=journal)
    with capture_logs():
        journal.is_down = True
        story.look([robot(1)])
        journal.is_down = False
        answer = story.do("acknowledge", "slow|robots r1")

    assert [e.what for e in journal.events] == [What.RAISED, What.ACKNOWLEDGED]
    assert answer.events[0].seq == 2
    assert story.step() == ""
    assert story.states() == {"slow|robots r1": "acknowledged"}


def test_quiet_step_gives_the_very_same_table():
    """Whoever renews what is shown can see at once that nothing changed."""
    story = Story(AT_ONCE)
    story.look([robot(1)])
    assert story.last is not None
    table = story.last.table

    story.look([robot(1)])

    assert story.last.table is table


# Priority.

RAISES = rule(
    "low_battery",
    'title: "{label} is empty"\nwhen: battery_percent < 20\nraises:\n  - {when: battery_percent < 5, priority: highest}'
    "\nescalate:\n  - {after: 5 min, to: duty}\n  - {after: 10 min, to: manager}\nrealarm_after: 30 min",
)


def test_higher_priority_voids_the_acknowledgement():
    """Who answered for a medium alarm has not answered for the highest."""
    story = Story(RAISES)
    story.look([robot(9, battery_percent=15)])
    story.do("acknowledge", "low_battery|robots r1")

    assert story.look([robot(9, battery_percent=3)]) == "r1 reprioritised, r1 realarmed"
    assert story.table[0]["priority"] == "highest"
    assert story.look([robot(9, battery_percent=10)]) == "r1 reprioritised"
    assert story.table[0]["priority"] == "medium"


def test_unknown_leaves_the_priority():
    """What is not known does not make an alarm less urgent."""
    text = rule(
        "stuck", 'title: "x y z"\nwhen: speed_kmh < 2\nraises:\n  - {when: battery_percent < 5, priority: highest}'
    )
    story = Story(text)
    story.look([robot(1, battery_percent=3)])

    assert story.look([robot(1, battery_percent=None)]) == ""
    assert story.table[0]["priority"] == "highest"


def test_nobody_answers_and_the_next_is_told():
    """Escalation goes up with time, and stops with an answer."""
    story = Story(RAISES)
    row = [robot(9, battery_percent=15)]
    story.look(row)

    assert story.look(row, 299) == ""
    assert story.look(row, 1) == "r1 escalated"
    assert story.last.events[0].facts == {"level": 1, "to": "duty", "tell": True}
    assert story.look(row, 300) == "r1 escalated"
    assert story.table[0]["level"] == 2
    story.do("acknowledge", "low_battery|robots r1")
    assert story.look(row, 3000 - 1201) == ""


def test_answer_grows_old():
    """An alarm that is still active long after its acknowledgement alarms again."""
    story = Story(RAISES)
    row = [robot(9, battery_percent=15)]
    story.look(row)
    story.do("acknowledge", "low_battery|robots r1")

    assert story.look(row, 1799) == ""
    assert story.look(row, 1) == "r1 realarmed"
    assert story.states() == {"low_battery|robots r1": "unacknowledged"}


# Suppression.

DOWN = rule("cell_down", 'title: "{cell_id} down"\nwhen: state == "down"', kind="cell", priority="high")
SILENT = rule("slow", 'title: "{label}"\nwhen: speed_kmh < 2\ninhibited_by:\n  - {rule: cell_down, same: [cell_id]}')


def test_cause_explains_its_consequences_away():
    """Robots of the cell that is down are suppressed, those of other cells are not; afterwards they are told."""
    story = Story(DOWN, SILENT)
    rows = [robot(1, cell_id="c1"), robot(1, "r2", cell_id="c2"), robot(1, "r3", cell_id=None)]
    down = [{"key": "c1", "cell_id": "c1", "state": "down"}]
    story.hear(down, "cell", "cells")

    assert story.look(rows) == "cells c1 raised, r1 raised, r2 raised, r3 raised, r1 suppressed"
    assert story.states()["slow|robots r1"] == "suppressed"
    told = [e.key for e in story.last.events if e.facts.get("tell")]
    assert told == ["cells c1", "robots r2", "robots r3"]

    story.hear([{"key": "c1", "cell_id": "c1", "state": "up"}], "cell", "cells")
    assert story.look(rows, 30) == "cells c1 cleared, r1 unsuppressed"
    assert story.last.events[1].facts == {"tell": True}
    assert story.table[1]["respond_by"] == "2026-03-02T12:05:31Z"


def test_cause_explains_what_knows_it_by_another_name():
    """A robot whose nearest cell is down is suppressed although its row names no cell that serves it."""
    near = SILENT.replace("same: [cell_id]", "same: [{cell_near: cell_id}]")
    story = Story(DOWN, near)
    story.hear([{"key": "c1", "cell_id": "c1", "state": "down"}], "cell", "cells")
    rows = [robot(1, cell_near="c1"), robot(1, "r2", cell_near="c2", cell_id="c1"), robot(1, "r3")]

    assert story.look(rows) == "cells c1 raised, r1 raised, r2 raised, r3 raised, r1 suppressed"


def test_cause_that_is_out_of_service_explains_nothing():
    """A sensor known to be broken must not silence others."""
    story = Story(DOWN, SILENT)
    story.hear([{"key": "c1", "cell_id": "c1", "state": "down"}], "cell", "cells")
    story.look([robot(1, cell_id="c1")])
    story.do("out_of_service", "cell_down|cells c1", why="mast is painted")

    assert story.step() == "r1 unsuppressed"


def test_hours_and_maintenance_suppress_by_design():
    """Outside its hours, and in its maintenance window, an alarm is judged and journalled but not told."""
    text = rule(
        "slow",
        'title: "{label}"\nwhen: speed_kmh < 2\nhours:\n  - {from: "12:00", until: "13:00"}\nmaintenance:\n'
        '  - {from: "2026-03-02T12:10:00Z", until: "2026-03-02T12:20:00Z", where: label == "R1", reason: new wheels}',
    )
    story = Story(text)
    rows = [robot(1), robot(1, "r2")]
    story.look(rows)

    assert story.look(rows, 599) == "r1 suppressed"
    assert story.table[0]["put_aside_why"] == "maintenance: new wheels"
    assert story.look(rows, 600) == "r1 unsuppressed"
    assert story.look(rows, 2400) == "r1 suppressed, r2 suppressed"
    assert story.table[1]["put_aside_why"] == "schedule"


def test_what_clears_while_it_is_suppressed_leaves_nothing():
    """It came and went without being told, so it asks for nothing."""
    story = Story(DOWN, SILENT)
    story.hear([{"key": "c1", "cell_id": "c1", "state": "down"}], "cell", "cells")
    story.look([robot(1, cell_id="c1")])

    story.look([robot(9, cell_id="c1")])

    assert "slow|robots r1" not in story.states()


# Floods.


def test_flood_is_folded_under_its_first():
    """More than five alarms of one rule within a minute are one line with the rest under it."""
    story = Story(AT_ONCE)
    rows = [robot(9, f"r{i}") for i in range(8)]
    for i in range(5):
        rows[i] = robot(1, f"r{i}")
        assert story.look(rows, 2) == f"r{i} raised"
    rows[5] = robot(1, "r5")

    assert story.look(rows) == "r5 raised, " + ", ".join(f"r{i} grouped" for i in range(6))
    rows[6] = robot(1, "r6")
    assert story.look(rows) == "r6 raised, r6 grouped"
    assert "tell" not in story.last.events[0].facts
    by_key = {row["row_key"]: row for row in story.table}
    assert by_key["robots r0"]["folded"] == 6
    assert by_key["robots r0"]["folded_under"] is None
    assert {by_key[f"robots r{i}"]["folded_under"] for i in range(1, 7)} == {"slow|robots r0"}


def test_group_by_parts_floods():
    """Alarms of different groups do not make a flood together."""
    story = Story(rule("slow", 'title: "{label}"\nwhen: speed_kmh < 2\ngroup_by: [route_id]'))
    rows = [robot(1, f"r{i}", route_id=str(i % 2)) for i in range(10)]

    assert "grouped" not in story.look(rows)


def test_urgent_alarm_is_never_folded_under_a_lesser_one():
    """In the middle of a flood of medium alarms the highest stands and is told."""
    story = Story(RAISES)
    rows = [robot(9, f"r{i}", battery_percent=15) for i in range(10)]
    story.look(rows)
    rows[9] = robot(9, "r9", battery_percent=3)

    assert story.look(rows) == "r9 reprioritised"
    row = next(row for row in story.table if row["row_key"] == "robots r9")
    assert (row["priority"], row["folded_under"]) == ("highest", None)
    assert story.last.events[0].facts["tell"] is True


def test_nothing_is_folded_under_what_is_not_there():
    """When the first-out is put aside, the next one raised speaks for the rest."""
    story = Story(AT_ONCE)
    story.look([robot(1, f"r{i}") for i in range(7)])
    story.do("shelve", "slow|robots r0", why="known", until=story.now + timedelta(hours=1))

    story.step()

    by_key = {row["row_key"]: row for row in story.table}
    assert by_key["robots r1"]["folded"] == 5
    assert by_key["robots r2"]["folded_under"] == "slow|robots r1"
    assert by_key["robots r0"]["folded_under"] is None


def test_one_alarm_that_chatters_is_no_flood():
    """The same thing again and again is one line already."""
    story = Story(AT_ONCE)

    told = [story.look([robot(1 if i % 2 else 9)]) for i in range(20)]

    assert "grouped" not in " ".join(told)


def test_flood_escalates_once():
    """Of a thousand folded alarms one is told to the next."""
    story = Story(RAISES)
    rows = [robot(9, f"r{i:03}", battery_percent=15) for i in range(50)]
    story.look(rows)

    assert story.look(rows, 300) == "r000 escalated"


# Groups and expected things.


def test_share_of_a_group_alarms_for_the_group():
    """Counts are known of those that are known, and the key is the group."""
    text = rule(
        "half",
        'title: "{share_percent} % of {vehicle_type}"\ngroup: {by: [vehicle_type], count: speed_kmh < 2}\n'
        "when: share_percent >= 50 and total >= 2",
    )
    story = Story(text)
    rows = [robot(speed, f"r{i}", vehicle_type="robot") for i, speed in enumerate((1, 1, 9, 9, None))]
    rows += [robot(1, "b1", vehicle_type="bus"), robot(1, "x")]

    assert story.look(rows) == "robot raised"
    assert story.table[0]["title"] == "50 % of robot"
    assert story.table[0]["row_key"] == "robot"


def test_group_of_which_little_is_known_is_unknown():
    """When most of its rows have gone silent, a count says nothing and ends nothing."""
    text = rule("many", 'title: "many"\ngroup: {by: [vehicle_type], count: speed_kmh < 2}\nwhen: count >= 2')
    story = Story(text)
    rows = [robot(1, f"r{i}", vehicle_type="robot") for i in range(4)]
    story.look(rows)

    old = START - timedelta(hours=1)
    assert story.look([{**row, "observed_at": old} for row in rows[:3]] + rows[3:]) == "robot no_data"


def test_group_by_two_columns_has_a_key_to_read():
    """Groups of several columns are told apart by all of them."""
    text = rule("many", 'title: "x y z"\ngroup: {by: [vehicle_type, state], count: speed_kmh < 2}\nwhen: count >= 2')
    story = Story(text)
    rows = [robot(1, f"r{i}", vehicle_type="robot", state="idle" if i < 2 else "working") for i in range(3)]

    assert story.look(rows) == "robot / idle raised"


def test_expected_thing_that_is_missing_alarms():
    """Missing from a fresh feed is missing; from a silent one it is unknown."""
    text = rule(
        "gone", 'title: "{cell_id}"\nexpect: {column: cell_id, values: [c1, c2]}\nwhen: not present', kind="cell"
    )
    story = Story(text)

    assert story.step() == ""  # no feed has brought cells yet
    assert story.look([{"key": "c1", "cell_id": "c1"}], kind="cell", feed="cells") == "c2 raised"
    assert story.step(120) == "c2 no_data"


def test_feed_that_falls_silent_alarms():
    """Feeds are rows too."""
    story = Story(rule("feed_stale", 'title: "{title}"\nwhen: state in ("stale", "failing")', kind="feed"))
    story.look([robot(1)])

    assert story.step(61) == "robots raised"


# Rules that change.


def test_removed_rule_leaves_what_needs_an_answer():
    """Its alarms end and say why; nobody has answered for them yet, so they stay until somebody does."""
    story = Story(SLOW, rule("other", 'title: "other"\nwhen: speed_kmh > 100'))
    story.look([robot(1)])
    story.look([robot(1)], 10)
    with capture_logs():
        story.engine.use_rules(rules(rule("other", 'title: "other"\nwhen: speed_kmh > 100')), story.now)

    assert story.step() == "r1 cleared"
    assert story.last.events[0].why == "rule removed"
    assert story.states() == {"slow|robots r1": "returned"}
    story.do("acknowledge", "slow|robots r1")
    story.step()
    assert story.states() == {}


def test_rule_that_could_not_be_read_ends_nothing():
    """A slip in a rule file must not clear alarms."""
    story = Story(AT_ONCE)
    story.look([robot(1)])
    with capture_logs():
        story.engine.use_rules(RuleSet(), story.now, complete=False)
        assert story.step() == "r1 no_data"
        story.engine.use_rules(story.rules, story.now)

    assert story.look([robot(1)]) == "r1 data"


def test_delay_goes_on_with_new_rules():
    """Reloading rules restarts no timer, and a new delay counts from the old beginning."""
    story = Story(SLOW)
    story.look([robot(1)])
    with capture_logs():
        story.engine.use_rules(rules(SLOW.replace("on_delay: 10 s", "on_delay: 20 s")), story.now)

    assert story.look([robot(1)], 19) == ""
    assert story.look([robot(1)], 1) == "r1 raised"


def test_rule_that_fails_does_not_stop_the_others():
    """A column of a wrong sort at run time disables that rule, and health says so; later it works again."""
    story = Story(AT_ONCE, rule("empty", 'title: "{label}"\nwhen: battery_percent < 20'))
    story.hear([robot(1, battery_percent=10)])
    good = story.tables["vehicle"]
    broken = {**good.columns, "speed_kmh": good["label"]}
    story.tables["vehicle"] = Table(good.kind, broken, good.size)

    with capture_logs() as logs:
        assert story.step() == "r1 raised"
        story.step()
    assert list(story.engine.health.faults) == ["slow"]
    assert [log["event"] for log in logs] == ["rule_failed"]
    with capture_logs():
        assert story.look([robot(1, battery_percent=10)]) == "r1 raised"
    assert not story.engine.health.faults


# People.


def test_acknowledging_twice_says_who_was_first():
    """Two people at once: the second is told who and when, and nothing is written."""
    story = Story(AT_ONCE)
    story.look([robot(1)])
    story.do("acknowledge", "slow|robots r1", by="Ben", why="on my way")

    answer = story.do("acknowledge", "slow|robots r1", "slow|robots nobody")

    assert answer.already == {"slow|robots r1": "acknowledged by Ben at 2026-03-02 12:00:01 UTC"}
    assert list(answer.refused) == ["slow|robots nobody"]
    assert answer.events == ()
    story.step()
    assert (story.table[0]["comment"], story.table[0]["commented_by"]) == ("on my way", "Ben")


def test_shelf_ends_with_its_time():
    """A shelved alarm comes back by itself and is told, the clock going on without news."""
    story = Story(AT_ONCE)
    story.look([robot(1)])
    story.do("shelve", "slow|robots r1", why="tyres", until=story.now + timedelta(minutes=10))
    story.step()
    assert story.states() == {"slow|robots r1": "shelved"}

    assert story.look([robot(1)], 598) == ""
    assert story.look([robot(1)], 1) == "r1 unshelved"
    assert story.last.events[0].facts == {"tell": True}


def test_one_shot_shelf_ends_with_the_occurrence():
    """The next occurrence is told again."""
    story = Story(AT_ONCE)
    story.look([robot(1)])
    story.do("shelve", "slow|robots r1", why="known", once=True)

    assert story.look([robot(9)]) == "r1 cleared, r1 unshelved"
    assert story.look([robot(1)]) == "r1 raised"
    assert story.last.events[0].facts["tell"] is True


def test_highest_alarm_is_shelved_for_an_hour_at_most():
    """The refusal says why; and a shelf that becomes too long for what it hides ends."""
    story = Story(RAISES)
    story.look([robot(9, battery_percent=3), robot(9, "r2", battery_percent=15)])
    ids = "low_battery|robots r1", "low_battery|robots r2"

    answer = story.do("shelve", *ids, why="known", until=story.now + timedelta(hours=2))

    assert answer.done == ("low_battery|robots r2",)
    assert "danger" in answer.refused["low_battery|robots r1"]
    assert (
        story.look([robot(9, battery_percent=3), robot(9, "r2", battery_percent=3)]) == "r2 reprioritised, r2 unshelved"
    )


def test_row_can_be_put_aside_before_it_alarms():
    """What is known to be broken is taken out of service beforehand; then nobody is told."""
    story = Story(AT_ONCE)
    story.look([robot(9)])
    story.do("out_of_service", "slow|robots r1", why="in the workshop")

    assert story.look([robot(1)]) == "r1 raised"
    assert "tell" not in story.last.events[0].facts
    assert story.states() == {"slow|robots r1": "out_of_service"}
    assert story.do("in_service", "slow|robots r1").events[0].facts == {"tell": True}


def test_what_has_gone_cannot_be_put_aside():
    """An alarm that ended because its thing is no longer listed leaves nothing to shelve."""
    story = Story(rule("lost", 'title: "{label}"\nwhen: speed_kmh < 2\nwhen_gone: clear'))
    story.look([robot(1), robot(9, "r2")])
    story.do("acknowledge", "lost|robots r1")
    assert story.look([robot(9, "r2")]) == "r1 cleared"

    answer = story.do("shelve", "lost|robots r1", why="known", once=True)

    assert list(answer.refused) == ["lost|robots r1"]


def test_reset_puts_away_what_has_no_data():
    """An active alarm with known input is refused; one without data is put away, and comes anew with its data."""
    story = Story(AT_ONCE)
    story.look([robot(1), robot(9, "r2")])
    assert "still active" in story.do("reset", "slow|robots r1").refused["slow|robots r1"]
    story.look([robot(9, "r2")])

    assert story.do("reset", "slow|robots r1").done == ("slow|robots r1",)
    assert story.step() == ""
    assert story.states() == {}
    assert story.look([robot(1), robot(9, "r2")]) == "r1 raised"


@pytest.mark.parametrize(
    ("action", "more", "word"),
    [
        ("shelve", {"why": "x", "until": datetime(2026, 3, 2, 11, tzinfo=UTC)}, "past"),
        ("shelve", {"why": "x", "until": START + timedelta(hours=13)}, "12 h"),
        ("shelve", {"why": "x", "until": datetime(2026, 3, 2, 13)}, "no zone"),  # noqa: DTZ001
        ("shelve", {"why": "x"}, "no end"),
        ("shelve", {"why": " \n\t", "once": True}, "reason"),
        ("out_of_service", {}, "reason"),
        ("comment", {}, "comment"),
        ("acknowledge", {"by": "  "}, "who"),
        ("acknowledge", {"by": "engine"}, "who"),
        ("explode", {}, "choose one of"),
    ],
)
def test_wrong_command_is_refused_in_words(action, more, word):
    """The refusal says what is wrong, and nothing is written."""
    story = Story(AT_ONCE)
    story.look([robot(1)])
    before = len(story.journal.events)

    with pytest.raises(CommandRefused, match=word):
        story.do(action, "slow|robots r1", **more)
    assert len(story.journal.events) == before


def test_text_from_outside_is_one_clean_line():
    """Names with line feeds, hidden marks or endless length do not reach journal or list as they are."""
    story = Story(AT_ONCE)

    story.look([robot(1) | {"label": "R1\nFORGED\u202e" + "x" * 1000}])

    title = story.table[0]["title"]
    assert title.startswith("R1 FORGED xxx")
    assert len(title) < 250
    assert "\n" not in title
    assert "\u202e" not in title
