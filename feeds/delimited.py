"""Comma-separated text from outside, read a column at a time under limits."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from feeds.feed import PayloadError
from feeds.text import clean_text

# The widest real file seen has 26 columns.
MAX_COLUMNS: Final = 60
MAX_LINES: Final = 500_000
_MAX_HEADER: Final = 8_192


@dataclass(frozen=True, slots=True)
class Lines:
    """A file with a header.

    Attributes:
        header: names of its columns, stripped.
        rows: as many texts each as the header has names.
        uneven: how many lines had another number of fields and were left out.
    """

    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    uneven: int


def find_header(body: bytes) -> tuple[str, ...]:
    """Names in the first line; empty when that is no plausible header. Cheap: reads one line."""
    first = body[:_MAX_HEADER].removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    try:
        text = first.decode("utf-8")
    except UnicodeDecodeError:
        return ()
    names = tuple(name.strip().strip('"') for name in text.split(","))
    return names if 1 < len(names) <= MAX_COLUMNS else ()


def read_lines(body: bytes) -> Lines:
    """The lines of this text.

    Raises:
        PayloadError: empty_body, not_text (no UTF-8), not_csv (no header, a web page,
            a quote that never ends), too_many_rows.
    """
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise PayloadError("not_text", f"UTF-8 text was expected; byte {error.start} is none") from None
    if not text:
        raise PayloadError("empty_body", "the answer has no content")
    if text[0] in "<{[":
        raise PayloadError("not_csv", f"a line of column names was expected; the body starts {clean_text(text[:40])!r}")
    reader = csv.reader(io.StringIO(text, newline=""))
    rows: list[list[str]] = []
    uneven = 0
    try:
        header = tuple(name.strip() for name in next(reader))
        if not 1 < len(header) <= MAX_COLUMNS:
            raise PayloadError("not_csv", f"a line of column names was expected; {clean_text(text[:40])!r} came")
        for row in reader:
            if len(row) != len(header):
                uneven += bool(row)
            else:
                rows.append(row)
            if len(rows) + uneven > MAX_LINES:
                raise PayloadError("too_many_rows", f"more than {MAX_LINES} lines")
    except csv.Error as error:
        raise PayloadError("not_csv", f"line {reader.line_num}: {clean_text(str(error), 120)}") from None
    return Lines(header, rows, uneven)
