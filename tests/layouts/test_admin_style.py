"""The design system's page: nothing that screens are made of is missing on it, and it is made by the real builders."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path
from types import CodeType

import pytest
from dash import html
from dash.development.base_component import Component

import layouts.parts
from layouts.parts.symbol import PICTURES
from layouts.screens.admin_style import SIDES, build_admin_style, build_style_groups
from layouts.screens.style_samples import _COLOURS
from layouts.static_html import to_html
from tests.layouts.cases import find_all, view_of, words
from tests.layouts.test_tokens import tokens

# Pieces of other parts, which give more than a component.
PIECES = {"draw_strip"}


def list_parts() -> dict[CodeType, str]:
    """Every public function of layouts/parts that gives components, by its code."""
    found = {}
    for module in pkgutil.iter_modules([str(Path(layouts.parts.__file__).parent)]):
        part = importlib.import_module(f"layouts.parts.{module.name}")
        for name, function in inspect.getmembers(part, inspect.isfunction):
            gives = str(inspect.signature(function).return_annotation)
            if function.__module__ == part.__name__ and not name.startswith("_") and "Component" in gives:
                found[function.__code__] = f"{module.name}.{name}"
    return found


def trace(build) -> set[CodeType]:
    """Codes of all functions that ran meanwhile."""
    seen = set()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: seen.add(frame.f_code) if event == "call" else None)
    try:
        build()
    finally:
        sys.setprofile(before)
    return seen


@pytest.fixture(scope="module")
def page():
    """The screen and what its script fetches into it."""
    return build_page(view_of("1 robot working 3s", mode="sandbox"))


def build_page(view):
    return html.Div([build_admin_style(view, {}), *build_style_groups(view)])


def test_every_part_is_on_the_page():
    """Whoever writes a new part shows it here as well, in its states."""
    seen = trace(lambda: build_page(view_of("1 robot working 3s")))
    # What a screen's frame uses of itself would be there without an example: header and overlay are examples, too.
    missing = sorted(name for code, name in list_parts().items() if code not in seen)

    assert missing == []


def test_the_search_for_parts_finds_them():
    """Else the test before would hold for an empty folder."""
    names = set(list_parts().values())

    assert {"chart.build_bars", "mark.build_overlay", "age.age", "symbol.symbol"} <= names
    assert len(names) > 25


def test_every_symbol_and_every_colour_is_on_the_page(page):
    """In each of the three themes."""
    for theme, _ in SIDES:
        sides = [part for part in find_all(page, "style-side") if getattr(part, "data-theme") == theme]
        classes = {
            name for side in sides for part in _walk(side) for name in str(getattr(part, "className", "")).split()
        }

        assert {f"symbol-{name}" for name in PICTURES} <= classes
    coloured = {name for name in tokens("dark") if re.fullmatch(r"#\w+", tokens("dark")[name])}
    assert coloured == set(_COLOURS)


def test_no_example_has_the_id_of_a_real_part(page):
    """Scripts of a screen find their parts by id: an example must not be taken for the clock or the bar of the channel."""
    ids = [part.id for part in _walk(page) if getattr(part, "id", None) is not None]

    assert len(ids) == len(set(ids))
    assert {"clock", "mode-mark", "alarm-say-now", "timebar", "search"} <= set(ids) | {"alarm-say-now"}


def test_the_parts_are_written_as_html():
    """All of them: nothing in an example is of a kind that only Dash can make."""
    view = view_of("1 robot working 3s")
    written = to_html(build_style_groups(view), view.now)

    assert written.count('class="style-side controls"') == len(SIDES) * written.count('<h2 id="style-')
    assert "<option value=" in written


def test_examples_say_that_they_are_none_of_the_city(page):
    """No figure of it may be taken for one."""
    assert "no figure on this page is of the city" in words(page)


def _walk(component):
    yield component
    children = getattr(component, "children", None)
    for child in children if isinstance(children, (list, tuple)) else [children]:
        if isinstance(child, Component):
            yield from _walk(child)
        elif isinstance(child, (list, tuple)):
            for one in child:
                if isinstance(one, Component):
                    yield from _walk(one)
