"""Running the sandbox: the HTTP server, and the command line in front of it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib import request as urlrequest
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

import uvicorn

from control_room.clock import Clock, ReplayClock, SystemClock
from feeds.sandbox.app import create_sandbox
from feeds.sandbox.city import City
from feeds.sandbox.faults import FAULTS
from feeds.sandbox.feed_file import DEFAULT_BASE_URL, render_feed_file
from feeds.sandbox.runs import BadRun
from feeds.sandbox.scenario import BadScenario, list_scenarios
from feeds.sandbox.scenario_page import render_page

MILTON_KEYNES = Path(__file__).resolve().parents[2] / "control_room" / "city" / "milton_keynes"


def serve(
    port: int,
    seed: int = 1,
    clock: Clock | None = None,
    folder: Path = MILTON_KEYNES,
    buses: int = 80,
    robots: int = 120,
    siri_share: float = 0.3,
    report_every_s: int = 0,
    own_words: bool = True,
    scenarios: Sequence[str] = (),
) -> None:
    """Serve one city on loopback until told to stop. Blocks.

    Args:
        port: 0 takes any free one.
        clock: what the city goes by; the real time where None.
        scenarios: names of those that start at once.

    Raises:
        BadScenario: there is none of such a name.
        BadRun: one is named twice.
    """
    city = City(seed, folder, buses, robots, siri_share, report_every_s, own_words)
    app = create_sandbox(city, clock or SystemClock(), scenarios=scenarios)
    # Loopback only: it has a door for switching faults on, and demonstration credentials.
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    # Ctrl-C is the usual way to end it, not a failure.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run()


def run(arguments: Sequence[str]) -> int:
    """The command line. Returns the exit status."""
    commands = {
        "fault": _set_fault,
        "clear": _clear_faults,
        "scenario": _run_scenario,
        "feed-file": _print_feed_file,
    }
    if arguments and arguments[0] in commands:
        return commands[arguments[0]](arguments[1:])
    return _serve(arguments)


def _serve(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m feeds.sandbox", description="Serve a simulated city.")
    parser.add_argument("--port", type=int, default=8051, help="on 127.0.0.1; default 8051")
    parser.add_argument("--seed", type=int, default=1, help="which city; default 1")
    parser.add_argument("--city", type=Path, default=MILTON_KEYNES, help="folder with the city's facts")
    parser.add_argument("--buses", type=int, default=80)
    parser.add_argument("--robots", type=int, default=120)
    parser.add_argument("--siri-share", type=float, default=0.3, help="share of buses reported by SIRI-VM")
    parser.add_argument("--report-every", type=int, default=0, metavar="S", help="all buses report at once every S s")
    parser.add_argument("--standard-words", action="store_true", help="robots use the standard's event words only")
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME", help="starts at once; repeatable")
    parser.add_argument("--at", type=datetime.fromisoformat, help="start the city at this time, e.g. 2026-03-28T23:50Z")
    parser.add_argument("--rate", type=float, default=1.0, help="seconds of the city per real second; needs --at")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when whoever started it is gone")
    options = parser.parse_args(arguments)
    if options.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    if options.buses < 1 or options.robots < 0 or options.report_every < 0 or not 0 <= options.siri_share <= 1:
        parser.error("a city has at least one bus, no number is negative, a share is from 0 to 1")
    if options.at is not None and options.at.tzinfo is None:
        parser.error("--at needs a zone, such as a Z at its end")
    try:
        serve(
            options.port,
            options.seed,
            ReplayClock(options.at, options.rate) if options.at else None,
            options.city,
            options.buses,
            options.robots,
            options.siri_share,
            options.report_every,
            not options.standard_words,
            options.scenario,
        )
    except (BadScenario, BadRun) as error:
        parser.error(str(error))
    return 0


def _end_with_stdin() -> None:
    """A pipe closes however its other end died, kill -9 included."""
    # Not by sys.stdin: a reader that waits holds its lock, and at its own end the interpreter dies of that.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _set_fault(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m feeds.sandbox fault", description="Switch a fault on.")
    parser.add_argument("path", help="/mds/vehicles/status, or a pattern such as '/gtfsrt/*'")
    parser.add_argument("fault", choices=list(FAULTS))
    parser.add_argument("--for", dest="for_s", type=float, default=60.0, metavar="S", help="real seconds; default 60")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=NUMBER", help="such as delay_s=20")
    parser.add_argument("--base", default=DEFAULT_BASE_URL, help="address of the sandbox")
    options = parser.parse_args(arguments)
    wish: dict[str, object] = {"path": options.path, "fault": options.fault, "for_s": options.for_s}
    for item in options.option:
        name, _, value = item.partition("=")
        try:
            wish[name] = float(value)
        except ValueError:
            parser.error(f"--option {item} is not NAME=NUMBER")
    return _ask(options.base, "POST", "faults", wish)


def _clear_faults(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m feeds.sandbox clear", description="Switch all faults off.")
    parser.add_argument("--base", default=DEFAULT_BASE_URL, help="address of the sandbox")
    return _ask(parser.parse_args(arguments).base, "DELETE", "faults", None)


def _run_scenario(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m feeds.sandbox scenario", description="List, start or stop scenarios.")
    commands = parser.add_subparsers(dest="command", required=True)
    listed = commands.add_parser("list", help="all there are; with --base also which of them run")
    listed.add_argument("--base", help="address of a sandbox")
    commands.add_parser("page", help="print docs/scenarios.md")
    started = commands.add_parser("start", help="start one in a sandbox that runs")
    started.add_argument("name")
    started.add_argument("--at", metavar="TIME", help="as if started then, in the city's time; default: now")
    stopped = commands.add_parser("stop", help="stop one, or all that run")
    stopped.add_argument("name", nargs="?")
    for command in (started, stopped):
        command.add_argument("--base", default=DEFAULT_BASE_URL, help=f"address of the sandbox; {DEFAULT_BASE_URL}")
    options = parser.parse_args(arguments)
    if options.command == "list":
        return _ask(options.base, "GET", "scenarios", None, _tell_scenarios) if options.base else _list_scenarios()
    if options.command == "page":
        sys.stdout.write(render_page())
        return 0
    if options.command == "start":
        wish = {"name": options.name} | ({"started_at": options.at} if options.at else {})
        return _ask(options.base, "POST", "scenarios", wish, _tell_scenarios)
    question = f"scenarios?{urlencode({'name': options.name})}" if options.name else "scenarios"
    return _ask(options.base, "DELETE", question, None, _tell_scenarios)


def _list_scenarios() -> int:
    for scenario in list_scenarios():
        sys.stdout.write(f"{scenario.name:<20} {scenario.title} ({scenario.duration_s // 60} min)\n")
    return 0


def _tell_scenarios(answer: str) -> str:
    """A line for each scenario: its name, and since when it runs until when, in the city's time."""
    lines = []
    for scenario in json.loads(answer)["scenarios"]:
        running = scenario["running"]
        state = f"running, {running['started_at']} to {running['ends_at']}" if running else "-"
        lines.append(f"{scenario['name']:<20} {state}")
    return "\n".join(lines)


def _print_feed_file(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m feeds.sandbox feed-file", description="Print the feed file.")
    parser.add_argument("--base", default=DEFAULT_BASE_URL, help="address of the sandbox")
    sys.stdout.write(render_feed_file(parser.parse_args(arguments).base))
    return 0


def _ask(base: str, method: str, door: str, wish: Mapping[str, object] | None, tell: Callable[[str], str] = str) -> int:
    """Ask a sandbox that runs, and print what it says as `tell` words it. The exit status."""
    if not base.startswith(("http://", "https://")):
        sys.stderr.write(f"{base} is not an http address\n")
        return 2
    asked = urlrequest.Request(  # noqa: S310 - the scheme is checked above
        f"{base.rstrip('/')}/sandbox/{door}",
        data=None if wish is None else json.dumps(wish).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    try:
        with urlrequest.urlopen(asked, timeout=10) as answer:  # noqa: S310
            sys.stdout.write(tell(answer.read().decode()) + "\n")
            return 0
    except HTTPError as error:
        sys.stderr.write(error.read().decode() + "\n")
    except URLError as error:
        sys.stderr.write(f"no sandbox at {base}: {error.reason}\n")
    return 1
