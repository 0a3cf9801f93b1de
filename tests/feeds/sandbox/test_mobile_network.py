"""The sandbox's 5G network: what its twin says, and that it passes our adapters over HTTP with nothing left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import yaml
from lxml import etree

from control_room.model import Batch
from feeds.feed import Feed, get_adapter
from feeds.sandbox.city import View
from feeds.sandbox.happenings import HOLES, is_cell_down, list_cells, list_gatherings, metres
from feeds.sandbox.twins.mobile_network import TWIN, build_drive_test, build_inventory, build_pm_file, count

FEEDS = {item["name"]: item for item in yaml.safe_load(TWIN.feeds)}


def read(name: str, body: bytes, now: datetime) -> Batch:
    """The body as the feed of that name would read it."""
    feed = Feed(**FEEDS[name] | {"url": "http://localhost/", "simulated": True})
    adapter = get_adapter(feed.adapter)
    (batch,) = adapter.observe([adapter.decode(body)], feed, now)
    return batch


def at(moment_s: int) -> datetime:
    return datetime.fromtimestamp(moment_s, UTC)


@pytest.mark.parametrize("name", sorted(FEEDS))
def test_each_feed_passes_its_adapter_over_http(sandbox, name):
    """What the feed file declares is answered, read without a reject, and no older than the feed calls fresh."""
    answer = sandbox.get(FEEDS[name]["url"].removeprefix("{base}"))
    batch = read(name, answer.content, sandbox.clock.now())
    feed = Feed(**FEEDS[name] | {"url": sandbox.base})
    age_s = (sandbox.clock.now() - at(batch.table["observed_at"].max().astype("int64") // 1000)).total_seconds()

    assert answer.status_code == 200
    assert batch.rejects == {}
    assert len(batch.table) >= 15
    assert 0 <= age_s <= feed.ageing_after_s
    assert "SANDBOX" in feed.supplier
    assert b"SANDBOX" in answer.content


def test_both_vendors_together_tell_of_every_cell_once(city, morning_s):
    """Counters are told once a cell, under the names that the inventory has."""
    view = View.plain(morning_s)
    north = read("cells_north", build_pm_file(city, view, north=True), at(morning_s)).table["cell_id"].tolist()
    south = read("cells_south", build_pm_file(city, view, north=False), at(morning_s)).table["cell_id"].tolist()
    sites = read("cell_sites", build_inventory(city, view), at(morning_s)).table["cell_id"].tolist()

    assert sorted(north + south) == sorted(sites) == sorted(cell.cell_id for cell in list_cells())


@pytest.mark.parametrize(
    ("north", "root", "part"), [(True, "measCollecFile", "r"), (False, "measDataFile", "measResults")]
)
def test_the_files_have_the_shape_of_their_standards(city, morning_s, north, root, part):
    """Header, measInfo, footer in the order of the schemas; the period ends on the minute."""
    document = etree.fromstring(build_pm_file(city, View.plain(morning_s + 17), north))
    names = [etree.QName(child).localname for child in document]
    info = next(e for e in document.iter() if etree.QName(e).localname == "measInfo")
    parts = [etree.QName(child).localname for child in info]
    period = info[parts.index("granPeriod")]

    assert etree.QName(document).localname == root
    assert names == ["fileHeader", "measData", "fileFooter"]
    assert parts[:3] == ["job", "granPeriod", "repPeriod"]
    assert parts.index("measValue") > parts.index("measType" if north else "measTypes")
    assert period.attrib == {"duration": "PT60S", "endTime": at(morning_s).isoformat()}
    assert etree.QName(info[-1][0]).localname == part


def test_a_crowd_fills_the_cells_around_it(city):
    """While an event is on, the cells at its venue carry more than at the same hour of the day before."""
    day_s = 86_400
    gathering = next(
        g
        for g in list_gatherings(city.seed, 1_778_742_900, 0, 60)
        if g.venue in ("Stadium MK", "Campbell Park")
        and city.happenings.crowd_at(g.latitude, g.longitude, g.starts_s + 3600 - day_s) == 0
    )
    cells = [c for c in list_cells() if metres(c.latitude, c.longitude, gathering.latitude, gathering.longitude) < 800]
    loads = [
        sum(float(one.values["RRU.PrbTotDl"]) for one in count(city, moment_s, cells)) / len(cells)
        for moment_s in (gathering.starts_s + 3600 - day_s, gathering.starts_s + 3600)
    ]

    assert loads[1] > loads[0] + 20


def test_a_cell_that_is_down_says_so(city):
    """The city's outage is the row's state; its other counters are not measured, so unknown rather than zero."""
    cell, moment_s = next(
        (cell, hour * 3600 + 300)
        for hour in range(494_000, 494_200)
        for cell in list_cells()
        if is_cell_down(city.seed, cell, hour * 3600)
    )
    rows = [
        row
        for name, north in (("cells_north", True), ("cells_south", False))
        for row in read(name, build_pm_file(city, View.plain(moment_s), north), at(moment_s)).table.to_records()
    ]
    down = next(row for row in rows if row["cell_id"] == cell.cell_id)

    assert (down["state"], down["availability_percent"], down["devices_mean"]) == ("down", 0, None)
    assert sum(row["state"] == "up" for row in rows) > 20


def test_the_drive_test_finds_the_holes(city, morning_s):
    """In the middle of each hole nothing is received; elsewhere most hexagons are covered."""
    batch = read("coverage", build_drive_test(city, View.plain(morning_s)), at(morning_s))
    rows = [row for row in batch.table.to_records() if row["technology"] == "NR"]
    inside = {
        (row["band"], row["rsrp_dbm"])
        for row in rows
        if any(metres(row["latitude"], row["longitude"], h.latitude, h.longitude) < h.radius_m - 150 for h in HOLES)
    }

    assert inside == {("none", None)}
    assert sum(row["band"] in ("excellent", "good", "fair") for row in rows) > 60
    assert min(row["samples"] for row in rows) >= 10


def test_answers_are_the_same_for_the_same_moment(city, morning_s):
    """A restart tells the same story, to the byte, whatever was asked before."""
    view = View.plain(morning_s)

    assert build_drive_test(city, view) == build_drive_test(city, view)
    assert build_pm_file(city, view, True) == build_pm_file(city, view, True)
    assert build_drive_test(city, view) != build_drive_test(city, View.plain(morning_s + 60))


def test_faults_reach_the_adapters(city, morning_s):
    """Times ahead, rows twice and fields renamed show as named reasons, not as wrong rows."""
    plain = View.plain(morning_s)
    ahead = read("cells_north", build_pm_file(city, replace(plain, shift_s=3600), True), at(morning_s))
    twice = read("coverage", build_drive_test(city, replace(plain, duplicated=True)), at(morning_s))
    vendor = read("cells_south", build_pm_file(city, replace(plain, drifted=True), False), at(morning_s))
    text = read("cell_sites", build_inventory(city, replace(plain, drifted=True, duplicated=True)), at(morning_s))
    once = read("coverage", build_drive_test(city, plain), at(morning_s))

    assert (len(ahead.table), ahead.rejects) == (0, {"time_in_future": 15})
    assert twice.table["samples"].tolist() == once.table["samples"].tolist()
    assert twice.rejects["repeated_second"] > 4_000
    assert (len(vendor.table), vendor.rejects) == (0, {"no_known_counter": 15})
    assert (len(text.table), text.rejects) == (30, {"duplicate": 30})
