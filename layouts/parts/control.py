"""What people press and choose from, and what stands where something is still on its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component


def build_press(words: str, kind: str = "", **more: Any) -> Component:
    """A button of a script of the page.

    Args:
        kind: "" or "main" for the one that does what a form is for.
        more: further attributes (`id`, `disabled`).
    """
    return html.Button(words, type="button", className=f"press press-{kind}" if kind else "press", **more)


def build_choice(label: str, options: Sequence[tuple[str, str]], **more: Any) -> Component:
    """One of several, as the browser's own list.

    Args:
        label: what is chosen, for screen readers; the words of each option say it to the eye.
        options: (value, words).
        more: further attributes (`id`).
    """
    choices = [html.Option(words, value=value) for value, words in options]
    return html.Label(
        [html.Span(label, className="unseen"), html.Select(choices, className="choice", **more)],
        className="choice-label",
    )


def build_skeleton(lines: int) -> Component:
    """Room for so many lines, before they are there: still, grey, of their height. Screen readers hear one word."""
    bars = [html.Span(className=f"skeleton-line skeleton-{n % 4}", **{"aria-hidden": "true"}) for n in range(lines)]
    return html.Div([html.Span("On its way.", className="unseen"), *bars], className="skeleton")
