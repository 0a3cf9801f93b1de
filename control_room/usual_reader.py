"""Reads what is usual in the running hour from history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from control_room.history.reader import Reader
from control_room.usual import HourRow, Usual, list_past_hours, reckon_usual, with_derived


def read_usual(
    reader: Reader,
    now: datetime,
    zone: ZoneInfo,
    holidays: Mapping[date, str],
    figures: Mapping[str, Mapping[str, Any]],
) -> Usual:
    """What is usual in the hour of that moment, for every series; one question to the database.

    Raises:
        sqlalchemy.exc.DBAPIError: the database does not answer.
    """
    moments = sorted({at for week in list_past_hours(now, zone, holidays) for at in week})
    names = {number: name for name, number in reader.list_series().items()}
    series: dict[tuple[str, str], dict[int, HourRow]] = {name: {} for name in names.values()}
    rows = reader.read_moments("hour", moments)
    columns = (rows.series, rows.at_s, rows.total, rows.weight, rows.known_s)
    for number, at_s, total, weight, known_s in zip(*(c.tolist() for c in columns), strict=True):
        if number in names:
            series[names[number]][at_s] = HourRow(at_s, total, weight, known_s)
    return with_derived(reckon_usual(now, zone, holidays, series), figures)
