"""How the alarm system did: figures after EEMUA 191, the ten most frequent, the longest, the unacknowledged. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from alerts.alarm import Event, What
from alerts.kpi_report import Report, report, tally_until
from control_room.summary import contents
from control_room.summary.book import Book
from control_room.summary.contents import Column, Section, Table
from control_room.summary.measured import build_section

LONGEST: Final = 10
# Figures of the report that speak of the span. Those of a moment ("standing now") would have to know every alarm
# since the journal began; what stood at the end is told by history.
_OF_SPAN: Final = ("mean", "peak", "flood_percent", "chattering", "fleeting", "top_percent", "hidden", "escalated")
_ANSWERS: Final = ("answer_median_highest", "answer_p95_highest", "answer_median_high", "answer_p95_high")
_NO_USUAL: Final = "judged by the target of EEMUA 191, not by what is usual"


_BACK: Final = {What.UNSHELVED: What.SHELVED, What.IN_SERVICE: What.OUT_OF_SERVICE}


@dataclass(slots=True)
class _Stood:
    """One occurrence of an alarm, filled in as its events come."""

    title: str
    priority: str
    raised_at: datetime
    cleared_at: datetime | None
    answered_at: datetime | None


def build_alarms(book: Book) -> Section:
    """The section of alarms."""
    section = build_section("alarms", book)
    if book.alarms is None:
        return replace(section, note=_join(section.note, f"Figures after EEMUA 191 are missing: {book.why_no_alarms}."))
    tally = tally_until(book.alarms, book.ends)
    told = report(tally, book.begins, book.ends, book.operators)
    stood = list(_list_stood(book.alarms, book.ends))
    figures = tuple(_figure(told, name, book) for name in (*_OF_SPAN, *_ANSWERS))
    standing = _standing(book)
    tables = (_build_top(told, stood, book), _build_longest(stood, book), _build_unanswered(stood, book))
    return replace(section, figures=(*section.figures, *standing, *figures), tables=tables)


def _figure(told: Report, name: str, book: Book) -> contents.Figure:
    figure = told.figure(name)
    known = min(100.0, 100 * told.watched_s / (book.ends - book.begins).total_seconds())
    # Silence counts as silence only where the alarm system was at work.
    value = figure.value if told.watched_s > 0 or told.figure("alarms").value else None
    note = figure.note if not figure.target else f"target: {figure.target}{'; ' + figure.note if figure.note else ''}"
    return contents.Figure(
        name=f"eemua.{name}",
        title=figure.title,
        value=value,
        unit=figure.unit,
        decimals=1 if name in ("mean", "flood_percent", "top_percent") else 0,
        known_percent=known,
        why_no_usual=_NO_USUAL,
        target=_target(name, figure.verdict),
        why_unknown="" if value is not None else figure.note or "nothing of it is known",
        note=note,
        source="journal of alarms, after EEMUA 191",
        link="/alarms/health",
    )


def _target(name: str, verdict: str) -> contents.Target | None:
    from alerts.kpi_report import FLOOD_SHARE_MOST, MEAN_MOST, PEAK_MOST, TOP_SHARE_MOST

    limits = {"mean": MEAN_MOST, "peak": float(PEAK_MOST), "flood_percent": FLOOD_SHARE_MOST, "chattering": 0.0, "top_percent": TOP_SHARE_MOST}  # fmt: skip
    if name not in limits:
        return None
    return contents.Target(limits[name], False, None if not verdict else verdict == "over", "EEMUA 191, 3rd edition")


def _standing(book: Book) -> tuple[contents.Figure, ...]:
    amount = book.amount("alarm.active")
    value = amount.last if amount else None
    return (
        contents.Figure(
            name="alarm.standing_at_end",
            title="Active at the end",
            value=value,
            unit="alarms",
            known_percent=None,
            why_no_usual="a single moment",
            why_unknown="" if value is not None else "nothing of it was watched",
            source="history alarm.active, newest value",
        ),
    )


def _list_stood(events: Iterable[Event], ends: datetime) -> Iterable[_Stood]:
    """Occurrences that came before people and whose beginning is among these events, in order of their beginning."""
    open_: dict[tuple[str, str], _Stood] = {}
    done: list[_Stood] = []
    aside: set[tuple[What, tuple[str, str]]] = set()
    for event in events:
        place = (event.rule, event.key)
        if event.at >= ends:
            continue
        if event.what in (What.SHELVED, What.OUT_OF_SERVICE):
            aside.add((event.what, place))
        elif event.what in _BACK:
            aside.discard((_BACK[event.what], place))
        elif event.what is What.SUPPRESSED:
            open_.pop(place, None)
        elif event.what is What.RAISED:
            if (What.SHELVED, place) in aside or (What.OUT_OF_SERVICE, place) in aside:
                continue
            if before := open_.pop(place, None):
                done.append(before)
            title = str(event.facts.get("title") or event.rule)
            open_[place] = _Stood(title, str(event.facts.get("priority") or ""), event.at, None, None)
        elif (stood := open_.get(place)) is not None:
            if event.what is What.CLEARED and stood.cleared_at is None:
                stood.cleared_at = event.at
            elif event.what is What.ACKNOWLEDGED and stood.answered_at is None:
                stood.answered_at = event.at
    return sorted([*done, *open_.values()], key=lambda s: (s.raised_at, s.title))


def _build_top(told: Report, stood: list[_Stood], book: Book) -> Table:
    first: dict[str, datetime] = {}
    for alarm in stood:
        if alarm.raised_at >= book.begins:
            first.setdefault(alarm.title, alarm.raised_at)
    columns = (
        Column("title", "Alarm"),
        Column("count", "Times", "number", "alarms"),
        Column("share", "Of all", "number", "%", 1),
        Column("first", "First", "moment"),
        Column("chatters", "Chatters", "yes_no"),
        Column("more", "On the timeline", "link"),
    )
    rows = tuple(
        (t.title, t.count, t.percent, first.get(t.title), t.chatters, _link(first.get(t.title))) for t in told.top
    )
    return Table("alarms_top", "The most frequent alarms", columns, rows, len(rows), "" if rows else "no alarm came")


def _build_longest(stood: list[_Stood], book: Book) -> Table:
    listed = [s for s in stood if (s.cleared_at or book.ends) >= book.begins]
    listed.sort(key=lambda s: (s.raised_at - (s.cleared_at or book.ends), s.title))
    rows = tuple(
        (s.title, s.priority, s.raised_at, s.cleared_at, _minutes(s.raised_at, s.cleared_at or book.ends), _link(s.raised_at))
        for s in listed[:LONGEST]
    )  # fmt: skip
    columns = (
        Column("title", "Alarm"),
        Column("priority", "Priority"),
        Column("raised", "Raised", "moment"),
        Column("cleared", "Normal again", "moment"),
        Column("minutes", "Stood", "number", "min"),
        Column("more", "On the timeline", "link"),
    )
    note = "raised in the period or the day before; without an end it stood on"
    return Table("alarms_longest", "The longest alarms", columns, rows, len(listed), note if rows else "no alarm came")


def _build_unanswered(stood: list[_Stood], book: Book) -> Table:
    listed = [s for s in stood if s.answered_at is None]
    rows = tuple((s.title, s.priority, s.raised_at, s.cleared_at is not None, _link(s.raised_at)) for s in listed)
    columns = (
        Column("title", "Alarm"),
        Column("priority", "Priority"),
        Column("raised", "Raised", "moment"),
        Column("returned", "Normal again", "yes_no"),
        Column("more", "On the timeline", "link"),
    )
    note = "raised in the period or the day before, and acknowledged by nobody until its end"
    return Table(
        "alarms_unanswered",
        "Alarms that nobody acknowledged",
        columns,
        rows[: 2 * LONGEST],
        len(rows),
        note if rows else "every alarm was acknowledged",
    )


def _minutes(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / 60


def _link(at: datetime | None) -> str | None:
    return None if at is None else f"/timeline?at={at:%Y-%m-%dT%H:%M:%SZ}"


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)
