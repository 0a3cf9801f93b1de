"""XML from outside, read as a stream of names and text under limits.

No tree is built, so memory does not grow with the body: a reader takes what it
wants and the rest is gone. Document types are refused altogether: entities,
external files and the bombs made of them all need one, and no feed of ours does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

from lxml import etree

from feeds.feed import PayloadError
from feeds.text import clean_text

# The deepest real delivery seen nests 12 elements (SIRI call patterns); libxml2 sets no limit on this path.
MAX_DEPTH: Final = 64
# Distinct names of elements, attributes and namespaces. libxml2 keeps every name it has met for the
# life of the thread, so a body of invented names would leave its memory behind.
MAX_NAMES: Final = 2_000
_CHUNK: Final = 1 << 16
# Comments and instructions before the root that we look through; beyond it the parser itself is asked.
_PROLOG: Final = 1 << 14

_BEFORE_ROOT = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_BLANK = re.compile(rb"(?:\xef\xbb\xbf)?\s*")
_DOCTYPE = re.compile(rb"<!doctype\s+([^\s>\[]*)", re.IGNORECASE)


class XmlTarget(Protocol):
    """What is told of a document, in its order. Names are local: no prefix, no namespace."""

    def open(self, name: str, attributes: Mapping[str, str]) -> None: ...

    def text(self, piece: str) -> None: ...

    def close(self, name: str) -> None: ...


def read_xml(body: bytes, target: XmlTarget) -> None:
    """Tell the target what is in the body.

    Raises:
        PayloadError: empty_body, not_xml (text, JSON, an HTML page), xml_doctype,
            xml_encoding, xml_depth, xml_names or xml_broken (with line and
            column), and whatever the target itself raises.
    """
    # Some servers send blank lines before the declaration, which the standard forbids and everybody reads.
    begins = _BLANK.match(body)
    skipped = begins.end() if begins else 0
    _check_prolog(body[skipped : skipped + _PROLOG])
    parser = etree.XMLParser(
        target=cast(Any, _Guard(target)),  # the stubs want a comment method, which lxml does not
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
    )
    try:
        for start in range(skipped, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
        parser.close()
    except etree.XMLSyntaxError as error:
        line, column = error.position
        # libxml2 ends its sentence with the place, which is said here already.
        said = clean_text((error.msg or "").partition(", line ")[0], 160) or "syntax error"
        raise PayloadError(
            "xml_broken", f"XML breaks off or is wrong at line {line}, column {column}: {said}"
        ) from None
    except (LookupError, UnicodeError) as error:
        raise PayloadError("xml_encoding", f"its text cannot be decoded: {clean_text(str(error), 120)}") from None


def _check_prolog(body: bytes) -> None:
    """Judge a document by how it begins, blank space left out. Raises as `read_xml`."""
    if not body:
        raise PayloadError("empty_body", "the answer has no content")
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in body[:4]:
        # A document type would hide from the check below; no supplier of ours sends UTF-16.
        raise PayloadError("xml_encoding", "UTF-8 was expected; the body is UTF-16 or binary")
    skipped = _BEFORE_ROOT.match(body)
    rest = body[skipped.end() if skipped else 0 :][:300]
    if not rest.startswith(b"<"):
        raise PayloadError("not_xml", f"XML was expected; the body starts with {_quote(rest or body[:300])}")
    if found := _DOCTYPE.match(rest):
        if found.group(1).lower() == b"html":
            raise PayloadError("not_xml", "XML was expected; the body is an HTML page")
        raise PayloadError("xml_doctype", "the XML declares a document type, which is refused; feeds need none")
    if rest[:5].lower() == b"<html":
        raise PayloadError("not_xml", "XML was expected; the body is an HTML page")


def _quote(start: bytes) -> str:
    return repr(clean_text(start[:60].decode("utf-8", "replace"), 40) or "nothing readable")


class _Guard:
    """Between parser and reader: depth, names and document type are watched here."""

    def __init__(self, target: XmlTarget) -> None:
        self._open: Callable[[str, Mapping[str, str]], None] = target.open
        self._close: Callable[[str], None] = target.close
        self.data: Callable[[str], None] = target.text
        self._names: dict[str, str] = {}
        self._depth = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise PayloadError("xml_depth", f"elements are nested more than {MAX_DEPTH} deep")
        local = self._names.get(tag) or self._learn(tag)
        for name in attributes:
            if name not in self._names:
                self._learn(name)
        self._open(local, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._close(self._names[tag])

    def doctype(self, *declared: Any) -> None:
        # Reached only where an odd encoding hid the document type from the first check.
        raise PayloadError("xml_doctype", "the XML declares a document type, which is refused; feeds need none")

    def close(self) -> None:
        return None

    def _learn(self, tag: str) -> str:
        if len(self._names) >= MAX_NAMES:
            raise PayloadError("xml_names", f"more than {MAX_NAMES} different names of elements and attributes")
        local = tag.rpartition("}")[2]
        self._names[tag] = local
        return local
