"""What was made of the very same objects is made once."""

from __future__ import annotations

import numpy as np

from control_room.nearby import list_near
from control_room.remember import remember


def test_the_same_objects_are_asked_once_and_others_anew():
    """Identity counts, not equality: an equal array made anew is another table."""
    asked = []

    def count(array):
        asked.append(array)
        return len(asked)

    first, second = np.zeros(3), np.zeros(3)
    told = [remember("test counts", count, a) for a in (first, first, second, first)]

    assert told == [1, 1, 2, 1]


def test_only_the_last_few_are_kept():
    """A table per second for a day would otherwise never leave the memory."""
    asked = []

    def count(array):
        asked.append(array)
        return len(asked)

    arrays = [np.zeros(1) for _ in range(20)]
    for array in arrays:
        remember("test last", count, array)
    remember("test last", count, arrays[-1])
    remember("test last", count, arrays[0])

    assert len(asked) == 21


def test_near_is_by_distance_and_the_nearest_first():
    """A thousandth of a degree of latitude is 111 m; unknown places are near nothing, and nothing is near them."""
    latitude = np.array([52.045, 52.041, np.nan, 52.0405])
    longitude = np.full(4, -0.76)

    assert list_near(52.04, -0.76, latitude, longitude, 200).tolist() == [3, 1]
    assert list_near(float("nan"), -0.76, latitude, longitude, 200).tolist() == []
