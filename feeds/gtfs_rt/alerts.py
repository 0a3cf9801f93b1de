"""Alerts in the city's words: one row an alert, told by the period that counts now."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from google.transit import gtfs_realtime_pb2

from control_room.model import DISRUPTION, Table, to_ms
from feeds.checks import Tally
from feeds.feed import Feed
from feeds.gtfs_rt.values import MAX_TEXT, to_moment, to_seconds, to_text
from feeds.gtfs_rt.words import ABSENT_WORD, Alert, Translation
from feeds.privacy import hide_plate

_CAUSE, _EFFECT, _SEVERITY = (
    {v.number: v.name for v in enum.DESCRIPTOR.values}
    for enum in (
        gtfs_realtime_pb2.Alert.Cause,
        gtfs_realtime_pb2.Alert.Effect,
        gtfs_realtime_pb2.Alert.SeverityLevel,
    )
)
_ADDRESS = re.compile(r"https?://[^\s/@\\]+(?:[/?#][^\s\\]*)?", re.IGNORECASE)

Period = tuple[float | None, float | None]


def observe_alerts(
    sent: Sequence[Alert], feed: Feed, published_at: datetime | None, received_at: datetime, tally: Tally
) -> Table:
    """One row an alert, in the message's order.

    Left out, by reason: `id_missing`, `duplicate` (same entity id: the last stays).

    Args:
        published_at: of the message; an alert has no time of its own, so this is
            when the source last stood by it. None is unknown.
    """
    records: dict[str, dict[str, Any]] = {}
    names, _ = hide_plate([to_text(alert.entity_id) for alert in sent], feed.name)
    for alert, name in zip(sent, names, strict=True):
        if name is None:
            tally.reject("id_missing", "alert without entity id")
            continue
        if records.pop(name, None) is not None:
            tally.reject("duplicate", f"alert {name}")
        record = _alert(alert, received_at, tally.warnings)
        records[name] = {"disruption_key": f"{feed.name}:{name}", "disruption_id": name, "feed": feed.name, **record}
    columns: dict[str, Any] = {column: [r[column] for r in records.values()] for column in _COLUMNS}
    published = to_moment(None) if published_at is None else to_ms(published_at)
    columns["observed_at"] = np.full(len(records), published)
    columns["received_at"] = np.full(len(records), to_ms(received_at))
    return Table.of(DISRUPTION, columns)


_COLUMNS = (
    "disruption_key",
    "disruption_id",
    "feed",
    "title",
    "description",
    "language",
    "url",
    "cause",
    "effect",
    "severity",
    "active_from",
    "active_until",
    "is_active",
    "periods",
    "routes",
    "stops",
)


def _alert(alert: Alert, received_at: datetime, warnings: Counter[str]) -> dict[str, Any]:
    title = choose_translation(alert.header)
    text = choose_translation(alert.description)
    headline = None if title is None else to_text(title.text, MAX_TEXT)
    if headline is None:
        warnings["title_missing"] += 1
    (start, end), is_active = choose_period(_periods(alert, warnings), received_at.timestamp())
    return {
        "title": headline,
        "description": None if text is None else to_lines(text.text),
        "language": next((to_text(t.language) for t in (title, text) if t is not None and t.language), None),
        "url": _address(alert.url, warnings),
        "cause": _word(alert.cause, _CAUSE, warnings),
        "effect": _word(alert.effect, _EFFECT, warnings),
        "severity": _word(alert.severity, _SEVERITY, warnings),
        "active_from": to_moment(start),
        "active_until": to_moment(end),
        "is_active": is_active,
        "periods": len(alert.periods),
        "routes": _ids(alert.routes),
        "stops": _ids(alert.stops),
    }


def choose_translation(translations: Sequence[Translation]) -> Translation | None:
    """The English one, else one without a language, else the first; those without text do not count."""
    with_text = [t for t in translations if to_text(t.text)]

    def rank(translation: Translation) -> int:
        language = (to_text(translation.language) or "").lower()
        return 0 if language == "en" or language.startswith("en-") else 1 if not language else 2

    return min(with_text, key=rank, default=None)


def to_lines(value: Any) -> str | None:
    """Text of several lines: one line feed between lines, none empty, no hidden characters."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    lines = [to_text(line, MAX_TEXT) for line in value[: 2 * MAX_TEXT].splitlines()]
    text = "\n".join(line for line in lines if line)
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - 1].rstrip() + "…"
    return text or None


def _periods(alert: Alert, warnings: Counter[str]) -> list[Period]:
    """Periods in seconds; one that ends before it starts is counted and left out."""
    periods: list[Period] = []
    for sent in alert.periods:
        start, end = (_bound(moment, warnings) for moment in sent)
        if start is not None and end is not None and end < start:
            warnings["period_reversed"] += 1
        else:
            periods.append((start, end))
    return periods if periods or not alert.periods else [_NEVER]


_NEVER: Period = (float("inf"), float("-inf"))


def _bound(sent: int | None, warnings: Counter[str]) -> float | None:
    seconds, warning = to_seconds(sent, "", "time_in_ms", "time_absurd")
    if warning:
        warnings[warning] += 1
    return seconds


def choose_period(periods: Sequence[Period], now: float) -> tuple[Period, bool | None]:
    """The period that counts, and whether it is in force: the current one, else the next, else the last.

    No period at all means always in force. When none can be believed, nothing is known.
    """
    if not periods:
        return (None, None), True
    if periods[0] is _NEVER:
        return (None, None), None
    current = [p for p in periods if (p[0] is None or p[0] <= now) and (p[1] is None or now < p[1])]
    if current:
        # Of several in force, the one that lasts longest tells when it will be over.
        return max(current, key=lambda p: float("inf") if p[1] is None else p[1]), True
    coming = [p for p in periods if p[0] is not None and p[0] > now]
    if coming:
        return min(coming, key=lambda p: p[0] or 0), False
    return max(periods, key=lambda p: p[1] or 0), False


def _address(translations: Sequence[Translation], warnings: Counter[str]) -> str | None:
    """A web address that may be put on a screen: http or https, no user name in it."""
    chosen = choose_translation(translations)
    if chosen is None:
        return None
    text = to_text(chosen.text, 2_000) or ""
    if _ADDRESS.fullmatch(text):
        return text
    warnings["url_refused"] += 1
    return None


def _word(number: int, words: dict[int, str], warnings: Counter[str]) -> str | None:
    if number != ABSENT_WORD and number not in words:
        warnings["word_unknown"] += 1
    return words.get(number)


def _ids(sent: Iterable[Any]) -> str | None:
    """Different ids in the order sent, a space between them; a space within one becomes an underscore."""
    found = dict.fromkeys(text.replace(" ", "_") for text in map(to_text, sent) if text)
    listed = " ".join(found)
    if len(listed) > MAX_TEXT:
        listed = listed[:MAX_TEXT].rsplit(" ", 1)[0]
    return listed or None
