"""Batches into the database: each once, whole or not at all, whatever dies in between; on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from control_room.history.batch import Batch, decode_batch, encode_batch
from control_room.history.place import name_file, open_history
from control_room.history.reader import Reader
from control_room.history.retention import KEPT, let_go, list_held
from control_room.history.rollup import Minutes, Rate
from control_room.history.spool import Spool
from control_room.history.store import HistoryStore
from control_room.model import to_ms
from control_room.storage import schema
from control_room.storage.database import DatabaseError
from tests.control_room.history.town import LONDON, RUN, local, robot, sampler, seconds, snapshot

MORNING = local("2026-06-17 08:00")
AT_S = int(MORNING.timestamp())


def increments(amount: float = 1.0, at_s: float = AT_S, name: str = "request.in") -> list:
    minutes = Minutes()
    minutes.add_thing((name, ""), at_s, amount)
    return minutes.drain()


def batch(number: int, amount: float = 1.0, run: str = RUN, **more) -> Batch:
    return Batch(run, number, AT_S, increments(amount), **more)


def total(reader: Reader, step: str = "hour", name: str = "request.in") -> float:
    series = reader.list_series([name])[name, ""]
    return float(reader.read_span(step, [series], 0, 2e9).total.sum())


def test_a_batch_goes_in_once(store, reader):
    """Handed on again after an answer was lost, it changes nothing."""
    assert store.apply(batch(1, 5))
    assert not store.apply(batch(1, 5))
    assert store.apply(batch(2, 7))

    assert [total(reader, step) for step in ("minute", "hour", "day")] == [12, 12, 12]


def test_a_batch_that_breaks_off_leaves_nothing(store, reader, engine):
    """A position that the table refuses takes the whole batch back, and the next try of a sound one is whole."""
    bad = batch(1, 5, positions=[["robots:1", "robot", 1, None, None, None, None, None, None, None, None, None]])
    with pytest.raises(DBAPIError):
        store.apply(bad)

    assert reader.list_series() == {}
    assert store.apply(batch(1, 5))
    assert total(reader) == 5


def test_a_restart_in_mid_minute_loses_and_doubles_nothing(store, reader):
    """Two starts of the program share a minute: together they know all of it but the second between them."""
    first, second = sampler(MORNING, "a" * 16), sampler(MORNING + timedelta(seconds=25), "b" * 16)
    for at in seconds(MORNING, MORNING + timedelta(seconds=24)):
        first.note(snapshot(at, vehicle=[robot(state="needs_help")]))
    for at in seconds(MORNING + timedelta(seconds=25), MORNING + timedelta(seconds=60)):
        second.note(snapshot(at, vehicle=[robot(state="needs_help")]))
    for made in (first.drain(AT_S), second.drain(AT_S)):
        assert store.apply(made)

    series = reader.list_series(["fleet.stuck_min"])["fleet.stuck_min", "robot"]
    (known_s,) = reader.read_span("minute", [series], AT_S, AT_S + 60).known_s.tolist()
    assert known_s == pytest.approx(59)
    assert total_of(reader, series) == pytest.approx(59 / 60)


def total_of(reader: Reader, series: int) -> float:
    return float(reader.read_span("day", [series], 0, 2e9).total.sum())


def test_a_run_that_is_seen_to_end_twice_counts_once(store, reader):
    """A trip that one start saw ending and the next one sees ending again is one delivery."""
    run = {"run_key": "robots:1|t1", "sort": "delivery", "operator": None, "route": None, "from_s": AT_S, "until_s": AT_S + 600}  # fmt: skip
    for number in (1, 2):
        store.apply(Batch(RUN, number, AT_S, (), {"run": [run]}))

    assert total(reader, name="robot.deliveries") == 1


def test_low_high_and_last_survive_being_put_together(store, reader):
    """Increments of one minute keep the extremes of all of them and the newest value; unknown ones change nothing."""
    for number, value in enumerate((5.0, 2.0, 9.0, 4.0), 1):
        minutes = Minutes()
        minutes.add_rates({("request.open", ""): Rate(value, 1, value)}, AT_S + number, AT_S + number + 1)
        store.apply(Batch(RUN, number, AT_S, minutes.drain()))
    store.apply(Batch(RUN, 9, AT_S, increments(1.0, name="request.open")))

    rows = reader.read_span("minute", [reader.list_series()["request.open", ""]], AT_S, AT_S + 60)
    assert (rows.low[0], rows.high[0], rows.last[0], rows.known_s[0]) == (2, 9, 4, 4)


def test_a_batch_comes_back_from_the_queue_as_it_went_in(tmp_path):
    """Unknown values stay unknown on their way through JSON."""
    made = sampler(MORNING)
    cell = {"cell_key": "c:1", "cell_id": "C1", "feed": "cells", "period_s": 60.0, "availability_percent": 100.0}
    for at in seconds(MORNING, MORNING + timedelta(seconds=90), 10):
        made.note(
            snapshot(at, vehicle=[robot()], cell=[{**cell, "observed_at": to_ms(MORNING + timedelta(minutes=1))}])
        )
    before = made.drain(AT_S)
    assert any(row.measure == "cell.available_percent" for row in before.rows)

    after = decode_batch(encode_batch(before))

    assert [repr(row) for row in after.rows] == [repr(row) for row in before.rows]
    assert after.positions == before.positions and len(before.positions) == 1


def test_the_queue_keeps_its_order_and_its_bound(tmp_path):
    """Oldest first; full, the oldest goes and is counted; a torn file is put aside and counted."""
    size = len(encode_batch(batch(1)))
    spool = Spool(tmp_path, most_mb=3.5 * size / 1e6)
    for number in range(1, 6):
        spool.put(batch(number))
    assert (len(spool), spool.dropped) == (3, 2)

    again = Spool(tmp_path)
    name, first = again.find_first()
    assert first.number == 3
    (tmp_path / name).write_bytes(b"[1,")
    _, second = again.find_first()
    assert (second.number, again.dropped) == (4, 1)


def test_a_queue_goes_on_after_what_an_earlier_start_left(tmp_path):
    """A new start hands on the old one's batches first, and half a file of a killed one is no batch."""
    Spool(tmp_path).put(batch(1, run="f" * 16))
    (tmp_path / "000000000009-half.json.part").write_bytes(b"[1,")
    spool = Spool(tmp_path)
    spool.put(batch(1, run="0" * 16))

    order = []
    while found := spool.find_first():
        order.append(found[1].run[0])
        spool.done(found[0])
    assert order == ["f", "0"]
    assert list(tmp_path.iterdir()) == []


def test_a_locked_database_delays_and_loses_nothing(tmp_path):
    """While another program holds the file, a batch is refused; afterwards it goes in, once."""
    engine = open_history(tmp_path, "live", busy_within_ms=50)
    store = HistoryStore(engine, LONDON)
    store.apply(batch(1, 1))
    other = sqlite3.connect(name_file(tmp_path, "live"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DBAPIError):
        store.apply(batch(2, 2))
    other.execute("ROLLBACK")
    other.close()

    assert store.apply(batch(2, 2))
    assert total(Reader(engine)) == 3
    engine.dispose()


def test_a_database_that_goes_and_comes_back_loses_nothing(server):
    """PostgreSQL is stopped between two batches: refused, then taken, and what was in is in."""
    url = server.make("history_gone")
    engine = open_history(Path(), "live", url)
    store = HistoryStore(engine, LONDON)
    store.apply(batch(1, 1))
    server.stop()
    try:
        with pytest.raises(DBAPIError):
            store.apply(batch(2, 2))
    finally:
        server.start()

    assert store.apply(batch(2, 2))
    assert not store.apply(batch(1, 1))
    assert total(Reader(engine)) == 3
    engine.dispose()


def test_a_real_citys_history_is_never_mixed_with_a_simulated_one(engine, tmp_path):
    """A database that was begun as a real city's refuses the sandbox."""
    url = engine.url.render_as_string(hide_password=False)

    with pytest.raises(DatabaseError, match="holds the journal of a live city, this one is sandbox"):
        open_history(tmp_path, "sandbox", url)


KILLED = """
import sys
from pathlib import Path
from control_room.history.place import open_history
from control_room.history.spool import Spool
from control_room.history.store import HistoryStore
from tests.control_room.history.test_store import LONDON, batch

folder, run = Path(sys.argv[1]), sys.argv[2]
spool = Spool(folder / "queue")
store = HistoryStore(open_history(folder, "live"), LONDON)
for number in range(1, 100_000):
    spool.put(batch(number, run=run))
    print(number, flush=True)
    found = spool.find_first()
    if number % 3:
        store.apply(found[1])
        spool.done(found[0])
"""


def test_what_was_confirmed_survives_kill_9_exactly_once(tmp_path):
    """Killed at whatever moment, five times: every batch that was said to be kept is in the database once."""
    confirmed = 0
    for life in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), f"{life:016x}"],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[3],
        )
        last = 0
        for _ in range(20 + 7 * life):
            last = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        # What it still said before it died was said.
        rest = process.communicate()[0].split()
        confirmed += int(rest[-1]) if rest else last

    engine = open_history(tmp_path, "live")
    spool, store = Spool(tmp_path / "queue"), HistoryStore(engine, LONDON)
    while found := spool.find_first():
        store.apply(found[1])
        spool.done(found[0])
    # A batch that was on disk although nobody had been told yet may be in as well: one a life at most.
    assert confirmed <= total(Reader(engine)) <= confirmed + 5
    engine.dispose()


def test_each_sort_is_let_go_when_its_time_is_over(store, reader, engine):
    """A year and a half later minutes, positions and hours are gone, and the day is still there."""
    store.apply(
        batch(
            1, 5, positions=[["robots:1", "robot", AT_S * 1000, 52.0, -0.7, None, 1.0, 80.0, None, None, "idle", None]]
        )
    )
    let_go(engine, AT_S + 86_400)
    held = {h.kept.table.name: h.rows for h in list_held(engine)}
    assert (held["history_minute"], held["history_position"], held["history_hour"]) == (1, 1, 1)

    gone = let_go(engine, AT_S + 500 * 86_400)

    held = {h.kept.table.name: h.rows for h in list_held(engine)}
    assert (held["history_minute"], held["history_position"], held["history_hour"], held["history_day"]) == (0, 0, 0, 1)
    assert gone["history_hour"] == 1


def test_every_table_of_history_has_a_length_and_a_reason():
    """What is kept without saying how long and why is not kept by right."""
    kept = {k.table.name for k in KEPT}
    names = {name for name in schema.metadata.tables if name.startswith("history_")}

    # Names of series and vehicles hold no moment of anything.
    assert names - kept == {"history_series", "history_thing"}
    assert all(k.days > 0 and k.why for k in KEPT)
    assert min(KEPT, key=lambda k: k.days).table is schema.history_position


def test_positions_are_thinned(store, engine):
    """A robot on its way leaves one position a minute, one that stands one a quarter of an hour, a scooter none."""
    made = sampler(MORNING)
    for at in seconds(MORNING, MORNING + timedelta(minutes=30), 2):
        north = (at - MORNING).total_seconds() * 2e-5
        made.note(
            snapshot(
                at,
                vehicle=[
                    robot(1, latitude=52.0 + north, state="working"),
                    robot(2),
                    robot(3, vehicle_type="scooter", latitude=52.0 + north),
                ],
            )
        )
    store.apply(made.drain(AT_S))

    thing, position = schema.history_thing, schema.history_position
    question = sa.select(thing.c.vehicle_key, sa.func.count()).join(position, position.c.thing == thing.c.id)
    with engine.connect() as connection:
        counts = dict(connection.execute(question.group_by(thing.c.vehicle_key)).all())
    assert counts == {"robots:1": 31, "robots:2": 3}
