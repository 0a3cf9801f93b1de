"""The door for one answer: files, packed files, addresses, and what fails as a whole."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from google.transit.gtfs_realtime_pb2 import FeedMessage

from feeds.feed import Feed, get_adapter
from feeds.try_feed import main_json, try_adapter, try_feed

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"
AT = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
SIRI = (
    b"<Siri><ServiceDelivery><ResponseTimestamp>2026-03-02T12:00:20.5Z</ResponseTimestamp><VehicleMonitoringDelivery>"
    b"<VehicleActivity><RecordedAtTime>2026-03-02T12:00:10Z</RecordedAtTime><MonitoredVehicleJourney>"
    b"<VehicleLocation><Longitude>-0.76</Longitude><Latitude>52.04</Latitude></VehicleLocation>"
    b"<VehicleRef>47</VehicleRef></MonitoredVehicleJourney></VehicleActivity>"
    b"<VehicleActivity/></VehicleMonitoringDelivery></ServiceDelivery></Siri>"
)


def status(number: int, following: str | None) -> bytes:
    """One MDS page with one robot."""
    event = {"vehicle_state": "available", "event_types": ["service_start"], "timestamp": 1_772_452_800_000}
    robot = {
        "device_id": f"5f3c9a2e-0000-4000-8000-00000000000{number}",
        "last_event": event | {"location": {"lat": 52.04, "lng": -0.76}},
        "last_telemetry": None,
    }
    return json.dumps(
        {
            "version": "2.0.0",
            "last_updated": 1_772_452_800_000,
            "vehicles_status": [robot],
            "links": {"next": following},
        }
    ).encode()


@contextlib.contextmanager
def exchange(answers: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    """A real HTTP server on loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, body = answers.get(self.path, (404, b"no such path"))
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_file_gives_rows_rejects_and_times(tmp_path):
    """Exactly the promised keys; unknown is None, not absent and not zero."""
    file = tmp_path / "answer.xml"
    file.write_bytes(SIRI)

    result = try_feed("siri_vm", str(file), AT)

    assert set(result) == {"kind", "rows", "rejects", "warnings", "published_at"}
    assert result["kind"] == "vehicle"
    assert result["rejects"] == {"position_missing": 1}
    assert result["warnings"] == {}
    assert result["published_at"] == "2026-03-02T12:00:20.500000Z"
    (row,) = result["rows"]
    assert row["vehicle_key"] == "try:/47"
    assert row["vehicle_type"] == "bus"
    assert row["observed_at"] == "2026-03-02T12:00:10Z"
    assert row["received_at"] == "2026-03-02T12:00:30Z"
    assert row["speed_kmh"] is None
    assert row["state"] == "idle"


def test_the_moment_of_receipt_decides_what_lies_in_the_future(tmp_path):
    """The same file an hour earlier has its row refused and its publication time unknown."""
    file = tmp_path / "answer.xml"
    file.write_bytes(SIRI)

    result = try_feed("siri_vm", str(file), datetime(2026, 3, 2, 11, 0, tzinfo=UTC))

    assert result["rows"] == []
    assert result["rejects"] == {"time_in_future": 1, "position_missing": 1}
    assert result["warnings"] == {"published_in_future": 1}
    assert result["published_at"] is None


def test_without_a_moment_it_is_now(tmp_path):
    """The time of receipt lies between before and after the call."""
    file = tmp_path / "answer.xml"
    # Published long ago whatever day it is.
    timeless = SIRI.replace(b"<RecordedAtTime>2026-03-02T12:00:10Z</RecordedAtTime>", b"")
    file.write_bytes(timeless.replace(b"2026", b"2024"))

    before = datetime.now(UTC)
    (row,) = try_feed("siri_vm", str(file))["rows"]
    after = datetime.now(UTC)

    received = datetime.fromisoformat(row["received_at"])
    # Tables keep milliseconds.
    assert before - timedelta(milliseconds=1) <= received <= after


def test_a_naive_moment_is_refused():
    """A time without a zone is a guess."""
    with pytest.raises(ValueError, match="zone"):
        try_feed("siri_vm", "anything", datetime(2026, 3, 2, 12, 0))  # noqa: DTZ001


def test_a_packed_file_is_unpacked_by_its_name(tmp_path):
    """answer.xml.gz gives what answer.xml gives."""
    plain, packed = tmp_path / "answer.xml", tmp_path / "answer.xml.gz"
    plain.write_bytes(SIRI)
    packed.write_bytes(gzip.compress(SIRI))

    assert try_feed("siri_vm", str(packed), AT) == try_feed("siri_vm", str(plain), AT)


def test_a_feed_of_ones_own_brings_its_options_and_name(tmp_path):
    """The vehicle type, the name and the limits are the feed's."""
    file = tmp_path / "answer.json"
    file.write_bytes(status(1, None))
    feed = Feed(name="scooters", adapter="mds", url="http://localhost/", vehicle_type="scooter")

    (row,) = try_feed("mds", str(file), AT, feed)["rows"]
    (plain,) = try_feed("mds", str(file), AT)["rows"]

    assert (row["vehicle_type"], row["feed"]) == ("scooter", "scooters")
    assert (plain["vehicle_type"], plain["feed"]) == ("robot", "try")


@pytest.mark.parametrize(
    ("adapter", "name", "content", "reason"),
    [
        ("siri_vm", "a.xml", b"file not found", "not_xml"),
        ("siri_vm", "a.xml", b"", "empty_body"),
        ("mds", "a.json", b"{", "not_json"),
        ("siri_vm", "a.xml.gz", SIRI, "bad_gzip"),
        ("siri_vm", "a.xml.gz", gzip.compress(SIRI)[:-20], "truncated"),
        ("siri_vm", "a.xml.gz", gzip.compress(b"<" * 21_000_000), "too_large"),
        ("siri_vm", "a.xml", b"<" * 20_000_001, "too_large"),
        ("no_such", "a.xml", SIRI, "adapter_unknown"),
    ],
    ids=["text", "empty", "json", "not packed", "cut", "bomb", "large", "adapter"],
)
def test_a_body_that_fails_as_a_whole_is_an_error_and_status_1(tmp_path, adapter, name, content, reason):
    """One object with the sentence and the word, and nothing else; the status is 1."""
    file = tmp_path / name
    file.write_bytes(content)

    text, code = main_json(adapter, str(file), AT)

    assert code == 1
    result = json.loads(text)
    assert set(result) == {"error", "reason"}
    assert result["reason"] == reason
    assert result["error"]


@pytest.mark.parametrize("source", ["", "no/such/file.xml", "nul\0byte"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, source):
    """A missing file, a folder or an impossible name ends in a sentence, not in a traceback."""
    result = try_feed("siri_vm", source or str(tmp_path), AT)

    assert result["reason"] == "file_unreadable"


def test_the_json_is_one_line_of_plain_json(tmp_path):
    """NaN and line breaks would break whoever reads it."""
    file = tmp_path / "answer.xml"
    file.write_bytes(SIRI)

    text, code = main_json("siri_vm", str(file), AT)

    assert code == 0
    assert "\n" not in text
    assert "NaN" not in text
    assert json.loads(text) == try_feed("siri_vm", str(file), AT)


def test_an_answer_of_several_kinds_has_the_others_beside_the_first(tmp_path):
    """A protobuf answer with a vehicle and an alert gives the vehicle first and the disruption under others."""
    message = FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = 1_772_452_820
    vehicle = message.entity.add(id="v").vehicle
    vehicle.vehicle.id, vehicle.timestamp = "47", 1_772_452_810
    vehicle.position.latitude, vehicle.position.longitude = 52.04, -0.76
    message.entity.add(id="a").alert.header_text.translation.add(text="Diversion", language="en")
    both, alone = tmp_path / "both.pb", tmp_path / "alone.pb"
    both.write_bytes(message.SerializeToString())
    del message.entity[0]
    alone.write_bytes(message.SerializeToString())

    result = try_feed("gtfs_realtime", str(both), AT)
    assert (result["kind"], len(result["rows"])) == ("vehicle", 1)
    assert [(part["kind"], len(part["rows"])) for part in result["others"]] == [("disruption", 1)]
    assert set(result["others"][0]) == {"kind", "rows", "rejects", "warnings", "published_at"}

    only = try_feed("gtfs_realtime", str(alone), AT)
    assert (only["kind"], len(only["rows"])) == ("disruption", 1)
    assert "others" not in only


def test_an_address_is_asked_page_by_page():
    """A relative link leads to the second page; both robots come."""
    with exchange({"/status": (200, status(1, "/status?page=2")), "/status?page=2": (200, status(2, None))}) as base:
        result = try_feed("mds", f"{base}/status", AT)

    assert [row["vehicle_id"][-1] for row in result["rows"]] == ["1", "2"]
    assert result["published_at"] == "2026-03-02T12:00:00Z"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/absent", "http_404"), ("/broken", "http_500"), ("/text", "not_xml"), ("/empty", "empty_body")],
)
def test_an_address_that_answers_badly_is_an_error(path, reason):
    """The status or the body says why, and the result has the error's shape."""
    with exchange({"/broken": (500, b"oops"), "/text": (200, b"file not found"), "/empty": (200, b"")}) as base:
        result = try_feed("siri_vm", base + path, AT)

    assert set(result) == {"error", "reason"}
    assert result["reason"] == reason


def test_an_address_that_nobody_answers_is_an_error():
    """The port is held, and nobody listens at it, so the connection is refused."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        result = try_feed("siri_vm", f"http://127.0.0.1:{closed.getsockname()[1]}/x", AT)

    assert result["reason"] == "refused"


@pytest.mark.parametrize("address", ["http:// /x?api_key=secret", "http:///x?api_key=secret", "ftp://h/?k=secret"])
def test_an_address_that_is_none_is_an_error(address):
    """It is said, not raised, without the query, which may hold a key."""
    result = try_feed("siri_vm", address, AT)

    assert result["reason"] == "address_unreadable"
    assert "secret" not in result["error"]


def test_a_packed_file_is_known_by_its_content(tmp_path):
    """What was saved from a server with Content-Encoding gzip has no telling name."""
    file = tmp_path / "answer"
    file.write_bytes(gzip.compress(SIRI))

    assert [row["vehicle_id"] for row in try_feed("siri_vm", str(file), AT)["rows"]] == ["47"]


def test_a_fault_of_ours_is_an_answer_too(tmp_path):
    """An adapter that raises what it should not still ends in one object, with the traceback in the log."""

    def fail(body):
        raise KeyError("row 7 says secret")

    broken = replace(get_adapter("siri_vm"), decode=fail)
    file = tmp_path / "answer.xml"
    file.write_bytes(SIRI)

    result = try_adapter(broken, str(file), AT)

    assert result["reason"] == "adapter_fault"
    assert "KeyError" in result["error"]
    assert "secret" not in result["error"]


@pytest.mark.parametrize(
    ("adapter", "name", "rows", "rejects"),
    [
        ("siri_vm", "siri/bods-siri-vm-2022-06-07-bst.xml", 1, {}),
        ("siri_vm", "siri/bods-siri-vm-2023-01-25.xml", 2, {}),
        ("siri_vm", "siri/bods-siri-vm-2024-07-17-bst.xml", 1, {}),
        ("siri_vm", "siri/bods-siri-vm-old-activity.xml", 2, {}),
        ("siri_vm", "siri/cen-vm-response.xml", 0, {"position_placeholder": 2}),
        ("siri_vm", "siri/cen-vm-response-simple.xml", 2, {}),
        ("siri_vm", "siri/dft-test-siri-vm-naive-times.xml", 1, {"duplicate": 1}),
        ("siri_vm", "siri/cen-error-response.xml", None, {}),
        ("siri_vm", "siri/cen-stop-monitoring-response.xml", None, {}),
        ("siri_vm", "siri/cen-sx-first-message.xml", None, {}),
        ("siri_vm", "siri/siri-sx-lite.xml", None, {}),
        ("mds", "mds/voi-vehicles-status.json", 1, {}),
        ("mds", "mds/voi-vehicles-trailing-comma.json", None, {}),
        ("mds", "mds/voi-trips.json", None, {}),
        ("mds", "mds/geography-stop.json", None, {}),
        ("mds", "mds/geography-slow-ride-zone.geojson", None, {}),
        ("mds", "mds/providers.csv", None, {}),
        ("mds", "mds/schema-vehicle-status.yaml", None, {}),
    ],
)
def test_every_real_payload_passes_the_door(adapter, name, rows, rejects):
    """As many rows as the file holds vehicles, or an error where it holds none (None here)."""
    if not (SAMPLES / name).exists():
        pytest.skip("the real samples are not on this machine")
    text, code = main_json(adapter, str(SAMPLES / name), AT)
    result = json.loads(text)

    if rows is None:
        assert (code, set(result)) == (1, {"error", "reason"})
    else:
        assert (code, len(result["rows"]), result["rejects"]) == (0, rows, rejects)
