"""Seeded days of faults, restarts and set clocks: the engine and a slow reference agree at every step.

Ten thousand of them: `make soak-alarms`.
"""

from __future__ import annotations

from collections import Counter

import pytest
import structlog

from tests.alerts.simulated_day import Day

STEPS = 40
DAYS_A_TEST = 20


@pytest.mark.parametrize("first", range(0, 200, DAYS_A_TEST))
def test_no_alarm_is_lost_doubled_or_early(first):
    """Whatever happens to rows, feeds, clock, journal and process, every event and every alarm is as agreed."""
    counts: Counter[str] = Counter()
    with structlog.testing.capture_logs():
        for seed in range(first, first + DAYS_A_TEST):
            day = Day(seed)
            try:
                day.run(STEPS)
            except AssertionError as fault:
                raise AssertionError(f"seed {seed}: {fault}") from fault
            counts.update(day.counts)

    # A simulation in which nothing happens proves nothing.
    for what in ("raised", "cleared", "resumed", "no_data", "suppressed", "clock_stepped", "restarts", "escalated"):
        assert counts[what] > 0, f"no {what} in {DAYS_A_TEST} days: {counts}"
