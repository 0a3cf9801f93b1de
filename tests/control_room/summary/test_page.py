"""The page of a summary: what comes first, what leads where, and what it needs to be read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html

from control_room.summary.forms.page import build_page
from control_room.summary.period import day_of, month_of, week_of
from layouts.screens.daily import build_daily, build_daily_fault
from tests.control_room.summary.example import make_empty, make_example

EXAMPLE = make_example()
PAGE = build_daily(EXAMPLE)
TREE = html.document_fromstring(PAGE)


def words(element):
    return " ".join(" ".join(element.itertext()).replace("\u00a0", " ").split())


def test_the_first_line_is_the_answer():
    """After the day's name comes the first sentence; what is to be decided stands before any figure."""
    text = words(TREE.xpath("//main")[0])

    assert text.startswith("Saturday 21 November 2026 Robots made 1,204 deliveries")
    assert text.index("To be decided") < text.index("At a glance") < text.index("Against usual")


def test_every_figure_has_its_value_its_words_and_a_picture_where_it_can_be_compared():
    """Unknown is an em dash with its reason, never 0."""
    rows = {words(tr.xpath("th")[0]): tr for tr in TREE.xpath("//table[contains(@class,'daily-figures')]/tbody/tr")}

    assert set(rows) == {f.title for f in EXAMPLE.list_figures()}
    assert words(rows["Slots booked online"].xpath("td")[0]) == "—"
    assert "no slot of that day was heard of" in words(rows["Slots booked online"])
    assert not rows["Slots booked online"].xpath(".//svg")
    assert rows["Stuck"].xpath(".//svg//*[contains(@class,'is-worse')]")


def test_behind_every_chart_stands_its_table_with_ways_into_the_timeline():
    """24 hours, each a link to the minute at which it began; hours that are not known say so."""
    (figure,) = TREE.xpath("//figure")
    rows = figure.xpath(".//tbody/tr")

    assert len(rows) == 24
    assert rows[9].xpath(".//a/@href") == ["/timeline?at=2026-11-21T09:00:00Z"]
    assert words(rows[3]) == "03:00 — 34 to 47 0 %"
    assert "2 not known" in words(figure.xpath("figcaption")[0])


def test_days_of_a_week_lead_to_their_own_pages():
    """A series by the day links each of its days; the bar links the weeks before and after."""
    series = EXAMPLE.section("fleet").series[0]
    week = make_example(period=week_of(EXAMPLE.header.begins.date()))
    fleet = replace(week.section("fleet"), series=(replace(series, step="day"),))
    page = html.document_fromstring(build_daily(replace(week, sections=(fleet,))))

    assert page.xpath("//figure//tbody//a/@href")[0] == "/daily/2026-11-21"
    ways = page.xpath("//nav[@aria-label='Periods']/a/@href")
    assert ways == ["/daily/2026-W46", "/daily/2026-W48", "/daily/2026-11-22", "/daily/2026-W47", "/daily/2026-11"]


def test_there_is_no_way_on_from_a_day_that_is_not_over():
    """Tomorrow has no summary yet."""
    running = replace(
        EXAMPLE, header=replace(EXAMPLE.header, is_over=False, known_until=EXAMPLE.header.ends - timedelta(hours=6))
    )
    page = html.document_fromstring(build_daily(running))

    assert "/daily/2026-11-22" not in page.xpath("//a/@href")
    assert "known until 18:00" in words(page)


def test_every_link_inside_of_the_page_finds_its_place():
    """Names at a glance lead to their parts; parts without anything to show are no links."""
    ids = set(TREE.xpath("//@id"))
    anchors = [href[1:] for href in TREE.xpath("//a/@href") if href.startswith("#")]

    assert anchors
    assert set(anchors) <= ids
    assert len(TREE.xpath("//@id")) == len(ids)
    assert "drones" not in anchors


def test_the_other_forms_are_one_link_away():
    """PDF, spreadsheet, tables and JSON of the same period."""
    hrefs = set(TREE.xpath("//nav[@class='daily-forms']//a/@href"))

    assert hrefs == {f"/daily/2026-11-21.{form}" for form in ("pdf", "xlsx", "zip", "json")}


def test_text_never_becomes_markup():
    """An alarm called <b> is shown with its signs; nothing on the page is a script of anybody else."""
    assert "<b>" in words(TREE.xpath("//th[contains(., 'Ouse Valley')]")[0])
    assert TREE.xpath("//script/@src") == ["/assets/early/theme.js"]
    assert not TREE.xpath("//script[text()]")


def test_sandbox_is_said_in_words_in_the_title_and_over_the_corner():
    """And nowhere on the page of a real city."""
    assert TREE.xpath("string(//title)").startswith("SANDBOX ")
    assert TREE.xpath("//div[@class='ribbon']")
    assert "SANDBOX: figures of a simulated city" in words(TREE)
    assert "SANDBOX" not in build_daily(make_example(simulated=False))


def test_a_page_that_stands_alone_fetches_nothing_and_leads_nowhere():
    """Styles are inside, there is no script, and without an address there are no links but those within it."""
    page = build_page(EXAMPLE)
    tree = html.document_fromstring(page)

    assert not tree.xpath("//script | //link | //img | //*[@src]")
    assert not re.search(r"url\((?!['\"]?data:)|@import", page)
    assert all(href.startswith("#") for href in tree.xpath("//a/@href"))
    assert ".daily-first" in tree.xpath("string(//style)")


def test_with_an_address_it_leads_to_that_control_room():
    """Whole addresses, of that server alone."""
    hrefs = html.document_fromstring(build_page(EXAMPLE, "https://control.example/")).xpath("//a/@href")
    outside = [href for href in hrefs if not href.startswith("#")]

    assert "https://control.example/timeline?at=2026-11-21T12:00:00Z" in outside
    assert all(href.startswith("https://control.example/") for href in outside)


def test_a_day_of_which_nothing_is_known_says_so_first():
    """And has neither a figure nor a chart."""
    tree = html.document_fromstring(build_daily(make_empty()))

    assert words(tree.xpath("//*[@class='daily-first']")[0]).startswith("Nothing is known of Sunday 1 March 2026")
    assert not tree.xpath("//figure | //table[contains(@class,'daily-figures')]")


@pytest.mark.parametrize("period", [day_of(EXAMPLE.header.begins.date()), month_of(EXAMPLE.header.begins.date())])
def test_a_fault_has_a_page_with_its_reason_and_the_ways_on(period):
    """Who came for a summary learns why there is none, and can go to another."""
    tree = html.document_fromstring(build_daily_fault("Milton Keynes", period, "History does not answer.", True))

    assert "History does not answer." in words(tree)
    assert tree.xpath("//nav[@aria-label='Periods']/a")
    assert tree.xpath("//div[@class='ribbon']")
