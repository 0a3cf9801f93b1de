"""Backtests: a rule over a recording of the SANDBOX made here, and how its figures are reckoned."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.alarm import Event, What
from alerts.backtest import BacktestError, Occurrence, _count_reraised, _list_chattering, change_rule, list_occurrences
from alerts.ruleset import read_rules
from control_room.cli import main
from control_room.clock import FixedClock
from feeds.feed import get_adapter, read_feed_file
from feeds.fetch import Fetcher
from feeds.recorder import Recorder
from feeds.sandbox.app import DEMO_ENVIRONMENT, create_sandbox
from feeds.sandbox.city import City
from feeds.sandbox.feed_file import write_feed_file
from feeds.sandbox.server import MILTON_KEYNES
from tests.feeds.reading import patient
from tests.feeds.sandbox.conftest import serve

MORNING = datetime(2026, 5, 14, 7, 15, tzinfo=UTC)
STEP_S, STEPS = 10, 90  # a quarter of an hour of robots

RULES = """
system: SANDBOX robots
rules:
  - name: robot_slow
    title: "{label} goes at {speed_kmh} km/h"
    kind: vehicle
    where: vehicle_type == "robot"
    when: speed_kmh < 3
    clear: speed_kmh > 4
    on_delay: 10 s
    priority: medium
    reason: a test needs one that comes and goes
    owner: desk
    cause: they stop at kerbs
    consequence: parcels come late
    action: look at the figures
    respond_within: 5 min
"""

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Recorded:
    """A recording, and the speed of each robot at each moment, read apart from everything under test."""

    folder: Path
    rules: Path
    speeds: Mapping[str, Sequence[tuple[datetime, float]]]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """A quarter of an hour of the sandbox's robots, recorded over HTTP as the control room records."""
    folder = tmp_path_factory.mktemp("data")
    rules = folder / "rules"
    rules.mkdir()
    (rules / "robots.yaml").write_text(RULES)
    clock = FixedClock(MORNING)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in DEMO_ENVIRONMENT.items():
            patch.setenv(name, value)
        with serve(create_sandbox(City(7, MILTON_KEYNES), clock)) as base:
            write_feed_file(folder / "feeds.yaml", base)
            feeds = {f.name: f for f in read_feed_file(folder / "feeds.yaml")}
            robots = patient(feeds["robots"]).model_copy(update={"every_s": float(STEP_S)})
            speeds = asyncio.run(_record(folder / "recordings", robots, clock))
    yield Recorded(folder, rules, speeds)


async def _record(folder, feed, clock) -> dict[str, list[tuple[datetime, float]]]:
    speeds: dict[str, list[tuple[datetime, float]]] = {}
    recorder = Recorder(folder, [feed])
    adapter = get_adapter(feed.adapter)
    async with Fetcher(clock, witness=recorder.record) as fetcher:
        for _ in range(STEPS):
            pages = await fetcher.fetch(feed, adapter)
            if not pages[-1].payload.not_modified:
                at = pages[-1].payload.received_at
                (batch,) = [
                    b for b in adapter.observe([p.read(adapter) for p in pages], feed, at) if b.kind.name == "vehicle"
                ]
                for row in batch.table.to_records():
                    if row["speed_kmh"] is not None:
                        speeds.setdefault(row["vehicle_key"], []).append((at, row["speed_kmh"]))
            clock.advance(STEP_S)
    recorder.close()
    return speeds


def run(recorded: Recorded, capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    """The command's JSON for the rule."""
    base = ["rules", "backtest", "robot_slow", "--data", str(recorded.folder), "--rules", str(recorded.rules), "--json"]
    status = main([*base, *words])
    out = capsys.readouterr()
    assert status == 0, out.err
    return json.loads(out.out)


def count_by_hand(speeds: Mapping[str, Sequence[tuple[datetime, float]]], below: float, delay_s: float) -> int:
    """Raisings of `speed < below` held for the delay, ended by `speed > 4`: a second way, one robot at a time."""
    raised = 0
    for told in speeds.values():
        since, is_active = None, False
        for at, speed in told:
            if is_active:
                is_active = not speed > 4
                since = None
            elif speed < below:
                since = since or at
                if (at - since).total_seconds() >= delay_s:
                    raised, is_active, since = raised + 1, True, None
            else:
                since = None
    return raised


def test_a_rule_over_a_recording_alarms_as_often_as_counted_by_hand(recorded, capsys):
    """Recorded answers through adapter, writer and engine give the alarms that a plain loop over the speeds finds."""
    said = run(recorded, capsys)
    figures = said["figures"]["as it is"]
    assert figures["raised"] == count_by_hand(recorded.speeds, 3, 10) > 3
    assert said["simulated"] is True
    assert sum(figures["hours"]) == figures["raised"]
    assert figures["hours"][8] == figures["raised"]  # 07:15 UTC is a quarter past eight in a British May
    assert figures["most_rows"] == len(recorded.speeds) or figures["most_rows"] > 100
    assert 0 < figures["median_s"] <= figures["longest_s"] <= figures["total_s"]


def test_another_threshold_stands_beside_the_first(recorded, capsys):
    """With --set both wordings are judged in one reading, and the first one's figures are what they were."""
    alone = run(recorded, capsys)["figures"]["as it is"]
    both = run(recorded, capsys, "--set", "on_delay=60 s", "--set", "when=speed_kmh < 1")["figures"]
    assert both["as it is"] == alone
    assert both["changed"]["raised"] == count_by_hand(recorded.speeds, 1, 60)
    assert both["changed"]["raised"] < alone["raised"]


def test_a_part_of_the_recording_counts_only_what_lies_in_it(recorded, capsys):
    """Two halves have together the alarms and the seconds of the whole: the time before a half warms it up."""
    middle = (MORNING + timedelta(seconds=STEP_S * STEPS / 2)).isoformat()
    whole = run(recorded, capsys)["figures"]["as it is"]
    first = run(recorded, capsys, "--to", middle)["figures"]["as it is"]
    second = run(recorded, capsys, "--from", middle)["figures"]["as it is"]
    assert first["raised"] + second["raised"] == whole["raised"]
    assert second["stood_before"] == len(first["standing"]) > 0
    assert first["total_s"] + second["total_s"] == pytest.approx(whole["total_s"])


def test_words_say_sandbox_and_both_wordings(recorded, capsys):
    """What people read names the recording as simulated and shows both columns and the busiest things."""
    words = ["rules", "backtest", "robot_slow", "--rules", str(recorded.rules), "--set", "on_delay=1 min"]
    assert main([*words, "--recording", str(recorded.folder / "recordings")]) == 0
    out = capsys.readouterr().out
    assert "SANDBOX: simulated" in out and 'changed: on_delay = "1 min"' in out
    assert ["as it is", "changed"] in [[c.strip() for c in line.split("  ") if c.strip()] for line in out.splitlines()]
    assert "raised again within a minute" in out and "by local hour" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["robot_slo"], "there is no rule robot_slo"),
        (["robot_slow", "--set", "priority=high"], "--set priority: cannot be changed"),
        (["robot_slow", "--set", "when=sped_kmh < 3"], "sped_kmh"),
        (["robot_slow", "--set", "on_delay=soon"], "soon"),
        (["robot_slow", "--set", "group.count=true"], "has no group"),
        (["robot_slow", "--set", "on_delay"], "write WORD=TEXT"),
        (["robot_slow", "--from", "2026-05-14T08:00:00"], "has no zone"),
        (["robot_slow", "--from", "yesterday"], "not an ISO 8601 time"),
        (["robot_slow", "--from", "2026-05-15T00:00:00Z", "--to", "2026-05-14T00:00:00Z"], "the period is empty"),
        (
            ["robot_slow", "--from", "2027-01-01T00:00:00Z", "--to", "2027-01-02T00:00:00Z"],
            "nothing is recorded",
        ),
        (["robot_slow", "--recording", "/nowhere/at/all"], "there is no recording"),
        (["robot_slow", "--city", "atlantis"], "no such folder"),
    ],
    ids=lambda value: " ".join(value[1:]) or value[0] if isinstance(value, list) else "",
)
def test_mistakes_are_told_in_a_line(recorded, capsys, words, told):
    """A wrong name, word, time or place ends with status 2 and one line that says what is wrong."""
    given = words if "--recording" in words else [*words, "--data", str(recorded.folder)]
    assert main(["rules", "backtest", *given, "--rules", str(recorded.rules)]) == 2
    err = capsys.readouterr().err
    assert told in err and err.count("\n") == 1


# How figures are reckoned.


def event(minute: float, what: What, key: str = "a", **facts: object) -> Event:
    return Event(T0 + timedelta(minutes=minute), "rule", key, what, facts=facts)


def occurrence(began_s: float, ended_s: float | None, key: str = "a") -> Occurrence:
    ended = None if ended_s is None else T0 + timedelta(seconds=ended_s)
    return Occurrence(key, key, T0 + timedelta(seconds=began_s), ended)


def test_alarms_are_cut_to_the_period():
    """What ended before is not in it, what stood before begins with it, what goes on has no end."""
    events = [
        event(0, What.RAISED),
        event(1, What.CLEARED),
        event(2, What.RAISED, "b"),
        event(12, What.CLEARED, "b"),
        event(13, What.RAISED, "c"),
        event(30, What.RAISED, "late"),
    ]
    found = list_occurrences(events, T0 + timedelta(minutes=5), T0 + timedelta(minutes=20))
    told = [(o.key, (o.began - T0).total_seconds() / 60, o.ended is None, o.began_before) for o in found]
    assert told == [("b", 5, False, True), ("c", 13, True, False)]


def test_what_is_suppressed_all_the_time_is_not_seen():
    """An alarm explained away from its first moment to its last was shown to nobody; any other was."""
    at_once = [event(0, What.RAISED), event(0, What.SUPPRESSED), event(5, What.CLEARED)]
    later = [event(6, What.RAISED, "b"), event(7, What.SUPPRESSED, "b"), event(9, What.CLEARED, "b")]
    until = [
        event(10, What.RAISED, "c"),
        event(10, What.SUPPRESSED, "c"),
        event(11, What.UNSUPPRESSED, "c"),
        event(12, What.CLEARED, "c"),
    ]
    found = list_occurrences([*at_once, *later, *until], T0, T0 + timedelta(hours=1))
    assert [o.shown for o in found] == [False, True, True]


def test_chatter_is_of_one_thing_within_a_minute():
    """Back within a minute counts; three raisings in a minute make a thing chatter, and other things do not help."""
    quick = [occurrence(0, 5), occurrence(20, 25), occurrence(40, 45), occurrence(300, None)]
    others = [occurrence(1, 5, "b"), occurrence(70, 80, "b")]
    assert _count_reraised([*quick, *others]) == 2
    assert _list_chattering([*quick, *others]) == {"a": 3}
    assert _list_chattering([occurrence(0, 1), occurrence(30, 31), occurrence(61, 62)]) == {}


def test_a_changed_rule_is_checked_like_a_written_one():
    """A change that a rule file would be refused for is refused; an empty text takes the word away."""
    rule = read_rules({"robots.yaml": RULES}).rules["robot_slow"]
    changed = change_rule(rule, {"when": "speed_kmh < 2", "clear": ""})
    assert changed.rule.when == "speed_kmh < 2" and changed.clear is None and rule.clear is not None
    with pytest.raises(BacktestError, match="speed_mph"):
        change_rule(rule, {"when": "speed_mph < 2"})
