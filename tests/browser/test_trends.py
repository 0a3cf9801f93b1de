"""Trends in a real Chromium: the chart is drawn under our policy, the keyboard changes it, a missing history is said."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from control_room.history.place import open_history
from tests.browser.conftest import wait_for
from tests.browser.test_real_access import list_findings
from tests.control_room.summary.past import LONDON, Past

pytestmark = pytest.mark.browser

# Where history was not open yet or did not answer in time, the page asks again after half a minute.
TOLD_WITHIN_S = 100
LINE = "document.querySelector('.trend-chart .tracevalue .js-line')"


def make_past(folder) -> None:
    """Thirty days of nitrogen dioxide, one of them unknown."""
    folder.mkdir()
    engine = open_history(folder, "sandbox")
    past = Past(engine)
    today = datetime.now(LONDON).date()
    for back in range(1, 31):
        if back != 3:
            past.level("environment.no2", today - timedelta(days=back), 10.0 + back % 7)
    past.write()
    engine.dispose()


def test_a_measure_is_drawn_and_chosen_by_the_keyboard(start, watch, tmp_path):
    """In dark and light: a line with its gap, a band, ink of the theme, no finding, a clean console; other pages load no plotly."""
    make_past(tmp_path / "data")
    dashboard = start("run", "--port", "0", "--sandbox-port", "0")
    inks = []
    for scheme, size in (("dark", (1920, 1080)), ("light", (390, 844))):
        watched = watch(*size, color_scheme=scheme)
        page = watched.page
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        if not inks:
            page.goto(f"{dashboard.url}/feeds")
            wait_for(page, "window.controlRoom && controlRoom.debug().panels > 1", 30)
            assert not any("plotly" in url for url in asked)
        page.goto(f"{dashboard.url}/trends?measure=environment.no2&span=7d")
        wait_for(page, LINE, TOLD_WITHIN_S)

        assert any("plotly" in url for url in asked)
        assert page.inner_text("#trend-title").startswith("Nitrogen dioxide: the whole city")
        assert "SANDBOX" in page.inner_text("#trend-title")
        # One day in seven is unknown: the line is in pieces (the running hour may be a third).
        wait_for(page, "document.querySelectorAll('.trend-chart .tracevalue .js-line').length >= 2")
        wait_for(page, "document.querySelectorAll('.trend-chart .traceusual .js-fill').length === 1")
        wait_for(page, "document.querySelector('.g-ytitle text').textContent === 'µg/m³'")
        wait_for(page, f"getComputedStyle({LINE}).stroke === getComputedStyle(document.querySelector('#wall')).color")
        inks.append(page.evaluate("getComputedStyle(document.querySelector('#wall')).color"))
        page.click(".trend-details summary")
        wait_for(page, "document.querySelectorAll('.trend-table tbody tr').length > 160")
        assert page.locator(".trend-table td", has_text="not known").count() >= 24
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        page.focus("select[name=span]")
        page.keyboard.press("ArrowUp")
        rows = "document.querySelectorAll('.trend-table tbody tr').length"
        wait_for(page, f"{rows} > 0 && {rows} < 30", TOLD_WITHIN_S)

        assert page.url.endswith("/trends?measure=environment.no2&span=24h")
        assert page.evaluate("document.activeElement.name") == "span"
        # With the table unfolded, and short.
        assert list_findings(page) == []
        if len(inks) == 1:
            page.goto(page.url.replace("environment.no2", "nothing"))
            wait_for(page, "document.querySelector('.trend-silence')")
            assert "There is no such measure" in page.inner_text("#trend-shown")
            page.select_option("select[name=measure]", "environment.no2")
            wait_for(page, LINE, TOLD_WITHIN_S)
        assert watched.faults == []
        assert watched.hosts == {"localhost"}
    assert inks[0] != inks[1]


def test_without_a_database_the_screen_says_so_and_lives(start, watch):
    """PostgreSQL is not there: words in the chart's place, and what is chosen can still be chosen."""
    dashboard = start(
        "run", "--port", "0", "--sandbox-port", "0", "--database", "postgresql://nobody@127.0.0.1:1/nothing"
    )
    watched = watch()
    page = watched.page
    page.goto(f"{dashboard.url}/trends")
    wait_for(page, "document.querySelector('.trend-silence')", 30)

    assert "History is not open" in page.inner_text("#trend-shown")
    assert page.locator("select[name=measure] option").count() > 50
    assert list_findings(page) == []
    assert watched.faults == []
