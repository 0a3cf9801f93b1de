"""Cells of a 5G network: load, throughput, delay and failures of the last measurement period.

Source   O-RAN O1 performance files: XML by TS 32.435 (measCollecFile) or TS 28.532 (measDataFile), or the
         same as a JSON event (perf3gpp). Counters of TS 28.552; some of Ericsson's; more by option
Cadence  a file a period, 1 to 15 minutes; observed_at is the period's end (granPeriod), never the file's time
Units    throughput kbit/s; delays arrive in 0.1 ms (option delay_unit) and leave in ms; load in percent
Gaps     a counter that is absent, NIL or a list stays unknown; 0 is a cell that nobody used
Suspect  what the source calls suspect is kept, flagged, and its state is unknown
Counts   open-source stacks send RRU.PrbTot as a number of blocks: judged by range, option prb

`docs/feeds/pm_xml.md` lists every reason a row or an answer is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from control_room.model import CELL, Batch, Table
from feeds.checks import EARLIEST, Tally, batch_of, is_ahead, keep_newest, refuse_too_many, table_of
from feeds.feed import Adapter, Feed, PayloadError
from feeds.iso_times import read_duration_s, read_time
from feeds.iso_times import settle as settle_time
from feeds.pm_files.counters import count_blocks, observe_cell, read_options, read_values, settle
from feeds.pm_files.json_form import read_event
from feeds.pm_files.report import Group, Report
from feeds.pm_files.xml_form import ROOTS, read_file

# A period is at most a day (TS 32.401 ends at 24 h).
_MAX_PERIOD_S: Final = 86_400.0


def decode(body: bytes) -> Report:
    """One file or event in the standard's words.

    Raises:
        PayloadError: empty_body, not_json, not_pm_report, not_pm_file, too_many_values,
            too_many_names, and the reasons of `feeds.xml_reader.read_xml`.
    """
    start = body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return read_event(body) if start[:1] in (b"{", b"[") else read_file(body)


def observe(decoded: Sequence[Report], feed: Feed, received_at: datetime) -> list[Batch]:
    """Cells in the city's words: one batch of kind cell, each cell's newest period.

    Args:
        decoded: reports of one poll; counters of one cell are joined over groups and reports of one period.
        received_at: aware; judges times from the future.

    Raises:
        PayloadError: option_wrong, too_many_rows (objects over the feed's limit).
    """
    refuse_too_many(sum(len(group.objects) for report in decoded for group in report.groups), feed, "objects")
    reading = read_options(feed)
    zone = _get_zone(feed)
    tally = Tally()
    cells: dict[tuple[str, datetime], dict[str, Any]] = {}
    for report in decoded:
        tally.rejects.update(report.rejects)
        tally.warnings.update(report.warnings)
        tally.offending |= report.offending
        for group in report.groups:
            _gather(group, cells, lambda texts: read_values(texts, reading, tally), zone, received_at, tally)
    rows: list[dict[str, Any]] = []
    settled = [(cell, settle(cell["values"], reading)) for cell in cells.values()]
    blocks = count_blocks([values for _, values in settled], reading)
    for cell, values in settled:
        if not values:
            tally.reject("no_known_counter", cell["cell_id"])
            continue
        row = cell | observe_cell(values, cell["period_s"], blocks, reading, tally)
        rows.append(row | {"state": "unknown"} if cell["suspect"] else row)
    rows = keep_newest(rows, "cell_id", tally)
    closed = [c for r in decoded if (c := _read_closed(r.closed, zone, received_at)) is not None]
    return [batch_of(CELL, _build_table(rows, feed, received_at), feed, received_at, tally, closed)]


def _get_zone(feed: Feed) -> ZoneInfo:
    name = feed.options.get("time_zone", "Europe/London")
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PayloadError("option_wrong", f"options.time_zone {name!r} is no IANA time zone") from None


def _gather(
    group: Group,
    cells: dict[tuple[str, datetime], dict[str, Any]],
    read: Any,
    zone: ZoneInfo,
    received_at: datetime,
    tally: Tally,
) -> None:
    """Add a group's values to the cells they are of, by cell and end of period."""
    measured = [(name, o) for o in group.objects if (name := find_cell_id(o.name, group.element)) is not None]
    if others := len(group.objects) - len(measured):
        tally.warnings["object_no_cell"] += others
    if not measured:
        return
    end = _read_end(group.end, zone, received_at, tally)
    if isinstance(end, str):
        for _, one in measured:
            tally.reject(end, str(group.end) if group.end is not None else one.name)
        return
    period_s = _read_period(group.duration, tally)
    for name, one in measured:
        cell = cells.setdefault(
            (name, end), {"cell_id": name, "observed_at": end, "period_s": period_s, "suspect": False, "values": {}}
        )
        cell["suspect"] |= one.suspect
        for counter, value in read(one.values).items():
            if cell["values"].get(counter, value) != value:
                # The two halves of a node (CU and DU) both count some things; the larger misses less.
                tally.warn("counter_repeated")
            cell["values"][counter] = max(value, cell["values"].get(counter, value))


_CELL_CLASS = re.compile(r"(?i)[a-z]*cell[a-z0-9]*")
_NR_CLASS = re.compile(r"(?i)NR?cell.*|NR.*cell.*")


def find_cell_id(name: str, element: str | None) -> str | None:
    """The cell of a measured object; None when it is of something else (a board, a port, a whole node).

    The innermost `…Cell…=id` of the name. An id of digits only is numbered within
    its node, so the node stands before it; a cell that is not NR says its class,
    as nodes number LTE and NR cells alike.
    """
    parts = [part.strip().partition("=") for part in name.split(",")]
    cells = [(key, value) for key, _, value in parts if value and _CELL_CLASS.fullmatch(key)]
    if not cells:
        return None
    key, value = cells[-1]
    shown = value if _NR_CLASS.fullmatch(key) else f"{key}={value}"
    if value.isdigit():
        node = next((v for k, _, v in parts if k == "ManagedElement" and v), None) or _last(element)
        shown = f"{node}/{shown}" if node else shown
    return shown[:120]


def _last(element: str | None) -> str | None:
    return element.rpartition(",")[2].rpartition("=")[2].strip() or None if element else None


def _read_end(end: str | float | None, zone: ZoneInfo, received_at: datetime, tally: Tally) -> datetime | str:
    """The moment, or why there is none."""
    if end is None or end == "":
        return "time_missing"
    if isinstance(end, str):
        moment = read_time(end)
        if moment is not None and moment.tzinfo is None:
            tally.warn("time_without_offset")
            moment = settle_time(moment, zone, received_at)
    else:
        try:
            moment = datetime.fromtimestamp(end / 1e6, UTC) if math.isfinite(end) else None
        except (ValueError, OverflowError, OSError):
            moment = None
    if moment is None or moment < EARLIEST:
        return "time_unreadable"
    return "time_in_future" if is_ahead(moment, received_at) else moment


def _read_period(duration: str | float | None, tally: Tally) -> float | None:
    seconds = read_duration_s(duration) if isinstance(duration, str) else duration
    if seconds is None or not 0 < seconds <= _MAX_PERIOD_S:
        tally.warn("period_missing" if duration is None else "period_unreadable")
        return None
    return seconds


def _read_closed(text: str | None, zone: ZoneInfo, received_at: datetime) -> datetime | None:
    moment = read_time(text) if text else None
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = settle_time(moment, zone, received_at)
    return None if is_ahead(moment, received_at) else moment


COLUMNS: Final = (
    "cell_id",
    "state",
    "availability_percent",
    "prb_dl_percent",
    "prb_ul_percent",
    "throughput_dl_kbps",
    "throughput_ul_kbps",
    "delay_dl_ms",
    "devices_mean",
    "setup_attempts",
    "setup_success_percent",
    "period_s",
    "suspect",
    "observed_at",
)


def _build_table(rows: list[dict[str, Any]], feed: Feed, received_at: datetime) -> Table:
    return table_of(CELL, rows, COLUMNS, feed, received_at, cell_key=[f"{feed.name}:{row['cell_id']}" for row in rows])


_ROOT = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:" + "|".join(ROOTS).encode() + rb")[\s/>]")


def looks_like(body: bytes) -> bool:
    """Whether this is probably a PM file, or the event that carries one."""
    start = body[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"{":
        return b'"perf3gppFields"' in body[:65_536]
    return start[:1] == b"<" and _ROOT.search(start) is not None


ADAPTER = Adapter(
    name="pm_xml",
    accept="application/xml, text/xml, application/json",
    decode=decode,
    observe=observe,
    kinds=("cell",),
    looks_like=looks_like,
)
