"""Disruptions by SIRI: what changes how people can travel, cancellations included.

Source   SIRI Situation Exchange 2.x (XML, PtSituationElement), full or light profile, as the UK Bus Open Data
         Service answers `/siri-sx/` and `/siri-sx/cancellations/`
Cadence  asked every 30 to 60 s; best practice is that alerts are no older than 10 minutes
Units    times are ISO 8601; one without offset is local (option `time_zone`, Europe/London unless said)
Gaps     no validity period means always; no end means open-ended; a placeholder far in the future is no end
Versions of several versions of one situation in an answer the highest stays
Privacy  sources, owners and contacts are never read

`docs/feeds/siri_sx.md` lists every reason a row or an answer is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import fmean
from typing import Any, Final
from zoneinfo import ZoneInfo

from control_room.model import DISRUPTION, Batch, Table
from feeds.checks import Tally, batch_of, find_position_fault, refuse_too_many, table_of
from feeds.feed import Adapter, Feed
from feeds.gtfs_rt.alerts import choose_period
from feeds.gtfs_rt.values import to_moment
from feeds.iso_times import read_time, settle
from feeds.siri.envelope import get_zone, read_published
from feeds.siri.situations import Exchange, Situation, read_situations
from feeds.text import clean_text

Row = dict[str, Any]
MAX_ID: Final = 120
_MAX_TEXT: Final = 4_000
# Suppliers write 2099 or 9999 for "until further notice".
_FAR: Final = 2_090

# Conditions of SIRI (ServiceConditionEnumeration, lower case) under which trips do not run. A stop left out is none.
CANCELLED: Final = frozenset(
    {
        "cancelled",
        "cancellation",
        "noservice",
        "tripcancellation",
        "servicecancellation",
        "journeycancellation",
        "linecancellation",
    }
)
ROADWORKS: Final = frozenset(
    {"roadworks", "constructionwork", "maintenancework", "roadmaintenance", "emergencyengineeringwork"}
)
_WEB = re.compile(r"https?://[^\s/@\\]+(?:[/?#][^\s\\]*)?", re.IGNORECASE)


def decode(body: bytes) -> Exchange:
    """One answer in SIRI's words.

    Raises:
        PayloadError: see `read_situations`.
    """
    return read_situations(body)


def observe(decoded: Sequence[Exchange], feed: Feed, received_at: datetime) -> list[Batch]:
    """Disruptions in the city's words: one batch.

    Args:
        decoded: answers of one poll; of one situation the highest version is kept.
        received_at: aware; decides what is in force.

    Raises:
        PayloadError: too_many_rows (the feed's own limit), option_wrong.
    """
    refuse_too_many(sum(len(d.situations) for d in decoded), feed)
    tally = Tally()
    zone = get_zone(feed)
    rows: dict[str, Row] = {}
    published: list[datetime] = []
    for exchange in decoded:
        built = read_published(exchange.published, zone, received_at, tally)
        if built is not None:
            published.append(built)
        if exchange.partial:
            tally.warn("delivery_failed")
        if exchange.more_data:
            tally.warn("more_data")
        tally.warnings.update({"road_situation": exchange.unused} if exchange.unused else {})
        for situation in exchange.situations:
            row = _read_row(situation, zone, built, received_at, tally)
            if row is not None:
                _keep_highest(rows, row, tally)
    return [
        batch_of(
            DISRUPTION,
            _build_table(list(rows.values()), feed, received_at),
            feed,
            received_at,
            tally,
            published,
            complete=not any(d.more_data or d.partial for d in decoded),
        )
    ]


def _keep_highest(rows: dict[str, Row], row: Row, tally: Tally) -> None:
    other = rows.get(row["disruption_key"])
    if other is not None:
        tally.reject("duplicate", row["disruption_id"])
        if row["version"] < other["version"]:
            return
    rows[row["disruption_key"]] = row


def _read_row(
    situation: Situation, zone: ZoneInfo, published: datetime | None, received_at: datetime, tally: Tally
) -> Row | None:
    texts = situation.texts
    number = clean_text(texts.get("number"), MAX_ID + 1)
    if number is None:
        tally.reject("id_missing", "SituationNumber absent")
        return None
    participant = clean_text(texts.get("participant"), MAX_ID + 1)
    if len(number) > MAX_ID or len(participant or "") > MAX_ID:
        tally.reject("id_too_long", number)
        return None
    summary = _choose(situation, "summary")
    title = summary or _choose(situation, "reason")
    if title is None:
        tally.warn("title_missing")
    if situation.cut:
        tally.warn("affected_cut")
    periods = _read_periods(situation, zone, received_at, tally)
    (start, end), is_active = choose_period(periods, received_at.timestamp())
    if not periods and situation.periods:
        is_active = None
    progress = clean_text(texts.get("progress"), 40)
    if progress and progress.lower() in ("closed", "draft"):
        # Closed: over before its period is. Draft: not for the public yet.
        is_active = False
    place = _read_place(situation, tally)
    return {
        # A situation's number is unique only with the participant that gave it.
        "disruption_key": f"{participant or ''}/{number}",
        "disruption_id": number,
        "version": int(texts["version"]) if re.fullmatch(r"[0-9]{1,9}", texts.get("version", "")) else -1,
        "title": clean_text(title and title[1], 300),
        "language": clean_text(title[0].lower(), 20) if title else None,
        "description": _describe(situation),
        "cause": clean_text(texts.get("cause"), 60),
        "effect": _join(situation.conditions, 200),
        "severity": clean_text(texts.get("severity") or texts.get("consequence_severity"), 40),
        "disruption_type": _find_type(situation),
        "status": progress,
        "url": _read_link(texts.get("link"), tally),
        "latitude": None if place is None else place[0],
        "longitude": None if place is None else place[1],
        "active_from": to_moment(start),
        "active_until": to_moment(end),
        "is_active": is_active,
        "periods": len(situation.periods),
        "routes": _join(situation.refs.get("lines", ())),
        "stops": _join(situation.refs.get("stops", ())),
        "trips": _join(situation.refs.get("trips", ())),
        # A situation may stand for months: what counts is when the source last stood by it.
        "observed_at": published,
    }


def _choose(situation: Situation, word: str) -> tuple[str, str] | None:
    """Language and text: the English one, else one without a language, else the first."""
    sent = [(language, text) for language, text in situation.translations.get(word, ()) if clean_text(text)]

    def rank(one: tuple[str, str]) -> int:
        language = one[0].lower()
        return 0 if language == "en" or language.startswith("en-") else 1 if not language else 2

    return min(sent, key=rank, default=None)


def _describe(situation: Situation) -> str | None:
    """Description (else what passengers are told), detail and advice, each on a line of its own."""
    first = "description" if _choose(situation, "description") else "passenger_text"
    found = [chosen[1] for word in (first, "detail", "advice") if (chosen := _choose(situation, word))]
    lines = [line for text in found for part in text.splitlines() if (line := clean_text(part, _MAX_TEXT))]
    text = "\n".join(dict.fromkeys(lines))
    return (text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1].rstrip() + "…") or None


def _find_type(situation: Situation) -> str:
    if any(condition.lower() in CANCELLED for condition in situation.conditions):
        return "cancellation"
    return "roadworks" if situation.texts.get("cause", "").lower() in ROADWORKS else "travel_alert"


def _read_periods(
    situation: Situation, zone: ZoneInfo, near: datetime, tally: Tally
) -> list[tuple[float | None, float | None]]:
    """Periods in POSIX seconds; one that cannot be read or ends before it starts is counted and left out."""
    periods: list[tuple[float | None, float | None]] = []
    for texts in situation.periods:
        start, end = (_read_bound(text, zone, near, tally) for text in texts)
        if start is False or end is False:
            tally.warn("period_unreadable")
        elif start is not None and end is not None and end < start:
            tally.warn("period_reversed")
        else:
            periods.append((start, end))
    return periods


def _read_bound(text: str, zone: ZoneInfo, near: datetime, tally: Tally) -> Any:
    """Seconds; None where open; False where something stands there that is no time."""
    if not text or re.match(r"(?:99|209[0-9]|2[1-9])[0-9]*-", text):
        return None
    moment = read_time(text)
    if moment is None:
        return False
    if moment.tzinfo is None:
        tally.warn("time_without_offset")
        moment = settle(moment, zone, near)
    return None if moment.year >= _FAR else moment.timestamp()


def _read_place(situation: Situation, tally: Tally) -> tuple[float, float] | None:
    """The middle of the places it names; None where it names none with a position."""
    found = []
    latitudes, longitudes = situation.refs.get("latitudes", []), situation.refs.get("longitudes", [])
    if len(latitudes) != len(longitudes):
        tally.warn("position_unusable")
        return None
    for pair in zip(latitudes, longitudes, strict=True):
        numbers = [float(t) if re.fullmatch(r"[+-]?[0-9]{1,4}(?:\.[0-9]{0,20})?", t) else None for t in pair]
        if numbers[0] is None or numbers[1] is None or find_position_fault(numbers[0], numbers[1]):
            tally.warn("position_unusable")
        else:
            found.append((numbers[0], numbers[1]))
    return (fmean(p[0] for p in found), fmean(p[1] for p in found)) if found else None


def _read_link(text: str | None, tally: Tally) -> str | None:
    """A web address that may be put on a screen: http or https, no user name in it."""
    if not text:
        return None
    if len(text) <= 2_000 and _WEB.fullmatch(text) and clean_text(text, 2_000) == text:
        return text
    tally.warn("url_refused")
    return None


def _join(sent: Iterable[str], limit: int = _MAX_TEXT) -> str | None:
    """Different ids in the order sent, a space between; a space within one becomes an underscore."""
    found = dict.fromkeys(text.replace(" ", "_") for one in sent if (text := clean_text(one, MAX_ID)))
    listed = " ".join(found)
    if len(listed) > limit:
        listed = listed[:limit].rsplit(" ", 1)[0]
    return listed or None


COLUMNS: Final = (
    "disruption_id",
    "title",
    "language",
    "description",
    "cause",
    "effect",
    "severity",
    "disruption_type",
    "status",
    "url",
    "latitude",
    "longitude",
    "active_from",
    "active_until",
    "is_active",
    "periods",
    "routes",
    "stops",
    "trips",
    "observed_at",
)


def _build_table(rows: list[Row], feed: Feed, received_at: datetime) -> Table:
    return table_of(
        DISRUPTION,
        rows,
        COLUMNS,
        feed,
        received_at,
        disruption_key=[f"{feed.name}:{row['disruption_key']}" for row in rows],
    )


def looks_like(body: bytes) -> bool:
    """Whether this is probably a SIRI answer with situations and without vehicles."""
    start = body[:65_536]
    return b"SituationExchangeDelivery" in start and b"VehicleMonitoringDelivery" not in start


ADAPTER = Adapter(
    name="siri_sx",
    accept="application/xml, text/xml",
    decode=decode,
    observe=observe,
    kinds=(DISRUPTION.name,),
    looks_like=looks_like,
    # The UK service passes a time-out behind it on as 400.
    retry_400=True,
    # What is in force changes with the hour.
    moment_matters=True,
)
