"""Text sized from where people sit.

Cap height in mm = 6.283 x distance in mm x minutes of arc / 21,600 (the arc's
share of a full circle). NUREG-0700 and ISO 9241 ask for at least 16 minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEAST_ARC_MINUTES = 16.0
CAP_HEIGHT_EM = 0.727  # of Inter
FAR_REM = 70.0
SMALLEST_REM = 0.75  # the smallest text on the wall that must be read; see assets/10-tokens.css


def cap_height_mm(distance_m: float, arc_minutes: float = LEAST_ARC_MINUTES) -> float:
    """How high a capital letter must be to be seen under that angle."""
    return 6.283 * distance_m * 1000 * arc_minutes / 21_600


def root_px(width_mm: float, width_px: float, farthest_m: float) -> float | None:
    """The root font size at which the smallest text can be read from the farthest seat.

    None where width or distance are not given (0): then the stylesheet sizes
    text for a desk. Never smaller than 14 px, whatever the figures say.
    """
    if width_mm <= 0 or farthest_m <= 0:
        return None
    px_per_mm = width_px / width_mm
    return max(14.0, round(cap_height_mm(farthest_m) * px_per_mm / CAP_HEIGHT_EM / SMALLEST_REM, 1))


def root_px_of(settings: Mapping[str, Any]) -> float | None:
    """The same from the settings wall_width_mm, wall_width_px and wall_farthest_m."""
    return root_px(
        float(settings.get("wall_width_mm") or 0),
        float(settings.get("wall_width_px") or 0),
        float(settings.get("wall_farthest_m") or 0),
    )


def is_far(settings: Mapping[str, Any]) -> bool:
    """Whether the wall is read from so far away that it has room for a few lines only (under 70 rem across)."""
    root = root_px_of(settings)
    return root is not None and float(settings["wall_width_px"]) / root < FAR_REM
