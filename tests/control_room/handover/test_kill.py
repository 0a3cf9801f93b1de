"""kill -9 in the middle of signing: what was confirmed is on the disk, and nothing is there by halves."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from control_room.handover.book import fold
from control_room.storage.handover import HandoverStore
from control_room.storage.store import Store

ROOT = Path(__file__).resolve().parents[3]
LIVES = 8


def test_what_was_confirmed_outlives_a_kill(tmp_path):
    """Eight lives, each ended at a moment nobody chose; one sheet at most waits, and every one is as it was signed."""
    lot = random.Random(7)
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.control_room.handover.kill_driver", str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    confirmed: list[str] = []
    try:
        for life in range(LIVES):
            driver.stdin.write(f"{life}\n")
            driver.stdin.flush()
            pid = int(driver.stdout.readline().removeprefix("life "))
            # Each is let go on until it has signed, or done some things more; it ends in what comes after that.
            confirmed += [driver.stdout.readline().split()[1] for _ in range(1 + life % 5)]
            time.sleep(lot.uniform(0, 0.08))
            os.kill(pid, signal.SIGKILL)
            while not (line := driver.stdout.readline()).startswith("dead"):
                confirmed.append(line.split()[1])
    finally:
        driver.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            driver.wait(30)
        driver.kill()

    store = Store(tmp_path, "sandbox")
    store.open()
    kept = HandoverStore(store.journal.engine)
    entries = kept.list_after()
    book = fold(entries)
    assert len(confirmed) > 2 * LIVES, "it was a test at all"
    assert set(confirmed) <= {entry.command for entry in entries}
    assert len(entries) == len({(e.command, e.thing) for e in entries}) == entries[-1].seq
    assert [number for number in book.sheets if kept.find_fault(number) is not None] == []
    assert len([sheet for sheet in book.sheets.values() if sheet.is_open]) == 1
    store.close()
