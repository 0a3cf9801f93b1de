"""The documents of the public screens, as they leave the server."""

from __future__ import annotations

import re

import pytest
from lxml import html

from control_room.public.words import load_catalogues
from layouts.experience.page import DOCK, OPTIONS, build_page
from layouts.experience.parts import ICONS, Words
from tests.browser.conftest import ROOT

SCREENS = ("kiosk", "display")
ASSETS = ROOT / "assets" / "experience"


@pytest.mark.parametrize("screen", SCREENS)
def test_a_page_has_no_way_out_and_nothing_that_runs_but_our_files(screen):
    """No link, form, frame, inline script, style element, handler or address of another host: the strictest policy fits."""
    page = html.document_fromstring(build_page(screen, "Milton Keynes", "b1", ["en", "cy"]))

    assert page.xpath("//a | //form | //input | //iframe | //style | //script[not(@src)]") == []
    assert page.xpath("//@*[starts-with(name(), 'on')] | //@style") == []
    addresses = page.xpath("//@src | //@href")
    assert all(a.startswith("/assets/") or a == "data:," for a in addresses), addresses
    for address in addresses:
        if address.startswith("/assets/"):
            assert (ROOT / address.lstrip("/").partition("?")[0]).is_file(), address


def test_a_page_is_made_of_its_catalogue_alone():
    """Every text that a script will write anew exists in every language; each button says something; ids stand once."""
    page = html.document_fromstring(build_page("kiosk", "Milton Keynes", "b1", ["en", "cy"]))
    keys = set(page.xpath("//@data-words | //@data-label"))

    for catalogue in load_catalogues().values():
        assert [key for key in sorted(keys) if not catalogue.has(key)] == []
    ids = page.xpath("//@id")
    assert sorted(ids) == sorted(set(ids))
    assert [b for b in page.xpath("//button") if not b.text_content().strip()] == []
    assert len(page.xpath("//h1")) == len(DOCK) + 1
    assert len(page.xpath("//main")) == 1


def test_scripts_name_only_texts_that_exist():
    """Each key that a script says in full is in the catalogue: nobody is ever shown "[near.bus_to]"."""
    texts = load_catalogues()["en"].for_page()
    groups = {key.rpartition(".")[0] for key in texts}
    said = {
        (file.name, key)
        for file in ASSETS.glob("*.js")
        for key in re.findall(r"[\"']((?:[a-z_]+\.)+[a-z_]+)[\"']", file.read_text(encoding="utf-8"))
        if key.partition(".")[0] in {group.partition(".")[0] for group in groups}
    }

    assert len(said) > 40
    assert sorted((file, key) for file, key in said if key not in texts) == []


def test_a_title_is_text_and_never_markup():
    """What a city's file calls the city cannot become an element."""
    page = build_page("kiosk", "<b>Town</b>", "b&1", ["en"])

    assert "<b>Town" not in page
    assert "&lt;b&gt;Town" in page
    assert "b&amp;1" in page


def test_the_first_language_is_that_of_the_page():
    """Welsh first: the page is sent in Welsh, with both named for the button."""
    page = html.document_fromstring(build_page("kiosk", "Milton Keynes", "b1", ["cy", "en"]))

    assert page.get("lang") == "cy"
    assert page.get("data-languages") == "cy=Cymraeg en=English"
    assert page.xpath("//nav//button[@data-go='attract']")[0].text_content() == "Dechrau"


def test_what_cannot_be_made_is_refused():
    """No language, one that nobody wrote, a text that only a script can count: each says so."""
    with pytest.raises(ValueError, match="needs a language"):
        build_page("kiosk", "Milton Keynes", "b1", [])
    with pytest.raises(KeyError):
        build_page("kiosk", "Milton Keynes", "b1", ["fr"])
    words = Words(load_catalogues()["en"].for_page())
    with pytest.raises(KeyError, match=r"near\.robots"):
        words.plain("near.robots")


def test_every_icon_that_is_named_is_drawn():
    """The dock and the options have their pictures."""
    assert {*DOCK, *(picture for _, picture, _ in OPTIONS)} <= ICONS.keys()
