"""The files of content: what comes with us is well, and every fault is said with its file and line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from control_room.city import CITIES, load_city
from control_room.public.content import ContentError, build_content_page, load_content
from control_room.public.content.content import NOW, find_folder, read_content
from control_room.public.words import load_catalogues
from control_room.public.words.plain import GRADE_MOST, find_forbidden, measure_grade

CITY = load_city(CITIES / "milton_keynes")
OWN = find_folder(CITY)
WHOLE = load_content(CITY)


@pytest.fixture
def folder(tmp_path):
    """A copy of the files that a test may spoil."""
    return Path(shutil.copytree(OWN, tmp_path / "content"))


def change(folder, name, old, new):
    """Put `new` for `old` in a file; the line of it, from 1."""
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text, f"{name} has no {old!r} any more"
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_content_that_comes_with_us_has_no_fault():
    """Stories for every trial, and pictures explained for what visitors ask about."""
    content = WHOLE

    assert {story.about for story in content.stories.values()} >= {"robot", "shuttle", "drone", "mast", "bus", "city"}
    assert content.how.keys() >= {"robot", "shuttle", "drone", "mast"}
    assert sum(question.now is None for question in content.questions) >= 5  # also asked while nothing is seen


def test_a_figure_of_the_citys_file_stands_in_one_place():
    """Value, year and source are the city's; only words and the day to look again are ours."""
    figure = WHOLE.figures["robot_deliveries_total"]
    known = CITY.figures["robot_deliveries_total"]

    assert (figure.value, figure.as_of, figure.source) == (known["value"], str(known["as_of"]), known["source"])


@pytest.mark.parametrize("language", ["en", "cy"])
def test_every_figure_on_a_screen_has_a_source_and_a_date(language):
    """Whatever number a story or an answer tells, its page says where it is from and of when."""
    page = build_content_page(WHOLE, load_catalogues()[language])
    told = {figure["text"] for figure in page["figures"].values()}

    assert all(f["source"] and re.match(r"\d{4}", f["as_of"]) for f in page["figures"].values())
    for story in page["stories"]:
        text = " ".join(span["text"] for block in story["blocks"] for line in block["lines"] for span in line)
        for figure in sorted(told, key=len, reverse=True):  # 800,000 before 80
            text = text.replace(figure, "")
        assert not re.search(r"\d", text.replace("5G", "")), story["id"]
    assert all(question["source"] for question in page["quiz"])


@pytest.mark.parametrize("language", ["en", "cy"])
def test_nothing_on_the_page_is_an_operators_word_or_an_open_brace(language):
    """Everything that a kiosk can show of the content, in one text."""
    catalogue = load_catalogues()[language]
    page = build_content_page(WHOLE, catalogue)
    page.pop("quiz_now")  # its answers hold {answer}
    shown = [text for text in list_texts(page) if not re.fullmatch(r"[a-z0-9_-]+", text)]

    assert len(shown) > 100
    for text in shown:
        assert find_forbidden(text, catalogue.forbidden) == [], text
        assert not set(text) & set("{}<>*"), text


def test_steps_questions_and_stories_read_for_ages_nine_to_eleven():
    """Each explained drawing, each story and the whole quiz are at most grade 6: age 11."""
    page = build_content_page(WHOLE, load_catalogues()["en"])
    passages = {
        **{f"how {name}": [step["text"] for step in how["steps"]] for name, how in page["how"].items()},
        **{f"story {story['id']}": [f"{story['title']}.", story["short"], *list_lines(story)] for story in page["stories"]},
        "quiz": [text for q in page["quiz"] for text in (q["question"], q["answer"])],
    }  # fmt: skip

    assert len(passages) > 10
    assert {name: grade for name, texts in passages.items() if (grade := measure_grade(texts)) > GRADE_MOST} == {}


def list_lines(story):
    """The lines of a story as they are read."""
    return ["".join(span["text"] for span in line) for block in story["blocks"] for line in block["lines"]]


def list_texts(value):
    """Every text in plain JSON but sources, which are titles of documents."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, inner in value.items() if key not in ("source", "as_of") for text in list_texts(inner)]
    return [text for inner in value for text in list_texts(inner)] if isinstance(value, list | tuple) else []


ROBOTS = "stories/robots.yaml"


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        (ROBOTS, "It runs on a battery.", "It runs 30 km.", "body: a figure must stand in figures.yaml"),
        (ROBOTS, "{robots_since}", "{robots_sinse}", "body: {robots_sinse}: there is no such figure"),
        (ROBOTS, "stops for people", "stops for <b>people</b>", "body: < and > are not used here"),
        (ROBOTS, "stops for people", "stops. See www.example.org", "body: an address leads nowhere on a kiosk"),
        (ROBOTS, "**Redways**", "**Redways", "body: strong words stand between two pairs of stars"),
        (ROBOTS, "It runs on a battery", "The operator charges it", "body: 'operator' is a word of people who run things"),
        (ROBOTS, "short: Small robots", "short: The stale robots", "short: 'stale' is a word of people who run things"),
        (ROBOTS, "about: robot", "about: robt", "about: must be 'robot'"),
        (ROBOTS, "picture: robot", "picture: robt", "picture: there is no drawing robt; did you mean robot?"),
        (ROBOTS, "review_by: 2027-03-31", "review_by: soon", "review_by: must be a day, such as 2027-03-31"),
        (ROBOTS, "as_of: 2024", "as_of: last year", "as_of: must be a year or a day"),
        (ROBOTS, "order: 1", "ordre: 1", "ordre is no word here; did you mean order?"),
        (ROBOTS, "  title: Robots that bring the shopping\n", "", "lacks title"),
        (ROBOTS, "[robot_deliveries_total,", "[robot_deliveries_totl,", "there is no figure robot_deliveries_totl in figures.yaml; did you mean robot_deliveries_total"),
        (ROBOTS, "to people's doors.", "to people's doors", "short: is a sentence; end it with a full stop"),
        (ROBOTS, "    - Maen nhw wedi gwneud {robot_deliveries_total} o ddanfoniadau.\n", "", "body: tells other figures than the English text"),
        ("figures.yaml", "city: robot_deliveries_total", "city: robot_delivery_total", "city: the city's file has no figure robot_delivery_total; did you mean robot_deliveries_total"),
        ("figures.yaml", "    value: 100\n", "", "needs value, as_of and source"),
        ("how/robot.yaml", "part: robot-camera", "part: robot-kamera", "part: the drawing robot has no part robot-kamera; did you mean robot-camera"),
        ("how/drone.yaml", "en: Spinning blades", "en: Spinning 4 blades", "en: a figure must stand in figures.yaml"),
        ("quiz.yaml", "now: robots_out", "now: robots_in", "now: there is no such figure; did you mean robots_out"),
        ("quiz.yaml", "figure: robot_deliveries_total", "figure: robot_deliveries", "there is no figure robot_deliveries in figures.yaml"),
        ("quiz.yaml", "others: [0.2, 3]", "others: [0.9, 3]", "others: must be far from the right answer"),
        ("quiz.yaml", "id: buses_running", "id: robots_out", "id: there is a question robots_out already"),
        ("quiz.yaml", "There are {answer} of them out", "There are some of them out", "answer: must hold {answer}"),
        ("quiz.yaml", "questions:", "questions: [", "is not YAML"),
    ],
)  # fmt: skip
def test_every_fault_is_said_with_file_and_line(folder, name, old, new, fault):
    """An officer who slips is told where, what is wrong, and what to do."""
    line = change(folder, name, old, new)
    _, faults = read_content(CITY, folder)
    said = [(file, at, what) for file, at, what in faults if what.startswith(fault)]

    assert said, faults
    # A fault of something that is missing, or of a whole text, is told at its beginning.
    assert all(file == name for file, _, _ in said)
    assert any(abs(at - line) <= 14 for _, at, _ in said), (said, line)


def test_a_fault_in_a_body_is_told_at_its_own_line(folder):
    """In a long text the line is that of the slip, not that of the text."""
    line = change(folder, ROBOTS, "It stops for people, dogs and prams.", "It stops for 3 dogs.")
    _, faults = read_content(CITY, folder)

    # Its paragraph begins a line higher or lower by the wrapping of the file; the line told is the one that holds it.
    assert "It stops for 3 dogs." in (folder / ROBOTS).read_text(encoding="utf-8").splitlines()[faults[0][1] - 1]
    assert abs(faults[0][1] - line) <= 1


def test_prose_that_is_hard_to_read_is_refused(folder):
    """A paragraph in the words of a strategy does not pass, and the fault says how hard it is."""
    hard = (
        "Autonomous delivery vehicles considerably diminish transportation emissions throughout residential "
        "communities.\n    Interoperable communications infrastructure facilitates continuous supervision.\n"
        "    Participating organisations collaboratively evaluate environmental improvements."
    )
    change(folder, ROBOTS, "It runs on a battery. A car or a van can stay at home. That keeps the air cleaner.", hard)
    _, faults = read_content(CITY, folder)

    assert any("body: reads like grade" in what for _, _, what in faults), faults


def test_what_has_a_fault_is_left_out_and_the_rest_is_shown(folder):
    """A slip of a pen makes no dark screen, and never shows an operator's word."""
    change(folder, ROBOTS, "short: Small robots", "short: The stale robots")
    change(folder, "quiz.yaml", "now: robots_out", "now: robots_in")
    change(folder, "how/drone.yaml", "part: drone-port", "part: drone-harbour")
    content, faults = read_content(CITY, folder)

    assert {file for file, _, _ in faults} == {ROBOTS, "quiz.yaml", "how/drone.yaml"}
    assert "robots" not in content.stories
    assert len(content.stories) == len(WHOLE.stories) - 1
    assert "drone" not in content.how
    assert "robots_out" not in {question.id for question in content.questions}
    for catalogue in load_catalogues().values():
        assert build_content_page(content, catalogue)["stories"]


def test_a_bad_figure_or_question_leaves_its_neighbours_alone(folder):
    """One slip in a file of many is one thing missing."""
    change(folder, "figures.yaml", "    value: 200\n", "")
    change(folder, "quiz.yaml", "now: buses_running", "when: buses_running")
    content, _ = read_content(CITY, folder)
    whole = WHOLE

    assert set(whole.figures) - set(content.figures) == {"council_services"}
    # A question about that figure goes with it.
    assert {q.id for q in whole.questions} - {q.id for q in content.questions} == {"buses_running", "services"}
    assert set(whole.stories) - set(content.stories) == {"city"}


def test_a_missing_figure_takes_only_what_tells_it_with_it(folder):
    """Stories and questions that need it are left out; nothing fails."""
    change(folder, "figures.yaml", "  robots_since:", "  robots_begun:")
    content, faults = read_content(CITY, folder)

    assert any("robots_since" in what for _, _, what in faults)
    assert "robots" not in content.stories
    assert build_content_page(content, load_catalogues()["en"])["stories"]


def test_an_empty_folder_is_told_and_gives_an_empty_page(tmp_path):
    """A city without content of its own says so, and its screens have no stories rather than an error."""
    content, faults = read_content(CITY, tmp_path)

    assert {file for file, _, _ in faults} == {"figures.yaml", "quiz.yaml", "stories", "how"}
    assert build_content_page(content, load_catalogues()["en"])["stories"] == []
    with pytest.raises(ContentError, match=r"figures\.yaml:1: cannot be read"):
        load_content(CITY, tmp_path)


def test_the_figures_of_now_are_those_of_the_protocol():
    """A question can only ask for what the public projection tells."""
    from typing import get_args

    from control_room.public.state import FigureName

    assert set(NOW) <= set(get_args(FigureName))
