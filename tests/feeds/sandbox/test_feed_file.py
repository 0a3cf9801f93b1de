"""The dashboard's way in: the feed file, the command line, and the adapters at the other end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from feeds.feed import get_adapter, read_feed_file
from feeds.sandbox.app import DEMO_ENVIRONMENT
from feeds.sandbox.feed_file import render_feed_file, write_feed_file
from feeds.sandbox.server import run

FEED_FILE = Path(__file__).resolve().parents[3] / "feeds" / "sandbox.yaml"


def test_the_feed_file_is_the_template_filled():
    """feeds/sandbox.yaml is what the template makes for the usual address."""
    assert FEED_FILE.read_text(encoding="utf-8") == render_feed_file()


def test_the_feed_file_says_sandbox_and_needs_only_the_demo_credentials():
    """Every feed is valid, its supplier says SANDBOX, and it reads no environment but the demonstration's."""
    feeds = read_feed_file(FEED_FILE)
    text = FEED_FILE.read_text(encoding="utf-8")

    assert [f.name for f in feeds][:5] == ["buses", "bus_trips", "bus_alerts", "buses_siri", "robots"]
    assert len(feeds) > 20
    assert all("SANDBOX" in f.supplier and f.allow_private and f.simulated for f in feeds)
    assert text.count("${") == sum(text.count(f"${{{name}}}") for name in DEMO_ENVIRONMENT)


def fill(text: str) -> str:
    for name, value in DEMO_ENVIRONMENT.items():
        text = text.replace(f"${{{name}}}", value)
    return text


@pytest.mark.parametrize(
    ("name", "kind", "rows"),
    [
        ("buses", "vehicle", 56),
        ("bus_trips", "trip", None),
        ("bus_alerts", "disruption", None),
        ("buses_siri", "vehicle", 24),
        ("robots", "vehicle", 120),
    ],
)
def test_adapters_read_the_sandbox_without_a_reject(sandbox, tmp_path, name, kind, rows):
    """Each feed of a written feed file, asked for over HTTP, comes through its adapter whole."""
    write_feed_file(tmp_path / "feeds.yaml", sandbox.base)
    feed = next(f for f in read_feed_file(tmp_path / "feeds.yaml") if f.name == name)
    adapter = get_adapter(feed.adapter)
    url: str | None = feed.url
    params = {k: fill(v) for k, v in feed.params.items()}
    bodies = []
    while url and len(bodies) < 10:
        answer = httpx.get(url, params=params or None, headers={k: fill(v) for k, v in feed.headers.items()})
        assert answer.status_code == 200
        bodies.append(adapter.decode(answer.content))
        url = adapter.next_url(bodies[-1], url) if adapter.next_url else None
    received_at = sandbox.clock.now().astimezone(UTC)
    batch = next(b for b in adapter.observe(bodies, feed, received_at) if b.kind.name == kind)

    assert dict(batch.rejects) == {}
    assert batch.published_at == datetime(2026, 5, 14, 7, 15, tzinfo=UTC)
    assert len(batch.table) == rows if rows else len(batch.table) >= 4


def test_robots_show_all_that_a_control_room_looks_for(sandbox):
    """Through the adapter robots are working, idle, charging and, within an hour, in need of help."""
    feed = next(f for f in read_feed_file(FEED_FILE) if f.name == "robots")
    adapter = get_adapter("mds")
    states = set()
    for _ in range(12):
        sandbox.clock.advance(300)
        bodies = [
            adapter.decode(httpx.get(f"{sandbox.base}/mds/vehicles/status?page={n}", headers=sandbox.mds).content)
            for n in (1, 2, 3)
        ]
        (batch,) = adapter.observe(bodies, feed, sandbox.clock.now())
        states |= set(batch.table["state"])

    assert {"working", "idle", "charging", "needs_help", "reserved", "stopped"} <= states


def test_the_command_line_sets_and_clears_faults(sandbox, capsys):
    """`fault` and `clear` reach a running sandbox and say what holds."""
    assert run(["fault", "/gtfsrt/*", "429", "--for", "30", "--option", "retry_after_s=3", "--base", sandbox.base]) == 0
    assert '"retry_after_s":3.0' in capsys.readouterr().out
    assert sandbox.get("/gtfsrt/alerts").status_code == 429

    assert run(["clear", "--base", sandbox.base]) == 0
    assert sandbox.get("/gtfsrt/alerts").status_code == 200


def test_the_command_line_explains_its_failures(sandbox, capsys):
    """A wrong option and a sandbox that is not there end with status 1 and a reason."""
    assert run(["fault", "*", "500", "--option", "delay_s=3", "--base", sandbox.base]) == 1
    assert "no option 'delay_s'" in capsys.readouterr().err

    assert run(["clear", "--base", "http://127.0.0.1:9"]) == 1
    assert "no sandbox at" in capsys.readouterr().err
