"""Reports, recycling slots, digital services and crime: the twins' answers through the team's own adapters."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml

from control_room.clock import FixedClock
from control_room.model import Batch
from feeds.feed import Feed, get_adapter, read_feed_file
from feeds.fetch import Fetcher
from feeds.poller import read_pages
from feeds.sandbox.city import City, View
from feeds.sandbox.twins import Asked, Refusal, digital_services, police, recycling, reports
from tests.feeds.reading import patient
from tests.feeds.sandbox.conftest import MORNING, Sandbox

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "samples"
TWINS = (reports, recycling, digital_services, police)


def feeds_of(base: str, folder: Path) -> dict[str, Feed]:
    """The feeds that our twins declare, as a dashboard would read them."""
    items = [item for module in TWINS for item in yaml.safe_load(module.TWIN.feeds.replace("{base}", base))]
    path = folder / "feeds.yaml"
    path.write_text(yaml.safe_dump({"defaults": {"allow_private": True}, "feeds": items}), encoding="utf-8")
    return {feed.name: patient(feed) for feed in read_feed_file(path)}


def ask(**query: str) -> Asked:
    return Asked(query, {}, "http://sandbox.example/path", "http://sandbox.example")


def listed(city: City, at_s: int, **query: str) -> list[dict[str, Any]]:
    body = reports.build_requests(city, View.plain(at_s), ask(page_size="500", **query))
    assert isinstance(body, bytes)
    found: list[dict[str, Any]] = json.loads(body)
    return found


def test_all_feeds_of_the_council_pass_without_a_reject(sandbox: Sandbox, tmp_path: Path):
    """Over real HTTP, with the feed file's own settings, every row stands."""

    async def story() -> dict[str, Batch]:
        found = {}
        async with Fetcher(clock=FixedClock(MORNING)) as fetcher:
            for name, feed in feeds_of(sandbox.base, tmp_path).items():
                adapter = get_adapter(feed.adapter)
                [found[name]] = read_pages(await fetcher.fetch(feed, adapter), feed, adapter)
        return found

    batches = asyncio.run(story())

    assert {name: dict(batch.rejects) for name, batch in batches.items()} == {name: {} for name in batches}
    assert {name: dict(batch.warnings) for name, batch in batches.items()} == {name: {} for name in batches}
    assert sum(flag is True for flag in batches["reports"].table["is_open"]) == pytest.approx(2_000, rel=0.1)
    assert len(batches["report_types"].table) == 8
    assert len(batches["recycling"].table) == 3 * 20 * 2
    assert len(batches["digital_services"].table) == 275
    assert np.unique(batches["digital_services"].table["service_type"].astype(str), return_counts=True)[1].tolist() == [
        95,
        180,
    ]
    assert batches["crime"].table["crimes"].min() >= 10
    assert len(batches["crime"].table) > 20


def test_the_second_poll_of_reports_is_one_short_page(sandbox: Sandbox, tmp_path: Path):
    """Only what changed in the last minutes, and the overlap, is asked for again."""

    async def story() -> None:
        clock = FixedClock(MORNING)
        feed = feeds_of(sandbox.base, tmp_path)["reports"]
        adapter = get_adapter("open311")
        async with Fetcher(clock=clock) as fetcher:
            first = await fetcher.fetch(feed, adapter)
            clock.advance(60)
            sandbox.clock.moment = MORNING + timedelta(seconds=60)
            second = await fetcher.fetch(feed, adapter)
        assert len(first) > 10
        assert len(second) == 1
        [batch] = read_pages(second, feed, adapter)
        assert 0 < len(batch.table) < 200
        assert batch.table["observed_at"].min() > np.datetime64("2026-05-14T06:14")

    asyncio.run(story())


def test_requests_and_services_are_to_the_letter_of_the_standard(city: City, morning_s: int):
    """Without the British dialect every answer fits GeoReport's own schemas."""
    if not SAMPLES.exists():
        pytest.skip("the folder of real samples is not here")
    for name, rows in (
        ("request", listed(city, morning_s)),
        ("service", json.loads(reports.build_services(city, View.plain(morning_s), ask()))),
    ):
        schema = json.loads((SAMPLES / "open311" / f"georeport-v2-{name}.schema.json").read_text(encoding="utf-8"))
        validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
        assert rows
        for row in rows:
            validator.validate(row)


def test_about_two_thousand_are_open_on_any_day(city: City, morning_s: int):
    """Reports come and are closed at the same rate, so the heap neither melts nor grows."""
    for day in (0, 30, 200):
        found = reports.list_reports(city.happenings, morning_s + day * 86_400, 1.0, len(city.ground.estates))
        is_open = found.made_s + found.life_s > morning_s + day * 86_400
        assert 1_800 < int(is_open.sum()) < 2_200


def test_reports_have_tides(city: City, morning_s: int):
    """More come in the four hours from eight in the morning than in those from midnight."""
    found = reports.list_reports(city.happenings, morning_s, 1.0, len(city.ground.estates))
    hour = (found.made_s // 3600 + 1) % 24  # British summer time

    assert ((hour >= 8) & (hour < 12)).sum() > 3 * ((hour >= 0) & (hour < 4)).sum()


def test_a_surge_is_of_missed_bins_in_the_morning(city: City, morning_s: int):
    """Everything else stays as it was, to the report."""
    usual = listed(city, morning_s, start_date="2026-05-14T05:00:00Z")
    surge = listed(city, morning_s, start_date="2026-05-14T05:00:00Z", surge="8")
    added = {r["service_request_id"] for r in surge} - {r["service_request_id"] for r in usual}

    assert len(added) > 10
    assert {r["service_name"] for r in surge if r["service_request_id"] in added} == {"Missed bin"}
    assert [r for r in surge if r["service_request_id"] not in added] == usual


def test_a_report_goes_its_way_and_never_back(city: City, morning_s: int):
    """Looked at every day, each goes from open through the council's words to its end."""
    order = ["open", "investigating", "planned", "in_progress", "fixed", "no_further_action"]
    told: dict[str, list[int]] = {}
    for day in range(12):
        at_s = morning_s + day * 86_400
        for row in listed(city, at_s, dialect="uk", start_date="2026-05-14T05:00:00Z", end_date="2026-05-14T07:15:00Z"):
            told.setdefault(row["service_request_id"], []).append(order.index(row["status"]))

    assert len(told) > 10
    assert all(steps == sorted(steps) for steps in told.values())
    assert sum(steps[-1] >= 4 for steps in told.values()) > len(told) / 2


def test_a_question_that_makes_no_sense_is_refused_in_the_standards_form(city: City, morning_s: int):
    """An array of code and description, which our adapter reads as such."""
    for query in ({"start_date": "yesterday"}, {"page": "0"}, {"service_code": "XXX"}, {"status": "fixed"}):
        answer = reports.build_requests(city, View.plain(morning_s), ask(**query))
        assert isinstance(answer, Refusal)
        assert answer.status == 400
        assert json.loads(answer.body)[0]["code"] == 400


def test_slots_fill_and_are_used_up(city: City, morning_s: int):
    """Arrivals are counted in slots that began, no-shows in those that ended, bookings within the places."""
    noon_s = morning_s + 4 * 3600
    slots = json.loads(recycling.build_slots(city, View.plain(noon_s), ask()))["slots"]

    assert all(slot["booked_online"] <= slot["booked"] <= slot["capacity"] for slot in slots)
    assert {slot["arrivals"] is None for slot in slots} == {True, False}
    for slot in slots:
        if slot["no_shows"] is not None:
            assert slot["arrivals"] + slot["no_shows"] == slot["booked"]


def test_every_process_and_integration_has_a_name_of_its_own():
    """A hundred and eighty and ninety-five different names."""
    assert len({digital_services.process_name(n) for n in range(digital_services.PROCESSES)}) == 180
    assert len({digital_services.integration_name(n) for n in range(digital_services.INTEGRATIONS)}) == 95


def test_a_month_not_published_yet_is_not_found(city: City, morning_s: int):
    """In the middle of May the latest month is March; April answers 404."""
    latest = police.build_month(city, View.plain(morning_s), ask())
    assert isinstance(latest, bytes)
    assert {row["month"] for row in json.loads(latest)} == {"2026-03"}

    answer = police.build_month(city, View.plain(morning_s), ask(date="2026-04"))
    assert isinstance(answer, Refusal)
    assert answer.status == 404


def test_two_cities_of_one_seed_tell_the_same_story(city: City, folder: Path, morning_s: int):
    """To the byte, whatever was asked before."""
    other = City(7, folder)
    view = View.plain(morning_s)

    for make in (reports.build_requests, recycling.build_slots, digital_services.build_entities, police.build_month):
        assert make(city, view, ask()) == make(other, view, ask())


def test_everything_says_that_it_is_simulated(city: City, morning_s: int):
    """A reader of any answer sees SANDBOX."""
    view = View.plain(morning_s)
    for make in (reports.build_requests, recycling.build_slots, digital_services.build_entities, police.build_month):
        answer = make(city, view, ask())
        assert isinstance(answer, bytes)
        assert b"SANDBOX" in answer
    assert all("SANDBOX" in module.TWIN.feeds for module in TWINS)
