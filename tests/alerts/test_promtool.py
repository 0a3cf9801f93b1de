"""Prometheus rules and their unit tests against our engine; where Debian's promtool is installed it judges the same files."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from alerts.prometheus.mapping import list_metrics
from alerts.prometheus.promql import parse_expression
from alerts.prometheus.series import parse_name, parse_series
from alerts.prometheus.templates import Template
from alerts.prometheus.unit_tests import Alert, Run, Stage, run_file
from alerts.prometheus.words import FileFault, Unmapped, go_number, parse_duration_s
from control_room.cli import main

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")


A, B, C = ({"job": "node", "instance": name} for name in "abc")


def fires(*labels: dict, **annotations: str) -> list[dict]:
    more = {"exp_annotations": annotations} if annotations else {}
    return [{"exp_labels": each, **more} for each in labels]


# name -> (alert, series, {eval_time: expected})
CASES: dict[str, tuple[dict, dict[str, str], dict[str, list]]] = {
    "threshold": (
        {"expr": "temp > 30"},
        {'temp{job="node",instance="a"}': "20+5x4 10", 'temp{job="node",instance="b"}': "40 20x5"},
        {"0m": fires(B), "2m": [], "3m": fires(A), "4m": fires(A), "5m": []},
    ),
    "for": (
        {"expr": "up == 0", "for": "2m"},
        {'up{job="node",instance="a"}': "1 0 0 1 0 0 0 0"},
        {"2m": [], "3m": [], "5m": [], "6m": fires(A), "7m": fires(A)},
    ),
    "keep_firing_for": (
        {"expr": "up == 0", "for": "1m", "keep_firing_for": "3m"},
        {'up{job="node",instance="a"}': "0 0 1 1 0 1 1 1 1 1"},
        {"1m": fires(A), "3m": fires(A), "4m": fires(A), "7m": fires(A), "8m": []},
    ),
    "a series that goes missing resolves and resets its delay": (
        {"expr": "up == 0", "for": "2m"},
        {'up{job="node",instance="a"}': "0 0 stale 0 0 0 0"},
        {"2m": [], "3m": [], "4m": [], "5m": fires(A)},
    ),
    "a gap is looked back over": (
        {"expr": "up == 0"},
        {'up{job="node",instance="a"}': "0 _x12 0", 'up{job="node",instance="b"}': "0 _ _ 1"},
        {"2m": fires(A, B), "3m": fires(A), "5m": fires(A), "6m": [], "13m": fires(A)},
    ),
    "matchers": (
        {"expr": 'up{job=~"no.+",instance!="b",zone="",instance!~"c|d"} == 0'},
        {
            'up{job="node",instance="a"}': "0x3",
            'up{job="node",instance="b"}': "0x3",
            'up{job="node",instance="c"}': "0x3",
            'up{job="web",instance="a"}': "0x3",
            'up{job="node",instance="z",zone="x"}': "0x3",
        },
        {"1m": fires(A)},
    ),
    "absent": (
        {"expr": 'absent(up{job="node",instance=~"a.*"})', "for": "1m"},
        {'up{job="node",instance="a"}': "1 1 stale _x2 1", 'up{job="web",instance="a"}': "1x9"},
        {"1m": [], "2m": [], "3m": fires({"job": "node"}), "4m": fires({"job": "node"}), "5m": []},
    ),
    "absent of what never was": (
        {"expr": 'absent(nothing{job="x"})'},
        {'up{job="node",instance="a"}': "1x5"},
        {"0m": fires({"job": "x"}), "3m": fires({"job": "x"})},
    ),
    "count by": (
        {
            "expr": "count by (job) (up == 0) >= 2",
            "for": "1m",
            "annotations": {"n": "{{ $value }} in {{ $labels.job }}"},
        },
        {
            'up{job="node",instance="a"}': "0x9",
            'up{job="node",instance="b"}': "1 0 0 0 1",
            'up{job="node",instance="c"}': "1 1 1 0 1",
            'up{job="web",instance="a"}': "0x9",
        },
        {"1m": [], "2m": fires({"job": "node"}, n="2 in node"), "3m": fires({"job": "node"}, n="3 in node"), "4m": []},
    ),
    "sum without": (
        {"expr": "sum without (instance) (errors) * 60 > 100"},
        {
            'errors{job="node",instance="a"}': "0.5 1 1",
            'errors{job="node",instance="b"}': "0.5 1 stale",
            'errors{job="web",instance="a"}': "1 1 1",
        },
        {"0m": [], "1m": fires({"job": "node"}), "2m": []},
    ),
    "avg, whole": (
        {"expr": "avg(load) > 2", "annotations": {"v": '{{ printf "%.2f" $value }}'}},
        {'load{instance="a"}': "1 2 9", 'load{instance="b"}': "1 3 1", 'load{instance="c"}': "1 3 stale"},
        {"0m": [], "1m": fires({}, v="2.67"), "2m": fires({}, v="5.00")},
    ),
    "min and max": (
        {"expr": "min by (job) (level) < 10", "annotations": {"v": "{{ $value }}"}},
        {'level{job="node",instance="a"}': "50 5 50", 'level{job="node",instance="b"}': "50 50 50"},
        {"0m": [], "1m": fires({"job": "node"}, v="5"), "2m": []},
    ),
    "min above": (
        {"expr": "min(level) >= 10"},
        {'level{instance="a"}': "50 5 10 stale", 'level{instance="b"}': "50 50 50 stale"},
        {"0m": fires({}), "1m": [], "2m": fires({}), "3m": []},
    ),
    "and": (
        {"expr": 'temp > 30 and running{instance!="c"} == 1'},
        {
            'temp{job="node",instance="a"}': "40 40 40 40",
            'running{job="node",instance="a"}': "1 0 1 stale",
            'temp{job="node",instance="b"}': "40x3",
            'temp{job="node",instance="c"}': "40x3",
            'running{job="node",instance="c"}': "1x3",
        },
        {"0m": fires(A), "1m": [], "2m": fires(A), "3m": []},
    ),
    "or": (
        {"expr": "temp > 30 or smoke > 0", "for": "1m", "annotations": {"v": "{{ $value }}"}},
        {'temp{job="node",instance="a"}': "40 40 20 20", 'smoke{job="node",instance="a"}': "0 3 3 0"},
        {"0m": [], "1m": fires(A, v="40"), "2m": fires(A, v="3"), "3m": []},
    ),
    "unless": (
        {"expr": "temp > 30 unless silenced"},
        {'temp{job="node",instance="a"}': "40x5", 'silenced{job="node",instance="a"}': "_ 0 stale _ 1"},
        {"0m": fires(A), "1m": [], "2m": fires(A), "4m": []},
    ),
    "ratio, divided by zero as well": (
        {"expr": "errors / requests > 0.5", "annotations": {"v": "{{ $value | humanizePercentage }} {{ $value }}"}},
        {'errors{job="node",instance="a"}': "1 3 1 0", 'requests{job="node",instance="a"}': "4 4 0 0"},
        {"0m": [], "1m": fires(A, v="75% 0.75"), "2m": fires(A, v="+Inf% +Inf"), "3m": []},
    ),
    "labels over labels": (
        {"expr": "up == 0", "labels": {"job": "{{ $labels.instance }}!", "severity": "page", "empty": ""}},
        {'up{job="node",instance="a"}': "0x3"},
        {"1m": fires({"job": "a!", "severity": "page", "instance": "a"})},
    ),
    "scalar first, arithmetic": (
        {"expr": "-3 * 2 + 1 > temp - 10 * 2", "annotations": {"v": "{{ $value }}"}},
        {'temp{job="node",instance="a"}': "14 15 1.25"},
        {"0m": fires(A, v="-6"), "1m": [], "2m": fires(A, v="-18.75")},
    ),
    "a bare selector": (
        {"expr": "failed", "for": "1m"},
        {'failed{job="node",instance="a"}': "0 0 stale"},
        {"0m": [], "1m": fires(A), "2m": []},
    ),
    "value is not equal": (
        {"expr": "state != 1"},
        {'state{job="node",instance="a"}': "1 2 1", 'state{job="node",instance="b"}': "1 1 0"},
        {"0m": [], "1m": fires(A), "2m": fires(B)},
    ),
    "texts follow the value while it lasts, and stay while it is kept": (
        {"expr": "temp > 30", "keep_firing_for": "2m", "annotations": {"v": "{{ $value }}"}},
        {'temp{job="node",instance="a"}': "31 35 20 20 20 20"},
        {"0m": fires(A, v="31"), "1m": fires(A, v="35"), "3m": fires(A, v="35"), "4m": []},
    ),
}


def write_case(folder: Path, alert: dict, series: dict[str, str], expected: dict[str, list], **more: object) -> Path:
    """A rule file and a unit-test file; the latter's path."""
    rules = {"groups": [{"name": "g", "rules": [{"alert": "It", **alert}]}]}
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": at, "alertname": "It", "exp_alerts": alerts} for at, alerts in expected.items()
        ],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test], **more}))
    return path


def peer(path: Path) -> bool:
    """Whether promtool is content with the file."""
    ran = subprocess.run([str(PROMTOOL), "test", "rules", str(path)], capture_output=True, text=True, timeout=60)
    assert "SUCCESS" in ran.stdout or "FAILED" in ran.stdout + ran.stderr
    return ran.returncode == 0


@pytest.mark.parametrize("name", CASES)
def test_a_case_ends_as_prometheus_would_have_it(name, tmp_path):
    """Every expectation, worked out by hand, holds in our engine, and promtool agrees where it is installed."""
    path = write_case(tmp_path, *CASES[name])
    assert [r for r in run_file(path) if r.outcome != "passed"] == []
    assert PROMTOOL is None or peer(path)


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_expectation_fails_here_and_there(name, tmp_path):
    """Each expectation turned about (an alert left out, or one too many) fails, one by one, in both."""
    alert, series, expected = CASES[name]
    for at, alerts in expected.items():
        wrong = alerts[1:] if alerts else fires({"job": "nobody"})
        path = write_case(tmp_path, alert, series, {at: wrong})
        assert [r.outcome for r in run_file(path)] == ["failed"], at
    # promtool takes a moment to start: the last one stands for all.
    assert PROMTOOL is None or not peer(path)


EXPRESSIONS = [
    "m > 5",
    'm{i=~"a|b"} >= 5',
    'm{i!="a"} < 4',
    "m == 3",
    "m != 3",
    "7 < m",
    "m * 2 - 1 > 9",
    "m / 3 <= 1",
    "m > n",
    "m - n > 2",
    "m / n >= 2",
    "m / n != 1",
    "m > 5 and n > 5",
    "m > 5 or n > 5",
    "m unless n > 4",
    "m > 3 and n < 7 unless m == 6",
    "(m > 5 or n > 5) and m > 1",
    "m and n",
    "count(m > 5) > 1",
    "count by (j) (m > 5) > 1",
    "count by (j) (m > 5 and n > 2) == 1",
    "count without (i) (m) < 3",
    "sum by (j) (m) > 12",
    "sum(m{j='x'}) / 2 > 6",
    "100 - sum by (i) (n) * 3 < 80",
    "avg by (j) (m > 2) > 6",
    "min by (j) (m) > 3",
    "min(m) <= 1",
    "max by (j) (m + n) < 12",
    "max(m) >= 9",
    "sum by (nosuch) (m) > 20",
    "count(m)",
    'absent(m{i="a"})',
    'absent(m{i="a",j=~"x"})',
    "absent(m > 8)",
]


def random_values(dice: random.Random, length: int) -> str:
    words: list[str] = []
    for _ in range(length):
        lot = dice.random()
        words.append("stale" if lot < 0.06 else "_" if lot < 0.2 else str(dice.randint(0, 9)))
    return " ".join(words)


@needs_promtool
@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_engine_says_promtool_confirms(seed, tmp_path):
    """Over random series with gaps and endings, what our engine fires at every minute is what promtool expects."""
    dice = random.Random(seed)
    minutes = 40
    names = [f'{m}{{i="{i}",j="{j}"}}' for m in "mn" for i, j in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "y"))]
    texts = {name: random_values(dice, minutes) for name in names}
    rules, tests, fired = [], [], 0
    series = [parse_series(name, values, 60) for name, values in texts.items()]
    runs = []
    for number, text in enumerate(EXPRESSIONS):
        for_m, keep_m = dice.choice([0, 0, 1, 2, 3]), dice.choice([0, 0, 1, 3])
        rule = {"alert": f"It{number}", "expr": text, "annotations": {"v": "{{ $value }} {{ $labels.i }}"}}
        rule |= {"for": f"{for_m}m"} if for_m else {}
        rule |= {"keep_firing_for": f"{keep_m}m"} if keep_m else {}
        rules.append(rule)
        note = {"v": Template(rule["annotations"]["v"])}
        alert = Alert(rule["alert"], "", parse_expression(text), for_m * 60, keep_m * 60, {}, note)
        runs.append(Run(alert, f"alert_{number}", series))
    stage = Stage(runs)
    for minute in range(minutes + 8):
        stage.step(minute * 60, 60)
        for run in runs:
            alerts = [
                {"exp_labels": {k: v for k, v in labels.items() if k != "alertname"}, "exp_annotations": annotations}
                for labels, annotations in run.firing()
            ]
            fired += len(alerts)
            tests.append({"eval_time": f"{minute}m", "alertname": run.alert.name, "exp_alerts": alerts})
    assert not stage.faults
    assert fired > 500
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    given = [{"series": name, "values": values} for name, values in texts.items()]
    whole = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": given, "alert_rule_test": tests}],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(whole))
    ran = subprocess.run([PROMTOOL, "test", "rules", str(path)], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[:3000]
    assert {r.outcome for r in run_file(path)} == {"passed"}


UNMAPPED = {
    "rate(errors[5m]) > 1": "counter resets",
    "increase(errors[1h]) > 1": "counter resets",
    "avg_over_time(load[5m]) > 1": "counter resets",
    "errors offset 5m > 1": "another moment",
    "up == bool 0": "bool",
    "a / on(job) b > 1": "on",
    "topk(3, load) > 1": "no group of ours",
    "vector(1)": "speaks of no row",
    "time() - started > 5": "speaks of no row",
    '{job="x"} > 1': "name of one metric",
    "sum(a) > sum(b)": "constants only",
    "sum(a * 2) > 1": "as it is",
    "absent(a) or absent(b)": "by itself",
    "1": "reads no metric",
    "1 > 0": "reads no metric",
    "a ^ 2 > 1": "powers",
    "a % 2 > 1": "remainder",
    "a / 0 > 1": "division by zero",
    "a > Inf": "infinity",
    "min(a) == 1": "above or below",
    "a >": "ends too early",
    "count(sum by (i) (a) > 1) > 1": "group of groups",
}


@pytest.mark.parametrize("text", UNMAPPED)
def test_what_has_no_equal_is_said_with_the_reason(text, tmp_path, capsys):
    """An expression that cannot be mapped leaves its rule and its tests undone, names why, and ends with status 3."""
    path = write_case(tmp_path, {"expr": text}, {'a{i="x"}': "1x5"}, {"1m": []})
    assert main(["rules", "promtool", str(path)]) == 3
    out = capsys.readouterr().out
    assert UNMAPPED[text] in out and "not mapped" in out and "0 passed, 0 failed" in out


@pytest.mark.parametrize(
    ("alert", "told"),
    [
        ({"expr": "a > 1", "labels": {"v": "{{ $value }}"}}, "another alert of each value"),
        ({"expr": "a > 1", "annotations": {"v": "{{ $value | humanize }}"}}, "is not filled here"),
        ({"expr": "ALERTS > 0"}, "made by another rule"),
    ],
)
def test_templates_and_made_series_are_not_passed_over(alert, told, tmp_path):
    """A template that is not known, a label of the value and a series made by rules are named as not mapped."""
    results = run_file(write_case(tmp_path, alert, {'a{i="x"}': "1x5"}, {"1m": []}))
    assert {r.outcome for r in results} == {"unmapped"} and told in results[0].why


def test_values_that_tables_do_not_know_are_said(tmp_path):
    """Infinite values in a series that a rule reads make its tests unmapped, not right by chance."""
    [result] = run_file(write_case(tmp_path, {"expr": "a > 1"}, {"a": "1 Inf 1"}, {"1m": []}))
    assert result.outcome == "unmapped" and "infinite" in result.why


def test_recording_rules_and_expression_tests_are_said(tmp_path):
    """What makes no alarm is listed as not mapped, while the alerts beside it are run."""
    path = write_case(tmp_path, {"expr": "a > 1"}, {"a": "2x5"}, {"1m": fires({})})
    rules = yaml.safe_load((tmp_path / "rules.yml").read_text())
    rules["groups"][0]["rules"].append({"record": "job:a:sum", "expr": "sum by (job) (a)"})
    rules["groups"][0]["rules"].append({"alert": "Second", "expr": "job:a:sum > 1"})
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    tests = yaml.safe_load(path.read_text())
    tests["tests"][0]["promql_expr_test"] = [{"expr": "a", "eval_time": "1m", "exp_samples": []}]
    path.write_text(yaml.safe_dump(tests))
    results = run_file(path)
    assert sorted(r.outcome for r in results) == ["passed", "unmapped", "unmapped", "unmapped"]


def test_statuses_tell_a_failure_from_a_gap(tmp_path, capsys):
    """0 all passed, 1 a failure even beside what is not mapped, 2 a file that cannot be read."""
    good = write_case(tmp_path, {"expr": "a > 1"}, {"a": "2x5"}, {"1m": fires({})})
    assert main(["rules", "promtool", str(good)]) == 0
    bad = write_case(tmp_path, {"expr": "a > 1"}, {"a": "2x5"}, {"1m": []})
    assert main(["rules", "promtool", "--quiet", str(bad)]) == 1
    assert "expected none; found" in capsys.readouterr().out
    assert main(["rules", "promtool", str(tmp_path / "nothing.yml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- a", "neither a rule file nor"),
        ("tests: {a: 1}", "must be a list"),
        ("tests: [}", "is no YAML"),
        ("rule_files: [none.yml]", "there is no none.yml"),
        ("evaluation_interval: soon\ntests: []", "no duration"),
        ("surprise: 1", "surprise"),
        ('tests: [{input_series: [{series: "a{", values: "1"}], alert_rule_test: [{alertname: X}]}]', "brace"),
        ('tests: [{input_series: [{series: "a", values: "one"}], alert_rule_test: [{alertname: X}]}]', "no sample"),
    ],
)
def test_a_file_that_is_wrong_is_named(content, told, tmp_path):
    """A broken file is an error that says what is wrong in it."""
    (tmp_path / "t.yml").write_text(content)
    with pytest.raises(FileFault, match=told):
        run_file(tmp_path / "t.yml")


def test_a_rule_file_alone_is_looked_through(tmp_path, capsys):
    """A rule file without tests says of each rule whether it could be run."""
    rules = [{"alert": "A", "expr": "a > 1"}, {"alert": "B", "expr": "rate(a[5m]) > 1"}]
    (tmp_path / "r.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    assert main(["rules", "promtool", str(tmp_path / "r.yml")]) == 3
    assert "1 passed, 0 failed, 1 not mapped" in capsys.readouterr().out


def test_series_are_read_as_prometheus_writes_them():
    """Steps, repeats, gaps, endings, quotes and the five minutes of looking back."""
    series = parse_series('a{x=\'1\', y="q\\"", z=``}', "1+2x2 -1x1 _x2 stale 5-1x1 .5", 60)
    assert (series.name, dict(series.labels)) == ("a", {"x": "1", "y": 'q"'})
    assert list(series.samples) == [1, 3, 5, -1, -1, None, None, None, 5, 4, 0.5]
    assert [series.value_at(m * 60) for m in (0, 4, 6, 7, 8, 10, 15, 16)] == [1, -1, -1, None, 5, 0.5, 0.5, None]
    assert parse_name('{__name__="up",job="x"}') == ("up", {"job": "x"})
    assert parse_duration_s("1h30m") == 5400 and parse_duration_s("500ms") == 0.5


def test_numbers_are_printed_as_go_prints_them():
    """Whole numbers without a point, exponents from 21 digits on and below 1e-4, infinities with their sign."""
    told = [go_number(n) for n in (5.0, 0.1, 1e20, 1e21, 1.5e-5, 0.0001, float("inf"), -2.50, 123456789.25)]
    assert told == ["5", "0.1", "100000000000000000000", "1e+21", "1.5e-05", "0.0001", "+Inf", "-2.5", "123456789.25"]


def test_expressions_name_their_metrics_once():
    """The metrics of an expression are listed in order, each once."""
    assert list_metrics(parse_expression("b > 1 and a < 2 or b == 3")) == ("b", "a")
    with pytest.raises(Unmapped, match="nested"):
        parse_expression("(" * 60 + "a" + ")" * 60)
