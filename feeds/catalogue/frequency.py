"""How often a dataset promises to be renewed, in seconds.

Sources: the EU authority table "frequency", which DCAT-AP asks for; the Dublin
Core collection frequencies; ISO 8601 repeating durations (`R/PT15M`), which
the US profile asks for. Months have 30 days and years 365: it is a promise to
compare by, not a calendar.
"""

from __future__ import annotations

import re
from typing import Final

from feeds.catalogue.graph import shorten

_MINUTE: Final = 60.0
_HOUR: Final = 3_600.0
_DAY: Final = 86_400.0
_WEEK: Final = 7 * _DAY
_MONTH: Final = 30 * _DAY
_YEAR: Final = 365 * _DAY

_WORDS: Final = {
    "1min": _MINUTE,
    "5min": 5 * _MINUTE,
    "10min": 10 * _MINUTE,
    "15min": 15 * _MINUTE,
    "30min": 30 * _MINUTE,
    "hourly": _HOUR,
    "bihourly": 2 * _HOUR,
    "trihourly": 3 * _HOUR,
    "12hrs": 12 * _HOUR,
    "daily": _DAY,
    "daily_2": _DAY / 2,
    "weekly": _WEEK,
    "weekly_2": _WEEK / 2,
    "weekly_3": _WEEK / 3,
    "weekly_5": _WEEK / 5,
    "semiweekly": _WEEK / 2,
    "threetimesaweek": _WEEK / 3,
    "biweekly": 2 * _WEEK,
    "monthly": _MONTH,
    "monthly_2": _MONTH / 2,
    "monthly_3": _MONTH / 3,
    "semimonthly": _MONTH / 2,
    "threetimesamonth": _MONTH / 3,
    "bimonthly": 2 * _MONTH,
    "quarterly": 3 * _MONTH,
    "threetimesayear": _YEAR / 3,
    "annual_3": _YEAR / 3,
    "annual_2": _YEAR / 2,
    "semiannual": _YEAR / 2,
    "annual": _YEAR,
    "biennial": 2 * _YEAR,
    "triennial": 3 * _YEAR,
    "quadrennial": 4 * _YEAR,
    "quinquennial": 5 * _YEAR,
    "decennial": 10 * _YEAR,
}
# Known words that promise no interval.
_NO_INTERVAL: Final = frozenset(
    {
        "update_cont",
        "cont",
        "continuous",
        "irreg",
        "irregular",
        "as_needed",
        "never",
        "not_planned",
        "other",
        "unknown",
    }
)
_ISO = re.compile(
    r"(?:R[0-9]{0,4}/)?P(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,5})D)?"
    r"(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7}(?:\.[0-9]{1,6})?)S)?)?"
)
_LENGTHS: Final = (_YEAR, _MONTH, _WEEK, _DAY, _HOUR, _MINUTE, 1.0)


def read_interval_s(text: str) -> tuple[float | None, bool]:
    """Seconds between renewals, None where the word promises none; and whether the word is known at all."""
    found = _ISO.fullmatch(text.strip())
    if found is not None and any(found.groups()):
        total = sum(float(g) * length for g, length in zip(found.groups(), _LENGTHS, strict=True) if g)
        return (total or None), True
    word = shorten(text.strip()).lower()
    return _WORDS.get(word), word in _WORDS or word in _NO_INTERVAL
