"""A relay that counts the bytes between a browser and a dashboard.

Counted on the wire, below HTTP and WebSocket, so that every way of sending is
counted alike, also what a worker receives (which the page's own DevTools
session does not see). Only the measure of the wire goes through it.
"""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Listens on an own port as long as the `with` block lasts.

    Attributes:
        down: bytes so far from dashboard to browser; `up` the other way.
    """

    def __init__(self, port: int) -> None:
        self.down = 0
        self.up = 0
        self._behind = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser, _ = self._door.accept()
                server = socket.create_connection(("127.0.0.1", self._behind))
                for end in (browser, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pump, args=(browser, server, "up"), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, browser, "down"), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(262_144):
                # Several connections add to one sum; a lost addition would flatter.
                with _adding:
                    setattr(self, way, getattr(self, way) + len(data))
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


_adding = threading.Lock()
