"""What stands behind a panel: which feeds brought its rows, how they stand, and how old each row is.

A panel that shows rows of a feed that died shows them still, with their age;
this line says beside them that, since when, and why nothing newer comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.ages import AGEING, FRESH, GONE, STALE, UNTIMED, code_feeds, judge_ages
from control_room.model import FeedHealth, Table, from_ms
from layouts.formats import format_count, format_reason
from layouts.panel import View
from layouts.panels.feeds import ORDER, WORDS
from layouts.parts.age import age, coarse
from layouts.parts.symbol import symbol

__all__ = (
    "AGEING",
    "FRESH",
    "GONE",
    "ROW_WORDS",
    "STALE",
    "UNTIMED",
    "build_row_age",
    "build_sources",
    "is_blind",
    "judge_rows",
    "list_sources",
)

# How old a row is by the limits of its own feed. The words are those of the feeds.
ROW_WORDS = ("fresh", "ageing", "stale", "not heard from", "age not known")


def judge_rows(table: Table, view: View) -> np.ndarray:
    """FRESH, AGEING, STALE, GONE (over the limit at which a row leaves the map) or UNTIMED for each row."""
    return judge_ages(table, view.feeds, view.now)


def list_sources(
    view: View, tables: Iterable[str], adapters: Sequence[str] = (), feeds: Iterable[str | None] = ()
) -> list[FeedHealth]:
    """The feeds behind these kinds of rows, in the order of the feed file.

    Args:
        adapters: feeds of these stand behind the panel also while they have brought nothing yet.
        feeds: names of further ones, as rows that the panel picked out have them.
    """
    names: set[str | None] = set(feeds)
    for kind in tables:
        table = view.snapshot.tables.get(kind)
        if table is not None and len(table):
            names |= set(code_feeds(table)[1])
    return [h for h in view.snapshot.feeds.values() if h.feed in names or h.adapter in adapters]


def build_sources(healths: Sequence[FeedHealth], view: View) -> Component:
    """One line while all is well; else a line for each feed that is not fresh, the worst first, with its reason."""
    if not healths:
        return html.P(
            [symbol("unknown"), "No feed brings this: nothing can be said of it."], className="sources sources-none"
        )
    standing = sorted(((h.state(view.now), h) for h in healths), key=lambda pair: ORDER.index(pair[0]))
    wrong = [_build_wrong(h, state) for state, h in standing if state != "fresh"]
    well = [h for state, h in standing if state == "fresh"]
    lines = list(wrong)
    if well:
        oldest = min(well, key=lambda h: h.newest_at or view.now)
        words = f"{well[0].title}, newest " if len(well) == 1 else f"{format_count(len(well))} feeds, the oldest "
        titles = ", ".join(h.title for h in well)
        lines.append(html.Li([f"{'Fresh:' if wrong else 'From'} {words}", _build_age(oldest)], title=titles))
    return html.Ul(lines, className="sources is-wrong" if wrong else "sources")


def _build_age(health: FeedHealth) -> Component:
    step_s = max(health.ageing_after_s / 10, 5.0)
    return age(coarse(health.newest_at, step_s), health.ageing_after_s, health.stale_after_s)


def _build_wrong(health: FeedHealth, state: str) -> Component:
    words: list[Component | str] = [symbol(state), html.B(health.title), f" {WORDS[state]}"]
    if health.newest_at is not None:
        words += [", newest ", _build_age(health)]
    if health.failures:
        words.append(f": {format_reason(health.reason)}")
    return html.Li(words, className=f"source is-{state}")


def is_blind(healths: Sequence[FeedHealth], view: View) -> bool:
    """Whether nothing behind the panel is as young as promised: then a calm sentence would be a claim nobody can make."""
    return not any(h.state(view.now) in ("fresh", "ageing") for h in healths)


def build_row_age(table: Table, row: int, view: View) -> Component:
    """The age of one row by the limits of its feed, counted by the page."""
    limits = next((f for f in view.feeds if f.name == table["feed"][row]), None)
    at = from_ms(table["observed_at"][row])
    return age(at, *((limits.ageing_after_s, limits.stale_after_s) if limits else ()))
