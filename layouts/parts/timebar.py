"""The time bar: LIVE, or any moment that the black box holds.

Everything on it is made by the page (assets/timeline.js and its neighbours): what is recorded, what is marked
and where the hand is change by the second. Here stands where it goes, where its answers come from, and what
says REPLAY over the whole screen.
"""

from __future__ import annotations

from typing import Final, Literal

from dash import html
from dash.development.base_component import Component

from layouts.panel import View

HELD_URL: Final = "/timeline/held"
MARKS_URL: Final = "/timeline/marks"
COMPARE_URL: Final = "/timeline/compare"
EXPORT_URL: Final = "/timeline/export"


def build_timebar(view: View, keys: Literal["screen", "bar"] = "screen") -> list[Component]:
    """The bar itself, and the frame round a screen that shows the past.

    Args:
        keys: whose `?` is: the bar's own on its screen, or only while the focus is in the bar, on a screen
            that has a list of keys itself. All other keys of the bar count on the whole screen.
    """
    addresses = {
        "data-held": HELD_URL,
        "data-marks": MARKS_URL,
        "data-compare": COMPARE_URL,
        "data-export": EXPORT_URL,
    }
    return [
        html.Section(
            # As high as what will stand there: nothing moves when it comes.
            html.P("The time bar is on its way.", className="calm time-wait"),
            id="timebar",
            className="timebar",
            **{"aria-label": "Time", "data-tz": str(view.city.zone), "data-keys": keys, **addresses},
        ),
        html.Div(className="replay-frame replaying-only", **{"aria-hidden": "true"}),
    ]
