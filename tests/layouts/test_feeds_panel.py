"""The feeds strip: whether to believe the rest of the screen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from control_room.model import FeedHealth
from layouts.panels.feeds import build_feeds
from layouts.parts.age import coarse
from tests.layouts.cases import NOW, find_all, view_of, words

HEALTH = FeedHealth("buses", "Buses", "Operator", "gtfs_realtime", 10, 30, 90)
GOOD = HEALTH.changed(succeeded_at=NOW - timedelta(seconds=4), observed_at=NOW - timedelta(seconds=9), rows=84)


@pytest.mark.parametrize(
    ("health", "state", "text"),
    [
        (HEALTH, "waiting", "Buses waiting for a first answer not answered yet Operator"),
        (GOOD, "fresh", "fresh · newest answered ago · 84 rows Operator"),
        (GOOD.changed(observed_at=NOW - timedelta(seconds=40)), "ageing", "ageing · newest"),
        (GOOD.changed(observed_at=NOW - timedelta(seconds=91)), "stale", "stale · newest"),
        (GOOD.changed(observed_at=None), "unknown", "age not known"),
        (GOOD.changed(failures=3, reason="timeout", detail="no answer within 10 s"), "failing", "no answer in time · 3 polls failed · no answer within 10 s"),
        (GOOD.changed(rows=1, rejects={"bad_position": 5, "no_id": 2}), "fresh", "1 row · 7 rejected: bad position"),
    ],
    ids=["waiting", "fresh", "ageing", "stale", "unknown", "failing", "rejects"],
)  # fmt: skip
def test_each_state_has_its_shape_and_its_word(health, state, text):
    """State is told by a symbol and a word, never by colour alone; faults come with their reason."""
    panel = build_feeds(view_of(healths=(health,)))

    assert find_all(panel, f"symbol-{state}")
    assert find_all(panel, f"is-{state}")
    assert text in words(panel)


def test_a_failing_feed_still_shows_the_age_of_what_it_last_brought():
    """The last good rows stay, and so does their age."""
    panel = build_feeds(view_of(healths=(GOOD.changed(failures=1, reason="timeout"),)))

    newest, answered = find_all(panel, "age")
    assert int(newest.to_plotly_json()["props"]["data-since"]) <= (NOW.timestamp() - 9) * 1000
    assert int(answered.to_plotly_json()["props"]["data-since"]) <= (NOW.timestamp() - 4) * 1000


def test_coarse_moments_overstate_an_age_by_less_than_the_step():
    """Rounding never makes data look younger than it is."""
    for seconds in (0.0, 0.4, 2.9, 3.0, 7.2):
        at = NOW + timedelta(seconds=seconds)
        rounded = coarse(at, 3.0)
        assert rounded is not None
        assert 0 <= (at - rounded).total_seconds() < 3.0
    assert coarse(None, 3.0) is None


def test_no_feed_is_said():
    """A dashboard without feeds says so."""
    assert words(build_feeds(view_of())) == "No feed is set up."
