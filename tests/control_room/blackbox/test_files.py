"""Files of the black box: torn, damaged, cut off by a kill, told twice by a clock that was set, let go of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from control_room.blackbox.player import Player
from control_room.blackbox.record import DELTA, HEAD_BYTES, find_record, pack, read_records
from control_room.blackbox.segment import Segment, SegmentError
from control_room.blackbox.shelf import Shelf, let_go
from tests.control_room.blackbox.recorded import (
    NOON,
    Screens,
    list_boxes,
    make_tape,
    ms,
    open_boxes,
    record_span,
)

ROOT = Path(__file__).resolve().parents[3]
S = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "blackbox"


def record(folder, start=NOON, seconds=130.0, screens=None, close=True):
    tape = make_tape(folder)
    given = record_span(tape, screens or Screens(start=start), start, seconds)
    if close:
        tape.close()
    return given


def test_a_record_reads_as_it_was_packed():
    """Kind, moment, seq and body of a record come back; one byte changed anywhere and it is none."""
    packed = pack(DELTA, 1_795_423_854_164, 7, b"some bytes")

    found = find_record(packed)

    assert (found.kind, found.at, found.seq, found.body) == (DELTA, 1_795_423_854_164, 7, b"some bytes")
    for place in range(len(packed)):
        hurt = bytearray(packed)
        hurt[place] ^= 1
        assert find_record(bytes(hurt)) is None, place


def test_a_torn_tail_is_cut_at_every_length():
    """Whatever part of the last record reached the disk, those before it are read, and nothing is said to be damaged."""
    whole = pack(DELTA, 1, 1, b"first") + pack(DELTA, 2, 2, b"second")
    length = HEAD_BYTES + len(b"second")

    for lost in range(1, length + 1):
        assert [r.body for r in read_records(whole[: len(whole) - lost])] == [b"first"], lost


def test_damage_in_the_middle_is_stepped_over():
    """A record that is not as it was written is left out and counted; the next ones are read."""
    parts = [pack(DELTA, n, n, b"body %d" % n) for n in range(4)]
    hurt = bytearray(b"".join(parts))
    hurt[len(parts[0]) + HEAD_BYTES] ^= 255

    found = list(read_records(bytes(hurt)))

    assert [r and r.body for r in found] == [b"body 0", None, b"body 2", b"body 3"]


def test_a_file_torn_anywhere_still_shows_what_is_before(folder):
    """A power cut at any byte costs what was not whole: every earlier moment is shown as it was."""
    given = record(folder, seconds=130, close=False)
    (path,) = list_boxes(folder)
    whole = path.read_bytes()

    for part in (0.35, 0.6, 0.8, 0.95):
        path.write_bytes(whole[: int(len(whole) * part)])
        segment = Segment.open(path)
        shown = [bundle for bundle, _ in given if bundle.frame.now_ms <= segment.last]
        seen = Player(Shelf(folder, "wall")).seek(segment.last)

        assert segment.damaged == 0
        assert len(shown) > 10
        assert seen.key == shown[-1].frame.key()


def test_a_damaged_key_frame_costs_its_chunk_only(folder):
    """Moments of a chunk whose key frame is damaged show the end of the one before; all others are as they were."""
    given = record(folder, seconds=185)
    (path,) = list_boxes(folder)
    chunk = open_boxes(folder)[0].chunks[1]
    data = bytearray(path.read_bytes())
    data[chunk.offset + 200] ^= 255
    path.write_bytes(bytes(data))
    player = Player(Shelf(folder, "wall"))

    within = player.seek(chunk.first + 5_000)
    before = player.seek(chunk.first - 5_000)
    after = player.seek(chunk.last + 5_000)

    by_time = {bundle.frame.now_ms: bundle.frame for bundle, _ in given}
    assert within.key == by_time[chunk.first].key()
    assert before.key == by_time[chunk.first - 5_000].key()
    assert after.key == by_time[chunk.last + 5_000].key()


def test_an_index_that_does_not_fit_is_not_believed(folder):
    """A file whose index is missing, garbled or of another length is read through instead."""
    given = record(folder)
    (path,) = list_boxes(folder)
    index = path.with_suffix(".idx")
    chunks = [vars_of(chunk) for chunk in Segment.open(path).chunks]

    for content in (None, b"", b"[]", b'{"format": 1, "size": 3, "chunks": []}'):
        index.unlink(missing_ok=True)
        if content is not None:
            index.write_bytes(content)
        assert [vars_of(chunk) for chunk in Segment.open(path).chunks] == chunks
    assert Player(Shelf(folder, "wall")).seek(ms(NOON + 99 * S)).key == given[99][0].frame.key()


def vars_of(chunk):
    return (chunk.offset, chunk.end, chunk.first, chunk.last)


def test_a_file_of_something_else_is_left_out(folder):
    """What is no file of ours stands in nobody's way, and is counted."""
    record(folder)
    strange = folder / "2026-06-01" / "09-000099-wall.box"
    strange.write_bytes(b"not ours at all" * 100)

    held = Shelf(folder, "wall").look()

    assert (held.first, held.unreadable) == (ms(NOON), 1)
    with pytest.raises(SegmentError, match="does not begin as a file of the black box"):
        Segment.open(strange)


def test_a_clock_set_back_tells_each_moment_once(folder):
    """Where the server's clock was set back, the later record of a moment counts and time only rises."""
    screens = Screens()
    tape = make_tape(folder)
    record_span(tape, screens, NOON, 300)
    later = record_span(tape, screens, NOON + 100 * S, 300)
    tape.close()
    shelf = Shelf(folder, "wall")
    player = Player(shelf)

    held = shelf.look()
    seen = player.seek(ms(NOON + 250 * S))
    played = Player(shelf)
    played.seek(ms(NOON + 95 * S))
    frames = played.advance(ms(NOON + 110 * S), frozenset())

    firsts = [stretch.first for stretch in held.stretches]
    assert firsts == sorted(firsts)
    assert len(list_boxes(folder)) == 2
    assert seen.key == later[150][0].frame.key()
    assert played.now_ms == ms(NOON + 110 * S)
    assert frames.frames[0] == later[0][0].frame.key()
    assert frames.jumped


def test_a_clock_put_right_by_a_little_makes_no_new_file(folder):
    """A step back of less than a second, as time services make, is waited out."""
    screens, tape = Screens(), make_tape(folder)
    record_span(tape, screens, NOON, 5)
    bundle, snapshot = screens.at(NOON + timedelta(seconds=3.6))
    tape.record(bundle, snapshot)
    tape.close()

    assert len(list_boxes(folder)) == 1
    assert Player(Shelf(folder, "wall")).seek(ms(NOON + 60 * S)).key == bundle.frame.key()


def test_a_clock_that_was_far_ahead_does_not_hide_what_follows(folder):
    """A file from a wrong future is not shown once the clock is right again, and goes with the old ones."""
    screens, tape = Screens(), make_tape(folder)
    record_span(tape, screens, NOON + timedelta(days=400), 5)
    right = record_span(tape, screens, NOON, 20)
    tape.close()
    shelf = Shelf(folder, "wall")

    assert shelf.look().last == ms(NOON + 19 * S)
    assert Player(shelf).seek(ms(NOON + timedelta(days=400))).key == right[-1][0].frame.key()
    assert len(let_go(folder, 72 * 3_600_000, 10**9, ms(NOON))) == 1


def test_a_step_forward_is_a_gap(folder):
    """A clock set forward leaves a time of which nothing is known, and says so."""
    screens, tape = Screens(), make_tape(folder)
    record_span(tape, screens, NOON, 5)
    record_span(tape, screens, NOON + 600 * S, 5)
    tape.close()

    assert [g.as_dict() for g in Shelf(folder, "wall").look().gaps] == [
        {"from": ms(NOON + 4 * S), "to": ms(NOON + 600 * S)}
    ]


def test_what_is_too_old_goes_first_and_by_the_hour(folder):
    """Files older than is kept go, the newest never; with it the folder of a day that is empty."""
    start = NOON - timedelta(hours=30)
    tape = make_tape(folder)
    record_span(tape, Screens(start=start), start, 30 * 3600, every_s=900)
    tape.close()

    gone = let_go(folder, 10 * 3_600_000, 10**9, ms(NOON))

    left = list_boxes(folder)
    # The hour that began eleven hours ago ended ten hours ago: it is just not older than that.
    assert [path.name[:2] for path in left] == [f"{(1 + n):02}" for n in range(11)]
    assert len(gone) == 19
    assert not (folder / "2026-05-31").exists()
    assert all(path.with_suffix(".idx").exists() for path in left)


def test_what_is_too_much_goes_oldest_first(folder):
    """Over the size allowed the oldest files go until it is held; the newest stays whatever its size."""
    tape = make_tape(folder)
    record_span(tape, Screens(), NOON, 5 * 3600, every_s=60)
    tape.close()
    sizes = [path.stat().st_size for path in list_boxes(folder)]

    gone = let_go(folder, 10**12, sum(sizes[-2:]), ms(NOON))

    assert len(gone) == len(sizes) - 2
    assert len(let_go(folder, 10**12, 0, ms(NOON))) == 1
    assert len(list_boxes(folder)) == 1


def test_a_kill_costs_at_most_what_was_being_written(folder):
    """After kill -9 in the middle of writing, all that the killed process said it had recorded is shown."""
    code = (
        "import sys\n"
        "from datetime import timedelta\n"
        "from pathlib import Path\n"
        "from tests.control_room.blackbox.recorded import NOON, Screens, make_tape\n"
        "tape, screens, n = make_tape(Path(sys.argv[1])), Screens(rows=200), 0\n"
        "while True:\n"
        "    bundle, snapshot = screens.at(NOON + timedelta(seconds=n))\n"
        "    tape.record(bundle, snapshot)\n"
        "    print(bundle.frame.now_ms, bundle.frame.seq, flush=True)\n"
        "    n += 1\n"
    )
    for life in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        said = [child.stdout.readline().split() for _ in range(150 + 40 * life)]
        os.kill(child.pid, signal.SIGKILL)
        said += [line.split() for line in child.stdout.read().splitlines() if len(line.split()) == 2]
        child.wait()
        player = Player(Shelf(folder, "wall"))
        for at, seq in (said[0], said[77], said[-1]):
            player.seek(int(at))
            assert (player.now_ms, player.seq) == (int(at), int(seq))
    segments = open_boxes(folder)
    assert len(segments) == 3
    assert not any(segment.damaged or segment.closed for segment in segments)
