"""The published list of a feed: names of the fields that its supplier and we agreed on.

A list is lines of patterns. A pattern is names joined by dots; `*` stands for one
name, `**` for any number of names. Case, dashes and underscores do not matter
(`VehicleRef` is `vehicle_ref`), nor do prefixes of namespaces (`dct:title` is `title`).
A word after a pattern says more about the field:

    removed    the standard itself has identifiers here, or people write what they like: the adapter
               never lets them pass, and finding one is no fault of the supplier
    plate      the same of number plates only: operators name vehicles by them
    place      an address here is that of a place
    envelope   about the answer and not about the city: stays where a feed has its own list

`standard/<adapter>.txt` holds the list of each standard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path as File
from typing import Final

from feeds.anonymity.forms import Path
from feeds.feed import Adapter, Feed

FOLDER: Final = File(__file__).parent / "standard"
MARKS: Final = ("removed", "plate", "place", "envelope")

_PREFIX = re.compile(r".*[/#:](?=.)")
_OTHER = re.compile(r"[\W_]")
# A supplier that makes its names from ids must not fill our memory.
_MOST_KNOWN: Final = 10_000


@dataclass(frozen=True)
class FieldList:
    """Patterns of the fields that may come, and of those about which there is more to say."""

    listed: re.Pattern[str]
    marked: Mapping[str, re.Pattern[str]]
    _known: dict[Path, tuple[bool, frozenset[str]]] = field(default_factory=dict, repr=False, compare=False)

    def is_listed(self, path: Path) -> bool:
        """Whether the field is on the list."""
        return self._judge(path)[0]

    def marks_of(self, path: Path) -> frozenset[str]:
        """Which of MARKS the list gives the field."""
        return self._judge(path)[1]

    def _judge(self, path: Path) -> tuple[bool, frozenset[str]]:
        found = self._known.get(path)
        if found is None:
            plain = ".".join(map(bare, path))
            marks = frozenset(mark for mark, form in self.marked.items() if form.fullmatch(plain))
            found = (self.listed.fullmatch(plain) is not None, marks)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[path] = found
        return found


def bare(name: str) -> str:
    """A name without what suppliers write in different ways: case, dashes, underscores, prefixes."""
    return _OTHER.sub("", _PREFIX.sub("", name).lower()) or "_"


def get_list(feed: Feed, adapter: Adapter) -> FieldList:
    """The list that counts for a feed: its own, else that of the standard."""
    standard = read_standard(adapter.name) + list(adapter.list_published(feed))
    known = [(pattern, "removed") for pattern in feed.known_identifiers]
    if feed.published_fields:
        listed = [p for p, mark in standard if mark == "envelope"] + list(feed.published_fields)
    else:
        listed = [p for p, _ in standard] + list(feed.known_identifiers)
    marked = {
        mark: compile_patterns(p for p, own in (*standard, *known) if own == mark)
        for mark in MARKS
        if mark != "envelope"
    }
    return FieldList(compile_patterns(listed), marked)


@cache
def read_standard(adapter: str) -> list[tuple[str, str]]:
    """Patterns and marks of a standard's own list; none where an adapter has no file.

    Raises:
        ValueError: a line that is no pattern, or a mark that there is not.
    """
    path = FOLDER / f"{adapter}.txt"
    if not path.exists():
        return []
    lines = (line.partition("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines())
    found = [(words[0], " ".join(words[1:])) for words in lines if words]
    for pattern, mark in found:
        check_pattern(pattern)
        if mark not in ("", *MARKS):
            raise ValueError(f"{path.name}: {pattern}: no mark {mark!r}; there are {', '.join(MARKS)}")
    return found


def check_pattern(pattern: str) -> None:
    """Raises ValueError with one sentence for what is no pattern."""
    if not pattern or any(not part or (part not in ("*", "**") and bare(part) == "_") for part in pattern.split(".")):
        raise ValueError(
            f"{pattern!r} is no name of a field; write names joined by dots, * for any one, ** for any number"
        )


def compile_patterns(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression over bare paths that matches what any of the patterns means."""
    return re.compile("|".join(f"(?:{_to_form(pattern)})" for pattern in dict.fromkeys(patterns)) or r"(?!)")


def _to_form(pattern: str) -> str:
    check_pattern(pattern)
    form = ""
    for part in pattern.split("."):
        if part == "**":
            # Any names, none among them: `a.**` means `a` too, `**.b` means `b`.
            form += r"(?:[^.]+(?:\.|$))*"
        else:
            form += (r"[^.]+" if part == "*" else re.escape(bare(part))) + r"(?:\.|$)"
    return form
