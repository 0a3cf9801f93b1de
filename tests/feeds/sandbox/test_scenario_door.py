"""How scenarios are started, watched and stopped: by address, from the command line, and when the sandbox starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.feed import read_feed_file
from feeds.sandbox.app import DEMO_ENVIRONMENT, _read_start
from feeds.sandbox.feed_file import write_feed_file
from feeds.sandbox.runs import BadRun
from feeds.sandbox.scenario import list_scenarios
from tests.feeds.sandbox.stage import Stage
from tests.feeds.sandbox.test_process import ROOT, ask_until, free_port

DOOR = "/sandbox/scenarios"
JSON = {"Content-Type": "application/json"}


def ask(stage: Stage, method: str, **more: object) -> httpx.Response:
    return httpx.request(method, stage.base + DOOR, timeout=60, **more)  # type: ignore[arg-type]


def running(answer: httpx.Response) -> dict[str, object]:
    return {s["name"]: s["running"] for s in answer.json()["scenarios"] if s["running"]}


def test_the_list_says_what_there_is_and_what_time_it_is(stage):
    """Titles, words, what is seen and done, steps with their times; none runs; the clock's pace."""
    found = ask(stage, "GET").json()

    assert (found["city_time"], found["rate"]) == ("2026-05-14T07:15:00Z", 60.0)
    assert found["scenarios"] == [{**s.as_json(), "running": None} for s in list_scenarios()]


def test_a_run_is_told_with_its_span_and_steps(stage):
    """In the city's time, which here goes sixty times as fast; each step while it holds."""
    stage.let_pass(60)
    assert running(ask(stage, "POST", json={"name": "cell_outage"})) == {
        "cell_outage": {
            "started_at": "2026-05-14T07:16:00Z",
            "ends_at": "2026-05-14T08:06:00Z",
            "left_s": 3000,
            "steps": [],
        }
    }
    steps = []
    for _ in range(4):
        stage.let_pass(240)
        steps.append(running(ask(stage, "GET"))["cell_outage"]["steps"])
    stage.let_pass(3000 - 960)

    assert steps == [[0], [0, 1], [0, 1], [0, 1]]
    assert running(ask(stage, "GET")) == {}


def test_stopping_one_leaves_the_others(stage):
    """By name one, without a name all; to stop what does not run is no fault."""
    for name in ("snow", "missed_bins", "stale_supplier"):
        stage.start(name)

    assert set(running(ask(stage, "DELETE", params={"name": "snow"}))) == {"missed_bins", "stale_supplier"}
    assert set(running(ask(stage, "DELETE", params={"name": "snow"}))) == {"missed_bins", "stale_supplier"}
    assert running(ask(stage, "DELETE")) == {}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b'{"name": "blizzard"}', 404, "no scenario 'blizzard'; there are: cell_outage, "),
        (b'{"name": 7}', 400, 'send {"name": "..."}'),
        (b"[]", 400, 'send {"name": "..."}'),
        (b"{", 400, ""),
        (b'{"name": "snow", "for_s": 3}', 400, "'for_s' is not known here"),
        (b'{"name": "snow", "started_at": 5}', 400, "started_at must be a time with a zone"),
        (b'{"name": "snow", "started_at": "2026-05-14T07:15"}', 400, "started_at must be a time with a zone"),
        (b'{"name": "snow", "started_at": "2020-05-14T07:15Z"}', 400, "more than a day from the city's time"),
        (b'{"name": "' + b"x" * 20_000 + b'"}', 400, "more than 10000 bytes"),
    ],
)
def test_a_wish_that_cannot_be_met_is_explained(stage, body, status, said):
    """As JSON, with what to do; nothing starts."""
    answer = ask(stage, "POST", content=body, headers=JSON)

    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert running(ask(stage, "GET")) == {}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "started_at", "x"]), inner),
    max_leaves=6,
)


@given(anything)
def test_any_json_is_a_start_or_is_explained(wish):
    """Nothing that a body may hold is a fault of ours."""
    try:
        name, started_s = _read_start(wish)
    except BadRun as error:
        assert str(error)
    else:
        assert isinstance(name, str)
        assert started_s is None or isinstance(started_s, int)


def test_what_runs_cannot_be_started_again(stage):
    """A conflict, and the run goes on as it was."""
    stage.start("snow")
    before = running(ask(stage, "GET"))
    answer = ask(stage, "POST", json={"name": "snow"})

    assert (answer.status_code, answer.json()) == (409, {"error": "snow is running; stop it first"})
    assert running(ask(stage, "GET")) == before


def test_to_stop_what_is_not_there_is_a_slip(stage):
    """404 with the names there are, and nothing is stopped."""
    stage.start("snow")
    answer = ask(stage, "DELETE", params={"name": "sno"})

    assert answer.status_code == 404
    assert set(running(ask(stage, "GET"))) == {"snow"}


def test_no_web_page_can_start_a_scenario(stage):
    """What a page may send unasked, a form or plain text, is refused."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = ask(stage, "POST", content=b'{"name": "snow"}', headers={"Content-Type": kind})
        assert answer.status_code == 415
    assert running(ask(stage, "GET")) == {}


def test_the_door_is_open_while_the_exchange_is_down(stage):
    """Otherwise nobody could stop that scenario."""
    stage.start("exchange_down")
    stage.let_pass(300)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        httpx.get(f"{stage.base}/gtfsrt/alerts", timeout=10)

    assert set(running(ask(stage, "GET"))) == {"exchange_down"}
    assert running(ask(stage, "DELETE")) == {}
    assert httpx.get(f"{stage.base}/gtfsrt/alerts", timeout=10).status_code == 200


def test_a_fault_set_by_hand_counts_before_a_scenarios(stage):
    """And is not listed or cleared with the scenario's, nor the other way round."""
    stage.start("stale_supplier")
    stage.let_pass(90)
    httpx.post(f"{stage.base}/sandbox/faults", json={"path": "/mds/*", "fault": "500"}, timeout=10)
    status = f"{stage.base}/mds/vehicles/status"
    headers = {
        "Authorization": f"Bearer {DEMO_ENVIRONMENT['SANDBOX_MDS_TOKEN']}",
        "Accept": "application/vnd.mds+json;version=2.0",
    }

    def newest_s() -> float:
        rows = httpx.get(status, headers=headers, timeout=10).json()["vehicles_status"]
        return max(r["last_telemetry"]["timestamp"] for r in rows) / 1000

    assert httpx.get(status, headers=headers, timeout=10).status_code == 500
    httpx.delete(f"{stage.base}/sandbox/faults", timeout=10)
    frozen_s = newest_s()
    assert stage.now.timestamp() - frozen_s > 29
    stage.stop("stale_supplier")
    assert stage.now.timestamp() - newest_s() < 3


# Whole processes.


@contextmanager
def sandbox_process(*arguments: str) -> Iterator[str]:
    """A sandbox as people start it, its clock standing still; its address."""
    port = free_port()
    command = [sys.executable, "-m", "feeds.sandbox", "--port", str(port), "--seed", "5", "--robots", "40"]
    process = subprocess.Popen(
        [*command, "--at", "2026-05-14T07:15Z", "--rate", "0", "--until-stdin-closes", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": str(port)},
    )
    try:
        ask_until(30, port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate(timeout=20)


def answers(base: str, folder) -> dict[str, bytes]:
    """What every feed of the sandbox says now, its own address left out of links."""
    write_feed_file(folder / "feeds.yaml", base)
    found = {}
    for feed in read_feed_file(folder / "feeds.yaml"):

        def fill(text: str) -> str:
            for name, value in DEMO_ENVIRONMENT.items():
                text = text.replace(f"${{{name}}}", value)
            return text

        params = {name: fill(value) for name, value in feed.params.items()}
        headers = {name: fill(value) for name, value in feed.headers.items()}
        answer = httpx.get(feed.url, params=params, headers=headers, timeout=60)
        assert answer.status_code in (200, 413), (feed.name, answer.status_code)
        found[feed.name] = answer.content.replace(base.encode(), b"")
    return found


def test_two_processes_in_which_the_same_scenarios_started_agree_to_the_byte(tmp_path):
    """Whatever order they were told in, whatever was asked before; and a city without them says something else."""
    starts = {
        "snow": "2026-05-14T05:15:00Z",
        "event_night": "2026-05-14T06:30:00Z",
        "cell_outage": "2026-05-14T07:00:00Z",
        "robot_cluster": "2026-05-14T06:50:00Z",
        "drone_leaves_volume": "2026-05-14T07:05:00Z",
        "integration_failing": "2026-05-14T06:45:00Z",
        "missed_bins": "2026-05-14T06:00:00Z",
    }

    def start(base: str, name: str) -> None:
        body = {"name": name, "started_at": starts[name]}
        httpx.post(base + DOOR, json=body, timeout=60).raise_for_status()

    with sandbox_process() as one, sandbox_process() as other:
        plain = answers(one, tmp_path)
        for name in starts:
            start(one, name)
        first = answers(one, tmp_path)
        for name in reversed(starts):
            start(other, name)
        second = answers(other, tmp_path)

    assert {name for name in first if first[name] != second[name]} == set()
    felt = {"buses", "robots", "shuttles", "cells_north", "reports", "digital_services", "events", "weather"}
    assert felt <= {name for name in first if first[name] != plain[name]}


def test_a_sandbox_can_start_with_scenarios(tmp_path):
    """`--scenario`, more than once, from the first second; then the command line lists, stops and starts."""

    def say(*words: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "feeds.sandbox", "scenario", *words, "--base", base],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return [line.split()[0] for line in done.stdout.splitlines() if "running" in line]

    with sandbox_process("--scenario", "snow", "--scenario", "missed_bins") as base:
        assert say("list") == ["missed_bins", "snow"]
        assert say("stop", "snow") == ["missed_bins"]
        assert say("start", "stale_supplier", "--at", "2026-05-14T07:10Z") == ["missed_bins", "stale_supplier"]
        assert say("stop") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "blizzard"], "no scenario 'blizzard'; there are: "),
        (["--scenario", "snow", "--scenario", "snow"], "snow is running"),
        (["scenario", "start", "blizzard", "--base", "http://127.0.0.1:9"], "no sandbox at http://127.0.0.1:9"),
        (["scenario", "start", "snow", "--base", "ftp://x"], "ftp://x is not an http address"),
        (["scenario"], "required"),
    ],
)
def test_slips_on_the_command_line_are_explained(arguments, said):
    """One line and a status, before anything starts."""
    done = subprocess.run(
        [sys.executable, "-m", "feeds.sandbox", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_line_lists_without_a_sandbox():
    """So that one can choose before anything runs."""
    done = subprocess.run(
        [sys.executable, "-m", "feeds.sandbox", "scenario", "list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert [line.split()[0] for line in done.stdout.splitlines()] == [s.name for s in list_scenarios()]


def test_the_dashboards_run_refuses_an_unknown_scenario():
    """Before the sandbox or the dashboard is started."""
    done = subprocess.run(
        [sys.executable, "-m", "control_room", "run", "--scenario", "blizzard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("control-room: --scenario: no scenario 'blizzard'; there are: ")
