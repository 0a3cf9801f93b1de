"""The alarm panels: order, counts, words, what is put aside, and what they cost."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from plotly.utils import PlotlyJSONEncoder

from control_room.model import ALARM, AlarmWatch, Table
from control_room.publish import to_json
from layouts.panel import View
from layouts.panels.alarm_call import MOST_OF_EACH, build_alarm_call
from layouts.panels.alarm_list import MOST_ROWS as MOST_LISTED
from layouts.panels.alarm_list import build_alarm_list
from layouts.panels.alarms import MOST_ROWS, build_alarms
from layouts.parts.alarm import PRIORITIES, STATE_WORDS, rank, shape_of
from layouts.parts.symbol import PICTURES
from tests.browser.alarm_cases import alarm_row, alarm_table, table_of
from tests.layouts.cases import NOW, find_all, view_of, words

WATCH = AlarmWatch(34)


def view_with(*rows: Mapping[str, Any], watch: AlarmWatch | None = WATCH, table: Table | None = None) -> View:
    """A view of these alarms."""
    view = view_of()
    alarms = table if table is not None else table_of(*(dict(r) for r in rows))
    tables = MappingProxyType({**view.snapshot.tables, "alarm": alarms})
    return replace(view, snapshot=replace(view.snapshot, tables=tables, watch=watch))


def alarm(label: str, **more: Any) -> dict[str, Any]:
    """An alarm called by its label, which is its key as well."""
    return alarm_row(0, NOW, **{"alarm_key": label, "title": label, **more})


def titles(view: View) -> list[str]:
    return [words(p.children[0]) for p in find_all(build_alarms(view), "alarm-title")]


def test_most_urgent_first_then_by_state_then_the_newest() -> None:
    """Priority decides, then who has been answered for, then time; an unknown time counts as the oldest."""

    def at(seconds: float) -> Any:
        return NOW - timedelta(seconds=seconds)

    view = view_with(
        alarm("low", priority="low", raised_at=at(1)),
        alarm("high, older", priority="high", raised_at=at(50)),
        alarm("high, time unknown", priority="high", raised_at=None),
        alarm("high, newer", priority="high", raised_at=at(5)),
        alarm("high, acknowledged", priority="high", state="acknowledged", raised_at=at(2)),
        alarm("high, back", priority="high", state="returned", raised_at=at(2)),
        alarm("highest, answered for", priority="highest", state="latched", raised_at=at(900)),
    )

    assert titles(view) == [
        "highest, answered for", "high, newer", "high, older", "high, time unknown", "high, back", "high, acknowledged", "low",
    ]  # fmt: skip


def test_a_row_says_everything_in_words() -> None:
    """Priority, state, who handles it, what is folded, that data is lacking, where: none of it by colour alone."""
    view = view_with(
        alarm("Cell MK-17 is down", priority="highest", assigned_to="Anna", locality="Wolverton", no_data_since=NOW),
        alarm("Robot 1", folded_under="Cell MK-17 is down"),
        alarm("Robot 2", folded_under="Cell MK-17 is down"),
    )
    (item,) = find_all(build_alarms(view), "alarm")

    text = words(item)
    assert "highest · not acknowledged · and 2 like it · Anna is handling this · no data for" in text
    assert "Wolverton" in text
    assert find_all(item, "symbol-alarm-highest-on")


def test_folded_alarms_are_counted_but_do_not_stand_alone() -> None:
    """The counts are of alarms, the rows of what an operator deals with."""
    view = view_with(alarm("first"), *(alarm(f"more {i}", folded_under="first") for i in range(5)))

    assert titles(view) == ["first"]
    assert "6 low" in words(find_all(build_alarms(view), "alarm-counts")[0])


@pytest.mark.parametrize("first", [None, "shelved", "normal"])
def test_what_is_folded_under_an_alarm_that_is_not_listed_is_listed_itself(first: str | None) -> None:
    """Whoever shelves the first of a flood, or where it is gone, does not hide the rest."""
    rows = [alarm("first", state=first)] if first else []

    assert titles(view_with(*rows, alarm("other", folded_under="first"))) == ["other"]


def test_what_is_put_aside_is_counted_and_not_listed() -> None:
    """Shelved, suppressed and out of service stand in one line; normal alarms nowhere."""
    states = ("shelved", "shelved", "suppressed", "out_of_service", "normal", "unacknowledged")
    view = view_with(*(alarm(f"{i} {s}", state=s) for i, s in enumerate(states)))

    assert titles(view) == ["5 unacknowledged"]
    assert words(find_all(build_alarms(view), "alarms-aside")[0]) == (
        "Put aside: 2 shelved · 1 suppressed · 1 out of service"
    )


def test_more_than_fit_are_counted_for_every_size_of_screen() -> None:
    """Eight rows of a hundred; each size of screen has its own true number of those that are left."""
    panel = build_alarms(view_with(*(alarm(f"a{i}") for i in range(100))))

    assert len(find_all(panel, "alarm")) == MOST_ROWS == 8
    assert [words(p) for p in find_all(panel, "alarms-more")] == [
        "and 92 more",
        "and 94 more",
        "and 97 more",
        "and 99 more",
    ]


def test_no_alarm_is_good_news_only_while_rules_watch() -> None:
    """Three different sentences: all calm, no rule at all, no alarm system at work."""
    assert words(build_alarms(view_with())) == "No alarms. 34 rules watch."
    assert words(build_alarms(view_with(watch=AlarmWatch(1)))) == "No alarms. 1 rule watches."
    assert "nothing would raise an alarm" in words(build_alarms(view_with(watch=AlarmWatch(0))))
    assert (
        words(build_alarms(view_with(watch=None))) == "No alarm system is at work: nothing here would raise an alarm."
    )


def test_faults_of_the_alarm_system_stand_before_everything() -> None:
    """The first in words, the others counted; the alarms go on being shown."""
    faults = ("The journal cannot be written: the disk is full.", "robots.yaml:7 cannot be read.")
    view = view_with(alarm("Robot"), watch=AlarmWatch(3, faults))
    text = words(build_alarms(view))

    assert text.startswith(f"{faults[0]} And 1 more.")
    assert titles(view) == ["Robot"]


def test_a_long_text_of_a_supplier_is_cut() -> None:
    """A page where a name belongs does not become the panel."""
    (title,) = titles(view_with(alarm("x" * 5000)))

    assert len(title) == 140


def test_every_priority_and_state_has_a_shape_and_words_of_its_own() -> None:
    """Readable in greyscale: no two of a priority share a picture unless both are put aside."""
    states = ALARM.by_name["state"].values
    assert set(STATE_WORDS) == set(states)
    seen = {
        PICTURES[shape_of(p, s)]
        for p in PRIORITIES
        for s in ("unacknowledged", "acknowledged", "returned", "latched", "shelved")
    }

    assert len(seen) == 5 * len(PRIORITIES)


def test_the_panel_stands_still_while_only_time_passes() -> None:
    """The same alarms a minute later give the same bytes; ages are counted by the page."""
    view = view_with(table=alarm_table(40, NOW))
    later = replace(view, now=view.now + timedelta(seconds=60))

    assert _bytes(build_alarms(view)) == _bytes(build_alarms(later))
    assert build_alarm_list(view) == build_alarm_list(later)
    assert build_alarm_call(view) == build_alarm_call(later)


def test_rows_have_keys_by_which_the_page_keeps_them() -> None:
    """A row that moves is the same node, not another text in its place."""
    items = find_all(build_alarms(view_with(alarm("a"), alarm("b"))), "alarm")

    assert [i.to_plotly_json()["props"]["data-key"] for i in items] == ["a", "b"]


def test_the_call_names_the_newest_that_nobody_answered_for() -> None:
    """Unacknowledged and returned ones, newest first in each priority; folded ones as well; acknowledged and put aside are not called."""

    def at(seconds: float) -> Any:
        return NOW - timedelta(seconds=seconds)

    call = build_alarm_call(
        view_with(
            alarm("new", priority="highest", raised_at=at(1)),
            alarm("back", priority="highest", state="returned", raised_at=at(3)),
            alarm("old", priority="highest", raised_at=at(9)),
            alarm("seen", priority="highest", state="acknowledged"),
            alarm("aside", priority="high", state="shelved"),
            alarm("folded", priority="low", folded_under="new", raised_at=at(5)),
        )
    )

    assert [c["key"] for c in call["calls"]] == ["new", "back", "old", "folded"]
    assert call["counts"] == {"highest": 3, "high": 0, "medium": 0, "low": 1}
    assert call["calls"][0]["raised_at"] == (NOW.timestamp() - 1) * 1000
    assert call["cut"] == []


def test_a_flood_of_calls_is_cut_and_says_so() -> None:
    """Twelve of a priority are named; the count stays true."""
    call = build_alarm_call(
        view_with(*(alarm(f"a{i}", priority="high", raised_at=NOW - timedelta(seconds=i)) for i in range(50)))
    )

    assert [c["key"] for c in call["calls"]] == [f"a{i}" for i in range(MOST_OF_EACH)]
    assert (call["cut"], call["counts"]["high"]) == (["high"], 50)


def test_the_desk_gets_every_fact_and_each_guidance_once() -> None:
    """Rows without what is unknown; the rule's texts stand apart, another text under the same rule under another name."""
    view = view_with(
        alarm("a", rule="r", comment="on my way"),
        alarm("b", rule="r"),
        alarm("c", rule="r", action="Call somebody else entirely."),
    )
    said = build_alarm_list(view)
    a, b, c = said["rows"]

    assert (a["guide"], b["guide"], c["guide"]) == ("r", "r", "r 2")
    assert said["guides"]["r 2"]["action"] == "Call somebody else entirely."
    assert set(said["guides"]["r"]) == {"cause", "consequence", "action", "owner"}
    assert a["comment"] == "on my way"
    assert "comment" not in b
    assert "cause" not in a


def test_the_desk_counts_what_it_leaves_out() -> None:
    """The most urgent are listed, then what is folded, then what is put aside; the rest is a number."""
    view = view_with(
        *(alarm(f"a{i}") for i in range(500)), *(alarm(f"s{i}", state="shelved") for i in range(150)),
        *(alarm(f"f{i}", folded_under="a0", raised_at=NOW - timedelta(days=1)) for i in range(7)),
    )  # fmt: skip
    said = build_alarm_list(view)

    assert said["left_out"] == {"listed": 500 - MOST_LISTED, "folded": 0, "aside": 50}
    assert said["rows"][0]["alarm_key"] == "a0"
    assert said["rows"][0]["folded"] == 7
    assert said["under"] == {"a0": [f"f{i}" for i in range(7)]}
    assert said["counts"]["low"] == 507
    assert said["aside"] == {"shelved": 150, "suppressed": 0, "out_of_service": 0}


@pytest.mark.parametrize("build", [build_alarms, build_alarm_call, build_alarm_list], ids=lambda b: b.__name__)
def test_ten_thousand_alarms_are_cheap(build: Any) -> None:
    """The bar is 3 ms for the wall's panel; a busy machine gets some grace, a loop of components over rows does not."""
    tables = [alarm_table(10_000, NOW, seed) for seed in (1, 2, 3)]
    build(view_with(table=alarm_table(100, NOW)))
    spent = []
    for table in tables:  # each a new one, or the ranking would be remembered
        view = view_with(table=table)
        start = time.thread_time()
        build(view)
        spent.append(time.thread_time() - start)

    assert min(spent) < 0.012


def test_the_wall_s_panel_is_small() -> None:
    """At most 1.2 kB deflated in a usual hour."""
    assert len(zlib.compress(_bytes(build_alarms(view_with(table=alarm_table(30, NOW)))))) <= 1200


def test_ranking_the_same_table_again_is_free_and_another_one_is_not_mistaken_for_it() -> None:
    """The answer is kept for one table, by identity."""
    first, second = table_of(alarm("a")), table_of(alarm("a", state="shelved"))

    assert rank(first) is rank(first)
    assert len(rank(second).rows) == 0
    assert len(rank(first).rows) == 1


def _bytes(component: Any) -> bytes:
    assert to_json(component)
    return json.dumps(component, cls=PlotlyJSONEncoder).encode()
