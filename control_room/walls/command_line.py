"""`python -m control_room walls …`: check a file of walls, and write its JSON Schema.

Status 0 is well, 2 is a file that cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from control_room.walls.wall import EMPTY, MAP, Wall
from control_room.walls.wall_file import DEFAULT_FILE, SCHEMA_FILE, WallFileError, build_schema, load_walls

# Panels are made for a column of 26 rem; in less than this their tables have no room (docs/adding-a-panel.md).
NARROWEST_REM: Final = 22.0
DESK_REM: Final = 116.0  # across, where no screen is given: 0.86 % of the width each (assets/30-base.css)

Vw = Callable[[float, float], float]


@dataclass(frozen=True)
class Known:
    """What a file may name, and how text is sized.

    Attributes:
        root_vw: width in mm and farthest seat in m -> root size in per cent of the width.
    """

    panels: frozenset[str]
    layers: frozenset[str]
    root_vw: Vw


def add_commands(parser: argparse.ArgumentParser, find_known: Callable[[], Known]) -> None:
    """Put the commands under `walls`; each sets `command` to a function from options to a status."""
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    text = "read a file of walls and say everything that is wrong with it"
    check = commands.add_parser("check", help=text, description=text)
    file_help = "default: the one that comes with the program"
    check.add_argument("file", metavar="FILE", nargs="?", default=str(DEFAULT_FILE), help=file_help)
    check.set_defaults(command=lambda options: _check(Path(options.file), find_known()))
    text = "write the JSON Schema of the file, for editors"
    schema = commands.add_parser("schema", help=text, description=text)
    schema.set_defaults(command=lambda _: _write_schema())


def _check(path: Path, known: Known) -> int:
    try:
        walls = load_walls(path, known.panels, known.layers)
    except WallFileError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for number, wall in enumerate(walls):
        sys.stdout.write("".join(f"{line}\n" for line in describe(wall, number == 0, known.root_vw)))
    return 0


def describe(wall: Wall, first: bool, root_vw: Vw) -> list[str]:
    """What hangs where, how large its text is, and what will be tight, a line each."""
    across = DESK_REM if wall.screen is None else 100 / root_vw(wall.screen.width_mm, wall.screen.farthest_m)
    size = (
        "sized as for a desk"
        if wall.screen is None
        else f"{across:.0f} rem across, read from {wall.screen.farthest_m:g} m"
    )
    round_s = sum(page.stay_s or wall.stay_s for page in wall.pages)
    where = f"/wall/{wall.name}" + (" and /wall" if first else "")
    pages = f"{len(wall.pages)} page{'' if len(wall.pages) == 1 else 's'}"
    lines = [f"{where}: {pages}, round in {round_s:.0f} s, {size}"]
    for page in wall.pages:
        columns = len(page.lines[0])
        for name in page.shown:
            cell_rem = across * max(line.count(name) for line in page.lines) / columns
            if name not in (MAP, EMPTY) and cell_rem < NARROWEST_REM:
                lines.append(
                    f"  warning: page {page.name}: {name} has {cell_rem:.0f} rem; panels need {NARROWEST_REM:.0f}"
                )
    if not any("alarms" in page.shown for page in wall.pages):
        lines.append(
            "  warning: no page shows alarms: a new one stops the page that is shown, and is told in its foot only"
        )
    return lines


def _write_schema() -> int:
    SCHEMA_FILE.write_text(build_schema(), encoding="utf-8")
    sys.stdout.write(f"{SCHEMA_FILE}\n")
    return 0
