"""Drawing lots without a state: the same seed and keys always draw the same lot.

A generator that is stepped would make what happens at noon depend on what was
asked before noon. Here each lot is a hash of its keys, so the city at any
moment can be reckoned directly, in any order, in any process.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def draw(seed: int, *keys: Ints | int) -> Floats:
    """Lots in [0, 1), one for each element of the keys broadcast together.

    The mixing is SplitMix64 (Steele, Lea, Flood 2014), a key at a time.
    """
    with np.errstate(over="ignore"):
        state = _mix(np.asarray(seed & 0xFFFF_FFFF_FFFF_FFFF, dtype=np.uint64))
        for key in keys:
            state = _mix(state ^ _mix(np.asarray(key).astype(np.int64).view(np.uint64)))
        made: Floats = (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return made


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed
