"""Days that are unlike others of their weekday: holidays of the city's country (`calendar.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

Holidays = Mapping[date, str]
NO_HOLIDAYS: Holidays = MappingProxyType({})


def read_holidays(facts: Mapping[str, Any]) -> Holidays:
    """Day -> its name.

    Raises:
        ValueError: which entry is wrong, and what it needs.
    """
    listed = facts.get("holidays", [])
    if not isinstance(listed, list):
        raise ValueError("holidays: is not a list of dates with titles")
    found: dict[date, str] = {}
    for number, said in enumerate(listed, 1):
        day = said.get("date") if isinstance(said, Mapping) else None
        title = said.get("title") if isinstance(said, Mapping) else None
        if not isinstance(day, date) or isinstance(day, datetime) or not isinstance(title, str) or not title.strip():
            raise ValueError(f"holidays: entry {number} needs date (such as 2026-12-25) and title")
        found[day] = title
    return MappingProxyType(found)
