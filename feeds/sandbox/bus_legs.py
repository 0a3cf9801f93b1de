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


def solve_crawl(length_m: Floats, enter_ms: Floats, leave_ms: Floats, cruise_ms: Floats, wanted_s: Floats) -> Floats:
    """Cruising speeds at which these legs take that long.

    Args:
        cruise_ms: at which they take less.
        wanted_s: longer than that; a leg that cannot be so slow gets the slowest there is.
    """
    low, high = np.full(length_m.shape, _SLOWEST_MS), cruise_ms
    # Halved until there is nothing left to halve.
    for _ in range(60):
        middle = (low + high) / 2
        too_slow = leg_s(length_m, enter_ms, leave_ms, middle) > wanted_s
        low, high = np.where(too_slow, middle, low), np.where(too_slow, high, middle)
    return high


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
