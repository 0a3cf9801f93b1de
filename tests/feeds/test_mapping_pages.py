"""The pages and examples about mappings say what the code does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from feeds.feed import Feed, get_adapter, read_feed_file
from feeds.mapped.options import IDENTITIES, MappingOptions, Source
from feeds.ngsi.builtin import list_builtin
from feeds.quantities import QUANTITIES
from feeds.table_csv import CsvOptions
from feeds.table_json import JsonOptions

ROOT = Path(__file__).resolve().parents[2]
MANUAL = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
NOW = datetime(2026, 7, 2, 12, 0, 30, tzinfo=UTC)


def words(page: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL)))


def test_the_manual_names_every_option_and_key_and_kind():
    """What a mapping may say stands in the manual; what an adapter adds, on its page."""
    assert set(MappingOptions.model_fields) <= words(MANUAL)
    assert set(Source.model_fields) <= words(MANUAL)
    assert set(IDENTITIES) <= words(MANUAL)
    assert set(QUANTITIES) <= words(MANUAL)
    for model, page in ((CsvOptions, "table_csv"), (JsonOptions, "table_json")):
        own = set(model.model_fields) - set(MappingOptions.model_fields)
        assert own <= words((ROOT / "docs" / "feeds" / f"{page}.md").read_text(encoding="utf-8"))


def test_the_page_of_ngsi_ld_names_every_mapping_we_bring_along():
    """A mapping that nobody knows of is of no use."""
    assert set(list_builtin()) <= words((ROOT / "docs" / "feeds" / "ngsi_ld.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("files", "pages"),
    [
        (("mapping.py", "ngsi_ld.py", "ngsi/entities.py"), ("ngsi_ld",)),
        (("mapping.py", "table_csv.py"), ("table_csv",)),
        (("mapping.py", "table_json.py"), ("table_json",)),
        (("sensorthings.py", "sensors/streams.py"), ("sensorthings",)),
    ],
)
def test_every_reason_in_the_code_is_on_a_page(files, pages):
    """Whoever meets a reason finds what it means."""
    code = "\n".join((ROOT / "feeds" / name).read_text(encoding="utf-8") for name in files)
    reasons = set(re.findall(r'(?:_Refused|PayloadError|reject|warn)\(\s*"([a-z_]+)"', code))
    text = MANUAL + "".join((ROOT / "docs" / "feeds" / f"{page}.md").read_text(encoding="utf-8") for page in pages)

    assert len(reasons) > 5
    assert sorted(reason for reason in reasons if f"`{reason}`" not in text) == []


def test_the_manuals_example_is_a_feed_file_that_works(tmp_path):
    """Copied from the page, it reads a table."""
    path = tmp_path / "feeds.yaml"
    path.write_text(re.findall(r"```yaml\n(feeds:.*?)```", MANUAL, re.DOTALL)[0], encoding="utf-8")
    (feed,) = read_feed_file(path)
    body = (
        b"Counter,Place,Lat,Long,Counted until,People,Battery (V)\nFF-01,Square,52.03,-0.77,02/07/2026 13:00,412,3.6\n"
    )
    adapter = get_adapter(feed.adapter)
    (batch,) = adapter.observe([adapter.decode(body)], feed, NOW)

    (row,) = batch.table.to_records()
    assert (row["station_id"], row["quantity"], row["value"], row["observed_at"]) == (
        "FF-01",
        "footfall",
        412.0,
        "2026-07-02T12:00:00Z",
    )
    assert (batch.rejects, batch.warnings) == ({}, {})


def test_the_manuals_short_examples_are_sound():
    """Each line of the second example is accepted for a vehicle."""
    lines = yaml.safe_load(re.findall(r"```yaml\n(speed_kmh:.*?)```", MANUAL, re.DOTALL)[0])

    options = MappingOptions.model_validate(
        {"kind": "vehicle", "mapping": {"vehicle_id": "id", "longitude": "location", **lines}}
    )
    assert options.mapping["battery_percent"].unit == "fraction"


def test_the_example_feed_file_reads_a_car_park():
    """The example's JSON mapping gives free places, total and percent."""
    feeds: dict[str, Feed] = {feed.name: feed for feed in read_feed_file(ROOT / "feeds" / "examples" / "air.yaml")}
    body = b'{"data": {"sites": [{"code": "P1", "name": "Silbury", "position": {"lat": 52.04, "lon": -0.76}, "updated": 1782993600, "free": 0, "total": 400, "share": 1.0}]}}'
    adapter = get_adapter("table_json")
    (batch,) = adapter.observe([adapter.decode(body)], feeds["car_parks"], NOW)

    assert [(r["quantity"], r["value"], r["unit"]) for r in batch.table.to_records()] == [
        ("parking_spaces_free", 0.0, None),
        ("parking_spaces_total", 400.0, None),
        ("occupancy", 100.0, "%"),
    ]
    assert (batch.rejects, batch.warnings) == ({}, {})
