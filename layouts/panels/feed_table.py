"""Every feed in full, a row each: the page to open when the strip says that something is wrong.

What is wrong stands first. A state is a shape and a word; reasons and counts are
written out; figures of the last hour and day come from `feed_quality`. Built
only for screens that ask for the topic `panel:feed_table` (`/feeds`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from dash import html
from dash.development.base_component import Component

from control_room.model import FeedHealth
from control_room.quality import read_series
from layouts.formats import DASH, format_count, format_number, format_reason
from layouts.panel import Panel, View
from layouts.panels.feeds import ORDER, WORDS, counts_for_worst
from layouts.parts.age import age, coarse
from layouts.parts.symbol import symbol

HEADS = (
    "Feed",
    "State",
    "Newest",
    "Answered",
    "Asked every",
    "Rows",
    "Rejected",
    "Warnings",
    "Answer time",
    "Last hour",
    "Last day",
    "By hour",
    "Changed",
    "Anonymised",
)
MOST_REASONS = 6
# Heights of a small column of text; the table of hours below says the same in figures.
BLOCKS = "▁▂▃▄▅▆▇█"

Quality = Mapping[str, object]


def build_feed_table(view: View) -> Component:
    """A table of all feeds; those in trouble first, else in the order of the feed file."""
    states = [(h, h.state(view.now)) for h in view.snapshot.feeds.values()]
    if not states:
        return html.P("No feed is set up.", className="calm")
    # Personal data where none should be comes before all else: it must be stopped at its source.
    states.sort(key=lambda pair: (not pair[0].has_privacy_fault, ORDER.index(pair[1])))
    quality = read_quality(view)
    well = sum(state == "fresh" for _, state in states)
    noun = "feed" if len(states) == 1 else "feeds"
    caption = f"{format_count(len(states))} {noun}, {format_count(well)} of them fresh. What is wrong stands first."
    if personal := sum(h.has_privacy_fault for h, _ in states):
        caption += f" Personal data was found in {format_count(personal)}."
    return html.Table(
        [
            html.Caption(caption),
            html.Thead(
                html.Tr([html.Th(h, scope="col", role="columnheader") for h in HEADS], role="row"), role="rowgroup"
            ),
            html.Tbody([_build_row(h, s, quality.get(h.feed, {})) for h, s in states], role="rowgroup"),
        ],
        # On a phone rows are laid out as cards; the roles keep it a table to whoever listens.
        role="table",
        className="feed-table",
    )


def _build_row(health: FeedHealth, state: str, quality: Quality) -> Component:
    step_s = health.ageing_after_s / 10
    cells = (
        _build_state(health, state),
        _build_newest(health, state, step_s),
        age(coarse(health.succeeded_at, max(step_s, 5.0))) if health.succeeded_at else "never",
        format_span(health.every_s),
        format_count(health.rows) if health.succeeded_at else DASH,
        _build_counts(health.rejects, health.offending) if health.succeeded_at else DASH,
        _build_counts(health.warnings, {}) if health.succeeded_at else DASH,
        format_number(_round(health.latency_ms), "ms"),
        _build_figures(quality, "hour"),
        [_build_figures(quality, "day"), *_build_promise(quality)],
        _build_hours(quality),
        _build_drift(quality),
        _build_anonymity(health),
    )
    about = " · ".join(t for t in (health.supplier, health.adapter.replace("_", " ")) if t)
    name = [html.Span(health.title, className="feed-name"), html.Span(about, className="feed-about")]
    return html.Tr(
        [
            html.Th(name, scope="row", role="rowheader"),
            *(html.Td(c, role="cell", **{"data-head": h}) for c, h in zip(cells, HEADS[1:], strict=True)),
        ],
        id=f"feed-{health.feed}",  # where search leads
        role="row",
        className=f"is-{state} is-privacy" if health.has_privacy_fault else f"is-{state}",
    )


def _build_newest(health: FeedHealth, state: str, step_s: float) -> Component | str:
    if health.observed_at is None:
        return DASH
    at = coarse(health.observed_at, step_s)
    worst = {"data-worst": "1"} if counts_for_worst(health, state) else {}
    return age(at, health.ageing_after_s, health.stale_after_s, **worst)


def _build_state(health: FeedHealth, state: str) -> list[Component]:
    parts: list[Component] = [html.Span([symbol(state), html.B(WORDS[state])], className="feed-standing")]
    if health.privacy_since is not None:
        parts.append(html.Span([symbol("help"), html.B("personal data found")], className="feed-standing"))
        parts.append(html.Span([*_list_privacy(health)], className="feed-reason"))
    if health.failures:
        tries = f" · {format_count(health.failures)} polls failed" if health.failures > 1 else ""
        parts.append(html.Span(f"{format_reason(health.reason)}{tries}", className="feed-reason"))
        if health.failing_since:
            parts.append(html.Span(["since ", age(health.failing_since)], className="feed-reason"))
        if health.detail:
            parts.append(html.Span(health.detail[:400], className="feed-detail"))
    return parts


def _list_privacy(health: FeedHealth) -> list[Component | str]:
    """Where it was and since when; never what stood there."""
    parts: list[Component | str] = [", ".join(list(health.found.identifiers)[:MOST_REASONS]), " · since "]
    parts.append(age(coarse(health.privacy_since, 60)))
    if health.privacy_clean_since is not None:
        parts += [" · clean again for ", age(coarse(health.privacy_clean_since, 60))]
    return parts


def _build_anonymity(health: FeedHealth) -> Component | str:
    """What the anonymisation check found, by the names of fields."""
    if health.succeeded_at is None and not health.has_privacy_fault:
        return DASH
    found = health.found
    lines = [
        (words, list(names))
        for words, names in (
            ("personal data in", found.identifiers if health.has_privacy_fault else {}),
            ("not published, dropped:", found.unpublished),
            ("known and taken away:", found.removed),
        )
        if names
    ]
    if not lines:
        return "nothing found"
    return html.Ul([html.Li([html.B(words), f" {_shorten(names)}"]) for words, names in lines], className="counts")


def _shorten(names: list[str]) -> str:
    more = len(names) - MOST_REASONS
    return ", ".join(names[:MOST_REASONS]) + (f" and {format_count(more)} more" if more > 0 else "")


def _build_promise(quality: Quality) -> list[Component]:
    """Each promise with what it says and whether the day kept it, in words."""
    lines = []
    for name, words, promised in (
        ("fresh", "fresh", _percent(quality.get("promised_fresh_percent"))),
        ("valid", "valid", _percent(quality.get("promised_valid_percent"))),
        ("latency", "answer time", format_number(_find_number(quality, "promised_latency_ms"), "ms")),
    ):
        kept = quality.get(f"{name}_kept")
        if isinstance(kept, bool):
            told = f"{words}, {promised} promised: "
            lines.append(html.Li([told, "kept" if kept else html.B("broken")], className="" if kept else "is-broken"))
    return [html.Ul(lines, className="counts promises")] if lines else []


def _build_hours(quality: Quality) -> Component | str:
    """The last 24 hours as a small column an hour; said in words to whoever listens."""
    lines = []
    for name, words, unit in (
        ("fresh_hours", "fresh", "%"),
        ("valid_hours", "valid", "%"),
        ("latency_hours", "95 %", "ms"),
    ):
        text = quality.get(name)
        values = read_series(text) if isinstance(text, str) else []
        known = [value for value in values if value is not None]
        if not known:
            continue
        full = 100.0 if unit == "%" else max([*known, _find_number(quality, "promised_latency_ms") or 1.0])
        worst = min(known) if unit == "%" else max(known)
        told = f" at worst {format_number(worst, unit)}"
        picture = html.Span(draw(values, full), className="spark", **{"aria-hidden": "true"})
        lines.append(html.Li([html.Span(words, className="spark-name"), picture, html.Span(told, className="reason")]))
    return html.Ul(lines, className="counts sparks") if lines else DASH


def draw(values: list[float | None], full: float) -> str:
    """A text of one letter a value, the fuller the larger; a dot where nothing is known."""
    top = len(BLOCKS) - 1
    return "".join("·" if v is None else BLOCKS[max(0, min(top, int(v / full * top)))] for v in values)


def _find_number(quality: Quality, name: str) -> float | None:
    value = quality.get(name)
    return value if isinstance(value, float) else None


def _build_counts(counts: Mapping[str, int], offending: Mapping[str, str]) -> Component | str:
    """Counts by reason, commonest first; a rejected row's first bad value beside it."""
    if not counts:
        return "none"
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    items = [
        html.Li(
            [
                html.B(format_count(count)),
                f" {format_reason(reason)}",
                *([html.Span(f" first: {offending[reason][:60]}", className="reason")] if reason in offending else []),
            ]
        )
        for reason, count in ordered[:MOST_REASONS]
    ]
    if len(ordered) > MOST_REASONS:
        items.append(html.Li(f"and {format_count(len(ordered) - MOST_REASONS)} more reasons"))
    return html.Ul(items, className="counts")


def _build_figures(quality: Quality, span: str) -> Component | str:
    """What the feed was like; whole per cents, so that a healthy feed does not change the panel with each poll."""
    polls = quality.get(f"polls_{span}")
    if not isinstance(polls, float) or not polls:
        return DASH
    lines = [f"{_percent(quality.get(f'succeeded_percent_{span}'))} answered"]
    if isinstance(valid := quality.get(f"valid_percent_{span}"), float) and valid < 100:
        lines.append(f"{_percent(valid)} of rows valid")
    if isinstance(fresh := quality.get(f"fresh_percent_{span}"), float):
        lines.append(f"{_percent(fresh)} of the time fresh")
    slow = quality.get(f"latency_p95_ms_{span}")
    if isinstance(slow, float):
        lines.append(f"95 % within {format_number(_round(slow), 'ms')}")
    gaps = quality.get(f"gaps_{span}")
    if isinstance(gaps, float) and gaps:
        lines.append(f"{format_count(int(gaps))} gap{'' if gaps == 1 else 's'}")
    return html.Ul([html.Li(line) for line in lines], className="counts")


def _build_drift(quality: Quality) -> Component | str:
    said = [
        (words, text)
        for words, name in (
            ("new columns", "columns_new"),
            ("columns gone", "columns_vanished"),
            ("new reasons", "reasons_new"),
        )
        if isinstance(text := quality.get(name), str)
    ]
    if not said:
        return "no"
    return html.Ul([html.Li([html.B(words), f" {text[:200]}"]) for words, text in said], className="counts")


def read_quality(view: View) -> dict[str, Quality]:
    """Each feed's row of kind feed_quality, by its name."""
    table = view.snapshot.tables.get("feed_quality")
    return {row["feed"]: row for row in table.to_records()} if table is not None else {}


def _percent(value: object) -> str:
    if not isinstance(value, float):
        return DASH
    # 99.6 is not 100: a fault must not be rounded away.
    return f"{math.floor(value) if value > 50 else math.ceil(value)} %"


def _round(value: float | None) -> float | None:
    """Two figures: what jitters is not news."""
    if value is None or not math.isfinite(value) or value <= 0:
        return value
    size = 10 ** (math.floor(math.log10(value)) - 1)
    return float(round(value / size) * size)


def format_span(seconds: float | None) -> str:
    """A length of time as people say it: 2 s, 15 min, 1 h, 7 d; a dash where it is unknown."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return format_number(seconds / size, unit)
    return format_number(seconds, "s", 0 if seconds == int(seconds) else 1)


PANEL = Panel("feed_table", "Feeds in full", build_feed_table, on_request=True)
