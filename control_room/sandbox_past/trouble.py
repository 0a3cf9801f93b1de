"""The bad days of the past: drawn by lot from the seed, each with what it does to the city, and the hours nobody watched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from control_room.sandbox_past.hours import Floats, Hours, Mask

SNOW_SHARE, STORM_SHARE, STUCK_SHARE, SITE_SHARE, FAILING_SHARE, GAP_SHARE = 0.06, 0.015, 0.012, 0.025, 0.02, 0.012


@dataclass(frozen=True)
class Trouble:
    """What was wrong in each hour: masks, and how much of the hour the control room watched.

    Attributes:
        site: number of the network site that is down; -1 where none is.
        known: 0 to 1: the exchange was not to be reached for some hours a year.
    """

    snow: Mask
    storm: Mask
    stuck: Mask
    site: np.ndarray
    failing: Mask
    known: Floats


def draw_trouble(hours: Hours, sites: int) -> Trouble:
    """A function of the seed and the hours alone."""
    months = np.array([d.month for d in hours.days])
    winter = (months == 12) | (months <= 2)
    lots = {w: hours.day_lots(f"past {w}") for w in ("snow", "storm", "stuck", "site", "failing", "gap", "from")}
    # From when on: somewhere in the working day, for three to eight hours.
    begins = 7 + np.floor(lots["from"] * 9)
    lasts = 3 + np.floor(hours.day_lots("past lasts") * 6)
    within = (hours.hour >= begins) & (hours.hour < begins + lasts)
    gap = (lots["gap"] < GAP_SHARE) & (hours.hour >= begins) & (hours.hour < begins + 1 + np.floor(lasts / 3))
    return Trouble(
        snow=(lots["snow"] < SNOW_SHARE) & winter & (hours.hour >= 5),
        storm=(lots["storm"] < STORM_SHARE) & (hours.hour >= 6),
        stuck=(lots["stuck"] < STUCK_SHARE) & within,
        site=np.where((lots["site"] < SITE_SHARE) & within, np.floor(hours.day_lots("past which site") * sites), -1),
        failing=(lots["failing"] < FAILING_SHARE) & within,
        # Feeds are asked again and again; a few seconds of an ordinary hour are not known.
        known=np.where(gap, 0.0, 1 - 0.004 * hours.lots("past known")),
    )
