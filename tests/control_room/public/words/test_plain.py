"""How hard a text is to read."""

from __future__ import annotations

import pytest

from control_room.public.words.plain import count_syllables, find_long, measure_grade

# Counted by ear; words that children's texts about a city are made of, and those that rules trip over.
SYLLABLES = {
    1: "bus bike drone drones flies helped house lived make makes named phone wheels walked the used through school",
    2: "robot city carried carries buses people little table places houses safely something somewhere minute minutes "
    "every evening useful helpful movement waited loaded needed charging using careful lonely quiet being going idea's "
    "trial trials flying poem council question station pavement signal social special region thousand quickly",
    3: "area radio video battery hospital roundabout camera museum carefully creating privacy electric dioxide medicine "
    "safety's computer somebody",
    4: "delivery deliveries information invisible",
    5: "electricity",
}  # fmt: skip


def test_syllables_are_counted_as_they_are_spoken():
    """At least 95 of a hundred such words have the syllables that an ear hears, and none is off by more than one."""
    counted = [(word, n, count_syllables(word)) for n, words in SYLLABLES.items() for word in words.split()]
    wrong = [one for one in counted if one[1] != one[2]]

    assert len(wrong) <= len(counted) * 0.05, wrong
    assert all(abs(n - found) <= 1 for _, n, found in wrong), wrong


@pytest.mark.parametrize(
    ("text", "sentences", "words", "syllables"),
    [
        ("The cat sat on the mat.", 1, 6, 6),
        ("The robot is here. It waits for somebody.", 2, 8, 11),
        ("Have you seen it? Yes!\nThe bus is late", 3, 9, 9),
    ],
)
def test_the_grade_is_that_of_flesch_and_kincaid(text, sentences, words, syllables):
    """The formula of 1975 over what a person has counted by hand."""
    grade = 0.39 * words / sentences + 11.8 * syllables / words - 15.59

    assert measure_grade([text]) == pytest.approx(grade)


def test_hard_prose_is_told_from_plain_prose():
    """A strategy's sentence is far above the bar for children, and the same in plain words is under it."""
    hard = (
        "The authority's telecommunications infrastructure facilitates interoperability between heterogeneous "
        "autonomous vehicles, thereby maximising operational efficiencies for participating organisations."
    )
    plain = "The city has its own 5G. Robots and buses use it to talk to each other. So they work well together."

    assert measure_grade([hard]) > 15
    assert measure_grade([plain]) < 4


def test_no_words_have_no_grade():
    """An empty text is not easy to read; there is nothing to read."""
    assert measure_grade([]) is None
    assert measure_grade(["", " …"]) is None


def test_a_long_sentence_is_found():
    """Twenty words are the most; a line ends a sentence as a full stop does."""
    assert find_long("word " * 20 + ".") == []
    assert len(find_long("word " * 21 + ".")) == 1
    assert find_long("word " * 12 + "\n" + "word " * 12) == []
