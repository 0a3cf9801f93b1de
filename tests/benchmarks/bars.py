"""The bars of the live path, and the table that holds figures against them.

Each benchmark is a module with `measure(name, short) -> figures` by these keys;
`main` runs it on ours and on the classic page and prints ratios.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Figures = dict[str, float]
Measure = Callable[[str, bool], Figures]
TARGETS = ("classic", "ours")


@dataclass(frozen=True)
class Bar:
    """What a figure must reach. `limit` None: shown for knowledge, no bar."""

    title: str
    unit: str
    limit: float | None = None
    at_least: bool = False
    digits: int = 1

    def holds(self, value: float) -> bool:
        """Whether the value reaches the bar; NaN (not measured) never does."""
        if self.limit is None:
            return True
        return value >= self.limit if self.at_least else value <= self.limit


BARS = {
    "decode_of_bare": Bar("decode + observe, share of a bare parse's speed", "", 0.6, at_least=True, digits=2),
    "decode_of_classic": Bar("decode + observe, times MessageToDict + frame", "", 12, at_least=True),
    "wire_kb_per_s": Bar("wire a screen, all moving", "kB/s", 15),
    "wire_tenth_kb_per_s": Bar("wire a screen, a tenth moving", "kB/s", 3),
    "cores_per_screen": Bar("server CPU per added screen", "cores", 0.001, digits=5),
    "cores_one_screen": Bar("server CPU, one screen", "cores", 0.04, digits=3),
    "latency_p50_ms": Bar("answer to DOM, p50", "ms", 40),
    "latency_p95_ms": Bar("answer to DOM, p95", "ms", 120),
    "main_ms_per_s": Bar("page's main thread", "ms/s", 25),
    "long_tasks": Bar("long tasks after load", "", 0, digits=0),
    "shown_share": Bar("one page: updates shown", "", None, digits=3),
    "five_shown_share": Bar("5 pages: updates shown, worst page", "", 0.98, at_least=True, digits=3),
    "five_age_p95_s": Bar("5 pages: age p95, worst page", "s", 1.5, digits=2),
    "screens_rate": Bar("200 screens: updates a second, worst screen", "/s", 0.99, at_least=True, digits=3),
    "screens_gap_s": Bar("200 screens: longest wait", "s", None, digits=2),
    "screens_kb_per_s": Bar("a light client gets", "kB/s", None),
    "heap_growth_percent": Bar("page's heap, growth over the soak", "%", 5),
    "worker_growth_percent": Bar("worker's heap, growth over the soak", "%", 5),
    "nodes_growth": Bar("DOM nodes, growth over the soak", "", 20, digits=0),
    "soak_updates": Bar("updates in the soak", "", None, digits=0),
    "first_paint_wall_cold_ms": Bar("/wall: first paint with figures, cold", "ms", 1500, digits=0),
    "first_paint_wall_warm_ms": Bar("/wall: first paint with figures, warm", "ms", 700, digits=0),
    "first_map_wall_cold_ms": Bar("/wall: the map painted, cold", "ms", None, digits=0),
    "first_map_wall_warm_ms": Bar("/wall: the map painted, warm", "ms", None, digits=0),
    "first_paint_desk_cold_ms": Bar("/desk: first paint with figures, cold", "ms", 2000, digits=0),
    "first_paint_desk_warm_ms": Bar("/desk: first paint with figures, warm", "ms", 2000, digits=0),
    "first_map_desk_cold_ms": Bar("/desk: the map painted, cold", "ms", None, digits=0),
    "first_map_desk_warm_ms": Bar("/desk: the map painted, warm", "ms", None, digits=0),
    "layers_long_ms_per_s": Bar("/map with coverage, 5,000 vehicles: long tasks", "ms/s", 20),
    "layers_main_ms_per_s": Bar("the same: page's main thread", "ms/s", None),
    "layers_frames_per_s": Bar("the same: frames drawn", "/s", 0.95, at_least=True, digits=2),
    "layers_ground_ms": Bar("the same: worker, painting 4,000 hexagons and the ground", "ms", None),
    "layers_vehicles_ms": Bar("the same: worker, painting the vehicles", "ms", None),
    "layers_coverage_kb": Bar("4,000 hexagons, one change", "kB", 25),
    "layers_coverage_ms": Bar("the same: writer's CPU", "ms", None),
    "layers_requests_kb": Bar("20,000 open requests, one change", "kB", None),
    "layers_requests_ms": Bar("the same: writer's CPU", "ms", None),
    "desk_long_ms_per_s": Bar("/desk at 5,000 vehicles: long tasks", "ms/s", 20),
    "desk_main_ms_per_s": Bar("/desk at 5,000 vehicles: main thread", "ms/s", None),
    "desk_layout_shift": Bar("/desk: what moved about since it opened", "", 0.02, digits=4),
    "experience_fps_portrait": Bar("kiosk, 1080 x 1920, 120 robots: frames, no GPU", "/s", 20, at_least=True),
    "experience_fps_landscape": Bar("the same, 1920 x 1080", "/s", 20, at_least=True),
    "experience_touch_portrait_p50_ms": Bar("kiosk: touch to picture, p50", "ms", 100, digits=0),
    "experience_touch_portrait_p95_ms": Bar("the same, p95", "ms", 100, digits=0),
    "experience_touch_landscape_p50_ms": Bar("the same, landscape, p50", "ms", 100, digits=0),
    "experience_touch_landscape_p95_ms": Bar("the same, landscape, p95", "ms", 100, digits=0),
    "experience_paint_portrait_ms": Bar("kiosk: first paint, new profile", "ms", 1500, digits=0),
    "experience_paint_landscape_ms": Bar("the same, landscape", "ms", 1500, digits=0),
    "experience_storm_faults": Bar("kiosk: 200 touches a second, what is thrown or left", "", 0, digits=0),
    "experience_storm_nodes": Bar("the same: elements more than before", "", 200, digits=0),
    "experience_soak_days": Bar("kiosk's page: days of updates in the soak", "days", None, digits=2),
    "experience_heap_growth_percent": Bar("kiosk's page: heap, growth over the soak", "%", 5),
    "experience_worker_growth_percent": Bar("the same: worker's heap", "%", 5),
    "experience_nodes_growth": Bar("the same: DOM nodes", "", 20, digits=0),
    "experience_rss_growth_percent": Bar("the same: memory of the process behind it", "%", 10),
    "experience_facts_seen": Bar("the same: names of facts the page holds", "", 9, at_least=True, digits=0),
    "experience_project_260_ms": Bar("public projection of the sandbox city, 260 vehicles", "ms", 20),
    "experience_check_260_ms": Bar("the same: checked by the public process", "ms", None),
    "experience_state_260_kb": Bar("the same: on the way", "kB", None),
    "experience_project_5000_ms": Bar("public projection, 5,000 robots", "ms", 200),
    "experience_check_5000_ms": Bar("the same: checked by the public process", "ms", None),
    "experience_state_5000_kb": Bar("the same: on the way", "kB", None),
    "writer_step_p50_ms": Bar("writer's step on a full city, p50", "ms", None),
    "writer_step_p95_ms": Bar("writer's step on a full city, p95", "ms", 60),
    "writer_step_max_ms": Bar("writer's step on a full city, longest", "ms", None),
    "diary_note_p50_ms": Bar("tracks and days of 5,000 vehicles, a second, p50", "ms CPU", None),
    "diary_note_p95_ms": Bar("the same, p95", "ms CPU", 20),
    "diary_mb": Bar("memory of 5,000 tracks", "MB", 25),
    "vehicle_card_p50_ms": Bar("card and track of one vehicle, p50", "ms CPU", None),
    "vehicle_card_p95_ms": Bar("card and track of one vehicle, p95", "ms CPU", 20),
    "vehicle_card_kb": Bar("card of one vehicle on the wire", "kB", None),
    "find_p50_ms": Bar("search in 30,000 things, p50", "ms", None),
    "find_p95_ms": Bar("search in 30,000 things, p95", "ms", 20),
    "find_moved_ms": Bar("search right after 5,000 vehicles moved, longest", "ms", None),
    "find_first_ms": Bar("search, the first after the start", "ms", None),
    "timeline_screen_p50_ms": Bar("the desk right after a seek in that day, painted, p50", "ms", None, digits=0),
    "timeline_screen_p95_ms": Bar("the desk right after a seek in that day, painted, p95", "ms", 500, digits=0),
    "timeline_screen_max_ms": Bar("the desk right after a seek in that day, longest", "ms", None, digits=0),
    "timeline_seek_p50_ms": Bar("seek in a day of 5,000 vehicles, from disk, p50", "ms", None),
    "timeline_seek_p95_ms": Bar("seek in a day of 5,000 vehicles, from disk, p95", "ms", 500),
    "timeline_seek_max_ms": Bar("seek in a day of 5,000 vehicles, longest", "ms", None),
    "timeline_seek_kb": Bar("a moment on the wire: map and 30 panels", "kB", None),
    "blackbox_day_mb": Bar("black box, a day of a full city", "MB", None, digits=0),
    "blackbox_record_p50_ms": Bar("black box, recording a frame, p50", "ms CPU", None),
    "blackbox_record_p95_ms": Bar("black box, recording a frame, p95", "ms CPU", None),
    "alarm_quiet_ms": Bar("alarms, 10,000 rows × 20 rules, nothing changing", "ms CPU", 10),
    "alarm_changing_ms": Bar("the same, 1 % change their phase", "ms CPU", 40),
    "alarm_alarming_ms": Bar("the same, 1 % are raised or return", "ms CPU", None),
    "alarm_flood_ms": Bar("10,000 alarms at once", "ms CPU", 1000, digits=0),
    "alarm_latency_p50_ms": Bar("exchange's answer to notification, p50", "ms", None, digits=0),
    "alarm_latency_p95_ms": Bar("exchange's answer to notification, p95", "ms", 300, digits=0),
    "alarm_latency_max_ms": Bar("exchange's answer to notification, longest", "ms", None, digits=0),
    "peer_latency_p50_ms": Bar("the same, Prometheus + Alertmanager at 1 s, p50", "ms", None, digits=0),
    "peer_latency_p95_ms": Bar("the same, Prometheus + Alertmanager at 1 s, p95", "ms", None, digits=0),
    "alarm_wall_quiet_ms": Bar("alarms beside Prometheus, nothing changing", "ms", None),
    "prometheus_quiet_ms": Bar("Prometheus, the same rules", "ms", None, digits=0),
    "alarm_of_prometheus": Bar("Prometheus takes so many times as long", "", 50, at_least=True),
    "alarm_wall_journalled_ms": Bar("alarms, 1 % change, journal in SQLite", "ms", None),
    "prometheus_changing_ms": Bar("Prometheus, the same changes", "ms", None, digits=0),
    "alarm_journalled_of_prometheus": Bar("Prometheus takes so many times as long", "", 10, at_least=True),
    "alarm_flood_accepted_s": Bar("10,000 alarms at once: stand, journalled and folded", "s", 2, digits=2),
    "alarm_flood_cpu_s": Bar("the same, processor time", "s CPU", None, digits=2),
    "alarm_after_flood_s": Bar("a highest alarm after them: in what pages call from", "s", 2, digits=2),
    "city_feeds": Bar("sandbox city: feeds, all fresh", "", None, digits=0),
    "city_cpu_percent": Bar("sandbox city, all feeds: CPU, nobody looking", "% of a core", 25),
    "city_wall_cpu_percent": Bar("sandbox city, all feeds: CPU, one wall open", "% of a core", 25),
    **{
        f"isolation_{fault}_percent": Bar(f"one feed {words}: change of the others' age", "%", 5)
        for fault, words in {
            "dead": "dead",
            "drip": "dripping",
            "large": "100× as large",
            "loop": "without a last page",
            "both": "100× as large, without a last page",
            "often": "asked 100× as often",
        }.items()
    },
    "rss_growth_percent": Bar("server memory, growth in 10 min", "%", 2, digits=2),
    "rss_mb": Bar("server memory", "MB", None),
    "history_core_percent": Bar("history at 5,000 vehicles a second, share of a core", "%", 15),
    "history_look_ms": Bar("history: a look at the city", "ms"),
    "history_longest_look_ms": Bar("history: the longest look", "ms"),
    "history_write_ms_each_15_s": Bar("history: a batch to the disk and the database", "ms"),
    "history_first_write_ms": Bar("history: the first batch of a start, with all requests", "ms"),
    "writer_step_p95_ms_without": Bar("writer's step p95 without history", "ms"),
    "writer_step_p95_ms_with": Bar("writer's step p95 with history beside it", "ms"),
    "history_mb_after_run": Bar("history file after the run", "MB"),
}


def table(ours: Figures, classic: Figures) -> str:
    """One line a figure: ours, classic, how many times better, the bar, whether it holds."""
    lines = [f"{'':52}{'ours':>12}{'classic':>12}{'ratio':>8}  bar"]
    for key, bar in BARS.items():
        if key not in ours and key not in classic:
            continue
        mine, theirs = (f.get(key, float("nan")) for f in (ours, classic))
        verdict = "" if bar.limit is None or key not in ours else "pass" if bar.holds(mine) else "MISSED"
        wanted = "" if bar.limit is None else f"{'≥' if bar.at_least else '≤'} {bar.limit:g}"
        title = f"{bar.title}{', ' + bar.unit if bar.unit else ''}"
        shown = "".join(f"{'–' if v != v else format(v, f',.{bar.digits}f'):>12}" for v in (mine, theirs))
        lines.append(f"{title:52}{shown}{_ratio(bar, mine, theirs):>8}  {wanted:8}{verdict}")
    return "\n".join(lines)


def _ratio(bar: Bar, mine: float, theirs: float) -> str:
    over, under = (mine, theirs) if bar.at_least else (theirs, mine)
    if over != over or under != under or under <= 0:
        return "–"
    return f"{over / under:.1f}×"


def main(measure: Measure, about: str) -> None:
    """The command line of one benchmark: `--only ours`, `--short`, `--json FILE`."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--only", choices=TARGETS)
    parser.add_argument("--short", action="store_true", help="a shorter, noisier run")
    parser.add_argument("--json", type=Path, help="add the figures to this file")
    given = parser.parse_args()
    run([measure], (given.only,) if given.only else TARGETS, given.short, given.json)


def run(measures: list[Measure], names: tuple[str, ...], short: bool, keep: Path | None) -> bool:
    """Measure, print, keep; whether every bar that was measured holds."""
    found: dict[str, Figures] = {name: {} for name in TARGETS}
    for measure in measures:
        for name in names:
            found[name].update(measure(name, short))
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end{', short form' if short else ''}")
    print(table(found["ours"], found["classic"]))
    if keep:
        before = json.loads(keep.read_text()) if keep.exists() else {}
        keep.write_text(json.dumps({n: {**before.get(n, {}), **found[n]} for n in TARGETS}, indent=2))
    return all(BARS[key].holds(value) for key, value in found["ours"].items() if key in BARS)
