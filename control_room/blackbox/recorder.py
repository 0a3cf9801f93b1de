"""The thread that writes the black box.

`take` only puts what was published on a queue; a full or broken disk, a fault of
ours, a slow machine are the recorder's own trouble: screens and alarms do not
notice, and `state` says it in words.
"""

from __future__ import annotations

import errno
import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from control_room.blackbox.shelf import let_go
from control_room.blackbox.tape import Tape
from control_room.live import Bundle
from control_room.model import Snapshot

log = structlog.get_logger()

WAITING_MOST: Final = 300  # bundles; beyond, moments go unrecorded rather than memory growing
TRY_AGAIN_S: Final = 30.0  # after the disk refused
LOOK_AFTER_S: Final = 60.0
ENDS_WITHIN_S: Final = 10.0
# Left to others on this disk: the journal of alarms must never be refused for the sake of the record.
RESERVE_BYTES: Final = 500_000_000


@dataclass(frozen=True)
class _Item:
    bundle: Bundle
    snapshot: Snapshot


class Recorder:
    """Writes what it is given, in a thread of its own, and keeps the folder within its bounds.

    Args:
        tape: what writes; used by this thread alone.
        keep_hours: older files go.
        max_bytes: oldest files go when all hold more.
        reserve_bytes: not recorded, and oldest files go, where the disk has less left.
        monotonic: seconds by a clock that nobody sets.
        find_free: bytes left on the disk of a folder.
    """

    def __init__(
        self,
        tape: Tape,
        keep_hours: float,
        max_bytes: int,
        reserve_bytes: int = RESERVE_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
        find_free: Callable[[Path], int] | None = None,
    ) -> None:
        self._tape = tape
        self._keep_ms = round(keep_hours * 3_600_000)
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        self._monotonic = monotonic
        self._find_free = find_free or _free_bytes
        self._queue: queue.Queue[_Item | None] = queue.Queue(WAITING_MOST)
        self._lock: int | None = None
        self._try_at = 0.0
        self._looked_at = -LOOK_AFTER_S
        self._synced = 0
        self._fault = ""
        self.dropped = 0
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
        """Write what waits, and close the file; a disk that hangs is not waited for."""
        try:
            self._queue.put(None, timeout=ENDS_WITHIN_S)
        except queue.Full:
            log.warning("black box: the disk hangs; what waited is not recorded")
            return
        self._thread.join(ENDS_WITHIN_S)

    # In the thread

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._fault and self._monotonic() < self._try_at:
                continue
            try:
                self._look_after(item.bundle.frame.now_ms)
                self._tape.record(item.bundle, item.snapshot)
                self._sync()
            except OSError as error:
                self._fail(f"not recording: {self._tape.folder}: {error.strerror or error}")
            except Exception:
                log.exception("black box: a fault of ours")
                self._fail("not recording: a fault of this program; see its log")
            else:
                if self._fault:
                    log.info("black box: records again", folder=str(self._tape.folder))
                    self._fault = ""
        self._close_tape(whole=not self._fault)
        if self._lock is not None:
            os.close(self._lock)

    def _fail(self, words: str) -> None:
        if words != self._fault:
            log.error("black box", fault=words)
        self._fault, self._try_at = words, self._monotonic() + TRY_AGAIN_S
        self._looked_at = -LOOK_AFTER_S
        self._close_tape(whole=False)

    def _close_tape(self, whole: bool) -> None:
        try:
            self._tape.close(whole)
        except OSError as error:
            log.warning("black box: the end of a file may be torn", fault=error.strerror)

    def _sync(self) -> None:
        if self._tape.chunk_at != self._synced:
            self._tape.sync()
            self._synced = self._tape.chunk_at

    def _look_after(self, now: int) -> None:
        """Hold the folder; let go of what is too old or too much; leave the others on this disk their part."""
        if self._monotonic() - self._looked_at < LOOK_AFTER_S:
            return
        self._hold()
        folder = self._tape.folder
        lacking = self._reserve_bytes - self._find_free(folder)
        for gone in let_go(folder, self._keep_ms, self._max_bytes, now, lacking):
            log.info("black box: let go", file=f"{gone.parent.name}/{gone.name}")
        if lacking > 0 and self._find_free(folder) < self._reserve_bytes:
            words = f"the disk has less than {self._reserve_bytes // 1_000_000} MB left, which are kept for the alarms"
            raise OSError(errno.ENOSPC, words)
        self._looked_at = self._monotonic()

    def _hold(self) -> None:
        """Lock the folder: two recorders would take turns in one recording."""
        if self._lock is not None:
            return
        self._tape.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._tape.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            words = "another control room records here; end it, or name another folder with --data"
            raise OSError(errno.EAGAIN, words) from None
        self._lock = lock


def _free_bytes(folder: Path) -> int:
    said = os.statvfs(folder)
    return said.f_bavail * said.f_frsize
