"""A summary as a spreadsheet: one sheet a table, numbers as numbers, moments by the city's clock, text as text.

Text that looks like a formula is written as text and marked as such (Excel's
own quote prefix), so that it stays text when somebody edits the cell.
"""

from __future__ import annotations

import io
import re
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from control_room.summary.contents import Cell, Column, Summary
from control_room.summary.forms.sheets import Sheet, is_formula, list_sheets
from control_room.summary.forms.words import SANDBOX_WORDS, head_of, say_known_header, say_made_from

_NAME_MOST: Final = 31  # characters of a sheet's name, by the format
_CELL_MOST: Final = 32_767
_HEAD_ROW: Final = 3
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def encode_xlsx(summary: Summary) -> bytes:
    """The workbook; the same summary is the same bytes."""
    made = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(made, {**options, "default_date_format": "yyyy-mm-dd hh:mm"})
    header = summary.header
    book.set_properties(
        {
            "title": f"{header.city}: {header.title}",
            "subject": SANDBOX_WORDS if header.simulated else "Summary of the control room",
            "author": header.authority,
            # That of the period, not of the making.
            "created": header.ends.replace(tzinfo=None),
        }
    )
    formats = _Formats(book)
    names: set[str] = set()
    for sheet in list_sheets(summary):
        _write(book.add_worksheet(_name(sheet.name, names)), sheet, summary, formats)
    book.close()
    return made.getvalue()


class _Formats:
    """Each format once; a workbook keeps all that are ever made."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def of(self, **look: Any) -> Format:
        key = tuple(sorted(look.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({"font_name": "Arial", "font_size": 10, "valign": "top", **look})
        return self._made[key]


def _write(page: Worksheet, sheet: Sheet, summary: Summary, formats: _Formats) -> None:
    header = summary.header
    title = f"{header.city}, {header.title}: {sheet.title}"
    page.write_string(0, 0, _clean(title), formats.of(bold=True, font_size=12))
    about = [SANDBOX_WORDS] if header.simulated else []
    about += [say_known_header(header), say_made_from(header), sheet.note]
    page.write_string(1, 0, _clean(" ".join(words for words in about if words)), formats.of(bold=header.simulated))
    widths = [len(head_of(c)) for c in sheet.columns]
    for place, column in enumerate(sheet.columns):
        look = {"bold": True, "bottom": 1, "text_wrap": True}
        align = {"align": "right"} if column.sort == "number" else {}
        page.write_string(_HEAD_ROW, place, _clean(head_of(column)), formats.of(**look, **align))
    zone = ZoneInfo(header.zone)
    for number, row in enumerate(sheet.rows, _HEAD_ROW + 1):
        for place, (value, column) in enumerate(zip(row, sheet.columns, strict=True)):
            _write_cell(page, number, place, value, column, zone, formats)
            widths[place] = max(widths[place], len(str(value)) if isinstance(value, str) else 9)
    for place, (width, column) in enumerate(zip(widths, sheet.columns, strict=True)):
        page.set_column(place, place, 17 if column.sort == "moment" else min(60, max(8, width + 2)))
    page.freeze_panes(_HEAD_ROW + 1, 0)
    if sheet.rows:
        page.autofilter(_HEAD_ROW, 0, _HEAD_ROW + len(sheet.rows), len(sheet.columns) - 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(_HEAD_ROW)
    page.set_header(f"&L{_plain(header.city)}&R{'SANDBOX' if header.simulated else ''}")
    page.set_footer("&RPage &P of &N")


def _write_cell(
    page: Worksheet, row: int, place: int, value: Cell, column: Column, zone: ZoneInfo, formats: _Formats
) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        page.write_boolean(row, place, value, formats.of())
    elif isinstance(value, datetime):
        # Spreadsheets know no zones: the city's own clock, as the head of the sheet's page says.
        local = value.astimezone(zone).replace(tzinfo=None)
        page.write_datetime(row, place, local, formats.of(num_format="yyyy-mm-dd hh:mm"))
    elif isinstance(value, str):
        text = _clean(value)
        look = {"text_wrap": True} | ({"quote_prefix": True} if is_formula(text) else {})
        page.write_string(row, place, text, formats.of(**look))
    else:
        page.write_number(row, place, value, formats.of(num_format=_number_format(column.decimals)))


def _number_format(decimals: int) -> str:
    return f"#,##0.{'0' * decimals}" if decimals else "#,##0"


def _clean(text: str) -> str:
    return _NO_XML.sub("", text)[:_CELL_MOST]


def _plain(text: str) -> str:
    """In a page's header & begins a command."""
    return _clean(text).replace("&", "&&")[:100]


def _name(name: str, taken: set[str]) -> str:
    """A sheet's name: 31 characters, none of []:*?/\\, and no two alike."""
    base = re.sub(r"[\[\]:*?/\\']", "_", name)[:_NAME_MOST]
    found, number = base, 2
    while found.casefold() in taken:
        tail = f"_{number}"
        found, number = base[: _NAME_MOST - len(tail)] + tail, number + 1
    taken.add(found.casefold())
    return found
