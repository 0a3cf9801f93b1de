"""Real input and recordings, through the same path as live data, unmistakably marked."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest

from tests.browser.conftest import wait_for, wait_until_live

pytestmark = pytest.mark.browser

CAPTURE = Path(__file__).resolve().parents[3] / "shared/samples/gtfs-rt/bods-milton-keynes-area.pb"


@pytest.mark.skipif(not CAPTURE.exists(), reason="the real capture is not on this machine")
def test_a_real_capture_shows_as_it_was_at_its_moment(start, watch):
    """84 real buses of 28 February 2024, 17 without a trip, their ages of then, in a REPLAY frame."""
    dashboard = start("replay", "--from", str(CAPTURE), "--port", "0")
    seen = watch()
    seen.page.goto(f"{dashboard.url}/wall")
    wait_until_live(seen.page, frames=1)
    wait_for(seen.page, r"/84\s+buses/.test(document.querySelector('#panel-fleet')?.innerText)")

    fleet = seen.page.inner_text("#panel-fleet")
    assert re.search(r"84\s+buses", fleet), fleet
    assert re.search(r"67\s+on a trip\s+17\s+no trip", fleet), fleet
    assert "20.6 h" in fleet  # the oldest row of the capture
    assert "REPLAY" in seen.page.inner_text("body")
    assert "28 February 2024" in seen.page.inner_text("body")
    assert seen.page.inner_text("#clock") == "17:35:21"
    assert seen.page.evaluate("document.documentElement.dataset.mode") == "replay"
    assert seen.faults == []

    # A still: the moment does not pass, and nobody grows older.
    seen.page.wait_for_timeout(2500)
    assert seen.page.inner_text("#clock") == "17:35:21"
    assert "20.6 h" in seen.page.inner_text("#panel-fleet")


def test_what_was_recorded_plays_again(start, watch, tmp_path):
    """A minute of the sandbox recorded while serving shows the same robots in a replay at ten times the pace."""
    live = start("run", "--port", "0", "--sandbox-port", "0", "--record")
    seen = watch()
    seen.page.goto(f"{live.url}/wall")
    robots = r"/120\s+robots/.test(document.querySelector('#panel-fleet')?.innerText)"
    wait_for(seen.page, robots, 60)
    seen.page.wait_for_timeout(4000)
    live.end()
    recordings = tmp_path / "data" / "recordings"
    written = b"".join(p.read_bytes() for p in recordings.rglob("*") if p.is_file())

    replay = start("replay", "--from", str(recordings), "--rate", "2", "--port", "0")
    again = watch()
    again.page.goto(f"{replay.url}/wall")
    wait_for(again.page, robots, 60)

    with urllib.request.urlopen(f"{replay.url}/healthz", timeout=30) as answer:
        assert json.load(answer)["mode"] == "replay"
    assert "REPLAY of the SANDBOX" in again.page.inner_text("#mode-mark")
    assert again.page.locator(".ribbon").count() == 1
    assert b"sandbox-demo-token" not in written
    assert b"sandbox-demo-key" not in written
