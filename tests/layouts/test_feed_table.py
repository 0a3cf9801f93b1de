"""Every feed in full, and what the exchange offers beside what we ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from control_room.model import DATASET, FEED_QUALITY, FeedHealth, Kind, Table
from layouts.panel import View, list_panels
from layouts.panels.catalogue import build_catalogue, find_path
from layouts.panels.feed_table import build_feed_table, format_span
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


def test_the_screen_asks_for_both_tables_and_leaves_them_to_the_channel():
    """Both panels are large, so the page comes first and they after it."""
    screen = build_feeds_screen(view_of(healths=(GOOD,)), {"wall_width_m": 0, "wall_distance_m": 0})
    live = screen.children[-1].to_plotly_json()["props"]

    assert live["data-topics"] == "panel:feed_table,panel:suppliers,panel:feed_hours,panel:catalogue"
    assert {"feed_table", "suppliers", "feed_hours", "catalogue"} <= {n for n, p in list_panels().items() if p.on_request}
    assert "84" not in words(screen)
