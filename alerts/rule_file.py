"""YAML with the line of every field, and nothing in it that a rule file does not need.

Plain YAML 1.2: `true` and `false` are the only flags, 07:30 is a text and not a
number of base sixty, `no` is a word. Refused are keys that stand twice in one
place, aliases (a few lines of them can unfold to gigabytes) and tags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

MAX_BYTES: Final = 1_000_000  # of one file; a hundred good rules are a tenth of that
MAX_DEPTH: Final = 20
MAX_NODES: Final = 50_000  # keys and values of one file: a thousand rules have fewer

Path = tuple[str | int, ...]


class YamlFault(Exception):
    """A file cannot be read as a whole; `what` says why, `line` where (from 1)."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"line {line}: {what}")
        self.what = what
        self.line = line


@dataclass
class Content:
    """What a file holds, as plain dicts, lists, texts, numbers, flags and None.

    Attributes:
        lines: path of every key and item -> its line, from 1. That of a key is its own line,
            not that of its value.
        faults: (line, what) of keys that stand twice and the like; reading went on after them.
    """

    data: Any
    lines: Mapping[Path, int]
    faults: list[tuple[int, str]] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """Line of that field, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> Content:
    """The content of a file's text.

    Raises:
        YamlFault: it is too long, too deep, no YAML, or uses what is not read here.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise YamlFault(f"is longer than {MAX_BYTES // 1000} kB; make several files of it", 1)
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.problem, error.note) if part)
        raise YamlFault(f"is not YAML: {said or error.context}", mark.line + 1 if mark else 1) from None
    except yaml.YAMLError as error:
        raise YamlFault(f"is not YAML: {str(error).splitlines()[0]}", 1) from None
    content = Content(None, {})
    lines: dict[Path, int] = {}
    content.data = None if node is None else _build(node, (), lines, content.faults)
    content.lines = lines
    return content


class _Loader(yaml.SafeLoader):
    """Composes nodes; counts their depth and refuses aliases before they are followed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise YamlFault("aliases (*name) are not read; write it out", self._line())
        self._depth += 1
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise YamlFault(f"has more than {MAX_NODES} keys and values; make several files of it", self._line())
        if self._depth > MAX_DEPTH:
            raise YamlFault("is nested too deeply", self._line())
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _line(self) -> int:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        return int(event.start_mark.line) + 1


# YAML 1.2's core schema. PyYAML speaks 1.1, in which 07:30 is 450 and `off` is false.
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,17})", list("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]{0,17})?\.[0-9]{1,18}(?:[eE][-+]?[0-9]{1,2})?", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _build(node: yaml.Node, path: Path, lines: dict[Path, int], faults: list[tuple[int, str]]) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            key_line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                faults.append((key_line, "a name must stand before the colon"))
                continue
            if key in made:
                faults.append((key_line, f"{key} stands twice, first in line {lines[(*path, key)]}; keep one"))
                continue
            lines[(*path, key)] = key_line
            made[key] = _build(value_node, (*path, key), lines, faults)
        return made
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, number), lines, faults) for number, item in enumerate(node.value)]
    tag = node.tag.removeprefix("tag:yaml.org,2002:")
    text = str(node.value)
    if tag == "str":
        return text
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag == "int" and re.fullmatch(r"[-+]?\d{1,18}", text):
        return int(text)
    if tag == "float" and re.fullmatch(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?", text):
        return float(text)
    faults.append((line, f"the tag {node.tag[:60]} is not read; write the value alone"))
    return None
