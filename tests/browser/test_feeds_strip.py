"""The feeds strip in a real Chromium: few or many feeds, it keeps its height and hides nothing unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from playwright.sync_api import Browser

from control_room.model import FeedHealth
from tests.browser.wall_harness import NOW, Fleet, WallServer, build_screen, make_view, milton_keynes

pytestmark = pytest.mark.browser

MOST_REM = 5.5
TITLES = ("Buses", "Buses by way of the national service", "Delivery robots", "Private 5G cells", "Council requests")

# What of the strip is not where it can be seen: (height in rem, item texts outside it).
STRIP = """() => {
  const strip = document.querySelector(".wall-strip"), box = strip.getBoundingClientRect();
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const outside = [...strip.querySelectorAll(".feed, .feeds-sum")].filter((e) => {
    const r = e.getBoundingClientRect();
    return r.bottom > box.bottom + 1 || r.right > box.right + 1 || r.width < 1;
  });
  return { rem: box.height / rem, outside: outside.map((e) => e.textContent), items: strip.querySelectorAll(".feed").length };
}"""


def make_healths(states: str) -> MappingProxyType[str, FeedHealth]:
    """f(resh), r(ejects some), s(tale) or x (failing), one letter a feed."""
    healths = {}
    for n, letter in enumerate(states):
        health = FeedHealth(
            f"f{n}", TITLES[n % len(TITLES)], "A supplier", "x", 10, 30, 90,
            succeeded_at=NOW - timedelta(seconds=4), observed_at=NOW - timedelta(seconds=n), rows=84,
        )  # fmt: skip
        if letter == "x":
            health = health.changed(failures=7, reason="timeout", detail="no answer within 10 s from the exchange")
        elif letter == "s":
            health = health.changed(observed_at=NOW - timedelta(seconds=500))
        elif letter == "r":
            health = health.changed(rejects={"bad_position": 7}, offending={"bad_position": "latitude 91.2"})
        healths[health.feed] = health
    return MappingProxyType(healths)


@pytest.fixture(scope="module")
def open_strip(browser: Browser) -> Iterator[Any]:
    """A function that opens the wall with these feeds at a size."""
    city = milton_keynes()
    base = make_view(Fleet(city, 20))
    shown: list[Any] = []
    with WallServer(city, lambda: build_screen(shown[-1])) as server:

        def open_at(states: str, width: int, height: int) -> Any:
            shown.append(replace(base, snapshot=replace(base.snapshot, feeds=make_healths(states))))
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(server.url)
            page.wait_for_function("window.harness")
            page.evaluate("now => harness.ages(now)", NOW.timestamp() * 1000)
            page.evaluate("() => document.fonts.ready")
            found = page.evaluate(STRIP)
            page.close()
            return found

        yield open_at


@pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160)], ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("states", ["f", "fffff", "f" * 18 + "xs", "frfsxrf" * 3, "x" * 20, "f" * 40, "xsrff" * 8])
def test_the_strip_of_a_wall_keeps_its_height(open_strip: Any, states: str, size: tuple[int, int]) -> None:
    """One feed or forty, all well or all failing: at most 5.5 rem, and every item and the counts are inside."""
    found = open_strip(states, *size)

    assert found["rem"] <= MOST_REM
    assert found["outside"] == []
    assert found["items"] >= min(len(states), 12)


@pytest.mark.parametrize("size", [(1280, 720), (1080, 1920), (390, 844)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_other_screens_show_every_item_too(open_strip: Any, size: tuple[int, int]) -> None:
    """A desk keeps the height of a wall; a portrait screen and a phone take the height it needs."""
    found = open_strip("frfsxrf" * 3, *size)

    assert found["outside"] == []
    assert found["rem"] <= (MOST_REM if size[0] > size[1] else 45)


def test_a_failing_feed_moves_nothing_else(open_strip: Any) -> None:
    """Room is kept free for what may go wrong."""
    for calm, troubled in (("fffff", "ffxff"), ("f" * 20, "x" + "f" * 18 + "s")):
        before, after = open_strip(calm, 1920, 1080)["rem"], open_strip(troubled, 1920, 1080)["rem"]
        assert after == pytest.approx(before, abs=0.02)  # a third of a pixel: text has fractions of one
