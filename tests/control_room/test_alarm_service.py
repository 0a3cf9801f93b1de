"""Alarms in the running product: judged with each snapshot, commanded over HTTP, never in the way of a screen."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest

from alerts.commands import Command, CommandRefused
from control_room import alarm_desk, cache
from control_room.clock import FixedClock
from control_room.storage.store import Store
from tests.control_room.alarm_town import Town, write_rules

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE = "battery_low|buses:1"
TWO = "battery_low|buses:2"


@pytest.fixture
def make(tmp_path):
    """A town below the test's folder, with these rules."""

    def town(*rules, store=True, clock=None) -> Town:
        folder = write_rules(tmp_path / "rules", *rules)
        return Town(Store(tmp_path, "live") if store else None, folder, clock)

    return town


def play(town, story, **more):
    async def run():
        async with town.running(**more):
            return await story()

    return asyncio.run(run())


def post(town, **said):
    usual = {"action": "acknowledge", "alarms": [ONE], "by": "Anna"}
    return town.ask("POST", "/alarms/commands", json=usual | said)


def test_a_value_and_its_alarm_reach_the_screens_in_one_snapshot(make):
    """The snapshot that is published with the low battery holds the alarm, and says that a rule watches."""
    town = make()
    heard = []
    town.on_publish = lambda s: heard.append(
        (s.tables["vehicle"]["battery_percent"].tolist(), len(s.tables["alarm"]), s.watch)
    )

    async def story():
        await town.tell({"1": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        await town.until(lambda s: heard and heard[-1][1] == 1)

    play(town, story)

    # Other news may bring another snapshot after it; none has the value without its alarm.
    assert {alarms for rows, alarms, _ in heard if rows} == {1}
    assert (heard[-1][2].rules, heard[-1][2].faults) == (1, ())


def test_a_delay_ends_within_a_second_although_no_feed_speaks(make, monkeypatch):
    """Timers run when feeds are silent: the writer waits less than a second, whatever else it looks at seldom."""
    assert alarm_desk.TIMERS_EVERY_S < 1
    monkeypatch.setattr(alarm_desk, "SILENCE_EVERY_S", 3600.0)
    monkeypatch.setattr(cache, "TICK_S", 3600.0)
    town = make({"on_delay_s": 1})

    async def story():
        await town.tell({"1": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        begun, ended = town.store.journal.list_after(0)
        return begun.what.value, ended.what.value, (ended.at - begun.at).total_seconds()

    begun, ended, took_s = play(town, story)

    assert (begun, ended) == ("rising", "raised")
    assert took_s > 0.9


def test_a_command_is_answered_once_it_is_on_the_disk(make, tmp_path):
    """Another program reads the acknowledgement from the file when the answer is there."""
    town = make()

    async def story():
        await town.tell({"1": 5.0, "2": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 2)
        answer = await post(town, alarms=[ONE, TWO, "battery_low|buses:9"], why="seen on camera 4")
        with sqlite3.connect(f"file:{tmp_path / 'control_room.sqlite'}?mode=ro", uri=True) as file:
            found = file.execute(
                "SELECT key, by_whom, why, facts_json FROM journal WHERE what = 'acknowledged'"
            ).fetchall()
        await town.until(lambda s: set(town.states().values()) == {"acknowledged"})
        return answer, found, await post(town)

    answer, found, again = play(town, story)

    assert answer.status_code == 200
    assert answer.json()["done"] == [ONE, TWO]
    assert [line["alarm"] for line in answer.json()["refused"]] == ["battery_low|buses:9"]
    assert found == [(f"buses:{i}", "Anna", "seen on camera 4", '{"identity":"demo"}') for i in (1, 2)]
    assert again.json()["done"] == []
    assert "Anna" in again.json()["already"][0]["why"]


def test_alarms_and_acknowledgements_outlive_the_process(make):
    """A second town on the same folder begins where the first ended."""
    first = make()

    async def story():
        await first.tell({"1": 5.0, "2": 5.0})
        await first.until(lambda s: len(s.tables["alarm"]) == 2)
        await post(first)

    play(first, story)
    second = make()

    async def look():
        await second.until(lambda s: len(s.tables["alarm"]) == 2)
        return second.states()

    assert play(second, look) == {ONE: "acknowledged", TWO: "unacknowledged"}


def test_nothing_is_confirmed_while_the_journal_cannot_be_written(make, tmp_path):
    """503 with words; screens go on with the alarm and say since when; later it is all written, once, in order."""
    town = make()

    async def story():
        await town.tell({"1": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        holder = sqlite3.connect(tmp_path / "control_room.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        refused = await post(town)
        await town.tell({"1": 5.0, "2": 5.0})
        snapshot = await town.until(lambda s: len(s.tables["alarm"]) == 2)
        held = (town.states(), snapshot.watch)
        holder.execute("ROLLBACK")
        holder.close()
        await town.tell({"1": 5.0, "2": 5.0})
        await town.until(lambda s: not s.watch.faults)
        return refused, held, await post(town), [e.what.value for e in town.store.journal.list_after(0)]

    refused, (states, watch), then, journal = play(town, story)

    assert refused.status_code == 503
    assert "nothing was done: journal" in refused.json()["error"]
    assert "another program holds it locked" in refused.json()["error"]
    assert states == {ONE: "unacknowledged", TWO: "unacknowledged"}
    assert "wait to be written" in watch.faults[0] or "waits to be written" in watch.faults[0]
    assert then.json()["done"] == [ONE]
    assert journal == ["raised", "raised", "acknowledged"]


def test_a_journal_that_cannot_be_opened_leaves_the_screens_and_is_tried_again(make, tmp_path, monkeypatch):
    """No rule watches, and every snapshot says why; commands are refused; once it can be opened all goes on."""
    monkeypatch.setattr("control_room.alarm_service.OPEN_AGAIN_S", 0.05)
    town = make()
    other = Store(tmp_path, "live")
    other.open()

    async def story():
        await town.tell({"1": 5.0})
        snapshot = await town.until(lambda s: s.watch is not None and "another control room" in s.watch.faults[0])
        refused = await post(town)
        other.close()
        await town.tell({"1": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        return snapshot, refused

    snapshot, refused = play(town, story, wait=False)

    assert (len(snapshot.tables["vehicle"]), snapshot.watch.rules) == (1, 0)
    assert refused.status_code == 503


def test_a_rule_file_is_read_again_while_it_runs(make, monkeypatch):
    """New rules judge the next snapshot; wrong ones change nothing and are told with file and line."""
    monkeypatch.setattr("control_room.alarm_service.READ_RULES_S", 0.05)
    town = make()
    file = town.alarms._book._folder / "buses.yaml"

    async def story():
        await town.tell({"1": 12.0})
        await town.until(lambda s: s.watch is not None and s.watch.rules == 1 and len(s.tables["vehicle"]) == 1)
        good = file.read_text()
        file.write_text(good.replace("battery_percent < 10", "batery_percent < 10"))
        # It may be read while it is being written, and have another fault then.
        told = await town.until(lambda s: any("batery_percent" in fault for fault in s.watch.faults))
        file.write_text(good.replace("battery_percent < 10", "battery_percent < 13"))
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        mended = await town.until(lambda s: not s.watch.faults)
        return told.watch, mended.watch

    told, mended = play(town, story)

    assert told.rules == 1
    assert "buses.yaml:" in told.faults[0]
    assert "batery_percent" in told.faults[0]
    assert "rules of before go on" in told.faults[0]
    assert (mended.rules, mended.faults) == (1, ())


def test_a_rule_file_that_is_wrong_at_the_start_does_not_stop_it(make, tmp_path):
    """The rules of other files watch, and the fault is shown."""
    town = make()
    (tmp_path / "rules" / "wrong.yaml").write_text("system: [")
    town = Town(town.store, tmp_path / "rules")

    async def story():
        await town.tell({"1": 5.0})
        return await town.until(lambda s: len(s.tables["alarm"]) == 1)

    watch = play(town, story).watch

    assert watch.rules == 1
    assert "wrong.yaml:" in watch.faults[0]


def test_a_replay_keeps_no_journal(make, tmp_path):
    """Its alarms are judged all the same; nothing is written below the data folder."""
    town = make(store=False)

    async def story():
        await town.tell({"1": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        return await town.ask("GET", "/alarms/journal")

    assert play(town, story).status_code == 503
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rules"]


def test_the_journal_is_read_a_page_at_a_time(make):
    """Newest first, by alarm and place; the page names where the next one begins."""
    town = make()

    async def story():
        await town.tell({str(i): 5.0 for i in range(5)})
        await town.until(lambda s: len(s.tables["alarm"]) == 5)
        await post(town)
        first = (await town.ask("GET", "/alarms/journal?limit=4")).json()
        rest = (await town.ask("GET", f"/alarms/journal?limit=4&before={first['before']}")).json()
        one = (await town.ask("GET", "/alarms/journal", params={"alarm": ONE})).json()
        none = (await town.ask("GET", "/alarms/journal?since=2999-01-01T00:00Z")).json()
        return first, rest, one, none

    first, rest, one, none = play(town, story)

    assert [e["seq"] for e in first["events"] + rest["events"]] == [6, 5, 4, 3, 2, 1]
    assert rest["before"] is None
    assert [(e["what"], e["by"]) for e in one["events"]] == [("acknowledged", "Anna"), ("raised", "engine")]
    assert one["events"][1]["values"]["battery_percent"] == 5.0
    assert one["events"][0]["at"].endswith("Z")
    assert none == {"events": [], "before": None}


@pytest.mark.parametrize(
    "query",
    ["before=x", "before=-1", "before=99999999999999999999", "limit=0", "alarm=", "secret=1", "since=2026-03-02",
     "since=0001-01-01T00:00:00-14:00", "until=never", "%ff=1", "a=1&" * 50, "alarm=" + "x" * 401],
)  # fmt: skip
def test_a_query_that_is_none_is_refused_with_words(make, query):
    """400, and nothing of it is repeated."""
    town = make()

    answer = play(town, lambda: town.ask("GET", f"/alarms/journal?{query}"))

    assert answer.status_code == 400
    assert "99999" not in answer.text
    assert "never" not in answer.text


GOOD = {"action": "acknowledge", "alarms": [ONE], "by": "Anna"}


@pytest.mark.parametrize(
    "said",
    [
        [], 5, "x", {}, {**GOOD, "action": "explode"}, {**GOOD, "action": 5}, {**GOOD, "alarms": ONE},
        {**GOOD, "alarms": []}, {**GOOD, "alarms": [5]}, {**GOOD, "alarms": ["x" * 401]}, {**GOOD, "alarms": [None]},
        {**GOOD, "by": ""}, {**GOOD, "by": "\u202e \n"}, {**GOOD, "by": None}, {**GOOD, "by": {"$ne": 1}},
        {**GOOD, "why": 5}, {**GOOD, "until": "tomorrow"}, {**GOOD, "until": "2026-03-02T12:00:00"},
        {**GOOD, "until": "9999-12-31T23:59:59-14:00"}, {**GOOD, "for_s": -1}, {**GOOD, "for_s": 1e300},
        {**GOOD, "for_s": 60, "until": "2026-03-02T12:00:00Z"}, {**GOOD, "once": "yes"}, {**GOOD, "secretkey": 1},
        {"action": "acknowledge", "alarms": [ONE]},
    ],
)  # fmt: skip
def test_a_command_that_is_none_is_refused_at_the_gate(make, said):
    """400 with the place and what is taken; nothing of what was sent is repeated."""
    town = make()

    answer = play(town, lambda: town.ask("POST", "/alarms/commands", json=said))

    assert answer.status_code == 400
    for word in ("explode", "tomorrow", "secretkey", "xxx", "$ne"):
        assert word not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 60_000, b'{"action": "\\ud800"}'])
def test_what_is_no_json_is_refused_at_the_gate(make, body):
    """400, never 500."""
    town = make()
    json = {"content-type": "application/json"}

    assert play(town, lambda: town.ask("POST", "/alarms/commands", content=body, headers=json)).status_code == 400


def test_commands_are_for_operators_of_this_machine_and_our_own_pages(make):
    """A foreign page, another machine, another kind of body or a body over 64 kB changes nothing."""
    town = make()

    async def story():
        await town.tell({"1": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        command = {"method": "POST", "path": "/alarms/commands"}
        answers = [
            await town.ask(**command, json=GOOD, headers={"origin": "http://evil.example"}),
            await town.ask(**command, json=GOOD, peer="192.0.2.7"),
            await town.ask(**command, content=b"x", headers={"content-type": "text/plain"}),
            await town.ask(**command, json=GOOD | {"why": "x" * 70_000}),
            await town.ask("GET", "/alarms/commands"),
            await town.ask("POST", "/alarms/journal", json={}),
            await town.ask("GET", "/alarms/journal", peer="192.0.2.7"),
        ]
        return [a.status_code for a in answers], town.states()

    codes, states = play(town, story)

    assert codes == [403, 403, 415, 413, 405, 405, 403]
    assert states == {ONE: "unacknowledged"}


def test_what_a_person_writes_is_cleaned(make):
    """No hidden characters, no lines, no more than is read: it goes to screens, logs and messages."""
    town = make()

    async def story():
        await town.tell({"1": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        await post(town, by="  An\u202ena\n\x00 ", why="<b>seen</b>\u200b\n" + "x" * 600)
        return town.store.journal.list_page(limit=1)[0]

    event = play(town, story)

    assert event.by == "Anna"
    assert event.why.startswith("<b>seen</b> xxx")
    assert len(event.why) == 500
    assert event.why.endswith("…")


def test_a_command_that_is_wrong_as_a_whole_is_told_why(make):
    """Shelving needs a reason: 409, and nothing is in the journal of it."""
    town = make()

    async def story():
        await town.tell({"1": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        with pytest.raises(CommandRefused):
            await town.order(Command("shelve", (ONE,), "Anna", until=datetime.now(UTC) + timedelta(hours=1)))
        return await post(town, action="shelve", for_s=600), [e.what.value for e in town.store.journal.list_after(0)]

    answer, journal = play(town, story)

    assert answer.status_code == 409
    assert "reason" in answer.json()["error"]
    assert journal == ["raised"]


def test_shelving_for_a_time_is_reckoned_from_the_command(make):
    """`for_s` from now by the clock that alarms go by."""
    clock = FixedClock(NOW)
    town = make(clock=clock)

    async def story():
        await town.tell({"1": 5.0})
        await town.until(lambda s: len(s.tables["alarm"]) == 1)
        answer = await post(town, action="shelve", why="bus is at the depot", for_s=600)
        return answer.json()["done"], town.store.journal.list_page(limit=1)[0].facts["until"]

    done, until = play(town, story)

    assert done == [ONE]
    assert datetime.fromisoformat(until) == NOW + timedelta(minutes=10)


def test_ten_thousand_alarms_at_once_are_in_the_journal_and_in_the_list(make):
    """A flood is taken whole within two seconds of work, counted from the feed's answer; nothing is left out."""
    town = make()

    async def story():
        await town.tell({str(i): 50.0 for i in range(10_000)})
        await town.until(lambda s: len(s.tables["vehicle"]) == 10_000)
        began, cpu_began = time.monotonic(), time.process_time()
        await town.tell({str(i): 5.0 for i in range(10_000)})
        await town.until(lambda s: len(s.tables["alarm"]) == 10_000, within_s=60)
        print(f"flood of 10,000: {time.monotonic() - began:.2f} s")
        took_s = time.process_time() - cpu_began
        raised = {e.key for e in town.store.journal.list_after(0, 50_000) if e.what == "raised"}
        return took_s, len(raised)

    took_s, raised = play(town, story)

    assert raised == 10_000
    assert took_s < 2 * 3  # the bar is 2 s on an idle machine; this is our own work on one that is shared
