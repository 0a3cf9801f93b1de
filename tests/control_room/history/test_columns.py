"""What the dictionary marks as kept is kept, and nothing else is."""

from __future__ import annotations

import re

from control_room.history.columns import ELSEWHERE, KEPT_AS
from control_room.history.measures import MEASURES
from control_room.model import KINDS
from control_room.storage.schema import metadata


def test_every_marked_column_is_kept_and_every_kept_one_is_marked():
    """The dictionary promises what history keeps: neither may know more than the other."""
    marked = {(kind.name, column.name) for kind in KINDS.values() for column in kind.columns if column.history}

    assert {place for place in marked if place[0] not in ELSEWHERE} == set(KEPT_AS)
    assert {kind for kind, _ in marked} >= set(ELSEWHERE)


def test_where_a_column_goes_is_a_place_that_there_is():
    """Each table, column and measure that is named exists."""
    prefixes = {name.split(".")[0] for name in MEASURES}
    for place, words in KEPT_AS.items():
        for name in re.findall(r"[a-z_]+\.[a-z_0-9*]+", words):
            head, tail = name.split(".")
            if head.startswith("history_"):
                assert tail in metadata.tables[head].columns, (place, name)
            elif tail == "*":
                assert head in prefixes, (place, name)
            else:
                assert name in MEASURES, (place, name)
