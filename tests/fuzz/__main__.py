"""Fuzzing: any bytes give rows or a typed error, within limits of time and memory.

    make fuzz                                     a minute for each feed of the sandbox
    python -m tests.fuzz [FEED ...] --seconds 600

Coverage-guided (atheris, libFuzzer). The corpus begins with what the sandbox
answers to each feed and grows in build/fuzz/<feed>, but with --runs, which
begins anew every time; what broke an adapter is kept there as a file `crash-…`,
to be turned into a test.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import httpx

from control_room.clock import FixedClock
from feeds.feed import Feed, fill_secrets, get_adapter, read_feed_file
from feeds.sandbox.app import DEMO_ENVIRONMENT, create_sandbox
from feeds.sandbox.city import City
from feeds.sandbox.server import MILTON_KEYNES

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "fuzz"
FEEDS = ROOT / "feeds" / "sandbox.yaml"
AT = datetime(2026, 5, 14, 7, 15, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("feeds", nargs="*", help="names of feeds in feeds/sandbox.yaml; default: one of each adapter")
    parser.add_argument("--seconds", type=int, default=60, help="for each (default 60)")
    parser.add_argument("--runs", type=int, help="so many inputs each instead, always the same ones")
    given = parser.parse_args()
    known = {feed.name: feed for feed in read_feed_file(FEEDS)}
    chosen = [known[name] for name in given.feeds] or list_one_of_each(known.values())
    with tempfile.TemporaryDirectory() as fresh:
        corpus = Path(fresh) if given.runs else BUILD
        asyncio.run(write_seeds(chosen, corpus))
        broken = [feed.name for feed in chosen if fuzz(feed, corpus / feed.name, given.seconds, given.runs) != 0]
    print(f"{len(chosen) - len(broken)} passed, {len(broken)} failed" + (f": {', '.join(broken)}" if broken else ""))
    return 1 if broken else 0


def list_one_of_each(feeds: Iterable[Feed]) -> list[Feed]:
    """A feed of each adapter."""
    return list({feed.adapter: feed for feed in feeds}.values())


async def write_seeds(feeds: list[Feed], corpus: Path) -> None:
    """What a small sandbox city answers to each of these feeds, as the start of its corpus."""
    sandbox = create_sandbox(City(1, MILTON_KEYNES, buses=6, robots=6), FixedClock(AT))
    transport = httpx.ASGITransport(app=sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8051") as client:
        for feed in feeds:
            params = {k: fill_secrets(v, feed.name, DEMO_ENVIRONMENT) for k, v in feed.params.items()}
            headers = {k: fill_secrets(v, feed.name, DEMO_ENVIRONMENT) for k, v in feed.headers.items()}
            adapter = get_adapter(feed.adapter)
            headers.setdefault("Accept", adapter.accept)
            answer = await client.get(feed.url, params=params or None, headers=headers)
            while answer.status_code == 413 and adapter.split is not None:
                answer = await client.get(adapter.split(str(answer.url))[0], headers=headers)
            answer.raise_for_status()
            folder = corpus / feed.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "seed").write_bytes(answer.content)


def fuzz(feed: Feed, corpus: Path, seconds: int, runs: int | None) -> int:
    """Run one target in a process of its own; its exit status."""
    kept = BUILD / feed.name
    kept.mkdir(parents=True, exist_ok=True)
    until = [f"-runs={runs}", "-seed=1"] if runs else [f"-max_total_time={seconds}"]
    flags = [*until, f"-artifact_prefix={kept}/", "-timeout=10", "-rss_limit_mb=2048"]
    command = [sys.executable, "-m", "tests.fuzz.target", feed.name, str(corpus), "-max_len=262144", *flags]
    # What is tried next follows the ways taken through the code, and those the order of sets.
    environment = {**os.environ, "PYTHONHASHSEED": "0"} if runs else None
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    last = [line for line in done.stderr.splitlines() if line.startswith(("Done", "ERROR", "SUMMARY", "==", " ==="))]
    print(
        f"{feed.name} ({feed.adapter}): {'ok' if done.returncode == 0 else 'BROKEN'} {' '.join(last[-2:])}", flush=True
    )
    if done.returncode:
        print(done.stderr[-3000:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
