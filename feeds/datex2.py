"""Road situations by DATEX II: accidents, works, obstructions, closed lanes.

Source   DATEX II 2.x and 3.x, SituationPublication (XML), as national road operators publish it
Cadence  asked every minute or so; each record says when its version was made
Units    degrees; times with their offset, one without is read in the option `time_zone` and counted
Gaps     many records say where they are by Alert-C codes alone: kept without a position, and counted.
         A placeholder in the place of a time leaves the time unknown, and is counted
Trust    drills and tests are left out; `internalUse` is left out; comments not for the public are never read

`docs/feeds/datex2.md` lists every reason a record or an answer is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from control_room.model import DISRUPTION, Batch, Table
from feeds.checks import Tally, batch_of, is_ahead, refuse_too_many, table_of
from feeds.datex.publication import Publication, decode
from feeds.datex.record import Judge, Row, find_moment, keep_latest, read_record
from feeds.feed import Adapter, Feed, PayloadError


def observe(decoded: Sequence[Publication], feed: Feed, received_at: datetime) -> list[Batch]:
    """Situation records in the city's words: one batch of kind disruption.

    Args:
        decoded: publications of one poll; of a record the highest version is kept.
        received_at: aware; judges times from the future, and what is on now.

    Raises:
        PayloadError: too_many_rows (the feed's own limit), option_wrong.
    """
    refuse_too_many(sum(len(p.records) for p in decoded), feed, "records")
    tally = Tally()
    judge = Judge(_get_zone(feed), received_at, tally, feed.options.get("only_unrestricted") is True)
    rows: list[Row] = []
    published: list[datetime] = []
    for publication in decoded:
        if (built := _read_published(publication, judge)) is not None:
            published.append(built)
        for record in publication.records:
            row = read_record(record, judge)
            if row is not None:
                row["language"] = row["language"] or (publication.language if row["description"] else None)
                rows.append(row)
    return [
        batch_of(
            DISRUPTION,
            _build_table(keep_latest(rows, tally), feed, received_at),
            feed,
            received_at,
            tally,
            published,
            complete=feed.options.get("complete") is not False,
        )
    ]


def _get_zone(feed: Feed) -> ZoneInfo:
    name = feed.options.get("time_zone", "Europe/London")
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PayloadError("option_wrong", f"options.time_zone {name!r} is no IANA time zone") from None


def _read_published(publication: Publication, judge: Judge) -> datetime | None:
    if publication.published is None:
        judge.tally.warn("published_missing")
        return None
    moment = find_moment(publication.published, "published", judge)
    if moment is not None and is_ahead(moment, judge.received_at):
        judge.tally.warn("published_in_future")
        return None
    return moment


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
    "periods",
    "language",
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
    """Whether this is probably a DATEX II situation publication."""
    start = body[:65_536]
    return b"datex2.eu/schema" in start and b"SituationPublication" in start


ADAPTER = Adapter(
    name="datex2",
    accept="application/xml, text/xml",
    decode=decode,
    observe=observe,
    kinds=("disruption",),
    looks_like=looks_like,
)
