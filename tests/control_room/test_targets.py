"""Targets and corridors of a city's folder: read, or refused with what is wrong and where."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from control_room.city import CITIES, CityError, load_city
from control_room.city.targets import read_targets
from control_room.model import CELL, COVERAGE
from feeds.quantities import QUANTITIES

GOOD = {"at_least": 99, "unit": "%", "words": "in service", "source": "working", "reason": "because"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of Milton Keynes that a test may spoil."""
    return Path(shutil.copytree(CITIES / "milton_keynes", tmp_path / "town"))


def test_the_citys_targets_are_about_figures_that_exist():
    """Each names a column of its kind, or a quantity, in the very unit that the tables hold."""
    targets = load_city(CITIES / "milton_keynes").targets

    assert {t.name: t.unit for t in targets["cell"].values()} == {n: CELL.by_name[n].unit for n in targets["cell"]}
    assert {t.name: t.unit for t in targets["coverage"].values()} == {
        n: COVERAGE.by_name[n].unit for n in targets["coverage"]
    }
    weather = targets["drone_weather"]
    assert all(QUANTITIES[n].unit == t.unit for n, t in weather.items() if n in QUANTITIES)


def test_a_limit_itself_is_kept_and_an_unknown_value_misses_nothing():
    """At least 99: 99 keeps it, 98.9 misses it, and of an unknown value nobody knows."""
    target = read_targets({"cell": {"a": GOOD}})["cell"]["a"]

    assert target.misses(np.array([99.0, 98.9, np.nan])).tolist() == [False, True, False]
    assert (target.is_missed(98.0), target.is_missed(float("nan"))) == (True, False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at_most": 3}, "exactly one of at_least and at_most"),
        ({"at_least": None, "reason": "x"}, "at_least None is no number"),
        ({"at_least": True}, "at_least True is no number"),
        ({"unit": ""}, "unit is missing"),
        ({"colour": "red"}, "colour is no part of a target"),
    ],
)
def test_a_wrong_target_is_refused_by_name(change, said):
    """The error names the entry and what it needs."""
    with pytest.raises(ValueError, match=said) as error:
        read_targets({"cell": {"delay": {**GOOD, **change}}})

    assert "cell.delay" in str(error.value)


def test_a_citys_broken_targets_stop_the_start_with_the_files_name(folder: Path):
    """One line that names file and entry."""
    (folder / "targets.yaml").write_text("cell: {load: 75}", encoding="utf-8")

    with pytest.raises(CityError, match=r"targets\.yaml: cell\.load: is no target"):
        load_city(folder)


def test_a_city_without_targets_and_corridors_has_none(folder: Path):
    """Both files are optional: figures are then shown, and not judged."""
    (folder / "targets.yaml").unlink()
    (folder / "corridors.geojson").unlink()
    city = load_city(folder)

    assert (dict(city.targets), city.corridors) == ({}, ())


@pytest.mark.parametrize(
    ("properties", "geometry", "said"),
    [
        ({"name": "A", "vehicle_type": "shuttle"}, {"type": "LineString", "coordinates": [[0, 52], [1, 52]]}, "needs name, vehicle_type and source"),
        ({"name": "A", "vehicle_type": "shuttle", "source": "s"}, {"type": "LineString", "coordinates": [[0, 52]]}, "is no line of two points"),
        ({"name": "A", "vehicle_type": "shuttle", "source": "s"}, {"type": "LineString", "coordinates": [["a", 52], [1, 52]]}, "no pair of degrees"),
    ],
)  # fmt: skip
def test_a_wrong_corridor_is_refused_by_its_number(folder: Path, properties, geometry, said):
    """The error names the file, the feature and what is wrong."""
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    (folder / "corridors.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8"
    )

    with pytest.raises(CityError, match=said) as error:
        load_city(folder)

    assert "corridors.geojson: feature 1" in str(error.value)
