"""The city is a function of seed and moment: nothing else changes a byte."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from feeds.sandbox import bods, buses, robots
from feeds.sandbox.city import City, View
from feeds.sandbox.robots import Page

ANSWERS = {
    "positions": lambda city, view: buses.build_positions(city, view),
    "trip updates": lambda city, view: buses.build_trip_updates(city, view),
    "alerts": lambda city, view: buses.build_alerts(city, view),
    "siri": lambda city, view: bods.build_siri(city, view, {}),
    "robots": lambda city, view: robots.build_status(city, view, Page(1, 3, "http://sandbox")),
}

IN_ANOTHER_PROCESS = """
import hashlib, sys
from pathlib import Path
from feeds.sandbox import bods, buses, robots
from feeds.sandbox.city import City, View
from feeds.sandbox.robots import Page
city, view = City(7, Path(sys.argv[1])), View.plain(int(sys.argv[2]))
body = (buses.build_positions(city, view) + buses.build_trip_updates(city, view) + buses.build_alerts(city, view)
        + bods.build_siri(city, view, {}) + robots.build_status(city, view, Page(1, 3, "http://sandbox")))
print(hashlib.sha256(body).hexdigest())
"""


@pytest.mark.parametrize("name", ANSWERS)
def test_two_cities_of_one_seed_agree_to_the_byte(name, city, folder, morning_s):
    """A city asked about many other moments before says the same as one that was just made."""
    other = City(7, folder)
    for elsewhere in (morning_s + 86_400, morning_s - 3_600, morning_s + 1):
        ANSWERS[name](other, View.plain(elsewhere))

    assert ANSWERS[name](other, View.plain(morning_s)) == ANSWERS[name](city, View.plain(morning_s))


@pytest.mark.parametrize("name", ANSWERS)
def test_another_seed_is_another_city(name, city, folder, morning_s):
    """The seed is not ignored anywhere."""
    assert ANSWERS[name](City(8, folder), View.plain(morning_s)) != ANSWERS[name](city, View.plain(morning_s))


@pytest.mark.parametrize("name", [n for n in ANSWERS if n != "alerts"])
def test_the_next_second_is_another_answer(name, city, morning_s):
    """Within ten seconds something has moved."""
    assert ANSWERS[name](city, View.plain(morning_s + 10)) != ANSWERS[name](city, View.plain(morning_s))


def test_another_process_says_the_same(city, folder, morning_s):
    """Nothing hangs on hash seeds, on memory or on the process that answers."""
    view = View.plain(morning_s)
    own = hashlib.sha256(b"".join(make(city, view) for make in ANSWERS.values())).hexdigest()

    said = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, str(folder), str(morning_s)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[3],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    )

    assert said.stdout.strip() == own
