"""Points by hexagon: each in the one whose middle is nearest, none lost, and the same one whatever else there is."""

from __future__ import annotations

import numpy as np

from control_room.honeycomb import ROUND_THE_EARTH_M, gather_hexagons

NEAR = 52.04
ACROSS_M = 350.0


def plane_m(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Places on the Mercator plane in metres of that latitude, by the formula of the textbook."""
    scale = ROUND_THE_EARTH_M * np.cos(np.radians(NEAR)) / (2 * np.pi)
    return scale * np.column_stack([np.radians(longitude), np.log(np.tan(np.pi / 4 + np.radians(latitude) / 2))])


def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(11)
    return random.uniform(51.96, 52.12, count), random.uniform(-0.90, -0.60, count)


def test_every_point_is_in_the_hexagon_whose_middle_is_nearest():
    """Against all middles, one by one; and never farther from it than a corner is."""
    latitude, longitude = draw(3000)

    found = gather_hexagons(latitude, longitude, ACROSS_M, NEAR)

    points, middles = plane_m(latitude, longitude), plane_m(found.latitude, found.longitude)
    away = np.linalg.norm(points[:, None] - middles[None], axis=2)
    own = away[np.arange(len(points)), found.inside]
    assert (own <= away.min(axis=1) + 1e-3).all()
    assert own.max() <= ACROSS_M / np.sqrt(3) + 0.01
    assert found.counts.tolist() == np.bincount(found.inside).tolist() and found.counts.sum() == 3000
    assert (found.inside[found.first] == np.arange(len(found.counts))).all()


def test_middles_of_neighbours_are_as_far_apart_as_a_hexagon_is_wide():
    """Six of them, each 350 m off; the corners are those of such a hexagon."""
    found = gather_hexagons(*draw(20_000), ACROSS_M, NEAR)

    middles = plane_m(found.latitude, found.longitude)
    inner = int(np.argmin(np.linalg.norm(middles - middles.mean(axis=0), axis=1)))
    nearest = np.sort(np.linalg.norm(middles - middles[inner], axis=1))[1:8]
    assert np.allclose(nearest[:6], ACROSS_M, atol=0.01) and nearest[6] > 1.7 * ACROSS_M
    corners = plane_m(found.corners[:, 1], found.corners[:, 0])
    assert np.allclose(np.linalg.norm(corners - corners.mean(axis=0), axis=1), ACROSS_M / np.sqrt(3), atol=0.01)


def test_a_point_stays_in_its_hexagon_whatever_else_there_is():
    """Alone or among thousands."""
    latitude, longitude = draw(500)
    all_of_them = gather_hexagons(latitude, longitude, ACROSS_M, NEAR)

    alone = gather_hexagons(latitude[:1], longitude[:1], ACROSS_M, NEAR)

    place = all_of_them.inside[0]
    assert (alone.latitude[0], alone.longitude[0]) == (all_of_them.latitude[place], all_of_them.longitude[place])


def test_no_point_is_no_hexagon():
    """And no error; the corners are there all the same."""
    found = gather_hexagons(np.zeros(0), np.zeros(0), ACROSS_M, NEAR)

    assert (len(found.counts), len(found.inside), found.corners.shape) == (0, 0, (6, 2))
