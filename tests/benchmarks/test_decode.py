"""Reading a GTFS-Realtime answer, in a short form; alone, for a ratio of times beside other work says little."""

from __future__ import annotations

import pytest

from tests.benchmarks.bench_decode import BAR_OF_BARE, BAR_OF_CLASSIC, measure

pytestmark = pytest.mark.slow


def test_an_answer_is_read_nearly_as_fast_as_a_bare_loop_and_many_times_as_fast_as_the_usual_way():
    """5,000 vehicles, checked and cleaned; a little looser than the bars, as machines differ."""
    figures = measure(rounds=11)

    assert figures["of_bare"] > BAR_OF_BARE / 1.2
    assert figures["of_classic"] > BAR_OF_CLASSIC / 2
