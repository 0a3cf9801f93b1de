"""One feed's own page for whoever supplies it: `/suppliers/buses/2026-11-21`, also a week or a month.

Whether its promise was kept, what was wrong, and the promise by the hour; the
parts are those of the daily summary (`control_room.summary.forms.page`).
"""

from __future__ import annotations

from typing import Final

from control_room.summary.contents import Summary
from control_room.summary.forms.markup import Child, Element, el
from control_room.summary.forms.page import build_content, document, title_of
from control_room.summary.period import Period, day_of, month_of, week_of
from layouts.screens.daily import FORMS, build_head

PATH: Final = "/suppliers"


def build_supplier_screen(summary: Summary, feed: str) -> str:
    """The page, as HTML text."""
    header = summary.header
    main = el("main", {"id": "content", "class": "daily-page"}, *build_content(summary))
    body = [_bar(feed, header.period, header.is_over), main, _list_forms(feed, header.period)]
    return document(title_of(header), build_head(), body, header.simulated)


def path_of(feed: str, period: Period) -> str:
    return f"{PATH}/{feed}/{period.name}"


def _bar(feed: str, period: Period, is_over: bool) -> Element:
    before, after = period.previous(), period.next()
    ways: list[Child] = [_way("‹ before", feed, before)]
    ways.append(_way("after ›", feed, after) if is_over else None)
    for sort, text, other in (
        ("day", "Day", period if period.sort == "day" else day_of(period.last)),
        ("week", "Week", period if period.sort == "week" else week_of(period.last)),
        ("month", "Month", period if period.sort == "month" else month_of(period.first)),
    ):
        here = {"aria-current": "page"} if sort == period.sort else {}
        ways.append(el("a", {"href": path_of(feed, other), **here}, text))
    summary = el("a", {"href": f"/daily/{period.name}"}, "Summary")
    home: list[Child] = [el("a", {"href": "/feeds"}, "All feeds"), " · ", summary]
    return el(
        "header",
        {"class": "daily-bar"},
        el("p", {"class": "daily-city"}, *home),
        el("nav", {"class": "daily-ways", "aria-label": "Periods"}, *ways),
    )


def _way(text: str, feed: str, period: Period) -> Element:
    """Who listens hears the words that stand there (WCAG 2.5.3), and of which period they are."""
    return el("a", {"href": path_of(feed, period)}, text, el("span", {"class": "unseen"}, f": {period.title}"))


def _list_forms(feed: str, period: Period) -> Element:
    links = [el("li", None, el("a", {"href": f"{path_of(feed, period)}.{e}"}, words)) for e, words in FORMS]
    return el("nav", {"class": "daily-forms", "aria-label": "Other forms of this page"}, el("ul", None, *links))
