"""What is usual: the same weekday and hour over eight weeks, honest about holidays, clock changes and gaps."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from control_room.history.spans import find_local_hours
from control_room.usual import HourRow, Usual, UsualValue, list_past_hours, reckon_usual, with_derived

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 6, 17, 9, 20, tzinfo=LONDON)  # a Wednesday in summer time


def hour_s(day: date, hour: int) -> int:
    (found,) = find_local_hours(day, hour, LONDON)
    return found


def weeks_of(values: dict[int, float], now: datetime = NOW, known_s: float = 3600.0) -> dict[int, HourRow]:
    """A total in the same hour so many weeks back."""
    return {
        (at := hour_s(now.date() - timedelta(days=7 * back), now.hour)): HourRow(at, value, 0.0, known_s)
        for back, value in values.items()
    }


def usual_of(rows: dict[int, HourRow], holidays: dict[date, str] | None = None, now: datetime = NOW) -> Usual:
    return reckon_usual(now, LONDON, holidays or {}, {("request.in", ""): rows})


def test_the_median_and_the_quartiles_of_eight_weeks_are_usual():
    """1 to 8 over eight weeks have the median 4.5 and the quartiles 2.75 and 6.25."""
    usual = usual_of(weeks_of({back: float(back) for back in range(1, 9)}))

    assert usual.find("request.in") == UsualValue(4.5, 2.75, 6.25, 8)
    assert usual.find("request.in", "category:none such") is None
    assert (usual.begins, usual.ends) == (datetime(2026, 6, 17, 8, tzinfo=UTC), datetime(2026, 6, 17, 9, tzinfo=UTC))


@pytest.mark.parametrize(("weeks", "told"), [(2, None), (3, UsualValue(20.0, 15.0, 25.0, 3))])
def test_fewer_than_three_known_weeks_are_nothing_to_go_by(weeks, told):
    """Two weeks are an anecdote: None, and not their mean."""
    usual = usual_of(weeks_of({back: 10.0 * back for back in range(1, weeks + 1)}))

    assert usual.find("request.in") == told


def test_a_week_that_was_watched_too_little_is_not_known():
    """Half an hour of watching counts half the requests: such a week says nothing."""
    rows = weeks_of({1: 10, 2: 20, 3: 30}) | weeks_of({4: 1}, known_s=1800)

    assert usual_of(rows).find("request.in") == UsualValue(20.0, 15.0, 25.0, 3)


def test_holidays_are_left_out_of_ordinary_days():
    """A bank holiday two weeks ago does not pull down what is usual."""
    rows = weeks_of({1: 10, 2: 0, 3: 20, 4: 30})

    assert usual_of(rows, {NOW.date() - timedelta(days=14): "A holiday"}).find("request.in") == UsualValue(
        20, 15, 25, 3
    )


def test_on_a_holiday_the_last_holidays_are_usual():
    """Christmas is held against other holidays, whatever weekday they were, and says its name."""
    christmas = datetime(2026, 12, 25, 10, 5, tzinfo=LONDON)
    before = [date(2026, 8, 31), date(2026, 5, 25), date(2026, 5, 4), date(2024, 1, 1)]
    rows = {hour_s(day, 10): HourRow(hour_s(day, 10), 4.0 * n, 0.0, 3600.0) for n, day in enumerate(before, 1)}
    # An ordinary Friday the week before is no measure for it.
    rows |= weeks_of({1: 500}, christmas)

    usual = usual_of(rows, {**dict.fromkeys(before, "A holiday"), christmas.date(): "Christmas Day"}, christmas)

    assert usual.holiday == "Christmas Day"
    assert usual.find("request.in") == UsualValue(8.0, 6.0, 10.0, 3)


def test_weeks_across_a_clock_change_keep_the_citys_hour():
    """Nine o'clock is nine o'clock: 08:00 UTC in summer, 09:00 UTC in winter."""
    after = datetime(2026, 11, 4, 9, 30, tzinfo=LONDON)
    hours = list_past_hours(after, LONDON, {})

    found = [datetime.fromtimestamp(h, UTC).hour for (h,) in hours]
    assert found == [9, 8, 8, 8, 8, 8, 8, 8]  # the clock went back on 25 October


def test_the_hour_that_spring_skips_is_not_known():
    """01:30 did not exist on 29 March 2026: that week is left out, and is no zero."""
    night = datetime(2026, 4, 5, 1, 30, tzinfo=LONDON)
    hours = list_past_hours(night, LONDON, {})

    assert [len(week) for week in hours] == [0, 1, 1, 1, 1, 1, 1, 1]
    rows = {week[0]: HourRow(week[0], 6.0, 0.0, 3600.0) for week in hours if week}
    assert usual_of(rows, now=night).find("request.in") == UsualValue(6.0, 6.0, 6.0, 7)


def test_the_hour_that_autumn_has_twice_counts_as_one_of_its_kind():
    """01:00 to 02:00 came twice on 25 October 2026, with 10 and 20 requests: such an hour has 15."""
    night = datetime(2026, 11, 1, 1, 30, tzinfo=LONDON)
    hours = list_past_hours(night, LONDON, {})
    assert len(hours[0]) == 2

    first, second = hours[0]
    rows = {first: HourRow(first, 10.0, 0.0, 3600.0), second: HourRow(second, 20.0, 0.0, 3600.0)}
    rows |= {week[0]: HourRow(week[0], 15.0, 0.0, 3600.0) for week in hours[1:3]}
    assert usual_of(rows, now=night).find("request.in") == UsualValue(15.0, 15.0, 15.0, 3)


def test_a_key_of_which_nothing_happened_in_a_watched_hour_was_zero():
    """Rows of a category are kept only where something happened; the city's row says that the hour was watched."""
    city = weeks_of({1: 10, 2: 10, 3: 10, 4: 10})
    potholes = weeks_of({1: 3})

    usual = reckon_usual(NOW, LONDON, {}, {("request.in", ""): city, ("request.in", "category:Pothole"): potholes})

    assert usual.find("request.in", "category:Pothole") == UsualValue(0.0, 0.0, 0.75, 4)


def test_a_level_is_its_mean_and_a_share_a_per_cent():
    """Sums are turned into the measure's unit: value-seconds over seconds, part over whole."""
    back = [hour_s(NOW.date() - timedelta(days=7 * n), NOW.hour) for n in (1, 2, 3)]
    levels = {at: HourRow(at, 3600.0 * 7, 3600.0, 3600.0) for at in back}
    shares = {at: HourRow(at, 900.0, 3600.0, 3600.0) for at in back}

    usual = reckon_usual(NOW, LONDON, {}, {("request.open", ""): levels, ("fleet.available_percent", "robot"): shares})

    assert usual.find("request.open") == UsualValue(7.0, 7.0, 7.0, 3)
    assert usual.find("fleet.available_percent", "robot") == UsualValue(25.0, 25.0, 25.0, 3)


def test_carbon_follows_from_deliveries_by_the_citys_figure():
    """Kilograms are deliveries times the council's factor; without a factor there is no figure."""
    rows = weeks_of({1: 100, 2: 100, 3: 200})
    usual = reckon_usual(NOW, LONDON, {}, {("robot.deliveries", ""): rows})

    derived = with_derived(usual, {"robot_co2_per_delivery_kg": {"value": 0.2875}})

    found = derived.find("robot.co2_avoided_kg")
    assert found is not None and found.weeks == 3
    assert (found.median, found.low, found.high) == pytest.approx((28.75, 28.75, 43.125))
    assert with_derived(usual, {}).find("robot.co2_avoided_kg") is None


def test_it_is_of_its_hour_and_of_no_other():
    """A view of the next hour must not be held against this one's usual."""
    usual = usual_of({})

    assert usual.covers(NOW)
    assert not usual.covers(NOW + timedelta(hours=1))
    assert not usual.covers(NOW - timedelta(hours=1))
