"""The table behind the map."""

from __future__ import annotations

from layouts.panel import list_panels
from layouts.panels.places import ELSEWHERE, build_places, count_places
from tests.layouts.cases import find_all, view_of, words


def test_the_table_counts_what_the_map_shows():
    """Vehicles on the map by place; what left the map or the city is not in it."""
    places = count_places(
        view_of(
            "1 robot working 1s", "2 robot needs_help 1s", "3 bus idle 200s", "4 bus idle 2000s", "5 bus idle 1s away"
        )
    )

    assert {p: dict(c) for p, c in places.items()} == {
        "Central Milton Keynes": {"robot": 2, "help": 1, "bus": 1, "stale": 1}
    }


def test_every_cell_has_a_header():
    """Screen readers say place and kind with each count."""
    (table,) = find_all([build_places(view_of("1 robot working 1s"))], "places")
    caption, head, body = table.children

    assert words(caption) == "Vehicles on the map, by the nearest named place"
    assert [h.scope for h in head.children.children] == ["col"] * 5
    assert words(head) == "Place Robots Buses Need help Stale"
    assert words(body) == "Central Milton Keynes 1 0 0 0"
    assert body.children[0].children[0].scope == "row"


def test_it_is_only_built_for_screens_that_ask():
    """The table is large, so the panel is marked as built on request; the wall's own panels are not."""
    panels = list_panels()

    large = {name for name, panel in panels.items() if panel.on_request}

    assert {"places", "vehicles", "feed_table"} <= large
    assert not large & {"fleet", "feeds"}
    assert ELSEWHERE not in count_places(view_of("1 robot working 1s"))
