"""What the other database tells: alarms by EEMUA 191, suppliers against their promises, notes; and what needs a decision."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import h3
import pytest
import sqlalchemy as sa

from alerts.alarm import Event, What
from control_room.handover.book import Entry
from control_room.history.spans import begin_of_day
from control_room.quality import DAY_STEP_S
from control_room.storage import schema
from control_room.storage.handover import HandoverStore
from control_room.storage.journal import SqlJournal
from control_room.summary.book import Promise, Sources
from control_room.summary.period import day_of, month_of, week_of
from control_room.summary.read import read_summary, read_supplier
from tests.control_room.summary.past import LONDON, tell_weeks

DAY = date(2026, 6, 17)
MIDNIGHT = datetime(2026, 6, 16, 23, tzinfo=UTC)  # by London's clock
BUSES = Promise("buses", "Buses", "A bus company", 95.0, 99.0, 2_000.0)
HOUR = timedelta(hours=1)


# Alarms


def watched(since: datetime, until: datetime) -> list[Event]:
    return [
        Event(since + timedelta(minutes=10 * n), "", "", What.WATCHED, facts={"seconds": 600})
        for n in range(1, int((until - since) / timedelta(minutes=10)) + 1)
    ]


def happen(hour: float, what: What, key: str, **facts) -> Event:
    return Event(MIDNIGHT + hour * HOUR, "robot_stuck", key, what, by="anna", facts=facts)


@pytest.fixture
def alarms(records):
    """Nine robots of which one came three times, two stood on, and one from the evening before was long."""
    events = [*watched(MIDNIGHT - 24 * HOUR, MIDNIGHT + 24.5 * HOUR)]
    told = {"priority": "high", "title": "Robot needs help"}
    events += [happen(-2, What.RAISED, "old", **told), happen(3, What.CLEARED, "old"), happen(3.1, What.ACKNOWLEDGED, "old")]  # fmt: skip
    for n in range(8):
        events.append(happen(9 + n / 10, What.RAISED, f"r{n}", **told | {"title": f"Robot {n} needs help"}))
        if n >= 2:
            events.append(happen(9.5 + n / 10, What.ACKNOWLEDGED, f"r{n}"))
            events.append(happen(10 + n / 10, What.CLEARED, f"r{n}"))
    for n in (1, 2):
        events.append(happen(12 + n, What.RAISED, "r7", **told | {"title": "Robot 7 needs help"}))
        events += [happen(12.2 + n, What.ACKNOWLEDGED, "r7"), happen(12.4 + n, What.CLEARED, "r7")]
    # After midnight: counts for the next day and answers nothing of this one.
    events += [happen(24.1, What.ACKNOWLEDGED, "r0"), happen(24.2, What.RAISED, "late", **told)]
    SqlJournal(records).append(sorted(events, key=lambda e: e.at))
    return records


def test_alarms_of_a_day_have_their_figures_top_longest_and_unacknowledged(alarms, past, tell):
    """Ten alarms in 144 periods of ten minutes; the day's own moments only, but for what came from the day before."""
    past.level("alarm.active", DAY, 1.0)
    past.write()

    summary = tell(day_of(DAY))

    assert summary.figure("eemua.mean").value == pytest.approx(10 / 144)
    assert summary.figure("eemua.mean").target.missed is False
    assert summary.figure("eemua.mean").known_percent == 100
    assert summary.figure("eemua.answer_median_high").value == 30 * 60
    top, longest, unanswered = summary.section("alarms").tables
    assert (top.rows[0][0], top.rows[0][1], top.rows[0][5]) == (
        "Robot 7 needs help",
        3,
        "/timeline?at=2026-06-17T08:42:00Z",
    )
    assert [row[0] for row in longest.rows[:3]] == ["Robot 0 needs help", "Robot 1 needs help", "Robot needs help"]
    assert longest.rows[2][4] == 5 * 60
    # What nobody had acknowledged by the end of the day, whatever came later.
    assert [row[0] for row in unanswered.rows] == ["Robot 0 needs help", "Robot 1 needs help"]


def test_an_alarm_that_was_put_out_of_service_days_before_is_not_counted_as_before_people(alarms, past, tell):
    """Five days aside: that it comes is journalled, and nobody is shown it; one that is back in service counts."""
    story = [
        happen(-120, What.OUT_OF_SERVICE, "aside"),
        happen(-121, What.OUT_OF_SERVICE, "back"),
        happen(-90, What.IN_SERVICE, "back"),
    ]
    # What went by, or was only said, changes no figure.
    noise = [happen(8, What.RISING, "r0"), happen(8.1, What.SETTLED, "r0"), happen(9.2, What.NO_DATA, "r1"), happen(9.3, What.DATA, "r1"), happen(9.4, What.COMMENTED, "r1")]  # fmt: skip
    raised = [happen(15, What.RAISED, key, priority="high", title=key) for key in ("aside", "back")]
    SqlJournal(alarms).append([*story, *noise, *raised])
    past.level("alarm.active", DAY, 1.0)
    past.write()

    summary = tell(day_of(DAY))

    assert summary.figure("eemua.mean").value == pytest.approx(11 / 144)
    assert summary.figure("eemua.hidden").value == 1
    top, longest, unanswered = summary.section("alarms").tables
    assert [row[0] for row in unanswered.rows] == ["Robot 0 needs help", "Robot 1 needs help", "back"]
    assert "aside" not in {row[0] for row in longest.rows}
    assert "aside" not in {row[0] for row in top.rows} and "back" in {row[0] for row in top.rows}


def test_alarms_of_a_time_before_the_journal_are_not_known(alarms, past, tell):
    """A year before: no figure of EEMUA is zero, and the section says why there is none."""
    day = DAY - timedelta(days=364)
    past.total("alarm.raised", day, 2.0)
    past.write()

    section = tell(day_of(day)).section("alarms")

    assert not any(f.name.startswith("eemua") for f in section.figures)
    assert "holds nothing of that time" in section.note
    assert section.figures[0].value == 48


# Suppliers


def write_quality(records, feed: str, day: date, fresh: float, hours: range = range(24), **more) -> None:
    """Quarters of a day in which the feed was fresh for that share of the time."""
    first = begin_of_day(day, LONDON) // DAY_STEP_S
    row = {"polls": 60, "succeeded": 60, "gaps": 0, "watched_s": 900.0, "rows_good": 1_000}
    row |= {"latencies_json": '{"20": 60}', "rejects_json": "{}", **more}
    rows = [
        {"feed": feed, "quarter": first + 4 * hour + n, "fresh_s": fresh * 900, **row}
        for hour in hours
        for n in range(4)
    ]
    with records.begin() as connection:
        connection.execute(sa.insert(schema.feed_quality), rows)


def test_a_promise_that_was_not_kept_is_said_with_its_days(records, tell):
    """Fresh 90 % instead of 95 on three days of a week: broken, three days, and to be decided."""
    for back in range(7):
        write_quality(records, "buses", DAY - timedelta(days=back), 0.90 if back in (0, 2, 5) else 0.99)

    summary = tell(day_of(DAY), promises=(BUSES,))

    [table] = summary.section("suppliers").tables
    row = dict(zip([c.name for c in table.columns], table.rows[0], strict=True))
    assert (row["kept"], row["broken"], row["broken_days"]) == (False, "freshness", 3)
    assert (row["fresh"], row["fresh_promised"]) == (pytest.approx(90), 95)
    assert [d.text for d in summary.answer.decisions] == [
        "Buses (A bus company): fresh 90.0 % of the time instead of 95.0 % on the last day. "
        "The promise was not kept on 3 of the last 7 days."
    ]
    # The day before it was kept: then nothing needs a decision.
    assert tell(day_of(DAY - timedelta(days=1)), promises=(BUSES,)).answer.decisions == ()


def test_a_feed_that_nobody_asked_has_kept_and_broken_nothing(records, tell):
    """No quarter of the day is known: neither yes nor no, and no zero."""
    write_quality(records, "buses", DAY - timedelta(days=3), 0.5)
    write_quality(records, "robots", DAY, 1.0)

    summary = tell(day_of(DAY), promises=(BUSES,))

    [table] = summary.section("suppliers").tables
    rows = {row[0]: row for row in table.rows}
    assert (rows["Buses"][2], rows["Buses"][4], rows["Buses"][11]) == (None, None, 0)
    # Of a feed without a promise nothing can be judged either.
    assert (rows["robots"][2], rows["robots"][4]) == (None, 100)
    assert summary.figure("suppliers.kept").value is None


def test_a_suppliers_own_page_tells_its_promise_by_the_hour(engine, records, city):
    """From nine to eleven it was silent, and some rows were rejected: which hours, which reasons, in sentences."""
    write_quality(records, "buses", DAY, 1.0, range(9))
    write_quality(records, "buses", DAY, 0.0, range(9, 11), gaps=1)
    write_quality(records, "buses", DAY, 1.0, range(11, 24), rejects_json='{"no_position": 20}')
    sources = Sources(engine, records, True, (BUSES,))

    page = read_supplier(sources, "buses", day_of(DAY), LONDON, city)

    [hours] = page.list_tables()
    assert len(hours.rows) == 24
    assert [row[0] for row in hours.rows if row[1] is False][:2] == ["09:00", "10:00"]
    assert (hours.rows[0][1], hours.rows[9][3], hours.rows[9][6]) == (True, 0, 4)
    findings = [s.text for s in page.answer.sentences]
    assert findings[0] == "Its data was fresh 91.7 % of the time that was watched; promised are 95.0 %."
    assert "It fell silent for more than three polls 8 times." in findings
    assert "1,040 rows could not be taken in: no_position 1040." in findings
    assert page.figure("supplier.fresh_percent").target.missed is True
    assert page.header.title == "Buses (A bus company), Wednesday 17 June 2026"
    with pytest.raises(KeyError):
        read_supplier(sources, "nobody", day_of(DAY), LONDON, city)


def test_a_day_of_23_hours_has_23_hours_on_a_suppliers_page(engine, records, city):
    """The hour that a spring night lacks is no row, and no gap."""
    day = date(2026, 3, 29)
    write_quality(records, "buses", day, 1.0, range(23))

    page = read_supplier(Sources(engine, records, True, (BUSES,)), "buses", day_of(day), LONDON, city)

    [hours] = page.list_tables()
    assert [row[0] for row in hours.rows[:3]] == ["00:00", "02:00", "03:00"]
    assert {row[9] for row in hours.rows} == {100}
    assert [s.text for s in page.answer.sentences] == [
        "It kept its promise: fresh 100.0 % of the time (promised 95.0 %) and 100.0 % of its rows valid (99.0 %)."
    ]


# Notes


def test_notes_are_those_of_the_day_as_they_stood_at_its_end(records, tell):
    """Written the day before and open still; written and done today; written tomorrow is not there. No names."""
    until = (MIDNIGHT + 72 * HOUR).isoformat()

    def note(number: int, hours: float, what: str, **facts) -> Entry:
        return Entry(0, MIDNIGHT + hours * HOUR, f"note {number}", what, "Anna", f"c{number}{hours}", facts)

    said = {"about": "vehicle", "key": "r-17", "label": "robot R-17", "until": until}
    HandoverStore(records).append(
        [
            note(1, -5, "noted", **said, text="Wheel is loose"),
            note(2, 8, "noted", **said, text="Fetched by hand"),
            note(2, 12, "done", text=""),
            note(1, 26, "done", text=""),
            note(3, 30, "noted", **said, text="of tomorrow"),
        ]
    )

    section = tell(day_of(DAY)).section("notes")

    [table] = section.tables
    assert [(row[2], row[3]) for row in table.rows] == [("Wheel is loose", "open"), ("Fetched by hand", "done")]
    assert section.note == "1 note written, 1 open from before."
    assert "Anna" not in repr(section)


# Decisions


def test_a_target_that_is_missed_two_days_running_needs_a_decision(past, tell):
    """Cells in service 98 % instead of 99: one day is a bad day, the second one is told, with how many there were."""
    for back in range(10):
        past.share("cell.available_percent", DAY - timedelta(days=back), 98.0 if back < 2 else 99.9)
    past.write()

    assert tell(day_of(DAY - timedelta(days=1))).answer.decisions == ()
    [decision] = tell(day_of(DAY)).answer.decisions
    assert (decision.sort, decision.section) == ("target", "network")
    assert decision.text.endswith("the target is at least 99.00 %. It was missed 2 days in a row.")


def test_a_day_that_was_hardly_watched_misses_no_target(past, tell):
    """A tenth of each hour watched: nobody knows what the rest was like."""
    for back in range(2):
        past.share("cell.available_percent", DAY - timedelta(days=back), 50.0, known_s=360)
    past.write()

    assert tell(day_of(DAY)).answer.decisions == ()


@pytest.mark.parametrize(("weekly", "told"), [(12, True), (0, False), (-5, False)])
def test_a_backlog_that_rises_for_four_weeks_needs_a_decision(past, tell, weekly, told):
    """Open requests 12 more each week, from 500 to 548; as many, or fewer, is no decision."""
    for back in range(36):
        past.level("request.open", DAY - timedelta(days=back), 548.0 - weekly * (back // 7))
    past.write()

    texts = [d.text for d in tell(day_of(DAY)).answer.decisions]

    words = "Open requests rose for 4 weeks in a row, from 500 to 548 (means of a week each)."
    assert texts == ([words] if told else [])


def test_a_hole_that_grew_by_a_tenth_within_four_weeks_needs_a_decision(past, tell):
    """From 2 to 2.3 km² is told; four known days of a week are enough, three are not."""
    for back in range(36):
        if back % 7 < 4:
            past.level("coverage.hole_km2", DAY - timedelta(days=back), 2.3 if back < 7 else 2.0)
    past.write()

    assert [d.sort for d in tell(day_of(DAY)).answer.decisions] == ["hole"]
    past.drop("coverage.hole_km2", DAY - timedelta(days=1))
    past.write()
    assert tell(day_of(DAY)).answer.decisions == ()


# Events


def test_events_with_a_crowd_and_what_was_seen_too_little_are_in_the_answer(past, engine, tell):
    """What explains the day is named; that the buses were seen for half of it is said; five sentences at most."""
    tell_weeks(past, DAY)
    past.total("robot.deliveries", DAY, 30.0)
    for back in range(9):
        past.share("transport.on_time_percent", DAY - timedelta(days=7 * back), 95.0, known_s=3600 if back else 1800)
    past.write()
    rows = [
        {"event_key": f"e{n}", "title": title, "category": "sport", "venue": "Stadium MK", "starts_s": int((MIDNIGHT + 14 * HOUR).timestamp()), "ends_s": None, "expected_people": people}
        for n, (title, people) in enumerate([("League match", 28_000.0), ("Book club", 12.0)])
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(sa.insert(schema.history_event), rows)

    summary = tell(day_of(DAY))

    texts = [s.text for s in summary.answer.sentences]
    assert "The day's large event was League match at Stadium MK (28,000 people expected)." in texts
    assert "The buses were seen 50 % of the day; usually 100 %." in texts
    assert 3 <= len(texts) <= 5
    assert summary.section("events").tables[0].of == 2
    assert summary.section("transport").note == "The buses were seen 50 % of the day; usually 100 %."


def test_a_database_of_records_that_cannot_be_read_takes_only_itself_out_of_the_summary(past, engine, city, tmp_path):
    """A journal that is no database: the history's part is whole, and what is missing is said."""
    past.total("robot.deliveries", DAY, 30.0)
    past.write()
    (tmp_path / "broken.sqlite").write_bytes(b"this is no database at all" * 100)
    broken = sa.create_engine(f"sqlite:///{tmp_path / 'broken.sqlite'}")

    for period in (day_of(DAY), week_of(DAY), month_of(DAY)):
        summary = read_summary(Sources(engine, broken, True), period, LONDON, city)

        assert summary.figure("robot.deliveries").value == 720
        assert "the alarms could not be read" in summary.header.made_from
        assert "cannot be read" in summary.section("alarms").note


def test_a_month_that_runs_looks_back_from_its_last_whole_day(past, tell):
    """On the afternoon of the 17th the month's decisions are those of the 16th; what is to come is not held against it."""
    for back in range(1, 4):
        past.share("cell.available_percent", DAY - timedelta(days=back), 98.0)
    past.total("robot.deliveries", DAY, 3.0, hours=lambda place: place < 15)
    past.write()

    summary = tell(month_of(DAY))

    assert [d.text[-26:] for d in summary.answer.decisions] == ["was missed 3 days in a row."[-26:]]
    assert summary.header.is_over is False


def test_drones_that_are_heard_of_only_in_flight_are_compared_over_the_hours_that_were_watched(past, tell):
    """A day of which six hours were watched: missions of these hours against those of the same; none is heard: not known."""
    for back in range(9):
        day = DAY - timedelta(days=7 * back)
        hours = (lambda place: place < 6) if back == 0 else (lambda place: True)
        past.total("robot.deliveries", day, 10.0, hours=hours)
        past.total("drone.missions", day, 5.0 if back else 9.0, hours=lambda place, b=back: place % 2 == 0 and (b or place < 6))  # fmt: skip
    past.write()

    summary = tell(day_of(DAY))

    figure = summary.figure("drone.missions")
    assert (figure.value, figure.usual.median, figure.usual.weeks, figure.known_percent) == (27, 15, 8, None)
    for place in (0, 2, 4):
        past.forget("drone.missions", DAY, place)
    past.write()
    figure = tell(day_of(DAY)).figure("drone.missions")
    assert (figure.value, figure.usual, figure.departure) == (None, None, "unknown")


# Coverage


def test_hexagons_that_lost_their_signal_are_listed_with_their_place(engine, tell, city):
    """Against the week that ended four weeks before, weighted by samples; too few samples on either side say nothing."""
    point = city.localities[0]
    lost, won, same, few, old = (h3.latlng_to_cell(point.latitude + n / 100, point.longitude, 9) for n in range(5))

    def day_s(back: int) -> int:
        return begin_of_day(DAY - timedelta(days=back), LONDON)

    def row(hexagon: str, back: int, rsrp_dbm: float, samples: float | None = 100.0) -> dict:
        return {"hexagon": hexagon, "technology": "NR", "day_s": day_s(back), "rsrp_dbm": rsrp_dbm, "samples": samples, "sinr_db": None}  # fmt: skip

    rows = [
        *(row(lost, 0, -110.0), row(lost, 28, -95.0, 30.0), row(lost, 34, -99.0, 10.0)),
        *(row(lost, 35, -60.0), row(lost, 27, -60.0)),  # a day before that week, and one after it
        *(row(won, 0, -80.0), row(won, 30, -90.0)),
        *(row(same, 0, -90.0), row(same, 30, -91.0)),
        *(row(few, 0, -120.0, 19.0), row(few, 30, -80.0)),
        *(row(old, 0, -120.0), row(old, 30, -80.0, None)),
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(schema.history_coverage), rows)

    [table] = [t for t in tell(day_of(DAY)).section("network").tables if t.name == "coverage_lost"]

    assert [(r[0], r[1], r[3], r[4], r[5]) for r in table.rows] == [
        (lost, point.name, pytest.approx(-110), pytest.approx(-96), pytest.approx(-14))
    ]
    assert table.note == (
        "of 3 hexagons measured well enough now and four weeks before, 1 lost 6 dB or more and 1 won as much"
    )
