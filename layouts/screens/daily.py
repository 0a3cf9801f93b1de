"""The managers' page of a day, a week or a month: `/daily/2026-11-21`, `/daily/2026-W47`, `/daily/2026-11`.

Served ready: a phone gets one page of plain HTML, and no script has to run
before it can be read. What it says of the period is made by
`control_room.summary.forms.page`; here is what stands round it: the ways to
the days before and after, to the other forms, and to the other screens.
"""

from __future__ import annotations

from typing import Final

from control_room.summary.contents import Summary
from control_room.summary.forms.markup import Child, Element, el
from control_room.summary.forms.page import STYLES, build_content, document, title_of
from control_room.summary.period import Period, day_of, month_of, week_of
from layouts.screens.pages import LINKS

PATH: Final = "/daily"
# Ending of the address, what it is called.
FORMS: Final = (("pdf", "PDF"), ("xlsx", "Spreadsheet"), ("zip", "Tables (CSV)"), ("json", "JSON"))


def build_daily(summary: Summary) -> str:
    """The page, as HTML text."""
    header = summary.header
    period = header.period
    main = el("main", {"id": "content", "class": "daily-page"}, *build_content(summary))
    skip = el("a", {"class": "daily-skip", "href": "#content"}, "To the answer")
    body = [skip, _bar(header.city, period, header.is_over), main, _forms(period), _others()]
    return document(title_of(header), build_head(), body, header.simulated)


def build_daily_fault(city: str, period: Period, fault: str, simulated: bool) -> str:
    """The page where there is no summary to be shown: why, and what can be done.

    Args:
        fault: a sentence.
    """
    words = [el("h1", None, period.title), el("p", {"class": "daily-first"}, fault)]
    body = [_bar(city, period, True), el("main", {"id": "content", "class": "daily-page"}, *words), _others()]
    return document(f"{city}, {period.title}", build_head(), body, simulated)


def path_of(period: Period) -> str:
    return f"{PATH}/{period.name}"


def build_head() -> list[Element]:
    """What the page loads: the theme, before anything is drawn, and its styles."""
    return [
        el("script", {"src": "/assets/early/theme.js"}),
        el("link", {"rel": "icon", "href": "/_favicon.ico"}),
        *(el("link", {"rel": "stylesheet", "href": f"/assets/{name}"}) for name in STYLES),
    ]


def _bar(city: str, period: Period, is_over: bool) -> Element:
    """Whose page it is, the periods beside it, and the longer and shorter ones that it is part of."""
    before, after = period.previous(), period.next()
    ways: list[Child] = [_way("‹ ", before, "", " before")]
    ways.append(_way("", after, " ›", " after") if is_over else None)
    sorts: list[Child] = []
    for sort, words, other in (
        ("day", "Day", period if period.sort == "day" else day_of(period.last)),
        ("week", "Week", period if period.sort == "week" else week_of(period.last)),
        ("month", "Month", period if period.sort == "month" else month_of(period.first)),
    ):
        here = {"aria-current": "page"} if sort == period.sort else {}
        sorts.append(el("a", {"href": path_of(other), **here}, words))
    return el(
        "header",
        {"class": "daily-bar"},
        el("p", {"class": "daily-city"}, el("a", {"href": "/"}, city), " daily summary"),
        el("nav", {"class": "daily-ways", "aria-label": "Periods"}, *ways, *sorts),
    )


def _way(ahead: str, period: Period, behind: str, heard: str) -> Element:
    """Arrows are for eyes; who listens hears which way it is."""
    arrow = {"aria-hidden": "true"}
    parts = [el("span", arrow, ahead) if ahead else None, _short(period), el("span", {"class": "unseen"}, heard)]
    return el("a", {"href": path_of(period)}, *parts, el("span", arrow, behind) if behind else None)


def _short(period: Period) -> str:
    """ "20 Nov", "week 46", "Oct 2026"."""
    if period.sort == "day":
        return f"{period.first.day} {period.first:%b}"
    return f"week {period.first.isocalendar().week}" if period.sort == "week" else f"{period.first:%b %Y}"


def _forms(period: Period) -> Element:
    links = [el("li", None, el("a", {"href": f"{path_of(period)}.{ending}"}, words)) for ending, words in FORMS]
    return el("nav", {"class": "daily-forms", "aria-label": "Other forms of this page"}, el("ul", None, *links))


def _others() -> Element:
    links = [el("li", None, el("a", {"href": path}, words)) for path, words in LINKS if path != PATH]
    return el("nav", {"class": "daily-others", "aria-label": "Screens"}, el("ul", None, *links))
