"""Radio coverage: what phones and modems measured on the move, gathered into hexagons.

Source   CSV logs of drive tests, in the dialects of `feeds/drive_test/dialects.py`, told by their header
Cadence  asked every few minutes to a day; observed_at is the newest measurement in a hexagon
Units    RSRP dBm, RSRQ and SINR dB; bit rates arrive in kbit/s or Mbit/s and leave in kbit/s
Gaps     "-", empty and 0 dBm are unknown. A floor (-140, -200 dBm; -30, -125 dB) is "weaker than can be
         measured": it counts in medians as lower than any number, so that a hole is not averaged away
Mode     the network mode column alone says the technology; 3G rows (RSCP under RSRP) have no RSRP
Privacy  a hexagon and technology with fewer samples than option min_samples (10) is left out and counted,
         never its samples; each figure needs as many values. Cell ids, operators and speeds are not read

`docs/feeds/coverage.md` lists every reason a row or an answer is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import h3  # type: ignore[import-untyped]
import numpy as np
import pandas as pd

from control_room.model import COVERAGE, Batch, Table, to_ms
from feeds.checks import AHEAD, EARLIEST, Tally, batch_of, find_position_fault, refuse_too_many
from feeds.delimited import Lines, find_header, read_lines
from feeds.drive_test.dialects import DIALECTS, Dialect, find_dialect, read_samples
from feeds.feed import Adapter, Feed, PayloadError

RESOLUTION: Final = 9
MIN_SAMPLES: Final = 10
# Least RSRP of each band, dBm. Practice of network operators, in no standard; option bands.
BANDS: Final = {"excellent": -80.0, "good": -90.0, "fair": -100.0, "poor": -110.0}


@dataclass(frozen=True)
class Log:
    """One file: its dialect and its lines, not yet understood."""

    dialect: Dialect
    lines: Lines


@dataclass(frozen=True)
class Options:
    """The feed's options, checked.

    Attributes:
        place: latitude and longitude of a log that has none, as of a modem on a bench.
    """

    zone: ZoneInfo
    min_samples: int
    bands: Mapping[str, float]
    place: tuple[float, float] | None


def decode(body: bytes) -> Log:
    """Raises PayloadError: not_drive_test (no known header), and the reasons of `feeds.delimited.read_lines`."""
    lines = read_lines(body)
    dialect = find_dialect(lines.header)
    if dialect is None:
        known = "; ".join(f"{d.name}: {', '.join(sorted(d.needed))}" for d in DIALECTS)
        raise PayloadError("not_drive_test", f"its columns are of no known dialect. Needed are, of {known}")
    return Log(dialect, lines)


def observe(decoded: Sequence[Log], feed: Feed, received_at: datetime) -> list[Batch]:
    """Hexagons in the city's words: one batch of kind coverage, a row a hexagon and technology.

    Args:
        received_at: aware; judges times from the future, and local times of the night clocks go back.

    Raises:
        PayloadError: option_wrong, too_many_rows (lines over the feed's limit).
    """
    refuse_too_many(sum(len(log.lines.rows) for log in decoded), feed, "lines")
    options = read_options(feed)
    tally = Tally()
    parts = []
    for log in decoded:
        if log.lines.uneven:
            tally.rejects["row_unreadable"] += log.lines.uneven
        parts.append(read_samples(log.lines, log.dialect, options.zone, options.place, received_at, tally))
    samples = _keep_usable(pd.concat(parts, ignore_index=True), received_at, tally) if parts else pd.DataFrame()
    return [batch_of(COVERAGE, _gather(samples, options, feed, received_at, tally), feed, received_at, tally)]


def read_options(feed: Feed) -> Options:
    """Raises PayloadError (option_wrong) naming the option."""
    said = feed.options
    zone_name = said.get("time_zone", "Europe/London")
    try:
        zone = ZoneInfo(str(zone_name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PayloadError("option_wrong", f"options.time_zone {zone_name!r} is no IANA time zone") from None
    floor = said.get("min_samples", MIN_SAMPLES)
    if not isinstance(floor, int) or isinstance(floor, bool) or not 1 <= floor <= 10_000:
        raise PayloadError("option_wrong", f"options.min_samples {floor!r} is no whole number from 1 to 10,000")
    return Options(zone, floor, _read_bands(said.get("bands", BANDS)), _read_place(said.get("place")))


def _read_bands(said: Any) -> Mapping[str, float]:
    limits: list[Any] = (
        [said.get(name) for name in BANDS] if isinstance(said, Mapping) and set(said) == set(BANDS) else []
    )
    if not limits or any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in limits):
        raise PayloadError("option_wrong", f"options.bands needs a number of dBm for each of {', '.join(BANDS)}")
    if any(better <= worse for better, worse in pairwise(limits)):
        raise PayloadError("option_wrong", "options.bands must fall from excellent to poor")
    return dict(zip(BANDS, map(float, limits), strict=True))


def _read_place(said: Any) -> tuple[float, float] | None:
    if said is None:
        return None
    pair: tuple[Any, Any] = (said.get("latitude"), said.get("longitude")) if isinstance(said, Mapping) else (None, None)
    if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in pair) or find_position_fault(*pair):
        raise PayloadError("option_wrong", "options.place needs latitude and longitude in degrees")
    return float(pair[0]), float(pair[1])


def _keep_usable(samples: pd.DataFrame, received_at: datetime, tally: Tally) -> pd.DataFrame:
    """Samples with a time, a place and their hexagon; of one second and place the last, as apps log twice a second."""
    times = samples["time"].to_numpy(dtype="datetime64[ms]")
    fault = np.full(len(samples), None, dtype=object)
    # Each place is judged once: a standing phone writes the same one a thousand times.
    place = samples["latitude"].to_numpy() + 1j * samples["longitude"].to_numpy()
    each, places = np.unique(place, return_inverse=True)
    faults = [find_position_fault(*_pair(p)) for p in each.tolist()]
    hexagons = [
        None if f else h3.latlng_to_cell(p.real, p.imag, RESOLUTION) for f, p in zip(faults, each.tolist(), strict=True)
    ]
    fault[:] = [faults[i] for i in places.tolist()]
    fault[times > to_ms(received_at + AHEAD)] = "time_in_future"
    fault[np.isnat(times) | (times < to_ms(EARLIEST))] = "time_unreadable"
    for reason in fault[fault != None].tolist():  # noqa: E711  (elementwise)
        tally.rejects[reason] += 1
    samples = samples.assign(hexagon=[hexagons[i] for i in places.tolist()])[fault == None]  # noqa: E711
    repeated = samples.duplicated(["time", "latitude", "longitude", "technology"], keep="last")
    if repeated.any():
        tally.rejects["repeated_second"] += int(repeated.sum())
    return samples[~repeated]


def _pair(place: complex) -> tuple[float | None, float | None]:
    return (
        None if np.isnan(place.real) else place.real,
        None if np.isnan(place.imag) else place.imag,
    )


_FIGURES: Final = {
    "rsrp_dbm": "rsrp",
    "rsrq_db": "rsrq",
    "sinr_db": "sinr",
    "throughput_dl_kbps": "dl_kbps",
    "throughput_ul_kbps": "ul_kbps",
}


def _gather(samples: pd.DataFrame, options: Options, feed: Feed, received_at: datetime, tally: Tally) -> Table:
    if samples.empty:
        return Table.empty(COVERAGE)
    groups = samples.groupby(["hexagon", "technology"], sort=True)
    sizes = groups.size()
    shown = (sizes >= options.min_samples).to_numpy()
    if not shown.all():
        # How many hexagons, never how many samples: with one hexagon left out its count would follow.
        # A warning, as nothing is wrong with what the supplier sent.
        tally.warnings["under_privacy_floor"] += int((~shown).sum())
    index = sizes.index[shown]
    cells = index.get_level_values("hexagon").tolist()
    middles = [h3.cell_to_latlng(cell) for cell in cells]
    technology = index.get_level_values("technology").tolist()
    columns: dict[str, Any] = {
        "coverage_key": [f"{feed.name}:{c}/{t}" for c, t in zip(cells, technology, strict=True)],
        "feed": [feed.name] * len(cells),
        "hexagon": cells,
        "technology": technology,
        "latitude": np.array([m[0] for m in middles]),
        "longitude": np.array([m[1] for m in middles]),
        "samples": sizes.to_numpy()[shown].astype(np.float64),
        "observed_at": groups["time"].max().to_numpy(dtype="datetime64[ms]")[shown],
        "received_at": np.full(len(cells), to_ms(received_at)),
    }
    for name, source in _FIGURES.items():
        columns[name] = _figure(groups[source], 0.5, options)[shown]
    columns["rsrp_low_dbm"] = _figure(groups["rsrp"], 0.1, options)[shown]
    columns["band"] = [_find_band(level, options.bands) for level in columns["rsrp_dbm"].tolist()]
    # Below what can be measured there is no number, only the word "none".
    for name in ("rsrp_dbm", "rsrp_low_dbm", "sinr_db"):
        columns[name] = np.where(np.isneginf(columns[name]), np.nan, columns[name])
    return Table.of(COVERAGE, columns)


def _figure(values: Any, share: float, options: Options) -> np.ndarray:
    """That quantile of each group; NaN where fewer values than the privacy floor stand behind it.

    The lower of two middle values, never their mean: half-way to "weaker than can be measured" is no number.
    """
    made: np.ndarray = values.quantile(share, interpolation="lower").to_numpy(dtype=np.float64)
    return np.where(values.count().to_numpy() >= options.min_samples, made, np.nan)


def _find_band(level: float, bands: Mapping[str, float]) -> str | None:
    if np.isnan(level):
        return None
    return next((name for name, least in bands.items() if level >= least), "none")


def looks_like(body: bytes) -> bool:
    """Whether this is probably a drive-test log of a known dialect."""
    return find_dialect(find_header(body)) is not None


ADAPTER = Adapter(
    name="coverage",
    accept="text/csv, text/plain",
    decode=decode,
    observe=observe,
    kinds=("coverage",),
    looks_like=looks_like,
)
