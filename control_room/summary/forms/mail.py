"""A summary as a letter: subject, plain text, and HTML that every mail program shows.

Outlook draws letters with Word's own engine: so there are tables and inline
styles only, no pictures, no SVG, no scripts, nothing fetched from anywhere. The
dot against what is usual is a row of cells. Without any styles the letter reads
from top to bottom as well. On a narrow screen figures stand under their names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from email.message import EmailMessage
from itertools import groupby
from typing import Final

from control_room.summary.contents import Decision, Figure, Header, Section, Summary, Table
from control_room.summary.forms import words
from control_room.summary.forms.markup import Child, Element, el, to_html
from control_room.summary.words import say_count

WIDTH_PX: Final = 640
# One mail program cuts letters off at 102 kB of HTML.
BYTES_MOST: Final = 100_000
ROWS_MOST: Final = 5  # of a table; the page has all
# Those that are read every morning; the page and the attached report have all of them.
TABLES_OF: Final = ("alarms", "suppliers", "events", "notes")
# Of the picture.
PLACES: Final = 24
PLACE_PX: Final = 7

INK, SOFT, HAIR, GROUND, BAND, WORSE = "#1b2127", "#46515a", "#cdd3d8", "#ffffff", "#c9ced3", "#762e01"
_FONT: Final = "Arial,Helvetica,sans-serif"
_PLAIN: Final = {"role": "presentation", "cellpadding": "0", "cellspacing": "0", "border": "0", "width": "100%"}
# Word ignores max-width: for it alone the letter stands in a table of fixed width.
_FOR_WORD: Final = (
    f'<!--[if mso]><table role="presentation" width="{WIDTH_PX}" align="center" cellpadding="0" cellspacing="0"><tr><td><![endif]-->',
    "<!--[if mso]></td></tr></table><![endif]-->",
)


@dataclass(frozen=True)
class Mail:
    """A letter without its envelope."""

    subject: str
    text: str
    html: str

    def message(self) -> EmailMessage:
        """Both parts as one message; who it is from and to is still to be said."""
        made = EmailMessage()
        made["Subject"] = self.subject
        made.set_content(self.text)
        made.add_alternative(self.html, subtype="html")
        return made


def build_mail(summary: Summary, base: str = "") -> Mail:
    """The letter.

    Args:
        base: address of this control room, for links; empty gives none.
    """
    return Mail(build_subject(summary), build_text(summary, base), build_html(summary, base))


def build_subject(summary: Summary) -> str:
    """ "SANDBOX Milton Keynes, Saturday 21 November 2026: Robots made …": the answer begins in the list of letters."""
    header, sentences = summary.header, summary.answer.sentences
    mark = f"{words.SANDBOX} " if header.simulated else ""
    first = f": {sentences[0].text}" if sentences else ""
    text = " ".join(f"{mark}{header.city}, {header.title}{first}".split())
    return text if len(text) <= 150 else f"{text[:149].rstrip()}…"


def build_text(summary: Summary, base: str = "") -> str:
    """The plain text: what the HTML says, but for tables."""
    header = summary.header
    lines = [f"*** {words.SANDBOX_WORDS} ***", ""] if header.simulated else []
    lines += [f"{header.city}, {header.title}", ""]
    lines += [_one_line(s.text) for s in summary.answer.sentences]
    if summary.answer.decisions:
        lines += ["", "TO BE DECIDED", *(f"- {_decide(d, base)}" for d in summary.answer.decisions)]
    lines += ["", words.say_known_header(header)]
    for section in words.list_shown(summary):
        lines += ["", section.title.upper()]
        lines += [_one_line(section.note)] if section.note else []
        lines += [f"- {_one_line(words.say_figure(f, header))}" for f in section.figures]
        lines += [f"- {_one_line(t.title)}: {t.of:,}" for t in section.tables if t.of]
    if base:
        lines += ["", f"All of it: {words.address(base, _path(header))}"]
    return "\n".join([*lines, "", words.say_made_from(header), ""])


def build_html(summary: Summary, base: str = "") -> str:
    """The HTML part; a whole document. Where it would be too heavy, what is as usual is told in a line, then no tables."""
    html = _build_whole(summary, base)
    for lighten in (_without_usual, _without_tables):
        if len(html.encode()) <= BYTES_MOST:
            break
        summary = replace(summary, sections=tuple(map(lighten, summary.sections)))
        html = _build_whole(summary, base)
    return html


def _without_usual(section: Section) -> Section:
    kept = tuple(f for f in section.figures if words.is_far_off(f) or words.is_missed(f) or f.value is None)
    more = len(section.figures) - len(kept)
    told = f"On the page: {say_count(more, 'other figure')}, none known to be far from usual." if more else ""
    return replace(section, figures=kept, note=" ".join(text for text in (section.note, told) if text))


def _without_tables(section: Section) -> Section:
    return replace(section, tables=())


def _build_whole(summary: Summary, base: str) -> str:
    header = summary.header
    sentences = [words.keep(s.text) for s in summary.answer.sentences]
    rows: list[Child] = []
    if header.simulated:
        rows.append(_row(_p(words.SANDBOX_WORDS, "color:#ffffff;font-weight:bold;margin:0;"), INK))
    rows.append(_row(_p(f"{header.city}, {header.title}", f"color:{SOFT};margin:0 0 6px;")))
    for number, text in enumerate(sentences):
        style = f"{_cell_font(20)}font-weight:bold;margin:0 0 8px;"
        rows.append(_row(el("h1", {"style": style}, text) if number == 0 else _p(text)))
    if summary.answer.decisions:
        rows.append(_row(_h2("To be decided")))
        rows += [_row(_decision(d, base)) for d in summary.answer.decisions]
    rows.append(_row(_p(words.say_known_header(header), f"color:{SOFT};")))
    for section in words.list_shown(summary):
        rows += _section(section, header, base)
    if base:
        rows.append(
            _row(_p("", "", _link("The whole page, with charts and tables", words.address(base, _path(header)))))
        )
    rows.append(_row(_p(words.say_made_from(header), f"color:{SOFT};font-size:12px;")))
    inside = el("table", {**_PLAIN, "style": f"max-width:{WIDTH_PX}px;margin:0 auto;background:{GROUND};"}, *rows)
    ground = el("td", {"align": "center", "style": "padding:12px 8px;"}, inside)
    body = to_html(el("table", {**_PLAIN, "bgcolor": "#e9ebed"}, el("tr", None, ground)))
    at = body.index("<table", 1)
    body = f"{body[:at]}{_FOR_WORD[0]}{body[at : body.rindex('</td></tr></table>')]}{_FOR_WORD[1]}</td></tr></table>"
    # Beside the subject in a list of letters; not seen in the letter itself.
    ahead = _p(" ".join(sentences[1:3]), "display:none;max-height:0;overflow:hidden;mso-hide:all;")
    return f"{_head(build_subject(summary))}{to_html(ahead)}{body}</body></html>\n"


def _head(title: str) -> str:
    told = to_html(el("title", None, title))
    # Only what widens a narrow screen's reading; a program that drops it shows the same in columns.
    style = (
        "@media only screen and (max-width:480px){.c{display:block!important;width:auto!important}"
        ".c+.c{padding-top:0!important;border-top:0!important}.c{padding-bottom:2px!important}}"
    )
    return (
        '<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light"><meta name="supported-color-schemes" content="light">'
        f'{told}<style>{style}</style></head><body style="margin:0;padding:0;background:#e9ebed;">'
    )


def _section(section: Section, header: Header, base: str) -> list[Child]:
    rows: list[Child] = [_row(_h2(section.title))]
    if section.note:
        rows.append(_row(_p(section.note)))
    if section.figures:
        lines = [_figure(figure, header, base) for figure in section.figures]
        rows.append(_row(el("table", _PLAIN, *lines)))
    if section.name in TABLES_OF:
        rows += [_row(_table(table, header, base)) for table in section.tables if table.rows]
    return rows


def _figure(figure: Figure, header: Header, base: str) -> Element:
    """Name and value, then the picture with the words."""
    edge = f"border-top:1px solid {HAIR};padding:7px 0;vertical-align:top;"
    name = _link(figure.title, words.address(base, figure.link))
    said: list[Child] = []
    for line in words.list_said(figure, header):
        plain = el("span", {"style": f"color:{SOFT};"}, line.text) if line.is_quiet else line.text
        said += [el("br") if said else None, el("b", None, line.text) if line.is_strong else plain]
    return el(
        "tr",
        None,
        el("td", {"class": "c", "width": "34%", "style": f"{_cell_font(14)}{edge}"}, name),
        el(
            "td",
            {"class": "c", "width": "22%", "style": f"{_cell_font(14)}{edge}font-weight:bold;padding-right:10px;"},
            words.say_value(figure),
        ),
        el("td", {"class": "c", "width": "44%", "style": f"{_cell_font(13)}{edge}"}, _picture(figure), *said),
    )


def _picture(figure: Figure) -> Element | None:
    """The dot against what is usual as a row of cells; None where there is nothing to hold it against."""
    usual, target, value = figure.usual, figure.target, figure.value
    if value is None or not math.isfinite(value) or (usual is None and target is None):
        return None
    marks = [value, *((usual.low, usual.high) if usual else ()), *((target.limit,) if target else ())]
    low, span = min(marks), float(max(marks) - min(marks)) or max(abs(max(marks)), 1.0)

    def place(mark: float) -> int:
        return 1 + int((PLACES - 3) * (mark - low) / span + 0.5)

    band = range(place(usual.low), place(usual.high) + 1) if usual else range(0)
    unusual = words.is_far_off(figure) or words.is_missed(figure)
    sign = ("◆" if unusual else "○" if figure.departure in ("too_few", "unknown") else "●") + "︎"
    signs = {place(target.limit): "|"} if target else {}
    signs[place(value)] = sign
    cells = []
    places = [(BAND if number in band else GROUND, signs.get(number, " ")) for number in range(PLACES)]
    for (ground, text), alike in groupby(places):
        colour = WORSE if words.is_worse(figure) and text == sign else INK
        wide = PLACE_PX * len(list(alike))
        style = f"font:12px/12px Arial,sans-serif;color:{colour};text-align:center"
        cells.append(el("td", {"bgcolor": ground, "width": f"{wide}", "height": "12", "style": style}, text))
    # The words beside it say the same: who listens is not read these cells.
    look = {**_PLAIN, "width": f"{PLACE_PX * PLACES}", "aria-hidden": "true", "style": "margin:3px 0"}
    return el("table", look, el("tr", None, *cells))


def _table(table: Table, header: Header, base: str) -> Element:
    kept = [i for i, c in enumerate(table.columns) if c.sort != "link" or base]
    shown = table.rows[:ROWS_MOST]
    more = words.say_rows(len(shown), table.of)
    caption = "; ".join(w for w in (table.title, more, table.note) if w)
    style = f"{_cell_font(13)}border-top:1px solid {HAIR};padding:4px 8px 4px 0;vertical-align:top;"
    heads = []
    for i in kept:
        column = table.columns[i]
        align = "right" if column.sort == "number" else "left"
        look = {"scope": "col", "align": align, "style": f"{style}color:{SOFT};font-weight:normal;"}
        heads.append(el("th", look, words.head_of(column)))
    lines = []
    for row in shown:
        cells = []
        for i in kept:
            column, value = table.columns[i], row[i]
            if column.sort == "link" and isinstance(value, str):
                content: Child = _link(column.title, words.address(base, value))
            else:
                content = words.say_cell(value, column, header)
            align = "right" if column.sort == "number" else "left"
            wrap = {"text": "word-break:break-word;", "link": ""}.get(column.sort, "white-space:nowrap;")
            cells.append(el("td", {"align": align, "style": f"{style}{wrap}"}, content))
        lines.append(el("tr", None, *cells))
    title = el(
        "caption",
        {"align": "left", "style": f"{_cell_font(14)}font-weight:bold;text-align:left;padding:10px 0 4px;"},
        caption,
    )
    grid = {"cellpadding": "0", "cellspacing": "0", "border": "0", "width": "100%"}
    return el("table", grid, title, el("thead", None, el("tr", None, *heads)), el("tbody", None, *lines))


def _decision(decision: Decision, base: str) -> Element:
    link = words.address(base, decision.link)
    style = f"{_cell_font(14)}margin:0 0 6px;padding-left:10px;border-left:4px solid {INK};"
    return el(
        "p", {"style": style}, words.keep(decision.text), " " if link else None, _link("More", link) if link else None
    )


def _decide(decision: Decision, base: str) -> str:
    link = words.address(base, decision.link)
    return _one_line(f"{decision.text} {link}".rstrip())


def _row(content: Element, ground: str = GROUND) -> Element:
    style = f"padding:6px 16px;background:{ground};"
    return el("tr", None, el("td", {"bgcolor": ground, "style": style}, content))


def _p(text: str, style: str = "", *children: Child) -> Element:
    return el("p", {"style": f"{_cell_font(14)}margin:0 0 6px;{style}"}, text, *children)


def _h2(text: str) -> Element:
    return el("h2", {"style": f"{_cell_font(16)}font-weight:bold;margin:14px 0 2px;"}, text)


def _link(text: str, address: str) -> Child:
    return el("a", {"href": address, "style": f"color:{INK};"}, text) if address else text


def _cell_font(size: int) -> str:
    return f"font:{size}px/{size + 5}px {_FONT};color:{INK};"


def _path(header: Header) -> str:
    return f"/daily/{header.period.name}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
