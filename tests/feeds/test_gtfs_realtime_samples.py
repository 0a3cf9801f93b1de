"""Real answers of real publishers, and what must be found in each.

The captures are not ours to publish; the tests run where they lie beside the
checkout (`../shared/samples`) and are skipped elsewhere. Counts and values were
checked with Google's own classes.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from google.transit import gtfs_realtime_pb2

from feeds.feed import PayloadError
from feeds.gtfs_realtime import ADAPTER
from tests.feeds.gtfs_realtime_fixtures import build_feed, plain_vehicles, read, rows

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "gtfs-rt"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captures are not beside this checkout")

# file -> seconds of its header, and per kind: rows, rejects, warnings
EXPECTED = {
    "bart-alerts.pb": (1565199942, {"disruption": (1, {}, {})}),
    "bart-trip-updates.pb": (1565199921, {"trip": (91, {}, {"time_missing": 91})}),
    "bctransit-victoria-alerts.pb": (1748752791, {"disruption": (32, {}, {"title_missing": 22})}),
    "bctransit-victoria-vehicles.pb": (1748750684, {"vehicle": (89, {}, {})}),
    "bods-milton-keynes-area.pb": (1709141721, {"vehicle": (84, {}, {"bearing_zero": 1, "plate_hidden": 3})}),
    "bullrunner-vehicle-positions.pb": (1505314375, {"vehicle": (10, {}, {"time_missing": 10, "bearing_zero": 2})}),
    "caltrain-trip-updates.pb": (1699405534, {"trip": (19, {}, {})}),
    "caltrain-vehicle-positions.pb": (1699405559, {"vehicle": (14, {}, {})}),
    "hart-vehicle-positions.pb": (1615106995, {"vehicle": (0, {}, {})}),
    "json-E001-header-timestamp.json": (1699405801, {"vehicle": (0, {}, {"published_in_ms": 1})}),
    "json-E003-trip_id.json": (1699405559, {"vehicle": (1, {}, {})}),
    "json-E011-stop_id.json": (1699405559, {"vehicle": (1, {}, {})}),
    "json-E022-stop-times.json": (1699405534, {"trip": (1, {}, {})}),
    "json-E026-latitude.json": (1699405559, {"vehicle": (0, {"position_out_of_range": 1}, {})}),
    "json-E029-position.json": (1699405559, {"vehicle": (1, {}, {})}),
    "king-county-metro-1.pbf": (1630596716, {"vehicle": (627, {}, {})}),
    "mmri-3b.pb": (1388530800, {"trip": (2, {}, {"time_missing": 2})}),
    "poznan-vehicle-positions.pb": (1769612639, {"vehicle": (544, {}, {})}),
    "septa-trip-updates.pbf": (1680120572, {"trip": (35, {}, {})}),
}
CLEAN_VEHICLES = [
    "bctransit-victoria-vehicles.pb",
    "bods-milton-keynes-area.pb",
    "bullrunner-vehicle-positions.pb",
    "caltrain-vehicle-positions.pb",
    "king-county-metro-1.pbf",
    "poznan-vehicle-positions.pb",
]


def published(name):
    return datetime.fromtimestamp(EXPECTED[name][0], UTC)


def batch_of(name):
    """The only batch of a capture, received at the second its header names."""
    (batch,) = read((SAMPLES / name).read_bytes(), build_feed(), published(name))
    return batch


def test_every_file_is_spoken_of():
    """A capture added to the folder needs its counts here."""
    assert {p.name for p in SAMPLES.iterdir()} == {*EXPECTED, "not-protobuf.pb"}


@pytest.mark.parametrize("name", EXPECTED)
def test_counts(name):
    """Each capture gives exactly these rows, rejects and warnings, published when its header says."""
    batches = read((SAMPLES / name).read_bytes(), build_feed(), published(name))

    found = {b.kind.name: (len(b.table), dict(b.rejects), dict(b.warnings)) for b in batches}
    assert found == EXPECTED[name][1]
    assert {b.published_at for b in batches} == {published(name)}
    assert all(b.complete for b in batches)
    assert ADAPTER.looks_like((SAMPLES / name).read_bytes())


@pytest.mark.parametrize("name", CLEAN_VEHICLES)
def test_every_value_is_the_plain_readers(name):
    """Our fast reading agrees with Google's classes, asked field by field, in every row and column."""
    batch = batch_of(name)
    plain = plain_vehicles((SAMPLES / name).read_bytes())

    for column in plain[0]:
        expected = [row[column] for row in plain]
        got = batch.table[column]
        if column == "observed_at":
            expected = [np.datetime64("NaT", "ms") if t is None else np.datetime64(t * 1000, "ms") for t in expected]
            np.testing.assert_array_equal(got, np.array(expected, "datetime64[ms]"), err_msg=column)
        elif got.dtype == np.float64:
            np.testing.assert_array_equal(got, np.array(expected, float), err_msg=column)
        else:
            assert got.tolist() == expected, column


def test_milton_keynes():
    """84 buses, 17 without a trip, the oldest heard from 20.6 hours before; three plates are hidden."""
    batch = batch_of("bods-milton-keynes-area.pb")
    table = batch.table

    assert len(set(table.keys.tolist())) == 84
    assert sum(t is None for t in table["trip_id"]) == 17
    assert sum(r is None for r in table["route_id"]) == 17
    assert Counter(table["state"].tolist()) == {"working": 67, "idle": 17}
    age_s = (np.datetime64("2024-02-28T17:35:21") - table["observed_at"]) / np.timedelta64(1, "s")
    assert (age_s.min(), age_s.max()) == (32, 74218)
    assert np.isnan(table["speed_kmh"]).all()
    assert set(table["occupancy"].tolist()) == {None}
    assert Counter(table["heading_source"].tolist()) == {"reported": 83, "ambiguous": 1}
    assert table["vehicle_id"][table["heading_source"] == "ambiguous"].tolist() == ["176"]
    assert sum(v.startswith("plate-") for v in table["vehicle_id"]) == 3
    everything = str(rows(batch))
    assert not any(plate in everything for plate in ("BD65JFO", "BV73ZTO", "BV19XPM"))
    first = rows(batch)[0]
    assert {k: v for k, v in first.items() if v is not None} == {
        "vehicle_key": "buses:SCNH-10542",
        "vehicle_id": "SCNH-10542",
        "feed": "buses",
        "vehicle_type": "bus",
        "latitude": 52.034515380859375,
        "longitude": -0.7727928161621094,
        "heading_deg": 312.0,
        "heading_source": "reported",
        "state": "working",
        "state_reported": "IN_TRANSIT_TO",
        "observed_at": "2024-02-28T17:34:30Z",
        "received_at": "2024-02-28T17:35:21Z",
        "route_id": "275",
        "trip_id": "VJcf66d40041c63a508a07d87229494e7f4c7e5c2a",
        "trip_start_date": "2024-02-28",
        "trip_start_time": "16:22:00",
        "stop_status": "in_transit_to",
    }


def test_victoria_vehicles():
    """Two of 89 have no trip, 49 a bearing; speed leaves in km/h, the odometer stays in metres, 0 included."""
    table = batch_of("bctransit-victoria-vehicles.pb").table

    assert Counter(table["state"].tolist()) == {"working": 87, "idle": 2}
    assert int((~np.isnan(table["heading_deg"])).sum()) == 49
    assert table["speed_kmh"][0] == pytest.approx(17.77 * 3.6, abs=1e-5)
    assert set(table["speed_source"].tolist()) == {"reported"}
    assert table["odometer_m"][0] == 422018
    assert int((table["odometer_m"] == 0).sum()) == 2
    assert table["stop_id"][0] == "101501"
    assert table["direction"][0] == "1"


def test_seattle():
    """70 of 627 are older than 90 s; only 8 carry a bearing and 6 a speed, the rest are unknown, not 0."""
    table = batch_of("king-county-metro-1.pbf").table

    age_s = (np.datetime64("2021-09-02T15:31:56") - table["observed_at"]) / np.timedelta64(1, "s")
    assert int((age_s > 90).sum()) == 70
    assert int(np.isnan(table["heading_deg"]).sum()) == 619
    assert int(np.isnan(table["speed_kmh"]).sum()) == 621
    assert table["speed_kmh"][table["vehicle_id"] == "302"].tolist() == [pytest.approx(14.4)]
    assert set(table["stop_status"].tolist()) == {"in_transit_to", "stopped_at", "incoming_at"}
    assert all(
        s == "in_transit_to" for s, r in zip(table["stop_status"], table["state_reported"], strict=True) if not r
    )
    assert sum(s is not None for s in table["state_reported"]) == 6


def test_poznan():
    """544 vehicles, no bearing, no speed; three are stale, the worst by 486 s."""
    table = batch_of("poznan-vehicle-positions.pb").table

    age_s = (np.datetime64("2026-01-28T15:03:59") - table["observed_at"]) / np.timedelta64(1, "s")
    assert int((age_s > 90).sum()) == 3
    assert age_s.max() == 486
    assert np.isnan(table["heading_deg"]).all()
    assert np.isnan(table["speed_kmh"]).all()
    assert table["label"][0] == "701/11"


def test_bull_runner_times_stay_unknown():
    """No vehicle says when it was seen; the header's time does not stand in for it."""
    batch = batch_of("bullrunner-vehicle-positions.pb")

    assert np.isnat(batch.table["observed_at"]).all()
    assert set(batch.table["trip_id"].tolist()) == {None}
    assert set(batch.table["state"].tolist()) == {"working"}  # the route is known
    assert batch.table["occupancy"][0] == "EMPTY"


def test_caltrain_labels_and_plates_are_empty():
    """A label sent as an empty text is no label; an empty plate hides nothing."""
    table = batch_of("caltrain-vehicle-positions.pb").table

    assert set(table["label"].tolist()) == {None}
    assert table["vehicle_id"].tolist()[:2] == ["124", "125"]
    assert not any(v.startswith("plate-") for v in table["vehicle_id"])


def test_caltrain_trips():
    """The next stop is the first not left yet; its time is the arrival."""
    first = rows(batch_of("caltrain-trip-updates.pb"))[0]

    assert first["trip_key"] == "buses:124"
    assert (first["next_stop_id"], first["next_stop_at"]) == ("70242", "2023-11-08T01:10:01Z")
    assert (first["delay_s"], first["stops_total"], first["vehicle_id"]) == (None, 4.0, "124")
    assert (first["trip_start_date"], first["trip_start_time"]) == ("2023-11-07", "15:37:00")


def test_bart_trips():
    """Time and delay side by side: both are kept; 1060 stops in 91 trips, one of them added."""
    batch = batch_of("bart-trip-updates.pb")
    first = rows(batch)[0]

    assert (first["next_stop_id"], first["next_stop_at"], first["delay_s"]) == ("DALY", "2019-08-07T18:12:06Z", 29.0)
    assert batch.table["stops_total"].sum() == 1060
    message = gtfs_realtime_pb2.FeedMessage.FromString((SAMPLES / "bart-trip-updates.pb").read_bytes())
    words = [e.trip_update.trip.schedule_relationship for e in message.entity]
    assert Counter(batch.table["schedule_relationship"].tolist()) == {
        "scheduled": words.count(0),
        "added": words.count(1),
    }


def test_septa_trips_have_delays_only():
    """Without the static timetable a delay gives no time: it stays unknown."""
    table = batch_of("septa-trip-updates.pbf").table
    message = gtfs_realtime_pb2.FeedMessage.FromString((SAMPLES / "septa-trip-updates.pbf").read_bytes())

    assert np.isnat(table["next_stop_at"]).all()
    assert table["delay_s"].tolist() == [float(e.trip_update.stop_time_update[0].arrival.delay) for e in message.entity]
    assert not np.isnat(table["observed_at"]).any()


def test_dutch_trips():
    """A delay at departure counts where no arrival is told."""
    table = batch_of("mmri-3b.pb").table

    assert table["trip_id"].tolist() == ["3b|1", "3b|2"]
    assert table["delay_s"].tolist() == [600.0, 60.0]


def test_bart_alert():
    """No period means always in force; the space at the end of the headline goes."""
    (row,) = rows(batch_of("bart-alerts.pb"))

    assert row["title"].startswith("There is a major delay at Montgomery St.")
    assert row["title"].endswith("Trains are not stopping at Montgomery station.")
    assert (row["cause"], row["effect"], row["severity"]) == ("MEDICAL_EMERGENCY", "SIGNIFICANT_DELAYS", None)
    assert (row["is_active"], row["periods"], row["active_from"], row["active_until"]) == (True, 0.0, None, None)
    assert (row["language"], row["url"]) == ("en-US", "http://www.bart.gov/schedules/advisories")


def test_victoria_alerts():
    """22 of 32 have no headline, 26 are open-ended, and no carriage return is left in any text."""
    batch = batch_of("bctransit-victoria-alerts.pb")
    by_id = {r["disruption_id"]: r for r in rows(batch)}

    assert sum(r["title"] is None for r in by_id.values()) == 22
    assert sum(r["active_until"] is None for r in by_id.values()) == 26
    assert all(r["is_active"] for r in by_id.values())
    assert not any("\r" in (r["description"] or "") for r in by_id.values())
    assert by_id["ft-TX1174031"]["description"] == (
        "Stop ID 101126 on eastbound Cadboro Bay at Sinclair is closed until further notice due to construction.\n"
        "No temporary stop available, please make your way to the next stop."
    )
    first = by_id["ft-TX1108572"]
    assert (first["title"], first["routes"], first["stops"]) == ("STOP CLOSURE", "49-VIC 53-VIC", "101564")
    assert (first["active_from"], first["active_until"]) == ("2024-04-12T15:58:00Z", None)


def test_json_renderings():
    """JSON with values in text reads like protobuf; a latitude of 100 is refused by name."""
    (row,) = rows(batch_of("json-E003-trip_id.json"))
    assert (row["trip_id"], row["route_id"], row["direction"]) == ("124-unknown", "L1", "1")
    assert (row["latitude"], row["longitude"]) == (
        pytest.approx(37.37046, abs=1e-5),
        pytest.approx(-121.99604, abs=1e-5),
    )
    assert row["observed_at"] == "2023-11-08T01:05:49Z"

    (row,) = rows(batch_of("json-E011-stop_id.json"))
    assert (row["stop_id"], row["stop_status"], row["state_reported"]) == ("xyzabc", "in_transit_to", None)

    (row,) = rows(batch_of("json-E029-position.json"))
    assert row["latitude"] == pytest.approx(37.368795, abs=1e-5)

    (row,) = rows(batch_of("json-E022-stop-times.json"))
    assert (row["next_stop_id"], row["next_stop_at"]) == ("70242", "2023-11-08T01:10:01Z")

    refused = batch_of("json-E026-latitude.json")
    assert refused.offending["position_out_of_range"].startswith("vehicle 124 at latitude 100.0")


def test_text_under_a_protobuf_name():
    """Plain text where protobuf is due fails the poll, and the error shows what came."""
    body = (SAMPLES / "not-protobuf.pb").read_bytes()

    with pytest.raises(PayloadError, match="not valid pb data") as caught:
        ADAPTER.decode(body)
    assert caught.value.reason == "not_protobuf"
    assert not ADAPTER.looks_like(body)
