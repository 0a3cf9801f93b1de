"""The sandbox's admin screen in a real browser, before a real sandbox."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.browser.conftest import wait_for
from tests.browser.test_product import sandbox_url
from tests.browser.test_real_access import list_findings

pytestmark = pytest.mark.browser

TITLE = "A cell outage in the centre"
BUTTON = ".scenario-button[aria-label$='A cell outage in the centre']"


def open_admin(watched, dashboard):
    watched.page.goto(f"{dashboard.url}/admin/sandbox")
    wait_for(watched.page, "document.querySelectorAll('.scenario').length > 5", 60)
    return watched.page


def status_of(url: str, method: str = "GET", **headers: str) -> int:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def running(dashboard) -> list[str]:
    """What the sandbox itself says that runs."""
    with urllib.request.urlopen(f"{sandbox_url(dashboard)}/sandbox/scenarios", timeout=60) as answer:
        return [s["name"] for s in json.load(answer)["scenarios"] if s["running"]]


def sandbox_process(dashboard) -> int:
    """The exchange that this dashboard started: the child that runs feeds.sandbox."""
    for file in Path(f"/proc/{dashboard.process.pid}/task").glob("*/children"):
        for child in file.read_text().split():
            if b"feeds.sandbox" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise AssertionError("the dashboard has no sandbox")


def test_a_cell_outage_is_started_and_stopped_by_the_keyboard(start, watch):
    """Enter starts it, the status line and the list say so, focus stays, Enter stops it; the sandbox agrees."""
    dashboard = start("run", "--port", "0", "--sandbox-port", "0")
    watched = watch()
    page = open_admin(watched, dashboard)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({json.dumps(BUTTON)})"):
            break
    assert page.evaluate("document.activeElement.innerText") == "Start"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"

    page.keyboard.press("Enter")
    wait_for(page, f"document.querySelector('#scenario-said').innerText.endsWith({json.dumps(TITLE + '.')})", 60)
    wait_for(page, "document.querySelector('.scenario.is-running')", 60)

    assert re.fullmatch(rf"Started at \d\d:\d\d:\d\d: {TITLE}\.", page.inner_text("#scenario-said"))
    assert f"{TITLE} since" in page.inner_text("#scenario-now")
    assert "All sectors of Central Milton Keynes are down" in page.inner_text("#scenario-now")
    assert "Running since" in page.inner_text(".scenario.is-running")
    assert running(dashboard) == ["cell_outage"]

    # The list is renewed each 5 s: whoever stands at the button keeps it, and what was unfolded stays so.
    page.click(".scenario.is-running summary")
    page.locator(BUTTON).focus()
    now = json.dumps(page.inner_text("#scenario-now"))
    wait_for(page, f"document.querySelector('#scenario-now').innerText !== {now}", 60)
    assert page.evaluate("document.activeElement.innerText") == "Stop"
    assert page.evaluate("document.querySelector('.scenario.is-running details').open")
    assert "Acknowledge the three cell alarms" in page.inner_text(".scenario.is-running")

    page.keyboard.press("Enter")
    wait_for(page, "document.querySelector('#scenario-said').innerText.startsWith('Stopped')", 60)
    wait_for(page, "document.activeElement.innerText === 'Start'", 60)
    assert page.evaluate("document.activeElement.innerText") == "Start"
    assert page.locator(".scenario.is-running").count() == 0
    assert running(dashboard) == []
    assert watched.faults == []
    assert watched.hosts <= {"localhost"}


@pytest.mark.parametrize("size", [(1920, 1080), (390, 844)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_screen_has_no_finding_and_fits(sandbox, watch, size):
    """Unfolded as well: no finding of axe, no console message, nothing wider than the screen, SANDBOX in sight."""
    watched = watch(*size)
    page = open_admin(watched, sandbox)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")

    assert list_findings(page) == []
    assert watched.faults == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.evaluate("document.querySelector('.wall-scroll').scrollWidth") <= size[0]
    assert page.locator("h1").count() == page.locator("main").count() == 1
    assert page.inner_text("body").count("SANDBOX") >= 2


def test_a_sandbox_that_is_gone_is_said_and_forgiven(start, watch):
    """Its process is halted: the list gives way to a sentence; it goes on, and the list comes back by itself."""
    dashboard = start("run", "--port", "0", "--sandbox-port", "0")
    watched = watch()
    page = open_admin(watched, dashboard)
    process = sandbox_process(dashboard)

    os.kill(process, signal.SIGSTOP)
    try:
        wait_for(page, "document.querySelector('.scenario-silence')", 60)
        assert "did not answer within 3 s" in page.inner_text(".scenario-silence")
        assert page.locator(".scenario").count() == 0
        # Others of the process are not held up by it.
        assert status_of(f"{dashboard.url}/healthz") == 200
        assert list_findings(page) == []
    finally:
        os.kill(process, signal.SIGCONT)
    wait_for(page, "document.querySelectorAll('.scenario').length > 5", 60)


def test_there_is_no_such_screen_without_a_sandbox(start, tmp_path):
    """A dashboard on feeds of its own answers 404, and its callbacks know none of the screen's."""
    file = tmp_path / "feeds.yaml"
    file.write_text("feeds: []\n")
    dashboard = start("serve", "--feeds", str(file), "--port", "0")

    assert status_of(f"{dashboard.url}/admin/sandbox") == 404
    with urllib.request.urlopen(f"{dashboard.url}/_dash-dependencies", timeout=60) as answer:
        assert b"scenario" not in answer.read()


def test_only_our_own_pages_may_ask(sandbox):
    """No other method, no other path below it, no post from a foreign page."""
    url = f"{sandbox.url}/admin/sandbox"

    assert status_of(url) == 200
    assert status_of(url, "POST") == 405
    assert status_of(f"{url}/scenarios") == 404
    door = f"{sandbox.url}/_dash-update-component"
    assert status_of(door, "POST", Origin="http://elsewhere.example") == 403
