"""The screen about the alarm system itself: real engine, journal and browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.alarm_room import AlarmRoom
from tests.browser.conftest import wait_for
from tests.browser.test_real_access import list_findings

pytestmark = pytest.mark.browser

PANEL = "document.querySelector('#panel-alarm_health')?.innerText ?? ''"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[AlarmRoom]:
    with AlarmRoom(tmp_path) as made:
        yield made


def test_the_health_screen_says_how_the_alarms_did(room, watch):
    """Twelve alarms at once are a flood: over the target, in words, with the rule's own name among the most frequent."""
    room.put({f"R{n:02}": "needs_help" for n in range(12)})
    seen = watch()
    seen.page.goto(f"{room.url}/alarms")
    wait_for(seen.page, "document.querySelectorAll('.desk-table tbody tr').length > 0", 20)
    seen.page.click("a.desk-health")
    seen.page.wait_for_url("**/alarms/health")
    # Figures of a moment before the alarms are reckoned anew after ten seconds.
    wait_for(seen.page, f"/Robot R00 needs help/.test({PANEL})", 60)

    rows = {
        name.split("\n")[0]: text
        for name, text in seen.page.eval_on_selector_all(
            ".health .facts tbody tr", "rows => rows.map(r => [r.querySelector('th').innerText, r.innerText])"
        )
    }
    assert "12" in rows["Alarms per operator in 10 minutes, peak"]
    assert "over target" in rows["Alarms per operator in 10 minutes, peak"]
    assert "12" in rows["Standing now"] and "over target" in rows["Standing now"]
    # Nobody has said yet that the alarm system was at work: no mean is claimed of the seconds since the start.
    assert "—" in rows["Alarms per operator in 10 minutes, mean"]
    assert "unknown" in seen.page.inner_text(".health-span")
    assert "SANDBOX" in seen.page.inner_text("#mode-mark")
    assert list_findings(seen.page) == []
    assert seen.faults == []


def test_the_health_screen_fits_a_phone(room, watch):
    """Nothing is wider than the screen, and nothing is found by axe."""
    room.put({"R1": "needs_help"})
    seen = watch(390, 844)
    seen.page.goto(f"{room.url}/alarms/health")
    wait_for(seen.page, f"/Robot R1 needs help/.test({PANEL})", 60)
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert list_findings(seen.page) == []
    assert seen.faults == []


def test_a_real_page_is_a_display_that_paints_and_is_gone_when_it_is_closed(room, watch):
    """A screen without a map reports as well; the row says with which scripts its page was loaded."""
    seen = watch()
    seen.page.goto(f"{room.url}/alarms/health")
    wait_for(seen.page, f"/How many/.test({PANEL})", 30)

    def wait_for_display(state: str) -> dict[str, object]:
        """The one display, once it has said what it painted and is in that state."""
        until = time.monotonic() + 60
        while True:
            rows = room.room.cache.snapshot.tables["display"].to_records()
            if found := [row for row in rows if row["state"] == state and row["painted_seq"] is not None]:
                [row] = found
                return row
            assert time.monotonic() < until, rows
            seen.page.wait_for_timeout(200)

    row = wait_for_display("painting")
    assert row["screen"] == "alarm-health" and row["painted_seq"] == 0
    assert row["build"] and row["painted_age_ms"] is None

    seen.page.goto("about:blank")
    assert wait_for_display("gone")["display_key"] == row["display_key"]
