"""Routes are drawn over the city's own roads, and named by where they go."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from feeds.sandbox.network import build_roads, read_ground
from feeds.sandbox.routes import build_routes


def test_roads_that_cross_meet_in_a_roundabout():
    """Two crossing roads share a node; one that ends just short of another is led on to it; parallels stay apart."""
    roads = build_roads(
        {
            "H1": [(0.0, 0.0), (2000.0, 0.0)],
            "H2": [(0.0, 1000.0), (2000.0, 1000.0)],
            "V1": [(500.0, -500.0), (500.0, 1500.0)],
            "V2": [(1500.0, 200.0), (1500.0, 1500.0)],
        },
        {},
    )
    spots = {tuple(round(m) for m in roads.graph.spots[n]) for n in roads.roundabouts}

    assert spots == {(500, 0), (500, 1000), (1500, 1000), (1500, 0)}


@pytest.mark.parametrize("seed", [1, 2, 7, 99])
def test_every_seed_makes_twelve_sensible_routes(folder, seed):
    """Routes are 6 to 16 km, follow joined roads without doubling back, and every other one starts in the middle."""
    ground = read_ground(folder, seed)
    routes = build_routes(ground, seed)
    middle = [r for r in routes if r.ends[0] == "Central Milton Keynes"]

    assert [r.number for r in routes] == [str(n) for n in range(1, 13)]
    assert len({r.name for r in routes}) == 12
    assert len(middle) >= 5
    for route in routes:
        length_m = sum(math.dist(a, b) for a, b in pairwise(route.line))
        assert 6_000 <= length_m <= 16_000
        assert len(set(route.line)) == len(route.line)
        assert route.name == " – ".join(route.ends)


def test_stops_lie_along_both_ways(city):
    """Stops are some 400 to 600 m apart, each way has its own, and roundabouts lie between."""
    gaps = []
    for route in city.routes:
        out, back = route.points
        length_m = out[-1].along_m
        stops = [[p for p in way if p.stop] for way in route.points]
        gaps += [b.along_m - a.along_m for way in stops for a, b in pairwise(way)]

        assert back[-1].along_m == pytest.approx(length_m)
        assert len(stops[0]) == len(stops[1]) >= 8
        inner = [{p.stop.stop_id for p in way[1:-1]} for way in stops]
        assert not inner[0] & inner[1]
        assert any(p.stop is None for p in out)
    gaps.sort()

    assert 380 < gaps[len(gaps) // 2] < 620
    assert gaps[0] > 100
    assert gaps[int(len(gaps) * 0.95)] < 900


def test_routes_share_the_stops_they_pass(city):
    """Two routes on one road in one direction call at the same stops."""
    calls = [
        {p.stop.stop_id for p in way if p.stop and not p.stop.is_terminus} for r in city.routes for way in r.points
    ]
    shared = sum(bool(a & b) for i, a in enumerate(calls) for b in calls[i + 1 :])

    assert shared >= 10
