"""XML records as plain mappings: each repeated element a mapping of path -> text, under limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from feeds.feed import PayloadError
from feeds.xml_reader import read_xml

# Of one field. Descriptions of GeoReport may have 4,000 letters; nobody here reads them.
_MAX_TEXT: Final = 4_000
_MAX_FIELDS: Final = 500
_MAX_RECORDS: Final = 100_000
_XSI: Final = b"http://www.w3.org/2001/XMLSchema-instance"
_ROOT: Final = re.compile(rb"<[A-Za-z_][\w.:-]{0,80}")

Record = dict[str, str | None]


class RecordReader:
    """Gathers elements of given names, wherever they stand.

    Attributes:
        root: local name of the document's root.
        records: for each such element its leaves, as "a/b" -> text, None for an
            empty one; attributes as "a/b@name". Of a repeated leaf the first is kept.
        kinds: the element's name of each record.
    """

    def __init__(self, *names: str) -> None:
        self.root = ""
        self.records: list[Record] = []
        self.kinds: list[str] = []
        self._names = frozenset(names)
        self._path: list[str] = []
        self._leaf = True
        self._record: Record | None = None
        self._text: list[str] = []
        self._size = 0

    def open(self, name: str, attributes: Mapping[str, str]) -> None:
        self.root = self.root or name
        if self._record is None:
            if name not in self._names:
                return
            if len(self.records) >= _MAX_RECORDS:
                raise PayloadError("too_many_rows", f"more than {_MAX_RECORDS} records in one body")
            self._record, self._path = {}, []
            self.records.append(self._record)
            self.kinds.append(name)
        else:
            self._path.append(name)
        self._text, self._size, self._leaf = [], 0, True
        for key, value in attributes.items():
            self._keep(f"{'/'.join(self._path)}@{key.rpartition('}')[2]}", value)

    def text(self, piece: str) -> None:
        if self._record is not None and self._size < _MAX_TEXT:
            self._text.append(piece)
            self._size += len(piece)

    def close(self, name: str) -> None:
        if self._record is None:
            return
        if not self._path:
            self._record = None
            return
        path = "/".join(self._path)
        self._path.pop()
        if self._leaf:
            self._keep(path, "".join(self._text))
        self._text, self._size, self._leaf = [], 0, False

    def _keep(self, path: str, value: str) -> None:
        if self._record is not None and len(self._record) < _MAX_FIELDS:
            self._record.setdefault(path, value[:_MAX_TEXT].strip() or None)


def read_records(body: bytes, *names: str) -> RecordReader:
    """The elements of these names in a body.

    Raises:
        PayloadError: as `read_xml`, and too_many_rows.
    """
    reader = RecordReader(*names)
    read_xml(_declare_nil(body), reader)
    return reader


def _declare_nil(body: bytes) -> bytes:
    """Back offices cut their answers out of an envelope, and lose the declaration of `xsi:` with it."""
    if b"xsi:" not in body or b"xmlns:xsi" in body:
        return body
    start = _ROOT.search(body)
    if start is None:
        return body
    return body[: start.end()] + b' xmlns:xsi="' + _XSI + b'"' + body[start.end() :]
