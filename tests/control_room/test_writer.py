"""The writer's step: pure, keeps what is known, never lets old replace new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from control_room.city import CITIES, load_city
from control_room.feed_rows import feed_table
from control_room.model import VEHICLE, Batch, FeedHealth, Findings, Snapshot, Table
from control_room.writer import MOST_SILENT, advance, judge_privacy, note_failure, note_unchanged

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def city():
    return load_city(CITIES / "milton_keynes")


def health(name: str = "buses") -> FeedHealth:
    return FeedHealth(name, name, "supplier", "gtfs_realtime", 1, 30, 90)


def rows(*vehicles: tuple, at: datetime = NOW, feed: str = "buses", **more) -> Batch:
    """A batch of (id, latitude, longitude, seconds ago) rows."""
    table = Table.of(
        VEHICLE,
        {
            "vehicle_key": [f"{feed}:{v[0]}" for v in vehicles],
            "vehicle_id": [v[0] for v in vehicles],
            "feed": [feed] * len(vehicles),
            "latitude": [v[1] for v in vehicles],
            "longitude": [v[2] for v in vehicles],
            "observed_at": [None if v[3] is None else at - timedelta(seconds=v[3]) for v in vehicles],
            "received_at": [at] * len(vehicles),
            **more,
        },
    )
    return Batch(VEHICLE, feed, table, at)


def after(city, *batches: Batch, every_s: float = 10, snapshot: Snapshot | None = None) -> Snapshot:
    snapshot = snapshot or Snapshot.empty(NOW, [health("buses"), health("robots")])
    for i, batch in enumerate(batches):
        snapshot = advance(snapshot, batch.feed, [batch], NOW + timedelta(seconds=i * every_s), city)
    return snapshot


def test_same_inputs_give_the_same_snapshot(city):
    """Replay depends on it: two runs over the same batches end in equal tables."""
    batches = [rows(("a", 52.04, -0.76, 10)), rows(("a", 52.05, -0.76, 0), ("b", 52.0, -0.7, 1))]

    first, second = after(city, *batches), after(city, *batches)

    assert first.tables["vehicle"].to_records() == second.tables["vehicle"].to_records()
    assert first.feeds == second.feeds


def test_a_snapshot_once_made_never_changes(city):
    """Readers share it: neither advancing nor writing into a column alters it."""
    one = after(city, rows(("a", 52.04, -0.76, 10)))
    before = one.tables["vehicle"].to_records()

    advance(one, "buses", [rows(("a", 52.05, -0.76, 0))], NOW, city)

    assert one.tables["vehicle"].to_records() == before
    with pytest.raises(ValueError, match="read-only"):
        one.tables["vehicle"]["latitude"][0] = 0


def test_a_vehicle_missing_from_an_answer_is_silent_not_gone(city):
    """It stays with the age it had, after those that are listed."""
    snapshot = after(city, rows(("a", 52.04, -0.76, 0), ("b", 52.0, -0.7, 0)), rows(("b", 52.01, -0.7, -10)))

    table = snapshot.tables["vehicle"]
    assert table["vehicle_id"].tolist() == ["a", "b"]
    assert table["latitude"].tolist() == [52.04, 52.01]


def test_a_silent_vehicle_is_forgotten_after_a_day(city):
    """Memory is bounded: a day after it was last observed it is dropped."""
    first = after(city, rows(("a", 52.04, -0.76, 0)))
    late = NOW + timedelta(hours=24, seconds=1)

    second = advance(first, "buses", [rows(("b", 52.0, -0.7, 0), at=late)], late, city)

    assert second.tables["vehicle"]["vehicle_id"].tolist() == ["b"]


def test_a_silent_vehicle_of_a_feed_that_tells_only_changes_is_forgotten_too(city):
    """Such a feed never says that a vehicle is gone; a day of silence does."""
    first = after(city, rows(("a", 52.04, -0.76, 0)))

    for hours, known in [(23, ["a", "b"]), (25, ["b"])]:
        late = NOW + timedelta(hours=hours)
        changed = replace(rows(("b", 52.0, -0.7, 0), at=late), complete=False)
        assert advance(first, "buses", [changed], late, city).tables["vehicle"]["vehicle_id"].tolist() == known


@pytest.mark.parametrize("complete", [True, False])
def test_a_feed_of_ever_new_names_does_not_fill_the_memory(city, complete):
    """Of silent vehicles only so many are kept, those heard from last."""
    snapshot = Snapshot.empty(NOW, [health("buses")])
    for second in range(5):
        at = NOW + timedelta(seconds=second)
        named = [(f"{second}-{number}", 52.0, -0.7, 0) for number in range(MOST_SILENT // 2)]
        snapshot = advance(snapshot, "buses", [replace(rows(*named, at=at), complete=complete)], at, city)

    seconds = {name.partition("-")[0] for name in snapshot.tables["vehicle"]["vehicle_id"]}
    assert len(snapshot.tables["vehicle"]) == MOST_SILENT + MOST_SILENT // 2
    assert seconds == {"2", "3", "4"}


@pytest.mark.parametrize(("state", "stays"), [("idle", 0), ("working", 1), ("needs_help", 1)])
def test_a_flight_that_ended_on_the_ground_is_gone(city, state, stays):
    """A drone that stood there when it left the list has landed for good; one that vanished in the air is silent."""
    flying = rows(("a", 52.04, -0.76, 0), vehicle_type=["drone"], state=[state])

    assert len(after(city, flying, rows()).tables["vehicle"]) == stays


def test_an_empty_answer_is_an_answer(city):
    """Vehicles stay remembered, the feed has zero rows and is not failing."""
    snapshot = after(city, rows(("a", 52.04, -0.76, 0)), rows())

    assert len(snapshot.tables["vehicle"]) == 1
    assert snapshot.feeds["buses"].rows == 0
    assert snapshot.feeds["buses"].failures == 0


def test_an_older_row_does_not_replace_a_newer_one(city):
    """Answers may come out of order; the newest observation wins and the other is counted."""
    snapshot = after(city, rows(("a", 52.04, -0.76, 0)), rows(("a", 52.00, -0.70, 60)))

    assert snapshot.tables["vehicle"]["latitude"].tolist() == [52.04]
    assert snapshot.feeds["buses"].warnings == {"older_than_known": 1}


def test_a_failure_keeps_rows_and_says_why(city):
    """The last good rows stay; health carries reason, detail and when it began."""
    good = after(city, rows(("a", 52.04, -0.76, 0)))
    at = NOW + timedelta(seconds=5)

    bad = note_failure(good, "buses", "timeout", "no answer in 10 s", at)
    worse = note_failure(bad, "buses", "http_500", "error 500", at + timedelta(seconds=5))

    assert bad.tables["vehicle"] is good.tables["vehicle"]
    assert (worse.feeds["buses"].failures, worse.feeds["buses"].failing_since) == (2, at)
    assert worse.feeds["buses"].state(at) == "failing"
    assert worse.feeds["buses"].succeeded_at == NOW


def test_unchanged_ends_a_failure_without_touching_rows(city):
    """An answer of 'nothing new' is a success whose rows go on ageing."""
    bad = note_failure(after(city, rows(("a", 52.04, -0.76, 0))), "buses", "timeout", "", NOW)
    later = NOW + timedelta(seconds=40)

    well = note_unchanged(bad, "buses", later)

    assert well.feeds["buses"].failures == 0
    assert well.feeds["buses"].state(later) == "ageing"


def test_two_feeds_of_one_kind_do_not_disturb_each_other(city):
    """Each feed renews only its own rows, and an unchanged set of keys stays the same array."""
    one = after(city, rows(("a", 52.04, -0.76, 0)), rows(("r", 52.0, -0.7, 0), feed="robots"))
    two = advance(one, "robots", [rows(("r", 52.001, -0.7, -1), feed="robots")], NOW, city)

    assert two.tables["vehicle"]["vehicle_id"].tolist() == ["a", "r"]
    assert two.tables["vehicle"]["latitude"].tolist() == [52.04, 52.001]
    assert two.tables["vehicle"].keys is one.tables["vehicle"].keys


def test_speed_and_heading_come_from_movement_where_the_feed_gives_none(city):
    """100 m due north in 10 s is 36 km/h heading 0; the source says so."""
    snapshot = after(city, rows(("a", 52.04, -0.76, 0)), rows(("a", 52.04 + 100 / 111_320, -0.76, -10)))

    row = snapshot.tables["vehicle"].to_records()[0]
    assert (row["speed_kmh"], row["speed_source"]) == (36.0, "movement")
    assert (row["heading_deg"], row["heading_source"]) == (0.0, "movement")


def test_a_reported_speed_is_left_alone(city):
    """Zero is a bus standing still, not a missing speed."""
    first = rows(("a", 52.04, -0.76, 0), speed_kmh=[0.0], speed_source=["reported"])
    second = rows(("a", 52.05, -0.76, -10), speed_kmh=[0.0], speed_source=["reported"])

    table = after(city, first, second).tables["vehicle"]

    assert (table["speed_kmh"].tolist(), table["speed_source"].tolist()) == ([0.0], ["reported"])


def test_an_ambiguous_heading_is_settled_by_movement_and_then_kept(city):
    """A bus that always sends 0 faces east once it has gone east, also while it waits there."""
    ambiguous = {"heading_deg": [0.0], "heading_source": ["ambiguous"]}
    moves = [rows(("a", 52.04, -0.76, 0), **ambiguous), rows(("a", 52.04, -0.759, -10), **ambiguous)]
    waits = rows(("a", 52.04, -0.759, -20), **ambiguous)

    row = after(city, *moves, waits).tables["vehicle"].to_records()[0]

    assert (row["heading_deg"], row["heading_source"]) == (90.0, "movement")
    assert row["speed_kmh"] == 0.0


@pytest.mark.parametrize(
    ("ago", "why"),
    [(-600, "ten minutes apart"), (None, "second time unknown")],
)
def test_no_speed_is_made_up(city, ago, why):
    """Where time between two positions is unknown or long, speed stays unknown."""
    snapshot = after(city, rows(("a", 52.04, -0.76, 0)), rows(("a", 52.05, -0.76, ago)))

    assert np.isnan(snapshot.tables["vehicle"]["speed_kmh"][0]), why


def test_an_impossible_jump_gives_no_speed(city):
    """Five kilometres in ten seconds is a wrong position, not 1,800 km/h."""
    snapshot = after(city, rows(("a", 52.00, -0.76, 0)), rows(("a", 52.05, -0.76, -10)))

    assert np.isnan(snapshot.tables["vehicle"]["speed_kmh"][0])


def test_rows_know_their_locality(city):
    """A robot at the Bleak Hall stops is in Bleak Hall; one in the sea is nowhere."""
    snapshot = after(city, rows(("a", 52.01723, -0.7463, 0), ("b", 50.0, 0.0, 0)))

    assert snapshot.tables["vehicle"]["locality"].tolist() == ["Bleak Hall", None]


def test_fresh_header_over_stale_rows_is_stale(city):
    """Freshness is judged by the newest observation, never by the header."""
    batch = rows(("a", 52.04, -0.76, 3600))
    snapshot = advance(Snapshot.empty(NOW, [health()]), "buses", [batch], NOW, city)

    assert snapshot.feeds["buses"].state(NOW) == "stale"


def test_an_answer_of_which_every_row_was_refused_is_not_fresh(city):
    """Twenty rows from the future are no news of the city; an answer without any row is."""
    refused = replace(rows(), rejects={"time_in_future": 20})

    assert after(city, refused).feeds["buses"].state(NOW) == "unknown"
    assert after(city, rows()).feeds["buses"].state(NOW) == "fresh"


def test_unknown_time_is_never_fresh(city):
    """Rows without any time make the feed unknown."""
    snapshot = after(city, rows(("a", 52.04, -0.76, None)))

    assert snapshot.feeds["buses"].state(NOW) == "unknown"


CLEAN, FOUND = Findings(), Findings(identifiers={"driver (a person's field)": 3})
OTHER = Findings(unpublished={"shoe": 1}, identifiers={"note (e-mail address)": 1})


def privacy(story: str) -> list[str]:
    """How a feed stands after each step: "0 found, 10 other, 20 clean, 30 same, 40 fails" (minutes, what happened)."""
    health_now, told = health(), []
    for step in story.split(", "):
        minute, what = step.split()
        moment = NOW + timedelta(minutes=int(minute))
        found = {"found": FOUND, "other": OTHER, "clean": CLEAN}.get(what)
        health_now = judge_privacy(health_now, found, moment, good=what != "fails")
        told.append("fault" if health_now.has_privacy_fault else "none")
    return told


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("0 clean, 1 clean", "none none"),
        ("0 found, 1 clean, 60 clean", "fault fault fault"),
        ("0 found, 1 clean, 61 clean", "fault fault none"),
        ("0 found, 1 clean, 61 same", "fault fault none"),
        ("0 found, 61 same, 200 same", "fault fault fault"),  # nobody looked: that is not clean
        ("0 found, 1 clean, 30 found, 61 clean, 120 clean, 121 clean", "fault fault fault fault fault none"),
        ("0 found, 1 clean, 30 fails, 61 clean, 120 clean, 121 clean", "fault fault fault fault fault none"),
        ("0 fails, 1 found, 2 fails", "none fault fault"),
    ],
)
def test_a_privacy_fault_lasts_until_answers_were_clean_for_an_hour(story, told):
    """A failed poll is no clean answer, nor is one that nobody looked at; what is found again begins the hour anew."""
    assert privacy(story) == told.split()


def test_a_privacy_fault_keeps_all_its_fields_and_its_beginning(city):
    """Names and counts in the health of the feed and in its row of kind feed; then nothing of it is left."""
    minute = timedelta(minutes=1)
    first = advance(after(city), "buses", [rows(("a", 52.04, -0.76, 0))], NOW, city, 1.0, FOUND)
    second = note_failure(first, "buses", "not_json", "", NOW + minute, OTHER)
    third = advance(second, "buses", [rows(("a", 52.04, -0.76, 0))], NOW + 2 * minute, city, 1.0, CLEAN)
    later = advance(third, "buses", [rows(("a", 52.04, -0.76, 0))], NOW + 90 * minute, city, 1.0, CLEAN)

    assert dict(third.feeds["buses"].found.identifiers) == {"driver (a person's field)": 3, "note (e-mail address)": 1}
    assert third.feeds["buses"].privacy_since == NOW
    row, other = feed_table(third, NOW + 2 * minute).to_records()
    assert (row["privacy_fault"], other["privacy_fault"]) == (True, False)
    assert row["privacy_fields"] == "driver (a person's field) 3, note (e-mail address) 1"
    quality = {r["feed"]: r for r in second.quality.table.to_records()}
    assert quality["buses"]["privacy_fields"] == "driver (a person's field) 3, note (e-mail address) 1"
    assert later.feeds["buses"].found == CLEAN
    assert feed_table(later, NOW).to_records()[0]["privacy_fields"] is None


def test_unpublished_fields_are_a_warning_that_lasts_between_checks(city):
    """The check looks now and then; what it found holds until it has looked again."""
    found = Findings(unpublished={"shoe": 4, "hat": 2}, removed={"ref (number plate)": 3})
    first = advance(after(city), "buses", [rows(("a", 52.04, -0.76, 0))], NOW, city, 1.0, found)
    second = advance(first, "buses", [rows(("a", 52.04, -0.76, 0))], NOW, city, 1.0, None)
    third = advance(second, "buses", [rows(("a", 52.04, -0.76, 0))], NOW, city, 1.0, CLEAN)

    assert first.feeds["buses"].warnings == second.feeds["buses"].warnings
    assert second.feeds["buses"].warnings == {"field_not_published": 2, "identifier_removed": 3}
    assert third.feeds["buses"].warnings == {}
    assert feed_table(second, NOW).to_records()[0]["unpublished_fields"] == "shoe, hat"


def test_a_feed_as_a_row_says_what_is_known_and_no_more(city):
    """A row a feed in the order of the feed file; before a first answer rows are unknown, not zero."""
    snapshot = advance(after(city), "robots", [rows(("a", 52.04, -0.76, 20), feed="robots")], NOW, city, 7.5)
    snapshot = note_failure(snapshot, "buses", "timeout", "no answer", NOW)
    waiting, answered = feed_table(snapshot, NOW + timedelta(seconds=30)).to_records()

    assert (waiting["feed"], waiting["state"], waiting["failures"], waiting["reason"]) == (
        "buses",
        "failing",
        1,
        "timeout",
    )
    assert (waiting["rows"], waiting["rejected"], waiting["age_s"]) == (None, None, None)
    assert waiting["failing_since"] == "2026-03-01T12:00:00Z"
    assert (answered["state"], answered["rows"], answered["rejected"], answered["age_s"]) == ("ageing", 1, 0, 50)
    assert (answered["latency_ms"], answered["supplier"], answered["privacy_fault"]) == (7.5, "supplier", False)
