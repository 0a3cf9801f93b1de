"""The page says what the server says: two implementations of one grammar, asked the same questions."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from control_room.public.words import load_catalogues
from control_room.public.words.grammar import format_day, format_moment, format_number

SCRIPT = Path(__file__).resolve().parents[4] / "assets" / "experience" / "words.js"
COUNTS = [*range(13), 16, 21, 41, 100, 103, 1234]
NUMBERS = [0, 1, 2.5, 2.54, 9.96, 10.4, 60.9, 1234.5, 800_000]
MOMENTS = [datetime(2026, 7, 1, tzinfo=UTC) + timedelta(minutes=20 * n) for n in range(72)]
DAYS = [date(2026, month, 23) for month in range(1, 13)]
# `use` fetches; here the page's own loader gets the catalogue from us.
ASK = """
import { readFileSync } from "node:fs";
const { Words } = await import(process.argv[1]);
const { languages, texts, counts, numbers, moments, days } = JSON.parse(readFileSync(0, "utf8"));
globalThis.fetch = async (address) => {
  const code = address.match(/([a-z]+)\\.json/)[1];
  return { ok: true, json: async () => (address.includes("/words/") ? texts[code] : {}) };
};
const words = new Words(languages.map((code) => [code, code]));
const said = {};
for (const code of languages) {
  await words.use(code);
  said[code] = {
    texts: Object.fromEntries(Object.keys(texts[code]).filter((key) => typeof texts[code][key] === "object")
      .map((key) => [key, counts.map((count) => words.say(key, { count }))])),
    numbers: numbers.map((value) => words.count(value)),
    moments: moments.map((ms) => words.moment(new Date(ms))),
    days: days.map((day) => words.day(day)),
  };
}
console.log(JSON.stringify(said));
"""


@pytest.fixture(scope="module")
def said():
    """What the page's script makes of the same catalogue."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node, to run the page's script without a page")
    question = {
        "languages": list(load_catalogues()),
        "texts": {language: catalogue.for_page() for language, catalogue in load_catalogues().items()},
        "counts": COUNTS,
        "numbers": NUMBERS,
        "moments": [moment.timestamp() * 1000 for moment in MOMENTS],
        "days": [day.isoformat() for day in DAYS],
    }
    asked = subprocess.run(
        [node, "--input-type=module", "-e", ASK, SCRIPT.as_uri()],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


@pytest.mark.parametrize("language", ["en", "cy"])
def test_every_plural_form_is_chosen_alike(said, language):
    """For every text that counts, and numbers that take every form; values other than the count stay in braces."""
    catalogue = load_catalogues()[language]
    counting = {key: text for key, text in catalogue.texts.items() if text.counts}

    assert said[language]["texts"].keys() == counting.keys()
    for key, text in counting.items():
        others = {name: f"{{{name}}}" for name in text.values - {"count"}}
        assert said[language]["texts"][key] == [catalogue.say(key, **others, count=count) for count in COUNTS], key


@pytest.mark.parametrize("language", ["en", "cy"])
def test_numbers_and_days_are_written_alike(said, language):
    """800,000 and 61 and 2.5, 23 November 2026."""
    assert said[language]["numbers"] == [format_number(value, language) for value in NUMBERS]
    assert said[language]["days"] == [format_day(day, language) for day in DAYS]


@pytest.mark.parametrize("language", ["en", "cy"])
def test_every_time_of_a_day_is_told_alike(said, language):
    """Also noon and midnight, in summer time; the hour is never 0."""
    told = [format_moment(moment, language, ZoneInfo("Europe/London")) for moment in MOMENTS]

    assert said[language]["moments"] == told
    assert not any(text.startswith("0") for text in told)
