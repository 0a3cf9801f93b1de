"""The fleet panel: who is where doing what, and who needs a person."""

from __future__ import annotations

import json
import time
import zlib
from dataclasses import replace
from datetime import timedelta

from plotly.utils import PlotlyJSONEncoder

from layouts.panels.fleet import MOST_ROWS, build_fleet, count_fleets, judge, list_types, rank_attention, shorten
from tests.browser.wall_harness import NOW as HARNESS_NOW
from tests.browser.wall_harness import Fleet, make_view, milton_keynes
from tests.layouts.cases import NOW, find_all, view_of, words


def test_each_kind_is_counted_by_what_it_does():
    """In the city, doing what, not heard from and outside are four different counts."""
    view = view_of(
        "1 robot working 1s", "2 robot working 2s", "3 robot charging 1s", "4 robot idle 700s", "5 robot idle 1s away",
        "6 bus idle 5s", "7 bus working 100s",
    )  # fmt: skip
    table = view.snapshot.tables["vehicle"]

    robots, buses = count_fleets(table, judge(table, view))

    assert (robots.vehicle_type, robots.in_city, robots.not_heard, robots.outside) == ("robot", 3, 1, 1)
    assert dict(robots.states) == {"working": 2, "charging": 1}
    assert (buses.in_city, buses.stale, dict(buses.states)) == (2, 1, {"idle": 1, "working": 1})


def test_a_vehicle_exactly_at_its_limit_is_still_on_the_map():
    """The limit is the last moment that counts, as on the map."""
    view = view_of("1 robot working 600s", "2 robot working 600.001s")
    table = view.snapshot.tables["vehicle"]

    (robots,) = count_fleets(table, judge(table, view))

    assert (robots.in_city, robots.not_heard) == (1, 1)


def test_unknown_time_is_never_fresh():
    """A row without a time is on the map and counted as stale."""
    view = view_of("1 robot working untimed")
    table = view.snapshot.tables["vehicle"]

    (robots,) = count_fleets(table, judge(table, view))

    assert (robots.in_city, robots.stale) == (1, 1)


def test_buses_without_a_trip_are_called_so():
    """An idle bus has no trip; an idle robot is idle."""
    text = words(build_fleet(view_of("1 bus idle 1s", "2 bus working 1s", "3 robot idle 1s")))

    assert "1 no trip" in text
    assert "1 on a trip" in text
    assert "1 idle" in text


def test_attention_is_sorted_by_importance_then_age():
    """Needs help before out of contact before stale before not heard from; the oldest first in each."""
    view = view_of(
        "fine robot working 1s", "silent robot working 900s", "old robot working 200s", "lost robot out_of_contact 5s",
        "stuck robot needs_help 3s", "stuck-longer robot needs_help 30s",
    )  # fmt: skip
    table = view.snapshot.tables["vehicle"]

    labels = [table["label"][row] for _, row in rank_attention(table, judge(table, view))]

    assert labels == ["stuck-longer", "stuck", "lost", "old", "silent"]


def test_help_asked_for_by_a_vehicle_long_silent_is_not_heard_from():
    """What a vehicle said of itself before it fell silent is no longer known."""
    view = view_of("1 robot needs_help 4000s")
    text = words(build_fleet(view))

    assert "1 not heard from" in text
    assert "need help" not in text


def test_the_table_says_why_and_where():
    """A row has label, reason, place and an age that the page counts."""
    panel = build_fleet(view_of("47 robot needs_help 12s because=tipped_over"))

    (table,) = find_all(panel, "attention")
    (seen,) = find_all(table, "age")
    assert "47 needs help: tipped over Central Milton Keynes" in words(table)
    assert seen.to_plotly_json()["props"]["data-since"] == str(int((NOW.timestamp() - 12) * 1000))


def test_more_than_fit_are_counted():
    """The wall shows eight rows and says how many more there are."""
    panel = build_fleet(view_of(*(f"{i} robot needs_help {i}s" for i in range(20))))

    (table,) = find_all(panel, "attention")
    assert len(table.children[2].children) == MOST_ROWS
    assert "Needs attention · 8 of 20" in words(table)


def test_a_calm_city_says_so_in_words():
    """Nothing abnormal is said, not left blank."""
    text = words(build_fleet(view_of("1 robot working 1s")))

    assert "none needs help, all heard from" in text
    assert "Nothing needs attention." in text


def test_no_vehicle_at_all_is_said():
    """Before the first answer the panel says that there is nothing yet, not zero of everything."""
    assert words(build_fleet(view_of())) == "No vehicle in any feed yet."


def test_the_panel_stands_still_while_only_time_passes():
    """The same facts a second later give the same components, byte for byte."""
    view = view_of("1 robot working 1s", "2 robot needs_help 12s", "3 bus working 20s")
    later = replace(view, now=view.now + timedelta(seconds=1))

    assert _json(build_fleet(view)) == _json(build_fleet(later))


def test_it_is_cheap_and_small_at_five_thousand_vehicles():
    """At most 1.2 kB deflated; and well within what one snapshot a second may cost."""
    view = make_view(Fleet(milton_keynes(), 5000))
    build_fleet(view)
    spent = []
    for _ in range(5):
        start = time.thread_time()
        panel = build_fleet(view)
        spent.append(time.thread_time() - start)

    assert len(zlib.compress(_json(panel).encode())) <= 1200
    # The bar is 3 ms; a busy machine gets some grace, an accidental loop over rows in Python does not.
    assert min(spent) < 0.012
    assert view.now == HARNESS_NOW


def test_the_legend_explains_the_kinds_that_the_feeds_can_bring():
    """Robots are explained before the first one has reported."""
    assert list_types(view_of("1 bus idle 1s")) == ("robot", "bus")


def _json(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder)


def test_a_long_name_is_cut_to_its_beginning():
    """A UUID has no room on a wall; a fleet number is never touched."""
    assert shorten("SBX-R105") == "SBX-R105"
    assert shorten("RRTR-2501234") == "RRTR-2501234"
    assert shorten("ed09dc2d-834e-459f-addf-35d3d77f787f") == "ed09dc2d…"
