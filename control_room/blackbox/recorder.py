"""The thread that writes the black box.

`take` only puts what was published on a queue; a full or broken disk, a fault of
ours, a slow machine are the recorder's own trouble: screens and alarms do not
notice, and `state` says it in words.
"""

from __future__ import annotations

import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from control_room.blackbox import record
from control_room.blackbox.facts import FactsEncoder
from control_room.blackbox.player import FACTS, FACTS_BASE
from control_room.blackbox.segment import GAP_MS, SegmentWriter, find_name, path_of
from control_room.blackbox.shelf import let_go
from control_room.live import LAYER_TOPIC, PANEL_TOPIC, Bundle
from control_room.model import Snapshot

log = structlog.get_logger()

# A seek decodes what lies between the key frame before it and itself: at most so much.
CHUNK_MS: Final = 60_000
CHUNK_DELTAS: Final = 100
CHUNK_OF_KEY: Final = 4  # deltas that together are so many times a key frame

PANELS_EVERY_MS: Final = 10_000
LARGE_EVERY_MS: Final = 60_000
LARGE_BYTES: Final = 12_000
BUILD_MOST: Final = 4  # panels built for one frame, that the interpreter is not kept from the live path for long

FACTS_EVERY_MS: Final = 10_000
FACTS_SOON_MS: Final = 3_000  # where vehicles came or went

WAITING_MOST: Final = 300  # bundles; beyond, moments go unrecorded rather than memory growing
TRY_AGAIN_S: Final = 30.0  # after the disk refused
LET_GO_EVERY_S: Final = 300.0

EVENTS: Final = "events"


class Standing(Protocol):
    """What is built for the record; see `standing.py`."""

    topics: tuple[str, ...]
    urgent: frozenset[str]

    def build(self, topic: str, snapshot: Snapshot) -> bytes | None: ...


@dataclass(frozen=True)
class _Item:
    bundle: Bundle
    snapshot: Snapshot


@dataclass
class _Told:
    """A topic as last recorded."""

    content: bytes
    looked_at: int


@dataclass
class _Tape:
    """The open file, and what its next records depend on."""

    writer: SegmentWriter | None = None
    hour: int = -1
    seq: int | None = None
    at: int = 0
    chunk_at: int = 0
    deltas: int = 0
    delta_bytes: int = 0
    key_bytes: int = 0
    facts_at: int = 0
    slot_of: Mapping[str, int] | None = None
    told: dict[str, _Told] = field(default_factory=dict)
    synced_chunk: int = 0


class Recorder:
    """Writes one audience's screens below a folder. Made on the event loop; works in a thread of its own.

    Args:
        folder: of the black box; made where absent.
        audience: whose screens.
        about: what it is a recording of, as JSON: mode, city, simulated.
        standing: what is built for the record.
        keep_hours: older files go.
        max_bytes: oldest files go when all hold more.
        monotonic: seconds by a clock that nobody sets.
    """

    def __init__(
        self,
        folder: Path,
        audience: str,
        about: Mapping[str, Any],
        standing: Standing,
        keep_hours: float,
        max_bytes: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._audience = audience
        self._about = dict(about)
        self._standing = standing
        self._keep_ms = round(keep_hours * 3_600_000)
        self._max_bytes = max_bytes
        self._monotonic = monotonic
        self._queue: queue.Queue[_Item | None] = queue.Queue(WAITING_MOST)
        self._tape = _Tape()
        self._facts = FactsEncoder()
        self._lock: int | None = None
        self._try_at = 0.0
        self._let_go_at = -LET_GO_EVERY_S
        self._fault = ""
        self._alarms: object = None
        self._urgent_due: set[str] = set()
        self.dropped = 0
        self.written = 0  # frames
        self._thread = threading.Thread(target=self._run, name="black box", daemon=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """`ok`, or what is wrong, in words."""
        return self._fault or "ok"

    def take(self, bundle: Bundle, snapshot: Snapshot) -> None:
        """What the audience's screens were given of this snapshot; returns at once."""
        try:
            self._queue.put_nowait(_Item(bundle, snapshot))
        except queue.Full:
            self.dropped += 1
            if self.dropped == 1:
                log.warning("black box: the disk or this machine is too slow; moments go unrecorded")

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._queue.put(None)
        self._thread.join()

    # In the thread

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._fault and self._monotonic() < self._try_at:
                continue
            try:
                self._record(item)
                self._look_after(item.bundle.frame.now_ms)
            except OSError as error:
                self._fail(f"not recording: {self.folder}: {error.strerror or error}")
            except Exception:
                log.exception("black box: a fault of ours")
                self._fail("not recording: a fault of this program; see its log")
            else:
                if self._fault:
                    log.info("black box: records again", folder=str(self.folder))
                    self._fault = ""
        self._close_file(whole=not self._fault)
        if self._lock is not None:
            os.close(self._lock)

    def _fail(self, words: str) -> None:
        if words != self._fault:
            log.error("black box", fault=words)
        self._fault, self._try_at = words, self._monotonic() + TRY_AGAIN_S
        self._close_file(whole=False)

    def _record(self, item: _Item) -> None:
        frame, tape = item.bundle.frame, self._tape
        at = frame.now_ms
        follows = frame.delta is not None and tape.seq == frame.seq - 1 and at - tape.at <= GAP_MS
        if tape.writer is None or at // 3_600_000 != tape.hour or at < tape.at:
            # Another hour; or the clock was set back, and what follows is told by another file.
            self._open_file(at)
            follows = False
        assert tape.writer is not None  # noqa: S101 - opened above
        if follows and frame.delta is not None:
            tape.writer.add_delta(at, frame.seq, frame.delta)
            tape.deltas += 1
            tape.delta_bytes += len(frame.delta)
        if not follows or self._chunk_is_full(at):
            key = frame.key()
            tape.writer.begin_chunk(at, frame.seq, key)
            tape.chunk_at, tape.deltas, tape.delta_bytes, tape.key_bytes = at, 0, 0, len(key)
            tape.facts_at = -FACTS_EVERY_MS
        tape.seq, tape.at = frame.seq, at
        self.written += 1
        self._record_facts(item, at)
        self._record_named(item, at)

    def _chunk_is_full(self, at: int) -> bool:
        tape = self._tape
        return (
            at - tape.chunk_at >= CHUNK_MS
            or tape.deltas >= CHUNK_DELTAS
            or tape.delta_bytes > max(CHUNK_OF_KEY * tape.key_bytes, 20_000)
        )

    def _record_facts(self, item: _Item, at: int) -> None:
        tape, frame = self._tape, item.bundle.frame
        since = at - tape.facts_at
        changed = frame.slot_of is not tape.slot_of
        if since < (FACTS_SOON_MS if changed else FACTS_EVERY_MS):
            return
        assert tape.writer is not None  # noqa: S101 - the frame was written
        t0 = int(frame.legend.get("t0", 0))
        content, is_base = self._facts.encode(item.snapshot.tables["vehicle"], frame.slot_of, t0, at)
        if is_base:
            tape.writer.add_named(at, FACTS_BASE, content)
        tape.writer.add_named(at, FACTS, b"" if is_base else content)
        tape.facts_at, tape.slot_of = at, frame.slot_of

    def _record_named(self, item: _Item, at: int) -> None:
        """What screens were sent and is due; of what nobody shows, a few at a time."""
        tape, built = self._tape, 0
        alarms = item.snapshot.tables.get("alarm")
        if alarms is not self._alarms:
            self._alarms = alarms
            self._urgent_due = set(self._standing.urgent)
        due = [topic for topic in self._standing.topics if self._is_due(topic, at)]
        # The longest unlooked at first; alarms before all.
        due.sort(
            key=lambda topic: (topic not in self._urgent_due, tape.told[topic].looked_at if topic in tape.told else 0)
        )
        for topic in due:
            content = _sent(item.bundle, topic)
            if content is None:
                if built >= BUILD_MOST and topic not in self._urgent_due:
                    continue
                built += 1
                content = self._standing.build(topic, item.snapshot)
            self._urgent_due.discard(topic)
            self._tell(topic, content, at)

    def _is_due(self, topic: str, at: int) -> bool:
        told = self._tape.told.get(topic)
        if told is None or topic in self._urgent_due or at < told.looked_at:
            return True
        return at - told.looked_at >= (LARGE_EVERY_MS if len(told.content) > LARGE_BYTES else PANELS_EVERY_MS)

    def _tell(self, topic: str, content: bytes | None, at: int) -> None:
        """Record it where it is not as it was; what did not change costs nothing."""
        tape = self._tape
        told = tape.told.get(topic)
        if told is not None and (content is None or content == told.content):
            told.looked_at = at
            return
        if content is None:
            return
        assert tape.writer is not None  # noqa: S101 - the frame was written
        tape.writer.add_named(at, topic, content)
        tape.told[topic] = _Told(content, at)

    # Files

    def _open_file(self, at: int) -> None:
        self._close_file(whole=True)
        self._hold()
        tape, told = self._tape, self._tape.told
        path = path_of(self.folder, at, self._next_number(), self._audience)
        tape.writer = SegmentWriter(path, {"format": record.FORMAT, "audience": self._audience, **self._about}, at)
        tape.hour, tape.slot_of, tape.told = at // 3_600_000, None, {}
        self._facts.forget()
        # Each file stands by itself: it begins with the newest of everything.
        for topic, last in told.items():
            if at - last.looked_at <= GAP_MS + LARGE_EVERY_MS:
                tape.writer.add_named(at, topic, last.content)
                tape.told[topic] = last

    def _close_file(self, whole: bool) -> None:
        writer, self._tape.writer = self._tape.writer, None
        if writer is None:
            return
        try:
            writer.close(whole)
        except OSError as error:
            log.warning("black box: the end of a file may be torn", file=writer.path.name, fault=error.strerror)

    def _next_number(self) -> int:
        names = map(find_name, self.folder.glob("*/*.box"))
        return max((name.number for name in names if name is not None), default=0) + 1

    def _hold(self) -> None:
        """Lock the folder: two recorders would take turns in one recording."""
        if self._lock is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise OSError(11, "another control room records here; end it, or name another folder with --data") from None
        self._lock = lock

    def _look_after(self, now: int) -> None:
        tape = self._tape
        if tape.writer is not None and tape.chunk_at != tape.synced_chunk:
            tape.synced_chunk = tape.chunk_at
            tape.writer.sync()
        if self._monotonic() - self._let_go_at < LET_GO_EVERY_S:
            return
        self._let_go_at = self._monotonic()
        with suppress(FileNotFoundError):
            for gone in let_go(self.folder, self._keep_ms, self._max_bytes, now):
                log.info("black box: let go", file=f"{gone.parent.name}/{gone.name}")


def _sent(bundle: Bundle, topic: str) -> bytes | None:
    """The bytes that screens were given of that panel or layer; None where no screen shows it."""
    if topic.startswith(LAYER_TOPIC):
        return bundle.layers.get(topic.removeprefix(LAYER_TOPIC))
    return bundle.panels.get(topic.removeprefix(PANEL_TOPIC))
