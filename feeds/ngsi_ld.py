"""Anything a context broker tells us by NGSI-LD: vehicles, air quality, car parks, indicators.

Source   NGSI-LD 1.x (ETSI GS CIM 009), GET /ngsi-ld/v1/entities?type=…&limit=…, also NGSI v2 served as LD
Cadence  asked as the feed says; pages by limit and offset until one is short
Units    unitCode (UN/CEFACT) where the answer states it, else what the mapping says; leaves in ours
Gaps     what no mapping names is dropped and counted; missing stays unknown
Mapping  the feed's options, or one of `feeds/ngsi/mappings/` by the entity's type

`docs/feeds/ngsi_ld.md` lists shapes, reasons and options; `docs/mapping.md` is the mapping's manual.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from control_room.model import Batch
from feeds.checks import Tally, refuse_too_many
from feeds.feed import Adapter, Feed, PayloadError
from feeds.mapped.options import IDENTITIES
from feeds.mapping import MappingOptions, Reading, Row, build_batch, check, list_mapped, list_unlisted, read_record
from feeds.ngsi.builtin import list_builtin
from feeds.ngsi.entities import Page, decode, read_entity

# Attributes every broker may add to any entity.
_COMMON = frozenset({"id", "type", "dateCreated", "dateModified", "seeAlso", "scope"})


def _choose(options: Mapping[str, Any]) -> Mapping[str, MappingOptions] | MappingOptions:
    """The feed's own mapping, or those we bring along by type.

    Options without a mapping of their own: `mapping` may name one of ours for
    all entities, and `zone`, `ignore`, `time_format` and `missing` then change it.

    Raises:
        ValueError: one sentence that names the field.
    """
    own = options.get("mapping")
    if isinstance(own, Mapping):
        return check(MappingOptions, options)
    builtin = list_builtin()
    changes = {name: value for name, value in options.items() if name not in ("mapping", "kind")}
    if strange := set(changes) - {"zone", "ignore", "time_format", "missing"}:
        raise ValueError(f"{min(strange)}: is no option here without a mapping of the feed's own")
    if own is not None and own not in builtin:
        raise ValueError(f"mapping: {own!r} is none of ours; there are: {', '.join(builtin)}")
    if "kind" in options and (own is None or builtin[own].kind != options["kind"]):
        raise ValueError(f"kind: {options['kind']!r} needs a mapping of the feed's own")
    changed = {
        name: check(MappingOptions, mapping.model_dump() | changes) if changes else mapping
        for name, mapping in builtin.items()
    }
    return changed if own is None else changed[own]


def observe(decoded: Sequence[Page], feed: Feed, received_at: datetime) -> list[Batch]:
    """Entities in the city's words: a batch a kind.

    Args:
        decoded: pages of one poll.
        received_at: aware; judges times from the future.

    Raises:
        PayloadError: too_many_rows, options_wrong.
    """
    refuse_too_many(sum(len(page.entities) for page in decoded), feed, "entities")
    try:
        chosen = _choose(feed.options)
    except ValueError as error:
        raise PayloadError("options_wrong", f"feed {feed.name}: options: {error}; see docs/mapping.md") from None
    rows: dict[str, list[Row]] = defaultdict(list)
    tallies: dict[str, Tally] = defaultdict(Tally)
    used: dict[str, MappingOptions] = {}
    names: dict[str, set[str]] = defaultdict(set)
    common = Tally()
    for item in (item for page in decoded for item in page.entities):
        entity = read_entity(item)
        if entity is None:
            common.reject("entity_unreadable", type(item).__name__)
            continue
        options = chosen if isinstance(chosen, MappingOptions) else chosen.get(entity.type)
        if options is None:
            common.reject("type_unmapped", entity.type)
            continue
        used[options.kind] = options
        made = read_record(entity.record, Reading(options, feed, received_at), tallies[options.kind])
        if made:
            for oddity in entity.oddities:
                tallies[options.kind].warn(oddity)
        rows[options.kind] += made
        names[entity.type] |= entity.record.keys()
    for sort, found in names.items():
        options = chosen if isinstance(chosen, MappingOptions) else chosen[sort]
        if unlisted := list_unlisted(found - _COMMON, options):
            tallies[options.kind].warnings["unlisted_field"] += len(unlisted)
    return _build_batches(used, rows, tallies, common, chosen, feed, received_at)


def _build_batches(
    used: Mapping[str, MappingOptions],
    rows: Mapping[str, list[Row]],
    tallies: Mapping[str, Tally],
    common: Tally,
    chosen: Mapping[str, MappingOptions] | MappingOptions,
    feed: Feed,
    received_at: datetime,
) -> list[Batch]:
    if not used:
        # An empty answer is an answer: about the kind that was expected.
        fallback = chosen if isinstance(chosen, MappingOptions) else chosen["AirQualityObserved"]
        return [build_batch([], fallback, feed, received_at, common)]
    batches = []
    for number, (kind, options) in enumerate(used.items()):
        tally = tallies[kind]
        if number == 0:
            tally.rejects.update(common.rejects)
            tally.offending.update(common.offending)
        batches.append(build_batch(rows[kind], options, feed, received_at, tally))
    return batches


def next_url(decoded: Page, url: str) -> str | None:
    """The address with the next offset; None after a page shorter than its limit, or where no limit was asked for.

    The total stands in a header (NGSILD-Results-Count) only when asked for with
    count=true, and brokers miscount; a short page is proof enough.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query, keep_blank_values=True)
    limit, offset = query.get("limit", [""])[-1], query.get("offset", ["0"])[-1]
    if not (limit.isascii() and limit.isdigit() and offset.isascii() and offset.isdigit()) or len(limit + offset) > 15:
        return None
    if int(limit) == 0 or len(decoded.entities) < int(limit):
        return None
    query["offset"] = [str(int(offset) + int(limit))]
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True)))


def list_published(feed: Feed) -> list[tuple[str, str]]:
    """Fields that the feed's mapping speaks of, or those of every mapping that is built in; and what each entity has."""
    chosen = _choose(feed.options)
    used = [chosen] if isinstance(chosen, MappingOptions) else list(chosen.values())
    common = [(f"{name}.**", "envelope") for name in ("id", "type", "@context", "scope")]
    return common + [(p.removeprefix("**."), mark) for options in used for p, mark in list_mapped(options)]


def looks_like(body: bytes) -> bool:
    """Whether this is probably an NGSI-LD answer: JSON with one of its names."""
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and b"urn:ngsi-ld:" in body[:65_536]


ADAPTER = Adapter(
    name="ngsi_ld",
    accept="application/ld+json, application/json",
    decode=decode,
    observe=observe,
    kinds=tuple(sorted(IDENTITIES, key=lambda kind: kind != "environment")),
    next_url=next_url,
    looks_like=looks_like,
    check_options=lambda feed: _choose(feed.options),
    list_published=list_published,
)
