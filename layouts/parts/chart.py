"""Small charts of plain elements: bars, columns, a share in parts, a dot against a mark. Each has its figures as text.

    python -m layouts.parts.chart      writes the steps of assets/47-charts.css anew

A length is a class (`at-37`), a whole per cent of the room there is: panels are
patched element by element and carry no inline style, and a change of less than a
hundredth is no news. A bar is drawn inside the table that it belongs to; pictures
without a table of their own get one for those who listen (`unseen`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from dash import html
from dash.development.base_component import Component

from layouts.formats import DASH, format_count, format_number

MARK = "/* Steps: made by `python -m layouts.parts.chart`; do not edit below. */"
# One shade each, told apart by ground and edge as well: readable in greyscale. See assets/47-charts.css.
TONES = ("plain", "quiet", "hatched", "empty", "alarm")

Text: TypeAlias = str | Component | Sequence[str | Component]


def step(value: float | None, full: float) -> int | None:
    """A length in whole per cent of `full`, 0 to 100; None where either is unknown or there is no scale.

    What is more than nothing is at least 1, what is less than all at most 99: a
    fault must not be rounded away.
    """
    if value is None or not math.isfinite(value) or not math.isfinite(full):
        return None
    if value <= 0:
        return 0  # nothing is nothing on any scale
    if full <= 0:
        return None
    if value >= full:
        return 100
    return max(1, min(99, round(100 * value / full)))


def build_bar(value: float | None, full: float, tone: str = "plain", part: float | None = None) -> Component:
    """A bar as long as its value; hidden from screen readers, which get the figure beside it.

    Args:
        full: what the whole room stands for; the same for all bars of a chart.
        tone: one of TONES.
        part: the share of `value` that is drawn in the tone "alarm" (of the open ones, those too late).
    """
    length = step(value, full)
    if length is None:
        return html.Span(className="bar bar-unknown", **_HIDDEN)
    parts = [html.Span(className=f"bar-fill tone-{_tone(tone)} at-{length}")]
    inner = step(part, full)
    if inner:
        parts.append(html.Span(className=f"bar-fill tone-alarm at-{min(inner, length)}"))
    return html.Span(parts, className="bar", **_HIDDEN)


@dataclass(frozen=True)
class Bar:
    """A row of a bar chart.

    Attributes:
        name: what it counts.
        value: the figure; None where it is not known.
        part: of these, the abnormal ones; None where that is not asked.
        why: said where the value is not known.
        is_rest: the sum of those that are not shown: told, and not drawn, or it would dwarf the others.
    """

    name: str
    value: float | None
    part: float | None = None
    why: str = "not known"
    is_rest: bool = False


def build_bars(
    caption: Text, heads: tuple[str, str, str], bars: Sequence[Bar], unit: str = "", part_word: str = ""
) -> Component:
    """A bar chart that is a table: name, figure, and the bar in a cell of its own.

    Args:
        heads: of the name, the figure and the part's column ("" where there is no part).
        part_word: what follows the part's figure where it is more than nothing ("late").
    """
    full = max((b.value for b in bars if not b.is_rest and b.value is not None and math.isfinite(b.value)), default=0.0)
    names = [h for h in heads if h]
    rows = []
    for bar in bars:
        cells: list[Component] = [
            html.Th(bar.name, scope="row"),
            html.Td(
                format_number(bar.value, unit) if bar.value is not None else [DASH, " ", _reason(bar.why)],
                className="figure-cell",
            ),
        ]
        if heads[2]:
            cells.append(html.Td(_build_part(bar.part, part_word), className="figure-cell"))
        picture = None if bar.is_rest else build_bar(bar.value, full, part=bar.part)
        cells.append(html.Td(picture, className="bar-cell"))
        rows.append(html.Tr(cells))
    head = html.Tr([*(html.Th(h, scope="col") for h in names), html.Td(className="bar-cell")])
    return html.Table([html.Caption(caption), html.Thead(head), html.Tbody(rows)], className="bars")


def _build_part(part: float | None, word: str) -> Text:
    if part is None:
        return DASH
    if part == 0:
        return "none"
    return html.B(f"{format_count(int(part))} {word}".strip())


@dataclass(frozen=True)
class Share:
    """A part of a whole: its word, how many, and in which tone (TONES)."""

    word: str
    count: int
    tone: str = "plain"


def build_share_bar(shares: Sequence[Share]) -> Component:
    """A bar cut into parts, picture only; empty where all are 0."""
    whole = sum(s.count for s in shares)
    drawn: list[Component] = []
    begun = 0
    for share in shares:
        # Ends are rounded, not lengths, so that parts meet and the whole is full.
        first = round(100 * begun / whole) if whole else 0
        begun += share.count
        ends = round(100 * begun / whole) if whole else 0
        if ends > first:
            drawn.append(html.Span(className=f"share tone-{_tone(share.tone)} from-{first} at-{ends - first}"))
    return html.Span(drawn, className="shares", **_HIDDEN)


def build_legend(words: str, tones: Sequence[tuple[str, str]]) -> Component:
    """What the parts of several bars mean, once for all of them.

    Args:
        tones: word and tone of each part, in the order of the bar.
    """
    parts = [html.Li([html.Span(className=f"swatch tone-{_tone(tone)}", **_HIDDEN), word]) for word, tone in tones]
    return html.Ul([html.Li(words), *parts], className="share-words chart-legend")


def build_shares(shares: Sequence[Share]) -> Component:
    """The same with each part's count and word beneath."""
    words = [
        html.Li(
            [
                html.Span(className=f"swatch tone-{_tone(s.tone)}", **_HIDDEN),
                html.B(format_count(s.count)),
                f" {s.word}",
            ]
        )
        for s in shares
    ]
    return html.Div([build_share_bar(shares), html.Ul(words, className="share-words")], className="share-chart")


def build_against(value: float | None, mark: float | None, low: float, high: float, words: str) -> Component:
    """A dot on a line, against a mark (a target, a promise, a usual value): picture only, the words say it all.

    Args:
        words: the same for whoever listens: "72 % online, 80 % is the council's figure".
    """
    parts: list[Component] = []
    span = high - low
    at_mark = None if mark is None else step(mark - low, span)
    at_value = None if value is None else step(value - low, span)
    if at_mark is not None:
        parts.append(html.Span(className=f"against-mark from-{at_mark}"))
    if at_value is not None:
        parts.append(html.Span(className=f"against-dot from-{at_value}"))
    return html.Span([html.Span(parts, className="against", **_HIDDEN), html.Span(words, className="unseen")])


@dataclass(frozen=True)
class Column:
    """A column of a chart over time: its short name (a day, an hour), the figure, and how it is drawn."""

    name: str
    value: float | None
    tone: str = "plain"


def build_columns(
    caption: Text, heads: tuple[str, str], columns: Sequence[Column], unit: str = "", full: float | None = None
) -> Component:
    """Columns over time, the newest at the right; the same figures in a table for those who listen.

    An unknown column is hatched over the whole height, and never looks like nothing. The highest is said in words;
    with a scale of its own (`full`: a charge of 100 %) the last known one.

    Args:
        full: what the whole height stands for; None is the highest value.
    """
    known = [c.value for c in columns if c.value is not None and math.isfinite(c.value)]
    most = f"now {format_number(known[-1], unit)}" if known and full is not None else ""
    full = max(known, default=0.0) if full is None else full
    drawn = []
    for column in columns:
        height = step(column.value, full)
        inner = "column-unknown" if height is None else f"column-fill tone-{_tone(column.tone)} at-{height}"
        drawn.append(html.Div(html.Span(className=inner), className="column"))
    names = [html.Span(columns[0].name), html.Span(columns[-1].name)] if columns else []
    rows = [
        html.Tr(
            [
                html.Th(c.name, scope="row"),
                html.Td(format_number(c.value, unit) if c.value is not None else "not known"),
            ]
        )
        for c in columns
    ]
    table = html.Table(
        [
            html.Caption(caption),
            html.Thead(html.Tr([html.Th(h, scope="col") for h in heads])),
            html.Tbody(rows),
        ],
        className="unseen",
    )
    most = most or (f"most {format_number(full, unit)}" if known else "nothing known")
    return html.Div(
        [
            html.P([html.Span(caption), html.Span(most, className="reason")], className="columns-head", **_HIDDEN),
            html.Div(drawn, className="columns", **_HIDDEN),
            html.P(names, className="columns-names", **_HIDDEN),
            table,
        ],
        className="column-chart",
    )


def build_figure(value: Text, words: str, note: Text = "", symbol: Component | None = None) -> Component:
    """A large figure with what it counts; beneath it a comparison, an age or a reason."""
    first: list[Any] = [symbol] if symbol is not None else []
    return html.Li(
        [
            html.P([*first, html.Span(value, className="key-number")]),
            html.P(words, className="key-word"),
            html.P(note, className="figure-note"),
        ],
        className="key-figure",
    )


def build_figures(figures: Sequence[Component]) -> Component:
    """Several of these in a row."""
    return html.Ul(list(figures), className="key-figures")


def _reason(words: str) -> Component:
    return html.Span(words, className="reason")


def _tone(tone: str) -> str:
    if tone not in TONES:
        raise ValueError(f"tone {tone!r} is not one of {', '.join(TONES)}")
    return tone


_HIDDEN = {"aria-hidden": "true"}


def build_steps() -> str:
    """The rules of all lengths and places: `at-0` to `at-100`, `from-0` to `from-100`."""
    rules = [f".at-{n} {{ --at: {n}; }} .from-{n} {{ --from: {n}; }}" for n in range(101)]
    return "\n".join([MARK, "@layer parts {", *(f"  {rule}" for rule in rules), "}"]) + "\n"


if __name__ == "__main__":
    target = Path(__file__).resolve().parents[2] / "assets" / "47-charts.css"
    own = target.read_text(encoding="utf-8").split(MARK)[0]
    target.write_text(own + build_steps(), encoding="utf-8")
    sys.stdout.write(f"{target}\n")
