"""The last good hour on disk: what is kept, what is let go, and what damage does."""

from __future__ import annotations

from control_room.public.past import Past
from control_room.public.projection import project_public
from control_room.public.state import write_state
from control_room.public.tape import FILE_MS, HOUR_MS, Tape
from tests.control_room.public.town import NOW, make_ground, make_snapshot, make_vehicles

STATE = write_state(project_public(make_snapshot({"vehicle": make_vehicles({})}), Past(), NOW, make_ground())[0])
BEGIN = 1_795_000_000_000


def fill(tape, minutes, begin=BEGIN, step_ms=10_000):
    for at in range(begin, begin + minutes * 60_000, step_ms):
        tape.note(STATE, at)


def test_what_was_kept_is_played_in_order(tmp_path):
    """Every state that was kept comes again, the oldest first, with its moment."""
    tape = Tape(tmp_path)
    fill(tape, 12)
    played = list(Tape(tmp_path).play())

    assert [at for at, _ in played] == list(range(BEGIN, BEGIN + 720_000, 10_000))
    assert played[0][1].city.title == "Milton Keynes"
    assert Tape(tmp_path).find_span() == (BEGIN, BEGIN + 710_000)


def test_it_keeps_one_state_in_two_seconds(tmp_path):
    """States come each second; every other one is enough, and the disk is spared."""
    tape = Tape(tmp_path)

    assert [tape.note(STATE, BEGIN + 1000 * n) for n in range(6)] == [True, False, True, False, True, False]


def test_the_hour_is_the_last_one(tmp_path):
    """After half a day there is an hour on disk, and a little more, however long it has run."""
    tape = Tape(tmp_path)
    fill(tape, 12 * 60, step_ms=60_000)
    first, last = tape.find_span()
    files = sorted(int(p.stem) for p in tmp_path.iterdir())

    assert last - first == HOUR_MS
    assert files[0] >= last - HOUR_MS - 2 * FILE_MS
    assert len(files) <= 14


def test_a_torn_end_and_a_damaged_middle_are_stepped_over(tmp_path):
    """A power cut tears the last record, a bad disk changes a byte: all the others still play."""
    tape = Tape(tmp_path)
    fill(tape, 1)
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(bytes(data[:-7]))

    assert len(list(tape.play())) == 4  # of six


def test_a_file_of_somebody_else_is_not_played(tmp_path):
    """Other files in the folder, and files that hold no records, are left alone."""
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "12345.tape").write_bytes(b"no records at all")
    (tmp_path / "x.tape").write_bytes(b"")

    assert list(Tape(tmp_path).play()) == []
    assert Tape(tmp_path).find_span() is None
    assert Tape(tmp_path / "absent").find_span() is None


def test_a_clock_that_was_ahead_does_not_hide_the_present(tmp_path):
    """What a wrong clock wrote into next year is let go when the clock is right again."""
    tape = Tape(tmp_path)
    fill(tape, 1, begin=BEGIN + 10**10)
    fill(Tape(tmp_path), 1)

    assert Tape(tmp_path).find_span() == (BEGIN, BEGIN + 50_000)
