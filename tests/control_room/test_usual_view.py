"""Panels are given what is usual in their own hour, and in no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from control_room.city import CITIES, load_city
from control_room.clock import FixedClock
from control_room.model import Snapshot
from control_room.publish import Publisher
from control_room.usual import Usual, UsualValue

NINE = datetime(2026, 6, 17, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_view_has_the_usual_of_its_hour():
    """At twenty past nine the usual of nine to ten; at ten none, until the next is told."""
    publisher = Publisher([], load_city(CITIES / "milton_keynes"), FixedClock(NINE), "live")
    assert publisher.view(Snapshot.empty(NINE)).usual is None
    publisher.take_usual(Usual(NINE, NINE + HOUR, {("request.in", ""): UsualValue(4.0, 3.0, 6.0, 8)}))

    usual = publisher.view(Snapshot.empty(NINE + HOUR / 3)).usual

    assert usual is not None and usual.find("request.in") == UsualValue(4.0, 3.0, 6.0, 8)
    assert publisher.view(Snapshot.empty(NINE + HOUR)).usual is None
    assert publisher.view(Snapshot.empty(NINE - HOUR)).usual is None
