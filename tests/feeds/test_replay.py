"""Replay: recordings and bare payloads, at their pace, faster, and as a still."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from control_room.clock import FixedClock
from feeds.feed import Adapter, Feed, Payload, get_adapter
from feeds.poller import Failed, Outcome, Polled, Poller
from feeds.recorder import Recorder
from feeds.recording import RecordingError, list_files, scan_file
from feeds.replay import RecordedClock, ReplaySource, open_replay, read_recording
from tests.feeds.tiny import PAGED, TINY, body, feed

# Long ago: what is published later than today's real time counts as a mistake of its publisher.
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples"

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real samples are not here")


@dataclass
class Monotonic:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def record(folder: Path, polls: dict[str, dict[float, list[bytes]]], whole: bool = True, **more: Any) -> Path:
    """A recording of these polls: feed to seconds after noon to bodies of its pages."""
    recorder = Recorder(folder, [feed(name=name, **more) for name in polls])
    for name, moments in polls.items():
        for seconds, pages in moments.items():
            at = NOON + timedelta(seconds=seconds)
            payloads = [Payload(name, "http://exchange/", page, at) for page in pages]
            recorder.record(feed(name=name), payloads, whole)
    recorder.close()
    return folder


def ask(source: ReplaySource, asked: Feed, adapter: Adapter = TINY) -> list[bytes] | str:
    """The bodies of one poll, or "same"."""
    pages = asyncio.run(source.fetch(asked, adapter))
    return "same" if pages[0].payload.not_modified else [page.payload.body for page in pages]


def poll(asked: Feed, source: ReplaySource, clock: Any, adapter: Adapter) -> Outcome:
    async def drop(outcome: Outcome) -> None:
        pass

    return asyncio.run(Poller(asked, adapter, source, drop, clock, lots=random.Random(1)).poll_once())


def test_a_recording_plays_at_its_own_pace(tmp_path):
    """Each recorded poll is handed out once, when its moment comes; between them nothing is new."""
    real = Monotonic()
    record(tmp_path, {"robots": {0: [b"a"], 10: [b"b"], 20: [b"c"]}}, every_s=10)
    [asked], source, clock = open_replay(tmp_path, monotonic=real)
    story = {}
    for real.now_s in (0, 1, 9.9, 10, 10.5, 21):
        story[real.now_s] = ask(source, asked)
    assert story == {0: [b"a"], 1: "same", 9.9: "same", 10: [b"b"], 10.5: "same", 21: [b"c"]}
    assert clock.now() == NOON + timedelta(seconds=20)


def test_a_payload_carries_the_moment_it_was_received_then(tmp_path):
    """What is observed in a replay is judged against the recorded moment, not against today."""
    record(tmp_path, {"robots": {0: [body(("a", 1))]}})
    [asked], source, clock = open_replay(tmp_path, monotonic=Monotonic(500.0))
    outcome = poll(asked, source, clock, TINY)
    assert isinstance(outcome, Polled)
    assert outcome.received_at == NOON
    assert outcome.batches[0].received_at == NOON


def test_a_faster_replay_skips_what_has_passed(tmp_path):
    """At rate 10 a second of ours is ten of the recording, and the newest poll of the time passed is given."""
    real = Monotonic()
    record(tmp_path, {"robots": {0: [b"a"], 10: [b"b"], 20: [b"c"]}}, every_s=10)
    [asked], source, clock = open_replay(tmp_path, rate=10, monotonic=real)
    assert asked.every_s == 1
    assert asked.stale_after_s == 90
    real.now_s = 1
    assert ask(source, asked) == [b"b"]
    real.now_s = 2
    assert ask(source, asked) == [b"c"]
    assert clock.rate == 0


def test_replayed_feeds_are_asked_at_least_every_second(tmp_path):
    """A recorded poll of a slow feed is shown within a second of its moment; a quick one never under 0.2 s."""
    record(tmp_path / "slow", {"robots": {0: [b"a"]}}, every_s=30)
    record(tmp_path / "quick", {"robots": {0: [b"a"]}}, every_s=1)
    assert open_replay(tmp_path / "slow")[0][0].every_s == 1
    assert open_replay(tmp_path / "quick", rate=100)[0][0].every_s == 0.2


def test_the_clock_stops_at_the_end_of_the_recording(tmp_path):
    """After the last payload time stands still, and the clock says so by its rate."""
    real = Monotonic()
    clock = RecordedClock(NOON, NOON + timedelta(seconds=5), 2.0, real)
    assert (clock.now(), clock.rate) == (NOON, 2.0)
    real.now_s = 2
    assert (clock.now(), clock.rate) == (NOON + timedelta(seconds=4), 2.0)
    real.now_s = 60
    assert (clock.now(), clock.rate) == (NOON + timedelta(seconds=5), 0.0)


def test_a_still_shows_every_feed_at_one_moment(tmp_path):
    """A still stands at the first moment at which all feeds had answered, with the newest of each, and nobody leaves the map."""
    real = Monotonic()
    record(tmp_path, {"robots": {0: [b"a"], 5: [b"b"], 60: [b"c"]}, "buses": {7: [b"x"]}})
    feeds, source, clock = open_replay(tmp_path, still=True, monotonic=real)
    assert (clock.now(), clock.rate) == (NOON + timedelta(seconds=7), 0.0)
    assert {f.name: ask(source, f) for f in feeds} == {"robots": [b"b"], "buses": [b"x"]}
    real.now_s = 3600
    assert clock.now() == NOON + timedelta(seconds=7)
    assert [ask(source, f) for f in feeds] == ["same", "same"]
    assert all(f.leaves_map_after_s > 1e9 for f in feeds)


def test_a_moment_can_be_chosen(tmp_path):
    """A replay starts, and a still stands, where it is told to."""
    record(tmp_path, {"robots": {0: [b"a"], 5: [b"b"], 60: [b"c"]}})
    moment = NOON + timedelta(seconds=61)
    [asked], source, clock = open_replay(tmp_path, still=True, at=moment)
    assert clock.now() == moment and ask(source, asked) == [b"c"]
    _, _, clock = open_replay(tmp_path, at=NOON + timedelta(seconds=5), monotonic=Monotonic())
    assert clock.now() == NOON + timedelta(seconds=5)


def test_a_feed_that_begins_later_has_nothing_new_until_then(tmp_path):
    """Before its first recorded poll a feed brings nothing, and fails not."""
    real = Monotonic()
    record(tmp_path, {"robots": {0: [b"a"]}, "buses": {7: [b"x"]}})
    feeds, source, _ = open_replay(tmp_path, monotonic=real)
    buses = next(f for f in feeds if f.name == "buses")
    assert ask(source, buses) == "same"
    real.now_s = 7
    assert ask(source, buses) == [b"x"]


def test_pages_of_a_poll_stay_together(tmp_path):
    """A poll of three pages is replayed as three pages, in order, through the same adapter."""
    record(tmp_path, {"robots": {0: [body(("a", 1), next="?2"), body(("b", 2), next="?3"), body(("c", 3))]}})
    [asked], source, clock = open_replay(tmp_path)
    outcome = poll(asked, source, clock, PAGED)
    assert isinstance(outcome, Polled)
    assert outcome.batches[0].table["vehicle_id"].tolist() == ["a", "b", "c"]


def test_polls_that_broke_off_are_not_replayed(tmp_path):
    """Half a poll is kept for inspection but never shown as a whole one."""
    record(tmp_path, {"robots": {0: [b"a"]}})
    record(tmp_path, {"robots": {10: [b"page one only"]}}, whole=False)
    recording = read_recording(tmp_path)
    assert [p.received_at for p in recording.polls["robots"]] == [NOON]


def test_a_poll_whose_last_page_is_torn_is_left_out(tmp_path):
    """A crash between the pages of a poll costs that poll, and is said."""
    record(tmp_path, {"robots": {0: [b"a"], 10: [b"b1", b"b2"]}})
    [path] = list_files(tmp_path / "robots")
    path.write_bytes(path.read_bytes()[:-3])
    recording = read_recording(tmp_path)
    assert len(recording.polls["robots"]) == 1
    assert "torn" in recording.warnings[0]


def test_a_bad_body_is_replayed_as_the_failure_it_was(tmp_path):
    """An unreadable recorded body fails its poll again and again, until the next recorded one."""
    real = Monotonic()
    record(tmp_path, {"robots": {0: [b"nonsense"], 10: [body(("a", 1))]}})
    [asked], source, clock = open_replay(tmp_path, monotonic=real)
    reasons = []
    for real.now_s in (0, 1, 10, 11):
        outcome = poll(asked, source, clock, TINY)
        reasons.append(outcome.error.reason if isinstance(outcome, Failed) else outcome.not_modified)
    assert reasons == ["not_tiny", "not_tiny", False, True]


def test_one_file_of_a_recording_can_be_replayed_alone(tmp_path):
    """A single hour opens by itself, described by the manifest above it."""
    record(tmp_path, {"robots": {0: [b"a"], 3600: [b"b"]}, "buses": {0: [b"x"]}})
    recording = read_recording(tmp_path / "robots" / "2024-03-01T13.rec")
    assert [f.name for f in recording.feeds] == ["robots"]
    assert [p.received_at for p in recording.polls["robots"]] == [NOON + timedelta(hours=1)]


def test_opening_does_not_unpack_what_it_does_not_show(tmp_path):
    """Bodies are read when their moment comes: a damaged one in the middle does not keep a recording from opening."""
    record(tmp_path, {"robots": {0: [b"a" * 100], 10: [b"b" * 100], 20: [b"c" * 100]}})
    [path] = list_files(tmp_path / "robots")
    second = scan_file(path)[0][1]
    content = bytearray(path.read_bytes())
    content[second.offset + second.length - 5] ^= 0xFF
    path.write_bytes(content)
    real = Monotonic()
    [asked], source, _ = open_replay(tmp_path, monotonic=real)
    assert ask(source, asked) == [b"a" * 100]
    real.now_s = 10
    with pytest.raises(RecordingError):
        ask(source, asked)
    real.now_s = 20
    assert ask(source, asked) == [b"c" * 100]


# ---- bare payloads


def vehicle_positions(at: datetime, *vehicles: str) -> bytes:
    """A small GTFS-Realtime message of our own."""
    from google.transit import gtfs_realtime_pb2

    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = int(at.timestamp())
    for name in vehicles:
        entity = message.entity.add(id=name)
        entity.vehicle.vehicle.id = name
        entity.vehicle.position.latitude, entity.vehicle.position.longitude = 52.04, -0.76
        entity.vehicle.timestamp = int(at.timestamp()) - 30
    return bytes(message.SerializeToString())


def test_a_bare_payload_opens_at_the_moment_it_was_published(tmp_path):
    """A body in a file finds its adapter by itself, and its time is its publisher's."""
    path = tmp_path / "Buses north.pb"
    path.write_bytes(vehicle_positions(NOON, "1", "2"))
    [asked], source, clock = open_replay(path, still=True)
    assert (asked.name, asked.title, asked.adapter) == ("buses_north", "Buses north.pb", "gtfs_realtime")
    assert clock.now() == NOON
    outcome = poll(asked, source, clock, get_adapter(asked.adapter))
    assert isinstance(outcome, Polled)
    assert outcome.batches[0].table["vehicle_id"].tolist() == ["1", "2"]


def test_files_that_differ_by_number_are_polls_of_one_feed(tmp_path):
    """A folder of numbered captures is one feed in time; another name is another feed; the rest is left out, and said."""
    for n in range(3):
        (tmp_path / f"buses-{n:03}.pb").write_bytes(vehicle_positions(NOON + timedelta(seconds=15 * n), str(n)))
    (tmp_path / "trams.pb").write_bytes(vehicle_positions(NOON, "t"))
    (tmp_path / "README.md").write_text("about these files")
    recording = read_recording(tmp_path)
    assert {name: len(polls) for name, polls in recording.polls.items()} == {"buses": 3, "trams": 1}
    assert recording.ended_at == NOON + timedelta(seconds=30)
    assert recording.warnings == ("README.md: no adapter knows this body; name one with --adapter",)


def test_single_payloads_of_different_years_are_shown_together(tmp_path):
    """Two feeds with one body each, years apart: nobody waits years for the second, so it is a still."""
    (tmp_path / "north.pb").write_bytes(vehicle_positions(NOON - timedelta(days=900), "N1"))
    (tmp_path / "south.pb").write_bytes(vehicle_positions(NOON, "S1"))
    real = Monotonic()
    feeds, source, clock = open_replay(tmp_path, monotonic=real)

    outcomes = [poll(f, source, clock, get_adapter("gtfs_realtime")) for f in feeds]

    assert [len(o.batches[0].table) for o in outcomes if isinstance(o, Polled)] == [1, 1]
    assert (clock.now(), clock.rate) == (NOON, 0.0)


def test_a_payload_without_any_time_has_that_of_its_file(tmp_path):
    """Where a body says nothing of time, the file's own time stands in."""
    path = tmp_path / "broken.pb"
    path.write_bytes(b"no protobuf")
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    [asked], source, clock = open_replay(path, still=True, adapter="gtfs_realtime")
    assert clock.now() == NOON
    outcome = poll(asked, source, clock, get_adapter("gtfs_realtime"))
    assert isinstance(outcome, Failed)
    assert outcome.error.reason == "not_protobuf"


def test_a_payload_cannot_come_from_the_future(tmp_path):
    """A bare body that claims to be of next year has its file's time."""
    path = tmp_path / "ahead.pb"
    path.write_bytes(vehicle_positions(NOON + timedelta(days=365), "1"))
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    assert read_recording(path, clock=FixedClock(NOON)).began_at == NOON


@pytest.mark.parametrize(
    ("make", "adapter", "reason"),
    [
        (lambda p: p.write_text("neither this nor that"), None, "recording_empty"),
        (lambda p: p.write_text("x"), "no_such", "recording_empty"),
        (lambda p: p.mkdir(), None, "recording_empty"),
        (lambda p: None, None, "recording_unreadable"),
    ],
    ids=["unknown body", "unknown adapter", "empty folder", "nothing there"],
)
def test_what_cannot_be_replayed_says_why(tmp_path, make, adapter, reason):
    """No adapter, no file, nothing inside: each is an error that says what to do."""
    make(tmp_path / "it")
    with pytest.raises(RecordingError) as caught:
        open_replay(tmp_path / "it", adapter=adapter)
    assert caught.value.reason == reason
    assert str(tmp_path / "it") in caught.value.detail


@needs_samples
def test_the_real_capture_of_milton_keynes_opens_as_a_still():
    """84 real buses stand at 17:35:21 UTC on 28 February 2024, none refused as future."""
    [asked], source, clock = open_replay(SAMPLES / "gtfs-rt" / "bods-milton-keynes-area.pb", still=True)
    assert clock.now() == datetime(2024, 2, 28, 17, 35, 21, tzinfo=UTC)
    outcome = poll(asked, source, clock, get_adapter(asked.adapter))
    assert isinstance(outcome, Polled)
    [batch] = [b for b in outcome.batches if b.kind.name == "vehicle"]
    assert len(batch.table) == 84
    assert batch.rejects == {}


@needs_samples
def test_a_folder_of_real_captures_opens_with_what_can_be_read():
    """Of twenty real and test bodies nineteen are known; the one that is no protobuf is named."""
    recording = read_recording(SAMPLES / "gtfs-rt")
    assert len(recording.feeds) == 19
    assert [w.split(":")[0] for w in recording.warnings] == ["not-protobuf.pb"]
