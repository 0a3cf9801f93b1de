"""kill -9 between the journal, the outbox, sending and marking: real processes, a real disk, a real receiver."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from tests.alerts.receivers import Answer, receiving

ROOT = Path(__file__).parents[2]
LIVES, EACH = 6, 3


def start(folder, port):
    command = [sys.executable, "-m", "tests.alerts.kill_notify", str(folder), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def raise_alarm(process, name):
    """Returns once the journal has it."""
    process.stdin.write(f"{name}\n")
    process.stdin.flush()
    return process.stdout.readline() == f"{name}\n"


def test_a_kill_between_sending_and_marking_repeats_once_with_the_same_key(tmp_path):
    """The receiver has it and we die before its answer: the next life sends it again, and is done."""
    with receiving() as receiver:
        process = start(tmp_path, receiver.port)

        def kill(request):
            process.kill()
            process.wait()
            return Answer()

        receiver.answer = kill
        raise_alarm(process, "7")
        receiver.until(lambda requests: len(requests) == 1, within_s=60)
        process.wait(60)
        receiver.answer = lambda request: Answer()
        again = start(tmp_path, receiver.port)
        receiver.until(lambda requests: len(requests) == 2, within_s=60)
        again.kill()
        again.wait()

    first, second = receiver.requests
    assert second.key == first.key
    assert second.body == first.body


def test_what_the_journal_has_is_told_however_often_we_are_killed(tmp_path):
    """Killed at random moments while messages leave: every alarm is told, and a repetition has the same key and body."""
    lot = random.Random(7)
    raised = []
    with receiving() as receiver:
        # The first try always fails, so that there is something to repeat.
        receiver.answer = lambda request: Answer(500 if request is receiver.requests[0] or lot.random() < 0.3 else 200)
        for life in range(LIVES):
            process = start(tmp_path, receiver.port)
            try:
                for number in range(EACH):
                    name = f"{life}-{number}"
                    if raise_alarm(process, name):
                        raised.append(name)
                receiver.until(lambda requests: bool(requests), within_s=60)
                with receiver.news:
                    receiver.news.wait(lot.uniform(0, 0.05))
            finally:
                process.kill()
                process.wait()
        receiver.answer = lambda request: Answer()
        process = start(tmp_path, receiver.port)
        try:
            # Of more than five a minute the first of the flood tells: the journal says which are to be told.
            wanted = wanted_keys(tmp_path)
            # What was refused first of all is repeated, if only now: a life may end before it sends anything.
            requests = receiver.until(
                lambda all_of_them: wanted <= {r.key for r in all_of_them} and len(all_of_them) > len(wanted),
                within_s=60,
            )
        finally:
            process.kill()
            process.wait()

    bodies = {}
    for request in requests:
        assert bodies.setdefault(request.key, request.body) == request.body
    assert len(raised) == LIVES * EACH
    assert len(wanted) >= 3
    assert len(requests) > len(wanted)  # some were repeated, or nothing was tested


def wanted_keys(folder):
    """The keys of all that the journal says is to be told, reckoned from the journal alone."""
    import sqlite3
    from datetime import UTC, datetime, timedelta

    import orjson

    from alerts.alarm import Event, What
    from alerts.notify.delivery import key_of

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    with sqlite3.connect(f"file:{folder}/control_room.sqlite?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT seq, at_us, rule, key, what, facts_json FROM journal ORDER BY seq").fetchall()
    found = set()
    for seq, at_us, rule, key, what, facts in rows:
        said = orjson.loads(facts)
        event = Event(epoch + timedelta(microseconds=at_us), rule, key, What(what), facts=said, seq=seq)
        if said.get("tell") and what == "raised":
            found.add(key_of(event, "desk", "webhook"))
    return found
