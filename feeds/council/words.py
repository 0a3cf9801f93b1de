"""Where a request stands, and how it came in: suppliers' words in the city's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from control_room.model import REQUEST
from feeds.feed import Feed
from feeds.text import clean_text

STATUSES: Final = REQUEST.by_name["status"].values
OPEN: Final = frozenset({"open", "planned", "in_progress", "investigating"})
CLOSED: Final = frozenset({"closed", "no_further_action"})

# GeoReport v2 knows open and closed. The rest is what UK councils and the sites that report to them add.
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "open": ("open", "new", "submitted", "received", "confirmed", "acknowledged", "reopened", "active", "pending"),
    "planned": ("planned", "scheduled", "action_scheduled", "programmed", "work_ordered"),
    "in_progress": ("in_progress", "inprogress", "processing", "assigned", "started", "allocated", "on_hold"),
    "investigating": ("investigating", "under_investigation", "under_review", "awaiting_inspection", "inspecting"),
    "closed": (
        "closed",
        "close",
        "fixed",
        "fixed_council",
        "fixed_user",
        "resolved",
        "complete",
        "completed",
        "done",
        "internal_referral",
    ),
    "no_further_action": (
        "no_further_action",
        "nfa",
        "duplicate",
        "not_responsible",
        "not_councils_responsibility",
        "not_council_responsibility",
        "unable_to_fix",
        "no_defect_found",
        "rejected",
        "cancelled",
        "canceled",
        "withdrawn",
        "invalid",
    ),
}
_BY_WORD: Final[Mapping[str, str]] = {word: status for status, words in _WORDS.items() for word in words}

_CHANNELS: Final = (
    ("phone", re.compile(r"phone|call|voice|ivr", re.IGNORECASE)),
    ("app", re.compile(r"\bapp\b|mobile|ios|android|iphone", re.IGNORECASE)),
    ("online", re.compile(r"web|online|internet|portal|site|form", re.IGNORECASE)),
    ("email", re.compile(r"mail", re.IGNORECASE)),
    ("in_person", re.compile(r"face|person|counter|desk|walk", re.IGNORECASE)),
    ("staff", re.compile(r"officer|staff|inspector|crew|proactive", re.IGNORECASE)),
)


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower().replace("'", "").replace("’", "")).strip("_")


def read_status(said: str | None, own: Mapping[str, str]) -> str:
    """The city's word for a supplier's; "unknown" where nobody said what it means.

    Args:
        own: the feed's option `statuses`, keys as `own_statuses` makes them.
    """
    if not said:
        return "unknown"
    key = _key(said)
    return own.get(key) or _BY_WORD.get(key, "unknown")


def is_open(status: str) -> bool | None:
    """Whether somebody still has to act; None where that cannot be told."""
    return True if status in OPEN else False if status in CLOSED else None


def own_statuses(feed: Feed) -> dict[str, str]:
    """The feed's option `statuses`: the supplier's word -> one of STATUSES.

    Raises:
        ValueError: no mapping, or an unknown status; the text names it.
    """
    given: Any = feed.options.get("statuses") or {}
    if not isinstance(given, Mapping):
        raise ValueError("options.statuses is a mapping of the supplier's words to ours")
    for word, status in given.items():
        if status not in STATUSES:
            raise ValueError(f"options.statuses: {word}: {status!r} is not one of {', '.join(STATUSES)}")
    return {_key(str(word)): str(status) for word, status in given.items()}


def find_channel(said: object) -> str | None:
    """How a request came in, as one of a few words; the supplier's own text is never kept."""
    text = clean_text(said, 60)
    if text is None:
        return None
    return next((word for word, form in _CHANNELS if form.search(text)), None)
