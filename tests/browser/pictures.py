"""Pictures of every screen, at its sizes, in each state and theme: `make pictures` keeps them in build/pictures.

States are the real thing: a city that lives, one whose exchange was ended some minutes ago, an exchange that never
answered, and a product with a bug in every panel. Axe reads each screen before its picture is taken, and nothing
may be wider than the screen or complain in the console. Whoever changes a screen looks at its pictures.

The short form takes each screen once, none larger than 1920×1080, and turns no wall; CI does that with data and
keeps the pictures.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from feeds.sandbox.app import DEMO_ENVIRONMENT
from feeds.sandbox.feed_file import write_feed_file
from tests.browser.conftest import CHROMIUM_FLAGS, ROOT, Dashboard, find_chromium, wait_for
from tests.browser.test_real_access import list_findings

FOUR_K, FULL_HD, UPRIGHT, PHONE = (3840, 2160), (1920, 1080), (1080, 1920), (390, 844)
STATES: Final = ("data", "stale", "none", "bugs")
STALE_AFTER_S = 200.0
PICTURES = ROOT / "build" / "pictures"
# What the browser itself says of a server that does not answer is no fault of ours.
EXPECTED = re.compile(r"Failed to load resource|ERR_CONNECTION")


@dataclass(frozen=True)
class Screen:
    """One screen: its address, its sizes (the first is its own), its themes, how often it is turned; printed, on the channel.

    `ready` is an expression that holds once what the screen fetches is there.
    """

    path: str
    sizes: tuple[tuple[int, int], ...] = (FULL_HD, PHONE)
    themes: tuple[str, ...] = ("dark", "light")
    turns: int = 0
    is_printed: bool = False
    is_live: bool = True
    ready: str = "true"


WALL: Final = ("dark",)
SCREENS: Final = (
    Screen("/wall", (FOUR_K, FULL_HD), WALL, turns=6),
    Screen("/wall/hall", (FOUR_K,), WALL, turns=10),
    Screen("/wall/portrait", (UPRIGHT,), WALL, turns=6),
    Screen("/wall?follow=nobody", (FULL_HD, PHONE), WALL),
    Screen("/wall/table"),
    Screen("/desk", (FULL_HD, (1280, 720), PHONE)),
    Screen("/map"),
    Screen("/map/table"),
    Screen("/alarms"),
    Screen("/alarms/health"),
    Screen("/handover", is_printed=True),
    Screen("/timeline"),
    Screen("/fleet"),
    Screen("/network"),
    Screen("/requests"),
    Screen("/transport"),
    Screen("/drones"),
    Screen("/environment"),
    Screen("/feeds"),
    Screen("/admin/screens"),
    Screen("/trends"),
    Screen("/daily", is_live=False, is_printed=True),
    Screen("/admin/style", is_live=False, ready="document.querySelector('.style-side') !== null"),
)


class Photographer:
    """Takes the pictures of one state. `faults` grows with what should not be there."""

    def __init__(self, browser: Browser, url: str, state: str, folder: Path, turns: bool = True) -> None:
        self._browser, self._url, self._state, self._folder, self._turns = browser, url, state, folder, turns
        self.faults: list[str] = []
        self.taken = 0

    def take(self, screen: Screen, size: tuple[int, int], theme: str) -> None:
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="light" if theme == "light" else "dark",
            reduced_motion="reduce",
        )
        page = context.new_page()
        name = f"{screen.path.strip('/').replace('/', '_').replace('?', '_') or 'root'}-{size[0]}x{size[1]}-{theme}"
        try:
            self._open(page, screen, name)
            turns = self._turns and size == screen.sizes[0] and self._state == "data"
            for turn in range(screen.turns + 1 if turns else 1):
                if turn > 0:
                    page.keyboard.press("ArrowRight")
                    page.wait_for_timeout(2500)
                self._keep(page, f"{name}-{turn + 1}" if screen.turns else name)
            if screen.is_printed and theme == "light" and size == screen.sizes[0]:
                page.pdf(path=self._path(name, "pdf"), format="A4", print_background=True)
        finally:
            context.close()

    def _open(self, page: Page, screen: Screen, name: str) -> None:
        def complain(text: str) -> None:
            if not EXPECTED.search(text):
                self.faults.append(f"{self._state} {name}: {text}")

        page.on("console", lambda m: complain(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: complain(str(e)))
        page.goto(self._url + screen.path)
        if screen.is_live:
            wait_for(page, "window.controlRoom && controlRoom.serverNow() !== null", 30)
        wait_for(page, screen.ready, 30)
        page.evaluate("() => document.fonts.ready.then(() => true)")
        page.wait_for_timeout(2500 if self._turns else 800)

    def _keep(self, page: Page, name: str) -> None:
        wait_for(page, "document.querySelector('[data-fading]') === null", 30)  # a wall that turns its page
        page.screenshot(path=self._path(name, "png"))
        self.taken += 1
        self.faults += [f"{self._state} {name}: {finding}" for finding in list_findings(page)]
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            self.faults.append(f"{self._state} {name}: wider than the screen")
        bugs = page.locator(".panel-fault:visible").count()
        if self._state != "bugs" and not name.startswith("admin_style") and bugs > 0:  # which shows how that looks
            self.faults.append(f"{self._state} {name}: a panel says that it failed")

    def _path(self, name: str, ending: str) -> Path:
        folder = self._folder / self._state
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.{ending}"


@contextmanager
def run_room(state: str, folder: Path) -> Iterator[str]:
    """The product in that state, with an exchange of its own; gives its address."""
    exchange, port = None, find_free_port()
    feed_file = folder / f"{state}.yaml"
    if state == "none":
        write_feed_file(feed_file, "http://127.0.0.1:9")  # the port of discard: nobody answers there
    else:
        exchange = subprocess.Popen(
            [sys.executable, "-m", "feeds.sandbox", "--port", str(port), "--until-stdin-closes"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
        )
        write_feed_file(feed_file, f"http://127.0.0.1:{port}")
    module = "tests.browser.broken_room" if state == "bugs" else "control_room"
    words = ["serve", "--feeds", str(feed_file), "--port", "0", "--data", str(folder / state)]
    room = Dashboard(words, dict(DEMO_ENVIRONMENT), module)
    try:
        time.sleep(20)
        if state == "stale" and exchange is not None:
            exchange.kill()
            time.sleep(STALE_AFTER_S)
        yield room.url
    finally:
        room.end()
        if exchange is not None:
            exchange.kill()
            exchange.wait(10)


def find_free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def list_views(screen: Screen, short: bool) -> list[tuple[tuple[int, int], str]]:
    """Sizes and themes in which that screen is taken."""
    if short:
        return [(min(screen.sizes[0], FULL_HD), screen.themes[0])]
    return [(size, theme) for size in screen.sizes for theme in screen.themes]


def take_pictures(browser: Browser, folder: Path, states: tuple[str, ...], short: bool) -> tuple[int, list[str]]:
    """How many were taken, and what was wrong in them."""
    taken, faults = 0, []
    with tempfile.TemporaryDirectory() as scratch:
        for state in states:
            with run_room(state, Path(scratch)) as url:
                photographer = Photographer(browser, url, state, folder, turns=not short)
                for screen in SCREENS:
                    for size, theme in list_views(screen, short):
                        photographer.take(screen, size, theme)
            taken += photographer.taken
            faults += photographer.faults
    return taken, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=PICTURES, help="folder (default build/pictures)")
    parser.add_argument("--state", choices=STATES, action="append", help="repeatable; default all")
    parser.add_argument("--short", action="store_true", help="each screen once")
    options = parser.parse_args()
    path = find_chromium()
    if path is None:
        print("no chromium on this machine; CHROMIUM names one", file=sys.stderr)
        return 2
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        taken, faults = take_pictures(browser, options.to, tuple(options.state or STATES), options.short)
        browser.close()
    print(f"{taken} pictures in {os.path.relpath(options.to)}")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
