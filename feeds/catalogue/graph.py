"""JSON-LD as catalogues write it, read as nodes and properties without fetching any context.

Catalogues come as one nested tree or as a flat @graph, with prefixes (`dcat:`),
full addresses or bare names. Here every property is known by its last part, so
`dct:title`, `http://purl.org/dc/terms/title` and `title` are one. A context is
never fetched: it would let a foreign server decide what our words mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from feeds.feed import PayloadError

# Nodes in one answer; a national catalogue page has some thousand.
MAX_NODES: Final = 200_000
_DEEPEST: Final = 40

Node = dict[str, list[Any]]


def shorten(name: str) -> str:
    """The last part of a name: behind the prefix, the hash or the last slash."""
    tail = name.rpartition("#")[2] if "#" in name else name.rstrip("/").rpartition("/")[2]
    return tail if name.startswith(("http://", "https://")) else name.rpartition(":")[2]


class Graph:
    """All nodes of an answer. Nodes with an @id are joined, however often they are spoken of."""

    def __init__(self, whole: Any) -> None:
        self.nodes: list[Node] = []
        self._by_id: dict[str, Node] = {}
        self._take(whole, 0)

    def _take(self, value: Any, depth: int) -> Any:
        """The value with each object in it replaced by its node; texts and `{"@value"}` stay."""
        if depth > _DEEPEST:
            raise PayloadError("too_deep", f"objects are nested more than {_DEEPEST} deep")
        if isinstance(value, list):
            return [self._take(v, depth + 1) for v in value]
        if not isinstance(value, Mapping) or "@value" in value:
            return value
        node = self._find_or_make(value.get("@id"))
        for name, held in value.items():
            if name in ("@context", "@id"):
                continue
            if name in ("@graph", "@included"):
                self._take(held, depth + 1)
                continue
            short = "@type" if name in ("@type", "type") else shorten(name)
            taken = self._take(held, depth + 1)
            node.setdefault(short, []).extend(taken if isinstance(taken, list) else [taken])
        return node

    def _find_or_make(self, node_id: Any) -> Node:
        if isinstance(node_id, str) and node_id in self._by_id:
            return self._by_id[node_id]
        if len(self.nodes) >= MAX_NODES:
            raise PayloadError("too_many_values", f"more than {MAX_NODES} objects in one answer")
        node: Node = {}
        if isinstance(node_id, str):
            node["@id"] = [node_id]
            self._by_id[node_id] = node
        self.nodes.append(node)
        return node

    def list_of(self, *types: str) -> list[Node]:
        """Nodes that say they are of one of these types, in order."""
        return [n for n in self.nodes if any(t in types for t in get_types(n))]

    def resolve(self, value: Any) -> Node | None:
        """The node that a value is or names; None where it is neither."""
        if isinstance(value, dict) and "@value" not in value:
            return value
        return self._by_id.get(value) if isinstance(value, str) else None

    def follow(self, node: Node, name: str) -> Iterator[Node]:
        """Nodes under a property, those only named by their @id included."""
        for value in node.get(name, []):
            found = self.resolve(value)
            if found is not None:
                yield found


def get_types(node: Node) -> list[str]:
    """Its types, by their last part."""
    return [shorten(t) for t in node.get("@type", []) if isinstance(t, str)]


def find_text(node: Node, *names: str) -> str | None:
    """The first of these properties as text: English where several languages are given, else the first."""
    for name in names:
        first = None
        for value in node.get(name, []):
            text, language = _read_literal(value)
            if text and language.lower().startswith("en"):
                return text
            first = first or text
        if first:
            return first
    return None


def _read_literal(value: Any) -> tuple[str | None, str]:
    if isinstance(value, dict):
        if "@value" in value:
            held = value["@value"]
            language = value.get("@language")
            return (held if isinstance(held, str) else None), (language if isinstance(language, str) else "")
        for name in ("@id", "label", "prefLabel", "name", "title"):
            for inner in value.get(name, []):
                if isinstance(inner, str):
                    return inner, ""
        return None, ""
    return (value if isinstance(value, str) else None), ""
