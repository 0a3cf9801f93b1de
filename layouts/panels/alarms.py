"""Alarms on the wall: how many of each priority, then who needs a person, most urgent first.

Read only. Eight rows at most; screens with less room show fewer and say so (the
stylesheet picks which "more" line is true). What was put aside is counted, for
an alarm that nobody sees must at least be known of.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from control_room.model import Table, from_ms
from layouts.formats import format_count
from layouts.panel import Panel, View
from layouts.parts.age import age
from layouts.parts.alarm import LISTED, PRIORITIES, PUT_ASIDE, SHORT_WORDS, UNANSWERED, Ranking, rank, shape_of
from layouts.parts.symbol import symbol

MOST_ROWS = 8
FEW_ROWS = (6, 3, 1)  # on screens with less room; assets/50-alarms.css says which
LONGEST_TITLE = 140


def build_alarms(view: View) -> Component:
    """What stands under the heading "Alarms"."""
    table = view.snapshot.tables["alarm"]
    ranking = rank(table)
    parts = [_build_faults(view), _build_counts(ranking)]
    if len(ranking.rows):
        parts += [_build_list(table, ranking), *_build_more(len(ranking.rows))]
    elif view.snapshot.watch is not None:
        parts.append(html.P(calm_sentence(view.snapshot.watch.rules), className="calm alarms-none"))
    return html.Div([p for p in (*parts, _build_aside(ranking)) if p is not None])


def calm_sentence(rules: int) -> str:
    """ "No alarms. 34 rules watch." It is good news only because of its second half."""
    if rules == 0:
        return "No rule watches: nothing would raise an alarm."
    return f"No alarms. {format_count(rules)} rule{' watches' if rules == 1 else 's watch'}."


def list_faults(view: View) -> list[str]:
    """What of the alarm system does not work, a sentence each."""
    watch = view.snapshot.watch
    return ["No alarm system is at work: nothing here would raise an alarm."] if watch is None else list(watch.faults)


def _build_faults(view: View) -> Component | None:
    faults = list_faults(view)
    if not faults:
        return None
    more = [f" And {format_count(len(faults) - 1)} more."] if len(faults) > 1 else []
    return html.P([symbol("failing"), _cut(faults[0]), *more], className="alarms-fault")


def _build_counts(ranking: Ranking) -> Component | None:
    """One number a priority, zero included: an empty place could also mean that nobody counted."""
    if not ranking.count(*LISTED):
        return None
    return html.Ul(
        [
            _build_count(p, ranking.count(*LISTED, priority=p), ranking.count(*UNANSWERED, priority=p))
            for p in PRIORITIES
        ],
        className="alarm-counts",
    )


def _build_count(priority: str, count: int, unanswered: int) -> Component:
    shape = shape_of(priority, "unacknowledged" if unanswered else "acknowledged")
    return html.Li(
        [symbol(shape), html.B(format_count(count)), " ", priority],
        className="" if count else "none",
        **{"data-key": priority},
    )


def _build_list(table: Table, ranking: Ranking) -> Component:
    top = table.take(ranking.rows[:MOST_ROWS])
    names = ("alarm_key", "title", "subject", "priority", "state", "locality", "assigned_to", "acknowledged_by")
    rows = zip(*(top[n].tolist() for n in (*names, "raised_at", "no_data_since")), strict=True)
    raised = [from_ms(t) for t in top["raised_at"]]
    unknown_since = [from_ms(t) for t in top["no_data_since"]]
    items = []
    for i, (key, title, subject, priority, state, place, handler, acknowledged_by, *_) in enumerate(rows):
        said: list[Component | str] = [SHORT_WORDS.get(state or "", "state not known")]
        if more := ranking.folded.get(key, 0):
            said += [" · ", html.B(f"and {format_count(more)} like it")]
        if handler:
            said += [" · ", html.B(f"{_cut(handler, 30)} is handling this")]
        elif acknowledged_by and state in ("acknowledged", "latched"):
            said += [" · by ", _cut(acknowledged_by, 30)]
        if unknown_since[i] is not None:
            said += [
                " · ",
                html.Span([symbol("unknown"), "no data for ", age(unknown_since[i])], className="alarm-no-data"),
            ]
        if place:
            said += [" · ", place]
        items.append(
            html.Li(
                [
                    symbol(shape_of(priority, state)),
                    html.P([html.Span(_cut(title or subject or key)), " ", age(raised[i])], className="alarm-title"),
                    html.P(
                        [html.B(priority or "priority not known", className="alarm-priority"), " · ", *said],
                        className="alarm-said",
                    ),
                ],
                className=f"alarm is-{state}",
                **{"data-key": key, "data-own": "data-new"},
            )
        )
    return html.Ul(items, className="alarm-rows")


def _build_more(total: int) -> list[Component]:
    """One line for each number of rows that a screen may have room for; the stylesheet shows the true one."""
    return [
        html.P(
            f"and {format_count(total - most)} more",
            className=f"alarms-more more-{most}",
            **{"data-key": f"more-{most}"},
        )
        for most in (MOST_ROWS, *FEW_ROWS)
        if total > most
    ]


def _build_aside(ranking: Ranking) -> Component | None:
    said = [f"{format_count(n)} {s.replace('_', ' ')}" for s in PUT_ASIDE if (n := ranking.count(s))]
    parts = [f"Put aside: {' · '.join(said)}"] if said else []
    if ranking.no_data:
        parts.append(f"{format_count(ranking.no_data)} without data")
    return html.P(". ".join(parts), className="alarms-aside") if parts else None


def _cut(text: str, most: int = LONGEST_TITLE) -> str:
    """Its beginning: a supplier may write a page where a name belongs."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


PANEL = Panel("alarms", "Alarms", build_alarms, urgent=True)
