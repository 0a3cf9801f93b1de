"""Tables, JSON and spreadsheets of a summary: text stays text, numbers stay numbers, the same summary is the same bytes."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace

import jsonschema
import openpyxl
import pytest
from pydantic import TypeAdapter

from control_room.summary.contents import Column, Section, Summary, Table
from control_room.summary.forms.as_json import SCHEMA_FILE, build_schema, encode_json
from control_room.summary.forms.sheets import (
    encode_csv,
    encode_csv_zip,
    escape_formula,
    list_sheets,
    name_csv,
    write_csv,
)
from control_room.summary.forms.words import (
    glance,
    is_worse,
    keep,
    list_said,
    say_departure,
    say_figure,
    say_percent,
    say_series,
    say_span,
)
from control_room.summary.forms.workbook import encode_xlsx
from control_room.summary.period import month_of, week_of
from tests.control_room.summary.example import make_empty, make_example

EXAMPLE = make_example()
DANGEROUS = [
    "=1+1",
    "+44 1908",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "\ufe661",
    "\ufe621",
    "\u22121",
    "a;=1+1",
    "a\n;@x",
    "|=cmd",
]


def sheet_of(name, summary=EXAMPLE):
    return next(s for s in list_sheets(summary) if s.name == name)


def rows_of(name, summary=EXAMPLE):
    return list(csv.reader(io.StringIO(encode_csv(sheet_of(name, summary), summary.header), newline="")))


def with_text(text):
    table = Table("strange", "Strange", (Column("text", "Text"), Column("n", "N", "number")), ((text, -5.5),), of=1)
    sections = tuple(replace(s, tables=(table,)) if s.name == "notes" else s for s in EXAMPLE.sections)
    return replace(EXAMPLE, sections=sections)


@pytest.mark.parametrize("text", DANGEROUS)
def test_text_that_a_spreadsheet_would_reckon_with_begins_with_an_apostrophe(text):
    """Whatever sign it begins with, also in full width, behind spaces or behind another country's separator."""
    cell = rows_of("strange", with_text(text))[1][0]

    for part in cell.replace("|", ";").split(";"):
        assert part == "" or part.lstrip()[0] == "'" or part.strip() == "a"


@pytest.mark.parametrize("text", ["Fetched by hand", "5 - 3", "a=b", "mail@example.org", "Łódź", "—", "'quoted'"])
def test_harmless_text_is_left_as_it_is(text):
    """An apostrophe stands only where a formula would begin."""
    assert escape_formula(text) == text


def test_a_negative_number_stays_a_number_in_csv_and_in_the_spreadsheet():
    """Minus five and a half is no formula: it is read back as a number from both."""
    summary = with_text("=1")
    book = openpyxl.load_workbook(io.BytesIO(encode_xlsx(summary)))

    assert rows_of("strange", summary)[1][1] == "-5.5"
    assert book["strange"]["B5"].value == -5.5


@pytest.mark.parametrize("text", [t for t in DANGEROUS if not set(t) & set("\t\r\n")])
def test_a_spreadsheet_holds_dangerous_text_as_text_and_says_so(text):
    """The cell is a string, never a formula, and stays one when somebody edits it (quote prefix)."""
    cell = openpyxl.load_workbook(io.BytesIO(encode_xlsx(with_text(text))))["strange"]["A5"]

    assert cell.data_type == "s"
    assert cell.value == text
    assert cell.quotePrefix


def test_no_sheet_has_a_formula_or_a_link_of_its_own():
    """Nothing in a spreadsheet is reckoned or fetched when it is opened."""
    made = zipfile.ZipFile(io.BytesIO(encode_xlsx(EXAMPLE)))
    sheets = [made.read(n).decode() for n in made.namelist() if n.startswith("xl/worksheets/")]

    assert sheets
    assert not any("<f>" in sheet or "hyperlink" in sheet for sheet in sheets)
    assert not any("externalLink" in n or "vba" in n.lower() for n in made.namelist())


def test_what_is_not_known_is_empty_and_never_zero():
    """A cell that is None is an empty cell in CSV and in the spreadsheet."""
    second = rows_of("robot_hours")[2]
    sheet = openpyxl.load_workbook(io.BytesIO(encode_xlsx(EXAMPLE)))["robot_hours"]

    assert second[1] == ""
    assert second[2] == "0.0"
    assert sheet["B6"].value is None
    assert sheet["C6"].value == 0


def test_moments_say_their_offset_and_spreadsheets_have_the_citys_clock():
    """In summer a moment of 11:00 UTC is 12:00 with an hour's offset."""
    summary = make_example(period=week_of(EXAMPLE.header.begins.date().replace(month=7, day=1)))

    assert rows_of("robot_hours", summary)[1][3] == "2026-06-29T07:00:00+01:00"
    cell = openpyxl.load_workbook(io.BytesIO(encode_xlsx(summary)))["robot_hours"]["D5"]
    assert cell.is_date
    assert f"{cell.value:%H:%M}" == "07:00"


def test_every_table_of_a_simulated_city_says_sandbox_in_its_name_and_in_each_row():
    """And none of a real one does."""
    real = make_example(simulated=False)
    for summary, marked in ((EXAMPLE, True), (real, False)):
        for sheet in list_sheets(summary):
            assert name_csv(sheet, summary.header).startswith("SANDBOX-") == marked
            rows = rows_of(sheet.name, summary)
            assert all((row[-1] == "SANDBOX") == marked for row in rows[1:])
        sheet = openpyxl.load_workbook(io.BytesIO(encode_xlsx(summary)))["figures"]
        assert ("SANDBOX" in sheet["A2"].value) == marked


def test_every_table_and_every_chart_of_the_summary_is_a_file(tmp_path):
    """Each table and each series, the figures and the answer; their names are those of the summary."""
    names = {path.name for path in write_csv(EXAMPLE, tmp_path)}

    tables = {f"SANDBOX-2026-11-21-{t.name}.csv" for t in EXAMPLE.list_tables()}
    assert tables < names
    assert {"SANDBOX-2026-11-21-by_hour_robot_deliveries.csv", "SANDBOX-2026-11-21-figures.csv"} < names
    assert {p.name for p in tmp_path.iterdir()} == names
    assert len(rows_of("figures")) == 1 + sum(1 for _ in EXAMPLE.list_figures())


@pytest.mark.parametrize("encode", [encode_xlsx, encode_json, encode_csv_zip])
def test_the_same_summary_is_the_same_bytes(encode):
    """Two makings of two equal summaries do not differ by a byte."""
    assert encode(make_example()) == encode(make_example())


def test_sheets_of_one_long_beginning_have_names_of_their_own():
    """A spreadsheet takes 31 characters; names that agree in these are told apart."""
    tables = tuple(Table("a" * 40 + end, "T", (Column("x", "X"),), (("y",),), of=1) for end in ("b", "c"))
    summary = replace(EXAMPLE, sections=(Section("fleet", "Fleet", tables=tables),))
    names = openpyxl.load_workbook(io.BytesIO(encode_xlsx(summary))).sheetnames

    assert len({name.casefold() for name in names}) == len(names) == 4
    assert max(map(len, names)) == 31


@pytest.mark.parametrize("summary", [EXAMPLE, make_example(simulated=False), make_empty()])
def test_json_keeps_to_its_schema(summary):
    """And says what it is of, with nothing unknown as a number."""
    made = json.loads(encode_json(summary))

    jsonschema.validate(made, json.loads(SCHEMA_FILE.read_text()), cls=jsonschema.Draft202012Validator)
    assert made["version"] == summary.version
    assert made["header"]["simulated"] == summary.header.simulated


def test_the_schema_refuses_what_a_summary_is_not():
    """A figure whose value is a text, and a departure that there is none of."""
    schema = json.loads(SCHEMA_FILE.read_text())
    for name, wrong in (("value", "many"), ("departure", "odd")):
        made = json.loads(encode_json(EXAMPLE))
        made["sections"][0]["figures"][0][name] = wrong
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(made, schema)


def test_the_schema_on_disk_is_that_of_the_contents():
    """`python -m control_room.summary.forms.as_json` writes it anew after a change."""
    assert json.loads(SCHEMA_FILE.read_text()) == json.loads(json.dumps(build_schema()))


def test_figures_come_back_from_json_as_they_were():
    """Nothing of a figure, a series or the answer is lost on the way."""
    back = TypeAdapter(Summary).validate_json(encode_json(EXAMPLE))

    assert back.answer == EXAMPLE.answer
    assert back.header == EXAMPLE.header
    assert [(s.figures, s.series) for s in back.sections] == [(s.figures, s.series) for s in EXAMPLE.sections]


def test_a_part_that_is_worse_says_so_first_at_a_glance():
    """Robots stuck is for the worse and stands before the deliveries, which are for the better."""
    assert glance(EXAMPLE.section("fleet")) == (
        "Stuck 6.9 hours, above usual, worse; Deliveries: 1,204, above usual, better"
    )


def test_a_figure_in_words_says_all_that_its_picture_shows():
    """Value, departure, usual, target; of an unknown one why."""
    header = EXAMPLE.header
    assert say_figure(EXAMPLE.figure("request.online_percent"), header) == (
        "Made online: 76.3 %; slightly below usual; usually 77.5 to 80.8 % (8 weeks); "
        "target at least 80 %, missed (Council strategy, 2024)"
    )
    assert say_figure(EXAMPLE.figure("slot.online_percent"), header) == (
        "Slots booked online: —; no slot of that day was heard of; "
        "target at least 90 %, not known (Council strategy, 2024)"
    )


def test_a_series_in_words_says_its_ends_and_what_is_missing():
    """Lowest and highest with their hours, how many were far off, how many are not known."""
    assert say_series(EXAMPLE.section("fleet").series[0]) == (
        "Deliveries by the hour: lowest 20 deliveries (00:00), highest 112 deliveries (23:00); "
        "14 of 21 far from what is usual; 2 not known"
    )


@pytest.mark.parametrize(("percent", "text"), [(99.9, "99 %"), (100.0, "100 %"), (0.01, "less than 1 %"), (0.0, "0 %")])
def test_nearly_all_is_not_all_and_nearly_nothing_not_nothing(percent, text):
    """A share is never rounded to all or nothing."""
    assert say_percent(percent) == text


def test_a_number_and_its_unit_stay_on_one_line():
    """Between them stands a space that does not break; between a number and a word an ordinary one."""
    assert keep("30 % below 15.7 km/h on 8 weeks") == "30\u00a0% below 15.7\u00a0km/h on 8 weeks"


def test_only_what_is_far_off_stands_out():
    """A figure outside of the band by less than its own width is slightly off, and no departure at a glance."""
    near = replace(EXAMPLE.figure("robot.available_percent"), value=85.0, departure="below", verdict="worse")
    far = replace(near, value=70.0)

    assert (say_departure(near), is_worse(near)) == ("slightly below usual", False)
    assert (say_departure(far), is_worse(far)) == ("below usual, worse", True)
    assert glance(Section("fleet", "Fleet", figures=(near,))) == "as usual"


def test_it_is_said_what_usual_is_made_of():
    """Weeks on ordinary days, in weeks and in months; holidays on a holiday."""
    header = EXAMPLE.header
    month = replace(header, period=month_of(header.begins.date()))
    holiday = replace(header, holiday="Christmas Day")

    assert [say_span(h, 8) for h in (header, month, holiday)] == ["8 weeks", "8 weeks", "8 holidays"]
    assert say_span(holiday, 1) == "1 holiday"


def test_in_words_what_stands_out_is_the_departure_or_the_missed_target():
    """Stuck is far off for the worse; of online requests it is the target that was missed, not the small departure."""
    header = EXAMPLE.header

    strong = {
        name: [line.text for line in list_said(EXAMPLE.figure(name), header) if line.is_strong]
        for name in ("robot.stuck_min", "robot.deliveries", "request.online_percent")
    }
    assert strong == {
        "robot.stuck_min": ["above usual, worse"],
        "robot.deliveries": [],
        "request.online_percent": ["target at least 80 %, missed (Council strategy, 2024)"],
    }
