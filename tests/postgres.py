"""A real PostgreSQL for tests: its own data folder and port, run by an unprivileged user, ended with the test."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

PASSWORD = "only for tests, but never in an error"


def find_programs() -> Path | None:
    """The folder of initdb and postgres; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    """A server that can be stopped, started again, frozen and thawed."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.getuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._held = _hold_port()
        self.port: int = self._held.getsockname()[1]
        self._initialise()

    def _initialise(self) -> None:
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        initdb = [self._programs / "initdb", "-D", self._folder / "data", "-U", "keeper", "--pwfile", secret]
        self._run([*initdb, "--auth=scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])

    def _run(self, command: list[object]) -> None:
        subprocess.run(
            [str(c) for c in command], user=self._user, cwd="/", check=True, capture_output=True, timeout=180
        )

    def start(self) -> None:
        command = [self._programs / "postgres", "-D", self._folder / "data", "-p", self.port, "-h", "127.0.0.1"]
        # Its durability is not what is tested, and syncing a whole folder after each stop takes long.
        command += ["-k", self._folder, "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20"]
        with (self._folder / "log").open("ab") as said:
            self._process = subprocess.Popen(
                [str(c) for c in command], user=self._user, cwd="/", stdout=said, stderr=said
            )
        until = time.monotonic() + 120
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < until, (self._folder / "log").read_text()
                time.sleep(0.05)

    def url(self, name: str) -> str:
        return f"postgresql://keeper:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/{name}"

    def make(self, name: str) -> str:
        """A new, empty database; its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def stop(self) -> None:
        """At once: connections are cut."""
        if self._process is not None:
            self.thaw()
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
            self._process = None

    def end(self) -> None:
        """Stopped for good: its port is anybody's again."""
        self.stop()
        self._held.close()

    def freeze(self) -> None:
        """It takes connections and bytes, and answers nothing: every process of it is stopped."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in [self._process.pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """A server for as long as it is needed; skips where PostgreSQL is not installed, but never in CI."""
    programs = find_programs()
    if programs is None:
        assert os.environ.get("CI") != "true", "PostgreSQL is not installed"
        pytest.skip("PostgreSQL is not installed")
    # Not below pytest's folder: that one is for its owner only, and sockets take short paths.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = Postgres(programs, folder)
    try:
        server.start()
        yield server
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


def _hold_port() -> socket.socket:
    """A port of our own, also while the server makes its files or is stopped.

    Linux gives a port that is bound to nobody who asks for any; and who binds that very port to listen on it may, as
    PostgreSQL does, where both say SO_REUSEADDR and the other one does not listen.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held
