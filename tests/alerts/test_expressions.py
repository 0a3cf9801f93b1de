"""The language of conditions: what it says, what it refuses, how fast it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.expressions import Condition, ExpressionError, compile_condition
from alerts.memory import Memory
from alerts.units import UnitError, convert_quantity
from control_room.model import CELL, ENVIRONMENT, EVENT, KINDS, TRIP, VEHICLE, VEHICLE_STATES, Kind, Table
from feeds.units import UNITS

LONDON = ZoneInfo("Europe/London")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday


def table(kind: Kind = VEHICLE, **columns) -> Table:
    """Rows of a kind; keys are k0, k1 …"""
    size = len(next(iter(columns.values())))
    return Table.of(kind, {kind.key: [f"k{i}" for i in range(size)], **columns})


def ask(text: str, rows: Table, now: datetime = NOON, memory: Memory | None = None) -> str:
    """The answers for the rows in order: t, f or ? each."""
    condition = compile_condition(text, rows.kind.by_name)
    return answers(condition, rows, now, memory)


def answers(condition: Condition, rows: Table, now: datetime = NOON, memory: Memory | None = None) -> str:
    if memory is None:
        memory = Memory(LONDON)
        follow(memory, condition)
    truth = condition.evaluate(memory.look(rows, rows.keys, now))
    assert not (truth.true & ~truth.known).any()
    return "".join("t" if true else "f" if known else "?" for true, known in zip(truth.true, truth.known, strict=True))


def follow(memory: Memory, *conditions: Condition) -> None:
    memory.follow(
        {window for c in conditions for window in c.windows}, {zone for c in conditions for zone, _ in c.crossings}
    )


def refusal(text: str, kind: Kind = VEHICLE) -> str:
    with pytest.raises(ExpressionError) as refused:
        compile_condition(text, kind.by_name)
    return str(refused.value)


# What it says


def test_not_and_or_follow_kleene():
    """An unknown part leaves the whole unknown, unless the other part settles it."""
    rows = table(
        safety_operator=[True, True, True, False, False, False, None, None, None],
        speed_kmh=[2.0, 0.0, None] * 3,
    )

    assert ask("safety_operator and speed_kmh > 1", rows) == "tf?fff?f?"
    assert ask("safety_operator or speed_kmh > 1", rows) == "ttttf?t??"
    assert ask("not safety_operator", rows) == "ffftt" + "t" + "???"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("speed_kmh < 10", "tff?"),
        ("speed_kmh <= 10", "ttf?"),
        ("speed_kmh > 10", "fft?"),
        ("speed_kmh >= 10", "ftt?"),
        ("speed_kmh == 10", "ftf?"),
        ("speed_kmh != 10", "tft?"),
        ("10 > speed_kmh", "tff?"),
        ("5 < speed_kmh <= 10", "ftf?"),
        ("speed_kmh in (0, 20)", "tft?"),
        ("speed_kmh not in (0, 20)", "ftf?"),
        ("known(speed_kmh)", "tttf"),
        ("-speed_kmh < -5", "ftt?"),
        ("(speed_kmh + 2) * 3 - 6 == speed_kmh * 3", "ttt?"),
        ("speed_kmh / speed_kmh == 1", "?tt?"),
        ("abs(speed_kmh - 10) < 1", "ftf?"),
        ("min(speed_kmh, 15) < 15", "ttf?"),
        ("max(speed_kmh, 15) > 15", "fft?"),
        ("true", "tttt"),
        ("false or speed_kmh < 10", "tff?"),
        ("not (speed_kmh < 10)", "ftt?"),
    ],
)
def test_numbers_are_compared_and_reckoned_with(text, expected):
    """Zero is a number, missing is unknown, and what is divided by zero is unknown too."""
    assert ask(text, table(speed_kmh=[0.0, 10.0, 20.0, None])) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('route_id == "7"', "tff?"),
        ('route_id != "7"', "ftt?"),
        ('"7" == route_id', "tff?"),
        ('route_id in ("7", "X4")', "ttf?"),
        ('route_id in ["7"]', "tff?"),
        ('route_id not in ("7", "nowhere")', "ftt?"),
        ('route_id == "nowhere"', "fff?"),
        ('starts_with(route_id, "X")', "ftt?"),
        ('contains_word(route_name, "station")', "tff?"),
        ('contains_word(route_name, "central station")', "tff?"),
        ("route_name == route_id", "fft?"),
        ("known(route_id)", "tttf"),
    ],
)
def test_texts_are_compared_whole_by_beginning_and_by_word(text, expected):
    """A text is equal or not; words are found whole, small and capital letters alike."""
    rows = table(
        route_id=["7", "X4", "X5", None],
        route_name=["Central Station, Bletchley", "Stationery Row", "X5", None],
    )

    assert ask(text, rows) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("safety_operator", "tf?"),
        ("safety_operator == true", "tf?"),
        ("safety_operator == false", "ft?"),
        ("safety_operator != True", "ft?"),
        ("false == safety_operator", "ft?"),
        ("not safety_operator", "ft?"),
    ],
)
def test_a_flag_stands_alone_or_beside_true_and_false(text, expected):
    """A flag is a condition by itself."""
    assert ask(text, table(safety_operator=[True, False, None])) == expected


def test_ages_and_times_are_reckoned_from_the_engines_clock():
    """age_s, minutes_since and hours_until go by the moment of the step, not by the machine's clock."""
    rows = table(observed_at=[NOON - timedelta(minutes=5), NOON, None])
    events = table(EVENT, starts_at=[NOON + timedelta(hours=3), NOON - timedelta(hours=1), None])

    assert ask('age_s > "2 min"', rows) == "tf?"
    assert ask("minutes_since(observed_at) >= 5", rows) == "tf?"
    assert ask('0 < hours_until(starts_at) < "1 d"', events) == "tf?"
    assert ask('starts_at > "2026-03-02T13:00+00:00"', events) == "tf?"
    assert compile_condition("age_s > 5", VEHICLE.by_name).reads_age
    assert not compile_condition("minutes_since(observed_at) > 5", VEHICLE.by_name).reads_age


def test_two_times_give_seconds():
    """The difference of two time columns is in seconds, and converted like them."""
    rows = table(EVENT, starts_at=[NOON, NOON, None], ends_at=[NOON + timedelta(hours=2), None, NOON])

    assert ask('ends_at - starts_at > "90 min"', rows) == "t??"
    assert ask("ends_at > starts_at", rows) == "t??"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "hour 0"),  # the last minute of winter time
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "hour 2"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "hour 1"),  # half past one, the first time
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "hour 1"),  # and again
    ],
)
def test_hours_are_those_of_the_city_on_both_clock_change_nights(now, expected):
    """hour_of_day is local time."""
    rows = table(speed_kmh=[1.0])
    hours = [h for h in range(24) if ask(f"{h} <= hour_of_day < {h + 1}", rows, now) == "t"]

    assert f"hour {hours[0]}" == expected
    assert ask('weekday == "sun"', rows, now) == "t"
    assert ask('weekday in ("mon", "tue")', rows, now) == "f"


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ('speed_kmh > "25 mph"', VEHICLE, 40.2336),
        ('speed_kmh > "10 m/s"', VEHICLE, 36.0),
        ('delay_s > "10 min"', VEHICLE, 600.0),
        ('delay_s > "1.5 h"', VEHICLE, 5400.0),
        ('battery_percent > "20 %"', VEHICLE, 20.0),
        ('battery_percent > "0.2 fraction"', VEHICLE, 20.0),
        ('height_m > "400 ft"', VEHICLE, 121.92),
        ('signal_rsrp_dbm > "-110 dBm"', VEHICLE, -110.0),
        ('throughput_dl_kbps > "2 Mbit/s"', CELL, 2000.0),
        ('delay_dl_ms > "0.05 s"', CELL, 50.0),
        ('passengers > "30 people"', VEHICLE, 30.0),
    ],
)
def test_a_quantity_is_converted_to_the_columns_unit(text, kind, expected):
    """What stands in quotes against a number is a quantity, in any unit of its dimension."""
    name = text.split()[0]
    rows = table(kind, **{name: [expected + 0.01, expected - 0.01, None]})

    assert ask(text, rows) == "tf?"


def test_levels_and_differences_of_levels_are_kept_apart():
    """dBm minus dBm is dB; a level is not compared with a difference."""
    rows = table(signal_rsrp_dbm=[-120.0, -90.0], expected_rsrp_dbm=[-95.0, -95.0])

    assert ask('signal_rsrp_dbm - expected_rsrp_dbm < "-10 dB"', rows) == "tf"
    assert ask('signal_rsrp_dbm + "10 dB" < expected_rsrp_dbm', rows) == "tf"
    assert "cannot be added" in refusal("signal_rsrp_dbm + expected_rsrp_dbm < 3")
    assert "not in a unit of dBm" in refusal('signal_rsrp_dbm < "-110 dB"')
    assert "not in a unit of dB" in refusal('signal_rsrp_dbm - expected_rsrp_dbm < "-10 dBm"')


def test_a_value_whose_unit_stands_beside_it_is_converted_row_by_row():
    """A quantity against environment values is unknown where the row's unit is of another dimension."""
    rows = table(
        ENVIRONMENT,
        quantity=["temperature", "temperature", "no2", "temperature", "temperature"],
        value=[31.0, 95.0, 300.0, 29.0, 40.0],
        unit=["°C", "°F", "µg/m³", "°C", None],
    )

    assert ask('value > "30 °C"', rows) == "tt?f?"
    assert ask('quantity == "temperature" and value > "30 °C"', rows) == "ttff?"
    assert "no unit that is known" in refusal('value > "30 florins"', ENVIRONMENT)


def test_units_of_columns_are_brought_together_by_in_unit():
    """Two columns of one dimension are compared after in_unit, and refused without."""
    rows = table(CELL, period_s=[60.0, 0.01], delay_dl_ms=[50.0, 50.0])

    assert 'in_unit(delay_dl_ms, "s")' in refusal("period_s < delay_dl_ms", CELL)
    assert ask('period_s < in_unit(delay_dl_ms, "s")', rows) == "ft"


@given(
    # A million grams would be sixteen digits of nanograms, one more than a quantity may have.
    st.floats(-999_999, 999_999, allow_nan=False).map(lambda v: round(v, 3)),
    st.sampled_from(sorted({u.name for u in UNITS.values() if u.name})),
    st.sampled_from(sorted({u.name for u in UNITS.values() if u.name})),
)
@settings(max_examples=200, deadline=None)
def test_quantities_go_there_and_back_or_are_refused(value, unit, to):
    """Within a dimension a quantity comes back as it was; between dimensions there is no way."""
    written = f"{value:.3f} {unit}"
    if UNITS[unit].family != UNITS[to].family:
        with pytest.raises(UnitError, match="is not in a unit of"):
            convert_quantity(written, to)
        return
    there = convert_quantity(written, to)
    back = convert_quantity(f"{there:.12f} {to}", unit)

    assert back == pytest.approx(value, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "to", "expected"),
    [
        ("5 %/min", "%/s", 5 / 60),
        ("3 mph", "m/s", 1.34112),
        ("2 dB/min", "dB/s", 2 / 60),
        ("36 km/h/min", "km/h/s", 0.6),
        ("10 rows/min", "rows/s", 1 / 6),
        ("-1 h", "s", -3600),
        ("50 °F", "°C", 10),
    ],
)
def test_rates_and_offsets_are_converted(text, to, expected):
    """A rate is a unit over a time; a temperature has another zero."""
    assert convert_quantity(text, to) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("5 %", "%/s"),
        ("5 %/min", "%"),
        ("5", "km/h"),
        ("km/h", "km/h"),
        ("5 rows", "people"),
        ("1e3 m", "m"),
        ("5 %", ""),
    ],
)
def test_what_is_no_quantity_of_that_unit_is_refused(text, to):
    """A refusal, not a guess."""
    with pytest.raises(UnitError):
        convert_quantity(text, to)


def test_zones_are_found_by_their_whole_name():
    """inside knows a zone among several, and an unknown place is neither in nor out."""
    rows = table(zones=["Campbell Park; Stadium", "Campbell Park South", "", None])

    assert ask('inside("Campbell Park")', rows) == "tff?"
    assert ask('not inside("Stadium")', rows) == "ftt?"
    assert "do not say" in refusal('inside("Stadium")', TRIP)


# What was before


def test_a_rate_is_unknown_until_half_of_its_window_has_been_seen():
    """A battery that loses a percent a minute is known to do so after five minutes of a window of ten."""
    condition = compile_condition('rate(battery_percent, "10 min") < "-0.9 %/min"', VEHICLE.by_name)
    memory = Memory(LONDON)
    follow(memory, condition)
    told = []
    for minute in range(25):
        now = NOON + timedelta(minutes=minute)
        percent = 90.0 - minute if minute <= 15 else 75.0
        told.append(answers(condition, table(battery_percent=[percent], observed_at=[now]), now, memory))

    assert "".join(told[:5]) == "?????"
    assert set(told[5:16]) == {"t"}
    assert set(told[18:]) == {"f"}


def test_a_change_is_reckoned_over_its_window_and_not_longer():
    """Of a movement that ended a window ago nothing is left."""
    condition = compile_condition('abs(change(odometer_m, "1 min")) < 5', VEHICLE.by_name)
    memory = Memory(LONDON)
    follow(memory, condition)
    told = ""
    for second in range(0, 200, 5):
        now = NOON + timedelta(seconds=second)
        told += answers(condition, table(odometer_m=[min(second, 90) * 3.0], observed_at=[now]), now, memory)

    assert told.startswith("??????f")
    assert told[: told.index("t")].count("f") == pytest.approx((90 + 60 - 30) / 5, abs=2)
    assert set(told[told.index("t") :]) == {"t"}


def test_a_silent_row_has_no_rate():
    """The same observation again is no news: after the window nothing is known of its change."""
    condition = compile_condition('change(battery_percent, "1 min") < -1', VEHICLE.by_name)
    memory = Memory(LONDON)
    follow(memory, condition)
    told = ""
    for second in range(0, 181, 10):
        now = NOON + timedelta(seconds=second)
        seen = NOON + timedelta(seconds=min(second, 60))
        rows = table(battery_percent=[90.0 - min(second, 60) / 10], observed_at=[seen])
        told += answers(condition, rows, now, memory)

    assert "t" in told
    assert told.endswith("???")


def test_history_belongs_to_the_row_whatever_place_it_has():
    """Rows that change places, go and come keep their own past."""
    condition = compile_condition('change(battery_percent, "1 min") < -5', VEHICLE.by_name)
    memory = Memory(LONDON)
    follow(memory, condition)
    fast = {f"k{i}": i % 3 == 0 for i in range(50)}
    random = np.random.default_rng(7)
    for second in range(0, 121, 4):
        now = NOON + timedelta(seconds=second)
        keys = [k for k in fast if random.random() < 0.9 or second == 120]
        random.shuffle(keys)
        percent = [90.0 - (second / 6 if fast[k] else 0.0) for k in keys]
        rows = Table.of(VEHICLE, {"vehicle_key": keys, "battery_percent": percent, "observed_at": [now] * len(keys)})
        told = answers(condition, rows, now, memory)

    assert dict(zip(keys, told, strict=True)) == {key: "t" if is_fast else "f" for key, is_fast in fast.items()}


def test_a_clock_that_is_set_back_makes_history_unknown_and_not_wrong():
    """After a step back nothing is told of rates until half of the window has passed again."""
    condition = compile_condition('rate(battery_percent, "1 min") < 0', VEHICLE.by_name)
    memory = Memory(LONDON)
    follow(memory, condition)
    told = ""
    for second in [*range(0, 61, 5), *range(-3600, -3540, 5)]:
        now = NOON + timedelta(seconds=second)
        told += answers(condition, table(battery_percent=[50.0 - len(told)], observed_at=[now]), now, memory)

    assert told == "??????ttttttt" + "??????tttttt"


@given(
    st.lists(st.floats(0.2, 20), min_size=30, max_size=60),
    st.floats(-5, 5).filter(lambda slope: abs(slope) > 0.01),
    st.sampled_from([10, 60, 600]),
)
@settings(max_examples=60, deadline=None)
def test_a_steady_rate_is_right_whenever_it_is_known(steps_s, slope, window_s):
    """However irregularly a row is heard of, a number that changes steadily has that rate or none."""
    condition = compile_condition(f'rate(odometer_m, "{window_s} s") > 0', VEHICLE.by_name)
    memory = Memory(LONDON)
    follow(memory, condition)
    now = NOON
    heard_s: list[float] = []
    for step_s in steps_s:
        now += timedelta(milliseconds=round(step_s * 1000))
        since = (now - NOON).total_seconds()
        heard_s.append(since)
        rows = table(odometer_m=[since * slope], observed_at=[now])
        change, over_s = memory.look(rows, rows.keys, now).past("odometer_m", float(window_s))

        if not np.isnan(over_s[0]):
            assert change[0] / over_s[0] == pytest.approx(slope, rel=1e-6)
            assert window_s / 2 <= over_s[0] <= window_s * 17 / 16
        elif max(steps_s) < window_s / 16:
            # Heard of in every slice: then it is known as soon as half of the window has been seen.
            assert since - heard_s[0] <= window_s * (1 / 2 + 1 / 16)


def test_history_does_not_grow_with_keys_that_come_and_go():
    """Keys that rotate for ever do not take memory for ever, and those that stay keep their past."""
    condition = compile_condition('change(battery_percent, "1 min") < -5', VEHICLE.by_name)
    memory = Memory(LONDON)
    follow(memory, condition)
    for second in range(0, 121, 2):
        now = NOON + timedelta(seconds=second)
        keys = ["stays", *(f"{second}-{i}" for i in range(300))]
        rows = Table.of(
            VEHICLE,
            {"vehicle_key": keys, "battery_percent": [90.0 - second / 4] * 301, "observed_at": [now] * 301},
        )
        told = answers(condition, rows, now, memory)

    assert told[0] == "t"
    assert set(told[1:]) == {"?"}
    assert memory.room < 3 * 301 + 1000


def test_entering_and_leaving_are_told_for_as_long_as_asked():
    """entered holds for its time after the border was crossed; what was before we looked is unknown."""
    came = compile_condition('entered("Stadium", "1 min")', VEHICLE.by_name)
    went = compile_condition('left("Stadium", "1 min")', VEHICLE.by_name)
    memory = Memory(LONDON)
    follow(memory, came, went)
    story_in, story_out = "", ""
    for second in range(0, 300, 20):
        now = NOON + timedelta(seconds=second)
        rows = table(zones=["Stadium" if 80 <= second < 180 else ""])
        story_in += answers(came, rows, now, memory)
        story_out += answers(went, rows, now, memory)

    assert story_in == "???f" + "tttt" + "fffffff"
    assert story_out == "???ffffff" + "tttt" + "ff"


def test_functions_of_history_are_refused_where_rows_are_not_followed():
    """What is expected has no history: the rule says so on loading instead of never alarming."""
    with pytest.raises(ExpressionError, match="followed over time"):
        compile_condition('change(speed_kmh, "1 min") > 3', VEHICLE.by_name, history=False)


# What it reads


def test_a_condition_says_what_it_reads():
    """Names, windows and borders are known before the first row."""
    condition = compile_condition(
        'state == "stopped" and age_s < 60 and rate(speed_kmh, "10 min") < 1 and left("Stadium", "30 s")',
        VEHICLE.by_name,
    )

    assert condition.names == {"state", "observed_at", "speed_kmh", "zones"}
    assert condition.windows == {("speed_kmh", 600.0)}
    assert condition.crossings == {("Stadium", 30.0)}
    assert condition.reads_age


# What it refuses


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("sped_kmh > 3", 1, "did you mean speed_kmh"),
        ('state == "stoped"', 10, "did you mean stopped"),
        ('state in ("stopped", "gone")', 22, "is never"),
        ('speed_kmh > "25 kg"', 13, "km/h or kn or m/s or mph"),
        ('speed_kmh > "fast"', 13, "no quantity"),
        ("delay_s > speed_kmh", 11, "measure different things"),
        ("delay_s + speed_kmh > 4", 11, "cannot be added"),
        ("route_id > 5", 1, "a text, compared with a number"),
        ("route_id == 5", 1, "a text, compared with a number"),
        ('route_id < "9"', 12, "== and != only"),
        ("speed_kmh", 1, "compare it"),
        ("speed_kmh and state", 1, "a condition must stand there"),
        ("speed_kmh = 3", 11, "write =="),
        ("speed_kmh is None", 11, "known(column)"),
        ("speed_kmh == None", 14, "not known(column)"),
        ("battery_percent < 20%", 21, 'in quotes: "20 %"'),
        ("speed_kmh > 25 mph", 16, '"25 mph"'),
        ("speed_kmh > 3 && state", 15, "the word and"),
        ("state == “idle”", 10, "straight quotes"),
        ("speed_kmh ≥ 3", 11, "write >="),
        ("speed_kmh\u00a0> 3", 10, "a plain one"),
        ("speed_kmh >", 12, "something must follow"),
        ("speed_kmh > 3 AND delay_s > 3", 15, "small letters"),
        ('rate(state, "1 min") > 3', 6, "a column of number"),
        ('rate(speed_kmh, "1 fortnight") > 3', 17, "no length of time"),
        ('rate(speed_kmh, "9 d") > 3', 17, "a window is from"),
        ("known(3)", 7, "is a constant"),
        ("3 < 4", 1, "always be the same"),
        ("observed_at > 5", 1, "a time, compared with a number"),
        ('observed_at > "yesterday"', 15, "with its zone"),
        ('observed_at > "2026-01-01T00:00"', 15, "with its zone"),
        ("speed_kmh / 0 > 1", 13, "division by zero"),
        ("speed_kmh == true", 1, "only what is true or false"),
        ("safety_operator > 1", 1, "compared with a number"),
        ('contains_word("works", title) ', 15, "a column of"),
        ("hour_of_day() > 3", 1, "no function hour_of_day"),
        ("abs > 3", 1, "brackets must follow"),
        ("abs(speed_kmh, 3) > 3", 1, "takes 1"),
        ('"A1" in route_id', 9, "contains_word"),
        ("speed_kmh in ()", 14, "is empty"),
        ('speed_kmh > "25 mph"é', 21, "U+00E9"),
        ('known(speed_kmh) > "3 %"', 1, "gives true or false"),
        ("", 1, "is empty"),
        ("   ", 1, "is empty"),
    ],
)
def test_a_refusal_says_where_what_and_what_may_stand_there(text, column, what):
    """The place is counted in characters from 1, and the advice names something that works."""
    said = refusal(text)

    assert said.startswith(f"column {column}: ")
    assert what in said


def test_places_are_counted_in_characters_over_lines_and_wide_letters():
    """A condition may go over several lines; letters of several bytes do not move the place."""
    said = refusal('route_name == "Äöü €" and\n  sped_kmh > 3')

    assert said.startswith("column 29: there is no column sped_kmh")


HOSTILE = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "speed_kmh.__class__",
    "speed_kmh.real > 1",
    "speed_kmh[0] > 1",
    "speed_kmh[:] > 1",
    "(lambda: 1)() > 1",
    "lambda: true",
    "[x for x in (1, 2)]",
    "[speed_kmh for speed_kmh in route_id] == 1",
    "{x for x in (1, 2)}",
    "{1: 2}",
    "{speed_kmh}",
    "f'{speed_kmh}' == 'x'",
    "f\"{__import__('os')}\" == route_id",
    "b'x' == route_id",
    "r'x' == route_id",
    "u'x' == route_id",
    "'x' 'y' == route_id",
    "'%s' % speed_kmh == route_id",
    "'{0.__class__}'.format(speed_kmh) == route_id",
    "route_id == '\\x00'",
    "route_id == '\\N{BULLET}'",
    "route_id == 'a\x00b'",
    "speed_kmh > 1\x00",
    "speed_kmh \x00> 1",
    "\x00",
    "(speed_kmh := 3) > 1",
    "speed_kmh > 9 ** 9 ** 9 ** 9",
    "speed_kmh ** 2 > 1",
    "speed_kmh // 2 > 1",
    "speed_kmh % 2 > 1",
    "speed_kmh << 40000000000",
    "speed_kmh > 1 << 9",
    "speed_kmh @ speed_kmh > 1",
    "~speed_kmh > 1",
    "speed_kmh & 1 > 0",
    "speed_kmh | 1 > 0",
    "speed_kmh ^ 1 > 0",
    "speed_kmh > 1e999",
    "speed_kmh > 1e5",
    "speed_kmh > 0x10",
    "speed_kmh > 0b11",
    "speed_kmh > 1_000",
    "speed_kmh > 1j",
    "speed_kmh > " + "9" * 400,
    "speed_kmh > 0." + "1" * 400,
    "speed_kmh > ...",
    "eval('1') > 0",
    "exec('1') > 0",
    "open('/etc/passwd') == route_id",
    "getattr(speed_kmh, 'real') > 1",
    "globals() > 1",
    "print(speed_kmh)",
    "known(*speed_kmh)",
    "known(**speed_kmh)",
    "known(x=speed_kmh)",
    "known(known)",
    "known(known(speed_kmh))",
    "*speed_kmh",
    "(yield speed_kmh)",
    "await speed_kmh",
    "import os",
    "speed_kmh if true else delay_s",
    "speed_kmh > 1; import os",
    "speed_kmh > 1 # comment",
    "speed_kmh > 1\n) or (delay_s > 1",
    "speed_kmh > 1) or (delay_s > 1",
    "True) or (True",
    "(" * 5000 + "true" + ")" * 5000,
    "(" * 90 + "true" + ")" * 90,
    "[" * 100 + "]" * 100,
    "not " * 3000 + "safety_operator",
    "not " * 300 + "safety_operator",
    "-" * 3000 + "speed_kmh > 1",
    "-" * 300 + "speed_kmh > 1",
    "speed_kmh" + " + speed_kmh" * 150 + " > 1",
    "abs(" * 19 + "abs(abs(speed_kmh" + "))" + ")" * 19 + " > 1",
    "speed_kmh > 1 " + "and speed_kmh > 1 " * 10_000,
    "route_id in (" + "'a', " * 100_000 + ")",
    "route_id == '" + "a" * 100_000 + "'",
    "route_id == '" + "a" * 300 + "'",
    "x" * 100_000,
    " " * 100_000 + "true",
    "ѕpeed_kmh > 1",  # a Cyrillic s
    "ｓpeed_kmh > 1",  # a wide s, which Python's parser takes for s
    "speed_kmh ＞ 1",
    "speed_kmh > １",
    "speed_kmh > 1\u200b",
    "speed\u00ad_kmh > 1",
    "route_id == 'a\u202eb'",
    "route_id == 'a\u200bb'",
    "route_id == '\ud800'",
    "\ud800",
    "route_id == “7”",
    "ª > 1",
    "__debug__",
    "__builtins__",
    "NotImplemented",
    "Ellipsis == 1",
    "inside(zones)",
    "inside('')",
    "starts_with(route_id, route_name)",
    "contains_word(route_id, '!!!')",
    "rate(speed_kmh, speed_kmh) > 1",
    'rate(speed_kmh, "1e9 min") > 1',
    "known",
    "known()",
    "min(speed_kmh) > 1",
    "min(speed_kmh, delay_s, delay_s) > 1",
    "speed_kmh()",
    "None",
    "None == None",
    "1",
    "'true'",
    "(true, false)",
    "[]",
    "()",
    "speed_kmh > (1, 2)",
    "speed_kmh in (1, delay_s)",
    "speed_kmh in ((1, 2), 3)",
    "speed_kmh < (delay_s > 1)",
    "true > false",
    "true == true",
    "weekday == route_id",
]


def test_there_are_enough_hostile_texts():
    """The brief asks for sixty; a list that shrinks is noticed."""
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_refused_in_bounded_time(text):
    """Every one is an ExpressionError with a short text, in a tenth of a second (the best of three)."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        said = refusal(text)
        took.append(time.thread_time() - began)

    assert min(took) < 0.1
    assert len(said) < 2500
    assert "Traceback" not in said


@given(st.text(max_size=300))
@example("speed_kmh > 1")
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_condition_or_refused(text):
    """Nothing else is ever raised, whatever the characters."""
    compiles_or_refuses(text)


PIECES = [
    *"()[]<>=!+-*/,.:'\"%&|~^@{}#\\\n",
    *("and", "or", "not", "in", "is", "if", "for", "lambda", "true", "None", "==", "!=", "<=", ":=", "**", "f'", "1"),
    *("speed_kmh", "state", "route_id", "safety_operator", "observed_at", "age_s", "weekday", "zones"),
    *("known(", "rate(", "inside(", '"10 min"', '"25 mph"', '"stopped"', "0.5", "in_unit(", "minutes_since(", " "),
]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
@settings(max_examples=500, deadline=None)
def test_any_words_of_the_language_are_a_condition_or_refused(text):
    """The same for texts that are nearly right; what compiles can be evaluated."""
    compiles_or_refuses(text)


def compiles_or_refuses(text: str) -> None:
    try:
        condition = compile_condition(text, VEHICLE.by_name)
    except ExpressionError:
        return
    told = answers(condition, SOME_ROWS)
    assert set(told) <= set("tf?")


SOME_ROWS = table(
    speed_kmh=[0.0, 3.0, None, 50.0],
    delay_s=[None, 0.0, -60.0, 600.0],
    battery_percent=[None, 100.0, 0.0, 20.0],
    state=["stopped", None, "working", "idle"],
    route_id=["7", "X4", None, ""],
    safety_operator=[True, False, None, True],
    zones=["A; B", "", None, "B"],
    observed_at=[NOON, None, NOON - timedelta(hours=1), NOON + timedelta(hours=1)],
)


def test_every_column_of_every_kind_can_be_asked_about():
    """Whatever the dictionary holds has a condition that compiles and is unknown on rows that say nothing."""
    for kind in KINDS.values():
        rows = table(kind, **{kind.columns[1].name: [None]}) if kind.columns[1].name != kind.key else None
        for column in kind.columns:
            text = {
                "number": f"{column.name} > 0",
                "time": f"minutes_since({column.name}) > 0",
                "flag": column.name,
            }.get(column.type, f'{column.name} == "{column.values[0] if column.values else "x"}"')
            condition = compile_condition(text, kind.by_name)
            if rows is not None and column.name != kind.key:
                assert answers(condition, rows) == "?", f"{kind.name}: {text}"


WORDS = st.lists(st.sampled_from(["7", "X4", "X5", "", "A", "B", None]), min_size=20, max_size=20)


@given(st.lists(st.tuples(st.lists(st.tuples(st.integers(0, 19), st.sampled_from(["7", "X4", "new", None]))), WORDS)))
@settings(max_examples=100, deadline=None)
def test_a_column_that_changes_step_by_step_answers_like_one_that_is_new(steps):
    """Numbers of words that are carried on from step to step say the same as those made anew."""
    condition = compile_condition('route_id == "7" or starts_with(route_id, "X") and route_id != "X5"', VEHICLE.by_name)
    memory = Memory(LONDON)
    words: list[str | None] = ["7"] * 20
    for changes, all_new in steps:
        words = list(words) if changes else all_new
        for place, word in changes[:3]:
            words[place] = word
        rows = table(route_id=words)

        assert answers(condition, rows, NOON, memory) == answers(condition, rows, NOON, Memory(LONDON))


def test_words_that_nobody_says_any_more_are_forgotten():
    """A column whose words rotate for ever does not grow."""
    memory = Memory(LONDON)
    words = [f"w{i}" for i in range(100)]
    for step in range(1000):
        words[step % 100] = f"new{step}"
        rows = table(route_id=words)
        codes = memory.look(rows, rows.keys, NOON).codes("route_id")

    assert len(codes.words) <= 201
    assert codes.words[codes.codes].tolist() == words


def test_a_question_is_asked_once_a_word_however_many_steps_there_are():
    """Long texts of ten thousand rows are not split again each second."""
    memory = Memory(LONDON)
    asked = []

    def holds(word):
        asked.append(word)
        return word.startswith("n")

    words = [f"w{i}" for i in range(100)]
    for step in range(50):
        words[step] = f"new{step}"
        rows = table(route_id=words)
        true, false = memory.look(rows, rows.keys, NOON).codes("route_id").ask(holds)

        assert np.flatnonzero(true).tolist() == list(range(step + 1))
        assert (true ^ false).all()
    assert len(asked) == len(set(asked)) == 100 - 1 + 50


# Against a second opinion

ATOMS = st.sampled_from(
    [
        ("speed_kmh > 3", lambda r: _number(r.speed_kmh, lambda v: v > 3)),
        ("delay_s <= 0", lambda r: _number(r.delay_s, lambda v: v <= 0)),
        ("0 < battery_percent < 50", lambda r: _number(r.battery_percent, lambda v: 0 < v < 50)),
        ("safety_operator", lambda r: r.safety_operator),
        ('state in ("stopped", "idle")', lambda r: None if r.state is None else r.state in ("stopped", "idle")),
        ('route_id != "7"', lambda r: None if r.route_id is None else r.route_id != "7"),
        ("known(state)", lambda r: r.state is not None),
        ('inside("B")', lambda r: None if r.zones is None else "B" in r.zones),
        ("true", lambda r: True),
    ]
)


def _number(value, holds):
    return None if value != value else bool(holds(value))


def _kleene_and(one, two):
    return False if one is False or two is False else None if one is None or two is None else True


def _kleene_not(one):
    return None if one is None else not one


TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(
            lambda p: (f"({p[0][0]} and {p[1][0]})", lambda r: _kleene_and(p[0][1](r), p[1][1](r)))
        ),
        st.tuples(inner, inner).map(
            lambda p: (
                f"({p[0][0]} or {p[1][0]})",
                lambda r: _kleene_not(_kleene_and(_kleene_not(p[0][1](r)), _kleene_not(p[1][1](r)))),
            )
        ),
        inner.map(lambda p: (f"not {p[0]}", lambda r: _kleene_not(p[1](r)))),
    ),
    max_leaves=12,
)


@given(TREES)
@settings(max_examples=300, deadline=None)
def test_whole_tables_answer_as_row_by_row_reasoning_does(tree):
    """The arrays and plain Python with None for unknown agree on every row."""
    text, reason = tree
    names = ("speed_kmh", "delay_s", "battery_percent", "state", "route_id", "safety_operator", "zones")
    rows = [SimpleNamespace(**{n: SOME_ROWS[n][i] for n in names}) for i in range(len(SOME_ROWS))]
    expected = "".join({True: "t", False: "f", None: "?"}[reason(r)] for r in rows)

    assert ask(text, SOME_ROWS) == expected


# How fast it is

TWENTY = [
    'vehicle_type == "robot" and speed_kmh == 0 and state == "working"',
    'vehicle_type == "robot" and battery_percent < "15 %" and state != "charging"',
    'state == "needs_help"',
    'vehicle_type == "shuttle" and signal_rsrp_dbm < "-115 dBm"',
    'vehicle_type == "bus" and delay_s > "10 min"',
    'vehicle_type == "bus" and delay_s < -120',
    'vehicle_type == "drone" and height_m > "400 ft"',
    'vehicle_type == "drone" and conformance in ("outside", "too_high")',
    'vehicle_type == "shuttle" and not safety_operator and drive_mode == "autonomous"',
    'speed_kmh > "30 mph" and vehicle_type != "bus"',
    'signal_rsrp_dbm - expected_rsrp_dbm < "-20 dB"',
    'cell_state == "down" and vehicle_type == "shuttle" and speed_kmh < 1',
    'age_s > "2 min"',
    'state in ("out_of_contact", "unknown") and vehicle_type == "robot"',
    'passengers > 20 and vehicle_type == "shuttle"',
    "accuracy_m > 50 or latitude < 51",
    'inside("Stadium") and vehicle_type == "drone"',
    'hour_of_day >= 22 and vehicle_type == "scooter" and speed_kmh > 5',
    'starts_with(route_id, "X") and delay_s > 300',
    'not known(battery_percent) and vehicle_type == "robot"',
]


def build_vehicles(size: int, seed: int) -> Table:
    random = np.random.default_rng(seed)

    def some(values):
        return random.choice(np.array(values, dtype=object), size)

    return Table.of(
        VEHICLE,
        {
            "vehicle_key": np.array([f"v{i}" for i in range(size)], dtype=object),
            "vehicle_type": some(["robot", "shuttle", "bus", "drone", "scooter"]),
            "state": some(VEHICLE_STATES),
            "drive_mode": some(["autonomous", "manual", None]),
            "conformance": some(["inside", "outside", None]),
            "cell_state": some(["up", "down", None]),
            "safety_operator": some([True, False, None]),
            "zones": some([None, "", "Stadium", "Stadium; Park"]),
            "route_id": some([f"X{i}" for i in range(60)]),
            "observed_at": np.full(size, np.datetime64("2026-03-02T11:59:00", "ms")),
            **{
                name: np.where(random.random(size) < 0.1, np.nan, random.normal(20, 30, size))
                for name in (
                    *("speed_kmh", "battery_percent", "signal_rsrp_dbm", "expected_rsrp_dbm", "delay_s", "height_m"),
                    *("passengers", "accuracy_m", "latitude"),
                )
            },
        },
    )


def test_twenty_conditions_on_ten_thousand_rows_take_less_than_ten_milliseconds():
    """Every step with all columns new. Counted in processor time, the best of seven: other work shares the machine."""
    conditions = [compile_condition(text, VEHICLE.by_name) for text in TWENTY]
    memory = Memory(LONDON)
    took = []
    for seed in range(7):
        rows = build_vehicles(10_000, seed)
        began = time.thread_time()
        view = memory.look(rows, rows.keys, NOON + timedelta(seconds=seed))
        raised = sum(int(c.evaluate(view).true.sum()) for c in conditions)
        took.append(time.thread_time() - began)
        assert raised > 1000

    assert min(took) < 0.010, f"{min(took) * 1000:.1f} ms"
