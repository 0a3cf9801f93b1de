"""Components as HTML text: what Dash would make of them, without Dash."""

from __future__ import annotations

from datetime import timedelta

import dash_leaflet as dl
import pytest
from dash import html

from layouts.parts.age import age
from layouts.static_html import age_text, to_html
from tests.layouts.cases import NOW


def test_properties_become_attributes():
    """Names that React spells its own way, flags, data, and style are those of HTML."""
    made = html.Td(
        ["a", html.Br(), None],
        className="number",
        colSpan=2,
        hidden=True,
        style={"gridArea": "map", "--dark": "1"},
        **{"data-key": 7},
    )

    assert (
        to_html(made, NOW)
        == '<td class="number" colspan="2" hidden style="grid-area:map;--dark:1" data-key="7">a<br></td>'
    )


def test_text_of_suppliers_stays_text():
    """Neither in the text nor in an attribute can it become an element."""
    made = html.P('<img src=x onerror="alert(1)">', title='"><script>')

    assert (
        to_html(made, NOW)
        == '<p title="&quot;&gt;&lt;script&gt;">&lt;img src=x onerror="alert(1)"&gt;</p>'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old_s", "state", "text"),
    [(12, "fresh", "12 s"), (45, "ageing", "45 s"), (400, "stale", "6 min"), (-5, "fresh", "0 s"), (-100, "unknown", "ahead of time")],
)  # fmt: skip
def test_an_age_is_written_as_it_is_now(old_s, state, text):
    """Nothing moves when the page begins to count."""
    made = to_html(age(NOW - timedelta(seconds=old_s), 30, 90), NOW)

    assert f'data-age-state="{state}">{text}</time>' in made


@pytest.mark.parametrize(("seconds", "text"), [(99, "99 s"), (100, "1 min"), (5999, "99 min"), (6000, "1.6 h"), (359_999, "99.9 h"), (360_000, "4 d")])  # fmt: skip
def test_ages_are_the_words_of_the_page(seconds, text):
    """The same steps as ageText in assets/live.js."""
    assert age_text(seconds) == text


def test_one_component_may_be_left_to_somebody_else():
    """In the place of the hole stands what was given for it."""
    made = html.Div([html.P("before"), html.Div(dl.Map(), id="map-frame"), html.P("after")])

    assert to_html(made, NOW, hole="map-frame", filling="<i></i>") == "<div><p>before</p><i></i><p>after</p></div>"


@pytest.mark.parametrize("made", [dl.Map(), html.Div(dl.Map()), html.P(draggable="true")])
def test_what_is_no_plain_html_is_refused(made):
    """A screen that needs Dash must not be served without it and look as if it worked."""
    with pytest.raises(ValueError, match=r"is no (plain HTML|attribute)"):
        to_html(made, NOW)
