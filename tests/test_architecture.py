"""Imports point one way: nothing but the app factory knows everyone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Folder or module -> what it may import of ours. Longest prefix counts.
MAY_IMPORT = {
    "control_room.model": (),
    "control_room.clock": (),
    "control_room.settings": (),
    # What can be said to the public at all knows nothing of where it comes from.
    "control_room.public.state": (),
    "control_room.public.pseudonyms": (),
    "control_room.public.past": ("control_room.public.pseudonyms", "control_room.public.state"),
    "control_room.public.ground": (
        "control_room.ages",
        "control_room.city",
        "control_room.marks",
        "control_room.public.state",
    ),
    "control_room.public.things": (
        "control_room.ages",
        "control_room.marks",
        "control_room.model",
        "control_room.public",
    ),
    "control_room.public.week": ("control_room.model", "control_room.public", "control_room.requests"),
    "control_room.public.neighbourhoods": (
        "control_room.ages",
        "control_room.air_index",
        "control_room.city",
        "control_room.model",
        "control_room.public",
    ),
    "control_room.public.messages": ("control_room.frames", "control_room.model", "control_room.public.state"),
    "control_room.public.tape": ("control_room.blackbox.record", "control_room.public.state"),
    "control_room.public.reports": ("control_room.live",),
    "control_room.public.source": ("control_room.public", "control_room.settings"),
    "control_room.public.stream_source": (),
    "control_room.public.redis_bus": ("control_room.public.source",),
    # The public screens' process knows nothing that could bring it anything but public states.
    "control_room.experience": (
        "control_room.access",
        "control_room.city",
        "control_room.clock",
        "control_room.live",
        "control_room.public",
        "control_room.static_files",
        "layouts.experience",
    ),
    "control_room.public.projection": (
        "control_room.ages",
        "control_room.marks",
        "control_room.model",
        "control_room.public",
    ),
    # Texts of the public screens: how a file is read, and nothing of the city but what facts tell.
    "control_room.public.words": ("alerts.rule_faults", "alerts.rule_file", "control_room.public.words"),
    "control_room.public.content_command": (
        "control_room.city",
        "control_room.public.content",
        "control_room.public.words",
    ),
    "control_room.public.content": (
        "alerts.rule_faults",
        "alerts.rule_file",
        "control_room.city",
        "control_room.public.content",
        "control_room.public.words",
    ),
    "control_room.city": ("control_room.city",),
    "control_room.dictionary": ("control_room.model",),
    "control_room.enrich": ("control_room.city", "control_room.model", "control_room.surroundings"),
    "control_room.surroundings": (
        "control_room.city",
        "control_room.conformance",
        "control_room.model",
        "control_room.remember",
    ),
    "control_room.conformance": ("control_room.model",),
    "control_room.ages": ("control_room.model", "control_room.remember"),
    "control_room.tracks": ("control_room.model",),
    "control_room.days": ("control_room.model", "control_room.tracks"),
    "control_room.diary": (
        "control_room.ages",
        "control_room.days",
        "control_room.model",
        "control_room.surveys",
        "control_room.tracks",
    ),
    "control_room.surveys": ("control_room.model", "control_room.network"),
    "control_room.flight_weather": ("control_room.city", "control_room.model"),
    "control_room.remember": (),
    "control_room.network": ("control_room.city", "control_room.model"),
    "control_room.corridors": (
        "control_room.city",
        "control_room.model",
        "control_room.network",
        "control_room.surroundings",
        "control_room.tracks",
    ),
    "control_room.air_index": (),
    "control_room.nearby": ("control_room.city",),
    "control_room.missions": ("control_room.conformance", "control_room.model"),
    "control_room.writer": (
        "control_room.city",
        "control_room.conformance",
        "control_room.enrich",
        "control_room.incremental",
        "control_room.model",
        "control_room.punctuality",
        "control_room.quality",
        "control_room.surroundings",
    ),
    "control_room.punctuality": ("control_room.model",),
    "control_room.requests": ("control_room.model", "control_room.remember"),
    "control_room.honeycomb": (),
    "control_room.headways": ("control_room.model", "control_room.punctuality", "control_room.remember"),
    "control_room.incremental": ("control_room.model",),
    "control_room.quality": ("control_room.model",),
    "control_room.feed_rows": ("control_room.model", "control_room.quality"),
    "control_room.columns": (),
    "control_room.frames": ("control_room.columns",),
    "control_room.marks": ("control_room.city", "control_room.frames", "control_room.model"),
    "control_room.live": ("control_room.clock", "control_room.frames"),
    "control_room.layers": (
        "control_room.columns",
        "control_room.frames",
        "control_room.live",
        "control_room.marks",
        "control_room.model",
        "layouts.layer",
        "layouts.panel",
    ),
    "control_room.sockets": (),
    # Reading what was recorded needs nothing of the running product.
    "control_room.blackbox": (
        "control_room.blackbox",
        "control_room.columns",
        "control_room.frames",
        "control_room.live",
        "control_room.marks",
        "control_room.model",
    ),
    "control_room.blackbox.requests": ("control_room.blackbox", "control_room.access", "alerts"),
    "control_room.blackbox.incident": (
        "control_room.blackbox",
        "control_room.frames",
        "control_room.live",
        "alerts.alarm",
    ),
    "control_room.blackbox.marks": ("control_room.blackbox", "control_room.model", "alerts.alarm"),
    "control_room.blackbox.cards": ("control_room", "layouts"),
    "control_room.blackbox.standing": ("control_room", "layouts"),
    "control_room.blackbox.service": ("control_room",),
    "control_room.blackbox.record": (),
    "control_room.blackbox.segment": ("control_room.blackbox.record", "control_room.blackbox"),
    "control_room.timeline": (
        "control_room.blackbox",
        "control_room.columns",
        "control_room.frames",
        "control_room.live",
    ),
    "control_room.cache": ("control_room.model",),
    "control_room.build": (),
    "control_room.display_book": ("alerts.hours", "alerts.rule", "control_room.live"),
    "control_room.displays": ("control_room.display_book", "control_room.live", "control_room.model"),
    "control_room.display_requests": ("control_room.display_book", "control_room.live", "feeds.text"),
    "control_room.find_words": (),
    "control_room.find_things": (
        "control_room.city",
        "control_room.find_words",
        "control_room.model",
        "layouts.formats",
    ),
    "control_room.find": (
        "control_room.city",
        "control_room.find_things",
        "control_room.find_words",
        "control_room.marks",
        "control_room.model",
    ),
    "control_room.find_service": ("control_room.access", "control_room.find", "control_room.model"),
    "control_room.display_service": (
        "control_room.access",
        "control_room.clock",
        "control_room.display_book",
        "control_room.display_requests",
        "control_room.live",
        "control_room.storage",
    ),
    "control_room.history": (
        "control_room.ages",
        "control_room.city",
        "control_room.history",
        "control_room.model",
        "control_room.network",
        "control_room.punctuality",
        "control_room.remember",
        "control_room.requests",
        "control_room.storage",
    ),
    "control_room.history.measures": (),
    "control_room.history.spans": (),
    "control_room.usual": ("control_room.history.measures", "control_room.history.spans"),
    "control_room.usual_reader": ("control_room.history.reader", "control_room.usual"),
    "control_room.trends": ("control_room.history", "control_room.usual"),
    "control_room.summary.charts": ("control_room.summary",),
    "control_room.summary.forms": ("control_room.summary", "layouts.formats"),
    "control_room.summary.forms.service": (
        "control_room.access",
        "control_room.city",
        "control_room.clock",
        "control_room.storage.database",
        "control_room.summary",
        "layouts.screens.daily",
    ),
    "control_room.summary.forms.supplier": (
        "control_room.access",
        "control_room.city",
        "control_room.clock",
        "control_room.storage.database",
        "control_room.summary",
        "layouts.screens.supplier",
    ),
    "control_room.access": (),
    "control_room.static_files": ("control_room.access",),
    "control_room.storage": (
        "control_room.storage",
        "alerts.alarm",
        "alerts.journal",
        "alerts.machine",
        "alerts.notify",
    ),
    "control_room.storage.feed_quality": ("control_room.quality", "control_room.storage"),
    "control_room.storage.displays": ("control_room.display_book", "control_room.storage"),
    "control_room.handover": (),
    "control_room.handover.shifts": (),
    "control_room.handover.requests": ("feeds.text",),
    "control_room.handover.changes": ("alerts.alarm",),
    "control_room.handover.book": ("control_room.handover.requests", "control_room.handover.shifts"),
    "control_room.handover.facts": (
        "control_room.feed_rows",
        "control_room.handover.book",
        "control_room.handover.changes",
        "control_room.handover.shifts",
        "control_room.model",
        "control_room.requests",
    ),
    "control_room.handover.beside": (
        "control_room.handover.book",
        "control_room.handover.requests",
        "control_room.model",
    ),
    "control_room.handover.kept": (
        "control_room.handover.book",
        "control_room.handover.shifts",
        "control_room.model",
    ),
    "control_room.handover.service": ("control_room", "alerts.journal", "layouts"),
    "control_room.storage.handover": ("control_room.handover.book", "control_room.storage"),
    "control_room.person_layouts": ("control_room.access", "control_room.clock", "control_room.storage", "feeds.text"),
    "control_room.walls": (
        "alerts.rule_faults",
        "alerts.rule_file",
        "control_room.clock",
        "control_room.walls",
    ),
    "control_room.alarm_desk": ("alerts", "control_room.alarm_figures", "control_room.clock", "control_room.model"),
    "control_room.alarm_figures": ("alerts", "control_room.model", "control_room.storage.journal"),
    "control_room.alarm_requests": ("alerts.alarm", "alerts.commands", "feeds.text"),
    "feeds": ("feeds", "control_room.model", "control_room.clock"),
    "feeds.sandbox": ("feeds.sandbox", "control_room.city", "control_room.clock"),
    "alerts": ("alerts", "control_room.model", "control_room.clock", "control_room.feed_rows", "feeds.units"),
    "alerts.notify": ("alerts", "feeds.text"),
    "layouts": (
        "layouts",
        "control_room.ages",
        "control_room.days",
        "control_room.diary",
        "control_room.flight_weather",
        "control_room.surveys",
        "control_room.tracks",
        "control_room.model",
        "control_room.city",
        "control_room.quality",
        "control_room.remember",
        "control_room.requests",
        "control_room.punctuality",
        "control_room.headways",
        "control_room.honeycomb",
        "control_room.network",
        "control_room.corridors",
        "control_room.air_index",
        "control_room.nearby",
        "control_room.missions",
        "control_room.surroundings",
        "control_room.usual",
        "feeds.feed",
    ),
    "layouts.screens.daily": ("layouts", "control_room.summary"),
    "layouts.screens.supplier": ("layouts", "control_room.summary"),
    "layouts.screens.trends": ("layouts", "control_room.history.measures", "control_room.trend_desk"),
    "layouts.parts.trend_chart": (
        "layouts",
        "control_room.history.measures",
        "control_room.trends",
        "control_room.usual",
    ),
    "layouts.screens.wall_pages": ("layouts", "control_room.walls.wall"),
    # The public pages know texts, and nothing of the operators' screens.
    "layouts.experience": ("layouts.experience", "control_room.public.words"),
    # Its types only: the screen shows what the desk has read.
    "layouts.screens.admin_sandbox": ("layouts", "control_room.sandbox_desk"),
    "control_room.sandbox_desk": (),
    "callbacks.trends": ("layouts", "control_room.access", "control_room.trend_desk"),
    "callbacks": ("callbacks", "layouts", "control_room.access"),
    "callbacks.sandbox": ("layouts", "control_room.access", "control_room.sandbox_desk"),
}


def modules() -> list[tuple[str, Path]]:
    found = []
    for folder in ("control_room", "feeds", "layouts", "callbacks", "alerts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found.append((name, path))
    return found


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module}
    return {n for n in names if n.split(".")[0] in {"control_room", "feeds", "layouts", "callbacks", "alerts", "tests"}}


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda v: v if isinstance(v, str) else "")
def test_imports_point_the_right_way(name, path):
    """Each module imports only what its room may know."""
    rules = [p for p in MAY_IMPORT if within(name, p)]
    if not rules:
        assert name.startswith("control_room"), f"{name} has no rule in MAY_IMPORT"
        return  # app, cli and publish know everyone
    allowed = MAY_IMPORT[max(rules, key=len)]
    strange = [i for i in imports(path) if not any(within(i, a) for a in allowed)]

    assert strange == []


def test_nobody_imports_tests():
    """The product stands without its tests."""
    assert [n for n, p in modules() if any(within(i, "tests") for i in imports(p))] == []


def test_what_writes_to_a_database_takes_its_turn():
    """`writing` of storage/database.py; a transaction begun otherwise is refused when another of ours wrote meanwhile."""
    begins = re.compile(r"\bwith .*\b(engine|_remote|connect\(\))\.begin\(")
    assert [n for n, p in modules() if begins.search(p.read_text(encoding="utf-8"))] == [
        "control_room.storage.database"
    ]
