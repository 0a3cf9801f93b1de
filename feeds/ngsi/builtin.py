"""The mappings we bring along: one YAML file a type, named as the Smart Data Models name it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

from feeds.mapping import MappingOptions, check

_FOLDER = Path(__file__).with_name("mappings")


@cache
def list_builtin() -> Mapping[str, MappingOptions]:
    """Every mapping of the folder, by type.

    Raises:
        ValueError: a file is not a mapping; the text names it.
    """
    found = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        try:
            found[path.stem] = check(MappingOptions, yaml.safe_load(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None
    return MappingProxyType(found)
