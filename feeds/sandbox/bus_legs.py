"""How a bus gets along a leg: it changes to its cruising speed, keeps it, and changes to the speed it leaves with.

A leg leads from one timetable point to the next. The cruising speed is mostly
above the speeds at the ends; at road works it is below them, a crawl. Arrays
throughout: metres, m/s, seconds.
"""

from __future__ import annotations

import numpy as np

from feeds.sandbox.lots import Floats

ACCELERATION = 1.0  # m/s², comfortable for people standing
# Slower than any queue: where a crawl is sought.
_SLOWEST_MS = 0.1


def leg_s(length_m: Floats, enter_ms: Floats, leave_ms: Floats, cruise_ms: Floats) -> Floats:
    """Seconds for legs of that length, where the changes of speed fit into it."""
    changing_s = (np.abs(cruise_ms - enter_ms) + np.abs(cruise_ms - leave_ms)) / ACCELERATION
    changing_m = _changing_m(enter_ms, cruise_ms) + _changing_m(leave_ms, cruise_ms)
    took: Floats = changing_s + np.maximum(length_m - changing_m, 0.0) / np.maximum(cruise_ms, _SLOWEST_MS)
    return took


def running_s(along_m: Floats, pass_ms: Floats, cruise_ms: Floats) -> tuple[Floats, Floats]:
    """Seconds to each point from the one before, and the cruising speeds that the distance allows.

    Args:
        along_m, pass_ms, cruise_ms: [trips, points]: where the points are, how
            fast the bus is there at most, how fast it would go to the next.
    """
    length = np.diff(along_m, axis=1)
    v0, v1 = pass_ms[:, :-1], pass_ms[:, 1:]
    reach = np.sqrt(np.maximum(ACCELERATION * length + (v0 * v0 + v1 * v1) / 2, 0.01))
    vc = np.maximum(np.minimum(cruise_ms[:, :-1], reach), np.maximum(v0, v1))
    run = np.where(length > 0, leg_s(length, v0, v1, vc), 0.0)
    zero = np.zeros((len(run), 1))
    return np.hstack((zero, run)), np.hstack((vc, zero + 1.0))


def solve_crawl(length_m: Floats, enter_ms: Floats, leave_ms: Floats, wanted_s: Floats) -> Floats:
    """Cruising speeds at which these legs take that long: `leg_s` turned round.

    Args:
        wanted_s: longer than the leg takes at best. A leg that is too short to be so slow gets the slowest there is.
    """
    a, low, high = ACCELERATION, np.minimum(enter_ms, leave_ms), np.maximum(enter_ms, leave_ms)
    changing_m = (enter_ms * enter_ms + leave_ms * leave_ms) / (2 * a)
    # The seconds are a quadratic over the speed where that is above both ends, linear between them, and another
    # quadratic below both; its roots are written so that nothing is lost by taking like from like.
    above_b = a * wanted_s + enter_ms + leave_ms
    above_m = length_m + changing_m
    above = 2 * a * above_m / (above_b + np.sqrt(np.maximum(above_b * above_b - 4 * a * above_m, 0.0)))
    between = (length_m - _changing_m(high, low)) / (wanted_s - (high - low) / a)
    below_b = a * wanted_s - enter_ms - leave_ms
    below_m = np.maximum(length_m - changing_m, 0.0)
    below = 2 * a * below_m / (below_b + np.sqrt(below_b * below_b + 4 * a * below_m))
    return np.maximum(np.where(above >= high, above, np.where(between >= low, between, below)), _SLOWEST_MS)


def progress(
    length_m: Floats, enter_ms: Floats, leave_ms: Floats, cruise_ms: Floats, since_s: Floats
) -> tuple[Floats, Floats]:
    """Share of the leg that is done (0 to 1) that long after its start, and shares a second."""
    first, last = np.copysign(ACCELERATION, cruise_ms - enter_ms), np.copysign(ACCELERATION, leave_ms - cruise_ms)
    first_s, last_s = (cruise_ms - enter_ms) / first, (leave_ms - cruise_ms) / last
    changing_m = _changing_m(enter_ms, cruise_ms) + _changing_m(leave_ms, cruise_ms)
    level_s = np.maximum(length_m - changing_m, 0.0) / cruise_ms
    t = np.maximum(since_s, 0.0)
    a = np.minimum(t, first_s)
    b = np.clip(t - first_s, 0.0, level_s)
    c = np.clip(t - first_s - level_s, 0.0, last_s)
    moved = enter_ms * a + first * a * a / 2 + cruise_ms * (b + c) + last * c * c / 2
    speed = np.where(t < first_s, enter_ms + first * a, np.where(c > 0, cruise_ms + last * c, cruise_ms))
    return np.minimum(moved / length_m, 1.0), speed / length_m


def _changing_m(end_ms: Floats, cruise_ms: Floats) -> Floats:
    """Metres for the change between those speeds, either way."""
    changing: Floats = np.abs(cruise_ms * cruise_ms - end_ms * end_ms) / (2 * ACCELERATION)
    return changing
