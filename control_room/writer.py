"""The one writer's step: what we knew, and what a feed just said, make what we know.

`advance`, `note_failure` and `note_unchanged` are pure: the same snapshot,
outcome and moment always give the same next snapshot. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np

from control_room.city import City
from control_room.conformance import conformance, has_drones
from control_room.enrich import enrich
from control_room.incremental import forget, upsert
from control_room.model import (
    TRIP,
    VEHICLE,
    Batch,
    FeedHealth,
    Findings,
    Kind,
    Snapshot,
    Table,
    from_ms,
    to_ms,
    unknown,
)
from control_room.punctuality import fill_delays
from control_room.quality import Ledger, Past, note_poll, restore
from control_room.surroundings import Around

# A vehicle that its feed no longer lists is silent, not gone: it is remembered this
# long, first on the map with its age, then counted as not heard from.
REMEMBERED = {"vehicle": timedelta(hours=24)}

# So long answers must have been clean before a privacy fault ends: a field that comes and
# goes with shifts or with one vehicle must not be forgotten between two of its appearances.
PRIVACY_HELD = timedelta(hours=1)
# Fields with identifiers that one fault names at most.
MOST_FIELDS = 40

# Silent vehicles of one feed that are remembered at most: a feed that names its vehicles
# anew in every answer (a fault, or ids that rotate) must not fill our memory for a day.
MOST_SILENT = 10_000


def advance(
    snapshot: Snapshot,
    feed: str,
    batches: Sequence[Batch],
    now: datetime,
    city: City,
    latency_ms: float | None = None,
    found: Findings | None = None,
) -> Snapshot:
    """The snapshot after a good answer of one feed.

    Args:
        batches: what the answer said, one a kind; none is an answer too.
        now: the clock that ages are reckoned by.
        found: by the anonymisation check; None where nothing was looked at this time.
    """
    parts = dict(snapshot.parts)
    around = Around.of(snapshot.tables)
    late = 0
    for batch in batches:
        place = (batch.kind.name, feed)
        merged, late_rows = merge(parts.get(place), batch, now)
        late += late_rows
        parts[place] = enrich(merged.table, merged.before, city, around, now)
        if batch.kind is VEHICLE:
            parts[place] = fill_delays(parts[place], snapshot.tables[TRIP.name])
        if merged.before is not None and "conformance" in merged.before:
            parts[place] = parts[place].with_columns(conformance=merged.before["conformance"])
    kinds = {b.kind.name for b in batches}
    if _judge_drones(parts, kinds, feed, snapshot, now):
        kinds.add("vehicle")
    tables = {**snapshot.tables, **{k: _combine(k, parts, snapshot) for k in kinds}}
    health = snapshot.feeds[feed]
    warnings = _sum(b.warnings for b in batches)
    if late:
        warnings = {**warnings, "older_than_known": late}
    published = [b.published_at for b in batches if b.published_at]
    health = judge_privacy(health, found, now)
    if health.found.unpublished:
        warnings = {**warnings, "field_not_published": len(health.found.unpublished)}
    if health.found.removed:
        warnings = {**warnings, "identifier_removed": sum(health.found.removed.values())}
    health = health.changed(
        asked_at=now,
        succeeded_at=now,
        published_at=max(published, default=None),
        observed_at=_newest_known(batches, health),
        failing_since=None,
        failures=0,
        reason=None,
        detail=None,
        rows=sum(len(b.table) for b in batches),
        rejects=_sum(b.rejects for b in batches),
        warnings=warnings,
        offending={k: v for b in batches for k, v in b.offending.items()},
        latency_ms=latency_ms,
    )
    return _next(snapshot, now, parts, tables, health, batches)


def _judge_drones(
    parts: dict[tuple[str, str], Table], kinds: set[str], feed: str, snapshot: Snapshot, now: datetime
) -> bool:
    """Hold drones against their plans where either has changed; whether any vehicle was judged.

    Without airspace, the way of most cities, this costs nothing.
    """
    if not kinds & {"vehicle", "airspace"}:
        return False
    places = [p for p in parts if p[0] == "vehicle" and ("airspace" in kinds or p[1] == feed)]
    airspace = _combine("airspace", parts, snapshot) if "airspace" in kinds else snapshot.tables["airspace"]
    judged = False
    for place in places:
        part = parts[place]
        if ("conformance" in part or len(airspace)) and has_drones(part):
            parts[place] = part.with_columns(conformance=conformance(part, airspace, now))
            judged = True
    return judged


def note_unchanged(snapshot: Snapshot, feed: str, now: datetime, latency_ms: float | None = None) -> Snapshot:
    """The feed answered that nothing is new: its rows stay, their age goes on."""
    health = judge_privacy(snapshot.feeds[feed], None, now).changed(
        asked_at=now, succeeded_at=now, failing_since=None, failures=0, reason=None, detail=None, latency_ms=latency_ms
    )
    return _next(snapshot, now, snapshot.parts, snapshot.tables, health)


def note_failure(
    snapshot: Snapshot, feed: str, reason: str, detail: str, now: datetime, found: Findings | None = None
) -> Snapshot:
    """A poll failed: the last good rows stay and show their age.

    Args:
        found: by the anonymisation check in what came and could not be read.
    """
    old = judge_privacy(snapshot.feeds[feed], found, now, good=False)
    health = old.changed(
        asked_at=now,
        failing_since=old.failing_since or now,
        failures=old.failures + 1,
        reason=reason,
        detail=detail,
    )
    return _next(snapshot, now, snapshot.parts, snapshot.tables, health)


def judge_privacy(health: FeedHealth, found: Findings | None, now: datetime, good: bool = True) -> FeedHealth:
    """How a feed stands with personal data after one more poll.

    A privacy fault begins with the first identifier found and lasts until checked
    answers have been clean for PRIVACY_HELD; a failed poll is no clean answer.

    Args:
        found: None where nothing was looked at: that is neither clean nor not.
    """
    if found is not None and found.identifiers:
        all_of_it = {**health.found.identifiers, **found.identifiers} if health.has_privacy_fault else found.identifiers
        return health.changed(
            found=replace(found, identifiers=dict(list(all_of_it.items())[:MOST_FIELDS])),
            privacy_since=health.privacy_since or now,
            privacy_clean_since=None,
        )
    if not health.has_privacy_fault:
        return health if found is None else health.changed(found=found)
    if not good:
        return health.changed(privacy_clean_since=None)
    clean_since = health.privacy_clean_since or (now if found is not None else None)
    if clean_since is not None and now - clean_since >= PRIVACY_HELD:
        clean = replace(found or health.found, identifiers={})
        return health.changed(found=clean, privacy_since=None, privacy_clean_since=None)
    kept = health.found if found is None else replace(found, identifiers=health.found.identifiers)
    return health.changed(found=kept, privacy_clean_since=clean_since)


def note_past(snapshot: Snapshot, past: Past, now: datetime) -> Snapshot:
    """What an earlier process saw of the feeds' quality is taken over."""
    quality = restore(snapshot.quality or Ledger(), past, snapshot.feeds, now)
    tables = MappingProxyType({**snapshot.tables, "feed_quality": quality.table})
    return replace(snapshot, version=snapshot.version + 1, at=now, quality=quality, tables=tables)


class Merged:
    """Rows after an answer, and the same rows in the same order before it."""

    def __init__(self, table: Table, before: Table | None) -> None:
        self.table = table
        self.before = before


def note_time(snapshot: Snapshot, now: datetime) -> Snapshot:
    """Nothing was heard; only time went by."""
    return replace(snapshot, version=snapshot.version + 1, at=now)


def merge(old: Table | None, batch: Batch, now: datetime) -> tuple[Merged, int]:
    """One feed's rows of one kind after an answer.

    A row older than the one we hold does not replace it. Rows missing from a
    complete answer are gone, but for the kinds that are REMEMBERED; an answer
    that only tells what changed leaves them, until `forget` lets them go.

    Returns:
        The rows, and how many in the answer were older than what we held.
    """
    new = batch.table
    if old is None or not len(old):
        return Merged(forget(new, now), None), 0
    if not batch.complete and new.kind is not VEHICLE:
        # Only what changed came. Movement is a vehicle's; nothing else needs its row of before.
        table, late = upsert(old, new)
        return Merged(forget(table, now), None), late
    if len(old) == len(new) and bool((old.keys == new.keys).all()):
        # The usual case: the same vehicles in the same order. Keeping the very same key array
        # tells everybody downstream that rows stand where they stood.
        new = new.with_columns(**{new.kind.key: old.keys})
        before = old
    else:
        before, new = _align(old, new, batch, now)
    # Reference rows (a timetable, an inventory) carry no time of observation: the newer answer is the truth.
    outdated = before["observed_at"] > new["observed_at"] if "observed_at" in new.kind.by_name else np.zeros(0, bool)
    late = int(outdated.sum())
    if late:
        names = set(new.columns) | set(before.columns)
        new = new.with_columns(**{n: np.where(outdated, before[n], new[n]) for n in names})
    return Merged(new, before), late


def _align(old: Table, new: Table, batch: Batch, now: datetime) -> tuple[Table, Table]:
    """Both tables over one list of keys: those remembered in their order, then the new ones."""
    kind = new.kind
    place = {key: i for i, key in enumerate(new.keys.tolist())}
    old_keys = old.keys.tolist()
    keep = np.array([key in place for key in old_keys], dtype=bool)
    if kind.name in REMEMBERED:
        # An answer that tells only what changed never says that a vehicle is gone: age alone does.
        if not (batch.complete and batch.ids_rotate):
            keep |= _is_remembered(old, ~keep, now - REMEMBERED[kind.name])
    elif not batch.complete:
        keep[:] = True
    kept_rows = np.flatnonzero(keep)
    kept = [old_keys[i] for i in kept_rows]
    held = set(kept)
    fresh = [key for key in new.keys.tolist() if key not in held]
    keys = [*kept, *fresh]
    rows_of_new = np.array([place.get(key, -1) for key in keys], dtype=np.int64)
    rows_of_old = np.concatenate([kept_rows, np.full(len(fresh), -1, dtype=np.int64)])
    before = _gather(old, rows_of_old, kind)
    after = _gather(new, rows_of_new, kind)
    missing = rows_of_new < 0
    if missing.any():
        names = set(after.columns) | set(before.columns)
        after = after.with_columns(**{n: np.where(missing, before[n], after[n]) for n in names})
    return before.with_columns(**{kind.key: after.keys}), after


def _gather(table: Table, rows: np.ndarray, kind: Kind) -> Table:
    """The rows at these positions; -1 gives unknowns."""
    absent = rows < 0
    columns = {}
    for name, array in table.columns.items():
        if len(array):
            values = array[rows]
            if absent.any():
                values = np.where(absent, unknown(kind.by_name[name], len(rows)), values)
        else:
            values = unknown(kind.by_name[name], len(rows))
        columns[name] = values
    return Table.of(kind, columns)


def _is_remembered(table: Table, silent: np.ndarray, since: datetime) -> np.ndarray:
    """Which of the silent rows (a mask) were heard from since then; of too many, those heard from last."""
    last = table["observed_at"]
    last = np.where(np.isnat(last), table["received_at"], last)
    kept = silent & np.asarray(last >= to_ms(since))  # unknown compares false: nothing is remembered for ever
    # A drone that stood on the ground and is no longer listed has ended its flight; one that vanished in the air has not.
    kept &= ~((table["vehicle_type"] == "drone") & (table["state"] == "idle"))
    if kept.sum() > MOST_SILENT:
        rows = np.flatnonzero(kept)
        kept[rows[np.argsort(last[rows], kind="stable")[:-MOST_SILENT]]] = False
    return kept


def _combine(kind: str, parts: Mapping[tuple[str, str], Table], snapshot: Snapshot) -> Table:
    """All feeds' rows of one kind; the key array is the old one where no part's keys changed."""
    tables = [(place, t) for place, t in parts.items() if place[0] == kind]
    if len(tables) == 1:
        return tables[0][1]
    some = [t for _, t in tables]
    names = sorted({n for t in some for n in t.columns})
    columns = {n: np.concatenate([t[n] for t in some]) for n in names}
    old = snapshot.parts
    if all(place in old and old[place].keys is t.keys for place, t in tables) and sum(map(len, some)) == len(
        snapshot.tables[kind]
    ):
        columns[some[0].kind.key] = snapshot.tables[kind].keys
    return Table.of(some[0].kind, columns)


def _newest_known(batches: Sequence[Batch], health: FeedHealth) -> datetime | None:
    """Newest observation of the feed. An answer with changes only cannot make what we know older."""
    newest, before = _newest(batches), health.observed_at
    if before is None or any(batch.complete for batch in batches):
        return newest
    return max(before, newest or before)


def _newest(batches: Sequence[Batch]) -> datetime | None:
    newest = None
    for batch in batches:
        # Of reference rows the answer itself is the news.
        times = batch.table["observed_at" if "observed_at" in batch.kind.by_name else "received_at"]
        times = times[~np.isnat(times)]
        if len(times):
            latest = from_ms(times.max())
            newest = latest if newest is None or (latest and latest > newest) else newest
    return newest


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for reason, number in count.items():
            total[reason] = total.get(reason, 0) + number
    return total


def _next(
    snapshot: Snapshot,
    now: datetime,
    parts: Mapping[tuple[str, str], Table],
    tables: Mapping[str, Table],
    health: FeedHealth,
    batches: Sequence[Batch] = (),
) -> Snapshot:
    feeds = {**snapshot.feeds, health.feed: health}
    quality = note_poll(snapshot.quality or Ledger(), snapshot.feeds[health.feed], health, now, batches)
    return Snapshot(
        snapshot.version + 1,
        now,
        MappingProxyType({**tables, "feed_quality": quality.table}),
        MappingProxyType(feeds),
        MappingProxyType(dict(parts)),
        quality,
        snapshot.watch,
    )
