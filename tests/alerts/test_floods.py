"""Floods and who speaks for them, against the same said in the plainest way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.alarm import Alarm, Phase
from alerts.floods import MOST, WINDOW, Floods, Groups

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SORT = ("rule", (), "medium")

arrivals = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, 1, 3, 5, 10, 20, 61])), max_size=60)


@given(arrivals)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_flood_is_more_than_five_different_alarms_within_a_minute(steps):
    """Folded are those of a window with too many, under its oldest while the flood goes on."""
    floods, now = Floods(), START
    last_came: dict[str, datetime] = {}
    head: str | None = None
    for number, gap_s in steps:
        now += timedelta(seconds=gap_s)
        alarm_id = f"rule|{number}"
        before = [i for i, at in last_came.items() if now - at < WINDOW]
        if len(before) <= MOST:
            head = None  # it has abated
        last_came.pop(alarm_id, None)
        last_came[alarm_id] = now
        window = [i for i, at in last_came.items() if now - at < WINDOW]
        is_new = len(window) > MOST and head is None
        if is_new:
            head = window[0]
        expected = [] if len(window) <= MOST else window if is_new else [alarm_id]

        flood, members = floods.arrive(SORT, alarm_id, now)

        assert members == expected
        assert not members or flood.head == head


changes = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from([None, "a", "b"]), st.booleans(), st.booleans()), max_size=60
)


@given(changes)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_speaker_of_a_group_can_always_be_seen(steps):
    """The first-out if it is seen, else the one raised first of those that are; never one that is hidden or gone."""
    groups = Groups()
    alarms: dict[str, Alarm] = {}
    for number, group, is_hidden, is_gone in steps:
        alarm_id = f"rule|{number}"
        alarm = Alarm(
            "rule",
            str(number),
            phase=Phase.ACTIVE,
            raised_at=START + timedelta(seconds=7 * number % 5),
            group=group,
            folded_under=None if number == 0 else "rule|0",
            out_of_service_by="Anna" if is_hidden else None,
        )
        groups.note(alarm_id, None if is_gone else alarm)
        alarms.pop(alarm_id, None)
        if not is_gone:
            alarms[alarm_id] = alarm

        for name in ("a", "b"):
            seen = [a for a in alarms.values() if a.group == name and not a.is_hidden]
            assert set(groups.members(name)) == {a.alarm_id for a in seen}
            first_out = [a.alarm_id for a in seen if a.folded_under is None]
            oldest = sorted((a.raised_at, a.alarm_id) for a in seen if a.raised_at)
            expected = first_out[0] if first_out else oldest[0][1] if oldest else None
            assert groups.find_head(name) == expected
            assert all(groups.find_speaker(a.alarm_id) == (None if a.alarm_id == expected else expected) for a in seen)
