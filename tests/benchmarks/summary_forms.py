"""How long each form of a summary takes to make, and how large it is, on one as large as a real day's.

Reading the summary is measured by `tests.benchmarks.summary`; a page that is
asked for costs both. The first making of a PDF in a process, which reads the
fonts, is told apart.

Run: python -m tests.benchmarks.summary_forms --only ours [--short]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from control_room.summary.contents import SECTIONS, Summary
from control_room.summary.forms.as_json import encode_json
from control_room.summary.forms.mail import build_mail
from control_room.summary.forms.pdf import encode_pdf
from control_room.summary.forms.sheets import encode_csv_zip
from control_room.summary.forms.workbook import encode_xlsx
from layouts.screens.daily import build_daily
from tests.control_room.summary.example import make_example

BASE = "https://control.example"
ROUNDS = 15
# Of a real day of the simulated city: 54 figures, 22 series of 24 hours, 12 tables of up to 15 rows.
FIGURES, SERIES, TABLES, ROWS = 54, 22, 12, 15
BARS_MS = {"page": 150.0, "letter": 150.0, "JSON": 50.0, "CSV": 150.0, "spreadsheet": 400.0, "PDF": 1_000.0}
FORMS: dict[str, Callable[[Summary], bytes]] = {
    "page": lambda summary: build_daily(summary).encode(),
    "letter": lambda summary: bytes(build_mail(summary, BASE).message()),
    "JSON": encode_json,
    "CSV": encode_csv_zip,
    "spreadsheet": encode_xlsx,
    "PDF": lambda summary: encode_pdf(summary, BASE),
}


def make_large() -> Summary:
    """The summary made by hand, repeated until it is as large as a real one; every part has its share."""
    example = make_example()
    figures, tables = [*example.list_figures()], [*example.list_tables()]
    series = example.section("fleet").series[0]
    sections = []
    for place, section in enumerate(example.sections):
        of = range(place, FIGURES, len(SECTIONS))
        ours = tuple(replace(figures[n % len(figures)], name=f"f{n}") for n in of)
        drawn = tuple(replace(series, name=f"s{n}") for n in range(place, SERIES, len(SECTIONS)))
        listed = tuple(
            replace(table, name=f"t{n}", rows=(table.rows * ROWS)[:ROWS], of=ROWS)
            for n in range(place, TABLES, len(SECTIONS))
            for table in (tables[n % len(tables)],)
        )
        sections.append(replace(section, figures=ours, series=drawn, tables=listed, note=""))
    return replace(example, sections=tuple(sections))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["ours"], default="ours")
    parser.add_argument("--short", action="store_true")
    rounds = 3 if parser.parse_args().short else ROUNDS
    summary, holds = make_large(), True
    began = time.perf_counter()
    encode_pdf(summary, BASE)
    print(f"first PDF of a process    {1000 * (time.perf_counter() - began):7.0f} ms")
    for name, encode in FORMS.items():
        took, size, worked = [], 0, time.process_time()
        for _ in range(rounds):
            began = time.perf_counter()
            size = len(encode(summary))
            took.append(1000 * (time.perf_counter() - began))
        worked_ms = 1000 * (time.process_time() - worked) / rounds
        middle, bar = statistics.median(took), BARS_MS[name]
        holds &= middle <= bar
        verdict = "holds" if middle <= bar else "MISSED"
        print(
            f"{name:<12} {middle:7.1f} ms, processor {worked_ms:6.1f} ms  (bar {bar:g} ms: {verdict})  {size / 1000:7.0f} kB"
        )
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
