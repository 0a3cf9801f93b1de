"""What all tests share: their order, hypothesis without a stopwatch, and a log that no test leaves changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

LONG = ("test_wall_pages", "test_timeline", "test_pictures", "test_alarms", "test_growth", "test_displays")

# How long an example takes says more of the machine than of us; where it matters a test says so itself.
settings.register_profile("here", settings.default, deadline=None)
settings.load_profile("here")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that drive a browser come last, the longest of them first, so that workers end together."""

    def place(item: pytest.Item) -> int:
        if "browser" not in item.path.parts:
            return -1
        return LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def log_as_it_was() -> Iterator[None]:
    """A command that runs in this process sets up the log; later tests must not write to its handler and its stream."""
    root = logging.getLogger()
    handlers, level, configuration = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**configuration)
