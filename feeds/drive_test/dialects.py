"""Dialects of drive-test logs, told apart by their header, and made into samples of one form.

A sample is one measurement of one radio technology at one place and second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from feeds.checks import Tally
from feeds.delimited import Lines
from feeds.iso_times import read_time, settle

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

# Lower-case words for "not measured".
_MISSING: Final = frozenset({"", "-", "--", "nan", "na", "n/a", "null", "none"})

_TECHNOLOGIES: Final = {
    **dict.fromkeys(("5g", "nr", "5g nr", "5g-nr", "5g nsa", "5g sa", "nr nsa", "nr sa"), "NR"),
    **dict.fromkeys(("lte", "4g", "lte+", "lte-a", "lte ca"), "LTE"),
}


@dataclass(frozen=True)
class Radio:
    """Columns of one technology in a dialect: where signal strength, quality and noise stand."""

    rsrp: str
    rsrq: str = ""
    sinr: str = ""
    technology: str = ""


@dataclass(frozen=True)
class Dialect:
    """One way to write a log. Column names are lower-case.

    Attributes:
        radios: one with a technology of its own for each, or a single one without, where `mode` says it a row.
        mode: column of the network mode; the only proof of the technology.
        rates: column -> (downlink or uplink, kbit/s in one unit).
        idle: column and word that say that nothing was sent, so that a rate of 0 measures nothing.
        formats: of times, with whether they are UTC; none for ISO 8601.
    """

    name: str
    time: str
    radios: tuple[Radio, ...]
    mode: str = ""
    rates: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    idle: tuple[str, str] = ("", "")
    formats: tuple[tuple[str, bool], ...] = ()
    needs_position: bool = True

    @property
    def needed(self) -> frozenset[str]:
        place = {"latitude", "longitude"} if self.needs_position else set()
        return frozenset({self.time, *(r.rsrp for r in self.radios), *place} | ({self.mode} if self.mode else set()))


DIALECTS: Final = (
    # G-NetTrack Pro, an app for phones. NRxRSRP and NRxRSRQ are not read: they are filled on LTE and 3G rows too.
    Dialect(
        name="phone app",
        time="timestamp",
        mode="networkmode",
        radios=(Radio("rsrp", "rsrq", "snr"),),
        rates={"dl_bitrate": ("dl", 1.0), "ul_bitrate": ("ul", 1.0)},
        idle=("state", "i"),
        formats=(("%Y.%m.%d_%H.%M.%S", False),),
    ),
    # A 5G modem on a bench or a vehicle, hung on LTE: both are measured in each row. The rate is that of "Sent Bytes".
    Dialect(
        name="modem log",
        time="time",
        radios=(
            Radio("rsrp(dbm)", "rsrq(db)", technology="LTE"),
            Radio("nr_rsrp(dbm)", "nr_rsrq(db)", technology="NR"),
        ),
        rates={"rate(mbit/s)": ("ul", 1000.0)},
        formats=(
            ("%a %b %d %H:%M:%S UTC %Y", True),
            ("%a %b %d %H:%M:%S GMT %Y", True),
            ("%a %b %d %H:%M:%S %Y", False),
        ),
        needs_position=False,
    ),
    # Our own, for whoever can choose.
    Dialect(
        name="plain",
        time="time",
        mode="technology",
        radios=(Radio("rsrp_dbm", "rsrq_db", "sinr_db"),),
        rates={
            "throughput_dl_kbps": ("dl", 1.0),
            "throughput_ul_kbps": ("ul", 1.0),
            "throughput_dl_mbps": ("dl", 1000.0),
            "throughput_ul_mbps": ("ul", 1000.0),
        },
    ),
)


def find_dialect(header: tuple[str, ...]) -> Dialect | None:
    """The dialect whose columns are all in this header."""
    there = {name.lower() for name in header}
    return next((d for d in DIALECTS if d.needed <= there), None)


def read_samples(
    lines: Lines,
    dialect: Dialect,
    zone: ZoneInfo,
    place: tuple[float, float] | None,
    received_at: datetime,
    tally: Tally,
) -> pd.DataFrame:
    """Samples with time (UTC), latitude, longitude, technology, rsrp, rsrq, sinr, dl_kbps, ul_kbps.

    NaN and NaT where unknown; -inf where the log says "weaker than can be
    measured". Nothing is left out but rows without any radio of the dialect.

    What holds of a whole log (no zone, 3G among it) is counted once a log: as a
    number of samples it would be a total, and totals minus what is shown tell
    what the privacy floor hides.
    """
    table = _Columns(lines, tally)
    size = len(lines.rows)
    base: dict[str, Any] = {"time": read_times(table.text(dialect.time), dialect.formats, zone, received_at, tally)}
    for name, fixed in zip(("latitude", "longitude"), place or (np.nan, np.nan), strict=True):
        base[name] = table.numbers(name) if table.has(name) else np.full(size, fixed)
    for way in ("dl", "ul"):
        base[f"{way}_kbps"] = np.full(size, np.nan)
    for column, (way, factor) in dialect.rates.items():
        if table.has(column):
            base[f"{way}_kbps"] = _read_rate(table, column, factor, dialect.idle, tally)
    parts = []
    for radio in dialect.radios:
        rsrp = _read_level(table, radio.rsrp, "rsrp", tally)
        technology = np.full(size, radio.technology, dtype=object)
        if dialect.mode:
            technology = _read_modes(table.text(dialect.mode), tally)
            third = technology == "other"
            # 3G has no RSRP; apps store RSCP in that column, on another scale.
            if (third & ~np.isnan(rsrp)).any():
                tally.warn("rscp_under_rsrp")
            rsrp = np.where(third, np.nan, rsrp)
        part = {**base, "technology": technology, "rsrp": rsrp}
        for name, column in (("rsrq", radio.rsrq), ("sinr", radio.sinr)):
            part[name] = _read_level(table, column, name, tally) if table.has(column) else np.full(size, np.nan)
            if dialect.mode:
                part[name] = np.where(third, np.nan, part[name])
        frame = pd.DataFrame(part)
        # A modem without that radio writes zeros: no measurement, rather than a bad one.
        parts.append(frame if dialect.mode else frame[~np.isnan(rsrp)])
    return pd.concat(parts, ignore_index=True)


class _Columns:
    """Columns of a log by lower-case name."""

    def __init__(self, lines: Lines, tally: Tally) -> None:
        self._rows = lines.rows
        self._places = {name.lower(): place for place, name in reversed(list(enumerate(lines.header)))}
        self._tally = tally

    def has(self, name: str) -> bool:
        return name in self._places

    def text(self, name: str) -> npt.NDArray[Any]:
        """As written, which may be between spaces."""
        place = self._places[name]
        return np.array([row[place] for row in self._rows], dtype=object)

    def numbers(self, name: str) -> Floats:
        """NaN where there is no number; texts that are none are counted."""
        texts = self.text(name)
        made = np.asarray(pd.to_numeric(texts, errors="coerce"), dtype=np.float64)
        made[~np.isfinite(made)] = np.nan
        odd = [t for t in texts[np.isnan(made)].tolist() if t.strip().lower() not in _MISSING]
        if odd:
            self._tally.warnings["value_unreadable"] += len(odd)
        return made


# What a radio can report (TS 36.133, TS 38.133), and at which value a log means "weaker than I can measure".
_RANGE: Final = {"rsrp": (-140.0, -20.0), "rsrq": (-45.0, 20.0), "sinr": (-30.0, 60.0)}


def _read_level(table: _Columns, column: str, quantity: str, tally: Tally) -> Floats:
    """dBm or dB; NaN unknown; -inf at the floor (-140, -200, -30, -125)."""
    value = table.numbers(column)
    floor, most = _RANGE[quantity]
    if quantity != "sinr":
        # 0 dBm is no signal strength and 0 dB no quality that a phone can see: "no such radio".
        value[value == 0] = np.nan
    if quantity == "rsrq":
        # It has no floor value of its own; -204 and 2147483647 were seen.
        odd = (value < floor) | (value > most)
    else:
        value[value <= floor] = -np.inf
        odd = value > most
    if odd.any():
        tally.warnings[f"{quantity}_out_of_range"] += int(odd.sum())
        value[odd] = np.nan
    return value


def _read_rate(table: _Columns, column: str, factor: float, idle: tuple[str, str], tally: Tally) -> Floats:
    rate = table.numbers(column) * factor
    odd = (rate < 0) | (rate > 20e6)
    if odd.any():
        # Seen: -798 Mbit/s, where a byte counter began anew.
        tally.warnings["rate_out_of_range"] += int(odd.sum())
        rate[odd] = np.nan
    if table.has(idle[0]):
        rate[[text.strip().lower() == idle[1] for text in table.text(idle[0]).tolist()]] = np.nan
    return rate


def _read_modes(texts: npt.NDArray[Any], tally: Tally) -> npt.NDArray[Any]:
    known = {text: _TECHNOLOGIES.get(text.strip().lower(), "other") for text in set(texts.tolist())}
    if any(text.strip().lower() in _MISSING for text in known):
        tally.warn("technology_missing")
    made = np.empty(len(texts), dtype=object)
    made[:] = [known[text] for text in texts.tolist()]
    return made


def read_times(
    texts: npt.NDArray[Any],
    formats: tuple[tuple[str, bool], ...],
    zone: ZoneInfo,
    received_at: datetime,
    tally: Tally,
) -> Times:
    """UTC, NaT where unreadable. A time without zone is of `zone`; counted once."""
    read = _reader(formats) if formats else read_time
    # A second is written many times over: each text is read once. (Not by np.unique, which pads every text to the
    # longest: one long field would cost gigabytes.)
    known: dict[str, np.datetime64] = {}
    local = False
    for text in set(texts.tolist()):
        moment = read(text.strip())
        if moment is not None and moment.tzinfo is None:
            local = True
            moment = settle(moment, zone, received_at)
        naive = None if moment is None else moment.replace(tzinfo=None)
        known[text] = np.datetime64("NaT", "ms") if naive is None else np.datetime64(naive, "ms")
    if local:
        tally.warn("time_without_offset")
    return np.array([known[text] for text in texts.tolist()], dtype="datetime64[ms]")


def _reader(formats: tuple[tuple[str, bool], ...]) -> Callable[[str], datetime | None]:
    def read(text: str) -> datetime | None:
        for form, is_utc in formats:
            try:
                moment = datetime.strptime(text[:40], form)  # noqa: DTZ007  (the log says no zone)
            except ValueError:
                continue
            if not 1 < moment.year < 9999:
                return None
            return moment.replace(tzinfo=UTC) if is_utc else moment
        return None

    return read
