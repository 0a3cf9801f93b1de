"""`python -m control_room notify …`: check the notification settings, and try a recipient.

Status 0 is well, 1 is a recipient who was not reached, 2 is a mistake of the caller.
"""

from __future__ import annotations

import argparse
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.rule_faults import near

if TYPE_CHECKING:
    from alerts.notify.settings import NotifySettings


def add_commands(parser: argparse.ArgumentParser, default_file: str) -> None:
    """Put the commands under `notify`; each sets `command` to a function from options to a status."""
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    for name, run, text in (
        ("check", _check, "read the notification settings and say everything that is wrong with them"),
        ("test", _test, "send a test message to one recipient by all of their channels"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--notify", metavar="FILE", default=default_file, help="default: CONTROL_ROOM_NOTIFY")
        command.set_defaults(command=run)
        if name == "test":
            command.add_argument("recipient", metavar="RECIPIENT", help="name in the file")


def _check(options: argparse.Namespace) -> int:
    settings = _load(options.notify)
    if settings is None:
        return 2
    for name in settings.names:
        ways = ", ".join(way.channel for way in settings.list_ways(name))
        routes = sum(name in route.to for route in settings.routes)
        _say(f"{name}: {ways}; {routes} route{'' if routes == 1 else 's'}")
    for name in _escalated_to() - set(settings.names):
        _say(f"warning: rules escalate to {name}, who is no recipient here")
    return 0


def _test(options: argparse.Namespace) -> int:
    from alerts.notify.message import build_test
    from alerts.notify.sender import SendFailed

    settings = _load(options.notify)
    if settings is None:
        return 2
    ways = settings.list_ways(options.recipient)
    if not ways:
        known = near(options.recipient, settings.names) or f"; there are: {', '.join(settings.names)}"
        return _mistake(f"{options.notify}: there is no recipient {options.recipient}{known}")
    message = build_test(settings.screen, datetime.now(UTC), ZoneInfo("Europe/London"))
    status = 0
    for way in ways:
        try:
            way.build_sender().send(message, uuid.uuid4().hex, repeated=False)
        except SendFailed as error:
            status = 1
            _say(f"{way.name} by {way.channel}: not sent: {error}")
        else:
            _say(f"{way.name} by {way.channel}: sent")
    return status


def _escalated_to() -> set[str]:
    from alerts.command_line import RULES
    from alerts.ruleset import RuleFileError, load_rules

    try:
        rules = load_rules(RULES)
    except RuleFileError as error:
        rules = error.usable
    return {step.to for compiled in rules.rules.values() for step in compiled.rule.escalate}


def _load(file: str) -> NotifySettings | None:
    """The settings; None where they cannot be used, which was told."""
    from alerts.notify.settings import NotifyFileError, load_notify

    if not file:
        _mistake("name the file with --notify FILE, or in CONTROL_ROOM_NOTIFY")
        return None
    try:
        return load_notify(Path(file))
    except NotifyFileError as error:
        sys.stderr.write(f"{error}\n")
        return None


def _mistake(what: str) -> int:
    sys.stderr.write(f"control-room: {what}\n")
    return 2


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
