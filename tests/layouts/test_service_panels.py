"""Digital services and recycling centres: the worst first, shares of what is known, slots of the city's own day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from layouts.panels.recycling import build_recycling, count_online, count_sites
from layouts.panels.services import MOST_ROWS, build_services, rank_services
from tests.layouts.cases import NOW, find_all, words
from tests.layouts.tables import health_of, table_of, view_with

SERVICES = health_of("feed", "fresh", "services_kpi", "Services")
SLOTS = health_of("feed", "fresh", "bookings", "Slots")


def service(name: str, state: str | None = "up", **more: Any) -> dict[str, Any]:
    return {"title": name, "service_type": "integration", "state": state, "transactions": 10, "failures": 0, **more}


def services(*rows: dict[str, Any], state: str = "fresh") -> str:
    return words(build_services(view_with(health_of("feed", state, "services_kpi", "Services"), service=list(rows))))


def test_the_worst_service_stands_first():
    """Failing before degraded before not known; among equals the one that failed most people."""
    table = table_of(
        "service",
        [
            service("well"),
            service("unclear", None),
            service("slow", "degraded", failures=9),
            service("bad", "failing", failures=2),
            service("worse", "failing", failures=40),
            service("untold", "failing", failures=None),
        ],
    )

    assert [table["title"][row] for row in rank_services(table)] == ["worse", "bad", "untold", "slow", "unclear"]


def test_a_failing_integration_says_what_failed_of_how_much():
    """Transactions and failures, with the share, and how long an answer takes."""
    text = services(service("CRM to Mail", "failing", transactions=40, failures=10, response_ms=1500))

    assert "CRM to Mail integration failing 10 of 40 (25\u202f%) 1,500\u202fms" in text
    assert "1 integration 1 failing" in text


def test_without_a_transaction_there_is_no_share():
    """Nought of nought is no per cent."""
    text = services(service("A", "failing", transactions=0, failures=0))

    assert "failing 0 of 0" in text
    assert "%" not in text


def test_counts_that_some_do_not_tell_say_so():
    """A sum of those that tell must not look like a sum of all."""
    text = services(service("A", transactions=100, failures=3), service("B", transactions=None, failures=None))

    assert "3 transactions failed of 100 in their last period, 1 tell none" in text


def test_all_well_is_said_and_only_when_it_is_known():
    """When the feed is silent, all that can be said is how they were."""
    assert "Every service that is known is up." in services(service("A"))
    assert "how they stand now is not known" in services(service("A"), state="failing")


def test_a_state_not_told_is_not_up():
    """It is listed, and counted as not known."""
    text = services(service("A", None), service("B"))

    assert "1 not known" in text
    assert "Not well: 1" in text


def test_more_than_fit_are_counted():
    """The panel shows so many rows and says of how many."""
    view = view_with(SERVICES, service=[service(f"S{i}", "failing") for i in range(20)])
    (table,) = find_all(build_services(view), "facts")

    assert len(table.children[2].children) == MOST_ROWS
    assert f"Not well: {MOST_ROWS} of 20" in words(table)


def slot(begins_h: float, site: str = "Bleak Hall", **more: Any) -> dict[str, Any]:
    """A slot of half an hour that begins so many hours from now; 30 places, 12 of them booked, 9 online."""
    begin = NOW + timedelta(hours=begins_h)
    more = {"capacity": 30, "booked": 12, "booked_online": 9, **more}
    return {"site": site, "slot_from": begin, "slot_until": begin + timedelta(minutes=30), **more}


def test_a_centres_day_is_counted():
    """Booked of all places; came, of those due by now; the slot that runs; those to come, and the full ones."""
    view = view_with(
        SLOTS,
        booking=[
            slot(-2, arrivals=10, no_shows=2),
            slot(-0.25, arrivals=3, no_shows=0),
            slot(1),
            slot(2, booked=30),
        ],
    )

    (site,) = count_sites(view.snapshot.tables["booking"], view)

    assert (site.booked, site.capacity, site.due, site.arrivals, site.no_shows) == (66, 120, 24, 13, 2)
    assert (site.coming, site.full, site.running) == (2, 1, (12, 30, 3))
    text = words(build_recycling(view))
    assert "Bleak Hall 2 slots to come, 1 full 66 of 120 12 of 30 booked 3 came 13 of 24 2 did not" in text


def test_slots_of_other_days_are_not_of_today():
    """Tomorrow's slots are listed by the feed and are no part of today's figures."""
    view = view_with(SLOTS, booking=[slot(1), slot(24), slot(-24)])

    (site,) = count_sites(view.snapshot.tables["booking"], view)

    assert site.capacity == 30
    assert "No slot today" in words(build_recycling(view_with(SLOTS, booking=[slot(24)])))


def test_today_begins_at_the_citys_midnight():
    """In July a slot at 23:30 UTC is of the next day in London."""
    now = datetime(2024, 7, 3, 9, 0, tzinfo=UTC)
    begins = datetime(2024, 7, 3, 23, 30, tzinfo=UTC)
    view = replace(view_with(SLOTS, booking=[{**slot(0), "slot_from": begins}]), now=now)

    assert count_sites(view.snapshot.tables["booking"], view) == []


def test_counts_that_nobody_sent_are_not_nought():
    """A site that counts no arrivals has a dash there."""
    text = words(build_recycling(view_with(SLOTS, booking=[slot(-2, booked=None, booked_online=None)])))

    assert "— of 30" in text
    assert "none due yet" in text
    assert "no slot tells how it was booked" in text


def test_the_share_online_is_of_slots_that_tell_both():
    """A slot that does not say how it was booked is in neither number; the council's 90 % stands beside it."""
    view = view_with(SLOTS, booking=[slot(1), slot(2, booked_online=None), slot(3, booked=8, booked_online=8)])

    online = count_online(view.snapshot.tables["booking"], view)

    assert (online.online, online.told, online.percent) == (17, 20, 85)
    text = words(build_recycling(view))
    assert "85\u202f% of 20 bookings today" in text
    assert "council's figure: 90\u202f%" in text
