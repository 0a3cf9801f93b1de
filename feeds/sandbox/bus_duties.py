"""What becomes of a bus's rounds when works hold it up: late starts, and rounds that are not run.

A bus that comes back late leaves late; its layovers make some of it good. One
that would leave much too late sits its round out and is on time again: that
round is missing from the timetable. Every eighth round, another for each bus,
is the operator's chance to put things right: a bus that is late at all sits out
that round, and the next if need be. So what was eight rounds ago never matters,
and lateness can be reckoned from there in any process, whatever was asked before.

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
SITS_OUT_S = 900.0
# Below this a bus is not late: no round is missed for a rounding error.
_NOTICED_S = 1.0
# Both rounds before the operator's reckoning begins anew.
_PUT_RIGHT_TRIPS = 4


@dataclass(frozen=True)
class Duties:
    """What became of eight rounds of some buses; arrays [buses, 2 * ROUNDS], a column a trip.

    Attributes:
        first_trip: of each bus, the trip of the first column.
        ready_s: from when the bus is free to leave on that trip; -inf in the first column.
        sits_out: the trip's round is not run because the bus came back too late for it.
    """

    first_trip: Ints
    ready_s: Floats
    sits_out: Flags


def work_out_duties(
    first_trip: Ints,
    scheduled_s: Callable[[Ints], Floats],
    is_resting: Callable[[Ints], Flags],
    ends_s: Callable[[Ints, Floats], Floats],
) -> Duties:
    """The duties of some buses from their first trip on, which each of them starts on time.

    Args:
        first_trip: even, one a bus.
        scheduled_s: trips -> when they start by the timetable.
        is_resting: trips -> whether they are not run anyway.
        ends_s: trips, and from when their buses are free to leave -> when they are at their end.
    """
    count = 2 * ROUNDS
    ready = np.full((len(first_trip), count), -np.inf)
    sits = np.zeros((len(first_trip), count), dtype=bool)
    for n in range(count):
        trip = first_trip + n
        scheduled = scheduled_s(trip)
        if n % 2 == 0:
            limit_s = SITS_OUT_S if n < count - _PUT_RIGHT_TRIPS else _NOTICED_S
            sits[:, n : n + 2] = (ready[:, n] - scheduled > limit_s)[:, None]
        if n + 1 == count:
            break
        rests = is_resting(trip) | sits[:, n]
        free = np.where(rests, np.maximum(scheduled, ready[:, n]), ends_s(trip, ready[:, n]) + LEAST_LAYOVER_S)
        ready[:, n + 1] = free
    return Duties(first_trip, ready, sits)


def leaves_s(scheduled_s: Floats, ready_s: Floats) -> Floats:
    """When a trip's time begins: as scheduled, or when its bus is there."""
    made: Floats = np.where(ready_s > scheduled_s + _NOTICED_S, ready_s, scheduled_s)
    return made
