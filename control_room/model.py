"""The city's vocabulary: kinds, columns, tables, batches and snapshots.

This module is the data dictionary. Decoding, projection, formatting, rules,
history and `docs/data-dictionary.md` all follow it. It imports nothing of ours.

A *kind* is a sort of thing the city tells us about (a vehicle, a trip). A
*table* holds rows of one kind as columns (numpy arrays of one length), because
five thousand vehicles a second are handled a column at a time:

    text, choice   object array of str or None
    number         float64, NaN where unknown
    flag           object array of True, False or None
    time           datetime64[ms] in UTC, NaT where unknown

Missing is never zero: a number nobody sent is NaN here, None in JSON and an em
dash on screens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

ColumnType = Literal["text", "choice", "number", "flag", "time"]

# Who may see a column. Audiences are ordered from widest to narrowest; a named
# grant ("grant:police") is held by person and implied by no audience.
PUBLIC = "public"
STAFF = "staff"

VEHICLE_TYPES = ("robot", "shuttle", "bus", "drone", "scooter", "other")

# What a vehicle is doing, in the city's words; each standard maps onto these.
VEHICLE_STATES = (
    "working",  # on a delivery, on a trip with its route known
    "idle",  # ready, not on a trip
    "reserved",  # promised to a customer, not yet moving
    "charging",
    "stopped",  # halted during a trip
    "needs_help",  # stuck, tipped over, blocked: a person must act
    "out_of_service",  # maintenance, not for hire
    "out_of_contact",  # its supplier says it cannot reach it
    "removed",  # not in the street: removed, missing, elsewhere
    "unknown",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind: the single place where its meaning is written."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    audience: str = STAFF
    history: bool = False
    values: tuple[str, ...] = ()
    decimals: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        return _DTYPES[self.type]


_DTYPES: dict[str, np.dtype[Any]] = {
    "text": np.dtype(object),
    "choice": np.dtype(object),
    "flag": np.dtype(object),
    "number": np.dtype(np.float64),
    "time": np.dtype("datetime64[ms]"),
}


@dataclass(frozen=True)
class Kind:
    """A sort of thing: its columns, and which of them names a row."""

    name: str
    title: str
    meaning: str
    key: str
    columns: tuple[Column, ...]
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", MappingProxyType({c.name: c for c in self.columns}))
        if self.key not in self.by_name:
            raise ValueError(f"kind {self.name}: its key {self.key!r} is not one of its columns")

    def columns_for(self, audiences: Iterable[str]) -> tuple[Column, ...]:
        """Columns that somebody holding these audiences may see, in order."""
        held = set(audiences)
        if STAFF in held:
            held.add(PUBLIC)
        return tuple(c for c in self.columns if c.audience in held)


def _c(name: str, type_: ColumnType, meaning: str, **more: Any) -> Column:
    return Column(name, type_, meaning, **more)


VEHICLE = Kind(
    "vehicle",
    "Vehicles",
    "Anything that moves and reports a position: robots, shuttles, buses, drones, scooters.",
    "vehicle_key",
    (
        _c("vehicle_key", "text", "Feed name and the feed's own row identity: unique in the city"),
        _c("vehicle_id", "text", "Identity the supplier gives the vehicle", history=True),
        _c("label", "text", "What people call it: fleet number or name painted on it"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("vehicle_type", "choice", "Sort of vehicle", audience=PUBLIC, values=VEHICLE_TYPES, history=True),
        _c("operator", "text", "Who runs it: NOC code of a bus operator, provider id of a robot fleet"),
        _c("latitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5, history=True),
        _c("longitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5, history=True),
        _c("altitude_m", "number", "Height above mean sea level", unit="m", history=True),
        _c("accuracy_m", "number", "Horizontal accuracy of the position", unit="m"),
        _c("heading_deg", "number", "Direction of travel, clockwise from true north", unit="deg", audience=PUBLIC),
        _c(
            "heading_source",
            "choice",
            "Where the heading is from. Some suppliers always send a bearing, so a reported 0 may mean "
            "north or nothing: then it is `ambiguous` until movement settles it",
            values=("reported", "movement", "ambiguous"),
        ),
        _c("speed_kmh", "number", "Speed over ground", unit="km/h", decimals=1, history=True),
        _c("speed_source", "choice", "Where the speed is from", values=("reported", "movement")),
        _c("odometer_m", "number", "Distance travelled, as the vehicle counts it", unit="m"),
        _c("battery_percent", "number", "Charge of the battery, 0 to 100", unit="%", audience=PUBLIC, history=True),
        _c(
            "state",
            "choice",
            "What it is doing, in the city's words",
            audience=PUBLIC,
            values=VEHICLE_STATES,
            history=True,
        ),
        _c("state_reported", "text", "The same in the supplier's own word"),
        _c("state_reason", "text", "Why it is in that state, where the supplier says"),
        _c("observed_at", "time", "When the position was true, by the source's clock", audience=PUBLIC, history=True),
        _c("received_at", "time", "When the answer that brought this row reached us"),
        _c("route_id", "text", "Route, as the timetable names it", audience=PUBLIC, history=True),
        _c("route_name", "text", "Route, as passengers know it", audience=PUBLIC),
        _c("trip_id", "text", "Trip or journey it is on", history=True),
        _c("trip_start_date", "text", "Service day of the trip, YYYY-MM-DD in local time"),
        _c("trip_start_time", "text", "Start of the trip, HH:MM:SS of the service day; may pass 24:00:00"),
        _c("direction", "text", "Direction of the trip, as the supplier writes it"),
        _c("origin", "text", "First stop of the trip"),
        _c("destination", "text", "Where it is going", audience=PUBLIC),
        _c("stop_id", "text", "Stop it is at or heading for"),
        _c(
            "stop_status",
            "choice",
            "How it stands to that stop",
            values=("incoming_at", "stopped_at", "in_transit_to"),
        ),
        _c("delay_s", "number", "Lateness; negative when early", unit="s", history=True),
        _c("occupancy", "text", "How full it is, in the standard's word", audience=PUBLIC),
        _c("passengers", "number", "People on board", unit="people", history=True),
        _c("locality", "text", "Estate, village or town it is in (nearest named place)", audience=PUBLIC, history=True),
    ),
)

TRIP = Kind(
    "trip",
    "Trips",
    "A journey of public transport as its live timetable predicts it.",
    "trip_key",
    (
        _c("trip_key", "text", "Feed name and the feed's own row identity"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("trip_id", "text", "Trip, as the timetable names it", audience=PUBLIC, history=True),
        _c("route_id", "text", "Route, as the timetable names it", audience=PUBLIC, history=True),
        _c("direction", "text", "Direction of the trip"),
        _c("trip_start_date", "text", "Service day, YYYY-MM-DD in local time"),
        _c("trip_start_time", "text", "Start, HH:MM:SS of the service day; may pass 24:00:00"),
        _c("vehicle_id", "text", "Vehicle that runs it"),
        _c(
            "schedule_relationship",
            "choice",
            "How it stands to the timetable",
            audience=PUBLIC,
            values=(
                "scheduled",
                "added",
                "unscheduled",
                "canceled",
                "replacement",
                "duplicated",
                "deleted",
                "new",
            ),
            history=True,
        ),
        _c(
            "delay_s",
            "number",
            "Lateness at the next stop; negative when early",
            unit="s",
            audience=PUBLIC,
            history=True,
        ),
        _c("next_stop_id", "text", "Next stop that the update speaks of", audience=PUBLIC),
        _c("next_stop_at", "time", "Predicted time at that stop; unknown in delay-only feeds", audience=PUBLIC),
        _c("stops_total", "number", "Stops in the update", unit="stops"),
        _c("stops_skipped", "number", "Stops that will not be served", unit="stops", audience=PUBLIC),
        _c("stops_no_data", "number", "Stops of which the source knows nothing", unit="stops"),
        _c("observed_at", "time", "When the prediction was made, by the source's clock", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

DISRUPTION = Kind(
    "disruption",
    "Disruptions",
    "Something that changes how people can travel: an alert, a cancellation, later a roadwork.",
    "disruption_key",
    (
        _c("disruption_key", "text", "Feed name and the feed's own row identity"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("disruption_id", "text", "Identity the supplier gives it", history=True),
        _c("title", "text", "Headline, one line", audience=STAFF),
        _c("description", "text", "Full text", audience=STAFF),
        _c("cause", "text", "Cause, in the standard's word", audience=PUBLIC),
        _c("effect", "text", "Effect, in the standard's word", audience=PUBLIC),
        _c("severity", "text", "Severity, in the standard's word", audience=PUBLIC),
        _c("active_from", "time", "Start of the period that counts now or next; unknown is 'always'", audience=PUBLIC),
        _c("active_until", "time", "End of that period; unknown is open-ended", audience=PUBLIC),
        _c("is_active", "flag", "Whether it is in force at the time of receipt", audience=PUBLIC),
        _c("periods", "number", "Active periods the source lists", unit="periods"),
        _c("routes", "text", "Routes it informs, separated by spaces", audience=PUBLIC),
        _c("stops", "text", "Stops it informs, separated by spaces", audience=PUBLIC),
        _c("url", "text", "Where the supplier says more (https or http only)"),
        _c("language", "text", "Language of title and description, where stated"),
        _c("observed_at", "time", "When it was published, by the source's clock", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

FEED_STATES = ("waiting", "fresh", "ageing", "stale", "failing", "unknown")

FEED = Kind(
    "feed",
    "Feeds",
    "Our own knowledge of each feed: is it alive, fresh and valid.",
    "feed",
    (
        _c("feed", "text", "Name of the feed", audience=STAFF),
        _c("title", "text", "What it carries, in words"),
        _c("supplier", "text", "Who publishes it"),
        _c("adapter", "text", "Standard it speaks"),
        _c("state", "choice", "How it stands", audience=STAFF, values=FEED_STATES, history=True),
        _c("every_s", "number", "How often we ask", unit="s"),
        _c("asked_at", "time", "When we last asked"),
        _c("succeeded_at", "time", "When we last got a valid answer", history=True),
        _c("published_at", "time", "When the supplier says it built that answer"),
        _c("observed_at", "time", "Newest observation among its rows", history=True),
        _c("failures", "number", "Failed polls since the last good one", unit="polls", history=True),
        _c("reason", "text", "Named reason of the last failure"),
        _c("detail", "text", "What was wrong, where, with the first offending value"),
        _c("rows", "number", "Rows in the last good answer", unit="rows", history=True),
        _c("rejected", "number", "Rows rejected from it", unit="rows", history=True),
        _c("latency_ms", "number", "Time to answer", unit="ms", history=True),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({k.name: k for k in (VEHICLE, TRIP, DISRUPTION, FEED)})


def unknown(column: Column, size: int) -> np.ndarray:
    """An array of that many unknowns: NaN, NaT or None, as the type has it."""
    if column.type == "number":
        return np.full(size, np.nan)
    if column.type == "time":
        return np.full(size, np.datetime64("NaT", "ms"))
    return np.full(size, None, dtype=object)


def text_array(values: Sequence[str | None]) -> np.ndarray:
    """A text column; numpy would otherwise make fixed-width text of it."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def to_ms(moment: datetime) -> np.datetime64:
    """An aware datetime as the tables hold it.

    Raises:
        ValueError: the datetime is naive; a time without a zone is a guess.
    """
    if moment.tzinfo is None:
        raise ValueError(f"time {moment!r} has no zone; times here are aware UTC")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ms")


def from_ms(moment: np.datetime64) -> datetime | None:
    """The aware UTC datetime of a table's time; None for unknown."""
    if np.isnat(moment):
        return None
    return datetime.fromtimestamp(int(moment.astype("datetime64[ms]").astype(np.int64)) / 1000, UTC)


@dataclass(frozen=True)
class Table:
    """Rows of one kind, a column at a time. Never changed after it is made.

    Columns that nobody filled are absent from `columns`; reading one gives
    unknowns. `table["speed_kmh"]` is the array, `len(table)` the rows.
    """

    kind: Kind
    columns: Mapping[str, np.ndarray]
    size: int

    @staticmethod
    def of(kind: Kind, columns: Mapping[str, Any]) -> Table:
        """A table from columns of equal length.

        Raises:
            ValueError: a column is not in the dictionary, has another length
                than its key, or holds values of another type.
        """
        size = len(columns[kind.key])
        made: dict[str, np.ndarray] = {}
        for name, values in columns.items():
            column = kind.by_name.get(name)
            if column is None:
                raise ValueError(f"kind {kind.name} has no column {name!r}; see control_room/model.py")
            if len(values) != size:
                raise ValueError(f"{kind.name}.{name} has {len(values)} values, its key has {size}")
            array = values if isinstance(values, np.ndarray) else _as_array(column, values)
            if array.dtype != column.dtype:
                array = array.astype(column.dtype)
            array.setflags(write=False)
            made[name] = array
        return Table(kind, MappingProxyType(made), size)

    @staticmethod
    def empty(kind: Kind) -> Table:
        return Table.of(kind, {kind.key: np.empty(0, dtype=object)})

    @property
    def keys(self) -> np.ndarray:
        return self.columns[self.kind.key]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, name: str) -> np.ndarray:
        found = self.columns.get(name)
        return unknown(self.kind.by_name[name], self.size) if found is None else found

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def take(self, rows: np.ndarray) -> Table:
        """The rows at these positions (or where this mask is true), in order."""
        return Table.of(self.kind, {n: a[rows] for n, a in self.columns.items()})

    def with_columns(self, **columns: Any) -> Table:
        return Table.of(self.kind, {**self.columns, **columns})

    def to_records(self) -> list[dict[str, Any]]:
        """Rows as plain dicts for JSON: None for unknown, times in ISO 8601 with Z."""
        plain = {name: _plain(self.kind.by_name[name], a) for name, a in self.columns.items()}
        names = [c.name for c in self.kind.columns if c.name in plain]
        return [dict(zip(names, row, strict=True)) for row in zip(*(plain[n] for n in names), strict=True)]

    def to_frame(self) -> pd.DataFrame:
        """The same as a pandas frame, for panels and analysis; times aware UTC."""
        frame = pd.DataFrame(dict(self.columns))
        for column in self.kind.columns:
            if column.type == "time" and column.name in frame:
                frame[column.name] = frame[column.name].dt.tz_localize("UTC")
        return frame


def _as_array(column: Column, values: Sequence[Any]) -> np.ndarray:
    if column.type == "time":
        made = [None if v is None else (to_ms(v) if isinstance(v, datetime) else v) for v in values]
        return np.array(made, dtype="datetime64[ms]")
    if column.type == "number":
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    return text_array(values)


def _plain(column: Column, array: np.ndarray) -> list[Any]:
    if column.type == "time":
        texts = np.datetime_as_string(array, unit="ms")
        return [None if t == "NaT" else f"{t.removesuffix('.000')}Z" for t in texts.tolist()]
    if column.type == "number":
        return [None if v != v else v for v in array.tolist()]
    plain: list[Any] = array.tolist()
    return plain


@dataclass(frozen=True)
class Batch:
    """What one answer of one feed said about one kind.

    Attributes:
        rejects: rows left out, counted by named reason.
        warnings: rows kept although something about them was odd, likewise.
        published_at: when the supplier built the answer; None where it does
            not say or cannot be believed.
        offending: the first bad value for each reject reason, for the log.
        complete: whether the answer lists all that exist (a row missing from
            it is gone or silent) or only what changed.
    """

    kind: Kind
    feed: str
    table: Table
    received_at: datetime
    published_at: datetime | None = None
    rejects: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    offending: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True)
class FeedHealth:
    """How one feed stands. Kept by the writer, shown on every screen."""

    feed: str
    title: str
    supplier: str
    adapter: str
    every_s: float
    ageing_after_s: float
    stale_after_s: float
    asked_at: datetime | None = None
    succeeded_at: datetime | None = None
    published_at: datetime | None = None
    observed_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    reason: str | None = None
    detail: str | None = None
    rows: int = 0
    rejects: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    offending: Mapping[str, str] = field(default_factory=dict)
    latency_ms: float | None = None

    def state(self, now: datetime) -> str:
        """One of FEED_STATES at that moment.

        Freshness is judged from the newest observation, not from the header: a
        fresh header over stale rows is the commonest fault of real feeds.
        """
        if self.failures:
            return "failing"
        if self.succeeded_at is None:
            return "waiting"
        # A valid empty answer has no observation; then the answer itself is the news.
        newest = self.observed_at or (self.succeeded_at if self.rows == 0 else None)
        if newest is None:
            return "unknown"
        age = (now - newest).total_seconds()
        if age > self.stale_after_s:
            return "stale"
        return "ageing" if age > self.ageing_after_s else "fresh"

    def changed(self, **values: Any) -> FeedHealth:
        return replace(self, **values)


@dataclass(frozen=True)
class Snapshot:
    """The city at one moment, as far as we know it. Immutable; readers share it.

    Attributes:
        tables: all rows of each kind.
        feeds: how each feed stands.
        parts: the same rows by (kind, feed), which is how the writer renews them.
    """

    version: int
    at: datetime
    tables: Mapping[str, Table]
    feeds: Mapping[str, FeedHealth]
    parts: Mapping[tuple[str, str], Table] = field(default_factory=dict, repr=False)

    @staticmethod
    def empty(at: datetime, feeds: Iterable[FeedHealth] = ()) -> Snapshot:
        tables = {name: Table.empty(kind) for name, kind in KINDS.items() if name != "feed"}
        return Snapshot(0, at, MappingProxyType(tables), MappingProxyType({f.feed: f for f in feeds}))
