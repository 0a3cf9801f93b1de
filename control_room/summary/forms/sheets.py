"""Everything of a summary as plain tables: its figures, its answer, each table, each series. CSV of them.

What is text stays text: a cell that a spreadsheet would take for a formula (it
begins with = + - @ or one of their full-width or small forms, also behind
spaces, or behind a semicolon that another country's spreadsheet parts cells by)
gets an apostrophe before it. Numbers are never touched: -5 in a column of
numbers is a number. Tabs and ends of lines inside of a cell become spaces.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from control_room.summary.contents import Cell, Column, Header, Series, Summary
from control_room.summary.forms.words import SANDBOX, name_file, say_departure

# Reserved for ours; tables of the summary have other names.
ANSWER: Final = "answer"
FIGURES: Final = "figures"

# Zip files keep no zone and nothing before 1980; the same summary must be the same bytes.
_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
# = + - @ and their forms that NFKC makes the same of, and the minus sign.
_DANGER: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207c\u208c\u207a\u208a\u2212"
_FORMULA: Final = re.compile(rf"(^|[;|])(\s*)(?=[{_DANGER}])")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


@dataclass(frozen=True)
class Sheet:
    """One table of plain cells.

    Attributes:
        name: of the file.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def list_sheets(summary: Summary) -> list[Sheet]:
    """The answer and the figures, then each table and each series, in the order of the page."""
    sheets = [_answer(summary), _figures(summary)]
    for section in summary.sections:
        for table in section.tables:
            more = f"The first {len(table.rows)} of {table.of}." if table.of > len(table.rows) else ""
            note = " ".join(words for words in (table.note, more) if words)
            sheets.append(Sheet(table.name, f"{section.title}: {table.title}", table.columns, table.rows, note))
        sheets += [_series(s, section.title) for s in section.series]
    return sheets


def encode_csv(sheet: Sheet, header: Header) -> str:
    """RFC 4180 with the units in the heads; moments as ISO 8601 with the city's offset, nothing where not known.

    The last column says of every row of a simulated city that it is one.
    """
    zone = ZoneInfo(header.zone)
    text = io.StringIO()
    # All text is quoted, so that a cell holds what it holds whatever is in it.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    ribbon = ("data",) if header.simulated else ()
    writer.writerow(
        [*(f"{c.name} ({c.unit})" if c.unit and c.unit != c.name else c.name for c in sheet.columns), *ribbon]
    )
    for row in sheet.rows:
        marks = (SANDBOX,) if header.simulated else ()
        writer.writerow([*(_cell(value, zone) for value in row), *marks])
    return text.getvalue()


def name_csv(sheet: Sheet, header: Header) -> str:
    """ "SANDBOX-2026-11-21-promises.csv"."""
    return f"{SANDBOX + '-' if header.simulated else ''}{header.period.name}-{_fit(sheet.name)}.csv"


def encode_csv_zip(summary: Summary) -> bytes:
    """All tables as CSV in one file; the same summary is the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bundle:
        for sheet in list_sheets(summary):
            entry = zipfile.ZipInfo(f"{name_file(summary)}/{name_csv(sheet, summary.header)}", _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, encode_csv(sheet, summary.header))
    return made.getvalue()


def write_csv(summary: Summary, folder: Path) -> list[Path]:
    """Each table as a file of its own; what they are called.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for sheet in list_sheets(summary):
        path = folder / name_csv(sheet, summary.header)
        path.write_bytes(encode_csv(sheet, summary.header).encode())
        written.append(path)
    return written


def escape_formula(text: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would begin to reckon; on one line."""
    return _FORMULA.sub(r"\1'\2", _CONTROL.sub(" ", text))


def is_formula(text: str) -> bool:
    return _FORMULA.search(_CONTROL.sub(" ", text)) is not None


def _cell(value: Cell, zone: ZoneInfo) -> str | float | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    return escape_formula(value) if isinstance(value, str) else value


def _fit(name: str) -> str:
    """A name that every system takes as a file's."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)


def _answer(summary: Summary) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        ("sentence", s.sort, s.section or None, s.text, s.verdict or None, None) for s in summary.answer.sentences
    ]
    rows += [("decision", d.sort, d.section or None, d.text, None, d.link or None) for d in summary.answer.decisions]
    names = ("part", "sort", "section", "text", "verdict", "link")
    titles = ("Part", "Sort", "Section", "Text", "Verdict", "More")
    columns = tuple(Column(n, t) for n, t in zip(names, titles, strict=True))
    return Sheet(ANSWER, "The answer", columns, tuple(rows))


def _figures(summary: Summary) -> Sheet:
    columns = (
        Column("section", "Section"),
        Column("name", "Name"),
        Column("title", "Figure"),
        Column("value", "Value", "number", decimals=2),
        Column("unit", "Unit"),
        Column("known", "Seen", "number", "%", 1),
        Column("usual_median", "Usual: median", "number", decimals=2),
        Column("usual_low", "Usual: low", "number", decimals=2),
        Column("usual_high", "Usual: high", "number", decimals=2),
        Column("usual_of", "Compared with", "number", decimals=0),
        Column("departure", "Departure"),
        Column("target", "Target", "number", decimals=2),
        Column("target_missed", "Target missed", "yes_no"),
        Column("remarks", "Remarks"),
        Column("source", "Source"),
    )
    return Sheet(FIGURES, "All figures", columns, tuple(_list_figures(summary)))


def _list_figures(summary: Summary) -> Iterator[tuple[Cell, ...]]:
    for section in summary.sections:
        for figure in section.figures:
            usual, target = figure.usual, figure.target
            compared = (usual.median, usual.low, usual.high, usual.weeks) if usual else (None, None, None, None)
            remarks = (figure.why_unknown, figure.why_no_usual, target.source if target else "", figure.note)
            yield (
                section.title,
                figure.name,
                figure.title,
                figure.value,
                figure.unit or None,
                figure.known_percent,
                *compared,
                say_departure(figure) or None,
                target.limit if target else None,
                target.missed if target else None,
                "; ".join(words for words in remarks if words) or None,
                figure.source or None,
            )


def _series(series: Series, section: str) -> Sheet:
    columns = (
        Column("at", "From", "moment"),
        Column("label", series.step.capitalize()),
        Column("value", series.title, "number", series.unit, series.decimals),
        Column("known", "Seen", "number", "%", 1),
        Column("usual_median", "Usual: median", "number", series.unit, series.decimals),
        Column("usual_low", "Usual: low", "number", series.unit, series.decimals),
        Column("usual_high", "Usual: high", "number", series.unit, series.decimals),
    )
    rows = tuple(
        (p.at, p.label, p.value, p.known_percent)
        + ((p.usual.median, p.usual.low, p.usual.high) if p.usual else (None, None, None))
        for p in series.points
    )
    return Sheet(f"by_{series.step}_{series.name}", f"{section}: {series.title} by the {series.step}", columns, rows)
