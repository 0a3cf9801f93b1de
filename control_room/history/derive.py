"""What follows from facts for the measures: increments of what is new against what is known already. Pure.

Facts come again after each start and each change; only what they change is
counted, so that a request is made once and closed once however often it is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from control_room.history.rollup import Row
from control_room.history.spans import DAY_S, MINUTE_S
from control_room.history.standing import CATEGORY, CHANNEL, ESTATE
from control_room.history.watch import MEASURE_OF_RUN
from control_room.requests import ONLINE

Fact = Mapping[str, Any]
_SLOTS: Final = ("capacity", "booked", "arrivals", "no_shows")


def derive_request(new: Fact, old: Fact | None) -> Iterator[Row]:
    """Made, closed, opened again.

    Args:
        old: as it was known before; None where it was not.
    """
    forms = ((CATEGORY, new["category"]), (ESTATE, new["locality"]))
    keys = ["", *(form + name for form, name in forms if name)]
    made_s = new["requested_s"]
    if old is None and made_s is not None:
        channel = new["channel"]
        for key in [*keys, CHANNEL + channel] if channel else keys:
            yield _thing("request.in", key, made_s, 1)
        if channel:
            yield _thing("request.online_percent", "", made_s, float(channel.strip().lower() in ONLINE), 1.0)
    before_s, closed_s = old["closed_s"] if old else None, new["closed_s"]
    if (before_s is None) == (closed_s is None):
        return
    sign = 1 if closed_s is not None else -1
    at_s = int(closed_s if closed_s is not None else before_s)  # type: ignore[arg-type]  # one of them is known
    for key in keys:
        yield _thing("request.out", key, at_s, sign)
    if made_s is not None:
        for key in keys[: 2 if new["category"] else 1]:
            yield _thing("request.closed_days", key, at_s, sign * (at_s - made_s) / DAY_S, float(sign))


def keep_closing(new: Fact, old: Fact | None) -> dict[str, Any]:
    """The fact as it is to be kept: one that stays closed keeps its first moment of closing."""
    kept = dict(new)
    if old is not None and old["closed_s"] is not None and new["closed_s"] is not None:
        kept["closed_s"] = old["closed_s"]
    return kept


def derive_slot(new: Fact, old: Fact | None) -> Iterator[Row]:
    """What was counted more (or less) of a slot, at its beginning."""
    keys = ("", new["site"]) if new["site"] else ("",)
    for name in _SLOTS:
        more = _more(name, new, old)
        if more or (old is None and new[name] is not None):
            for key in keys:
                yield _thing(f"slot.{name}", key, new["from_s"], more, count=int(old is None))
    online, booked = _more("booked_online", new, old), _more("booked", new, old)
    if new["booked_online"] is not None and (online or booked):
        for key in keys:
            yield _thing("slot.online_percent", key, new["from_s"], online, booked, count=int(old is None))


def derive_run(new: Fact) -> Iterator[Row]:
    """A run that was not known before."""
    sort, until_s, from_s = new["sort"], new["until_s"], new["from_s"]
    key = new["route"] if sort in ("bus_trip", "cancelled_trip") else new["operator"]
    keys = ("", key) if key else ("",)
    measure = "transport.cancellations" if sort == "cancelled_trip" else MEASURE_OF_RUN[sort]
    for k in keys:
        yield _thing(measure, k, until_s, 1)
    if sort == "delivery" and from_s is not None:
        for k in keys:
            yield _thing("robot.delivery_min", k, until_s, (until_s - from_s) / 60, 1.0)


def merge_rows(rows: Iterable[Row]) -> dict[tuple[str, str, int], list[float]]:
    """Increments of the same measure, key and minute added up: count, total, weight, low, high, last, known_s."""
    merged: dict[tuple[str, str, int], list[float]] = {}
    for measure, key, at_s, *values in rows:
        held = merged.get((measure, key, at_s))
        merged[measure, key, at_s] = list(values) if held is None else add_sums(held, values)
    return merged


def add_sums(held: Sequence[float], more: Sequence[float]) -> list[float]:
    """Two increments as one; the second is the later one. A value that is NaN is none."""
    low = more[3] if held[3] != held[3] or more[3] < held[3] else held[3]
    high = more[4] if held[4] != held[4] or more[4] > held[4] else held[4]
    last = more[5] if more[5] == more[5] else held[5]
    return [held[0] + more[0], held[1] + more[1], held[2] + more[2], low, high, last, held[6] + more[6]]


def _thing(measure: str, key: str, at_s: float, amount: float, weight: float = 0.0, count: int | None = None) -> Row:
    sign = -1 if amount < 0 or weight < 0 else 1
    value = math.nan if weight != 1 or measure.endswith("_percent") else amount
    minute_s = int(at_s // MINUTE_S) * MINUTE_S
    return Row(measure, key, minute_s, sign if count is None else count, amount, weight, value, value, value, 0.0)


def _more(name: str, new: Fact, old: Fact | None) -> float:
    before = old[name] if old is not None else None
    return float(new[name] or 0) - float(before or 0)
