"""The sheet as plain JSON: what is unknown says why, what is cut says how much, and no list is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import orjson
import pytest

from control_room.handover.changes import Changes, Story
from control_room.handover.facts import AHEAD_MOST, ALARMS_MOST, SAID_MOST, STORIES_MOST, Frame, build_facts
from control_room.handover.shifts import Shift
from control_room.model import AlarmWatch, Snapshot
from tests.control_room.handover.room import NOON, Room
from tests.layouts.tables import health_of, table_of

HOUR = timedelta(hours=1)
SINCE = NOON - 5 * HOUR
FRAME = Frame(
    "Milton Keynes",
    ZoneInfo("Europe/London"),
    Shift("Day", SINCE, NOON + 7 * HOUR),
    Shift("Night", NOON + 7 * HOUR, NOON + 19 * HOUR),
    SINCE,
    "the beginning of the shift",
    "sandbox",
    True,
)
CHANGES = Changes(SINCE, NOON, {}, {}, {}, (), 18_000.0)


WATCH = AlarmWatch(3)


def snapshot_of(*healths, watch=WATCH, **rows) -> Snapshot:
    empty = Snapshot.empty(NOON, healths)
    made = {name: table_of(name, list_) for name, list_ in rows.items()}
    return replace(empty, tables=MappingProxyType({**empty.tables, **made}), watch=watch)


def build(snapshot=None, changes=CHANGES, book=None, frame=FRAME):
    facts = build_facts(frame, snapshot or snapshot_of(), changes, book or Room().book, NOON)
    assert orjson.loads(orjson.dumps(facts)) == facts, "it is plain JSON"
    return facts


def alarm(key, state="unacknowledged", priority="high", minutes=10, **more):
    return {
        "alarm_key": key,
        "title": f"{key} needs help",
        "state": state,
        "priority": priority,
        "raised_at": NOON - timedelta(minutes=minutes),
    } | more


def test_a_city_of_which_nothing_is_known_says_so():
    """No feed, no rule, no journal, no request: a sentence each, and no zero that could be good news."""
    facts = build(snapshot_of(watch=None), "the journal of alarms is not open")

    assert facts["changes"] == {"unknown": "the journal of alarms is not open"}
    assert facts["alarms"]["rules"] == 0 and facts["alarms"]["faults"] == ["how it stands is not known"]
    assert facts["requests"]["unknown"] == "no feed of service requests has answered"
    assert facts["feeds"] == {"count": 0, "troubled": []}
    assert facts["notes"] == {"open": [], "ended": []}
    assert facts["ahead"]["events_unknown"] == "no feed of events has answered"
    assert facts["ahead"]["disruptions_unknown"] == "no feed of disruptions has answered"


def test_a_feed_that_answered_with_nothing_has_said_that_there_is_none():
    """Only where none has answered is it not known."""
    ahead = build(frame=replace(FRAME, told=frozenset({"event", "disruption"})))["ahead"]
    assert ahead["events_unknown"] is None and ahead["disruptions_unknown"] is None


def test_the_frame_says_what_it_tells_of():
    """Shift, the one after, since when and why, and that it is made up."""
    facts = build()
    assert facts["shift"] == {
        "name": "Day",
        "begins": "2026-03-02T07:00:00+00:00",
        "ends": "2026-03-02T19:00:00+00:00",
    }
    assert (facts["upcoming"]["name"], facts["since"], facts["until"]) == (
        "Night",
        "2026-03-02T07:00:00+00:00",
        "2026-03-02T12:00:00+00:00",
    )
    assert (facts["simulated"], facts["mode"], facts["city"]) == (True, "sandbox", "Milton Keynes")


def test_alarms_stand_under_what_they_need():
    """Returned ones need an answer, latched ones are still there, suppressed ones are counted."""
    states = ("returned", "unacknowledged", "acknowledged", "latched", "shelved", "out_of_service", "suppressed")
    alarms = build(snapshot_of(alarm=[alarm(state, state) for state in states]))["alarms"]

    found = {
        name: [a["alarm_key"] for a in alarms[name]["alarms"]] for name in alarms if isinstance(alarms[name], dict)
    }
    assert found == {
        "unacknowledged": ["returned", "unacknowledged"],
        "acknowledged": ["acknowledged", "latched"],
        "shelved": ["shelved"],
        "out_of_service": ["out_of_service"],
    }
    assert alarms["suppressed"] == 1 and alarms["rules"] == 3


def test_the_most_urgent_alarm_is_first_then_the_longest():
    """An alarm whose priority is not known is not put last."""
    rows = [
        alarm("low", priority="low"),
        alarm("new", minutes=1),
        alarm("old", minutes=60),
        alarm("odd", priority=None),
    ]
    found = build(snapshot_of(alarm=rows))["alarms"]["unacknowledged"]
    assert [a["alarm_key"] for a in found["alarms"]] == ["odd", "old", "new", "low"]


def test_a_flood_is_one_line_that_says_how_many():
    """What is folded is counted; it is put aside by itself all the same."""
    rows = [alarm("first", folded=40.0)]
    rows += [alarm(f"more{i}", folded_under="first") for i in range(40)]
    rows += [alarm("aside", "shelved", folded_under="first")]
    alarms = build(snapshot_of(alarm=rows))["alarms"]

    assert [(a["alarm_key"], a["folded"]) for a in alarms["unacknowledged"]["alarms"]] == [("first", 40.0)]
    assert (alarms["unacknowledged"]["count"], alarms["unacknowledged"]["more"]) == (41, 0)
    assert alarms["shelved"]["count"] == 1


def test_a_thousand_alarms_are_cut_and_said():
    """Nobody reads to the end of such a sheet; the count is of all."""
    found = build(snapshot_of(alarm=[alarm(f"a{i}") for i in range(1000)]))["alarms"]["unacknowledged"]
    assert (len(found["alarms"]), found["count"], found["more"]) == (ALARMS_MOST, 1000, 1000 - ALARMS_MOST)


def test_feeds_that_are_not_fresh_say_since_when_and_why():
    """The worst first; fresh ones are counted."""
    healths = [
        health_of(state, state, title=state.title()) for state in ("fresh", "ageing", "stale", "failing", "waiting")
    ]
    healths = [replace(h, **_at_noon(h)) for h in healths]
    feeds = build(snapshot_of(*healths))["feeds"]

    assert feeds["count"] == 5
    assert [f["state"] for f in feeds["troubled"]] == ["failing", "stale", "waiting", "ageing"]
    failing, stale, waiting, _ = feeds["troubled"]
    assert failing["reason"] == "timeout" and failing["since"] == _iso(NOON - timedelta(minutes=50))
    assert stale["since"] == _iso(NOON - timedelta(minutes=15)) and stale["reason"] is None
    assert waiting["since"] is None


def _at_noon(health):
    """The same feed, its moments told from our noon."""
    from tests.layouts.cases import NOW

    names = ("succeeded_at", "observed_at", "failing_since")
    return {name: at and at - NOW + NOON for name in names if (at := getattr(health, name)) or True}


def _iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_displays_that_are_expected_and_do_not_paint_are_named():
    """One that nobody expects is no news."""
    rows = [
        {"label": "North wall", "is_expected": True, "state": "painting"},
        {"label": "Kiosk", "is_expected": True, "state": "gone", "left_at": NOON - HOUR},
        {"label": "a desk", "is_expected": False, "state": "gone"},
    ]
    displays = build(snapshot_of(display=rows))["displays"]
    assert displays == {"expected": 2, "bad": [{"label": "Kiosk", "state": "gone", "since": _iso(NOON - HOUR)}]}


def test_what_is_coming_is_told_until_the_next_shift_ends():
    """What is on as it takes over as well; what ended, or begins later, is not."""

    def event(title, begins, ends):
        return {"title": title, "starts_at": NOON + begins * HOUR, "ends_at": NOON + ends * HOUR}

    rows = [event("later", 20, 21), event("soon", 2, 3), event("on", -1, 1), event("over", -3, -2)]
    works = [
        {"title": "begins", "active_from": NOON + HOUR, "active_until": None, "is_active": False},
        {"title": "in force", "active_from": NOON - HOUR, "active_until": NOON + HOUR, "is_active": True},
        {"title": "unknown", "active_from": None, "active_until": None, "is_active": None},
    ]
    ahead = build(snapshot_of(event=rows, disruption=works))["ahead"]

    assert [e["title"] for e in ahead["events"]] == ["on", "soon"]
    assert [d["title"] for d in ahead["disruptions"]] == ["begins"] and ahead["disruptions"][0]["to"] is None
    assert (ahead["disruptions_now"], ahead["until"]) == (1, "2026-03-03T07:00:00+00:00")
    many = build(snapshot_of(event=[event(f"e{i}", 1, 2) for i in range(50)]))["ahead"]
    assert (len(many["events"]), many["events_more"]) == (AHEAD_MOST, 50 - AHEAD_MOST)


def request(number, requested_h, closed_h=None):
    is_open, at = closed_h is None, requested_h if closed_h is None else closed_h
    times = {"requested_at": NOON + requested_h * HOUR, "updated_at": NOON + at * HOUR}
    return {"request_id": str(number), "is_open": is_open, "feed": "council"} | times


def test_requests_made_and_closed_in_the_shift_are_counted():
    """From its beginning; what was made before and closed in it is closed in it."""
    rows = [request(1, -30, -20), request(2, -10, -1), request(3, -2), request(4, -2, -1), request(5, -9)]
    requests = build(snapshot_of(health_of("council", title="Council"), request=rows))["requests"]
    assert {name: requests[name] for name in ("unknown", "open", "opened", "closed", "why")} == {
        "unknown": None,
        "open": 2,
        "opened": 2,
        "closed": 2,
        "why": None,
    }


def test_requests_made_in_the_shift_are_not_guessed():
    """Where the feeds do not list every request since then, the change is not known, and why; a feed that is old is named."""
    old = health_of("council", "failing", title="Council")
    requests = build(snapshot_of(old, request=[request(1, -1), request(2, -2, -1)]))["requests"]
    assert (requests["open"], requests["opened"], requests["closed"]) == (1, None, None)
    assert requests["why"] == "the feeds do not list every request since then"
    assert requests["old"] == ["Council"]


def test_notes_that_are_open_and_that_ended_in_the_time_are_told():
    """With what was said to them; what ended before is on an earlier sheet."""
    room = Room()
    room.now = SINCE - 3 * HOUR
    room.do("note", key="ended before", for_s=3600)
    room.do("note", key="over", for_s=4 * 3600)
    room.do("note", key="open", for_s=20 * 3600)
    room.do("add", note=3, text="Still so.", by="Ben")
    room.now = NOON - HOUR
    room.do("note", key="done")
    room.do("done", note=4, by="Ben")
    notes = build(book=room.book)["notes"]

    assert [n["key"] for n in notes["open"]] == ["open"]
    assert [(n["key"], n["state"]) for n in notes["ended"]] == [("over", "over"), ("done", "done")]
    assert [(e["what"], e["by"], e["text"]) for e in notes["open"][0]["entries"]] == [("added", "Ben", "Still so.")]


@pytest.mark.parametrize("count", [1, STORIES_MOST + 5])
def test_changes_are_cut_after_the_most_urgent(count):
    """Comments as well: the newest."""
    said = [(NOON, "Anna", f"word {i}") for i in range(SAID_MOST + 2)]
    stories = tuple(Story(f"r|{i}", f"title {i}", "high", said=said) for i in range(count))
    changes = build(changes=replace(CHANGES, stories=stories))["changes"]

    assert len(changes["alarms"]) == min(count, STORIES_MOST) and changes["more"] == max(0, count - STORIES_MOST)
    assert [s["text"] for s in changes["alarms"][0]["said"]] == [f"word {i}" for i in range(2, SAID_MOST + 2)]
    assert (changes["watched_s"], changes["span_s"]) == (18_000.0, 18_000.0)
