"""How the parts of a summary are said: the same words on the page, in print, in a letter and for who listens.

Text only. What is not known is an em dash with its reason beside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeGuard
from zoneinfo import ZoneInfo

from control_room.summary.answer import SMALLEST_SHARE, measure_departure
from control_room.summary.contents import (
    Cell,
    Column,
    Departure,
    Figure,
    Header,
    Point,
    Section,
    Series,
    Summary,
    Target,
)
from control_room.summary.words import join_words, say_band, say_count, say_number
from control_room.summary.words import say_value as say_amount
from layouts.formats import DASH, format_moment

SANDBOX: Final = "SANDBOX"
SANDBOX_WORDS: Final = "SANDBOX: figures of a simulated city, not of the real one."
REASON: Final = "not known"
GLANCED_MOST: Final = 3  # figures of a section that are told at a glance

_NUMBER_AND_UNIT: Final = re.compile(r"(?<=\d) (?=%|(?:°C|km/h|mm|min|ms|s|kg|hours?|[kM]bit/s|µg/m³)(?!\w))")

_DEPARTURES: Final[Mapping[Departure, str]] = {
    "usual": "as usual",
    "above": "above usual",
    "below": "below usual",
    "too_few": "too few to say",
    "unknown": "not compared",
}


def say_value(figure: Figure) -> str:
    """ "1,204 deliveries"; an em dash where it is not known."""
    return say_known_value(figure.value, figure.unit, figure.decimals)


def say_known_value(value: float | None, unit: str, decimals: int) -> str:
    """The same of any value."""
    return DASH if value is None or not math.isfinite(value) else say_amount(value, unit, decimals)


def say_span(header: Header, count: int) -> str:
    """ "8 weeks": of what the usual is made."""
    return say_count(count, "holiday" if header.period.sort == "day" and header.holiday else "week")


def say_usual(figure: Figure, header: Header) -> str:
    """ "usually 890 to 950 (8 weeks)", or why there is nothing to compare with."""
    if figure.usual is None:
        return figure.why_no_usual or "nothing to compare with"
    band = say_band(figure.usual, figure.unit, figure.decimals)
    return f"usually {band} ({say_span(header, figure.usual.weeks)})"


def say_departure(figure: Figure) -> str:
    """ "above usual, worse"; "slightly above usual" where it is too little to be told as a departure.

    Of a figure that is compared with nothing, an empty text.
    """
    if figure.usual is None or figure.value is None:
        return ""
    words = _DEPARTURES[figure.departure]
    if figure.departure not in ("above", "below"):
        return words
    if not is_far_off(figure):
        return f"slightly {words}"
    return f"{words}, {figure.verdict}" if figure.verdict else words


def is_far_off(figure: Figure) -> bool:
    """Whether it is far enough from usual to be told; the rule of the answer (`answer.measure_departure`)."""
    return measure_departure(figure) is not None


def is_missed(figure: Figure) -> bool:
    return figure.target is not None and bool(figure.target.missed)


def is_worse(figure: Figure) -> bool:
    """Whether it stands out for the worse: far off, or its target missed."""
    return figure.verdict == "worse" and (is_far_off(figure) or is_missed(figure))


def say_target(target: Target, unit: str, decimals: int) -> str:
    """ "target at least 80 %, missed (Council strategy, 2024)"."""
    limit = say_amount(target.limit, unit, 0 if target.limit == round(target.limit) else decimals)
    kept = {True: "missed", False: "met", None: REASON}[target.missed]
    source = f" ({target.source})" if target.source else ""
    return f"target {'at least' if target.at_least else 'at most'} {limit}, {kept}{source}"


def say_known(figure: Figure) -> str:
    """ "seen 61 % of the time", where less than all but a twentieth was; else nothing."""
    known = figure.known_percent
    return "" if known is None or known >= 95 or figure.value is None else f"seen {say_percent(known)} of the time"


def say_percent(percent: float) -> str:
    """A share in whole per cent; what is not all is never said to be all, nor what is something nothing."""
    if 0 < percent < 1:
        return "less than 1 %"
    return f"{100 if percent >= 100 else min(99, round(percent)) if percent > 0 else 0} %"


def list_remarks(figure: Figure) -> list[str]:
    """What else must be said of a figure: why it is not known, its target, how much was seen, its note."""
    target = say_target(figure.target, figure.unit, figure.decimals) if figure.target else ""
    why = (figure.why_unknown or REASON) if figure.value is None else ""
    return [words for words in (why, target, say_known(figure), figure.note) if words]


@dataclass(frozen=True, slots=True)
class Said:
    """A line beside a figure's picture.

    Attributes:
        is_strong: it stands out: for the worse, or a target missed.
        is_quiet: smaller than the others.
    """

    text: str
    is_strong: bool = False
    is_quiet: bool = True


def list_said(figure: Figure, header: Header) -> list[Said]:
    """What is said of a figure beside its value, line by line."""
    departed = say_departure(figure)
    usual = say_usual(figure, header) if figure.value is not None else ""
    target = say_target(figure.target, figure.unit, figure.decimals) if is_missed(figure) and figure.target else ""
    lines = [Said(departed, is_far_off(figure) and figure.verdict == "worse", False)] if departed else []
    return lines + [Said(text, text == target) for text in (usual, *list_remarks(figure)) if text]


def say_figure(figure: Figure, header: Header) -> str:
    """All of it in one line, for who cannot see the picture."""
    usual = say_usual(figure, header) if figure.value is not None else ""
    parts = [f"{figure.title}: {say_value(figure)}", say_departure(figure), usual, *list_remarks(figure)]
    return "; ".join(part for part in parts if part)


def say_series(series: Series) -> str:
    """What a small multiple shows, in words: its least and greatest, what was unusual, what is not known."""
    known = [(p.value, p.label) for p in series.points if p.value is not None and math.isfinite(p.value)]
    what = f"{series.title} by the {series.step}"
    if not known:
        return f"{what}: {REASON}"
    (least, at_least), (most, at_most) = min(known), max(known)
    low, high = (say_amount(v, series.unit, series.decimals) for v in (least, most))
    words = f"{what}: lowest {low} ({at_least}), highest {high} ({at_most})"
    compared = [p for p in series.points if is_known(p.value) and p.usual is not None]
    if compared:
        words += f"; {sum(map(is_far, compared))} of {len(compared)} far from what is usual"
    missing = len(series.points) - len(known)
    return f"{words}; {missing} not known" if missing else words


def is_far(point: Point) -> bool:
    """Whether a single hour or day is far from what is usual: outside of the band by more than its own width.

    Half of all hours lie outside of the quartiles by what quartiles are; to mark them all would mark nothing. The
    rule is that of the answer.
    """
    if point.usual is None or not is_known(point.value):
        return False
    room = max(point.usual.high - point.usual.low, SMALLEST_SHARE * abs(point.usual.median))
    return not point.usual.low - room <= point.value <= point.usual.high + room


def is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def say_cell(value: Cell, column: Column, header: Header) -> str:
    """A cell of a table by the city's clock; an em dash where it is not known."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        # On a day of its own period the time of day is enough.
        zone = ZoneInfo(header.zone)
        return format_moment(value, zone, header.begins if header.period.sort == "day" else value.replace(year=1970))
    if isinstance(value, int | float):
        return say_number(value, column.decimals)
    return value


def head_of(column: Column) -> str:
    """Of a column of a table."""
    return say_titled(column.title, column.unit)


def say_titled(title: str, unit: str) -> str:
    """ "Stuck (min)"; a unit that the title says already is not said twice."""
    return title if not unit or _is_named(title, unit) else f"{title} ({unit})"


def _is_named(title: str, unit: str) -> bool:
    """Whether the unit is a word of the title."""
    return bool(unit) and unit.casefold() in title.casefold().split()


def say_rows(listed: int, of: int) -> str:
    """ "the first 10 of 31"; empty where all are listed."""
    return f"the first {listed:,} of {of:,}" if of > listed else ""


def glance(section: Section) -> str:
    """One line of a section: what is worse, what else departs, or that all is as usual."""
    worse = [f for f in section.figures if is_worse(f)]
    other = [f for f in section.figures if f not in worse and (is_far_off(f) or is_missed(f))]
    if worse or other:
        told = [_glance(figure) for figure in (*worse, *other)]
        more = [f"{len(told) - GLANCED_MOST} more"] if len(told) > GLANCED_MOST else []
        return "; ".join(told[:GLANCED_MOST] + more)
    known = [f for f in section.figures if f.value is not None]
    if any(f.usual is not None for f in known):
        return "as usual"
    if known:
        return "; ".join(map(_name_value, known[:GLANCED_MOST]))
    rows = [f"{t.title}: {t.of:,}" for t in section.tables if t.of]
    return "; ".join(rows) or section.note or next((t.note for t in section.tables if t.note), REASON)


def _glance(figure: Figure) -> str:
    missed = "target missed" if is_missed(figure) else ""
    told = [words for words in (say_departure(figure) if is_far_off(figure) else "", missed) if words]
    return f"{_name_value(figure)}, {', '.join(told)}"


def _name_value(figure: Figure) -> str:
    """ "Stuck 6.9 hours", "48 alarms": what the unit says already is not said twice."""
    if not _is_named(figure.title, figure.unit):
        return f"{figure.title} {say_value(figure)}"
    return f"{figure.title}: {say_known_value(figure.value, '', figure.decimals)}"


def has_worse(section: Section) -> bool:
    return any(map(is_worse, section.figures))


def list_shown(summary: Summary) -> list[Section]:
    """The sections that have anything to show; of the others the glance says what is to be said."""
    return [s for s in summary.sections if s.figures or s.series or any(t.rows for t in s.tables)]


def say_known_header(header: Header) -> str:
    """How much of the period was watched, and until when, where that is not its end."""
    if header.known_until is None:
        return "Nothing is known of it."
    words = f"Watched {say_percent(header.known_percent)} of the time"
    if not header.is_over:
        until = format_moment(header.known_until, ZoneInfo(header.zone), header.begins)
        words += f"; known until {until}"
    return f"{words}."


def say_made_from(header: Header) -> str:
    """From what it is made; "Made from: …."."""
    return f"Made from: {join_words(list(header.made_from))}." if header.made_from else ""


def list_how(header: Header) -> list[str]:
    """How the figures and the pictures are to be read, for who does it for the first time."""
    if header.period.sort == "day":
        usual = "the last holidays" if header.holiday else "the same weekday of the eight weeks before"
    else:
        usual = "the same weekdays of the eight weeks before"
    return [
        f"Usual is half of what {usual} brought: between the quartiles, drawn as a band with the median as a line. "
        "A round dot lies as usual, or slightly off: outside of the band by less than its own width, as is the case on "
        "many ordinary days. A diamond is further off, or has missed its target. Hollow: too few to say, or known of a "
        "part only. A dashed line is a target; hatched is not known.",
        f"An em dash is what is not known, with the reason beside it. {say_made_from(header)}",
    ]


def address(base: str, path: str) -> str:
    """A path of the product as an address; empty where either is."""
    return f"{base.rstrip('/')}{path}" if base and path.startswith("/") else ""


def keep(text: str) -> str:
    """The text with its numbers and their units on one line."""
    return _NUMBER_AND_UNIT.sub("\u00a0", text)


def name_file(summary: Summary) -> str:
    """Of a file of it, without ending: "daily-2026-11-21", "SANDBOX-weekly-2026-W47"."""
    header = summary.header
    sort = {"day": "daily", "week": "weekly", "month": "monthly"}[header.period.sort]
    return f"{SANDBOX + '-' if header.simulated else ''}{sort}-{header.period.name}"
