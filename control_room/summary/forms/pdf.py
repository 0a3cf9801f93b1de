"""A summary as PDF: A4, real text, tagged, PDF/UA-1. Made by Typst in this process: no browser, no screen, no network.

report.typ is how it looks; here is what it says. The date inside of the file is
that of the period's end, so the same summary is the same bytes.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
import typst

from control_room.summary.charts import build_band, build_multiple
from control_room.summary.contents import Cell, Column, Decision, Figure, Header, Section, Series, Summary, Table
from control_room.summary.forms import words
from control_room.summary.forms.markup import to_svg

FONTS: Final = Path(__file__).resolve().parents[3] / "assets" / "fonts"
TEMPLATE: Final = Path(__file__).with_name("report.typ")
UNSHOWN: Final = "\u25a1"  # stands for a character that no font of ours has

# What the fonts have: ours, then those inside of Typst. PDF/UA allows no character without a shape, so one emoji in
# a note would cost the whole report. A test prints each of these and finds one more that fails.
_SHOWN: Final = (
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x386, 0x3CE),
    (0x400, 0x45F),
    (0x1E80, 0x1E85),
    (0x2010, 0x2015),
    (0x2018, 0x201E),
    (0x2020, 0x2022),
    (0x2080, 0x2089),
    (0x2190, 0x2195),
    (0x25A0, 0x25A1),
    (0x25B2, 0x25B3),
    (0x25BC, 0x25BD),
)
_SHOWN_ALONE: Final = "\u2026\u2030\u2032\u2033\u2039\u203a\u2044\u20ac\u2116\u2122\u2212\u221e\u2248\u2260\u2264\u2265\u25c6\u25c7\u25cb\u25cf\u2713"
_NOT: Final = frozenset((0x38B, 0x38D, 0x3A2))
_SPACES: Final = re.compile("[\u2000-\u200a\u202f\u205f\u3000]")
_NOTHING: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")

HEADS: Final = {
    "decisions": "To be decided",
    "glance": "At a glance",
    "section": "Part of the city",
    "said": "What is unusual",
    "figures": ("Figure", "Value", "Against usual", "In words"),
    "how": "How to read this",
}


class ReportError(RuntimeError):
    """The report could not be set; the text says why. A fault of this program: no summary should bring it about."""


def encode_pdf(summary: Summary, base: str = "") -> bytes:
    """The report.

    Args:
        base: address of this control room, for links; empty gives none.

    Raises:
        ReportError: Typst refuses what it was given.
    """
    files = {
        "main.typ": TEMPLATE.read_bytes(),
        "report.json": orjson.dumps(_shown(describe_report(summary, base))),
    }
    try:
        made: bytes = typst.compile(
            files,
            format="pdf",
            font_paths=_fonts(),
            ignore_system_fonts=True,
            pdf_standards=["ua-1"],
            timestamp=int(summary.header.ends.timestamp()),
        )
    except typst.TypstError as error:
        raise ReportError(f"the report of {summary.header.period.name} cannot be set: {error}") from error
    return made


def describe_report(summary: Summary, base: str = "") -> dict[str, Any]:
    """What report.typ shows, as plain text."""
    header, shown = summary.header, words.list_shown(summary)
    sort = {"day": "Daily", "week": "Weekly", "month": "Monthly"}[header.period.sort]
    mark = f"{words.SANDBOX}: " if header.simulated else ""
    name = f"{sort} summary of {header.city}"
    return {
        "document": f"{mark}{name}, {header.title}",
        "authority": header.authority,
        "keywords": [words.SANDBOX] if header.simulated else [],
        "simulated": header.simulated,
        "sandbox": words.SANDBOX_WORDS,
        "running": f"{mark}{name}",
        "foot": header.title,
        "title": f"{header.title}{f' ({header.holiday})' if header.holiday else ''}",
        "known": words.say_known_header(header),
        "sentences": [words.keep(s.text) for s in summary.answer.sentences],
        "decisions": [_decision(d, base) for d in summary.answer.decisions],
        "glance": [_glance(s, shown) for s in summary.sections],
        "sections": [_section(s, header, base) for s in shown],
        "heads": HEADS,
        "how": words.list_how(header),
    }


def _decision(decision: Decision, base: str) -> dict[str, str]:
    return {"text": words.keep(decision.text), "link": words.address(base, decision.link)}


def _glance(section: Section, shown: list[Section]) -> dict[str, Any]:
    """One line of the glance; `link` is empty of a section that is not shown."""
    return {
        "title": section.title,
        "said": words.keep(words.glance(section)),
        "worse": words.has_worse(section),
        "link": section.name if section in shown else "",
    }


def _section(section: Section, header: Header, base: str) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title,
        "note": section.note,
        "figures": [_figure(f, header, base) for f in section.figures],
        "series": [_multiple(s) for s in section.series],
        "tables": [_table(t, header, base) for t in section.tables],
    }


def _figure(figure: Figure, header: Header, base: str) -> dict[str, Any]:
    band = build_band(figure)
    return {
        "title": figure.title,
        "value": words.keep(words.say_value(figure)),
        "link": words.address(base, figure.link),
        "said": [
            {"text": line.text, "strong": line.is_strong, "quiet": line.is_quiet}
            for line in words.list_said(figure, header)
        ],
        "picture": None if band is None else {"svg": to_svg(band), "alt": words.say_figure(figure, header)},
    }


def _multiple(series: Series) -> dict[str, Any]:
    svg = to_svg(build_multiple(series))
    title = words.say_titled(series.title, series.unit)
    return {"title": title, "picture": {"svg": svg, "alt": words.say_series(series)}}


def _table(table: Table, header: Header, base: str) -> dict[str, Any]:
    # Links take room on paper and cannot be followed there; in the file they are behind a word.
    kept = [i for i, c in enumerate(table.columns) if c.sort != "link" or base]
    columns = [table.columns[i] for i in kept]
    note = " ".join(w for w in (table.note, words.say_rows(len(table.rows), table.of)) if w)
    return {
        "title": table.title,
        "note": note,
        "columns": [
            {
                "title": words.head_of(c),
                "number": c.sort == "number",
                "wide": _is_wide(c, [row[i] for row in table.rows]),
            }
            for i, c in zip(kept, columns, strict=True)
        ],
        "rows": [[_cell(row[i], c, header, base) for i, c in zip(kept, columns, strict=True)] for row in table.rows],
    }


def _is_wide(column: Column, cells: list[Cell]) -> bool:
    """Whether the column shares the room that is left: one with longer text."""
    return column.sort == "text" and any(isinstance(c, str) and len(c) > 18 for c in cells)


def _cell(value: Cell, column: Column, header: Header, base: str) -> str | dict[str, str]:
    if column.sort == "link" and isinstance(value, str):
        return {"text": column.title, "link": words.address(base, value)}
    return words.say_cell(value, column, header)


@cache
def _fonts() -> Any:
    return typst.Fonts(include_system_fonts=False, font_paths=[str(FONTS)])


def _shown(value: Any) -> Any:
    """The same with text that the fonts can show."""
    if isinstance(value, str):
        return shown_text(value)
    if isinstance(value, dict):
        # A picture's own text is figures and hours of ours.
        return {k: v if k == "svg" else _shown(v) for k, v in value.items()}
    return [_shown(v) for v in value] if isinstance(value, list | tuple) else value


def shown_text(text: str) -> str:
    """The text with each character that no font has as an empty box; ends of lines as spaces."""
    text = _NOTHING.sub("", _SPACES.sub("\u00a0", unicodedata.normalize("NFC", text)))
    return "".join(c if is_shown(ord(c)) else " " if c.isspace() else UNSHOWN for c in text)


def is_shown(code: int) -> bool:
    """Whether the fonts have that character."""
    if chr(code) in _SHOWN_ALONE:
        return True
    return code not in _NOT and any(first <= code <= last for first, last in _SHOWN)
