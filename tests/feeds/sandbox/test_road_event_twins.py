"""Roads, events and the catalogue of the simulated city: the same story by every door, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from control_room.model import Batch
from feeds.feed import Feed, get_adapter
from feeds.sandbox.happenings import ROADS, list_closures, list_gatherings, metres
from feeds.sandbox.twins import list_twins
from feeds.sandbox.twins.streetmanager import GRID_M

# Noon of a day on which three works are on, one of them closing its road.
BUSY = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def read(sandbox: Any, path: str, adapter: str, at: datetime) -> Batch:
    sandbox.clock.moment = at
    answer = sandbox.get(path)
    assert answer.status_code == 200
    found = get_adapter(adapter)
    assert found.looks_like(answer.content)
    (batch,) = found.observe([found.decode(answer.content)], Feed(name="t", adapter=adapter, url="http://x/"), at)
    return batch


@pytest.mark.parametrize("days", range(0, 28, 7))
@pytest.mark.parametrize(
    ("path", "adapter"),
    [
        ("/roads/streetmanager", "street_manager"),
        ("/roads/datex2", "datex2"),
        ("/events.ics", "events"),
        ("/events.json", "events"),
        ("/catalogue.jsonld", "dcat"),
    ],
)
def test_every_answer_passes_its_adapter_without_a_reject(sandbox, path, adapter, days):
    """Four weeks of mornings, each with rows."""
    batch = read(sandbox, path, adapter, BUSY + timedelta(days=days))

    assert batch.rejects == {}
    assert set(batch.warnings) <= {"superseded"}
    assert len(batch.table) > 0


def test_works_stand_where_the_city_closes_its_roads(sandbox, city):
    """Through the British grid and back, to a few metres; on exactly while the closure lasts, by both standards."""
    closures = list_closures(city.seed, int(BUSY.timestamp()), days_before=0, days_after=0)
    on = {c.number: c for c in closures if c.starts_s <= BUSY.timestamp() < c.ends_s}
    assert on
    notices = {r["disruption_id"]: r for r in read(sandbox, "/roads/streetmanager", "street_manager", BUSY).table.to_records()}  # fmt: skip
    situations = {r["disruption_id"]: r for r in read(sandbox, "/roads/datex2", "datex2", BUSY).table.to_records()}

    assert {k for k, r in notices.items() if r["is_active"]} == {f"SANDBOX{n:08d}-01" for n in on}
    for number, closure in on.items():
        notice, situation = notices[f"SANDBOX{number:08d}-01"], situations[f"SANDBOX-{number}-1"]
        for row in (notice, situation):
            assert metres(row["latitude"], row["longitude"], closure.latitude, closure.longitude) < 6
        assert situation["is_active"] is True
        assert (notice["effect"] == "road_closure") == closure.full == (f"SANDBOX-{number}-2" in situations)


def test_every_road_of_the_happenings_has_its_place_on_the_grid():
    """A road added to the happenings needs one here."""
    assert set(GRID_M) == {road for road, _, _ in ROADS}


def test_calendar_and_schema_org_tell_of_the_same_gatherings(sandbox, city):
    """Titles, times, places and people agree with the one city."""
    told = [
        [(r["title"], r["starts_at"], r["venue"], r["expected_people"]) for r in read(sandbox, p, "events", BUSY).table.to_records()]
        for p in ("/events.ics", "/events.json")
    ]  # fmt: skip
    planned = list_gatherings(city.seed, int(BUSY.timestamp()))

    assert told[0] == told[1]
    assert [people for *_, people in told[0]] == [g.people for g in planned]
    assert all("SANDBOX" in title for title, *_ in told[0])


def test_calendar_lines_are_folded_as_the_standard_asks(sandbox):
    """At most 75 octets a line, ended by CRLF."""
    lines = sandbox.get("/events.ics").content.split(b"\r\n")
    assert max(map(len, lines)) <= 75 and b"\n" not in b"".join(lines)


def test_the_catalogue_lists_every_offer_of_every_twin(sandbox):
    """And each address in it answers, unless it asks for credentials or parameters first."""
    rows = read(sandbox, "/catalogue.jsonld", "dcat", BUSY).table.to_records()
    listed = {urlsplit(r["access_url"]).path for r in rows}

    assert {o.path for t in list_twins() for o in t.offers if "{" not in o.path} <= listed
    assert all(sandbox.get(path).status_code != 404 for path in listed)
    assert all(r["licence"] and "SANDBOX" in r["publisher"] for r in rows)


@pytest.mark.parametrize("path", ["/roads/streetmanager", "/roads/datex2", "/events.ics", "/catalogue.jsonld"])
def test_the_same_moment_gives_the_same_bytes(sandbox, path):
    """A restart tells the same story."""
    sandbox.clock.moment = BUSY
    assert sandbox.get(path).content == sandbox.get(path).content
