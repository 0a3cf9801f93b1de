"""What the exchange says it offers, beside what we ask for: found by comparing addresses.

The catalogue only lists. To take up an offer, somebody writes a feed file.
Built only for screens that ask for the topic `panel:catalogue` (`/feeds`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from dash import html
from dash.development.base_component import Component

from feeds.feed import Feed
from layouts.formats import DASH, format_count
from layouts.panel import Panel, View
from layouts.panels.feed_table import format_span
from layouts.parts.symbol import symbol

HEADS = ("Offer", "Asked by us", "Renewed", "Standard", "Format", "Licence")
MOST_ROWS = 200


def build_catalogue(view: View) -> Component:
    """A row an offer, what we do not ask for first; then the feeds that no catalogue lists."""
    table = view.snapshot.tables.get("dataset")
    offers = table.to_records() if table is not None else []
    if not offers:
        return html.P("No catalogue has been read. A feed with the adapter dcat brings one.", className="calm")
    asked = _list_asked(view.feeds)
    paired = [(offer, asked.get(find_path(offer.get("access_url")) or "", [])) for offer in offers]
    paired.sort(key=lambda pair: (bool(pair[1]), str(pair[0].get("title") or "").lower()))
    used = {feed.name for _, feeds in paired for feed in feeds}
    alone = [feed.title for feed in view.feeds if feed.name not in used]
    taken = sum(bool(feeds) for _, feeds in paired)
    caption = f"{format_count(len(offers))} offers, {format_count(taken)} of them asked for."
    if len(paired) > MOST_ROWS:
        caption += f" The first {format_count(MOST_ROWS)} are shown."
    parts: list[Component] = [
        html.Table(
            [
                html.Caption(caption),
                html.Thead(
                    html.Tr([html.Th(h, scope="col", role="columnheader") for h in HEADS], role="row"), role="rowgroup"
                ),
                html.Tbody([_build_row(offer, feeds) for offer, feeds in paired[:MOST_ROWS]], role="rowgroup"),
            ],
            role="table",
            className="feed-table catalogue",
        )
    ]
    if alone:
        parts.append(html.P(f"Asked for, and in no catalogue: {', '.join(alone)}.", className="calm"))
    return html.Div(parts)


def _build_row(offer: Mapping[str, Any], feeds: Sequence[Feed]) -> Component:
    cells = (
        _build_asked(feeds, offer.get("interval_s")),
        f"every {format_span(offer['interval_s'])}" if offer.get("interval_s") else DASH,
        _shorten(offer.get("conforms_to")),
        offer.get("media_type") or DASH,
        _shorten(offer.get("licence")),
    )
    about = " · ".join(t for t in (offer.get("publisher"), find_path(offer.get("access_url"))) if t)
    name = [
        html.Span(offer.get("title") or offer.get("dataset_id") or DASH, className="feed-name"),
        html.Span(about, className="feed-about"),
    ]
    return html.Tr(
        [
            html.Th(name, scope="row", role="rowheader"),
            *(html.Td(c, role="cell", **{"data-head": h}) for c, h in zip(cells, HEADS[1:], strict=True)),
        ],
        role="row",
    )


def _build_asked(feeds: Sequence[Feed], interval_s: float | None) -> Component | list[Component]:
    if not feeds:
        return html.Span([symbol("waiting"), "not asked for"], className="feed-standing")
    return [
        html.Span(
            [symbol("fresh"), f"{feed.title}, every {format_span(feed.every_s)}", _compare(feed.every_s, interval_s)],
            className="feed-standing",
        )
        for feed in feeds
    ]


def _compare(every_s: float, interval_s: float | None) -> str:
    """What is worth a word: we miss some of what is published, or ask far oftener than there is news."""
    if not interval_s:
        return ""
    if every_s > 3 * interval_s:
        return " (seldomer than it is renewed)"
    return " (far oftener than it is renewed)" if every_s * 10 < interval_s else ""


def _list_asked(feeds: Sequence[Feed]) -> dict[str, list[Feed]]:
    asked: dict[str, list[Feed]] = {}
    for feed in feeds:
        asked.setdefault(find_path(feed.url) or "", []).append(feed)
    return asked


def find_path(address: str | None) -> str | None:
    """The path of an address, without a slash at its end; None where there is none to compare by.

    Host and port are left out: an exchange is often reached by another name than it calls itself.
    """
    if not address:
        return None
    try:
        return urlsplit(address).path.rstrip("/") or None
    except ValueError:
        return None


def _shorten(text: str | None) -> str:
    """The readable part of an address of a standard or licence."""
    if not text:
        return DASH
    if not text.startswith(("http://", "https://")):
        return text
    return text.split("://", 1)[1].strip("/").removeprefix("www.")


PANEL = Panel("catalogue", "Catalogue of the exchange", build_catalogue, on_request=True)
