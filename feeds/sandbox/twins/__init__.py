"""Twins: one module here a simulated supplier. Found by being in this folder.

A twin says which paths it answers, in which format, and which feeds a dashboard
should declare for it. What it answers at a moment is a pure function of the
city, the moment and the query, so that every restart tells the same story.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from feeds.sandbox.city import City, View


@dataclass(frozen=True)
class Refusal:
    """An answer that is an error, in the standard's own form."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request, as far as a twin may see it.

    Attributes:
        query: parameters of the query and of the path; of a repeated one the last.
        headers: lower-case names.
        address: of this path, without query: for links to next pages.
        base: of the exchange, without a slash at its end.
    """

    query: Mapping[str, str]
    headers: Mapping[str, str]
    address: str
    base: str


@dataclass(frozen=True)
class Offer:
    """One path of a twin.

    Attributes:
        path: may hold {names}, as Starlette writes them.
        kind: content type of a good answer.
        make: city, view (what was observed and published when) and request -> body, or a refusal.
        words: what it is, for the list of offers.
    """

    path: str
    kind: str
    make: Callable[[City, View, Asked], bytes | Refusal]
    words: str


@dataclass(frozen=True)
class Twin:
    """One simulated supplier. Each module of this folder ends with `TWIN = Twin(...)`.

    Attributes:
        feeds: YAML items of a feed file's list `feeds:`, with {base} for the
            exchange's address; ${NAME} as in any feed file.
        environment: demonstration values of those names.
    """

    name: str
    offers: tuple[Offer, ...]
    feeds: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@cache
def list_twins() -> tuple[Twin, ...]:
    """Every twin, by name."""
    found = []
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        twin = getattr(importlib.import_module(f"{__name__}.{module.name}"), "TWIN", None)
        if isinstance(twin, Twin):
            found.append(twin)
    return tuple(sorted(found, key=lambda t: t.name))
