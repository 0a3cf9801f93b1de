"""`python -m control_room experience content check`: are the public screens' files well, and is anything out of date?

Status 0 is well, 1 is something out of date, 2 is files with faults.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

# What checks is imported when something is checked: this module is read whenever any command is given.
if TYPE_CHECKING:
    from control_room.city import City
    from control_room.public.content.content import Content


def add_commands(commands: Any, find_city: Callable[[str | None], City], now: Callable[[], datetime]) -> None:
    """Put `content` under a parser's commands; it sets `command` to a function from options to a status.

    Args:
        find_city: the city of a name or folder, or of the settings where none is given.
        now: the moment, with its zone.
    """
    text = "the stories, figures, questions and drawings that the public screens tell"
    content = commands.add_parser("content", help=text, description=text)
    inner = content.add_subparsers(required=True, metavar="WHAT")
    text = "read all files of content and say everything that is wrong with them, or out of date"
    check = inner.add_parser("check", help=text, description=text)
    check.add_argument("folder", metavar="FOLDER", nargs="?", help="default: the one that comes with the program")
    check.add_argument(
        "--city", default=None, metavar="VALUE", help="name or folder of the city (default: the setting)"
    )
    check.add_argument("--on", type=_day, default=None, metavar="DAY", help="as if today were that day: 2027-06-30")
    check.set_defaults(command=lambda options: _check(options, find_city, now))


def _check(options: argparse.Namespace, find_city: Callable[[str | None], City], now: Callable[[], datetime]) -> int:
    from control_room.public.content.check import describe_due, list_due
    from control_room.public.content.content import find_folder, read_content
    from control_room.public.words.catalogue import CatalogueError, list_plain_faults, load_catalogues, read_files

    city = find_city(options.city)
    folder = Path(options.folder) if options.folder else find_folder(city)
    if not folder.is_dir():
        sys.stderr.write(f"{folder}: is no folder; give the one that holds figures.yaml and stories\n")
        return 2
    try:
        catalogues = load_catalogues()
        words = [(f"{language}.yaml", line, what) for language, line, what in list_plain_faults(read_files())]
    except CatalogueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    content, faults = read_content(city, folder)
    if words or faults:
        sys.stderr.write("".join(f"{file}:{line}: {what}\n" for file, line, what in [*words, *faults]))
        return 2
    lines = describe_due(list_due(content, options.on or now().astimezone(city.zone).date()))
    sys.stdout.write("".join(f"{line}\n" for line in [_describe(content, list(catalogues)), *lines]))
    return 1 if any(line.startswith("out of date") for line in lines) else 0


def _describe(content: Content, languages: list[str]) -> str:
    return (
        f"{len(content.stories)} stories, {len(content.figures)} figures, {len(content.how)} explained pictures, "
        f"{len(content.questions)} questions, in {' and '.join(languages)}"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day; write it like 2027-06-30") from None
