"""The marks that a longer text may carry: paragraphs, lists of `- ` lines, **strong** words, {figures}. Nothing else.

No link, no picture, no HTML: a kiosk has no way out, and what an officer pastes in shall not become markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

_FIGURE = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_STRONG = re.compile(r"\*\*(.+?)\*\*")
# A number that is part of a name, and no figure.
_NAMES: Final = ("5G",)
_REFUSED: Final = (
    (re.compile(r"[<>]"), "< and > are not used here; write it in words"),
    (re.compile(r"https?:|www\.|\b[\w-]+\.(?:com|org|uk|net)\b", re.IGNORECASE), "an address leads nowhere on a kiosk; leave it out"),
    (re.compile(r"^\s*#"), "headings are not used here; give the text a title of its own"),
    (re.compile(r"\]\("), "links are not used here; a kiosk has no way out"),
    (re.compile(r"`"), "` is not used here"),
    (re.compile(r"^\s*[*+]\s"), "begin the lines of a list with `- `"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text, strong or not."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph (one line of spans) or a list (one line for each item)."""

    sort: Literal["paragraph", "list"]
    lines: tuple[tuple[Span, ...], ...]


def read_marks(text: str, tell: Callable[[str], str]) -> list[Block]:
    """The blocks of a text that has no faults.

    Args:
        tell: the words of a figure by its name.
    """
    blocks: list[Block] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        for is_list, lines in _runs(part.splitlines()):
            if is_list:
                spans = tuple(_spans(line.lstrip()[2:], tell) for line in lines)
                blocks.append(Block("list", spans))
            else:
                blocks.append(Block("paragraph", (_spans(" ".join(map(str.strip, lines)), tell),)))
    return blocks


def list_mark_faults(text: str, figures: frozenset[str]) -> list[tuple[int, str]]:
    """(line from 0, what) of everything that such a text must not hold.

    Args:
        figures: names that may stand in braces.
    """
    faults = []
    for number, line in enumerate(text.splitlines()):
        faults += [(number, what) for pattern, what in _REFUSED if pattern.search(line)]
        for name in _FIGURE.findall(line):
            if not _NAME.fullmatch(name) or name not in figures:
                faults.append((number, f"{{{name[:60]}}}: there is no such figure in figures.yaml"))
        rest = _FIGURE.sub("", line)
        if "{" in rest or "}" in rest:
            faults.append((number, "a brace stands alone; a figure is written {name}"))
        if rest.count("**") % 2 or "*" in rest.replace("**", ""):
            faults.append((number, "strong words stand between two pairs of stars, **so**, on one line"))
        for name in _NAMES:
            rest = rest.replace(name, "")
        if re.search(r"\d", rest):
            what = "a figure must stand in figures.yaml, with its source and date; write its name in braces"
            faults.append((number, what))
    return faults


def list_figures(text: str) -> set[str]:
    """Names of the figures that a text tells."""
    return set(_FIGURE.findall(text))


def strip_marks(text: str, tell: Callable[[str], str]) -> str:
    """The text as it is read aloud and measured: a line a paragraph or item, no marks."""
    return "\n".join("".join(s.text for s in line) for block in read_marks(text, tell) for line in block.lines)


def _runs(lines: list[str]) -> Iterator[tuple[bool, list[str]]]:
    """Neighbouring lines of a list, and of no list."""
    run: list[str] = []
    was_list = False
    for line in lines:
        is_list = line.lstrip().startswith("- ")
        if run and is_list != was_list:
            yield was_list, run
            run = []
        run.append(line)
        was_list = is_list
    if run:
        yield was_list, run


def _spans(line: str, tell: Callable[[str], str]) -> tuple[Span, ...]:
    """The words between the marks of one line; the marks are read before figures, whose words may hold anything."""
    spans = []
    for number, part in enumerate(_STRONG.split(line.strip())):
        if part:
            spans.append(Span(_FIGURE.sub(lambda found: tell(found[1]), part), number % 2 == 1))
    return tuple(spans)
