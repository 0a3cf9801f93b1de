"""The catalogue of texts: complete in every language, and every fault of its files at its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import html

from control_room.public.words.catalogue import (
    CatalogueError,
    list_plain_faults,
    load_catalogues,
    read_catalogues,
    read_files,
)
from control_room.public.words.grammar import LOCALES, plural_categories
from control_room.public.words.plain import (
    GRADE_MOST,
    PASSAGE_WORDS,
    SENTENCE_WORDS_MOST,
    count_words,
    find_forbidden,
    find_long,
    measure_grade,
)
from layouts.experience.page import build_page

ROOT = Path(__file__).resolve().parents[4]
EVERY_FORM = [
    (language, key, form, text)
    for language, catalogue in load_catalogues().items()
    for key, texts in catalogue.texts.items()
    for form, text in texts.forms.items()
]


def test_every_language_has_every_text():
    """Whoever chooses Welsh gets no gap and no English."""
    english, *others = load_catalogues().values()

    assert len(english.texts) > 200
    for other in others:
        assert other.texts.keys() == english.texts.keys()
        same = [key for key in english.texts if english.texts[key].forms == other.texts[key].forms]
        # Only what has the same letters in both languages.
        assert [
            key
            for key in same
            if re.search(r"[a-z]{4,}", re.sub(r"\{\w+\}", "", str(english.texts[key].forms["other"])))
        ] == []


def list_sources():
    """What speaks: pages, scripts, sentences."""
    return [
        *(ROOT / "assets" / "experience").glob("*.js"),
        *(ROOT / "layouts" / "experience").glob("*.py"),
        ROOT / "control_room" / "public" / "words" / "sentences.py",
        ROOT / "control_room" / "public" / "content" / "content.py",
    ]


def test_every_text_is_said_somewhere():
    """A text that nobody sees is not kept, translated and read again for nothing."""
    said = "\n".join(path.read_text(encoding="utf-8") for path in list_sources())
    # Keys that are put together, such as `doing.${kind}.${state}` and f"{screen}.title".
    groups = tuple(f"{group}." for group in set(re.findall(r"[`\"']([a-z_.]+)\.\$?\{", said)))
    ends = tuple(f".{end}" for end in set(re.findall(r"\}\.([a-z_]+)[`\"']", said)))

    silent = [
        key
        for key in load_catalogues()["en"].texts
        if key not in said and not key.startswith(groups) and not key.endswith(ends)
    ]
    assert silent == []


def test_every_text_that_is_asked_for_is_there():
    """A key that a script or a page names stands in the catalogue, so no visitor reads a key."""
    texts = load_catalogues()["en"].texts
    groups = {key.rsplit(".", n)[0] for key in texts for n in (1, 2) if key.count(".") >= n}
    asked = {
        (path.name, key)
        for path in list_sources()
        if path.name != "content.py"  # which names files
        for key in re.findall(r"[`\"']([a-z]+(?:\.[a-z_]+)+)[`\"']", path.read_text(encoding="utf-8"))
        if key.split(".")[0] in {group.split(".")[0] for group in groups}
    }

    assert len(asked) > 50
    assert sorted((name, key) for name, key in asked if key not in texts and key not in groups) == []


@pytest.mark.parametrize("screen", ["kiosk", "display"])
def test_every_word_of_the_page_is_in_the_catalogue(screen):
    """Whatever a page shows or tells a screen reader changes with the language: it is marked with its key."""
    page = html.document_fromstring(build_page(screen, "Milton Keynes", "1", ["en", "cy"]))
    unmarked = [
        (element.tag, text.strip())
        for element in page.body.iter()
        for text in (element.text, element.tail)
        if text and re.search(r"\w", text.replace("Milton Keynes", "")) and not is_marked(element, text)
    ]
    labels = [
        element.get("aria-label")
        for element in page.iter()
        if element.get("aria-label") and not element.get("data-label")
    ]

    assert unmarked == []
    assert labels == []


def is_marked(element, text):
    """Whether the text's own element says which key it is of, or is one that a script writes from the first moment."""
    own = element if element.text == text else element.getparent()
    return own.get("data-words") is not None or own.get("id") == "sentence"


def test_every_plural_form_of_every_language_can_be_said():
    """Numbers that take each form, and the values that a text needs, give a sentence without braces."""
    for catalogue in load_catalogues().values():
        for key, text in catalogue.texts.items():
            values = dict.fromkeys(text.values, "X")
            for count in (0, 1, 2, 3, 4, 6, 11, 21, 100) if text.counts else (5,):
                said = catalogue.say(key, **{**values, "count": count})
                assert said
                assert "{" not in said, (catalogue.language, key)


def test_no_text_holds_a_figure():
    """Figures are values with a source; a text that held one would be false one day. The name 5G is no figure."""
    held = [(language, key) for language, key, _, text in EVERY_FORM if re.search(r"\d", text.replace("5G", ""))]

    assert held == []


def test_no_text_holds_an_operators_word():
    """A visitor never reads a word of those who run things."""
    found = [
        (language, key, words)
        for language, key, _, text in EVERY_FORM
        if (words := find_forbidden(text, load_catalogues()[language].forbidden))
    ]

    assert found == []


def test_no_sentence_is_long():
    """Each can be read standing, in any language."""
    assert [(key, text) for _, key, _, text in EVERY_FORM if find_long(text)] == []
    assert SENTENCE_WORDS_MOST <= 20


def test_the_english_texts_read_for_ages_nine_to_eleven():
    """All texts of a screen together are at most grade 6, which is age 11; those of small groups are read as one."""
    groups: dict[str, list[str]] = {}
    for language, key, _, text in EVERY_FORM:
        if language == "en":
            # A label is a sentence of its own when it is read.
            groups.setdefault(key.split(".")[0], []).append(text if text[-1] in ".?!:" else f"{text}.")

    short = [name for name, texts in groups.items() if sum(map(count_words, texts)) < PASSAGE_WORDS]
    groups["the rest"] = [text for name in short for text in groups.pop(name)]
    hard = {name: round(grade, 1) for name, texts in groups.items() if (grade := measure_grade(texts)) > GRADE_MOST}
    assert len(groups) > 5
    assert hard == {}


def test_the_operators_words_are_found_where_they_stand():
    """The check is no decoration: whole words, whatever the capitals, also of several words; not parts of words."""
    forbidden = load_catalogues()["en"].forbidden

    assert find_forbidden("The Feed is stale.", forbidden) == ["feed", "stale"]
    assert find_forbidden("It is out of service.", forbidden) == ["out of service"]
    assert find_forbidden("We feed the ducks? No: unstaled, cellar.", forbidden - {"feed"}) == []


def test_a_page_gets_the_forms_that_its_browser_chooses():
    """Forms carry CLDR's names, as Intl.PluralRules does; texts without a count are a line."""
    page = load_catalogues()["cy"].for_page()

    assert set(page["sentence.buses_running"]) == (plural_categories("cy") | {"none"}) - {"zero"}
    assert page["button.back"] == "Yn ôl"


def test_saying_names_what_is_missing():
    """A developer who mistypes a key, or forgets a value, is told which."""
    english = load_catalogues()["en"]

    with pytest.raises(KeyError, match=r"did you mean sentence\.robots_out"):
        english.say("sentence.robot_out")
    with pytest.raises(KeyError, match="needs place"):
        english.say("near.place")
    with pytest.raises(KeyError, match="needs a number as count"):
        english.say("near.robots", count="three")


EN = 'name: English\ntexts:\n  out: {one: "{count} is out.", other: "{count} are out."}\n  here: "In {place}."\n'
CY = (
    "name: Cymraeg\ntexts:\n"
    '  out: {zero: "a {count}", one: "b {count}", two: "c {count}", few: "d {count}", many: "e {count}", other: "f {count}"}\n'
    '  here: "Yn {place}."\n'
)


@pytest.mark.parametrize(
    ("english", "welsh", "fault"),
    [
        (EN, CY.replace("  here", "  hare"), ("cy", 1, "lacks here: In {place}.")),
        (EN, CY.replace("  here", "  hare"), ("cy", 4, "hare: en.yaml has no such text; did you mean here?")),
        (EN, CY.replace("{place}", "{lle}"), ("cy", 4, "here: must hold {place}, as in en.yaml")),
        (EN, CY.replace('two: "c {count}", ', ""), ("cy", 3, "out: lacks the plural forms two")),
        (EN.replace('one: "{count} is out.", ', ""), CY, ("en", 3, "out: lacks the plural forms one")),
        (EN.replace("{place}", "{place!r}"), CY, ("en", 4, "here: other: braces must hold a plain name, such as {count}")),
        (EN.replace("{place}", "{place"), CY, ("en", 4, "here: other: braces must hold a plain name, such as {count}")),
        (EN.replace("name:", "nom:"), CY, ("en", 1, "nom is no word here; there are: name, forbidden, texts")),
        (EN + "  here: again\n", CY, ("en", 5, "here stands twice, first in line 4; keep one")),
        (EN + "  empty: ''\n", CY, ("en", 5, "empty: must be a text in quotes, a line for each plural form, or a group of texts")),
        (EN, "- a\n- b\n", ("cy", 1, "must be words with a colon: name, forbidden and texts")),
        (EN, "a: *b\n", ("cy", 1, "aliases (*name) are not read; write it out")),
    ],
)  # fmt: skip
def test_every_fault_is_said_with_its_line(english, welsh, fault):
    """Whoever edits a file is told where to look and what to do."""
    catalogues, faults = read_catalogues({"en": english, "cy": welsh})

    assert fault in faults
    assert catalogues == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("In the stale {place}.", "here: 'stale' is a word of people who run things"),
        ("In {place} " + "and so on " * 7 + ".", "here: has a sentence of more than 20 words"),
        ("In {place} since 2018.", "here: a figure has a source and a date"),
    ],
)
def test_texts_that_are_not_plain_are_told_with_their_line(text, fault):
    """They can be read by us, but should not be by visitors; the check names them, and our own have none."""
    english = EN.replace("texts:", "forbidden: [stale]\ntexts:").replace("In {place}.", text)
    (found,) = list_plain_faults({"en": english, "cy": CY})

    assert found[:2] == ("en", 5)
    assert found[2].startswith(fault)
    assert list_plain_faults(read_files()) == []


def test_a_missing_file_is_named(tmp_path):
    """A folder without Welsh says so instead of serving half of it."""
    (tmp_path / "en.yaml").write_text(EN, encoding="utf-8")

    with pytest.raises(CatalogueError, match=r"cy\.yaml: cannot be read"):
        load_catalogues(tmp_path)


def test_the_languages_are_documented():
    """The page for who edits names every language, and says that the Welsh wants a native reader."""
    page = (ROOT / "docs" / "experience-content.md").read_text(encoding="utf-8")

    assert all(f"`{language}.yaml`" in page for language in LOCALES)
    assert "native" in page
