"""Fleets today: shares of known time, by kind and operator; deliveries with what they saved, and from where that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from control_room.diary import Diary
from control_room.model import VEHICLE, Table
from layouts.panel import View
from layouts.panels.availability import count_availability
from layouts.panels.fleet_day import build_fleet_day
from layouts.parts.sources import judge_rows
from tests.layouts.cases import NOW, find_all, view_of, words
from tests.layouts.tables import health_of, table_of, view_with


def fleet(*robots: tuple[str, str, str | None]) -> Table:
    """Robots as (operator, state, trip)."""
    rows = [
        {"vehicle_type": "robot", "operator": operator or None, "state": state, "trip_id": trip, "observed_at": NOW}
        for operator, state, trip in robots
    ]
    return table_of("vehicle", rows)


def after(*looks: tuple[float, Table]) -> View:
    """A view at the last of these looks (seconds after the begin), whose diary has noted them all."""
    view = view_with(health_of("feed"), vehicle=looks[-1][1])
    diary = Diary(view.feeds, view.city.zone)
    for at_s, table in looks:
        diary.days.note(table, np.ones(len(table), dtype=bool), NOW + timedelta(seconds=at_s))
    return replace(view, diary=diary)


def test_shares_are_of_the_time_that_was_known():
    """A minute at work and a minute charging: half available, all of that in use."""
    text = words(
        build_fleet_day(
            after(
                (0, fleet(("A", "working", None))),
                (60, fleet(("A", "charging", None))),
                (120, fleet(("A", "idle", None))),
            )
        )
    )

    assert "50\u202f% of 1 100\u202f% never" in text
    assert "Since 14:03, of the time in which a state was known." in text


def test_time_that_needed_a_person_is_told_with_its_shape():
    """Two minutes on its side are two minutes."""
    built = build_fleet_day(after(*((60 * i, fleet(("A", "needs_help", None))) for i in range(3))))

    assert "2 min" in words(built)
    assert find_all(built, "symbol-help")


def test_operators_stand_apart_where_there_are_several():
    """The whole kind first, then each; one operator alone is not repeated."""
    two = fleet(("Alpha", "idle", None), ("Beta", "charging", None))
    text = words(build_fleet_day(after((0, two), (60, two))))
    one = fleet(("Alpha", "idle", None))

    assert text.index("robots 50") < text.index("Alpha 100") < text.index("Beta 0")
    assert "Alpha" not in words(build_fleet_day(after((0, one), (60, one))))


def test_deliveries_seen_to_end_carry_the_councils_own_average():
    """Two ended: 0.6 kg by 0.2875 kg each, and the published totals with year and source beside them."""
    looks = [(0, "t1"), (60, "t2"), (120, "t3")]
    text = words(build_fleet_day(after(*((at, fleet(("A", "working", trip))) for at, trip in looks))))

    assert "Robot deliveries seen to end: 2, about 0.6\u202fkg CO2 avoided at 0.29\u202fkg a delivery." in text
    assert "as published in 2024: 800,000 deliveries, 230,000 kg CO2" in text


def test_before_anything_was_watched_nothing_is_claimed():
    """No diary, no vehicle, or less than a minute: words, and no share."""
    idle = fleet(("A", "idle", None))
    assert "No vehicle has been watched today yet." in words(build_fleet_day(view_of()))
    assert "Watched for less than a minute." in words(build_fleet_day(after((0, idle), (10, idle))))
    assert "%" not in words(build_fleet_day(after((0, idle), (10, idle))))


def test_vehicles_beyond_the_limit_are_counted_as_left_out():
    """Said, never silently."""
    table = fleet(*(("A", "idle", None),) * 3)
    view = after((0, table), (60, table))
    assert view.diary is not None
    view.diary.days.left_out = 2

    assert "2 vehicles are too many to be counted." in words(build_fleet_day(view))


def test_availability_now_is_told_by_operator_as_well():
    """The kind's row is the sum of its operators' rows."""
    view = view_with(
        health_of("feed"), vehicle=fleet(("Alpha", "idle", None), ("Alpha", "charging", None), ("", "idle", None))
    )
    table = view.snapshot.tables["vehicle"]
    found = [(f.operator, f.known, f.available) for f in count_availability(table, judge_rows(table, view))]

    assert found == [(None, 3, 2), ("Alpha", 2, 1), ("", 1, 1)]


def test_a_vehicle_without_kind_is_counted_as_other():
    """Nothing is dropped for want of a word."""
    table = Table.of(VEHICLE, {"vehicle_key": ["a"], "state": ["idle"]})
    ((kind, spent),) = after((0, table), (60, table)).diary.days.sum_fleets().items()

    assert (kind, spent.known_s) == (("other", None), 60.0)
