"""What happens in the city, for all twins alike."""

from __future__ import annotations

from feeds.sandbox.happenings import (
    DAY_S,
    HOLES,
    VENUES,
    Happenings,
    in_hole,
    is_cell_down,
    list_cells,
    list_closures,
    list_gatherings,
)

NOON = 1_772_366_400  # 1 March 2026


def test_the_same_seed_and_moment_tell_the_same_story():
    """And another seed another one."""
    assert list_gatherings(1, NOON) == list_gatherings(1, NOON)
    assert list_closures(1, NOON) == list_closures(1, NOON)
    assert list_gatherings(1, NOON) != list_gatherings(2, NOON)


def test_a_fortnight_holds_events_and_works():
    """Some, not all the time; each ends after it starts; none is listed twice."""
    gatherings, closures = list_gatherings(1, NOON), list_closures(1, NOON)

    assert 3 <= len(gatherings) <= 30
    assert 2 <= len(closures) <= 30
    assert all(g.starts_s < g.ends_s for g in [*gatherings, *closures])
    assert len({g.number for g in gatherings}) == len(gatherings)
    assert len({c.number for c in closures}) == len(closures)


def test_what_is_on_stays_the_same_while_it_is_on():
    """An event seen from its day before and from its hour is one event."""
    event = list_gatherings(1, NOON)[2]

    assert event in list_gatherings(1, event.starts_s)
    assert event in list_gatherings(1, event.starts_s - DAY_S)


def test_outages_are_rare_and_happen():
    """Over a month of half hours some cell is down at some time, and most are up at all times."""
    down = [
        (cell.cell_id, t)
        for cell in list_cells()
        for t in range(NOON, NOON + 30 * DAY_S, 1800)
        if is_cell_down(1, cell, t)
    ]

    assert 0 < len(down) < 0.02 * len(list_cells()) * 30 * 48


def test_a_crowd_is_where_and_when_the_event_is():
    """People at the venue while it lasts, nobody before."""
    event = next(g for g in list_gatherings(1, NOON) if g.venue == VENUES[0][0])

    assert Happenings(1).crowd_at(event.latitude, event.longitude, event.starts_s + 60) >= event.people
    assert Happenings(1).crowd_at(52.2, -0.6, event.starts_s + 60) == 0


def test_holes_are_where_they_are():
    """The middle is in, a kilometre away is out."""
    assert in_hole(HOLES[0].latitude, HOLES[0].longitude)
    assert not in_hole(HOLES[0].latitude + 0.01, HOLES[0].longitude)
