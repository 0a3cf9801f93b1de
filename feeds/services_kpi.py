"""How online processes and integrations do: key performance indicators of a context broker.

Source   NGSI-LD 1.x, type KeyPerformanceIndicator of the Smart Data Models, GET /ngsi-ld/v1/entities
         ?type=KeyPerformanceIndicator&limit=…; normalised, concise or key-values
Cadence  asked every minute or two; pages by limit and offset until one is short
Units    shares in percent (unitCode P1), ratios 0 to 1 are multiplied; times in ms (unitCode C26) or s (SEC)
Gaps     an indicator nobody sent stays unknown; 0 failures is good news
Naming   an indicator belongs to the service that `process` or `integration` names, else to itself; several
         indicators of one service become one row, and its state is the worst of them

`docs/feeds/services_kpi.md` lists attributes, reasons and oddities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from control_room.model import SERVICE, Batch, Table, to_ms
from feeds.checks import Tally, batch_of, is_ahead, refuse_too_many
from feeds.council.rows import read_number, read_word
from feeds.feed import Adapter, Feed
from feeds.iso_times import read_time
from feeds.mapped.values import Leaf
from feeds.ngsi.entities import Entity, Page, decode, read_entity
from feeds.ngsi_ld import next_url

TYPE: Final = "KeyPerformanceIndicator"
_STANDINGS: Final[Mapping[str, str]] = {
    "very good": "up",
    "good": "up",
    "fair": "degraded",
    "bad": "failing",
    "very bad": "failing",
    # Words that brokers of our own kind may say outright.
    "up": "up",
    "degraded": "degraded",
    "failing": "failing",
    "down": "failing",
}
_WORSE: Final = ("unknown", "up", "degraded", "failing")
_TIMES: Final = ("calculationDate", "updatedAt", "dateModified", "dateObserved", "observedAt")
# unitCode (UN/CEFACT) -> column that a bare kpiValue of that unit fills, and its factor.
_BY_UNIT: Final[Mapping[str, tuple[str, float]]] = {
    "P1": ("online_share_percent", 1.0),
    "%": ("online_share_percent", 1.0),
    "C26": ("response_ms", 1.0),
    "ms": ("response_ms", 1.0),
    "SEC": ("response_ms", 1000.0),
}
COLUMNS: Final = ("online_share_percent", "transactions", "failures", "response_ms")
Row = dict[str, Any]


def observe(decoded: Sequence[Page], feed: Feed, received_at: datetime) -> list[Batch]:
    """Services in the city's words.

    Raises:
        PayloadError: too_many_rows.
    """
    refuse_too_many(sum(len(page.entities) for page in decoded), feed, "entities")
    tally = Tally()
    services: dict[str, Row] = {}
    seen: set[str] = set()
    for item in (item for page in decoded for item in page.entities):
        entity = read_entity(item)
        if entity is None:
            tally.reject("entity_unreadable", type(item).__name__)
        elif entity.type != TYPE:
            tally.reject("type_unknown", entity.type)
        elif entity.id in seen:
            tally.reject("duplicate", entity.id)
        elif (row := _read_service(entity, received_at, tally)) is not None:
            seen.add(entity.id)
            known = services.get(row["service_id"])
            services[row["service_id"]] = row if known is None else _join(known, row, tally)
    return [_build_batch(list(services.values()), feed, received_at, tally)]


def _read_service(entity: Entity, received_at: datetime, tally: Tally) -> Row | None:
    """One indicator as a row without its key; None, and counted, when it lies in the future."""
    doubts = Tally()
    identity = read_word(entity.id, 200)
    observed = _read_time(entity, received_at, doubts)
    if observed is not None and is_ahead(observed, received_at):
        tally.reject("time_in_future", identity)
        return None
    process, integration = (read_word(_value(entity, name), 120) for name in ("process", "integration"))
    row: Row = {
        "service_id": process or integration or identity,
        "title": process or integration or read_word(_value(entity, "name"), 120),
        "service_type": "process" if process else "integration" if integration else "service",
        "state": _read_state(entity, doubts),
        "online_share_percent": _read_share(entity.record.get("onlineShare"), doubts),
        "transactions": _read_count(entity, "transactions", doubts),
        "failures": _read_count(entity, "failures", doubts),
        "response_ms": _read_response(entity.record.get("responseTime"), doubts),
        "observed_at": observed,
    }
    _fill_from_value(row, entity.record.get("kpiValue"), doubts)
    if row["failures"] is not None and row["transactions"] is not None and row["failures"] > row["transactions"]:
        doubts.warn("failures_over_transactions")
    tally.warnings.update(doubts.warnings)
    for oddity in entity.oddities:
        tally.warn(oddity)
    return row


def _value(entity: Entity, name: str) -> Any:
    leaf = entity.record.get(name)
    return None if leaf is None else leaf.value


def _read_time(entity: Entity, received_at: datetime, doubts: Tally) -> datetime | None:
    """When it was worked out: a date of the entity, else the newest `observedAt` of its values."""
    said = next((v for name in _TIMES if isinstance(v := _value(entity, name), str) and v.strip()), None)
    if said is None:
        stated = [leaf.observed_at for leaf in entity.record.values() if isinstance(leaf.observed_at, str)]
        found = [m for text in stated if (m := read_time(text)) is not None and m.tzinfo is not None]
        if not found:
            doubts.warn("time_missing")
        return max(found, default=None)
    moment = read_time(said)
    if moment is None or moment.tzinfo is None:
        doubts.warn("time_unreadable" if moment is None else "time_without_offset")
        return None
    return moment


def _read_state(entity: Entity, doubts: Tally) -> str:
    said = _value(entity, "currentStanding")
    if said is None:
        return "unknown"
    state = _STANDINGS.get(said.strip().lower()) if isinstance(said, str) else None
    if state is None:
        doubts.warn("standing_unknown")
    return state or "unknown"


def _read_share(leaf: Leaf | None, doubts: Tally) -> float | None:
    """Percent. Without a unit, or with that of a plain number, 0 to 1 is a ratio."""
    if leaf is None or leaf.value is None:
        return None
    number = read_number(leaf.value)
    if number is not None and leaf.unit not in ("P1", "%") and 0 <= number <= 1:
        doubts.warn("share_as_ratio")
        number *= 100
    if number is None or not 0 <= number <= 100:
        doubts.warn("share_out_of_range" if number is not None else "share_unreadable")
        return None
    return number


def _read_count(entity: Entity, name: str, doubts: Tally) -> float | None:
    value = _value(entity, name)
    if value is None:
        return None
    number = read_number(value)
    if number is None or not 0 <= number <= 1e12:
        doubts.warn(f"{name}_unreadable")
        return None
    return number


def _read_response(leaf: Leaf | None, doubts: Tally) -> float | None:
    if leaf is None or leaf.value is None:
        return None
    number = read_number(leaf.value)
    if number is None or not 0 <= number <= 1e9:
        doubts.warn("response_unreadable")
        return None
    return number * (1000.0 if leaf.unit == "SEC" else 1.0)


def _fill_from_value(row: Row, leaf: Leaf | None, doubts: Tally) -> None:
    """A bare `kpiValue` tells by its unit what it measures; one without a unit is not guessed at."""
    if leaf is None or leaf.value is None:
        return
    column, factor = _BY_UNIT.get(leaf.unit or "", (None, 1.0))
    number = read_number(leaf.value)
    if column is None or number is None or number < 0 or (column == "online_share_percent" and number > 100):
        doubts.warn("kpi_value_unused")
    elif row[column] is None:
        row[column] = number * factor


def _join(known: Row, other: Row, tally: Tally) -> Row:
    """Two indicators of one service as one row; of what both tell the newer counts."""
    times = [row["observed_at"] for row in (known, other) if row["observed_at"] is not None]
    newer, older = (known, other) if _is_newer(known, other) else (other, known)
    if any(newer[name] is not None and older[name] is not None for name in COLUMNS):
        tally.warn("indicator_twice")
    joined = {name: older[name] if value is None else value for name, value in newer.items()}
    joined["state"] = max(known["state"], other["state"], key=_WORSE.index)
    joined["observed_at"] = max(times, default=None)
    return joined


def _is_newer(one: Row, other: Row) -> bool:
    return one["observed_at"] is not None and (
        other["observed_at"] is None or one["observed_at"] > other["observed_at"]
    )


def _build_batch(rows: Sequence[Row], feed: Feed, received_at: datetime, tally: Tally) -> Batch:
    names = ("service_id", "title", "service_type", "state", *COLUMNS, "observed_at")
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
    columns["service_key"] = [f"{feed.name}:{row['service_id']}" for row in rows]
    columns["feed"] = [feed.name] * len(rows)
    columns["received_at"] = np.full(len(rows), to_ms(received_at))
    return batch_of(SERVICE, Table.of(SERVICE, columns), feed, received_at, tally)


# No `looks_like` of its own: a bare file of entities belongs to the generic adapter of NGSI-LD.
ADAPTER = Adapter(
    name="services_kpi",
    accept="application/ld+json, application/json",
    decode=decode,
    observe=observe,
    kinds=("service",),
    next_url=next_url,
)
