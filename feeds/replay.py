"""Replay: a recording, or bare payloads, through the very path that live data takes.

    open_replay(path, rate, still) -> feeds, source, clock

The source hands out what was current at the clock's now, each recorded poll
once, with the moment it was received then; so every age is what it was. At the
end of the recording the clock stands still at its last moment: what is shown
then is the end of the recording, and does not pretend to grow old.
"""

from __future__ import annotations

import asyncio
import bisect
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from control_room.clock import Clock, ReplayClock, SystemClock
from control_room.model import Batch, from_ms
from feeds.feed import Adapter, Feed, FeedError, FeedFileError, Limits, Payload, get_adapter, list_adapters
from feeds.fetch import Page
from feeds.recording import MANIFEST, Mark, RecordingError, list_files, read_manifest, read_record, scan_file

log = logging.getLogger(__name__)

# A still shows everything its payload held, however old it was then.
NEVER_LEAVES_S = 1e10

# How far a replayed poll may come after its moment, in real seconds.
LATE_S = 1.0

_WARNINGS_TOLD = 5

_SHORTEST_POLL_S = 0.2  # the shortest that a feed may have

# The sort of vehicle where neither the standard nor a feed file says.
_VEHICLE_TYPES = {"mds": "robot"}


@dataclass(frozen=True, slots=True)
class RecordedPoll:
    """One poll: when it was received, and where its bodies are (in a recording, or in memory)."""

    received_at: datetime
    marks: tuple[Mark, ...] = ()
    payloads: tuple[Payload, ...] = ()

    def read(self, max_bytes: int) -> list[Payload]:
        """Its bodies, in order of pages.

        Raises:
            RecordingError: a record is damaged or too large.
        """
        return list(self.payloads) or [read_record(mark, max_bytes) for mark in self.marks]


@dataclass(frozen=True)
class Recording:
    """Feeds and their polls, oldest first; the polls of a feed may be none.

    Attributes:
        warnings: what was left out, and why, one sentence each.
    """

    feeds: tuple[Feed, ...]
    polls: Mapping[str, Sequence[RecordedPoll]]
    warnings: tuple[str, ...] = ()

    @property
    def began_at(self) -> datetime:
        return min(polls[0].received_at for polls in self.polls.values())

    @property
    def ended_at(self) -> datetime:
        return max(polls[-1].received_at for polls in self.polls.values())

    @property
    def is_one_moment(self) -> bool:
        """Whether it is bare payloads, one a feed: nothing in it moves."""
        return all(len(polls) == 1 and bool(polls[0].payloads) for polls in self.polls.values())

    @property
    def complete_at(self) -> datetime:
        """The first moment at which every feed had answered."""
        return max(polls[0].received_at for polls in self.polls.values())


@dataclass
class RecordedClock:
    """A replay's time: as a ReplayClock, but it stops at the end of the recording."""

    start: datetime
    end: datetime
    pace: float = 1.0
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._clock = ReplayClock(self.start, self.pace, self.monotonic)

    @property
    def rate(self) -> float:
        """The pace, and 0 once the end is reached."""
        return self.pace if self._clock.now() < self.end else 0.0

    def now(self) -> datetime:
        return min(self._clock.now(), self.end)


@dataclass
class ReplaySource:
    """Answers polls from a recording. Takes the Fetcher's place."""

    recording: Recording
    clock: Clock
    _given: dict[str, int] = field(default_factory=dict)

    async def fetch(self, feed: Feed, adapter: Adapter) -> list[Page]:
        """The pages of the poll that is current now; `not_modified` when it was handed out before, or none is yet.

        Raises:
            RecordingError: the record is damaged.
        """
        now = self.clock.now()
        polls = self.recording.polls.get(feed.name, ())
        current = bisect.bisect_right(polls, now, key=lambda poll: poll.received_at) - 1
        if current < 0 or self._given.get(feed.name) == current:
            return [Page(Payload(feed=feed.name, url=feed.url, body=b"", received_at=now, not_modified=True))]
        payloads = await asyncio.to_thread(polls[current].read, feed.limits.max_bytes)
        self._given[feed.name] = current
        return [Page(payload) for payload in payloads]

    def forget(self, feed: str) -> None:
        """Hand the current poll out again: a body that could not be read stays unread until the next."""
        self._given.pop(feed, None)


def open_replay(
    path: Path,
    rate: float = 1.0,
    still: bool = False,
    adapter: str | None = None,
    at: datetime | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[tuple[Feed, ...], ReplaySource, RecordedClock]:
    """What the control room needs to show a recording.

    Args:
        path: as for `read_recording`.
        rate: seconds of the recording per real second.
        still: show one moment, standing still, with everything its payloads
            held: `at`, or the first at which every feed had answered. Bare payloads
            of different feeds are a still in any case: they may lie years apart.
        at: moment to start from; default the beginning.

    Raises:
        RecordingError: nothing there can be replayed.
        ValueError: rate is negative or `at` has no zone.
    """
    recording = read_recording(path, adapter)
    for warning in recording.warnings[:_WARNINGS_TOLD]:
        log.warning("replay: %s", warning)
    if len(recording.warnings) > _WARNINGS_TOLD:
        log.warning("replay: and %d more like these", len(recording.warnings) - _WARNINGS_TOLD)
    if still or recording.is_one_moment:
        moment = at or recording.complete_at
        clock = RecordedClock(moment, moment, 0.0, monotonic)
        feeds = tuple(feed.model_copy(update={"leaves_map_after_s": NEVER_LEAVES_S}) for feed in recording.feeds)
    else:
        clock = RecordedClock(at or recording.began_at, recording.ended_at, rate, monotonic)
        feeds = tuple(_hastened(feed, rate) for feed in recording.feeds)
    return feeds, ReplaySource(recording, clock), clock


def _hastened(feed: Feed, rate: float) -> Feed:
    """The feed, asked so often that a recorded poll is seen within LATE_S of its moment, at any pace.

    Its ages stay: they are settled in the manifest and count in the recording's seconds.
    """
    every_s = feed.every_s / rate if rate else feed.every_s
    return feed.model_copy(update={"every_s": max(_SHORTEST_POLL_S, min(every_s, LATE_S))})


def read_recording(path: Path, adapter: str | None = None, clock: Clock | None = None) -> Recording:
    """What is recorded there.

    Args:
        path: the folder of a recording (with its recording.json), one `.rec`
            file of it, a bare payload (a body in a file, whatever its name), or
            a folder of bare payloads. Bare files whose names differ only by
            trailing digits are polls of one feed; others are feeds of their own.
        adapter: standard of bare payloads; default whichever adapter knows them.
        clock: the real time: a bare payload cannot speak of what comes after it.

    Raises:
        RecordingError: nothing there can be replayed; the text says what to do.
    """
    try:
        if path.is_dir() and (path / MANIFEST).exists():
            recording = _read_files(
                read_manifest(path), {f.name: list_files(path / f.name) for f in read_manifest(path)}
            )
        elif path.suffix == ".rec":
            feeds = tuple(f for f in read_manifest(path.parent.parent) if f.name == path.parent.name)
            recording = _read_files(feeds, {f.name: [path] for f in feeds})
        elif path.is_dir():
            recording = _read_bare(sorted(p for p in path.iterdir() if p.is_file()), adapter, clock or SystemClock())
        else:
            recording = _read_bare([path], adapter, clock or SystemClock())
    except OSError as error:
        raise RecordingError("recording_unreadable", f"{path}: cannot be read: {error.strerror}") from error
    if not recording.feeds:
        why = f"; {recording.warnings[0]}" if recording.warnings else ""
        raise RecordingError("recording_empty", f"{path}: holds nothing that can be replayed{why}")
    return recording


def _read_files(feeds: Iterable[Feed], files: Mapping[str, Sequence[Path]]) -> Recording:
    warnings: list[str] = []
    polls: dict[str, list[RecordedPoll]] = {}
    for name, paths in files.items():
        found: list[RecordedPoll] = []
        for path in paths:
            marks, warning = scan_file(path)
            warnings += [warning] if warning else []
            found += group_pages(marks)
        if found:
            polls[name] = sorted(found, key=lambda poll: poll.received_at)
        else:
            warnings.append(f"feed {name}: no poll is recorded")
    return Recording(tuple(f for f in feeds if f.name in polls), polls, tuple(warnings))


def group_pages(marks: Iterable[Mark]) -> list[RecordedPoll]:
    """Records as polls. A poll that broke off, or whose end was torn away, is left out."""
    polls: list[RecordedPoll] = []
    pages: list[Mark] = []
    for mark in marks:
        if mark.page == 0:
            pages = []
        if mark.whole and mark.page == len(pages):
            pages.append(mark)
            if len(pages) == mark.pages:
                polls.append(RecordedPoll(pages[-1].received_at, marks=tuple(pages)))
    return polls


def _read_bare(paths: Sequence[Path], adapter: str | None, clock: Clock) -> Recording:
    """Bare payloads as a recording: each received when it says it was published."""
    warnings: list[str] = []
    feeds: dict[str, Feed] = {}
    polls: dict[str, list[RecordedPoll]] = {}
    for path in paths:
        try:
            body = _read_body(path)
            chosen = _choose_adapter(path, body, adapter)
            name = _name_of(path, chosen, feeds)
            feed = feeds.get(name) or _bare_feed(name, path, chosen)
            moment = _moment_of(path, body, feed, chosen, clock.now())
        except RecordingError as error:
            warnings.append(error.detail)
            continue
        except FeedError as error:
            warnings.append(f"{path.name}: {error}")
            continue
        feeds[name] = feed
        payload = Payload(feed=name, url=feed.url, body=body, received_at=moment)
        polls.setdefault(name, []).append(RecordedPoll(moment, payloads=(payload,)))
    for found in polls.values():
        found.sort(key=lambda poll: poll.received_at)
    return Recording(tuple(feeds.values()), polls, tuple(warnings))


def _read_body(path: Path) -> bytes:
    limit = Limits().max_bytes
    with path.open("rb") as file:
        body = file.read(limit + 1)
    if len(body) > limit:
        raise RecordingError("payload_too_large", f"{path.name}: has more than {limit} bytes")
    return body


def _choose_adapter(path: Path, body: bytes, name: str | None) -> Adapter:
    if name is not None:
        try:
            return get_adapter(name)
        except FeedFileError as error:
            raise RecordingError("adapter_unknown", str(error)) from error
    for adapter in list_adapters().values():
        if adapter.looks_like(body):
            return adapter
    raise RecordingError("adapter_unknown", f"{path.name}: no adapter knows this body; name one with --adapter")


def _name_of(path: Path, adapter: Adapter, feeds: Mapping[str, Feed]) -> str:
    """A feed's name for a bare file: its own, without the digits it ends in."""
    stem = re.sub(r"[^a-z0-9]+", "_", path.stem.lower())
    stem = re.sub(r"(_?[0-9]+[tz]?)+$", "", stem).strip("_")
    name = stem if stem[:1].isalpha() else f"{adapter.name}_{stem}".strip("_")
    name = name[:36]
    if name in feeds and feeds[name].adapter != adapter.name:
        name = f"{name[:30]}_{adapter.name}"[:40]
    return name


def _bare_feed(name: str, path: Path, adapter: Adapter) -> Feed:
    return Feed(
        name=name,
        title=path.name,
        adapter=adapter.name,
        url=f"http://recording.invalid/{name}",
        vehicle_type=_VEHICLE_TYPES.get(adapter.name, "bus"),
    )


def _moment_of(path: Path, body: bytes, feed: Feed, adapter: Adapter, now: datetime) -> datetime:
    """When a bare body was most likely received: when it was published, else its
    newest observation, else when the file was written.

    It is read as if it came now, the latest it can have come, so that no row of
    it is refused as future; a body that cannot be read has its file's time, and
    says what is wrong with it when it is replayed.
    """
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    try:
        batches = adapter.observe([adapter.decode(body)], feed, now)
    except Exception:
        return written
    published = [batch.published_at for batch in batches if batch.published_at is not None]
    if published:
        return max(published)
    observed = [moment for batch in batches if (moment := _newest(batch)) is not None]
    return min(max(observed), now + timedelta(seconds=60)) if observed else written


def _newest(batch: Batch) -> datetime | None:
    times = batch.table["observed_at"]
    known = times[times == times]  # NaT equals nothing, itself included
    return from_ms(known.max()) if len(known) else None
