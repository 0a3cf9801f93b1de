"""Rules as they are loaded: every file is read and checked whole, every condition compiled.

A set is right or it is refused, with all faults of all files at once, each with
its line. At the start, when there is no older set to go on with, the rules that
are right can be used without those that are not (`RuleFileError.usable`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from alerts.alarm import PRIORITIES
from alerts.expressions import Condition, ExpressionError, compile_condition
from alerts.rule import Rule, RuleFile
from alerts.rule_faults import list_model_faults, near
from alerts.rule_file import Content, YamlFault, read_yaml
from alerts.rule_rows import check_test
from control_room.model import KINDS, Column, Kind

MAX_RULES: Final = 500

# Kinds that rules may watch. Not our own alarms, which would go in a ring; and not what only named
# people may see (crime), because an alarm is seen by all staff.
WATCHED: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        name: kind
        for name, kind in KINDS.items()
        if name != "alarm" and not any(c.audience.startswith("grant:") for c in kind.columns)
    }
)

_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

# What `when` and `clear` of a rule with `group` or `expect` speak of, beside the columns of the group.
_GROUP: Final = (
    Column("count", "number", "Rows of the group that meet the condition", unit="rows"),
    Column("total", "number", "Rows of the group of which that is known", unit="rows"),
    Column("share_percent", "number", "count as a share of total; unknown where total is 0", unit="%", decimals=1),
)
_EXPECT: Final = (
    Column("present", "flag", "Whether a row of that name is there"),
    Column("age_s", "number", "Age of its newest observation; unknown where there is none", unit="s"),
)


@dataclass(frozen=True, order=True, slots=True)
class Fault:
    """One thing wrong in a rule file. `rule` is empty where it is the file's."""

    file: str
    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule + ': ' if self.rule else ''}{self.what}"


class RuleFileError(Exception):
    """Rules are refused; the text lists every fault, one a line.

    Attributes:
        usable: the set without the rules that have one.
    """

    def __init__(self, faults: Iterable[Fault], usable: RuleSet) -> None:
        self.faults = tuple(sorted(faults))
        self.usable = usable
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, eq=False)
class CompiledRule:
    """A rule that can be evaluated.

    Attributes:
        system: what its file watches over, in words.
        file, line: where it is written.
        kind: of the rows it looks at.
        columns: of the rows that `when`, `clear`, `raises` and `maintenance` are asked of: those of the
            kind; with `group` the columns it is grouped by, count, total, share_percent and the sums;
            with `expect` its column, present and age_s.
        where: on rows of the kind; None is every row.
        clear: None is `not (when)`.
        raises: highest priority first.
        count: condition of `group`, on rows of the kind.
        maintenance: one for each window of the rule; None is every row.
        test_lines: where its tests are written.
    """

    rule: Rule
    system: str
    file: str
    line: int
    kind: Kind
    columns: Mapping[str, Column]
    when: Condition
    where: Condition | None = None
    clear: Condition | None = None
    raises: tuple[tuple[Condition, str], ...] = ()
    count: Condition | None = None
    maintenance: tuple[Condition | None, ...] = ()
    test_lines: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return self.rule.name

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All there are, on rows of either sort."""
        some = (self.when, self.clear, self.where, self.count, *(c for c, _ in self.raises), *self.maintenance)
        return tuple(c for c in some if c is not None)

    @property
    def row_conditions(self) -> tuple[Condition, ...]:
        """Those that are asked of rows of the kind."""
        if self.rule.group is None and self.rule.expect is None:
            return self.conditions
        return tuple(c for c in (self.where, self.count) if c is not None)

    @property
    def windows(self) -> frozenset[tuple[str, float]]:
        """History that a rule with `group` needs of its groups: (column, seconds). For `Memory.follow`."""
        asked = set(self.conditions) - set(self.row_conditions)
        return frozenset(window for condition in asked for window in condition.windows)

    @property
    def reads_age(self) -> bool:
        """Whether a condition asks for the age of rows, so that old ones are judged too."""
        return any(c.reads_age for c in self.conditions)


@dataclass(frozen=True, eq=False)
class RuleSet:
    """All rules, by name, in the order of their files.

    Attributes:
        digest: of the files' texts: the same digest is the same rules.
    """

    rules: Mapping[str, CompiledRule] = field(default_factory=dict)
    digest: str = ""

    def windows_of(self, kind: str) -> frozenset[tuple[str, float]]:
        """History that conditions on rows of that kind need: (column, seconds). For `Memory.follow`."""
        return frozenset(w for c in self._asked_of(kind) for w in c.windows)

    def zones_of(self, kind: str) -> frozenset[str]:
        """Zones whose borders conditions on rows of that kind watch. For `Memory.follow`."""
        return frozenset(zone for c in self._asked_of(kind) for zone, _ in c.crossings)

    def _asked_of(self, kind: str) -> list[Condition]:
        return [c for r in self.rules.values() if r.kind.name == kind for c in r.row_conditions]


def load_rules(folder: Path) -> RuleSet:
    """The rules of all `*.yaml` in a folder.

    Raises:
        RuleFileError: with every fault of every file.
    """
    return load_rule_files(sorted(folder.glob("*.yaml"))) if folder.is_dir() else read_rules({}, missing=str(folder))


def load_rule_files(files: Iterable[Path]) -> RuleSet:
    """The rules of these files, as one set.

    Raises:
        RuleFileError: with every fault of every file.
    """
    texts: dict[str, str | Fault] = {}
    for file in files:
        try:
            texts[str(file)] = file.read_bytes().decode("utf-8")
        except OSError as error:
            texts[str(file)] = Fault(str(file), 1, "", f"cannot be read: {error.strerror}")
        except UnicodeDecodeError as error:
            texts[str(file)] = Fault(str(file), 1, "", f"is not UTF-8 (byte {error.start + 1}); save it as UTF-8")
    return read_rules(texts)


def read_rules(texts: Mapping[str, str | Fault], missing: str = "") -> RuleSet:
    """The rules of files that were read: name -> text, or what was wrong with it.

    Raises:
        RuleFileError: with every fault of every file.
    """
    faults: list[Fault] = [Fault(missing, 1, "", "is no folder; rules are read from *.yaml in it")] if missing else []
    compiled: dict[str, CompiledRule] = {}
    for name, text in texts.items():
        if isinstance(text, Fault):
            faults.append(text)
            continue
        for rule in _read_file(name, text, faults):
            if (first := compiled.get(rule.name)) is not None:
                faults.append(
                    Fault(name, rule.line, rule.name, f"the name is used twice, first in {first.file}:{first.line}")
                )
                continue
            compiled[rule.name] = rule
    if len(compiled) > MAX_RULES:
        faults.append(Fault(next(iter(texts)), 1, "", f"there are {len(compiled)} rules; at most {MAX_RULES} are read"))
    _check_inhibitions(compiled, faults)
    digest = hashlib.sha256(repr(sorted((n, str(t)) for n, t in texts.items())).encode()).hexdigest()[:16]
    if faults:
        wrong = {(f.file, f.rule) for f in faults}
        usable = {n: r for n, r in compiled.items() if (r.file, n) not in wrong}
        # A rule that is explained away by one that is not there could not be judged as it was meant: it stays out too.
        while short := [n for n, r in usable.items() if any(i.rule not in usable for i in r.rule.inhibited_by)]:
            for name in short:
                del usable[name]
        raise RuleFileError(faults, RuleSet(MappingProxyType(usable), f"{digest}-part"))
    return RuleSet(MappingProxyType(compiled), digest)


def _read_file(file: str, text: str, faults: list[Fault]) -> list[CompiledRule]:
    """The rules of one file that are right in themselves; what is wrong with the others goes to `faults`."""
    try:
        content = read_yaml(text)
    except YamlFault as error:
        faults.append(Fault(file, error.line, "", error.what))
        return []
    twice = content.faults
    data = content.data
    if not isinstance(data, dict):
        faults.extend(Fault(file, line, "", what) for line, what in twice)
        faults.append(Fault(file, 1, "", "needs `system:` and a list under `rules:`"))
        return []
    for what, path in list_model_faults(RuleFile, {**data, "rules": []}, ()):
        faults.append(Fault(file, content.line_of(path), "", what))
    items = data.get("rules")
    if not isinstance(items, list):
        faults.extend(Fault(file, line, "", what) for line, what in twice)
        faults.append(
            Fault(file, content.line_of(("rules",)), "", "needs a list under `rules:`, each item with a `- `")
        )
        return []
    compiled = []
    for number, item in enumerate(items):
        name = str(item["name"]) if isinstance(item, dict) and item.get("name") else f"rule number {number + 1}"
        line, end = content.line_of(("rules", number)), content.line_of(("rules", number + 1))
        own = [(at, what) for at, what in twice if line <= at < (end if end > line else at + 1)]
        twice = [fault for fault in twice if fault not in own]
        found = [Fault(file, at, name, what) for at, what in own]
        rule = _read_rule(file, str(data.get("system") or ""), content, number, item, name, found)
        faults.extend(found)
        if rule is not None and not found:
            compiled.append(rule)
    faults.extend(Fault(file, line, "", what) for line, what in twice)
    return compiled


def _read_rule(
    file: str, system: str, content: Content, number: int, item: Any, name: str, faults: list[Fault]
) -> CompiledRule | None:
    base = ("rules", number)
    wrong = list(list_model_faults(Rule, item, base))
    for what, path in wrong:
        faults.append(Fault(file, content.line_of(path), name, what))

    def say(what: str, *path: str | int) -> None:
        faults.append(Fault(file, content.line_of((*base, *path)), name, what))

    rule = _without_faults(item, {path[len(base)] for _, path in wrong if len(path) > len(base)}) if wrong else item
    if rule is None:
        return None
    compiled = compile_rule(Rule.model_validate(rule), system, file, content.line_of(base), say)
    if wrong or compiled is None:
        return None
    lines = tuple(content.line_of((*base, "tests", n)) for n in range(len(compiled.rule.tests)))
    return replace(compiled, test_lines=lines)


# Stand in for fields that are wrong, so that the others can be checked in the same run.
_FILLED_IN: Final = {
    "name": "some_rule",
    "title": "title",
    "when": "true",
    "priority": "low",
    "reason": "to be written",
    "owner": "to be written",
    "cause": "to be written",
    "consequence": "to be written",
    "action": "to be written",
    "respond_within": 60,
}


def _without_faults(item: Any, wrong: set[str | int]) -> dict[str, Any] | None:
    """The rule without its wrong fields; None where then too little is left to check."""
    if not isinstance(item, dict) or wrong & {"kind", "group", "expect"}:
        return None
    rest = {**_FILLED_IN, **{name: value for name, value in item.items() if name not in wrong}}
    try:
        Rule.model_validate(rest)
    except ValidationError:
        return None
    return rest


Say = Callable[..., None]


def compile_rule(
    rule: Rule, system: str, file: str, line: int, say: Say, kinds: Mapping[str, Kind] = WATCHED
) -> CompiledRule | None:
    """The rule with its conditions compiled and its columns found.

    Args:
        kinds: that it may watch, by name.
        say: told of every fault: what, and the path of the field in the rule.

    Returns:
        None where it cannot be evaluated; `say` was told why.
    """
    kind = kinds.get(rule.kind)
    if kind is None:
        say(_no_kind(rule.kind), "kind")
        return None
    columns = _judged_columns(rule, kind, say)
    followed = rule.expect is None

    def build(text: str, *path: str | int, of_row: bool = False) -> Condition | None:
        on = kind.by_name if of_row else columns
        try:
            return compile_condition(text, on, history=of_row or followed)
        except ExpressionError as error:
            say(f"{'.'.join(map(str, path))}: {error}", *path)
            return None

    when = build(rule.when, "when")
    where = build(rule.where, "where", of_row=True) if rule.where else None
    clear = build(rule.clear, "clear") if rule.clear else None
    count = build(rule.group.count, "group", "count", of_row=True) if rule.group else None
    raises = []
    for number, worse in enumerate(rule.raises):
        condition = build(worse.when, "raises", number, "when")
        if PRIORITIES.index(worse.priority) >= PRIORITIES.index(rule.priority):
            say(f"raises to {worse.priority}, which is not above {rule.priority}", "raises", number, "priority")
        if condition is not None:
            raises.append((condition, worse.priority))
    raises.sort(key=lambda pair: PRIORITIES.index(pair[1]))
    maintenance = tuple(
        build(m.where, "maintenance", n, "where") if m.where else None for n, m in enumerate(rule.maintenance)
    )
    _check_columns(rule, columns, say)
    for number, test in enumerate(rule.tests):
        for what, path in check_test(rule, kind, test):
            say(f"test {test.name!r}: {what}", "tests", number, *path)
    if when is None:
        return None
    return CompiledRule(rule, system, file, line, kind, columns, when, where, clear, tuple(raises), count, maintenance)


def _judged_columns(rule: Rule, kind: Kind, say: Say) -> Mapping[str, Column]:
    """Columns of what the alarm's condition is asked of; see `CompiledRule.columns`."""
    if rule.expect is not None:
        column = kind.by_name.get(rule.expect.column)
        if column is None or column.type not in {"text", "choice"}:
            say(_no_column(rule.expect.column, kind.by_name, "that holds names"), "expect", "column")
        if len(set(rule.expect.values)) < len(rule.expect.values):
            say("a name is expected twice", "expect", "values")
        own = (column,) if column is not None else ()
        return MappingProxyType({c.name: c for c in (*own, *_EXPECT)})
    if rule.group is None:
        return kind.by_name
    made: dict[str, Column] = {}
    for name in rule.group.by:
        column = kind.by_name.get(name)
        if column is None or column.type not in {"text", "choice", "flag"}:
            say(_no_column(name, kind.by_name, "that rows can be grouped by"), "group", "by")
        else:
            made[name] = column
    made.update({c.name: c for c in _GROUP})
    for name, source in rule.group.sums.items():
        column = kind.by_name.get(source)
        if column is None or column.type != "number":
            say(_no_column(source, kind.by_name, "of numbers"), "group", "sums", name)
        elif name in made or name in {"true", "false", "age_s", "weekday", "hour_of_day"} or not _NAME.fullmatch(name):
            say(f"a sum cannot be called {name}; take another name of small letters", "group", "sums", name)
        else:
            made[name] = Column(name, "number", f"Sum of {source}", unit=column.unit, decimals=column.decimals)
    return MappingProxyType(made)


def _check_columns(rule: Rule, columns: Mapping[str, Column], say: Say) -> None:
    """Everything that names a column outside of conditions."""
    for part, text in (("title", rule.title), ("screen", rule.screen)):
        for name in _FIELD.findall(text):
            if name not in columns:
                say(f"{part}: {_no_column(name, columns)}", part)
        if "{" in _FIELD.sub("", text) or "}" in _FIELD.sub("", text):
            say(f"{part}: a brace is not closed; a column is written {{column}}", part)
    for name in rule.group_by:
        if name not in columns:
            say(_no_column(name, columns), "group_by")


def _check_inhibitions(rules: Mapping[str, CompiledRule], faults: list[Fault]) -> None:
    for rule in rules.values():
        for inhibit in rule.rule.inhibited_by:
            other = rules.get(inhibit.rule)
            if other is None:
                what = f"inhibited_by: there is no rule {inhibit.rule}{near(inhibit.rule, rules)}"
                faults.append(Fault(rule.file, rule.line, rule.name, what))
                continue
            for side, names in ((rule, inhibit.own), (other, inhibit.others)):
                for name in names:
                    if name not in side.columns:
                        what = f"inhibited_by {inhibit.rule}: {_no_column(name, side.columns)} (in {side.name})"
                        faults.append(Fault(rule.file, rule.line, rule.name, what))
    for name in rules:
        if ring := _find_ring(rules, name):
            what = f"inhibited_by goes in a ring: {' by '.join(ring)}"
            faults.append(Fault(rules[name].file, rules[name].line, name, what))


def _find_ring(rules: Mapping[str, CompiledRule], start: str) -> list[str]:
    """A way from a rule back to itself; empty where there is none."""
    came_from: dict[str, str] = {}
    todo = [start]
    while todo:
        name = todo.pop()
        for inhibit in rules[name].rule.inhibited_by:
            if inhibit.rule == start:
                way = [name]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return [*reversed(way), start]
            if inhibit.rule in rules and inhibit.rule not in came_from:
                came_from[inhibit.rule] = name
                todo.append(inhibit.rule)
    return []


def _no_kind(name: str) -> str:
    if name in KINDS:
        why = "would go in a ring" if name == "alarm" else "may be seen by named people only, and alarms by all staff"
        return f"no rule can watch {name}: it {why}"
    return f"there is no kind {name}{near(name, WATCHED) or '; there are: ' + ', '.join(WATCHED)}"


def _no_column(name: str, columns: Iterable[str], which: str = "") -> str:
    listed = list(columns)
    return f"there is no column {name}{' ' + which if which else ''}{near(name, listed) or '; there are: ' + ', '.join(sorted(listed))}"
