"""Two hundred inputs of fuzzing for every adapter; `make fuzz` does it for long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris has no build for this platform")

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_no_bytes_break_an_adapter():
    """The same four hundred inputs each: batches or a PayloadError, nothing else, within 10 s and 2 GB an input."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--runs", "400"], cwd=ROOT, capture_output=True, text=True, timeout=900
    )

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed, 0 failed" in done.stdout
