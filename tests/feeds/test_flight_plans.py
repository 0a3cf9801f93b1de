"""Planned volumes: the real F3548 request, intents with flights, dirt, and bodies that are none."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.feed import Feed, PayloadError, list_adapters
from feeds.flight_plans import decode, observe
from tests.feeds.json_noise import spoiled
from tests.feeds.reading import only

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "drones"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FEED = Feed(name="plans", adapter="flight_plans", url="http://localhost/plans")
REMOVE = object()

VOLUME: dict[str, Any] = {
    "volume": {
        "outline_polygon": {
            "vertices": [{"lat": 52.04, "lng": -0.76}, {"lat": 52.04, "lng": -0.75}, {"lat": 52.05, "lng": -0.75}]
        },
        "altitude_lower": {"value": 130, "reference": "W84", "units": "M"},
        "altitude_upper": {"value": 230, "reference": "W84", "units": "M"},
    },
    "time_start": {"value": "2026-03-02T11:50:00Z", "format": "RFC3339"},
    "time_end": {"value": "2026-03-02T12:20:00Z", "format": "RFC3339"},
}
INTENT: dict[str, Any] = {
    "flight_id": "flight-1",
    "title": "Delivery",
    "reference": {"id": "intent-1", "state": "Activated", "manager": "uss1"},
    "details": {"volumes": [VOLUME], "off_nominal_volumes": [], "priority": 0},
}


def intent(volume: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The good intent with changes by path, and its volume's inner part changed."""
    made = copy.deepcopy(INTENT)
    made["details"]["volumes"][0]["volume"].update(volume or {})
    for path, value in changes.items():
        *way, last = path.split("__")
        target = made
        for step in way:
            target = target[step]
        if value is REMOVE:
            del target[last]
        else:
            target[last] = value
    return made


def listed(*intents: Any) -> bytes:
    stamp = {"value": "2026-03-02T12:00:00Z", "format": "RFC3339"}
    return json.dumps({"timestamp": stamp, "operational_intents": list(intents)}).encode()


def read(body: bytes) -> Batch:
    (batch,) = observe([decode(body)], FEED, NOW)
    return batch


def test_the_real_request_gives_its_five_volumes():
    """Heights and times to the digit, also the volume whose time lies in 1969."""
    path = SAMPLES / "f3548-op-request.json"
    if not path.exists():
        pytest.skip("the real samples are not on this machine")
    batch = read(path.read_bytes())
    rows = batch.table.to_records()

    assert [(r["lower_m"], r["upper_m"], r["active_from"], r["active_until"]) for r in rows] == [
        (-7.827, 114.093, "2020-06-09T16:58:00Z", "2020-06-10T17:02:00Z"),
        (98.853, 114.093, "1969-12-31T15:58:00Z", "1969-12-31T16:02:00Z"),
        (98.853, 114.093, "2020-06-09T16:58:00Z", "2020-06-09T17:02:00Z"),
        (-7.827, 114.093, "2020-06-11T16:58:00Z", "2020-06-12T17:02:00Z"),
        (-20.019, 7.413, "2020-06-12T16:58:00Z", "2030-06-13T17:02:00Z"),
    ]
    assert {r["airspace_type"] for r in rows} == {"planned_volume"}
    assert {(r["lower_reference"], r["upper_reference"]) for r in rows} == {("WGS84", "WGS84")}
    assert [r["airspace_key"] for r in rows] == [f"plans:request-1:{n}" for n in range(1, 6)]
    assert (rows[0]["latitude"], rows[0]["longitude"], rows[0]["reasons"]) == (32.6216831, -117.1037027, "Accepted")
    assert [len(json.loads(r["geometry"])["coordinates"][0]) for r in rows] == [5] * 5
    assert (batch.rejects, batch.warnings, batch.published_at) == ({}, {}, None)


def test_an_intent_arrives_in_the_citys_words():
    """The flight's name beside the intent is that of Remote ID; the ring is closed."""
    batch = read(listed(INTENT))
    found = only(batch)

    assert json.loads(found.pop("geometry"))["coordinates"] == [
        [[-0.76, 52.04], [-0.75, 52.04], [-0.75, 52.05], [-0.76, 52.04]]
    ]
    assert found == {
        "airspace_key": "plans:intent-1:1",
        "airspace_id": "intent-1",
        "airspace_type": "planned_volume",
        "feed": "plans",
        "title": "Delivery",
        "reasons": "Activated",
        "flight_id": "flight-1",
        "lower_m": 130,
        "lower_reference": "WGS84",
        "upper_m": 230,
        "upper_reference": "WGS84",
        "active_from": "2026-03-02T11:50:00Z",
        "active_until": "2026-03-02T12:20:00Z",
        "latitude": 52.045,
        "longitude": -0.755,
        "observed_at": "2026-03-02T12:00:00Z",
        "received_at": "2026-03-02T12:00:00Z",
    }
    assert (batch.rejects, batch.warnings, batch.published_at) == ({}, {}, NOW)


def test_one_intent_by_itself_is_read_and_its_own_id_names_the_flight():
    """As a peer answers it: no flight's name, off-nominal volumes count as well."""
    body = {"operational_intent": intent(flight_id=REMOVE, details__off_nominal_volumes=[VOLUME])}
    batch = read(json.dumps(body).encode())

    assert batch.table["flight_id"].tolist() == ["intent-1", "intent-1"]


def test_a_circle_is_a_polygon():
    """Thirty-two points; feet are metres."""
    circle = {"center": {"lat": 52.0, "lng": -0.7}, "radius": {"value": 100, "units": "M"}}
    found = only(
        read(
            listed(
                intent(
                    {
                        "outline_polygon": None,
                        "outline_circle": circle,
                        "altitude_upper": {"value": 400, "reference": "W84", "units": "FT"},
                    }
                )
            )
        )
    )

    assert len(json.loads(found["geometry"])["coordinates"][0]) == 33
    assert (found["latitude"], found["longitude"], found["upper_m"]) == (52.0, -0.7, 121.92)


def test_a_flight_that_has_ended_has_no_plan():
    """Its volumes are free again."""
    batch = read(listed(intent(reference__state="Ended")))

    assert (len(batch.table), dict(batch.warnings)) == (0, {"ended": 1})


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("plan", "row_unreadable"),
        (intent(reference__id=None), "id_missing"),
        (intent(flight_id=[]), "id_missing"),
        (intent(flight_id="x" * 121), "id_too_long"),
        (intent(details__volumes=[]), "volume_missing"),
        (intent(details=None), "volume_missing"),
        (intent(details__volumes=[3]), "volume_unreadable"),
        (intent({"outline_polygon": None}), "geometry_missing"),
        (intent({"outline_polygon": {"vertices": []}}), "geometry_unreadable"),
        (intent({"outline_polygon": {"vertices": [{"lat": 95, "lng": 0}] * 3}}), "geometry_unreadable"),
        (intent({"outline_polygon": {"vertices": [7, None, "x"]}}), "geometry_unreadable"),
    ],
)
def test_a_plan_that_cannot_be_used_is_counted_and_the_next_stands(bad, reason):
    """One bad intent before a good one."""
    batch = read(listed(bad, intent(reference__id="intent-2")))

    assert only(batch)["airspace_id"] == "intent-2"
    assert dict(batch.rejects) == {reason: 1}


@pytest.mark.parametrize(
    ("made", "warning"),
    [
        (intent({"altitude_upper": "high"}), "upper_unreadable"),
        (intent({"altitude_upper": {"value": "x", "reference": "W84", "units": "M"}}), "upper_unreadable"),
        (intent({"altitude_lower": {"value": 5, "units": "M"}}), "lower_reference_unknown"),
        (intent(reference__state="Dreaming"), "state_unknown"),
        (intent(details__volumes=[{**VOLUME, "time_end": {"value": "later"}}]), "period_unreadable"),
    ],
)
def test_what_cannot_be_read_is_left_open_and_counted(made, warning):
    """The volume stays."""
    assert dict(read(listed(made)).warnings) == {warning: 1}


def test_the_same_intent_twice_is_counted():
    """One row is kept."""
    assert dict(read(listed(INTENT, INTENT)).rejects) == {"duplicate": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"no plans", "not_json"),
        (b"[1]", "not_object"),
        (b"{}", "not_flight_plans"),
        (b'{"extents": 5}', "not_flight_plans"),
    ],
)
def test_a_body_that_is_none_fails_as_a_whole(body, reason):
    """Each with its own word."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_only_this_adapter_knows_its_bodies():
    """A list, one intent, the real request."""
    bodies = [listed(INTENT), json.dumps({"operational_intent": INTENT}).encode()]
    if (SAMPLES / "f3548-op-request.json").exists():
        bodies.append((SAMPLES / "f3548-op-request.json").read_bytes())
    for body in bodies:
        assert [a.name for a in list_adapters().values() if a.looks_like(body)] == ["flight_plans"]


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200)
    | spoiled({"timestamp": "2026-03-02T12:00:00Z", "operational_intents": [INTENT]})
    | spoiled({"extents": [VOLUME], "state": "Accepted"})
)
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else is raised, and every row belongs to a flight."""
    try:
        batch = read(body)
    except PayloadError:
        return
    assert all(batch.table["flight_id"])
