"""How numbers, words and times are written. Text only; components are in `parts/`.

Unknown is written as an em dash, never as 0 and never as nothing. Who shows one
says why beside it (`parts.unknown`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

DASH = "—"
THIN = "\u202f"  # narrow no-break space between number and unit

# Plural names of vehicle types, as a heading says them.
KINDS: Mapping[str, tuple[str, str]] = {
    "robot": ("robot", "robots"),
    "shuttle": ("shuttle", "shuttles"),
    "bus": ("bus", "buses"),
    "drone": ("drone", "drones"),
    "scooter": ("scooter", "scooters"),
    "other": ("other vehicle", "other vehicles"),
}

STATES: Mapping[str, str] = {
    "working": "working",
    "idle": "idle",
    "reserved": "reserved",
    "charging": "charging",
    "stopped": "stopped",
    "needs_help": "needs help",
    "out_of_service": "out of service",
    "out_of_contact": "out of contact",
    "removed": "removed",
    "unknown": "state not known",
}
# A bus that works is on a trip; one that is idle has none. That is how its operator speaks of it.
_STATES_OF: Mapping[str, Mapping[str, str]] = {"bus": {"working": "on a trip", "idle": "no trip"}}

REASONS: Mapping[str, str] = {
    "timeout": "no answer in time",
    "name_not_found": "its name is not known",
    "reset": "connection broken off",
    "tls": "its certificate cannot be trusted",
    "refused": "connection refused",
    "truncated": "answer cut short",
    "not_protobuf": "answer is not protobuf",
    "not_xml": "answer is not XML",
    "not_json": "answer is not JSON",
    "credential_missing": "its credential is not set",
    "private_address": "its address may not be asked",
    "empty_body": "answer is empty",
}


def format_count(count: int) -> str:
    """1234 -> 1,234."""
    return f"{count:,}"


def format_number(value: float | None, unit: str = "", decimals: int = 0) -> str:
    """A number with its unit; an em dash where it is unknown (None, NaN or infinite)."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.removeprefix("-")
    return f"{text}{THIN}{unit}" if unit else text


def format_moment(at: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    """A moment in local time: "14:05" on the day of `now`, "Tue 24 Nov 14:05" on another; an em dash where unknown."""
    if at is None:
        return DASH
    local = at.astimezone(zone)
    same_day = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if same_day else f"{local:%a} {local.day} {local:%b %H:%M}"


def format_span(begins: datetime | None, ends: datetime | None, zone: ZoneInfo) -> str:
    """From when until when in local time, with days, whatever the day is now; "always" where neither is known."""
    first, last = (None if m is None else m.astimezone(zone) for m in (begins, ends))

    def say(at: datetime) -> str:
        return f"{at:%a} {at.day} {at:%b %H:%M}"

    if first is None and last is None:
        return "always"
    if first is None or last is None:
        return f"from {say(first)}" if first is not None else f"until {say(last)}" if last is not None else DASH
    return f"{say(first)} to {last:%H:%M}" if first.date() == last.date() else f"{say(first)} to {say(last)}"


def format_kind(vehicle_type: str, count: int) -> str:
    """The type's name, singular for one."""
    one, many = KINDS.get(vehicle_type, (vehicle_type, vehicle_type))
    return one if count == 1 else many


def format_state(state: str | None, vehicle_type: str = "") -> str:
    """A state in the words that people use for that type of vehicle."""
    name = state or "unknown"
    return _STATES_OF.get(vehicle_type, {}).get(name) or STATES.get(name) or format_reason(name)


def format_reason(reason: str | None) -> str:
    """A counted reason (`bad_position`) as words."""
    if not reason:
        return "no reason given"
    if reason.startswith("http_"):
        return f"answered with error {reason.removeprefix('http_')}"
    return REASONS.get(reason) or reason.replace("_", " ")
