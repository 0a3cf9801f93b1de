"""Questions made from figures: the right answer is what is known, the others are far from it.

A question about just now is asked only while its figure is known, and large enough to be guessed. The same figures
give the same question, in the same order of answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from control_room.public.content.content import Content, QuestionEntry
from control_room.public.words.catalogue import Catalogue
from control_room.public.words.grammar import format_number
from control_room.public.words.sentences import is_past


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        options: answers as texts, in the order in which they are shown, smallest first.
        right: which of them is right, from 0.
        answer: what is told after the guess.
        source: of the figure; "live" is counted here.
        as_of: year or day that the source speaks of; None of what is counted here.
    """

    id: str
    picture: str
    question: str
    options: tuple[str, ...]
    right: int
    answer: str
    source: str
    as_of: str | None


def build_questions(content: Content, facts: Mapping[str, Any], catalogue: Catalogue) -> list[Question]:
    """The questions that can be asked now, in the order of the file.

    Args:
        facts: content by name of fact; without `figures` nothing is asked about just now.
    """
    return [made for entry in content.questions if (made := _build(entry, content, facts, catalogue)) is not None]


def _build(entry: QuestionEntry, content: Content, facts: Mapping[str, Any], catalogue: Catalogue) -> Question | None:
    source, as_of, told = "live", None, None
    if entry.figure is not None:
        figure = content.figures[entry.figure]
        value, source, as_of, told = figure.value, figure.source, figure.as_of, figure.tell(catalogue)
    elif is_past(facts):
        return None  # an answer of an earlier hour is not the answer "right now"
    else:
        found = (facts.get("figures") or {}).get(entry.now) or {}
        if found.get("value") is None or not math.isfinite(found["value"]):
            return None
        value, source, as_of = float(found["value"]), str(found["source"]), found.get("as_of")
        if source == "live" and (facts.get("city") or {}).get("simulated"):
            source = "sandbox"
    if value < entry.at_least:
        return None
    values = sorted({value, *(_round(value * times) for times in entry.others)})
    if len(values) != len(entry.others) + 1:
        return None  # two answers have become the same: nobody could guess
    number = format_number(value, catalogue.language)
    text = entry.en if catalogue.language == "en" else entry.cy
    return Question(
        entry.id,
        entry.picture,
        text.question,
        tuple(format_number(option, catalogue.language) for option in values),
        values.index(value),
        text.answer.replace("{answer}", told or number),
        source,
        as_of,
    )


def _round(value: float) -> float:
    """To two digits, so that a made-up answer does not look made up beside a rounded one; whole, at least one."""
    digits = 1 - math.floor(math.log10(value)) if value > 0 else 0
    return max(1.0, math.floor(round(value, digits) + 0.5))
