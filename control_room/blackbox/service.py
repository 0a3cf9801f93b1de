"""The black box in this process: the recorder that writes, and the timeline that reads.

DATA/blackbox/live      screens of a real city
DATA/blackbox/sandbox   screens of a simulated one
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from control_room.access import Receive, Scope, Send
from control_room.blackbox.cards import build_card, build_vehicle_panel
from control_room.blackbox.incident import JOURNAL, ExtractedJournal, Incident
from control_room.blackbox.recorder import Recorder
from control_room.blackbox.requests import TimelineRequests
from control_room.blackbox.shelf import Shelf
from control_room.blackbox.standing import Standing
from control_room.blackbox.tape import Tape
from control_room.city import City
from control_room.clock import Clock
from control_room.live import Bundle
from control_room.model import Snapshot
from control_room.publish import Publisher
from control_room.timeline import Timeline

AUDIENCE: Final = "wall"  # whose screens are recorded: staff look back, and nobody else
PATH: Final = "/timeline"


@dataclass(frozen=True)
class Kept:
    """Where screens are recorded, and for how long. `hours` 0 records nothing."""

    folder: Path
    hours: float
    max_bytes: int


class BlackBox:
    """Given every published bundle; asked by those who look back.

    Args:
        kept: None records nothing and holds nothing: a replay of recorded answers.
        find_journal: gives the journal of alarms; None while there is none.
        incident: shown instead of what is kept.
    """

    def __init__(
        self,
        kept: Kept | None,
        city: City,
        mode: str,
        simulated: bool,
        publisher: Publisher,
        clock: Clock,
        find_journal: Callable[[], Any],
        incident: Incident | None = None,
    ) -> None:
        self._recorder: Recorder | None = None
        self._about = {"mode": mode, "city": city.title, "simulated": simulated}
        self._kept = kept if kept is not None and kept.hours > 0 and incident is None else None
        self._view = partial(publisher.view, audience=AUDIENCE)
        self.incident = incident
        told = None if incident is None else incident.as_dict()
        folder = kept.folder if kept is not None else Path(os.devnull)
        if incident is not None:
            journal = ExtractedJournal.read(incident.folder / JOURNAL)
            folder, mode, find_journal = incident.box, incident.mode, lambda: journal
        shelf = Shelf(folder, AUDIENCE)
        self.timeline = Timeline(shelf, clock.now, mode, build_card, build_vehicle_panel, incident=told)
        scratch = kept.folder.parent / "exports" if kept is not None else None
        self._requests = TimelineRequests(
            shelf, self.timeline.read, find_journal, self._state, AUDIENCE, scratch, incident=told
        )

    def start(self) -> None:
        """Begin to record."""
        if self._kept is not None:
            kept = self._kept
            tape = Tape(kept.folder, AUDIENCE, self._about, Standing(self._view))
            self._recorder = Recorder(tape, kept.hours, kept.max_bytes)

    def take(self, made: Mapping[str, Bundle], snapshot: Snapshot) -> None:
        """What was published of this snapshot, by audience; returns at once."""
        if self._recorder is not None and AUDIENCE in made:
            self._recorder.take(made[AUDIENCE], snapshot)

    def close(self) -> None:
        """Write what waits, and let go of the files."""
        if self._recorder is not None:
            self._recorder.close()
        self.timeline.close()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The socket, and what is asked below /timeline/."""
        if scope["type"] == "websocket":
            await self.timeline.serve(scope, receive, send)
        else:
            await self._requests.serve(scope, send)

    def _state(self) -> str:
        if self.incident is not None:
            return "not recording: an incident is shown"
        if self._recorder is None:
            return "not recording: it is switched off by a setting" if self._kept is None else "not recording yet"
        return self._recorder.state


def find_kept(settings: Mapping[str, Any], mode: str) -> Kept | None:
    """Where this process keeps its black box, by its settings; None for a replay, which is a recording already."""
    if mode == "replay":
        return None
    folder = Path(settings["data"]) / "blackbox" / mode
    return Kept(folder, settings["blackbox_hours"], settings["blackbox_max_mb"] * 1_000_000)
