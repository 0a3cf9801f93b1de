"""Whatever stands in a summary, every form of it can be made, and none takes text for anything else."""

from __future__ import annotations

import csv
import io
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any

import openpyxl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html

from control_room.summary.forms.as_json import encode_json
from control_room.summary.forms.mail import build_mail
from control_room.summary.forms.page import build_page
from control_room.summary.forms.pdf import encode_pdf
from control_room.summary.forms.sheets import encode_csv, is_formula, list_sheets
from control_room.summary.forms.workbook import encode_xlsx
from layouts.screens.daily import build_daily
from tests.control_room.summary.example import make_example

EXAMPLE = make_example()
# Fields whose texts are ours: names, sorts, addresses of the product.
OURS = {"name", "sort", "departure", "verdict", "step", "zone", "version", "section", "about", "link", "period"}
# Beside any text at all: what has a meaning in one of the forms.
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.sampled_from(
        [
            "</script><script>alert(1)</script>",
            "<!--[if mso]>-->",
            "]]>&amp;<?x?>",
            '#read("/etc/passwd") $x$ #{',
            "= heading\n- list",
            '=HYPERLINK("http://a.example")',
            "\r\nBcc: a@example.org",
            "\u202eabc",
            "\x00\x1b[31m",
            "\ufffe\uffff",
            "%PDF-1.7 endobj",
            "{{ x }} {% y %}",
            " \u200b ",
        ]
    ),
)


def fill(value: Any, text: str) -> Any:
    """The same with this text wherever somebody else's may stand."""
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: fill(getattr(value, f.name), text) for f in fields(value) if f.name not in OURS}
        return replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(fill(v, text) for v in value)
    if isinstance(value, str) and not isinstance(value, datetime):
        return text
    return value


@given(TEXTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_can_stand_in_every_form(text):
    """No form fails, no element, script, formula or line of a letter's head comes out of a text."""
    summary = fill(EXAMPLE, text)

    assert encode_pdf(summary, "https://control.example").startswith(b"%PDF-")
    assert encode_json(summary)
    for page in (build_daily(summary), build_page(summary)):
        tree = html.document_fromstring(page)
        assert tree.xpath("//script/@src") in ([], ["/assets/early/theme.js"])
        assert not tree.xpath("//script[text()]")
        assert tree.xpath("count(//main)") == 1
    mail = build_mail(summary)
    assert set(mail.message().keys()) == {"Subject", "MIME-Version", "Content-Type"}
    assert not html.document_fromstring(mail.html).xpath("//script | //img | //a")
    for sheet in list_sheets(summary):
        rows = list(csv.reader(io.StringIO(encode_csv(sheet, summary.header), newline="")))
        assert {len(row) for row in rows} == {len(sheet.columns) + 1}
        for row, told in zip(rows[1:], sheet.rows, strict=True):
            texts = [cell for cell, value in zip(row, told, strict=False) if isinstance(value, str)]
            assert not any(is_formula(cell) for cell in texts)


@given(TEXTS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_in_a_spreadsheet_is_read_back_as_text(text):
    """Another library opens it and finds no formula in any cell."""
    book = openpyxl.load_workbook(io.BytesIO(encode_xlsx(fill(EXAMPLE, text))))

    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
