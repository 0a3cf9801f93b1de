"""Feeds that tell only what changed: nothing is lost, nothing is kept for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control_room import incremental
from control_room.city import CITIES, City, load_city
from control_room.incremental import CLOSED_KEPT, ENDED_KEPT, UNHEARD_KEPT, forget, upsert
from control_room.model import DISRUPTION, REQUEST, TRIP, Batch, FeedHealth, Snapshot, Table
from control_room.writer import advance

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(CITIES / "milton_keynes")


def requests(*rows: tuple[str, str, datetime | None], received_at: datetime = NOW) -> Table:
    """A table of (id, status, last change) rows, all of them in the middle of Bletchley."""
    return Table.of(
        REQUEST,
        {
            "request_key": [f"reports:{row[0]}" for row in rows],
            "request_id": [row[0] for row in rows],
            "status": [row[1] for row in rows],
            "is_open": [None if row[1] == "unknown" else row[1] != "closed" for row in rows],
            "updated_at": [row[2] for row in rows],
            "observed_at": [row[2] for row in rows],
            "latitude": [51.995] * len(rows),
            "longitude": [-0.733] * len(rows),
            "received_at": [received_at] * len(rows),
        },
    )


def after(city: City, *answers: Table, every: timedelta = HOUR, complete: bool = False) -> Snapshot:
    """The snapshot after these answers, one every hour from noon on."""
    snapshot = Snapshot.empty(NOW, [FeedHealth("reports", "reports", "", "open311", 60, 3600, 7200)])
    for i, table in enumerate(answers):
        moment = NOW + i * every
        batch = Batch(REQUEST, "reports", table, moment, complete=complete)
        snapshot = advance(snapshot, "reports", [batch], moment, city)
    return snapshot


def told(snapshot: Snapshot) -> str:
    table = snapshot.tables["request"]
    return ", ".join(f"{i} {s}" for i, s in zip(table["request_id"], table["status"], strict=True))


def test_what_an_answer_leaves_out_stays(city: City) -> None:
    """Old rows keep their places, changed ones change there, new ones follow."""
    first = requests(("1", "open", NOW - HOUR), ("2", "open", NOW - HOUR), ("3", "open", NOW - HOUR))
    second = requests(("4", "open", NOW), ("2", "closed", NOW))

    snapshot = after(city, first, second)

    assert told(snapshot) == "1 open, 2 closed, 3 open, 4 open"
    assert snapshot.tables["request"]["locality"].tolist() == ["Bletchley"] * 4


def test_an_answer_of_nothing_changes_nothing(city: City) -> None:
    """No change since the last poll leaves every row, and does not make the feed forget its newest observation."""
    first = requests(("1", "open", NOW - HOUR))

    snapshot = after(city, first, requests())

    assert told(snapshot) == "1 open"
    assert snapshot.feeds["reports"].observed_at == NOW - HOUR
    assert snapshot.feeds["reports"].rows == 0


def test_an_older_row_does_not_undo_a_newer_one(city: City) -> None:
    """Overlapping windows repeat old states; they are counted and left out."""
    snapshot = after(city, requests(("1", "closed", NOW)), requests(("1", "open", NOW - HOUR)))

    assert told(snapshot) == "1 closed"
    assert snapshot.feeds["reports"].warnings == {"older_than_known": 1}


def test_keys_stay_the_same_array_while_no_row_is_new() -> None:
    """That array tells everybody downstream that rows stand where they stood."""
    old = requests(("1", "open", NOW), ("2", "open", NOW))

    same, _ = upsert(old, requests(("2", "closed", NOW)))
    more, _ = upsert(old, requests(("3", "open", NOW)))

    assert same.keys is old.keys
    assert more.keys.tolist() == ["reports:1", "reports:2", "reports:3"]
    assert old["status"].tolist() == ["open", "open"]


def test_columns_that_only_one_side_has_are_unknown_on_the_other() -> None:
    """A supplier that begins to send a field does not upset the rows we hold."""
    old = requests(("1", "open", NOW))
    new = requests(("2", "open", NOW)).with_columns(channel=["online"])

    table, _ = upsert(old, new)

    assert table["channel"].tolist() == [None, "online"]


@pytest.mark.parametrize(
    ("status", "changed", "heard", "stays"),
    [
        ("closed", CLOSED_KEPT - HOUR, HOUR, True),
        ("closed", CLOSED_KEPT + HOUR, HOUR, False),
        ("open", CLOSED_KEPT * 10, HOUR, True),
        ("unknown", CLOSED_KEPT * 10, HOUR, True),
        ("open", UNHEARD_KEPT * 2, UNHEARD_KEPT - HOUR, True),
        ("open", UNHEARD_KEPT * 2, UNHEARD_KEPT + HOUR, False),
        ("closed", None, HOUR, True),
        ("closed", None, CLOSED_KEPT + HOUR, False),
    ],
)
def test_a_story_that_is_over_is_forgotten(
    status: str, changed: timedelta | None, heard: timedelta, stays: bool
) -> None:
    """Closed for a week, or in no answer for a month: gone. Open ones stay however old they are."""
    table = requests(("1", status, None if changed is None else NOW - changed), received_at=NOW - heard)

    assert len(forget(table, NOW)) == int(stays)


def test_an_answer_cannot_bring_back_what_is_over(city: City) -> None:
    """The hourly question for the whole window lists old closed requests again; they do not pile up."""
    rows = requests(("1", "closed", NOW - CLOSED_KEPT - HOUR), ("2", "open", NOW))

    assert told(after(city, rows)) == "2 open"
    assert told(after(city, requests(("2", "open", NOW)), rows)) == "2 open"


def test_a_year_of_changes_does_not_grow_without_end(city: City) -> None:
    """With ten requests a day, each closed after two days, a year later only those of the last days are held."""
    answers: list[Table] = []
    for day in range(365):
        moment = NOW + timedelta(days=day)
        rows = [(f"{day}-{n}", "open", moment) for n in range(10)]
        rows += [(f"{day - 2}-{n}", "closed", moment) for n in range(10) if day >= 2]
        answers.append(requests(*rows, received_at=moment))

    snapshot = after(city, *answers, every=timedelta(days=1))

    assert len(snapshot.tables["request"]) == 20 + 8 * 10


def test_a_disruption_that_ended_is_forgotten() -> None:
    """Two days after its end; an open-ended one stays as long as its supplier speaks of it."""
    columns: dict[str, Any] = {
        "disruption_key": ["roads:1", "roads:2", "roads:3"],
        "active_until": [NOW - ENDED_KEPT - HOUR, NOW - HOUR, None],
        "received_at": [NOW - HOUR] * 3,
    }
    table = Table.of(DISRUPTION, columns)

    assert forget(table, NOW).keys.tolist() == ["roads:2", "roads:3"]
    assert len(forget(table, NOW + UNHEARD_KEPT)) == 0


def test_no_supplier_can_make_a_table_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more rows than a table may have, those received last are kept, in their order."""
    monkeypatch.setattr(incremental, "MOST_ROWS", 2)
    columns: dict[str, Any] = {"trip_key": ["a", "b", "c"], "received_at": [NOW, NOW - HOUR, NOW + HOUR]}

    assert forget(Table.of(TRIP, columns), NOW).keys.tolist() == ["a", "c"]


def test_a_complete_answer_still_says_what_is_gone(city: City) -> None:
    """A source that lists everything takes rows away by leaving them out."""
    first = requests(("1", "open", NOW), ("2", "open", NOW))

    assert told(after(city, first, requests(("2", "open", NOW)), complete=True)) == "2 open"
