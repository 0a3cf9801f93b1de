"""The head of a table, once for all panels."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component


def build_head(*heads: str | tuple[str, str]) -> Component:
    """A row of headings with their scope.

    Args:
        heads: words, or words and class (`number`, `is-figure`, `bar-cell`). A column without words is a
            picture beside a figure: it has a cell and no heading.
    """
    cells = [(head, "") if isinstance(head, str) else head for head in heads]
    return html.Thead(
        html.Tr(
            [html.Th(words, scope="col", className=name) if words else html.Td(className=name) for words, name in cells]
        )
    )
