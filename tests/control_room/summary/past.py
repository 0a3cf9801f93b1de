"""A past made by hand: every hour of it is known, so its summary is known to the last number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from control_room.history.spans import begin_of_day, list_begins
from control_room.storage import schema

LONDON = ZoneInfo("Europe/London")
HOUR_S = 3600.0


class Past:
    """Hours of measures, and the days that follow from them.

    Args:
        engine: of a history in its newest form.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._hours: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(dict)

    def total(self, measure: str, day: date, amount: float, key: str = "", hours: Callable[[int], bool] = bool) -> None:
        """So much in each hour of that day, by the place of the hour in the day; those left out are not known."""
        for place, at_s in enumerate(list_hours(day)):
            if hours is bool or hours(place):
                self._hours[measure, key][at_s] = [amount, 0.0, HOUR_S]

    def share(self, measure: str, day: date, percent: float, key: str = "", known_s: float = HOUR_S) -> None:
        """So many per cent of the time in each hour, of which so many seconds were watched."""
        for at_s in list_hours(day):
            self._hours[measure, key][at_s] = [percent / 100 * known_s, known_s, known_s]

    def level(self, measure: str, day: date, value: float, key: str = "") -> None:
        """It stood so high all day."""
        for at_s in list_hours(day):
            self._hours[measure, key][at_s] = [value * HOUR_S, HOUR_S, HOUR_S]

    def forget(self, measure: str, day: date, place: int, key: str = "") -> None:
        """That hour was not watched."""
        self._hours[measure, key].pop(list_hours(day)[place], None)

    def drop(self, measure: str, day: date, key: str = "") -> None:
        """That day was not watched."""
        for at_s in list_hours(day):
            self._hours[measure, key].pop(at_s, None)

    def write(self) -> None:
        """Everything told so far into the database."""
        with self._engine.begin() as connection:
            for (measure, key), hours in self._hours.items():
                number = self._number(connection, measure, key)
                days: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
                for at_s, sums in hours.items():
                    day_s = begin_of_day(datetime.fromtimestamp(at_s, LONDON).date(), LONDON)
                    days[day_s] = [a + b for a, b in zip(days[day_s], sums, strict=True)]
                self._put(connection, schema.history_hour, number, hours)
                self._put(connection, schema.history_day, number, days)

    def _number(self, connection: sa.Connection, measure: str, key: str) -> int:
        table = schema.history_series
        wanted = sa.select(table.c.id).where(table.c.measure == measure, table.c.key == key)
        if connection.scalar(wanted) is None:
            connection.execute(sa.insert(table).values(measure=measure, key=key))
        return connection.scalar(wanted)

    def _put(self, connection: sa.Connection, table: sa.Table, series: int, rows: dict[int, list[float]]) -> None:
        connection.execute(sa.delete(table).where(table.c.series == series))
        connection.execute(
            sa.insert(table),
            [
                {
                    "series": series,
                    "at_s": at_s,
                    "count": 1,
                    "total": total,
                    "weight": weight,
                    "low": None,
                    "high": None,
                    "last": total / weight if weight else None,
                    "known_s": known_s,
                }
                for at_s, (total, weight, known_s) in rows.items()
            ],
        )


def list_hours(day: date) -> list[int]:
    """Beginnings of the hours of that day by London's clock: 23, 24 or 25."""
    since, until = begin_of_day(day, LONDON), begin_of_day(day + timedelta(days=1), LONDON)
    return list_begins("hour", since, until, LONDON)


def tell_weeks(past: Past, day: date, measure: str = "robot.deliveries") -> None:
    """Eight weeks before that day: one to eight weeks back 11 to 18 in each hour."""
    for back in range(1, 9):
        past.total(measure, day - timedelta(days=7 * back), 10.0 + back)


class Near:
    """A usual, to the rounding of sums of floats."""

    def __init__(self, wanted):
        self.wanted = wanted

    def __eq__(self, other):
        numbers = (self.wanted.median, self.wanted.low, self.wanted.high)
        return other.weeks == self.wanted.weeks and (other.median, other.low, other.high) == pytest.approx(numbers)

    def __repr__(self):
        return f"near {self.wanted}"
