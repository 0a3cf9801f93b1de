"""What one answer becomes: the function behind `python -m control_room try-feed`.

A supplier's file or address goes in, one plain object comes out, by the very
adapter that the control room uses. Every adapter gets this door for nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from control_room.clock import Clock, FixedClock, SystemClock
from control_room.model import Batch
from feeds.anonymity.check import clean_rows, keep_to_list
from feeds.feed import Adapter, Feed, FeedError, FeedFileError, PayloadError, TooLarge, get_adapter
from feeds.privacy import hide_identifiers
from feeds.unpack import GZIP_MAGIC, unpack

log = logging.getLogger(__name__)

# The type of vehicle where the standard does not say and there is no feed file to ask.
_VEHICLE_TYPES = {"mds": "robot"}


def try_feed(adapter: str, source: str, at: datetime | None = None, feed: Feed | None = None) -> dict[str, Any]:
    """Read one answer through an adapter.

    Args:
        adapter: name of the standard, a module in `feeds/`.
        source: a file (unpacked first when it is gzip) or an http(s) address,
            which is asked once, next pages included. The person who typed it
            may name a private address.
        at: moment of receipt, aware; None is now. It decides what lies in the future.
        feed: description to read with, for its options and limits; None is a plain one named `try`.

    Returns:
        `{"kind", "rows", "rejects", "warnings", "published_at"}`: rows as
        `Table.to_records` gives them, that is the columns this standard can
        fill, None for unknown; published_at in ISO 8601 or None. An answer
        with further kinds has them under "others", each of the same shape.
        A body that fails as a whole gives `{"error": sentence, "reason": word}`,
        and so does a fault of ours in reading it (`adapter_fault`; the log has it).

    Raises:
        ValueError: `at` is naive.
    """
    if at is not None and at.tzinfo is None:
        raise ValueError(f"time {at} has no zone; give one with an offset or Z")
    try:
        chosen = get_adapter(adapter)
    except FeedFileError as error:
        return {"error": str(error), "reason": "adapter_unknown"}
    return try_adapter(chosen, source, at, feed)


def try_adapter(adapter: Adapter, source: str, at: datetime | None = None, feed: Feed | None = None) -> dict[str, Any]:
    """The same as `try_feed`, by an adapter at hand."""
    is_address = "://" in source
    try:
        described = feed or _plain_feed(adapter.name, source if is_address else "http://localhost/")
        clock: Clock = SystemClock() if at is None else FixedClock(at.astimezone(UTC))
        # What a screen would show: without fields that are not on the feed's list, and without identifiers.
        adapter = keep_to_list(described, adapter)
        decoded = _fetch(adapter, described, clock) if is_address else [_read(adapter, described, Path(source))]
        batches, _ = clean_rows(adapter.observe(decoded, described, clock.now()))
    except FeedError as error:
        return {"error": hide_identifiers(error.detail), "reason": error.reason}
    except Exception as error:  # whoever reads our answer gets one, whatever the body did to the adapter
        log.exception("adapter %s failed unexpectedly", adapter.name)
        return {"error": f"{type(error).__name__}; this is a fault of ours, see the log", "reason": "adapter_fault"}
    return _describe(batches, adapter)


def main_json(adapter: str, source: str, at: datetime | None = None, feed: Feed | None = None) -> tuple[str, int]:
    """The same as one JSON object on one line, and the exit status: 1 for a body that fails as a whole."""
    result = try_feed(adapter, source, at, feed)
    # allow_nan off: what is not JSON everywhere must not be printed as if it were.
    return json.dumps(result, ensure_ascii=False, allow_nan=False), 1 if "error" in result else 0


def _plain_feed(adapter: str, url: str) -> Feed:
    vehicle_type = _VEHICLE_TYPES.get(adapter, "bus")
    try:
        return Feed(name="try", adapter=adapter, url=url, vehicle_type=vehicle_type, allow_private=True)
    except ValueError:
        from feeds.addresses import place

        # Without its query, which may hold a key.
        raise PayloadError("address_unreadable", f"{place(url)} is not an http or https address") from None


def _read(adapter: Adapter, feed: Feed, path: Path) -> Any:
    """The decoded file, as the only page of its poll."""
    limit = feed.limits.max_bytes
    try:
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise PayloadError("file_unreadable", f"{path}: {said}") from None
    if len(body) > limit:
        raise TooLarge("too_large", f"{path} is larger than {limit} bytes (limits.max_bytes)")
    if path.name.lower().endswith(".gz") or body.startswith(GZIP_MAGIC):
        body = unpack(body, "gzip", limit, str(path))
    return adapter.decode(body)


def _fetch(adapter: Adapter, feed: Feed, clock: Clock) -> list[Any]:
    """The decoded pages that the address answers with now."""
    # Only addresses need the network stack; files are read without loading it.
    from feeds.fetch import Fetcher

    async def ask() -> list[Any]:
        async with Fetcher(clock=clock) as fetcher:
            pages = await fetcher.fetch(feed, adapter)
            # A first answer with nothing new says that there is no data yet.
            told = [page for page in pages if not page.payload.not_modified]
            return [page.read(adapter) for page in told]

    return asyncio.run(ask())


def _describe(batches: Sequence[Batch], adapter: Adapter) -> dict[str, Any]:
    if not batches:
        return {"kind": adapter.kinds[0], "rows": [], "rejects": {}, "warnings": {}, "published_at": None}
    # What the answer is mainly about comes first: trip updates alone are no answer about vehicles.
    telling = [b for b in batches if len(b.table) or b.rejects]
    first = telling[0] if telling else batches[0]
    result = _describe_batch(first)
    if others := [_describe_batch(b) for b in telling if b is not first]:
        result["others"] = others
    return result


def _describe_batch(batch: Batch) -> dict[str, Any]:
    published = batch.published_at
    return {
        "kind": batch.kind.name,
        "rows": batch.table.to_records(),
        "rejects": dict(batch.rejects),
        "warnings": dict(batch.warnings),
        "published_at": None if published is None else published.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
