"""Who is told: from what the journal says and the settings to deliveries. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from alerts.alarm import What
from alerts.hours import is_within
from alerts.notify.delivery import Delivery, State, key_of
from alerts.notify.message import Telling, build_message
from alerts.notify.sender import Way
from alerts.ruleset import CompiledRule

if TYPE_CHECKING:  # with it come the clients of every channel
    from alerts.notify.settings import NotifySettings

MINUTE: Final = timedelta(minutes=1)
# Of the messages of a minute so many are kept for alarms of the highest priority: a storm of others
# must not make them wait for its summary. One of three, and at least one where there are two.
_KEPT_SHARE: Final = 3


@dataclass(frozen=True)
class Circumstances:
    """What a plan depends on beside the telling itself."""

    settings: NotifySettings
    rules: Mapping[str, CompiledRule]
    zone: ZoneInfo
    simulated: bool
    now: datetime


def merge_floods(tellings: Iterable[Telling]) -> list[Telling]:
    """Each flood told once: by its first-out where that is told in the same moment, else by its own event."""
    found = list(tellings)
    floods = {(t.alarm.alarm_id, t.event.at): t for t in found if t.event.what is What.GROUPED}
    merged: list[Telling] = []
    told = {(t.alarm.alarm_id, t.event.at) for t in found if t.event.what is not What.GROUPED and not t.is_end}
    for telling in found:
        moment = (telling.alarm.alarm_id, telling.event.at)
        if telling.event.what is What.GROUPED:
            if moment not in told:
                merged.append(telling)
        elif moment in floods and not telling.is_end:
            merged.append(replace(telling, alarm=floods[moment].alarm, count=floods[moment].count))
        else:
            merged.append(telling)
    return merged


def find_ways(telling: Telling, at: Circumstances, told: Callable[[], set[tuple[str, str]]]) -> list[Way]:
    """By which ways this is told, each once.

    Args:
        told: recipients and channels that have been told of this occurrence; asked only where it matters.
    """
    alarm, settings = telling.alarm, at.settings
    if telling.event.what is What.ESCALATED:
        return list(settings.list_ways(str(telling.event.facts.get("to", ""))))
    rule = at.rules.get(alarm.rule)
    names: dict[str, None] = {}
    for route in settings.routes:
        if telling.is_end and not route.cleared:
            continue
        if not route.fits(alarm.rule, rule.system if rule else None, alarm.priority):
            continue
        # Who was told by day hears of the end by night as well.
        if telling.is_end or not route.hours or is_within(route.hours, telling.event.at, at.zone):
            names.update(dict.fromkeys(route.to))
    ways = [way for name in names for way in settings.list_ways(name)]
    if telling.is_end and ways:
        heard = told()
        ways = [way for way in ways if way.place in heard]
    return ways


def build_delivery(telling: Telling, way: Way, at: Circumstances) -> Delivery:
    """One telling to one recipient, to be sent at once."""
    event, alarm = telling.event, telling.alarm
    message = build_message(telling, at.rules.get(alarm.rule), at.settings.screen, at.zone, at.simulated)
    expires_at = event.at + timedelta(seconds=at.settings.limits.expire_after)
    return Delivery(
        seq=event.seq,
        recipient=way.name,
        channel=way.channel,
        alarm=alarm.alarm_id,
        what=event.what.value,
        priority=alarm.priority,
        key=key_of(event, way.name, way.channel),
        message=message,
        made_at=at.now,
        next_at=at.now,
        expires_at=expires_at,
        # After a long stop of ours: what is too old to be of use is kept for the record, and not sent.
        state=State.QUEUED if at.now < expires_at else State.EXPIRED,
        error="" if at.now < expires_at else "it was too old when the control room came back",
    )


def hold_back(
    deliveries: Sequence[Delivery],
    made: Callable[[str, str], int],
    per_minute: int,
    now: datetime,
    minute: timedelta = MINUTE,
) -> list[Delivery]:
    """The same, those held that are more than a recipient can read in a minute.

    Args:
        made: recipient, channel -> messages of the last minute.
    """
    counts: dict[tuple[str, str], int] = {}
    kept = per_minute // _KEPT_SHARE or int(per_minute > 1)
    found = []
    for delivery in deliveries:
        place = (delivery.recipient, delivery.channel)
        if delivery.state is not State.QUEUED:
            found.append(delivery)
            continue
        if place not in counts:
            counts[place] = made(*place)
        most = per_minute if delivery.priority == "highest" else per_minute - kept
        if counts[place] < most:
            counts[place] += 1
            found.append(delivery)
        else:
            found.append(replace(delivery, state=State.HELD, next_at=now + minute))
    return found
