"""The drawings of the public screens in a page: data moves them, and nothing moves for who asked for rest."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from control_room.public.content.pictures import FOLDER

pytestmark = pytest.mark.browser

# The colours of the public screens, and what moves in a drawing.
CSS = "\n".join((FOLDER.parent / name).read_text(encoding="utf-8") for name in ("look.css", "pictures.css"))
DRAWINGS = sorted(path.stem for path in FOLDER.glob("*.svg"))


@pytest.fixture(scope="module")
def address():
    """The files of the repository on a real server, as the public screens' process serves them."""
    handler = functools.partial(QuietHandler, directory=str(FOLDER.parents[2]))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def page(browser):
    """All drawings with their style sheet in one page, as the screens put them in."""
    markup = "".join((FOLDER / f"{name}.svg").read_text(encoding="utf-8") for name in DRAWINGS)
    page = browser.new_context(viewport={"width": 800, "height": 1200}, reduced_motion="no-preference").new_page()
    page.set_content(f"<style>{CSS}</style>{markup}")
    yield page
    page.context.close()


def moving(page, name):
    """Classes of the parts of a drawing that run now."""
    return set(
        page.evaluate(
            """name => document.querySelector(`svg[aria-labelledby^="${name}-"]`).getAnimations({subtree: true})
               .filter(a => a.playState === "running").flatMap(a => [...a.effect.target.classList])""",
            name,
        )
    )


def test_two_drawings_in_one_page_share_no_id(page):
    """Each keeps its own gradients and parts."""
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")

    assert len(ids) > 80
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_screen_reader_finds_a_title_and_a_description(page, name):
    """The picture has a name of its own, and every part is drawn inside its frame."""
    drawing = page.locator(f'svg[aria-labelledby^="{name}-"]')

    assert drawing.get_attribute("role") == "img"
    assert len(drawing.evaluate("svg => svg.querySelector('title').textContent")) > 5
    for part in drawing.evaluate("svg => [...svg.querySelectorAll('.pic-part')].map(e => e.id)"):
        box = page.locator(f"#{part}").evaluate("e => { const b = e.getBBox(); return b.width * b.height }")
        assert box > 400, part


def test_the_battery_is_as_full_as_most_batteries_are(page):
    """Full, low, and a question mark where it is not known: never an empty battery for "unknown"."""

    def show(share):
        page.evaluate("share => document.querySelector('#robot-battery').style.setProperty('--battery', share)", share)
        bar, mark = page.locator("#robot-battery .pic-battery"), page.locator("#robot-battery .pic-unknown")
        width = bar.evaluate("e => new DOMMatrix(getComputedStyle(e).transform).a")
        return round(width, 2), float(mark.evaluate("e => getComputedStyle(e).opacity"))

    assert show("0.9") == (0.9, 0.0)
    assert show("0.2") == (0.2, 0.0)
    assert show("0") == (0.0, 1.0)


def test_wheels_turn_only_while_the_robots_work(page):
    """Most of them stand: wheels and road stand still, and run again when they work."""
    drawing = page.locator('svg[aria-labelledby^="robot-"]')
    for doing, runs in (
        ("working", True),
        ("charging", False),
        ("waiting", False),
        ("stopped", False),
        ("working", True),
    ):
        drawing.evaluate("(svg, doing) => { svg.dataset.doing = doing }", doing)
        assert ({"pic-wheel", "pic-road"} <= moving(page, "robot")) is runs, doing


def test_a_second_copy_keeps_its_colours_when_the_first_is_hidden(browser, address):
    """The page's own script puts a drawing in twice: no id is shared, and the copy that is seen has its sky and frame."""
    page = browser.new_context(viewport={"width": 800, "height": 600}).new_page()
    page.goto(f"{address}/assets/experience/pictures.css")
    page.evaluate(
        """async () => {
          const { drawing } = await import("/assets/experience/page.js");
          const [first, second] = [await drawing("robot"), await drawing("robot")];
          first.style.display = "none";
          document.body.replaceChildren(first, second);
        }"""
    )
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    referred = page.evaluate(
        """[...document.querySelectorAll("svg:last-child [fill^='url'], svg:last-child use, svg:last-child [clip-path]")]
           .map(e => (e.getAttribute("href") ?? e.getAttribute("clip-path") ?? e.getAttribute("fill")).replace(/^url\\(|\\)$/g, ""))
           .map(id => document.querySelector(id)?.closest("svg") === document.body.lastElementChild)"""
    )
    named = page.evaluate(
        "document.getElementById(document.body.lastElementChild.getAttribute('aria-labelledby').split(' ')[0]).textContent"
    )
    lids = page.locator(".robot-lid").count()
    spoken = page.evaluate(
        "[...document.body.lastElementChild.querySelectorAll('[data-words]')].map(e => e.dataset.words)"
    )
    page.context.close()

    assert len(ids) == len(set(ids))
    assert len(referred) > 10
    assert all(referred)
    assert named == "A delivery robot"
    assert lids == 2
    assert spoken == ["drawing.robot.title", "drawing.robot.desc"]


def test_what_a_step_speaks_of_shines(page):
    """The class `spoken-of` lets a part shine."""
    lit = page.locator("#drone-lane").evaluate(
        "e => { e.classList.add('spoken-of'); return getComputedStyle(e).filter }"
    )

    assert "drop-shadow" in lit


def test_nothing_moves_for_who_asked_for_less_movement(page):
    """Not one animation runs, in any drawing."""
    assert moving(page, "mast")
    page.emulate_media(reduced_motion="reduce")
    running = page.evaluate("document.getAnimations().filter(a => a.playState === 'running').length")
    page.emulate_media(reduced_motion="no-preference")

    assert running == 0
