"""The sandbox as people start it: a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]


def free_port() -> int:
    """A port that for the next minute only those get who ask for it by number.

    A connection to it has just been closed from this side, so the kernel keeps it (TIME_WAIT) from being given out.
    """
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", 0))
        door.listen()
        with socket.create_connection(door.getsockname()):
            met, _ = door.accept()
            met.close()
        return int(door.getsockname()[1])


def ask_until(deadline_s: float, port: int, process: subprocess.Popen[str]) -> httpx.Response:
    end = time.monotonic() + deadline_s
    while process.poll() is None and time.monotonic() < end:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/", timeout=deadline_s)
        except httpx.ConnectError:
            time.sleep(0.05)
    pytest.fail(f"no answer in {deadline_s} s")


def test_it_starts_answers_and_ends_quietly():
    """A city at another time and pace answers within seconds; Ctrl-C ends it without a word."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "feeds.sandbox",
            "--port",
            str(port),
            "--seed",
            "3",
            "--robots",
            "10",
            "--at",
            "2026-03-29T00:55Z",
            "--rate",
            "60",
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        offer = ask_until(30, port, process).json()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()

    now = datetime.fromisoformat(offer["now"])
    assert (offer["seed"], offer["robots"], offer["buses"]) == (3, 10, 80)
    assert datetime.fromisoformat("2026-03-29T00:55Z") <= now < datetime.fromisoformat("2026-03-29T01:55Z")
    assert process.returncode == 0
    assert said == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "2026-03-29T00:55"], "needs a zone"),
        (["--buses", "0"], "at least one bus"),
        (["--siri-share", "2"], "from 0 to 1"),
    ],
)
def test_wrong_options_are_explained(arguments, said):
    """A city that cannot be is refused before anything starts."""
    done = subprocess.run(
        [sys.executable, "-m", "feeds.sandbox", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 2
    assert said in done.stderr
