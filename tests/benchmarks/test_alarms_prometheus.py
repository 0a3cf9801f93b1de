"""The alarm benchmarks in their short form, with limits several times the bars: an alarm, not a measurement."""

from __future__ import annotations

import shutil

import pytest

from tests.benchmarks import alarms_flood, alarms_prometheus

pytestmark = pytest.mark.slow


def test_the_engine_is_many_times_as_fast_as_prometheus():
    """Steps stay short in any case; where Prometheus is installed it takes many times as long in the same run."""
    found = alarms_prometheus.measure(short=True)

    assert found["alarm_wall_quiet_ms"] <= 60
    assert found["alarm_wall_journalled_ms"] <= 800
    if shutil.which("prometheus"):
        assert found["alarm_of_prometheus"] >= 25
        assert found["alarm_journalled_of_prometheus"] >= 4


def test_a_flood_of_ten_thousand_is_taken_and_the_highest_after_it_is_called():
    """The work of a flood stays within seconds of processor time, and what comes after it does not wait long."""
    found = alarms_flood.measure(short=True)

    assert found["alarm_flood_cpu_s"] <= 6
    assert found["alarm_after_flood_s"] <= 12
