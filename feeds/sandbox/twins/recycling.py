"""Recycling centres of the simulated city: slots, bookings and arrivals as counts. A plate was never here."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.lots import draw
from feeds.sandbox.twins import Asked, Offer, Twin

LONDON: Final = ZoneInfo("Europe/London")
SLOT_S: Final = 1800
# Site and places a slot; open from 08:00 to 18:00.
SITES: Final = (("Bleak Hall (SANDBOX)", 30), ("Newport Pagnell (SANDBOX)", 20), ("New Bradwell (SANDBOX)", 24))


def build_slots(city: City, view: View, asked: Asked) -> bytes:
    """Today's and tomorrow's slots in the form of `docs/feeds/bookings.md`."""
    today = to_utc(view.at_s).astimezone(LONDON).date()
    slots: list[dict[str, Any]] = []
    for ahead in range(2):
        day = today + timedelta(days=ahead)
        opens_s = int(datetime(day.year, day.month, day.day, 8, tzinfo=LONDON).timestamp())
        slots += [
            _slot(city, view, site, places, opens_s + n * SLOT_S, day.weekday() >= 5)
            for site, places in SITES
            for n in range(20)
        ]
    if view.duplicated:
        slots += slots
    if view.drifted:
        slots = [{"centre": slot.pop("site"), **slot} for slot in slots]
    return orjson.dumps({"counted_at": _text(view.at_s + view.shift_s), "slots": slots})


def _slot(city: City, view: View, site: str, places: int, from_s: int, weekend: bool) -> dict[str, Any]:
    which = zlib.crc32(site.encode())
    wish = (0.95 if weekend else 0.7) * (0.5 + 0.8 * float(draw(city.seed, 321, which, from_s)))
    # On the day of a match or a festival people stay away from the tip.
    if any(g.starts_s <= from_s < g.ends_s for g in city.happenings.list_gatherings(from_s, 1, 1)):
        wish *= 0.7
    # And in the snow nearly everybody does.
    if city.happenings.find_snow(from_s):
        wish *= 0.3
    # Bookings fill up over the day before.
    filled = min(1.0, max(0.0, 1 - (from_s - view.at_s) / (2 * 86_400)))
    booked = min(places, round(places * wish * filled))
    passed = min(1.0, max(0.0, (view.at_s - from_s) / SLOT_S))
    came = round(booked * (0.85 + 0.15 * float(draw(city.seed, 322, which, from_s))))
    return {
        "site": site,
        "from": _text(from_s),
        "until": _text(from_s + SLOT_S),
        "capacity": places,
        "booked": booked,
        "booked_online": round(booked * (0.8 + 0.15 * float(draw(city.seed, 323, which, from_s)))),
        "arrivals": round(came * passed) if passed else None,
        "no_shows": booked - came if passed == 1.0 else None,
    }


def _text(moment_s: int) -> str:
    return to_utc(moment_s).astimezone(LONDON).isoformat()


TWIN = Twin(
    "recycling",
    (
        Offer(
            "/recycling/slots.json",
            "application/json",
            build_slots,
            "Recycling centres: slots as counts (our own form)",
        ),
    ),
    feeds="""
- name: recycling
  title: Recycling-centre slots
  adapter: bookings
  url: "{base}/recycling/slots.json"
  supplier: SANDBOX recycling centres
  every_s: 60
  ageing_after_s: 300
  stale_after_s: 900
""",
)
