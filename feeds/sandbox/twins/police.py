"""Months of simulated crime as data.police.uk publishes them: anchors near estates, one to two months late."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import orjson

from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.lots import draw
from feeds.sandbox.twins import Asked, Offer, Refusal, Twin

PUBLISHED_AFTER_DAYS: Final = 40
CRIMES: Final = 1_800
ANCHORS: Final = 40
_CATEGORIES: Final = (
    ("anti-social-behaviour", 0.3),
    ("violent-crime", 0.28),
    ("vehicle-crime", 0.14),
    ("shoplifting", 0.12),
    ("criminal-damage-arson", 0.1),
    ("burglary", 0.06),
)


def build_month(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """The month asked for by `date=YYYY-MM`, or the latest; 404 where it is not published."""
    latest = _month_before(to_utc(view.at_s - PUBLISHED_AFTER_DAYS * 86_400).date())
    month = asked.query.get("date", latest)
    if not re.fullmatch(r"20[0-9]{2}-(?:0[1-9]|1[0-2])", month):
        return Refusal(400, b"Bad Request", "text/plain")
    if month > latest:
        return Refusal(404, b"Not Found", "text/plain")
    number = int(month.replace("-", ""))
    estates = city.ground.estates
    row = np.arange(CRIMES)
    anchor = (draw(city.seed, 361, number, row) ** 2 * ANCHORS).astype(np.int64)
    shares = np.cumsum([share for _, share in _CATEGORIES])
    category = np.searchsorted(shares, draw(city.seed, 362, number, row) * shares[-1], side="right")
    where = (draw(city.seed, 363, np.arange(ANCHORS)) * len(estates)).astype(np.int64)
    x, y = np.array([estates[i].spot[0] for i in where]), np.array([estates[i].spot[1] for i in where])
    longitude, latitude = city.degrees(x, y)
    crimes = [
        {
            "category": _CATEGORIES[min(int(category[i]), len(_CATEGORIES) - 1)][0],
            "location_type": "Force",
            "location": {
                "latitude": f"{latitude[anchor[i]]:.6f}",
                "street": {"id": int(anchor[i]) + 1, "name": "On or near SANDBOX Street"},
                "longitude": f"{longitude[anchor[i]]:.6f}",
            },
            "context": "",
            "outcome_status": None,
            "persistent_id": "",
            "id": number * 10_000 + i,
            "location_subtype": "",
            ("monat" if view.drifted else "month"): month,
        }
        for i in range(CRIMES)
    ]
    return orjson.dumps(crimes)


def _month_before(day: date) -> str:
    """The month before that of a day."""
    return (datetime(day.year, day.month, 1, tzinfo=UTC) - timedelta(days=1)).strftime("%Y-%m")


TWIN = Twin(
    "police",
    (
        Offer(
            "/police/api/crimes-street/all-crime",
            "application/json",
            build_month,
            "data.police.uk: street-level crime of a month",
        ),
    ),
    feeds="""
- name: crime
  title: Crime by month
  adapter: police_uk
  url: "{base}/police/api/crimes-street/all-crime"
  supplier: SANDBOX police
  every_s: 86400
  # The newest month ended forty to seventy days ago.
  ageing_after_s: 7776000
  stale_after_s: 10368000
  leaves_map_after_s: 20736000
""",
)
