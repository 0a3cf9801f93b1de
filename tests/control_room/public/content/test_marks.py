"""The marks of a longer text."""

from __future__ import annotations

import pytest

from control_room.public.content.marks import Block, Span, list_mark_faults, read_marks, strip_marks

TEXT = "One line\nand the next of **strong words** here.\n\nIt has {robots}.\n- first {robots}\n- **second**\n"


def tell(name):
    return {"robots": "more than 100"}[name]


def test_a_text_becomes_paragraphs_and_lists():
    """Lines of a paragraph are one; strong words and figures are where they stand."""
    assert read_marks(TEXT, tell) == [
        Block("paragraph", ((Span("One line and the next of "), Span("strong words", True), Span(" here.")),)),
        Block("paragraph", ((Span("It has more than 100."),),)),
        Block("list", ((Span("first more than 100"),), (Span("second", True),))),
    ]


def test_what_a_figure_says_is_never_read_as_marks():
    """Stars or braces in the words of a figure are text."""
    assert read_marks("{robots}", lambda _: "**a** {b}") == [Block("paragraph", ((Span("**a** {b}"),),))]


def test_the_text_without_marks_is_what_is_read_aloud():
    """A line a paragraph or item."""
    assert strip_marks(TEXT, tell).splitlines() == [
        "One line and the next of strong words here.",
        "It has more than 100.",
        "first more than 100",
        "second",
    ]


@pytest.mark.parametrize(
    "text",
    ["<script>", "see [this](x)", "# Heading", "a `b`", "* item", "https://x", "a.org", "{gone}", "{robots", "**open", "1 robot", "a*b", "{robots!r}"],
)  # fmt: skip
def test_anything_else_is_refused(text):
    """No way out of the kiosk, no markup, no figure without a source."""
    assert list_mark_faults(f"fine\n{text}", frozenset({"robots"}))[0][0] == 1


def test_plain_words_pass():
    """5G is a name; a figure stands in braces; a hyphen in a line is no list."""
    assert list_mark_faults("The 5G mast - tall.\n{robots} of them, **so** many.\n- one", frozenset({"robots"})) == []
