"""`python -m control_room rules backtest RULE`: what a rule would have done over a recording.

Two wordings are judged side by side in one reading where `--set` changes something.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from control_room.settings import SettingError, read_settings

if TYPE_CHECKING:
    from alerts.backtest import Figures, Trial
    from alerts.ruleset import RuleSet
    from feeds.replay import Recording

PROGRESS_EVERY_S = 2.0  # of real time


def add_backtest(commands: Any) -> None:
    """Put the command under `rules`."""
    text = "run a rule over recorded history: how often it would have alarmed, for how long, with which chatter"
    command = commands.add_parser("backtest", help=text, description=text)
    command.add_argument("rule", metavar="RULE", help="name of the rule")
    command.add_argument("--from", dest="start", metavar="TIME", help="ISO 8601 with zone (default: the beginning)")
    command.add_argument("--to", dest="end", metavar="TIME", help="ISO 8601 with zone (default: the end)")
    source = command.add_mutually_exclusive_group()
    source.add_argument("--recording", metavar="PATH", help="folder of a recording (default: recordings below --data)")
    source.add_argument("--data", metavar="FOLDER", help="data folder of the control room that recorded")
    command.add_argument("--rules", metavar="FOLDER", help="folder or file of rules (default: alerts/rules)")
    command.add_argument("--city", help="folder of city facts, as for serve")
    command.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="WORD=TEXT",
        help='judge the rule with another word beside it, such as on_delay="5 min"; repeatable',
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(command=run_backtest)


def run_backtest(options: argparse.Namespace) -> int:
    """Status 0, or 2 with one line where it cannot be done."""
    from alerts.backtest import BacktestError
    from control_room.city import CityError
    from feeds.feed import FeedError

    try:
        return _run(options)
    except (BacktestError, SettingError, CityError, FeedError) as error:
        sys.stderr.write(f"control-room: backtest: {error}\n")
        return 2


def _run(options: argparse.Namespace) -> int:
    from alerts.backtest import Trial, change_rule, describe, warm_up_s, with_rule
    from control_room.city import load_city
    from control_room.serving import city_folder

    settings = read_settings(vars(options))
    rules = _load_rules(settings["rules"])
    rule = _find_rule(rules, options.rule)
    changes = _read_changes(options.changes)
    city = load_city(city_folder(settings["city"]))
    recording, where = _open(options.recording, settings["data"])
    start, end = _period(options, recording, where)
    trials = {"as it is": Trial(rules, rule, city.zone)}
    if changes:
        changed = change_rule(rule, changes)
        trials["changed"] = Trial(with_rule(rules, changed), changed, city.zone)
    begin = start - timedelta(seconds=max(warm_up_s(trial.rule) for trial in trials.values()))
    took_s = _judge(trials.values(), recording, city, (begin, start, end))
    figures = {name: describe(trial, start, end) for name, trial in trials.items()}
    if options.json:
        said: dict[str, Any] = {
            "rule": rule.name,
            "from": start.isoformat(),
            "to": end.isoformat(),
            "recording": where,
            "simulated": any(feed.simulated for feed in recording.feeds),
            "left_out": list(recording.warnings),
            "set": changes,
            "took_s": round(took_s, 2),
            "figures": {name: f.to_json() for name, f in figures.items()},
        }
        sys.stdout.write(json.dumps(said, ensure_ascii=False, allow_nan=False) + "\n")
        return 0
    sandbox = " (SANDBOX: simulated)" if any(feed.simulated for feed in recording.feeds) else ""
    lines = [f"{rule.name}: {rule.rule.title}", f"recording {where}{sandbox}", f"from {_utc(start)} to {_utc(end)}"]
    lines += [f'changed: {word} = "{text}"' for word, text in changes.items()]
    lines += [f"left out: {warning}" for warning in recording.warnings]
    sys.stdout.write("\n".join([*lines, "", *_table(figures, end - start), *_details(figures)]) + "\n")
    return 0


def _judge(
    trials: Iterable[Trial], recording: Recording, city: Any, moments: tuple[datetime, datetime, datetime]
) -> float:
    """Take all trials through the recording together; how long it took, in real seconds."""
    from control_room.playback import play

    begin, start, end = moments
    begin = max(begin, recording.began_at)
    trials = tuple(trials)
    began_s = told_s = time.monotonic()
    for snapshot in play(recording, city, begin, end, lambda: min(trial.look_s for trial in trials)):
        for trial in trials:
            trial.look(snapshot)
        if time.monotonic() - told_s >= PROGRESS_EVERY_S:
            told_s = time.monotonic()
            share = (snapshot.at - begin) / (end - begin)
            stage = "warming up" if snapshot.at < start else "judging"
            sys.stderr.write(f"control-room: backtest: {stage} {_utc(snapshot.at)}, {share:.0%}\n")
            sys.stderr.flush()
    return time.monotonic() - began_s


def _load_rules(named: str) -> RuleSet:
    from alerts.backtest import BacktestError
    from alerts.command_line import RULES
    from alerts.ruleset import RuleFileError, load_rule_files, load_rules

    path = Path(named) if named else RULES
    if not path.exists():
        raise BacktestError(f"--rules {named}: there is no such file or folder")
    try:
        return load_rules(path) if path.is_dir() else load_rule_files([path])
    except RuleFileError as error:
        raise BacktestError(f"rules are wrong, see `rules check`: {error.faults[0]}") from error


def _find_rule(rules: RuleSet, name: str) -> Any:
    from alerts.backtest import BacktestError
    from alerts.rule_faults import near

    rule = rules.rules.get(name)
    if rule is None:
        raise BacktestError(f"there is no rule {name}{near(name, rules.rules)}; `rules list` names them all")
    return rule


def _read_changes(texts: Sequence[str]) -> dict[str, str]:
    from alerts.backtest import BacktestError

    changes = {}
    for text in texts:
        word, equals, value = text.partition("=")
        if not equals:
            raise BacktestError(f'--set {text}: write WORD=TEXT, such as on_delay="5 min"')
        changes[word.strip()] = value.strip()
    return changes


def _open(named: str | None, data: str) -> tuple[Recording, str]:
    from feeds.recording import MANIFEST, RecordingError
    from feeds.replay import read_recording

    path = Path(named) if named else Path(data).expanduser() / "recordings"
    if not path.exists() or (named is None and not (path / MANIFEST).exists()):
        advice = "start the control room with --record, or name one with --recording"
        raise RecordingError("recording_missing", f"{path}: there is no recording; {advice}")
    return read_recording(path), str(path)


def _period(options: argparse.Namespace, recording: Recording, where: str) -> tuple[datetime, datetime]:
    from alerts.backtest import BacktestError

    # A period ends before its end; the last answer of a recording is part of it.
    last = recording.ended_at + timedelta(milliseconds=1)
    start = _moment("--from", options.start) or recording.began_at
    end = _moment("--to", options.end) or last
    if end <= start:
        raise BacktestError(f"the period is empty: from {_utc(start)} to {_utc(end)}")
    held = f"{where} holds {_utc(recording.began_at)} to {_utc(recording.ended_at)}"
    if end <= recording.began_at or start >= last:
        raise BacktestError(f"nothing is recorded from {_utc(start)} to {_utc(end)}; {held}")
    if start < recording.began_at or end > last:
        # Figures per hour must not be thinned by hours of which nothing is known.
        sys.stderr.write(f"control-room: backtest: only what is recorded is judged: {held}\n")
    return max(start, recording.began_at), min(end, last)


def _moment(flag: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise SettingError(f"{flag} {text}: is not an ISO 8601 time such as 2026-11-23T10:00:00Z") from error
    if moment.tzinfo is None:
        raise SettingError(f"{flag} {text}: has no zone; write it with Z or an offset")
    return moment.astimezone(UTC)


# In words.


def _table(figures: Mapping[str, Figures], period: timedelta) -> list[str]:
    """One line a figure, one column a trial."""
    days = period.total_seconds() / 86_400

    def per_day(f: Figures) -> str:
        # Less than an hour says nothing about a day.
        return f"{f.raised / days:.1f}" if period >= timedelta(hours=1) else "—"

    rows: list[tuple[str, Callable[[Figures], str]]] = [
        ("alarms", lambda f: str(f.raised)),
        ("  a day", per_day),
        ("  people would have seen", lambda f: str(f.shown)),
        ("  of these folded in floods", lambda f: str(f.folded)),
        ("stood already at the beginning", lambda f: str(f.stood_before)),
        ("different things in alarm", lambda f: str(f.things)),
        ("in alarm, all together", lambda f: _duration(f.total_s)),
        ("  median", lambda f: _duration(f.median_s)),
        ("  longest", lambda f: _duration(f.longest_s)),
        ("raised again within a minute", lambda f: str(f.reraised)),
        ("chattering things (3 or more a minute)", lambda f: str(len(f.chattering))),
        ("standing at the end", lambda f: str(len(f.standing))),
        ("  for more than a day", lambda f: str(f.stale)),
        ("passed within the on-delay", lambda f: str(f.settled)),
        ("lost their data while in alarm", lambda f: str(f.no_data)),
        ("rows looked at, at most", lambda f: str(f.most_rows)),
    ]
    cells = [("", *figures), *((title, *(tell(f) for f in figures.values())) for title, tell in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in cells
    ]


def _details(figures: Mapping[str, Figures]) -> list[str]:
    lines: list[str] = []
    for name, f in figures.items():
        lines += ["", f"{name}:"]
        if not f.most_rows:
            lines.append("  the recording held no row that this rule could look at: no alarm means nothing here")
        lines += [f"  could not be judged at times: {fault}" for fault in f.faults]
        lines += [f"  {count:4} alarms, {_duration(seconds):>9}  {thing}" for thing, count, seconds in f.top]
        lines += [f"  chatter: {thing} up to {count} times a minute" for thing, count in f.chattering.items()]
        lines += [f"  still in alarm after {_duration(s)}: {thing}" for thing, s in f.standing[:10]]
        if len(f.standing) > 10:
            lines.append(f"  and {len(f.standing) - 10} more still in alarm")
        if f.raised:
            most = max(f.hours)
            lines.append("  by local hour:")
            lines += [
                f"    {hour:02}  {'#' * max(1, round(30 * count / most))} {count}"
                for hour, count in enumerate(f.hours)
                if count
            ]
    return lines


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
