"""The summaries over HTTP: which address gives what, and what is said where there is none."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, datetime, timedelta

import httpx
import openpyxl
import pytest

from control_room.access import LOOPBACK_NAMES, Gate, demo_identity
from control_room.city import CITIES, load_city
from control_room.history.place import name_file, open_history
from control_room.storage.database import open_database, sqlite_url
from control_room.summary.book import Sources
from control_room.summary.forms.service import DailyService
from control_room.summary.period import day_of
from tests.control_room.summary.past import Past

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DAY = day_of(NOW.date() - timedelta(days=1)).first


class Standing:
    """A clock that stands at NOW."""

    rate = 1.0

    def now(self):
        return NOW


@pytest.fixture(scope="module")
def city():
    return load_city(CITIES / "milton_keynes")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A history in which nine Saturdays have deliveries; the last one more than usual."""
    engine = open_history(tmp_path_factory.mktemp("history"), "sandbox")
    past = Past(engine)
    for week in range(9):
        past.total("robot.deliveries", DAY - timedelta(days=7 * week), 40.0 if week else 60.0)
    past.write()
    yield Sources(engine, None, True)
    engine.dispose()


def ask(service, path, method="GET", headers=None):
    """One request as a browser on this machine sends it, through the gate."""
    gate = Gate(service.serve, LOOPBACK_NAMES, demo_identity(loopback_only=True), lambda: "default-src 'self'")

    async def get():
        transport = httpx.ASGITransport(gate, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8050") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(get())


@pytest.fixture(scope="module")
def service(city, sources):
    return DailyService(city, Standing(), lambda: sources, True)


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/daily", "/daily/2026-11-21"),
        ("/daily/day", "/daily/2026-11-21"),
        ("/daily/week", "/daily/2026-W46"),
        ("/daily/month", "/daily/2026-10"),
    ],
)
def test_without_a_date_it_is_the_last_period_that_is_over(service, path, to):
    """Yesterday, last week, last month, by the city's clock."""
    answer = ask(service, path)

    assert (answer.status_code, answer.headers["location"]) == (307, to)


def test_yesterday_goes_by_the_citys_clock(city, sources):
    """At half past midnight of a summer night in London, UTC still has the day before."""

    class Summer(Standing):
        def now(self):
            return datetime(2026, 7, 14, 23, 30, tzinfo=UTC)

    answer = ask(DailyService(city, Summer(), lambda: sources, True), "/daily")

    assert answer.headers["location"] == "/daily/2026-07-14"


def test_the_page_tells_what_history_holds(service):
    """1,440 deliveries where 960 are usual."""
    answer = ask(service, "/daily/2026-11-21")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "1,440 deliveries" in answer.text
    assert "SANDBOX" in answer.text


@pytest.mark.parametrize(
    ("path", "sort", "begins", "name"),
    [
        ("/daily/2026-11-21.pdf", "application/pdf", b"%PDF-", 'inline; filename="SANDBOX-daily-2026-11-21.pdf"'),
        ("/daily/2026-W46.json", "application/json", b"{", 'inline; filename="SANDBOX-weekly-2026-W46.json"'),
        ("/daily/2026-10.zip", "application/zip", b"PK", 'attachment; filename="SANDBOX-monthly-2026-10.zip"'),
        (
            "/daily/2026-11-21/figures.csv",
            "text/csv; charset=utf-8",
            b'"section"',
            'attachment; filename="SANDBOX-2026-11-21-figures.csv"',
        ),
    ],
)
def test_every_form_has_its_address_its_type_and_its_name(service, path, sort, begins, name):
    """Days, weeks and months; what a browser can show is shown, the rest is kept as a file."""
    answer = ask(service, path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == sort
    assert answer.content.startswith(begins)
    assert answer.headers["content-disposition"] == name


def test_all_forms_have_the_same_figure(service):
    """What the page says, the spreadsheet, the table and the JSON hold as a number."""
    sheet = openpyxl.load_workbook(io.BytesIO(ask(service, "/daily/2026-11-21.xlsx").content))["figures"]
    (value,) = (row[3].value for row in sheet.iter_rows(min_row=5) if row[1].value == "robot.deliveries")
    made = json.loads(ask(service, "/daily/2026-11-21.json").content)
    figures = {f["name"]: f["value"] for section in made["sections"] for f in section["figures"]}
    (line,) = (x for x in ask(service, "/daily/2026-11-21/figures.csv").text.splitlines() if '"robot.deliveries"' in x)

    assert value == figures["robot.deliveries"] == 1440
    assert ",1440.0," in line


def test_a_page_is_sent_packed_to_whom_it_may_be(service):
    """A phone gets a fraction of the bytes; who takes no packing gets the text as it is."""
    packed = ask(service, "/daily/2026-11-21")
    plain = ask(service, "/daily/2026-11-21", headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) * 4 < int(plain.headers["content-length"])
    assert packed.text == plain.text


@pytest.mark.parametrize(
    "path",
    [
        "/daily/2026-11-31",
        "/daily/2026-W54",
        "/daily/1999-01-01",
        "/daily/yesterday",
        "/daily/2026-11-21.doc",
        "/daily/2026-11-21/no_such_table.csv",
        "/daily/2026-11-21/figures.pdf",
        "/daily/2026-11-21/../secret.csv",
    ],
)
def test_what_is_no_period_or_no_table_is_not_found(service, path):
    """A day that does not exist, a form that there is none of, a table nobody has."""
    assert ask(service, path).status_code == 404


def test_nothing_can_be_posted(service):
    """The pages are read, and nothing else."""
    assert ask(service, "/daily/2026-11-21", "POST").status_code == 405


def test_a_head_request_has_the_heads_and_no_body(service):
    """As for any page."""
    answer = ask(service, "/daily/2026-11-21", "HEAD")

    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


def test_while_history_is_not_open_the_page_says_so(city):
    """503 with a page of words and the ways on; a file's address says it in a line."""
    service = DailyService(city, Standing(), lambda: None, True)
    page, file = ask(service, "/daily/2026-11-21"), ask(service, "/daily/2026-11-21.pdf")

    assert (page.status_code, file.status_code) == (503, 503)
    assert "History is not open" in page.text
    assert "/daily/2026-11-20" in page.text
    assert file.text.startswith("503: History is not open")


def test_a_database_that_does_not_answer_is_said_and_not_hidden(city, tmp_path):
    """A file that is no database any more: 503 with the reason, not an empty summary."""
    open_history(tmp_path, "sandbox").dispose()
    path = name_file(tmp_path, "sandbox")
    for file in tmp_path.iterdir():
        if file.name.startswith(path.name):
            file.write_bytes(b"no database" * 1000)
    broken = Sources(open_database(sqlite_url(path)), None, True)
    answer = ask(DailyService(city, Standing(), lambda: broken, True), "/daily/2026-11-21")

    assert answer.status_code == 503
    assert "History does not answer" in answer.text
    assert str(tmp_path) not in answer.text


def test_links_in_files_lead_to_the_address_that_was_asked(service):
    """A report that is sent on still opens this control room."""
    content = ask(service, "/daily/2026-11-21.pdf").content

    assert b"http://localhost:8050/timeline" in content


def test_a_made_up_port_comes_into_no_link(service):
    """The gate judges the name alone; what stands behind its colon must be a port, or there are no links."""
    answer = ask(service, "/daily/2026-11-21.pdf", headers={"host": "localhost:80@evil.example"})

    assert answer.status_code == 200
    assert b"evil.example" not in answer.content
