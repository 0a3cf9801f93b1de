"""docs/scenarios.md, made from the scenario files, so that the page is what runs."""

from __future__ import annotations

from feeds.sandbox.scenario import Scenario, list_scenarios

_HEAD = """# Scenarios of the sandbox

Made from `feeds/sandbox/scenarios/*.yaml`; change those, then run
`python -m feeds.sandbox scenario page > docs/scenarios.md`.

They train operators and test us: what an operator sees is checked, row by row and over real HTTP, in
`tests/feeds/sandbox/test_scenario_stories.py`. Everything in them is simulated and says SANDBOX. How they are started
and stopped: [sandbox.md](sandbox.md#scenarios).

| scenario | what happens | what the operator sees | what a good operator does |
|---|---|---|---|
"""

_TAIL = """
## Steps
Times count from the start of the scenario, by the city's clock. Effects are below.

{steps}
## Writing one
A scenario is a YAML file in `feeds/sandbox/scenarios/`, named by its file and found by being there. It is checked when
it is read; what is wrong is said with the file, the field and what to do. Its test is `test_the_operator_sees_<name>` in
`tests/feeds/sandbox/test_scenario_stories.py`; one that has none fails the tests.

    title: Snow
    words: What happens, for people.
    steps:
      - words: Roads are covered        # what this step is, for people
        after_s: 2700                   # city seconds after the start
        for_s: 5400
        effect: slow_roads              # one of those below, its parameters beside it
        speed_factor: 0.7
    operator_sees:                      # true, and tested to be true
      - Buses get later from minute to minute, on all routes at once.
    operator_does:
      - Ask bus operators what they run.

| effect | what it does | parameters |
|---|---|---|
| `cell_outage` | all sectors of sites of the private network are down; within `radius_m` of them there is no signal | `sites` (titles as in `/5g/cells.json` before the comma), `radius_m` (450) |
| `robots_stuck` | robots in a circle, or that come into it, stand and ask for help until the end | `latitude`, `longitude`, `radius_m` |
| `robots_recalled` | robots take no new orders; who is under way ends its trip and waits at its hub | |
| `slow_roads` | buses, shuttles and robots go slower; what is lost is made good afterwards | `speed_factor` (0.2 to 1) |
| `road_closed` | a road or a lane of it is closed: buses lose time there, and every feed of roads and buses tells of it | `road` (an unknown one is answered with those there are), `full` (true) |
| `rogue_drone` | the first drone that cruises long enough leaves its planned volume, aside and up, and comes back before it lands; where that way is its own line it goes square to it | `distance_m`, `bearing_deg`, `climb_m` (0) |
| `event` | people come to a venue: cells, buses, counters at doors, events, geozones, scooters and the tip all feel it | `venue`, `title`, `category`, `people` |
| `snow` | it is cold and snows at every weather station, comes and goes over twenty minutes; the air gets cleaner | `water_mm_h`, `temperature_c` |
| `reports` | residents report a matter so many times as often as usual at that hour | `service_code` (as in `/open311/v2/services.json`), `times` |
| `services_fail` | online processes or integrations fail | `names` (as in `/council/ngsi-ld/v1/entities`), `failing_share` |
| `calm` | no cell fails and no drone strays by lot | |
| `fault` | a fault of the wire ([sandbox.md](sandbox.md#faults)), by the city's clock | `path`, `fault`, `options` |

What is the city's own is felt by every supplier at once: effects are items of one overlay (`feeds/sandbox/overlay.py`)
that all twins ask (`City.happenings`). A new effect is a class in `feeds/sandbox/effects.py` and a row above.
"""


def render_page() -> str:
    """The whole page."""
    scenarios = list_scenarios()
    rows = "".join(map(_row, scenarios))
    return _HEAD + rows + _TAIL.replace("{steps}", "".join(map(_steps, scenarios)))


def _row(scenario: Scenario) -> str:
    cells = (
        f"**{_cell(scenario.title)}** (`{scenario.name}`, {_minutes(scenario.duration_s)})",
        _cell(scenario.words),
        "<br>".join(map(_cell, scenario.operator_sees)),
        "<br>".join(map(_cell, scenario.operator_does)),
    )
    return f"| {' | '.join(cells)} |\n"


def _steps(scenario: Scenario) -> str:
    lines = [
        f"- {_minutes(s.after_s)} to {_minutes(s.after_s + s.for_s)}: {s.words} (`{s.does.effect}`)"
        for s in scenario.steps
    ]
    return f"**{scenario.title}**\n\n" + "\n".join(lines) + "\n\n"


def _minutes(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
