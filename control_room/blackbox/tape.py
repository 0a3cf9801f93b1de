"""What of the published is written where: key frames, deltas, panels and layers as they change, facts of vehicles.

No thread and no clock of its own: the moments are those of the frames.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from control_room.blackbox import record
from control_room.blackbox.facts import FactsEncoder
from control_room.blackbox.marks import EVENTS, encode_events
from control_room.blackbox.player import FACTS, FACTS_BASE
from control_room.blackbox.segment import GAP_MS, SegmentWriter, find_name, path_of
from control_room.live import LAYER_TOPIC, PANEL_TOPIC, Bundle
from control_room.model import Snapshot

HOUR_MS: Final = 3_600_000
# A clock that is put right by less than this does not make another file: moments wait until it is past.
STEP_BACK_MS: Final = 1_000

# A seek decodes what lies between the key frame before it and itself: at most so much.
CHUNK_MS: Final = 60_000
CHUNK_DELTAS: Final = 100
CHUNK_OF_KEY: Final = 4  # deltas that together are so many times a key frame
CHUNK_BYTES_LEAST: Final = 20_000

PANELS_EVERY_MS: Final = 10_000
LARGE_EVERY_MS: Final = 60_000
LARGE_BYTES: Final = 3_000  # tables of every row: a third of the record, if kept as often as the rest
BUILD_MOST: Final = 4  # panels built for one frame, that the interpreter is not kept from the live path for long

FACTS_EVERY_MS: Final = 10_000
FACTS_SOON_MS: Final = 3_000  # where vehicles came or went


class Standing(Protocol):
    """What is built for the record; see `standing.py`."""

    topics: tuple[str, ...]
    urgent: frozenset[str]

    def build(self, topic: str, snapshot: Snapshot) -> bytes | None: ...


@dataclass
class _Told:
    """A topic as last recorded."""

    content: bytes
    looked_at: int


class Tape:
    """Writes one audience's screens below a folder, one file an hour. For one thread.

    Args:
        folder: of the black box; made where absent.
        audience: whose screens.
        about: what it is a recording of, as JSON: mode, city, simulated.
        standing: what is built for the record.

    Raises:
        OSError: of `record` and `close`: the disk does not take it. Then `close(whole=False)`; the next
            `record` begins another file.
    """

    def __init__(self, folder: Path, audience: str, about: Mapping[str, Any], standing: Standing) -> None:
        self.folder = folder
        self._audience = audience
        # Numbers of frames begin anew with each run; only within one do they say what follows what.
        self._about = {**about, "run": secrets.token_hex(8)}
        self._standing = standing
        self._writer: SegmentWriter | None = None
        self._facts = FactsEncoder()
        self._facts_at = 0
        self._slot_of: Mapping[str, int] | None = None
        self._told: dict[str, _Told] = {}
        self._alarms: object = None
        self._urgent_due: set[str] = set()
        self._seq: int | None = None
        self._at = 0
        self._chunk_at = 0
        self._deltas = 0
        self._delta_bytes = 0
        self._key_bytes = 0
        self.written = 0  # frames

    @property
    def path(self) -> Path | None:
        """The open file; None where none is."""
        return None if self._writer is None else self._writer.path

    @property
    def chunk_at(self) -> int:
        """Moment of the newest key frame written."""
        return self._chunk_at

    def record(self, bundle: Bundle, snapshot: Snapshot) -> None:
        """Write what screens were given of this snapshot."""
        frame, at = bundle.frame, bundle.frame.now_ms
        if 0 < self._at - at < STEP_BACK_MS:
            at = self._at
        follows = frame.delta is not None and self._seq == frame.seq - 1 and 0 <= at - self._at <= GAP_MS
        if follows and frame.delta is not None:
            # Also where a key frame follows: whoever plays goes on with the bytes that were sent.
            self._open.add_delta(at, frame.seq, frame.delta)
            self._deltas += 1
            self._delta_bytes += len(frame.delta)
        if self._writer is None or at < self._at or at // HOUR_MS != self._writer.began // HOUR_MS:
            self._begin_file(at)
            follows = False
        writer = self._open
        if not follows or self._chunk_is_full(at):
            key = frame.key()
            writer.begin_chunk(at, frame.seq, key)
            self._chunk_at, self._deltas, self._delta_bytes, self._key_bytes = at, 0, 0, len(key)
            self._facts_at = at - FACTS_EVERY_MS
        self._seq, self._at = frame.seq, at
        self.written += 1
        self._record_facts(bundle, snapshot, at)
        self._record_topics(bundle, snapshot, at)
        if self._is_due(EVENTS, at):
            self._tell(EVENTS, encode_events(snapshot.tables["event"]), at)

    def sync(self) -> None:
        """Have the disk hold what was written."""
        if self._writer is not None:
            self._writer.sync()

    def close(self, whole: bool = True) -> None:
        """Let go of the file; `whole` false after a fault."""
        writer, self._writer, self._seq = self._writer, None, None
        if writer is not None:
            writer.close(whole)

    @property
    def _open(self) -> SegmentWriter:
        assert self._writer is not None  # noqa: S101 - begun by `record`
        return self._writer

    def _begin_file(self, at: int) -> None:
        """Each file stands by itself: it begins with the newest of everything."""
        self.close()
        about = {"format": record.FORMAT, "audience": self._audience, **self._about}
        writer = SegmentWriter(path_of(self.folder, at, self._next_number(), self._audience), about, at)
        self._writer = writer
        told, self._told = self._told, {}
        for topic, last in told.items():
            if 0 <= at - last.looked_at <= LARGE_EVERY_MS + GAP_MS:
                writer.add_named(at, topic, last.content)
                self._told[topic] = last
        self._facts.forget()
        self._slot_of = None

    def _next_number(self) -> int:
        names = map(find_name, self.folder.glob("*/*.box"))
        return max((name.number for name in names if name is not None), default=0) + 1

    def _chunk_is_full(self, at: int) -> bool:
        return (
            at - self._chunk_at >= CHUNK_MS
            or self._deltas >= CHUNK_DELTAS
            or self._delta_bytes > max(CHUNK_OF_KEY * self._key_bytes, CHUNK_BYTES_LEAST)
        )

    def _record_facts(self, bundle: Bundle, snapshot: Snapshot, at: int) -> None:
        slot_of = bundle.frame.slot_of
        if at - self._facts_at < (FACTS_EVERY_MS if slot_of is self._slot_of else FACTS_SOON_MS):
            return
        t0 = int(bundle.frame.legend.get("t0", 0))
        content, is_base = self._facts.encode(snapshot.tables["vehicle"], slot_of, t0, at)
        if is_base:
            self._open.add_named(at, FACTS_BASE, content)
        self._open.add_named(at, FACTS, b"" if is_base else content)
        self._facts_at, self._slot_of = at, slot_of

    def _record_topics(self, bundle: Bundle, snapshot: Snapshot, at: int) -> None:
        """What screens were sent and is due; of what nobody shows, a few at a time."""
        alarms = snapshot.tables.get("alarm")
        if alarms is not self._alarms:
            self._alarms = alarms
            self._urgent_due = set(self._standing.urgent)
        due = [topic for topic in self._standing.topics if self._is_due(topic, at)]
        # Alarms before all; then what was not looked at for longest.
        due.sort(key=lambda t: (t not in self._urgent_due, self._told[t].looked_at if t in self._told else 0))
        built = 0
        for topic in due:
            content = find_sent(bundle, topic)
            if content is None:
                if built >= BUILD_MOST and topic not in self._urgent_due:
                    continue
                built += 1
                content = self._standing.build(topic, snapshot)
            self._urgent_due.discard(topic)
            self._tell(topic, content, at)

    def _is_due(self, topic: str, at: int) -> bool:
        told = self._told.get(topic)
        if told is None or topic in self._urgent_due or at < told.looked_at:
            return True
        return at - told.looked_at >= (LARGE_EVERY_MS if len(told.content) > LARGE_BYTES else PANELS_EVERY_MS)

    def _tell(self, topic: str, content: bytes | None, at: int) -> None:
        """Record it where it is not as it was; what did not change costs nothing."""
        told = self._told.get(topic)
        if content is None or (told is not None and content == told.content):
            if told is not None:
                told.looked_at = at
            return
        self._open.add_named(at, topic, content)
        self._told[topic] = _Told(content, at)


def find_sent(bundle: Bundle, topic: str) -> bytes | None:
    """The bytes that screens were given of that panel or layer; None where no screen shows it."""
    if topic.startswith(LAYER_TOPIC):
        return bundle.layers.get(topic.removeprefix(LAYER_TOPIC))
    return bundle.panels.get(topic.removeprefix(PANEL_TOPIC))
