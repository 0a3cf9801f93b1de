"""Units as suppliers write them, and what one is in another.

One small table: each unit has a family, a factor and an offset to its family's
first unit. Units of different families are never converted: a concentration
by mass is not one by volume without knowing the air.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Unit:
    """`value * factor + offset` is the value in the family's first unit. `name` is how screens write it."""

    name: str
    family: str
    factor: float = 1.0
    offset: float = 0.0


# Name, family, factor, offset, and the other spellings: UN/CEFACT codes (as NGSI-LD's unitCode), UCUM, words.
_TABLE: Final = (
    ("km/h", "speed", 1.0, 0.0, "KMH kmh kph km_h"),
    ("m/s", "speed", 3.6, 0.0, "MTS mps m_s"),
    ("mph", "speed", 1.609344, 0.0, "HM mi/h"),
    ("kn", "speed", 1.852, 0.0, "KNT kt knots"),
    ("m", "length", 1.0, 0.0, "MTR metre metres meter"),
    ("km", "length", 1000.0, 0.0, "KMT KTM kilometre"),
    ("mi", "length", 1609.344, 0.0, "SMI mile miles"),
    ("ft", "length", 0.3048, 0.0, "FOT feet"),
    ("mm", "length", 0.001, 0.0, "MMT"),
    ("cm", "length", 0.01, 0.0, "CMT"),
    ("°C", "temperature", 1.0, 0.0, "C CEL Cel degC celsius centigrade"),
    ("K", "temperature", 1.0, -273.15, "KEL kelvin"),
    ("°F", "temperature", 5 / 9, -160 / 9, "F FAH degF fahrenheit"),
    ("%", "share", 1.0, 0.0, "P1 percent"),
    ("fraction", "share", 100.0, 0.0, "ratio"),
    ("hPa", "pressure", 1.0, 0.0, "A97 mbar MBR"),
    ("Pa", "pressure", 0.01, 0.0, "PAL pascal"),
    ("kPa", "pressure", 10.0, 0.0, "KPA"),
    ("bar", "pressure", 1000.0, 0.0, "BAR"),
    ("µg/m³", "mass_in_air", 1.0, 0.0, "GQ ug/m3 µg/m3 ug/m³ ug.m-3 ug_m3"),
    ("mg/m³", "mass_in_air", 1000.0, 0.0, "GP mg/m3 mg.m-3"),
    ("g/m³", "mass_in_air", 1e6, 0.0, "A93 g/m3"),
    ("ng/m³", "mass_in_air", 0.001, 0.0, "ng/m3"),
    ("ppb", "share_of_air", 1.0, 0.0, "61"),
    ("ppm", "share_of_air", 1000.0, 0.0, "59"),
    ("s", "time", 1.0, 0.0, "SEC seconds"),
    ("ms", "time", 0.001, 0.0, "C26"),
    ("min", "time", 60.0, 0.0, "MIN minutes"),
    ("h", "time", 3600.0, 0.0, "HUR hours"),
    ("d", "time", 86_400.0, 0.0, "DAY days"),
    ("kbit/s", "bit_rate", 1.0, 0.0, "kbps C74"),
    ("Mbit/s", "bit_rate", 1000.0, 0.0, "Mbps E20"),
    ("Gbit/s", "bit_rate", 1e6, 0.0, "Gbps B80"),
    ("deg", "angle", 1.0, 0.0, "DD ° degrees"),
    ("rad", "angle", 57.29577951308232, 0.0, "C81"),
    ("dBm", "signal", 1.0, 0.0, "DBM"),
    ("dB", "sound", 1.0, 0.0, "2N dB(A) dBA"),
    ("mm/h", "rain", 1.0, 0.0, "H67"),
    ("lx", "light", 1.0, 0.0, "LUX lux"),
    ("W/m²", "irradiance", 1.0, 0.0, "D54 W/m2"),
    ("", "count", 1.0, 0.0, "C62 1"),
)


def _spellings() -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for name, family, factor, offset, others in _TABLE:
        unit = Unit(name, family, factor, offset)
        for spelling in (name, *others.split()):
            found[spelling] = unit
    # In lower case too where that is nobody else's name: KPH, Percent, MPH.
    for spelling, unit in list(found.items()):
        found.setdefault(spelling.lower(), unit)
    return found


UNITS: Final = MappingProxyType(_spellings())


def find_unit(text: str | None) -> Unit | None:
    """The unit this text names; None for none that we know. Micro is written two ways, both are read."""
    if text is None:
        return None
    text = text.strip().replace("\u03bc", "\u00b5")
    return UNITS.get(text) or UNITS.get(text.lower())


def convert(value: float, unit: Unit, to: Unit) -> float | None:
    """The value in the other unit; None where one is not a matter of the other.

    Rounded to twelve significant digits: 12.3 m/s are 44.28 km/h and not 44.280000000000001.
    """
    if unit is to or unit == to:
        return value
    if unit.family != to.family:
        return None
    return float(f"{(value * unit.factor + unit.offset - to.offset) / to.factor:.12g}")
