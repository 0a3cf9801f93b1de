"""The admin screen of the sandbox: its scenarios, what runs now, and what is set by hand.

For who trains operators. The list comes by a callback (`callbacks/sandbox.py`),
because the sandbox must be asked first; ids that it writes to are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dash import dcc, html
from dash.development.base_component import Component

from control_room.sandbox_desk import Running, Scenario, State, Step, time_left
from layouts.formats import format_reason
from layouts.panel import View
from layouts.parts.symbol import symbol
from layouts.screens.frame import build_frame, build_scroll

LIST, SAID, TICK = "scenario-list", "scenario-said", "scenario-tick"
NOW, FAULTS = "scenario-now", "scenario-faults"
CARD, BUTTON, WHEN, STEPS = "scenario-card", "scenario-button", "scenario-when", "scenario-steps"
START, STOP = "start", "stop"

Id = str | dict[str, str]

# Steps and faults come and go by the sandbox's clock, so the list is asked for anew so often.
RENEWED_EVERY_S = 5


def build_admin_sandbox(view: View, settings: Mapping[str, Any]) -> Component:
    """The screen `/admin/sandbox`, without what only the sandbox knows."""
    middle = build_scroll(
        [
            html.P(
                "Each scenario is a story that the simulated city plays: to train operators and to rehearse. "
                "Every screen of this control room shows it, marked SANDBOX. Nothing here reaches the real city.",
                className="scenario-about",
            ),
            html.P(id=SAID, role="status", className="scenario-said"),
            html.Div(html.P("Asking the sandbox what it offers.", className="calm"), id=LIST),
            html.P([html.A("To the map", href="/wall"), html.A("To the feeds", href="/feeds")], className="ways"),
            dcc.Interval(id=TICK, interval=RENEWED_EVERY_S * 1000),
        ],
        "Scenarios",
    )
    return build_frame(view, settings, middle, name="admin", title="Scenarios of the sandbox", style="wall-admin")


def build_silence(reason: str) -> list[Component]:
    """What stands in the list's place when the sandbox does not answer: no state is shown that may be old."""
    return [
        html.Div(
            [
                html.H2([symbol("failing"), "The sandbox does not answer"]),
                html.P(f"{reason[:1].upper()}{reason[1:]}."),
                html.P("What runs is not known. This page goes on asking."),
            ],
            className="scenario-silence",
        )
    ]


def build_list(state: State, zone: ZoneInfo) -> list[Component]:
    """What runs now, then every scenario."""
    changing = {_name(name): props for name, props in list_changes(state, zone)}
    return [
        html.Section(
            [
                html.H2("Now"),
                html.Div(id=NOW, className="scenario-now", **changing[NOW]),
                html.Div(id=FAULTS, className="scenario-faults", **changing[FAULTS]),
            ],
            className="scenario-top",
        ),
        html.H2("Scenarios"),
        html.Div([_build_scenario(s, changing) for s in state.scenarios], className="scenarios"),
    ]


def list_changes(state: State, zone: ZoneInfo) -> list[tuple[Id, dict[str, Any]]]:
    """All that the passing of time and a press change on the page: ids and their properties.

    A list that stands is changed by these and not made anew: else whoever is at a
    button would lose it every few seconds, and what was unfolded would fold.
    """
    changes: list[tuple[Id, dict[str, Any]]] = [
        (NOW, {"children": _sum_up(state, zone)}),
        (FAULTS, {"children": _build_faults(state)}),
    ]
    for scenario in state.scenarios:
        running = scenario.running
        act = STOP if running else START
        holding = running.steps if running else ()
        steps = [_build_step(step, n in holding) for n, step in enumerate(scenario.steps)]
        parts: dict[str, dict[str, Any]] = {
            CARD: {"className": "scenario is-running" if running else "scenario"},
            BUTTON: {
                "children": act.capitalize(),
                # Sent back with the press: who presses "Stop" a moment after the end must not start it anew.
                "value": act,
                "className": f"scenario-button is-{act}",
                "aria-label": f"{act.capitalize()}: {scenario.title}",
            },
            WHEN: {"children": _tell_running(running, state, zone) if running else _tell_length(scenario)},
            STEPS: {"children": steps},
        }
        changes += [({"type": part, "name": scenario.name}, props) for part, props in parts.items()]
    return changes


def _name(name: Id) -> str:
    return name if isinstance(name, str) else f"{name['type']} {name['name']}"


def _sum_up(state: State, zone: ZoneInfo) -> list[Component]:
    """The moment that this was true, and a line for each scenario that runs."""
    pace = (
        "" if state.rate == 1 else f", {state.rate:g} times as fast as ours" if state.rate else ", which stands still"
    )
    when = html.Span(f"At {_clock(state.city_time, zone)} by the city's clock{pace}: ", className="reason")
    running = [(scenario, scenario.running) for scenario in state.scenarios if scenario.running]
    what = (
        f"{len(running)} of {len(state.scenarios)} scenarios running."
        if running
        else "an ordinary day, no scenario runs."
    )
    lines = [
        html.Li([html.B(scenario.title), f" since {_clock(run.started_at, zone)}. {_tell_steps(scenario, run, state)}"])
        for scenario, run in running
    ]
    return [html.P([when, what]), html.Ul(lines)]


def _tell_steps(scenario: Scenario, running: Running, state: State) -> str:
    """What it does now, else what comes next."""
    if running.steps:
        return f"Now: {'; '.join(scenario.steps[n].words for n in running.steps if n < len(scenario.steps))}."
    passed_s = (state.city_time - running.started_at).total_seconds()
    coming = [step for step in scenario.steps if step.after_s > passed_s]
    if not coming:
        return "All its steps are over."
    first = min(coming, key=lambda step: step.after_s)
    return f"In {format_length(first.after_s - passed_s)}: {first.words}."


def _build_faults(state: State) -> Component:
    """Faults of the exchange that hold: those that somebody set by hand, then those of scenarios."""
    items = [
        html.Li([html.B(_fault_words(f.fault)), f" on {f.path}, set by hand, for {format_length(f.left_s)} more"])
        for f in state.faults
    ]
    for scenario in state.scenarios:
        for number in scenario.running.steps if scenario.running else ():
            step = scenario.steps[number] if number < len(scenario.steps) else None
            if step is not None and step.fault is not None:
                items.append(html.Li([html.B(_fault_words(step.fault)), f" on {step.path}, by “{scenario.title}”"]))
    if not items:
        return html.P("No fault of the exchange holds.", className="calm")
    return html.Div([html.P("Faults of the exchange that hold:"), html.Ul(items)])


def _fault_words(fault: str) -> str:
    return f"error {fault}" if fault.isdigit() else format_reason(fault)


def _build_scenario(scenario: Scenario, changing: Mapping[str, dict[str, Any]]) -> Component:
    heading = f"scenario-{scenario.name}"

    def part(kind: str) -> dict[str, Any]:
        name = {"type": kind, "name": scenario.name}
        return {"id": name, **changing[_name(name)]}

    return html.Article(
        [
            html.Div([html.H3(scenario.title, id=heading), html.Button(**part(BUTTON))], className="scenario-head"),
            html.P(className="scenario-when", **part(WHEN)),
            html.P(scenario.words),
            html.Ol(className="scenario-steps", **part(STEPS), **{"aria-label": "Steps"}),
            html.Details(
                [
                    html.Summary("What a good operator sees and does"),
                    html.H4("Sees"),
                    html.Ul([html.Li(line) for line in scenario.operator_sees]),
                    html.H4("Does"),
                    html.Ol([html.Li(line) for line in scenario.operator_does]),
                ],
            ),
        ],
        **part(CARD),
        **{"aria-labelledby": heading},
    )


def _tell_running(running: Running, state: State, zone: ZoneInfo) -> list[Component | str]:
    since = state.city_time - running.started_at
    ago = f", {format_length(since.total_seconds())} ago" if since >= timedelta() else ""
    left = format_length(time_left(running, state.city_time).total_seconds())
    return [
        html.B("Running"),
        f" since {_clock(running.started_at, zone)}{ago}. Ends at {_clock(running.ends_at, zone)}, in {left}.",
    ]


def _tell_length(scenario: Scenario) -> str:
    return f"Takes {format_length(scenario.duration_s)} of the city's time."


def _build_step(step: Step, holds: bool) -> Component:
    when = f"{format_length(step.after_s)} in" if step.after_s else "at once"
    words = [html.B("Now: "), step.words] if holds else step.words
    return html.Li(
        [html.Span(words), html.Span(f"{when}, for {format_length(step.for_s)}", className="step-when")],
        className="is-now" if holds else "",
        **({"aria-current": "step"} if holds else {}),
    )


def tell_press(act: str, scenario: Scenario | None, name: str, state: State, zone: ZoneInfo) -> str:
    """What the status line says after a press that the sandbox followed."""
    word = "Started" if act == START else "Stopped"
    return f"{word} at {_clock(state.city_time, zone)}: {scenario.title if scenario else name}."


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%H:%M:%S")


def format_length(seconds: float) -> str:
    """45 s, 12 min, 2 h 5 min; whole minutes from two minutes on, rounded down."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
