"""Somebody who writes notes and signs sheets until they are killed: `python -m tests.control_room.handover.kill_driver FOLDER`.

Each line on stdin is one life: a process forked from this one, so that only the imports are shared. It says
`life <pid>`, then `confirmed <command>` for each request once it was answered with 200.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import alembic.command  # noqa: F401 - read once, as everything that lives share
import structlog

from control_room.clock import SystemClock
from control_room.handover.requests import decode_wish
from control_room.handover.service import HandoverService
from control_room.handover.shifts import parse_shifts
from control_room.storage.store import Store
from tests.layouts.tables import view_with

VIEW = view_with(mode="sandbox")


def say(*words: object) -> None:
    """One line in one write: a kill leaves it whole or not there."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def live(folder: Path, life: str) -> None:
    """Notes and sheets by turns, for ever."""
    store, clock = Store(folder, "sandbox"), SystemClock()
    store.open()
    service = HandoverService(store, clock, lambda: VIEW, parse_shifts("Day 07:00"))
    service.open()
    say("life", os.getpid())
    for number in itertools.count():
        command = f"life-{life}-request-{number:05}"
        waiting = service.book.waiting if service.book is not None else None
        replaces = b"" if waiting is None else b', "replaces": %d' % waiting.number
        kind = (
            b'"do": "note", "about": "room", "key": "room", "text": "x", "for_s": 60'
            if number % 3
            else b'"do": "sign", "first": "x"' + replaces
        )
        wish = decode_wish(b'{"by": "Anna", "command": "%s", %s}' % (command.encode(), kind))
        status, _ = service._obey_alone(wish)
        if status == 200:
            say("confirmed", command)


def main() -> None:
    folder = Path(sys.argv[1])
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            live(folder, line.strip())
        os.waitpid(child, 0)
        say("dead", child)


if __name__ == "__main__":
    main()
