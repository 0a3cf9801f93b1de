"""The list of 5G cells: each form of it, each kind of dirt, and bodies that are none."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.cell_inventory import ADAPTER, decode, looks_like, observe
from feeds.feed import Feed, PayloadError
from tests.feeds.reading import only, read_one

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
FEED = Feed(name="sites", adapter="cell_inventory", url="http://localhost/")
GOOD: dict[str, Any] = {
    "cell_id": "MK-1",
    "title": "Central, sector 1",
    "latitude": 52.04,
    "longitude": -0.76,
    "azimuth_deg": 120,
    "height_m": 24.5,
    "band": "n77",
    "technology": "NR",
}


def answer(*cells: Any, **envelope: Any) -> bytes:
    return orjson.dumps({"updated_at": "2026-03-01T00:00:00Z", "cells": list(cells), **envelope})


def read(body: bytes) -> Batch:
    return read_one(ADAPTER, FEED, NOW, body)


ROW = {
    **GOOD,
    "cell_key": "sites:MK-1",
    "feed": "sites",
    "observed_at": "2026-03-01T00:00:00Z",
    "received_at": "2026-03-02T12:00:30Z",
}
GEOJSON = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [-0.76, 52.04]},
            "properties": {k: v for k, v in GOOD.items() if k not in ("latitude", "longitude")},
        }
    ],
    "updated_at": "2026-03-01T00:00:00Z",
}
CSV = ",".join([*GOOD, "updated_at"]) + "\n" + ",".join(f'"{v}"' for v in GOOD.values()) + ",2026-03-01T00:00:00Z\n"


@pytest.mark.parametrize(
    "body",
    [
        answer(GOOD),
        orjson.dumps([{**GOOD, "updated_at": "2026-03-01T00:00:00Z"}]),
        orjson.dumps(GEOJSON),
        CSV.encode(),
        b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode(),
    ],
)
def test_every_form_gives_the_same_row(body: bytes):
    """JSON, a bare list, GeoJSON and CSV say the same; our own guess knows each of them."""
    assert only(read(body)) == ROW
    assert (read(body).rejects, read(body).warnings) == ({}, {})
    assert looks_like(body)


def test_only_an_id_and_a_place_are_needed():
    """All else may be absent and stays unknown."""
    row = only(read(b"cell_id,latitude,longitude\nMK-1,52.04,-0.76\n"))

    assert row == {k: ROW[k] for k in ("cell_id", "latitude", "longitude", "cell_key", "feed", "received_at")}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cell_id": None}, "id_missing"),
        ({"cell_id": " "}, "id_missing"),
        ({"latitude": None}, "position_missing"),
        ({"latitude": "north"}, "position_unreadable"),
        ({"latitude": 0, "longitude": 0}, "position_zero"),
        ({"latitude": 152}, "position_out_of_range"),
    ],
)
def test_a_cell_without_id_or_place_is_left_out(change: dict[str, Any], reason: str):
    """Counted by reason; the others stay."""
    batch = read(answer({**GOOD, **change}, {**GOOD, "cell_id": "MK-2"}))

    assert batch.table["cell_id"].tolist() == ["MK-2"]
    assert batch.rejects == {reason: 1}


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"azimuth_deg": 400}, "azimuth_deg", "azimuth_out_of_range"),
        ({"azimuth_deg": "east"}, "azimuth_deg", "azimuth_unreadable"),
        ({"height_m": 5_000}, "height_m", "height_out_of_range"),
    ],
)
def test_a_value_that_cannot_be_is_unknown(change: dict[str, Any], column: str, reason: str):
    """The cell stays without it."""
    batch = read(answer({**GOOD, **change}))

    assert column not in only(batch)
    assert batch.warnings == {reason: 1}


@pytest.mark.parametrize(
    ("said", "meant"), [("5G", "NR"), ("nr", "NR"), ("4G", "LTE"), ("LTE", "LTE"), ("WiMAX", "other"), (None, None)]
)
def test_technology_is_read_by_its_common_names(said: str | None, meant: str | None):
    """Unknown words are other; nothing said is unknown."""
    assert only(read(answer({**GOOD, "technology": said}))).get("technology") == meant


@pytest.mark.parametrize(
    ("said", "reason"), [("yesterday", "time_unreadable"), ("2027-01-01T00:00:00Z", "time_in_future")]
)
def test_a_survey_of_no_believable_day_is_of_unknown_age(said: str, reason: str):
    """Unknown time is its own state; the masts still stand."""
    batch = read(answer(GOOD, updated_at=said))

    assert ("observed_at" in only(batch), batch.warnings, batch.published_at) == (False, {reason: 1}, None)


def test_a_cell_told_twice_is_one_row():
    """The one surveyed last wins."""
    old = {**GOOD, "title": "old", "updated_at": "2025-01-01T00:00:00Z"}
    batch = read(answer(GOOD, old))

    assert (only(batch)["title"], batch.rejects) == ("Central, sector 1", {"duplicate": 1})


def test_lines_and_items_of_another_shape_are_counted():
    """A line of too few fields, an item that is no object."""
    assert read(CSV.encode() + b"x,y\n").rejects == {"row_unreadable": 1}
    assert read(answer(GOOD, 7, None)).rejects == {"row_unreadable": 2}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"{", "not_json"),
        (b"{}", "not_inventory"),
        (b'{"cells": {}}', "not_inventory"),
        (b"a,b\n1,2\n", "not_inventory"),
        (b"<html/>", "not_csv"),
        (b"[" * 600_000, "too_many_values"),
    ],
)
def test_a_body_that_is_no_inventory_says_why(body: bytes, reason: str):
    """Each refusal has its word."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_an_empty_list_is_an_answer():
    """No cells yet: valid."""
    batch = read(answer())

    assert (len(batch.table), batch.rejects) == (0, {})


def test_more_cells_than_the_feed_allows_fail_the_poll():
    """The limit is the feed's own."""
    small = Feed(name="s", adapter="cell_inventory", url="http://localhost/", limits={"max_rows": 1})  # type: ignore[arg-type]

    with pytest.raises(PayloadError) as caught:
        observe([decode(answer(GOOD, GOOD))], small, NOW)
    assert caught.value.reason == "too_many_rows"


def test_it_knows_only_its_own():
    """Neither drive tests nor other lists of places."""
    assert not looks_like(b"time,latitude,longitude,technology,rsrp_dbm\n")
    assert not looks_like(b'{"vehicles_status": []}')
    assert not looks_like(b'{"type": "FeatureCollection", "features": []}')
    assert ADAPTER.kinds == ("cell_site",)


_CELL = st.dictionaries(
    st.sampled_from([*GOOD, "updated_at", "geometry", "properties"]),
    st.one_of(st.none(), st.booleans(), st.integers(-(10**18), 10**18), st.floats(), st.text(max_size=8)),
    max_size=6,
)


@settings(max_examples=80, deadline=20_000)
@given(st.one_of(st.binary(max_size=200), st.lists(_CELL, max_size=4).map(lambda cells: answer(*cells))))
def test_any_bytes_give_rows_or_a_payload_error(body: bytes):
    """Nothing else comes out of a body, whatever it is."""
    try:
        read(body)
    except PayloadError as error:
        assert error.reason


def test_every_reason_is_documented():
    """The page names each reject, warning and failure that the code can give."""
    page = (ROOT / "docs" / "feeds" / "cell_inventory.md").read_text(encoding="utf-8")
    files = [ROOT / "feeds" / name for name in ("cell_inventory.py", "delimited.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    given = set(
        re.findall(r'(?:(?:reject|warn|PayloadError)\(|(?:rejects|warnings)\[|return|= )\s*"([a-z]+_[a-z_]+)"', code)
    )

    assert {"id_missing", "not_inventory", "time_unreadable"} <= given
    assert [reason for reason in sorted(given) if f"`{reason}`" not in page] == []
