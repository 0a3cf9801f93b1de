"""Roadworks by DfT Street Manager: who digs where, from when to when, and what it closes.

Source   Street Manager open data, JSON messages pushed by Amazon SNS; the exchange lands them and we fetch
Cadence  asked every few minutes; notices come when something happens, so hours of silence are normal
Units    places are well-known text in British National Grid (EPSG:27700) and leave as WGS 84
Times    a date is London's midnight in UTC; an end without a time means the whole of that day
Order    by event_time, upserted by object_reference: an answer need not hold all, and older events never win
Gaps     works without coordinates are kept, without a position and counted; section 58 notices change nobody's way
Trust    the exchange verifies signature and topic and confirms subscriptions; a confirmation that reaches us is
         counted, and the address in it never asked

`docs/feeds/street_manager.md` lists every reason a notice or an answer is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from control_room.model import DISRUPTION, Batch, Table
from feeds.checks import Tally, batch_of, refuse_too_many, table_of
from feeds.feed import Adapter, Feed
from feeds.roadworks.landing import Landed, decode
from feeds.roadworks.notice import Row, keep_latest, read_notice


def observe(decoded: Sequence[Landed], feed: Feed, received_at: datetime) -> list[Batch]:
    """Roadworks and activities in the city's words: one batch of kind disruption, never complete.

    Args:
        decoded: landed bodies of one poll, in any order.
        received_at: aware; judges times from the future, and what is on now.

    Raises:
        PayloadError: too_many_rows (the feed's own limit).
    """
    refuse_too_many(sum(len(landed.notices) for landed in decoded), feed, "notices")
    tally = Tally()
    rows: list[Row] = []
    for landed in decoded:
        for reason, offending in landed.faults:
            tally.reject(reason, offending)
        for _ in range(landed.confirmations):
            tally.warn("subscription_message")
        rows.extend(row for n in landed.notices if (row := read_notice(n, received_at, tally)) is not None)
    return [
        batch_of(
            DISRUPTION,
            _build_table(keep_latest(rows, tally), feed, received_at),
            feed,
            received_at,
            tally,
            complete=False,
        )
    ]


COLUMNS: Final = (
    "disruption_id",
    "title",
    "description",
    "cause",
    "effect",
    "severity",
    "disruption_type",
    "status",
    "road",
    "latitude",
    "longitude",
    "geometry",
    "active_from",
    "active_until",
    "is_active",
    "observed_at",
)


def _build_table(rows: list[Row], feed: Feed, received_at: datetime) -> Table:
    return table_of(
        DISRUPTION,
        rows,
        COLUMNS,
        feed,
        received_at,
        disruption_key=[f"{feed.name}:{row['disruption_id']}" for row in rows],
    )


def looks_like(body: bytes) -> bool:
    """Whether this is probably landed Street Manager notices, or an SNS message about them."""
    start = body[:65_536].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] not in (b"{", b"["):
        return False
    return (b"object_reference" in start and b"event_reference" in start) or b'"TopicArn"' in start


ADAPTER = Adapter(
    name="street_manager",
    accept="application/json, application/x-ndjson",
    decode=decode,
    observe=observe,
    kinds=("disruption",),
    looks_like=looks_like,
)
