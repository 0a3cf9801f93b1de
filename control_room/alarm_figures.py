"""The alarm system's own figures in the running product: counted live, and shown as rows of kind `alarm_figure`.

    take      events as they happen, by the writer
    begin     what the journal says of the last day; read in a thread, as it may be much
    table     the figures of the last 24 hours, reckoned anew every few seconds

Until the journal has been read there are no figures, rather than figures of the
minutes since the start.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from alerts.alarm import ENGINE, Event, What
from alerts.journal import Journal
from alerts.kpi import PERIOD_S, Tally
from alerts.kpi_report import PEAK_MOST, Report, find_longest_unanswered, report
from control_room.model import ALARM_FIGURE, Table
from control_room.storage.journal import SqlJournal

SPAN: Final = timedelta(hours=24)
# Read before the span, so that what was raised earlier and answered within it is known.
BEFORE: Final = timedelta(hours=24)
RENEW_S: Final = 10.0

# Events counted in one step of the writer, some 20 microseconds each.
COUNTED_AT_ONCE: Final = 500

_PAGE: Final = 2_000
_PAUSE_S: Final = 0.005  # the writer and the screens go first


class AlarmFigures:
    """One per process; all but `read_history` is called by the writer alone.

    Args:
        operators: people who answer alarms at the same time.
    """

    def __init__(self, operators: int) -> None:
        self._operators = max(1, operators)
        self._tally: Tally | None = None
        self._waiting: deque[Event] = deque()
        self._table = Table.empty(ALARM_FIGURE)
        self._rows: list[dict[str, Any]] = []
        self._made_at: datetime | None = None

    def take(self, events: Iterable[Event]) -> None:
        """Events as they were journalled, in their order; counted a little later, so that a flood waits for no count."""
        self._waiting += events

    def begin(self, history: Tally, upto: int) -> None:
        """Go on from what the journal said up to that place."""
        self._tally = history
        self._waiting = deque(event for event in self._waiting if event.seq == 0 or event.seq > upto)
        self._made_at = None

    def table(self, now: datetime) -> Table:
        """The figures; the very same table while they are the same, and until all that has happened is counted."""
        if self._tally is None:
            return self._table
        for _ in range(min(len(self._waiting), COUNTED_AT_ONCE)):
            self._tally.add(self._waiting.popleft())
        if self._waiting or not self._is_due(now):
            return self._table
        self._made_at = now
        rows = _list_rows(report(self._tally, now - SPAN, now, self._operators), self._tally)
        if rows != self._rows:
            self._rows = rows
            self._table = Table.of(
                ALARM_FIGURE, {c.name: [row.get(c.name) for row in rows] for c in ALARM_FIGURE.columns}
            )
        return self._table

    def _is_due(self, now: datetime) -> bool:
        return self._made_at is None or not 0 <= (now - self._made_at).total_seconds() < RENEW_S


def new_tally() -> Tally:
    """A tally that keeps as much as the figures are reckoned from."""
    return Tally((SPAN + BEFORE).total_seconds())


def read_history(journal: Journal | SqlJournal, now: datetime) -> tuple[Tally, int]:
    """What the journal says of the last two days and of the alarms that live; and up to which place.

    An alarm that was raised before these two days and has gone since is not known: its end counts nowhere.

    Raises:
        JournalUnavailable: it cannot be read.
    """
    tally = new_tally()
    upto = 0
    if not isinstance(journal, SqlJournal):
        for event in journal.load():
            tally.add(event)
            upto = event.seq
        return tally, upto
    before = journal.list_page(until=now - SPAN - BEFORE, limit=1)
    upto = before[0].seq if before else 0
    for event in journal.load():
        if event.seq > upto:
            break
        tally.add(event)
    while page := journal.list_after(upto, _PAGE):
        tally.add_all(page)
        upto = page[-1].seq
        time.sleep(_PAUSE_S)
    return tally, upto


def _list_rows(told: Report, tally: Tally) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "figure_key": f"figure|{f.name}",
            "section": "figure",
            "title": f.title,
            "value": f.value,
            "value_unit": f.unit,
            "target": f.target or None,
            "verdict": f.verdict or None,
            "note": f.note or None,
        }
        for f in told.figures
    ]
    longest = find_longest_unanswered(tally)
    rows.append(
        {
            "figure_key": "figure|longest_unanswered",
            "section": "figure",
            "title": "Longest not acknowledged",
            "note": (longest.title or longest.alarm_id) if longest else None,
            "at": longest.told_at if longest else None,
        }
    )
    rows.append(
        {
            "figure_key": "figure|span",
            "section": "figure",
            "title": "Watched",
            "at": told.since,
            "total_s": told.watched_s,
        }
    )
    rows[-1]["value"] = float(told.operators)
    for top in told.top:
        rows.append(
            {
                "figure_key": f"top|{top.alarm_id}",
                "section": "top",
                "title": top.title,
                "value": float(top.count),
                "value_unit": "alarms",
                "share_percent": top.percent,
                "note": "chatters" if top.chatters else None,
            }
        )
    for aside in told.aside:
        rows.append(
            {
                "figure_key": f"aside|{aside.what}|{aside.who}",
                "section": "aside",
                "title": aside.who if aside.who != ENGINE else "the engine",
                "value": float(aside.now),
                "value_unit": "alarms",
                "note": "out of service" if aside.what == What.OUT_OF_SERVICE.value else "shelved",
                "at": aside.since,
                # Of a shelf that stands the page counts on from `at`: the time here would change each second.
                "total_s": None if aside.since is not None else aside.total_s,
            }
        )
    for slot in told.slots:
        over = slot.alarms is not None and slot.alarms > PEAK_MOST * told.operators
        rows.append(
            {
                "figure_key": f"period|{slot.start:%Y-%m-%dT%H:%MZ}",
                "section": "period",
                "title": "alarms in 10 minutes",
                "value": None if slot.alarms is None else float(slot.alarms),
                "value_unit": "alarms",
                "verdict": None if slot.alarms is None else "over" if over else "within",
                "note": "flood" if slot.is_flood else None,
                "at": slot.start,
                "total_s": min(slot.watched_s, float(PERIOD_S)),
            }
        )
    return rows
