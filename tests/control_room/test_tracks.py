"""What is kept of where vehicles were: thinned, bounded, by observed time, and let go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from control_room.model import VEHICLE, Table, text_array
from control_room.tracks import Slots, Tracks, join_row

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rows(at_s: float, *names: str, cell: str | None = None, **more: object) -> Table:
    """Vehicles seen that many seconds after noon, a little farther north each second."""
    n = len(names)
    columns = {
        "vehicle_key": list(names),
        "observed_at": [NOON + timedelta(seconds=at_s)] * n,
        "latitude": [52.0 + at_s * 1e-5] * n,
        "longitude": [-0.75] * n,
        "cell_near": [cell] * n,
        **{name: [value] * n for name, value in more.items()},
    }
    return Table.of(VEHICLE, columns)


def seconds(track) -> list[int]:
    return [round((at - np.datetime64(NOON.replace(tzinfo=None), "ms")) / np.timedelta64(1, "s")) for at in track.at]


def play(tracks: Tracks, *tables: tuple[float, Table]) -> None:
    for at_s, table in tables:
        tracks.note(table, NOON + timedelta(seconds=at_s))


def test_a_track_is_thinned_to_a_point_each_ten_seconds():
    """A vehicle that reports each second leaves four points in half a minute."""
    tracks = Tracks()
    play(tracks, *((s, rows(s, "47")) for s in range(31)))

    assert seconds(tracks.find("47")) == [0, 10, 20, 30]


def test_a_handover_leaves_a_point_at_once():
    """Where the cell changed is what a track is asked about."""
    tracks = Tracks()
    play(tracks, (0, rows(0, "47", cell="A")), (3, rows(3, "47", cell="B")), (4, rows(4, "47", cell="B")))
    track = tracks.find("47")

    assert seconds(track) == [0, 3]
    assert track.cells.tolist() == ["A", "B"]


def test_points_carry_observed_time_and_an_answer_that_repeats_itself_leaves_none():
    """An answer that comes again each second with the same old row is one point, at its own time."""
    tracks = Tracks()
    old = rows(0, "47")
    play(tracks, *((s, old) for s in range(0, 120, 10)))

    assert seconds(tracks.find("47")) == [0]


def test_what_came_late_does_not_go_before_what_is_known():
    """A row older than the newest point is not put at the end of the line."""
    tracks = Tracks()
    play(tracks, (100, rows(100, "47")), (101, rows(60, "47")))

    assert seconds(tracks.find("47")) == [100]


def test_the_ring_overwrites_its_oldest_points():
    """Memory is bounded, whatever comes."""
    tracks = Tracks(points=5)
    size = None
    for s in range(0, 200, 10):
        tracks.note(rows(s, "47"), NOON + timedelta(seconds=s))
        size = size or tracks.nbytes

    assert seconds(tracks.find("47")) == [150, 160, 170, 180, 190]
    assert tracks.nbytes == size


def test_points_older_than_half_an_hour_are_not_told():
    """A vehicle that went silent keeps only what is young enough."""
    tracks = Tracks()
    play(tracks, (0, rows(0, "47")), (1_000, rows(1_000, "47")), (2_000, rows(1_000, "47")))

    assert seconds(tracks.find("47")) == [1_000]


def test_a_vehicle_that_is_gone_for_half_an_hour_is_forgotten_and_its_room_is_used_again():
    """Nothing of it is left, and another one does not inherit its points."""
    tracks = Tracks(most=1)
    play(tracks, (0, rows(0, "47")), (2_000, rows(2_000, "48")), (2_001, rows(2_001, "48")))
    assert tracks.find("47") is None

    play(tracks, (2_100, rows(2_100, "48")))
    assert (len(tracks), seconds(tracks.find("48"))) == (1, [2_001, 2_100])


def test_more_vehicles_than_there_is_room_for_have_no_track():
    """Said by None, and the others keep theirs."""
    tracks = Tracks(most=2)
    play(tracks, (0, rows(0, "a", "b", "c")))

    assert [tracks.find(key) is None for key in "abc"] == [False, False, True]


def test_a_recording_that_begins_anew_forgets_what_was():
    """When the clock goes back, tracks of before are of another world."""
    tracks = Tracks()
    play(tracks, (600, rows(600, "47")), (0, rows(0, "47")))

    assert seconds(tracks.find("47")) == [0]


def test_rows_without_time_or_place_leave_no_point():
    """Unknown is neither now nor at zero degrees."""
    tracks = Tracks()
    untimed = rows(0, "47").with_columns(observed_at=np.array([np.datetime64("NaT")], dtype="datetime64[ms]"))
    nowhere = rows(0, "48", cell="A").with_columns(latitude=np.array([np.nan]))
    play(tracks, (0, untimed), (0, nowhere))

    assert (tracks.find("47"), tracks.find("48"), tracks.find("nobody")) == (None, None, None)


def test_values_that_nobody_told_stay_unknown_and_others_keep_their_precision():
    """A missing battery is NaN; places are right to half a metre, signals to a tenth of a dB."""
    tracks = Tracks()
    play(tracks, (0, rows(0, "47", speed_kmh=5.4, signal_rsrp_dbm=-97.5, cell_id="C")))
    track = tracks.find("47")

    assert np.isnan(track.battery_percent[0])
    assert track.latitude[0] == pytest.approx(52.0, abs=5e-6)
    assert (track.speed_kmh[0], track.signal_dbm[0]) == pytest.approx((5.4, -97.5), abs=0.05)
    assert (track.cells.tolist(), track.is_told.tolist()) == (["C"], [True])


def test_the_newest_row_ends_the_line():
    """Between two kept points the vehicle has moved on; the line ends where it is."""
    tracks = Tracks()
    play(tracks, (0, rows(0, "47")), (4, rows(4, "47")))
    row = rows(4, "47", speed_kmh=6.0, cell="D")

    joined = join_row(tracks.find("47"), row, 0)
    assert (seconds(joined), joined.speed_kmh[-1], joined.cells[-1]) == ([0, 4], 6.0, "D")
    assert seconds(join_row(None, row, 0)) == [4]
    assert seconds(join_row(joined, row, 0)) == [0, 4]


def test_five_thousand_vehicles_take_under_twenty_five_megabytes():
    """The bound that docs/figures.md states: 23 bytes for each of 180 points."""
    tracks = Tracks()
    names = text_array([str(n) for n in range(5_000)])
    table = Table.of(
        VEHICLE,
        {
            "vehicle_key": names,
            "observed_at": np.full(5_000, np.datetime64(NOON.replace(tzinfo=None), "ms")),
            "latitude": np.full(5_000, 52.0),
            "longitude": np.full(5_000, -0.75),
        },
    )
    tracks.note(table, NOON)

    assert tracks.nbytes == 5_000 * 180 * 23
    assert len(tracks) == 5_000


def test_slots_are_found_again_for_the_same_keys_and_freed_ones_are_given_anew():
    """Rows keep their place while they live; one let go twice is free once."""
    slots = Slots(most=3)
    keys = text_array(["a", "b"])
    assert slots.take(keys).tolist() == [0, 1]
    slots.let_go(np.array([0]))
    slots.let_go(np.array([0]))

    assert slots.take(text_array(["b", "c", "d", "e"])).tolist() == [1, 0, 2, -1]
