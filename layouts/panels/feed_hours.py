"""How fresh each feed was in each of the last 24 hours: the figures behind the small columns of the feed table."""

from __future__ import annotations

from datetime import timedelta

from dash import html
from dash.development.base_component import Component

from control_room.quality import HOURS, read_series
from layouts.formats import DASH
from layouts.panel import Panel, View
from layouts.panels.feed_table import Quality, read_quality

BELOW = "▾"


def build_feed_hours(view: View) -> Component:
    """A row a feed, a column an hour of the city's clock, the running one last; per cents of the time fresh."""
    quality = read_quality(view)
    known = [(h, q) for h in view.snapshot.feeds.values() if (q := quality.get(h.feed)) and q.get("fresh_hours")]
    if not known:
        return html.P("No hour has been watched yet.", className="calm")
    # By the clock of the city: on the two nights when it changes an hour stands twice, or is left out.
    hours = [
        (view.now - timedelta(hours=back)).astimezone(view.city.zone).strftime("%H")
        for back in range(HOURS - 1, -1, -1)
    ]
    caption = (
        f"Per cent of each hour in which the feed was fresh; {BELOW} is below its promise, {DASH} was not watched."
    )
    head = html.Tr(
        [html.Th("Feed", scope="col", role="columnheader")]
        + [html.Th(f"{hour}h", scope="col", role="columnheader") for hour in hours],
        role="row",
    )
    return html.Table(
        [
            html.Caption(caption),
            html.Thead(head, role="rowgroup"),
            html.Tbody([_build_row(h.title, q, hours) for h, q in known], role="rowgroup"),
        ],
        role="table",
        className="feed-table feed-hours",
    )


def _build_row(title: str, quality: Quality, hours: list[str]) -> Component:
    text, promised = quality.get("fresh_hours"), quality.get("promised_fresh_percent")
    values = read_series(text if isinstance(text, str) else None)
    cells = []
    for hour, value in zip(hours, values, strict=True):
        below = value is not None and isinstance(promised, float) and value < promised
        told = DASH if value is None else f"{BELOW}{value:.0f}" if below else f"{value:.0f}"
        cells.append(html.Td(told, role="cell", className="is-broken" if below else "", **{"data-head": f"{hour}h"}))
    return html.Tr([html.Th(title, scope="row", role="rowheader"), *cells], role="row")


PANEL = Panel("feed_hours", "Freshness by hour", build_feed_hours, on_request=True)
