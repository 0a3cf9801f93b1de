"""Shuttles, air, weather and footfall: their twins' answers through the team's own adapters, over real HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml
from google.transit import gtfs_realtime_pb2 as pb

from feeds.feed import Feed, list_adapters, read_feed_file
from feeds.ngsi_ld import decode, observe
from feeds.sandbox.city import View
from feeds.sandbox.happenings import in_hole
from feeds.sandbox.shuttle_movement import lap_s, shuttles_at
from feeds.sandbox.twins import Asked, Refusal, context_broker, footfall, shuttles, weather
from feeds.try_feed import try_feed
from tests.feeds.reading import patient
from tests.feeds.sandbox.conftest import MORNING

# ETSI GS CIM 009, clause 4.5: what a normalised entity must look like; the standard publishes no single schema file.
ENTITY = {
    "type": "object",
    "required": ["id", "type", "@context"],
    "properties": {
        "id": {"type": "string", "pattern": "^urn:ngsi-ld:"},
        "type": {"type": "string"},
        "@context": {"type": "string"},
    },
    "additionalProperties": {
        "oneOf": [
            {"properties": {"type": {"const": "Property"}}, "required": ["type", "value"]},
            {"properties": {"type": {"const": "Relationship"}}, "required": ["type", "object"]},
            {"properties": {"type": {"const": "LanguageProperty"}}, "required": ["type", "languageMap"]},
            {
                "properties": {
                    "type": {"const": "GeoProperty"},
                    "value": {"required": ["type", "coordinates"], "type": "object"},
                },
                "required": ["type", "value"],
            },
        ]
    },
}


def read_feeds(base: str, folder: Path) -> dict[str, Feed]:
    """The feeds our twins declare, as a dashboard would read them."""
    twins = (context_broker, weather, footfall)
    items = [item for module in twins for item in yaml.safe_load(module.TWIN.feeds.replace("{base}", base))]
    path = folder / "feeds.yaml"
    path.write_text(yaml.safe_dump({"defaults": {"allow_private": True}, "feeds": items}), encoding="utf-8")
    return {feed.name: patient(feed) for feed in read_feed_file(path)}


def ask(**query: str) -> Asked:
    return Asked(query, {}, "http://sandbox.example/path", "http://sandbox.example")


def entities(city, moment_s: int, **query: str) -> list[dict[str, object]]:
    body = context_broker.build_entities(city, View.plain(moment_s), ask(**query))
    assert isinstance(body, bytes)
    return json.loads(body)


@pytest.mark.parametrize(("name", "rows"), [("shuttles", 4), ("air_quality", 48), ("weather", 25), ("footfall", 6)])
def test_each_feed_passes_its_adapter_without_rejects(sandbox, tmp_path, name, rows):
    """What a twin publishes is read whole over HTTP, all pages of it, with nothing rejected or dropped unsaid."""
    feed = read_feeds(sandbox.base, tmp_path)[name]
    result = try_feed(feed.adapter, feed.url, MORNING, feed)

    assert "error" not in result, result
    assert (len(result["rows"]), result["rejects"], result["warnings"]) == (rows, {}, {})
    assert all(row["observed_at"] <= "2026-05-14T07:15:00Z" for row in result["rows"])
    assert all(51.9 < row["latitude"] < 52.2 and -0.9 < row["longitude"] < -0.6 for row in result["rows"])


def test_shuttle_rows_say_who_drives_and_what_signal_they_have(sandbox, tmp_path, city):
    """A row holds the twin's own truth in the city's words and units."""
    feed = read_feeds(sandbox.base, tmp_path)["shuttles"]
    rows = try_feed(feed.adapter, feed.url, MORNING, feed)["rows"]
    truth = shuttles_at(city.happenings, int(MORNING.timestamp()))

    for row, shuttle in zip(rows, truth, strict=True):
        assert row["vehicle_key"] == f"shuttles:SBX-S0{shuttle.number}"
        assert row["vehicle_type"] == "shuttle"
        assert row["drive_mode"] == shuttle.drive_mode
        assert row["passengers"] == shuttle.passengers
        assert row["signal_rsrp_dbm"] == shuttle.rsrp_dbm
        assert row["cell_id"] == shuttle.cell_id
        assert row["destination"] == shuttle.next_stop
        assert row["speed_kmh"] == pytest.approx(shuttle.speed_m_s * 3.6)
        assert row["battery_percent"] == pytest.approx(shuttle.battery * 100)


def test_positions_by_gtfs_realtime_are_those_of_the_broker(city, morning_s):
    """Both doors show the same shuttle at the same place."""
    message = pb.FeedMessage()
    message.ParseFromString(shuttles.build_positions(city, View.plain(morning_s), ask()))
    by_name = {e.vehicle.vehicle.id: e.vehicle.position for e in message.entity}
    sent = entities(city, morning_s, type="StreetCavShuttle")

    assert message.IsInitialized()
    assert len(sent) == len(by_name) == 4
    for entity in sent:
        longitude, latitude = entity["location"]["value"]["coordinates"]
        position = by_name[entity["name"]["value"]]
        assert (position.latitude, position.longitude) == pytest.approx((latitude, longitude), abs=1e-5)


def test_the_adapter_for_buses_reads_the_shuttles_too(sandbox):
    """GTFS-Realtime over real HTTP: four rows, nothing rejected, with the route as timetables name it."""
    feed = Feed(
        name="shuttles",
        adapter="gtfs_realtime",
        url=f"{sandbox.base}/streetcav/vehicle-positions",
        vehicle_type="shuttle",
        allow_private=True,
    )
    result = try_feed("gtfs_realtime", feed.url, MORNING, feed)

    assert result["rejects"] == {}
    assert [(r["vehicle_id"], r["route_id"]) for r in result["rows"]] == [(f"SBX-S0{n}", "S1") for n in range(1, 5)]


def test_each_answer_is_taken_by_its_own_adapter_only(sandbox):
    """A recorded answer of a twin is recognised without being told its standard; a bare table by nobody."""
    paths = {
        "/ngsi-ld/v1/entities?type=StreetCavShuttle": ["ngsi_ld"],
        "/ngsi-ld/v1/entities?type=AirQualityObserved": ["ngsi_ld"],
        "/sensorthings/v1.1/Datastreams": ["sensorthings"],
        "/open-data/footfall.csv": [],
    }
    for path, takers in paths.items():
        body = sandbox.get(path).content
        assert [a.name for a in list_adapters().values() if a.looks_like(body)] == takers, path


def test_a_shuttle_is_slow_and_without_cell_in_a_coverage_hole(city):
    """Within a lap a shuttle passes the hole: there it goes at walking pace or stands, weak and without a cell."""
    lap = [shuttles_at(city.happenings, second)[0] for second in range(0, lap_s(), 5)]
    silent = [s for s in lap if in_hole(s.latitude, s.longitude)]

    assert silent
    assert all(s.speed_m_s < 3 and s.cell_id is None and s.rsrp_dbm < -110 for s in silent)
    assert any(s.drive_mode == "stopped" for s in silent)
    assert max(s.speed_m_s for s in lap) > 5


def test_some_laps_are_driven_from_afar_in_the_hole(city):
    """Over a day each mode of driving is seen."""
    seen = {s.drive_mode for second in range(0, 86_400, 60) for s in shuttles_at(city.happenings, second)}

    assert seen == {"autonomous", "manual", "remote", "stopped"}


@pytest.mark.parametrize("sort", ["StreetCavShuttle", "AirQualityObserved"])
def test_entities_are_normalised_ngsi_ld(city, morning_s, sort):
    """Every attribute is one of the standard's four sorts, with its own member."""
    sent = entities(city, morning_s, type=sort)

    assert sent
    for entity in sent:
        jsonschema.validate(entity, ENTITY)


def test_pages_of_the_broker_join_to_the_whole(city, morning_s):
    """Limit and offset cut one list."""
    whole = entities(city, morning_s, type="AirQualityObserved", limit="100")
    parts = [entities(city, morning_s, type="AirQualityObserved", limit="3", offset=str(o)) for o in (0, 3, 6)]

    assert [len(part) for part in parts] == [3, 3, 2]
    assert [e for part in parts for e in part] == whole
    assert entities(city, morning_s, type="Unheard") == []


@pytest.mark.parametrize(
    "query", [{}, {"type": "X", "limit": "0"}, {"type": "X", "limit": "-1"}, {"type": "X", "offset": "a"}]
)
def test_the_broker_refuses_with_a_problem(city, morning_s, query):
    """A wrong question has status 400 and problem details."""
    refusal = context_broker.build_entities(city, View.plain(morning_s), ask(**query))

    assert isinstance(refusal, Refusal)
    assert (refusal.status, json.loads(refusal.body)["status"]) == (400, 400)


def test_weather_pages_by_a_link_at_the_top_level(city, morning_s):
    """The link leads on with the query kept; the last page has none."""
    first = json.loads(
        weather.build_datastreams(city, View.plain(morning_s), ask(**{"$top": "20", "$expand": "Thing"}))
    )
    last = json.loads(weather.build_datastreams(city, View.plain(morning_s), ask(**{"$top": "20", "$skip": "20"})))

    assert first["@iot.nextLink"] == "http://sandbox.example/path?%24expand=Thing&%24top=20&%24skip=20"
    assert (len(first["value"]), len(last["value"])) == (20, 5)
    assert "@iot.nextLink" not in last


def test_the_doubtful_sensor_is_marked_when_it_raves(sandbox, tmp_path, city):
    """At some hour of a day the low-cost sensor reads 999.9; the row is kept and marked."""
    suspects = []
    feed = read_feeds(sandbox.base, tmp_path)["weather"]
    for step in range(144):
        moment = MORNING + timedelta(minutes=10 * step)
        body = weather.build_datastreams(city, View.plain(int(moment.timestamp())), ask())
        # The air pressure may well be 999.9 hPa.
        fine = [s for s in json.loads(body)["value"] if s["ObservedProperty"]["name"] == "PM2.5"]
        if fine[0]["Observations"][0]["result"] == 999.9:
            sandbox.clock.moment = moment
            rows = try_feed(feed.adapter, feed.url, moment, feed)["rows"]
            suspects = [r for r in rows if r["is_suspect"]]
            break

    assert [(r["quantity"], r["value"]) for r in suspects] == [("pm2_5", 999.9)]


def test_faults_of_meaning_are_felt(city, morning_s):
    """Drift takes the position away, so that a row is refused by name and not shown in the wrong place."""
    view = View(morning_s, morning_s, drifted=True)
    body = context_broker.build_entities(city, view, ask(type="StreetCavShuttle"))
    path_feed = Feed(name="shuttles", adapter="ngsi_ld", url="http://localhost/", vehicle_type="shuttle")

    assert isinstance(body, bytes)
    (batch,) = observe([decode(body)], path_feed, MORNING)
    assert (len(batch.table), batch.rejects) == (0, {"position_missing": 4})


def test_answers_depend_on_seed_and_moment_only(city, morning_s):
    """Two questions have one answer."""
    for module, make in (
        (shuttles, shuttles.build_positions),
        (weather, weather.build_datastreams),
        (footfall, footfall.build_table),
    ):
        view = View.plain(morning_s)
        assert make(city, view, ask()) == make(city, view, ask()), module.__name__
