"""Stage 2: phases and their delays.

What a row's phase and its code make of it is one look-up a row; only rows that
change touch an alarm. A newer return to normal beats a delay that is over in the
same step, because the code is asked before the clock.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from alerts.alarm import PRIORITIES, Event, What
from alerts.watch import ACTIVE, FALLING, NORMAL, RANK, RISING
from alerts.words import fill_title, read_values
from alerts.work import AWAITED, BETWEEN, DIM, TRUE, UNKNOWN, Judged, Work

# What to do, by phase and code.
_STAY, _BEGIN, _RIPEN, _SETTLE, _END, _EASE, _RESUME = range(7)
_WHAT_NEXT: Final = np.array(
    (
        # CLEAR    BETWEEN    TRUE     DIM      UNKNOWN AWAITED
        *(_STAY, _STAY, _BEGIN, _STAY, _STAY, _STAY),  # NORMAL
        *(_SETTLE, _SETTLE, _RIPEN, _SETTLE, _STAY, _STAY),  # RISING
        *(_END, _STAY, _STAY, _STAY, _STAY, _STAY),  # ACTIVE
        *(_EASE, _RESUME, _RESUME, _STAY, _STAY, _STAY),  # FALLING
    ),
    dtype=np.int8,
)

_CODES: Final = 6

_GONE: Final = "no longer listed"
_UNKNOWN: Final = "too old, or a value that the rule reads is missing"

# A delay of a thing that nobody lists any more is put away after this: it never was an alarm.
RISING_KEPT_MS: Final = 24 * 3_600_000


def delay(work: Work) -> None:
    """Let delays begin and end; a rule that fails is left as it was, and said."""
    for judged in work.judged.values():
        try:
            changes = _Changes(work, judged)
            changes.find()
        except Exception as fault:  # a fault in one rule must not silence the others
            work.faults[judged.watch.name] = f"{type(fault).__name__}: {fault}"[:300]
            continue
        changes.keep()
        work.add(changes.events)


class _Changes:
    """What one rule's rows do in this step: found first, kept only when all of it could be said."""

    def __init__(self, work: Work, judged: Judged) -> None:
        self.work = work
        self.judged = judged
        self.watch = watch = judged.watch
        self.events: list[Event] = []
        self.phase, self.since_ms, self.no_data, self.rank = watch.phase, watch.since_ms, watch.no_data, watch.rank

    def find(self) -> None:
        watch, code = self.watch, self.judged.code
        action = _WHAT_NEXT[watch.phase * _CODES + code]
        rows = np.flatnonzero(action)
        is_active = watch.phase >= ACTIVE
        some_active = bool(is_active.any())
        if len(rows):
            self._copy()
            self._move(rows, action[rows])
        if some_active:
            self._reprioritise(np.flatnonzero(is_active & (self.phase == ACTIVE)))
            self._note_data()
        if watch.absent:
            self._forget_rising()

    def keep(self) -> None:
        """This is how it stands from now on."""
        watch = self.watch
        watch.phase, watch.since_ms, watch.no_data, watch.rank = self.phase, self.since_ms, self.no_data, self.rank
        if self.events:
            watch.reasons[watch.phase < ACTIVE] = 0  # what has cleared is explained away by nothing

    def _copy(self) -> None:
        if self.phase is self.watch.phase:
            self.phase, self.since_ms = self.phase.copy(), self.since_ms.copy()
            self.no_data, self.rank = self.no_data.copy(), self.rank.copy()

    def _move(self, rows: np.ndarray, action: np.ndarray) -> None:
        """Transitions of these rows, after `_WHAT_NEXT`."""
        rule, now_ms = self.watch.rule, self.work.now_ms
        waited_ms = now_ms - self.since_ms[rows]
        risen = (action == _RIPEN) & (waited_ms >= rule.on_delay * 1000)
        eased = (action == _EASE) & (waited_ms >= rule.off_delay * 1000)
        begun, ended = action == _BEGIN, action == _END
        none = np.zeros(len(rows), dtype=bool)
        raised = rows[risen | (begun if rule.on_delay == 0 else none)]
        cleared = rows[eased | (ended if rule.off_delay == 0 else none)]
        self._to(rows[action == _SETTLE], NORMAL, What.SETTLED)
        self._to(cleared, NORMAL, What.CLEARED)
        if rule.off_delay:
            self._to(rows[ended], FALLING, What.FALLING)
        self._to(rows[action == _RESUME], ACTIVE, What.RESUMED)
        if rule.on_delay:
            self._to(rows[begun], RISING, What.RISING)
        if len(raised):
            ranks = self._ranks(raised)
            self.rank[raised] = ranks
            self._to(raised, ACTIVE, What.RAISED, [{"priority": PRIORITIES[r], **self._latching} for r in ranks])

    @property
    def _latching(self) -> dict[str, Any]:
        return {"latching": True} if self.watch.rule.latching else {}

    def _to(self, rows: np.ndarray, phase: int, what: What, facts: list[dict[str, Any]] | None = None) -> None:
        if not len(rows):
            return
        self.phase[rows] = phase
        self.since_ms[rows] = self.work.now_ms
        self.no_data[rows] = False
        self._say(rows, what, facts)

    def _say(self, rows: np.ndarray, what: What, facts: list[dict[str, Any]] | None = None, why: str = "") -> None:
        """One event a row, with what the row says now; a key that is not listed has nothing to say."""
        watch, now = self.watch, self.work.now
        is_listed = rows < watch.listed
        listed = rows[is_listed]
        values = read_values(self.judged.source, watch.value_names, listed)
        keys = watch.roster.keys[listed].tolist()
        for i, (key, row_values) in enumerate(zip(keys, values, strict=True)):
            own = facts[i] if facts else {}
            if what is What.RAISED:
                own["title"] = fill_title(watch.rule.title, key, row_values, watch.compiled.columns)
            self.events.append(Event(now, watch.name, key, what, why=why, values=row_values, facts=own))
        for row in rows[~is_listed].tolist():
            self.events.append(Event(now, watch.name, watch.key(row), what, why=why or _GONE))

    def _ranks(self, rows: np.ndarray) -> list[int]:
        """The urgency each row has now, by `raises`; unknown leaves what an active row has."""
        watch = self.watch
        base = RANK[watch.rule.priority]
        if not watch.compiled.raises:
            return [base] * len(rows)
        found = np.full(len(rows), base, dtype=np.int8)
        listed = rows < watch.listed
        places = rows[listed]
        held = (watch.phase[places] >= ACTIVE) & (self.phase[places] >= ACTIVE)
        for condition, priority in reversed(watch.compiled.raises):
            rank = RANK[priority]
            worse = condition.evaluate(self.judged.rows)
            stays = ~worse.known[places] & held & (watch.rank[places] <= rank)
            found[np.flatnonzero(listed)[worse.true[places] | stays]] = rank
        return [int(rank) for rank in found]

    def _reprioritise(self, rows: np.ndarray) -> None:
        """Rows that go on being active, and are known, take the urgency of now."""
        watch, code = self.watch, self.judged.code
        rows = rows[((code[rows] == TRUE) | (code[rows] == BETWEEN)) & (rows < watch.listed)]
        if not watch.compiled.raises:
            rows = rows[self.rank[rows] != RANK[watch.rule.priority]]
        if not len(rows):
            return
        ranks = np.array(self._ranks(rows), dtype=np.int8)
        changed = ranks != self.rank[rows]
        if not changed.any():
            return
        self._copy()
        rows, ranks = rows[changed], ranks[changed]
        is_higher = ranks < self.rank[rows]
        was, self.rank[rows] = self.rank[rows].tolist(), ranks
        facts = [{"priority": PRIORITIES[r], "was": PRIORITIES[w]} for r, w in zip(ranks.tolist(), was, strict=True)]
        self._say(rows, What.REPRIORITISED, facts)
        answered = [self._is_acknowledged(row) for row in rows.tolist()]
        self._say(rows[is_higher & np.array(answered)], What.REALARMED, why="its priority is higher now")

    def _is_acknowledged(self, row: int) -> bool:
        alarm = self.work.alarms.get(f"{self.watch.name}|{self.watch.key(row)}")
        return alarm is not None and alarm.acknowledged

    def _note_data(self) -> None:
        """Say where an alarm's input has become unknown, or known again."""
        code = self.judged.code
        missing = (self.phase >= ACTIVE) & ((code == UNKNOWN) | (code == DIM))
        differs = (missing != self.no_data) & (code != AWAITED)
        rows = np.flatnonzero(differs)
        if not len(rows):
            return
        self._copy()
        self.no_data[rows] = missing[rows]
        lost = rows[missing[rows]]
        self._say(lost[lost < self.watch.listed], What.NO_DATA, why=_UNKNOWN)
        self._say(lost[lost >= self.watch.listed], What.NO_DATA)
        self._say(rows[~missing[rows]], What.DATA)

    def _forget_rising(self) -> None:
        watch = self.watch
        longest_ms = RISING_KEPT_MS + watch.rule.on_delay * 1000
        tail = np.arange(watch.listed, len(watch.phase))
        old = tail[(self.phase[tail] == RISING) & (self.work.now_ms - self.since_ms[tail] > longest_ms)]
        if len(old):
            self._copy()
            self._to(old, NORMAL, What.SETTLED)
