"""British National Grid (EPSG:27700) to latitude and longitude (WGS 84), and back.

The projection and the seven numbers are those of the Ordnance Survey's "A guide
to coordinate systems in Great Britain", annex C and section 6.6. One set of
seven numbers for the whole island is right to about 5 m; the survey's own grid
of shifts (OSTN15) is right to centimetres, but is a file of megabytes, and a
pothole is not measured to centimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_ARCSECOND: Final = math.pi / 648_000


@dataclass(frozen=True, slots=True)
class _Ellipsoid:
    """Half axes in metres."""

    a_m: float
    b_m: float

    @property
    def e2(self) -> float:
        return 1 - (self.b_m / self.a_m) ** 2


@dataclass(frozen=True, slots=True)
class _Shift:
    """A Helmert shift between two geocentric frames: metres, a ratio, radians."""

    x_m: float
    y_m: float
    z_m: float
    scale: float
    rx: float
    ry: float
    rz: float

    def reversed(self) -> _Shift:
        # Right to the millimetre: what is neglected are products of these small numbers.
        return _Shift(-self.x_m, -self.y_m, -self.z_m, -self.scale, -self.rx, -self.ry, -self.rz)


_AIRY: Final = _Ellipsoid(6_377_563.396, 6_356_256.909)
_WGS84: Final = _Ellipsoid(6_378_137.000, 6_356_752.3141)
_TO_OSGB36: Final = _Shift(
    -446.448, 125.157, -542.060, 20.4894e-6, -0.1502 * _ARCSECOND, -0.2470 * _ARCSECOND, -0.8421 * _ARCSECOND
)
_TO_WGS84: Final = _TO_OSGB36.reversed()

# The grid: true origin, its false coordinates, and the scale on the central meridian.
_LAT0: Final = math.radians(49)
_LON0: Final = math.radians(-2)
_EAST0_M: Final = 400_000.0
_NORTH0_M: Final = -100_000.0
_F0: Final = 0.9996012717
_NU0_M: Final = _AIRY.a_m * _F0
_N: Final = (_AIRY.a_m - _AIRY.b_m) / (_AIRY.a_m + _AIRY.b_m)

# Where the grid has squares. Outside, the series no longer hold.
MAX_EASTING_M: Final = 700_000.0
MAX_NORTHING_M: Final = 1_300_000.0


def find_grid_fault(easting_m: float | None, northing_m: float | None) -> str | None:
    """Why this pair is no place in Great Britain; None when it is one.

    0,0 lies in the Atlantic south-west of Scilly: back offices write it for "not known".
    """
    if easting_m is None or northing_m is None:
        return "position_missing"
    if not (math.isfinite(easting_m) and math.isfinite(northing_m)):
        return "position_unreadable"
    if abs(easting_m) < 1 and abs(northing_m) < 1:
        return "position_zero"
    if not (0 <= easting_m <= MAX_EASTING_M and 0 <= northing_m <= MAX_NORTHING_M):
        return "position_out_of_range"
    return None


def to_wgs84(easting_m: float, northing_m: float) -> tuple[float, float]:
    """Latitude and longitude in degrees of a place on the grid, right to about 5 m.

    Raises:
        ValueError: not finite, or outside the grid (`find_grid_fault` says which).
    """
    if not (
        -1 <= easting_m <= MAX_EASTING_M and -1 <= northing_m <= MAX_NORTHING_M
    ):  # also refuses NaN, which compares false
        raise ValueError(f"easting {easting_m}, northing {northing_m} lie outside the British National Grid")
    lat, lon = _unproject(easting_m, northing_m)
    lat, lon = _shift(lat, lon, _AIRY, _WGS84, _TO_WGS84)
    return math.degrees(lat), math.degrees(lon)


def from_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """Easting and northing in metres of a place in Great Britain, right to about 5 m."""
    lat, lon = _shift(math.radians(latitude), math.radians(longitude), _WGS84, _AIRY, _TO_OSGB36)
    return _project(lat, lon)


def _shift(lat: float, lon: float, source: _Ellipsoid, target: _Ellipsoid, by: _Shift) -> tuple[float, float]:
    """A place at height 0 over one ellipsoid, as radians over the other (annex B)."""
    nu = source.a_m / math.sqrt(1 - source.e2 * math.sin(lat) ** 2)
    x = nu * math.cos(lat) * math.cos(lon)
    y = nu * math.cos(lat) * math.sin(lon)
    z = (1 - source.e2) * nu * math.sin(lat)
    k = 1 + by.scale
    x, y, z = (
        by.x_m + k * x - by.rz * y + by.ry * z,
        by.y_m + by.rz * x + k * y - by.rx * z,
        by.z_m - by.ry * x + by.rx * y + k * z,
    )
    p = math.hypot(x, y)
    found = math.atan2(z, p * (1 - target.e2))
    for _ in range(5):  # each step gains about five digits
        nu = target.a_m / math.sqrt(1 - target.e2 * math.sin(found) ** 2)
        found = math.atan2(z + target.e2 * nu * math.sin(found), p)
    return found, math.atan2(y, x)


def _arc_m(lat: float) -> float:
    """Length of the meridian from the true origin to that latitude (annex C, M)."""
    n, n2, n3 = _N, _N**2, _N**3
    less, more = lat - _LAT0, lat + _LAT0
    return (
        _AIRY.b_m
        * _F0
        * (
            (1 + n + 1.25 * n2 + 1.25 * n3) * less
            - (3 * n + 3 * n2 + 2.625 * n3) * math.sin(less) * math.cos(more)
            + (1.875 * n2 + 1.875 * n3) * math.sin(2 * less) * math.cos(2 * more)
            - 35 / 24 * n3 * math.sin(3 * less) * math.cos(3 * more)
        )
    )


def _radii_m(lat: float) -> tuple[float, float, float]:
    """nu, rho and eta squared at that latitude."""
    curve = 1 - _AIRY.e2 * math.sin(lat) ** 2
    nu = _NU0_M / math.sqrt(curve)
    rho = _NU0_M * (1 - _AIRY.e2) / curve**1.5
    return nu, rho, nu / rho - 1


def _project(lat: float, lon: float) -> tuple[float, float]:
    """Airy latitude and longitude in radians -> easting and northing (annex C.1)."""
    nu, rho, eta2 = _radii_m(lat)
    sin, cos, tan2 = math.sin(lat), math.cos(lat), math.tan(lat) ** 2
    one = _arc_m(lat) + _NORTH0_M
    two = nu / 2 * sin * cos
    three = nu / 24 * sin * cos**3 * (5 - tan2 + 9 * eta2)
    three_a = nu / 720 * sin * cos**5 * (61 - 58 * tan2 + tan2**2)
    four = nu * cos
    five = nu / 6 * cos**3 * (nu / rho - tan2)
    six = nu / 120 * cos**5 * (5 - 18 * tan2 + tan2**2 + 14 * eta2 - 58 * tan2 * eta2)
    d = lon - _LON0
    return (
        _EAST0_M + four * d + five * d**3 + six * d**5,
        one + two * d**2 + three * d**4 + three_a * d**6,
    )


def _unproject(easting_m: float, northing_m: float) -> tuple[float, float]:
    """Easting and northing -> Airy latitude and longitude in radians (annex C.2)."""
    lat = _LAT0
    for _ in range(10):
        rest = northing_m - _NORTH0_M - _arc_m(lat)
        lat += rest / (_AIRY.a_m * _F0)
        if abs(rest) < 1e-5:
            break
    nu, rho, eta2 = _radii_m(lat)
    tan, sec = math.tan(lat), 1 / math.cos(lat)
    t2 = tan**2
    seven = tan / (2 * rho * nu)
    eight = tan / (24 * rho * nu**3) * (5 + 3 * t2 + eta2 - 9 * t2 * eta2)
    nine = tan / (720 * rho * nu**5) * (61 + 90 * t2 + 45 * t2**2)
    ten = sec / nu
    eleven = sec / (6 * nu**3) * (nu / rho + 2 * t2)
    twelve = sec / (120 * nu**5) * (5 + 28 * t2 + 24 * t2**2)
    twelve_a = sec / (5040 * nu**7) * (61 + 662 * t2 + 1320 * t2**2 + 720 * t2**3)
    d = easting_m - _EAST0_M
    return (
        lat - seven * d**2 + eight * d**4 - nine * d**6,
        _LON0 + ten * d - eleven * d**3 + twelve * d**5 - twelve_a * d**7,
    )
