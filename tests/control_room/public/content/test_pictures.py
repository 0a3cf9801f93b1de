"""Drawings are ours, closed, light, and say what they show."""

from __future__ import annotations

import re

import pytest

from control_room.public.content.pictures import BYTES_MOST, FOLDER, list_parts, list_picture_faults
from control_room.public.state import KINDS
from control_room.public.words import load_catalogues

DRAWINGS = sorted(path.stem for path in FOLDER.glob("*.svg"))
GOOD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 6" role="img" aria-labelledby="a-title a-desc">'
    '<title id="a-title">A</title><desc id="a-desc">It is an a.</desc>%s</svg>'
)


def test_there_is_a_drawing_of_everything_that_is_explained():
    """Every kind that a visitor can touch, and the city's grid."""
    assert set(DRAWINGS) >= {*KINDS, "mast", "grid"}


def test_every_part_that_can_be_pointed_at_is_documented():
    """The page for who writes the steps lists the parts of each drawing: no more, no fewer."""
    page = (FOLDER.parents[2] / "docs" / "experience-content.md").read_text(encoding="utf-8")
    for name in DRAWINGS:
        parts = re.findall(r'<g id="([\w-]+)" class="pic-part"', (FOLDER / f"{name}.svg").read_text(encoding="utf-8"))
        row = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
        assert sorted(row.split("|")[2].strip().split(", ")) == sorted(parts)


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_drawing_of_ours_is_closed_light_and_named(name):
    """No script, no address but of its own parts, a title and a description, at most 30 kB."""
    data = (FOLDER / f"{name}.svg").read_bytes()

    assert list_picture_faults(data, name) == []
    assert len(data) <= BYTES_MOST == 30_000


@pytest.mark.parametrize("name", DRAWINGS)
def test_title_and_description_are_in_the_catalogue(name):
    """The file says in English what the catalogue says in every language, so a screen reader speaks as the page does."""
    text = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    for part in ("title", "desc"):
        own = re.search(rf"<{part} [^>]*>([^<]*)", text)[1]
        assert own == load_catalogues()["en"].say(f"drawing.{name}.{part}")


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<script>x()</script>", "<script> has no place"),
        ('<image href="https://x/y.png"/>', "<image> has no place"),
        ("<style>@import url(//x)</style>", "<style> has no place"),
        ("<foreignObject/>", "<foreignObject> has no place"),
        ('<a href="https://x"><path d="M0 0"/></a>', "<a> has no place"),
        ('<use href="other.svg#x"/>', "href leads out"),
        ('<use xmlns:x="http://www.w3.org/1999/xlink" x:href="data:text/html,x"/>', "leads out"),
        ('<path fill="url(https://x#y)"/>', "fill leads out"),
        ('<path fill="url(#a-gone)"/>', "fill leads out"),
        ('<path onclick="x()"/>', "onclick has no place"),
        ('<path style="fill:url(//x)"/>', "style has no place"),
        ('<path id="b-part"/>', "id b-part must begin with a-"),
        ('<path id="a-x"/><path id="a-x"/>', "id a-x stands twice"),
        ("<path" + " " * 30_000 + "/>", "at most 30000"),
        ("<path", "is no XML"),
    ],
)
def test_whatever_runs_fetches_or_clashes_is_refused(inside, fault):
    """A drawing goes into the page as markup, so each way out of it is named."""
    assert any(fault in what for what in list_picture_faults((GOOD % inside).encode(), "a"))


def test_a_plain_drawing_passes():
    """The checks refuse no honest drawing."""
    inside = '<defs><linearGradient id="a-g"><stop offset="0" stop-color="#fff"/></linearGradient></defs><g id="a-part"><path fill="url(#a-g)" d="M0 0"/><use href="#a-part"/></g>'

    assert list_picture_faults((GOOD % inside).encode(), "a") == []


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>',
        b"<html/>",
        b"",
        (GOOD % "").replace("<title", "<desc").encode(),
        (GOOD % "").replace('role="img"', 'width="8"').encode(),
        (GOOD % "").replace("a-title a-desc", "a-title").encode(),
    ],
)
def test_what_is_no_named_drawing_is_refused(data):
    """Declarations, other markup, and drawings without title, description or role."""
    assert list_picture_faults(data, "a") != []


def test_parts_are_the_ids_of_a_drawing(tmp_path):
    """A step can point at them; of no drawing, or of a name that is a path, there are none."""
    (tmp_path / "a.svg").write_text(GOOD % '<g id="a-part"/>', encoding="utf-8")

    assert list_parts(tmp_path, "a") == {"a-title", "a-desc", "a-part"}
    assert list_parts(tmp_path, "b") is None
    assert list_parts(tmp_path / "sub", "../a") is None
