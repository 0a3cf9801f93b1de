"""Stage 1: how every row stands to every rule.

CLEAR     known to be over
BETWEEN   in the deadband: no alarm begins, none ends
TRUE      known to hold
DIM       known not to hold, but whether it is over is unknown: no alarm begins, none ends
UNKNOWN   nothing known now: no alarm begins, none ends
AWAITED   the same, and it is too early after a start to call it missing
"""

from __future__ import annotations

from typing import Final

import numpy as np
import structlog

from alerts.freshness import ends
from alerts.ruleset import CompiledRule
from alerts.watch import Watch
from alerts.work import AWAITED, BETWEEN, CLEAR, DIM, TRUE, UNKNOWN, Judged, Work

log = structlog.get_logger()

# By 0 unknown, 1 false, 2 true of `when`; then the same of `clear`.
_PLAIN: Final = np.array([UNKNOWN, CLEAR, TRUE], dtype=np.int8)
_DEADBAND: Final = np.array([UNKNOWN, UNKNOWN, UNKNOWN, DIM, BETWEEN, CLEAR, TRUE, TRUE, TRUE], dtype=np.int8)


def evaluate(work: Work) -> None:
    """Judge every rule; a rule that fails is left out of this step, and said."""
    for name, watch in work.watches.items():
        try:
            work.judged[name] = _judge(work, watch)
        except Exception as fault:  # a fault in one rule must not silence the others
            work.faults[name] = f"{type(fault).__name__}: {fault}"[:300]


def _judge(work: Work, watch: Watch) -> Judged:
    compiled = watch.compiled
    subject = work.subjects.of(compiled)
    rows, roster, where = subject.rows, subject.roster, subject.where
    when = compiled.when.evaluate(rows)
    code: np.ndarray
    answer = when.true.view(np.int8) + when.known.view(np.int8)
    if compiled.clear is None:
        code = _PLAIN[answer]
    else:
        clear = compiled.clear.evaluate(rows)
        code = _DEADBAND[3 * answer + clear.true.view(np.int8) + clear.known.view(np.int8)]
    if where is not None:
        code[~where.true] = UNKNOWN
        code[where.false] = CLEAR
    code[subject.stale] = UNKNOWN
    code[roster.doubled] = UNKNOWN
    # Only now: had a condition failed, the places would stay as they were.
    watch.align(roster)
    if watch.absent:
        code = np.concatenate([code, _judge_absent(work, watch, compiled)])
    return Judged(watch, subject.source, rows, code)


def _judge_absent(work: Work, watch: Watch, compiled: CompiledRule) -> np.ndarray:
    """How keys stand that are no longer listed."""
    is_over = CLEAR if ends(compiled.kind, compiled.rule.when_gone) else UNKNOWN
    if compiled.rule.group is not None or compiled.rule.expect is not None:
        # A group without rows has a count of none; an expected name that the rule has dropped is no concern.
        code = CLEAR if work.freshness.is_kind_fresh(compiled.kind.name) else UNKNOWN
        if code == UNKNOWN and work.freshness.is_kind_awaited(compiled.kind.name):
            code = AWAITED
        return np.full(len(watch.absent), code, dtype=np.int8)
    by_feed: dict[object, int] = {}
    codes = np.empty(len(watch.absent), dtype=np.int8)
    for i, key in enumerate(watch.absent):
        alarm = work.alarms.get(f"{watch.name}|{key}")
        feed = alarm.values.get("feed") if alarm else None
        if feed not in by_feed:
            by_feed[feed] = _judge_gone(work, compiled, feed, is_over)
        codes[i] = by_feed[feed]
    return codes


def _judge_gone(work: Work, compiled: CompiledRule, feed: object, is_over: int) -> int:
    if not isinstance(feed, str):
        if work.freshness.is_kind_fresh(compiled.kind.name):
            return is_over
        return AWAITED if work.freshness.is_kind_awaited(compiled.kind.name) else UNKNOWN
    if work.freshness.is_fresh(feed):
        return is_over
    return AWAITED if work.freshness.is_awaited(feed) else UNKNOWN
