"""Tables of single things: fleets, cells, services, categories, estates, routes, stations; events; notes. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from control_room.history.measures import Measure, get_measure, value_of
from control_room.summary.book import Amount, Book
from control_room.summary.contents import Cell, Column, Section, Table
from control_room.summary.wanted import THINGS, TITLES
from control_room.summary.words import join_words, say_count, say_number

MOST_ROWS: Final = 15
# The columns that a table is ordered by where the first is not the one; the greatest first.
_LEAST_FIRST: Final = frozenset(("transport.on_time_percent",))
_FLEETS: Final = {"robot": "delivery robots", "bus": "buses", "shuttle": "shuttles", "drone": "drones", "scooter": "hire scooters", "bike": "hire bicycles", "car": "hire cars"}  # fmt: skip


def list_tables(section: str, book: Book) -> tuple[Table, ...]:
    """The tables of that section's single things."""
    return tuple(
        _build(name, title, first, sort, measures, book)
        for of, name, title, first, sort, measures in THINGS
        if of == section
    )


def _build(name: str, title: str, first: str, sort: str, measures: tuple[str, ...], book: Book) -> Table:
    columns = (Column("name", first), *(_column(get_measure(m)) for m in measures))
    keys = sorted({key for measure, key in book.things if measure in measures and _is_of(key, sort)})
    rows = [(_say(key, sort), *(_value(get_measure(m), book.things.get((m, key)), book) for m in measures)) for key in keys]  # fmt: skip
    is_least = measures[0] in _LEAST_FIRST
    rows.sort(key=lambda row: _rank(row[1], is_least))
    note = "" if rows else "nothing of them is known in this period"
    return Table(name, title, columns, tuple(rows[:MOST_ROWS]), len(rows), note)


def _is_of(key: str, sort: str) -> bool:
    if sort.endswith(":"):
        return key.startswith(sort)
    # Stations go by names such as urn:ngsi-ld:…
    return "|" not in key and (sort == "station" or ":" not in key)


def _say(key: str, sort: str) -> str:
    bare = key.removeprefix(sort) if sort.endswith(":") else key
    if sort == "station":
        return bare.rpartition(":")[2]
    return _FLEETS.get(bare, bare.replace("_", " ")) if sort == "type" else bare


def _column(measure: Measure) -> Column:
    return Column(measure.name, measure.title, "number", measure.unit, _decimals(measure))


def _decimals(measure: Measure) -> int:
    return max(measure.decimals, 1) if measure.made == "level" else measure.decimals


def _value(measure: Measure, amount: Amount | None, book: Book) -> float | None:
    if amount is None:
        if not measure.happens:
            return None
        # Of what happens a thing without a row had nothing, where the whole city was watched.
        whole = book.amount(measure.name)
        return 0.0 if measure.made == "total" and whole is not None and whole.known_s > 0 else None
    value = value_of(measure.made, amount.total, amount.weight)
    return value if value == value else None


def _rank(value: Cell, is_least: bool) -> tuple[bool, float]:
    number = float(value) if isinstance(value, int | float) else None
    return (number is None, 0.0 if number is None else number if is_least else -number)


def build_events(book: Book) -> Section:
    """What was planned in the period, and the city's holidays in it."""
    columns = (
        Column("title", "Event"),
        Column("category", "Sort"),
        Column("venue", "Where"),
        Column("from", "From", "moment"),
        Column("until", "Until", "moment"),
        Column("people", "Expected", "number", "people"),
    )
    rows = tuple(
        (
            event["title"] or event["event_key"],
            event["category"],
            event["venue"],
            _moment(event["starts_s"]),
            _moment(event["ends_s"]),
            event["expected_people"],
        )
        for event in book.events
    )
    holidays = find_holidays(book)
    note = f"{join_words(holidays)} fell in this {book.period.sort}." if holidays and book.period.sort != "day" else ""
    note = f"A holiday: {holidays[0]}." if holidays and not note else note
    table = Table("events", "Planned events", columns, rows, len(rows), "" if rows else "no event is known of")
    title = TITLES["events"] if book.period.sort == "day" else f"Events of the {book.period.sort}"
    return Section("events", title, tables=(table,), note=note)


def find_holidays(book: Book) -> list[str]:
    """Names of the holidays in the period."""
    return [book.city.holidays[day] for day in book.period.days if day in book.city.holidays]


def build_notes(book: Book) -> Section:
    """Notes of the shifts, without the names of those who wrote them."""
    columns = (
        Column("at", "Written", "moment"),
        Column("about", "About"),
        Column("text", "Note"),
        Column("state", "At the end"),
        Column("added", "Additions", "number"),
    )
    rows = tuple(
        (
            note.at.astimezone(UTC),
            f"{note.about.replace('_', ' ')} {note.label}".strip(),
            note.text,
            note.state(book.ends),
            len(note.entries) - 1,
        )
        for note in sorted(book.notes, key=lambda n: (n.at, n.number))
    )
    written = sum(book.begins <= note.at for note in book.notes)
    text = f"{say_count(written, 'note')} written, {say_number(len(rows) - written)} open from before." if rows else ""
    table = Table("notes", "Notes", columns, rows, len(rows), "" if rows else "no notes")
    return Section("notes", TITLES["notes"], tables=(table,), note=text)


def _moment(at_s: float | None) -> datetime | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)
