"""Days made by hand, with known answers: what a control room watched is what history says, to the second."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from control_room.model import to_ms
from control_room.trends import read_trend
from tests.control_room.history.town import (
    LONDON,
    city,
    local,
    request,
    robot,
    sampler,
    seconds,
    shuttle,
    snapshot,
)

MORNING = local("2026-06-17 08:00")
DAY = timedelta(days=1)


def read(reader, measure: str, key: str = "", day: datetime = MORNING, step: str = "day"):
    begin = day.astimezone(LONDON).replace(hour=0, minute=0, second=0, fold=0)
    return read_trend(reader, measure, key, begin, begin + DAY, step, LONDON, city().figures)


def value(reader, measure: str, key: str = "", day: datetime = MORNING) -> float:
    (found,) = read(reader, measure, key, day).value.tolist()
    return found


def watch(store, since: datetime, until: datetime, rows_at, step_s: int = 10, heard=lambda at: True) -> None:
    """Feed a sampler from one moment to the other, and write what it made."""
    made = sampler(since, hold_s=max(15, step_s))
    for at in seconds(since, until, step_s):
        made.note(snapshot(at, heard(at), **rows_at(at)))
    assert store.apply(made.drain(until.timestamp()))


def test_availability_is_the_share_of_known_vehicle_time(store, reader):
    """Two robots for an hour: one idle throughout, one charging for a quarter of it: 87.5 % available."""

    def rows(at):
        charging = MORNING <= at < MORNING + timedelta(minutes=15)
        return {"vehicle": [robot(1), robot(2, state="charging" if charging else "working")]}

    watch(store, MORNING, MORNING + timedelta(hours=1), rows)

    assert value(reader, "fleet.available_percent", "robot") == pytest.approx(87.5)
    assert value(reader, "fleet.available_percent", "robot|starship") == pytest.approx(87.5)
    assert value(reader, "fleet.in_use_percent", "robot") == pytest.approx(100 * 45 / 105)
    assert value(reader, "fleet.vehicles", "robot") == pytest.approx(2)


def test_what_nobody_heard_of_is_a_gap_and_not_zero(store, reader):
    """Half an hour heard, half an hour silent: the average is of the half that was known, and says so."""
    silent_from = MORNING + timedelta(minutes=30)

    watch(
        store,
        MORNING,
        MORNING + timedelta(hours=1),
        lambda at: {"vehicle": [robot()]},
        heard=lambda at: at < silent_from,
    )

    hours = read(reader, "fleet.available_percent", "robot", step="hour")
    assert hours.value[8] == 100
    assert hours.known_share[8] == pytest.approx(0.5)
    assert np.isnan(hours.value[[7, 9]]).all() and (hours.known_share[[7, 9]] == 0).all()


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_with_a_clock_change_is_known_whole(store, reader, day, hours):
    """A robot that is stuck all day is stuck for 23 or 25 hours, and the day is known to the last second."""
    begin = local(f"{day} 00:00")
    end = begin + timedelta(hours=hours)

    watch(store, begin, end, lambda at: {"vehicle": [robot(state="needs_help")]}, step_s=120)

    whole = read(reader, "fleet.stuck_min", "robot", day=begin)
    assert whole.value.tolist() == pytest.approx([hours * 60])
    assert whole.seconds.tolist() == [hours * 3600]
    assert whole.known_share.tolist() == pytest.approx([1.0])
    by_hour = read(reader, "fleet.stuck_min", "robot", day=begin, step="hour")
    assert by_hour.value.tolist() == pytest.approx([60.0] * hours)


def test_the_same_hour_of_the_autumn_night_counts_each_time(store, reader):
    """A robot stuck only in the second of the two hours from one to two is in its row alone."""
    begin, again = local("2026-10-25 00:00"), local("2026-10-25 01:00 again")

    def rows(at):
        stuck = again <= at < again + timedelta(hours=1)
        return {"vehicle": [robot(state="needs_help" if stuck else "idle")]}

    watch(store, begin, begin + timedelta(hours=4), rows, step_s=60)

    assert read(reader, "fleet.stuck_min", "robot", day=begin, step="hour").value[:4].tolist() == pytest.approx(
        [0, 0, 60, 0]
    )


def test_deliveries_and_their_carbon_are_counted(store, reader):
    """Three trips end, the fourth is still on its way: three deliveries, and carbon by the council's own figure."""

    def rows(at):
        trip = int((at - MORNING).total_seconds() // 600)
        return {"vehicle": [robot(state="working", trip_id=f"trip {trip}")]}

    watch(store, MORNING, MORNING + timedelta(seconds=1900), rows)

    assert value(reader, "robot.deliveries") == 3
    assert value(reader, "robot.deliveries", "starship") == 3
    assert value(reader, "robot.co2_avoided_kg") == pytest.approx(3 * 0.2875)
    # The first was not seen to begin, so it has no length.
    assert value(reader, "robot.delivery_min") == pytest.approx(10.0)
    assert read(reader, "robot.delivery_min").count.tolist() == [2]


def test_only_what_changes_is_an_intervention(store, reader):
    """Stuck when first seen is no event; stuck again after driving is one, however long it lasts and often it is told."""
    stuck = {0, 1, 2, 6, 7, 8, 12}

    def rows(at):
        minute = int((at - MORNING).total_seconds() // 60)
        return {"vehicle": [robot(state="needs_help" if minute in stuck else "working")]}

    watch(store, MORNING, MORNING + timedelta(minutes=15), rows)

    assert value(reader, "fleet.interventions", "robot") == 2
    assert value(reader, "fleet.stuck_min", "robot") == pytest.approx(7)


def test_a_shuttle_that_loses_its_signal_is_counted(store, reader):
    """One hole met, one disengagement, and of the driven time three quarters by itself."""

    def rows(at):
        minute = int((at - MORNING).total_seconds() // 60)
        lost = 10 <= minute < 15
        mode = "remote" if lost else "autonomous"
        return {"vehicle": [shuttle(drive_mode=mode, signal_rsrp_dbm=-112.0 if lost else -80.0, passengers=6.0)]}

    watch(store, MORNING, MORNING + timedelta(minutes=20), rows)

    assert value(reader, "shuttle.disengagements") == 1
    assert value(reader, "shuttle.signal_holes") == 1
    assert value(reader, "shuttle.autonomous_percent") == pytest.approx(75)
    assert value(reader, "shuttle.passengers") == pytest.approx(6)


def test_requests_are_counted_when_they_were_made_however_late_we_hear(store, reader):
    """Made yesterday and heard of today counts yesterday; closed and opened again is not closed."""
    yesterday = MORNING - DAY
    closed = {"status": "closed", "is_open": False, "updated_at": to_ms(MORNING + timedelta(minutes=1))}
    stories = (
        [request(1, yesterday), request(2, MORNING, channel="Online"), request(3, MORNING, channel="phone")],
        [request(1, yesterday, **closed), request(2, MORNING, channel="Online", **closed)],
        [request(1, yesterday, **closed), request(2, MORNING, channel="Online")],
    )
    made = sampler(MORNING)
    for n, rows in enumerate(stories):
        for at in seconds(MORNING + timedelta(minutes=n), MORNING + timedelta(minutes=n, seconds=50), 10):
            made.note(snapshot(at, request=rows))
        assert store.apply(made.drain(at.timestamp()))

    assert value(reader, "request.in", day=yesterday) == 1
    assert value(reader, "request.in") == 2
    assert value(reader, "request.in", "category:Pothole") == 2
    assert value(reader, "request.in", "estate:Bradwell") == 2
    assert value(reader, "request.out") == 1
    assert value(reader, "request.online_percent") == 50
    assert value(reader, "request.closed_days") == pytest.approx(1 + 1 / 1440)


def test_requests_over_their_target_are_counted_by_the_time_they_are(store, reader):
    """Due in ten minutes, watched for twenty: over target for half of the time."""
    due = request(1, MORNING - DAY, expected_at=to_ms(MORNING + timedelta(minutes=10)))

    watch(store, MORNING, MORNING + timedelta(minutes=20), lambda at: {"request": [due]}, step_s=10)

    assert value(reader, "request.open") == pytest.approx(1)
    assert value(reader, "request.over") == pytest.approx(0.5, abs=0.02)


def test_slots_count_what_they_came_to(store, reader):
    """Arrivals grow while the slot runs; the total is what was counted last, not the sum of all countings."""

    def rows(at):
        came = float((at - MORNING).total_seconds() // 60)
        slot = {"booking_key": "recycling:A", "feed": "recycling", "site": "A", "slot_from": to_ms(MORNING)}
        ahead = {**slot, "booking_key": "recycling:B", "slot_from": to_ms(MORNING + DAY)}
        told = {"capacity": 30.0, "booked": 20.0, "booked_online": 18.0, "arrivals": came}
        return {"booking": [{**slot, **told}, {**ahead, **told}]}

    watch(store, MORNING, MORNING + timedelta(minutes=12), rows, step_s=10)

    assert value(reader, "slot.arrivals") == 12
    assert value(reader, "slot.booked", "A") == 20
    assert value(reader, "slot.online_percent") == 90


def test_cells_count_each_of_their_periods_once(store, reader):
    """Told again each ten seconds, a period counts once; a suspect one not at all; the city weighs both cells."""

    def rows(at):
        end = MORNING + timedelta(minutes=int((at - MORNING).total_seconds() // 60))
        cell = {"feed": "cells", "period_s": 60.0, "observed_at": to_ms(end), "prb_dl_percent": 40.0}
        return {
            "cell": [
                {**cell, "cell_key": "c:1", "cell_id": "C1", "availability_percent": 100.0, "devices_mean": 10.0},
                {**cell, "cell_key": "c:2", "cell_id": "C2", "availability_percent": 50.0, "devices_mean": 30.0},
                {**cell, "cell_key": "c:3", "cell_id": "C3", "availability_percent": 0.0, "suspect": True},
            ]
        }

    watch(store, MORNING, MORNING + timedelta(minutes=10), rows)

    assert value(reader, "cell.available_percent") == pytest.approx(75)
    assert value(reader, "cell.available_percent", "C2") == pytest.approx(50)
    assert value(reader, "cell.down_min") == pytest.approx(5)
    assert value(reader, "cell.devices") == pytest.approx(40)
    assert np.isnan(value(reader, "cell.available_percent", "C3"))
    assert read(reader, "cell.available_percent", step="hour").known_share[8] == pytest.approx(1 / 6)


@pytest.mark.parametrize("jump_s", [-3600, 3600])
def test_a_clock_that_is_set_makes_a_gap_and_nothing_else(store, reader, jump_s):
    """Ten minutes before and ten after the clock was set: twenty minutes known, no hour made up or lost twice."""
    made = sampler(MORNING)
    ten = timedelta(minutes=10)
    after = MORNING + ten + timedelta(seconds=jump_s)
    for at in [*seconds(MORNING, MORNING + ten, 10), *seconds(after, after + ten, 10)]:
        made.note(snapshot(at, vehicle=[robot(state="needs_help")]))
    assert store.apply(made.drain(after.timestamp()))

    assert value(reader, "fleet.stuck_min", "robot") == pytest.approx(20)
