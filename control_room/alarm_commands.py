"""`python -m control_room alarms health` and `alarms journal`: the journal on disk, read while a control room writes it.

Nothing is written: the file is neither held nor brought to a newer form.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from control_room.settings import SettingError, read_settings

if TYPE_CHECKING:
    from alerts.alarm import Event
    from alerts.kpi_report import Report
    from control_room.storage.journal import SqlJournal

FILES: Final = {"live": "control_room.sqlite", "sandbox": "sandbox.sqlite"}
# What a spreadsheet would take for a formula where it begins a cell (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_COLUMNS: Final = ("seq", "at", "rule", "key", "what", "by", "why", "values", "facts")


def add_alarms(commands: Any) -> None:
    """Put the commands under `alarms`."""
    text = "how the alarm system itself did, and what its journal says"
    alarms = commands.add_parser("alarms", help=text, description=text)
    kinds = alarms.add_subparsers(required=True, metavar="WHAT")
    health = _command(kinds, "health", "figures after EEMUA 191 with their targets (default: the last 24 hours)")
    health.add_argument("--operators", type=int, help="people who answer alarms at the same time (default 1)")
    health.add_argument("--json", action="store_true", help="print one JSON object")
    health.set_defaults(command=_run_health)
    journal = _command(kinds, "journal", "every event, oldest first")
    journal.add_argument("--rule", metavar="NAME", help="only this rule's")
    journal.add_argument(
        "--csv", action="store_true", help="for a spreadsheet; cells that look like formulas are escaped"
    )
    journal.set_defaults(command=_run_journal)


def _command(kinds: Any, name: str, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = kinds.add_parser(name, help=text, description=text)
    words = "ISO 8601 with zone, or a day of the city's clock such as 2026-11-23"
    command.add_argument("--from", dest="start", metavar="TIME", help=words)
    command.add_argument("--to", dest="end", metavar="TIME", help=f"{words}, that day included")
    command.add_argument("--data", metavar="FOLDER", help="data folder of the control room (default: data)")
    command.add_argument("--city", help="folder of city facts, for its clock")
    command.add_argument("--sandbox", action="store_true", help="the journal of the simulated city")
    return command


def _run_health(options: argparse.Namespace) -> int:
    return _say_faults(_health, options)


def _run_journal(options: argparse.Namespace) -> int:
    return _say_faults(_journal, options)


def _say_faults(run: Any, options: argparse.Namespace) -> int:
    from alerts.journal import JournalUnavailable

    try:
        run(options)
    except JournalUnavailable as error:
        sys.stderr.write(f"control-room: {error}\n")
        return 2
    return 0


def _health(options: argparse.Namespace) -> None:
    from alerts.kpi_report import report, tally_until

    settings = read_settings({n: getattr(options, n) for n in ("data", "city", "operators")})
    if settings["operators"] < 1:
        raise SettingError(f"--operators {settings['operators']}: at least one answers alarms")
    zone = _zone(settings)
    now = datetime.now(UTC)
    until = _moment("--to", options.end, zone, is_end=True) or now
    since = _moment("--from", options.start, zone) or until - timedelta(hours=24)
    _check_span(since, until)
    mode, journal = open_journal(settings["data"], options.sandbox)
    told = report(tally_until(_read(journal), until, since), since, until, settings["operators"])
    if options.json:
        content = {"simulated": mode == "sandbox", **told.to_json()}
        sys.stdout.write(json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n")
        return
    sys.stdout.write("\n".join(_describe(told, zone, mode)) + "\n")


def _describe(told: Report, zone: ZoneInfo, mode: str) -> Iterator[str]:
    hours = told.watched_s / 3600
    span = (told.until - told.since) / timedelta(hours=1)
    if mode == "sandbox":
        yield "SANDBOX: a simulated city"
    yield f"from {told.since.astimezone(zone):%Y-%m-%d %H:%M %Z} to {told.until.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    yield f"known to have watched {hours:.1f} of {span:.1f} h; operators: {told.operators}"
    yield ""
    width = max(len(figure.title) for figure in told.figures)
    for figure in told.figures:
        value = "—" if figure.value is None else f"{figure.value:,.2f}".rstrip("0").rstrip(".")
        said = [f"{figure.title:{width}}  {value:>9} {figure.unit:6}"]
        if figure.target:
            said.append(f"target {figure.target}: {figure.verdict or 'not known'}")
        if figure.note:
            said.append(f"({figure.note})")
        yield " ".join(said).rstrip()
    for top in told.top:
        yield f"{top.count:>7}  {top.percent:5.1f} %  {_printable(top.title)}{'  chatters' if top.chatters else ''}"
    for aside in told.aside:
        what = aside.what.replace("_", " ")
        yield f"{_printable(aside.who)}: {aside.now} {what} now, {aside.times} times, {aside.total_s / 3600:.1f} h in all"


def _journal(options: argparse.Namespace) -> None:
    settings = read_settings({n: getattr(options, n) for n in ("data", "city")})
    zone = _zone(settings)
    since, until = _moment("--from", options.start, zone), _moment("--to", options.end, zone, is_end=True)
    if since and until:
        _check_span(since, until)
    mode, journal = open_journal(settings["data"], options.sandbox)
    wanted = (
        event
        for event in _read(journal)
        if (since is None or event.at >= since)
        and (until is None or event.at < until)
        and options.rule in (None, event.rule)
    )
    if options.csv:
        writer = csv.writer(sys.stdout)
        writer.writerow([*_COLUMNS, "simulated"])
        for event in wanted:
            cells = _cells(event)
            writer.writerow([*(_safe_cell(cells[name]) for name in _COLUMNS), "yes" if mode == "sandbox" else "no"])
        return
    if mode == "sandbox":
        sys.stdout.write("SANDBOX: a simulated city\n")
    for event in wanted:
        said = [f"{event.seq:>8}", f"{event.at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}", event.what.value]
        said += [f"{event.rule}|{event.key}"] if event.rule else []
        said += [f"by {event.by}"] if event.by != "engine" else []
        said += [f"because {event.why}"] if event.why else []
        if title := event.facts.get("title"):
            said.append(f"({event.facts.get('priority')}: {title})")
        sys.stdout.write(_printable("  ".join(said)) + "\n")


def _cells(event: Event) -> dict[str, str]:
    return {
        "seq": str(event.seq),
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "rule": event.rule,
        "key": event.key,
        "what": event.what.value,
        "by": event.by,
        "why": event.why,
        "values": json.dumps(dict(event.values), ensure_ascii=False),
        "facts": json.dumps(dict(event.facts), ensure_ascii=False),
    }


def _safe_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula, whatever somebody wrote as a comment."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _printable(text: str) -> str:
    """Text of feeds and people cannot steer a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def open_journal(data: str, sandbox: bool) -> tuple[str, SqlJournal]:
    """Mode and journal. Where there is only the simulated city's, that one."""
    from control_room.storage.database import open_database, sqlite_url
    from control_room.storage.journal import SqlJournal

    folder = Path(data).expanduser()
    modes = ["sandbox"] if sandbox else ["live", "sandbox"]
    for mode in modes:
        path = folder / FILES[mode]
        if path.is_file():
            return mode, SqlJournal(open_database(sqlite_url(path)))
    raise SettingError(f"--data {data}: holds no journal of alarms ({' or '.join(FILES[m] for m in modes)})")


def _read(journal: SqlJournal) -> Iterator[Event]:
    seq = 0
    while page := journal.list_after(seq):
        yield from page
        seq = page[-1].seq


def _zone(settings: dict[str, Any]) -> ZoneInfo:
    from control_room.city import load_city
    from control_room.serving import city_folder

    return load_city(city_folder(settings["city"])).zone


def _moment(flag: str, text: str | None, zone: ZoneInfo, is_end: bool = False) -> datetime | None:
    """The moment that a person wrote; of a day its beginning, or its end.

    Raises:
        SettingError: it is neither a time with zone nor a day.
    """
    if text is None:
        return None
    from alerts.kpi_report import local_day

    try:
        if len(text) == len("2026-11-23"):
            return local_day(date.fromisoformat(text), zone)[is_end]
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None or not 1970 <= moment.year <= 2999:
            raise ValueError
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SettingError(
            f"{flag} {text}: is neither a day such as 2026-11-23 nor a time with zone such as 2026-11-23T10:00Z, "
            "1970 to 2999"
        ) from error


def _check_span(since: datetime, until: datetime) -> None:
    if until <= since:
        raise SettingError(f"--to {until.isoformat()}: is not after --from {since.isoformat()}")
