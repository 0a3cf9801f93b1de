"""Every setting: one table of name, default, unit and help.

A setting is read from the command line (`--port 8050`), else from the
environment (`CONTROL_ROOM_PORT`), else it is the default. `docs/settings.md`
is generated from this table and a test keeps it current.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "CONTROL_ROOM_"


class SettingError(Exception):
    """A setting cannot be used; the text says which, its value and what to do."""


@dataclass(frozen=True)
class Setting:
    """One setting; its default also says its type."""

    name: str
    default: str | int | float | bool
    help: str
    unit: str = ""

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    def read(self, text: str) -> Any:
        """The value that this text means.

        Raises:
            SettingError: the text is not of the setting's type.
        """
        try:
            if isinstance(self.default, bool):
                return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
            return type(self.default)(text)
        except (ValueError, KeyError) as error:
            kind = "yes or no" if isinstance(self.default, bool) else type(self.default).__name__
            raise SettingError(
                f"{self.flag} / {self.variable}: {text!r} is not a value for it; it takes {kind}"
            ) from error


SETTINGS: tuple[Setting, ...] = (
    Setting("data", "data", "folder of the database and files; made if absent"),
    Setting(
        "host", "127.0.0.1", "address to listen on; anything but loopback needs --open-demo, as there is no sign-in yet"
    ),
    Setting("port", 8050, "port to listen on; 0 takes a free one"),
    Setting("public_host", "", "further host names the dashboard is reached by, separated by commas"),
    Setting("open_demo", False, "let anybody who can reach the port see the staff screens (demonstrations only)"),
    Setting("city", "milton_keynes", "folder of city facts: a name under control_room/city or a path"),
    Setting(
        "database",
        "",
        "URL of a PostgreSQL database for history, which gets every event of the alarm journal as well; none keeps both in --data alone",
    ),
    Setting("rules", "", "folder of alarm rules; none takes those that come with the program (alerts/rules)"),
    Setting("notify", "", "YAML file of who is told of alarms (docs/notifications.md); none tells nobody"),
    Setting("daily_to", "", "YAML file of who gets the summary by e-mail (docs/summary-facts.md); none sends none"),
    Setting("journal_days", 400, "how long the journal of alarms is kept; 0 is for ever", "days"),
    Setting(
        "shifts",
        "Day 07:00, Night 19:00",
        "names of the shifts and when each begins, by the city's clock (docs/handover.md)",
    ),
    Setting(
        "handover_days",
        400,
        "how long handovers and notes are kept after they ended, what people wrote included; 0 is for ever",
        "days",
    ),
    Setting(
        "operators", 1, "people who answer alarms at the same time; the figures of /alarms/health are per operator"
    ),
    Setting(
        "blackbox_hours",
        72.0,
        "how long what the screens showed is kept, vehicle positions included; 0 records nothing (docs/timeline.md)",
        "hours",
    ),
    Setting("blackbox_max_mb", 6000, "black box kept at most; the oldest hours go first", "MB"),
    Setting("record", False, "keep the raw answers of all feeds under DATA/recordings"),
    Setting("record_max_mb", 500, "recording kept per feed; the oldest hours go first", "MB"),
    Setting(
        "tiles", "", "URL template of an online raster base map under ours, e.g. https://tiles.example/{z}/{x}/{y}.png"
    ),
    Setting("tiles_attribution", "", "credit line of those tiles"),
    Setting("mbtiles", "", "raster MBTiles file served as base map under ours"),
    Setting("walls", "", "YAML file of the walls (docs/walls.md); none takes those that come with the program"),
    Setting(
        "redis",
        "",
        "URL of a Redis to which the public states are published as well (docs/experience.md); none publishes nothing",
    ),
    Setting(
        "experience_port",
        8060,
        "port of the public screens' own process (`experience`); 0 takes a free one. With `run` it starts that process "
        "as well, where it is given",
    ),
    Setting(
        "experience_from",
        "http://127.0.0.1:8050/public/stream",
        "where that process gets the public states: the dashboard's public stream, or redis://…",
    ),
    Setting("frame_gap_ms", 100, "mean time between frames when more answers come; those that wait share one", "ms"),
    Setting("log_json", False, "write the log as one JSON object a line"),
)


def read_settings(given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Every setting's value.

    Args:
        given: values from the command line; None or absent is not given.
        environment: defaults to the process's own.

    Raises:
        SettingError: a variable's text is not of the setting's type.
    """
    source = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        value = given.get(setting.name)
        if value is None and setting.variable in source:
            value = setting.read(source[setting.variable])
        values[setting.name] = setting.default if value is None else value
    return values


def is_given(name: str, given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> bool:
    """Whether somebody named a value, on the command line or in the environment; what they named may be the default."""
    source = os.environ if environment is None else environment
    return given.get(name) is not None or PREFIX + name.upper() in source


def describe_settings() -> str:
    """The page docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Made from `control_room/settings.py` by `make docs`; do not edit. The command line wins over the environment,",
        "the environment over the default.",
        "",
        "| flag | environment | default | unit | what it does |",
        "|---|---|---|---|---|",
    ]
    for s in SETTINGS:
        default = f"`{s.default}`" if s.default != "" else "none"
        lines.append(f"| `{s.flag}` | `{s.variable}` | {default} | {s.unit} | {s.help} |")
    return "\n".join(lines) + "\n"


def data_folder(path: str) -> Path:
    """The data folder, made if absent.

    Raises:
        SettingError: it cannot be made or written.
    """
    folder = Path(path).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise SettingError(f"--data {path}: cannot be written: {error.strerror}; name a folder you own") from error
    return folder
