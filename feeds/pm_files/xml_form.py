"""PM files in XML: `measCollecFile` (TS 32.435) and `measDataFile` (TS 28.532), read as a stream.

Both roots, both layouts: `measType p=n` with `r p=n`, or the lists `measTypes` and `measResults`
matched by position. Names are matched without their namespace, which vendors get wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from feeds.checks import Tally
from feeds.feed import PayloadError
from feeds.pm_files.report import MAX_NAMES, Budget, Group, Measured, Report, keep_value
from feeds.text import clean_text
from feeds.xml_reader import read_xml

ROOTS: Final = ("measCollecFile", "measDataFile")
# Longest text kept of one element: a distribution of 273 resource blocks has about 2,000 letters.
_MAX_LIST: Final = 1_000_000
_READ: Final = frozenset({"measType", "measTypes", "r", "measResults", "suspect"})


def read_file(body: bytes) -> Report:
    """The report in this XML.

    Raises:
        PayloadError: see `read_xml`; not_pm_file (another root), too_many_values, too_many_names.
    """
    reader = _Reader()
    # Some producers put line feeds before the declaration, which the parser refuses.
    read_xml(body.removeprefix(b"\xef\xbb\xbf").lstrip(), reader)
    return Report(
        groups=tuple(reader.groups),
        closed=reader.closed,
        rejects=dict(reader.tally.rejects),
        warnings=dict(reader.tally.warnings),
        offending=reader.tally.offending,
    )


class _Reader:
    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.closed: str | None = None
        self.tally = Tally()
        self._budget = Budget()
        self._path: list[str] = []
        self._element: str | None = None
        self._group: Group | None = None
        self._names: dict[str, str] = {}
        self._listed: list[str] = []
        self._measured: Measured | None = None
        self._results: str | None = None
        self._pieces: list[str] | None = None
        self._length = 0
        self._p = ""

    def open(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self._path and name not in ROOTS:
            shown = clean_text(name, 40)
            raise PayloadError("not_pm_file", f"a root of {' or '.join(ROOTS)} was expected; it is {shown!r}")
        parent = self._path[-1] if self._path else ""
        self._path.append(name)
        if name == "measInfo":
            self._group, self._names, self._listed = Group(self._element), {}, []
        elif name in ("managedElement", "measEntity"):
            self._element = clean_text(attributes.get("localDn"), 300)
        elif name == "measData" and parent in ROOTS:
            # Of another node: its name is not that of the one before.
            self._element = None
        elif parent == "fileFooter":
            self.closed = attributes.get("endTime")
        elif self._group is not None:
            self._open_in_group(self._group, name, attributes)

    def _open_in_group(self, group: Group, name: str, attributes: Mapping[str, str]) -> None:
        if name == "granPeriod":
            group.end, group.duration = attributes.get("endTime"), attributes.get("duration")
        elif name == "measValue":
            self._budget.spend()
            self._measured = Measured(clean_text(attributes.get("measObjLdn"), 300) or "")
            self._results = None
        elif name in _READ:
            self._pieces, self._length = [], 0
            self._p = attributes.get("p", "").strip()[:20]

    def text(self, piece: str) -> None:
        if self._pieces is not None and self._length < _MAX_LIST:
            self._pieces.append(piece)
            self._length += len(piece)

    def close(self, name: str) -> None:
        self._path.pop()
        if self._group is None:
            return
        if name in _READ:
            text = "".join(self._pieces or ()).strip()
            self._pieces = None
            self._take(name, text)
        elif name == "measValue" and self._measured is not None:
            self._finish(self._group, self._measured)
            self._measured = None
        elif name == "measInfo":
            self.groups.append(self._group)
            self._group = None

    def _take(self, name: str, text: str) -> None:
        measured = self._measured
        if name == "measType":
            self._learn(self._p, text)
        elif name == "measTypes":
            self._listed = text.split(None, MAX_NAMES + 1)
            if len(self._listed) > MAX_NAMES:
                raise PayloadError("too_many_names", f"more than {MAX_NAMES} counters in one measInfo")
        elif measured is None:
            self.tally.warn("value_without_object")
        elif name == "r":
            self._budget.spend()
            counter = self._names.get(self._p)
            if counter is None:
                self.tally.warn("value_without_name")
            else:
                keep_value(measured, counter, text, self.tally.warnings)
        elif name == "measResults":
            self._results = text
        else:
            measured.suspect = text.lower() in ("true", "1")

    def _learn(self, p: str, text: str) -> None:
        if p in self._names:
            self.tally.warn("name_repeated")
        if len(self._names) >= MAX_NAMES:
            raise PayloadError("too_many_names", f"more than {MAX_NAMES} counters in one measInfo")
        self._names[p] = text[:100]

    def _finish(self, group: Group, measured: Measured) -> None:
        if self._results is not None and not self._spread(measured, self._results, self.tally.warnings):
            self.tally.reject("values_mismatch", measured.name)
            return
        group.objects.append(measured)

    def _spread(self, measured: Measured, text: str, warnings: Counter[str]) -> bool:
        """Give listed values to listed names; False where their numbers differ, as then no place is sure."""
        values = text.split(None, MAX_NAMES + 1)
        self._budget.spend(len(values))
        if len(values) != len(self._listed):
            return False
        for name, value in zip(self._listed, values, strict=True):
            keep_value(measured, name[:100], value, warnings)
        return True
