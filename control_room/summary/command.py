"""`python -m control_room summary DATE`: the summary of a day, week or month, printed or written in any form.

Works on a server without a screen, while a control room runs on the folder or not. Status 2 is a mistake of the caller.
"""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from control_room.settings import SettingError, read_settings

if TYPE_CHECKING:
    from control_room.city import City
    from control_room.summary.contents import Summary
    from control_room.summary.period import Period

_FORMS = ("json", "csv", "xlsx", "pdf", "html", "email")


def add_summary(commands: Any) -> None:
    """Put the command under the others."""
    text = "the managers' summary of a day, a week or a month, from history"
    command: argparse.ArgumentParser = commands.add_parser("summary", help=text, description=text)
    command.add_argument(
        "date", nargs="?", metavar="DATE", help="a day such as 2026-11-21, a week 2026-W47, a month 2026-11; default yesterday"
    )  # fmt: skip
    length = command.add_mutually_exclusive_group()
    length.add_argument("--week", action="store_true", help="of the week that the day is in")
    length.add_argument("--month", action="store_true", help="of the month that the day is in")
    for form in _FORMS:
        where = "FOLDER" if form == "csv" else "FILE"
        command.add_argument(f"--{form}", metavar=where, help=f"write it as {_SAID[form]}")
    command.add_argument("--feeds", metavar="FILE", help="feed file whose promises are judged (default: the sandbox's)")
    command.add_argument("--screen", default="", metavar="URL", help="address of the dashboard, for links")
    command.add_argument("--sandbox", action="store_true", help="of the simulated city")
    command.add_argument("--data", metavar="FOLDER", help="data folder of the control room (default: data)")
    command.add_argument("--database", metavar="URL", help="PostgreSQL database, where history is kept in one")
    command.add_argument("--city", help="folder of city facts")
    command.add_argument("--operators", type=int, help="people who answer alarms at the same time (default 1)")
    command.set_defaults(command=run)


_SAID = {
    "json": "JSON (the schema is in docs/daily-summary.md)",
    "csv": "tables, one CSV file each",
    "xlsx": "a spreadsheet",
    "pdf": "a PDF for print",
    "html": "a page that stands alone",
    "email": "an e-mail (.eml)",
}


def run(options: argparse.Namespace) -> int:
    """The command; its status.

    Raises:
        SettingError: something that the caller named cannot be used.
    """
    from sqlalchemy.exc import DBAPIError

    from control_room.city import CITIES, load_city
    from control_room.storage.database import DatabaseError, explain
    from control_room.summary.place import NoHistory, find_mode, open_sources, read_feeds
    from control_room.summary.read import read_summary

    settings = read_settings({n: getattr(options, n) for n in ("data", "database", "city", "operators")})
    named = Path(settings["city"])
    city = load_city(named if named.is_dir() else CITIES / settings["city"])
    period = _find_period(options, city)
    folder = Path(settings["data"]).expanduser()
    try:
        mode = find_mode(folder, settings["database"], options.sandbox)
        feeds = read_feeds(folder, mode, options.feeds or "")
        sources = open_sources(folder, mode, settings["database"], feeds, settings["operators"])
        summary = read_summary(sources, period, city.zone, city)
    except (NoHistory, DatabaseError) as error:
        raise SettingError(str(error)) from error
    except DBAPIError as error:
        raise SettingError(f"history: {explain(error)}") from error
    is_written = False
    for form in _FORMS:
        if target := getattr(options, form):
            _write(form, Path(target), summary, options.screen)
            is_written = True
    if not is_written:
        sys.stdout.write(describe(summary))
    return 0


def _find_period(options: argparse.Namespace, city: City) -> Period:
    from control_room.summary.period import NoPeriod, day_of, month_of, parse_period, week_of

    try:
        yesterday = day_of(datetime.now(city.zone).date() - timedelta(days=1))
        period = parse_period(options.date) if options.date else yesterday
    except NoPeriod as error:
        raise SettingError(str(error)) from error
    if options.week:
        return week_of(period.first)
    return month_of(period.first) if options.month else period


def _write(form: str, path: Path, summary: Summary, screen: str) -> None:
    try:
        if form == "csv":
            from control_room.summary.forms.sheets import write_csv

            path.mkdir(parents=True, exist_ok=True)
            write_csv(summary, path)
        else:
            path.write_bytes(_encode(form, summary, screen))
    except OSError as error:
        raise SettingError(f"--{form} {path}: cannot be written: {error.strerror}") from error


def _encode(form: str, summary: Summary, screen: str) -> bytes:
    # Each form brings its own library, which the others need not wait for.
    if form == "json":
        from control_room.summary.forms.as_json import encode_json

        return encode_json(summary)
    if form == "xlsx":
        from control_room.summary.forms.workbook import encode_xlsx

        return encode_xlsx(summary)
    if form == "pdf":
        from control_room.summary.forms.pdf import encode_pdf

        return encode_pdf(summary, screen)
    if form == "html":
        from control_room.summary.forms.page import build_page

        return build_page(summary, screen).encode()
    from control_room.summary.letter import write_daily

    return write_daily(summary, screen).as_bytes()


def describe(summary: Summary) -> str:
    """The answer as plain text, for a terminal."""
    header = summary.header
    lines = ["SANDBOX: a simulated city; nothing of it is real."] if header.simulated else []
    lines += [f"{header.city}: {header.title}", ""]
    lines += [sentence.text for sentence in summary.answer.sentences]
    if summary.answer.decisions:
        lines += ["", "To be decided:", *(f"- {decision.text}" for decision in summary.answer.decisions)]
    lines += ["", f"Known: {header.known_percent:g} % of the time. Made from: {'; '.join(header.made_from)}."]
    return "\n".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines) + "\n"
