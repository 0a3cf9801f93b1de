"""The alarm engine's step in its short form, with limits several times the bars."""

from __future__ import annotations

import pytest

from tests.benchmarks import alarm_step

pytestmark = pytest.mark.slow


def test_ten_thousand_rows_by_twenty_rules_are_judged_in_milliseconds():
    """Quiet, changing and flooded steps stay far below the second between two of them."""
    found = alarm_step.measure(short=True)

    assert found["alarm_quiet_ms"] <= 30
    assert found["alarm_changing_ms"] <= 200
    assert found["alarm_flood_ms"] <= 3000
