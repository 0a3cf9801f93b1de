"""Trees of elements for HTML and SVG: what is put into them as text can never become markup.

el("p", {"class": "note"}, "a < b", el("b", None, "c"))     to_html, to_svg
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Final, TypeAlias

SVG_SPACE: Final = "http://www.w3.org/2000/svg"
Element: TypeAlias = ET.Element
Child: TypeAlias = "ET.Element | str | None"
Attributes: TypeAlias = dict[str, str | float | None]

# What XML 1.0 has no place for; HTML shows none of it either.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def el(tag: str, attributes: Mapping[str, str | float | None] | None = None, /, *children: Child) -> Element:
    """An element; attributes and children that are None are left out."""
    made = ET.Element(tag, {k: _text(v) for k, v in (attributes or {}).items() if v is not None})
    last: Element | None = None
    for child in children:
        if child is None:
            continue
        if isinstance(child, str):
            text = _NO_TEXT.sub("", child)
            if last is None:
                made.text = (made.text or "") + text
            else:
                last.tail = (last.tail or "") + text
        else:
            made.append(child)
            last = child
    return made


def to_html(element: Element) -> str:
    return ET.tostring(element, encoding="unicode", method="html")


def to_svg(element: Element) -> str:
    """A picture as a file of its own."""
    return ET.tostring(element, encoding="unicode", method="xml").replace("<svg ", f'<svg xmlns="{SVG_SPACE}" ', 1)


def _text(value: str | float) -> str:
    # Two places are finer than any screen or paper; the same figure is the same text on every machine.
    return _NO_TEXT.sub("", value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
