"""The feeds strip: whether to believe the rest of the screen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from control_room.model import FeedHealth
from layouts.panels.feeds import CELLS, arrange, build_feeds, summarise
from layouts.parts.age import coarse
from tests.layouts.cases import NOW, find_all, view_of, words

HEALTH = FeedHealth("buses", "Buses", "Operator", "gtfs_realtime", 10, 30, 90)
GOOD = HEALTH.changed(succeeded_at=NOW - timedelta(seconds=4), observed_at=NOW - timedelta(seconds=9), rows=84)


@pytest.mark.parametrize(
    ("health", "state", "text"),
    [
        (HEALTH, "waiting", "Buses waiting for a first answer"),
        (GOOD, "fresh", "Buses fresh"),
        (GOOD.changed(observed_at=None, rows=0), "fresh", "Buses fresh"),
        (GOOD.changed(observed_at=NOW - timedelta(seconds=40)), "ageing", "Buses ageing"),
        (GOOD.changed(observed_at=NOW - timedelta(seconds=91)), "stale", "Buses stale · answered ago, nothing new"),
        (GOOD.changed(observed_at=None), "unknown", "Buses age not known"),
        (GOOD.changed(failures=3, reason="timeout", detail="no answer within 10 s"), "failing", "Buses failing · no answer in time · 3 polls failed · no answer within 10 s"),
        (GOOD.changed(rejects={"bad_position": 5, "no_id": 2}, offending={"bad_position": "latitude 91"}), "fresh", "Buses 7 rejected: bad position (latitude 91)"),
        (GOOD.changed(failures=1, reason="not_xml", rejects={"no_id": 2}), "failing", "Buses failing · answer is not XML · 2 rejected: no id"),
    ],
    ids=["waiting", "fresh", "empty", "ageing", "stale", "unknown", "failing", "rejects", "failing and rejects"],
)  # fmt: skip
def test_each_state_has_its_shape_and_its_word(health, state, text):
    """State is told by a symbol and a word, never by colour alone; faults come with their reason."""
    panel = build_feeds(view_of(healths=(health,)))
    (item,) = find_all(panel, "feed")

    assert find_all(item, f"symbol-{state}")
    assert find_all(panel, f"is-{state}") == [item]
    assert words(item) == text


def test_a_failing_feed_still_shows_the_age_of_what_it_last_brought():
    """The last good rows stay, and so does their age."""
    panel = build_feeds(view_of(healths=(GOOD.changed(failures=1, reason="timeout"),)))

    (newest,) = find_all(panel, "age")
    assert int(newest.to_plotly_json()["props"]["data-since"]) <= (NOW.timestamp() - 9) * 1000


def city_of(states: str) -> list[FeedHealth]:
    """Feeds in these states, one a letter: f(resh), r(ejects some), a(geing), s(tale), u(nknown), w(aiting), x (failing)."""
    made = {
        "f": GOOD,
        "r": GOOD.changed(rejects={"no_id": 1}),
        "a": GOOD.changed(observed_at=NOW - timedelta(seconds=40)),
        "s": GOOD.changed(observed_at=NOW - timedelta(seconds=300)),
        "u": GOOD.changed(observed_at=None),
        "w": HEALTH,
        "x": GOOD.changed(failures=2, reason="refused"),
    }
    return [made[letter].changed(feed=f"{n}{letter}", title=f"Feed {n}") for n, letter in enumerate(states)]


def show(states: str) -> str:
    """The strip as text: each feed's letter and cells, then how many are left."""
    healths = city_of(states)
    items = arrange([(h, h.state(NOW)) for h in healths])
    left = len(healths) - len(items)
    return " ".join(f"{i.health.feed[-1]}{i.cells}" for i in items) + (f" +{left}" if left else "")


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ("f", "f1"),
        ("fsf", "s4 f1 f1"),
        ("wfauxrf", "x4 u2 a2 w2 r2 f1 f1"),
        ("f" * 18 + "xs", "x4 s4" + " f1" * 18),
        ("x" * 20, "x2 " * 15 + "+5"),
        ("f" * 33, "f1 " * 30 + "+3"),
        ("f" * 36 + "xxsa", "x2 x2 s2 a2 " + "f1 " * 22 + "+14"),
    ],
    ids=["one", "three", "every state", "twenty", "all twenty failing", "one too many", "forty"],
)
def test_what_is_wrong_stands_first_and_the_rest_finds_room_or_is_counted(states, shown):
    """Two lines for the wrong while all fit, then one; those that are well are the first to be only counted."""
    assert show(states) == shown


@pytest.mark.parametrize("states", ["f", "fffff", "f" * 20, "x" * 20, "s" * 40, "f" * 40, "fxsuawr" * 8])
def test_the_strip_never_needs_more_cells_than_it_has(states):
    """And every feed is either shown or counted."""
    healths = city_of(states)
    items = arrange([(h, h.state(NOW)) for h in healths])
    left = len(healths) - len(items)
    panel = build_feeds(view_of(healths=tuple(healths)))

    assert sum(i.cells for i in items) + (2 if left else 0) <= CELLS
    assert len(find_all(panel, "feed")) == len(items) + (1 if left else 0)
    assert (f"and {left} more" in words(panel)) == (left > 0)


def test_the_summary_counts_every_state():
    """Worst first, so the line can be read from its beginning."""
    assert summarise(["fresh"]) == "1 feed: 1 fresh"
    assert summarise(["fresh"] * 5) == "5 feeds, all fresh"
    assert (
        summarise(["fresh", "stale", "failing", "unknown"]) == "4 feeds: 1 failing, 1 stale, 1 of unknown age, 1 fresh"
    )


def test_feeds_that_are_only_counted_still_count_for_the_oldest_age():
    """What the header calls the oldest feed may be one of those without a cell."""
    healths = city_of("f" * 40)
    healths[39] = healths[39].changed(observed_at=NOW - timedelta(seconds=29))
    (left,) = find_all(build_feeds(view_of(healths=tuple(healths))), "feed-left")

    (oldest,) = find_all(left, "age")
    assert oldest.to_plotly_json()["props"]["data-worst"] == "1"
    assert int(oldest.to_plotly_json()["props"]["data-since"]) <= (NOW.timestamp() - 29) * 1000


@pytest.mark.parametrize(
    ("stale_after_s", "age_s", "counts"),
    [(90, 9, True), (90, 300, True), (30 * 86400, 3 * 86400, False), (30 * 86400, 40 * 86400, True)],
    ids=["live and well", "live and stale", "slow and well", "slow and stale"],
)
def test_a_slow_feed_counts_as_the_oldest_only_when_it_is_late(stale_after_s, age_s, counts):
    """Three days are no worry in what comes by the month, and must not hide a bus feed that is a minute late."""
    health = GOOD.changed(
        ageing_after_s=stale_after_s / 3, stale_after_s=stale_after_s, observed_at=NOW - timedelta(seconds=age_s)
    )
    (newest,) = find_all(build_feeds(view_of(healths=(health,))), "feed-head")[0].children[2:][1:] or [None]

    assert ("data-worst" in newest.to_plotly_json()["props"]) == counts


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
