"""Unit-test files of promtool, run against our engine.

Each alert that can be mapped is a rule, the series of a test are the rows of its
kind, and the real engine steps through them at `evaluation_interval`. What has
no equal is said for each rule and for each test that asks for it.
"""

from __future__ import annotations

import glob
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import yaml

from alerts.alarm import Alarm
from alerts.engine import Engine
from alerts.journal import MemoryJournal
from alerts.prometheus.mapping import ALL, KEY, NAMED, Mapped, list_metrics, map_alert
from alerts.prometheus.promql import Node, parse_expression
from alerts.prometheus.series import Series, parse_series
from alerts.prometheus.templates import Template, evaluate
from alerts.prometheus.words import FileFault, Unmapped, parse_duration_s
from alerts.ruleset import RuleSet
from control_room.model import FeedHealth, Snapshot, Table, text_array

FEED: Final = "series"
T0: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST_STEPS: Final = 200_000

Outcome = Literal["passed", "failed", "unmapped"]


@dataclass(frozen=True, slots=True)
class Result:
    """How one test of a file ended, or what became of one rule. `where` names it, `why` is empty where it passed."""

    where: str
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True)
class Alert:
    """One alerting rule of a file. `unmapped` says why it is not run; empty where it can be."""

    name: str
    where: str
    node: Node | None
    for_s: float
    keep_s: float
    labels: Mapping[str, Template] = field(default_factory=dict)
    annotations: Mapping[str, Template] = field(default_factory=dict)
    unmapped: str = ""


@dataclass(frozen=True)
class RuleGroups:
    """The alerts of some rule files, and what was not taken from them."""

    alerts: tuple[Alert, ...]
    left_out: tuple[Result, ...]


def run_file(path: Path) -> list[Result]:
    """Run a unit-test file; of a rule file (with `groups`) only say what can be mapped.

    Raises:
        FileFault: it, or a rule file that it names, cannot be read.
    """
    content = _read(path)
    if "groups" in content:
        found = _read_rules([path])
        return [*found.left_out, *(_map_alone(alert) for alert in found.alerts)]
    known = {"rule_files", "evaluation_interval", "group_eval_order", "tests"}
    if strange := set(content) - known:
        raise FileFault(f"{path}: {', '.join(sorted(strange))}: not a part of a unit-test file or of a rule file")
    rules = _read_rules(_rule_files(path, content))
    every_s = parse_duration_s(content.get("evaluation_interval") or "1m")
    results = list(rules.left_out)
    results += [Result(a.where, "unmapped", a.unmapped) for a in rules.alerts if a.unmapped]
    for number, test in enumerate(_listed(content, "tests", path)):
        where = f"{path}: test {number + 1}" + (f" ({test['name']})" if test.get("name") else "")
        results += _run_group(where, test, rules, every_s)
    return results


def _map_alone(alert: Alert) -> Result:
    """Whether an alert could be run, had it series: without them its labels are not known."""
    if alert.unmapped or alert.node is None:
        return Result(alert.where, "unmapped", alert.unmapped)
    try:
        map_alert(alert.node, "alert_0", alert.for_s, alert.keep_s, {})
    except Unmapped as error:
        return Result(alert.where, "unmapped", str(error))
    return Result(alert.where, "passed")


# Files.


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FileFault(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from error
    except yaml.YAMLError as error:
        raise FileFault(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise FileFault(f"{path}: is neither a rule file nor a unit-test file")
    return content


def _listed(content: Mapping[str, Any], name: str, where: object) -> list[dict[str, Any]]:
    items = content.get(name) or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise FileFault(f"{where}: {name} must be a list, each item with its own words")
    return items


def _rule_files(path: Path, content: Mapping[str, Any]) -> list[Path]:
    files: list[Path] = []
    for named in content.get("rule_files") or []:
        # `Path.glob` refuses patterns that begin at the root, and those of a test file may.
        found = sorted(glob.glob(str(path.parent / str(named))))  # noqa: PTH207
        if not found:
            raise FileFault(f"{path}: rule_files: there is no {named}")
        files += [Path(name) for name in found]
    return files


def _read_rules(files: Iterable[Path]) -> RuleGroups:
    alerts: list[Alert] = []
    left_out: list[Result] = []
    recorded: set[str] = set()
    for file in files:
        for group in _listed(_read(file), "groups", file):
            place = f"{file}: group {group.get('name', '?')}"
            for item in _listed(group, "rules", place):
                if "record" in item:
                    recorded.add(str(item["record"]))
                    why = "a recording rule makes series, and our rules make alarms only"
                    left_out.append(Result(f"{place}: {item['record']}", "unmapped", why))
                elif "alert" in item and "expr" in item:
                    alerts.append(_read_alert(item, f"{place}: {item['alert']}", bool(group.get("limit"))))
                else:
                    raise FileFault(f"{place}: a rule needs `alert` or `record`, and `expr`")
    return RuleGroups(tuple(_without_recorded(alert, recorded) for alert in alerts), tuple(left_out))


def _read_alert(item: Mapping[str, Any], where: str, is_limited: bool) -> Alert:
    name = str(item["alert"])
    for_s = parse_duration_s(item.get("for") or 0)
    keep_s = parse_duration_s(item.get("keep_firing_for") or 0)
    try:
        if is_limited:
            raise Unmapped("a group with a limit on its alerts is not read")
        node = parse_expression(str(item["expr"]))
        labels = {str(k): Template(str(v)) for k, v in (item.get("labels") or {}).items()}
        if any(template.reads_value for template in labels.values()):
            raise Unmapped(
                "a label made of the value makes another alert of each value; an alarm of ours keeps its key"
            )
        annotations = {str(k): Template(str(v)) for k, v in (item.get("annotations") or {}).items()}
        return Alert(name, where, node, for_s, keep_s, labels, annotations)
    except Unmapped as error:
        return Alert(name, where, None, for_s, keep_s, unmapped=str(error))


def _without_recorded(alert: Alert, recorded: set[str]) -> Alert:
    made = {*recorded, "ALERTS", "ALERTS_FOR_STATE"}
    read = [metric for metric in (list_metrics(alert.node) if alert.node else ()) if metric in made]
    if not read:
        return alert
    why = f"it reads {read[0]}, which is made by another rule"
    return Alert(alert.name, alert.where, None, alert.for_s, alert.keep_s, unmapped=why)


# Tests.


def _run_group(where: str, test: Mapping[str, Any], rules: RuleGroups, every_s: float) -> list[Result]:
    results = [
        Result(f"{where}: {item.get('expr')}", "unmapped", "promql_expr_test asks PromQL itself, and we have no PromQL")
        for item in _listed(test, "promql_expr_test", where)
    ]
    asked = [(parse_duration_s(item.get("eval_time", 0)), item) for item in _listed(test, "alert_rule_test", where)]
    if not asked:
        return results
    if every_s <= 0 or max(at_s for at_s, _ in asked) / every_s > MOST_STEPS:
        raise FileFault(f"{where}: more than {MOST_STEPS} evaluations")
    unmapped = {alert.name: alert.unmapped for alert in rules.alerts if alert.unmapped}
    try:
        interval_s = parse_duration_s(test.get("interval") or f"{round(every_s * 1000)}ms")
        series = [
            parse_series(str(item.get("series")), str(item.get("values", "")), interval_s)
            for item in _listed(test, "input_series", where)
        ]
    except Unmapped as error:
        return [*results, *(Result(_name(where, item), "unmapped", str(error)) for _, item in asked)]
    wanted = {str(item.get("alertname")) for _, item in asked}
    runs: list[Run] = []
    for number, alert in enumerate(rules.alerts):
        if alert.name in wanted and alert.name not in unmapped:
            try:
                runs.append(Run(alert, f"alert_{number}", series))
            except Unmapped as error:
                unmapped[alert.name] = str(error)
    stage = Stage([run for run in runs if run.alert.name not in unmapped])
    at_s = 0.0
    for due_s, item in sorted(asked, key=lambda pair: pair[0]):
        # Compared with the newest evaluation at or before its moment, as promtool does.
        while at_s <= due_s:
            stage.step(at_s, every_s)
            at_s += every_s
        name = str(item.get("alertname"))
        if name in unmapped:
            results.append(Result(_name(where, item), "unmapped", unmapped[name]))
            continue
        why = _compare(item, [found for run in stage.runs if run.alert.name == name for found in run.firing()], where)
        why = why or "; ".join(stage.faults)
        results.append(Result(_name(where, item), "failed" if why else "passed", why))
    return results


def _name(where: str, item: Mapping[str, Any]) -> str:
    return f"{where}: {item.get('alertname')} at {item.get('eval_time', 0)}"


Firing = tuple[dict[str, str], dict[str, str]]


def _compare(item: Mapping[str, Any], found: Sequence[Firing], where: str) -> str:
    """What is not as expected, in words; empty where all is."""
    expected = []
    for one in _listed(item, "exp_alerts", where):
        labels = {str(k): str(v) for k, v in (one.get("exp_labels") or {}).items()}
        labels["alertname"] = str(item.get("alertname"))
        expected.append((labels, {str(k): str(v) for k, v in (one.get("exp_annotations") or {}).items()}))
    wanted, got = sorted(map(_told, expected)), sorted(map(_told, found))
    return "" if wanted == got else f"expected {', '.join(wanted) or 'none'}; found {', '.join(got) or 'none'}"


def _told(alert: Firing) -> str:
    labels, annotations = alert
    return json.dumps([dict(sorted(labels.items())), dict(sorted(annotations.items()))], ensure_ascii=False)


class Run:
    """One alert over the series of one test.

    Raises:
        Unmapped: it has no equal with these series.
    """

    def __init__(self, alert: Alert, name: str, series: Sequence[Series]) -> None:
        if alert.node is None:
            raise Unmapped(alert.unmapped)
        self.alert = alert
        self.node = alert.node
        self.name = name
        metrics = set(list_metrics(self.node))
        self.series = [one for one in series if one.name in metrics]
        for one in self.series:
            if any(value is not None and not math.isfinite(value) for value in one.samples):
                raise Unmapped(f"{one.name} holds values that are infinite or no number; our tables know neither")
        words: dict[str, set[str]] = {}
        for one in self.series:
            for label, value in one.labels.items():
                words.setdefault(label, set()).add(value)
        self.mapped: Mapped = map_alert(self.node, name, alert.for_s, alert.keep_s, words)
        self.alarms: list[Alarm] = []
        self._labels: dict[str, dict[str, str]] = {}  # key of a row -> labels of its series
        self._texts: dict[str, Firing] = {}
        self._values: dict[frozenset[tuple[str, str]], float] = {}
        self._reads_value = any(template.reads_value for template in alert.annotations.values())

    def table(self, at_s: float) -> Table:
        """One row a set of labels that some series has now."""
        mapped = self.mapped
        rows: dict[str, dict[str, float]] = {}
        for one in self.series:
            value = one.value_at(at_s)
            if value is not None:
                key = json.dumps(dict(sorted(one.labels.items())), ensure_ascii=False)
                self._labels[key] = dict(one.labels)
                rows.setdefault(key, {})[mapped.metrics[one.name]] = value
        if self._reads_value:
            self._values = evaluate(self.node, self.series, at_s)
        kind = mapped.compiled.kind
        if not rows:
            return Table.empty(kind)
        columns: dict[str, Any] = {
            KEY: text_array(list(rows)),
            NAMED: text_array([ALL] * len(rows)),
            "feed": text_array([FEED] * len(rows)),
        }
        for label, column in mapped.labels.items():
            columns[column] = text_array([self._labels[key].get(label, "") for key in rows])
        for column in mapped.metrics.values():
            columns[column] = np.array([row.get(column, math.nan) for row in rows.values()])
        return Table.of(kind, columns)

    def note(self, alarms: Iterable[Alarm]) -> None:
        """How its alarms stand after a step; texts follow the value while it lasts."""
        self.alarms = [alarm for alarm in alarms if alarm.is_active]
        self._texts = {alarm.key: self._text(alarm) for alarm in self.alarms}

    def firing(self) -> list[Firing]:
        return list(self._texts.values())

    def _text(self, alarm: Alarm) -> Firing:
        labels = self._labels_of(alarm)
        key = frozenset(labels.items())
        if self.mapped.fixed is not None:
            value: float | None = 1.0
        else:
            value = self._values.get(key)
        before = self._texts.get(alarm.key)
        if value is None and before is not None and self._reads_value:
            return before
        told = value if value is not None else math.nan
        own = {name: template.fill(labels, told) for name, template in self.alert.labels.items()}
        annotations = {name: template.fill(labels, told) for name, template in self.alert.annotations.items()}
        named = {**labels, **own, "alertname": self.alert.name}
        return {name: text for name, text in named.items() if text}, annotations

    def _labels_of(self, alarm: Alarm) -> dict[str, str]:
        if self.mapped.fixed is not None:
            return dict(self.mapped.fixed)
        if self.mapped.grouped_by is None:
            return self._labels[alarm.key]
        values = {label: alarm.values.get(self.mapped.labels[label]) or "" for label in self.mapped.grouped_by}
        return {label: value for label, value in values.items() if value}


class Stage:
    """The engine, with the rules of all alerts of a test."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        rules = RuleSet(MappingProxyType({run.name: run.mapped.compiled for run in runs}), "prometheus")
        self._engine = Engine(rules, MemoryJournal(), ZoneInfo("UTC"))
        self._version = 0
        self.faults: dict[str, None] = {}

    def step(self, at_s: float, every_s: float) -> None:
        now = T0 + timedelta(seconds=at_s)
        tables = {run.name: run.table(at_s) for run in self.runs}
        self._version += 1
        health = FeedHealth(
            FEED, FEED, "", "none", every_s, 3 * every_s, 5 * every_s, succeeded_at=now, observed_at=now
        )
        parts = {(name, FEED): table for name, table in tables.items()}
        snapshot = Snapshot(
            self._version, now, MappingProxyType(tables), MappingProxyType({FEED: health}), MappingProxyType(parts)
        )
        self._engine.step(snapshot, now, every_s)
        for name, fault in self._engine.health.faults.items():
            self.faults.setdefault(f"{name}: {fault}")
        of_rule: dict[str, list[Alarm]] = {run.name: [] for run in self.runs}
        for alarm in self._engine.alarms.values():
            if alarm.rule in of_rule:
                of_rule[alarm.rule].append(alarm)
        for run in self.runs:
            run.note(of_rule[run.name])
