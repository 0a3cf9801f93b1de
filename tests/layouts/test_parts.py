"""Numbers, ages, symbols, sizes, map and screen: the parts that panels are made of."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from layouts.formats import format_count, format_number, format_reason, format_state
from layouts.parts.age import age
from layouts.parts.city_map import build_map, grid_bounds
from layouts.parts.mark import REPLAYING
from layouts.parts.sight import CAP_HEIGHT_EM, SMALLEST_REM, cap_height_mm, root_vw
from layouts.parts.symbol import TYPES, build_css, map_symbols
from layouts.screens.wall import build_wall, build_wall_table
from layouts.shell import index_page
from tests.layouts.cases import NOW, city, find_all, view_of, words

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (None, "km/h", 0, "—"),
        (math.nan, "%", 0, "—"),
        (math.inf, "m", 0, "—"),
        (0.0, "km/h", 0, "0\u202fkm/h"),
        (-0.04, "°", 1, "0.0\u202f°"),
        (1234.56, "m", 1, "1,234.6\u202fm"),
        (5, "", 0, "5"),
    ],
)
def test_unknown_is_a_dash_and_zero_is_zero(value, unit, decimals, text):
    """Missing is never zero, and zero is never missing."""
    assert format_number(value, unit, decimals) == text


def test_words_for_people():
    """Counts are grouped; states and reasons are words, also those nobody thought of."""
    assert format_count(12345) == "12,345"
    assert format_state("idle", "bus") == "no trip"
    assert format_state(None) == "state not known"
    assert format_reason("id_missing") == "id missing"


def test_an_unknown_time_says_so():
    """No age is counted from a time that nobody gave."""
    component = age(None, 30, 90)

    assert words(component) == "— time not known"
    assert "data-since" not in component.to_plotly_json()["props"]


def test_an_age_is_a_moment_and_its_limits():
    """The page counts from data-since and judges by the feed's limits."""
    props = age(NOW, 30, 90).to_plotly_json()["props"]

    assert props["data-since"] == str(int(NOW.timestamp() * 1000))
    assert (props["data-ageing-s"], props["data-stale-s"]) == ("30", "90")


@pytest.mark.parametrize(
    ("distance_m", "arc", "mm"), [(0.6, 16, 2.8), (3, 16, 14), (5, 16, 23), (8, 16, 37), (5, 22, 32)]
)
def test_cap_heights_are_those_of_the_standard(distance_m, arc, mm):
    """The table of NUREG-0700: 16 minutes of arc at the farthest seat."""
    assert cap_height_mm(distance_m, arc) == pytest.approx(mm, abs=0.5)


def test_the_smallest_text_can_be_read_from_the_farthest_seat():
    """A picture of 1,210 mm at 5 m: capitals of the smallest text are 23 mm high, on however many pixels."""
    root_mm = root_vw(1210, 5) / 100 * 1210

    assert root_mm * SMALLEST_REM * CAP_HEIGHT_EM == pytest.approx(23.3, abs=0.1)


@pytest.mark.parametrize(("width_mm", "farthest_m"), [(0, 5), (1210, 0), (-1, 5)])
def test_a_wall_of_no_size_has_no_size_of_text(width_mm, farthest_m):
    """No width or no distance is an error, not a size of nothing."""
    with pytest.raises(ValueError, match="more than nothing"):
        root_vw(width_mm, farthest_m)


def test_the_smallest_size_is_the_one_the_arithmetic_uses():
    """The token for the smallest text is the one that the viewing distance is reckoned for."""
    assert f"--type-0: {SMALLEST_REM:g}rem" in (ROOT / "assets" / "10-tokens.css").read_text()


def test_the_symbols_stylesheet_is_current():
    """`python -m layouts.parts.symbol` was run after the last change of a shape."""
    assert (ROOT / "assets" / "20-symbols.css").read_text() == build_css()


def test_every_vehicle_type_has_a_shape_of_its_own():
    """Kinds differ by silhouette, not by colour."""
    assert len({shape["path"] for shape in TYPES.values()}) == len(TYPES)
    assert set(map_symbols()["types"]) == set(TYPES)


def test_the_map_needs_nothing_from_the_internet():
    """Without a setting there is no tile layer at all: dash-leaflet's own default would be an online one."""
    leaflet, credit = build_map(city(), {}).children

    assert leaflet.children == []
    assert words(credit) == "Contains public sector information licensed under the Open Government Licence v3.0."


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"tiles": "https://tiles.example/{z}/{x}/{y}.png", "tiles_attribution": "© them"}, "https://tiles.example/{z}/{x}/{y}.png"),
        ({"mbtiles": "city.mbtiles"}, "/tiles/{z}/{x}/{y}"),
    ],
    ids=["online", "local"],
)  # fmt: skip
def test_tiles_are_a_setting(settings, url):
    """A template or a local file puts one layer beneath ours, with its credit beside ours."""
    leaflet, credit = build_map(city(), settings).children

    assert [layer.url for layer in leaflet.children] == [url]
    assert settings.get("tiles_attribution", "") in words(credit)


def test_the_first_look_holds_the_whole_grid():
    """Bounds come from the grid roads of the city's folder."""
    south, west, north, east = grid_bounds(city())

    assert (51.9, -0.9) < (south, west) < (52.0, -0.8)
    assert north > 52.07
    assert east > -0.69


def test_the_wall_has_the_ids_of_the_live_contract():
    """What the channel fills is there, once."""
    screen = build_wall(view_of("1 robot working 1s"), "47", {})
    ids = _ids(screen)

    wanted = {"channel-bar", "worst-age", "clock", "panel-fleet", "panel-feeds", "followed", "followed-label", "live", "map-frame"}  # fmt: skip
    assert wanted <= set(ids)
    assert len(ids) == len(set(ids))
    (live,) = [c for c in screen.children if getattr(c, "id", None) == "live"]
    props = live.to_plotly_json()["props"]
    topics = "map,panel:alarms,panel:alarm_call,panel:fleet,panel:feeds,panel:map_layers"
    assert (props["data-topics"], props["data-follow"]) == (topics, "47")


def test_the_table_screen_asks_for_the_table_and_not_for_the_map():
    """Nobody pays for a map that is not shown."""
    screen = build_wall_table(view_of("1 robot working 1s"), {})

    assert "panel-vehicles" in _ids(screen)
    assert "map-frame" not in _ids(screen)
    (live,) = [c for c in screen.children if getattr(c, "id", None) == "live"]
    topics = "panel:vehicles,panel:places,panel:alarms,panel:alarm_call,panel:fleet,panel:feeds"
    assert live.to_plotly_json()["props"]["data-topics"] == topics


@pytest.mark.parametrize(
    ("mode", "word", "over"),
    [("live", "LIVE", None), ("sandbox", "SANDBOX", "ribbon"), ("replay", "REPLAY", "replay-frame")],
)
def test_live_sandbox_and_replay_are_unmistakable(mode, word, over):
    """Each has its word beside the clock; sandbox a ribbon and replay a frame over the whole screen."""
    screen = build_wall(view_of("1 robot working 1s", mode=mode), None, {})

    assert word in words(find_all(screen, "mark"))
    for name in ("ribbon", "replay-frame"):
        assert bool(find_all(screen, name)) is (name == over)
    # The real time is there for the timeline too; without a replay it stands in what is seen in the past alone.
    (real,) = find_all(screen, "clock-real")
    assert (REPLAYING in real.className.split()) is (mode != "replay")


def test_the_page_says_its_language():
    """Screen readers pronounce by it; Dash's own page has none."""
    page = index_page(city(), "live")

    assert '<html lang="en-GB"' in page
    assert "{%app_entry%}" in page


def test_the_map_gets_its_shapes_from_the_same_copy_as_the_legend():
    """The worker draws from the data attribute; there is no second list of shapes in a script."""
    frame = build_map(city(), {}).to_plotly_json()["props"]

    assert json.loads(frame["data-symbols"]) == map_symbols()


def _ids(component: object) -> list[str]:
    if isinstance(component, list | tuple):
        return [i for child in component for i in _ids(child)]
    own = [component.id] if getattr(component, "id", None) else []
    return own + _ids(getattr(component, "children", None) or [])
