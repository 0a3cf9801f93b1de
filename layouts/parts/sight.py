"""Text sized from where people sit.

Cap height in mm = 6.283 x distance in mm x minutes of arc / 21,600 (the arc's
share of a full circle). NUREG-0700 and ISO 9241 ask for at least 16 minutes.
"""

from __future__ import annotations

LEAST_ARC_MINUTES = 16.0
CAP_HEIGHT_EM = 0.727  # of Inter
SMALLEST_REM = 0.75  # the smallest text on the wall that must be read; see assets/10-tokens.css


def cap_height_mm(distance_m: float, arc_minutes: float = LEAST_ARC_MINUTES) -> float:
    """How high a capital letter must be to be seen under that angle."""
    return 6.283 * distance_m * 1000 * arc_minutes / 21_600


def root_vw(width_mm: float, farthest_m: float) -> float:
    """The root font size at which the smallest text can be read from the farthest seat, in per cent of the picture's width.

    A share and not pixels: a picture of 1,210 mm is the same picture with 1,920 or 3,840 of them.

    Raises:
        ValueError: width or distance is nothing.
    """
    if width_mm <= 0 or farthest_m <= 0:
        raise ValueError("width and distance must be more than nothing")
    return 100 * cap_height_mm(farthest_m) / CAP_HEIGHT_EM / SMALLEST_REM / width_mm
