"""Figures and series of the sections that history measures, from the table in `wanted.py`. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from control_room.city import City
from control_room.history.measures import Measure, get_measure, value_of
from control_room.summary.book import Book
from control_room.summary.compare import Compared, Sums, compare, list_points, with_watched
from control_room.summary.contents import Departure, Figure, Point, Section, Series, Target, Usual, Verdict
from control_room.summary.plan import from_s
from control_room.summary.wanted import TITLES, WANTED, WATCHED_BY, Wanted
from control_room.summary.words import say_number
from control_room.usual import find_factor

# Fewer than this are too few to say: chance alone moves them by a quarter.
FEWEST: Final = 20
# An axis from zero is honest for amounts, and not for these.
_NO_ZERO: Final = ("%", "°C", "hPa")
_THINGS: Final = frozenset(("vehicles", "people", "alarms", "requests", "disruptions", "services", "devices", "places"))
# How much less than usual must have been watched for a section to say so, in points.
LESS_BY_POINTS: Final = 10.0
# Where it is not known how much usually is: less than this is said.
LITTLE_PERCENT: Final = 90.0


def build_section(name: str, book: Book) -> Section:
    """The section with its figures and series; tables are added by others."""
    figures, series = [], []
    for wanted in WANTED.get(name, ()):
        sums = book.sums(wanted.measure, wanted.key)
        told = None
        if wanted.is_told_only:
            told, sums = sums.is_told, with_watched(sums, book.watched_weeks)
        figure = build_figure(wanted, sums, told, book)
        if figure is None:
            continue
        if wanted.is_series and figure.value is not None:
            series.append(
                _build_series(figure, get_measure(wanted.measure), book.sums(wanted.measure, wanted.key), book)
            )
            figure = replace(figure, link=_link(series[-1]))
        figures.append(figure)
    return Section(name, TITLES[name], tuple(figures), (), tuple(series), say_watched(name, book))


def build_figure(wanted: Wanted, sums: Sums, told: np.ndarray | None, book: Book) -> Figure | None:
    """The figure; None of what history has never met and is only good to know.

    Args:
        told: of what is heard of only while it happens, where it was heard of; None of all else.
    """
    measure = get_measure(wanted.measure)
    if wanted.weight <= 1 and (measure.of or measure.name, wanted.key) not in book.series:
        return None
    value = find_value(measure, wanted.key, book)
    found = compare(book.plan, measure, sums, told)
    usual, why_not = _scale(found, _factor(measure, book.city))
    decimals = _decimals(measure, value)
    compared = found.value if found.value is None else found.value * _factor(measure, book.city)
    departure = judge(compared, usual, measure)
    if value is None:
        usual, departure, why_not = None, "unknown", "the value itself is not known"
    return Figure(
        name=wanted.name,
        title=wanted.title or measure.title,
        value=value,
        unit=measure.unit,
        decimals=decimals,
        known_percent=None if wanted.is_told_only else _known_percent(measure, wanted.key, book),
        usual=usual,
        why_no_usual="" if usual else why_not,
        departure=departure,
        verdict=find_verdict(departure, measure),
        target=find_target(wanted.target, value, book.city),
        why_unknown="" if value is not None else _why_unknown(measure, wanted, book),
        note=_note(measure, departure, found, usual, book),
        source=_source(measure, book.city),
    )


def find_value(measure: Measure, key: str, book: Book) -> float | None:
    """Its value over the time of the period that was watched; None where that is none."""
    amount = book.amount(measure.name, key)
    if amount is None:
        return None
    value = value_of(measure.made, amount.total, amount.weight) * _factor(measure, book.city)
    return value if np.isfinite(value) else None


def judge(value: float | None, usual: Usual | None, measure: Measure) -> Departure:
    """Where a value lies. Counts that are small on both sides are too few to say."""
    if value is None or usual is None:
        return "unknown"
    if usual.low <= value <= usual.high:
        return "usual"
    if is_countable(measure) and max(value, usual.high) < FEWEST:
        return "too_few"
    return "above" if value > usual.high else "below"


def is_countable(measure: Measure) -> bool:
    """Whether it is a number of things: what happened, or how many there were on average."""
    return measure.made == "total" or (measure.made == "level" and measure.unit in _THINGS)


def find_verdict(departure: Departure, measure: Measure) -> Verdict:
    """What the departure means; empty where more is neither better nor worse."""
    if departure not in ("above", "below") or measure.better is None:
        return ""
    return "better" if (departure == "above") == (measure.better == "more") else "worse"


def find_target(where: str, value: float | None, city: City) -> Target | None:
    """The city's target for it; None where it has none."""
    sort, _, name = where.partition(" ")
    if sort == "figures":
        said = city.figures.get(name)
        if said is None:
            return None
        limit = float(said["value"])
        source = f"{said.get('source', '')}, {said.get('as_of', '')}".strip(", ")
        return Target(limit, True, None if value is None else value < limit, source)
    target = city.targets.get(sort, {}).get(name) if where else None
    if target is None:
        return None
    missed = None if value is None else target.is_missed(value)
    return Target(target.limit, target.at_least is not None, missed, f"{target.source}: {target.reason}")


def say_watched(name: str, book: Book) -> str:
    """How much of the period the section's things were seen, where that is less than usual; else empty."""
    if name not in WATCHED_BY:
        return ""
    measure, key, words = WATCHED_BY[name]
    sums = book.sums(measure, key)
    percent = 100 * _mean_known(sums, 0, book)
    past = [100 * _mean_known(sums, k, book) for k in range(1, len(sums.known))]
    seen = [p for p in past if p > 0]
    usual = float(np.median(seen)) if len(seen) >= 4 else None
    length = book.period.sort
    # Where the control room itself watched no more, the header says so once for all.
    if percent >= book.watched_percent - LESS_BY_POINTS:
        return ""
    if percent == 0:
        return "" if usual is None and not seen else f"{words} at no time of the {length}."
    if usual is not None and percent < usual - LESS_BY_POINTS:
        return f"{words} {say_number(percent)} % of the {length}; usually {say_number(usual)} %."
    if usual is None and percent < LITTLE_PERCENT:
        return f"{words} {say_number(percent)} % of the {length}."
    return ""


def _mean_known(sums: Sums, row: int, book: Book) -> float:
    lengths = np.array(book.plan.ends) - np.array(book.plan.begins)
    return float((sums.known[row] * lengths).sum() / lengths.sum())


def _known_percent(measure: Measure, key: str, book: Book) -> float:
    amount = book.amount(measure.name, key)
    seconds = (book.ends - book.begins).total_seconds()
    return 0.0 if amount is None else min(100.0, 100 * amount.known_s / seconds)


def _factor(measure: Measure, city: City) -> float:
    if not measure.of:
        return 1.0
    factor = find_factor(measure, city.figures)
    return float("nan") if factor is None else factor


def _scale(found: Compared, factor: float) -> tuple[Usual | None, str]:
    usual = found.usual
    if usual is None or factor == 1.0:
        return usual, found.why
    return Usual(factor * usual.median, factor * usual.low, factor * usual.high, usual.weeks), ""


def _decimals(measure: Measure, value: float | None) -> int:
    # A mean of few standing things would be 0 without a decimal.
    small = value is not None and measure.made == "level" and abs(value) < FEWEST
    return max(measure.decimals, 1) if small else measure.decimals


def _note(measure: Measure, departure: Departure, found: Compared, usual: Usual | None, book: Book) -> str:
    said = []
    if departure == "too_few":
        said.append(f"fewer than {FEWEST}: too few to say")
    if usual is not None and found.share < 0.995:
        unit = {"hour": "hours", "day": "days"}[book.plan.step]
        said.append(f"compared over the {round(found.share * len(book.plan.begins))} {unit} that were known")
    if measure.of:
        figure = book.city.figures.get(measure.figure, {})
        said.append(
            f"{figure.get('value')} {figure.get('unit', '')} each: {figure.get('source')}, {figure.get('as_of')}"
        )
    return "; ".join(said)


def _why_unknown(measure: Measure, wanted: Wanted, book: Book) -> str:
    if (measure.of or measure.name, wanted.key) not in book.series:
        return "history has never met it: no feed has told it"
    if wanted.is_told_only:
        return "nothing of it was heard of; whether there was none or nobody told cannot be said"
    amount = book.amount(wanted.measure, wanted.key)
    if amount is not None and amount.known_s > 0 and measure.made != "total":
        return "it was watched, and nothing told it"
    return "nothing of it was watched"


def _source(measure: Measure, city: City) -> str:
    return f"history {measure.of or measure.name}: {measure.how}"


def _link(series: Series) -> str:
    """Into the timeline, at the hour of the day that departs most from the usual; where none does, none."""
    if series.step != "hour":
        return ""
    off = [
        (abs(p.value - p.usual.median), p.at)
        for p in series.points
        if p.value is not None and p.usual is not None and not p.usual.low <= p.value <= p.usual.high
    ]
    if not off:
        return ""
    at = max(off, key=lambda o: (o[0], -o[1].timestamp()))[1]
    return f"/timeline?at={at:%Y-%m-%dT%H:%M:%SZ}"


def _build_series(figure: Figure, measure: Measure, sums: Sums, book: Book) -> Series:
    plan = book.plan
    points = tuple(
        Point(from_s(begin), label, value, round(100 * float(known), 1), usual)
        for begin, label, (value, usual), known in zip(
            plan.begins, plan.labels, list_points(plan, measure, sums), sums.known[0], strict=True
        )
    )
    return Series(
        figure.name, figure.title, figure.unit, measure.decimals, plan.step, points, measure.unit not in _NO_ZERO
    )
