"""What becomes of a bus's rounds when works hold it up: late starts, and rounds that are not run.

A bus that comes back late leaves late; its layovers make some of it good. One
that would leave much too late sits its round out and is on time again: that
round is missing from the timetable. And every eighth round, another for each
bus, is the operator's chance to put things right: where works were on its route
since the last such round, the bus sits it out and is on time after it; where
none were, it is on time anyway. So what was before that round never matters, and
lateness can be reckoned from there in any process, whatever was asked before.

All times are the road's (`overlay.RoadClock`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from feeds.sandbox.lots import Floats, Ints
from feeds.sandbox.network import Flags

ROUNDS = 8
# Turn-round that even a late bus takes.
LEAST_LAYOVER_S = 45
# A round that would begin later than this is not run.
SITS_OUT_S = 600.0
# Below this a bus is not late: nothing is shown for a rounding error.
_NOTICED_S = 1.0


@dataclass(frozen=True)
class Duties:
    """What became of some buses' rounds, from one that puts things right to the next; arrays [buses, trips].

    Attributes:
        first_trip: of each bus, the trip of the first column, the first of a round that puts things right.
        ready_s: from when the bus is free to leave on that trip; -inf where nothing held it up.
        sits_out: the trip's round is not run for lateness, or to put things right.
    """

    first_trip: Ints
    ready_s: Floats
    sits_out: Flags


def most_held_s(half_s: Ints) -> Floats:
    """The most that works may cost a trip, so that a round at rest makes good whatever a bus is late by."""
    made: Floats = np.minimum(600.0, half_s - (SITS_OUT_S + 2 * LEAST_LAYOVER_S) / 2)
    return made


def work_out_duties(
    first_trip: Ints,
    puts_right: tuple[Flags, Flags],
    scheduled_s: Callable[[Ints], Floats],
    is_resting: Callable[[Ints], Flags],
    ends_s: Callable[[Ints, Floats], Floats],
) -> Duties:
    """The duties of some buses.

    Args:
        first_trip: even, one a bus.
        puts_right: whether the first and the last of these rounds is sat out.
        scheduled_s: trips -> when they start by the timetable.
        is_resting: trips -> whether they are not run anyway.
        ends_s: trips, and from when their buses are free to leave -> when they are at their end.
    """
    count = 2 * ROUNDS + 2
    ready = np.full((len(first_trip), count), -np.inf)
    sits = np.zeros((len(first_trip), count), dtype=bool)
    sits[:, :2], sits[:, -2:] = puts_right[0][:, None], puts_right[1][:, None]
    for n in range(count - 1):
        trip = first_trip + n
        scheduled = scheduled_s(trip)
        if n % 2 == 0 and 0 < n < count - 2:
            sits[:, n : n + 2] = (ready[:, n] - scheduled > SITS_OUT_S)[:, None]
        rests = is_resting(trip) | sits[:, n]
        free = np.where(rests, np.maximum(scheduled, ready[:, n]), ends_s(trip, ready[:, n]) + LEAST_LAYOVER_S)
        ready[:, n + 1] = np.where(puts_right[0], -np.inf, free) if n == 1 else free
    return Duties(first_trip, ready, sits)


def leaves_s(scheduled_s: Floats, ready_s: Floats) -> Floats:
    """When a trip's time begins: as scheduled, or when its bus is there."""
    made: Floats = np.where(ready_s > scheduled_s + _NOTICED_S, ready_s, scheduled_s)
    return made
