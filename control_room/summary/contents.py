"""What a summary holds: every form of it (page, PDF, e-mail, tables, JSON) is made of this and of nothing else.

    Summary ─ Header
            ├ Answer      sentences, the first one first; what needs a decision
            └ Section …   ─ Figure … (with Usual), Table … (Columns, rows), Series … (Points with Usual)

All is frozen and holds no moment of making: the same databases and the same
period give an equal Summary. What is not known is None, and beside it a text
that says why; nothing that is not known is ever zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from control_room.summary.period import Period

# Of the contents, for those who read them as JSON: a field that is added counts one up behind the dot, a field that
# changes its meaning or goes counts one up before it.
VERSION: Final = "1.0"

# Sections in the order of the page; each is always there, with a note where nothing is known.
SECTIONS: Final = (
    "fleet",
    "shuttles",
    "drones",
    "network",
    "requests",
    "transport",
    "environment",
    "alarms",
    "suppliers",
    "events",
    "notes",
)

# usual     inside the quartiles of what is usual
# above     over them; below: under them
# too_few   numbers too small to say (answer.py gives the rule)
# unknown   nothing to compare with, or the value is not known well enough
Departure = Literal["usual", "above", "below", "too_few", "unknown"]
# Of a departure or a target: what it means for the city. Empty where neither.
Verdict = Literal["better", "worse", ""]

Cell = str | float | int | bool | datetime | None


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual, in the figure's unit.

    Attributes:
        low, high: quartiles: half of the weeks lay between them.
        weeks: weeks (of a holiday: holidays) that were known.
    """

    median: float
    low: float
    high: float
    weeks: int


@dataclass(frozen=True, slots=True)
class Target:
    """What is expected of a figure.

    Attributes:
        limit: in the figure's unit; `at_least` says on which side of it is well.
        missed: None where the value is not known.
        source: who set it, and of which year.
    """

    limit: float
    at_least: bool
    missed: bool | None
    source: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a section.

    Attributes:
        name: never changed, such as robot.deliveries; unique within the summary.
        value: None where it is not known; `why_unknown` says why, and is empty otherwise.
        unit: stands after the value; empty is a bare number. % and ° as they are.
        decimals: to be shown.
        known_percent: of the period, how much was watched; None where it is not a matter of watching.
        usual: None where there is nothing to compare with; `why_no_usual` says why, and is empty otherwise.
        verdict: what a departure means; empty of what is usual, unknown or neither good nor bad.
        source: where it is from and how it is made, in words.
        link: path of the product that shows more, such as /timeline?at=…; empty is none.
    """

    name: str
    title: str
    value: float | None
    unit: str
    decimals: int = 0
    known_percent: float | None = None
    usual: Usual | None = None
    why_no_usual: str = ""
    departure: Departure = "unknown"
    verdict: Verdict = ""
    target: Target | None = None
    why_unknown: str = ""
    note: str = ""
    source: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        sort: text; number (float or int; `unit` and `decimals` say how); moment (aware UTC, shown by the city's
            clock); yes_no (bool); link (path of the product).
    """

    name: str
    title: str
    sort: Literal["text", "number", "moment", "yes_no", "link"] = "text"
    unit: str = ""
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in the order in which they are to be shown; None is not known.

    Attributes:
        name: unique within the summary, fit for a file's name.
        of: rows there are; more than are listed where only the first are.
        note: what people should know of it; may be empty. Of a table without rows it says why.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    of: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One hour or day of a series.

    Attributes:
        at: its beginning, aware UTC.
        label: by the city's clock: 14:00, or Sat 21; of the hour that an autumn night has twice 01:00 BST, 01:00 GMT.
        value: None where nothing was known of it.
        known_percent: of it, how much was watched.
    """

    at: datetime
    label: str
    value: float | None
    known_percent: float
    usual: Usual | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A figure over the period, for a small multiple; the table behind it is these very points.

    Attributes:
        name: of the figure that it is of.
        step: hour or day.
        zero: whether an axis from zero is honest: amounts yes, temperatures and shares near 100 no.
    """

    name: str
    title: str
    unit: str
    decimals: int
    step: Literal["hour", "day"]
    points: tuple[Point, ...]
    zero: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the city.

    Attributes:
        name: one of SECTIONS.
        note: what must be known before the figures are read: how little was seen, that nothing was; may be empty.
    """

    name: str
    title: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    series: tuple[Series, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the answer.

    Attributes:
        sort: what it tells: all_usual, departure, known (how much was), event, decision.
        about: names of the figures it is made of; may be empty.
        section: may be empty.
    """

    text: str
    sort: Literal["all_usual", "departure", "known", "event", "decision", "nothing"]
    section: str = ""
    about: tuple[str, ...] = ()
    verdict: Verdict = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that does not mend itself, and that somebody should decide on.

    Attributes:
        sort: which rule found it: target, promise, hole, backlog.
        text: a sentence: what, for how long.
        link: path of the product that shows more; may be empty.
    """

    sort: Literal["target", "promise", "hole", "backlog"]
    text: str
    section: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Three to five sentences (one where nothing is known), and what needs a decision; both most important first."""

    sentences: tuple[Sentence, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """Of what, from what.

    Attributes:
        city, authority: names.
        begins, ends: aware UTC.
        zone: name of the city's time zone.
        known_until: the last moment of the period that anything is known of; before `ends` of a period that is not
            over, or after which nobody watched; None where nothing is known.
        known_percent: of the whole period, how much was watched by the control room.
        is_over: whether the databases know of anything after the period: a summary of less is of a part.
        made_from: the sources, in words.
        holiday: names of holidays in the period; empty is none.
        title: of the period, in words.
    """

    city: str
    authority: str
    period: Period
    title: str
    begins: datetime
    ends: datetime
    zone: str
    simulated: bool
    known_until: datetime | None
    known_percent: float
    is_over: bool
    made_from: tuple[str, ...]
    holiday: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A day, a week or a month of the city."""

    version: str
    header: Header
    answer: Answer
    sections: tuple[Section, ...]

    def section(self, name: str) -> Section:
        """One of SECTIONS.

        Raises:
            KeyError: it has another name.
        """
        for section in self.sections:
            if section.name == name:
                return section
        raise KeyError(f"no section {name!r}; there are: {', '.join(s.name for s in self.sections)}")

    def figure(self, name: str) -> Figure:
        """The figure of that name, of any section.

        Raises:
            KeyError: there is none.
        """
        for figure in self.list_figures():
            if figure.name == name:
                return figure
        raise KeyError(f"no figure {name!r}")

    def list_figures(self) -> Iterator[Figure]:
        return (figure for section in self.sections for figure in section.figures)

    def list_tables(self) -> Iterator[Table]:
        return (table for section in self.sections for table in section.tables)
