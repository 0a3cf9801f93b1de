"""Public transport, live: where vehicles are, when trips reach their stops, what is disrupted.

Source   GTFS-Realtime 2.x (FeedMessage: VehiclePosition, TripUpdate, Alert), protobuf or its JSON rendering
Cadence  publishers should renew every 30 s; positions no older than 90 s, alerts 10 min (best practice)
Units    speed arrives in m/s and leaves in km/h; times are POSIX seconds, some publishers send milliseconds
Gaps     absent is unknown, never 0; trip_id sent as "" is no trip; an absent timestamp stays unknown,
         the header's never stands in for it (a fresh header over stale rows is the commonest fault)
Privacy  number plates never pass: not as plate, not as id, not as label (`feeds/privacy.py`)

`docs/feeds/gtfs_realtime.md` lists every reason a row or an answer is refused. The
parts are in `feeds/gtfs_rt`: wire and reading (bytes), vehicles, trips and alerts (words).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from control_room.model import DISRUPTION, KINDS, TRIP, VEHICLE, Batch, Table, from_ms
from feeds.checks import AHEAD, Tally, batch_of
from feeds.feed import Adapter, Feed, PayloadError
from feeds.gtfs_rt.alerts import observe_alerts
from feeds.gtfs_rt.fields import drop_fields, list_fields
from feeds.gtfs_rt.reading import begins_like_gtfs_realtime, count_kinds, read_answer
from feeds.gtfs_rt.trips import observe_trips
from feeds.gtfs_rt.values import to_moment, to_seconds
from feeds.gtfs_rt.vehicles import observe_vehicles
from feeds.gtfs_rt.words import Answer, join_vehicles

KIND_NAMES = (VEHICLE.name, TRIP.name, DISRUPTION.name)


def decode(body: bytes) -> Answer:
    """One body in the standard's words.

    Raises:
        PayloadError: see `read_answer`.
    """
    return read_answer(body)


def observe(answers: Sequence[Answer], feed: Feed, received_at: datetime) -> list[Batch]:
    """The rows of a poll: one batch for each kind the message speaks of.

    The feed option `kind` (one of vehicle, trip, disruption, or a list of them)
    says which kinds the feed is for: each has a batch even when the message has
    no row of it. Without it an empty message is an empty batch of vehicles.

    Entities of no kind we know, unreadable and deleted ones are counted in the
    first batch, as are oddities of the header.

    Raises:
        PayloadError: `too_many_rows` (more than the feed's max_rows), `option_unknown`.
        ValueError: received_at is naive.
    """
    found = count_kinds(answers)
    rows = sum(a.entities for a in answers)
    if max(rows, found.total()) > feed.limits.max_rows:
        raise PayloadError("too_many_rows", f"{rows} entities; this feed's max_rows is {feed.limits.max_rows}")
    expected = _expected_kinds(feed)
    names = [n for n in KIND_NAMES if n in found or n in expected] or [VEHICLE.name]
    tallies = {name: Tally() for name in names}
    first = tallies[names[0]]
    published_at = _published(answers, received_at, first)
    for answer in answers:
        for reason, count in answer.left_out.items():
            first.rejects[reason] += count
            first.offending.setdefault(reason, f"{count} of {answer.entities} entities")
    return [
        batch_of(
            KINDS[name],
            _table(name, answers, feed, published_at, received_at, tallies[name]),
            feed,
            received_at,
            tallies[name],
            [published_at],
            complete=not any(a.differential for a in answers),
        )
        for name in names
    ]


def _expected_kinds(feed: Feed) -> tuple[str, ...]:
    option: Any = feed.options.get("kind", ())
    kinds = (option,) if isinstance(option, str) else tuple(option)
    for kind in kinds:
        if kind not in KIND_NAMES:
            raise PayloadError("option_unknown", f"option kind is {kind!r}; it may be {', '.join(KIND_NAMES)}")
    return kinds


def _table(
    name: str,
    answers: Sequence[Answer],
    feed: Feed,
    published_at: datetime | None,
    received_at: datetime,
    tally: Tally,
) -> Table:
    if name == TRIP.name:
        return observe_trips([t for a in answers for t in a.trips or ()], feed, received_at, tally)
    if name == DISRUPTION.name:
        alerts = [alert for a in answers for alert in a.alerts or ()]
        return observe_alerts(alerts, feed, published_at, received_at, tally)
    vehicles = join_vehicles([a.vehicles for a in answers if a.vehicles is not None])
    return Table.empty(VEHICLE) if vehicles is None else observe_vehicles(vehicles, feed, received_at, tally)


def _published(answers: Sequence[Answer], received_at: datetime, tally: Tally) -> datetime | None:
    """When the publisher built the answer (of several pages, the oldest); None where that cannot be believed."""
    oldest: datetime | None = None
    for answer in answers:
        seconds, warning = to_seconds(answer.timestamp, "published_missing", "published_in_ms", "published_absurd")
        if seconds is not None and seconds > (received_at + AHEAD).timestamp():
            seconds, warning = None, "published_in_future"
        if warning:
            tally.warn(warning)
        moment = from_ms(to_moment(seconds))
        if moment is None:
            return None
        oldest = moment if oldest is None else min(oldest, moment)
    return oldest


def looks_like(body: bytes) -> bool:
    """Whether a body is GTFS-Realtime: a header with a version first, or JSON that names that version."""
    if body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        start = body[:4096].lower()
        return b'"gtfsrealtimeversion"' in start or b'"gtfs_realtime_version"' in start
    return begins_like_gtfs_realtime(body)


ADAPTER = Adapter(
    name="gtfs_realtime",
    accept="application/x-protobuf, application/octet-stream;q=0.9, application/json;q=0.5",
    decode=decode,
    observe=observe,
    kinds=KIND_NAMES,
    looks_like=looks_like,
    # The UK Bus Open Data Service answers 400 when its own upstream was slow.
    retry_400=True,
    list_fields=list_fields,
    drop_fields=drop_fields,
)
