"""Service requests in figures: what is open, how old, too late, by what and where; and where today is unlike other days.

Pure functions over a table of kind `request`. What costs (telling texts apart) is
done once per table; what depends on the moment is counted from whole numbers.

What "today" and "a day" are follows the city's own clock. Only requests that the
feeds list are counted. A source that is asked for what changed of late lists old requests only while
they are open: days before the first closing it lists are half known, and are left out of every
comparison (`find_complete_since`).

Personal data: only category, place and times are read, never an identity or a word of a resident.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from control_room.model import Table, to_ms
from control_room.remember import remember

DAY_MS: Final = 86_400_000
_NEVER: Final = np.iinfo(np.int64).min  # what NaT is as a whole number

# Ages of open requests in days: from, until (not reached), in words.
AGES: Final = (
    (0, 1, "under a day"),
    (1, 3, "1 to 3 days"),
    (3, 7, "3 to 7 days"),
    (7, 14, "1 to 2 weeks"),
    (14, 28, "2 to 4 weeks"),
    (28, math.inf, "over 4 weeks"),
)
# Ways in that are "online", as sources write them; anything else that is told is not.
ONLINE: Final = frozenset(
    ("online", "web", "website", "internet", "app", "mobile", "mobile app", "portal", "self-service", "self service",
     "webform", "web form", "e-form", "eform")
)  # fmt: skip

# Clusters: squares of this side; a place is a square with the eight round it.
CELL_M: Final = 250.0
METRES_PER_DEGREE: Final = 111_320.0
LEAST_TOGETHER: Final = 4
LEAST_DAYS: Final = 3
MOST_DAYS: Final = 14
# So many requests would come by chance in fewer than one place in ten thousand.
CHANCE: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Codes:
    """A text column as whole numbers: `codes[row]` is a place in `names`, -1 where unknown."""

    codes: np.ndarray
    names: tuple[str, ...]

    def count(self, rows: np.ndarray) -> np.ndarray:
        """How many of these rows (a mask) have each name; one more place for the unknown, at the end."""
        picked = self.codes[rows]
        return np.bincount(np.where(picked < 0, len(self.names), picked), minlength=len(self.names) + 1)


@dataclass(frozen=True, slots=True)
class Requests:
    """A table of requests, ready to be counted. Times in ms since 1970, _NEVER where unknown."""

    table: Table
    category: Codes
    locality: Codes
    channel: Codes
    is_open: np.ndarray
    is_closed: np.ndarray
    requested: np.ndarray
    updated: np.ndarray
    expected: np.ndarray


@dataclass(frozen=True, slots=True)
class Group:
    """Requests of one category, place or channel.

    Attributes:
        name: None where the source does not say.
        over: of the open ones, those whose time has passed.
    """

    name: str | None
    open: int
    over: int
    opened_today: int


@dataclass(frozen=True, slots=True)
class Online:
    """How many of the requests whose channel is told came in online.

    Attributes:
        untold: requests whose source does not say how they came.
    """

    online: int
    told: int
    untold: int

    @property
    def percent(self) -> float | None:
        """None where no channel is told: then there is no share, which is not 0."""
        return 100 * self.online / self.told if self.told else None


@dataclass(frozen=True, slots=True)
class Figures:
    """All that a glance at the requests should tell.

    Attributes:
        open: requests on which somebody still has to act.
        unclear: those of which the source does not say whether they are open (planned collections).
        over: open, and the time they should have been done by has passed.
        untimed: open, and nobody said by when.
        closed_today: closed, and last changed today: the source tells no other moment of closing.
        ages: open requests by AGES; `unaged` have no time of their own.
        complete_since: from then on all requests are listed; None where that cannot be known.
    """

    open: int
    unclear: int
    over: int
    untimed: int
    opened_today: int
    closed_today: int
    ages: tuple[int, ...]
    unaged: int
    categories: tuple[Group, ...]
    localities: tuple[Group, ...]
    channels: tuple[Group, ...]
    online: Online
    complete_since: datetime | None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the city: made, closed, and open at its end (for the running day: now)."""

    day: date
    opened: int
    closed: int
    open_at_end: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """Requests of one category near each other today, far more than on other days.

    Attributes:
        usual: made there by this time of day on the days before, the mean.
        days: how many days that is the mean of.
        latitude, longitude: the middle of today's.
    """

    category: str | None
    locality: str | None
    count: int
    usual: float
    days: int
    latitude: float
    longitude: float


def read_requests(table: Table) -> Requests:
    """The table in whole numbers, kept for as long as it is the same: three panels ask for it, second by second."""
    return remember("requests", _read, table)


def _read(table: Table) -> Requests:
    states = table["is_open"]
    return Requests(
        table,
        _factorise(table["category"], table["category_code"]),
        _factorise(table["locality"]),
        _factorise(table["channel"]),
        states == True,  # noqa: E712  elementwise, None is neither
        states == False,  # noqa: E712
        table["requested_at"].astype(np.int64),
        table["updated_at"].astype(np.int64),
        table["expected_at"].astype(np.int64),
    )


def _factorise(column: np.ndarray, instead: np.ndarray | None = None) -> Codes:
    """A text column in whole numbers; where it says nothing, the other one speaks."""
    if instead is not None:
        column = np.where(column == None, instead, column)  # noqa: E711  elementwise
    codes, names = pd.factorize(column)
    return Codes(codes, tuple(str(n) for n in names))


def count_requests(requests: Requests, now: datetime, zone: ZoneInfo) -> Figures:
    """The figures of that moment.

    Args:
        now: aware.
        zone: of the city, for what today is.
    """
    now_ms, today_ms = _ms(now), _ms(_midnight(now, zone))
    is_open = requests.is_open
    is_timed = requests.expected != _NEVER
    over = is_open & is_timed & (requests.expected < now_ms)
    opened_today = (requests.requested >= today_ms) & (requests.requested <= now_ms)
    closed_today = requests.is_closed & (requests.updated >= today_ms) & (requests.updated <= now_ms)
    is_aged = requests.requested != _NEVER
    edges = [low * DAY_MS for low, _, _ in AGES]
    # A request from a clock that runs ahead is new, not unknown.
    ages_ms = np.maximum(now_ms - requests.requested[is_open & is_aged], 0)
    ages = np.bincount(np.searchsorted(edges, ages_ms, side="right") - 1, minlength=len(AGES))
    channel = requests.channel
    ways = channel.count(np.ones(len(requests.table), dtype=bool))
    online = sum(int(ways[i]) for i, name in enumerate(channel.names) if name.strip().casefold() in ONLINE)
    return Figures(
        open=int(is_open.sum()),
        unclear=int((~is_open & ~requests.is_closed).sum()),
        over=int(over.sum()),
        untimed=int((is_open & ~is_timed).sum()),
        opened_today=int(opened_today.sum()),
        closed_today=int(closed_today.sum()),
        ages=tuple(ages.tolist()),
        unaged=int((is_open & ~is_aged).sum()),
        categories=_group(requests.category, is_open, over, opened_today),
        localities=_group(requests.locality, is_open, over, opened_today),
        channels=_group(channel, is_open, over, opened_today),
        online=Online(online, int(ways[:-1].sum()), int(ways[-1])),
        complete_since=find_complete_since(requests, zone),
    )


def _group(codes: Codes, is_open: np.ndarray, over: np.ndarray, opened_today: np.ndarray) -> tuple[Group, ...]:
    """Each name with something to say, the most open ones first."""
    counts = np.stack([codes.count(is_open), codes.count(over), codes.count(opened_today)], axis=1)
    names = (*codes.names, None)
    groups = [Group(names[i], *counts[i].tolist()) for i in np.flatnonzero(counts.any(axis=1)).tolist()]
    return tuple(sorted(groups, key=lambda g: (-g.open, -g.opened_today, g.name is None, g.name)))


def find_complete_since(requests: Requests, zone: ZoneInfo) -> datetime | None:
    """From when on the feeds list every request: since the first closing that they list.

    Before it, what was made and closed is missing. None where no closing is listed with its time:
    then nobody knows what is missing.
    """
    ended = requests.updated[requests.is_closed & (requests.updated != _NEVER)]
    return datetime.fromtimestamp(int(ended.min()) / 1000, zone) if len(ended) else None


def list_days(requests: Requests, now: datetime, zone: ZoneInfo, most: int = 14) -> list[Day]:
    """The last days that the requests tell of in full, the running one last; none where that cannot be known.

    A closed request counts as closed when it last changed; one without that time is left out.

    Args:
        most: days at most, the running one included.
    """
    since = find_complete_since(requests, zone)
    if since is None:
        return []
    starts = [_midnight(now, zone, back) for back in range(most - 1, -1, -1)]
    starts = [s for s in starts if s >= since]
    if not starts:
        return []
    edges = np.array([*(_ms(s) for s in starts), _ms(now) + 1])
    is_timed = requests.requested != _NEVER
    is_ended = requests.is_closed & (requests.updated != _NEVER)
    made, ended = np.sort(requests.requested[is_timed]), np.sort(requests.updated[is_ended])
    # The backlog needs both ends of each request, or one that is still open.
    begun = np.sort(requests.requested[is_timed & (requests.is_open | is_ended)])
    over = np.sort(requests.updated[is_timed & is_ended])
    opened, closed = np.diff(np.searchsorted(made, edges)), np.diff(np.searchsorted(ended, edges))
    left = np.searchsorted(begun, edges[1:]) - np.searchsorted(over, edges[1:])
    return [
        Day(start.date(), int(o), int(c), int(n)) for start, o, c, n in zip(starts, opened, closed, left, strict=True)
    ]


def find_clusters(requests: Requests, now: datetime, zone: ZoneInfo) -> list[Cluster] | None:
    """Where more requests of one category came today, near each other, than chance and their own days explain.

    Like DBSCAN on a grid: requests fall into squares of CELL_M; a place is a square and the
    eight round it. A place is a core when it has at least LEAST_TOGETHER of one category since midnight,
    and so many would come by chance with a likelihood under CHANCE, given what came to the same place on the days
    before until this time of day, rounded up to ten minutes (`chance_of`). Cores that touch are one cluster.

    Returns:
        The clusters, largest first. None where the requests tell of fewer than LEAST_DAYS whole
        days before today: then there is no usual to compare with.
    """
    today, since = _midnight(now, zone), find_complete_since(requests, zone)
    if since is None:
        return None
    days = [m for m in (_midnight(now, zone, back) for back in range(1, MOST_DAYS + 1)) if m >= since]
    if len(days) < LEAST_DAYS:
        return None
    spent_ms = math.ceil((_ms(now) - _ms(today)) / 600_000) * 600_000
    cells, here = _grid(requests)
    since_ms = requests.requested
    is_today = here & (since_ms >= _ms(today)) & (since_ms <= _ms(now))
    if int(is_today.sum()) < LEAST_TOGETHER:
        return []
    is_before = np.zeros(len(here), dtype=bool)
    for day in days:
        is_before |= here & (since_ms >= _ms(day)) & (since_ms < _ms(day) + spent_ms)
    found = _count_cells(cells[is_today])
    before = _count_cells(cells[is_before])
    cores = set()
    for cell in found:
        count = sum(found.get(near, 0) for near in _list_near(cell))
        earlier = sum(before.get(near, 0) for near in _list_near(cell))
        if count >= LEAST_TOGETHER and chance_of(count, earlier, len(days)) < CHANCE:
            cores.add(cell)
    rows_of = _rows_by_cell(cells, np.flatnonzero(is_today))
    return sorted(
        (_describe(requests, group, rows_of, before, len(days)) for group in _join(cores)),
        key=lambda c: (-c.count, c.category or "", c.locality or ""),
    )


_WIDE: Final = 1 << 20  # squares across; category, row and column share one whole number


def _grid(requests: Requests) -> tuple[np.ndarray, np.ndarray]:
    """Each request's square, of its category alone, in one whole number; and whether it has a place and a time."""
    latitude, longitude = requests.table["latitude"], requests.table["longitude"]
    here = np.isfinite(latitude) & np.isfinite(longitude) & (requests.requested != _NEVER)
    if not here.any():
        return np.zeros(len(here), dtype=np.int64), here
    # A median of few suffices: squares need not be squares to the metre.
    across = METRES_PER_DEGREE * max(0.01, math.cos(math.radians(float(latitude[here][0]))))
    north = np.floor(np.where(here, latitude + 90, 0) * METRES_PER_DEGREE / CELL_M).astype(np.int64)
    east = np.floor(np.where(here, longitude + 180, 0) * across / CELL_M).astype(np.int64)
    return ((requests.category.codes.astype(np.int64) + 1) * _WIDE + north) * _WIDE + east, here


def _count_cells(cells: np.ndarray) -> dict[int, int]:
    names, counts = np.unique(cells, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _list_near(cell: int) -> tuple[int, ...]:
    return tuple(cell + up * _WIDE + right for up in (-1, 0, 1) for right in (-1, 0, 1))


def chance_of(count: int, before: int, days: int) -> float:
    """How likely at least `count` come on a day, where `before` came on `days` days.

    Arrivals are Poisson's, but their rate is not known: a place where nobody asked for anything in six days may
    still have its one a week. So the rate is judged from those days (Gamma, after Jeffreys' prior of half a request), which
    makes the count negative binomial. With the mean taken for the rate, quiet places gave nine false
    clusters in ninety looks at an ordinary simulated city.
    """
    size, miss = before + 0.5, 1 / (days + 1)
    term = total = math.exp(-size * math.log1p(1 / days))
    for k in range(1, count):
        term *= (size + k - 1) / k * miss
        total += term
    return max(0.0, 1.0 - total)


def _join(cores: set[int]) -> list[list[int]]:
    """Cores that touch, together with the squares round them."""
    left, groups = set(cores), []
    while left:
        edge: list[int] = [left.pop()]
        group: set[int] = set()
        while edge:
            cell = edge.pop()
            near = _list_near(cell)
            group.update(near)
            edge += [n for n in near if n in left]
            left.difference_update(near)
        groups.append(sorted(group))
    return groups


def _rows_by_cell(cells: np.ndarray, rows: np.ndarray) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row, cell in zip(rows.tolist(), cells[rows].tolist(), strict=True):
        found.setdefault(cell, []).append(row)
    return found


def _describe(
    requests: Requests, group: list[int], rows_of: dict[int, list[int]], before: dict[int, int], days: int
) -> Cluster:
    rows = np.array([row for cell in group for row in rows_of.get(cell, ())])
    category = int(requests.category.codes[rows[0]])
    places = requests.locality.codes[rows]
    places = places[places >= 0]
    most = int(np.bincount(places).argmax()) if len(places) else -1
    return Cluster(
        category=requests.category.names[category] if category >= 0 else None,
        locality=requests.locality.names[most] if most >= 0 else None,
        count=len(rows),
        usual=sum(before.get(cell, 0) for cell in group) / days,
        days=days,
        latitude=float(requests.table["latitude"][rows].mean()),
        longitude=float(requests.table["longitude"][rows].mean()),
    )


def _midnight(now: datetime, zone: ZoneInfo, days_back: int = 0) -> datetime:
    """The beginning of that day by the city's clock; days with a clock change are 23 or 25 hours long."""
    day = now.astimezone(zone).date() - timedelta(days=days_back)
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _ms(moment: datetime) -> int:
    return int(to_ms(moment).astype(np.int64))
