"""Fleet panel: by kind how many, doing what; then who needs a person, by name.

Counted here, once per snapshot: a vehicle is *in the city* (inside the city's
box and not older than its feed's limit, so drawn on the map), *not heard from*
(older than that limit) or *outside*. Stale ones are in the city, and counted
again as stale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import VEHICLE_STATES, VEHICLE_TYPES, Table, from_ms
from layouts.formats import DASH, format_count, format_kind, format_reason, format_state
from layouts.panel import Panel, View
from layouts.parts.age import age
from layouts.parts.sources import GONE, STALE, UNTIMED, judge_rows
from layouts.parts.symbol import symbol

MOST_ROWS = 8  # of the table, on the wall

# Who is listed, most important first.
NEEDS_HELP, OUT_OF_CONTACT, IS_STALE, NOT_HEARD = 0, 1, 2, 3
_RANK_OF_STATE = {"needs_help": NEEDS_HELP, "out_of_contact": OUT_OF_CONTACT}


@dataclass
class Fleet:
    """One kind's counts. `states` counts what is in the city."""

    vehicle_type: str
    in_city: int = 0
    outside: int = 0
    not_heard: int = 0
    stale: int = 0
    states: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Standing:
    """Of each row: how old by its feed's own limits (`judge_rows`), and whether inside the city's box."""

    ages: np.ndarray
    inside: np.ndarray


def judge(table: Table, view: View) -> Standing:
    """How each row stands at the view's moment."""
    return Standing(judge_rows(table, view), view.city.box.contains(table["latitude"], table["longitude"]))


def count_fleets(table: Table, standing: Standing) -> list[Fleet]:
    """Counts by vehicle type, in the dictionary's order; types without a vehicle are left out."""
    fleets: dict[str, Fleet] = {}
    rows = zip(
        table["vehicle_type"].tolist(),
        table["state"].tolist(),
        standing.ages.tolist(),
        standing.inside.tolist(),
        strict=True,
    )
    for (kind, state, age_class, inside), count in Counter(rows).items():
        name = kind or "other"
        fleet = fleets.setdefault(name, Fleet(name))
        if age_class == GONE:
            fleet.not_heard += count
        elif not inside:
            fleet.outside += count
        else:
            fleet.in_city += count
            fleet.states[state or "unknown"] += count
            fleet.stale += count if age_class in (STALE, UNTIMED) else 0
    return sorted(fleets.values(), key=lambda f: VEHICLE_TYPES.index(f.vehicle_type))


def rank_attention(table: Table, standing: Standing) -> list[tuple[int, int]]:
    """(rank, row) of those that need attention: importance first, then the oldest first, unknown times last."""
    states = table["state"]
    rank = np.full(len(table), 9)
    rank[standing.ages == STALE] = IS_STALE
    rank[standing.ages == GONE] = NOT_HEARD
    # What its supplier says of it counts only while we hear from it.
    heard = standing.ages != GONE
    for state, value in _RANK_OF_STATE.items():
        rank[heard & (states == state)] = value
    rows = np.flatnonzero(rank < 9)
    observed = table["observed_at"][rows].astype(np.int64)
    observed = np.where(np.isnat(table["observed_at"][rows]), np.iinfo(np.int64).max, observed)
    order = np.lexsort((rows, observed, rank[rows]))
    return [(int(rank[r]), int(r)) for r in rows[order]]


def build_fleet(view: View) -> Component:
    """What stands under the heading "Fleet"."""
    table = view.snapshot.tables["vehicle"]
    if len(table) == 0:
        return html.P("No vehicle in any feed yet.", className="calm")
    standing = judge(table, view)
    fleets = count_fleets(table, standing)
    return html.Div(
        [html.Ul([_build_kind(f) for f in fleets], className="kinds"), _build_attention(view, table, standing)]
    )


def _build_kind(fleet: Fleet) -> Component:
    doing = [
        html.Li([html.B(format_count(count)), " ", format_state(state, fleet.vehicle_type)])
        for state, count in sorted(fleet.states.items(), key=lambda item: VEHICLE_STATES.index(item[0]))
        if state not in _RANK_OF_STATE
    ]
    return html.Li(
        [
            html.H3(
                [
                    symbol(fleet.vehicle_type),
                    html.Span(format_count(fleet.in_city), className="figure"),
                    " ",
                    html.Span(format_kind(fleet.vehicle_type, fleet.in_city), className="noun"),
                ]
            ),
            html.Ul(doing, className="doing"),
            html.Ul(_list_abnormal(fleet), className="abnormal"),
        ],
        className="kind",
    )


def _list_abnormal(fleet: Fleet) -> list[Component]:
    def item(picture: str, count: int, words: str, name: str = "") -> Component:
        return html.Li([symbol(picture), html.B(format_count(count)), " ", words], className=name)

    listed = []
    if count := fleet.states["needs_help"]:
        listed.append(item("help", count, "needs help" if count == 1 else "need help", "is-high"))
    if count := fleet.states["out_of_contact"]:
        listed.append(item("dashed", count, "out of contact"))
    if fleet.stale:
        listed.append(item("ghost", fleet.stale, "stale"))
    if fleet.not_heard:
        listed.append(item("unknown", fleet.not_heard, "not heard from"))
    if fleet.outside:
        listed.append(item("hollow", fleet.outside, "outside the city"))
    # Said in words, because an empty line could also mean that nobody looked.
    return listed or [html.Li("none needs help, all heard from", className="calm")]


_WHAT = {NEEDS_HELP: "needs help", OUT_OF_CONTACT: "out of contact", IS_STALE: "stale", NOT_HEARD: "not heard from"}
_PICTURE = {NEEDS_HELP: "help", OUT_OF_CONTACT: "dashed", IS_STALE: "ghost", NOT_HEARD: "unknown"}


def _build_attention(view: View, table: Table, standing: Standing) -> Component:
    ranked = rank_attention(table, standing)
    if not ranked:
        return html.P("Nothing needs attention.", className="calm attention-none")
    limits = {f.name: f for f in view.feeds}
    label, reason, where = table["label"], table["state_reason"], table["locality"]
    rows = []
    for rank, row in ranked[:MOST_ROWS]:
        feed = limits.get(table["feed"][row])
        # The reason says more than the rank, whose symbol stands beside it.
        told = reason[row] if rank == NEEDS_HELP else None
        what = [html.Span(f"{_WHAT[rank]}: ", className="unseen"), format_reason(told)] if told else [_WHAT[rank]]
        name = shorten(label[row] or table["vehicle_id"][row] or DASH)
        seen = from_ms(table["observed_at"][row])
        rows.append(
            html.Tr(
                [
                    html.Th(name, scope="row"),
                    html.Td([symbol(_PICTURE[rank]), *what]),
                    html.Td(where[row] or DASH),
                    html.Td(age(seen, *(feed.ageing_after_s, feed.stale_after_s) if feed else ())),
                ]
            )
        )
    head = html.Thead(html.Tr([html.Th(t, scope="col") for t in ("Vehicle", "What", "Where", "Seen")]))
    few = f"{MOST_ROWS} of " if len(ranked) > MOST_ROWS else ""
    caption = html.Caption(f"Needs attention · {few}{format_count(len(ranked))}")
    return html.Table([caption, head, html.Tbody(rows)], className="attention")


def shorten(name: str, most: int = 12) -> str:
    """A name that fits its column: of a long one (a UUID) the beginning, which tells one from another."""
    return name if len(name) <= most else f"{name[: most - 4]}…"


def list_types(view: View) -> tuple[str, ...]:
    """The vehicle types the feeds can bring, in the dictionary's order: what the legend explains."""
    kinds: Iterable[str] = {f.vehicle_type for f in view.feeds} | {
        t for t in set(view.snapshot.tables["vehicle"]["vehicle_type"].tolist()) if t
    }
    return tuple(t for t in VEHICLE_TYPES if t in kinds)


PANEL = Panel("fleet", "Fleet", build_fleet)
