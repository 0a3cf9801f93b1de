"""A wall: pages of panels, how large its text must be, when it rests.

    walls: [...]      each: name, title, screen, stay_s, hold_s, drift_px, night, quiet, strip, pages
    pages: [...]      each: name, title, stay_s, layers, grid

A grid is written as it is seen: a line of words for each row, a word for each
column, the same word where a panel goes on. So a page can be read in the file
as it will hang on the wall. docs/walls.md explains every word.
"""

from __future__ import annotations

import re
from datetime import time
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MAP: Final = "map"
EMPTY: Final = "."
# Addresses under /wall/ that are screens of their own.
RESERVED: Final = frozenset({"table"})

MOST_WALLS: Final = 50
MOST_PAGES: Final = 30
MOST_LINES: Final = 12
NAME: Final = r"^[a-z][a-z0-9-]{0,39}$"

# Darker, and what is only grey could not be read any more: shapes and large text keep 3:1 at 0.7 on the darkest base.
DARKEST: Final = 0.7


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Screen(_Part):
    """The screen as it hangs. Text is sized from it (layouts/parts/sight.py)."""

    width_mm: float = Field(ge=100, le=20_000, description="width of the picture as it hangs, in mm")
    width_px: int = Field(ge=320, le=16_000, description="pixels across")
    farthest_m: float = Field(ge=0.3, le=30, description="distance of the farthest seat, in m")


class Hours(_Part):
    """Hours of the city's clock."""

    start: time = Field(alias="from", description="local time of the city, such as 22:00")
    until: time = Field(description="local time; at or before `from` is the next day")

    @field_validator("start", "until", mode="before")
    @classmethod
    def _clock(cls, value: object) -> object:
        # A bare number would be read as seconds after midnight.
        if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError("is no time of day; write 22:00")
        return value

    @property
    def minutes(self) -> tuple[int, int]:
        """Both as minutes of the day."""
        return self.start.hour * 60 + self.start.minute, self.until.hour * 60 + self.until.minute


class Night(Hours):
    """Hours in which the wall is dimmed; an unanswered high or highest alarm lights it up again."""

    brightness: float = Field(0.8, ge=DARKEST, le=1, description="share of the light that is left")


class Quiet(Hours):
    """Hours in which the wall does not rotate."""

    page: str = Field(description="name of the page that it stands on")


class Page(_Part):
    """One page: what a look at the wall should say."""

    name: str = Field(pattern=NAME, description="small letters, digits and -; unique on the wall")
    title: str = Field(min_length=1, max_length=60, description="what the page is about, in words")
    stay_s: float | None = Field(None, ge=5, le=3600, description="seconds that it stays; none is the wall's")
    layers: tuple[str, ...] = Field((), max_length=8, description="layers of the map on this page")
    grid: tuple[str, ...] = Field(
        min_length=1, max_length=MOST_LINES, description="one line for each row, one word for each column"
    )

    @property
    def lines(self) -> tuple[tuple[str, ...], ...]:
        """The grid as words."""
        return tuple(tuple(line.split()) for line in self.grid)

    @property
    def shown(self) -> tuple[str, ...]:
        """What it shows, in the order of reading: `map` and names of panels."""
        return tuple(dict.fromkeys(word for line in self.lines for word in line if word != EMPTY))


class Wall(_Part):
    """One wall."""

    name: str = Field(pattern=NAME, description="its address is /wall/<name>; small letters, digits and -")
    title: str = Field("", max_length=60, description="for people who choose one; not shown on the wall itself")
    screen: Screen | None = Field(None, description="none sizes text as for a desk")
    stay_s: float = Field(30, ge=5, le=3600, description="seconds that a page stays")
    hold_s: float = Field(
        180, ge=5, le=3600, description="longest rest for a new high or highest alarm that nobody acknowledges"
    )
    drift_px: int = Field(4, ge=0, le=16, description="how far the picture wanders against burn-in, in CSS pixels")
    night: Night | None = Field(None, description="none is never dimmed")
    quiet: tuple[Quiet, ...] = Field((), max_length=10, description="hours in which it does not rotate")
    strip: bool = Field(True, description="the state of the feeds at the foot of every page")
    pages: tuple[Page, ...] = Field(min_length=1, max_length=MOST_PAGES)

    @property
    def shown(self) -> tuple[str, ...]:
        """What any of its pages shows, each once."""
        return tuple(dict.fromkeys(name for page in self.pages for name in page.shown))

    @model_validator(mode="after")
    def _quiet_pages(self) -> Wall:
        names = [page.name for page in self.pages]
        for quiet in self.quiet:
            if quiet.page not in names:
                raise ValueError(f"quiet: there is no page {quiet.page}; there are: {', '.join(names)}")
        return self


class WallFile(_Part):
    """The whole file."""

    walls: tuple[Wall, ...] = Field(min_length=1, max_length=MOST_WALLS, description="the first one is /wall as well")


def find_grid_fault(page: Page) -> str | None:
    """What is wrong with the shape of a page's grid; None where nothing is.

    A word's cells must make one rectangle: a panel has four corners.
    """
    lines = page.lines
    widths = sorted({len(line) for line in lines})
    if widths[-1] > MOST_LINES or widths[0] == 0:
        return f"grid: a row has 1 to {MOST_LINES} words"
    if len(widths) > 1:
        return f"grid: every row needs as many words as the others; they have {' and '.join(map(str, widths))}"
    for name in page.shown:
        cells = [(r, c) for r, line in enumerate(lines) for c, word in enumerate(line) if word == name]
        rows, columns = {r for r, _ in cells}, {c for _, c in cells}
        height, width = max(rows) - min(rows) + 1, max(columns) - min(columns) + 1
        if len(cells) != height * width:
            return f"grid: {name} is no rectangle"
    return None if page.shown else "grid: shows nothing"
