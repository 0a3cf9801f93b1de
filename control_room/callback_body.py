"""Whether a callback's body is one that a page of ours could have sent.

Any client can post anything to Dash's one door. Dash answers a body it did not
expect with 500, as if we were at fault, and logs nothing. So the gate reads the
body first, by the callbacks that the app has registered.

Only the shape is judged here; values are judged by the callback itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

PATH = "/_dash-update-component"


def find_fault(body: bytes, callbacks: Mapping[str, Mapping[str, Any]]) -> str | None:
    """What is wrong with the body, in a few words that repeat nothing of it; None when nothing is.

    Args:
        body: as it came. Not valid UTF-8, lone surrogates, NaN and nesting without end are no JSON to orjson.
        callbacks: output id -> its `inputs` and `state`, as in `dash.Dash.callback_map`.
    """
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "the body is not JSON"
    if not isinstance(said, dict):
        return "the body is not an object"
    output = said.get("output")
    if not isinstance(output, str) or output not in callbacks:
        return "there is no such callback"
    declared = callbacks[output]
    for name in ("inputs", "state"):
        if not _fits(said.get(name, []), declared.get(name, ())):
            return f"{name} are not those of the callback"
    parts = output.strip(".").split("...") if output.startswith("..") else [output]
    if not _is_outputs(said.get("outputs"), parts, many=output.startswith("..")):
        return "outputs are not those of the callback"
    changed = said.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(name, str) for name in changed):
        return "changedPropIds is no list of names"
    return None


def _fits(given: Any, declared: Sequence[Mapping[str, Any]]) -> bool:
    return (
        isinstance(given, list)
        and len(given) == len(declared)
        and all(_is_property(g, d) for g, d in zip(given, declared, strict=True))
    )


def _is_property(given: Any, declared: Mapping[str, Any]) -> bool:
    if _is_pattern(declared["id"]):  # stands for any number of components, each with an id of its own
        return all(
            isinstance(g, dict) and g.get("property") == declared["property"]
            for g in (given if isinstance(given, list) else [given])
        )
    return isinstance(given, dict) and (given.get("id"), given.get("property")) == (
        declared["id"],
        declared["property"],
    )


def _is_outputs(given: Any, names: Sequence[str], many: bool) -> bool:
    if any(_is_pattern(name) for name in names):
        return isinstance(given, dict | list)
    wanted = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
    kept = [
        {key: g.get(key) for key in ("id", "property")} if isinstance(g, dict) else None
        for g in (given if many and isinstance(given, list) else [given])
    ]
    # "@" and what follows tells callbacks apart that write the same property.
    return kept == [{**w, "property": w["property"].partition("@")[0]} for w in wanted]


def _is_pattern(name: str) -> bool:
    return name.startswith("{")
