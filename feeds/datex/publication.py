"""A DATEX II situation publication, 2.x or 3.x, down to the texts that we use.

Both versions say the same with other namespaces and partly other nesting, so
names are matched without their prefix and by what stands right above them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from feeds.feed import PayloadError
from feeds.text import clean_text
from feeds.xml_reader import read_xml

MAX_RECORDS: Final = 100_000
# Corners of one record; a diverted motorway has some hundred.
MAX_POINTS: Final = 5_000
_MAX_TEXT: Final = 4_000
_MAX_POSITIONS_TEXT: Final = 200_000
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"

# Under these a record says where it is: 2.x, then 3.x.
_PLACES: Final = frozenset({"groupOfLocations", "locationReference"})
_DISPLAY: Final = frozenset({"locationForDisplay", "coordinatesForDisplay"})
# Direct children of a record that are kept as they are.
_PLAIN: Final = frozenset(
    {
        "situationRecordCreationTime",
        "situationRecordVersionTime",
        "situationRecordObservationTime",
        "probabilityOfOccurrence",
        "severity",
    }
)
_VALIDITY: Final = {
    "validityStatus": "status",
    "overallStartTime": "start",
    "overallEndTime": "end",
    "overrunning": "overrunning",
}
# What a record calls its matter: the first child of the record with such an ending.
_SUBJECTS: Final = ("Type", "transitServiceInformation")
_ROAD_NAMES: Final = frozenset({"roadName", "roadNumber"})


@dataclass
class Record:
    """One situationRecord in DATEX II's words; texts are absent from `texts` where the element is.

    Attributes:
        sort: the class of the record (`Accident`, `MaintenanceWorks`), without prefix.
        situation: texts of the situation and its header that count for each of its records.
        texts: by the element's name, or the words of `_VALIDITY`.
        display: latitude and longitude text of the point to show, where given.
        points: latitude and longitude texts of all other points, in order.
        positions: GML position lists, each a text of latitudes and longitudes in turn.
        alert_c: whether a place is given by Alert-C codes.
    """

    record_id: str
    version: str
    sort: str
    situation: Mapping[str, str]
    texts: dict[str, str] = field(default_factory=dict)
    display: dict[str, str] = field(default_factory=dict)
    points: list[dict[str, str]] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)
    periods: int = 0
    alert_c: bool = False
    ended: bool = False
    cancelled: bool = False


@dataclass(frozen=True)
class Publication:
    """One situation publication.

    Attributes:
        published: text of publicationTime.
        records: of all situations, in order.
    """

    published: str | None
    language: str | None
    records: Sequence[Record]


class _Reader:
    """Collects records as the document streams by; keeps the way down to where it stands."""

    def __init__(self) -> None:
        self.root = ""
        self.sorts: list[str] = []
        self.published: str | None = None
        self.language: str | None = None
        self.records: list[Record] = []
        self._way: list[str] = []
        self._situation: dict[str, str] = {}
        self._record: Record | None = None
        self._record_depth = 0
        self._pieces: list[str] = []
        self._size = 0
        self._language = ""

    def open(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self._way:
            self.root = name
        self._way.append(name)
        self._pieces, self._size = [], 0
        if self._record is None:
            self._open_above(name, attributes)
            return
        record = self._record
        if name == "value":
            self._language = attributes.get("lang", "")[:20]
        if self._in_place():
            if name.startswith("alertC"):
                record.alert_c = True
            elif name == "pointCoordinates" or name == "openlrCoordinates":
                if len(record.points) >= MAX_POINTS:
                    raise PayloadError("too_many_points", f"more than {MAX_POINTS} points in one record")
                record.points.append({})
        elif name == "validPeriod":
            record.periods += 1

    def _open_above(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "situationRecord":
            if len(self.records) >= MAX_RECORDS:
                raise PayloadError("too_many_rows", f"more than {MAX_RECORDS} situation records in one answer")
            self._record = Record(
                record_id=attributes.get("id", "")[:200].strip(),
                version=attributes.get("version", "")[:20].strip(),
                sort=_local(attributes.get(_TYPE, ""))[:80],
                situation=self._situation,
            )
            self._record_depth = len(self._way)
        elif name == "situation":
            self._situation = {"id": attributes.get("id", "")[:200]}
        elif _TYPE in attributes and name in ("payloadPublication", "payload"):
            self.sorts.append(_local(attributes[_TYPE])[:80])
            self.language = attributes.get("lang", "")[:20] or self.language

    def text(self, piece: str) -> None:
        limit = _MAX_POSITIONS_TEXT if self._way and self._way[-1] == "posList" else _MAX_TEXT
        if self._size < limit and len(self._pieces) < limit:
            self._pieces.append(piece[: limit - self._size])
            self._size += len(piece)

    def close(self, name: str) -> None:
        text = "".join(self._pieces).strip()
        self._pieces, self._size = [], 0
        if self._record is not None and len(self._way) == self._record_depth:
            self.records.append(self._record)
            self._record = None
        elif self._record is not None:
            if text:
                self._keep(self._record, name, text)
        elif text:
            self._keep_above(name, text)
        self._way.pop()

    def _keep_above(self, name: str, text: str) -> None:
        if name == "publicationTime" and self.published is None:
            self.published = text
        elif name in ("confidentiality", "informationStatus", "overallSeverity"):
            self._situation.setdefault(name, text[:80])

    def _keep(self, record: Record, name: str, text: str) -> None:
        inner = self._way[self._record_depth :]
        above = inner[-2] if len(inner) > 1 else ""
        if len(inner) == 1:
            if name in _PLAIN:
                record.texts.setdefault(name, text)
            elif name.endswith(_SUBJECTS):
                record.texts.setdefault("subject", text[:120])
        elif self._in_place():
            self._keep_place(record, name, above, text)
        elif inner[0] == "validity":
            if name in _VALIDITY:
                record.texts.setdefault(_VALIDITY[name], text)
        elif inner[0] == "generalPublicComment":
            # The first language is the supplier's own. Other comments are not for the public, and never read.
            if name == "value" and "comment" not in record.texts:
                record.texts["comment"] = text
                record.texts["language"] = self._language
        elif "lifeCycleManagement" in inner and text.lower() in ("true", "1"):
            record.ended = record.ended or name == "end"
            record.cancelled = record.cancelled or name == "cancel"
        elif inner[0] == "cause" and name == "causeType":
            record.texts.setdefault("cause", text[:120])

    def _keep_place(self, record: Record, name: str, above: str, text: str) -> None:
        if name in ("latitude", "longitude"):
            if above in _DISPLAY:
                record.display.setdefault(name, text)
            elif above in ("pointCoordinates", "openlrCoordinates") and record.points:
                record.points[-1].setdefault(name, text)
        elif name == "posList":
            record.positions.append(text)
        elif name in _ROAD_NAMES or (name == "value" and "roadName" in self._way):
            record.texts.setdefault("road_number" if name == "roadNumber" else "road_name", text[:120])

    def _in_place(self) -> bool:
        return len(self._way) > self._record_depth and self._way[self._record_depth] in _PLACES


def _local(name: str) -> str:
    return name.strip().rpartition(":")[2]


def decode(body: bytes) -> Publication:
    """One publication.

    Raises:
        PayloadError: not_datex2, not_situations (another DATEX II publication),
            too_many_rows, too_many_points, and the reasons of `read_xml`.
    """
    reader = _Reader()
    read_xml(body, reader)
    if "SituationPublication" not in reader.sorts and not reader.records:
        if reader.sorts:
            brought = clean_text(reader.sorts[0], 60)
            raise PayloadError("not_situations", f"a SituationPublication was expected, {brought} came")
        root = clean_text(reader.root, 40)
        raise PayloadError("not_datex2", f"DATEX II was expected, XML with the root {root!r} came")
    return Publication(reader.published, reader.language, reader.records)
