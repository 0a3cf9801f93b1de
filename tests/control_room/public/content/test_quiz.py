"""Questions are made from figures that are known."""

from __future__ import annotations

import pytest

from control_room.city import CITIES, load_city
from control_room.public.content import build_content_page, load_content
from control_room.public.content.quiz import build_questions
from control_room.public.words import load_catalogues

CONTENT = load_content(load_city(CITIES / "milton_keynes"))
ENGLISH, WELSH = load_catalogues()["en"], load_catalogues()["cy"]


def facts(value, name="robots_out", mode="live", recorded=False):
    figure = {"value": value, "unit": "robots", "why": None, "at_least": False, "source": "live", "as_of": None}
    return {
        "city": {"mode": mode, "simulated": mode == "sandbox"},
        "figures": {name: figure},
        "recording": {"recorded": recorded},
    }


def find(questions, name):
    return next((question for question in questions if question.id == name), None)


@pytest.mark.parametrize("value", [5.0, 8.0, 41.0, 93.0, 1_000_003.0])
def test_the_right_answer_is_the_figure_and_the_others_are_far_from_it(value):
    """One answer is right, no two are alike, and they stand in order."""
    question = find(build_questions(CONTENT, facts(value), ENGLISH), "robots_out")
    numbers = [float(option.replace(",", "")) for option in question.options]

    assert numbers[question.right] == value
    assert numbers == sorted(set(numbers))
    assert all(not value * 0.7 < other < value * 1.4 for other in numbers if other != value)
    assert question.options[question.right] in question.answer
    assert (question.source, question.as_of) == ("live", None)


@pytest.mark.parametrize("value", [None, 0.0, 4.0, float("nan")])
def test_what_is_not_known_or_too_small_is_not_asked(value):
    """Nobody guesses between 0, 1 and 2, and nothing is asked of what we cannot see."""
    assert find(build_questions(CONTENT, facts(value), ENGLISH), "robots_out") is None


@pytest.mark.parametrize(("mode", "recorded"), [("live", True), ("replay", False)])
def test_nothing_is_asked_about_right_now_while_an_earlier_hour_is_shown(mode, recorded):
    """The answer of then is not the answer of now; questions about published figures stay."""
    questions = build_questions(CONTENT, facts(93.0, mode=mode, recorded=recorded), ENGLISH)

    assert find(questions, "robots_out") is None
    assert find(questions, "deliveries_total") is not None


def test_a_made_up_city_is_the_source_of_its_answers():
    """What was counted in the sandbox does not look counted in the street."""
    assert find(build_questions(CONTENT, facts(93.0, mode="sandbox"), ENGLISH), "robots_out").source == "sandbox"


def test_without_any_facts_there_are_questions_with_source_and_year():
    """The quiz is never empty, and what it tells can be looked up."""
    questions = build_questions(CONTENT, {}, ENGLISH)

    assert len(questions) >= 5
    assert all(question.source and question.as_of for question in questions)
    # A child must not learn that the largest number is always right.
    assert {question.right for question in questions} == {0, 1, 2}


def test_both_languages_ask_the_same():
    """The same answers in the same order; only the words differ."""
    for english, welsh in zip(build_questions(CONTENT, facts(93.0), ENGLISH), build_questions(CONTENT, facts(93.0), WELSH), strict=True):  # fmt: skip
        assert (english.id, english.options, english.right) == (welsh.id, welsh.options, welsh.right)
        assert english.question != welsh.question


def test_the_page_carries_what_can_be_asked_now_and_what_could_be():
    """`quiz` is ready; `quiz_now` has the questions whose figure may come."""
    page = build_content_page(CONTENT, ENGLISH, facts(93.0))

    assert "robots_out" in {question["id"] for question in page["quiz"]}
    assert {question["now"] for question in page["quiz_now"]} >= {"robots_out", "buses_running"}
    assert all("{answer}" in question["answer"] for question in page["quiz_now"])
