"""The daily page, on paper too, and the letter, as a real browser shows them."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pypdfium2
import pytest
import uvicorn

from control_room.access import LOOPBACK_NAMES, Gate, content_security_policy, demo_identity
from control_room.summary.forms.mail import build_mail
from control_room.summary.forms.page import build_page
from layouts.screens.daily import build_daily
from tests.browser.conftest import ROOT, wait_for
from tests.browser.test_real_access import list_findings
from tests.control_room.summary.example import make_empty, make_example
from tests.live_server import free_listener

pytestmark = pytest.mark.browser

TYPES = {"css": b"text/css", "js": b"text/javascript", "woff2": b"font/woff2"}
PAGES = {
    "/daily/2026-11-21": build_daily(make_example()),
    "/daily/2026-03-01": build_daily(make_empty()),
    "/daily/2026-11-22": build_mail(make_example(), "https://control.example").html,
    "/daily/2026-11-23": build_page(make_example()),
}
PAGE, EMPTY, LETTER, ALONE = PAGES


@pytest.fixture(scope="module")
def address():
    """Behind the product's gate, with its policy."""

    async def answer(scope, receive, send):
        path = scope["path"]
        body, kind = PAGES.get(path, "").encode(), b"text/html; charset=utf-8"
        if path.startswith("/assets/"):
            body, kind = (ROOT / path[1:]).read_bytes(), TYPES[path.rpartition(".")[2]]
        status = 200 if body else 404
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    policy = content_security_policy([])
    gate = Gate(answer, LOOPBACK_NAMES, demo_identity(loopback_only=True), lambda: policy)
    listener = free_listener()
    server = uvicorn.Server(uvicorn.Config(gate, log_config=None, lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def open_page(watched, url):
    """Without the icon that browsers ask for by themselves; in its own fonts, for what is measured depends on them."""
    watched.page.route("**/*favicon.ico", lambda route: route.fulfill(status=204))
    watched.page.goto(url)
    wait_for(watched.page, "document.body.offsetHeight && document.fonts.ready")
    return watched.page


@pytest.mark.parametrize(
    ("path", "scheme", "size"),
    [
        (PAGE, "light", (1920, 1080)),
        (PAGE, "dark", (390, 844)),
        (EMPTY, "dark", (1920, 1080)),
        (EMPTY, "light", (390, 844)),
    ],
)
def test_the_page_has_no_finding_and_is_no_wider_than_its_screen(address, watch, path, scheme, size):
    """In both themes, with figures and without: axe finds nothing, nothing is loaded from elsewhere."""
    watched = watch(*size, color_scheme=scheme)
    page = open_page(watched, address + path)

    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert list_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.faults == []
    assert watched.hosts == {"127.0.0.1"}


def test_on_a_phone_the_answer_and_what_is_to_be_decided_are_seen_at_once(address, watch):
    """Without scrolling, in text of at least 16 px."""
    page = open_page(watch(390, 844), address + PAGE)
    lowest = page.locator(".daily-decisions").bounding_box()

    assert lowest["y"] + lowest["height"] < 844
    sizes = page.evaluate(
        "[...document.querySelectorAll('.daily-said, .daily-decisions li')].map((e) => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert len(sizes) == 5
    assert min(sizes) >= 16


def test_every_link_can_be_hit_with_a_finger(address, watch):
    """At least 24 px high (WCAG 2.2, 2.5.8), also inside of tables."""
    page = open_page(watch(390, 844), address + PAGE)
    heights = page.evaluate(
        "[...document.querySelectorAll('main a')].map((e) => e.getBoundingClientRect()).filter((r) => r.height).map((r) => r.height)"
    )

    assert len(heights) > 8
    assert min(heights) >= 24


def test_at_twice_the_size_of_text_nothing_is_lost(address, watch):
    """A reader's 200 %: nothing is wider than the screen and no words lie over each other's figures."""
    page = open_page(watch(1280, 900), address + PAGE)
    page.add_style_tag(content="html:has(> body.daily) { font-size: 200% !important; }")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_paper_every_table_is_open_in_black_on_white(address, watch):
    """From the dark theme, without printed grounds: A4 pages with the 24 hours behind the chart, links without blue."""
    watched = watch(1280, 900, color_scheme="dark")
    page = open_page(watched, address + PAGE)
    document = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True, print_background=False))
    text = " ".join(sheet.get_textpage().get_text_range() for sheet in document)

    assert document[0].get_size() == pytest.approx((595, 842), abs=1)
    assert "SANDBOX" in text
    for hour in range(24):
        assert f"{hour:02}:00" in text
    assert "Other forms" not in text
    grey = np.asarray(document[0].render(scale=1, grayscale=True).to_pil())
    colour = np.asarray(document[0].render(scale=1).to_pil()).astype(int)
    assert (grey > 250).mean() > 0.85
    assert np.abs(colour.max(axis=2) - colour.min(axis=2)).max() < 12


@pytest.mark.parametrize("width", [320, 375, 900])
def test_the_letter_fits_a_narrow_and_a_wide_window(address, watch, width):
    """Nothing sideways; on a narrow one value stands under its name, on a wide one beside it; axe finds nothing."""
    watched = watch(width, 800)
    page = open_page(watched, address + LETTER)
    name, value = (page.locator("td.c").nth(n).bounding_box() for n in (0, 1))

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (value["y"] > name["y"] + 5) == (width < 480)
    # It has no landmarks: a mail program puts it into a page of its own.
    assert [f for f in list_findings(page) if not f.startswith(("region", "landmark"))] == []
    assert watched.hosts == {"127.0.0.1"}


def test_the_page_in_one_file_looks_the_same_without_a_server(address, watch, tmp_path):
    """Opened from a disk: styled, no request but the file itself, no finding."""
    file = tmp_path / "page.html"
    file.write_text(PAGES[ALONE], encoding="utf-8")
    watched = watch(1280, 900)
    page = open_page(watched, file.as_uri())

    assert page.evaluate("getComputedStyle(document.querySelector('.daily-first')).fontWeight") == "600"
    assert list_findings(page) == []
    assert watched.faults == []
