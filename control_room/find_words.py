"""Words of names, and which names have them: what search compares.

split_words      a text as it is compared
WordIndex        rows by their words: whole, begun, or mistyped
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

# How well a row fits, worst first.
NONE, TYPO_2, TYPO, PREFIX, WORD, WITHIN, BEGINS, EXACT = range(8)

NUMBER_MOST: Final = 12  # characters of a word that ends in a number people say alone
OPAQUE_FROM: Final = 8  # from here on letters and figures mixed are an identity that a machine made

UUID_CHARS: Final = 36
_UUID = re.compile(r"([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

# Registrations as Great Britain has given them since 1963, with or without a space.
_PLATE = re.compile(r"[a-z]{2}\d{2}[a-z]{3}|[a-z]\d{1,3}[a-z]{3}|[a-z]{3}\d{1,3}[a-z]", re.ASCII)
_APOSTROPHES = str.maketrans("", "", "'’‘ʼ`´.")
_SPLIT = re.compile(r"[^0-9a-z]+")
_ENDS_IN_NUMBER = re.compile(r"[a-z]*0*(\d+)")


@lru_cache(maxsize=100_000)
def split_words(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: no capitals, accents, apostrophes or signs.

    Of an identity that a machine made (a UUID) only the beginning, which is what people read to each other.
    """
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    if len(text) >= UUID_CHARS:
        text = _UUID.sub(r"\1", text)
    return tuple(w for w in _SPLIT.split(text.casefold().translate(_APOSTROPHES)) if w)


@lru_cache(maxsize=20_000)
def is_plate(text: str) -> bool:
    """Whether it looks like the registration of a vehicle."""
    return _PLATE.fullmatch("".join(split_words(text))) is not None


@lru_cache(maxsize=100_000)
def _words_of(label: str, more: str) -> tuple[str, ...]:
    """All words that something is found by, each once: those of its name, numbers without what stands before, both."""
    words = split_words(label)
    found = dict.fromkeys((*words, *split_words(more)))
    for word in words:
        if (number := _ENDS_IN_NUMBER.fullmatch(word)) and len(word) <= NUMBER_MOST:
            found[number[1]] = None  # 047 and R047 are found by 47
    if 1 < len(words) <= 4 and any(c.isdigit() for w in words for c in w):
        found["".join(words)] = None  # SR-1047 is found by sr1047
    return tuple(found)


class WordIndex:
    """The words of one sort of things: which have a word, begin with one, or nearly have it.

    Args:
        labels: names, one each.
        more: further words of each, in one text.
    """

    def __init__(self, labels: Sequence[str], more: Sequence[str]) -> None:
        self.size = len(labels)
        self.names = [" ".join(split_words(label)) for label in labels]
        places: dict[str, list[int]] = {}
        for row, (label, further) in enumerate(zip(labels, more, strict=True)):
            for word in _words_of(label, further):
                places.setdefault(word, []).append(row)
        self._words = sorted(places)
        # Rows of all words one after another: those that begin alike stand side by side.
        self._starts = np.cumsum([0, *(len(places[w]) for w in self._words)])
        self._rows = np.fromiter((row for w in self._words for row in places[w]), dtype=np.int64)
        self._by_name = sorted(range(self.size), key=self.names.__getitem__)
        self._names = [self.names[row] for row in self._by_name]
        # Identities that a machine made: nobody who types 47 means one that begins with 4787626a.
        self._opaque = [len(w) >= OPAQUE_FROM and not w.isalpha() and not w.isdigit() for w in self._words]
        # Others may be mistyped; a number that differs is another number.
        self._letters = [w for w in self._words if len(w) >= 3 and w.isalpha()]

    def fit(self, words: Sequence[str], typos: bool) -> np.ndarray:
        """How well each row fits, NONE where a word of the query is not among its own.

        Args:
            typos: whether words that differ by a letter or two count as well.
        """
        fit = np.full(self.size, EXACT, dtype=np.int8)
        for word in words:
            fit = np.minimum(fit, self._fit_word(word, typos))
        name = " ".join(words)
        for row in self._beginning(name):
            fit[row] = EXACT if self.names[row] == name else max(fit[row], BEGINS)
        return fit

    def _fit_word(self, word: str, typos: bool) -> np.ndarray:
        fit = np.zeros(self.size, dtype=np.int8)
        if typos and len(word) >= 4 and word.isalpha():
            most = 1 if len(word) < 7 else 2
            near = process.extract(word, self._letters, scorer=OSA.distance, score_cutoff=most, limit=50)
            for found, distance, _ in sorted(near, key=lambda n: -n[1]):
                fit[self._rows_of(found)] = TYPO if distance <= 1 else TYPO_2
        first, last = bisect_left(self._words, word), bisect_left(self._words, word + "\x7f")
        if first < last:
            if len(word) >= 4 or word.isalpha():
                fit[self._rows[self._starts[first] : self._starts[last]]] = PREFIX
            else:
                for place in range(first, last):
                    if not self._opaque[place]:
                        fit[self._rows[self._starts[place] : self._starts[place + 1]]] = PREFIX
            if self._words[first] == word:
                fit[self._rows[self._starts[first] : self._starts[first + 1]]] = WORD
        return fit

    def _rows_of(self, word: str) -> np.ndarray:
        place = bisect_left(self._words, word)
        return self._rows[self._starts[place] : self._starts[place + 1]]

    def _beginning(self, name: str) -> list[int]:
        """Rows whose name begins so; a name that only begins with part of a word counts as well."""
        first, last = bisect_left(self._names, name), bisect_left(self._names, name + "\x7f")
        return self._by_name[first:last]
