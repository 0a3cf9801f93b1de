"""Shuttles are slow where there is no signal, on the ground's holes and where a mast is down, and slow in snow."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from feeds import gtfs_realtime
from feeds.feed import Feed
from feeds.sandbox.city import View
from feeds.sandbox.happenings import HOLES, Happenings, in_hole, metres
from feeds.sandbox.overlay import Outage, Overlay, Slowdown
from feeds.sandbox.shuttle_movement import (
    CRUISE_M_S,
    HANDOVER_S,
    HOLE_M_S,
    SHUTTLES,
    Shuttle,
    lap_s,
    shuttles_at,
)
from feeds.sandbox.twins import Asked
from feeds.sandbox.twins.shuttles import build_positions
from tests.feeds.sandbox.changed import happening

MAST = (52.0409, -0.7600)
RADIUS_M = 450.0
# A second of traffic that makes good what it lost is a twentieth longer.
FASTEST_M_S = CRUISE_M_S * 1.05


def outage(starts_s: int, ends_s: int) -> Outage:
    return Outage(starts_s, ends_s, "Central Milton Keynes", *MAST, RADIUS_M)


def place(shuttle: Shuttle) -> tuple[float, float]:
    return shuttle.latitude, shuttle.longitude


def is_at_an_edge(shuttle: Shuttle) -> bool:
    """Within a second's way of the border of a hole: its speed is that of the whole second."""
    return any(
        abs(metres(*place(shuttle), hole.latitude, hole.longitude) - hole.radius_m) < CRUISE_M_S for hole in HOLES
    )


def farthest_leap_m(happenings: Happenings, since_s: int, until_s: int) -> float:
    before = shuttles_at(happenings, since_s)
    worst = 0.0
    for moment_s in range(since_s + 1, until_s):
        now = shuttles_at(happenings, moment_s)
        worst = max(worst, *(metres(*place(a), *place(b)) for a, b in zip(before, now, strict=True)))
        before = now
    return worst


def test_a_shuttle_without_signal_is_slow_or_stands(morning_s):
    """Whatever its hole comes from: in it a shuttle goes at a crawl, hands over first, and names no cell."""
    span = (morning_s, morning_s + 3_600)
    happenings = Happenings(7, Overlay(outages=(outage(*span),)))
    states: dict[bool, Counter] = {True: Counter(), False: Counter()}
    for moment_s in range(*span, 2):
        for shuttle in shuttles_at(happenings, moment_s):
            down = metres(*place(shuttle), *MAST) < RADIUS_M
            if down or in_hole(*place(shuttle)):
                states[down][shuttle.state] += 1
                assert shuttle.cell_id is None
                assert shuttle.speed_m_s in (0.0, HOLE_M_S)
            else:
                assert shuttle.speed_m_s in (0.0, CRUISE_M_S) or is_at_an_edge(shuttle)

    for kind in states.values():
        assert kind["slowed"] > 50
        # Some passages, each with its handover.
        assert kind["stopped"] >= HANDOVER_S
        assert kind["inService"] == 0


def test_a_mast_that_is_down_makes_shuttles_late_for_good(morning_s):
    """Who went through its circle is minutes behind from then on; nobody is before it begins."""
    starts_s, ends_s = morning_s + 600, morning_s + 2_400
    usual, changed = Happenings(7), Happenings(7, Overlay(outages=(outage(starts_s, ends_s),)))
    for moment_s in (starts_s - 1_000, starts_s - 1, starts_s):
        assert [place(s) for s in shuttles_at(changed, moment_s)] == [place(s) for s in shuttles_at(usual, moment_s)]

    later = [place(s) for s in shuttles_at(changed, ends_s + 500)]
    lost_s = []
    for number in range(SHUTTLES):
        ahead = [metres(*place(shuttles_at(usual, ends_s + 500 - s)[number]), *later[number]) for s in range(lap_s())]
        lost_s.append(ahead.index(min(ahead)))
    assert max(lost_s) > 120
    # Much later still: lost times are whole seconds here but for a part of one.
    much_later = [place(s) for s in shuttles_at(changed, ends_s + 9_000)]
    for number, late_s in enumerate(lost_s):
        there = place(shuttles_at(usual, ends_s + 9_000 - late_s)[number])
        assert metres(*there, *much_later[number]) < CRUISE_M_S


@pytest.mark.parametrize("stopped_after_s", [None, 700, 1_001])
def test_no_shuttle_leaps(morning_s, stopped_after_s):
    """Through an outage, another upon it, snow, and an early end of it all: from second to second as far as it drives."""
    until_s = morning_s + 10_000 if stopped_after_s is None else morning_s + stopped_after_s
    overlay = Overlay(
        outages=tuple(
            outage(morning_s + a, min(morning_s + b, until_s))
            for a, b in ((300, 2_400), (900, 3_000), (4_000, 5_000))
            if morning_s + a < until_s
        ),
        slowdowns=(Slowdown(morning_s + 500, min(morning_s + 3_500, until_s), 0.5),),
    )
    happenings = Happenings(7, overlay)

    leap_m = farthest_leap_m(happenings, morning_s, morning_s + 5_400)

    # A hundredth of a millionth of a degree and the end of a lap that is no whole second.
    assert 5.0 < leap_m < FASTEST_M_S + 0.2


def test_an_early_end_changes_nothing_before_it(morning_s):
    """The second at which an outage is stopped is told alike before and after it was stopped."""
    stopped_s = morning_s + 1_357
    whole = Happenings(7, Overlay(outages=(outage(morning_s, morning_s + 3_000),)))
    cut = Happenings(7, Overlay(outages=(outage(morning_s, stopped_s),)))

    for moment_s in (morning_s + 400, stopped_s):
        assert [place(s) for s in shuttles_at(cut, moment_s)] == [place(s) for s in shuttles_at(whole, moment_s)]


def test_snow_slows_every_shuttle_as_the_adapter_reads_it(city, morning_s):
    """Speeds by GTFS-Realtime are the share of the usual ones, and fewer kilometres are driven."""
    feed = Feed(name="shuttles", title="S", adapter="gtfs_realtime", url="http://x", supplier="S", simulated=True)

    def look() -> tuple[set[float], float]:
        speeds, driven_m, before = set(), 0.0, {}
        for moment_s in range(morning_s + 100, morning_s + 1_900, 20):
            body = build_positions(city, View.plain(moment_s), Asked({}, {}, "http://x", "http://x"))
            assert isinstance(body, bytes)
            now = datetime.fromtimestamp(moment_s, UTC)
            [batch] = [
                b for b in gtfs_realtime.observe([gtfs_realtime.decode(body)], feed, now) if b.kind.name == "vehicle"
            ]
            for row in batch.table.to_records():
                here = row["latitude"], row["longitude"]
                speeds.add(round(row["speed_kmh"], 1))
                driven_m += metres(*here, *before.get(row["vehicle_id"], here))
                before[row["vehicle_id"]] = here
        return speeds, driven_m

    usual_speeds, usual_m = look()
    with happening(city, slowdowns=(Slowdown(morning_s, morning_s + 2_000, 0.6),)):
        slow_speeds, slow_m = look()

    assert max(usual_speeds) == pytest.approx(CRUISE_M_S * 3.6, abs=0.1)
    assert max(slow_speeds) == pytest.approx(CRUISE_M_S * 3.6 * 0.6, abs=0.1)
    assert slow_m < 0.75 * usual_m
