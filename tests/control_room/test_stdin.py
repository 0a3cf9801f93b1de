"""Processes that end with whoever started them: a pipe held open is the sign of life."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEGIN = {
    "screens": "from control_room.serving import end_with_stdin; end_with_stdin()",
    "sandbox": "import threading; from feeds.sandbox.server import _end_with_stdin as wait; "
    "threading.Thread(target=wait, daemon=True).start()",
}


def start(which: str, rest: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    script = f"{BEGIN[which]}; {rest}"
    return subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize("which", BEGIN)
def test_a_process_that_ends_by_itself_ends_quietly(which):
    """While the pipe is open; the thread that watches it must not take the interpreter down with it."""
    process = start(which, "import time; time.sleep(0.3)")
    assert process.wait(60) == 0
    assert process.stdin is not None and process.stderr is not None
    process.stdin.close()
    assert process.stderr.read() == b""


@pytest.mark.parametrize("which", BEGIN)
def test_it_ends_when_the_pipe_closes(which):
    """Whatever was written into it before."""
    process = start(which, "import time; time.sleep(600)")
    process.communicate(b"not a word of it is read", timeout=60)
    assert process.returncode == -signal.SIGTERM
