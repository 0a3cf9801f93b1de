"""What is made for whoever follows a vehicle: once a vehicle, at most once a second, for those who ask for it."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import orjson

from control_room.diary import Diary
from control_room.live import LiveHub
from control_room.marks import mercator
from control_room.publish import to_json
from control_room.tracks import Track
from control_room.vehicle_cards import GAP_S, MOST_AT_ONCE, VehicleCards, encode_track
from layouts.panel import View
from tests.control_room.test_live import hub_of, run, screen
from tests.layouts.cases import NOW
from tests.layouts.tables import health_of, view_with
from tests.live_server import City, serving, until


def view_of(*labels: str) -> View:
    """A view of robots that have been seen twice, a hundred metres apart."""

    def rows(seconds: float) -> list[dict[str, Any]]:
        at = NOW - timedelta(seconds=60 - seconds)
        return [
            {
                "vehicle_key": f"feed:{label}",
                "label": label,
                "vehicle_type": "robot",
                "state": "working",
                "latitude": 52.04 + seconds * 1.5e-5,
                "longitude": -0.756,
                "observed_at": at,
            }
            for label in labels
        ]

    views = [view_with(health_of("feed"), vehicle=rows(s)) for s in (0, 60)]
    diary = Diary(views[0].feeds, views[0].city.zone)
    for view, now in zip(views, (NOW - timedelta(seconds=60), NOW), strict=True):
        diary.note(replace(view.snapshot, at=now))
    return replace(views[1], diary=diary)


def read(message: bytes) -> str:
    return zlib.decompress(message[1:], -15).decode()


def track_of(*points: tuple[float, float]) -> Track:
    """Points as (seconds, latitude)."""
    n = len(points)
    at = np.array([np.datetime64("2026-03-01T12:00:00", "ms") + np.timedelta64(int(s * 1000), "ms") for s, _ in points])
    nothing = np.full(n, np.nan)
    latitude = np.array([latitude for _, latitude in points])
    cells = np.full(n, None, dtype=object)
    return Track(at, latitude, np.full(n, -0.75), nothing, nothing, nothing, nothing, cells, np.zeros(n, dtype=bool))


def test_a_card_is_made_for_who_shows_it_and_a_track_for_who_has_a_map():
    """Each only for whom it is asked, found by label or key alike."""
    panels, tracks = VehicleCards(to_json).make(view_of("47"), frozenset({"vehicle:47", "track:feed:47", "fleet"}), 0.0)

    assert set(panels) == {"47"}
    assert orjson.loads(read(panels["47"]))["name"] == "vehicle"
    assert set(tracks) == {"feed:47"}
    assert len(json.loads(tracks["feed:47"])["x"]) == 2


def test_a_card_is_renewed_once_a_second_and_not_more_often():
    """Snapshots may come ten a second; people read one."""
    cards = VehicleCards(to_json)
    asked = frozenset({"vehicle:47"})
    first, _ = cards.make(view_of("47"), asked, 0.0)
    soon, _ = cards.make(view_of("48"), asked, 0.5)
    later, _ = cards.make(view_of("48"), asked, 1.0)

    assert soon["47"] is first["47"]
    assert "No vehicle" in read(later["47"])


def test_a_topic_that_is_new_for_a_vehicle_is_not_kept_waiting():
    """A second screen opens the card of a vehicle whose track another one shows."""
    cards = VehicleCards(to_json)
    cards.make(view_of("47"), frozenset({"track:47"}), 0.0)
    panels, _ = cards.make(view_of("47"), frozenset({"track:47", "vehicle:47"}), 0.1)

    assert set(panels) == {"47"}


def test_what_nobody_follows_any_more_is_let_go():
    """Nothing is kept for those who have left."""
    cards = VehicleCards(to_json)
    cards.make(view_of("47"), frozenset({"vehicle:47", "track:47"}), 0.0)

    assert cards.make(view_of("47"), frozenset(), 0.1) == ({}, {})


def test_many_are_renewed_in_turn_and_none_starves():
    """More than are made at once: those that waited longest come first."""
    cards = VehicleCards(to_json)
    asked = frozenset(f"vehicle:{i}" for i in range(3 * MOST_AT_ONCE))
    seen: set[str] = set()
    for turn in range(3):
        panels, _ = cards.make(view_of("47"), asked, float(turn))
        seen |= set(panels)
        assert len(seen) == MOST_AT_ONCE * (turn + 1)

    assert seen == {t.removeprefix("vehicle:") for t in asked}


def test_a_card_that_cannot_be_built_says_so_and_harms_no_other():
    """A fault of ours in one card is that card's alone."""
    broken = view_of("47")
    no_alarms = {k: t for k, t in broken.snapshot.tables.items() if k != "alarm"}
    broken = replace(broken, snapshot=replace(broken.snapshot, tables=no_alarms))
    panels, tracks = VehicleCards(to_json).make(broken, frozenset({"vehicle:47", "vehicle:nobody", "track:47"}), 0.0)

    assert "has not been renewed" in read(panels["47"])
    assert "No vehicle" in read(panels["nobody"])
    assert json.loads(tracks["47"])["x"]


def test_a_track_is_sent_as_steps_that_add_up_to_places():
    """The first point, then differences: the sums are Web Mercator pixels."""
    track = track_of((0, 52.0), (10, 52.001), (20, 52.003))
    sent = json.loads(encode_track("47", track))
    x, y = mercator(track.latitude, track.longitude)

    assert np.cumsum(sent["x"]).tolist() == x.tolist()
    assert np.cumsum(sent["y"]).tolist() == y.tolist()
    assert (sent["type"], sent["id"], sent["gaps"]) == ("track", "47", [])


def test_a_line_is_broken_where_nobody_knows_the_way():
    """Two minutes of silence are not bridged."""
    assert json.loads(encode_track("47", track_of((0, 52.0), (GAP_S + 10, 52.1), (GAP_S + 20, 52.1))))["gaps"] == [1]
    assert json.loads(encode_track("47", None)) == {"type": "track", "id": "47", "x": [], "y": [], "gaps": []}


def test_the_hub_asks_for_what_its_screens_follow():
    """A map wants a track, the panel wants a card; who follows nobody wants nothing."""

    async def story() -> None:
        hub: LiveHub = hub_of()
        async with (
            serving(hub) as port,
            screen(port, follow="47"),
            screen(port, topics=["panel:vehicle"], follow="48"),
            screen(port, topics=["map", "panel:vehicle"]),
        ):
            await until(lambda: len([s for s in hub.screens.values() if s.left_at is None]) == 3)
            assert hub.wanted_vehicles("wall") == {"track:47", "vehicle:48"}

    run(story)


def test_a_screen_gets_the_card_of_the_vehicle_that_it_follows_and_a_new_one_when_it_follows_another():
    """Each screen its own vehicle from the same bundle; the same card is sent again after another was shown."""

    async def story() -> None:
        hub, city = hub_of(), City()
        cards, tracks = VehicleCards(to_json).make(
            view_of("47", "48"), frozenset({"vehicle:47", "vehicle:48", "track:47"}), 0.0
        )
        async with serving(hub) as port, screen(port, topics=["map", "panel:vehicle"], follow="47") as desk:
            hub.publish("wall", replace(city.next(), vehicles=cards, tracks=tracks))
            await desk.read_until("panel")
            assert "47" in json.dumps(desk.panels["vehicle"])
            assert desk.order.count("track") == 1
            for label in ("48", "47"):
                await desk.say(type="follow", id=label)
                await desk.read_until("panel")
                assert f'"{label}"' in json.dumps(desk.panels["vehicle"])

    run(story)
