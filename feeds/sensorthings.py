"""Air and weather from OGC SensorThings: the last value of each datastream.

Source   SensorThings API 1.1 (and 1.0), GET /Datastreams with Thing($expand=Locations), ObservedProperty and the
         newest of Observations expanded; also Things with Datastreams expanded
Cadence  asked as the feed says; pages by @iot.nextLink at the top level only
Units    unitOfMeasurement says what arrives; known quantities leave in ours, others in their own
Gaps     a datastream without an observation is counted, not shown as zero
Doubt    a value that no working sensor gives (PM2.5 of 750) is kept and marked `is_suspect`

`docs/feeds/sensorthings.md` lists the reasons and the options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control_room.model import ENVIRONMENT, Batch, Table, to_ms
from feeds.checks import Tally, batch_of, keep_newest, refuse_too_many
from feeds.feed import Adapter, Feed, PayloadError
from feeds.json_body import load_json
from feeds.mapped.options import say
from feeds.sensors.streams import Answer, Row, read_stream
from feeds.text import clean_error, clean_text

_LISTED: Final = (
    "station_id",
    "title",
    "latitude",
    "longitude",
    "quantity",
    "value",
    "unit",
    "is_suspect",
    "observed_at",
)


class Options(BaseModel):
    """What a feed file may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quantities: Mapping[str, str] = Field(default_factory=dict, description="observed property as sent -> our name")


def decode(body: bytes) -> Answer:
    """One page.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, sensorthings_error
            (the server says that it failed), not_sensorthings.
    """
    answer = load_json(body)
    if not isinstance(answer, dict):
        raise PayloadError("not_sensorthings", f"an object was expected, {type(answer).__name__} came")
    link = answer.get("@iot.nextLink")
    following = link.strip() or None if isinstance(link, str) else None
    if isinstance(answer.get("value"), list):
        return Answer(answer["value"], following)
    if "Datastreams" in answer or "Observations" in answer:
        return Answer([answer], None)
    if answer.get("type") == "error" or "message" in answer or "error" in answer:
        said = clean_error(answer.get("message") or answer.get("error")) or "no reason given"
        raise PayloadError("sensorthings_error", f"the server answers that it failed: {said}")
    there = ", ".join(clean_text(str(name), 30) or "?" for name in list(answer)[:6]) or "nothing"
    raise PayloadError("not_sensorthings", f"a list 'value' was expected; the answer holds {there}")


def observe(decoded: Sequence[Answer], feed: Feed, received_at: datetime) -> list[Batch]:
    """The newest value of each datastream: one batch of kind environment.

    Raises:
        PayloadError: too_many_rows, options_wrong.
    """
    refuse_too_many(sum(len(page.items) for page in decoded), feed, "datastreams")
    try:
        words = check(feed).quantities
    except ValueError as error:
        raise PayloadError("options_wrong", f"feed {feed.name}: options: {error}") from None
    tally = Tally()
    rows: list[Row] = []
    for item in (item for page in decoded for item in page.items):
        for stream, thing in _list_streams(item):
            row = read_stream(stream, thing, words, received_at, tally)
            if row is not None:
                rows.append(row)
    rows = keep_newest(rows, "stream_id", tally)
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in _LISTED}
    # By datastream, not by quantity: a station may have two sensors of one sort.
    columns["environment_key"] = [f"{feed.name}:{row['stream_id']}" for row in rows]
    columns["feed"] = [feed.name] * len(rows)
    columns["received_at"] = np.full(len(rows), to_ms(received_at))
    return [batch_of(ENVIRONMENT, Table.of(ENVIRONMENT, columns), feed, received_at, tally)]


def _list_streams(item: Any) -> list[tuple[Any, Any]]:
    """The datastreams of an item, each with its thing: the item itself, or those expanded in a thing."""
    if isinstance(item, dict) and isinstance(item.get("Datastreams"), list):
        return [(stream, item) for stream in item["Datastreams"]]
    return [(item, item.get("Thing") if isinstance(item, dict) else None)]


def next_url(decoded: Answer, url: str) -> str | None:
    """Address of the next page; None after the last, and where the link leaves the server that was asked.

    Only the link at the top level counts: each nested list carries one of its
    own, which leads to the whole past of a sensor.

    Raises:
        PayloadError: link_unreadable.
    """
    if decoded.next is None:
        return None
    try:
        link = urljoin(url, decoded.next)
        here, there = urlsplit(url), urlsplit(link)
    except ValueError:
        raise PayloadError("link_unreadable", "@iot.nextLink is no address") from None
    return link if (here.scheme, here.netloc) == (there.scheme, there.netloc) and link != url else None


def check(feed: Feed) -> Options:
    """The feed's options; ValueError with one sentence where they are wrong."""
    try:
        return Options.model_validate(dict(feed.options))
    except ValidationError as error:
        raise ValueError(say(error)) from None


def looks_like(body: bytes) -> bool:
    """Whether this is probably a SensorThings answer."""
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" and b'"@iot.' in body[:65_536]


ADAPTER = Adapter(
    name="sensorthings",
    accept="application/json",
    decode=decode,
    observe=observe,
    kinds=("environment",),
    next_url=next_url,
    looks_like=looks_like,
    check_options=check,
)
