"""A GTFS archive, opened under limits, and its tables as rows of named texts.

Nothing is unpacked to disk, so a path inside the archive can lead nowhere; only
files with the standard's own names are read, and sizes are counted while
unpacking, because what an archive says of its own sizes proves nothing.
"""

from __future__ import annotations

import csv
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from feeds.feed import PayloadError
from feeds.text import clean_text

# The whole of Great Britain's buses is about 2,000 MB unpacked; a city and its neighbours stay under 300 MB.
MAX_UNPACKED: Final = 400_000_000
# Text deflates to a tenth, at the very best to a fortieth; a bomb to a thousandth.
MAX_RATIO: Final = 200
_RATIO_FROM: Final = 1_000_000
MAX_MEMBERS: Final = 500
MAX_ROWS: Final = 3_000_000


class _Counted(io.RawIOBase):
    """A member of the archive as a stream that refuses to go on past the limits."""

    def __init__(self, archive: Archive, info: zipfile.ZipInfo) -> None:
        self._archive, self._info, self._size = archive, info, 0
        self._inner = archive.open(info)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            piece = self._inner.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError) as error:
            raise PayloadError("zip_broken", f"{_name(self._info)} cannot be unpacked: {_said(error)}") from None
        self._size += len(piece)
        self._archive.unpacked += len(piece)
        if self._archive.unpacked > MAX_UNPACKED:
            raise PayloadError("zip_too_large", f"the archive unpacks to more than {MAX_UNPACKED} bytes")
        if self._size > _RATIO_FROM and self._size > MAX_RATIO * max(self._info.compress_size, 1):
            raise PayloadError("zip_bomb", f"{_name(self._info)} unpacks to more than {MAX_RATIO} times its size")
        buffer[: len(piece)] = piece
        return len(piece)


class Archive:
    """The tables of one GTFS zip.

    Raises:
        PayloadError: empty_body, not_zip, zip_broken, zip_members (too many).
    """

    def __init__(self, body: bytes) -> None:
        if not body:
            raise PayloadError("empty_body", "the answer has no content")
        if not body.startswith(b"PK"):
            start = clean_text(body[:60].decode("utf-8", "replace"), 40) or "nothing readable"
            raise PayloadError("not_zip", f"a zip archive was expected; the body starts with {start!r}")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
            members = self._zip.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, UnicodeError) as error:
            raise PayloadError("zip_broken", f"the archive cannot be opened: {_said(error)}") from None
        if len(members) > MAX_MEMBERS:
            raise PayloadError("zip_members", f"{len(members)} files in the archive; at most {MAX_MEMBERS} are taken")
        self.unpacked = 0
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            # Some publishers zip the folder: one folder above the tables is looked through, any other path is not.
            folder, _, name = member.filename.replace("\\", "/").rpartition("/")
            if name.endswith(".txt") and "/" not in folder and folder not in ("..", ".") and not member.is_dir():
                if folder and name in self._members:
                    continue
                self._members[name] = member

    def __contains__(self, name: str) -> bool:
        return name in self._members

    @property
    def names(self) -> list[str]:
        return sorted(self._members)

    def open(self, info: zipfile.ZipInfo) -> io.BufferedIOBase:
        try:
            return self._zip.open(info)  # type: ignore[return-value]
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
            raise PayloadError("zip_broken", f"{_name(info)} cannot be unpacked: {_said(error)}") from None

    def rows(self, name: str, columns: Sequence[str], required: Sequence[str] = ()) -> Iterator[list[str]]:
        """Rows of one table as texts in the order of `columns`: stripped, "" where absent or cut short.

        A table that is not in the archive has no rows. UTF-8 with or without a
        byte order mark; bytes that are not UTF-8 become replacement characters.

        Raises:
            PayloadError: column_missing, csv_broken (a field of more than 131,072
                letters: a quote that never ends), too_many_rows, and those of unpacking.
        """
        if name not in self._members:
            return
        raw = io.BufferedReader(_Counted(self, self._members[name]), 1 << 16)
        lines = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.reader(lines, skipinitialspace=True)
        try:
            header = [h.strip().lower() for h in next(reader, [])]
            if lacking := [c for c in required if c not in header]:
                raise PayloadError("column_missing", f"{name} has no column {lacking[0]}")
            places = [header.index(c) if c in header else -1 for c in columns]
            for count, row in enumerate(reader):
                if count >= MAX_ROWS:
                    raise PayloadError("too_many_rows", f"{name} has more than {MAX_ROWS} rows")
                if row:
                    size = len(row)
                    yield [row[p].strip() if 0 <= p < size else "" for p in places]
        except csv.Error as error:
            raise PayloadError("csv_broken", f"{name}, line {reader.line_num}: {_said(error)}") from None


def _name(info: zipfile.ZipInfo) -> str:
    return clean_text(info.filename, 60) or "a file"


def _said(error: Exception) -> str:
    return clean_text(str(error), 100) or type(error).__name__
