"""`python -m control_room data held` and `sandbox backfill`: what history holds, and a past for the simulated city."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from control_room.settings import SettingError, data_folder, read_settings

MOST_DAYS: Final = 1_000


def add_data(commands: Any) -> None:
    """Put the commands under `data`."""
    text = "what the control room holds, why and for how long"
    kinds = commands.add_parser("data", help=text, description=text).add_subparsers(required=True, metavar="WHAT")
    held = kinds.add_parser("held", help=text, description=text)
    _add_place(held)
    held.add_argument("--sandbox", action="store_true", help="what is held of the simulated city")
    held.add_argument("--json", action="store_true", help="print one JSON object")
    held.set_defaults(command=_say_held)


def add_sandbox(commands: Any) -> None:
    """Put the commands under `sandbox`."""
    text = "the simulated city's history"
    kinds = commands.add_parser("sandbox", help=text, description=text).add_subparsers(required=True, metavar="WHAT")
    text = "write a past for the simulated city: days up to last midnight, marked as SANDBOX"
    backfill = kinds.add_parser("backfill", help=text, description=text)
    _add_place(backfill)
    backfill.add_argument("--days", type=int, default=365, help="how many days (default 365)")
    backfill.add_argument("--seed", type=int, default=1, help="seed of the sandbox city (default 1)")
    backfill.add_argument(
        "--until", metavar="DAY", help="the day that it ends before, such as 2026-11-23 (default today)"
    )
    backfill.add_argument("--city", help="folder of city facts")
    backfill.set_defaults(command=_backfill)


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", metavar="FOLDER", help="data folder of the control room (default: data)")
    command.add_argument("--database", metavar="URL", help="PostgreSQL database, where history is kept in one")


def _say_held(options: argparse.Namespace) -> int:
    from sqlalchemy.exc import DBAPIError

    from control_room.history.place import name_file, name_queue, open_history
    from control_room.history.retention import list_held
    from control_room.storage.database import DatabaseError, describe, explain

    settings = read_settings({name: getattr(options, name) for name in ("data", "database")})
    mode = "sandbox" if options.sandbox else "live"
    folder = Path(settings["data"])
    file = name_file(folder, mode)
    if not settings["database"] and not file.exists():
        raise SettingError(f"--data {folder}: holds no history ({file.name} is not there)")
    try:
        engine = open_history(folder, mode, settings["database"])
        held = list_held(engine)
    except DatabaseError as error:
        raise SettingError(str(error)) from error
    except DBAPIError as error:
        raise SettingError(f"history: {explain(error)}") from error
    waiting = [p.stat().st_size for p in name_queue(folder, mode).glob("*.json")]
    if options.json:
        rows = [
            {
                "table": h.kept.table.name,
                "what": h.kept.what,
                "why": h.kept.why,
                "kept_days": h.kept.days,
                "rows": h.rows,
                "bytes": h.size_bytes,
                "oldest": _moment(h.oldest_s),
                "newest": _moment(h.newest_s),
            }
            for h in held
        ]
        content = {"simulated": mode == "sandbox", "database": describe(engine.url), "held": rows, "waiting": len(waiting), "waiting_bytes": sum(waiting)}  # fmt: skip
        sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")
        return 0
    lines = ["SANDBOX: a simulated city"] if mode == "sandbox" else []
    lines += [describe(engine.url), ""]
    for h in held:
        size = "not told" if h.size_bytes is None else f"{h.size_bytes / 1e6:,.1f} MB"
        span = f"{_day(h.oldest_s)} to {_day(h.newest_s)}" if h.rows else "nothing yet"
        lines += [f"{h.kept.what}: {h.rows:,} rows, {size}, {span}", f"    kept {h.kept.days:,} days: {h.kept.why}"]
    total = sum(h.size_bytes or 0 for h in held)
    lines += ["", f"together {total / 1e6:,.1f} MB; {len(waiting)} batches wait on disk ({sum(waiting) / 1e6:,.1f} MB)"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _backfill(options: argparse.Namespace) -> int:
    from sqlalchemy.exc import DBAPIError

    from control_room.city import CITIES, load_city
    from control_room.history.place import open_history
    from control_room.sandbox_past.year import make_past
    from control_room.storage.database import DatabaseError, explain
    from control_room.storage.store import holding

    if not 1 <= options.days <= MOST_DAYS:
        raise SettingError(f"--days {options.days}: from 1 to {MOST_DAYS}")
    settings = read_settings({name: getattr(options, name) for name in ("data", "database", "city")})
    named = Path(settings["city"])
    city = load_city(named if named.is_dir() else CITIES / settings["city"])
    until = datetime.now(city.zone)
    if options.until:
        try:
            until = datetime.fromisoformat(options.until).replace(hour=12, tzinfo=city.zone)
        except ValueError:
            raise SettingError(f"--until {options.until}: is no day such as 2026-11-23") from None
    folder = data_folder(settings["data"])
    began = time.monotonic()
    try:
        with holding(folder, "sandbox"):
            engine = open_history(folder, "sandbox", settings["database"])
            made = make_past(engine, city, options.seed, until, options.days, _tell)
            engine.dispose()
    except DatabaseError as error:
        raise SettingError(str(error)) from error
    except DBAPIError as error:
        raise SettingError(f"history: {explain(error)}") from error
    rows = ", ".join(f"{count:,} {name.removeprefix('history_')}" for name, count in made.rows.items())
    _tell(f"SANDBOX history of {options.days} days, seed {options.seed}: {rows}; {time.monotonic() - began:.0f} s")
    return 0


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _moment(at_s: float | None) -> str | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


def _day(at_s: float | None) -> str:
    return "" if at_s is None else f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d}"
