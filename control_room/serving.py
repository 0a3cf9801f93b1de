"""What every process that serves needs before it can: a socket to listen on, the city's folder, a log."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import structlog

from control_room.city import CITIES, CityError
from control_room.settings import SettingError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        SettingError: the port is taken or the address is not ours.
    """
    if not 0 <= port <= 65_535:
        raise SettingError(f"--port {port}: is no port; it may be 0 (a free one) to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingError(
            f"--host {host} --port {port}: cannot listen there: {error.strerror}; is it running already? "
            "Name another port with --port"
        ) from error
    listener.setblocking(False)
    return listener


def end_with_stdin() -> None:
    """Ends this process when whoever holds its stdin open is gone: a pipe closes however its other end died."""

    def wait() -> None:
        # Not by sys.stdin: a reader that waits holds its lock, and at its own end the interpreter dies of that.
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def city_folder(name: str) -> Path:
    """The folder of a city: a name under control_room/city, or a path."""
    known = CITIES / name
    if "/" not in name and known.is_dir():
        return known
    path = Path(name).expanduser()
    if not path.is_dir():
        names = sorted(p.parent.name for p in CITIES.glob("*/city.yaml"))
        raise CityError(f"--city {name}: no such folder; built in: {', '.join(names)}")
    return path


def set_up_log(as_json: bool) -> None:
    """One event a line on stderr, for structlog and the standard library alike."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    # These log every request at INFO, some with the address and its key.
    for noisy in ("httpx", "httpcore", "uvicorn.access", "uvicorn.error", "websockets"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
