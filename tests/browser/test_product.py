"""The whole product, as a person starts it and in a real browser."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
import urllib.request

import pytest

from tests.benchmarks.processes import hold_port
from tests.browser.conftest import debug, wait_for, wait_until_live
from tests.browser.test_channel import count_awake

pytestmark = pytest.mark.browser


def wait_until_refused(url: str, within_s: float = 60) -> None:
    """Until nobody listens there."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError as error:
            if "refused" in str(error):
                return
        time.sleep(0.1)
    raise AssertionError(f"{url} still answers after {within_s} s")


def sandbox_url(dashboard) -> str:
    return dashboard.wait_for(r"SANDBOX exchange at (http://\S+)")


def switch_fault(base: str, path: str, fault: str, for_s: float = 600, **options) -> None:
    body = json.dumps({"path": path, "fault": fault, "for_s": for_s, **options}).encode()
    request = urllib.request.Request(
        f"{base}/sandbox/faults", data=body, headers={"content-type": "application/json"}, method="POST"
    )
    urllib.request.urlopen(request, timeout=30).close()


def test_a_browser_shows_the_city_alive_within_seconds(sandbox, watch):
    """All robots and buses, the SANDBOX mark, a running clock; nothing in the console, nothing from elsewhere."""
    seen = watch()
    began = time.monotonic()
    seen.page.goto(sandbox.url)
    wait_until_live(seen.page, frames=3, within_s=60)
    # What has no room on this page of the wall is counted there; it is in the panel all the same.
    fleet = "document.querySelector('#panel-fleet').textContent"
    # The buses come by two feeds, each with its own pace.
    wait_for(seen.page, rf"/120\s*robots/.test({fleet}) && /80\s*buses/.test({fleet})", 60)
    # The map, and with it whose data it is, comes after the panels.
    wait_for(seen.page, "document.body.innerText.includes('Open Government Licence v3.0')", 60)
    took = time.monotonic() - began

    assert seen.page.url.endswith("/wall")
    assert seen.page.inner_text("body").count("SANDBOX") >= 2
    assert re.fullmatch(r"\d\d:\d\d:\d\d", seen.page.inner_text("#clock").split()[-1])
    assert seen.faults == []
    assert seen.hosts <= {"localhost"}
    assert took < 30


def test_vehicles_move_without_anybody_asking(sandbox, watch):
    """Frames go on arriving, and positions in them change."""
    seen = watch()
    seen.page.goto(f"{sandbox.url}/wall")
    wait_until_live(seen.page, frames=2, within_s=60)
    first = debug(seen.page, "seq")

    wait_for(seen.page, f"controlRoom.debug().seq > {first} + 2 && controlRoom.debug().moved > 0", 30)

    assert debug(seen.page, "state") == "live"


def test_one_vehicle_can_be_followed(sandbox, watch):
    """The card holds label, speed, battery and age of the robot whose label the address names."""
    with urllib.request.urlopen(f"{sandbox.url}/healthz", timeout=30) as answer:
        assert json.load(answer)["mode"] == "sandbox"
    seen = watch()
    seen.page.goto(f"{sandbox.url}/wall/table")
    seen.page.wait_for_selector("#panel-vehicles")
    label = first_robot(sandbox)
    seen.page.goto(f"{sandbox.url}/wall?follow={label}")
    # Nobody is followed until the robots' first answer has come.
    wait_for(seen.page, "document.querySelector('#followed')?.innerText.includes('%')", 60)

    card = seen.page.inner_text("#followed")
    assert "%" in card
    assert "km/h" in card
    assert seen.page.inner_text("#followed-label") != ""
    assert seen.faults == []


def first_robot(dashboard) -> str:
    """Identity of a robot, from the sandbox itself."""
    request = urllib.request.Request(
        f"{sandbox_url(dashboard)}/mds/vehicles/status",
        headers={"Authorization": "Bearer sandbox-demo-token", "Accept": "application/vnd.mds+json;version=2.0"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["vehicles_status"][0]["device_id"]


def test_following_nobody_known_is_said(sandbox, watch):
    """A wrong id is a sentence, not an empty card."""
    seen = watch()
    seen.page.goto(f"{sandbox.url}/wall?follow=<b>nobody</b>")
    wait_for(seen.page, "document.body.innerText.includes('<b>nobody</b>')", 60)

    assert "<b>nobody</b>" in seen.page.inner_text("body")


def test_a_dead_server_is_said_within_ten_seconds_and_forgiven_when_it_returns(start, watch):
    """The channel bar counts; after a restart the page is right again by itself, with a new run's frames."""
    with hold_port() as port, hold_port() as sandbox_port:
        command = ("run", "--port", str(port), "--sandbox-port", str(sandbox_port))
        first = start(*command)
        seen = watch()
        seen.page.goto(f"{first.url}/wall")
        wait_until_live(seen.page, within_s=60)

        first.end(signal.SIGKILL)
        count_awake(seen.page)
        wait_for(seen.page, "window.said !== null", 60)
        said_after = seen.page.evaluate("window.said")
        assert seen.page.is_visible("#channel-bar")
        bar = seen.page.inner_text("#channel-bar")
        # The sandbox sees by itself that whoever started it is gone.
        wait_until_refused(sandbox_url(first))
        second = start(*command)
        before = debug(seen.page, "frames")
        wait_for(seen.page, f"controlRoom.debug().state === 'live' && controlRoom.debug().frames > {before}", 60)

    assert said_after < 10.5
    assert re.search(r"\d+ s", bar), bar
    assert second.process.poll() is None
    seen.page.wait_for_selector("#channel-bar", state="hidden", timeout=30_000)


def test_a_failing_feed_keeps_its_rows_and_says_why(start, watch):
    """Robots stay on the screen with their age; the strip names the feed and the reason; buses go on."""
    dashboard = start("run", "--port", "0", "--sandbox-port", "0")
    seen = watch()
    seen.page.goto(f"{dashboard.url}/wall")
    wait_for(seen.page, r"/120\s+robots/.test(document.querySelector('#panel-fleet')?.innerText)", 60)

    switch_fault(sandbox_url(dashboard), "/mds/vehicles/status", "malformed")
    strip = "document.querySelector('#panel-feeds').innerText"
    wait_for(seen.page, f"/Delivery robots[^]*failing[^]*not JSON/i.test({strip})", 60)

    assert re.search(r"120\s+robots", seen.page.inner_text("#panel-fleet"))
    dashboard.wait_for(r"(feed robots: outage begins)")
    assert sum("feed robots: outage begins" in line for line in dashboard.output) == 1
    before = debug(seen.page, "seq")
    wait_for(seen.page, f"controlRoom.debug().seq > {before} + 1", 30)


def test_ctrl_c_ends_everything(start):
    """Dashboard and sandbox are gone, the exit status is 0, nothing is printed but what was said."""
    dashboard = start("run", "--port", "0", "--sandbox-port", "0")
    base = sandbox_url(dashboard)
    urllib.request.urlopen(f"{base}/", timeout=30).close()

    assert dashboard.end(signal.SIGINT) == 0
    with pytest.raises(OSError, match=r"refused"):
        urllib.request.urlopen(f"{base}/", timeout=30)
    assert "Traceback" not in "".join(dashboard.output)


def test_terminating_ends_everything_too(start):
    """As a service manager does it."""
    dashboard = start("run", "--port", "0", "--sandbox-port", "0")
    base = sandbox_url(dashboard)

    assert dashboard.end(signal.SIGTERM) == 0
    with pytest.raises(OSError, match=r"refused"):
        urllib.request.urlopen(f"{base}/", timeout=30)


def test_a_taken_port_is_one_clear_line(start, tmp_path):
    """It says which port and what to do, and leaves with status 2."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(AssertionError, match=rf"--port {port}: cannot listen there: .* Name another port"):
            start("run", "--port", str(port), "--sandbox-port", "0")
