"""The command line: clear errors, honest exit statuses, the same door for every adapter."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from google.transit import gtfs_realtime_pb2 as gtfs

ROOT = Path(__file__).resolve().parents[2]
AT = "2026-03-01T12:00:00Z"
AT_S = 1772366400


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "control_room", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=180
    )


def positions() -> bytes:
    """Two buses: one good, one without a position."""
    message = gtfs.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = AT_S
    for number in ("47", "48"):
        entity = message.entity.add(id=number)
        entity.vehicle.vehicle.id = f"MK-{number}"
        entity.vehicle.timestamp = AT_S - 5
    message.entity[0].vehicle.position.latitude = 52.04
    message.entity[0].vehicle.position.longitude = -0.76
    message.entity[0].vehicle.position.speed = 10
    return message.SerializeToString()


@pytest.mark.parametrize("name", ["positions.pb", "positions.pb.gz"])
def test_try_feed_prints_one_json_object(tmp_path, name):
    """Kind, rows, rejects by reason, warnings and the time of publication; exit status 0."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(positions()) if name.endswith(".gz") else positions())

    done = run("try-feed", "--adapter", "gtfs_realtime", "--from", str(path), "--at", AT, "--json")
    said = json.loads(done.stdout)

    assert done.returncode == 0
    assert said["kind"] == "vehicle"
    assert [(r["vehicle_id"], r["latitude"], r["speed_kmh"]) for r in said["rows"]] == [
        ("MK-47", pytest.approx(52.04, abs=1e-5), 36.0)
    ]
    assert sum(said["rejects"].values()) == 1
    assert said["published_at"] == AT
    assert isinstance(said["warnings"], dict)


def test_a_body_that_fails_as_a_whole_is_status_1(tmp_path):
    """One JSON object with the error, nothing else."""
    path = tmp_path / "x.pb"
    path.write_text("file not found")

    done = run("try-feed", "--adapter", "gtfs_realtime", "--from", str(path), "--json")

    assert done.returncode == 1
    assert "error" in json.loads(done.stdout)
    assert "rows" not in json.loads(done.stdout)


def test_a_summary_for_people_without_json(tmp_path):
    """Counts and the first rows in words."""
    path = tmp_path / "x.pb"
    path.write_bytes(positions())

    done = run("try-feed", "--adapter", "gtfs_realtime", "--from", str(path), "--at", AT)

    assert done.stdout.startswith("vehicle: 1 rows, published 2026-03-01T12:00:00Z\n")
    assert "  rejected " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("try-feed", "--adapter", "carrier_pigeon", "--from", "x"), "no adapter 'carrier_pigeon'; there are: "),
        (("try-feed", "--adapter", "mds", "--from", "x", "--at", "noon"), "is not an ISO 8601 time"),
        (("try-feed", "--adapter", "mds", "--from", "x", "--at", "2026-03-01T12:00:00"), "has no zone"),
        (("try-feed", "--adapter", "mds", "--from", "x", "--at", "0001-01-01T00:00:00+05:00"), "1970 to 2999"),
        (("serve", "--feeds", "feeds/sandbox.yaml", "--port", "99999"), "--port 99999: is no port"),
        (("serve", "--feeds", "/nowhere/feeds.yaml"), "/nowhere/feeds.yaml: cannot be read"),
        (("serve", "--feeds", "feeds/sandbox.yaml", "--host", "0.0.0.0"), "there is no sign-in yet"),
        (("serve", "--feeds", "feeds/sandbox.yaml", "--city", "atlantis"), "no such folder; built in: milton_keynes"),
        (
            ("serve", "--feeds", "feeds/sandbox.yaml", "--port", "0", "--mbtiles", "/nowhere.mbtiles"),
            "there is no such file",
        ),
        (("serve", "--feeds", "feeds/sandbox.yaml", "--data", "/proc/x"), "--data /proc/x: cannot be"),
        (("replay", "--from", "/nowhere"), "/nowhere"),
    ],
)
def test_a_mistake_is_one_clear_line_and_status_2(tmp_path, arguments, says):
    """It says what, where and what to do; no traceback."""
    data = () if "--data" in arguments or arguments[0] == "try-feed" else ("--data", str(tmp_path))

    done = run(*arguments, *data)

    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().count("\n") == 0


def test_a_feed_of_the_feed_file_is_tried_by_its_name(tmp_path):
    """Its adapter and limits are used, and what a screen would say is said; --from reads a body from disk."""
    feeds, body = tmp_path / "feeds.yaml", tmp_path / "x.pb"
    feeds.write_text("feeds:\n- {name: north, adapter: gtfs_realtime, url: 'https://x.example/', every_s: 10}\n")
    body.write_bytes(positions())
    asked = ("try-feed", "north", "--feeds", str(feeds), "--from", str(body))

    fresh, stale = run(*asked, "--at", AT), run(*asked, "--at", "2026-03-01T13:00:00Z")

    assert fresh.returncode == 0
    assert "a screen would say: fresh (newest observation 5 s old; stale after 90 s)" in fresh.stdout
    assert "a screen would say: stale (newest observation 3605 s old; stale after 90 s)" in stale.stdout
    assert "has no feed 'south'; it has: north" in run("try-feed", "south", "--feeds", str(feeds)).stderr


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "1e308", "fast"])
def test_a_pace_that_is_none_is_refused(tmp_path, rate):
    """A replay goes forward, at a pace that a clock can keep."""
    done = run("replay", "--from", str(tmp_path), "--data", str(tmp_path), "--rate", rate)

    assert done.returncode == 2
    assert "--rate" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_utf_8_on_any_terminal(tmp_path):
    """A terminal that speaks ASCII only, and a file name that is no text, do not stop the answer."""
    message = gtfs.FeedMessage()
    message.ParseFromString(positions())
    message.entity[0].vehicle.trip.route_id = "Café"
    good = tmp_path / "good.pb"
    good.write_bytes(message.SerializeToString())
    odd = os.fsencode(tmp_path) + b"/no\xff.pb"
    spoken = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}

    for source, said in [(os.fsencode(good), "Café"), (odd, "No such file")]:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "control_room",
                "try-feed",
                "--adapter",
                "gtfs_realtime",
                "--json",
                "--from",
                source,
            ],
            cwd=ROOT,
            capture_output=True,
            env=spoken,
            timeout=180,
        )
        assert b"Traceback" not in done.stderr
        assert said in json.dumps(json.loads(done.stdout.decode("utf-8")), ensure_ascii=False)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_an_exchange_hangs_is_quiet(sent):
    """Ctrl-C and `kill` end a command that waits for an answer, at once and without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/status"
        asked = [sys.executable, "-m", "control_room", "try-feed", "--adapter", "mds", "--json", "--from", address]
        with subprocess.Popen(
            asked,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell starts background jobs with SIGINT ignored, and children inherit that; a terminal does not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            silent.settimeout(180)
            connection, _ = silent.accept()
            connection.recv(1)  # the question is being asked
            process.send_signal(sent)
            said, complained = process.communicate(timeout=120)
            connection.close()

    assert (process.returncode, said, complained) == (130, "", "")


def test_a_reader_that_leaves_early_gets_no_traceback(tmp_path):
    """`try-feed … | head` ends quietly."""
    path = tmp_path / "x.pb"
    path.write_bytes(positions())
    asked = f"{sys.executable} -m control_room try-feed --adapter gtfs_realtime --json --from {path} | true"

    done = subprocess.run(["bash", "-c", asked], cwd=ROOT, capture_output=True, text=True, timeout=180)

    assert done.stderr == ""


@pytest.mark.parametrize("command", ["run", "serve", "replay", "try-feed", "docs"])
def test_every_command_has_help_and_takes_data(command):
    """`--help` says what it does, and `--data` is everywhere."""
    done = run(command, "--help")

    assert done.returncode == 0
    assert "--data" in done.stdout


def test_a_wrong_feed_file_names_file_feed_and_field(tmp_path):
    """Three kinds of mistakes a person makes."""
    path = tmp_path / "feeds.yaml"
    for content, says in [
        ("feeds:\n- {name: a, adapter: mds, url: 'ftp://x'}\n", "feed a: url: "),
        ("feeds:\n- {name: a, adapter: mds, url: 'http://x/', every: 5}\n", "feed a: every: "),
        ("feeds:\n- {name: a, adapter: mdz, url: 'http://x/'}\n", "feed a: no adapter 'mdz'"),
    ]:
        path.write_text(content)
        done = run("serve", "--feeds", str(path), "--data", str(tmp_path))
        assert done.returncode == 2
        assert f"{path}: {says}" in done.stderr
