"""The folder of alarm rules, read again when a file in it changes.

Rules that are wrong never stop the control room. At the start those that are
right are used; later the set that was right last goes on. Either way it is said.
"""

from __future__ import annotations

from pathlib import Path

from alerts.ruleset import RuleFileError, load_rules
from control_room.alarm_desk import Rules

TOLD_MOST = 3  # faults shown on screens; `rules check` lists all


class RuleBook:
    """One folder of rule files; used by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: object = None
        self._last: Rules | None = None

    def read(self) -> Rules:
        """The rules as they are now, without those that are wrong."""
        self._seen = self._look()
        try:
            rules = Rules(load_rules(self._folder))
        except RuleFileError as error:
            if self._last is None:
                rules = Rules(error.usable, _say(error, "left out until it is mended"), complete=False)
            else:
                told = _say(error, "the rules of before go on until it is mended")
                rules = Rules(self._last.rules, told, self._last.complete)
        self._last = rules
        return rules

    def read_changed(self) -> Rules | None:
        """The rules anew; None where no file has changed since they were read."""
        return None if self._look() == self._seen else self.read()

    def _look(self) -> object:
        """What tells a changed file: name, time of change, size."""
        found = []
        for path in sorted(self._folder.glob("*.yaml")):
            try:
                state = path.stat()
            except OSError:
                continue  # gone between two looks
            found.append((path.name, state.st_mtime_ns, state.st_size))
        return found


def _say(error: RuleFileError, what_now: str) -> tuple[str, ...]:
    told = [f"rule file {fault} ({what_now})" for fault in error.faults[:TOLD_MOST]]
    if (more := len(error.faults) - TOLD_MOST) > 0:
        told.append(f"and {more} more faults in rule files")
    return tuple(told)
