"""In words: which flights are beyond their weather limits, and which weak areas grew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import h3

from control_room.diary import Diary
from layouts.panel import View
from layouts.panels.coverage import build_coverage
from layouts.panels.weather import build_weather
from tests.layouts.cases import CENTRE, NOW, find_all, words
from tests.layouts.tables import health_of, table_of, view_with

FEED = health_of("feed")
GUST = {
    "quantity": "wind_gust",
    "unit": "km/h",
    "value": 60.0,
    "title": "Campbell Park",
    "latitude": CENTRE[0],
    "longitude": CENTRE[1],
    "observed_at": NOW - timedelta(seconds=5),
}
DRONE = {
    "vehicle_type": "drone",
    "label": "D1",
    "state": "working",
    "latitude": CENTRE[0] + 0.01,
    "longitude": CENTRE[1],
    "observed_at": NOW - timedelta(seconds=5),
}
HEXAGONS = h3.grid_disk(h3.latlng_to_cell(*CENTRE, 9), 1)[:3]


def weather(*drones: dict[str, Any], **reading: Any) -> str:
    return words(build_weather(view_with(FEED, vehicle=list(drones), environment=[{**GUST, **reading}])))


def test_a_flight_beyond_a_limit_is_told_by_name_with_figure_station_and_distance():
    """60 km/h of gusts one kilometre away, where 54 are the most."""
    text = weather(DRONE)

    assert "D1 flies beyond its limits : wind gust 60\u202fkm/h at Campbell Park, 1.1 km away, at most 54" in text


def test_flights_within_their_limits_are_counted():
    """Calm is said in words."""
    assert "1 drone flies where no measured limit is passed" in weather(DRONE, value=20.0)


def test_a_flight_of_which_nothing_is_measured_is_not_called_safe():
    """No station near, or none that can be believed: nothing can be said."""
    for text in (weather(DRONE, latitude=51.0), weather(DRONE, is_suspect=True), weather(DRONE, value=None)):
        assert "1 of 1 drones: nothing can be said, no station within 8 km measures" in text
        assert "no measured limit is passed" not in text.replace("No measured limit is passed", "")


def test_drones_on_the_ground_or_not_heard_of_are_no_flights():
    """A drone that stands needs no wind limit; one that is silent is asked about elsewhere."""
    silent = {**DRONE, "observed_at": NOW - timedelta(hours=2)}

    assert "No drone that is heard of flies now." in weather({**DRONE, "state": "idle"})
    assert "No drone that is heard of flies now." in weather(silent)


def survey(hours_ago: float, *dbm: float) -> list[dict[str, Any]]:
    """A drive test of neighbouring hexagons with these medians; under -100 dBm is poor."""
    return [
        {
            "coverage_key": f"{hexagon} {hours_ago}",
            "hexagon": hexagon,
            "technology": "NR",
            "rsrp_dbm": value,
            "band": "poor" if value < -100 else "good",
            "samples": 30.0,
            "latitude": CENTRE[0],
            "longitude": CENTRE[1],
            "observed_at": NOW - timedelta(hours=hours_ago),
        }
        for hexagon, value in zip(HEXAGONS, dbm, strict=False)
    ]


def coverage(*before: list[dict[str, Any]], now: list[dict[str, Any]]) -> View:
    view = view_with(FEED, coverage=now)
    diary = Diary(view.feeds, view.city.zone)
    for rows in before:
        diary.surveys.note(table_of("coverage", rows))
    diary.surveys.note(view.snapshot.tables["coverage"])
    return replace(view, diary=diary)


def test_a_weak_area_that_grew_is_told_with_how_much_and_since_when():
    """One hexagon was good yesterday and is poor now: one more than before, 16 dB weaker."""
    built = build_coverage(coverage(survey(24, -90.0, -105.0), now=survey(0, -106.0, -107.0)))

    assert "1 weak area has grown by 0.1 km²" in words(built)
    assert "since the drive test of Thu 21 Nov 14:03" in words(built)
    assert "grew by 1 , 16 dB weaker at worst" in words(built)
    assert find_all(built, "symbol-help")


def test_what_was_weak_before_has_not_grown_and_what_nobody_measured_was_found():
    """Growth is only told where both tests measured."""
    same = words(build_coverage(coverage(survey(24, -105.0), now=survey(0, -106.0))))
    found = words(build_coverage(coverage(survey(24, -90.0), now=survey(0, -90.0, -106.0))))

    assert "No weak area has grown" in same
    assert "as before" in same
    assert "not measured before" in found


def test_without_an_earlier_test_growth_is_not_known():
    """One drive test is no trend, nor is one an hour younger, nor a view without a diary."""
    for view in (
        coverage(now=survey(0, -106.0)),
        coverage(survey(1, -90.0), now=survey(0, -106.0)),
        view_with(FEED, coverage=survey(0, -106.0)),
    ):
        assert "cannot be said yet: no drive test of an earlier day is kept" in words(build_coverage(view))
