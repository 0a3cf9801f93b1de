"""Online processes and integrations of the simulated council, as NGSI-LD key performance indicators."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import orjson

from feeds.sandbox.bus_movement import local_hour
from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.lots import draw
from feeds.sandbox.twins import Asked, Offer, Refusal, Twin

PROCESSES: Final = 180
INTEGRATIONS: Final = 95
PERIOD_S: Final = 300
MAX_LIMIT: Final = 1000
CONTEXT: Final = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
_WORKS: Final = ("Apply for", "Report", "Pay", "Renew", "Book", "Cancel", "Ask about", "Change", "Track", "Appeal")
_MATTERS: Final = (
    "council tax", "a parking permit", "a school place", "a blue badge", "bulky waste", "a garden bin", "housing repairs",
    "benefits", "a licence", "planning advice", "a birth certificate", "a library card", "an allotment", "a street party",
    "a skip permit", "a noise complaint", "electoral roll", "business rates",
)  # fmt: skip
_SYSTEMS: Final = (
    "CRM",
    "Payments",
    "Waste rounds",
    "Planning",
    "Housing",
    "Revenues",
    "Identity",
    "Mail",
    "Maps",
    "Records",
)


def build_entities(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """GET /ngsi-ld/v1/entities of that type, by limit and offset."""
    limit, offset = asked.query.get("limit", "20"), asked.query.get("offset", "0")
    if not all(text.isascii() and text.isdigit() and len(text) < 7 for text in (limit, offset)):
        problem = {
            "type": "https://uri.etsi.org/ngsi-ld/errors/BadRequestData",
            "title": "limit and offset are numbers",
        }
        return Refusal(400, orjson.dumps(problem))
    rows = range(int(offset), min(int(offset) + min(int(limit), MAX_LIMIT), PROCESSES + INTEGRATIONS))
    entities = [_entity(city, view, number) for number in rows]
    return orjson.dumps(entities + entities if view.duplicated else entities)


def _entity(city: City, view: View, number: int) -> dict[str, Any]:
    seed = city.seed
    is_process = number < PROCESSES
    counted_s = view.at_s // PERIOD_S * PERIOD_S
    hour_number = counted_s // 3600
    trouble = float(draw(seed, 341, number, hour_number))
    name = process_name(number) if is_process else integration_name(number - PROCESSES)
    # One hour in two hundred goes badly, one in fifty is slow.
    standing = "bad" if trouble < 0.005 else "fair" if trouble < 0.02 else "good" if trouble < 0.6 else "very good"
    failing = {"bad": 0.5, "fair": 0.08}.get(standing, 0.004)
    # What was counted lies before the moment it was counted at.
    held = city.happenings.find_failing(name, counted_s - 1)
    if held is not None and held.failing_share > failing:
        failing = held.failing_share
        standing = "very bad" if failing >= 0.75 else "bad" if failing >= 0.2 else "fair"
    tide = float(np.exp(-((local_hour(np.asarray([counted_s]))[0] - 13.0) ** 2) / 25))
    busy = (2 + 60 * float(draw(seed, 342, number))) * (0.1 + tide)
    transactions = round(busy * (0.7 + 0.6 * float(draw(seed, 343, number, counted_s))))
    failures = min(transactions, int(transactions * failing + float(draw(seed, 344, number, counted_s))))
    slow = {"very bad": 8.0, "bad": 6.0, "fair": 2.5}.get(standing, 1.0)
    response_ms = round(slow * (180 + 700 * float(draw(seed, 345, number))) * (1 + 0.3 * tide))
    entity: dict[str, Any] = {
        "id": f"urn:ngsi-ld:KeyPerformanceIndicator:SANDBOX:{number + 1:03}",
        "type": "KeyPerformanceIndicator",
        "name": _property(f"{name} (SANDBOX)"),
        ("process" if is_process else "integration"): _property(name),
        "category": _property(["quantitative"]),
        "currentStanding": _property(standing),
        "transactions": _property(transactions),
        "failures": _property(failures),
        "responseTime": _property(response_ms, unitCode="C26"),
        "calculationFrequency": _property("every five minutes"),
        "calculationDate": _property({"@type": "DateTime", "@value": _text(counted_s + view.shift_s)}),
        "@context": CONTEXT,
    }
    if is_process:
        entity["onlineShare"] = _property(round(40 + 58 * float(draw(seed, 346, number)), 1), unitCode="P1")
    if view.drifted:
        entity["standing"] = entity.pop("currentStanding")
        entity["transactions"] = _property(str(transactions))
    return entity


def process_name(number: int) -> str:
    """Each process has a name of its own: ten works by eighteen matters."""
    return f"{_WORKS[number % 10]} {_MATTERS[number // 10]}"


def integration_name(number: int) -> str:
    """Ninety directed pairs of ten systems, then five that go to the exchange."""
    if number >= 90:
        return f"{_SYSTEMS[number - 90]} to Exchange"
    source, other = divmod(number, 9)
    return f"{_SYSTEMS[source]} to {_SYSTEMS[other if other < source else other + 1]}"


def _property(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def _text(moment_s: int) -> str:
    return to_utc(moment_s).strftime("%Y-%m-%dT%H:%M:%SZ")


TWIN = Twin(
    "digital_services",
    (
        Offer(
            "/council/ngsi-ld/v1/entities",
            "application/ld+json",
            build_entities,
            "NGSI-LD: indicators of online processes and integrations",
        ),
    ),
    feeds="""
- name: digital_services
  title: Online processes and integrations
  adapter: services_kpi
  url: "{base}/council/ngsi-ld/v1/entities"
  params: {type: KeyPerformanceIndicator, limit: "500"}
  supplier: SANDBOX digital services
  every_s: 60
  # Worked out every five minutes.
  ageing_after_s: 600
  stale_after_s: 1200
""",
)
