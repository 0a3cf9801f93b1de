"""Whether a weak area grew: against an earlier drive test, and only where both measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import h3
import numpy as np
import pytest

from control_room.model import COVERAGE, Table
from control_room.network import describe_coverage
from control_room.surveys import Surveys, compare, read_earlier

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MIDDLE = h3.latlng_to_cell(52.04, -0.756, 9)
FIRST, SECOND, THIRD = tuple(h3.grid_disk(MIDDLE, 1))[:3]


def survey(at: datetime | None, **dbm: float) -> Table:
    """A drive test of hexagons a, b, c with their medians; under -100 dBm is poor."""
    names = {"a": FIRST, "b": SECOND, "c": THIRD}
    columns = {
        "coverage_key": list(dbm),
        "hexagon": [names[name] for name in dbm],
        "technology": ["NR"] * len(dbm),
        "rsrp_dbm": list(dbm.values()),
        "band": ["poor" if value < -100 else "good" for value in dbm.values()],
        "samples": [30.0] * len(dbm),
        "observed_at": [at] * len(dbm),
    }
    return Table.of(COVERAGE, columns)


def test_only_hexagons_measured_both_times_have_grown():
    """One fell, one was weak before, one was never driven through: one grown, one lasting, one found."""
    now = survey(NOON, a=-105.0, b=-108.0, c=-110.0)
    (hole,) = describe_coverage(now).holes

    growth = compare(hole, now, read_earlier(survey(NOON - timedelta(days=1), a=-90.0, b=-107.0)))

    assert (growth.grown, growth.lasting, growth.found) == (1, 1, 1)
    assert growth.worst_fall_db == 15.0
    assert growth.grown_km2 == pytest.approx(h3.cell_area(FIRST, unit="km^2"))


def test_a_weak_area_that_nobody_measured_before_has_not_grown():
    """It was found, which is something else, and no fall can be told."""
    now = survey(NOON, a=-105.0)
    (hole,) = describe_coverage(now).holes
    growth = compare(hole, now, read_earlier(survey(NOON, b=-90.0)))

    assert (growth.grown, growth.found) == (0, 1)
    assert np.isnan(growth.worst_fall_db)


def test_the_earlier_test_is_the_newest_that_is_most_of_a_day_older():
    """What was renewed within the day is the same drive still growing."""
    surveys = Surveys()
    tests = {hours: survey(NOON - timedelta(hours=hours), a=-90.0) for hours in (72, 48, 24, 3)}
    for table in tests.values():
        surveys.note(table)
    now = survey(NOON, a=-105.0)
    surveys.note(now)

    found = surveys.find_earlier(now)
    assert found is not None
    assert found == (NOON - timedelta(hours=24), tests[24])


def test_without_an_earlier_test_nothing_is_compared():
    """The first table of all is not its own past; one without times is nobody's."""
    surveys = Surveys()
    first = survey(NOON, a=-105.0)
    surveys.note(first)
    surveys.note(survey(None, a=-90.0))

    assert surveys.find_earlier(first) is None
    assert surveys.find_earlier(survey(None, a=-90.0)) is None


def test_tests_that_history_kept_are_taken_over():
    """After a restart the past comes from where it is kept."""
    surveys = Surveys()
    old = survey(NOON - timedelta(days=2), a=-90.0)
    surveys.load([old, survey(None, a=-90.0)])

    assert surveys.find_earlier(survey(NOON, a=-105.0)) == (NOON - timedelta(days=2), old)
