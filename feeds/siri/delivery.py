"""A SIRI document, down to the texts that we use: the wanted paths and the reader that follows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from feeds.feed import PayloadError
from feeds.text import clean_error, clean_text
from feeds.xml_reader import read_xml

# A whole-UK delivery holds about 30,000 activities; more than this is no bus feed.
MAX_ROWS: Final = 100_000
# Longest text kept of one element; what follows is not read.
_MAX_TEXT: Final = 600
_MAX_ERRORS: Final = 40

# What is read, by path. A name that is not listed is passed over unseen.
_ERROR_PART: dict[str, Any] = {}
_DELIVERY_HEAD: dict[str, Any] = {"Status": "status", "ErrorCondition": _ERROR_PART, "MoreData": "more_data"}
_FRAMED: dict[str, Any] = {"DataFrameRef": "date", "DatedVehicleJourneyRef": "trip"}
_JOURNEY: dict[str, Any] = {
    "LineRef": "line",
    "DirectionRef": "direction",
    "FramedVehicleJourneyRef": _FRAMED,
    "PublishedLineName": "line_name",
    "OperatorRef": "operator",
    "OriginRef": "origin_ref",
    "OriginName": "origin_name",
    "DestinationRef": "destination_ref",
    "DestinationName": "destination_name",
    "OriginAimedDepartureTime": "origin_time",
    "VehicleLocation": {"Longitude": "longitude", "Latitude": "latitude", "Coordinates": "coordinates"},
    "Bearing": "bearing",
    "Velocity": "velocity",
    "Occupancy": "occupancy",
    "Delay": "delay",
    "VehicleRef": "vehicle",
    "MonitoredCall": {"StopPointRef": "stop", "VehicleAtStop": "at_stop"},
}
_ACTIVITY: dict[str, Any] = {
    "RecordedAtTime": "recorded",
    "ItemIdentifier": "item",
    "ValidUntilTime": "valid_until",
    "MonitoredVehicleJourney": _JOURNEY,
    "Extensions": {
        "VehicleJourney": {
            "Operational": {"TicketMachine": {"JourneyCode": "journey_code"}},
            "VehicleUniqueId": "fleet_number",
        }
    },
}
_CANCELLATION: dict[str, Any] = {
    "RecordedAtTime": "recorded",
    "ItemRef": "item",
    "VehicleJourneyRef": _FRAMED,
    "LineRef": "line",
}
_VM_DELIVERY: dict[str, Any] = {
    **_DELIVERY_HEAD,
    "ResponseTimestamp": "delivery_published",
    "VehicleActivity": _ACTIVITY,
    "VehicleActivityCancellation": _CANCELLATION,
}
_SERVICE: dict[str, Any] = {
    **_DELIVERY_HEAD,
    "ResponseTimestamp": "published",
    "VehicleMonitoringDelivery": _VM_DELIVERY,
}
# Anywhere above the delivery: some suppliers wrap the answer in SOAP, and error answers have other shapes.
_ANYWHERE: dict[str, Any] = {**_DELIVERY_HEAD, "ServiceDelivery": _SERVICE}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One SIRI answer in SIRI's words; the values are the element's text, absent when the element is.

    Attributes:
        published: ResponseTimestamp of the service delivery, else of the first VM delivery.
        activities, cancellations: one mapping each, keyed by the words in `_ACTIVITY` and `_CANCELLATION`.
        more_data: the server holds rows back.
        partial: one of several deliveries failed (its error, cleaned); the rows are of the others.
    """

    published: str | None
    activities: Sequence[Mapping[str, str]]
    cancellations: Sequence[Mapping[str, str]] = ()
    more_data: bool = False
    partial: str | None = None


class _Reader:
    """Collects the wanted texts of a SIRI document as it streams by."""

    def __init__(self) -> None:
        self.root = ""
        self.head: dict[str, str] = {}
        self.activities: list[dict[str, str]] = []
        self.cancellations: list[dict[str, str]] = []
        self.services: list[str] = []
        self.errors: list[str] = []
        self.failed = False
        self._row: dict[str, str] | None = None
        self._path: list[Any] = []
        self._pieces: list[str] = []

    def open(self, name: str, attributes: Mapping[str, str]) -> None:
        parent = self._path[-1] if self._path else _ANYWHERE
        node = self._find(parent, name)
        if not self._path:
            self.root = name
        if node is _ACTIVITY or node is _CANCELLATION:
            self._row = {}
        elif node is _ERROR_PART:
            self.failed = True
            if name != "ErrorCondition" and len(self.errors) < _MAX_ERRORS:
                self.errors.append(name)
        elif parent is _SERVICE and name.endswith("Delivery") and name not in self.services:
            self.services.append(name)
        if self._row is not None and attributes and "srsName" in attributes:
            self._row.setdefault("srs", attributes["srsName"][:_MAX_TEXT])
        self._path.append(node)
        self._pieces = []

    def text(self, piece: str) -> None:
        node = self._path[-1] if self._path else None
        if isinstance(node, str):
            # The number of pieces is bounded too: `&#65;` again and again comes in pieces of one letter.
            if len(self._pieces) < _MAX_TEXT:
                self._pieces.append(piece[:_MAX_TEXT])
        elif node is _ERROR_PART and len(self.errors) < _MAX_ERRORS and (said := piece.strip()):
            self.errors.append(said[:_MAX_TEXT])

    def close(self, name: str) -> None:
        node = self._path.pop()
        if isinstance(node, str):
            self._keep(node, "".join(self._pieces).strip()[:_MAX_TEXT])
        elif node is _ACTIVITY:
            self._take(self.activities)
        elif node is _CANCELLATION:
            self._take(self.cancellations)
        self._pieces = []

    @staticmethod
    def _find(parent: Any, name: str) -> Any:
        if isinstance(parent, dict):
            if parent is _ERROR_PART:
                return _ERROR_PART
            found = parent.get(name)
            # Above the service delivery every element may hold one.
            return _ANYWHERE if found is None and parent is _ANYWHERE else found
        return None

    def _keep(self, key: str, value: str) -> None:
        if not value:
            return
        if self._row is not None:
            # A name may come in several languages; the first is the supplier's own.
            self._row.setdefault(key, value)
        elif key == "status":
            self.failed = self.failed or value.lower() in ("false", "0")
        elif key == "more_data":
            if value.lower() in ("true", "1"):
                self.head["more_data"] = value
        else:
            self.head.setdefault(key, value)

    def _take(self, rows: list[dict[str, str]]) -> None:
        if len(self.activities) + len(self.cancellations) >= MAX_ROWS:
            raise PayloadError("too_many_rows", f"more than {MAX_ROWS} vehicle activities in one answer")
        rows.append(self._row or {})
        self._row = None


def decode(body: bytes) -> Delivery:
    """One answer in SIRI's words.

    Raises:
        PayloadError: siri_error (the server says that it failed), not_siri,
            not_vehicle_monitoring (another SIRI service), too_many_rows, and the
            reasons of `read_xml`.
    """
    reader = _Reader()
    read_xml(body, reader)
    error = clean_error("; ".join(dict.fromkeys(reader.errors)), 200)
    if reader.failed and not reader.activities:
        raise PayloadError("siri_error", f"the server answers that it failed: {error or 'it gives no reason'}")
    if "VehicleMonitoringDelivery" not in reader.services:
        if reader.services:
            brought = clean_text(reader.services[0], 60)
            raise PayloadError("not_vehicle_monitoring", f"a VehicleMonitoringDelivery was expected, {brought} came")
        if reader.root == "Siri":
            raise PayloadError("not_vehicle_monitoring", "a SIRI document without a VehicleMonitoringDelivery came")
        raise PayloadError("not_siri", f"SIRI was expected, XML with the root {clean_text(reader.root, 40)!r} came")
    return Delivery(
        published=reader.head.get("published") or reader.head.get("delivery_published"),
        activities=reader.activities,
        cancellations=reader.cancellations,
        more_data="more_data" in reader.head,
        partial=(error or "no reason given") if reader.failed else None,
    )
