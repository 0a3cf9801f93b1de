"""Recording: what is written, what is not, and what a crash or a full disk costs."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from control_room.clock import FixedClock
from feeds.feed import Payload
from feeds.fetch import Fetcher
from feeds.recorder import Recorder
from feeds.recording import (
    HEAD_BYTES,
    RecordingError,
    list_files,
    pack_record,
    read_manifest,
    read_record,
    scan_file,
    write_manifest,
)
from tests.feeds.http_server import reply, serve
from tests.feeds.tiny import TINY, body, feed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def payload(content: bytes = b"body", at: datetime = NOON, name: str = "robots", **more: str) -> Payload:
    return Payload(name, "http://exchange/robots?api_key=hush", content, at, headers=more, latency_ms=12.34)


def record(folder: Path, *payloads: Payload, **more: int) -> Recorder:
    """Write each payload as a poll of its own; the closed recorder."""
    recorder = Recorder(folder, [feed()], **more)
    for each in payloads:
        recorder.record(feed(name=each.feed), [each], True)
    recorder.close()
    return recorder


def test_a_body_comes_back_as_it_was(tmp_path):
    """Body, moment, status, latency and the headers that matter are read as they were written."""
    record(tmp_path, payload(b"\x00\xff body", **{"content-type": "application/x-protobuf"}))
    [path] = list_files(tmp_path / "robots")
    [mark], warning = scan_file(path)
    found = read_record(mark, 1000)
    assert warning is None
    assert path.name == "2026-03-01T12.rec"
    assert (found.body, found.received_at, found.status, found.latency_ms) == (b"\x00\xff body", NOON, 200, 12.3)
    assert found.headers == {"content-type": "application/x-protobuf"}


def test_records_are_plain_gzip(tmp_path):
    """Any gzip tool shows a recording: a line of JSON and the body, record after record."""
    record(tmp_path, payload(b"one"), payload(b"two"))
    [path] = list_files(tmp_path / "robots")
    with gzip.open(path) as file:
        content = file.read()
    line, _, rest = content.partition(b"\n")
    assert json.loads(line)["received_at"] == "2026-03-01T12:00:00.000+00:00"
    assert rest.startswith(b"one{") and content.endswith(b"two")


def test_secrets_and_cookies_are_never_written(tmp_path):
    """Query values, cookies and authentication headers are in no file of a recording, nor are a feed's credentials."""
    asked = feed(
        "http://exchange/robots?key=hush", headers={"Authorization": "Bearer hush"}, params={"api_key": "hush"}
    )
    recorder = Recorder(tmp_path, [asked])
    recorder.record(asked, [payload(**{"set-cookie": "hush", "authorization": "hush", "x-request": "hush"})], True)
    recorder.close()
    for path in tmp_path.rglob("*.*"):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".rec" else path.read_bytes()
        assert content
        assert b"hush" not in content


def test_each_hour_has_its_file(tmp_path):
    """A body belongs to the UTC hour in which it came."""
    record(tmp_path, payload(at=NOON), payload(at=NOON + timedelta(minutes=59)), payload(at=NOON + timedelta(hours=1)))
    assert [p.name for p in list_files(tmp_path / "robots")] == ["2026-03-01T12.rec", "2026-03-01T13.rec"]


def test_a_torn_record_costs_only_itself(tmp_path):
    """A file cut anywhere in its last record gives all records before it, and says so."""
    record(tmp_path, payload(b"one" * 50), payload(b"two" * 50))
    [path] = list_files(tmp_path / "robots")
    whole = path.read_bytes()
    [_, second], _ = scan_file(path)
    for cut in (second.offset + 1, second.offset + HEAD_BYTES, len(whole) - 1):
        path.write_bytes(whole[:cut])
        marks, warning = scan_file(path)
        assert [read_record(m, 1000).body for m in marks] == [b"one" * 50]
        assert warning is not None and "torn or damaged; 1 before it hold" in warning


def test_a_killed_recorder_leaves_a_readable_file(tmp_path):
    """After SIGKILL in the middle of writing, every record but at most the last is read; the next run loses nothing."""
    script = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC; import os\n"
        "from feeds.recorder import Recorder; from feeds.feed import Feed, Payload\n"
        "feed = Feed(name='robots', adapter='tiny', url='http://h/')\n"
        "recorder = Recorder(Path(sys.argv[1]), [feed], queue_bytes=2_000_000)\n"
        "print('started', flush=True)\n"
        "while True:\n"
        "    recorder.record(feed, [Payload('robots', 'http://h/', os.urandom(50_000), datetime(2026, 3, 1, 12, tzinfo=UTC))], True)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", script, tmp_path], cwd=ROOT, stdout=subprocess.PIPE)
    path = tmp_path / "robots" / "2026-03-01T12.rec"
    try:
        while not path.exists() or path.stat().st_size < 500_000:
            assert running.poll() is None
            time.sleep(0.01)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert running.stdout is not None
    running.stdout.close()
    marks, _ = scan_file(path)
    assert len(marks) >= 5
    assert all(len(read_record(mark, 100_000).body) == 50_000 for mark in marks)
    assert path.stat().st_size - (marks[-1].offset + marks[-1].length) < 51_000
    record(tmp_path, payload(b"next run"))
    assert [p.name for p in list_files(tmp_path / "robots")] == ["2026-03-01T12.rec", "2026-03-01T12_1.rec"]


def test_a_damaged_record_is_named(tmp_path):
    """A flipped byte inside a record is an error with file and place, not a wrong body."""
    record(tmp_path, payload(b"one" * 50))
    [path] = list_files(tmp_path / "robots")
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF
    path.write_bytes(content)
    [mark], _ = scan_file(path)
    with pytest.raises(RecordingError) as caught:
        read_record(mark, 1000)
    assert caught.value.reason == "record_damaged"
    assert "2026-03-01T12.rec, record at byte 0" in caught.value.detail


def test_a_record_larger_than_the_limit_is_refused(tmp_path):
    """A recording from elsewhere cannot unpack beyond the feed's limit."""
    record(tmp_path, payload(b"0" * 5_000_000))
    [mark], _ = scan_file(list_files(tmp_path / "robots")[0])
    with pytest.raises(RecordingError) as caught:
        read_record(mark, 1_000_000)
    assert caught.value.reason == "record_too_large"


def test_the_oldest_files_go_when_a_feed_is_over_its_cap(tmp_path):
    """A feed's files stay under its cap, the newest are kept, and other feeds are not touched."""
    hours = [payload(bytes([n]) * 10 + bytes(range(256)) * 4, NOON + timedelta(hours=n)) for n in range(8)]
    other = payload(name="buses")
    size = len(pack_record(hours[0], 0, 1, True))
    record(tmp_path, other, *hours, max_bytes_a_feed=3 * size + 100)
    assert [p.name[11:13] for p in list_files(tmp_path / "robots")] == ["17", "18", "19"]
    assert len(list_files(tmp_path / "buses")) == 1


def test_one_long_hour_is_cut_into_several_files(tmp_path):
    """The cap also holds within one hour: a large file is closed and the oldest part can go."""
    many = [payload(bytes([n]) * 3 + bytes(range(256)) * 4, NOON + timedelta(seconds=n)) for n in range(60)]
    size = len(pack_record(many[0], 0, 1, True))
    record(tmp_path, *many, max_bytes_a_feed=16 * size)
    files = list_files(tmp_path / "robots")
    assert sum(p.stat().st_size for p in files) <= 16 * size
    assert scan_file(files[-1])[0][-1].received_at == NOON + timedelta(seconds=59)


def test_a_folder_that_cannot_be_written_ends_recording_only(tmp_path, caplog):
    """Where the disk refuses, one line is logged and recording is off; nothing is raised."""
    (tmp_path / "recordings").write_text("a file stands where the folder should be")
    recorder = record(tmp_path / "recordings", payload(), payload())
    assert recorder.failed
    assert sum("recording ends" in r.message for r in caplog.records) == 1


def test_a_full_disk_ends_recording_and_the_rest_stays_readable(tmp_path):
    """When no more can be written, the process goes on and the records before it hold."""
    script = (
        "import sys, os, signal, resource; from pathlib import Path; from datetime import datetime, UTC\n"
        "from feeds.recorder import Recorder; from feeds.feed import Feed, Payload\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "feed = Feed(name='robots', adapter='tiny', url='http://h/')\n"
        "recorder = Recorder(Path(sys.argv[1]), [feed])\n"
        "for _ in range(10):\n"
        "    recorder.record(feed, [Payload('robots', 'http://h/', os.urandom(30_000), datetime(2026, 3, 1, 12, tzinfo=UTC))], True)\n"
        "recorder.close(); print(recorder.failed)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "File too large"
    assert done.stderr.count("recording ends") == 1
    marks, warning = scan_file(tmp_path / "robots" / "2026-03-01T12.rec")
    assert len(marks) == 3
    assert warning is not None


def test_a_slow_disk_drops_polls_instead_of_filling_memory(tmp_path, caplog):
    """Beyond the queue's limit polls go unrecorded, counted and said once."""
    recorder = Recorder(tmp_path, [feed()], queue_bytes=10_000)
    big = payload(b"x" * 4_000)
    with recorder._lock:
        recorder._waiting = 8_000  # two bodies wait, as if the disk stood still
    for _ in range(3):
        recorder.record(feed(), [big], True)
    recorder.close()
    assert recorder.dropped == 3
    assert sum("too slow" in r.message for r in caplog.records) == 1


def test_writing_is_not_done_by_the_caller(tmp_path):
    """`record` only queues: the files are written by the recorder's own thread."""
    recorder = Recorder(tmp_path, [feed()])
    assert recorder._thread is not threading.current_thread() and recorder._thread.is_alive()
    recorder.close()
    assert not recorder._thread.is_alive()


def test_the_manifest_describes_feeds_without_credentials(tmp_path):
    """A feed comes back from the manifest with its limits and ages, without headers, parameters and query."""
    asked = feed("https://exchange.example/robots?x=1", headers={"X": "${K}"}, params={"k": "v"}, vehicle_type="robot")
    write_manifest(tmp_path, [asked])
    [found] = read_manifest(tmp_path)
    assert (found.name, found.adapter, found.vehicle_type, found.limits) == ("robots", "tiny", "robot", asked.limits)
    assert (found.stale_after_s, found.leaves_map_after_s) == (asked.stale_after_s, asked.leaves_map_after_s)
    assert found.url == "https://exchange.example/robots"
    assert not found.headers and not found.params


def test_a_manifest_keeps_the_feeds_of_earlier_runs(tmp_path):
    """A run with other feeds adds to the manifest; feeds without files are left out."""
    (tmp_path / "buses").mkdir()
    write_manifest(tmp_path, [feed(name="buses"), feed(name="never_recorded")])
    write_manifest(tmp_path, [feed()])
    assert [f.name for f in read_manifest(tmp_path)] == ["buses", "robots"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "manifest_unreadable"),
        ('{"format": 9, "feeds": []}', "manifest_unreadable"),
        ('{"format": 1, "feeds": [{"name": "A B"}]}', "manifest_unreadable"),
        (None, "manifest_missing"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(tmp_path, text, reason):
    """Missing, broken and foreign manifests each give an error that names the file."""
    if text is not None:
        (tmp_path / "recording.json").write_text(text)
    with pytest.raises(RecordingError) as caught:
        read_manifest(tmp_path)
    assert caught.value.reason == reason and "recording.json" in caught.value.detail


def test_a_fetcher_records_what_it_fetches(tmp_path):
    """With the recorder as witness every new body of a real server is on disk, unreadable ones too."""

    async def story() -> None:
        answers = iter([reply(body(("a", 1))), reply(body(("a", 1))), reply(b"nonsense")])
        recorder = Recorder(tmp_path, [feed()])
        async with (
            serve(lambda r: next(answers)) as exchange,
            Fetcher(clock=FixedClock(NOON), witness=recorder.record) as source,
        ):
            for _ in range(3):
                await source.fetch(feed(exchange.url()), TINY)
        recorder.close()

    asyncio.run(story())
    [path] = list_files(tmp_path / "robots")
    assert [read_record(mark, 1000).body for mark in scan_file(path)[0]] == [body(("a", 1)), b"nonsense"]
