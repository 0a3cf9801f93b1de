"""A city is a folder of facts; a wrong fact is named with its file."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from control_room.city import CITIES, Box, CityError, Gazetteer, Place, load_city


def test_milton_keynes_is_complete():
    """Twenty grid roads, 151 localities, twenty places of note, and its line of attribution."""
    city = load_city(CITIES / "milton_keynes")

    assert (len(city.grid_roads["features"]), len(city.localities), len(city.pois)) == (20, 151, 20)
    assert "Open Government Licence v3.0" in city.attribution
    assert city.zone.key == "Europe/London"


def test_every_place_of_note_lies_in_the_box():
    """The box holds all that the map names."""
    city = load_city(CITIES / "milton_keynes")
    places = [*city.localities, *city.pois]
    inside = city.box.contains(np.array([p.latitude for p in places]), np.array([p.longitude for p in places]))

    assert [p.name for p, i in zip(places, inside, strict=True) if not i] == []


def test_the_gazetteer_agrees_with_measuring_every_distance():
    """Its squares give the nearest place but for points within a square's width of a border."""
    city = load_city(CITIES / "milton_keynes")
    draw = np.random.default_rng(1)
    lat, lon = draw.uniform(51.99, 52.09, 2000), draw.uniform(-0.82, -0.68, 2000)
    names = np.array([p.name for p in city.localities], dtype=object)
    dy = (lat[:, None] - [p.latitude for p in city.localities]) * 111_320
    dx = (lon[:, None] - [p.longitude for p in city.localities]) * 111_320 * np.cos(np.radians(52.04))
    distance = np.hypot(dx, dy)
    order = np.sort(distance, axis=1)
    clear = order[:, 1] - order[:, 0] > 150

    assert clear.sum() > 1000
    assert (city.gazetteer.localities(lat, lon)[clear] == names[distance.argmin(axis=1)][clear]).all()


def test_a_point_far_from_every_place_is_nowhere():
    """Also one outside the box, and one whose position is unknown."""
    gazetteer = Gazetteer(Box(51.9, -0.9, 52.2, -0.5), (Place("A", 52.0, -0.7),), within_m=1000)

    found = gazetteer.localities(np.array([52.001, 52.1, 10.0, np.nan]), np.array([-0.7, -0.7, -0.7, -0.7]))

    assert found.tolist() == ["A", None, None, None]


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("city.yaml", "name: x\n", "'box' is missing|box is missing"),
        ("city.yaml", "a: [", "is not YAML"),
        ("localities.csv", "locality,latitude,longitude,stops\nA,north,-0.7,1\n", "line 2: could not convert"),
        ("grid_roads.geojson", "[]", "not a GeoJSON FeatureCollection"),
    ],
)
def test_a_wrong_fact_is_named_with_its_file(tmp_path, file, content, says):
    """The text says which file and what; nobody has to read a traceback."""
    folder = tmp_path / "town"
    shutil.copytree(CITIES / "milton_keynes", folder)
    (folder / file).write_text(content)

    with pytest.raises(CityError, match=says) as error:
        load_city(folder)

    assert file in str(error.value)


def test_a_missing_folder_is_said():
    """And which file it should hold."""
    with pytest.raises(CityError, match=r"city\.yaml: cannot be read"):
        load_city(CITIES / "atlantis")
