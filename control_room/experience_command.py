"""`python -m control_room experience`: the public screens, in a process and at an address of their own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from control_room.clock import SystemClock
from control_room.public.content_command import add_commands as add_content
from control_room.settings import SETTINGS, SettingError, data_folder, read_settings

if TYPE_CHECKING:
    from control_room.city import City

ROOT = Path(__file__).resolve().parents[1]
# Settings that this process reads. It has no feed, no database and no rule.
USED = ("data", "host", "public_host", "city", "log_json", "experience_port", "experience_from")
# What these mean here, where it is another than for the dashboard.
HELP: Mapping[str, str] = {
    "host": "address to listen on; 0.0.0.0 lets kiosks on other machines in",
    "public_host": "further host names the screens are reached by, separated by commas",
    "experience_port": "port to listen on; 0 takes a free one",
    "data": "folder of the recording; made if absent",
}
FLAGS: Mapping[str, tuple[str, ...]] = {
    "experience_port": ("--port", "--experience-port"),
    "experience_from": ("--from", "--experience-from"),
}


def add_experience(commands: Any) -> None:
    """Adds the command and those under it."""
    text = "the public screens of the experience centre, on the dashboard's public stream"
    parser: argparse.ArgumentParser = commands.add_parser("experience", help=text, description=text)
    parser.set_defaults(command=run_experience)
    for setting in SETTINGS:
        if setting.name not in USED:
            continue
        flags = FLAGS.get(setting.name, (setting.flag,))
        help_text = HELP.get(setting.name, setting.help)
        default = f" (default {setting.default})" if setting.default not in ("", False) else ""
        if isinstance(setting.default, bool):
            parser.add_argument(
                *flags, dest=setting.name, action=argparse.BooleanOptionalAction, default=None, help=help_text
            )
        else:
            parser.add_argument(
                *flags, dest=setting.name, type=type(setting.default), metavar="VALUE", help=help_text + default
            )
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when whoever started it is gone")
    add_content(parser.add_subparsers(metavar="WHAT"), _find_city, SystemClock().now)


def _find_city(named: str | None) -> City:
    from control_room.city import load_city
    from control_room.serving import city_folder

    return load_city(city_folder(named or read_settings({})["city"]))


@contextlib.contextmanager
def running_beside(settings: Mapping[str, Any], dashboard_port: int) -> Iterator[None]:
    """The public screens' process beside a dashboard on this machine; ended on leaving.

    It says its own address. Where it cannot start, it says why, and the dashboard goes on.
    """
    words = {
        "--from": f"http://127.0.0.1:{dashboard_port}/public/stream",
        "--port": str(settings["experience_port"]),
        "--data": settings["data"],
        "--city": settings["city"],
    }
    process = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [
            sys.executable,
            "-m",
            "control_room",
            "experience",
            *(part for pair in words.items() for part in pair),
            "--until-stdin-closes",
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,  # held open for as long as we live
        # Its own group: Ctrl-C reaches us first, and we end it.
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()


def run_experience(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; the exit status.

    Raises:
        SettingError, CityError: a setting cannot be used.
    """
    import uvloop

    from control_room.serving import end_with_stdin, listen, set_up_log

    settings = read_settings(vars(options))
    if options.until_stdin_closes:
        end_with_stdin()
    set_up_log(settings["log_json"])
    data = data_folder(settings["data"])
    listener = listen(settings["host"], settings["experience_port"])
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, data, listener))
    return 0


async def _serve(settings: Mapping[str, Any], data: Path, listener: Any) -> None:
    import uvicorn

    from control_room.access import LOOPBACK_NAMES
    from control_room.sockets import Door, ScreenSocket

    app = make_experience(settings, data)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="on",
        http=Door,
        ws=ScreenSocket,
        ws_max_size=4096,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
    )
    gc.collect()
    gc.freeze()
    host = settings["host"] if settings["host"] not in LOOPBACK_NAMES else "localhost"
    port = listener.getsockname()[1]
    sys.stdout.write(f"  experience   http://{host}:{port}/experience   (big screen: /experience/display)\n")
    sys.stdout.flush()
    await uvicorn.Server(config).serve(sockets=[listener])


def make_experience(settings: Mapping[str, Any], data: Path) -> Any:
    """The application of these settings.

    Raises:
        SettingError: its source is no address; its texts cannot be used.
        CityError: the city cannot be read.
    """
    import structlog

    from control_room.access import LOOPBACK_NAMES
    from control_room.build import read_build
    from control_room.city import load_city
    from control_room.experience import ASSETS, ROOT, Experience
    from control_room.public.content import build_content_page
    from control_room.public.content.check import list_due
    from control_room.public.content.content import find_folder, read_content
    from control_room.public.source import make_source
    from control_room.public.tape import Tape
    from control_room.public.words import CatalogueError, load_catalogues
    from control_room.serving import city_folder

    city, clock = load_city(city_folder(settings["city"])), SystemClock()
    try:
        catalogues = load_catalogues()
    except CatalogueError as error:
        raise SettingError(f"the texts of the public screens cannot be used:\n{error}") from error
    content, faults = read_content(city, find_folder(city))
    for file, line, what in faults:
        # A story with a fault in it is left out; that is no reason for dark screens. `experience content check` says all.
        structlog.get_logger().warning("content of the public screens is left out", file=file, line=line, why=what)
    overdue = [
        due.what for due in list_due(content, clock.now().astimezone(city.zone).date()) if due.state == "out of date"
    ]
    if overdue:
        structlog.get_logger().warning(
            "content of the public screens is out of date", many=len(overdue), first=overdue[0]
        )

    def build_content(facts: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        return {name: build_content_page(content, catalogue, facts) for name, catalogue in catalogues.items()}

    named = {h.strip() for h in settings["public_host"].split(",") if h.strip()}
    hosts = set(LOOPBACK_NAMES) | named | ({settings["host"]} - {"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
    return Experience(
        city,
        make_source(settings["experience_from"]),
        clock,
        Tape(data / "experience"),
        build_content,
        sorted(hosts),
        read_build([ASSETS / "experience", ASSETS / "worker", ROOT / "layouts" / "experience"]),
    )
