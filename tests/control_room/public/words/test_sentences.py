"""Sentences are true of the facts, and of nothing else."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from control_room.public.words import build_sentences, load_catalogues
from control_room.public.words.plain import find_forbidden, find_long, measure_grade

NOON = round(datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp() * 1000)
HOUR = 3_600_000
KINDS = ("robot", "shuttle", "drone", "bus", "scooter", "mast", "timetable", "roadworks", "air", "requests")
COUNCIL = "Council strategy for a tech, smart, digital and creative city"


def city(mode="live", simulated=False, **sight):
    """The fact `city`: every kind seen, but those that are named: minutes unseen, or None for absent."""
    sees = {kind: {"sight": "seen", "since": NOON - HOUR, "minutes": 60} for kind in KINDS}
    for kind, minutes in sight.items():
        sees[kind] = (
            {"sight": "absent", "since": None, "minutes": None}
            if minutes is None
            else {"sight": "not_seen", "since": NOON - minutes * 60_000, "minutes": minutes}
        )
    return {"title": "Milton Keynes", "mode": mode, "simulated": simulated, "moment": NOON, "zone": "Europe/London", "sees": sees}  # fmt: skip


def figure(value, source="live", as_of=None, since=None):
    return {"value": value, "unit": "robots", "why": None if value is not None else "not_seen", "at_least": False, "source": source, "as_of": as_of, "since": since}  # fmt: skip


def told(facts, language="en"):
    """The sentences as one text, a line each."""
    return "\n".join(sentence.text for sentence in build_sentences(facts, language))


@pytest.mark.parametrize(
    ("name", "count", "english", "welsh"),
    [
        ("robots_out", 0, "All the robots are resting just now.", "Mae'r robotau i gyd yn gorffwys ar hyn o bryd."),
        ("robots_out", 1, "1 robot is out in the city right now.", "Mae 1 robot allan yn y ddinas nawr."),
        ("robots_out", 93, "93 robots are out in the city right now.", "Mae 93 robot allan yn y ddinas nawr."),
        ("buses_running", 2, "2 buses are on the road right now.", "Mae 2 fws ar y ffordd nawr."),
        ("buses_running", 3, "3 buses are on the road right now.", "Mae 3 bws ar y ffordd nawr."),
        ("drones_flying", 2, "A short while ago, 2 drones were in the air.", "Ychydig yn ôl, roedd 2 ddrôn yn yr awyr."),
    ],
)  # fmt: skip
def test_a_count_is_told_in_the_grammar_of_each_language(name, count, english, welsh):
    """None, one, two and many are said as people say them; a drone is told late, as it is shown."""
    facts = {"city": city(), "figures": {name: figure(float(count))}}

    assert told(facts, "en") == english
    assert told(facts, "cy") == welsh


def test_what_cannot_be_seen_is_said_to_be_unseen_and_never_counted():
    """No data from the buses for ten minutes becomes "we cannot see the buses just now", also with an old count."""
    facts = {"city": city(bus=10), "figures": {"buses_running": figure(41.0)}}

    assert told(facts) == "We cannot see the buses just now.\nWe have not seen the buses for 10 minutes."
    assert "41" not in told(facts, "cy")


def test_what_was_never_seen_has_no_length_of_time():
    """Since when is not made up."""
    facts = {"city": city(robot=0)}
    facts["city"]["sees"]["robot"] |= {"since": None, "minutes": None}

    assert told(facts) == "We cannot see the robots just now."


@pytest.mark.parametrize(
    ("minutes", "span"), [(1, "1 minute"), (58, "1 hour"), (150, "3 hours"), (60 * 24 * 3, "3 days")]
)
def test_how_long_is_told_in_the_unit_that_people_use(minutes, span):
    """Minutes, then hours, then days."""
    assert f"for {span}." in told({"city": city(drone=minutes)})


def test_much_unseen_is_one_sentence():
    """Five complaints in a row would be all that a visitor reads."""
    facts = {"city": city(robot=5, bus=5, drone=5, shuttle=5)}

    assert told(facts) == "We cannot see the robots, the shuttles, the drones and the buses just now."


def test_what_nobody_tells_of_is_not_spoken_of():
    """A city without drones does not hear that it cannot see its drones, nor that none fly."""
    facts = {"city": city(drone=None), "figures": {"drones_flying": figure(0.0)}}

    assert told(facts) == ""


def test_a_figure_that_is_not_known_gives_no_sentence_and_no_nought():
    """Missing is never zero."""
    names = ("robots_out", "deliveries_today", "deliveries_total", "bus_trips_today", "requests_fixed_week", "masts_up")
    facts = {"city": city(), "figures": {name: figure(None) for name in names}}

    assert told(facts) == ""


def test_a_published_figure_carries_its_source_and_year():
    """Without its date it would look like one of today, so without a date it is not told."""
    facts = {"city": city(), "figures": {"deliveries_total": figure(800_000.0, COUNCIL, "2024")}}
    (sentence,) = build_sentences(facts, "en")

    assert sentence.text == "By 2024, robots had made 800,000 deliveries here."
    assert (sentence.source, sentence.as_of, sentence.large) == (COUNCIL, "2024", True)
    facts["figures"]["deliveries_total"]["as_of"] = None
    assert told(facts) == ""


def test_counting_that_began_after_midnight_says_since_when():
    """A server that was started at nine does not know what happened today."""
    since_nine = {"city": city(), "figures": {"deliveries_today": figure(12.0, since=NOON - 3 * HOUR)}}
    all_day = {"city": city(), "figures": {"deliveries_today": figure(12.0, since=NOON - 12 * HOUR)}}

    assert told(since_nine) == "We have seen robots make 12 deliveries since 9 in the morning."
    assert told(all_day) == "Robots have made 12 deliveries today."


def test_nothing_seen_in_a_few_minutes_is_no_news():
    """Right after a start nobody reads that no robot has delivered anything."""
    just_begun = {"city": city(), "figures": {"deliveries_today": figure(0.0, since=NOON - HOUR // 2)}}
    long_watched = {"city": city(), "figures": {"deliveries_today": figure(0.0, since=NOON - 5 * HOUR)}}

    assert told(just_begun) == ""
    assert told(long_watched) == "We have not seen a robot make a delivery since 7 in the morning."


def test_a_made_up_city_says_so_first_and_in_every_source():
    """Simulated data says SANDBOX; what was counted in it is not "counted here"; a published figure stays published."""
    facts = {
        "city": city("sandbox", simulated=True),
        "figures": {"robots_out": figure(3.0), "deliveries_total": figure(800_000.0, COUNCIL, "2024")},
    }
    first, *others = build_sentences(facts, "en")

    assert first.text.startswith("SANDBOX")
    assert first.large
    assert [sentence.source for sentence in others] == ["sandbox", COUNCIL]


def test_carbon_of_made_up_deliveries_is_made_up():
    """The factor is the council's and the deliveries are not: in a made-up city their product is made up too."""
    carbon = figure(60.9, "230,000 kg over 800,000 deliveries", "2024", since=NOON - 12 * HOUR)
    figures = {"deliveries_today": figure(212.0, since=NOON - 12 * HOUR), "carbon_saved_today_kg": carbon}
    made_up = build_sentences({"city": city("sandbox", simulated=True), "figures": figures}, "en")[-1]
    real = build_sentences({"city": city(), "figures": figures}, "en")[-1]

    assert made_up.text == real.text == "Robots have kept about 61 kg of carbon dioxide out of the air today."
    assert (made_up.source, made_up.as_of) == ("sandbox", None)
    assert (real.source, real.as_of) == ("230,000 kg over 800,000 deliveries", "2024")


@pytest.mark.parametrize("language", ["en", "cy"])
def test_nothing_of_a_recorded_hour_is_said_to_be_now(language):
    """The moment is told instead; what was today or unseen then is not told at all."""
    facts = {
        "city": city(bus=10),
        "figures": {
            "robots_out": figure(93.0),
            "deliveries_today": figure(212.0),
            "bus_trips_today": figure(40.0),
            "requests_fixed_week": figure(240.0),
        },
        "events": [{"title": "Light show", "place": None, "starts": NOON - HOUR, "ends": NOON + HOUR}],
        "recording": {"recorded": True, "first": NOON - HOUR, "last": NOON, "since": NOON},
    }
    said = told(facts, language)

    expected = {
        "en": "A recording from 11 in the morning to 12 noon\nAt 12 noon, 93 robots were out in the city.",
        "cy": "Recordiad o 11 y bore hyd 12 canol dydd\nAm 12 canol dydd, roedd 93 robot allan yn y ddinas.",
    }
    assert said == expected[language]


def test_what_the_council_put_right_is_told_with_its_week():
    """The projection's week may end days ago, so its days are said; without them the count is not told."""
    week = {"words": "count", "count": 25, "first": "2026-11-17", "last": "2026-11-22"}
    facts = {
        "city": city(),
        "figures": {"requests_fixed_week": figure(240.0)},
        "estates": [{"id": "a", "robots": None, "requests_fixed_week": week}],
    }

    assert told(facts) == (
        "The council put right about 240 things or more that people told it about. "
        "That was from 17 November 2026 to 22 November 2026."
    )
    week |= {"words": "unknown", "first": None, "last": None}
    assert told(facts) == ""


def test_before_the_first_news_we_wait():
    """No facts are no zeros."""
    (sentence,) = build_sentences({}, "en")

    assert sentence.text == "We are waiting for the first news from the city."


def test_the_busiest_places_are_named_only_when_most_robots_are_there():
    """Two places hold more than half: they are named. Spread evenly: none is."""
    places = [{"id": name, "name": name.title()} for name in "abcdef"]
    uneven = [{"id": "a", "robots": 9}, {"id": "b", "robots": 7}, *({"id": i, "robots": 3} for i in "cdef")]
    even = [{"id": i, "robots": 3} for i in "abcdef"]

    assert "Most of the robots are in A and B." in told({"city": city(), "places": places, "estates": uneven})
    assert told({"city": city(), "places": places, "estates": even}) == ""
    # More robots are out than places account for: nothing is known of most of them.
    facts = {"city": city(), "places": places, "estates": uneven, "figures": {"robots_out": figure(90.0)}}
    assert "Most" not in told(facts)


@pytest.mark.parametrize(
    ("starts", "ends", "said"),
    [
        (-1, 1, "On now: Light show, at Campbell Park."),
        (2, None, "Today at 2 in the afternoon: Light show, at Campbell Park."),
        (-3, -1, ""),
        (-3, None, ""),  # nobody says whether it is over
        (30, None, ""),  # tomorrow
    ],
)
def test_events_are_told_while_they_are_news(starts, ends, said):
    """On now, or later today; of one without an end nobody knows whether it is on."""
    event = {
        "title": "Light show",
        "place": "Campbell Park",
        "starts": NOON + starts * HOUR,
        "ends": None if ends is None else NOON + ends * HOUR,
    }

    assert told({"city": city(), "events": [event]}) == said


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_facts_the_sentences_are_plain_and_whole(seed):
    """No brace, no operator's word, no long sentence, no "None" or "nan", whatever is missing or odd."""
    lots = random.Random(seed)
    names = ("robots_out", "shuttles_running", "buses_running", "drones_flying", "scooters_ready", "masts_up",
             "estates_with_robots", "deliveries_today", "carbon_saved_today_kg", "deliveries_total",
             "carbon_saved_total_kg", "bus_trips_today", "requests_fixed_week")  # fmt: skip
    values = (None, 0.0, 1.0, 2.0, 3.0, 6.0, 41.0, 60.9, 1_234_567.0, float("nan"))
    facts = {
        "city": city(lots.choice(("live", "sandbox", "replay")), lots.random() < 0.5,
                     **{kind: lots.choice((None, 0, 1, 10, 3000)) for kind in KINDS if lots.random() < 0.4}),
        "figures": {name: figure(lots.choice(values), lots.choice(("live", COUNCIL)), lots.choice((None, "2024", "2026-11-01")), lots.choice((None, NOON - 2 * HOUR, NOON - 30 * HOUR))) for name in names if lots.random() < 0.8},
        "places": [{"id": "a", "name": "Oldbrook"}],
        "estates": [{"id": "a", "robots": lots.choice((None, 0, 4)), "requests_fixed_week": {"first": "2026-11-17", "last": "2026-11-22"}}, {"id": "gone", "robots": 3}],
        "events": [],
        "recording": {"recorded": lots.random() < 0.3, "first": NOON - HOUR, "last": NOON, "since": NOON},
    }  # fmt: skip
    for language, catalogue in load_catalogues().items():
        sentences = build_sentences(facts, language)
        for sentence in sentences:
            assert not re.search(r"[{}]|\bNone\b|\bnan\b|\bnull\b", sentence.text), sentence
            assert find_forbidden(sentence.text, catalogue.forbidden) == []
            assert find_long(sentence.text) == []
        assert sentences == build_sentences(json.loads(json.dumps(facts)), language)
    english = [s.text if s.text[-1] in ".?!" else f"{s.text}." for s in build_sentences(facts, "en")]
    if sum(len(text.split()) for text in english) >= 60:
        assert measure_grade(english) <= 6.0


def test_the_protocols_own_example_is_spoken():
    """The facts that docs/experience-protocol.md shows give sentences, so the two pages do not drift apart."""
    page = (Path(__file__).resolve().parents[4] / "docs" / "experience-protocol.md").read_text(encoding="utf-8")
    facts = {}
    for name in ("city", "figures", "places", "estates", "events", "recording"):
        rest = page[page.index(f"`{name}`", page.index("### Facts")) :]
        start = rest.index("```json") + 7
        facts[name] = json.loads(rest[start : rest.index("```", start)])
    facts["recording"]["recorded"] = False
    said = told(facts)

    assert "We cannot see the buses just now.\nWe have not seen the buses for 10 minutes." in said
    assert "212 deliveries" in said
    assert "By 2024, robots had made 800,000 deliveries here." in said
