"""What `/trends` shows of what was chosen, and again as time passes."""

from __future__ import annotations

from typing import Any

import dash
from dash import Input, Output

from control_room.access import OPERATOR, audiences_now
from control_room.trend_desk import NoTrend, TrendDesk, parse_wish
from layouts.screens.trends import KEYS, SHOWN, TICK, WISH, build_keys, build_silence, build_told


def register(app: dash.Dash, desk: TrendDesk, simulated: bool) -> None:
    """One callback: what is chosen or the passing of time in; the chart, and the list of whose value it is, out.

    Args:
        simulated: whether any of the city is made up; said beside the chart.
    """

    @app.callback(  # type: ignore[untyped-decorator]
        Output(SHOWN, "children"), Output(KEYS, "children"), Input(WISH, "data"), Input(TICK, "n_intervals")
    )
    async def show(wished: Any, _: Any) -> tuple[Any, Any]:
        return await answer(desk, wished, audiences_now.get(), simulated)


async def answer(desk: TrendDesk, wished: object, held: frozenset[str], simulated: bool) -> tuple[Any, Any]:
    """What stands in the chart's place, and in that of the list of keys.

    Any client can call any callback, so the audience is asked here, of the request and not of its content.

    Args:
        wished: `measure`, `key` and `span`; anything at all.
        held: audiences of who asks.
    """
    if OPERATOR not in held:
        return build_silence("Only operators may see trends"), dash.no_update
    said = wished if isinstance(wished, dict) else {}
    try:
        told = await desk.fetch(parse_wish(said.get("measure"), said.get("key"), said.get("span")))
    except NoTrend as error:
        return build_silence(str(error)), dash.no_update
    return build_told(told, desk.city.zone, simulated), build_keys(told.wish.measure.name, told.wish.key, told.keys)
