"""The heaps of a page and of its workers, after garbage collection.

Playwright's own session ends at the page; a worker is a target of its own,
reached by attaching to it from the page. So this speaks the DevTools protocol
itself, over the browser's debugging port.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect


@contextmanager
def open_devtools(port: int) -> Iterator[DevTools]:
    """A connection to the browser started with `--remote-debugging-port=<port>`."""
    version = httpx.get(f"http://127.0.0.1:{port}/json/version").json()
    with connect(version["webSocketDebuggerUrl"], max_size=None) as wire:
        yield DevTools(wire)


class DevTools:
    """Commands to a browser and its targets, one at a time."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._ids = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """The result of one command; events that come meanwhile are kept."""
        number = next(self._ids)
        asked = {"id": number, "method": method, "params": params}
        self._wire.send(json.dumps(asked if session is None else {**asked, "sessionId": session}))
        while True:
            message = json.loads(self._wire.recv(timeout=60))
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result
            if "method" in message:
                self.events.append(message)

    def attach(self, url_part: str) -> tuple[str, list[str]]:
        """Session of the page whose address holds that text, and those of its workers."""
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(t for t in targets if t["type"] == "page" and url_part in t["url"])
        session = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self.send("Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        attached = [e["params"] for e in self.events if e["method"] == "Target.attachedToTarget"]
        workers = [a["sessionId"] for a in attached if a["targetInfo"]["type"] == "worker"]
        return session, workers

    def get_heap_bytes(self, session: str) -> int:
        """What is alive there: bytes of JavaScript objects after a full collection."""
        self.send("HeapProfiler.collectGarbage", session)
        self.send("HeapProfiler.collectGarbage", session)
        return int(self.send("Runtime.getHeapUsage", session)["usedSize"])

    def get_counts(self, session: str) -> dict[str, int]:
        """Documents, nodes and listeners of a page."""
        return dict(self.send("Memory.getDOMCounters", session))
