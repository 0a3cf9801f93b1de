"""Key performance indicators of online processes and integrations, in all shapes a broker sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.feed import Feed, PayloadError
from feeds.services_kpi import decode, observe

NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
FEED = Feed(name="kpi", adapter="services_kpi", url="http://localhost/entities?limit=100", every_s=60)


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def entity(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A process of the normalised form; ... leaves an attribute out."""
    made = {
        "id": f"urn:ngsi-ld:KeyPerformanceIndicator:{number}",
        "type": "KeyPerformanceIndicator",
        "name": prop("Council tax online"),
        "process": prop("Council tax"),
        "currentStanding": prop("good"),
        "onlineShare": prop(83.5, unitCode="P1"),
        "transactions": prop(412),
        "failures": prop(0),
        "responseTime": prop(740, unitCode="C26"),
        "calculationDate": prop({"@type": "DateTime", "@value": "2026-03-02T12:00:00Z"}),
        **changes,
    }
    return {name: value for name, value in made.items() if value is not ...}


def read(*entities: Any) -> Batch:
    [batch] = observe([decode(json.dumps(entities).encode())], FEED, NOW)
    return batch


GOOD = {
    "service_key": "kpi:Council tax",
    "feed": "kpi",
    "service_id": "Council tax",
    "title": "Council tax",
    "service_type": "process",
    "state": "up",
    "online_share_percent": 83.5,
    "transactions": 412,
    "failures": 0,
    "response_ms": 740,
    "observed_at": "2026-03-02T12:00:00Z",
    "received_at": "2026-03-02T12:00:30Z",
}


def test_a_process_in_the_citys_words():
    """Every number, the state by its standing, and nought failures as nought."""
    assert read(entity()).table.to_records() == [GOOD]


def test_the_shape_of_the_answer_does_not_matter():
    """Normalised, concise and key-values say the same."""
    concise = entity(
        **{n: {k: v for k, v in c.items() if k != "type"} for n, c in entity().items() if isinstance(c, dict)}
    )
    plain = {n: c["value"] if isinstance(c, dict) else c for n, c in entity().items()}

    assert read(concise).table.to_records() == [GOOD]
    assert read(plain).table.to_records() == [GOOD]


@pytest.mark.parametrize(
    ("standing", "state", "warnings"),
    [
        ("very good", "up", {}),
        ("Fair", "degraded", {}),
        ("bad", "failing", {}),
        ("very bad", "failing", {}),
        ("splendid", "unknown", {"standing_unknown": 1}),
        (5, "unknown", {"standing_unknown": 1}),
    ],
)
def test_the_standing_is_the_state(standing: Any, state: str, warnings: dict[str, int]):
    """The data model's five words become the city's three; others are unknown and counted."""
    batch = read(entity(currentStanding=prop(standing)))

    assert batch.table["state"].tolist() == [state]
    assert batch.warnings == warnings


def test_integrations_processes_and_others_are_told_apart():
    """By the attribute that names them; without one the indicator stands for itself."""
    batch = read(
        entity(1),
        entity(2, process=..., integration=prop("CRM to payments")),
        entity(3, process=..., name=prop("Website")),
    )

    assert batch.table["service_type"].tolist() == ["process", "integration", "service"]
    assert batch.table["title"].tolist() == ["Council tax", "CRM to payments", "Website"]
    assert batch.table["service_id"].tolist()[2] == "urn:ngsi-ld:KeyPerformanceIndicator:3"


def test_several_indicators_of_one_service_are_one_row():
    """Each brings its number by its unit; the state is the worst of them and the time the newest."""
    bare = {"onlineShare": ..., "transactions": ..., "failures": ..., "responseTime": ...}
    batch = read(
        entity(1, **bare, kpiValue=prop(71, unitCode="P1")),
        entity(2, **bare, kpiValue=prop(1.5, unitCode="SEC"), currentStanding=prop("bad")),
        entity(3, **{**bare, "failures": prop(3)}, calculationDate=prop("2026-03-02T12:00:10Z")),
    )
    [record] = batch.table.to_records()

    assert (record["online_share_percent"], record["response_ms"], record["failures"]) == (71, 1500, 3)
    assert (record["state"], record["observed_at"]) == ("failing", "2026-03-02T12:00:10Z")
    assert record["transactions"] is None
    assert not batch.warnings


@pytest.mark.parametrize(
    ("changes", "column", "value", "warning"),
    [
        ({"onlineShare": prop(0.835)}, "online_share_percent", 83.5, "share_as_ratio"),
        ({"onlineShare": prop(0.5, unitCode="P1")}, "online_share_percent", 0.5, None),
        ({"onlineShare": prop(120)}, "online_share_percent", None, "share_out_of_range"),
        ({"onlineShare": prop("most")}, "online_share_percent", None, "share_unreadable"),
        ({"transactions": prop("412")}, "transactions", 412, None),
        ({"transactions": prop(-1)}, "transactions", None, "transactions_unreadable"),
        ({"failures": prop(500)}, "failures", 500, "failures_over_transactions"),
        ({"failures": ...}, "failures", None, None),
        ({"responseTime": prop(2, unitCode="SEC")}, "response_ms", 2000, None),
        ({"responseTime": prop(True)}, "response_ms", None, "response_unreadable"),
        ({"kpiValue": prop(5)}, "response_ms", 740, "kpi_value_unused"),
        ({"calculationDate": prop("2026-03-02T12:00:00")}, "observed_at", None, "time_without_offset"),
        ({"calculationDate": prop("noon")}, "observed_at", None, "time_unreadable"),
        ({"calculationDate": ...}, "observed_at", None, "time_missing"),
    ],
)
def test_a_value_with_a_doubt_is_said(changes: dict[str, Any], column: str, value: Any, warning: str | None):
    """Ratios become percent; what cannot be right is unknown, and counted."""
    batch = read(entity(**changes))
    [record] = batch.table.to_records()

    assert record[column] == (pytest.approx(value) if value is not None else None)
    assert batch.warnings == ({warning: 1} if warning else {})


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (5, "entity_unreadable"),
        (entity(2, type="AirQualityObserved"), "type_unknown"),
        (entity(1), "duplicate"),
        (entity(2, calculationDate=prop("2026-03-02T12:05:00Z")), "time_in_future"),
    ],
)
def test_an_indicator_that_cannot_be_used_is_counted_by_reason(item: Any, reason: str):
    """One bad entity costs itself alone."""
    batch = read(entity(1), item)

    assert batch.rejects == {reason: 1}
    assert len(batch.table) == 1


@settings(max_examples=120, deadline=20_000)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["id", "type", "process", "onlineShare", "kpiValue", "currentStanding", "updatedAt"]),
            st.none() | st.integers() | st.floats() | st.text(max_size=10) | st.builds(prop, st.text(max_size=5)),
        ),
        max_size=4,
    )
)
def test_any_values_give_rows_or_a_typed_error(entities: list[dict[str, Any]]):
    """Nothing else escapes, whatever is sent."""
    try:
        observe([decode(json.dumps(entities).encode())], FEED, NOW)
    except PayloadError as error:
        assert error.reason
