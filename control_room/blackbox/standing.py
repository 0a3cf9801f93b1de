"""Panels and layers built for the record, whether or not a screen shows them.

Bytes that a screen was sent are taken as they are; what nobody shows is built
here, by the same functions, in the recorder's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from control_room.layers import LayerKeeper
from control_room.live import LAYER_TOPIC, PANEL_TOPIC, encode_panel
from control_room.model import Snapshot
from control_room.publish import to_json
from layouts.layer import list_layers
from layouts.panel import View, build_fault, list_panels

log = structlog.get_logger()


class Standing:
    """Builds by topic; for one thread.

    Args:
        view: snapshot -> what screens of the audience are built from.
    """

    def __init__(self, view: Callable[[Snapshot], View]) -> None:
        self._make_view = view
        self._panels = list_panels()
        self._layers = LayerKeeper(list_layers(), self._say_layer_failed)
        self._view: View | None = None
        self._of: Snapshot | None = None
        self._failing: dict[str, datetime] = {}
        self.urgent = frozenset(PANEL_TOPIC + name for name, panel in self._panels.items() if panel.urgent)
        self.topics = (
            *(PANEL_TOPIC + name for name in self._panels),
            *(LAYER_TOPIC + name for name in list_layers()),
        )

    def build(self, topic: str, snapshot: Snapshot) -> bytes | None:
        """The message of that panel or layer; None where a layer cannot be built."""
        if snapshot is not self._of or self._view is None:
            self._view, self._of = self._make_view(snapshot), snapshot
        view = self._view
        if topic.startswith(LAYER_TOPIC):
            name = topic.removeprefix(LAYER_TOPIC)
            return self._layers.make(snapshot, view, (name,)).get(name)
        name = topic.removeprefix(PANEL_TOPIC)
        try:
            content = to_json(self._panels[name].build(view))
            self._failing.pop(name, None)
        except Exception:
            if name not in self._failing:
                log.exception("black box: a panel could not be built; said once, until it can be again", panel=name)
            content = to_json(build_fault(self._failing.setdefault(name, view.now), before=False))
        return encode_panel(name, content)

    def _say_layer_failed(self, name: str) -> None:
        log.error("black box: a layer could not be built; said once, until it can be again", layer=name)
