"""Callback bodies: those of our own pages pass, everything else is a clear 400 before Dash sees it."""

from __future__ import annotations

import asyncio
import json

import dash
import httpx
import pytest
from dash import ALL, Input, Output, State, html

from control_room.callback_body import find_fault

GOOD = {
    "output": "screen.children",
    "outputs": {"id": "screen", "property": "children"},
    "inputs": [{"id": "url", "property": "href", "value": "http://localhost/wall"}],
    "changedPropIds": ["url.href"],
    "parsedChangedPropsIds": ["url.href"],
}
TWO = {
    "output": "..a.children...b.title..",
    "outputs": [{"id": "a", "property": "children"}, {"id": "b", "property": "title"}],
    "inputs": [{"id": "url", "property": "href"}],
    "state": [{"id": "q", "property": "value", "value": 1}],
    "changedPropIds": [],
}


@pytest.fixture(scope="module")
def app():
    """A real Dash app with one callback of each form."""
    made = dash.Dash(__name__, backend="fastapi", suppress_callback_exceptions=True)
    made.layout = html.Div()

    @made.callback(Output("screen", "children"), Input("url", "href"))
    def one(href):
        return str(href)

    @made.callback(Output("a", "children"), Output("b", "title"), Input("url", "href"), State("q", "value"))
    def two(href, value):
        return "a", "b"

    @made.callback(Output("c", "children"), Input({"type": "button", "index": ALL}, "n_clicks"))
    def many(clicks):
        return "c"

    return made


def encode(said) -> bytes:
    return said if isinstance(said, bytes) else json.dumps(said).encode()


@pytest.mark.parametrize("said", [GOOD, TWO, {**GOOD, "inputs": [{"id": "url", "property": "href"}]}])
def test_what_a_page_sends_passes_and_is_answered(app, said):
    """One output or several, with state or without, with a value or none: Dash answers it with 200."""

    async def post():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app.server), base_url="http://x") as client:
            return (await client.post("/_dash-update-component", json=said)).status_code

    assert find_fault(encode(said), app.callback_map) is None
    assert asyncio.run(post()) == 200


def test_patterns_stand_for_any_number_of_components(app):
    """Their ids are known only to the page."""
    button = {"id": {"type": "button", "index": 4}, "property": "n_clicks", "value": 1}
    said = {"output": "c.children", "outputs": {"id": "c", "property": "children"}, "inputs": [[button, button]]}

    assert find_fault(encode(said), app.callback_map) is None
    assert find_fault(encode({**said, "inputs": [[{**button, "property": "x"}]]}), app.callback_map)


@pytest.mark.parametrize(
    "said",
    [
        b"", b"{", b"\xff\xfe", b"NaN", b"[" * 30_000, b'"\\ud800"', [], None, 5, "x", {},
        {**GOOD, "output": "x.y"}, {**GOOD, "output": ["screen.children"]}, {**GOOD, "output": None}, {**GOOD, "output": {}},
        {**GOOD, "inputs": None}, {**GOOD, "inputs": []}, {**GOOD, "inputs": "abc"}, {**GOOD, "inputs": [5]},
        {**GOOD, "inputs": GOOD["inputs"] * 10}, {**GOOD, "inputs": [GOOD["inputs"]]},
        {**GOOD, "inputs": [{"id": "url", "property": "search"}]}, {k: v for k, v in GOOD.items() if k != "inputs"},
        {**GOOD, "state": "x"}, {**GOOD, "state": [{"id": "a", "property": "b"}]}, {**TWO, "state": []},
        {**GOOD, "outputs": None}, {**GOOD, "outputs": "x"}, {**GOOD, "outputs": [1]}, {**TWO, "outputs": TWO["outputs"][:1]},
        {**GOOD, "outputs": {"id": "other", "property": "children"}},
        {**GOOD, "changedPropIds": 5}, {**GOOD, "changedPropIds": [{}]},
        {**GOOD, "inputs": [{"id": "url", "property": "href", "value": "\ud800"}]},
    ],
)  # fmt: skip
def test_what_no_page_of_ours_sends_is_a_fault(app, said):
    """Each with words that repeat nothing of what was sent."""
    fault = find_fault(encode(said), app.callback_map)

    assert fault
    assert "abc" not in fault
