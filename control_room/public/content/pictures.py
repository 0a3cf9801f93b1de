"""Our own drawings: where they are, which parts they have, and what a drawing may hold.

A drawing goes into the page as markup, so it is closed: shapes, groups, gradients, a title and a description; no
script, no style sheet, no address but of its own parts. Every id begins with the drawing's name, so that two can stand
in one page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from lxml import etree

FOLDER: Final = Path(__file__).resolve().parents[3] / "assets" / "experience" / "pictures"
BYTES_MOST: Final = 30_000
PART: Final = "data-part"  # says in plain words what a part is; the page reads it from nowhere else

_SVG: Final = "{http://www.w3.org/2000/svg}"
_SHAPES: Final = frozenset({"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "use"})
_ELEMENTS: Final = _SHAPES | {
    *("svg", "title", "desc", "defs", "g"),
    *("linearGradient", "radialGradient", "stop", "clipPath"),
}
_OWN_REFERENCE = re.compile(r"url\(#([\w-]+)\)")


def list_parts(folder: Path, name: str) -> frozenset[str] | None:
    """Ids of a drawing; None where there is no such drawing, or it cannot be read."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", name):
        return None
    try:
        root = _parse((folder / f"{name}.svg").read_bytes())
    except (OSError, etree.XMLSyntaxError):
        return None
    return frozenset(found for element in root.iter() if (found := element.get("id")))


def list_picture_faults(data: bytes, name: str) -> list[str]:
    """Everything that a drawing of that name must not be or hold."""
    faults = [f"weighs {len(data)} bytes; at most {BYTES_MOST}"] if len(data) > BYTES_MOST else []
    if b"<!" in data.replace(b"<!--", b""):
        return [*faults, "has a document type or other declarations; take them out"]
    try:
        root = _parse(data)
    except etree.XMLSyntaxError as error:
        return [*faults, f"is no XML: {error.msg}"]
    if root.tag != f"{_SVG}svg" or not root.get("viewBox"):
        return [*faults, "must be an svg with a viewBox"]
    if root.get("role") != "img" or root.get("width") or root.get("height"):
        faults.append('must have role="img", and neither width nor height: the page gives it its size')
    faults += _list_name_faults(root, name)
    ids: list[str] = []
    for element in root.iter(etree.Element):
        tag = str(element.tag).removeprefix(_SVG)
        if tag not in _ELEMENTS:
            faults.append(f"line {element.sourceline}: <{tag}> has no place in a drawing")
        if (own := element.get("id")) is not None:
            ids.append(own)
            if not own.startswith(f"{name}-"):
                faults.append(f"line {element.sourceline}: id {own} must begin with {name}-")
    faults += [f"id {own} stands twice" for own in sorted({own for own in ids if ids.count(own) > 1})]
    return faults + _list_reference_faults(root, frozenset(ids))


def _list_name_faults(root: etree._Element, name: str) -> list[str]:
    """A drawing says what it is: title and description come first, and the drawing names them."""
    first = [child for child in root if isinstance(child.tag, str)][:2]
    if [child.tag for child in first] != [f"{_SVG}title", f"{_SVG}desc"] or not all(
        (child.text or "").strip() for child in first
    ):
        return ["must begin with a title and a desc"]
    if root.get("aria-labelledby") != f"{name}-title {name}-desc":
        return [f'must have aria-labelledby="{name}-title {name}-desc"']
    return []


def _list_reference_faults(root: etree._Element, ids: frozenset[str]) -> list[str]:
    """References must lead to a part of the same drawing; no attribute may run or fetch anything."""
    faults = []
    for element in root.iter(etree.Element):
        for attribute, given in element.attrib.items():
            word, value = str(attribute), str(given)
            if word.startswith("on") or word == "style" or "javascript:" in value.lower():
                faults.append(f"line {element.sourceline}: {word} has no place in a drawing")
            elif word.endswith("href"):
                if not value.startswith("#") or value[1:] not in ids:
                    faults.append(f"line {element.sourceline}: {word} leads out of the drawing")
            elif "url(" in value:
                found = _OWN_REFERENCE.fullmatch(value)
                if found is None or found[1] not in ids:
                    faults.append(f"line {element.sourceline}: {word} leads out of the drawing")
    return faults


def _parse(data: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(data, parser)
