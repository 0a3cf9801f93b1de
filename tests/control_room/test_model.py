"""Tables hold what the dictionary says and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from control_room.dictionary import describe_dictionary
from control_room.model import KINDS, PUBLIC, STAFF, TRIP, VEHICLE, Table, to_ms
from control_room.settings import SETTINGS, SettingError, describe_settings, read_settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_missing_zero_and_unknown_differ():
    """None goes in and comes out as None; 0 stays 0; unfilled columns read as unknown."""
    table = Table.of(VEHICLE, {"vehicle_key": ["a", "b"], "speed_kmh": [0.0, None], "observed_at": [None, None]})

    records = table.to_records()

    assert [r["speed_kmh"] for r in records] == [0.0, None]
    assert [r["observed_at"] for r in records] == [None, None]
    assert np.isnan(table["battery_percent"]).all()
    assert table["label"].tolist() == [None, None]


def test_times_leave_as_iso_utc():
    """Whole seconds without a fraction, milliseconds with one, always Z."""
    times = [datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, 0, 250_000, tzinfo=UTC)]
    table = Table.of(TRIP, {"trip_key": ["a", "b"], "observed_at": times})

    assert [r["observed_at"] for r in table.to_records()] == ["2026-03-29T01:30:00Z", "2026-03-29T01:30:00.250Z"]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"vehicle_key": ["a"], "speed_mph": [3]}, "no column 'speed_mph'"),
        ({"vehicle_key": ["a"], "speed_kmh": [1.0, 2.0]}, "2 values, its key has 1"),
        ({"vehicle_key": ["a"], "speed_kmh": ["fast"]}, "could not convert"),
    ],
)
def test_a_table_refuses_what_the_dictionary_does_not_know(columns, says):
    """Unknown column, wrong length and wrong type fail where they are made."""
    with pytest.raises(ValueError, match=says):
        Table.of(VEHICLE, columns)


def test_naive_times_are_refused():
    """A time without a zone is a guess."""
    with pytest.raises(ValueError, match="no zone"):
        to_ms(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_the_public_sees_no_identifiers():
    """Public columns of a vehicle are where, what and how, never which."""
    public = {c.name for c in VEHICLE.columns_for([PUBLIC])}
    staff = {c.name for c in VEHICLE.columns_for([STAFF])}

    assert not public & {"vehicle_id", "vehicle_key", "label", "trip_id", "operator", "feed"}
    assert public < staff


def test_every_column_says_unit_or_needs_none():
    """A number without a unit is a riddle."""
    bare = [f"{k.name}.{c.name}" for k in KINDS.values() for c in k.columns if c.type == "number" and not c.unit]

    assert bare == []


def test_the_dictionary_page_is_current():
    """`make docs` was run after the last change of model.py."""
    assert (DOCS / "data-dictionary.md").read_text(encoding="utf-8") == describe_dictionary()


def test_the_settings_page_is_current():
    """`make docs` was run after the last change of settings.py."""
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == describe_settings()


def test_command_line_wins_over_environment_over_default():
    """The order the settings page promises."""
    environment = {"CONTROL_ROOM_PORT": "9000", "CONTROL_ROOM_RECORD": "yes"}

    assert read_settings({}, {})["port"] == 8050
    assert read_settings({}, environment)["port"] == 9000
    assert read_settings({"port": 7000}, environment)["port"] == 7000
    assert read_settings({}, environment)["record"] is True


def test_a_wrong_setting_says_which_and_what_it_takes():
    """The text names flag, variable, value and type."""
    port = next(s for s in SETTINGS if s.name == "port")

    with pytest.raises(SettingError, match=r"--port / CONTROL_ROOM_PORT: 'eighty' .* takes int"):
        port.read("eighty")
