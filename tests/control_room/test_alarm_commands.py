"""`alarms health` and `alarms journal`: a real journal on disk, read as a person reads it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.alarm import Event, What
from control_room.cli import main
from control_room.storage.store import opened

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)  # the day has 23 hours


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A journal of three alarms, an answer with a comment that is a formula, and ten watched minutes."""
    events = [
        Event(NOON, "r", f"k{n}", What.RAISED, facts={"priority": "high", "title": f"Thing {n}"}) for n in range(3)
    ]
    events += [
        Event(NOON + timedelta(minutes=1), "r", "k0", What.ACKNOWLEDGED, by="Ann", why='=HYPERLINK("http://x")'),
        Event(NOON + timedelta(minutes=5), "", "", What.WATCHED, facts={"seconds": 300}),
        Event(NOON + timedelta(minutes=10), "", "", What.WATCHED, facts={"seconds": 300}),
        Event(NOON + timedelta(days=2), "other", "\x1b[2J", What.COMMENTED, by="@Bob", why=" +1"),
    ]
    with opened(tmp_path) as journal:
        journal.append(events)
    return tmp_path


def test_health_of_a_day_is_that_of_the_citys_clock(data, capsys):
    """Two clocks' change makes a day of 23 hours; figures have their targets and verdicts."""
    assert main(["alarms", "health", "--data", str(data), "--from", "2026-03-29", "--to", "2026-03-29"]) == 0
    told = capsys.readouterr().out

    assert "from 2026-03-29 00:00 GMT to 2026-03-30 00:00 BST" in told
    assert "known to have watched 0.2 of 23.0 h" in told
    assert "target at most 10: within" in told and "Thing 0" in told
    assert "SANDBOX" not in told


def test_health_as_json_has_every_figure(data, capsys):
    """Numbers as numbers, times with Z, unknown as null."""
    arguments = ["--from", "2026-03-29T12:00Z", "--to", "2026-03-29T12:30:00+00:00", "--operators", "3", "--json"]
    assert main(["alarms", "health", "--data", str(data), *arguments]) == 0
    told = json.loads(capsys.readouterr().out)

    figures = {f["name"]: f["value"] for f in told["figures"]}
    assert figures["alarms"] == 3 and figures["peak"] == 1 and figures["answer_median_high"] == 60
    assert figures["share_high"] is None
    assert told["since"] == "2026-03-29T12:00:00Z" and told["simulated"] is False
    assert [slot["alarms"] for slot in told["slots"]] == [3, None, None]


def test_the_journal_is_printed_and_cannot_steer_a_terminal(data, capsys):
    """A line an event, oldest first; what feeds and people wrote holds no control characters."""
    assert main(["alarms", "journal", "--data", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 7 and "raised  r|k0  (high: Thing 0)" in lines[0] and "13:00:00 BST" in lines[0]
    assert "\x1b" not in "".join(lines)


def test_the_journal_as_csv_holds_no_formula(data, capsys):
    """A comment that is a formula comes as text; the rest comes as it is."""
    assert main(["alarms", "journal", "--data", str(data), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    assert rows[3]["why"] == """'=HYPERLINK("http://x")""" and rows[3]["by"] == "Ann"
    assert rows[6]["by"] == "'@Bob" and rows[6]["why"] == "' +1"
    assert rows[0]["at"] == "2026-03-29T12:00:00Z" and json.loads(rows[0]["facts"])["priority"] == "high"


def test_the_journal_can_be_asked_by_rule_and_time(data, capsys):
    """Both at once; the end is exclusive."""
    arguments = ["--rule", "r", "--from", "2026-03-29T12:00:30Z", "--to", "2026-03-29"]
    assert main(["alarms", "journal", "--data", str(data), *arguments]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["4"]


def test_it_is_read_while_a_control_room_holds_it(data, capsys):
    """The file belongs to one writer; readers ask for nothing."""
    with opened(data) as journal:
        journal.append([Event(NOON, "r", "new", What.COMMENTED, by="Ann", why="now")])
        assert main(["alarms", "journal", "--data", str(data)]) == 0
    assert "r|new" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "{empty}"], "holds no journal of alarms"),
        (["--from", "yesterday"], "--from yesterday: is neither a day"),
        (["--from", "2026-03-29T12:00"], "nor a time with zone"),
        (["--from", "2026-03-30", "--to", "2026-03-29"], "is not after --from"),
        (["--operators", "0"], "at least one answers"),
        (["--sandbox"], "holds no journal of alarms (sandbox.sqlite)"),
    ],
)
def test_mistakes_are_one_line_that_says_what_to_write(data, tmp_path_factory, capsys, arguments, words):
    """Status 2 and no traceback."""
    given = [str(tmp_path_factory.mktemp("empty")) if a == "{empty}" else a for a in arguments]
    given = given if "--data" in given else ["--data", str(data), *given]
    assert main(["alarms", "health", *given]) == 2
    told = capsys.readouterr().err
    assert words in told and len(told.splitlines()) == 1
