"""Rule files: what is read, what is refused, and where it says the fault is."""

from __future__ import annotations

import json
import re
import textwrap
import time
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.expression_functions import FUNCTIONS
from alerts.expressions import compile_condition
from alerts.rule_file import YamlFault, read_yaml
from alerts.rule_schema import FIRST_LINE, SCHEMA_FILE, build_schema
from alerts.rule_tests import list_gaps, run_rule_test
from alerts.ruleset import WATCHED, RuleFileError, RuleSet, load_rule_files, load_rules, read_rules
from control_room.model import Column
from feeds.units import UNITS

RULES = Path(__file__).resolve().parents[2] / "alerts" / "rules"

GOOD = textwrap.dedent("""\
    system: Delivery robots
    rules:
      - name: robot_battery_low
        title: "Robot {label}: battery at {battery_percent} %"
        kind: vehicle
        where: vehicle_type == "robot"
        when: battery_percent < "15 %" and state != "charging"
        clear: battery_percent > 20
        on_delay: 1 min
        off_delay: 30
        priority: medium
        reason: It stops in the street within a quarter of an hour.
        raises:
          - when: battery_percent < 5
            priority: high
        owner: Robot supplier
        cause: Long trips in the cold.
        consequence: It blocks the path until somebody fetches it.
        action: Ask the supplier to send it home.
        respond_within: 15 min
        hours:
          - days: [mon, tue]
            from: 07:30
            until: "18:00"
        tests:
          - name: alarms after a minute
            given:
              - rows: [{key: r1, vehicle_type: robot, state: working, battery_percent: 10}]
            then:
              - at: 2 min
                active: [r1]
    """)


def rule(**changed: str) -> str:
    """A small good rule file; each change is a field with its YAML, "" leaves it out."""
    fields = {
        "name": "some_rule",
        "title": "Something is wrong",
        "kind": "vehicle",
        "when": "speed_kmh > 3",
        "priority": "low",
        "reason": "somebody should know",
        "owner": "control room",
        "cause": "usually this or that",
        "consequence": "nothing gets better",
        "action": "look at it and decide",
        "respond_within": "1 h",
    } | changed
    lines = [f"{name}: {text}" for name, text in fields.items() if text]
    return "system: Some system\nrules:\n  - " + "\n    ".join(lines) + "\n"


def faults(*texts: str) -> list[str]:
    """What is refused of files a.yaml, b.yaml …, as the command line prints it."""
    with pytest.raises(RuleFileError) as refused:
        read_rules({f"{'abcdefg'[i]}.yaml": text for i, text in enumerate(texts)})
    return str(refused.value).splitlines()


def test_a_good_rule_is_compiled_with_everything_it_has():
    """Conditions, delays, worse cases, hours and lines are all there."""
    loaded = read_rules({"robots.yaml": GOOD}).rules["robot_battery_low"]

    assert (loaded.file, loaded.line, loaded.system) == ("robots.yaml", 3, "Delivery robots")
    assert loaded.when.names == {"battery_percent", "state"}
    assert loaded.where is not None
    assert loaded.clear is not None
    assert (loaded.rule.on_delay, loaded.rule.off_delay) == (60, 30)
    assert [priority for _, priority in loaded.raises] == ["high"]
    assert loaded.rule.hours[0].start.isoformat() == "07:30:00"
    assert loaded.test_lines == (26,)


def test_derived_columns_have_their_names_and_units():
    """With group the condition speaks of counts, shares and sums; with expect of presence and age."""
    grouped = rule(
        kind="booking",
        group="{by: [site], count: arrivals > 10, sums: {all_booked: booked}}",
        when='share_percent > "80 %" and all_booked > "100 places" and site != "x"',
        title='"{site}: {count} of {total}"',
    )
    expected = rule(kind="cell", expect="{column: cell_id, values: [C1, C2]}", when='not present or age_s > "15 min"')

    assert set(read_rules({"a": grouped}).rules["some_rule"].columns) == {
        *("site", "count", "total", "share_percent", "all_booked")
    }
    assert set(read_rules({"a": expected}).rules["some_rule"].columns) == {"cell_id", "present", "age_s"}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (rule(when="speed_kmhh > 3"), 6, "when: column 1: there is no column speed_kmhh; did you mean speed_kmh?"),
        (rule(clear='speed_kmh > "3 kg"'), 14, "clear: column 13: speed_kmh is a number in km/h"),
        (rule(kind="vehicel"), 5, "there is no kind vehicel; did you mean vehicle?"),
        (rule(kind="alarm", when="level > 1"), 5, "would go in a ring"),
        (rule(kind="crime", when="crimes > 1"), 5, "named people only"),
        (rule(priority="urgent"), 7, "priority: must be 'highest', 'high', 'medium' or 'low' (not 'urgent')"),
        (rule(owner=""), 3, "lacks owner: who answers for the rule"),
        (rule(ownr="me"), 14, "ownr is no word of rules; did you mean owner?"),
        (rule(on_delay="5 minutes"), 14, "5 minutes"),
        (rule(name="Bad Name"), 3, "name: must be 3 to 60 small letters"),
        (rule(action="look"), 12, "action: is too short to help anybody"),
        (rule(title='"{speed}"'), 4, "title: there is no column speed; did you mean speed_kmh"),
        (rule(title='"{speed_kmh"'), 4, "a brace is not closed"),
        (rule(screen='"/feeds?name={fed}"'), 14, "screen: there is no column fed; did you mean feed"),
        (rule(screen="https://example.org/"), 14, "screen: must be a path of ours"),
        (rule(latching="maybe"), 14, "latching: must be true or false (not 'maybe')"),
        (rule(raises="high"), 14, "raises: must be a list: in [ ]"),
        (rule(raises="[high]"), 14, "raises.0: must be words with a colon"),
        (rule(when="5"), 6, "when: must be a text; write it in quotes"),
        (rule(on_delay="90 d"), 14, "on_delay: must be 31 d or shorter"),
        (rule(escalate="[{after: 5 min}]"), 14, "lacks escalate.0.to: name of a recipient"),
        (rule(maintenance="[{from: tomorrow, until: 5, reason: abc}]"), 14, "maintenance.0.from: is no time; write it"),
        (rule(group_by="[localty]"), 14, "did you mean locality?"),
        (rule(group="{count: speed_kmh > 3}", expect="{column: label, values: [x]}"), 3, "group or expect, not both"),
        (rule(group="{count: speed > 3}", when="count > 3"), 14, "group.count: column 1: there is no column speed"),
        (rule(group="{count: speed_kmh > 3, by: [speed_kmh]}", when="count > 3"), 14, "can be grouped by"),
        (rule(group="{count: speed_kmh > 3, sums: {count: speed_kmh}}", when="count > 3"), 14, "cannot be called"),
        (rule(group="{count: speed_kmh > 3, sums: {a: label}}", when="count > 3"), 14, "of numbers"),
        (rule(expect="{column: label, values: [x]}", when='change(age_s, "5 min") > 3'), 6, "followed over time"),
        (rule(expect="{column: lable, values: [x]}", when="not present"), 14, "did you mean label"),
        (rule(expect="{column: label, values: [x, x]}", when="not present"), 14, "expected twice"),
        (rule(raises="[{when: speed_kmh > 9, priority: low}]"), 14, "which is not above low"),
        (rule(raises="[{when: speed_kmh ! 9, priority: high}]"), 14, "raises.0.when: column 11"),
        (rule(inhibited_by="[other_rule]"), 3, "there is no rule other_rule"),
        (rule(inhibited_by="[some_rule]"), 3, "goes in a ring: some_rule by some_rule"),
        (rule(hours="[{days: [monday]}]"), 14, "hours.0.days.0: must be 'mon'"),
        (rule(hours="[{from: 25:00}]"), 14, "hours.0.from: is no time of day"),
        (
            rule(maintenance="[{from: 2026-01-01T00:00:00, until: 2026-01-02T00:00:00, reason: works}]"),
            14,
            "need a zone",
        ),
        (rule(tests="[{name: abc, given: [{rows: [{key: a, sped: 3}]}], then: [{at: 1}]}]"), 14, "no column sped"),
        (rule(tests="[{name: abc, given: [{rows: [{speed_kmh: 3}]}], then: [{at: 1}]}]"), 14, "needs its key"),
        (rule(tests="[{name: abc, given: [{rows: [{key: a, speed_kmh: fast}]}], then: [{at: 1}]}]"), 14, "a number"),
        (rule(tests="[{name: abc, given: [{rows: [{key: a, state: gone}]}], then: [{at: 1}]}]"), 14, "one of working"),
        (rule(tests="[{name: abc, given: [{rows: [{key: a, route_id: 7}]}], then: [{at: 1}]}]"), 14, "'7'"),
        (rule(tests="[{name: abc, given: [{rows: [{key: a}]}], then: [{at: 1, active: [b]}]}]"), 14, "no row b"),
        (rule(tests="[{name: abc, given: [{feed: {buses: tired}}], then: [{at: 1}]}]"), 14, "fresh, stale, failing"),
        (rule(tests="[{name: abc, given: [{gone: [z]}], then: [{at: 1}]}]"), 14, "no row z was given"),
        (rule(tests="[{name: abc, given: [{tables: {cel: []}}], then: [{at: 1}]}]"), 14, "no kind cel"),
        ("system: x\nrules: []\n", 1, "system: "),
        ("system: Some system\n", 1, "needs a list under `rules:`"),
        ("system: Some system\nrules: 5\n", 2, "needs a list under `rules:`"),
        ("- a\n", 1, "needs `system:`"),
        ("", 1, "needs `system:`"),
        ("system: Some system\nrules: [5]\n", 2, "rule number 1: a rule is a list of words with a colon"),
        ("system: Some system\nrules: []\nrulez: []\n", 3, "rulez is no word of rules; did you mean rules?"),
        ("system: Some system\nsystem: Again\nrules: []\n", 2, "system stands twice, first in line 1"),
        ("system: *name\nrules: []\n", 1, "aliases (*name) are not read"),
        ("system: Some system\nrules: [\n", 3, "is not YAML"),
        ("system: Some system\n\trules: []\n", 2, "is not YAML"),
        ("system: !!python/object/apply:os.system ['true']\nrules: []\n", 1, "system: "),
        ("system: Some system\nrules: !!binary aGk=\n", 2, "is not read"),
        ("system: \x07\n", 1, "is not YAML"),
    ],
)
def test_each_fault_is_told_with_its_line_and_what_to_do(text, line, what):
    """One fault in a file gives one line that begins with file and line of the offending field."""
    told = [fault for fault in faults(text) if what in fault]

    assert told, faults(text)
    assert told[0].startswith(f"a.yaml:{line}: ")


def test_all_faults_of_all_files_are_told_at_once():
    """A supervisor mends a file in one go, not fault by fault."""
    one = rule(when="speed_kmhh > 3", clear="state == 5", priority="urgent", owner="", prioritty="low")
    two = rule(name="other_rule", kind="vehicel") + "\n"

    told = "\n".join(faults(one, two))

    assert [line.split(": ")[0] for line in told.splitlines()] == [
        *("a.yaml:3", "a.yaml:6", "a.yaml:7", "a.yaml:13", "a.yaml:14", "b.yaml:5")
    ]


def test_a_key_that_stands_twice_is_refused_in_its_rule():
    """YAML would keep the last one silently."""
    twice = rule() + "    when: speed_kmh > 30\n"

    assert faults(twice) == ["a.yaml:14: some_rule: when stands twice, first in line 6; keep one"]


def test_names_are_unique_over_all_files():
    """The journal knows a rule by its name alone."""
    assert faults(rule(), rule()) == ["b.yaml:3: some_rule: the name is used twice, first in a.yaml:3"]


def test_rings_of_inhibition_are_found_however_long():
    """Three rules that explain each other away would all be silent."""
    ring = [rule(name=f"rule_{n}", inhibited_by=f"[rule_{(n + 1) % 3}]") for n in range(3)]
    tail = rule(name="rule_of_the_tail", inhibited_by="[rule_0]")

    told = faults(*ring, tail)

    assert len(told) == 3
    assert told[0].endswith("goes in a ring: rule_0 by rule_1 by rule_2 by rule_0")


def test_inhibition_compares_columns_that_both_rules_have():
    """`same` names a column of both rules' rows, or one of each."""
    cells = rule(name="cell_down", kind="cell", when='state == "down"')
    good = rule(name="shuttle_weak", when="signal_rsrp_dbm < -110", inhibited_by="[{rule: cell_down, same: [cell_id]}]")
    bad = good.replace("same: [cell_id]", "same: [battery_percent]")

    assert len(read_rules({"a": cells, "b": good}).rules) == 2
    assert "there is no column battery_percent" in faults(cells, bad)[0]
    assert "(in cell_down)" in faults(cells, bad)[0]

    paired = good.replace("same: [cell_id]", "same: [feed, {cell_near: cell_id}]")
    (inhibit,) = read_rules({"a": cells, "b": paired}).rules["shuttle_weak"].rule.inhibited_by
    assert (inhibit.own, inhibit.others) == (("feed", "cell_near"), ("feed", "cell_id"))
    crossed = good.replace("same: [cell_id]", "same: [{availability_percent: cell_id}]")
    assert "there is no column availability_percent" in faults(cells, crossed)[0]
    assert "(in shuttle_weak)" in faults(cells, crossed)[0]
    crossed = good.replace("same: [cell_id]", "same: [{cell_near: cell_near}]")
    assert "there is no column cell_near" in faults(cells, crossed)[0]
    assert "(in cell_down)" in faults(cells, crossed)[0]


def test_rules_that_are_right_can_be_used_without_those_that_are_wrong():
    """At a start the good rules watch the city; a rule that another wrong one explains away stays out with it."""
    with pytest.raises(RuleFileError) as refused:
        read_rules(
            {
                "a": rule(name="good_rule"),
                "b": rule(name="bad_rule", when="nothing"),
                "c": rule(name="leans_on_bad", inhibited_by="[bad_rule]"),
                "d": "not: [yaml",
            }
        )

    assert set(refused.value.usable.rules) == {"good_rule"}


def test_files_that_cannot_be_read_are_faults_like_others(tmp_path):
    """A missing file, one that is no UTF-8 and a missing folder are told by name."""
    (tmp_path / "latin.yaml").write_bytes("system: caf\xe9".encode("latin-1"))

    for told, what in (
        (lambda: load_rule_files([tmp_path / "gone.yaml"]), "cannot be read: No such file"),
        (lambda: load_rules(tmp_path), "is not UTF-8 (byte 12)"),
        (lambda: load_rules(tmp_path / "nowhere"), "is no folder"),
    ):
        with pytest.raises(RuleFileError, match=what.replace("(", r"\(").replace(")", r"\)")):
            told()


def test_the_same_files_have_the_same_digest_and_changed_ones_another():
    """The digest says whether rules are the same."""
    assert read_rules({"a": rule()}).digest == read_rules({"a": rule()}).digest
    assert read_rules({"a": rule()}).digest != read_rules({"a": rule(when="speed_kmh > 4")}).digest


def test_a_set_knows_what_its_conditions_must_remember():
    """Windows and zones are gathered by kind, over all conditions of all rules."""
    rules = read_rules(
        {
            "a": rule(when='rate(speed_kmh, "5 min") > 3', clear='left("Park", "1 min")'),
            "b": rule(name="other_rule", where='change(delay_s, "1 h") > 0'),
            "d": rule(
                name="of_groups",
                group="{by: [locality], count: 'change(odometer_m, \"1 h\") > 0'}",
                when='change(count, "10 min") > 3',
            ),
            "c": rule(name="of_cells", kind="cell", when='change(devices_mean, "1 h") > 0'),
        }
    )

    assert rules.windows_of("vehicle") == {("speed_kmh", 300.0), ("delay_s", 3600.0), ("odometer_m", 3600.0)}
    assert rules.rules["of_groups"].windows == {("count", 600.0)}
    assert rules.zones_of("vehicle") == {"Park"}
    assert rules.windows_of("cell") == {("devices_mean", 3600.0)}
    assert rules.windows_of("trip") == frozenset()


# YAML


def test_yaml_is_read_as_its_newest_version_says():
    """`off` is a word, 07:30 a text, 010 a text; only true and false are flags."""
    content = read_yaml("a: off\nb: 07:30\nc: 010\nd: true\ne: 1.5\nf: -3\ng: null\nh: 2026-01-01\ni: yes\nj: 1e3\n")

    assert content.data == {
        "a": "off",
        "b": "07:30",
        "c": "010",
        "d": True,
        "e": 1.5,
        "f": -3,
        "g": None,
        "h": "2026-01-01",
        "i": "yes",
        "j": "1e3",
    }


def test_files_saved_by_other_editors_are_read_alike():
    """A mark at the beginning, and lines that end in two characters, change nothing."""
    saved = "\ufeff" + GOOD.replace("\n", "\r\n")

    assert read_rules({"a": saved}).rules["robot_battery_low"].line == 3
    assert (
        read_rules({"a": saved}).rules["robot_battery_low"].rule
        == read_rules({"a": GOOD}).rules["robot_battery_low"].rule
    )


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: [*a, *a]\n",
        "a: &a {b: *a}\n",
        "x: {<<: *a}\n",
        "[" * 5000,
        "{a: " * 5000,
        "- " * 5000 + "a",
        "a: " + "x" * 1_000_001,
        "a: [" + "1, " * 200_000 + "]",
        "a: " + "9" * 100_000,
        "? [a, b]\n: c\n",
        "a: !!set {b}\n",
        "a: !foo b\n",
        "--- a\n--- b\n",
        "a: \ud800",
        "%YAML 9.9\n---\na: b\n",
    ],
    ids=range(15),
)
def test_hostile_yaml_is_refused_or_harmless_in_bounded_time(text):
    """Nothing but a YamlFault is raised, nothing unfolds, and it takes no more than some seconds."""
    began = time.thread_time()
    try:
        content = read_yaml(text)
    except YamlFault as fault:
        assert fault.line >= 1
    else:
        assert len(str(content.data)) <= len(text) + 100
    assert time.thread_time() - began < 10


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text):
    """No file, however broken, does more than be refused."""
    try:
        read_rules({"a.yaml": text})
    except RuleFileError as refused:
        assert refused.faults


MESS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


@given(
    st.sampled_from(
        [
            *("name", "title", "kind", "where", "when", "clear", "group", "expect", "on_delay", "priority", "raises"),
            *("owner", "screen", "inhibited_by", "group_by", "hours", "maintenance", "escalate", "enabled", "tests"),
            *("latching", "when_gone", "respond_within"),
        ]
    ),
    MESS,
)
@settings(max_examples=300, deadline=None)
def test_any_value_of_any_field_is_taken_or_refused(field, value):
    """A field of any shape gives a rule or a fault, never anything else."""
    text = rule(**{field: json.dumps(value)})
    try:
        read_rules({"a.yaml": text})
    except RuleFileError as refused:
        assert refused.faults


# The schema


def test_the_schema_in_the_repository_is_current():
    """`python -m control_room rules schema` writes it; an editor must not follow an old one."""
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == build_schema()


def test_the_schema_takes_a_good_rule_and_refuses_what_is_wrong():
    """What an editor marks is wrong, and what it does not mark may be right."""
    check = jsonschema.Draft202012Validator(build_schema())
    good = read_yaml(GOOD).data
    short = read_yaml(rule(inhibited_by="[x, {rule: y}]", on_delay="90")).data

    assert list(check.iter_errors(good)) == []
    assert list(check.iter_errors(short)) == []
    for field, value in (("priority", "urgent"), ("on_delay", "5 minutes"), ("kind", "vehicel"), ("owned", "x")):
        wrong = {**good, "rules": [{**good["rules"][0], field: value}]}
        assert list(check.iter_errors(wrong)), field


def test_the_schema_explains_every_word_of_a_rule():
    """An editor shows a sentence for each."""
    schema = build_schema()
    silent = [
        f"{part}.{name}"
        for part, model in schema["$defs"].items()
        for name, said in model["properties"].items()
        if not said.get("description")
    ]

    assert silent == []
    assert schema["$defs"]["Rule"]["properties"]["kind"]["enum"] == list(WATCHED)


# Our own


def our_rules() -> RuleSet:
    return load_rules(RULES)


def test_our_rules_load():
    """Every rule that comes with the program is right."""
    our_rules()


def test_our_rule_files_name_the_schema():
    """Their first line tells editors where the schema is."""
    for file in RULES.glob("*.yaml"):
        assert file.read_text(encoding="utf-8").splitlines()[0] == FIRST_LINE, file.name


def test_a_hundred_rules_load_within_seconds():
    """Reading goes on beside a running control room, so it must stay short."""
    texts = {f"{n}.yaml": GOOD.replace("robot_battery_low", f"rule_{n}") for n in range(100)}
    began = time.thread_time()
    rules = read_rules(texts)

    assert len(rules.rules) == 100
    assert time.thread_time() - began < 5


# The page for supervisors

PAGE = (RULES.parents[1] / "docs" / "adding-a-rule.md").read_text(encoding="utf-8")
YAML_PIECES = [textwrap.dedent(piece) for piece in PAGE.split("```yaml\n")[1:]]


def test_the_whole_rule_of_the_page_is_right_and_passes_its_tests():
    """Whoever copies it has a working rule."""
    rules = read_rules({"page.yaml": YAML_PIECES[0].split("```")[0]})
    (whole,) = rules.rules.values()

    assert list_gaps(whole) == []
    assert [line for test in whole.rule.tests for line in run_rule_test(rules, whole, test)] == []


@pytest.mark.parametrize("piece", [p.split("```")[0] for p in YAML_PIECES[1:]], ids=range(len(YAML_PIECES) - 1))
def test_every_piece_of_the_page_fits_into_a_rule(piece):
    """The short examples are right too, in a rule of vehicles where they do not say of what."""
    fields = {name: json.dumps(value) for name, value in read_yaml(piece).data.items()}

    read_rules({"page.yaml": rule(**fields)})


def test_the_page_explains_every_word_function_and_unit():
    """What can be written is documented."""
    missing = [f"`{name}`" for name in build_schema()["$defs"]["Rule"]["properties"] if f"`{name}`" not in PAGE]
    missing += [name for name in FUNCTIONS if f"`{name}(" not in PAGE and f" `{name}(" not in PAGE]
    missing += [unit.name for unit in UNITS.values() if unit.name and unit.name not in PAGE]

    assert missing == []


def test_the_inline_conditions_of_the_page_compile():
    """Whatever stands between backticks and asks something of a vehicle's column can be copied."""
    asked = [
        text
        for text in re.findall(r"`([^`\n]+)`", PAGE.replace("`not x`", ""))
        if re.search(r" (<|>|==|in|and) |\(\w+, \"", text) and ":" not in text and re.match(r"[a-z_0-9\"(]", text)
    ]
    columns = {name: column for kind in reversed(WATCHED.values()) for name, column in kind.by_name.items()}
    derived = {name: Column(name, "number", "", unit="rows") for name in ("count", "people", "share_percent")}
    derived["present"] = Column("present", "flag", "")
    for text in asked:
        if text not in {"unknown and false", "unknown or true"}:
            compile_condition(f"({text}) == 0" if _is_value(text) else text, columns | derived)
    assert len(asked) > 20


def _is_value(text: str) -> bool:
    return bool(re.fullmatch(r"(rate|change|in_unit)\([^()]*\)", text))
