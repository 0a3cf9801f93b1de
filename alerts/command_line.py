"""`python -m control_room rules …`: check, test and list rules, write their schema.

Status 0 is well, 1 is a rule that is wrong or a test that fails, 2 is a mistake of the caller.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alerts.promtool import add_promtool

if TYPE_CHECKING:  # the program's other commands need not wait for what only rules need
    from alerts.ruleset import CompiledRule, RuleSet

RULES: Final = Path(__file__).parent / "rules"


def add_commands(parser: argparse.ArgumentParser) -> Any:
    """Put the commands under `rules`; each sets `command` to a function from options to a status.

    Returns:
        What further commands can be added to.
    """
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    for name, run, text in (
        ("check", _check, "read the rules and say everything that is wrong with them"),
        ("test", _test, "run the tests that the rules bring along"),
        ("list", _list, "every rule with its priority and what it watches"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("files", nargs="*", metavar="FILE", help="rule files or folders (default: alerts/rules)")
        command.set_defaults(command=run)
        if name == "test":
            command.add_argument("--rule", metavar="NAME", help="only the tests of this rule")
    text = "write the JSON Schema of rule files, for editors"
    commands.add_parser("schema", help=text, description=text).set_defaults(command=_schema)
    add_promtool(commands)
    return commands


def _check(options: argparse.Namespace) -> int:
    from alerts.rule_tests import list_gaps

    rules = _load(options.files)
    if isinstance(rules, int):
        return rules
    warnings = [
        f"{rule.file}:{rule.line}: {rule.name}: warning: {gap}" for rule in _all(rules) for gap in list_gaps(rule)
    ]
    for line in warnings:
        _say(line)
    _say(f"{_count(len(rules.rules), 'rule')}, no fault, {_count(len(warnings), 'warning')}")
    return 0


def _test(options: argparse.Namespace) -> int:
    from alerts.rule_tests import run_rule_test

    rules = _load(options.files)
    if isinstance(rules, int):
        return rules
    if options.rule is not None and options.rule not in rules.rules:
        return _mistake(f"there is no rule {options.rule}; `rules list` names them all")
    chosen = [rule for rule in _all(rules) if options.rule in (None, rule.name)]
    ran = failed = 0
    for rule in chosen:
        for number, test in enumerate(rule.rule.tests):
            ran += 1
            for line in run_rule_test(rules, rule, test):
                failed += 1
                _say(f"{rule.file}:{rule.test_lines[number]}: {rule.name}: {line}")
    _say(f"{_count(ran, 'test')} of {_count(len(chosen), 'rule')}, {failed or 'none'} failed")
    return 1 if failed else 0


def _list(options: argparse.Namespace) -> int:
    rules = _load(options.files)
    if isinstance(rules, int):
        return rules
    width = max((len(name) for name in rules.rules), default=0)
    for rule in _all(rules):
        off = "" if rule.rule.enabled else "  (not enabled)"
        _say(f"{rule.name:{width}}  {rule.rule.priority:7}  {rule.kind.name:12}  {rule.rule.title}{off}")
    return 0


def _schema(_: argparse.Namespace) -> int:
    from alerts.rule_schema import SCHEMA_FILE, write_schema

    write_schema()
    _say(str(SCHEMA_FILE))
    return 0


def _load(named: Sequence[str]) -> RuleSet | int:
    """The rules of these files and folders; the command's status where there is no use in going on, which was told."""
    from alerts.ruleset import RuleFileError, load_rule_files, load_rules

    files: list[Path] = []
    for name in named:
        path = Path(name)
        if not path.exists():
            return _mistake(f"{name}: there is no such file or folder")
        files += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    try:
        return load_rule_files(files) if named else load_rules(_short(RULES))
    except RuleFileError as error:
        sys.stderr.write(f"{error}\n{_count(len(error.faults), 'fault')}\n")
        return 1


def _short(path: Path) -> Path:
    """As the caller would write it, where it lies below."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _all(rules: RuleSet) -> Iterable[CompiledRule]:
    return rules.rules.values()


def _mistake(what: str) -> int:
    sys.stderr.write(f"control-room: {what}\n")
    return 2


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _say(line: Any) -> None:
    sys.stdout.write(f"{line}\n")
