"""Serving: what stands round the application when a person starts it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from control_room.access import LOOPBACK_NAMES
from control_room.app import ControlRoom
from control_room.blackbox.incident import Incident
from control_room.city import load_city
from control_room.clock import Clock
from control_room.live import Mode
from control_room.sandbox_desk import SandboxDesk
from control_room.serving import city_folder, listen, set_up_log
from control_room.settings import SettingError, data_folder
from control_room.sockets import Door, ScreenSocket
from feeds.feed import Feed
from feeds.fetch import Fetcher, Source
from feeds.recorder import Recorder

MAX_MESSAGE_BYTES = 4096  # of a screen's socket; docs/live-protocol.md

# How long a thread that decodes may keep the interpreter while others wait for it. From answer to screen
# a feed crosses threads some five times; at Python's usual 5 ms each, one feed that floods makes all
# others a fifth older, at this a twentieth (tests/benchmarks/isolation.py, "large", on a busy machine).
SWITCH_EVERY_S = 0.0005


def serve(
    settings: Mapping[str, Any],
    feeds: Sequence[Feed],
    clock: Clock,
    source: Source | None = None,
    mode: Mode | None = None,
    note: str = "",
    desk: SandboxDesk | None = None,
    incident: Incident | None = None,
) -> int:
    """Run the dashboard until Ctrl-C or SIGTERM; the exit status.

    Args:
        source: answers polls; by default the network.
        mode: by default "sandbox" when any feed is simulated, else "live".
        note: one line for the person who started it.
        desk: the sandbox that was started with it, for its admin screen.
        incident: shown instead of what is kept.
    """
    set_up_log(settings["log_json"])
    data = data_folder(settings["data"])
    if settings["host"] not in LOOPBACK_NAMES and not settings["open_demo"]:
        raise SettingError(
            f"--host {settings['host']}: there is no sign-in yet, so the dashboard listens on loopback only; "
            "for a demonstration on a network you trust add --open-demo"
        )
    city = load_city(city_folder(settings["city"]))
    mode = mode or ("sandbox" if any(f.simulated for f in feeds) else "live")
    listener = listen(settings["host"], settings["port"])
    port = listener.getsockname()[1]
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, feeds, clock, source, mode, note, desk, city, data, listener, port, incident))
    return 0


async def _serve(
    settings: Mapping[str, Any],
    feeds: Sequence[Feed],
    clock: Clock,
    source: Source | None,
    mode: Mode,
    note: str,
    desk: SandboxDesk | None,
    city: Any,
    data: Path,
    listener: socket.socket,
    port: int,
    incident: Incident | None,
) -> None:
    fetcher: Fetcher | None = None
    recorder: Recorder | None = None
    if source is None:
        if settings["record"]:
            recorder = Recorder(data / "recordings", feeds, max_bytes_a_feed=settings["record_max_mb"] * 1_000_000)
        source = fetcher = Fetcher(clock, witness=recorder.record if recorder else None)
    app = ControlRoom(settings, city, feeds, clock, source, mode, desk, incident)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="on",
        http=Door,
        ws=ScreenSocket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    # What is alive now stays alive: the collector need not look through it again at every poll. A poll of
    # five thousand vehicles makes and drops so many objects that the usual threshold would run it each second.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    sys.setswitchinterval(SWITCH_EVERY_S)
    announce(settings, city.title, mode, note, port)
    try:
        await server.serve(sockets=[listener])
    finally:
        if fetcher is not None:
            await fetcher.aclose()
        if recorder is not None:
            await asyncio.to_thread(recorder.close)


def announce(settings: Mapping[str, Any], title: str, mode: str, note: str, port: int) -> None:
    """Say where to look and what it is, before the first request can be answered."""
    host = settings["host"] if settings["host"] not in LOOPBACK_NAMES else "localhost"
    demo = "DEMO: no sign-in, anybody who reaches this port sees the staff screens"
    if settings["host"] in LOOPBACK_NAMES:
        demo = "DEMO: no sign-in; only this machine is answered"
    lines = [
        "",
        f"  {title} control room   {mode.upper()}",
        f"  {note}" if note else "",
        f"  wall   http://{host}:{port}/wall",
        f"  open   http://{host}:{port}",
        f"  {demo}",
        "  Ctrl-C ends everything.",
        "",
    ]
    sys.stdout.write("\n".join(line for line in lines if line or line == "") + "\n")
    sys.stdout.flush()
