"""A past for the simulated city: the same each time, true to its own rules, never over what was really watched."""

from __future__ import annotations

import json
from datetime import date, datetime

import numpy as np
import pytest
import sqlalchemy as sa

from control_room.city import CITIES, load_city
from control_room.cli import main
from control_room.history.batch import Batch
from control_room.history.place import name_file, open_history
from control_room.history.reader import Reader
from control_room.history.rollup import Minutes, Rate
from control_room.history.spans import HOUR_S
from control_room.history.store import HistoryStore
from control_room.sandbox_past.figures import Figures
from control_room.sandbox_past.hours import Hours
from control_room.sandbox_past.trouble import draw_trouble
from control_room.sandbox_past.year import make_past
from control_room.storage import schema
from control_room.storage.store import Store
from control_room.trends import read_trend
from control_room.usual_reader import read_usual
from tests.control_room.history.town import LONDON

DAYS = 24
UNTIL = datetime(2026, 11, 5, 15, tzinfo=LONDON)  # the clock went back on 25 October


@pytest.fixture(scope="module")
def city():
    return load_city(CITIES / "milton_keynes")


@pytest.fixture(scope="module")
def past(tmp_path_factory, city):
    """Twenty-four days, made once."""
    folder = tmp_path_factory.mktemp("past")
    engine = open_history(folder, "sandbox")
    made = make_past(engine, city, 1, UNTIL, DAYS)
    yield folder, engine, made
    engine.dispose()


def hours(since: datetime, until: datetime, seed: int = 1) -> Hours:
    return Hours.between(seed, int(since.timestamp()), int(until.timestamp()), LONDON, {})


def test_every_day_is_there_and_the_long_one_is_long(past, city):
    """Twenty-four days, one of 25 hours; each knows nearly all of its time, and some have gaps."""
    _, engine, made = past
    trend = read_trend(Reader(engine), "request.open", "", datetime(2026, 10, 12, tzinfo=LONDON), UNTIL.replace(hour=0), "day", LONDON)  # fmt: skip

    assert len(trend) == DAYS
    assert sorted(set(trend.seconds.tolist())) == [86_400, 90_000]
    assert (trend.known_share > 0.99).all() and (trend.value > 500).all()
    assert made.rows["history_hour"] > 100_000


def test_the_days_are_the_sums_of_their_hours(past):
    """What a day tells is what its hours tell together, for every measure that is kept by the hour."""
    _, engine, _ = past
    reader = Reader(engine)
    for measure, key in (("robot.deliveries", ""), ("cell.available_percent", "MK5G-01-1"), ("slot.arrivals", "")):
        series = [reader.list_series([measure])[measure, key]]
        by_hour, by_day = (reader.read_span(step, series, 0, 2e9) for step in ("hour", "day"))
        for name in ("total", "weight", "known_s"):
            assert getattr(by_hour, name).sum() == pytest.approx(getattr(by_day, name).sum(), rel=1e-6), measure
        assert by_day.total.sum() > 0


def test_facts_and_figures_agree(past):
    """Requests counted one by one are as many as the figures say, on the last whole day."""
    _, engine, _ = past
    begin, end = (int(datetime(2026, 11, d, tzinfo=LONDON).timestamp()) for d in (4, 5))
    table = schema.history_request
    question = sa.select(sa.func.count()).where(table.c.requested_s >= begin, table.c.requested_s < end)
    with engine.connect() as connection:
        counted = connection.scalar(question)
    reader = Reader(engine)
    rows = reader.read_span("day", [reader.list_series(["request.in"])["request.in", ""]], begin, end)

    assert rows.total.tolist() == [counted]
    assert 150 < counted < 1000


def test_after_some_weeks_something_is_usual(past, city):
    """Three weeks back there are three such hours: enough to say what is usual, and carbon follows from it."""
    _, engine, _ = past
    usual = read_usual(Reader(engine), UNTIL, city.zone, city.holidays, city.figures)

    found = usual.find("transport.on_time_percent")
    assert found is not None and found.weeks == 3 and 50 < found.low <= found.median <= found.high <= 100
    deliveries, carbon = usual.find("robot.deliveries"), usual.find("robot.co2_avoided_kg")
    assert deliveries is not None and carbon is not None
    assert carbon.median == pytest.approx(0.2875 * deliveries.median)


def test_the_same_seed_makes_the_same_past():
    """Lots belong to the hour: a longer span has the same troubles in the days that both have; another seed has others."""
    long, short = (hours(datetime(2025, 12, d, tzinfo=LONDON), datetime(2026, 12, 1, tzinfo=LONDON)) for d in (1, 20))
    other = hours(datetime(2025, 12, 20, tzinfo=LONDON), datetime(2026, 12, 1, tzinfo=LONDON), seed=2)
    both, own, others = (draw_trouble(h, 10) for h in (long, short, other))

    tail = slice(len(long) - len(short), None)
    for name in ("snow", "storm", "stuck", "site", "failing", "known"):
        assert (getattr(both, name)[tail] == getattr(own, name)).all(), name
    assert (own.known != others.known).any()
    # Bad days there are, but they are few; and for some hours nobody watched.
    for name in ("snow", "storm", "stuck", "failing"):
        assert 0 < getattr(both, name).mean() < 0.1, name
    assert 0 < (both.known == 0).mean() < 0.01


def test_things_happen_as_often_as_they_should():
    """Over a year the counts have the mean that they were drawn with, for rare and for common things."""
    year = hours(datetime(2025, 11, 1, tzinfo=LONDON), datetime(2026, 11, 1, tzinfo=LONDON))
    for mean in (0.05, 3.0, 90.0):
        drawn = year.poisson(f"test {mean}", np.full(len(year), mean))
        assert drawn.mean() == pytest.approx(mean, rel=0.1)
        assert drawn.var() == pytest.approx(mean, rel=0.15)


def test_what_was_really_watched_stays(tmp_path, city):
    """An hour that the control room knows whole is not written over; one it saw a minute of is."""
    engine = open_history(tmp_path, "sandbox")
    store = HistoryStore(engine, city.zone)
    noon = int(datetime(2026, 11, 4, 12, tzinfo=LONDON).timestamp())
    minutes = Minutes()
    minutes.add_rates({("request.open", ""): Rate(7, 1, 7)}, noon, noon + HOUR_S)
    minutes.add_rates({("request.open", ""): Rate(7, 1, 7)}, noon + HOUR_S, noon + HOUR_S + 60)
    store.apply(Batch("a" * 16, 1, noon, minutes.drain()))
    block = Figures(hours(datetime(2026, 11, 4, 11, tzinfo=LONDON), datetime(2026, 11, 4, 15, tzinfo=LONDON)), np.full(4, 0.99))  # fmt: skip
    block.level("request.open", "", np.full(4, 1000.0))
    from control_room.sandbox_past.bulk import write_rollups

    with engine.begin() as connection:
        write_rollups(connection, schema.history_hour, block.list_hours())

    rows = Reader(engine).read_span(
        "hour", [Reader(engine).list_series()["request.open", ""]], noon - HOUR_S, noon + 3 * HOUR_S
    )
    assert (rows.total / rows.weight).round(6).tolist() == [1000, 7, 1000, 1000]
    engine.dispose()


def test_the_command_says_what_is_held_and_why(past, capsys):
    """Each sort with its reason, length, rows and bytes; SANDBOX is said."""
    folder, _, made = past

    assert main(["data", "held", "--sandbox", "--data", str(folder)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("SANDBOX: a simulated city\n")
    assert f"service requests: {made.rows['history_request']:,} rows" in text
    assert "kept 2 days: to look into what happened yesterday" in text

    assert main(["data", "held", "--sandbox", "--data", str(folder), "--json"]) == 0
    held = json.loads(capsys.readouterr().out)
    assert held["simulated"] is True and held["waiting"] == 0
    hour = next(h for h in held["held"] if h["table"] == "history_hour")
    assert hour["rows"] == made.rows["history_hour"] and hour["bytes"] > 1_000_000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["data", "held", "--data", "DIR"], "holds no history"),
        (["sandbox", "backfill", "--data", "DIR", "--days", "0"], "--days 0: from 1 to 1000"),
        (["sandbox", "backfill", "--data", "DIR", "--until", "soon"], "--until soon: is no day"),
    ],
)
def test_a_mistake_is_told_in_one_line(words, told, tmp_path, capsys):
    """What is wrong, and what would be right."""
    assert main([str(tmp_path) if w == "DIR" else w for w in words]) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1


def test_a_past_is_not_written_under_a_running_control_room(tmp_path, capsys):
    """Whoever holds the data folder writes there alone."""
    store = Store(tmp_path, "sandbox")
    store.open()

    assert main(["sandbox", "backfill", "--data", str(tmp_path), "--days", "1"]) == 2
    store.close()
    assert "another control room runs on this data folder" in capsys.readouterr().err
    assert not name_file(tmp_path, "live").exists()


def test_a_holiday_of_the_city_has_a_name(city):
    """Days unlike others are known by the city's calendar; substitute days are among them."""
    assert city.holidays[date(2026, 12, 25)] == "Christmas Day"
    assert city.holidays[date(2026, 12, 28)].endswith("(substitute day)")
    assert date(2026, 11, 23) not in city.holidays
