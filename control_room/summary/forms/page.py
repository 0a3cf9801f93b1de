"""A summary as a page: the answer first, then what needs a decision, each part at a glance, then all figures.

    build_content(summary, base)    the parts of the page that are of the summary, for /daily/… (layouts/screens/daily.py)
    build_page(summary, base)       a page in one file, with its styles inside; nothing is fetched for it

No script is needed to read it. Links lead to `base`; an empty one is the server
that the page came from, so a page of its own needs a whole address for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from control_room.summary.charts import build_band, build_multiple
from control_room.summary.contents import Cell, Column, Decision, Figure, Header, Point, Section, Series, Summary, Table
from control_room.summary.forms import words
from control_room.summary.forms.markup import Child, Element, el, to_html
from control_room.summary.words import say_number

ASSETS: Final = Path(__file__).resolve().parents[3] / "assets"
# What the page looks like, in the order in which it counts.
STYLES: Final = ("10-tokens.css", "30-base.css", "56-daily.css")


def build_page(summary: Summary, base: str = "") -> str:
    """The page as one file.

    Args:
        base: address of this control room, for links; empty gives none.
    """
    head = [el("style", None, read_styles())]
    content = build_content(summary, base, is_alone=not base)
    main = el("main", {"class": "daily-page"}, *content)
    return document(title_of(summary.header), head, [main], summary.header.simulated)


def document(title: str, head: list[Element], body: list[Element], simulated: bool) -> str:
    """The HTML around a page's parts."""
    page = el(
        "html",
        {"lang": "en-GB", "data-theme": "light"},
        el(
            "head",
            None,
            el("meta", {"charset": "utf-8"}),
            el("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
            el("meta", {"name": "color-scheme", "content": "light dark"}),
            el("title", None, f"{words.SANDBOX} {title}" if simulated else title),
            *head,
        ),
        el("body", {"class": "daily"}, *([build_ribbon()] if simulated else []), *body),
    )
    return f"<!DOCTYPE html>\n{to_html(page)}\n"


def title_of(header: Header) -> str:
    return f"{header.city}, {header.title}"


def read_styles() -> str:
    """The stylesheets as one text; without the font, which stands in a file of its own."""
    sheets = [(ASSETS / name).read_text(encoding="utf-8") for name in STYLES]
    text = "\n".join(sheets)
    begin = text.index("@font-face")
    return text[:begin] + text[text.index("}", begin) + 1 :]


def build_ribbon() -> Element:
    """Over the corner of a page of the simulated city; the words stand in the page."""
    return el("div", {"class": "ribbon", "aria-hidden": "true"}, el("span", None, words.SANDBOX))


def build_content(summary: Summary, base: str = "", is_alone: bool = False) -> list[Element]:
    """The answer, what is to be decided, the glance and the sections.

    Args:
        is_alone: whether there is no server that a link could lead to: then there are none.
    """
    header, link = summary.header, _Links(base, is_alone)
    return [
        _answer(summary, link),
        _glance(summary),
        *(_section(section, header, link) for section in words.list_shown(summary)),
        el(
            "section",
            {"class": "daily-how", "aria-labelledby": "how"},
            el("h2", {"id": "how"}, "How to read this"),
            *(el("p", None, text) for text in words.list_how(header)),
        ),
    ]


class _Links:
    """Makes a text a link where there is something to lead to."""

    def __init__(self, base: str, is_alone: bool) -> None:
        self._base = base.rstrip("/")
        self._is_alone = is_alone

    def __call__(self, text: str, path: str) -> Child:
        if self._is_alone or not path.startswith("/") or path.startswith("//"):
            return text
        return el("a", {"href": f"{self._base}{path}"}, text)

    @property
    def are_none(self) -> bool:
        return self._is_alone


def _answer(summary: Summary, link: _Links) -> Element:
    header, sentences = summary.header, summary.answer.sentences
    first = [el("p", {"class": "daily-first"}, words.keep(sentence.text)) for sentence in sentences[:1]]
    others = [el("p", {"class": "daily-said"}, words.keep(sentence.text)) for sentence in sentences[1:]]
    holiday = f" ({header.holiday})" if header.holiday else ""
    decisions = [_decision(decision, link) for decision in summary.answer.decisions]
    return el(
        "section",
        {"class": "daily-answer", "aria-labelledby": "period"},
        el("h1", {"id": "period"}, f"{header.title}{holiday}"),
        *first,
        *others,
        *([el("h2", None, "To be decided"), el("ul", {"class": "daily-decisions"}, *decisions)] if decisions else []),
        el("p", {"class": "daily-sandbox"}, words.SANDBOX_WORDS) if header.simulated else None,
        el("p", {"class": "daily-known"}, words.say_known_header(header)),
    )


def _decision(decision: Decision, link: _Links) -> Element:
    more = link("Look", decision.link)
    return el("li", None, words.keep(decision.text), *((" ", more) if not isinstance(more, str) else ()))


def _glance(summary: Summary) -> Element:
    lines = []
    shown = words.list_shown(summary)
    for section in summary.sections:
        name: Child = el("a", {"href": f"#{section.name}"}, section.title) if section in shown else section.title
        said = words.keep(words.glance(section))
        told: Child = el("b", None, said) if words.has_worse(section) else said
        lines.append(el("tr", None, el("th", {"scope": "row"}, name), el("td", None, told)))
    return el(
        "section",
        {"class": "daily-glance", "aria-labelledby": "glance"},
        el("h2", {"id": "glance"}, "At a glance"),
        el("table", None, el("tbody", None, *lines)),
    )


def _section(section: Section, header: Header, link: _Links) -> Element:
    parts: list[Child] = [el("h2", {"id": section.name}, section.title)]
    if section.note:
        parts.append(el("p", {"class": "daily-note"}, section.note))
    if section.figures:
        parts.append(_figures(section, header, link))
    if section.series:
        parts.append(el("div", {"class": "daily-multiples"}, *(_multiple(s, header, link) for s in section.series)))
    parts += [_table(table, header, link) for table in section.tables]
    return el("section", {"class": "daily-section", "aria-labelledby": section.name}, *parts)


def _figures(section: Section, header: Header, link: _Links) -> Element:
    """On a narrow screen its cells stand beneath each other; the roles say that it is a table all the same."""
    heads = [
        el("th", {"scope": "col", "role": "columnheader"}, text)
        for text in ("Figure", "Value", "Against usual", "In words")
    ]
    rows = [_figure(figure, header, link) for figure in section.figures]
    return el(
        "table",
        {"class": "daily-figures", "role": "table"},
        el("caption", {"class": "unseen"}, f"{section.title}: figures"),
        el("thead", {"role": "rowgroup"}, el("tr", {"role": "row"}, *heads)),
        el("tbody", {"role": "rowgroup"}, *rows),
    )


def _figure(figure: Figure, header: Header, link: _Links) -> Element:
    said = [
        el("b" if line.is_strong else "span", {"class": "daily-remark" if line.is_quiet else None}, line.text)
        for line in words.list_said(figure, header)
    ]
    return el(
        "tr",
        {"role": "row"},
        el("th", {"scope": "row", "role": "rowheader"}, link(figure.title, figure.link)),
        el("td", {"role": "cell", "class": "daily-value"}, words.say_value(figure)),
        el("td", {"role": "cell", "class": "daily-picture"}, build_band(figure)),
        el("td", {"role": "cell", "class": "daily-words"}, *said),
    )


def _multiple(series: Series, header: Header, link: _Links) -> Element:
    title = words.say_titled(series.title, series.unit)
    told = words.say_series(series)
    return el(
        "figure",
        {"class": "daily-multiple"},
        el("figcaption", None, el("b", None, title), el("span", {"class": "unseen"}, f". {told}")),
        build_multiple(series),
        el("details", None, el("summary", None, f"{title}: as a table"), _points(series, title, header, link)),
    )


def _points(series: Series, title: str, header: Header, link: _Links) -> Element:
    """The table behind a small multiple; each hour leads into the timeline, each day to its own page."""
    rows = []
    for point in series.points:
        usual = point.usual
        value = words.say_known_value(point.value, "", series.decimals)
        ends = (say_number(v, series.decimals) for v in (usual.low, usual.high)) if usual else (words.REASON,)
        rows.append(
            el(
                "tr",
                None,
                el("th", {"scope": "row"}, link(point.label, _path_of(point, series, header))),
                el("td", {"class": "number"}, el("b", None, value) if words.is_far(point) else value),
                el("td", {"class": "number"}, " to ".join(dict.fromkeys(ends))),
                el("td", {"class": "number"}, words.say_percent(point.known_percent)),
            )
        )
    heads = ("Hour" if series.step == "hour" else "Day", "Value", "Usual", "Seen")
    first = el("th", {"scope": "col"}, heads[0])
    others = [el("th", {"scope": "col", "class": "number"}, text) for text in heads[1:]]
    return _scroll(
        title,
        el("table", None, el("caption", {"class": "unseen"}, title), _head(first, *others), el("tbody", None, *rows)),
    )


def _table(table: Table, header: Header, link: _Links) -> Element:
    kept = [i for i, column in enumerate(table.columns) if column.sort != "link" or not link.are_none]
    heads = [el("th", {"scope": "col", "class": _look(c)}, words.head_of(c)) for c in (table.columns[i] for i in kept)]
    rows = []
    for row in table.rows:
        cells = [_cell(row[i], table.columns[i], header, link, is_first=i == kept[0]) for i in kept]
        rows.append(el("tr", None, *cells))
    note = "; ".join(text for text in (words.say_rows(len(table.rows), table.of), table.note) if text)
    caption = el("caption", None, el("b", None, table.title), f" {note}" if note else None)
    if not rows:
        return el("p", {"class": "daily-note"}, el("b", None, table.title), f" {note or words.REASON}")
    return _scroll(table.title, el("table", {"class": "daily-table"}, caption, _head(*heads), el("tbody", None, *rows)))


def _cell(value: Cell, column: Column, header: Header, link: _Links, is_first: bool) -> Element:
    if column.sort == "link" and isinstance(value, str):
        content = link(column.title, value)
    else:
        content = words.say_cell(value, column, header)
    if is_first and column.sort == "text":
        return el("th", {"scope": "row"}, content)
    return el("td", {"class": _look(column)}, content)


def _head(*cells: Element) -> Element:
    return el("thead", None, el("tr", None, *cells))


def _look(column: Column) -> str | None:
    return {"number": "number", "moment": "one-line"}.get(column.sort)


def _scroll(label: str, table: Element) -> Element:
    """A table that scrolls by itself where it is wider than the screen, by keyboard as well."""
    look = {"class": "daily-scroll", "tabindex": "0", "role": "group"}
    return el("div", {**look, "aria-label": f"{label}, scrolls sideways where it is narrow"}, table)


def _path_of(point: Point, series: Series, header: Header) -> str:
    """An hour leads into the timeline, a day to its own summary."""
    if series.step == "day":
        return f"/daily/{point.at.astimezone(ZoneInfo(header.zone)):%Y-%m-%d}"
    return f"/timeline?at={point.at:%Y-%m-%dT%H:%M:%SZ}"
