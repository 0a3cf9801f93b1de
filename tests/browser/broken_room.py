"""The product with a bug in every panel: `python -m tests.browser.broken_room serve …`. For pictures of how that looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from types import MappingProxyType
from typing import NoReturn

import layouts.panel
from layouts.panel import Panel, View

whole = layouts.panel.list_panels


def list_broken_panels() -> Mapping[str, Panel]:
    """Every panel, by name; whichever is asked for raises."""
    return MappingProxyType({name: replace(panel, build=break_build(panel)) for name, panel in whole().items()})


def break_build(panel: Panel) -> Callable[[View], NoReturn]:
    @wraps(panel.build)  # what it would return is asked of it: of components, or of data for a script
    def build(view: View) -> NoReturn:
        raise RuntimeError("a bug, for a picture")

    return build


if __name__ == "__main__":
    # Before anything of the product is imported that takes the function by its name.
    layouts.panel.list_panels = list_broken_panels  # type: ignore[assignment]
    from control_room.cli import main

    sys.exit(main())
