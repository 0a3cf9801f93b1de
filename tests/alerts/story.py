"""Small stories for the engine: rules as text, rows as dicts, a clock that moves when told to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from alerts.alarm import Event
from alerts.commands import Answer, Command
from alerts.engine import Engine, Step
from alerts.journal import Journal, MemoryJournal
from alerts.ruleset import RuleSet, read_rules
from control_room.model import KINDS, FeedHealth, Snapshot, Table

LONDON = ZoneInfo("Europe/London")
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday

Row = Mapping[str, Any]


def rule(name: str, lines: str, kind: str = "vehicle", priority: str = "medium") -> str:
    """One rule of a file; `lines` are its own, a field a line."""
    own = "\n".join(f"    {line}" for line in lines.strip().splitlines())
    return f"""
  - name: {name}
    kind: {kind}
    priority: {priority}
    reason: "nobody is hurt, this is a test"
    owner: desk
    cause: a test wants it
    consequence: a test fails
    action: read the test
    respond_within: 5 min
{own}
"""


def rules(*texts: str) -> RuleSet:
    return read_rules({"story.yaml": "system: a story\nrules:" + "".join(texts)})


class Story:
    """An engine, the rows it sees, and its clock."""

    def __init__(self, *texts: str, journal: Journal | None = None, at: datetime = START) -> None:
        self.rules = rules(*texts)
        self.journal = journal or MemoryJournal()
        self.now = at
        self.engine = Engine(self.rules, self.journal, LONDON)
        self.feeds: dict[str, FeedHealth] = {}
        self.tables: dict[str, Table] = {}
        self.parts: dict[tuple[str, str], Table] = {}
        self.last: Step | None = None

    def hear(self, rows: Sequence[Row], kind: str = "vehicle", feed: str = "robots") -> None:
        """A feed answers now: these are all its rows, keyed by `key`, observed now unless they say otherwise."""
        made = KINDS[kind]
        filled = [{"feed": feed, "observed_at": self.now, **row} for row in rows]
        names = {name for row in filled for name in row} - {"key"}
        columns = {made.key: [f"{feed} {row['key']}" for row in filled]}
        columns |= {n: [row.get(n) for row in filled] for n in names if n in made.by_name}
        self.tables[kind] = Table.of(made, columns) if rows else Table.empty(made)
        self.parts[(kind, feed)] = self.tables[kind]
        newest = max((row["observed_at"] for row in filled), default=None)
        self.feeds[feed] = FeedHealth(
            feed, feed, "s", "a", 5, 30, 60, succeeded_at=self.now, observed_at=newest, rows=len(rows)
        )

    def step(self, seconds: float = 1, elapsed_s: float | None = None) -> str:
        """Time goes by and the engine looks; what happened, as `key what` in order."""
        self.now += timedelta(seconds=seconds)
        self.last = self.engine.step(self.snapshot(), self.now, seconds if elapsed_s is None else elapsed_s)
        return say(self.last.events)

    def snapshot(self) -> Snapshot:
        empty = Snapshot.empty(self.now, self.feeds.values())
        tables = MappingProxyType({**empty.tables, **self.tables})
        return replace(empty, tables=tables, parts=MappingProxyType(dict(self.parts)))

    def look(self, rows: Sequence[Row], seconds: float = 1, kind: str = "vehicle", feed: str = "robots") -> str:
        """Time goes by, the feed answers, the engine looks."""
        self.now += timedelta(seconds=seconds)
        self.hear(rows, kind, feed)
        self.now -= timedelta(seconds=seconds)
        return self.step(seconds)

    def do(self, action: Any, *alarms: str, by: str = "Anna", **more: Any) -> Answer:
        return self.engine.command(Command(action, alarms, by, **more), self.now)

    def restart(self) -> None:
        """The process ends and begins again; feeds have yet to answer."""
        self.engine = Engine(self.rules, self.journal, LONDON)
        self.feeds = {name: replace(h, succeeded_at=None, observed_at=None) for name, h in self.feeds.items()}
        self.tables, self.parts = {}, {}

    @property
    def table(self) -> list[dict[str, Any]]:
        """Rows of the alarm table after the last step."""
        assert self.last is not None
        return self.last.table.to_records()

    def states(self) -> dict[str, str]:
        return {row["alarm_key"]: row["state"] for row in self.table}


def say(events: Sequence[Event]) -> str:
    """Events as a line to read aloud."""
    return ", ".join(f"{e.key.removeprefix('robots ')} {e.what.value}".strip() for e in events)
