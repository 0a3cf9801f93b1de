"""What happens between a snapshot and a person who is told, in its order. The order is the design.

    evaluate   each rule's condition on each of its rows: true, clear, between, unknown
    delay      phases and their delays: what begins to rise, is raised, falls, clears
    suppress   what another alarm, the hours or a maintenance window explains away; shelves that end
    group      the first of a flood stands, the rest is folded under it
    escalate   nobody answered in time: told to the next; or answered for too long: alarms again
    tell       which of these events people are to be told by
    journal    written, all of the step at once or none of it yet

Escalations are events as well, so they come before the journal; what is told is
what the journal has, so notification reads it (`alerts.notify`) and is no stage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alerts.stages.delay import delay
from alerts.stages.escalate import escalate
from alerts.stages.evaluate import evaluate
from alerts.stages.group import group
from alerts.stages.suppress import suppress
from alerts.stages.tell import tell
from alerts.work import Work

Stage = Callable[[Work], None]

# The journal comes after them: it belongs to the engine, which commands write through as well.
STAGES: Final[tuple[Stage, ...]] = (evaluate, delay, suppress, group, escalate, tell)
