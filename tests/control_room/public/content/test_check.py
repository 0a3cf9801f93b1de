"""What is out of date is said, with what to do."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

from control_room.city import CITIES, load_city
from control_room.cli import main
from control_room.public.content import load_content
from control_room.public.content.check import SOON_DAYS, describe_due, list_due
from control_room.public.content.content import find_folder

CITY = load_city(CITIES / "milton_keynes")
CONTENT = load_content(CITY)


def test_everything_that_tells_a_fact_has_a_day_to_be_looked_at_again():
    """Each figure, story and explained picture, at the line of its review_by."""
    due = list_due(CONTENT, date(2026, 11, 23))

    assert len(due) == len(CONTENT.figures) + len(CONTENT.stories) + len(CONTENT.how)
    for one in due:
        line = (find_folder(CITY) / one.file).read_text(encoding="utf-8").splitlines()[one.line - 1]
        assert line.strip() == f"review_by: {one.day:%Y-%m-%d}"


def test_the_day_itself_is_in_time_and_the_next_is_not():
    """Soon from 60 days before; out of date from the day after."""
    day = CONTENT.figures["robots_number"].review_by

    def state(on):
        return next(one.state for one in list_due(CONTENT, on) if one.what == "figure robots_number")

    assert state(day) == "soon"
    assert state(day + timedelta(days=1)) == "out of date"
    assert state(day - timedelta(days=SOON_DAYS)) == "soon"
    assert state(day - timedelta(days=SOON_DAYS + 1)) == "well"


def test_what_is_overdue_is_told_first_with_file_line_and_what_to_do():
    """The longest overdue leads, and the last line says what to do."""
    lines = describe_due(list_due(CONTENT, date(2027, 12, 31)))

    assert lines[0].startswith("out of date: ")
    assert "figures.yaml:" in lines[0]
    assert "by 31 March 2027, 275 days ago" in lines[0]
    assert lines[-1].startswith("Look whether the source says something newer")
    assert describe_due(list_due(CONTENT, date(2026, 1, 1))) == []


def test_the_command_ends_with_0_1_or_2(tmp_path, capsys):
    """Well, out of date, and faults: a timer can tell them apart."""
    check = ["experience", "content", "check"]
    assert main([*check, "--on", "2026-11-23"]) == 0
    assert "6 stories" in capsys.readouterr().out
    assert main([*check, "--on", "2029-01-01"]) == 1
    assert "out of date: figures.yaml:" in capsys.readouterr().out
    folder = Path(shutil.copytree(find_folder(CITY), tmp_path / "draft"))
    (folder / "quiz.yaml").write_text("questions: 5\n", encoding="utf-8")
    assert main([*check, str(folder)]) == 2
    assert "quiz.yaml:1: must hold questions: alone" in capsys.readouterr().err
    assert main([*check, str(tmp_path / "gone")]) == 2
    assert "is no folder" in capsys.readouterr().err
