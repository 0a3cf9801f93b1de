"""Which counters we understand, and what becomes of them.

Names are those of TS 28.552 (and TS 32.425 for the time out of service). A
suffix (`.1-010203`, `.SNSSAI`, `.QOS`, a PLMN) selects a part, so only the bare
name counts, or `.sum`, which the standard reserves for the whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from feeds.checks import Tally
from feeds.feed import Feed, PayloadError

UNAVAILABLE: Final = "RRU.CellUnavailableTime"

KNOWN: Final = frozenset(
    {
        "RRU.PrbTotDl",
        "RRU.PrbTotUl",
        "RRU.PrbUsedDl",
        "RRU.PrbUsedUl",
        "RRU.PrbAvailDl",
        "RRU.PrbAvailUl",
        "DRB.UEThpDl",
        "DRB.UEThpUl",
        "DRB.AirIfDelayDl",
        "DRB.RlcSduDelayDl",
        "RRC.ConnMean",
        "RRC.ConnEstabAtt",
        "RRC.ConnEstabSucc",
        UNAVAILABLE,
    }
)

# Ericsson's names whose meaning is beyond doubt. Volumes and times of the schedulers are left out: which of them
# make a throughput differs by release. The mean of users is a sum over samples.
ERICSSON_SUM_SA: Final = "pmRrcConnLevelSumSa"
ERICSSON_SUM_ENDC: Final = "pmRrcConnLevelSumEnDc"
ERICSSON_SAMPLES: Final = "pmRrcConnLevelSamp"
ERICSSON_REPEATED: Final = "pmRrcConnEstabAttReatt"
ERICSSON: Final = {
    "pmRrcConnEstabAtt": "RRC.ConnEstabAtt",
    "pmRrcConnEstabSucc": "RRC.ConnEstabSucc",
    "pmCellDowntimeAuto": UNAVAILABLE,
    "pmCellDowntimeMan": UNAVAILABLE,
    ERICSSON_SUM_SA: ERICSSON_SUM_SA,
    ERICSSON_SUM_ENDC: ERICSSON_SUM_ENDC,
    ERICSSON_SAMPLES: ERICSSON_SAMPLES,
    ERICSSON_REPEATED: ERICSSON_REPEATED,
}

_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")
# A bare name and what selects a part of it: `RRU.PrbTotDl.1-010203`, `DRB.UEThpDl_Filter`.
_PART = re.compile(r"([A-Z0-9]+\.[A-Za-z0-9]+)[._]")
_DELAY_MS: Final = {"0.1ms": 0.1, "ms": 1.0, "us": 0.001}
# A packet that waits longer is dropped, not delayed: such a value is of another unit.
_MAX_DELAY_MS: Final = 10_000.0

# Under this share of a period in service, or of set-ups that succeed (of at least so many), a cell counts as degraded.
# No standard sets them; they are common targets of operators and options of the feed.
DEGRADED_BELOW_PERCENT: Final = 99.0
SETUP_BELOW_PERCENT: Final = 90.0
SETUP_LEAST: Final = 20


@dataclass(frozen=True)
class Reading:
    """How a feed's counters are read: its options, checked.

    Attributes:
        names: counter in the file -> the counter it stands for.
        prb: whether RRU.PrbTot is a percentage, a number of resource blocks, or to be judged by its range.
        delay_ms: milliseconds in one unit of the delays.
    """

    names: Mapping[str, str]
    prb: str = "auto"
    delay_ms: float = 0.1


def read_options(feed: Feed) -> Reading:
    """Raises PayloadError (option_wrong) naming the option and what it may be."""
    extra = feed.options.get("counters", {})
    if not isinstance(extra, Mapping):
        raise PayloadError("option_wrong", "options.counters is a mapping from the vendor's names to standard names")
    for name, meant in extra.items():
        if meant not in KNOWN:
            raise PayloadError(
                "option_wrong", f"options.counters.{name}: {meant!r} is none of {', '.join(sorted(KNOWN))}"
            )
    prb, unit = feed.options.get("prb", "auto"), feed.options.get("delay_unit", "0.1ms")
    if prb not in ("auto", "percent", "count"):
        raise PayloadError("option_wrong", f"options.prb {prb!r} is none of auto, percent, count")
    if unit not in _DELAY_MS:
        raise PayloadError("option_wrong", f"options.delay_unit {unit!r} is none of {', '.join(_DELAY_MS)}")
    names = {name: name for name in KNOWN} | {f"{name}.{end}": name for name in KNOWN for end in ("sum", "Sum")}
    return Reading(names | ERICSSON | {str(k): v for k, v in extra.items()}, prb, _DELAY_MS[unit])


def read_values(texts: Mapping[str, str], reading: Reading, tally: Tally) -> dict[str, float]:
    """Numbers by the counter's name in the file; those not understood, or not numbers, are counted."""
    found: dict[str, float] = {}
    for name, text in texts.items():
        if name not in reading.names:
            part = _PART.match(name)
            tally.warn("counter_of_part" if part and part.group(1) in KNOWN else "counter_unknown")
        elif not _NUMBER.fullmatch(text):
            tally.warn("value_unreadable")
        elif (value := float(text)) < 0 or value > 1e15:
            tally.warn("value_out_of_range")
        else:
            found[name] = value
    return found


def settle(values: Mapping[str, float], reading: Reading) -> dict[str, float]:
    """The same by what each stands for. Causes of being out of service add up; else the bare name wins."""
    made: dict[str, float] = {}
    for name, value in values.items():
        meant = reading.names[name]
        if meant == UNAVAILABLE and name in ERICSSON:
            made[meant] = made.get(meant, 0.0) + value
        elif meant not in made or name == meant:
            made[meant] = value
    return made


def count_blocks(cells: list[dict[str, float]], reading: Reading) -> bool:
    """Whether this source's RRU.PrbTot is a number of resource blocks, where the standard means percent.

    A single value above 100 tells, and then every value of the answer is read so:
    51 of 273 blocks would pass for 51 %.
    """
    if reading.prb != "auto":
        return reading.prb == "count"
    return any(values.get(f"RRU.PrbTot{way}", 0.0) > 100 for values in cells for way in ("Dl", "Ul"))


def observe_cell(
    values: Mapping[str, float], period_s: float | None, blocks: bool, reading: Reading, tally: Tally
) -> dict[str, Any]:
    """Columns of kind cell, None where the counters do not tell. `state` says down, degraded, up or unknown."""
    attempts = values.get("RRC.ConnEstabAtt")
    tried = attempts - values.get(ERICSSON_REPEATED, 0.0) if attempts is not None else None
    row: dict[str, Any] = {
        "prb_dl_percent": _load(values, "Dl", blocks, tally),
        "prb_ul_percent": _load(values, "Ul", blocks, tally),
        "throughput_dl_kbps": values.get("DRB.UEThpDl"),
        "throughput_ul_kbps": values.get("DRB.UEThpUl"),
        "delay_dl_ms": _delay(values, reading, tally),
        "devices_mean": _devices(values),
        "setup_attempts": tried,
        "setup_success_percent": _share(values.get("RRC.ConnEstabSucc"), tried, "setup_out_of_range", tally),
        "availability_percent": _availability(values.get(UNAVAILABLE), period_s, tally),
    }
    return row | {"state": _state(row)}


def _load(values: Mapping[str, float], way: str, blocks: bool, tally: Tally) -> float | None:
    total, used, there = (values.get(f"RRU.Prb{what}{way}") for what in ("Tot", "Used", "Avail"))
    if total is not None and not blocks:
        if total <= 100:
            return total
        tally.warn("prb_out_of_range")
        return None
    if total is not None:
        tally.warn("prb_is_count")
    return _share(total if total is not None else used, there, "prb_out_of_range", tally)


def _share(part: float | None, whole: float | None, reason: str, tally: Tally) -> float | None:
    """Percent; None where one is unknown or nothing was tried."""
    if part is None or not whole:
        return None
    if part > whole or whole < 0:
        tally.warn(reason)
        return None
    return 100 * part / whole


def _delay(values: Mapping[str, float], reading: Reading, tally: Tally) -> float | None:
    delay = values.get("DRB.AirIfDelayDl")
    if delay is None and (delay := values.get("DRB.RlcSduDelayDl")) is not None:
        tally.warn("delay_of_rlc")
    if delay is None:
        return None
    if delay * reading.delay_ms > _MAX_DELAY_MS:
        tally.warn("delay_out_of_range")
        return None
    return delay * reading.delay_ms


def _devices(values: Mapping[str, float]) -> float | None:
    if (mean := values.get("RRC.ConnMean")) is not None:
        return mean
    sums = [values[name] for name in (ERICSSON_SUM_SA, ERICSSON_SUM_ENDC) if name in values]
    samples = values.get(ERICSSON_SAMPLES)
    return sum(sums) / samples if sums and samples else None


def _availability(out_s: float | None, period_s: float | None, tally: Tally) -> float | None:
    if out_s is None or not period_s:
        return None
    if out_s > period_s * 1.01 + 1:
        tally.warn("downtime_out_of_range")
        return None
    return 100 * max(0.0, 1 - out_s / period_s)


def _state(row: Mapping[str, Any]) -> str:
    available, success = row["availability_percent"], row["setup_success_percent"]
    if available is not None and available <= 0:
        return "down"
    if available is not None and available < DEGRADED_BELOW_PERCENT:
        return "degraded"
    if success is not None and row["setup_attempts"] >= SETUP_LEAST and success < SETUP_BELOW_PERCENT:
        return "degraded"
    # Without the time out of service, only traffic proves that a cell works; silence may be a quiet night.
    busy = any(row[name] for name in ("prb_dl_percent", "throughput_dl_kbps", "devices_mean", "setup_attempts"))
    return "up" if available is not None or busy else "unknown"
