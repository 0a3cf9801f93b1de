"""The text of every public screen, by key and language: a YAML file a language beside this module.

A text is a line, or one line for each plural form of its language, chosen by {count}:

    robots:
      title: Delivery robots
      out: {one: "{count} robot is out.", other: "{count} robots are out."}

Its key is the way to it: robots.title, robots.out. The first language is the measure: every other must have the same
keys, with the same values in braces. What comes out is text, never markup: who shows it must escape it.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from alerts.rule_faults import near
from alerts.rule_file import Content, YamlFault, read_yaml
from control_room.public.words.grammar import (
    CATEGORIES,
    EXACTLY_NONE,
    LOCALES,
    Value,
    format_value,
    plural_categories,
    plural_category,
)
from control_room.public.words.plain import SENTENCE_WORDS_MOST, find_forbidden, find_long

FOLDER: Final = Path(__file__).parent
FIRST: Final = "en"  # the language in which texts are written first
COUNT: Final = "count"
TEXT_MOST: Final = 400  # characters of one text; more is no sentence for a screen

_FORMS: Final = frozenset({*CATEGORIES, EXACTLY_NONE})

Fault = tuple[int, str]
Steps = tuple[str, ...]


class CatalogueError(Exception):
    """The files of texts cannot be used; one `file:line: what, and what to do` a line."""


@dataclass(frozen=True)
class Text:
    """One text: its plural forms, or the form `other` alone where it counts nothing."""

    forms: Mapping[str, str]
    values: frozenset[str]
    counts: bool = False


@dataclass(frozen=True)
class Catalogue:
    """All texts of one language.

    Attributes:
        language: its code, such as "en"; also the `lang` of the page.
        name: what its speakers call it, for the button that chooses it.
        forbidden: words that visitors do not need, in small letters; tests look for them in everything that is shown.
    """

    language: str
    name: str
    texts: Mapping[str, Text]
    forbidden: frozenset[str] = frozenset()

    def say(self, key: str, zone: tzinfo = UTC, **values: Value) -> str:
        """The text of that key with these values in it.

        Args:
            zone: in which times of day are told.
            values: numbers, times, dates, lists and text, by the names in the text's braces.

        Raises:
            KeyError: there is no such text, or a value that it needs is not given.
        """
        text = self.texts.get(key)
        if text is None:
            raise KeyError(f"{self.language}.yaml has no text {key!r}{near(key, self.texts)}")
        form = self._form(key, text, values)
        lacking = text.values - values.keys()
        if lacking:
            raise KeyError(f"{self.language}.yaml: {key} needs {', '.join(sorted(lacking))}")
        return form.format_map({name: format_value(value, self.language, zone) for name, value in values.items()})

    def has(self, key: str) -> bool:
        return key in self.texts

    def under(self, group: str) -> Mapping[str, str]:
        """The texts of a group that carry no values, by the rest of their key: for a page that shows them as they are."""
        start = f"{group}."
        return {
            key.removeprefix(start): text.forms["other"]
            for key, text in self.texts.items()
            if key.startswith(start) and not text.values
        }

    def for_page(self) -> dict[str, str | dict[str, str]]:
        """Every text as it stands, for a script of ours: a line, or plural forms by their names in CLDR.

        `Intl.PluralRules` of a browser chooses the same forms; `none` goes before it where the count is 0.
        """
        return {key: dict(t.forms) if t.counts else t.forms["other"] for key, t in self.texts.items()}

    def _form(self, key: str, text: Text, values: Mapping[str, Value]) -> str:
        if not text.counts:
            return text.forms["other"]
        count = values.get(COUNT)
        if isinstance(count, bool) or not isinstance(count, int | float):
            raise KeyError(f"{self.language}.yaml: {key} needs a number as {COUNT}")
        if count == 0 and EXACTLY_NONE in text.forms:
            return text.forms[EXACTLY_NONE]
        return text.forms[plural_category(count, self.language)]


@lru_cache(maxsize=4)
def load_catalogues(folder: Path = FOLDER) -> Mapping[str, Catalogue]:
    """The catalogues of a folder by language, the first language first. Read once; they do not change while we run.

    Raises:
        CatalogueError: a file is missing or wrong, or a language lacks what the first has.
    """
    catalogues, faults = read_catalogues(read_files(folder))
    if faults:
        raise CatalogueError("\n".join(f"{language}.yaml:{line}: {what}" for language, line, what in faults))
    return catalogues


def read_files(folder: Path = FOLDER) -> dict[str, str]:
    """The text of every language's file.

    Raises:
        CatalogueError: one is missing, or is no text.
    """
    texts = {}
    for language in LOCALES:
        path = folder / f"{language}.yaml"
        try:
            texts[language] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise CatalogueError(f"{path.name}: cannot be read: {why}") from None
    return texts


def read_catalogues(files: Mapping[str, str]) -> tuple[Mapping[str, Catalogue], list[tuple[str, int, str]]]:
    """Catalogues from texts of files by language, and (language, line, what) of everything wrong; none where any is."""
    faults: list[tuple[str, int, str]] = []
    read: dict[str, tuple[Catalogue, Mapping[str, int]]] = {}
    for language, content in files.items():
        catalogue, lines, found = _read(language, content)
        faults += [(language, line, what) for line, what in found]
        if catalogue is not None:
            read[language] = (catalogue, lines)
    if FIRST in read:
        for language, (catalogue, lines) in read.items():
            faults += [(language, line, what) for line, what in _compare(read[FIRST][0], catalogue, lines)]
    return ({} if faults else {language: made for language, (made, _) in read.items()}), faults


def list_plain_faults(files: Mapping[str, str]) -> list[tuple[str, int, str]]:
    """(language, line, what) of texts that are well formed, but not what a visitor should read.

    Args:
        files: text of a file by language; what cannot be read is `read_catalogues`' to tell.
    """
    faults = []
    for language, content in files.items():
        catalogue, lines, _ = _read(language, content)
        if catalogue is None:
            continue
        for key, text in catalogue.texts.items():
            for form in dict.fromkeys(text.forms.values()):
                faults += [(language, lines[key], f"{key}: {what}") for what in _list_unplain(form, catalogue)]
    return faults


def _list_unplain(form: str, catalogue: Catalogue) -> list[str]:
    faults = [
        f"{word!r} is a word of people who run things; say it as you would to a child of nine"
        for word in find_forbidden(form, catalogue.forbidden)
    ]
    if find_long(form):
        faults.append(f"has a sentence of more than {SENTENCE_WORDS_MOST} words; make two of it")
    if any(letter.isdigit() for letter in form.replace("5G", "")):
        faults.append("a figure has a source and a date, so it is a value in braces and never stands in a text")
    return faults


def _read(language: str, text: str) -> tuple[Catalogue | None, Mapping[str, int], list[Fault]]:
    try:
        content = read_yaml(text)
    except YamlFault as fault:
        return None, {}, [(fault.line, fault.what)]
    faults = list(content.faults)
    if not isinstance(content.data, dict):
        return None, {}, [*faults, (1, "must be words with a colon: name, forbidden and texts")]
    for word in content.data.keys() - {"name", "forbidden", "texts"}:
        faults.append((content.line_of((word,)), f"{word} is no word here; there are: name, forbidden, texts"))
    name = content.data.get("name")
    if not isinstance(name, str) or not name:
        faults.append((content.line_of(("name",)), "name: must be what the speakers of the language call it"))
    forbidden = content.data.get("forbidden", [])
    if not isinstance(forbidden, list) or not all(isinstance(word, str) for word in forbidden):
        faults.append((content.line_of(("forbidden",)), "forbidden: must be a list of words"))
        forbidden = []
    texts: dict[str, Text] = {}
    lines: dict[str, int] = {}
    _gather(content, ("texts",), content.data.get("texts"), language, texts, lines, faults)
    made = Catalogue(language, str(name), texts, frozenset(word.lower() for word in forbidden))
    return made, lines, sorted(faults)


def _gather(
    content: Content,
    path: Steps,
    found: Any,
    language: str,
    texts: dict[str, Text],
    lines: dict[str, int],
    faults: list[Fault],
) -> None:
    """Put every text at or below that place of the file into `texts`."""
    line, key = content.line_of(path), ".".join(path[1:])
    if isinstance(found, dict) and found and not _FORMS.issuperset(found):
        for word, inner in found.items():
            _gather(content, (*path, word), inner, language, texts, lines, faults)
        return
    forms = found if isinstance(found, dict) else {"other": found}
    if not forms or not all(isinstance(form, str) and form.strip() for form in forms.values()):
        faults.append(
            (line, f"{key or 'texts'}: must be a text in quotes, a line for each plural form, or a group of texts")
        )
        return
    values = frozenset[str]().union(*(_values(form) or () for form in forms.values()))
    text = Text(forms, values, counts=isinstance(found, dict))
    faults += [(line, f"{key}: {what}") for what in _list_text_faults(text, language)]
    texts[key], lines[key] = text, line


def _list_text_faults(text: Text, language: str) -> list[str]:
    faults = []
    for name, form in text.forms.items():
        if _values(form) is None:
            faults.append(f"{name}: braces must hold a plain name, such as {{{COUNT}}}")
        if len(form) > TEXT_MOST:
            faults.append(f"{name}: is longer than {TEXT_MOST} characters; a visitor reads it standing")
    if text.counts:
        lacking = plural_categories(language) - text.forms.keys()
        if EXACTLY_NONE in text.forms:
            lacking -= {"zero"}  # no other number takes it
        if lacking:
            faults.append(f"lacks the plural forms {', '.join(c for c in CATEGORIES if c in lacking)}")
        for name in text.forms.keys() - plural_categories(language) - {EXACTLY_NONE}:
            faults.append(f"{name} is no plural form of this language")
    return faults


def _compare(first: Catalogue, other: Catalogue, lines: Mapping[str, int]) -> list[Fault]:
    faults = [(1, f"lacks {key}: {first.texts[key].forms['other']}") for key in first.texts.keys() - other.texts.keys()]
    for key in sorted(other.texts.keys() - first.texts.keys()):
        faults.append((lines[key], f"{key}: {FIRST}.yaml has no such text{near(key, first.texts)}"))
    for key in sorted(first.texts.keys() & other.texts.keys()):
        wanted, given = first.texts[key].values, other.texts[key].values
        if wanted != given:
            what = ", ".join(f"{{{name}}}" for name in sorted(wanted)) or "no values"
            faults.append((lines[key], f"{key}: must hold {what}, as in {FIRST}.yaml"))
        if first.texts[key].counts and not other.texts[key].counts:
            faults.append((lines[key], f"{key}: counts in {FIRST}.yaml; write its plural forms"))
    return sorted(faults)


def _values(form: str) -> frozenset[str] | None:
    """Names in the braces of a text; None where a brace holds anything but a plain name."""
    try:
        fields: Sequence[tuple[str, str | None, str | None, str | None]] = list(string.Formatter().parse(form))
    except ValueError:
        return None
    names = [(name, spec, conversion) for _, name, spec, conversion in fields if name is not None]
    if not all(name.isidentifier() and not spec and conversion is None for name, spec, conversion in names):
        return None
    return frozenset(name for name, _, _ in names)
