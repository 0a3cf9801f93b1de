"""The walls as they hang: read again when the file changed, kept when it became wrong."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from control_room.clock import FixedClock
from control_room.walls.book import LOOK_EVERY_S, WallBook
from control_room.walls.wall_file import WallFileError

NOW = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
GOOD = "walls:\n  - name: city\n    pages: [{name: now, title: Now, grid: [map]}]\n  - name: hall\n    pages: [{name: now, title: Now, grid: [map]}]\n"


class Town:
    """A file, a clock that is moved by hand, and the book of both."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "walls.yaml"
        self.write(GOOD)
        self.seconds = 0.0
        self.book = WallBook(self.path, ["fleet"], [], FixedClock(NOW), lambda: self.seconds)

    def write(self, text: str) -> None:
        before = self.path.stat().st_mtime_ns if self.path.exists() else 0
        self.path.write_text(text, encoding="utf-8")
        os.utime(self.path, ns=(before + 10**9, before + 10**9))

    def later(self) -> WallBook:
        self.seconds += LOOK_EVERY_S
        return self.book


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


def test_the_first_wall_is_the_one_without_a_name(town):
    """/wall is the first of the file; a name that is not there finds nothing."""
    assert town.book.find(None).wall.name == "city"
    assert town.book.find("hall").wall.name == "hall"
    assert town.book.find("cellar") is None


def test_a_changed_file_hangs_without_a_restart(town):
    """The wall that changed has a new version, the other keeps its own."""
    before = {name: town.book.find(name).version for name in ("city", "hall")}
    town.write(GOOD.replace("Now, grid: [map]", "Then, grid: [map fleet]", 1))

    after = {name: town.later().find(name) for name in ("city", "hall")}

    assert after["city"].wall.pages[0].title == "Then"
    assert after["city"].version != before["city"]
    assert after["hall"].version == before["hall"]


def test_a_wrong_file_changes_nothing_and_says_so_until_it_is_right(town):
    """The walls go on as they were; the fault is told with its line and since when, and gone with the next good file."""
    before = town.book.find("city")
    town.write(GOOD.replace("[map]", "[mop]", 1))
    wrong = town.later().find("city")
    town.write(GOOD)
    right = town.later().find("city")

    assert (wrong.wall, wrong.version) == (before.wall, before.version)
    assert wrong.fault == "walls.yaml:3: grid: there is no panel mop; did you mean map?"
    assert wrong.since == NOW
    assert (right.fault, right.since) == (None, None)


def test_a_file_that_is_gone_is_a_fault_like_any_other(town):
    """An editor that writes by renaming leaves no file for a moment: the walls stay."""
    town.path.unlink()

    hung = town.later().find(None)

    assert hung.wall.name == "city"
    assert hung.fault == "walls.yaml: cannot be read: No such file or directory"


def test_the_file_is_not_asked_by_every_screen(town):
    """Within a second the book answers from memory, however many walls ask."""
    town.write("walls: []")

    assert town.book.find(None).fault is None
    assert town.later().find(None).fault is not None


def test_a_wrong_file_at_the_start_is_refused(tmp_path):
    """There is nothing older to go on with."""
    (tmp_path / "walls.yaml").write_text("walls: []")

    with pytest.raises(WallFileError, match=r"walls\.yaml:1: walls: "):
        WallBook(tmp_path / "walls.yaml", [], [], FixedClock(NOW))
