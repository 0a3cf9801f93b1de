"""What the files of content hold, read and checked; every fault with its file, line and what to do.

    figures.yaml        what the council has published, each figure with source, date and when to look at it again
    stories/*.yaml      what each trial is for, in each language
    how/*.yaml          steps that explain a picture, each pointing at a part of it
    quiz.yaml           questions, whose answers are figures

docs/experience-content.md is for who writes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from alerts.rule_faults import near
from alerts.rule_file import Content as YamlContent
from alerts.rule_file import YamlFault, read_yaml
from control_room.city import City
from control_room.public.content.marks import list_figures, list_mark_faults, strip_marks
from control_room.public.content.pictures import FOLDER as PICTURES
from control_room.public.content.pictures import list_parts, list_picture_faults
from control_room.public.words import Catalogue, load_catalogues
from control_room.public.words.grammar import LOCALES, format_number
from control_room.public.words.plain import (
    GRADE_MOST,
    PASSAGE_WORDS,
    SENTENCE_WORDS_MOST,
    count_words,
    find_forbidden,
    find_long,
    measure_grade,
)

FOLDER: Final = Path(__file__).parent

Kind = Literal["robot", "shuttle", "drone", "bus", "scooter", "mast", "city"]
Fault = tuple[str, int, str]  # file, line, what
Steps = tuple[str | int, ...]

_Day = Annotated[date, BeforeValidator(lambda given: date.fromisoformat(given) if isinstance(given, str) else given)]
# "2024" or "2026-11-23"; YAML reads a bare year as a number.
_AsOf = Annotated[
    str,
    BeforeValidator(lambda given: str(given) if isinstance(given, int) else given),
    Field(pattern=r"^\d{4}(-\d{2}-\d{2})?$"),
]
_Title = Annotated[str, Field(min_length=3, max_length=60)]
_Line = Annotated[str, Field(min_length=3, max_length=240)]
_Body = Annotated[str, Field(min_length=20, max_length=1500)]
_Source = Annotated[str, Field(min_length=10, max_length=160)]


class ContentError(Exception):
    """The files cannot be used; the text has one `file:line: what, and what to do` a line."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Closed):
    """The words of a figure in one language."""

    words: _Line = Field(description="what it counts, in words that stand under the number")


class FigureEntry(_Closed):
    """One published figure."""

    city: str | None = Field(
        None, description="name of a figure of the city's own file, in place of value, as_of, source"
    )
    value: float | None = Field(None, description="the number")
    as_of: _AsOf | None = Field(None, description="year or day that the source speaks of")
    source: _Source | None = Field(None, description="title and publisher of the document, as people would ask for it")
    sort: Literal["number", "year"] = "number"
    exact: Literal["exactly", "over", "about"] = "exactly"
    review_by: _Day = Field(
        description="day by which somebody looks whether there is a newer figure, such as 2027-03-31"
    )
    en: Words
    cy: Words

    @model_validator(mode="after")
    def _says_where_from(self) -> FigureEntry:
        own = (self.value, self.as_of, self.source)
        if self.city is None and None in own:
            raise ValueError("needs value, as_of and source; or city, the name of a figure of the city's own file")
        if self.city is not None and own != (None, None, None):
            raise ValueError("has city, so value, as_of and source come from the city's own file; leave them out")
        return self


class StoryText(_Closed):
    title: _Title
    short: _Line = Field(description="the story in one or two sentences")
    body: _Body = Field(description="paragraphs, lists of `- ` lines, **strong** words, {figures}")


class StoryFile(_Closed):
    """What one trial is for."""

    about: Kind = Field(description="kind of thing under which visitors find it")
    picture: str = Field(description="name of a drawing, such as robot")
    order: int = Field(ge=1, le=99, description="place among the stories of its kind; 1 is first")
    source: _Source = Field(description="title and publisher of the document that it tells of")
    as_of: _AsOf = Field(description="year or day that the source speaks of")
    review_by: _Day = Field(description="day by which somebody looks whether it is still true")
    figures: list[str] = Field([], max_length=4, description="figures that are shown large beside it")
    en: StoryText
    cy: StoryText


class Step(_Closed):
    part: str = Field(description="id of the part of the drawing that it points at")
    en: _Line
    cy: _Line


class HowFile(_Closed):
    """An explained picture."""

    picture: str = Field(description="name of a drawing, such as robot")
    review_by: _Day
    steps: list[Step] = Field(min_length=2, max_length=8)


class QuestionText(_Closed):
    question: _Line
    answer: _Line = Field(description="what is told after the guess; {answer} stands for the number")


class QuestionEntry(_Closed):
    """A question whose answer is a figure."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,39}$")]
    figure: str | None = Field(None, description="name of a figure of figures.yaml")
    now: str | None = Field(None, description="name of a figure of just now, such as robots_out")
    others: list[Annotated[float, Field(gt=0, le=1000)]] = Field(
        min_length=2, max_length=3, description="the other answers: how many times the right one"
    )
    at_least: float = Field(5, ge=1, description="asked only while the answer is as large as this")
    picture: str
    en: QuestionText
    cy: QuestionText

    @model_validator(mode="after")
    def _has_one_answer(self) -> QuestionEntry:
        if (self.figure is None) == (self.now is None):
            raise ValueError("needs exactly one of figure and now")
        return self


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """A figure with all that makes it honest."""

    name: str
    value: float
    as_of: str
    source: str
    sort: str
    exact: str
    review_by: date
    words: Mapping[str, str]

    def tell(self, catalogue: Catalogue) -> str:
        """The number as it is told: "800,000", "more than 100", "2018"."""
        if self.sort == "year":
            return f"{self.value:.0f}"
        number = format_number(self.value, catalogue.language)
        return number if self.exact == "exactly" else catalogue.say(f"figure.{self.exact}", number=number)


@dataclass(frozen=True)
class Content:
    """All files of a folder.

    Attributes:
        stories, how: by the name of their file; stories in the order in which they are shown.
        places: (file, what, review_by, line) of everything that must be looked at again one day.
    """

    figures: Mapping[str, PublishedFigure]
    stories: Mapping[str, StoryFile]
    how: Mapping[str, HowFile]
    questions: tuple[QuestionEntry, ...]
    places: tuple[tuple[str, str, date, int], ...] = ()


# The figures of just now that a question may ask for (docs/experience-protocol.md).
NOW: Final = (
    "deliveries_today",
    "robots_out",
    "shuttles_running",
    "buses_running",
    "drones_flying",
    "scooters_ready",
    "bus_trips_today",
    "masts_up",
    "estates_with_robots",
    "requests_fixed_week",
)


def load_content(city: City, folder: Path | None = None, pictures: Path = PICTURES) -> Content:
    """The content of a city.

    Args:
        folder: of the files; None is the one that comes with us for that city.
        pictures: folder of the drawings.

    Raises:
        ContentError: a file is missing or wrong; all of that is said.
    """
    content, faults = read_content(city, find_folder(city) if folder is None else folder, pictures)
    if faults:
        raise ContentError("\n".join(f"{file}:{line}: {what}" for file, line, what in faults))
    return content


def find_folder(city: City) -> Path:
    """Where the content of that city is, if it comes with us."""
    return FOLDER / city.name


def read_content(city: City, folder: Path, pictures: Path = PICTURES) -> tuple[Content, list[Fault]]:
    """The content of a folder as far as it can be read, and (file, line, what) of everything that is wrong with it."""
    reader = _Reader(city, folder, pictures)
    reader.read()
    return reader.content(), sorted(set(reader.faults))


_Model = TypeVar("_Model", bound=_Closed)
NOTHING: Final = YamlContent(None, {})  # what a file holds that cannot be read


class _Reader:
    """Reads a folder once and gathers what is wrong."""

    def __init__(self, city: City, folder: Path, pictures: Path) -> None:
        self.faults: list[Fault] = []
        self._city, self._folder, self._pictures = city, folder, pictures
        self._catalogues = load_catalogues()
        self._figures: dict[str, PublishedFigure] = {}
        self._stories: dict[str, StoryFile] = {}
        self._how: dict[str, HowFile] = {}
        self._questions: list[QuestionEntry] = []
        self._places: list[tuple[str, str, date, int]] = []
        self._parts: dict[str, frozenset[str] | None] = {}

    def content(self) -> Content:
        """What can be shown: a story, picture or question with any fault in it is left out, whole."""
        faulty = {file for file, _, _ in self.faults}
        stories = {name: story for name, story in self._stories.items() if f"stories/{name}.yaml" not in faulty}
        how = {name: steps for name, steps in self._how.items() if f"how/{name}.yaml" not in faulty}
        ordered = dict(sorted(stories.items(), key=lambda item: (item[1].order, item[0])))
        return Content(self._figures, ordered, how, tuple(self._questions), tuple(self._places))

    def read(self) -> None:
        self._read_figures()
        for path in self._list_files("stories"):
            self._read_story(path)
        for path in self._list_files("how"):
            self._read_how(path)
        self._read_quiz()
        for name in sorted(self._parts):
            self._check_picture(name)

    def _list_files(self, name: str) -> list[Path]:
        found = sorted((self._folder / name).glob("*.yaml"))
        if not found:
            self.faults.append((name, 1, f"{self._folder.name} has no file {name}/*.yaml; the screens would be empty"))
        return found

    def _read_figures(self) -> None:
        name = "figures.yaml"
        yaml, listed = self._open_list(name, "figures", dict)
        for key, data in listed:
            path: Steps = ("figures", key)
            entry = self._validate(name, yaml, path, data, FigureEntry)
            if entry is None:
                continue
            figure = self._settle(str(key), entry)
            if figure is None:
                known = self._city.figures
                what = f"city: the city's file has no figure {str(entry.city)[:60]}{near(str(entry.city), known)}"
                self._fault(name, yaml, (*path, "city"), what)
                continue
            self._figures[figure.name] = figure
            self._look_again(name, yaml, path, f"figure {key}", entry.review_by)
            for language in LOCALES:
                self._check_line(name, yaml, (*path, language, "words"), figure.words[language], language, False)

    def _settle(self, key: str, entry: FigureEntry) -> PublishedFigure | None:
        """The figure with its value, from its own lines or from the city's file; None where that has no such figure."""
        value, as_of, source = entry.value, entry.as_of, entry.source
        if entry.city is not None:
            found = self._city.figures.get(entry.city)
            if found is None:
                return None
            value, as_of, source = float(found["value"]), str(found["as_of"]), str(found["source"])
        if value is None or as_of is None or source is None:  # which the model has refused already
            return None
        words = {language: getattr(entry, language).words for language in LOCALES}
        return PublishedFigure(key, value, as_of, source, entry.sort, entry.exact, entry.review_by, words)

    def _read_story(self, path: Path) -> None:
        name = f"stories/{path.name}"
        yaml, story = self._open(path, name, StoryFile)
        if story is None:
            return
        self._stories[path.stem] = story
        self._look_again(name, yaml, (), f"story {path.stem}", story.review_by)
        self._want_picture(name, yaml, ("picture",), story.picture)
        for number, figure in enumerate(story.figures):
            if figure not in self._figures:
                self._fault(name, yaml, ("figures", number), self._no_figure(figure))
        told = {language: list_figures(getattr(story, language).body) for language in LOCALES}
        for language in LOCALES:
            text: StoryText = getattr(story, language)
            for word in ("title", "short"):
                self._check_line(name, yaml, (language, word), getattr(text, word), language, word == "short")
            self._check_body(name, yaml, language, text)
            if told[language] != told["en"]:
                what = "tells other figures than the English text; both must tell the same"
                self._fault(name, yaml, (language, "body"), f"body: {what}")

    def _check_body(self, name: str, yaml: YamlContent, language: str, text: StoryText) -> None:
        path: Steps = (language, "body")
        first = yaml.line_of(path) + 1  # a body stands in the lines after `body: |`
        faults = list_mark_faults(text.body, frozenset(self._figures))
        self.faults += [(name, first + line, f"body: {what}") for line, what in faults]
        if faults:
            return
        catalogue = self._catalogues[language]
        plain = strip_marks(text.body, lambda figure: self._figures[figure].tell(catalogue))
        self._check_words(name, yaml, path, plain, language)
        whole = f"{text.title}.\n{text.short}\n{plain}"
        grade = measure_grade([whole]) if language == "en" and count_words(whole) >= PASSAGE_WORDS else None
        if grade is not None and grade > GRADE_MOST:
            what = (
                f"body: reads like grade {grade:.1f}; at most {GRADE_MOST:g} (age 11). Shorter sentences, shorter words"
            )
            self._fault(name, yaml, path, what)

    def _read_how(self, path: Path) -> None:
        name = f"how/{path.name}"
        yaml, how = self._open(path, name, HowFile)
        if how is None:
            return
        self._how[path.stem] = how
        self._look_again(name, yaml, (), f"explained picture {path.stem}", how.review_by)
        self._want_picture(name, yaml, ("picture",), how.picture)
        parts = self._parts.get(how.picture)
        for number, step in enumerate(how.steps):
            at: Steps = ("steps", number)
            if parts is not None and step.part not in parts:
                what = f"part: the drawing {how.picture} has no part {step.part[:60]}{near(step.part, parts)}"
                self._fault(name, yaml, (*at, "part"), what)
            for language in LOCALES:
                self._check_line(name, yaml, (*at, language), getattr(step, language), language, True)

    def _read_quiz(self) -> None:
        name = "quiz.yaml"
        yaml, listed = self._open_list(name, "questions", list)
        seen: set[str] = set()
        for number, data in listed:
            before, path = len(self.faults), ("questions", number)
            question = self._validate(name, yaml, path, data, QuestionEntry)
            if question is None:
                continue
            if question.id in seen:
                what = f"id: there is a question {question.id} already; take another name"
                self._fault(name, yaml, (*path, "id"), what)
            seen.add(question.id)
            self._check_question(name, yaml, path, question)
            if len(self.faults) == before:
                self._questions.append(question)

    def _check_question(self, name: str, yaml: YamlContent, at: Steps, question: QuestionEntry) -> None:
        if question.figure is not None and question.figure not in self._figures:
            self._fault(name, yaml, (*at, "figure"), self._no_figure(question.figure))
        if question.now is not None and question.now not in NOW:
            what = f"now: there is no such figure{near(question.now, NOW) or '; there are: ' + ', '.join(NOW)}"
            self._fault(name, yaml, (*at, "now"), what)
        if any(0.7 < times < 1.4 for times in question.others) or len(set(question.others)) < len(question.others):
            what = "others: must be far from the right answer and from each other: under 0.7 or over 1.4"
            self._fault(name, yaml, (*at, "others"), what)
        self._want_picture(name, yaml, (*at, "picture"), question.picture)
        for language in LOCALES:
            text: QuestionText = getattr(question, language)
            self._check_line(name, yaml, (*at, language, "question"), text.question, language, True)
            answer = text.answer.replace("{answer}", "")
            self._check_line(name, yaml, (*at, language, "answer"), answer, language, True)
            if "{answer}" not in text.answer:
                self._fault(name, yaml, (*at, language, "answer"), "answer: must hold {answer}, the number")

    def _check_line(
        self, name: str, yaml: YamlContent, path: Steps, text: str, language: str, is_sentence: bool
    ) -> None:
        """A text of one line: no figures, no marks, plain words; a sentence ends like one."""
        word = str(path[-1])
        for _, what in list_mark_faults(text, frozenset()):
            self._fault(name, yaml, path, f"{word}: {what}")
        if "**" in text:
            self._fault(name, yaml, path, f"{word}: strong words stand in a body only")
        if is_sentence and not text.rstrip().endswith((".", "?", "!")):
            self._fault(name, yaml, path, f"{word}: is a sentence; end it with a full stop or a question mark")
        self._check_words(name, yaml, path, text, language)

    def _check_words(self, name: str, yaml: YamlContent, path: Steps, text: str, language: str) -> None:
        word = str(path[-1])
        for found in find_forbidden(text, self._catalogues[language].forbidden):
            what = f"{word}: {found!r} is a word of people who run things; say it as you would to a child of nine"
            self._fault(name, yaml, path, what)
        for sentence in find_long(text):
            what = f"{word}: has a sentence of more than {SENTENCE_WORDS_MOST} words: {sentence[:60]}…; make two of it"
            self._fault(name, yaml, path, what)

    def _want_picture(self, name: str, yaml: YamlContent, path: Steps, picture: str) -> None:
        if picture not in self._parts:
            self._parts[picture] = list_parts(self._pictures, picture)
        if self._parts[picture] is None:
            known = sorted(found.stem for found in self._pictures.glob("*.svg"))
            what = f"picture: there is no drawing {picture[:60]}{near(picture, known) or '; there are: ' + ', '.join(known)}"
            self._fault(name, yaml, path, what)

    def _check_picture(self, picture: str) -> None:
        if self._parts[picture] is not None:
            path = self._pictures / f"{picture}.svg"
            self.faults += [(path.name, 1, what) for what in list_picture_faults(path.read_bytes(), picture)]

    def _look_again(self, name: str, yaml: YamlContent, path: Steps, what: str, day: date) -> None:
        self._places.append((name, what, day, yaml.line_of((*path, "review_by"))))

    def _no_figure(self, figure: str) -> str:
        return f"there is no figure {figure[:60]} in figures.yaml{near(figure, self._figures)}"

    def _fault(self, name: str, yaml: YamlContent, path: Steps, what: str) -> None:
        self.faults.append((name, yaml.line_of(path), what))

    def _open(self, path: Path, name: str, model: type[_Model]) -> tuple[YamlContent, _Model | None]:
        """The file as that model, None where it is not one; what is wrong is told."""
        yaml = self._read_yaml(path, name)
        return (yaml, None) if yaml is NOTHING else (yaml, self._validate(name, yaml, (), yaml.data, model))

    def _open_list(self, name: str, word: str, sort: type[Any]) -> tuple[YamlContent, list[tuple[str | int, Any]]]:
        """Name or number and content of everything under the one word of a file, so that each can be judged alone."""
        yaml = self._read_yaml(self._folder / name, name)
        if yaml is NOTHING:
            return yaml, []
        listed: Any = yaml.data.get(word) if isinstance(yaml.data, dict) else None
        if not isinstance(listed, sort) or not listed or len(yaml.data) > 1:
            how = (
                "one after the other, each behind its name" if sort is dict else "one after the other, each behind `- `"
            )
            self._fault(name, yaml, (), f"must hold {word}: alone, and below it the {word}, {how}")
            return yaml, []
        return yaml, list(listed.items()) if sort is dict else list(enumerate(listed))

    def _read_yaml(self, path: Path, name: str) -> YamlContent:
        try:
            yaml = read_yaml(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self.faults.append((name, 1, f"cannot be read: {why}"))
            return NOTHING
        except YamlFault as fault:
            self.faults.append((name, fault.line, fault.what))
            return NOTHING
        self.faults += [(name, line, what) for line, what in yaml.faults]
        return yaml

    def _validate(self, name: str, yaml: YamlContent, path: Steps, data: Any, model: type[_Model]) -> _Model | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.faults += [(name, yaml.line_of((*path, *loc)), what) for loc, what in _in_words(error, model)]
            return None


def _in_words(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Steps, str]]:
    """What pydantic found, for somebody who does not know Python."""
    for found in error.errors(include_url=False):
        loc, sort, context = found["loc"], found["type"], found.get("ctx") or {}
        place = ".".join(str(step) for step in loc)
        word = str(loc[-1]) if loc else ""
        schema = _schema_at(model, loc[:-1])
        if sort == "extra_forbidden":
            known: Collection[str] = schema.get("properties", {})
            yield loc, f"{word} is no word here{near(word, known) or '; there are: ' + ', '.join(known)}"
        elif sort == "missing":
            meaning = schema.get("properties", {}).get(word, {}).get("description", "")
            yield loc, f"lacks {word}{': ' + meaning if meaning else ''}"
        elif sort == "string_pattern_mismatch":
            shape = "a year or a day, such as 2024 or 2026-11-23" if word == "as_of" else "small letters, digits and _"
            yield loc, f"{place}: must be {shape}"
        elif sort in ("string_too_short", "string_too_long"):
            most, least = context.get("max_length"), context.get("min_length")
            yield loc, f"{place}: must be {'at most ' + str(most) if most else 'at least ' + str(least)} characters"
        elif word == "review_by":
            yield loc, "review_by: must be a day, such as 2027-03-31"
        elif sort in ("model_type", "dict_type", "model_attributes_type"):
            yield loc, f"{place or 'it'}: must be words with a colon, one a line"
        else:
            words = str(found["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
            yield loc, f"{place}: {words}" if place else words


def _schema_at(model: type[BaseModel], loc: Steps) -> Mapping[str, Any]:
    """The JSON Schema of what stands at that place."""
    schema = model.model_json_schema()
    here: Any = schema
    for step in loc:
        inner = here.get("items", {}) if isinstance(step, int) else here.get("properties", {}).get(step)
        here = inner if inner is not None else here.get("additionalProperties", {})
        if not isinstance(here, dict):
            return {}
        if "$ref" in here:
            here = schema["$defs"][here["$ref"].rsplit("/", 1)[1]]
    found: Mapping[str, Any] = here
    return found
