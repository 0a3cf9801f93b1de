"""kill -9 at any moment: real processes, a real disk, and judges who know nothing of the code they judge."""

from __future__ import annotations

import pytest

from tests.control_room.kill_lives import Tally, play
from tests.postgres import running


def was_a_test(tally: Tally) -> bool:
    """Things were confirmed, timers ran over kills, checkpoints were read."""
    return (
        tally.confirmed > 100
        and tally.timers_over_a_kill > 20
        and tally.kills_while_opening > 2
        and tally.checkpoints > 20
    )


def test_sixty_kills_lose_nothing_and_double_nothing(tmp_path):
    """Every confirmed acknowledgement, every alarm that was seen and every running timer is there after each start."""
    tally = play(tmp_path, lives=60, seed=4, enough=was_a_test)

    print(tally)
    assert tally.lives >= 60
    assert was_a_test(tally), tally
    assert tally.fired_after_a_kill > 5


def test_kills_with_a_copy_leave_the_copy_whole(tmp_path):
    """In the end the PostgreSQL holds the very same events, each once."""
    with running() as server:
        tally = play(tmp_path, lives=6, seed=5, database=server.make("killed"), enough=lambda t: t.confirmed > 0)

    assert tally.confirmed > 0


def test_a_journal_that_answers_before_it_writes_is_caught(tmp_path):
    """The judges see what is lost; else the tests above would say nothing."""
    with pytest.raises(AssertionError, match=r"lost|confirmed|event|place"):
        play(tmp_path, lives=60, seed=6, careless=True)
