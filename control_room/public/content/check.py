"""What of the content is out of date: every figure, story and explained picture has a day to be looked at again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from control_room.public.content.content import Content

SOON_DAYS: Final = 60  # to ask whoever has the newer figure


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that must be looked at again.

    Attributes:
        file, line: where its `review_by` stands.
        what: "figure robots_number", "story robots".
        days: until its day; negative: days since.
    """

    file: str
    line: int
    what: str
    day: date
    days: int

    @property
    def state(self) -> Literal["out of date", "soon", "well"]:
        return "out of date" if self.days < 0 else "soon" if self.days <= SOON_DAYS else "well"


def list_due(content: Content, on: date) -> list[Due]:
    """Everything with a day to be looked at again, the longest overdue first."""
    due = [Due(file, line, what, day, (day - on).days) for file, what, day, line in content.places]
    return sorted(due, key=lambda one: (one.day, one.file, one.line))


def describe_due(due: Iterable[Due]) -> list[str]:
    """A line for each thing that is out of date, or soon will be: where, what, and what to do."""
    lines = []
    for one in due:
        if one.state == "out of date":
            when = f"was to be looked at again by {one.day:%d %B %Y}, {-one.days} days ago"
        elif one.state == "soon":
            when = f"is to be looked at again by {one.day:%d %B %Y}, in {one.days} days"
        else:
            continue
        lines.append(f"{one.state}: {one.file}:{one.line}: {one.what} {when}")
    if lines:
        lines.append("Look whether the source says something newer; change what is told, as_of, and then review_by.")
    return lines
