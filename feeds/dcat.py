"""The exchange's catalogue: which data it offers, where, under which licence, how often renewed.

Source   DCAT-AP as JSON-LD, nested or as a graph; a row is one distribution of a dataset, or a dataset without any
Cadence  asked a few times a day
Units    interval_s from accrualPeriodicity (EU frequencies, Dublin Core, ISO 8601), from temporalResolution where that
         says "continuous"
Gaps     what is not said stays unknown; an address that is no http(s) address is left out and counted
Trust    it lists; it never switches a feed on. Addresses lose their query and user part, and are never asked;
         a context is never fetched

`docs/feeds/dcat.md` lists every reason a row or an answer is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from control_room.model import DATASET, Batch, Table
from feeds.catalogue.frequency import read_interval_s
from feeds.catalogue.graph import Graph, Node, find_text, shorten
from feeds.checks import EARLIEST, Tally, batch_of, is_ahead, keep_newest, refuse_too_many, table_of
from feeds.feed import Adapter, Feed, PayloadError
from feeds.iso_times import read_date, read_time
from feeds.json_body import load_json
from feeds.text import clean_text

Row = dict[str, Any]


def decode(body: bytes) -> Graph:
    """One page of a catalogue.

    Raises:
        PayloadError: not_dcat (JSON without a catalogue or dataset), too_deep, and the reasons of `load_json`.
    """
    whole = load_json(body)
    if not isinstance(whole, dict | list):
        raise PayloadError("not_dcat", f"a JSON-LD catalogue was expected, {type(whole).__name__} came")
    graph = Graph(whole)
    if not graph.list_of("Catalog") and not _list_datasets(graph):
        there = ", ".join(dict.fromkeys(clean_text(n, 30) or "?" for node in graph.nodes[:3] for n in list(node)[:4]))
        raise PayloadError("not_dcat", f"no dcat:Catalog and no dcat:Dataset is in the answer; it holds {there or '-'}")
    return graph


def next_url(decoded: Graph, url: str) -> str | None:
    """The next page of a paged catalogue (Hydra), None on the last."""
    for node in decoded.list_of("PagedCollection", "PartialCollectionView"):
        link = find_text(node, "nextPage", "next")
        if link and (address := urljoin(url, link)) != url:
            return address
    return None


def observe(decoded: Sequence[Graph], feed: Feed, received_at: datetime) -> list[Batch]:
    """Distributions in the city's words: one batch of kind dataset.

    Raises:
        PayloadError: too_many_rows (the feed's own limit).
    """
    tally = Tally()
    rows: list[Row] = []
    for graph in decoded:
        for dataset in _list_datasets(graph):
            for row in _read_dataset(graph, dataset, received_at, tally):
                rows.append(row)
                refuse_too_many(len(rows), feed)
    rows = keep_newest(rows, "key", tally)
    return [batch_of(DATASET, _build_table(rows, feed, received_at), feed, received_at, tally)]


def _list_datasets(graph: Graph) -> list[Node]:
    found = graph.list_of("Dataset", "DatasetSeries")
    known = {id(node) for node in found}
    # Some catalogues leave the type of what they list under dcat:dataset unsaid.
    for catalogue in graph.list_of("Catalog"):
        for node in graph.follow(catalogue, "dataset"):
            if id(node) not in known:
                known.add(id(node))
                found.append(node)
    return found


def _read_dataset(graph: Graph, dataset: Node, received_at: datetime, tally: Tally) -> Iterator[Row]:
    dataset_id = clean_text(find_text(dataset, "identifier", "@id"), 300)
    if dataset_id is None:
        tally.reject("id_missing", find_text(dataset, "title"))
        return
    distributions = list(graph.follow(dataset, "distribution"))
    if not distributions:
        tally.warn("distribution_missing")
    publisher = next(graph.follow(dataset, "publisher"), None)
    about = {
        "dataset_id": dataset_id,
        "title": clean_text(find_text(dataset, "title"), 200),
        "publisher": clean_text(
            find_text(publisher, "name", "title", "label", "@id") if publisher else find_text(dataset, "publisher"), 160
        ),
        "interval_s": _read_interval(dataset, tally),
    }
    for number, distribution in enumerate(distributions or [{}]):
        address = _read_address(graph, distribution, tally)
        modified = _read_modified(distribution, dataset, received_at, tally)
        own_id = clean_text(find_text(distribution, "@id"), 300)
        yield {
            **about,
            "key": f"{dataset_id}/{own_id or address or number}",
            "access_url": address,
            "media_type": _read_word(distribution, "mediaType", "format"),
            "conforms_to": _read_named(graph, distribution, "conformsTo") or _read_named(graph, dataset, "conformsTo"),
            "licence": _read_named(graph, distribution, "license") or _read_named(graph, dataset, "license"),
            "modified_at": modified,
            "observed_at": modified,
        }


def _read_interval(dataset: Node, tally: Tally) -> float | None:
    text = find_text(dataset, "accrualPeriodicity")
    if text is None:
        return None
    interval_s, known = read_interval_s(text)
    if not known:
        tally.warn("interval_unknown")
    if interval_s is None and known and (finest := find_text(dataset, "temporalResolution")):
        # "Continuous" says nothing one can be late by; the resolution in time does.
        interval_s, _ = read_interval_s(finest)
    return interval_s


def _read_address(graph: Graph, distribution: Node, tally: Tally) -> str | None:
    text = find_text(distribution, "accessURL", "downloadURL")
    if text is None:
        service = next(graph.follow(distribution, "accessService"), None)
        text = find_text(service, "endpointURL") if service else None
    if text is None:
        return None
    try:
        parts = urlsplit(text.strip())
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme.lower() not in ("http", "https"):
        tally.warn("address_unusable")
        return None
    # Query and user part may hold somebody's key; whoever writes a feed file needs to look it up anyway.
    return clean_text(f"{parts.scheme.lower()}://{parts.netloc.rpartition('@')[2].lower()}{parts.path}", 500)


def _read_modified(distribution: Node, dataset: Node, received_at: datetime, tally: Tally) -> datetime | None:
    for node in (distribution, dataset):
        text = find_text(node, "modified", "issued")
        if text is None:
            continue
        day = read_date(text.strip())
        moment = read_time(f"{day}T00:00:00Z" if day else text)
        if moment is None:
            tally.warn("modified_unreadable")
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if moment < EARLIEST and day is None:
            tally.warn("modified_unreadable")
            continue
        if is_ahead(moment, received_at):
            tally.warn("modified_in_future")
            continue
        return moment
    return None


def _read_word(node: Node, *names: str) -> str | None:
    """A media type or format; of an address in a vocabulary, its last parts."""
    text = find_text(node, *names)
    if text is None:
        return None
    text = text.strip()
    # The media types of IANA keep their slash: …/media-types/text/csv.
    _, found, media = text.partition("/media-types/")
    return clean_text(media if found else shorten(text) if text.startswith("http") else text, 80)


def _read_named(graph: Graph, node: Node, name: str) -> str | None:
    """A standard or licence by its title where the answer says it, else its address or text."""
    for named in graph.follow(node, name):
        if said := find_text(named, "title", "label", "name", "@id"):
            return clean_text(said, 200)
    return clean_text(find_text(node, name), 200)


COLUMNS: Final = (
    "dataset_id",
    "title",
    "publisher",
    "access_url",
    "media_type",
    "conforms_to",
    "licence",
    "interval_s",
    "modified_at",
    "observed_at",
)


def _build_table(rows: list[Row], feed: Feed, received_at: datetime) -> Table:
    return table_of(
        DATASET, rows, COLUMNS, feed, received_at, dataset_key=[f"{feed.name}:{row['key']}" for row in rows]
    )


def looks_like(body: bytes) -> bool:
    """Whether this is probably a DCAT catalogue in JSON-LD."""
    start = body[:65_536].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in (b"{", b"[") and (b"ns/dcat#" in start or b"dcat:Catalog" in start or b"dcat:Dataset" in start)


ADAPTER = Adapter(
    name="dcat",
    accept="application/ld+json, application/json;q=0.8",
    decode=decode,
    observe=observe,
    kinds=("dataset",),
    next_url=next_url,
    looks_like=looks_like,
)
