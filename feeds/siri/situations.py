"""A SIRI situation exchange document, down to the texts that we use.

What names people (Source, contacts, owners of actions) is on no path here, so
it never enters memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from feeds.feed import PayloadError
from feeds.text import clean_error, clean_text
from feeds.xml_reader import read_xml

MAX_ROWS: Final = 20_000
_MAX_TEXT: Final = 4_000
# Places, lines and journeys that one situation names; the rest is counted by the reader of the row.
MAX_REFS: Final = 500
_MAX_TEXTS: Final = 20
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"

# Direct children of a situation, and what is below them, by path.
_WANTED: Final[Mapping[tuple[str, ...], str]] = {
    ("CreationTime",): "created",
    ("VersionedAtTime",): "versioned",
    ("CountryRef",): "country",
    ("ParticipantRef",): "participant",
    ("SituationNumber",): "number",
    ("Version",): "version",
    ("Progress",): "progress",
    ("Verification",): "verification",
    ("Planned",): "planned",
    ("Severity",): "severity",
    ("Summary",): "summary",
    ("Description",): "description",
    ("Detail",): "detail",
    ("Advice",): "advice",
    ("ReasonName",): "reason",
    ("AlertCause",): "cause",
    ("MiscellaneousReason",): "cause",
    ("PersonnelReason",): "cause",
    ("EquipmentReason",): "cause",
    ("EnvironmentReason",): "cause",
    ("UndefinedReason",): "cause",
    ("UnknownReason",): "cause",
    ("ValidityPeriod", "StartTime"): "start",
    ("ValidityPeriod", "EndTime"): "end",
    ("InfoLinks", "InfoLink", "Uri"): "link",
    (
        "PublishingActions",
        "PublishingAction",
        "PassengerInformationAction",
        "TextualContent",
        "DescriptionContent",
        "DescriptionText",
    ): "passenger_text",
    ("Consequences", "Consequence", "Condition"): "condition",
    ("Consequences", "Consequence", "Severity"): "consequence_severity",
    ("Consequences", "Consequence", "Advice", "Details"): "advice",
}
# Anywhere under Affects of the situation or of a consequence.
_AFFECTED: Final[Mapping[str, str]] = {
    "LineRef": "lines",
    "StopPointRef": "stops",
    "StopPlaceRef": "stops",
    "DatedVehicleJourneyRef": "trips",
    "VehicleJourneyRef": "trips",
    "Longitude": "longitudes",
    "Latitude": "latitudes",
}
_TRANSLATED: Final = frozenset({"summary", "description", "detail", "advice", "reason", "passenger_text"})


@dataclass(slots=True)
class Situation:
    """One situation: texts by word, the first sent of each; translated ones by language too.

    Attributes:
        translations: word -> (language or "", text) in the order sent.
        periods: (start, end) as written, either may be "".
        refs: lines, stops, trips, longitudes, latitudes: texts in the order sent.
        conditions: of all its consequences.
    """

    texts: dict[str, str] = field(default_factory=dict)
    translations: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    periods: list[list[str]] = field(default_factory=list)
    refs: dict[str, list[str]] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """One SIRI-SX answer.

    Attributes:
        published: ResponseTimestamp of the service delivery, else of the first SX delivery.
        unused: situations of the road network, which are not read here.
        partial: one of several deliveries failed (its error, cleaned).
    """

    published: str | None
    situations: Sequence[Situation]
    unused: int = 0
    more_data: bool = False
    partial: str | None = None


class _Reader:
    def __init__(self) -> None:
        self.root = ""
        self.published: list[str] = []
        self.services: list[str] = []
        self.situations: list[Situation] = []
        self.unused = 0
        self.failed = self.more_data = False
        self.errors: list[str] = []
        self._path: list[str] = []
        self._situation: Situation | None = None
        self._depth = 0
        self._hidden = 0
        self._word: str | None = None
        self._language = ""
        self._pieces: list[str] = []

    def open(self, name: str, attributes: Mapping[str, str]) -> None:
        self.root = self.root or name
        self._path.append(name)
        self._word, self._pieces = None, []
        if self._hidden:
            return
        if self._situation is not None:
            self._look_into(self._situation, name, attributes)
        elif name == "PtSituationElement":
            self._situation, self._depth = Situation(), len(self._path)
        elif name == "RoadSituationElement":
            self.unused += 1
            self._hidden = len(self._path)
        elif name.endswith("Delivery") and name != "ServiceDelivery" and name not in self.services:
            self.services.append(name)
        elif name == "ErrorCondition":
            self.failed = True
        elif name in ("ResponseTimestamp", "Status", "MoreData") or "ErrorCondition" in self._path:
            self._word = name

    def _look_into(self, situation: Situation, name: str, attributes: Mapping[str, str]) -> None:
        below = tuple(self._path[self._depth :])
        if below in (("Source",), ("References",)):
            self._hidden = len(self._path)
        elif below == ("ValidityPeriod",):
            situation.periods.append(["", ""])
        elif below in _WANTED:
            self._word, self._language = _WANTED[below], attributes.get(_LANGUAGE, "")[:20]
        elif name in _AFFECTED and (below[0] == "Affects" or below[:3] == ("Consequences", "Consequence", "Affects")):
            self._word = _AFFECTED[name]

    def text(self, piece: str) -> None:
        if self._word is not None and len(self._pieces) < _MAX_TEXT:
            self._pieces.append(piece[:_MAX_TEXT])

    def close(self, name: str) -> None:
        depth = len(self._path)
        if self._word is not None:
            if text := "".join(self._pieces).strip()[:_MAX_TEXT]:
                self._keep(self._word, text)
            self._word = None
        if self._hidden == depth:
            self._hidden = 0
        elif self._situation is not None and depth == self._depth:
            if len(self.situations) >= MAX_ROWS:
                raise PayloadError("too_many_rows", f"more than {MAX_ROWS} situations in one answer")
            self.situations.append(self._situation)
            self._situation = None
        self._path.pop()

    def _keep(self, word: str, text: str) -> None:
        situation = self._situation
        if situation is None:
            self._keep_head(word, text)
        elif word in ("start", "end"):
            situation.periods[-1][word == "end"] = text
        elif word == "condition":
            if len(situation.conditions) < MAX_REFS:
                situation.conditions.append(text)
        elif word in _TRANSLATED:
            sent = situation.translations.setdefault(word, [])
            if len(sent) < _MAX_TEXTS:
                sent.append((self._language, text))
        elif word in _AFFECTED.values():
            found = situation.refs.setdefault(word, [])
            if len(found) < MAX_REFS:
                found.append(text)
            else:
                situation.cut = True
        else:
            situation.texts.setdefault(word, text)

    def _keep_head(self, word: str, text: str) -> None:
        if word == "ResponseTimestamp":
            self.published = self.published or [text]
        elif word == "Status":
            self.failed = self.failed or text.lower() in ("false", "0")
        elif word == "MoreData":
            self.more_data = self.more_data or text.lower() in ("true", "1")
        elif len(self.errors) < 20:
            self.errors.append(text)


def read_situations(body: bytes) -> Exchange:
    """One answer in SIRI's words.

    Raises:
        PayloadError: siri_error (the server says that it failed), not_siri,
            not_situation_exchange (another SIRI service), too_many_rows, and the
            reasons of `read_xml`.
    """
    reader = _Reader()
    read_xml(body, reader)
    error = clean_error("; ".join(dict.fromkeys(reader.errors)), 200)
    if reader.failed and not reader.situations:
        raise PayloadError("siri_error", f"the server answers that it failed: {error or 'it gives no reason'}")
    if "SituationExchangeDelivery" not in reader.services:
        if reader.root not in ("Siri", "ServiceDelivery") and not reader.services:
            raise PayloadError("not_siri", f"SIRI was expected, XML with the root {clean_text(reader.root, 40)!r} came")
        brought = clean_text(reader.services[0], 60) if reader.services else "none"
        raise PayloadError("not_situation_exchange", f"a SituationExchangeDelivery was expected, {brought} came")
    return Exchange(
        published=reader.published[0] if reader.published else None,
        situations=reader.situations,
        unused=reader.unused,
        more_data=reader.more_data,
        partial=(error or "no reason given") if reader.failed else None,
    )
