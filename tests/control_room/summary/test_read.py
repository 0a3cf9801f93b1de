"""Summaries of days made by hand: their figures are exact, honest about gaps, clock changes and small numbers."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from control_room.history.retention import let_go
from control_room.history.spans import begin_of_day
from control_room.storage import schema
from control_room.summary.book import Sources
from control_room.summary.contents import SECTIONS, Usual
from control_room.summary.period import day_of, month_of, week_of
from control_room.summary.read import read_summary
from tests.control_room.summary.past import LONDON, Near, Past, tell_weeks

DAY = date(2026, 6, 17)  # a Wednesday of summer time


@pytest.mark.parametrize(
    ("day", "hours", "weeks"),
    [
        (DAY, 24, 8),
        (date(2026, 3, 29), 23, 8),  # the spring night
        (date(2026, 10, 25), 25, 8),  # the autumn night: its hour from one comes twice, and is held against one of each week
        (date(2026, 4, 5), 24, 7),  # a week after the spring night, which lacks an hour and is no whole week
    ],
)  # fmt: skip
def test_a_day_is_held_against_the_same_hours_of_eight_weeks(either, city, day, hours, weeks):
    """30 deliveries an hour against 11 to 18: totals and quartiles are exact on days of 23, 24 and 25 hours."""
    past = Past(either)
    tell_weeks(past, day)
    past.total("robot.deliveries", day, 30.0)
    past.write()

    figure = read_summary(Sources(either, None, True), day_of(day), LONDON, city).figure("robot.deliveries")

    known = [10 + back for back in range(1, 9) if not (weeks == 7 and back == 1)]
    low, median, high = (12.75, 14.5, 16.25) if len(known) == 8 else (13.5, 15.0, 16.5)
    assert figure.value == 30 * hours
    assert figure.usual == Near(Usual(hours * median, hours * low, hours * high, weeks))
    assert (figure.departure, figure.verdict, figure.known_percent) == ("above", "better", 100)


def test_half_a_day_is_held_against_the_same_half(past, tell):
    """Twelve known hours against the same twelve of each week; it says of how many hours it is."""
    tell_weeks(past, DAY)
    past.total("robot.deliveries", DAY, 30.0, hours=lambda place: place < 12)
    past.write()

    summary = tell(day_of(DAY))

    figure = summary.figure("robot.deliveries")
    assert figure.value == 360
    assert figure.usual == Near(Usual(12 * 14.5, 12 * 12.75, 12 * 16.25, 8))
    assert figure.known_percent == 50
    assert "compared over the 12 hours that were known" in figure.note
    assert summary.header.known_percent == 50
    assert (summary.header.ends - summary.header.known_until) == timedelta(hours=12)
    assert summary.answer.sentences[0].text.startswith("The day, of which 50 % is known, was")
    assert "in the part that was seen" in summary.answer.sentences[1].text


def test_a_week_with_a_gap_is_left_out_and_three_weeks_are_no_usual(past, tell):
    """An unknown hour is not zero: that week says nothing. Four of eight left are enough, three are not."""
    tell_weeks(past, DAY)
    past.total("robot.deliveries", DAY, 30.0)
    for back in range(5, 9):
        past.forget("robot.deliveries", DAY - timedelta(days=7 * back), 9)
    past.write()
    assert tell(day_of(DAY)).figure("robot.deliveries").usual.weeks == 4

    past.forget("robot.deliveries", DAY - timedelta(days=7), 9)
    past.write()
    figure = tell(day_of(DAY)).figure("robot.deliveries")

    assert (figure.usual, figure.departure) == (None, "unknown")
    assert figure.why_no_usual == "known of 3 Wednesdays; at least 4 are needed"


def test_a_day_of_which_nothing_is_known_says_so_and_nothing_else(past, tell):
    """No zero anywhere: every value is None with its reason, and the answer is one sentence."""
    tell_weeks(past, DAY)
    past.write()

    summary = tell(day_of(DAY))

    assert [s.text for s in summary.answer.sentences] == [
        "Nothing is known of Wednesday 17 June 2026: the control room kept no history of it."
    ]
    assert [f.value for f in summary.list_figures()] == [None] * len(list(summary.list_figures()))
    assert all(f.why_unknown and f.why_no_usual for f in summary.list_figures())
    assert summary.header.known_until is None
    assert tuple(s.name for s in summary.sections) == SECTIONS
    assert all(section.note for section in summary.sections if section.name not in ("events", "notes"))


def test_shares_are_of_known_time_and_a_watched_day_without_any_is_zero(past, tell):
    """A mean over hours of unequal watching is weighted; interventions of robots that were watched are a true zero."""
    past.share("fleet.available_percent", DAY, 80.0, "robot", known_s=3600)
    past.total("fleet.interventions", DAY, 0.0, "robot")
    past.write()

    summary = tell(day_of(DAY))

    assert summary.figure("fleet.available_percent:robot").value == pytest.approx(80)
    assert summary.figure("fleet.interventions:robot").value == 0
    assert summary.figure("shuttle.trips").value is None


def test_small_counts_are_too_few_to_say(past, tell):
    """Twelve against one or two of each week is six times as many, and too few for a trend: the answer tells none."""
    for back in range(1, 9):
        past.total("fleet.interventions", DAY - timedelta(days=7 * back), (1 + back % 2) / 24, "robot")
    past.total("fleet.interventions", DAY, 12 / 24, "robot")
    past.write()

    summary = tell(day_of(DAY))

    figure = summary.figure("fleet.interventions:robot")
    assert figure.value == pytest.approx(12)
    assert (figure.departure, figure.verdict) == ("too_few", "")
    assert "too few to say" in figure.note
    assert all("person" not in s.text for s in summary.answer.sentences)


def test_the_same_day_gives_the_same_summary_whatever_is_told_later(past, tell):
    """Equal, field by field, when read again, and when later days have come but for knowing that the day is over."""
    tell_weeks(past, DAY)
    past.total("robot.deliveries", DAY, 30.0)
    past.write()
    first = tell(day_of(DAY))
    assert tell(day_of(DAY)) == first

    past.total("robot.deliveries", DAY + timedelta(days=1), 99.0)
    past.write()
    later = tell(day_of(DAY))

    assert (first.header.is_over, later.header.is_over) == (False, True)
    assert (later.answer, later.sections) == (first.answer, first.sections)


def test_a_holiday_is_held_against_holidays_and_left_out_of_other_days(past, tell):
    """The spring bank holiday of 2026: eight Mondays are no measure for it, four holidays are."""
    holiday = date(2026, 5, 25)
    tell_weeks(past, holiday)
    for n, day in enumerate((date(2026, 5, 4), date(2026, 4, 6), date(2026, 4, 3), date(2026, 1, 1))):
        past.total("robot.deliveries", day, 2.0 + n)
    past.total("robot.deliveries", holiday, 3.5)
    past.write()

    summary = tell(day_of(holiday))

    assert summary.figure("robot.deliveries").usual == Near(Usual(24 * 3.5, 24 * 2.75, 24 * 4.25, 4))
    assert summary.header.holiday == "Spring bank holiday"
    assert any("a holiday: Spring bank holiday" in s.text for s in summary.answer.sentences)
    # A Monday a week later leaves out this holiday and that of three weeks before it.
    past.total("robot.deliveries", holiday + timedelta(days=7), 15.0)
    past.write()
    assert tell(day_of(holiday + timedelta(days=7))).figure("robot.deliveries").usual.weeks == 5


def test_a_week_and_a_month_are_held_against_the_weeks_before_them(past, tell):
    """A week of 15 an hour against weeks of 10, 11, …; a month's days against the same weekdays before the month."""
    first = date(2026, 6, 15)
    for back in range(1, 9):
        for n in range(7):
            past.total("robot.deliveries", first + timedelta(days=n - 7 * back), 10.0 + back)
    for n in range(7):
        past.total("robot.deliveries", first + timedelta(days=n), 15.0)
    past.write()

    week = tell(week_of(first))

    figure = week.figure("robot.deliveries")
    # The bank holidays of 4 and 25 May and of 6 April would make their weeks whole weeks no more: 4 and 25 May are in it.
    assert figure.value == 7 * 24 * 15
    assert figure.usual.weeks == 6
    assert len(week.section("fleet").series[0].points) == 7

    month = date(2026, 9, 1)
    for back in range(1, 57):
        past.total("robot.deliveries", month - timedelta(days=back), 10.0)
    for n in range(30):
        past.total("robot.deliveries", month + timedelta(days=n), 12.0)
    past.write()

    figure = tell(month_of(month)).figure("robot.deliveries")

    assert figure.value == 30 * 24 * 12
    # 31 August was a bank holiday, so the week that has it is left out.
    assert figure.usual == Near(Usual(30 * 240, 30 * 240, 30 * 240, 7))


def test_a_day_whose_hours_were_let_go_is_held_against_days(past, engine, tell):
    """Hours are kept for 400 days and days for five years: a summary of an older day is made of days."""
    tell_weeks(past, DAY)
    past.total("robot.deliveries", DAY, 30.0)
    past.write()
    let_go(engine, begin_of_day(DAY, LONDON) + 500 * 86_400)

    figure = tell(day_of(DAY)).figure("robot.deliveries")

    assert figure.value == 720
    assert figure.usual == Near(Usual(24 * 14.5, 24 * 12.75, 24 * 16.25, 8))


def test_series_have_a_point_for_each_hour_and_name_the_hour_that_comes_twice(past, tell):
    """25 points in the autumn night, two of them from one o'clock, each with what is usual; a gap has no value."""
    day = date(2026, 10, 25)
    tell_weeks(past, day)
    past.total("robot.deliveries", day, 30.0, hours=lambda place: place != 5)
    past.write()

    [series] = [s for s in tell(day_of(day)).section("fleet").series if s.name == "robot.deliveries"]

    assert [p.label for p in series.points[:4]] == ["00:00", "01:00 BST", "01:00 GMT", "02:00"]
    assert (len(series.points), series.points[5].value, series.points[5].known_percent) == (25, None, 0)
    assert series.points[6].value == 30
    assert series.points[6].usual == Usual(14.5, 12.75, 16.25, 8)


def test_what_departs_most_in_consequence_comes_first(past, tell):
    """Cells out of service weigh more than a better day of deliveries, and the lead says how many were worse."""
    tell_weeks(past, DAY)
    past.total("robot.deliveries", DAY, 30.0)
    for back in range(1, 9):
        past.share("cell.available_percent", DAY - timedelta(days=7 * back), 99.8 + back / 100)
    past.share("cell.available_percent", DAY, 90.0)
    past.write()

    texts = [s.text for s in tell(day_of(DAY)).answer.sentences]

    assert texts[0] == ("The day was worse than usual in 1 and better in 1 of 3 figures.")
    assert texts[1].startswith("The cells of the network were in service 90.00 % of the time, 9.84 points below usual")
    assert texts[2] == "Robots made 720 deliveries, 107 % above usual (usually 306 to 390)."


def test_of_an_hour_in_which_the_program_ended_the_last_writing_says_until_when(past, engine, tell):
    """Ten minutes of the fifteenth hour were watched; rollups do not say which, the last batch does."""
    past.total("robot.deliveries", DAY, 30.0, hours=lambda place: place < 14)
    past.write()
    midnight_s = begin_of_day(DAY, LONDON)
    with engine.begin() as connection:
        number = connection.scalar(sa.select(schema.history_series.c.id))
        row = {
            "series": number,
            "at_s": midnight_s + 14 * 3600,
            "count": 1,
            "total": 5.0,
            "weight": 0.0,
            "known_s": 600.0,
        }
        connection.execute(sa.insert(schema.history_hour).values(row))
    assert tell(day_of(DAY)).header.known_until.timestamp() == midnight_s + 14 * 3600 + 600

    written_s = midnight_s + 14 * 3600 + 2_400
    with engine.begin() as connection:
        connection.execute(sa.insert(schema.history_batch).values(run="one", number=3, at_s=written_s))

    assert tell(day_of(DAY)).header.known_until.timestamp() == written_s
