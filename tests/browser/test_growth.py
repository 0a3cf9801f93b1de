"""Pages left open, in a short and generous form: an alarm when something grows fast, not a measurement.

Heaps and nodes are counted after collection, so what else the machine does changes nothing; `make soak` and
`make soak-experience` measure.
"""

from __future__ import annotations

import pytest

from tests.benchmarks import experience_soak, soak
from tests.benchmarks.page import has_browser

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.skipif(not has_browser(), reason="no Chromium here")
def test_a_wall_left_open_does_not_grow():
    """Over 600 updates at fifty a second, heap and nodes after collection stay as they were."""
    found = soak.measure_page(updates=600, samples=3)

    assert found["soak_updates"] >= 600
    assert found["heap_growth_percent"] <= 15
    assert found["nodes_growth"] <= 50


@pytest.mark.skipif(not has_browser(), reason="no Chromium here")
def test_a_kiosk_left_open_for_weeks_does_not_grow():
    """Over 900 states at sixty a second, heap, worker and nodes stay as they were."""
    found = experience_soak.measure_page(900, samples=3, most=experience_soak.SHORT_PACE)

    assert found["experience_nodes_growth"] <= 20
    assert found["experience_heap_growth_percent"] <= 15
    assert found["experience_worker_growth_percent"] <= 25
    assert found["experience_facts_seen"] >= 9
