"""Feeds strip: is what we show alive, fresh and valid, and if not, why.

Few or many feeds, the strip keeps its height: eight cells across and four down
on a wall. A feed that is well takes one cell (mark, title, age of its newest
data). One that is not stands before it, with its state and reason in words, and
takes two or four. What finds no cell is counted by state; nothing is cut off
unsaid.

Ages are rounded down to a tenth of the limit they are judged by, so a healthy
feed that is asked each second does not send this panel each second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
IN_SUMMARY = {**WORDS, "waiting": "waiting", "unknown": "of unknown age"}

# A feed that promises to be younger than this is live: its age counts for the header's "oldest feed" while it is
# well. Street works that are three days old as promised would hide a bus feed that is a minute late.
LIVE_WITHIN_S = 900

CELLS = 32  # 8 x 4; assets/40-wall.css lays them out
# What is wrong stands first. Waiting comes last of that: it is so for a moment after each start.
ORDER = ("failing", "stale", "unknown", "ageing", "waiting", "fresh")


@dataclass(frozen=True)
class Item:
    """One feed and the room it gets: 1, 2 (one line) or 4 cells (two lines)."""

    health: FeedHealth
    state: str
    cells: int


def build_feeds(view: View) -> Component:
    """The summary, then one item a feed, what is wrong first, else in the order of the feed file."""
    states = [(h, h.state(view.now)) for h in view.snapshot.feeds.values()]
    if not states:
        return html.P("No feed is set up.", className="calm")
    items = arrange(states)
    shown = {item.health.feed for item in items}
    left = [(h, s) for h, s in states if h.feed not in shown]
    listed = [_build_item(item) for item in items]
    if left:
        listed.append(_build_left(left))
    # So many rows are kept free that a feed that fails moves nothing else on the screen.
    rows = 3 if len(states) <= 12 else 4
    return html.Div(
        [
            html.P(summarise([s for _, s in states]), className="feeds-sum"),
            html.Ul(listed, className=f"feeds feeds-rows-{rows}"),
        ],
        className="feeds-frame",
    )


def arrange(states: Sequence[tuple[FeedHealth, str]], cells: int = CELLS) -> list[Item]:
    """Who is shown, in order, in how many cells; the rest is left to be counted.

    Two lines for what is wrong while there is room for all; then one line; then
    those that are well are the first to be counted instead of shown.
    """
    ordered = sorted(
        states, key=lambda pair: (not pair[0].has_privacy_fault, ORDER.index(pair[1]), not pair[0].rejects)
    )
    for most in (4, 2):
        items = [Item(h, s, min(most, _cells(h, s))) for h, s in ordered]
        if sum(item.cells for item in items) <= cells:
            return items
    free, shown = cells - 2, []  # two for the line that counts the rest
    for item in items:
        free -= item.cells
        if free < 0:
            break
        shown.append(item)
    return shown


def summarise(states: Sequence[str]) -> str:
    """ "20 feeds: 1 failing, 19 fresh"; "5 feeds, all fresh"."""
    counts = Counter(states)
    noun = f"{format_count(len(states))} feed{'' if len(states) == 1 else 's'}"
    if len(counts) == 1 and len(states) > 1:
        return f"{noun}, all {IN_SUMMARY[states[0]]}"
    return f"{noun}: {_count_words(counts)}"


def _count_words(counts: Counter[str]) -> str:
    return ", ".join(f"{format_count(counts[s])} {IN_SUMMARY[s]}" for s in ORDER if counts[s])


def _cells(health: FeedHealth, state: str) -> int:
    if state in ("failing", "stale") or health.has_privacy_fault:
        return 4
    return 1 if state == "fresh" and not health.rejects else 2


def _build_item(item: Item) -> Component:
    health, state = item.health, item.state
    title = html.Span(health.title, className="feed-title")
    newest = _newest(health, state)
    words: list[Component | str] = []
    if health.has_privacy_fault:
        words += [html.B("personal data found", className="feed-state"), " · " if state != "fresh" else ""]
    if state != "fresh":
        words.append(html.B(WORDS[state], className="feed-state"))
    if health.failures:
        words += [" · ", *_why(health)]
    elif state == "stale" and health.succeeded_at is not None:
        # The commonest fault of real feeds: answers come, with nothing new in them.
        words += [" · answered ", age(coarse(health.succeeded_at, health.ageing_after_s / 10)), " ago, nothing new"]
    if rejects := _rejects(health):
        words += [" · " if words else "", rejects]
    name = f"feed is-{state} cells-{item.cells}"
    head = html.P([symbol(state), title, *newest], className="feed-head")
    # A fresh feed's state is its symbol for the eye; a screen reader has only words.
    told = words or [html.Span(WORDS[state], className="unseen")]
    return html.Li([head, html.P(told, className="feed-more")], className=name)


def _newest(health: FeedHealth, state: str) -> list[Component | str]:
    """ " 12 s", counted by the page; nothing where no time is known, which the state says."""
    at = health.newest_at
    if at is None:
        return []
    return [" ", _age(health, state, at)]


def _age(health: FeedHealth, state: str, at: datetime) -> Component:
    worst = {"data-worst": "1"} if counts_for_worst(health, state) else {}
    return age(coarse(at, health.ageing_after_s / 10), health.ageing_after_s, health.stale_after_s, **worst)


def counts_for_worst(health: FeedHealth, state: str) -> bool:
    """Whether its age may be the header's "oldest feed": not that of a slow feed that is as young as it promised."""
    return state != "fresh" or health.stale_after_s <= LIVE_WITHIN_S


def _rejects(health: FeedHealth) -> Component | None:
    """How many rows were left out, the commonest reason, and the first value that was wrong so."""
    if not health.rejects:
        return None
    commonest = max(health.rejects, key=lambda reason: health.rejects[reason])
    value = health.offending.get(commonest)
    return html.Span(
        f"{format_count(sum(health.rejects.values()))} rejected: {format_reason(commonest)}"
        + (f" ({value[:40]})" if value else ""),
        className="rejects",
    )


def _why(health: FeedHealth) -> list[Component | str]:
    tries = f" · {format_count(health.failures)} polls failed" if health.failures > 1 else ""
    parts: list[Component | str] = [html.B(format_reason(health.reason)), tries]
    if health.detail:
        # The detail is written for people and holds no secret; a strip has room for its beginning.
        parts.append(html.Span(f" · {health.detail[:140]}", title=health.detail[:400]))
    return parts


def _build_left(left: Sequence[tuple[FeedHealth, str]]) -> Component:
    """Those without a cell, counted; with the oldest age among them, which the screen's own counts."""
    words: list[Component | str] = [f"and {format_count(len(left))} more: {_count_words(Counter(s for _, s in left))}"]
    # The page must know the age that counts; of those that are live, or else not as they should be, the oldest.
    timed = [(h.observed_at, h, s) for h, s in left if h.observed_at is not None and counts_for_worst(h, s)]
    if timed:
        at, health, state = min(timed, key=lambda entry: entry[0])
        words += [" · oldest ", _age(health, state, at)]
    return html.Li(html.P(words, className="feed-head"), className="feed feed-left cells-2")


PANEL = Panel("feeds", "Feeds", build_feeds)
