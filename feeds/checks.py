"""Checks that every adapter makes alike: positions, times, and the counting of rows left out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from control_room.model import Batch, Kind, Table, to_ms
from feeds.feed import Feed, PayloadError
from feeds.text import clean_text

# FEEDS rule: an observation further ahead of our clock than this is not believed. Less is clock drift.
AHEAD: Final = timedelta(seconds=60)

# Before this no live observation was made; such a time is a zero, a default or another unit.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)

NEVER: Final = datetime.min.replace(tzinfo=UTC)

# No vehicle of a city moves faster (360 km/h); more is another unit or a sentinel.
MAX_SPEED_M_S: Final = 100.0


class Tally:
    """Counts what one answer got wrong, by named reason, with the first bad value of each.

    Attributes:
        rejects: rows left out.
        warnings: rows kept although something was odd, or oddities of the envelope.
        offending: first bad value for each reject reason, cleaned and short.
    """

    def __init__(self) -> None:
        self.rejects: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.offending: dict[str, str] = {}

    def reject(self, reason: str, value: object = None) -> None:
        self.rejects[reason] += 1
        if reason not in self.offending:
            self.offending[reason] = clean_text(value if isinstance(value, str) else repr(value), 80) or "empty"

    def warn(self, reason: str) -> None:
        self.warnings[reason] += 1


def find_position_fault(latitude: float | None, longitude: float | None) -> str | None:
    """Why this pair (degrees, WGS 84) is no position; None when it is one.

    A single zero is fine: the zero meridian runs through England.
    """
    if latitude is None or longitude is None:
        return "position_missing"
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return "position_unreadable"
    if abs(latitude) == 90 and abs(longitude) == 180:
        return "position_placeholder"
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return "position_out_of_range"
    # A receiver without a fix, rounded: within 11 m of a point in the open sea.
    if abs(latitude) < 1e-4 and abs(longitude) < 1e-4:
        return "position_zero"
    return None


def is_ahead(moment: datetime, received_at: datetime) -> bool:
    """Whether a time (aware) is too far ahead of our clock to be believed."""
    return moment - received_at > AHEAD


def keep_newest(rows: Iterable[dict[str, Any]], key: str, tally: Tally) -> list[dict[str, Any]]:
    """One row of each key: the one observed last, the later in the answer among equals.

    The others are counted as rejected for `duplicate`. A row of unknown time is
    older than any other. Order is that of each key's first row.
    """
    newest: dict[str, dict[str, Any]] = {}
    for row in rows:
        other = newest.get(row[key])
        if other is not None:
            tally.reject("duplicate", row[key])
            if (row["observed_at"] or NEVER) < (other["observed_at"] or NEVER):
                continue
        newest[row[key]] = row
    return list(newest.values())


def refuse_too_many(count: int, feed: Feed, what: str = "rows") -> None:
    """Refuse an answer that holds more than the feed's limit, before much is made of it.

    Args:
        what: what was counted, in the standard's word.

    Raises:
        PayloadError: too_many_rows.
    """
    if count > feed.limits.max_rows:
        raise PayloadError("too_many_rows", f"{count} {what}; the feed's limit is {feed.limits.max_rows} (max_rows)")


def table_of(
    kind: Kind, rows: Sequence[Mapping[str, Any]], names: Iterable[str], feed: Feed, received_at: datetime, **more: Any
) -> Table:
    """Rows of one poll as a table.

    Args:
        names: the columns that the rows hold, each row all of them.
        more: further columns, the kind's key among them where rows do not hold it.
    """
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
    columns["feed"] = [feed.name] * len(rows)
    columns["received_at"] = np.full(len(rows), to_ms(received_at))
    return Table.of(kind, {**columns, **more})


def batch_of(
    kind: Kind,
    table: Table,
    feed: Feed,
    received_at: datetime,
    tally: Tally,
    published: Iterable[datetime | None] = (),
    *,
    complete: bool = True,
    ids_rotate: bool = False,
) -> Batch:
    """What one poll said about one kind, with what the tally counted on the way.

    Args:
        published: when its answers were made; of several the oldest counts, for
            together they are no newer than that. None is an answer that does not say.
        complete, ids_rotate: see `Batch`.
    """
    return Batch(
        kind=kind,
        feed=feed.name,
        table=table,
        received_at=received_at,
        published_at=min((moment for moment in published if moment is not None), default=None),
        rejects=dict(tally.rejects),
        warnings=dict(tally.warnings),
        offending=dict(tally.offending),
        complete=complete,
        ids_rotate=ids_rotate,
    )
