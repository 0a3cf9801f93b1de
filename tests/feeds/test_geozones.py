"""Geozones: the real ED-269 file, both standards, limits, periods, and files that are none."""

from __future__ import annotations

import copy
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.feed import Feed, PayloadError, list_adapters
from feeds.geozones import decode, observe
from tests.feeds.json_noise import spoiled
from tests.feeds.reading import only

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "drones"
# A Monday.
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FEED = Feed(name="zones", adapter="geozones", url="http://localhost/zones")
RING = [[-0.76, 52.04], [-0.75, 52.04], [-0.75, 52.05], [-0.76, 52.05], [-0.76, 52.04]]

ZONE: dict[str, Any] = {
    "identifier": "TST001",
    "country": "GBR",
    "name": "Test zone",
    "type": "COMMON",
    "restriction": "PROHIBITED",
    "reason": ["SENSITIVE", "AIR_TRAFFIC"],
    "message": "call Mr Smith",
    "applicability": [{"permanent": "YES", "startDateTime": None, "endDateTime": None, "dailyPeriod": []}],
    "zoneAuthority": [{"name": "A", "contactName": "Mr Smith", "phone": "0041221234567", "email": "smith@example.org"}],
    "geometry": [
        {
            "uomDimensions": "M",
            "lowerLimit": "0",
            "lowerVerticalReference": "AGL",
            "upperLimit": "120",
            "upperVerticalReference": "AMSL",
            "horizontalProjection": {"type": "Polygon", "coordinates": [RING]},
        }
    ],
}
FEATURE: dict[str, Any] = {
    "type": "Feature",
    "properties": {
        "identifier": "TST002",
        "country": "GBR",
        "name": [{"text": "Zone d'essai", "lang": "fr-FR"}, {"text": "Test zone", "lang": "en-GB"}],
        "type": "REQ_AUTHORIZATION",
        "variant": "COMMON",
        "reason": ["POPULATION"],
        "limitedApplicability": [{"startDateTime": "2026-03-02T10:00:00Z", "endDateTime": "2026-03-02T18:00:00Z"}],
        "dataSource": {"creationDateTime": "2026-02-01T00:00:00Z", "updateDateTime": "2026-03-01T00:00:00Z"},
    },
    "geometry": {
        "type": "Point",
        "coordinates": [-0.7335, 52.0096],
        "extent": {"subType": "Circle", "radius": 500},
        "layer": {"lower": 0, "lowerReference": "AGL", "upper": 400, "upperReference": "AMSL", "uom": "ft"},
    },
}


def zone(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ZONE), **changes}


def volume(**changes: Any) -> dict[str, Any]:
    """The zone with changes to its one volume."""
    return zone(geometry=[{**ZONE["geometry"][0], **changes}])


def feature(geometry: Any = None, **properties: Any) -> dict[str, Any]:
    made = copy.deepcopy(FEATURE)
    made["properties"].update(properties)
    made["geometry"] = geometry or made["geometry"]
    return made


def ed269(*zones: Any, **more: Any) -> bytes:
    return json.dumps({"formatVersion": "1.0.0", "UASZoneList": list(zones), **more}).encode()


def ed318(*features: Any) -> bytes:
    whole = {"type": "FeatureCollection", "metadata": {"issued": "2026-03-02T00:00:00Z"}, "features": list(features)}
    return json.dumps(whole).encode()


def read(body: bytes, now: datetime = NOW) -> Batch:
    (batch,) = observe([decode(body)], FEED, now)
    return batch


def period(applicability: Any, now: datetime = NOW) -> tuple[Any, Any, dict[str, int]]:
    batch = read(ed269(zone(applicability=applicability)), now)
    found = only(batch)
    return found.get("active_from"), found.get("active_until"), dict(batch.warnings)


def test_the_real_file_gives_its_zone():
    """One zone by authorisation from the ground without ceiling; its lower limit is a text, its upper null."""
    path = SAMPLES / "geozone-ed269.json"
    if not path.exists():
        pytest.skip("the real samples are not on this machine")
    batch = read(path.read_bytes())
    found = only(batch)

    assert json.loads(found.pop("geometry")) == {
        "type": "Polygon",
        "coordinates": [
            [
                [6.166485701899006, 46.217024450605436],
                [6.167929158182119, 46.212280093834295],
                [6.170816070746923, 46.214777174806045],
                [6.170695782723101, 46.21802321032931],
                [6.166485701899006, 46.217024450605436],
            ]
        ],
    }
    assert found == {
        "airspace_key": "zones:CHE:LSXX:1",
        "airspace_id": "LSXX",
        "airspace_type": "geozone",
        "feed": "zones",
        "title": "LSXX City Sample",
        "restriction": "req_authorisation",
        "reasons": "AIR_TRAFFIC",
        "lower_m": 0,
        "lower_reference": "AGL",
        "latitude": 46.2151517,
        "longitude": 6.1686509,
        "observed_at": "2022-11-30T14:50:33Z",
        "received_at": "2026-03-02T12:00:00Z",
    }
    assert (batch.rejects, batch.warnings) == ({}, {})
    assert batch.published_at == datetime(2022, 11, 30, 14, 50, 33, tzinfo=UTC)


def test_an_ed318_feature_arrives_in_the_citys_words():
    """Feet become metres, the other spelling the same word, the English name is taken, the period stands."""
    found = only(read(ed318(FEATURE)))
    found.pop("geometry")

    assert found == {
        "airspace_key": "zones:GBR:TST002:1",
        "airspace_id": "TST002",
        "airspace_type": "geozone",
        "feed": "zones",
        "title": "Test zone",
        "restriction": "req_authorisation",
        "reasons": "POPULATION",
        "lower_m": 0,
        "lower_reference": "AGL",
        "upper_m": 121.92,
        "upper_reference": "AMSL",
        "active_from": "2026-03-02T10:00:00Z",
        "active_until": "2026-03-02T18:00:00Z",
        "latitude": 52.0096,
        "longitude": -0.7335,
        "observed_at": "2026-03-01T00:00:00Z",
        "received_at": "2026-03-02T12:00:00Z",
    }


@pytest.mark.parametrize(
    ("word", "restriction"),
    [
        ("PROHIBITED", "prohibited"),
        ("REQ_AUTHORISATION", "req_authorisation"),
        ("REQ_AUTHORIZATION", "req_authorisation"),
        ("CONDITIONAL", "conditional"),
        ("NO_RESTRICTION", "no_restriction"),
    ],
)
def test_restrictions_have_both_spellings_in_both_standards(word, restriction):
    """With S or with Z, in `restriction` or in `type`."""
    assert only(read(ed269(zone(restriction=word))))["restriction"] == restriction
    assert only(read(ed318(feature(type=word))))["restriction"] == restriction


def test_an_unknown_restriction_keeps_the_zone():
    """Better a zone of unknown meaning than none; the type of an ED-269 zone means something else."""
    batch = read(ed269(zone(restriction="MAYBE"), zone(identifier="B", restriction=None, type="PROHIBITED")))

    assert batch.table["restriction"].tolist() == ["unknown", "unknown"]
    assert batch.warnings == {"restriction_unknown": 2}


@pytest.mark.parametrize("value", [None, 99999, "99999", 99999.0, "99999.0"])
def test_null_and_five_nines_are_unlimited(value):
    """In either unit, as number or text: no ceiling, and no reference of one."""
    for unit in ("M", "FT"):
        batch = read(ed269(volume(upperLimit=value, uomDimensions=unit)))
        assert "upper_m" not in only(batch)
        assert "upper_reference" not in only(batch)
        assert batch.warnings == {}


@pytest.mark.parametrize(("value", "metres"), [("120", 120), (120, 120), ("-5.5", -5.5), (0, 0), ("0", 0)])
def test_limits_may_be_texts(value, metres):
    """Zero is a limit."""
    assert only(read(ed269(volume(upperLimit=value, lowerLimit=None))))["upper_m"] == metres


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"upperLimit": "high"}, "upper_unreadable"),
        ({"upperLimit": True}, "upper_unreadable"),
        ({"upperLimit": "1e9999"}, "upper_unreadable"),
        ({"lowerLimit": {}}, "lower_unreadable"),
        ({"uomDimensions": "FURLONG", "lowerLimit": None}, "upper_unreadable"),
        ({"upperVerticalReference": "QNH"}, "upper_reference_unknown"),
        ({"lowerVerticalReference": None}, "lower_reference_unknown"),
    ],
)
def test_a_limit_that_cannot_be_read_is_left_open_and_counted(changes, warning):
    """The zone stays and is too large rather than too small."""
    batch = read(ed269(volume(**changes)))

    assert f"{warning.split('_')[0]}_m" not in only(batch)
    assert dict(batch.warnings) == {warning: 1}


def test_a_circle_becomes_thirty_two_points_on_it():
    """Each 500 m from the middle, the last the first again; in feet the radius is in feet."""
    circle = {"type": "Circle", "center": [-0.7335, 52.0096], "radius": 500}
    for body, metres in (
        (ed269(volume(horizontalProjection=circle)), 500),
        (ed269(volume(horizontalProjection={**circle, "radius": "1000"}, uomDimensions="FT")), 304.8),
        (ed318(FEATURE), 500),
    ):
        found = only(read(body))
        [ring] = json.loads(found["geometry"])["coordinates"]
        assert len(ring) == 33 and ring[0] == ring[-1] and len({tuple(p) for p in ring}) == 32
        for longitude, latitude in ring:
            north, east = (
                (latitude - 52.0096) * 111_320,
                (longitude + 0.7335) * 111_320 * math.cos(math.radians(52.0096)),
            )
            assert math.hypot(north, east) == pytest.approx(metres, abs=0.1)
        assert (found["latitude"], found["longitude"]) == (52.0096, -0.7335)


def test_every_volume_of_a_zone_is_a_row():
    """Two volumes of ED-269, a multi-polygon and a collection of ED-318; an open ring is closed."""
    two = zone(geometry=[ZONE["geometry"][0], {**ZONE["geometry"][0], "upperLimit": "50"}])
    layer = FEATURE["geometry"]["layer"]
    multi = {"type": "MultiPolygon", "coordinates": [[RING], [RING[:-1]]], "layer": layer}
    several = {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": [RING], "layer": layer}]}

    batch = read(ed269(two))
    assert batch.table["airspace_key"].tolist() == ["zones:GBR:TST001:1", "zones:GBR:TST001:2"]
    assert batch.table["upper_m"].tolist() == [120, 50]
    layered = read(ed318(feature(multi), feature(several, identifier="TST003")))
    assert len(layered.table) == 3
    assert len(set(layered.table["geometry"].tolist())) == 1


# Periods


def test_a_permanent_zone_is_always_in_force():
    """Also where no period is stated at all, or the sample's empty daily period."""
    empty = [{"day": [], "startTime": None, "endTime": None}]
    for said in (ZONE["applicability"], [{"permanent": "YES", "dailyPeriod": empty}], [], None):
        assert period(said) == (None, None, {})


def test_of_several_periods_the_one_that_holds_counts_then_the_next_then_the_last():
    """Judged at the moment of receipt."""
    said = [
        {"permanent": "NO", "startDateTime": f"2026-03-0{day}T10:00:00Z", "endDateTime": f"2026-03-0{day}T14:00:00Z"}
        for day in (1, 2, 4)
    ]
    assert period(said)[0] == "2026-03-02T10:00:00Z"
    assert period(said, NOW.replace(hour=15))[0] == "2026-03-04T10:00:00Z"
    assert period(said, NOW.replace(day=9))[0] == "2026-03-04T10:00:00Z"


@pytest.mark.parametrize(
    ("daily", "starts", "ends"),
    [
        ({"day": ["ANY"], "startTime": "08:00:00Z", "endTime": "16:00:00Z"}, "2026-03-02T08:00", "2026-03-02T16:00"),
        ({"day": ["MON"], "startTime": "13:00Z", "endTime": "14:00Z"}, "2026-03-02T13:00", "2026-03-02T14:00"),
        (
            {"day": ["TUE"], "startTime": "08:00:00.00Z", "endTime": "09:00:00.00Z"},
            "2026-03-03T08:00",
            "2026-03-03T09:00",
        ),
        ({"day": ["SUN"], "startTime": "22:00", "endTime": "13:00"}, "2026-03-01T22:00", "2026-03-02T13:00"),
        (
            {"day": ["MON"], "startTime": "14:00+02:00", "endTime": "15:00+02:00"},
            "2026-03-02T12:00",
            "2026-03-02T13:00",
        ),
        ({"day": ["MON"]}, "2026-03-02T00:00", "2026-03-03T00:00"),
    ],
)
def test_daily_times_are_unrolled_around_now(daily, starts, ends):
    """On the days they name, past midnight, in UTC unless they say otherwise."""
    assert period([{"permanent": "YES", "dailyPeriod": [daily]}]) == (f"{starts}:00Z", f"{ends}:00Z", {})


def test_daily_times_lie_within_their_dates():
    """A schedule that begins next month is shown by its first day, cut to its dates."""
    daily = [{"day": ["ANY"], "startTime": "08:00:00Z", "endTime": "16:00:00Z"}]
    said = [
        {
            "permanent": "NO",
            "startDateTime": "2026-04-10T10:00:00Z",
            "endDateTime": "2026-05-10T12:00:00Z",
            "dailyPeriod": daily,
        }
    ]
    assert period(said) == ("2026-04-10T10:00:00Z", "2026-04-10T16:00:00Z", {})


@pytest.mark.parametrize(
    ("said", "warning"),
    [
        ({"startDateTime": "soon", "endDateTime": None}, "period_unreadable"),
        ({"startDateTime": 5, "endDateTime": None}, "period_unreadable"),
        ({"startDateTime": "2026-03-05T00:00:00Z", "endDateTime": "2026-03-01T00:00:00Z"}, "period_backwards"),
        ({"schedule": [{"day": ["ANY"], "startEvent": "SR", "endEvent": "SS"}]}, "schedule_event"),
        ({"schedule": [{"day": ["ANY"], "startTime": "25:00"}]}, "schedule_unreadable"),
        ({"schedule": [{"day": ["FUNDAY"]}]}, "schedule_unreadable"),
    ],
)
def test_a_period_that_cannot_be_read_is_counted(said, warning):
    """And the zone stays."""
    assert warning in period([said])[2]


# Dirt


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (None, "row_unreadable"),
        (zone(identifier=None), "id_missing"),
        (zone(identifier="x" * 121), "id_too_long"),
        (zone(geometry=[]), "geometry_missing"),
        (zone(geometry=None), "geometry_missing"),
        (zone(geometry=["here"]), "geometry_unreadable"),
        (volume(horizontalProjection=None), "geometry_unreadable"),
        (volume(horizontalProjection={"type": "Polygon", "coordinates": []}), "geometry_unreadable"),
        (volume(horizontalProjection={"type": "Polygon", "coordinates": [RING[:2]]}), "geometry_unreadable"),
        (volume(horizontalProjection={"type": "Polygon", "coordinates": [[["0", "1"]]]}), "geometry_unreadable"),
        (volume(horizontalProjection={"type": "Polygon", "coordinates": [[[200, 52]] * 4]}), "geometry_unreadable"),
        (volume(horizontalProjection={"type": "LineString", "coordinates": RING}), "geometry_unsupported"),
        (volume(horizontalProjection={"type": "Polygon", "coordinates": [RING * 2_001]}), "geometry_too_long"),
        (volume(horizontalProjection={"type": "Circle", "center": [0, 52], "radius": 0}), "geometry_unreadable"),
        (volume(horizontalProjection={"type": "Circle", "center": [0, 52]}), "geometry_unreadable"),
        (volume(horizontalProjection={"type": "Circle", "center": [0, 52], "radius": 1e9}), "geometry_unreadable"),
        (ZONE, "duplicate"),
    ],
)
def test_a_zone_that_cannot_be_used_is_counted_and_the_next_stands(bad, reason):
    """One bad zone before a good one."""
    batch = read(ed269(bad, ZONE))

    assert only(batch)["airspace_id"] == "TST001"
    assert dict(batch.rejects) == {reason: 1}


def test_nobody_of_the_authority_passes_the_adapter():
    """Names, telephone, e-mail and free messages stay behind."""
    batch = read(ed269(ZONE))
    shown = json.dumps(batch.table.to_records()) + repr(batch)

    assert not [word for word in ("Smith", "0041", "example.org") if word in shown]


def test_a_layer_that_is_missing_leaves_the_zone_open():
    """No layer: from the ground without ceiling, which is what the standard lets one assume."""
    batch = read(ed318(feature({"type": "Polygon", "coordinates": [RING]})))

    assert not {"lower_m", "upper_m"} & set(only(batch))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"<html>", "not_json"),
        (b"[]", "not_object"),
        (b"{}", "not_geozones"),
        (b'{"UASZoneList": {}}', "not_geozones"),
    ],
)
def test_a_file_that_is_none_fails_as_a_whole(body, reason):
    """Each with its own word."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_a_file_without_zones_is_valid():
    """No zone is an answer."""
    assert len(read(ed269()).table) == 0


def test_only_this_adapter_knows_its_files():
    """Both standards, and the real file."""
    bodies = [ed269(ZONE), ed318(FEATURE)]
    if (SAMPLES / "geozone-ed269.json").exists():
        bodies.append((SAMPLES / "geozone-ed269.json").read_bytes())
    for body in bodies:
        assert [a.name for a in list_adapters().values() if a.looks_like(body)] == ["geozones"]


SCHEDULED = [{"startDateTime": "2026-03-01T00:00:00Z", "dailyPeriod": [{"day": ["MON"], "startTime": "08:00Z"}]}]


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200)
    | spoiled({"createdAt": "2026-03-02T00:00:00Z", "UASZoneList": [zone(applicability=SCHEDULED)]})
    | spoiled({"type": "FeatureCollection", "metadata": {"issued": "2026-03-02T00:00:00Z"}, "features": [FEATURE]})
)
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else is raised, and every row has an outline that can be read back."""
    try:
        batch = read(body)
    except PayloadError:
        return
    assert all(json.loads(text)["type"] == "Polygon" for text in batch.table["geometry"])
