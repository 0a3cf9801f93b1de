"""A moment found again is what the screens were given then, to the byte."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from control_room.blackbox.player import NothingHeld, Player
from control_room.blackbox.shelf import Shelf
from control_room.frames import DELTA, KEY, FrameDecoder
from control_room.live import encode_panel
from tests.control_room.blackbox.recorded import NOON, Screens, Standing, list_boxes, make_tape, ms, record_span

S = timedelta(seconds=1)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "blackbox"


def test_every_frame_played_is_the_frame_that_was_sent(folder):
    """From any moment on, what is played are the very bytes that went to the screens, in their order."""
    tape = make_tape(folder)
    given = record_span(tape, Screens(rows=40), NOON, 200)
    tape.close()

    player = Player(Shelf(folder, "wall"))
    seen = player.seek(ms(NOON + 17 * S))
    played = player.advance(ms(NOON + 400 * S), frozenset()).frames

    assert seen.key == given[17][0].frame.key()
    assert played == [bundle.frame.delta for bundle, _ in given[18:]]


def test_a_key_frame_made_for_a_seek_is_the_one_a_new_screen_would_have_got(folder):
    """Wherever time is put, the key frame is byte for byte what the hub had sent to a screen that came then."""
    tape = make_tape(folder)
    given = record_span(tape, Screens(rows=30), NOON, 90, every_s=0.5)
    tape.close()
    player = Player(Shelf(folder, "wall"))

    for number in (0, 1, 57, 99, 100, 101, 179):
        assert player.seek(ms(NOON + number * 0.5 * S)).key == given[number][0].frame.key(), number


def test_time_may_go_back_and_forth(folder):
    """Each seek shows its own moment, whatever was shown before."""
    tape = make_tape(folder)
    given = record_span(tape, Screens(), NOON, 150)
    tape.close()
    player = Player(Shelf(folder, "wall"))

    for second in (140, 3, 61, 60, 59, 149, 0):
        seen = player.seek(ms(NOON + second * S) + 400)
        assert (player.now_ms, seen.key) == (ms(NOON + second * S), given[second][0].frame.key())


def test_panels_are_those_of_the_moment(folder):
    """After a seek each panel is the newest that was recorded by then, and playing brings the changes."""
    tape = make_tape(folder, Standing(topics=("panel:fleet",), urgent=frozenset()))
    record_span(tape, Screens(), NOON, 100)
    tape.close()
    player = Player(Shelf(folder, "wall"))

    seen = player.seek(ms(NOON + 47 * S), ["panel:fleet", "panel:unheard_of"])
    later = player.advance(ms(NOON + 55 * S), frozenset({"panel:fleet"}))

    assert seen.named == {"panel:fleet": encode_panel("fleet", b'"built for 12:00:40"')}
    assert later.named == {"panel:fleet": encode_panel("fleet", b'"built for 12:00:50"')}


def test_a_panel_that_a_screen_showed_is_kept_as_it_was_sent(folder):
    """Where some screen wants a panel, its own bytes are recorded and nothing is built again."""
    standing = Standing(topics=("panel:fleet",), urgent=frozenset())
    tape = make_tape(folder, standing)
    screens = Screens(panels={"fleet": "as the wall shows it"})
    given = record_span(tape, screens, NOON, 5)
    tape.close()

    seen = Player(Shelf(folder, "wall")).seek(ms(NOON + 3 * S), ["panel:fleet"])

    assert seen.named["panel:fleet"] == given[0][0].panels["fleet"]
    assert standing.built == []


def test_an_hour_that_turns_is_not_seen(folder):
    """Playing over the edge of two files gives the same bytes as within one, and panels that did not change are there."""
    standing = Standing(said={"fleet": "the same all day"})
    tape = make_tape(folder, standing)
    start = NOON - timedelta(seconds=100)
    given = record_span(tape, Screens(start=start), start, 200)
    tape.close()
    player = Player(Shelf(folder, "wall"))

    player.seek(ms(NOON - 20 * S))
    played = player.advance(ms(NOON + 50 * S), frozenset())
    seen = player.seek(ms(NOON + 1 * S), ["panel:fleet"])

    assert len(list_boxes(folder)) == 2
    assert played.frames == [bundle.frame.delta for bundle, _ in given[81:151]]
    assert not played.jumped
    assert seen.named["panel:fleet"] == encode_panel("fleet", b'"the same all day"')


@pytest.mark.parametrize("night", [datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)])
def test_nights_when_clocks_change_have_no_gap_and_no_hour_twice(folder, night):
    """The record goes by UTC: in both nights every moment of two hours is there once."""
    tape = make_tape(folder)
    record_span(tape, Screens(start=night), night, 7200, every_s=5)
    tape.close()
    shelf = Shelf(folder, "wall")
    player = Player(shelf)

    held = shelf.look()
    shown = []
    for minute in range(0, 120, 7):
        player.seek(ms(night + timedelta(minutes=minute)))
        shown.append(player.now_ms)

    assert list(held.gaps) == []
    assert shown == [ms(night + timedelta(minutes=minute)) for minute in range(0, 120, 7)]


def test_before_and_after_what_is_held_the_nearest_moment_is_shown(folder):
    """A moment before the first record shows the first, one after the last shows the last."""
    tape = make_tape(folder)
    given = record_span(tape, Screens(), NOON, 10)
    tape.close()
    player = Player(Shelf(folder, "wall"))

    assert player.seek(0).at == ms(NOON)
    assert player.seek(ms(NOON + timedelta(days=3))).key == given[-1][0].frame.key()


def test_a_gap_says_that_nothing_is_known(folder):
    """Inside a gap what stood before it is shown, together with the gap; beyond it a key frame begins anew."""
    screens = Screens()
    tape = make_tape(folder)
    before = record_span(tape, screens, NOON, 10)
    after = record_span(tape, screens, NOON + 300 * S, 10)
    tape.close()
    shelf = Shelf(folder, "wall")
    player = Player(shelf)
    gap = {"from": ms(NOON + 9 * S), "to": ms(NOON + 300 * S)}

    seen = player.seek(ms(NOON + 100 * S))
    assert [g.as_dict() for g in shelf.look().gaps] == [gap]
    assert (seen.key, seen.gap.as_dict()) == (before[-1][0].frame.key(), gap)

    player.seek(ms(NOON + 5 * S))
    into = player.advance(ms(NOON + 120 * S), frozenset())
    assert into.frames == [bundle.frame.delta for bundle, _ in before[6:]]
    assert (into.gap.as_dict(), into.jumped) == (gap, False)

    beyond = player.advance(ms(NOON + 302 * S), frozenset())
    assert beyond.frames == [after[0][0].frame.key(), after[1][0].frame.delta, after[2][0].frame.delta]
    assert (beyond.gap.as_dict(), beyond.jumped) == (gap, True)
    assert player.advance(ms(NOON + 304 * S), frozenset()).gap is None


def test_what_grows_can_be_followed(folder):
    """Who plays at the end of the record gets each frame once it is written."""
    screens, tape = Screens(), make_tape(folder)
    record_span(tape, screens, NOON, 10)
    player = Player(Shelf(folder, "wall"))
    player.seek(ms(NOON + 9 * S))

    more = record_span(tape, screens, NOON + 10 * S, 130)
    played = player.advance(ms(NOON + 200 * S), frozenset()).frames

    assert played == [bundle.frame.delta for bundle, _ in more]


def test_an_empty_box_says_so(folder):
    """Before anything is recorded a seek fails with words, not with a blank map."""
    with pytest.raises(NothingHeld, match="holds nothing yet"):
        Player(Shelf(folder, "wall")).seek(0)


def test_a_vehicle_is_told_as_it_was(folder):
    """The facts of a vehicle at a replayed moment: place, time and state of the frame, the rest as last recorded."""
    tape = make_tape(folder)
    given = record_span(tape, Screens(), NOON, 30)
    tape.close()
    player = Player(Shelf(folder, "wall"))
    player.seek(ms(NOON + 17 * S))

    found = player.find_vehicle("V2")
    slot = given[17][0].frame.slot_of["buses:2"]
    columns = given[17][0].frame.columns

    assert found["facts_at"] == ms(NOON + 10 * S)
    assert (found["x"], found["y"]) == (columns.x[slot], columns.y[slot])
    assert found["observed_at"] == ms(NOON + 16 * S)
    assert (found["vehicle_key"], found["label"], found["route_name"]) == ("buses:2", "bus 2", "2")
    assert found["speed_kmh"] == given[10][1].tables["vehicle"]["speed_kmh"][2]
    assert (found["state"], found["battery_percent"], found["locality"]) == ("working", 80.0, None)
    assert player.find_vehicle("bus 1")["battery_percent"] is None
    assert player.find_vehicle("V99") is None
    # A screen knows it by its place only, and may point a little beside it.
    assert player.find_vehicle(f"@{columns.x[slot] + 9},{columns.y[slot]}")["vehicle_key"] == "buses:2"
    assert player.find_vehicle("@0,0") is None


def test_a_vehicle_is_never_mistaken_for_another_that_took_its_place(folder):
    """A slot that was freed and given to a newcomer tells nothing of who had it before."""
    screens, tape = Screens(rows=3), make_tape(folder)
    screens.gone = {2}
    record_span(tape, screens, NOON, 12)
    screens.gone = {0, 2}
    record_span(tape, screens, NOON + 12 * S, 1)
    screens.gone = {0}
    record_span(tape, screens, NOON + 13 * S, 10)
    tape.close()
    player = Player(Shelf(folder, "wall"))

    for at_s in (12, 13, 14, 15, 22):
        player.seek(ms(NOON + at_s * S))
        assert player.find_vehicle("buses:0") is None, at_s
    assert player.find_vehicle("buses:2")["label"] == "bus 2"


def test_who_plays_frames_one_by_one_holds_what_a_screen_held(folder):
    """Decoding what is played gives the same columns as decoding what was sent."""
    tape = make_tape(folder)
    given = record_span(tape, Screens(rows=25), NOON, 130)
    tape.close()
    player, decoder = Player(Shelf(folder, "wall")), FrameDecoder()

    decoder.decode(player.seek(ms(NOON + 5 * S)).key)
    for frame in player.advance(ms(NOON + 500 * S), frozenset()).frames:
        assert frame[0] in (KEY, DELTA)
        decoder.decode(frame)

    for mine, theirs in zip(decoder.columns.all(), given[-1][0].frame.columns.all(), strict=True):
        assert np.array_equal(mine, theirs)


def test_the_way_a_vehicle_came_is_known(folder):
    """Its places at the key frames before a moment, newest last, as the screens were shown them then."""
    tape = make_tape(folder)
    given = record_span(tape, Screens(rows=8), NOON, 400)
    tape.close()
    by_time = {bundle.frame.now_ms: bundle.frame for bundle, _ in given}
    player = Player(Shelf(folder, "wall"))
    player.seek(ms(NOON + 350 * S))

    trace = player.trace("bus 5")

    slot = by_time[ms(NOON)].slot_of["buses:5"]
    assert trace["at"] == [
        *(c.chunk.first for c in player.held.stretches if c.first < ms(NOON + 350 * S)),
        player.now_ms,
    ]
    assert trace["x"] == [int(by_time[at].columns.x[slot]) for at in trace["at"]]
    assert trace["y"] == [int(by_time[at].columns.y[slot]) for at in trace["at"]]
    assert player.trace("nobody") == {"at": [], "x": [], "y": []}


def test_a_way_never_takes_in_that_of_another_vehicle(folder):
    """Where a vehicle got the place of one that had left, its way begins with itself."""
    screens, tape = Screens(rows=3), make_tape(folder)
    screens.gone = {2}
    record_span(tape, screens, NOON, 130)
    screens.gone = {0, 2}
    record_span(tape, screens, NOON + 130 * S, 3)
    screens.gone = {0}
    record_span(tape, screens, NOON + 133 * S, 200)
    tape.close()
    player = Player(Shelf(folder, "wall"))
    player.seek(ms(NOON + 320 * S))

    assert player.trace("buses:2")["at"][0] >= ms(NOON + 133 * S)
    assert player.trace("buses:1")["at"][0] == ms(NOON)
