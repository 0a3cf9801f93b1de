"""The kiosk's soak in a short, generous form: an alarm when something grows fast, not a measurement."""

from __future__ import annotations

import pytest

from tests.benchmarks.experience_soak import SHORT_PACE, measure_page
from tests.benchmarks.page import has_browser

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.skipif(not has_browser(), reason="no Chromium here")
def test_a_page_left_open_for_weeks_does_not_grow():
    """Over 600 states at sixty a second, heap, worker and nodes stay as they were (make soak-experience: thirty days)."""
    found = measure_page(600, samples=3, most=SHORT_PACE)

    assert found["experience_nodes_growth"] <= 20
    assert found["experience_heap_growth_percent"] <= 15
    assert found["experience_worker_growth_percent"] <= 25
    assert found["experience_facts_seen"] >= 9
