"""`read_summary`: a day, a week or a month of the city, from what the databases hold."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from control_room.city import City
from control_room.summary.alarms import build_alarms
from control_room.summary.answer import build_answer
from control_room.summary.book import Book, Sources, known_until, read_book
from control_room.summary.contents import SECTIONS, VERSION, Header, Section, Summary
from control_room.summary.coverage import build_coverage
from control_room.summary.decide import list_decisions
from control_room.summary.measured import build_section
from control_room.summary.period import Period
from control_room.summary.suppliers import LastDays, build_supplier, build_suppliers, judge_last_days
from control_room.summary.tables import build_events, build_notes, find_holidays, list_tables
from control_room.summary.words import join_words


def read_summary(sources: Sources, period: Period, zone: ZoneInfo, city: City) -> Summary:
    """The summary. The same databases and the same period give an equal one.

    Args:
        zone: whose days they are; the city's own.

    Raises:
        sqlalchemy.exc.DBAPIError: the history does not answer.
    """
    return build_summary(read_book(sources, period, zone, city))


def read_supplier(sources: Sources, feed: str, period: Period, zone: ZoneInfo, city: City) -> Summary:
    """What the supplier of one feed sees of it: a summary with one section.

    Raises:
        KeyError: nothing is known of a feed of that name.
        sqlalchemy.exc.DBAPIError: the history does not answer.
    """
    book = read_book(sources, period, zone, city)
    return build_supplier(book, feed, build_header(book))


def build_summary(book: Book) -> Summary:
    """The same from what was read; pure."""
    header = build_header(book)
    last_days = judge_last_days(book)
    sections = tuple(_build(name, book, last_days) for name in SECTIONS)
    return Summary(VERSION, header, build_answer(header, sections, list_decisions(book, last_days), book), sections)


def build_header(book: Book) -> Header:
    """Of what the summary is, and how much of it was known."""
    until = known_until(book)
    return Header(
        city=book.city.title,
        authority=book.city.authority,
        period=book.period,
        title=book.period.title,
        begins=book.begins,
        ends=book.ends,
        zone=str(book.zone),
        simulated=book.simulated,
        known_until=until,
        known_percent=round(book.watched_percent, 1),
        is_over=book.newest_s is not None and book.newest_s >= book.ends.timestamp(),
        made_from=_list_sources(book),
        holiday=join_words(find_holidays(book)),
    )


def _build(name: str, book: Book, last_days: LastDays) -> Section:
    if name == "alarms":
        return build_alarms(book)
    if name == "suppliers":
        return build_suppliers(book, last_days)
    if name == "events":
        return build_events(book)
    if name == "notes":
        return build_notes(book)
    section = build_section(name, book)
    tables = list_tables(name, book)
    if name == "network":
        tables = (*tables, build_coverage(book.coverage, book.city))
    is_empty = all(f.value is None for f in section.figures) and not any(t.rows for t in tables)
    return replace(section, tables=tables, note="Nothing is known of it." if is_empty else section.note)


def _list_sources(book: Book) -> tuple[str, ...]:
    said = [f"measures by the {book.plan.step} and by the day (history)"]
    said.append("journal of alarms" if book.alarms is not None else f"no journal of alarms: {book.why_no_alarms}")
    said.append("quality of feeds" if book.quality else "no quality of feeds")
    said.append("notes of the shifts" if book.notes else "no notes of the shifts")
    return (*said, *book.faults)
