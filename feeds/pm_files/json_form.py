"""The same report as a JSON event (VES, domain perf3gpp), as collectors pass it on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from feeds.checks import Tally
from feeds.feed import PayloadError
from feeds.json_body import load_json
from feeds.pm_files.report import MAX_NAMES, Budget, Group, Measured, Report, keep_value
from feeds.text import clean_text

MAX_CONTAINERS: Final = 2_000_000


def read_event(body: bytes) -> Report:
    """The report in this JSON: one `event`, or an `eventList`.

    Raises:
        PayloadError: not_json, too_many_values, too_many_names, not_pm_report.
    """
    answer = load_json(body, MAX_CONTAINERS)
    tally, budget = Tally(), Budget()
    groups = [g for event in _list_events(answer) for g in _read_groups(event, tally, budget)]
    return Report(
        tuple(groups), None, rejects=dict(tally.rejects), warnings=dict(tally.warnings), offending=tally.offending
    )


def _list_events(answer: Any) -> list[Mapping[str, Any]]:
    found = answer if isinstance(answer, dict) else {}
    events = found.get("eventList") if isinstance(found.get("eventList"), list) else [found.get("event")]
    kept: list[Mapping[str, Any]] = [
        e for e in events or [] if isinstance(e, dict) and isinstance(e.get("perf3gppFields"), dict)
    ]
    if not kept:
        raise PayloadError("not_pm_report", "an event with perf3gppFields was expected; there is none")
    return kept


def _read_groups(event: Mapping[str, Any], tally: Tally, budget: Budget) -> Iterator[Group]:
    header = _mapping(event.get("commonEventHeader"))
    collection = _mapping(event["perf3gppFields"].get("measDataCollection"))
    end, duration = (
        _number(header.get("lastEpochMicrosec")),
        _number(collection.get("granularityPeriod")),
    )
    began = _number(header.get("startEpochMicrosec"))
    if end is not None and began is not None and duration is not None and abs(end - began - duration * 1e6) > 1e6:
        # Seen: start in 2016, end in 2023, a period of 900 s. The end is the event's own time.
        tally.warn("period_mismatch")
    element = clean_text(collection.get("measuredEntityDn"), 300)
    for item in _list(collection.get("measInfoList")):
        names = [n[:100] for n in _list(_mapping(item.get("measTypes")).get("sMeasTypesList"), str)]
        if len(names) > MAX_NAMES:
            raise PayloadError("too_many_names", f"more than {MAX_NAMES} counters in one group")
        group = Group(element, end, duration)
        for value in _list(item.get("measValuesList")):
            budget.spend()
            group.objects.append(_read_object(value, names, tally, budget))
        yield group


def _read_object(value: Mapping[str, Any], names: list[str], tally: Tally, budget: Budget) -> Measured:
    suspect = str(value.get("suspectFlag", "false")).lower() == "true"
    measured = Measured(clean_text(value.get("measObjInstId"), 300) or "", suspect=suspect)
    for result in _list(value.get("measResults")):
        budget.spend()
        p = result.get("p")
        if not isinstance(p, int) or isinstance(p, bool) or not 1 <= p <= len(names):
            tally.warn("value_without_name")
            continue
        said = next((result[k] for k in ("sValue", "iValue", "rValue") if k in result), "")
        text = str(said) if isinstance(said, (str, int, float)) else ""
        keep_value(measured, names[p - 1], text, tally.warnings)
    return measured


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any, of: type = dict) -> list[Any]:
    return [item for item in value if isinstance(item, of)] if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
