"""Search: what an operator types, in the things that the city knows at this moment.

    Finder.find(query, snapshot)     the best hits, grouped, best first

Pure but for what it keeps of the tables before: words are taken out of a table
when its names have changed, not when a vehicle has moved. One Finder an
audience, fed with that audience's projection, so that nobody finds what they may
not see. Number plates are not searched and not shown.

How well something fits, best first: its name is what was typed; its name begins
with it; its whole name is within what was typed ("robot 47" finds 47); every word
is one of its words; every word begins one of them; with a typo. Typos are looked
for only where nothing else was found, and never in numbers: another number is
another thing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from control_room.city import City
from control_room.find_things import (
    TITLES,
    Hit,
    at_link,
    find_over,
    list_facts,
    list_readers,
    read_counted_cells,
    read_feeds,
)
from control_room.find_words import EXACT, NONE, WITHIN, WORD, WordIndex, is_plate, split_words
from control_room.marks import mercator
from control_room.model import Snapshot

QUERY_MOST: Final = 100  # characters
WORDS_MOST: Final = 8
HITS_MOST: Final = 30
OF_A_KIND: Final = 6
LOOKED_AT: Final = 400  # of a kind, before they are put into their last order

SENTENCES: Final = frozenset({"alarm", "disruption"})

_COORDINATES = re.compile(r"\s*(-?\d{1,2}\.\d+)\s*[,;\s]\s*(-?\d{1,3}\.\d+)\s*", re.ASCII)


@dataclass(frozen=True)
class Shelf:
    """One sort of things, ready to be searched.

    Attributes:
        columns: what its index was made of; compared with those of the next table.
        tell: row -> the hit, from the newest table.
        over: rows that are listed after their equals, such as requests that are closed; None has none.
    """

    kind: str
    columns: tuple[Sequence[Any], ...]
    index: WordIndex
    tell: Callable[[int], Hit]
    over: np.ndarray | None = None


class Finder:
    """Searches the snapshots of one audience, one after another. Not for two threads at once.

    Args:
        screens: address and title of our screens.
    """

    def __init__(self, city: City, screens: Sequence[tuple[str, str]] = ()) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._snapshot: Snapshot | None = None
        self._zone = city.zone
        for kind, (hits, more) in list_facts(city, screens).items():
            self._put(kind, ([hit.label for hit in hits], more), hits.__getitem__)

    def find(self, query: str, snapshot: Snapshot, limit: int = HITS_MOST) -> list[Hit]:
        """The best, grouped by kind: the kind with the best of them first, at most OF_A_KIND of each.

        Args:
            query: as typed; only its first characters and words count.
            snapshot: as that audience sees it.
        """
        query = query[:QUERY_MOST]
        here = _coordinates(query)
        if here is not None:
            return [here]
        # Numbers are kept with and without leading zeros, so without them each is found.
        words = [(w.lstrip("0") or w) if w.isdigit() else w for w in split_words(query)[:WORDS_MOST]]
        if not words or is_plate(query):
            return []
        self._take(snapshot)
        hits = self._search(words, typos=False) or self._search(words, typos=True)
        order = list(TITLES)
        best: dict[str, int] = {}
        for hit in hits:
            best[hit.kind] = max(best.get(hit.kind, NONE), hit.fit)
        hits.sort(key=lambda h: (-best[h.kind], order.index(h.kind)))
        return hits[:limit]

    def _search(self, words: Sequence[str], typos: bool) -> list[Hit]:
        found: list[Hit] = []
        for shelf in self._shelves.values():
            fit = shelf.index.fit(words, typos)
            if shelf.kind in SENTENCES:
                # How a sentence begins says nothing: what it is about comes before it.
                fit = np.minimum(fit, WORD)
            rows = np.flatnonzero(fit)
            if not len(rows):
                continue
            over = 0 if shelf.over is None else shelf.over[rows]
            rows = rows[np.argsort(over - 2 * fit[rows], kind="stable")][:LOOKED_AT]
            typed = set(words)
            scored = []
            for row in rows.tolist():
                name, score = shelf.index.names[row], int(fit[row])
                if score == WORD and name and typed.issuperset(name.split(" ")):
                    score = WITHIN
                over = shelf.over is not None and bool(shelf.over[row])
                scored.append((-score, over, len(name), _natural(name), row))
            told: dict[tuple[str, str], Hit] = {}  # what looks the same is listed once
            for minus, *_, row in sorted(scored):
                hit = replace(shelf.tell(row), fit=-minus)
                told.setdefault((hit.label, hit.sub), hit)
                if len(told) == OF_A_KIND:
                    break
            found += told.values()
        return found

    # What there is to find

    def _take(self, snapshot: Snapshot) -> None:
        if snapshot is self._snapshot:
            return
        for kind, table_name, read in list_readers(self._zone, snapshot.at):
            table = snapshot.tables.get(table_name)
            if table is not None:
                columns, tell = read(table)
                self._put(kind, columns, tell, find_over(table, snapshot.at))
        counted = snapshot.tables.get("cell")
        if counted is not None and not self._shelves["cell"].index.size:
            self._put("cell", *read_counted_cells(counted))
        self._put("feed", *read_feeds(snapshot))
        self._snapshot = snapshot

    def _put(
        self,
        kind: str,
        columns: tuple[Sequence[Any], ...],
        tell: Callable[[int], Hit],
        over: np.ndarray | None = None,
    ) -> None:
        """Columns: the labels, then further texts. Words are taken out anew only where any of them has changed."""
        before = self._shelves.get(kind)
        if before is not None and before.columns == columns:
            index = before.index
        else:
            labels = [str(label or "") for label in columns[0]]
            more = [" ".join(str(t) for t in texts if t) for texts in zip(*columns[1:], strict=True)]
            index = WordIndex(labels, more if len(columns) > 1 else [""] * len(labels))
        self._shelves[kind] = Shelf(kind, columns, index, tell, over)


def to_json(hit: Hit) -> dict[str, Any]:
    """A hit as /find answers it: with the group's heading, and where it is as the frames say it."""
    x = y = None
    if hit.latitude is not None and hit.longitude is not None:
        xs, ys = mercator(np.array([hit.latitude]), np.array([hit.longitude]))
        x, y = int(xs[0]), int(ys[0])
    return {
        "kind": hit.kind,
        "group": TITLES[hit.kind],
        "key": hit.key,
        "label": hit.label,
        "sub": hit.sub,
        "symbol": hit.symbol,
        "lat": hit.latitude,
        "lon": hit.longitude,
        "x": x,
        "y": y,
        "link": hit.link,
    }


def _natural(name: str) -> tuple[object, ...]:
    """Sorts 9 before 10."""
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.findall(r"\d{1,18}|\D+", name))


def _coordinates(query: str) -> Hit | None:
    found = _COORDINATES.fullmatch(query)
    if found is None:
        return None
    lat, lon = float(found[1]), float(found[2])
    if not (-85 <= lat <= 85 and -180 <= lon <= 180):
        return None
    label = f"{lat:.5f}, {lon:.5f}"
    return Hit("place", label, label, "latitude, longitude", "find-place", lat, lon, at_link(lat, lon), EXACT)
