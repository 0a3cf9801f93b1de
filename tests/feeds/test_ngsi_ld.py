"""NGSI-LD: real published examples, each kind of dirt, paging, and bodies that are none."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import KINDS, Batch
from feeds.feed import Feed, FeedFileError, PayloadError, get_adapter, list_adapters, read_feed_file
from feeds.fetch import Fetcher
from feeds.ngsi.builtin import list_builtin
from feeds.ngsi_ld import ADAPTER, decode, looks_like, next_url, observe
from tests.feeds.http_server import Request, reply, serve
from tests.feeds.reading import known, patient, read_one, read_sample

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"
NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
AIR_ID = "urn:ngsi-ld:AirQualityObserved:Madrid-AmbientObserved-28079004-2016-03-15T11:00:00"


def feed(**options: Any) -> Feed:
    return Feed(name="ngsi", adapter="ngsi_ld", url="http://localhost/", vehicle_type="shuttle", options=options)


def vehicles(**mapping: Any) -> Feed:
    """A feed of vehicles with the least mapping, and more columns."""
    return feed(
        kind="vehicle", mapping={"vehicle_id": "id", "latitude": "location", "longitude": "location", **mapping}
    )


def read(*bodies: bytes, of: Feed | None = None, now: datetime = NOW) -> Batch:
    return read_one(ADAPTER, of or feed(), now, *bodies)


def entity(**attributes: Any) -> bytes:
    """One entity with a good position."""
    return json.dumps(
        [
            {
                "id": "urn:ngsi-ld:Thing:1",
                "type": "Thing",
                "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [-0.76, 52.04]}},
                **attributes,
            }
        ]
    ).encode()


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / "ngsi-ld" / name)


# Real examples, by the mappings we bring along


@pytest.mark.parametrize(
    ("name", "station", "wind_from", "rejects", "warnings"),
    [
        ("airqualityobserved-ld.jsonld", AIR_ID, 186, {}, {"time_without_zone": 1, "unlisted_field": 5}),
        ("airqualityobserved-keyvalues.jsonld", AIR_ID, 180, {}, {"time_without_zone": 1}),
        (
            "airqualityobserved-v2.json",
            "Madrid-AmbientObserved-28079004-2016-03-15T11:00:00",
            176,
            # The v2 example writes a precipitation of false.
            {"value_unreadable": 1},
            {"time_without_zone": 1, "unlisted_field": 5, "id_not_urn": 1},
        ),
    ],
)
def test_air_quality_gives_one_row_a_quantity(name, station, wind_from, rejects, warnings):
    """The same measurement in three shapes: the same quantities, humidity from 0..1 to percent, wind from m/s to km/h."""
    batch = read(sample(name))
    rows = known(batch)

    values = {row["quantity"]: (row["value"], row.get("unit"), row.get("is_suspect")) for row in rows}
    expected = {
        "no": (45.0, "µg/m³", False),
        "no2": (69.0, "µg/m³", False),
        "nox": (139.0, "µg/m³", False),
        "so2": (11.0, "µg/m³", False),
        "co": (500.0, "mg/m³", True),
        "temperature": (12.2, "°C", False),
        "humidity": (54.0, "%", False),
        "wind_speed": (2.304, "km/h", False),
        "wind_direction": (wind_from, "deg", False),
        "air_quality_index": (65.0, None, None),
    }
    if not rejects:
        expected["precipitation"] = (0.0, "mm", False)
    assert values == expected
    assert {row["station_id"] for row in rows} == {station}
    assert {(row["latitude"], row["longitude"]) for row in rows} == {(40.423852777777775, -3.712247222222222)}
    assert {row["observed_at"] for row in rows} == {"2016-03-15T11:00:00Z"}
    assert (batch.rejects, batch.warnings) == (rejects, warnings)


def test_a_zone_of_the_feed_settles_times_without_one():
    """Madrid's eleven o'clock is ten in UTC, and nothing is assumed any more."""
    batch = read(sample("airqualityobserved-ld.jsonld"), of=feed(zone="Europe/Madrid"))

    assert {row["observed_at"] for row in known(batch)} == {"2016-03-15T10:00:00Z"}
    assert "time_without_zone" not in batch.warnings


def test_fleet_vehicle_becomes_a_vehicle_without_its_driver():
    """Battery 0..1 to percent, miles to metres, relationship as identity; the operative's name stands nowhere."""
    batch = read(sample("fleetvehiclestatus-ld.jsonld"))

    assert known(batch) == [
        {
            "vehicle_key": "ngsi:84c6a3a8-5aa6-11e8-bedc-27e105edd16f",
            "vehicle_id": "84c6a3a8-5aa6-11e8-bedc-27e105edd16f",
            "feed": "ngsi",
            "vehicle_type": "shuttle",
            "latitude": 39.75621,
            "longitude": -104.99404,
            "heading_deg": 80.0,
            "heading_source": "reported",
            "speed_kmh": 60.0,
            "speed_source": "reported",
            "odometer_m": 30184856.064,
            "battery_percent": 81.0,
            "state": "idle",
            "state_reported": "finished",
            "observed_at": "2016-08-28T10:18:16Z",
            "received_at": "2026-03-02T12:00:30Z",
        }
    ]
    assert "John" not in str(batch)


def test_drone_speed_stated_by_unit_text_is_metres_a_second():
    """unitText MTS makes 50 m/s of it; the owner, a property with an object, is dropped."""
    batch = read(sample("uav-ld.jsonld"))
    (row,) = known(batch)

    assert (row["vehicle_type"], row["label"], row["state"], row["altitude_m"]) == (
        "drone",
        "Yellow1",
        "working",
        1000.0,
    )
    assert (row["speed_kmh"], row["latitude"], row["longitude"]) == (180.0, 39.7564, -103.9904)
    assert row["observed_at"] == "2016-08-23T10:18:16Z"
    assert batch.warnings == {"property_with_object": 1, "unlisted_field": 4}
    assert "Person" not in str(batch)


@pytest.mark.parametrize("name", ["offstreetparking-ld.jsonld", "offstreetparking-v2-keyvalues.json"])
def test_car_park_gives_free_total_and_occupancy(name):
    """Occupancy of 0.68 is 68 %; the count's own time counts."""
    rows = known(read(sample(name)))

    assert [(r["quantity"], r["value"], r.get("unit"), r["observed_at"]) for r in rows] == [
        ("parking_spaces_free", 132.0, None, "2018-09-21T12:00:00Z"),
        ("parking_spaces_total", 414.0, None, "2018-09-21T12:00:00Z"),
        ("occupancy", 68.0, "%", "2018-09-21T12:00:00Z"),
    ]


# Real examples of types we bring no mapping for: the feed file's own

PLACE = {"latitude": "location", "longitude": "location"}
OWN: dict[str, tuple[dict[str, Any], list[dict[str, Any]], dict[str, int]]] = {
    "noisepollution-ld.jsonld": (
        {
            "mapping": {"station_id": "id", **PLACE, "observed_at": "dateObservedTo"},
            "quantities": {"noise": {"attr": "Laeq2", "unit": "dB"}},
        },
        [
            {
                "quantity": "noise",
                "value": 85.0,
                "unit": "dB",
                "observed_at": "2022-07-01T12:40:01Z",
                "latitude": 43.68056738083439,
            }
        ],
        {},
    ),
    "trafficflowobserved-ld.jsonld": (
        {
            "mapping": {"station_id": "id", **PLACE, "observed_at": "dateObservedTo"},
            "quantities": {
                "traffic_speed": {"attr": "averageVehicleSpeed", "unit": "km/h"},
                "occupancy": {"attr": "occupancy", "unit": "fraction"},
                "vehicles": "intensity",
            },
        },
        [
            {"quantity": "traffic_speed", "value": 52.6, "unit": "km/h", "longitude": -4.735751270898325},
            {"quantity": "occupancy", "value": 76.0, "unit": "%", "observed_at": "2016-12-07T11:15:00Z"},
            {"quantity": "vehicles", "value": 197.0},
        ],
        {},
    ),
    "wastecontainer-ld.jsonld": (
        {
            "mapping": {"station_id": "id", **PLACE, "observed_at": "binLoggedTime"},
            "quantities": {"bin_fullness_threshold": {"attr": "binFullnessThreshold", "unit": "%"}},
        },
        [
            {
                "value": 80.0,
                "unit": "%",
                "observed_at": "2021-03-11T10:21:02Z",
                "station_id": "urn:ngsi-ld:wastecontainer:1021:AAWD",
            }
        ],
        {},
    ),
    "wastecontainer-keyvalues.json": (
        {
            "mapping": {"station_id": "binId", **PLACE, "observed_at": "binLoggedTime"},
            "quantities": {"bin_capacity": "binCapacity"},
        },
        [{"value": 43.0, "observed_at": "2021-03-01T10:21:02Z", "station_id": "12", "latitude": 42.60214472222222}],
        {},
    ),
    "device-ld.jsonld": (
        {
            "mapping": {"station_id": "id"},
            "quantities": {"battery": {"attr": "batteryLevel", "unit": "fraction", "to": "%"}},
        },
        [{"value": 75.0, "unit": "%", "station_id": "urn:ngsi-ld:Device:device-9845A"}],
        {},
    ),
    "evchargingstation-ld.jsonld": (
        {
            "mapping": {"station_id": "id", "title": "name", **PLACE, "observed_at": "observationDateTime"},
            "quantities": {"charging_power": "powerConsumption"},
        },
        [
            {
                "title": "Agencia de Innovación",
                "value": 10.0,
                "observed_at": "2022-06-28T14:57:29Z",
                "latitude": 41.618265,
            }
        ],
        {},
    ),
    "robot-state-geopoint.json": (
        {
            "kind": "vehicle",
            "mapping": {
                "vehicle_id": "id",
                "latitude": "pose.geographicPoint.latitude",
                "longitude": "pose.geographicPoint.longitude",
                "battery_percent": "battery.remainingPercentage",
                "observed_at": "commandTime",
            },
        },
        [{"latitude": 3.402, "longitude": 1.015, "battery_percent": 75.4, "observed_at": "2019-06-06T23:39:40.064Z"}],
        {},
    ),
    "robot-state-ld.jsonld": (
        {
            "kind": "vehicle",
            "mapping": {
                "vehicle_id": "id",
                **PLACE,
                "battery_percent": "battery.remainingPercentage",
                "observed_at": "commandTime",
            },
        },
        [],
        {"position_missing": 1},
    ),
    "uav-event-ld.jsonld": (
        {
            "kind": "event",
            "mapping": {"event_id": "id", "title": "eventType", **PLACE, "starts_at": "startAt", "ends_at": "endAt"},
        },
        [
            {
                "title": "overHeight",
                "starts_at": "2016-08-23T10:18:16Z",
                "ends_at": "2016-08-23T10:19:16Z",
                "latitude": 39.7564,
            }
        ],
        {},
    ),
    "citywork-ld.jsonld": (
        {
            "kind": "disruption",
            "mapping": {
                "disruption_id": "id",
                "title": "name",
                **PLACE,
                "active_from": "startDate",
                "active_until": "endDate",
                "disruption_type": {"constant": "roadworks"},
                "observed_at": "dateLastReported",
            },
        },
        [
            {
                "title": "Nce-Airport-CW2020Q2-006",
                "active_from": "2020-03-17T08:45:00Z",
                "active_until": "2020-04-22T18:45:00Z",
                "disruption_type": "roadworks",
                "observed_at": "2020-04-02T10:30:00Z",
            }
        ],
        {},
    ),
    "open311-service-request-ld.jsonld": (
        {
            "kind": "disruption",
            "mapping": {
                "disruption_id": "service_request_id",
                "title": "service_name",
                **PLACE,
                "active_until": "expected_datetime",
            },
        },
        [],
        # "…-08:00Z" is no time in any zone.
        {"time_unreadable": 1},
    ),
}


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_type_without_our_mapping_is_read_by_the_feeds_own(name):
    """Exact values of each published example, or the named reason why it cannot be a row."""
    options, rows, rejects = OWN[name]
    batch = read(sample(name), of=feed(**options))

    assert batch.rejects == rejects
    assert [{n: row[n] for n in want} for row, want in zip(batch.table.to_records(), rows, strict=True)] == rows


def test_every_published_example_is_covered():
    """No sample of the standard is left untested."""
    if not SAMPLES.exists():
        pytest.skip("the real samples are not on this machine")
    ours = {"airqualityobserved-ld.jsonld", "airqualityobserved-keyvalues.jsonld", "airqualityobserved-v2.json"}
    ours |= {
        "fleetvehiclestatus-ld.jsonld",
        "uav-ld.jsonld",
        "offstreetparking-ld.jsonld",
        "offstreetparking-v2-keyvalues.json",
    }

    assert {path.name for path in (SAMPLES / "ngsi-ld").iterdir()} == ours | set(OWN)


def test_an_unmapped_type_is_counted_by_name():
    """A type that nobody mapped makes no row and says which it was."""
    batch = read(entity())

    assert (len(batch.table), batch.rejects, batch.offending) == (0, {"type_unmapped": 1}, {"type_unmapped": "Thing"})


# Shapes and dirt


@pytest.mark.parametrize(
    "speed",
    [
        {"type": "Property", "value": 10, "unitCode": "MTS"},
        {"value": 10, "unitCode": "MTS"},
        {"type": "Number", "value": 10, "metadata": {"unitCode": {"type": "Text", "value": "MTS"}}},
        {"type": "Property", "value": "36"},
        36,
        [{"type": "Property", "value": 99, "datasetId": "urn:x"}, {"type": "Property", "value": 36}],
    ],
)
def test_each_shape_of_a_property_gives_the_same_value(speed):
    """Normalised, concise, v2, text, key-values and several instances: 36 km/h."""
    assert known(read(entity(speed=speed), of=vehicles(speed_kmh="speed")))[0]["speed_kmh"] == 36.0


@pytest.mark.parametrize(
    "spelling", ["DateTime", "Date-Time", "date-time", "https://uri.etsi.org/ngsi-ld/DateTime", None]
)
def test_nested_times_are_read_however_their_type_is_spelt(spelling):
    """The wrapping counts, not its word."""
    value = {"type": "Property", "value": {"@type": spelling, "@value": "2026-03-02T12:00:00Z"}}
    rows = known(read(entity(at=value), of=vehicles(observed_at="at")))

    assert rows[0]["observed_at"] == "2026-03-02T12:00:00Z"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("urn:a", "urn:a"),
        (["urn:a"], "urn:a"),
        (["urn:a", "urn:b"], "urn:a"),
    ],
)
def test_relationships_are_a_text_or_a_list(target, expected):
    """Of several the first, and it is said."""
    batch = read(entity(route={"type": "Relationship", "object": target}), of=vehicles(route_id="route"))

    assert known(batch)[0]["route_id"] == expected
    assert batch.warnings.get("several_values", 0) == (len(target) == 2)


def test_of_a_language_map_english_is_taken():
    """en-GB before another language that stands first; without English the first."""
    both = {"type": "LanguageProperty", "languageMap": {"fr": "gare", "en-GB": "station"}}
    one = {"languageMap": {"fr": "gare"}}

    assert known(read(entity(to=both), of=vehicles(destination="to")))[0]["destination"] == "station"
    assert known(read(entity(to=one), of=vehicles(destination="to")))[0]["destination"] == "gare"


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        (
            {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [10.0, 168.0]}}},
            "position_out_of_range",
        ),
        ({"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [0, 0]}}}, "position_zero"),
        (
            {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": ["x", "y"]}}},
            "position_unreadable",
        ),
        ({"location": None}, "position_missing"),
        ({"at": "2010-04-15T06:37:38-08:00Z"}, "time_unreadable"),
        ({"at": "1970-01-01T00:00:00Z"}, "time_unreadable"),
        ({"at": "2026-03-02T12:02:00Z"}, "time_in_future"),
        ({"name": "call 01908 691691"}, "personal_data"),
    ],
)
def test_rows_that_cannot_be_used_are_left_out_by_reason(attributes, reason):
    """Each is counted once under its name, and no row comes of it."""
    batch = read(entity(**attributes), of=vehicles(observed_at="at", label="name"))

    assert (len(batch.table), batch.rejects) == (0, {reason: 1})


def test_personal_data_never_reaches_the_log():
    """The offending value of such a row names the column, not what stood there."""
    batch = read(entity(name="jo@example.org"), of=vehicles(label="name"))

    assert batch.offending == {"personal_data": "in label"}


@pytest.mark.parametrize(
    ("attributes", "warning"),
    [
        ({"speed": {"value": 5, "unitCode": "KGM"}}, "speed_kmh_unit_unfit"),
        ({"speed": 9999}, "speed_kmh_out_of_range"),
        ({"speed": True}, "speed_kmh_unreadable"),
        ({"mode": "levitating"}, "drive_mode_word_unknown"),
        ({"extra": 1}, "unlisted_field"),
    ],
)
def test_odd_values_become_unknown_and_are_counted(attributes, warning):
    """The row stands, the value does not."""
    batch = read(entity(**attributes), of=vehicles(speed_kmh="speed", drive_mode="mode"))
    (row,) = known(batch)

    assert {**batch.warnings} == {warning: 1, "time_missing": 1}
    assert "speed_kmh" not in row
    assert "drive_mode" not in row


def test_missing_is_not_zero():
    """A speed of 0 is a shuttle standing still; none is unknown."""
    still = known(read(entity(speed=0), of=vehicles(speed_kmh="speed")))[0]
    silent = known(read(entity(), of=vehicles(speed_kmh="speed")))[0]

    assert still["speed_kmh"] == 0.0
    assert "speed_kmh" not in silent


def test_of_an_entity_that_came_twice_the_newest_is_kept():
    """Pages may overlap while the broker changes."""
    old, new = (entity(speed=s, at=f"2026-03-02T12:00:0{s}Z") for s in (1, 2))
    batch = read(new, old, of=vehicles(speed_kmh="speed", observed_at="at"))

    assert [row["speed_kmh"] for row in known(batch)] == [2.0]
    assert batch.rejects == {"duplicate": 1}


def test_types_of_two_kinds_make_two_batches():
    """One broker may bring vehicles and air; each kind counts its own rejects."""
    body = json.dumps(
        [
            {
                "id": "urn:ngsi-ld:StreetCavShuttle:S1",
                "type": "StreetCavShuttle",
                "location": {"type": "Point", "coordinates": [-0.7, 52]},
            },
            {"id": "urn:ngsi-ld:AirQualityObserved:1", "type": "https://uri.example/AirQualityObserved", "pm25": 750},
            {"id": "urn:ngsi-ld:AirQualityObserved:2", "type": ["AirQualityObserved"]},
            "not an entity",
        ]
    ).encode()
    batches = {batch.kind.name: batch for batch in observe([decode(body)], feed(), NOW)}

    assert len(batches["vehicle"].table) == 1
    assert [(r["value"], r["is_suspect"]) for r in batches["environment"].table.to_records()] == [(750.0, True)]
    assert batches["environment"].rejects == {"quantities_missing": 1}
    assert batches["vehicle"].rejects == {"entity_unreadable": 1}


def test_an_empty_list_is_an_answer():
    """No entities, no rows, nothing rejected."""
    batch = read(b"[]")

    assert (len(batch.table), batch.rejects, batch.kind.name) == (0, {}, "environment")


# Paging


def test_pages_are_asked_by_offset_until_one_is_short():
    """Over real HTTP: three pages of two, two and one, with the other parameters kept."""
    all_of_them = [
        {"id": f"urn:ngsi-ld:AirQualityObserved:{n}", "type": "AirQualityObserved", "no2": n} for n in range(5)
    ]

    def choose(request: Request) -> bytes:
        query = parse_qs(urlsplit(request.target).query)
        offset = int(query.get("offset", ["0"])[0])
        return reply(json.dumps(all_of_them[offset : offset + 2]).encode(), content_type="application/ld+json")

    async def ask() -> tuple[Batch, list[str]]:
        async with serve(choose) as exchange, Fetcher() as fetcher:
            described = Feed(
                name="air",
                adapter="ngsi_ld",
                url=exchange.url("/ngsi-ld/v1/entities"),
                params={"type": "AirQualityObserved", "limit": "2"},
                allow_private=True,
            )
            pages = await fetcher.fetch(patient(described), ADAPTER)
            (batch,) = observe([p.decoded if p.is_decoded else decode(p.payload.body) for p in pages], described, NOW)
            return batch, [r.target for r in exchange.requests]

    batch, targets = asyncio.run(ask())
    assert batch.table["value"].tolist() == [0, 1, 2, 3, 4]
    assert [parse_qs(urlsplit(t).query) for t in targets] == [
        {"type": ["AirQualityObserved"], "limit": ["2"]},
        {"type": ["AirQualityObserved"], "limit": ["2"], "offset": ["2"]},
        {"type": ["AirQualityObserved"], "limit": ["2"], "offset": ["4"]},
    ]


@pytest.mark.parametrize("query", ["", "?limit=0", "?limit=x", "?limit=2&offset=-1", "?limit=99999999999999999"])
def test_without_a_usable_limit_there_is_one_page(query):
    """Nothing is guessed about paging."""
    assert next_url(decode(entity()), f"https://broker.example/entities{query}") is None


# Options and bodies


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "vehicle", "mapping": {"vehicle_id": "id", "wheels": "w"}}, "'wheels' is no column of kind vehicle"),
        ({"kind": "vehicle", "mapping": {"vehicle_id": "id", "feed": "w"}}, "'feed' is filled in by us"),
        ({"kind": "vehicle", "mapping": {"latitude": "a"}}, "mapping needs vehicle_id"),
        ({"kind": "crime", "mapping": {"area": "a"}}, "'crime' is not one of"),
        ({"mapping": "Unheard"}, "'Unheard' is none of ours"),
        ({"mapping": {"station_id": "id"}}, "either quantities"),
        (
            {"mapping": {"station_id": "id"}, "quantities": {"no2": {"attr": "a", "unit": "furlong"}}},
            "'furlong' is not known",
        ),
        (
            {"mapping": {"station_id": "id"}, "quantities": {"no2": {"attr": "a", "unit": "m/s"}}},
            "cannot be turned into",
        ),
        ({"mapping": {"station_id": "id"}, "quantities": {False: "no"}}, 'write the quantity "no" in quotes'),
        ({"kind": "vehicle", "mapping": {"vehicle_id": "license_plate"}}, "about a person"),
        (
            {
                "kind": "vehicle",
                "mapping": {"vehicle_id": "id", "drive_mode": {"attr": "m", "values": {"x": "flying"}}},
            },
            "'flying'",
        ),
        (
            {"kind": "vehicle", "mapping": {"vehicle_id": "id", "label": {"attr": "m", "eval": "1"}}},
            "is no option here",
        ),
        ({"zone": "Mars/Olympus"}, "zone 'Mars/Olympus' is not known"),
        ({"surprise": 1}, "surprise: is no option here"),
    ],
)
def test_wrong_options_are_refused_when_the_feed_file_is_read(tmp_path, options, said):
    """One sentence that names file, feed and what is wrong; an answer read without a feed file says the same."""
    path = tmp_path / "feeds.yaml"
    item = {"name": "ngsi", "adapter": "ngsi_ld", "url": "http://localhost/", "options": options}
    path.write_text(yaml.safe_dump({"feeds": [item]}), encoding="utf-8")

    with pytest.raises(FeedFileError) as caught:
        read_feed_file(path)
    assert str(caught.value).startswith(f"{path}: feed ngsi: options: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(PayloadError) as refused:
        observe([decode(b"[]")], feed(**{str(k): v for k, v in options.items()}), NOW)
    assert refused.value.reason == "options_wrong"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"<html>", "not_json"),
        (b'"text"', "not_ngsi"),
        (b'{"rows": []}', "not_ngsi"),
        (b"[1, 2]", "not_ngsi"),
        (b'{"type": "https://uri.etsi.org/ngsi-ld/errors/BadRequestData", "title": "Bad Request"}', "ngsi_problem"),
    ],
)
def test_bodies_that_are_no_answer_are_refused_by_name(body, reason):
    """An error body is no empty answer."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_our_own_mappings_name_real_columns():
    """Every file of the folder is sound, and those the city needs are there."""
    assert {"AirQualityObserved", "FleetVehicleStatus", "KeyPerformanceIndicator", "OffStreetParking"} <= set(
        list_builtin()
    )
    assert {"StreetCavShuttle", "UnmannedAerialVehicle"} <= set(list_builtin())
    assert all(mapping.kind in KINDS for mapping in list_builtin().values())


def test_no_other_standard_takes_our_examples_and_we_take_no_other():
    """A bare file is recognised by at most one adapter."""
    if not SAMPLES.exists():
        pytest.skip("the real samples are not on this machine")
    assert get_adapter("ngsi_ld").looks_like(entity())
    for path in SAMPLES.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            takers = [a.name for a in list_adapters().values() if a.looks_like(body)]
            assert len(takers) <= 1, (path.name, takers)
            assert ("ngsi_ld" in takers) <= (path.parent.name == "ngsi-ld"), path.name


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "value",
                    "object",
                    "languageMap",
                    "@value",
                    "coordinates",
                    "unitCode",
                    "observedAt",
                    "metadata",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(location=json_values, speed=json_values, at=json_values, route=json_values)
def test_any_attribute_gives_a_row_or_a_named_reason(location, speed, at, route):
    """Whatever stands in an attribute: a row, or one counted reject; never an exception."""
    item = {"id": "urn:x", "type": "T", "location": location, "speed": speed, "at": at, "route": route}
    body = json.dumps([item]).encode("utf-8", "surrogatepass")
    try:
        batch = read(body, of=vehicles(speed_kmh="speed", observed_at="at", route_id="route"))
    except PayloadError:
        return
    assert len(batch.table) + sum(batch.rejects.values()) == 1


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else ever comes out."""
    try:
        page = decode(body)
        observe([page], feed(), NOW)
        next_url(page, "https://broker.example/?limit=1")
    except PayloadError:
        pass
    looks_like(body)
