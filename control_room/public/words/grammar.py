"""Numbers, plural forms, lists and times of day, by the rules of a language.

Source   Unicode CLDR, through Babel: which plural form a number takes (Welsh has six), how numbers and times are
         written. Where CLDR leaves a choice to the writer, as in Welsh "a(c)", the choice is made here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal

# Language of a catalogue -> its locale in CLDR. English here is that of Great Britain: 23 November, not November 23.
LOCALES: Final[Mapping[str, str]] = MappingProxyType({"en": "en_GB", "cy": "cy_GB"})

CATEGORIES: Final = ("zero", "one", "two", "few", "many", "other")
EXACTLY_NONE: Final = "none"  # a form of ours beside CLDR's: nobody says "0 robots are out"

WHOLE_FROM: Final = 10  # a fraction of a number as large as this tells a visitor nothing

Value = str | int | float | date | datetime | Sequence[str]

# Before a vowel sound Welsh says "ac" for "a"; an h or an i that begins a word as a consonant ("iard") keeps it.
_WELSH_VOWEL = re.compile(r"[aeiouwyâêîôûŵŷáéíóúàèìòùäëïöüẅÿ]", re.IGNORECASE)
_WELSH_CONSONANT_I = re.compile(r"i[aeouwyâêîôûŵŷ]", re.IGNORECASE)


class GrammarError(ValueError):
    """A language that is not here, or a value that has no words."""


def plural_categories(language: str) -> frozenset[str]:
    """The plural forms that a text with a count needs in that language."""
    return frozenset(_locale(language).plural_form.tags | {"other"})


def plural_category(count: float, language: str) -> str:
    """Which of them this number takes."""
    return str(_locale(language).plural_form(count))


def format_number(value: float, language: str) -> str:
    """A number as people write it: grouped; a fraction only of a small one, of one digit.

    Raises:
        GrammarError: it is no number. Nobody may be told "nan robots".
    """
    if not math.isfinite(value):
        raise GrammarError(f"{value} is no number that can be told")
    if isinstance(value, float) and (abs(value) >= WHOLE_FROM or value.is_integer()):
        value = math.floor(value + 0.5)
    return str(format_decimal(value, format="#,##0.#", locale=_locale(language)))


def format_list(items: Sequence[str], language: str) -> str:
    """ "a", "a and b", "a, b and c"; in Welsh "a" turns to "ac" before a vowel. Empty for nothing."""
    if len(items) < 2:
        return "".join(items)
    last = items[-1]
    return f"{', '.join(items[:-1])} {_and_before(last, language)} {last}"


def format_moment(moment: datetime, language: str, zone: tzinfo) -> str:
    """A time of day in words: "3:10 in the afternoon", and on the hour "3 in the afternoon".

    Raises:
        GrammarError: the moment has no zone.
    """
    if moment.tzinfo is None:
        raise GrammarError(f"{moment} has no zone")
    local = moment.astimezone(zone)
    return format_time(local, "h:mm B" if local.minute else "h B", tzinfo=zone, locale=_locale(language))


def format_day(day: date, language: str) -> str:
    """ "23 November 2026"."""
    return format_date(day, "long", locale=_locale(language))


def format_value(value: Value, language: str, zone: tzinfo) -> str:
    """Any value that a sentence may carry; text stays as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):  # a datetime is a date as well: asked first
        return format_moment(value, language, zone)
    if isinstance(value, date):
        return format_day(value, language)
    if isinstance(value, int | float):
        return format_number(value, language)
    return format_list(value, language)


def round_minutes(minutes: float) -> int:
    """Minutes as people say them: each up to ten, then by fives, from an hour on by the hour. At least one."""
    whole = max(1, math.floor(minutes + 0.5))
    if whole <= 10:
        return whole
    step = 5 if whole < 60 else 60
    return math.floor(whole / step + 0.5) * step


def _and_before(word: str, language: str) -> str:
    if language != "cy":
        return "and"
    return "ac" if _WELSH_VOWEL.match(word) and not _WELSH_CONSONANT_I.match(word) else "a"


@lru_cache(maxsize=8)
def _locale(language: str) -> Locale:
    if language not in LOCALES:
        raise GrammarError(f"{language!r} is no language here; there are: {', '.join(LOCALES)}")
    return Locale.parse(LOCALES[language])
