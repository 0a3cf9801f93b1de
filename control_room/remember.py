"""What was made of the very same tables last time: they change seldom, and are asked about every second.

Arrays and tables of a snapshot are never changed after they are made, so their
identity says whether anything is new. Only the last few answers are kept, one
for each audience that is shown something else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Made = TypeVar("_Made")

_KEPT = 6
_held: dict[str, list[tuple[tuple[Any, ...], Any]]] = {}


def remember(what: str, make: Callable[..., _Made], *sources: Any) -> _Made:
    """`make(*sources)`, or what it gave for these very objects.

    Args:
        what: name of the sort of answer; unique in the program.
        make: pure.
        sources: compared by identity, so never a number or text made anew.
    """
    kept = _held.setdefault(what, [])
    for there, made in kept:
        if len(there) == len(sources) and all(a is b for a, b in zip(there, sources, strict=True)):
            found: _Made = made
            return found
    fresh = make(*sources)
    # A new list, for another thread may be reading the old one.
    _held[what] = [(sources, fresh), *kept][:_KEPT]
    return fresh
