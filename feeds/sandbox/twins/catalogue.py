"""The exchange's catalogue of itself: every path it offers, as DCAT-AP."""

from __future__ import annotations

import math
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import yaml

from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.twins import Asked, Offer, Twin, list_twins

_FREQUENCY: Final = "http://publications.europa.eu/resource/authority/frequency/"
_MEDIA: Final = "https://www.iana.org/assignments/media-types/"
_LICENCE: Final = "https://creativecommons.org/publicdomain/zero/1.0/"

# What the exchange offers beside its twins: path, name, media type, standard, seconds between renewals.
_FIRST: Final = (
    ("/gtfsrt/vehicle-positions", "Bus positions", "application/x-protobuf", "https://gtfs.org/realtime/", 2),
    ("/gtfsrt/trip-updates", "Bus trips", "application/x-protobuf", "https://gtfs.org/realtime/", 2),
    ("/gtfsrt/alerts", "Bus alerts", "application/x-protobuf", "https://gtfs.org/realtime/", 30),
    ("/api/v1/datafeed/", "Bus positions, national service", "text/xml", "https://www.siri-cen.eu/", 5),
    (
        "/mds/vehicles/status",
        "Delivery robots",
        "application/vnd.mds+json",
        "https://www.openmobilityfoundation.org/",
        1,
    ),
)
# Words of the EU authority table, by seconds; what is renewed faster is "continuous".
_WORDS: Final = (
    (86_400, "DAILY"),
    (3_600, "HOURLY"),
    (1_800, "30MIN"),
    (900, "15MIN"),
    (600, "10MIN"),
    (300, "5MIN"),
    (60, "1MIN"),
)


def build_catalogue(city: City, view: View, asked: Asked) -> bytes:
    """One dataset a path, in the order of the list of offers."""
    day_s = view.at_s // 86_400 * 86_400
    modified = to_utc(day_s + view.shift_s).strftime("%Y-%m-%dT%H:%M:%SZ")
    datasets = [_dataset(asked.base, modified, *about) for about in _FIRST]
    intervals = _list_intervals()
    for twin in list_twins():
        for offer in twin.offers:
            if "{" not in offer.path:
                kind = offer.kind.split(";")[0]
                datasets.append(
                    _dataset(asked.base, modified, offer.path, offer.words, kind, None, intervals.get(offer.path))
                )
    graph = {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
        },
        "@id": f"{asked.base}/catalogue.jsonld",
        "@type": "dcat:Catalog",
        "dct:title": {"@value": "SANDBOX exchange: a simulated city, nothing here is real", "@language": "en"},
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": "SANDBOX exchange"},
        "dcat:dataset": datasets + datasets if view.duplicated else datasets,
    }
    return orjson.dumps(graph, option=orjson.OPT_INDENT_2)


def _dataset(
    base: str, modified: str, path: str, title: str, media: str, standard: str | None, interval_s: float | None
) -> dict[str, Any]:
    address = f"{base}{path}"
    distribution: dict[str, Any] = {
        "@id": f"{address}#distribution",
        "@type": "dcat:Distribution",
        "dcat:accessURL": {"@id": address},
        "dcat:mediaType": {"@id": f"{_MEDIA}{media}"},
        "dct:license": {"@id": _LICENCE},
        "dct:modified": {"@value": modified, "@type": "http://www.w3.org/2001/XMLSchema#dateTime"},
    }
    if standard:
        distribution["dct:conformsTo"] = {"@id": standard}
    dataset: dict[str, Any] = {
        "@id": f"{address}#dataset",
        "@type": "dcat:Dataset",
        "dct:identifier": path.strip("/"),
        "dct:title": {"@value": title, "@language": "en"},
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": "SANDBOX exchange"},
        "dcat:distribution": [distribution],
    }
    if interval_s is not None:
        word = next((w for least_s, w in _WORDS if interval_s >= least_s), "UPDATE_CONT")
        dataset["dct:accrualPeriodicity"] = {"@id": f"{_FREQUENCY}{word}"}
        if word == "UPDATE_CONT":
            dataset["dcat:temporalResolution"] = {
                "@value": f"PT{interval_s:g}S",
                "@type": "http://www.w3.org/2001/XMLSchema#duration",
            }
    return dataset


def _list_intervals() -> dict[str, float]:
    """How often the feeds that go with the twins are asked, by path: that often there is something new."""
    found: dict[str, float] = {}
    for twin in list_twins():
        for feed in yaml.safe_load(twin.feeds) or []:
            path = urlsplit(str(feed["url"]).replace("{base}", "http://sandbox.invalid")).path
            # Several feeds may ask one path for different things.
            found[path] = min(float(feed.get("every_s", 15)), found.get(path, math.inf))
    return found


TWIN = Twin(
    "catalogue",
    (Offer("/catalogue.jsonld", "application/ld+json", build_catalogue, "DCAT-AP: what this exchange offers"),),
    feeds="""
- name: catalogue
  title: Catalogue of the exchange
  adapter: dcat
  url: "{base}/catalogue.jsonld"
  supplier: SANDBOX exchange
  every_s: 3600
  # The list is made anew each day.
  ageing_after_s: 172800
  stale_after_s: 345600
  leaves_map_after_s: 864000
""",
)
