"""The card of one vehicle: how it stands, its last half hour, its signal on the way, its day. Unknown is said, not drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from control_room.diary import Diary
from layouts.panel import View
from layouts.parts.vehicle_card import build_vehicle_card, build_vehicle_link, format_minutes
from layouts.screens.pages import PAGES, build_page
from tests.layouts.cases import NOW, find_all, words
from tests.layouts.tables import health_of, measure_ms, table_of, view_with

ROBOTS = health_of("feed", title="Robots")


def seen(minutes_ago: float, north_m: float = 0.0, **more: Any) -> dict[str, Any]:
    """Robot 47, that many minutes ago, so far north of the centre."""
    return {
        "vehicle_key": "feed:47",
        "label": "47",
        "vehicle_type": "robot",
        "state": "working",
        "latitude": 52.04 + north_m / 111_320,
        "longitude": -0.756,
        "observed_at": NOW - timedelta(minutes=minutes_ago),
        **more,
    }


def after(*rows: dict[str, Any], health: Any = ROBOTS) -> View:
    """A view of the last row, whose diary has noted them all, each at its own time."""
    view = view_with(health, vehicle=[rows[-1]])
    diary = Diary(view.feeds, view.city.zone)
    for row in rows:
        table = table_of("vehicle", [row])
        diary.tracks.note(table, row["observed_at"])
        diary.days.note(table, np.array([True]), row["observed_at"])
    diary.tracks.note(view.snapshot.tables["vehicle"], NOW)
    return replace(view, diary=diary)


def drive(signal: float | None = -90.0, minutes: int = 10, **more: Any) -> list[dict[str, Any]]:
    """Ten minutes northward at 100 m a minute, from cell A to cell B half way."""
    return [
        seen(
            minutes - i,
            100.0 * i,
            speed_kmh=6.0,
            battery_percent=80.0 - i,
            signal_rsrp_dbm=signal,
            cell_id="A" if i < minutes / 2 else "B",
            **more,
        )
        for i in range(minutes + 1)
    ]


def test_trends_are_drawn_by_minute_and_stand_in_tables():
    """Eleven of thirty minutes are known; the others are hatched, and "not known" in the table."""
    built = build_vehicle_card(after(*drive()), "47")
    speed, battery = find_all(built, "column-chart")

    assert len(find_all(speed, "column-fill")) == 11
    assert len(find_all(speed, "column-unknown")) == 19
    assert words(speed).count("not known") == 19
    assert "most 6\u202fkm/h" in words(speed)
    assert "now 70\u202f%" in words(battery)


def test_a_battery_is_drawn_against_a_full_one():
    """Seventy of a hundred is seven tenths high, not the whole height."""
    _, battery = find_all(build_vehicle_card(after(*drive()), "47"), "column-chart")

    assert "at-70" in find_all(battery, "column-fill")[-1].className


def test_what_its_feed_never_tells_is_said_and_not_drawn():
    """A bus has no battery in its feed; nothing is hatched for that."""
    rows = [{**row, "battery_percent": None} for row in drive()]

    assert "Battery: not told by its feed." in words(build_vehicle_card(after(*rows), "47"))


def test_the_signal_along_its_way_has_its_handovers():
    """One kilometre, one handover, nowhere too weak, as it measured itself."""
    text = words(build_vehicle_card(after(*drive()), "47"))

    assert "Signal along its way: 1.0 km, weakest -90\u202fdBm , nowhere too weak where measured" in text
    assert "1 handover" in text
    assert "as it measured itself" in text
    assert "Cells along its way" in text


def test_a_weak_stretch_is_marked():
    """Under -100 dBm is where a link is lost."""
    built = build_vehicle_card(after(*drive(signal=-108.0)), "47")

    assert "at a stretch too weak" in words(built)
    assert find_all(built, "is-weak")


def test_of_a_vehicle_that_tells_no_signal_the_expected_one_is_shown_and_said():
    """Expected is never passed off as measured."""
    text = words(build_vehicle_card(after(*drive(signal=None, expected_rsrp_dbm=-85.0)), "47"))

    assert "expected by the coverage map, for it tells none" in text
    assert "1 expected handover" in text


def test_a_vehicle_that_stands_has_no_way():
    """A position that trembles is not a drive."""
    rows = [seen(10 - i, north_m=i % 2 * 2.0, signal_rsrp_dbm=-90.0) for i in range(11)]

    assert "it has not moved 50 m in this time" in words(build_vehicle_card(after(*rows), "47"))


def test_a_bus_does_not_depend_on_the_citys_5g():
    """No strip is drawn of what does not matter to it."""
    rows = [{**row, "vehicle_type": "bus"} for row in drive()]

    assert "Signal along its way" not in words(build_vehicle_card(after(*rows), "47"))


def test_its_day_says_how_long_it_was_what():
    """Five minutes at work, five idle: told in minutes, with the moments of the changes."""
    rows = [seen(10 - i, state="working" if i < 5 else "idle") for i in range(11)]
    text = words(build_vehicle_card(after(*rows), "47"))

    assert "Today, watched since 13:53" in text
    assert "5 min working" in text
    assert "5 min idle" in text
    assert "13:58 idle until now 13:53 working 5 min" in text


def test_deliveries_that_ended_are_told_with_what_they_saved():
    """One ended, 0.3 kg by the council's average."""
    rows = [seen(10 - i, trip_id="t1" if i < 5 else "t2") for i in range(11)]

    assert "1 delivery ended while watched: about 0.3\u202fkg CO2 avoided" in words(
        build_vehicle_card(after(*rows), "47")
    )


def test_a_silent_vehicle_says_why_before_all_else():
    """The answer stands above the figures; they are of when it was last heard."""
    rows = [seen(20 - i, north_m=100.0 * i) for i in range(11)]
    text = words(build_vehicle_card(after(*rows), "47"))

    assert "when last heard: working" in text
    assert text.index("Why is it silent?") < text.index("Speed")


def test_without_a_diary_the_card_stands_without_a_past():
    """An audience that may not see tracks gets the card of the moment."""
    text = words(build_vehicle_card(view_with(ROBOTS, vehicle=[seen(0)]), "feed:47"))

    assert "working" in text
    assert "half hour" not in text
    assert "Today" not in text


def test_a_vehicle_that_never_told_a_place_has_no_track():
    """Said in words."""
    row = {**seen(0), "latitude": None, "longitude": None}

    assert "No point is kept: it has told no place lately." in words(build_vehicle_card(after(row), "47"))


@pytest.mark.parametrize("wanted", ["nobody", "<b>47</b>", "x" * 5_000, ""])
def test_a_vehicle_that_is_not_known_is_said_to_be_unknown(wanted):
    """Whatever was asked for is only shown, and shortened."""
    text = words(build_vehicle_card(after(seen(0)), wanted))

    assert text.startswith("No vehicle")
    assert len(text) < 120


def test_a_link_to_a_card_stays_an_address_of_ours():
    """Keys hold what suppliers wrote: it is quoted, all of it."""
    link = build_vehicle_link("47", 'feed:4/7?x="&y=#z')

    assert link.href == "/fleet?vehicle=feed%3A4%2F7%3Fx%3D%22%26y%3D%23z"


@pytest.mark.parametrize(
    ("seconds", "said"), [(10, "under 1 min"), (90, "2 min"), (3_600, "1 h 0 min"), (5_700, "1 h 35 min")]
)
def test_durations_are_whole_minutes(seconds, said):
    """Seconds would change the card each second and tell nobody more."""
    assert format_minutes(seconds) == said


def test_the_same_facts_give_the_same_card_and_it_takes_few_milliseconds():
    """A card is built once a second for each vehicle that is followed: a full track in a fleet of 5,000 in 15 ms at most."""
    view = after(*drive(minutes=29))
    others = [
        {"vehicle_key": f"feed:o{i}", "label": f"o{i}", "vehicle_type": "robot", "observed_at": NOW}
        for i in range(5_000)
    ]
    full = view_with(ROBOTS, vehicle=[*others, seen(0)])
    view = replace(full, diary=view.diary)

    assert words(build_vehicle_card(view, "47")) == words(build_vehicle_card(view, "47"))
    assert measure_ms(lambda v: build_vehicle_card(v, "47"), view) < 15


def test_the_page_of_fleets_has_the_card_only_where_a_vehicle_is_chosen():
    """Then the channel brings it and follows that vehicle; else the page says where to choose one."""
    fleet = next(page for page in PAGES if page.has_vehicle)
    view = after(seen(0))
    chosen, open_ = build_page(fleet, view, {}, "47"), build_page(fleet, view, {})

    def live(screen: Any) -> dict[str, Any]:
        return next(c for c in screen.children if getattr(c, "id", None) == "live").to_plotly_json()["props"]

    assert live(chosen)["data-topics"].startswith("panel:vehicle,")
    assert live(chosen)["data-follow"] == "47"
    assert find_all(chosen, "panel-vehicle")
    assert "panel:vehicle," not in live(open_)["data-topics"]
    assert (live(open_)["data-follow"], find_all(open_, "panel-vehicle")) == ("", [])
    assert "choose its name in the table of all" in words(open_)
