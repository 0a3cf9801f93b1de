"""Frames: what goes in on the server comes out on the screen, in few bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.columns import Columns, turned
from control_room.frames import (
    DELTA,
    KEY,
    FrameDecoder,
    FrameEncoder,
    FrameError,
    Marks,
    deflate,
    inflate,
)

LEGEND = {"t0": 1_700_000_000, "types": ["robot", "bus"], "states": ["working"], "feeds": []}
INT32 = st.integers(-(2**31), 2**31 - 1)
# Mostly what a city looks like, sometimes anything an int32 can hold.
PIXELS = st.one_of(st.integers(33_000_000, 33_000_400), st.integers(32_000_000, 34_000_000), INT32)
TIMES = st.one_of(st.integers(0, 5), st.integers(1000, 1010), INT32)
ROWS = st.dictionaries(
    st.sampled_from([f"buses:{i}" for i in range(12)]),
    st.tuples(TIMES, PIXELS, PIXELS, st.integers(0, 64), st.integers(1, 2000)),
    max_size=12,
)


def marks_of(rows: dict[str, tuple[int, int, int, int, int]], now_ms: int = 0, legend: dict | None = None) -> Marks:
    keys = np.empty(len(rows), dtype=object)
    keys[:] = list(rows)
    columns = np.array(list(rows.values()), dtype=np.int64).reshape(-1, 5).T.astype(np.int32)
    return Marks(keys, *columns, legend or LEGEND, now_ms)


def drive(rows: int, seconds: int, moving: float = 1.0, seed: int = 1) -> Iterator[Marks]:
    """Vehicles at 5 to 15 m/s, each second ±10 % and a little to the side; a share of them stands."""
    lot = np.random.default_rng(seed)
    x, y = 33_000_000 + lot.random(rows) * 44_700, 21_800_000 + lot.random(rows) * 45_000
    course, speed = lot.random(rows) * 2 * np.pi, lot.uniform(5, 15, rows) / 0.37
    moves = np.arange(rows) < rows * moving
    lot.shuffle(moves)
    keys = np.array([f"buses:V{i}" for i in range(rows)], dtype=object)
    look = np.full(rows, 2, dtype=np.int32)
    t = np.full(rows, 1000)
    for second in range(seconds):
        course = course + np.where(moves, lot.normal(0, 0.05, rows), 0)
        step = np.where(moves, speed * (1 + lot.uniform(-0.1, 0.1, rows)), 0)
        x, y, t = x + step * np.sin(course), y - step * np.cos(course), t + moves
        heading = np.rint(course / (2 * np.pi) * 64) % 64 + 1
        columns = [np.rint(c).astype(np.int32) for c in (t, x, y, heading)]
        yield Marks(keys, *columns, look, LEGEND, 1_700_000_000_000 + second * 1000)


def seen(columns: Columns, slots: dict[str, int]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(int(c[slot]) for c in columns.all()[:5]) for key, slot in slots.items()}


@given(st.lists(ROWS, min_size=1, max_size=8))
@settings(deadline=None, max_examples=150)
def test_what_the_server_marks_is_what_the_screen_holds(story: list[dict]) -> None:
    """Rows may appear, vanish, reorder, jump or be unknown: deltas and keys both give the exact columns."""
    encoder, screen = FrameEncoder(), FrameDecoder()
    for second, rows in enumerate(story):
        frame = encoder.encode(marks_of(rows, now_ms=second))
        held = screen.decode(frame.key() if frame.delta is None else frame.delta)
        slots = {key: encoder.find_slot(key) for key in rows}
        assert None not in slots.values()
        assert seen(held, slots) == rows
        assert int(np.count_nonzero(held.look)) == len(rows)
        joiner = FrameDecoder()
        joiner.decode(frame.key())
        assert all(np.array_equal(a, b) for a, b in zip(joiner.columns.all(), held.all(), strict=True))
        assert (screen.seq, screen.now_ms) == (second + 1, second)


@given(st.lists(ROWS, min_size=2, max_size=6), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_a_screen_that_joins_later_reads_every_delta_from_there(story: list[dict], joins: int) -> None:
    """A key frame carries enough (each row's last step) to read all that follows."""
    encoder, early, late = FrameEncoder(), FrameDecoder(), FrameDecoder()
    for second, rows in enumerate(story):
        frame = encoder.encode(marks_of(rows))
        early.decode(frame.delta or frame.key())
        if second == min(joins, len(story) - 1):
            late.decode(frame.key())
        elif late.seq is not None:
            late.decode(frame.delta or b"")
    assert all(np.array_equal(a, b) for a, b in zip(late.columns.all(), early.columns.all(), strict=True))


def test_a_vehicle_keeps_its_slot_and_a_freed_one_is_used_again() -> None:
    """Slots are stable while a row lives; the screen need not know names."""
    encoder = FrameEncoder()
    row = (5, 100, 100, 0, 2)
    encoder.encode(marks_of({"a": row, "b": row, "c": row}))
    slot_of_c = encoder.find_slot("c")
    frame = encoder.encode(marks_of({"c": row, "b": row}))
    assert encoder.find_slot("c") == slot_of_c == 2
    assert frame.columns.look.tolist() == [0, 2, 2]
    encoder.encode(marks_of({"d": row, "c": row, "b": row}))
    assert encoder.find_slot("d") == 0


def test_a_freed_slot_is_seen_empty_before_it_is_used_again() -> None:
    """A newcomer in the frame in which another leaves takes a slot of its own, so nothing glides across the city."""
    encoder = FrameEncoder()
    row = (5, 100, 100, 0, 2)
    encoder.encode(marks_of({"a": row}))
    frame = encoder.encode(marks_of({"b": row}))
    assert frame.columns.look.tolist() == [0, 2]
    encoder.encode(marks_of({"b": row, "c": row}))
    assert encoder.find_slot("c") == 0


def test_rows_that_leave_for_good_leave_no_slots_behind() -> None:
    """After a crowd has gone, frames are as short as before it came."""
    encoder, screen = FrameEncoder(), FrameDecoder()
    row = (5, 100, 100, 0, 2)
    crowd = {f"v{i}": row for i in range(1000)}
    for rows in ({"a": row}, {"a": row} | crowd, {"a": row}):
        frame = encoder.encode(marks_of(rows))
        screen.decode(frame.delta or frame.key())
    assert len(screen.columns.t) == 1


def test_the_same_key_twice_is_refused() -> None:
    """Two rows of one name would share a slot; that is a fault of the caller."""
    keys = np.array(["a", "a"], dtype=object)
    column = np.ones(2, dtype=np.int32)
    with pytest.raises(ValueError, match="twice"):
        FrameEncoder().encode(Marks(keys, column, column, column, column, column, LEGEND, 0))


def test_the_legend_travels_only_when_it_changes() -> None:
    """A delta carries the legend once, when it is new."""
    encoder, screen = FrameEncoder(), FrameDecoder()
    other = {**LEGEND, "feeds": [{"name": "robots", "ageing_s": 5, "stale_s": 9, "leaves_s": 60}]}
    lengths = []
    for legend in (LEGEND, LEGEND, other, dict(other)):
        frame = encoder.encode(marks_of({"a": (1, 2, 3, 4, 5)}, legend=legend))
        screen.decode(frame.delta or frame.key())
        lengths.append(len(frame.delta or b""))
    assert screen.legend == other
    assert lengths[2] > lengths[1] + 20
    assert lengths[3] <= lengths[1] + 2


def test_a_gap_is_an_error_and_leaves_what_was_held() -> None:
    """A delta that does not follow is refused; the screen still holds the last whole frame."""
    encoder, screen = FrameEncoder(), FrameDecoder()
    frames = [encoder.encode(marks_of({"a": (t, t, t, 0, 1)})) for t in (1, 2, 3)]
    screen.decode(frames[0].key())
    with pytest.raises(FrameError, match="does not follow"):
        screen.decode(frames[2].delta or b"")
    assert (screen.seq, screen.columns.x.tolist()) == (1, [1])


def test_a_key_frame_is_made_at_most_once() -> None:
    """Whoever asks gets the same bytes."""
    frame = FrameEncoder().encode(marks_of({"a": (1, 2, 3, 4, 5)}))
    assert frame.delta is None
    assert frame.key() is frame.key()


@given(st.binary(max_size=60), st.sampled_from([KEY, DELTA]))
@settings(deadline=None, max_examples=150)
def test_damaged_bytes_raise_only_frame_errors(noise: bytes, tag: int) -> None:
    """Whatever comes, the decoder says FrameError and keeps what it held."""
    encoder, screen = FrameEncoder(), FrameDecoder()
    frames = [encoder.encode(marks_of({"a": (t, t, t, 0, 1), "b": (1, 5, 5, 0, 1)})) for t in (1, 2)]
    screen.decode(frames[0].key())
    _, body = inflate(frames[1].delta if tag == DELTA and frames[1].delta else frames[1].key())
    head = int.from_bytes(body[:4], "little") + 4
    for message in (bytes((tag,)) + noise, deflate(tag, noise), deflate(tag, body[:head] + noise), deflate(9, body)):
        with pytest.raises(FrameError):
            screen.decode(message)
    assert (screen.seq, screen.columns.x.tolist()) == (1, [1, 5])


def test_a_bomb_is_stopped_at_the_limit() -> None:
    """A small message that inflates without end is refused before it fills memory."""
    with pytest.raises(FrameError, match="limit"):
        inflate(deflate(KEY, bytes(10_000_000)), limit=1_000_000)


def test_directions_agree_with_trigonometry() -> None:
    """The table of slopes gives the nearest 1/64 turn, as atan2 would, for steps of any direction."""
    lot = np.random.default_rng(3)
    dx, dy = (lot.integers(-4000, 4000, 5000).astype(np.int32) for _ in range(2))
    got = turned(np.zeros(5000, np.int32), dx, dy, np.ones(5000, bool))
    exact = np.arctan2(dx, -dy) / (2 * np.pi) * 64
    wrong = np.abs((got - 1 - exact + 32) % 64 - 32)
    assert float(wrong[(dx != 0) | (dy != 0)].max()) < 0.51
    four = turned(
        np.zeros(4, np.int32), np.array([0, 9, 0, -9], np.int32), np.array([-9, 0, 9, 0], np.int32), dx[:4] == dx[:4]
    )
    assert four.tolist() == [1, 17, 33, 49]


def test_five_thousand_moving_vehicles_fit_in_the_bar() -> None:
    """All moving: 6 kB a second at most; a tenth: 1.3 kB; everything from nothing: 30 kB."""
    sizes: dict[float, list[int]] = {}
    keys: dict[float, int] = {}
    for moving in (1.0, 0.1):
        encoder = FrameEncoder()
        frames = [encoder.encode(m) for m in drive(5000, 8, moving)]
        sizes[moving] = [len(f.delta or b"") for f in frames[2:]]
        keys[moving] = len(frames[-1].key())
    assert max(sizes[1.0]) <= 6_000
    assert max(sizes[0.1]) <= 1_300
    assert max(keys.values()) <= 30_500


def test_encoding_five_thousand_vehicles_takes_few_milliseconds() -> None:
    """CPU for one delta, deflate included; the bar is 4 ms, the measure here about 1.3 ms."""
    encoder, spent = FrameEncoder(), []
    for marks in drive(5000, 12):
        began = time.process_time()
        encoder.encode(marks)
        spent.append(time.process_time() - began)
    assert sorted(spent)[len(spent) // 2] < 0.008  # twice the bar: other tests share the machine
