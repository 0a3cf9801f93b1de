"""A vehicle's day: time in each state, of the time it was known; trips that ended; midnight and pauses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from control_room.days import AVAILABLE, IN_USE, MOST_CHANGES, STATES, Days
from control_room.model import VEHICLE, Table

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/London")


def table(**vehicles: str) -> Table:
    """Vehicles as key="state" or key="state trip", all robots of one operator."""
    told = {key: (*text.split(), None)[:2] for key, text in vehicles.items()}
    columns = {
        "vehicle_key": list(told),
        "vehicle_type": ["robot"] * len(told),
        "operator": ["Careful"] * len(told),
        "state": [state for state, _ in told.values()],
        "trip_id": [trip for _, trip in told.values()],
    }
    return Table.of(VEHICLE, columns)


def play(days: Days, *looks: tuple[float, Table], heard: bool = True) -> Days:
    for at_s, rows in looks:
        days.note(rows, np.full(len(rows), heard), NOON + timedelta(seconds=at_s))
    return days


def seconds_of(days: Days, key: str = "47") -> dict[str, float]:
    found = days.find(key)
    assert found is not None
    return {state: s for state, s in zip(STATES, found.spent.seconds, strict=True) if s}


def test_time_counts_for_the_state_it_was_in_until_the_next_look():
    """Ten seconds at work, then twenty idle; what it will be is not known yet."""
    days = play(Days(ZONE), (0, table(a="working")), (10, table(a="idle")), (30, table(a="idle")))

    assert seconds_of(days, "a") == {"working": 10.0, "idle": 20.0}


def test_time_in_which_nobody_heard_of_it_is_in_no_share():
    """Availability is of known time: half an hour of silence makes it neither better nor worse."""
    days = play(Days(ZONE), (0, table(a="idle")), (10, table(a="idle")))
    play(days, (20, table(a="idle")), (50, table(a="idle")), heard=False)
    spent = days.find("a").spent

    assert (spent.watched_s, spent.known_s) == (50.0, 20.0)
    assert (spent.share_percent(AVAILABLE), spent.known_percent) == (100.0, 40.0)


def test_a_state_that_is_unknown_is_no_known_time():
    """A supplier that sends "unknown" says nothing."""
    days = play(Days(ZONE), (0, table(a="unknown")), (10, table(a="unknown")))
    spent = days.find("a").spent

    assert (spent.known_s, spent.share_percent(AVAILABLE)) == (0.0, None)


def test_a_pause_of_ours_is_nobodys_time():
    """The program stood for an hour; what happened then is not known."""
    days = play(Days(ZONE), (0, table(a="working")), (3_600, table(a="working")), (3_610, table(a="working")))

    assert seconds_of(days, "a") == {"working": 10.0}


def test_shares_are_of_the_whole_fleet():
    """Two robots, one idle for all its time, one charging: half available, none of that in use."""
    rows = table(a="idle", b="charging")
    ((name, spent),) = play(Days(ZONE), (0, rows), (20, rows)).sum_fleets().items()

    assert name == ("robot", "Careful")
    assert (spent.vehicles, spent.share_percent(AVAILABLE)) == (2, 50.0)
    assert spent.share_percent(IN_USE, of=AVAILABLE) == 0.0


def test_fleets_are_told_apart_by_operator_and_one_that_left_still_counts():
    """What a vehicle did today stays done when it leaves the list."""
    both = Table.of(
        VEHICLE,
        {
            "vehicle_key": ["a", "b"],
            "vehicle_type": ["robot", "robot"],
            "operator": ["A", None],
            "state": ["idle", "idle"],
        },
    )
    days = play(Days(ZONE), (0, both), (10, both), (20, both.take(np.array([1]))))
    sums = days.sum_fleets()

    assert {name: spent.known_s for name, spent in sums.items()} == {("robot", "A"): 10.0, ("robot", None): 20.0}


def test_a_trip_that_was_worked_on_and_is_over_is_counted():
    """One delivery ends when the robot is idle, another when it is on the next."""
    looks = ("working t1", "working t1", "idle", "reserved t2", "working t2", "working t3", "idle")
    days = play(Days(ZONE), *((10 * i, table(a=text)) for i, text in enumerate(looks)))

    assert days.find("a").spent.trips == 3


def test_a_reservation_that_was_never_driven_is_no_trip():
    """Promised and cancelled is not delivered."""
    days = play(Days(ZONE), *((10 * i, table(a=t)) for i, t in enumerate(("reserved t1", "idle", "reserved t2"))))

    assert days.find("a").spent.trips == 0


def test_a_silent_vehicle_ends_no_trip():
    """While nothing is heard of it, its last row is no news."""
    days = play(Days(ZONE), (0, table(a="working t1")))
    play(days, (10, table(a="idle")), heard=False)
    assert days.find("a").spent.trips == 0

    play(days, (20, table(a="idle")))
    assert days.find("a").spent.trips == 1


def test_changes_say_when_it_was_in_which_state_and_when_it_fell_silent():
    """The day as a list, the oldest first."""
    days = play(Days(ZONE), (0, table(a="idle")), (10, table(a="working")))
    play(days, (20, table(a="working")), heard=False)

    found = [(int((c.at - NOON).total_seconds()), c.state) for c in days.find("a").changes]
    assert found == [(0, "idle"), (10, "working"), (20, None)]


def test_changes_are_bounded():
    """A vehicle that flutters all day keeps its last changes only."""
    days = Days(ZONE)
    for i in range(3 * MOST_CHANGES):
        play(days, (i, table(a="idle" if i % 2 else "working")))

    assert len(days.find("a").changes) == MOST_CHANGES


def test_midnight_of_the_city_begins_anew():
    """The day is the city's, in summer an hour ahead of UTC."""
    days = Days(ZONE)
    before = datetime(2026, 7, 1, 22, 59, 50, tzinfo=UTC)
    rows = table(a="working t1")
    for passed_s in (0, 5, 15, 20):
        days.note(rows, np.array([True]), before + timedelta(seconds=passed_s))

    assert days.since == before + timedelta(seconds=15)
    assert seconds_of(days, "a") == {"working": 5.0}


def test_a_recording_that_begins_anew_forgets_its_day():
    """When the clock goes back, the day before it is another one."""
    days = play(Days(ZONE), (100, table(a="idle")), (110, table(a="idle")), (0, table(a="idle")))

    assert days.find("a").spent.watched_s == 0.0


def test_more_vehicles_than_there_is_room_for_are_counted_as_left_out():
    """Never silently."""
    days = play(Days(ZONE, most=1), (0, table(a="idle", b="idle")))

    assert (days.left_out, days.find("b"), days.find("nobody")) == (1, None, None)
