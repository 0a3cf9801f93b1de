"""Vehicles by place: the map's picture of where things are, as a table.

Each place with how many of each kind are there now. Built only for screens that
ask for the topic `panel:places` (`/wall/table`), and has at most as many rows as
the city has named places, plus one for vehicles far from all of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from dash import html
from dash.development.base_component import Component

from layouts.formats import DASH, format_count, format_kind
from layouts.panel import Panel, View
from layouts.panels.fleet import judge, list_types
from layouts.parts.sources import GONE, STALE, UNTIMED

ELSEWHERE = "Away from named places"


def count_places(view: View) -> dict[str, Counter[str]]:
    """Vehicles on the map by place and type; `help` and `stale` counted beside. Places without any are left out."""
    table = view.snapshot.tables["vehicle"]
    standing = judge(table, view)
    places: dict[str, Counter[str]] = defaultdict(Counter)
    rows = zip(
        table["locality"].tolist(),
        table["vehicle_type"].tolist(),
        (table["state"] == "needs_help").tolist(),
        standing.ages.tolist(),
        standing.inside.tolist(),
        strict=True,
    )
    for (place, kind, needs_help, age_class, inside), count in Counter(rows).items():
        if not inside or age_class == GONE:
            continue
        counts = places[place or ELSEWHERE]
        counts[kind or "other"] += count
        if needs_help:
            counts["help"] += count
        if age_class in (STALE, UNTIMED):
            counts["stale"] += count
    return dict(places)


def build_places(view: View) -> Component:
    """A table: a place a row, in alphabetical order, so that a place stays where it was read before."""
    places = count_places(view)
    if not places:
        return html.P("No vehicle is on the map.", className="calm")
    types = list_types(view)
    heads = ["Place", *(format_kind(t, 2).capitalize() for t in types), "Need help", "Stale"]

    def cell(count: int) -> Component:
        # Here a blank would be read aloud as nothing at all: zero is what we know.
        return html.Td(format_count(count), className="none" if count == 0 else "")

    body = [
        html.Tr([html.Th(place, scope="row"), *(cell(counts[t]) for t in (*types, "help", "stale"))])
        for place, counts in sorted(places.items(), key=lambda item: (item[0] == ELSEWHERE, item[0]))
    ]
    head = html.Thead(html.Tr([html.Th(h or DASH, scope="col") for h in heads]))
    caption = html.Caption("Vehicles on the map, by the nearest named place")
    return html.Table([caption, head, html.Tbody(body)], className="places")


PANEL = Panel("places", "Vehicles by place", build_places, on_request=True)
