"""A figure of the period, and the same of each of the weeks it is held against. Pure: arrays in, values out.

Like is compared with like: only those hours (or days) count that are well known
of the period, and of a past week the very same ones. So half a day is held
against the same halves, and not against whole days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from control_room.history.measures import Measure, value_of
from control_room.summary.contents import Usual
from control_room.summary.plan import KNOWN_SHARE, Plan

# Fewer known weeks than this are no usual.
LEAST_WEEKS: Final = 4
# Of the period's hours or days so many must be known to compare at all.
LEAST_SHARE: Final = 0.25
# Of a mean or share, which no missing hour makes smaller, a past week may lack some of the hours.
WEEK_SHARE: Final = 0.75


@dataclass(frozen=True)
class Sums:
    """What is kept of one series: a row the period, then one each week; a column each stretch. Zero where nothing is.

    Attributes:
        known: share of the stretch that was watched, 0 to 1.
    """

    total: np.ndarray
    weight: np.ndarray
    known: np.ndarray

    @property
    def is_told(self) -> np.ndarray:
        told: np.ndarray = (self.known > 0) | (self.weight > 0) | (self.total != 0)
        return told


@dataclass(frozen=True)
class Compared:
    """What came of it.

    Attributes:
        value: over the stretches that are compared; None where none are.
        usual: None where there is too little to compare with, which `why` says.
        share: of the stretches, how many are compared; 1 is all of them.
    """

    value: float | None
    usual: Usual | None
    why: str
    share: float


def build_sums(plan: Plan, at_s: np.ndarray, total: np.ndarray, weight: np.ndarray, known_s: np.ndarray) -> Sums:
    """The sums of one series, from its rows.

    Args:
        at_s: beginnings of its rows, rising.
    """
    made = {name: np.zeros(plan.shares.shape) for name in ("total", "weight", "known")}
    if not len(at_s):
        return Sums(**made)
    lengths = np.array(plan.ends, dtype=np.float64) - np.array(plan.begins)
    for wanted in plan.turns:
        place = np.searchsorted(at_s, wanted).clip(max=len(at_s) - 1)
        # Of two hours of one name the mean counts.
        share = plan.shares * (at_s[place] == wanted)
        made["total"] += share * total[place]
        made["weight"] += share * weight[place]
        made["known"] += share * known_s[place]
    # A past day of 23 or 25 hours against one of 24: a day is well known at nine tenths, so an hour does not matter.
    made["known"] = np.clip(made["known"] / lengths, 0, 1)
    return Sums(**made)


def compare(plan: Plan, measure: Measure, sums: Sums, told: np.ndarray | None = None) -> Compared:
    """The period's value and what is usual.

    Args:
        sums: with `known` as it counts for this figure (`with_watched`).
        told: of things that are heard of only while they happen (drones in flight): mask of the stretches in which
            they were heard of. A week without any is not known, for nobody can say whether there was none.
    """
    countable = np.ones(len(plan.begins), dtype=bool)
    countable[list(plan.apart)] = False
    well = _well(plan, sums)
    here = countable & well[0]
    compared = here & well
    needed = here.sum() * (1.0 if measure.made == "total" else WEEK_SHARE)
    whole = np.asarray(compared.sum(axis=1) >= max(needed, 1))
    if told is not None:
        whole &= told[:, here].any(axis=1)
    share = float(here.sum() / max(countable.sum(), 1))
    if not here.any() or not whole[0] or share < LEAST_SHARE:
        unit = {"hour": "hours", "day": "days"}[plan.step]
        return Compared(None, None, f"too few {unit} of it were known well enough to compare", share)
    totals = np.where(compared, sums.total, 0).sum(axis=1)
    weights = np.where(compared, sums.weight, 0).sum(axis=1)
    values = [value_of(measure.made, t, w) for t, w in zip(totals.tolist(), weights.tolist(), strict=True)]
    value = values[0] if np.isfinite(values[0]) else None
    known = [v for v, is_whole in zip(values[1:], whole[1:].tolist(), strict=True) if is_whole and np.isfinite(v)]
    usual = summarise(known)
    why = "" if usual else f"known of {len(known)} {plan.past_words}; at least {LEAST_WEEKS} are needed"
    return Compared(value, usual, why, share)


def summarise(values: list[float]) -> Usual | None:
    """Median and quartiles; None of fewer than LEAST_WEEKS values."""
    if len(values) < LEAST_WEEKS:
        return None
    ordered = sorted(values)
    return Usual(_quantile(ordered, 0.5), _quantile(ordered, 0.25), _quantile(ordered, 0.75), len(ordered))


def _quantile(ordered: list[float], share: float) -> float:
    """As `numpy.percentile` has it, a twentieth of the time for so few values."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def list_points(plan: Plan, measure: Measure, sums: Sums) -> list[tuple[float | None, Usual | None]]:
    """Of each stretch its value (of what was known of it) and what is usual in it."""
    well = _well(plan, sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = sums.total if measure.made == "total" else sums.total / sums.weight
    values = np.where(sums.is_told, 100 * values if measure.made == "share" else values, np.nan)
    points: list[tuple[float | None, Usual | None]] = []
    for place in range(len(plan.begins)):
        value = float(values[0, place])
        past = values[1:, place][well[1:, place]]
        usual = None if place in plan.apart else summarise(past[np.isfinite(past)].tolist())
        points.append((value if np.isfinite(value) else None, usual))
    return points


def with_watched(sums: Sums, known: np.ndarray) -> Sums:
    """Of what happens: stretches without a row were watched where something else was."""
    return Sums(sums.total, sums.weight, np.maximum(sums.known, known))


def _well(plan: Plan, sums: Sums) -> np.ndarray:
    """Mask of the stretches that are known well enough to count."""
    return np.asarray(sums.known >= KNOWN_SHARE[plan.step])
