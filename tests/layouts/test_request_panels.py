"""Panels of service requests: what they say of the council's figure, of targets nobody tells, of clusters, of personal data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from layouts.panels.request_ageing import build_request_ageing
from layouts.panels.request_places import build_request_places
from layouts.panels.requests import MOST_CATEGORIES, build_requests
from tests.layouts.cases import CENTRE, NOW, find_all, words
from tests.layouts.tables import health_of, view_with

HEALTH = health_of("feed", "fresh", "open311", "Reports")
DAY = timedelta(days=1)


def request(**more: Any) -> dict[str, Any]:
    return {"is_open": True, "category": "Missed bin", "requested_at": NOW - timedelta(hours=1), **more}


def view_of(*rows: dict[str, Any], **more: Any):
    return view_with(HEALTH, request=list(rows), **more)


def week(a_day: int = 1) -> list[dict[str, Any]]:
    """Requests of the last nine days, each closed the next day."""
    return [
        request(is_open=False, requested_at=NOW - d * DAY, updated_at=NOW - (d - 1) * DAY, locality="Bleak Hall")
        for d in range(1, 10)
        for _ in range(a_day)
    ]


def test_the_headline_says_open_late_new_and_closed():
    """Four figures, each with what it counts."""
    panel = build_requests(
        view_of(request(expected_at=NOW - DAY), request(expected_at=NOW + DAY), request(is_open=False, updated_at=NOW))
    )

    figures = [words(f) for f in find_all(panel, "key-figure")]
    assert figures == ["2 open", "1 over target of those open", "3 new today", "1 closed today"]


def test_what_is_late_has_a_shape_and_calm_has_none():
    """Colour and shape are for what is abnormal."""
    late = build_requests(view_of(request(expected_at=NOW - DAY)))
    calm = build_requests(view_of(request(expected_at=NOW + DAY)))

    assert len(find_all(late, "symbol-alarm-high-acked")) == 1
    assert find_all(calm, "symbol-alarm-high-acked") == []
    assert find_all(calm, "tone-alarm") == []


def test_a_source_without_targets_is_not_on_time():
    """Nobody said by when: a dash and the reason, not nought over target."""
    text = words(build_requests(view_of(request(), request())))

    assert "— over target no source tells a target" in text


def test_the_share_online_stands_against_the_councils_figure_with_year_and_source():
    """The figure is the council's own of 2024 and says so; today's share is of those whose channel is told."""
    rows = [request(channel=c) for c in ("online", "online", "online", "phone", None)]
    text = words(build_requests(view_of(*rows)))

    assert "75\u202f% of 4 whose channel is told; of 1 it is not" in text
    assert "council's figure: 80\u202f%" in text
    assert "Council strategy" in text
    assert "2024" in text


def test_without_a_channel_there_is_no_share():
    """A dash and the reason; the council's figure still stands, without a dot against it."""
    panel = build_requests(view_of(request()))

    assert "— no source tells the channel" in words(panel)
    assert find_all(panel, "against-dot") == []
    assert len(find_all(panel, "against-mark")) == 1


def test_another_city_has_no_figure_of_this_one():
    """A city whose folder has no such figure shows none."""
    view = view_of(request(channel="online"))
    elsewhere = replace(view, city=replace(view.city, figures={}))

    assert "council's figure" not in words(build_requests(elsewhere))


def test_more_categories_than_fit_are_summed():
    """The most open first; the others are one line with their sum."""
    rows = [request(category=f"Category {i}") for i in range(9) for _ in range(20 - i)]
    text = words(build_requests(view_of(*rows)))

    assert "Category 0 20" in text
    assert f"{9 - MOST_CATEGORIES} others {14 + 13 + 12}" in text


def test_ages_say_how_many_wait_since_when():
    """Buckets in words, from under a day to over four weeks."""
    text = words(build_request_ageing(view_of(request(), request(requested_at=NOW - 40 * DAY))))

    assert "2 open requests by age" in text
    assert "under a day 1" in text
    assert "over 4 weeks 1" in text


def test_a_backlog_says_since_when_all_is_listed():
    """The window of the feeds is told, and the running day is not drawn as if it were over."""
    panel = build_request_ageing(view_of(*week(), request()))
    text = words(panel)

    assert "The feeds list every request since Thu 14 Nov" in text
    assert "Backlog: as many open as last midnight" in text
    assert "today so far" in text
    assert find_all(panel, "tone-hatched")


def test_a_feed_of_open_requests_only_has_no_trend():
    """Then a backlog could only seem to grow."""
    assert "earlier days are not known" in words(build_request_ageing(view_of(request())))


def test_a_cluster_says_where_what_how_many_and_what_is_usual():
    """And its method stands beneath."""
    latitude, longitude = CENTRE
    here = {"latitude": latitude, "longitude": longitude, "locality": "Bleak Hall"}
    rows = [{**row, **here} for row in week()] + [request(**here) for _ in range(12)]

    text = words(build_request_places(view_of(*rows)))

    assert "1 cluster today" in text
    assert "Bleak Hall Missed bin 12 1.0 (mean of 7 days)" in text
    assert "1 in 10,000" in text


def test_no_cluster_is_said_only_while_the_feed_is_heard():
    """None today would be a claim that nobody can make from an old answer."""
    rows = week()
    heard, silent = view_of(*rows), view_with(health_of("feed", "failing", "open311"), request=rows)

    assert "None: no place has more requests" in words(build_request_places(heard))
    assert "Not known: nothing new is heard" in words(build_request_places(silent))


def test_too_short_a_past_is_said():
    """Two days are no usual."""
    assert "Not judged: it takes 3 whole days" in words(build_request_places(view_of(request())))


def test_a_resident_is_never_on_a_wall():
    """Neither the number of a request nor its place on the map is on any panel of requests."""
    rows = [*week(), request(request_id="SR-4711", latitude=52.0412345, longitude=-0.7612345, category_code="BIN")]
    view = view_of(*rows)

    for build in (build_requests, build_request_ageing, build_request_places):
        text = str(build(view).to_plotly_json())
        assert "SR-4711" not in text
        assert "52.04" not in text
