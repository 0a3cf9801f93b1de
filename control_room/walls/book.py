"""The walls as they hang now: the file is read again when it changed, and kept as it was when it became wrong."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from control_room.clock import Clock
from control_room.walls.wall import Wall
from control_room.walls.wall_file import WallFileError, load_walls

log = structlog.get_logger()

# Screens ask every few seconds; the file system is asked at most this often, however many there are.
LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class Hung:
    """One wall as it hangs.

    Attributes:
        version: changes when anything of this wall does; a screen that shows another loads itself again.
        fault: what is wrong with the file as it is now, its first fault; None where it is this wall that it describes.
        since: aware UTC, when that was seen first; None without a fault.
    """

    wall: Wall
    version: str
    fault: str | None
    since: datetime | None


class WallBook:
    """Reads the file, and again whenever it changed.

    Raises:
        WallFileError: there is nothing to go on with, as the file is wrong at the start.
    """

    def __init__(
        self,
        path: Path,
        panels: Collection[str],
        layers: Collection[str],
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._panels = frozenset(panels)
        self._layers = frozenset(layers)
        self._clock = clock
        self._monotonic = monotonic
        self._seen = _print_of(path)
        self._looked_at = monotonic()
        self._walls = load_walls(path, self._panels, self._layers)
        self._fault: str | None = None
        self._since: datetime | None = None

    def list_walls(self) -> tuple[Wall, ...]:
        """All of them, in the order of the file; the first is /wall as well."""
        self._look()
        return self._walls

    def find(self, name: str | None) -> Hung | None:
        """The wall of that name, None where there is none. None as a name asks for the first."""
        walls = self.list_walls()
        wall = walls[0] if name is None else next((w for w in walls if w.name == name), None)
        return None if wall is None else Hung(wall, version_of(wall), self._fault, self._since)

    def _look(self) -> None:
        now_s = self._monotonic()
        if now_s - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now_s
        seen = _print_of(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._walls = load_walls(self._path, self._panels, self._layers)
        except WallFileError as error:
            first, *others = str(error).splitlines()
            self._fault = first + (f" (and {len(others)} more)" if others else "")
            self._since = self._since or self._clock.now()
            log.warning("walls stay as they were: the changed file is wrong", faults=str(error))
            return
        if self._fault is not None:
            log.info("the file of walls is right again", file=self._path.name)
        self._fault = self._since = None


def version_of(wall: Wall) -> str:
    """A short text that changes with anything of the wall."""
    return hashlib.sha256(wall.model_dump_json(by_alias=True).encode()).hexdigest()[:12]


def _print_of(path: Path) -> tuple[int, int, int] | None:
    """What tells a changed file from the one before without reading it; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
