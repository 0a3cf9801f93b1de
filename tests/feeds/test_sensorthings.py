"""OGC SensorThings: real answers, each kind of dirt, paging, and bodies that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.feed import Feed, PayloadError
from feeds.sensorthings import check, decode, looks_like, next_url, observe
from tests.feeds.reading import known, read_sample

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "sensorthings"
NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
FEED = Feed(name="air", adapter="sensorthings", url="http://localhost/")
REMOVE = object()


def stream(**changes: Any) -> dict[str, Any]:
    """A good datastream with changes; REMOVE leaves a member out."""
    whole = {
        "@iot.id": "sbx:ds:'1'",
        "name": "Air temperature at the station",
        "unitOfMeasurement": {"name": "degree Celsius", "symbol": "C"},
        "ObservedProperty": {"name": "Air temperature"},
        "Thing": {
            "@iot.id": 7,
            "name": "Station",
            "Locations": [{"location": {"type": "Point", "coordinates": [-0.77, 52.03, 82.0]}}],
        },
        "Observations": [{"phenomenonTime": "2026-03-02T12:00:00Z", "result": 4.5}],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not REMOVE}


def answer(*streams: Any, **more: Any) -> bytes:
    return json.dumps({"value": list(streams), **more}).encode()


def read(*bodies: bytes, of: Feed = FEED) -> Batch:
    (batch,) = observe([decode(body) for body in bodies], of, NOW)
    return batch


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


def test_augsburg_marks_the_faulty_sensor_and_counts_the_silent_one():
    """Text ids, a 3-D point, no observation in one, 750.28 µg/m³ in another; nested links are not followed."""
    page = decode(sample("augsburg-pm25-excerpt.json"))
    (batch,) = observe([page], FEED, NOW)

    assert known(batch) == [
        {
            "environment_key": "air:saqn:ds:0461ecf",
            "feed": "air",
            "station_id": "saqn:t:154390b",
            "title": "Crowdsensing Node IGUA, SDS011, saqn:t:154390b",
            "latitude": 48.33590800003596,
            "longitude": 10.898084509677506,
            "quantity": "pm2_5",
            "value": 1.3,
            "unit": "µg/m³",
            "is_suspect": False,
            "observed_at": "2020-08-18T21:15:00Z",
            "received_at": "2026-03-02T12:00:30Z",
        },
        {
            "environment_key": "air:saqn:ds:077a3ec",
            "feed": "air",
            "station_id": "saqn:t:94d5923",
            "title": "Crowdsensing Node (SDS011, 5684389, IGUA)",
            "latitude": 48.348615458,
            "longitude": 10.838060049,
            "quantity": "pm2_5",
            "value": 750.28,
            "unit": "µg/m³",
            "is_suspect": True,
            "observed_at": "2020-08-18T21:16:17Z",
            "received_at": "2026-03-02T12:00:30Z",
        },
    ]
    assert batch.rejects == {"observation_missing": 1}
    assert batch.warnings == {"unit_missing": 2}
    assert next_url(page, "https://api.example/Datastreams") is None


def test_a_thing_with_its_datastreams_expanded_is_read_too():
    """Numbers as ids; without locations the position is unknown, not refused."""
    batch = read(sample("expanded-thing.json"))

    assert [(r["station_id"], r["quantity"], r["value"], r["observed_at"]) for r in known(batch)] == [
        ("17", "temperature", 4.6, "2020-04-10T16:00:00Z"),
        ("17", "humidity", 40.5, "2020-04-10T16:00:00Z"),
    ]
    assert batch.rejects == {}
    assert batch.warnings == {"unit_missing": 2, "position_missing": 2}


def test_a_body_for_creating_entities_has_no_ids_and_gives_no_rows():
    """What a client sends is not what a server answers."""
    batch = read(sample("entities-default.json"))

    assert (len(batch.table), batch.rejects) == (0, {"id_missing": 2})


def test_of_several_observations_the_newest_is_taken():
    """Whatever order the server lists them in."""
    times = ["2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z", "2026-03-02T10:00:00Z"]
    batch = read(answer(stream(Observations=[{"phenomenonTime": t, "result": n} for n, t in enumerate(times)])))

    assert [(r["value"], r["observed_at"]) for r in known(batch)] == [(1.0, "2026-03-02T12:00:00Z")]


def test_an_interval_counts_by_its_end():
    """Rain of ten minutes is news of the last of them."""
    rain = stream(Observations=[{"phenomenonTime": "2026-03-02T11:50:00Z/2026-03-02T12:00:00Z", "result": 0}])
    (row,) = known(read(answer(rain)))

    assert (row["value"], row["observed_at"]) == (0.0, "2026-03-02T12:00:00Z")


@pytest.mark.parametrize(
    ("name", "unit", "result", "expected"),
    [
        ("Wind speed", {"symbol": "m/s"}, 10, ("wind_speed", 36.0, "km/h")),
        ("Air temperature", {"symbol": "K"}, 283.15, ("temperature", 10.0, "°C")),
        ("Air pressure", {"name": "pascal"}, 101_325, ("pressure", 1013.25, "hPa")),
        ("Nitrogen dioxide", {"symbol": "ppb"}, 12, ("no2", 12.0, "ppb")),
        ("Luminous Flux", {"symbol": "lm"}, 3, ("luminous_flux", 3.0, "lm")),
    ],
)
def test_known_quantities_leave_in_our_units_and_others_in_their_own(name, unit, result, expected):
    """A concentration by volume is never turned into one by mass."""
    made = stream(
        name=name,
        ObservedProperty={"name": name},
        unitOfMeasurement=unit,
        Observations=[{"phenomenonTime": "2026-03-02T12:00:00Z", "result": result}],
    )
    (row,) = known(read(answer(made)))

    assert (row["quantity"], row["value"], row["unit"]) == expected


def test_a_feed_may_name_quantities_itself():
    """The supplier's word for it in the options goes before our own guess."""
    of = Feed(
        name="air",
        adapter="sensorthings",
        url="http://localhost/",
        options={"quantities": {"Air temperature": "road_temperature"}},
    )

    assert known(read(answer(stream()), of=of))[0]["quantity"] == "road_temperature"
    with pytest.raises(ValueError, match="mapping: is no option here"):
        check(Feed(name="air", adapter="sensorthings", url="http://localhost/", options={"mapping": {}}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Observations": []}, "observation_missing"),
        ({"Observations": REMOVE}, "observation_missing"),
        ({"Observations": [{"phenomenonTime": "2026-03-02T12:00:00Z", "result": None}]}, "value_unreadable"),
        ({"Observations": [{"phenomenonTime": "2026-03-02T12:00:00Z", "result": {"a": 1}}]}, "value_unreadable"),
        ({"Observations": [{"phenomenonTime": "yesterday", "result": 1}]}, "time_unreadable"),
        ({"Observations": [{"phenomenonTime": "2026-03-02T12:00:00", "result": 1}]}, "time_unreadable"),
        ({"Observations": [{"phenomenonTime": "2026-03-02T12:05:00Z", "result": 1}]}, "time_in_future"),
        ({"@iot.id": REMOVE}, "id_missing"),
        (
            {"Thing": {"name": "x", "Locations": [{"location": {"type": "Point", "coordinates": [10, 168]}}]}},
            "position_out_of_range",
        ),
        ({"Thing": {"name": "jo@example.org"}}, "personal_data"),
    ],
)
def test_streams_that_cannot_be_used_are_left_out_by_reason(changes, reason):
    """Each is counted once; the good one beside it stays."""
    batch = read(answer(stream(**changes), stream(**{"@iot.id": "good"})))

    assert (len(batch.table), batch.rejects) == (1, {reason: 1})


def test_a_time_that_is_not_sent_is_unknown():
    """The value stands, without a time."""
    batch = read(answer(stream(Observations=[{"result": 1}])))

    assert "observed_at" not in known(batch)[0]
    assert batch.warnings == {"time_missing": 1}


def test_two_sensors_of_one_sort_at_a_station_are_two_rows():
    """Rows go by datastream; a datastream on two pages is one."""
    batch = read(answer(stream(), stream(**{"@iot.id": 2})), answer(stream()))

    assert len(batch.table) == 2
    assert batch.rejects == {"duplicate": 1}


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://api.example/v1.1/Datastreams?$skip=20", "https://api.example/v1.1/Datastreams?$skip=20"),
        ("Datastreams?$skip=20", "https://api.example/v1.1/Datastreams?$skip=20"),
        ("https://elsewhere.example/Datastreams?$skip=20", None),
        ("http://api.example/v1.1/Datastreams?$skip=20", None),
        ("https://api.example/v1.1/Datastreams", None),
        ("", None),
        (5, None),
    ],
)
def test_only_a_link_of_the_same_origin_is_followed(link, expected):
    """Another host, an unencrypted one and the page itself end the round."""
    page = decode(answer(stream(), **{"@iot.nextLink": link}))

    assert next_url(page, "https://api.example/v1.1/Datastreams") == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"<html>", "not_json"),
        (b"[]", "not_sensorthings"),
        (b'{"rows": []}', "not_sensorthings"),
        (b'{"code": 404, "type": "error", "message": "Nothing found."}', "sensorthings_error"),
    ],
)
def test_bodies_that_are_no_answer_are_refused_by_name(body, reason):
    """An error body is no empty answer; an empty list is one."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason
    assert len(read(answer()).table) == 0


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else ever comes out."""
    looks_like(body)
    try:
        page = decode(body)
        observe([page], FEED, NOW)
        next_url(page, "https://api.example/")
    except PayloadError:
        pass


leaf = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10)
nested = st.recursive(
    leaf,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "symbol",
                    "location",
                    "type",
                    "coordinates",
                    "Locations",
                    "result",
                    "phenomenonTime",
                    "@iot.id",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
)


@settings(max_examples=150, deadline=None)
@given(nested, nested, nested, nested)
def test_any_members_give_a_row_or_a_named_reason(thing, unit, observed, ident):
    """Whatever stands in a datastream: a row or one counted reject."""
    body = answer(stream(**{"Thing": thing, "unitOfMeasurement": unit, "Observations": [observed], "@iot.id": ident}))
    try:
        batch = read(body)
    except PayloadError:
        return
    assert len(batch.table) + sum(batch.rejects.values()) == 1
