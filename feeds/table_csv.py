"""Any supplier's table as CSV, by a mapping in the feed file: no code for a new one.

Source   comma-separated values (RFC 4180), with another delimiter, encoding or decimal sign where the options say so
Cadence  asked as the feed says; one answer is the whole table
Units    as the mapping says; leaves in ours
Gaps     an empty cell, and each text in `missing`, is unknown; never zero

`docs/feeds/table_csv.md` lists options and reasons; `docs/mapping.md` is the mapping's manual.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import Field, field_validator

from control_room.model import Batch
from feeds.checks import Tally, refuse_too_many
from feeds.feed import Adapter, Feed, PayloadError
from feeds.mapped.options import IDENTITIES
from feeds.mapped.values import Leaf
from feeds.mapping import (
    MappingOptions,
    Reading,
    Row,
    build_batch,
    check,
    list_mapped,
    list_unlisted,
    parse,
    read_record,
)
from feeds.text import clean_text

MAX_COLUMNS: Final = 500
_MARKUP: Final = re.compile(rb"\s*<(?:!doctype|html|\?xml|[a-z]+[\s>])", re.IGNORECASE)


class CsvOptions(MappingOptions):
    """The mapping, and how the table is written."""

    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: str = Field("utf-8", description="of the text; a byte order mark is forgiven")
    skip_lines: int = Field(0, ge=0, le=100, description="lines before the header")
    columns: tuple[str, ...] = Field((), description="names of the columns of a table without a header")

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            info = codecs.lookup(value)
        except LookupError:
            raise ValueError(f"{value!r} is no encoding; write one such as utf-8, cp1252 or utf-16") from None
        # The library has codecs from bytes to bytes too (zlib, hex), and ones that run for a long time.
        if not getattr(info, "_is_text_encoding", False) or info.name in ("idna", "punycode", "unicode_escape"):
            raise ValueError(f"{value!r} is no encoding of text")
        return value


@dataclass(frozen=True, slots=True)
class Body:
    """A table not yet read: how it is written, only the feed knows."""

    content: bytes


def decode(body: bytes) -> Body:
    """The body, when it may be a table.

    Raises:
        PayloadError: empty_body, not_csv (a web page or XML came).
    """
    if not body.removeprefix(b"\xef\xbb\xbf").strip():
        raise PayloadError("empty_body", "the answer has no content")
    if _MARKUP.match(body[:200].removeprefix(b"\xef\xbb\xbf")):
        raise PayloadError("not_csv", "a table was expected; the answer begins as a web page or XML")
    return Body(body)


def observe(decoded: Sequence[Body], feed: Feed, received_at: datetime) -> list[Batch]:
    """Rows of the table in the city's words: one batch of the mapping's kind.

    Raises:
        PayloadError: options_wrong, encoding, not_csv, header_missing,
            header_duplicate, field_missing, too_many_columns, too_many_rows.
    """
    options = parse(CsvOptions, feed)
    reading = Reading(options, feed, received_at)
    tally = Tally()
    rows: list[Row] = []
    for body in decoded:
        lines = _read_lines(body.content, options)
        header = list(options.columns) or _read_header(lines)
        _check_header(header, options)
        if unlisted := list_unlisted(header, options):
            tally.warnings["unlisted_field"] = max(tally.warnings["unlisted_field"], len(unlisted))
        for number, cells in enumerate(lines, 1):
            refuse_too_many(number, feed)
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                tally.reject("cells_mismatch", f"{len(cells)} cells under {len(header)} names in row {number}")
                continue
            record = {name: Leaf(cell.strip()) for name, cell in zip(header, cells, strict=True)}
            rows += read_record(record, reading, tally)
    return [build_batch(rows, options, feed, received_at, tally)]


def _read_lines(content: bytes, options: CsvOptions) -> Iterator[list[str]]:
    try:
        text = content.decode(options.encoding)
    except (UnicodeError, ValueError):
        raise PayloadError("encoding", f"the answer is not {options.encoding}; see the feed's options") from None
    # splitlines() would also break lines at form feeds and the like inside cells.
    file = io.StringIO(text.removeprefix("\ufeff"), newline="")
    for _ in range(options.skip_lines):
        file.readline()
    lines = csv.reader(file, delimiter=options.delimiter, strict=True)
    while True:
        try:
            yield next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            said = f"line {lines.line_num}: {clean_text(str(error), 120)}"
            raise PayloadError("not_csv", f"the table cannot be read at {said}") from None


def _read_header(lines: Iterator[list[str]]) -> list[str]:
    header = [name.strip() for name in next(lines, [])]
    if not any(header):
        raise PayloadError("header_missing", "the first line holds no names of columns")
    return header


def _check_header(header: Sequence[str], options: CsvOptions) -> None:
    if len(header) > MAX_COLUMNS:
        raise PayloadError("too_many_columns", f"{len(header)} columns, at most {MAX_COLUMNS} are read")
    named = [name for name in header if name]
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise PayloadError("header_duplicate", f"two columns are called {clean_text(twice, 60)!r}")
    # A renamed column must not turn quietly into unknowns.
    for column, source in (*options.mapping.items(), *options.quantities.items()):
        if source.attr and not set(source.attr) & set(header):
            there = ", ".join(clean_text(name, 30) or "?" for name in header[:12])
            raise PayloadError("field_missing", f"{column} is from {source.attr[0]!r}; the table has {there}")


ADAPTER = Adapter(
    name="table_csv",
    accept="text/csv, text/plain;q=0.5",
    decode=decode,
    observe=observe,
    kinds=tuple(sorted(IDENTITIES, key=lambda kind: kind != "environment")),
    check_options=lambda feed: check(CsvOptions, feed.options),
    list_published=lambda feed: list_mapped(check(CsvOptions, feed.options)),
)
