"""What the city expects of its systems: each target with its reason and who set it."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from layouts.panel import Panel, View
from layouts.panels.network import describe_target

TITLES = {
    "cell": "5G cells",
    "corridor": "Ways that need signal",
    "coverage": "Coverage",
    "drone_weather": "Weather for drones",
}


def build_network_targets(view: View) -> Component:
    """A target a row, as the city's `targets.yaml` has them."""
    if not view.city.targets:
        return html.P(
            "The city's folder sets no targets (targets.yaml): figures are shown and not judged.", className="calm"
        )
    rows = [
        html.Tr(
            [
                html.Th(TITLES.get(system, system.replace("_", " ")), scope="row"),
                html.Td(describe_target(target)),
                html.Td(target.source),
                html.Td(target.reason),
            ]
        )
        for system, targets in view.city.targets.items()
        for target in targets.values()
    ]
    heads = ("System", "Target", "Set by", "Why")
    head = html.Thead(html.Tr([html.Th(h, scope="col") for h in heads]))
    return html.Table(
        [
            html.Caption("What figures are held against. Working targets are ours until somebody sets them."),
            head,
            html.Tbody(rows),
        ],
        className="facts",
    )


PANEL = Panel("network_targets", "Targets", build_network_targets, on_request=True)
