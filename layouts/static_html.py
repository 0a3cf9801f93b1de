"""Components as HTML text, for screens whose page is served ready instead of being made by Dash in the browser.

A wall is painted as soon as its page has come, some second earlier than Dash
has loaded; only the map is left for Dash (`hole`). What is written here is what
React and `assets/panels.js` make of the same component, but for ages: those are
written as they are now, so that nothing moves when the page begins to count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any, Final

from dash.development.base_component import Component

from layouts.formats import DASH

_ATTRIBUTES: Final[Mapping[str, str]] = {
    "className": "class",
    "tabIndex": "tabindex",
    "colSpan": "colspan",
    "rowSpan": "rowspan",
    "dateTime": "datetime",
    "htmlFor": "for",
    "maxLength": "maxlength",
}
_PLAIN: Final = re.compile(
    r"(?:id|title|scope|role|lang|hidden|dir|href|type|disabled|value|placeholder|rows|multiple|checked|min|max|step|required)\Z|(?:data|aria)-[a-z-]+\Z"
)
_VOID: Final = frozenset({"br", "hr", "img", "input"})
_PROPERTY: Final = re.compile(r"(?<!^)([A-Z])")
AHEAD_S: Final = 60.0  # as in assets/live.js


def to_html(component: Any, now: datetime, hole: str = "", filling: str = "") -> str:
    """The component as HTML.

    Args:
        component: of `dash.html`, a list of them, text or None.
        now: aware UTC, for ages.
        hole: id of a component that is not written.
        filling: HTML that stands in its place.

    Raises:
        ValueError: a component is not of `dash.html` and not the hole, or has a property that no HTML stands for.
    """
    if component is None or component is False:
        return ""
    if isinstance(component, list | tuple):
        return "".join(to_html(child, now, hole, filling) for child in component)
    if not isinstance(component, Component):
        return escape(str(component), quote=False)
    plain = component.to_plotly_json()
    props: Mapping[str, Any] = plain["props"]
    if hole and props.get("id") == hole:
        return filling
    if plain["namespace"] != "dash_html_components":
        raise ValueError(f"{plain['namespace']}.{plain['type']} is no plain HTML")
    tag = plain["type"].lower()
    start = f"<{tag}{_attributes(props)}"
    if tag in _VOID:
        return f"{start}>"
    if "data-since" in props:
        state, text = _age(props, now)
        return f'{start} data-age-state="{state}">{text}</{tag}>'
    return f"{start}>{to_html(props.get('children'), now, hole, filling)}</{tag}>"


def _attributes(props: Mapping[str, Any]) -> str:
    written = []
    for name, value in props.items():
        if name == "children" or value is None or value is False:
            continue
        if name == "style":
            value = ";".join(f"{_PROPERTY.sub(_hyphen, key).lower()}:{v}" for key, v in value.items())
        attribute = _ATTRIBUTES.get(name) or (name if name == "style" or _PLAIN.match(name) else None)
        if attribute is None:
            raise ValueError(f"{name} is no attribute that is written")
        written.append(f" {attribute}" if value is True else f' {attribute}="{escape(str(value))}"')
    return "".join(written)


def _hyphen(found: re.Match[str]) -> str:
    return f"-{found[1]}"


def _age(props: Mapping[str, Any], now: datetime) -> tuple[str, str]:
    """(state, text) of an age, as `writeAge` of assets/live.js has them."""
    since = str(props["data-since"])
    age_s = now.timestamp() - float(since) / 1000 if since else None
    if age_s is None or age_s < -AHEAD_S:
        return "unknown", DASH if age_s is None else "ahead of time"
    limits = {name: float(props.get(f"data-{name}-s") or "inf") for name in ("stale", "ageing")}
    state = next((name for name, limit in limits.items() if age_s > limit), "fresh")
    return state, age_text(age_s)


def age_text(seconds: float) -> str:
    """ "12 s", "3 min", "20.6 h", "3 d": one number, one unit, at most four figures."""
    if seconds < 100:
        return f"{max(0, int(seconds))} s"
    if seconds < 6000:
        return f"{int(seconds // 60)} min"
    if seconds < 360_000:
        return f"{int(seconds // 360) / 10:g} h"
    return f"{int(seconds // 86_400)} d"
