"""The envelope of an MDS answer, read leniently: every provider sends it a little differently."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

from feeds.feed import PayloadError
from feeds.json_body import load_json
from feeds.mds_provider.values import find_number
from feeds.text import clean_error, clean_text

# FEEDS: a ttl this small was plainly meant as seconds (60 seen). 0 is the standard's "always refresh".
_TTL_SUSPECT_BELOW: Final = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of /vehicles/status: its rows as they came, its envelope read leniently.

    Attributes:
        last_updated: as sent, unpacked from an object; None when absent or 0.
        ttl_ms: None when absent or unreadable.
        next: link to the next page as written, None on the last page.
        oddities: warnings about the envelope.
    """

    rows: Sequence[Any]
    last_updated: object = None
    ttl_ms: float | None = None
    next: str | None = None
    oddities: tuple[str, ...] = ()


def decode(body: bytes) -> Page:
    """One page.

    Raises:
        PayloadError: empty_body, not_json (with line and column), too_many_values,
            mds_error (the server says that it failed), version (not 2.x), not_mds,
            not_vehicle_status (another MDS answer).
    """
    answer = load_json(body)
    if not isinstance(answer, dict):
        raise PayloadError("not_mds", f"a JSON object was expected, {type(answer).__name__} came")
    rows = answer.get("vehicles_status")
    if not rows and (answer.get("error") or answer.get("error_description")):
        # Also beside an empty list: "unauthorised" is not "no robot in the street".
        raise PayloadError("mds_error", f"the server answers that it failed: {_read_error(answer)}")
    oddities: list[str] = []
    _check_version(answer.get("version"), oddities)
    if not isinstance(rows, list):
        there = ", ".join(clean_text(str(name), 30) or "?" for name in list(answer)[:6]) or "nothing"
        raise PayloadError("not_vehicle_status", f"a list vehicles_status was expected; the answer holds {there}")
    return Page(
        rows=rows,
        last_updated=_unwrap(answer.get("last_updated"), "last_updated") or None,
        ttl_ms=_read_ttl(answer.get("ttl"), oddities),
        next=_find_next(answer.get("links")),
        oddities=tuple(oddities),
    )


def _check_version(version: object, oddities: list[str]) -> None:
    if version is None:
        oddities.append("version_missing")
        return
    text = clean_text(str(version), 20) or ""
    if isinstance(version, bool) or not re.fullmatch(r"2(?:\.[0-9]+)*(?:-[\w.]+)?", text):
        raise PayloadError("version", f"MDS 2.x was expected, version {text!r} came; check the feed's Accept header")


def _read_error(answer: Mapping[str, Any]) -> str:
    details = answer.get("error_details")
    parts = [answer.get("error"), answer.get("error_description")]
    parts += list(details[:3]) if isinstance(details, list) else [details]
    said = "; ".join(part for part in parts if isinstance(part, str) and part.strip())
    return clean_error(said) or "it gives no reason"


def _unwrap(value: object, name: str) -> object:
    """The value itself where it came inside an object of its own name, as Voi sends it."""
    return value.get(name) if isinstance(value, dict) else value


def _read_ttl(value: object, oddities: list[str]) -> float | None:
    value = _unwrap(value, "ttl")
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        value = int(value)
    if value is None:
        return None
    ttl = find_number(value)
    if ttl is None or ttl < 0:
        oddities.append("ttl_unreadable")
        return None
    if 0 < ttl < _TTL_SUSPECT_BELOW:
        oddities.append("ttl_suspect")
    return ttl


def _find_next(links: object) -> str | None:
    """links.next of JSON:API, also as a link object, also in a list of `rel` and `href`."""
    if isinstance(links, list):
        found = [link for link in links if isinstance(link, dict)]
        link = next((one.get("href") for one in found if one.get("rel") == "next"), None)
        link = link or next((one.get("next") for one in found if "next" in one), None)
    else:
        link = links.get("next") if isinstance(links, dict) else None
    if isinstance(link, dict):
        link = link.get("href")
    return link.strip() or None if isinstance(link, str) else None


def next_url(decoded: Page, url: str) -> str | None:
    """Address of the page after this one, which came from `url`; None when it was the last.

    A link to the page itself, which some servers put on the last page, ends the
    round. Which hosts may be asked is for the fetch to judge.

    Raises:
        PayloadError: link_unreadable.
    """
    if decoded.next is None:
        return None
    try:
        link = urldefrag(urljoin(url, decoded.next)).url
    except ValueError:
        raise PayloadError("link_unreadable", f"links.next is no address: {clean_error(decoded.next, 80)}") from None
    return None if link == urldefrag(url).url else link
