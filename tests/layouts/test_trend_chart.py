"""The chart of a measure over time: gaps stay gaps, units are said, an hour that comes twice is there twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import plotly.graph_objects as go
import pytest

from control_room.trends import Trend
from layouts.parts.trend_chart import draw_trend, find_alone, list_ticks, say_stretches

LONDON = ZoneInfo("Europe/London")
AUTUMN = datetime(2026, 10, 24, 23, tzinfo=UTC)  # midnight of the day with 25 hours


def trend_of(values, measure="request.in", step="hour", begins=AUTUMN, known=None) -> Trend:
    seconds = {"hour": 3600, "day": 86_400, "week": 604_800}[step]
    size = len(values)
    at = np.array([begins.timestamp() + n * seconds for n in range(size)]).astype("int64").astype("datetime64[s]")
    nothing = np.full(size, np.nan)
    value = np.array([np.nan if v is None else v for v in values], dtype=float)
    share = np.isfinite(value).astype(float) if known is None else np.array(known)
    return Trend(measure, "", step, at, np.full(size, float(seconds)), value, nothing, nothing, nothing, nothing, share)


def draw(trend, low=None, high=None, **more):
    nothing = np.full(len(trend), np.nan)
    return draw_trend(trend, nothing if low is None else low, nothing if high is None else high, LONDON, **more)


def trace(figure, name):
    return next(t for t in figure["data"] if t["uid"] == name)


def test_a_gap_is_never_joined_over():
    """What was not known is None among the values, and the line may not connect over it; a lone value is a point."""
    figure = draw(trend_of([3, 4, None, 5, None, 0]))

    assert trace(figure, "value")["y"] == [3.0, 4.0, None, 5.0, None, 0.0]
    assert trace(figure, "value")["connectgaps"] is False
    assert trace(figure, "alone")["y"] == [5.0, 0.0]


@pytest.mark.parametrize(
    ("values", "alone"), [([], []), ([1], [0]), ([1, 2], []), ([np.nan, 1, np.nan], [1]), ([np.nan], [])]
)
def test_only_values_between_gaps_are_points_of_their_own(values, alone):
    """At the ends as well."""
    assert find_alone(np.array(values, dtype=float)).tolist() == alone


def test_the_unit_is_on_the_axis_and_in_what_is_pointed_at():
    """With the measure's decimals; a partly known hour says how much of it was known."""
    figure = draw(trend_of([1.25, 2.0], "cell.delay_dl_ms", known=[1.0, 0.5]))

    assert figure["layout"]["yaxis"]["title"]["text"] == "ms"
    assert trace(figure, "value")["text"] == [
        "Sun 25 Oct 00:00 BST<br>1.2\u202fms",
        "Sun 25 Oct 01:00 BST<br>2.0\u202fms, 50% known",
    ]
    assert trace(figure, "part")["y"] == [2.0]


def test_a_day_of_25_hours_has_25_places_in_order():
    """The clock shows 01:00 twice; the line goes on, and the words tell the two apart."""
    trend = trend_of(range(25))
    x = trace(draw(trend), "value")["x"]

    assert x == [n + 0.5 for n in range(25)]
    assert say_stretches(trend, LONDON)[1:3] == ["Sun 25 Oct 01:00 BST", "Sun 25 Oct 01:00 GMT"]
    assert len(set(say_stretches(trend, LONDON))) == 25


def test_ticks_are_days_of_the_city():
    """Midnights by London's clock, on both sides of the change of the clock."""
    places, words = list_ticks(trend_of(range(73)), LONDON)

    assert list(zip(places, words, strict=True)) == [(0, "Sun<br>25 Oct"), (25, "Mon<br>26"), (49, "Tue<br>27")]
    places, words = list_ticks(trend_of(range(25)), LONDON)
    assert list(zip(places, words, strict=True))[:3] == [(0, "00:00<br>Sun 25"), (5, "04:00"), (9, "08:00")]


def test_what_is_usual_is_drawn_only_where_it_is_known():
    """An area for each run of known hours, closed, with the hours' own width."""
    low, high = np.array([1, np.nan, 2.0]), np.array([3, np.nan, 4.0])
    band = trace(draw(trend_of([1, 2, 3]), low, high), "usual")

    assert band["x"] == [0, 1, 1, 0, 0, None, 2, 3, 3, 2, 2]
    assert band["y"] == [3, 3, 1, 1, 3, None, 4, 4, 2, 2, 4]


@pytest.mark.parametrize(("at_least", "missed"), [(True, [98.0]), (False, [99.5])])
def test_values_on_the_wrong_side_of_the_target_are_marked(at_least, missed):
    """What is not known misses nothing."""
    figure = draw(trend_of([99.0, 98.0, None, 99.5], "cell.available_percent"), target=99.0, at_least=at_least)

    assert trace(figure, "missed")["y"] == missed
    assert trace(figure, "target")["line"]["dash"] == "dash"


def test_nothing_at_all_is_a_figure_without_a_line():
    """No stretch, and stretches of which nothing is known."""
    for trend in (trend_of([]), trend_of([None, None])):
        figure = draw(trend)
        assert [v for v in trace(figure, "value")["y"] if v is not None] == []
        go.Figure(figure)


@pytest.mark.parametrize("step", ["hour", "day", "week"])
def test_plotly_knows_every_property_and_the_figure_stays_small(step):
    """Its own validator takes it; a week of hours with a band is under 40 kB, and has no colour of its own."""
    size = 168
    trend = trend_of(np.arange(size) * 1.37, step=step, begins=AUTUMN - timedelta(days=30))
    figure = draw(trend, np.arange(size) * 1.1, np.arange(size) * 1.7, target=50.0)

    go.Figure(figure)
    text = json.dumps(figure, allow_nan=False)
    assert len(text) < 40_000
    assert "#" not in text
