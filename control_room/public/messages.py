"""A public state as the messages that kiosks get: map frames and `facts`, encoded once for all (docs/experience-protocol.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import orjson

from control_room.frames import Frame, FrameEncoder, Marks
from control_room.model import text_array
from control_room.public.state import BATTERY, DOING, KINDS, PublicState, Recording, Things

BATTERY_UNIT: Final = 2**20
MOST_GROUPS: Final = 4096  # bits of the look that name one
# A group beyond these is the kind's own: a made-up list of routes cannot fill the legend.
MOST_ROUTES: Final = 500
THINGS_EVERY_MS: Final = 5_000
# Ages at which a thing is shown as ageing, as stale, and no more. A drone is a minute or two old when it is new.
AGES_S: Final[Mapping[str, tuple[int, int, int]]] = {
    "robot": (30, 90, 600),
    "shuttle": (30, 90, 600),
    "drone": (150, 240, 600),
    "bus": (60, 180, 600),
    "scooter": (600, 1800, 7200),
}
_TYPE: Final = {name: i for i, name in enumerate(KINDS)}
_STATE: Final = {name: i for i, name in enumerate(DOING)}
_BATTERY: Final = {name: i for i, name in enumerate(BATTERY)}


class Messages:
    """Makes frame and facts of one state after the other.

    Args:
        t0_ms: moment from which the frames count seconds; the start of this run.
    """

    def __init__(self, t0_ms: int) -> None:
        self._t0_s = t0_ms // 1000
        self._encoder = FrameEncoder()
        self._groups: dict[tuple[str, str | None], int] = {(kind, None): i for i, kind in enumerate(KINDS)}
        self._legend = self._build_legend()
        self._things: tuple[int, str] | None = None
        self._slot_of: Mapping[str, int] | None = None
        self._texts: dict[str, tuple[Any, str]] = {}

    def make(
        self, state: PublicState, recording: Recording, now_ms: int, more: Mapping[str, Any] | None = None
    ) -> tuple[Frame, dict[str, str]]:
        """The next frame and all facts of that state.

        Args:
            now_ms: the clock of the screens.
            more: further facts by name, made from these (sentences).
        """
        frame = self._encoder.encode(self._marks(state.things, now_ms))
        facts = {name: self._text(name, content) for name, content in list_facts(state, recording).items()}
        # A slot that has another thing now must not be called by the name of the one before.
        same = self._slot_of is frame.slot_of
        if self._things is None or not same or not 0 <= now_ms - self._things[0] < THINGS_EVERY_MS:
            self._things = (now_ms, self._text("things", list_slots(state.things, frame.slot_of)))
        self._slot_of = frame.slot_of
        facts["things"] = self._things[1]
        for name, content in (more or {}).items():
            facts[name] = self._text(name, content)
        return frame, facts

    def tell_nothing(self, recording: Recording, now_ms: int) -> tuple[Frame, dict[str, str]]:
        """What is sent before there is any state: an empty map, and that nothing is recorded."""
        frame = self._encoder.encode(self._marks(Things([], [], [], [], [], [], [], [], [], []), now_ms))
        return frame, {"recording": self._text("recording", recording)}

    def _text(self, name: str, content: Any) -> str:
        """The message; the very same text while its content is the same."""
        made = self._texts.get(name)
        if made is None or (made[0] is not content and made[0] != content):
            made = (content, orjson.dumps({"type": "facts", "name": name, "content": content}).decode())
            self._texts[name] = made
        return made[1]

    def _marks(self, things: Things, now_ms: int) -> Marks:
        groups = [self._group(kind, route) for kind, route in zip(things.kind, things.route, strict=True)]
        look = 1 + np.array([_TYPE[k] for k in things.kind], dtype=np.int64)
        look += 16 * np.array([_STATE[d] for d in things.doing], dtype=np.int64)
        look += 256 * np.array(groups, dtype=np.int64)
        look += BATTERY_UNIT * np.array([_BATTERY[b] for b in things.battery], dtype=np.int64)
        seconds = np.array(things.t, dtype=np.int64)
        t = np.where(seconds > 0, np.clip(seconds - self._t0_s + 1, -(2**31) + 1, 2**31 - 1), 0)
        # A thing observed in the second before the start has t 0, which means unknown: a second older is nearer the truth.
        t = np.where((t == 0) & (seconds > 0), -1, t)
        return Marks(
            keys=text_array([f"{kind} {name}" for kind, name in zip(things.kind, things.name, strict=True)]),
            t=t.astype(np.int32),
            x=np.array(things.x, dtype=np.int32),
            y=np.array(things.y, dtype=np.int32),
            heading=np.array(things.heading, dtype=np.int32),
            look=look.astype(np.int32),
            legend=self._legend,
            now_ms=now_ms,
        )

    def _group(self, kind: str, route: str | None) -> int:
        found = self._groups.get((kind, route))
        if found is not None:
            return found
        if len(self._groups) >= min(MOST_GROUPS, MOST_ROUTES):
            return self._groups[(kind, None)]
        self._groups[(kind, route)] = len(self._groups)
        self._legend = self._build_legend()
        return self._groups[(kind, route)]

    def _build_legend(self) -> dict[str, Any]:
        feeds = [
            {
                "name": kind,
                "kind": kind,
                "route": route,
                **dict(zip(("ageing_s", "stale_s", "leaves_s"), AGES_S[kind], strict=True)),
            }
            for kind, route in self._groups
        ]
        return {"t0": self._t0_s, "types": list(KINDS), "states": list(DOING), "feeds": feeds}


def list_facts(state: PublicState, recording: Recording) -> dict[str, Any]:
    """Every fact of a state but `things`, by name, in the order in which screens need them."""
    return {
        "recording": recording,
        "city": state.city,
        "figures": state.figures,
        "places": state.places,
        "estates": state.estates,
        "masts": state.masts,
        "events": state.events,
    }


def list_slots(things: Things, slot_of: Mapping[str, int]) -> dict[str, list[Any]]:
    """The content of `things`: what stands in which slot of the frames."""
    slots = [slot_of[f"{kind} {name}"] for kind, name in zip(things.kind, things.name, strict=True)]
    columns = ("name", "kind", "doing", "battery", "route", "estate")
    return {"slot": slots, **{name: getattr(things, name) for name in columns}}


def move_to(state: PublicState, by_ms: int) -> PublicState:
    """The same state with its things observed so much later: a recording that moves as if it were now."""
    by_s = round(by_ms / 1000)
    things = replace(state.things, t=[t + by_s if t else 0 for t in state.things.t])
    return replace(state, things=things)
