"""Bus positions by SIRI: where each vehicle is now.

Source   SIRI Vehicle Monitoring 2.0 (XML), as the UK Bus Open Data Service answers it
Cadence  asked every 10 to 30 s; RecordedAtTime says how old each row is
Units    Velocity arrives in m/s and leaves in km/h; Delay is an ISO 8601 duration, negative when early
Gaps     absence is normal (a UK feed passes as compliant with 70 % of its fields); a missing value stays unknown
Clocks   ValidUntilTime is the delivery's and says nothing of a row. A time without offset is read as local
         time (feed option `time_zone`, Europe/London unless said) and counted. OriginAimedDepartureTime is
         local time labelled +00:00 at some operators and true UTC at others: lateness is never made from it
Privacy  only the elements named here are read: DriverRef and the rest never enter memory. A vehicle id
         that is a number plate is replaced

`docs/feeds/siri_vm.md` lists every reason a row or an answer is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from control_room.model import VEHICLE, Batch, Table
from feeds.checks import Tally, batch_of, keep_newest, refuse_too_many, table_of
from feeds.feed import Adapter, Feed
from feeds.privacy import hide_plate
from feeds.siri.activity import Judge, Row, find_moment, read_row
from feeds.siri.delivery import Delivery, decode
from feeds.siri.envelope import get_zone, read_published


def observe(decoded: Sequence[Delivery], feed: Feed, received_at: datetime) -> list[Batch]:
    """Vehicles in the city's words: one batch of kind vehicle.

    Args:
        decoded: deliveries of one poll; the newest row of a vehicle is kept.
        received_at: aware; judges times from the future, and doubtful local times.

    Raises:
        PayloadError: too_many_rows (the feed's own limit), option_wrong.
    """
    refuse_too_many(sum(len(d.activities) for d in decoded), feed)
    tally = Tally()
    zone = get_zone(feed)
    rows: list[Row] = []
    published: list[datetime] = []
    for delivery in decoded:
        built = read_published(delivery.published, zone, received_at, tally)
        if built is not None:
            published.append(built)
        if delivery.partial:
            tally.warn("delivery_failed")
        if delivery.more_data:
            tally.warn("more_data")
        judge = Judge(zone, built or received_at, received_at, tally)
        rows.extend(_list_rows(delivery, judge))
    rows = _name(rows, feed.name, tally)
    rows = keep_newest(rows, "vehicle_key", tally)
    return [
        batch_of(
            VEHICLE,
            _build_table(rows, feed, received_at),
            feed,
            received_at,
            tally,
            published,
            complete=not any(d.more_data or d.partial for d in decoded),
        )
    ]


def _list_rows(delivery: Delivery, judge: Judge) -> list[Row]:
    """Rows of one delivery that can be used, without those it cancels itself."""
    cancelled = _Cancelled(delivery.cancellations, judge)
    rows = []
    for activity in delivery.activities:
        row = read_row(activity, judge)
        if row is None:
            continue
        if cancelled.covers(activity, row["observed_at"]):
            judge.tally.reject("cancelled", activity.get("item") or activity.get("line"))
            continue
        rows.append(row)
    return rows


class _Cancelled:
    """Which activities a delivery withdraws: by item, or by journey where it names no item.

    VehicleMonitoringRef is no mark: it may stand for a whole fleet.
    """

    def __init__(self, cancellations: Sequence[Mapping[str, str]], judge: Judge) -> None:
        self._since: dict[tuple[str, ...], datetime | None] = {}
        for cancellation in cancellations:
            judge.tally.warn("cancellation")
            for mark in _list_marks(cancellation)[:1]:
                since = find_moment(cancellation.get("recorded"), judge)
                known = self._since.get(mark, since)
                # Withdrawn twice: the later word counts, and one without a time is for good.
                self._since[mark] = None if since is None or known is None else max(since, known)

    def covers(self, activity: Mapping[str, str], observed_at: datetime | None) -> bool:
        for mark in _list_marks(activity) if self._since else ():
            if mark in self._since:
                since = self._since[mark]
                # A row recorded after it was withdrawn is a new one.
                if since is None or observed_at is None or observed_at <= since:
                    return True
        return False


def _list_marks(item: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Names by which an activity may be withdrawn, and a cancellation withdraws: the first of its own."""
    marks: list[tuple[str, ...]] = []
    if "item" in item:
        marks.append(("item", item["item"]))
    if "trip" in item and "date" in item:
        if "line" in item:
            marks.append(("journey", item["date"], item["trip"], item["line"]))
        marks.append(("journey", item["date"], item["trip"]))
    return marks


def _name(rows: list[Row], feed: str, tally: Tally) -> list[Row]:
    """The rows with plates hidden and keys given. Ids are shared by operators, so the key holds both."""
    bare = [_without_operator(row["vehicle_id"], row["operator"]) for row in rows]
    names, hidden = hide_plate(bare, feed)
    plain = [_without_operator(row["label"], row["operator"]) for row in rows]
    labels, _ = hide_plate(plain, feed)
    if hidden:
        tally.warnings["plate_hidden"] += hidden
    for row, sent, name, number, label in zip(rows, bare, names, plain, labels, strict=True):
        if label != number:
            row["label"] = None
        if name != sent:
            row["vehicle_id"] = name
        vehicle = row["vehicle_id"]
        if vehicle is None:
            tally.warn("vehicle_id_missing")
            vehicle = f"journey/{row['route_id'] or ''}/{row['trip_start_date'] or ''}/{row['trip_id']}"
        row["vehicle_key"] = f"{feed}:{row['operator'] or ''}/{vehicle}"
    return rows


def _without_operator(vehicle: str | None, operator: str | None) -> str | None:
    """The id without the operator's code in front of it (`SBLB-14051`), which would hide a plate."""
    if vehicle and operator and vehicle[len(operator) : len(operator) + 1] in ("-", "_", ":"):
        return vehicle.removeprefix(operator)[1:] if vehicle.startswith(operator) else vehicle
    return vehicle


COLUMNS: Final = (
    "vehicle_key",
    "vehicle_id",
    "label",
    "operator",
    "latitude",
    "longitude",
    "heading_deg",
    "heading_source",
    "speed_kmh",
    "speed_source",
    "state",
    "observed_at",
    "route_id",
    "route_name",
    "trip_id",
    "trip_start_date",
    "trip_start_time",
    "direction",
    "origin",
    "destination",
    "stop_id",
    "stop_status",
    "delay_s",
    "occupancy",
)


def _build_table(rows: list[Row], feed: Feed, received_at: datetime) -> Table:
    return table_of(VEHICLE, rows, COLUMNS, feed, received_at, vehicle_type=[feed.vehicle_type] * len(rows))


def looks_like(body: bytes) -> bool:
    """Whether this is probably a SIRI answer with vehicles."""
    return b"VehicleMonitoringDelivery" in body[:65_536]


ADAPTER = Adapter(
    name="siri_vm",
    accept="application/xml, text/xml",
    decode=decode,
    observe=observe,
    kinds=("vehicle",),
    looks_like=looks_like,
    # The UK service passes a time-out behind it on as 400.
    retry_400=True,
)
