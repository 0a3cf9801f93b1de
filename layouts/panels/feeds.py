"""Feeds strip: is what we show alive, fresh and valid, and if not, why.

State by shape and word; then the age of the newest observation, of the last
good answer, rows, and what was rejected with its commonest reason. Ages are
rounded down to a tenth of the limit they are judged by, so a healthy feed that
is asked each second does not send this panel each second.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from control_room.model import FeedHealth
from layouts.formats import format_count, format_reason
from layouts.panel import Panel, View
from layouts.parts.age import age, coarse
from layouts.parts.symbol import symbol

WORDS = {
    "waiting": "waiting for a first answer",
    "fresh": "fresh",
    "ageing": "ageing",
    "stale": "stale",
    "failing": "failing",
    "unknown": "age not known",
}


def build_feeds(view: View) -> Component:
    """One item a feed, in the order of the feed file."""
    healths = list(view.snapshot.feeds.values())
    if not healths:
        return html.P("No feed is set up.", className="calm")
    return html.Ul([_build_feed(h, h.state(view.now)) for h in healths], className="feeds")


def _build_feed(health: FeedHealth, state: str) -> Component:
    step_s = health.ageing_after_s / 10
    lines: list[Component] = [
        html.H3([symbol(state), html.Span(health.title, className="feed-title")]),
        html.P([html.B(WORDS[state], className="feed-state"), *_newest(health, step_s)]),
        html.P([*_answered(health, step_s), *_rows(health)], className="feed-more"),
    ]
    if health.failures:
        lines.append(html.P(_why(health), className="feed-why"))
    elif health.supplier:
        lines.append(html.P(health.supplier, className="feed-supplier"))
    return html.Li(lines, className=f"feed is-{state}")


def _newest(health: FeedHealth, step_s: float) -> list[Component | str]:
    if health.observed_at is None:
        return []
    newest = age(
        coarse(health.observed_at, step_s),
        health.ageing_after_s,
        health.stale_after_s,
        **{"data-worst": "1"},
    )
    return [" · newest ", newest]


def _answered(health: FeedHealth, step_s: float) -> list[Component | str]:
    if health.succeeded_at is None:
        return ["not answered yet"]
    return ["answered ", age(coarse(health.succeeded_at, step_s)), " ago · "]


def _rows(health: FeedHealth) -> list[Component | str]:
    if health.succeeded_at is None:
        return []
    words: list[Component | str] = [f"{format_count(health.rows)} row{'' if health.rows == 1 else 's'}"]
    rejected = sum(health.rejects.values())
    if rejected:
        commonest = max(health.rejects, key=lambda reason: health.rejects[reason])
        words.append(
            html.Span(f" · {format_count(rejected)} rejected: {format_reason(commonest)}", className="rejects")
        )
    return words


def _why(health: FeedHealth) -> list[Component | str]:
    tries = f" · {format_count(health.failures)} polls failed" if health.failures > 1 else ""
    parts: list[Component | str] = [html.B(format_reason(health.reason)), tries]
    if health.detail:
        # The detail is written for people and holds no secret; a strip has room for its beginning.
        parts.append(html.Span(f" · {health.detail[:140]}", title=health.detail[:400]))
    return parts


PANEL = Panel("feeds", "Feeds", build_feeds)
