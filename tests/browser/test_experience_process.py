"""The public screens as `make run` starts them: their own process, a real kiosk's page, the dashboard that dies and comes back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.browser.conftest import Dashboard, wait_for

pytestmark = pytest.mark.browser


class Centre(Dashboard):
    """The product with its public screens beside it."""

    @property
    def kiosk(self) -> str:
        return self.wait_for(r"experience\s+(http://\S+/experience)")


@pytest.fixture(scope="module")
def centre(tmp_path_factory) -> Iterator[Centre]:
    data = tmp_path_factory.mktemp("data")
    product = Centre(["run", "--port", "0", "--sandbox-port", "0", "--experience-port", "0", "--data", str(data)])
    yield product
    if product.process.poll() is None:
        product.end()


def find_child(parent: int, word: str) -> Path | None:
    """The folder in /proc of the process that this one started, and whose command holds the word."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_child = int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            if is_child and word in (folder / "cmdline").read_text():
                return folder
        except OSError:
            continue  # it ended meanwhile
    return None


def ask_until(url: str, true, within_s: float = 60) -> None:
    until = time.monotonic() + within_s
    while not true(httpx.get(url, trust_env=False, timeout=30).json()):
        assert time.monotonic() < until, f"not within {within_s} s: {url}"
        time.sleep(0.1)


def test_a_kiosk_shows_the_city_and_speaks_to_nobody_else(centre, watch):
    """The page fills with facts within seconds, asks no other host, and its console stays clean under the strict policy."""
    opened = watch(1080, 1920)
    opened.page.goto(f"{centre.kiosk}?display=north-door")
    wait_for(
        opened.page,
        "window.experience && experience.state().facts.length >= 9 && experience.state().facts.includes('city')",
        90,
    )
    wait_for(opened.page, "/[0-9]/.test(document.getElementById('sentence').textContent)", 60)
    wait_for(opened.page, "document.getElementById('sandbox').innerText.includes('SANDBOX')")

    assert opened.hosts <= {"localhost"}
    assert opened.faults == []
    assert opened.page.context.cookies() == []
    assert opened.page.evaluate("document.links.length") == 0


def test_the_dashboard_lists_the_kiosk_by_its_name(centre, watch):
    """What the kiosk says of itself arrives at /admin/screens: the name in its address, and that it paints."""
    kiosk = watch(1080, 1920)
    kiosk.page.goto(f"{centre.kiosk}?display=south-door")
    admin = watch()
    admin.page.goto(f"{centre.url}/admin/screens")
    admin.page.get_by_text("south-door").first.wait_for(timeout=90_000)

    assert kiosk.faults == []


def test_without_its_dashboard_it_plays_the_last_hour_and_comes_back(centre, watch):
    """The dashboard stands still: the kiosk soon says that it shows a recording; then it is live again."""
    health = centre.kiosk.removesuffix("/experience") + "/healthz"
    kiosk = watch(1080, 1920)
    kiosk.page.goto(centre.kiosk)
    # Robots are counted: what is seen now is in the recording.
    wait_for(
        kiosk.page,
        "window.experience && experience.state().facts.includes('city')"
        " && document.querySelector('[data-many=robot]').textContent",
        90,
    )
    # Frozen, as a machine that hangs: nothing is closed, nothing more comes.
    os.kill(centre.process.pid, signal.SIGSTOP)
    try:
        ask_until(health, lambda said: said["showing"] == "recording")
        wait_for(
            kiosk.page,
            "!document.getElementById('notice').hidden"
            " && document.getElementById('notice').textContent.startsWith('A recording from')",
            60,
        )
    finally:
        os.kill(centre.process.pid, signal.SIGCONT)
    ask_until(health, lambda said: said["showing"] == "live")
    wait_for(
        kiosk.page,
        "document.getElementById('notice').hidden || document.getElementById('notice').textContent === ''",
        60,
    )

    assert kiosk.faults == []


def test_no_process_is_left_behind(centre):
    """Even when the one that was started is killed outright, the public screens end with it."""
    child = find_child(centre.process.pid, "experience")
    assert child is not None

    centre.end(signal.SIGKILL)
    until = time.monotonic() + 60
    while child.exists():
        assert time.monotonic() < until, "the public screens' process goes on alone"
        time.sleep(0.05)
