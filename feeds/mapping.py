"""The one engine by which generic adapters turn a supplier's fields into the city's columns.

A mapping is data in a feed file: typed, closed and checked when the file is
read. No text of it is ever evaluated. `docs/mapping.md` is its manual.

Missing stays unknown. A value that cannot be read makes a column unknown and is
counted (`speed_kmh_unreadable`), unless the row means nothing without it: then
the row is left out under a named reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import ValidationError

from control_room.model import KINDS, Batch, Column, Table, to_ms
from feeds.checks import Tally, batch_of, find_position_fault, is_ahead, keep_newest
from feeds.feed import Feed, PayloadError
from feeds.mapped.options import IDENTITIES, MappingOptions, Source, list_words, quantity_unit, say
from feeds.mapped.values import (
    Leaf,
    Record,
    find_leaf,
    is_personal,
    read_flag,
    read_moment,
    read_number,
    read_point,
    read_words,
)
from feeds.quantities import is_suspect
from feeds.text import clean_text
from feeds.units import convert, find_unit

__all__ = [
    "Leaf",
    "MappingOptions",
    "Reading",
    "Record",
    "build_batch",
    "check",
    "list_mapped",
    "list_unlisted",
    "parse",
    "read_record",
]

Row = dict[str, Any]
Options = TypeVar("Options", bound=MappingOptions)

MAX_ID: Final = 120
# What a column can hold, beyond its unit's own range. A value outside is another unit or a sentinel.
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "speed_kmh": (0, 360),
    "heading_deg": (0, 360),
    "signal_rsrp_dbm": (-160, -20),
    "altitude_m": (-500, 20_000),
    "accuracy_m": (0, 100_000),
    "delay_s": (-86_400, 86_400),
}
_UNIT_RANGES: Final[Mapping[str, tuple[float, float]]] = {"%": (0, 100), "people": (0, 100_000)}
_POSITION: Final = ("latitude", "longitude")
# Kinds of which a row without a position is no news.
_MUST_STAND: Final = frozenset({"vehicle"})


class _Refused(Exception):
    """A row that cannot be used: its reason and first bad value."""

    def __init__(self, reason: str, value: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


def check(model: type[Options], options: Mapping[str, Any]) -> Options:
    """A feed's options as this adapter understands them.

    Raises:
        ValueError: one sentence that names the field and what would be right.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        raise ValueError(say(error)) from None


def parse(model: type[Options], feed: Feed) -> Options:
    """The same when an answer is read, for feeds that no feed file declared.

    Raises:
        PayloadError: options_wrong.
    """
    try:
        return check(model, feed.options)
    except ValueError as error:
        raise PayloadError("options_wrong", f"feed {feed.name}: options: {error}; see docs/mapping.md") from None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one record is read with."""

    options: MappingOptions
    feed: Feed
    received_at: datetime

    def zone(self, source: Source) -> ZoneInfo:
        return ZoneInfo(source.zone or self.options.zone or "Europe/London")


def read_record(record: Record, reading: Reading, tally: Tally) -> list[Row]:
    """The rows of one record: one, or one a quantity; none, and counted, where it cannot be used."""
    # Nothing is warned of a record that is refused after all.
    doubts = Tally()
    try:
        row = _read_columns(record, reading, doubts)
        rows = _read_quantities(record, row, reading, doubts) if reading.options.kind == "environment" else [row]
    except _Refused as refused:
        tally.reject(refused.reason, _hide_personal(refused.value))
        return []
    tally.warnings.update(doubts.warnings)
    for reason, count in doubts.rejects.items():
        tally.reject(reason, _hide_personal(doubts.offending[reason]))
        tally.rejects[reason] += count - 1
    return rows


def _hide_personal(value: object) -> object:
    """What the log may show of a bad value: a telephone number in a column of counts is one all the same."""
    return "(personal data)" if isinstance(value, str) and is_personal(value) else value


def list_unlisted(names: Iterable[str], options: MappingOptions) -> set[str]:
    """Those field names that the mapping does not speak of: dropped, and told as `unlisted_field`."""
    known = {name for source in (*options.mapping.values(), *options.quantities.values()) for name in source.attr}
    listed = known | {name.removesuffix("@observedAt") for name in known} | set(options.ignore)
    return set(names) - listed - {name.partition(".")[0] for name in listed}


def list_mapped(options: MappingOptions) -> list[tuple[str, str]]:
    """The published list of a feed that comes by a mapping: what the mapping speaks of, `ignore` included.

    A list of its own (`published_fields`) counts instead, and what is mapped and not on it is dropped.
    """
    sources = (*options.mapping.values(), *options.quantities.values())
    names = {name.removesuffix("@observedAt") for source in sources for name in source.attr} | set(options.ignore)
    # Of `location.coordinates.0` the first name is the field; a name that holds dots itself is one as well.
    return [
        (f"**.{part}.**", "") for name in sorted(names) for part in {name.partition(".")[0], name.replace(".", "_")}
    ]


def build_batch(rows: list[Row], options: MappingOptions, feed: Feed, received_at: datetime, tally: Tally) -> Batch:
    """All rows of one poll as a batch; of a thing that came twice the newest is kept."""
    kind = KINDS[options.kind]
    identity = IDENTITIES[kind.name]
    for row in rows:
        about = f":{row['quantity']}" if kind.name == "environment" else ""
        row[kind.key] = f"{feed.name}:{row[identity]}{about}"
    rows = keep_newest(rows, kind.key, tally)
    names = {name: None for row in rows for name in row}
    columns: dict[str, Any] = {kind.key: [], **{name: [row.get(name) for row in rows] for name in names}}
    columns["feed"] = [feed.name] * len(rows)
    columns["received_at"] = np.full(len(rows), to_ms(received_at))
    return batch_of(kind, Table.of(kind, columns), feed, received_at, tally)


def _read_columns(record: Record, reading: Reading, tally: Tally) -> Row:
    options = reading.options
    kind = KINDS[options.kind]
    identity = IDENTITIES[kind.name]
    row: Row = {}
    for name, source in options.mapping.items():
        if name == "value" and kind.name == "environment":
            continue
        row[name] = _read_column(kind.by_name[name], source, record, reading, tally)
    if row[identity] is None:
        raise _Refused("id_missing", "no identity")
    if len(row[identity]) > MAX_ID:
        raise _Refused("id_too_long", row[identity])
    _check_position(row, kind.name, tally)
    row["observed_at"] = row.get("observed_at")
    if row["observed_at"] is None and not any(s.attr for s in options.quantities.values()):
        tally.warn("time_missing")
    if kind.name == "vehicle":
        _finish_vehicle(row, reading.feed)
    return row


def _finish_vehicle(row: Row, feed: Feed) -> None:
    row["vehicle_type"] = row.get("vehicle_type") or feed.vehicle_type
    row["state"] = row.get("state") or "unknown"
    if row.get("speed_kmh") is not None:
        row["speed_source"] = "reported"
    if row.get("heading_deg") is not None:
        row["heading_deg"] %= 360
        # Some suppliers always send a bearing: 0 may be north or nothing, until movement settles it.
        row["heading_source"] = "reported" if row["heading_deg"] else "ambiguous"


def _check_position(row: Row, kind: str, tally: Tally) -> None:
    if not any(name in row for name in _POSITION):
        if kind in _MUST_STAND:
            raise _Refused("position_missing", "not mapped")
        return
    fault = find_position_fault(row.get("latitude"), row.get("longitude"))
    if fault == "position_missing" and kind not in _MUST_STAND:
        row["latitude"] = row["longitude"] = None
        tally.warn(fault)
    elif fault is not None:
        raise _Refused(fault, f"{row.get('latitude')}, {row.get('longitude')}")


def _read_quantities(record: Record, row: Row, reading: Reading, tally: Tally) -> list[Row]:
    options = reading.options
    if not options.quantities:
        return [_read_long(record, row, options, tally)]
    rows = []
    for name, source in options.quantities.items():
        leaf = _find(record, source, options)
        if leaf is None:
            continue
        try:
            value, unit = _read_amount(leaf, source, name, options)
            observed_at = _read_own_time(leaf, source, reading, tally) or row["observed_at"]
        except _Refused as refused:
            tally.reject(refused.reason, refused.value)
            continue
        if observed_at is None:
            tally.warn("time_missing")
        rows.append(_measured(row, name, value, unit) | {"observed_at": observed_at})
    if not rows and not tally.rejects:
        raise _Refused("quantities_missing", row["station_id"])
    return rows


def _read_long(record: Record, row: Row, options: MappingOptions, tally: Tally) -> Row:
    """A record that names its quantity itself."""
    if row["quantity"] is None:
        raise _Refused("quantity_missing", row["station_id"])
    source = options.mapping["value"]
    leaf = _find(record, source, options)
    if leaf is None:
        raise _Refused("value_missing", row["quantity"])
    stated = leaf.unit if leaf.unit is not None else row.get("unit")
    value, unit = _read_amount(Leaf(leaf.value, stated), source, row["quantity"], options)
    return _measured(row, row["quantity"], value, unit)


def _measured(row: Row, quantity: str, value: float, unit: str) -> Row:
    suspect = is_suspect(quantity, value, unit)
    return {**row, "quantity": quantity, "value": value, "unit": unit or None, "is_suspect": suspect}


def _read_amount(leaf: Leaf, source: Source, quantity: str, options: MappingOptions) -> tuple[float, str]:
    """A measured value in the unit it is shown in, and that unit ("" for a plain count)."""
    number = read_number(_single(leaf.value), options.decimal_comma)
    if number is None:
        raise _Refused("value_unreadable", f"{quantity}: {clean_text(str(leaf.value)[:200], 60)}")
    number *= source.scale
    shown = quantity_unit(quantity, source)
    arrives = find_unit(leaf.unit) if leaf.unit is not None else find_unit(source.unit) or shown
    if leaf.unit is not None and arrives is None:
        if shown is None:
            # A quantity of the supplier's own, in its own unit: shown as it is said.
            return number, clean_text(leaf.unit, 20) or ""
        raise _Refused("unit_unknown", f"{quantity}: {leaf.unit}")
    if arrives is None:
        return number, ""
    shown = shown or arrives
    converted = convert(number, arrives, shown)
    if converted is None:
        raise _Refused("unit_unfit", f"{quantity}: {arrives.name} is not {shown.name or 'a plain number'}")
    return converted, shown.name


def _read_own_time(leaf: Leaf, source: Source, reading: Reading, tally: Tally) -> datetime | None:
    """The time that the answer gives for this very field; None where it gives none."""
    if leaf.observed_at is None:
        return None
    return _read_time(leaf.observed_at, source, reading, tally, "iso")


def _find(record: Record, source: Source, options: MappingOptions) -> Leaf | None:
    """The first field of the source that is there and holds something."""
    for path in source.attr:
        leaf = find_leaf(record, path)
        if leaf is None or leaf.value is None:
            continue
        if isinstance(leaf.value, str) and leaf.value.strip() in options.missing:
            continue
        return leaf
    return None


def _single(value: object) -> object:
    """The one element of a list of one; anything else as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _read_column(column: Column, source: Source, record: Record, reading: Reading, tally: Tally) -> Any:
    if source.constant is not None:
        return source.constant if column.type != "number" else read_number(source.constant)
    leaf = _find(record, source, reading.options)
    if leaf is None:
        return None
    if column.type == "time":
        return _read_time(leaf.value, source, reading, tally)
    if column.type == "number":
        return _read_number_column(column, leaf, source, reading, tally)
    if column.type == "flag":
        flag = read_flag(_translate(leaf.value, source) or leaf.value)
        if flag is None:
            tally.warn(f"{column.name}_unreadable")
        return flag
    return _read_text(column, leaf, source, tally)


def _read_time(
    value: object, source: Source, reading: Reading, tally: Tally, pattern: str | None = None
) -> datetime | None:
    pattern = pattern or source.time_format or reading.options.time_format
    moment, assumed = read_moment(_single(value), pattern, reading.zone(source), reading.received_at)
    if moment is None:
        raise _Refused("time_unreadable", str(value)[:200])
    if is_ahead(moment, reading.received_at):
        raise _Refused("time_in_future", str(value)[:200])
    if assumed and not (source.zone or reading.options.zone):
        tally.warn("time_without_zone")
    return moment


def _read_number_column(column: Column, leaf: Leaf, source: Source, reading: Reading, tally: Tally) -> float | None:
    part = source.part or (column.name if column.name in _POSITION else "altitude")
    point = read_point(leaf.value, part)
    if point is not None:
        number, of_shape = point
        if of_shape and column.name == "latitude":
            tally.warn("position_of_shape")
        if number is None and column.name in _POSITION:
            raise _Refused("position_unreadable", str(leaf.value)[:200])
        return number
    number = read_number(_single(leaf.value), reading.options.decimal_comma)
    if number is None:
        if column.name in _POSITION:
            raise _Refused("position_unreadable", str(leaf.value)[:200])
        tally.warn(f"{column.name}_unreadable")
        return None
    return _fit_number(column, number * source.scale, leaf.unit, source, tally)


def _fit_number(column: Column, number: float, stated: str | None, source: Source, tally: Tally) -> float | None:
    """The number in the column's unit and range; None, and counted, where it is not."""
    ours = find_unit(column.unit) if column.unit else None
    arrives = find_unit(stated) if stated is not None else find_unit(source.unit)
    if ours is not None and (arrives is not None or stated is not None):
        converted = convert(number, arrives, ours) if arrives is not None else None
        if converted is None:
            tally.warn(f"{column.name}_unit_unfit")
            return None
        number = converted
    low, high = _RANGES.get(column.name) or _UNIT_RANGES.get(column.unit) or (-1e15, 1e15)
    if not low <= number <= high and column.name not in _POSITION:
        tally.warn(f"{column.name}_out_of_range")
        return None
    return number


def _translate(value: object, source: Source) -> str | None:
    """Our word for the supplier's, upper or lower case alike; None where the mapping has none."""
    said = read_words(_single(value))
    if said is None or not source.values:
        return None
    said = said.strip()
    return source.values.get(said) or {k.casefold(): v for k, v in source.values.items()}.get(said.casefold())


def _read_text(column: Column, leaf: Leaf, source: Source, tally: Tally) -> str | None:
    value = leaf.value
    if isinstance(value, list) and len(value) > 1:
        tally.warn("several_values")
        value = value[0]
    said = read_words(_single(value))
    if said is None:
        tally.warn(f"{column.name}_unreadable")
        return None
    translated = _translate(value, source)
    if column.type == "choice" or (column.name == "quantity" and source.values):
        word = translated or (said if said in list_words(column) else None)
        if word is None:
            tally.warn(f"{column.name}_word_unknown")
        return word
    text = clean_text(
        translated or said.removeprefix(source.strip_prefix), 1000 if column.name == "description" else 200
    )
    if text is not None and is_personal(text):
        # The value is what must not be kept: the log says which column, never what stood there.
        raise _Refused("personal_data", f"in {column.name}")
    return text
