"""A control room with a past: ten minutes of three robots, recorded by the real black box, with a gap and an alarm in it.

The past is made by the product's own publisher and recorder, at moments that are arguments; only what the
robots did is made up here. Robot 47 drives east along one parallel, so that where it was says when it was.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import numpy as np

from alerts.alarm import Event, What
from control_room.blackbox.player import Player
from control_room.blackbox.shelf import Shelf
from control_room.blackbox.standing import Standing
from control_room.blackbox.tape import Tape
from control_room.city import CITIES, load_city
from control_room.clock import FixedClock
from control_room.marks import mercator
from control_room.model import VEHICLE, AlarmWatch, Snapshot, Table
from control_room.publish import Publisher
from control_room.storage.store import Store
from feeds.feed import begin_health
from tests.browser.alarm_cases import alarm_row, table_of
from tests.browser.alarm_room import FEED, AlarmRoom

LASTS_S = 600
STEP_S = 2
GAP_S = (240, 360)  # seconds after its beginning in which nothing was recorded
ALARM_S = (420, 480)  # in which robot 48 needed help
ALARM_KEY = "robot_needs_help|robots:48"
ALARM_TITLE = "Robot 48 needs help"
LATITUDE = 52.0409
WEST, EAST = -0.80, -0.70


class TimeRoom(AlarmRoom):
    """An `AlarmRoom` whose black box holds the ten minutes before it was made. `began`: their first moment, aware UTC."""

    def __init__(self, folder: Path, with_past: bool = True, port: int = 0) -> None:
        super().__init__(folder, port)
        self._box = folder / "data" / "blackbox" / "sandbox"
        self.began = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=LASTS_S)
        if with_past:
            record_past(folder / "data", self.began)

    def at(self, seconds: float) -> datetime:
        """The moment so long after the past began."""
        return self.began + timedelta(seconds=seconds)

    def wait_until_recorded(self, label: str) -> None:
        """Until the black box knows the robot of that label: what is new on the map it is told every few seconds."""
        player, until = Player(Shelf(self._box, "wall")), time.monotonic() + 60
        while True:
            player.seek(ms(datetime.now(UTC)))
            if f"robots:{label}" in player.list_vehicles():
                return
            assert time.monotonic() < until, player.list_vehicles()
            time.sleep(0.1)


def ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return round(moment.timestamp() * 1000)


def longitude_of(seconds: float) -> float:
    """Where robot 47 was so long after the past began."""
    return WEST + (EAST - WEST) * seconds / LASTS_S


def place_of(seconds: float) -> tuple[int, int]:
    """The same as the map has it: pixels at zoom 18."""
    x, y = mercator(np.array([LATITUDE]), np.array([longitude_of(seconds)]))
    return int(x[0]), int(y[0])


def record_past(data: Path, began: datetime) -> None:
    """Writes those ten minutes into the black box, and the alarm's steps into the journal.

    What the writing itself takes is recorded too: else there were another gap, where the machine is slow.
    """
    city = load_city(CITIES / "milton_keynes")
    publisher = Publisher((FEED,), city, FixedClock(began), "sandbox", monotonic=lambda: 0.0)
    standing = Standing(lambda snapshot: publisher.view(snapshot, audience="wall"))
    about = {"mode": "sandbox", "city": city.title, "simulated": True}
    tape = Tape(data / "blackbox" / "sandbox", "wall", about, standing)
    second = 0
    while second < LASTS_S or began + timedelta(seconds=second) < datetime.now(UTC):
        if not GAP_S[0] <= second < GAP_S[1]:
            snapshot = make_snapshot(began, second)
            tape.record(publisher.make(snapshot, {})["wall"], snapshot)
        second += STEP_S
    tape.close()
    store = Store(data, "sandbox")
    try:
        rule, _, key = ALARM_KEY.partition("|")
        begin, end = (began + timedelta(seconds=s) for s in ALARM_S)
        store.open().append(
            [
                Event(begin, rule, key, What.RAISED, facts={"priority": "highest", "title": ALARM_TITLE}),
                Event(begin + timedelta(seconds=20), rule, key, What.ACKNOWLEDGED, by="Anna Weiss"),
                Event(end, rule, key, What.CLEARED),
            ]
        )
    finally:
        store.close()


def make_snapshot(began: datetime, second: int) -> Snapshot:
    """The city at that second of the past: robots 47, 48 and 49, and the alarm while it stood."""
    now = began + timedelta(seconds=second)
    needs_help = ALARM_S[0] <= second < ALARM_S[1]
    vehicles = Table.of(
        VEHICLE,
        {
            "vehicle_key": ["robots:47", "robots:48", "robots:49"],
            "vehicle_id": ["47", "48", "49"],
            "label": ["47", "48", "49"],
            "feed": ["robots"] * 3,
            "vehicle_type": ["robot"] * 3,
            "state": ["working", "needs_help" if needs_help else "working", "idle"],
            "battery_percent": [80.0, 60.0, 40.0],
            "latitude": [LATITUDE, LATITUDE + 0.01, LATITUDE - 0.01],
            "longitude": [longitude_of(second), -0.76, -0.75],
            "observed_at": [now] * 3,
        },
    )
    empty = Snapshot.empty(now, (begin_health(FEED),))
    tables = {**empty.tables, "vehicle": vehicles, "alarm": _alarms(began, needs_help)}
    health = {name: feed.changed(succeeded_at=now, observed_at=now, rows=3) for name, feed in empty.feeds.items()}
    return Snapshot(
        second + 1, now, MappingProxyType(tables), MappingProxyType(health), MappingProxyType({}), watch=AlarmWatch(3)
    )


_tables: dict[tuple[datetime, bool], Table] = {}


def _alarms(began: datetime, stands: bool) -> Table:
    """The same table while nothing changes, as the engine gives it."""
    found = _tables.get((began, stands))
    if found is None:
        about = {"alarm_key": ALARM_KEY, "rule": "robot_needs_help", "row_key": "robots:48", "title": ALARM_TITLE}
        raised = began + timedelta(seconds=ALARM_S[0])
        # Not of a vehicle's row: those ride on the vehicle, this one has a place of its own in the layer of alarms.
        row = alarm_row(1, raised, **about, row_kind="area", priority="highest", raised_at=raised)
        found = _tables[began, stands] = table_of(*([row] if stands else []))
    return found
