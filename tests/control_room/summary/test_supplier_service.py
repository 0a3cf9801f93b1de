"""A supplier's own page over HTTP: which address gives what, and what is said where there is none."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from control_room.access import LOOPBACK_NAMES, Gate, demo_identity
from control_room.clock import FixedClock
from control_room.summary.book import Sources
from control_room.summary.forms.supplier import SupplierService
from tests.control_room.summary.test_records import BUSES, DAY, MIDNIGHT, write_quality


@pytest.fixture
def service(engine, records, city):
    write_quality(records, "buses", DAY, 0.9, rejects_json='{"<script>no_position": 2}')
    sources = Sources(engine, records, True, (BUSES,))
    return SupplierService(city, FixedClock(MIDNIGHT.replace(day=18)), lambda: sources)


def ask(service, path):
    """One request as a browser on this machine sends it, through the gate."""
    gate = Gate(service.serve, LOOPBACK_NAMES, demo_identity(loopback_only=True), lambda: "default-src 'self'")

    async def get():
        transport = httpx.ASGITransport(gate, client=("127.0.0.1", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8050") as client:
            return await client.get(path)

    return asyncio.run(get())


def test_the_page_says_what_was_promised_and_what_was_wrong(service):
    """Feed, supplier and day in the title, the finding first, SANDBOX on it; names from a feed are text and no markup."""
    page = ask(service, "/suppliers/buses/2026-06-17")

    assert page.status_code == 200
    assert "Buses (A bus company), Wednesday 17 June 2026" in page.text
    assert "promised are 95.0" in page.text
    assert "SANDBOX" in page.text
    assert "<script>no_position" not in page.text
    assert "/daily/2026-06-17" in page.text


def test_without_a_day_it_leads_to_the_last_one(service):
    """On the evening of the 18th, by London's clock already the 19th, that is the 18th."""
    page = ask(service, "/suppliers/buses")

    assert (page.status_code, page.headers["location"]) == (307, "/suppliers/buses/2026-06-18")


@pytest.mark.parametrize(("form", "begins"), [("pdf", b"%PDF"), ("json", b"{"), ("xlsx", b"PK"), ("zip", b"PK")])
def test_each_form_is_a_file_named_after_the_feed(service, form, begins):
    """What the supplier may keep and send on says whose it is, and that it is simulated."""
    answer = ask(service, f"/suppliers/buses/2026-06-17.{form}")

    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert f'filename="SANDBOX-buses-2026-06-17.{form}"' in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    "path",
    ["/suppliers/nobody/2026-06-17", "/suppliers/buses/2026-13", "/suppliers/buses/2026-02-30", "/suppliers/Buses/x"],
)
def test_what_is_not_there_is_404(service, path):
    """A feed that nobody knows, a day that does not exist, an address that is none."""
    assert ask(service, path).status_code == 404


def test_while_the_databases_are_not_open_it_says_so(city):
    """503 with the reason, and no page of zeros."""
    answer = ask(SupplierService(city, FixedClock(MIDNIGHT), lambda: None), "/suppliers/buses/2026-06-17")

    assert answer.status_code == 503
    assert "history is being opened" in answer.text


def test_a_day_on_which_nobody_asked_is_one_sentence_and_no_table_of_nothing(service):
    """Not kept, not broken: nothing is known, and no row of dashes says it 24 times."""
    page = ask(service, "/suppliers/buses/2026-06-10")

    assert page.status_code == 200
    assert "Nothing is known of this feed in this period" in page.text
    assert "<td" not in page.text.split("At a glance")[1].split("</section>", 1)[1]
