"""Bodies that are nearly right: any value at any place of a good one."""

from __future__ import annotations

import copy
from typing import Any

import orjson
from hypothesis import strategies as st

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    st.sampled_from(["", "0", "-1", "1e9", "2026-03-02T12:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"]),
)
VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def list_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        items: Any = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        found += list_paths(inner, (*path, name))
    return found


@st.composite
def spoiled(draw: st.DrawFn, good: dict[str, Any]) -> bytes:
    """The good body with up to four of its values replaced."""
    made = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 4))):
        *way, last = draw(st.sampled_from(list_paths(made)))
        target: Any = made
        for step in way:
            target = target[step]
        target[last] = draw(VALUES)
    return orjson.dumps(made)
