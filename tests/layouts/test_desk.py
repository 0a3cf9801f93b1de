"""The desk's regions, the panels a person may choose, and the card of any one row."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import orjson
import pytest
from dash.development.base_component import Component

from control_room.desk_detail import QueryError, decode_query, serve
from control_room.model import CELL, CELL_SITE, Table
from layouts.panel import list_panels
from layouts.parts.control import build_skeleton
from layouts.parts.row_card import build_row_card, find_place, find_row, format_column
from layouts.screens.desk import BOUNDARIES, NOT_CHOSEN, REGIONS, USUAL_PANELS, build_desk, list_choosable
from layouts.screens.desk_detail import build_detail
from tests.layouts.cases import NOW, find_all, view_of, words


def with_cells(view):
    cells = Table.of(
        CELL,
        {
            "cell_key": ["pm:MK-17", "pm:MK-18"],
            "cell_id": ["MK-17", "MK-18"],
            "feed": ["buses", "buses"],
            "observed_at": [NOW - timedelta(seconds=4), NOW],
            "availability_percent": [99.5, None],
        },
    )
    sites = Table.of(
        CELL_SITE,
        {"cell_key": ["inv:MK-17"], "cell_id": ["MK-17"], "latitude": [52.04], "longitude": [-0.75], "feed": ["buses"]},
    )
    tables = MappingProxyType({**view.snapshot.tables, "cell": cells, "cell_site": sites})
    return replace(view, snapshot=replace(view.snapshot, tables=tables))


def test_every_panel_that_can_be_chosen_is_made_of_components():
    """A panel of plain data is for a script: in a frame of the desk it would stay empty."""
    view = view_of("47 robot working 3s", "9 bus idle 200s")
    made = {name: panel.build(view) for name, panel in list_panels().items()}
    plain = {name for name, content in made.items() if not isinstance(content, Component)}
    choosable = {name for name, _ in list_choosable()}

    assert plain <= NOT_CHOSEN
    assert choosable == set(made) - NOT_CHOSEN
    assert choosable


def test_the_usual_panels_are_eight_and_can_be_chosen():
    """What a new person sees first is what the benchmark measures."""
    assert len(USUAL_PANELS) == 8
    assert set(USUAL_PANELS) <= {name for name, _ in list_choosable()}


def test_each_region_says_its_key_and_each_boundary_what_it_parts():
    """In the order of the screen; boundaries name the region that they measure and say where they stand."""
    desk = build_desk(view_of("47 robot working 3s"), {}, {})
    titles = [words(part.children[0]) for part in find_all(desk, "work-title")]
    boundaries = find_all(desk, "work-boundary")

    assert titles == [f"{key} {title}" for name, (title, key) in REGIONS.items() if name != "time"]
    assert [b.role for b in boundaries] == ["separator"] * len(BOUNDARIES)
    assert [getattr(b, "aria-valuenow") for b in boundaries] == [f"{at:g}" for _, _, at in BOUNDARIES.values()]
    assert json.loads(getattr(find_all(desk, "work")[0], "data-usual"))["panels"] == list(USUAL_PANELS)


def test_a_row_s_card_has_units_ages_and_says_what_nobody_told():
    """A figure with its unit, the age by the limits of its feed; what is missing is named and is no 0."""
    view = with_cells(view_of("47 robot working 3s"))
    first, second = build_row_card(view, "cell", "MK-17"), build_row_card(view, "cell", "pm:MK-18")

    assert "MK-17" in words(first)
    assert "Availability" in words(first)
    assert "%" in words(first)
    assert find_all(first, "age")
    assert "Not told: " in words(second)
    assert "Availability" in words(find_all(second, "panel-note")[0])
    assert "Availability" not in words(find_all(second, "card-facts")[0])


@pytest.mark.parametrize(
    ("kind", "key"), [("cell", "MK-99"), ("nothing", "1"), ("cell", "<script>alert(1)</script>" * 40)]
)
def test_what_is_not_there_is_said_and_no_card_is_made_up(kind, key):
    """In few words, whatever was asked for."""
    card = build_row_card(with_cells(view_of()), kind, key)

    assert find_all(card, "card-facts") == []
    assert 0 < len(words(card)) < 200


def test_a_row_is_found_by_key_and_by_its_supplier_s_name():
    """Of neither, none."""
    table = with_cells(view_of()).snapshot.tables["cell"]

    assert (find_row(table, "pm:MK-18"), find_row(table, "MK-17"), find_row(table, "x")) == (1, 0, None)


def test_a_detail_knows_where_its_thing_is():
    """As data of its element, for the map; a row without a place has none."""
    view = with_cells(view_of("47 robot working 3s"))
    site, cell = build_detail(view, "cell_site", "MK-17"), build_detail(view, "cell", "MK-17")
    robot, nobody = build_detail(view, "vehicle", "47"), build_detail(view, "vehicle", "48")

    assert getattr(site, "data-latitude") == "52.040000"
    assert not hasattr(cell, "data-latitude")
    assert getattr(robot, "data-key") == "robot:47"
    assert getattr(robot, "data-known") == "yes"
    assert getattr(nobody, "data-known") == "no"
    assert find_place(view.snapshot.tables["cell"], 0) is None


def test_names_of_columns_are_words_without_their_unit():
    """The unit stands beside the figure."""
    assert format_column(CELL.by_name["availability_percent"]) == "Availability"


def test_a_skeleton_says_one_word_to_those_who_listen():
    """And as many still lines as asked for to those who see."""
    made = build_skeleton(5)

    assert words(made) == "On its way."
    assert len(find_all(made, "skeleton-line")) == 5


@pytest.mark.parametrize(
    "query",
    [b"", b"kind=cell", b"kind=&key=1", b"kind=cell&key=1&more=2", b"key=1&kind=%ff", b"kind=c&key=" + b"x" * 500],
)
def test_a_query_that_names_no_thing_is_refused(query):
    """With what is taken."""
    with pytest.raises(QueryError):
        decode_query(query)


def test_a_card_is_answered_as_json_and_a_wrong_query_with_words():
    """200 with a component; 400 in plain words."""
    answers = []

    async def send(message):
        answers.append(message)

    for query in (b"kind=cell&key=MK-17", b"nothing"):
        asyncio.run(serve({"query_string": query}, send, lambda: with_cells(view_of())))

    assert [a["status"] for a in answers[::2]] == [200, 400]
    assert orjson.loads(answers[1]["body"])["type"] == "Div"
    assert b"kind=vehicle&key=" in answers[3]["body"]
