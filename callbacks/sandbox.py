"""Starting and stopping scenarios from `/admin/sandbox`, and renewing its list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import dash
import structlog
from dash import ALL, Input, Output, State

from control_room.access import OPERATOR, audiences_now
from control_room.sandbox_desk import SandboxDesk, SandboxError
from layouts.screens.admin_sandbox import (
    BUTTON,
    LIST,
    SAID,
    START,
    STOP,
    TICK,
    Id,
    build_list,
    build_silence,
    list_changes,
    tell_press,
)

log = structlog.get_logger()


@dataclass(frozen=True)
class Answer:
    """What a callback writes.

    Attributes:
        shown: of the list; no_update where the one that stands is only changed.
        said: the status line; no_update where nothing was pressed.
        changes: ids and their new properties.
    """

    shown: Any
    said: Any = dash.no_update
    changes: Sequence[tuple[Id, dict[str, Any]]] = ()


def register(app: dash.Dash, desk: SandboxDesk, zone: ZoneInfo) -> None:
    """One callback: a press or the passing of time in; the list, and what became of the press, out.

    Args:
        zone: in which times of day are shown.
    """

    @app.callback(  # type: ignore[untyped-decorator]
        Output(LIST, "children"),
        Output(SAID, "children"),
        Input(TICK, "n_intervals"),
        Input({"type": BUTTON, "name": ALL}, "n_clicks"),
        State({"type": BUTTON, "name": ALL}, "value"),
        State({"type": BUTTON, "name": ALL}, "id"),
    )
    async def answer(_: Any, clicks: Any, acts: Any, ids: Any) -> tuple[Any, Any]:
        pressed = find_press(dash.ctx.triggered_id, clicks, acts, ids)
        found = await answer_press(desk, zone, pressed, list_names(ids), audiences_now.get())
        for name, properties in found.changes:
            dash.set_props(name, properties)
        return found.shown, found.said


def list_names(ids: Any) -> list[object]:
    """The scenarios whose buttons stand on the page, in its order."""
    return [button.get("name") for button in ids if isinstance(button, dict)] if isinstance(ids, list) else []


def find_press(triggered: Any, clicks: Any, acts: Any, ids: Any) -> tuple[str, str] | None:
    """Name of the scenario and what is to be done with it; None when nothing was pressed.

    A list that is renewed brings buttons that were never pressed, and any client
    can send anything: what does not fit is no press.
    """
    if not isinstance(triggered, dict) or not all(isinstance(given, Sequence) for given in (clicks, acts, ids)):
        return None
    if not len(clicks) == len(acts) == len(ids):
        return None
    for count, act, button in zip(clicks, acts, ids, strict=True):
        if button == dict(triggered) and count and act in (START, STOP) and isinstance(button.get("name"), str):
            return button["name"], act
    return None


async def answer_press(
    desk: SandboxDesk,
    zone: ZoneInfo,
    pressed: tuple[str, str] | None,
    standing: Sequence[object],
    held: frozenset[str],
) -> Answer:
    """Do what was pressed, and tell what is true then.

    Any client can call any callback, so the audience is asked here, of the request and not of its content.

    Args:
        standing: names of the scenarios that the page shows.
        held: audiences of who asks.
    """
    if OPERATOR not in held:
        return Answer(dash.html.P("Only operators may see and start scenarios."))
    said: Any = dash.no_update
    try:
        if pressed is None:
            state = await desk.fetch_state()
        else:
            name, act = pressed
            try:
                state = await (desk.start(name) if act == START else desk.stop(name))
            except SandboxError as error:
                said = f"Not {'started' if act == START else 'stopped'}: {error}."
                state = await desk.fetch_state()
            else:
                log.info("scenario", name=name, act=act)
                said = tell_press(act, state.find(name), name, state, zone)
    except SandboxError as error:
        return Answer(build_silence(str(error)), said)
    if [scenario.name for scenario in state.scenarios] == list(standing):
        return Answer(dash.no_update, said, list_changes(state, zone))
    return Answer(build_list(state, zone), said)
