"""The order of the files: those that drive a browser last, the longest of them first, so that workers end together."""

from __future__ import annotations

import pytest

LONG = ("test_wall_pages", "test_timeline", "test_pictures", "test_alarms", "test_displays")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        if "browser" not in item.path.parts:
            return -1
        return LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG)

    items.sort(key=place)
