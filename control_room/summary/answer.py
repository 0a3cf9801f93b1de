"""The answer: three to five sentences that a director reads on a phone, made from the figures by these rules. Pure.

1.  First whether the period was as usual, and of how many figures one can say so.
2.  Then the largest departures, in order of consequence: weight of the figure
    (`wanted.py`) times how far it lies outside the usual, a departure to the
    better counting half. A quarter of all ordinary days lie above the upper
    quartile and a quarter below the lower one, so to be told a value must lie
    outside by as much again as the quartiles lie apart, and at least by
    SMALLEST_SHARE of the median; of a count, also by twice what chance alone
    moves it. Small numbers are no trends: counts under twenty are never told
    as a departure, whatever they did.
3.  What explains the day: holidays, and events with a crowd.
4.  What was seen less than usual: its figures are of a part.

Where nothing departs, what the city did is said in its place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from control_room.history.measures import get_measure
from control_room.summary.book import Book
from control_room.summary.compare import LEAST_SHARE
from control_room.summary.contents import Answer, Decision, Figure, Header, Section, Sentence
from control_room.summary.measured import is_countable
from control_room.summary.tables import find_holidays
from control_room.summary.wanted import WANTED, Wanted
from control_room.summary.words import join_words, say_band, say_count, say_difference, say_number, say_value

LEAST, MOST = 3, 5
DEPARTURES_MOST: Final = 3
SMALLEST_SHARE: Final = 0.03
# Beyond this a departure is not called larger: a median of nearly nothing would make anything the largest.
FARTHEST: Final = 5.0
# People at an event from which on it explains something.
CROWD: Final = 1_000
EVENTS_MOST: Final = 3
# Under this share of the period known, that comes first.
PART_PERCENT: Final = 75.0

_WANTED: Final = {w.name: w for listed in WANTED.values() for w in listed}


def build_answer(header: Header, sections: Sequence[Section], decisions: tuple[Decision, ...], book: Book) -> Answer:
    """The sentences, and the decisions as they were found."""
    if header.known_until is None:
        return Answer((_say_nothing(header),), decisions)
    figures = [(section.name, figure) for section in sections for figure in section.figures]
    far = rank_departures(figures)
    lead = _say_lead(header, figures, far)
    events = _say_events(header, book)
    known = _say_known(sections)
    room = MOST - 1 - bool(events) - bool(known)
    told = [_say_departure(section, figure, header) for section, figure, _ in far[: min(room, DEPARTURES_MOST)]]
    sentences = [lead, *told, *([events] if events else []), *([known] if known else [])]
    # Where nothing can be compared, what the city did is all there is to tell.
    least = LEAST if any(f.usual for _, f in figures) else MOST
    if len(sentences) < least:
        ordinary = _list_ordinary(figures, {name for s in told for name in s.about})
        sentences[1 + len(told) : 1 + len(told)] = ordinary[: least - len(sentences)]
    return Answer(tuple(sentences), decisions)


def rank_departures(figures: Sequence[tuple[str, Figure]]) -> list[tuple[str, Figure, float]]:
    """Section, figure and rank of the figures that are far from usual, the most consequential first."""
    ranked = []
    for section, figure in figures:
        wanted = _WANTED.get(figure.name)
        size = measure_departure(figure)
        if wanted is None or wanted.weight <= 0 or size is None:
            continue
        rank = wanted.weight * min(size, FARTHEST) * (0.5 if figure.verdict != "worse" else 1.0)
        ranked.append((section, figure, rank))
    # The name decides among equals, so that the same facts give the same text.
    return sorted(ranked, key=lambda item: (-item[2], item[1].name))


def measure_departure(figure: Figure) -> float | None:
    """How far it lies outside the usual, in widths of the usual; None of what is not far enough to be told."""
    usual, value = figure.usual, figure.value
    if usual is None or value is None or figure.departure not in ("above", "below"):
        return None
    outside = value - usual.high if figure.departure == "above" else usual.low - value
    width = max(usual.high - usual.low, SMALLEST_SHARE * abs(usual.median), 1e-9)
    if outside < width:
        return None
    is_count = figure.name in _WANTED and is_countable(get_measure(_WANTED[figure.name].measure))
    if is_count and abs(value - usual.median) < 2 * math.sqrt(max(value, usual.median)):
        return None
    return outside / width


def _say_nothing(header: Header) -> Sentence:
    text = f"Nothing is known of {header.title}: the control room kept no history of it."
    return Sentence(text, "nothing")


def _say_lead(header: Header, figures: Sequence[tuple[str, Figure]], far: list[Any]) -> Sentence:
    compared = sum(f.usual is not None and f.value is not None for _, f in figures)
    worse = sum(f.verdict == "worse" for _, f, _ in far)
    better = sum(f.verdict == "better" for _, f, _ in far)
    other = len(far) - worse - better
    name, part = f"The {header.period.sort}", ""
    if header.known_percent < PART_PERCENT:
        part = f", of which {_say_part(header.known_percent)} is known,"
    if not compared:
        if header.holiday and header.period.sort == "day":
            why = "too few holidays are known yet to say what is usual"
        elif header.known_percent < 100 * LEAST_SHARE:
            why = "that is too little to say whether it was as usual"
        else:
            why = "too little is known yet to say what is usual"
        is_whole = header.known_percent >= PART_PERCENT
        text = (
            f"{why}." if is_whole else f"of the {header.period.sort} {_say_part(header.known_percent)} is known: {why}."
        )
        text = text[0].upper() + text[1:]
        return Sentence(text, "all_usual")
    if not far:
        return Sentence(
            f"{name}{part} was as usual: of {say_count(compared, 'figure')} none was far from it.", "all_usual"
        )
    of = f"of {say_count(compared, 'figure')}"
    told = [
        words
        for number, words in (
            (worse, f"worse than usual in {say_number(worse)}"),
            (better, f"better in {say_number(better)}" if worse else f"better than usual in {say_number(better)}"),
            (other, f"{'otherwise ' if worse or better else ''}unusual in {say_number(other)}"),
        )
        if number
    ]
    return Sentence(f"{name}{part} was {join_words(told)} {of}.", "departure", verdict="worse" if worse else "")


def _say_part(percent: float) -> str:
    return "less than 1 %" if 0 < percent < 1 else f"{say_number(percent)} %"


def _say_departure(section: str, figure: Figure, header: Header) -> Sentence:
    usual, value = figure.usual, figure.value
    if usual is None or value is None:
        raise ValueError(f"{figure.name}: has no departure to tell")
    off = say_difference(value, usual, figure.unit, figure.decimals)
    band = say_band(usual, figure.unit, figure.decimals)
    between = "" if off == "usually none" else f" (usually {band})"
    seen = " in the part that was seen" if "compared over" in figure.note else ""
    text = f"{say_clause(_WANTED[figure.name], figure)}{seen}, {off}{between}."
    return Sentence(text, "departure", section, (figure.name,), figure.verdict)


def say_clause(wanted: Wanted, figure: Figure) -> str:
    """What a figure was, as a clause with its number: Robots made 1,204 deliveries."""
    value = figure.value or 0.0
    is_bare = figure.unit in (
        "times",
        "deliveries",
        "trips",
        "missions",
        "alarms",
        "vehicles",
        "places",
        "transactions",
    )
    is_count = get_measure(wanted.measure).made == "total"
    number = say_number(value, figure.decimals)
    if number == "1" and wanted.one:
        return wanted.one
    if (is_count and is_bare) or (figure.unit == "requests" and is_count):
        text = "no" if number == "0" and "{value} times" not in wanted.says else number
    else:
        text = say_value(value, figure.unit, figure.decimals)
    clause = wanted.says.format(value=text)
    if number == "1":
        clause = clause.replace(" were ", " was ", 1)
    return clause[0].upper() + clause[1:]


def _list_ordinary(figures: Sequence[tuple[str, Figure]], told: set[str]) -> list[Sentence]:
    """What the city did, where nothing departs: of each section the weightiest figure, deliveries and requests first."""
    found = []
    for name in ("robot.deliveries", "request.in", "transport.on_time_percent", "cell.available_percent"):
        for section, figure in figures:
            if figure.name != name or name in told or figure.value is None:
                continue
            usual = figure.usual
            ending = f" (usually {say_band(usual, figure.unit, figure.decimals)})" if usual else ""
            found.append(Sentence(f"{say_clause(_WANTED[name], figure)}{ending}.", "all_usual", section, (name,)))
    return found


def _say_events(header: Header, book: Book) -> Sentence | None:
    holidays, length = find_holidays(book), header.period.sort
    crowds: dict[tuple[str, str], list[float]] = {}
    for event in book.events:
        if (event["expected_people"] or 0) >= CROWD:
            crowds.setdefault((event["title"] or "an event", event["venue"] or ""), []).append(event["expected_people"])
    listed = sorted(crowds.items(), key=lambda item: (-max(item[1]), item[0]))
    told = [
        f"{title}{f' at {venue}' if venue else ''} ({_say_crowd(people)})"
        for (title, venue), people in listed[:EVENTS_MOST]
    ]
    count = sum(len(people) for _, people in listed)
    others = sum(len(people) for _, people in listed[EVENTS_MOST:])
    if others:
        told.append(say_count(others, "other"))
    parts = []
    if holidays:
        parts.append(f"It was a holiday: {holidays[0]}" if length == "day" else f"{join_words(holidays)} fell in it")
    if told:
        is_many = count > 1
        parts.append(f"{'the' if parts else 'The'} {length}'s large {'events were' if is_many else 'event was'} {join_words(told)}")  # fmt: skip
    return Sentence(f"{'; '.join(parts)}.", "event", "events") if parts else None


def _say_crowd(people: list[float]) -> str:
    if len(people) == 1:
        return f"{say_number(people[0])} people expected"
    return f"{len(people)} times, up to {say_number(max(people))} people expected"


def _say_known(sections: Sequence[Section]) -> Sentence | None:
    """The first of the sections that were seen less than usual, and how many more."""
    less = [s for s in sections if (s.name in WANTED and s.note and "%" in s.note) or "at no time" in s.note]
    if not less:
        return None
    more = f" Seen less than usual as well: {join_words([s.title.lower() for s in less[1:]])}." if less[1:] else ""
    return Sentence(f"{less[0].note}{more}", "known", less[0].name)
