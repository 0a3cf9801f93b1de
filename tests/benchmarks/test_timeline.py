"""The timeline's bar in a short form: an alarm when seeking falls far, not a measurement."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.benchmarks.timeline import make_day, time_seeks

pytestmark = pytest.mark.slow


def test_any_moment_is_on_the_wire_soon(tmp_path):
    """5,000 vehicles and thirty panels of a random moment, from disk, on a machine that is busy with other things."""
    last = make_day(tmp_path, 1 / 12)
    took, weight = asyncio.run(time_seeks(tmp_path, last, 20))

    assert float(np.percentile(took, 95)) <= 1500
    assert weight <= 150_000
