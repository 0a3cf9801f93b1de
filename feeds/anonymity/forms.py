"""Fields of a body with their values, from a bounded sample; and the body without some of its fields.

A field is a path of names, `entity.vehicle.position.speed`; lists add nothing to
it. In XML an element is known by its own local name wherever it stands, in CSV a
column by its head, in iCalendar a property by its name.

Only a sample is read: of a long list the first, the last and some between, of
long text its begin, its end and two windows. The sample moves with each check
(`turn`), so that what is always there is found at once and what is seldom there
is found in time. Nothing here raises for what a supplier sent, but `drop_fields`
where it could not keep its promise.
"""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import orjson
from lxml import etree

from feeds.feed import PayloadError
from feeds.json_body import MAX_CONTAINERS

Path = tuple[str, ...]
Leaf = tuple[Path, Any]
IsListed = Callable[[Path], bool]
Item = TypeVar("Item")

# Of one check: values looked at, items of one list, keys of one object, depth.
MAX_LEAVES: Final = 2_000
MAX_ITEMS: Final = 48
MAX_KEYS: Final = 300
MAX_DEPTH: Final = 14
# Of long text: the begin, the end, and two windows of this size.
WINDOW: Final = 32_768

_ELEMENT = re.compile(
    r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]{0,99})((?:\s[^<>]{0,2000})?)>(?:<!\[CDATA\[(.{0,10000}?)\]\]>|([^<]{0,10000}))</",
    re.S,
)
_ATTRIBUTE = re.compile(
    r"""(?:^|\s)(?!xmlns)(?:[\w.-]+:)?([A-Za-z_][\w.-]{0,99})\s*=\s*(?:"([^"]{0,2000})"|'([^']{0,2000})')"""
)
_START = re.compile(r"<(?:[\w.-]+:)?[A-Za-z_][\w.-]{0,99}(\s[^<>]{1,2000})>")
_ICAL = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})((?:;[^:\r\n]{0,1000})?):(.{0,10000})")


def sniff(body: bytes) -> str:
    """json, xml, zip, ical or csv, by how a body begins."""
    start = body[:256].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        return "json"
    if start[:1] == b"<":
        return "xml"
    if start[:2] == b"PK":
        return "zip"
    return "ical" if start[:6].upper() == b"BEGIN:" else "csv"


def list_leaves(body: bytes, turn: int = 0) -> list[Leaf]:
    """Some fields of a body, each with a value; at most MAX_LEAVES. Empty for what cannot be read."""
    found = _LISTERS[sniff(body)](body, turn)
    leaves: list[Leaf] = []
    for leaf in found:
        leaves.append(leaf)
        if len(leaves) >= MAX_LEAVES:
            break
    return leaves


def pick(size: int, turn: int, most: int = MAX_ITEMS) -> list[int]:
    """Which items of a list are looked at, in which order: evenly spread ones that move with the turn, first and last.

    The order begins elsewhere each turn: where items are so large that the sample
    ends after a few of them, it is not always the same few.
    """
    if size <= most:
        chosen = list(range(size))
    else:
        step = size / (most - 2)
        moved = _share(turn) * step
        chosen = sorted({0, size - 1, *(min(size - 1, int(i * step + moved)) for i in range(most - 2))})
    return _turned(chosen, turn)


def _share(turn: int) -> float:
    """A number from 0 up to 1 that is another each turn, evenly spread: steps of the golden ratio."""
    return (turn * 0.381966) % 1


def _turned(items: list[Item], turn: int) -> list[Item]:
    start = int(_share(turn) * len(items))
    return items[start:] + items[:start]


def walk(value: Any, turn: int = 0, path: Path = (), depth: int = 0) -> Iterator[Leaf]:
    """Leaves of a JSON value; text that is itself JSON (a message in a message) is gone into."""
    if isinstance(value, dict):
        if not value and path:
            yield path, None
        for number, (name, inner) in enumerate(value.items()):
            if number >= MAX_KEYS:
                return
            if depth < MAX_DEPTH:
                yield from walk(inner, turn, (*path, str(name)), depth + 1)
    elif isinstance(value, list):
        if depth < MAX_DEPTH:
            for place in pick(len(value), turn, MAX_ITEMS if depth < 4 else 8):
                yield from walk(value[place], turn, path, depth + 1)
    elif isinstance(value, str) and value[:1] == "{" and value[-1:] == "}" and depth < MAX_DEPTH:
        try:
            inner = orjson.loads(value)
        except orjson.JSONDecodeError:
            yield path, value
        else:
            yield from walk(inner, turn, path, depth + 1)
    else:
        yield path, value


def _list_json(body: bytes, turn: int) -> Iterator[Leaf]:
    if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        return
    try:
        yield from walk(orjson.loads(body.removeprefix(b"\xef\xbb\xbf")), turn)
    except orjson.JSONDecodeError:
        lines = body.splitlines()
        for place in pick(len(lines), turn):
            try:
                yield from walk(orjson.loads(lines[place]), turn)
            except orjson.JSONDecodeError:
                continue


def _windows(body: bytes, turn: int) -> list[str]:
    """Pieces of a text: all of it where it is short."""
    if len(body) <= 4 * WINDOW:
        pieces = [body]
    else:
        room = len(body) - 3 * WINDOW
        places = [WINDOW + int((_share(turn) + shift) % 1 * room) for shift in (0.0, 0.5)]
        pieces = [body[:WINDOW], *(body[place : place + WINDOW] for place in places), body[-WINDOW:]]
    return [piece.decode("utf-8", "replace") for piece in pieces]


def _list_xml(body: bytes, turn: int) -> Iterator[Leaf]:
    # By letters and not by a parser: its cost is that of the windows, and no entity is ever resolved.
    windows = _turned(_windows(body, turn), turn)
    share = MAX_LEAVES // len(windows)
    for text in windows:
        elements = list(_ELEMENT.finditer(text))
        for place in pick(len(elements), turn, share):
            found = elements[place]
            yield (found[1],), html.unescape(found[4] or "") if found[3] is None else found[3]
        for found in _START.finditer(text):
            for name, double, single in _ATTRIBUTE.findall(found[1]):
                yield (name,), html.unescape(double or single)


def _list_csv(body: bytes, turn: int) -> Iterator[Leaf]:
    windows = _windows(body, turn)
    lines = windows[0].removeprefix("\ufeff").splitlines()
    if len(windows) > 1:
        # Begin and end of a window lie inside a line.
        lines = lines[:-1] + [line for text in windows[1:] for line in text.splitlines()[1:-1]]
    head = next((line for line in lines[:20] if line.strip()), "")
    if not head:
        return
    mark = max(",;\t|", key=head.count)
    rows = csv.reader(lines[lines.index(head) :], delimiter=mark)
    try:
        names = [name.strip() for name in next(rows)][:MAX_KEYS]
        table = list(rows)
    except (csv.Error, StopIteration):
        return
    for place in pick(len(table), turn):
        for name, value in zip(names, table[place], strict=False):
            yield (name,), value.strip()


def _list_zip(body: bytes, turn: int) -> Iterator[Leaf]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist()[:MAX_KEYS]:
                stem = member.filename.rpartition("/")[2].removesuffix(".txt")
                with archive.open(member) as file:
                    start = file.read(WINDOW)
                for path, value in _list_csv(start, turn):
                    yield (stem, *path), value
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, NotImplementedError, EOFError):
        return


def _list_ical(body: bytes, turn: int) -> Iterator[Leaf]:
    for text in _windows(body, turn):
        for line in _unfold(text):
            found = _ICAL.match(line)
            if found and found[1].upper() not in ("BEGIN", "END"):
                for part in found[2].split(";")[1:]:
                    name, _, value = part.partition("=")
                    yield (found[1].upper(), name.upper()), value.strip('"')
                yield (found[1].upper(),), found[3]


def _unfold(text: str) -> list[str]:
    return re.sub(r"\r?\n[ \t]", "", text).splitlines()


_LISTERS: Final[dict[str, Callable[[bytes, int], Iterator[Leaf]]]] = {
    "json": _list_json,
    "xml": _list_xml,
    "csv": _list_csv,
    "zip": _list_zip,
    "ical": _list_ical,
}


def drop_fields(body: bytes, is_listed: IsListed) -> bytes:
    """The body without the values of fields that are not listed; all of it is read.

    Raises:
        PayloadError: fields_unreadable, where the form does not let us keep that
            promise. A body that we cannot clean is not read at all.
    """
    form = sniff(body)
    try:
        if form == "json":
            return _drop_json(body, is_listed)
        if form == "xml":
            return _drop_xml(body, is_listed)
        if form == "csv":
            return _drop_csv(body, is_listed)
        if form == "ical":
            return _drop_ical(body, is_listed)
    except (ValueError, etree.LxmlError, csv.Error, RecursionError):
        pass
    raise PayloadError(
        "fields_unreadable",
        f"published_fields cannot be kept to: the body is no {form} that can be read as a whole; nothing of it is taken in",
    )


def _drop_json(body: bytes, is_listed: IsListed) -> bytes:
    def keep(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            kept = {}
            for name, inner in value.items():
                here = (*path, name)
                if isinstance(inner, dict | list) or is_listed(here):
                    found = keep(inner, here)
                    if found is not _NOTHING:
                        kept[name] = found
            return kept
        if isinstance(value, list):
            return [found for inner in value if (found := keep(inner, path)) is not _NOTHING]
        return value if not path or is_listed(path) else _NOTHING

    if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        raise ValueError("too many values")
    return orjson.dumps(keep(orjson.loads(body.removeprefix(b"\xef\xbb\xbf")), ()))


_NOTHING: Final = object()
_NO_SUCH_PREFIX: Final = 201  # libxml2: XML_NS_ERR_UNDEFINED_NAMESPACE


def _drop_xml(body: bytes, is_listed: IsListed) -> bytes:
    # The readers of feeds refuse document types as well; here one could hide what it brings.
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise ValueError("document type")
    root = _parse_xml(body.removeprefix(b"\xef\xbb\xbf").lstrip())
    for element in root.iter(etree.Element):
        name = _local(str(element.tag))
        if not len(element) and element.text is not None and not is_listed((name,)):
            element.text = None
        elif len(element):
            element.text = None  # text between elements is nobody's field
        element.tail = None
        for attribute in list(element.attrib):
            if not is_listed((_local(str(attribute)),)):
                del element.attrib[attribute]
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True))


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


def _parse_xml(body: bytes) -> etree._Element:
    options: dict[str, Any] = {
        "resolve_entities": False,
        "no_network": True,
        "load_dtd": False,
        "remove_comments": True,
    }
    try:
        return etree.fromstring(body, etree.XMLParser(**options))
    except etree.XMLSyntaxError as error:
        if getattr(error, "code", None) != _NO_SUCH_PREFIX:  # the stubs do not know it
            raise
    # `xsi:nil` without xsi: real servers send it, and the readers of feeds go by local names alone.
    return etree.fromstring(body, etree.XMLParser(recover=True, **options))


def _drop_csv(body: bytes, is_listed: IsListed) -> bytes:
    text = body.decode("utf-8-sig")
    head = next((line for line in text.splitlines()[:20] if line.strip()), "")
    mark = max(",;\t|", key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    names = next((row for row in rows if any(row)), [])
    keep = [place for place, name in enumerate(names) if is_listed((name.strip(),))]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark, lineterminator="\n")
    writer.writerow([names[place] for place in keep])
    for row in rows:
        if len(row) == len(names):
            writer.writerow([row[place] for place in keep])
    return out.getvalue().encode()


def _drop_ical(body: bytes, is_listed: IsListed) -> bytes:
    kept = []
    for line in _unfold(body.decode("utf-8")):
        found = _ICAL.match(line)
        if found and (found[1].upper() in ("BEGIN", "END", "VERSION") or is_listed((found[1].upper(),))):
            parts = [p for p in found[2].split(";")[1:] if is_listed((found[1].upper(), p.partition("=")[0].upper()))]
            kept.append(";".join([found[1], *parts]) + ":" + found[3])
    return ("\r\n".join(kept) + "\r\n").encode()
