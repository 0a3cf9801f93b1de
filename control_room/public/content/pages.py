"""The content as JSON, in one language, for the page (docs/experience-content.md shows it)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from control_room.public.content.content import (
    Content,
    PublishedFigure,
    QuestionEntry,
    QuestionText,
    StoryFile,
    StoryText,
)
from control_room.public.content.marks import read_marks
from control_room.public.content.quiz import build_questions
from control_room.public.words.catalogue import Catalogue


def build_content_page(
    content: Content, catalogue: Catalogue, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Everything that the screens tell beside the facts.

    Args:
        facts: content by name of fact, for questions about just now; None: only those about published figures.
    """
    return {
        "language": catalogue.language,
        "figures": {name: _figure(figure, catalogue) for name, figure in content.figures.items()},
        "stories": [_story(name, story, content, catalogue) for name, story in content.stories.items()],
        "how": {
            name: {
                "picture": how.picture,
                "steps": [{"part": step.part, "text": getattr(step, catalogue.language)} for step in how.steps],
            }
            for name, how in content.how.items()
        },
        "quiz": [asdict(question) for question in build_questions(content, facts or {}, catalogue)],
        "quiz_now": [_question_now(entry, catalogue) for entry in content.questions if entry.now is not None],
    }


def _question_now(entry: QuestionEntry, catalogue: Catalogue) -> dict[str, Any]:
    """A question about just now, for a page that makes the answers from the facts it has (as quiz.py does)."""
    text: QuestionText = getattr(entry, catalogue.language)
    return {
        "id": entry.id,
        "picture": entry.picture,
        "question": text.question,
        "answer": text.answer,
        "now": entry.now,
        "others": entry.others,
        "at_least": entry.at_least,
    }


def _figure(figure: PublishedFigure, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "value": figure.value,
        "text": figure.tell(catalogue),
        "words": figure.words[catalogue.language],
        "source": figure.source,
        "as_of": figure.as_of,
    }


def _story(name: str, story: StoryFile, content: Content, catalogue: Catalogue) -> dict[str, Any]:
    text: StoryText = getattr(story, catalogue.language)
    blocks = read_marks(text.body, lambda figure: content.figures[figure].tell(catalogue))
    return {
        "id": name,
        "about": story.about,
        "picture": story.picture,
        "title": text.title,
        "short": text.short,
        "blocks": [asdict(block) for block in blocks],
        "figures": story.figures,
        "source": story.source,
        "as_of": story.as_of,
    }
