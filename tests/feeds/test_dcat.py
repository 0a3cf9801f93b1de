"""DCAT-AP catalogues: nested and as a graph, prefixed and in full, and how often they promise renewal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.catalogue.frequency import read_interval_s
from feeds.dcat import ADAPTER, decode, next_url, observe
from feeds.feed import Feed, PayloadError, list_adapters
from tests.feeds.reading import full_row, read_one

NOW = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
FEED = Feed(name="offers", adapter="dcat", url="http://localhost/catalogue")
EU = "http://publications.europa.eu/resource/authority/frequency/"
DCAT, DCT = "http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/"

DISTRIBUTION: dict[str, Any] = {
    "@id": "http://x/d/1",
    "@type": "dcat:Distribution",
    "dcat:accessURL": {"@id": "https://data.example/buses?key=secret#top"},
    "dcat:mediaType": {"@id": "https://www.iana.org/assignments/media-types/text/csv"},
    "dct:license": {"@id": "https://creativecommons.org/licenses/by/4.0/"},
    "dct:conformsTo": {"@id": "https://gtfs.org/"},
    "dct:modified": {"@value": "2026-07-01T10:00:00Z", "@type": "xsd:dateTime"},
}
DATASET: dict[str, Any] = {
    "@id": "http://x/1",
    "@type": "dcat:Dataset",
    "dct:title": [{"@value": "Busse", "@language": "de"}, {"@value": "Buses", "@language": "en"}],
    "dct:publisher": {"@type": "foaf:Organization", "foaf:name": "City"},
    "dct:accrualPeriodicity": {"@id": f"{EU}DAILY"},
    "dcat:distribution": [DISTRIBUTION],
}


def catalogue(**changes: Any) -> dict[str, Any]:
    dataset = {k: v for k, v in {**DATASET, **changes}.items() if v is not None}
    return {"@context": {"dcat": DCAT}, "@id": "http://x/", "@type": "dcat:Catalog", "dcat:dataset": [dataset]}


def as_graph() -> dict[str, Any]:
    dataset = {
        **DATASET,
        "dcat:distribution": {"@id": "http://x/d/1"},
        "dct:publisher": {"@id": "_:p"},
    }
    publisher = {"@id": "_:p", "@type": "foaf:Organization", "foaf:name": "City"}
    return {"@graph": [DISTRIBUTION, {"@type": "dcat:Catalog", "dcat:dataset": "http://x/1"}, publisher, dataset]}


def in_full(value: Any) -> Any:
    """The same with every prefix written out."""
    if isinstance(value, list):
        return [in_full(v) for v in value]
    if not isinstance(value, dict):
        return value.replace("dcat:", DCAT) if isinstance(value, str) and value.startswith("dcat:") else value
    names = {"dcat:": DCAT, "dct:": DCT, "foaf:": "http://xmlns.com/foaf/0.1/"}
    made = {}
    for name, held in value.items():
        full = next((full + name.removeprefix(p) for p, full in names.items() if name.startswith(p)), name)
        made[full] = in_full(held)
    return made


def without_prefix(value: Any) -> Any:
    """The same as the framed documents of some portals write it."""
    if isinstance(value, list):
        return [without_prefix(v) for v in value]
    return {k.rpartition(":")[2]: without_prefix(v) for k, v in value.items()} if isinstance(value, dict) else value


def read(whole: Any) -> Batch:
    return read_one(ADAPTER, FEED, NOW, json.dumps(whole).encode())


@pytest.mark.parametrize(
    "whole",
    [catalogue(), as_graph(), in_full(catalogue()), [in_full(catalogue())], without_prefix(catalogue())],
    ids=["nested", "graph", "in full", "expanded", "without prefix"],
)
def test_each_shape_of_json_ld_gives_the_same_offer(whole):
    """A row is a distribution; English is preferred; the address loses its query."""
    batch = read(whole)
    row = full_row(batch)

    assert (batch.rejects, batch.warnings) == ({}, {})
    assert row["dataset_key"] == "offers:http://x/1/http://x/d/1"
    assert (row["title"], row["publisher"], row["interval_s"]) == ("Buses", "City", 86_400)
    assert (row["access_url"], row["media_type"]) == ("https://data.example/buses", "text/csv")
    assert (row["conforms_to"], row["licence"]) == ("https://gtfs.org/", "https://creativecommons.org/licenses/by/4.0/")
    assert row["modified_at"] == row["observed_at"] == "2026-07-01T10:00:00Z"


@pytest.mark.parametrize(
    ("text", "interval_s", "known"),
    [
        (f"{EU}HOURLY", 3_600, True),
        (f"{EU}15MIN", 900, True),
        (f"{EU}UPDATE_CONT", None, True),
        (f"{EU}IRREG", None, True),
        ("http://purl.org/cld/freq/weekly", 604_800, True),
        ("R/PT10S", 10, True),
        ("R/P1D", 86_400, True),
        ("R/P1Y", 31_536_000, True),
        ("PT0S", None, True),
        ("whenever we like", None, False),
    ],
)
def test_frequencies_become_seconds(text, interval_s, known):
    """Words of both vocabularies, and ISO 8601."""
    assert read_interval_s(text) == (interval_s, known)


def test_what_is_continuous_is_expected_by_its_resolution_in_time():
    """Continuous alone promises nothing that one could be late by."""
    offer = catalogue(
        **{"dct:accrualPeriodicity": {"@id": f"{EU}UPDATE_CONT"}, "dcat:temporalResolution": {"@value": "PT2S"}}
    )
    assert full_row(read(offer))["interval_s"] == 2


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"dcat:distribution": None}, "distribution_missing"),
        ({"dct:accrualPeriodicity": "sometimes"}, "interval_unknown"),
        ({"dcat:distribution": {**DISTRIBUTION, "dcat:accessURL": "ftp://x/y"}}, "address_unusable"),
        ({"dcat:distribution": {**DISTRIBUTION, "dcat:accessURL": "javascript:alert(1)"}}, "address_unusable"),
        ({"dcat:distribution": {**DISTRIBUTION, "dct:modified": "last week"}}, "modified_unreadable"),
        ({"dcat:distribution": {**DISTRIBUTION, "dct:modified": "2027-01-01T00:00:00Z"}}, "modified_in_future"),
    ],
)
def test_each_kind_of_dirt_is_counted_and_the_offer_kept(changes, warning):
    """What is odd about an offer is left unknown."""
    batch = read(catalogue(**changes))
    assert batch.warnings == {warning: 1} and len(batch.table) == 1


def test_a_dataset_without_a_name_is_rejected_and_a_repeated_one_counted():
    """Nothing can be compared with what has no identity."""
    nameless = {k: v for k, v in DATASET.items() if k != "@id"}
    batch = read({"@type": "dcat:Catalog", "dcat:dataset": [nameless, DATASET]})
    assert (len(batch.table), batch.rejects) == (1, {"id_missing": 1})


def test_credentials_in_an_address_never_come_through():
    """Neither user nor key."""
    offer = {**DISTRIBUTION, "dcat:accessURL": "https://user:pw@Data.example/x?api_key=k"}
    assert full_row(read(catalogue(**{"dcat:distribution": offer})))["access_url"] == "https://data.example/x"


def test_the_next_page_of_a_paged_catalogue_is_followed():
    """Hydra's word for it; the last page has none."""
    paged = {"@graph": [catalogue(), {"@id": "p", "@type": "hydra:PagedCollection", "hydra:nextPage": "?page=2"}]}
    graph = decode(json.dumps(paged).encode())

    assert next_url(graph, "http://x/c?page=1") == "http://x/c?page=2"
    assert next_url(graph, "http://x/c?page=2") is None
    assert next_url(decode(json.dumps(catalogue()).encode()), "http://x/") is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"<rdf/>", "not_json"),
        (b"3", "not_dcat"),
        (b'{"type": "FeatureCollection", "features": []}', "not_dcat"),
        (b'{"@type":"dcat:Catalog","a":' + b'{"a":' * 60 + b"1" + b"}" * 61, "too_deep"),
    ],
)
def test_bodies_of_something_else_are_refused(body, reason):
    """Each whole-body fault by name."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_an_empty_catalogue_is_a_valid_answer():
    """It offers nothing."""
    assert len(read({"@type": "dcat:Catalog"}).table) == 0


def test_only_this_adapter_knows_its_catalogues():
    """At most one adapter claims a body."""
    for whole in (catalogue(), in_full(catalogue())):
        body = json.dumps(whole).encode()
        assert [a.name for a in list_adapters().values() if a.looks_like(body)] == [ADAPTER.name]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*DATASET, *DISTRIBUTION, "@value", "@graph"]), inner)
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=200)
    | st.dictionaries(st.sampled_from(list(DATASET)), VALUES).map(lambda d: json.dumps(catalogue(**d)).encode())
    | st.dictionaries(st.sampled_from(list(DISTRIBUTION)), VALUES).map(
        lambda d: json.dumps(catalogue(**{"dcat:distribution": [{**DISTRIBUTION, **d}]})).encode()
    )
)
def test_any_bytes_give_rows_or_a_payload_error(body):
    """Nothing else, whatever comes."""
    try:
        (batch,) = observe([decode(body)], FEED, NOW)
    except PayloadError as error:
        assert error.reason
    else:
        assert len(batch.table) <= 10
