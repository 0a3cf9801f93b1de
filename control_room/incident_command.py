"""`python -m control_room incident export` and `incident open`: a part of the black box to keep, and to look at anywhere."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from control_room.settings import SettingError, read_settings

if TYPE_CHECKING:
    from feeds.feed import Adapter, Feed
    from feeds.fetch import Page


def add_export(kinds: Any) -> None:
    """Put `export` under `incident`."""
    text = "write what the screens showed between two moments into a new folder, or a zip"
    export: argparse.ArgumentParser = kinds.add_parser("export", help=text, description=text)
    words = "ISO 8601 with zone such as 2026-11-23T08:15:00Z"
    export.add_argument("--from", dest="start", metavar="TIME", required=True, help=words)
    export.add_argument("--to", dest="end", metavar="TIME", required=True, help=words)
    export.add_argument("--data", metavar="FOLDER", help="data folder of the control room (default: data)")
    export.add_argument("--sandbox", action="store_true", help="what was recorded of the simulated city")
    export.add_argument("out", metavar="OUT", help="folder to make; a name that ends in .zip makes a zip")
    export.set_defaults(command=run_export)


def run_export(options: argparse.Namespace) -> int:
    """Export; may run beside the control room that records."""
    from control_room.alarm_commands import open_journal
    from control_room.blackbox.incident import IncidentError, export_incident, make_scratch, zip_incident
    from control_room.blackbox.service import AUDIENCE
    from control_room.blackbox.shelf import Shelf

    data = Path(read_settings({"data": options.data})["data"]).expanduser()
    first, last = _moment("--from", options.start), _moment("--to", options.end)
    box = _find_box(data, options.sandbox)
    out = Path(options.out).expanduser()
    if out.exists():
        raise SettingError(f"{out}: is there already; name another, nothing is written over")
    try:
        mode, journal = open_journal(str(data), box.name == "sandbox")
    except SettingError:
        mode, journal = "", None
    if mode != box.name:
        journal = None  # what happened in another city
    scratch = None
    try:
        folder = out
        if out.suffix == ".zip":
            scratch = make_scratch(out.parent)
            folder = scratch / out.stem
        incident = export_incident(Shelf(box, AUDIENCE), journal, first, last, folder, AUDIENCE, datetime.now(UTC))
        if out.suffix == ".zip":
            zip_incident(folder, out)
    except (IncidentError, OSError) as error:
        raise SettingError(f"incident export: {error}") from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    sandbox = " SANDBOX" if incident.simulated else ""
    without = "" if journal is not None else "; without alarms: no journal was found"
    sys.stdout.write(f"{out}:{sandbox} {options.start} to {options.end}, pictures as SVG{without}\n")
    return 0


def run_open(options: argparse.Namespace) -> int:
    """Check an incident and serve it, and nothing else, until Ctrl-C."""
    from control_room.blackbox.incident import IncidentError, make_scratch, open_incident
    from control_room.blackbox.marks import from_ms
    from control_room.clock import FixedClock
    from control_room.server import serve
    from feeds.feed import Feed

    settings = read_settings(vars(options))
    scratch = make_scratch()
    try:
        incident = open_incident(Path(options.path).expanduser(), scratch)
        first, last = from_ms(incident.first), from_ms(incident.last)
        # Says SANDBOX on every screen where the city was simulated; it is never asked.
        title = f"Incident of {first:%Y-%m-%d %H:%M} UTC"
        url = "http://incident.invalid/"
        feed = Feed(name="incident", title=title, adapter="gtfs_realtime", url=url, simulated=incident.simulated)
        return serve(
            settings,
            [feed],
            FixedClock(last),
            source=_Nothing(),
            mode="replay",
            note=f"INCIDENT of {incident.city}, {first:%d %B %Y %H:%M:%S} to {last:%H:%M:%S} UTC, exported {incident.made_at}",
            incident=incident,
        )
    except IncidentError as error:
        raise SettingError(f"incident open: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Nothing:
    """What answers polls while an incident is open: nobody."""

    async def fetch(self, feed: Feed, adapter: Adapter) -> list[Page]:
        await asyncio.Event().wait()
        return []

    def forget(self, feed: str) -> None:
        """Nothing is ever taken."""


def _find_box(data: Path, sandbox: bool) -> Path:
    """Folder of the black box; where there is only the simulated city's, that one."""
    for mode in ["sandbox"] if sandbox else ["live", "sandbox"]:
        if (data / "blackbox" / mode).is_dir():
            return data / "blackbox" / mode
    raise SettingError(f"--data {data}: holds no black box; nothing was recorded there")


def _moment(flag: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            raise ValueError
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise SettingError(f"{flag} {text}: is no time with zone such as 2026-11-23T08:15:00Z") from error
