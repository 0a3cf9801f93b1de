"""What a panel is, and how panels are found: by being a module in `layouts/panels/`.

A panel is built on the server once per snapshot and audience, encoded once and
pushed to every screen that wants it, if it changed. So a panel's builder is

- pure: the view in, components out; no callbacks, no clock of its own;
- cheap: at most 3 ms for 5,000 vehicles, at most about 1.2 kB deflated;
- stable: the same facts give the same components. Ages are therefore not text
  but moments (`parts.age`), from which the page counts.

See docs/adding-a-panel.md.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dash import html
from dash.development.base_component import Component

from control_room.city import City
from control_room.diary import Diary
from control_room.model import Snapshot
from control_room.usual import Usual
from feeds.feed import Feed
from layouts.parts.age import age


@dataclass(frozen=True)
class View:
    """What a screen is built from.

    Attributes:
        snapshot: already projected for the audience.
        now: aware UTC by the server's clock; the replayed moment in a replay.
        mode: live, sandbox or replay; every screen shows which.
        feeds: the feeds whose rows the snapshot holds, for their limits.
        usual: what is usual in this hour, from history (control_room/usual.py); None where nothing is known of it.
        diary: what the writer keeps beside the snapshot: tracks, the day of each vehicle, earlier drive tests
            (control_room/diary.py); None for audiences that may not see it.
    """

    snapshot: Snapshot
    now: datetime
    city: City
    mode: str
    feeds: tuple[Feed, ...]
    usual: Usual | None = None
    diary: Diary | None = None

    @property
    def simulated(self) -> bool:
        """Whether any of it is made up; a recording of the sandbox still is."""
        return self.mode == "sandbox" or any(feed.simulated for feed in self.feeds)


@dataclass(frozen=True)
class Panel:
    """One panel. Each module of `layouts/panels/` ends with `PANEL = Panel(...)`.

    Attributes:
        name: what topics and ids say: `panel:fleet`, `#panel-fleet`.
        title: its heading.
        build: the view -> what stands under the heading; or plain JSON for a script of the page that makes
            its own of it (`controlroom:panel` in assets/live.js), where what a person does there must outlast it.
        on_request: built only while a screen asks for it, because it is large.
        urgent: renewed at once when an alarm changes; others only each second.
    """

    name: str
    title: str
    build: Callable[[View], Component | Mapping[str, Any]]
    on_request: bool = False
    urgent: bool = False


def build_fault(since: datetime, before: bool) -> Component:
    """What a panel says that could not be built; the reason is in the log.

    Args:
        since: aware UTC, when it failed first.
        before: whether what it showed before stands below.
    """
    words = "What stands below is older: this panel" if before else "This panel"
    return html.P([f"{words} has not been renewed for ", age(since), "."], className="panel-fault")


@cache
def list_panels() -> Mapping[str, Panel]:
    """Every panel, by name."""
    found: dict[str, Panel] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "panels")]):
        panel = getattr(importlib.import_module(f"layouts.panels.{module.name}"), "PANEL", None)
        if isinstance(panel, Panel):
            found[panel.name] = panel
    return MappingProxyType(found)
