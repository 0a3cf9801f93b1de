"""The recorder: what it writes and when, and that a disk's trouble stays its own."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import orjson

from control_room.blackbox.marks import EVENTS
from control_room.blackbox.player import Player
from control_room.blackbox.record import NAMED, read_records, unpack_named
from control_room.blackbox.recorder import WAITING_MOST, Recorder
from control_room.blackbox.shelf import Shelf
from control_room.blackbox.standing import Standing as RealStanding
from control_room.clock import FixedClock
from control_room.frames import inflate
from control_room.model import ALARM, EVENT, Table
from control_room.publish import Publisher
from layouts.panel import Panel
from tests.control_room.blackbox.recorded import (
    CITY,
    FEED,
    NOON,
    Screens,
    Standing,
    list_boxes,
    make_tape,
    ms,
    open_boxes,
    record_span,
)

ROOT = Path(__file__).resolve().parents[3]
S = timedelta(seconds=1)


def until(true, within_s=20.0):
    """Waits for what another thread does; fails when it does not come."""
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends, "did not come true in time"
        time.sleep(0.005)


def named_of(path):
    """(moment, name) of everything recorded by name."""
    data = path.read_bytes()
    return [(r.at, unpack_named(r.body)[0]) for r in read_records(data) if r is not None and r.kind == NAMED]


def test_panels_are_built_a_few_at_a_time_and_each_in_ten_seconds(tmp_path):
    """No frame makes the recorder build more than four panels, and none waits longer than the cadence and its turn."""
    topics = tuple(f"panel:p{n}" for n in range(20))
    standing = Standing(topics=topics, urgent=frozenset())
    tape = make_tape(tmp_path, standing)
    record_span(tape, Screens(), NOON, 60)
    tape.close()

    a_frame = {}
    for topic, at in standing.built:
        a_frame.setdefault(at, []).append(topic)
    assert max(map(len, a_frame.values())) == 4
    for topic in topics:
        times = [at for built, at in standing.built if built == topic]
        waits = [(b - a).total_seconds() for a, b in pairwise(times)]
        assert times[0] <= NOON + 4 * S
        assert 10 <= min(waits) <= max(waits) <= 15


def test_a_panel_that_did_not_change_costs_nothing(tmp_path):
    """The same content is written once a file, however often it is looked at."""
    tape = make_tape(tmp_path, Standing(said={"fleet": "as ever", "alarms": "calm"}))
    record_span(tape, Screens(), NOON, 600)
    tape.close()
    (path,) = list_boxes(tmp_path)

    names = [name for _, name in named_of(path)]

    assert names.count("panel:fleet") == names.count("panel:alarms") == 1


def test_an_alarm_is_recorded_with_the_frame_that_brings_it(tmp_path):
    """Panels of alarms do not wait for the cadence: they are recorded at the moment the alarms change."""
    screens, tape = Screens(), make_tape(tmp_path, Standing(topics=("panel:alarms",)))
    record_span(tape, screens, NOON, 12)
    screens.alarms = Table.of(ALARM, {"alarm_key": ["battery_low|buses:1"], "title": ["bus 1: battery low"]})
    record_span(tape, screens, NOON + 12 * S, 3)
    tape.close()
    (path,) = list_boxes(tmp_path)

    times = [at for at, name in named_of(path) if name == "panel:alarms"]

    assert ms(NOON + 12 * S) in times


def test_events_of_the_city_are_recorded_with_their_times(tmp_path):
    """An event is kept with name, place, beginning and end; one without a beginning is not."""
    events = Table.of(
        EVENT,
        {
            "event_key": ["e:1", "e:2"],
            "title": ["Match", "Some day"],
            "venue": ["Stadium", None],
            "starts_at": [NOON, None],
            "ends_at": [None, NOON],
        },
    )
    tape = make_tape(tmp_path)
    record_span(tape, Screens(events=events), NOON, 3)
    tape.close()

    seen = Player(Shelf(tmp_path, "wall")).seek(ms(NOON + 2 * S), [EVENTS])

    assert orjson.loads(seen.named[EVENTS]) == [
        {"id": "e:1", "title": "Match", "venue": "Stadium", "status": None, "from": ms(NOON), "to": None}
    ]


def test_key_frames_come_so_often_that_a_seek_stays_short(tmp_path):
    """However fast frames come and however large they are, few deltas lie between two key frames."""
    for folder, rows, every_s in (("calm", 3, 5), ("fast", 3, 0.1), ("large", 2000, 1)):
        tape = make_tape(tmp_path / folder)
        given = record_span(tape, Screens(rows=rows), NOON, 240 * every_s, every_s)
        tape.close()
        deltas = [bundle.frame.delta for bundle, _ in given[1:]]
        chunks = [chunk for segment in open_boxes(tmp_path / folder) for chunk in segment.chunks]
        assert max(chunk.last - chunk.first for chunk in chunks) <= 60_000
        assert len(deltas) / len(chunks) <= 100
        assert max(chunk.end - chunk.offset for chunk in chunks) < 6 * len(given[0][0].frame.key()) + 60_000


def test_what_was_taken_is_on_the_disk_when_it_closes(tmp_path):
    """A recorder that is told to end writes all that waits, and an index beside the file."""
    recorder = Recorder(make_tape(tmp_path), 72, 10**9, reserve_bytes=0)
    screens = Screens()
    given = [screens.at(NOON + n * S) for n in range(100)]
    for bundle, snapshot in given:
        recorder.take(bundle, snapshot)
    recorder.close()
    (path,) = list_boxes(tmp_path)

    assert recorder.state == "ok"
    assert path.with_suffix(".idx").exists()
    assert Player(Shelf(tmp_path, "wall")).seek(ms(NOON + 99 * S)).key == given[-1][0].frame.key()


def test_who_gives_never_waits_for_the_disk(tmp_path):
    """With a disk that hangs, taking stays quick and memory bounded; what is dropped is counted."""

    class Hanging(Standing):
        def build(self, topic, snapshot):
            go_on.wait()
            return super().build(topic, snapshot)

    go_on = threading.Event()
    recorder = Recorder(make_tape(tmp_path, Hanging()), 72, 10**9, reserve_bytes=0)
    bundle, snapshot = Screens().at(NOON)
    began = time.monotonic()
    for _ in range(WAITING_MOST + 50):
        recorder.take(bundle, snapshot)
    took_s = time.monotonic() - began
    go_on.set()
    recorder.close()

    assert took_s < 10
    assert 40 <= recorder.dropped <= 50


def test_after_what_was_dropped_the_map_begins_anew(tmp_path):
    """A frame that does not follow the one recorded before is never mended with a delta: a key frame comes first."""
    screens, tape = Screens(), make_tape(tmp_path)
    record_span(tape, screens, NOON, 5)
    screens.at(NOON + 5 * S)  # published, not recorded
    after = record_span(tape, screens, NOON + 6 * S, 5)
    tape.close()
    player = Player(Shelf(tmp_path, "wall"))

    player.seek(ms(NOON + 3 * S))
    passed = player.advance(ms(NOON + 8 * S), frozenset())

    assert passed.jumped
    assert passed.frames == [after[0][0].frame.key(), after[1][0].frame.delta, after[2][0].frame.delta]


def test_a_disk_that_refuses_is_said_and_tried_again(tmp_path):
    """Where the folder cannot be written the recorder says so in words, goes on trying, and records again by itself."""
    seconds = [0.0]
    blocked = tmp_path / "blackbox"
    blocked.write_text("a file stands where the folder should be")
    recorder = Recorder(make_tape(blocked), 72, 10**9, reserve_bytes=0, monotonic=lambda: seconds[0])
    screens = Screens()

    recorder.take(*screens.at(NOON))
    until(lambda: recorder.state != "ok")
    said = recorder.state
    blocked.unlink()
    seconds[0] += 31
    recorder.take(*screens.at(NOON + 2 * S))
    until(lambda: recorder.state == "ok")
    recorder.close()

    assert said.startswith(f"not recording: {blocked}: ")
    assert Shelf(blocked, "wall").look().first == ms(NOON + 2 * S)


def test_the_disk_is_left_to_the_alarms(tmp_path):
    """Where little is left on the disk, old hours go; where that is not enough nothing is recorded, and it says why."""
    tape = make_tape(tmp_path)
    screens = Screens()
    record_span(tape, screens, NOON - timedelta(hours=3), 3 * 3600, every_s=60)
    tape.close()
    before = len(list_boxes(tmp_path))
    recorder = Recorder(make_tape(tmp_path), 72, 10**9, reserve_bytes=10**6, find_free=lambda _: 10**6 - 1)

    recorder.take(*screens.at(NOON))
    until(lambda: recorder.state != "ok")
    recorder.close()

    assert before == 3
    assert len(list_boxes(tmp_path)) == 2
    assert "less than 1 MB left, which are kept for the alarms" in recorder.state


def test_two_recorders_do_not_write_into_one_folder(tmp_path):
    """A second control room on the same data folder records nothing, and says what to do."""
    first = Recorder(make_tape(tmp_path), 72, 10**9, reserve_bytes=0)
    screens = Screens()
    first.take(*screens.at(NOON))
    until(lambda: list_boxes(tmp_path))
    second = Recorder(make_tape(tmp_path), 72, 10**9, reserve_bytes=0)
    second.take(*screens.at(NOON + S))
    until(lambda: second.state != "ok")
    second.close()
    first.close()

    assert "another control room records here" in second.state
    assert len(list_boxes(tmp_path)) == 1


def test_a_disk_that_fills_up_in_the_middle_of_a_record_costs_that_record(tmp_path):
    """Where a write is cut short by the system, what stood before is shown, and the recorder goes on in another file."""
    code = (
        "import resource, signal, sys\n"
        "from datetime import timedelta\n"
        "from pathlib import Path\n"
        "from control_room.blackbox.recorder import Recorder\n"
        "from tests.control_room.blackbox.recorded import NOON, Screens, make_tape\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "seconds = [0.0]\n"
        "recorder = Recorder(make_tape(Path(sys.argv[1])), 72, 10**9, reserve_bytes=0, monotonic=lambda: seconds[0])\n"
        "screens, states = Screens(rows=500), []\n"
        "import time\n"
        "for n in range(400):\n"
        "    recorder.take(*screens.at(NOON + timedelta(seconds=n)))\n"
        "    while not recorder._queue.empty(): time.sleep(0.001)\n"
        "    time.sleep(0.005)\n"
        "    seconds[0] += 1\n"
        "    if recorder.state not in states: states.append(recorder.state)\n"
        "recorder.close()\n"
        "print(*('STATE ' + state for state in states), sep='\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "box")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    states = [line.removeprefix("STATE ") for line in done.stdout.splitlines() if line.startswith("STATE ")]
    boxes = list_boxes(tmp_path / "box")
    shelf = Shelf(tmp_path / "box", "wall")

    assert states[0] == "ok", done.stderr
    assert any(os.strerror(errno.EFBIG) in state or os.strerror(errno.ENOSPC) in state for state in states), states
    assert len(boxes) >= 2
    assert shelf.look().damaged == 0
    for stretch in shelf.look().stretches:
        player = Player(shelf)
        player.seek(stretch.last)
        assert player.now_ms <= stretch.last


def test_a_panel_that_cannot_be_built_is_recorded_as_such(tmp_path):
    """The record of a panel that raises says so in its place; all others and the map are recorded."""
    publisher = Publisher([FEED], CITY, FixedClock(NOON), "sandbox")
    standing = RealStanding(publisher.view)

    def raises(view):
        raise ValueError("a fault in a panel")

    standing._panels = {**standing._panels, "fleet": Panel("fleet", "Fleet", raises)}
    _, snapshot = Screens().at(NOON)

    said = inflate(standing.build("panel:fleet", snapshot))[1]

    assert b"has not been renewed for" in said
    assert b"a fault in a panel" not in said
