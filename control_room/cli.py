"""The command line: `python -m control_room COMMAND`.

run        sandbox city and dashboard together (what `make run` does)
serve      the dashboard on feeds of your own
replay     the dashboard on a recording, or on one recorded payload as a still
try-feed   read one answer through an adapter and print what came of it
experience the public screens, in a process of their own
walls      check what the wall screens show
notify     check who is told of alarms, and send a test message
rules      check, test and list the alarm rules
alarms     how the alarm system itself did, and its journal
incident   export what the screens showed, and open it in any copy
data       what history holds, why and for how long
summary    a day, a week or a month for managers: printed, or as PDF, e-mail, tables
sandbox    write a past for the simulated city
docs       write the pages that are made from the code
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from control_room.alarm_commands import add_alarms
from control_room.experience_command import add_experience, running_beside
from control_room.history_commands import add_data, add_sandbox
from control_room.settings import SETTINGS, SettingError, data_folder, is_given, read_settings
from control_room.summary.command import add_summary

ROOT = Path(__file__).resolve().parents[1]
SANDBOX_STARTS_WITHIN_S = 60  # three on a quick machine; a busy one has taken twenty
MAX_RATE = 100_000.0  # a day in a second; beyond, nothing is left to see


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status. Mistakes of the caller are one line on stderr, status 2."""
    try:
        return _run_command(arguments)
    except KeyboardInterrupt:
        # Whenever it comes, also while modules are being read, it is no fault to tell of.
        return 130


def _run_command(arguments: Sequence[str] | None) -> int:
    _end_on_terminate()
    from control_room.city import CityError
    from feeds.feed import FeedFileError

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that this terminal cannot write is no reason to fail.
        sys.stdout.reconfigure(errors="replace")
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        status: int = options.command(options)
        return status
    except (SettingError, CityError, FeedFileError) as error:
        print(f"control-room: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more when it closes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m control_room", description="The control room of a smart city.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = _command(commands, "run", _run, "sandbox city and dashboard together")
    run.add_argument(
        "--sandbox-port", type=int, default=8051, help="port of the sandbox exchange (default 8051; 0: a free one)"
    )
    run.add_argument("--seed", type=int, default=1, help="seed of the sandbox city (default 1)")
    run.add_argument(
        "--scenario", action="append", default=[], metavar="NAME", help="scenario that starts at once; repeatable"
    )
    run.add_argument("--reload", action="store_true", help="restart whenever a source file changes")

    serve = _command(commands, "serve", _serve, "the dashboard on feeds of your own")
    serve.add_argument("--feeds", required=True, metavar="FILE", help="YAML file of feeds (docs/adding-a-feed.md)")

    replay = _command(commands, "replay", _replay, "the dashboard on a recording or a recorded payload")
    replay.add_argument(
        "--from", dest="source", required=True, metavar="PATH", help="folder of a recording, or one payload file"
    )
    pace = replay.add_mutually_exclusive_group()
    pace.add_argument("--rate", type=_rate, default=1.0, help="seconds of the recording a second (default 1)")
    pace.add_argument(
        "--still", action="store_true", help="show the first moment and stay there; a single file always does"
    )
    replay.add_argument("--adapter", help="standard of a bare payload file, where it cannot be told from its content")

    try_feed = _command(
        commands, "try-feed", _try_feed, "read one answer through an adapter and print what came of it", serving=False
    )
    try_feed.add_argument("name", nargs="?", help="a feed of the feed file: asked once, or read --from a file")
    try_feed.add_argument("--feeds", metavar="FILE", help="the feed file (default: feeds/sandbox.yaml)")
    try_feed.add_argument("--adapter", help="without a name: standard the answer speaks, a module in feeds/")
    try_feed.add_argument("--from", dest="source", metavar="FILE|URL", help="where the answer is")
    try_feed.add_argument("--at", metavar="TIME", help="moment of receipt, ISO 8601 with zone (default: now)")
    try_feed.add_argument("--json", action="store_true", help="print one JSON object instead of a summary")

    _add_rules(commands)
    add_alarms(commands)
    add_data(commands)
    add_sandbox(commands)
    add_summary(commands)
    _add_incident(commands)
    _add_notify(commands)
    _add_walls(commands)
    add_experience(commands)
    _command(commands, "docs", _docs, "write the pages that are made from the code", serving=False)
    return parser


def _command(commands: Any, name: str, function: Any, help_text: str, serving: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_text, description=help_text)
    parser.set_defaults(command=function)
    for setting in SETTINGS:
        if not serving and setting.name != "data":
            continue
        unit = f", {setting.unit}" if setting.unit else ""
        default = f" (default {setting.default}{unit})" if setting.default not in ("", False) else ""
        text = (setting.help + default).replace("%", "%%")
        if isinstance(setting.default, bool):
            parser.add_argument(
                setting.flag, dest=setting.name, action=argparse.BooleanOptionalAction, default=None, help=text
            )
        else:
            parser.add_argument(
                setting.flag,
                dest=setting.name,
                type=type(setting.default),
                metavar=setting.unit.upper() or "VALUE",
                help=text,
            )
    return parser


def _add_rules(commands: Any) -> None:
    from alerts.command_line import add_commands
    from control_room.backtest_command import add_backtest

    text = "check, test and list the alarm rules, run them over recorded history"
    add_backtest(add_commands(commands.add_parser("rules", help=text, description=text)))


def _add_notify(commands: Any) -> None:
    from alerts.notify.command_line import add_commands

    text = "check the notification settings, and send a test message"
    add_commands(commands.add_parser("notify", help=text, description=text), os.environ.get("CONTROL_ROOM_NOTIFY", ""))


def _add_walls(commands: Any) -> None:
    from control_room.walls.command_line import Known, add_commands

    def find_known() -> Known:
        from layouts.layer import list_layers  # and with them every panel, which other commands need not wait for
        from layouts.parts.sight import root_vw
        from layouts.screens.wall_pages import list_wall_panels

        return Known(frozenset(list_wall_panels()), frozenset(list_layers()), root_vw)

    text = "check the file of the walls"
    add_commands(commands.add_parser("walls", help=text, description=text), find_known)


def _add_incident(commands: Any) -> None:
    from control_room.incident_command import add_export, run_open

    text = "export what the screens showed between two moments, and open it in any copy of the product"
    kinds = commands.add_parser("incident", help=text, description=text).add_subparsers(required=True, metavar="WHAT")
    add_export(kinds)
    opened = _command(kinds, "open", run_open, "check an incident and look at it: /timeline")
    opened.add_argument("path", metavar="PATH", help="folder or zip of an incident")


def _serve(options: argparse.Namespace) -> int:
    from control_room.clock import SystemClock
    from control_room.server import serve
    from feeds.feed import read_feed_file

    settings = read_settings(vars(options))
    feeds = read_feed_file(Path(options.feeds))
    return serve(settings, feeds, SystemClock(), note=f"feeds of {options.feeds}")


def _replay(options: argparse.Namespace) -> int:
    from control_room.server import serve
    from feeds.feed import FeedError
    from feeds.replay import open_replay

    settings = read_settings(vars(options))
    source = Path(options.source)
    still = options.still or (source.is_file() and source.suffix != ".rec")
    try:
        feeds, recording, clock = open_replay(source, rate=options.rate, still=still, adapter=options.adapter)
    except (FeedError, OSError) as error:
        print(f"control-room: replay {source}: {error}", file=sys.stderr)
        return 2
    return serve(
        settings,
        feeds,
        clock,
        source=recording,
        mode="replay",
        note=f"REPLAY of {source.name} from {clock.now():%d %B %Y %H:%M:%S} UTC",
    )


def _run(options: argparse.Namespace) -> int:
    settings = read_settings(vars(options))
    data = data_folder(settings["data"])
    if options.reload:
        return _run_reloading(options)
    from control_room.clock import SystemClock
    from control_room.sandbox_desk import SandboxDesk
    from control_room.server import serve
    from feeds.feed import read_feed_file
    from feeds.sandbox.scenario import BadScenario, get_scenario

    try:
        for name in options.scenario:
            get_scenario(name)
    except BadScenario as error:
        raise SettingError(f"--scenario: {error}") from None

    held = contextlib.ExitStack()
    port = options.sandbox_port or held.enter_context(_free_port())
    sandbox = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [
            sys.executable,
            "-m",
            "feeds.sandbox",
            "--port",
            str(port),
            "--seed",
            str(options.seed),
            *(word for name in options.scenario for word in ("--scenario", name)),
            "--until-stdin-closes",
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,  # held open for as long as we live
        # Its own group: Ctrl-C reaches us first, and we end it after the dashboard has let go of it.
        start_new_session=True,
    )
    try:
        if not _answers(f"http://127.0.0.1:{port}/", sandbox):
            print(
                f"control-room: the sandbox exchange did not start on port {port}; "
                "is the port taken? Name another with --sandbox-port",
                file=sys.stderr,
            )
            return 1
        from feeds.sandbox.app import DEMO_ENVIRONMENT
        from feeds.sandbox.feed_file import write_feed_file

        # The keys of a city that does not exist; real ones are set by whoever starts `serve`.
        for name, value in DEMO_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        feed_file = data / "sandbox-feeds.yaml"
        write_feed_file(feed_file, f"http://127.0.0.1:{port}")
        feeds = read_feed_file(feed_file)
        with contextlib.ExitStack() as beside:
            if is_given("experience_port", vars(options)):
                # The public screens must know the port before it is listened on.
                settings["port"] = settings["port"] or beside.enter_context(_free_port())
                beside.enter_context(running_beside(settings, settings["port"]))
            return serve(
                settings,
                feeds,
                SystemClock(),
                note=f"SANDBOX exchange at http://127.0.0.1:{port} (seed {options.seed})",
                desk=SandboxDesk(f"http://127.0.0.1:{port}"),
            )
    finally:
        held.close()
        sandbox.terminate()
        try:
            sandbox.wait(5)
        except subprocess.TimeoutExpired:
            sandbox.kill()


def _run_reloading(options: argparse.Namespace) -> int:
    """The same command again, restarted when a source file changes."""
    import watchfiles

    again = [a for a in sys.argv[1:] if a != "--reload"]
    command = " ".join([sys.executable, "-m", "control_room", *again])
    folders = [
        str(ROOT / f)
        for f in ("control_room", "feeds", "layouts", "callbacks", "alerts", "assets")
        if (ROOT / f).exists()
    ]
    return 0 if watchfiles.run_process(*folders, target=command, target_type="command") >= 0 else 1


def _try_feed(options: argparse.Namespace) -> int:
    from feeds.feed import get_adapter
    from feeds.try_feed import try_feed

    at = _moment(options.at) if options.at else None
    feed = _named_feed(options.name, options.feeds) if options.name else None
    adapter = feed.adapter if feed else options.adapter
    source = options.source or (feed.url if feed else None)
    if not adapter or not source:
        raise SettingError("try-feed needs the name of a feed, or --adapter and --from")
    get_adapter(adapter)
    result = try_feed(adapter, source, at, feed)
    if options.json:
        # allow_nan off: what is not JSON everywhere must not be printed as if it were. JSON is
        # UTF-8 whatever the terminal speaks, and a file name may hold bytes that are no text.
        text = json.dumps(result, ensure_ascii=False, allow_nan=False) + "\n"
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.flush()
    else:
        _print_result(result)
        if feed and "error" not in result:
            print(f"a screen would say: {_verdict(result, feed, at or datetime.now(UTC))}")
    return 1 if "error" in result else 0


def _named_feed(name: str, file: str | None) -> Any:
    """The feed of that name; the sandbox's demonstration keys stand in for its credentials."""
    from feeds.feed import read_feed_file
    from feeds.sandbox.app import DEMO_ENVIRONMENT

    path = Path(file) if file else ROOT / "feeds" / "sandbox.yaml"
    if not file:
        for variable, value in DEMO_ENVIRONMENT.items():
            os.environ.setdefault(variable, value)
    feeds = {feed.name: feed for feed in read_feed_file(path)}
    if name not in feeds:
        raise SettingError(f"{path}: has no feed {name!r}; it has: {', '.join(feeds)}")
    return feeds[name]


def _verdict(result: dict[str, Any], feed: Any, now: datetime) -> str:
    """Fresh, ageing, stale or unknown by the feed's own limits, and from which age."""
    from control_room.model import FeedHealth

    parts = [result, *result.get("others", [])]
    times = [row["observed_at"] for part in parts for row in part["rows"] if row.get("observed_at")]
    newest = max((datetime.fromisoformat(t.replace("Z", "+00:00")) for t in times), default=None)
    health = FeedHealth(
        feed.name,
        feed.title,
        feed.supplier,
        feed.adapter,
        feed.every_s,
        feed.ageing_after_s,
        feed.stale_after_s,
        succeeded_at=now,
        observed_at=newest,
        rows=sum(len(part["rows"]) for part in parts),
    )
    age = (
        f"newest observation {(now - newest).total_seconds():.0f} s old"
        if newest
        else "no row says when it was observed"
    )
    return f"{health.state(now)} ({age}; stale after {feed.stale_after_s:g} s)"


def _print_result(result: dict[str, Any]) -> None:
    if "error" in result:
        print(f"failed as a whole: {result['error']}")
        return
    for part in [result, *result.get("others", [])]:
        print(f"{part['kind']}: {len(part['rows'])} rows, published {part['published_at'] or 'unknown'}")
        for word, counts in (("rejected", part["rejects"]), ("warning", part["warnings"])):
            for reason, count in sorted(counts.items()):
                print(f"  {word} {reason}: {count}")
        for row in part["rows"][:5]:
            print("  " + ", ".join(f"{k}={v}" for k, v in row.items() if v is not None))
        if len(part["rows"]) > 5:
            print(f"  and {len(part['rows']) - 5} more; --json prints all")


def _docs(_: argparse.Namespace) -> int:
    from control_room.dictionary import describe_dictionary
    from control_room.history.measures import describe_measures
    from control_room.settings import describe_settings

    (ROOT / "docs" / "data-dictionary.md").write_text(describe_dictionary(), encoding="utf-8")
    (ROOT / "docs" / "settings.md").write_text(describe_settings(), encoding="utf-8")
    (ROOT / "docs" / "measures.md").write_text(describe_measures(), encoding="utf-8")
    print("docs/data-dictionary.md, docs/settings.md, docs/measures.md")
    return 0


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise SettingError(f"--at {text}: is not an ISO 8601 time such as 2026-11-23T10:00:00Z") from error
    if not 1970 <= moment.year <= 2999:
        # Near the ends of the calendar another zone, or a minute more, falls off it.
        raise SettingError(f"--at {text}: the year must be 1970 to 2999")
    if moment.tzinfo is None:
        raise SettingError(f"--at {text}: has no zone; write it with Z or an offset")
    return moment.astimezone(UTC)


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate <= MAX_RATE:
        raise argparse.ArgumentTypeError(f"{text} is not a pace; it may be over 0, at most {MAX_RATE:g}")
    return rate


@contextlib.contextmanager
def _free_port() -> Iterator[int]:
    """A port for a process that is being started. Meanwhile nobody is given it; who names it, as that process does, gets it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the address answers; False when the process ended or time ran out."""
    until = time.monotonic() + SANDBOX_STARTS_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own loopback address
                # Somebody else may hold the port and answer: ours must still be running.
                return process.poll() is None
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.1)
    return False


def _end_on_terminate() -> None:
    """Make `kill` end us as Ctrl-C does, so that what we started ends too."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
