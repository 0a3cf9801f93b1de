"""Made-up alarms for tests of what shows them: every priority and state, long texts, floods, hands on them."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from control_room.model import ALARM, Table

TITLES = (
    ("robot_stopped_cell_down", "Delivery robots", "Robot {n} stands still where its cell is down"),
    ("feed_failing", "Feeds", "Travel alerts: no answer for {n} min"),
    (
        "bus_late",
        "Buses",
        "Bus 8 to Central Milton Keynes, {n} min late at Oxley Park Parade, and those behind it as well",
    ),
    ("drone_low_battery", "Drones", "Drone D-{n} has 14 % battery left"),
    ("cell_down", "5G network", "Cell MK-{n} is down"),
)
PLACES = ("Campbell Park", "Wolverton", "Central Milton Keynes", "Kingston", None)


def alarm_row(n: int, now: datetime, **more: Any) -> dict[str, Any]:
    """One alarm with everything a rule gives; `more` wins."""
    rule, system, title = TITLES[n % len(TITLES)]
    return {
        "alarm_key": f"{rule}|robots:{n}",
        "rule": rule,
        "row_key": f"robots:{n}",
        "row_kind": "vehicle",
        "system": system,
        "title": title.format(n=n),
        "subject": f"R{n}",
        "priority": "low",
        "state": "unacknowledged",
        "is_active": True,
        "is_acknowledged": False,
        "raised_at": now - timedelta(seconds=20 + 37 * n),
        "cleared_at": None,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "respond_by": now + timedelta(minutes=9 - n),
        "assigned_to": None,
        "shelved_until": None,
        "shelved_by": None,
        "put_aside_why": None,
        "no_data_since": None,
        "comment": None,
        "commented_by": None,
        "occurrences": 1.0,
        "folded_under": None,
        "value": "speed 0 km/h for 10 min; cell MK-17 down",
        "owner": "Fleet desk",
        "cause": "Its cell is down, or a kerb stops it.",
        "consequence": "A delivery waits, and a pavement may be blocked.",
        "action": "Look at the cell first. Then call the fleet desk, and say where it stands.",
        "screen": "/wall",
        "locality": PLACES[n % len(PLACES)],
        "latitude": 52.04,
        "longitude": -0.75,
        "feed": "robots",
        "seq": float(n + 1),
        **more,
    }


def table_of(*rows: dict[str, Any]) -> Table:
    """The table of these rows."""
    if not rows:
        return Table.empty(ALARM)
    return Table.of(ALARM, {name: [row[name] for row in rows] for name in rows[0]})


def alarm_table(count: int, now: datetime, seed: int = 1) -> Table:
    """A mixed list: few of the highest, most low; some answered for, put aside, without data, folded."""
    random = Random(seed)
    rows = []
    for n in range(count):
        priority = random.choices(("highest", "high", "medium", "low"), (4, 10, 26, 60))[0] if n > 1 else "highest"
        state = random.choices(("unacknowledged", "acknowledged", "returned", "latched", "shelved", "suppressed", "out_of_service"), (40, 30, 10, 5, 7, 6, 2))[0] if n else "unacknowledged"  # fmt: skip
        row = alarm_row(n, now, priority=priority, state=state)
        if state in ("acknowledged", "latched"):
            row |= {
                "is_acknowledged": True,
                "acknowledged_by": "Ben Okafor",
                "acknowledged_at": now - timedelta(seconds=9),
            }
        if n % 3 == 1 and state == "acknowledged":
            row["assigned_to"] = "Anna Weiss"
        if n % 7 == 2:
            row["no_data_since"] = now - timedelta(seconds=190)
        if state == "shelved":
            row |= {
                "shelved_until": now + timedelta(hours=1),
                "shelved_by": "Ben Okafor",
                "put_aside_why": "Works on the mast",
            }
        if 8 < n < 8 + count // 4:
            row["folded_under"] = rows[0]["alarm_key"]
        rows.append(row)
    return table_of(*rows)
