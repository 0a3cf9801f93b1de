"""One life of a notifier, to be killed: tells of what the journal in FOLDER holds, by webhook to PORT.

Run: python -m tests.alerts.kill_notify FOLDER PORT; says `ready`, then raises an alarm for each number it is given on
stdin and says it back once the journal has it.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.alerts.notify_room import Room, hook, read_settings


def main(folder: Path, port: int) -> None:
    text = f"limits: {{per_minute: 9999}}\nrecipients:\n  - {hook('desk', f'http://127.0.0.1:{port}')}\nroutes: [{{to: [desk]}}]\n"
    room = Room(folder, read_settings(folder, text), now=datetime.now(UTC), again_s=(0.05,))
    room.notifier.start()
    batteries: dict[str, float] = {}
    print("ready", flush=True)
    for line in sys.stdin:
        room.now = datetime.now(UTC)
        batteries[line.strip()] = 5.0
        room.tell(batteries)
        room.notifier.wake()
        print(line.strip(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
