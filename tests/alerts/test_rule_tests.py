"""The tests that rules bring along: what they can tell, and what is said when one fails."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from alerts.rule_rows import HEARD, Told, read_row
from alerts.rule_tests import list_gaps, run_rule_test
from alerts.ruleset import CompiledRule, RuleSet, load_rules, read_rules
from control_room.cli import main
from control_room.model import VEHICLE

RULES = Path(__file__).resolve().parents[2] / "alerts" / "rules"

HEAD = "system: Some system\nrules:\n"
GUIDANCE = """\
    priority: medium
    reason: somebody should know
    owner: control room
    cause: usually this or that
    consequence: nothing gets better
    action: look at it and decide
    respond_within: 1 h
"""


def build(rule: str, tests: str = "", name: str = "some_rule") -> str:
    """One rule of a file: its own fields and its tests, both as YAML at the left margin."""
    tests_text = "    tests:\n" + textwrap.indent(textwrap.dedent(tests), " " * 6) if tests else ""
    own = textwrap.indent(textwrap.dedent(rule).strip() + "\n", " " * 4)
    return f"  - name: {name}\n    title: Something is wrong\n{own}{GUIDANCE}{tests_text}"


def run(*rules: str) -> list[str]:
    """What the tests of these rules say; none is passed."""
    loaded = read_rules({"some.yaml": HEAD + "".join(rules)})
    return [
        line for rule in loaded.rules.values() for test in rule.rule.tests for line in run_rule_test(loaded, rule, test)
    ]


BATTERY = """
    kind: vehicle
    where: vehicle_type == "robot"
    when: battery_percent < "15 %" and state != "charging"
    clear: battery_percent > 20
    on_delay: 1 min
    off_delay: 30 s
    raises: [{when: battery_percent < 5, priority: high}]
"""


def test_delays_deadband_and_priorities_are_told_to_the_second():
    """The engine is stepped at each second and at each moment that is named."""
    assert (
        run(
            build(
                BATTERY,
                """
            - name: alarms after a minute, ends half a minute after it is charged
              given:
                - rows: [{key: r1, vehicle_type: robot, state: working, battery_percent: 10}]
                - at: 5 min
                  rows: [{key: r1, vehicle_type: robot, state: working, battery_percent: 18}]
                - at: 6 min
                  rows: [{key: r1, vehicle_type: robot, state: charging, battery_percent: 21}]
              then:
                - {at: 59 s}
                - {at: 1 min, active: [r1], priority: medium}
                - {at: 359, active: [r1]}
                - {at: 389, active: [r1]}
                - {at: 390}
            - name: gets worse
              given: [{rows: [{key: r1, vehicle_type: robot, state: working, battery_percent: 4}]}]
              then: [{at: 2 min, active: [r1], priority: high}]
            - name: says nothing of buses and of what charges
              given:
                - rows:
                    - {key: r1, vehicle_type: robot, state: charging, battery_percent: 10}
                    - {key: b1, vehicle_type: bus, state: working, battery_percent: 10}
              then: [{at: 1 h}]
            """,
            )
        )
        == []
    )


def test_a_mismatch_says_which_test_which_moment_what_was_expected_and_what_was_found():
    """One line a mismatch, with how the key stands instead."""
    assert run(
        build(
            BATTERY,
            """
            - name: expects too much
              given: [{rows: [{key: r1, vehicle_type: robot, state: working, battery_percent: 10}]}]
              then:
                - {at: 30 s, active: [r1]}
                - {at: 2 min}
                - {at: 3 min, active: [r1], priority: high}
                - {at: 4 min, active: [r1], no_data: [r1]}
                - {at: 5 min, suppressed: [r1]}
            """,
        )
    ) == [
        "test 'expects too much': at 30 s: expected in alarm: r1; found: none (r1 is rising)",
        "test 'expects too much': at 2 min: expected in alarm: none; found: r1 (r1 is active)",
        "test 'expects too much': at 3 min: expected priority high for r1; found: medium",
        "test 'expects too much': at 4 min: expected without data: r1; found: none (r1 is active)",
        "test 'expects too much': at 5 min: expected in alarm: none; found: r1 (r1 is active)",
        "test 'expects too much': at 5 min: expected suppressed: r1; found: none (r1 is active)",
    ]


@pytest.mark.parametrize("state", ["stale", "failing"])
def test_a_feed_that_falls_silent_leaves_alarms_without_data(state):
    """Rows of a feed that is stale or failing are not heard of any more, and nothing is cleared by that."""
    assert (
        run(
            build(
                "kind: vehicle\nwhen: speed_kmh == 0",
                f"""
            - name: silence clears nothing and raises nothing
              given:
                - rows:
                    - {{key: r1, feed: robots, speed_kmh: 0}}
                    - {{key: r2, feed: robots, speed_kmh: 5}}
                    - {{key: r3, feed: others, speed_kmh: 0}}
                - at: 1 min
                  feed: {{robots: {state}}}
                - at: 4 min
                  rows: [{{key: r1, feed: robots, speed_kmh: 5}}, {{key: r2, feed: robots, speed_kmh: 0}}]
                - at: 6 min
                  feed: {{robots: fresh}}
              then:
                - {{at: 30 s, active: [r1, r3]}}
                - {{at: 5 min, active: [r1, r3], no_data: [r1]}}
                - {{at: 6 min, active: [r2, r3]}}
            """,
            )
        )
        == []
    )


def test_rows_that_are_gone_end_where_things_end_and_hold_where_they_fall_silent():
    """A disruption that a fresh feed no longer lists is over; a vehicle is not."""
    gone = """
        - name: is no longer listed
          given:
            - rows: [{key: a}, {key: b}]
            - at: 1 min
              gone: [a]
          then:
            - {at: 30 s, active: [a, b]}
            - %s
        """
    ends = build("kind: disruption\nwhen: known(feed)", gone % "{at: 2 min, active: [b]}")
    holds = build("kind: vehicle\nwhen: known(feed)", gone % "{at: 2 min, active: [a, b], no_data: [a]}", "other_rule")

    assert run(ends, holds) == []


def test_ages_are_told_by_times_relative_to_the_moment_they_were_given():
    """`observed_at: now` stays behind as time goes on; -5 min is five minutes before; null is unknown."""
    assert (
        run(
            build(
                'kind: vehicle\nwhen: age_s > "10 min"',
                """
            - name: grows old
              given:
                - rows:
                    - {key: heard}
                    - {key: said_now, observed_at: now}
                    - {key: said_before, observed_at: -5 min}
                    - {key: fixed, observed_at: "2026-03-02T11:58:00+00:00"}
                    - {key: never, observed_at: null}
              then:
                - {at: 5 min}
                - {at: 6 min, active: [said_before]}
                - {at: 9 min, active: [fixed, said_before]}
                - {at: 11 min, active: [fixed, said_now, said_before]}
            """,
            )
        )
        == []
    )


def test_groups_sums_and_expected_things_are_told():
    """Keys of a group rule are its groups; those of an expect rule the names."""
    grouped = build(
        """
        kind: booking
        group: {by: [site], count: arrivals > 10, sums: {places: capacity}}
        when: share_percent >= "50 %" and places > 20
        """,
        """
        - name: alarms by site
          given:
            - rows:
                - {key: a1, site: Bleak Hall, arrivals: 12, capacity: 20}
                - {key: a2, site: Bleak Hall, arrivals: 2, capacity: 20}
                - {key: b1, site: Newport Pagnell, arrivals: 12, capacity: 20}
                - {key: c1, site: New Bradwell, arrivals: 1, capacity: 90}
          then: [{at: 1, active: [Bleak Hall]}]
        """,
    )
    expected = build(
        """
        kind: cell
        expect: {column: cell_id, values: [C1, C2]}
        when: not present or age_s > "15 min"
        """,
        """
        - name: alarms for what is missing and for what is old
          given: [{rows: [{key: a, cell_id: C1, observed_at: now}]}]
          then:
            - {at: 10 min, active: [C2]}
            - {at: 16 min, active: [C1, C2]}
        """,
        "other_rule",
    )

    assert run(grouped, expected) == []


def test_a_count_may_be_asked_for_its_change():
    """Groups are followed over time like rows."""
    rows = ", ".join(f"{{key: r{i}, is_open: true}}" for i in range(30))
    assert (
        run(
            build(
                'kind: request\ngroup: {count: is_open}\nwhen: change(count, "10 min") > 20',
                f"""
            - name: a wave of requests
              given:
                - rows: [{{key: x, is_open: true}}]
                - at: 12 min
                  rows: [{rows}]
              then:
                - {{at: 11 min}}
                - {{at: 13 min, active: [all]}}
                - {{at: 30 min}}
            """,
            )
        )
        == []
    )


def test_feeds_are_told_as_rows_of_their_kind():
    """A rule on feeds sees the state that its test gives, and its failures."""
    assert (
        run(
            build(
                'kind: feed\nwhen: state == "failing" and failures >= 3 or state in ("stale", "waiting")',
                """
            - name: alarms for what fails
              given:
                - rows:
                    - {key: buses, state: failing, failures: 4}
                    - {key: vans, state: failing, failures: 2}
                    - {key: robots, state: fresh}
                    - {key: cells, state: stale}
                    - {key: drones, state: waiting}
                    - {key: roads, state: ageing}
                - at: 5 min
                  rows: [{key: buses, state: fresh}, {key: cells, state: fresh}]
              then:
                - {at: 1 min, active: [buses, cells, drones]}
                - {at: 6 min, active: [drones]}
            """,
            )
        )
        == []
    )


def test_hours_maintenance_and_other_rules_suppress():
    """What is suppressed by design is in `suppressed` and not in `active`."""
    by_hours = build(
        """
        kind: vehicle
        when: speed_kmh > 5
        hours: [{days: [mon], from: "07:00", until: "18:00"}]
        maintenance:
          - {from: "2026-03-02T13:00+00:00", until: "2026-03-02T14:00+00:00", reason: a race}
        """,
        """
        - name: is quiet in the race and after hours
          given: [{rows: [{key: v, speed_kmh: 9}]}]
          then:
            - {at: 59 min, active: [v]}
            - {at: 61 min, suppressed: [v]}
            - {at: 121 min, active: [v]}
            - {at: 361 min, suppressed: [v]}
        """,
    )
    explained = build(
        """
        kind: vehicle
        when: signal_rsrp_dbm < -110
        inhibited_by: [{rule: cell_down, same: [cell_id]}]
        """,
        """
        - name: is explained by the cell it is served by
          given:
            - rows:
                - {key: v, signal_rsrp_dbm: -120, cell_id: C1}
                - {key: w, signal_rsrp_dbm: -120, cell_id: C2}
              tables:
                cell: [{key: c1, cell_id: C1, state: down}, {key: c2, cell_id: C2, state: up}]
          then: [{at: 10, active: [w], suppressed: [v]}]
        """,
        "weak_signal",
    )
    down = build('kind: cell\nwhen: state == "down"', name="cell_down")

    assert run(by_hours, explained, down) == []


def test_borders_rates_and_local_hours_are_told():
    """What needs history has it in tests as well."""
    border = build(
        'kind: vehicle\nwhen: entered("Stadium", "1 min")',
        """
        - name: drives in
          given:
            - rows: [{key: v, zones: ""}, {key: w, zones: Stadium}]
            - at: 2 min
              rows: [{key: v, zones: "Park; Stadium"}]
          then:
            - {at: 119}
            - {at: 2 min, active: [v]}
            - {at: 3 min, active: [v]}
            - {at: 185}
        """,
    )
    night = build(
        'kind: vehicle\nwhen: hour_of_day >= 22 and weekday == "sat"',
        """
        - name: on a Saturday night in summer
          starts_at: 2026-07-04T20:59:00+00:00
          given: [{rows: [{key: v}]}]
          then: [{at: 59}, {at: 1 min, active: [v]}]
        """,
        "at_night",
    )

    assert run(border, night) == []


def test_a_rule_that_cannot_be_judged_fails_its_tests():
    """A fault in a condition is not taken for 'no alarm'."""
    loaded = read_rules(
        {
            "a": HEAD
            + build(
                "kind: vehicle\nwhen: speed_kmh > 3",
                "- name: quiet\n  given: [{rows: [{key: v, speed_kmh: 1}]}]\n  then: [{at: 1}]\n",
            )
        }
    )
    rule = loaded.rules["some_rule"]
    broken = _with_condition(loaded, rule)

    told = run_rule_test(broken, broken.rules["some_rule"], rule.rule.tests[0])

    assert len(told) == 1
    assert "could not be judged: ZeroDivisionError" in told[0]


def _with_condition(rules: RuleSet, rule: CompiledRule) -> RuleSet:
    """The same rule with a condition that has a bug."""
    from dataclasses import replace

    def bug(rows):
        return 1 // 0

    when = replace(rule.when, _run=bug)
    return RuleSet({**rules.rules, rule.name: replace(rule, when=when)}, "broken")


def test_gaps_in_the_tests_of_a_rule_are_told():
    """A rule is only believed that was seen to raise, and not to raise."""
    quiet = "- name: quiet\n  given: [{rows: [{key: v, speed_kmh: 1}]}]\n  then: [{at: 1}]\n"
    loud = "- name: loud\n  given: [{rows: [{key: v, speed_kmh: 9}]}]\n  then: [{at: 1, active: [v]}]\n"

    def gaps(tests: str) -> list[str]:
        loaded = read_rules({"a": HEAD + build("kind: vehicle\nwhen: speed_kmh > 3", tests)})
        return list_gaps(loaded.rules["some_rule"])

    assert gaps("") == ["has no tests; add one in which it alarms and one in which it does not"]
    assert gaps(quiet) == ["no test shows that it alarms"]
    assert gaps(loud) == ["no test shows a case in which it does not alarm at all"]
    assert gaps(quiet + loud) == []


def test_rows_are_read_by_the_data_dictionary():
    """Quantities are converted, times are told or fixed, null is unknown."""
    row = read_row(
        VEHICLE,
        {"key": "a", "speed_kmh": "10 m/s", "passengers": 3, "label": None, "observed_at": "-2 min", "state": "idle"},
    )

    assert row == {
        "vehicle_key": "a",
        "speed_kmh": 36.0,
        "passengers": 3.0,
        "label": None,
        "observed_at": Told(-120.0),
        "state": "idle",
    }
    assert read_row(VEHICLE, {"key": "a", "received_at": HEARD})["received_at"] == HEARD


# The command line


@pytest.fixture
def files(tmp_path):
    """A folder with a rule that passes, one that fails its test, and one that is wrong."""
    tests = "- name: loud\n  given: [{rows: [{key: v, speed_kmh: %d}]}]\n  then: [{at: 1, active: [v]}]\n"
    speed = "kind: vehicle\nwhen: speed_kmh > 3"
    (tmp_path / "good.yaml").write_text(HEAD + build(speed, tests % 9))
    (tmp_path / "failing.yaml").write_text(HEAD + build(speed, tests % 1, "other_rule"))
    (tmp_path / "wrong.yaml").write_text(HEAD + build("kind: vehicle\nwhen: sped > 3", name="wrong_rule"))
    return tmp_path


def test_check_tells_faults_on_stderr_with_status_one(files, capsys):
    """One line a fault; a good file is counted, and what its tests leave open is a warning."""
    assert main(["rules", "check", str(files / "good.yaml")]) == 0
    out = capsys.readouterr().out
    assert re.fullmatch(r".*good\.yaml:3: some_rule: warning: .*\n1 rule, no fault, 1 warning\n", out)

    assert main(["rules", "check", str(files)]) == 1
    err = capsys.readouterr().err
    assert "wrong.yaml:6: wrong_rule: when: column 1: there is no column sped" in err
    assert err.endswith("1 fault\n")


def test_test_tells_failures_with_file_and_line(files, capsys):
    """Status 1, and the line of the test that failed."""
    assert main(["rules", "test", str(files / "good.yaml")]) == 0
    assert capsys.readouterr().out == "1 test of 1 rule, none failed\n"

    assert main(["rules", "test", str(files / "failing.yaml"), str(files / "good.yaml")]) == 1
    out = capsys.readouterr().out.splitlines()
    assert re.search(r"failing\.yaml:15: other_rule: test 'loud': at 1 s: expected in alarm: v; found: none", out[0])
    assert out[-1] == "2 tests of 2 rules, 1 failed"


def test_mistakes_of_the_caller_have_status_two(files, capsys):
    """A file or a rule that is not there is said in one line."""
    assert main(["rules", "check", "nowhere.yaml"]) == 2
    assert capsys.readouterr().err == "control-room: nowhere.yaml: there is no such file or folder\n"

    assert main(["rules", "test", "--rule", "no_rule", str(files / "good.yaml")]) == 2
    assert "there is no rule no_rule" in capsys.readouterr().err


def test_list_names_every_rule(files, capsys):
    """Name, priority, kind and title."""
    assert main(["rules", "list", str(files / "good.yaml")]) == 0
    assert capsys.readouterr().out.split() == ["some_rule", "medium", "vehicle", "Something", "is", "wrong"]


# Our own


def ours() -> list[CompiledRule]:
    return list(load_rules(RULES).rules.values())


@pytest.mark.parametrize("rule", ours(), ids=lambda rule: rule.name)
def test_our_rules_pass_their_tests_and_leave_no_gap(rule):
    """Every rule that comes with the program was seen to alarm and not to alarm."""
    rules = load_rules(RULES)

    assert list_gaps(rule) == []
    assert [line for test in rule.rule.tests for line in run_rule_test(rules, rules.rules[rule.name], test)] == []
