"""Scenarios that run: when each started and stopped, and what they therefore add to the city. Pure but for `Runs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from feeds.sandbox.city import to_utc
from feeds.sandbox.faults import Fault
from feeds.sandbox.overlay import Overlay
from feeds.sandbox.scenario import Scenario, Step, get_scenario, list_scenarios

# A run is remembered for longer than anything it caused can be told (a report lives up to thirty days),
# and at most so many are: a door that is asked in a loop must not fill the memory.
REMEMBERED_S = 32 * 86_400
MAX_RUNS = 200
# A start may be given for a moment this far from now: to tell the same story again.
START_WITHIN_S = 86_400


class BadRun(ValueError):
    """A scenario cannot be started as asked; the text says why."""


class AlreadyRunning(BadRun):
    """That scenario runs already."""


@dataclass(frozen=True)
class Run:
    """One start of a scenario, in seconds of the city.

    Attributes:
        stopped_s: when it was stopped before its end; None where it was not.
    """

    scenario: Scenario
    started_s: int
    stopped_s: int | None = None

    @property
    def ends_s(self) -> int:
        planned = self.started_s + self.scenario.duration_s
        return planned if self.stopped_s is None else min(planned, self.stopped_s)

    def span(self, step: Step) -> tuple[int, int]:
        """From when to when that step holds; an end before its start is a step that never came."""
        starts_s = self.started_s + step.after_s
        return starts_s, min(starts_s + step.for_s, self.ends_s)

    def list_steps(self, moment_s: int) -> list[int]:
        """Numbers, from 0, of the steps that hold at that moment."""
        spans = enumerate(map(self.span, self.scenario.steps))
        return [number for number, (starts_s, ends_s) in spans if starts_s <= moment_s < ends_s]


def build_overlay(runs: Sequence[Run]) -> Overlay:
    """What those runs add to the city."""
    found: dict[str, list[Any]] = {}
    for run in runs:
        for number, step in enumerate(run.scenario.steps):
            starts_s, ends_s = run.span(step)
            if starts_s < ends_s:
                name = f"{run.scenario.name}:{run.started_s}:{number}"
                for kind, item in step.does.list_items(starts_s, ends_s, name, run.started_s):
                    found.setdefault(kind, []).append(item)
    return Overlay(**{kind: tuple(items) for kind, items in found.items()})


def find_fault(runs: Sequence[Run], path: str, moment_s: int) -> Fault | None:
    """The fault that those runs put on that path at that moment; of several the one that began last."""
    found: tuple[int, Fault] | None = None
    for run in runs:
        for number in run.list_steps(moment_s):
            step = run.scenario.steps[number]
            starts_s, ends_s = run.span(step)
            fault = step.does.find_fault(starts_s, ends_s)
            if fault and fnmatchcase(path, fault.path) and (found is None or starts_s >= found[0]):
                found = (starts_s, fault)
    return found and found[1]


class Runs:
    """The runs of one sandbox, oldest first."""

    def __init__(self) -> None:
        self.runs: tuple[Run, ...] = ()

    def start(self, name: str, now_s: int, started_s: int | None = None) -> Run:
        """Start a scenario, now or as if at another moment.

        Raises:
            BadScenario: there is none of that name.
            AlreadyRunning: it runs.
            BadRun: the moment is too far from now, or too many were started.
        """
        scenario = get_scenario(name)
        run = Run(scenario, now_s if started_s is None else started_s)
        if abs(run.started_s - now_s) > START_WITHIN_S:
            raise BadRun("started_at is more than a day from the city's time")
        if any(r.scenario.name == name and r.ends_s > now_s for r in self.runs):
            raise AlreadyRunning(f"{name} is running; stop it first")
        kept = [r for r in self.runs if r.ends_s > now_s - REMEMBERED_S]
        if len(kept) >= MAX_RUNS:
            raise BadRun(f"{MAX_RUNS} scenarios were started lately; start the sandbox anew")
        self.runs = tuple(sorted([*kept, run], key=lambda r: (r.started_s, r.scenario.name)))
        return run

    def stop(self, name: str | None, now_s: int) -> None:
        """Stop that scenario, or all, where they run. One that was to start later never does.

        Raises:
            BadScenario: there is none of that name.
        """
        if name is not None:
            get_scenario(name)
        self.runs = tuple(
            replace(r, stopped_s=now_s) if r.ends_s > now_s and name in (None, r.scenario.name) else r
            for r in self.runs
        )

    def find_running(self, name: str, now_s: int) -> Run | None:
        return next((r for r in reversed(self.runs) if r.scenario.name == name and r.ends_s > now_s), None)

    def as_json(self, now_s: int, rate: float) -> dict[str, Any]:
        """Every scenario, and of those that run since when, until when, and which steps hold."""
        return {
            "city_time": _text(now_s),
            "rate": rate,
            "scenarios": [
                {**s.as_json(), "running": _running(self.find_running(s.name, now_s), now_s)} for s in list_scenarios()
            ],
        }


def _running(run: Run | None, now_s: int) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "started_at": _text(run.started_s),
        "ends_at": _text(run.ends_s),
        "left_s": run.ends_s - now_s,
        "steps": run.list_steps(now_s),
    }


def _text(moment_s: int) -> str:
    return to_utc(moment_s).isoformat().replace("+00:00", "Z")
