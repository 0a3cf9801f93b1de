"""A real Chromium, and the whole product as a person starts it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN_S = 90
ENDS_WITHIN_S = 60
SEEN_WITHIN_S = 30  # what a page does in a second takes many where other tests share the machine
# Chromium as root in a container has no sandbox of its own; the rest keeps it from calling home.
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What a window of a person's browser makes ready in the background costs more than our pages.
    "--disable-features=PreloadTopChromeWebUI,WebUIOmniboxPopup,HttpsUpgrades,LensOverlay,MediaRouter,OptimizationHints,"
    "PaintHolding,ThirdPartyStoragePartitioning,Translate",
)


def find_chromium() -> str | None:
    """Debian's Chromium, or what CHROMIUM names."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module; skipped where there is none, but never in CI.

    Not one for all: Playwright keeps an event loop running in this thread for as
    long as it lives, and other modules' tests run loops of their own.
    """
    path = find_chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI=true but there is no chromium; .ci/run installs it")
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        expect.set_options(timeout=SEEN_WITHIN_S * 1000)
        yield chromium
        chromium.close()


@dataclass
class Watched:
    """A page, and everything in it that should not have happened."""

    page: Page
    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


class Profile:
    """One profile of a browser for all tests of a module: what is compiled and cached once serves all; what is kept, none."""

    # What a page can be told after it was made; anything else wants a context of its own.
    MEDIA = frozenset({"color_scheme", "reduced_motion"})

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context()
        self.is_free = True

    def open_page(self, width: int, height: int, **media: Any) -> Page:
        self.is_free = False
        page = self._context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        if media:
            page.emulate_media(**media)
        return page

    def clear(self, origins: Iterable[str]) -> None:
        """As new, but for the cache."""
        session = self._context.new_cdp_session(self._context.pages[0])
        for origin in origins:
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        for page in self._context.pages:
            page.close()
        self._context.set_offline(False)
        self._context.clear_permissions()
        self.is_free = True


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Profile:
    """The first page that a test opens is of this one; two pages of a test are two people."""
    return Profile(browser)


@pytest.fixture
def watch(browser: Browser, profile: Profile):
    """Opens pages whose console errors, exceptions and foreign requests are kept."""
    contexts = []
    origins: set[str] = set()

    def open_page(width: int = 1920, height: int = 1080, **options) -> Watched:
        if profile.is_free and options.keys() <= Profile.MEDIA:
            page = profile.open_page(width, height, **options)
            page.on("request", lambda r: origins.add(re.sub(r"^(https?://[^/]+).*", r"\1", r.url)))
        else:
            context = browser.new_context(viewport={"width": width, "height": height}, **options)
            contexts.append(context)
            page = context.new_page()
        watched = Watched(page)
        page.on("console", lambda m: watched.faults.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: watched.faults.append(str(e)))
        page.on("request", lambda r: watched.hosts.add(re.sub(r"^\w+://([^/:]+).*", r"\1", r.url)))
        return watched

    yield open_page
    for context in contexts:
        context.close()
    if not profile.is_free:
        profile.clear(o for o in origins if o.startswith("http"))


class Dashboard:
    """A `python -m control_room` process, or of another module. `output` grows while it runs."""

    def __init__(
        self, arguments: list[str], environment: dict[str, str] | None = None, module: str = "control_room"
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.output: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.port = int(self.wait_for(r"wall\s+http://[^:]+:(\d+)/wall"))
        except BaseException:
            self.process.kill()
            raise

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)

    def wait_for(self, pattern: str, within_s: float = STARTS_WITHIN_S) -> str:
        """The first group of the pattern in what it has printed."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if found := re.search(pattern, "".join(self.output)):
                return found.group(1)
            if self.process.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} was not printed in {within_s} s:\n{''.join(self.output)}")

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        return self.process.wait(ENDS_WITHIN_S)


@pytest.fixture
def start(tmp_path):
    """Starts dashboards; all ended when the test ends."""
    started: list[Dashboard] = []

    def begin(*arguments: str, **environment: str) -> Dashboard:
        dashboard = Dashboard([*arguments, "--data", str(tmp_path / "data")], environment)
        started.append(dashboard)
        return dashboard

    yield begin
    for dashboard in started:
        if dashboard.process.poll() is None:
            dashboard.end()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory) -> Iterator[Dashboard]:
    """The product as `make run` starts it, on free ports; shared by tests that only look."""
    data = tmp_path_factory.mktemp("data")
    dashboard = Dashboard(["run", "--port", "0", "--sandbox-port", "0", "--data", str(data)])
    yield dashboard
    dashboard.end()


def debug(page: Page, name: str):
    """A counter of the page's live channel."""
    return page.evaluate(f"window.controlRoom ? controlRoom.debug().{name} : null")


def wait_for(page: Page, expression: str, within_s: float = SEEN_WITHIN_S) -> None:
    """Until the expression, or what it promises, is true. (Playwright's own waiting evaluates text: our policy forbids it.)

    While it cannot be told (its element is not there yet, the page is just being left) it is not true.
    """
    until = time.monotonic() + within_s
    while True:
        fault = ""
        try:
            if page.evaluate(f"(async () => Boolean(await ({expression})))()"):
                return
        except Error as error:
            if page.is_closed():
                raise
            fault = f" ({error.message.partition(chr(10))[0]})"
        if time.monotonic() > until:
            raise AssertionError(f"not within {within_s} s: {expression}{fault}")
        page.wait_for_timeout(50)


def wait_until_live(page: Page, frames: int = 2, within_s: float = SEEN_WITHIN_S) -> None:
    """Until the page has painted that many frames."""
    wait_for(page, f"window.controlRoom && controlRoom.debug().frames >= {frames}", within_s)
