"""Which version of the pages is served: a display that was loaded before an update shows another."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

SUFFIXES = frozenset({".css", ".js", ".py"})


def read_build(folders: Iterable[Path]) -> str:
    """Twelve letters that change with any script, style or layout in these folders."""
    total = sha256()
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES):
            total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:12]
