"""The letter: what mail programs can show, on any width, with a text for those who read no HTML."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace

import pytest
from lxml import html

from control_room.summary.contents import Answer, Sentence
from control_room.summary.forms.mail import PLACE_PX, PLACES, WIDTH_PX, build_mail
from tests.control_room.summary.example import make_empty, make_example

BASE = "https://control.example"
EXAMPLE = make_example()
MAIL = build_mail(EXAMPLE, BASE)
TREE = html.document_fromstring(MAIL.html)
# What Word, which draws letters for Outlook, knows of.
TAGS = {"html", "head", "meta", "title", "style", "body", "table", "caption", "thead", "tbody", "tr", "td", "th"} | {
    "p", "h1", "h2", "b", "br", "span", "a"
}  # fmt: skip


def test_it_is_made_of_what_every_mail_program_shows():
    """No pictures, scripts, forms or frames, and nothing that is fetched from anywhere."""
    assert {e.tag for e in TREE.iter() if isinstance(e.tag, str)} <= TAGS
    assert not re.search(r"url\(|@import|src=|javascript:|position:|flex|grid|calc\(|var\(", MAIL.html)
    assert not any(name.startswith("on") for e in TREE.iter() if isinstance(e.tag, str) for name in e.attrib)


def test_links_lead_to_this_control_room_alone():
    """Without its address there are none at all."""
    addresses = {a.get("href") for a in TREE.iter("a")}

    assert f"{BASE}/daily/2026-11-21" in addresses
    assert f"{BASE}/timeline?at=2026-11-21T12:00:00Z" in addresses
    assert all(a.startswith(f"{BASE}/") for a in addresses)
    assert "href" not in build_mail(EXAMPLE).html


def test_the_answer_comes_first_in_subject_text_and_page():
    """Who sees nothing but the list of letters sees the beginning of the answer."""
    assert MAIL.subject.startswith("SANDBOX Milton Keynes, Saturday 21 November 2026: Robots made 1,204 deliveries")
    assert TREE.xpath("string(//h1)").replace("\u00a0", " ").startswith("Robots made 1,204 deliveries")
    lines = MAIL.text.splitlines()
    assert lines[0] == "*** SANDBOX: figures of a simulated city, not of the real one. ***"
    assert lines[4].startswith("Robots made 1,204 deliveries")


def test_text_and_page_say_the_same():
    """Every sentence, decision and figure of the one is in the other, in the same words."""
    page = " ".join(TREE.text_content().replace("\u00a0", " ").split())
    for text in [s.text for s in EXAMPLE.answer.sentences] + [d.text for d in EXAMPLE.answer.decisions]:
        assert text in page
        assert text in MAIL.text
    for figure in EXAMPLE.list_figures():
        assert figure.title in page
        assert f"- {figure.title}: " in MAIL.text


def test_a_picture_is_as_wide_as_its_places_and_its_dot_lies_right_of_the_band():
    """Deliveries are above usual: the band comes first, the diamond after it."""
    row = next(tr for tr in TREE.iter("tr") if tr.xpath("string(td[1])") == "Deliveries")
    (picture,) = row.xpath("td[3]/table")
    cells = picture.xpath(".//td")

    assert sum(int(td.get("width")) for td in cells) == PLACE_PX * PLACES
    marks = ["dot" if "◆" in td.text else "band" if td.get("bgcolor") == "#c9ced3" else "" for td in cells]
    assert marks.index("band") < marks.index("dot")
    assert picture.get("aria-hidden") == "true"


def test_it_is_no_wider_than_a_letter_and_no_heavier_than_what_is_shown_whole():
    """640 px, also for Word; under the 102 kB beyond which one mail program cuts letters off."""
    widths = [int(w) for w in re.findall(r'width="(\d+)"', MAIL.html)]

    assert max(widths) <= WIDTH_PX
    assert f'width="{WIDTH_PX}" align="center"' in MAIL.html.split("<!--[if mso]>")[1]
    assert len(MAIL.html) < 102_000


def test_layout_tables_are_said_to_be_layout_and_tables_of_facts_have_heads():
    """Who listens hears of tables only where there are any."""
    for table in TREE.iter("table"):
        assert table.get("role") == "presentation" or (table.xpath("caption") and table.xpath(".//th[@scope='col']"))


def test_markup_in_a_note_stays_text():
    """An alarm called <b> is shown with its signs."""
    assert "Robot needs help — “Ouse Valley” <b>" in TREE.text_content()


@pytest.mark.parametrize("text", ["a\r\nBcc: x@example.org", "a\nSubject: b", "\u2028a", "x" * 400])
def test_a_sentence_cannot_add_lines_to_the_head_of_the_letter(text):
    """The subject is one line of at most 150 characters, and the message has the heads that we gave it."""
    summary = replace(EXAMPLE, answer=Answer((Sentence(text, "departure"),), ()))
    message = build_mail(summary).message()
    back = email.message_from_bytes(bytes(message), policy=email.policy.default)

    assert len(str(back["Subject"])) <= 150
    assert set(back.keys()) == {"Subject", "MIME-Version", "Content-Type"}


def test_the_message_has_text_first_and_html_as_the_other():
    """Both are there, in the order in which the richer one is the last (RFC 2046, 5.1.4)."""
    message = email.message_from_bytes(bytes(MAIL.message()), policy=email.policy.default)

    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.get_body(("html",)).get_content().replace("\r\n", "\n") == MAIL.html


def test_a_day_of_which_nothing_is_known_is_a_short_letter():
    """It says so, has no figure, and no SANDBOX where the city is real."""
    mail = build_mail(make_empty(), BASE)

    assert "Nothing is known of Sunday 1 March 2026" in mail.text
    assert "SANDBOX" not in mail.html + mail.text + mail.subject
    assert len(mail.html) < 6_000


def test_a_heavy_letter_is_not_cut_off_but_says_less():
    """What is not far from usual is told in a line, and what stands out stays; the plain text has everything."""
    times = 12
    figures = tuple(replace(f, name=f"{f.name}{n}") for n in range(times) for f in EXAMPLE.section("fleet").figures)
    heavy = replace(EXAMPLE, sections=tuple(replace(s, figures=figures) for s in EXAMPLE.sections[:2]))
    mail = build_mail(heavy, BASE)

    assert len(mail.html.encode()) < 102_000
    assert mail.html.count(">Available<") == 0
    assert mail.html.count(">Stuck<") == 2 * times
    assert f"{times * 3} other figures, none known to be far from usual" in mail.html
    assert mail.text.count("- Available: ") == 2 * times
