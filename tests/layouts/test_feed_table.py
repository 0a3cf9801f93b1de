"""Every feed in full, and what the exchange offers beside what we ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from control_room.model import DATASET, FEED_QUALITY, FeedHealth, Findings, Kind, Table
from layouts.panel import View, list_panels
from layouts.panels.catalogue import build_catalogue, find_path
from layouts.panels.feed_hours import build_feed_hours
from layouts.panels.feed_table import build_feed_table, draw, format_span
from layouts.panels.feeds import build_feeds
from layouts.panels.suppliers import build_suppliers
from layouts.screens.feeds import build_feeds_screen
from tests.layouts.cases import FEEDS, NOW, find_all, view_of, words

GOOD = FeedHealth(
    "buses", "Buses", "Operator", "siri_vm", 10, 30, 90, succeeded_at=NOW - timedelta(seconds=4),
    observed_at=NOW - timedelta(seconds=9), rows=84, latency_ms=123.4,
)  # fmt: skip
BAD = GOOD.changed(
    feed="robots", title="Robots", failures=3, reason="timeout", detail="no answer within 10 s",
    failing_since=NOW - timedelta(seconds=40),
)  # fmt: skip


def with_rows(view: View, kind: Kind, *rows: dict[str, Any]) -> View:
    names = sorted({n for r in rows for n in r})
    table = Table.of(kind, {n: [r.get(n) for r in rows] for n in names})
    return replace(view, snapshot=replace(view.snapshot, tables=MappingProxyType({**view.snapshot.tables, kind.name: table})))  # fmt: skip


def test_what_is_wrong_stands_first_with_its_reason_and_detail():
    """Mark, word, reason, tries, detail, uncut."""
    table = build_feed_table(view_of(healths=(GOOD, BAD)))
    text = words(table)

    assert text.index("Robots") < text.index("Buses")
    assert "2 feeds, 1 of them fresh" in text
    assert "failing no answer in time · 3 polls failed since no answer within 10 s" in text
    assert find_all(table, "symbol-failing") and find_all(table, "symbol-fresh")


def test_rejects_and_warnings_are_listed_by_reason_with_the_first_bad_value():
    """Commonest first; none is said in a word."""
    health = GOOD.changed(rejects={"no_id": 2, "position_zero": 1_500}, offending={"no_id": "empty"})
    text = words(build_feed_table(view_of(healths=(health,))))

    assert "1,500 position zero 2 no id first: empty none" in text


def test_a_feed_that_has_never_answered_shows_dashes_and_not_zeros():
    """Missing is never zero."""
    never = FeedHealth("x", "New feed", "", "siri_vm", 900, 1_000, 2_000)
    text = words(build_feed_table(view_of(healths=(never,))))

    assert "waiting for a first answer — never 15" in text
    assert text.endswith("min — — — — — — — no —") and "1 feed, 0 of them fresh" in text


def test_the_figures_of_hour_and_day_stand_beside_it():
    """A share under a hundred is never rounded up to it; drift is named."""
    row = {
        "feed": "buses", "polls_hour": 360.0, "succeeded_percent_hour": 99.7, "fresh_percent_hour": 100.0,
        "latency_p95_ms_hour": 131.0, "gaps_hour": 2.0, "columns_vanished": "vehicle.speed_kmh",
    }  # fmt: skip
    text = words(build_feed_table(with_rows(view_of(healths=(GOOD,)), FEED_QUALITY, row)))

    assert "99 % answered 100 % of the time fresh 95 % within 130" in text
    assert "2 gaps" in text and "columns gone vehicle.speed_kmh" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "—"), (0.5, "0.5 s"), (2, "2 s"), (90, "90 s"), (900, "15 min"), (3_600, "1 h"), (86_400, "1 d")],
)
def test_spans_are_written_as_people_say_them(seconds, text):
    """The largest unit that divides."""
    assert format_span(seconds).replace("\u202f", " ") == text


def test_offers_nobody_asks_for_stand_first_and_ours_are_found_by_their_path():
    """Host and query do not matter; a feed that no catalogue lists is named."""
    feeds = (
        FEEDS[0].model_copy(update={"url": "http://127.0.0.1:8051/mds/vehicles/status?x=1", "every_s": 60.0}),
        FEEDS[1],
    )
    view = with_rows(
        replace(view_of(), feeds=feeds),
        DATASET,
        {"dataset_key": "a", "title": "A robots", "access_url": "https://x.example/mds/vehicles/status/", "interval_s": 1.0},
        {"dataset_key": "b", "title": "Z weather", "access_url": "https://x.example/weather"},
    )  # fmt: skip
    text = words(build_catalogue(view)).replace("\u202f", " ")

    assert "2 offers, 1 of them asked for." in text
    assert text.index("Z weather") < text.index("A robots")
    assert "Delivery robots, every 1 min (seldomer than it is renewed)" in text
    assert "not asked for" in text and "in no catalogue: Buses." in text


def test_without_a_catalogue_the_panel_says_how_to_get_one():
    """An empty table could also mean that nobody looked."""
    assert "No catalogue has been read." in words(build_catalogue(view_of()))


@pytest.mark.parametrize("address", [None, "", "http://x.example", "http://[broken", "http://x.example/"])
def test_an_address_without_a_path_is_compared_with_nothing(address):
    """Else two bare hosts would be one offer."""
    assert find_path(address) is None


FAULTY = GOOD.changed(
    feed="vans", title="Vans", supplier="Loose Ltd", privacy_since=NOW - timedelta(minutes=5),
    found=Findings({"shoe": 1}, {"driver (a person's field)": 3}, {"ref (number plate)": 2}),
)  # fmt: skip
HOURS = ",".join(["", *["100"] * 21, "62", "97"])
KEPT = {
    "feed": "buses", "polls_day": 100.0, "succeeded_percent_day": 100.0, "fresh_percent_day": 99.0, "watched_s_day": 900.0,
    "rows_day": 90.0, "rejected_day": 10.0, "promised_fresh_percent": 95.0, "promised_valid_percent": 99.0,
    "promised_latency_ms": 2_000.0, "fresh_kept": True, "valid_kept": False, "promise_broken": "validity",
    "fresh_hours": HOURS, "latency_hours": "1000," * 23 + "500",
}  # fmt: skip


def test_personal_data_comes_before_all_else_and_is_told_by_field():
    """Before a failing feed: it must be stopped at its source. Fields, sorts and since when; what is known besides."""
    table = build_feed_table(view_of(healths=(BAD, FAULTY)))
    text = words(table)

    assert text.index("Vans") < text.index("Robots")
    assert "Personal data was found in 1." in text
    assert "fresh personal data found driver (a person's field) · since" in text
    assert "personal data in driver (a person's field) not published, dropped: shoe known and taken away: ref" in text
    assert find_all(table, "is-privacy")


def test_a_fault_that_may_soon_end_says_since_when_answers_are_clean():
    """An hour of clean answers ends it."""
    text = words(build_feed_table(view_of(healths=(FAULTY.changed(privacy_clean_since=NOW),))))

    assert "clean again for" in text


def test_promises_are_told_with_whether_they_were_kept():
    """Kept and broken as words; what cannot be judged yet is not mentioned."""
    text = words(build_feed_table(with_rows(view_of(healths=(GOOD,)), FEED_QUALITY, KEPT)))

    assert "fresh, 95 % promised: kept" in text
    assert "valid, 99 % promised: broken" in text
    assert text.count("promised: ") == 2


def test_hours_are_drawn_and_the_worst_is_said():
    """A letter an hour, a dot where nothing is known; full is a hundred per cent, or for times the promise."""
    table = build_feed_table(with_rows(view_of(healths=(GOOD,)), FEED_QUALITY, KEPT))

    assert [words(spark) for spark in find_all(table, "spark")] == ["·" + "█" * 21 + "▅▇", "▄" * 23 + "▂"]
    assert "fresh ·" in words(table) and "at worst 62 %" in words(table).replace("\u202f", " ")
    assert draw([0.0, 100.0, 250.0, None], 100) == "▁██·"


def test_the_table_of_hours_is_by_the_citys_clock_and_marks_what_is_below_the_promise():
    """Twenty-four columns, the running hour last; 62 of 95 promised is marked by a sign and by words above."""
    table = build_feed_hours(with_rows(view_of(healths=(GOOD, BAD)), FEED_QUALITY, KEPT))
    head = table.children[1].children.children

    assert [words(head[0]), words(head[1]), words(head[-1]), len(head)] == ["Feed", "15h", "14h", 25]
    assert words(table).endswith("Buses — " + "100 " * 21 + "▾62 97")
    assert "No hour has been watched yet." in words(build_feed_hours(view_of(healths=(GOOD,))))


def test_suppliers_stand_with_all_their_feeds_and_the_worst_first():
    """Personal data, then broken promises; shares of all rows together, not means of means."""
    other = {**KEPT, "feed": "vans", "rows_day": 900.0, "rejected_day": 0.0, "promise_broken": None, "valid_kept": True}
    table = build_suppliers(with_rows(view_of(healths=(GOOD, BAD, FAULTY)), FEED_QUALITY, KEPT, other))
    rows = [words(row) for row in table.children[2].children]

    assert rows[0] == "Loose Ltd 1: 1 fresh 100 % 99 % 100 % none found in Vans"
    assert rows[1] == "Operator 2: 1 failing, 1 fresh 100 % 99 % 90 % Buses: validity none found"
    assert "1 supplier." in words(build_suppliers(view_of(healths=(GOOD,))))


def test_the_strip_says_personal_data_before_the_state():
    """Also of a feed that is fresh: it stands first and has room for its words."""
    text = words(build_feeds(view_of(healths=(GOOD, FAULTY))))

    assert text.index("Vans") < text.index("Buses")
    assert "personal data found" in text


def test_the_screen_asks_for_its_tables_and_leaves_them_to_the_channel():
    """The panels are large, so the page comes first and they after it."""
    screen = build_feeds_screen(view_of(healths=(GOOD,)), {"wall_width_m": 0, "wall_distance_m": 0})
    live = screen.children[-1].to_plotly_json()["props"]

    assert live["data-topics"] == "panel:feed_table,panel:suppliers,panel:feed_hours,panel:catalogue"
    assert {"feed_table", "suppliers", "feed_hours", "catalogue"} <= {
        n for n, p in list_panels().items() if p.on_request
    }
    assert "84" not in words(screen)
