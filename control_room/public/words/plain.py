"""How hard a text is to read, and which of its words visitors do not need.

English is measured by the Flesch-Kincaid grade (Kincaid et al., 1975): 0.39 x words a sentence + 11.8 x syllables a
word - 15.59, in years of American school, of which the first begins at five to six: a grade of 4 to 6 is an age of 9
to 11. Its only difficulty is counting syllables, which the forty lines below do as well as any list of rules; a
library would bring a dictionary of every language for it. The measure was made for passages, so short texts are
measured together. No such formula is made for Welsh: there only the length of sentences is measured.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

GRADE_MOST: Final = 6.0  # reading age 11
SENTENCE_WORDS_MOST: Final = 20
PASSAGE_WORDS: Final = 60  # from here on a grade means something by itself

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d[\d,.]*")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_VOWELS = re.compile(r"[aeiouy]+")
# Neighbours that are two syllables all the same: tri-al, ra-di-o, po-em.
_SPLIT_VOWELS = re.compile(
    r"[td]rial|ia(?!l|n\b|ge)|io(?!us|n)|(?<!p)eo(?!us)|eum|oem|\barea|ua(?!g)|uo|[aeiouy]ing|ii|[rq]uiet|scien|creat|idea"
)
_SILENT_END = re.compile(r"(?<=[^aeiouy])e$|(?<=[^aeiouytd])ed$|(?<=[^aeiouysxzcg])es$")
_SILENT_INSIDE = re.compile(
    r"(?<=[^aeiouy])e(?=(?:ly|ful|less|ment|ty|some|where|thing|body|times?)(?:ly|s)?$)|(?<=^ev)e(?=r[yi]|ning)"
)
_ENDS_IN_LE = re.compile(r"[^aeiouy]les?$")


def count_syllables(word: str) -> int:
    """Syllables of an English word; a number counts as one, as it is read at a glance."""
    letters = re.sub(r"['’]s$|[^a-z]", "", word.lower())
    if len(letters) <= 3:
        return 1
    spoken = _SILENT_INSIDE.sub("", letters)
    ends_in_le = _ENDS_IN_LE.search(spoken) is not None
    spoken = _SILENT_END.sub("", spoken)
    groups = len(_VOWELS.findall(spoken)) + len(_SPLIT_VOWELS.findall(spoken))
    return max(1, groups + ends_in_le)


def list_sentences(text: str) -> list[list[str]]:
    """The words of each sentence of a text."""
    return [words for part in _SENTENCE.split(text) if (words := _WORD.findall(part))]


def count_words(text: str) -> int:
    return sum(map(len, list_sentences(text)))


def measure_grade(texts: Iterable[str]) -> float | None:
    """The Flesch-Kincaid grade of these texts read one after the other; None where they have no words."""
    sentences = [words for text in texts for words in list_sentences(text)]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return None
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(count_syllables, words)) / len(words) - 15.59


def find_forbidden(text: str, forbidden: Collection[str]) -> list[str]:
    """The words of the list that stand in the text, whole, whatever their capitals; also of several words."""
    said = f" {' '.join(word.lower() for word in _WORD.findall(text))} "
    return sorted(word for word in forbidden if f" {word} " in said)


def find_long(text: str, most: int = SENTENCE_WORDS_MOST) -> list[str]:
    """Sentences with more words than that."""
    return [" ".join(words) for words in list_sentences(text) if len(words) > most]
