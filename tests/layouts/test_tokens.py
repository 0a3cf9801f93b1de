"""The tokens of assets/10-tokens.css: every text can be read on every ground, every coded colour told from the others."""

from __future__ import annotations

import itertools
import re
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it tells of packages it could use and we need not
    import colour

ASSETS = Path(__file__).resolve().parents[2] / "assets"
BASES = ("base", "panel", "raised")
TEXTS = ("text", "text-2", "text-3")
PRIORITIES = ("highest", "high", "medium", "low")
THEMES = ("dark", "light", "wall")

# The display that sRGB is defined for (IEC 61966-2-1): 80 cd/m2, a room of 64 lux, a grey fifth of white behind it.
ADAPTING_CD_M2 = 64 / np.pi / 5
BACKGROUND = 20.0
SIGHTS = ("normal", "Deuteranomaly", "Protanomaly", "Tritanomaly")  # the last three in full: no cone of that sort
LEAST_DISTANCE = 16.0


@cache
def tokens(theme: str) -> dict[str, str]:
    """Name -> value in that theme, as the cascade gives it."""
    css = re.sub(r"/\*.*?\*/", "", (ASSETS / "10-tokens.css").read_text(encoding="utf-8"), flags=re.S)
    found: dict[str, str] = {}
    for selectors, body in re.findall(r"([^{};]+)\{([^{}]*)\}", css):
        names = [s.strip() for s in selectors.split(",")]
        if ":root" in names or f'[data-theme="{theme}"]' in names:
            if "--fade: 0ms" in body:
                continue  # for those who asked for less motion
            if theme == "light" and f'[data-theme="{theme}"]' not in names and "--base" in body:
                continue  # the dark theme's own
            found |= dict(re.findall(r"--([\w-]+):\s*([^;]+);", body))
    return found


def rgb(text: str) -> np.ndarray:
    assert re.fullmatch(r"#[0-9a-f]{6}", text), f"{text} is no colour of six digits"
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(text: str) -> np.ndarray:
    return np.asarray(colour.models.eotf_sRGB(rgb(text)))


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 reckons it: 1 to 21."""
    light, dark = sorted((float(linear(t) @ (0.2126, 0.7152, 0.0722)) + 0.05 for t in (one, other)), reverse=True)
    return light / dark


def seen(text: str, sight: str) -> np.ndarray:
    """Where a colour stands in CAM02-UCS for somebody of that sight (Machado, Oliveira and Fernandes 2009)."""
    light = linear(text)
    if sight != "normal":
        light = np.clip(colour.CVD_MATRICES_MACHADO2010[sight][1.0] @ light, 0, 1)
    xyz = colour.models.RGB_COLOURSPACE_sRGB.matrix_RGB_to_XYZ @ light * 100
    white = colour.models.RGB_COLOURSPACE_sRGB.matrix_RGB_to_XYZ @ np.ones(3) * 100
    found = colour.XYZ_to_CIECAM02(xyz, white, ADAPTING_CD_M2, BACKGROUND)
    return np.asarray(colour.JMh_CIECAM02_to_CAM02UCS(np.array([found.J, found.M, found.h])))


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_can_be_read_on_every_ground(theme):
    """4.5:1 for each of the three greys of text on each of the three grounds (WCAG 1.4.3)."""
    t = tokens(theme)
    found = {(text, base): contrast(t[text], t[base]) for text in TEXTS for base in BASES}

    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_every_coded_colour_stands_out_from_every_ground(theme):
    """4.6:1 in the dark, 4.9:1 in the light; the light theme's medium is for shapes alone: 3:1 (WCAG 1.4.11)."""
    t = tokens(theme)
    least = dict.fromkeys(PRIORITIES, 4.9 if theme == "light" else 4.6)
    if theme == "light":
        least["medium"] = 3.0
    low = {
        (name, base): round(ratio, 2)
        for name in PRIORITIES
        for base in BASES
        if (ratio := contrast(t[f"priority-{name}"], t[base])) < least[name]
    }

    assert low == {}


@pytest.mark.parametrize("theme", THEMES)
def test_text_in_the_ground_s_colour_can_be_read_on_what_is_filled_with_a_coded_one(theme):
    """Bars of faults and buttons that ring are filled with high or highest, and written on in `base`."""
    t = tokens(theme)

    assert min(contrast(t["base"], t[f"priority-{name}"]) for name in ("highest", "high")) >= 4.5


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", ("dark", "light"))
def test_any_two_priorities_can_be_told_apart(theme, sight):
    """16 or more between any two in CAM02-UCS, also for those who lack one sort of cone."""
    t = tokens(theme)
    places = {name: seen(t[f"priority-{name}"], sight) for name in PRIORITIES}
    near = {
        (a, b): round(distance, 2)
        for a, b in itertools.combinations(PRIORITIES, 2)
        if (distance := float(np.linalg.norm(places[a] - places[b])))
        < LEAST_DISTANCE - 0.05  # of the figure's rounding
    }

    assert near == {}


@pytest.mark.parametrize("theme", THEMES)
def test_what_the_map_says_can_be_read_on_land_water_and_ground(theme):
    """Symbols 4.5:1, what is old 4.5:1 on land, names of roads, places and towns 4:1, and the frame of the focus 3:1."""
    t = tokens(theme)
    grounds = [t[f"map-{name}"] for name in ("ground", "land", "cell", "water")]

    assert min(contrast(t["map-ink"], g) for g in grounds) >= 4.5
    assert contrast(t["map-quiet"], t["map-land"]) >= 4.5
    assert min(contrast(t[f"map-{name}"], t["map-land"]) for name in ("road-name", "place", "town")) >= 4.5
    assert min(contrast(t[f"map-{name}"], g) for name in ("road-name", "place", "town") for g in grounds) >= 4.0
    assert contrast(t["map-water-name"], t["map-water"]) >= 3.0
    assert min(contrast(t["focus"], t[base]) for base in BASES) >= 3.0


@pytest.mark.parametrize("theme", THEMES)
def test_priorities_can_be_told_from_the_map(theme):
    """A badge on the map lies on land or water: 3:1 on both."""
    t = tokens(theme)
    low = {
        (name, on): round(ratio, 2)
        for name in PRIORITIES
        for on in ("map-land", "map-ground")
        if (ratio := contrast(t[f"priority-{name}"], t[on])) < 3.0
    }

    assert low == {}


def test_light_and_dark_say_the_same_names():
    """A token of one theme alone would stand in the other one's colour."""
    assert set(tokens("light")) == set(tokens("dark"))


def test_the_wall_is_the_dark_theme_on_a_coarser_grid():
    """Same colours; the grid is 16 px."""
    wall, dark = tokens("wall"), tokens("dark")

    assert {name for name in dark if wall[name] != dark[name]} == {"gap"}
    assert wall["gap"] == "1rem"


def test_no_stylesheet_has_a_colour_of_its_own():
    """A colour outside of the tokens would not follow the theme. Masks take black, which only says where they are.

    The ramps of the map's layers are tokens as well, beside the layers that use them. The public screens have a look
    of their own, in one file.
    """
    colours = r"#(?:[0-9a-f]{3}|[0-9a-f]{4}|[0-9a-f]{6}|[0-9a-f]{8})\b|\b(?:rgba?|hsla?|oklch|oklab|lab|lch)\("
    strange = [
        f"{path.relative_to(ASSETS)}: {line.strip()[:120]}"
        for path in sorted(ASSETS.rglob("*.css"))
        if path.name not in ("10-tokens.css", "20-symbols.css", "look.css")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(colours, line, re.I) and "mask" not in line and not re.match(r"\s*--layer-[\w-]+:", line)
    ]

    assert strange == []


def test_every_colour_of_a_layer_has_one_for_each_theme():
    """Each token of the map's layers stands twice: in the dark and in the light."""
    css = (ASSETS / "49-layers.css").read_text(encoding="utf-8")
    names = re.findall(r"^\s*--(layer-[\w-]+):", css, re.M)

    assert names
    assert {name for name in names if names.count(name) != 2} == set()


@pytest.mark.parametrize("theme", ("dark", "light"))
def test_the_steps_of_heat_can_be_told_apart_in_greyscale_and_by_every_sight(theme):
    """Luminance alone tells each from the next and the first from the land, by 1.4:1; every sight by 8 in CAM02-UCS."""
    css = (ASSETS / "49-layers.css").read_text(encoding="utf-8")
    found = re.findall(r"--layer-heat-(\d): (#[0-9a-f]{6});", css)  # the dark ones stand first
    steps = dict(found[:4] if theme == "dark" else found[4:])
    t = tokens(theme)
    ramp = [t["map-land"], *(steps[name] for name in "1234")]

    away = [contrast(step, t["map-land"]) for step in ramp]
    assert len(found) == 8 and away == sorted(away)
    assert min(contrast(a, b) for a, b in itertools.pairwise(ramp)) >= 1.4
    for sight in SIGHTS:
        places = [seen(step, sight) for step in ramp]
        assert min(float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(places)) >= 8.0, sight
    assert contrast(t["map-ink"], ramp[-1]) >= 3.0


def test_every_token_that_is_used_exists():
    """A misspelt token is no colour at all, and nothing says so."""
    used = {
        (path.name, name)
        for path in sorted(ASSETS.rglob("*.css"))
        for name in re.findall(r"var\(--((?:priority|map|type|space|text)[\w-]*)", path.read_text(encoding="utf-8"))
    }

    assert [pair for pair in sorted(used) if pair[1] not in tokens("dark")] == []
